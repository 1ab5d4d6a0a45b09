"""The types of which fitted estimators of this library are made, for safe formats of models.

Skops stores a model as plain data and the names of its types, and loads no type that it is not told
to trust. To load one of these types runs no code but that of this library.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

# Modules that hold no part of a fitted estimator, and may need other packages.
OTHERS = {
    *("__main__", "_command_line", "_csv", "comparison", "dask", "displays", "metrics"),
    "over_sampling",
    "_kernels._compile",
}


def trusted_types() -> list[str]:
    """Return the full names of the classes of this library that hold fitted state, sorted."""
    return list(_trusted_types())


@cache
def _trusted_types() -> tuple[str, ...]:
    package = importlib.import_module(__package__)
    found = {"numpy.dtype"}
    for name in _modules(list(package.__path__), f"{__package__}."):
        for member in vars(importlib.import_module(name)).values():
            is_own = inspect.isclass(member) and member.__module__ == name
            if is_own and not issubclass(member, BaseException):
                found.add(f"{name}.{member.__qualname__}")
    return tuple(sorted(found))


def _modules(path: list[str], prefix: str) -> list[str]:
    names = []
    for info in pkgutil.iter_modules(path, prefix):
        if info.name.removeprefix(f"{__package__}.") not in OTHERS:
            names.append(info.name)
            if info.ispkg:
                names += _modules([f"{path[0]}/{info.name.removeprefix(prefix)}"], f"{info.name}.")
    return names
