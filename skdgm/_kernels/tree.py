"""Counting, scoring and drawing trees in which a value depends on that of one other column.

The conditional probability tables ``p(value | value of the parent)`` of all columns lie one after
the other in one flat array.

Kernels unpack their tree before they loop, as taking an array out of a tuple counts a reference.
"""

from typing import NamedTuple

import numpy as np

from ._compile import kernel


class TreeArrays(NamedTuple):
    """A tree with its probabilities; every array but the last two has one entry per column.

    Attributes
    ----------
    order
        The columns, parents before their children.
    parent
        The parent; for the root, the root itself.
    n_values
        The number of categories.
    first_cell
        Where the probabilities start: that of ``value`` given its parent's value is in the cell
        ``first_cell + stride * parent's value + value``.
    stride
        The number of categories, or 0 for the root.
    first_value
        Where the values of the column start in an array with one entry per value of each column.
    probability, log_prob
        The conditional probabilities and their logarithms.
    """

    order: np.ndarray
    parent: np.ndarray
    n_values: np.ndarray
    first_cell: np.ndarray
    stride: np.ndarray
    first_value: np.ndarray
    probability: np.ndarray
    log_prob: np.ndarray


@kernel
def add_pairs(codes, weight, first_value, joint):
    """Add each row's weight to the cells of its pairs of values that are not 0.

    Row and column 0 of ``joint`` belong to a constant one, and those of the values 1, 2, ... of
    column j start at ``first_value[j] - j + 1``. Only cells on and below the diagonal are filled.
    """
    n_rows, n_columns = codes.shape
    cells = np.empty(n_columns + 1, dtype=np.int64)
    cells[0] = 0
    for row in range(n_rows):
        n_cells = 1
        for j in range(n_columns):
            if codes[row, j] > 0:
                cells[n_cells] = first_value[j] - j + codes[row, j]
                n_cells += 1
        for a in range(n_cells):
            for b in range(a + 1):
                joint[cells[a], cells[b]] += weight[row]


@kernel(fastmath={"reassoc", "nsz"})
def log_prob_complete(codes, tree, out):
    """``out[row] = sum_j log p(x_j | x_parent(j))``.

    Four rows at a time share what is looked up about a column; past the end the last row is scored
    again.
    """
    _, parent, _, first_cell, stride, _, _, log_prob = tree
    n_rows, n_columns = codes.shape
    for row_0 in range(0, n_rows, 4):
        row_1, row_2 = min(row_0 + 1, n_rows - 1), min(row_0 + 2, n_rows - 1)
        row_3 = min(row_0 + 3, n_rows - 1)
        total_0, total_1, total_2, total_3 = 0.0, 0.0, 0.0, 0.0
        for j in range(n_columns):
            p, first, step = parent[j], first_cell[j], stride[j]
            total_0 += log_prob[
                first + step * np.int64(codes[row_0, p]) + np.int64(codes[row_0, j])
            ]
            total_1 += log_prob[
                first + step * np.int64(codes[row_1, p]) + np.int64(codes[row_1, j])
            ]
            total_2 += log_prob[
                first + step * np.int64(codes[row_2, p]) + np.int64(codes[row_2, j])
            ]
            total_3 += log_prob[
                first + step * np.int64(codes[row_3, p]) + np.int64(codes[row_3, j])
            ]
        out[row_0], out[row_1], out[row_2], out[row_3] = total_0, total_1, total_2, total_3


@kernel
def draw(uniform, tree, cumulative, codes):
    """Invert the cumulative probabilities given each parent's value, the last exactly 1.

    Four rows at a time, as in :func:`log_prob_complete`.
    """
    order, parent, n_values, first_cell, stride, _, _, _ = tree
    last = len(codes) - 1
    for row_0 in range(0, len(codes), 4):
        row_1, row_2, row_3 = min(row_0 + 1, last), min(row_0 + 2, last), min(row_0 + 3, last)
        for j in order:
            p, first, step = parent[j], first_cell[j], stride[j]
            cell_0 = first + step * np.int64(codes[row_0, p])
            cell_1 = first + step * np.int64(codes[row_1, p])
            cell_2 = first + step * np.int64(codes[row_2, p])
            cell_3 = first + step * np.int64(codes[row_3, p])
            value_0, value_1, value_2, value_3 = 0, 0, 0, 0
            for v in range(n_values[j] - 1):
                value_0 += uniform[row_0, j] >= cumulative[cell_0 + v]
                value_1 += uniform[row_1, j] >= cumulative[cell_1 + v]
                value_2 += uniform[row_2, j] >= cumulative[cell_2 + v]
                value_3 += uniform[row_3, j] >= cumulative[cell_3 + v]
            codes[row_0, j], codes[row_1, j] = value_0, value_1
            codes[row_2, j], codes[row_3, j] = value_2, value_3
