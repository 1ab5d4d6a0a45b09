"""Normals of any covariance matrix and rows with missing values, by eliminations that are shared.

Gaussian elimination of the columns that a row has observed turns the covariance into

    [S_oo S_om]      [U_oo U_om]
    [     S_mm]  ->  [     C   ],    S_oo = U_oo' U_oo,  U_om = U_oo'^-1 S_om,

where ``C = S_mm - U_om' U_om`` is the conditional covariance. The same elimination of a
row ``(y_o, 0)`` leaves ``(z, -m)``: the whitened values z with ``y_o' S_oo^-1 y_o = z'z``, and the
conditional mean m.

Columns are gone through in order, and what is left of the covariance after each elimination is
kept: patterns in the order of their keys, in which column 0 weighs most, then share the steps of
the columns up to the first in which they differ. Eliminated columns keep their place, and missing
ones move to the left, as ``order[: n_missing]``, unless only the log-density is asked for.
"""

import numpy as np

from ._compile import kernel

EPS = np.finfo(np.float64).eps
LOG_2_PI = np.log(2 * np.pi)
SIDE = 4  # rows that are eliminated in one go
FLAGS = {"reassoc", "nsz", "contract"}


@kernel
def _misses(key, column):
    return (key >> np.uint64(63 - column)) & np.uint64(1) != np.uint64(0)


@kernel(fastmath=FLAGS)
def _eliminate(key, start, n_missing, keep, left, factor, inverse, log_det, order):
    """Eliminate the observed columns from ``start`` on, before which ``n_missing`` are missing.

    ``left[i]`` is what i eliminations leave of the covariance, in its upper triangle, and
    ``factor[i]`` the row that the next one divides off, zero in eliminated columns. Returned are
    the number of columns that are done, all unless a pivot is lost in rounding, and the number of
    missing ones among them.
    """
    n_columns = len(factor)
    own = np.empty(n_columns)
    for t in range(start, n_columns):
        n_seen = t - n_missing
        old = left[n_seen]
        if _misses(key, t):
            if keep:
                order[n_missing] = t
                for i in range(n_missing):
                    old[i, n_missing] = old[i, t]
                for j in range(t + 1, n_columns):
                    old[n_missing, j] = old[t, j]
                old[n_missing, n_missing] = old[t, t]
            n_missing += 1
            continue
        pivot = old[t, t]
        if not pivot >= n_columns * EPS * left[0, t, t] or pivot <= 0.0:
            return t, n_missing
        log_det[n_seen + 1] = log_det[n_seen] + np.log(pivot)
        inverse[n_seen] = 1.0 / np.sqrt(pivot)
        row, new = factor[n_seen], left[n_seen + 1]
        for j in range(n_columns):
            row[j] = old[t, j] * inverse[n_seen] if j > t else 0.0
        for i in range(t + 1, n_columns - 1, 2):
            a, b = row[i], row[i + 1]
            for j in range(i, n_columns):
                value = row[j]
                new[i, j] = old[i, j] - a * value
                new[i + 1, j] = old[i + 1, j] - b * value
        new[-1, -1] = old[-1, -1] - row[-1] * row[-1]
        if keep:
            for i in range(n_missing):
                own[i] = old[i, t] * inverse[n_seen]
                row[order[i]] = own[i]
            for i in range(n_missing):
                value = own[i]
                for j in range(i, n_missing):
                    new[i, j] = old[i, j] - value * own[j]
                for j in range(t + 1, n_columns):
                    new[i, j] = old[i, j] - value * row[j]
    return n_columns, n_missing


@kernel(fastmath=FLAGS)
def _eliminate_row(key, first, factor, inverse, y):
    """Turn deviations y, 0 if missing, into whitened values and negative means; return ``z'z``.

    ``first`` is the first missing column, or any later one if no mean is asked for.
    """
    n_columns = len(y)
    n_seen, square = 0, 0.0
    for t in range(n_columns):
        if _misses(key, t):
            continue
        z = y[t] * inverse[n_seen]
        square += z * z
        row = factor[n_seen]
        for j in range(min(t + 1, first), n_columns):
            y[j] -= z * row[j]
        n_seen += 1
    return square


@kernel(fastmath=FLAGS)
def _eliminate_rows(key, first, factor, inverse, y, z, square):
    """Do the same to ``y[:, i]`` side by side, which takes hardly longer than a single row."""
    n_columns = len(y)
    for i in range(SIDE):
        square[i] = 0.0
    n_seen = 0
    for t in range(n_columns):
        if _misses(key, t):
            continue
        for i in range(SIDE):
            z[i] = y[t, i] * inverse[n_seen]
            square[i] += z[i] * z[i]
        for j in range(min(t + 1, first), n_columns):
            value = factor[n_seen, j]
            for i in range(SIDE):
                y[j, i] -= value * z[i]
        n_seen += 1


@kernel(fastmath=FLAGS)
def _root(rest, order, covariance, root):
    """Fill the upper triangle with the U of ``C = U'U``; return whether no pivot is lost."""
    for j in range(len(order)):
        least = len(covariance) * EPS * covariance[order[j], order[j]]
        for i in range(j + 1):
            value = rest[i, j]
            for k in range(i):
                value -= root[k, i] * root[k, j]
            if i < j:
                root[i, j] = value / root[i, i]
            elif value >= least and value > 0.0:
                root[j, j] = np.sqrt(value)
            else:
                return False
    return True


@kernel
def _weight_of(weight, start, stop, c):
    """Weight of the rows of a pattern, 1 if there are no weights."""
    if len(weight) == 0:
        return 1.0
    total = 0.0
    for row in range(start, stop):
        total += weight[row, c]
    return total


@kernel(fastmath=FLAGS)
def _spread(rows, means, weight, normal, order, rest, root, filled, variance, second):
    """Add draws to the means of a pattern's missing values, and their C to the sums."""
    start, stop = rows
    for row in range(start, stop):
        if len(normal) > 0:
            for i in range(len(order)):
                for k in range(i + 1):
                    filled[0, row, order[i]] += root[k, i] * normal[row, order[k]]
        if len(variance) > 0:
            for i in range(len(order)):
                variance[row, order[i]] = max(rest[i, i], 0.0)
    if len(second) > 0:
        for c in range(means[0], means[1]):
            total = _weight_of(weight, start, stop, c)
            for i in range(len(order)):
                for k in range(i + 1):
                    second[c, order[k], order[i]] += total * rest[k, i]


@kernel(fastmath=FLAGS)
def complete(X, key, mean, covariance, weight, normal, log_prob, filled, variance, second):
    """Score rows by their observed values, and complete them.

    Rows are sorted by their key, whose highest bits are set where values are missing. One
    covariance may serve all means. Arrays without an entry are not given, or not asked for.

    - ``log_prob[row, c] = log N(x_o | mean[c], covariance[c])``. It is -inf where squares overflow,
      and NaN where a pivot is lost in rounding beside the variance of its column.
    - ``filled[c, row]`` gets deviations from ``mean[c]``, if missing the expected ones, or draws if
      given ``normal``, standard normals of the shape of X.
    - ``variance[row]`` gets the diagonal of C, in the missing columns.
    - ``second[c]`` grows by the sum of ``weight[row, c] C``, in the upper triangle.

    Rows without weight are left out.
    """
    n_rows, n_columns = X.shape
    keep = len(filled) > 0
    left = np.empty((n_columns + 1, n_columns, n_columns))
    factor, root = np.empty((n_columns, n_columns)), np.empty((n_columns, n_columns))
    inverse, log_det = np.empty(n_columns), np.zeros(n_columns + 1)
    y, single = np.zeros((n_columns, SIDE)), np.empty(n_columns)
    z, square = np.empty(SIDE), np.empty(SIDE)
    order, place = np.empty(n_columns, np.intp), np.empty((SIDE, 2), np.intp)
    for own in range(len(covariance)):
        start_c, n_means = (own, 1) if len(covariance) > 1 else (0, len(mean))
        for i in range(n_columns):
            for j in range(n_columns):
                left[0, i, j] = covariance[own, i, j]
        done, last, stop = 0, np.uint64(0), 0
        while stop < n_rows:
            start, pattern = stop, key[stop]
            while stop < n_rows and key[stop] == pattern:
                stop += 1
            total = 0.0
            for c in range(start_c, start_c + n_means):
                total += _weight_of(weight, start, stop, c)
            if not total > 0.0:
                continue
            shared, n_missing = 0, 0
            while shared < done and _misses(pattern, shared) == _misses(last, shared):
                n_missing += 1 if _misses(pattern, shared) else 0
                shared += 1
            done, n_missing = _eliminate(
                pattern, shared, n_missing, keep, left, factor, inverse, log_det, order
            )
            last, n_seen = pattern, n_columns - n_missing
            rest, first = left[n_seen], order[0] if keep and n_missing else n_columns
            is_lost = done < n_columns
            if not is_lost and len(normal) > 0:
                is_lost = not _root(rest, order[:n_missing], covariance[own], root)
            n_side = 0
            for pair in range(n_means * (stop - start)):
                c, row = start_c + pair % n_means, start + pair // n_means
                if len(weight) == 0 or weight[row, c] > 0.0:
                    place[n_side, 0], place[n_side, 1] = row, c
                    for j in range(n_columns):
                        y[j, n_side] = 0.0 if np.isnan(X[row, j]) else X[row, j] - mean[c, j]
                    n_side += 1
                if n_side < SIDE and pair < n_means * (stop - start) - 1:
                    continue
                if n_side == 1 and not is_lost:
                    for j in range(n_columns):
                        single[j] = y[j, 0]
                    square[0] = _eliminate_row(pattern, first, factor, inverse, single)
                    for j in range(n_columns):
                        y[j, 0] = single[j]
                elif not is_lost:
                    _eliminate_rows(pattern, first, factor, inverse, y, z, square)
                for i in range(n_side):
                    row, c = place[i, 0], place[i, 1]
                    score = 0.0 - 0.5 * (n_seen * LOG_2_PI + log_det[n_seen] + square[i])
                    log_prob[row, c] = -np.inf if np.isnan(score) else score
                    if is_lost:
                        log_prob[row, c] = np.nan
                    elif keep:
                        for j in range(n_columns):
                            filled[c, row, j] = X[row, j] - mean[c, j]
                        for k in range(n_missing):
                            filled[c, row, order[k]] = -y[order[k], i]
                n_side = 0
            if is_lost:
                continue
            rows, means = (start, stop), (start_c, start_c + n_means)
            missing = order[:n_missing]
            _spread(rows, means, weight, normal, missing, rest, root, filled, variance, second)
