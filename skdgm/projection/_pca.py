"""Principal component analysis as a projection and as a density.

scikit-learn's PCA finds the axes; probabilistic PCA (Tipping and Bishop, 1999) makes the projection
a model that scores and draws rows, and that knows what to expect of missing values.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted, validate_data

from .._codes import has_missing
from .._validation import (
    RandomState,
    all_or_nothing,
    check_generator,
    check_n_samples,
    check_observed,
)
from ..density._em import EM_CONSTRAINTS
from ..density._engine.statistics import add_in_pairs
from ..density.gaussian._covariances import LowRankCovariance, log_prob_at
from ..density.gaussian._moments import Moments
from ._principal_axes import fit_incomplete, principal_axes


class PCAProjection(PCA):
    """Project D columns to the L that lose least, with the density that this implies.

    It is :class:`sklearn.decomposition.PCA`, with its parameters, attributes, ``transform`` and
    ``inverse_transform``, and adds the loss of the projection, draws from probabilistic PCA,
    exact learning in batches, a density that is defined for every fit, and missing values: NaN is
    replaced by what probabilistic PCA expects there given the rest of the row.

    Parameters
    ----------
    n_components : int, float in (0, 1), "mle" or None, default=None
        How many components to keep, or the share of the variance to explain, or Minka's choice;
        None keeps ``min(n_samples, n_features)``.
    copy : bool, default=True
        If False, ``fit`` may overwrite its input.
    whiten : bool, default=False
        Whether ``transform`` scales the components to unit variance.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        How ``fit`` computes the components.
    tol : float, default=0.0
        Tolerance for "arpack".
    iterated_power : int or "auto", default="auto"
        Power iterations for "randomized".
    n_oversamples : int, default=10
        Extra random vectors for "randomized".
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Normalisation in the power iterations of "randomized".
    random_state : int, RandomState instance or None, default=None
        Randomness of "arpack" and "randomized".
    max_iter : int, default=200
        Most steps of expectation-maximisation, which only training data with missing values need.
    em_tol : float, default=1e-5
        Expectation-maximisation ends when a step changes the mean log-likelihood by less, in nats
        a row. (``tol`` is that of "arpack".)
    verbose : int, default=0
        Whether to print the objective of every step.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The principal axes, orthonormal rows, by decreasing variance.
    explained_variance_ : ndarray of shape (n_components,)
        Variance along each axis.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Its share of the total variance.
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
        Steps of expectation-maximisation; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The objective before each step, in nats a row; empty if nothing was missing.
    n_parameters_ : int
        Free parameters of the density: mean, axes up to rotation, variances and noise.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    GaussianDensity : ``covariance_type="low_rank"`` is the same density with more ways to fit it.

    Notes
    -----
    Whitening changes ``transform`` only: the density is that of X, whatever the components are
    scaled to. (scikit-learn's ``PCA`` lets ``whiten`` change its covariance.) A density whose
    noise would be zero has its smallest variances lifted to the smallest that the machine can
    tell from zero beside the largest.

    A row with missing values is projected as probabilistic PCA expects it to be, which is the
    posterior mean of its projection: ``transform(X)`` is ``E[W (x - mean) | x_observed]``, with W
    the axes. ``inverse_transform(transform(X))`` fills the holes, ``score_samples`` integrates them
    out, and ``fit`` finds the axes by expectation-maximisation from what was observed, whatever
    ``svd_solver`` says.

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
        n_components: int | float | str | None = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        svd_solver: str = "auto",
        tol: float = 0.0,
        iterated_power: int | str = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
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

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the principal axes of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value (missing at random).
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            The fitted projection.

        Raises
        ------
        ValueError
            If X has a column without observed values, or has missing values while ``n_components``
            is "mle". The projection is then left as it was before the call.
        """
        self._validate_params()
        with all_or_nothing(self, anew=True):
            self.__dict__.pop("_moments", None)
            table = None if sparse.issparse(X) else self._check(X, reset=True)
            if table is not None and has_missing(table):
                self._fit_missing(table)
                return self
            with np.errstate(invalid="ignore"):  # one row: PCA divides zero by zero
                super().fit(X)
            self.n_iter_, self.lower_bounds_ = 1, np.empty(0)
            if self.n_samples_ == 1:
                self._moments = Moments.count(table, None, scatter="full")
                self._set_from_moments()
        return self

    def _fit_missing(self, X: np.ndarray) -> None:
        """Expectation-maximisation of the density, whose expected moments give the axes."""
        check_observed(X, getattr(self, "feature_names_in_", None))
        density = fit_incomplete(
            X,
            self.n_components,
            max_iter=self.max_iter,
            tol=self.em_tol,
            verbose=self.verbose,
        )
        self._moments = density._statistics
        self._set_from_moments()
        self.n_iter_, self.lower_bounds_ = density.n_iter_, density.lower_bounds_

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Project the rows of X on the axes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to project; NaN is a missing value.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            The projected rows, of an incomplete row the posterior mean.
        """
        check_is_fitted(self)
        if sparse.issparse(X):
            X = validate_data(
                self, X, dtype=[np.float64, np.float32], accept_sparse=("csr", "csc"), reset=False
            )
        else:
            X = self._complete(self._check(X))
        Z = X @ self.components_.T - self.mean_ @ self.components_.T
        if self.whiten:
            Z /= np.maximum(np.sqrt(self.explained_variance_), np.finfo(Z.dtype).eps)
        return Z

    def fit_transform(self, X: ArrayLike, y: Any = None) -> np.ndarray:
        """Find the principal axes of X and project X on them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            The projected rows.
        """
        return self.fit(X).transform(X)

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Add the rows of X to those that earlier batches brought.

        Batches of complete rows in any number and order give the axes that one ``fit`` to all rows
        gives: the batches' moments, ``n_features`` squared numbers, are kept and added. After
        ``fit``, which keeps no moments, those of the fitted density take their place; they are
        exact if all components were kept. Missing values of a later batch count as the density so
        far expects them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            The fitted projection.

        Raises
        ------
        ValueError
            With ``n_components="mle"``, which needs all rows at once, or more components than
            columns. The projection is then left as it was before the call.
        """
        self._validate_params()
        if self.n_components == "mle":
            raise ValueError(
                'partial_fit cannot choose n_components="mle" from batches; give a number.'
            )
        first = not hasattr(self, "components_")
        with all_or_nothing(self):
            table = self._check(X, reset=first)
            if first and has_missing(table):
                self._fit_missing(table)
                return self
            moments = self._count(table)
            self._moments = moments if first else self._moments_so_far() + moments
            self._set_from_moments()
            self.n_iter_, self.lower_bounds_ = 1, np.empty(0)
        return self

    def _count(self, X: np.ndarray) -> Moments:
        """The moments of the rows, as the density expects them where values are missing."""
        incomplete = np.isnan(X).any(axis=1)
        parts = []
        if not incomplete.all():
            parts.append(Moments.count(X[~incomplete], None, scatter="full"))
        if incomplete.any():
            deviation = X[incomplete].astype(np.float64, copy=False) - self.mean_
            expected, _ = self._covariance().expect(deviation)
            parts.append(replace(expected, mean=expected.mean + self.mean_))
        return add_in_pairs(parts)

    def reconstruction_error(self, X: ArrayLike) -> float:
        """Compute the loss of the projection: what ``inverse_transform`` cannot bring back.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to project and reconstruct; missing values are left out of the sum.

        Returns
        -------
        error : float
            Mean over the rows of ``|x - W' W x|**2``, x taken from the mean and W the axes.
        """
        check_is_fitted(self)
        X = self._check(X)
        deviation = self._complete(X) - self.mean_
        residual = deviation - deviation @ self.components_.T @ self.components_
        residual[np.isnan(X)] = 0.0
        return float(np.mean(np.einsum("ij,ij->i", residual, residual)))

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Compute the log-density of each row under probabilistic PCA.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(x)`` in nats, of the observed values where some are missing.
        """
        check_is_fitted(self)
        deviation = self._check(X) - self.mean_
        return log_prob_at(self._covariance(), deviation.astype(np.float64, copy=False))

    def sample(self, n_samples: int = 1, random_state: RandomState = None) -> np.ndarray:
        """Draw rows from probabilistic PCA.

        Parameters
        ----------
        n_samples : int, default=1
            How many rows to draw.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, of the axes' dtype.
        """
        check_is_fitted(self)
        generator = check_generator(random_state)
        X = self._covariance().sample(check_n_samples(n_samples), generator) + self.mean_
        return X.astype(self.components_.dtype, copy=False)

    def get_covariance(self) -> np.ndarray:
        """Form the covariance matrix of the density.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            The variances along the axes, and the noise in all other directions.
        """
        check_is_fitted(self)
        return self._covariance().matrix()

    def get_precision(self) -> np.ndarray:
        """Form the inverse of the covariance matrix of the density.

        Returns
        -------
        precision : ndarray of shape (n_features, n_features)
            The inverse of :meth:`get_covariance`.
        """
        check_is_fitted(self)
        return self._covariance().inverse()

    @property
    def n_parameters_(self) -> int:
        """Free parameters of the density, exact."""
        check_is_fitted(self)
        d, n_axes = self.n_features_in_, self.n_components_
        noiseless = n_axes == d  # then no direction is left for the noise
        return d + LowRankCovariance.n_parameters(d, n_axes) - noiseless

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = False
        tags.input_tags.allow_nan = True
        return tags

    def _check(self, X: ArrayLike, reset: bool = False) -> np.ndarray:
        return validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            reset=reset,
        )

    def _complete(self, X: np.ndarray) -> np.ndarray:
        """X with what the density expects where a value is missing."""
        if not has_missing(X):
            return X
        X = X.copy()
        rows = np.isnan(X).any(axis=1)
        deviation = X[rows].astype(np.float64, copy=False) - self.mean_
        X[rows] = self._covariance().conditional_mean(deviation) + self.mean_
        return X

    def _covariance(self) -> LowRankCovariance:
        return LowRankCovariance.of_axes(
            self.components_, self.explained_variance_, float(self.noise_variance_)
        )

    def _moments_so_far(self) -> Moments:
        if hasattr(self, "_moments"):
            return self._moments
        scatter = self.get_covariance() * (self.n_samples_ - 1)
        return Moments(float(self.n_samples_), self.mean_, scatter)

    def _set_from_moments(self) -> None:
        vars(self).update(principal_axes(self._moments, self.n_components))
