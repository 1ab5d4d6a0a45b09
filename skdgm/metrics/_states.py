"""Divergences as sums over joint states: all of them if they are few, or those a density lists.

A category unknown to a density has probability zero under it.
"""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from .._codes import as_codes, digits, n_states
from ..density import BaseDensity, FullCategoricalDensity
from ..density._engine.columns import Columns
from ._terms import Divergence

FEW_STATES = 2**20  # most joint states to enumerate
BLOCK_STATES = 2**16
ROUNDING = 1e-13  # sums of probabilities this close to 1 count as 1


# ---------------------------------------------------------------------- scores
def is_discrete(density: BaseDensity) -> bool:
    """Return whether the density gives probabilities to states, not a density to points."""
    return density._columns.all_discrete


def log_prob(density: BaseDensity, rows: np.ndarray) -> np.ndarray:
    """Return the log-probability of states or points, -inf for states with an unknown category.

    States hold categories, however the density reads data (by ``binarize``, for example).
    """
    if not is_discrete(density):
        return density._log_prob_blocks(density._encode(rows))
    columns = density._columns
    table, known = columns.encode(rows)
    out = np.full(len(rows), -np.inf)
    if known.any():
        table = table[known]
        table = as_codes(table) if columns.listable.all() else table.astype(np.float64)
        out[known] = density._log_prob_blocks(density._recode(table))
    return out


def log_prob_pair(
    p: BaseDensity, q: BaseDensity, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probabilities of the rows under both densities."""
    return log_prob(p, rows), log_prob(q, rows)


def common_values(p: Columns, q: Columns) -> list[np.ndarray]:
    """Return the categories of each column that either of two densities knows."""
    return [np.union1d(p.values_of(column), q.values_of(column)) for column in range(len(p))]


@singledispatch
def listed_states(density: BaseDensity) -> np.ndarray | None:
    """Return all states of positive probability, or None if the density does not list them."""
    return None


@listed_states.register
def _(density: FullCategoricalDensity) -> np.ndarray | None:
    table = density._table
    every = len(table.listed) == density.n_states_ or table.log_prob_unlisted == -math.inf
    return density._columns.decode(table.listed.codes()) if every else None


# ---------------------------------------------------------------------- exact divergences
def between_full_categoricals(
    divergence: Divergence, p: BaseDensity, q: BaseDensity
) -> float | None:
    """Return the divergence from the states that either density lists, and the sum of the rest.

    The states that neither lists have the same probability under p, and the same under q.
    """
    if not (isinstance(p, FullCategoricalDensity) and isinstance(q, FullCategoricalDensity)):
        return None
    listed = [
        density._columns.decode(density._table.listed.codes().astype(np.uint16))
        for density in (p, q)
    ]
    states = np.unique(np.concatenate(listed), axis=0)
    log_p, log_q = log_prob_pair(p, q, states)
    in_p, in_q = (density._columns.encode(states)[1] for density in (p, q))
    own, others = p._columns, q._columns
    n_both = n_states(
        [
            len(np.intersect1d(own.values_of(column), others.values_of(column)))
            for column in range(len(own))
        ]
    )
    rest_p, rest_q = [], []
    for n, own_p, own_q in (
        (n_both - np.count_nonzero(in_p & in_q), True, True),
        (p.n_states_ - n_both - np.count_nonzero(in_p & ~in_q), True, False),
        (q.n_states_ - n_both - np.count_nonzero(in_q & ~in_p), False, True),
    ):
        if n > 0:
            log_n = math.log(n)
            rest_p.append(p._table.log_prob_unlisted + log_n if own_p else -np.inf)
            rest_q.append(q._table.log_prob_unlisted + log_n if own_q else -np.inf)
    return divergence.sum(np.append(log_p, rest_p), np.append(log_q, rest_q))


def over_listed_states(divergence: Divergence, p: BaseDensity, q: BaseDensity) -> float | None:
    """Sum over the states that p lists as possible; for all others, q's total is enough."""
    states = listed_states(p) if is_discrete(p) else None
    if states is None:
        if divergence.symmetric and is_discrete(q) and listed_states(q) is not None:
            return over_listed_states(divergence, q, p)
        return None
    log_p, log_q = log_prob_pair(p, q, states)
    others = 1.0 - float(np.sum(np.exp(log_q)))
    log_others = math.log(others) if others > ROUNDING else -math.inf
    return divergence.sum(np.append(log_p, -np.inf), np.append(log_q, log_others))


def over_all_states(divergence: Divergence, p: BaseDensity, q: BaseDensity) -> float | None:
    """Sum over all joint states, if they are few enough."""
    if not is_discrete(p):
        return None
    columns = p._columns, q._columns
    if not all(own.listable.all() for own in columns):
        return None
    values = common_values(*columns)
    counts = np.array([len(own) for own in values])
    n = n_states(counts)
    if n > FEW_STATES:
        return None
    total = 0.0
    for start in range(0, n, BLOCK_STATES):
        codes = digits(np.arange(start, min(start + BLOCK_STATES, n)), counts)
        states = np.column_stack([own[code] for own, code in zip(values, codes.T, strict=True)])
        total += divergence.sum(*log_prob_pair(p, q, states))
    return total
