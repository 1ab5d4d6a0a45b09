"""Expectation-maximisation, for what is missing or hidden: the one loop that all densities share.

Each step counts the statistics that the current model expects of all rows and estimates the model
from them, which never lowers the likelihood of what was observed (Dempster, Laird and Rubin, 1977).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._engine.blocks import part_of, run_in_threads, total_weight, weighted_blocks
from ._engine.statistics import add_in_pairs

if TYPE_CHECKING:
    from ._base import BaseDensity


def fit_by_em(
    lead: BaseDensity,
    densities: Sequence[BaseDensity],
    tables: Sequence[tuple[Any, np.ndarray | None]],
    n_jobs: int | None,
) -> None:
    """Fit densities side by side, each to its own codes and weights.

    ``lead`` has the parameters of the loop and estimates the densities together, for they may
    share parameters. What rises is the mean log-likelihood of the observed values, with the
    densities' log-priors.
    """
    bounds, converged = run_em(lead, densities, tables, n_jobs)
    if not converged:
        warn_not_converged(lead)
    for density in densities:
        density.n_iter_, density.lower_bounds_ = len(bounds), bounds


def run_em(
    lead: BaseDensity,
    densities: Sequence[BaseDensity],
    tables: Sequence[tuple[Any, np.ndarray | None]],
    n_jobs: int | None,
) -> tuple[np.ndarray, bool]:
    """Return the objective before each step, and whether it came to rest."""
    pairs = list(zip(densities, tables, strict=True))
    starts = run_in_threads(_count_start, [(density, *table) for density, table in pairs], n_jobs)
    lead._estimate_group(densities, starts)
    parts = [PartlyObserved(density, *table) for density, table in pairs]
    total = sum(part.total for part in parts)
    bounds: list[float] = []
    converged = False
    while not converged and len(bounds) < lead.max_iter:
        expected = run_in_threads(PartlyObserved.expect, [(part,) for part in parts], n_jobs)
        objective = sum(log_likelihood for _, log_likelihood in expected)
        objective += sum(part.density._log_prior(part.total) for part in parts)
        lead._estimate_group(densities, [statistics for statistics, _ in expected])
        bounds.append(objective / total)
        converged = len(bounds) > 1 and abs(bounds[-1] - bounds[-2]) < lead.tol
        if lead.verbose:
            print(f"EM step {len(bounds)}: {bounds[-1]:.6f} nats a row")
    return np.array(bounds), converged


def warn_not_converged(lead: BaseDensity) -> None:
    """Say that the loop has ended for want of steps."""
    warnings.warn(
        f"Expectation-maximisation did not converge in max_iter={lead.max_iter} steps to "
        f"tol={lead.tol:g}; raise max_iter or tol.",
        ConvergenceWarning,
        stacklevel=3,
    )


def _count_start(density: BaseDensity, codes: Any, weight: np.ndarray | None) -> Any:
    return density._count_start(codes, weight)


class PartlyObserved:
    """The rows of a density, the complete ones apart: what these add never changes."""

    def __init__(self, density: BaseDensity, codes: Any, weight: np.ndarray | None) -> None:
        incomplete = density._is_incomplete(codes)
        self.density = density
        self.total = total_weight(weight, codes.shape[0])
        self.complete = codes[~incomplete], part_of(weight, ~incomplete)
        self.incomplete = codes[incomplete], part_of(weight, incomplete)
        self._counted = None if incomplete.all() else density._count_blocks(*self.complete)

    def expect(self) -> tuple[Any, float]:
        """The expected statistics of all rows, and the log-likelihood of what is observed."""
        statistics, log_likelihood = [], 0.0
        if self._counted is not None:
            codes, weight = self.complete
            statistics.append(self._counted)
            log_likelihood += _weighted_sum(self.density._log_prob_blocks(codes), weight)
        tasks = weighted_blocks(*self.incomplete)
        expected = run_in_threads(self.density._expect, tasks, self.density.n_jobs)
        for (_, weight), (counted, log_prob) in zip(tasks, expected, strict=True):
            statistics.append(counted)
            log_likelihood += _weighted_sum(log_prob, weight)
        return add_in_pairs(statistics), log_likelihood


def _weighted_sum(log_prob: np.ndarray, weight: np.ndarray | None) -> float:
    return float(log_prob.sum() if weight is None else weight @ log_prob)
