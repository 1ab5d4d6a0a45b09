"""Principal axes from moments, which is what batches and missing values leave of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg
from sklearn.utils.extmath import svd_flip

from ..density.gaussian._moments import Moments


def principal_axes(moments: Moments, n_components: int | float | None) -> dict[str, Any]:
    """Return the fitted attributes that :class:`sklearn.decomposition.PCA` finds from the rows."""
    n_samples, d = int(moments.total), len(moments.mean)
    rank = min(n_samples, d)
    variance, vectors = linalg.eigh(np.asarray(moments.scatter) / max(1, n_samples - 1))
    variance = np.maximum(variance[::-1], 0.0)
    _, axes = svd_flip(None, vectors.T[::-1], u_based_decision=False)
    ratio = variance / (variance.sum() or 1.0)
    k = _n_components_to_keep(n_components, ratio, rank)
    return {
        "mean_": moments.mean,
        "n_samples_": n_samples,
        "n_components_": k,
        "components_": axes[:k].copy(),
        "explained_variance_": variance[:k].copy(),
        "explained_variance_ratio_": ratio[:k].copy(),
        "singular_values_": np.sqrt(variance[:k] * max(1, n_samples - 1)),
        "noise_variance_": float(variance[k:rank].mean()) if k < rank else 0.0,
    }


def _n_components_to_keep(n_components: int | float | None, ratio: np.ndarray, rank: int) -> int:
    if n_components is None:
        return rank
    if 0 < n_components < 1:
        return min(rank, int(np.searchsorted(np.cumsum(ratio), n_components, "right")) + 1)
    if n_components > len(ratio):
        raise ValueError(
            f"n_components must be at most n_features = {len(ratio)}, got {n_components}."
        )
    return int(n_components)
