"""Invertible maps z = T(x), with ``log |det dT/dx|``.

Each is a bijection, so that a density of z is a density of x: where a curve is constant or bounded
beyond the training data, the map continues as a line.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
from scipy import special

from ..._codes import has_missing

TIP = 1e-7  # the share at either end that QuantileTransformer clips before it makes normals of it
LOG_2_PI = np.log(2 * np.pi)
LARGEST = np.finfo(np.float64).max


class InvertibleMap(ABC):
    """A bijection of rows, by column (so that NaN stays in place) unless it is that of a PCA."""

    is_affine = False

    @abstractmethod
    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return z, and for each row ``log |det dz/dx|`` over the values that are not NaN.

        A value outside the domain has a z that is not finite.
        """

    @abstractmethod
    def inverse(self, Z: np.ndarray) -> np.ndarray:
        """Return x; where it is beyond the largest floating-point number, that."""

    def kinks(self, n_columns: int) -> np.ndarray:
        """Return the z at which the inverse is not smooth, of shape (n_kinks, n_columns)."""
        return np.empty((0, n_columns))

    def affine_columns(self, n_columns: int) -> np.ndarray:
        """Mask of the columns whose map is known to be affine."""
        return np.full(n_columns, self.is_affine)

    @abstractmethod
    def of_columns(self, columns: np.ndarray) -> InvertibleMap:
        """Return the map of some columns, in ascending order, for a map by column."""


class ComposedMap(InvertibleMap):
    """Maps one after another; their log-derivatives add."""

    def __init__(self, maps: Sequence[InvertibleMap]) -> None:
        self.maps = list(maps)
        self.is_affine = all(one.is_affine for one in maps)

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = np.zeros(len(X))
        with np.errstate(all="ignore"):
            for one in self.maps:
                X, log_det = one.forward(X)
                total += log_det
        return X, total

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            for one in reversed(self.maps):
                Z = one.inverse(Z)
        return np.clip(Z, -LARGEST, LARGEST)

    def affine_columns(self, n_columns: int) -> np.ndarray:
        masks = [one.affine_columns(n_columns) for one in self.maps]
        return np.logical_and.reduce([np.ones(n_columns, dtype=bool), *masks])

    def of_columns(self, columns: np.ndarray) -> ComposedMap:
        return ComposedMap([one.of_columns(columns) for one in self.maps])

    def kinks(self, n_columns: int) -> np.ndarray:
        Z = super().kinks(n_columns)
        with np.errstate(all="ignore"):
            for one in self.maps:
                Z = np.vstack([one.forward(Z)[0], one.kinks(n_columns)])
        return Z


class AffineMap(InvertibleMap):
    """``z = (x - center) / scale``, by column."""

    is_affine = True

    def __init__(self, center: np.ndarray | None, scale: np.ndarray | None) -> None:
        self.center = 0.0 if center is None else center
        self.scale = 1.0 if scale is None else scale

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (X - self.center) / self.scale, _sum_observed(-np.log(self.scale), X)

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        return Z * self.scale + self.center

    def of_columns(self, columns: np.ndarray) -> AffineMap:
        both = np.asarray(self.center), np.asarray(self.scale)
        return AffineMap(*(each[columns] if each.ndim else each for each in both))


class RotationMap(InvertibleMap):
    """``z = W (x - mean) / scale``, with orthonormal axes in the rows of W."""

    is_affine = True

    def __init__(self, mean: np.ndarray, axes: np.ndarray, scale: np.ndarray, label: str) -> None:
        self.mean, self.axes, self.scale, self.label = mean, axes, scale, label

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        check_complete(X, self.label)
        Z = (X - self.mean) @ self.axes.T / self.scale
        return Z, np.full(len(X), -np.log(self.scale).sum())

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        return (Z * self.scale) @ self.axes + self.mean

    def of_columns(self, columns: np.ndarray) -> InvertibleMap:
        raise TypeError(f"{self.label} mixes columns.")


class BlockMap(InvertibleMap):
    """Maps of blocks of columns side by side; every column is in one block and keeps its place."""

    def __init__(self, blocks: Sequence[tuple[np.ndarray, InvertibleMap]]) -> None:
        self.blocks = list(blocks)
        self.is_affine = all(one.is_affine for _, one in blocks)

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        Z, total = np.empty(X.shape), np.zeros(len(X))
        for columns, one in self.blocks:
            Z[:, columns], log_det = one.forward(X[:, columns])
            total += log_det
        return Z, total

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        X = np.empty(Z.shape)
        for columns, one in self.blocks:
            X[:, columns] = one.inverse(Z[:, columns])
        return X

    def affine_columns(self, n_columns: int) -> np.ndarray:
        mask = np.empty(n_columns, dtype=bool)
        for columns, one in self.blocks:
            mask[columns] = one.affine_columns(len(columns))
        return mask

    def of_columns(self, columns: np.ndarray) -> BlockMap:
        own = [np.flatnonzero(np.isin(places, columns)) for places, _ in self.blocks]
        return BlockMap(
            [
                (np.searchsorted(columns, places[some]), one.of_columns(some))
                for some, (places, one) in zip(own, self.blocks, strict=True)
                if len(some)
            ]
        )

    def kinks(self, n_columns: int) -> np.ndarray:
        own = [(columns, one.kinks(len(columns))) for columns, one in self.blocks]
        kinks = np.full((max(len(each) for _, each in own), n_columns), np.nan)  # NaN is none
        for columns, each in own:
            kinks[: len(each), columns] = each
        return kinks


class CurveMap(InvertibleMap):
    """An increasing curve in each column, and lines beyond ``low`` and ``high``.

    A curve that is bounded on one side does not reach all z, and the density of z would lose what
    lies beyond the bound. There, but only there, ``low`` or ``high`` is the end of the training
    data, and the curve continues along its tangent. Elsewhere, it is the end of the domain.
    """

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self.low, self.high = low, high

    @abstractmethod
    def _curve(self, X: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _curve_inverse(self, Z: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _log_slope(self, X: np.ndarray) -> np.ndarray: ...

    def _curve_and_log_slope(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._curve(X), self._log_slope(X)

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        core = np.clip(X, self.low, self.high)
        Z, log_slope = self._curve_and_log_slope(core)
        beyond = (core != X) & ~np.isnan(X)
        if beyond.any():
            Z[beyond] += np.exp(log_slope[beyond]) * (X - core)[beyond]
        return Z, _sum_observed(log_slope, X)

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        ends = np.stack([self.low, self.high])
        low, high = self._curve(ends)
        core = np.clip(Z, low, high)
        X = self._curve_inverse(core)
        beyond = (core != Z) & ~np.isnan(Z)
        if beyond.any():
            is_above = core < Z
            slope = np.where(is_above, *np.exp(-self._log_slope(ends))[::-1])
            line = np.where(is_above, self.high, self.low) + (Z - core) * slope
            X = np.where(beyond, line, X)
        return X

    def of_columns(self, columns: np.ndarray) -> Self:
        own = copy(self)
        own.low, own.high = self.low[columns], self.high[columns]
        return own

    def kinks(self, n_columns: int) -> np.ndarray:
        return self._curve(np.stack([self.low, self.high]))


class PowerMap(CurveMap):
    """A curve with an exponent for each column."""

    def __init__(self, exponent: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        super().__init__(low, high)
        self.exponent = exponent

    def of_columns(self, columns: np.ndarray) -> Self:
        own = super().of_columns(columns)
        own.exponent = self.exponent[columns]
        return own

    def kinks(self, n_columns: int) -> np.ndarray:
        return self._curve(np.stack([self.low, np.zeros(n_columns), self.high]))


class BoxCoxMap(PowerMap):
    """``z = (x**exponent - 1) / exponent`` of positive x, or ``log x`` for the exponent 0.

    It is bounded below for an exponent above 0, where the line includes x of 0 or less, and bounded
    above for one below 0. With 0 or less, positive x reach all z below, so that no other x has a z.
    """

    def __init__(self, exponent: np.ndarray, least: np.ndarray, most: np.ndarray) -> None:
        low = np.where(exponent > 0, least, 0.0)
        super().__init__(exponent, low, np.where(exponent < 0, most, np.inf))

    def _curve(self, X: np.ndarray) -> np.ndarray:
        return special.boxcox(X, self.exponent)

    def _curve_inverse(self, Z: np.ndarray) -> np.ndarray:
        return special.inv_boxcox(Z, self.exponent)

    def _log_slope(self, X: np.ndarray) -> np.ndarray:
        return (self.exponent - 1) * np.log(X)


class YeoJohnsonMap(PowerMap):
    """Box-Cox of ``1 + x`` where x is positive, and of ``1 - x`` with ``2 - exponent`` and signs.

    It is bounded above for an exponent below 0, and bounded below for one above 2.
    """

    def __init__(self, exponent: np.ndarray, least: np.ndarray, most: np.ndarray) -> None:
        low = np.where(exponent > 2, least, -np.inf)
        super().__init__(exponent, low, np.where(exponent < 0, most, np.inf))

    def _curve(self, X: np.ndarray) -> np.ndarray:
        return np.copysign(special.boxcox1p(np.abs(X), self._exponent_at(X)), X)

    def _curve_inverse(self, Z: np.ndarray) -> np.ndarray:
        return np.copysign(special.inv_boxcox1p(np.abs(Z), self._exponent_at(Z)), Z)

    def _log_slope(self, X: np.ndarray) -> np.ndarray:
        return (self._exponent_at(X) - 1) * np.log1p(np.abs(X))

    def _curve_and_log_slope(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        size, exponent = np.abs(X), self._exponent_at(X)
        Z = np.copysign(special.boxcox1p(size, exponent), X)
        return Z, (exponent - 1) * np.log1p(size)

    def _exponent_at(self, values: np.ndarray) -> np.ndarray:
        return np.where(values < 0, 2 - self.exponent, self.exponent)


class QuantileMap(InvertibleMap):
    """The piecewise linear distribution function, then the normal quantile if wanted.

    Beyond the outermost quantiles (or beyond those of ``TIP`` and ``1 - TIP``, where the
    transformer clips) it is the line of the mean slope between them.
    """

    def __init__(self, quantiles: np.ndarray, references: np.ndarray, normal: bool) -> None:
        self.quantiles, self.references, self.normal = quantiles, references, normal
        shares = np.array([TIP, 1 - TIP] if normal else [0.0, 1.0])
        self._z_low, self._z_high = special.ndtri(shares) if normal else shares
        self._low, self._high = self._at_shares(np.tile(shares, (quantiles.shape[1], 1)).T)
        self._mean_slope = (self._z_high - self._z_low) / (self._high - self._low)
        self._rises, self._runs = np.diff(references), np.diff(quantiles, axis=0)
        self._log_steps = np.log(self._rises)[:, np.newaxis] - np.log(self._runs)

    def forward(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        core = np.clip(X, self._low, self._high)
        Z, log_slope = np.empty_like(core), np.empty_like(core)
        for j, own in enumerate(self.quantiles.T):
            x = core[:, j]
            step = np.searchsorted(own, x, side="right") - 1
            step = np.minimum(step, len(self._log_steps) - 1)
            share = (x - own[step]) / self._runs[step, j]
            Z[:, j] = self.references[step] + share * self._rises[step]
            log_slope[:, j] = self._log_steps[step, j]
        if self.normal:
            Z = special.ndtri(np.clip(Z, TIP, 1 - TIP))
            log_slope += 0.5 * (Z**2 + LOG_2_PI)
        beyond = (core != X) & ~np.isnan(X)
        if beyond.any():
            log_slope = np.where(beyond, np.log(self._mean_slope), log_slope)
            Z += self._mean_slope * (X - core)
        return Z, _sum_observed(log_slope, X)

    def inverse(self, Z: np.ndarray) -> np.ndarray:
        core = np.clip(Z, self._z_low, self._z_high)
        shares = special.ndtr(core) if self.normal else core
        return self._at_shares(shares) + (Z - core) / self._mean_slope

    def of_columns(self, columns: np.ndarray) -> QuantileMap:
        return QuantileMap(self.quantiles[:, columns], self.references, self.normal)

    def kinks(self, n_columns: int) -> np.ndarray:
        shares = np.clip(self.references, TIP, 1 - TIP) if self.normal else self.references
        return np.tile(special.ndtri(shares) if self.normal else shares, (n_columns, 1)).T

    def _at_shares(self, shares: np.ndarray) -> np.ndarray:
        """Return the quantiles of shares of the training data, by column."""
        columns = zip(shares.T, self.quantiles.T, strict=True)
        return np.column_stack([np.interp(own, self.references, known) for own, known in columns])


def _sum_observed(log_slope: np.ndarray, X: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(X), 0.0, log_slope).sum(axis=1)


def check_complete(X: np.ndarray, label: str) -> None:
    """Raise a ValueError if a value is missing where a map mixes columns."""
    if has_missing(X):
        raise ValueError(
            f"X contains NaN, but {label} mixes columns, so that a row without some of them has no "
            "image. Impute X first, for example with DensityImputer, or use transformers that work "
            "by column."
        )
