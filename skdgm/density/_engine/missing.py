"""Rows with holes: which they are, and how what a density says of the holes gets into them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ..._codes import missing_cells


def rows_with_missing(X: Any) -> np.ndarray:
    """Indices of the rows of validated X in which a value is NaN."""
    if X.dtype.kind != "f":
        return np.empty(0, dtype=np.intp)
    if sparse.issparse(X):
        return np.unique(_stored_missing(X)[0])
    return np.flatnonzero(np.isnan(X).any(axis=1))


def values_at_missing(table: np.ndarray, codes: Any) -> np.ndarray:
    """The values of the table where codes are missing, row by row."""
    if sparse.issparse(codes):
        return table[_stored_missing(codes)]
    return table[missing_cells(codes)]


def fill(X: Any, values: np.ndarray) -> Any:
    """A copy of X with the values, row by row, in place of NaN."""
    X = X.copy()
    cells = X.data if sparse.issparse(X) else X
    cells[np.isnan(cells)] = values
    return X


def fill_with_means(points: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Put missing coordinates at the mean of their column."""
    seen = ~np.isnan(points)
    points = np.where(seen, points, 0.0).astype(np.float64)
    mean = weight @ points / np.maximum(weight @ seen, np.finfo(np.float64).tiny)
    return np.where(seen, points, mean)


def _stored_missing(X: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of NaN among the entries that a CSR matrix stores."""
    stored = np.flatnonzero(np.isnan(X.data))
    return np.searchsorted(X.indptr, stored, side="right") - 1, X.indices[stored]
