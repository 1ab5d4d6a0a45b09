"""Principal axes from moments, which is what batches and missing values leave of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg, sparse
from sklearn.utils.extmath import svd_flip

from .._memory import check_memory
from ..density._engine.blocks import weighted_blocks
from ..density._engine.statistics import add_in_pairs
from ..density.gaussian._moments import Moments


def check_moments_fit(n_columns: int, call: str) -> None:
    """Raise an error if memory does not hold what axes from moments need."""
    check_memory(
        3 * 8 * n_columns**2,  # moments so far, those of further rows, and their axes
        f"{call} of {n_columns} columns",
        "use fit without weights, which keeps no moments, or leave out columns",
    )


def count_rows(X: Any, weight: np.ndarray | None, call: str) -> Moments:
    """Return the moments of complete rows, dense or sparse; ``call`` is the method, for errors."""
    check_moments_fit(X.shape[1], call)
    if not sparse.issparse(X):
        return Moments.count(X, weight, scatter="full")
    blocks = weighted_blocks(X.tocsr(), weight)
    return add_in_pairs(
        [Moments.count(rows.toarray(), own, scatter="full") for rows, own in blocks]
    )


def principal_axes(
    moments: Moments, n_components: int | float | None, n_samples: int
) -> dict[str, Any]:
    """Return the fitted attributes that :class:`sklearn.decomposition.PCA` finds from the rows."""
    d = len(moments.mean)
    rank = min(n_samples, d)
    freedom = float(moments.total) - 1
    if n_samples > 1 and freedom <= 0:
        raise ValueError(
            f"sample_weight sums to {moments.total:g}, but variances are divided by that sum less "
            "1; scale the weights to sum to the number of rows."
        )
    freedom = freedom if n_samples > 1 else 1.0
    variance, vectors = linalg.eigh(np.asarray(moments.scatter) / freedom)
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
        "singular_values_": np.sqrt(variance[:k] * freedom),
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
