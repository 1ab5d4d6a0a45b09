"""Groups of completions that later columns cannot tell apart, and what is kept of each.

The logarithm of the sum of their weights stands for all, with the values of one: any, the most
probable, one that is drawn, or their means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class Groups:
    """Runs of neighbours in a table."""

    start: np.ndarray  # (n_groups,)
    of: np.ndarray  # the group of each

    @classmethod
    def of_sorted(cls, labels: np.ndarray) -> Self:
        """The runs of equal labels."""
        new = np.diff(labels, prepend=-1) != 0
        return cls(np.flatnonzero(new), np.cumsum(new) - 1)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """The value of its group for each."""
        return values[self.of]

    def log_sum(self, log_weight: np.ndarray) -> np.ndarray:
        """The logarithm of the sum of each group's weights."""
        highest = np.maximum.reduceat(log_weight, self.start)
        highest = np.where(np.isneginf(highest), 0.0, highest)
        weight = np.exp(log_weight - self.spread(highest))
        with np.errstate(divide="ignore"):
            return highest + np.log(np.add.reduceat(weight, self.start))

    def highest(self, values: np.ndarray) -> np.ndarray:
        """The place of the (first) highest value of each group."""
        place = np.flatnonzero(values == self.spread(np.maximum.reduceat(values, self.start)))
        return place[np.diff(self.of[place], prepend=-1) != 0]


# From groups, log-weights, values and how many columns are settled (no later factor sees them) to
# the log-weight and the values that each group keeps.
Join = Callable[[Groups, np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def sum_out(
    groups: Groups, log_weight: np.ndarray, values: np.ndarray, settled: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the sum; what else differs no longer matters."""
    return groups.log_sum(log_weight), values[groups.start]


def average(
    groups: Groups, log_weight: np.ndarray, values: np.ndarray, settled: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the sum, and the means of the settled columns, which no later factor sees."""
    log_total = groups.log_sum(log_weight)
    possible = groups.spread(log_total) > -np.inf
    log_share = np.subtract(
        log_weight, groups.spread(log_total), out=np.full(len(possible), -np.inf), where=possible
    )
    joined = values[groups.start]
    weighted = np.exp(log_share)[:, np.newaxis] * values[:, :settled]
    joined[:, :settled] = np.add.reduceat(weighted, groups.start, axis=0)
    return log_total, joined


def best(
    groups: Groups, log_weight: np.ndarray, values: np.ndarray, settled: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the most probable."""
    place = groups.highest(log_weight)
    return log_weight[place], values[place]


def drawn_by(generator: np.random.Generator) -> Join:
    """Keep the sum, and one completion that is drawn: the highest after Gumbel noise."""

    def drawn(
        groups: Groups, log_weight: np.ndarray, values: np.ndarray, settled: int
    ) -> tuple[np.ndarray, np.ndarray]:
        place = groups.highest(log_weight + generator.gumbel(size=len(log_weight)))
        return groups.log_sum(log_weight), values[place]

    return drawn
