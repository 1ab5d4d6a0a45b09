"""The conditional probabilities of a tree, and what follows from them for complete rows."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np

from ..._codes import readonly
from ..._kernels import tree as kernels
from ..._kernels.tree import TreeArrays
from .._engine.blocks import draw_with_uniforms


class TreeProbabilities:
    """``p(value | value of the parent)`` of each column, from the weights of both together.

    Parameters
    ----------
    parents, order : ndarray of shape (n_columns,)
        The tree, as :func:`best_tree` returns it.
    n_categories : ndarray of shape (n_columns,)
        The number of categories of each column.
    weights : ndarray of shape (n_cells,)
        The joint weight of each value of a column's parent and each value of the column, for all
        columns one after the other; for the root, that of its values.
    """

    def __init__(
        self, parents: np.ndarray, order: np.ndarray, n_categories: np.ndarray, weights: np.ndarray
    ) -> None:
        first_value = np.cumsum(n_categories) - n_categories
        is_root = parents < 0
        n_contexts = np.where(is_root, 1, n_categories[parents])
        n_cells = n_contexts * n_categories
        first_cell = np.cumsum(n_cells) - n_cells
        self.row_lengths = np.repeat(n_categories, n_contexts)
        self.n_cells = n_cells
        probability = self._share_of_row(weights)
        with np.errstate(divide="ignore"):  # log 0 is -inf, a legal score
            log_prob = np.log(probability)
        self.arrays = TreeArrays(
            order=readonly(order),
            parent=readonly(np.where(is_root, np.arange(len(parents)), parents)),
            n_values=readonly(n_categories),
            first_cell=readonly(first_cell),
            stride=readonly(np.where(is_root, 0, n_categories)),
            first_value=readonly(first_value),
            probability=readonly(probability),
            log_prob=readonly(log_prob),
        )

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self.arrays = TreeArrays(*map(readonly, self.arrays))  # which pickles do not keep

    @property
    def _row_starts(self) -> np.ndarray:
        return np.cumsum(self.row_lengths) - self.row_lengths

    def _share_of_row(self, weights: np.ndarray) -> np.ndarray:
        """Divide each cell by the sum over its row; a row that was never seen becomes even."""
        total = np.repeat(np.add.reduceat(weights, self._row_starts), self.row_lengths)
        even = 1 / np.repeat(self.row_lengths, self.row_lengths)
        return np.divide(weights, total, out=even, where=total > 0)

    def _cumulative(self) -> np.ndarray:
        """Sum the probabilities along rows, each of which ends with exactly 1."""
        sums = np.cumsum(self.arrays.probability)
        before = np.concatenate([[0.0], sums])[self._row_starts]
        sums -= np.repeat(before, self.row_lengths)
        last = sums[self._row_starts + self.row_lengths - 1]
        return sums / np.repeat(last, self.row_lengths)

    def weighted(self, weights: Mapping[int, np.ndarray]) -> tuple[TreeProbabilities, float]:
        """Return ``p(x) w(x) / Z`` and ``log Z``; w multiplies weights of some columns' values.

        Each column tells its parent ``sum_v p(v | parent) w(v) m(v)``, where m is the product of
        what its own children tell; the terms of the sum are its new probabilities.
        """
        arrays, log_total = self.arrays, 0.0
        told = [np.ones(n) for n in arrays.n_values]
        for column, own in weights.items():
            told[column] = told[column] * own
        probability = arrays.probability.copy()
        for column in arrays.order[::-1]:
            first = arrays.first_cell[column]
            cells = slice(first, first + self.n_cells[column])
            terms = probability[cells].reshape(-1, arrays.n_values[column]) * told[column]
            message = terms.sum(axis=1)
            probability[cells] = terms.ravel()
            largest = message.max()
            if largest == 0:
                return self, -np.inf
            log_total += float(np.log(largest))
            if arrays.stride[column]:
                told[arrays.parent[column]] *= message / largest
        return self._with(self._share_of_row(probability)), log_total

    def _with(self, probability: np.ndarray) -> TreeProbabilities:
        """Return the same tree with other probabilities."""
        given = copy(self)
        with np.errstate(divide="ignore"):  # log 0 is -inf, a legal score
            log_prob = np.log(probability)
        given.arrays = self.arrays._replace(
            probability=readonly(probability), log_prob=readonly(log_prob)
        )
        return given

    def mean_log_prob(self) -> float:
        """Mean of ``log p(x)`` over all states x, each of which counts the same."""
        sums = np.add.reduceat(self.arrays.log_prob, self.arrays.first_cell)
        return float(np.sum(sums / self.n_cells))

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return ``log p(x)`` of complete rows."""
        out = np.empty(len(codes))
        kernels.log_prob_complete(readonly(codes), self.arrays, out)
        return out

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw rows."""
        dtype = np.uint8 if self.arrays.n_values.max() <= 256 else np.uint16
        codes = np.empty((n_samples, len(self.n_cells)), dtype=dtype)
        return draw_with_uniforms(
            kernels.draw, (self.arrays, readonly(self._cumulative())), codes, generator
        )


def weights_of_edges(
    parents: np.ndarray, n_categories: np.ndarray, pairs: np.ndarray
) -> np.ndarray:
    """Return the weights that :class:`TreeProbabilities` takes, of the weights of all pairs.

    ``pairs``, of shape (n_values, n_values), holds the joint weight of each value of any column and
    each value of any other column; ``pairs[i, i]`` is that of value i alone.
    """
    first_value = np.cumsum(n_categories) - n_categories
    weights = []
    for column, parent in enumerate(parents):
        values = slice(first_value[column], first_value[column] + n_categories[column])
        if parent < 0:
            weights.append(np.diagonal(pairs)[values])
        else:
            above = slice(first_value[parent], first_value[parent] + n_categories[parent])
            weights.append(pairs[above, values].ravel())
    return np.concatenate(weights)
