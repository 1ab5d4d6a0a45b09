"""Independent Poisson counts: ``p(x) = prod_j rate_j**x_j exp(-rate_j) / x_j!``.

Each rate is the mean of a column, drawn by pseudo-counts towards its mean over all rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import stats
from scipy.special import gammaln, xlogy

from ..._codes import has_missing
from .._engine.blocks import ones_if_none
from .._engine.statistics import Statistics
from .._group import DensityGroup
from ._base import CountDensity


@dataclass(frozen=True, eq=False)
class EventCounts(Statistics):
    """For each column, the weight of its observed values and their weighted sum."""

    observed: np.ndarray
    events: np.ndarray

    def typical(self, rules_nothing_out: bool) -> Self:
        """Return the statistics of one row that is distributed as the rows are."""
        mean = self.events / self.observed
        if rules_nothing_out:
            mean[self.events == 0] = 0.5
        return type(self)(np.ones(len(mean)), mean)

    def times(self, factor: np.ndarray) -> Self:
        """Return the statistics with the weights of each column multiplied."""
        return type(self)(factor * self.observed, factor * self.events)


class PoissonGroup(DensityGroup):
    """Independent Poisson counts of several densities, scored and counted by matrix products."""

    def start(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[EventCounts]:
        return count_events(codes, shares * weight[:, np.newaxis])

    def expect(
        self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray
    ) -> list[EventCounts]:
        return count_events(codes, self._weights(shares, weight))

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        return log_poisson(codes, np.stack([density.rate_ for density in self.densities]))


class PoissonIndependentDensity(CountDensity):
    """Independent Poisson columns: counts of events that happen at a steady rate.

    With weights ``w``, the rate of column j is ``(sum_i w_i x_ij + alpha m_j) / (sum_i w_i +
    alpha)``, where ``m_j`` is the mean of the column over all rows. A density on its own so has the
    columns' means as rates; in a mixture or classifier, the prior draws each part's rates towards
    those of all rows.

    Parameters
    ----------
    alpha : float, default=1.0
        Pseudo-count of rows that have the column's mean over all rows; 0 is maximum likelihood. In
        a column of zeros, half of these rows hold a 1, so that no count is impossible. It counts
        rows, so scale ``sample_weight`` to sum to the number of rows.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    rate_ : ndarray of shape (n_features,)
        Expected count of each column.
    n_parameters_ : int
        Free parameters: ``n_features``.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    NegativeBinomialIndependentDensity : Counts that vary more than a Poisson count does.
    MixtureDensity : Counts that depend on one another through a latent class.

    Notes
    -----
    X holds the integers 0, 1, 2, ... Others are refused.

    The prior on a rate is the gamma distribution of which that many rows are the sufficient
    statistics, and the estimate its mode.

    References
    ----------
    .. [1] A. Gelman et al., "Bayesian Data Analysis", 3rd edition, CRC Press, 2013, section 2.6.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import PoissonIndependentDensity
    >>> X = np.array([[0, 12], [1, 8], [3, 10], [0, 10]])
    >>> density = PoissonIndependentDensity().fit(X)
    >>> density.rate_
    array([ 1., 10.])
    >>> density.score_samples([[1, 10], [1, np.nan]]).round(2)
    array([-3.08, -1.  ])
    """

    _group_type = PoissonGroup

    def __init__(self, *, alpha: float = 1.0, n_jobs: int | None = None) -> None:
        self.alpha = alpha
        self.n_jobs = n_jobs

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> EventCounts:
        return count_events(codes, ones_if_none(weight, len(codes))[:, np.newaxis])[0]

    def _estimate_from(self, total: EventCounts) -> None:
        self.rate_ = total.events / total.observed
        self.n_parameters_ = self.n_features_in_

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        return log_poisson(codes, self.rate_[np.newaxis])[:, 0]

    def _log_prior(self, total: float) -> float:
        """Return the log-likelihood of the pseudo-rows, up to a constant."""
        if self.alpha == 0:
            return 0.0
        return self.alpha * float(np.sum(xlogy(self._typical.events, self.rate_) - self.rate_))

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return generator.poisson(self.rate_, (n_samples, len(self.rate_)))

    @property
    def _expected(self) -> np.ndarray:
        return self.rate_

    def _distributions_of(self, column: int) -> tuple[Any, Any]:
        own = stats.poisson(self.rate_[column])
        return own, own

    @property
    def _variance(self) -> np.ndarray:
        return self.rate_

    @property
    def _most_probable(self) -> np.ndarray:
        return np.floor(self.rate_)


def count_events(codes: np.ndarray, weights: np.ndarray) -> list[EventCounts]:
    """Return the statistics of counts for each of k weights per row, of shape (n_rows, k)."""
    if has_missing(codes):
        seen = ~np.isnan(codes)
        observed = weights.T @ seen
        events = weights.T @ np.where(seen, codes, 0.0)
    else:
        events = weights.T @ codes
        observed = np.broadcast_to(weights.sum(axis=0)[:, np.newaxis], events.shape)
    return [EventCounts(*own) for own in zip(observed, events, strict=True)]


def log_poisson(codes: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the log-probabilities of rows of counts under k rates per column: (n_rows, k)."""
    never = rates == 0
    log_rates = np.log(np.where(never, 1.0, rates))
    if has_missing(codes):
        seen = ~np.isnan(codes)
        codes = np.where(seen, codes, 0.0)
        expected = seen @ rates.T
    else:
        expected = rates.sum(axis=1)
    log_prob = codes @ log_rates.T - expected
    log_prob -= gammaln(codes + 1).sum(axis=1)[:, np.newaxis]
    if never.any():
        log_prob[codes @ never.T.astype(np.float64) > 0] = -np.inf
    return log_prob
