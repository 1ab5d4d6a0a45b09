"""Values for a class that has none in a column: quantiles of those that all rows have there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._codes import missing_cells
from ..density._engine.blocks import ones_if_none

MOST_NAMED = 5  # columns in a warning


def lacking_columns(
    X: np.ndarray, rows_of_classes: Sequence[np.ndarray]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each class that lacks values, and the columns in which only other classes have some."""
    if X.dtype.kind != "f" or not np.isnan(np.min(X)):
        return
    missing = missing_cells(X)
    somewhere = ~missing.all(axis=0)
    for c, rows in enumerate(rows_of_classes):
        if len(rows):
            columns = np.flatnonzero(missing[rows].all(axis=0) & somewhere)
            if columns.size:
                yield c, columns


def with_lent_values(
    X: np.ndarray, rows: np.ndarray, columns: np.ndarray, weight: np.ndarray | None = None
) -> np.ndarray:
    """Return some rows of X, with values in the columns where they have none.

    These are quantiles of the observed values of all rows, evenly spaced in weight, so that the
    columns are distributed as in all rows. Their order is pseudo-random, always the same for the
    same rows in any order: it lets columns depend on no others.
    """
    weight = ones_if_none(weight, len(X))
    lent = X[rows]
    sorted_rows = np.lexsort((weight[rows], *np.nan_to_num(lent, nan=np.inf).T))
    for column in columns.tolist():
        observed = np.flatnonzero(~np.isnan(X[:, column]))
        observed = observed[np.argsort(X[observed, column], kind="stable")]
        up_to = np.cumsum(weight[observed])
        order = sorted_rows[np.random.default_rng(column).permutation(len(rows))]
        own = weight[rows][order]
        share = (np.cumsum(own) - own / 2) / own.sum()
        place = np.minimum(np.searchsorted(up_to, share * up_to[-1]), len(observed) - 1)
        lent[order, column] = X[observed[place], column]
    return lent


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
