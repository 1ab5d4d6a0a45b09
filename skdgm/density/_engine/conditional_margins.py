"""Distributions of missing numbers, each alone, given what is observed in its row.

They are made once for some rows and then asked many times: for the probability of what is no larger
than a value, or for a quantile, the smallest value whose cumulative probability reaches a number.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.special import ndtr, ndtri

Function = Callable[[np.ndarray], np.ndarray]

ROUNDING = 1e-12  # relative error of the probabilities of values
LAST_DIGITS = 4 * np.finfo(np.float64).eps  # relative error of sums of probabilities
FARTHEST, PANELS, ORDER = 16.0, 32, 8  # of the quadrature over standard normal scores
MOST_STEPS = 60  # between two numbers, before the last digits
RESOLVED = 8.0  # scores beyond which probabilities near 1 are all 1


class ConditionalMargin(ABC):
    """The distribution of one number in each of some rows."""

    @abstractmethod
    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of what is no larger than the value for each row: (n_rows,)."""

    @abstractmethod
    def quantile(self, q: float) -> np.ndarray:
        """Return the smallest value whose ``cdf`` reaches q in each row: (n_rows,).

        For 0 and 1, these are the ends of the support.
        """

    @abstractmethod
    def __getitem__(self, rows: np.ndarray) -> ConditionalMargin:
        """Return the distributions of the rows with these indices."""

    def bracket(self, q: float) -> tuple[np.ndarray, np.ndarray]:
        """Return values between which the quantile lies, which may be these."""
        x = self.quantile(q)
        return x, x

    def mean_square(self, center: np.ndarray, image: Function | None = None) -> np.ndarray:
        """Return ``E[(x - center)**2]`` in each row, or of ``image(x)`` in place of x.

        By default, it is integrated over scores, of which x is the quantile.
        """
        scores, weight = scores_and_weights(RESOLVED)
        total = np.zeros(len(center))
        for score, share in zip(scores, weight, strict=True):
            x = self.quantile(float(ndtr(score)))
            total += share * squares(x, center, image)
        return total


def squares(x: np.ndarray, center: np.ndarray, image: Function | None) -> np.ndarray:
    """Return the squared distances of values, or of their images, from the centers of rows."""
    with np.errstate(over="ignore"):
        return ((x if image is None else image(x)) - center) ** 2


def scores_and_weights(farthest: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes and weights of a quadrature under the standard normal density."""
    node, weight = np.polynomial.legendre.leggauss(ORDER)
    width = 2 * FARTHEST / PANELS
    left = np.arange(-farthest, farthest, width)[:, np.newaxis]
    score = (left + width * (node + 1) / 2).ravel()
    density = np.exp(-(score**2) / 2) / np.sqrt(2 * np.pi)
    return score, np.tile(weight, len(left)) * width / 2 * density


# ---------------------------------------------------------------------- values
@dataclass(frozen=True, eq=False)
class ValuesMargin(ConditionalMargin):
    """Values with their probabilities.

    Parameters
    ----------
    values : ndarray of shape (n_values,) or (n_rows, n_values)
        Ascending values, the same in all rows or those of each.
    share : ndarray of shape (n_rows, n_values)
        Their probabilities.
    """

    values: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, share: np.ndarray) -> Self:
        """Return the distribution over values in any order, whose shares are made to sum to one."""
        order = np.argsort(values, kind="stable")
        share = share[:, order]
        return cls(values[order].astype(np.float64), share / share.sum(axis=1, keepdims=True))

    @classmethod
    def of_draws(cls, draws: np.ndarray) -> Self:
        """Return the distribution of draws of equal weight, of shape (n_rows, n_draws)."""
        share = np.full(draws.shape[1], 1 / draws.shape[1])
        return cls(np.sort(draws, axis=1), np.broadcast_to(share, draws.shape))

    @cached_property
    def _cumulative(self) -> np.ndarray:
        return np.cumsum(self.share, axis=1)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        below = np.sum(np.atleast_2d(self.values) <= x[:, np.newaxis], axis=1)
        padded = np.hstack([np.zeros((len(x), 1)), self._cumulative])
        return padded[np.arange(len(x)), below]

    def quantile(self, q: float) -> np.ndarray:
        cumulative = self._cumulative
        reached = (cumulative >= q * (1 - ROUNDING)) & (cumulative > 0)
        place = reached.argmax(axis=1)
        if q == 1:
            place = self.share.shape[1] - 1 - (self.share[:, ::-1] > 0).argmax(axis=1)
        if self.values.ndim == 1:
            return self.values[place]
        return self.values[np.arange(len(place)), place]

    def mean_square(self, center: np.ndarray, image: Function | None = None) -> np.ndarray:
        values = np.atleast_2d(self.values)
        distances = squares(values, center[:, np.newaxis], image)
        return np.sum(np.where(self.share > 0, self.share * distances, 0.0), axis=1)

    def mean(self) -> np.ndarray:
        """Return the mean in each row."""
        return np.sum(self.share * self.values, axis=1)

    def __getitem__(self, rows: np.ndarray) -> Self:
        own = self.values if self.values.ndim == 1 else self.values[rows]
        return type(self)(own, self.share[rows])


# ---------------------------------------------------------------------- normals
@dataclass(frozen=True, eq=False)
class NormalsMargin(ConditionalMargin):
    """Mixtures of normals; one without variance is its mean.

    Parameters
    ----------
    mean, scale, share : ndarray of shape (n_rows, n_components)
        Means, standard deviations and weights.
    """

    mean: np.ndarray
    scale: np.ndarray
    share: np.ndarray

    @classmethod
    def of_one(cls, mean: np.ndarray, variance: np.ndarray) -> Self:
        """Return normals, of shape (n_rows,), of these means and variances."""
        scale = np.sqrt(np.maximum(variance, 0.0))
        return cls(mean[:, np.newaxis], scale[:, np.newaxis], np.ones((len(mean), 1)))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        distance = x[:, np.newaxis] - self.mean
        with np.errstate(divide="ignore", invalid="ignore"):
            below = ndtr(distance / self.scale)
        below = np.where(self.scale > 0, below, distance >= 0)
        return np.sum(self.share * below, axis=1)

    def quantile(self, q: float) -> np.ndarray:
        return quantile_between(self.cdf, q, *self.bracket(q))

    def bracket(self, q: float) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(invalid="ignore"):
            own = np.where(self.scale > 0, self.mean + self.scale * ndtri(q), self.mean)
        counts = self.share > 0
        low = np.where(counts, own, np.inf).min(axis=1)
        return low, np.where(counts, own, -np.inf).max(axis=1)

    def mean_square(self, center: np.ndarray, image: Function | None = None) -> np.ndarray:
        if image is None:
            distances = self.scale**2 + (self.mean - center[:, np.newaxis]) ** 2
            return np.sum(self.share * distances, axis=1)
        scores, weight = scores_and_weights(FARTHEST)
        total = np.zeros(len(center))
        for mean, scale, share in zip(self.mean.T, self.scale.T, self.share.T, strict=True):
            rows = np.flatnonzero(share)
            x = mean[rows, np.newaxis] + np.outer(scale[rows], scores)
            with np.errstate(over="ignore"):
                total[rows] += share[rows] * (squares(x, center[rows, np.newaxis], image) @ weight)
        return total

    def __getitem__(self, rows: np.ndarray) -> Self:
        return type(self)(self.mean[rows], self.scale[rows], self.share[rows])


# ---------------------------------------------------------------------- the same in all rows
@dataclass(frozen=True, eq=False)
class SameMargin(ConditionalMargin):
    """One distribution for all rows, which the observed values do not change.

    Parameters
    ----------
    one : object
        The distribution, with ``cdf`` and ``ppf`` as in :mod:`scipy.stats`.
    n_rows : int
        Number of rows.
    """

    one: Any
    n_rows: int

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return self.one.cdf(x)

    def quantile(self, q: float) -> np.ndarray:
        low, high = self.one.support()
        high = high if self.one.var() > 0 else self.one.mean()  # a count that is always zero
        x = low if q == 0 else high if q == 1 else float(self.one.ppf(q))
        return np.full(self.n_rows, x)

    def mean_square(self, center: np.ndarray, image: Function | None = None) -> np.ndarray:
        if image is None:
            return self.one.var() + (self.one.mean() - center) ** 2
        return super().mean_square(center, image)

    def __getitem__(self, rows: np.ndarray) -> Self:
        return type(self)(self.one, len(rows))


# ---------------------------------------------------------------------- quantiles by bisection
def smallest_integer(cdf: Function, x: np.ndarray, q: Any) -> np.ndarray:
    """Return the smallest integers whose cumulative probability reaches q, or those next to them.

    ``x`` are integers that rounding may have taken one too far.
    """
    enough = q * (1 - LAST_DIGITS)
    x = np.where(cdf(x) < enough, x + 1, x)
    return np.where(cdf(x - 1) >= enough, x - 1, x)


def quantile_between(cdf: Function, q: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the smallest numbers between two whose cumulative probability reaches q.

    Where it is smooth, few steps of an inverse interpolation come near. The last digits, and values
    of positive probability, are found by halving the places of floats in their order, which ends at
    neighbours in any unit.
    """
    if q in (0, 1):  # what no rounding of cumulative probabilities tells
        return low if q == 0 else high
    enough = q * (1 - LAST_DIGITS)
    nothing = np.spacing(np.maximum(np.abs(low), np.abs(high)))  # a distance from 0 without meaning
    low, high = _narrowed(lambda x: cdf(x) - enough, low, high, LAST_DIGITS * enough)
    least, most = _places_of(low), _places_of(high)
    middle = np.clip(0, least, most)  # which is tried first
    while True:
        reached = cdf(_floats_at(middle)) >= enough
        most = np.where(reached, middle, most)
        least = np.where(reached, least, np.minimum(middle + 1, most))
        x = _floats_at(most)
        if ((least == most) | (np.maximum(np.abs(_floats_at(least)), np.abs(x)) < nothing)).all():
            return x
        middle = (least & most) + ((least ^ most) >> 1)


def _narrowed(
    excess: Function, low: np.ndarray, high: np.ndarray, error: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers nearer to each other between which a rising function crosses zero.

    This is the method of Chandrupatla (1997): inverse quadratic interpolation where three points
    are in keeping with it, and otherwise halving. ``error`` is that of the function.
    """
    x1, x2, f1, f2 = low, high, excess(low), excess(high)
    high = np.where(f1 >= 0, low, high)
    share = np.full(len(low), 0.5)
    for _ in range(MOST_STEPS):
        x = x1 + share * (x2 - x1)
        f = excess(x)
        same = (f >= 0) == (f1 >= 0)
        x3, f3 = np.where(same, x1, x2), np.where(same, f1, f2)
        x2, f2 = np.where(same, x2, x1), np.where(same, f2, f1)
        x1, f1 = x, f
        low = np.where((f < 0) & (x > low), x, low)
        high = np.where((f >= 0) & (x < high), x, high)
        with np.errstate(all="ignore"):
            size = 2 * np.spacing(np.maximum(np.abs(low), np.abs(high)))
            size = np.fmax(size, error * np.abs((x2 - x1) / (f2 - f1)))
            if (high - low <= 2 * size).all():
                break
            least = np.nan_to_num(size / np.abs(x2 - x1), nan=0.5)
            xi, phi = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
            quadratic = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            inverse = f1 / (f1 - f2) * f3 / (f3 - f2)
            inverse += (x3 - x1) / (x2 - x1) * f1 / (f1 - f3) * f2 / (f2 - f3)
        share = np.where(quadratic & np.isfinite(inverse), inverse, 0.5)
        share = np.clip(share, np.minimum(least, 0.5), np.maximum(1 - least, 0.5))
    return low, high


def _places_of(x: np.ndarray) -> np.ndarray:
    """Return the place of each float in their order, as an integer."""
    bits = np.asarray(x, dtype=np.float64).view(np.int64)
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def _floats_at(places: np.ndarray) -> np.ndarray:
    bits = np.where(places < 0, np.iinfo(np.int64).min - places, places)
    return np.ascontiguousarray(bits).view(np.float64)
