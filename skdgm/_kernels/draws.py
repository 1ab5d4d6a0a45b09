"""The draw that kernels of several families share.

A compiled kernel in the cache does not notice changes to what it calls in another file: after a
change here, delete the ``__pycache__`` of this folder.
"""

from numba import njit


@njit(nogil=True, cache=True, inline="always")
def draw_index(weights, uniform):
    """Return an index with probability proportional to its weight, never one of weight zero.

    It is the first at which the summed weights exceed the uniform number times their sum.
    """
    below, drawn, target = 0.0, 0, uniform * weights.sum()
    for index in range(len(weights)):
        if weights[index] > 0.0:
            below += weights[index]
            drawn = index
            if below > target:
                break
    return drawn
