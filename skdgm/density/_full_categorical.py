"""One probability for each joint state: ``p(x) = (count(x) + alpha / S) / (n + alpha)``.

S, the number of states, may be astronomical; only the states that were seen are stored.
"""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ._categorical import N_CATEGORIES_CONSTRAINTS, BaseCategoricalDensity
from ._weighted_states import WeightedStates


class FullCategoricalDensity(BaseCategoricalDensity):
    """The unrestricted distribution over the joint states of all columns.

    Every joint state has a probability of its own, so the family holds every distribution there
    is. Memory grows with the number of *distinct rows seen*: 2**784 binary images or 256**3
    colours of a pixel are no harder than few.

    Parameters
    ----------
    n_categories : "auto", int or array-like of shape (n_features,), default="auto"
        Number of categories of the columns, which hold the integers from 0. With "auto", one more
        than the largest seen in each column.
    alpha : float, default=1.0
        Total pseudo-count, spread evenly over all joint states; 0 is maximum likelihood.
    ties : array-like of int or None, default=None
        A group label for each joint state; states of one group share a probability. It has one
        axis a column, ``ties[x_1, x_2, ...]``, or is that array in row-major order as a list: a
        die whose faces 1 to 3 and 4 to 6 share theirs is ``[0, 0, 0, 1, 1, 1]``.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each column.
    n_states_ : int
        Number of joint states, exact.
    n_parameters_ : int
        Free parameters, exact: ``n_states_ - 1``, or the number of groups less one.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MarkovChainImageDensity : Restricts the family by conditional independence.

    Notes
    -----
    The pseudo-count here is the total. Those of the other densities are for every value, so an
    ``alpha`` of 1 smooths far less here than there.

    X that holds nothing but fractions strictly between 0 and 1 is taken for grey levels: it is
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
        "n_categories": [*N_CATEGORIES_CONSTRAINTS, "array-like"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "ties": ["array-like", None],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        *,
        n_categories: str | int | ArrayLike = "auto",
        alpha: float = 1.0,
        ties: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_categories = n_categories
        self.alpha = alpha
        self.ties = ties
        self.n_jobs = n_jobs

    def _declared_categories(self) -> np.ndarray | None:
        declared = super()._declared_categories()
        if declared is None and self.ties is not None:
            shape = np.shape(self.ties)
            if len(shape) == self.n_features_in_:
                return np.array(shape, dtype=np.int64)
        return declared

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> WeightedStates:
        return WeightedStates.count(codes, weight, int(self.n_categories_.max()))

    def _estimate(self, statistics: WeightedStates) -> None:
        self.n_states_ = math.prod(int(k) for k in self.n_categories_)
        self._log_n_states = float(np.sum(np.log(self.n_categories_)))
        self._log_total = np.log(statistics.weight.sum() + self.alpha)
        with np.errstate(divide="ignore"):  # alpha = 0: a state never seen has log-probability -inf
            self._log_share = np.log(self.alpha) - self._log_n_states  # of alpha, to each state
        if self.ties is None:
            self._group_of_state = None
            self._log_prob_seen = (
                np.log(statistics.weight + np.exp(self._log_share)) - self._log_total
            )
            self.n_parameters_ = self.n_states_ - 1
        else:
            self._estimate_groups(statistics)

    def _estimate_groups(self, statistics: WeightedStates) -> None:
        self._group_of_state = self._check_ties()
        group = self._group_of_state[self._flat_index(statistics.codes())]
        size = np.bincount(self._group_of_state)
        count = np.bincount(group, weights=statistics.weight, minlength=len(size))
        with np.errstate(divide="ignore"):
            self._log_prob_group = np.log(count / size + np.exp(self._log_share)) - self._log_total
        self.n_parameters_ = len(size) - 1

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
        if self._group_of_state is not None:
            return self._log_prob_group[self._group_of_state[self._flat_index(codes)]]
        index = self._statistics.find(codes)
        return np.where(index >= 0, self._log_prob_seen[index], self._log_share - self._log_total)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        if self._group_of_state is None:
            codes = self._sample_states(n_samples, generator)
        else:
            codes = self._sample_groups(n_samples, generator)
        return codes.astype(self._dtype)

    def _sample_states(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """A seen state in proportion to its weight, or any state evenly for the pseudo-count."""
        states = self._statistics
        cumulative = np.cumsum(states.weight)
        cumulative /= cumulative[-1] + self.alpha  # ends with exactly 1 if alpha is 0
        index = np.searchsorted(cumulative, generator.random(n_samples), side="right")
        seen = index < len(states)
        codes = np.empty((n_samples, self.n_features_in_), dtype=np.uint16)
        codes[seen] = states.codes(index[seen])
        shape = (n_samples - np.count_nonzero(seen), self.n_features_in_)
        codes[~seen] = generator.integers(0, self.n_categories_, size=shape)
        return codes

    def _sample_groups(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        probability = np.exp(self._log_prob_group[self._group_of_state])
        cumulative = np.cumsum(probability)
        cumulative /= cumulative[-1]  # ends with exactly 1
        index = np.searchsorted(cumulative, generator.random(n_samples), side="right")
        return np.stack(np.unravel_index(index, tuple(self.n_categories_)), axis=1)
