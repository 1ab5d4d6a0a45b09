"""A standard normal variable in an interval: its log-probability, moments and draws.

All keep their digits in narrow intervals and far out, where probabilities are below the smallest
float: integrals are taken relative to the density at the end next to the mode.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf, erfcx, log_ndtr, ndtr, ndtri, ndtri_exp

LOG_SQRT_2_PI = 0.5 * np.log(2 * np.pi)
REACH = 40.0  # nats below the highest density at which the rest counts as nothing
NARROW = 0.5  # nats by which the density changes within an interval, about
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)
FEW_NODES, FEW_WEIGHTS = np.polynomial.legendre.leggauss(8)  # where a density hardly changes
FAR, SHORT = 1e3, 1e-4  # beyond, and below this width, a density falls as an exponential
FLAT = 1e-8  # nats by which it falls
TAIL = -5.0  # below, probabilities are logarithms


def log_mass(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the log-probability of intervals, -inf where low is not below high."""
    log_ratio, mode = log_mass_from_mode(low, high)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(log_ratio > -np.inf, log_ratio - mode**2 / 2 - LOG_SQRT_2_PI, -np.inf)


def log_mass_from_mode(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms of the masses of intervals over the density at the mode, and the mode.

    With M the Mills ratio and ``0 <= a < b``, it is ``M(a) - exp(-(b - a) (a + b) / 2) M(b)``.
    """
    low, high = np.broadcast_arrays(low, high)
    is_negative = high <= 0
    a, b = np.where(is_negative, -high, low), np.where(is_negative, -low, high)
    mass = np.empty(a.shape)
    across, root = a < 0, np.sqrt(0.5)
    mass[across] = erf(b[across] * root) - erf(a[across] * root)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        start, end = a[~across], b[~across]
        width = end - start
        own = erfcx(start * root) - np.exp(-width * (start + end) / 2) * erfcx(end * root)
        narrow = np.flatnonzero(width * np.maximum(end, 1.0) < NARROW)
        step = width[narrow, np.newaxis] / 2 * (1 + FEW_NODES)
        fall = np.exp(-step * (start[narrow, np.newaxis] + step / 2))
        own[narrow] = width[narrow] / np.sqrt(2 * np.pi) * (fall @ FEW_WEIGHTS)
        mass[~across] = np.where(width > 0, own, 0.0)
        log_ratio = np.log(np.sqrt(np.pi / 2) * mass)
    return log_ratio, np.clip(0.0, low, high)


def moments(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the log-probability of intervals, and the mean and the variance in them.

    They are sums over the nodes of Gauss and Legendre, exact to rounding, as steps s from the mode.
    """
    mode = np.clip(0.0, low, high)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        reach = 2 * REACH / (np.abs(mode) + np.sqrt(mode**2 + 2 * REACH))
        left, right = np.maximum(low - mode, -reach), np.minimum(high - mode, reach)
        half = (right - left) / 2
        step = left[..., np.newaxis] + half[..., np.newaxis] * (1 + NODES)
        weight = np.exp(-step * (mode[..., np.newaxis] + step / 2)) * WEIGHTS
        total = weight.sum(axis=-1)
        weight /= total[..., np.newaxis]
        shift = np.nan_to_num(np.einsum("...i,...i->...", weight, step))
        step -= shift[..., np.newaxis]
        variance = np.nan_to_num(np.einsum("...i,...i->...", weight, step**2))
        log_total = np.log(half * total) - mode**2 / 2 - LOG_SQRT_2_PI
    return np.where(np.isnan(log_total), -np.inf, log_total), mode + shift, variance


def quantile(
    low: np.ndarray, high: np.ndarray, probability: np.ndarray, log_between: np.ndarray
) -> np.ndarray:
    """Return quantiles of the normal in intervals: draws, at uniform numbers from 0 to 1.

    ``log_between`` is what ``log_mass`` says of the intervals.
    """
    is_positive = low > 0  # in the nearer tail, where probabilities have digits
    a, b = np.where(is_positive, -high, low), np.where(is_positive, -low, high)
    share = np.where(is_positive, 1 - probability, probability)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        x = ndtri(ndtr(a) + share * np.exp(log_between))
        width = b - a
        tail = np.flatnonzero(a < TAIL)
        log_share = np.log(share.flat[tail]) + log_between.flat[tail]
        log_below = np.logaddexp(log_ndtr(a.flat[tail]), log_share)
        x.flat[tail] = ndtri_exp(np.minimum(log_below, 0.0))
        simple = np.flatnonzero((b < -FAR) | (width < SHORT))  # logarithms have no digits left
        rate, own = b.flat[simple], width.flat[simple]  # exp(b s), for steps s down from b
        down = np.log1p((1 - share.flat[simple]) * np.expm1(rate * own)) / rate
        flat = np.abs(rate * own) < FLAT
        x.flat[simple] = rate - np.where(flat, (1 - share.flat[simple]) * own, down)
        x = np.clip(x, a, b)
    return np.where(is_positive, -x, x)
