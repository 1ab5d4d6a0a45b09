"""Messages along a tree of hidden variables: likelihoods, expected counts and posteriors.

Upward, a hidden variable z_i tells its parent ``p(x below i | z_parent)``; downward, what is known
of it is shared out among its states. A missing value says nothing: its emission is a row of ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from ..._codes import missing_cells
from ..._kernels.hidden_tree import absorb, add_rows, divide, divide_and_add, gather, share_out
from .._engine.blocks import row_blocks
from ..tree._structure import children_of, parents_first

MESSAGE_CELLS = 2**20  # cells of all beliefs about the rows that pass through the tree at once,
FEWEST_ROWS = 256  # unless they are fewer rows than pay for the work that is done once a block


@dataclass(frozen=True, eq=False)
class TreeShape:
    """Which column hangs on which, and how many values each has."""

    parents: np.ndarray  # (n_columns,), -1 for the root
    n_values: np.ndarray  # (n_columns,)
    n_states: int  # of each hidden variable

    @cached_property
    def children(self) -> list[list[int]]:
        """The columns that hang on each column."""
        return children_of(self.parents)

    @cached_property
    def order(self) -> list[int]:
        """The columns, each after its parent."""
        return parents_first(self.parents)

    @property
    def root(self) -> int:
        """The column that hangs on none."""
        return self.order[0]

    def is_leaf(self, column: int) -> bool:
        """Whether a column hangs on another and none on it."""
        return column != self.root and not self.children[column]

    @cached_property
    def first(self) -> np.ndarray:
        """Where the rows of each column start in a table of all values, and where the last end.

        A column has a row for each value, and one for a missing value after these.
        """
        return np.concatenate([[0], np.cumsum(self.n_values + 1)])

    def rows_of(self, column: int) -> slice:
        """The rows of a column in a table of all values."""
        return slice(self.first[column], self.first[column + 1])

    @cached_property
    def is_value(self) -> np.ndarray:
        """Which rows of a table of all values stand for a value, not for a missing one."""
        is_value = np.ones(self.first[-1], dtype=bool)
        is_value[self.first[1:] - 1] = False
        return is_value

    def sums(self, table: np.ndarray) -> np.ndarray:
        """Sums over the rows of each column in a table of all values."""
        return np.add.reduceat(table, self.first[:-1], axis=0)

    def spread(self, by_column: np.ndarray) -> np.ndarray:
        """What belongs to each column, repeated in each of its rows."""
        return np.repeat(by_column, self.n_values + 1, axis=0)

    def index(self, codes: np.ndarray) -> np.ndarray:
        """The row of each value, or of a missing one, among those of its column, a row a column."""
        index = np.where(missing_cells(codes), self.n_values, codes)
        return np.ascontiguousarray(index.T, dtype=np.intp)

    def blocks(self, n_rows: int) -> list[slice]:
        """Blocks of rows of which the messages fit in the cache."""
        step = max(FEWEST_ROWS, MESSAGE_CELLS // (len(self.parents) * self.n_states))
        return row_blocks(n_rows, 1, step)


@dataclass(frozen=True, eq=False)
class TreeCounts:
    """How often each state follows each, and each value comes from each state, as expected.

    They add. ``transition[root]`` repeats how often the root has each state.
    """

    shape: TreeShape
    transition: np.ndarray  # (n_columns, n_states of the parent, n_states)
    emission: np.ndarray  # (rows of a table of all values, n_states)

    @classmethod
    def zeros(cls, shape: TreeShape) -> Self:
        """Counts of no row."""
        n_columns, n_states = len(shape.parents), shape.n_states
        transition = np.zeros((n_columns, n_states, n_states))
        return cls(shape, transition, np.zeros((shape.first[-1], n_states)))

    def __add__(self, other: Self) -> Self:
        return replace(
            self,
            transition=self.transition + other.transition,
            emission=self.emission + other.emission,
        )

    def move_towards(self, other: Self, step: float, scale: float) -> None:
        """Become ``(1 - step) self + step scale other``; the other's tables are used up."""
        tables = (self.transition, other.transition), (self.emission, other.emission)
        for mine, others in tables:
            mine *= 1 - step
            others *= step * scale
            mine += others


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What the rows say below each hidden variable: the result of the upward pass."""

    index: np.ndarray  # (n_columns, n_rows), see TreeShape.index
    belief: list[np.ndarray | None]  # p(x_i and below | z_i) up to scale, None for a leaf
    message: list[np.ndarray | None]  # p(x_i and below | z_parent), see HiddenTree.sender
    log_prob: np.ndarray  # (n_rows,)


@dataclass(frozen=True, eq=False)
class HiddenTree:
    """The model: ``p(x, z) = prod_i p(z_i | z_parent(i)) p(x_i | z_i)``.

    ``transition[root]`` repeats the probabilities of the root's states in every row. ``emission``
    has a row for each value of each column, see ``TreeShape.first``, and is 1 for a missing one.
    """

    shape: TreeShape
    transition: np.ndarray
    emission: np.ndarray

    def astype(self, dtype: type) -> HiddenTree:
        """The same model with tables of another dtype, which its messages have then."""
        transition = self.transition.astype(dtype, copy=False)
        return replace(
            self, transition=transition, emission=self.emission.astype(dtype, copy=False)
        )

    # ------------------------------------------------------------------ upward
    def upward(self, codes: np.ndarray) -> Beliefs:
        """Collect what the rows say, from the leaves to the root."""
        shape, index = self.shape, self.shape.index(codes)
        belief: list[np.ndarray | None] = [None] * len(shape.parents)
        message: list[np.ndarray | None] = [None] * len(shape.parents)
        log_scale = np.zeros(len(codes))
        for column in reversed(shape.order):
            of_value = self.emission[shape.rows_of(column)]
            if shape.is_leaf(column):
                message[column] = of_value @ self.transition[column].T
                continue
            own = np.empty((len(codes), shape.n_states), dtype=self.emission.dtype)
            gather(of_value, index[column], own)
            for child in shape.children[column]:
                absorb(message[child], self.sender(child, index), log_scale, own)
            belief[column] = own
            if column != shape.root:
                message[column] = own @ self.transition[column].T
        total = belief[shape.root] @ self.transition[shape.root, 0]
        with np.errstate(divide="ignore"):  # a row that cannot be
            log_prob = np.log(total, dtype=np.float64) + log_scale
        return Beliefs(index, belief, message, log_prob)

    def sender(self, column: int, index: np.ndarray) -> np.ndarray:
        """Which row of a column's message is that of each row: a leaf has a message a value."""
        return index[column] if self.shape.is_leaf(column) else np.arange(index.shape[1])

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """``log p(x_observed)`` of each row."""
        blocks = self.shape.blocks(len(codes))
        return np.concatenate([self.upward(codes[block]).log_prob for block in blocks])

    # ------------------------------------------------------------------ downward
    def expect(self, codes: np.ndarray, weight: np.ndarray) -> tuple[TreeCounts, np.ndarray]:
        """The counts expected of weighted rows, and ``log p(x_observed)`` of each."""
        counts, log_prob = TreeCounts.zeros(self.shape), np.empty(len(codes))
        for block in self.shape.blocks(len(codes)):
            beliefs = self.upward(codes[block])
            log_prob[block] = beliefs.log_prob
            self._add_expected(beliefs, weight[block].astype(self.emission.dtype), counts)
        return counts, log_prob

    def _add_expected(self, beliefs: Beliefs, weight: np.ndarray, counts: TreeCounts) -> None:
        shape, root = self.shape, self.shape.root
        for column, share in self._inner_shares(beliefs, weight, counts):
            emission = np.zeros((shape.n_values[column] + 1, shape.n_states), share.dtype)
            add_rows(share, beliefs.index[column], emission)
            counts.emission[shape.rows_of(column)] += emission
            if column == root:
                counts.transition[root] += emission.sum(axis=0)
            for child in shape.children[column]:
                if shape.is_leaf(child):
                    self._add_leaf(child, share, beliefs, counts)

    def _inner_shares(
        self, beliefs: Beliefs, weight: np.ndarray, counts: TreeCounts | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Each column that is no leaf, with ``weight p(z_i | x_observed)`` of each row."""
        shape, root = self.shape, self.shape.root
        share = np.tile(self.transition[root, 0], (len(weight), 1))
        share_out(beliefs.belief[root], weight, share)
        known = {root: share}
        for column in shape.order:
            if column not in known:
                continue
            share = known.pop(column)
            yield column, share
            for child in shape.children[column]:
                if shape.is_leaf(child):
                    continue
                above = self._above(child, share, beliefs)
                if counts is not None:
                    product = above.T @ beliefs.belief[child]
                    counts.transition[child] += self.transition[child] * product
                known[child] = above @ self.transition[child]
                share_out(beliefs.belief[child], weight, known[child])

    def _above(self, child: int, share: np.ndarray, beliefs: Beliefs) -> np.ndarray:
        """What the rest of the tree says of the parent, its share without the child's message."""
        above = np.empty_like(share)
        divide(share, beliefs.message[child], self.sender(child, beliefs.index), above)
        return above

    def _add_leaf(self, leaf: int, share: np.ndarray, beliefs: Beliefs, counts: TreeCounts) -> None:
        """A leaf's counts, in which rows with the same value are summed first."""
        message, rows = beliefs.message[leaf], self.shape.rows_of(leaf)
        above = np.zeros_like(message)
        divide_and_add(share, message, beliefs.index[leaf], above)
        of_value = self.emission[rows]
        counts.transition[leaf] += self.transition[leaf] * (above.T @ of_value)
        counts.emission[rows] += of_value * (above @ self.transition[leaf])
