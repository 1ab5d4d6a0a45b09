"""The conditional of a joint density: ``p(y | x) = p(x, y) / p(x)`` for whole vectors y.

The density is fitted to the columns of X and Y side by side; in a query, y is what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags

from .._codes import as_exact_floats, dtype_that_holds
from .._validation import ColumnError
from ..density import BaseDensity
from ..density._composite import check_takes_missing
from ..density._contract import check_log_prob
from ..density._engine.blocks import RowsOf, row_blocks, run_in_row_blocks
from ._base import BaseConditional


class ConditionalDensity(BaseConditional):
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
    sklearn.gaussian_process.GaussianProcessRegressor : Another regressor with ``sample_y``.

    Notes
    -----
    ``predict`` is the conditional mean ``E[y | x]``, and ``score_samples(X, y)`` is
    ``log p(x, y) - log p(x)``; for continuous columns, it is computed from the conditional itself,
    so that it is right however far out x is. NaN is a missing value, in training and in queries,
    in X and in y: it is integrated out. With missing values in X, ``predict_mode`` is exact if y is
    categorical and has at most 4,096 values; otherwise it is the best that a search finds.

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

    _output_checks = {"ensure_all_finite": "allow-nan"}
    _parameter_constraints: dict = {"density": [BaseDensity]}

    def __init__(self, density: BaseDensity) -> None:
        self.density = density

    @property
    def _input_checks(self) -> dict:
        return self.density._dense_input_checks

    def _fit(self, X: np.ndarray, Y: np.ndarray, weight: np.ndarray | None) -> None:
        check_takes_missing(self.density, "since y is missing in every query, ")
        self._joint_names = None
        named = hasattr(self, "feature_names_in_") and self._output_names is not None
        if named and find_spec("pandas"):
            names = [*self.feature_names_in_, *self._output_names]
            self._joint_names = names if len(set(names)) == len(names) else None
        with self._errors_name_y():
            self.density_ = clone(self.density).fit(self._joint(X, Y), sample_weight=weight)

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
        table = np.hstack([X, Y])
        if self._joint_names is None:
            return table
        import pandas as pd

        return pd.DataFrame(table, columns=self._joint_names)

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
            raise error.in_outputs(self.n_features_in_) from error

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.density).input_tags
        tags.input_tags.sparse = False
        return tags
