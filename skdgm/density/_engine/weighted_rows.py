"""The rows themselves as statistics, where nothing less suffices: for classifiers, for example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from .blocks import ones_if_none


@dataclass(frozen=True, eq=False)
class WeightedRows:
    """Codes with their weights, which add to those of all rows."""

    codes: np.ndarray
    weight: np.ndarray | None

    def __add__(self, other: Self) -> Self:
        codes = np.concatenate([self.codes, other.codes])
        if self.weight is None and other.weight is None:
            return type(self)(codes, None)
        parts = [ones_if_none(rows.weight, len(rows.codes)) for rows in (self, other)]
        return type(self)(codes, np.concatenate(parts))
