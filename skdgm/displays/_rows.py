"""Rows of tables as frames of pandas, of which pictures show some columns as points or bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._tables import as_pandas
from .._validation import shown
from ..density._engine.columns import column_index

# Of the palette of Okabe and Ito, safe for colour blindness.
FIRST, SECOND, LINE = "#0072B2", "#D55E00", "#000000"
MOST_POINTS = 1000


def frame_of(X: Any, estimator: Any = None, name: str = "X") -> Any:
    """Return a table as a frame, with the names that an estimator knows, if one is given."""
    if len(np.shape(X)) != 2:
        raise ValueError(f"{name} must be a table of two dimensions, got {shown(X)}.")
    frame = as_pandas(X, "A picture of a table")
    if not len(frame):
        raise ValueError(f"{name} must hold one row or more, got none.")
    n_columns = getattr(estimator, "n_features_in_", frame.shape[1])
    if frame.shape[1] != n_columns:
        raise ValueError(
            f"{name} has {frame.shape[1]} columns, but {type(estimator).__name__} was fitted to "
            f"{n_columns}; pass the same columns."
        )
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        if hasattr(X, "columns") and list(frame.columns) != list(names):
            raise ValueError(
                f"{name} must have the columns to which {type(estimator).__name__} was fitted, in "
                f"their order: {', '.join(map(repr, list(names)))}."
            )
        frame.columns = names
    return frame


def places_of(columns: Any, frame: Any, n_columns: int | None = None) -> list[int]:
    """Return the places of columns that are asked for by index or name, each of them once."""
    if isinstance(columns, str | int | np.integer):
        raise TypeError(
            f"columns must be a list of columns, got {shown(columns)}; pass [{shown(columns)}]."
        )
    names = frame.columns.to_numpy() if frame.columns.inferred_type == "string" else None
    places = [column_index(column, frame.shape[1], names) for column in columns]
    amount = "at least one column" if n_columns is None else f"{n_columns} columns"
    right = bool(places) if n_columns is None else len(places) == n_columns
    if not right or len(set(places)) < len(places):
        raise ValueError(f"columns must name {amount}, and none twice; got {shown(list(columns))}.")
    return places


def is_measured(column: Any) -> bool:
    """Return whether a column of a frame holds numbers, dates or durations."""
    from pandas.api import types

    is_number = types.is_numeric_dtype(column.dtype) and not types.is_bool_dtype(column.dtype)
    return is_number or types.is_datetime64_any_dtype(column.dtype) or column.dtype.kind == "m"


def numbers_of(column: Any) -> np.ndarray:
    """Return numbers as floats, dates as ``datetime64`` without zone, and durations in days."""
    from pandas.api import types

    if types.is_datetime64_any_dtype(column.dtype):
        zone = getattr(column.dt, "tz", None)
        plain = column if zone is None else column.dt.tz_localize(None)
        return plain.to_numpy(dtype="datetime64[us]")
    if column.dtype.kind == "m":
        return (column.dt.total_seconds() / 86_400).to_numpy(dtype=np.float64)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def some_rows(n_rows: int) -> np.ndarray:
    """Return the places of the rows that are drawn as points, evenly spread."""
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, MOST_POINTS)).astype(np.intp))


def format_dates(axis: Any) -> None:
    """Write few short dates along an axis of matplotlib."""
    from matplotlib import dates

    locator = dates.AutoDateLocator(minticks=2, maxticks=4)
    axis.set_major_locator(locator)
    axis.set_major_formatter(dates.ConciseDateFormatter(locator))


def check_fitted(estimator: Any, methods: Sequence[str], argument: str) -> None:
    """Raise a TypeError if an argument lacks methods of a density."""
    if isinstance(estimator, type) or not all(hasattr(estimator, name) for name in methods):
        raise TypeError(
            f"{argument} must be a fitted estimator with {' and '.join(methods)}, got "
            f"{shown(estimator)}."
        )
