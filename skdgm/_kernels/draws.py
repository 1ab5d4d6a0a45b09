"""The draw that kernels of several families share."""

from ._compile import kernel


@kernel(inline="always")
def draw_index(weights, uniform):
    """Return an index with probability proportional to its weight, never one of weight zero.

    It is the first at which the summed weights exceed the uniform number times their sum.
    """
    total = 0.0
    for index in range(len(weights)):
        total += weights[index]
    below, drawn, target = 0.0, 0, uniform * total
    for index in range(len(weights)):
        if weights[index] > 0.0:
            below += weights[index]
            drawn = index
            if below > target:
                break
    return drawn
