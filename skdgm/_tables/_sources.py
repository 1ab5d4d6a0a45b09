"""The columns of any table as they came: those of pandas, polars and pyarrow, and of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from ._arrays import array_of_rows
from ._cells import (
    Cells,
    Sentinels,
    array_cells,
    bool_cells,
    coded_cells,
    number_cells,
    object_cells,
    time_cells,
)
from ._errors import name_of_column, refuse_dtype
from ._frames import as_frame, as_series, is_pandas

UNITS = {"date32": "D", "date64": "ms"}


@dataclass(frozen=True, eq=False)
class Source:
    """A table as it came.

    Parameters
    ----------
    kind : {"array", "rows", "pandas", "polars", "pyarrow"}
        Whose table it is; "rows" are lists.
    native : object
        The table itself.
    names : list or None
        Names of the columns, None for those of an array.
    columns : list
        The columns, of the same library.
    """

    kind: str
    native: Any
    names: list[Any] | None
    columns: list[Any]

    @classmethod
    def of(cls, X: Any, name: str) -> Source | None:
        """Return the source of a table, or None if X is not a table of two dimensions."""
        if isinstance(X, Source):
            return X
        if isinstance(X, np.matrix) or sparse.issparse(X):
            return None  # scikit-learn refuses it
        frame = as_frame(X, name)
        if frame is None:
            return cls._of_array(X, name)
        if not is_pandas(frame):
            if frame.implementation.is_polars():
                native = frame.to_native()
                return cls("polars", native, native.columns, native.get_columns())
            if frame.implementation.is_pyarrow():
                native = frame.to_native()
                return cls("pyarrow", native, native.column_names, native.columns)
            frame = frame.to_pandas()
        columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
        return cls("pandas", frame, list(frame.columns), columns)

    @classmethod
    def _of_array(cls, X: Any, name: str) -> Source | None:
        array = array_of_rows(X, name)
        refuse_dtype(np.dtype(object) if array.dtype.kind in "USMm" else array.dtype, name)
        if array.ndim != 2:
            return None
        is_rows = isinstance(X, list | tuple) and not isinstance(array, np.ma.MaskedArray)
        if is_rows:  # NumPy makes numbers alike, and text of what stands beside text
            array = np.array(X, dtype=object)
        return cls("rows" if is_rows else "array", array, None, list(array.T))

    def cells(self, place: int, sentinels: Sentinels, name: str) -> Cells:
        """Return the cells of a column; ``name`` is that of the table, for errors."""
        column = self.columns[place]
        label = None if self.names is None else self.names[place]
        where = name_of_column(place, label)
        if self.kind == "pandas":
            return pandas_cells(column, sentinels, name, where)
        if self.kind == "polars":
            return polars_cells(column, sentinels)
        if self.kind == "pyarrow":
            return arrow_cells(column, sentinels)
        if isinstance(column, np.ma.MaskedArray):
            mask = np.ma.getmaskarray(column)
            return array_cells(np.asarray(column.data), sentinels, name, where, mask)
        return array_cells(column, sentinels, name, where)


def as_table(y: Any, name: str) -> Any:
    """Return a table as it is, and a column of any library as a table of one column."""
    series = as_series(y)
    if series is None:
        if isinstance(y, list | tuple):
            nested = any(isinstance(row, list | tuple | np.ndarray) for row in y)
            y = y if nested else np.array([*y, None], dtype=object)[:-1]
        return y[:, np.newaxis] if isinstance(y, np.ndarray) and y.ndim == 1 else y
    return series.to_frame() if is_pandas(series) else series.to_frame().to_native()


def pandas_cells(series: Any, sentinels: Sentinels, name: str, where: str) -> Cells:
    """Return the cells of a Series of pandas."""
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return array_cells(series.to_numpy(), sentinels, name, where)
    if isinstance(dtype, pd.ArrowDtype):
        cells = arrow_cells(series.array.__arrow_array__(), sentinels)
    elif isinstance(dtype, pd.StringDtype):
        codes, labels = series.factorize()
        return coded_cells(labels.tolist(), codes, codes < 0, sentinels, dtype)
    elif isinstance(dtype, pd.CategoricalDtype):
        labels, codes = dtype.categories.tolist(), series.cat.codes.to_numpy(dtype=np.intp)
        order = bool(dtype.ordered)
        return coded_cells(labels, codes, codes < 0, sentinels, dtype, declared=True, ordered=order)
    elif isinstance(dtype, pd.DatetimeTZDtype):
        in_utc = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return time_cells(in_utc, dtype, zone=dtype.tz)
    elif isinstance(dtype, pd.SparseDtype):
        cells = array_cells(np.asarray(series.array.to_dense()), sentinels, name, where)
    elif getattr(dtype, "numpy_dtype", None) is None or dtype.kind not in "biuf":
        return object_cells(series.array.astype(object).tolist(), sentinels, dtype)
    else:
        missing = series.isna().to_numpy(dtype=bool)
        values = series.array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        cells = array_cells(values, sentinels, name, where, missing)
    return _with_dtype(cells, dtype)


def _with_dtype(cells: Cells, dtype: Any) -> Cells:
    return Cells(**{**vars(cells), "dtype": dtype})


def polars_cells(series: Any, sentinels: Sentinels) -> Cells:
    """Return the cells of a Series of polars."""
    import polars as pl

    dtype = series.dtype
    missing = series.is_null().to_numpy()
    if dtype == pl.Boolean:
        return bool_cells(series.fill_null(False).to_numpy(), missing, dtype)
    if dtype.is_temporal():
        ticks = series.to_physical().cast(pl.Int64).fill_null(0).to_numpy().copy()
        is_moment = dtype in (pl.Date, pl.Datetime)
        unit = getattr(dtype, "time_unit", "D" if is_moment else "ns")
        times = _times(ticks, missing, "M" if is_moment else "m", unit)
        zone = getattr(dtype, "time_zone", None)
        return time_cells(times, dtype, zone=zone, of_day=dtype == pl.Time)
    if isinstance(dtype, pl.Enum):
        codes = series.to_physical().cast(pl.Int64).fill_null(0).to_numpy()
        labels = dtype.categories.to_list()
        return coded_cells(labels, codes, missing, sentinels, dtype, declared=True, ordered=True)
    if dtype in (pl.Float32, pl.Float64) or (dtype.is_integer() and not _is_wide(dtype)):
        values = series.fill_null(0).to_numpy()
        return number_cells(values, missing | np.isnan(values), sentinels, dtype)
    return object_cells(series.to_list(), sentinels, dtype)


def _is_wide(dtype: Any) -> bool:
    return str(dtype).endswith("128")


def _times(ticks: np.ndarray, missing: np.ndarray, kind: str, unit: str) -> np.ndarray:
    times = ticks.astype(np.int64).view(f"{kind}8[{unit}]")
    return np.where(missing, np.array("NaT", dtype=times.dtype), times)


def arrow_cells(column: Any, sentinels: Sentinels) -> Cells:
    """Return the cells of a column of pyarrow."""
    import pyarrow as pa

    dtype = column.type
    types = pa.types
    missing = np.asarray(
        column.is_null().to_numpy(zero_copy_only=False)
        if not isinstance(column, pa.ChunkedArray)
        else column.is_null().to_numpy(),
        dtype=bool,
    )
    if types.is_boolean(dtype):
        return bool_cells(_numpy(column.fill_null(False)), missing, dtype)
    if types.is_integer(dtype) or (types.is_floating(dtype) and dtype != pa.float16()):
        values = _numpy(column.fill_null(0))
        return number_cells(values, missing | np.isnan(values), sentinels, dtype)
    if types.is_temporal(dtype) and not types.is_interval(dtype):
        width = pa.int32() if dtype.bit_width == 32 else pa.int64()
        ticks = _numpy(column.cast(width).fill_null(0)).copy()
        is_moment = types.is_date(dtype) or types.is_timestamp(dtype)
        unit = "D" if dtype == pa.date32() else getattr(dtype, "unit", "ms")
        times = _times(ticks, missing, "M" if is_moment else "m", unit)
        zone = getattr(dtype, "tz", None)
        return time_cells(times, dtype, zone=zone, of_day=types.is_time(dtype))
    is_text = types.is_string(dtype) or types.is_large_string(dtype)
    if is_text or types.is_dictionary(dtype):
        chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
        encoded = chunked.dictionary_encode() if is_text else chunked
        encoded = encoded.unify_dictionaries()
        labels = encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else []
        parts = [_numpy(chunk.indices.fill_null(0)) for chunk in encoded.chunks]
        codes = np.concatenate([np.empty(0, dtype=np.intp), *parts]).astype(np.intp)
        order = types.is_dictionary(dtype) and dtype.ordered
        return coded_cells(labels, codes, missing, sentinels, dtype, declared=order, ordered=order)
    return object_cells(column.to_pylist(), sentinels, dtype)


def _numpy(column: Any) -> np.ndarray:
    """Return a column without nulls as an array."""
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        return column.to_numpy()
    return column.to_numpy(zero_copy_only=False)
