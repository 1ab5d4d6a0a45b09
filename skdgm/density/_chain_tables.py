"""Counts and probabilities of a value given the values before it, dense or sparse.

The dense form holds a cell for every possible context and suits short ones; the sparse form holds
the windows (a context and the value after it) that were seen. Both answer the same calls.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from .._codes import readonly
from .._kernels import markov_chain as kernels
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
        return min(table, self.order)

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
        if weight is None and shape.order == 1 and shape.n_categories == 2:
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
    """The quick way for binary chains of order 1: all four counts follow from two sums."""
    ones = np.zeros(shape.n_positions, dtype=np.int64)
    both = np.zeros(shape.n_positions, dtype=np.int64)
    kernels.count_binary_pairs(codes, ones, both)
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
        self.cumulative = cumulative / cumulative[:, :, -1:]

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        out = np.empty(len(codes))
        log_probability = readonly(self.log_probability)
        if self.shape.order == 1:
            kernels.log_prob_first_order(codes, self.shape.table, log_probability, out)
        else:
            kernels.log_prob_windows(
                codes, self.shape.table, self.shape.order, log_probability, out
            )
        return out

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        dtype = np.uint8 if self.shape.n_categories <= 256 else np.uint16
        codes = np.empty((n_samples, self.shape.n_positions), dtype=dtype)
        uniform = readonly(generator.random(codes.shape))
        kernels.draw(uniform, self.shape.table, self.shape.order, readonly(self.cumulative), codes)
        return codes


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
        for position, table in enumerate(shape.table):
            window = codes[:, position - shape.n_before(table) : position + 1]
            parts[table].append(WeightedStates.count(window, weight, shape.n_categories))
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


class SparseChainProbabilities:
    """Probabilities from the windows seen: ``(count(window) + alpha) / (count(context) + K alpha)``.

    A context that was never seen leaves the smoothed distribution, which is even.
    """

    def __init__(self, counts: SparseChainCounts, alpha: float) -> None:
        self.shape = counts.shape
        self.alpha = alpha
        self.windows = counts.tables
        self.contexts = tuple(
            WeightedStates.count(table.codes()[:, :-1], table.weight, counts.shape.n_categories)
            for table in counts.tables
        )

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        total = np.zeros(len(codes))
        for position, table in enumerate(self.shape.table):
            window = codes[:, position - self.shape.n_before(table) : position + 1]
            seen = _weight_of(self.windows[table], window)
            before = _weight_of(self.contexts[table], window[:, :-1])
            total += self._log_probability(seen, before)
        return total

    def _log_probability(self, seen: np.ndarray, before: np.ndarray) -> np.ndarray:
        K = self.shape.n_categories
        with np.errstate(divide="ignore", invalid="ignore"):
            log_probability = np.log(seen + self.alpha) - np.log(before + K * self.alpha)
        return np.where(before > 0, log_probability, -np.log(K))

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        dtype = np.uint8 if self.shape.n_categories <= 256 else np.uint16
        codes = np.empty((n_samples, self.shape.n_positions), dtype=dtype)
        for position, table in enumerate(self.shape.table):
            context = codes[:, position - self.shape.n_before(table) : position]
            codes[:, position] = self._draw(table, context, generator)
        return codes

    def _draw(self, table: int, context: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """A value seen after the context, by its weight, or any value for the pseudo-counts."""
        K = self.shape.n_categories
        windows, contexts = self.windows[table], self.contexts[table]
        group = contexts.find(context)
        before = np.where(group >= 0, contexts.weight[group], 0.0)
        target = generator.random(len(context)) * (before + K * self.alpha)
        value = generator.integers(0, K, size=len(context))
        seen = target < before
        # Windows are sorted, so those of a context are neighbours: shift the target to their run.
        cumulative = np.cumsum(windows.weight)
        run_end = np.searchsorted(
            contexts.find(windows.codes()[:, :-1]), np.arange(len(contexts)), side="right"
        )
        run_start = np.concatenate([[0], run_end[:-1]])
        offset = np.concatenate([[0.0], cumulative])[run_start]
        index = np.searchsorted(cumulative, offset[group] + target, side="right")
        index = np.clip(index, run_start[group], run_end[group] - 1)
        value[seen] = windows.codes()[index[seen], -1]
        return value


def _weight_of(states: WeightedStates, codes: np.ndarray) -> np.ndarray:
    index = states.find(codes)
    return np.where(index >= 0, states.weight[index], 0.0)
