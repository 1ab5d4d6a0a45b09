"""Normals side by side: all log-densities, and all expected moments, of the same rows.

One pass over the rows serves all means where covariances are diagonal, spherical or tied; full
ones take a matrix product each, on blocks of rows that stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..._codes import has_missing, readonly
from ..._kernels import gaussian_group as kernels
from .._em import rows_to_expect, run_em, warn_not_converged
from .._engine.blocks import run_in_threads
from .._engine.columns import column_labels
from .._engine.distant_rows import sum_over_rows
from .._engine.missing import log_prob_in_parts
from .._engine.row_tables import RowTables
from .._group import SMALLEST_SHARE, DensityGroup, warn_of_lent
from ._by_estimator import moments_by_estimator, refuse_weights, use_estimated
from ._by_pattern import MOST_COLUMNS, RowsByPattern, has_few_complete, log_prob_by_pattern
from ._covariances import FullCovariance, log_prob_at
from ._degenerate import determined_columns, warn_of_degenerate
from ._missing import NormalCovariance, log_normal
from ._moments import Moments, cached_row_blocks, check_finite
from ._moments_of_each import ScatterKind, count_moments, float_blocks
from ._prior import column_variances
from ._regularised import log_noise

# Scatters that are counted together; those of a few axes are kept thin.
SCATTERS: dict[str, ScatterKind] = {
    "full": "full",
    "tied": "pooled",
    "diag": "diagonal",
    "spherical": "diagonal",
}
HARDLY = 1e-3  # of the weight that a density is expected to learn from
FAR_APART = 1e5  # standard deviations, beyond which a common middle costs digits


class GaussianGroup(DensityGroup):
    """Normal densities that share a covariance if it is "tied"."""

    _knows_columns = False

    @property
    def _shape(self) -> str:
        return self.prototype.covariance_type

    @property
    def _is_tied(self) -> bool:
        return self._shape == "tied"

    # ------------------------------------------------------------------ learning
    def fit(self, tables: RowTables, n_jobs: int | None) -> None:
        self._knows_columns = True  # as a classifier warns of columns without data itself
        if self.prototype.shrinkage:
            tasks = [(Moments.count_columns, *table, n_jobs) for table in tables]
            moments = run_in_threads(sum_over_rows, tasks, n_jobs)
            self._shrink_within(self.densities, moments)
        if not self._is_tied:
            super().fit(tables, n_jobs)
            return
        if self.prototype.covariance_estimator is not None:
            self._fit_by_estimator(tables)
            return
        pairs = [(density, *table) for density, table in zip(self.densities, tables, strict=True)]
        if any(density._needs_em(codes) for density, codes, _ in pairs):
            starts = run_in_threads(_start, pairs, n_jobs)
            parts = [rows_to_expect(*pair) for pair in pairs]
            bounds, converged = run_em(self.prototype, parts, starts, self.estimate, n_jobs)
            if not converged:
                warn_not_converged(self.prototype, self.densities, bounds)
        else:
            self.estimate(run_in_threads(_count_blocks, pairs, n_jobs))
            bounds = np.empty(0)
        for density in self.densities:
            density.n_iter_, density.lower_bounds_ = max(1, len(bounds)), bounds

    def _fit_by_estimator(self, tables: RowTables) -> None:
        """Average the covariances that an estimator finds in the rows of each density."""
        own = [moments_by_estimator(self.prototype, *table) for table in tables]
        pooled = Moments.pooled(own)
        for density, moments in zip(self.densities, own, strict=True):
            use_estimated(density, pooled)
            density._set_mean(moments)
        self._prepare()

    def _shrink_within(self, densities: Sequence[Any], moments: Sequence[Moments]) -> None:
        """Shrink towards the variances pooled within the densities' rows, if at all."""
        if not self.prototype.shrinkage or len(moments) == 1:
            return
        within = Moments.pooled(moments)
        varies = densities[0]._scale.variance > 0
        for density in densities:
            density._target = np.where(varies, column_variances(within), 0.0)

    def extend(self, densities: Sequence[Any], statistics: Sequence[Moments]) -> None:
        self._knows_columns = True
        self._shrink_within(densities, statistics)
        super().extend(densities, statistics)

    def estimate(self, statistics: Sequence[Moments]) -> None:
        if not self._is_tied:
            super().estimate(statistics)
            return
        first, *others = self.densities
        n_rows = sum(density._n_rows for density in self.densities)
        first._estimate_covariance(Moments.pooled(statistics), n_rows)
        for density in others:
            density._share_covariance(first)
        for density, own in zip(self.densities, statistics, strict=True):
            density._set_mean(own)
        self._prepare()

    @property
    def _scatter_kind(self) -> ScatterKind | None:
        """The scatter that is counted together, None where each density counts its own."""
        kind = SCATTERS.get(self._shape)
        incomplete_needs_all = self.prototype.shrinkage == "auto" and kind == "diagonal"
        return "full" if incomplete_needs_all else kind

    def start(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[Moments]:
        if self.prototype.covariance_estimator is not None:
            refuse_weights()
        kind, is_auto = self._scatter_kind, self.prototype.shrinkage == "auto"
        if kind is None or is_auto or self.prototype._needs_em(codes):
            pairs = zip(self.densities, super().start(codes, shares, weight), strict=True)
            return [density._fix_shrinkage(own) for density, own in pairs]
        moments = count_moments(codes, shares * weight[:, np.newaxis], kind)
        return [check_finite(own, codes) for own in moments]

    def expect(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[Moments]:
        moments = self._expect(codes, shares, weight)
        pairs = zip(self.densities, moments, strict=True)
        return [density._keep_shrinkage(own) for density, own in pairs]

    def _expect(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[Moments]:
        kind = self._scatter_kind
        if kind is None:
            return super().expect(codes, shares, weight)
        complete = slice(None)
        others: list[Moments] = []
        if self.prototype._needs_em(codes):
            expect = self._expect_by_pattern if self._goes_by_pattern else super().expect
            if self._goes_by_pattern and has_few_complete(codes):
                return expect(codes, shares, weight)
            incomplete = self.prototype._is_incomplete(codes)
            others = expect(codes[incomplete], shares[incomplete], weight[incomplete])
            if incomplete.all():
                return others
            complete = ~incomplete
        X, weights = codes[complete], self._weights(shares[complete], weight[complete])
        moments = [check_finite(own, X) for own in count_moments(X, weights, kind)]
        if not others:
            return moments
        return [own + other for own, other in zip(moments, others, strict=True)]

    def _expect_by_pattern(
        self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray
    ) -> list[Moments]:
        weights = self._weights(shares, weight)
        moments, log_prob = RowsByPattern(codes).expect(self._covariances, self._mean, weights)
        lost = np.isnan(log_prob)
        starts_anew = shares.max(axis=0) <= SMALLEST_SHARE
        for c in np.flatnonzero(starts_anew | lost.any(axis=0)):
            density, rows = self.densities[c], lost[:, c]
            if starts_anew[c]:
                moments[c] = density._start_statistics(codes, weights[:, c])
            else:
                moments[c] = moments[c] + density._expect(codes[rows], weights[rows, c])[0]
        return [check_finite(own, codes) for own in moments]

    def warn_if_degenerate(self) -> None:
        for name, density in zip(self.names, self.densities, strict=True):
            total = np.broadcast_to(density._statistics.total, len(density.mean_))
            unseen = total <= HARDLY * density._n_rows
            if unseen.any() and not unseen.all() and not self._knows_columns:
                warn_of_lent(name, column_labels(self.prototype, unseen))
        names, densities = self.names, self.densities
        n_rows = np.array([np.max(density._statistics.total) for density in densities])
        if self._is_tied:
            names, densities = ["The tied covariance"], densities[:1]
            n_rows = n_rows.sum(keepdims=True)
        determined = np.stack([determined_columns(density) for density in densities])
        if len(densities) > 1 and (n_rows > determined.shape[1] + 1).all():
            determined &= ~determined.all(axis=0)  # columns that depend on each other everywhere
        for name, own, n in zip(names, determined, n_rows, strict=True):
            if own.any():
                warn_of_degenerate(name, n, column_labels(self.prototype, own), self._shape)

    # ------------------------------------------------------------------ queries
    def _prepare(self) -> None:
        self._mean = np.stack([density.mean_ for density in self.densities])

    @property
    def _covariances(self) -> list[Any]:
        """The covariances, of which a tied one serves all densities."""
        densities = self.densities[:1] if self._is_tied else self.densities
        return [density._covariance for density in densities]

    @property
    def _goes_by_pattern(self) -> bool:
        return self._shape in ("full", "tied") and self.prototype.n_features_in_ <= MOST_COLUMNS

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        covariances, mean = self._covariances, self._mean
        if self._shape in ("diag", "spherical"):
            variance = [np.atleast_1d(covariance.value) for covariance in covariances]
            return log_prob_independent(np.stack(variance), mean, codes)
        complete = incomplete = partial(log_prob_each, covariances, mean)
        if self._is_tied:
            tied = covariances[0]
            incomplete = partial(log_prob_each, covariances * len(mean), mean)
            complete = partial(log_prob_tied, tied.whitening, tied.log_det, mean)
        if not has_missing(codes):
            return complete(codes)
        if self._goes_by_pattern:
            incomplete = partial(log_prob_by_pattern, covariances, mean)
            if has_few_complete(codes):
                return incomplete(codes)
        return log_prob_in_parts(codes, complete, incomplete)

    def log_objective(self, codes: np.ndarray) -> np.ndarray:
        log_prob = self.log_prob(codes)
        log_prob += log_noise(self.densities, codes)
        return log_prob

    @property
    def n_shared_parameters(self) -> int:
        if not self._is_tied:
            return 0
        return FullCovariance.n_parameters(self.prototype.n_features_in_)


def _start(density: Any, codes: np.ndarray, weight: np.ndarray | None) -> Moments:
    return density._start_from_rows(codes, weight)


def _count_blocks(density: Any, codes: np.ndarray, weight: np.ndarray | None) -> Moments:
    return density._count_blocks(codes, weight)


# ------------------------------------------------------------------ log-densities
def log_prob_each(
    covariances: Sequence[NormalCovariance], mean: np.ndarray, X: np.ndarray
) -> np.ndarray:
    """Log-density of each row under normals of any shape, one after the other: (n_rows, k)."""
    out = np.empty((len(X), len(mean)))
    blocks = [slice(None)] if has_missing(X) else cached_row_blocks(X)  # patterns are gathered once
    for rows in blocks:
        x = np.asarray(X[rows])
        for c, covariance in enumerate(covariances):
            with np.errstate(over="ignore"):
                deviation = x - mean[c]
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
    arguments = readonly(mean), readonly(1 / variance), readonly(log_factor)
    for rows in float_blocks(X):
        kernels.log_prob_independent(readonly(X[rows]), *arguments, out[rows])
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
            for rows in cached_row_blocks(X):
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
