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
    """``out[row] = sum_j log p(x_j | x_parent(j))``."""
    _, parent, _, first_cell, stride, _, _, log_prob = tree
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        total = 0.0
        for j in range(n_columns):
            cell = first_cell[j] + stride[j] * np.int64(codes[row, parent[j]])
            total += log_prob[cell + np.int64(codes[row, j])]
        out[row] = total


@kernel
def draw(uniform, tree, cumulative, codes):
    """Invert the cumulative probabilities given each parent's value, the last exactly 1."""
    order, parent, n_values, first_cell, stride, _, _, _ = tree
    for row in range(len(codes)):
        for j in order:
            cell = first_cell[j] + stride[j] * np.int64(codes[row, parent[j]])
            value = 0
            for v in range(n_values[j] - 1):
                value += uniform[row, j] >= cumulative[cell + v]
            codes[row, j] = value
