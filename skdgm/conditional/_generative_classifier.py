"""A classifier from any density: ``p(y | x)`` by Bayes' rule from one density per class."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Literal

from numpy.typing import ArrayLike
from sklearn.base import clone

from ..density import BaseDensity
from ..density._base import DENSITY
from ._bayes_rule import BayesRuleClassifier
from ._class_densities import PRIOR_CONSTRAINTS


class GenerativeClassifier(BayesRuleClassifier):
    """Bayes' rule over one clone of a density for each class.

    Parameters
    ----------
    density : density estimator
        The density to fit to the rows of each class, for example
        :class:`MarkovChainImageDensity`.
    priors : array-like of shape (n_classes,), dict, "uniform" or None, default=None
        Probabilities of the classes, in the order of ``classes_`` or by label; "uniform" makes
        them equal, and None learns them.
    n_jobs : int or None, default=None
        Threads over the classes when fitting, and over blocks of rows when predicting; None is 1
        unless in a ``joblib.parallel_config`` context. It changes no result.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    priors_ : ndarray of shape (n_classes,)
        Probabilities of the classes.
    densities_ : list of density estimators
        The fitted density of each class; None for a class whose rows all had weight zero.
    n_parameters_ : int
        Free parameters, exact: those of the densities, and ``n_classes - 1`` if the priors are
        learned.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    GaussianDiscriminant : The same rule for normal densities.
    sklearn.naive_bayes.BernoulliNB : The case of :class:`BernoulliIndependentDensity`.

    Notes
    -----
    Categories are learned from all rows together, so a class need not have seen every category.

    References
    ----------
    .. [1] K. P. Murphy, "Probabilistic Machine Learning: An Introduction", MIT Press, 2022,
       chapter 9.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import BernoulliIndependentDensity, GenerativeClassifier
    >>> X = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    >>> y = np.array(["a", "a", "b", "b"])
    >>> classifier = GenerativeClassifier(BernoulliIndependentDensity()).fit(X, y)
    >>> classifier.predict([[1, 1]]), classifier.predict_proba([[1, 1]])
    (array(['a'], dtype='<U1'), array([[0.75, 0.25]]))
    >>> X_new, y_new = classifier.sample(3, y="b", random_state=0)
    >>> X_new.shape, y_new
    ((3, 2), array(['b', 'b', 'b'], dtype='<U1'))
    """

    _parameter_constraints: dict = {
        "density": [DENSITY],
        "priors": PRIOR_CONSTRAINTS,
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        density: BaseDensity,
        *,
        priors: ArrayLike | Mapping | Literal["uniform"] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.density = density
        self.priors = priors
        self.n_jobs = n_jobs

    def _make_density(self) -> BaseDensity:
        return clone(self.density)
