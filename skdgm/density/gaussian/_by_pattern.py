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
from .._engine.blocks import row_blocks
from ._missing import NormalCovariance
from ._moments import CHUNK_CELLS, Moments

MOST_COLUMNS = 64  # bits of a key
FEW_PRODUCTS = 2**16  # of values that a loop forms sooner than calls of BLAS
CELLS_OF_STEP = 2**18  # of rows that one thread counts in a step of learning
NOTHING, NO_SUM = np.empty((0, 0)), np.empty((0, 0, 0))


class RowsByPattern:
    """Rows in the order of their patterns of missing values.

    Neighbouring patterns differ as late as possible, so that they share work.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Rows with at most ``MOST_COLUMNS`` columns; NaN is a missing value.
    """

    def __init__(self, X: np.ndarray) -> None:
        self.X = X
        key = pattern_keys(X)
        self._order = np.argsort(key, kind="stable")
        self._key = key[self._order]

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
        log_prob = np.empty((len(self.X), len(mean)))
        for block in self._blocks(1):
            own, _ = self._complete(block, covariances, mean, filled=False)
            log_prob[self._order[block]] = own
        return log_prob

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
        log_prob : ndarray of shape (n_rows, k)
            Log-density of each row of positive weight, and NaN where its pattern is near singular.
        """
        k, d = mean.shape
        total, first, second = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
        log_prob = np.zeros(weight.shape)
        conditional = np.zeros((k, d, d))
        for block in self._blocks(k):
            rows = self._order[block]
            own = weight[rows]
            log_prob[rows], filled = self._complete(
                block, covariances, mean, weight=own, second=conditional
            )
            own = np.where(np.isnan(log_prob[rows]), 0.0, own)
            total += own.sum(axis=0)
            root = np.sqrt(own).T
            filled *= root[:, :, np.newaxis]
            for c in range(k):
                first[c] += root[c] @ filled[c]
                second[c] += filled[c].T @ filled[c]
        second += conditional + np.triu(conditional, 1).transpose(0, 2, 1)
        shift = first / np.where(total > 0, total, 1.0)[:, np.newaxis]
        second -= (total[:, np.newaxis] * shift)[:, :, np.newaxis] * shift[:, np.newaxis]
        sums = zip(total, mean + shift, second, strict=True)
        return [Moments(float(each), *of_rows) for each, *of_rows in sums], log_prob

    def conditional(
        self, covariance: Any, variance: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Complete the rows, as deviations from the mean, by conditional means of a normal.

        Parameters
        ----------
        covariance : FullCovariance
            Its covariance.
        variance : ndarray of shape (n_rows, n_columns) or None, default=None
            Zeros, to get the conditional variance of each missing value.

        Returns
        -------
        filled : ndarray of shape (n_rows, n_columns)
            The rows with the mean in place of missing values.
        lost : ndarray of shape (n_rows,)
            Mask of the rows whose pattern is near singular, which are not completed.
        """
        filled, lost = np.empty(self.X.shape), np.empty(len(self.X), dtype=bool)
        n_columns = self.X.shape[1]
        origin = np.zeros((1, n_columns))
        for block in self._blocks(1):
            rows = self._order[block]
            own = NOTHING if variance is None else np.zeros((len(rows), n_columns))
            log_prob, completed = self._complete(block, [covariance], origin, variance=own)
            filled[rows], lost[rows] = completed[0], np.isnan(log_prob[:, 0])
            if variance is not None:
                variance[rows] = own
        return filled, lost

    def draw(
        self, covariance: Any, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Complete the rows by joint draws from a normal, also told which rows are lost."""
        filled, lost = np.empty(self.X.shape), np.empty(len(self.X), dtype=bool)
        origin, normal = np.zeros((1, self.X.shape[1])), generator.standard_normal(self.X.shape)
        for block in self._blocks(1):
            rows = self._order[block]
            arguments = block, [covariance], origin
            log_prob, completed = self._complete(*arguments, normal=normal[rows])
            filled[rows], lost[rows] = completed[0], np.isnan(log_prob[:, 0])
        return filled, lost

    def _blocks(self, k: int) -> list[slice]:
        return row_blocks(len(self.X), k * self.X.shape[1], CHUNK_CELLS)

    def _complete(
        self,
        block: slice,
        covariances: Sequence[Any],
        mean: np.ndarray,
        *,
        weight: np.ndarray = NOTHING,
        normal: np.ndarray = NOTHING,
        filled: bool = True,
        variance: np.ndarray = NOTHING,
        second: np.ndarray = NO_SUM,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Call the kernel on some of the sorted rows; return log-densities and completed rows."""
        x = readonly(self.X[self._order[block]].astype(np.float64, copy=False))
        log_prob = np.zeros((len(x), len(mean)))
        completed = np.zeros((len(mean) if filled else 0, *x.shape))
        kernels.complete(
            x,
            readonly(self._key[block]),
            readonly(mean),
            readonly(np.stack([covariance.value for covariance in covariances])),
            readonly(weight),
            readonly(normal),
            log_prob,
            completed,
            variance,
            second,
        )
        return log_prob, completed


def pattern_keys(X: np.ndarray) -> np.ndarray:
    """Return a number for the pattern of each row, with the bit of column 0 on top."""
    packed = np.packbits(np.isnan(X), axis=1)
    key = np.zeros((len(X), 8), dtype=np.uint8)
    key[:, : packed.shape[1]] = packed
    return key.view(">u8")[:, 0].astype(np.uint64)


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
