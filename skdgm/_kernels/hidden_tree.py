"""The steps of message passing along a hidden tree that are not matrix products.

``index[row]`` says which row of a table belongs to a row of the data: the message of a leaf depends
on its value only, so that its table has a row for each value instead of one for each row.
"""

import numpy as np
from numba import njit

SMALL = 1e-6  # a message whose largest entry is below is scaled up, long before float32 underflows


@njit(nogil=True, cache=True)
def gather(table, index, out):
    """``out[row] = table[index[row]]``."""
    n_rows, n_states = out.shape
    for row in range(n_rows):
        source = index[row]
        for state in range(n_states):
            out[row, state] = table[source, state]


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz", "nnan"})
def absorb(table, index, log_scale, belief):
    """``belief[row] *= table[index[row]]``, scaled up where small; log_scale keeps by how much."""
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


@njit(nogil=True, cache=True)
def divide(share, table, index, out):
    """``out[row] = share[row] / table[index[row]]``, 0 where nothing is divided by nothing."""
    n_rows, n_states = share.shape
    for row in range(n_rows):
        source = index[row]
        for state in range(n_states):
            message = table[source, state]
            out[row, state] = share[row, state] / message if message > 0 else 0


@njit(nogil=True, cache=True)
def divide_and_add(share, table, index, sums):
    """Add ``share[row] / table[index[row]]`` to ``sums[index[row]]``."""
    n_rows, n_states = share.shape
    for row in range(n_rows):
        source = index[row]
        for state in range(n_states):
            message = table[source, state]
            sums[source, state] += share[row, state] / message if message > 0 else 0


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
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


@njit(nogil=True, cache=True)
def add_rows(share, index, sums):
    """Add ``share[row]`` to ``sums[index[row]]``."""
    n_rows, n_states = share.shape
    for row in range(n_rows):
        target = index[row]
        for state in range(n_states):
            sums[target, state] += share[row, state]


@njit(nogil=True, cache=True)
def draw(uniform, table, index, drawn):
    """``drawn[row]``: a place in ``table[index[row]]``, with probability proportional to it."""
    n_places = table.shape[1]
    for row in range(len(drawn)):
        weights = table[index[row]]
        threshold = uniform[row] * weights.sum()
        total, last = 0.0, 0
        for place in range(n_places):
            if weights[place] > 0:
                total += weights[place]
                last = place
                if total > threshold:
                    break
        drawn[row] = last
