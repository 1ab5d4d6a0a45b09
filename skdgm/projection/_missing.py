"""Missing values in probabilistic PCA: fit to incomplete rows, complete them, count them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .._codes import has_missing
from ..density._engine.blocks import part_of, total_weight
from ..density.gaussian._covariances import LowRankCovariance
from ..density.gaussian._density import GaussianDensity
from ..density.gaussian._moments import Moments
from ._principal_axes import samples_of

RIDGE = 1e-6  # of the mean variance: keeps the likelihood bounded where rows are few


def n_axes_of(n_components: Any, X: Any, weight: np.ndarray | None, why: str) -> Any:
    """Return the number of axes to learn from moments of X, or a share of the variance.

    ``why`` says in an error what keeps "mle" from being chosen.
    """
    if n_components == "mle":
        raise ValueError(f'n_components="mle" cannot be chosen {why}; give a number.')
    n_rows, n_columns = X.shape
    most = min(samples_of(n_rows, total_weight(weight, n_rows)), n_columns)
    k = most if n_components is None else n_components
    if k > most:
        raise ValueError(
            f"n_components must be at most min(n_samples, n_features) = {most}, got {k}."
        )
    return k


def fit_incomplete(
    X: np.ndarray, weight: np.ndarray | None, n_components: Any, **iteration: Any
) -> GaussianDensity:
    """Fit the density of probabilistic PCA to rows with missing values.

    If ``n_components`` is a share of the variance, the number of axes is known only afterwards, and
    the covariance is unrestricted.
    """
    k = n_axes_of(n_components, X, weight, "if X has missing values")
    n_factors = int(k) if 1 <= k < X.shape[1] else None  # None is as general as a full covariance
    density = GaussianDensity("low_rank", n_factors=n_factors, reg_covar=RIDGE, **iteration)
    return density.fit(X, sample_weight=weight)


def complete(X: np.ndarray, mean: np.ndarray, covariance: LowRankCovariance) -> np.ndarray:
    """Replace each missing value by its expectation given the rest of its row."""
    if not has_missing(X):
        return X
    X = X.copy()
    incomplete = np.isnan(X).any(axis=1)
    deviation = X[incomplete].astype(np.float64, copy=False) - mean
    X[incomplete] = covariance.conditional_mean(deviation) + mean
    return X


def expected_moments(
    X: np.ndarray, weight: np.ndarray | None, mean: np.ndarray, covariance: LowRankCovariance
) -> Moments:
    """Return the moments of the rows, expected ones where values are missing."""
    incomplete = np.isnan(X).any(axis=1)
    if not incomplete.any():
        return Moments.count(X, weight, scatter="full")
    deviation = X[incomplete].astype(np.float64, copy=False) - mean
    expected, _ = covariance.expect(deviation, part_of(weight, incomplete))
    expected = replace(expected, mean=expected.mean + mean)
    if incomplete.all():
        return expected
    complete_rows = Moments.count(X[~incomplete], part_of(weight, ~incomplete), scatter="full")
    return complete_rows + expected
