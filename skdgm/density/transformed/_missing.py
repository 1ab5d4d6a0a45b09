"""Completions behind a transformer: images of the density's own, and means by quadrature.

Where missing values are normal given the observed ones, or a mixture of normals, their means and
variances are known, and the quadrature does not ask for the density.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from .._base import BaseDensity
from .._engine.combined_margins import ImageMargin
from .._engine.conditional_margins import ConditionalMargin, Function
from .._engine.coordinates import CoordinateRows
from .._steps import StepIndependentDensity
from ..gaussian import GaussianDensity
from ..gaussian._truncated import TruncatedGaussianDensity
from ..mixture import MixtureDensity
from ._maps import LARGEST, InvertibleMap
from ._normal_means import mean_under_normals
from ._quadrature import mean_of
from ._smoothed import SmoothedCurves
from ._truncated_means import interval_columns_missing, mean_in_interval

_curves: WeakKeyDictionary[InvertibleMap, tuple[np.ndarray, SmoothedCurves]] = WeakKeyDictionary()
_images: WeakKeyDictionary[InvertibleMap, dict[int, tuple[Function, Function]]] = (
    WeakKeyDictionary()
)
FAR_OUT = 1e4  # nats, beyond which a difference of log-probabilities loses digits that count


def inverse_missing(own_map: InvertibleMap, codes: CoordinateRows, Z: np.ndarray) -> np.ndarray:
    """Return the inverse images of Z where values are missing, NaN elsewhere."""
    return own_map.inverse(np.where(np.isnan(codes.values), Z, np.nan))


def image_margin(own_map: InvertibleMap, column: int, base: ConditionalMargin) -> ImageMargin:
    """Return the distributions of a missing number from those of its coordinate."""
    known = _images.setdefault(own_map, {})
    found = known.get(column)
    if found is None:  # in several threads, the first serves all
        found = known.setdefault(column, _image_of_column(own_map.of_columns(np.array([column]))))
    return ImageMargin(base, *found)


def _image_of_column(of_column: InvertibleMap) -> tuple[Function, Function]:
    """Return the inverse of a map of one column, and its map with infinity outside the domain."""

    def image(z: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            x = of_column.inverse(z.reshape(-1, 1)).reshape(z.shape)
        is_end = np.isinf(z) & (np.isnan(x) | (np.abs(x) >= LARGEST))
        return np.where(is_end, z, x)

    low, high = image(np.array([-np.inf, np.inf]))

    def largest_before(x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            z = of_column.forward(np.clip(x, low, high)[:, np.newaxis])[0][:, 0]
        return np.where(x <= low, -np.inf, np.where(x >= high, np.inf, z))

    return image, largest_before


def variance_missing(
    own_map: InvertibleMap, density: BaseDensity, codes: CoordinateRows, mean: np.ndarray
) -> np.ndarray:
    """Return the variances of missing values, whose means are known, NaN elsewhere.

    Where a map is not affine, they are integrated over the distribution of the coordinate.
    """
    missing = np.isnan(codes.values)
    variance = np.full(mean.shape, np.nan)
    affine = own_map.affine_columns(mean.shape[1])
    zero, one = own_map.inverse(np.repeat([[0.0], [1.0]], mean.shape[1], axis=1))
    if affine.any():
        _, own = density._moments_missing(codes.transformed)
        variance[:, affine] = own[:, affine] * (one - zero)[affine] ** 2
    columns = np.flatnonzero(missing.any(axis=0) & ~affine).tolist()
    margins = density._margins_missing(codes.transformed, columns) if columns else []
    for column, base in zip(columns, margins, strict=True):
        rows = np.flatnonzero(missing[:, column])
        margin = image_margin(own_map, column, base[rows])
        variance[rows, column] = margin.mean_square(mean[rows, column])
    return variance


def mean_missing(
    own_map: InvertibleMap, density: BaseDensity, codes: CoordinateRows, spread: np.ndarray
) -> np.ndarray:
    """Return ``E[x_missing | x_observed]`` where values are missing.

    ``spread`` holds the standard deviation of each transformed column in training.
    """
    if own_map.is_affine:
        return inverse_missing(own_map, codes, density._mean_missing(codes.transformed))
    if _is_normal(density):
        return np.clip(_mean_of_normals(own_map, density, codes), -LARGEST, LARGEST)
    return np.clip(_mean_by_quadrature(own_map, density, codes, spread), -LARGEST, LARGEST)


def _mean_by_quadrature(
    own_map: InvertibleMap,
    density: BaseDensity,
    codes: CoordinateRows,
    spread: np.ndarray,
) -> np.ndarray:
    """Return the means of missing values by the scores of the density."""
    center = density._mean_missing(codes.transformed)
    mean = np.full(codes.shape, np.nan)
    for column, missing in enumerate(np.isnan(codes.values).T):
        rows = np.flatnonzero(missing)
        if len(rows):
            first, which = _distinct_rows(density, codes.transformed[rows], column)
            own = codes.transformed[rows[first]], center[rows[first], column], spread[column]
            mean[rows, column] = _mean_of_column(own_map, density, column, *own)[which]
    return mean


def _distinct_rows(density: BaseDensity, codes: Any, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first row of each kind, and the kind of each row.

    Rows are of one kind if they do not differ in what tells of a missing column.
    """
    Z = np.array(codes, dtype=np.float64)
    if isinstance(density, StepIndependentDensity):
        Z = Z[:, [column]]
    missing = np.isnan(Z)
    both = np.hstack([np.where(missing, 0.0, Z), missing])
    _, first, which = np.unique(both, axis=0, return_index=True, return_inverse=True)
    return first, which.ravel()


def _is_normal(density: BaseDensity) -> bool:
    """Return whether each missing value has a normal density, or a mixture of them."""
    if isinstance(density, MixtureDensity):
        return all(map(_is_normal, density.densities_))
    return isinstance(density, GaussianDensity | TruncatedGaussianDensity)


def _mean_of_normals(own_map: InvertibleMap, density: Any, codes: CoordinateRows) -> np.ndarray:
    """Return the means of missing values, NaN elsewhere, each component's by itself."""
    if isinstance(density, MixtureDensity):
        shares, _ = density._responsibilities(codes.transformed)
        mean = np.where(np.isnan(codes.values), 0.0, np.nan)
        for part, share in zip(density.densities_, shares.T, strict=True):
            rows = np.flatnonzero(share)
            mean_of_part = _mean_of_normals(own_map, part, codes[rows])
            with np.errstate(over="ignore"):  # of shares that sum to one only nearly
                mean[rows] += share[rows, np.newaxis] * mean_of_part
        return mean
    if isinstance(density, TruncatedGaussianDensity):
        return _mean_of_truncated(own_map, density, codes)
    center, variance = density._moments_missing(codes.transformed)
    curved, curves = _curves_of(own_map, codes.shape[1])
    if len(curved) < codes.shape[1]:
        mean = inverse_missing(own_map, codes, center)
    else:
        mean = np.full(codes.shape, np.nan)
    rows, own = np.nonzero(np.isnan(codes.values[:, curved]))
    where = rows, curved[own]
    mean[where] = mean_under_normals(curves, own, center[where], np.sqrt(variance[where]))
    return mean


def _mean_of_truncated(
    own_map: InvertibleMap, density: TruncatedGaussianDensity, codes: CoordinateRows
) -> np.ndarray:
    """Return the means under a normal of which intervals of columns are known."""
    mean = np.full(codes.shape, np.nan)
    n_missing = interval_columns_missing(density, codes.transformed)
    none, one, more = map(np.flatnonzero, (n_missing == 0, n_missing == 1, n_missing > 1))
    if len(none):
        mean[none] = _mean_of_normals(own_map, density._normal, codes[none])
    if len(one):
        under_normal = partial(_mean_of_normals, own_map)
        mean[one] = mean_in_interval(own_map, density, codes[one], under_normal)
    if len(more):
        spread = np.sqrt(np.diag(density._normal.get_covariance()))
        mean[more] = _mean_by_quadrature(own_map, density, codes[more], spread)
    return mean


def _curves_of(own_map: InvertibleMap, n_columns: int) -> tuple[np.ndarray, SmoothedCurves]:
    """Return the columns whose map is not affine, and the inverses of these maps.

    They are the same for all densities behind the map.
    """
    if own_map not in _curves:
        curved = np.flatnonzero(~own_map.affine_columns(n_columns))
        of_curved = own_map.of_columns(curved)
        kinks = _kinks_of(of_curved, len(curved))
        _curves[own_map] = curved, SmoothedCurves(of_curved.inverse, kinks)
    return _curves[own_map]


def _kinks_of(own_map: InvertibleMap, n_columns: int) -> list[np.ndarray]:
    """Return the z of each column at which the inverse is not smooth, in ascending order."""
    return [np.unique(own[np.isfinite(own)]) for own in own_map.kinks(n_columns).T]


def _mean_of_column(
    own_map: InvertibleMap,
    density: BaseDensity,
    column: int,
    codes: Any,
    center: np.ndarray,
    spread: float,
) -> np.ndarray:
    """Integrate ``E[x_j | observed] = int T_j^-1(z) p(z | observed) dz`` for rows that miss x_j.

    Their other missing columns stay missing, and are so integrated out.
    """
    Z = np.array(codes, dtype=np.float64)
    log_prob_observed = density._log_prob(codes)
    is_far = ~(np.abs(log_prob_observed) < FAR_OUT)

    def conditional_density(which: np.ndarray, z: np.ndarray) -> np.ndarray:
        table = Z[which]
        table[:, column] = z
        completed, far = density._recode(table), is_far[which]
        with np.errstate(over="ignore", invalid="ignore"):  # where it is far
            log_prob = density._log_prob(completed) - log_prob_observed[which]
        if far.any():
            log_prob[far] = density._log_prob_given(completed[far], codes[which[far]])
        with np.errstate(over="ignore"):
            return np.exp(log_prob)

    # For a normal density, this is the standard deviation. By the law of total variance, that of
    # the column is above the mean of the conditional ones: where there is a gap between two peaks,
    # it tells how far apart they are.
    with np.errstate(divide="ignore"):
        peak = conditional_density(np.arange(len(Z)), center)
        scale = 1 / (math.sqrt(2 * math.pi) * peak)
    scale = np.minimum(scale, spread if spread > 0 else 1.0)
    of_column = own_map.of_columns(np.array([column]))
    (kinks,) = _kinks_of(of_column, 1)

    def inverse(z: np.ndarray) -> np.ndarray:
        return of_column.inverse(z[:, np.newaxis])[:, 0]

    return mean_of(inverse, conditional_density, center, scale, kinks)
