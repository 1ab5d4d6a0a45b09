"""The spread of each missing number, given its row: standard deviations, quantiles, intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from ..._codes import as_exact_floats
from ..._fitted import query
from ..._tables import as_given, in_units_of
from ..._validation import shown
from .._contract import DensityHooks
from .._engine.blocks import RowsOf, run_in_row_blocks
from .._engine.missing import check_answers, fill, rows_with_missing, together, values_at_missing

SPREAD_CELLS = 2**14  # of rows asked about at once, each for many members and values


class Spread(DensityHooks):
    """Questions about how far a missing number may lie from what is expected of it."""

    _check_query: Callable[[Any], Any]
    _check_possible: Callable[[Any, np.ndarray], None]
    _under: Callable[[Any, Any], tuple[Any, Any, float]]

    @query
    def conditional_std(self, X: ArrayLike, *, evidence: Mapping[Any, Any] | None = None) -> Any:
        """Compute the standard deviation of each missing number, given its row's observed values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        std : ndarray of shape (n_samples, n_features)
            The standard deviation of ``p(x_j | x_observed)`` where a number is missing, in the
            unit of its column, and 0 where one is observed. Where frames come in, a frame: of
            durations for dates, and with nothing but missing cells in columns of labels.

        Raises
        ------
        ValueError
            If the observed values of a row, or evidence, have probability zero.

        See Also
        --------
        conditional_mean : What to expect of each missing number.
        conditional_interval : Where it lies with a given probability.

        Notes
        -----
        It is exact, but behind a transformer that is no scaler, it is integrated numerically. For
        families of your own that do not tell the distribution of a number, it is that of 2,000
        draws, the same in every call.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import GaussianDensity
        >>> X = np.random.default_rng(0).normal(size=(5000, 2)) @ [[3.0, 4.0], [0.0, 3.0]]
        >>> GaussianDensity().fit(X).conditional_std([[1.0, np.nan], [np.nan, np.nan]]).round(1)
        array([[0. , 3. ],
               [3. , 4.9]])
        """
        density, table, _ = self._under(self._check_query(X), evidence)
        std = density._with_missing(table, density._deviations, 1)[0]
        if sparse.issparse(table):
            std.data[~np.isnan(table.data)] = 0.0
        else:
            observed = ~np.isnan(table) if table.dtype.kind == "f" else np.full(table.shape, True)
            std[observed & self._are_numbers] = 0.0
            std[:, ~self._are_numbers] = np.nan
        return in_units_of(self, std, X)

    @query
    def conditional_quantile(
        self, X: ArrayLike, q: float | ArrayLike, *, evidence: Mapping[Any, Any] | None = None
    ) -> Any:
        """Replace each missing number by a quantile, given the observed values of its row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        q : float or array-like of shape (n_levels,)
            Probabilities from 0 to 1.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features), or (n_levels, n_samples, n_features)
            A copy of X in which each missing number, alone, is the smallest value with
            ``p(x_j <= value | x_observed) >= q``: for zeros and ones, one of them. For 0 and 1, it
            is the end of what is possible, which is infinite for a normal. Labels stay missing. For
            several q, the first axis is theirs; where frames come in, a list of frames.

        Raises
        ------
        ValueError
            If q is no probability, or the observed values of a row, or evidence, have probability
            zero.

        See Also
        --------
        conditional_interval : Two quantiles around a given probability.
        conditional_sample : Draws of all missing values of a row together.

        Notes
        -----
        Quantiles are found to the last digits that cumulative probabilities determine. In tables,
        they are rounded and limited as the values of the column were. For normals given intervals
        as evidence, and families of your own that do not tell the distribution of a number, they
        are those of 2,000 draws, the same in every call.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import PoissonIndependentDensity
        >>> density = PoissonIndependentDensity().fit([[2, 10], [4, 30]])
        >>> density.conditional_quantile([[3, np.nan]], [0.05, 0.5, 0.95])[:, 0]
        array([[ 3., 13.],
               [ 3., 20.],
               [ 3., 28.]])
        """
        levels = checked_levels(q)
        tables = self._quantiles(X, np.atleast_1d(levels), evidence)
        return together(tables) if levels.ndim else tables[0]

    @query
    def conditional_interval(
        self,
        X: ArrayLike,
        coverage: float = 0.9,
        *,
        evidence: Mapping[Any, Any] | None = None,
    ) -> tuple[Any, Any]:
        """Replace each missing number by the ends of an interval that holds it, given its row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        coverage : float, default=0.9
            Probability that each missing number, alone, lies in its interval, from 0 to 1; of
            counts and other steps, at least that. What is left is halved between both sides.
        evidence : mapping of column to value, interval or set, default=None
            What is known of columns that X misses, as in :meth:`condition`.

        Returns
        -------
        lower, upper : ndarray of shape (n_samples, n_features)
            Copies of X with the ends as :meth:`conditional_quantile` gives them, which belong to
            the interval.

        Raises
        ------
        ValueError
            If coverage is no probability, or the observed values of a row, or evidence, have
            probability zero.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import GaussianDensity
        >>> X = np.random.default_rng(0).normal(size=(5000, 2)) @ [[3.0, 4.0], [0.0, 3.0]]
        >>> lower, upper = GaussianDensity().fit(X).conditional_interval([[3.0, np.nan]])
        >>> lower.round(), upper.round()
        (array([[ 3., -1.]]), array([[3., 9.]]))
        """
        if not isinstance(coverage, Real) or isinstance(coverage, bool) or not 0 <= coverage <= 1:
            raise ValueError(f"coverage must be a number from 0 to 1, got {shown(coverage)}.")
        rest = (1 - float(coverage)) / 2
        lower, upper = self._quantiles(X, np.array([rest, 1 - rest]), evidence)
        return lower, upper

    # ------------------------------------------------------------------ shared machinery
    @property
    def _are_numbers(self) -> np.ndarray:
        """Mask of the columns that hold numbers, dates or durations, not labels."""
        schema = getattr(self, "_schema", None)
        if schema is None:
            return np.ones(self.n_features_in_, dtype=bool)
        return np.array([column.role != "label" for column in schema.columns])

    def _quantiles(self, X: Any, levels: np.ndarray, evidence: Any) -> list[Any]:
        density, table, _ = self._under(self._check_query(X), evidence)

        def ask(codes: Any, missing: np.ndarray) -> np.ndarray:
            found = np.full((len(levels), *missing.shape), np.nan)
            columns = np.flatnonzero(missing.any(axis=0) & self._are_numbers).tolist()
            for column, margin in density._margins_of(codes, columns):
                rows = np.flatnonzero(missing[:, column])
                for own, level in zip(found, levels.tolist(), strict=True):
                    own[rows, column] = margin[rows].quantile(level)
            inside = (levels > 0) & (levels < 1)
            asked = missing & self._are_numbers
            check_answers((asked & np.isnan(found)).any(axis=0))
            check_answers((asked & np.isinf(found[inside])).any(axis=0))
            return found

        found = density._with_missing(table, ask, len(levels), as_floats=False)
        return [as_given(self, own, X) for own in found]

    def _margins_of(self, codes: Any, columns: list[int]) -> Any:
        margins = self._margins_missing(codes, columns) if columns else []
        return zip(columns, margins, strict=True)

    def _deviations(self, codes: Any, missing: np.ndarray) -> np.ndarray:
        """Return the standard deviations of missing numbers."""
        numbers, listable = missing.any(axis=0) & self._are_numbers, self._columns.listable
        variance = np.full(missing.shape, np.nan)
        if (numbers & ~listable).any():
            mean, variance = map(np.array, self._moments_missing(codes))
            variance[:, listable] = np.nan
        unknown = numbers & (np.isnan(variance) & missing).any(axis=0)
        for column, margin in self._margins_of(codes, np.flatnonzero(unknown).tolist()):
            rows = np.flatnonzero(missing[:, column] & np.isnan(variance[:, column]))
            own = margin[rows]
            center = mean[rows, column] if not listable[column] else own.mean()
            variance[rows, column] = own.mean_square(center)
        check_answers(missing & numbers & ~np.isfinite(variance))
        return np.sqrt(variance)[np.newaxis]

    def _with_missing(
        self, X: Any, ask: Callable[..., np.ndarray], n_tables: int, as_floats: bool = True
    ) -> list[Any]:
        """Return copies of validated X with what is asked about its missing values in their place.

        ``ask(codes, missing)`` returns tables of shape (n_tables, n_rows, n_columns).
        """
        if as_floats and X.dtype.kind != "f":
            X = as_exact_floats(X)
        rows = rows_with_missing(X)
        if not len(rows):
            return [X.copy() for _ in range(n_tables)]
        incomplete = X[rows]
        codes = self._encode(incomplete)
        self._check_possible(codes, rows)

        def values(both: RowsOf) -> np.ndarray:
            own, table = both.parts
            missing = np.isnan(table.toarray() if sparse.issparse(table) else table)
            with np.errstate(over="ignore", invalid="ignore"):
                answers = ask(own, missing)
            return np.stack([values_at_missing(found, table) for found in answers])

        both = RowsOf((codes, incomplete))
        parts = run_in_row_blocks(values, both, self.n_jobs, rows=rows, cells=SPREAD_CELLS)
        return [fill(X, own) for own in np.concatenate(parts, axis=1)]


def checked_levels(q: Any) -> np.ndarray:
    """Return q as an array without axes or with one, or raise a ValueError."""
    try:
        levels = np.asarray(q, dtype=np.float64)
    except (TypeError, ValueError):
        levels = np.full(1, np.nan)
    if levels.ndim > 1 or not ((levels >= 0) & (levels <= 1)).all() or not levels.size:
        raise ValueError(f"q must be a number from 0 to 1 or a sequence of them, got {shown(q)}.")
    return levels
