"""Negative binomial counts: the rising factorial in their probabilities, and the best dispersion.

With the mean m and the dispersion d, ``log p(x) = A(x, d) + x log m - (x + 1/d) log(1 + d m) -
log x!``, where ``A(x, d) = sum_(i < x) log(1 + d i)``. Here A is computed by Stirling's series in
``c = d / (1 + d i)`` from the first i at which c is small, so that nothing cancels as d goes to 0.
"""

import numpy as np

from ._compile import kernel

FEW = 16  # terms that are added up one by one, unless c is below 1 / FEW from the start
SMALL = 1e-3  # argument below which a difference is taken from its series
LARGEST = 1e10  # dispersion
MOST_STEPS = 100  # each at least shrinks the bracket
ROUNDING = 1e-13  # of sums, relative
PRECISION = 1e-8  # of a dispersion, relative; the likelihood is flat there


@kernel
def fill_log_rising(values, dispersion, out):
    """Fill ``out[i, k]`` with ``A(values[i], dispersion[k])``."""
    for i in range(len(values)):
        for k in range(len(dispersion)):
            out[i, k] = log_rising(values[i], dispersion[k])


@kernel
def log_rising(x, d):
    """Return ``A(x, d)``."""
    if d == 0.0 or x <= 1.0:
        return 0.0
    few = 0.0 if d * FEW < 1.0 else float(FEW)
    total = 0.0
    for i in range(int(min(x, few))):
        total += np.log1p(d * i)
    if x <= few:
        return total
    y, base = x - few, 1.0 + d * few
    c = d / base
    u = c * y
    log_u = np.log1p(u)
    series = stirling(c / (1.0 + u)) - stirling(c)
    return total + y * np.log(base) + (y - 0.5) * log_u - c * y * y * lag(u) + series


@kernel
def slopes_of_rising(x, d):
    """Return the first and second derivative of ``A(x, d)`` by d."""
    if x <= 1.0:
        return 0.0, 0.0
    few = 0.0 if d * FEW < 1.0 else float(FEW)
    first, second = 0.0, 0.0
    for i in range(int(min(x, few))):
        term = i / (1.0 + d * i)
        first += term
        second -= term * term
    if x <= few:
        return first, second
    y, base = x - few, 1.0 + d * few
    c = d / base
    u = c * y
    q = 1.0 / (1.0 + u)
    v = c * q
    own, change = stirling_slope(v), stirling_change(v)
    by_c = y * y * lag(u) - 0.5 * y * q + own * q * q - stirling_slope(c)
    by_c_twice = (
        y**3 * lag_slope(u)
        + 0.5 * y * y * q * q
        + change * q**4
        - 2.0 * y * own * q**3
        - stirling_change(c)
    )
    of_base = few / base
    first += y * of_base + by_c / base**2
    second += -y * of_base**2 + by_c_twice / base**4 - 2.0 * by_c * of_base / base**2
    return first, second


@kernel
def lag(u):
    """Return ``(u - log(1 + u)) / u**2``."""
    if u < SMALL:
        return 0.5 + u * (-1.0 / 3.0 + u * (0.25 - 0.2 * u))
    return (u - np.log1p(u)) / u / u


@kernel
def lag_slope(u):
    """Return the derivative of ``lag``."""
    if u < SMALL:
        return -1.0 / 3.0 + u * (0.5 + u * (-0.6 + u * 2.0 / 3.0))
    return (1.0 / (1.0 + u) - 2.0 * lag(u)) / u


@kernel
def stirling(c):
    """Return what Stirling's formula lacks of ``log Gamma(1 / c)``."""
    square = c * c
    return c * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)))


@kernel
def stirling_slope(c):
    """Return the derivative of ``stirling``."""
    square = c * c
    return 1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240))


@kernel
def stirling_change(c):
    """Return the second derivative of ``stirling``."""
    square = c * c
    return -c * (1 / 60 - square * (1 / 63 - square / 40))


# ---------------------------------------------------------------------- learning
@kernel
def slopes_of_column(values, weight, total, mean, d):
    """Return the first and second derivative of a column's log-likelihood by its dispersion."""
    u = d * mean
    first, second = -total * mean**2 * lag(u), -total * mean**3 * lag_slope(u)
    for i in range(len(values)):
        own, change = slopes_of_rising(values[i], d)
        first += weight[i] * own
        second += weight[i] * change
    return first, second


@kernel
def fit_dispersions(starts, values, weight, mean, dispersion):
    """Fill in the most probable dispersion of each column, given its mean.

    Column j has the values from ``starts[j]`` on, with their weights. The derivative by the
    dispersion has at most one zero above 0 (Aragon, Eberly and Eberly, 1992), and none where the
    variance is not above the mean: there the dispersion is 0. Newton's method finds the zero on a
    logarithmic scale, between dispersions at which the derivative is known to be positive and
    negative.
    """
    for j in range(len(mean)):
        own = slice(starts[j], starts[j + 1])
        dispersion[j] = best_dispersion(values[own], weight[own], mean[j])


@kernel
def best_dispersion(values, weight, mean):
    """Return the most probable dispersion of a column."""
    total, excess = 0.0, 0.0
    for i in range(len(values)):
        total += weight[i]
        excess += weight[i] * ((values[i] - mean) ** 2 - values[i])
    if not (excess > 0.0 and mean > 0.0):
        return 0.0
    d = min(excess / total / mean**2, LARGEST)
    low, high = 0.0, np.inf
    for _ in range(MOST_STEPS):
        first, second = slopes_of_column(values, weight, total, mean, d)
        if first > 0.0:
            low = d
        else:
            high = d
        noise = ROUNDING * total * mean**2 * lag(d * mean)  # of what two sums differ by
        if low == LARGEST or abs(first) <= noise:
            break
        change = first + d * second
        step = -first / change if change < 0.0 else np.inf
        new = d * np.exp(min(max(step, -3.0), 3.0)) if np.isfinite(step) else 0.0
        if not low < new < high:
            inside = np.sqrt(low * high) if low > 0.0 else d / 16.0
            new = inside if high < np.inf else 16.0 * d
        new = min(new, LARGEST)
        converged = abs(new - d) <= PRECISION * d
        d = new
        if converged:
            break
    return d
