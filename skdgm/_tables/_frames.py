"""Frames: those of pandas, and all others through narwhals, which is imported for them only."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import sklearn
from scipy import sparse
from sklearn.utils.fixes import parse_version

from ._arrays import check_exact, numbers_of, read_array, with_missing
from ._errors import name_of_column, refusal, refuse_dtype

KNOWS_ALL_FRAMES = parse_version(sklearn.__version__) >= parse_version("1.9")
NARROW = {"Boolean", "Float32", "Float64"} | {
    f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)
}
TEMPORAL = {"Date": "dates or times", "Datetime": "dates or times", "Time": "dates or times"}
TEMPORAL["Duration"] = "durations"
MAYBE_FRAMES = ("__narwhals_dataframe__", "__narwhals_lazyframe__", "__narwhals_series__", "schema",
                "to_numpy", "to_arrow", "collect", "compute")  # fmt: skip


# ---------------------------------------------------------------------- what is a frame
def as_frame(X: Any, name: str = "X") -> Any:
    """Return a frame of pandas, or one of narwhals around another, and None if X is no frame."""
    if _is_array_or_rows(X):
        return None
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(X, pandas.DataFrame):
        return X
    wrapped = _wrap(X, name)
    if wrapped is None:
        return None
    import narwhals.stable.v2 as nw

    if isinstance(wrapped, nw.LazyFrame):
        raise TypeError(
            f"{name} is a lazy table ({type(X).__module__}.{type(X).__name__}), which holds no "
            "values yet; call its collect() or compute() first."
        )
    return wrapped if isinstance(wrapped, nw.DataFrame) else None


def as_series(X: Any) -> Any:
    """Return a Series of pandas, or one of narwhals around another, and None if X is neither."""
    if _is_array_or_rows(X):
        return None
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        if isinstance(X, pandas.Series):
            return X
        if isinstance(X, pandas.Index | pandas.api.extensions.ExtensionArray):
            return pandas.Series(X)
    wrapped = _wrap(X, "X")
    return wrapped if hasattr(wrapped, "drop_nulls") and hasattr(wrapped, "dtype") else None


def is_pandas(X: Any) -> bool:
    """Return whether a frame or Series is one of pandas, not of narwhals."""
    return not hasattr(X, "to_native")


def _is_array_or_rows(X: Any) -> bool:
    return isinstance(X, np.ndarray | list | tuple | str | dict) or sparse.issparse(X)


def _wrap(X: Any, name: str) -> Any:
    """Return what narwhals makes of X; None if that is nothing."""
    if not any(hasattr(type(X), member) for member in MAYBE_FRAMES):
        return None
    import narwhals.stable.v2 as nw

    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(X, pyarrow.RecordBatch):
        X = pyarrow.Table.from_batches([X])
    elif pyarrow is not None and isinstance(X, pyarrow.Array):
        X = pyarrow.chunked_array([X])
    _check_names(getattr(X, "column_names", []), name)
    wrapped = nw.from_native(X, pass_through=True, allow_series=True)
    return wrapped if isinstance(wrapped, nw.DataFrame | nw.LazyFrame | nw.Series) else None


def _check_names(names: list[str], argument: str) -> None:
    """Raise a ValueError about two columns of the same name: narwhals does not tell them apart."""
    if len(set(names)) == len(names):
        return
    repeated = next(name for name in names if names.count(name) > 1)
    raise ValueError(
        f"{argument} has several columns named {repeated!r}; give them different names."
    )


class Header:
    """The names of a frame, by the protocol through which scikit-learn before 1.9 asks for them."""

    def __init__(self, names: list[str], shape: tuple[int, int]) -> None:
        self.names, self.shape = names, shape

    def __dataframe__(self) -> Header:
        return self

    def column_names(self) -> list[str]:
        """Return the names of the columns."""
        return self.names


def header(frame: Any) -> Any:
    """Return the frame, or if scikit-learn does not know it, something with its names and shape."""
    if KNOWS_ALL_FRAMES or is_pandas(frame):
        return frame
    return Header(list(frame.columns), frame.shape)


def frame_header(X: Any, name: str) -> Any:
    """Return something of which scikit-learn finds the names of the columns, if X has some."""
    frame = as_frame(X, name)
    return X if frame is None else header(frame)


# ---------------------------------------------------------------------- reading
def read_frame(frame: Any, name: str, accept_sparse: Any = False) -> Any:
    """Return the numbers of a frame; sparse ones only if all columns are, and it is accepted."""
    if is_pandas(frame):
        return _read_pandas(frame, name, accept_sparse)
    kinds = {type(dtype).__name__ for dtype in frame.schema.values()}
    if kinds <= {"Float64"} or (len(kinds) == 1 and kinds <= NARROW and not _has_nulls(frame)):
        return read_array(frame.to_numpy(), name)
    columns = [
        _read_narwhals(frame.get_column(label), name, name_of_column(place, label))
        for place, label in enumerate(frame.columns)
    ]
    return _side_by_side(columns, frame.shape, name, list(frame.columns))


def _has_nulls(frame: Any) -> bool:
    return any(frame.null_count().row(0))


def read_series(X: Any, name: str) -> np.ndarray | None:
    """Return the numbers of a Series, or None if X is none."""
    series = as_series(X)
    if series is None:
        return None
    read = _read_column if is_pandas(series) else _read_narwhals
    return read(series, name, "")


def _read_pandas(frame: Any, name: str, accept_sparse: Any) -> Any:
    dtypes = set(frame.dtypes)
    if not dtypes:
        return np.empty(frame.shape)
    if all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes):
        if len(dtypes) == 1:
            return read_array(frame.to_numpy(), name)
        if not any(dtype.kind in "iu" and dtype.itemsize == 8 for dtype in dtypes):
            return read_array(frame.to_numpy(dtype=np.result_type(*dtypes)), name)
    if accept_sparse and all(_is_sparse_of_zeros(dtype) for dtype in dtypes):
        return frame.sparse.to_coo()
    labels = list(frame.columns)
    columns = [
        _read_column(frame.iloc[:, place], name, name_of_column(place, label))
        for place, label in enumerate(labels)
    ]
    return _side_by_side(columns, frame.shape, name, labels)


def _is_sparse_of_zeros(dtype: Any) -> bool:
    return hasattr(dtype, "subtype") and dtype.name.startswith("Sparse") and dtype.fill_value == 0


def _side_by_side(
    columns: list[np.ndarray], shape: tuple[int, int], name: str, labels: list[Any]
) -> np.ndarray:
    if not columns:
        return np.empty(shape)
    dtype = np.result_type(*{column.dtype for column in columns})
    table = np.empty(shape, dtype=dtype)
    for place, column in enumerate(columns):
        if dtype.kind == "f":
            check_exact(column, name, name_of_column(place, labels[place]))
        table[:, place] = column
    return table


def _read_column(series: Any, name: str, column: str) -> np.ndarray:
    """Return the numbers of a Series of pandas."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return read_array(series.to_numpy(), name, column)
    kind = str(dtype)
    if kind.startswith(("period", "interval")):
        raise refusal(
            "periods" if kind[0] == "p" else "intervals", name, column, f" (dtype {dtype})"
        )
    if kind == "category":
        return _read_categories(series, name, column)
    if kind.startswith("Sparse"):
        return read_array(np.asarray(series.array.to_dense()), name, column)
    refuse_dtype(dtype, name, column)  # dates with time zones, or of arrow
    if getattr(dtype, "kind", "O") not in "biuf":
        return numbers_of(series.to_numpy(dtype=object), name, column)
    missing = series.isna().to_numpy(dtype=bool)
    own = getattr(dtype, "numpy_dtype", None)
    if not missing.any():
        return read_array(series.to_numpy(dtype=own), name, column)
    return _scatter(series[~missing].to_numpy(dtype=own), missing, name, column)


def _read_categories(series: Any, name: str, column: str) -> np.ndarray:
    """Return the categories themselves, which must be numbers, not their codes."""
    dtype = series.cat.categories.dtype
    if getattr(dtype, "kind", "O") not in "biuf":
        if str(dtype).startswith(("period", "interval")):
            what = "periods" if str(dtype)[0] == "p" else "intervals"
            raise refusal(what, name, column, f" (categories of dtype {dtype})")
        refuse_dtype(dtype, name, column)
        return numbers_of(series.to_numpy(dtype=object), name, column)
    categories = _read_column(series.cat.categories.to_series(), name, column)
    codes = series.cat.codes.to_numpy()
    missing = codes < 0
    if not missing.any():
        return categories[codes]
    return _scatter(categories[codes[~missing]], missing, name, column)


def _read_narwhals(series: Any, name: str, column: str) -> np.ndarray:
    """Return the numbers of a Series of narwhals."""
    dtype = series.dtype
    kind = type(dtype).__name__
    if kind in TEMPORAL:
        raise refusal(TEMPORAL[kind], name, column, f" (dtype {dtype})")
    if kind not in NARROW:  # decimals, nulls, objects, text, ...
        cells = np.empty(len(series), dtype=object)
        cells[:] = series.to_list()
        return numbers_of(cells, name, column)
    missing = series.is_null().to_numpy()
    if not missing.any():
        return read_array(series.to_numpy(), name, column)
    return _scatter(series.drop_nulls().to_numpy(), missing, name, column)


def _scatter(observed: np.ndarray, missing: np.ndarray, name: str, column: str) -> np.ndarray:
    """Return a column with the observed values in their places, and NaN elsewhere."""
    observed = read_array(np.asarray(observed), name, column)
    values = np.zeros(len(missing), dtype=observed.dtype)
    values[~missing] = observed
    return with_missing(values, missing, name, column)
