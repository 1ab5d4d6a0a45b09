"""Plain forms of fitted estimators: text, numbers and arrays, whatever the estimator is made of.

An estimator is a graph of objects: densities, which hold densities, tables of probabilities and
statistics, some of them in several places. Its plain form lists every object once, so that shared
ones stay shared. It names classes of this library alone, so that reading it runs no other code.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import math
import sys
from contextlib import suppress
from functools import cache, cached_property
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

PACKAGE = __package__ or ""
# Modules that hold no part of a fitted estimator, and may need other packages.
OTHERS = {
    *("__main__", "_command_line", "_csv", "comparison", "dask", "displays", "metrics"),
    "over_sampling",
    "_kernels._compile",
}
SMALL = 4096  # bytes of an array that is joined with others
LARGE_INTEGER = 2**63  # from which on integers are written as hexadecimal digits
INLINE = (type(None), bool, str, float)


class UnfitForm(ValueError):
    """Error about a plain form that does not fit the classes of this version.

    Parameters
    ----------
    what : str
        What is the matter, such as "lacks 'alpha' of a CountDensity".
    verb : str
        What this version does with that: "needs" it, or "does not know" it.
    """

    def __init__(self, what: str, verb: str) -> None:
        super().__init__(what, verb)
        self.what, self.verb = what, verb


class rebuilt_property(cached_property):
    """A cached property that is not stored with a model, but computed again from the rest.

    It is for what takes room, and comes out the same to the last bit; no code sets it otherwise.
    """


def is_part(value: Any) -> bool:
    """Return whether this is a class of the library that a fitted estimator may be made of."""
    return isinstance(value, type) and _is_own(value.__module__, value)


@cache
def _is_own(module: str, cls: Any) -> bool:
    if issubclass(cls, BaseException):
        return False
    return _holds_parts(module) and vars(sys.modules[module]).get(cls.__qualname__) is cls


def _holds_parts(module: str) -> bool:
    """Return whether fitted estimators may be made of the classes of a module, by its name."""
    package, *names = module.split(".")
    return package == PACKAGE and OTHERS.isdisjoint({"".join(names[:1]), ".".join(names)})


class Packer:
    """A plain form in the making.

    ``structure`` is a text (JSON) of records, one per object, and of their forms: the class and the
    names of what a record lists. A value in a record is itself, or [n], which is record n.
    ``joined`` holds the numbers of all small arrays end to end, by dtype; ``arrays`` the others.
    ``others`` are objects of other packages, which stand for themselves.
    """

    def __init__(self) -> None:
        self._forms: dict[tuple, int] = {}
        self._records: list[list] = []
        self._places: dict[Any, int] = {}  # of records
        self._kept: list[Any] = []  # so that no identity is used twice
        self._small: dict[str, list[np.ndarray]] = {}
        self._lengths: dict[str, int] = {}
        self.arrays: list[np.ndarray] = []
        self.others: list[Any] = []

    @classmethod
    def pack(cls, estimator: BaseEstimator) -> dict[str, Any]:
        """Return the plain form of an estimator, of any class."""
        packer = cls()
        packer._new_record(id(estimator), estimator)
        packer._fill(0, *packer._estimator(estimator, None))
        structure = {"forms": list(packer._forms), "records": packer._records}
        return {
            "structure": json.dumps(structure, separators=(",", ":")),
            "arrays": packer.arrays,
            "joined": {name: np.concatenate(own) for name, own in packer._small.items()},
            "others": packer.others,
        }

    def _new_record(self, key: Any, value: Any) -> int:
        place = self._places[key] = len(self._records)
        self._records.append([])
        self._kept.append(value)
        return place

    def _fill(self, place: int, form: tuple, values: Any) -> None:
        number = self._forms.setdefault(form, len(self._forms))
        self._records[place] = [number, *map(self._value, values)]

    def _value(self, value: Any) -> Any:
        """Return what stands for a value in a record."""
        if type(value) in INLINE or (type(value) is int and abs(value) < LARGE_INTEGER):
            return value
        if type(value) in (np.ndarray, np.memmap) and value.dtype != object:
            array = value.__array_interface__
            key: Any = (array["data"][0], value.shape, value.strides, value.dtype.str)
        else:
            key = id(value)
        if key not in self._places:
            self._fill(self._new_record(key, value), *self._described(value))
        return [self._places[key]]

    def _described(self, value: Any) -> tuple[tuple, Any]:
        """Return the form of an object, and the values that it lists."""
        cls: Any = type(value)
        if cls in (list, tuple, set, frozenset):
            return (cls.__name__,), value
        if cls is dict:
            return ("dict",), [own for pair in value.items() for own in pair]
        if cls is int:
            return ("int",), [hex(value)]
        if cls is bytes:
            return ("bytes",), [value.hex()]
        if cls in (slice, range):
            return (cls.__name__,), (value.start, value.stop, value.step)
        if isinstance(value, np.dtype) and _names_itself(value):
            return ("dtype",), [value.str]
        if isinstance(value, np.generic) and _names_itself(value.dtype):
            return ("scalar", value.dtype.str), [self._join(np.asarray(value))]
        if cls is np.ndarray and value.dtype == object:
            return ("objects", *value.shape), value.ravel()
        if cls in (np.ndarray, np.memmap) and _names_itself(value.dtype):
            return self._array(np.asarray(value))
        if is_part(cls):
            name = f"{cls.__module__}:{cls.__qualname__}".removeprefix(PACKAGE)
            if isinstance(value, BaseEstimator):
                return self._estimator(value, name)
            if isinstance(value, tuple):
                return ("named", name, *cls._fields), value
            state = _needed(cls, value.__getstate__() or {})
            return ("object", name, *state), state.values()
        self.others.append(value)
        return ("other",), [len(self.others) - 1]

    def _estimator(self, estimator: BaseEstimator, name: str | None) -> tuple[tuple, Any]:
        """Return the form of an estimator, which tells its parameters apart, and its values."""
        cls: Any = type(estimator)
        # The attributes are read once: a fit in another thread replaces them.
        state = _needed(cls, estimator.__dict__)
        own = {key: state[key] for key in _parameters(cls) if key in state}
        learned = {key: value for key, value in state.items() if key not in own}
        form = ("estimator", name, len(own), *own, *learned)
        return form, [*own.values(), *learned.values()]

    def _array(self, array: np.ndarray) -> tuple[tuple, Any]:
        if array.nbytes > SMALL:
            self.arrays.append(array)
            return ("array",), [len(self.arrays) - 1]
        by_columns = array.flags.f_contiguous and not array.flags.c_contiguous
        order = "F" if by_columns else "C"
        return ("joined", array.dtype.str, order), [self._join(array, order), *array.shape]

    def _join(self, array: np.ndarray, order: Any = "C") -> int:
        """Put the numbers of an array behind those of others, and return where they start."""
        dtype = array.dtype.str
        start = self._lengths.get(dtype, 0)
        self._small.setdefault(dtype, []).append(array.ravel(order))
        self._lengths[dtype] = start + array.size
        return start


class Unpacker:
    """A plain form that becomes an estimator again."""

    def __init__(self, plain: dict[str, Any], estimator: BaseEstimator) -> None:
        structure = json.loads(plain["structure"])
        self._forms, self._records = structure["forms"], structure["records"]
        self._arrays, self._joined = plain["arrays"], plain["joined"]
        self._others = plain["others"]
        self._made: dict[int, Any] = {0: estimator}
        self.estimators: list[BaseEstimator] = [estimator]

    @classmethod
    def unpack(cls, plain: dict[str, Any], estimator: BaseEstimator) -> list[BaseEstimator]:
        """Fill an empty estimator from its plain form, and return it and all within it.

        Raises
        ------
        UnfitForm
            If the form lacks what this version of the library needs, or holds what it does not
            know.
        """
        unpacker = cls(plain, estimator)
        (kind, _, *form), *values = unpacker._record(0)
        assert kind == "estimator"
        unpacker._fill_estimator(estimator, form, values)
        return unpacker.estimators

    def _record(self, place: int) -> tuple[Any, ...]:
        number, *values = self._records[place]
        return self._forms[number], *values

    def _value(self, value: Any) -> Any:
        if type(value) is not list:
            return value
        (place,) = value
        if place not in self._made:
            (kind, *form), *values = self._record(place)
            made = getattr(self, f"_make_{kind}")(place, form, values)
            self._made[place] = made
        return self._made[place]

    def _values(self, values: Any) -> list[Any]:
        return [self._value(own) for own in values]

    # ------------------------------------------------------------------ what may hold itself
    def _make_list(self, place: int, form: Any, values: Any) -> list:
        made: list = []
        self._made[place] = made
        made += self._values(values)
        return made

    def _make_dict(self, place: int, form: Any, values: Any) -> dict:
        made: dict = {}
        self._made[place] = made
        pairs = zip(values[::2], values[1::2], strict=True)
        made.update((self._value(key), self._value(own)) for key, own in pairs)
        return made

    def _make_object(self, place: int, form: Any, values: Any) -> Any:
        name, *names = form
        cls = _class_of(name)
        if dataclasses.is_dataclass(cls):
            stored = set(names) - _cached(cls)
            _check_same(cls, stored, [field.name for field in dataclasses.fields(cls)])
        made: Any = object.__new__(cls)
        self._made[place] = made
        state = dict(zip(names, self._values(values), strict=True))
        if hasattr(cls, "__setstate__"):
            made.__setstate__(state)
        else:
            made.__dict__.update(state)
        return made

    def _make_estimator(self, place: int, form: Any, values: Any) -> BaseEstimator:
        name, *own = form
        made: Any = object.__new__(_class_of(name))
        self._made[place] = made
        self.estimators.append(made)
        self._fill_estimator(made, own, values)
        return made

    def _fill_estimator(self, estimator: BaseEstimator, form: Any, values: Any) -> None:
        n_parameters, *names = form
        cls: Any = type(estimator)
        _check_same(cls, names[:n_parameters], _parameters(cls))
        vars(estimator).update(zip(names, self._values(values), strict=True))

    def _make_objects(self, place: int, form: Any, values: Any) -> np.ndarray:
        made = self._made[place] = np.empty(form, dtype=object)
        for index, own in zip(np.ndindex(*form), values, strict=True):
            made[index] = self._value(own)
        return made

    # ------------------------------------------------------------------ everything else
    def _make_tuple(self, place: int, form: Any, values: Any) -> tuple:
        return tuple(self._values(values))

    def _make_set(self, place: int, form: Any, values: Any) -> set:
        return set(self._values(values))

    def _make_frozenset(self, place: int, form: Any, values: Any) -> frozenset:
        return frozenset(self._values(values))

    def _make_named(self, place: int, form: Any, values: Any) -> Any:
        name, *names = form
        cls: Any = _class_of(name)
        _check_same(cls, names, cls._fields)
        return cls(*self._values(values))

    def _make_int(self, place: int, form: Any, values: Any) -> int:
        return int(values[0], 16)

    def _make_bytes(self, place: int, form: Any, values: Any) -> bytes:
        return bytes.fromhex(values[0])

    def _make_slice(self, place: int, form: Any, values: Any) -> slice:
        return slice(*self._values(values))

    def _make_range(self, place: int, form: Any, values: Any) -> range:
        return range(*self._values(values))

    def _make_dtype(self, place: int, form: Any, values: Any) -> np.dtype:
        return np.dtype(values[0])

    def _make_scalar(self, place: int, form: Any, values: Any) -> np.generic:
        return self._joined[form[0]][values[0]]

    def _make_joined(self, place: int, form: Any, values: Any) -> np.ndarray:
        (dtype, order), (start, *shape) = form, values
        stop = start + math.prod(shape)
        return self._joined[dtype][start:stop].reshape(shape, order=order).copy(order)

    def _make_array(self, place: int, form: Any, values: Any) -> np.ndarray:
        return self._arrays[values[0]]

    def _make_other(self, place: int, form: Any, values: Any) -> Any:
        return self._others[values[0]]


@cache
def _parameters(cls: Any) -> list[str]:
    return sorted(cls._get_param_names())


@cache
def _cached(cls: Any, kind: type = cached_property) -> frozenset[str]:
    """Return the names of the cached properties of a class."""
    members = inspect.getmembers_static(cls)
    return frozenset(name for name, own in members if isinstance(own, kind))


def _needed(cls: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of an object without those that are computed again."""
    rebuilt = _cached(cls, rebuilt_property)
    return {name: own for name, own in state.items() if name not in rebuilt}


def _names_itself(dtype: np.dtype) -> bool:
    """Return whether its text is all that there is to a dtype."""
    try:
        return np.dtype(dtype.str) == dtype and not (dtype.names or dtype.metadata)
    except TypeError:  # a dtype of another package
        return False


@cache
def _class_of(name: str) -> type:
    """Return the class of this library that a record names."""
    module, _, qualname = name.partition(":")
    found: Any = None
    if _holds_parts(PACKAGE + module):
        with suppress(ImportError):
            found = vars(importlib.import_module(PACKAGE + module)).get(qualname)
    if not is_part(found):
        raise UnfitForm(f"holds a {qualname}", "does not know")
    return found


def _check_same(cls: type, stored: Any, needed: Any) -> None:
    lacking, others = set(needed) - set(stored), set(stored) - set(needed)
    if lacking:
        raise UnfitForm(f"lacks {min(lacking)!r} of a {cls.__name__}", "needs")
    if others:
        raise UnfitForm(f"holds {min(others)!r} of a {cls.__name__}", "does not know")
