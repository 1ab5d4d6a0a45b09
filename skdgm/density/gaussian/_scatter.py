"""Scatter matrices ``sum w y y'`` of deviations y, thin while the rows are fewer than the columns.

A table of 200 rows and 20,000 columns has a scatter of 400 million cells but of rank 200 only; the
rows themselves hold as much.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg


class ThinScatter:
    """The matrix ``rows' rows``, of which only the rows are kept.

    It adds to others of its kind and to arrays, and becomes an array once that is smaller.
    """

    __array_ufunc__ = None  # so that array + thin calls __radd__

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    @staticmethod
    def of(rows: np.ndarray) -> ThinScatter | np.ndarray:
        """Return the scatter of the rows in the smaller of the two forms."""
        return ThinScatter(rows) if len(rows) < rows.shape[1] else rows.T @ rows

    def __add__(self, other: ThinScatter | np.ndarray) -> ThinScatter | np.ndarray:
        if isinstance(other, ThinScatter):
            return ThinScatter.of(np.concatenate([self.rows, other.rows]))
        return self.dense() + other

    __radd__ = __add__

    def __matmul__(self, vector: np.ndarray) -> np.ndarray:
        return (self.rows @ vector) @ self.rows

    def dense(self) -> np.ndarray:
        """Return the matrix as an array."""
        return self.rows.T @ self.rows


def add_outer(
    scatter: ThinScatter | np.ndarray, vector: np.ndarray, weight: float
) -> ThinScatter | np.ndarray:
    """Return the scatter with one more row: the vector, with a weight."""
    if isinstance(scatter, ThinScatter):
        return scatter + ThinScatter(np.sqrt(weight) * vector[np.newaxis])
    return scatter + weight * np.outer(vector, vector)


def trace(scatter: ThinScatter | np.ndarray) -> float:
    """Return the sum of the diagonal."""
    if isinstance(scatter, ThinScatter):
        return float(np.sum(scatter.rows**2))
    return float(np.trace(scatter))


def diagonal(scatter: ThinScatter | np.ndarray) -> np.ndarray:
    """Return the diagonal."""
    if isinstance(scatter, ThinScatter):
        return np.einsum("ij,ij->j", scatter.rows, scatter.rows)
    return np.diag(scatter)


def in_unit(
    scatter: ThinScatter | np.ndarray, unit: np.ndarray | float
) -> ThinScatter | np.ndarray:
    """Return the scatter of the deviations divided by a unit, of each column or of all."""
    if isinstance(scatter, ThinScatter):
        return ThinScatter(scatter.rows / unit)
    return scatter / unit / np.expand_dims(unit, -1)


def sum_of_squares(scatter: ThinScatter | np.ndarray) -> float:
    """Return the sum of the squares of all cells, the same for R'R and RR'."""
    square = scatter.rows @ scatter.rows.T if isinstance(scatter, ThinScatter) else scatter
    return float(np.sum(square**2))


def leading_axes(scatter: ThinScatter | np.ndarray, n_axes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading eigenvectors, as rows, and their eigenvalues, in descending order."""
    if isinstance(scatter, ThinScatter):
        if n_axes <= len(scatter.rows):
            _, singular, axes = linalg.svd(scatter.rows, full_matrices=False)
            return axes[:n_axes], singular[:n_axes] ** 2
        scatter = scatter.dense()
    d = len(scatter)
    if n_axes == 0:
        return np.empty((0, d)), np.empty(0)
    values, vectors = linalg.eigh(scatter, subset_by_index=(d - n_axes, d - 1))
    # Contiguous, so that products round alike in copies.
    axes, values = vectors.T[::-1], np.maximum(values[::-1], 0.0)
    return np.ascontiguousarray(axes), np.ascontiguousarray(values)
