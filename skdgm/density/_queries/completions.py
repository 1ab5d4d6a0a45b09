"""Completions of rows: draws, means and modes of missing values given the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..._codes import as_exact_floats
from ..._fitted import query
from ..._tables import as_given
from ..._validation import RandomState, check_generator, check_n_samples, spawn_generators
from .._contract import DensityHooks
from .._engine.blocks import RowsOf, run_in_row_blocks
from .._engine.completions import best_completions
from .._engine.missing import fill, finite_at_missing, rows_with_missing, together

Limits = tuple[np.ndarray, np.ndarray]  # the least and the largest value of each column


def within(complete: Callable[..., np.ndarray], limits: Limits | None) -> Callable[..., np.ndarray]:
    """Return a hook whose values are moved to the nearest limit of their column."""
    if limits is None:
        return complete
    return lambda *arguments: np.clip(complete(*arguments), *limits)


class Completions(DensityHooks):
    """Completions of rows, by the hooks on their missing values."""

    _check_query: Callable[[Any], Any]
    _under: Callable[[Any, Any], tuple[Any, Any, float]]

    @query
    def conditional_sample(
        self,
        X: ArrayLike,
        random_state: RandomState = None,
        *,
        n_samples: int | None = None,
        evidence: Mapping[Any, Any] | None = None,
    ) -> Any:
        """Draw the missing values of each row, given its observed values.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows to complete; NaN is a missing value.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same rows with any ``n_jobs``.
        n_samples : int or None, default=None
            Number of completions of X, independent of one another; None is a single one without an
            axis of its own.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features), or (n_samples, n_rows, n_features)
            A copy of X, with the missing values of a row drawn jointly from
            ``p(x_missing | x_observed)``. With ``n_samples``, as many copies; where frames come in,
            a list of them.

        Raises
        ------
        ValueError
            If the observed values of a row, or evidence, have probability zero.
        """
        generator = check_generator(random_state)
        density, table, _ = self._under(self._check_query(X), evidence)
        draw = density._decoded(density._sample_missing)
        if n_samples is None:
            return density._complete_table(X, table, draw, generator)
        generators = spawn_generators(generator, check_n_samples(n_samples))
        return together(density._complete_each(X, table, draw, generators))

    @query
    def conditional_mean(
        self, X: ArrayLike, *, evidence: Mapping[Any, Any] | None = None
    ) -> np.ndarray:
        """Replace the missing values of each row by their mean, given its observed values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            A copy of X as floats, with ``E[x_missing | x_observed]`` in place of missing values:
            for zeros and ones, the probability of a one.

        Raises
        ------
        ValueError
            If the observed values of a row, or evidence, have probability zero.
        """
        density, table, _ = self._under(self._check_query(X), evidence)
        return density._complete_table(X, table, density._mean_missing, as_float=True)

    @query
    def conditional_mode(
        self, X: ArrayLike, *, evidence: Mapping[Any, Any] | None = None
    ) -> np.ndarray:
        """Replace the missing values of each row by the jointly most probable ones.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            A copy of X, with the values that maximise ``p(x_missing | x_observed)`` in place of
            missing ones.

        Raises
        ------
        ValueError
            If the observed values of a row, or evidence, have probability zero.
        """
        density, table, _ = self._under(self._check_query(X), evidence)
        return density._complete_table(X, table, density._decoded(density._mode_missing))

    # ------------------------------------------------------------------ for an imputer
    def _fit_to_impute(self, X: Any, sample_weight: Any) -> Any:
        """Fit to weighted X, and learn what ``_impute`` needs beyond that."""
        return self.fit(X, sample_weight=sample_weight)  # type: ignore[attr-defined]

    def _impute(
        self, X: Any, strategy: str, limits: Limits | None, random_state: RandomState
    ) -> Any:
        """Return X with its missing values replaced as DensityImputer does, within limits."""
        if strategy == "mean":
            return self._impute_means(X, limits)
        if strategy == "mode":
            return self._complete(X, within(self._decoded(self._mode_missing), limits))
        draw = within(self._decoded(self._sample_missing), limits)
        return self._complete(X, draw, generator=check_generator(random_state))

    def _impute_means(self, X: Any, limits: Limits | None) -> Any:
        """Return X with its missing values replaced by what to expect of each alone."""
        return self._complete(X, within(self._mean_missing, limits), as_float=True)

    # ------------------------------------------------------------------ shared machinery
    def _complete(
        self,
        X: Any,
        complete: Callable[..., np.ndarray],
        generator: np.random.Generator | None = None,
        as_float: bool = False,
    ) -> np.ndarray:
        """Return a copy of X with the missing values replaced by those that a hook returns."""
        return self._complete_table(X, self._check_query(X), complete, generator, as_float)

    def _complete_table(
        self,
        given: Any,
        X: Any,
        complete: Callable[..., np.ndarray],
        generator: np.random.Generator | None = None,
        as_float: bool = False,
    ) -> np.ndarray:
        """Return a completed copy of the table that a user gave, of which X are the numbers."""
        return self._complete_each(given, X, complete, [generator], as_float)[0]

    def _complete_each(
        self,
        given: Any,
        X: Any,
        complete: Callable[..., np.ndarray],
        generators: Sequence[np.random.Generator | None],
        as_float: bool = False,
    ) -> list[Any]:
        """Return a completed copy of the table for each generator."""
        if as_float and X.dtype.kind != "f":
            X = as_exact_floats(X)
        rows = rows_with_missing(X)
        if not len(rows):
            return [as_given(self, X.copy(), given, means=as_float) for _ in generators]
        incomplete = X[rows]
        codes = self._encode(incomplete)
        self._check_possible(codes, rows)

        def values(both: RowsOf, *source: np.random.Generator) -> np.ndarray:
            codes, own = both.parts
            with np.errstate(over="ignore", invalid="ignore"):
                completed = complete(codes, *source)
            return finite_at_missing(completed, own)

        both = RowsOf((codes, incomplete))
        completions = []
        for generator in generators:
            drawn = run_in_row_blocks(values, both, self.n_jobs, generator, rows)
            table = fill(X, np.concatenate(drawn))
            completions.append(as_given(self, table, given, means=as_float))
        return completions

    def _decoded(self, complete: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        """Return a hook that gives values in place of codes."""
        columns = self._columns
        return lambda *arguments: columns.decode(complete(*arguments))

    def _best_completion(
        self, codes: Any, candidates: Sequence[np.ndarray], columns: slice = slice(None)
    ) -> np.ndarray:
        """Return the most probable completion that can be found, as a table of codes."""
        return best_completions(
            np.asarray(codes),
            candidates,
            lambda table: self._log_prob(self._recode(table)),
            self._columns.n_categories,
            columns,
        )

    def _check_possible(self, codes: Any, rows: np.ndarray) -> None:
        """Raise a ValueError if the model rules out what a row has observed."""
        if not self._rules_out_rows:
            return
        impossible = np.concatenate(
            run_in_row_blocks(self._rules_out, codes, self.n_jobs, rows=rows)
        )
        if impossible.any():
            raise ValueError(
                f"X has a row whose observed values have probability zero under the model: row "
                f"{rows[impossible.argmax()]}. Nothing follows for its missing values; correct the "
                "row, or choose a model that rules nothing out, for example by pseudo-counts "
                "(alpha above 0)."
            )
