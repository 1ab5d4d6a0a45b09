"""Clusters of rows that depend on neither units, nor order, nor repetition, nor last bits."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans


def distinct_rows(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct points, in an order that does not depend on that of the rows.

    Points are compared by coordinates in whole steps from the lowest one, of 2**-24 of a column's
    range, but wider than rounding errors: so last bits, which other machines round otherwise, do
    not count.

    Returns
    -------
    first : ndarray of shape (n_distinct,)
        A row that holds each distinct point, in their order.
    distinct : ndarray of shape (n_rows,)
        Number of each row's point.
    """
    lowest, highest = points.min(axis=0), points.max(axis=0)
    largest = np.maximum(highest, -lowest)
    step = np.maximum(2.0**-24 * (highest - lowest), 2.0**-48 * largest)
    step[step == 0] = 1.0
    keys = np.empty(len(points), dtype=object)  # bytes, the most significant first
    keys[:] = [np.rint((point - lowest) / step).astype(">u4").tobytes() for point in points]
    _, first, distinct = np.unique(keys, return_index=True, return_inverse=True)
    return first, distinct


def warn_of_few_distinct(points: np.ndarray, n_components: int) -> None:
    """Warn if components outnumber distinct points."""
    n_distinct = len(distinct_rows(points)[0])
    if n_distinct < n_components:
        warnings.warn(
            f"n_components={n_components} exceeds the {n_distinct} distinct rows of X, so that "
            "components must share rows or go without; choose a smaller n_components.",
            UserWarning,
            stacklevel=2,
        )


def cluster_rows(
    points: np.ndarray,
    weight: np.ndarray,
    n_clusters: int,
    scaled: bool,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the k-means cluster of each point.

    With ``scaled``, columns are brought to unit variance, so that their units do not matter. The
    clusters are found from distinct points: neither the order of the rows matters, nor that some
    are repeated instead of weighted.
    """
    first, distinct = distinct_rows(points)
    own_weight = np.bincount(distinct, weight)
    points = _standardised(points[first], own_weight) if scaled else points[first]
    k_means = KMeans(
        min(n_clusters, len(first)), n_init=1, random_state=int(generator.integers(2**31))
    )
    k_means.fit(points, sample_weight=own_weight)
    return k_means.labels_[distinct]


def _standardised(points: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and variance 1; constant ones become 0."""
    lowest = points.min(axis=0)
    extent = points.max(axis=0) - lowest
    relative = (points - lowest) / np.where(extent > 0, extent, 1.0)
    share = weight / weight.sum()
    relative -= share @ relative
    spread = np.sqrt(share @ relative**2)
    return relative / np.where(spread > 0, spread, 1.0)
