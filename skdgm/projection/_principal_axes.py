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

NOTHING = 1e-15  # of the largest variance, times the number of columns, as rounding leaves it
DEPENDENT = 1e-3  # distance of a unit vector from axes, below which it is as good as among them

FAR_FROM_TINY = 100  # times the smallest deviation whose square loses no digit


def check_moments_fit(n_columns: int, call: str) -> None:
    """Raise an error if memory does not hold what axes from moments need."""
    check_memory(
        3 * 8 * n_columns**2,  # moments so far, those of further rows, and their axes
        f"{call} of {n_columns} columns",
        "use fit without weights, which keeps no moments, or leave out columns",
    )


def check_squares(X: Any) -> None:
    """Raise a ValueError if variances of rows, dense or sparse, cannot be computed in their dtype.

    All columns have one unit, so the widest column decides whether they vary.
    """
    if sparse.issparse(X):
        lowest, highest = (own.reduce(X.data, initial=0.0) for own in (np.fmin, np.fmax))
    else:
        lowest, highest = (np.nan_to_num(own.reduce(X, axis=0)) for own in (np.fmin, np.fmax))
    limits = np.finfo(X.dtype)
    largest = np.max(np.maximum(-lowest, highest), initial=0.0)
    seen = f"up to {largest:g}"
    if largest < np.sqrt(limits.max / (4 * X.shape[0])):
        extent = np.max(highest - lowest, initial=0.0)
        if extent == 0 or extent > FAR_FROM_TINY * np.sqrt(limits.tiny):
            return
        seen = f"that differ by {extent:g} at most"
    raise ValueError(
        f"X holds values {seen}, whose squares cannot be computed with as {X.dtype}; scale it "
        "first, for example with sklearn.preprocessing.StandardScaler."
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


def samples_of(n_rows: int, total: float) -> int:
    """Return the number of samples that rows count as, by which that of the axes is limited.

    A weight is as good as repetition, but small weights leave as many samples as there are rows.
    """
    return max(n_rows, int(total + 1e-9 * total))  # a sum of weights has rounding errors


def settle_null_axes(axes: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return axes of which those along which nothing varies follow from the others alone.

    Any orthonormal axes of the rest of the space would do there, and rounding errors would choose.
    Those returned are the unit vectors farthest from the other axes, made orthogonal in turn.
    """
    k, d = axes.shape
    n_varying = int(np.count_nonzero(variance > NOTHING * d * np.max(variance, initial=0.0)))
    if n_varying == k:
        return axes
    settled = axes.astype(np.float64)
    n_settled, varying = n_varying, settled[:n_varying]
    distance = 1 - np.einsum("ij,ij->j", varying, varying)  # squared, of the unit vectors
    farthest = np.argsort(-np.round(distance, 6), kind="stable")
    for column in farthest:
        known = settled[:n_settled]
        unit = np.zeros(d)
        unit[column] = 1.0
        for _ in range(2):  # the second time for what rounding has left
            unit -= known.T @ (known @ unit)
        length = np.linalg.norm(unit)
        if length > DEPENDENT:
            settled[n_settled] = unit / length
            n_settled += 1
        if n_settled == k:
            return settled.astype(axes.dtype, copy=False)
    return axes  # no unit vector is far enough from the others


def principal_axes(
    moments: Moments, n_components: int | float | None, n_rows: int
) -> dict[str, Any]:
    """Return the fitted attributes that :class:`sklearn.decomposition.PCA` finds from the rows."""
    d = len(moments.mean)
    n_samples = samples_of(n_rows, float(moments.total))
    rank = min(n_samples, d)
    freedom = float(moments.total) - 1
    if n_rows > 1 and freedom <= 0:
        raise ValueError(
            f"sample_weight sums to {moments.total:g}, but variances are divided by that sum less "
            "1; scale the weights to sum to the number of rows."
        )
    freedom = freedom if n_rows > 1 else 1.0
    variance, vectors = linalg.eigh(np.asarray(moments.scatter) / freedom)
    variance = np.maximum(variance[::-1], 0.0)
    _, axes = svd_flip(None, vectors.T[::-1], u_based_decision=False)
    ratio = variance / (variance.sum() or 1.0)
    k = _n_components_to_keep(n_components, ratio, rank)
    return {
        "mean_": moments.mean,
        "n_samples_": n_samples,
        "n_components_": k,
        "components_": settle_null_axes(axes[:k].copy(), variance[:k]),
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
