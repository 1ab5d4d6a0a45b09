"""Sums of terms that depend on a few neighbouring columns each, for several densities at once.

The columns are cut into windows of ``width`` columns. The codes of the ``order`` columns before a
window and of the window itself are the digits of its entry, a number to base K, the first column's
the most significant; past either end of the row digits are 0. Entry e of a window is row
``first_cell[window] + e`` of a table (n_cells, k), so that one look-up finds the terms of k
densities side by side. Entries below ``least`` have nothing to add and are passed over.
"""

import numpy as np

from ._compile import kernel


@kernel
def sum_terms(terms, tables, sums):
    """Fill ``sums`` (n_windows, n_entries, k) with the sums of each entry's terms.

    ``terms[tables[window, column]]`` (K**order, K, k) are those of a column; -1 stands for zeros.
    Digit by digit from the back, so that an entry is read before it gives way to longer ones.
    """
    n_contexts, n_categories, k = terms.shape[1:]
    for window in range(len(tables)):
        sums[window, :n_contexts] = 0.0
        n_entries = n_contexts
        for table in tables[window]:
            for entry in range(n_entries - 1, -1, -1):
                context = entry % n_contexts
                for value in range(n_categories - 1, -1, -1):
                    for c in range(k):
                        term = terms[table, context, value, c] if table >= 0 else 0.0
                        sums[window, entry * n_categories + value, c] = (
                            sums[window, entry, c] + term
                        )
            n_entries *= n_categories


@kernel
def share_out(totals, tables, counts):
    """Add the totals (n_windows, n_entries, k) to the counts (T, K**order, K, k) of their digits.

    The totals are overwritten by those of all entries with the same first digits.
    """
    n_contexts, n_categories, k = counts.shape[1:]
    for window in range(len(tables)):
        n_entries = totals.shape[1]
        for column in range(tables.shape[1] - 1, -1, -1):
            table = tables[window, column]
            n_entries //= n_categories
            for entry in range(n_entries):
                context = entry % n_contexts
                for value in range(n_categories):
                    for c in range(k):
                        total = totals[window, entry * n_categories + value, c]
                        if table >= 0:
                            counts[table, context, value, c] += total
                        totals[window, entry, c] = total + (
                            totals[window, entry, c] if value else 0.0
                        )


@kernel
def find_entries(codes, n_categories, order, width, entries):
    """Fill ``entries`` (n_rows, n_windows)."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        for window in range(entries.shape[1]):
            start = window * width
            stop = min(start + width, n_columns)
            entry = 0
            for column in range(max(start - order, 0), stop):
                entry = entry * n_categories + np.int64(codes[row, column])
            for _ in range(stop, start + width):
                entry *= n_categories
            entries[row, window] = entry


@kernel
def find_binary_entries(packed, order, width, entries):
    """Fill ``entries`` as :func:`find_entries` does, of up to 8 digits, from packed bits.

    ``packed`` holds 8 columns in a byte, the first one in the highest bit, and a byte to spare.
    """
    n_rows, n_windows = entries.shape
    for row in range(n_rows):
        for window in range(n_windows):
            start = max(window * width - order, 0)
            n_digits = (window + 1) * width - start
            byte = start // 8
            two_bytes = (np.int64(packed[row, byte]) << 8) | np.int64(packed[row, byte + 1])
            shifted = two_bytes >> (16 - start % 8 - n_digits)
            entries[row, window] = shifted & ((1 << n_digits) - 1)


@kernel
def add_terms(entries, first_cell, least, table, out):
    """Add to ``out[row]`` the table rows of its entries: k sums of terms."""
    n_rows, n_windows = entries.shape
    k = table.shape[1]
    cells = np.empty(n_windows, dtype=np.int64)
    for row in range(n_rows):
        n_cells = 0
        for window in range(n_windows):
            entry = np.int64(entries[row, window])
            cells[n_cells] = first_cell[window] + entry
            n_cells += entry >= least
        total = out[row]
        n_fours = n_cells - n_cells % 4
        for i in range(0, n_fours, 4):  # four at a time, as the totals are read and written once
            term_0, term_1 = table[cells[i]], table[cells[i + 1]]
            term_2, term_3 = table[cells[i + 2]], table[cells[i + 3]]
            for c in range(k):
                total[c] += (term_0[c] + term_1[c]) + (term_2[c] + term_3[c])
        for i in range(n_fours, n_cells):
            term = table[cells[i]]
            for c in range(k):
                total[c] += term[c]


@kernel
def add_weights(entries, first_cell, least, weight, totals):
    """Add ``weight[row]``, k weights, to the rows of ``totals`` of the row's entries."""
    n_rows, n_windows = entries.shape
    k = totals.shape[1]
    cells = np.empty(n_windows, dtype=np.int64)
    for row in range(n_rows):
        n_cells = 0
        for window in range(n_windows):
            entry = np.int64(entries[row, window])
            cells[n_cells] = first_cell[window] + entry
            n_cells += entry >= least
        own = weight[row]
        for i in range(n_cells):
            total = totals[cells[i]]
            for c in range(k):
                total[c] += own[c]


# ------------------------------------------------- one density of binary columns, in packed rows
TOGETHER = 2**15  # cells of the windows that are visited together, which should stay in the cache


@kernel
def _packed_entry(packed, row, stop, mask):
    """Return the last bits, under the mask, of the first ``stop`` columns of a row.

    ``packed`` holds 8 columns in a byte, the first one in the highest bit, after two bytes of
    zeros, and has a byte to spare.
    """
    byte = stop >> 3
    bits = (np.uint32(packed[row, byte]) << np.uint32(16)) | np.uint32(packed[row, byte + 2])
    bits |= np.uint32(packed[row, byte + 1]) << np.uint32(8)
    return (bits >> np.uint32(8 - (stop & 7))) & mask


@kernel
def count_packed(packed, width, totals):
    """Add the number of rows with each entry to ``totals`` (n_windows, n_entries)."""
    n_windows, n_entries = totals.shape
    mask = np.uint32(n_entries - 1)
    step = max(1, TOGETHER // n_entries)
    for first in range(0, n_windows, step):
        for row in range(len(packed)):
            for window in range(first, min(first + step, n_windows)):
                totals[window, _packed_entry(packed, row, (window + 1) * width, mask)] += 1


@kernel(fastmath={"reassoc", "nsz"})
def sum_packed(packed, width, sums, out):
    """Add to ``out[row]`` the ``sums`` (n_windows, n_entries) of the row's entries."""
    n_windows, n_entries = sums.shape
    mask = np.uint32(n_entries - 1)
    step = max(1, TOGETHER // n_entries)
    for first in range(0, n_windows, step):
        for row in range(len(packed)):
            total = 0.0
            for window in range(first, min(first + step, n_windows)):
                total += sums[window, _packed_entry(packed, row, (window + 1) * width, mask)]
            out[row] += total
