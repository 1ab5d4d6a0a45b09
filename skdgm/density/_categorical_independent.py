"""Independent columns of categories: ``p(x) = prod_j p_j(x_j)``."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from .._codes import missing_code, readonly
from .._kernels import categorical as kernels
from ._categorical import CATEGORY_CONSTRAINTS, BaseCategoricalDensity, HandleUnknown
from ._engine.blocks import ones_if_none
from ._engine.regions import Regions, weighted
from ._group import DensityGroup


@dataclass(frozen=True, eq=False)
class CategoryWeights:
    """The weight of each value of each column; values may be new in what is added."""

    columns: tuple[np.ndarray, ...]

    def __add__(self, other: Self) -> Self:
        pairs = zip(self.columns, other.columns, strict=True)
        return type(self)(tuple(_padded(*pair) + _padded(*pair[::-1]) for pair in pairs))


def _padded(weight: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.pad(weight, (0, max(len(other) - len(weight), 0)))


class CategoricalGroup(DensityGroup):
    """Densities of independent categories, scored and counted in one pass."""

    def _prepare(self) -> None:
        own = [density._log_probability for density in self.densities]
        self._log_probability = readonly(np.stack(own, axis=1))

    def expect(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[Any]:
        counts = self.prototype._counts_of(codes, self._weights(shares, weight))
        return [self.prototype._by_column(own) for own in counts.T]

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        return self.prototype._log_prob_by(self._log_probability, codes)


class CategoricalIndependentDensity(BaseCategoricalDensity):
    """Independent columns of categories.

    Each value of a column has a probability of its own: ``p(x) = prod_j p_j(x_j)``. It is the
    density of each class in naive Bayes for categories, and of each component in latent class
    analysis (a :class:`MixtureDensity` of these).

    Parameters
    ----------
    n_categories : "auto", int or array-like of shape (n_features,), default="auto"
        Number of categories per column, 0 to K - 1; "auto" takes the values seen in training.
    min_categories : int, array-like of shape (n_features,) or None, default=None
        Number of categories, from 0 on, that a column has at least, as in
        :class:`sklearn.naive_bayes.CategoricalNB`: values that training may not show. Only
        ``n_categories="auto"`` needs it.
    max_categories : int, default=65_534
        Largest number of categories of a column; more are an error.
    handle_unknown : {"error", "missing", "smooth"}, default="error"
        What becomes of a value in a query that training has not seen: an error, a missing value, or
        one further category, "other", with pseudo-counts only.
    alpha : float, default=1.0
        Pseudo-count of each value of each column (Laplace smoothing); 0 fits frequencies.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each column, "other" among them.
    categories_ : list of n_features ndarrays
        Categories of each column, "other" aside: in order, or after ``partial_fit`` as they came.
    probability_ : list of n_features ndarrays
        Probability of each category of each column.
    n_parameters_ : int
        Free parameters: ``K - 1`` for each column.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    sklearn.naive_bayes.CategoricalNB : The classifier with one such density per class.
    ChowLiuTreeDensity : Columns that each depend on one other.

    Notes
    -----
    With ``alpha=0``, a component of a mixture (or a class) that has no observed value in a column
    takes all its values to be equally probable.

    If X holds nothing but fractions strictly between 0 and 1, it is taken for grey levels and
    binarised at 0.5, with a warning.

    References
    ----------
    .. [1] P. F. Lazarsfeld and N. W. Henry, "Latent Structure Analysis", Houghton Mifflin, 1968.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import CategoricalIndependentDensity
    >>> X = np.array([[0, 2], [1, 2], [0, 0], [0, 1]])
    >>> density = CategoricalIndependentDensity(alpha=0).fit(X)
    >>> density.probability_
    [array([0.75, 0.25]), array([0.25, 0.25, 0.5 ])]
    >>> np.exp(density.score_samples([[0, 2], [0, np.nan]]))
    array([0.375, 0.75 ])
    """

    _group_type = CategoricalGroup
    _parameter_constraints: dict = {
        **CATEGORY_CONSTRAINTS,
        "min_categories": [Interval(Integral, 1, None, closed="left"), "array-like", None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        *,
        n_categories: Literal["auto"] | int | ArrayLike = "auto",
        min_categories: int | ArrayLike | None = None,
        max_categories: int = 65_534,
        handle_unknown: HandleUnknown = "error",
        alpha: float = 1.0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_categories = n_categories
        self.min_categories = min_categories
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown
        self.alpha = alpha
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ learning
    @property
    def _counts_missing(self) -> bool:
        return True  # columns do not depend on one another, so nothing is to be expected

    def _fit(self, codes: np.ndarray, weight: np.ndarray | None) -> None:
        self._set(self._count_blocks(codes, weight))

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> CategoryWeights:
        shares = ones_if_none(weight, len(codes))[:, np.newaxis]
        return self._by_column(self._counts_of(codes, shares)[:, 0])

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> CategoryWeights:
        return self._count(codes, weight)

    def _expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[CategoryWeights, np.ndarray]:
        return self._count(codes, weight), self._log_prob(codes)

    def _counts_of(self, codes: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return the weight of each value of each column, for every share: (n_values, k)."""
        counts = np.zeros((self._start[-1], shares.shape[1]))
        arguments = readonly(codes), missing_code(codes), readonly(self._start)
        kernels.add_shares(*arguments, readonly(shares), counts)
        return counts

    def _estimate(self, statistics: CategoryWeights) -> None:
        start, n_values = self._start, self.n_categories_
        counts = np.full(start[-1], float(self.alpha))
        for first, own in zip(start, statistics.columns, strict=False):
            counts[first : first + len(own)] += own
        total = np.add.reduceat(counts, start[:-1])
        counts += np.repeat(total == 0, n_values)  # nothing is known: equal shares
        probability = counts / np.repeat(np.where(total == 0, n_values, total), n_values)
        self.probability_ = np.split(probability, start[1:-1])
        with np.errstate(divide="ignore"):  # log 0 is -inf, a legal score
            self._log_probability = np.log(probability)
        self.n_parameters_ = int(np.sum(self.n_categories_ - 1))

    def _log_prior(self, total: float) -> float:
        return self.alpha * float(self._log_probability.sum()) if self.alpha else 0.0

    # ------------------------------------------------------------------ the list of all values
    @property
    def _start(self) -> np.ndarray:
        """The place of the first value of each column, and the number of all values."""
        return np.concatenate([[0], np.cumsum(self.n_categories_)])

    def _by_column(self, weights: np.ndarray) -> CategoryWeights:
        return CategoryWeights(tuple(np.split(weights, self._start[1:-1])))

    # ------------------------------------------------------------------ queries
    @property
    def _rules_out_rows(self) -> bool:
        return bool(np.isneginf(self._log_probability).any())

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        return self._log_prob_by(self._log_probability[:, np.newaxis], codes)[:, 0]

    def _log_prob_by(self, log_probability: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the log-probability of each row under k densities, of shape (n_rows, k)."""
        log_prob = np.zeros((len(codes), log_probability.shape[1]))
        arguments = readonly(codes), missing_code(codes), readonly(self._start)
        kernels.add_log_prob(*arguments, readonly(log_probability), log_prob)
        return log_prob

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        uniform = generator.random((n_samples, self.n_features_in_))
        drawn = [_draw(own, u) for own, u in zip(self.probability_, uniform.T, strict=True)]
        return np.column_stack(drawn).astype(np.uint16)

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._sample(len(codes), generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        pairs = zip(self.probability_, self._categories.worth, strict=True)
        return np.broadcast_to([own @ worth for own, worth in pairs], codes.shape)

    def _proba_missing(self, codes: np.ndarray, columns: Sequence[int]) -> list[np.ndarray]:
        own = [self.probability_[column] for column in columns]
        return [np.broadcast_to(each, (len(codes), len(each))) for each in own]

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return np.broadcast_to([own.argmax() for own in self.probability_], codes.shape)

    def _pair_information(self, places: np.ndarray, known: np.ndarray) -> np.ndarray:
        return np.zeros((len(places), len(places)))  # of independent columns

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        given, log_prob = copy(self), 0.0
        given.probability_ = list(self.probability_)
        for column, region in regions.items():
            given.probability_[column], own = weighted(self.probability_[column], region)
            log_prob += own
        with np.errstate(divide="ignore"):
            given._log_probability = np.log(np.concatenate(given.probability_))
        return given, log_prob


def _draw(probability: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return categories drawn by uniform numbers, none of probability zero."""
    possible = np.flatnonzero(probability)
    below = np.cumsum(probability[possible])
    place = np.searchsorted(below, uniform * below[-1], side="right")
    return possible[np.minimum(place, len(possible) - 1)]
