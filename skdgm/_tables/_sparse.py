"""Sparse matrices: entries that are stored more than once are added up, in a copy."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import read_array


def read_sparse(X: Any, name: str, accept_sparse: Any) -> Any:
    """Return a sparse matrix of numbers with at most one entry per cell.

    It is in one of the accepted formats. X itself, which it may share memory with, stays untouched.
    """
    if X.ndim != 2 or not accept_sparse:
        return X  # scikit-learn refuses it
    formats = [accept_sparse] if isinstance(accept_sparse, str) else list(accept_sparse)
    if X.format not in formats:
        X = X.asformat(formats[0])
    # A view of its own: what X says about itself may be outdated, and is not to be changed.
    view = type(X)((read_array(X.data, name), X.indices, X.indptr), shape=X.shape, copy=False)
    if view.has_canonical_format:
        return view
    summed = view.copy()
    with np.errstate(over="ignore"):  # to infinity, which is refused
        summed.sum_duplicates()
    return summed
