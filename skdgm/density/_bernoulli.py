"""Independent binary columns: ``p(x) = prod_j theta_j**x_j (1 - theta_j)**(1 - x_j)``.

Each probability is the smoothed share of ones, kept inside an interval if the family is restricted.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils._param_validation import Interval

from .._codes import as_binary_codes, as_codes, has_missing, missing_code, readonly
from .._fitted import learning
from .._kernels import bernoulli as kernels
from .._validation import shown
from ._base import BaseDensity
from ._bernoulli_group import (
    BernoulliGroup,
    BernoulliStatistics,
    SparseTerms,
    count_sparse,
    statistics_of,
)
from ._engine.blocks import draw_with_uniforms, ones_if_none, total_weight
from ._engine.given import check_n_samples_given, check_probabilities
from ._engine.regions import Regions, weighted


class BernoulliIndependentDensity(BaseDensity):
    """Independent Bernoulli columns, as in naive Bayes: the family of coins.

    Column j is 1 with probability ``theta_j``, whatever the other columns are. With weights ``w``,
    the estimate is ``(sum_i w_i x_ij + alpha) / (sum_i w_i + 2 alpha)``, moved to the nearest end
    of ``bounds`` if it lies outside: the likelihood is unimodal in each probability, so that is
    the best member of the restricted family.

    Parameters
    ----------
    alpha : float, default=1.0
        Pseudo-count added to the zeros and to the ones of every column; 0 is maximum likelihood.
        It counts rows, so scale ``sample_weight`` to sum to the number of rows.
    binarize : float or None, default=0.0
        Values above this threshold are ones. With None, X must hold zeros and ones already.
    bounds : tuple of two floats, default=(0.0, 1.0)
        Smallest and largest probability of a one, for every column: ``(0.2, 0.3)`` is the family
        of coins that show heads between 20 and 30 times in 100.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    probability_ : ndarray of shape (n_features,)
        Probability of a one in each column.
    feature_log_prob_ : ndarray of shape (n_features,)
        Logarithm of ``probability_``, named as in scikit-learn.
    n_parameters_ : int
        Free parameters: ``n_features``, or 0 if the bounds leave a single member.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MarkovChainImageDensity : Columns that depend on those before them.
    sklearn.naive_bayes.BernoulliNB : The classifier with one such density per class.

    Notes
    -----
    X may be sparse (CSR or CSC, for example word counts), and is never made dense; values that it
    does not store are zeros. Samples are dense.

    With ``alpha=0``, a component of a mixture (or a class) that has no observed value in a column
    takes over the share of ones in all rows.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", Springer, 2006,
       sections 2.1 and 8.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import BernoulliIndependentDensity
    >>> X = np.array([[0, 1], [1, 1], [0, 1], [0, 0]])
    >>> coins = BernoulliIndependentDensity(alpha=0).fit(X)
    >>> coins.probability_
    array([0.25, 0.75])
    >>> np.exp(coins.score_samples([[0, 1]]))
    array([0.5625])
    >>> BernoulliIndependentDensity(alpha=0, bounds=(0.2, 0.3)).fit(X).probability_
    array([0.25, 0.3 ])
    """

    _column_kind = "binary"
    _overall: Any = None  # statistics of all rows, which alpha=0 may need
    _group_type = BernoulliGroup
    _input_checks = {**BaseDensity._input_checks, "accept_sparse": "csr"}
    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "bounds": ["array-like"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        binarize: float | None = 0.0,
        bounds: tuple[float, float] = (0.0, 1.0),
        n_jobs: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.binarize = binarize
        self.bounds = bounds
        self.n_jobs = n_jobs

    @classmethod
    def from_parameters(
        cls, probability: ArrayLike, *, n_samples: float | None = None, **parameters: Any
    ) -> Self:
        """Make a density of given probabilities of ones, without data.

        Parameters
        ----------
        probability : array-like of shape (n_features,)
            Probability of a one in each column.
        n_samples : float or None, default=None
            Number of rows that these stand for, beside which ``partial_fit`` counts further ones.
            With None, it starts anew.
        **parameters : dict
            Parameters of the class, such as ``binarize``, and ``alpha`` for ``partial_fit``.

        Returns
        -------
        density : BernoulliIndependentDensity
            A fitted density.

        Raises
        ------
        ValueError
            If these are no probabilities.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import BernoulliIndependentDensity
        >>> coins = BernoulliIndependentDensity.from_parameters([0.5, 0.9])
        >>> np.exp(coins.score_samples([[1, 1]]))
        array([0.45])
        """
        density = cls(**parameters)
        density._validate_params()
        probability = np.array(probability, dtype=np.float64)
        if probability.ndim != 1 or not len(probability):
            raise ValueError(
                f"probability must hold a number for each column, got shape {probability.shape}."
            )
        check_probabilities("probability", probability, sums=False)
        with learning(density) as new:
            new.n_features_in_, new._dtype = len(probability), np.dtype(np.float64)
            n = new._n_rows = check_n_samples_given(n_samples)
            new._overall = BernoulliStatistics(np.ones(len(probability)), probability)
            new._set_probability(probability)
            if n_samples is not None:
                new._statistics = BernoulliStatistics(np.full(len(probability), n), n * probability)
            new._finish()
        return density

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> Any:
        codes = super()._encode_training(X, weight, extend)
        if self.alpha == 0 and not extend:
            self._overall = self._count(codes, weight)
        return codes

    def _declare_more(self, other: BernoulliIndependentDensity) -> None:
        if self.alpha == 0:
            self._overall = self._overall + other._overall

    @property
    def _borrows_columns(self) -> bool:
        return self.alpha == 0

    def _encode(self, X: Any) -> Any:
        return as_binary_codes(X, self.binarize)

    def _table(self, codes: Any) -> np.ndarray:
        """Return codes as an array."""
        return as_codes(codes.toarray()) if sparse.issparse(codes) else codes

    def _count(self, codes: Any, weight: np.ndarray | None) -> BernoulliStatistics:
        n_rows, n_columns = codes.shape
        total = total_weight(weight, n_rows)
        if sparse.issparse(codes):
            weights = ones_if_none(weight, n_rows)[:, np.newaxis]
            return statistics_of(*count_sparse(codes, weights))[0]
        mark = missing_code(codes)
        if weight is None:
            n_missing, n_ones = np.zeros((2, n_columns), dtype=np.int64)
            kernels.count_values(readonly(codes), mark, n_missing, n_ones)
            return BernoulliStatistics(total - n_missing, n_ones.astype(np.float64))
        if has_missing(codes):
            observed, ones = np.zeros(n_columns), np.zeros(n_columns)
            kernels.add_observed(readonly(codes), mark, readonly(weight), observed, ones)
            return BernoulliStatistics(observed, ones)
        ones = np.zeros(n_columns)
        kernels.add_weighted_ones(readonly(codes), readonly(weight), ones)
        return BernoulliStatistics(np.full(n_columns, total), ones)

    def _estimate(self, statistics: BernoulliStatistics) -> None:
        low, high = self._check_bounds()
        total = statistics.observed + 2 * self.alpha
        # A component of a mixture may have seen nothing of a column: there all rows speak for it.
        every = self._overall
        share = np.full(total.shape, 0.5) if every is None else every.ones / every.observed
        np.divide(statistics.ones + self.alpha, total, out=share, where=total > 0)
        self._set_probability(np.clip(share, low, high))

    def _set_probability(self, probability: np.ndarray) -> None:
        low, high = self._check_bounds()
        self.probability_ = probability
        with np.errstate(divide="ignore"):  # log 0 is -inf, a legal score
            self.feature_log_prob_ = np.log(self.probability_)
            self._log_zero = np.log1p(-self.probability_)
        self.n_parameters_ = self.n_features_in_ if low < high else 0

    def _log_prob(self, codes: Any) -> np.ndarray:
        if sparse.issparse(codes):
            terms = SparseTerms(self._log_zero[np.newaxis], self.feature_log_prob_[np.newaxis])
            return terms.log_prob(codes)[:, 0]
        out = np.empty(len(codes))
        log_probs = readonly(self._log_zero), readonly(self.feature_log_prob_)
        if has_missing(codes):
            kernels.log_prob_observed(readonly(codes), missing_code(codes), *log_probs, out)
        else:
            kernels.log_prob(readonly(codes), *log_probs, out)
        return out

    def _log_prior(self, total: float) -> float:
        """Return the log-prior of pseudo-counts, ``alpha sum_j log theta_j (1 - theta_j)``."""
        if self.alpha == 0:
            return 0.0
        return self.alpha * float(np.sum(self.feature_log_prob_ + self._log_zero))

    def _sample_missing(self, codes: Any, generator: np.random.Generator) -> np.ndarray:
        drawn = np.empty(codes.shape, dtype=np.uint8)
        arguments = (readonly(self.probability_),)
        return draw_with_uniforms(kernels.threshold, arguments, drawn, generator)

    def _mean_missing(self, codes: Any) -> np.ndarray:
        return np.broadcast_to(self.probability_, codes.shape)

    def _proba_missing(self, codes: Any, columns: Sequence[int]) -> list[np.ndarray]:
        one = self.probability_[columns]
        proba = np.stack([1 - one, one], axis=1)
        return [np.broadcast_to(own, (codes.shape[0], 2)) for own in proba]

    def _mode_missing(self, codes: Any) -> np.ndarray:
        return np.broadcast_to(self.probability_ > 0.5, codes.shape)

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        given, probability, log_prob = copy(self), self.probability_.copy(), 0.0
        for column, region in regions.items():
            one = probability[column]
            (_, probability[column]), own = weighted(np.array([1 - one, one]), region)
            log_prob += own
        given._set_probability(probability)
        return given, log_prob

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        codes = np.empty((n_samples, self.n_features_in_), dtype=np.uint8)
        return self._sample_missing(codes, generator)

    def _check_bounds(self) -> tuple[float, float]:
        bounds = np.asarray(self.bounds, dtype=np.float64)
        if bounds.shape != (2,) or not 0 <= bounds[0] <= bounds[1] <= 1:
            told = shown(self.bounds)
            raise ValueError(f"bounds must be two probabilities, as in (0.2, 0.3); got {told}.")
        return float(bounds[0]), float(bounds[1])
