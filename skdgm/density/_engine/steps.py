"""The density of a single column of numbers: steps, and little for what lies outside.

Around each training value stands a box that reaches to its k-th nearest neighbour, wide where
values are rare and narrow where they are dense (the variable kernel estimate of Breiman, Meisel and
Purcell, 1977, with a box as its kernel). Boxes of several k, some of which end where the training
values end, are mixed in the proportions that make rows most probable under the boxes of all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr, ndtri, ndtri_exp

from ..._packing import rebuilt_property

NEIGHBOURS = np.array([1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])
WIDE = 2.0  # standard deviations of the column, for what lies outside
LOG_SQRT_2_PI = 0.5 * np.log(2 * np.pi)
NARROWEST = 1e-9  # of a box, relative to the extent of the values
SPACING = 8 * np.finfo(np.float64).eps  # of a box, relative to the size of the values
EVERYWHERE = (-np.inf, np.inf)
NEWTON_STEPS = 50  # at most
SMALL_STEP = 1e-9  # of Newton, beside the width, the square of which is then out of reach
LITTLE = 2.0  # rows
MOST_OUTSIDE = 0.005  # weight of the normal part, if there are rows enough to know
TINY, EPSILON = np.finfo(np.float64).tiny, np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class StepFunction:
    """A density that is constant between edges, plus a wide normal density of little weight.

    Parameters
    ----------
    edges : ndarray of shape (n_steps + 1,)
        Ascending edges of the steps.
    height : ndarray of shape (n_steps,)
        Density between the edges, without the normal part.
    outside : float
        Weight of the normal part.
    center, scale : float
        Mean and standard deviation of the normal part.
    support : tuple of two floats
        Interval to which the normal part is restricted; it holds the edges.
    """

    edges: np.ndarray
    height: np.ndarray
    outside: float
    center: float
    scale: float
    support: tuple[float, float] = EVERYWHERE

    @rebuilt_property
    def _mass_below(self) -> np.ndarray:
        """Probability of the steps below each edge."""
        return np.concatenate([[0.0], np.cumsum(self.height * np.diff(self.edges))])

    @rebuilt_property
    def _moment_of_steps_below(self) -> np.ndarray:
        """Integral of ``(x - center) p(x)`` of the steps below each edge."""
        moments = self.height * np.diff((self.edges - self.center) ** 2) / 2
        return np.concatenate([[0.0], np.cumsum(moments)])

    @rebuilt_property
    def _normal_ends(self) -> np.ndarray:
        """The normal distribution function at the ends of the support."""
        return ndtr((np.array(self.support) - self.center) / self.scale)

    @rebuilt_property
    def _cdf_at_edges(self) -> np.ndarray:
        return self.cdf(self.edges)

    @rebuilt_property
    def _normal_at_edges(self) -> np.ndarray:
        return ndtr((self.edges - self.center) / self.scale)

    @rebuilt_property
    def _normal_weight(self) -> float:
        z = (np.array(self.support) - self.center) / self.scale
        return self.outside / float(self._normal_from_low(z)[1]) if self.outside else 0.0

    def _normal_from_low(self, z: np.ndarray) -> np.ndarray:
        """Return the normal probability from the low end of the support to standard scores."""
        low = (self.support[0] - self.center) / self.scale
        if low > 0:  # in the upper tail, so that far out nothing is lost
            return ndtr(-low) - ndtr(-z)
        return ndtr(z) - self._normal_ends[0]

    def truncated(self, low: float, high: float, log_mass: float) -> StepFunction:
        """Return the density of numbers in an interval of a known log-probability."""
        low, high = max(low, self.support[0]), min(high, self.support[1])
        mass = np.exp(log_mass)
        edges = np.unique(np.clip(self.edges, low, high))
        height = np.zeros(1)
        if len(edges) > 1:
            middle = (edges[:-1] + edges[1:]) / 2
            height = self.height[np.searchsorted(self.edges, middle, side="right") - 1] / mass
        else:  # beyond all steps
            edges = np.array([edges[0], np.nextafter(edges[0], np.inf)])
        normal = self._normal_weight * np.exp(_log_normal(low, high, self.center, self.scale))
        outside = float(normal / mass)
        return StepFunction(edges, height, outside, self.center, self.scale, (low, high))

    # ------------------------------------------------------------------ density and distribution
    def log_pdf(self, x: np.ndarray) -> np.ndarray:
        """Return the log-density of numbers; NaN stays NaN."""
        with np.errstate(over="ignore", divide="ignore"):  # far out
            z = (x - self.center) / self.scale
            normal = np.log(self._normal_weight / self.scale) - LOG_SQRT_2_PI - z * z / 2
            log_pdf = np.logaddexp(self._log_height_at(x), normal)
        low, high = self.support
        return np.where((x < low) | (x > high), -np.inf, log_pdf)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of what is no larger than each number; NaN stays NaN."""
        x = np.clip(x, *self.support)
        normal = self._normal_from_low((x - self.center) / self.scale)
        return np.interp(x, self.edges, self._mass_below) + self._normal_weight * normal

    def log_mass(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the log-probability of intervals."""
        low, high = np.clip(low, *self.support), np.clip(high, *self.support)
        steps = np.diff(np.interp(np.stack([low, high]), self.edges, self._mass_below), axis=0)[0]
        # In the tail nearer to the interval, so that far out nothing is lost.
        normal = _log_normal(low, high, self.center, self.scale)
        with np.errstate(divide="ignore"):
            return np.logaddexp(np.log(steps), np.log(self._normal_weight) + normal)

    def quantile(self, p: np.ndarray) -> np.ndarray:
        """Return the numbers below which the probabilities p lie: the inverse of ``cdf``."""
        x = np.empty(np.shape(p))
        low = p <= 0.5
        x[low] = self._low_quantile(p[low])
        x[~low] = -self._mirrored._low_quantile(1 - p[~low])
        return x

    @rebuilt_property
    def _mirrored(self) -> StepFunction:
        """The density of the numbers with the other sign, whose lower tail is this upper one."""
        low, high = self.support
        return StepFunction(
            -self.edges[::-1],
            self.height[::-1],
            self.outside,
            -self.center,
            self.scale,
            (-high, -low),
        )

    def _low_quantile(self, p: np.ndarray) -> np.ndarray:
        below = self._cdf_at_edges
        step = np.clip(np.searchsorted(below, p, side="right") - 1, 0, len(self.height) - 1)
        low, high = self.edges[step], self.edges[step + 1]
        mass = np.maximum(below[step + 1] - below[step], TINY)
        x = low + (high - low) * np.clip((p - below[step]) / mass, 0.0, 1.0)
        little = SMALL_STEP * (high - low)
        going = np.arange(len(p))
        for _ in range(NEWTON_STEPS):
            before = x[going]
            x[going] = self._newton(before, p[going], step[going])
            going = going[np.abs(x[going] - before) > little[going]]
            if not len(going):
                break
        for is_out, rest in ((p < below[0], 0.0), (p > below[-1], self._mass_below[-1])):
            if np.any(is_out):
                z = self._normal_score_at((p[is_out] - rest) / self._normal_weight)
                x[is_out] = self.center + self.scale * z
        return np.clip(x, *self.support)

    def _normal_score_at(self, share: np.ndarray) -> np.ndarray:
        """Return the standard scores up to which the normal part has these probabilities."""
        low = (self.support[0] - self.center) / self.scale
        if low > 0:
            return -ndtri(np.clip(ndtr(-low) - share, 0.0, 1 - EPSILON))
        return ndtri(np.clip(share + self._normal_ends[0], 0.0, 1 - EPSILON))

    def _newton(self, x: np.ndarray, p: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return numbers in the given steps that are nearer to the quantiles of p."""
        low, high, height = self.edges[step], self.edges[step + 1], self.height[step]
        z, weight = (x - self.center) / self.scale, self._normal_weight
        excess = self._cdf_at_edges[step] - p + height * (x - low)
        excess += weight * (ndtr(z) - self._normal_at_edges[step])
        slope = height + weight / self.scale * np.exp(-z * z / 2 - LOG_SQRT_2_PI)
        return np.clip(x - excess / np.maximum(slope, TINY), low, high)

    def normal_score(self, x: np.ndarray) -> np.ndarray:
        """Return the normal quantile of ``cdf``, also far out; the support must be all numbers."""
        return self.scores(x)[0]

    def scores(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``normal_score(x)`` and ``log dz/dx``; NaN stays NaN.

        Each score comes from the tail on its side, so that far out nothing is lost.
        """
        z, log_slope = np.full(np.shape(x), np.nan), np.full(np.shape(x), np.nan)
        observed = ~np.isnan(x)
        x = np.asarray(x)[observed]
        step = np.searchsorted(self.edges, x, side="right")
        step -= x == self.edges[-1]
        height, below, above, left, right = (each[step] for each in self._around)
        t = (x - self.center) / self.scale
        share = below + height * (x - left) + self._normal_weight * ndtr(t)
        share_above = above + height * (right - x) + self._normal_weight * ndtr(-t)
        sign = np.where(share <= 0.5, 1.0, -1.0)
        share = np.where(share <= 0.5, share, share_above)
        score = ndtri(share)
        lost = share < TINY / EPSILON
        if lost.any():
            score[lost] = self._score_far_out(x[lost], sign[lost])
        z[observed] = score = sign * score
        density = height + self._normal_weight / self.scale * np.exp(-t * t / 2 - LOG_SQRT_2_PI)
        with np.errstate(divide="ignore"):
            own_slope = np.log(density) + score**2 / 2 + LOG_SQRT_2_PI
        self._set_log_slope_outside(x, score, own_slope)
        log_slope[observed] = own_slope
        return z, log_slope

    @rebuilt_property
    def _around(self) -> tuple[np.ndarray, ...]:
        """Heights, masses below and above, and both ends of steps, and of what lies outside."""
        edges, none = self.edges, np.zeros(1)
        return (
            np.concatenate([none, self.height, none]),
            np.concatenate([none, self._mass_below]),
            np.concatenate([self._mirrored._mass_below[::-1], none]),
            np.append(edges[0], edges),
            np.append(edges, edges[-1]),
        )

    def _score_far_out(self, x: np.ndarray, sign: np.ndarray) -> np.ndarray:
        log_below, log_above = self._log_cdf(x), self._mirrored._log_cdf(-x)
        return ndtri_exp(np.where(sign > 0, log_below, log_above))

    def _set_log_slope_outside(self, x: np.ndarray, z: np.ndarray, log_slope: np.ndarray) -> None:
        """Set ``log dz/dx`` outside of the edges, without differences of large numbers.

        There, ``outside Phi(t) = Phi(z)`` with ``t = (x - center) / scale``, so that the slope
        follows from the ratios ``phi / Phi`` at t and z.
        """
        for is_out, sign in ((x < self.edges[0], 1.0), (x > self.edges[-1], -1.0)):
            if np.any(is_out):
                t = sign * (x[is_out] - self.center) / self.scale
                ratios = _log_hazard(t) - _log_hazard(sign * z[is_out])
                log_slope[is_out] = ratios - np.log(self.scale)

    def _log_cdf(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            log_steps = np.log(np.interp(x, self.edges, self._mass_below))
            log_normal = np.log(self.outside) + log_ndtr((x - self.center) / self.scale)
        return np.logaddexp(log_steps, log_normal)

    def from_normal_score(self, z: np.ndarray) -> np.ndarray:
        """Return the inverse of ``normal_score``."""
        x = np.full(np.shape(z), np.nan)
        low, high = z <= 0, z > 0
        x[low] = self._of_low_score(z[low])
        x[high] = -self._mirrored._of_low_score(-z[high])
        return x

    def _of_low_score(self, z: np.ndarray) -> np.ndarray:
        x = self._low_quantile(ndtr(z))
        is_out = z < self._lowest_score
        if np.any(is_out):
            log_share = log_ndtr(z[is_out]) - np.log(self.outside)
            t = ndtri_exp(np.minimum(log_share, -TINY))  # rounding may take it above 0
            x[is_out] = np.minimum(self.center + self.scale * t, self.edges[0])
        return x

    @rebuilt_property
    def _lowest_score(self) -> float:
        """The normal score of the first edge."""
        return float(self.normal_score(self.edges[:1])[0])

    def first_moment(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the integral of ``x p(x)`` over intervals."""
        low, high = np.clip(low, *self.support), np.clip(high, *self.support)
        a, b = (low - self.center) / self.scale, (high - self.center) / self.scale
        with np.errstate(over="ignore"):
            bell = np.exp(-a * a / 2 - LOG_SQRT_2_PI) - np.exp(-b * b / 2 - LOG_SQRT_2_PI)
        mass_of_steps, moment = self._of_steps(high) - self._of_steps(low)
        mass = mass_of_steps + self.normal_mass(low, high)
        return self.center * mass + moment + self._normal_weight * self.scale * bell

    def second_moment(self, low: float, high: float, center: float) -> float:
        """Return the integral of ``(x - center)**2 p(x)`` over an interval."""
        edges = (np.clip(self.edges, low, high) - center) / self.scale  # a cube may be too large
        steps = self.scale**2 * float(self.scale * self.height @ np.diff(edges**3))
        return steps / 3 + self.normal_second_moment(low, high, center)

    def normal_second_moment(self, low: float, high: float, center: float) -> float:
        """Return the integral of ``(x - center)**2 p(x)``, of the normal part alone."""
        ends = np.clip(np.array([low, high]), *self.support)
        z = (ends - self.center) / self.scale
        bell = np.exp(-z * z / 2 - LOG_SQRT_2_PI)
        slope = np.where(np.isinf(z), 0.0, np.nan_to_num(z) * bell)
        mass, bell, slope = (
            np.diff(self._normal_from_low(z))[0],
            -np.diff(bell)[0],
            -np.diff(slope)[0],
        )
        shift = self.center - center
        normal = shift**2 * mass + 2 * shift * self.scale * bell + self.scale**2 * (mass + slope)
        return self._normal_weight * float(normal)

    def normal_mass(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the probability of intervals, of the normal part alone."""
        z = (np.clip(np.stack([low, high]), *self.support) - self.center) / self.scale
        return self._normal_weight * np.diff(self._normal_from_low(z), axis=0)[0]

    def normal_pdf(self, x: np.ndarray) -> np.ndarray:
        """Return the density of the normal part alone."""
        x = np.clip(x, *self.support)
        with np.errstate(over="ignore"):
            z = (x - self.center) / self.scale
            return self._normal_weight / self.scale * np.exp(-z * z / 2 - LOG_SQRT_2_PI)

    def _log_height_at(self, x: np.ndarray) -> np.ndarray:
        step = np.searchsorted(self.edges, x, side="right")
        return self._log_heights[np.where(x == self.edges[-1], len(self.height), step)]

    @rebuilt_property
    def _log_heights(self) -> np.ndarray:
        """Log-density of the steps, and of what lies before and after them."""
        with np.errstate(divide="ignore"):
            return np.log(np.concatenate([[0.0], self.height, [0.0]]))

    def _of_steps(self, x: np.ndarray) -> np.ndarray:
        """Return the integrals of p(x) and ``(x - center) p(x)`` of the steps up to numbers."""
        edges = self.edges - self.center
        core = np.clip(x - self.center, edges[0], edges[-1])
        step = np.clip(np.searchsorted(edges, core, side="right") - 1, 0, len(self.height) - 1)
        moment = self.height[step] * (core**2 - edges[step] ** 2) / 2
        mass = np.interp(core, edges, self._mass_below)
        return np.stack([mass, self._moment_of_steps_below[step] + moment])


def _log_normal(low: Any, high: Any, center: float, scale: float) -> np.ndarray:
    """Return the log-probability of intervals under a normal density."""
    a, b = (low - center) / scale, (high - center) / scale
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_b = log_ndtr(b)
        log_mass = log_b + np.log1p(-np.exp(np.minimum(log_ndtr(a) - log_b, 0.0)))
    return np.where(high > low, log_mass, -np.inf)


def _log_hazard(t: np.ndarray) -> np.ndarray:
    """Return ``log phi(t) / Phi(t)`` of the standard normal."""
    return 0.5 * np.log(2 / np.pi) - np.log(erfcx(-t / np.sqrt(2)))
