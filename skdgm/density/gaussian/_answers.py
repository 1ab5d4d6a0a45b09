"""Answers of a normal density, which follow from its mean and its covariance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..._fitted import query, snapshot
from .._engine.conditional_margins import ConditionalMargin, NormalsMargin
from .._engine.regions import Regions
from ._conditional import log_prob_given
from ._covariances import DiagonalCovariance, FullCovariance, SphericalCovariance, log_prob_at
from ._given import covariance_given, normal_on_columns
from ._group import log_prob_each
from ._regularised import RegularisedDensity
from ._truncated import TruncatedGaussianDensity


class NormalAnswers(RegularisedDensity):
    """Queries of a normal density, by the fitted ``mean_`` and ``_covariance``."""

    mean_: np.ndarray

    @query
    def get_covariance(self) -> np.ndarray:
        """Return the covariance matrix, whatever ``covariance_type`` is.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            The covariance matrix.
        """
        return self._covariance.matrix()

    @query
    def mahalanobis(self, X: ArrayLike) -> np.ndarray:
        """Compute the squared Mahalanobis distance of each row from the mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        distance : ndarray of shape (n_samples,)
            ``(x - mean)' covariance^-1 (x - mean)``, squared as in
            :meth:`sklearn.covariance.EmpiricalCovariance.mahalanobis`. In a row with missing
            values, it is that of the observed ones under their own normal.
        """
        deviation = self._encode(self._check_query(X)) - self.mean_
        at_mean = np.where(np.isnan(deviation), np.nan, 0.0)
        log_ratio = log_prob_at(self._covariance, at_mean) - log_prob_at(
            self._covariance, deviation
        )
        return np.maximum(2 * log_ratio, 0.0)

    @property
    def precision_(self) -> np.ndarray | float:
        """Inverse of ``covariance_``: a matrix, the inverse variances or the inverse variance."""
        covariance = snapshot(self)._covariance
        if isinstance(covariance, DiagonalCovariance | SphericalCovariance):
            return 1 / covariance.value
        whitening = FullCovariance(covariance.matrix()).whitening
        return whitening @ whitening.T

    # ------------------------------------------------------------------ hooks
    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        return log_prob_each([self._covariance], self.mean_[np.newaxis], codes)[:, 0]

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._covariance.sample(n_samples, generator) + self.mean_

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        drawn = self._covariance.conditional_sample(codes - self.mean_, generator)
        return drawn + self.mean_

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._covariance.conditional_mean(codes - self.mean_) + self.mean_

    def _moments_missing(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = self._covariance.conditional_moments(codes - self.mean_)
        return mean + self.mean_, variance

    def _margins_missing(
        self, codes: np.ndarray, columns: Sequence[int]
    ) -> list[ConditionalMargin]:
        mean, variance = self._moments_missing(codes)
        return [NormalsMargin.of_one(mean[:, own], variance[:, own]) for own in columns]

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._mean_missing(codes)

    def _pair_information(self, places: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return ``-log(1 - r**2) / 2`` of the (partial) correlations r."""
        matrix = covariance_given(self._covariance.matrix(), places, known)
        deviation = np.sqrt(np.diag(matrix))
        correlation = matrix / deviation / deviation[:, np.newaxis]  # a product may be too large
        correlation = np.clip((correlation + correlation.T) / 2, -1.0, 1.0)
        np.fill_diagonal(correlation, 0.0)
        with np.errstate(divide="ignore"):
            return -0.5 * np.log1p(-(correlation**2))

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        return TruncatedGaussianDensity.of(self, regions)

    def _on_columns(self, places: np.ndarray, row: np.ndarray) -> Any:
        return normal_on_columns(self, places, row)

    def _log_prob_given(self, codes: np.ndarray, condition: np.ndarray) -> np.ndarray:
        return log_prob_given(self._covariance, self.mean_, codes, condition)
