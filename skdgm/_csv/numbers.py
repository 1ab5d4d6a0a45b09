"""Numbers as people and spreadsheets write them, in columns that pandas takes for text.

A column stays one of numbers if some of its cells stand for missing values ("?"), are grouped by
thousands ("1,234.5") or are percentages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

WORDS = ("missing", "unknown", "none", "nil", "null", "na", "nan", "not available", "no data")
ERRORS = ("#n/a", "#na", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")
SIGNS = ("", "?", "??", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "n/a", "n.a.")
MARKS = frozenset({*WORDS, *ERRORS, *SIGNS})  # of missing values, in lower case
STRAY_SHARE = 0.1  # of the cells of a column of numbers that may be something else
FAR = 10  # times the largest plain number, if grouped ones are rare
SHOWN = 5  # cells in a note
SPACES = " \u00a0\u202f'\u2019"  # that group digits, besides commas and points
OTHER_MARK = {".": ",", ",": "."}


# ---------------------------------------------------------------------- cells
@cache
def _patterns(decimal: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what plain numbers look like, and numbers grouped by thousands."""
    mark, other = re.escape(decimal), re.escape(OTHER_MARK[decimal])
    plain = rf"[+-]?(\d+({mark}\d*)?|{mark}\d+)(e[+-]?\d+)?|[+-]?inf(inity)?"
    grouped = rf"[+-]?\d{{1,3}}([{other}{SPACES}])\d{{3}}(\1\d{{3}})*({mark}\d+)?"
    flags = re.ASCII | re.IGNORECASE
    return re.compile(plain, flags), re.compile(grouped, flags)


def _plainly(cell: str) -> tuple[str, bool]:
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
    text, is_percent = _plainly(cell)
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


# ---------------------------------------------------------------------- columns
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
    counts = column.value_counts().to_dict()
    cells = {text: read_cell(text, decimal) for text in counts}
    strays = [text for text, (sort, _) in cells.items() if sort == "stray"]
    n_strays = sum(counts[text] for text in strays)
    n_cells = sum(counts[text] for text, (sort, _) in cells.items() if sort != "mark")
    where = _Places(column, lines)
    if n_strays > STRAY_SHARE * n_cells:
        other = OTHER_MARK[decimal]
        hopeless = [text for text in strays if read_cell(text, other)[0] == "stray"]
        if 2 * sum(counts[text] for text in hopeless) >= n_cells:
            return column, None
        return column, (
            f"column {column.name!r} is read as text, because {n_strays} of {n_cells} cells are no "
            f"numbers: {where.listed(strays)}; name those that stand for missing values in "
            "missing_values, or the mark of fractions in decimal."
        )
    if len({number for _, number in cells.values() if number == number}) < 2:
        return column, None  # no numbers, or all that counts is where there is one
    read = _values(cells, counts)
    far = [] if is_told else _far(cells, counts)
    read.update(dict.fromkeys(far, np.nan))
    numbers = column.map(read).astype(np.float64)
    if np.isfinite(numbers).all() and all(_is_whole(text, decimal) for text in cells):
        numbers = numbers.astype(np.int64)
    return numbers, _note(where, cells, read, f" (decimal={decimal!r} reads thousands)" * bool(far))


def _is_whole(cell: str, decimal: str) -> bool:
    return not {decimal, "%", "e", "E"} & set(cell)


def _values(cells: dict[str, tuple[str, float]], counts: dict[str, int]) -> dict[str, float]:
    """Return the number of each cell.

    Where percentages and other numbers meet, the rarer are missing: nothing says that "12%" means
    0.12 among numbers like 11.5. Only 0 is the same in both.
    """
    rows: Counter[bool] = Counter()
    for text, (sort, number) in cells.items():
        if sort != "mark" and number != 0:
            rows[sort == "percent"] += counts[text]
    values = {}
    for text, (sort, number) in cells.items():
        is_alike = number == 0 or (sort == "percent") == (rows[True] > rows[False])
        scale = 100 if sort == "percent" else 1
        values[text] = number / scale if is_alike else np.nan
    return values


def _far(cells: dict[str, tuple[str, float]], counts: dict[str, int]) -> list[str]:
    """Return numbers grouped by thousands that are too few and too large for their column.

    A column of amounts holds numbers of hundreds, too; "1,234.5" among numbers like 5.1 is damage.
    """
    grouped = [text for text, (sort, _) in cells.items() if sort == "grouped"]
    plain = [text for text, (sort, _) in cells.items() if sort == "plain"]
    n_grouped, n_plain = (sum(counts[text] for text in texts) for texts in (grouped, plain))
    if not grouped or n_grouped > STRAY_SHARE * (n_grouped + n_plain):
        return []
    smallest = min(abs(cells[text][1]) for text in grouped)
    largest = max(abs(cells[text][1]) for text in plain)
    return grouped if smallest > FAR * largest else []


def _note(
    where: _Places, cells: dict[str, tuple[str, float]], read: dict[str, float], hint: str
) -> str | None:
    lost = [text for text, number in read.items() if number != number]
    changed = [
        text
        for text, (sort, _) in cells.items()
        if sort in ("grouped", "percent") and read[text] == read[text]
    ]
    parts = []
    if lost:
        parts.append(f"missing where it holds {where.listed(lost)}{hint}")
    if changed:
        parts.append(f"with {where.listed(changed, read)}")
    return f"column {where.name!r} is read as numbers, {'; '.join(parts)}." if parts else None


class _Places:
    """The places of cells in a file, in words."""

    def __init__(self, column: pd.Series, lines: Sequence[int]) -> None:
        self._column, self._lines, self.name = column, lines, column.name

    def listed(self, texts: list[str], read: dict[str, float] | None = None) -> str:
        """List the first of some cells, with their numbers if they are given."""
        first = {text: np.flatnonzero(self._column.eq(text)) for text in texts[:SHOWN]}
        listed = []
        for text, rows in sorted(first.items(), key=lambda item: item[1][0]):
            others = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
            number = "" if read is None else f" as {read[text]:.15g}"
            listed.append(f"{text!r}{number} (line {self._lines[rows[0]]}{others})")
        more = f" and {len(texts) - SHOWN} other values" if len(texts) > SHOWN else ""
        return f"{', '.join(listed)}{more}"


# ---------------------------------------------------------------------- the decimal mark
def find_decimal(table: pd.DataFrame) -> str:
    """Find the decimal mark of the columns of a table of text that hold numbers.

    Raises
    ------
    ValueError
        If columns disagree, or if nothing tells whether a comma marks thousands or fractions.
    """
    found: dict[str, str] = {}
    unclear = ""
    for name in table.columns:
        votes, examples = decimal_votes(table[name])
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


def decimal_votes(column: pd.Series) -> tuple[Counter[str], dict[str, str]]:
    """Count the cells of a column of numbers that tell its decimal mark, with an example of each.

    Cells such as "1,234", in which the comma may mark either, count for "either". Columns that do
    not mainly hold numbers have no vote.
    """
    votes: Counter[str] = Counter()
    examples = dict.fromkeys((".", ",", "either"), "")
    n_others = n_numbers = 0
    for text, count in column.value_counts().to_dict().items():
        if is_mark(text):
            continue
        if all(read_cell(text, decimal)[0] == "stray" for decimal in OTHER_MARK):
            n_others += count
            continue
        n_numbers += count
        mark = _mark_of(text)
        if mark:
            votes[mark] += count
            examples[mark] = examples[mark] or text
    return (votes if n_numbers >= n_others else Counter()), examples


def _mark_of(cell: str) -> str | None:
    """Return the decimal mark of a number, "either" or, if nothing tells, None."""
    text = _plainly(cell)[0].lstrip("+-")
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
