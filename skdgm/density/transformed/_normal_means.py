"""Means of a function under many normal densities, ``E f(z)``, from values that they share.

Where the mean and the variance of z are known, nodes need not follow the peaks of a density. In
cells that are narrow beside a normal, its density is all but a polynomial, so that of f only the
projection on polynomials counts: its values at a few nodes of each cell serve all normals of about
the same width, however many kinks f has. The projection is integrated once, from panels between the
kinks that are halved until a Gauss-Legendre rule is right, but for digits that do not matter; or it
follows from the projections in both halves of a cell.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.polynomial import legendre
from scipy import special

from ..._codes import readonly
from ..._kernels.transformed import add_under_normals
from .._engine.blocks import row_blocks
from ._quadrature import NARROW, Function

FARTHEST = 38.5  # standard deviations, beyond which the density is zero in floating point
REACHES = np.array([7.5, 10.0, 14.0, 20.0, 28.0, FARTHEST])
BEYOND = special.ndtr(-REACHES)
TOLERANCE = 1e-12  # of what is left out, beside the change of f within a standard deviation
CELL = 0.25  # width beside the unit, which a standard deviation is within a factor of sqrt 2
leggauss = cache(legendre.leggauss)
POINTS, POINT_WEIGHTS = leggauss(6)  # in a cell, from -1 to 1
DEGREES = np.arange(len(POINTS))
POLYNOMIALS = legendre.legvander(POINTS, len(POINTS) - 1)
ROUGH = 1e-11  # error of a panel, beside the change of the function within a unit
NARROW_PANEL = 2.0**-12  # width between kinks, beside the unit, below which two nodes suffice
N_HALVINGS = 40
MOST_PANELS = 2**18  # that are halved at once; only noise needs more
MANY_KINKS = 256  # in a cell, from which on its halves tell its values
TOGETHER = 2**12  # normals that share nodes at most
MOST_KEPT = 2**12  # cells of one width that are kept for further calls
# Rules for panels, and the width beside the unit up to which these integrate polynomials of a cell.
RULES = [(2, 2.0**-7), (3, 2.0**-5), (4, 2.0**-3), (8, CELL)]


class SmoothedCurve:
    """The projections of an increasing function on polynomials in cells, kept once computed.

    Parameters
    ----------
    function : callable
        The function of arrays of shape (n,).
    kinks : ndarray of shape (n_kinks,)
        The z at which it is not smooth, in ascending order.
    """

    def __init__(self, function: Function, kinks: np.ndarray) -> None:
        self.function, self.kinks = function, kinks
        self._known: dict[float, tuple[np.ndarray, np.ndarray]] = {}  # by level: cells, values

    def values(self, level: float, cells: np.ndarray) -> np.ndarray:
        """Return the values at the points of cells of width ``CELL * 2**level``.

        Parameters
        ----------
        level : float
            Logarithm of the unit to base 2.
        cells : ndarray of shape (n_cells,)
            Numbers of the cells, in ascending order: their left ends in widths.

        Returns
        -------
        values : ndarray of shape (n_cells, n_points)
            The projections at the points.
        """
        known, values = self._known.get(level, (np.empty(0), np.empty((0, len(POINTS)))))
        new = np.setdiff1d(cells, known, assume_unique=True)
        if len(new):
            known = np.concatenate([known, new])
            values = np.concatenate([values, self._compute(level, new)])
            order = np.argsort(known)
            known, values = known[order], values[order]
            if len(known) <= MOST_KEPT:
                self._known[level] = known, values
        return values[np.searchsorted(known, cells)]

    def _compute(self, level: float, cells: np.ndarray) -> np.ndarray:
        unit = 2.0**level
        width = CELL * unit
        extent = np.ptp(self.kinks) if len(self.kinks) else 0.0
        if len(self.kinks) * width > MANY_KINKS * max(extent, width):
            halves = np.sort(np.concatenate([2 * cells, 2 * cells + 1]))
            return self.values(level - 1, halves).reshape(len(cells), -1) @ _of_halves().T
        first, last = np.searchsorted(self.kinks, [cells[0] * width, (cells[-1] + 1) * width])
        left, size = _panels(cells, self.kinks[first:last] / width)
        return _project(*_nodes(self.function, width * left, width * size, unit), width, cells)


@cache
def _of_halves() -> np.ndarray:
    """Return the matrix that makes values of a cell from those of both halves."""
    z = np.concatenate([(POINTS - 1) / 2, (POINTS + 1) / 2])
    weight = np.tile(POINT_WEIGHTS / 2, 2)
    coefficients = (DEGREES + 0.5)[:, np.newaxis] * (legendre.legvander(z, DEGREES[-1]).T * weight)
    return POLYNOMIALS @ coefficients


def mean_under_normals(curve: SmoothedCurve, center: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Compute the mean of an increasing function under normal densities.

    Parameters
    ----------
    curve : SmoothedCurve
        The function.
    center, scale : ndarray of shape (n,)
        Mean and standard deviation of each normal. One so narrow that floats cannot resolve it is a
        point.

    Returns
    -------
    mean : ndarray of shape (n,)
        The means, to about eight digits of the change of the function.
    """
    origin = curve.function(center)
    mean = origin.copy()
    wide = np.flatnonzero(scale > NARROW * np.abs(center))
    if not len(wide):
        return mean
    reach = np.zeros(len(center))
    reach[wide] = _reach(curve.function, origin[wide], center[wide], scale[wide])
    level = np.round(np.log2(scale[wide]))
    for one in np.unique(level):
        same = wide[level == one]
        same = same[np.argsort(center[same], kind="stable")]
        for block in row_blocks(len(same), 1, TOGETHER):
            own = same[block]
            mean[own] = _mean_of_level(curve, one, origin[own], center[own], scale[own], reach[own])
    return mean


def _reach(
    function: Function, origin: np.ndarray, center: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Return the standard deviations from the centre beyond which the function does not matter.

    As it increases, what lies beyond is at most its change up to the farthest point times the
    probability of being there.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        near = function(center + scale) - function(center - scale)
        far = function(center + FARTHEST * scale), function(center - FARTHEST * scale)
        change = np.maximum(np.abs(far[0] - origin), np.abs(far[1] - origin))
        enough = change[:, np.newaxis] * BEYOND <= TOLERANCE * near[:, np.newaxis]
    enough[:, -1] = True
    return REACHES[enough.argmax(axis=1)]


def _mean_of_level(
    curve: SmoothedCurve,
    level: float,
    origin: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
    reach: np.ndarray,
) -> np.ndarray:
    """Compute the means under normals with standard deviations of about ``2**level``."""
    low, high, width = center - reach * scale, center + reach * scale, CELL * 2.0**level
    cells = _cells_between(np.floor(low / width), np.ceil(high / width))
    value = curve.values(level, cells).ravel()
    node = (width * (cells[:, np.newaxis] + (POINTS + 1) / 2)).ravel()
    weight = np.tile(POINT_WEIGHTS, len(cells))
    first, last = np.searchsorted(node, low), np.searchsorted(node, high)
    mass, moment = np.empty(len(center)), np.empty(len(center))
    arguments = (node, weight, value, first, last, center, scale, origin)
    with np.errstate(over="ignore", invalid="ignore"):
        add_under_normals(*map(readonly, arguments), mass, moment)
        mean = origin + moment / mass
    return np.where(np.isnan(mean), origin, mean)


def _cells_between(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the numbers of the cells in any of the intervals, in ascending order."""
    order = np.argsort(first, kind="stable")
    first, reached = first[order], np.maximum.accumulate(last[order])
    apart = np.flatnonzero(first[1:] > reached[:-1]) + 1
    start, stop = first[np.append(0, apart)], reached[np.append(apart, len(first)) - 1]
    return np.concatenate([np.arange(*own) for own in zip(start, stop, strict=True)])


def _panels(cells: np.ndarray, kinks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return left ends and sizes of panels, the parts of cells between kinks; a cell has size 1."""
    edges = np.unique(np.concatenate([cells, cells + 1, kinks]))
    middle = (edges[:-1] + edges[1:]) / 2
    inside = cells[np.searchsorted(cells, middle, side="right") - 1] + 1 > middle
    inside &= middle > cells[0]
    return edges[:-1][inside], np.diff(edges)[inside]


def _nodes(
    function: Function, left: np.ndarray, width: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes in ascending order, their weights, and the values of the function."""
    tiny = width <= NARROW_PANEL * unit
    z, weight = _points(leggauss(2), left[tiny], width[tiny])
    parts = [[z.ravel(), weight.ravel(), function(z.ravel())]]
    left, width = left[~tiny], width[~tiny]
    most = len(RULES) - 1
    rule = np.minimum(np.searchsorted([widest for _, widest in RULES], width / unit), most)
    for halvings in range(N_HALVINGS):
        ends = halvings == N_HALVINGS - 1 or len(left) > MOST_PANELS
        settled = np.full(len(left), ends)
        for place, (n_nodes, _) in enumerate(RULES):
            own = np.flatnonzero(rule == place)
            if len(own):
                *nodes, error = _apply_rule(function, n_nodes, left[own], width[own], unit)
                settled[own] |= error <= ROUGH
                parts.append([each[settled[own]].ravel() for each in nodes])
        going = ~settled
        left, width, rule = left[going], width[going], rule[going]
        if not len(left):
            break
        halved = rule == most
        left = np.concatenate([left, left[halved] + width[halved] / 2])
        width = np.where(halved, width / 2, width)
        width = np.concatenate([width, width[halved]])
        rule = np.concatenate([np.minimum(rule + 1, most), rule[halved]])
    node, weight, value = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(node, kind="stable")
    return node[order], weight[order], value[order]


def _project(
    z: np.ndarray, weight: np.ndarray, value: np.ndarray, width: float, cells: np.ndarray
) -> np.ndarray:
    """Return the values of the projections at the points of each cell, given nodes in order."""
    place = np.maximum(np.searchsorted(cells, z / width, side="right") - 1, 0)
    origin = value[np.searchsorted(place, np.arange(len(cells)))]
    polynomials = legendre.legvander(2 * (z / width - cells[place]) - 1, DEGREES[-1])
    with np.errstate(over="ignore", invalid="ignore"):
        share = weight / width * (value - origin[place])
        terms = (share[:, np.newaxis] * polynomials).T
        coefficients = [np.bincount(place, term, len(cells)) for term in terms]
        projected = (np.transpose(coefficients) * (2 * DEGREES + 1)) @ POLYNOMIALS.T
        values = origin[:, np.newaxis] + projected
    return np.where(np.isfinite(values), values, origin[:, np.newaxis])


def _apply_rule(
    function: Function, n_nodes: int, left: np.ndarray, width: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes, weights and values of a rule on panels, and its error beside a finer one.

    The error is that of the moments of f over a panel, beside the change of f within a unit of it
    times the unit. In a narrow panel, a density that varies over a unit lets higher moments count
    less.
    """
    (x, w), (fine_x, fine_w) = leggauss(n_nodes), leggauss(n_nodes + 3)
    places = np.concatenate([x, fine_x])
    middle = (left + width / 2)[:, np.newaxis]
    nodes, weight = _points((x, w), left, width)
    fine_nodes, _ = _points((fine_x, fine_w), left, width)
    z = np.hstack([nodes, fine_nodes, middle, middle - unit, middle + unit])
    value = function(z.ravel()).reshape(z.shape)
    at_middle, before, after = value[:, -3:].T
    weights = np.concatenate([w, -fine_w])  # of the difference of both rules
    powers = np.arange(3)
    moments = weights[:, np.newaxis] * places[:, np.newaxis] ** powers
    with np.errstate(over="ignore", invalid="ignore"):
        change = after - before
        rounding = np.abs(at_middle) + change * np.abs(middle[:, 0]) / unit
        change += 8 * np.finfo(np.float64).eps / ROUGH * rounding
        difference = (value[:, :-3] - at_middle[:, np.newaxis]) @ moments
        difference *= (width[:, np.newaxis] / unit) ** (powers + 1)
        error = np.max(np.abs(difference), axis=1) / np.where(change > 0, change, 1.0)
    error[np.isnan(error)] = 0.0  # where the function overflows
    return nodes, weight, value[:, :n_nodes], error


def _points(
    rule: tuple[np.ndarray, np.ndarray], left: np.ndarray, width: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of a rule on panels."""
    half = width[:, np.newaxis] / 2
    return left[:, np.newaxis] + half * (rule[0] + 1), half * rule[1]
