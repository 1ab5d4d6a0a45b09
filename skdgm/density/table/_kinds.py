"""The kind of each column of a table, as its cells and dtype show it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

KINDS = (
    "binary",
    "categorical",
    "ordinal",
    "count",
    "continuous",
    "constant",
    "identifier",
)
FEW_INTEGERS = 10  # distinct values of an ordinal column of integers
ROWS_OF_IDENTIFIERS = 50  # from which on as many values as rows identify these


def infer_kind(values: np.ndarray, n_rows: int, column: Any) -> str:
    """Return the kind of a column.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Its distinct observed values, codes for labels.
    n_rows : int
        Number of rows, also those in which the column is missing.
    column : SchemaColumn
        Its role, and what its dtype says.
    """
    is_label = column.role == "label"
    is_whole = is_label or column.integer
    n_values = len(column.labels) if is_label and column.declared else len(values)
    if n_values == 1:
        return "constant"
    if is_whole and len(values) == n_rows >= ROWS_OF_IDENTIFIERS and not column.ordered:
        return "identifier"
    if n_values == 2 and column.role in ("label", "number"):
        return "binary"
    if is_label:
        return "ordinal" if column.ordered else "categorical"
    if column.role == "number" and np.array_equal(values, np.floor(values)):
        if len(values) <= FEW_INTEGERS:
            return "ordinal"
        if column.integer and values[0] >= 0:
            return "count"
    return "continuous"


def check_told(
    told: Mapping[Any, str] | None, names: list[Any], columns: tuple[Any, ...]
) -> dict[int, str]:
    """Return the kinds that the user tells, by the index of the column."""
    found: dict[int, str] = {}
    for name, kind in (told or {}).items():
        place = names.index(name) if name in names else name
        if isinstance(place, bool) or not isinstance(place, int | np.integer):
            raise ValueError(
                f"columns tells the kind of {name!r}, but no column of X has that name; the "
                f"columns are {', '.join(map(repr, names))}."
            )
        if not -len(names) <= place < len(names):
            raise ValueError(
                f"columns tells the kind of column {name}, but X has {len(names)} columns."
            )
        if kind not in KINDS:
            raise ValueError(
                f"columns tells the kind {kind!r} of column {name!r}, but a kind must be one of "
                f"{', '.join(map(repr, KINDS))}."
            )
        if columns[place].role == "label" and kind in ("count", "continuous"):
            raise ValueError(
                f"columns tells the kind {kind!r} of column {name!r}, which holds no numbers; "
                'convert it, or tell the kind "categorical".'
            )
        found[int(place) % len(names)] = str(kind)
    return found


def warn_of_identifiers(names: list[Any]) -> None:
    """Warn of columns that identify rows."""
    if not names:
        return
    *first, last = map(repr, names)
    several = f"Columns {', '.join(first)} and {last} have" if first else f"Column {last} has"
    warnings.warn(
        f"{several} a different value in every row and counts as an identifier: it contributes "
        "nothing to the score. Leave it out, or tell its kind with columns={name: kind}.",
        UserWarning,
        stacklevel=2,
    )
