"""Counting, scoring and drawing chains in which a value depends on the last ``order`` before it.

``table[i]`` is the conditional probability table that position i uses, one of T. A context is the
number whose base-K digits are the values before position i, the latest last, so that a table has
shape (K**order, K). Near the start, contexts are shorter and use only the first rows.
"""

import numpy as np

from ._compile import kernel


@kernel
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


@kernel
def add_windows(codes, weight, table, order, counts):
    """Add each row's weight to the cell of each value and its context; ``counts`` is (T, C, K)."""
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


@kernel(fastmath={"reassoc", "nsz"})
def log_prob_independent(codes, table, log_prob, out):
    """``out[row] = sum_i log p(x_i)``; ``log_prob`` is (T, 1, K)."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        total = 0.0
        for i in range(n_columns):
            total += log_prob[table[i], 0, codes[row, i]]
        out[row] = total


@kernel(fastmath={"reassoc", "nsz"})
def log_prob_first_order(codes, table, log_prob, out):
    """``out[row] = log p(x_0) + sum_i log p(x_i | x_(i-1))``; ``log_prob`` is (T, K, K).

    It is :func:`log_prob_windows` for order 1, without the arithmetic of contexts.
    """
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        total = log_prob[table[0], 0, codes[row, 0]]
        for i in range(1, n_columns):
            total += log_prob[table[i], codes[row, i - 1], codes[row, i]]
        out[row] = total


@kernel(fastmath={"reassoc", "nsz"})
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


@kernel
def draw_binary(uniform, table, order, probability_zero, codes):
    """Draw chains of zeros and ones; ``probability_zero`` is (T, C).

    Four rows at a time, so that they need not wait for each other's look-ups; past the end the last
    row is drawn again, from the same numbers.
    """
    n_rows, n_columns = codes.shape
    mask = (1 << order) - 1  # keeps the last `order` digits of a context
    for row_0 in range(0, n_rows, 4):
        row_1, row_2 = min(row_0 + 1, n_rows - 1), min(row_0 + 2, n_rows - 1)
        row_3 = min(row_0 + 3, n_rows - 1)
        context_0, context_1, context_2, context_3 = 0, 0, 0, 0
        for i in range(n_columns):
            zero = probability_zero[table[i]]
            value_0 = np.int64(uniform[row_0, i] >= zero[context_0])
            value_1 = np.int64(uniform[row_1, i] >= zero[context_1])
            value_2 = np.int64(uniform[row_2, i] >= zero[context_2])
            value_3 = np.int64(uniform[row_3, i] >= zero[context_3])
            codes[row_0, i], codes[row_1, i] = value_0, value_1
            codes[row_2, i], codes[row_3, i] = value_2, value_3
            context_0 = (2 * context_0 + value_0) & mask
            context_1 = (2 * context_1 + value_1) & mask
            context_2 = (2 * context_2 + value_2) & mask
            context_3 = (2 * context_3 + value_3) & mask


@kernel
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
