"""The threads of BLAS and of OpenMP, which small matrices do not gain from.

They spin while they wait for each other: where other work keeps the cores busy, many small products
take ten times as long with them, and so does k-means.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

MANY_DISTANCES = 2**24  # cells that distances are taken over, which gain from threads
MANY_COLUMNS = 256  # whose products gain from threads
FEW_CELLS = 2**11  # whose products take no threads

Settings = list[tuple[Any, int]]  # libraries, and how many threads they had


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Give BLAS one thread meanwhile."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


def blas_threads_for(n_rows: int, n_columns: int) -> AbstractContextManager:
    """Give BLAS one thread meanwhile if products of tables of these columns are small."""
    is_small = n_columns < MANY_COLUMNS and n_rows * n_columns >= FEW_CELLS
    return one_blas_thread() if is_small else nullcontext()


@contextmanager
def openmp_threads_for(points: np.ndarray, n_clusters: int) -> Iterator[None]:
    """Give scikit-learn's k-means one thread meanwhile if it has few distances to take."""
    if points.size * n_clusters >= MANY_DISTANCES:
        yield
        return
    _openmp_limit.enter()
    try:
        with one_blas_thread():
            yield
    finally:
        _openmp_limit.leave()


def blas_is_limited() -> bool:
    """Return whether this thread is inside of ``one_blas_thread``."""
    return _limit.is_inside


class _Limit:
    """One thread for as long as anybody wants it, and then as many as before.

    Most libraries of ``user_api`` have one setting for the whole process, which the last thread to
    leave restores; OpenMP, and OpenBLAS with it, has one for each thread, which the thread itself
    restores.
    """

    def __init__(self, user_api: str) -> None:
        self._user_api = user_api
        self._lock = threading.Lock()
        self._n_threads = 0  # that are inside
        self._of_process: Settings = []
        self._own = threading.local()

    @property
    def is_inside(self) -> bool:
        return getattr(self._own, "depth", 0) > 0

    def enter(self) -> None:
        self._own.depth = getattr(self._own, "depth", 0) + 1
        if self._own.depth > 1:
            return
        with self._lock:
            self._n_threads += 1
            changed = _set_one(_libraries(self._user_api))
            self._own.settings = [pair for pair in changed if _is_of_thread(pair[0])]
            self._of_process += [pair for pair in changed if not _is_of_thread(pair[0])]

    def leave(self) -> None:
        self._own.depth -= 1
        if self._own.depth:
            return
        with self._lock:
            self._n_threads -= 1
            _restore(self._own.settings)
            if not self._n_threads:
                _restore(self._of_process)
                self._of_process = []


_limit = _Limit("blas")
_openmp_limit = _Limit("openmp")


@cache
def _libraries(user_api: str) -> list[Any]:
    """Return what sets the threads of each library; to find these takes a millisecond."""
    return ThreadpoolController().select(user_api=user_api).lib_controllers


def _is_of_thread(library: Any) -> bool:
    if library.user_api == "openmp":
        return True
    return library.internal_api == "openblas" and library.threading_layer == "openmp"


def _set_one(libraries: list[Any]) -> Settings:
    """Give libraries one thread; return those that this has changed.

    Where another thread has set OpenBLAS, such as the main one, threadpoolctl leaves it as it is.
    """
    before = [(library, library.num_threads) for library in libraries]
    for library in libraries:
        library.set_num_threads(1)
    return [(library, number) for library, number in before if library.num_threads != number]


def _restore(settings: Settings) -> None:
    for library, number in settings:
        library.set_num_threads(number)
        let_go = getattr(library, "clear_controlling_thread", None)  # of threadpoolctl 3.8
        if let_go is not None:
            if library.num_threads != number:  # another thread has set it for us
                let_go(force=True)
                library.set_num_threads(number)
            let_go()
