"""Tables of which rows are taken, and tables that get further rows."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing

from ._frames import as_frame, as_series, is_pandas
from ._schema import Schema


def rows_at(table: Any, places: np.ndarray) -> Any:
    """Return some rows of a table or a column, in its own kind; those of pandas count from 0."""
    frame = as_frame(table)
    rows = as_series(table) if frame is None else frame
    if rows is None:
        return _safe_indexing(table, places)
    if is_pandas(rows):
        return rows.iloc[places].reset_index(drop=True)
    return rows[places.tolist()].to_native()


def below(table: Any, others: Any) -> Any:
    """Return a table with further rows of its own kind, or an array of them if it has no frame."""
    if sparse.issparse(table):
        make = type(table)  # old versions of SciPy stack arrays to matrices
        return make(sparse.vstack([table, make(others)], table.format, table.dtype))
    frame = as_frame(table)
    if frame is None:
        if isinstance(table, list | tuple):
            return [*table, *others.tolist()]
        join = np.ma.concatenate if isinstance(table, np.ma.MaskedArray) else np.concatenate
        return join([table, others])
    if is_pandas(frame):
        import pandas as pd

        return pd.concat([frame, others], ignore_index=True)
    import narwhals.stable.v2 as nw

    return nw.concat([frame, as_frame(others)]).to_native()


def rows_like(X: Any, numbers: np.ndarray) -> Any:
    """Return rows of a table of the kind of X, with its names and dtypes.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        A table that ``read_table`` reads.
    numbers : ndarray of shape (n_rows, n_features)
        Its numbers. In a column of integers they are rounded and kept within the range of the
        dtype, and in one of booleans or categories, which are then numbers, the nearest of these
        takes their place.

    Returns
    -------
    rows : array or frame
        The rows; an array if X is sparse or holds lists.
    """
    if sparse.issparse(X):
        return numbers
    schema = Schema.learn(X)
    table = np.array(numbers, dtype=np.float64)
    for cells, column in zip(table.T, schema.columns, strict=True):
        integer = re.search(r"u?int(8|16|32|64)\b", str(column.dtype).lower())  # of any library
        if column.role == "label":
            cells[:] = _nearest(np.array(column.labels, dtype=np.float64), cells)
        elif integer:
            held = np.iinfo(integer.group())
            np.clip(cells, held.min, np.nextafter(held.max, 0.0), out=cells)
    return schema.write(table)


def _nearest(labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the places of the labels that are nearest to numbers."""
    order = np.argsort(labels)
    middles = (labels[order][1:] + labels[order][:-1]) / 2
    return order[np.searchsorted(middles, numbers)]
