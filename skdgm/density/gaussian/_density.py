"""The multivariate normal ``p(x) = N(x | mean, covariance)``, with a choice of covariances.

Fitted by maximum likelihood from the moments, then shrunk and regularised as asked. Where values
are missing, the moments are those of each column or, by expectation-maximisation, expected ones.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..._codes import has_missing
from .._em import EM_CONSTRAINTS, EMDensity
from .._engine.blocks import total_weight
from ._conditional import log_prob_given
from ._covariances import (
    DiagonalCovariance,
    FullCovariance,
    LowRankCovariance,
    SphericalCovariance,
    log_prob_at,
)
from ._group import GaussianGroup
from ._missing import NormalCovariance
from ._moments import Moments, check_finite

COVARIANCES: dict[str, type[FullCovariance | DiagonalCovariance | SphericalCovariance]] = {
    "full": FullCovariance,
    "tied": FullCovariance,
    "diag": DiagonalCovariance,
    "spherical": SphericalCovariance,
}
GAUSSIAN_CONSTRAINTS: dict = {
    "covariance_type": [StrOptions({*COVARIANCES, "low_rank"})],
    "shrinkage": [None, StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
    "reg_covar": [Interval(Real, 0, None, closed="left")],
    "n_factors": [None, Interval(Integral, 0, None, closed="left")],
    **EM_CONSTRAINTS,
    "n_jobs": [None, Integral],
}


class GaussianDensity(EMDensity):
    """A multivariate normal distribution.

    Parameters
    ----------
    covariance_type : {"full", "tied", "diag", "spherical", "low_rank"}, default="full"
        Shape of the covariance: a full matrix; a full matrix shared by all densities of a
        classifier or mixture; one variance per column; one variance; or ``n_factors`` axes with
        variances of their own and one noise variance in all other directions (probabilistic PCA).
    shrinkage : float in [0, 1], "auto" or None, default=None
        Weight of the scaled identity that the covariance is mixed with; "auto" is the Ledoit-Wolf
        estimate, None is 0.
    reg_covar : float, default=1e-6
        Added to the variances, so that data that do not vary in some direction have a density.
    n_factors : int or None, default=None
        Number of axes for "low_rank", from 0 to ``n_features - 1``; None is ``n_features - 1``,
        which is as general as "full". The other shapes do not use it.
    max_iter : int, default=200
        Maximum number of expectation-maximisation steps, which only training data with missing
        values need.
    tol : float, default=1e-5
        Expectation-maximisation stops when a step changes the mean log-likelihood by less than
        this, in nats per row.
    verbose : int, default=0
        Whether to print the objective of every step.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        The mean.
    covariance_ : ndarray of shape (n_features, n_features) or (n_features,), or float
        The covariance matrix ("full", "tied"), the variances ("diag") or the variance
        ("spherical"); see :meth:`get_covariance` for the matrix of any shape. Not set for
        "low_rank".
    components_ : ndarray of shape (n_factors, n_features)
        The axes, by decreasing variance ("low_rank" only).
    explained_variance_ : ndarray of shape (n_factors,)
        The variance along each axis, noise included ("low_rank" only).
    noise_variance_ : float
        The variance in all other directions ("low_rank" only).
    shrinkage_ : float
        The shrinkage used.
    n_iter_ : int
        Number of steps taken; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        Objective before each step, in nats per row; empty if nothing was missing.
    n_parameters_ : int
        Free parameters: ``D + D (D + 1) / 2`` for "full", ``2 D`` for "diag", ``D + 1`` for
        "spherical", ``D + D q - q (q - 1) / 2 + 1`` for "low_rank" with q factors.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    GaussianDiscriminant : One such density per class.
    sklearn.mixture.GaussianMixture : Several normals; this is the case of one component.

    Notes
    -----
    "low_rank" scores in time and memory proportional to ``n_features * n_factors`` per row, and
    fits without a matrix of all columns by all columns while there are fewer rows than columns.

    If a covariance is singular to machine precision in spite of ``reg_covar``, its smallest
    variances are raised to the smallest that can be told from zero beside the largest. The same
    holds for the covariance of the columns observed in a row.

    With missing values in training, "diag" and "spherical" count each column's observed values,
    unless ``shrinkage="auto"``, and take one step. The others use expectation-maximisation [3]_,
    for which "low_rank" too needs a matrix of all columns by all columns. The objective is the mean
    log-likelihood of the observed values minus ``reg_covar / 2`` times the trace of the inverse
    covariance, and never falls. With ``shrinkage``, which corresponds to no such penalty, it may
    fall slightly on the way.

    References
    ----------
    .. [1] M. E. Tipping and C. M. Bishop, "Probabilistic Principal Component Analysis", Journal
       of the Royal Statistical Society B 61(3), 1999.
    .. [2] O. Ledoit and M. Wolf, "A Well-Conditioned Estimator for Large-Dimensional Covariance
       Matrices", Journal of Multivariate Analysis 88(2), 2004.
    .. [3] R. J. A. Little and D. B. Rubin, "Statistical Analysis with Missing Data", Wiley, 2019,
       chapter 11.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import GaussianDensity
    >>> X = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> density = GaussianDensity(reg_covar=0).fit(X)
    >>> density.mean_, density.covariance_
    (array([1., 1.]), array([[1., 0.],
           [0., 1.]]))
    >>> density.score_samples([[1.0, 1.0]])  # -log(2 pi)
    array([-1.83787707])

    Missing values are integrated out, or completed from the observed ones:

    >>> correlated = GaussianDensity(reg_covar=0).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 1.0]])
    >>> correlated.conditional_mean([[3.0, np.nan]])
    array([[3.        , 1.66666667]])
    """

    _column_kind = "continuous"
    _rules_out_rows = False
    _group_type = GaussianGroup
    shrinkage_: float
    covariance_: np.ndarray | float
    _covariance: NormalCovariance
    _parameter_constraints: dict = GAUSSIAN_CONSTRAINTS

    def __init__(
        self,
        covariance_type: str = "full",
        *,
        shrinkage: float | str | None = None,
        reg_covar: float = 1e-6,
        n_factors: int | None = None,
        max_iter: int = 200,
        tol: float = 1e-5,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.covariance_type = covariance_type
        self.shrinkage = shrinkage
        self.reg_covar = reg_covar
        self.n_factors = n_factors
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.n_jobs = n_jobs

    def get_covariance(self) -> np.ndarray:
        """Return the covariance matrix, whatever ``covariance_type`` is.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
            The covariance matrix.
        """
        check_is_fitted(self)
        return self._covariance.matrix()

    def _encode_training(
        self, X: np.ndarray, weight: np.ndarray | None, extend: bool
    ) -> np.ndarray:
        if extend:
            self._check_same_statistics()
        return self._encode(X)

    def _check_same_statistics(self) -> None:
        known = self._statistics
        too_few = known.is_diagonal and not self._counts_missing
        if too_few or (known.quartic is None) == (self.shrinkage == "auto"):
            raise ValueError(
                f"covariance_type={self.covariance_type!r} with shrinkage={self.shrinkage!r} needs "
                "other statistics than those of the batches so far; restore the parameters or call "
                "fit."
            )

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> Moments:
        auto = self.shrinkage == "auto"
        scatter: Literal["full", "thin", "diagonal"] = "diagonal"
        if self.covariance_type == "low_rank":
            scatter = "thin"
        elif self.covariance_type in ("full", "tied") or auto:
            scatter = "full"
        with np.errstate(over="ignore", invalid="ignore"):
            if has_missing(codes):
                moments = Moments.count_observed(codes, weight)
            else:
                moments = Moments.count(codes, weight, scatter=scatter, quartic=auto)
        return check_finite(moments, codes)

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> Moments:
        """Return moments of independent columns, with the means and variances observed."""
        with np.errstate(over="ignore", invalid="ignore"):
            observed = check_finite(Moments.count_observed(codes, weight), codes)
        variance = observed.scatter / np.where(observed.total > 0, observed.total, 1.0)
        total = total_weight(weight, len(codes))
        return Moments.independent_normal(
            total, observed.mean, variance, quartic=self.shrinkage == "auto"
        )

    def _expect(self, codes: np.ndarray, weight: np.ndarray | None) -> tuple[Moments, np.ndarray]:
        with np.errstate(over="ignore", invalid="ignore"):
            moments, log_prob = self._covariance.expect(
                codes - self.mean_, weight, quartic=self.shrinkage == "auto"
            )
        moments = replace(moments, mean=moments.mean + self.mean_)
        return check_finite(moments, codes), log_prob

    def _log_prior(self, total: float) -> float:
        if self.reg_covar == 0:
            return 0.0
        return -0.5 * total * self.reg_covar * self._covariance.inverse_trace()

    @property
    def _counts_missing(self) -> bool:
        return self.covariance_type in ("diag", "spherical") and self.shrinkage != "auto"

    def _estimate(self, statistics: Moments) -> None:
        self._estimate_covariance(statistics)
        self.mean_ = statistics.mean

    def _set_mean(self, statistics: Moments) -> None:
        """Finish a density of a group that estimates one covariance for all."""
        self._statistics = statistics
        self.mean_ = statistics.mean
        self._finish()

    def _share_covariance(self, other: GaussianDensity) -> None:
        """Take over the covariance of another density of the group."""
        self.shrinkage_, self._covariance = other.shrinkage_, other._covariance
        self.covariance_, self.n_parameters_ = other.covariance_, other.n_parameters_

    def _estimate_covariance(self, moments: Moments) -> None:
        d = self.n_features_in_
        if self.shrinkage == "auto":
            self.shrinkage_ = moments.ledoit_wolf_shrinkage()
        else:
            self.shrinkage_ = float(self.shrinkage or 0.0)
        if self.covariance_type == "low_rank":
            n_factors = self._check_n_factors()
            self._covariance = LowRankCovariance.estimate(
                moments, self.shrinkage_, self.reg_covar, n_factors
            )
            self.components_ = self._covariance.axes
            self.explained_variance_ = self._covariance.variance
            self.noise_variance_ = self._covariance.noise_variance
            self.n_parameters_ = d + LowRankCovariance.n_parameters(d, n_factors)
        else:
            shape = COVARIANCES[self.covariance_type]
            self._covariance = shape(moments, self.shrinkage_, self.reg_covar)
            self.covariance_ = self._covariance.value
            self.n_parameters_ = d + shape.n_parameters(d)

    def _check_n_factors(self) -> int:
        most = self.n_features_in_ - 1
        if self.n_factors is None:
            return most
        if self.n_factors > most:
            raise ValueError(
                f"n_factors must be at most n_features - 1 = {most}, so that a direction is left "
                f"for the noise; got {self.n_factors}."
            )
        return self.n_factors

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        return log_prob_at(self._covariance, codes - self.mean_)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._covariance.sample(n_samples, generator) + self.mean_

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        drawn = self._covariance.conditional_sample(codes - self.mean_, generator)
        return drawn + self.mean_

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._covariance.conditional_mean(codes - self.mean_) + self.mean_

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._mean_missing(codes)

    def _log_prob_given(self, codes: np.ndarray, condition: np.ndarray) -> np.ndarray:
        return log_prob_given(self._covariance, self.mean_, codes, condition)
