"""The conditional of a joint density: ``p(y | x) = p(x, y) / p(x)`` for whole vectors y.

The density is fitted to the columns of X and Y side by side; in a query, y is what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin, clone
from sklearn.utils import check_array, get_tags
from sklearn.utils.validation import check_is_fitted

from .._codes import as_exact_floats, dtype_that_holds
from .._decorators import available_if
from .._fitted import query, snapshot
from .._tables import ReadTable, Schema, Source, as_table
from .._validation import ColumnError
from ..density import BaseDensity
from ..density._base import DENSITY
from ..density._composite import check_takes_missing
from ..density._contract import check_log_prob
from ..density._engine.blocks import RowsOf, row_blocks, run_in_row_blocks
from ._base import BaseConditional


class ConditionalDensity(RegressorMixin, BaseConditional):
    """The conditional distribution of y given X under a joint density of both.

    Parameters
    ----------
    density : density estimator
        The joint density to fit to ``[X, y]``, for example :class:`GaussianDensity`, or a
        :class:`MixtureDensity` of :class:`ColumnDensity` where X and y are of different kinds.

    Attributes
    ----------
    density_ : density estimator
        The fitted joint density; its first columns are those of X.
    n_features_in_ : int
        Number of columns of X seen during fit.
    n_outputs_ : int
        Number of columns of y seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X, if it had names that are all strings.

    See Also
    --------
    ChainRuleConditional : The same methods, with a chain of classifiers.
    GenerativeClassifier : The case in which y is a class label.
    sklearn.gaussian_process.GaussianProcessRegressor : Another regressor with ``sample_y``
        and ``return_std``.

    Notes
    -----
    ``predict`` is the conditional mean ``E[y | x]``, and ``score_samples(X, y)`` is
    ``log p(x, y) - log p(x)``; for continuous columns, it is computed from the conditional itself,
    so that it is right however far out x is. NaN is a missing value, in training and in queries,
    in X and in y: it is integrated out. With missing values in X, ``predict_mode`` is exact if y is
    categorical and has at most 4,096 values; otherwise it is the best that a search finds.

    To scikit-learn it is a regressor, whatever y holds; but ``score`` is the mean log-likelihood,
    not R2. Where the values of y can be listed (a density of categories), there is also
    ``predict_proba``.

    The mode of a density over continuous columns is its highest point, which may lie in a narrow
    component of a mixture with little weight; ``predict`` does not have this problem.

    If X and y both have column names, all different, the density sees them too, so that the
    columns of a :class:`ColumnDensity` may be given by name.

    References
    ----------
    .. [1] K. P. Murphy, "Probabilistic Machine Learning: Advanced Topics", MIT Press, 2023,
       section 20.1.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import ConditionalDensity, GaussianDensity
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> Y = np.array([[0.0, 1.0], [2.0, 1.0], [3.0, 0.0], [5.0, 0.0]])
    >>> model = ConditionalDensity(GaussianDensity(reg_covar=0.01)).fit(X, Y)
    >>> model.predict([[4.0], [np.nan]]).round(2)
    array([[ 6.46, -0.49],
           [ 2.5 ,  0.5 ]])
    >>> model.score_samples([[1.0]], [[2.0, 1.0]]).round(2)
    array([0.01])
    >>> model.sample_y([[1.0], [2.0]], n_samples=5, random_state=0).shape
    (2, 2, 5)
    """

    _output_schema: Any  # None where y must hold numbers
    _joint_schema: Any

    _output_checks = {"ensure_all_finite": "allow-nan"}
    _parameter_constraints: dict = {"density": [DENSITY]}

    def __init__(self, density: BaseDensity) -> None:
        self.density = density

    score = BaseConditional.score  # not the R^2 of a regressor

    @property
    def _input_checks(self) -> dict:
        return self.density._dense_input_checks

    def _fit(self, X: np.ndarray, Y: np.ndarray, weight: np.ndarray | None) -> None:
        check_takes_missing(self.density, "since y is missing in every query, ")
        self._joint_names = self._joint_schema = None
        if self._output_schema is not None:
            self._joint_schema = self._schema.beside(self._output_schema)
        named = hasattr(self, "feature_names_in_") and self._output_names is not None
        if named and find_spec("pandas"):
            names = [*self.feature_names_in_, *self._output_names]
            self._joint_names = names if len(set(names)) == len(names) else None
        with self._errors_name_y():
            self.density_ = clone(self.density).fit(self._joint(X, Y), sample_weight=weight)
        if self._joint_schema is not None:  # the density knows which columns are closed
            closed = self._joint_schema.closed
            self._schema.closed[:] = closed[: self.n_features_in_]
            self._output_schema.closed[:] = closed[self.n_features_in_ :]

    def _log_prob(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        density = self.density_
        with self._errors_name_y():
            tables = [density._check_query(self._joint(X, outputs)) for outputs in (Y, None)]
            rows = RowsOf(tuple(density._encode(table) for table in tables))  # the second: x alone
            parts = run_in_row_blocks(
                lambda own: density._log_prob_given(*own.parts), rows, density.n_jobs
            )
        log_prob = np.concatenate(parts)
        check_log_prob(density, log_prob, len(X))
        return log_prob

    def _predict(self, X: np.ndarray) -> np.ndarray:
        with self._errors_name_y():
            return self._outputs(self.density_.conditional_mean(self._joint(X)))

    @query
    def predict(  # type: ignore[override]
        self, X: ArrayLike, return_std: bool = False
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Predict y for each row of X by its conditional mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions; NaN is a missing value.
        return_std : bool, default=False
            Whether to return the standard deviation of each output, too.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            ``E[y | x]``, with as many dimensions as y had in fit.
        std : ndarray of the shape of y
            Standard deviation of each output given x, in the unit of y. Only returned with
            ``return_std=True``.

        Raises
        ------
        ValueError
            If a row of X has probability zero under the model; or with ``return_std=True``, if y
            holds text, or the density does not tell the variance of a column of y: normals,
            densities of categories and of bins do, and mixtures, bags and blocks of them.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import ConditionalDensity, GaussianDensity
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 2.0, 3.0, 5.0])
        >>> model = ConditionalDensity(GaussianDensity()).fit(X, y)
        >>> mean, std = model.predict([[1.0], [np.nan]], return_std=True)
        >>> mean.round(2), std.round(2)
        (array([1.7, 2.5]), array([0.22, 1.8 ]))
        """
        X = self._check_conditions(X)
        mean = self._like_outputs(self._predict(X), means=True)
        return (mean, self._std(X)) if return_std else mean

    @available_if(lambda self: self._check_lists_outputs())
    @query
    def predict_proba(self, X: ArrayLike) -> np.ndarray | list[np.ndarray]:
        """Compute the probability of each value of each column of y, where these can be listed.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The conditions; NaN is a missing value.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_values), or list of n_outputs ndarrays
            ``p(y_j = v | x)``; for several columns, a list of marginals. The values are in the
            order of ``density_.conditional_proba``: 0 and 1 in a binary column, else the
            categories.

        Raises
        ------
        ValueError
            If a row of X has probability zero under the model.
        """
        columns = range(self.n_features_in_, self.n_features_in_ + self.n_outputs_)
        proba = self._answers(
            self._check_conditions(X),
            lambda codes: tuple(self.density_._proba_missing(codes, columns)),
        )
        return proba[0] if self._one_dimensional else list(proba)

    def _check_lists_outputs(self) -> bool:
        """Raise a ValueError if y has a column whose values cannot be listed, or is not known."""
        fitted = snapshot(self)
        check_is_fitted(fitted)
        for column in range(fitted.n_outputs_):
            if not len(fitted.density_._values_to_list(fitted.n_features_in_ + column)):
                raise ValueError(
                    f"The values of column {column} of y cannot be listed, for they are counts or "
                    "real numbers; predict(X, return_std=True) gives their mean and standard "
                    "deviation, and score_samples(X, y) their log-density."
                )
        return True

    def _answers(
        self, X: np.ndarray, ask: Callable[[Any], tuple[np.ndarray, ...]]
    ) -> list[np.ndarray]:
        """Return the tables that a hook of the density answers about rows without their y."""
        density = self.density_
        with self._errors_name_y():
            codes = density._encode(density._check_query(self._joint(X)))
            density._check_possible(codes, np.arange(len(X)))
            parts = run_in_row_blocks(ask, codes, density.n_jobs)
        return [np.concatenate(tables) for tables in zip(*parts, strict=True)]

    def _std(self, X: np.ndarray) -> np.ndarray:
        schema = self._output_schema
        if schema is not None and any(column.role != "number" for column in schema.columns):
            raise ValueError(
                "return_std=True needs a y of numbers; predict_proba(X) gives the probability of "
                "each value of a y of labels."
            )
        _, variance = self._answers(X, self.density_._moments_missing)
        variance = self._outputs(variance)
        unknown = np.isnan(variance).any(axis=0)
        if unknown.any():
            raise ValueError(
                f"{type(self.density_).__name__} does not tell the standard deviation of column "
                f"{unknown.argmax()} of y; choose a GaussianDensity, a BinnedDensity or a mixture "
                "of them, or take that of the draws of sample_y."
            )
        return self._like_outputs(np.sqrt(variance))

    def _predict_mode(self, X: np.ndarray) -> np.ndarray:
        with self._errors_name_y():
            completed = self.density_.conditional_mode(self._joint(X))
            incomplete = np.isnan(X).any(axis=1)
            if incomplete.any():
                completed[incomplete] = self._marginal_mode(X[incomplete])
        return self._as_trained(completed)

    def _marginal_mode(self, X: np.ndarray) -> np.ndarray:
        """Return the rows with their most probable y, what is missing in X integrated out."""
        density = self.density_
        codes = density._encode(np.hstack([X, np.full((len(X), self.n_outputs_), np.nan)]))
        guess = density._mode_missing(codes)
        best = density._best_completion(codes, [guess], slice(self.n_features_in_, None))
        return density._columns.decode(best)

    def _sample(self, X: np.ndarray, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        n_rows, n_columns = len(X), self.n_features_in_ + self.n_outputs_
        drawn = []
        with self._errors_name_y():
            for block in row_blocks(n_samples, n_rows * n_columns):
                n_times = block.stop - block.start
                # Tiled, so that an impossible row is reported by its own number.
                joint = self._joint(np.tile(X, (n_times, 1)))
                completed = self.density_.conditional_sample(joint, random_state=generator)
                completed = self._as_trained(completed).reshape(n_times, n_rows, -1)
                drawn.append(completed.copy())  # so that the rest can be freed
        return np.moveaxis(np.concatenate(drawn), 0, -1)

    def _joint(self, X: np.ndarray, Y: np.ndarray | None = None) -> Any:
        """Return X and Y side by side, with Y missing if it is None."""
        if Y is None:
            X, Y = as_exact_floats(X), np.full((len(X), self.n_outputs_), np.nan)
        table: Any = np.hstack([X, Y])
        if self._joint_names is not None:
            import pandas as pd

            table = pd.DataFrame(table, columns=self._joint_names)
        return table if self._joint_schema is None else ReadTable(table, self._joint_schema)

    def _read_outputs(self, y: Any, reset: bool) -> np.ndarray:
        """Read y as numbers; by a schema of its own, if the density takes any cells."""
        options = self._input_checks.get("schema")
        if reset:
            self._output_schema = None
        table = y if options is None else as_table(y, "y")
        source = None if options is None else Source.of(table, "y")
        if source is None:
            return super()._read_outputs(y, reset)
        if reset:
            self._output_schema = Schema.learn(source, options, "y")
        elif len(source.columns) != self.n_outputs_:
            return np.empty((len(table), len(source.columns)))  # which is refused
        Y = self._output_schema.read(source, "y")
        Y = check_array(Y, input_name="y", **self._output_checks)
        return Y if table is y else Y[:, 0]

    def _like_outputs(self, table: np.ndarray, means: bool = False) -> Any:
        """Return numbers as the outputs came; as an array, if they are numbers or draws."""
        schema = self._output_schema
        if schema is None or all(column.role == "number" for column in schema.columns):
            return super()._like_outputs(table)
        if table.ndim == 2 and not self._one_dimensional:
            return schema.write(table, means)
        values = [column.values_of(table[:, place]) for place, column in enumerate(schema.columns)]
        if self._one_dimensional:
            return values[0]
        stacked = np.empty(table.shape, dtype=object)
        for place, own in enumerate(values):
            stacked[:, place] = own
        return stacked

    def _outputs(self, table: np.ndarray) -> np.ndarray:
        return table[:, self.n_features_in_ :]

    def _as_trained(self, table: np.ndarray) -> np.ndarray:
        """Return the columns of Y, in the dtype of the density's own samples."""
        outputs = self._outputs(table)
        return outputs.astype(dtype_that_holds(outputs, self.density_._dtype), copy=False)

    @contextmanager
    def _errors_name_y(self) -> Iterator[None]:
        """Make errors about columns of the joint table speak of y where the column is one of y."""
        try:
            yield
        except ColumnError as error:
            placed = error.in_outputs(self.n_features_in_)
            of_X = getattr(self, "feature_names_in_", None)
            raise placed.named(self._output_names if placed.table == "y" else of_X) from error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.density).input_tags
        tags.input_tags.sparse = False
        tags.regressor_tags.poor_score = True  # score is no R^2
        return tags
