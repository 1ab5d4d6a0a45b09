"""The types of this library that safe formats of models load.

Skops stores a model as plain data and the names of its types, and loads no type that it is not told
to trust. An estimator of this library is stored as its own type and plain data, of which it makes
its parts again; these are of this library, so that loading runs no other code.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

from ._estimator import CommonEstimator
from ._packing import OTHERS, PACKAGE, is_part


def trusted_types() -> list[str]:
    """Return the full names of the estimators of this library, sorted."""
    return list(_trusted_types())


@cache
def _trusted_types() -> tuple[str, ...]:
    package = importlib.import_module(PACKAGE)
    found = set()
    for name in _modules(list(package.__path__), f"{PACKAGE}."):
        for member in vars(importlib.import_module(name)).values():
            is_own = is_part(member) and issubclass(member, CommonEstimator)
            if is_own and not inspect.isabstract(member) and member is not CommonEstimator:
                found.add(f"{member.__module__}.{member.__qualname__}")
    return tuple(sorted(found))


def _modules(path: list[str], prefix: str) -> list[str]:
    names = []
    for info in pkgutil.iter_modules(path, prefix):
        if info.name.removeprefix(f"{PACKAGE}.") not in OTHERS:
            names.append(info.name)
            if info.ispkg:
                names += _modules([f"{path[0]}/{info.name.removeprefix(prefix)}"], f"{info.name}.")
    return names
