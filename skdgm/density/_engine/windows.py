"""Sums of terms of neighbouring columns, for several densities side by side in one pass.

In a chain, each column adds ``log p(value | the values of the order columns before it)`` to the
log-probability of a row. A window of several columns has few joint values, so its terms are added
up once for each of these; a row then takes one look-up per window, not one per column and density.
"""

from __future__ import annotations

import numpy as np

from ..._codes import readonly
from ..._kernels import windows as kernels
from .blocks import row_blocks

MOST_ENTRIES = 256  # joint values of a window, so that its terms stay in the cache
ROWS_PER_ENTRY = 8  # at least, for what is done once for each entry to repay
CHUNK_CELLS = 2**20  # cells of codes whose entries are held at once
LARGEST_BASE = 1e5  # in nats: what is added and taken away again costs digits


def window_width(n_columns: int, n_categories: int, order: int, n_rows: int) -> int:
    """Number of columns per window: few rows do not repay many entries."""
    most = min(MOST_ENTRIES, n_rows // ROWS_PER_ENTRY)
    width = 1
    while 1 < n_categories ** (order + width + 1) <= most and width < n_columns:
        width += 1
    return width


class Windows:
    """The columns of a chain, cut into windows.

    Parameters
    ----------
    table : ndarray of shape (n_columns,)
        Which of the T arrays of terms, or of counts, each column uses.
    n_categories : int
        Number K of values that a column can have.
    order : int
        Number of columns before it that a column depends on.
    width : int
        Number of columns per window.
    """

    def __init__(self, table: np.ndarray, n_categories: int, order: int, width: int) -> None:
        self.n_categories, self.order, self.width = n_categories, order, width
        self.n_entries = n_categories ** (order + width)
        n_windows = -(-len(table) // width)
        tables = np.full((n_windows, width), -1)  # no table past the last column
        tables.ravel()[: len(table)] = table
        self.place = np.arange(n_windows)
        if len(np.unique(table)) < len(table):  # windows over the same tables share their cells
            tables, place = np.unique(tables, axis=0, return_inverse=True)
            self.place = place.reshape(n_windows)
        self.tables = readonly(tables)
        self.first_cell = readonly(self.place * self.n_entries)

    def sums(self, terms: np.ndarray) -> np.ndarray:
        """Sum the terms (T, K**order, K, k) of each entry: (n_places, n_entries, k)."""
        sums = np.empty((len(self.tables), self.n_entries, terms.shape[3]))
        kernels.sum_terms(readonly(terms), self.tables, sums)
        return sums

    def counts(self, totals: np.ndarray, n_tables: int) -> np.ndarray:
        """Turn the total weights (n_places, n_entries, k) into counts (T, K**order, K, k)."""
        K, C = self.n_categories, self.n_categories**self.order
        counts = np.zeros((n_tables, C, K, totals.shape[2]))
        kernels.share_out(totals, self.tables, counts)
        return counts

    def entries(self, codes: np.ndarray) -> np.ndarray:
        """The entry of each window: (n_rows, n_windows)."""
        n_windows = len(self.first_cell)
        binary = self.n_categories == 2 and self.order + self.width <= 8
        packed = np.packbits(codes, axis=1) if binary else codes
        if binary and self.order == 0 and self.width == 8:
            return packed
        dtype = np.uint8 if self.n_entries <= 256 else np.uint32
        entries = np.empty((len(codes), n_windows), dtype=dtype)
        if binary:
            n_bytes = -(-n_windows * self.width // 8) + 1
            packed = np.pad(packed, ((0, 0), (0, n_bytes - packed.shape[1])))
            kernels.find_binary_entries(packed, self.order, self.width, entries)
        else:
            arguments = self.n_categories, self.order, self.width
            kernels.find_entries(readonly(codes), *arguments, entries)
        return entries


class WindowTerms:
    """Terms of the columns of k densities, which are summed for rows of codes.

    Parameters
    ----------
    terms : ndarray of shape (T, K**order, K, k)
        The term of each context and value; -inf is legal.
    table : ndarray of shape (n_columns,)
        Which of the T arrays each column uses.
    order : int
        Number of columns before it that a column depends on.
    """

    def __init__(self, terms: np.ndarray, table: np.ndarray, order: int) -> None:
        self._terms, self._table, self._order = terms, table, order
        self._sums: dict[int, tuple] = {}

    def sum(self, codes: np.ndarray) -> np.ndarray:
        """The sums (n_rows, k) of complete rows."""
        out = np.zeros((len(codes), self._terms.shape[3]))
        self.add_to(out, codes)
        return out

    def add_to(self, out: np.ndarray, codes: np.ndarray) -> None:
        """Add the sums of complete rows to ``out`` (n_rows, k)."""
        n_categories = self._terms.shape[2]
        width = window_width(codes.shape[1], n_categories, self._order, len(codes))
        if width not in self._sums:
            self._sums[width] = self._prepare(width)
        windows, base, least, sums = self._sums[width]
        first_cell, sums = readonly(windows.first_cell), readonly(sums)
        out += base
        for rows in row_blocks(len(codes), codes.shape[1], CHUNK_CELLS):
            entries = windows.entries(codes[rows])
            kernels.add_terms(entries, first_cell, least, sums, out[rows])

    def _prepare(self, width: int) -> tuple[Windows, np.ndarray, int, np.ndarray]:
        """Start from rows of zeros, so that windows of zeros add nothing, unless digits suffer."""
        windows = Windows(self._table, self._terms.shape[2], self._order, width)
        sums = windows.sums(self._terms)
        base = sums[windows.place, 0].sum(axis=0)
        least = int(np.min(base) > -LARGEST_BASE)
        if least:
            sums -= sums[:, :1].copy()
        else:
            base = np.zeros_like(base)
        return windows, base, least, sums.reshape(-1, sums.shape[2])


def count_windows(
    codes: np.ndarray,
    weight: np.ndarray,
    table: np.ndarray,
    n_tables: int,
    n_categories: int,
    order: int,
    *,
    zeros: bool = True,
) -> np.ndarray:
    """Count contexts and values of complete rows with k weights each.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        The rows.
    weight : ndarray of shape (n_rows, k)
        Their weights.
    table : ndarray of shape (n_columns,)
        Which of the ``n_tables`` arrays of counts each column uses.
    n_tables, n_categories, order : int
        The sizes T, K and the number of columns that are a context.
    zeros : bool, default=True
        Whether windows of zeros count; it is quicker if what they add is of no use.

    Returns
    -------
    counts : ndarray of shape (T, K**order, K, k)
        Total weights.
    """
    width = window_width(codes.shape[1], n_categories, order, len(codes))
    windows = Windows(table, n_categories, order, width)
    totals = np.zeros((len(windows.tables), windows.n_entries, weight.shape[1]))
    weight, flat = readonly(weight), totals.reshape(-1, weight.shape[1])
    for rows in row_blocks(len(codes), codes.shape[1], CHUNK_CELLS):
        entries = windows.entries(codes[rows])
        kernels.add_weights(entries, windows.first_cell, 1 - zeros, weight[rows], flat)
    return windows.counts(totals, n_tables)
