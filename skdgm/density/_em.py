"""Densities that learn by expectation-maximisation, and the one loop that they share.

Each step counts the statistics that the current model expects of all rows and estimates the model
from them, which never lowers the likelihood of what was observed (Dempster, Laird and Rubin, 1977).
"""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval

from .._codes import missing_cells
from ._base import BaseDensity
from ._contract import check_log_prob
from ._engine.blas import blas_threads_for
from ._engine.blocks import (
    map_in_threads,
    part_of,
    run_in_row_blocks,
    run_in_threads,
    total_weight,
    weighted_blocks,
)
from ._engine.distant_rows import DistantRows, lacks_values
from ._engine.statistics import Statistics, add_in_pairs

ROUNDING = 1e-10  # of sums over rows, relative

EM_CONSTRAINTS: dict = {
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
}


class EMDensity(BaseDensity):
    """A density that learns from missing or latent values by expectation-maximisation.

    It has the parameters in ``EM_CONSTRAINTS`` and writes two further hooks, ``_count_start`` and
    ``_expect``; ``_log_prior`` is part of the objective. ``_count`` then takes complete rows only.
    """

    max_iter: int
    tol: float
    verbose: int

    # ------------------------------------------------------------------ hooks
    @abstractmethod
    def _count_start(self, codes: Any, weight: np.ndarray | None) -> Any:
        """Return statistics to start from, which rule no row out; cells may be missing."""

    @abstractmethod
    def _expect(self, codes: Any, weight: np.ndarray | None) -> tuple[Any, np.ndarray]:
        """Return the statistics of incomplete rows, expected under the fitted attributes.

        Returns
        -------
        statistics : object
            As from ``_count``.
        log_prob : ndarray of shape (n_rows,)
            ``_log_objective`` of each row.
        """

    @property
    def _counts_missing(self) -> bool:
        """True if ``_count`` takes rows with missing values, so that no iteration is needed."""
        return False

    def _starting_statistics(self, total: Callable[[Callable], Any]) -> Any:
        """Return statistics to start from, where ``total`` counts all rows by a function.

        A family overrides this if these are not just the sum of what ``_count_start`` returns for
        blocks of rows, and lets it return what they follow from.
        """
        return total(self._count_start)

    def _is_incomplete(self, codes: Any) -> np.ndarray:
        """Return a mask of the rows that need ``_expect``, not ``_count``."""
        return np.any(missing_cells(codes), axis=1)

    def _needs_em(self, codes: Any) -> bool:
        return not self._counts_missing and lacks_values(codes)

    def _arrange(self, codes: Any, incomplete: np.ndarray) -> tuple[np.ndarray, int | None]:
        """Return the incomplete rows in an order in which ``_expect`` is quick, and its blocks.

        Returns
        -------
        rows : ndarray of shape (n_rows,) or (n_incomplete,)
            A mask, or indices.
        n_cells : int or None
            Number of cells of a block of rows; None for as many as usual.
        """
        return incomplete, None

    # ------------------------------------------------------------------ learning
    def _fit(self, codes: Any, weight: np.ndarray | None) -> None:
        check_em_parameters(self)
        if not self._needs_em(codes):
            self._set(self._count_blocks(codes, weight))
            self.n_iter_, self.lower_bounds_ = 1, np.empty(0)
            return
        start = self._start_from_rows(codes, weight)
        parts = [rows_to_expect(self, codes, weight)]
        bounds, converged = run_em(self, parts, [start], lambda own: self._set(*own), self.n_jobs)
        if not converged:
            warn_not_converged(self, [self], bounds)
        self.n_iter_, self.lower_bounds_ = len(bounds), bounds

    def _start_from_rows(self, codes: Any, weight: np.ndarray | None) -> Any:
        """Return statistics of rows to start from."""
        if isinstance(codes, DistantRows):
            return self._starting_statistics(codes.sum)
        return self._starting_statistics(lambda count: count(codes, weight))

    def _start_statistics(self, codes: Any, weight: np.ndarray) -> Any:
        if self._needs_em(codes):
            return self._start_from_rows(codes, weight)
        return self._count_blocks(codes, weight)

    def _expected_statistics(self, codes: Any, weight: np.ndarray | None) -> Any:
        if not self._needs_em(codes):
            return self._count(codes, weight)
        incomplete = self._is_incomplete(codes)
        expected, _ = self._expect(codes[incomplete], part_of(weight, incomplete))
        if incomplete.all():
            return expected
        return self._count(codes[~incomplete], part_of(weight, ~incomplete)) + expected


def check_em_parameters(density: BaseDensity) -> None:
    """Raise a TypeError if a density lacks a parameter of the loop."""
    lacking = [name for name in EM_CONSTRAINTS if not hasattr(density, name)]
    if lacking:
        raise TypeError(
            f"{type(density).__name__} learns by expectation-maximisation and must have the "
            f"parameters {', '.join(EM_CONSTRAINTS)}; it lacks {', '.join(lacking)}."
        )


def rows_to_expect(density: EMDensity, codes: Any, weight: np.ndarray | None) -> RowsToExpect:
    """Return the rows of a density, of which each step expects the statistics."""
    if isinstance(codes, DistantRows):
        return Distant(density, codes)
    return PartlyObserved(density, codes, weight)


class RowsToExpect(Protocol):
    """The rows of a density that learns by expectation-maximisation."""

    density: EMDensity
    total: float  # weight

    def expect(self) -> Expected:
        """Return the expected statistics of all rows, and their log-likelihood."""


@dataclass(frozen=True, eq=False)
class Expected(Statistics):
    """Statistics that a density expects of rows, and the log-likelihood of these."""

    statistics: Any
    log_likelihood: float


class Distant:
    """The rows of a density that are elsewhere."""

    def __init__(self, density: EMDensity, rows: DistantRows) -> None:
        self.density, self.rows, self.total = density, rows, rows.total

    def expect(self) -> Expected:
        return self.rows.sum(partial(_expect_rows, self.density))


def _expect_rows(density: EMDensity, codes: Any, weight: np.ndarray | None) -> Expected:
    return PartlyObserved(density, codes, weight).expect()


class PartlyObserved:
    """The rows of a density, with complete ones apart: their statistics never change."""

    def __init__(self, density: EMDensity, codes: Any, weight: np.ndarray | None) -> None:
        incomplete = density._is_incomplete(codes)
        self.density = density
        self.total = total_weight(weight, codes.shape[0])
        rows, self._n_cells = density._arrange(codes, incomplete)
        stay = rows is incomplete and incomplete.all()  # so that no copy is needed
        self.incomplete = (codes, weight) if stay else (codes[rows], part_of(weight, rows))
        self._counted = None
        if not incomplete.all():
            self.complete = codes[~incomplete], part_of(weight, ~incomplete)
            self._counted = density._count_blocks(*self.complete)

    def expect(self) -> Expected:
        """Return the expected statistics of all rows, and their log-likelihood."""
        log_likelihood = 0.0
        if self._counted is not None:
            codes, weight = self.complete
            log_prob = np.concatenate(
                run_in_row_blocks(self.density._log_objective, codes, self.density.n_jobs)
            )
            check_log_prob(self.density, log_prob, len(log_prob))
            log_likelihood += _weighted_sum(log_prob, weight)
        tasks = weighted_blocks(*self.incomplete, self._n_cells)

        def statistics() -> Iterator[Any]:
            nonlocal log_likelihood
            if self._counted is not None:
                yield self._counted
            expected = map_in_threads(self.density._expect, tasks, self.density.n_jobs)
            for (_, weight), (counted, log_prob) in zip(tasks, expected, strict=True):
                check_log_prob(self.density, log_prob, len(log_prob))
                log_likelihood += _weighted_sum(log_prob, weight)
                yield counted

        with blas_threads_for(*self.incomplete[0].shape):
            expected = add_in_pairs(statistics())
        return Expected(expected, log_likelihood)


def run_em(
    lead: EMDensity,
    parts: Sequence[RowsToExpect],
    starts: Sequence[Any],
    estimate: Callable[[Sequence[Any]], None],
    n_jobs: int | None,
    before: float | None = None,
) -> tuple[np.ndarray, bool]:
    """Run the loop for densities side by side, each with rows of its own.

    ``lead`` has the parameters of the loop, ``starts`` are the statistics to start from, and
    ``estimate`` sets the densities' attributes from statistics, one object per density. The
    objective is the mean of ``_log_objective`` over the rows, plus the densities' log-priors.
    ``before`` is the objective before the step that led to the starts, if there was one.

    Returns
    -------
    bounds : ndarray of shape (n_steps,)
        The objective before each step, in nats per row.
    converged : bool
        True if the last step changed the objective by less than ``tol``.

    Notes
    -----
    Where a covariance is near singular, rounding can make a step lower the objective, and so can
    classifiers in a density that maximise something else. Then the model before that step is kept.
    """
    estimate(starts)
    total = sum(part.total for part in parts)
    bounds: list[float] = []
    last = math.nan if before is None else before
    current, previous = starts, None  # the statistics of the last two models
    while len(bounds) < lead.max_iter:
        expected = run_in_threads(_expect, [(part,) for part in parts], n_jobs)
        objective = sum(own.log_likelihood for own in expected)
        objective += sum(part.density._log_prior(part.total) for part in parts)
        objective /= total
        converged = math.isfinite(objective) and abs(objective - last) < lead.tol
        if objective < last - ROUNDING * max(1.0, abs(last)) and previous is not None:
            estimate(previous)
            return np.array(bounds), converged
        previous, current = current, [own.statistics for own in expected]
        estimate(current)
        bounds.append(objective)
        if lead.verbose:
            print(f"EM step {len(bounds)}: {objective:.6f} nats per row")
        if converged or last == objective == -math.inf:
            return np.array(bounds), converged
        last = objective
    return np.array(bounds), False


def _expect(rows: RowsToExpect) -> Expected:
    return rows.expect()


def warn_not_converged(
    lead: EMDensity, densities: Sequence[BaseDensity], bounds: np.ndarray
) -> None:
    """Warn that the loop has ended before these densities settled, and say what helps."""
    advice = "raise max_iter or tol"
    if bounds[-1] == -math.inf:
        advice = (
            "its objective is -inf, as it rules out rows that it is fitted to: allow every row, "
            "for example by alpha=1 or by wider bounds"
        )
    elif any(density._is_degenerate for density in densities):
        advice = (
            "a covariance is near singular, so the likelihood may have no maximum: regularise, by "
            "a larger reg_covar or by shrinkage"
        )
    elif len(bounds) < lead.max_iter:
        advice = f"step {len(bounds) + 1} would have lowered the objective: raise tol"
    warnings.warn(
        f"Expectation-maximisation did not converge in max_iter={lead.max_iter} steps to "
        f"tol={lead.tol:g}; {advice}.",
        ConvergenceWarning,
        stacklevel=3,
    )


def _weighted_sum(log_prob: np.ndarray, weight: np.ndarray | None) -> float:
    return float(log_prob.sum() if weight is None else weight @ log_prob)
