"""Counts and probabilities of a value given the values before it, dense or sparse.

The dense form holds a cell for every possible context and suits short ones; the sparse form holds
the windows (a context and the value after it) that were seen. Both answer the same calls.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..._codes import has_missing
from ._dense import DenseChainCounts
from ._shape import ChainShape
from ._sparse import SparseChainCounts

DENSE_CELLS = 2**20  # a dense table of counts takes 8 bytes a cell

ChainCounts = DenseChainCounts | SparseChainCounts


def form(shape: ChainShape) -> type[DenseChainCounts] | type[SparseChainCounts]:
    """The form of the counts that suits the size of the tables."""
    return DenseChainCounts if shape.n_cells <= DENSE_CELLS else SparseChainCounts


def count_chain(codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> ChainCounts:
    """Count the windows of every row of codes, which are in the order of the chain."""
    return form(shape).count(codes, weight, shape)


def count_start(codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> ChainCounts:
    """Count what is observed, and a little of everything, for a model that rules nothing out."""
    return form(shape).count_start(codes, weight, shape)


def widen(counts: ChainCounts, codes: np.ndarray, n_categories: int) -> ChainCounts:
    """The same counts for more categories, and for the contexts that codes leave possible."""
    if n_categories != counts.shape.n_categories:
        shape = replace(counts.shape, n_categories=n_categories)
        counts = form(shape).from_windows(counts.windows(), shape)
    if isinstance(counts, SparseChainCounts) and has_missing(codes):
        counts += SparseChainCounts.count_start(codes, None, counts.shape).listed()
    return counts
