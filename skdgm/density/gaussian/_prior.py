"""The scale of each column over all rows, and the prior on covariances that is set in it.

So no unit matters: a column times c makes the same model of the column times c.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from ..._codes import has_missing
from ..._packing import rebuilt_property
from .._engine.blocks import total_weight
from .._engine.codes import NarrowNumbers
from .._engine.numbers import refuse_sizes
from ._missing import NormalCovariance
from ._moments import Moments

LARGEST = 1e154  # whose square is finite
LEAST_SQUARES = 1e-290  # of deviations; with ``reg_covar`` and the like, smaller ones lose digits


@dataclass(frozen=True, eq=False)
class ColumnScale:
    """The observed values of each column, over all rows that a model learns from."""

    n_rows: float
    moments: Moments  # with a diagonal scatter
    lowest: np.ndarray  # (n_columns,), inf where nothing is observed
    highest: np.ndarray  # -inf there

    @classmethod
    def of(cls, codes: Any, weight: np.ndarray | None) -> Self:
        """Return the scale of these rows."""
        with np.errstate(over="ignore", invalid="ignore"):
            moments = Moments.count_columns(codes, weight)
        n_rows = total_weight(weight, len(codes))
        if isinstance(codes, NarrowNumbers):
            values = codes.values
            ends = (own.astype(np.float64) for own in (values.min(axis=0), values.max(axis=0)))
            return cls(n_rows, moments, *ends)
        smaller, larger = (np.fmin, np.fmax) if has_missing(codes) else (np.minimum, np.maximum)
        lowest = smaller.reduce(codes, axis=0, initial=np.inf)
        highest = larger.reduce(codes, axis=0, initial=-np.inf)
        return cls(n_rows, moments, lowest, highest)

    def __add__(self, other: Self) -> Self:
        with np.errstate(over="ignore", invalid="ignore"):
            moments = self.moments + other.moments
        return type(self)(
            self.n_rows + other.n_rows,
            moments,
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
        )

    @property
    def mean(self) -> np.ndarray:
        """Mean of each column."""
        return self.moments.mean

    @property
    def is_constant(self) -> np.ndarray:
        """Mask of the columns whose observed values are all equal: they have no scale."""
        return self.lowest >= self.highest

    @cached_property
    def variance(self) -> np.ndarray:
        """Variance of each column, exactly 0 where it is constant."""
        return np.where(self.is_constant, 0.0, column_variances(self.moments))

    @rebuilt_property
    def priors(self) -> dict[tuple, CovariancePrior]:
        """Priors in this scale, by what they depend on, as they are asked for."""
        return {}

    def check_sizes(self) -> None:
        """Raise a ColumnError if squares of values overflow, or those of deviations underflow."""
        squares = self.moments.squares
        lost = np.minimum(squares, squares / np.maximum(self.moments.total, 1.0)) < LEAST_SQUARES
        too_large = np.maximum(-self.lowest, self.highest) > LARGEST
        refuse_sizes(lost & (self.lowest < self.highest), too_large, self.lowest, self.highest)

    def lend(self, moments: Moments, n_rows: float) -> Moments:
        """Replace the moments of columns of total weight zero by those of so many average rows."""
        unseen = np.asarray(moments.total) == 0
        if not (unseen if np.ndim(moments.total) == 0 else unseen.any()):
            return moments
        return replace(
            moments,
            total=np.where(unseen, n_rows, moments.total),
            mean=np.where(unseen, self.mean, moments.mean),
            scatter=np.where(unseen, n_rows * self.variance, moments.scatter),
        )


def column_variances(moments: Moments) -> np.ndarray:
    """Return the mean squared deviation in each column, 0 where nothing is observed."""
    return moments.squares / np.where(moments.total > 0, moments.total, 1.0)


@dataclass(frozen=True, eq=False)
class CovariancePrior:
    """Regularisation of a covariance S: noise in rows, and a prior of fixed target and strength.

    With lambda the shrinkage, T the target's variances and R those of the noise, a row adds

        -tr S^-1 R / 2

    to its log-density (its expectation if noise is added to the row), and the log-prior is

        -n_rows lambda / (2 (1 - lambda)) (log|S| - log|T| + tr S^-1 (T + R) - D).

    Rows with the sum of squares A and weight n then have their maximum at

        S = ((1 - lambda) A + lambda n_rows T) / ((1 - lambda) n + lambda n_rows) + R,

    which is ``(1 - lambda) A / n + lambda T + R`` at ``n = n_rows``.
    """

    n_rows: float  # that the density is expected to learn from
    shrinkage: float
    target: np.ndarray  # (n_columns,)
    noise: np.ndarray  # (n_columns,)
    scale: np.ndarray  # (n_columns,), variances over all rows, 1 where a column is constant
    reg_covar: float

    @classmethod
    def of(
        cls,
        variance: np.ndarray,
        target: np.ndarray,
        n_rows: float,
        shrinkage: float,
        reg_covar: float,
        rounding: np.ndarray,
        *,
        common: bool,
    ) -> Self:
        """Return the prior for columns with these variances over all rows, and steps of rounding.

        The error of rounding has the variance of an even distribution over one step. ``common`` is
        for covariances that tie the columns together: one scale serves all.
        """
        errors = rounding**2 / 12
        if common:
            variance, target, errors = (
                np.full(len(own), own.mean()) for own in (variance, target, errors)
            )
        scale = np.where(variance > 0, variance, 1.0)
        return cls(n_rows, shrinkage, target, reg_covar * scale + errors, scale, reg_covar)

    def maximum(self, squares: Any, total: Any) -> Any:
        """Return the maximum for each variance, given its sum of squares and weight."""
        return self.share(total) * squares + self.added(total)

    def share(self, total: Any) -> Any:
        """Return the factor of sums of squares in the maximum."""
        return (1 - self.shrinkage) / self._weight(total)

    def added(self, total: Any) -> np.ndarray:
        """Return what is added to each variance in the maximum."""
        pull = self.shrinkage * self.n_rows / self._weight(total)
        return pull * self.target + self.noise

    def _weight(self, total: Any) -> Any:
        return (1 - self.shrinkage) * total + self.shrinkage * self.n_rows

    def log_prob(self, covariance: NormalCovariance) -> float:
        """Return the log-prior of a covariance; 0 where it allows only one."""
        if self.shrinkage in (0, 1):
            return 0.0
        varies = self.target > 0
        log_target = float(np.sum(np.log(self.target[varies])))
        pull = float((self.target + self.noise) @ covariance.inverse_diagonal())
        distance = covariance.log_det - log_target + pull - np.count_nonzero(varies)
        return -0.5 * self.n_rows * self.shrinkage / (1 - self.shrinkage) * distance

    def check_positive(self, variance: float) -> None:
        """Raise a ValueError if a variance in the scale of its column is zero, to rounding."""
        if variance <= np.finfo(np.float64).eps ** 2:
            raise ValueError(
                f"reg_covar={self.reg_covar:g} leaves a variance of zero, because the data do not "
                "vary there; pass a reg_covar above 0, such as 1e-6."
            )
