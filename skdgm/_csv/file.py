"""CSV files that are written back as they were read, but for the cells that are filled in.

Files may be larger than memory: they are read in parts, each of which holds what the whole does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from .._tables import import_pandas
from .columns import CsvColumn
from .reader import ColumnReader, CsvSource, learn_readers
from .text import (
    Part,
    check_marks,
    find_separator,
    has_byte_order_mark,
    is_blank,
    records_of,
    refuse_no_rows,
)

if TYPE_CHECKING:
    import pandas as pd

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
CELLS_AT_ONCE = 2**16  # of which a part consists


@dataclass(frozen=True, eq=False)
class CsvPart:
    """Some rows of a file.

    Parameters
    ----------
    first : int
        Number of the first row.
    text : str
        Their text.
    frame : DataFrame of shape (n_rows, n_columns)
        The columns that have a name and, in the whole file, a value; rows count from 0.
    """

    first: int
    text: str
    frame: pd.DataFrame


@dataclass(frozen=True, eq=False)
class CsvFile:
    """A CSV file: how it is written, and what pandas and this library read in it.

    Parameters
    ----------
    start : str
        A byte order mark if the file starts with one, else nothing.
    source : CsvSource
        Its rows in parts.
    readers : dict of str to ColumnReader
        How the columns are read that have a name and at least one value.
    decimal : {".", ","}
        The decimal mark.
    n_rows : int
        Number of rows.
    """

    start: str
    source: CsvSource
    readers: dict[str, ColumnReader]
    decimal: str
    n_rows: int

    @classmethod
    def read(
        cls,
        path: str | PathLike[str],
        *,
        sep: str | None = None,
        decimal: str | None = None,
        missing_values: Sequence[str] = (),
    ) -> Self:
        """Learn how a file is read by the rules of ``load_table``, which leaves nothing out here.

        Dates are told by their format. A column without a name, in front, which names rows, and
        columns without any value are no part of the table; they are written back as they were.
        """
        check_marks(sep, decimal)
        path = Path(path)
        sep = sep or find_separator(path)
        names, head, _ = next(records_of(path, sep), ([], "", 0))
        if not names:
            refuse_no_rows(path, names)
        header = [name.strip() for name in names]
        n_rows = max(1, CELLS_AT_ONCE // len(header))
        source = CsvSource(path, sep, head, header, missing_values, n_rows)
        readers, decimal, n_rows = learn_readers(source, decimal)
        start = BOM if has_byte_order_mark(path) else ""
        return cls(start, source, readers, decimal, n_rows)

    @cached_property
    def columns(self) -> dict[str, CsvColumn]:
        """How the cells of the columns are written."""
        return {name: reader.column for name, reader in self.readers.items()}

    # ------------------------------------------------------------------ reading
    def parts(self) -> Iterator[CsvPart]:
        """Yield the rows, read as the whole file says."""
        return map(self._read, self.source.parts())

    def _read(self, part: Part) -> CsvPart:
        told = {own: reader.parsed for own, reader in self.readers.items() if reader.parsed}
        table = self.source.table(
            part, dtype=told, usecols=list(self.readers), decimal=self.decimal
        )
        for name, reader in self.readers.items():
            table[name] = reader.read(table[name])
        return CsvPart(part.first, part.text, table[list(self.readers)])

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All rows at once."""
        whole = replace(self.source, n_rows=self.n_rows)
        return self._read(next(whole.parts())).frame

    def rows_at(self, places: np.ndarray) -> pd.DataFrame:
        """Return the rows of some numbers, which ascend, counted from 0."""
        found = []
        for part in self.parts():
            first, last = np.searchsorted(places, [part.first, part.first + len(part.frame)])
            found.append(part.frame.iloc[places[first:last] - part.first])
        return import_pandas("Reading CSV files").concat(found, ignore_index=True)

    # ------------------------------------------------------------------ writing
    @property
    def head(self) -> str:
        """The start of the file, with the line of all names."""
        return self.start + self.source.head

    def filled(self, part: CsvPart, completed: pd.DataFrame) -> str:
        """Return the text of some rows, with values in place of missing ones."""
        sep = self.source.sep
        split = list(split_lines(part.text, sep))
        missing = part.frame.isna()
        rows = [own for own, _ in split if own]
        for name, column in self.columns.items():
            place = self.source.header.index(name)
            for row in np.flatnonzero(missing[name]):
                rows[row][place] = self._quoted(column.text_of(completed[name].iloc[row]))
        return "".join(sep.join(own) + end for own, end in split)

    def head_of_rows(self) -> str:
        """Return the line of the names of the columns, as the file has them."""
        own = next(own for own, _ in self._head_lines if own)
        return self.start + self._line(own[self.source.header.index(name)] for name in self.columns)

    def rows_like(self, table: pd.DataFrame) -> str:
        """Return the text of rows of the columns."""
        texts = [
            [self._quoted(column.text_of(value)) for value in table[name]]
            for name, column in self.columns.items()
        ]
        return "".join(map(self._line, zip(*texts, strict=True)))

    @cached_property
    def _head_lines(self) -> list[tuple[list[str], str]]:
        return list(split_lines(self.source.head, self.source.sep))

    def _line(self, cells: Iterable[str]) -> str:
        return self.source.sep.join(cells) + (self._head_lines[-1][1] or "\n")

    def _quoted(self, text: str) -> str:
        if any(mark in text for mark in (self.source.sep, '"', "\n", "\r")):
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
            yield ([], whole) if is_blank(cells) else (cells, match[2])
            cells, start = [], position
