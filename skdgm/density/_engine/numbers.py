"""Columns of numbers as parameters describe them: their kinds, and the steps of rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._codes import as_exact_floats
from ..._validation import ColumnError, shown
from .learned_steps import rounding_step
from .margins import distinct_values

LARGEST_COUNT = 1e12  # for which log-probabilities keep the digits after the point
LARGEST, LEAST_EXTENT = 1e145, 1e-145  # so that squares neither overflow nor underflow


def check_sizes(X: np.ndarray, columns: np.ndarray) -> None:
    """Raise a ColumnError if squares of a column's values overflow, or those of differences vanish.

    ``columns`` is a mask of the columns to check, each of which has an observed value.
    """
    lowest, highest = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    with np.errstate(over="ignore"):
        too_near = (lowest < highest) & (highest - lowest < LEAST_EXTENT)
    too_large = np.maximum(-lowest, highest) > LARGEST
    refuse_sizes(too_near & columns, too_large & columns, lowest, highest)


def refuse_sizes(
    too_near: np.ndarray, too_large: np.ndarray, lowest: np.ndarray, highest: np.ndarray
) -> None:
    """Raise a ColumnError about the first column in a mask, if there is one.

    ``lowest`` and ``highest`` are the ends of the columns' values.
    """
    if not (too_near.any() or too_large.any()):
        return
    column = int((too_near | too_large).argmax())
    low, high = lowest[column], highest[column]
    raise ColumnError(
        "{table} holds values {seen} in {column}, whose squares cannot be computed with; scale the "
        "column first, for example with sklearn.preprocessing.StandardScaler.",
        column,
        {
            "seen": f"that differ by {high - low:g} at most"
            if too_near[column]
            else f"up to {max(-low, high):g}"
        },
    )


def checked_kinds(kinds: Any, known: tuple[str, ...], n_columns: int) -> np.ndarray:
    """Return the kind of each column, from one for all or one for each."""
    given = np.asarray(kinds)
    if given.shape not in [(), (n_columns,)] or not np.isin(given, known).all():
        raise ValueError(
            f"kinds must be one of {', '.join(map(repr, known))}, or a list of {n_columns} of "
            f"them, one per column; got {shown(kinds)}."
        )
    return np.broadcast_to(given, (n_columns,))


def rounding_of(X: np.ndarray, weight: np.ndarray | None, rounding: Any) -> np.ndarray:
    """Return the step to which each column is rounded: as given, or None to find it."""
    if rounding is None:
        return np.array([rounding_step(*distinct_values(column, weight)) for column in X.T])
    return checked_rounding(rounding, X.shape[1])


def checked_rounding(rounding: Any, n_columns: int) -> np.ndarray:
    """Return the given steps of rounding as an array."""
    given = np.asarray(rounding, dtype=np.float64)
    if given.shape != (n_columns,) or not (np.isfinite(given) & (given >= 0)).all():
        raise ValueError(
            f"rounding must hold {n_columns} steps, one per column, of 0 or more; got "
            f"{shown(rounding)}."
        )
    return given


def check_same_grey_levels(first: bool, other: bool) -> None:
    """Raise a ValueError if one block of rows holds nothing but grey levels, and another does."""
    if first != other:
        raise ValueError(
            "X holds nothing but fractions between 0 and 1 in some blocks of rows, which are read "
            "as grey levels, and other values in others; binarize X first, or leave fractions out."
        )


def read_numbers(X: Any, is_count: np.ndarray) -> np.ndarray:
    """Return X as floats, of which the columns of counts hold integers."""
    X = np.asarray(as_exact_floats(X), dtype=np.float64)
    counts = X[:, is_count]
    with np.errstate(invalid="ignore"):
        wrong = ~np.isnan(counts) & (counts != np.floor(counts))
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        raise ColumnError(
            '{column} of {table} holds {value:g} in row {row}, but a column of the kind "count" '
            'must hold integers; round it, or make its kind "continuous".',
            int(np.flatnonzero(is_count)[place]),
            {"value": float(counts[row, place]), "row": int(row)},
        )
    check_largest_count(X, is_count)
    return X


def check_largest_count(X: np.ndarray, is_count: np.ndarray) -> None:
    """Raise a ColumnError if a column of counts holds one too large to tell from the next."""
    highest = np.fmax.reduce(np.abs(X), axis=0, initial=0.0)
    too_large = (highest > LARGEST_COUNT) & is_count
    if too_large.any():
        column = int(too_large.argmax())
        raise ColumnError(
            "{table} holds the count {value:g} in {column}, but log-probabilities of counts beyond "
            "{most:g} are lost in rounding; count in a larger unit, or put a GaussianDensity on "
            "the column in a block of a ColumnDensity.",
            column,
            {"value": highest[column], "most": LARGEST_COUNT},
        )
