"""Divergences between chains, position by position from the last to the first.

For Kullback-Leibler, squared Hellinger and chi-square, the divergence of what follows a context is
``f(context) = local(context) + sum_v weight(v | context) f(context and v)``: the divergence of the
next value's conditional, and what it leaves to the later ones, whose weight is ``p``,
``sqrt(p q)`` or ``p**2 / q``. Every part is at least 0, so that none of them cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from ..density import BaseDensity, BernoulliIndependentDensity, MarkovChainImageDensity
from ..density.markov_chain._dense import DenseChainProbabilities
from ._terms import CHI_SQUARE, KULLBACK_LEIBLER, SQUARED_HELLINGER, Divergence

LARGEST_TABLE = 2**20  # cells of one position's windows


def _ratio_weight(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * (p / q), 0.0)


WEIGHTS: dict[Divergence, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    KULLBACK_LEIBLER: lambda p, q: p,
    SQUARED_HELLINGER: lambda p, q: np.sqrt(p) * np.sqrt(q),
    CHI_SQUARE: _ratio_weight,
}


@dataclass(frozen=True, eq=False)
class Chain:
    """For the columns in the order of ``scan`` the conditionals, of shape (contexts, K).

    A context of position i is the ``min(i, order)`` values before it, counted in base K.
    """

    scan: np.ndarray
    order: int
    n_categories: int
    conditionals: Sequence[np.ndarray]

    def in_order_of(self, scan: np.ndarray) -> Chain | None:
        """The same chain along another scan, which only independent columns have."""
        if np.array_equal(self.scan, scan):
            return self
        if self.order > 0:
            return None
        place = np.argsort(self.scan)[scan]
        return replace(self, scan=scan, conditionals=[self.conditionals[i] for i in place])

    def conditional(self, position: int, order: int, n_categories: int) -> np.ndarray:
        """The conditional for contexts of up to ``order`` values of ``n_categories`` each."""
        table = self.conditionals[position]
        before = min(position, self.order)
        more = n_categories - self.n_categories
        if more:  # unknown categories have probability zero
            cells = table.reshape((self.n_categories,) * (before + 1))
            table = np.pad(cells, (0, more)).reshape(n_categories**before, n_categories)
        return np.tile(table, (n_categories ** (min(position, order) - before), 1))


@singledispatch
def as_chain(density: BaseDensity) -> Chain | None:
    """The density as a chain with dense conditionals, if it is one."""
    return None


@as_chain.register
def _(density: BernoulliIndependentDensity) -> Chain:
    probability = np.stack([1 - density.probability_, density.probability_], axis=1)
    return Chain(np.arange(len(probability)), 0, 2, probability[:, np.newaxis])


@as_chain.register
def _(density: MarkovChainImageDensity) -> Chain | None:
    tables = density._tables
    if not isinstance(tables, DenseChainProbabilities):
        return None
    shape = tables.shape
    conditionals = [
        tables.probability[table, : shape.n_categories ** shape.n_before(table)]
        for table in shape.table
    ]
    return Chain(density.scan_, shape.order, shape.n_categories, conditionals)


def between_chains(divergence: Divergence, p: BaseDensity, q: BaseDensity) -> float | None:
    """Two chains along the same scan, of any orders; independent columns go along any."""
    if divergence not in WEIGHTS:
        return None
    own, other = as_chain(p), as_chain(q)
    if own is None or other is None:
        return None
    aligned = other.in_order_of(own.scan)
    if aligned is None:
        own, aligned = own.in_order_of(other.scan), other
        if own is None:
            return None
    order = max(own.order, aligned.order)
    n_categories = max(own.n_categories, aligned.n_categories)
    if n_categories ** (order + 1) > LARGEST_TABLE:
        return None
    later = np.zeros(1)
    for position in range(len(own.scan) - 1, -1, -1):
        table_p = own.conditional(position, order, n_categories)
        table_q = aligned.conditional(position, order, n_categories)
        # A window's last values are the context of the next position.
        following = np.tile(later, table_p.size // len(later)).reshape(table_p.shape)
        later = pass_back(divergence, table_p, table_q, following)
    return float(later[0])


def pass_back(
    divergence: Divergence, p: np.ndarray, q: np.ndarray, following: np.ndarray
) -> np.ndarray:
    """From the divergence that follows each value to the one that follows each context."""
    with np.errstate(divide="ignore"):
        local = divergence.term(np.log(p), np.log(q)).sum(axis=1)
    weight = WEIGHTS[divergence](p, q)
    with np.errstate(over="ignore", invalid="ignore"):
        passed = np.where((weight > 0) & (following > 0), weight * following, 0.0)
        return local + passed.sum(axis=1)
