"""Codes of a density that is made of others: what those made of the rows, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Rows as floats, NaN where a value is missing, and what other densities made of them.

    It is indexed by rows, and NumPy takes it for the table of floats.
    """

    values: np.ndarray  # (n_rows, n_columns)
    parts: tuple[Any, ...]  # each codes of a density, or an array, of as many rows

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(self.values[rows], tuple(part[rows] for part in self.parts))

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype) if copy else self.values.astype(dtype, copy=False)
