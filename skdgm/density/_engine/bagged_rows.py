"""Rows as the members of an average learn from them, and the statistics of each member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..._codes import as_floats
from .codes import ComposedCodes


@dataclass(frozen=True, eq=False)
class BaggedRows(ComposedCodes):
    """A table of codes, and the share of each row's weight that each member learns from.

    NumPy takes it for the table.
    """

    table: np.ndarray
    kept: np.ndarray  # (n_rows, n_members)

    @property
    def shape(self) -> tuple[int, int]:
        return self.table.shape

    @property
    def dtype(self) -> np.dtype:
        return self.table.dtype

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(self.table[rows], self.kept[rows])

    def coordinates(self) -> np.ndarray:
        return as_floats(self.table)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        table = self.table.astype(dtype or self.dtype, copy=False)
        return table.copy() if copy else table


@dataclass(frozen=True, eq=False)
class MemberStatistics:
    """The statistics of each member."""

    parts: tuple[Any, ...]

    def __add__(self, other: Self) -> Self:
        pairs = zip(self.parts, other.parts, strict=True)
        return type(self)(tuple(mine + others for mine, others in pairs))
