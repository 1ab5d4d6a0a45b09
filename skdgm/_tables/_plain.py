"""Plain forms of what frames bring along: dtypes, indexes, time zones, types of cells.

A plain form is made of text, numbers, bytes, tuples and lists, so that safe formats of models store
it. What has none stands for itself.
"""

from __future__ import annotations

import datetime
import decimal
import io
import zoneinfo
from collections.abc import Callable
from typing import Any

import numpy as np

from ._to_pandas import import_pandas

CELLS = (
    *(str, int, float, bool, complex, bytes, decimal.Decimal),
    *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
    *(np.datetime64, np.timedelta64),
)


def plain_form(value: Any) -> tuple[str, Any]:
    """Return a pair of the sort of an object and its plain form, or ``("itself", value)``.

    Parameters
    ----------
    value : object
        A dtype, an index, a time zone, a type of cells or a mark of missing cells.
    """
    for sort, form in _candidates(value):
        try:
            again = from_plain((sort, form))
        except Exception:  # a library that does not take its own words
            continue
        if type(again) is type(value) and _is_equal(again, value):
            return sort, form
    return "itself", value


def from_plain(pair: tuple[str, Any]) -> Any:
    """Return the object that ``plain_form`` was given."""
    sort, form = pair
    return _READERS[sort](form)


def _candidates(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, np.dtype):
        return [("numpy dtype", value.str)]
    if isinstance(value, type) and value in CELLS:
        return [("cell", CELLS.index(value))]
    if isinstance(value, zoneinfo.ZoneInfo):
        return [("zone", value.key)]
    if value is datetime.UTC:
        return [("utc", None)]
    home = (value if isinstance(value, type) else type(value)).__module__.split(".")[0]
    if home not in ("pandas", "polars", "pyarrow", "pytz"):
        return []
    return [pair for of_library in _WRITERS[home] for pair in of_library(value)]


def _of_pandas(value: Any) -> list[tuple[str, Any]]:
    import pandas as pd

    if value is pd.NA:
        return [("NA", None)]
    if value is pd.NaT:
        return [("NaT", None)]
    if value is pd.Timestamp:
        return [("pandas cell", "Timestamp")]
    if value is pd.Timedelta:
        return [("pandas cell", "Timedelta")]
    if isinstance(value, pd.MultiIndex):
        return [("multi-index", (value.tolist(), list(value.names)))]
    if isinstance(value, pd.RangeIndex):
        return [("range", (value.start, value.stop, value.step, value.name))]
    if isinstance(value, pd.Index):
        return [("index", (value.tolist(), plain_form(value.dtype), value.name))]
    if isinstance(value, pd.CategoricalDtype):
        labels = None if value.categories is None else plain_form(value.categories)
        return [("category", (labels, value.ordered))]
    return [("pandas dtype", text) for text in (str(value), repr(value))]


def _of_polars(value: Any) -> list[tuple[str, Any]]:
    import polars as pl

    if isinstance(value, pl.Enum):
        return [("polars enum", value.categories.to_list())]
    buffer = io.BytesIO()
    try:
        pl.DataFrame(schema={"x": value}).write_ipc(buffer)
    except Exception:  # columns of Python objects
        return []
    return [("polars dtype", buffer.getvalue())]


def _of_pyarrow(value: Any) -> list[tuple[str, Any]]:
    import pyarrow as pa

    if not isinstance(value, pa.DataType):
        return []
    return [("pyarrow dtype", pa.schema([("x", value)]).serialize().to_pybytes())]


def _of_pytz(value: Any) -> list[tuple[str, Any]]:
    return [("pytz zone", value.zone)] if getattr(value, "zone", None) else []


_WRITERS: dict[str, list[Callable[[Any], list[tuple[str, Any]]]]] = {
    "pandas": [_of_pandas],
    "polars": [_of_polars],
    "pyarrow": [_of_pyarrow],
    "pytz": [_of_pytz],
}


def _named_index(form: tuple[list[Any], tuple[str, Any], Any]) -> Any:
    values, dtype, name = form
    return _pandas().Index(values, dtype=from_plain(dtype), name=name)


def _category(form: tuple[Any, bool]) -> Any:
    labels, ordered = form
    labels = None if labels is None else from_plain(labels)
    return _pandas().CategoricalDtype(labels, ordered=ordered)


def _polars_dtype(form: bytes) -> Any:
    import polars as pl

    return pl.read_ipc_schema(io.BytesIO(form))["x"]


def _polars_enum(form: list[str]) -> Any:
    import polars as pl

    return pl.Enum(form)


def _pyarrow_dtype(form: bytes) -> Any:
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(form)).field(0).type


def _pytz_zone(form: str) -> Any:
    import pytz

    return pytz.timezone(form)


def _pandas() -> Any:
    return import_pandas("Loading the model of a frame")


_READERS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda form: form,
    "numpy dtype": np.dtype,
    "cell": lambda form: CELLS[form],
    "zone": zoneinfo.ZoneInfo,
    "utc": lambda form: datetime.UTC,
    "NA": lambda form: _pandas().NA,
    "NaT": lambda form: _pandas().NaT,
    "pandas cell": lambda form: {
        "Timestamp": _pandas().Timestamp,
        "Timedelta": _pandas().Timedelta,
    }[form],
    "multi-index": lambda form: _pandas().MultiIndex.from_tuples(form[0], names=form[1]),
    "range": lambda form: _pandas().RangeIndex(*form),
    "index": _named_index,
    "category": _category,
    "pandas dtype": lambda form: _pandas().api.types.pandas_dtype(form),
    "polars dtype": _polars_dtype,
    "polars enum": _polars_enum,
    "pyarrow dtype": _pyarrow_dtype,
    "pytz zone": _pytz_zone,
}


def _is_equal(again: Any, value: Any) -> bool:
    """Return whether two objects of one type are equal, with the names of indexes, and as text."""
    if again is value:
        return True
    if hasattr(value, "equals"):  # indexes, and dtypes of pyarrow
        names = [getattr(own, "names", None) for own in (again, value)]
        dtypes = [getattr(own, "dtype", None) for own in (again, value)]
        return bool(again.equals(value)) and names[0] == names[1] and dtypes[0] == dtypes[1]
    same_labels = _is_same_category(again, value) if hasattr(value, "categories") else True
    return bool(again == value) and repr(again) == repr(value) and same_labels


def _is_same_category(again: Any, value: Any) -> bool:
    labels = [own.categories for own in (again, value)]
    if labels[1] is None or not hasattr(labels[1], "equals"):
        return labels[0] is None or list(labels[0]) == list(labels[1])
    return labels[0].dtype == labels[1].dtype and labels[0].equals(labels[1])
