"""Groups of column densities: the densities of each block form a group of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .._engine.row_tables import RowTables
from .._group import DensityGroup, group_of
from ._blocks import ColumnCodes, ColumnStatistics, in_block, part_at


class ColumnGroup(DensityGroup):
    """Column densities with the same blocks."""

    def __init__(self, prototype: Any, names: Sequence[str], n_rows: Sequence[float]) -> None:
        super().__init__(prototype, names, n_rows)
        self.blocks = [
            (name, columns, group_of(density, names, n_rows))
            for name, density, columns in prototype.densities_
        ]
        for place, density in enumerate(self.densities):
            density.densities_ = [
                (name, group.densities[place], columns) for name, columns, group in self.blocks
            ]

    def fit(self, tables: RowTables, n_jobs: int | None) -> None:
        for place, (name, columns, group) in enumerate(self.blocks):
            own = tables.of(partial(part_at, place=place))
            with in_block(name, columns):
                group.fit(own, n_jobs)
        self._finish()

    def estimate(self, statistics: Sequence[ColumnStatistics]) -> None:
        for place, (name, columns, group) in enumerate(self.blocks):
            with in_block(name, columns):
                group.estimate([each.parts[place] for each in statistics])
        self._finish()

    def extend(self, densities: Sequence[Any], statistics: Sequence[ColumnStatistics]) -> None:
        self.densities = list(densities)
        for place, (name, columns, group) in enumerate(self.blocks):
            blocks = [density.densities_[place][1] for density in densities]
            with in_block(name, columns):
                group.extend(blocks, [each.parts[place] for each in statistics])
        self._finish()

    def _finish(self) -> None:
        for density in self.densities:
            density._finish()

    def warn_if_degenerate(self) -> None:
        for _, _, group in self.blocks:
            group.warn_if_degenerate()

    def start(
        self, codes: ColumnCodes, shares: np.ndarray, weight: np.ndarray
    ) -> list[ColumnStatistics]:
        return self._together(
            group.start(part, shares, weight)
            for (_, _, group), part in zip(self.blocks, codes.parts, strict=True)
        )

    def expect(
        self, codes: ColumnCodes, shares: np.ndarray, weight: np.ndarray
    ) -> list[ColumnStatistics]:
        return self._together(
            group.expect(part, shares, weight)
            for (_, _, group), part in zip(self.blocks, codes.parts, strict=True)
        )

    def _together(self, by_block: Any) -> list[ColumnStatistics]:
        """Return the statistics of each density, given those of each block's group."""
        return [ColumnStatistics(parts) for parts in zip(*by_block, strict=True)]

    def log_prob(self, codes: ColumnCodes) -> np.ndarray:
        pairs = zip(self.blocks, codes.parts, strict=True)
        return self._sum(codes, (group.log_prob(part) for (_, _, group), part in pairs))

    def log_objective(self, codes: ColumnCodes) -> np.ndarray:
        pairs = zip(self.blocks, codes.parts, strict=True)
        return self._sum(codes, (group.log_objective(part) for (_, _, group), part in pairs))

    def _sum(self, codes: ColumnCodes, by_block: Iterator[np.ndarray]) -> np.ndarray:
        return sum(by_block, np.zeros((len(codes), len(self.densities))))

    @property
    def n_shared_parameters(self) -> int:
        return sum(group.n_shared_parameters for _, _, group in self.blocks)
