"""Columns of a file that say nothing about rows to come: identifiers, row numbers and dates.

A file sorted by its labels would make row numbers predict them. Identifiers of text are told as
:class:`TableDensity` tells them; other integers that differ in every row may be amounts, too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .._csv.columns import DATES
from .._csv.numbers import STRAY_SHARE, is_mark
from .._tables import Schema
from ..density.table._kinds import infer_kind

if TYPE_CHECKING:
    import pandas as pd

NUMBERED_ROWS = 10  # from which on integers in such an order are no coincidence
PROBED = 20  # cells that a format of dates must fit before all are read
NAMES = re.compile(r"(^|_)(id|ids|uuid|guid|nr)$", re.IGNORECASE)
TIME = re.compile(
    r"[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AP]M)?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?$", re.IGNORECASE
)
FORMATS = (*DATES, "%Y%m%d")


def find_left_out(X: pd.DataFrame) -> tuple[dict[str, str], list[str]]:
    """Find the columns to leave out, and those that may be identifiers.

    Returns
    -------
    reasons : dict of str to str
        What each column to leave out holds.
    doubtful : list of str
        Columns of integers that differ in every row, without another sign of being identifiers.
    """
    reasons, doubtful = {}, []
    schema = Schema.learn(X)
    for place, column in enumerate(schema.columns):
        own = X.iloc[:, place].dropna()
        name = str(X.columns[place])
        numbers = own.to_numpy(np.float64) if own.dtype.kind in "iuf" else None
        if _are_dates(own):
            reasons[name] = "dates"
        elif _is_named_identifier(name, own, numbers):
            reasons[name] = "identifiers"
        elif numbers is not None and _number_rows(numbers, len(X)):
            reasons[name] = "row numbers"
        elif infer_kind(own.unique(), len(X), column) == "identifier":
            if numbers is None:
                reasons[name] = "identifiers"
            elif np.ptp(numbers) < 2 * len(X):
                reasons[name] = "row numbers"
            else:
                doubtful.append(name)
    return reasons, doubtful


def _is_named_identifier(name: str, own: pd.Series, numbers: np.ndarray | None) -> bool:
    """Return whether a name says so of text or integers that differ in every row."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^0-9A-Za-z]+", "_", name).strip("_")
    is_whole = numbers is None or np.array_equal(numbers, np.floor(numbers))
    return bool(NAMES.search(words)) and is_whole and len(own) > 1 and bool(own.is_unique)


def _number_rows(numbers: np.ndarray, n_rows: int) -> bool:
    """Return whether integers rise or fall all the way down the rows, or count them in any order.

    Those that rise or fall may repeat, each once on average.
    """
    if n_rows < NUMBERED_ROWS or not np.array_equal(numbers, np.floor(numbers)):
        return False
    if len(set(numbers)) == n_rows and np.ptp(numbers) == n_rows - 1:
        return True
    steps = np.diff(numbers)
    n_values = np.count_nonzero(steps) + 1
    return bool(n_values >= n_rows / 2 and ((steps >= 0).all() or (steps <= 0).all()))


def _are_dates(own: pd.Series) -> bool:
    """Return whether the observed cells of a column are dates, all of one format but for a few."""
    import pandas

    cells = own.drop_duplicates()
    formats: tuple[str, ...] = FORMATS
    if cells.dtype.kind in "iuf":
        if not cells.between(18_000_101, 22_001_231).all() or (cells % 1).any():
            return False
        text, formats = cells.astype(np.int64).map(str), ("%Y%m%d",)
    elif pandas.api.types.infer_dtype(cells) == "string":
        text = cells[~cells.map(is_mark)].str.strip().str.replace(TIME, "", regex=True)
    else:
        return False

    def fit(some: pd.Series, form: str) -> bool:
        read: Any = pandas.to_datetime(some, format=form, errors="coerce")
        return len(some) > 0 and read.isna().mean() <= STRAY_SHARE

    return any(fit(text[:PROBED], form) and fit(text, form) for form in formats)
