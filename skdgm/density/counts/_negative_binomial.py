"""Independent negative binomial counts, of variance ``mean + dispersion mean**2``.

``p(x) = prod_(i < x) (1 + d i) m**x / (x! (1 + d m)**(x + 1 / d))`` for the mean m and the
dispersion d: a Poisson count whose rate is gamma distributed, with d as the squared coefficient of
variation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln, xlogy

from ..._codes import readonly
from ..._kernels import counts as kernels
from .._engine.blocks import ones_if_none
from .._group import DensityGroup
from ._base import CountDensity
from ._histograms import Histograms, count_histograms, distinct_counts

LARGEST_RATE = 2.0**62  # that NumPy draws a Poisson count from


class NegativeBinomialGroup(DensityGroup):
    """Independent negative binomial counts of several densities.

    Each column is cut into its distinct values once for all densities.
    """

    def start(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[Histograms]:
        return count_histograms(codes, shares * weight[:, np.newaxis])

    def expect(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[Histograms]:
        return count_histograms(codes, self._weights(shares, weight))

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        mean = np.stack([density.mean_ for density in self.densities])
        dispersion = np.stack([density.dispersion_ for density in self.densities])
        return log_negative_binomial(codes, mean, dispersion)


class NegativeBinomialIndependentDensity(CountDensity):
    """Independent negative binomial columns: counts that vary more than Poisson counts do.

    The variance of a column is ``mean + dispersion * mean**2``. A dispersion of 0 is the Poisson
    distribution, which comes out where the data vary no more than that.

    Parameters
    ----------
    alpha : float, default=1.0
        Pseudo-count of rows that are distributed in each column as all rows are; 0 is maximum
        likelihood. In a mixture or classifier, they draw each part's means and dispersions towards
        those of all rows. In a column of zeros, half of these rows hold a 1, so that no count is
        impossible. It counts rows, so scale ``sample_weight`` to sum to the number of rows.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Expected count of each column.
    dispersion_ : ndarray of shape (n_features,)
        Dispersion of each column, from 0 to 1e10.
    n_parameters_ : int
        Free parameters: ``2 * n_features``.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    PoissonIndependentDensity : Counts of variance equal to their mean.
    MixtureDensity : Counts that depend on one another through a latent class.

    Notes
    -----
    X holds the integers 0, 1, 2, ... Others are refused.

    The most probable mean is that of the rows and pseudo-rows, whatever the dispersion. For this,
    the likelihood of a dispersion has one maximum [2]_, which Newton's method finds. The statistics
    are the weights of the distinct values of each column.

    References
    ----------
    .. [1] J. M. Hilbe, "Negative Binomial Regression", 2nd edition, Cambridge University Press,
       2011, chapter 8.
    .. [2] J. Aragon, D. Eberly and S. Eberly, "Existence and Uniqueness of the Maximum Likelihood
       Estimator for the Two-parameter Negative Binomial Distribution", Statistics & Probability
       Letters 15(5), 1992.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import NegativeBinomialIndependentDensity, PoissonIndependentDensity
    >>> visits = np.random.default_rng(0).negative_binomial(2, 0.1, size=(2000, 1))
    >>> density = NegativeBinomialIndependentDensity().fit(visits)
    >>> density.mean_.round(0), density.dispersion_.round(1)
    (array([18.]), array([0.5]))
    >>> poisson = PoissonIndependentDensity().fit(visits)
    >>> round(density.score(visits), 1), round(poisson.score(visits), 1)
    (-3.8, -7.0)
    """

    _group_type = NegativeBinomialGroup

    def __init__(self, *, alpha: float = 1.0, n_jobs: int | None = None) -> None:
        self.alpha = alpha
        self.n_jobs = n_jobs

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> Histograms:
        return count_histograms(codes, ones_if_none(weight, len(codes))[:, np.newaxis])[0]

    def _estimate_from(self, total: Histograms) -> None:
        self.mean_ = total.sums(total.values) / total.observed
        self.dispersion_ = np.empty(len(self.mean_))
        arrays = total.starts, total.values, total.weight, self.mean_
        kernels.fit_dispersions(*map(readonly, arrays), self.dispersion_)
        self.n_parameters_ = 2 * self.n_features_in_

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        own = self.mean_[np.newaxis], self.dispersion_[np.newaxis]
        return log_negative_binomial(codes, *own)[:, 0]

    def _log_prior(self, total: float) -> float:
        """Return the log-likelihood of the pseudo-rows."""
        if self.alpha == 0:
            return 0.0
        prior, log_prob = self._typical, 0.0
        for j, (start, stop) in enumerate(zip(prior.starts[:-1], prior.starts[1:], strict=True)):
            own = prior.values[start:stop], self.mean_[j : j + 1], self.dispersion_[j : j + 1]
            log_prob += float(prior.weight[start:stop] @ log_probs_of_values(*own)[:, 0])
        return self.alpha * log_prob

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        rate = np.tile(self.mean_, (n_samples, 1))
        varies = np.flatnonzero(self.dispersion_ > 0)
        shape, scale = 1 / self.dispersion_[varies], (self.dispersion_ * self.mean_)[varies]
        rate[:, varies] = generator.gamma(shape, scale, (n_samples, len(varies)))
        return generator.poisson(np.minimum(rate, LARGEST_RATE))

    @property
    def _expected(self) -> np.ndarray:
        return self.mean_

    def _distributions_of(self, column: int) -> tuple[Any, Any]:
        mean, dispersion = self.mean_[column], self.dispersion_[column]
        if dispersion == 0:
            own = stats.poisson(mean)
            return own, own
        p = 1 / (1 + dispersion * mean)
        return stats.nbinom(1 / dispersion, p), stats.nbinom(1 / dispersion + 1, p)

    @property
    def _variance(self) -> np.ndarray:
        return self.mean_ + self.dispersion_ * self.mean_**2

    @property
    def _most_probable(self) -> np.ndarray:
        return np.floor(self.mean_ * np.maximum(1 - self.dispersion_, 0.0))


def log_negative_binomial(
    codes: np.ndarray, mean: np.ndarray, dispersion: np.ndarray
) -> np.ndarray:
    """Return the log-probabilities of rows under k means and dispersions per column: (n_rows, k).

    ``mean`` and ``dispersion`` have shape (k, n_columns).
    """
    log_prob = np.zeros((len(codes), len(mean)))
    for j, column in enumerate(codes.T):
        values, index = distinct_counts(column)
        terms = np.zeros((len(values) + 1, len(mean)))  # 0 for a missing value
        terms[:-1] = log_probs_of_values(values, mean[:, j], dispersion[:, j])
        log_prob += terms[index]
    return log_prob


def log_probs_of_values(values: np.ndarray, mean: np.ndarray, dispersion: np.ndarray) -> np.ndarray:
    """Return the log-probability of each value under k means and dispersions: (n_values, k)."""
    x, spread = values[:, np.newaxis], np.log1p(dispersion * mean)
    log_prob = np.empty((len(values), len(mean)))
    kernels.fill_log_rising(readonly(values), readonly(dispersion), log_prob)
    log_prob += xlogy(x, mean) - x * spread - gammaln(x + 1)
    is_poisson = dispersion == 0
    return log_prob - np.where(is_poisson, mean, spread / np.where(is_poisson, 1.0, dispersion))
