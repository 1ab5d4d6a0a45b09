"""Trees in which values are missing: messages from the leaves to the root.

Each missing column j has a message

    message_j(v) = p(observed values below j | x_j = v)
                 = prod over children c of sum_w p(w | v) message_c(w),

in which an observed child has one term, up to a factor that the kernels account for. ``tree`` is a
:class:`~skdgm._kernels.tree.TreeArrays`; ``missing`` is the code that marks a missing value.
"""

import numpy as np

from ._compile import kernel
from .draws import draw_index

SMALL = 1e-30  # messages with a smaller largest entry are scaled up, long before they underflow


@kernel
def _likelihood(code, missing, probability, cell, message, first, K):
    """Return the likelihood of a column and all below it; its probabilities start at ``cell``."""
    if code != missing:
        return probability[cell + np.int64(code)]
    total = 0.0
    for v in range(K):
        total += probability[cell + v] * message[first + v]
    return total


@kernel
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


@kernel
def log_prob_missing(codes, missing, tree, out):
    """``out[row] = log p(observed values)``."""
    message = np.empty(tree.n_values.sum())
    for row in range(len(codes)):
        out[row] = _pass_up(codes[row], missing, tree, message)


@kernel
def draw_missing(uniform, missing, tree, codes):
    """Replace what is missing in the codes by draws from ``p(missing | observed values)``.

    Given its parent's value, v has a probability in proportion to ``p(v | .) message(v)``.
    """
    order, parent, n_values, first_cell, stride, first_value, probability, _ = tree
    message, share = np.empty(n_values.sum()), np.empty(n_values.max())
    for row in range(len(codes)):
        x = codes[row]
        _pass_up(x, missing, tree, message)
        for j in order:
            if x[j] != missing:
                continue
            cell = first_cell[j] + stride[j] * np.int64(x[parent[j]])
            K, first = n_values[j], first_value[j]
            for v in range(K):
                share[v] = probability[cell + v] * message[first + v]
            x[j] = draw_index(share[:K], uniform[row, j])


@kernel
def _share_out(part, probability, cell, message, first, K, posterior):
    """Add to a column's posterior its part from the probabilities that start at ``cell``."""
    total = 0.0
    for v in range(K):
        total += probability[cell + v] * message[first + v]
    if total > 0.0:
        for v in range(K):
            posterior[first + v] += part / total * probability[cell + v] * message[first + v]


@kernel
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


@kernel
def mean_missing(codes, missing, worth, tree, mean):
    """``mean[row, j] = E[x_j | observed values]`` where x_j is missing.

    The value of code v of column j is ``worth[first_value[j] + v]``.
    """
    n_values, first_value = tree.n_values, tree.first_value
    message, posterior = np.empty(n_values.sum()), np.empty(n_values.sum())
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        _pass_up(codes[row], missing, tree, message)
        _pass_down(codes[row], missing, tree, message, posterior)
        for j in range(n_columns):
            expected = 0.0
            for u in range(first_value[j], first_value[j] + n_values[j]):
                expected += worth[u] * posterior[u]
            mean[row, j] = expected


@kernel
def _best(code, missing, log_prob, cell, message, first, K):
    """Return the best log-probability of a column and all below it, and its (smallest) value."""
    if code != missing:
        return log_prob[cell + np.int64(code)], np.int64(code)
    best, chosen = -np.inf, 0
    for v in range(K):
        candidate = log_prob[cell + v] + message[first + v]
        if candidate > best:
            best, chosen = candidate, v
    return best, chosen


@kernel
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
@kernel
def _link_components(x, missing, tree, head, following):
    """Chain up the missing columns that are connected through missing ones, parents first.

    ``head[j]`` becomes the first of j's component, and ``following[j]`` the next in it, or -1.
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


@kernel
def _missing_width(codes, missing, n_values):
    """Largest number of values other than 0 that the missing columns of a row have together."""
    n_rows, n_columns = codes.shape
    most = 0
    for row in range(n_rows):
        width = 0
        for j in range(n_columns):
            if codes[row, j] == missing:
                width += n_values[j] - 1
        most = max(most, width)
    return most


@kernel
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


@kernel
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


@kernel
def _fill_soft(x, missing, n_values, first_value, posterior, soft):
    """Fill in one, and the probabilities of the values 1, 2, ... of each column."""
    soft[0] = 1.0
    for j in range(len(x)):
        place = first_value[j] - j
        for v in range(1, n_values[j]):
            if x[j] == missing:
                soft[place + v] = posterior[first_value[j] + v]
            else:
                soft[place + v] = x[j] == v


@kernel
def add_expected_pairs(codes, missing, weight, tree, soft, joint, out):
    """Fill each row of ``soft``, and add to ``joint`` what products of its entries lack.

    The entries of a row are 1 and, for the values 1, 2, ... of each column j (from place
    ``first_value[j] - j + 1`` on), ``p(x_j = v | observed values)``. Products of them are the
    expected pairs, except for missing columns that are connected: there the weighted covariance is
    added, on one side of the diagonal or the other. ``out`` becomes what :func:`log_prob_missing`
    gives. A row of probability zero adds nothing.
    """
    order, parent, n_values, first_cell, _, first_value, probability, _ = tree
    n_rows, n_columns = codes.shape
    most, widest = _missing_width(codes, missing, n_values), n_values.max()
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
