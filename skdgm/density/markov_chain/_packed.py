"""Binary chains counted and scored several columns at a time, in rows packed into bits.

The columns are cut into windows. Those of a window and the ``order`` columns before it have few
joint values, its entries: these are counted, and what a window adds to a log-probability is summed
once for each of them.
"""

from __future__ import annotations

import numpy as np

from ..._codes import readonly
from ..._kernels import windows as kernels
from ._shape import ChainShape

LONGEST = 10  # order
MANY_CELLS = 2**18  # of codes, from which on tables of entries repay


def suits_packing(codes: np.ndarray, shape: ChainShape) -> bool:
    """Return whether windows repay for complete rows."""
    return shape.n_categories == 2 and shape.order <= LONGEST and codes.size >= MANY_CELLS


class PackedWindows:
    """The windows of a binary chain."""

    def __init__(self, shape: ChainShape) -> None:
        n_bits = max(10, shape.order + 4)
        self._shape, self._width, self._n_entries = shape, n_bits - shape.order, 2**n_bits
        n_windows = -(-shape.n_positions // self._width)
        self._tables = np.full((n_windows, self._width), -1)  # no table past the last column
        self._tables.ravel()[: shape.n_positions] = shape.table

    def count(self, codes: np.ndarray) -> np.ndarray:
        """Count contexts and values of complete rows: (T, K**order, K)."""
        totals = np.zeros((len(self._tables), self._n_entries), dtype=np.uint32)
        kernels.count_packed(self._pack(codes), self._width, totals)
        n_contexts = 2**self._shape.order
        counts = np.zeros((self._shape.n_tables, n_contexts, 2))
        for tables in self._tables.T[::-1]:  # from the last column of each window to the first
            cells = totals
            while cells.shape[1] > 2 * n_contexts:  # sum over the first digit
                half = cells.shape[1] // 2
                cells = cells[:, :half] + cells[:, half:]
            cells = cells.reshape(-1, n_contexts, 2)
            add_to_tables(counts, tables[tables >= 0], cells[tables >= 0])
            totals = totals[:, ::2] + totals[:, 1::2]  # over the last one
        return counts

    def sums(self, terms: np.ndarray) -> np.ndarray:
        """Sum the terms (T, K**order, K) of each entry: (n_windows, n_entries)."""
        n_windows, n_contexts = len(self._tables), terms.shape[1]
        sums = np.zeros((n_windows, n_contexts))
        for tables in self._tables.T:
            own = np.where((tables >= 0)[:, np.newaxis, np.newaxis], terms[tables], 0.0)
            sums = sums.reshape(n_windows, -1, n_contexts, 1) + own[:, np.newaxis]
        return readonly(sums.reshape(n_windows, self._n_entries))

    def log_prob(self, codes: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Sum what the windows of complete rows have in ``sums``."""
        out = np.zeros(len(codes))
        kernels.sum_packed(self._pack(codes), self._width, sums, out)
        return out

    def _pack(self, codes: np.ndarray) -> np.ndarray:
        """Pack rows as the kernels take them."""
        bits = np.packbits(codes, axis=1)
        packed = np.zeros((len(codes), self._tables.size // 8 + 3), dtype=np.uint8)
        packed[:, 2 : 2 + bits.shape[1]] = bits
        return packed


def add_to_tables(counts: np.ndarray, table: np.ndarray, added: np.ndarray) -> None:
    """Add ``added[i]`` to ``counts[table[i]]``, also where positions share a table."""
    if len(table) == len(np.unique(table)):
        counts[table] += added
    else:
        np.add.at(counts, table, added)
