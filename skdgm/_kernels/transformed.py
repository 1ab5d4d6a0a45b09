"""Means of functions under normal densities, from values at the nodes of cells."""

import numpy as np

from ._compile import kernel


@kernel(fastmath={"reassoc", "nsz", "contract"})
def means_from_cells(
    key, center, scale, known, left, width, first, n_sides, values, points, weights, mean
):
    """Divide the sum of ``p value`` over nodes by that of ``p`` for each normal.

    ``known`` holds the ascending keys of the cells in which centres lie, ``left`` and ``width``
    where these are, and ``first`` the row of ``values`` of the first of ``2 n_sides + 1`` cells in
    a row. Nodes are ``points`` of each cell, from 0 to 1. At the next cell, a width a further in
    standard deviations, ``p = exp(-t**2 / 2)`` is greater by ``exp(-a t - a**2 / 2)``, and that
    factor by ``exp(-a**2)``.
    """
    n_points = len(points)
    p, factor = np.empty((2, n_points)), np.empty((2, n_points))
    for i in range(len(center)):
        low, high = 0, len(known)
        while high - low > 1:
            half = (low + high) // 2
            if known[half] <= key[i]:
                low = half
            else:
                high = half
        middle = first[low] + n_sides[low]
        a = width[low] / scale[i]
        start = (left[low] - center[i]) / scale[i]
        bend = np.exp(-a * a)
        origin = values[middle, 0]
        mass, moment = 0.0, 0.0
        for j in range(n_points):
            t = start + a * points[j]
            p[0, j] = weights[j] * np.exp(-0.5 * t * t)
            p[1, j] = p[0, j]
            factor[0, j] = np.exp(-a * t - 0.5 * a * a)
            factor[1, j] = bend / factor[0, j]
            mass += p[0, j]
            moment += p[0, j] * (values[middle, j] - origin)
        for side in range(1, n_sides[low] + 1):
            for j in range(n_points):
                p[0, j] *= factor[0, j]
                factor[0, j] *= bend
                p[1, j] *= factor[1, j]
                factor[1, j] *= bend
                mass += p[0, j] + p[1, j]
                moment += p[0, j] * (values[middle + side, j] - origin)
                moment += p[1, j] * (values[middle - side, j] - origin)
        mean[i] = origin + moment / mass
