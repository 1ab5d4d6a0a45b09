"""Orders in which a chain visits the columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..._validation import shown


def check_permutation(scan: ArrayLike, n_columns: int, names: str) -> np.ndarray:
    """Return the parameter ``scan`` as an array, or raise a ValueError if it is no permutation.

    ``names`` are the other values that it may have, in words.
    """
    order = np.asarray(scan)
    if order.shape != (n_columns,) or order.dtype.kind not in "iu":
        raise ValueError(
            f"scan must be {names} or a permutation of the {n_columns} columns, got an array of "
            f"shape {order.shape} and dtype {order.dtype}."
        )
    if not np.array_equal(np.sort(order), np.arange(n_columns)):
        raise ValueError(
            f"scan must hold every column from 0 to {n_columns - 1} exactly once, got "
            f"{shown(scan)}."
        )
    return order.astype(np.intp)
