"""The form of the rows that densities compute with: codes.

A density makes codes of a validated table, and every hook of it takes them: an array of the values
themselves, compact integers for categories, or the codes that several densities made of the same
rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import DTypeLike

from ..._codes import as_floats


class Codes(Protocol):
    """Rows in the form that a density computes with.

    NumPy takes them for a table of the values with missing ones marked: NaN among floats, the
    largest integer of the dtype among categories. Arrays are codes; sparse arrays serve the
    densities that accept them, though NumPy does not read these.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows and of columns."""

    @property
    def dtype(self) -> np.dtype:
        """Dtype of the table."""

    def __getitem__(self, rows: Any, /) -> Any:
        """Return the codes of some rows: a slice, a mask or indices."""

    def __array__(self, dtype: Any = None, /) -> np.ndarray:
        """Return the table of the values."""


class ComposedCodes(ABC):
    """Codes composed of those that other densities made of the rows."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype:
        """Dtype of the table."""

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, rows: Any) -> Self:
        """Return the codes of some rows."""

    @abstractmethod
    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """Return the table of the values, NaN where missing."""

    @abstractmethod
    def coordinates(self) -> np.ndarray:
        """Return the rows as points with meaningful distances."""


def coordinates(codes: Any) -> np.ndarray:
    """Return the rows as points with meaningful distances, NaN where missing."""
    return codes.coordinates() if isinstance(codes, ComposedCodes) else as_floats(codes)
