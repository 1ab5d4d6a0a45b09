"""Labels: any values, text among them, of which none may be missing."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ._arrays import array_of_rows, as_numpy, missing_objects
from ._errors import name_of_cell, name_of_column, refuse_shape
from ._frames import as_frame, as_series, is_pandas


def read_labels(y: Any, name: str = "y") -> Any:
    """Return labels as an array, or raise a ValueError that names the first cell without one."""
    if sparse.issparse(y):
        return y
    if type(y) is np.ndarray and y.dtype.kind != "O":
        return _checked(y, name)
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
    return _checked(as_numpy(y, name), name)


def _checked(y: np.ndarray, name: str, column: str = "") -> np.ndarray:
    """Return labels that are an array, if none is missing and all can be sorted."""
    refuse_shape(y.shape, name)
    if y.dtype.kind == "f":
        _check_labelled(np.isnan(y), name, column)
    elif y.dtype.kind == "O":
        _check_labelled(_missing_labels(y), name, column)
        if y.size == len(y):  # several columns must hold numbers, which is checked elsewhere
            _check_sortable(y, name, column)
    return y


def _check_sortable(cells: np.ndarray, name: str, column: str) -> None:
    """Raise a ValueError if there is text among other labels."""
    is_text = np.frompyfunc(lambda cell: isinstance(cell, str), 1, 1)(cells).astype(bool)
    if is_text.any() and not is_text.all():
        text, other = np.argwhere(is_text)[0], np.argwhere(~is_text)[0]
        raise ValueError(
            f"{name} holds text and other labels: {cells[tuple(text)]!r} in "
            f"{name_of_cell(text, column)}, but {cells[tuple(other)]!r} in "
            f"{name_of_cell(other, column)}; make all of them text, by astype(str), or numbers."
        )


def _read_list(y: Any, name: str) -> np.ndarray:
    labels = array_of_rows(y, name)
    if isinstance(labels, np.ma.MaskedArray):
        return read_labels(labels, name)
    refuse_shape(labels.shape, name)
    # NumPy makes text of what stands beside text, NaN for example.
    _check_labelled(_missing_labels(np.array(y, dtype=object)), name)
    return np.asarray(y) if labels.dtype.kind == "O" else labels


def _read_columns(frame: Any, name: str) -> np.ndarray:
    refuse_shape(frame.shape, name)
    if is_pandas(frame):
        columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    else:
        columns = [frame.get_column(label) for label in frame.columns]
    columns = [
        _read_series(column, name, name_of_column(place, label))
        for place, (label, column) in enumerate(zip(frame.columns, columns, strict=True))
    ]
    return np.stack(columns, axis=1) if columns else np.empty(frame.shape)


def _read_series(series: Any, name: str, column: str = "") -> np.ndarray:
    if not is_pandas(series):
        _check_labelled(series.is_null().to_numpy(), name, column)
        return _checked(np.asarray(series.to_numpy()), name, column)
    _check_labelled(series.isna().to_numpy(dtype=bool), name, column)
    # Columns that may hold missing values have a dtype of NumPy without them.
    dtype = getattr(series.dtype, "numpy_dtype", None)
    return _checked(np.asarray(series.to_numpy(dtype=dtype)), name, column)


def _check_labelled(missing: np.ndarray, name: str, column: str = "") -> None:
    if missing.any():
        cell = name_of_cell(np.argwhere(missing)[0], column)
        raise ValueError(
            f"{name} has no value in {cell} (it is missing); leave the rows without a value out "
            f"of X and {name}, or fill them in."
        )


def _missing_labels(cells: np.ndarray) -> np.ndarray:
    """Mask of the cells of an object array that are missing, NaN among them."""
    is_nan = np.frompyfunc(lambda cell: isinstance(cell, float) and cell != cell, 1, 1)
    return missing_objects(cells) | is_nan(cells).astype(bool)
