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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._tables import import_pandas
from .decimals import DecimalVotes, find_decimal

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


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a file as they are, with what ends them."""
    if not os.path.isfile(path):
        seen = "is a directory" if os.path.isdir(path) else "does not exist"
        raise ValueError(f"data must be the path of a CSV file, but {str(path)!r} {seen}.")
    opened = COMPRESSED.get(path.suffix.lower(), open)
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield from file
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
def rows_of(lines: Iterable[str], sep: str) -> Any:
    """Return a reader of the rows that lines hold."""
    return csv.reader(lines, delimiter=sep, skipinitialspace=sep != " ")


def is_blank(cells: list[str]) -> bool:
    """Return whether a line with these cells, as they are written, is blank; quotes are not."""
    return len(cells) <= 1 and not "".join(cells).strip()


def find_separator(path: Path, target: str | None = None) -> str:
    def fit(sep: str) -> tuple[bool, bool, int]:
        found = (cells for cells in rows_of(lines_of(path), sep) if not is_blank(cells))
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


def records_of(path: Path, sep: str) -> Iterator[tuple[list[str], str, int]]:
    """Yield the cells of each row, its text, and the line that it ends in; names are the first.

    Blank lines belong to the text of the row after them; those at the end of the file come last,
    without cells. Every row is checked to have as many cells as the first.
    """
    text: list[str] = []
    n_blank = 0  # lines in front

    def noted() -> Iterator[str]:
        for line in lines_of(path):
            text.append(line)
            yield line

    rows = rows_of(noted(), sep)
    width = 0
    try:
        for cells in rows:
            if len(cells) <= 1 and is_blank(text[n_blank:]):
                n_blank = len(text)
                continue
            width = width or len(cells)
            if len(cells) != width:
                raise ValueError(
                    f"data must have as many cells in every line: the first line of "
                    f"{str(path)!r} names {width} columns, but line {rows.line_num} "
                    f"has {len(cells)}."
                )
            yield cells, "".join(text), rows.line_num
            text.clear()
            n_blank = 0
    except csv.Error as error:
        raise ValueError(
            f"data must be a CSV file, but line {rows.line_num} of {str(path)!r} cannot be "
            f"read: {error}."
        ) from None
    if text:
        yield [], "".join(text), rows.line_num


def refuse_no_rows(path: Path, header: list[str]) -> None:
    """Raise the ValueError about a file without rows."""
    held = "only a line of names" if header else "nothing"
    raise ValueError(
        f"data must hold a line of column names and at least one row, but {str(path)!r} holds "
        f"{held}."
    )


def check_lines(path: Path, sep: str) -> tuple[list[str], list[int], bool]:
    """Return names, the line that each row ends in, and whether the first column names rows."""
    header: list[str] = []
    ends: list[int] = []
    row_names: list[str] = []
    for cells, _, line in records_of(path, sep):
        if not cells:
            continue
        if not header:
            header = [name.strip() for name in cells]
            continue
        ends.append(line)
        row_names += cells[:1] if not header[0] else []
    if not ends:
        refuse_no_rows(path, header)
    has_row_names = bool(row_names) and len(set(row_names)) == len(row_names)
    check_names(header[has_row_names:], "data", 1 + has_row_names)
    return header, ends, has_row_names


@dataclass(frozen=True)
class Part:
    """Some rows of a file.

    Parameters
    ----------
    first : int
        Number of the first row.
    text : str
        Their text, with blank lines before them; at the end of a file also with those after them.
    ends : list of int
        The line of the file that each row ends in.
    row_names : list of str
        The first cells of the rows.
    """

    first: int
    text: str
    ends: list[int]
    row_names: list[str]


def parts_of(path: Path, sep: str, n_rows: int) -> Iterator[Part]:
    """Yield the rows of a file, without the names, in parts of ``n_rows``."""
    rows = itertools.islice(records_of(path, sep), 1, None)
    first = 0
    text: list[str] = []
    ends: list[int] = []
    names: list[str] = []
    for cells, own, line in rows:
        if cells and len(ends) == n_rows:
            yield Part(first, "".join(text), ends, names)
            first += n_rows
            text, ends, names = [], [], []
        text.append(own)
        if cells:
            ends.append(line)
            names.append(cells[0])
    if ends:
        yield Part(first, "".join(text), ends, names)


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
    if not has_comma(column):
        return False
    return DecimalVotes.of(column).tell_of_commas


def has_comma(column: pd.Series) -> bool:
    return bool(column.str.contains(",", regex=False, na=False).any())


def with_decimal(
    read: Callable[..., pd.DataFrame], decimal: str | None, apart: str
) -> tuple[pd.DataFrame, str]:
    """Read a table with the decimal mark that is given, or else the one that its columns show.

    The column ``apart`` does not tell.
    """
    table = read(decimal=decimal or ".")
    if decimal is not None:
        return table, decimal
    decimal = "."
    if any(map(may_hold_commas, text_columns(table.drop(columns=apart)))):
        whole = read(dtype=str).drop(columns=apart)
        decimal = find_decimal({name: DecimalVotes.of(whole[name]) for name in whole.columns})
        table = read(decimal=decimal) if decimal == "," else table
    return table, decimal
