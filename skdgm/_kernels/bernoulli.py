"""Counting, scoring and drawing columns of independent coins."""

import numpy as np

from ._compile import kernel


@kernel
def count_values(codes, missing, n_missing, ones):
    """Add each column's numbers of values that are ``missing``, and of ones (int64).

    Columns are counted side by side in bytes, which vectorises; 255 rows fit before a byte is full.
    """
    n_rows, n_columns = codes.shape
    mark = np.uint8(missing)
    few_missing = np.zeros(n_columns, dtype=np.uint8)
    few_ones = np.zeros(n_columns, dtype=np.uint8)
    for start in range(0, n_rows, 255):
        few_missing[:] = 0
        few_ones[:] = 0
        for row in range(start, min(start + 255, n_rows)):
            for column in range(n_columns):
                few_missing[column] += np.uint8(codes[row, column] == mark)
                few_ones[column] += np.uint8(codes[row, column] == np.uint8(1))
        for column in range(n_columns):
            n_missing[column] += few_missing[column]
            ones[column] += few_ones[column]


@kernel
def add_weighted_ones(codes, weight, ones):
    """Add each column's weight of ones to ``ones`` (float64)."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        w = weight[row]
        for column in range(n_columns):
            ones[column] += w * codes[row, column]


@kernel
def add_observed(codes, missing, weight, observed, ones):
    """Add each column's weight of values that are not ``missing``, and of ones."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        w = weight[row]
        for column in range(n_columns):
            observed[column] += w * (codes[row, column] != missing)
            ones[column] += w * (codes[row, column] == 1)


@kernel
def log_prob_observed(codes, missing, log_prob_zero, log_prob_one, out):
    """``out[row] = sum_j log p_j(x_j)`` over the columns that are not ``missing``."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        total = 0.0
        for column in range(n_columns):
            code = codes[row, column]
            if code != missing:
                total += log_prob_one[column] if code else log_prob_zero[column]
        out[row] = total


@kernel(fastmath={"reassoc", "nsz"})
def log_prob(codes, log_prob_zero, log_prob_one, out):
    """``out[row] = sum_j log p_j(x_j)``; a select, not a product, so that -inf stays -inf.

    Four rows at a time share the probabilities that are loaded.
    """
    n_rows, n_columns = codes.shape
    for row in range(0, n_rows - n_rows % 4, 4):
        total_0, total_1, total_2, total_3 = 0.0, 0.0, 0.0, 0.0
        for column in range(n_columns):
            zero, one = log_prob_zero[column], log_prob_one[column]
            total_0 += one if codes[row, column] else zero
            total_1 += one if codes[row + 1, column] else zero
            total_2 += one if codes[row + 2, column] else zero
            total_3 += one if codes[row + 3, column] else zero
        out[row], out[row + 1], out[row + 2], out[row + 3] = total_0, total_1, total_2, total_3
    for row in range(n_rows - n_rows % 4, n_rows):
        total = 0.0
        for column in range(n_columns):
            total += log_prob_one[column] if codes[row, column] else log_prob_zero[column]
        out[row] = total


@kernel
def threshold(uniform, probability, codes):
    """``codes[row, j] = 1`` where the uniform number is below the probability of column j."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        for column in range(n_columns):
            codes[row, column] = uniform[row, column] < probability[column]
