"""Chains in which values are missing: messages over the contexts that the observed values leave.

As in :mod:`markov_chain`, ``table[i]`` is the table that position i uses, and a context is a number
of base-K digits. Only the digits of missing values are free: position i has ``K**f`` entries, with
f missing values among the ``order`` before it, and the digits of an entry's own number are the free
ones. With

    message_i(entry) = p(observed values from position i on | the entry's context)
                     = sum_v p_i(v | context) message_(i+1)(the entry that follows)

a row costs the sum of its ``K**f``. The messages of a position are scaled to a largest value of 1.
``order`` is at least 1; ``missing`` is the code that marks a missing value.
"""

import numpy as np

from ._compile import kernel
from .draws import draw_index


@kernel
def _n_entries(codes, missing, order, n_categories):
    """Number of entries, over all positions and past the end, of the row that has the most."""
    n_rows, n_columns = codes.shape
    most = 0
    for row in range(n_rows):
        size, total = 1, 1
        for i in range(n_columns):
            if codes[row, i] == missing:
                size *= n_categories
            if i >= order and codes[row, i - order] == missing:
                size //= n_categories
            total += size
        most = max(most, total)
    return most


@kernel
def _allocate_entries(codes, missing, order, n_categories):
    """Allocate ``start``, ``context`` and ``message``, with room for the entries of any row."""
    most = _n_entries(codes, missing, order, n_categories)
    start = np.empty(codes.shape[1] + 2, dtype=np.int64)
    return start, np.empty(most, dtype=np.int64), np.empty(most)


@kernel
def _allocate_posteriors(probability):
    """Allocate what :func:`_share_out` takes and fills: ``posterior``, ``after`` and ``joint``."""
    n_contexts, n_categories = probability.shape[1:]
    return np.empty(n_contexts), np.empty(n_contexts), np.empty((n_contexts, n_categories))


@kernel
def _lay_out(codes, missing, order, n_categories, start, context):
    """Number the entries: those of position i start at ``start[i]``; give each its context."""
    n_contexts = n_categories**order
    start[0], start[1], context[0] = 0, 1, 0
    size = 1
    for i in range(len(codes)):
        begin, next_begin = start[i], start[i + 1]
        is_missing = codes[i] == missing
        if is_missing:
            size *= n_categories
        if i >= order and codes[i - order] == missing:
            size //= n_categories
        start[i + 2] = next_begin + size
        if is_missing:
            for parent in range(size // n_categories):
                shifted = context[begin + parent] * n_categories % n_contexts
                for value in range(n_categories):
                    context[next_begin + parent * n_categories + value] = shifted + value
        else:
            value = np.int64(codes[i])
            for parent in range(size):
                shifted = context[begin + parent] * n_categories % n_contexts
                context[next_begin + parent] = shifted + value


@kernel
def _possible(code, missing, n_categories):
    """Return the first value that may stand at a position, and the last plus one."""
    if code == missing:
        return 0, n_categories
    return np.int64(code), np.int64(code) + 1


@kernel
def _pass_back(codes, missing, table, order, probability, log_prob, start, context, message):
    """Fill the messages, from the last position to the first, and return ``log p(observed)``.

    What is missing after the last observed value is certain to take some value: there they are 1.
    """
    n_columns, n_categories = len(codes), probability.shape[2]
    _lay_out(codes, missing, order, n_categories, start, context)
    last = n_columns - 1
    while last >= 0 and codes[last] == missing:
        last -= 1
    message[start[last + 1] : start[n_columns + 1]] = 1.0
    total = 0.0
    for i in range(last, -1, -1):
        begin, end, next_end = start[i], start[i + 1], start[i + 2]
        low, high = _possible(codes[i], missing, n_categories)
        if next_end - begin == 2 and high - low == 1:  # one context before and after the value
            total += log_prob[table[i], context[begin], low]
            message[begin] = 1.0
            continue
        child, largest = end, 0.0
        for entry in range(begin, end):
            p = probability[table[i], context[entry]]
            likelihood = 0.0
            for v in range(low, high):
                likelihood += p[v] * message[child + v - low]
            message[entry] = likelihood
            largest = max(largest, likelihood)
            child += high - low
            if child == next_end:  # the digit that the next entries differ in leaves the context
                child = end
        if largest == 0.0:
            return -np.inf
        for entry in range(begin, end):
            message[entry] /= largest
        total += np.log(largest)
    return total


@kernel
def log_prob_missing(codes, missing, table, order, probability, log_prob, out):
    """``out[row] = log p(observed values)``; ``probability`` and its logarithm are (T, C, K)."""
    start, context, message = _allocate_entries(codes, missing, order, probability.shape[2])
    for row in range(len(codes)):
        out[row] = _pass_back(
            codes[row], missing, table, order, probability, log_prob, start, context, message
        )


@kernel
def draw_missing(uniform, missing, table, order, probability, log_prob, codes):
    """Replace what is missing in the codes by draws from ``p(missing | observed values)``.

    After a context, v has a probability in proportion to ``p(v | context) message(entry of v)``.
    """
    n_rows, n_columns = codes.shape
    n_categories = probability.shape[2]
    start, context, message = _allocate_entries(codes, missing, order, n_categories)
    share = np.empty(n_categories)
    for row in range(n_rows):
        x = codes[row]
        _pass_back(x, missing, table, order, probability, log_prob, start, context, message)
        entry = 0
        for i in range(n_columns):
            begin, end, size = start[i], start[i + 1], start[i + 2] - start[i + 1]
            if x[i] != missing:
                entry %= size
                continue
            child = entry * n_categories % size
            p = probability[table[i], context[begin + entry]]
            for v in range(n_categories):
                share[v] = p[v] * message[end + child + v]
            drawn = draw_index(share, uniform[row, i])
            x[i] = drawn
            entry = child + drawn


@kernel
def _share_out(p, low, high, begin, end, next_end, context, message, posterior, after, joint):
    """Fill ``after``, the posterior of the next position's entries, from that of this position's.

    ``joint[entry, v - low] = p(context of the entry, v at the position | observed values)``.
    """
    after[: next_end - end] = 0.0
    child = end
    for entry in range(end - begin):
        likelihood = 0.0
        for v in range(low, high):
            joint[entry, v - low] = p[context[begin + entry], v] * message[child + v - low]
            likelihood += joint[entry, v - low]
        for v in range(low, high):
            if likelihood > 0.0:
                joint[entry, v - low] *= posterior[entry] / likelihood
            after[child - end + v - low] += joint[entry, v - low]
        child += high - low
        if child == next_end:
            child = end


@kernel
def add_expected_windows(codes, missing, weight, table, order, probability, log_prob, counts, out):
    """Add each row's weight, shared out by ``p(context, value | observed values)``, to the counts.

    The counts are (T, C, K); ``out`` becomes what :func:`log_prob_missing` gives. A row of
    probability zero adds nothing.
    """
    n_rows, n_columns = codes.shape
    n_categories = probability.shape[2]
    start, context, message = _allocate_entries(codes, missing, order, n_categories)
    posterior, after, joint = _allocate_posteriors(probability)
    for row in range(n_rows):
        x = codes[row]
        out[row] = _pass_back(
            x, missing, table, order, probability, log_prob, start, context, message
        )
        if out[row] == -np.inf:
            continue
        posterior[0] = 1.0
        for i in range(n_columns):
            begin, end, next_end = start[i], start[i + 1], start[i + 2]
            low, high = _possible(x[i], missing, n_categories)
            p, count = probability[table[i]], counts[table[i]]
            _share_out(
                p, low, high, begin, end, next_end, context, message, posterior, after, joint
            )
            for entry in range(end - begin):
                for v in range(low, high):
                    count[context[begin + entry], v] += weight[row] * joint[entry, v - low]
            posterior, after = after, posterior


@kernel
def mean_missing(codes, missing, table, order, probability, log_prob, worth, mean):
    """``mean[row, i] = E[worth[x_i] | observed values]``."""
    n_rows, n_columns = codes.shape
    n_categories = probability.shape[2]
    start, context, message = _allocate_entries(codes, missing, order, n_categories)
    posterior, after, joint = _allocate_posteriors(probability)
    for row in range(n_rows):
        x = codes[row]
        _pass_back(x, missing, table, order, probability, log_prob, start, context, message)
        posterior[0] = 1.0
        for i in range(n_columns):
            begin, end, next_end = start[i], start[i + 1], start[i + 2]
            low, high = _possible(x[i], missing, n_categories)
            p = probability[table[i]]
            _share_out(
                p, low, high, begin, end, next_end, context, message, posterior, after, joint
            )
            mean[row, i] = 0.0
            for entry in range(end - begin):
                for v in range(low, high):
                    mean[row, i] += worth[v] * joint[entry, v - low]
            posterior, after = after, posterior


@kernel
def fill_mode(missing, table, order, log_prob, codes):
    """Replace what is missing in the codes by what maximises ``p(missing, observed values)``.

    A message is now the log-probability of the best completion from its position on (the Viterbi
    algorithm). Of values as good as each other the smallest is taken.
    """
    n_rows, n_columns = codes.shape
    n_categories = log_prob.shape[2]
    start, context, message = _allocate_entries(codes, missing, order, n_categories)
    for row in range(n_rows):
        x = codes[row]
        _lay_out(x, missing, order, n_categories, start, context)
        message[start[n_columns] : start[n_columns + 1]] = 0.0
        for i in range(n_columns - 1, -1, -1):
            begin, end, next_end = start[i], start[i + 1], start[i + 2]
            low, high = _possible(x[i], missing, n_categories)
            child = end
            for entry in range(begin, end):
                log_p = log_prob[table[i], context[entry]]
                best = -np.inf
                for v in range(low, high):
                    best = max(best, log_p[v] + message[child + v - low])
                message[entry] = best
                child += high - low
                if child == next_end:
                    child = end
        entry = 0
        for i in range(n_columns):
            begin, end, size = start[i], start[i + 1], start[i + 2] - start[i + 1]
            low, high = _possible(x[i], missing, n_categories)
            log_p = log_prob[table[i], context[begin + entry]]
            child = entry * (high - low) % size
            best, chosen = -np.inf, low
            for v in range(low, high):
                candidate = log_p[v] + message[end + child + v - low]
                if candidate > best:
                    best, chosen = candidate, v
            x[i] = chosen
            entry = child + chosen - low


@kernel
def add_observed_windows(codes, missing, weight, table, order, counts):
    """Add each row's weight to the cells of the windows in which nothing is missing."""
    n_rows, n_columns = codes.shape
    n_categories = counts.shape[2]
    n_contexts = n_categories**order
    for row in range(n_rows):
        context, n_observed = 0, 0  # the latter since the last missing value
        for i in range(n_columns):
            if codes[row, i] == missing:
                context, n_observed = 0, 0
                continue
            value = np.int64(codes[row, i])
            if n_observed >= min(i, order):
                counts[table[i], context, value] += weight[row]
            context = (context * n_categories + value) % n_contexts
            n_observed += 1
