"""Chains by sparse tables, of the windows (a context and the value after it) that were seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..._codes import bits_for, digits, has_missing, missing_cells, pack, window_keys
from ..._kernels import markov_chain_trellis as kernels
from .._engine.blocks import ones_if_none, part_of
from .._engine.statistics import add_in_pairs
from .._engine.weighted_states import WeightedStates
from ._shape import ChainShape
from ._trellis import Trellis, in_trellises

COMPLETIONS = 64  # of a window with missing values, up to which they are listed


@dataclass(frozen=True, eq=False)
class SparseChainCounts:
    """For each table the windows that were seen, with their weights.

    Where values are missing, windows that they may have completed are listed, too, if they are few;
    ``each`` is a weight besides of every value after every context.
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
        parts: list[list[WeightedStates]] = [[] for _ in range(shape.n_tables)]
        if shape.order == 0 and has_missing(codes):
            for table, column in zip(shape.table, codes.T, strict=True):
                rows = np.flatnonzero(~missing_cells(column))
                seen = column[rows, np.newaxis], part_of(weight, rows)
                parts[table].append(WeightedStates.count(*seen, shape.n_categories))
            return cls(shape, tuple(add_in_pairs(part) for part in parts))
        for table, (window, _) in zip(shape.table, _packed_windows(codes, shape), strict=True):
            width = shape.n_before(table) + 1
            parts[table].append(
                WeightedStates.count_keys(window, weight, shape.n_categories, width)
            )
        return cls(shape, tuple(add_in_pairs(part) for part in parts))

    @classmethod
    def count_start(cls, codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> Self:
        """Count the windows in which nothing is missing, and list those with little missing.

        There is one more after every context, in parts for the values.
        """
        weight = ones_if_none(weight, len(codes))
        parts: list[list[WeightedStates]] = [[] for _ in range(shape.n_tables)]
        for position, table in enumerate(shape.table):
            window = codes[:, position - shape.n_before(table) : position + 1]
            parts[table] += _possible_windows(window, weight, shape.n_categories)
        return cls(shape, tuple(add_in_pairs(part) for part in parts), 1 / shape.n_categories)

    def listed(self) -> Self:
        """The same windows, without weight."""
        tables = (replace(table, weight=np.zeros(len(table))) for table in self.tables)
        return type(self)(self.shape, tuple(tables))

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


def _possible_windows(
    codes: np.ndarray, weight: np.ndarray, n_categories: int
) -> Iterator[WeightedStates]:
    """The complete rows of codes with their weights, and without any the completions of others.

    Only rows with up to ``COMPLETIONS`` completions are listed. At least the row of zeros is.
    """
    hidden = missing_cells(codes)
    n_hidden = hidden.sum(axis=1)
    zeros = np.zeros((1, codes.shape[1]), dtype=codes.dtype)
    yield WeightedStates.count(zeros, np.zeros(1), n_categories)
    for n in np.unique(n_hidden):
        n_completions = n_categories ** int(n)
        if n_completions > COMPLETIONS:
            break
        values = digits(np.arange(n_completions), np.full(n, n_categories))
        rows = n_hidden == n
        completed = np.repeat(codes[rows], len(values), axis=0)
        completed[np.repeat(hidden[rows], len(values), axis=0)] = np.tile(
            values.ravel(), np.count_nonzero(rows)
        )
        share = weight[rows] if n == 0 else np.zeros(len(completed))
        yield WeightedStates.count(completed, share, n_categories)


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
        self.pseudo_count = alpha
        self.alpha = alpha + counts.each
        self._counts = counts
        self.tables = [SparseTable(windows) for windows in counts.tables]

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
        self, table: SparseTable, context: np.ndarray, generator: np.random.Generator
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

    def log_prob_missing(self, codes: np.ndarray) -> np.ndarray:
        out = np.empty(len(codes))

        def answer(trellis: Trellis, rows: slice) -> None:
            kernels.log_prob(trellis.arrays, trellis.columns, out[rows])

        in_trellises(self, codes, answer)
        return out

    def sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        drawn = np.empty(codes.shape, dtype=np.int32)

        def answer(trellis: Trellis, rows: slice) -> None:
            uniform = generator.random(trellis.columns.shape)
            drawn[rows] = trellis.columns
            kernels.draw(uniform, trellis.arrays, drawn[rows])

        in_trellises(self, codes, answer)
        return drawn

    def mean_missing(self, codes: np.ndarray) -> np.ndarray:
        mean = np.empty(codes.shape)

        def answer(trellis: Trellis, rows: slice) -> None:
            mean[rows], *_ = trellis.posterior(np.ones(len(mean[rows])))

        in_trellises(self, codes, answer)
        return mean

    def mode_missing(self, codes: np.ndarray) -> np.ndarray:
        mode = np.empty(codes.shape, dtype=np.int32)

        def answer(trellis: Trellis, rows: slice) -> None:
            mode[rows] = trellis.columns
            kernels.fill_mode(trellis.arrays, mode[rows])

        in_trellises(self, codes, answer)
        return mode

    def expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[SparseChainCounts, np.ndarray]:
        """The expected counts of the listed contexts' windows, and each row's log-probability."""
        weight = ones_if_none(weight, len(codes))
        out = np.empty(len(codes))
        parts = [[table] for table in self._counts.listed().tables]

        def answer(trellis: Trellis, rows: slice) -> None:
            _, out[rows], counts = trellis.posterior(weight[rows], counting=True)
            for table, (context, value, cells) in zip(self.shape.table, counts, strict=True):
                row, column = np.nonzero(cells)
                before = self.tables[table].contexts.codes(context[row])
                window = np.column_stack([before.astype(np.uint16), value[column]])
                weights = cells[row, column]
                parts[table].append(WeightedStates.count(window, weights, self.shape.n_categories))

        in_trellises(self, codes, answer, counting=True)
        return SparseChainCounts(self.shape, tuple(add_in_pairs(part) for part in parts)), out

    def log_prior(self) -> float:
        """The logarithm of the pseudo-counts' prior, less what it is for even distributions."""
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


class SparseTable:
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
