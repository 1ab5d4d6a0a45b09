"""Clusters of rows that depend on neither their order, nor repetition, nor last bits."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans


def cluster_rows(
    points: np.ndarray, weight: np.ndarray, n_clusters: int, generator: np.random.Generator
) -> np.ndarray:
    """Return the k-means cluster of each point, found from distinct points in their own order.

    So neither the order of the rows matters, nor that some are repeated instead of weighted. Nor do
    last bits, which other machines round otherwise: points are compared by coordinates in whole
    steps from the lowest one, of 2**-24 of a column's range, but wider than rounding errors.
    """
    lowest, highest = points.min(axis=0), points.max(axis=0)
    largest = np.maximum(highest, -lowest)
    step = np.maximum(2.0**-24 * (highest - lowest), 2.0**-48 * largest)
    step[step == 0] = 1.0
    keys = np.empty(len(points), dtype=object)  # bytes, the most significant first
    keys[:] = [np.rint((point - lowest) / step).astype(">u4").tobytes() for point in points]
    _, first, distinct = np.unique(keys, return_index=True, return_inverse=True)
    k_means = KMeans(
        min(n_clusters, len(first)), n_init=1, random_state=int(generator.integers(2**31))
    )
    k_means.fit(points[first], sample_weight=np.bincount(distinct, weight))
    return k_means.labels_[distinct]
