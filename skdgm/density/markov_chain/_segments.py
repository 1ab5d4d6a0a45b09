"""Answers about missing values by dense tables: rows are cut into segments that share work.

Outside of the segments every window is observed. Segments with equal values are answered once, in
whichever rows they stand, and those that begin after different contexts share most messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..._codes import missing_cells, missing_code, readonly
from ..._kernels import markov_chain_missing as kernels
from .._engine.blocks import CHUNK_CELLS, ones_if_none, part_of, row_blocks
from ._shape import ChainShape

SHARING = 32  # contexts of a table from which on it repays to sort segments
_NO_TABLES = np.empty((0, 0, 0))


class DenseTables(NamedTuple):
    """Tables of some positions, for segments there.

    Attributes
    ----------
    positions : ndarray of shape (n_positions,)
        The table of each position, -1 where there is none.
    own : ndarray of shape (n_positions,)
        The same, of the positions whose observed windows are to be scored by these tables.
    probability, log_probability : ndarray of shape (T, K**order, K)
        The tables.
    """

    positions: np.ndarray
    own: np.ndarray
    probability: np.ndarray
    log_probability: np.ndarray


Parts = Callable[[np.ndarray], Iterator[tuple[np.ndarray, DenseTables]]]


class SegmentAnswers:
    """Answers on rows with missing values, from the tables that ``parts`` yields for segments.

    ``parts`` is called with segments in the order of their beginnings, if there are many contexts.
    """

    def __init__(self, shape: ChainShape, parts: Parts) -> None:
        self._shape, self._parts = shape, parts
        self.shares = shape.n_categories**shape.order >= SHARING
        self._cells = None if self.shares else CHUNK_CELLS  # rows are then answered one by one

    def log_prob(
        self,
        codes: np.ndarray,
        weight: np.ndarray | None = None,
        counts: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return ``log p(x_observed)``; add the weights expected of all windows to counts."""
        out = np.zeros(len(codes))
        task = kernels.LOG_PROB if counts is None else kernels.COUNT
        for rows in row_blocks(len(codes), codes.shape[1], self._cells):
            n_values = 0 if counts is None else np.count_nonzero(missing_cells(codes[rows]))
            own = readonly(ones_if_none(part_of(weight, rows), len(codes[rows])))
            self._answer(task, codes[rows], np.empty(n_values), None, own, counts, out[rows])
        return out

    def fill(
        self,
        task: int,
        codes: np.ndarray,
        completed: np.ndarray,
        worth: np.ndarray | None = None,
        generator: np.random.Generator | None = None,
    ) -> np.ndarray:
        """Fill in what is missing: means of ``worth``, the mode, or draws."""
        for rows in row_blocks(len(codes), codes.shape[1], self._cells):
            missing = missing_cells(codes[rows])
            if generator is None:
                values = np.zeros(np.count_nonzero(missing))
            else:
                values = _uniforms(missing, generator)
            ones = readonly(np.ones(len(missing)))
            self._answer(task, codes[rows], values, worth, ones, None, np.empty(0))
            completed[rows][missing] = values
        return completed

    def _answer(
        self,
        task: int,
        codes: np.ndarray,
        values: np.ndarray,
        worth: np.ndarray | None,
        weight: np.ndarray,
        counts: np.ndarray | None,
        out: np.ndarray,
    ) -> None:
        mark, order, K = missing_code(codes), self._shape.order, self._shape.n_categories
        segments, most, _ = kernels.find_segments(codes, mark, order, K)
        if self.shares:
            keys = kernels.CONTEXT, kernels.HASH, kernels.BEGIN
            segments = segments[np.lexsort([segments[:, key] for key in keys])]
        worth = readonly(np.zeros(K) if worth is None else worth)
        for own, tables in self._parts(segments):
            terms = tables.log_probability if task == kernels.MODE else tables.probability
            added = _NO_TABLES if counts is None else counts
            if len(out):
                kernels.add_observed_windows(
                    codes, mark, weight, tables.own, order, tables.log_probability, added, out
                )
            kernels.answer(
                task, readonly(own), most, codes, mark, tables.positions, order, terms, worth,
                weight, values, added, out,
            )  # fmt: skip


def _uniforms(missing: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw a uniform number for each cell, and return those of the missing ones."""
    chunks = row_blocks(len(missing), missing.shape[1], CHUNK_CELLS)
    return np.concatenate([generator.random(missing[rows].shape)[missing[rows]] for rows in chunks])
