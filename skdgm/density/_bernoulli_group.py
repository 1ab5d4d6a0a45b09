"""Independent binary columns of several densities, counted and scored in one pass.

For k densities side by side, rows of zeros and ones meet a matrix of k columns of log-odds; sparse
rows meet it where they hold ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from .._codes import has_missing
from ._engine.statistics import Statistics
from ._engine.windows import WindowTerms, count_windows
from ._group import DensityGroup


@dataclass(frozen=True, eq=False)
class BernoulliStatistics(Statistics):
    """For each column, the weight of its observed values and of its ones."""

    observed: np.ndarray
    ones: np.ndarray


class BernoulliGroup(DensityGroup):
    """Independent binary columns of several densities, scored and counted in one pass."""

    def _prepare(self) -> None:
        log_zero = np.stack([density._log_zero for density in self.densities])
        log_one = np.stack([density.feature_log_prob_ for density in self.densities])
        self._log_probs = log_zero, log_one
        for name in ("_terms", "_sparse_terms"):
            vars(self).pop(name, None)

    @cached_property
    def _terms(self) -> BernoulliTerms:
        return BernoulliTerms(*self._log_probs)

    @cached_property
    def _sparse_terms(self) -> SparseTerms:
        return SparseTerms(*self._log_probs)

    def start(
        self, codes: Any, shares: np.ndarray, weight: np.ndarray
    ) -> list[BernoulliStatistics]:
        return self._count(codes, shares * weight[:, np.newaxis])

    def expect(
        self, codes: Any, shares: np.ndarray, weight: np.ndarray
    ) -> list[BernoulliStatistics]:
        return self._count(codes, self._weights(shares, weight))

    @staticmethod
    def _count(codes: Any, weights: np.ndarray) -> list[BernoulliStatistics]:
        count = count_sparse if sparse.issparse(codes) else count_bernoulli
        return statistics_of(*count(codes, weights))

    def log_prob(self, codes: Any) -> np.ndarray:
        terms = self._sparse_terms if sparse.issparse(codes) else self._terms
        return terms.log_prob(codes)


class BernoulliTerms:
    """The log-probabilities of the zeros and ones of k densities.

    Parameters
    ----------
    log_zero, log_one : ndarray of shape (k, n_columns)
        Log-probability of a zero and of a one in each column; -inf is legal.
    """

    def __init__(self, log_zero: np.ndarray, log_one: np.ndarray) -> None:
        nothing = np.zeros_like(log_one)
        self._complete = _window_terms(log_zero, log_one)
        self._ones = _window_terms(nothing, log_one)
        self._zeros = _window_terms(nothing, log_zero)

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Log-probability of the observed values of each row under each density: (n_rows, k)."""
        if not has_missing(codes):
            return self._complete.sum(codes)
        log_prob = self._ones.sum(codes == 1)
        self._zeros.add_to(log_prob, codes == 0)
        return log_prob


class SparseTerms:
    """The log-probabilities of k densities of a row of zeros, and of what other cells change.

    Columns of probability 0 or 1, whose logarithms are infinite, are counted apart. Parameters are
    those of :class:`BernoulliTerms`.
    """

    def __init__(self, log_zero: np.ndarray, log_one: np.ndarray) -> None:
        sure, never = np.isneginf(log_zero), np.isneginf(log_one)
        zero = np.where(sure, 0.0, log_zero)
        self._zero, self._change = zero.T, np.where(sure | never, 0.0, log_one - zero).T
        self._limits = None
        if sure.any() or never.any():
            self._limits = sure.T.astype(np.float64), never.T.astype(np.float64)

    def log_prob(self, codes: sparse.csr_array) -> np.ndarray:
        """Log-probability of the observed values of each row under each density: (n_rows, k)."""
        ones, missing = _masks(codes)
        log_prob = self._zero.sum(axis=0) + ones @ self._change - missing @ self._zero
        if self._limits is not None:
            sure, never = self._limits
            n_wrong = sure.sum(axis=0) - (ones + missing) @ sure + ones @ never
            log_prob[n_wrong > 0] = -np.inf
        return log_prob


def statistics_of(observed: np.ndarray, ones: np.ndarray) -> list[BernoulliStatistics]:
    """Return the statistics of each density from counts of shape (k, n_columns)."""
    return [BernoulliStatistics(*own) for own in zip(observed, ones, strict=True)]


def count_bernoulli(codes: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Total weights of the observed values, and of the ones, for k weights per row.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Zeros, ones and marks of missing values.
    weight : ndarray of shape (n_rows, k)
        Weights of the rows, such as responsibilities.

    Returns
    -------
    observed, ones : ndarray of shape (k, n_columns)
        Total weights in each column.
    """
    if has_missing(codes):
        ones = _count_ones(codes == 1, weight)
        return ones + _count_ones(codes == 0, weight), ones
    ones = _count_ones(codes, weight)
    return np.broadcast_to(weight.sum(axis=0)[:, np.newaxis], ones.shape), ones


def count_sparse(codes: sparse.csr_array, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what :func:`count_bernoulli` does, for sparse rows of ones and NaN."""
    ones, missing = _masks(codes)
    total = weight.sum(axis=0)[:, np.newaxis]
    return total - (missing.T @ weight).T, np.ascontiguousarray((ones.T @ weight).T)


def _window_terms(log_zero: np.ndarray, log_one: np.ndarray) -> WindowTerms:
    terms = np.stack([log_zero.T, log_one.T], axis=1)
    return WindowTerms(terms[:, np.newaxis], np.arange(len(terms)), 0)


def _count_ones(bits: np.ndarray, weight: np.ndarray) -> np.ndarray:
    n_columns = bits.shape[1]
    counts = count_windows(bits, weight, np.arange(n_columns), n_columns, 2, 0, zeros=False)
    return np.ascontiguousarray(counts[:, 0, 1].T)


def _masks(codes: sparse.csr_array) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return masks of the ones and of the missing values, as matrices of zeros and ones."""
    missing = np.isnan(codes.data)
    if not missing.any():
        return codes, codes.__class__(codes.shape)
    return tuple(
        codes.__class__((cells.astype(np.float64), codes.indices, codes.indptr), shape=codes.shape)
        for cells in (~missing, missing)
    )
