"""Means behind a transformer where a normal is known to lie in an interval of one column.

The interval is integrated over: given a point of it, the other missing values are normal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._engine.blocks import row_blocks
from .._engine.coordinates import CoordinateRows
from ..gaussian._truncated import TruncatedGaussianDensity
from ._maps import InvertibleMap

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
PANELS = 50  # of as many nodes, for the column itself, whose map may have kinks
FAR = 9.0  # standard deviations from the mean of a normal, or mean lengths of its tail
TOGETHER = 2**16  # nodes of rows

Means = Callable[[Any, CoordinateRows], np.ndarray]  # under a normal


def interval_columns_missing(density: TruncatedGaussianDensity, codes: Any) -> np.ndarray:
    """Return how many columns of which intervals are known each row misses."""
    return np.isnan(np.asarray(codes)[:, density._places]).sum(axis=1)


def mean_in_interval(
    own_map: InvertibleMap, density: TruncatedGaussianDensity, codes: CoordinateRows, means: Means
) -> np.ndarray:
    """Return the means of missing values of rows that miss one column of a known interval."""
    normal, mean = density._normal, np.full(codes.shape, np.nan)
    Z = np.asarray(codes.transformed)
    for column, region in density._regions.items():
        rows = np.flatnonzero(np.isnan(Z[:, column]))
        if not len(rows):
            continue
        center, variance = (own[:, column] for own in normal._moments_missing(Z[rows]))
        low, high = _reach(center, np.sqrt(variance), region.low, region.high)
        z, share = _nodes(center, np.sqrt(variance), low, high, 1)
        for block in row_blocks(len(rows), len(NODES), TOGETHER):
            own = rows[block]
            filled, values = (
                np.repeat(table[own], len(NODES), axis=0) for table in (Z, codes.values)
            )
            filled[:, column] = z[block].ravel()
            values[:, column] = 0.0  # observed
            nothing = np.zeros(len(filled))
            at_nodes = means(normal, CoordinateRows(values, filled, nothing))
            at_nodes = at_nodes.reshape(len(own), len(NODES), -1)
            mean[own] = np.einsum("rk,rkj->rj", share[block], at_nodes)
        z, share = _nodes(center, np.sqrt(variance), low, high, PANELS)
        inverse = own_map.of_columns(np.array([column])).inverse(z.reshape(-1, 1))
        mean[rows, column] = np.einsum("rk,rk->r", share, inverse.reshape(z.shape))
    return mean


def _reach(
    center: np.ndarray, scale: np.ndarray, low: float, high: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of an interval in which nearly all of its probability lies."""
    inner_low, inner_high = (
        np.maximum(low, center - FAR * scale),
        np.minimum(high, center + FAR * scale),
    )
    # Beyond, a tail falls off exponentially from the near end.
    length = FAR * scale**2 / np.maximum(np.maximum(low - center, center - high), scale)
    above, below = low > center + scale, high < center - scale
    inner_high = np.where(above, np.minimum(high, low + 4 * length), inner_high)
    inner_low = np.where(below, np.maximum(low, high - 4 * length), inner_low)
    return np.where(above, low, inner_low), np.where(below, high, inner_high)


def _nodes(
    center: np.ndarray, scale: np.ndarray, low: np.ndarray, high: np.ndarray, n_panels: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes in intervals and their shares of the probability, (n_rows, n_nodes)."""
    start = (np.arange(n_panels)[:, np.newaxis] + (NODES + 1) / 2).ravel() / n_panels
    z = low[:, np.newaxis] + (high - low)[:, np.newaxis] * start
    log_p = -(((z - center[:, np.newaxis]) / scale[:, np.newaxis]) ** 2) / 2
    share = np.exp(log_p - log_p.max(axis=1, keepdims=True)) * np.tile(WEIGHTS, n_panels)
    return z, share / share.sum(axis=1, keepdims=True)
