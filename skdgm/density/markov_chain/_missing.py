"""Queries on missing values under a chain, answered exactly in the way that suits its tables.

With dense tables, messages pass along the contexts that the observed values leave possible; with
sparse ones, along a trellis of what was seen. Values of a chain of order 0 are independent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ..._codes import missing_code, readonly, with_missing_category
from ..._kernels import markov_chain as kernels
from ..._kernels import markov_chain_missing as dense_kernels
from ..._kernels import markov_chain_trellis as trellis_kernels
from .._engine.blocks import draw_with_uniforms, ones_if_none
from .._engine.statistics import add_in_pairs
from .._engine.weighted_states import WeightedStates
from ._counts import ChainCounts
from ._dense import DenseChainCounts, DenseChainProbabilities
from ._sparse import SparseChainCounts, SparseChainProbabilities
from ._trellis import Trellis, in_trellises


class ChainQueries(ABC):
    """Queries on rows of codes in the order of the chain, some of which are missing.

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

    @abstractmethod
    def expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[ChainCounts, np.ndarray]:
        """Return the expected counts of the windows, and ``log p(x_observed)`` of each row."""


class DenseQueries(ChainQueries):
    """Queries on a chain with dense tables."""

    def __init__(self, chain: DenseChainProbabilities) -> None:
        self._chain = chain

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        out = np.empty(len(codes))
        dense_kernels.log_prob_missing(codes, *self._arguments(codes), out)
        return out

    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        arguments = self._arguments(codes)
        return draw_with_uniforms(dense_kernels.draw_missing, arguments, codes.copy(), generator)

    def mean(self, codes: np.ndarray, worth: np.ndarray) -> np.ndarray:
        mean = np.empty(codes.shape)
        dense_kernels.mean_missing(codes, *self._arguments(codes), worth, mean)
        return mean

    def mode(self, codes: np.ndarray) -> np.ndarray:
        completed = codes.copy()
        mark, table, order, _, log_probability = self._arguments(codes)
        dense_kernels.fill_mode(mark, table, order, log_probability, completed)
        return completed

    def expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[DenseChainCounts, np.ndarray]:
        counts, out = np.zeros(self._chain.probability.shape), np.empty(len(codes))
        weight = readonly(ones_if_none(weight, len(codes)))
        mark, *arguments = self._arguments(codes)
        dense_kernels.add_expected_windows(codes, mark, weight, *arguments, counts, out)
        return DenseChainCounts(self._chain.shape, counts), out

    def _arguments(self, codes: np.ndarray) -> tuple:
        chain = self._chain
        probability, log_probability = readonly(chain.probability), readonly(chain.log_probability)
        shape = chain.shape
        return missing_code(codes), shape.table, shape.order, probability, log_probability


class IndependentQueries(DenseQueries):
    """Queries on a chain of order 0, where the observed values do not inform the missing ones."""

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        n_tables, K = self._chain.shape.n_tables, self._chain.shape.n_categories
        log_probability = np.zeros((n_tables, 1, K + 1))
        log_probability[:, :, :K] = self._chain.log_probability  # of a missing value: log 1
        out, value = np.empty(len(codes)), readonly(with_missing_category(codes, K))
        kernels.log_prob_independent(value, self._chain.shape.table, readonly(log_probability), out)
        return out

    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._chain.sample(len(codes), generator)

    def mean(self, codes: np.ndarray, worth: np.ndarray) -> np.ndarray:
        mean = self._chain.probability[:, 0] @ worth
        return np.broadcast_to(mean[self._chain.shape.table], codes.shape)

    def mode(self, codes: np.ndarray) -> np.ndarray:
        mode = self._chain.probability[:, 0].argmax(axis=1)
        return np.broadcast_to(mode[self._chain.shape.table], codes.shape)


class SparseQueries(ChainQueries):
    """Queries on a chain with sparse tables."""

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


def queries_on(chain: DenseChainProbabilities | SparseChainProbabilities) -> ChainQueries:
    """Return the queries that suit the tables of a chain."""
    if isinstance(chain, SparseChainProbabilities):
        return SparseQueries(chain)
    return DenseQueries(chain) if chain.shape.order else IndependentQueries(chain)
