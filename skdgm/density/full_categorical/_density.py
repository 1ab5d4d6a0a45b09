"""One probability for each joint state: ``p(x) = (count(x) + alpha / S) / (n + alpha)``.

The number of states S may be astronomical; only the states that the data allow are stored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real
from operator import itemgetter
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ..._codes import all_missing, digits, missing_cells, n_states
from .._categorical import CATEGORY_CONSTRAINTS, BaseCategoricalDensity, HandleUnknown
from .._em import EM_CONSTRAINTS
from .._engine.blocks import ones_if_none
from .._engine.missing import all_completions
from .._engine.patterns import Patterns
from .._engine.statistics import Statistics, add_in_pairs
from .._engine.weighted_states import WeightedStates
from ._missing import StateTable

LISTED_CELLS = 2**20  # that the listed completions of training rows may have


@dataclass(frozen=True, eq=False)
class StateCounts(Statistics):
    """The states that the data allow with their weights, and the total weight of all others."""

    listed: WeightedStates
    others: float


class FullCategoricalDensity(BaseCategoricalDensity):
    """The unrestricted distribution over the joint states of all columns.

    Every joint state has a probability of its own, so that the family holds every distribution.
    Memory grows with the number of *distinct rows seen*: 2**784 binary images or 256**3 colours of
    a pixel are no harder than few states.

    Parameters
    ----------
    n_categories : "auto", int or array-like of shape (n_features,), default="auto"
        Number K of categories of the columns, which are then 0 to K - 1. With "auto", the
        categories of a column are the values seen there, which are integers from 0;
        with ``ties``, 0 to the largest.
    max_categories : int, default=65534
        Largest number of categories that "auto" accepts in a column. One with more, such as an
        identifier of rows, is refused.
    handle_unknown : {"error", "missing", "smooth"}, default="error"
        What becomes of values that are no categories: an error; a missing value, which
        is integrated out; or one further category, "other", which shares ``alpha`` and counts in
        ``n_parameters_``. In samples and means it is one more than the largest category.
    alpha : float, default=1.0
        Total pseudo-count, spread evenly over all joint states; 0 is maximum likelihood. It
        counts rows, so scale ``sample_weight`` to sum to the number of rows.
    ties : array-like of int or None, default=None
        A label for each joint state; states with the same label share a probability. It has one
        axis per column, ``ties[x_1, x_2, ...]``, or is that array in row-major order as a list:
        ``[0, 0, 0, 1, 1, 1]`` is a die whose faces 1 to 3 and 4 to 6 share theirs.
    max_iter : int, default=200
        Maximum number of steps of expectation-maximisation, which only training data with missing
        values need.
    tol : float, default=1e-5
        Expectation-maximisation ends when a step raises the mean log-likelihood (with the
        pseudo-counts' log-prior) by less, in nats per row.
    verbose : int, default=0
        Whether to print the objective of every step.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each column, "other" among them.
    categories_ : list of n_features ndarrays
        Categories of each column, "other" aside: in order, or after ``partial_fit`` as they came.
    n_states_ : int
        Number of joint states, exact.
    n_parameters_ : int
        Exact number of free parameters: ``n_states_ - 1``, or the number of labels in ``ties``
        minus one.
    n_iter_ : int
        Number of steps of expectation-maximisation; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The mean log-likelihood of what was observed, with the pseudo-counts' log-prior, before
        each step, in nats per row; empty if nothing was missing.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MarkovChainImageDensity : Restricts the family by conditional independence.

    Notes
    -----
    ``alpha`` is the total pseudo-count. In the other densities it is that of each value, so that an
    ``alpha`` of 1 smooths far more there.

    A training row with missing values is shared among the states that agree with it, and only
    states that agree with some row are stored. Rows that agree with too many states to store
    (a million cells together) are shared among the stored ones and all others, which then have one
    probability in common.

    If X holds nothing but fractions strictly between 0 and 1, it is taken for grey levels and
    binarised at 0.5, with a warning.

    References
    ----------
    .. [1] K. P. Murphy, "Probabilistic Machine Learning: An Introduction", MIT Press, 2022,
       sections 4.2 and 4.6.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import FullCategoricalDensity
    >>> rolls = np.array([[0], [1], [1], [5]])
    >>> die = FullCategoricalDensity(n_categories=6, alpha=0).fit(rolls)
    >>> np.exp(die.score_samples([[1], [2]]))
    array([0.5, 0. ])
    >>> tied = FullCategoricalDensity(alpha=0, ties=[0, 0, 0, 1, 1, 1]).fit(rolls)
    >>> np.exp(tied.score_samples([[1], [2]])), tied.n_parameters_
    (array([0.25, 0.25]), 1)
    >>> images = np.random.default_rng(0).integers(0, 2, (100, 784))
    >>> FullCategoricalDensity().fit(images).n_parameters_ == 2**784 - 1
    True
    """

    _parameter_constraints: dict = {
        **CATEGORY_CONSTRAINTS,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "ties": ["array-like", None],
        **EM_CONSTRAINTS,
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        *,
        n_categories: Literal["auto"] | int | ArrayLike = "auto",
        max_categories: int = 65_534,
        handle_unknown: HandleUnknown = "error",
        alpha: float = 1.0,
        ties: ArrayLike | None = None,
        max_iter: int = 200,
        tol: float = 1e-5,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_categories = n_categories
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown
        self.alpha = alpha
        self.ties = ties
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.n_jobs = n_jobs

    @property
    def _keeps_gaps(self) -> bool:
        return self.ties is not None

    def _declared_categories(self) -> np.ndarray | None:
        declared = super()._declared_categories()
        if self.ties is not None and self.handle_unknown == "smooth":
            raise ValueError(
                'handle_unknown="smooth" adds a category to which ties give no group; choose '
                '"error" or "missing".'
            )
        if declared is None and self.ties is not None:
            shape = np.shape(self.ties)
            if len(shape) == self.n_features_in_:
                return np.array(shape, dtype=np.int64)
        return declared

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> StateCounts:
        return StateCounts(self._collect(codes, weight), 0.0)

    def _collect(self, codes: np.ndarray, weight: np.ndarray | None) -> WeightedStates:
        return WeightedStates.count(codes, weight, int(self.n_categories_.max()))

    def _estimate(self, statistics: StateCounts) -> None:
        self.n_states_ = n_states(self.n_categories_)
        if self.ties is None:
            self._table = self._estimate_states(statistics)
            self.n_parameters_ = self.n_states_ - 1
        else:
            self._table, n_groups = self._estimate_groups(statistics)
            self.n_parameters_ = n_groups - 1

    def _estimate_states(self, statistics: StateCounts) -> StateTable:
        listed, others = statistics.listed, statistics.others
        n_unlisted = self.n_states_ - len(listed)
        weight = listed.weight if n_unlisted else listed.weight + others / len(listed)
        log_total = np.log(listed.weight.sum() + others + self.alpha)
        with np.errstate(divide="ignore"):  # a state without weight has log-probability -inf
            # What each state gets of the pseudo-count, and those not listed of the rest.
            log_share = np.log(self.alpha) - float(np.sum(np.log(self.n_categories_)))
            log_others = np.log(others) - math.log(n_unlisted) if n_unlisted else -np.inf
            log_listed = np.log(weight + np.exp(log_share)) - log_total
        log_unlisted = np.logaddexp(log_others, log_share) - log_total
        return StateTable(listed, self.n_categories_, log_listed, float(log_unlisted))

    def _estimate_groups(self, statistics: StateCounts) -> tuple[StateTable, int]:
        group_of_state = self._check_ties()
        listed = statistics.listed
        group = group_of_state[self._flat_index(listed.codes())]
        size = np.bincount(group_of_state)
        count = np.bincount(group, weights=listed.weight, minlength=len(size))
        with np.errstate(divide="ignore"):
            log_prob = np.log(count / size + self.alpha / self.n_states_)
            log_prob -= np.log(listed.weight.sum() + self.alpha)
        every = self._list_all_states(0.0)
        table = StateTable(every, self.n_categories_, log_prob[group_of_state], -np.inf)
        return table, len(size)

    def _list_all_states(self, weight: float) -> WeightedStates:
        """List every joint state, each with this weight."""
        codes = digits(np.arange(self.n_states_), self.n_categories_)
        return self._collect(codes, np.full(self.n_states_, float(weight)))

    def _check_ties(self) -> np.ndarray:
        ties = np.asarray(self.ties)
        shape = tuple(int(k) for k in self.n_categories_)
        if ties.shape not in (shape, (self.n_states_,)):
            raise ValueError(
                "ties must give a group label for each joint state: an array of shape "
                f"{shape} or {(self.n_states_,)}; got shape {ties.shape}. Declare n_categories if "
                "the data lack some."
            )
        if ties.dtype.kind not in "iu":
            raise ValueError(f"ties must hold integer group labels, got dtype {ties.dtype}.")
        return np.unique(ties.ravel(), return_inverse=True)[1].ravel()

    def _flat_index(self, codes: np.ndarray) -> np.ndarray:
        return np.ravel_multi_index(tuple(codes.T.astype(np.intp)), tuple(self.n_categories_))

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        return self._table.log_prob(codes)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        nothing_seen = all_missing(n_samples, self.n_features_in_)
        return self._table.sample(nothing_seen, generator)

    # ------------------------------------------------------------------ missing values
    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._table.sample(codes, generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._table.mean(codes, self._categories.worth)

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._table.mode(codes)

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> StateCounts:
        """List the completions of all rows, those with the fewest first, as far as memory goes."""
        weight = ones_if_none(weight, len(codes))
        self.n_states_ = n_states(self.n_categories_)
        if self.ties is not None:
            return StateCounts(self._list_all_states(weight.sum() / self.n_states_), 0.0)
        cells = missing_cells(codes)
        complete = ~cells.any(axis=1)
        listed, others, n_cells = [], 0.0, 0
        if complete.any():
            listed.append(self._collect(codes[complete], weight[complete]))
        patterns = [
            (n_states(self.n_categories_[missing]), missing, rows)
            for missing, rows in Patterns.of(cells).one_by_one()
        ]
        for n_completions, missing, rows in sorted(patterns, key=itemgetter(0)):
            n_cells += len(rows) * n_completions * len(missing)
            if n_cells <= LISTED_CELLS:
                listed.append(self._list_completions(codes[rows], weight[rows], missing))
            else:
                others += float(weight[rows].sum())
        if not listed:
            listed.append(self._collect(np.zeros_like(codes[:1]), np.zeros(1)))  # any state
        return StateCounts(add_in_pairs(listed), others)

    def _list_completions(
        self, codes: np.ndarray, weight: np.ndarray, missing: np.ndarray
    ) -> WeightedStates:
        """List the completions of rows with one pattern, with even parts of their weights."""
        seen = self._collect(codes[:, ~missing], weight)
        rows = np.empty((len(seen), len(missing)), dtype=np.uint16)
        rows[:, ~missing] = seen.codes()
        completed = all_completions(rows, missing, self.n_categories_)
        n_completions = n_states(self.n_categories_[missing])
        even = np.repeat(seen.weight / n_completions, n_completions)
        return self._collect(completed, even)

    def _expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[StateCounts, np.ndarray]:
        weight = ones_if_none(weight, len(codes))
        received, others, log_prob = self._table.expect(codes, weight)
        self._check_expected(log_prob)
        return StateCounts(replace(self._table.listed, weight=received), others), log_prob

    def _log_prior(self, total: float) -> float:
        """Log-density of the pseudo-counts: the sum of ``(alpha / S) log p(state)``."""
        if self.alpha == 0:
            return 0.0
        table, share = self._table, math.exp(-np.sum(np.log(self.n_categories_)))
        log_prior = self.alpha * share * float(np.sum(table.log_prob_listed))
        n_unlisted = self.n_states_ - len(table.listed)
        if n_unlisted:
            log_prior += self.alpha * (n_unlisted / self.n_states_) * table.log_prob_unlisted
        return log_prior
