"""How each column of a CSV file is read, learned from the whole file part by part.

A reader finds the same cells in any part of a file as in all of it.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._tables import import_pandas
from .columns import CsvColumn, DateTally, are_whole, number_column, read_dates
from .decimals import DecimalVotes, find_decimal
from .shapes import count_shapes
from .text import Part, check_names, parse, parts_of, refuse_no_rows
from .text_numbers import NumberReading, TextTally

if TYPE_CHECKING:
    import pandas as pd

DTYPES = {"int": np.int64, "uint": np.uint64, "float": np.float64, "text": str}
NUMBERS = {"int", "uint", "float"}


@dataclass(frozen=True)
class CsvSource:
    """The rows of a CSV file in parts.

    Parameters
    ----------
    path : Path
        The file.
    sep : str
        The character that separates cells.
    head : str
        The text up to the end of the line of names.
    header : list of str
        The names, "" in front of a column of row names.
    missing_values : sequence of str
        Cells that are missing values in any column.
    n_rows : int
        Number of rows of a part.
    """

    path: Path
    sep: str
    head: str
    header: list[str]
    missing_values: Sequence[str]
    n_rows: int

    def parts(self) -> Iterator[Part]:
        """Yield the rows, without the names."""
        return parts_of(self.path, self.sep, self.n_rows)

    def table(self, part: Part, **options: Any) -> pd.DataFrame:
        """Return what pandas reads in a part."""
        text = self.head + part.text
        return parse(text, self.header, self.sep, self.missing_values, **options)


class ColumnTally:
    """Evidence of how a column is to be read, from the parts of a file so far."""

    def __init__(self, name: str, decimal: str) -> None:
        self._name, self._decimal = name, decimal
        self._sorts: set[str] = set()
        self._has_missing = self._has_negative = False
        self._shapes: Counter[str] = Counter()
        self._labels: Counter[tuple[bool, str]] = Counter()
        self.start_texts()

    def start_texts(self) -> None:
        """Forget the cells of text."""
        self.texts, self._dates = TextTally(self._name, self._decimal), DateTally()

    def add(self, values: pd.Series, texts: pd.Series, lines: Sequence[int]) -> None:
        """Count the cells of a part, as pandas reads them and as text."""
        missing = texts.isna()
        self._has_missing |= bool(missing.any())
        if missing.all():
            self.texts.has_missing = True
            return
        sort = _sort_of(values)
        shapes = count_shapes(texts[~missing].str.strip()) if sort in NUMBERS else Counter()
        if sort == "float" and are_whole(shapes, self._decimal):
            sort = "int"  # beside missing cells
        self._sorts.add(sort)
        if sort == "text" and self._sorts == {"text"}:
            self.add_texts(texts, lines)
        elif sort == "bool":
            own = texts[~missing].str.strip()
            self._labels.update(zip(values[~missing].map(bool), own, strict=True))
        else:
            self._shapes.update(shapes)
            self._has_negative |= sort == "int" and bool(values.min() < 0)

    def add_texts(self, texts: pd.Series, lines: Sequence[int]) -> None:
        """Count the cells of a part as text."""
        self.texts.add(texts, lines)
        self._dates.add(texts)

    @property
    def sort(self) -> str:
        """The sort that pandas would find in all parts together."""
        if self._sorts == {"bool"} or not self._sorts:
            return "bool" if self._sorts else "empty"
        if not self._sorts <= NUMBERS:
            return "text"
        if "float" in self._sorts:
            return "float"
        if "uint" in self._sorts:
            return "text" if self._has_missing or self._has_negative else "uint"
        return "float" if self._has_missing else "int"

    @property
    def lacks_texts(self) -> bool:
        """True for a column of text of which not all cells were counted as such."""
        return self.sort == "text" and self._sorts != {"text"}

    def reader(self, is_told: bool) -> tuple[ColumnReader, str | None]:
        """Return how the column is read, and a note on its cells.

        ``is_told`` says that the user has told the decimal mark.
        """
        name, decimal, sort = self._name, self._decimal, self.sort
        if sort == "bool":
            labels: dict[Any, str] = {}
            for (value, text), _ in self._labels.most_common():
                labels.setdefault(value, text)
            column = CsvColumn(name, "label", labels=tuple(labels.items()))
            return ColumnReader(column, None, object if self._has_missing else bool), None
        if sort != "text":
            has_holes = sort == "float" and self._has_missing
            nullable = "Int64" if has_holes and are_whole(self._shapes, decimal) else None
            column = number_column(name, self._shapes, decimal)
            return ColumnReader(column, DTYPES[sort], nullable), None
        reading, note = self.texts.decide(is_told)
        if reading is not None:
            shapes = self.texts.shapes(reading)
            has_holes = not self.texts.is_without_holes(reading)
            nullable = "Int64" if has_holes and are_whole(shapes, decimal) else None
            column = number_column(name, shapes, decimal)
            return ColumnReader(column, str, nullable, reading), note
        if self._dates.format is None:
            return ColumnReader(CsvColumn(name, "label"), str), note
        return ColumnReader(CsvColumn(name, "date", date_format=self._dates.format), str), note


def _sort_of(values: pd.Series) -> str:
    """Return the sort of the cells in a part of a column: uint, int, float, bool or text."""
    kind = getattr(values.dtype, "kind", "O")
    if kind in "uif":
        return {"u": "uint", "i": "int", "f": "float"}[kind]
    infer = import_pandas("Reading CSV files").api.types.infer_dtype
    return "bool" if infer(values, skipna=True) == "boolean" else "text"


@dataclass(frozen=True)
class ColumnReader:
    """How a column is read.

    Parameters
    ----------
    column : CsvColumn
        How its cells are written.
    parsed : type or None
        The dtype that pandas is told, None for what it finds.
    dtype : object, default=None
        The dtype of what is read, None for that which comes of itself.
    numbers : NumberReading or None, default=None
        How numbers are read in text.
    """

    column: CsvColumn
    parsed: Any
    dtype: Any = None
    numbers: NumberReading | None = None

    def read(self, values: pd.Series) -> pd.Series:
        """Return the cells of a part."""
        if self.numbers is not None:
            values = self.numbers.read(values)
        if self.column.sort == "date":
            values = read_dates(values, self.column.date_format)
        return values if self.dtype is None else values.astype(self.dtype)


def learn_readers(
    source: CsvSource, decimal: str | None
) -> tuple[dict[str, ColumnReader], str, int]:
    """Learn how the columns with a name and a value are read; return the decimal mark and n_rows.

    Parameters
    ----------
    source : CsvSource
        The file.
    decimal : {".", ","} or None
        The decimal mark; None finds the one that the numbers show.

    Raises
    ------
    ValueError
        If the file is no table with names and at least one value, or if the mark is not clear.
    """
    is_told, decimal = decimal is not None, decimal or "."
    tallies, n_rows = _tally(source, decimal)
    if not is_told:
        suspects = [
            name
            for name, tally in tallies.items()
            if tally.sort == "text" and tally.texts.has_comma
        ]
        if any(own.tell_of_commas for own in _votes(source, suspects).values()):
            decimal = find_decimal(_votes(source, list(tallies)))
            if decimal == ",":
                tallies, n_rows = _tally(source, decimal)
    readers, notes = {}, []
    for name, tally in tallies.items():
        if tally.sort != "empty":
            readers[name], note = tally.reader(is_told)
            notes += [note] if note else []
    empty = [name for name in tallies if name not in readers]
    if empty:
        notes.append(f"no value in {', '.join(map(repr, empty))}: left as it is.")
    for note in notes:
        warnings.warn(note, UserWarning, stacklevel=3)
    if not readers:
        path = str(source.path)
        raise ValueError(f"data must hold at least one value, but {path!r} holds none.")
    return readers, decimal, n_rows


def _tally(source: CsvSource, decimal: str) -> tuple[dict[str, ColumnTally], int]:
    """Count cells, and check that each column has a name; the first may hold names of rows."""
    header = source.header
    may_name_rows = header[0] == ""
    check_names(header[may_name_rows:], "data", 1 + may_name_rows)
    tallies = {name: ColumnTally(name, decimal) for name in header[may_name_rows:]}
    row_names, n_rows = [np.empty(0, dtype=np.uint64)], 0
    hashed = import_pandas("Reading CSV files").util.hash_array
    for part in source.parts():
        n_rows += len(part.ends)
        if may_name_rows:
            row_names.append(hashed(np.array(part.row_names, dtype=object), categorize=False))
        values = source.table(part, decimal=decimal)
        texts = source.table(part, dtype=str)
        for name, tally in tallies.items():
            tally.add(values[name], texts[name], part.ends)
    if not n_rows:
        refuse_no_rows(source.path, header)
    if may_name_rows and len(np.unique(np.concatenate(row_names))) < n_rows:
        check_names(header, "data")
    late = {name: tally for name, tally in tallies.items() if tally.lacks_texts}
    for tally in late.values():
        tally.start_texts()
    for part in source.parts() if late else ():
        texts = source.table(part, dtype=str, usecols=list(late))
        for name, tally in late.items():
            tally.add_texts(texts[name], part.ends)
    return tallies, n_rows


def _votes(source: CsvSource, names: list[str]) -> dict[str, DecimalVotes]:
    """Count the cells of columns that tell the decimal mark."""
    votes = {name: DecimalVotes() for name in names}
    for part in source.parts() if names else ():
        texts = source.table(part, dtype=str, usecols=names)
        for name, own in votes.items():
            own.add(texts[name])
    return votes
