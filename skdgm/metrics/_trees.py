"""Divergences between trees, in which every column depends on at most one other.

Kullback-Leibler is exact for any two trees: p is compared with its own projection onto the edges of
q, by mutual informations, and the projection with q, edge by edge. The other divergences use the
recursion for chains, from the leaves up, if the edges of both trees together form no cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, singledispatch

import numpy as np

from ..density import BaseDensity, ChowLiuTreeDensity
from ..density._engine.columns import Columns
from ..density.tree._structure import parents_first
from ._chains import WEIGHTS, as_chain, pass_back
from ._states import common_values
from ._terms import CHI_SQUARE, KULLBACK_LEIBLER, Divergence


@dataclass(frozen=True, eq=False)
class ConditionalTree:
    """Parent of each column, -1 for none, and conditionals of shape (K_parent or 1, K)."""

    parents: np.ndarray
    conditionals: Sequence[np.ndarray]

    @cached_property
    def order(self) -> list[int]:
        """The columns, each after its parent."""
        return parents_first(self.parents)

    @cached_property
    def depth(self) -> np.ndarray:
        """Number of columns above each column."""
        depth = np.zeros(len(self.parents), dtype=int)
        for column in self.order:
            if self.parents[column] >= 0:
                depth[column] = depth[self.parents[column]] + 1
        return depth

    @cached_property
    def marginals(self) -> list[np.ndarray]:
        """Marginal probabilities of each column."""
        marginals: list[np.ndarray] = [np.ones(1)] * len(self.parents)
        for column in self.order:
            parent = self.parents[column]
            above = marginals[parent] if parent >= 0 else np.ones(1)
            marginals[column] = above @ self.conditionals[column]
        return marginals

    @cached_property
    def edges(self) -> set[tuple[int, int]]:
        """Pairs of connected columns, the smaller one first."""
        return {
            (min(int(parent), column), max(int(parent), column))
            for column, parent in enumerate(self.parents)
            if parent >= 0
        }

    def pair(self, first: int, second: int) -> np.ndarray:
        """Return the joint probabilities of two columns, by way of their common ancestor."""
        ends = [first, second]
        given_end = [np.eye(len(self.marginals[column])) for column in ends]
        while ends[0] != ends[1]:
            lower = int(self.depth[ends[1]] > self.depth[ends[0]])
            column = ends[lower]
            if self.parents[column] < 0:  # both are roots: the columns are independent
                return np.outer(self.marginals[first], self.marginals[second])
            given_end[lower] = self.conditionals[column] @ given_end[lower]
            ends[lower] = int(self.parents[column])
        return given_end[0].T @ (self.marginals[ends[0]][:, np.newaxis] * given_end[1])

    def over(self, values: Sequence[np.ndarray], known: Columns) -> ConditionalTree:
        """Return the same tree over more categories, of probability zero where it knows them not.

        ``values`` holds the categories of each column, sorted, and ``known`` those of the tree.
        """
        places = [np.searchsorted(own, known.values_of(j)) for j, own in enumerate(values)]
        padded = []
        for column, (parent, given) in enumerate(zip(self.parents, self.conditionals, strict=True)):
            above = places[parent] if parent >= 0 else np.zeros(1, dtype=np.intp)
            wider = np.zeros((len(values[parent]) if parent >= 0 else 1, len(values[column])))
            wider[np.ix_(above, places[column])] = given
            padded.append(wider)
        return ConditionalTree(self.parents, padded)

    def given(self, parents: np.ndarray) -> ConditionalTree:
        """Return the same distribution with other parents, which keep all edges of this tree."""
        conditionals = []
        for column, parent in enumerate(parents):
            if parent < 0:
                conditionals.append(self.marginals[column][np.newaxis])
                continue
            total = self.marginals[parent][:, np.newaxis]
            pair = self.pair(int(parent), column)
            given = np.divide(pair, total, out=np.zeros_like(pair), where=total > 0)
            conditionals.append(given)
        return ConditionalTree(parents, conditionals)


@singledispatch
def as_tree(density: BaseDensity) -> ConditionalTree | None:
    """Return a tree, or a chain of order 0 or 1, as a tree; None for any other density."""
    chain = as_chain(density)
    if chain is None or chain.order > 1:
        return None
    parents = np.full(len(chain.scan), -1)
    if chain.order == 1:
        parents[chain.scan[1:]] = chain.scan[:-1]
    place = np.argsort(chain.scan)
    return ConditionalTree(parents, [chain.conditionals[position] for position in place])


@as_tree.register
def _(density: ChowLiuTreeDensity) -> ConditionalTree:
    arrays = density._tree.arrays
    cells = np.split(arrays.probability, arrays.first_cell[1:])
    given = [part.reshape(-1, k) for part, k in zip(cells, arrays.n_values, strict=True)]
    return ConditionalTree(density.parents_, given)


def between_trees(divergence: Divergence, p: BaseDensity, q: BaseDensity) -> float | None:
    """Return the divergence of two trees, chains of order 1 or densities of independent columns."""
    own, other = as_tree(p), as_tree(q)
    if divergence not in WEIGHTS or own is None or other is None:
        return None
    values = common_values(p._columns, q._columns)
    own, other = own.over(values, p._columns), other.over(values, q._columns)
    if divergence is KULLBACK_LEIBLER:
        return _kullback_leibler(own, other)
    parents = _common_parents(own, other)
    if parents is None:
        return None
    return _up_the_tree(divergence, own.given(parents), other.given(parents))


def _kullback_leibler(p: ConditionalTree, q: ConditionalTree) -> float:
    """``KL(p || r) + KL(r || q)``, where r has the edges of q and the pairwise marginals of p."""
    total = sum(_mutual_information(p, *edge) for edge in p.edges - q.edges)
    total -= sum(_mutual_information(p, *edge) for edge in q.edges - p.edges)
    total = max(0.0, total)
    for column, parent in enumerate(q.parents):
        if parent < 0:
            pair, above = p.marginals[column], np.ones(1)
        else:
            pair, above = p.pair(int(parent), column), p.marginals[parent]
        with np.errstate(divide="ignore"):
            log_q = np.log(above[:, np.newaxis] * q.conditionals[column])
            total += KULLBACK_LEIBLER.sum(np.log(pair.reshape(log_q.shape)), log_q)
    return total


def _mutual_information(p: ConditionalTree, first: int, second: int) -> float:
    apart = np.outer(p.marginals[first], p.marginals[second])
    with np.errstate(divide="ignore"):
        return KULLBACK_LEIBLER.sum(np.log(p.pair(first, second)), np.log(apart))


def _common_parents(p: ConditionalTree, q: ConditionalTree) -> np.ndarray | None:
    """Return parents along the edges of both trees, or None if these form a cycle."""
    neighbours: list[list[int]] = [[] for _ in p.parents]
    for first, second in sorted(p.edges | q.edges):
        neighbours[first].append(second)
        neighbours[second].append(first)
    parents = np.full(len(neighbours), -1)
    reached = np.zeros(len(neighbours), dtype=bool)
    for root in range(len(neighbours)):
        if reached[root]:
            continue
        reached[root] = True
        columns = [root]
        for column in columns:
            for neighbour in neighbours[column]:
                if neighbour == parents[column]:
                    continue
                if reached[neighbour]:
                    return None
                reached[neighbour], parents[neighbour] = True, column
                columns.append(neighbour)
    return parents


def _up_the_tree(divergence: Divergence, p: ConditionalTree, q: ConditionalTree) -> float:
    """Recurse from the leaves to the root.

    Over the branches below a column, ``1 + f`` multiplies for chi-square and ``1 - f`` for squared
    Hellinger.
    """
    sign = 1 if divergence is CHI_SQUARE else -1
    following = [np.zeros(len(marginal)) for marginal in p.marginals]
    total = np.zeros(1)
    for column in reversed(p.order):
        branch = pass_back(
            divergence, p.conditionals[column], q.conditionals[column], following[column]
        )
        parent = p.parents[column]
        before = following[parent] if parent >= 0 else total
        with np.errstate(over="ignore", invalid="ignore"):
            both = before + np.where(branch > 0, branch * (1 + sign * before), 0.0)
        if parent >= 0:
            following[parent] = both
        else:
            total = both
    return float(total[0])
