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

from ._missing import (
    Conditional,
    NormalCovariance,
    full_conditionals,
    independent_conditional,
    log_normal,
    low_rank_conditionals,
)
from ._moments import Moments
from ._scatter import leading_axes

_SMALL_NOISE = 1e-12  # beside the largest variance: below, M = I + W'W / noise loses its digits


def log_prob_at(covariance: NormalCovariance, deviation: np.ndarray) -> np.ndarray:
    """Return the log-density of deviations from the mean; NaN is a missing value.

    It is -inf where their squares overflow.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        log_prob = covariance.log_prob(deviation)
    return np.where(np.isnan(log_prob), -np.inf, log_prob)


def _check_positive(variance: np.ndarray | float, reg_covar: float) -> None:
    if np.min(variance) <= 0:
        raise ValueError(
            f"reg_covar={reg_covar:g} leaves a variance of zero, because the data do not vary "
            "there; pass a reg_covar above 0, such as 1e-6."
        )


def _smallest_variance(largest: float, n_features: int) -> float:
    """Return the smallest variance that can be told from zero beside the largest."""
    limits = np.finfo(np.float64)
    return max(largest * n_features * limits.eps, limits.tiny)


class FullCovariance(NormalCovariance):
    """Any covariance matrix."""

    def __init__(self, moments: Moments, shrinkage: float, reg_covar: float) -> None:
        covariance = moments.scatter / moments.total
        d = len(covariance)
        covariance *= 1 - shrinkage
        covariance.flat[:: d + 1] += shrinkage * moments.spread / moments.total / d
        covariance.flat[:: d + 1] += reg_covar
        self._set(covariance, reg_covar)

    @classmethod
    def of_matrix(cls, matrix: np.ndarray) -> FullCovariance:
        """Return the covariance with this matrix, or one close by if that is singular."""
        covariance = cls.__new__(cls)
        covariance._set(matrix, 0.0)
        return covariance

    def _set(self, matrix: np.ndarray, reg_covar: float) -> None:
        self.value = matrix
        self._is_lifted = False
        if not len(matrix):
            self._factor, self.log_det = matrix, 0.0
            return
        try:
            self._factor = linalg.cholesky(matrix, lower=True)
            self.log_det = 2 * float(np.sum(np.log(np.diag(self._factor))))
        except linalg.LinAlgError:
            self._raise_smallest_variances(reg_covar)

    @cached_property
    def whitening(self) -> np.ndarray:
        """A matrix V with ``V V' = value^-1``."""
        return linalg.solve_triangular(self._factor, np.eye(len(self._factor)), lower=True).T

    def _raise_smallest_variances(self, reg_covar: float) -> None:
        """Raise the variances that rounding has swallowed, which made the factorisation fail."""
        variance, axes = linalg.eigh(self.value)
        _check_positive(variance[-1], reg_covar)
        variance = np.maximum(variance, _smallest_variance(variance[-1], len(variance)))
        self.value = (axes * variance) @ axes.T
        self._factor = axes * np.sqrt(variance)
        self.whitening = axes / np.sqrt(variance)
        self._is_lifted = True
        self.log_det = float(np.sum(np.log(variance)))

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return n_features * (n_features + 1) // 2

    def marginal(self, columns: np.ndarray) -> FullCovariance:
        """Return the covariance of some columns."""
        return self.of_matrix(self.value[np.ix_(columns, columns)])

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

    def inverse_trace(self) -> float:
        """Return the trace of the inverse matrix."""
        return float(np.sum(self.whitening**2))

    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        return full_conditionals(self, y, roots)

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        whitened = deviation @ self.whitening
        square = np.einsum("ij,ij->i", whitened, whitened)
        return log_normal(square, self.log_det, deviation.shape[1])

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

    def __init__(self, moments: Moments, shrinkage: float, reg_covar: float) -> None:
        variance = _column_variances(moments)
        self.value = (1 - shrinkage) * variance + shrinkage * variance.mean() + reg_covar
        _check_positive(self.value, reg_covar)

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return n_features

    def inverse_trace(self) -> float:
        """Return the trace of the inverse matrix."""
        return float(np.sum(1 / self.value))

    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        yield independent_conditional(self.value, y)

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        square = deviation**2 @ (1 / self.value)
        return log_normal(square, float(np.sum(np.log(self.value))), deviation.shape[1])

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        normal = generator.standard_normal((n_samples, len(self.value)))
        return normal * np.sqrt(self.value)

    def matrix(self) -> np.ndarray:
        return np.diag(self.value)


class SphericalCovariance(NormalCovariance):
    """One variance for all columns."""

    def __init__(self, moments: Moments, shrinkage: float, reg_covar: float) -> None:
        variance = _column_variances(moments)
        self.n_features = len(variance)
        observed = moments.total if np.ndim(moments.total) else None
        self.value = float(np.average(variance, weights=observed) + reg_covar)
        _check_positive(self.value, reg_covar)

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return 1

    def inverse_trace(self) -> float:
        """Return the trace of the inverse matrix."""
        return self.n_features / self.value

    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        yield independent_conditional(np.full(self.n_features, self.value), y)

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        square = np.einsum("ij,ij->i", deviation, deviation) / self.value
        return log_normal(square, self.n_features * math.log(self.value), self.n_features)

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        normal = generator.standard_normal((n_samples, self.n_features))
        return normal * math.sqrt(self.value)

    def matrix(self) -> np.ndarray:
        return self.value * np.eye(self.n_features)


def _column_variances(moments: Moments) -> np.ndarray:
    scatter = moments.scatter if moments.is_diagonal else np.diag(moments.scatter)
    return scatter / moments.total


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
        cls, moments: Moments, shrinkage: float, reg_covar: float, n_factors: int
    ) -> LowRankCovariance:
        d, total_variance = len(moments.mean), moments.spread / moments.total
        axes, squares = leading_axes(moments.scatter, n_factors)
        variance = squares / moments.total
        noise = max(0.0, (total_variance - variance.sum()) / (d - n_factors))
        goal = shrinkage * total_variance / d
        variance = (1 - shrinkage) * variance + goal + reg_covar
        noise = (1 - shrinkage) * noise + goal + reg_covar
        _check_positive(np.max(variance, initial=noise), reg_covar)
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

    def inverse_trace(self) -> float:
        """Return the trace of the inverse matrix."""
        n_factors, d = self.axes.shape
        rest = (d - n_factors) / self.noise_variance if n_factors < d else 0.0
        return float(np.sum(1 / self.variance)) + rest

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
        return FullCovariance.of_matrix(self.matrix())

    def _log_prob_complete(self, deviation: np.ndarray) -> np.ndarray:
        n_factors, d = self.axes.shape
        latent = deviation @ self.axes.T
        square = latent**2 @ (1 / self.variance)
        log_det = float(np.sum(np.log(self.variance)))
        if n_factors < d:
            residual = deviation - latent @ self.axes
            square += np.einsum("ij,ij->i", residual, residual) / self.noise_variance
            log_det += (d - n_factors) * math.log(self.noise_variance)
        return log_normal(square, log_det, d)

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
