"""Sufficient statistics that add: those of two sets of rows sum to those of all the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, eq=False)
class Statistics:
    """Base of statistics whose fields (numbers or arrays) simply add."""

    def __add__(self, other: Self) -> Self:
        names = [field.name for field in fields(self)]
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in names))


def add_in_pairs(parts: Iterable[Any]) -> Any:
    """Sum statistics in a balanced tree, so that those which grow are merged only a few times.

    Parts are added as they come, so that few sums are held at once.
    """
    sums: list[tuple[int, Any]] = []  # of so many parts, a falling series of powers of two
    for part in parts:
        n_parts = 1
        while sums and sums[-1][0] == n_parts:
            part = sums.pop()[1] + part
            n_parts *= 2
        sums.append((n_parts, part))
        del part  # not to be held while the next one is made
    total = sums.pop()[1]
    while sums:
        total = sums.pop()[1] + total
    return total
