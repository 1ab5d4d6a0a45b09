"""Normal rows with missing values, and their log-density by scipy."""

import numpy as np
import pytest
from scipy import linalg, stats

from skdgm import GaussianDensity

from .rows import hide

CASES = [
    pytest.param({"covariance_type": "full"}, 3, id="full-3"),
    pytest.param({"covariance_type": "full"}, 70, id="full-70"),  # pattern by pattern
    pytest.param({"covariance_type": "tied"}, 4, id="tied-4"),
    pytest.param({"covariance_type": "diag"}, 5, id="diag-5"),
    pytest.param({"covariance_type": "spherical"}, 6, id="spherical-6"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 0}, 4, id="low_rank-4-0"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 1}, 7, id="low_rank-7-1"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 2}, 7, id="low_rank-7-2"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 3}, 30, id="low_rank-30-3"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 4}, 6, id="low_rank-6-4"),
]
EM_CASES = [
    pytest.param({"covariance_type": "full"}, 4, id="full"),
    pytest.param({"covariance_type": "tied"}, 4, id="tied"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 1}, 5, id="low_rank-1"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 3}, 5, id="low_rank-3"),
]
cases = pytest.mark.parametrize(("parameters", "n_columns"), CASES)
em_cases = pytest.mark.parametrize(("parameters", "n_columns"), EM_CASES)


def complete_rows(n_rows, n_columns, seed=0):
    """Rows of correlated normal columns."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_columns, n_columns)) / np.sqrt(n_columns)
    return rng.normal(size=(n_rows, n_columns)) @ mixing + np.arange(n_columns)


def mixed_rows(n_columns):
    """Rows that are complete, share a pattern, have no observed value or a pattern of their own."""
    X = complete_rows(120, n_columns, seed=2)
    X[20:60, ::2] = np.nan
    X[60:62] = np.nan
    X[62:] = hide(X[62:], 0.4, seed=1)
    return X


def fitted(parameters, n_columns):
    """A density fitted to complete rows."""
    return GaussianDensity(**parameters).fit(complete_rows(100, n_columns))


def conditional(density, x):
    """Mean and covariance of the missing values, from the precision matrix."""
    missing = np.isnan(x)
    precision = linalg.inv(density.get_covariance())
    covariance = np.linalg.inv(precision[np.ix_(missing, missing)])  # of no column, too
    shift = precision[np.ix_(missing, ~missing)] @ (x - density.mean_)[~missing]
    return density.mean_[missing] - covariance @ shift, covariance


def observed_log_prob(X, mean, covariance):
    """Log-density of the observed values of each row, by scipy."""
    log_prob = np.zeros(len(X))
    patterns, pattern = np.unique(~np.isnan(X), axis=0, return_inverse=True)
    for k, seen in enumerate(patterns):
        if seen.any():
            rows = pattern.ravel() == k
            normal = stats.multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
            log_prob[rows] = normal.logpdf(X[np.ix_(rows, seen)])
    return log_prob
