"""A mixture of densities: ``p(x) = sum_k p(z = k) p(x | z = k)`` with a latent class z.

Fitted by expectation-maximisation: each row adds to the statistics of every component, in
proportion to its responsibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils._param_validation import Interval, StrOptions

from .._fitted import query
from .._validation import RandomState, check_generator
from ._average import AverageDensity
from ._base import BaseDensity
from ._composite import hand_on_columns, same_parameters
from ._em import EM_CONSTRAINTS, EMDensity, PartlyObserved, run_em, warn_not_converged
from ._engine.blocks import ones_if_none
from ._engine.clusters import DistinctPoints, cluster_rows, shares_of_clusters
from ._engine.codes import coordinates
from ._engine.missing import fill_with_means
from ._engine.responsibilities import responsibilities
from ._group import DensityGroup, group_of, set_n_parameters


@dataclass(frozen=True, eq=False)
class MixtureStatistics:
    """The weight of each component's rows, and the statistics of each component."""

    weight: np.ndarray
    parts: tuple[Any, ...]

    def __add__(self, other: Self) -> Self:
        pairs = zip(self.parts, other.parts, strict=True)
        parts = tuple(mine + others for mine, others in pairs)
        return type(self)(self.weight + other.weight, parts)


class MixtureDensity(ClassNamePrefixFeaturesOutMixin, TransformerMixin, AverageDensity, EMDensity):
    """A mixture of ``n_components`` densities of one family.

    Parameters
    ----------
    density : density estimator
        The family of the components, for example :class:`ChowLiuTreeDensity`, or another mixture.
    n_components : int, default=2
        Number of components.
    init : {"kmeans", "random"}, default="kmeans"
        Initial assignment of rows to components: by k-means, with missing values at their
        column's mean, or in shares drawn at random.
    n_init : int, default=1
        Number of starts; the fit with the highest objective is kept.
    max_iter : int, default=100
        Maximum number of expectation-maximisation steps.
    tol : float, default=1e-3
        Expectation-maximisation stops when a step changes the objective by less than this, in
        nats per row.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for the start.
    warm_start : bool, default=False
        Whether ``fit`` starts from the solution of the previous fit, if that has as many
        components and categories.
    verbose : int, default=0
        Whether to print the objective of every step.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Probability of each component.
    densities_ : list of density estimators
        The fitted components.
    converged_ : bool
        Whether the objective converged within ``max_iter`` steps.
    n_iter_ : int
        Number of steps of the fit that was kept.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The objective before each step, in nats per row: the mean log-likelihood of the observed
        values, plus the components' log-priors (of pseudo-counts, for example).
    n_parameters_ : int
        Free parameters, exact: those of the components, and ``n_components - 1``.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    sklearn.mixture.GaussianMixture : The case of :class:`GaussianDensity`, without missing values.
    GenerativeClassifier : One density per class, where the classes are given.

    Notes
    -----
    Expectation-maximisation finds a local maximum, which depends on the start. A component that
    loses all its rows keeps a weight near zero and is fitted to all rows alike. For the k-means of
    the start, columns are brought to unit variance unless all are binary or categorical; with a
    :class:`TransformedDensity` it uses the transformed columns.

    No step lowers the objective. Where rounding in a near singular covariance would, or components
    that maximise something else (the classifiers of a :class:`ChainRuleDensity`), the loop ends at
    the highest objective and says so.

    It is worth a warning if there are more components than distinct rows, or a normal component
    collapses onto repeated values.

    X must be dense. The components share what the densities of a group share, such as a "tied"
    covariance.

    The most probable completion of a row, ``conditional_mode``, is exact where the missing values
    are categorical and have at most 4,096 completions. Otherwise it is the best of the components'
    own completions, improved one column at a time where its values can be listed: a local maximum.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", Springer, 2006, chapter 9.
    .. [2] M. Meila and M. I. Jordan, "Learning with Mixtures of Trees", Journal of Machine
       Learning Research 1, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import BernoulliIndependentDensity, MixtureDensity
    >>> X = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 0]] * 5)
    >>> coins = MixtureDensity(BernoulliIndependentDensity(), random_state=0).fit(X)
    >>> coins.weights_.round(2)
    array([0.5, 0.5])
    >>> coins.predict_proba([[1, 1, np.nan]]).round(2).max(axis=1)  # of the likelier component
    array([0.99])
    >>> coins.conditional_mean([[1, np.nan, 0]]).round(1)
    array([[1. , 0.8, 0. ]])
    """

    _last_bound: float
    _last_family: BaseDensity | None
    _parameter_constraints: dict = {
        "density": [BaseDensity],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"kmeans", "random"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        **EM_CONSTRAINTS,
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        density: BaseDensity,
        n_components: int = 2,
        *,
        init: str = "kmeans",
        n_init: int = 1,
        max_iter: int = 100,
        tol: float = 1e-3,
        random_state: RandomState = None,
        warm_start: bool = False,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.density = density
        self.n_components = n_components
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ the latent class
    @query
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Find the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        z : ndarray of shape (n_samples,)
            Indices of components.
        """
        return self.predict_proba(X).argmax(axis=1)

    @query
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Compute the probability of each component given each row: the responsibilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            ``p(z = k | x)``. A row that every component rules out gets the weights.
        """
        codes = self._encode(self._check_query(X))
        return self._responsibilities(codes)[0]

    def fit_predict(self, X: ArrayLike, y: Any = None, **fit_params: Any) -> np.ndarray:
        """Fit the mixture, and find the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.
        **fit_params : dict
            Arguments of ``fit``, such as ``sample_weight``.

        Returns
        -------
        z : ndarray of shape (n_samples,)
            Indices of components, as ``fit(X).predict(X)`` gives them.
        """
        return self.fit(X, y, **fit_params).predict(X)

    @query
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Represent each row by the probabilities of the components, for a step that follows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            ``predict_proba(X)``. The columns are named "mixturedensity0", and so on.
        """
        return self.predict_proba(X)

    @property
    def _n_features_out(self) -> int:
        return len(self.weights_)

    def _log_prob_of_each(self, codes: Any) -> np.ndarray:
        return self._group.log_prob(codes)

    def _log_objective_of_each(self, codes: Any) -> np.ndarray:
        return self._group.log_objective(codes)

    def _set_parts(self, source: Any, group: DensityGroup, weights: np.ndarray) -> None:
        """Become the mixture of fitted densities, for columns that another estimator has seen."""
        hand_on_columns(source, self)
        self._prototype, self._group = group.densities[0], group
        self._dtype = self._prototype._dtype
        self.weights_, self.densities_ = weights, group.densities
        set_n_parameters(self, group.n_parameters(besides=len(weights) - 1))
        self._finish()

    # ------------------------------------------------------------------ learning
    def _fit(self, codes: Any, weight: np.ndarray | None) -> None:
        generator = check_generator(self.random_state)
        warm = self._warm_statistics()
        parts = [PartlyObserved(self, codes, weight)]
        best: tuple[float, dict] | None = None
        for _ in range(self.n_init if warm is None else 1):
            start = self._start_from(codes, weight, generator) if warm is None else warm
            before = None if warm is None else self._last_bound
            bounds, converged = run_em(self, parts, [start], self._set_only, self.n_jobs, before)
            self.n_iter_, self.lower_bounds_, self.converged_ = len(bounds), bounds, converged
            if best is None or bounds[-1] > best[0]:
                best = bounds[-1], self.__dict__.copy()
        assert best is not None  # n_init is at least 1
        self.__dict__.update(best[1])
        if not (self.warm_start or self._prototype._is_additive):
            del self._last_statistics  # these may be the training rows
        self._last_shape, self._last_bound = self._shape, self.lower_bounds_[-1]
        self._last_family = clone(self.density) if self.warm_start else None
        if not self.converged_:
            warn_not_converged(self, self.densities_, self.lower_bounds_)
        self._group.warn_if_degenerate()

    def _set_only(self, statistics: Sequence[MixtureStatistics]) -> None:
        (self._last_statistics,) = statistics
        self._set(self._last_statistics)

    def _warm_statistics(self) -> MixtureStatistics | None:
        known = self.warm_start and getattr(self, "_last_shape", None) == self._shape
        if not (known and same_parameters(self._last_family, self.density)):
            return None
        return getattr(self, "_last_statistics", None)

    @property
    def _shape(self) -> tuple:
        """Sizes in which two fits must agree for the statistics of one to start the other."""
        return self.n_components, self._columns

    def _needs_em(self, codes: Any) -> bool:
        return True

    def _is_incomplete(self, codes: Any) -> np.ndarray:
        return np.ones(codes.shape[0], dtype=bool)  # z is latent in every row

    def _count_start(self, codes: Any, weight: np.ndarray | None) -> MixtureStatistics:
        return self._start_from(codes, weight, check_generator(self.random_state))

    def _start_from(
        self, codes: Any, weight: np.ndarray | None, generator: np.random.Generator
    ) -> MixtureStatistics:
        weight = ones_if_none(weight, codes.shape[0])
        shares = self._initial_shares(codes, weight, generator)
        start = self._make_group(self.n_components).start(codes, shares, weight)
        return MixtureStatistics(weight @ shares, tuple(start))

    def _make_group(self, n_components: int) -> DensityGroup:
        names = [f"Component {k}" for k in range(n_components)]
        return group_of(self._prototype, names, [self._n_rows / n_components] * n_components)

    def _initial_shares(
        self, codes: Any, weight: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        n_rows, n_components = codes.shape[0], self.n_components
        distinct = DistinctPoints.of(fill_with_means(coordinates(codes), weight))
        distinct.warn_if_fewer_than(n_components)
        if self.init == "random":
            shares = generator.random((n_rows, n_components))
            return shares / shares.sum(axis=1, keepdims=True)
        has_units = not self._columns.listable.all()
        label = cluster_rows(distinct, weight, n_components, has_units, generator)
        return shares_of_clusters(label, n_components)

    def _count(self, codes: Any, weight: np.ndarray | None) -> MixtureStatistics:
        return self._expect(codes, weight)[0]

    def _expect(
        self, codes: Any, weight: np.ndarray | None
    ) -> tuple[MixtureStatistics, np.ndarray]:
        weight = ones_if_none(weight, codes.shape[0])
        log_joint = self._with_weights(self._log_objective_of_each(codes))
        shares, log_prob = responsibilities(log_joint, self.weights_)
        parts = tuple(self._group.expect(codes, shares, weight))
        return MixtureStatistics(weight @ shares, parts), log_prob

    def _estimate(self, statistics: MixtureStatistics) -> None:
        self.weights_ = statistics.weight / statistics.weight.sum()
        self._group = self._make_group(len(statistics.parts))
        self._group.estimate(statistics.parts)
        self.densities_ = self._group.densities
        set_n_parameters(self, self._group.n_parameters(besides=len(self.densities_) - 1))

    def _log_prior(self, total: float) -> float:
        return self._group.log_prior(total * self.weights_)
