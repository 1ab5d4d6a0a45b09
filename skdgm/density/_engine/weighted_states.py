"""The distinct joint states of some columns, each with the weight it was seen with.

Memory grows with the number of states seen, never with the number of possible states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..._codes import bits_for, pack, unpack

DENSE_KEYS = 2**16  # up to this many possible keys, counting in an array beats sorting
MANY_STATES = 2**16  # from which on look-ups in sorted order save more than the sort costs


@dataclass(frozen=True, eq=False)
class WeightedStates:
    """Distinct states of ``width`` columns with codes below ``n_categories``, sorted as rows sort.

    They add: the sum holds every state of either, with the weights summed.
    """

    n_categories: int
    width: int
    keys: np.ndarray
    weight: np.ndarray

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, n_categories: int) -> Self:
        """Collect the distinct rows of codes."""
        keys = pack(codes, bits_for(n_categories))
        return cls.count_keys(keys, weight, n_categories, codes.shape[1])

    @classmethod
    def count_keys(
        cls, keys: np.ndarray, weight: np.ndarray | None, n_categories: int, width: int
    ) -> Self:
        """Collect the distinct keys of rows that are already packed."""
        n_keys = _n_possible_keys(n_categories, width)
        if _suits_array(n_keys, len(keys)):
            return cls(n_categories, width, *_collect_few(keys, weight, n_keys))
        return cls(n_categories, width, *_collect(keys, weight))

    def __len__(self) -> int:
        return len(self.keys)

    def __add__(self, other: Self) -> Self:
        n_categories = max(self.n_categories, other.n_categories)
        mine, others = self.widened(n_categories), other.widened(n_categories)
        keys = np.concatenate([mine.keys, others.keys])
        weight = np.concatenate([mine.weight, others.weight])
        return self.count_keys(keys, weight, n_categories, self.width)

    def widened(self, n_categories: int) -> Self:
        """Return the same states, packed with room for more categories."""
        keys = self.keys
        if bits_for(n_categories) != bits_for(self.n_categories):
            keys = pack(self.codes(), bits_for(n_categories))
        return type(self)(n_categories, self.width, keys, self.weight)

    def codes(self, index: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the states, or those at the given indices, as rows of codes."""
        return unpack(self.keys[index], self.width, bits_for(self.n_categories))

    def find(self, codes: np.ndarray) -> np.ndarray:
        """Return the index of each row of codes among the states, or -1 if it was never seen."""
        return self.find_keys(pack(codes, bits_for(self.n_categories)))

    def find_keys(self, keys: np.ndarray) -> np.ndarray:
        """Return what :meth:`find` does, for rows that are already packed."""
        n_keys = _n_possible_keys(self.n_categories, self.width)
        if _suits_array(n_keys, len(keys)):
            place = np.full(n_keys, -1)
            place[self.keys] = np.arange(len(self))
            return place[keys]
        if len(self) > MANY_STATES and len(keys) > 1:
            order = np.argsort(keys)
            index = np.empty(len(keys), dtype=np.intp)
            index[order] = np.searchsorted(self.keys, keys[order])
        else:
            index = np.searchsorted(self.keys, keys)
        index[index == len(self)] = 0
        index[self.keys[index] != keys] = -1
        return index

    def weight_at(self, index: np.ndarray) -> np.ndarray:
        """Return the weights at these indices, 0 at -1."""
        return np.where(index >= 0, self.weight[index], 0.0)


def _n_possible_keys(n_categories: int, width: int) -> int:
    return 2 ** (width * bits_for(n_categories))


def _suits_array(n_keys: int, n_rows: int) -> bool:
    """Return whether an array with a cell for every possible key beats sorting and searching."""
    return n_keys <= DENSE_KEYS and n_keys <= 16 * n_rows


def _collect_few(
    keys: np.ndarray, weight: np.ndarray | None, n_keys: int
) -> tuple[np.ndarray, np.ndarray]:
    keys = keys.view(np.int64)  # which bincount wants, and small keys fit
    seen = np.bincount(keys, minlength=n_keys)
    total = seen if weight is None else np.bincount(keys, weights=weight, minlength=n_keys)
    present = np.flatnonzero(seen)
    return present.astype(np.uint64), total[present].astype(np.float64)


def _collect(keys: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if weight is None:
        distinct, total = np.unique(keys, return_counts=True)
        return distinct, total.astype(np.float64)
    distinct, group = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(group.ravel(), weights=weight, minlength=len(distinct))
