"""The chain of all factors, and what follows from it for complete rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._engine.blocks import draw_categories, row_blocks
from .._engine.completions import TOGETHER
from ._factors import Factor


def as_features(codes: np.ndarray, worth: np.ndarray | None) -> np.ndarray:
    """Return codes as the numbers that classifiers see: the values, if these differ."""
    if worth is None:
        return codes.astype(np.float64, copy=False)
    return worth[np.minimum(codes, len(worth) - 1).astype(np.intp)]


@dataclass(frozen=True, eq=False)
class FactorChain:
    """The factors of all columns, of which each sees the ``order`` columns before its own.

    ``worth`` is the value of each code, which all columns share; None if codes are the values.
    """

    factors: Sequence[Factor]
    order: int
    worth: np.ndarray | None = None

    @property
    def n_categories(self) -> np.ndarray:
        """Number of categories of each column."""
        return np.array([factor.n_categories for factor in self.factors])

    @property
    def widest(self) -> int:
        """Number of columns or, if larger, of the categories of any column."""
        return max(len(self.factors), *self.n_categories.tolist())

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return ``log p(x)`` of complete rows."""
        log_prob = np.zeros(len(codes))
        for block in self._blocks(len(codes)):
            own = codes[block]
            values = own.astype(np.float64)
            for i, factor in enumerate(self.factors):
                log_prob[block] += factor.log_prob_at(self.features(values, i), own[:, i])
        return log_prob

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw rows, one column after another."""
        values = np.zeros((n_samples, len(self.factors)))
        for block in self._blocks(n_samples):
            self.draw(values[block], np.ones(values[block].shape, dtype=bool), generator)
        return values

    def draw(self, values: np.ndarray, free: np.ndarray, generator: np.random.Generator) -> None:
        """Draw the free cells in place, one column after another."""
        for i, factor in enumerate(self.factors):
            rows = np.flatnonzero(free[:, i])
            if len(rows):
                log_prob = factor.log_prob(self.features(values, i, rows))
                values[rows, i] = draw_categories(np.exp(log_prob), generator)

    def features(
        self, values: np.ndarray, i: int, rows: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Return the columns that factor i sees."""
        return as_features(values[rows, max(0, i - self.order) : i], self.worth)

    def _blocks(self, n_rows: int) -> list[slice]:
        return row_blocks(n_rows, self.widest, TOGETHER)
