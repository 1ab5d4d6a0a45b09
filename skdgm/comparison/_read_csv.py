"""The user's table read from a CSV file: separator and decimal mark found, columns told apart.

Every error message starts with the name of the argument that it is about.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._csv.text import (
    check_lines,
    check_marks,
    find_separator,
    lines_of,
    parse,
    text_columns,
    with_decimal,
)
from .._csv.text_numbers import read_numbers
from .._tables import import_pandas
from ._left_out import find_left_out

if TYPE_CHECKING:
    import pandas as pd

NAMELESS = "left out: the first column, which has no name; name it in the file to use it."


def load_table(
    data: str | PathLike[str],
    target: str,
    *,
    sep: str | None = None,
    decimal: str | None = None,
    missing_values: Sequence[str] = (),
    drop: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> tuple[pd.DataFrame, pd.Series]:
    r"""Read a CSV file and split it into features and labels.

    Columns of numbers may hold numbers grouped by thousands (``1,234.5``), percentages (``12%`` is
    0.12), and marks of missing values (``?``, ``-``, ``missing`` and the like). Up to one cell in
    ten may be something else, and is missing; so are single percentages among other numbers, and
    single numbers of thousands among much smaller ones, unless ``decimal`` is given. Identifiers,
    row numbers and dates are left out. A warning names each column that this concerns, with its
    cells.

    Parameters
    ----------
    data : str or path
        A CSV file: UTF-8 text with the names of the columns in the first line, plain or compressed
        (``.gz``, ``.bz2`` or ``.xz``). Cells that are empty or hold ``NA`` and the like are missing
        values.
    target : str
        Name of the column that holds the class labels.
    sep : str, default=None
        The character that separates cells. None takes the one of comma, semicolon, tab and ``|``
        that parts the first lines into the same number of cells, ``target`` among the names.
    decimal : {".", ","}, default=None
        The decimal mark. None takes the one that the numbers show; where only cells like ``1,234``
        hold commas, it must be given.
    missing_values : sequence of str, default=()
        Cells that stand for a missing value in any column.
    drop : sequence of str, default=()
        Names of columns to leave out.
    keep : sequence of str, default=()
        Names of columns to use even if they look like identifiers, row numbers or dates.

    Returns
    -------
    X : DataFrame of shape (n_samples, n_features)
        The other columns.
    y : Series of shape (n_samples,)
        The target.

    Raises
    ------
    ValueError
        If the file does not exist, is empty, is not UTF-8 text or is ragged (a line with more or
        fewer cells than the first), if a column has no name or that of another column, if the
        decimal mark is not clear, if the target is not among the columns or no other column is
        left, or if another argument is invalid.
    ImportError
        If pandas is not installed.

    Warns
    -----
    UserWarning
        If cells are read as other than they are written, or columns are left out.

    Examples
    --------
    >>> import os, tempfile
    >>> from skdgm import load_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "flowers.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("length;colour;species\n1,5;red;a\n;blue;b\n")
    ...     X, y = load_table(path, "species")
    >>> X.shape, list(y)
    ((2, 2), ['a', 'b'])
    >>> X["length"].tolist()
    [1.5, nan]
    """
    import_pandas("Comparing classifiers")
    check_marks(sep, decimal)
    for argument, values in (("missing_values", missing_values), ("drop", drop), ("keep", keep)):
        if isinstance(values, str) or not isinstance(values, Collection):
            raise ValueError(f"{argument} must be a list, got {values!r}.")
    path = Path(data)
    sep = sep or find_separator(path, target)
    header, lines, has_row_names = check_lines(path, sep)
    text = "".join(lines_of(path))
    _check_target(header, target, sep)
    for argument, names in (("drop", drop), ("keep", keep)):
        _check_chosen(argument, names, header, target)
    _check_disjoint(drop, keep)
    ignored = [*drop, *[""] * has_row_names]

    def read(**options: Any) -> pd.DataFrame:
        table = parse(text, header, sep, missing_values, **options)
        return table.drop(columns=ignored)

    is_told = decimal is not None
    table, decimal = with_decimal(read, decimal, target)
    X, y = table.drop(columns=target), table[target]
    notes = [NAMELESS] if has_row_names else []
    for column in text_columns(X):
        numbers, note = read_numbers(column, decimal, lines, is_told)
        X[column.name] = numbers
        notes += [note] if note else []
    X, left = _without_left_out(X, keep)
    for note in notes + left:
        warnings.warn(note, UserWarning, stacklevel=2)
    return X, y


def _check_target(header: list[str], target: str, sep: str) -> None:
    if not target or target not in header:
        shown = ", ".join(repr(name) for name in header[:10])
        more = f" and {len(header) - 10} more" if len(header) > 10 else ""
        raise ValueError(
            f"target must be a column of data, got {target!r}; the columns, which {sep!r} must "
            f"separate, are {shown}{more}."
        )


def _check_chosen(argument: str, names: Sequence[str], header: list[str], target: str) -> None:
    for name in names:
        if not name or name not in header:
            raise ValueError(f"{argument} must name columns of data, got {name!r}.")
        if name == target:
            raise ValueError(f"{argument} must not name the target, {target!r}.")


def _check_disjoint(drop: Sequence[str], keep: Sequence[str]) -> None:
    both = [name for name in keep if name in drop]
    if both:
        raise ValueError(f"keep must not name columns in drop, got {both[0]!r}.")


def _without_left_out(X: pd.DataFrame, keep: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the columns that describe rows, and notes on the others."""
    reasons, doubtful = find_left_out(X.drop(columns=list(keep)))
    notes = []
    if reasons:
        listed = ", ".join(f"{name!r} ({reason})" for name, reason in reasons.items())
        notes.append(f"left out: {listed}; name a column in keep to use it.")
    if doubtful:
        listed = ", ".join(map(repr, doubtful[:3]))
        more = f" and {len(doubtful) - 3} more" if len(doubtful) > 3 else ""
        notes.append(
            f"a different integer in every row: {listed}{more}; name columns in drop if these are "
            "identifiers."
        )
    X = X.drop(columns=list(reasons))
    if not X.shape[1]:
        seen = f"; left out: {', '.join(map(repr, reasons))}" if reasons else ""
        raise ValueError(
            f"target must not be the only column, but data has no other to predict it from{seen}."
        )
    return X, notes
