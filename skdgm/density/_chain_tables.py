"""Counts and probabilities of a value given the values before it, dense or sparse.

The dense form holds a cell for every possible context and suits short ones; the sparse form holds
the windows (a context and the value after it) that were seen. Both answer the same calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from .._codes import bits_for, pack, readonly, window_keys
from .._kernels import markov_chain as kernels
from ._blocks import draw_with_uniforms
from ._statistics import add_in_pairs
from ._weighted_states import WeightedStates

DENSE_CELLS = 2**20  # a dense table of counts takes 8 bytes a cell


@dataclass(frozen=True)
class ChainShape:
    """Which positions depend on how many values before them, and which of them share a table."""

    n_positions: int
    order: int
    homogeneous: bool
    n_categories: int

    @cached_property
    def table(self) -> np.ndarray:
        """The table of each position: its own, or from position ``order`` on a common one."""
        positions = np.arange(self.n_positions)
        return readonly(np.minimum(positions, self.order) if self.homogeneous else positions)

    @property
    def n_tables(self) -> int:
        return int(self.table[-1]) + 1

    def n_before(self, table: int) -> int:
        """How many values a context of this table has."""
        return min(int(table), self.order)

    @property
    def dtype(self) -> type[np.unsignedinteger]:
        """The dtype of codes that holds the categories."""
        return np.uint8 if self.n_categories <= 256 else np.uint16

    @property
    def n_parameters(self) -> int:
        K = self.n_categories
        return sum((K - 1) * K ** self.n_before(table) for table in range(self.n_tables))

    @property
    def n_cells(self) -> int:
        return self.n_tables * self.n_categories ** (self.order + 1)

    @property
    def form(self) -> type[DenseChainCounts] | type[SparseChainCounts]:
        """The form of the counts that suits the size of the tables."""
        return DenseChainCounts if self.n_cells <= DENSE_CELLS else SparseChainCounts


def count_chain(
    codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape
) -> DenseChainCounts | SparseChainCounts:
    """Count the windows of every row of codes, which are in the order of the chain."""
    return shape.form.count(codes, weight, shape)


def widen(
    counts: DenseChainCounts | SparseChainCounts, n_categories: int
) -> DenseChainCounts | SparseChainCounts:
    """The same counts with room for more categories."""
    if n_categories == counts.shape.n_categories:
        return counts
    shape = replace(counts.shape, n_categories=n_categories)
    return shape.form.from_windows(counts.windows(), shape)


@dataclass(frozen=True, eq=False)
class DenseChainCounts:
    """Weights in an array of shape (n_tables, K**order, K)."""

    shape: ChainShape
    counts: np.ndarray

    def __add__(self, other: Self) -> Self:
        return type(self)(self.shape, self.counts + other.counts)

    @classmethod
    def _empty(cls, shape: ChainShape) -> np.ndarray:
        K = shape.n_categories
        return np.zeros((shape.n_tables, K**shape.order, K))

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> Self:
        counts = cls._empty(shape)
        if weight is None and shape.order <= 1 and shape.n_categories == 2:
            _count_binary_pairs(codes, shape, counts)
        else:
            weight = np.ones(len(codes)) if weight is None else weight
            kernels.add_windows(codes, readonly(weight), shape.table, shape.order, counts)
        return cls(shape, counts)

    def windows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each table the windows seen, as rows of codes, and their weights."""
        K = self.shape.n_categories
        windows = []
        for table, counts in enumerate(self.counts):
            width = self.shape.n_before(table) + 1
            cells = np.flatnonzero(counts)
            digits = cells[:, np.newaxis] // K ** np.arange(width - 1, -1, -1) % K
            windows.append((digits, counts.ravel()[cells]))
        return windows

    @classmethod
    def from_windows(cls, windows: list[tuple[np.ndarray, np.ndarray]], shape: ChainShape) -> Self:
        counts = cls._empty(shape)
        for table, (codes, weight) in enumerate(windows):
            cells = codes @ shape.n_categories ** np.arange(codes.shape[1] - 1, -1, -1)
            counts[table].ravel()[cells] = weight
        return cls(shape, counts)

    def probabilities(self, alpha: float) -> DenseChainProbabilities:
        K = self.shape.n_categories
        smoothed = self.counts + alpha
        total = smoothed.sum(axis=2, keepdims=True)
        never_seen = total == 0  # only with alpha = 0: then as for the smallest alpha, evenly
        np.divide(smoothed, total, out=smoothed, where=~never_seen)
        smoothed[never_seen[:, :, 0]] = 1 / K
        return DenseChainProbabilities(self.shape, smoothed)


def _count_binary_pairs(codes: np.ndarray, shape: ChainShape, counts: np.ndarray) -> None:
    """The quick way for binary chains of order 0 and 1: all counts follow from two sums."""
    ones = np.zeros(shape.n_positions, dtype=np.int64)
    both = np.zeros(shape.n_positions, dtype=np.int64)
    kernels.count_binary_pairs(codes, ones, both)
    if shape.order == 0:
        np.add.at(counts[:, 0], shape.table, np.stack([len(codes) - ones, ones], axis=1))
        return
    counts[0, 0] = len(codes) - ones[0], ones[0]
    after_one = np.stack([ones[:-1] - both[1:], both[1:]], axis=1)
    after_zero = np.stack([len(codes) - ones[:-1], ones[1:]], axis=1)
    after_zero[:, 0] -= after_zero[:, 1] - both[1:]
    after_zero[:, 1] -= both[1:]
    np.add.at(counts, shape.table[1:], np.stack([after_zero, after_one], axis=1))


class DenseChainProbabilities:
    """Probabilities in an array of shape (n_tables, K**order, K)."""

    def __init__(self, shape: ChainShape, probability: np.ndarray) -> None:
        self.shape = shape
        with np.errstate(divide="ignore"):  # log 0 is -inf, a legal score
            self.log_probability = np.log(probability)
        cumulative = np.cumsum(probability, axis=2)
        self.cumulative = cumulative / cumulative[:, :, -1:]  # ends with exactly 1

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        out = np.empty(len(codes))
        table, order = self.shape.table, self.shape.order
        log_probability = self.log_probability
        if order == 0:  # the same whatever came before
            K = self.shape.n_categories
            log_probability = np.broadcast_to(log_probability, (self.shape.n_tables, K, K))
        if order <= 1:
            kernels.log_prob_first_order(codes, table, readonly(log_probability), out)
        else:
            kernels.log_prob_windows(codes, table, order, readonly(log_probability), out)
        return out

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        codes = np.empty((n_samples, self.shape.n_positions), dtype=self.shape.dtype)
        table, order = self.shape.table, self.shape.order
        if self.shape.n_categories == 2:
            arguments = (table, order, readonly(self.cumulative[:, :, 0]))
            return draw_with_uniforms(kernels.draw_binary, arguments, codes, generator)
        arguments = (table, order, readonly(self.cumulative))
        return draw_with_uniforms(kernels.draw, arguments, codes, generator)


@dataclass(frozen=True, eq=False)
class SparseChainCounts:
    """For each table the windows that were seen, with their weights."""

    shape: ChainShape
    tables: tuple[WeightedStates, ...]

    def __add__(self, other: Self) -> Self:
        pairs = zip(self.tables, other.tables, strict=True)
        return type(self)(self.shape, tuple(mine + others for mine, others in pairs))

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> Self:
        parts: list[list[WeightedStates]] = [[] for _ in range(shape.n_tables)]
        for table, (window, _) in zip(shape.table, _packed_windows(codes, shape), strict=True):
            width = shape.n_before(table) + 1
            parts[table].append(
                WeightedStates.count_keys(window, weight, shape.n_categories, width)
            )
        return cls(shape, tuple(add_in_pairs(part) for part in parts))

    def windows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each table the windows seen, as rows of codes, and their weights."""
        return [(table.codes(), table.weight) for table in self.tables]

    @classmethod
    def from_windows(cls, windows: list[tuple[np.ndarray, np.ndarray]], shape: ChainShape) -> Self:
        tables = (
            WeightedStates.count(codes.astype(np.uint16), weight, shape.n_categories)
            for codes, weight in windows
        )
        return cls(shape, tuple(tables))

    def probabilities(self, alpha: float) -> SparseChainProbabilities:
        return SparseChainProbabilities(self, alpha)


def _packed_windows(
    codes: np.ndarray, shape: ChainShape
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each position the keys of the rows' windows and of the contexts in them."""
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

    A context that was never seen leaves the smoothed distribution, which is even.
    """

    def __init__(self, counts: SparseChainCounts, alpha: float) -> None:
        self.shape = counts.shape
        self.alpha = alpha
        self.tables = [_SparseTable(windows) for windows in counts.tables]

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        total = np.zeros(len(codes))
        K = self.shape.n_categories
        packed = _packed_windows(codes, self.shape)
        for table, (window, context) in zip(self.shape.table, packed, strict=True):
            seen, before = self.tables[table].weights_of(window, context)
            with np.errstate(divide="ignore", invalid="ignore"):
                log_probability = np.log(seen + self.alpha) - np.log(before + K * self.alpha)
            total += np.where(before > 0, log_probability, -np.log(K))
        return total

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        codes = np.empty((n_samples, self.shape.n_positions), dtype=self.shape.dtype)
        for position, table in enumerate(self.shape.table):
            context = codes[:, position - self.shape.n_before(table) : position]
            codes[:, position] = self._draw(self.tables[table], context, generator)
        return codes

    def _draw(
        self, table: _SparseTable, context: np.ndarray, generator: np.random.Generator
    ) -> np.ndarray:
        """A value seen after the context, by its weight, or any value for the pseudo-counts."""
        K = self.shape.n_categories
        value = generator.integers(0, K, size=len(context))
        group = table.contexts.find(context)
        before = table.contexts.weight_at(group)
        total = before + K * self.alpha
        uniform = generator.random(len(context))
        seen = uniform < np.divide(before, total, out=np.zeros_like(total), where=total > 0)
        value[seen] = table.value_at(group[seen], (uniform * total)[seen])
        return value


class _SparseTable:
    """The windows of one table, sorted, so that those of a context are neighbours: a run."""

    def __init__(self, windows: WeightedStates) -> None:
        codes, n_categories = windows.codes(), windows.n_categories
        context = pack(codes[:, :-1], bits_for(n_categories))
        self.windows = windows
        self.contexts = WeightedStates.count_keys(
            context, windows.weight, n_categories, windows.width - 1
        )
        self.last_value = codes[:, -1]
        self.cumulative = np.concatenate([[0.0], np.cumsum(windows.weight)])
        run = self.contexts.find_keys(context)
        self.run_end = np.searchsorted(run, np.arange(len(self.contexts)), side="right")
        self.run_start = np.concatenate([[0], self.run_end[:-1]])

    def weights_of(self, window: np.ndarray, context: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The weights that windows and their contexts, given by their keys, were seen with."""
        return (
            self.windows.weight_at(self.windows.find_keys(window)),
            self.contexts.weight_at(self.contexts.find_keys(context)),
        )

    def value_at(self, context: np.ndarray, target: np.ndarray) -> np.ndarray:
        """The value where the weights in the context's run, summed from its start, pass target."""
        start, end = self.run_start[context], self.run_end[context]
        index = np.searchsorted(self.cumulative, self.cumulative[start] + target, side="right") - 1
        return self.last_value[np.clip(index, start, end - 1)]
