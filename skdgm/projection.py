"""Principal component analysis as a projection and as a density.

scikit-learn's PCA finds the axes; probabilistic PCA (Tipping and Bishop, 1999) makes the projection
a model that scores and draws rows.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.decomposition import PCA
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import check_is_fitted, validate_data

from ._validation import RandomState, all_or_nothing, check_generator
from .density._base import check_n_samples
from .density._covariances import LowRankCovariance, log_prob_at
from .density._moments import Moments


class PCAProjection(PCA):
    """Project D columns to the L that lose least, with the density that this implies.

    It is :class:`sklearn.decomposition.PCA`, with its parameters, attributes, ``transform`` and
    ``inverse_transform``, and adds the loss of the projection, draws from probabilistic PCA,
    exact learning in batches, and a density that is defined for every fit.

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
    """

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the principal axes of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            The fitted projection.
        """
        with all_or_nothing(self, anew=True):
            self.__dict__.pop("_moments", None)
            with np.errstate(invalid="ignore"):  # one row: PCA divides zero by zero
                super().fit(X)
            if self.n_samples_ == 1:
                self._moments = Moments.count(self._check(X), None, scatter="full")
                self._set_from_moments()
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> np.ndarray:
        """Find the principal axes of X and project X on them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data.
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

        Batches in any number and order give the axes that one ``fit`` to all rows gives: the
        batches' moments, ``n_features`` squared numbers, are kept and added. After ``fit``, which
        keeps no moments, those of the fitted density take their place; they are exact if all
        components were kept.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further training data.
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
            moments = Moments.count(self._check(X, reset=first), None, scatter="full")
            self._moments = moments if first else self._moments_so_far() + moments
            self._set_from_moments()
        return self

    def reconstruction_error(self, X: ArrayLike) -> float:
        """Compute the loss of the projection: what ``inverse_transform`` cannot bring back.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to project and reconstruct.

        Returns
        -------
        error : float
            Mean over the rows of ``|x - W' W x|**2``, x taken from the mean and W the axes.
        """
        deviation = self._deviation(X)
        residual = deviation - deviation @ self.components_.T @ self.components_
        return float(np.mean(np.einsum("ij,ij->i", residual, residual)))

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Compute the log-density of each row under probabilistic PCA.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(x)`` in nats.
        """
        deviation = self._deviation(X)
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
        return tags

    def _check(self, X: ArrayLike, reset: bool = False) -> np.ndarray:
        return validate_data(self, X, dtype=[np.float64, np.float32], reset=reset)

    def _deviation(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        return self._check(X) - self.mean_

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
        """Set PCA's fitted attributes from the moments of all rows seen."""
        moments, d = self._moments, self.n_features_in_
        n_samples = int(moments.total)
        rank = min(n_samples, d)
        variance, vectors = linalg.eigh(moments.scatter / max(1, n_samples - 1))
        variance = np.maximum(variance[::-1], 0.0)
        _, axes = svd_flip(None, vectors.T[::-1], u_based_decision=False)
        ratio = variance / (variance.sum() or 1.0)
        k = self._n_components_to_keep(ratio, rank)
        self.mean_ = moments.mean
        self.n_samples_ = n_samples
        self.n_components_ = k
        self.components_ = axes[:k].copy()
        self.explained_variance_ = variance[:k].copy()
        self.explained_variance_ratio_ = ratio[:k].copy()
        self.singular_values_ = np.sqrt(self.explained_variance_ * max(1, n_samples - 1))
        self.noise_variance_ = float(variance[k:rank].mean()) if k < rank else 0.0

    def _n_components_to_keep(self, ratio: np.ndarray, rank: int) -> int:
        if self.n_components is None:
            return rank
        if 0 < self.n_components < 1:
            return min(rank, int(np.searchsorted(np.cumsum(ratio), self.n_components, "right")) + 1)
        if self.n_components > self.n_features_in_:
            raise ValueError(
                f"n_components must be at most n_features = {self.n_features_in_}, got "
                f"{self.n_components}."
            )
        return int(self.n_components)
