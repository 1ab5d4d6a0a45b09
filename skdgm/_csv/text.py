"""The text of a CSV file: its separator, its lines, and its columns as pandas reads them.

Every error message starts with the name of the argument that it is about.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import itertools
import lzma
import os
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._tables import import_pandas
from .numbers import decimal_votes, find_decimal

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = ",;\t|"
SAMPLE = 100  # lines that tell the separator
COMPRESSED: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


def check_names(names: list[Any], argument: str, first: int = 1) -> None:
    """Raise a ValueError if names are empty or repeated; ``first`` is the number of the first."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if "" in names:
        raise ValueError(
            f"{argument} must name every column, but column {names.index('') + first} has no name."
        )
    if repeated:
        raise ValueError(
            f"{argument} must name every column differently, but {repeated[0]!r} is repeated."
        )


def check_marks(sep: str | None, decimal: str | None) -> None:
    if sep is not None and (len(sep) != 1 or sep in '"\r\n'):
        raise ValueError(f"sep must be one character that separates cells, got {sep!r}.")
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal must be '.' or ',', got {decimal!r}.")


def read_text(path: Path) -> str:
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


def has_byte_order_mark(path: Path) -> bool:
    """Return whether the text of a file that was read starts with a byte order mark."""
    with COMPRESSED.get(path.suffix.lower(), open)(path, "rb") as file:
        return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


# ---------------------------------------------------------------------- lines
def rows_of(text: str, sep: str) -> Any:
    """Return a reader of the lines of a text."""
    return csv.reader(io.StringIO(text, newline=""), delimiter=sep, skipinitialspace=sep != " ")


def is_blank(cells: list[str]) -> bool:
    return len(cells) <= 1 and not "".join(cells).strip()


def find_separator(text: str, target: str | None = None) -> str:
    def fit(sep: str) -> tuple[bool, bool, int]:
        found = (cells for cells in rows_of(text, sep) if not is_blank(cells))
        try:
            lines = list(itertools.islice(found, SAMPLE))
        except csv.Error:
            return False, False, 0
        names = [name.strip() for name in lines[0]] if lines else []
        is_even = {len(cells) for cells in lines} == {len(names)}
        return target is None or target in names, is_even, len(names)

    fits = {sep: fit(sep) for sep in SEPARATORS}
    parting = [sep for sep in SEPARATORS if fits[sep][2] > 1]
    return max(parting, key=fits.__getitem__, default=",")


def check_lines(text: str, path: Path, sep: str) -> tuple[list[str], list[int], bool]:
    """Return names, the line that each row ends in, and whether the first column names rows.

    Every line is checked to have as many cells as the first.
    """
    header: list[str] = []
    ends: list[int] = []
    row_names: list[str] = []
    lines = rows_of(text, sep)
    try:
        for cells in lines:
            if is_blank(cells):
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


# ---------------------------------------------------------------------- columns
def parse(
    text: str, header: list[str], sep: str, missing_values: Sequence[str], **options: Any
) -> pd.DataFrame:
    return import_pandas("Reading CSV files").read_csv(
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


def text_columns(table: pd.DataFrame) -> list[pd.Series]:
    """Return the columns of text."""
    infer = import_pandas("Reading CSV files").api.types.infer_dtype
    return [table[name] for name in table.columns if infer(table[name], skipna=True) == "string"]


def may_hold_commas(column: pd.Series) -> bool:
    with_comma = column.str.contains(",", regex=False, na=False)
    if not with_comma.any():
        return False
    votes, _ = decimal_votes(column)
    return bool(votes[","] or votes["either"])


def with_decimal(
    read: Callable[..., pd.DataFrame], decimal: str | None, apart: str | None = None
) -> tuple[pd.DataFrame, str]:
    """Read a table with the decimal mark that is given, or else the one that its columns show.

    The column ``apart`` does not tell.
    """
    table = read(decimal=decimal or ".")
    if decimal is not None:
        return table, decimal

    def others(whole: pd.DataFrame) -> pd.DataFrame:
        return whole if apart is None else whole.drop(columns=apart)

    decimal = "."
    if any(map(may_hold_commas, text_columns(others(table)))):
        decimal = find_decimal(others(read(dtype=str)))
        table = read(decimal=decimal) if decimal == "," else table
    return table, decimal
