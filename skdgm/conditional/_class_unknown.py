"""Queries about rows whose class is unknown: a classifier is a mixture of its classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._fitted import query
from .._validation import RandomState
from ..density.mixture import MixtureDensity
from ._class_densities import ClassDensities


class ClassUnknown(ClassDensities):
    """Completions of rows under ``p(x) = sum_c p(y = c) p(x | y = c)``."""

    @query
    def conditional_sample(
        self, X: ArrayLike, random_state: RandomState = None, *, n_samples: int | None = None
    ) -> Any:
        """Draw the missing values of each row, given its observed values, whatever its class.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows to complete; NaN is a missing value.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same rows with any ``n_jobs``.
        n_samples : int or None, default=None
            Number of completions of X, independent of one another; None is a single one without an
            axis of its own.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features), or (n_samples, n_rows, n_features)
            A copy of X, with the missing values of a row drawn jointly from
            ``p(x_missing | x_observed)``. For a known class, ask its entry in ``densities_``.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._mixture().conditional_sample(X, random_state, n_samples=n_samples)

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

    @query
    def conditional_std(self, X: ArrayLike) -> np.ndarray:
        """Compute the standard deviation of each missing number, whatever its row's class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        std : ndarray of shape (n_samples, n_features)
            The standard deviation of ``p(x_j | x_observed)`` where a number is missing, and 0 where
            one is observed, as by :meth:`MixtureDensity.conditional_std`.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._mixture().conditional_std(X)

    @query
    def conditional_quantile(self, X: ArrayLike, q: float | ArrayLike) -> Any:
        """Replace each missing number by a quantile, given its row, whatever the class of that.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        q : float or array-like of shape (n_levels,)
            Probabilities from 0 to 1.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or (n_levels, n_samples, n_features)
            A copy of X with quantiles of ``p(x_j | x_observed)`` in place of missing numbers, as by
            :meth:`MixtureDensity.conditional_quantile`.

        Raises
        ------
        ValueError
            If q is no probability, or the observed values of a row have probability zero.
        """
        return self._mixture().conditional_quantile(X, q)

    @query
    def conditional_interval(self, X: ArrayLike, coverage: float = 0.9) -> tuple[Any, Any]:
        """Replace each missing number by the ends of an interval that holds it, given its row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        coverage : float, default=0.9
            Probability that each missing number, alone, lies in its interval.

        Returns
        -------
        lower, upper : ndarray of shape (n_samples, n_features)
            Copies of X with the ends in place of missing numbers, as by
            :meth:`MixtureDensity.conditional_interval`.

        Raises
        ------
        ValueError
            If coverage is no probability, or the observed values of a row have probability zero.
        """
        return self._mixture().conditional_interval(X, coverage)

    def _mixture(self) -> MixtureDensity:
        """Return the density of rows of unknown class."""
        mixture = MixtureDensity(self._make_density(), len(self._learned), n_jobs=self.n_jobs)
        weights = self.priors_[self._learned]
        mixture._set_parts(self._group.densities, weights, self._group)
        return mixture
