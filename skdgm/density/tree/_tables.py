"""Trees in which a column depends on one other: ``p(x) = prod_j p(x_j | x_parent(j))``.

The counts of all pairs of values, the best tree for them, and what follows from its tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.special import xlogy

from ..._codes import missing_cells, missing_code, readonly, with_room
from ..._kernels import tree as kernels
from ..._kernels.tree import TreeArrays
from .._engine.blocks import draw_with_uniforms, ones_if_none, part_of, row_blocks

INDICATOR_CELLS = 2**23  # cells of a block of indicator columns
MANY_CATEGORIES = 8  # values a column from which pairs are counted one by one
ROUNDING = 1e-12  # a difference that is less than this part of the sums it comes from is 0
LEAST_PART = 1e-3  # of an independent pair's count, which counts to start from have at least
DECIMALS = 12  # of a mutual information: what differs by less is rounding


@dataclass(frozen=True, eq=False)
class PairCounts:
    """The weights of all pairs of values, as ``joint = sum of weight * outer(h, h)`` over the rows.

    The entries h of a row are a one and, for the values 1, 2, ... of each column, whether the row
    has it. What has the value 0 follows by subtraction.
    """

    n_categories: np.ndarray
    joint: np.ndarray

    def __add__(self, other: Self) -> Self:
        return type(self)(self.n_categories, self.joint + other.joint)

    @property
    def total(self) -> float:
        """The weight of all rows."""
        return float(self.joint[0, 0])

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, n_categories: np.ndarray) -> Self:
        """Count complete rows."""
        entries = _Entries(n_categories)
        if len(entries) > MANY_CATEGORIES * codes.shape[1]:
            joint = np.zeros((len(entries), len(entries)))
            weight = readonly(ones_if_none(weight, len(codes)))
            kernels.add_pairs(readonly(codes), weight, readonly(entries.first_value), joint)
            return cls(n_categories, joint + np.tril(joint, -1).T)
        dtype = np.float32 if weight is None else np.float64  # exact for 2**24 rows
        joint = sum(
            _outer_products(entries.indicators(codes[rows], dtype), part_of(weight, rows))
            for rows in row_blocks(len(codes), len(entries), INDICATOR_CELLS)
        )
        return cls(n_categories, joint)

    @classmethod
    def count_start(
        cls, codes: np.ndarray, weight: np.ndarray | None, n_categories: np.ndarray
    ) -> Self:
        """Counts to start from when values are missing, which rule out nothing that was observed.

        Each column has the shares of its observed values, and each pair of columns the covariances
        of the rows in which both are observed, as far as the counts stay positive.
        """
        entries = _Entries(n_categories)
        total, share, covariance = _observed_moments(codes, weight, entries)
        expand, column = entries.from_all_values(), entries.column
        alone = expand @ share
        factor = _largest_factor(
            np.outer(alone, alone), expand @ (expand @ covariance).T, entries.first_value
        )
        covariance[1:, 1:] *= factor[column][:, column]
        joint = np.outer(share, share) + covariance
        same = column[:, np.newaxis] == column
        joint[1:, 1:][same] = np.diag(share[1:])[same]
        return cls(n_categories, total * joint)

    @classmethod
    def expect(
        cls, codes: np.ndarray, weight: np.ndarray | None, tree: TreeProbabilities
    ) -> tuple[Self, np.ndarray]:
        """The counts that a tree expects of rows with missing values, and their log-probability."""
        n_categories = tree.arrays.n_values
        n_entries = len(_Entries(n_categories))
        joint, log_prob = np.zeros((n_entries, n_entries)), np.empty(len(codes))
        for rows in row_blocks(len(codes), n_entries, INDICATOR_CELLS):
            own = part_of(weight, rows)
            soft, covariance, log_prob[rows] = tree.expect(codes[rows], own)
            joint += covariance + _outer_products(soft, own)
        return cls(n_categories, joint), log_prob

    def widen(self, n_categories: np.ndarray) -> Self:
        """The same counts for more categories."""
        before, after = _Entries(self.n_categories), _Entries(n_categories)
        place = np.concatenate([[0], after.place[before.column] + before.value])
        joint = np.zeros((len(after), len(after)))
        joint[np.ix_(place, place)] = self.joint
        return type(self)(n_categories, joint)

    def probabilities(self, pseudo_weight: float) -> np.ndarray:
        """The probability of each pair of values, as a tree takes them.

        Rows drawn evenly from all states, of total weight ``pseudo_weight``, count besides.
        """
        column = np.repeat(np.arange(len(self.n_categories)), self.n_categories)
        even = 1 / self.n_categories[column]
        entries = _Entries(self.n_categories)
        expand = entries.from_all_values()
        pairs = expand @ (expand @ self.joint).T
        summed = np.diagonal(pairs).copy()
        summed[entries.first_value] = self.total
        pairs[pairs < ROUNDING * np.minimum.outer(summed, summed)] = 0.0
        alone = np.diagonal(pairs) + pseudo_weight * even
        pairs += np.outer(pseudo_weight * even, even)
        pairs[column[:, np.newaxis] == column] = 0.0  # two values of one column exclude each other
        np.fill_diagonal(pairs, alone)
        return pairs / (self.total + pseudo_weight)


class _Entries:
    """Which entry of a row stands for which value of which column: ``place[j] + v`` for v of j."""

    def __init__(self, n_categories: np.ndarray) -> None:
        self.n_categories = n_categories
        self.first_value = np.cumsum(n_categories) - n_categories
        self.column = np.repeat(np.arange(len(n_categories)), n_categories - 1)
        self.place = self.first_value - np.arange(len(n_categories))
        self.value = np.arange(1, len(self)) - self.place[self.column]

    def __len__(self) -> int:
        return 1 + int(self.n_categories.sum()) - len(self.n_categories)

    def indicators(self, codes: np.ndarray, dtype: type) -> np.ndarray:
        """The entries of rows, 0 where a value is missing."""
        entries = np.empty((len(codes), len(self)), dtype=dtype)
        entries[:, 0] = 1
        codes = with_room(codes, self.n_categories)
        np.equal(codes[:, self.column], self.value.astype(codes.dtype), out=entries[:, 1:])
        return entries

    def from_all_values(self) -> csr_array:
        """The matrix that makes, of the entries of a row, whether it has each value, 0 included."""
        n_columns = len(self.n_categories)
        zero = self.first_value
        other = self.first_value[self.column] + self.value
        entry = np.arange(1, len(self))
        rows = np.concatenate([zero, zero[self.column], other])
        columns = np.concatenate([np.zeros(n_columns, dtype=np.int64), entry, entry])
        signs = np.repeat([1.0, -1.0, 1.0], [n_columns, len(entry), len(entry)])
        return csr_array((signs, (rows, columns)))


def _outer_products(entries: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """The weighted sum of ``outer(h, h)`` over the rows h."""
    weighted = entries if weight is None else weight[:, np.newaxis] * entries
    return (weighted.T @ entries).astype(np.float64, copy=False)


def _observed_moments(
    codes: np.ndarray, weight: np.ndarray | None, entries: _Entries
) -> tuple[float, np.ndarray, np.ndarray]:
    """The total weight, and means and covariances of the entries by what is observed of them.

    A covariance shrinks as if ``K_i K_j`` rows in which the two columns are independent had been
    observed besides.
    """
    n_columns, column = codes.shape[1], entries.column
    sums = np.zeros((n_columns + len(entries),) * 2)
    for rows in row_blocks(len(codes), len(sums), INDICATOR_CELLS):
        parts = ~missing_cells(codes[rows]), entries.indicators(codes[rows], np.float64)
        sums += _outer_products(np.concatenate(parts, axis=1), part_of(weight, rows))
    observed, values = np.split(sums, [n_columns])
    n_both = np.maximum(observed[:, :n_columns], np.finfo(float).tiny)  # where neither is: 0 / tiny
    values, both = values[1:, :n_columns], values[1:, n_columns + 1 :]  # of a value, with a column
    share = values[np.arange(len(column)), column] / np.diagonal(n_both)[column]
    n_shrunk = n_both + np.outer(entries.n_categories, entries.n_categories)
    mean = (values / n_both[column])[:, column]
    covariance = np.zeros((len(entries), len(entries)))
    covariance[1:, 1:] = both - values[:, column] * mean.T
    covariance[1:, 1:] /= n_shrunk[column][:, column]
    return float(sums[n_columns, n_columns]), np.array([1.0, *share]), covariance


def _largest_factor(
    independent: np.ndarray, covariance: np.ndarray, first_value: np.ndarray
) -> np.ndarray:
    """For each pair of columns the factor up to 1 that leaves its cells a part of what they were.

    The cells are ``independent + factor * covariance``.
    """
    room = (1 - LEAST_PART) * np.maximum(independent, 0.0)
    beyond = covariance < -room - ROUNDING
    ratio = np.divide(room, -covariance, out=np.ones_like(room), where=beyond)
    by_column = np.minimum.reduceat(np.minimum.reduceat(ratio, first_value), first_value, axis=1)
    return np.minimum(by_column, by_column.T)


def mutual_information(pairs: np.ndarray, n_categories: np.ndarray) -> np.ndarray:
    """Mutual information of each pair of columns in nats; the diagonal holds the entropies."""
    first = np.cumsum(n_categories) - n_categories
    negative_entropy = np.add.reduceat(np.add.reduceat(xlogy(pairs, pairs), first), first, axis=1)
    alone = np.diagonal(negative_entropy)
    information = negative_entropy - alone - alone[:, np.newaxis]
    return np.maximum((information + information.T) / 2, 0.0)


def best_tree(mutual_information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The spanning tree with the largest sum, rooted at column 0.

    Of pairs as good as each other the first in the order of the columns is taken, so that the tree
    does not depend on the order in which rows were summed.

    Returns
    -------
    parents : ndarray of shape (n_columns,)
        The parent of each column, -1 for the root.
    order : ndarray of shape (n_columns,)
        The columns breadth first.
    """
    n_columns = len(mutual_information)
    pairs = np.triu_indices(n_columns, 1)
    best_first = np.argsort(-mutual_information[pairs].round(DECIMALS), kind="stable")
    rank = np.empty(len(best_first))
    rank[best_first] = np.arange(1, len(rank) + 1)  # 0 would be no edge
    place = tuple(columns.astype(np.int32) for columns in pairs)  # older csgraph takes no int64
    ranks = csr_array((rank, place), shape=(n_columns, n_columns))
    order, parents = breadth_first_order(minimum_spanning_tree(ranks), 0, directed=False)
    parents[0] = -1
    return parents.astype(np.int64), order.astype(np.int64)


def children_of(parents: np.ndarray) -> list[list[int]]:
    """The columns that hang on each column; a parent of -1 is none."""
    children: list[list[int]] = [[] for _ in parents]
    for column, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(column)
    return children


def parents_first(parents: np.ndarray) -> list[int]:
    """The columns, each after its parent: roots first, then breadth first."""
    children = children_of(parents)
    order = np.flatnonzero(parents < 0).tolist()
    for column in order:
        order += children[column]
    return order


class TreeProbabilities:
    """The tables of a tree, from the probabilities of all pairs of values.

    Parameters
    ----------
    parents, order : ndarray of shape (n_columns,)
        The tree, as :func:`best_tree` gives it.
    n_categories : ndarray of shape (n_columns,)
        The number of categories of each column.
    pairs : ndarray of shape (n_values, n_values)
        The probability of each value of any column together with each value of any other, or the
        same one: ``pairs[i, i]`` is that of value i alone.
    """

    def __init__(
        self, parents: np.ndarray, order: np.ndarray, n_categories: np.ndarray, pairs: np.ndarray
    ) -> None:
        first_value = np.cumsum(n_categories) - n_categories
        is_root = parents < 0
        n_contexts = np.where(is_root, 1, n_categories[parents])
        n_cells = n_contexts * n_categories
        weights = np.empty(n_cells.sum())
        first_cell = np.cumsum(n_cells) - n_cells
        for j, parent in enumerate(parents):
            values = slice(first_value[j], first_value[j] + n_categories[j])
            if parent < 0:
                table = np.diagonal(pairs)[values]
            else:
                above = slice(first_value[parent], first_value[parent] + n_categories[parent])
                table = pairs[above, values]
            weights[first_cell[j] : first_cell[j] + n_cells[j]] = table.ravel()
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

    @property
    def _row_starts(self) -> np.ndarray:
        return np.cumsum(self.row_lengths) - self.row_lengths

    def _share_of_row(self, weights: np.ndarray) -> np.ndarray:
        """Each cell's part of its table row; a row that was never seen leaves the even one."""
        total = np.repeat(np.add.reduceat(weights, self._row_starts), self.row_lengths)
        even = 1 / np.repeat(self.row_lengths, self.row_lengths)
        return np.divide(weights, total, out=even, where=total > 0)

    def _cumulative(self) -> np.ndarray:
        """Sums along the table rows, each of which ends with exactly 1."""
        sums = np.cumsum(self.arrays.probability)
        before = np.concatenate([[0.0], sums])[self._row_starts]
        sums -= np.repeat(before, self.row_lengths)
        last = sums[self._row_starts + self.row_lengths - 1]
        return sums / np.repeat(last, self.row_lengths)

    def mean_log_prob(self) -> float:
        """The mean of ``log p(x)`` over all states x, drawn evenly."""
        sums = np.add.reduceat(self.arrays.log_prob, self.arrays.first_cell)
        return float(np.sum(sums / self.n_cells))

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """``log p(x)`` of complete rows."""
        out = np.empty(len(codes))
        kernels.log_prob_complete(readonly(codes), self.arrays, out)
        return out

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        dtype = np.uint8 if self.arrays.n_values.max() <= 256 else np.uint16
        codes = np.empty((n_samples, len(self.n_cells)), dtype=dtype)
        return draw_with_uniforms(
            kernels.draw, (self.arrays, readonly(self._cumulative())), codes, generator
        )

    def log_prob_missing(self, codes: np.ndarray) -> np.ndarray:
        """``log p(x_observed)``."""
        out = np.empty(len(codes))
        kernels.log_prob_missing(readonly(codes), missing_code(codes), self.arrays, out)
        return out

    def sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        drawn = with_room(codes, self.arrays.n_values).copy()
        arguments = (missing_code(drawn), self.arrays)
        return draw_with_uniforms(kernels.draw_missing, arguments, drawn, generator)

    def mean_missing(self, codes: np.ndarray) -> np.ndarray:
        mean = np.empty(codes.shape)
        kernels.mean_missing(readonly(codes), missing_code(codes), self.arrays, mean)
        return mean

    def mode_missing(self, codes: np.ndarray) -> np.ndarray:
        completed = with_room(codes, self.arrays.n_values).copy()
        kernels.fill_mode(missing_code(completed), self.arrays, completed)
        return completed

    def expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the observed values leave to expect of each row.

        Returns
        -------
        soft : ndarray of shape (n_rows, 1 + n_values - n_columns)
            Ones, and the probabilities of the values 1, 2, ... of each column.
        covariance : ndarray of shape (n_entries, n_entries)
            The covariances of the entries of a row of ``soft``, weighted and summed over the rows.
        log_prob : ndarray of shape (n_rows,)
            ``log p(x_observed)``.
        """
        n_entries = 1 + int(self.arrays.n_values.sum()) - codes.shape[1]
        soft, log_prob = np.empty((len(codes), n_entries)), np.empty(len(codes))
        joint = np.zeros((n_entries, n_entries))
        weight = readonly(ones_if_none(weight, len(codes)))
        kernels.add_expected_pairs(
            readonly(codes),
            missing_code(codes),
            weight,
            self.arrays,
            soft,
            joint,
            log_prob,
        )
        return soft, joint + joint.T - np.diag(np.diagonal(joint)), log_prob
