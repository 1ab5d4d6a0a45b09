"""Counts of a value and the values before it, in the form that suits their number.

The dense form has a cell for every possible context and value, and suits short contexts. The sparse
form holds the windows (a context and the value after it) that were seen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..._codes import has_missing
from ._dense import DenseChainCounts
from ._shape import ChainShape
from ._sparse import SparseChainCounts

DENSE_CELLS = 2**20  # of dense counts, which take 8 bytes per cell

ChainCounts = DenseChainCounts | SparseChainCounts


def suitable_form(shape: ChainShape) -> type[DenseChainCounts] | type[SparseChainCounts]:
    """Return the form of the counts that suits the number of cells."""
    return DenseChainCounts if shape.n_cells <= DENSE_CELLS else SparseChainCounts


def count_chain(codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> ChainCounts:
    """Count the windows of every row of codes, which are in the order of the chain."""
    return suitable_form(shape).count(codes, weight, shape)


def count_start(codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> ChainCounts:
    """Count what is observed, and list what missing values may complete."""
    return suitable_form(shape).count_start(codes, weight, shape)


def widen(counts: ChainCounts, codes: np.ndarray, n_categories: int) -> ChainCounts:
    """Return the same counts with room for more categories and for the contexts of codes."""
    if n_categories != counts.shape.n_categories:
        shape = replace(counts.shape, n_categories=n_categories)
        counts = suitable_form(shape).from_windows(counts.windows(), shape)
    if isinstance(counts, SparseChainCounts) and has_missing(codes):
        counts += SparseChainCounts.count_start(codes, None, counts.shape).listed()
    return counts
