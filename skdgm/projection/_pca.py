"""Principal component analysis as a projection, learned from complete or incomplete rows.

scikit-learn's PCA finds the axes of complete rows. Probabilistic PCA (Tipping and Bishop, 1999)
turns the projection into a density, which also says what to expect of missing values.
"""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.utils import check_array

from .._codes import has_missing
from .._estimator import CommonEstimator
from .._fitted import learning, query
from .._tables import check_table
from .._validation import check_observed, check_weight, leave_out_weightless
from ..density._em import EM_CONSTRAINTS
from ..density.gaussian._moments import Moments
from ._density import ProbabilisticPCAMixin
from ._missing import complete, expected_moments, fit_incomplete, n_axes_of
from ._principal_axes import check_moments_fit, count_rows, principal_axes, settle_null_axes

SPARSE_FORMATS = ("csr", "csc")


class PCAProjection(ProbabilisticPCAMixin, CommonEstimator, PCA):
    """Principal component analysis that is also a density and accepts missing values.

    This is :class:`sklearn.decomposition.PCA`, with its parameters, attributes, ``transform`` and
    ``inverse_transform``. It adds the reconstruction error, the density of probabilistic PCA,
    defined for every fit, with samples, exact learning in batches, and missing values: NaN is
    replaced by its expectation under probabilistic PCA given the rest of the row.

    Parameters
    ----------
    n_components : int, float in (0, 1), "mle" or None, default=None
        Number of components to keep, or share of the variance to explain, or "mle" for Minka's
        choice; None keeps ``min(n_samples, n_features)``.
    copy : bool, default=True
        Of no effect: X is never overwritten. (scikit-learn's ``PCA`` overwrites it if False.)
    whiten : bool, default=False
        Whether ``transform`` scales the components to unit variance.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        Method by which ``fit`` computes the components.
    tol : float, default=0.0
        Tolerance for "arpack".
    iterated_power : int or "auto", default="auto"
        Number of power iterations for "randomized".
    n_oversamples : int, default=10
        Number of extra random vectors for "randomized".
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Normalisation in the power iterations of "randomized".
    random_state : int, RandomState instance or None, default=None
        Randomness of "arpack" and "randomized".
    max_iter : int, default=200
        Maximum number of steps of expectation-maximisation, which runs only if training data have
        missing values.
    em_tol : float, default=1e-5
        Expectation-maximisation stops when a step changes the mean log-likelihood by less than
        this, in nats per row. (``tol`` is the tolerance for "arpack".)
    verbose : int, default=0
        Whether to print the objective of every step.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The principal axes, orthonormal rows, by decreasing variance.
    explained_variance_ : ndarray of shape (n_components,)
        Variance along each axis.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Share of the total variance along each axis.
    singular_values_ : ndarray of shape (n_components,)
        Singular values of the centred data.
    mean_ : ndarray of shape (n_features,)
        Mean of the training data.
    n_components_ : int
        Number of components kept.
    n_samples_ : int
        Number of rows seen.
    noise_variance_ : float
        Mean variance along the directions left out.
    n_iter_ : int
        Number of steps of expectation-maximisation; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        Objective before each step, in nats per row; empty if nothing was missing.
    n_parameters_ : int
        Number of free parameters of the density: mean, axes up to rotation, variances and noise.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    GaussianDensity : ``covariance_type="low_rank"`` is the same density with more ways to fit it.

    Notes
    -----
    Whitening changes ``transform`` only: the density is that of X, however the components are
    scaled. (scikit-learn's ``PCA`` lets ``whiten`` change its covariance.) If the noise would be
    zero, the smallest variances are raised to the smallest value that floating-point numbers can
    tell from zero next to the largest variance.

    Axes turn with the units of the columns; where one factor multiplies all columns, all follows.

    A row with missing values is projected to the posterior mean of its projection: ``transform(X)``
    is ``E[W (x - mean) | x_observed]``, where W holds the axes. ``inverse_transform(transform(X))``
    fills in the missing values, ``score_samples`` integrates them out, and ``fit`` finds the axes
    from the observed values by expectation-maximisation, whatever ``svd_solver`` is.

    References
    ----------
    .. [1] M. E. Tipping and C. M. Bishop, "Probabilistic Principal Component Analysis", Journal
       of the Royal Statistical Society B 61(3), 1999.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdgm import PCAProjection
    >>> X, _ = load_iris(return_X_y=True)
    >>> projection = PCAProjection(n_components=2).fit(X)
    >>> projection.transform(X).shape
    (150, 2)
    >>> round(projection.reconstruction_error(X), 4)
    0.1014
    >>> projection.sample(3, random_state=0).shape
    (3, 4)

    A flower of which two measurements are missing:

    >>> flower = X[:1].copy()
    >>> flower[0, :2] = float("nan")
    >>> projection.inverse_transform(projection.transform(flower)).round(1)
    array([[4.9, 3.3, 1.4, 0.2]])
    >>> X[0]
    array([5.1, 3.5, 1.4, 0.2])
    """

    _parameter_constraints: dict = {
        **PCA._parameter_constraints,
        "max_iter": EM_CONSTRAINTS["max_iter"],
        "em_tol": EM_CONSTRAINTS["tol"],
        "verbose": EM_CONSTRAINTS["verbose"],
    }

    def __init__(
        self,
        n_components: int | float | Literal["mle"] | None = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: Literal["auto", "full", "covariance_eigh", "arpack", "randomized"] = "auto",
        tol: float = 0.0,
        iterated_power: int | Literal["auto"] = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: Literal["auto", "QR", "LU", "none"] = "auto",
        random_state: int | np.random.RandomState | None = None,
        max_iter: int = 200,
        em_tol: float = 1e-5,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            n_components,
            copy=copy,
            whiten=whiten,
            svd_solver=svd_solver,
            tol=tol,
            iterated_power=iterated_power,
            n_oversamples=n_oversamples,
            power_iteration_normalizer=power_iteration_normalizer,
            random_state=random_state,
        )
        self.max_iter = max_iter
        self.em_tol = em_tol
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Find the principal axes of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value (missing at random).
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once. The axes are then those of the
            weighted covariance, whatever ``svd_solver`` is. Scale weights to sum to the number of
            rows: variances are divided by their sum less 1.

        Returns
        -------
        self : object
            The fitted projection.

        Raises
        ------
        ValueError
            If X has a column without observed values, if it has missing values or weights while
            ``n_components`` is "mle", or if weights sum to 1 or less. The projection is then left
            as it was before the call.
        """
        self._validate_params()
        with learning(self, anew=True) as new:
            new.__dict__.pop("_moments", None)
            new._fit_rows(X, sample_weight)
        return self

    def _fit_rows(self, X: ArrayLike, sample_weight: ArrayLike | None) -> None:
        table = self._check(X, reset=True, learn=True, accept_sparse=SPARSE_FORMATS)
        weight, table = leave_out_weightless(check_weight(sample_weight, table), table)
        is_sparse = sparse.issparse(table)
        if not is_sparse and has_missing(table):
            self._fit_missing(table, weight)
            return
        if weight is not None and (weight != 1).any():
            k = n_axes_of(self.n_components, table, weight, "with weights")
            solver = "arpack" if self.svd_solver == "auto" and is_sparse else self.svd_solver
            if self.n_components is None and solver == "arpack":
                k = max(1, k - 1)  # as many as PCA keeps of repeated rows
            self._set_from_moments(count_rows(table, weight, "fit"), table.shape[0], k)
            return
        names = getattr(self, "feature_names_in_", None)
        with np.errstate(invalid="ignore"):  # one row: PCA divides zero by zero
            super().fit(table if self.copy else table.copy())  # copy=False: PCA overwrites it
        self.components_ = settle_null_axes(self.components_, self.explained_variance_)
        if names is not None:
            self.feature_names_in_ = names  # which an array does not have
        self.n_iter_, self.lower_bounds_ = 1, np.empty(0)
        if self.n_samples_ == 1:
            self._set_from_moments(count_rows(table, None, "fit"), 1)

    def _fit_missing(self, X: np.ndarray, weight: np.ndarray | None) -> None:
        """Fit the density by expectation-maximisation; its expected moments give the axes."""
        check_observed(X, getattr(self, "feature_names_in_", None))
        density = fit_incomplete(
            X,
            weight,
            self.n_components,
            max_iter=self.max_iter,
            tol=self.em_tol,
            verbose=self.verbose,
        )
        self._set_from_moments(density._statistics, len(X))
        self.n_iter_, self.lower_bounds_ = density.n_iter_, density.lower_bounds_

    @query
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Project the rows of X onto the axes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to project; NaN is a missing value.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            The projected rows; the posterior mean if a row has missing values.
        """
        X = self._check(X, accept_sparse=SPARSE_FORMATS)
        if sparse.issparse(X):
            check_array(X, accept_sparse=SPARSE_FORMATS, estimator=self, input_name="X")  # no NaN
        else:
            X = complete(X, self.mean_, self._covariance())
        Z = X @ self.components_.T - self.mean_ @ self.components_.T
        if self.whiten:
            Z /= np.maximum(np.sqrt(self.explained_variance_), np.finfo(Z.dtype).eps)
        return Z

    @query
    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Reconstruct rows from their projections.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Projected rows.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows with these projections that are nearest to the mean.
        """
        return PCA.inverse_transform(self, check_table(X, "X", dtype=[np.float64, np.float32]))

    def fit_transform(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Find the principal axes of X and project X onto them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            The projected rows.
        """
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn from a further batch of rows.

        Batches of complete rows, in any number and order, give the same axes as one ``fit`` to all
        rows: the moments of the batches, ``n_features**2`` numbers, are kept and added. After
        ``fit``, which keeps no moments, those of the fitted density are used instead; they are
        exact if all components were kept. In later batches missing values count as the current
        density expects them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        self : object
            The fitted projection.

        Raises
        ------
        ValueError
            If ``n_components`` is "mle", which needs all rows at once, or exceeds the number of
            columns. The projection is then left as it was before the call.
        """
        self._validate_params()
        if self.n_components == "mle":
            raise ValueError(
                'partial_fit cannot choose n_components="mle" from batches; give a number.'
            )
        first = not hasattr(self, "components_")
        with learning(self) as new:
            table = new._check(X, reset=first, learn=True)
            weight, table = leave_out_weightless(check_weight(sample_weight, table), table)
            check_moments_fit(table.shape[1], "partial_fit")
            if first and has_missing(table):
                new._fit_missing(table, weight)
            elif first:
                new._set_from_moments(count_rows(table, weight, "partial_fit"), len(table))
            else:
                further = expected_moments(table, weight, new.mean_, new._covariance())
                n_rows = new.n_samples_ + len(table)
                new._set_from_moments(new._moments_so_far() + further, n_rows)
        return self

    @query
    def reconstruction_error(self, X: ArrayLike) -> float:
        """Compute the mean squared distance between rows and their reconstructions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to project and reconstruct; missing values are left out of the sum.

        Returns
        -------
        error : float
            Mean over the rows of ``|x - W' W x|**2``, with x centred at the mean and W the axes.
        """
        X = self._check(X)
        deviation = complete(X, self.mean_, self._covariance()) - self.mean_
        residual = deviation - deviation @ self.components_.T @ self.components_
        residual[np.isnan(X)] = 0.0
        return float(np.mean(np.einsum("ij,ij->i", residual, residual)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        tags.input_tags.allow_nan = True
        return tags

    def _moments_so_far(self) -> Moments:
        if hasattr(self, "_moments"):
            return self._moments
        scatter = self.get_covariance() * (self.n_samples_ - 1)
        return Moments(float(self.n_samples_), self.mean_, scatter)

    def _set_from_moments(self, moments: Moments, n_rows: int, n_components: Any = None) -> None:
        self._moments = moments
        n_components = self.n_components if n_components is None else n_components
        self.__dict__.update(principal_axes(moments, n_components, n_rows))
        self.n_iter_, self.lower_bounds_ = 1, np.empty(0)
