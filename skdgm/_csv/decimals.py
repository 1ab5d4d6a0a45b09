"""The decimal mark of a table, which its numbers show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from .numbers import OTHER_MARK, SPACES, is_mark, plainly, read_cell

if TYPE_CHECKING:
    import pandas as pd


class DecimalVotes:
    """The cells of a column that tell its decimal mark.

    Cells such as "1,234", in which the comma may mark either, count for "either". Columns that do
    not mainly hold numbers have no vote.
    """

    def __init__(self) -> None:
        self._votes: Counter[str] = Counter()
        self._n_others = self._n_numbers = 0
        self.examples = dict.fromkeys((".", ",", "either"), "")

    @classmethod
    def of(cls, column: pd.Series) -> Self:
        """Return the votes of a whole column of text."""
        votes = cls()
        votes.add(column)
        return votes

    def add(self, column: pd.Series) -> None:
        """Count further cells, which are text or missing."""
        for text, count in column.value_counts().to_dict().items():
            if is_mark(text):
                continue
            if all(read_cell(text, decimal)[0] == "stray" for decimal in OTHER_MARK):
                self._n_others += count
                continue
            self._n_numbers += count
            mark = _mark_of(text)
            if mark:
                self._votes[mark] += count
                self.examples[mark] = self.examples[mark] or text

    @property
    def votes(self) -> Counter[str]:
        """Number of cells for each mark."""
        return self._votes if self._n_numbers >= self._n_others else Counter()

    @property
    def tell_of_commas(self) -> bool:
        """True if commas mark fractions, or may."""
        return bool(self.votes[","] or self.votes["either"])


def find_decimal(columns: Mapping[str, DecimalVotes]) -> str:
    """Find the decimal mark of columns from their votes.

    Raises
    ------
    ValueError
        If columns disagree, or if nothing tells whether a comma marks thousands or fractions.
    """
    found: dict[str, str] = {}
    unclear = ""
    for name, own in columns.items():
        votes, examples = own.votes, own.examples
        if votes["."] != votes[","]:
            mark = max(".,", key=votes.__getitem__)
            found.setdefault(mark, f"{examples[mark]!r} in column {name!r}")
        elif votes.total():
            unclear = unclear or f"{examples['either'] or examples[',']!r} in column {name!r}"
    if len(found) == 2:
        raise ValueError(
            "decimal must be given, '.' or ',', because columns differ in what marks fractions: "
            f"{found['.']}, but {found[',']}."
        )
    if unclear and not found:
        raise ValueError(
            f"decimal must be given: {unclear} is read with decimal ',' as a fraction, and with "
            "decimal '.' as thousands."
        )
    return next(iter(found), ".")


def _mark_of(cell: str) -> str | None:
    """Return the decimal mark of a number, "either" or, if nothing tells, None."""
    text = plainly(cell)[0].lstrip("+-")
    text = re.sub(rf"(?<=\d)[{SPACES}](?=\d{{3}})", "", text)
    single = re.fullmatch(r"(\d*)([.,])(\d+)(e[+-]?\d+)?", text, re.IGNORECASE)
    if single:
        before, mark, after, exponent = single.groups()
        may_group = len(after) == 3 and 1 <= len(before) <= 3 and before[0] != "0"
        if not may_group or exponent:
            return mark
        return "either" if mark == "," else None  # a point is a decimal point unless others differ
    both = re.fullmatch(r"\d{1,3}([.,])\d{3}(\1\d{3})*(?!\1)([.,])\d+", text)
    if both:
        return both[3]
    groups = re.fullmatch(r"\d{1,3}([.,])\d{3}(\1\d{3})+", text)
    return OTHER_MARK[groups[1]] if groups else None
