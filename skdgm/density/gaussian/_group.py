"""Normals side by side: all log-densities, and all expected moments, of the same rows.

One pass over the rows serves all means where covariances are diagonal, spherical or tied; full
ones take a matrix product each, on blocks of rows that stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from ..._codes import has_missing, readonly
from ..._kernels import gaussian_group as kernels
from .._engine.blocks import row_blocks
from ._covariances import log_prob_at
from ._missing import NormalCovariance, log_normal
from ._moments import Moments

CHUNK_CELLS = 2**15  # cells of rows that are read k times
FAR_APART = 1e5  # standard deviations, beyond which a common middle costs digits


# ------------------------------------------------------------------ log-densities
def log_prob_each(
    covariances: Sequence[NormalCovariance], mean: np.ndarray, X: np.ndarray
) -> np.ndarray:
    """Log-density of each row under normals of any shape, one after the other: (n_rows, k)."""
    out = np.empty((len(X), len(mean)))
    blocks = [slice(None)] if has_missing(X) else _row_blocks(X)  # patterns are gathered once
    for rows in blocks:
        for c, covariance in enumerate(covariances):
            with np.errstate(over="ignore"):
                deviation = X[rows] - mean[c]
            out[rows, c] = log_prob_at(covariance, deviation)
    return out


def log_prob_independent(variance: np.ndarray, mean: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Log-density of the observed values of each row under normals of independent columns.

    Parameters
    ----------
    variance : ndarray of shape (k, n_columns) or (k, 1)
        The variances, of each column or of all.
    mean : ndarray of shape (k, n_columns)
        The means.
    X : ndarray of shape (n_rows, n_columns)
        Rows; NaN is a missing value.

    Returns
    -------
    log_prob : ndarray of shape (n_rows, k)
        It is -inf where squares overflow.
    """
    variance = np.broadcast_to(variance, mean.shape)
    log_factor = -0.5 * (math.log(2 * math.pi) + np.log(variance))
    out = np.empty((len(X), len(mean)))
    X, mean, precision = readonly(X), readonly(mean), readonly(1 / variance)
    kernels.log_prob_independent(X, mean, precision, readonly(log_factor), out)
    return out


def log_prob_tied(
    whitening: np.ndarray, log_det: float, mean: np.ndarray, X: np.ndarray
) -> np.ndarray:
    """Log-density of each complete row under normals that share their covariance.

    Parameters
    ----------
    whitening : ndarray of shape (n_columns, n_columns)
        A matrix V with ``V V' = covariance^-1``.
    log_det : float
        Log-determinant of the covariance.
    mean : ndarray of shape (k, n_columns)
        The means.
    X : ndarray of shape (n_rows, n_columns)
        Rows.

    Returns
    -------
    log_prob : ndarray of shape (n_rows, k)
        It is -inf where squares overflow.

    Notes
    -----
    Rows and means are whitened once, as deviations from the middle of the means. With R the largest
    of the means' in whitened units, r a row's distance from a mean and u the unit roundoff, its
    log-density errs by about ``d u R r``, and not by ``d u R**2`` as with ``z'z - 2 z'm + m'm``.
    Where R is large beside the unit roundoff, each mean is a middle of its own.
    """
    out = np.empty((len(X), len(mean)))
    with np.errstate(over="ignore", invalid="ignore"):
        for own in _near_each_other(mean, whitening):
            centre = mean[own].mean(axis=0)
            whitened_mean = readonly((mean[own] - centre) @ whitening)
            for rows in _row_blocks(X):
                whitened = readonly((X[rows] - centre) @ whitening)
                square = np.empty((len(whitened), len(whitened_mean)))
                kernels.squared_distances(whitened, whitened_mean, square)
                out[rows, own] = square
    log_prob = log_normal(out, log_det, X.shape[1])
    log_prob[np.isnan(log_prob)] = -np.inf  # of infinities that cancel
    return log_prob


def _near_each_other(mean: np.ndarray, whitening: np.ndarray) -> list[slice]:
    """Means that can share a middle without loss of digits: all of them, or each alone."""
    from_middle = (mean - mean.mean(axis=0)) @ whitening
    if np.max(np.abs(from_middle)) < FAR_APART:
        return [slice(None)]
    return [slice(c, c + 1) for c in range(len(mean))]


def _row_blocks(X: np.ndarray) -> list[slice]:
    """Blocks of rows that stay in the cache, but are many beside the columns."""
    d = X.shape[1]
    return row_blocks(len(X), d, max(CHUNK_CELLS, 4 * d * d))


# ------------------------------------------------------------------ moments
@dataclass(frozen=True, eq=False)
class GroupMoments:
    """The :class:`Moments` of the same rows with k weights each, which add.

    ``total`` has shape (k,), or (k, n_columns) where missing values are counted as they are;
    ``mean`` (k, n_columns). ``scatter`` about each own mean has shape (k, n_columns, n_columns) if
    "full" and (k, n_columns) if "diagonal"; if "pooled", it is the sum of the full ones.
    """

    kind: Literal["full", "pooled", "diagonal"]
    total: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def count(
        cls, X: np.ndarray, weight: np.ndarray, kind: Literal["full", "pooled", "diagonal"]
    ) -> Self:
        """The moments of rows with weights of shape (n_rows, k).

        Values may be missing if the scatter is diagonal.
        """
        count_scatter = {"full": _full, "pooled": _pooled, "diagonal": _diagonal}[kind]
        with np.errstate(over="ignore", invalid="ignore"):
            total, mean = _totals_and_means(X, weight)
            return cls(kind, total, mean, count_scatter(X, weight, mean))

    @classmethod
    def of(cls, parts: Sequence[Moments], kind: Literal["full", "pooled", "diagonal"]) -> Self:
        """The moments that are known one by one."""
        scatter = np.array([part.scatter for part in parts])
        return cls(
            kind,
            np.array([part.total for part in parts]),
            np.array([part.mean for part in parts]),
            scatter.sum(axis=0) if kind == "pooled" else scatter,
        )

    def __add__(self, other: Self) -> Self:
        """Both scatters move to the common means: ``n m / (n + m)`` times the squared shift."""
        first, second = _align(self.total, other.total, self.kind == "diagonal")
        total = first + second
        share = np.divide(second, total, out=np.zeros_like(total), where=total > 0)
        if total.ndim == 1:
            share, first = share[:, np.newaxis], first[:, np.newaxis]
        shift = other.mean - self.mean
        scatter = self.scatter + other.scatter
        if self.kind == "diagonal":
            scatter += first * share * shift**2
        else:
            scaled = np.sqrt(first * share) * shift
            scatter += scaled.T @ scaled if self.kind == "pooled" else _outer(scaled)
        return type(self)(self.kind, total, self.mean + share * shift, scatter)

    def parts(self) -> list[Moments]:
        """The moments of each density; of a pooled scatter it gets the part of its weight."""
        scatter = self.scatter
        if self.kind == "pooled":
            scatter = (self.total / self.total.sum())[:, np.newaxis, np.newaxis] * scatter
        own = zip(self.total, self.mean, scatter, strict=True)
        return [Moments(total, mean, squares) for total, mean, squares in own]

    def pooled(self) -> Moments:
        """The moments of deviations from each own mean, as a tied covariance needs them."""
        if self.kind != "pooled":
            return Moments.pooled(self.parts())
        return Moments(float(self.total.sum()), self.mean[0], self.scatter)


def _align(first: np.ndarray, second: np.ndarray, by_column: bool) -> tuple:
    """Totals of one shape: one for each column if either has these."""
    if by_column and first.ndim != second.ndim:
        first, second = (t[:, np.newaxis] if t.ndim == 1 else t for t in (first, second))
    return first, second


def _outer(rows: np.ndarray) -> np.ndarray:
    return rows[:, :, np.newaxis] * rows[:, np.newaxis]


def _totals_and_means(X: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if has_missing(X):
        observed = ~np.isnan(X)
        total = weight.T @ observed
        first, of_column = weight.T @ np.where(observed, X, 0.0), total
    else:
        total = weight.sum(axis=0)
        first, of_column = weight.T @ X, total[:, np.newaxis]
    return total, first / np.where(of_column > 0, of_column, 1.0)


def _diagonal(X: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    squares = np.zeros(mean.shape)
    kernels.add_squares(readonly(X), readonly(weight), readonly(mean), squares)
    return squares


def _full(X: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    k, d = mean.shape
    scatter = np.zeros((k, d, d))
    for rows in _row_blocks(X):
        root = np.sqrt(weight[rows])
        for c in range(k):
            scaled = X[rows] - mean[c]
            scaled *= root[:, c, np.newaxis]
            scatter[c] += scaled.T @ scaled
    return scatter


def _pooled(X: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Sum ``w_c (x - m_c)(x - m_c)'`` over rows and densities, by one product and no difference.

    With ``t = sum_c w_c`` and ``y = sum_c (w_c / t)(x - m_c)`` the sum over c of a row is

        t y y' + sum_(b<c) (w_b w_c / t) (m_b - m_c)(m_b - m_c)'.
    """
    k, d = mean.shape
    scatter, overlap = np.zeros((d, d)), np.zeros((k, k))
    mean = readonly(mean)
    for rows in _row_blocks(X):
        own, x = readonly(weight[rows]), readonly(X[rows])
        root_weight, deviation = np.empty(own.shape), np.empty(x.shape)
        kernels.expected_deviations(x, own, mean, root_weight, deviation)
        scatter += deviation.T @ deviation
        overlap += root_weight.T @ root_weight
    for c in range(k - 1):
        apart = np.sqrt(overlap[c, c + 1 :, np.newaxis]) * (mean[c + 1 :] - mean[c])
        scatter += apart.T @ apart
    return scatter
