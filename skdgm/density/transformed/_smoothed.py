"""Projections of increasing functions on polynomials in cells, of many functions at once.

A projection is integrated once, from panels between the kinks that are halved until a
Gauss-Legendre rule is right, but for digits that do not matter; or it follows from the projections
in both halves of a cell. Where the function is linear between kinks, the rules are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.polynomial import legendre

CELL = 2.0  # width beside the unit, which a standard deviation is within a factor of sqrt 2
leggauss = cache(legendre.leggauss)
POINTS, POINT_WEIGHTS = leggauss(16)  # in a cell, from -1 to 1
DEGREES = np.arange(len(POINTS))
POLYNOMIALS = legendre.legvander(POINTS, len(POINTS) - 1)
TEST_POWERS = np.arange(9)  # of the place in a panel, with which a rule is tested
ROUGH = 1e-11  # error of a panel, beside the change of the function within a unit
CROWDED = 16  # kinks in a cell, from which on they bring all that is not smooth
# Rules for panels between these, and the width beside the unit up to which they are right.
CROWDED_RULES = [(2, 2.0**-7), (4, 2.0**-3)]
N_HALVINGS = 40
MOST_PANELS = 2**18  # that are halved at once; only noise needs more
MANY_KINKS = 1024  # in a cell, from which on its halves tell its values
MOST_KEPT = 2**16  # cells that are kept for further calls
# Rules for other panels, which are tested, and the width up to which they are tried.
RULES = [(4, 2.0**-3), (8, 2.0**-2), (len(POINTS), CELL)]
CELL_BITS, LEVEL_BITS = 33, 12
FIRST_CELL, FIRST_LEVEL = -(2 ** (CELL_BITS - 1)), -(2 ** (LEVEL_BITS - 1))


def keys_of(column: np.ndarray, level: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return one integer for each cell, in the order of columns, levels and places.

    Parameters
    ----------
    column : ndarray of shape (n,)
        Number of the function.
    level : ndarray of shape (n,)
        Logarithm of the unit to base 2, an integer.
    cell : ndarray of shape (n,)
        Number of the cell: its left end in widths of ``CELL * 2**level``.
    """
    group = (column.astype(np.int64) << LEVEL_BITS) + (level.astype(np.int64) - FIRST_LEVEL)
    return (group << CELL_BITS) + (cell.astype(np.int64) - FIRST_CELL)


def cells_of(key: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the columns, levels and numbers of cells that have these keys."""
    group, cell = key >> CELL_BITS, (key & (2**CELL_BITS - 1)) + FIRST_CELL
    return group >> LEVEL_BITS, (group & (2**LEVEL_BITS - 1)) + FIRST_LEVEL, cell


class Memo:
    """Results for keys of cells, kept for further calls unless there are too many."""

    def __init__(self) -> None:
        self._known: tuple[np.ndarray, np.ndarray] | None = None

    def of(self, key: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return a row for each of the ascending keys, computed unless it is known."""
        new = key if self._known is None else np.setdiff1d(key, self._known[0], assume_unique=True)
        known = self._known
        if len(new):
            computed = compute(new)
            known = self._known  # also what was found on the way
            if known is None:
                known = new, computed
            else:
                keys, rows = np.append(known[0], new), np.concatenate([known[1], computed])
                order = np.argsort(keys)
                known = keys[order], rows[order]
            if len(known[0]) <= MOST_KEPT:
                self._known = known
        assert known is not None
        return known[1][np.searchsorted(known[0], key)]


class SmoothedCurves:
    """The projections of increasing functions on polynomials in cells, kept once computed.

    Parameters
    ----------
    function : callable
        Takes z of shape (n, n_columns) to values of that shape, by column.
    kinks : sequence of ndarray
        For each column, the z at which the function is not smooth, in ascending order.

    Attributes
    ----------
    sides : Memo
        How many cells on either side matter to normals that have their centres in a cell.
    """

    def __init__(
        self, function: Callable[[np.ndarray], np.ndarray], kinks: Sequence[np.ndarray]
    ) -> None:
        self.function = function
        # NumPy orders complex numbers by their real part, here the column, and then the other.
        self._kinks = np.empty(sum(map(len, kinks)), dtype=np.complex128)
        self._kinks.real = np.repeat(np.arange(len(kinks)), [len(own) for own in kinks])
        self._kinks.imag = np.concatenate([*kinks, np.empty(0)])
        self._n_columns = len(kinks)
        self._values, self.sides = Memo(), Memo()

    def at(self, column: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return the values of the functions with the given numbers at z, of the shape of z."""
        if not z.size:
            return np.empty(z.shape)
        column = np.broadcast_to(column.reshape(-1, *[1] * (z.ndim - 1)), z.shape).ravel()
        count = np.bincount(column, minlength=self._n_columns)
        order = np.argsort(column, kind="stable")
        place = np.empty(len(order), dtype=np.intp)
        place[order] = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
        table = np.zeros((count.max(), self._n_columns))
        table[place, column] = z.ravel()
        return self.function(table)[place, column].reshape(z.shape)

    def values(self, key: np.ndarray) -> np.ndarray:
        """Return the values of projections at the points of cells.

        Parameters
        ----------
        key : ndarray of shape (n_cells,)
            Keys of the cells, in ascending order.

        Returns
        -------
        values : ndarray of shape (n_cells, n_points)
            The projections at the points.
        """
        return self._values.of(key, self._compute)

    def _compute(self, key: np.ndarray) -> np.ndarray:
        column, level, cell = cells_of(key)
        unit = np.exp2(level)
        ends = np.empty((2, len(key)), dtype=np.complex128)
        ends.real, ends.imag = column, CELL * unit * np.stack([cell, cell + 1])
        first = np.searchsorted(self._kinks, ends[0], side="right")
        n_kinks = np.maximum(np.searchsorted(self._kinks, ends[1]) - first, 0)
        dense = (n_kinks > MANY_KINKS) & (np.abs(cell) < -FIRST_CELL / 2)
        values = np.empty((len(key), len(POINTS)))
        if dense.any():
            left = keys_of(column[dense], level[dense] - 1, 2 * cell[dense])
            halves = np.stack([left, left + 1], axis=1)
            of_halves = self.values(halves.ravel()).reshape(len(halves), -1)
            values[dense] = _times(of_halves, _of_halves().T)
        if dense.all():
            return values
        rest = np.flatnonzero(~dense)
        owner, left, right = _panels(
            self._kinks.imag, ends.imag[:, rest], first[rest], n_kinks[rest]
        )
        column, unit, start = column[rest], unit[rest], ends[0].imag[rest]
        crowded = n_kinks[rest] >= CROWDED
        own, z, weight, value = self._nodes(owner, left, right - left, column, unit, crowded)
        values[rest] = _project(own, z, weight, value, start, CELL * unit)
        return values

    def _nodes(
        self,
        owner: np.ndarray,
        left: np.ndarray,
        width: np.ndarray,
        column: np.ndarray,
        unit: np.ndarray,
        crowded: np.ndarray,
    ) -> list[np.ndarray]:
        """Return the cells of nodes, the nodes, their weights, and the values of the functions.

        ``owner`` is the cell that a panel lies in; ``column``, ``unit`` and ``crowded`` are those
        of cells.
        """
        parts, going = [], np.ones(len(owner), dtype=bool)
        for n_nodes, widest in CROWDED_RULES:
            some = going & crowded[owner] & (width <= widest * unit[owner])
            going &= ~some
            z, weight = _points(leggauss(n_nodes), left[some], width[some])
            own = np.repeat(owner[some], n_nodes)
            parts.append([own, z.ravel(), weight.ravel(), self.at(column[own], z.ravel())])
        owner, left, width = owner[going], left[going], width[going]
        most = len(RULES) - 1
        rule = np.searchsorted([widest for _, widest in RULES], width / unit[owner])
        rule = np.minimum(rule, most)  # rounding may make a panel wider than a cell
        for halvings in range(N_HALVINGS):
            ends = halvings == N_HALVINGS - 1 or len(left) > MOST_PANELS
            settled = np.full(len(left), ends)
            for place, (n_nodes, _) in enumerate(RULES):
                some = np.flatnonzero(rule == place)
                if len(some):
                    of_some = owner[some], left[some], width[some], column, unit
                    *nodes, error = self._apply_rule(n_nodes, *of_some)
                    settled[some] |= error <= ROUGH
                    parts.append([each[settled[some]].ravel() for each in nodes])
            going = ~settled
            owner, left, width, rule = owner[going], left[going], width[going], rule[going]
            if not len(left):
                break
            halved = rule == most
            width = np.where(halved, width / 2, width)
            owner = np.concatenate([owner, owner[halved]])
            left = np.concatenate([left, left[halved] + width[halved]])
            width = np.concatenate([width, width[halved]])
            rule = np.concatenate([np.minimum(rule + 1, most), rule[halved]])
        nodes = [np.concatenate(each) for each in zip(*parts, strict=True)]
        order = np.lexsort([nodes[1], nodes[0]])
        return [each[order] for each in nodes]

    def _apply_rule(
        self,
        n_nodes: int,
        owner: np.ndarray,
        left: np.ndarray,
        width: np.ndarray,
        column: np.ndarray,
        unit: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        """Return cells, nodes, weights and values of a rule on panels, and its error.

        The error is that of the moments of f over a panel, beside a finer rule, relative to the
        change of f within a unit of it times the unit. In a narrow panel, a density that varies
        over a unit lets higher moments count less.
        """
        (x, w), (fine_x, fine_w) = leggauss(n_nodes), leggauss(n_nodes + 3)
        own_unit = unit[owner]
        middle = (left + width / 2)[:, np.newaxis]
        nodes, weight = _points((x, w), left, width)
        fine_nodes, _ = _points((fine_x, fine_w), left, width)
        around = middle + own_unit[:, np.newaxis] * [0, -1, 1]
        value = self.at(column[owner], np.hstack([nodes, fine_nodes, around]))
        at_middle, before, after = value[:, -3:].T
        weights, places = np.append(w, -fine_w), np.append(x, fine_x)
        moments = weights[:, np.newaxis] * places[:, np.newaxis] ** TEST_POWERS
        with np.errstate(over="ignore", invalid="ignore"):
            change = after - before
            rounding = np.abs(at_middle) + change * np.abs(middle[:, 0]) / own_unit
            change += 8 * np.finfo(np.float64).eps / ROUGH * rounding
            difference = np.abs(_times(value[:, :-3] - at_middle[:, np.newaxis], moments))
            difference *= (width / own_unit)[:, np.newaxis] ** (TEST_POWERS + 1)
            error = np.max(difference, axis=1) / np.where(change > 0, change, 1.0)
        error[np.isnan(error)] = 0.0  # where the function overflows
        cell = np.repeat(owner[:, np.newaxis], n_nodes, axis=1)
        return cell, nodes, weight, value[:, :n_nodes], error


@cache
def _of_halves() -> np.ndarray:
    """Return the matrix that makes values of a cell from those of both halves."""
    z = np.concatenate([(POINTS - 1) / 2, (POINTS + 1) / 2])
    weight = np.tile(POINT_WEIGHTS / 2, 2)
    coefficients = (DEGREES + 0.5)[:, np.newaxis] * (legendre.legvander(z, DEGREES[-1]).T * weight)
    return POLYNOMIALS @ coefficients


def _panels(
    kinks: np.ndarray, ends: np.ndarray, first: np.ndarray, n_kinks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut cells at the kinks inside; return the cell and both ends of each part.

    ``first`` is the place of the first kink in each cell, ``n_kinks`` how many there are.
    """
    owner = np.repeat(np.arange(len(first)), n_kinks + 1)
    start = np.cumsum(n_kinks + 1) - n_kinks - 1
    part = np.arange(len(owner)) - start[owner]
    left, right = ends[0][owner], ends[1][owner]
    cut = np.flatnonzero(part)  # these begin at a kink, and those before end there
    left[cut] = right[cut - 1] = kinks[first[owner[cut]] + part[cut] - 1]
    return owner, left, right


def _project(
    owner: np.ndarray,
    z: np.ndarray,
    weight: np.ndarray,
    value: np.ndarray,
    left: np.ndarray,
    width: np.ndarray,
) -> np.ndarray:
    """Return the values of the projections at the points of each cell, given nodes in order."""
    origin = value[np.searchsorted(owner, np.arange(len(left)))]
    place = 2 * (z - left[owner]) / width[owner] - 1
    with np.errstate(over="ignore", invalid="ignore"):
        share = weight / width[owner] * (value - origin[owner])
        terms = legendre.legvander(place, DEGREES[-1]).T * share
        coefficients = np.column_stack([np.bincount(owner, term, len(left)) for term in terms])
        projected = _times(coefficients * (2 * DEGREES + 1), POLYNOMIALS.T)
        values = origin[:, np.newaxis] + projected
    return np.where(np.isfinite(values), values, origin[:, np.newaxis])


def _times(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return ``rows @ matrix``, each row of which depends on itself alone, also in its last digit.

    That of BLAS depends on how many there are, and so on what was asked before.
    """
    return np.einsum("ij,jk->ik", rows, matrix)


def _points(
    rule: tuple[np.ndarray, np.ndarray], left: np.ndarray, width: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights of a rule on panels."""
    half = width[:, np.newaxis] / 2
    return left[:, np.newaxis] + half * (rule[0] + 1), half * rule[1]
