"""The chain rule for whole vectors y, with classifiers: ``p(y | x) = prod_j p(y_j | x, y_<j)``.

The classifier of output j learns its values, as classes, from x and the outputs before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.multiclass import check_classification_targets

from .._codes import as_codes, holds_grey_levels
from .._fitted import query
from .._validation import ColumnError, RandomState
from ..density.chain_rule._density import (
    CLASSIFIER_CONSTRAINTS,
    ChainRuleDensity,
    learned_scan,
)
from ..density.chain_rule._factors import Factor, fitted_attributes, or_default
from ._base import BaseConditional
from ._output_chain import OutputChain


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
    scan : {"random"}, array-like of shape (n_outputs,) or None, default=None
        The order in which the chain visits the columns of y: a permutation of their indices, or
        one drawn by ``random_state``; None is the order in which they stand.
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
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for ``scan="random"``.
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
    scan_ : ndarray of shape (n_outputs,)
        The columns of y in the order of the chain.
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
    goes along the chain and keeps the 64 most probable partial vectors of each row. It is exact
    if the columns before the last of the chain have at most 64 joint values. ``predict_mode`` does
    the same.

    X may be sparse, and may have missing values, if the classifier accepts that. Missing values in
    y are refused: a chain of classifiers cannot integrate them out.

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
        scan: Literal["random"] | ArrayLike | None = None,
        n_categories: Literal["auto"] | int | ArrayLike = "auto",
        alpha: float = 1.0,
        floor: float = 1e-3,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.classifier = classifier
        self.order = order
        self.scan = scan
        self.n_categories = n_categories
        self.alpha = alpha
        self.floor = floor
        self.random_state = random_state
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
        proba = self._chain.marginals(self._check_conditions(X))
        return [proba[j] for j in np.argsort(self.scan_)] if self.n_outputs_ > 1 else proba[0]

    # ------------------------------------------------------------------ learning
    @property
    def _input_checks(self) -> dict:
        # The classifier itself says if it accepts no missing value, or no sparse table.
        return {"ensure_all_finite": "allow-nan", "accept_sparse": "csr"}

    def _fit(self, X: np.ndarray, Y: np.ndarray, weight: np.ndarray | None) -> None:
        self.scan_ = learned_scan(self.scan, self.random_state, self.n_outputs_)
        self._holds_labels = self.n_outputs_ == 1 and isinstance(self.n_categories, str)
        if self._holds_labels:
            self._fit_labels(X, Y[:, 0], weight)
        else:
            self._fit_categories(X, Y, weight)
        self.__dict__.update(fitted_attributes(self._chain.factors, self.scan_))

    def _fit_labels(self, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> None:
        if y.dtype.kind == "f":
            check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.n_categories_ = np.array([len(self.classes_)])
        if len(self.classes_) == 1:  # classifiers refuse a single class
            factor = Factor.fit(None, X, labels, weight, 1, None, self.alpha, self.floor)
        else:
            classifier = or_default(self.classifier)
            factor = Factor.of_labels(classifier, X, y, weight, self.floor)
        self._chain = OutputChain([factor], self.order)

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
        classifier, codes = or_default(self.classifier), codes[:, self.scan_]
        chain = OutputChain([], self.order, self._outputs._worth)
        factors = Parallel(n_jobs=self.n_jobs)(
            delayed(Factor.fit)(
                classifier,
                chain.features(X, codes, j),
                codes[:, j].astype(np.intp),
                weight,
                k,
                chain.worth,
                self.alpha,
                self.floor,
            )
            for j, k in enumerate(self.n_categories_[self.scan_].tolist())
        )
        self._chain = replace(chain, factors=factors)

    def _encode(self, Y: np.ndarray) -> np.ndarray:
        """Return the code of every label, its place among those of its column, by the scan."""
        if not self._holds_labels:
            with _errors_name_y():
                return self._outputs._encode(_as_numbers(Y))[:, self.scan_]
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
        codes = codes[:, np.argsort(self.scan_)]
        table = self._outputs._columns.decode(codes.reshape(len(codes), self.n_outputs_, -1))
        return table.reshape(codes.shape).astype(self._outputs._dtype)

    # ------------------------------------------------------------------ queries
    def _log_prob(self, X: Any, Y: np.ndarray) -> np.ndarray:
        return self._chain.log_prob(X, self._encode(Y))

    def _predict(self, X: Any) -> np.ndarray:
        if self._holds_labels and self.classifiers_[0] is not None:
            classifier = self.classifiers_[0]
            place = np.searchsorted(classifier.classes_, classifier.predict(X.copy()))
            return self._decode(self._chain.factors[0].listed[place])[:, np.newaxis]
        return self._decode(self._chain.mode(X))

    def _predict_mode(self, X: Any) -> np.ndarray:
        return self._predict(X)

    def _sample(self, X: Any, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._decode(self._chain.sample(X, n_samples, generator))

    def get_metadata_routing(self) -> Any:
        """Tell which metadata the model asks for, beside those that its own requests name.

        Weights go to the classifiers, so that the model asks ``fit`` for them if these do.

        Returns
        -------
        routing : MetadataRequest
            The requests, as scikit-learn's metadata routing reads them.
        """
        routing = super().get_metadata_routing()
        if routing.fit.requests.get("sample_weight") is None:
            of_classifier = get_routing_for_object(or_default(self.classifier))
            if of_classifier.consumes("fit", ["sample_weight"]):
                routing.fit.add_request(param="sample_weight", alias=True)
        return routing

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(or_default(self.classifier)).input_tags
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
