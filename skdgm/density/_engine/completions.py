"""The most probable completion of incomplete rows, for densities that cannot tell it directly.

What a sum over latent classes makes hard is listed while the completions are few, and climbed
towards, a column at a time, where they are many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..._codes import digits, missing_cells, n_states, with_room
from .blocks import row_blocks
from .patterns import Patterns

LISTED = 2**12  # completions of a row
TOGETHER = 2**20  # cells that are scored at once

LogProb = Callable[[np.ndarray], np.ndarray]


def best_completions(
    codes: np.ndarray,
    candidates: Sequence[np.ndarray],
    log_prob: LogProb,
    n_values: np.ndarray,
    columns: slice = slice(None),
) -> np.ndarray:
    """Complete each row so that ``log_prob`` is as large as can be found.

    ``candidates`` are tables with guesses where codes are missing; ``n_values`` says how many
    values each column has, 0 that they cannot be listed: such a column keeps the value of the best
    candidate. Values missing outside the given columns stay so.
    """
    codes = with_room(codes, n_values).copy()
    missing = np.zeros(codes.shape, dtype=bool)
    missing[:, columns] = missing_cells(codes[:, columns])
    completed = _best_candidate(codes, missing, candidates, log_prob)
    listable = n_values > 0
    for hidden, rows in Patterns.of(missing & listable).one_by_one():
        codes[rows] = np.where(missing[rows] & ~listable, completed[rows], codes[rows])
        if n_states(n_values[hidden]) <= LISTED:
            completed[rows] = _best_listed(codes[rows], hidden, log_prob, n_values)
        else:
            completed[rows] = _climb(completed[rows], hidden, log_prob, n_values)
    return completed


def _best_candidate(
    codes: np.ndarray, missing: np.ndarray, candidates: Sequence[np.ndarray], log_prob: LogProb
) -> np.ndarray:
    best, highest = codes.copy(), np.full(len(codes), -np.inf)
    for place, candidate in enumerate(candidates):
        completed = np.where(missing, candidate, codes).astype(codes.dtype, copy=False)
        score = log_prob(completed)
        better = score > highest if place else np.ones(len(codes), dtype=bool)
        best = np.where(better[:, np.newaxis], completed, best)
        highest = np.where(better, score, highest)
    return best


def _best_listed(
    codes: np.ndarray, hidden: np.ndarray, log_prob: LogProb, n_values: np.ndarray
) -> np.ndarray:
    """Rows that hide the same columns, each with the best of all completions."""
    values = digits(np.arange(n_states(n_values[hidden])), n_values[hidden])
    best = np.empty((len(codes), values.shape[1]), dtype=codes.dtype)
    for block in row_blocks(len(codes), codes.shape[1] * len(values), TOGETHER):
        rows = codes[block]
        completed = np.repeat(rows, len(values), axis=0)
        completed[:, hidden] = np.tile(values, (len(rows), 1))
        best[block] = values[log_prob(completed).reshape(len(rows), -1).argmax(axis=1)]
    completed = codes.copy()
    completed[:, hidden] = best
    return completed


def _climb(
    completed: np.ndarray, hidden: np.ndarray, log_prob: LogProb, n_values: np.ndarray
) -> np.ndarray:
    """Change one hidden column at a time to its best value, until none changes."""
    completed = completed.copy()
    moving = np.arange(len(completed))
    while len(moving):
        rows = completed[moving]
        before = rows.copy()
        highest = log_prob(rows)
        for column in np.flatnonzero(hidden):
            for value in range(n_values[column]):
                tried = rows.copy()
                tried[:, column] = value
                score = log_prob(tried)
                better = score > highest
                rows[better, column], highest[better] = value, score[better]
        completed[moving] = rows
        moving = moving[(rows != before).any(axis=1)]
    return completed
