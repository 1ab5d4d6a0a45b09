"""Clusters of rows that depend on neither units, nor order, nor repetition, nor last bits."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.metrics import pairwise_distances_argmin

from .._engine.blas import openmp_threads_for
from .._engine.blocks import row_blocks


@dataclass(frozen=True, eq=False)
class DistinctPoints:
    """The distinct ones among points, in an order that does not depend on that of the rows.

    Points are compared by coordinates in whole steps from the lowest one, of 2**-24 of a column's
    range, but wider than rounding errors: so last bits, which other machines round otherwise, do
    not count.
    """

    points: np.ndarray  # (n_distinct, n_columns)
    steps: np.ndarray  # (n_distinct, n_columns), the same in whole steps
    number: np.ndarray  # (n_rows,), which of them each row is

    @classmethod
    def of(cls, points: np.ndarray) -> Self:
        """Find the distinct points."""
        lowest, highest = points.min(axis=0), points.max(axis=0)
        largest = np.maximum(highest, -lowest)
        step = np.maximum(2.0**-24 * (highest - lowest), 2.0**-48 * largest)
        step[step == 0] = 1.0
        whole = np.empty(points.shape, dtype=">u4")  # of which bytes are in order of numbers
        for rows in row_blocks(*points.shape):
            whole[rows] = np.rint((points[rows] - lowest) / step)
        keys = whole.view(np.dtype((np.void, whole.itemsize * points.shape[1])))[:, 0]
        _, first, number = np.unique(keys, return_index=True, return_inverse=True)
        return cls(points[first], np.rint((points[first] - lowest) / step), number)

    def __len__(self) -> int:
        return len(self.points)

    def warn_if_fewer_than(self, n_components: int) -> None:
        """Warn if components outnumber distinct points."""
        if len(self) < n_components:
            warnings.warn(
                f"n_components={n_components} exceeds the {len(self)} distinct rows of X, so that "
                "components must share rows or go without; choose a smaller n_components.",
                UserWarning,
                stacklevel=2,
            )


def cluster_rows(
    distinct: DistinctPoints,
    weight: np.ndarray,
    n_clusters: int,
    scaled: bool,
    generator: np.random.Generator,
    method: str = "kmeans",
) -> np.ndarray:
    """Return the cluster of each row: that of k-means, or of the nearest of some centres.

    "k-means++" spreads the centres, as the start of k-means does; "random_rows" draws rows.

    With ``scaled``, columns are brought to unit variance, so that their units do not matter. The
    clusters are found from distinct points and weights, without their last bits: neither the order
    of the rows matters, nor that some are repeated instead of weighted.
    """
    own_weight = _without_last_bits(np.bincount(distinct.number, weight))
    if scaled:
        points = _standardised(distinct.steps, own_weight)
    else:
        points = np.rint(distinct.points * 2.0**24) * 2.0**-24
    n_clusters = min(n_clusters, len(distinct))
    if method != "kmeans":
        centres = points[_draw_centres(points, own_weight, n_clusters, method, generator)]
        return pairwise_distances_argmin(points, centres)[distinct.number]
    k_means = KMeans(n_clusters, n_init=1, random_state=int(generator.integers(2**31)))
    with openmp_threads_for(points, n_clusters):
        return k_means.fit(points, sample_weight=own_weight).labels_[distinct.number]


def _draw_centres(
    points: np.ndarray,
    weight: np.ndarray,
    n_clusters: int,
    method: str,
    generator: np.random.Generator,
) -> np.ndarray:
    """Draw the numbers of points that are centres."""
    if method == "random_rows":
        return generator.choice(len(points), n_clusters, replace=False, p=weight / weight.sum())
    seed = int(generator.integers(2**31))
    return kmeans_plusplus(points, n_clusters, sample_weight=weight, random_state=seed)[1]


def shares_of_clusters(label: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the share of each row in each cluster, from the label of its own.

    Clusters left empty for lack of distinct rows take a small share of every row.
    """
    shares = np.zeros((len(label), n_clusters))
    shares[np.arange(len(label)), label] = 1.0
    shares[:, ~shares.any(axis=0)] = 1e-3 / n_clusters
    return shares / shares.sum(axis=1, keepdims=True)


def _without_last_bits(weight: np.ndarray) -> np.ndarray:
    unit = np.ldexp(1.0, np.frexp(weight.max())[1] - 40)
    return np.rint(weight / unit) * unit


def _standardised(points: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and variance 1; constant ones become 0."""
    lowest = points.min(axis=0)
    extent = points.max(axis=0) - lowest
    relative = (points - lowest) / np.where(extent > 0, extent, 1.0)
    share = weight / weight.sum()
    relative -= share @ relative
    spread = np.sqrt(share @ relative**2)
    return relative / np.where(spread > 0, spread, 1.0)
