"""Densities of one family side by side: one per class of a classifier, one per component.

A group learns together what its densities share. Families whose densities compute faster together
than one by one override the loops here with one matrix product or one pass over the codes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np

from ._base import BaseDensity
from ._contract import DensityHooks
from ._engine.blocks import run_in_threads
from ._engine.row_tables import RowTables

SMALLEST_SHARE = 1e-12  # of a row: smaller responsibilities are not worth a density's time
NEXT_TO_NOTHING = 1e-100  # weight of each row for a density that has lost all of them


class DensityGroup:
    """Densities of one family that see the same columns.

    Parameters
    ----------
    prototype : BaseDensity
        An unfitted density that has encoded the training data, and so knows what they declare.
    names : sequence of str
        What to call the densities in warnings, such as "Component 0".
    n_rows : sequence of float
        Total weight of the rows that each density is expected to learn from.

    Attributes
    ----------
    densities : list of BaseDensity
        The densities, fitted by :meth:`fit` or :meth:`estimate`.
    """

    def __init__(
        self, prototype: BaseDensity, names: Sequence[str], n_rows: Sequence[float]
    ) -> None:
        self.prototype = prototype
        self.names = list(names)
        self.densities: list[Any] = [copy(prototype) for _ in names]
        for density, own in zip(self.densities, n_rows, strict=True):
            density._n_rows = float(own)

    # ------------------------------------------------------------------ learning
    def fit(self, tables: RowTables, n_jobs: int | None) -> None:
        """Fit each density to codes and weights of its own."""
        tasks = [(density, tables, place) for place, density in enumerate(self.densities)]
        run_in_threads(_learn, tasks, n_jobs)
        self._prepare()

    def estimate(self, statistics: Sequence[Any]) -> None:
        """Set the fitted attributes of the densities, each from its own statistics."""
        for density, own in zip(self.densities, statistics, strict=True):
            density._set(own)
        self._prepare()

    def extend(self, densities: Sequence[Any], statistics: Sequence[Any]) -> None:
        """Estimate densities that were fitted before from the statistics of more rows."""
        for density, own in zip(densities, self.densities, strict=True):
            density._n_rows = own._n_rows
        self.densities = list(densities)
        self.estimate(statistics)

    def _prepare(self) -> None:
        """Prepare what ``log_prob`` needs of the fitted densities."""

    def warn_if_degenerate(self) -> None:
        """Warn of densities that their rows do not determine, once they are fitted."""

    def start(self, codes: Any, shares: np.ndarray, weight: np.ndarray) -> list[Any]:
        """Return the statistics of each density to start expectation-maximisation from.

        Parameters
        ----------
        codes : codes of shape (n_rows, n_features)
            Rows, the same for all densities.
        shares : ndarray of shape (n_rows, n_densities)
            Share of each row that each density gets.
        weight : ndarray of shape (n_rows,)
            How often each row counts.
        """
        return [
            density._start_statistics(codes[rows], own)
            for density, rows, own in self._rows_of_each(shares, weight, 0.0)
        ]

    def expect(self, codes: Any, shares: np.ndarray, weight: np.ndarray) -> list[Any]:
        """Return the statistics of each density, as expected where values are missing.

        Parameters are those of :meth:`start`; the shares are responsibilities. A density that has
        lost all rows starts anew, for it may rule them out.
        """
        statistics = []
        lost = shares.max(axis=0) <= SMALLEST_SHARE
        rows_of_each = self._rows_of_each(shares, weight, SMALLEST_SHARE)
        for (density, rows, own), anew in zip(rows_of_each, lost, strict=True):
            count = density._start_statistics if anew else density._expected_statistics
            statistics.append(count(codes[rows], own))
        return statistics

    def _weights(self, shares: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the weight of each row for each density that :meth:`expect` counts it with.

        A density without any share worth its time sees all rows alike, with next to no weight.
        """
        kept = shares * (shares > SMALLEST_SHARE)
        kept[:, np.ones(len(kept)) @ kept == 0] = NEXT_TO_NOTHING
        kept *= weight[:, np.newaxis]
        return kept

    def _rows_of_each(
        self, shares: np.ndarray, weight: np.ndarray, least: float
    ) -> Iterator[tuple[Any, np.ndarray, np.ndarray]]:
        """Yield each density with the rows of which it gets more than ``least``, and weights."""
        for density, share in zip(self.densities, shares.T, strict=True):
            rows = np.flatnonzero(share > least)
            own = share[rows]
            if not len(rows):  # all rows alike, with next to no weight
                rows, own = np.arange(len(share)), np.full(len(share), NEXT_TO_NOTHING)
            yield density, rows, weight[rows] * own

    # ------------------------------------------------------------------ queries
    def log_prob(self, codes: Any) -> np.ndarray:
        """Return ``log p(x_observed)`` under each density, of shape (n_rows, n_densities)."""
        return np.stack([density._log_prob(codes) for density in self.densities], axis=1)

    def log_objective(self, codes: Any) -> np.ndarray:
        """Return what ``log_prob`` does, as expectation-maximisation sees it."""
        if type(self.prototype)._log_objective is DensityHooks._log_objective:
            return self.log_prob(codes)
        return np.stack([density._log_objective(codes) for density in self.densities], axis=1)

    def log_prior(self, totals: np.ndarray) -> float:
        """Return the log-priors of the densities together, given the weight of each one's rows."""
        pairs = zip(self.densities, totals, strict=True)
        return sum(density._log_prior(total) for density, total in pairs)

    def n_parameters(self, besides: int) -> int | None:
        """Return the number of free parameters, counting shared ones once, plus ``besides``.

        None if the number is unknown for a density.
        """
        own: list[Any] = [getattr(density, "n_parameters_", None) for density in self.densities]
        if None in own:
            return None
        return sum(own) - (len(own) - 1) * self.n_shared_parameters + besides

    @property
    def n_shared_parameters(self) -> int:
        """Number of parameters that each density has in common with the others."""
        return 0


def group_of(prototype: BaseDensity, names: Sequence[str], n_rows: Sequence[float]) -> DensityGroup:
    """Return an unfitted group of the prototype's family."""
    return (prototype._group_type or DensityGroup)(prototype, names, n_rows)


def warn_of_lent(name: str, columns: str) -> None:
    """Warn that the rows of a density say next to nothing about some columns."""
    warnings.warn(
        f"{name} has hardly a value in {columns}, so that what it says there does not rest on data "
        "of its own; where it has none at all, the values of all rows stand in.",
        UserWarning,
        stacklevel=2,
    )


def set_n_parameters(estimator: Any, n_parameters: int | None) -> None:
    """Set ``n_parameters_``, or leave it unset if the number is not known."""
    vars(estimator).pop("n_parameters_", None)
    if n_parameters is not None:
        estimator.n_parameters_ = n_parameters


def _learn(density: BaseDensity, tables: RowTables, place: int) -> None:
    density._learn(*tables[place])
