"""Columns of numbers as parameters describe them: their kinds, and the steps of rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._codes import as_exact_floats
from ..._validation import ColumnError, shown
from .learned_steps import rounding_step
from .margins import distinct_values


def checked_kinds(kinds: Any, known: tuple[str, ...], n_columns: int) -> np.ndarray:
    """Return the kind of each column, from one for all or one for each."""
    given = np.asarray(kinds)
    if given.shape not in [(), (n_columns,)] or not np.isin(given, known).all():
        raise ValueError(
            f"kinds must be one of {', '.join(map(repr, known))}, or a list of {n_columns} of "
            f"them, one per column; got {shown(kinds)}."
        )
    return np.broadcast_to(given, (n_columns,))


def rounding_of(X: np.ndarray, weight: np.ndarray | None, rounding: Any) -> np.ndarray:
    """Return the step to which each column is rounded: as given, or None to find it."""
    if rounding is None:
        return np.array([rounding_step(*distinct_values(column, weight)) for column in X.T])
    return checked_rounding(rounding, X.shape[1])


def checked_rounding(rounding: Any, n_columns: int) -> np.ndarray:
    """Return the given steps of rounding as an array."""
    given = np.asarray(rounding, dtype=np.float64)
    if given.shape != (n_columns,) or not (np.isfinite(given) & (given >= 0)).all():
        raise ValueError(
            f"rounding must hold {n_columns} steps, one per column, of 0 or more; got "
            f"{shown(rounding)}."
        )
    return given


def check_same_grey_levels(first: bool, other: bool) -> None:
    """Raise a ValueError if one block of rows holds nothing but grey levels, and another does."""
    if first != other:
        raise ValueError(
            "X holds nothing but fractions between 0 and 1 in some blocks of rows, which are read "
            "as grey levels, and other values in others; binarize X first, or leave fractions out."
        )


def read_numbers(X: Any, is_count: np.ndarray) -> np.ndarray:
    """Return X as floats, of which the columns of counts hold integers."""
    X = np.asarray(as_exact_floats(X), dtype=np.float64)
    counts = X[:, is_count]
    with np.errstate(invalid="ignore"):
        wrong = ~np.isnan(counts) & (counts != np.floor(counts))
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        raise ColumnError(
            '{column} of {table} holds {value:g} in row {row}, but a column of the kind "count" '
            'must hold integers; round it, or make its kind "continuous".',
            int(np.flatnonzero(is_count)[place]),
            {"value": float(counts[row, place]), "row": int(row)},
        )
    return X
