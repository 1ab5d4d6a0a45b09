"""Moments of weighted rows about their mean, which add without loss of precision.

Sums about the mean, moved to the common mean when two are added (Chan, Golub and LeVeque, 1983),
keep their digits where sums of squares would cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np

from ..._codes import has_missing
from .._engine.blocks import ones_if_none, part_of, row_blocks, total_weight
from .._engine.codes import NarrowNumbers
from .._engine.statistics import Statistics
from ._ledoit_wolf import ColumnMoments, FourthMoments, LengthMoments
from ._scatter import ThinScatter, add_outer, diagonal, trace

CHUNK_CELLS = 2**15  # cells of rows that are read several times


@dataclass(frozen=True, eq=False)
class Moments:
    """Total weight, mean, and sums over the rows' deviations y from the mean.

    ``scatter`` is ``sum w y y'``, thin where rows are few, or its diagonal only. ``fourth`` is for
    the Ledoit-Wolf shrinkage, and None once that is known, as ``shrinkage``. A diagonal scatter of
    rows with missing values has one ``total`` per column.
    """

    total: float | np.ndarray
    mean: np.ndarray
    scatter: Any  # an array or a ThinScatter
    fourth: FourthMoments | None = None
    shrinkage: float | None = None  # learned from the start of expectation-maximisation

    @classmethod
    def count(
        cls,
        X: np.ndarray,
        weight: np.ndarray | None,
        *,
        scatter: Literal["full", "thin", "diagonal"],
        fourth: type[LengthMoments] | type[ColumnMoments] | None = None,
    ) -> Self:
        """Return the moments of the rows of X."""
        total = total_weight(weight, len(X))
        mean = sum_of_rows(X, weight) / total
        squares: Any = 0.0
        fourth_moments: Any = None
        blocks = cached_row_blocks(X)  # one if rows are fewer than columns
        if scatter == "diagonal":
            blocks = row_blocks(len(X), X.shape[1], CHUNK_CELLS)
        for rows in blocks:
            deviation = X[rows] - mean
            own = part_of(weight, rows)
            if fourth:
                so_far, of_block = fourth_moments, fourth.of(deviation, own)
                fourth_moments = of_block if so_far is None else so_far + of_block
            if own is not None:
                deviation *= np.sqrt(own)[:, np.newaxis]
            if scatter == "full":
                squares += deviation.T @ deviation
            elif scatter == "thin":
                of_rows = ThinScatter.of(deviation)
                squares = squares + of_rows if rows.start else of_rows
            else:
                squares += np.einsum("ij,ij->j", deviation, deviation)
        return cls(total, mean, squares, fourth_moments)

    @classmethod
    def count_columns(cls, X: np.ndarray, weight: np.ndarray | None) -> Self:
        """Return the moments of each column's observed values, with a total for each column."""
        if has_missing(X):
            return cls.count_observed(X, weight)
        moments = cls.count(X, weight, scatter="diagonal")
        return replace(moments, total=np.full(X.shape[1], moments.total))

    @classmethod
    def count_observed(cls, X: np.ndarray, weight: np.ndarray | None) -> Self:
        """Return the moments of each column's observed values, with a diagonal scatter."""
        observed = ~np.isnan(X)
        weight = ones_if_none(weight, len(X))
        total = weight @ observed
        some = np.where(total > 0, total, 1.0)
        mean = weight @ np.where(observed, X, 0.0) / some
        deviation = np.where(observed, X - mean, 0.0)
        return cls(total, mean, weight @ deviation**2)

    @classmethod
    def from_sums(cls, total: float, first: np.ndarray, scatter: np.ndarray) -> Self:
        """Return the moments given sums over y, whose mean is small; ``first`` is ``sum w y``."""
        mean = first / total
        return cls(total, mean, scatter - total * np.outer(mean, mean))

    @classmethod
    def independent_normal(cls, total: float, mean: np.ndarray, variance: np.ndarray) -> Self:
        """Return the expected moments of rows from a normal with independent columns."""
        return cls(total, mean, np.diag(total * variance))

    @property
    def is_diagonal(self) -> bool:
        """True if the scatter is only a diagonal."""
        return isinstance(self.scatter, np.ndarray) and self.scatter.ndim == 1

    @property
    def spread(self) -> float:
        """Sum of squared deviations over all columns."""
        return float(np.sum(self.scatter)) if self.is_diagonal else trace(self.scatter)

    @property
    def squares(self) -> np.ndarray:
        """Sum of squared deviations in each column."""
        return self.scatter if self.is_diagonal else diagonal(self.scatter)

    def __add__(self, other: Self) -> Self:
        total = self.total + other.total
        share = other.total / np.where(total > 0, total, 1.0)  # a column may be missing from both
        mean = self.mean + (other.mean - self.mean) * share
        return self._about(mean)._plus(other._about(mean))

    @classmethod
    def pooled(cls, parts: Sequence[Self]) -> Self:
        """Return the moments about each part's own mean, which a tied covariance needs."""
        pooled = parts[0]
        for part in parts[1:]:
            pooled = pooled._plus(part)
        return pooled

    def _plus(self, other: Self) -> Self:
        """Add sums that already share their mean."""
        fourth = None
        if self.fourth is not None and other.fourth is not None:
            fourth = self.fourth + other.fourth
        return type(self)(
            self.total + other.total,
            self.mean,
            self.scatter + other.scatter,
            fourth,
            self._shrinkage_with(other),
        )

    def _shrinkage_with(self, other: Self) -> float | None:
        """Return the shrinkage that is known, or the mean of two."""
        if self.shrinkage is None or other.shrinkage is None:
            return other.shrinkage if self.shrinkage is None else self.shrinkage
        share = float(np.sum(other.total) / np.sum(self.total + other.total))
        return self.shrinkage + (other.shrinkage - self.shrinkage) * share

    def _about(self, mean: np.ndarray) -> Self:
        """Return the sums about another mean: expand ``y + shift``, where the y sum to 0."""
        shift = self.mean - mean
        if self.is_diagonal:
            scatter, fourth = self.scatter + self.total * shift**2, None
        else:
            total = float(self.total)
            scatter, fourth = add_outer(self.scatter, shift, total), self.fourth
            if fourth is not None:
                fourth = fourth.about(shift, total, self.scatter)
        return type(self)(self.total, mean, scatter, fourth, self.shrinkage)

    def with_shrinkage(self, shrinkage: float) -> Self:
        """Return the moments with a shrinkage that is known from now on."""
        return replace(self, fourth=None, shrinkage=shrinkage)


def cached_row_blocks(X: Any) -> list[slice]:
    """Blocks of rows that stay in the cache, but are many beside the columns."""
    d = X.shape[1]
    return row_blocks(len(X), d, max(CHUNK_CELLS, 2 * d * d))


def sum_of_rows(X: Any, weight: np.ndarray | None) -> np.ndarray:
    """Return the sum of complete rows with weights, of shape (n_rows,) or (n_rows, k)."""
    if weight is None:
        values = X.values if isinstance(X, NarrowNumbers) else X
        return np.asarray(np.sum(values, axis=0, dtype=np.float64))
    if isinstance(X, np.ndarray):
        return weight.T @ X
    return sum(weight[rows].T @ np.asarray(X[rows]) for rows in cached_row_blocks(X))


@dataclass(frozen=True, eq=False)
class ObservedRows(Statistics):
    """The total weight of rows, and the moments of the observed values of each column."""

    total: float
    observed: Moments


def check_finite(moments: Moments, codes: np.ndarray) -> Moments:
    """Return the moments, or raise a ValueError if squares of the codes overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        overflow = not np.isfinite(moments.spread)
    if overflow:
        raise ValueError(
            f"X holds values up to {np.nanmax(np.abs(codes)):g}, whose squares overflow; scale its "
            "columns first, for example with sklearn.preprocessing.StandardScaler."
        )
    return moments
