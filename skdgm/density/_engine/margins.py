"""The density of each column of numbers, continuous or of integers, and its division into bins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from .learned_steps import learn_steps
from .regions import Interval
from .steps import EVERYWHERE, StepFunction

CLOSED = 1 + 1e-6  # so that no value lies on the end of a box, where errors of rounding decide
LEAST = np.log(np.finfo(np.float64).tiny)  # of a log-probability that counts as one
FARTHEST, MOST_INTEGERS = 40.0, 10**5  # standard deviations of a normal, and integers to sum over
CONSTANT_WIDTH = 1e-3  # of the only value of a column, whose scale is not known


@dataclass(frozen=True, eq=False)
class Margin:
    """The density of one column of numbers.

    Parameters
    ----------
    steps : StepFunction
        The density of real numbers.
    is_count : bool
        True if the column holds integers: an integer has the mass of the numbers that round to it.
    """

    steps: StepFunction
    is_count: bool

    @classmethod
    def learn(cls, values: np.ndarray, weight: np.ndarray, is_count: bool, rounding: float) -> Self:
        """Learn from distinct, ascending values with their weights."""
        if is_count:
            support = (-0.5, np.inf) if values[0] >= 0 else EVERYWHERE
            odd = 2 * np.floor(max(rounding, 1.0) / 2) + 1  # so that boxes end between integers
            return cls(learn_steps(values, weight, odd, support), True)
        if len(values) == 1 and rounding == 0:
            rounding = CONSTANT_WIDTH
        return cls(learn_steps(values, weight, rounding * CLOSED), False)

    def truncated(self, interval: Interval) -> tuple[Self, float]:
        """Return the density of numbers in an interval, and its log-probability."""
        reach = 0.5 if self.is_count else 0.0
        low, high = interval.low - reach, interval.high + reach
        log_mass = float(self.steps.log_mass(np.array([low]), np.array([high]))[0])
        if log_mass < LEAST:
            return self, -np.inf
        return type(self)(self.steps.truncated(low, high, log_mass), self.is_count), log_mass

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Return log-densities, or log-probabilities of integers; NaN stays NaN."""
        if not self.is_count:
            return self.steps.log_pdf(x)
        log_prob = self.steps.log_mass(x - 0.5, x + 0.5)
        return np.where(np.isnan(x), np.nan, log_prob)

    def mean(self) -> float:
        """Return the mean."""
        return float(self.first_moment(*np.array(EVERYWHERE)))

    def first_moment(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the sum or integral of ``x p(x)`` over intervals, for integers from .5 to .5."""
        moment = self.steps.first_moment(low, high)
        if self.is_count:  # within the cell of an integer, only the normal part varies
            moment -= (self.steps.normal_pdf(high) - self.steps.normal_pdf(low)) / 12
        return moment

    def second_moment(self, low: float, high: float, center: float) -> float:
        """Return the sum or integral of ``(x - center)**2 p(x)`` over an interval, as above."""
        steps = self.steps
        moment = steps.second_moment(low, high, center)
        if not self.is_count:
            return moment
        normal = steps.normal_second_moment(low, high, center)
        ends = np.array([[low], [high]])
        normal_mass = float(steps.normal_mass(*ends)[0])
        mass = float(np.exp(steps.log_mass(*ends))[0]) - normal_mass
        moment -= normal + mass / 12  # a step is constant within the cell of an integer
        first = np.ceil(max(low, steps.support[0], steps.center - FARTHEST * steps.scale))
        last = np.floor(min(high, steps.center + FARTHEST * steps.scale))
        if last - first > MOST_INTEGERS:  # so wide that the normal hardly varies there
            return moment + normal + normal_mass / 12
        whole = np.arange(first, last + 1)
        return moment + float((whole - center) ** 2 @ steps.normal_mass(whole - 0.5, whole + 0.5))

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of what is no larger than each value; NaN stays NaN."""
        return self.steps.cdf(np.floor(x) + 0.5 if self.is_count else x)

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Draw values."""
        return self.quantile(generator.random(n))

    def quantile(self, p: np.ndarray) -> np.ndarray:
        """Return the values below which probabilities lie."""
        x = self.steps.quantile(p)
        return np.floor(x + 0.5) if self.is_count else x

    def mode(self, low: float = -np.inf, high: float = np.inf) -> float:
        """Return the most probable value between two numbers."""
        steps = self.steps
        low, high = max(low, steps.support[0]), min(high, steps.support[1])
        edges = np.clip(steps.edges, low, high)
        middle = (edges[:-1] + edges[1:]) / 2
        wide = np.flatnonzero((edges[:-1] < edges[1:]) & (steps.height > 0))
        if not len(wide):  # beyond all steps
            near = float(np.clip(steps.center, low, high))
            if self.is_count:
                return float(np.clip(np.floor(near + 0.5), np.ceil(low), np.floor(high)))
            return near
        middle = middle[wide]
        if self.is_count:
            whole = np.floor(middle + 0.5)
            whole = np.clip(whole, np.ceil(max(low, steps.edges[0])), np.floor(high))
            middle = np.unique(whole)
        return float(middle[np.argmax(self.log_prob(middle))])


@dataclass(frozen=True, eq=False)
class Bins:
    """A column's margin, cut into bins.

    Parameters
    ----------
    margin : Margin
        The density of the column.
    cuts : ndarray of shape (n_bins - 1,)
        Ascending borders; those of integers lie between integers.
    """

    margin: Margin
    cuts: np.ndarray

    @cached_property
    def log_mass(self) -> np.ndarray:
        """Log-probability of each bin, by the margin."""
        low, high = np.append(-np.inf, self.cuts), np.append(self.cuts, np.inf)
        return self.margin.steps.log_mass(low, high)

    def __len__(self) -> int:
        return len(self.cuts) + 1

    def codes_of(self, x: np.ndarray) -> np.ndarray:
        """Return the bin of each number, as a float; NaN stays NaN."""
        return np.where(np.isnan(x), np.nan, np.searchsorted(self.cuts, x, side="right"))

    def log_prob_within(self, x: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the log-density of numbers given their bins, 0 where they are missing."""
        observed = ~np.isnan(x)
        own = x[observed]
        log_prob = np.zeros(len(x))
        log_mass = self.log_mass[codes[observed].astype(int)]
        possible = log_mass > -np.inf  # outside of an interval that is known, a bin has no mass
        within = self.margin.log_prob(own)
        log_prob[observed] = np.subtract(
            within, log_mass, out=np.full(len(own), -np.inf), where=possible
        )
        return log_prob

    def truncated(self, interval: Interval) -> tuple[Self, np.ndarray]:
        """Return the same bins of numbers in an interval, and what share of each lies there."""
        margin, log_mass = self.margin.truncated(interval)
        if log_mass == -np.inf:
            return self, np.zeros(len(self))
        given = type(self)(margin, self.cuts)
        with np.errstate(invalid="ignore"):
            shares = np.exp(given.log_mass + log_mass - self.log_mass)
        return given, np.clip(np.nan_to_num(shares), 0.0, 1.0)

    def draw(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Draw a number in each bin."""
        below = np.concatenate([[0.0], self.margin.steps.cdf(self.cuts), [1.0]])
        low, high = below[codes], below[codes + 1]
        x = self.margin.quantile(low + (high - low) * generator.random(len(codes)))
        return np.clip(x, *self.ends()[:, codes])

    def ends(self) -> np.ndarray:
        """Return the least and the largest number of each bin."""
        low, high = np.append(-np.inf, self.cuts), np.append(self.cuts, np.inf)
        if self.margin.is_count:
            return np.stack([np.ceil(low), np.floor(high)])
        return np.stack([low, np.where(np.isinf(high), high, np.nextafter(high, -np.inf))])

    @cached_property
    def means(self) -> np.ndarray:
        """Return the mean of each bin."""
        low, high = np.append(-np.inf, self.cuts), np.append(self.cuts, np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = self.margin.first_moment(low, high) / np.exp(self.log_mass)
        return np.clip(np.where(np.isnan(means), 0.0, means), low, high)

    @cached_property
    def variances(self) -> np.ndarray:
        """Return the variance of each bin."""
        ends = zip(np.append(-np.inf, self.cuts), np.append(self.cuts, np.inf), strict=True)
        squares = [
            self.margin.second_moment(low, high, mean)
            for (low, high), mean in zip(ends, self.means, strict=True)
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            variances = np.array(squares) / np.exp(self.log_mass)
        return np.where(np.isnan(variances), 0.0, variances)  # of a bin that is never drawn

    @cached_property
    def modes(self) -> np.ndarray:
        """Return the most probable number of each bin."""
        return np.array([self.margin.mode(low, high) for low, high in self.ends().T])


def quantile_cuts(
    values: np.ndarray, weight: np.ndarray, n_bins: int, is_count: bool
) -> np.ndarray:
    """Return borders of bins of nearly equal weight.

    There are ``n_bins`` or fewer, unless values that outweigh a bin, each of which has one alone,
    divide the others into more.
    """
    cuts = []
    rest, n_left = float(weight.sum()), n_bins
    heavy = np.zeros(len(values), dtype=bool)
    while n_left > 1:  # what is heavy among all may leave lighter bins, for which others are heavy
        more = ~heavy & (weight * n_left > rest)
        if not more.any():
            break
        heavy |= more
        rest, n_left = float(weight[~heavy].sum()), n_bins - int(heavy.sum())
    size = rest / max(n_left, 1)
    filled, target = 0.0, size  # of the light values
    for place in range(len(values) - 1):
        filled += 0.0 if heavy[place] else weight[place]
        is_full = not heavy[place + 1] and filled + weight[place + 1] / 2 > target
        if heavy[place] or heavy[place + 1] or is_full:
            if is_full:
                target = size * (np.floor((filled + weight[place + 1] / 2) / size) + 1)
            gap = values[place + 1] - values[place]
            middle = values[place] + gap / 2 * CLOSED
            if is_count:
                middle = np.floor(middle) + 0.5
            cuts.append(middle if middle > values[place] else values[place + 1])
    return np.array(cuts)


def distinct_values(column: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct observed values of a column, ascending, and their weights."""
    observed = ~np.isnan(column)
    own = None if weight is None else weight[observed]
    values, place, count = np.unique(column[observed], return_inverse=True, return_counts=True)
    if own is None:
        return values, count.astype(np.float64)
    return values, np.bincount(place, weights=own, minlength=len(values))
