"""Independent columns of counts: how they are read, and the prior that they share.

The prior is ``alpha`` further rows, distributed in each column as those of all rows are. A
component of a mixture, which sees a share of the rows, is drawn towards all of them.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, Protocol, Self

import numpy as np
from sklearn.utils._param_validation import Interval

from ..._codes import as_exact_floats, holds_grey_levels
from ..._validation import ColumnError
from .._base import BaseDensity
from .._engine.conditional_margins import ConditionalMargin, SameMargin
from .._engine.distant_rows import sum_over_rows
from .._engine.numbers import check_largest_count, check_same_grey_levels
from .._engine.regions import Regions
from ._truncated import restrict_counts


class CountStatistics(Protocol):
    """Statistics of independent columns of counts, which add."""

    @property
    def observed(self) -> np.ndarray:
        """Weight of the observed values of each column."""

    def __add__(self, other: Self) -> Self:
        """Return the statistics of both sets of rows."""

    def typical(self, rules_nothing_out: bool) -> Self:
        """Return the statistics of one row that is distributed as the rows are.

        With ``rules_nothing_out``, half of it is a 1 in columns that hold nothing but zeros.
        """

    def times(self, factor: np.ndarray) -> Self:
        """Return the statistics with the weights of each column multiplied."""


class CountDensity(BaseDensity):
    """Independent columns of counts.

    Values that are no counts are an error, with one exception: training data that hold nothing but
    fractions strictly between 0 and 1 are taken for grey levels and rounded, with a warning, as
    densities over categories take them.
    """

    alpha: float
    _column_kind = "count"
    _seen: Any  # statistics of all rows
    _typical: Any  # of one row of the prior
    _borrows_columns = True
    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    @abstractmethod
    def _estimate_from(self, total: Any) -> None:
        """Set the fitted attributes from the statistics of the rows and of the prior."""

    @property
    @abstractmethod
    def _expected(self) -> np.ndarray:
        """Mean of each column."""

    @abstractmethod
    def _distributions_of(self, column: int) -> tuple[Any, Any]:
        """Return the distribution of a column, and that of ``x - 1`` in proportion to ``x p(x)``.

        Both are frozen distributions of scipy.
        """

    @property
    @abstractmethod
    def _variance(self) -> np.ndarray:
        """Variance of each column."""

    @property
    @abstractmethod
    def _most_probable(self) -> np.ndarray:
        """Mode of each column."""

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        if not extend:
            self._grey_levels = holds_grey_levels(X)
        codes = self._encode(X)
        count: Callable[..., CountStatistics] = self._count
        seen = sum_over_rows(count, codes, weight, self.n_jobs)
        self._set_seen(self._seen + seen if extend else seen)
        return codes

    def _set_seen(self, seen: Any) -> None:
        self._seen = seen
        self._typical = seen.typical(rules_nothing_out=self.alpha > 0)

    def _declare_more(self, other: CountDensity) -> None:
        check_same_grey_levels(self._grey_levels, other._grey_levels)
        self._set_seen(self._seen + other._seen)

    def _check_declared(self) -> None:
        if self._grey_levels:
            warnings.warn(
                "X holds no counts, only fractions between 0 and 1. They are rounded to 0 and "
                "1; count first, or choose a density of real numbers.",
                UserWarning,
                stacklevel=2,
            )

    def _encode(self, X: Any) -> np.ndarray:
        if self._grey_levels and not np.any((X < 0) | (X > 1)):
            X = np.rint(X)
        return as_counts(X)

    def _estimate(self, statistics: Any) -> None:
        n_rows = np.full(self.n_features_in_, float(self.alpha))
        if self.alpha == 0:  # a component that has seen nothing of a column
            n_rows[statistics.observed == 0] = 1.0
        self._estimate_from(statistics + self._typical.times(n_rows))

    @property
    def _rules_out_rows(self) -> bool:
        return not self._expected.all()  # where no event is possible

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._sample(len(codes), generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self._expected, codes.shape)

    def _moments_missing(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._mean_missing(codes), np.broadcast_to(self._variance, codes.shape)

    def _margins_missing(
        self, codes: np.ndarray, columns: Sequence[int]
    ) -> list[ConditionalMargin]:
        return [SameMargin(self._distributions_of(column)[0], len(codes)) for column in columns]

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self._most_probable, codes.shape)

    def _pair_information(self, places: np.ndarray, known: np.ndarray) -> np.ndarray:
        return np.zeros((len(places), len(places)))  # of independent columns

    def _restricted(self, regions: Regions) -> tuple[Any, float] | None:
        return restrict_counts(self, regions)


def as_counts(X: np.ndarray) -> np.ndarray:
    """Return validated counts as float64, NaN where missing.

    Raises
    ------
    ValueError
        If a value is negative or not an integer; the message names its place.
    """
    codes = as_exact_floats(X)
    for wrong, problem, cure in (
        (codes < 0, "Negative values in data", "leave the column out, or"),
        (codes != np.rint(codes), "Values that are not integers in {table}", "round them, or"),
    ):
        wrong &= ~np.isnan(codes)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise ColumnError(
                f"{problem}: row {{row}}, {{column}} holds {{value}}; counts are the integers 0, "
                f"1, 2, ... For measurements, {cure} put a GaussianDensity on the column in a "
                "block of a ColumnDensity.",
                column,
                {"row": row, "value": codes[row, column]},
            )
    check_largest_count(codes, np.ones(codes.shape[1], dtype=bool))
    return codes
