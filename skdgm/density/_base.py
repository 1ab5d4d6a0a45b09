"""The contract of every density ``p(x)``, and what follows from additive sufficient statistics.

A density says how rows are counted and what follows from the counts; fitting, weights, batches,
missing values and threads over blocks of rows are written here, once.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import DensityMixin

from .._codes import dtype_that_holds
from .._decorators import available_if, fit_context
from .._estimator import CommonEstimator
from .._fitted import GivenTable, learning, query
from .._memory import check_rows
from .._tables import as_given, validate_table
from .._validation import (
    EstimatorParameter,
    RandomState,
    check_generator,
    check_n_samples,
    check_observed,
    check_weight,
    leave_out_weightless,
    spawn_generators,
    weighted_mean,
)
from ._contract import check_hooks, check_log_prob
from ._engine.blas import blas_threads_for
from ._engine.blocks import row_blocks, run_in_row_blocks, run_in_threads, run_in_weighted_blocks
from ._engine.statistics import add_in_pairs
from ._queries import Queries

STARTS_ANEW = (
    "The density was made of parameters, without a number of rows that these stand for, so "
    "partial_fit starts anew from the rows of X; give n_samples to from_parameters to go on."
)


class OfBatches:
    """A method about batches, which a class lacks if its statistics never add.

    A class that derives from it, and whose statistics may add, has the method again.
    """

    def __init__(self, lacking: type, name: str) -> None:
        self.lacking, self.name = lacking, name

    def __get__(self, instance: Any, owner: Any) -> Any:
        if owner._is_additive is False:
            raise AttributeError(
                f"{owner.__name__} has no {self.name}, for it learns from all rows at once."
            )
        return getattr(super(self.lacking, owner if instance is None else instance), self.name)


class BaseDensity(Queries, DensityMixin, CommonEstimator):
    """A probability distribution over rows that is fitted, scored and sampled.

    A family derives from it and writes the hooks of :class:`DensityHooks`.
    :class:`BernoulliIndependentDensity` is a small one to read; the page "Add a density" of the
    documentation writes another step by step.

    Families that learn from rows with missing values by expectation-maximisation derive from
    :class:`EMDensity`, and those that hold other densities from :class:`CompositeDensity`.
    """

    _dtype: np.dtype  # of samples

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls._is_additive is False and "partial_fit" not in vars(cls):
            for name in ("partial_fit", "set_partial_fit_request"):
                setattr(cls, name, OfBatches(cls, name))
        super().__init_subclass__(**kwargs)

    # ------------------------------------------------------------------ what a user calls
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the density to the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value. Which values are missing must not depend on
            the values themselves (missing at random).
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.
            Pseudo-counts such as ``alpha`` count rows, so scale weights to sum to the number of
            rows. The largest must lie between 1e-100 and 1e100; those below 1e-100 times the
            largest count as zero.

        Returns
        -------
        self : object
            The fitted density.

        Raises
        ------
        ValueError
            If the density does not accept X or the weights, or a column has no observed
            value. The density is then left as it was before the call.
        """
        with learning(self, anew=True) as new:
            new._fit_table(X, sample_weight)
        return self

    @available_if(lambda self: self._is_additive)
    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add the rows of X to those that the density was fitted to.

        Batches of complete rows in any number and order give the model that one ``fit`` to all
        rows gives. Missing values in a later batch count as the model so far expects them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.
            Pseudo-counts such as ``alpha`` count rows, so scale weights to sum to the number of
            rows. The largest must lie between 1e-100 and 1e100; those below 1e-100 times the
            largest count as zero.

        Returns
        -------
        self : object
            The fitted density.

        Raises
        ------
        ValueError
            If the density does not accept X or the weights. It is then left as it was before the
            call.
        """
        self._validate_params()
        with learning(self) as new:
            if not new._has_counts:
                if new.__sklearn_is_fitted__():
                    warnings.warn(STARTS_ANEW, UserWarning, stacklevel=2)
                new._fit_table(X, sample_weight)
                return self
            X, weight = new._check_training(X, sample_weight, reset=False)
            codes = new._declare(X, weight, extend=True)
            new._set(new._statistics_with(codes, weight))
            new._describe_rows(codes)
        return self

    @query
    def score_samples(
        self, X: ArrayLike, *, evidence: Mapping[Any, Any] | None = None
    ) -> np.ndarray:
        """Compute the log-probability (or log-density) of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(x)`` in nats, or ``log p(x, evidence)``. Missing values are integrated out
            exactly: the fewer are observed, the nearer to 0 a row scores, and with none it scores
            0. :meth:`tail_probability` compares such rows. ``-inf`` where the model rules a row
            out.
        """
        density, table, log_prob = self._under(self._check_query(X), evidence)
        return log_prob + density._log_prob_blocks(density._encode(table))

    @query
    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Compute the mean log-probability of the rows, comparable between folds of any size.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.
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
        """Draw rows from the fitted density.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same rows with any ``n_jobs``.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, of the training data's dtype, or a wider one where that cannot hold them.
        """
        return as_given(self, self._drawn_table(n_samples, random_state))

    @query
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

    @query
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

    # ------------------------------------------------------------------ shared machinery
    def _fit_table(self, X: Any, sample_weight: ArrayLike | None) -> None:
        X, weight = self._check_training(X, sample_weight, reset=True)
        codes = self._declare(X, weight)
        self._learn(codes, weight)
        self._describe_rows(codes)

    @property
    def _has_counts(self) -> bool:
        """True if the density knows the statistics of rows, to which those of others add."""
        return self.__sklearn_is_fitted__() and getattr(self, "_statistics", None) is not None

    def _statistics_with(self, codes: Any, weight: np.ndarray | None) -> Any:
        """Return the statistics of the rows so far and of a batch, as the model expects them."""
        expect = self._expected_statistics
        return self._statistics + add_in_pairs(
            run_in_weighted_blocks(expect, codes, weight, self.n_jobs)
        )

    def _note_rows(self, n_rows: int, weight: np.ndarray | None) -> None:
        """Note which rows of the table that the user gave have any weight."""

    def _describe_rows(self, codes: Any) -> None:
        """Set the fitted attributes that tell something about each row learned from."""

    def _declare(self, X: Any, weight: np.ndarray | None, extend: bool = False) -> Any:
        """Return the codes of training data, and keep what these declare."""
        codes = self._declare_rows(X, weight, extend)
        if not extend:
            self._check_declared()
        return codes

    def _declare_rows(self, X: Any, weight: np.ndarray | None, extend: bool = False) -> Any:
        """Return the codes of training data, or of some rows of them, and keep what they declare.

        Further rows may follow, by :meth:`_declare_also`.
        """
        if not extend:
            check_hooks(self)
        self._expect_rows(X.shape[0], weight, extend)
        codes = self._encode_training(X, weight, extend)
        dtype = np.promote_types(self._dtype, X.dtype) if extend else X.dtype
        self._dtype = self._columns.dtype_of_samples(dtype)
        return codes

    def _declare_more(self, other: Self) -> None:
        """Learn what further rows have declared to another density of the family.

        A family whose ``_encode_training`` learns something overrides it.
        """

    def _check_declared(self) -> None:
        """Warn of what all rows declare together, or refuse it."""

    def _declare_also(self, other: Self) -> None:
        """Take over what further rows have declared to another density, by ``_declare_more``."""
        self._n_rows += other._n_rows
        self._declare_more(other)
        self._dtype = self._columns.dtype_of_samples(np.promote_types(self._dtype, other._dtype))

    def _drawn_table(self, n_samples: int, random_state: RandomState) -> np.ndarray:
        """Draw rows, as numbers of the training data's dtype or a wider one."""
        return self._as_table(self._draw(n_samples, random_state))

    def _as_table(self, drawn: np.ndarray) -> np.ndarray:
        """Return a table of codes as numbers of the training data's dtype or a wider one."""
        X = self._columns.decode(drawn)
        return X.astype(dtype_that_holds(X, self._dtype), copy=False)

    def _draw(self, n_samples: int, random_state: RandomState) -> np.ndarray:
        """Draw rows, as a table like the one that NumPy makes of codes."""
        n_samples = check_n_samples(n_samples)
        check_rows(n_samples, self.n_features_in_, self._dtype.itemsize)
        blocks = row_blocks(n_samples, self.n_features_in_)
        generators = spawn_generators(check_generator(random_state), len(blocks))
        tasks = [
            (block.stop - block.start, own) for block, own in zip(blocks, generators, strict=True)
        ]
        with blas_threads_for(n_samples, self.n_features_in_):
            drawn = run_in_threads(self._sample, tasks, self.n_jobs)
        return drawn[0] if len(drawn) == 1 else np.concatenate(drawn)

    def _log_prob_blocks(self, codes: Any) -> np.ndarray:
        log_prob = np.concatenate(run_in_row_blocks(self._log_prob, codes, self.n_jobs))
        check_log_prob(self, log_prob, codes.shape[0])
        return log_prob

    def _check_training(
        self, X: Any, sample_weight: ArrayLike | None, reset: bool
    ) -> tuple[Any, np.ndarray | None]:
        if reset:
            self._given = GivenTable(X)
        X = validate_table(self, X, reset=reset, **self._input_checks)
        weight = check_weight(sample_weight, X)
        self._note_rows(X.shape[0], weight)
        weight, X = leave_out_weightless(weight, X)
        if reset:
            check_observed(X, getattr(self, "feature_names_in_", None))
        return X, weight

    def _check_query(self, X: Any) -> Any:
        return validate_table(self, X, reset=False, **self._input_checks)

    @property
    def _dense_input_checks(self) -> dict:
        """Options of validate_table for an estimator around the density that takes no sparse X."""
        checks = self._input_checks
        return {name: checks[name] for name in checks if name != "accept_sparse"}

    def _n_parameters_as_float(self) -> float:
        if not hasattr(self, "n_parameters_"):
            raise AttributeError(
                f"{type(self).__name__} does not know its number of parameters, since a part of "
                "it does not, so there is no aic or bic; compare densities by score on held-out "
                "rows."
            )
        try:
            return float(self.n_parameters_)
        except OverflowError:
            return math.inf

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "_fitted", False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        if self._column_kind == "count":  # numbers that may be categories, to scikit-learn
            tags.input_tags.categorical = True
            tags.input_tags.positive_only = True
        tags.input_tags.sparse = "accept_sparse" in self._input_checks
        return tags


# What a parameter that holds a density to clone must be.
A_DENSITY = "a density of skdgm (such as GaussianDensity())"
DENSITY = EstimatorParameter("density", A_DENSITY, BaseDensity)
