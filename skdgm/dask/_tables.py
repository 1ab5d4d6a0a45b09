"""Dask arrays and frames as tasks: one for each block of rows, with its labels and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dask
import numpy as np

from .._validation import shown
from ._scheduler import Scheduler

ROWS = 64  # that are looked at before all others


class Block(NamedTuple):
    """Some of the rows, as they came."""

    number: int
    X: Any
    y: Any
    weight: Any


def blocks_of(X: Any, y: Any, sample_weight: Any, scheduler: Scheduler) -> list[Any]:
    """Return a task for each block of rows, with what belongs to these.

    Labels and weights are Dask arrays or columns in as many blocks, or arrays in memory.
    """
    tables = row_blocks(X)
    columns = [
        _cut(column, name, X, tables, scheduler)
        for column, name in ((y, "y"), (sample_weight, "sample_weight"))
    ]
    make = dask.delayed(Block, pure=False)
    return [make(number, *parts) for number, parts in enumerate(zip(tables, *columns, strict=True))]


def row_blocks(X: Any) -> list[Any]:
    """Return a task for each block of rows of X."""
    check_of_dask(X)
    if is_array(X):
        return list(X.rechunk({1: -1}).to_delayed().ravel())
    return list(X.to_delayed())


def check_of_dask(X: Any) -> None:
    """Raise a TypeError unless X is a Dask array or frame of two dimensions."""
    if not (hasattr(X, "to_delayed") and getattr(X, "ndim", None) == 2):
        raise TypeError(
            f"X must be a Dask array or frame of two dimensions, got {shown(X)}; make one by "
            "dask.array.from_array or dask.dataframe.from_pandas, or call the method of the "
            "estimator for tables in memory."
        )


def is_array(X: Any) -> bool:
    """Return whether X is a Dask array, not a frame."""
    return hasattr(X, "rechunk")


def lengths_of(X: Any) -> tuple[float, ...]:
    """Return the number of rows of each block, NaN where it is not known."""
    return X.chunks[0] if is_array(X) else (np.nan,) * X.npartitions


def _cut(
    column: Any, name: str, X: Any, tables: Sequence[Any], scheduler: Scheduler
) -> Sequence[Any]:
    """Return the part of a column that belongs to each block of rows."""
    if column is None:
        return [None] * len(tables)
    if np.ndim(column) != 1:
        raise ValueError(
            f"{name} must have one dimension and a value for each row of X, got {shown(column)}."
        )
    if hasattr(column, "to_delayed"):
        if is_array(column) and is_array(X) and not np.isnan([*lengths_of(X), *column.shape]).any():
            check_length(column.shape[0], sum(lengths_of(X)), name)
            column = column.rechunk((lengths_of(X),))
        parts = list(np.ravel(np.asarray(column.to_delayed(), dtype=object)))
        if len(parts) != len(tables):
            raise ValueError(
                f"{name} has {len(parts)} blocks and X {len(tables)}; cut both at the same rows, "
                "for example by rechunk or repartition."
            )
        return parts
    lengths: Any = lengths_of(X)
    if np.isnan(lengths).any():
        count = dask.delayed(len, pure=False)
        lengths = scheduler.compute(dask.delayed(list)([count(table) for table in tables]))
    ends = np.cumsum(lengths)
    check_length(len(column), ends[-1], name)
    rows = column.iloc if hasattr(column, "iloc") else np.asarray(column)
    return [rows[end - n : end] for end, n in zip(ends.tolist(), lengths, strict=True)]


def check_length(length: float, expected: float, name: str) -> None:
    """Raise a ValueError unless a column has a row for each row of X."""
    if length != expected:
        raise ValueError(f"{name} must have as many rows as X, {expected}; it has {length}.")


def first_rows(tables: Sequence[Any], scheduler: Scheduler) -> Any:
    """Return the first rows of a table, as it came."""
    head = dask.delayed(_head, pure=False)
    for table in tables:
        rows = scheduler.compute(head(table))
        if len(rows):
            return rows
    raise ValueError("X has no rows, so that there is nothing to learn from.")


def _head(block: Block) -> Any:
    return block.X[:ROWS]
