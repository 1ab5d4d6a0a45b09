"""Arrays and lists: of any numbers, masked, or of objects of which some may be missing."""

from __future__ import annotations

import datetime
import sys
import warnings
from decimal import Decimal
from numbers import Complex, Integral, Real
from typing import Any

import numpy as np

from ._errors import (
    LARGEST_EXACT,
    inexact_error,
    name_of_cell,
    refusal,
    refuse_dtype,
)

PLAIN = frozenset("?bBhHiIlLqQefd")  # characters of dtypes that go through; not long doubles
PURE = {int, float, bool, type(None), np.float64, np.float32, np.int64, np.bool_}
NOTHING = np.array(None, dtype=object)
KINDS_OF_CELLS: tuple[tuple[str, Any], ...] = (
    ("text", str),
    ("bytes", bytes | bytearray),
    ("dates or times", np.datetime64 | datetime.date | datetime.time),
    ("durations", np.timedelta64 | datetime.timedelta),
)


def is_plain(X: Any) -> bool:
    """Return whether X is an array that can be taken as it is."""
    return type(X) is np.ndarray and X.dtype.char in PLAIN and X.dtype.isnative


def array_of_rows(X: Any, name: str) -> np.ndarray:
    """Return the array that NumPy makes of X, with the masks of masked rows."""
    if isinstance(X, np.ndarray):
        return X
    if not isinstance(X, list | tuple):
        array = as_numpy(X, name)
        if array.ndim == 0 and array.dtype.kind not in "biufc":
            raise TypeError(f"{name} must be a table of numbers, got a {type(X).__name__}.")
        return array
    if any(isinstance(row, np.ma.MaskedArray) and row.ndim for row in X):
        return np.ma.stack([np.ma.asarray(row) for row in X])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*converting a masked element to nan")
        try:
            array = np.asarray(X)
        except ValueError as error:
            raise _ragged_error(X, name) from error
    if array.dtype.kind in "USMm":  # numbers among them have become text, too
        return np.asarray(X, dtype=object)
    return array


def as_numpy(X: Any, name: str) -> np.ndarray:
    """Return X as an array of NumPy, or raise a TypeError if it lies where NumPy cannot read it."""
    try:
        return np.asarray(X)
    except (TypeError, ValueError, RuntimeError) as error:
        if not hasattr(X, "__dlpack__"):
            raise
        library = type(X).__module__.partition(".")[0]
        raise TypeError(
            f"{name} is an array of {library} that NumPy cannot read, and everything here is "
            "computed with NumPy, also under array_api_dispatch; move it to the CPU and pass "
            "numpy.asarray of it."
        ) from error


def _ragged_error(rows: Any, name: str) -> ValueError:
    lengths = [len(row) if hasattr(row, "__len__") else 1 for row in rows]
    other = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    seen = (
        "some cells hold several values"
        if other is None
        else f"row 0 has {lengths[0]} and row {other} has {lengths[other]}"
    )
    return ValueError(
        f"{name} must have as many cells in every row, each with one number, but {seen}; use None "
        "for missing cells."
    )


def read_array(X: np.ndarray, name: str, column: str = "") -> np.ndarray:
    """Return an array of numbers, in native byte order and no longer than float64.

    ``column`` names it for errors, if it is a column of a frame.
    """
    if X.dtype.kind in "US" and X.size:
        X = X.astype(object)
    refuse_dtype(X.dtype, name, column)
    if isinstance(X, np.ma.MaskedArray):
        return _read_masked(np.asarray(X.data), np.ma.getmaskarray(X), name, column)
    if X.dtype.kind == "O":
        return numbers_of(X, name, column)
    if X.dtype.char == "g":
        with np.errstate(over="ignore"):  # to infinity, which is refused
            return np.asarray(X, dtype=np.float64)
    return np.asarray(X, dtype=X.dtype.newbyteorder("="))


def _read_masked(values: np.ndarray, mask: np.ndarray, name: str, column: str) -> np.ndarray:
    if not mask.any():
        return read_array(values, name, column)
    if values.dtype.kind == "O":
        return numbers_of(np.where(mask, NOTHING, values), name, column)
    values = np.where(mask, np.zeros((), dtype=values.dtype), values)
    return with_missing(read_array(values, name, column), mask, name, column)


def with_missing(values: np.ndarray, missing: np.ndarray, name: str, column: str) -> np.ndarray:
    """Return a copy of the numbers as floats, with NaN where cells are missing."""
    check_exact(values, name, column)
    floats = values.astype(values.dtype if values.dtype.kind == "f" else np.float64)
    floats[missing] = np.nan
    return floats


# ---------------------------------------------------------------------- integers as floats
def first_inexact(values: np.ndarray) -> tuple[int, ...] | None:
    """Return the index of the first integer that float64 does not hold, None if it holds all."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return None
    if values.max() <= LARGEST_EXACT and values.min() >= -LARGEST_EXACT:
        return None
    size = np.abs(values).astype(np.uint64)
    lowest = size & (~size + np.uint64(1))  # set bit, by which the mantissa is what is left
    mantissa = size // np.maximum(lowest, np.uint64(1))
    wrong = np.argwhere(mantissa > np.uint64(LARGEST_EXACT))
    return tuple(wrong[0].tolist()) if len(wrong) else None


def check_exact(values: np.ndarray, name: str, column: str = "") -> None:
    """Raise a ValueError about the first integer that float64 does not hold."""
    index = first_inexact(values)
    if index is not None:
        raise inexact_error(name, name_of_cell(index, column), values[index])


# ---------------------------------------------------------------------- objects
def is_missing(value: Any) -> bool:
    """Return whether an object is one of those that stand for a missing value; NaN is not."""
    if value is None or value is np.ma.masked:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def missing_objects(cells: np.ndarray) -> np.ndarray:
    """Mask of the cells of an object array that are missing, NaN aside."""
    return np.frompyfunc(is_missing, 1, 1)(cells).astype(bool)


def numbers_of(cells: np.ndarray, name: str, column: str = "") -> np.ndarray:
    """Return the numbers in an array of objects as floats, NaN where missing."""
    types = set(map(type, cells.ravel().tolist()))
    if not types <= PURE:
        missing = missing_objects(cells)
        strange = {kind for kind in types if not is_number(kind)}
        wrong = np.frompyfunc(lambda cell: type(cell) in strange, 1, 1)(cells).astype(bool)
        wrong &= ~missing
        if wrong.any():
            index = tuple(np.argwhere(wrong)[0])
            raise _cell_error(cells[index], name, name_of_cell(index, column))
        cells = np.where(missing, NOTHING, cells)
    try:
        numbers = np.asarray(cells, dtype=np.float64)
    except OverflowError:
        index = next(i for i, cell in np.ndenumerate(cells) if _is_huge(cell))
        raise ValueError(
            f"{name} holds an integer beyond the range of floating-point numbers in "
            f"{name_of_cell(index, column)}; scale the column down."
        ) from None
    if any(issubclass(kind, Integral) for kind in types):
        _check_exact_objects(cells, numbers, name, column)
    return numbers


def _is_huge(value: Any) -> bool:
    return isinstance(value, Integral) and abs(int(value)) > sys.float_info.max


def is_number(kind: type) -> bool:
    """Return whether objects of this type count as numbers."""
    if issubclass(kind, Real | Decimal | np.bool_):
        return True
    no_number = np.generic | np.ndarray | str | bytes | Complex
    return hasattr(kind, "__float__") and not issubclass(kind, no_number)


def _cell_error(value: Any, name: str, where: str) -> Exception:
    for what, kinds in KINDS_OF_CELLS:
        if isinstance(value, kinds):
            return refusal(what, name, where, f": {value!r}")
    if isinstance(value, Complex):
        return refusal("complex numbers", name, where, f": {value!r}")
    return TypeError(
        f"{name} holds a {type(value).__name__} in {where}, but every cell of this argument must "
        "be missing or, instead of a string or another object, a number."
    )


def _check_exact_objects(cells: np.ndarray, numbers: np.ndarray, name: str, column: str) -> None:
    with np.errstate(invalid="ignore"):
        large = np.argwhere(np.abs(numbers) >= LARGEST_EXACT)
    for index in map(tuple, large):
        if isinstance(cells[index], Integral) and int(cells[index]) != int(numbers[index]):
            raise inexact_error(name, name_of_cell(index, column), cells[index])
