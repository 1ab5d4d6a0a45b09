"""Cells that hold numbers as people and spreadsheets write them, and such as stand for none."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

WORDS = ("missing", "unknown", "none", "nil", "null", "na", "nan", "not available", "no data")
ERRORS = ("#n/a", "#na", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")
SIGNS = ("", "?", "??", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "n/a", "n.a.")
MARKS = frozenset({*WORDS, *ERRORS, *SIGNS})  # of missing values, in lower case
STRAY_SHARE = 0.1  # of the cells of a column of numbers that may be something else
SPACES = " \u00a0\u202f'\u2019"  # that group digits, besides commas and points
OTHER_MARK = {".": ",", ",": "."}


@cache
def _patterns(decimal: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what plain numbers look like, and numbers grouped by thousands."""
    mark, other = re.escape(decimal), re.escape(OTHER_MARK[decimal])
    plain = rf"[+-]?(\d+({mark}\d*)?|{mark}\d+)(e[+-]?\d+)?|[+-]?inf(inity)?"
    grouped = rf"[+-]?\d{{1,3}}([{other}{SPACES}])\d{{3}}(\1\d{{3}})*({mark}\d+)?"
    flags = re.ASCII | re.IGNORECASE
    return re.compile(plain, flags), re.compile(grouped, flags)


def plainly(cell: str) -> tuple[str, bool]:
    """Return a cell without spaces around it and its percent sign, and whether it had one."""
    cell = cell.strip().replace("\u2212", "-")
    return cell.removesuffix("%").rstrip(), cell.endswith("%")


def is_mark(cell: str) -> bool:
    """Return whether a cell stands for a missing value where numbers are expected."""
    return cell.strip().casefold() in MARKS


def read_cell(cell: str, decimal: str) -> tuple[str, float]:
    """Return the sort of a cell and its number.

    The sorts are "plain", "grouped", "percent" (the number is before the sign), "mark" and, for
    anything else, "stray", such as an integer that pandas leaves as text, for its length.
    """
    if is_mark(cell):
        return "mark", np.nan
    text, is_percent = plainly(cell)
    plain, grouped = _patterns(decimal)
    if plain.fullmatch(text):
        number, sort = float(text.replace(decimal, ".")), "plain"
        if abs(number) >= 2**63 and text.lstrip("+-").isdigit():
            return "stray", np.nan
    elif grouped.fullmatch(text):
        digits = re.sub(f"[{re.escape(OTHER_MARK[decimal])}{SPACES}]", "", text)
        number, sort = float(digits.replace(decimal, ".")), "grouped"
    else:
        return "stray", np.nan
    return ("percent" if is_percent else sort), number
