"""Columns as a user passed them, with values in place of missing cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._cells import Cells
from ._write import OBJECT, write_column


def fill_column(
    column: Any, cells: Cells, native: Any, numbers: np.ndarray, kind: str, is_own_kind: bool
) -> Any:
    """Return a column of a library with numbers, as the schema's column reads them, filled in.

    Parameters
    ----------
    column : SchemaColumn
        What the numbers mean.
    cells : Cells
        The cells of the native column.
    native : object
        The column as the user passed it.
    numbers : ndarray of shape (n_rows,)
        Numbers, of which those in missing cells are used.
    kind : str
        The library of the native column.
    is_own_kind : bool
        True if the schema's column is of the same library.

    Returns
    -------
    filled : object
        The column, in the dtype of the native one if that holds the values.
    """
    missing = cells.missing
    own = column.like(
        dtype=cells.dtype, cell=cells.cell or column.cell, mark=cells.mark, zone=cells.zone
    )
    if missing.all():
        own = own.like(zone=column.zone)
    tried = [own, *([column] if is_own_kind else []), own.like(dtype=None)]
    new = None
    for way in tried:
        try:
            new = write_column(way, numbers[missing], kind)
            break
        except _refusals(kind):
            if way is tried[-1]:
                raise
    if missing.all():
        return new
    return MERGES[kind](native, missing, new)


def _refusals(kind: str) -> tuple[type[Exception], ...]:
    """Return what a library raises about values that a dtype does not hold."""
    if kind == "polars":
        import polars as pl

        return KeyError, TypeError, ValueError, pl.exceptions.PolarsError
    if kind == "pyarrow":
        import pyarrow as pa

        return KeyError, TypeError, ValueError, pa.ArrowException
    return KeyError, TypeError, ValueError


def _places(missing: np.ndarray) -> np.ndarray:
    """Return where each row is among the observed ones, followed by the missing ones."""
    places = np.empty(len(missing), dtype=np.intp)
    n_observed = int((~missing).sum())
    places[~missing] = np.arange(n_observed)
    places[missing] = np.arange(n_observed, len(missing))
    return places


def merge_numpy(native: np.ndarray, missing: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return an array with new values in place of missing ones."""
    native = np.asarray(native)
    dtype = native.dtype
    if new.dtype != dtype:
        kinds = {dtype.kind, new.dtype.kind}
        is_alike = kinds <= set("iuf") or kinds in ({"M"}, {"m"})
        dtype = np.result_type(dtype, new.dtype) if is_alike else OBJECT
    merged = native.astype(dtype)
    merged[missing] = new
    return merged


def merge_pandas(native: Any, missing: np.ndarray, new: Any) -> Any:
    """Return an array of pandas with new values in place of missing ones."""
    import pandas as pd

    if isinstance(native.dtype, np.dtype) and isinstance(new, np.ndarray):
        return merge_numpy(native.to_numpy(), missing, new)
    parts = [native[~missing], pd.Series(new, dtype=new.dtype)]
    return pd.concat(parts, ignore_index=True).array.take(_places(missing))


def merge_polars(native: Any, missing: np.ndarray, new: Any) -> Any:
    """Return a Series of polars with new values in place of missing ones."""
    import polars as pl

    observed = native.filter(pl.Series(~missing)).alias("")
    if observed.dtype == new.dtype == pl.Categorical:  # whose codes may differ
        observed, new = observed.cast(pl.String), new.cast(pl.String)
        return pl.concat([observed, new.alias("")]).gather(_places(missing)).cast(native.dtype)
    parts = [observed.to_frame(), new.alias("").to_frame()]
    how = "vertical" if observed.dtype == new.dtype else "vertical_relaxed"
    return pl.concat(parts, how=how).to_series().gather(_places(missing))


def merge_arrow(native: Any, missing: np.ndarray, new: Any) -> Any:
    """Return a column of pyarrow with new values in place of missing ones."""
    import pyarrow as pa

    observed = native.filter(pa.array(~missing))
    parts = [pa.table([observed], names=["_"]), pa.table([new], names=["_"])]
    merged = pa.concat_tables(parts, promote_options="permissive").unify_dictionaries()
    return merged.column(0).take(pa.array(_places(missing)))


MERGES = {
    "array": merge_numpy,
    "rows": merge_numpy,
    "pandas": merge_pandas,
    "polars": merge_polars,
    "pyarrow": merge_arrow,
}
