"""Rows of the table: a call beside its yardstick, its peer and its goals."""

import gc
from dataclasses import dataclass

from .calls import Named, Prepare
from .data import Source
from .measure import VERY_SLOW, extra_memory, medians

LONGEST = 4.0  # seconds; beyond, a row ``in_steps`` is measured on fewer rows
MOST_MEMORY = 1.5  # times the input: the goal of all rows
WORTH_COUNTING = 2**20  # bytes of input, below which memory is overhead
UNITS = {"seconds": "s", "speedup": "x peer", "memory": "x input"}


@dataclass(frozen=True)
class Goal:
    """A bound on what a row measures."""

    measure: str
    bound: float
    is_most: bool = True

    def describe(self, row):
        """Return the goal in words."""
        unit = UNITS.get(self.measure, row.yardstick.name)
        return f"{'≤' if self.is_most else '≥'} {self.bound:g} {unit}"

    def is_met(self, value):
        """Whether a measured value keeps the bound."""
        return bool(value <= self.bound if self.is_most else value >= self.bound)


def yardsticks(most):
    """Goal of a time in yardsticks."""
    return (Goal("yardsticks", most),)


def speedup(least):
    """Goal of how many times faster than the peer the call is."""
    return (Goal("speedup", least, False),)


def seconds(most):
    """Goal of a time in seconds."""
    return (Goal("seconds", most),)


def memory(most):
    """Goal of memory as a multiple of the input."""
    return (Goal("memory", most),)


@dataclass(frozen=True)
class Row:
    """A call on data, with what it is compared to.

    A row ``in_steps`` may be very slow: it is measured on more and more rows of data as long as
    that is affordable, and its time is extended along the last two. Memory is a multiple of the
    input, or of the result of a call without input (``draws``).
    """

    name: str
    source: Source
    ours: Prepare
    yardstick: Named
    peer: Named | None = None
    goals: tuple[Goal, ...] = ()
    in_steps: bool = False
    draws: bool = False

    def measure(self, divisor: int = 1) -> dict:
        """Return what is measured, on a part of the rows if there is a divisor."""
        source, times = self.source.part(divisor), {}
        for n_rows in self._steps(source.n_rows):
            calls, n_bytes = self._prepare(n_rows)
            found = medians(calls)
            times[n_rows] = found["ours"]
            if 4 * sum(found.values()) > LONGEST:
                break
        result = self._result(found, n_bytes)
        result |= {
            "data": source.label,
            "measured_on": n_rows,
            "is_extended": n_rows < source.n_rows,
            "seconds": extended(times, source.n_rows),
        }
        if found["ours"] < 2 * VERY_SLOW:
            extra, left = extra_memory(calls["ours"])
            result["memory"] = extra / (left if self.draws else n_bytes)
        result["goals"] = [
            {"goal": goal.describe(self), "met": goal.is_met(result[goal.measure])}
            for goal in self.goals
            if result[goal.measure] is not None
        ]
        return result

    def _steps(self, n_rows):
        return sorted({max(n_rows // own, 20) for own in (256, 64, 16, 4)}) * self.in_steps + [
            n_rows
        ]

    def _prepare(self, n_rows):
        """Return the calls by name, and the bytes of the data."""
        gc.collect()
        data = self.source.make(n_rows)
        calls = {"ours": self.ours(data), "yardstick": self.yardstick.prepare(data)}
        if self.peer and self.peer.installed:
            calls["peer"] = self.peer.prepare(data)
        return calls, data.values.nbytes

    def _result(self, found, n_bytes):
        return {
            "name": self.name,
            "input_bytes": n_bytes,
            "yardstick": self.yardstick.name,
            "yardsticks": found["ours"] / found["yardstick"],
            "peer": self.peer.name if self.peer else None,
            "speedup": found["peer"] / found["ours"] if "peer" in found else None,
            "memory": None,
        }


def extended(times, n_rows):
    """Return the seconds on the rows, along the line through the last two measured times."""
    (before, seconds_before), (last, seconds) = [(0, 0.0), *times.items()][-2:]
    return seconds + max(seconds - seconds_before, 0.0) * (n_rows - last) / (last - before)
