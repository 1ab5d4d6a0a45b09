"""The step function that is learned from the values of a column.

Around each training value stands a box that reaches to its k-th nearest neighbour, wide where
values are rare and narrow where they are dense (the variable kernel estimate of Breiman, Meisel and
Purcell, 1977, with a box as its kernel). Boxes of several k, some of which end where the training
values end, are mixed in the proportions that make rows most probable under the boxes of all others.
"""

from __future__ import annotations

import numpy as np

from ..._kernels.steps import held_out_density, mixing_proportions, neighbour_distances
from .steps import EVERYWHERE, LOG_SQRT_2_PI, TINY, StepFunction

NEIGHBOURS = np.array([1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0])
WIDE = 2.0  # standard deviations of the column, for what lies outside
NARROWEST = 1e-9  # of a box, relative to the extent of the values
LARGEST = np.finfo(np.float64).max
SPACING = 8 * np.finfo(np.float64).eps  # of a box, relative to the size of the values
LITTLE = 2.0  # rows
MOST_OUTSIDE = 0.005  # weight of the normal part, if there are rows enough to know


def learn_steps(
    values: np.ndarray,
    weight: np.ndarray,
    rounding: float,
    support: tuple[float, float] = EVERYWHERE,
) -> StepFunction:
    """Learn the density of a column.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Distinct values, ascending.
    weight : ndarray of shape (n_values,)
        How many rows have each value.
    rounding : float
        The step to which values are rounded, for all of which a value stands: no box is narrower.
    support : tuple of two floats
        Numbers outside are impossible.

    Returns
    -------
    density : StepFunction
    """
    total = weight.sum()
    if total < LITTLE:  # which tells how values compare, not how many there are
        weight, total = weight * (len(values) / total), float(len(values))
    extent = values[-1] - values[0]
    size = max(np.abs(values[0]), np.abs(values[-1]), TINY)
    narrowest = max(rounding, NARROWEST * extent, SPACING * size)
    center = float(weight @ values / total)
    deviation = float(np.sqrt(weight @ (values - center) ** 2 / total))
    scale = max(WIDE * deviation, narrowest)
    ks = NEIGHBOURS[: max(1, np.searchsorted(NEIGHBOURS, total / 2, side="right"))]
    distances = np.empty((2 * len(ks), len(values)))
    neighbour_distances(values, weight, np.sort(np.concatenate([ks, ks + 1])), distances)
    half_widths = distances + narrowest / 2
    closed = (
        max(support[0], values[0] - narrowest / 2),
        min(support[1], values[-1] + narrowest / 2),
    )
    boxes = [
        (np.maximum(values - reach, low), np.minimum(values + reach, high))
        for low, high in (closed, support)
        for reach in half_widths
    ]
    densities = np.empty((len(boxes) // 2 + 1, len(values)))
    for own, box, without in zip(densities, boxes[::2], boxes[1::2], strict=False):
        held_out_density(values, weight, *box, *without, own)
    densities[-1] = np.exp(-(((values - center) / scale) ** 2) / 2 - LOG_SQRT_2_PI) / scale
    prior = np.full(len(densities), 1.0 / (len(densities) - 1))
    prior[-1] = 1.0
    proportion = mixing_proportions(densities, weight, prior, 1e-9, 200)
    most = max(MOST_OUTSIDE, 1 / (total + 2))
    if proportion[-1] > most:
        proportion[:-1] *= (1 - most) / (1 - proportion[-1])
        proportion[-1] = most
    return _sum_of_boxes(boxes[::2], proportion, weight, center, scale, support)


def _sum_of_boxes(
    boxes: list[tuple[np.ndarray, np.ndarray]],
    proportion: np.ndarray,
    weight: np.ndarray,
    center: float,
    scale: float,
    support: tuple[float, float],
) -> StepFunction:
    total = weight.sum()
    ends, rises = [], []
    for (low, high), share in zip(boxes, proportion[:-1], strict=True):
        height = share * weight / total / (high - low)
        ends += [low, high]
        rises += [height, -height]
    edges, place = np.unique(np.concatenate(ends), return_inverse=True)
    rise = np.bincount(place, weights=np.concatenate(rises), minlength=len(edges))
    height = np.maximum(np.cumsum(rise)[:-1], 0.0)
    height *= proportion[:-1].sum() / (height @ np.diff(edges))
    return StepFunction(edges, height, float(proportion[-1]), center, scale, support)


def rounding_step(values: np.ndarray, weight: np.ndarray) -> float:
    """Return the step to which a column's values are rounded: their smallest distance.

    It is 0 if no value occurs twice: then the numbers are not known to be rounded.
    """
    if len(values) < 2 or weight.sum() <= len(values):
        return 0.0
    with np.errstate(over="ignore"):  # what is too large is refused later
        gaps, extent = np.diff(values), min(values[-1] - values[0], LARGEST)
    return float(gaps[gaps > NARROWEST * extent].min())
