"""Completions of incomplete rows, for densities that cannot tell them directly.

The probabilities of a column's values follow from the scores of all of them. A sum over latent
classes makes the most probable completion hard to find. Where the completions of a row are few, all
are scored; where they are many, the best is climbed towards, one column at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import softmax

from ..._codes import missing_cells, n_states, with_room
from .blocks import RowError, row_blocks
from .missing import LogProb, all_completions
from .patterns import Patterns

LISTED = 2**12  # completions of a row
TOGETHER = 2**20  # cells that are scored at once
DRAWS = 2000  # of each row, where nothing else tells of a missing number


def value_probabilities(
    codes: np.ndarray, column: int, values: np.ndarray, log_prob: LogProb
) -> np.ndarray:
    """Return ``p(x_j = v | x_others)`` for the values of a column, of shape (n_rows, n_values).

    The column's own cells are ignored.
    """
    n_values = len(values)
    codes = codes if codes.dtype.kind == "f" else with_room(codes, n_values)
    probability = np.empty((len(codes), n_values))
    for rows in row_blocks(len(codes), codes.shape[1] * n_values, TOGETHER):
        tried = np.repeat(codes[rows], n_values, axis=0)
        tried[:, column] = np.tile(values, len(codes[rows]))
        try:
            scores = log_prob(tried).reshape(-1, n_values)
        except RowError as error:
            raise error.at_row(rows.start + (error.row or 0) // n_values) from None
        probability[rows] = softmax(scores, axis=1)
    return probability


def conditional_draws(
    sample: Callable[..., np.ndarray], codes: Any, columns: Sequence[int]
) -> np.ndarray:
    """Draw the missing values of rows many times, by a hook, from a seed of its own.

    They have shape (n_columns, n_rows, n_draws).
    """
    generator = np.random.default_rng(0)
    n_rows, n_columns = codes.shape
    draws = np.empty((len(columns), n_rows, DRAWS))
    for rows in row_blocks(n_rows, n_columns * DRAWS, TOGETHER):
        which = np.repeat(np.arange(rows.start, rows.stop), DRAWS)
        drawn = np.asarray(sample(codes[which], generator), dtype=np.float64)
        draws[:, rows] = drawn[:, list(columns)].T.reshape(len(columns), -1, DRAWS)
    return draws


def best_completions(
    codes: np.ndarray,
    candidates: Sequence[np.ndarray],
    log_prob: LogProb,
    n_values: np.ndarray,
    columns: slice = slice(None),
) -> np.ndarray:
    """Complete each row so that ``log_prob`` is as large as can be found.

    ``candidates`` are arrays like codes with guesses where these are missing. ``n_values`` is the
    number of values of each column, or 0 where they cannot be listed: such a column keeps the value
    of the best candidate. Values missing outside the given columns stay missing.
    """
    codes = with_room(codes, n_values).copy()
    missing = np.zeros(codes.shape, dtype=bool)
    missing[:, columns] = missing_cells(codes[:, columns])
    completed = _best_candidate(codes, missing, candidates, log_prob)
    listable = n_values > 0
    for columns_missing, rows in Patterns.of(missing & listable).one_by_one():
        codes[rows] = np.where(missing[rows] & ~listable, completed[rows], codes[rows])
        if n_states(n_values[columns_missing]) <= LISTED:
            completed[rows] = _best_listed(codes[rows], columns_missing, log_prob, n_values)
        else:
            completed[rows] = _climb_by_column(completed[rows], columns_missing, log_prob, n_values)
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
    codes: np.ndarray, missing: np.ndarray, log_prob: LogProb, n_values: np.ndarray
) -> np.ndarray:
    """Complete rows that miss the same columns by the best of all their completions."""
    n_rows, n_columns = codes.shape
    n_completions = n_states(n_values[missing])
    best = np.empty_like(codes)
    for block in row_blocks(n_rows, n_columns * n_completions, TOGETHER):
        completed = all_completions(codes[block], missing, n_values)
        place = log_prob(completed).reshape(-1, n_completions).argmax(axis=1)
        best[block] = completed.reshape(-1, n_completions, n_columns)[np.arange(len(place)), place]
    return best


def _climb_by_column(
    completed: np.ndarray, missing: np.ndarray, log_prob: LogProb, n_values: np.ndarray
) -> np.ndarray:
    """Change one missing column at a time to its best value, until none changes."""
    completed = completed.copy()
    moving = np.arange(len(completed))
    while len(moving):
        rows = completed[moving]
        before = rows.copy()
        highest = log_prob(rows)
        for column in np.flatnonzero(missing):
            for some in row_blocks(n_values[column], rows.size, TOGETHER):
                values = np.arange(some.start, some.stop)
                tried = np.repeat(rows, len(values), axis=0)
                tried[:, column] = np.tile(values, len(rows))
                scores = log_prob(tried).reshape(len(rows), len(values))
                place = scores.argmax(axis=1)
                score = scores[np.arange(len(rows)), place]
                better = score > highest
                rows[better, column], highest[better] = values[place[better]], score[better]
        completed[moving] = rows
        moving = moving[(rows != before).any(axis=1)]
    return completed
