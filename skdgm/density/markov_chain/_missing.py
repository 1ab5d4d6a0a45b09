"""Queries on missing values under a chain, answered exactly in the way that suits its tables.

With dense tables, messages pass along the contexts that the observed values leave possible; with
sparse ones, along a trellis of what was seen. Values of a chain of order 0 are independent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from ..._codes import readonly, with_missing_category
from ..._kernels import markov_chain as complete_kernels
from ..._kernels import markov_chain_missing as kernels
from ..._kernels import markov_chain_trellis as trellis_kernels
from .._engine.blocks import ones_if_none
from .._engine.statistics import add_in_pairs
from .._engine.weighted_states import WeightedStates
from ._counts import ChainCounts
from ._dense import DenseChainCounts, DenseChainProbabilities
from ._dense_parts import DenseParts
from ._segments import DenseTables, Parts, SegmentAnswers
from ._shape import ChainShape
from ._sparse import SparseChainCounts, SparseChainProbabilities
from ._trellis import Trellis, in_trellises


class ChainAnswers(ABC):
    """Answers on rows of codes in the order of the chain, some of which are missing.

    Where a value is observed, a completed row may hold anything.
    """

    @abstractmethod
    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return ``log p(x_observed)`` of each row."""

    @abstractmethod
    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Complete each row by a draw from ``p(x_missing | x_observed)``."""

    @abstractmethod
    def mean(self, codes: np.ndarray, worth: np.ndarray) -> np.ndarray:
        """Complete each row by ``E[x_missing | x_observed]``, given the ``worth`` of each code."""

    @abstractmethod
    def mode(self, codes: np.ndarray) -> np.ndarray:
        """Complete each row by its most probable completion."""


class ChainQueries(ChainAnswers):
    """All queries: answers, and what learning needs."""

    @abstractmethod
    def expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[ChainCounts, np.ndarray]:
        """Return the expected counts of the windows, and ``log p(x_observed)`` of each row."""


class SegmentQueries(ChainAnswers):
    """Answers that dense tables answer."""

    def __init__(self, shape: ChainShape, parts: Parts) -> None:
        self._answers = SegmentAnswers(shape, parts)

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        return self._answers.log_prob(codes)

    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._answers.fill(kernels.DRAW, codes, codes.copy(), generator=generator)

    def mean(self, codes: np.ndarray, worth: np.ndarray) -> np.ndarray:
        return self._answers.fill(kernels.MEAN, codes, np.empty(codes.shape), worth=worth)

    def mode(self, codes: np.ndarray) -> np.ndarray:
        return self._answers.fill(kernels.MODE, codes, codes.copy())


class DenseQueries(SegmentQueries, ChainQueries):
    """Queries on a chain with dense tables."""

    def __init__(self, chain: DenseChainProbabilities) -> None:
        self._chain = chain
        super().__init__(chain.shape, self._whole)

    def _whole(self, segments: np.ndarray) -> Iterator[tuple[np.ndarray, DenseTables]]:
        """Yield all segments with all tables."""
        chain, table = self._chain, self._chain.shape.table
        probability, log_probability = readonly(chain.probability), readonly(chain.log_probability)
        yield segments, DenseTables(table, table, probability, log_probability)

    def expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[DenseChainCounts, np.ndarray]:
        counts = np.zeros(self._chain.probability.shape)
        log_prob = self._answers.log_prob(codes, weight, counts)
        return DenseChainCounts(self._chain.shape, counts), log_prob


class IndependentQueries(DenseQueries):
    """Queries on a chain of order 0, where the observed values do not inform the missing ones."""

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        n_tables, K = self._chain.shape.n_tables, self._chain.shape.n_categories
        log_probability = np.zeros((n_tables, 1, K + 1))
        log_probability[:, :, :K] = self._chain.log_probability  # of a missing value: log 1
        out, value = np.empty(len(codes)), readonly(with_missing_category(codes, K))
        arguments = value, self._chain.shape.table, readonly(log_probability)
        complete_kernels.log_prob_independent(*arguments, out)
        return out

    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._chain.sample(len(codes), generator)

    def mean(self, codes: np.ndarray, worth: np.ndarray) -> np.ndarray:
        mean = self._chain.probability[:, 0] @ worth
        return np.broadcast_to(mean[self._chain.shape.table], codes.shape)

    def mode(self, codes: np.ndarray) -> np.ndarray:
        mode = self._chain.probability[:, 0].argmax(axis=1)
        return np.broadcast_to(mode[self._chain.shape.table], codes.shape)


class TrellisQueries(ChainQueries):
    """Queries on a chain with sparse tables, along a trellis of what was seen."""

    def __init__(self, chain: SparseChainProbabilities) -> None:
        self._chain = chain

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        out = np.empty(len(codes))

        def answer(trellis: Trellis, rows: slice) -> None:
            trellis_kernels.log_prob(trellis.arrays, trellis.columns, out[rows])

        in_trellises(self._chain, codes, answer)
        return out

    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        drawn = np.empty(codes.shape, dtype=np.int32)

        def answer(trellis: Trellis, rows: slice) -> None:
            uniform = generator.random(trellis.columns.shape)
            drawn[rows] = trellis.columns
            trellis_kernels.draw(uniform, trellis.arrays, drawn[rows])

        in_trellises(self._chain, codes, answer)
        return drawn

    def mean(self, codes: np.ndarray, worth: np.ndarray) -> np.ndarray:
        mean = np.empty(codes.shape)

        def answer(trellis: Trellis, rows: slice) -> None:
            mean[rows], *_ = trellis.posterior(np.ones(len(mean[rows])), worth)

        in_trellises(self._chain, codes, answer)
        return mean

    def mode(self, codes: np.ndarray) -> np.ndarray:
        mode = np.empty(codes.shape, dtype=np.int32)

        def answer(trellis: Trellis, rows: slice) -> None:
            mode[rows] = trellis.columns
            trellis_kernels.fill_mode(trellis.arrays, mode[rows])

        in_trellises(self._chain, codes, answer)
        return mode

    def expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[SparseChainCounts, np.ndarray]:
        """Return expected counts of windows whose contexts were seen, and ``log p(x_observed)``."""
        chain, shape = self._chain, self._chain.shape
        weight = ones_if_none(weight, len(codes))
        out = np.empty(len(codes))
        parts = [[table] for table in chain.counts.listed().tables]

        def answer(trellis: Trellis, rows: slice) -> None:
            _, out[rows], counts = trellis.posterior(weight[rows], None, counting=True)
            for table, (context, value, cells) in zip(shape.table, counts, strict=True):
                row, column = np.nonzero(cells)
                before = chain.tables[table].contexts.codes(context[row])
                window = np.column_stack([before.astype(np.uint16), value[column]])
                weights = cells[row, column]
                parts[table].append(WeightedStates.count(window, weights, shape.n_categories))

        in_trellises(chain, codes, answer, counting=True)
        return SparseChainCounts(shape, tuple(add_in_pairs(part) for part in parts)), out


class SparseQueries(TrellisQueries):
    """Queries on a chain with sparse tables, which are made dense where that is quicker."""

    def __init__(self, chain: SparseChainProbabilities) -> None:
        super().__init__(chain)
        self._parts = DenseParts(chain)

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        return self._suitable(codes).log_prob(codes)

    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._suitable(codes).sample(codes, generator)

    def mean(self, codes: np.ndarray, worth: np.ndarray) -> np.ndarray:
        return self._suitable(codes).mean(codes, worth)

    def mode(self, codes: np.ndarray) -> np.ndarray:
        return self._suitable(codes).mode(codes)

    def _suitable(self, codes: np.ndarray) -> ChainAnswers:
        if self._parts.suit(codes):
            return SegmentQueries(self._chain.shape, self._parts)
        return TrellisQueries(self._chain)


def queries_on(chain: DenseChainProbabilities | SparseChainProbabilities) -> ChainQueries:
    """Return the queries that suit the tables of a chain."""
    if isinstance(chain, SparseChainProbabilities):
        return SparseQueries(chain)
    return DenseQueries(chain) if chain.shape.order else IndependentQueries(chain)
