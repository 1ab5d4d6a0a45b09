"""Blocks of columns: their codes and their statistics.

Errors from a block name it, and number its columns as in X.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..._codes import as_floats
from ..._validation import ColumnError
from .._engine.codes import ComposedCodes, coordinates
from .._engine.regions import Regions


@dataclass(frozen=True, eq=False)
class ColumnCodes(ComposedCodes):
    """Codes of each block's own columns, indexed by rows.

    NumPy takes them for the table of all columns as floats, NaN where a value is missing. The table
    is built only on demand: scores and statistics do without it.
    """

    columns: tuple[np.ndarray, ...]
    parts: tuple[Any, ...]

    @property
    def shape(self) -> tuple[int, int]:
        return self.parts[0].shape[0], sum(map(len, self.columns))

    @property
    def dtype(self) -> np.dtype:
        return np.result_type(np.float32, *(part.dtype for part in self.parts))

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(self.columns, tuple(part[rows] for part in self.parts))

    def coordinates(self) -> np.ndarray:
        return np.hstack([coordinates(part) for part in self.parts])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        table = np.empty(self.shape, dtype=dtype or self.dtype)
        for columns, part in zip(self.columns, self.parts, strict=True):
            table[:, columns] = as_floats(np.asarray(part))
        return table


def part_at(codes: ColumnCodes, place: int) -> Any:
    """Return the codes of a block."""
    return codes.parts[place]


@dataclass(frozen=True, eq=False)
class ColumnStatistics:
    """The statistics of each block."""

    parts: tuple[Any, ...]

    def __add__(self, other: Self) -> Self:
        pairs = zip(self.parts, other.parts, strict=True)
        return type(self)(tuple(mine + others for mine, others in pairs))


@contextmanager
def in_block(name: str, columns: np.ndarray) -> Iterator[None]:
    """Name the block in a ValueError, and number its columns as in X."""
    try:
        yield
    except ColumnError as error:
        raise error.in_block(name, columns) from error
    except ValueError as error:
        raise ValueError(f"In block {name!r}: {error}") from error


def fit_block(
    name: str, density: Any, columns: np.ndarray, codes: Any, weight: np.ndarray | None
) -> None:
    """Fit the density of a block to its codes."""
    with in_block(name, columns):
        density._learn(codes, weight)


def restrict_blocks(
    blocks: Sequence[tuple[str, Any, np.ndarray]], regions: Regions
) -> tuple[list[tuple[str, Any, np.ndarray]], float]:
    """Return the blocks given that columns lie in regions, and the log-probability of that."""
    restricted, total = [], 0.0
    for name, density, columns in blocks:
        own = {
            place: regions[column]
            for place, column in enumerate(columns.tolist())
            if column in regions
        }
        with in_block(name, columns):
            density, log_prob = density._given_regions(own)
        restricted.append((name, density, columns))
        total += log_prob
    return restricted, total


def information_in_blocks(
    blocks: Sequence[tuple[str, Any, np.ndarray]],
    places: np.ndarray,
    known: np.ndarray,
    n_samples: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the mutual information of pairs of columns, which is 0 across blocks."""
    information = np.zeros((len(places), len(places)))
    for _, density, columns in blocks:
        own = np.flatnonzero(np.isin(places, columns))
        if not len(own):
            continue
        order = np.argsort(columns)
        inside, told = (
            order[np.searchsorted(columns[order], some)]
            for some in (places[own], known[np.isin(known, columns)])
        )
        found = density._information(inside, told, n_samples, generator)
        information[np.ix_(own, own)] = found
    return information


def sum_of_blocks(parts: Iterator[np.ndarray]) -> np.ndarray:
    """Return the sum of what the blocks answer about the same rows."""
    return np.sum(list(parts), axis=0)


def take_columns(X: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the columns of X, as a view if they are adjacent: that saves a copy of pixels."""
    first, last = int(columns[0]), int(columns[-1])
    if np.array_equal(columns, np.arange(first, last + 1)):
        return X[:, first : last + 1]
    return np.take(X, columns, axis=1)
