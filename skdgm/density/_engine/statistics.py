"""Sufficient statistics that add: those of two sets of rows sum to those of all the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, eq=False)
class Statistics:
    """Base of statistics whose fields (numbers or arrays) simply add."""

    def __add__(self, other: Self) -> Self:
        names = [field.name for field in fields(self)]
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in names))


def add_in_pairs(parts: Sequence[Any]) -> Any:
    """Sum statistics in a balanced tree, so that those which grow are merged only a few times."""
    while len(parts) > 1:
        sums = [first + second for first, second in zip(parts[::2], parts[1::2], strict=False)]
        parts = sums + list(parts[len(sums) * 2 :])
    return parts[0]
