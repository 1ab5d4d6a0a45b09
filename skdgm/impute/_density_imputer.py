"""Imputation of missing values from a density's ``p(x_missing | x_observed)``."""

from __future__ import annotations

from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import TransformerMixin, clone
from sklearn.impute import MissingIndicator
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in

from .._decorators import fit_context
from .._estimator import CommonEstimator
from .._fitted import learning, query, snapshot
from .._tables import beside, columns_at, validate_table, with_empty_columns, with_holes
from .._validation import RandomState, check_weight, leave_out_weightless, observed_columns
from ..density import BaseDensity, TableDensity
from ..density._base import DENSITY
from ..density._composite import check_takes_missing


class DensityImputer(TransformerMixin, CommonEstimator):
    """Impute missing values from a density fitted to the rows.

    Parameters
    ----------
    density : density estimator or None, default=None
        The density to fit, for example :class:`GaussianDensity`. None takes
        :class:`TableDensity`, for a frame of any columns.
    strategy : {"mean", "mode", "sample"}, default="mean"
        What replaces the missing values of a row, given its observed ones: their expectation, their
        jointly most probable values, or a joint draw. For categories "mean" gives fractions, but
        the most probable one with :class:`TableDensity`; the other two give categories.
    missing_values : number, str or list of these, default=np.nan
        What stands for a missing value besides NaN and its like, which always do: ``-1`` or
        ``"?"``, among cells of its own sort.
    min_value : float or array-like of shape (n_features,), default=-np.inf
        The least value to impute, of all columns of numbers or of each column. Lower ones are
        raised to it.
    max_value : float or array-like of shape (n_features,), default=np.inf
        The largest value to impute, of all columns of numbers or of each column. Higher ones are
        lowered to it.
    keep_empty_features : bool, default=False
        Whether to keep columns without any observed value, filled with 0, or with None if they hold
        no numbers. They are left out otherwise.
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
    n_iter_ : int
        Number of steps of expectation-maximisation, if the density has it.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MultipleImputer : Several completions, for estimates with honest standard errors.
    sklearn.impute.SimpleImputer : Impute one value per column, whatever the other columns hold.
    sklearn.impute.IterativeImputer : Predict each column from the others in turn.

    Notes
    -----
    :class:`TableDensity` gives a frame like X: categories as their most probable values, integers
    rounded. Its "mean" averages the expectations of its families with weights that are learned for
    each column: those with the least squared error where cells of held-out rows are hidden (stacked
    regressions [2]_). That is closer to the truth than the expectation of the average,
    ``conditional_mean``, in which the members that have learned from a row have the most say about
    it.

    With :class:`GaussianDensity` the mean is the linear regression of the missing values on the
    observed ones. Means vary less than data do, but draws do not, so anything that depends on the
    spread of a column is better estimated from several tables drawn with "sample" (multiple
    imputation).

    References
    ----------
    .. [1] R. J. A. Little and D. B. Rubin, "Statistical Analysis with Missing Data", 3rd edition,
       Wiley, 2019.
    .. [2] L. Breiman, "Stacked Regressions", Machine Learning 24, 1996.

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

    Without a density, any frame is completed, and stays a frame:

    >>> import pandas as pd
    >>> pets = pd.DataFrame({"kind": ["cat", "dog", "dog", None] * 20, "legs": [4, 4, 4, 4] * 20})
    >>> DensityImputer(random_state=0).fit_transform(pets).tail(2)
       kind  legs
    78  dog     4
    79  dog     4
    """

    _parameter_constraints: dict = {
        "density": [DENSITY, None],
        "strategy": [StrOptions({"mean", "mode", "sample"})],
        "missing_values": "no_validation",
        "min_value": [None, Interval(Real, None, None, closed="both"), "array-like"],
        "max_value": [None, Interval(Real, None, None, closed="both"), "array-like"],
        "keep_empty_features": ["boolean"],
        "add_indicator": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        density: BaseDensity | None = None,
        strategy: Literal["mean", "mode", "sample"] = "mean",
        *,
        missing_values: Any = np.nan,
        min_value: float | ArrayLike | None = -np.inf,
        max_value: float | ArrayLike | None = np.inf,
        keep_empty_features: bool = False,
        add_indicator: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.density = density
        self.strategy = strategy
        self.missing_values = missing_values
        self.min_value = min_value
        self.max_value = max_value
        self.keep_empty_features = keep_empty_features
        self.add_indicator = add_indicator
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the density to the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts in the fit of the density; None counts every row once.

        Returns
        -------
        self : object
            The fitted imputer.

        Raises
        ------
        ValueError
            If the density does not accept X or the weights, no column has an observed value, or
            the limits do not fit the columns. The imputer is then left as it was before the call.
        """
        with learning(self, anew=True) as new:
            density = new._unfitted_density()
            X = new._with_holes(X, density)
            table = validate_table(new, X, **density._input_checks)
            check_takes_missing(density)
            _, table = leave_out_weightless(check_weight(sample_weight, table), table)
            new._kept = observed_columns(table)
            if not new._kept.any():
                raise ValueError("X has no observed value in any column; nothing can be learned.")
            # X itself where possible: its columns may have names.
            new._limits = new._check_limits()
            new.density_ = density._fit_to_impute(new._columns_kept(X), sample_weight)
            if hasattr(new.density_, "n_iter_"):
                new.n_iter_ = new.density_.n_iter_
            new.indicator_ = None
            if new.add_indicator:
                indicator = MissingIndicator(error_on_new=False).set_output(transform="default")
                new.indicator_ = indicator.fit(table)  # an array, whatever this imputer gives
        return self

    def _unfitted_density(self) -> BaseDensity:
        if self.density is None:
            density: BaseDensity = TableDensity(random_state=self.random_state)
        else:
            density = clone(self.density)
        if isinstance(density, TableDensity):
            both = _as_list(density.missing_values), _as_list(self.missing_values)
            density.missing_values = [*both[0], *both[1]]
        return density

    def _with_holes(self, X: Any, density: BaseDensity) -> Any:
        """Return X with missing cells in place of the values that stand for them.

        A table's density reads such values itself, which keeps the dtypes of the columns.
        """
        return X if isinstance(density, TableDensity) else with_holes(X, self.missing_values)

    def _check_limits(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the limits of the columns that are kept, as the density's numbers; None if none.

        Columns that hold no numbers have none, and those of integers in a frame have integers.
        """
        low = self._limit("min_value", -np.inf)
        high = self._limit("max_value", np.inf)
        if np.isinf(low).all() and np.isinf(high).all():
            return None
        wrong = np.flatnonzero(~(low <= high))
        if wrong.size:
            first = wrong[0]
            raise ValueError(
                "min_value must be less than max_value, and in columns of integers an integer must "
                f"lie between them, but column {first} has {low[first]:g} and {high[first]:g}."
            )
        return low[self._kept], high[self._kept]

    def _limit(self, name: str, none: float) -> np.ndarray:
        """Return a limit for each column of X."""
        value = getattr(self, name)
        limit = np.asarray(none if value is None else value, dtype=np.float64)
        if limit.shape not in ((), (self.n_features_in_,)):
            raise ValueError(
                f"{name} must be one number or one for each of the {self.n_features_in_} columns "
                f"of X, got the shape {limit.shape}."
            )
        wrong = limit[np.isnan(limit) | (limit == -none)]
        if wrong.size:
            raise ValueError(f"{name} must hold numbers or {none}, for no limit, got {wrong[0]}.")
        of_columns = np.broadcast_to(limit, self.n_features_in_).copy()
        schema = getattr(self, "_schema", None)
        if schema is None:
            return of_columns
        for place, column in enumerate(schema.columns):
            if column.role != "number":
                if limit.ndim and np.isfinite(limit[place]):
                    raise ValueError(
                        f"{name} is {limit[place]:g} for column {place} ({column.name!r}), which "
                        f"holds no numbers; give {none} there."
                    )
                of_columns[place] = none
            elif column.integer and not schema.is_numeric:  # a frame rounds to them
                of_columns[place] = (np.ceil if none < 0 else np.floor)(of_columns[place])
        return of_columns

    def _columns_kept(self, X: Any) -> Any:
        return X if self._kept.all() else columns_at(X, np.flatnonzero(self._kept))

    @query
    def transform(self, X: ArrayLike) -> Any:
        """Impute the missing values of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to complete; NaN is a missing value.

        Returns
        -------
        X : ndarray or frame of shape (n_samples, n_features_out)
            The completed rows, followed by the indicator columns if there are any. With
            :class:`TableDensity`, it is a table like X; otherwise an array, unless ``set_output``
            says more.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.
        """
        density = snapshot(self.density_)
        X = self._with_holes(X, density)
        table = validate_table(self, X, reset=False, **density._input_checks)
        kept = self._columns_kept(X)
        completed = density._impute(kept, self.strategy, self._limits, self.random_state)
        if self.keep_empty_features and not self._kept.all():
            holes = with_holes(X, self.missing_values)
            completed = with_empty_columns(completed, holes, self._kept)
        if self.indicator_ is None:
            return completed
        indicators = self.indicator_.transform(table)
        return beside(completed, indicators, self._indicator_names(None))

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
        own = names if self.keep_empty_features else names[self._kept]
        if self.indicator_ is None:
            return own
        return np.concatenate([own, self._indicator_names(input_features)])

    def _indicator_names(self, input_features: Any) -> np.ndarray:
        names = _check_feature_names_in(self, input_features)
        return self.indicator_.get_feature_names_out(names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._unfitted_density()).input_tags
        return tags


def _as_list(values: Any) -> list[Any]:
    is_list = isinstance(values, list | tuple | set | frozenset | np.ndarray)
    return list(values) if is_list else [values]
