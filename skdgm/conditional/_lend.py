"""The warning about a class that has no value in a column."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_NAMED = 5  # columns in a warning


def warn_of_lacking(lacking: Sequence[tuple[Any, np.ndarray]], names: np.ndarray | None) -> None:
    """Warn about the classes (labels) and columns for which the values of all rows stand in."""
    places = [
        f"column {column}{'' if names is None else f' ({names[column]!r})'} in the rows of class "
        f"{label!r}"
        for label, columns in lacking
        for column in columns.tolist()
    ]
    if len(places) > MOST_NAMED:
        places[MOST_NAMED:] = [f"{len(places) - MOST_NAMED} more"]
    listed = " and ".join(filter(None, [", ".join(places[:-1]), places[-1]]))
    warnings.warn(
        f"X has no observed value in {listed}. The values of all rows stand in, so that the column "
        "does not speak for or against the class; give the class values there, or leave the "
        "column out.",
        UserWarning,
        stacklevel=2,
    )
