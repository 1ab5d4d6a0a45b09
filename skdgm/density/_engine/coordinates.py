"""The codes of a density of coordinates: rows, their coordinates and what is left of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from .codes import ComposedCodes, coordinates


@dataclass(frozen=True, eq=False)
class CoordinateRows(ComposedCodes):
    """Rows, the codes of their coordinates for the density of these, and the rest of the density.

    NumPy takes them for the rows themselves.
    """

    values: np.ndarray  # (n_rows, n_columns), NaN where missing
    transformed: Any
    log_det: np.ndarray  # (n_rows,): the log-Jacobian, or log-densities within bins

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(self.values[rows], self.transformed[rows], self.log_det[rows])

    def coordinates(self) -> np.ndarray:
        return coordinates(self.transformed)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype) if copy else self.values.astype(dtype, copy=False)


def varying_columns(X: np.ndarray) -> np.ndarray:
    """Mask of the columns with more than one observed value."""
    return np.fmin.reduce(X) < np.fmax.reduce(X)
