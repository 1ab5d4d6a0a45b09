"""Counts of pairs of values to start from where values are missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..._codes import missing_cells
from .._engine.blocks import part_of, row_blocks
from ._pair_counts import INDICATOR_CELLS, ROUNDING, Entries, PairCounts, outer_products

LEAST_PART = 1e-3  # of an independent pair's count, which counts to start from have at least


@dataclass(frozen=True, eq=False)
class ObservedPairs:
    """Sums over the rows in which both columns of a pair are observed.

    With the indicator of each observed column and the entries of a row, they are
    ``sum of weight * outer(h, h)``.
    """

    n_categories: np.ndarray
    sums: np.ndarray

    def __add__(self, other: Self) -> Self:
        return type(self)(self.n_categories, self.sums + other.sums)

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, n_categories: np.ndarray) -> Self:
        """Count rows, of which cells may be missing."""
        entries = Entries(n_categories)
        sums = np.zeros((codes.shape[1] + len(entries),) * 2)
        for rows in row_blocks(len(codes), len(sums), INDICATOR_CELLS):
            parts = ~missing_cells(codes[rows]), entries.indicators(codes[rows], np.float64)
            sums += outer_products(np.concatenate(parts, axis=1), part_of(weight, rows))
        return cls(n_categories, sums)

    def start(self) -> PairCounts:
        """Make counts to start from, which rule out nothing observed.

        Each column has the shares of its observed values, and each pair of columns the covariances
        of the rows in which both are observed, as far as the counts stay positive.
        """
        entries = Entries(self.n_categories)
        share, covariance = self._moments(entries)
        expand, column = entries.from_all_values(), entries.column
        alone = expand @ share
        factor = _largest_factor(
            np.outer(alone, alone), expand @ (expand @ covariance).T, entries.first_value
        )
        covariance[1:, 1:] *= factor[column][:, column]
        joint = np.outer(share, share) + covariance
        same = column[:, np.newaxis] == column
        joint[1:, 1:][same] = np.diag(share[1:])[same]
        n_columns = len(self.n_categories)
        return PairCounts(self.n_categories, float(self.sums[n_columns, n_columns]) * joint)

    def _moments(self, entries: Entries) -> tuple[np.ndarray, np.ndarray]:
        """Return the observed means and covariances of the entries.

        A covariance shrinks as if ``K_i K_j`` more rows had been observed, in which the two columns
        are independent.
        """
        n_columns, column = len(self.n_categories), entries.column
        observed, values = np.split(self.sums, [n_columns])
        n_both = np.maximum(observed[:, :n_columns], np.finfo(float).tiny)  # neither: 0 / tiny
        values, both = values[1:, :n_columns], values[1:, n_columns + 1 :]  # with a column
        share = values[np.arange(len(column)), column] / np.diagonal(n_both)[column]
        n_shrunk = n_both + np.outer(self.n_categories, self.n_categories)
        mean = (values / n_both[column])[:, column]
        covariance = np.zeros((len(entries), len(entries)))
        covariance[1:, 1:] = both - values[:, column] * mean.T
        covariance[1:, 1:] /= n_shrunk[column][:, column]
        return np.array([1.0, *share]), covariance


def _largest_factor(
    independent: np.ndarray, covariance: np.ndarray, first_value: np.ndarray
) -> np.ndarray:
    """Return for each pair of columns the largest factor, up to 1, that keeps its cells positive.

    The cells are ``independent + factor * covariance``; at least ``LEAST_PART`` of the independent
    ones is left.
    """
    room = (1 - LEAST_PART) * np.maximum(independent, 0.0)
    beyond = covariance < -room - ROUNDING
    ratio = np.divide(room, -covariance, out=np.ones_like(room), where=beyond)
    by_column = np.minimum.reduceat(np.minimum.reduceat(ratio, first_value), first_value, axis=1)
    return np.minimum(by_column, by_column.T)
