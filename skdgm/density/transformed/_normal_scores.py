"""Normal scores: each column by its distribution function, then the normal quantile function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import OneToOneFeatureMixin, TransformerMixin

from ..._decorators import fit_context
from ..._estimator import CommonEstimator
from ..._fitted import learning, query
from ..._tables import check_table, validate_table
from .._engine.steps import StepFunction
from .._steps import StepIndependentDensity
from ._maps import InvertibleMap


class NormalScoreMap(InvertibleMap):
    """``z = Phi^-1(F(x))`` by column, with the distribution functions F of step functions."""

    def __init__(self, steps: Sequence[StepFunction]) -> None:
        self.steps = list(steps)

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        Z, total = np.empty(X.shape), np.zeros(len(X))
        for column, own in enumerate(self.steps):
            Z[:, column], log_slope = own.scores(X[:, column])
            total += np.where(np.isnan(log_slope), 0.0, log_slope)
        return Z, total

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        columns = zip(self.steps, Z.T, strict=True)
        return np.column_stack([own.from_normal_score(z) for own, z in columns])

    def of_columns(self, columns: np.ndarray) -> NormalScoreMap:
        return NormalScoreMap([self.steps[column] for column in columns])

    def kinks(self, n_columns: int) -> np.ndarray:
        scores = [own.normal_score(own.edges) for own in self.steps]
        kinks = np.full((max(map(len, scores)), n_columns), np.nan)  # NaN is none
        for column, own in enumerate(scores):
            kinks[: len(own), column] = own
        return kinks


class NormalScoreTransformer(OneToOneFeatureMixin, TransformerMixin, CommonEstimator):
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

    @fit_context(prefer_skip_nested_validation=True)
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
