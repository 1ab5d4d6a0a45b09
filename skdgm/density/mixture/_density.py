"""A mixture of densities: ``p(x) = sum_k p(z = k) p(x | z = k)`` with a latent class z.

Fitted by expectation-maximisation: each row adds to the statistics of every component, in
proportion to its responsibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from ..._decorators import available_if, fit_context
from ..._fitted import learning
from ..._validation import RandomState
from .._base import DENSITY, BaseDensity
from .._em import EM_CONSTRAINTS
from ._given import checked_parts, checked_weights, unfitted
from ._learning import MixtureStatistics, _MixtureLearning
from ._starts import AT_RANDOM


class MixtureDensity(_MixtureLearning):
    """A mixture of ``n_components`` densities of one family.

    Parameters
    ----------
    density : density estimator
        The family of the components, for example :class:`ChowLiuTreeDensity`, or another mixture.
    n_components : int, default=2
        Number of components.
    init : {"kmeans", "k-means++", "random_rows", "random"}, array-like or list, default="kmeans"
        Initial assignment of rows to components. With missing values at their column's mean, rows
        join the clusters of k-means, or the nearest of centres that are spread as k-means does at
        its start ("k-means++") or drawn from the rows ("random_rows"). Centres are looked for among
        up to 16,384 distinct rows, or 128 per component. "random" draws the shares of each row.
        Else it holds the component of each row, shape (n_samples,), or its shares in all, shape
        (n_samples, n_components), or is a list of fitted densities, one per component.
    n_init : int, default=1
        Number of starts that are drawn; the fit with the highest objective is kept.
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
    labels_ : ndarray of shape (n_samples,)
        The most probable component of each row that was learned from last, or the known one; -1
        for a row of weight zero.
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

    X may be sparse (CSR or CSC) if the components take it, and is then never made dense. The
    components share what the densities of a group share, such as a "tied" covariance.

    The most probable completion of a row, ``conditional_mode``, is exact where the missing values
    are categorical and have at most 4,096 completions. Otherwise it is the best of the components'
    own completions, improved one column at a time where its values can be listed: a local maximum.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", Springer, 2006, chapter 9.
    .. [2] M. Meila and M. I. Jordan, "Learning with Mixtures of Trees", Journal of Machine
       Learning Research 1, 2000.
    .. [3] O. Cappe and E. Moulines, "On-line Expectation-Maximization Algorithm for Latent Data
       Models", Journal of the Royal Statistical Society B 71(3), 2009.

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

    _parameter_constraints: dict = {
        "density": [DENSITY],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(set(AT_RANDOM)), "array-like"],
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
        init: Any = "kmeans",
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

    @classmethod
    def from_parameters(
        cls,
        densities: Sequence[BaseDensity],
        weights: ArrayLike | None = None,
        **parameters: Any,
    ) -> Self:
        """Make a mixture of fitted densities, without data.

        Parameters
        ----------
        densities : sequence of density estimators
            The components: densities of one family, fitted or made by ``from_parameters``, that
            see the same columns with the same categories.
        weights : array-like of shape (n_components,), default=None
            Probability of each component; None makes them equal.
        **parameters : dict
            Other parameters of the class.

        Returns
        -------
        density : MixtureDensity
            A fitted density. Its ``partial_fit`` goes on from the rows that all components count,
            and starts anew if one counts none.

        Raises
        ------
        ValueError
            If the densities make no mixture, or the weights are no probabilities.

        Examples
        --------
        >>> from skdgm import GaussianDensity, MixtureDensity
        >>> parts = [GaussianDensity.from_parameters([mean], [[1.0]]) for mean in (-3.0, 3.0)]
        >>> mixture = MixtureDensity.from_parameters(parts, [0.25, 0.75])
        >>> mixture.predict([[-2.0], [4.0]])
        array([0, 1])
        >>> mixture.conditional_mean([[float("nan")]])
        array([[1.5]])
        """
        parts = checked_parts(densities)
        probability = checked_weights(weights, len(parts))
        density = cls(unfitted(parts[0]), len(parts), **parameters)
        density._validate_params()
        with learning(density) as new:
            new._set_parts(parts, probability)
            if new._is_additive and all(part._has_counts for part in parts):
                new._n_rows = sum(part._n_rows for part in parts)
                statistics = tuple(part._statistics for part in parts)
                new._statistics = MixtureStatistics(new._n_rows * probability, statistics)
        return density

    def _on_columns(self, places: np.ndarray, row: np.ndarray) -> MixtureDensity:
        """Return the mixture of what the components become, weighted by the row."""
        shares = self._shares(self._encode(row))[0]
        possible = [self.densities_[k] for k in np.flatnonzero(shares)]
        parts = [density._remaining(places, row) for density in possible]
        if len({type(part) for part in parts}) > 1:  # as some are singular
            parts = [density._view_type.of(density, places, row) for density in possible]
        return self.from_parameters(parts, shares[shares > 0])

    # ------------------------------------------------------------------ what a user calls
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        known_components: ArrayLike | None = None,
    ) -> Self:
        """Fit the mixture to the rows of X, of some of which the component may be known.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value. Which values are missing must not depend on
            the values themselves (missing at random).
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.
            Pseudo-counts such as ``alpha`` count rows, so scale weights to sum to the number of
            rows. The largest must lie between 1e-100 and 1e100; those below 1e-100 times the
            largest count as zero.
        known_components : array-like of shape (n_samples,), default=None
            Index of the component that each row comes from, -1 where it is not known: learning is
            then semi-supervised, and the objective of a known row is ``log p(x, z)``.

        Returns
        -------
        self : object
            The fitted density.

        Raises
        ------
        ValueError
            If the density does not accept X, the weights, ``init`` or the components, or a column
            has no observed value. The density is then left as it was before the call.
        """
        with learning(self, anew=True) as new:
            new._told_components = known_components
            new._fit_table(X, sample_weight)
        return self

    @available_if(lambda self: self._is_additive)
    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit the mixture to a first batch, or take one step of stepwise EM with a further one.

        The first batch is fitted as by ``fit``, so it should show all components. The rows of later
        ones are counted as the mixture so far expects them, beside those before. The result is
        not that of one ``fit`` to all rows, but gets near it over many batches.

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
            The fitted density.

        Raises
        ------
        ValueError
            If the density does not accept X or the weights. It is then left as it was before the
            call.
        """
        return super().partial_fit(X, y, sample_weight)

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
            Indices of components, ``labels_``.
        """
        return self.fit(X, y, **fit_params).labels_
