"""Means of increasing functions under many normal densities, ``E f(z)``, from shared values.

In cells that are not much wider than a normal, its density is all but a polynomial, so that of f
only the projection on polynomials counts: its values at a few nodes of each cell serve all normals
of about the same width, however many kinks f has. From one cell to the next, the density at a node
changes by a factor that itself changes by a constant one, so that one normal takes few exponentials
and no values of f of its own.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from ..._codes import readonly
from ..._kernels.transformed import means_from_cells
from .._engine.blocks import row_blocks
from ._quadrature import NARROW
from ._smoothed import CELL, POINT_WEIGHTS, POINTS, SmoothedCurves, cells_of, keys_of

# Cells on either side of that of the mean, and the standard deviations that these reach at least;
# beyond the last, the density is zero in floating point.
SIDES = np.array([5, 6, 7, 8, 10, 14, 20, 28])
REACHES = SIDES * CELL / np.sqrt(2)
BEYOND = special.ndtr(-REACHES)
TOLERANCE = 1e-11  # of what is left out, beside the change of f within the cell of the mean
TOGETHER = 2**10  # cells of means whose neighbours are computed at once


def mean_under_normals(
    curves: SmoothedCurves, column: np.ndarray, center: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Compute the means of increasing functions under normal densities.

    Parameters
    ----------
    curves : SmoothedCurves
        The functions.
    column : ndarray of shape (n,)
        Number of the function of each normal.
    center, scale : ndarray of shape (n,)
        Mean and standard deviation of each normal. One so narrow that floats cannot resolve it is a
        point.

    Returns
    -------
    mean : ndarray of shape (n,)
        The means, to about nine digits of the change of the function within a standard deviation.
    """
    mean = np.full(len(center), np.nan)
    wide = np.flatnonzero(scale > NARROW * np.abs(center))
    level = np.round(np.log2(scale[wide]))
    cell = np.floor(center[wide] / (CELL * np.exp2(level)))
    key = keys_of(column[wide], level, cell)
    known = np.unique(key)
    for block in row_blocks(len(known), 1, TOGETHER):
        own = known[block]
        some = slice(None) if len(own) == len(known) else (key >= own[0]) & (key <= own[-1])
        rows = wide[some]
        mean[rows] = _mean_by_cells(curves, own, key[some], center[rows], scale[rows])
    points = np.flatnonzero(np.isnan(mean))  # also where the function overflows
    if len(points):
        mean[points] = curves.at(column[points], center[points])
    return mean


def _mean_by_cells(
    curves: SmoothedCurves,
    known: np.ndarray,
    key: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
) -> np.ndarray:
    """Compute the means under normals whose centres lie in the cells of ascending keys."""
    _, level, cell = cells_of(known)
    width = CELL * np.exp2(level)
    n_sides = curves.sides.of(known, lambda new: _sides(curves, new))
    cells = _cells_between(known - n_sides, known + n_sides)
    values, first = curves.values(cells), np.searchsorted(cells, known - n_sides)
    arguments = known, cell * width, width, first, n_sides, values, (POINTS + 1) / 2, POINT_WEIGHTS
    mean = np.empty(len(center))
    with np.errstate(over="ignore", invalid="ignore"):
        means_from_cells(*map(readonly, (key, center, scale, *arguments)), mean)
    return mean


def _sides(curves: SmoothedCurves, known: np.ndarray) -> np.ndarray:
    """Return the number of cells on either side beyond which the function does not matter.

    As it increases, what lies beyond is at most the sum of its changes up to farther and farther
    points, each times the probability of being beyond the one before.
    """
    column, level, cell = cells_of(known)
    unit = np.exp2(level)
    low, high = CELL * unit * np.stack([cell, cell + 1])
    far = np.outer(unit, REACHES * np.sqrt(2))
    ends = np.column_stack([low, high])
    z = np.hstack([ends, low[:, np.newaxis] - far, high[:, np.newaxis] + far])
    with np.errstate(over="ignore", invalid="ignore"):
        near, rest = np.split(curves.at(column, z), [2], axis=1)
        below, above = np.split(rest, 2, axis=1)
        change = np.maximum(near[:, 1:] - below, above - near[:, :1])
        left_out = np.cumsum((change[:, 1:] * BEYOND[:-1])[:, ::-1], axis=1)[:, ::-1]
        enough = left_out <= TOLERANCE * (near[:, 1:] - near[:, :1])
    return np.where(enough.any(axis=1), SIDES[enough.argmax(axis=1)], SIDES[-1])


def _cells_between(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the keys of the cells in any of the intervals, both ends included, in order."""
    order = np.argsort(first, kind="stable")
    first, reached = first[order], np.maximum.accumulate(last[order])
    apart = np.flatnonzero(first[1:] > reached[:-1]) + 1
    start, stop = first[np.append(0, apart)], reached[np.append(apart, len(first)) - 1] + 1
    count = stop - start
    return np.repeat(start - (np.cumsum(count) - count), count) + np.arange(count.sum())
