"""Columns of any library from the values of a schema's column, and tables from columns.

Values are an array of floats (NaN where missing), of ``datetime64[us]`` in UTC or ``timedelta64``
(NaT), or of objects (None): labels.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from ._cells import key_of

TICKS = {"M": (-62_135_596_800_000_000, 253_402_300_799_999_999), "m": (-(10**17), 10**17)}
SECOND = 1_000_000  # microseconds
LAST_OF_DAY = 86_399_999_999  # microseconds
OBJECT = np.dtype(object)


# ---------------------------------------------------------------------- values
def values_of(column: Any, numbers: np.ndarray) -> np.ndarray:
    """Return the values that numbers stand for in a column of a schema.

    Times in seconds are exact to the microsecond from 1698 to 2242, as far as floats are.
    """
    if column.role == "number":
        return np.rint(numbers) if column.integer else numbers
    gone = np.isnan(numbers)
    whole = np.rint(np.where(gone, -1, numbers))
    if column.role == "label":
        labels = np.empty(column.n_labels + 1, dtype=object)
        for code, label in enumerate(column.labels):
            labels[code] = label
        known = (whole >= 0) & (whole < column.n_labels)
        return labels[np.where(known, whole, column.n_labels).astype(np.intp)]
    kind = "M" if column.role == "time" and not column.of_day else "m"
    low, high = (0, LAST_OF_DAY) if column.of_day else TICKS[kind]
    if column.unit > SECOND:
        ticks = whole * column.unit
    else:  # by parts, which loses no microsecond
        seconds = np.floor(numbers)
        ticks = seconds * SECOND + np.rint((numbers - seconds) * SECOND)
    ticks = np.clip(np.where(gone, 0, ticks), low, high)
    values = ticks.astype(np.int64).view(f"{kind}8[us]")
    values[gone] = "NaT"
    return values


def objects_of(column: Any, values: np.ndarray) -> list[Any]:
    """Return values as Python objects of the type that the column holds, None where missing."""
    kind, cell = values.dtype.kind, column.cell
    if kind == "O":
        return values.tolist()
    if kind == "f":
        make: Any = float
        if column.integer:
            make = int
        elif cell is Decimal:
            make = lambda value: Decimal(repr(value))  # noqa: E731
        return [None if value != value else make(value) for value in values.tolist()]
    if column.of_day:
        start = datetime.datetime(1970, 1, 1)
        return [None if value is None else (start + value).time() for value in values.tolist()]
    cells = values.tolist()
    if column.zone is not None:
        zone, utc = _zone_of(column.zone), datetime.UTC
        cells = [cell and cell.replace(tzinfo=utc).astimezone(zone) for cell in cells]
    elif cell is datetime.date:
        return [value and value.date() for value in cells]
    if cell in (None, datetime.datetime, datetime.timedelta):
        return cells
    return [None if value is None else cell(value) for value in cells]


def _zone_of(zone: Any) -> Any:
    import zoneinfo

    return zoneinfo.ZoneInfo(zone) if isinstance(zone, str) else zone


# ---------------------------------------------------------------------- numpy
def write_numpy(column: Any, values: np.ndarray) -> np.ndarray:
    """Return values as an array of the column's dtype, or of one that holds them."""
    dtype = column.dtype
    if dtype is None or dtype.kind == "O":
        if dtype is None and values.dtype.kind != "O":
            return values
        cells = [column.mark if cell is None else cell for cell in objects_of(column, values)]
        return np.fromiter(cells, dtype=object, count=len(cells))
    if values.dtype.kind in "Mm":
        limit = (2**63 - 1) // 1000
        bounds = np.array([-limit, limit]).view(values.dtype)
        is_fine = np.datetime_data(dtype)[0] in ("ns", "ps", "fs", "as")
        return (np.clip(values, *bounds) if is_fine else values).astype(dtype)
    if values.dtype.kind == "O":
        if any(value is None for value in values):
            return values
        written = np.array(values.tolist(), dtype=dtype)
        if written.tolist() != values.tolist():
            raise ValueError("The dtype does not hold the labels.")
        return written
    if dtype.kind in "iu":
        return _as_integers(values, dtype)
    with np.errstate(over="ignore"):
        written = values.astype(dtype)
    return values if np.isinf(written).any() else written


def _as_integers(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return floats as integers of the dtype, or of int64, or as they are, as they fit."""
    if not values.size:
        return values.astype(dtype)
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        return values
    low, high = int(values.min()), int(values.max())
    for own in (dtype, np.dtype(np.int64)):
        if np.iinfo(own).min <= low and high <= np.iinfo(own).max:
            return values.astype(own)
    return values


# ---------------------------------------------------------------------- pandas
def write_pandas(column: Any, values: np.ndarray) -> Any:
    """Return values as an array of pandas or NumPy."""
    import pandas as pd

    dtype = column.dtype
    if dtype is None:
        return pd.Series(objects_of(column, values)).array
    if isinstance(dtype, np.dtype):
        return write_numpy(column, values)
    if isinstance(dtype, pd.ArrowDtype):
        own = column.like(dtype=dtype.pyarrow_dtype)
        return pd.arrays.ArrowExtensionArray(write_arrow(own, values))
    if values.dtype.kind == "M":
        zoned = pd.Series(values).dt.tz_localize("UTC").dt.tz_convert(column.zone)
        return zoned.astype(dtype).array
    if values.dtype.kind == "O":
        if isinstance(dtype, pd.CategoricalDtype):
            code = {key_of(label): place for place, label in enumerate(dtype.categories)}
            codes = [-1 if value is None else code[key_of(value)] for value in values]
            return pd.Categorical.from_codes(codes, dtype=dtype)
        cells = [np.nan if value is None else value for value in values.tolist()]
        array = pd.Series(cells, dtype=dtype).array
        if (np.asarray(array.isna()) & (values != None)).any():  # noqa: E711
            raise ValueError("The dtype does not hold the labels.")
        return array
    if isinstance(dtype, pd.SparseDtype):
        dense = write_numpy(column.like(dtype=dtype.subtype), values)
        return pd.arrays.SparseArray(dense, fill_value=dtype.fill_value)
    if dtype.kind not in "iuf":
        raise TypeError("The dtype does not hold numbers.")
    missing = np.isnan(values)
    own = write_numpy(column.like(dtype=dtype.numpy_dtype), np.where(missing, 0.0, values))
    array = pd.array(own, dtype=dtype if own.dtype == dtype.numpy_dtype else None)
    if missing.any():
        array[missing] = pd.NA
    return array


# ---------------------------------------------------------------------- polars
def write_polars(column: Any, values: np.ndarray) -> Any:
    """Return values as a Series of polars."""
    import polars as pl

    dtype = column.dtype
    if dtype is None:
        return pl.Series(objects_of(column, values), strict=False)
    if values.dtype.kind == "O" or dtype in (pl.Object, pl.Null) or _is_decimal(dtype):
        cells = objects_of(column, values)
        if dtype == pl.Null:
            dtype = None if any(cell is not None for cell in cells) else dtype
        elif _is_decimal(dtype):
            cells = _rounded(cells, dtype.scale)
        return pl.Series(cells, dtype=dtype)
    if values.dtype.kind == "f":
        if not dtype.is_numeric():
            raise TypeError("The dtype does not hold numbers.")
        floats = pl.Series(values, nan_to_null=True)
        if dtype.is_integer() and (values != np.rint(values))[~np.isnan(values)].any():
            return floats
        narrow = floats.cast(dtype, strict=False)
        lost = narrow.null_count() > floats.null_count() or narrow.is_infinite().any()
        return floats.cast(pl.Int64 if dtype.is_integer() else pl.Float64) if lost else narrow
    ticks = pl.Series(values.view(np.int64)).set(pl.Series(np.isnat(values)), None)
    if column.of_day:
        return (ticks * 1000).cast(pl.Time)
    if values.dtype.kind == "m":
        return ticks.cast(pl.Duration("us")).cast(dtype)
    zone = getattr(dtype, "time_zone", None)
    return ticks.cast(pl.Datetime("us", zone)).cast(dtype)


def _is_decimal(dtype: Any) -> bool:
    return type(dtype).__name__.startswith("Decimal")


def _rounded(cells: list[Any], scale: int) -> list[Any]:
    step = Decimal(1).scaleb(-scale)
    return [
        None
        if cell is None
        else Decimal(repr(cell)).quantize(step)
        if not isinstance(cell, Decimal)
        else cell.quantize(step)
        for cell in cells
    ]


# ---------------------------------------------------------------------- pyarrow
def write_arrow(column: Any, values: np.ndarray) -> Any:
    """Return values as an array of pyarrow."""
    import pyarrow as pa

    dtype, types = column.dtype, pa.types
    if dtype is None:
        return pa.array(objects_of(column, values))
    if values.dtype.kind == "O":
        if not types.is_dictionary(dtype):
            return pa.array(values.tolist(), type=dtype)
        cells = pa.array(list(column.labels), type=dtype.value_type)
        code = {id(label): place for place, label in enumerate(column.labels)}
        codes = [None if value is None else code[id(value)] for value in values]
        indices = pa.array(codes, type=dtype.index_type)
        return pa.DictionaryArray.from_arrays(indices, cells, ordered=dtype.ordered)
    if values.dtype.kind == "f":
        missing = np.isnan(values)
        if types.is_decimal(dtype):
            return pa.array(_rounded(objects_of(column, values), dtype.scale), type=dtype)
        if types.is_null(dtype):
            return pa.nulls(len(values)) if missing.all() else pa.array(values, mask=missing)
        if not (types.is_integer(dtype) or types.is_floating(dtype)):
            raise TypeError("The dtype does not hold numbers.")
        own = np.dtype(dtype.to_pandas_dtype())
        written = write_numpy(column.like(dtype=own), np.where(missing, 0.0, values))
        return pa.array(written, mask=missing)
    ticks = pa.array(values.view(np.int64), mask=np.isnat(values))
    if column.of_day:
        return ticks.cast(pa.time64("us")).cast(dtype, safe=False)
    if values.dtype.kind == "m":
        return ticks.cast(pa.duration("us")).cast(dtype, safe=False)
    zone = getattr(dtype, "tz", None)
    return ticks.cast(pa.timestamp("us", tz=zone)).cast(dtype, safe=False)


# ---------------------------------------------------------------------- any library
WRITERS = {
    "array": write_numpy,
    "pandas": write_pandas,
    "polars": write_polars,
    "pyarrow": write_arrow,
}


def write_column(column: Any, numbers: np.ndarray, kind: str) -> Any:
    """Return numbers as a column of a library, in the column's dtype if it holds them."""
    return WRITERS[kind](column, values_of(column, numbers))


def assemble(columns: Sequence[Any], kind: str, names: Any, n_rows: int, index: Any = None) -> Any:
    """Return columns of a library as its table."""
    if kind == "pandas":
        import pandas as pd

        series = [pd.Series(own, dtype=own.dtype, index=index) for own in columns]
        frame = pd.DataFrame(
            dict(enumerate(series)), index=range(n_rows) if index is None else index
        )
        frame.columns = names
        return frame
    if kind == "polars":
        import polars as pl

        return pl.DataFrame([own.alias(name) for own, name in zip(columns, names, strict=True)])
    if kind == "pyarrow":
        import pyarrow as pa

        return pa.table(list(columns), names=names)
    dtypes = {own.dtype for own in columns}
    kinds = {dtype.kind for dtype in dtypes}
    is_alike = kinds <= set("iuf") or len(kinds) == 1
    table = np.empty((n_rows, len(columns)), np.result_type(*dtypes) if is_alike else OBJECT)
    for place, own in enumerate(columns):
        table[:, place] = own
    return table


def dtype_of_distances(kind: str, are_durations: bool) -> Any:
    """Return a library's dtype of floats, or of durations to the microsecond."""
    if kind == "polars":
        import polars as pl

        return pl.Duration("us") if are_durations else pl.Float64()
    if kind == "pyarrow":
        import pyarrow as pa

        return pa.duration("us") if are_durations else pa.float64()
    return np.dtype("m8[us]" if are_durations else np.float64)


def float_dtype(dtype: Any) -> Any:
    """Return the dtype of means of integers of a dtype, of the same library."""
    library = type(dtype).__module__.partition(".")[0]
    if library == "polars":
        import polars as pl

        return pl.Float64() if dtype.is_integer() else dtype
    if library == "pyarrow":
        import pyarrow as pa

        return pa.float64() if pa.types.is_integer(dtype) else dtype
    if isinstance(dtype, np.dtype):
        return np.dtype(np.float64) if dtype.kind in "iu" else dtype
    if library != "pandas":
        return dtype
    import pandas as pd

    if isinstance(dtype, pd.ArrowDtype):
        return pd.ArrowDtype(float_dtype(dtype.pyarrow_dtype))
    if isinstance(dtype, pd.SparseDtype):
        return pd.SparseDtype(float)
    return pd.Float64Dtype() if dtype.kind in "iu" else dtype
