"""Independent binary columns of several densities side by side, scored and counted in one pass.

Eight columns at a time have 256 joint values. Where values are missing, the ones and the zeros
among the observed values are looked up apart.
"""

from __future__ import annotations

import numpy as np

from .._codes import has_missing
from ._engine.windows import WindowTerms, count_windows


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


def _window_terms(log_zero: np.ndarray, log_one: np.ndarray) -> WindowTerms:
    terms = np.stack([log_zero.T, log_one.T], axis=1)
    return WindowTerms(terms[:, np.newaxis], np.arange(len(terms)), 0)


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


def _count_ones(bits: np.ndarray, weight: np.ndarray) -> np.ndarray:
    n_columns = bits.shape[1]
    counts = count_windows(bits, weight, np.arange(n_columns), n_columns, 2, 0, zeros=False)
    return np.ascontiguousarray(counts[:, 0, 1].T)
