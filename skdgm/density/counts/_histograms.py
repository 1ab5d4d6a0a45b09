"""Weights of the distinct values of columns of counts: statistics for any family of counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

MARKED = 2**16  # largest count up to which values are listed with all below them


@dataclass(frozen=True, eq=False)
class Histograms:
    """The weight of each value that is seen in each column; they grow with the distinct values.

    Columns stand one after the other, and their values are in order.
    """

    n_columns: int
    column: np.ndarray  # (n_values,)
    values: np.ndarray  # (n_values,)
    weight: np.ndarray  # (n_values,)

    def __add__(self, other: Self) -> Self:
        if np.array_equal(self.values, other.values) and np.array_equal(self.column, other.column):
            return replace(self, weight=self.weight + other.weight)
        column = np.concatenate([self.column, other.column])
        values = np.concatenate([self.values, other.values])
        order = np.lexsort((values, column))
        column, values = column[order], values[order]
        is_new = np.ones(len(order), dtype=bool)
        is_new[1:] = (np.diff(column) > 0) | (np.diff(values) > 0)
        weight = np.concatenate([self.weight, other.weight])[order]
        weight = np.add.reduceat(weight, np.flatnonzero(is_new))
        return replace(self, column=column[is_new], values=values[is_new], weight=weight)

    def sums(self, values: Any = 1.0) -> np.ndarray:
        """Sum the weights, times the given values, over each column."""
        return np.bincount(self.column, self.weight * values, self.n_columns)

    @property
    def starts(self) -> np.ndarray:
        """First place of each column, and the end of the last."""
        return np.searchsorted(self.column, np.arange(self.n_columns + 1))

    @property
    def observed(self) -> np.ndarray:
        """Weight of the observed values of each column."""
        return self.sums()

    def typical(self, rules_nothing_out: bool) -> Self:
        """Return the histograms of one row that is distributed as the rows are."""
        typical = self.times(1 / self.observed)
        if not rules_nothing_out:
            return typical
        empty = np.flatnonzero(self.sums(self.values) == 0)
        ones = type(self)(self.n_columns, empty, np.ones(len(empty)), np.ones(len(empty)))
        share = np.ones(self.n_columns)
        share[empty] = 0.5
        return (typical + ones).times(share)

    def times(self, factor: np.ndarray) -> Self:
        """Return the histograms with the weights of each column multiplied."""
        return replace(self, weight=self.weight * factor[self.column])


def distinct_counts(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values of a column in order, and the index of each cell among them.

    All that are seen are there. The index of a missing cell is the number of values.
    """
    missing = np.isnan(column)
    largest = np.max(column, where=~missing, initial=0.0)
    if largest <= min(MARKED, 4 * len(column) + 256):
        index = np.where(missing, largest + 1, column).astype(np.intp)
        return np.arange(largest + 1), index
    values, index = np.unique(column, return_inverse=True)
    return (values[:-1] if np.isnan(values[-1]) else values), index


def count_histograms(codes: np.ndarray, weights: np.ndarray) -> list[Histograms]:
    """Return the histograms of counts for each of k weights per row, of shape (n_rows, k)."""
    by_density = np.ascontiguousarray(weights.T)
    columns, values, counts = [], [], []
    for j, column in enumerate(codes.T):
        own, index = distinct_counts(column)
        count = np.stack([np.bincount(index, each, len(own) + 1)[:-1] for each in by_density])
        seen = count.any(axis=0)
        columns.append(np.full(np.count_nonzero(seen), j))
        values.append(own[seen])
        counts.append(count[:, seen])
    shared = codes.shape[1], np.concatenate(columns), np.concatenate(values)
    return [Histograms(*shared, weight) for weight in np.concatenate(counts, axis=1)]
