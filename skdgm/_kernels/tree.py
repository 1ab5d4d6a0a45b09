"""Trees in which a value depends on that of one other column: scoring, drawing, missing values.

The tables ``p(value | value of the parent)`` of all columns lie one after the other in one flat
array. Where values are missing, each missing column j has a message

    message_j(v) = p(observed values below j | x_j = v)
                 = prod over children c of sum_w p(w | v) message_c(w),

in which an observed child has one term, up to a factor that the kernels account for. ``missing`` is
the code that marks a missing value.

Kernels unpack their tree before they loop, as taking an array out of a tuple counts a reference.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

SMALL = 1e-30  # a message whose largest entry is smaller is scaled, long before it underflows


class TreeArrays(NamedTuple):
    """A tree with its tables; every array but the last two has an entry a column.

    Attributes
    ----------
    order
        The columns, parents before their children.
    parent
        The parent, which is the root itself for the root.
    n_values
        The number of categories.
    first_cell
        Where the table starts: ``first_cell + stride * parent's value + value`` is its cell.
    stride
        The number of categories, or 0 for the root.
    first_value
        Where the values of the column start in an array with an entry a value of each column.
    probability, log_prob
        The tables.
    """

    order: np.ndarray
    parent: np.ndarray
    n_values: np.ndarray
    first_cell: np.ndarray
    stride: np.ndarray
    first_value: np.ndarray
    probability: np.ndarray
    log_prob: np.ndarray


@njit(nogil=True, cache=True)
def add_pairs(codes, weight, first_value, joint):
    """Add each row's weight to the cells of its pairs of values that are not 0, on one side.

    ``joint`` is as in :func:`add_expected_pairs`.
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


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
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


@njit(nogil=True, cache=True)
def draw(uniform, tree, cumulative, codes):
    """Invert the cumulative probabilities of each table row, of which the last is exactly 1."""
    order, parent, n_values, first_cell, stride, _, _, _ = tree
    for row in range(len(codes)):
        for j in order:
            cell = first_cell[j] + stride[j] * np.int64(codes[row, parent[j]])
            value = 0
            for v in range(n_values[j] - 1):
                value += uniform[row, j] >= cumulative[cell + v]
            codes[row, j] = value


# ---------------------------------------------------------------------- missing values
@njit(nogil=True, cache=True)
def _likelihood(code, missing, probability, cell, message, first, K):
    """What a column and all below it have from the table row that starts at ``cell``."""
    if code != missing:
        return probability[cell + np.int64(code)]
    total = 0.0
    for v in range(K):
        total += probability[cell + v] * message[first + v]
    return total


@njit(nogil=True, cache=True)
def _pass_up(x, missing, tree, message):
    """Fill the messages, from the leaves to the root, and return ``log p(observed)``.

    A column whose parent is known, and the root, whose stride of 0 makes it so, ends a factor.
    """
    order, parent, n_values, first_cell, stride, first_value, probability, log_prob = tree
    message[:] = 1.0
    total, factor = 0.0, 1.0
    for k in range(len(x) - 1, -1, -1):
        j = order[k]
        p, K, cell, first = parent[j], n_values[j], first_cell[j], first_value[j]
        if stride[j] == 0 or x[p] != missing:
            cell += stride[j] * np.int64(x[p])
            if x[j] != missing:
                total += log_prob[cell + np.int64(x[j])]
                continue
            factor *= _likelihood(x[j], missing, probability, cell, message, first, K)
            if factor < SMALL:
                total += np.log(factor)
                factor = 1.0
        else:
            largest = 0.0
            for u in range(first_value[p], first_value[p] + n_values[p]):
                message[u] *= _likelihood(x[j], missing, probability, cell, message, first, K)
                largest = max(largest, message[u])
                cell += K
            if largest < SMALL:
                total += np.log(largest)
                if largest == 0.0:
                    break
                for u in range(first_value[p], first_value[p] + n_values[p]):
                    message[u] /= largest
    return total + np.log(factor)


@njit(nogil=True, cache=True)
def log_prob_missing(codes, missing, tree, out):
    """``out[row] = log p(observed values)``."""
    message = np.empty(tree.n_values.sum())
    for row in range(len(codes)):
        out[row] = _pass_up(codes[row], missing, tree, message)


@njit(nogil=True, cache=True)
def draw_missing(uniform, missing, tree, codes):
    """Replace what is missing in the codes by draws from ``p(missing | observed values)``.

    Given its parent's value, v has a probability in proportion to ``p(v | .) message(v)``.
    """
    order, parent, n_values, first_cell, stride, first_value, probability, _ = tree
    message = np.empty(n_values.sum())
    for row in range(len(codes)):
        x = codes[row]
        _pass_up(x, missing, tree, message)
        for j in order:
            if x[j] != missing:
                continue
            cell = first_cell[j] + stride[j] * np.int64(x[parent[j]])
            K, first = n_values[j], first_value[j]
            total = _likelihood(x[j], missing, probability, cell, message, first, K)
            drawn, below, target = 0, 0.0, uniform[row, j] * total
            for v in range(K):
                share = probability[cell + v] * message[first + v]
                below += share
                if share > 0.0:
                    drawn = v
                if below > target:
                    break
            x[j] = drawn


@njit(nogil=True, cache=True)
def _share_out(part, probability, cell, message, first, K, posterior):
    """Add to a column's posterior its part by the table row that starts at ``cell``."""
    total = 0.0
    for v in range(K):
        total += probability[cell + v] * message[first + v]
    if total > 0.0:
        for v in range(K):
            posterior[first + v] += part / total * probability[cell + v] * message[first + v]


@njit(nogil=True, cache=True)
def _pass_down(x, missing, tree, message, posterior):
    """Fill ``posterior`` with ``p(x_j = v | observed values)`` of each missing column j."""
    order, parent, n_values, first_cell, stride, first_value, probability, _ = tree
    posterior[:] = 0.0
    for j in order:
        if x[j] != missing:
            continue
        p, K, cell, first = parent[j], n_values[j], first_cell[j], first_value[j]
        if stride[j] == 0 or x[p] != missing:
            cell += stride[j] * np.int64(x[p])
            _share_out(1.0, probability, cell, message, first, K, posterior)
            continue
        for u in range(first_value[p], first_value[p] + n_values[p]):
            _share_out(posterior[u], probability, cell, message, first, K, posterior)
            cell += K


@njit(nogil=True, cache=True)
def mean_missing(codes, missing, tree, mean):
    """``mean[row, j] = E[x_j | observed values]`` where x_j is missing."""
    n_values, first_value = tree.n_values, tree.first_value
    message, posterior = np.empty(n_values.sum()), np.empty(n_values.sum())
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        _pass_up(codes[row], missing, tree, message)
        _pass_down(codes[row], missing, tree, message, posterior)
        for j in range(n_columns):
            expected = 0.0
            for v in range(1, n_values[j]):
                expected += v * posterior[first_value[j] + v]
            mean[row, j] = expected


@njit(nogil=True, cache=True)
def _best(code, missing, log_prob, cell, message, first, K):
    """The most that a column and all below it can have, and by which value (the smallest)."""
    if code != missing:
        return log_prob[cell + np.int64(code)], np.int64(code)
    best, chosen = -np.inf, 0
    for v in range(K):
        candidate = log_prob[cell + v] + message[first + v]
        if candidate > best:
            best, chosen = candidate, v
    return best, chosen


@njit(nogil=True, cache=True)
def fill_mode(missing, tree, codes):
    """Replace what is missing in the codes by what maximises ``p(missing, observed values)``.

    A message is now the log-probability of the best completion below (the Viterbi algorithm).
    """
    order, parent, n_values, first_cell, stride, first_value, _, log_prob = tree
    message = np.empty(n_values.sum())
    for row in range(len(codes)):
        x = codes[row]
        message[:] = 0.0
        for k in range(len(x) - 1, -1, -1):
            j = order[k]
            p, K, cell, first = parent[j], n_values[j], first_cell[j], first_value[j]
            if stride[j] > 0 and x[p] == missing:
                for u in range(first_value[p], first_value[p] + n_values[p]):
                    message[u] += _best(x[j], missing, log_prob, cell, message, first, K)[0]
                    cell += K
        for j in order:
            cell = first_cell[j] + stride[j] * np.int64(x[parent[j]])
            x[j] = _best(x[j], missing, log_prob, cell, message, first_value[j], n_values[j])[1]


# ---------------------------------------------------------------------- expected pairs
@njit(nogil=True, cache=True)
def _link_components(x, missing, tree, head, following):
    """Chain up, parents first, the missing columns that hang together through missing ones.

    ``head[j]`` becomes the first of j's component and ``following[j]`` the next in it, or -1.
    """
    order, parent, _, _, stride, _, _, _ = tree
    last = np.empty(len(x), dtype=np.int64)  # of the component, by its head
    for j in order:
        if x[j] != missing:
            continue
        head[j], following[j] = j, -1
        if stride[j] > 0 and x[parent[j]] == missing:
            head[j] = head[parent[j]]
            following[last[head[j]]] = j
        last[head[j]] = j


@njit(nogil=True, cache=True)
def _hidden_width(codes, missing, n_values):
    """The most values that are not 0 which a row's missing columns have together."""
    n_rows, n_columns = codes.shape
    most = 0
    for row in range(n_rows):
        width = 0
        for j in range(n_columns):
            if codes[row, j] == missing:
                width += n_values[j] - 1
        most = max(most, width)
    return most


@njit(nogil=True, cache=True)
def _fill_slope(probability, cell, message, first, K, n_parent, slope):
    """``slope[c, v] = p(v | parent's value c, observed) - p(v | parent's value 0, observed)``."""
    for c in range(n_parent):
        total = 0.0
        for v in range(K):
            slope[c, v] = probability[cell + v] * message[first + v]
            total += slope[c, v]
        for v in range(K):
            if total > 0.0:  # else the parent's value is ruled out
                slope[c, v] /= total
            if c > 0:
                slope[c, v] -= slope[0, v]
        cell += K


@njit(nogil=True, cache=True)
def _extend_covariance(at, at_parent, posterior, slope, n_parent, covariance):
    """Add rows and columns from ``at`` on for the values 1, 2, ... of one more column.

    As the covariances of all values of the parent add up to 0, those with what was there before are
    ``cov(., x_j = v) = sum_(c > 0) cov(., parent = c) slope[c, v]``. The first has no parent.
    """
    for v in range(1, len(posterior)):
        new = at + v - 1
        covariance[new, :at] = 0.0
        if at > 0:
            for c in range(1, n_parent):
                factor, known = slope[c, v], at_parent + c - 1
                for a in range(at):
                    covariance[new, a] += factor * covariance[known, a]
        for a in range(at):
            covariance[a, new] = covariance[new, a]
        for b in range(1, len(posterior)):
            own = posterior[v] if b == v else 0.0
            covariance[new, at + b - 1] = own - posterior[v] * posterior[b]


@njit(nogil=True, cache=True)
def _fill_soft(x, missing, n_values, first_value, posterior, soft):
    """One, and the probabilities of the values 1, 2, ... of each column."""
    soft[0] = 1.0
    for j in range(len(x)):
        place = first_value[j] - j
        for v in range(1, n_values[j]):
            if x[j] == missing:
                soft[place + v] = posterior[first_value[j] + v]
            else:
                soft[place + v] = x[j] == v


@njit(nogil=True, cache=True)
def add_expected_pairs(codes, missing, weight, tree, soft, joint, out):
    """Fill each row of ``soft``, and add to ``joint`` what products of its entries lack.

    The entries of a row are 1 and, for the values 1, 2, ... of each column j (from place
    ``first_value[j] - j + 1`` on), ``p(x_j = v | observed values)``. Products of them are the
    expected pairs, but for columns that are missing and hang together: there the covariance is
    added, weighted, on one side of the diagonal or the other. ``out`` becomes what
    :func:`log_prob_missing` gives. A row of probability zero adds nothing.
    """
    order, parent, n_values, first_cell, _, first_value, probability, _ = tree
    n_rows, n_columns = codes.shape
    most, widest = _hidden_width(codes, missing, n_values), n_values.max()
    message, posterior = np.empty(n_values.sum()), np.empty(n_values.sum())
    head, following = np.empty(n_columns, dtype=np.int64), np.empty(n_columns, dtype=np.int64)
    place, cells = np.empty(n_columns, dtype=np.int64), np.empty(most, dtype=np.int64)
    covariance, slope = np.empty((most, most)), np.empty((widest, widest))
    for row in range(n_rows):
        x = codes[row]
        out[row] = _pass_up(x, missing, tree, message)
        if out[row] == -np.inf:
            soft[row] = 0.0
            continue
        _pass_down(x, missing, tree, message, posterior)
        _fill_soft(x, missing, n_values, first_value, posterior, soft[row])
        _link_components(x, missing, tree, head, following)
        for start in order:
            if x[start] != missing or head[start] != start:
                continue
            j, size = start, 0
            while j >= 0:
                p, K, first = parent[j], n_values[j], first_value[j]
                place[j] = size
                if size > 0:
                    cell = first_cell[j]
                    _fill_slope(probability, cell, message, first, K, n_values[p], slope)
                own = posterior[first : first + K]
                _extend_covariance(size, place[p], own, slope, n_values[p], covariance)
                for v in range(1, K):
                    cells[size] = first - j + v
                    for a in range(size + 1):
                        joint[cells[size], cells[a]] += weight[row] * covariance[size, a]
                    size += 1
                j = following[j]
