"""Chains in which values are missing: messages over the contexts that the observed values leave.

As in :mod:`markov_chain`, ``table[i]`` is the table that position i uses, and a context is a number
of base-K digits. ``order`` is at least 1; ``missing`` is the code that marks a missing value.

A *segment* of a row begins at a missing value with only observed values among the ``order`` before
it, and ends where a context holds nothing missing again, so that nothing outside depends on what is
missing inside. Its positions have entries: ``K**f``, with f missing values among the ``order``
before, and the digits of an entry's own number are the free ones. With

    message_i(entry) = p(observed values from position i to the end | the entry's context)
                     = sum_v p_i(v | context) message_(i+1)(the entry that follows)

a segment costs the sum of its ``K**f``. Segments that are neighbours in their list share what they
have in common: all of it, or the messages past the contexts in which they differ.
"""

import numpy as np

from ._compile import kernel
from .draws import draw_index

LOG_PROB, MEAN, MODE, DRAW, COUNT = range(5)  # what :func:`answer` is asked for
ROW, BEGIN, END, PLACE, CONTEXT, HASH = range(6)  # the columns of segments
SMALL = 1e-8  # messages with a smaller largest entry are scaled up
PRIME = 1_099_511_628_211


@kernel
def find_segments(codes, missing, order, n_categories):
    """List the segments, row by row; return the most entries that one has, and those of all.

    ``PLACE`` counts the missing values before the segment in all rows, ``CONTEXT`` is the one that
    it begins after, and ``HASH`` tells its values.
    """
    n_rows, n_columns = codes.shape
    segments, most = np.empty((0, 6), dtype=np.int64), 0
    n_entries = 0
    for is_filling in range(2):
        n_segments, place = 0, 0
        for row in range(n_rows):
            begin, last, size, total, value_hash, first = -1, 0, 1, 1, 0, 0
            for i in range(n_columns):
                is_missing = codes[row, i] == missing
                if begin < 0:
                    if not is_missing:
                        continue
                    begin, size, total, value_hash, first = i, 1, 1, 0, place
                if is_missing:
                    last = i
                    place += 1
                    size *= n_categories
                if i - order >= begin and codes[row, i - order] == missing:
                    size //= n_categories
                total += size
                value_hash = (value_hash ^ np.int64(codes[row, i])) * PRIME
                if i - last < order and i + 1 < n_columns:
                    continue
                if is_filling:
                    context = 0
                    for j in range(max(begin - order, 0), begin):
                        context = context * n_categories + np.int64(codes[row, j])
                    own = segments[n_segments]
                    own[ROW], own[BEGIN], own[END] = row, begin, i + 1
                    own[PLACE], own[CONTEXT], own[HASH] = first, context, value_hash
                n_segments += 1
                n_entries += total
                most = max(most, total)
                begin = -1
        if not is_filling:
            segments = np.empty((n_segments, 6), dtype=np.int64)
    return segments, most, n_entries // 2


@kernel
def _last_change(codes, missing, order, before, segment):
    """Return the last position that tells a segment from the one before it in the list.

    It is the end if they miss different values, and -1 if nothing differs.
    """
    begin, end = segment[BEGIN], segment[END]
    if before[BEGIN] != begin or before[END] != end:
        return end
    last = -1
    for i in range(max(begin - order, 0), end):
        mine, others = codes[segment[ROW], i], codes[before[ROW], i]
        if mine != others:
            if mine == missing or others == missing:
                return end
            last = i
    return last


@kernel
def _lay_out(x, missing, order, n_categories, n_contexts, segment, until, start, context):
    """Number the entries: those of position ``begin + l`` start at ``start[l]``, with a context.

    Those of the positions after ``until`` are known.
    """
    begin = segment[BEGIN]
    start[0], start[1], context[0] = 0, 1, segment[CONTEXT]
    size = 1
    for i in range(begin, until):
        first, following = start[i - begin], start[i - begin + 1]
        is_missing = x[i] == missing
        if is_missing:
            size *= n_categories
        if i - order >= begin and x[i - order] == missing:
            size //= n_categories
        start[i - begin + 2] = following + size
        if is_missing:
            for parent in range(size // n_categories):
                shifted = context[first + parent] * n_categories % n_contexts
                for value in range(n_categories):
                    context[following + parent * n_categories + value] = shifted + value
        else:
            value = np.int64(x[i])
            for parent in range(size):
                context[following + parent] = (
                    context[first + parent] * n_categories % n_contexts + value
                )


@kernel
def _possible(code, missing, n_categories):
    """Return the first value that may stand at a position, and the last plus one."""
    if code == missing:
        return 0, n_categories
    return np.int64(code), np.int64(code) + 1


@kernel
def _pass_back(x, missing, table, terms, is_best, segment, last, start, context, message, scale):
    """Fill the messages from position ``last`` on to the first; ``exp(scale[l])`` is their unit.

    With ``is_best``, terms are log-probabilities, and a message is that of the best completion (the
    Viterbi algorithm).
    """
    begin, n_categories = segment[BEGIN], terms.shape[2]
    for i in range(last, begin - 1, -1):
        own = i - begin
        low, high = _possible(x[i], missing, n_categories)
        end, next_end = start[own + 1], start[own + 2]
        child, largest = end, 0.0
        p = terms[table[i]]
        scale[own] = scale[own + 1]
        for entry in range(start[own], end):
            c = context[entry]
            if is_best:
                likelihood = -np.inf
                for v in range(low, high):
                    likelihood = max(likelihood, p[c, v] + message[child + v - low])
            else:
                likelihood = 0.0
                for v in range(low, high):
                    likelihood += p[c, v] * message[child + v - low]
            message[entry] = likelihood
            largest = max(largest, likelihood)
            child += high - low
            if child == next_end:  # the digit that the next entries differ in leaves the context
                child = end
        if 0.0 < largest < SMALL and not is_best:
            scale[own] += np.log(largest)
            for entry in range(start[own], end):
                message[entry] /= largest


@kernel
def _pass_on(
    x, missing, table, p, segment, until, start, context, message, scale, forward, after,
    worth, values, weight, counts,
):  # fmt: skip
    """Fill in what is expected of the missing values up to ``until``, and add to the counts.

    With ``forward_i(entry) = p(context of the entry, observed values before i) / p(all observed)``,
    its products with the messages are the posteriors of a position's entries.
    """
    begin, n_categories = segment[BEGIN], p.shape[2]
    place, is_counting = segment[PLACE], len(counts) > 0
    forward[0] = 1.0 / message[0]
    for i in range(begin, until):
        own, is_missing = i - begin, x[i] == missing
        low, high = _possible(x[i], missing, n_categories)
        first, end, next_end = start[own], start[own + 1], start[own + 2]
        after[: next_end - end] = 0.0
        child, expected, tables = end, 0.0, p[table[i]]
        unit = 1.0 if scale[own] == scale[own + 1] else np.exp(scale[own + 1] - scale[own])
        for entry in range(end - first):
            c, before = context[first + entry], forward[entry] * unit
            for v in range(low, high):
                reached = before * tables[c, v]
                after[child - end + v - low] += reached
                if is_missing:
                    expected += worth[v] * reached * message[child + v - low]
                if is_counting:
                    counts[table[i], c, v] += weight * reached * message[child + v - low]
            child += high - low
            if child == next_end:
                child = end
        if is_missing:
            values[place] = expected
            place += 1
        forward, after = after, forward


@kernel
def _choose(
    x, missing, table, terms, is_best, segment, until, start, context, message, share, values
):
    """Fill in the best values, the smallest of equally good ones, or draws from uniform numbers."""
    begin, n_categories = segment[BEGIN], terms.shape[2]
    place, entry = segment[PLACE], 0
    for i in range(begin, until):
        first, end = start[i - begin], start[i - begin + 1]
        size = start[i - begin + 2] - end
        if x[i] != missing:
            entry %= size
            continue
        child = entry * n_categories % size
        p = terms[table[i], context[first + entry]]
        chosen, best = 0, -np.inf
        for v in range(n_categories):
            if is_best:
                candidate = p[v] + message[end + child + v]
                if candidate > best:
                    best, chosen = candidate, v
            else:
                share[v] = p[v] * message[end + child + v]
        if not is_best:
            chosen = draw_index(share, values[place])
        values[place] = chosen
        place += 1
        entry = child + chosen


@kernel
def answer(
    task, segments, most, codes, missing, table, order, terms, worth, weight, values, counts, out
):
    """Answer a query on the missing values of segments.

    ``terms`` are probabilities (T, C, K), for ``MODE`` their logarithms.

    - ``LOG_PROB`` adds ``log p(observed values of the segment | those before)`` to ``out[row]``.
    - ``MEAN`` sets the values, one for each missing cell of all rows, to ``E[worth[x_i] | observed
      values]``, ``MODE`` to what maximises ``p(missing, observed values)``, and ``DRAW``, which
      finds uniform numbers there, to draws from ``p(missing | observed values)``. Means stay as
      they were where the observed values have probability zero.
    - ``COUNT`` does what ``LOG_PROB`` does, and adds each row's weight, shared out by ``p(context,
      value | observed values)``, to the counts (T, C, K), unless its segment has probability zero.
    """
    n_contexts, n_categories = terms.shape[1:]
    n_segments, is_best = len(segments), task == MODE
    start = np.empty(codes.shape[1] + 2, dtype=np.int64)
    context, message = np.empty(most, dtype=np.int64), np.empty(most)
    scale, share = np.empty(codes.shape[1] + 1), np.empty(n_categories)
    forward, after = np.empty(n_contexts), np.empty(n_contexts)
    first, change, total = 0, codes.shape[1], 0.0
    while first < n_segments:
        segment = segments[first]
        x, begin, end = codes[segment[ROW]], segment[BEGIN], segment[END]
        last_missing = end - 1  # of the segment
        while x[last_missing] != missing:
            last_missing -= 1
        _lay_out(
            x, missing, order, n_categories, n_contexts, segment, min(change + order, end), start,
            context,
        )  # fmt: skip
        last = change + order
        if last >= end:
            last = end
            if last_missing + 1 == end and not is_best:  # what follows takes some value for certain
                while last > begin and x[last - 1] == missing:
                    last -= 1
            message[start[last - begin] : start[end - begin + 1]] = 0.0 if is_best else 1.0
            scale[last - begin : end - begin + 1] = 0.0
            last -= 1
        _pass_back(x, missing, table, terms, is_best, segment, last, start, context, message, scale)
        if not is_best:
            total = scale[0] + np.log(message[0]) if message[0] > 0.0 else -np.inf
        same, change, summed = first + 1, -1, weight[segment[ROW]]
        while same < n_segments:
            change = _last_change(codes, missing, order, segment, segments[same])
            if change >= 0:
                break
            summed += weight[segments[same, ROW]]
            same += 1
        until = end if task == COUNT else last_missing + 1
        if task in (MEAN, COUNT) and total > -np.inf:
            _pass_on(
                x, missing, table, terms, segment, until, start, context, message, scale, forward,
                after, worth, values, summed, counts,
            )  # fmt: skip
        place = segment[PLACE]
        n_missing = 0
        for i in range(begin, until):
            n_missing += x[i] == missing
        for k in range(first, same):
            own = segments[k, PLACE]
            if task in (LOG_PROB, COUNT):
                out[segments[k, ROW]] += total
            elif task == DRAW or (task == MODE and k == first):
                _choose(
                    x, missing, table, terms, is_best, segments[k], until, start, context, message,
                    share, values,
                )  # fmt: skip
            elif k > first:
                for j in range(n_missing):  # Numba takes seconds to compile a copy of slices
                    values[own + j] = values[place + j]
        first = same


@kernel
def add_observed_windows(codes, missing, weight, table, order, log_prob, counts, out):
    """Visit the windows in which nothing is missing, at the positions whose table is not negative.

    Each row's weight is added to the cells of ``counts``, and its log-probabilities to ``out``;
    either is left out if its tables (T, C, K) are empty.
    """
    n_rows, n_columns = codes.shape
    n_categories = max(counts.shape[2], log_prob.shape[2])
    n_contexts = n_categories**order
    is_counting, is_scoring = len(counts) > 0, len(log_prob) > 0
    for row in range(n_rows):
        context, n_observed, total = 0, 0, 0.0  # n_observed since the last missing value
        for i in range(n_columns):
            if codes[row, i] == missing:
                context, n_observed = 0, 0
                continue
            value = np.int64(codes[row, i])
            if n_observed >= min(i, order) and table[i] >= 0:
                if is_counting:
                    counts[table[i], context, value] += weight[row]
                if is_scoring:
                    total += log_prob[table[i], context, value]
            context = (context * n_categories + value) % n_contexts
            n_observed += 1
        if is_scoring:
            out[row] += total
