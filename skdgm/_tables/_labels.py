"""Labels: any values, text among them, of which none may be missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._arrays import array_of_rows, as_numpy, missing_objects
from ._frames import as_frame, as_series, is_pandas


def read_labels(y: Any, name: str = "y") -> Any:
    """Return labels as an array, or raise a ValueError that names the first row without one.

    NaN among floats is left to scikit-learn's own check.
    """
    if (type(y) is np.ndarray and y.dtype.kind != "O") or sparse.issparse(y):
        return y
    if isinstance(y, np.ma.MaskedArray):
        _check_labelled(np.ma.getmaskarray(y), name)
        return read_labels(np.asarray(y.data), name)
    frame = as_frame(y, name)
    if frame is not None:
        return _read_columns(frame, name)
    series = as_series(y)
    if series is not None:
        return _read_series(series, name)
    if isinstance(y, list | tuple):
        return _read_list(y, name)
    y = as_numpy(y, name)
    if y.dtype.kind == "O":
        _check_labelled(_missing_labels(y), name)
    return y


def _read_list(y: Any, name: str) -> np.ndarray:
    labels = array_of_rows(y, name)
    if isinstance(labels, np.ma.MaskedArray):
        return read_labels(labels, name)
    # NumPy makes text of what stands beside text, NaN for example.
    _check_labelled(_missing_labels(np.array(y, dtype=object)), name)
    return np.asarray(y) if labels.dtype.kind == "O" else labels


def _read_columns(frame: Any, name: str) -> np.ndarray:
    if is_pandas(frame):
        columns = [_read_series(frame.iloc[:, j], name) for j in range(frame.shape[1])]
    else:
        columns = [_read_series(frame.get_column(label), name) for label in frame.columns]
    return np.stack(columns, axis=1) if columns else np.empty(frame.shape)


def _read_series(series: Any, name: str) -> np.ndarray:
    if not is_pandas(series):
        _check_labelled(series.is_null().to_numpy(), name)
        return np.asarray(series.to_numpy())
    _check_labelled(series.isna().to_numpy(dtype=bool), name)
    # Columns that may hold missing values have a dtype of NumPy without them.
    dtype = getattr(series.dtype, "numpy_dtype", None)
    return np.asarray(series.to_numpy(dtype=dtype))


def _check_labelled(missing: np.ndarray, name: str) -> None:
    if missing.any():
        row = int(np.argwhere(missing)[0, 0])
        raise ValueError(
            f"{name} has no value in row {row} (it is missing); leave the rows without a value out "
            f"of X and {name}, or fill them in."
        )


def _missing_labels(cells: np.ndarray) -> np.ndarray:
    """Mask of the cells of an object array that are missing, NaN among them."""
    is_nan = np.frompyfunc(lambda cell: isinstance(cell, float) and cell != cell, 1, 1)
    return missing_objects(cells) | is_nan(cells).astype(bool)
