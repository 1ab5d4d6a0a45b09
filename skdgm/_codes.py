"""Compact integer codes for tables of categories: the one place where they are made.

Categories are the integers 0, 1, 2, ...; codes are the same integers, as ``uint8`` where that
suffices and ``uint16`` otherwise, C-contiguous and read-only. The largest code of either dtype
marks a missing value. A key packs the codes of a whole row into as few bits as they need, the first
column most significant, so that keys sort as rows do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from ._kernels.codes import (
    encode_floats,
    pack_windows,
    pack_words,
    threshold_floats,
    unpack_words,
)
from ._tables import INEXACT, first_inexact
from ._validation import ColumnError

LARGEST_CODE = 65_534  # of a category; the code after it marks a missing value
CELLS_AT_ONCE = 2**20  # of which an array of another layout or dtype is copied
PLACE = "row {row}, {column} holds {value}"  # where a cell is, in the template of an error


def dtype_that_holds(values: np.ndarray, dtype: np.dtype) -> np.dtype:
    """Return the dtype, or a wider one if it is of floats that end before some of the values.

    ``float16`` ends at 65,504.
    """
    if dtype.kind != "f" or not values.size or np.can_cast(values.dtype, dtype):
        return dtype
    low, high = np.min(values), np.max(values)
    if np.isnan(low) or np.isinf(low) or np.isinf(high):
        finite = values[np.isfinite(values)]
        low, high = np.min(finite, initial=0), np.max(finite, initial=0)
    largest = np.finfo(dtype).max
    return dtype if -largest <= low and high <= largest else np.promote_types(dtype, values.dtype)


def readonly(array: np.ndarray) -> np.ndarray:
    """Return a C-contiguous read-only view: kernels compile once, and take memory maps, too."""
    array = np.ascontiguousarray(array).view()
    array.flags.writeable = False
    return array


def missing_mark(dtype: DTypeLike) -> int:
    """Return the code that marks a missing value among codes of a dtype: the largest there is."""
    return int(np.iinfo(dtype).max)


def missing_code(codes: np.ndarray) -> int:
    """Return the code that marks a missing value among these codes."""
    return missing_mark(codes.dtype)


def all_missing(n_rows: int, n_columns: int, dtype: DTypeLike = np.uint8) -> np.ndarray:
    """Rows of codes in which every value is missing."""
    return np.full((n_rows, n_columns), missing_mark(dtype), dtype=dtype)


def missing_cells(codes: np.ndarray) -> np.ndarray:
    """Mask of the missing cells: marked among codes, NaN among floats."""
    return np.isnan(codes) if codes.dtype.kind == "f" else codes == missing_code(codes)


def has_missing(codes: np.ndarray) -> bool:
    """Return whether any cell is missing, in one pass without a mask."""
    if not codes.size:
        return False
    if codes.dtype.kind == "f":
        return bool(np.isnan(codes.min()))  # NaN passes through a minimum
    return bool(codes.max() == missing_code(codes))


def as_floats(codes: np.ndarray) -> np.ndarray:
    """Return the codes as floats, NaN where missing."""
    if codes.dtype.kind != "f" and not has_missing(codes):
        return codes.astype(np.float64)
    return np.where(missing_cells(codes), np.nan, codes)


def with_room(codes: np.ndarray, n_categories: int | np.ndarray) -> np.ndarray:
    """Return the codes in a dtype that holds every category and the mark of a missing value."""
    if codes.dtype == np.uint8 and np.max(n_categories) > missing_mark(np.uint8):
        return np.where(missing_cells(codes), np.uint16(missing_mark(np.uint16)), codes)
    return codes


def with_missing_category(codes: np.ndarray, n_categories: int) -> np.ndarray:
    """Return the codes with one more category, ``n_categories``, in place of missing values."""
    codes = with_room(codes, n_categories)
    return readonly(np.where(missing_cells(codes), codes.dtype.type(n_categories), codes))


def _nan_cells(X: np.ndarray) -> np.ndarray | None:
    """Mask of NaN, or None if there is none: integers and booleans cannot be NaN."""
    return np.isnan(X) if X.dtype.kind == "f" and has_missing(X) else None


def as_codes(X: np.ndarray) -> np.ndarray:
    """Convert validated categories up to 65,534 to codes, NaN to the mark of a missing value.

    ``uint8`` and ``bool`` pass through without a copy, unless X holds the category 255.

    Raises
    ------
    ValueError
        If a value is negative, not an integer, or above 65,534; the message names its place.
    """
    codes = codes_that_fit(X)
    if codes is not None:
        return codes
    X, missing = as_categories(X)
    high = X.max().item()  # float16 does not hold LARGEST_CODE
    if high > LARGEST_CODE:
        raise _cell_error(
            f"Category too large in {{table}}: {PLACE}; categories are the integers 0 to "
            f"{LARGEST_CODE}. Encode {{table}} first, for example with "
            "sklearn.preprocessing.OrdinalEncoder.",
            X,
            X > LARGEST_CODE,
        )
    codes = X.astype(np.uint8 if high < missing_mark(np.uint8) else np.uint16)
    if missing is not None:
        codes[missing] = missing_code(codes)
    return readonly(codes)


def codes_that_fit(X: np.ndarray) -> np.ndarray | None:
    """Return what :func:`as_codes` does, or None where X holds a value that has no code."""
    if X.dtype == np.bool_:
        return readonly(X.view(np.uint8))
    if not X.size:
        return readonly(X.astype(np.uint8))
    if X.dtype == np.uint8:
        return readonly(X.astype(np.uint16) if has_missing(X) else X)
    if X.dtype.kind in "ui":
        low, high = int(X.min()), int(X.max())
        if low < 0 or high > LARGEST_CODE:
            return None
        return readonly(X.astype(np.uint8 if high < missing_mark(np.uint8) else np.uint16))
    if X.dtype.itemsize > np.dtype(np.float64).itemsize:
        return None  # kernels do not know long doubles
    for dtype in (np.uint8, np.uint16):
        codes = np.empty(X.shape, dtype=dtype)
        largest = 0
        for floats, own in _flat_blocks(X, codes):
            high = encode_floats(floats, own)
            if high < 0:
                return None
            largest = max(largest, high)
        if largest < missing_mark(dtype):
            break
    return readonly(codes)


def _flat_blocks(X: np.ndarray, codes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield floats of X that kernels can read, flat, with the codes to fill in for them."""
    dtype = np.float64 if X.dtype.itemsize > np.dtype(np.float32).itemsize else np.float32
    step = max(1, CELLS_AT_ONCE // X.shape[1])
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        floats = np.ascontiguousarray(X[rows], dtype=dtype)
        yield readonly(floats.reshape(-1)), codes[rows].reshape(-1)


def as_categories(X: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return validated X with 0 in place of NaN, and a mask of these cells, or None.

    Raises
    ------
    ValueError
        If a value is negative or not an integer; the message names its place.
    """
    missing = _nan_cells(X)
    if missing is not None:
        X = np.where(missing, 0, X)
    if X.dtype.kind not in "ub" and X.min(initial=0) < 0:
        raise _cell_error(
            f"Negative values in data: {PLACE}; categories are the integers 0, 1, 2, ... Encode "
            "{table} first, for example with sklearn.preprocessing.OrdinalEncoder.",
            X,
            X < 0,
        )
    if X.dtype.kind == "f" and not np.array_equal(np.rint(X), X):
        raise _cell_error(
            f"Values that are not integers in {{table}}: {PLACE}; categories are the integers 0, "
            "1, 2, ... Discretise {table} first, for example with "
            "sklearn.preprocessing.KBinsDiscretizer or Binarizer.",
            X,
            np.rint(X) != X,
        )
    return X, missing


def as_exact_floats(X: Any) -> Any:
    """Return validated numbers as float64, without a copy if they are.

    Raises
    ------
    ValueError
        If an integer is so large that floats cannot hold it; the message names its place.
    """
    cell = None if sparse.issparse(X) else first_inexact(X)
    if cell is not None:
        row, column = cell
        raise ColumnError(
            f"{{table}} {INEXACT.format(place='row {row}, {column}', value='{value}')}",
            column,
            {"row": row, "value": X[cell]},
        )
    return X.astype(np.float64, copy=False)


def holds_grey_levels(X: np.ndarray) -> bool:
    """Return whether X holds no category: every value lies strictly between 0 and 1."""
    if X.dtype.kind != "f":
        return False
    for rows in (X[:1], X):  # mostly, the first row tells
        low, high = np.fmin.reduce(rows, axis=None), np.fmax.reduce(rows, axis=None)  # NaN aside
        if low <= 0 or high >= 1:
            return False
    return bool(low > 0 and high < 1)


def as_binary_codes(X: np.ndarray | sparse.csr_array, threshold: float | None) -> Any:
    """Return codes of ``X > threshold``, or of X itself, which must then hold zeros and ones.

    NaN becomes the mark of a missing value. A dense binary array that the threshold leaves
    unchanged passes through without a copy. A sparse matrix stays sparse and keeps its NaN.
    """
    if sparse.issparse(X):
        return _as_sparse_binary(X, threshold)
    if X.dtype == np.bool_ or X.dtype == np.uint8:
        unchanged = threshold is None or 0 <= threshold < 1
        if unchanged and X.max(initial=0) <= 1:
            return readonly(X.view(np.uint8))
    if threshold is None:
        _check_binary(X)
        return as_codes(X)
    if X.dtype in (np.float32, np.float64):
        codes = np.empty(X.shape, dtype=np.uint8)
        for floats, own in _flat_blocks(X, codes):
            threshold_floats(floats, floats.dtype.type(threshold), own)
        return readonly(codes)
    codes = np.greater(X, threshold).view(np.uint8)
    missing = _nan_cells(X)
    if missing is not None:
        codes[missing] = missing_code(codes)
    return readonly(codes)


def _as_sparse_binary(X: sparse.csr_array, threshold: float | None) -> sparse.csr_array:
    if threshold is None:
        entries = X.tocoo()
        _check_binary(X.data, (entries.row, entries.col))
        ones = X.data > 0
    elif threshold < 0:
        raise ValueError(
            f"binarize must be 0 or larger for a sparse X, got {threshold:g}: below zero the "
            "entries that are not stored would become ones. Pass binarize=0.0 or a dense X."
        )
    else:
        ones = X.data > threshold
    missing = np.isnan(X.data)
    data = np.where(missing, np.nan, ones)
    binary = X.__class__((data, X.indices, X.indptr), shape=X.shape)
    if not data.all():
        binary = binary.copy()
        binary.eliminate_zeros()
    return binary


def _check_binary(values: np.ndarray, places: tuple[np.ndarray, ...] | None = None) -> None:
    """Raise a ValueError if a value is no zero, one or NaN; places are rows and columns."""
    wrong = (values != 0) & (values != 1) & ~np.isnan(values)
    if wrong.any():
        first = np.unravel_index(wrong.argmax(), wrong.shape)
        cell = first if places is None else [place[first] for place in places]
        row, column = map(int, cell)
        raise ColumnError(
            f"With binarize=None, {{table}} must hold zeros and ones only, but {PLACE}; pass a "
            "threshold as binarize.",
            column,
            {"row": row, "value": values[first]},
        )


def largest_codes(codes: np.ndarray) -> np.ndarray:
    """Return the largest code in each column, or 0 where all are missing."""
    largest = codes.max(axis=0)
    if largest.max() == missing_code(codes):
        largest = np.where(missing_cells(codes), 0, codes).max(axis=0)
    return largest.astype(np.int64)


def _cell_error(template: str, X: np.ndarray, wrong: np.ndarray) -> ColumnError:
    """Return the error about the first wrong cell, which the template names by ``PLACE``."""
    row, column = np.argwhere(wrong)[0]
    return ColumnError(template, column, {"row": row, "value": X[row, column]})


def n_states(n_categories: Sequence[int] | np.ndarray) -> int:
    """Exact number of joint states of columns with so many categories."""
    return math.prod(int(k) for k in n_categories)


def digits(numbers: np.ndarray, n_categories: np.ndarray) -> np.ndarray:
    """Return the states with these numbers as rows of codes, counted in row-major order."""
    codes = np.empty((len(numbers), len(n_categories)), dtype=np.uint16)
    for column in range(len(n_categories) - 1, -1, -1):
        numbers, codes[:, column] = np.divmod(numbers, n_categories[column])
    return codes


def bits_for(n_categories: int) -> int:
    """Number of bits that hold the codes 0 to ``n_categories - 1`` (at least one)."""
    return max(1, (int(n_categories) - 1).bit_length())


def pack(codes: np.ndarray, bits: int) -> np.ndarray:
    """Pack each row into a key: ``uint64`` if its bits fit, else bytes that sort as rows do."""
    codes = readonly(codes)
    n_rows, width = codes.shape
    words = np.empty((n_rows, max(1, -(-width * bits // 64))), dtype=np.uint64)
    pack_words(codes, bits, words)
    if words.shape[1] == 1:
        return words[:, 0]
    return words.astype(">u8").view(f"V{8 * words.shape[1]}")[:, 0]


def window_keys(codes: np.ndarray, widths: np.ndarray, bits: int) -> np.ndarray:
    """Pack the windows of ``widths[i]`` codes that end at each column i, as :func:`pack` does.

    Windows have up to 64 bits, and each is at most one code wider than the one before. The keys
    have shape (n_columns, n_rows).
    """
    keys = np.empty(codes.shape[::-1], dtype=np.uint64)
    pack_windows(readonly(codes), bits, readonly(widths), keys)
    return keys


def unpack(keys: np.ndarray, width: int, bits: int) -> np.ndarray:
    """Return the rows of codes that :func:`pack` packed, as ``uint8`` or ``uint16``."""
    if keys.dtype == np.uint64:
        words = keys[:, np.newaxis]
    else:
        words = np.ascontiguousarray(keys).view(">u8").astype(np.uint64)
        words = words.reshape(len(keys), keys.dtype.itemsize // 8)
    codes = np.empty((len(keys), width), dtype=np.uint8 if bits <= 8 else np.uint16)
    unpack_words(readonly(words), bits, codes)
    return codes
