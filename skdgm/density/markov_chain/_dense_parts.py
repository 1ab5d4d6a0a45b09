"""Sparse tables made dense, those of some neighbouring positions at a time.

Where many contexts are possible, sums over all cells of a dense table are quicker than a trellis.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..._codes import missing_code, readonly
from ..._kernels import markov_chain_missing as kernels
from ._segments import DenseTables
from ._sparse import SparseChainProbabilities

MOST_CELLS = 2**22  # of the tables that are dense at once
ENTRIES_PER_CELL = 0.25  # of segments, from which on tables are worth making dense
FARTHEST = 600.0  # nats between messages, which floats then hold


class DenseParts:
    """The tables of a chain, dense for some positions after others."""

    def __init__(self, chain: SparseChainProbabilities) -> None:
        self._chain, shape = chain, chain.shape
        n_cells = shape.n_categories ** (shape.order + 1)  # of a table
        self._n_cells = n_cells * shape.n_tables
        self._n_positions = MOST_CELLS // n_cells  # that are dense at once
        if self._n_cells <= MOST_CELLS:
            self._n_positions = shape.n_positions

    def suit(self, codes: np.ndarray) -> bool:
        """Return whether to answer by dense tables what is missing in rows of codes."""
        shape = self._chain.shape
        if shape.order == 0 or not self._n_positions:
            return False
        arguments = missing_code(codes), shape.order, shape.n_categories
        segments, _, n_entries = kernels.find_segments(codes, *arguments)
        if not len(segments) or n_entries < ENTRIES_PER_CELL * self._n_cells:
            return False
        longest = int((segments[:, kernels.END] - segments[:, kernels.BEGIN]).max())
        differing = shape.order if self._chain.alpha else longest  # positions, by which values may
        return longest <= self._n_positions and differing * self._largest_step() < FARTHEST

    def _largest_step(self) -> float:
        """Return the most that one value changes a log-probability, unless it is impossible."""
        chain, K = self._chain, self._chain.shape.n_categories
        most = max(table.contexts.weight.max() for table in chain.tables) + K * chain.alpha
        weights = (table.windows.weight for table in chain.tables)
        least = chain.alpha or min(own[own > 0].min(initial=np.inf) for own in weights)
        return float(np.log(most / least)) if most > 0 else 0.0

    def __call__(self, segments: np.ndarray) -> Iterator[tuple[np.ndarray, DenseTables]]:
        """Yield segments, sorted by their beginnings, with the tables of their positions."""
        begin, end = segments[:, kernels.BEGIN], segments[:, kernels.END]
        first, n_positions = 0, self._chain.shape.n_positions
        while first < n_positions:
            stop = min(first + self._n_positions, n_positions)
            own = slice(*np.searchsorted(begin, [first, stop]))
            following = int(begin[own][end[own] > stop].min(initial=stop))
            own = slice(*np.searchsorted(begin, [first, following]))
            yield segments[own], self._tables(first, stop, following)
            first = following

    def _tables(self, first: int, stop: int, following: int) -> DenseTables:
        """Make the tables of the positions before ``stop`` dense; the next ones score some."""
        shape = self._chain.shape
        tables, place = np.unique(shape.table[first:stop], return_inverse=True)
        positions, own = np.full(shape.n_positions, -1), np.full(shape.n_positions, -1)
        positions[first:stop] = place
        own[first:following] = positions[first:following]
        probability = np.stack([self._chain.dense(table) for table in tables])
        with np.errstate(divide="ignore"):  # log 0 is -inf, a legal score
            log_probability = np.log(probability)
        return DenseTables(*map(readonly, (positions, own, probability, log_probability)))
