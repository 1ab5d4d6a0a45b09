"""Clusters of rows that depend on neither units, nor order, nor repetition, nor last bits."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans, kmeans_plusplus

from ..._codes import bits_for, pack
from .._engine.blas import openmp_threads_for
from .._engine.blocks import CHUNK_CELLS, row_blocks

STEP_BITS = 24  # of a coordinate in whole steps
MOST_POINTS = 2**14  # among which centres are looked for, or more where these are many
MOST_POINTS_EACH = 2**7
MANY_CELLS = 2**20  # of points, for which k-means takes few steps
FEW_OTHERS = 0.1  # share of the cells that are not 0, below which these are kept alone
FEW_STEPS = 10  # from which expectation-maximisation goes on just as well


@dataclass(frozen=True, eq=False)
class DistinctPoints:
    """The distinct ones among points, in an order that does not depend on that of the rows.

    Points are compared by coordinates in whole steps from the lowest one, of 2**-24 of a column's
    range, but wider than rounding errors: so last bits, which other machines round otherwise, do
    not count.
    """

    points: Any  # (n_distinct, n_columns), floats or codes, or sparse floats of 0 and more
    number: np.ndarray  # (n_rows,), which of them each row is
    lowest: np.ndarray  # (n_columns,)
    step: np.ndarray  # (n_columns,)

    @classmethod
    def of(cls, points: Any) -> Self:
        """Find the distinct points among floats or codes, none of which is missing."""
        lowest, highest = (_dense(ends) for ends in (points.min(axis=0), points.max(axis=0)))
        largest = np.maximum(highest, -lowest)
        step = np.maximum(2.0**-STEP_BITS * (highest - lowest), 2.0**-48 * largest)
        step[step == 0] = 1.0
        found = cls(points, np.empty(0), lowest, step)
        keys = found._keys(highest)
        _, first, number = np.unique(keys, return_index=True, return_inverse=True)
        return cls(points[first], number, lowest, step)

    def _keys(self, highest: np.ndarray) -> np.ndarray:
        """Return a key of each point; they sort as points do by their first columns."""
        if sparse.issparse(self.points):
            return self._sparse_keys()
        if self.points.dtype.kind == "u":
            return pack(self.points, bits_for(int(highest.max()) + 1))
        varying = np.flatnonzero(highest > self.lowest)
        width = max(1, len(varying))
        whole = np.zeros((len(self.points), width), dtype=">u4")  # of which bytes sort as numbers
        for rows in row_blocks(len(whole), width, CHUNK_CELLS):
            whole[rows, : len(varying)] = self.steps(rows)[:, varying]
        return whole.view(np.dtype((np.void, whole.itemsize * width)))[:, 0]

    def _sparse_keys(self) -> np.ndarray:
        """Return a string of bytes for each point: its columns and values, the first ones last."""
        points = self.points
        step = np.rint((points.data - self.lowest[points.indices]) / self.step[points.indices])
        entries = np.stack([points.shape[1] - points.indices, step], axis=1)
        above = step > 0
        row = np.repeat(np.arange(points.shape[0]), np.diff(points.indptr))
        ends = np.cumsum(np.bincount(row[above], minlength=points.shape[0])).tolist()
        written, width = entries[above].astype(">u4").tobytes(), 8
        keys = np.empty(points.shape[0], dtype=object)
        for place, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            keys[place] = written[width * start : width * end]
        return keys

    def steps(self, rows: Any) -> np.ndarray:
        """Return the coordinates of some points in whole steps from the lowest."""
        return np.rint((self.points[rows] - self.lowest) / self.step)

    def coordinates(self, rows: Any) -> Any:
        """Return the coordinates of some points, without their last bits.

        Many sparse ones stay sparse.
        """
        points = self.points[rows]
        if points.dtype.kind == "u":
            return points.astype(np.float64)
        if not sparse.issparse(points):
            return _without_last_bits_of(points)
        if math.prod(points.shape) <= MANY_CELLS:
            return _without_last_bits_of(points.toarray())
        places = points.indices.astype(np.int32), points.indptr.astype(np.int32)  # for k-means
        return sparse.csr_array((_without_last_bits_of(points.data), *places), points.shape)

    def __len__(self) -> int:
        return self.points.shape[0]

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
    """Return the cluster of each row: that of the nearest centre.

    Centres are those of k-means, among up to a few thousand distinct points; "k-means++" spreads
    them as the start of k-means does, and "random_rows" draws rows.

    With ``scaled``, columns are brought to unit variance, so that their units do not matter. The
    clusters are found from distinct points and weights, without their last bits: neither the order
    of the rows matters, nor that some are repeated instead of weighted.
    """
    weight = _without_last_bits(np.bincount(distinct.number, weight))
    n_clusters = min(n_clusters, len(distinct))
    chosen: Any = slice(None)
    most = max(MOST_POINTS, MOST_POINTS_EACH * n_clusters)
    if len(distinct) > most:
        chosen = np.sort(generator.choice(len(distinct), most, replace=False))
    coordinates = distinct.steps if scaled else distinct.coordinates
    points = coordinates(chosen)
    mean, deviation = _mean_and_deviation(points, weight[chosen]) if scaled else (None, None)

    def in_units(points: np.ndarray) -> np.ndarray:
        if scaled:
            points -= mean
            points /= deviation
        return points

    points = _sparse_if_few(in_units(points))
    with openmp_threads_for(points, n_clusters):
        centres = _find_centres(points, weight[chosen], n_clusters, method, generator)
        squares = (centres**2).sum(axis=1) / 2
        nearest = [
            (squares - in_units(coordinates(rows)) @ centres.T).argmin(axis=1)
            for rows in row_blocks(len(distinct), len(distinct.step), CHUNK_CELLS)
        ]
    return np.concatenate(nearest)[distinct.number]


def _sparse_if_few(points: Any) -> Any:
    """Return many points with few coordinates other than 0 as a sparse matrix.

    So rows have the same clusters, to the last bit, whether they came as a sparse matrix or not.
    """
    if points.size <= MANY_CELLS or sparse.issparse(points):
        return points
    few = np.count_nonzero(points) < FEW_OTHERS * points.size
    return sparse.csr_array(points) if few else points


def _find_centres(
    points: Any,
    weight: np.ndarray,
    n_clusters: int,
    method: str,
    generator: np.random.Generator,
) -> np.ndarray:
    if method == "random_rows":
        share = weight / weight.sum()
        chosen = points[generator.choice(len(share), n_clusters, replace=False, p=share)]
        return chosen.toarray() if sparse.issparse(chosen) else chosen
    seed = int(generator.integers(2**31))
    if method == "k-means++":
        return kmeans_plusplus(points, n_clusters, sample_weight=weight, random_state=seed)[0]
    steps = {"max_iter": FEW_STEPS, "tol": 0.0} if math.prod(points.shape) > MANY_CELLS else {}
    k_means = KMeans(n_clusters, n_init=1, copy_x=False, random_state=seed, **steps)
    return k_means.fit(points, sample_weight=weight).cluster_centers_


def shares_of_clusters(label: np.ndarray, n_clusters: int) -> np.ndarray:
    """Return the share of each row in each cluster, from the label of its own.

    Clusters left empty for lack of distinct rows take a small share of every row.
    """
    shares = np.zeros((len(label), n_clusters))
    shares[np.arange(len(label)), label] = 1.0
    shares[:, ~shares.any(axis=0)] = 1e-3 / n_clusters
    return shares / shares.sum(axis=1, keepdims=True)


def _dense(ends: Any) -> np.ndarray:
    """Return the lowest or highest points of columns as floats."""
    ends = ends.toarray().ravel() if sparse.issparse(ends) else ends
    return ends.astype(np.float64)


def _without_last_bits_of(coordinates: np.ndarray) -> np.ndarray:
    return np.rint(coordinates * 2.0**STEP_BITS) * 2.0**-STEP_BITS


def _without_last_bits(weight: np.ndarray) -> np.ndarray:
    unit = np.ldexp(1.0, np.frexp(weight.max())[1] - 40)
    return np.rint(weight / unit) * unit


def _mean_and_deviation(points: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each column, or 1 where it is constant."""
    share = weight / weight.sum()
    mean = share @ points
    deviation = np.sqrt(share @ (points - mean) ** 2)
    return mean, np.where(deviation > 0, deviation, 1.0)
