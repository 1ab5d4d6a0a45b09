"""Multiple imputation: several completed tables, which differ as much as the data leave open."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval

from .._decorators import fit_context
from .._estimator import CommonEstimator
from .._fitted import learning, query
from .._tables import Schema, as_frame
from .._validation import RandomState, check_generator, spawn_generators
from ..density import BaggingDensity, BaseDensity, TableDensity
from ..density._base import DENSITY
from ..density._composite import check_takes_missing, hand_on_columns
from ..density._engine.blocks import run_in_threads
from ._pooled import PooledEstimate, pool_estimates, read_analysis


class MultipleImputer(CommonEstimator):
    """Complete a table several times, for estimates with honest standard errors.

    Each completion comes from a density of its own, fitted to a bootstrap sample of the rows, and
    is a draw from ``p(x_missing | x_observed)``. So completions differ by what the values vary, and
    by what is not known about the density. What is estimated from each, is pooled by Rubin's rules.

    Parameters
    ----------
    density : density estimator or None, default=None
        The density to fit, for example :class:`GaussianDensity`. None takes
        :class:`TableDensity`, for a frame of any columns; it takes seconds for each completion.
    n_imputations : int, default=20
        Number of completed tables.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for bootstrap samples, seeds of the densities and draws. With an
        integer, completions of the same rows are the same in every call.
    n_jobs : int or None, default=None
        Threads over densities; None is 1 unless in a ``joblib.parallel_config`` context. It changes
        no result.

    Attributes
    ----------
    densities_ : list of density estimators
        The fitted densities, one per completion.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    DensityImputer : A single completion, which makes standard errors too small.
    pool_estimates : Rubin's rules for estimates that come from elsewhere.

    Notes
    -----
    Completions are proper in the sense of Rubin [1]_ as far as the bootstrap stands for the
    posterior of the density (expectation-maximisation with bootstrapping [2]_). Which values are
    missing must not depend on the values themselves (missing at random), and the density should
    hold what the analysis asks about: independent columns bias a regression towards zero.

    References
    ----------
    .. [1] D. B. Rubin, "Multiple Imputation for Nonresponse in Surveys", Wiley, 1987.
    .. [2] J. Honaker and G. King, "What to Do about Missing Values in Time-Series Cross-Section
       Data", American Journal of Political Science 54(2), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import GaussianDensity, MultipleImputer
    >>> from skdgm.impute import linear_regression
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2)) @ [[1.0, 2.0], [0.0, 1.0]]  # a slope of 2
    >>> X[rng.random(X.shape) < 0.3] = np.nan
    >>> imputer = MultipleImputer(GaussianDensity(), random_state=0).fit(X)
    >>> imputer.pool(X, linear_regression, target=1)
               estimate  std error  df     low   high  p value  missing
    intercept     0.146      0.114  36  -0.086  0.378     0.21    0.583
    x0            2.029      0.105  47   1.819  2.240  4.8e-24    0.493
    """

    _parameter_constraints: dict = {
        "density": [DENSITY, None],
        "n_imputations": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        density: BaseDensity | None = None,
        n_imputations: int = 20,
        *,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.density = density
        self.n_imputations = n_imputations
        self.random_state = random_state
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit a density to each of several bootstrap samples of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The table; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        self : object
            The fitted imputer.

        Raises
        ------
        ValueError
            If the density does not accept X or the weights. The imputer is then left as it was
            before the call.
        """
        with learning(self, anew=True) as new:
            family = new._family()
            check_takes_missing(family)
            new._seeds = check_generator(new.random_state).integers(2**31, size=2)
            bag = BaggingDensity(
                family,
                new.n_imputations,
                resampling="bootstrap",
                random_state=int(new._seeds[0]),
                n_jobs=new.n_jobs,
            ).fit(X, sample_weight=sample_weight)
            hand_on_columns(bag, new)
            new.densities_ = bag.densities_
        return self

    def _family(self) -> BaseDensity:
        return TableDensity() if self.density is None else clone(self.density)

    @query
    def completions(self, X: ArrayLike) -> list[Any]:
        """Complete a table by each density.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.

        Returns
        -------
        tables : list of n_imputations arrays or frames of shape (n_samples, n_features)
            Copies of X with draws in place of missing values: frames if X is one. Draws by a
            density of numbers make floats of columns of integers.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        return run_in_threads(self._complete, self._tasks(X), self.n_jobs)

    @query
    def pool(self, X: ArrayLike, analysis: Callable[..., Any], **options: Any) -> PooledEstimate:
        """Run an analysis on each completed table, and pool the results by Rubin's rules.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The table to complete; NaN is a missing value.
        analysis : callable
            A function of a completed table that returns an estimate (a number, an array, or a dict
            or Series with names), its variance (or covariance matrix), and the degrees of freedom
            that it has where nothing is missing: :func:`skdgm.impute.column_means`,
            :func:`skdgm.impute.linear_regression`, :func:`skdgm.impute.logistic_regression`, or
            your own.
        **options : dict
            Further arguments of the analysis.

        Returns
        -------
        pooled : PooledEstimate
            Estimates, standard errors, degrees of freedom and fractions of missing information.

        Raises
        ------
        ValueError
            If the analysis does not give the same parameters for each table.
        """

        def analyse(density: BaseDensity, table: Any, generator: np.random.Generator) -> Any:
            return read_analysis(analysis(self._complete(density, table, generator), **options))

        results = run_in_threads(analyse, self._tasks(X), self.n_jobs)
        names, first, _, df = results[0]
        for number, (own, estimate, *_) in enumerate(results):
            if own != names or estimate.shape != first.shape:
                raise ValueError(
                    f"analysis gives other parameters for completion {number} than for the first, "
                    "perhaps as a rare category was drawn in one alone; merge it with another, "
                    "or leave the column out."
                )
        return pool_estimates(
            np.stack([own for _, own, _, _ in results]),
            np.stack([own for _, _, own, _ in results]),
            np.min([own for *_, own in results], axis=0) if df.size else np.inf,
            names,
        )

    # ------------------------------------------------------------------ shared machinery
    def _tasks(self, X: Any) -> list[tuple]:
        generators = spawn_generators(
            np.random.default_rng(int(self._seeds[1])), len(self.densities_)
        )
        pairs = zip(self.densities_, generators, strict=True)
        return [(density, X, generator) for density, generator in pairs]

    @staticmethod
    def _complete(density: BaseDensity, X: Any, generator: np.random.Generator) -> Any:
        completed = density.conditional_sample(X, generator)
        if isinstance(completed, np.ndarray) and as_frame(X) is not None:
            return Schema.learn(X).fill(X, completed, means=True)  # draws of integers are floats
        return completed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._family()).input_tags
        tags.input_tags.sparse = False
        return tags
