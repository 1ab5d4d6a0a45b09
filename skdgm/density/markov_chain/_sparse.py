"""Chains with sparse tables: of the windows (a context and the value after it) that were seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..._codes import bits_for, digits, has_missing, missing_cells, pack, window_keys
from ..._memory import check_memory
from .._engine.blocks import ones_if_none, part_of
from .._engine.statistics import add_in_pairs
from .._engine.weighted_states import WeightedStates
from ._shape import ChainShape
from ._sparse_table import SparseTable

COMPLETIONS = 64  # of a window with missing values, up to which they are listed


@dataclass(frozen=True, eq=False)
class SparseChainCounts:
    """For each table the windows that were seen, with their weights.

    Windows with missing values are listed with all their completions, if these are few. ``each`` is
    an additional weight of every value after every context.
    """

    shape: ChainShape
    tables: tuple[WeightedStates, ...]
    each: float = 0.0

    def __add__(self, other: Self) -> Self:
        pairs = zip(self.tables, other.tables, strict=True)
        return type(self)(
            self.shape, tuple(mine + others for mine, others in pairs), self.each + other.each
        )

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> Self:
        """Count the windows in complete rows, or the observed values of a chain of order 0."""
        parts: list[list[WeightedStates]] = [[] for _ in range(shape.n_tables)]
        if shape.order == 0 and has_missing(codes):
            for table, column in zip(shape.table, codes.T, strict=True):
                rows = np.flatnonzero(~missing_cells(column))
                seen = column[rows, np.newaxis], part_of(weight, rows)
                if not len(rows):  # look-ups need a state
                    seen = np.zeros((1, 1), dtype=codes.dtype), np.zeros(1)
                parts[table].append(WeightedStates.count(*seen, shape.n_categories))
            return cls(shape, tuple(add_in_pairs(part) for part in parts))
        n_bytes, packed = 0, _packed_windows(codes, shape)
        for table, (window, _) in zip(shape.table, packed, strict=True):
            width = shape.n_before(table) + 1
            counted = WeightedStates.count_keys(window, weight, shape.n_categories, width)
            parts[table].append(counted)
            n_bytes += counted.keys.nbytes + counted.weight.nbytes
            _check_room(n_bytes, shape)
        return cls(shape, tuple(add_in_pairs(part) for part in parts))

    @classmethod
    def count_start(cls, codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> Self:
        """Count the windows in which nothing is missing, and list those with little missing."""
        weight = ones_if_none(weight, len(codes))
        parts: list[list[WeightedStates]] = [[] for _ in range(shape.n_tables)]
        for position, table in enumerate(shape.table):
            window = codes[:, position - shape.n_before(table) : position + 1]
            parts[table] += _possible_windows(window, weight, shape.n_categories)
        return cls(shape, tuple(add_in_pairs(part) for part in parts))

    def with_even(self) -> Self:
        """Return the counts with one more after every context, spread evenly over the values."""
        return replace(self, each=self.each + 1 / self.shape.n_categories)

    def listed(self) -> Self:
        """Return the same windows, without weight."""
        tables = (replace(table, weight=np.zeros(len(table))) for table in self.tables)
        return type(self)(self.shape, tuple(tables))

    def windows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return for each table the windows seen, as rows of codes, and their weights."""
        return [(table.codes(), table.weight) for table in self.tables]

    @classmethod
    def from_windows(cls, windows: list[tuple[np.ndarray, np.ndarray]], shape: ChainShape) -> Self:
        """Make the counts whose :meth:`windows` are given."""
        tables = (
            WeightedStates.count(codes.astype(np.uint16), weight, shape.n_categories)
            for codes, weight in windows
        )
        return cls(shape, tuple(tables))

    def probabilities(self, alpha: float) -> SparseChainProbabilities:
        """Estimate the conditional probabilities, with a pseudo-count for each value."""
        return SparseChainProbabilities(self, alpha)


def _check_room(n_bytes: int, shape: ChainShape) -> None:
    """Raise a TooLargeError if windows of so many bytes leave no room for their contexts."""
    check_memory(
        n_bytes,
        f"A chain with order={shape.order} over {shape.n_positions} columns holds the windows that "
        "occur. It",
        "choose a smaller order, or fit to fewer rows",
    )


def _possible_windows(
    codes: np.ndarray, weight: np.ndarray, n_categories: int
) -> Iterator[WeightedStates]:
    """Yield the complete rows with their weights, and the completions of others without weight.

    Only rows with up to ``COMPLETIONS`` completions are completed. The row of zeros is always
    among the states.
    """
    missing = missing_cells(codes)
    n_missing = missing.sum(axis=1)
    zeros = np.zeros((1, codes.shape[1]), dtype=codes.dtype)
    yield WeightedStates.count(zeros, np.zeros(1), n_categories)
    for n in np.unique(n_missing):
        n_completions = n_categories ** int(n)
        if n_completions > COMPLETIONS:
            break
        values = digits(np.arange(n_completions), np.full(n, n_categories))
        rows = n_missing == n
        completed = np.repeat(codes[rows], len(values), axis=0)
        completed[np.repeat(missing[rows], len(values), axis=0)] = np.tile(
            values.ravel(), np.count_nonzero(rows)
        )
        share = weight[rows] if n == 0 else np.zeros(len(completed))
        yield WeightedStates.count(completed, share, n_categories)


def _packed_windows(
    codes: np.ndarray, shape: ChainShape
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each position the keys of the rows' windows, and of the contexts in them."""
    bits = bits_for(shape.n_categories)
    if (shape.order + 1) * bits <= 64:
        widths = np.minimum(shape.table, shape.order) + 1
        for window in window_keys(codes, widths, bits):
            yield window, window >> np.uint64(bits)  # without the last code
        return
    for position, table in enumerate(shape.table):
        window = codes[:, position - shape.n_before(table) : position + 1]
        yield pack(window, bits), pack(window[:, :-1], bits)


class SparseChainProbabilities:
    """``(count(window) + alpha) / (count(context) + K alpha)`` from the windows seen.

    After a context that was never seen, the distribution is even.
    """

    def __init__(self, counts: SparseChainCounts, alpha: float) -> None:
        self.shape = counts.shape
        self.pseudo_count = alpha
        self.alpha = alpha + counts.each
        self.counts = counts
        self.tables = [SparseTable(windows) for windows in counts.tables]

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return ``log p(x)`` of complete rows."""
        total = np.zeros(len(codes))
        K = self.shape.n_categories
        packed = _packed_windows(codes, self.shape)
        for table, (window, context) in zip(self.shape.table, packed, strict=True):
            seen, before = self.tables[table].weights_of(window, context)
            with np.errstate(divide="ignore", invalid="ignore"):
                log_probability = np.log(seen + self.alpha) - np.log(before + K * self.alpha)
            total += np.where(before > 0, log_probability, -np.log(K))
        return total

    def dense(self, table: int) -> np.ndarray:
        """Return a table as an array of shape (K**order, K)."""
        K, own = self.shape.n_categories, self.tables[table]
        places = K ** np.arange(self.shape.n_before(table) - 1, -1, -1)
        number = own.contexts.codes() @ places
        known = own.contexts.weight > 0
        total = own.contexts.weight + K * self.alpha
        dense = np.full((K**self.shape.order, K), 1 / K)
        dense[number[known]] = (self.alpha / total[known])[:, np.newaxis]
        context = np.repeat(np.arange(len(known)), own.run_end - own.run_start)
        cells = known[context]
        context = context[cells]
        share = own.windows.weight[cells] / total[context]
        dense[number[context], own.last_value[cells]] += share
        return dense

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw rows."""
        codes = np.empty((n_samples, self.shape.n_positions), dtype=self.shape.dtype)
        for position, table in enumerate(self.shape.table):
            context = codes[:, position - self.shape.n_before(table) : position]
            codes[:, position] = self._draw(self.tables[table], context, generator)
        return codes

    def _draw(
        self, table: SparseTable, context: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """Draw a value seen after each context by its weight, or any value by the pseudo-counts."""
        K = self.shape.n_categories
        value = generator.integers(0, K, size=len(context))
        group = table.contexts.find(context)
        before = table.contexts.weight_at(group)
        total = before + K * self.alpha
        uniform = generator.random(len(context))
        seen = uniform < np.divide(before, total, out=np.zeros_like(total), where=total > 0)
        value[seen] = table.value_at(group[seen], (uniform * total)[seen])
        return value

    def log_prior(self) -> float:
        """Log-density of the pseudo-counts' prior, relative to even distributions."""
        if not self.pseudo_count:
            return 0.0
        K = self.shape.n_categories
        total = 0.0
        for table in self.tables:
            before = table.contexts.weight + K * self.alpha
            share = np.log(K * (table.windows.weight + self.alpha))
            others = K - (table.run_end - table.run_start)
            total += share.sum() + others.sum() * np.log(K * self.alpha) - K * np.log(before).sum()
        return self.pseudo_count * float(total)
