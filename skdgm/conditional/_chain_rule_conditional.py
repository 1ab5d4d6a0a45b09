"""The chain rule for whole vectors y, with classifiers: ``p(y | x) = prod_j p(y_j | x, y_<j)``.

The classifier of output j learns its values, as classes, from x and the outputs before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets

from .._codes import as_codes, holds_grey_levels, n_states
from .._fitted import query
from .._validation import ColumnError
from ..density._engine.blocks import draw_categories, row_blocks
from ..density._engine.completions import LISTED
from ..density._engine.missing import all_completions
from ..density.chain_rule._density import CLASSIFIER_CONSTRAINTS, ChainRuleDensity
from ..density.chain_rule._factor_chain import as_features
from ..density.chain_rule._factors import Factor, fitted_attributes, or_default
from ._base import BaseConditional

BEAM = 64  # partial vectors y that a prediction keeps for each row
TOGETHER = 2**20  # cells of features held at once


class ChainRuleConditional(ClassifierMixin, BaseConditional):
    """The conditional distribution of y given X, with a classifier for each column of y.

    ``p(y | x) = prod_j p(y_j | x, y_1, ..., y_(j-1))``, where each factor is a clone of
    ``classifier``, fitted with X and the preceding columns of y as features and the column's own
    values as classes.

    Parameters
    ----------
    classifier : classifier with ``predict_proba`` or None, default=None
        The classifier to clone for each column of y; None means
        :class:`~sklearn.linear_model.LogisticRegression`.
    order : int or None, default=None
        Number of preceding columns of y that each classifier sees, besides all of X; None means
        all, and 0 makes the columns independent given X.
    n_categories : "auto", int or array-like of shape (n_outputs,), default="auto"
        Number K of categories of the columns of y, which are then 0 to K - 1. With "auto", the
        categories of every column are the integers from 0 that are seen in any, except that a
        single column may then hold any labels.
    alpha : float, default=1.0
        Pseudo-count of all categories together that a column lacks in training, where 0 rules them
        out; and of each that it has, where it has no classifier. Not used for a single column of
        labels. It counts rows, so scale ``sample_weight`` to sum to the number of rows.
    floor : float, default=1e-3
        Probability of a category (or label) seen in training where the classifier gives it none, as
        forests do: this part of its probability in the column's own distribution. 0 leaves
        classifiers as they are.
    n_jobs : int or None, default=None
        Joblib workers that fit the classifiers; None is 1 unless in a ``joblib.parallel_config``
        context. It changes no result.

    Attributes
    ----------
    classifiers_ : list of classifiers
        The fitted classifier of each column of y; None where the column, or all that its
        classifier would see, was constant in training.
    classes_ : ndarray of shape (n_classes,), or list of ndarrays
        Labels of y; of each column, if it has several.
    n_categories_ : ndarray of shape (n_outputs,)
        Number of categories of each column of y.
    n_parameters_ : int
        Free parameters: those of the classifiers (their own ``n_parameters_``, or the sizes of
        ``coef_`` and ``intercept_``), and K - 1 for each column without one. Not set if the number
        is unknown for some classifier.
    n_outputs_ : int
        Number of columns of y seen during fit.
    n_features_in_ : int
        Number of columns of X seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, if it had names that are all strings.

    See Also
    --------
    ConditionalDensity : The same methods, from a joint density of X and y.
    ChainRuleDensity : The chain rule without conditions.
    sklearn.multioutput.ClassifierChain : A chain of classifiers that only predicts labels.

    Notes
    -----
    With a single column of labels this is the classifier itself, with draws and scores added:
    ``predict`` is the classifier's own, and so is ``predict_proba`` but for ``floor``. If a
    cross-validation fold may lack a label, encode labels as integers and declare ``n_categories``.

    To scikit-learn it is a classifier, so that folds are stratified; but ``score`` is the mean
    log-likelihood, not the accuracy, and with several columns the jointly most probable y need not
    hold the most probable label of each, which :meth:`predict_proba` tells.

    With several columns, a prediction is the jointly most probable y that a beam search finds: it
    goes along the columns and keeps the 64 most probable partial vectors of each row. It is exact
    if the columns before the last have at most 64 joint values. ``predict_mode`` does the same.

    Missing values are allowed in X if the classifier accepts them, but not in y: a chain of
    classifiers cannot integrate them out.

    References
    ----------
    .. [1] J. Read, B. Pfahringer, G. Holmes and E. Frank, "Classifier Chains for Multi-label
       Classification", Machine Learning 85(3), 2011.
    .. [2] K. Dembczynski, W. Cheng and E. Huellermeier, "Bayes Optimal Multilabel Classification
       via Probabilistic Classifier Chains", International Conference on Machine Learning, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import ChainRuleConditional
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]] * 5)
    >>> Y = np.array([[0, 0], [0, 0], [1, 1], [0, 1]] * 5)
    >>> model = ChainRuleConditional().fit(X, Y)
    >>> model.predict([[0.0], [3.0]])
    array([[0, 0],
           [0, 1]])
    >>> every_y = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> round(float(np.exp(model.score_samples([[2.0]] * 4, every_y)).sum()), 6)
    1.0
    >>> model.sample_y([[0.0], [3.0]], n_samples=5, random_state=0).shape
    (2, 2, 5)
    """

    classes_: Any  # an array, or a list of them
    _output_checks = {"dtype": None}  # labels may be strings
    _parameter_constraints: dict = CLASSIFIER_CONSTRAINTS

    def __init__(
        self,
        classifier: BaseEstimator | None = None,
        order: int | None = None,
        *,
        n_categories: str | int | ArrayLike = "auto",
        alpha: float = 1.0,
        floor: float = 1e-3,
        n_jobs: int | None = None,
    ) -> None:
        self.classifier = classifier
        self.order = order
        self.n_categories = n_categories
        self.alpha = alpha
        self.floor = floor
        self.n_jobs = n_jobs

    score = BaseConditional.score  # not the accuracy of a classifier

    @query
    def predict_proba(self, X: ArrayLike) -> np.ndarray | list[np.ndarray]:
        """Compute the probability of each label of each column of y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), or list of n_outputs ndarrays
            ``p(y_j = c | x)``, labels in the order of ``classes_``; for several columns, a list of
            exact marginals, as :class:`~sklearn.multioutput.MultiOutputClassifier` gives.

        Raises
        ------
        ValueError
            If the outputs that a classifier sees have more than 4,096 joint values, over which a
            marginal would be a sum.
        """
        X = self._check_conditions(X)
        most = self._check_sums()
        parts = [self._marginals(X[block]) for block in self._blocks(X, most)]
        proba = [np.concatenate(own) for own in zip(*parts, strict=True)]
        return proba if self.n_outputs_ > 1 else proba[0]

    # ------------------------------------------------------------------ learning
    @property
    def _input_checks(self) -> dict:
        return {"ensure_all_finite": "allow-nan"}  # the classifier itself says if it accepts none

    def _fit(self, X: np.ndarray, Y: np.ndarray, weight: np.ndarray | None) -> None:
        self._holds_labels = self.n_outputs_ == 1 and isinstance(self.n_categories, str)
        if self._holds_labels:
            self._fit_labels(X, Y[:, 0], weight)
        else:
            self._fit_categories(X, Y, weight)
        self.__dict__.update(fitted_attributes(self._factors))

    def _fit_labels(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> None:
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.n_categories_ = np.array([len(self.classes_)])
        if len(self.classes_) == 1:  # classifiers refuse a single class
            factor = Factor.fit(None, X, labels, weight, 1, None, self.alpha, self.floor)
        else:
            classifier = or_default(self.classifier)
            factor = Factor.of_labels(classifier, X, y, weight, self.floor)
        self._factors = [factor]

    def _fit_categories(self, X: np.ndarray, Y: np.ndarray, weight: np.ndarray | None) -> None:
        self._outputs = ChainRuleDensity(n_categories=self.n_categories)
        self._outputs.n_features_in_ = self.n_outputs_
        with _errors_name_y():
            if holds_grey_levels(Y := _as_numbers(Y)):
                as_codes(Y)  # raises: grey levels are no categories
            codes = self._outputs._declare(Y, weight)
        self.n_categories_ = self._outputs.n_categories_
        classes = self._outputs.categories_
        self.classes_ = classes if self.n_outputs_ > 1 else classes[0]
        classifier = or_default(self.classifier)
        self._factors = Parallel(n_jobs=self.n_jobs)(
            delayed(Factor.fit)(
                classifier,
                self._features(X, codes, j),
                codes[:, j].astype(np.intp),
                weight,
                k,
                self._outputs._worth,
                self.alpha,
                self.floor,
            )
            for j, k in enumerate(self.n_categories_.tolist())
        )

    def _features(self, X: np.ndarray, codes: np.ndarray, j: int) -> np.ndarray:
        """Return what classifier j sees: X and the outputs before its own."""
        first = self._first(j)
        if first == j:
            return X
        return np.hstack([X, as_features(codes[:, first:j], self._outputs._worth)])

    def _first(self, j: int) -> int:
        """Return the first output that classifier j sees; j if it sees none."""
        return 0 if self.order is None else max(0, j - self.order)

    def _sees_only_x(self, j: int) -> bool:
        return j == 0 or self.order == 0

    def _encode(self, Y: np.ndarray) -> np.ndarray:
        """Return the code of every label: its place among those of its column."""
        if not self._holds_labels:
            with _errors_name_y():
                return self._outputs._encode(_as_numbers(Y))
        known = np.isin(Y, self.classes_)
        if not known.all():
            raise ValueError(
                f"y holds the unknown label {Y[~known].tolist()[0]!r}; the labels in training were "
                f"{self.classes_.tolist()}. Encode labels as integers and declare n_categories, if "
                "training may lack some."
            )
        return np.searchsorted(self.classes_, Y)

    def _decode(self, codes: np.ndarray) -> np.ndarray:
        if self._holds_labels:
            return self.classes_[codes]
        table = self._outputs._columns.decode(codes.reshape(len(codes), self.n_outputs_, -1))
        return table.reshape(codes.shape).astype(self._outputs._dtype)

    # ------------------------------------------------------------------ queries
    def _log_prob(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        codes = self._encode(Y)
        log_prob = np.zeros(len(X))
        for j, factor in enumerate(self._factors):
            log_prob += factor.log_prob_at(self._features(X, codes, j), codes[:, j])
        return log_prob

    def _predict(self, X: np.ndarray) -> np.ndarray:
        if self._holds_labels and self.classifiers_[0] is not None:
            classifier = self.classifiers_[0]
            place = np.searchsorted(classifier.classes_, classifier.predict(X.copy()))
            return self._decode(self._factors[0].listed[place])[:, np.newaxis]
        modes = [self._search(X[block]) for block in self._blocks(X, BEAM)]
        return self._decode(np.concatenate(modes))

    def _predict_mode(self, X: np.ndarray) -> np.ndarray:
        return self._predict(X)

    def _search(self, X: np.ndarray) -> np.ndarray:
        """Return the most probable y of each row, by beam search along the columns."""
        n_rows = len(X)
        best = np.empty((n_rows, 1, self.n_outputs_), dtype=np.intp)
        log_weight = np.zeros((n_rows, 1))
        for j, factor in enumerate(self._factors):
            n_kept = best.shape[1]
            features = self._features(
                np.repeat(X, n_kept, axis=0), best.reshape(n_rows * n_kept, -1), j
            )
            log_prob = factor.log_prob(features).reshape(n_rows, n_kept, -1)
            joint = (log_weight[:, :, np.newaxis] + log_prob).reshape(n_rows, -1)
            place = np.argsort(-joint, axis=1, kind="stable")[:, :BEAM]
            log_weight = np.take_along_axis(joint, place, axis=1)
            parent, value = np.divmod(place, factor.n_categories)
            best = np.take_along_axis(best, parent[:, :, np.newaxis], axis=1)
            best[:, :, j] = value
        return best[:, 0]

    def _check_sums(self) -> int:
        """Return the largest number of joint values that a classifier sees of the outputs."""
        sizes = [n_states(self.n_categories_[self._first(j) : j]) for j in range(self.n_outputs_)]
        most = max(sizes)
        if most > LISTED:
            j = next(j for j, size in enumerate(sizes) if size > LISTED)
            raise ValueError(
                f"y has too many columns for exact marginals: the classifier of column {j} sees "
                f"{sizes[j]:,} joint values of the columns before it, and at most {LISTED:,} are "
                "summed over. Set order, the number of columns that a classifier sees, to a small "
                "number; or take the shares of each value in sample_y."
            )
        return most

    def _marginals(self, X: np.ndarray) -> list[np.ndarray]:
        """Return ``p(y_j | x)`` of each output: a sum over the outputs that its classifier sees.

        The joint distribution of these goes along: each output joins, and the first leaves.
        """
        n_rows, sizes = len(X), self.n_categories_
        joint, start = np.ones((n_rows, 1)), 0  # of outputs start to j - 1
        marginals = []
        for j, factor in enumerate(self._factors):
            first = self._first(j)
            joint = joint.reshape(n_rows, n_states(sizes[start:first]), -1).sum(axis=1)
            seen = np.zeros(self.n_outputs_, dtype=bool)
            seen[first:j] = True
            codes = all_completions(np.zeros((1, self.n_outputs_), dtype=np.intp), seen, sizes)
            rows = np.repeat(X, len(codes), axis=0)
            features = self._features(rows, np.tile(codes, (n_rows, 1)), j)
            proba = np.exp(factor.log_prob(features)).reshape(*joint.shape, -1)
            proba *= joint[:, :, np.newaxis]
            marginals.append(proba.sum(axis=1))
            joint, start = proba.reshape(n_rows, -1), first
        return marginals

    def _sample(self, X: np.ndarray, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        drawn = np.empty((len(X), self.n_outputs_, n_samples), dtype=np.intp)
        for block in self._blocks(X, n_samples):
            rows = np.repeat(X[block], n_samples, axis=0)
            codes = np.empty((len(rows), self.n_outputs_), dtype=np.intp)
            for j, factor in enumerate(self._factors):
                if self._sees_only_x(j):
                    log_prob = np.repeat(factor.log_prob(X[block]), n_samples, axis=0)
                else:
                    log_prob = factor.log_prob(self._features(rows, codes, j))
                codes[:, j] = draw_categories(np.exp(log_prob), generator)
            drawn[block] = codes.reshape(-1, n_samples, self.n_outputs_).transpose(0, 2, 1)
        return self._decode(drawn)

    def _blocks(self, X: np.ndarray, times: int) -> list[slice]:
        widest = max(X.shape[1] + self.n_outputs_, self.n_categories_.max())
        return row_blocks(len(X), int(widest) * times, TOGETHER)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(or_default(self.classifier)).input_tags
        tags.input_tags.sparse = False
        tags.classifier_tags.poor_score = True  # score is no accuracy
        return tags


def _as_numbers(Y: np.ndarray) -> np.ndarray:
    if Y.dtype.kind not in "OUS":
        return Y
    try:
        return Y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            "y of several columns must hold numbers, the categories 0, 1, 2, ..., but it holds "
            f"{Y.ravel().tolist()[0]!r}; encode it first, for example with "
            "sklearn.preprocessing.OrdinalEncoder."
        ) from None


@contextmanager
def _errors_name_y() -> Iterator[None]:
    """Make errors about a column speak of y instead of X."""
    try:
        yield
    except ColumnError as error:
        raise error.in_outputs() from error
