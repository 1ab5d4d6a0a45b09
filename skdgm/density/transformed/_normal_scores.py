"""Normal scores: each column by its distribution function, then the normal quantile function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context

from ..._fitted import learning, query
from ..._tables import check_table, validate_table
from .._engine.steps import StepFunction
from .._steps import StepIndependentDensity
from ._maps import InvertibleMap

N_KINKS = 65  # of thousands, enough for means


class NormalScoreMap(InvertibleMap):
    """``z = Phi^-1(F(x))`` by column, with the distribution functions F of step functions."""

    def __init__(self, steps: Sequence[StepFunction]) -> None:
        self.steps = list(steps)

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        Z = np.column_stack([own.normal_score(x) for own, x in zip(self.steps, X.T, strict=True)])
        log_slope = np.zeros(len(X))
        for own, x, z in zip(self.steps, X.T, Z.T, strict=True):
            observed = ~np.isnan(x)
            log_slope[observed] += own.log_slope_of_score(x[observed], z[observed])
        return Z, log_slope

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        columns = zip(self.steps, Z.T, strict=True)
        return np.column_stack([own.from_normal_score(z) for own, z in columns])

    def of_column(self, column: int) -> NormalScoreMap:
        """Return the map of one column, with an inverse for means, which are taken of many."""
        return NearNormalScoreMap([self.steps[column]])

    def kinks(self, n_columns: int) -> np.ndarray:
        edges = [_spread(own.edges) for own in self.steps]
        columns = zip(self.steps, edges, strict=True)
        return np.column_stack([own.normal_score(x) for own, x in columns])


class NearNormalScoreMap(NormalScoreMap):
    """Normal scores of one column, with an inverse by a fine table."""

    def kinks(self, n_columns: int) -> np.ndarray:
        return self.steps[0].normal_score(self.steps[0].edges)[:, np.newaxis]

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        return self.steps[0].near_normal_score(Z[:, 0])[:, np.newaxis]


def _spread(edges: np.ndarray) -> np.ndarray:
    """Return some of thousands of edges, enough for means of other densities than normals."""
    return np.quantile(edges, np.linspace(0, 1, N_KINKS))


class NormalScoreTransformer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Make every column standard normal, by its distribution function.

    ``z = Phi^-1(F(x))``, where F is the distribution function of a :class:`StepIndependentDensity`
    and Phi that of the standard normal. Skew, heavy tails, bounds and spikes of a column are then
    no longer seen by a density of z, and are exact in one of x: behind this transformer, a
    :class:`GaussianDensity` is a Gaussian copula.

    Parameters
    ----------
    rounding : array-like of shape (n_features,) or None, default=None
        Step to which the numbers of each column are rounded: 0 if they are not. None takes the
        smallest distance between values, if any value occurs twice.

    Attributes
    ----------
    density_ : StepIndependentDensity
        The densities of the columns.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    TransformedDensity : A density behind this transformer, scored in the original units.
    sklearn.preprocessing.QuantileTransformer : Linear between quantiles, without repeated values.

    References
    ----------
    .. [1] H. Liu, J. Lafferty and L. Wasserman, "The Nonparanormal: Semiparametric Estimation of
       High Dimensional Undirected Graphs", Journal of Machine Learning Research 10, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import NormalScoreTransformer
    >>> X = np.random.default_rng(0).lognormal(size=(1000, 1))
    >>> NormalScoreTransformer().fit(X).transform([[0.1], [1.0], [10.0]]).round(1)
    array([[-2.1],
           [ 0.1],
           [ 2.4]])
    """

    _parameter_constraints: dict = {"rounding": [None, "array-like"]}

    def __init__(self, *, rounding: ArrayLike | None = None) -> None:
        self.rounding = rounding

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn the density of each column.

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
        self : object
            The fitted transformer.
        """
        with learning(self, anew=True) as new:
            validate_table(new, X, **StepIndependentDensity._input_checks)
            density = StepIndependentDensity(rounding=new.rounding)
            new.density_ = density.fit(X, sample_weight=sample_weight)
        return self

    @query
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Compute the normal scores of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value and stays one.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features)
            The normal scores.
        """
        X = validate_table(self, X, reset=False, **StepIndependentDensity._input_checks)
        return self._map.forward(np.asarray(X, dtype=np.float64))[0]

    @query
    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Compute the values that have the given normal scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Normal scores; NaN stays NaN.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The values.
        """
        Z = check_table(X, "X", dtype=np.float64, ensure_all_finite="allow-nan")
        if Z.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X must have {self.n_features_in_} columns of normal scores, got {Z.shape[1]}."
            )
        return self._map.inverse(Z)

    @property
    def _map(self) -> NormalScoreMap:
        return NormalScoreMap([margin.steps for margin in self.density_._margins])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
