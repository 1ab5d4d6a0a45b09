"""Distributions of missing numbers by the learned density of their column, whole or in bins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from .conditional_margins import LAST_DIGITS, ConditionalMargin, Function, smallest_integer
from .margins import Bins, Margin


@dataclass(frozen=True, eq=False)
class LearnedDistribution:
    """The margin of a column of numbers, with the names of :mod:`scipy.stats`."""

    margin: Margin

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of what is no larger than each value."""
        return self.margin.cdf(x)

    def ppf(self, q: float) -> float:
        """Return the smallest value whose ``cdf`` reaches q, strictly between 0 and 1."""
        x = self.margin.quantile(np.array([q]))
        return float(smallest_integer(self.margin.cdf, x, q)[0] if self.margin.is_count else x[0])

    def support(self) -> tuple[float, float]:
        """Return the least and the largest value."""
        low, high = self.margin.steps.support
        return (np.ceil(low), np.floor(high)) if self.margin.is_count else (low, high)

    def mean(self) -> float:
        """Return the mean."""
        return self.margin.mean()

    def var(self) -> float:
        """Return the variance."""
        return self.margin.second_moment(-np.inf, np.inf, self.margin.mean())


@dataclass(frozen=True, eq=False)
class BinsMargin(ConditionalMargin):
    """Bins with their probabilities, and the distribution of a column within each.

    Parameters
    ----------
    bins : Bins
        The bins of the column.
    share : ndarray of shape (n_rows, n_bins)
        Their probabilities.
    """

    bins: Bins
    share: np.ndarray

    @cached_property
    def _below(self) -> np.ndarray:
        """Probability of what lies below each border of bins, both ends among them."""
        total = np.hstack([np.zeros((len(self.share), 1)), np.cumsum(self.share, axis=1)])
        return total / total[:, -1:]

    @cached_property
    def _cdf_at_borders(self) -> np.ndarray:
        return np.concatenate([[0.0], self.bins.margin.steps.cdf(self.bins.cuts), [1.0]])

    def cdf(self, x: np.ndarray) -> np.ndarray:
        code = np.searchsorted(self.bins.cuts, x, side="right")
        low, high = self._cdf_at_borders[code], self._cdf_at_borders[code + 1]
        rows = np.arange(len(x))
        below, share = self._below[rows, code], self.share[rows, code]
        mass = np.where(high > low, high - low, 1.0)
        return below + share * np.clip((self.bins.margin.cdf(x) - low) / mass, 0.0, 1.0)

    def quantile(self, q: float) -> np.ndarray:
        reached = (self._below[:, 1:] >= q * (1 - LAST_DIGITS)) & (self.share > 0)
        code, rows = reached.argmax(axis=1), np.arange(len(self.share))
        if q == 1:
            code = self.share.shape[1] - 1 - (self.share[:, ::-1] > 0).argmax(axis=1)
        within = (q - self._below[rows, code]) / self.share[rows, code]
        within = np.clip(within, 0.0, 1.0) if q < 1 else np.ones(len(code))
        low, high = self._cdf_at_borders[code], self._cdf_at_borders[code + 1]
        margin = self.bins.margin
        x = margin.quantile(low + (high - low) * within)
        if margin.is_count and q > 0:
            x = smallest_integer(self.cdf, x, q)
        return np.clip(x, *self.bins.ends()[:, code])

    def mean_square(self, center: np.ndarray, image: Function | None = None) -> np.ndarray:
        if image is not None:
            return super().mean_square(center, image)
        between = (self.bins.means - center[:, np.newaxis]) ** 2
        return np.sum(self.share * (self.bins.variances + between), axis=1)

    def __getitem__(self, rows: np.ndarray) -> Self:
        return type(self)(self.bins, self.share[rows])
