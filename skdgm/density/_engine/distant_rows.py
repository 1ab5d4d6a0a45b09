"""Rows to learn from that are not in this process, and rows to start from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._codes import has_missing
from .blocks import part_of, run_in_weighted_blocks, total_weight
from .statistics import add_in_pairs

STARTING_CELLS = 2**24  # of rows among which a mixture looks for clusters


class DistantRows(ABC):
    """Codes and weights of rows that are elsewhere, for example on the workers of a cluster.

    They stand in for codes where a density learns; it sees them through sums alone.

    Attributes
    ----------
    shape : tuple of (n_rows, n_columns)
        Number of rows and columns.
    total : float
        Weight of the rows.
    has_missing : bool
        Whether any of their cells is missing.
    """

    shape: tuple[int, int]
    total: float
    has_missing: bool

    @abstractmethod
    def sum(self, function: Callable[[Any, np.ndarray | None], Any]) -> Any:
        """Return the sum of what a function counts of codes and weights of blocks of the rows."""

    @abstractmethod
    def take(self, density: Any, places: np.ndarray) -> tuple[Any, np.ndarray | None]:
        """Return the codes, for a density, and the weights of the rows at some places, sorted."""

    @abstractmethod
    def of(self, part: Callable[[Any], Any]) -> DistantRows:
        """Return the same rows of a part of the codes."""


def sum_over_rows(
    function: Callable[[Any, np.ndarray | None], Any],
    codes: Any,
    weight: np.ndarray | None,
    n_jobs: int | None,
) -> Any:
    """Return the sum of what a function counts of blocks of rows, here or elsewhere."""
    if isinstance(codes, DistantRows):
        return codes.sum(function)
    return add_in_pairs(run_in_weighted_blocks(function, codes, weight, n_jobs))


def lacks_values(codes: Any) -> bool:
    """Return whether any value is missing from rows, here or elsewhere."""
    return codes.has_missing if isinstance(codes, DistantRows) else has_missing(codes)


def rows_to_start_from(
    density: Any, codes: Any, weight: np.ndarray | None
) -> tuple[Any, np.ndarray | None]:
    """Return all rows if they are few, else some at even distances that count for all of them."""
    n_rows, n_columns = codes.shape
    most = max(1, STARTING_CELLS // n_columns)
    is_distant = isinstance(codes, DistantRows)
    if n_rows <= most and not is_distant:
        return codes, weight
    n_chosen = min(n_rows, most)
    places = np.arange(n_chosen) * n_rows // n_chosen
    if is_distant:
        chosen, own = codes.take(density, places)
        total = codes.total
    else:
        chosen, own = codes[places], part_of(weight, places)
        total = total_weight(weight, n_rows)
    if n_chosen == n_rows:
        return chosen, own
    own = np.ones(n_chosen) if own is None else own
    return chosen, own * (total / own.sum())
