"""Missing values in probabilistic PCA: fit to incomplete rows, complete them, count them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .._codes import has_missing
from ..density.gaussian._covariances import LowRankCovariance
from ..density.gaussian._density import GaussianDensity
from ..density.gaussian._moments import Moments

RIDGE = 1e-6  # of the mean variance: keeps the likelihood bounded where rows are few


def fit_incomplete(X: np.ndarray, n_components: Any, **iteration: Any) -> GaussianDensity:
    """Fit the density of probabilistic PCA to rows with missing values.

    If ``n_components`` is a share of the variance, the number of axes is known only afterwards, and
    the covariance is unrestricted.
    """
    if n_components == "mle":
        raise ValueError(
            'n_components="mle" cannot be chosen if X has missing values; give a number.'
        )
    most = min(X.shape)
    k = most if n_components is None else n_components
    if k > most:
        raise ValueError(
            f"n_components must be at most min(n_samples, n_features) = {most}, got {k}."
        )
    n_factors = int(k) if 1 <= k < X.shape[1] else None  # None is as general as a full covariance
    return GaussianDensity("low_rank", n_factors=n_factors, reg_covar=RIDGE, **iteration).fit(X)


def complete(X: np.ndarray, mean: np.ndarray, covariance: LowRankCovariance) -> np.ndarray:
    """Replace each missing value by its expectation given the rest of its row."""
    if not has_missing(X):
        return X
    X = X.copy()
    incomplete = np.isnan(X).any(axis=1)
    deviation = X[incomplete].astype(np.float64, copy=False) - mean
    X[incomplete] = covariance.conditional_mean(deviation) + mean
    return X


def expected_moments(X: np.ndarray, mean: np.ndarray, covariance: LowRankCovariance) -> Moments:
    """Return the moments of the rows, expected ones where values are missing."""
    incomplete = np.isnan(X).any(axis=1)
    if not incomplete.any():
        return Moments.count(X, None, scatter="full")
    deviation = X[incomplete].astype(np.float64, copy=False) - mean
    expected, _ = covariance.expect(deviation)
    expected = replace(expected, mean=expected.mean + mean)
    if incomplete.all():
        return expected
    return Moments.count(X[~incomplete], None, scatter="full") + expected
