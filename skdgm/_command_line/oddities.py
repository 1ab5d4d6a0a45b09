"""Oddities of a table: likely mistakes, in sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._csv.columns import CsvColumn
from .._csv.file import CsvFile

FEWEST = 5  # distinct values of a column in which one can be far from the others


def oddities(file: CsvFile, kinds: dict[str, str]) -> list[str]:
    """Return likely mistakes in rows and columns, in sentences."""
    found = []
    n_equal = int(file.frame.duplicated().sum())
    if n_equal:
        rows = "row equals" if n_equal == 1 else "rows equal"
        found.append(f"{n_equal} {rows} an earlier one.")
    for name, column in file.columns.items():
        cells = file.frame[name].dropna()
        if kinds[name] == "constant":
            found.append(f"{name!r} is constant, and tells nothing.")
        elif column.sort == "label":
            found += _odd_labels(name, cells)
        elif column.sort == "number" and kinds[name] in ("continuous", "count"):
            found += _odd_numbers(name, column, cells.to_numpy(dtype=np.float64))
    return found


def _odd_labels(name: str, cells: Any) -> list[str]:
    """Tell of values that differ in spaces or case alone."""
    spellings: dict[str, list[str]] = {}
    for value in cells[cells.map(lambda cell: isinstance(cell, str))].unique():
        spellings.setdefault(" ".join(value.split()).casefold(), []).append(value)
    return [
        f"{name!r} spells one value in several ways: {', '.join(map(repr, own))}."
        for own in spellings.values()
        if len(own) > 1
    ]


def _odd_numbers(name: str, column: CsvColumn, numbers: np.ndarray) -> list[str]:
    """Tell of a value at either end that is farther from the others than these reach."""
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) < FEWEST:
        return []
    found = []
    for end, others in ((0, values[1:]), (-1, values[:-1])):
        gap = np.abs(others - values[end]).min()
        if gap <= np.ptp(others):
            continue
        rows, doubt = "one row", "it may be a mistake"
        if counts[end] > 1:
            rows = f"{counts[end]} rows"
            doubt = "it may stand for a missing value, which --missing tells"
        value = column.text_of(values[end])
        found.append(f"{name!r} holds {value} in {rows}, far from all other values; {doubt}.")
    return found
