"""The normal distribution for each shape of covariance: estimate, score, draw.

Every class here holds one covariance and knows how to measure deviations ``y = x - mean``:
``log p = -(D log(2 pi) + log_det + |whitened y|**2) / 2``.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import linalg

from ._moments import Moments
from ._scatter import leading_axes


def log_prob_at(covariance: Covariance, deviation: np.ndarray) -> np.ndarray:
    """Log-density of deviations from the mean; -inf where their squares overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        log_prob = covariance.log_prob(deviation)
    return np.where(np.isnan(log_prob), -np.inf, log_prob)


def _log_normal(square: np.ndarray, log_det: float, n_features: int) -> np.ndarray:
    return -0.5 * (n_features * math.log(2 * math.pi) + log_det + square)


def _check_positive(variance: np.ndarray, reg_covar: float) -> None:
    if np.min(variance) <= 0:
        raise ValueError(
            f"reg_covar={reg_covar:g} leaves a variance of zero, because the data do not vary "
            "there; pass a reg_covar above 0, such as 1e-6."
        )


def _smallest_variance(largest: float, n_features: int) -> float:
    """The smallest variance that the machine can tell from zero beside the largest."""
    limits = np.finfo(np.float64)
    return max(largest * n_features * limits.eps, limits.tiny)


class FullCovariance:
    """Any covariance matrix."""

    def __init__(self, moments: Moments, shrinkage: float, reg_covar: float) -> None:
        covariance = moments.scatter / moments.total
        d = len(covariance)
        covariance *= 1 - shrinkage
        covariance.flat[:: d + 1] += shrinkage * moments.spread / moments.total / d
        covariance.flat[:: d + 1] += reg_covar
        self.value = covariance
        try:
            self._factor = linalg.cholesky(covariance, lower=True)
            self._whitening = linalg.solve_triangular(self._factor, np.eye(d), lower=True).T
            self.log_det = 2 * float(np.sum(np.log(np.diag(self._factor))))
        except linalg.LinAlgError:
            self._raise_smallest_variances(reg_covar)

    def _raise_smallest_variances(self, reg_covar: float) -> None:
        """Singular to machine precision: lift the variances that rounding has swallowed."""
        variance, axes = linalg.eigh(self.value)
        _check_positive(variance[-1], reg_covar)
        variance = np.maximum(variance, _smallest_variance(variance[-1], len(variance)))
        self.value = (axes * variance) @ axes.T
        self._factor = axes * np.sqrt(variance)
        self._whitening = axes / np.sqrt(variance)
        self.log_det = float(np.sum(np.log(variance)))

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return n_features * (n_features + 1) // 2

    def log_prob(self, deviation: np.ndarray) -> np.ndarray:
        whitened = deviation @ self._whitening
        square = np.einsum("ij,ij->i", whitened, whitened)
        return _log_normal(square, self.log_det, deviation.shape[1])

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return generator.standard_normal((n_samples, len(self._factor))) @ self._factor.T

    def matrix(self) -> np.ndarray:
        return self.value


class DiagonalCovariance:
    """A variance of its own for every column."""

    def __init__(self, moments: Moments, shrinkage: float, reg_covar: float) -> None:
        variance = _column_variances(moments)
        self.value = (1 - shrinkage) * variance + shrinkage * variance.mean() + reg_covar
        _check_positive(self.value, reg_covar)

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return n_features

    def log_prob(self, deviation: np.ndarray) -> np.ndarray:
        square = deviation**2 @ (1 / self.value)
        return _log_normal(square, float(np.sum(np.log(self.value))), deviation.shape[1])

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        normal = generator.standard_normal((n_samples, len(self.value)))
        return normal * np.sqrt(self.value)

    def matrix(self) -> np.ndarray:
        return np.diag(self.value)


class SphericalCovariance:
    """One variance for all columns."""

    def __init__(self, moments: Moments, shrinkage: float, reg_covar: float) -> None:
        variance = _column_variances(moments)
        self.n_features = len(variance)
        self.value = float(variance.mean() + reg_covar)
        _check_positive(self.value, reg_covar)

    @staticmethod
    def n_parameters(n_features: int) -> int:
        return 1

    def log_prob(self, deviation: np.ndarray) -> np.ndarray:
        square = np.einsum("ij,ij->i", deviation, deviation) / self.value
        return _log_normal(square, self.n_features * math.log(self.value), self.n_features)

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        normal = generator.standard_normal((n_samples, self.n_features))
        return normal * math.sqrt(self.value)

    def matrix(self) -> np.ndarray:
        return self.value * np.eye(self.n_features)


def _column_variances(moments: Moments) -> np.ndarray:
    scatter = moments.scatter if moments.is_diagonal else np.diag(moments.scatter)
    return scatter / moments.total


class LowRankCovariance:
    """A few axes with variances of their own, and one noise variance in all other directions.

    This is probabilistic principal component analysis (Tipping and Bishop, 1999): the axes are
    the leading eigenvectors, the noise the mean of the other eigenvalues. Scoring takes
    O(n_features * n_factors) a row and never forms the matrix.
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
        """Lift variances that rounding has swallowed to the smallest beside the largest."""
        floor = _smallest_variance(np.max(variance, initial=noise_variance), axes.shape[1])
        return cls(axes, np.maximum(variance, floor), float(max(noise_variance, floor)))

    @staticmethod
    def n_parameters(n_features: int, n_factors: int) -> int:
        """Axes up to rotation, their variances, and the noise."""
        return n_features * n_factors - n_factors * (n_factors - 1) // 2 + 1

    def log_prob(self, deviation: np.ndarray) -> np.ndarray:
        n_factors, d = self.axes.shape
        latent = deviation @ self.axes.T
        square = latent**2 @ (1 / self.variance)
        log_det = float(np.sum(np.log(self.variance)))
        if n_factors < d:
            residual = deviation - latent @ self.axes
            square += np.einsum("ij,ij->i", residual, residual) / self.noise_variance
            log_det += (d - n_factors) * math.log(self.noise_variance)
        return _log_normal(square, log_det, d)

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Noise in all directions, turned to the axes' variances along the axes."""
        n_factors, d = self.axes.shape
        noise = generator.standard_normal((n_samples, d)) * math.sqrt(self.noise_variance)
        latent = generator.standard_normal((n_samples, n_factors)) * np.sqrt(self.variance)
        return noise + (latent - noise @ self.axes.T) @ self.axes

    def matrix(self) -> np.ndarray:
        return self._spread(self.variance, self.noise_variance)

    def inverse(self) -> np.ndarray:
        return self._spread(1 / self.variance, 1 / self.noise_variance)

    def _spread(self, along_axes: np.ndarray, elsewhere: float) -> np.ndarray:
        """The matrix with these eigenvalues along the axes and in all other directions."""
        n_axes, d = self.axes.shape
        matrix = (self.axes.T * (along_axes - elsewhere if n_axes < d else along_axes)) @ self.axes
        if n_axes < d:
            matrix.flat[:: d + 1] += elsewhere
        return matrix


Covariance = FullCovariance | DiagonalCovariance | SphericalCovariance | LowRankCovariance
