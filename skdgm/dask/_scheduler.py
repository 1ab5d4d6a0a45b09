"""Where tasks run: on the workers of a client, or by a scheduler in this process."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import dask
from dask.base import get_scheduler

from .._memory import available_memory

TOGETHER = 8  # parts that are added by one task
SHARE_TO_KEEP = 0.4  # of the memory, that blocks may take which stay between passes


class Scheduler:
    """The scheduler that is current when a call begins, for threads of that call as well."""

    def __init__(self) -> None:
        self._get = get_scheduler()
        owner = getattr(self._get, "__self__", None)
        self._client = owner if hasattr(owner, "scheduler_info") else None

    def compute(self, task: Any) -> Any:
        """Return the result of a task."""
        if self._client is not None:
            return self._client.compute(task).result()
        (result,) = dask.compute(task, scheduler=self._get)
        return result

    def keep(self, tasks: Sequence[Any], n_bytes: float) -> list[Any]:
        """Return tasks whose results stay in memory, if these take a moderate part of it."""
        memory = self._memory()
        if memory is None or n_bytes > SHARE_TO_KEEP * memory:
            return list(tasks)
        if self._client is not None:
            return self._client.persist(list(tasks))
        return list(dask.persist(*tasks, scheduler=self._get))

    def _memory(self) -> float | None:
        if self._client is None:
            return available_memory()
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return float(sum(worker["memory_limit"] for worker in workers)) or None


def share(value: Any) -> Any:
    """Return a value for tasks, which is sent to each worker once.

    It is a task of the graph, which survives the workers; what is scattered is lost with them.
    """
    return dask.delayed(value, name=f"shared-{uuid.uuid4()}", traverse=False)


def in_tree(add: Callable[[list[Any]], Any], parts: Sequence[Any]) -> Any:
    """Return the task that adds the results of tasks, a few at a time."""
    add_some = dask.delayed(add, pure=False)
    parts = list(parts)
    while len(parts) > 1:
        starts = range(0, len(parts), TOGETHER)
        parts = [add_some(parts[start : start + TOGETHER]) for start in starts]
    return parts[0]
