"""The cells of one column, whatever table it comes from: numbers, labels, times or durations.

Cells of Python objects are sorted out here. Labels are told apart by their keys, so that those of
different tables compare.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from ._arrays import first_inexact, is_missing, is_number
from ._errors import refuse_dtype

BOOLS = (False, True)
SIMPLE = {str, int, bool, float, type(None)}  # a missing cell of these is None or NaN


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one column.

    Parameters
    ----------
    role : {"number", "label", "time", "duration"}
        The sort of its cells.
    values : ndarray of shape (n_rows,)
        Numbers of any dtype; codes of labels; ``datetime64[us]`` in UTC; ``timedelta64[us]``, also
        for times of the day, since midnight.
    missing : ndarray of shape (n_rows,)
        Mask of the missing cells, whose values mean nothing.
    dtype : object
        The dtype of the column, of whatever library it is.
    labels : sequence
        The values that the codes stand for.
    declared, ordered : bool
        True if the dtype declares the labels, or an order of them.
    integer : bool
        True if the numbers are of a dtype of integers, or objects that are all integers.
    zone : object
        The time zone of times, None without one.
    of_day : bool
        True for times of the day.
    cell : type or None
        The type of the cells, if they are objects of one type.
    mark : object
        What stands for a missing cell among objects.
    """

    role: str
    values: np.ndarray
    missing: np.ndarray
    dtype: Any
    labels: Sequence[Any] = ()
    declared: bool = False
    ordered: bool = False
    integer: bool = False
    zone: Any = None
    of_day: bool = False
    cell: type | None = None
    mark: Any = None


class Sentinels:
    """Values that stand for a missing cell among cells of their own sort, numbers or text.

    Parameters
    ----------
    missing_values : number, str or sequence of these
        The values; those that are missing themselves, such as NaN, add nothing.
    """

    def __init__(self, missing_values: Any) -> None:
        is_list = isinstance(missing_values, list | tuple | set | frozenset | np.ndarray)
        values = list(missing_values) if is_list else [missing_values]
        values = [value for value in values if not is_gone(value)]
        self.text = {str(value) for value in values if isinstance(value, str)}
        self.numbers = {key_of(value) for value in values if _is_plain_number(value)}
        wrong = [v for v in values if not isinstance(v, str) and not _is_plain_number(v)]
        if wrong:
            raise ValueError(
                f"missing_values must be a number, a text or a list of these, got {wrong[0]!r}."
            )

    def has(self, value: Any) -> bool:
        """Return whether an observed value is one of them."""
        if isinstance(value, str):
            return value in self.text
        return bool(self.numbers) and _is_plain_number(value) and key_of(value) in self.numbers

    def among(self, numbers: np.ndarray) -> np.ndarray:
        """Mask of those of an array of numbers that are among them."""
        found = np.zeros(numbers.shape, dtype=bool)
        for number in self.numbers:
            found |= numbers == number
        return found


# ---------------------------------------------------------------------- keys of labels
def key_of(value: Any) -> Any:
    """Return what tells a label from others: text, a number, or the repr of any other object."""
    if isinstance(value, str):
        return str(value)
    if not is_number(type(value)) or isinstance(value, np.timedelta64):
        return (repr(value),)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    return int(value) if isinstance(value, Integral) else float(value)


def _is_plain_number(value: Any) -> bool:
    is_bool = isinstance(value, bool | np.bool_)
    return not is_bool and not isinstance(key_of(value), str | tuple)


def in_order(keys: dict[Any, Any]) -> dict[Any, Any]:
    """Return labels by key in an order that does not follow rows: numbers, text, other objects.

    Other objects are ordered by value if they are intervals, periods or bytes, else by their repr.
    """
    if all(type(key) is str for key in keys):
        return {key: keys[key] for key in sorted(keys)}
    numbers = [key for key in keys if not isinstance(key, str | tuple)]
    text = [key for key in keys if isinstance(key, str)]
    others = [key for key in keys if isinstance(key, tuple)]
    kinds = {type(keys[key]).__name__ for key in others}
    if kinds in ({"Interval"}, {"Period"}, {"bytes"}):
        others.sort(key=lambda key: keys[key])
    else:
        others.sort()
    return {key: keys[key] for key in [*sorted(numbers), *sorted(text), *others]}


# ---------------------------------------------------------------------- cells of each sort
def number_cells(
    values: np.ndarray, missing: np.ndarray, sentinels: Sentinels, dtype: Any, **about: Any
) -> Cells:
    """Return a column of numbers; of labels, if floats would change some of its integers."""
    if sentinels.numbers:
        missing = missing | sentinels.among(values)
    integer = values.dtype.kind in "iu"
    if first_inexact(values[~missing]) is not None:
        labels, codes = np.unique(values[~missing], return_inverse=True)
        placed = np.zeros(len(values), dtype=np.intp)
        placed[~missing] = codes
        about = {"cell": int, **about}
        return Cells("label", placed, missing, dtype, labels=labels.tolist(), **about)
    return Cells("number", values, missing, dtype, integer=integer, **about)


def bool_cells(values: np.ndarray, missing: np.ndarray, dtype: Any, **about: Any) -> Cells:
    """Return a column of the labels False and True."""
    codes = values.astype(np.intp)
    return Cells("label", codes, missing, dtype, labels=BOOLS, declared=True, **about)


def coded_cells(
    labels: Sequence[Any],
    codes: np.ndarray,
    missing: np.ndarray,
    sentinels: Sentinels,
    dtype: Any,
    declared: bool = False,
    ordered: bool = False,
) -> Cells:
    """Return a column of labels that comes as codes; those not declared are those that occur."""
    keys = {key_of(label): label for label in labels if not sentinels.has(label)}
    places = [key_of(label) for label in labels]
    if not declared:
        occurs = np.bincount(codes[~missing], minlength=len(labels)) > 0
        seen = {key for key, own in zip(places, occurs, strict=True) if own}
        keys = in_order({key: label for key, label in keys.items() if key in seen})
    code = {key: place for place, key in enumerate(keys)}
    new = np.array([*(code.get(key, -1) for key in places), -1], dtype=np.intp)
    codes = new[np.where(missing, -1, codes)]
    own = list(keys.values())
    return Cells("label", codes, codes < 0, dtype, labels=own, declared=declared, ordered=ordered)


def time_cells(values: np.ndarray, dtype: Any, **about: Any) -> Cells:
    """Return a column of times (``datetime64``) or durations (``timedelta64``)."""
    role = "time" if values.dtype.kind == "M" or about.get("of_day") else "duration"
    values = values.astype(f"{values.dtype.kind}8[us]")
    return Cells(role, values, np.isnat(values), dtype, **about)


def array_cells(
    values: np.ndarray, sentinels: Sentinels, name: str, where: str, mask: Any = None
) -> Cells:
    """Return the cells of an array of one dimension, of any dtype; those under a mask are missing.

    ``name`` is that of the table and ``where`` that of the column, for errors.
    """
    dtype = values.dtype
    masked = np.zeros(len(values), dtype=bool) if mask is None else mask
    if dtype.kind in "OUS":
        cells = values.tolist()
        if masked.any():
            cells = [None if gone else cell for cell, gone in zip(cells, masked, strict=True)]
        return object_cells(cells, sentinels, np.dtype(object))
    if dtype.kind == "b":
        return bool_cells(values, masked, dtype)
    if dtype.kind in "Mm":
        return time_cells(np.where(masked, np.array("NaT", dtype=dtype), values), dtype)
    refuse_dtype(dtype, name, where)
    if dtype.char == "g":
        with np.errstate(over="ignore"):  # to infinity, which is refused
            values = np.asarray(values, dtype=np.float64)
    values = np.asarray(values, dtype=values.dtype.newbyteorder("="))
    missing = masked | np.isnan(values) if dtype.kind == "f" else masked
    return number_cells(values, missing, sentinels, values.dtype)


# ---------------------------------------------------------------------- objects
def is_gone(value: Any) -> bool:
    """Return whether an object is a missing cell, NaN included."""
    return is_missing(value) or (isinstance(value, float | np.floating) and value != value)


def object_cells(cells: list[Any], sentinels: Sentinels, dtype: Any) -> Cells:
    """Return a column of Python objects: of numbers, times or durations only, or else of labels."""
    types = set(map(type, cells))
    if types <= {str}:
        missing = np.zeros(len(cells), dtype=bool)
    elif types <= SIMPLE:
        missing = np.array([cell is None or cell != cell for cell in cells], dtype=bool)
    else:
        never = {kind for kind in types if issubclass(kind, str | int)}
        missing = np.array(
            [type(cell) not in never and is_gone(cell) for cell in cells], dtype=bool
        )
    mark = cells[int(missing.argmax())] if missing.any() else None
    mark = None if mark is np.ma.masked else mark
    if sentinels.text or sentinels.numbers:
        missing |= np.array([sentinels.has(cell) for cell in cells], dtype=bool)
    observed = [cell for cell, gone in zip(cells, missing, strict=True) if not gone]
    types = set(map(type, observed))
    about: dict[str, Any] = {"cell": types.pop() if len(types) == 1 else None, "mark": mark}
    found = _values_of(observed)
    if found is None:
        codes, labels = _as_labels(observed)
        return Cells("label", _placed(codes, missing), missing, dtype, labels=labels, **about)
    values, zone = _placed(found[0], missing), found[1]
    if values.dtype.kind == "b":
        return bool_cells(values, missing, dtype, **about)
    if values.dtype.kind in "Mm":
        values[missing] = "NaT"
        of_day = about["cell"] is datetime.time
        return time_cells(values, dtype, zone=zone, of_day=of_day, **about)
    return number_cells(values, missing, sentinels, dtype, **about)


def _placed(observed: np.ndarray, missing: np.ndarray) -> np.ndarray:
    values = np.zeros(len(missing), dtype=observed.dtype)
    values[~missing] = observed
    return values


def _values_of(observed: list[Any]) -> tuple[np.ndarray, Any] | None:
    """Return observed objects as an array, with a time zone; None if they are labels."""
    types = set(map(type, observed))
    if len(types) == 1:
        times = _as_times(observed, next(iter(types)))
        if times is not None:
            return times
    if types and types <= {bool, np.bool_}:
        return np.array(observed, dtype=bool), None
    if not all(is_number(kind) and not issubclass(kind, np.timedelta64) for kind in types):
        return None
    numbers = _as_numbers(observed, types)
    return None if numbers is None else (numbers, None)


def _as_numbers(observed: list[Any], types: set[type]) -> np.ndarray | None:
    """Return numbers as integers or floats, or None if these would change one of them."""
    are_integers = [issubclass(kind, Integral | np.bool_) for kind in types]
    try:
        if types and all(are_integers):
            return np.array([int(cell) for cell in observed], dtype=np.int64)
        numbers = np.array(observed, dtype=np.float64)
    except OverflowError:
        return None
    if any(are_integers):
        for cell, number in zip(observed, numbers.tolist(), strict=True):
            if isinstance(cell, Integral) and int(cell) != number:
                return None
    return numbers


def _as_times(observed: list[Any], kind: type) -> tuple[np.ndarray, Any] | None:
    """Return objects of one type as times or durations, with their time zone; None if unfit."""
    if issubclass(kind, np.datetime64 | np.timedelta64):
        return np.array(observed), None
    if issubclass(kind, datetime.timedelta):
        return np.array(observed, dtype="m8[us]"), None
    if issubclass(kind, datetime.time):
        if any(cell.tzinfo is not None for cell in observed):
            return None
        day = datetime.date(1970, 1, 1)
        moments = [datetime.datetime.combine(day, cell) for cell in observed]
        return np.array(moments, dtype="M8[us]") - np.datetime64(0, "us"), None
    if not issubclass(kind, datetime.datetime):
        return (
            (np.array(observed, dtype="M8[D]"), None) if issubclass(kind, datetime.date) else None
        )
    is_aware = {cell.tzinfo is not None for cell in observed}
    if is_aware == {False}:
        return np.array(observed, dtype="M8[us]"), None
    if is_aware != {True}:
        return None
    zone = observed[0].tzinfo
    if any(cell.tzinfo != zone for cell in observed):
        zone = datetime.UTC
    moments = [cell.astimezone(datetime.UTC).replace(tzinfo=None) for cell in observed]
    return np.array(moments, dtype="M8[us]"), zone


def _as_labels(observed: list[Any]) -> tuple[np.ndarray, list[Any]]:
    """Return the codes of objects, and the labels that these stand for."""
    is_text = set(map(type, observed)) <= {str}
    keys = observed if is_text else [key_of(cell) for cell in observed]
    distinct: dict[Any, Any] = {}
    for key, cell in zip(keys, observed, strict=True):
        distinct.setdefault(key, cell)
    distinct = in_order(distinct)
    code = {key: place for place, key in enumerate(distinct)}
    codes = np.fromiter(map(code.__getitem__, keys), dtype=np.intp, count=len(keys))
    return codes, list(distinct.values())
