"""Independent counts of which some lie in intervals: truncated distributions by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._derived import DerivedDensity
from .._engine.columns import Columns
from .._engine.conditional_margins import ConditionalMargin, SameMargin, smallest_integer
from .._engine.regions import Interval, Regions

LITTLE, MOST_PIECES = 1e-20, 10**5  # a share that is left out, and pieces of an interval
LEAST = np.finfo(np.float64).tiny  # of a probability that counts as one


@dataclass(frozen=True, eq=False)
class TruncatedCount:
    """One column of counts in an interval.

    Parameters
    ----------
    distribution : frozen discrete distribution of scipy
        That of all counts.
    one_more : frozen discrete distribution of scipy
        The distribution for which ``sum_{x >= a} x p(x)`` is its mean times ``P(y >= a - 1)``.
    low, high : float
        The ends of the interval.
    """

    distribution: Any
    one_more: Any
    low: float
    high: float

    @property
    def is_upper(self) -> bool:
        """True if the interval lies above the median, where the upper tail is the smaller one."""
        return bool(self.low > self.distribution.median())

    def _between(self, distribution: Any, low: float, high: float) -> float:
        if self.is_upper:
            return float(distribution.sf(low - 1) - distribution.sf(high))
        return float(distribution.cdf(high) - distribution.cdf(low - 1))

    @property
    def probability(self) -> float:
        """Probability of the interval."""
        return self._between(self.distribution, self.low, self.high)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Return the probability of what is no larger than each value."""
        x = np.minimum(np.floor(x), self.high)
        if self.is_upper:
            share = self.distribution.sf(self.low - 1) - self.distribution.sf(x)
        else:
            share = self.distribution.cdf(x) - self.distribution.cdf(self.low - 1)
        return np.where(x < self.low, 0.0, share / self.probability)

    def ppf(self, q: float) -> float:
        """Return the smallest value whose ``cdf`` reaches q, strictly between 0 and 1."""
        return float(smallest_integer(self.cdf, self._at(np.array([q])), q)[0])

    def support(self) -> tuple[float, float]:
        """Return the least and the largest value."""
        return np.ceil(self.low), np.floor(self.high)

    def var(self) -> float:
        """Return the variance in the interval, by a sum over pieces of one integer or few."""
        last = self.distribution.isf(LITTLE * self.probability)
        first = self.distribution.ppf(LITTLE * self.probability)
        first, last = max(self.low, first) - 1, min(self.high, last)
        n_pieces = int(min(last - first, MOST_PIECES))
        edges = np.floor(np.linspace(first, last, n_pieces + 1))
        share = np.diff(self.cdf(edges))
        return float(share @ ((edges[:-1] + edges[1:] + 1) / 2 - self.mean()) ** 2)

    def mean(self) -> float:
        """Return the mean in the interval."""
        share = self._between(self.one_more, self.low - 1, self.high - 1)
        mean = float(self.distribution.mean()) * share / self.probability
        return float(np.clip(mean, self.low, self.high))

    def draw(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw counts in the interval."""
        return self._at(generator.random(n_samples))

    def _at(self, share: np.ndarray) -> np.ndarray:
        """Return the counts up to which shares of what is in the interval lie."""
        if self.is_upper:
            above, below = self.distribution.sf([self.low - 1, self.high])
            found = self.distribution.isf(above + (below - above) * share)
        else:
            below, above = self.distribution.cdf([self.low - 1, self.high])
            found = self.distribution.ppf(below + (above - below) * share)
        return np.clip(found, self.low, self.high)


class TruncatedCounts(DerivedDensity):
    """Independent columns of counts, given that some lie in intervals."""

    _column_kind = "count"
    _density: Any
    _told: dict[int, TruncatedCount]

    @classmethod
    def of(cls, density: Any, regions: Regions) -> tuple[Any, float]:
        """Return the density given intervals of counts, and the log-probability of these."""
        own = cls()
        own._follow(density)
        own._source, own._density, own._told = type(density).__name__, density, {}
        log_prob = 0.0
        for column, region in regions.items():
            assert isinstance(region, Interval)
            low = max(region.low, 0.0)
            whole, one_more = density._distributions_of(column)
            own._told[column] = told = TruncatedCount(whole, one_more, low, region.high)
            probability = told.probability if low <= region.high else 0.0
            if probability < LEAST:
                return density, -np.inf
            log_prob += float(np.log(probability))
        return own, log_prob

    @property
    def _columns(self) -> Columns:
        return self._density._columns

    def _encode(self, X: Any) -> Any:
        return self._density._encode(X)

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        log_prob = self._density._log_prob(codes)
        for column, told in self._told.items():
            cells = codes[:, column]
            observed = ~np.isnan(cells)
            log_prob[observed] -= np.log(told.probability)
            log_prob[observed & ~Interval(told.low, told.high).contains(cells)] = -np.inf
        return log_prob

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        drawn = self._density._sample(n_samples, generator)
        for column, told in self._told.items():
            drawn[:, column] = told.draw(n_samples, generator)
        return drawn

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._sample(len(codes), generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        mean = np.array(self._density._mean_missing(codes))
        for column, told in self._told.items():
            mean[:, column] = told.mean()
        return mean

    def _moments_missing(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        variance = np.array(self._density._moments_missing(codes)[1])
        for column, told in self._told.items():
            variance[:, column] = told.var()
        return self._mean_missing(codes), variance

    def _margins_missing(
        self, codes: np.ndarray, columns: Sequence[int]
    ) -> list[ConditionalMargin]:
        margins = self._density._margins_missing(codes, columns)
        return [
            SameMargin(self._told[column], len(codes)) if column in self._told else margin
            for column, margin in zip(columns, margins, strict=True)
        ]

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        mode = np.array(self._density._mode_missing(codes))
        for column, told in self._told.items():
            mode[:, column] = np.clip(mode[:, column], told.low, told.high)
        return mode

    def _restricted(self, regions: Regions) -> tuple[Any, float] | None:
        if not all(isinstance(region, Interval) for region in regions.values()):
            return None
        within: dict[int, Any] = {j: Interval(own.low, own.high) for j, own in self._told.items()}
        for column, region in regions.items():
            known = within.get(column, Interval(0.0, np.inf))
            low, high = max(region.low, known.low), min(region.high, known.high)
            within[column] = Interval(low, high)
        before = sum(float(np.log(own.probability)) for own in self._told.values())
        given, log_prob = type(self).of(self._density, within)
        return given, log_prob - before


def restrict_counts(density: Any, regions: Regions) -> tuple[Any, float] | None:
    """Return a density of counts given intervals, or None for other regions."""
    if not all(isinstance(region, Interval) for region in regions.values()):
        return None
    return TruncatedCounts.of(density, regions)
