"""The counts of all pairs of values, which a tree over the columns is estimated from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import DTypeLike
from scipy.sparse import csr_array

from ..._codes import readonly, with_room
from ..._kernels import tree as kernels
from ..._memory import check_memory
from .._engine.blocks import ones_if_none, part_of, row_blocks

INDICATOR_CELLS = 2**23  # cells of a block of indicator columns
MANY_CATEGORIES = 8  # values per column from which on pairs are counted one by one
ROUNDING = 1e-12  # a difference that is less than this part of the sums it comes from is 0


def check_pairs(n_categories: np.ndarray) -> None:
    """Raise a TooLargeError if the counts of all pairs of values do not fit."""
    total, widest = int(n_categories.sum()), int(n_categories.argmax())
    check_memory(
        3 * 8 * total**2,  # the counts, what is added to them, and the probabilities
        f"A tree counts all pairs of values: {{table}} has {total} in all, of which {{column}} has "
        f"{n_categories[widest]}. It",
        "leave out columns such as identifiers, or put rare values together",
        widest,
    )


@dataclass(frozen=True, eq=False)
class PairCounts:
    """The weights of all pairs of values, as ``joint = sum of weight * outer(h, h)`` over the rows.

    The entries h of a row are a one, and an indicator of each of the values 1, 2, ... of each
    column. The weights of the values 0 follow by subtraction.
    """

    n_categories: np.ndarray
    joint: np.ndarray

    def __add__(self, other: Self) -> Self:
        return type(self)(self.n_categories, self.joint + other.joint)

    @property
    def total(self) -> float:
        """Weight of all rows."""
        return float(self.joint[0, 0])

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, n_categories: np.ndarray) -> Self:
        """Count complete rows."""
        entries = Entries(n_categories)
        joint = np.zeros((len(entries), len(entries)))
        if len(entries) > MANY_CATEGORIES * codes.shape[1]:
            weight = readonly(ones_if_none(weight, len(codes)))
            kernels.add_pairs(readonly(codes), weight, readonly(entries.first_value), joint)
            return cls(n_categories, joint + np.tril(joint, -1).T)
        dtype = np.float32 if weight is None else np.float64  # exact for 2**24 rows
        for rows in row_blocks(len(codes), len(entries), INDICATOR_CELLS):
            joint += outer_products(entries.indicators(codes[rows], dtype), part_of(weight, rows))
        return cls(n_categories, joint)

    def widen(self, n_categories: np.ndarray) -> Self:
        """Return the same counts with more categories."""
        before, after = Entries(self.n_categories), Entries(n_categories)
        place = np.concatenate([[0], after.place[before.column] + before.value])
        joint = np.zeros((len(after), len(after)))
        joint[np.ix_(place, place)] = self.joint
        return type(self)(n_categories, joint)

    def probabilities(self, pseudo_weight: float) -> np.ndarray:
        """Return the probability of each pair of values, as a tree takes them.

        Rows drawn evenly from all states, of total weight ``pseudo_weight``, are counted, too.
        """
        column = np.repeat(np.arange(len(self.n_categories)), self.n_categories)
        even = 1 / self.n_categories[column]
        entries = Entries(self.n_categories)
        expand = entries.from_all_values()
        pairs = expand @ (expand @ self.joint).T
        summed = np.diagonal(pairs).copy()
        summed[entries.first_value] = self.total
        pairs[pairs < ROUNDING * np.minimum.outer(summed, summed)] = 0.0
        alone = np.diagonal(pairs) + pseudo_weight * even
        pairs += np.outer(pseudo_weight * even, even)
        pairs[column[:, np.newaxis] == column] = 0.0  # two values of one column exclude each other
        np.fill_diagonal(pairs, alone)
        return pairs / (self.total + pseudo_weight)


class Entries:
    """The entries of a row: number ``place[j] + v`` is the indicator of value v of column j."""

    def __init__(self, n_categories: np.ndarray) -> None:
        self.n_categories = n_categories
        self.first_value = np.cumsum(n_categories) - n_categories
        self.column = np.repeat(np.arange(len(n_categories)), n_categories - 1)
        self.place = self.first_value - np.arange(len(n_categories))
        self.value = np.arange(1, len(self)) - self.place[self.column]

    def __len__(self) -> int:
        return 1 + int(self.n_categories.sum()) - len(self.n_categories)

    def indicators(self, codes: np.ndarray, dtype: DTypeLike) -> np.ndarray:
        """Return the entries of rows, 0 where a value is missing."""
        entries = np.empty((len(codes), len(self)), dtype=dtype)
        entries[:, 0] = 1
        codes = with_room(codes, self.n_categories)
        np.equal(codes[:, self.column], self.value.astype(codes.dtype), out=entries[:, 1:])
        return entries

    def from_all_values(self) -> csr_array:
        """Return the matrix from the entries of a row to indicators of all values, 0 included."""
        n_columns = len(self.n_categories)
        zero = self.first_value
        other = self.first_value[self.column] + self.value
        entry = np.arange(1, len(self))
        rows = np.concatenate([zero, zero[self.column], other])
        columns = np.concatenate([np.zeros(n_columns, dtype=np.int64), entry, entry])
        signs = np.repeat([1.0, -1.0, 1.0], [n_columns, len(entry), len(entry)])
        return csr_array((signs, (rows, columns)))


def outer_products(entries: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the weighted sum of ``outer(h, h)`` over the rows h."""
    weighted = entries if weight is None else weight[:, np.newaxis] * entries
    return (weighted.T @ entries).astype(np.float64, copy=False)
