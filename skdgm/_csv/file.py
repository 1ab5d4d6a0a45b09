"""CSV files that are written back as they were read, but for the cells that are filled in."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._tables import import_pandas
from .columns import CsvColumn, learn_column
from .numbers import read_numbers
from .text import (
    check_lines,
    check_marks,
    find_separator,
    has_byte_order_mark,
    is_blank,
    parse,
    read_text,
    text_columns,
    with_decimal,
)

if TYPE_CHECKING:
    import pandas as pd

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, eq=False)
class CsvFile:
    """A CSV file: the text of its cells, and what pandas and this library read in them.

    Parameters
    ----------
    start : str
        A byte order mark if the file starts with one, else nothing.
    lines : list of tuple of list of str and str
        The cells of each line as they are written, with quotes and spaces, and what ends the line.
        Blank lines have no cells. The first line with cells holds the names.
    sep : str
        The character that separates cells.
    frame : DataFrame of shape (n_rows, n_columns)
        The columns that have a name and at least one value.
    columns : dict of str to CsvColumn
        How the cells of these are written.
    places : dict of str to int
        Where these stand in a line.
    """

    start: str
    lines: list[tuple[list[str], str]]
    sep: str
    frame: pd.DataFrame
    columns: dict[str, CsvColumn]
    places: dict[str, int]

    @classmethod
    def read(
        cls,
        path: str | PathLike[str],
        *,
        sep: str | None = None,
        decimal: str | None = None,
        missing_values: Sequence[str] = (),
    ) -> Self:
        """Read a file by the rules of ``load_table``, which leaves nothing out here.

        Dates are told by their format. A column without a name, in front, which names rows, and
        columns without any value are no part of the frame; they are written back as they were.
        """
        pandas = import_pandas("Reading CSV files")
        check_marks(sep, decimal)
        text = read_text(Path(path))
        sep = sep or find_separator(text)
        header, ends, has_row_names = check_lines(text, Path(path), sep)
        raw = list(split_lines(text, sep))
        mark = BOM if has_byte_order_mark(Path(path)) else ""
        cells = [own for own, _ in raw if own][1:]

        def read(**options: Any) -> pd.DataFrame:
            table = parse(text, header, sep or ",", missing_values, **options)
            return table.drop(columns=[""] * has_row_names)

        is_told = decimal is not None
        table, decimal = with_decimal(read, decimal)
        for column in text_columns(table):
            numbers, note = read_numbers(column, decimal, ends, is_told)
            table[column.name] = numbers
            if note:
                warnings.warn(note, UserWarning, stacklevel=2)
        empty = [str(name) for name in table.columns if table[name].isna().all()]
        if empty:
            listed = ", ".join(map(repr, empty))
            warnings.warn(f"no value in {listed}: left as it is.", UserWarning, stacklevel=2)
        table = table.drop(columns=empty)
        if not table.shape[1]:
            raise ValueError(f"data must hold at least one value, but {str(path)!r} holds none.")
        places = {name: header.index(name) for name in map(str, table.columns)}
        columns = {}
        for name, place in places.items():
            written = [_content(row[place]) for row in cells]
            columns[name], values = learn_column(name, written, table[name], decimal)
            table[name] = values
        return cls(mark, raw, sep, pandas.DataFrame(table), columns, places)

    # ------------------------------------------------------------------ writing
    def filled(self, completed: pd.DataFrame) -> str:
        """Return the text of the file, with values in place of missing ones."""
        missing = self.frame.isna()
        lines = [list(own) for own, _ in self.lines]
        rows = [place for place, own in enumerate(lines) if own][1:]
        for name, place in self.places.items():
            column = self.columns[name]
            for row in np.flatnonzero(missing[name]):
                value = completed[name].iloc[row]
                lines[rows[row]][place] = self._quoted(column.text_of(value))
        ended = zip(lines, (end for _, end in self.lines), strict=True)
        return self.start + "".join(self.sep.join(own) + end for own, end in ended)

    def rows_like(self, table: pd.DataFrame) -> str:
        """Return the text of a file with rows of the columns of the frame."""
        head = next(own for own, _ in self.lines if own)
        end = next((end for own, end in self.lines if own and end), "\n")
        lines = [[head[place] for place in self.places.values()]]
        texts = [
            [self._quoted(self.columns[name].text_of(value)) for value in table[name]]
            for name in self.places
        ]
        lines += map(list, zip(*texts, strict=True))
        return self.start + "".join(self.sep.join(line) + end for line in lines)

    def _quoted(self, text: str) -> str:
        if any(mark in text for mark in (self.sep, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text


def split_lines(text: str, sep: str) -> Iterator[tuple[list[str], str]]:
    """Yield the cells of each line as they are written, and the end of the line.

    A line that counts as blank has no cells, and is its own end.
    """
    other = re.escape(sep)
    space = "" if sep == " " else " *"
    cell = re.compile(
        rf'({space}"(?:[^"]|"")*"[^{other}\r\n]*|[^{other}\r\n]*)({other}|\r\n|\n|\r|\Z)'
    )
    cells: list[str] = []
    start = position = 0
    while position < len(text) or cells:
        match = cell.match(text, position)
        assert match is not None
        cells.append(match[1])
        position = match.end()
        if match[2] != sep:
            whole = text[start:position]
            yield ([], whole) if is_blank([_content(own) for own in cells]) else (cells, match[2])
            cells, start = [], position


def _content(cell: str) -> str:
    """Return what a cell holds, without quotes around it."""
    inner = cell.strip(" ")
    if inner.startswith('"'):
        end = inner.rfind('"')
        return inner[1:end].replace('""', '"') + inner[end + 1 :] if end > 0 else inner[1:]
    return cell.lstrip(" ")
