"""Regions in which the values of columns lie: evidence that is less than a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Interval:
    """Numbers between two ends, which belong to it; infinite ends leave it open."""

    low: float
    high: float

    def contains(self, numbers: np.ndarray) -> np.ndarray:
        """Mask of the numbers in the interval; NaN is in none."""
        return (numbers >= self.low) & (numbers <= self.high)


ANYWHERE = Interval(-np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class Values:
    """Some values of a column of counts."""

    values: np.ndarray

    def contains(self, numbers: np.ndarray) -> np.ndarray:
        """Mask of the numbers that are among the values."""
        return np.isin(numbers, self.values)


# By column: weights from 0 to 1 of the codes of one that lists its values, else one of the above.
Regions = Mapping[int, Any]


def weighted(probability: np.ndarray, region: Any) -> tuple[np.ndarray, float]:
    """Return the probabilities of a column's values given a region, and its log-probability."""
    shares = probability * region
    total = shares.sum()
    if total == 0:
        return probability, -np.inf
    return shares / total, float(np.log(total))


def contained(table: np.ndarray, regions: Regions) -> np.ndarray:
    """Return the logarithms of the weights of rows of codes, -inf outside of a region.

    Missing cells weigh 1.
    """
    log_weight = np.zeros(len(table))
    for column, region in regions.items():
        cells = table[:, column]
        if isinstance(region, Interval | Values):
            log_weight[~(region.contains(cells) | np.isnan(cells))] = -np.inf
            continue
        with np.errstate(divide="ignore"):
            log_weights = np.append(np.log(region), 0.0)
        codes = np.where(cells < len(region), cells, len(region)).astype(np.intp)
        log_weight += log_weights[codes]
    return log_weight
