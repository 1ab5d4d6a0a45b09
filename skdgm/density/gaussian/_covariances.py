"""The normal distribution for each shape of covariance: estimate, score, draw.

Every class here holds one covariance and scores deviations ``y = x - mean``:
``log p = -(D log(2 pi) + log_det + |whitened y|**2) / 2``. Rows with missing values go through
``_missing``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack

from .._engine.blocks import ones_if_none
from .._engine.missing import log_prob_in_parts
from ._by_pattern import MOST_COLUMNS, RowsByPattern, log_prob_by_pattern
from ._missing import (
    Conditional,
    NormalCovariance,
    full_conditionals,
    independent_conditional,
    log_normal,
    low_rank_conditionals,
)
from ._moments import Moments
from ._prior import CovariancePrior
from ._scatter import leading_axes

EPS = float(np.finfo(np.float64).eps)
_SMALL_NOISE = 1e-12  # beside the largest variance: below, M = I + W'W / noise loses its digits


def log_prob_at(covariance: NormalCovariance, deviation: np.ndarray) -> np.ndarray:
    """Return the log-density of deviations from the mean; NaN is a missing value.

    It is -inf where their squares overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        log_prob = covariance.log_prob(deviation)
    return np.where(np.isnan(log_prob), -np.inf, log_prob)


def _smallest_variance(largest: float, n_features: int) -> float:
    """Return the smallest variance that can be told from zero beside the largest."""
    return max(largest * n_features * EPS, float(np.finfo(np.float64).tiny))


class FullCovariance(NormalCovariance):
    """Any covariance matrix.

    Parameters
    ----------
    matrix : ndarray of shape (n_columns, n_columns)
        The matrix. If it is singular to machine precision, its smallest variances are raised.
    scale : ndarray of shape (n_columns,) or None
        A variance for each column, the unit in which a variance is small; None takes the diagonal.
    """

    def __init__(self, matrix: np.ndarray, scale: np.ndarray | None = None) -> None:
        self.value = matrix
        self._is_lifted = False
        if not len(matrix):
            self._factor, self.whitening, self.log_det = matrix, matrix, 0.0
            return
        if scale is None:
            scale = np.diag(matrix)
            scale = np.where(scale > 0, scale, 1.0)
        # LAPACK itself: the functions around it take longer than small matrices do.
        self._factor, failure = lapack.dpotrf(matrix, lower=1)
        pivot = np.diag(self._factor) ** 2
        if failure or np.any(pivot < len(matrix) * EPS * scale):
            self._raise_smallest_variances(scale)
        else:
            self.log_det = float(np.sum(np.log(pivot)))

    @classmethod
    def estimate(cls, moments: Moments, prior: CovariancePrior) -> FullCovariance:
        total = float(moments.total)
        covariance = moments.scatter * prior.share(total)
        covariance.flat[:: len(covariance) + 1] += prior.added(total)
        prior.check_positive(np.max(np.diag(covariance) / prior.scale))
        return cls(covariance, prior.scale)

    @cached_property
    def whitening(self) -> np.ndarray:
        """A matrix V with ``V V' = value^-1``."""
        return lapack.dtrtri(self._factor, lower=1)[0].T

    def _raise_smallest_variances(self, scale: np.ndarray) -> None:
        """Raise the variances that rounding has swallowed, in the scale of each column.

        Of all matrices S with ``S - floor * diag(scale)`` positive semidefinite, the result is the
        one of greatest likelihood.
        """
        unit = np.sqrt(scale)
        variance, axes = linalg.eigh(self.value / unit / unit[:, np.newaxis])
        variance = np.maximum(variance, len(variance) * EPS)
        axes_in_unit = unit[:, np.newaxis] * axes
        self.value = (axes_in_unit * variance) @ axes_in_unit.T
        self._factor = axes_in_unit * np.sqrt(variance)
        self.whitening = axes / np.sqrt(variance) / unit[:, np.newaxis]
        self._is_lifted = True
        self.log_det = float(np.sum(np.log(variance)) + np.sum(np.log(scale)))

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return n_features * (n_features + 1) // 2

    def marginal(self, columns: np.ndarray) -> FullCovariance:
        """Return the covariance of some columns."""
        return FullCovariance(self.value[np.ix_(columns, columns)])

    def whiten(self, y: np.ndarray) -> np.ndarray:
        """Return rows ``V' y``, ``V V' = value^-1``, by substitution: for few rows, without V."""
        if self._is_lifted:
            return y @ self.whitening
        return _substitute(self._factor, y, transposed=False)

    def whiten_transposed(self, z: np.ndarray) -> np.ndarray:
        """Return rows ``V z``: after ``whiten``, these are ``value^-1 y``."""
        if self._is_lifted:
            return z @ self.whitening.T
        return _substitute(self._factor, z, transposed=True)

    def inverse_diagonal(self) -> np.ndarray:
        return self._inverse_diagonal

    @cached_property
    def _inverse_diagonal(self) -> np.ndarray:
        return np.einsum("ij,ij->i", self.whitening, self.whitening)

    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        return full_conditionals(self, y, roots)

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        if not self._has_few_columns:
            return super().log_prob(y)
        return log_prob_in_parts(y, self._log_prob_complete, self._log_prob_incomplete)

    def _log_prob_incomplete(self, y: np.ndarray) -> np.ndarray:
        return log_prob_by_pattern([self], self._origin, y)[:, 0]

    def conditional_mean(self, y: np.ndarray) -> np.ndarray:
        if not self._has_few_columns:
            return super().conditional_mean(y)
        filled, lost = RowsByPattern(y).conditional(self)
        if lost.any():
            filled[lost] = super().conditional_mean(y[lost])
        return filled

    def conditional_moments(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self._has_few_columns:
            return super().conditional_moments(y)
        variance = np.zeros(y.shape)
        filled, lost = RowsByPattern(y).conditional(self, variance)
        if lost.any():
            filled[lost], variance[lost] = super().conditional_moments(y[lost])
        return filled, variance

    def conditional_sample(self, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        if not self._has_few_columns:
            return super().conditional_sample(y, generator)
        filled, lost = RowsByPattern(y).draw(self, generator)
        if lost.any():
            filled[lost] = super().conditional_sample(y[lost], generator)
        return filled

    def expect(self, y: np.ndarray, weight: np.ndarray | None = None) -> tuple[Moments, np.ndarray]:
        if not self._has_few_columns:
            return super().expect(y, weight)
        weight = ones_if_none(weight, len(y))
        (moments,), log_prob = RowsByPattern(y).expect([self], self._origin, weight[:, np.newaxis])
        log_prob, uncounted = log_prob[:, 0], weight == 0
        if uncounted.any():
            log_prob[uncounted] = self._log_prob_incomplete(y[uncounted])
        lost = np.isnan(log_prob)
        if lost.any():
            others, log_prob[lost] = super().expect(y[lost], weight[lost])
            moments = moments + others
        return moments, log_prob

    @property
    def _has_few_columns(self) -> bool:
        return len(self.value) <= MOST_COLUMNS

    @property
    def _origin(self) -> np.ndarray:
        return np.zeros((1, len(self.value)))

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        whitened = self._whiten_many(deviation)
        square = np.einsum("ij,ij->i", whitened, whitened)
        return log_normal(square, self.log_det, deviation.shape[1])

    def _whiten_many(self, y: np.ndarray) -> np.ndarray:
        """Return rows ``V' y``; where V is triangular, at half the cost of a product."""
        if self._is_lifted or not y.size:
            return y @ self.whitening
        # LAPACK has made V' in Fortran order, in which y is, transposed.
        return blas.dtrmm(1.0, self.whitening.T, y.T, lower=1).T

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return generator.standard_normal((n_samples, len(self._factor))) @ self._factor.T

    def matrix(self) -> np.ndarray:
        return self.value


def _substitute(factor: np.ndarray, rows: np.ndarray, transposed: bool) -> np.ndarray:
    if not rows.size:
        return rows
    return linalg.solve_triangular(
        factor, rows.T, lower=True, trans=int(transposed), check_finite=False
    ).T


class DiagonalCovariance(NormalCovariance):
    """One variance per column."""

    def __init__(self, variance: np.ndarray) -> None:
        self.value = variance
        self.log_det = float(np.sum(np.log(variance)))

    @classmethod
    def estimate(cls, moments: Moments, prior: CovariancePrior) -> DiagonalCovariance:
        variance = prior.maximum(moments.squares, moments.total)
        prior.check_positive(np.min(variance / prior.scale))
        return cls(variance)

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return n_features

    def inverse_diagonal(self) -> np.ndarray:
        return 1 / self.value

    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        yield independent_conditional(self.value, y)

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        square = deviation**2 @ (1 / self.value)
        return log_normal(square, self.log_det, deviation.shape[1])

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        normal = generator.standard_normal((n_samples, len(self.value)))
        return normal * np.sqrt(self.value)

    def matrix(self) -> np.ndarray:
        return np.diag(self.value)


class SphericalCovariance(NormalCovariance):
    """One variance for all columns."""

    def __init__(self, variance: float, n_features: int) -> None:
        self.value = variance
        self.n_features = n_features
        self.log_det = n_features * math.log(variance)

    @classmethod
    def estimate(cls, moments: Moments, prior: CovariancePrior) -> SphericalCovariance:
        d = len(moments.mean)
        per_column = np.mean(np.broadcast_to(moments.total, d))
        variance = prior.maximum(np.mean(moments.squares), per_column)[0]
        prior.check_positive(variance / prior.scale[0])
        return cls(float(variance), d)

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return 1

    def inverse_diagonal(self) -> np.ndarray:
        return np.full(self.n_features, 1 / self.value)

    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        yield independent_conditional(np.full(self.n_features, self.value), y)

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        square = np.einsum("ij,ij->i", deviation, deviation) / self.value
        return log_normal(square, self.log_det, self.n_features)

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        normal = generator.standard_normal((n_samples, self.n_features))
        return normal * math.sqrt(self.value)

    def matrix(self) -> np.ndarray:
        return self.value * np.eye(self.n_features)


class LowRankCovariance(NormalCovariance):
    """A few axes with variances of their own, and one noise variance in all other directions.

    This is probabilistic principal component analysis (Tipping and Bishop, 1999): the axes are
    the leading eigenvectors, the noise the mean of the other eigenvalues. Scoring takes
    O(n_features * n_factors) per row, with missing values O(n_features * n_factors**2), without
    the matrix, unless that is hardly larger than the axes or the noise is too small beside the
    variances.
    """

    def __init__(self, axes: np.ndarray, variance: np.ndarray, noise_variance: float) -> None:
        self.axes = axes  # (n_factors, n_features), orthonormal rows
        self.variance = variance  # (n_factors,), along the axes, noise included
        self.noise_variance = noise_variance

    @classmethod
    def estimate(
        cls, moments: Moments, prior: CovariancePrior, n_factors: int
    ) -> LowRankCovariance:
        d, total = len(moments.mean), float(moments.total)
        axes, squares = leading_axes(moments.scatter, n_factors)
        rest = max(0.0, moments.spread - squares.sum()) / (d - n_factors)
        noise = prior.maximum(rest, total)[0]
        variance = prior.share(total) * squares + prior.added(total)[0]
        prior.check_positive(np.max(variance, initial=noise) / prior.scale[0])
        return cls.of_axes(axes, variance, noise)

    @classmethod
    def of_axes(
        cls, axes: np.ndarray, variance: np.ndarray, noise_variance: float
    ) -> LowRankCovariance:
        """Return the covariance, after raising variances that rounding has swallowed."""
        floor = _smallest_variance(np.max(variance, initial=noise_variance), axes.shape[1])
        return cls(axes, np.maximum(variance, floor), float(max(noise_variance, floor)))

    @staticmethod
    def n_parameters(n_features: int, n_factors: int) -> int:
        """Return the number of parameters: axes up to rotation, their variances, the noise."""
        return n_features * n_factors - n_factors * (n_factors - 1) // 2 + 1

    def inverse_diagonal(self) -> np.ndarray:
        n_factors, d = self.axes.shape
        elsewhere = 1 / self.noise_variance if n_factors < d else 0.0
        return elsewhere + (1 / self.variance - elsewhere) @ self.axes**2

    @property
    def log_det(self) -> float:  # type: ignore[override]
        """Log-determinant."""
        n_factors, d = self.axes.shape
        along_axes = float(np.sum(np.log(self.variance)))
        return along_axes + (d - n_factors) * math.log(self.noise_variance)

    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        n_factors, d = self.axes.shape
        largest = np.max(self.variance, initial=self.noise_variance)
        if 2 * n_factors >= d or self.noise_variance < _SMALL_NOISE * largest:
            return full_conditionals(self._full, y, roots)
        beyond_noise = np.maximum(self.variance - self.noise_variance, 0.0)
        loadings = self.axes.T * np.sqrt(beyond_noise)
        return low_rank_conditionals(loadings, self.noise_variance, y, roots)

    @cached_property
    def _full(self) -> FullCovariance:
        return FullCovariance(self.matrix())

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        n_factors, d = self.axes.shape
        latent = deviation @ self.axes.T
        square = latent**2 @ (1 / self.variance)
        if n_factors < d:
            residual = deviation - latent @ self.axes
            square += np.einsum("ij,ij->i", residual, residual) / self.noise_variance
        return log_normal(square, self.log_det, d)

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw noise in all directions, then replace it along the axes by their own draws."""
        n_factors, d = self.axes.shape
        noise = generator.standard_normal((n_samples, d)) * math.sqrt(self.noise_variance)
        latent = generator.standard_normal((n_samples, n_factors)) * np.sqrt(self.variance)
        return noise + (latent - noise @ self.axes.T) @ self.axes

    def matrix(self) -> np.ndarray:
        return self._spread(self.variance, self.noise_variance)

    def inverse(self) -> np.ndarray:
        return self._spread(1 / self.variance, 1 / self.noise_variance)

    def _spread(self, along_axes: np.ndarray, elsewhere: float) -> np.ndarray:
        """Return the matrix with these eigenvalues along the axes and in all other directions."""
        n_axes, d = self.axes.shape
        matrix = (self.axes.T * (along_axes - elsewhere if n_axes < d else along_axes)) @ self.axes
        if n_axes < d:
            matrix.flat[:: d + 1] += elsewhere
        return matrix
