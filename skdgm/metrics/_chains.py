"""Divergences between chains, by a recursion from the last position to the first.

For Kullback-Leibler, squared Hellinger and chi-square, the divergence of all values after a context
is ``f(context) = local(context) + sum_v weight(v | context) f(context and v)``: the divergence of
the next value's conditional distribution, plus that of the later values with the weight ``p``,
``sqrt(p q)`` or ``p**2 / q``. All terms are at least 0, so nothing cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from ..density import BaseDensity, BernoulliIndependentDensity, MarkovChainImageDensity
from ..density.markov_chain._dense import DenseChainProbabilities
from ._terms import CHI_SQUARE, KULLBACK_LEIBLER, SQUARED_HELLINGER, Divergence

MOST_WINDOWS = 2**20  # joint states of a position and its context


def _ratio_weight(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * (p / q), 0.0)


WEIGHTS: dict[Divergence, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    KULLBACK_LEIBLER: lambda p, q: p,
    SQUARED_HELLINGER: lambda p, q: np.sqrt(p) * np.sqrt(q),
    CHI_SQUARE: _ratio_weight,
}


@dataclass(frozen=True, eq=False)
class ConditionalChain:
    """A chain by its conditional probabilities, of shape (contexts, K) for each position of a scan.

    The context of position i is the ``min(i, order)`` codes before it, as a number in base K.
    ``values`` holds the category of each code.
    """

    scan: np.ndarray
    order: int
    values: np.ndarray
    conditionals: Sequence[np.ndarray]

    def in_order_of(self, scan: np.ndarray) -> ConditionalChain | None:
        """Return the same chain along another scan, or None unless its columns are independent."""
        if np.array_equal(self.scan, scan):
            return self
        if self.order > 0:
            return None
        place = np.argsort(self.scan)[scan]
        return replace(self, scan=scan, conditionals=[self.conditionals[i] for i in place])

    def conditional(self, position: int, order: int, values: np.ndarray) -> np.ndarray:
        """Return the conditional for contexts of ``order`` of these values, which are sorted."""
        conditional = self.conditionals[position]
        before, n_categories = min(position, self.order), len(values)
        if not np.array_equal(values, self.values):  # unknown categories have probability zero
            place = np.searchsorted(values, self.values)
            cells = np.zeros((n_categories,) * (before + 1))
            own = conditional.reshape((len(self.values),) * (before + 1))
            cells[np.ix_(*[place] * (before + 1))] = own
            conditional = cells.reshape(n_categories**before, n_categories)
        return np.tile(conditional, (n_categories ** (min(position, order) - before), 1))


@singledispatch
def as_chain(density: BaseDensity) -> ConditionalChain | None:
    """Return the density as a chain with dense conditionals, or None if it is not one."""
    return None


@as_chain.register
def _(density: BernoulliIndependentDensity) -> ConditionalChain:
    probability = np.stack([1 - density.probability_, density.probability_], axis=1)
    scan = np.arange(len(probability))
    return ConditionalChain(scan, 0, np.arange(2), list(probability[:, np.newaxis]))


@as_chain.register
def _(density: MarkovChainImageDensity) -> ConditionalChain | None:
    tables = density._tables
    if not isinstance(tables, DenseChainProbabilities):
        return None
    shape = tables.shape
    conditionals = [
        tables.probability[table, : shape.n_categories ** shape.n_before(table)]
        for table in shape.table
    ]
    values = density._columns.values_of(0)
    return ConditionalChain(density.scan_, shape.order, values, conditionals)


def between_chains(divergence: Divergence, p: BaseDensity, q: BaseDensity) -> float | None:
    """Return the divergence of two chains along the same scan; independent columns fit any scan."""
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
    values = np.union1d(own.values, aligned.values)
    if len(values) ** (order + 1) > MOST_WINDOWS:
        return None
    later = np.zeros(1)
    for position in range(len(own.scan) - 1, -1, -1):
        given_p = own.conditional(position, order, values)
        given_q = aligned.conditional(position, order, values)
        # The last values of context and position are the context of the next position.
        following = np.tile(later, given_p.size // len(later)).reshape(given_p.shape)
        later = pass_back(divergence, given_p, given_q, following)
    return float(later[0])


def pass_back(
    divergence: Divergence, p: np.ndarray, q: np.ndarray, following: np.ndarray
) -> np.ndarray:
    """Return the divergence after each context from the divergence after each further value."""
    with np.errstate(divide="ignore"):
        local = divergence.term(np.log(p), np.log(q)).sum(axis=1)
    weight = WEIGHTS[divergence](p, q)
    with np.errstate(over="ignore", invalid="ignore"):
        passed = np.where((weight > 0) & (following > 0), weight * following, 0.0)
        return local + passed.sum(axis=1)
