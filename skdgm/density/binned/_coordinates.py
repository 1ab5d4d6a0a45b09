"""The bins of all columns of numbers, and tables of them beside categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..._codes import as_floats
from .._engine.margins import Bins, Margin, distinct_values, quantile_cuts


@dataclass(frozen=True, eq=False)
class BinnedColumns:
    """Columns of which some hold numbers, divided into bins, and the others categories.

    Parameters
    ----------
    bins : dict of int to Bins
        The bins of the columns of numbers.
    n_columns : int
        Number of all columns.
    """

    bins: dict[int, Bins]
    n_columns: int

    @classmethod
    def learn(
        cls,
        X: np.ndarray,
        weight: np.ndarray | None,
        kinds: np.ndarray,
        n_bins: int,
        rounding: np.ndarray,
    ) -> Self:
        """Learn the margins of the columns of numbers, and bins of nearly equal weight."""
        bins = {}
        for column in np.flatnonzero(kinds != "categorical"):
            values, own = distinct_values(X[:, column], weight)
            is_count, step = kinds[column] == "count", float(rounding[column])
            margin = Margin.learn(values, own, is_count, step)
            bins[int(column)] = Bins(margin, quantile_cuts(values, own, n_bins, is_count))
        return cls(bins, X.shape[1])

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the table of bins and categories, and the log-density of each row within bins."""
        Z, log_within = X.copy(), np.zeros(len(X))
        for column, own in self.bins.items():
            Z[:, column] = own.codes_of(X[:, column])
            log_within += own.log_prob_within(X[:, column], Z[:, column])
        return Z, log_within

    def draw(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Draw numbers within the bins of a table of codes."""
        table = codes.astype(np.float64)
        for column, own in self.bins.items():
            table[:, column] = own.draw(_valid(codes[:, column], own), generator)
        return table

    def most_probable(self, codes: np.ndarray) -> np.ndarray:
        """Return the table of the most probable numbers within the bins of a table of codes."""
        table = codes.astype(np.float64)
        for column, own in self.bins.items():
            table[:, column] = own.modes[_valid(codes[:, column], own)]
        return table

    def log_peaks(self, codes: np.ndarray) -> np.ndarray:
        """Return the log-density within bins of their most probable numbers, by row of codes."""
        total = np.zeros(len(codes))
        for column, own in self.bins.items():
            peaks = own.log_prob_within(own.modes, np.arange(len(own), dtype=np.float64))
            total += peaks[_valid(codes[:, column], own)]
        return total

    def with_codes(self, X: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the table of numbers from X and of the codes of categories."""
        table = as_floats(codes).astype(np.float64)
        numbers = list(self.bins)
        table[:, numbers] = X[:, numbers]
        return table


def _valid(codes: np.ndarray, bins: Bins) -> np.ndarray:
    """Return codes as indices; where a cell is missing, it holds any."""
    return np.clip(np.nan_to_num(codes), 0, len(bins) - 1).astype(np.intp)
