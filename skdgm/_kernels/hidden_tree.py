"""The steps of message passing along a hidden tree that are not matrix products.

``index[row]`` is the row of an array that belongs to a row of the data: the message of a leaf
depends only on its value, so that its array has one row per value instead of one per row.
"""

import numpy as np

from ._compile import kernel
from .draws import draw_index

SMALL = 1e-6  # messages with a smaller largest entry are scaled up, before float32 underflows


@kernel
def gather(table, index, out):
    """``out[row] = table[index[row]]``."""
    n_rows, n_states = out.shape
    for row in range(n_rows):
        source = index[row]
        for state in range(n_states):
            out[row, state] = table[source, state]


@kernel(fastmath={"reassoc", "nsz", "nnan"})
def absorb(table, index, log_scale, belief):
    """``belief[row] *= table[index[row]]``, scaled up where small; ``log_scale`` undoes that."""
    n_rows, n_states = belief.shape
    for row in range(n_rows):
        source = index[row]
        largest = belief[row, 0] * table[source, 0]
        for state in range(n_states):
            belief[row, state] *= table[source, state]
            largest = max(largest, belief[row, state])
        if 0 < largest < SMALL:
            log_scale[row] += np.log(largest)
            for state in range(n_states):
                belief[row, state] /= largest


@kernel
def divide(share, table, index, out):
    """``out[row] = share[row] / table[index[row]]``, 0 where zero is divided by zero."""
    n_rows, n_states = share.shape
    for row in range(n_rows):
        source = index[row]
        for state in range(n_states):
            message = table[source, state]
            out[row, state] = share[row, state] / message if message > 0 else 0


@kernel
def divide_and_add(share, table, index, sums):
    """Add ``share[row] / table[index[row]]`` to ``sums[index[row]]``."""
    n_rows, n_states = share.shape
    for row in range(n_rows):
        source = index[row]
        for state in range(n_states):
            message = table[source, state]
            sums[source, state] += share[row, state] / message if message > 0 else 0


@kernel(fastmath={"reassoc", "nsz"})
def share_out(belief, weight, share):
    """``share[row] *= belief[row]``, then scaled so that it sums to ``weight[row]``."""
    n_rows, n_states = share.shape
    for row in range(n_rows):
        total = share[row, 0] * belief[row, 0]
        for state in range(n_states):
            share[row, state] *= belief[row, state]
            total += share[row, state]
        total -= share[row, 0]
        scale = weight[row] / total
        for state in range(n_states):
            share[row, state] *= scale


@kernel
def add_rows(share, index, sums):
    """Add ``share[row]`` to ``sums[index[row]]``."""
    n_rows, n_states = share.shape
    for row in range(n_rows):
        target = index[row]
        for state in range(n_states):
            sums[target, state] += share[row, state]


@kernel
def draw(uniform, table, index, drawn):
    """``drawn[row]``: a column of ``table[index[row]]``, with probability proportional to it."""
    for row in range(len(drawn)):
        drawn[row] = draw_index(table[index[row]], uniform[row])
