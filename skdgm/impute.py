"""Imputation of missing values from a density's ``p(x_missing | x_observed)``."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context, clone
from sklearn.impute import MissingIndicator
from sklearn.utils import get_tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_feature_names_in

from ._fitted import learning, query
from ._tables import validate_table
from ._validation import RandomState, check_observed
from .density import BaseDensity
from .density._composite import check_takes_missing


class DensityImputer(TransformerMixin, BaseEstimator):
    """Impute missing values from a density fitted to the rows.

    Parameters
    ----------
    density : density estimator
        The density to fit, for example :class:`GaussianDensity`.
    strategy : {"mean", "mode", "sample"}, default="mean"
        What replaces the missing values of a row, given its observed ones: their expectation, their
        jointly most probable values, or a joint draw. For categories "mean" gives fractions, the
        other two give categories.
    add_indicator : bool, default=False
        Whether to append the output of :class:`sklearn.impute.MissingIndicator`: one column per
        column that had missing values during fit, 1 where the value is missing and 0 elsewhere.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for "sample". With an integer, every ``transform`` of the same rows
        draws the same values.

    Attributes
    ----------
    density_ : density estimator
        The fitted density.
    indicator_ : MissingIndicator or None
        The transformer that adds the indicator columns; None if ``add_indicator`` is False.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    sklearn.impute.SimpleImputer : Impute one value per column, whatever the other columns hold.
    sklearn.impute.IterativeImputer : Predict each column from the others in turn.

    Notes
    -----
    With :class:`GaussianDensity` the mean is the linear regression of the missing values on the
    observed ones. Means vary less than data do, but draws do not, so anything that depends on the
    spread of a column is better estimated from several tables drawn with "sample" (multiple
    imputation).

    References
    ----------
    .. [1] R. J. A. Little and D. B. Rubin, "Statistical Analysis with Missing Data", 3rd edition,
       Wiley, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import DensityImputer, GaussianDensity
    >>> X = np.array([[1.0, 2.0], [2.0, 4.1], [3.0, 5.9], [4.0, np.nan]])
    >>> DensityImputer(GaussianDensity()).fit_transform(X).round(1)
    array([[1. , 2. ],
           [2. , 4.1],
           [3. , 5.9],
           [4. , 7.9]])
    """

    _parameter_constraints: dict = {
        "density": [BaseDensity],
        "strategy": [StrOptions({"mean", "mode", "sample"})],
        "add_indicator": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        density: BaseDensity,
        strategy: str = "mean",
        *,
        add_indicator: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.density = density
        self.strategy = strategy
        self.add_indicator = add_indicator
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Fit the density to the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            The fitted imputer.

        Raises
        ------
        ValueError
            If the density does not accept X, or a column has no observed value. The imputer is then
            left as it was before the call.
        """
        with learning(self, anew=True) as new:
            table = validate_table(new, X, **new.density._input_checks)
            check_observed(table, getattr(new, "feature_names_in_", None))
            check_takes_missing(new.density)
            new.density_ = clone(new.density).fit(X)  # X itself: its columns may have names
            new.indicator_ = None
            if new.add_indicator:
                indicator = MissingIndicator(error_on_new=False).set_output(transform="default")
                new.indicator_ = indicator.fit(table)  # an array, whatever this imputer gives
        return self

    @query
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Impute the missing values of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features_out)
            The completed rows, followed by the indicator columns if there are any.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        table = validate_table(self, X, reset=False, **self.density_._input_checks)
        if self.strategy == "sample":
            completed = self.density_.conditional_sample(X, random_state=self.random_state)
        elif self.strategy == "mode":
            completed = self.density_.conditional_mode(X)
        else:
            completed = self.density_.conditional_mean(X)
        if self.indicator_ is None:
            return completed
        indicators = self.indicator_.transform(table)
        if sparse.issparse(completed):
            return sparse.hstack([completed, indicators], format="csr")
        return np.hstack([completed, indicators.astype(completed.dtype)])

    @query
    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the columns that ``transform`` returns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X; None takes those seen during fit, or ``x0``, ``x1``, ...

        Returns
        -------
        names : ndarray of str
            These names, followed by those of the indicator columns.
        """
        names = _check_feature_names_in(self, input_features)
        if self.indicator_ is None:
            return names
        return np.concatenate([names, self.indicator_.get_feature_names_out(names)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.density).input_tags
        return tags
