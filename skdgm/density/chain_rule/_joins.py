"""Completions that later columns cannot tell apart, and what is kept of them.

The logarithm of the sum of their weights stands for all, with the values of one of them (any, the
most probable, or one that is drawn) or their means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of neighbouring completions that are joined."""

    start: np.ndarray  # (n_runs,)
    of: np.ndarray  # the run of each completion

    @classmethod
    def of_sorted(cls, labels: np.ndarray) -> Self:
        """Find the runs of equal labels."""
        new = np.diff(labels, prepend=-1) != 0
        return cls(np.flatnonzero(new), np.cumsum(new) - 1)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return for each completion the value of its run."""
        return values[self.of]

    def log_sum(self, log_weight: np.ndarray) -> np.ndarray:
        """Return the logarithm of the summed weights of each run."""
        highest = np.maximum.reduceat(log_weight, self.start)
        highest = np.where(np.isneginf(highest), 0.0, highest)
        weight = np.exp(log_weight - self.spread(highest))
        with np.errstate(divide="ignore"):
            return highest + np.log(np.add.reduceat(weight, self.start))

    def highest(self, values: np.ndarray) -> np.ndarray:
        """Return the index of the (first) highest value of each run."""
        place = np.flatnonzero(values == self.spread(np.maximum.reduceat(values, self.start)))
        return place[np.diff(self.of[place], prepend=-1) != 0]


# From runs, log-weights, values and the number of settled columns (which no later factor sees) to
# the log-weight and the values that each run keeps.
Join = Callable[[Runs, np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def sum_out(
    runs: Runs, log_weight: np.ndarray, values: np.ndarray, settled: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the sum of the weights; other differences no longer matter."""
    return runs.log_sum(log_weight), values[runs.start]


def average(
    runs: Runs, log_weight: np.ndarray, values: np.ndarray, settled: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the sum of the weights, and the means of the settled columns."""
    log_total = runs.log_sum(log_weight)
    possible = runs.spread(log_total) > -np.inf
    log_share = np.subtract(
        log_weight, runs.spread(log_total), out=np.full(len(possible), -np.inf), where=possible
    )
    joined = values[runs.start]
    weighted = np.exp(log_share)[:, np.newaxis] * values[:, :settled]
    joined[:, :settled] = np.add.reduceat(weighted, runs.start, axis=0)
    return log_total, joined


def best(
    runs: Runs, log_weight: np.ndarray, values: np.ndarray, settled: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the most probable completion."""
    place = runs.highest(log_weight)
    return log_weight[place], values[place]


def drawn_by(generator: np.random.Generator) -> Join:
    """Keep the sum of the weights, and a drawn completion: the highest with Gumbel noise."""

    def drawn(
        runs: Runs, log_weight: np.ndarray, values: np.ndarray, settled: int
    ) -> tuple[np.ndarray, np.ndarray]:
        place = runs.highest(log_weight + generator.gumbel(size=len(log_weight)))
        return runs.log_sum(log_weight), values[place]

    return drawn
