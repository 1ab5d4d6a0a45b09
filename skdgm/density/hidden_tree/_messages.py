"""Messages along a tree of latent variables: likelihoods, expected counts and posteriors.

Upward, a latent variable z_i tells its parent ``p(x_i and below | z_parent)``; downward, each row's
weight is shared out among the states. A missing value tells nothing: its emission is a row of ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import DTypeLike

from ..._codes import missing_cells
from ..._kernels.hidden_tree import absorb, add_rows, divide, divide_and_add, gather, share_out
from .._engine.blocks import row_blocks
from ..tree._structure import children_of, parents_first

MESSAGE_CELLS = 2**20  # cells of all beliefs about the rows that pass through the tree at once
FEWEST_ROWS = 256  # of a block in any case, to pay for the work that is done once per block


@dataclass(frozen=True, eq=False)
class TreeShape:
    """The structure of the tree and the sizes of its probabilities.

    The values of all columns have slots in one array: those of a column one after the other, then
    one for a missing value.
    """

    parents: np.ndarray  # (n_columns,), -1 for the root
    n_values: np.ndarray  # (n_columns,)
    n_states: int  # of each latent variable

    @cached_property
    def children(self) -> list[list[int]]:
        """Children of each column."""
        return children_of(self.parents)

    @cached_property
    def order(self) -> list[int]:
        """Columns, each after its parent."""
        return parents_first(self.parents)

    @property
    def root(self) -> int:
        """Column without a parent."""
        return self.order[0]

    def is_leaf(self, column: int) -> bool:
        """Return whether a column has a parent and no children."""
        return column != self.root and not self.children[column]

    @cached_property
    def first(self) -> np.ndarray:
        """Start of the slots of each column, and the end of the last."""
        return np.concatenate([[0], np.cumsum(self.n_values + 1)])

    def slots(self, column: int) -> slice:
        """Slots of a column."""
        return slice(self.first[column], self.first[column + 1])

    @cached_property
    def is_value(self) -> np.ndarray:
        """Mask of the slots of values, without those of missing values."""
        is_value = np.ones(self.first[-1], dtype=bool)
        is_value[self.first[1:] - 1] = False
        return is_value

    def sums(self, by_slot: np.ndarray) -> np.ndarray:
        """Sum over the slots of each column."""
        return np.add.reduceat(by_slot, self.first[:-1], axis=0)

    def spread(self, by_column: np.ndarray) -> np.ndarray:
        """Repeat an entry per column in all its slots."""
        return np.repeat(by_column, self.n_values + 1, axis=0)

    def index(self, codes: np.ndarray) -> np.ndarray:
        """Return the slot of each cell among those of its column, of shape (n_columns, n_rows)."""
        index = np.where(missing_cells(codes), self.n_values, codes)
        return np.ascontiguousarray(index.T, dtype=np.intp)

    def blocks(self, n_rows: int) -> list[slice]:
        """Cut rows into blocks whose messages fit in the cache."""
        step = max(FEWEST_ROWS, MESSAGE_CELLS // (len(self.parents) * self.n_states))
        return row_blocks(n_rows, 1, step)


@dataclass(frozen=True, eq=False)
class TreeCounts:
    """Expected counts of each state after each, and of each value from each state; they add.

    ``transition[root]`` repeats the counts of the root's states in every row.
    """

    shape: TreeShape
    transition: np.ndarray  # (n_columns, n_states of the parent, n_states)
    emission: np.ndarray  # (n_slots, n_states)

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
        """Become ``(1 - step) self + step scale other``; the other's arrays are used up."""
        pairs = (self.transition, other.transition), (self.emission, other.emission)
        for mine, others in pairs:
            mine *= 1 - step
            others *= step * scale
            mine += others


@dataclass(frozen=True, eq=False)
class Beliefs:
    """The likelihoods of what is below each latent variable: the result of the upward pass."""

    index: np.ndarray  # (n_columns, n_rows), see TreeShape.index
    belief: list[np.ndarray | None]  # p(x_i and below | z_i) up to scale, None for a leaf
    message: list[np.ndarray | None]  # p(x_i and below | z_parent), see HiddenTree.sender
    log_prob: np.ndarray  # (n_rows,)


@dataclass(frozen=True, eq=False)
class HiddenTree:
    """The model: ``p(x, z) = prod_i p(z_i | z_parent(i)) p(x_i | z_i)``.

    ``transition[root]`` repeats the probabilities of the root's states in every row. ``emission``
    has a row for each slot, see ``TreeShape``, and is 1 in those of missing values.
    """

    shape: TreeShape
    transition: np.ndarray
    emission: np.ndarray

    def astype(self, dtype: DTypeLike) -> HiddenTree:
        """Return the same model in another dtype, which its messages then have."""
        transition = self.transition.astype(dtype, copy=False)
        return replace(
            self, transition=transition, emission=self.emission.astype(dtype, copy=False)
        )

    # ------------------------------------------------------------------ upward
    def upward(self, codes: np.ndarray) -> Beliefs:
        """Pass messages from the leaves to the root."""
        shape, index = self.shape, self.shape.index(codes)
        belief: list[np.ndarray | None] = [None] * len(shape.parents)
        message: list[np.ndarray | None] = [None] * len(shape.parents)
        log_scale = np.zeros(len(codes))
        for column in reversed(shape.order):
            of_value = self.emission[shape.slots(column)]
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
        with np.errstate(divide="ignore"):  # an impossible row
            log_prob = np.log(total, dtype=np.float64) + log_scale
        return Beliefs(index, belief, message, log_prob)

    def sender(self, column: int, index: np.ndarray) -> np.ndarray:
        """Return the index of each row's message of a column: a leaf has one message per slot."""
        return index[column] if self.shape.is_leaf(column) else np.arange(index.shape[1])

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return ``log p(x_observed)`` of each row."""
        log_prob = np.empty(len(codes))
        for block in self.shape.blocks(len(codes)):
            log_prob[block] = self.upward(codes[block]).log_prob
        return log_prob

    def weighted(self, weights: Mapping[int, np.ndarray]) -> tuple[HiddenTree, float]:
        """Return ``p(x, z) w(x) / Z`` and ``log Z``; w multiplies weights of some columns' values.

        Each latent variable tells its parent the sum over its states of the product of ``p(z |
        z_parent)``, the weight of its values and what its own children tell; the terms of the sum
        are its new probabilities.
        """
        shape, log_total = self.shape, 0.0
        transition, emission = self.transition.copy(), self.emission.copy()
        belief = np.ones((len(shape.parents), shape.n_states))
        for column in reversed(shape.order):
            values = emission[shape.slots(column)][:-1]
            values *= weights.get(column, np.ones(len(values)))[:, np.newaxis]
            total = values.sum(axis=0)
            np.divide(values, total, out=values, where=total > 0)
            belief[column] *= total
            terms = transition[column] * belief[column]
            message = terms.sum(axis=1)
            largest = message.max()
            if largest == 0:
                return self, -np.inf
            log_total += float(np.log(largest))
            reached = (message > 0)[:, np.newaxis]
            np.divide(terms, message[:, np.newaxis], out=transition[column], where=reached)
            if column != shape.root:
                belief[shape.parents[column]] *= message / largest
        return replace(self, transition=transition, emission=emission), log_total

    # ------------------------------------------------------------------ downward
    def expect(self, codes: np.ndarray, weight: np.ndarray) -> tuple[TreeCounts, np.ndarray]:
        """Return the counts expected of weighted rows, and ``log p(x_observed)`` of each."""
        counts, log_prob = TreeCounts.zeros(self.shape), np.empty(len(codes))
        for block in self.shape.blocks(len(codes)):
            beliefs = self.upward(codes[block])
            log_prob[block] = beliefs.log_prob
            self._add_expected(beliefs, weight[block].astype(self.emission.dtype), counts)
        return counts, log_prob

    def latent_shares(self, codes: np.ndarray) -> list[np.ndarray]:
        """Return ``p(z_i | x_observed)`` of the variables with others below them."""
        blocks = [
            [
                share
                for _, share in self._inner_shares(
                    self.upward(codes[block]), np.ones(len(codes[block]), self.emission.dtype)
                )
            ]
            for block in self.shape.blocks(len(codes))
        ]
        return [np.concatenate(shares) for shares in zip(*blocks, strict=True)]

    def _add_expected(self, beliefs: Beliefs, weight: np.ndarray, counts: TreeCounts) -> None:
        shape, root = self.shape, self.shape.root
        for column, share in self._inner_shares(beliefs, weight, counts):
            emission = np.zeros((shape.n_values[column] + 1, shape.n_states), share.dtype)
            add_rows(share, beliefs.index[column], emission)
            counts.emission[shape.slots(column)] += emission
            if column == root:
                counts.transition[root] += emission.sum(axis=0)
            for child in shape.children[column]:
                if shape.is_leaf(child):
                    self._add_leaf(child, share, beliefs, counts)

    def _inner_shares(
        self, beliefs: Beliefs, weight: np.ndarray, counts: TreeCounts | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each column that is not a leaf, with ``weight p(z_i | x_observed)`` of each row."""
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
        """Divide the child's message out of the parent's share: the rest of the tree is left."""
        above = np.empty_like(share)
        divide(share, beliefs.message[child], self.sender(child, beliefs.index), above)
        return above

    def _add_leaf(self, leaf: int, share: np.ndarray, beliefs: Beliefs, counts: TreeCounts) -> None:
        """Add the counts of a leaf; rows with the same value are summed first."""
        message, slots = beliefs.message[leaf], self.shape.slots(leaf)
        above = np.zeros_like(message)
        divide_and_add(share, message, beliefs.index[leaf], above)
        of_value = self.emission[slots]
        counts.transition[leaf] += self.transition[leaf] * (above.T @ of_value)
        counts.emission[slots] += of_value * (above @ self.transition[leaf])
