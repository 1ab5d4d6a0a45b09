"""Work in blocks of rows: over threads, and with random numbers that stay in the cache.

The size of a block does not depend on the number of threads, so no sum, draw or result does.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from joblib.parallel import get_active_backend

from ..._codes import readonly
from ..._memory import memory_errors_in_words
from ..._validation import spawn_generators
from .blas import blas_is_limited, blas_threads_for, one_blas_thread

BLOCK_CELLS = 2**22
CHUNK_CELLS = 2**17  # cells for which random numbers are drawn at once


@dataclass(frozen=True, eq=False)
class RowsOf:
    """The same rows of several tables."""

    parts: tuple[Any, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return self.parts[0].shape

    def __getitem__(self, rows: slice) -> Self:
        return type(self)(tuple(part[rows] for part in self.parts))


def row_blocks(n_rows: int, n_columns: int, cells: int | None = None) -> list[slice]:
    """Cut rows into slices of about the given number of cells."""
    step = max(1, (cells or BLOCK_CELLS) // n_columns)
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def ones_if_none(weight: np.ndarray | None, n_rows: int) -> np.ndarray:
    """Return the weights of the rows; None counts every row once."""
    return np.ones(n_rows) if weight is None else weight


def total_weight(weight: np.ndarray | None, n_rows: int) -> float:
    """Return the total weight of the rows; None counts every row once."""
    return float(n_rows if weight is None else weight.sum())


def part_of(weight: np.ndarray | None, rows: Any) -> np.ndarray | None:
    """Return the weights of some of the rows, or None if every row counts once."""
    return None if weight is None else weight[rows]


def weighted_blocks(
    codes: Any, weight: np.ndarray | None, cells: int | None = None
) -> list[tuple[Any, np.ndarray | None]]:
    """Cut codes and weights into blocks of rows."""
    n_rows, n_columns = codes.shape
    blocks = row_blocks(n_rows, n_columns, cells)
    return [(codes[block], part_of(weight, block)) for block in blocks]


def run_in_weighted_blocks(
    function: Callable, codes: Any, weight: np.ndarray | None, n_jobs: int | None
) -> Iterator:
    """Call the function on the codes and weights of blocks of rows; yield results as they come."""
    with blas_threads_for(*codes.shape):
        yield from map_in_threads(function, weighted_blocks(codes, weight), n_jobs)


def draw_with_uniforms(
    kernel: Callable, arguments: tuple, codes: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Fill codes by ``kernel(uniform, *arguments, codes)``, with a uniform number for each cell."""
    for rows in row_blocks(len(codes), codes.shape[1], CHUNK_CELLS):
        uniform = readonly(generator.random(codes[rows].shape))
        kernel(uniform, *arguments, codes[rows])
    return codes


def draw_categories(probability: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw a category for each row of probabilities, which need not quite sum to one."""
    cumulative = np.cumsum(probability, axis=1)
    uniform = generator.random((len(cumulative), 1)) * cumulative[:, -1:]
    return (cumulative[:, :-1] <= uniform).sum(axis=1)


def run_in_threads(function: Callable, tasks: list[tuple], n_jobs: int | None) -> list:
    """Return the results of :func:`map_in_threads`."""
    return list(map_in_threads(function, tasks, n_jobs))


def map_in_threads(function: Callable, tasks: list[tuple], n_jobs: int | None) -> Iterator:
    """Call the function on each tuple of arguments; yield the results in the same order.

    In a meeting of threads (:func:`meeting_in_threads`), each task runs in a thread of its own.
    Functions that call this one again share the threads that are left. What limits the threads of
    BLAS here limits them there, too, but nothing else does: by their number, last digits differ.
    Of several errors, the first in this order is raised.
    """
    meeting = getattr(_thread, "meeting", None)
    if meeting is not None and len(tasks) > 1:
        yield from meeting(function, tasks)
        return
    most = 1 if len(tasks) == 1 else _count_threads(n_jobs)
    n_threads = min(most, len(tasks))
    with memory_errors_in_words("This call"):
        if n_threads <= 1:
            yield from (function(*task) for task in tasks)
            return
        is_limited, failed = blas_is_limited(), threading.Event()

        def run(task: tuple) -> Any:
            if failed.is_set():
                return None
            try:
                with one_blas_thread() if is_limited else nullcontext():
                    return function(*task)
            except BaseException:
                failed.set()
                raise

        def share() -> None:
            _thread.most = most // n_threads

        with ThreadPoolExecutor(n_threads, initializer=share) as threads:
            yield from threads.map(run, tasks)


@contextmanager
def meeting_in_threads(run: Callable[[Callable, list[tuple]], list] | None) -> Iterator[None]:
    """Let ``run`` call functions on tasks in threads which wait for one another, in this thread."""
    before, _thread.meeting = getattr(_thread, "meeting", None), run
    try:
        yield
    finally:
        _thread.meeting = before


# Of this thread. ``most``: number of threads that may run for what it does; ``meeting``: what runs
# tasks in threads that wait for one another.
_thread = threading.local()


def _count_threads(n_jobs: int | None) -> int:
    """Return the number of threads by joblib's rules; its own take as long to start as blocks."""
    backend, n_by_default = get_active_backend(prefer="threads", require="sharedmem")
    n_threads = backend.effective_n_jobs(n_by_default if n_jobs is None else n_jobs)
    return min(n_threads, getattr(_thread, "most", None) or n_threads)


class RowError(ValueError, ABC):
    """An error about one row, whose number follows where blocks of rows are put together."""

    row: int | None

    @abstractmethod
    def at_row(self, row: int) -> Self:
        """Return the same error about a row of another number."""


def run_in_row_blocks(
    function: Callable,
    codes: Any,
    n_jobs: int | None,
    generator: np.random.Generator | None = None,
    rows: np.ndarray | None = None,
    cells: int | None = None,
) -> list:
    """Call the function on blocks of rows, each with a generator of its own if one is given.

    ``rows`` are the numbers of the rows, for errors about one of them; by default they count up.
    ``cells`` says how many a block has, if not as many as usual.
    """
    n_rows, n_columns = codes.shape
    blocks = row_blocks(n_rows, n_columns, cells)
    sources: list[tuple] = [()] * len(blocks)
    if generator is not None:
        sources = [(own,) for own in spawn_generators(generator, len(blocks))]

    def run(block: slice, *source: np.random.Generator) -> Any:
        try:
            return function(codes[block], *source)
        except RowError as error:
            if error.row is None:
                raise
            row = block.start + error.row
            raise error.at_row(row if rows is None else int(rows[row])) from None

    tasks = [(block, *source) for block, source in zip(blocks, sources, strict=True)]
    with blas_threads_for(*codes.shape):
        return run_in_threads(run, tasks, n_jobs)
