"""Discriminant analysis: Bayes' rule over one normal density per class.

One covariance per class gives quadratic boundaries, a tied one linear boundaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from ..density.gaussian._density import GAUSSIAN_CONSTRAINTS, GaussianDensity
from ._bayes_rule import BayesRuleClassifier


class GaussianDiscriminant(BayesRuleClassifier):
    """Gaussian discriminant analysis: quadratic, linear, naive or low-rank.

    Parameters
    ----------
    covariance_type : {"full", "tied", "diag", "spherical", "low_rank"}, default="full"
        Shape of the covariances: a full one per class (quadratic), one for all classes (linear),
        one variance per class and column (naive Bayes), one variance per class, or ``n_factors``
        axes and a noise variance per class.
    shrinkage : float in [0, 1], "auto" or None, default=None
        Weight of the target that the covariance of each class is mixed with, the diagonal matrix
        of the variances pooled within the classes; "auto" is the Ledoit-Wolf estimate, None is 0.
    reg_covar : float, default=1e-6
        Added to the variances, as a share of the variance of each column over all rows, so that
        classes that do not vary in some direction have a density.
    priors : array-like of shape (n_classes,), dict, "uniform" or None, default=None
        Probabilities of the classes, in the order of ``classes_`` or by label; "uniform" makes
        them equal, and None learns them.
    n_factors : int or None, default=None
        Number of axes for "low_rank", from 0 to ``n_features - 1``; None is ``n_features - 1``.
    max_iter : int, default=200
        Maximum number of expectation-maximisation steps, which only training data with missing
        values need.
    tol : float, default=1e-5
        Expectation-maximisation stops when a step changes the mean log-likelihood by less than
        this, in nats per row.
    verbose : int, default=0
        Whether to print the objective of every step.
    n_jobs : int or None, default=None
        Threads over the classes when fitting, and over blocks of rows when predicting; None is 1
        unless in a ``joblib.parallel_config`` context. It changes no result.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    priors_ : ndarray of shape (n_classes,)
        Probabilities of the classes.
    means_ : ndarray of shape (n_classes, n_features)
        Mean of each class; NaN for a class whose rows all had weight zero, here and in
        ``covariances_``.
    covariances_ : ndarray
        The covariances, in the shapes of :class:`sklearn.mixture.GaussianMixture`:
        (n_classes, n_features, n_features) for "full", (n_features, n_features) for "tied",
        (n_classes, n_features) for "diag", (n_classes,) for "spherical". Not set for "low_rank",
        whose axes and variances are in ``densities_``.
    densities_ : list of GaussianDensity
        The fitted density of each class; None for a class whose rows all had weight zero.
    n_iter_ : int
        Largest number of steps taken for a class; 1 if nothing was missing.
    n_parameters_ : int
        Free parameters, exact. With C classes and D columns: ``(C - 1) + C D + C D (D + 1) / 2``
        for "full", ``(C - 1) + C D + D (D + 1) / 2`` for "tied"; C - 1 fewer with given priors.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    GenerativeClassifier : The same rule for any density.
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis : The tied case, without sampling.

    Notes
    -----
    Covariances are maximum-likelihood estimates: deviations are from the class mean and their
    squares are divided by the number of rows.

    No unit matters: columns need no scaler (see :class:`GaussianDensity`). A class whose rows do
    not determine its covariance, because they are few or repeat values, is warned about.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani and J. Friedman, "The Elements of Statistical Learning",
       Springer, 2009, section 4.3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdgm import GaussianDiscriminant
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GaussianDiscriminant().fit(X, y)
    >>> round(model.score(X, y), 2), model.n_parameters_
    (0.98, 44)
    """

    _parameter_constraints: dict = {
        **GAUSSIAN_CONSTRAINTS,
        "priors": [StrOptions({"uniform"}), Mapping, "array-like", None],
    }

    def __init__(
        self,
        covariance_type: str = "full",
        *,
        shrinkage: float | str | None = None,
        reg_covar: float = 1e-6,
        priors: ArrayLike | Mapping | None = None,
        n_factors: int | None = None,
        max_iter: int = 200,
        tol: float = 1e-5,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.covariance_type = covariance_type
        self.shrinkage = shrinkage
        self.reg_covar = reg_covar
        self.priors = priors
        self.n_factors = n_factors
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.n_jobs = n_jobs

    def _make_density(self) -> GaussianDensity:
        return GaussianDensity(
            self.covariance_type,
            shrinkage=self.shrinkage,
            reg_covar=self.reg_covar,
            n_factors=self.n_factors,
            max_iter=self.max_iter,
            tol=self.tol,
            verbose=self.verbose,
        )

    def _fit_classes(
        self,
        prototype: GaussianDensity,
        X: np.ndarray,
        y: np.ndarray,
        sample_weight: ArrayLike | None,
    ) -> None:
        super()._fit_classes(prototype, X, y, sample_weight)
        learned = self._group.densities
        self.n_iter_ = max(density.n_iter_ for density in learned)
        self.means_ = self._stack([density.mean_ for density in learned])
        if self.covariance_type == "tied":
            self.covariances_ = learned[0].covariance_
        elif self.covariance_type != "low_rank":
            self.covariances_ = self._stack([density.covariance_ for density in learned])

    def _stack(self, learned: list[Any]) -> np.ndarray:
        """Return the arrays or numbers of all classes, NaN for those without a density."""
        stacked = np.full((len(self.classes_), *np.shape(learned[0])), np.nan)
        stacked[self._learned] = learned
        return stacked
