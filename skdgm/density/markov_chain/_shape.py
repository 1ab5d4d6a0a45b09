"""The shape of a chain: how many values before it each position depends on, by which table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._codes import readonly
from ..._packing import rebuilt_property


@dataclass(frozen=True)
class ChainShape:
    """The order of a chain, its number of categories, and which positions share a table."""

    n_positions: int
    order: int
    homogeneous: bool
    n_categories: int

    @rebuilt_property
    def table(self) -> np.ndarray:
        """Table of each position: its own, or a common one from position ``order`` on."""
        positions = np.arange(self.n_positions)
        return readonly(np.minimum(positions, self.order) if self.homogeneous else positions)

    @property
    def n_tables(self) -> int:
        return int(self.table[-1]) + 1

    def n_before(self, table: int) -> int:
        """Number of values in a context of this table."""
        return min(int(table), self.order)

    @property
    def dtype(self) -> type[np.unsignedinteger]:
        """Dtype of codes that holds the categories."""
        return np.uint8 if self.n_categories <= 256 else np.uint16

    @property
    def n_parameters(self) -> int:
        K, n_short = self.n_categories, min(self.order, self.n_tables)  # tables near the start
        n_contexts = sum(K**n for n in range(n_short)) + (self.n_tables - n_short) * K**self.order
        return (K - 1) * n_contexts

    @property
    def n_cells(self) -> int:
        return self.n_tables * self.n_categories ** (self.order + 1)
