"""Encoded rows on the workers, which densities learn from through sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import dask
import numpy as np

from .._codes import as_floats, has_missing
from ..density._engine.blocks import part_of, run_in_weighted_blocks
from ..density._engine.distant_rows import DistantRows
from ..density._engine.statistics import add_in_pairs
from ._meeting import Meeting
from ._scheduler import Scheduler, in_tree, share


class Encoded(NamedTuple):
    """The rows of a block, as densities compute with them."""

    number: int
    codes: Any
    weight: np.ndarray | None
    label: np.ndarray | None  # the place of each row's class

    @property
    def is_empty(self) -> bool:
        """True if there are no rows, of which codes would tell nothing."""
        return not self.codes.shape[0]


@dataclass(frozen=True, eq=False)
class View:
    """Some of the rows, and a part of their codes.

    Parameters
    ----------
    label : int or None
        The class whose rows these are, None for all.
    parts : tuple of callable
        What makes codes of codes, one after another.
    """

    label: int | None = None
    parts: tuple[Callable[[Any], Any], ...] = ()

    def of(self, block: Encoded) -> tuple[Any, np.ndarray | None]:
        """Return the codes and weights of the rows of a block."""
        codes, weight = block.codes, block.weight
        if self.label is not None:
            rows = np.flatnonzero(block.label == self.label)
            codes, weight = codes[rows], part_of(weight, rows)
        for part in self.parts:
            codes = part(codes)
        return codes, weight


@dataclass(frozen=True, eq=False)
class Question:
    """A function that counts, and the rows to count.

    ``places`` are those of rows to take from each block; None takes all.
    """

    view: View
    function: Callable[[Any, np.ndarray | None], Any]
    places: Sequence[np.ndarray] | None = None

    def answer(self, block: Encoded) -> Any:
        """Return what the function counts of the rows of a block, None if there are none."""
        if block.is_empty:
            return None
        codes, weight = self.view.of(block)
        if self.places is not None:
            own = self.places[block.number]
            codes, weight = codes[own], part_of(weight, own)
        if not codes.shape[0]:
            return None
        return add_in_pairs(run_in_weighted_blocks(self.function, codes, weight, None))


class Passes:
    """Passes over blocks of rows, from the second on over blocks that stay in memory if they fit.

    Parameters
    ----------
    blocks : sequence of tasks
        Their results are :class:`Encoded` rows.
    n_bytes : float
        How much memory these take.
    """

    def __init__(self, blocks: Sequence[Any], n_bytes: float, scheduler: Scheduler) -> None:
        self._blocks, self._n_bytes, self._scheduler = list(blocks), n_bytes, scheduler
        self._n_passes = 0
        self.meeting = Meeting(self._answer)

    def _answer(self, questions: list[Question]) -> list[Any]:
        self._n_passes += 1
        if self._n_passes == 2:
            self._blocks = self._scheduler.keep(self._blocks, self._n_bytes)
        shared = share(questions)
        answer = dask.delayed(_answer_all, pure=False)
        parts = [answer(shared, block) for block in self._blocks]
        return self._scheduler.compute(in_tree(_add_answers, parts))


def _answer_all(questions: list[Question], block: Encoded) -> list[Any]:
    return [question.answer(block) for question in questions]


def _add_answers(parts: list[list[Any]]) -> list[Any]:
    return [reduce(add, answers) for answers in zip(*parts, strict=True)]


def add(first: Any, second: Any) -> Any:
    """Return the sum of two results, of which None is that of no rows."""
    if first is None or second is None:
        return second if first is None else first
    return first + second


class RowsOnWorkers(DistantRows):
    """Rows of a view.

    Parameters
    ----------
    passes : Passes
        Over the blocks.
    view : View
        Which rows these are.
    lengths : ndarray of shape (n_blocks,)
        Number of the rows in each block.
    total : float
        Their weight.
    facts : Facts or None
        What is known of the codes; None has them looked at when they are asked for.
    """

    def __init__(
        self, passes: Passes, view: View, lengths: np.ndarray, total: float, facts: Facts | None
    ) -> None:
        self._passes, self._view, self._lengths = passes, view, lengths
        self.meeting = passes.meeting
        self.total = total
        self._known_facts = facts

    @property
    def _facts(self) -> Facts:
        if self._known_facts is None:  # a cached_property would lock out other threads
            self._known_facts = self.sum(_look_at)
        return self._known_facts

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        return int(self._lengths.sum()), self._facts.n_columns

    @property
    def has_missing(self) -> bool:  # type: ignore[override]
        return self._facts.has_missing

    def sum(self, function: Callable[[Any, np.ndarray | None], Any]) -> Any:
        return self.meeting.ask(Question(self._view, function))

    def take(self, density: Any, places: np.ndarray) -> tuple[Any, np.ndarray | None]:
        start = np.cumsum(self._lengths) - self._lengths
        ends = np.searchsorted(places, [*start[1:], self._lengths.sum()])
        local = [own - at for own, at in zip(np.split(places, ends[:-1]), start, strict=True)]
        taken: Taken = self.meeting.ask(Question(self._view, _take, local))
        X = density._columns.decode(np.concatenate(taken.tables))
        weights = [own for own in taken.weights if own is not None]
        return density._encode(X), np.concatenate(weights) if weights else None

    def of(self, part: Callable[[Any], Any]) -> RowsOnWorkers:
        view = View(self._view.label, (*self._view.parts, part))
        return type(self)(self._passes, view, self._lengths, self.total, None)


@dataclass(frozen=True, eq=False)
class Facts:
    """Size of codes, and whether any value is missing."""

    n_columns: int
    has_missing: bool

    def __add__(self, other: Facts) -> Facts:
        return Facts(self.n_columns, self.has_missing or other.has_missing)


def _look_at(codes: Any, weight: np.ndarray | None) -> Facts:
    return Facts(codes.shape[1], bool(has_missing(codes)))


@dataclass(frozen=True, eq=False)
class Taken:
    """Rows that were taken from blocks, as tables of codes that NumPy makes of them."""

    tables: list[np.ndarray]
    weights: list[np.ndarray | None]

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.tables + other.tables, self.weights + other.weights)


def _take(codes: Any, weight: np.ndarray | None) -> Taken:
    return Taken([as_floats(np.asarray(codes))], [weight])


class TablesOnWorkers(Sequence):
    """The rows of each of several densities, in the place of ``RowTables``."""

    def __init__(self, rows: Sequence[RowsOnWorkers]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> tuple[Any, None]:
        return self._rows[place], None

    def of(self, part: Callable[[Any], Any]) -> TablesOnWorkers:
        """Return the same rows of a part of the codes."""
        return TablesOnWorkers([rows.of(part) for rows in self._rows])
