"""Counts of pairs of ones in sparse binary columns, and the best tree that follows from them.

The weights n of all rows, n_i of the ones of each column and n_ij of the rows in which both of two
columns are one tell those of all pairs of values: ``n_i - n_ij`` is that of a one and a zero, and
so on. So memory grows with the pairs of columns that are one together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from .._engine.blocks import ones_if_none
from ._pair_counts import ROUNDING
from ._structure import DECIMALS, rooted_tree

PRODUCTS = 2**24  # pairs of ones that are added up at once
BITS = (0, 1)


@dataclass(frozen=True, eq=False)
class SparsePairCounts:
    """Weights of all rows, of the ones of each column, and of the ones of both of two columns.

    The latter are ``both``, a matrix of shape (n_columns, n_columns) with entries above its
    diagonal. Its parts are kept, so that models are made of plain arrays.
    """

    total: float
    ones: np.ndarray
    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray

    @classmethod
    def of(cls, total: float, ones: np.ndarray, both: sparse.csr_array) -> Self:
        """Return the counts of which ``both`` is the matrix."""
        return cls(total, ones, both.data, both.indices, both.indptr)

    @property
    def both(self) -> sparse.csr_array:
        """Weights of the rows in which two columns are one."""
        shape = len(self.ones), len(self.ones)
        return sparse.csr_array((self.data, self.indices, self.indptr), shape=shape)

    def __add__(self, other: Self) -> Self:
        both = self.both + other.both
        return self.of(self.total + other.total, self.ones + other.ones, both)

    @classmethod
    def count(cls, codes: sparse.csr_array, weight: np.ndarray | None) -> Self:
        """Count complete rows, of which the ones are stored."""
        n_rows, n_columns = codes.shape
        weight = ones_if_none(weight, n_rows)
        lengths = np.diff(codes.indptr)
        weighted = sparse.csr_array(
            (np.repeat(weight, lengths), codes.indices, codes.indptr), shape=codes.shape
        )
        rows_of_columns = codes.T.tocsr()
        n_products = np.cumsum(rows_of_columns @ lengths)
        ends = np.searchsorted(n_products, np.arange(PRODUCTS, n_products[-1], PRODUCTS))
        cuts = np.unique([0, *ends, n_columns])
        both = [
            _above_diagonal(rows_of_columns[start:stop] @ weighted, start)
            for start, stop in pairwise(cuts.tolist())
        ]
        ones = rows_of_columns @ weight
        return cls.of(float(weight.sum()), ones, sparse.vstack(both, format="csr"))

    def best_tree(
        self, even: np.ndarray, pseudo_weight: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the best tree, as from the mutual information of all pairs, and its weights.

        Prim's algorithm adds the column nearest to the tree, one after another, and so needs one
        row of mutual informations at a time. Of equally good pairs, it prefers the one that
        :func:`best_tree` does.

        Parameters
        ----------
        even : ndarray of shape (n_columns, 2)
            Probability of zero and one of each column in rows drawn evenly from all states.
        pseudo_weight : float
            Weight of these rows, which are counted, too.

        Returns
        -------
        parents, order : ndarray of shape (n_columns,)
            As from :func:`best_tree`.
        weights : ndarray of shape (n_columns, 2, 2)
            The joint probability of each value of the parent and of the column; for the root, both
            rows hold that of its own values.
        """
        pairs = BinaryPairs(self, even, pseudo_weight)
        edges, both = _spanning_tree(pairs)
        parents, order = rooted_tree(edges)
        first, second = edges.T
        child = np.where(parents[second] == first, second, first)
        of_child = np.zeros(len(parents))
        of_child[child] = both
        weights = np.empty((len(parents), 2, 2))
        for a in BITS:
            for b in BITS:
                weights[:, a, b] = pairs.joint(a, b, parents, np.arange(len(parents)), of_child)
        weights[0] = pairs.alone[0]
        return parents, order, weights


class BinaryPairs:
    """The probabilities of the pairs of values of binary columns."""

    def __init__(self, counts: SparsePairCounts, even: np.ndarray, pseudo_weight: float) -> None:
        self.counts, self.even, self.pseudo_weight = counts, even, pseudo_weight
        self.total = counts.total + pseudo_weight
        zeros = _difference(counts.total - counts.ones, counts.total)
        self.n_values = np.stack([zeros, counts.ones], axis=1)
        self.alone = (self.n_values + pseudo_weight * even) / self.total
        self.negative_entropy = xlogy(self.alone, self.alone).sum(axis=1)
        self._above = counts.both
        self._below = self._above.T.tocsr()

    def __len__(self) -> int:
        return len(self.even)

    def both_with(self, column: int) -> np.ndarray:
        """Weights of the rows in which a column and each other are one."""
        both = np.zeros(len(self))
        for part in (self._above, self._below):
            own = slice(part.indptr[column], part.indptr[column + 1])
            both[part.indices[own]] = part.data[own]
        return both

    def joint(self, a: int, b: int, first: Any, second: Any, both: np.ndarray) -> np.ndarray:
        """Return ``p(x_first = a, x_second = b)`` of columns that are one together so often."""
        ones, total = self.counts.ones, self.counts.total
        if a and b:
            count = both
        elif a:
            count = _difference(ones[first] - both, ones[first])
        elif b:
            count = _difference(ones[second] - both, ones[second])
        else:
            count = _difference(total - ones[first] - ones[second] + both, total)
        return (
            count + self.pseudo_weight * self.even[first, a] * self.even[second, b]
        ) / self.total

    def information(self, column: int, others: np.ndarray, both: np.ndarray) -> np.ndarray:
        """Mutual information of a column and others, but for its last digits."""
        information = -self.negative_entropy[column] - self.negative_entropy[others]
        for a in BITS:
            for b in BITS:
                joint = self.joint(a, b, column, others, both)
                information += xlogy(joint, joint)
        return np.maximum(information, 0.0).round(DECIMALS)


def _spanning_tree(pairs: BinaryPairs) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of columns of the best tree, and how often both are one.

    For each column outside of the tree, the best pair with one in the tree is kept.
    """
    n_columns = len(pairs)
    outside, best = np.arange(1, n_columns), np.full(n_columns - 1, -1.0)
    number, both = np.zeros_like(outside), np.zeros(n_columns - 1)  # of the best pair
    edges, both_of_edges = np.empty(n_columns - 1, dtype=np.int64), np.empty(n_columns - 1)
    column = 0
    for place in range(n_columns - 1):
        own = pairs.both_with(column)[outside]
        information = pairs.information(column, outside, own)
        own_number = np.minimum(column, outside) * n_columns + np.maximum(column, outside)
        is_better = information > best
        is_better |= (information == best) & (own_number < number)
        for kept, new in ((best, information), (number, own_number), (both, own)):
            np.copyto(kept, new, where=is_better)
        nearest = np.flatnonzero(best == best.max())
        nearest = nearest[number[nearest].argmin()]
        column, edges[place], both_of_edges[place] = (
            outside[nearest],
            number[nearest],
            both[nearest],
        )
        for kept in (outside, best, number, both):
            kept[nearest] = kept[-1]
        outside, best, number, both = outside[:-1], best[:-1], number[:-1], both[:-1]
    return np.stack(np.divmod(edges, n_columns), axis=1), both_of_edges


def _above_diagonal(block: sparse.csr_array, start: int) -> sparse.csr_array:
    """Return the entries above the diagonal of some rows, from ``start`` on, of a square matrix."""
    row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    kept = block.indices > row + start
    lengths = np.bincount(row[kept], minlength=block.shape[0])
    indptr = np.append(0, np.cumsum(lengths)).astype(block.indptr.dtype)
    return sparse.csr_array((block.data[kept], block.indices[kept], indptr), shape=block.shape)


def _difference(difference: np.ndarray, largest: np.ndarray | float) -> np.ndarray:
    """Return a difference of sums of weights, 0 where it is no more than rounding."""
    return np.where(difference < ROUNDING * largest, 0.0, difference)
