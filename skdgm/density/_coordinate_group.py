"""Densities side by side behind the same coordinates: the densities of these are a group."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ._engine.coordinates import CoordinateRows
from ._engine.row_tables import RowTables
from ._group import DensityGroup, group_of


class CoordinateGroup(DensityGroup):
    """Densities of coordinates, which are the same for all of them."""

    def __init__(self, prototype: Any, names: Sequence[str], n_rows: Sequence[float]) -> None:
        super().__init__(prototype, names, n_rows)
        self.inner = group_of(prototype._prototype, names, n_rows)

    def fit(self, tables: RowTables, n_jobs: int | None) -> None:
        self.inner.fit(tables.of(attrgetter("transformed")), n_jobs)
        self._take_over()

    def estimate(self, statistics: Sequence[Any]) -> None:
        self.inner.estimate(statistics)
        self._take_over()

    def _take_over(self) -> None:
        for density, inner in zip(self.densities, self.inner.densities, strict=True):
            density._take_over(inner)
            density._finish()

    def warn_if_degenerate(self) -> None:
        self.inner.warn_if_degenerate()

    def start(self, codes: CoordinateRows, shares: np.ndarray, weight: np.ndarray) -> list[Any]:
        return self.inner.start(codes.transformed, shares, weight)

    def expect(self, codes: CoordinateRows, shares: np.ndarray, weight: np.ndarray) -> list[Any]:
        return self.inner.expect(codes.transformed, shares, weight)

    def log_prob(self, codes: CoordinateRows) -> np.ndarray:
        return self.inner.log_prob(codes.transformed) + codes.log_det[:, np.newaxis]

    def log_objective(self, codes: CoordinateRows) -> np.ndarray:
        return self.inner.log_objective(codes.transformed) + codes.log_det[:, np.newaxis]

    @property
    def n_shared_parameters(self) -> int:
        return self.inner.n_shared_parameters
