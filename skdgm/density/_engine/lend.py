"""Values for a part of the rows that has none in a column: quantiles of those of all rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..._validation import observed_columns
from .blocks import ones_if_none


def lacking_columns(
    X: np.ndarray, rows_of_parts: Sequence[np.ndarray]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each part that lacks values, and the columns in which only other rows have some."""
    somewhere = None
    for part, rows in enumerate(rows_of_parts):
        if not len(rows):
            continue
        lacks = ~observed_columns(X, rows)
        if lacks.any():
            somewhere = observed_columns(X) if somewhere is None else somewhere
            columns = np.flatnonzero(lacks & somewhere)
            if columns.size:
                yield part, columns


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
