"""The contract of every density ``p(x)``, and what follows from additive sufficient statistics.

A density provides ``_count`` and ``_estimate``; fitting, weights, batches, missing values and
threads over row blocks are written here, once.
"""

from __future__ import annotations

import math
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, DensityMixin, _fit_context
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from .._codes import as_floats, has_missing, missing_cells
from .._validation import (
    RandomState,
    all_or_nothing,
    check_generator,
    check_n_samples,
    check_observed,
    check_weight,
    leave_out_weightless,
    spawn_generators,
)
from ._em import PartlyObserved, fit_by_em
from ._engine.blocks import row_blocks, run_in_threads, weighted_blocks
from ._engine.completions import best_completions
from ._engine.missing import fill, rows_with_missing, values_at_missing
from ._engine.statistics import add_in_pairs

EM_CONSTRAINTS: dict = {
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
}


class BaseDensity(DensityMixin, BaseEstimator, metaclass=ABCMeta):
    """A probability distribution over rows that is fitted, scored and sampled.

    A subclass declares ``n_jobs`` among its parameters and writes these hooks; ``codes`` stands
    for what ``_encode`` returns, the only form of the data that they see. A cell of it may be
    missing: NaN in X is, whatever the call.

    - ``_encode_training(X, weight, extend)``: learn what the data declare (dtype, categories) and
      encode; ``extend`` keeps what earlier batches declared.
    - ``_encode(X)``: check against what was declared and encode. What NumPy makes of codes is a
      table of the values themselves, missing ones marked, whatever else the codes hold.
    - ``_count(codes, weight)``: the sufficient statistics, an object that adds.
    - ``_estimate(statistics)``: set the fitted attributes.
    - ``_log_prob(codes)``: ``log p(x_observed)`` of each row.
    - ``_sample(n_samples, generator)``: rows in the training data's dtype.
    - ``_sample_missing(codes, generator)``, ``_mean_missing(codes)``, ``_mode_missing(codes)``:
      tables like codes that hold a draw, the expectation or the most probable completion where a
      value is missing, and anything elsewhere.

    Missing values in training are either counted as they are (``_counts_missing``: a family of
    independent columns), or the family has the parameters ``EM_CONSTRAINTS`` and writes three
    more, for expectation-maximisation:

    - ``_count_start(codes, weight)``: statistics to start from, which rule no row out.
    - ``_expect(codes, weight)``: the statistics expected under the fitted attributes, of rows of
      which each has a missing value, and ``_log_prob(codes)`` of these rows.
    - ``_log_prior(total)``: what pseudo-counts and the like add to the objective, for a total
      weight of rows.

    A family whose fit has no additive statistics overrides ``_fit`` instead, and says so in
    ``_is_additive``, which removes ``partial_fit``.
    """

    _input_checks: dict = {"ensure_all_finite": "allow-nan"}  # what validate_data is told besides
    _rules_out_rows = True  # whether a row can have probability zero
    _is_additive = True  # whether the statistics of batches add up to those of one fit

    @property
    def _dense_input_checks(self) -> dict:
        """The checks of an estimator around the density that takes no sparse X."""
        checks = self._input_checks
        return {name: checks[name] for name in checks if name != "accept_sparse"}

    # ------------------------------------------------------------------ what a user calls
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the density to the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value. Which values are missing must not depend on
            what they are (missing at random).
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
            If X or the weights are not what the density accepts, or a column has no observed
            value. The density is then left as it was before the call.
        """
        with all_or_nothing(self, anew=True):
            X, weight = self._check_training(X, sample_weight, reset=True)
            self._fit(self._encode_training(X, weight, extend=False), weight)
        return self

    @available_if(lambda self: self._is_additive)
    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add the rows of X to those that the density was fitted to.

        Batches of complete rows in any number and order give the model that one ``fit`` to all
        rows gives. Missing values of a later batch count as the model so far expects them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further training data; NaN is a missing value.
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
            codes = self._encode_training(X, weight, extend=extend)
            if not extend:
                self._fit(codes, weight)
            elif self._needs_em(codes):
                expected, _ = PartlyObserved(self, codes, weight).expect()
                self._set(self._statistics + expected)
            else:
                self._set(self._statistics + self._count_blocks(codes, weight))
        return self

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Compute the log-probability (or log-density) of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(x)`` in nats, of the observed values where some are missing: these are
            integrated out exactly, so that a row without any scores 0. ``-inf`` where the model
            rules a row out.
        """
        return self._log_prob_blocks(self._encode(self._check_query(X)))

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

    def conditional_sample(self, X: ArrayLike, random_state: RandomState = None) -> np.ndarray:
        """Draw what is missing in each row, given what is observed there.

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
            ``p(x_missing | x_observed)``.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._complete(X, self._sample_missing, generator=check_generator(random_state))

    def conditional_mean(self, X: ArrayLike) -> np.ndarray:
        """Replace what is missing in each row by what is expected, given what is observed there.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            A copy of X as floats, with ``E[x_missing | x_observed]`` in place of missing values:
            for zeros and ones, the probability of a one.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._complete(X, self._mean_missing, as_float=True)

    def conditional_mode(self, X: ArrayLike) -> np.ndarray:
        """Replace what is missing in each row by its jointly most probable completion.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            A copy of X, with the values that maximise ``p(x_missing | x_observed)`` in place of
            missing ones.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return self._complete(X, self._mode_missing)

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
    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> Any:
        return self._encode(X)

    @abstractmethod
    def _encode(self, X: Any) -> Any: ...

    def _recode(self, table: np.ndarray) -> Any:
        """The codes of a table like the one that NumPy makes of codes."""
        return table

    def _coordinates(self, codes: Any) -> np.ndarray:
        """The rows as points between which distances mean something, NaN where missing."""
        return as_floats(codes)

    @abstractmethod
    def _count(self, codes: Any, weight: np.ndarray | None) -> Any: ...

    @abstractmethod
    def _estimate(self, statistics: Any) -> None: ...

    @abstractmethod
    def _log_prob(self, codes: Any) -> np.ndarray: ...

    @abstractmethod
    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray: ...

    @abstractmethod
    def _sample_missing(self, codes: Any, generator: np.random.Generator) -> np.ndarray: ...

    @abstractmethod
    def _mean_missing(self, codes: Any) -> np.ndarray: ...

    @abstractmethod
    def _mode_missing(self, codes: Any) -> np.ndarray: ...

    @property
    def _counts_missing(self) -> bool:
        """Whether ``_count`` takes rows with missing values, so that no iteration is needed."""
        return False

    def _count_start(self, codes: Any, weight: np.ndarray | None) -> Any:
        raise NotImplementedError

    def _expect(self, codes: Any, weight: np.ndarray | None) -> tuple[Any, np.ndarray]:
        raise NotImplementedError

    def _log_prior(self, total: float) -> float:
        return 0.0

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
    def _n_values(self) -> np.ndarray | None:
        """How many values each column can take, or None if they are continuous."""
        return None

    @property
    def _n_values_each(self) -> np.ndarray:
        """How many values each column can take, 0 for a continuous one."""
        n_values = self._n_values
        return np.zeros(self.n_features_in_, dtype=np.int64) if n_values is None else n_values

    @property
    def _declared(self) -> Any:
        """What the data declared that statistics depend on: they serve no fit where it differs."""
        n_values = self._n_values
        return None if n_values is None else tuple(map(int, n_values))

    @property
    def _n_shared_parameters(self) -> int:
        """How many of ``n_parameters_`` densities side by side have in common."""
        return 0

    # ------------------------------------------------------------------ shared machinery
    def _fit(self, codes: Any, weight: np.ndarray | None) -> None:
        if self._needs_em(codes):
            fit_by_em(self, [self], [(codes, weight)], self.n_jobs)
        else:
            self._set(self._count_blocks(codes, weight))
            if hasattr(self, "max_iter"):
                self.n_iter_, self.lower_bounds_ = 1, np.empty(0)

    def _needs_em(self, codes: Any) -> bool:
        return not self._counts_missing and has_missing(codes)

    def _is_incomplete(self, codes: Any) -> np.ndarray:
        """Which rows ``_count`` cannot take, but ``_expect``."""
        return missing_cells(codes).any(axis=1)

    def _count_start_of_any(self, codes: Any, weight: np.ndarray) -> Any:
        """Statistics to start from, whether or not values are missing."""
        if self._needs_em(codes):
            return self._count_start(codes, weight)
        return self._count_blocks(codes, weight)

    def _expect_any(self, codes: Any, weight: np.ndarray) -> Any:
        """The statistics of rows, as the fitted attributes expect them where values are missing."""
        if not self._needs_em(codes):
            return self._count(codes, weight)
        incomplete = self._is_incomplete(codes)
        expected, _ = self._expect(codes[incomplete], weight[incomplete])
        if incomplete.all():
            return expected
        return self._count(codes[~incomplete], weight[~incomplete]) + expected

    def _set(self, statistics: Any) -> None:
        self._statistics = statistics
        self._estimate(statistics)

    def _count_blocks(self, codes: Any, weight: np.ndarray | None) -> Any:
        tasks = weighted_blocks(codes, weight)
        return add_in_pairs(run_in_threads(self._count, tasks, self.n_jobs))

    def _log_prob_blocks(self, codes: Any) -> np.ndarray:
        tasks = [(codes[block],) for block in row_blocks(*codes.shape)]
        return np.concatenate(run_in_threads(self._log_prob, tasks, self.n_jobs))

    def _check_training(
        self, X: Any, sample_weight: ArrayLike | None, reset: bool
    ) -> tuple[Any, np.ndarray | None]:
        X = validate_data(self, X, reset=reset, **self._input_checks)
        weight, X = leave_out_weightless(check_weight(sample_weight, X), X)
        if reset:
            check_observed(X, getattr(self, "feature_names_in_", None))
        return X, weight

    def _check_query(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, **self._input_checks)

    def _complete(
        self,
        X: Any,
        complete: Callable[..., np.ndarray],
        generator: np.random.Generator | None = None,
        as_float: bool = False,
    ) -> np.ndarray:
        """A copy of X, with what a hook says of the incomplete rows where a value is missing."""
        X = self._check_query(X)
        if as_float and X.dtype.kind != "f":
            X = X.astype(np.float64)
        rows = rows_with_missing(X)
        if not len(rows):
            return X.copy()
        codes = self._encode(X[rows])
        self._check_possible(codes, rows)
        tasks = [(codes[block],) for block in row_blocks(*codes.shape)]
        if generator is not None:
            generators = spawn_generators(generator, len(tasks))
            tasks = [(*task, own) for task, own in zip(tasks, generators, strict=True)]

        def values(codes: Any, *source: np.random.Generator) -> np.ndarray:
            return values_at_missing(complete(codes, *source), codes)

        return fill(X, np.concatenate(run_in_threads(values, tasks, self.n_jobs)))

    def _best_completion(
        self, codes: Any, candidates: Sequence[np.ndarray], columns: slice = slice(None)
    ) -> np.ndarray:
        """The most probable completion that can be found, as a table of values."""
        return best_completions(
            np.asarray(codes),
            candidates,
            lambda table: self._log_prob(self._recode(table)),
            self._n_values_each,
            columns,
        )

    def _check_possible(self, codes: Any, rows: np.ndarray) -> None:
        """Raise a ValueError if the model rules out what a row has observed."""
        if not self._rules_out_rows:
            return
        impossible = np.isneginf(self._log_prob_blocks(codes))
        if impossible.any():
            raise ValueError(
                f"X has a row whose observed values have probability zero under the model: row "
                f"{rows[impossible.argmax()]}. Nothing follows for its missing values; correct the "
                "row, or choose a model that rules nothing out, for example by pseudo-counts "
                "(alpha above 0)."
            )

    def _n_parameters_as_float(self) -> float:
        check_is_fitted(self)
        if not hasattr(self, "n_parameters_"):
            raise AttributeError(
                "A classifier in this density does not tell how many parameters it has, so there "
                "is no aic or bic; compare densities by score on rows held out."
            )
        try:
            return float(self.n_parameters_)
        except OverflowError:
            return math.inf

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_parameters_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = "accept_sparse" in self._input_checks
        return tags


def _fit_one(density: BaseDensity, codes: Any, weight: np.ndarray | None) -> None:
    density._fit(codes, weight)


def check_takes_missing(density: BaseDensity, why: str = "") -> None:
    """Raise a ValueError if what is asked of a density are missing values, and it refuses them."""
    if not get_tags(density).input_tags.allow_nan:
        raise ValueError(
            f"density must take missing values, {why}but {type(density).__name__} does not: a PCA "
            "in it mixes columns."
        )


def hand_on_columns(source: BaseEstimator, density: BaseDensity) -> None:
    """Tell a density, before it encodes, of the columns that another estimator has validated."""
    for name in ("n_features_in_", "feature_names_in_"):
        if hasattr(source, name):
            setattr(density, name, getattr(source, name))


def count_parameters(densities: Sequence[BaseDensity], besides: int) -> dict[str, int]:
    """The attribute ``n_parameters_`` of what has densities side by side, and others besides.

    Parameters that the densities share are counted once. Nothing is set if one of them does not
    tell its number.
    """
    own = [getattr(density, "n_parameters_", None) for density in densities]
    if None in own:
        return {}
    shared = (len(densities) - 1) * densities[0]._n_shared_parameters
    return {"n_parameters_": sum(own) - shared + besides}
