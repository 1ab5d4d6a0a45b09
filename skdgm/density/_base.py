"""The contract of every density ``p(x)``, and what follows from additive sufficient statistics.

A density provides ``_count`` and ``_estimate``; fitting, weights, batches and threads over row
blocks are written here, once.
"""

from __future__ import annotations

import math
from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, DensityMixin, _fit_context
from sklearn.utils.validation import check_is_fitted, validate_data

from .._validation import (
    RandomState,
    all_or_nothing,
    check_generator,
    check_weight,
    leave_out_weightless,
    spawn_generators,
)
from ._blocks import row_blocks, run_in_threads
from ._statistics import add_in_pairs


class BaseDensity(DensityMixin, BaseEstimator, metaclass=ABCMeta):
    """A probability distribution over rows that is fitted, scored and sampled.

    A subclass declares ``n_jobs`` among its parameters and writes these hooks; ``codes`` stands
    for what ``_encode`` returns, the only form of the data that they see.

    - ``_encode_training(X, extend)``: learn what the data declare (dtype, categories) and encode;
      ``extend`` keeps what earlier batches declared.
    - ``_encode(X)``: check against what was declared and encode.
    - ``_count(codes, weight)``: the sufficient statistics, an object that adds.
    - ``_estimate(statistics)``: set the fitted attributes.
    - ``_log_prob(codes)``: ``log p(x)`` of each row.
    - ``_sample(n_samples, generator)``: rows in the training data's dtype.

    A family whose fit has no additive statistics overrides ``_fit`` instead of the two in the
    middle, and removes ``partial_fit``.
    """

    _input_checks: dict = {}  # what validate_data is told besides: sparse formats, for example

    # ------------------------------------------------------------------ what a user calls
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the density to the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        self : object
            The fitted density.

        Raises
        ------
        ValueError
            If X or the weights are not what the density accepts. The density is then left as it
            was before the call.
        """
        with all_or_nothing(self, anew=True):
            X, weight = self._check_training(X, sample_weight, reset=True)
            self._fit(self._encode_training(X, extend=False), weight)
        return self

    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add the rows of X to those that the density was fitted to.

        Batches in any number and order give the model that one ``fit`` to all rows gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further training data.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        self : object
            The fitted density.

        Raises
        ------
        ValueError
            If X or the weights are not what the density accepts. The density is then left as it
            was before the call.
        """
        self._validate_params()
        with all_or_nothing(self):
            extend = self.__sklearn_is_fitted__()
            X, weight = self._check_training(X, sample_weight, reset=not extend)
            codes = self._encode_training(X, extend=extend)
            statistics = self._count_blocks(codes, weight)
            self._set(self._statistics + statistics if extend else statistics)
        return self

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Compute the log-probability (or log-density) of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(x)`` in nats; ``-inf`` where the model rules a row out.
        """
        return self._log_prob_blocks(self._check_query(X))

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Compute the mean log-probability of the rows, so that folds of any size compare.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        score : float
            Mean of ``score_samples(X)``, in nats.
        """
        return float(np.mean(self.score_samples(X)))

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Draw rows from the fitted density.

        Parameters
        ----------
        n_samples : int, default=1
            How many rows to draw.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same rows with any ``n_jobs``.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, of the training data's dtype (float64 where that cannot hold them).
        """
        check_is_fitted(self)
        n_samples = check_n_samples(n_samples)
        blocks = row_blocks(n_samples, self.n_features_in_)
        generators = spawn_generators(check_generator(random_state), len(blocks))
        tasks = [
            (block.stop - block.start, own) for block, own in zip(blocks, generators, strict=True)
        ]
        drawn = run_in_threads(self._sample, tasks, self.n_jobs)
        return drawn[0] if len(drawn) == 1 else np.concatenate(drawn)

    def aic(self, X: ArrayLike) -> float:
        """Compute Akaike's information criterion on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        aic : float
            ``2 * n_parameters_ - 2 * sum(score_samples(X))``.
        """
        return 2 * self._n_parameters_as_float() - 2 * float(np.sum(self.score_samples(X)))

    def bic(self, X: ArrayLike) -> float:
        """Compute the Bayesian information criterion on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        bic : float
            ``log(n_samples) * n_parameters_ - 2 * sum(score_samples(X))``.
        """
        log_prob = self.score_samples(X)
        penalty = math.log(len(log_prob)) * self._n_parameters_as_float()
        return penalty - 2 * float(np.sum(log_prob))

    # ------------------------------------------------------------------ hooks of a subclass
    def _encode_training(self, X: Any, extend: bool) -> Any:
        return self._encode(X)

    @abstractmethod
    def _encode(self, X: Any) -> Any: ...

    @abstractmethod
    def _count(self, codes: Any, weight: np.ndarray | None) -> Any: ...

    @abstractmethod
    def _estimate(self, statistics: Any) -> None: ...

    @abstractmethod
    def _log_prob(self, codes: Any) -> np.ndarray: ...

    @abstractmethod
    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray: ...

    def _fit_group(
        self,
        densities: Sequence[Self],
        tables: Sequence[tuple[Any, np.ndarray | None]],
        n_jobs: int | None,
    ) -> None:
        """Fit densities side by side (one a class), each to its own codes and weights.

        A family whose members side by side share parameters overrides this and
        ``_estimate_group``, and counts the shared ones in ``_n_shared_parameters``.
        """
        run_in_threads(
            _fit_one,
            [(density, *table) for density, table in zip(densities, tables, strict=True)],
            n_jobs,
        )

    def _estimate_group(self, densities: Sequence[Self], statistics: Sequence[Any]) -> None:
        """Set the fitted attributes of densities side by side, each from its own statistics."""
        for density, own in zip(densities, statistics, strict=True):
            density._set(own)

    @property
    def _n_shared_parameters(self) -> int:
        """How many of ``n_parameters_`` densities side by side have in common."""
        return 0

    # ------------------------------------------------------------------ shared machinery
    def _fit(self, codes: Any, weight: np.ndarray | None) -> None:
        self._set(self._count_blocks(codes, weight))

    def _set(self, statistics: Any) -> None:
        self._statistics = statistics
        self._estimate(statistics)

    def _count_blocks(self, codes: Any, weight: np.ndarray | None) -> Any:
        tasks = [
            (codes[block], None if weight is None else weight[block])
            for block in row_blocks(*codes.shape)
        ]
        return add_in_pairs(run_in_threads(self._count, tasks, self.n_jobs))

    def _log_prob_blocks(self, codes: Any) -> np.ndarray:
        tasks = [(codes[block],) for block in row_blocks(*codes.shape)]
        return np.concatenate(run_in_threads(self._log_prob, tasks, self.n_jobs))

    def _check_training(
        self, X: Any, sample_weight: ArrayLike | None, reset: bool
    ) -> tuple[Any, np.ndarray | None]:
        X = validate_data(self, X, reset=reset, **self._input_checks)
        weight, X = leave_out_weightless(check_weight(sample_weight, X), X)
        return X, weight

    def _check_query(self, X: Any) -> Any:
        check_is_fitted(self)
        return self._encode(validate_data(self, X, reset=False, **self._input_checks))

    def _n_parameters_as_float(self) -> float:
        try:
            return float(self.n_parameters_)
        except OverflowError:
            return math.inf

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_parameters_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = "accept_sparse" in self._input_checks
        return tags


def _fit_one(density: BaseDensity, codes: Any, weight: np.ndarray | None) -> None:
    density._fit(codes, weight)


def check_n_samples(n_samples: int) -> int:
    """Return the number of rows to draw, or raise a ValueError that says what it must be."""
    if isinstance(n_samples, bool) or not isinstance(n_samples, int | np.integer) or n_samples < 1:
        raise ValueError(f"n_samples must be an integer of 1 or more, got {n_samples!r}.")
    return int(n_samples)
