"""The contract of a family of densities: the hooks that it writes, and how it learns through them.

A class that lacks something is told so at the first fit.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np

from .._codes import as_exact_floats, missing_cells
from .._fitted import GivenTable
from .._memory import memory_errors_in_words
from ._engine.blas import blas_threads_for
from ._engine.blocks import total_weight
from ._engine.columns import KINDS, ColumnKind, Columns
from ._engine.completions import conditional_draws, value_probabilities
from ._engine.conditional_margins import ConditionalMargin, ValuesMargin
from ._engine.distant_rows import sum_over_rows
from ._engine.regions import Regions


class DensityHooks(ABC):
    """The hooks that a family of densities writes.

    There are seven: ``_count``, ``_estimate``, ``_log_prob``, ``_sample``, ``_sample_missing``,
    ``_mean_missing`` and ``_mode_missing``; and ``_column_kind``, the kind of its columns.

    Hooks see the data as *codes*, which ``_encode`` makes of validated X: an array with a row for
    each row of X, in which a cell may be missing. ``weight`` says how often each row counts; None
    means once. A family over categories returns draws and modes as codes, of which ``_columns``
    knows the values, but means of the values themselves.
    """

    n_features_in_: int
    n_parameters_: int
    # The categories of each column, where another density that holds this one knows them.
    _known_values: list[np.ndarray | None]
    _given: GivenTable  # that a user has passed to fit, while the fit lasts
    _n_rows: float  # total weight of the rows to learn from, by which priors of fixed strength go
    n_jobs: int | None = None  # threads over blocks of rows; a family may make it a parameter
    _parameter_constraints: dict = {}
    _column_kind: ClassVar[ColumnKind | None] = None  # of all columns, unless _columns says
    _input_checks: Any = {"ensure_all_finite": "allow-nan"}  # options of validate_table
    _group_type: ClassVar[type | None] = None  # a DensityGroup that computes densities together
    _rules_out_rows: Any = True  # False if no row ever has probability zero
    _is_additive: Any = True  # False if the statistics of batches cannot be added
    _tells_n_parameters: Any = True  # False if n_parameters_ may stay unset
    _lists_regions: Any = True  # False if values in regions are too many to list for the family
    # True if a density of a group without any value in a column takes over what all rows say there
    _borrows_columns: Any = False

    # ------------------------------------------------------------------ hooks of every family
    @abstractmethod
    def _count(self, codes: Any, weight: np.ndarray | None) -> Any:
        """Return the sufficient statistics of rows.

        Parameters
        ----------
        codes : codes of shape (n_rows, n_features)
            Rows. Cells may be missing; they count for nothing.
        weight : ndarray of shape (n_rows,) or None
            How often each row counts.

        Returns
        -------
        statistics : object
            Anything that adds up by ``+``: for two tables together, it is the sum of both. Arrays
            do, and so do dataclasses of arrays that derive from ``Statistics``.
        """

    @abstractmethod
    def _estimate(self, statistics: Any) -> None:
        """Set the fitted attributes from the statistics, ``n_parameters_`` (an int) among them."""

    @abstractmethod
    def _log_prob(self, codes: Any) -> np.ndarray:
        """Return ``log p(x_observed)`` of each row, of shape (n_rows,).

        Missing values are integrated out. -inf is allowed, NaN is not.
        """

    @abstractmethod
    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw rows, of shape (n_samples, n_features), in any dtype that holds them."""

    @abstractmethod
    def _sample_missing(self, codes: Any, generator: np.random.Generator) -> np.ndarray:
        """Draw the missing values of each row jointly from ``p(x_missing | x_observed)``.

        Returns
        -------
        completed : ndarray of shape (n_rows, n_features)
            The draws where a value is missing, and anything elsewhere.
        """

    @abstractmethod
    def _mean_missing(self, codes: Any) -> np.ndarray:
        """Return ``E[x_missing | x_observed]``, shaped as by ``_sample_missing``."""

    @abstractmethod
    def _mode_missing(self, codes: Any) -> np.ndarray:
        """Return the most probable missing values, jointly, shaped as by ``_sample_missing``."""

    # ------------------------------------------------------------------ hooks with a default
    @property
    def _columns(self) -> Columns:
        """The kinds of the columns, known once data are encoded."""
        assert self._column_kind is not None  # see check_hooks
        return Columns.alike(self._column_kind, self.n_features_in_)

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> Any:
        """Learn what the data declare (the categories, for example) and return the codes of X.

        With ``extend``, keep what earlier batches declared.
        """
        return self._encode(X)

    def _encode_part(self, table: np.ndarray, weight: np.ndarray | None) -> Any:
        """Return the codes of rows that a copy is about to learn from alone.

        ``table`` is like the one that NumPy makes of codes. The copy keeps what all rows declared,
        such as categories and the scales of regularisers, but learns anew what it takes from values
        before they are counted, such as the map of a transformer: rows held out stay unseen.
        """
        self._expect_rows(len(table), weight, extend=False)
        return self._recode(table)

    def _encode(self, X: Any) -> Any:
        """Check validated X against what the training data declared and return its codes."""
        return as_exact_floats(X)

    def _recode(self, table: np.ndarray) -> Any:
        """Return the codes of a table like the one that NumPy makes of codes."""
        return table

    def _log_objective(self, codes: Any) -> np.ndarray:
        """Return ``log p(x_observed)`` of each row, as expectation-maximisation sees it.

        It differs where a family regularises by noise in every row. With ``_log_prior``, it makes
        the objective that no step lowers.
        """
        return self._log_prob(codes)

    def _log_prior(self, total: float) -> float:
        """Return what pseudo-counts and the like add to the log-likelihood of rows of this weight.

        It is part of the objective of expectation-maximisation, for example in a mixture.
        """
        return 0.0

    def _fit(self, codes: Any, weight: np.ndarray | None) -> None:
        """Set the fitted attributes from all rows at once.

        A family without additive statistics overrides this and says so in ``_is_additive``, which
        removes ``partial_fit``.
        """
        self._set(self._count_blocks(codes, weight))

    @property
    def _is_degenerate(self) -> bool:
        """True if a better fit exists only further towards a density without bound."""
        return False

    def _start_statistics(self, codes: Any, weight: np.ndarray) -> Any:
        """Return statistics to start expectation-maximisation from, which rule out no row."""
        return self._count_blocks(codes, weight)

    def _expected_statistics(self, codes: Any, weight: np.ndarray | None) -> Any:
        """Return the statistics of rows, expected under the model where values are missing."""
        return self._count(codes, weight)

    def _rules_out(self, codes: Any) -> np.ndarray:
        """Mask of the rows whose observed values have probability zero."""
        return np.isneginf(self._log_prob(codes))

    def _log_prob_given(self, codes: Any, condition: Any) -> np.ndarray:
        """Return ``log p(x_observed | condition)`` of each row, of shape (n_rows,).

        ``condition`` are the codes of the same rows with further values missing. Where it has
        probability zero, -inf is returned. The default is a difference of two log-probabilities; a
        family over continuous columns overrides it, for far out these are too large to differ.
        """
        log_prob = self._log_prob(codes)
        possible = log_prob > -np.inf
        return np.subtract(log_prob, self._log_prob(condition), out=log_prob, where=possible)

    def _proba_missing(self, codes: Any, columns: Sequence[int]) -> list[np.ndarray]:
        """Return ``p(x_j = v | x_observed)`` of each value of some columns that list theirs.

        Parameters
        ----------
        codes : codes of shape (n_rows, n_features)
            Rows, whose observed values have a positive probability.
        columns : sequence of int
            Columns j whose values can be listed.

        Returns
        -------
        probabilities : list of ndarray of shape (n_rows, n_categories of the column)
            The probabilities where the column's value is missing, and anything elsewhere.
        """
        table = np.asarray(codes)
        return [
            value_probabilities(
                table,
                column,
                self._values_to_list(column),
                lambda rows: self._log_prob(self._recode(rows)),
            )
            for column in columns
        ]

    def _moments_missing(self, codes: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return ``E[x_missing | x_observed]``, and the variance of each missing value.

        Both are shaped as by ``_mean_missing``. The variance is NaN where a family does not tell
        it: the default knows that of columns that list their values.
        """
        mean = np.asarray(self._mean_missing(codes), dtype=np.float64)
        variance = np.full(mean.shape, np.nan)
        lacking = missing_cells(np.asarray(codes)).any(axis=0)
        columns = np.flatnonzero(lacking & self._columns.listable).tolist()
        shares = self._proba_missing(codes, columns) if columns else []
        for column, share in zip(columns, shares, strict=True):
            deviation = self._columns.values_of(column) - mean[:, [column]]
            variance[:, column] = np.sum(share * deviation**2, axis=1)
        return mean, variance

    def _margins_missing(self, codes: Any, columns: Sequence[int]) -> list[ConditionalMargin]:
        """Return ``p(x_j | x_observed)`` of some columns j of numbers, each alone.

        They are distributions of the columns' values in all rows, and may be anything where a value
        is observed. The default knows columns that list their values; for others, it takes draws
        from a seed of its own.
        """
        listed = [column for column in columns if self._columns.listable[column]]
        shares = self._proba_missing(codes, listed) if listed else []
        found: dict[int, ConditionalMargin] = {
            column: ValuesMargin.of(self._columns.values_of(column), share)
            for column, share in zip(listed, shares, strict=True)
        }
        others = [column for column in columns if column not in found]
        if others:
            draws = conditional_draws(self._sample_missing, codes, others)
            found |= zip(others, map(ValuesMargin.of_draws, draws), strict=True)
        return [found[column] for column in columns]

    def _restricted(self, regions: Regions) -> tuple[Any, float] | None:
        """Return the density given that columns lie in regions, and the log-probability of that.

        The density has the same columns, and makes codes of the same table; weights from 0 to 1 of
        the codes of a column multiply their probabilities. Where the regions have probability zero,
        any density and -inf are returned. The default, None, has the values in regions listed.
        """
        return None

    def _on_columns(self, places: np.ndarray, row: np.ndarray) -> Any:
        """Return the density of some columns, given the values of a row that are not NaN.

        The default, None, is for families to which such densities do not belong.
        """
        return None

    def _pair_information(self, places: np.ndarray, known: np.ndarray) -> np.ndarray | None:
        """Return the mutual information of pairs of columns given others, None to have it summed.

        It has the shape (n_places, n_places); the diagonal holds anything.
        """
        return None

    def _latent_shares(self, codes: Any) -> list[np.ndarray]:
        """Return ``p(z | x_observed)`` of each latent variable z, of shape (n_rows, n_states)."""
        return []

    def _held_out_densities(self, codes: Any) -> list[tuple[Any, np.ndarray]] | None:
        """Return densities that have not learned from some of the training rows, and these.

        The default, None, says that there are none. A ValueError says that the codes are not those
        of the training rows.
        """
        return None

    def _values_to_list(self, column: int) -> np.ndarray:
        """Return the codes of a column whose probabilities are asked for, none if they are not."""
        return np.arange(self._columns.n_categories[column])

    # ------------------------------------------------------------------ learning by the hooks
    def _expect_rows(self, n_rows: int, weight: np.ndarray | None, extend: bool) -> None:
        """Note the total weight of the rows to learn from; ``extend`` adds it to that so far."""
        total = total_weight(weight, n_rows)
        self._n_rows = self._n_rows + total if extend else total

    def _learn(self, codes: Any, weight: np.ndarray | None) -> None:
        """Fit to codes, as a density on its own or as a part of another."""
        threads = blas_threads_for(codes.shape[0], self._columns.width)
        with memory_errors_in_words(type(self).__name__), threads:
            self._fit(codes, weight)
        self._finish()

    def _set(self, statistics: Any) -> None:
        """Set the fitted attributes from statistics, and keep these if batches may be added."""
        if self._is_additive:
            self._statistics = statistics
        self._estimate(statistics)
        self._finish()

    def _without_rows(self) -> Self:
        """Return a copy that knows what rows have declared, but has counted none."""
        twin = copy(self)
        vars(twin).pop("_statistics", None)
        return twin

    def _finish(self) -> None:
        check_learned(self)
        check_without_nan(self)
        self._fitted = True

    def _count_blocks(self, codes: Any, weight: np.ndarray | None) -> Any:
        return sum_over_rows(self._count_checked, codes, weight, self.n_jobs)

    def _count_checked(self, codes: Any, weight: np.ndarray | None) -> Any:
        return check_statistics(self, self._count(codes, weight))


def check_hooks(density: DensityHooks) -> None:
    """Raise a TypeError if the class does not say what its columns are."""
    family = type(density)
    if family._columns is DensityHooks._columns and family._column_kind not in KINDS:
        raise TypeError(
            f"{family.__name__} must say what its columns are: set the class attribute "
            f"_column_kind to one of {', '.join(map(repr, KINDS))}, or write the property _columns."
        )


def check_statistics(density: DensityHooks, statistics: Any) -> Any:
    """Return statistics, or raise a TypeError if they do not add up."""
    adds = hasattr(statistics, "__add__") and not isinstance(statistics, list | tuple | str)
    if not adds:
        raise TypeError(
            f"{type(density).__name__}._count must return statistics that add by +, such as an "
            "array or a dataclass of arrays that derives from skdgm.density.Statistics; it "
            f"returned a {type(statistics).__name__}."
        )
    return statistics


def check_learned(density: DensityHooks) -> None:
    """Raise a TypeError if the number of parameters is not set, or not an integer."""
    if not hasattr(density, "n_parameters_"):
        if density._tells_n_parameters:
            raise TypeError(
                f"{type(density).__name__}._estimate must set n_parameters_, the number of free "
                "parameters, or the class must set _tells_n_parameters = False."
            )
    elif not isinstance(density.n_parameters_, Integral):
        raise TypeError(
            f"{type(density).__name__}.n_parameters_ must be an integer, got "
            f"{density.n_parameters_!r}."
        )


def check_without_nan(density: DensityHooks) -> None:
    """Raise a TypeError if a fitted attribute holds NaN: then missing values were counted."""
    for name, value in vars(density).items():  # in every step of expectation-maximisation
        if name[-1] != "_":
            continue
        least: Any = 0.0  # NaN passes through a minimum
        if isinstance(value, float):
            least = value
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size:
            least = value.min()
        if math.isnan(least):
            raise TypeError(
                f"{type(density).__name__} has learned NaN as {name}: _count must leave missing "
                "cells out, or the family must derive from skdgm.density.EMDensity."
            )


def check_log_prob(density: DensityHooks, log_prob: np.ndarray, n_rows: int) -> None:
    """Raise an error unless each row has a log-probability."""
    if log_prob.shape != (n_rows,):
        raise TypeError(
            f"{type(density).__name__}._log_prob must return a number for each of the {n_rows} "
            f"rows, got shape {log_prob.shape}."
        )
    if np.isnan(log_prob).any():
        raise ValueError(
            f"{type(density).__name__} gives NaN as the log-probability of row "
            f"{int(np.isnan(log_prob).argmax())}; it must be a number, or -inf."
        )
