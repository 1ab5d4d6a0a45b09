"""Images of intervals under a map by column."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._engine.regions import Interval, Regions
from ._maps import InvertibleMap


def images_of_intervals(
    own_map: InvertibleMap, regions: Regions, n_columns: int
) -> dict[int, Interval]:
    """Return the images of intervals of some columns.

    What lies below the domain of a map is as far down as can be, and so on above.
    """
    within: dict[int, Any] = {}
    inside = own_map.inverse(np.array([[0.0], [1.0]]) * np.ones(n_columns))
    for column, region in regions.items():
        assert isinstance(region, Interval)
        ends = np.array([region.low, region.high])
        table = np.full((2, n_columns), np.nan)
        table[:, column] = np.where(np.isfinite(ends), ends, np.nan)
        with np.errstate(all="ignore"):
            image = own_map.forward(table)[0][:, column]
        rising = inside[1, column] >= inside[0, column]
        beyond = np.where((ends > inside[0, column]) == rising, np.inf, -np.inf)
        within[column] = Interval(*np.sort(np.where(np.isfinite(image), image, beyond)).tolist())
    return within
