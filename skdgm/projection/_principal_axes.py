"""Principal axes from moments, which batches and missing values leave instead of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg
from sklearn.utils.extmath import svd_flip

from ..density.gaussian._density import GaussianDensity
from ..density.gaussian._moments import Moments

RIDGE = 1e-6  # of the mean variance: keeps the likelihood bounded where rows are few


def principal_axes(moments: Moments, n_components: int | float | None) -> dict[str, Any]:
    """The fitted attributes that :class:`sklearn.decomposition.PCA` finds from the rows."""
    n_samples, d = int(moments.total), len(moments.mean)
    rank = min(n_samples, d)
    variance, vectors = linalg.eigh(moments.scatter / max(1, n_samples - 1))
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


def fit_incomplete(X: np.ndarray, n_components: Any, **iteration: Any) -> GaussianDensity:
    """Fit the density of probabilistic PCA to rows with missing values.

    With a share of the variance for ``n_components``, which is known only afterwards, the
    covariance is unrestricted.
    """
    if n_components == "mle":
        raise ValueError(
            'X has missing values, with which n_components="mle" cannot be chosen; give a number.'
        )
    most = min(X.shape)
    k = most if n_components is None else n_components
    if k > most:
        raise ValueError(
            f"n_components must be at most min(n_samples, n_features) = {most}, got {k}."
        )
    low_rank = 1 <= k < X.shape[1]
    return GaussianDensity(
        "low_rank" if low_rank else "full",
        n_factors=int(k) if low_rank else None,
        reg_covar=RIDGE * float(np.mean(np.nanvar(X, axis=0))),
        **iteration,
    ).fit(X)
