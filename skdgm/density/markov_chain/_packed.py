"""Binary chains counted and scored several columns at a time, in rows packed into bits.

The columns are cut into windows. Those of a window and the ``order`` columns before it have few
joint values, its entries: these are counted, and what a window adds to a log-probability is summed
once for each of them.
"""

from __future__ import annotations

import numpy as np

from ..._codes import readonly
from ..._kernels import windows as kernels
from .._engine.windows import Windows
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
        self._order, self._n_tables = shape.order, shape.n_tables
        self._width = n_bits - shape.order
        self._windows = Windows(shape.table, 2, shape.order, self._width)

    def count(self, codes: np.ndarray) -> np.ndarray:
        """Count contexts and values of complete rows: (T, K**order, K).

        Whole numbers fold quicker than the weights for which :meth:`Windows.counts` is.
        """
        place, tables_of_places = self._windows.place, self._windows.tables
        totals = np.zeros((len(place), self._windows.n_entries), dtype=np.uint32)
        kernels.count_packed(self._pack(codes), self._width, totals)
        if not np.array_equal(place, np.arange(len(place))):  # windows over the same tables
            of_windows = totals
            totals = np.zeros((len(tables_of_places), self._windows.n_entries), dtype=np.uint32)
            for own, total in zip(place, of_windows, strict=True):
                totals[own] += total
        n_contexts = 2**self._order
        counts = np.zeros((self._n_tables, n_contexts, 2))
        for tables in tables_of_places.T[::-1]:  # from the last column of each to the first
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
        return readonly(self._windows.sums(terms[..., np.newaxis])[self._windows.place, :, 0])

    def log_prob(self, codes: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Sum what the windows of complete rows have in ``sums``."""
        out = np.zeros(len(codes))
        kernels.sum_packed(self._pack(codes), self._width, sums, out)
        return out

    def _pack(self, codes: np.ndarray) -> np.ndarray:
        """Pack rows as the kernels take them."""
        bits = np.packbits(codes, axis=1)
        n_bytes = len(self._windows.place) * self._width // 8 + 3
        packed = np.zeros((len(codes), n_bytes), dtype=np.uint8)
        packed[:, 2 : 2 + bits.shape[1]] = bits
        return packed


def add_to_tables(counts: np.ndarray, table: np.ndarray, added: np.ndarray) -> None:
    """Add ``added[i]`` to ``counts[table[i]]``, also where positions share a table."""
    if len(table) == len(np.unique(table)):
        counts[table] += added
    else:
        np.add.at(counts, table, added)
