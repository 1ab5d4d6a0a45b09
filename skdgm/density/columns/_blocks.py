"""Blocks of columns: the selection of their columns, their codes and their statistics.

Every column is in exactly one block. Errors from a block name it, and number its columns as in X.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike
from sklearn.utils._indexing import _determine_key_type

from ..._codes import as_floats
from ..._validation import ColumnError, shown
from .._base import BaseDensity
from .._engine.codes import ComposedCodes, coordinates


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


def sum_of_blocks(parts: Iterator[np.ndarray]) -> np.ndarray:
    """Return the sum of what the blocks answer about the same rows."""
    return np.sum(list(parts), axis=0)


def selected_columns(
    name: str, selection: Any, X: np.ndarray, names: np.ndarray | None
) -> np.ndarray:
    """Return the indices of the columns that a block selects; names are those of X, if any."""
    if callable(selection):
        selection = selection(X)
    try:
        places = selection
        if _determine_key_type(selection) == "str":
            places = _places(selection, names)
        elif isinstance(selection, tuple):
            places = list(selection)
        columns = np.atleast_1d(np.arange(X.shape[1])[places])
        if columns.ndim != 1:  # a lone True, or None
            raise ValueError("that selects no columns")
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"Block {name!r} cannot select {selection!r} from the {X.shape[1]} columns of X: "
            f"{error}."
        ) from error
    if not len(columns):
        raise ValueError(
            f"Block {name!r} selects none of the columns of X, which has n_features = "
            f"{X.shape[1]}; leave the block out, or select some."
        )
    return columns


def _places(selection: Any, names: np.ndarray | None) -> list[int] | slice:
    """Return the indices of columns that are selected by name."""
    if names is None:
        raise ValueError(
            "X has no column names that are all strings; pass a DataFrame, or select columns by "
            "integers"
        )
    place = {name: index for index, name in enumerate(names)}
    try:
        if isinstance(selection, slice):
            first, last = selection.start, selection.stop
            start = None if first is None else place[first]
            return slice(start, None if last is None else place[last] + 1, selection.step)
        selection = [selection] if isinstance(selection, str) else selection
        return [place[str(each)] for each in selection]
    except KeyError as error:
        raise ValueError(f"no column of X is named {error}") from None


def take_columns(X: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the columns of X, as a view if they are adjacent: that saves a copy of pixels."""
    first, last = int(columns[0]), int(columns[-1])
    if np.array_equal(columns, np.arange(first, last + 1)):
        return X[:, first : last + 1]
    return np.take(X, columns, axis=1)


def check_densities(densities: Any) -> None:
    """Raise a ValueError unless these are tuples (name, density, columns)."""
    if not densities:
        raise ValueError("densities is empty; give at least one tuple (name, density, columns).")
    for entry in densities:
        match entry:
            case (str(), BaseDensity(), _):
                continue
        raise ValueError(
            "densities must be a list of tuples (name, density, columns), of a string, a "
            f"density estimator of skdgm and a selection of columns; it holds {_shown(entry)}."
        )


def _shown(entry: Any) -> str:
    return f"({', '.join(map(shown, entry))})" if isinstance(entry, tuple) else shown(entry)


def check_partition(
    blocks: Sequence[tuple[str, Any, np.ndarray]], n_columns: int, names: np.ndarray | None
) -> None:
    """Raise a ValueError that names the first column that is not in exactly one block."""
    owners: list[list[str]] = [[] for _ in range(n_columns)]
    for name, _, columns in blocks:
        for column in columns:
            owners[column].append(name)
    for column, own in enumerate(owners):
        if len(own) == 1:
            continue
        of_X = f"Column {column}" + ("" if names is None else f" ({names[column]!r})") + " of X"
        if len(set(own)) == 1:
            raise ValueError(f"{of_X} is {len(own)} times in block {own[0]!r}; list it once.")
        if not own:
            known = ", ".join(repr(name) for name, _, _ in blocks)
            raise ValueError(
                f"{of_X} is in no block; add it to one of {known}, or leave it out of X."
            )
        raise ValueError(
            f"{of_X} is in the blocks {', '.join(map(repr, own))}, but every column must be in "
            "exactly one; leave it out of the others."
        )
