"""Messages along a trellis: layers of states, which a row walks through from left to right.

A row of ``columns`` holds, for each position, the column of the layer's child rows in which its
value stands; -1 is a missing value, which may be any column. In state s at position i, column c has
the probability ``even[s] + run_weight[r]``, where r is the place in the run of s with
``run_column[r] == c`` (0 where there is none), and leads to the state ``child[child_first[row[s]] +
c]`` of the next layer. A run is sorted by column. States count from ``state_start[i]``; a row
starts in the last state of layer 0, and past the end there is one state.

    message(s) = log p(observed values from position i on | s)
               = log sum_c p(c | s) exp(message(child of c))

Messages are logarithms, because those of a layer may differ by more than the range of floats.
States that share a child row share the sum over its columns, so that only their runs cost extra.
"""

from typing import NamedTuple

import numpy as np

from ._compile import kernel
from .draws import draw_index


class TrellisArrays(NamedTuple):
    """Transitions of the states of all layers, and their probabilities."""

    state_start: np.ndarray  # (n_positions + 2,)
    width: np.ndarray  # (n_positions,) columns of a child row
    row: np.ndarray  # (n_states,)
    child_first: np.ndarray  # (n_rows,)
    child: np.ndarray
    even: np.ndarray  # (n_states,)
    run_start: np.ndarray  # (n_states,)
    run_end: np.ndarray  # (n_states,)
    run_column: np.ndarray
    run_weight: np.ndarray


class Scratch(NamedTuple):
    """Arrays that a kernel fills for one row of columns after another."""

    seen: np.ndarray  # (n_states,) the mark of the last row that reached a state
    row_seen: np.ndarray  # (n_rows,) the same of a child row
    active: np.ndarray  # (n_states,) the states that a row reaches, layer by layer
    start: np.ndarray  # (n_positions + 2,) where those of a layer start
    message: np.ndarray  # (n_states,)
    scaled: np.ndarray  # (n_states,) exponentials of messages
    of_row: np.ndarray  # (n_rows,) the sum or the best over the columns of a child row


@kernel
def _allocate_scratch(trellis):
    n_states, n_child_rows = len(trellis.row), len(trellis.child_first)
    return Scratch(
        np.zeros(n_states, dtype=np.int32),
        np.zeros(n_child_rows, dtype=np.int32),
        np.empty(n_states, dtype=np.int32),
        np.empty(len(trellis.state_start), dtype=np.int64),
        np.empty(n_states),
        np.empty(n_states),
        np.empty(n_child_rows),
    )


@kernel
def _allocate_share(trellis):
    """Return room for a share of each column of the widest child row."""
    widest = 0
    for width in trellis.width:
        widest = max(widest, width)
    return np.empty(widest)


@kernel
def _probability(trellis, state, column):
    """Return the probability of the column, by bisection of the state's run."""
    low, end = trellis.run_start[state], trellis.run_end[state]
    high = end
    while low < high:
        middle = (low + high) // 2
        if trellis.run_column[middle] < column:
            low = middle + 1
        else:
            high = middle
    if low < end and trellis.run_column[low] == column:
        return trellis.even[state] + trellis.run_weight[low]
    return trellis.even[state]


@kernel
def _child(trellis, i, state, column):
    child = trellis.child[trellis.child_first[trellis.row[state]] + column]
    return trellis.state_start[i + 1] + child


@kernel
def _last_observed(columns):
    last = len(columns) - 1
    while last >= 0 and columns[last] < 0:
        last -= 1
    return last


@kernel
def _reach(trellis, columns, until, mark, scratch):
    """List the states that the observed values leave possible in the layers up to ``until``.

    Those of layer i are ``active[start[i]]`` to ``active[start[i + 1] - 1]``. What this row of
    columns reaches is marked with ``mark``.
    """
    seen, row_seen, active, start, _, _, _ = scratch
    active[0] = trellis.state_start[1] - 1
    start[0], start[1] = 0, 1
    for i in range(until):
        count = start[i + 1]
        for state in active[start[i] : start[i + 1]]:
            first, last = 0, -1
            if columns[i] >= 0:
                if _probability(trellis, state, columns[i]) > 0.0:
                    first = last = columns[i]
            elif trellis.even[state] > 0.0:
                if row_seen[trellis.row[state]] != mark:
                    row_seen[trellis.row[state]] = mark
                    last = trellis.width[i] - 1
            else:
                for r in range(trellis.run_start[state], trellis.run_end[state]):
                    child = _child(trellis, i, state, trellis.run_column[r])
                    if trellis.run_weight[r] > 0.0 and seen[child] != mark:
                        seen[child] = mark
                        active[count] = child
                        count += 1
            for column in range(first, last + 1):
                child = _child(trellis, i, state, column)
                if seen[child] != mark:
                    seen[child] = mark
                    active[count] = child
                    count += 1
        start[i + 2] = count


@kernel
def _sum_of_columns(trellis, i, state, message):
    """Return ``log sum_c p(c | s) exp(message)``, whatever the size of the messages."""
    row, even = trellis.row[state], trellis.even[state]
    first, begin = trellis.child_first[row], trellis.state_start[i + 1]
    largest, total = -np.inf, 0.0
    for twice in range(2):
        if even > 0.0:
            for column in range(trellis.width[i]):
                child = begin + trellis.child[first + column]
                if twice:
                    total += even * np.exp(message[child] - largest)
                else:
                    largest = max(largest, message[child])
        for r in range(trellis.run_start[state], trellis.run_end[state]):
            child = begin + trellis.child[first + trellis.run_column[r]]
            if trellis.run_weight[r] > 0.0:
                if twice:
                    total += trellis.run_weight[r] * np.exp(message[child] - largest)
                else:
                    largest = max(largest, message[child])
        if largest == -np.inf:
            return largest
    return largest + np.log(total)


@kernel
def _pass_back(trellis, columns, until, mark, scratch):
    """Fill the messages of the active states of the layers up to ``until``, where they are 0.

    ``scaled`` are the exponentials relative to the largest message of a layer, and ``row_sum``
    their sums over child rows: what they give is exact unless it comes near the smallest float.
    """
    _, row_seen, active, start, message, scaled, row_sum = scratch
    for state in active[start[until] : start[until + 1]]:
        message[state] = 0.0
    for i in range(until - 1, -1, -1):
        if columns[i] >= 0:
            for state in active[start[i] : start[i + 1]]:
                p = _probability(trellis, state, columns[i])
                child = _child(trellis, i, state, columns[i])
                message[state] = np.log(p) + message[child] if p > 0.0 else -np.inf
            continue
        largest = -np.inf
        for child in active[start[i + 1] : start[i + 2]]:
            largest = max(largest, message[child])
        if largest == -np.inf:
            return largest
        for child in active[start[i + 1] : start[i + 2]]:
            scaled[child] = np.exp(message[child] - largest)
        begin = trellis.state_start[i + 1]
        for state in active[start[i] : start[i + 1]]:
            row, total = trellis.row[state], 0.0
            first = trellis.child_first[row]
            if trellis.even[state] > 0.0:
                if row_seen[row] != -mark:
                    row_seen[row] = -mark
                    row_sum[row] = 0.0
                    for child in trellis.child[first : first + trellis.width[i]]:
                        row_sum[row] += scaled[begin + child]
                total = trellis.even[state] * row_sum[row]
            for r in range(trellis.run_start[state], trellis.run_end[state]):
                if trellis.run_weight[r] > 0.0:
                    child = begin + trellis.child[first + trellis.run_column[r]]
                    total += trellis.run_weight[r] * scaled[child]
            if total > 1e-250:
                message[state] = largest + np.log(total)
            else:
                message[state] = _sum_of_columns(trellis, i, state, message)
    return message[active[0]]


@kernel
def _pass_back_best(trellis, columns, mark, scratch):
    """Fill the messages with the log-probability of the best completion, up to the last layer.

    A column with a weight of its own beats its even share, so that the best of a child row and the
    best of a run decide.
    """
    _, row_seen, active, start, message, _, row_best = scratch
    message[trellis.state_start[len(columns)]] = 0.0
    for i in range(len(columns) - 1, -1, -1):
        begin = trellis.state_start[i + 1]
        for state in active[start[i] : start[i + 1]]:
            row, even, best = trellis.row[state], trellis.even[state], -np.inf
            first = trellis.child_first[row]
            if columns[i] >= 0:
                p = _probability(trellis, state, columns[i])
                best = message[begin + trellis.child[first + columns[i]]]
                message[state] = np.log(p) + best if p > 0.0 else -np.inf
                continue
            if even > 0.0:
                if row_seen[row] != -mark:
                    row_seen[row] = -mark
                    row_best[row] = -np.inf
                    for child in trellis.child[first : first + trellis.width[i]]:
                        row_best[row] = max(row_best[row], message[begin + child])
                best = np.log(even) + row_best[row]
            for r in range(trellis.run_start[state], trellis.run_end[state]):
                p = even + trellis.run_weight[r]
                if p > 0.0:
                    child = begin + trellis.child[first + trellis.run_column[r]]
                    best = max(best, np.log(p) + message[child])
            message[state] = best


@kernel
def log_prob(trellis, columns, out):
    """``out[row] = log p(observed values)``."""
    scratch = _allocate_scratch(trellis)
    for row in range(len(columns)):
        x, mark = columns[row], row + 1
        until = _last_observed(x) + 1  # what comes after is certain to take some value
        _reach(trellis, x, until, mark, scratch)
        out[row] = _pass_back(trellis, x, until, mark, scratch)


@kernel
def draw(uniform, trellis, columns):
    """Replace the columns that are missing by draws from ``p(missing | observed values)``."""
    n_rows, n_columns = columns.shape
    scratch = _allocate_scratch(trellis)
    active, message = scratch.active, scratch.message
    share = _allocate_share(trellis)
    for row in range(n_rows):
        x, mark = columns[row], row + 1
        until = _last_observed(x) + 1
        _reach(trellis, x, until, mark, scratch)
        _pass_back(trellis, x, until, mark, scratch)
        state = active[0]
        for i in range(n_columns):
            if x[i] < 0:
                width = trellis.width[i]
                _share_out(trellis, i, state, i < until, message, share)
                x[i] = draw_index(share[:width], uniform[row, i])
            state = _child(trellis, i, state, x[i])


@kernel
def _share_out(trellis, i, state, informed, message, share):
    """Give each column ``p(c | s, observed values)``; ``informed`` if some are still to come."""
    width = trellis.width[i]
    share[:width] = trellis.even[state]
    for r in range(trellis.run_start[state], trellis.run_end[state]):
        share[trellis.run_column[r]] += trellis.run_weight[r]
    if not informed:
        return
    largest = -np.inf
    for column in range(width):
        if share[column] > 0.0:
            largest = max(largest, message[_child(trellis, i, state, column)])
    total = 0.0
    for column in range(width):
        if share[column] > 0.0:
            child = _child(trellis, i, state, column)
            share[column] *= np.exp(message[child] - largest)
        total += share[column]
    for column in range(width):
        share[column] /= total


@kernel
def add_posterior(trellis, columns, weight, worth, expected_first, expected, mean, out):
    """Compute what is expected of the missing columns, and of the columns after every state.

    ``mean[row, i] = E[worth[column] | observed values]`` where the column is missing. Each row's
    weight times ``p(s, c | observed values)`` is added to ``expected[expected_first[s] + c]``,
    unless ``expected_first[s]`` is negative; ``out`` is as in :func:`log_prob`. A row of
    probability zero adds nothing.
    """
    n_rows, n_columns = columns.shape
    scratch = _allocate_scratch(trellis)
    active, start, message = scratch.active, scratch.start, scratch.message
    posterior, share = np.empty(len(active)), _allocate_share(trellis)
    for row in range(n_rows):
        x, mark = columns[row], row + 1
        until = _last_observed(x) + 1
        _reach(trellis, x, n_columns, mark, scratch)
        out[row] = _pass_back(trellis, x, until, mark, scratch)
        for i in range(n_columns):  # Numba takes seconds to compile a copy of slices
            mean[row, i] = x[i]
        if out[row] == -np.inf:
            continue
        for state in active[: start[n_columns + 1]]:
            posterior[state] = 0.0
        posterior[active[0]] = 1.0
        for i in range(n_columns):
            if x[i] < 0:
                mean[row, i] = 0.0
            for state in active[start[i] : start[i + 1]]:
                if posterior[state] == 0.0:
                    continue
                low, high = x[i], x[i] + 1
                if x[i] < 0:
                    low, high = 0, trellis.width[i]
                    _share_out(trellis, i, state, i < until, message, share)
                else:
                    share[x[i]] = 1.0
                first = expected_first[state]
                for column in range(low, high):
                    joint = posterior[state] * share[column]
                    if joint > 0.0:
                        posterior[_child(trellis, i, state, column)] += joint
                        if x[i] < 0:
                            mean[row, i] += joint * worth[column]
                        if first >= 0:
                            expected[first + column] += weight[row] * joint


@kernel
def fill_mode(trellis, columns):
    """Replace the columns that are missing by what maximises ``p(missing, observed values)``.

    Of columns as good as each other the first is taken.
    """
    n_rows, n_columns = columns.shape
    scratch = _allocate_scratch(trellis)
    active, message = scratch.active, scratch.message
    share = _allocate_share(trellis)
    for row in range(n_rows):
        x, mark = columns[row], row + 1
        _reach(trellis, x, n_columns, mark, scratch)
        _pass_back_best(trellis, x, mark, scratch)
        state = active[0]
        for i in range(n_columns):
            if x[i] < 0:
                _share_out(trellis, i, state, False, message, share)
                best, chosen = -np.inf, 0
                for column in range(trellis.width[i]):
                    if share[column] > 0.0:
                        child = _child(trellis, i, state, column)
                        candidate = np.log(share[column]) + message[child]
                        if candidate > best:
                            best, chosen = candidate, column
                x[i] = chosen
            state = _child(trellis, i, state, x[i])
