"""Normals of any covariance matrix side by side, and rows in many patterns of missing values.

Up to ``MOST_COLUMNS`` columns, one kernel call serves all rows and all normals. A pattern whose
observed columns are singular to machine precision under a normal is done on its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._codes import has_missing, readonly
from ..._kernels import gaussian_missing as kernels
from ._missing import NormalCovariance
from ._moments import Moments

MOST_COLUMNS = 64  # bits of a key
FEW_PRODUCTS = 2**16  # of values that a loop forms sooner than calls of BLAS


class RowsByPattern:
    """Rows, and the order of their patterns of missing values.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Rows with at most ``MOST_COLUMNS`` columns; NaN is a missing value.
    """

    def __init__(self, X: np.ndarray) -> None:
        X = readonly(X)
        key = np.empty(len(X), dtype=np.uint64)
        kernels.pattern_keys(X, key)
        self.X = X
        self._arguments = X, readonly(key), readonly(np.argsort(key, kind="stable"))

    def log_prob(self, covariances: Sequence[Any], mean: np.ndarray) -> np.ndarray:
        """Return the log-density of the observed values of each row under k normals.

        Parameters
        ----------
        covariances : sequence of FullCovariance
            One per normal, or a single one for all.
        mean : ndarray of shape (k, n_columns)
            The means.

        Returns
        -------
        log_prob : ndarray of shape (n_rows, k)
            It is -inf where squares overflow, and NaN where a pattern is near singular.
        """
        out = np.empty((len(self.X), len(mean)))
        kernels.log_prob(*self._arguments, readonly(mean), _stacked(covariances), out)
        return out

    def expect(
        self, covariances: Sequence[Any], mean: np.ndarray, weight: np.ndarray
    ) -> tuple[list[Moments], np.ndarray]:
        """Return the expected moments of the rows under each of k normals.

        Parameters
        ----------
        covariances : sequence of FullCovariance
            One per normal, or a single one for all.
        mean : ndarray of shape (k, n_columns)
            The means.
        weight : ndarray of shape (n_rows, k)
            Weight of each row for each normal.

        Returns
        -------
        moments : list of Moments
            One per normal, of the rows that are not lost.
        lost : ndarray of shape (n_rows, k)
            Mask of the rows of positive weight whose pattern is near singular.
        """
        k, d = mean.shape
        first, second = np.zeros((k, d)), np.zeros((k, d, d))
        lost = np.zeros(weight.shape, dtype=bool)
        arguments = readonly(weight), readonly(mean), _stacked(covariances)
        kernels.add_expected(*self._arguments, *arguments, first, second, lost)
        second += np.triu(second, 1).transpose(0, 2, 1)
        total = np.sum(weight, axis=0, where=~lost)
        shift = first / np.where(total > 0, total, 1.0)[:, np.newaxis]
        second -= (total[:, np.newaxis] * shift)[:, :, np.newaxis] * shift[:, np.newaxis]
        own = zip(total, mean + shift, second, strict=True)
        return [Moments(float(each), *sums) for each, *sums in own], lost

    def conditional(
        self, covariance: Any, mean: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Complete the rows by the conditional means of one normal.

        Returns
        -------
        filled : ndarray of shape (n_rows, n_columns)
            The rows with the mean in place of missing values.
        variance : ndarray of shape (n_rows, n_columns)
            Conditional variance of each missing value, 0 for observed ones.
        lost : ndarray of shape (n_rows,)
            Mask of the rows whose pattern is near singular, which are left as they are.
        """
        filled, variance = self.X.copy(), np.zeros(self.X.shape)
        lost = np.zeros(len(filled), dtype=bool)
        arguments = readonly(mean), readonly(covariance.value)
        kernels.conditional(*self._arguments, *arguments, filled, variance, lost)
        return filled, variance, lost

    def draw(
        self, covariance: Any, mean: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Complete the rows by joint draws from one normal, also told which rows are lost."""
        filled, lost = self.X.copy(), np.zeros(len(self.X), dtype=bool)
        normal = readonly(generator.standard_normal(filled.shape))
        arguments = normal, readonly(mean), readonly(covariance.value)
        kernels.draw(*self._arguments, *arguments, filled, lost)
        return filled, lost


def log_prob_by_pattern(covariances: Sequence[Any], mean: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Return the log-density of each row under k normals, of shape (n_rows, k).

    A single covariance may serve all means. It is -inf where squares overflow.
    """
    log_prob = RowsByPattern(X).log_prob(covariances, mean)
    lost = np.isnan(log_prob)
    if lost.any():
        for c in np.flatnonzero(lost.any(axis=0)).tolist():
            rows = lost[:, c]
            covariance = covariances[min(c, len(covariances) - 1)]
            log_prob[rows, c] = NormalCovariance.log_prob(covariance, X[rows] - mean[c])
    return log_prob


def has_few_complete(X: np.ndarray) -> bool:
    """Return whether it does not pay to treat complete rows apart from the others."""
    few = FEW_PRODUCTS // X.shape[1] ** 2
    if len(X) <= few or not has_missing(X):
        return len(X) <= few
    return np.count_nonzero(~np.isnan(X).any(axis=1)) <= few


def _stacked(covariances: Sequence[Any]) -> np.ndarray:
    return readonly(np.stack([covariance.value for covariance in covariances]))
