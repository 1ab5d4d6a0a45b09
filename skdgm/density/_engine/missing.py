"""Rows with missing values: finding, scoring and filling them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse

from ..._codes import (
    as_exact_floats,
    digits,
    dtype_that_holds,
    has_missing,
    missing_cells,
    n_states,
    readonly,
)
from .blocks import RowError

LogProb = Callable[[np.ndarray], np.ndarray]


class NoFiniteAnswer(RowError):
    """Raised where what follows for a row's missing values is too large for floating point."""

    def __init__(self, row: int | None = None) -> None:
        super().__init__(row)
        self.row = row

    def at_row(self, row: int) -> Self:
        """Return the same error about a row of another number."""
        return type(self)(row)

    def __str__(self) -> str:
        return (
            f"X has a row so far from what the density has learned from that what follows for its "
            f"missing values is no finite number: row {self.row}; correct the row."
        )


def check_answers(wrong: np.ndarray) -> None:
    """Raise a NoFiniteAnswer about the first row in which a cell is wrong."""
    if wrong.any():
        raise NoFiniteAnswer(int(wrong.any(axis=1).argmax()))


def rows_with_missing(X: Any) -> np.ndarray:
    """Indices of the rows of validated X that contain NaN."""
    if X.dtype.kind != "f":
        return np.empty(0, dtype=np.intp)
    if sparse.issparse(X):
        return np.unique(_stored_missing(X)[0])
    return np.flatnonzero(np.isnan(X).any(axis=1))


def log_prob_in_parts(codes: np.ndarray, complete: LogProb, incomplete: LogProb) -> np.ndarray:
    """Score complete rows by one function, and those with missing values by another."""
    if not (codes.size and has_missing(codes)):
        return complete(codes)
    is_incomplete = missing_cells(codes).any(axis=1)
    own = incomplete(readonly(codes[is_incomplete]))
    log_prob = np.empty((len(codes), *own.shape[1:]))
    log_prob[is_incomplete] = own
    if not is_incomplete.all():
        log_prob[~is_incomplete] = complete(readonly(codes[~is_incomplete]))
    return log_prob


def all_completions(rows: np.ndarray, missing: np.ndarray, n_values: np.ndarray) -> np.ndarray:
    """List the completions of rows that miss the same columns, those of a row together.

    They have shape (n_rows * n_completions, n_columns), and those of a row are in order.
    """
    values = digits(np.arange(n_states(n_values[missing])), n_values[missing])
    completed = np.repeat(rows, len(values), axis=0)
    completed[:, missing] = np.tile(values, (len(rows), 1))
    return completed


def values_at_missing(table: np.ndarray, X: Any) -> np.ndarray:
    """Return the values of the table where X is NaN, row by row."""
    return table[_stored_missing(X) if sparse.issparse(X) else np.isnan(X)]


def finite_at_missing(table: np.ndarray, X: Any) -> np.ndarray:
    """Return the values of the table where X is NaN, which must be finite."""
    values = values_at_missing(table, X)
    finite = np.isfinite(values)
    if not finite.all():
        rows, _ = _stored_missing(X) if sparse.issparse(X) else np.nonzero(np.isnan(X))
        raise NoFiniteAnswer(int(rows[finite.argmin()]))
    return values


def with_column_missing(X: Any, column: int) -> Any:
    """Return a copy of validated X, as floats, in which all values of a column are missing."""
    if sparse.issparse(X):
        missing = X.__class__(np.full((X.shape[0], 1), np.nan))
        parts = [X[:, :column], missing, X[:, column + 1 :]]
        return sparse.hstack(parts, format="csr", dtype=np.float64)
    if X.dtype.kind != "f":
        X = X.astype(np.float32) if X.dtype.itemsize <= 2 else as_exact_floats(X)
    X = X.copy()
    X[:, column] = np.nan
    return X


def fill(X: Any, values: np.ndarray) -> Any:
    """Return a copy of X with the values, row by row, in place of NaN.

    Its dtype is that of X, or a wider one if that cannot hold the values.
    """
    X = X.astype(dtype_that_holds(values, X.dtype))
    cells = X.data if sparse.issparse(X) else X
    cells[np.isnan(cells)] = values
    return X


def together(tables: Sequence[Any]) -> Any:
    """Return arrays of one shape with a further axis in front; other tables as a list."""
    if all(isinstance(table, np.ndarray) for table in tables):
        return np.stack(tables)
    return list(tables)


def fill_with_means(points: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Replace missing coordinates by the mean of their column."""
    if not has_missing(points):
        return points.astype(np.float64, copy=False)
    seen = ~np.isnan(points)
    points = np.where(seen, points, 0.0).astype(np.float64)
    mean = weight @ points / np.maximum(weight @ seen, np.finfo(np.float64).tiny)
    return np.where(seen, points, mean)


def fill_sparse_with_means(points: Any, weight: np.ndarray) -> Any:
    """Do what :func:`fill_with_means` does for a CSR matrix, of which zeros are not stored."""
    missing = np.isnan(points.data)
    if not missing.any():
        return points
    n_columns = points.shape[1]
    own = np.repeat(weight, np.diff(points.indptr))
    without = np.bincount(points.indices, own * missing, minlength=n_columns)
    total = np.bincount(
        points.indices, own * np.where(missing, 0, points.data), minlength=n_columns
    )
    mean = total / np.maximum(weight.sum() - without, np.finfo(np.float64).tiny)
    points = points.copy()
    points.data[missing] = mean[points.indices[missing]]
    return points


def _stored_missing(X: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of NaN among the entries that a CSR matrix stores."""
    stored = np.flatnonzero(np.isnan(X.data))
    return np.searchsorted(X.indptr, stored, side="right") - 1, X.indices[stored]
