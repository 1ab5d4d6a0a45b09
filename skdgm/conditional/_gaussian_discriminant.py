"""Discriminant analysis: Bayes' rule over one normal density per class.

One covariance per class gives quadratic boundaries, a tied one linear boundaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.extmath import svd_flip

from .._fitted import query
from ..density.gaussian._covariances import FullCovariance
from ..density.gaussian._density import GAUSSIAN_CONSTRAINTS, CovarianceType, GaussianDensity
from ._bayes_rule import BayesRuleClassifier
from ._class_densities import PRIOR_CONSTRAINTS


class GaussianDiscriminant(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BayesRuleClassifier):
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
    class_weight : dict, "balanced" or None, default=None
        What ``sample_weight`` is multiplied by in each class, by label (1 for labels not named);
        "balanced" makes the classes weigh the same, and None leaves them as they are.
    n_factors : int or None, default=None
        Number of axes for "low_rank", from 0 to ``n_features - 1``; None is ``n_features - 1``.
    covariance_estimator : estimator or None, default=None
        An estimator with ``covariance_``, such as :class:`sklearn.covariance.OAS`, that finds the
        "full" covariance of each class, or those that "tied" averages, in place of ``shrinkage``
        and ``reg_covar``. It takes neither missing values nor weights, and no ``partial_fit``.
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
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
        Weights of the columns in the log-odds of the classes ("tied" only): those of the second
        class against the first, or of each class but for a common term.
    intercept_ : ndarray of shape (n_classes,), or (1,) for two classes
        What is added to them ("tied" only); -inf for a class of probability 0.
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
       Springer, 2009, sections 4.3 and 4.3.3 (the axes).

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
        "priors": PRIOR_CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), Mapping, None],
    }

    def __init__(
        self,
        covariance_type: CovarianceType = "full",
        *,
        shrinkage: float | Literal["auto"] | None = None,
        reg_covar: float = 1e-6,
        priors: ArrayLike | Mapping | Literal["uniform"] | None = None,
        class_weight: Mapping | Literal["balanced"] | None = None,
        n_factors: int | None = None,
        covariance_estimator: BaseEstimator | None = None,
        max_iter: int = 200,
        tol: float = 1e-5,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.covariance_type = covariance_type
        self.shrinkage = shrinkage
        self.reg_covar = reg_covar
        self.priors = priors
        self.class_weight = class_weight
        self.n_factors = n_factors
        self.covariance_estimator = covariance_estimator
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
            covariance_estimator=self.covariance_estimator,
            max_iter=self.max_iter,
            tol=self.tol,
            verbose=self.verbose,
        )

    @query
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Project the rows on the axes that separate the classes best, as discriminant analysis.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_axes)
            The deviations from the mean along Fisher's discriminant axes, at most one fewer than
            classes, by decreasing separation. Along each, the covariance within the classes,
            averaged by the priors, is 1. Of a row with missing values, it is the expected
            projection given the observed ones.
        """
        scalings, centre = self._discriminant_axes()
        return (self.conditional_mean(X) - centre) @ scalings

    @property
    def _n_features_out(self) -> int:
        return self._discriminant_axes()[0].shape[1]

    def _discriminant_axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the axes, of shape (n_features, n_axes), and the mean of all rows."""
        prior, mean = self.priors_[self._learned], self.means_[self._learned]
        covariances = [self.densities_[c].get_covariance() for c in self._learned]
        whitening = FullCovariance(np.tensordot(prior, covariances, axes=1)).whitening
        centre = prior @ mean
        apart = np.sqrt(prior)[:, np.newaxis] * (mean - centre) @ whitening
        u, separation, axes = np.linalg.svd(apart, full_matrices=False)
        _, axes = svd_flip(u, axes, u_based_decision=False)
        n_axes = np.linalg.matrix_rank(apart, tol=1e-10 * np.max(separation, initial=0.0))
        return whitening @ axes[: min(n_axes, len(prior) - 1)].T, centre

    def _set_attributes(self) -> None:
        learned = self._group.densities
        self.n_iter_ = max(density.n_iter_ for density in learned)
        self.means_ = self._stack([density.mean_ for density in learned])
        if self.covariance_type == "tied":
            self.covariances_ = learned[0].covariance_
            self._set_linear_rule()
        elif self.covariance_type != "low_rank":
            self.covariances_ = self._stack([density.covariance_ for density in learned])

    def _stack(self, learned: list[Any]) -> np.ndarray:
        """Return the arrays or numbers of all classes, NaN for those without a density."""
        stacked = np.full((len(self.classes_), *np.shape(learned[0])), np.nan)
        stacked[self._learned] = learned
        return stacked

    def _set_linear_rule(self) -> None:
        """Set the weights and the intercepts of the log-odds, which a tied covariance has."""
        precision = self.densities_[self._learned[0]].precision_
        mean = np.nan_to_num(self.means_)
        coef = mean @ precision
        with np.errstate(divide="ignore"):  # a prior of zero
            intercept = np.log(self.priors_) - 0.5 * np.einsum("ij,ij->i", coef, mean)
        if len(self.classes_) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self.coef_, self.intercept_ = coef, intercept
