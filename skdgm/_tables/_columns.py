"""Tables of which columns are taken away, put back, or stood beside others."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._frames import as_frame, is_pandas
from ._sources import Source


def columns_at(X: Any, places: np.ndarray) -> Any:
    """Return some columns of a table, as a table of its own kind; lists become arrays."""
    source = Source.of(X, "X")
    if source is None:
        return X[:, places]
    if source.kind == "pandas":
        return source.native.iloc[:, places]
    if source.kind in ("array", "rows"):
        return source.native[:, places]
    assert source.names is not None
    return source.native.select([source.names[place] for place in places])


def with_empty_columns(table: Any, X: Any, kept: np.ndarray) -> Any:
    """Return a table with the columns of X that it lacks, in which nothing is observed.

    Parameters
    ----------
    table : array or frame
        Columns of X.
    X : array or frame
        The table that they are of.
    kept : ndarray of shape (n_columns,)
        Mask of the columns of X that the table has.

    Returns
    -------
    table : array or frame
        All columns: 0 in empty columns of numbers, missing cells in others.
    """
    frame = as_frame(table)
    if frame is None:
        dense = table.toarray() if sparse.issparse(table) else table
        full = np.zeros((dense.shape[0], len(kept)), dtype=dense.dtype)
        full[:, kept] = dense
        return full
    if is_pandas(frame):
        full = as_frame(X).copy()
        for own, place in enumerate(np.flatnonzero(kept)):
            full.isetitem(place, frame.iloc[:, own])
        for place in np.flatnonzero(~kept):
            if full.dtypes.iloc[place].kind in "iuf":
                full.isetitem(place, full.iloc[:, place].fillna(0))
        return full
    import narwhals.stable.v2 as nw

    empty = [
        nw.col(name).fill_null(0) if dtype.is_numeric() else nw.col(name)
        for (name, dtype), own in zip(as_frame(X).schema.items(), kept, strict=True)
        if not own
    ]
    full = as_frame(X).with_columns(*(frame.get_column(name) for name in frame.columns), *empty)
    return full.to_native()


def beside(table: Any, others: Any, names: np.ndarray) -> Any:
    """Return a table with further columns, an array, that get these names in a frame."""
    if sparse.issparse(table):
        return sparse.hstack([table, others], format="csr")
    frame = as_frame(table)
    if frame is None:
        others = others.toarray() if sparse.issparse(others) else others
        return np.hstack([table, others.astype(table.dtype)])
    if is_pandas(frame):
        import pandas as pd

        return pd.concat([frame, pd.DataFrame(others, frame.index, names)], axis=1)
    import narwhals.stable.v2 as nw

    space = nw.get_native_namespace(frame)
    pairs = zip(map(str, names), others.T, strict=True)
    columns = [nw.new_series(name, own.tolist(), backend=space) for name, own in pairs]
    return frame.with_columns(*columns).to_native()
