"""Patterns of missing values: rows that miss the same columns share what is costly to compute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .blocks import row_blocks

MANY_ROWS = 32  # from which on a pattern is worth calls of its own


@dataclass(frozen=True, eq=False)
class Batch:
    """Some patterns, and the rows that have them."""

    rows: np.ndarray  # (n_rows,), indices of the rows
    pattern: np.ndarray  # (n_rows,), indices into missing
    missing: np.ndarray  # (n_patterns, n_columns), True where a value is missing

    @property
    def missing_cells(self) -> np.ndarray:
        """Mask of the missing cells of the rows, of shape (n_rows, n_columns)."""
        return self.missing[self.pattern]


@dataclass(frozen=True, eq=False)
class Patterns:
    """The patterns of the rows that have a missing value, those of most rows first."""

    missing: np.ndarray  # (n_patterns, n_columns)
    starts: np.ndarray  # (n_patterns + 1,), where the rows of each pattern start
    rows: np.ndarray  # sorted by pattern

    @classmethod
    def of(cls, missing: np.ndarray) -> Patterns:
        """Find the patterns of rows, given the mask of their missing cells."""
        rows = np.flatnonzero(missing.any(axis=1))
        missing = missing[rows]
        packed = np.packbits(missing, axis=1)
        keys = packed.view(f"V{packed.shape[1]}")[:, 0]
        _, first, pattern, count = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        order = np.argsort(-count, kind="stable")
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order))
        starts = np.concatenate([[0], np.cumsum(count[order])])
        by_pattern = np.argsort(rank[pattern], kind="stable")
        return cls(missing[first[order]], starts, rows[by_pattern])

    def batches(self, n_together: int, many_apart: bool = True) -> Iterator[Batch]:
        """Yield the patterns, ``n_together`` at a time.

        With ``many_apart``, those of many rows come first, one by one: no batch then has many more
        rows than patterns, and each row may copy what its pattern has.
        """
        n_patterns = len(self.missing)
        n_alone = int(np.count_nonzero(np.diff(self.starts) >= MANY_ROWS)) if many_apart else 0
        for place in range(n_alone):
            yield self._batch(slice(place, place + 1))
        for block in row_blocks(n_patterns - n_alone, 1, n_together):
            yield self._batch(slice(n_alone + block.start, n_alone + block.stop))

    def one_by_one(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the mask of the columns that each pattern misses, and the rows that have it."""
        for place, missing in enumerate(self.missing):
            yield missing, self.rows[self.starts[place] : self.starts[place + 1]]

    def _batch(self, block: slice) -> Batch:
        starts = self.starts[block.start : block.stop + 1]
        pattern = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        return Batch(self.rows[starts[0] : starts[-1]], pattern, self.missing[block])


def one_by_one(batch: Batch) -> Iterator[Batch]:
    """Yield the patterns of a batch, each as a batch of its own."""
    for place in range(len(batch.missing)):
        rows = batch.rows[batch.pattern == place]
        zeros = np.zeros(len(rows), dtype=np.intp)
        yield Batch(rows, zeros, batch.missing[place : place + 1])
