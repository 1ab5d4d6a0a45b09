"""The start of a hidden Chow-Liu tree: a mixture of Chow-Liu trees, one per cluster of rows.

A latent state stands for a cluster and a value of its column. Except for a small part, it passes on
to states of its cluster, with the probabilities that the values have in the rows of the cluster.
"""

from __future__ import annotations

import warnings
from functools import cached_property

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from ..._codes import as_floats, missing_cells
from .._engine.blas import openmp_threads_for
from .._engine.missing import fill_with_means
from ._messages import TreeCounts, TreeShape

SURE = 0.98  # probability that a state emits the value that it stands for
BLUR = 0.2  # part of a row's weight that is shared among all clusters
NOISE = 0.1  # relative; distinguishes states that stand for the same
LEAST_CLUSTERS = 4  # however many values a column has, if there are as many states
PSEUDO_COUNT = 1.0  # keeps the start from ruling anything out


class States:
    """The meaning of the latent states: a cluster, and a group of values of their column.

    A group is one value, unless a column has so many that too few clusters would remain.
    """

    def __init__(self, shape: TreeShape) -> None:
        self.shape = shape
        most = min(max(shape.n_states // LEAST_CLUSTERS, 2), shape.n_states)
        self.n_groups = np.minimum(shape.n_values, most)
        self.n_clusters = shape.n_states // int(self.n_groups.max())
        self.cluster = np.arange(shape.n_states) % self.n_clusters

    def group(self, column: int) -> np.ndarray:
        """Return the group that each state stands for."""
        return np.arange(self.shape.n_states) // self.n_clusters % self.n_groups[column]

    def group_of_values(self, column: int) -> np.ndarray:
        """Return the group of each value of a column."""
        n_values = int(self.shape.n_values[column])
        return np.arange(n_values) * self.n_groups[column] // n_values

    def n_alike(self, column: int) -> np.ndarray:
        """Number of states that stand for the same cluster and group as each state."""
        label = self.group(column) * self.n_clusters + self.cluster
        return np.bincount(label)[label]


class ClusteredRows:
    """Weighted rows in clusters, and the frequencies of values in each cluster."""

    def __init__(self, codes: np.ndarray, weight: np.ndarray, states: States, seed: int) -> None:
        self.codes, self.weight, self.states = codes, weight, states
        self.cluster = _k_means_of_rows(codes, weight, states, seed)
        size = np.bincount(self.cluster, weights=weight, minlength=states.n_clusters)
        self.share = (size + 1e-3) / (size + 1e-3).sum()

    @cached_property
    def missing(self) -> np.ndarray:
        """Mask of the missing cells."""
        return missing_cells(self.codes)

    def marginal(self, column: int) -> np.ndarray:
        """Return the smoothed probability of each value of a column."""
        return marginal(self.codes[:, column], self.weight, int(self.states.shape.n_values[column]))

    def next_group(self, parent: int, column: int) -> np.ndarray:
        """Return ``p(group of column | group of parent, cluster)``; a root has one group above."""
        states = self.states
        seen = ~self.missing[:, column]
        n_above = 1 if parent < 0 else states.n_groups[parent]
        place = self.cluster * n_above
        if parent >= 0:
            seen &= ~self.missing[:, parent]
            place = place + self._groups(parent)
        n_groups = states.n_groups[column]
        place = (place * n_groups + self._groups(column))[seen]
        shape = (states.n_clusters, n_above, n_groups)
        count = np.bincount(place, weights=self.weight[seen], minlength=np.prod(shape))
        count = count.reshape(shape)
        everywhere = count.sum(axis=0)
        count = (1 - BLUR) * count + BLUR / states.n_clusters * everywhere
        return _smoothed(count, _smoothed(everywhere, 1 / n_groups))

    def _groups(self, column: int) -> np.ndarray:
        values = np.where(self.missing[:, column], 0, self.codes[:, column])
        return self.states.group_of_values(column)[values]


def marginal(codes: np.ndarray, weight: np.ndarray, n_values: int) -> np.ndarray:
    """Return the probability of each value of a column, smoothed so that none is 0."""
    seen = ~missing_cells(codes)
    count = np.bincount(codes[seen], weights=weight[seen], minlength=n_values)
    return _smoothed(count, 1 / n_values)


def _smoothed(count: np.ndarray, towards: np.ndarray | float) -> np.ndarray:
    count = count + PSEUDO_COUNT * towards
    return count / count.sum(axis=-1, keepdims=True)


def _k_means_of_rows(
    codes: np.ndarray, weight: np.ndarray, states: States, seed: int
) -> np.ndarray:
    """Cluster the rows by k-means, with missing values at the mean of their column."""
    n_clusters = min(states.n_clusters, len(codes))
    if n_clusters == 1:
        return np.zeros(len(codes), dtype=np.intp)
    points = as_floats(codes) / np.maximum(states.shape.n_values - 1, 1)
    points = fill_with_means(points, weight).astype(np.float32)
    k_means = MiniBatchKMeans(n_clusters, n_init=3, random_state=seed)
    weight = np.ldexp(weight, -np.frexp(weight.max())[1])  # of any size, in single precision
    with openmp_threads_for(points, n_clusters), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer distinct rows than clusters
        return k_means.fit(points, sample_weight=weight).labels_.astype(np.intp)


def count_start(
    codes: np.ndarray,
    weight: np.ndarray,
    shape: TreeShape,
    mixing: float,
    generator: np.random.Generator,
) -> TreeCounts:
    """Make counts to estimate the start from; all states of a column are equally frequent."""
    states = States(shape)
    rows = ClusteredRows(codes, weight, states, int(generator.integers(2**31)))
    counts = TreeCounts.zeros(shape)
    visits = weight.sum() / shape.n_states
    for column, parent in enumerate(shape.parents):
        counts.emission[shape.slots(column)][:-1] = visits * _emission(rows, column)
        moves = _moves(rows, parent, column, mixing)
        n_rows = 1 if parent < 0 else shape.n_states
        moves = moves * generator.uniform(1 - NOISE, 1 + NOISE, (n_rows, shape.n_states))
        counts.transition[column] = visits * moves / moves.sum(axis=1, keepdims=True)
    return counts


def _emission(rows: ClusteredRows, column: int) -> np.ndarray:
    """Return ``p(value | state)`` of shape (n_values, n_states)."""
    states, values = rows.states, rows.marginal(column)[:, np.newaxis]
    own = states.group_of_values(column)[:, np.newaxis] == states.group(column)
    return SURE * own * values / (own * values).sum(axis=0) + (1 - SURE) * values


def _moves(rows: ClusteredRows, parent: int, column: int, mixing: float) -> np.ndarray:
    """Return ``p(state of column | state of parent)``, with one row for a root."""
    states = rows.states
    follows = rows.next_group(parent, column)
    cluster, group = states.cluster, states.group(column)
    if parent < 0:
        return rows.share[cluster] * follows[cluster, 0, group] / states.n_alike(column)
    above = states.group(parent)[:, np.newaxis]
    stays = (1 - mixing) * np.eye(states.n_clusters) + mixing * rows.share
    return stays[cluster][:, cluster] * follows[cluster, above, group] / states.n_alike(column)
