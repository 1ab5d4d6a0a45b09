"""The user's table read from a CSV file: separator and decimal mark found, columns told apart.

Every error message starts with the name of the argument that it is about.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import lzma
import os
import warnings
import zlib
from collections.abc import Callable, Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._left_out import find_left_out
from ._numbers import decimal_votes, find_decimal, read_numbers
from ._tables import check_names, import_pandas

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
NAMELESS = "left out: the first column, which has no name; name it in the file to use it."
SAMPLE = 100  # lines that tell the separator
COMPRESSED: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


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
    import_pandas()
    _check_marks(sep, decimal)
    for argument, values in (("missing_values", missing_values), ("drop", drop), ("keep", keep)):
        if isinstance(values, str) or not isinstance(values, Collection):
            raise ValueError(f"{argument} must be a list, got {values!r}.")
    path = Path(data)
    text = _read_text(path)
    sep = sep or _find_separator(text, target)
    header, lines, has_row_names = _check_lines(text, path, sep)
    _check_target(header, target, sep)
    for argument, names in (("drop", drop), ("keep", keep)):
        _check_chosen(argument, names, header, target)
    _check_disjoint(drop, keep)
    ignored = [*drop, *[""] * has_row_names]

    def read(**options: Any) -> pd.DataFrame:
        return _parse(text, header, sep, missing_values, **options).drop(columns=ignored)

    table = read(decimal=decimal or ".")
    is_told = decimal is not None
    if decimal is None:
        decimal = "."
        if any(map(_may_hold_commas, _texts(table.drop(columns=target)))):
            decimal = find_decimal(read(dtype=str).drop(columns=target))
            table = read(decimal=decimal) if decimal == "," else table
    X, y = table.drop(columns=target), table[target]
    notes = [NAMELESS] if has_row_names else []
    for column in _texts(X):
        numbers, note = read_numbers(column, decimal, lines, is_told)
        X[column.name] = numbers
        notes += [note] if note else []
    X, left = _without_left_out(X, keep)
    for note in notes + left:
        warnings.warn(note, UserWarning, stacklevel=2)
    return X, y


def _check_marks(sep: str | None, decimal: str | None) -> None:
    if sep is not None and (len(sep) != 1 or sep in '"\r\n'):
        raise ValueError(f"sep must be one character that separates cells, got {sep!r}.")
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal must be '.' or ',', got {decimal!r}.")


def _read_text(path: Path) -> str:
    if not os.path.isfile(path):
        seen = "is a directory" if os.path.isdir(path) else "does not exist"
        raise ValueError(f"data must be the path of a CSV file, but {str(path)!r} {seen}.")
    opened = COMPRESSED.get(path.suffix.lower(), open)
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"data must be UTF-8 text, but {str(path)!r} is not ({error.reason}); save it as CSV "
            "with the encoding UTF-8."
        ) from None
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"data cannot be decompressed: {str(path)!r}: {error}.") from None
    except OSError as error:
        seen = error.strerror or str(error)
        raise ValueError(f"data cannot be read: {str(path)!r}: {seen}.") from None


# ---------------------------------------------------------------------- lines
def _rows(text: str, sep: str) -> Any:
    """Return a reader of the lines of a text."""
    return csv.reader(io.StringIO(text, newline=""), delimiter=sep, skipinitialspace=sep != " ")


def _is_blank(cells: list[str]) -> bool:
    return len(cells) <= 1 and not "".join(cells).strip()


def _find_separator(text: str, target: str) -> str:
    def fit(sep: str) -> tuple[bool, bool, int]:
        found = (cells for cells in _rows(text, sep) if not _is_blank(cells))
        try:
            lines = list(itertools.islice(found, SAMPLE))
        except csv.Error:
            return False, False, 0
        names = [name.strip() for name in lines[0]] if lines else []
        is_even = {len(cells) for cells in lines} == {len(names)}
        return target in names, is_even, len(names)

    fits = {sep: fit(sep) for sep in SEPARATORS}
    parting = [sep for sep in SEPARATORS if fits[sep][2] > 1]
    return max(parting, key=fits.__getitem__, default=",")


def _check_lines(text: str, path: Path, sep: str) -> tuple[list[str], list[int], bool]:
    """Return names, the line that each row ends in, and whether the first column names rows.

    Every line is checked to have as many cells as the first.
    """
    header: list[str] = []
    ends: list[int] = []
    row_names: list[str] = []
    lines = _rows(text, sep)
    try:
        for cells in lines:
            if _is_blank(cells):
                continue
            if not header:
                header = [name.strip() for name in cells]
                continue
            ends.append(lines.line_num)
            row_names += cells[:1] if not header[0] else []
            if len(cells) != len(header):
                raise ValueError(
                    f"data must have as many cells in every line: the first line of "
                    f"{str(path)!r} names {len(header)} columns, but line {lines.line_num} "
                    f"has {len(cells)}."
                )
    except csv.Error as error:
        raise ValueError(
            f"data must be a CSV file, but line {lines.line_num} of {str(path)!r} cannot be "
            f"read: {error}."
        ) from None
    if not ends:
        held = "only a line of names" if header else "nothing"
        raise ValueError(
            f"data must hold a line of column names and at least one row, but {str(path)!r} holds "
            f"{held}."
        )
    has_row_names = bool(row_names) and len(set(row_names)) == len(row_names)
    check_names(header[has_row_names:], "data", 1 + has_row_names)
    return header, ends, has_row_names


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


# ---------------------------------------------------------------------- columns
def _parse(
    text: str, header: list[str], sep: str, missing_values: Sequence[str], **options: Any
) -> pd.DataFrame:
    return import_pandas().read_csv(
        io.StringIO(text),
        sep=sep,
        header=0,
        names=header,
        index_col=False,
        skipinitialspace=sep != " ",
        low_memory=False,
        na_values=list(missing_values),
        **options,
    )


def _texts(table: pd.DataFrame) -> list[pd.Series]:
    """Return the columns of text."""
    infer = import_pandas().api.types.infer_dtype
    return [table[name] for name in table.columns if infer(table[name], skipna=True) == "string"]


def _may_hold_commas(column: pd.Series) -> bool:
    with_comma = column.str.contains(",", regex=False, na=False)
    if not with_comma.any():
        return False
    votes, _ = decimal_votes(column)
    return bool(votes[","] or votes["either"])


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
