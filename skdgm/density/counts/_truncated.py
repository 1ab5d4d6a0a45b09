"""Independent counts of which some lie in intervals: truncated distributions by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._derived import DerivedDensity
from .._engine.columns import Columns
from .._engine.regions import Interval, Regions

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

    def mean(self) -> float:
        """Return the mean in the interval."""
        share = self._between(self.one_more, self.low - 1, self.high - 1)
        mean = float(self.distribution.mean()) * share / self.probability
        return float(np.clip(mean, self.low, self.high))

    def draw(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw counts in the interval."""
        uniform = generator.random(n_samples)
        if self.is_upper:
            above, below = self.distribution.sf([self.low - 1, self.high])
            drawn = self.distribution.isf(below + (above - below) * uniform)
        else:
            below, above = self.distribution.cdf([self.low - 1, self.high])
            drawn = self.distribution.ppf(below + (above - below) * uniform)
        return np.clip(drawn, self.low, self.high)


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
