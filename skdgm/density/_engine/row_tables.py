"""Rows of one table for each of several densities, taken when a density asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from .blocks import part_of


class RowTables(Sequence):
    """Codes and weights of some rows of a table for each of several densities.

    A copy of the rows is made each time it is asked for, so that those of one density at a time
    are in memory.

    Parameters
    ----------
    codes : codes of shape (n_rows, n_columns)
        The table.
    weight : ndarray of shape (n_rows,) or None
        How often each row counts; None counts every row once.
    rows : sequence of ndarray
        The rows of each density.
    lent : mapping of int to codes
        Codes of the rows of some densities, by place, that stand in for those of the table.
    """

    def __init__(
        self,
        codes: Any,
        weight: np.ndarray | None,
        rows: Sequence[np.ndarray],
        lent: Mapping[int, Any],
    ) -> None:
        self._codes, self._weight, self._rows, self._lent = codes, weight, rows, lent

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: Any) -> tuple[Any, np.ndarray | None]:
        rows = self._rows[place]
        codes = self._lent[place] if place in self._lent else self._codes[rows]
        return codes, part_of(self._weight, rows)

    def of(self, part: Callable[[Any], Any]) -> Self:
        """Return the same rows of a part of the codes."""
        lent = {place: part(codes) for place, codes in self._lent.items()}
        return type(self)(part(self._codes), self._weight, self._rows, lent)
