"""How the cells of a column are written: digits, percent signs, dates, labels."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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


def learn_column(
    name: str, written: Sequence[str], values: pd.Series, decimal: str
) -> tuple[CsvColumn, pd.Series]:
    """Learn how a column is written; dates and whole numbers get dtypes of their own.

    Parameters
    ----------
    name : str
        Name of the column.
    written : sequence of str
        Its cells.
    values : Series of shape (n_rows,)
        What is read in them.
    decimal : str
        The decimal mark of the file.
    """
    seen = values.notna().to_numpy()
    texts = [text for text, own in zip(written, seen, strict=True) if own]
    if values.dtype.kind in "iuf":
        column = _of_numbers(name, texts, decimal)
        if values.dtype.kind == "f" and not seen.all() and column.is_whole(texts):
            values = values.astype("Int64")
        return column.column, values
    if values.map(type).isin([bool, np.bool_]).any():
        counts = Counter(zip(values[seen], (text.strip() for text in texts), strict=True))
        labels: dict[Any, str] = {}
        for (value, text), _ in counts.most_common():
            labels.setdefault(bool(value), text)
        return CsvColumn(name, "label", labels=tuple(labels.items())), values
    form = _date_format(values[seen])
    if form is None:
        return CsvColumn(name, "label"), values
    pandas = import_pandas("Reading CSV files")
    dates = pandas.to_datetime(
        values.where(~values.map(lambda cell: isinstance(cell, str) and is_mark(cell))).str.strip(),
        format=form,
    )
    return CsvColumn(name, "date", date_format=form), dates


@dataclass(frozen=True)
class _Numbers:
    column: CsvColumn

    def is_whole(self, texts: Sequence[str]) -> bool:
        """Return whether no cell has a fraction."""
        marks = {self.column.decimal, "e", "E", "%"}
        return not self.column.digits and not any(marks & set(text) for text in texts)


def _of_numbers(name: str, texts: Sequence[str], decimal: str) -> _Numbers:
    stripped = [text.strip() for text in texts]
    is_percent = 2 * sum(text.endswith("%") for text in stripped) > len(stripped)
    fraction = re.compile(rf"{re.escape(decimal)}(\d+)(e([+-]?\d+))?%?$", re.IGNORECASE)
    digits = 0
    for text in stripped:
        match = fraction.search(text)
        if match or "e" in text.lower():
            exponent = int(re.split("[eE]", text.rstrip("%"))[1]) if "e" in text.lower() else 0
            digits = max(digits, len(match[1] if match else "") - exponent)
    whole = [text.lstrip("+-") for text in stripped]
    lengths = {len(text) for text in whole}
    is_padded = digits == 0 and len(lengths) == 1 and any(text[:1] == "0" for text in whole)
    width = lengths.pop() if is_padded and max(lengths) > 1 else 0
    digits = min(digits, MOST_DIGITS)
    return _Numbers(CsvColumn(name, "number", decimal, digits, width, is_percent))


def _date_format(values: pd.Series) -> str | None:
    """Return the format in which all cells of text are dates, None if there is none."""
    pandas = import_pandas("Reading CSV files")
    if pandas.api.types.infer_dtype(values) != "string":
        return None
    cells = values[~values.map(is_mark)].str.strip().drop_duplicates()
    if not len(cells) or not cells.iloc[0][-1:].isdigit():
        return None

    def fit(some: pd.Series, form: str) -> bool:
        return bool(pandas.to_datetime(some, format=form, errors="coerce").notna().all())

    return next((form for form in FORMATS if fit(cells[:PROBED], form) and fit(cells, form)), None)
