"""Times and memory of calls, taken in turns in one process."""

import gc
import time
import tracemalloc
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

SECONDS = 0.2  # for the repeats of one call
SLOW = 1.0  # of which two repeats are enough
VERY_SLOW = 5.0  # of which one is
TOO_SLOW = 6.0  # of which the first call, which may compile, counts
FEWEST, MOST = 3, 15


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def medians(calls: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the median seconds of several repeats of each call, taken in turns.

    The first of each, which may compile, does not count unless it is too slow to be repeated. Slow
    calls are repeated less often than quick ones.
    """
    firsts = {name: timed(call) for name, call in calls.items()}
    taken = {name: [first] if first > TOO_SLOW else [] for name, first in firsts.items()}
    while going := [name for name, seconds in taken.items() if not _enough(seconds)]:
        for name in going:
            taken[name].append(timed(calls[name]))
    return {name: median(seconds) for name, seconds in taken.items()}


def _enough(seconds):
    if not seconds:
        return False
    if seconds[0] > SLOW:
        return len(seconds) >= 2 or seconds[0] > VERY_SLOW
    return len(seconds) >= MOST or (len(seconds) >= FEWEST and sum(seconds) > SECONDS)


def extra_memory(call: Callable[[], Any]) -> tuple[int, int]:
    """Return the bytes that a call holds at its peak beyond what it leaves, and what it leaves.

    What NumPy and Python allocate counts, not the little that compiled loops allocate themselves.
    """
    gc.collect()
    tracemalloc.start()
    try:
        result = call()  # held, so that it counts as left
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del result
    return peak - left, left
