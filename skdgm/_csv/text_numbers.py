"""Numbers in columns that pandas takes for text.

A column stays one of numbers if some of its cells stand for missing values ("?"), are grouped by
thousands ("1,234.5") or are percentages. What decides adds up over parts of a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._tables import import_pandas
from .numbers import OTHER_MARK, STRAY_SHARE, read_cell
from .shapes import shape_of

if TYPE_CHECKING:
    import pandas as pd

FAR = 10  # times the largest plain number, if grouped ones are rare
SHOWN = 5  # cells in a note
KEPT = 1000  # different cells of each sort that a note may show


@dataclass(frozen=True)
class NumberReading:
    """How the text of a column is read as numbers.

    Parameters
    ----------
    decimal : {".", ","}
        The decimal mark.
    is_percent : bool
        True if percentages are numbers and other cells are missing, False for the other way round:
        nothing says that "12%" means 0.12 among numbers like 11.5. Only 0 is the same in both.
    has_grouped : bool
        True if numbers grouped by thousands are numbers, False if they are missing.
    is_integer : bool
        True if all cells are whole numbers.
    """

    decimal: str
    is_percent: bool
    has_grouped: bool
    is_integer: bool

    def keeps(self, sort: str, is_zero: bool) -> bool:
        """Return whether cells of a sort are numbers."""
        if sort in ("mark", "stray") or (sort == "grouped" and not self.has_grouped):
            return False
        return is_zero or (sort == "percent") == self.is_percent

    def number_of(self, text: str) -> float:
        """Return the number in a cell, NaN for a missing one."""
        sort, number = read_cell(text, self.decimal)
        if not self.keeps(sort, number == 0):
            return np.nan
        return number / 100 if sort == "percent" else number

    def read(self, column: pd.Series) -> pd.Series:
        """Return the numbers in a column of text."""
        pandas = import_pandas("Reading CSV files")
        codes, texts = pandas.factorize(column)
        numbers = np.array([*map(self.number_of, texts.tolist()), np.nan])[codes]
        if self.is_integer:
            numbers = numbers.astype(np.int64)
        return pandas.Series(numbers, column.index, name=column.name)


@dataclass
class _Cell:
    """Cells with one text: their sort, number and count, and the place of the first of them."""

    sort: str
    number: float
    count: int
    row: int
    line: int


class TextTally:
    """Evidence of whether a column of text holds numbers, and how they are written.

    Parameters
    ----------
    name : str
        Name of the column, for notes.
    decimal : {".", ","}
        The decimal mark.
    """

    def __init__(self, name: str, decimal: str) -> None:
        self._name, self._decimal = name, decimal
        self._counts: Counter[tuple[str, bool]] = Counter()  # by sort, and whether it is zero
        self._shapes: dict[tuple[str, bool], Counter[str]] = {}
        self._n_hopeless = 0  # strays with either decimal mark
        self._numbers: set[float] = set()  # the first two
        self._smallest_grouped, self._largest_plain = np.inf, 0.0
        self._is_whole = self._is_finite = True
        self._cells: dict[str, _Cell] = {}
        self._n_kept: Counter[str] = Counter()
        self._n_rows = 0
        self.has_missing = self.has_comma = False

    def add(self, column: pd.Series, lines: Sequence[int]) -> None:
        """Count further cells, which are text or missing; rows end in these lines of the file."""
        codes, texts = import_pandas("Reading CSV files").factorize(column)
        self.has_missing |= bool((codes < 0).any())
        counts = np.bincount(codes[codes >= 0], minlength=len(texts)).tolist()
        seen = np.flatnonzero(codes >= 0)[::-1]
        first = np.empty(len(texts), dtype=np.intp)
        first[codes[seen]] = seen  # the first row comes last, and stays
        for text, count, row in zip(texts.tolist(), counts, first.tolist(), strict=True):
            self._count(text, count, self._n_rows + row, lines[row])
        self._n_rows += len(codes)

    def _count(self, text: str, count: int, row: int, line: int) -> None:
        sort, number = read_cell(text, self._decimal)
        key = (sort, number == 0)
        self._counts[key] += count
        self.has_comma = self.has_comma or "," in text
        if text in self._cells:
            self._cells[text].count += count
        elif self._n_kept[sort] <= KEPT:
            self._n_kept[sort] += 1
            self._cells[text] = _Cell(sort, number, count, row, line)
        if sort == "stray":
            is_hopeless = read_cell(text, OTHER_MARK[self._decimal])[0] == "stray"
            self._n_hopeless += count if is_hopeless else 0
        if sort in ("mark", "stray"):
            return
        if len(self._numbers) < 2:
            self._numbers.add(number)
        self._shapes.setdefault(key, Counter())[shape_of(text)] += count
        self._is_whole = self._is_whole and not {self._decimal, "%", "e", "E"} & set(text)
        self._is_finite = self._is_finite and bool(np.isfinite(number))
        if sort == "grouped":
            self._smallest_grouped = min(self._smallest_grouped, abs(number))
        elif sort == "plain":
            self._largest_plain = max(self._largest_plain, abs(number))

    def _number_of(self, *sorts: str) -> int:
        return sum(count for (sort, _), count in self._counts.items() if sort in sorts)

    # ------------------------------------------------------------------ what they tell
    def decide(self, is_told: bool) -> tuple[NumberReading | None, str | None]:
        """Return how the column is read as numbers, None if it is text, and a note on its cells.

        ``is_told`` says that the user has told the decimal mark.
        """
        n_strays = self._number_of("stray")
        n_cells = n_strays + self._number_of("plain", "grouped", "percent")
        if n_strays > STRAY_SHARE * n_cells:
            if 2 * self._n_hopeless >= n_cells:
                return None, None
            strays = [text for text, cell in self._cells.items() if cell.sort == "stray"]
            return None, (
                f"column {self._name!r} is read as text, because {n_strays} of {n_cells} cells are "
                f"no numbers: {self._listed(strays)}; name those that stand for missing values in "
                "missing_values, or the mark of fractions in decimal."
            )
        if len(self._numbers) < 2:
            return None, None  # no numbers, or all that counts is where there is one
        n_percent = self._counts["percent", False]
        n_others = sum(self._counts[sort, False] for sort in ("plain", "grouped", "stray"))
        reading = NumberReading(
            self._decimal, n_percent > n_others, is_told or not self._is_damaged(), False
        )
        has_lost = any(not reading.keeps(*key) for key, count in self._counts.items() if count)
        is_complete = not (self.has_missing or has_lost) and self._is_finite
        reading = NumberReading(
            self._decimal, reading.is_percent, reading.has_grouped, is_complete and self._is_whole
        )
        return reading, self._note(reading)

    def _is_damaged(self) -> bool:
        """Return whether numbers grouped by thousands are too few and too large for the column.

        A column of amounts holds numbers of hundreds, too; "1,234.5" among numbers like 5.1 is
        damage.
        """
        n_grouped, n_plain = self._number_of("grouped"), self._number_of("plain")
        if not n_grouped or n_grouped > STRAY_SHARE * (n_grouped + n_plain):
            return False
        return bool(self._smallest_grouped > FAR * self._largest_plain)

    def shapes(self, reading: NumberReading) -> Counter[str]:
        """Return the shapes of the cells that are numbers."""
        kept = [shapes for key, shapes in self._shapes.items() if reading.keeps(*key)]
        return sum(kept, Counter())

    def is_without_holes(self, reading: NumberReading) -> bool:
        """Return whether every cell is a number."""
        kept = sum(count for key, count in self._counts.items() if reading.keeps(*key))
        return not self.has_missing and kept == self._counts.total()

    def _note(self, reading: NumberReading) -> str | None:
        numbers = {text: reading.number_of(text) for text in self._cells}
        lost = [text for text, number in numbers.items() if number != number]
        changed = [
            text
            for text, cell in self._cells.items()
            if cell.sort in ("grouped", "percent") and numbers[text] == numbers[text]
        ]
        hint = "" if reading.has_grouped else f" (decimal={self._decimal!r} reads thousands)"
        parts = []
        if lost:
            parts.append(f"missing where it holds {self._listed(lost)}{hint}")
        if changed:
            parts.append(f"with {self._listed(changed, numbers)}")
        return f"column {self._name!r} is read as numbers, {'; '.join(parts)}." if parts else None

    def _listed(self, texts: list[str], numbers: dict[str, float] | None = None) -> str:
        """List the most frequent of some cells, with their numbers if they are given."""
        texts = sorted(texts, key=lambda text: (-self._cells[text].count, self._cells[text].row))
        listed = []
        for text in sorted(texts[:SHOWN], key=lambda text: self._cells[text].row):
            cell = self._cells[text]
            others = f" and {cell.count - 1} more" if cell.count > 1 else ""
            number = "" if numbers is None else f" as {numbers[text]:.15g}"
            listed.append(f"{text!r}{number} (line {cell.line}{others})")
        n_more = len(texts) - SHOWN
        are_all = all(self._n_kept[self._cells[text].sort] <= KEPT for text in texts)
        more = f" and {n_more if are_all else 'many'} other values" if n_more > 0 else ""
        return f"{', '.join(listed)}{more}"


def read_numbers(
    column: pd.Series, decimal: str, lines: Sequence[int], is_told: bool
) -> tuple[pd.Series, str | None]:
    """Return a column of text as numbers, if that is what it holds, and a note on its cells.

    Parameters
    ----------
    column : Series of shape (n_rows,)
        Text, of which some may be missing.
    decimal : {".", ","}
        The decimal mark.
    lines : sequence of int
        The line of the file that each row ends in, for the note.
    is_told : bool
        True if the user has told the decimal mark.

    Returns
    -------
    column : Series of shape (n_rows,)
        Numbers, or the column as it came.
    note : str or None
        What was done, if there is something to say.
    """
    tally = TextTally(str(column.name), decimal)
    tally.add(column, lines)
    reading, note = tally.decide(is_told)
    return (column if reading is None else reading.read(column)), note
