"""The Ledoit-Wolf shrinkage, from fourth moments that add, or from rows with missing values.

The covariance S of n rows estimates its expectation with the squared error ``sum_ij Var(S_ij)``,
and lies ``|S - T|**2`` from the target T. The shrinkage is the ratio of the two, at most 1 (Ledoit
and Wolf, 2004), with all columns measured in their scale in T.

Sums are kept in a unit that is a power of two, in which fourth powers do not overflow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._engine.blocks import ones_if_none
from .._engine.statistics import Statistics
from ._scatter import in_unit, sum_of_squares, trace

NO_DISTANCE = 1e-24  # per column: a covariance this near its target is the target


class FourthMoments(ABC):
    """Sums of third and fourth powers of deviations y from the mean, in a unit."""

    def __init__(self, unit: Any, cubic: np.ndarray, quartic: Any) -> None:
        self.unit, self.cubic, self.quartic = unit, cubic, quartic

    def __add__(self, other: Self) -> Self:
        unit = np.maximum(self.unit, other.unit)
        mine, others = self._in(unit), other._in(unit)
        return type(self)(unit, mine.cubic + others.cubic, mine.quartic + others.quartic)

    @abstractmethod
    def _in(self, unit: Any) -> Self:
        """Return the sums in another unit, not smaller."""

    @abstractmethod
    def about(self, shift: np.ndarray, total: float, scatter: Any) -> Self:
        """Return the sums for ``y + shift``, where the y have sum 0 and this scatter."""

    @abstractmethod
    def shrinkage(self, total: float, scatter: Any, target: np.ndarray) -> float:
        """Return the shrinkage towards independent columns with the variances ``target``."""


class LengthMoments(FourthMoments):
    """``sum w |y|**2 y`` and ``sum w |y|**4``: for a target with one variance."""

    @classmethod
    def of(cls, y: np.ndarray, weight: np.ndarray | None) -> Self:
        """Return the sums over rows."""
        unit = _power_of_two(np.max(np.abs(y), initial=0.0))
        z = y / unit
        square = np.einsum("ij,ij->i", z, z)
        weighted = square if weight is None else weight * square
        return cls(unit, weighted @ z, float(weighted @ square))

    def _in(self, unit: Any) -> Self:
        factor = self.unit / unit
        return type(self)(unit, factor**3 * self.cubic, factor**4 * self.quartic)

    def about(self, shift: np.ndarray, total: float, scatter: Any) -> Self:
        unit = max(self.unit, _power_of_two(np.max(np.abs(shift), initial=0.0)))
        mine, s, scatter = self._in(unit), shift / unit, in_unit(scatter, unit)
        square, turned, spread = s @ s, scatter @ s, trace(scatter)
        cubic = mine.cubic + spread * s + 2 * turned + total * square * s
        quartic = mine.quartic + 4 * s @ turned + total * square**2
        quartic += 4 * s @ mine.cubic + 2 * square * spread
        return type(self)(unit, cubic, float(quartic))

    def shrinkage(self, total: float, scatter: Any, target: np.ndarray) -> float:
        n, d, scatter = total, len(target), in_unit(scatter, self.unit)
        goal = target[0] / self.unit / self.unit
        squares = sum_of_squares(scatter) / n**2
        distance = squares - 2 * goal * trace(scatter) / n + d * goal**2
        error = (self.quartic / n - squares) / n
        return _ratio(error, distance, d * goal**2)


class ColumnMoments(FourthMoments):
    """``sum w y_i**2 y_j`` and ``sum w y_i**2 y_j**2``: for a target of a variance per column."""

    @classmethod
    def of(cls, y: np.ndarray, weight: np.ndarray | None) -> Self:
        """Return the sums over rows."""
        unit = _power_of_two(np.max(np.abs(y), axis=0, initial=0.0))
        z = y / unit
        squares = z**2
        weighted = squares if weight is None else weight[:, np.newaxis] * squares
        return cls(unit, weighted.T @ z, weighted.T @ squares)

    def _in(self, unit: Any) -> Self:
        factor = self.unit / unit
        square = factor[:, np.newaxis] ** 2
        return type(self)(unit, square * factor * self.cubic, square * factor**2 * self.quartic)

    def about(self, shift: np.ndarray, total: float, scatter: Any) -> Self:
        unit = np.maximum(self.unit, _power_of_two(np.abs(shift)))
        mine, s = self._in(unit), shift / unit
        scatter = in_unit(scatter, unit)
        squares, column, both = np.diag(scatter), s[:, np.newaxis], np.outer(s, s)
        cubic = mine.cubic + squares[:, np.newaxis] * s + 2 * column * scatter
        cubic += total * column * both
        cross = 2 * s * mine.cubic + s**2 * squares[:, np.newaxis]
        quartic = mine.quartic + cross + cross.T + 4 * both * scatter + total * both**2
        return type(self)(unit, cubic, quartic)

    def shrinkage(self, total: float, scatter: Any, target: np.ndarray) -> float:
        varies = target > 0
        in_target = np.where(varies, self.unit / np.sqrt(np.where(varies, target, 1.0)), 0.0)
        scales = np.outer(in_target, in_target)
        covariance = scales * in_unit(scatter, self.unit) / total
        error = np.sum(scales**2 * self.quartic / total - covariance**2) / total
        distance = np.sum((covariance - np.diag(varies.astype(np.float64))) ** 2)
        return _ratio(float(error), float(distance), len(target))


@dataclass(frozen=True, eq=False)
class ObservedPairs(Statistics):
    """Sums over the rows in which both columns of a pair are observed."""

    n_both: np.ndarray  # (n_columns, n_columns), weight of these rows
    products: np.ndarray  # of deviations z z'
    squares: np.ndarray  # of their squares

    @classmethod
    def count(
        cls, codes: np.ndarray, weight: np.ndarray | None, mean: np.ndarray, target: np.ndarray
    ) -> Self:
        """Count rows by their deviations from a mean, in units of a target's variances."""
        weight = ones_if_none(weight, len(codes))
        varies = target > 0
        observed = ~np.isnan(codes) & varies
        z = np.where(observed, codes - mean, 0.0) / np.sqrt(np.where(varies, target, 1.0))
        weighted = weight[:, np.newaxis] * z
        n_both = (weight[:, np.newaxis] * observed).T @ observed
        return cls(n_both, weighted.T @ z, (weighted * z).T @ z**2)

    def shrinkage(self, n_columns: int) -> float:
        """Return the shrinkage that the rows tell."""
        some = np.where(self.n_both > 0, self.n_both, 1.0)
        covariance = self.products / some
        error = np.sum((self.squares / some - covariance**2) / some)
        seen = np.diag((self.n_both.diagonal() > 0).astype(np.float64))
        distance = np.sum((covariance - seen) ** 2)
        return _ratio(float(error), float(distance), n_columns)


def _ratio(error: float, distance: float, target: float) -> float:
    if error <= 0 or distance <= NO_DISTANCE * target:
        return 0.0
    return min(error, distance) / distance


def _power_of_two(largest: Any) -> Any:
    """Return the smallest power of two above each number, and 1 for zeros."""
    return np.where(largest > 0, np.ldexp(1.0, np.frexp(largest)[1]), 1.0)
