"""Queries about rows whose class is unknown: a classifier is a mixture of its classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._fitted import query
from .._validation import RandomState
from ..density.mixture import MixtureDensity
from ._class_densities import ClassDensities


class ClassUnknown(ClassDensities):
    """Completions of rows under ``p(x) = sum_c p(y = c) p(x | y = c)``."""

    @query
    def conditional_sample(self, X: ArrayLike, random_state: RandomState = None) -> np.ndarray:
        """Draw the missing values of each row, given its observed values, whatever its class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same rows with any ``n_jobs``.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            A copy of X, with the missing values of a row drawn jointly from
            ``p(x_missing | x_observed)``. For a known class, ask its entry in ``densities_``.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._mixture().conditional_sample(X, random_state)

    @query
    def conditional_mean(self, X: ArrayLike) -> np.ndarray:
        """Replace the missing values of each row by their mean, whatever its class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            A copy of X as floats, with ``E[x_missing | x_observed]`` in place of missing values:
            the classes' own means, weighted by ``p(y | x_observed)``.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._mixture().conditional_mean(X)

    @query
    def conditional_mode(self, X: ArrayLike) -> np.ndarray:
        """Replace the missing values of each row by the most probable ones, whatever its class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            A copy of X, with the values that maximise ``p(x_missing | x_observed)`` in place of
            missing ones, as found by :class:`MixtureDensity`.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._mixture().conditional_mode(X)

    def _mixture(self) -> MixtureDensity:
        """Return the density of rows of unknown class."""
        mixture = MixtureDensity(self._make_density(), len(self._learned), n_jobs=self.n_jobs)
        weights = self.priors_[self._learned]
        mixture._set_parts(self._group.densities, weights, self._group)
        return mixture
