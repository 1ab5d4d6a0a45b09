"""The selection of the columns of each block; every column must be in exactly one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils._indexing import _determine_key_type

from ..._tables import as_series

LISTED = 20  # names in an error


def selected_columns(
    name: str, selection: Any, X: Any, n_columns: int, names: np.ndarray | None
) -> np.ndarray:
    """Return the indices of the columns that a block selects.

    Parameters
    ----------
    name : str
        Name of the block, for errors.
    selection : object
        Columns as in :class:`~sklearn.compose.ColumnTransformer`.
    X : array or frame
        The table that a callable gets.
    n_columns : int
        Number of columns of X.
    names : ndarray of str or None
        Names of the columns of X, if it has some.
    """
    if callable(selection):
        selection = selection(X)
    series = as_series(selection)
    if series is not None:
        selection = series.to_list()
    try:
        if isinstance(selection, list | tuple | np.ndarray) and not len(selection):
            return np.empty(0, dtype=np.intp)
        places = selection
        if _determine_key_type(selection) == "str":
            places = _places(selection, names)
        elif isinstance(selection, tuple):
            places = list(selection)
        columns = np.atleast_1d(np.arange(n_columns)[places])
        if columns.ndim != 1:  # a lone True, or None
            raise ValueError("that selects no columns")
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"Block {name!r} cannot select {selection!r} from the {n_columns} columns of X: "
            f"{error}."
        ) from error
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
        raise ValueError(
            f"no column of X is named {error}; those there are: {_listed(names)}"
        ) from None


def _listed(names: np.ndarray) -> str:
    shown = ", ".join(repr(str(name)) for name in names[:LISTED])
    return shown + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def columns_left(blocks: Mapping[str, np.ndarray], n_columns: int) -> np.ndarray:
    """Return the indices of the columns that no block has selected."""
    taken = np.concatenate(list(blocks.values()))
    return np.setdiff1d(np.arange(n_columns), taken)


def check_partition(
    blocks: Mapping[str, np.ndarray], n_columns: int, names: np.ndarray | None
) -> None:
    """Raise a ValueError that names the first column that is not in exactly one block."""
    owners: list[list[str]] = [[] for _ in range(n_columns)]
    for name, columns in blocks.items():
        for column in columns:
            owners[column].append(name)
    for column, own in enumerate(owners):
        if len(own) == 1:
            continue
        of_X = f"Column {column}" + ("" if names is None else f" ({names[column]!r})") + " of X"
        if len(set(own)) == 1:
            raise ValueError(f"{of_X} is {len(own)} times in block {own[0]!r}; list it once.")
        if not own:
            raise ValueError(
                f"{of_X} is in no block; add it to one of {', '.join(map(repr, blocks))}, give a "
                "density for such columns as remainder, or leave it out of X."
            )
        raise ValueError(
            f"{of_X} is in the blocks {', '.join(map(repr, own))}, but every column must be in "
            "exactly one; leave it out of the others."
        )
