"""Queries about one column: the probabilities of its values in each row, and a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..._codes import dtype_that_holds
from ..._fitted import query
from .._contract import DensityHooks
from .._engine.blocks import run_in_row_blocks
from .._engine.columns import column_index, column_labels
from .._engine.missing import check_answers, with_column_missing


class ColumnQueries(DensityHooks):
    """Questions about any column of a row, given its other columns."""

    _dtype: np.dtype
    _check_query: Callable[[Any], Any]
    _under: Callable[[Any, Any], tuple[Any, Any, float]]

    @query
    def conditional_proba(
        self, X: ArrayLike, column: int | str, *, evidence: Mapping[Any, Any] | None = None
    ) -> np.ndarray:
        """Compute the probabilities of a column's values in each row, given its other columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value, which is integrated out. What X holds in the column itself
            is ignored.
        column : int or str
            Index of a binary or categorical column, or its name if the training data had names that
            are all strings.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_values)
            ``p(x_j = v | x_observed)`` of each value v: 0 and 1 in a binary column, else the
            categories in the order of the family's ``categories_``. With
            ``handle_unknown="smooth"``, the last is the probability of "other".

        Raises
        ------
        ValueError
            If the values of the column cannot be listed (they are counts or real numbers), or the
            observed values of a row have probability zero.

        See Also
        --------
        predict_column : The most probable value, or the mean of a number.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import ChowLiuTreeDensity
        >>> X = np.array([[0, 0, 1], [0, 0, 0], [1, 2, 1], [1, 2, 0], [0, 1, 1]])
        >>> density = ChowLiuTreeDensity().fit(X)
        >>> density.conditional_proba([[0, np.nan, 1], [1, np.nan, np.nan]], column=1).round(2)
        array([[0.46, 0.41, 0.14],
               [0.19, 0.19, 0.62]])
        """
        place = self._place_of(column)
        if not len(self._values_to_list(place)):
            label = column_labels(self, np.arange(self.n_features_in_) == place)
            raise ValueError(
                f"The values of {label} cannot be listed, for they are "
                f"{'counts' if self._columns.kind[place] == 'count' else 'real numbers'}; "
                "predict_column gives their conditional mean."
            )
        return self._probabilities_in(X, place, evidence)

    @query
    def predict_column(
        self, X: ArrayLike, column: int | str, *, evidence: Mapping[Any, Any] | None = None
    ) -> np.ndarray:
        """Predict the values of a column from the other columns of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value, which is integrated out. What X holds in the column itself
            is ignored.
        column : int or str
            Index of a column, or its name if the training data had names that are all strings.

        Returns
        -------
        value : ndarray of shape (n_samples,)
            The most probable known value of a binary or categorical column, as it came in;
            ``E[x_j | x_observed]`` of a column of counts or real numbers.

        Raises
        ------
        ValueError
            If the observed values of a row have probability zero.

        See Also
        --------
        conditional_proba : The probabilities of all values.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import GaussianDensity
        >>> X = np.random.default_rng(0).normal(size=(500, 1)) * [1.0, -2.0]
        >>> GaussianDensity().fit(X).predict_column([[3.0, np.nan]], column=1).round(1)
        array([-6.])
        """
        place = self._place_of(column)
        columns, schema = self._columns, getattr(self, "_schema", None)
        if not columns.listable[place]:
            mean = self._means_in(X, place, evidence)
            return mean if schema is None else schema.columns[place].for_means().values_of(mean)
        values = columns.values_of(place)
        known = len(values) - np.broadcast_to(columns.has_other, len(columns))[place]
        predicted = values[self._probabilities_in(X, place, evidence)[:, :known].argmax(axis=1)]
        if schema is not None:
            return schema.columns[place].values_of(predicted)
        return predicted.astype(dtype_that_holds(predicted, self._dtype))

    # ------------------------------------------------------------------ shared machinery
    def _place_of(self, column: int | str) -> int:
        names = getattr(self, "feature_names_in_", None)
        return column_index(column, self.n_features_in_, names)

    def _probabilities_in(self, X: ArrayLike, place: int, evidence: Any) -> np.ndarray:
        return self._answers_in(
            X, place, evidence, lambda density, codes: density._proba_missing(codes, [place])[0]
        )

    def _means_in(self, X: ArrayLike, place: int, evidence: Any) -> np.ndarray:
        return self._answers_in(
            X, place, evidence, lambda density, codes: density._finite_means(codes, place)
        )

    def _finite_means(self, codes: Any, place: int) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            mean = self._mean_missing(codes)[:, place]
        check_answers(~np.isfinite(mean)[:, np.newaxis])
        return mean

    def _answers_in(
        self, X: ArrayLike, place: int, evidence: Any, ask: Callable[[Any, Any], np.ndarray]
    ) -> np.ndarray:
        """Return what a density answers about rows in which a column is missing."""
        density, table, _ = self._under(with_column_missing(self._check_query(X), place), evidence)
        codes = density._encode(table)
        density._check_possible(codes, np.arange(codes.shape[0]))
        return np.concatenate(run_in_row_blocks(partial(ask, density), codes, self.n_jobs))
