"""Completions behind a transformer: images of the density's own, and means by quadrature."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._base import BaseDensity
from ._maps import LARGEST, InvertibleMap
from ._quadrature import mean_of
from ._rows import TransformedRows

FAR_OUT = 1e4  # nats, beyond which a difference of log-probabilities loses digits that count


def inverse_missing(own_map: InvertibleMap, codes: TransformedRows, Z: np.ndarray) -> np.ndarray:
    """Return the inverse images of Z where values are missing, NaN elsewhere."""
    return own_map.inverse(np.where(np.isnan(codes.values), Z, np.nan))


def mean_missing(
    own_map: InvertibleMap, density: BaseDensity, codes: TransformedRows, spread: np.ndarray
) -> np.ndarray:
    """Return ``E[x_missing | x_observed]`` where values are missing.

    ``spread`` holds the standard deviation of each transformed column in training.
    """
    center = density._mean_missing(codes.transformed)
    if own_map.is_affine:
        return inverse_missing(own_map, codes, center)
    mean = np.full(codes.shape, np.nan)
    for column, missing in enumerate(np.isnan(codes.values).T):
        rows = np.flatnonzero(missing)
        if len(rows):
            own = codes.transformed[rows], center[rows, column], spread[column]
            mean[rows, column] = _mean_of_column(own_map, density, column, *own)
    return np.clip(mean, -LARGEST, LARGEST)


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

    def inverse(z: np.ndarray) -> np.ndarray:
        table = np.full((len(z), Z.shape[1]), np.nan)
        table[:, column] = z
        return own_map.inverse(table)[:, column]

    # For a normal density, this is the standard deviation. By the law of total variance, that of
    # the column is above the mean of the conditional ones: where there is a gap between two peaks,
    # it tells how far apart they are.
    with np.errstate(divide="ignore"):
        peak = conditional_density(np.arange(len(Z)), center)
        scale = 1 / (math.sqrt(2 * math.pi) * peak)
    scale = np.minimum(scale, spread if spread > 0 else 1.0)
    kinks = own_map.kinks(Z.shape[1])[:, column]
    kinks = np.unique(kinks[np.isfinite(kinks)])
    return mean_of(inverse, conditional_density, center, scale, kinks)
