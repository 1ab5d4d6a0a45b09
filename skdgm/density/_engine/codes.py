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

from ..._codes import as_exact_floats, as_floats, has_missing


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


class NarrowNumbers:
    """Complete rows of numbers, kept in a narrower dtype than the float64 that NumPy sees.

    They become floats a block of rows at a time, where these are worked on, so that no copy of a
    table is several times as large as the table.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The numbers, each of which float64 holds exactly.
    """

    dtype = np.dtype(np.float64)

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def size(self) -> int:
        return self.values.size

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(self.values[rows])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return self.values.astype(dtype or self.dtype)

    def __sub__(self, floats: np.ndarray) -> np.ndarray:
        """Return deviations, as floats, without a copy of the rows as floats."""
        return np.subtract(self.values, floats, dtype=np.float64)

    def min(self) -> Any:
        """Return the smallest number."""
        return self.values.min()


def numbers_of(X: Any) -> Any:
    """Return the codes of validated numbers: floats, or narrower numbers if they are complete."""
    is_narrow = isinstance(X, np.ndarray) and X.dtype.itemsize < NarrowNumbers.dtype.itemsize
    if is_narrow and (X.dtype.kind != "f" or not has_missing(X)):
        return NarrowNumbers(X)
    return as_exact_floats(X)


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
    """Return the rows as points with meaningful distances, NaN where missing.

    Floats are their own, and not to be written to.
    """
    if isinstance(codes, NarrowNumbers):
        return np.asarray(codes)
    if isinstance(codes, ComposedCodes):
        return codes.coordinates()
    return codes if codes.dtype.kind == "f" else as_floats(codes)
