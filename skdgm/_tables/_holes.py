"""Tables in which some values stand for missing cells, such as -1 or "?"."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._arrays import with_missing
from ._cells import Sentinels
from ._sources import Source
from ._write import OBJECT


def with_holes(X: Any, missing_values: Any, name: str = "X") -> Any:
    """Return a table of the same kind, in which cells that stand for missing ones are missing.

    Parameters
    ----------
    X : array, frame or sparse matrix of shape (n_rows, n_columns)
        A table of any kind; it stays as it is. Lists become arrays.
    missing_values : number, str or list of these
        What stands for a missing cell, among cells of its own sort.
    name : str, default="X"
        Name of the argument, for errors.

    Returns
    -------
    X : array, frame or sparse matrix
        X itself if nothing in it stands for a missing cell.
    """
    sentinels = Sentinels(missing_values)
    if not (sentinels.text or sentinels.numbers):
        return X
    if sparse.issparse(X):
        return _sparse_with_holes(X, sentinels, name)
    source = Source.of(X, name)
    if source is None:
        return X
    columns = range(len(source.columns))
    if source.kind == "array" and source.native.dtype.kind in "iuf":
        mask = sentinels.among(source.native)
    else:
        mask = np.column_stack([source.cells(place, sentinels, name).missing for place in columns])
    return _with_holes_at(X, source, mask, name)


def without_cells(X: Any, mask: np.ndarray, name: str = "X") -> Any:
    """Return a dense table of the same kind, in which the cells of a mask are missing."""
    return _with_holes_at(X, Source.of(X, name), mask, name)


def _with_holes_at(X: Any, source: Any, mask: np.ndarray, name: str) -> Any:
    if not mask.any():
        return X
    if source.kind in ("array", "rows"):
        return _array_with_holes(source.native, mask, name)
    return FRAMES[source.kind](source.native, mask)


def _sparse_with_holes(X: Any, sentinels: Sentinels, name: str) -> Any:
    if 0 in sentinels.numbers:
        raise ValueError(
            f"missing_values holds 0, which a sparse {name} does not store; give a dense {name}, "
            "or mark missing cells by NaN."
        )
    X = X.tocsr()
    mask = sentinels.among(X.data)
    if not mask.any():
        return X
    data = with_missing(X.data, mask, name, "")
    return type(X)((data, X.indices, X.indptr), shape=X.shape)


def _array_with_holes(X: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
    if isinstance(X, np.ma.MaskedArray):
        return np.ma.masked_where(mask, X)
    if X.dtype.kind in "iuf":
        return with_missing(X, mask, name, "")
    X = X.astype(OBJECT)
    X[mask] = None
    return X


def _pandas_with_holes(frame: Any, mask: np.ndarray) -> Any:
    frame = frame.copy()
    for place in np.flatnonzero(mask.any(axis=0)):
        frame.isetitem(place, frame.iloc[:, place].mask(mask[:, place]))
    return frame


def _polars_with_holes(frame: Any, mask: np.ndarray) -> Any:
    import polars as pl

    return frame.with_columns(
        pl.when(pl.Series(~mask[:, place])).then(pl.col(name)).alias(name)
        for place, name in enumerate(frame.columns)
        if mask[:, place].any()
    )


def _arrow_with_holes(table: Any, mask: np.ndarray) -> Any:
    import pyarrow as pa

    for place in np.flatnonzero(mask.any(axis=0)):
        column = table.column(int(place))
        places = np.where(mask[:, place], -1, np.arange(len(mask)))
        kept = column.take(pa.array(places, mask=places < 0))
        table = table.set_column(int(place), table.column_names[place], kept)
    return table


FRAMES = {
    "pandas": _pandas_with_holes,
    "polars": _polars_with_holes,
    "pyarrow": _arrow_with_holes,
}
