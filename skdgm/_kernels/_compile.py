"""The decorator of all kernels: compiled by Numba, and kept on disk where that is possible.

Private names of Numba are used here alone. Without them, its own cache serves.
"""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from numba import njit

try:
    from numba.core.caching import FunctionCache, IndexDataCacheFile
except ImportError:  # a future Numba
    FunctionCache = IndexDataCacheFile = object

OVERRIDDEN = ("load_overload", "save_overload")
USED_OF_FILE = ("_load_index", "_save_index", "_save_data", "_data_name")
_warned = False


def kernel(function: Callable | None = None, **options: Any) -> Any:
    """Compile a function when it is first called with arguments of new types.

    Parameters
    ----------
    function : callable
        The function. It releases the GIL.
    **options : object
        Further options of ``numba.njit``.
    """
    if function is None:
        return partial(kernel, **options)
    compiled = njit(nogil=True, **options)(function)
    if hasattr(compiled, "enable_caching"):  # not if NUMBA_DISABLE_JIT is set
        try:
            _keep_on_disk(compiled)
        except (RuntimeError, OSError) as error:  # no folder can be written
            _warn_once(error)
    return compiled


def _keep_on_disk(compiled: Any) -> None:
    known = (compiled, ["_cache"]), (FunctionCache, OVERRIDDEN), (IndexDataCacheFile, USED_OF_FILE)
    if all(hasattr(owner, name) for owner, names in known for name in names):
        with suppress(AttributeError, TypeError):
            compiled._cache = KernelCache(compiled.py_func)
            return
    compiled.enable_caching()


def _warn_once(error: Exception) -> None:
    global _warned
    if _warned:
        return
    _warned = True
    warnings.warn(
        "Compiled kernels of skdgm cannot be kept on disk, so that each process takes seconds to "
        "compile those that it calls: set the environment variable NUMBA_CACHE_DIR to a folder "
        f"that can be written and has space. The first error was {type(error).__name__}: {error}",
        RuntimeWarning,
        stacklevel=2,
    )


class KernelCache(FunctionCache):
    """The compiled forms of one kernel on disk, without which it compiles and runs all the same."""

    def __init__(self, py_func: Any) -> None:
        super().__init__(py_func)
        file = self._cache_file
        stamp = file._source_stamp, _imported_stamps(py_func)
        name = self._impl.filename_base
        self._cache_file = KernelFile(file._cache_path, name, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled form for a signature, None if there is none or it is damaged."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # anything may come out of a damaged file; it is written anew
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled form for a signature, or warn once."""
        try:
            super().save_overload(sig, data)
        except Exception as error:
            _warn_once(error)


def _imported_stamps(py_func: Any) -> list:
    """Stamps of the files of imported kernels, whose code becomes part of a kernel's own."""
    caches = [
        value._cache
        for value in py_func.__globals__.values()
        if getattr(getattr(value, "py_func", None), "__module__", py_func.__module__)
        != py_func.__module__
    ]
    return [cache._cache_file._source_stamp for cache in caches if isinstance(cache, KernelCache)]


class KernelFile(IndexDataCacheFile):
    """The files of one kernel, which many processes may read and write at once.

    Numba writes the index before the data that it names, and counts names up, so that a process
    could read older data, or two processes file one form under the types of both. Here data come
    first, under a name of their own: what an index names is always whole and right. Two processes
    that write an index at the same time can lose an entry, which costs a compilation later.
    Locks would not do better on every file system.
    """

    def save(self, key: Any, data: Any) -> None:
        """Save a compiled form."""
        overloads = self._load_index()
        is_stale = not overloads and os.path.exists(self._index_path)
        name = overloads.get(key) or self._data_name(secrets.randbits(63))
        self._save_data(name, data)
        overloads = {**self._load_index(), key: name}
        self._save_index(overloads)
        if is_stale:
            self._remove_others(set(overloads.values()))

    def _remove_others(self, names: set[str]) -> None:
        """Remove the data of an earlier source."""
        pattern = self._data_name(0).replace(".0.", ".*.")
        for path in Path(self._cache_path).glob(pattern):
            if path.name not in names:
                with suppress(OSError):
                    path.unlink()

    def _load_index(self) -> dict:
        try:
            return super()._load_index()
        except Exception:  # anything may come out of a damaged file; it is written anew
            return {}
