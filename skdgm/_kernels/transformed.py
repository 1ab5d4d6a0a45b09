"""Sums over nodes on the real line, with a normal density as weight."""

import numpy as np

from ._compile import kernel


@kernel(fastmath={"reassoc", "nsz", "contract"})
def add_under_normals(node, weight, value, first, last, center, scale, origin, mass, moment):
    """Sum ``p`` and ``p (value - origin)`` over nodes ``first`` to ``last`` of each normal.

    p is ``weight exp(-((node - center) / scale)**2 / 2)``.
    """
    for i in range(len(center)):
        own_mass, own_moment = 0.0, 0.0
        middle, start, inverse = center[i], origin[i], 1.0 / scale[i]
        for q in range(first[i], last[i]):
            t = (node[q] - middle) * inverse
            p = weight[q] * np.exp(-0.5 * t * t)
            own_mass += p
            own_moment += p * (value[q] - start)
        mass[i], moment[i] = own_mass, own_moment
