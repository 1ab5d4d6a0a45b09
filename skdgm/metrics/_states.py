"""Divergences as sums over joint states: over all, if they are few, or over those that are listed.

A category that a density does not know has probability zero there.
"""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from .._codes import as_codes, digits, n_states
from ..density import BaseDensity, FullCategoricalDensity
from ._terms import Divergence

FEW_STATES = 2**20  # so many joint states are enumerated
BLOCK_STATES = 2**16
ROUNDING = 1e-13  # a sum of probabilities so near to 1 is 1


# ---------------------------------------------------------------------- scores
def is_discrete(density: BaseDensity) -> bool:
    """Whether the density gives probabilities to states, not a density to points."""
    return density._columns.all_discrete


def log_prob(density: BaseDensity, rows: np.ndarray) -> np.ndarray:
    """Log-probability of states or points, -inf for a state with a category that is not known.

    States are codes already, whatever the density makes of data (by ``binarize``, for example).
    """
    if not is_discrete(density):
        return density._log_prob_blocks(density._encode(rows))
    columns = density._columns
    known = np.all((rows < columns.n_categories) | ~columns.listable, axis=1)
    out = np.full(len(rows), -np.inf)
    if known.any():
        table = rows[known]
        table = as_codes(table) if columns.listable.all() else table.astype(np.float64)
        out[known] = density._log_prob_blocks(density._recode(table))
    return out


def log_prob_pair(
    p: BaseDensity, q: BaseDensity, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities under both."""
    return log_prob(p, rows), log_prob(q, rows)


@singledispatch
def listed_states(density: BaseDensity) -> np.ndarray | None:
    """A list that holds every state with a probability above zero, if the density has one."""
    return None


@listed_states.register
def _(density: FullCategoricalDensity) -> np.ndarray | None:
    table = density._table
    every = len(table.listed) == density.n_states_ or table.log_prob_unlisted == -math.inf
    return table.listed.codes() if every else None


# ---------------------------------------------------------------------- exact divergences
def over_full_tables(divergence: Divergence, p: BaseDensity, q: BaseDensity) -> float | None:
    """Two full tables: the states that one of them lists, and all others together.

    Those that neither lists have one probability each under p and one under q.
    """
    if not (isinstance(p, FullCategoricalDensity) and isinstance(q, FullCategoricalDensity)):
        return None
    listed = [density._table.listed.codes().astype(np.uint16) for density in (p, q)]
    states = np.unique(np.concatenate(listed), axis=0)
    log_p, log_q = log_prob_pair(p, q, states)
    in_p, in_q = (np.all(states < density.n_categories_, axis=1) for density in (p, q))
    n_both = n_states(np.minimum(p.n_categories_, q.n_categories_))
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
    """The states that p allows, if they are listed; of the others only q's sum is needed."""
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
    """Every joint state, if they are few enough."""
    if not is_discrete(p):
        return None
    columns = p._columns, q._columns
    if not all(own.listable.all() for own in columns):
        return None
    counts = np.maximum(*(own.n_categories for own in columns))
    n = n_states(counts)
    if n > FEW_STATES:
        return None
    total = 0.0
    for start in range(0, n, BLOCK_STATES):
        states = digits(np.arange(start, min(start + BLOCK_STATES, n)), counts)
        total += divergence.sum(*log_prob_pair(p, q, states))
    return total
