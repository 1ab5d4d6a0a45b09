"""Means of a function under densities on the real line, ``E f(z) = int f(z) p(z) dz``.

Adaptive Gauss-Legendre quadrature of many densities at once: each has panels of its own, which are
halved where the rule on a panel and the rules on its halves disagree.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from .._engine.blocks import row_blocks

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
TOLERANCE = 1e-9  # of a panel, beside the whole integral
N_HALVINGS = 40
MOST_PANELS = 2000  # of a density, beside ten for each at the start; only noise needs more
TOGETHER = 2**16  # panels that are made, or nodes that are evaluated, at once
FAR = 64.0  # scales from the centre, beyond which kinks do not matter
MASS_ERROR = 1e-7  # of the integral of p, beyond which peaks of p have been overlooked
NARROW = 1e-8  # scale beside the centre, below which floats cannot resolve p

Density = Callable[[np.ndarray, np.ndarray], np.ndarray]
Function = Callable[[np.ndarray], np.ndarray]


def mean_of(
    function: Function,
    density: Density,
    center: np.ndarray,
    scale: np.ndarray,
    kinks: np.ndarray,
) -> np.ndarray:
    """Compute the mean of ``function(z)`` under each of several densities.

    ``density(which, z)`` is the value at z of the density number ``which``, both of shape (n,);
    ``center`` and ``scale`` tell roughly where each has its mass. Panels end at ``kinks``, where
    the function is not smooth. If the integral of a density is not 1, peaks have been overlooked,
    and it is integrated again from smaller panels. A density so narrow that floats cannot resolve
    it is a point at its centre.
    """
    origin = function(center)  # what f differs from it by keeps its digits
    mean = origin.copy()
    which = np.flatnonzero(scale > NARROW * np.abs(center))
    failed = []
    for level in range(4):
        if not len(which):
            break
        size = 10 + 5 * level, 4**level
        wrong = []
        for block in row_blocks(len(which), (len(kinks) + 2 * size[0]) * size[1], TOGETHER):
            own = which[block]
            edges = _edges(center[own], scale[own], kinks, *size)
            mass, moment, settled = _integrate(function, density, own, origin[own], edges)
            # Without half of the mass, the centre tells more.
            usable = np.abs(mass - 1) < 0.5
            with np.errstate(over="ignore", invalid="ignore"):  # where f is infinite
                found = origin[own] + np.divide(moment, mass, where=usable, out=np.zeros(len(own)))
            mean[own] = np.where(usable & ~np.isnan(found), found, origin[own])
            off = ~(np.abs(mass - 1) < MASS_ERROR)
            wrong.append(own[off & settled])
            failed.append(own[off & ~settled])
        which = np.concatenate(wrong)
    which = np.concatenate([which, *failed])
    if len(which):
        warnings.warn(
            f"{len(which)} conditional densities have peaks too narrow beside their width to be "
            "integrated; the means given are approximate.",
            UserWarning,
            stacklevel=2,
        )
    return mean


def _edges(
    center: np.ndarray, scale: np.ndarray, kinks: np.ndarray, n_doublings: int, n_parts: int
) -> np.ndarray:
    """Return the ends of panels whose widths double outwards, cut at kinks and into equal parts.

    There is one sorted row of ends per density; some panels have no width.
    """
    positive = 2.0 ** np.arange(n_doublings)
    outwards = np.concatenate([-positive[::-1], [0.0], positive])
    near = np.clip(kinks, *(center + np.outer([-FAR, FAR], scale))[:, :, np.newaxis])
    ends = np.sort(np.hstack([center[:, np.newaxis] + np.outer(scale, outwards), near]), axis=1)
    parts = np.arange(n_parts) / n_parts
    cut = ends[:, :-1, np.newaxis] + np.diff(ends)[:, :, np.newaxis] * parts
    return np.hstack([cut.reshape(len(ends), -1), ends[:, -1:]])


def _integrate(
    function: Function, density: Density, which: np.ndarray, origin: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Integrate ``p`` and ``(f - origin) p``, and tell which densities settled in bounded work."""

    def rule(place: np.ndarray, left: np.ndarray, width: np.ndarray) -> np.ndarray:
        z = left[:, np.newaxis] + width[:, np.newaxis] * (NODES + 1) / 2
        p = density(np.repeat(which[place], len(NODES)), z.ravel()).reshape(z.shape)
        deviation = function(z.ravel()).reshape(z.shape) - origin[place, np.newaxis]
        with np.errstate(over="ignore", invalid="ignore"):
            weighted = np.where(p > 0, p * deviation, 0.0)  # also where f is infinite
            return width / 2 * np.stack([p @ WEIGHTS, weighted @ WEIGHTS])

    def rules(place: np.ndarray, left: np.ndarray, width: np.ndarray) -> np.ndarray:
        blocks = row_blocks(len(place), len(NODES), TOGETHER)
        parts = [rule(place[b], left[b], width[b]) for b in blocks]
        return np.concatenate([np.empty((2, 0)), *parts], axis=1)

    place, panel = np.nonzero(np.diff(edges))
    left, width = edges[place, panel], np.diff(edges)[place, panel]
    whole = rules(place, left, width)
    total = np.zeros((2, len(which)))
    size = np.zeros_like(total)  # grows when halving finds a peak that had been overlooked
    left_over = MOST_PANELS + 10.0 * np.bincount(place, minlength=len(which))
    for _ in range(N_HALVINGS):
        width = np.repeat(width / 2, 2)
        left = np.repeat(left, 2)
        left[1::2] += width[1::2]
        place = np.repeat(place, 2)
        halves = rules(place, left, width)
        both = halves[:, ::2] + halves[:, 1::2]
        size = np.maximum(size, _sums(np.abs(both), place[::2], len(which)))
        with np.errstate(invalid="ignore"):
            error = np.abs(both - whole)
        settled = ~(error > TOLERANCE * size[:, place[::2]]).any(axis=0)  # also if not a number
        left_over -= np.bincount(place, minlength=len(which))
        done = settled | (left_over < 0)[place[::2]]
        total += _sums(both[:, done], place[::2][done], len(which))
        if done.all():
            break
        going = np.repeat(~done, 2)
        place, left, width, whole = place[going], left[going], width[going], halves[:, going]
    else:
        total += _sums(halves[:, going], place, len(which))
        left_over[place] = -1
    return total[0], total[1], left_over >= 0


def _sums(values: np.ndarray, place: np.ndarray, n: int) -> np.ndarray:
    return np.stack([np.bincount(place, row, minlength=n) for row in values])
