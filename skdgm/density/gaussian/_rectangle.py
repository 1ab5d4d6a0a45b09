"""Two standard normal variables in a rectangle: its log-probability, and moments.

The second variable is integrated out in closed form, the first by Gauss and Legendre, piece by
piece: ``int phi(x) P(low <= y <= high | x) dx``. The integrand is log-concave, so what counts of it
is an interval, and it has kinks only where the middle of ``y | x`` passes an end. Relative errors
are those of rounding, in tails and for correlations near 1 too.
"""

from __future__ import annotations

import numpy as np

from .._engine.blocks import row_blocks
from ._interval import LOG_SQRT_2_PI, REACH
from ._interval import log_mass as log_mass_of_interval
from ._interval import moments as moments_in_interval

NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)
KINK = 8.0  # standard deviations around an end within which a normal distribution function bends
HALVINGS = 40
CELLS = 2**17  # nodes that are held at once


def mode(low: np.ndarray, high: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Return the points of highest density in rectangles, of shape (n_rows, 2).

    It is the origin or lies on an edge, where the other variable is at its conditional mean, or
    next to it.
    """
    rho = correlation[:, np.newaxis]
    with np.errstate(invalid="ignore", over="ignore"):
        sides = []
        for end in (low, high):
            other = np.clip(rho * end, low[:, ::-1], high[:, ::-1])
            sides += [np.stack([end[:, 0], other[:, 0]], 1), np.stack([other[:, 1], end[:, 1]], 1)]
        candidates = np.stack([*sides, np.clip(np.zeros_like(low), low, high)], axis=1)
        x, y = candidates[:, :, 0], candidates[:, :, 1]
        square = (x - rho * y) ** 2 / (1 - rho**2) + y**2
    best = np.where(np.isnan(square), np.inf, square).argmin(axis=1)
    return candidates[np.arange(len(low)), best]


def log_mass(low: np.ndarray, high: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Return the log-probabilities of rectangles.

    Parameters
    ----------
    low, high : ndarray of shape (n_rows, 2)
        Their ends.
    correlation : ndarray of shape (n_rows,)
        The correlations of the variables.
    """
    log_mass = np.empty(len(low))
    for rows in _blocks(len(low), 1):
        integrand = _Integrand(low[rows], high[rows], correlation[rows])
        log_mass[rows] = integrand.log_mass()
    return log_mass


def moments(
    low: np.ndarray, high: np.ndarray, correlation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means in rectangles, (n_rows, 2), and the covariances, (n_rows, 2, 2)."""
    mean, covariance = np.empty((len(low), 2)), np.empty((len(low), 2, 2))
    for rows in _blocks(len(low), 48):
        integrand = _Integrand(low[rows], high[rows], correlation[rows])
        mean[rows], covariance[rows] = integrand.moments()
    return mean, covariance


def _blocks(n_rows: int, n_inside: int) -> list[slice]:
    return row_blocks(n_rows, 9 * len(NODES) * n_inside, 8 * CELLS)


class _Integrand:
    """The density of x with y in its interval, for each of some rectangles."""

    def __init__(self, low: np.ndarray, high: np.ndarray, correlation: np.ndarray) -> None:
        self.low, self.high, self.rho = low, high, correlation
        self.deviation = np.sqrt((1 - correlation) * (1 + correlation))
        self.center = mode(low, high, correlation)[:, 0]
        self.log_center = self.log_density(self.center)

    def ends(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of y in standard deviations given x, of shape (n_rows, ...)."""
        shape = (-1, *[1] * (x.ndim - 1))
        rho, deviation = self.rho.reshape(shape), self.deviation.reshape(shape)
        ends = self.low[:, 1].reshape(shape), self.high[:, 1].reshape(shape)
        return (ends[0] - rho * x) / deviation, (ends[1] - rho * x) / deviation

    def log_density(self, x: np.ndarray) -> np.ndarray:
        return log_mass_of_interval(*self.ends(x)) - x**2 / 2 - LOG_SQRT_2_PI

    def reach(self, end: np.ndarray) -> np.ndarray:
        """Return how far from the center, towards an end, the density counts."""
        least = self.log_center - REACH
        farthest = np.sqrt(np.maximum(-2 * least, 0.0))
        near, far = self.center, np.clip(end, -farthest, farthest)
        far = np.where(np.sign(end - near) * (far - near) < 0, near, far)
        inside = self.log_density(far) >= least
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            counts = inside | (self.log_density(middle) >= least)
            near, far = np.where(counts, middle, near), np.where(counts, far, middle)
        return far

    def nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return nodes and weights of the density of x, of shape (n_rows, n_nodes)."""
        left, right = self.reach(self.low[:, 0]), self.reach(self.high[:, 0])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            width = KINK * self.deviation / np.abs(self.rho)
            middle = [self.low[:, 1] / self.rho, self.high[:, 1] / self.rho]
            kinks = [own + step * width for own in middle for step in (-1, 0, 1)]
        cuts = np.stack([left, right, self.center, *kinks], axis=1)
        cuts = np.where(np.isnan(cuts), left[:, np.newaxis], cuts)
        cuts = np.sort(np.clip(cuts, left[:, np.newaxis], right[:, np.newaxis]), axis=1)
        half = np.diff(cuts, axis=1)[:, :, np.newaxis] / 2
        x = cuts[:, :-1, np.newaxis] + half * (1 + NODES)
        return x.reshape(len(x), -1), (half * WEIGHTS).reshape(len(x), -1)

    def log_mass(self) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            x, weight = self.nodes()
            log_ratio = self.log_density(x) - self.log_center[:, np.newaxis]
            total = np.einsum("ij,ij->i", weight, np.exp(log_ratio))
            log_mass = np.log(total) + self.log_center
        return np.where(np.isnan(log_mass), -np.inf, log_mass)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            x, weight = self.nodes()
            log_y, y, variance = moments_in_interval(*self.ends(x))
            log_ratio = log_y - x**2 / 2 - LOG_SQRT_2_PI - self.log_center[:, np.newaxis]
            weight *= np.exp(log_ratio)
            weight /= weight.sum(axis=1, keepdims=True)
        y = self.rho[:, np.newaxis] * x + self.deviation[:, np.newaxis] * y
        both = np.stack([x, y], axis=2)
        mean = np.einsum("ij,ijk->ik", weight, both)
        both -= mean[:, np.newaxis]
        covariance = np.einsum("ij,ijk,ijl->ikl", weight, both, both)
        covariance[:, 1, 1] += self.deviation**2 * np.einsum("ij,ij->i", weight, variance)
        lost = np.isnan(covariance).any(axis=(1, 2))  # rectangles as narrow as rounding errors
        mean[lost], covariance[lost] = mode(self.low, self.high, self.rho)[lost], 0.0
        return mean, covariance
