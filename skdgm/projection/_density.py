"""The density that principal axes imply: probabilistic PCA (Tipping and Bishop, 1999).

Rows are normal, with the explained variances along the axes and one noise variance in all other
directions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._fitted import query
from .._memory import check_rows
from .._tables import validate_table
from .._validation import RandomState, check_generator, check_n_samples, weighted_mean
from ..density.gaussian._covariances import LowRankCovariance, log_prob_at
from ._principal_axes import check_squares


class ProbabilisticPCAMixin:
    """Scores, samples and covariance from the fitted attributes of scikit-learn's PCA."""

    components_: np.ndarray
    explained_variance_: np.ndarray
    mean_: np.ndarray
    n_components_: int
    n_features_in_: int
    noise_variance_: float

    @query
    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Compute the log-density of each row under probabilistic PCA.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(x)`` in nats, with missing values integrated out.
        """
        deviation = self._check(X) - self.mean_
        return log_prob_at(self._covariance(), deviation.astype(np.float64, copy=False))

    @query
    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Compute the mean log-density of the rows under probabilistic PCA.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        score : float
            Mean of ``score_samples(X)``, in nats; rows of weight 0 count as left out.
        """
        return weighted_mean(self.score_samples(X), sample_weight)

    @query
    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Draw rows from probabilistic PCA.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, in the dtype of the axes.
        """
        generator = check_generator(random_state)
        check_rows(check_n_samples(n_samples), self.n_features_in_, 16)  # axes and noise
        X = self._covariance().sample(n_samples, generator) + self.mean_
        return X.astype(self.components_.dtype, copy=False)

    @query
    def get_covariance(self) -> np.ndarray:
        """Compute the covariance matrix of the density.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            The matrix with the explained variances along the axes and the noise variance in all
            other directions.
        """
        return self._covariance().matrix()

    @query
    def get_precision(self) -> np.ndarray:
        """Compute the inverse of the covariance matrix of the density.

        Returns
        -------
        precision : ndarray of shape (n_features, n_features)
            The inverse of :meth:`get_covariance`.
        """
        return self._covariance().inverse()

    @property
    @query
    def n_parameters_(self) -> int:
        """Number of free parameters of the density."""
        d, n_axes = self.n_features_in_, self.n_components_
        noiseless = n_axes == d  # then no direction is left for the noise
        return d + LowRankCovariance.n_parameters(d, n_axes) - noiseless

    def _check(
        self, X: ArrayLike, reset: bool = False, learn: bool = False, **checks: Any
    ) -> np.ndarray:
        table = validate_table(
            self,
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            reset=reset,
            **checks,
        )
        if learn:
            check_squares(table)
        return table

    def _covariance(self) -> LowRankCovariance:
        return LowRankCovariance.of_axes(
            self.components_, self.explained_variance_, float(self.noise_variance_)
        )
