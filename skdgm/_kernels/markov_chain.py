"""Counting, scoring and drawing chains in which a value depends on the last ``order`` before it.

``table[i]`` says which table position i uses. A context is the number whose base-K digits are the
values before position i, the latest last, so a table has shape (K**order, K). Near the start the
contexts are shorter and use the first rows only.
"""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def count_binary_pairs(codes, ones, both):
    """Add each column's ones to ``ones``, and those that follow a one to ``both`` (int64).

    Columns are summed side by side in bytes, which vectorises; 255 rows fit before a byte is full.
    """
    n_rows, n_columns = codes.shape
    partial_ones = np.zeros(n_columns, dtype=np.uint8)
    partial_both = np.zeros(n_columns, dtype=np.uint8)
    for start in range(0, n_rows, 255):
        partial_ones[:] = 0
        partial_both[:] = 0
        for row in range(start, min(start + 255, n_rows)):
            partial_ones[0] += np.uint8(codes[row, 0])
            for column in range(1, n_columns):
                partial_ones[column] += np.uint8(codes[row, column])
                partial_both[column] += np.uint8(codes[row, column] & codes[row, column - 1])
        for column in range(n_columns):
            ones[column] += partial_ones[column]
            both[column] += partial_both[column]


@njit(nogil=True, cache=True)
def add_windows(codes, weight, table, order, counts):
    """Add each row's weight to the cell of every value and its context; ``counts`` is (T, C, K)."""
    n_rows, n_columns = codes.shape
    n_categories = counts.shape[2]
    oldest_digit = n_categories**order
    for row in range(n_rows):
        w = weight[row]
        context = 0
        for i in range(n_columns):
            value = np.int64(codes[row, i])
            counts[table[i], context, value] += w
            context = context * n_categories + value
            if i >= order:
                context -= np.int64(codes[row, i - order]) * oldest_digit


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def log_prob_first_order(codes, table, log_prob, out):
    """``out[row] = log p(x_0) + sum_i log p(x_i | x_(i-1))``; ``log_prob`` is (T, K, K)."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        total = log_prob[table[0], 0, codes[row, 0]]
        for i in range(1, n_columns):
            total += log_prob[table[i], codes[row, i - 1], codes[row, i]]
        out[row] = total


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def log_prob_windows(codes, table, order, log_prob, out):
    """``out[row] = sum_i log p(x_i | the values before)``; ``log_prob`` is (T, C, K)."""
    n_rows, n_columns = codes.shape
    n_categories = log_prob.shape[2]
    oldest_digit = n_categories**order
    for row in range(n_rows):
        total = 0.0
        context = 0
        for i in range(n_columns):
            value = np.int64(codes[row, i])
            total += log_prob[table[i], context, value]
            context = context * n_categories + value
            if i >= order:
                context -= np.int64(codes[row, i - order]) * oldest_digit
        out[row] = total


@njit(nogil=True, cache=True)
def draw(uniform, table, order, cumulative, codes):
    """Invert the cumulative probabilities (T, C, K), whose last possible value has exactly 1."""
    n_rows, n_columns = codes.shape
    n_categories = cumulative.shape[2]
    oldest_digit = n_categories**order
    for row in range(n_rows):
        context = 0
        for i in range(n_columns):
            u = uniform[row, i]
            low, high = 0, n_categories - 1
            while low < high:  # the first value whose cumulative probability exceeds u
                middle = (low + high) // 2
                if cumulative[table[i], context, middle] > u:
                    high = middle
                else:
                    low = middle + 1
            codes[row, i] = low
            context = context * n_categories + low
            if i >= order:
                context -= np.int64(codes[row, i - order]) * oldest_digit
