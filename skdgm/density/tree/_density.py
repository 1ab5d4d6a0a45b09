"""The best first-order tree of Chow and Liu: ``p(x) = p(x_root) prod_j p(x_j | x_parent(j))``.

The tables of all pairs of columns are counted. Of all trees, the one whose edges have the largest
mutual information together has the highest likelihood.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ..._codes import has_missing, missing_cells
from .._categorical import N_CATEGORIES_CONSTRAINTS, BaseCategoricalDensity
from .._em import EM_CONSTRAINTS
from ._tables import PairCounts, TreeProbabilities, best_tree, mutual_information


class ChowLiuTreeDensity(BaseCategoricalDensity):
    """The best tree in which every column depends on one other, learned with its edges.

    ``p(x) = p(x_root) prod_j p(x_j | x_parent(j))``. Of all trees over the columns, the one whose
    edges have the largest sum of mutual informations has the highest likelihood (Chow and Liu,
    1968). Each table is estimated as ``p(value | parent's value) = (count(both) + alpha) /
    (count(parent's value) + K alpha)``.

    Parameters
    ----------
    n_categories : "auto", int or array-like of shape (n_features,), default="auto"
        Number of categories of the columns, which hold the integers from 0. With "auto", one more
        than the largest seen in each column.
    alpha : float, default=1.0
        Pseudo-count of each pair of values of two columns (of columns with as many categories as
        the others, see Notes); 0 is maximum likelihood.
    max_iter : int, default=200
        Most steps of expectation-maximisation, which only training data with missing values need.
    tol : float, default=1e-5
        Expectation-maximisation ends when a step raises the mean log-likelihood (with the
        pseudo-counts' log-prior) by less, in nats a row.
    verbose : int, default=0
        Whether to print the objective of every step.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each column.
    parents_ : ndarray of shape (n_features,)
        The column that each column depends on; -1 for the root, which is column 0.
    edges_ : ndarray of shape (n_features - 1, 2)
        Parent and child of each edge, breadth first from the root.
    mutual_information_ : ndarray of shape (n_features, n_features)
        Mutual information of each pair of columns in nats, under the smoothed pair tables; the
        diagonal holds the entropies of the columns.
    n_parameters_ : int
        Free parameters, exact: ``K - 1`` of the root and ``K_parent (K_child - 1)`` of each edge,
        which for binary columns is ``2 n_features - 1``.
    n_iter_ : int
        Steps of expectation-maximisation taken; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The objective before each step, in nats a row; empty if nothing was missing.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MarkovChainImageDensity : A tree that is given: each column hangs on the one before it.
    BernoulliIndependentDensity : Columns that depend on nothing.

    Notes
    -----
    The pseudo-counts are those of rows drawn evenly from all states, of total weight
    ``A = alpha K**2``, where K is the geometric mean of the columns' numbers of categories: a cell
    of a pair table gets ``A / (K_i K_j)``, so that the tables of all pairs agree, and alpha where
    all columns have as many. The choice of the root does not change the distribution.

    Memory and time of a fit grow with the square of the number of values of all columns together.

    Missing values are summed over exactly, by messages along the tree. In training, each step of
    expectation-maximisation may choose another tree. The first is that of the pairs of columns in
    the rows where both are observed; the last is the best of those nearby, maybe not of all.

    X that holds nothing but fractions strictly between 0 and 1 is taken for grey levels: it is
    binarised at 0.5, with a warning.

    References
    ----------
    .. [1] C. K. Chow and C. N. Liu, "Approximating Discrete Probability Distributions with
       Dependence Trees", IEEE Transactions on Information Theory 14(3), 1968.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import ChowLiuTreeDensity
    >>> X = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0]])
    >>> tree = ChowLiuTreeDensity(alpha=0).fit(X)
    >>> tree.edges_
    array([[0, 1],
           [0, 2]])
    >>> np.exp(tree.score_samples([[1, 1, 1]])).round(3)
    array([0.267])
    >>> tree.n_parameters_
    5
    >>> tree.conditional_mode([[np.nan, 1, 0]])
    array([[0., 1., 0.]])
    """

    _parameter_constraints: dict = {
        "n_categories": [*N_CATEGORIES_CONSTRAINTS, "array-like"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        **EM_CONSTRAINTS,
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        n_categories: str | int | ArrayLike = "auto",
        *,
        alpha: float = 1.0,
        max_iter: int = 200,
        tol: float = 1e-5,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_categories = n_categories
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.n_jobs = n_jobs

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        codes = super()._encode_training(X, weight, extend)
        if extend and not np.array_equal(self._statistics.n_categories, self.n_categories_):
            self._set(self._statistics.widen(self.n_categories_))
        return codes

    @property
    def _pseudo_weight(self) -> float:
        return self.alpha * math.exp(2 * np.log(self.n_categories_).mean())

    @property
    def _rules_out_rows(self) -> bool:
        return bool(np.isneginf(self._tree.arrays.log_prob).any())

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> PairCounts:
        return PairCounts.count(codes, weight, self.n_categories_)

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> PairCounts:
        return PairCounts.count_start(codes, weight, self.n_categories_)

    def _expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[PairCounts, np.ndarray]:
        counts, log_prob = PairCounts.expect(codes, weight, self._tree)
        self._check_expected(log_prob)
        return counts, log_prob

    def _log_prior(self, total: float) -> float:
        """The log-likelihood of the rows, drawn evenly from all states, that count besides."""
        return self._pseudo_weight * self._tree.mean_log_prob() if self.alpha else 0.0

    def _estimate(self, statistics: PairCounts) -> None:
        pairs = statistics.probabilities(self._pseudo_weight)
        self.mutual_information_ = mutual_information(pairs, self.n_categories_)
        self.parents_, order = best_tree(self.mutual_information_)
        self.edges_ = np.column_stack([self.parents_[order[1:]], order[1:]])
        self._tree = TreeProbabilities(self.parents_, order, self.n_categories_, pairs)
        n_categories = self.n_categories_.tolist()
        self.n_parameters_ = (
            n_categories[0]
            - 1
            + sum(n_categories[parent] * (n_categories[child] - 1) for parent, child in self.edges_)
        )

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        if not has_missing(codes):
            return self._tree.log_prob(codes)
        incomplete = missing_cells(codes).any(axis=1)
        log_prob = np.empty(len(codes))
        log_prob[incomplete] = self._tree.log_prob_missing(codes[incomplete])
        log_prob[~incomplete] = self._tree.log_prob(codes[~incomplete])
        return log_prob

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._tree.sample(n_samples, generator)

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._tree.sample_missing(codes, generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._tree.mean_missing(codes)

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._tree.mode_missing(codes)
