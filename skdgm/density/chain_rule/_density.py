"""The chain rule with any classifier for each factor: ``p(x) = prod_i p(x_i | x_<i)``.

The classifier of column i learns its values, as classes, from the columns before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from ..._codes import has_missing, missing_cells, with_room
from ..._validation import ColumnError, EstimatorParameter, RandomState, check_generator
from ..._weighted_fit import FractionalWeights
from .._categorical import CATEGORY_CONSTRAINTS, BaseCategoricalDensity, HandleUnknown
from .._em import EM_CONSTRAINTS
from .._engine.blocks import ones_if_none, part_of
from .._engine.missing import log_prob_in_parts
from .._engine.permutations import check_permutation
from .._engine.weighted_rows import WeightedRows
from ._factor_chain import FactorChain, as_features
from ._factors import Factor, fitted_attributes, or_default
from ._missing import (
    cells_to_list,
    draw_missing,
    expected_rows,
    log_prob_observed,
    mean_missing,
    mode_missing,
)
from ._walk import TooManyCompletions

CLASSIFIER_CONSTRAINTS: dict = {
    "classifier": [
        EstimatorParameter(
            "classifier",
            "a classifier with predict_proba (such as LogisticRegression())",
            methods=("fit", "predict_proba"),
        ),
        None,
    ],
    "order": [Interval(Integral, 0, None, closed="left"), None],
    "scan": [StrOptions({"random"}), "array-like", None],
    "n_categories": CATEGORY_CONSTRAINTS["n_categories"],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "floor": [Interval(Real, 0, 1, closed="left")],
    "random_state": ["random_state", np.random.Generator],
    "n_jobs": [None, Integral],
}


class ChainRuleDensity(BaseCategoricalDensity):
    """The chain rule, with a scikit-learn classifier for the probability of each column.

    ``p(x) = prod_i p(x_i | x_1, ..., x_(i-1))``, where each factor is a clone of ``classifier``,
    fitted to the columns before as features and to the column's own values as classes. ``scan``
    says which columns are before which.

    Parameters
    ----------
    classifier : classifier with ``predict_proba`` or None, default=None
        Gives each column its probabilities; None is
        :class:`~sklearn.linear_model.LogisticRegression`. It sees the categories of earlier columns
        as numbers: for nominal columns, put :class:`~sklearn.preprocessing.OneHotEncoder` with
        ``handle_unknown="ignore"`` before it in a pipeline. It must take every category that
        ``n_categories`` allows, as ``CategoricalNB`` does with ``min_categories``.
    order : int or None, default=None
        Number of columns before its own that a classifier sees; None is all, and 0 makes columns
        independent.
    scan : {"random"}, array-like of shape (n_features,) or None, default=None
        The order in which the chain visits the columns: a permutation of their indices, or one
        drawn by ``random_state``, anew for each member of a :class:`BaggingDensity`; None is the
        order in which they stand.
    n_categories : "auto", int or array-like of shape (n_features,), default="auto"
        Number K of categories of the columns, which are then 0 to K - 1. With "auto", the
        categories of every column are the values seen in any, as suits the pixels of an image.
    max_categories : int, default=65534
        Largest number of categories that "auto" accepts in a column. One with more, such as an
        identifier of rows, is refused.
    handle_unknown : {"error", "missing", "smooth"}, default="error"
        What becomes of values that are no categories: an error; a missing value, which
        is integrated out; or one further category, "other", which shares ``alpha`` and counts in
        ``n_parameters_``. In samples and means it is one more than the largest category.
    alpha : float, default=1.0
        Total pseudo-count of the categories that a column lacks in training, where 0 rules them
        out; and, in a column without a classifier, pseudo-count of each category that it has.
        It counts rows, so scale ``sample_weight`` to sum to the number of rows.
    floor : float, default=1e-3
        Probability of a category seen in training where the classifier gives it none, as forests
        do: this part of its probability in the column's own distribution. 0 leaves classifiers as
        they are. The default costs at most 0.001 nats per column.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for ``scan="random"``.
    max_iter : int, default=50
        Maximum number of steps of expectation-maximisation, which only training data with missing
        values need.
    tol : float, default=1e-3
        Expectation-maximisation ends when a step changes the mean log-likelihood by less, in nats
        per row.
    verbose : int, default=0
        Whether to print the objective of every step.
    n_jobs : int or None, default=None
        Joblib workers that fit the classifiers, and threads that score blocks of rows; None is 1
        unless in a ``joblib.parallel_config`` context. It changes no result.

    Attributes
    ----------
    classifiers_ : list of classifiers
        The fitted classifier of each column. It is None where there is nothing to learn: in the
        first column of the scan, with ``order=0``, and where in training the column was constant,
        or all the columns that the classifier sees were.
    scan_ : ndarray of shape (n_features,)
        The columns in the order of the chain.
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each column, "other" among them.
    categories_ : list of n_features ndarrays
        Categories of each column, "other" aside: in order.
    n_parameters_ : int
        Number of free parameters: those of the classifiers (their own ``n_parameters_``, or the
        sizes of ``coef_`` and ``intercept_``), and K - 1 for each column without one. Not set if
        the number is not known of some classifier.
    n_iter_ : int
        Number of steps of expectation-maximisation; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The mean log-likelihood of what was observed before each step, in nats per row; empty if
        nothing was missing.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MarkovChainImageDensity : The chain rule by counting, with a memory of a few columns.
    ChainRuleConditional : ``p(y | x)`` in the same way.
    sklearn.multioutput.ClassifierChain : The chain as a predictor of labels.

    Notes
    -----
    A column with n training rows gives ``alpha / (n + alpha)`` to the categories that it lacks
    there, in equal parts. The categories that it has divide the rest: without a classifier in
    proportion to ``count + alpha``, else in proportion to what the classifier predicts, with
    ``floor`` times the first in place of its zeros. With ``floor=0``, a classifier that gives some
    category the probability zero, such as a tree with pure leaves, rules it out, whatever
    ``alpha``.

    Classifiers see the categories of other columns as features, as they are, and those of their own
    column that training has as classes 0 to k - 1, which some insist on (unless ``class_weight``
    names categories). They get ``sample_weight``, and in a pipeline all steps that take it do. If a
    step takes none, integer weights repeat rows, and with others it is fitted as if every row
    counted once, with a warning.

    A fit needs all rows at once, because classifiers have no sufficient statistics: there is no
    ``partial_fit``. The fitted density holds the classifiers and none of the rows (but a mixture of
    such densities with ``warm_start`` does).

    Missing values are summed over exactly, by listing. Those after the last observed value of a row
    (in the order of ``scan``) cost nothing in scores and draws. The others may leave a row up to
    4,096 completions, or more with ``order``, where completions that no later factor tells apart
    count as one.

    In training, expectation-maximisation fits the classifiers to the completions of each row, up
    to 4,096, weighted by their probabilities; the classifier must then take weights. Its fit need
    not maximise the likelihood, so that the objective may fall on the way.

    If X holds nothing but fractions strictly between 0 and 1, it is taken for grey levels and
    binarised at 0.5, with a warning.

    References
    ----------
    .. [1] B. J. Frey, G. E. Hinton and P. Dayan, "Does the Wake-Sleep Algorithm Produce Good
       Density Estimators?", Advances in Neural Information Processing Systems 8, 1996.
    .. [2] H. Larochelle and I. Murray, "The Neural Autoregressive Distribution Estimator",
       International Conference on Artificial Intelligence and Statistics, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdgm import ChainRuleDensity
    >>> X = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]] * 5)  # exclusive or
    >>> chain = ChainRuleDensity(DecisionTreeClassifier(random_state=0)).fit(X)
    >>> np.exp(chain.score_samples([[0, 1, 1], [0, np.nan, 1], [0, 1, 0]])).round(2)
    array([0.25, 0.25, 0.  ])
    >>> chain.conditional_mode([[1, np.nan, 1]])
    array([[1., 0., 1.]])
    >>> ChainRuleDensity().fit(X).n_parameters_
    6
    """

    _is_additive = _lists_regions = False
    _shares_categories = True  # what a fold lacks in one column, another may have shown
    _tells_n_parameters = False  # a classifier need not
    _parameter_constraints: dict = {
        **CLASSIFIER_CONSTRAINTS,
        **CATEGORY_CONSTRAINTS,
        **EM_CONSTRAINTS,
    }

    def __init__(
        self,
        classifier: BaseEstimator | None = None,
        order: int | None = None,
        *,
        scan: Literal["random"] | ArrayLike | None = None,
        n_categories: Literal["auto"] | int | ArrayLike = "auto",
        max_categories: int = 65_534,
        handle_unknown: HandleUnknown = "error",
        alpha: float = 1.0,
        floor: float = 1e-3,
        random_state: RandomState = None,
        max_iter: int = 50,
        tol: float = 1e-3,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.classifier = classifier
        self.order = order
        self.scan = scan
        self.n_categories = n_categories
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown
        self.alpha = alpha
        self.floor = floor
        self.random_state = random_state
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ learning
    # Only the chain sees the columns in the order of the scan.
    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        codes = super()._encode_training(X, weight, extend)
        self.scan_ = learned_scan(self.scan, self.random_state, self.n_features_in_)
        return codes

    def _encode_part(self, table: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        self.scan_ = learned_scan(self.scan, self.random_state, self.n_features_in_)
        return super()._encode_part(table, weight)

    def _in_column_order(self, table: np.ndarray) -> np.ndarray:
        return table[:, np.argsort(self.scan_)]

    @property
    def _sizes(self) -> list[int]:
        """Number of categories of each column of the scan."""
        return self.n_categories_[self.scan_].tolist()

    @property
    def _worth(self) -> np.ndarray | None:
        """The value of each code, which all columns share; None if codes are the values."""
        return self._categories.worth[0] if self._categories.values else None

    @property
    def _longest(self) -> int:
        """Largest number of columns before its own that a classifier sees."""
        return self.n_features_in_ if self.order is None else min(self.order, self.n_features_in_)

    def _is_incomplete(self, codes: np.ndarray) -> np.ndarray:
        missing = missing_cells(codes)[:, self.scan_]
        return np.any(cells_to_list(missing, self._longest), axis=1)

    def _fit(self, codes: np.ndarray, weight: np.ndarray | None) -> None:
        try:
            super()._fit(codes, weight)
        except FractionalWeights as error:
            if not self._needs_em(codes):
                raise
            incomplete = np.flatnonzero(missing_cells(codes).any(axis=0))
            names = getattr(self, "feature_names_in_", None)
            raise error.by_missing_values(incomplete[0], names) from error

    def _needs_em(self, codes: np.ndarray) -> bool:
        return has_missing(codes) and bool(self._is_incomplete(codes).any())

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> WeightedRows:
        return WeightedRows(with_room(codes, self.n_categories_), weight)

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> WeightedRows:
        """Complete missing values by the frequencies in their columns, independently."""
        rows = self._in_scan_order(self._count(codes, weight))
        shares = [
            _fit_factor(None, rows, i, i, 0, k, None, 0.0, 0.0) for i, k in enumerate(self._sizes)
        ]
        incomplete = self._is_incomplete(codes)
        weight = ones_if_none(weight, len(codes))
        complete = self._count(codes[~incomplete], weight[~incomplete])
        chain = FactorChain(shares, self._longest, self._worth)
        return complete + self._completions(chain, codes[incomplete], weight[incomplete])[0]

    def _completions(
        self, chain: FactorChain, codes: np.ndarray, weight: np.ndarray
    ) -> tuple[WeightedRows, np.ndarray]:
        completed, shares, log_prob = expected_rows(chain, codes[:, self.scan_], weight)
        return WeightedRows(self._in_column_order(completed), shares), log_prob

    def _in_scan_order(self, rows: WeightedRows) -> WeightedRows:
        return WeightedRows(rows.codes[:, self.scan_], rows.weight)

    def _expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[WeightedRows, np.ndarray]:
        rows, log_prob = self._completions(self._chain, codes, ones_if_none(weight, len(codes)))
        self._check_expected(log_prob)
        return rows, log_prob

    def _estimate(self, statistics: WeightedRows) -> None:
        classifier, smoothing = or_default(self.classifier), (self.alpha, self.floor)
        rows = self._in_scan_order(statistics)
        factors = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_factor)(
                classifier, rows, i, column, self._longest, k, self._worth, *smoothing
            )
            for i, (column, k) in enumerate(zip(self.scan_.tolist(), self._sizes, strict=True))
        )
        self._chain = FactorChain(factors, self._longest, self._worth)
        self.__dict__.pop("n_parameters_", None)
        self.__dict__.update(fitted_attributes(factors, self.scan_))

    # ------------------------------------------------------------------ queries
    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        incomplete = partial(log_prob_observed, self._chain)
        codes = codes[:, self.scan_]
        with _locating_rows(codes):
            return log_prob_in_parts(codes, self._chain.log_prob, incomplete)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._in_column_order(self._chain.sample(n_samples, generator))

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._completed(codes, draw_missing, generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        worth = self._categories.worth
        return self._completed(codes, mean_missing, [worth[column] for column in self.scan_])

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._completed(codes, mode_missing)

    def _completed(
        self, codes: np.ndarray, complete: Callable[..., np.ndarray], *arguments: Any
    ) -> np.ndarray:
        codes = codes[:, self.scan_]
        with _locating_rows(codes):
            return self._in_column_order(complete(self._chain, codes, *arguments))


def learned_scan(
    scan: str | ArrayLike | None, random_state: RandomState, n_columns: int
) -> np.ndarray:
    """Return the columns in the order of the chain, which "random" draws."""
    if scan is None:
        return np.arange(n_columns)
    if isinstance(scan, str):
        return check_generator(random_state).permutation(n_columns)
    return check_permutation(scan, n_columns, '"random", None')


def _fit_factor(
    classifier: BaseEstimator | None,
    rows: WeightedRows,
    i: int,
    column: int,
    order: int,
    n_categories: int,
    worth: np.ndarray | None,
    alpha: float,
    floor: float,
) -> Factor:
    """Fit factor i, of this column, to the rows in which all that it sees is observed."""
    own, weight = rows.codes[:, max(0, i - order) : i + 1], rows.weight
    if has_missing(own):
        observed = ~missing_cells(own).any(axis=1)
        own, weight = own[observed], part_of(weight, observed)
    features, values = as_features(own[:, :-1], worth), own[:, -1].astype(np.intp)
    try:
        return Factor.fit(classifier, features, values, weight, n_categories, worth, alpha, floor)
    except FractionalWeights:  # which are alike in all columns
        raise
    except ValueError as error:
        template = "The classifier of {column} cannot be fitted: {reason}"
        raise ColumnError(template, column, {"reason": error}) from error


@contextmanager
def _locating_rows(codes: np.ndarray) -> Iterator[None]:
    """Say in the error about a row with too many completions which of the codes it is."""
    try:
        yield
    except TooManyCompletions as error:
        raise error.located(missing_cells(codes)) from None
