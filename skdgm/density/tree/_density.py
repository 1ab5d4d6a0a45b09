"""The best first-order tree of Chow and Liu: ``p(x) = p(x_root) prod_j p(x_j | x_parent(j))``.

All pairs of values of two columns are counted. Of all trees, the one whose edges have the largest
total mutual information has the highest likelihood.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils._param_validation import Interval

from ..._codes import has_missing, holds_grey_levels
from .._categorical import CATEGORY_CONSTRAINTS, BaseCategoricalDensity, HandleUnknown
from .._em import EM_CONSTRAINTS
from .._engine.blocks import row_blocks
from .._engine.missing import log_prob_in_parts, rows_with_missing
from .._engine.regions import Regions
from ._missing import (
    draw_missing,
    expected_pairs,
    log_prob_observed,
    mean_missing,
    mode_missing,
)
from ._observed_pairs import ObservedPairs
from ._pair_counts import PairCounts, check_pairs
from ._probabilities import TreeProbabilities, weights_of_edges
from ._sparse_pairs import SparsePairCounts
from ._sparse_rows import (
    check_known,
    edge_weights,
    even_shares,
    log_prob_of_ones,
    read_binary,
)
from ._structure import best_tree, mutual_information

TreeCounts = PairCounts | SparsePairCounts


class ChowLiuTreeDensity(BaseCategoricalDensity):
    """The best tree in which every column depends on one other; its edges are learned.

    ``p(x) = p(x_root) prod_j p(x_j | x_parent(j))``. Of all trees over the columns, the one whose
    edges have the largest total mutual information has the highest likelihood (Chow and Liu, 1968).
    ``p(value | parent's value)`` is estimated as
    ``(count(both) + alpha) / (count(parent's value) + K alpha)``.

    Parameters
    ----------
    n_categories : "auto", int or array-like of shape (n_features,), default="auto"
        Number K of categories of the columns, which are then 0 to K - 1. With "auto", the
        categories of a column are the values seen there, which are integers from 0.
    max_categories : int, default=65534
        Largest number of categories that "auto" accepts in a column. One with more, such as an
        identifier of rows, is refused.
    handle_unknown : {"error", "missing", "smooth"}, default="error"
        What becomes of values that are no categories: an error; a missing value, which
        is integrated out; or one further category, "other", which shares ``alpha`` and counts in
        ``n_parameters_``. In samples and means it is one more than the largest category.
    alpha : float, default=1.0
        Pseudo-count of each pair of values of two columns, if all columns have the same number of
        categories (otherwise see Notes); 0 is maximum likelihood. It counts rows, so scale
        ``sample_weight`` to sum to the number of rows.
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
    parents_ : ndarray of shape (n_features,)
        Parent of each column, on which it depends; -1 for the root, which is column 0.
    edges_ : ndarray of shape (n_features - 1, 2)
        Parent and child of each edge, breadth first from the root.
    mutual_information_ : ndarray of shape (n_features, n_features)
        Mutual information of each pair of columns in nats, after smoothing; the diagonal holds the
        entropies of the columns. A fit to sparse X does not keep it.
    n_parameters_ : int
        Exact number of free parameters: ``K - 1`` for the root and ``K_parent (K_child - 1)`` for
        each edge, which is ``2 n_features - 1`` for binary columns.
    n_iter_ : int
        Number of steps of expectation-maximisation; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The objective before each step, in nats per row; empty if nothing was missing.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MarkovChainImageDensity : A tree that is given: each column depends on the one before it.
    BernoulliIndependentDensity : Columns that do not depend on one another.

    Notes
    -----
    The pseudo-counts are those of rows drawn evenly from all states, of total weight
    ``A = alpha K**2``, where K is the geometric mean of the columns' numbers of categories: a pair
    of values of columns i and j gets ``A / (K_i K_j)``, so that all pairs of columns agree. That is
    alpha if all columns have the same number of categories. The choice of the root does not change
    the distribution.

    Memory and time of a fit grow with the square of the total number of values of all columns.

    X may be sparse (CSR or CSC) if it holds zeros and ones, such as the words of texts, unless more
    categories are declared. What it does not store is zero. The tree is the same, but X is never
    made dense, and memory grows with the pairs of columns that are one together in some row.
    Training data must then be complete; of the rows to ask about, those that store NaN are made
    dense, some at a time. Samples are dense.

    Missing values are summed over exactly, by messages along the tree. In training, each step of
    expectation-maximisation may choose another tree. The first comes from the rows in which both
    columns of a pair are observed; the last is the best of those nearby, but perhaps not of all.

    If X holds nothing but fractions strictly between 0 and 1, it is taken for grey levels and
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
        **CATEGORY_CONSTRAINTS,
        "alpha": [Interval(Real, 0, None, closed="left")],
        **EM_CONSTRAINTS,
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        n_categories: Literal["auto"] | int | ArrayLike = "auto",
        *,
        max_categories: int = 65_534,
        handle_unknown: HandleUnknown = "error",
        alpha: float = 1.0,
        max_iter: int = 200,
        tol: float = 1e-5,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_categories = n_categories
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ encoding
    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> Any:
        if extend:  # the first rows decide on the form of the counts
            is_sparse = isinstance(self._statistics, SparsePairCounts)
            if sparse.issparse(X) and not is_sparse:
                X = X.toarray()
            elif is_sparse and not sparse.issparse(X):
                X = sparse.csr_array(X)
        if sparse.issparse(X):
            return self._encode_sparse_training(X, extend)
        codes = super()._encode_training(X, weight, extend)
        check_pairs(self.n_categories_)
        if extend and not np.array_equal(self._statistics.n_categories, self.n_categories_):
            self._set(self._statistics.widen(self.n_categories_))
        return codes

    @property
    def _input_checks(self) -> dict:
        """Options of validate_table: X may be sparse where categories are 0 and 1."""
        checks = BaseCategoricalDensity._input_checks
        declared = np.asarray(2 if isinstance(self.n_categories, str) else self.n_categories)
        is_binary = declared.dtype.kind in "iu" and declared.max(initial=0) <= 2
        if not is_binary or self.handle_unknown == "smooth":
            return checks
        return {**checks, "accept_sparse": "csr"}

    def _encode_sparse_training(self, X: sparse.csr_array, extend: bool) -> sparse.csr_array:
        if not extend:
            is_full = X.nnz == X.shape[0] * X.shape[1]
            self._grey_levels = is_full and holds_grey_levels(X.data[:, np.newaxis])
        codes = read_binary(X, self._grey_levels)
        seen = codes.astype(bool) if X.dtype == np.bool_ else codes
        self._categories = self._learn_categories(seen, extend)
        self._set_n_categories()
        codes = check_known(codes, self._categories, self.handle_unknown)
        if has_missing(codes):
            raise ValueError(
                "A tree learns from a sparse X only without missing values, but X holds some, or "
                "values that are no categories; pass X.toarray() to the first fit or partial_fit."
            )
        return codes

    def _encode(self, X: Any) -> Any:
        if not sparse.issparse(X):
            return super()._encode(X)
        codes = read_binary(X, self._grey_levels)
        return check_known(codes, self._categories, self.handle_unknown)

    def _table(self, codes: Any) -> np.ndarray:
        """Return codes as an array; hooks see few rows at a time."""
        if not sparse.issparse(codes):
            return codes
        return self._categories.codes_of(codes.toarray(), self.handle_unknown)

    # ------------------------------------------------------------------ learning
    @property
    def _pseudo_weight(self) -> float:
        return self.alpha * math.exp(2 * np.log(self.n_categories_).mean())

    @property
    def _rules_out_rows(self) -> bool:
        return bool(np.isneginf(self._tree.arrays.log_prob).any())

    def _count_blocks(self, codes: Any, weight: np.ndarray | None) -> TreeCounts:
        if sparse.issparse(codes):
            return self._count(codes, weight)  # whose blocks are of columns
        return super()._count_blocks(codes, weight)

    def _count(self, codes: Any, weight: np.ndarray | None) -> TreeCounts:
        if sparse.issparse(codes):
            return SparsePairCounts.count(codes, weight)
        return PairCounts.count(codes, weight, self.n_categories_)

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> ObservedPairs:
        return ObservedPairs.count(codes, weight, self.n_categories_)

    def _starting_statistics(self, total: Callable[[Callable], Any]) -> PairCounts:
        observed: ObservedPairs = total(self._count_start)
        return observed.start()

    def _expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[PairCounts, np.ndarray]:
        counts, log_prob = expected_pairs(self._tree, codes, weight)
        self._check_expected(log_prob)
        return counts, log_prob

    def _log_prior(self, total: float) -> float:
        """Log-likelihood of the pseudo-counts, which are rows drawn evenly from all states."""
        return self._pseudo_weight * self._tree.mean_log_prob() if self.alpha else 0.0

    def _estimate(self, statistics: TreeCounts) -> None:
        if isinstance(statistics, SparsePairCounts):
            self.__dict__.pop("mutual_information_", None)  # of an earlier fit
            even = even_shares(self._categories)
            self.parents_, order, joint = statistics.best_tree(even, self._pseudo_weight)
            weights = edge_weights(self.parents_, joint, self._categories)
        else:
            pairs = statistics.probabilities(self._pseudo_weight)
            self.mutual_information_ = mutual_information(pairs, self.n_categories_)
            self.parents_, order = best_tree(self.mutual_information_)
            weights = weights_of_edges(self.parents_, self.n_categories_, pairs)
        self.edges_ = np.column_stack([self.parents_[order[1:]], order[1:]])
        self._tree = TreeProbabilities(self.parents_, order, self.n_categories_, weights)
        n_categories = self.n_categories_.tolist()
        self.n_parameters_ = (
            n_categories[0]
            - 1
            + sum(n_categories[parent] * (n_categories[child] - 1) for parent, child in self.edges_)
        )

    # ------------------------------------------------------------------ queries
    def _log_prob(self, codes: Any) -> np.ndarray:
        incomplete = partial(log_prob_observed, self._tree)
        if not sparse.issparse(codes):
            return log_prob_in_parts(codes, self._tree.log_prob, incomplete)
        log_prob = log_prob_of_ones(self._tree, codes, self._categories)
        rows = rows_with_missing(codes)
        for block in row_blocks(len(rows), codes.shape[1]):
            log_prob[rows[block]] = incomplete(self._table(codes[rows[block]]))
        return log_prob

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._tree.sample(n_samples, generator)

    def _sample_missing(self, codes: Any, generator: np.random.Generator) -> np.ndarray:
        return draw_missing(self._tree, self._table(codes), generator)

    def _mean_missing(self, codes: Any) -> np.ndarray:
        return mean_missing(self._tree, self._table(codes), self._categories.worth)

    def _mode_missing(self, codes: Any) -> np.ndarray:
        return mode_missing(self._tree, self._table(codes))

    def _proba_missing(self, codes: Any, columns: Sequence[int]) -> list[np.ndarray]:
        return super()._proba_missing(self._table(codes), columns)

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        given = copy(self)
        given._tree, log_prob = self._tree.weighted(regions)
        return given, log_prob
