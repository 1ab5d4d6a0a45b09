"""Moments of weighted rows about their mean, which add without loss of precision.

Sums about the mean, moved to the common mean when two are added (Chan, Golub and LeVeque, 1983),
keep their digits where sums of squares would cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from .._engine.blocks import ones_if_none, total_weight
from ._scatter import ThinScatter, add_outer, sum_of_squares, trace


@dataclass(frozen=True, eq=False)
class Moments:
    """Total weight, mean, and sums over the rows' deviations y from the mean.

    ``scatter`` is ``sum w y y'``, thin where rows are few, or its diagonal only. ``cubic``,
    ``sum w |y|**2 y``, and ``quartic``, ``sum w |y|**4``, are needed for the Ledoit-Wolf shrinkage
    only, and None otherwise. A diagonal scatter of rows with missing values has one ``total`` per
    column.
    """

    total: float | np.ndarray
    mean: np.ndarray
    scatter: Any  # an array or a ThinScatter
    cubic: np.ndarray | None = None
    quartic: float | None = None

    @classmethod
    def count(
        cls,
        X: np.ndarray,
        weight: np.ndarray | None,
        *,
        scatter: Literal["full", "thin", "diagonal"],
        quartic: bool = False,
    ) -> Self:
        """Return the moments of the rows of X."""
        total = total_weight(weight, len(X))
        mean = np.mean(X, axis=0) if weight is None else weight @ X / total
        deviation = X - mean
        scaled = deviation if weight is None else deviation * np.sqrt(weight)[:, np.newaxis]
        if scatter == "full":
            squares = scaled.T @ scaled
        elif scatter == "thin":
            squares = ThinScatter.of(scaled)
        else:
            squares = np.einsum("ij,ij->j", scaled, scaled)
        if not quartic:
            return cls(total, mean, squares)
        square = np.einsum("ij,ij->i", deviation, deviation)
        weighted = square if weight is None else weight * square
        return cls(total, mean, squares, weighted @ deviation, float(weighted @ square))

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
    def from_sums(
        cls,
        total: float,
        first: np.ndarray,
        scatter: np.ndarray,
        cubic: np.ndarray | None = None,
        quartic: float | None = None,
    ) -> Self:
        """Return the moments given sums over y, whose mean is small; ``first`` is ``sum w y``."""
        mean = first / total
        square, turned = mean @ mean, scatter @ mean
        centred = scatter - total * np.outer(mean, mean)
        if cubic is None or quartic is None:
            return cls(total, mean, centred)
        spread = trace(scatter)
        fourth = quartic + 4 * mean @ turned - 4 * mean @ cubic
        fourth += 2 * square * spread - 3 * total * square**2
        cubic = cubic - spread * mean - 2 * turned + 2 * total * square * mean
        return cls(total, mean, centred, cubic, float(fourth))

    @classmethod
    def independent_normal(
        cls, total: float, mean: np.ndarray, variance: np.ndarray, *, quartic: bool = False
    ) -> Self:
        """Return the expected moments of rows from a normal with independent columns."""
        squares = np.diag(total * variance)
        if not quartic:
            return cls(total, mean, squares)
        fourth = np.sum(variance) ** 2 + 2 * np.sum(variance**2)
        return cls(total, mean, squares, np.zeros(len(mean)), float(total * fourth))

    @property
    def is_diagonal(self) -> bool:
        """True if the scatter is only a diagonal."""
        return isinstance(self.scatter, np.ndarray) and self.scatter.ndim == 1

    @property
    def spread(self) -> float:
        """Sum of squared deviations over all columns."""
        return float(np.sum(self.scatter)) if self.is_diagonal else trace(self.scatter)

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
        return type(self)(
            self.total + other.total,
            self.mean,
            self.scatter + other.scatter,
            _sum_if_counted(self.cubic, other.cubic),
            _sum_if_counted(self.quartic, other.quartic),
        )

    def _about(self, mean: np.ndarray) -> Self:
        """Return the sums about another mean: expand ``y + shift``, where the y sum to 0."""
        shift = self.mean - mean
        square = shift @ shift
        if self.is_diagonal:
            return type(self)(self.total, mean, self.scatter + self.total * shift**2)
        scatter = add_outer(self.scatter, shift, float(self.total))
        if self.cubic is None or self.quartic is None:
            return type(self)(self.total, mean, scatter)
        spread, turned = self.spread, self.scatter @ shift
        cubic = self.cubic + spread * shift + 2 * turned + self.total * square * shift
        quartic = (
            self.quartic
            + 4 * shift @ turned
            + self.total * square**2
            + 4 * shift @ self.cubic
            + 2 * square * spread
        )
        return type(self)(self.total, mean, scatter, cubic, float(quartic))

    def ledoit_wolf_shrinkage(self) -> float:
        """Return the weight of the scaled identity that minimises the expected squared error.

        Ledoit and Wolf (2004), as :func:`sklearn.covariance.ledoit_wolf_shrinkage` computes it.
        """
        assert self.quartic is not None  # counted with quartic=True
        n, d = self.total, len(self.mean)
        if d == 1:  # one variance is its own scaled identity
            return 0.0
        squares = sum_of_squares(self.scatter) / n**2
        distance = (squares - (self.spread / n) ** 2 / d) / d
        error = (self.quartic / n - squares) / (d * n)
        if distance <= 0 or error <= 0:
            return 0.0
        return float(min(error, distance) / distance)


def _sum_if_counted(first: Any, second: Any) -> Any:
    return None if first is None else first + second


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
