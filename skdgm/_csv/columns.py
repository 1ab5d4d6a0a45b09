"""How the cells of a column are written: digits, percent signs, dates, labels."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._tables import import_pandas
from .numbers import is_mark, read_cell

if TYPE_CHECKING:
    import pandas as pd

MOST_DIGITS = 12
TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S")
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y"),
    *("%d-%b-%Y", "%d-%b-%y", "%b-%y", "%d %b %Y", "%d %B %Y", "%d. %B %Y"),
    *("%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y"),
)
FORMATS = tuple(date + time for date in DATES for time in TIMES)
PROBED = 20  # cells that a format of dates must fit before all are read


@dataclass(frozen=True)
class CsvColumn:
    """How the cells of a column are written.

    Parameters
    ----------
    name : str
        Its name.
    sort : {"number", "date", "label"}
        What the cells hold.
    decimal : str
        The decimal mark of numbers.
    digits : int
        Most digits after it that a cell has.
    width : int
        Length to which whole numbers are padded by zeros, 0 if they are not.
    is_percent : bool
        True if cells are percentages.
    date_format : str
        The format of dates.
    labels : dict
        The text of booleans.
    """

    name: str
    sort: str
    decimal: str = "."
    digits: int = 0
    width: int = 0
    is_percent: bool = False
    date_format: str = ""
    labels: tuple[tuple[Any, str], ...] = ()

    def text_of(self, value: Any) -> str:
        """Return a value as the column would show it."""
        pandas = import_pandas("Reading CSV files")
        if pandas.isna(value):
            return ""
        if self.sort == "date":
            return pandas.Timestamp(value).strftime(self.date_format)
        if self.sort == "label":
            return dict(self.labels).get(value, str(value))
        number = float(value) * (100 if self.is_percent else 1)
        text = f"{number:.{self.digits}f}"
        if self.digits == 0 and self.width:
            text = text.zfill(self.width)
        if text.strip("-0.") == "":
            text = text.removeprefix("-")
        return text.replace(".", self.decimal) + "%" * self.is_percent

    def value_of(self, text: str) -> Any:
        """Return the value that a user writes, or raise a ValueError if it is none of the column.

        Numbers may be written with a point in any case.
        """
        text = text.strip()
        if self.sort == "date":
            for form in (self.date_format, "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"):
                try:
                    return import_pandas("Reading CSV files").Timestamp(
                        datetime.datetime.strptime(text, form)
                    )
                except ValueError:
                    continue
            raise ValueError(
                f"given must hold dates like {self.text_of(datetime.datetime(2020, 12, 31))!r} for "
                f"column {self.name!r}, got {text!r}."
            )
        if self.sort == "label":
            found = [value for value, own in self.labels if own == text]
            return found[0] if found else text
        for decimal in (self.decimal, "."):
            sort, number = read_cell(text, decimal)
            if sort in ("plain", "grouped", "percent"):
                is_share = sort == "percent" or (self.is_percent and sort == "plain")
                return number / 100 if is_share and self.is_percent else number
        raise ValueError(f"given must hold numbers for column {self.name!r}, got {text!r}.")


def number_column(name: str, shapes: Mapping[str, int], decimal: str) -> CsvColumn:
    """Return how a column of numbers of these shapes is written."""
    n_percent = sum(count for shape, count in shapes.items() if shape.endswith("%"))
    fraction = re.compile(rf"{re.escape(decimal)}(\d+)(e([+-]?\d+))?%?$", re.IGNORECASE)
    digits = 0
    for text in shapes:
        match = fraction.search(text)
        if match or "e" in text.lower():
            exponent = int(re.split("[eE]", text.rstrip("%"))[1]) if "e" in text.lower() else 0
            digits = max(digits, len(match[1] if match else "") - exponent)
    whole = [text.lstrip("+-") for text in shapes]
    lengths = {len(text) for text in whole}
    is_padded = digits == 0 and len(lengths) == 1 and any(text[:1] == "0" for text in whole)
    width = lengths.pop() if is_padded and max(lengths) > 1 else 0
    is_percent = 2 * n_percent > sum(shapes.values())
    return CsvColumn(name, "number", decimal, min(digits, MOST_DIGITS), width, is_percent)


def are_whole(shapes: Iterable[str], decimal: str) -> bool:
    """Return whether no number of these shapes has a fraction or is infinite."""
    return not any({decimal, "e", "E", "%", "n", "N"} & set(text) for text in shapes)


class DateTally:
    """The formats in which all cells of text are dates."""

    def __init__(self) -> None:
        self._formats = FORMATS
        self._is_new = True

    def add(self, column: pd.Series) -> None:
        """Drop the formats that further cells do not have; these are text or missing."""
        if not self._formats:
            return
        cells = column.dropna().drop_duplicates()
        cells = cells[~cells.map(is_mark).astype(bool)].str.strip()
        if not len(cells):
            return
        if self._is_new and not cells.iloc[0][-1:].isdigit():
            self._formats = ()
        self._is_new = False
        pandas = import_pandas("Reading CSV files")

        def fit(some: pd.Series, form: str) -> bool:
            return bool(pandas.to_datetime(some, format=form, errors="coerce").notna().all())

        self._formats = tuple(
            form for form in self._formats if fit(cells[:PROBED], form) and fit(cells, form)
        )

    @property
    def format(self) -> str | None:
        """The first format that all cells have, None if there is none."""
        return None if self._is_new else next(iter(self._formats), None)


def read_dates(column: pd.Series, date_format: str) -> pd.Series:
    """Return the dates in a column of text."""
    marks = column.map(lambda cell: isinstance(cell, str) and is_mark(cell)).astype(bool)
    dates = import_pandas("Reading CSV files").to_datetime(
        column.where(~marks).str.strip(), format=date_format
    )
    return dates
