"""Normals of any covariance matrix and rows with missing values, one elimination for each pattern.

With the columns that a row has observed first, Gaussian elimination of these columns turns the
covariance into

    [S_oo S_om]      [U_oo U_om]
    [     S_mm]  ->  [     C   ],    S_oo = U_oo' U_oo,  U_om = U_oo'^-1 S_om,

where ``C = S_mm - U_om' U_om`` is the conditional covariance. The same elimination of a
row ``(y_o, 0)`` leaves ``(z, -m)``: the whitened values z with ``y_o' S_oo^-1 y_o = z'z``, and the
conditional mean m.

``key`` tells the pattern of each row, and ``order`` sorts the rows by it. Where a pivot is lost in
rounding beside the variance of its column, a pattern is left to be done otherwise.
"""

import numpy as np

from ._compile import kernel

EPS = np.finfo(np.float64).eps
LOG_2_PI = np.log(2 * np.pi)
FLAGS = {"reassoc", "nsz", "contract"}


@kernel
def pattern_keys(X, key):
    """Set bit j of a row's key where its value j is NaN, for up to 64 columns."""
    for row in range(len(X)):
        bits = np.uint64(0)
        for j in range(X.shape[1]):
            if np.isnan(X[row, j]):
                bits |= np.uint64(1) << np.uint64(j)
        key[row] = bits


@kernel
def _pattern_at(key, order, start, n_columns, place):
    """List the observed columns of the pattern at a place, then the others.

    Returned are the place where the next pattern starts, and the number of observed columns.
    """
    own = key[order[start]]
    stop = start + 1
    while stop < len(order) and key[order[stop]] == own:
        stop += 1
    n_seen = 0
    for j in range(n_columns):
        if not (own >> np.uint64(j)) & np.uint64(1):
            place[n_seen] = j
            n_seen += 1
    end = n_seen
    for j in range(n_columns):
        if (own >> np.uint64(j)) & np.uint64(1):
            place[end] = j
            end += 1
    return stop, n_seen


@kernel(fastmath=FLAGS)
def _eliminate(covariance, place, n_seen, end, work, inverse):
    """Eliminate the observed columns in the upper triangle of the first ``end`` columns.

    ``inverse`` gets the inverse diagonal of U_oo. Returned is the log-determinant of S_oo, or NaN
    if a pivot is lost in rounding.
    """
    for i in range(end):
        for j in range(i, end):
            work[i, j] = covariance[place[i], place[j]]
    log_det = 0.0
    for k in range(n_seen):
        pivot = work[k, k]
        if not pivot >= n_seen * EPS * covariance[place[k], place[k]] or pivot <= 0.0:
            return np.nan
        log_det += np.log(pivot)
        inverse[k] = 1.0 / np.sqrt(pivot)
        for j in range(k, end):
            work[k, j] *= inverse[k]
        for i in range(k + 1, end):
            factor = work[k, i]
            for j in range(i, end):
                work[i, j] -= factor * work[k, j]
    return log_det


@kernel(fastmath=FLAGS)
def _eliminate_row(x, mean, place, n_seen, end, work, inverse, z):
    """Fill z with the whitened values, then the negative conditional mean, in this order."""
    for i in range(n_seen):
        z[i] = x[place[i]] - mean[place[i]]
    z[n_seen:end] = 0.0
    for k in range(n_seen):
        z[k] *= inverse[k]
        for i in range(k + 1, end):
            z[i] -= work[k, i] * z[k]


@kernel(fastmath=FLAGS)
def log_prob(X, key, order, mean, covariance, out):
    """``out[row, c] = log N(x_o | mean[c], covariance[c])``, NaN where a pivot is lost.

    It is -inf where squares overflow. One covariance may serve all means.
    """
    n_columns = X.shape[1]
    work, inverse = np.empty((n_columns, n_columns)), np.empty(n_columns)
    z, place = np.empty(n_columns), np.empty(n_columns, np.intp)
    start = 0
    while start < len(order):
        stop, n_seen = _pattern_at(key, order, start, n_columns, place)
        log_det = 0.0
        for c in range(len(mean)):
            if c < len(covariance):
                log_det = _eliminate(covariance[c], place, n_seen, n_seen, work, inverse)
            constant = n_seen * LOG_2_PI + log_det
            for row in order[start:stop]:
                if np.isnan(log_det):
                    out[row, c] = np.nan
                    continue
                _eliminate_row(X[row], mean[c], place, n_seen, n_seen, work, inverse, z)
                square = 0.0
                for i in range(n_seen):
                    square += z[i] * z[i]
                out[row, c] = -np.inf if np.isnan(square) else 0.0 - 0.5 * (constant + square)
        start = stop


@kernel(fastmath=FLAGS)
def add_expected(X, key, order, weight, mean, covariance, first, second, lost):
    """Sum ``w y`` and ``w (y y' + C)`` over rows, with y the deviations from ``mean[c]``.

    Values that are missing count as expected. Of ``second[c]`` only the upper triangle is filled;
    ``lost[row, c]`` is set for rows of positive weight whose pattern is left out.
    """
    n_columns = X.shape[1]
    work, inverse = np.empty((n_columns, n_columns)), np.empty(n_columns)
    z, y, place = np.empty(n_columns), np.empty(n_columns), np.empty(n_columns, np.intp)
    start = 0
    while start < len(order):
        stop, n_seen = _pattern_at(key, order, start, n_columns, place)
        for c in range(len(mean)):
            total = 0.0
            for row in order[start:stop]:
                total += weight[row, c]
            if not total > 0.0:
                continue
            if n_seen < n_columns:
                own = covariance[min(c, len(covariance) - 1)]
                log_det = _eliminate(own, place, n_seen, n_columns, work, inverse)
                if np.isnan(log_det):
                    for row in order[start:stop]:
                        lost[row, c] = weight[row, c] > 0.0
                    continue
            for row in order[start:stop]:
                w = weight[row, c]
                if not w > 0.0:
                    continue
                for j in range(n_columns):
                    y[j] = X[row, j] - mean[c, j]
                if n_seen < n_columns:
                    _eliminate_row(X[row], mean[c], place, n_seen, n_columns, work, inverse, z)
                    for i in range(n_seen, n_columns):
                        y[place[i]] = -z[i]
                for i in range(n_columns):
                    factor = w * y[i]
                    first[c, i] += factor
                    for j in range(i, n_columns):
                        second[c, i, j] += factor * y[j]
            for i in range(n_seen, n_columns):
                for j in range(i, n_columns):
                    second[c, place[i], place[j]] += total * work[i, j]
        start = stop


@kernel(fastmath=FLAGS)
def conditional(X, key, order, mean, covariance, filled, variance, lost):
    """Fill missing values with their conditional mean, and ``variance`` with the diagonal of C.

    Rows whose pattern has a lost pivot are marked as ``lost``.
    """
    n_columns = X.shape[1]
    work, inverse = np.empty((n_columns, n_columns)), np.empty(n_columns)
    z, place = np.empty(n_columns), np.empty(n_columns, np.intp)
    start = 0
    while start < len(order):
        stop, n_seen = _pattern_at(key, order, start, n_columns, place)
        log_det = _eliminate(covariance, place, n_seen, n_columns, work, inverse)
        for row in order[start:stop]:
            lost[row] = np.isnan(log_det)
            _eliminate_row(X[row], mean, place, n_seen, n_columns, work, inverse, z)
            for i in range(n_seen, n_columns):
                filled[row, place[i]] = mean[place[i]] - z[i]
                variance[row, place[i]] = max(work[i, i], 0.0)
        start = stop


@kernel(fastmath=FLAGS)
def draw(X, key, order, normal, mean, covariance, filled, lost):
    """Fill missing values with joint draws ``m + U_mm' u``, ``C = U_mm' U_mm``, u from ``normal``.

    Rows whose pattern has a lost pivot, also in C, are marked as ``lost``.
    """
    n_columns = X.shape[1]
    work, inverse = np.empty((n_columns, n_columns)), np.empty(n_columns)
    z, place = np.empty(n_columns), np.empty(n_columns, np.intp)
    start = 0
    while start < len(order):
        stop, n_seen = _pattern_at(key, order, start, n_columns, place)
        log_det = _eliminate(covariance, place, n_columns, n_columns, work, inverse)
        for row in order[start:stop]:
            lost[row] = np.isnan(log_det)
            _eliminate_row(X[row], mean, place, n_seen, n_columns, work, inverse, z)
            for k in range(n_seen, n_columns):
                for i in range(k, n_columns):
                    z[i] -= work[k, i] * normal[row, place[k]]
            for i in range(n_seen, n_columns):
                filled[row, place[i]] = mean[place[i]] - z[i]
        start = stop
