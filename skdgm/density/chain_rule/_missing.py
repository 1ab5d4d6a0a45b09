"""Queries on missing values under the chain rule, by listing the completions of each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._codes import missing_cells, missing_code, with_room
from ._factor_chain import FactorChain
from ._joins import Join, Runs, average, best, drawn_by, sum_out
from ._walk import Kept, walk

SMALLEST_SHARE = 1e-12  # of a row: less probable completions are not worth a classifier's time


def cells_to_list(missing: np.ndarray, order: int) -> np.ndarray:
    """Mask of the missing cells to sum over: those before an observed one that may depend on them.

    What comes after the last observed value of a row sums to one.
    """
    if order == 0:
        return np.zeros_like(missing)
    return missing & np.logical_or.accumulate(~missing[:, ::-1], axis=1)[:, ::-1]


def log_prob_observed(chain: FactorChain, codes: np.ndarray) -> np.ndarray:
    """Return ``log p(x_observed)`` of each row."""
    missing = missing_cells(codes)
    listed = cells_to_list(missing, chain.order)
    log_prob = np.empty(len(codes))
    for rows, kept in walk(chain, codes, missing, listed, ~missing, sum_out, evidence=True):
        log_prob[rows] = kept.log_weight
    return log_prob


def draw_missing(
    chain: FactorChain, codes: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Complete each row by a draw from ``p(x_missing | x_observed)``."""
    missing = missing_cells(codes)
    listed = cells_to_list(missing, chain.order)
    completed = np.empty(codes.shape)
    for rows, kept in walk(chain, codes, missing, listed, ~missing, drawn_by(generator)):
        chain.draw(kept.values, (missing & ~listed)[rows], generator)
        completed[rows] = kept.values
    return completed


def mean_missing(chain: FactorChain, codes: np.ndarray, worth: Sequence[np.ndarray]) -> np.ndarray:
    """Complete each row by ``E[x_missing | x_observed]``.

    ``worth`` holds the value of each code of each column.
    """
    return _completed_by(chain, codes, average, worth)


def mode_missing(chain: FactorChain, codes: np.ndarray) -> np.ndarray:
    """Complete each row by its most probable completion."""
    return _completed_by(chain, codes, best)


def _completed_by(
    chain: FactorChain, codes: np.ndarray, join: Join, worth: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    missing = missing_cells(codes)
    completed = np.empty(codes.shape)
    for rows, kept in walk(chain, codes, missing, missing, ~missing, join, worth=worth):
        completed[rows] = kept.values
    return completed


# ---------------------------------------------------------------------- learning
def expected_rows(
    chain: FactorChain, codes: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the completions of each row, with its weight shared out by their probabilities.

    Return their codes, their weights and the rows' log-probabilities. A row is cut where the values
    on both sides do not depend on one another; what a piece does not need stays missing. No missing
    cell is given a category that training lacks in its column, if others will do.
    """
    codes = with_room(codes, chain.n_categories)
    missing = missing_cells(codes)
    row, own, seen = _pieces(missing, chain.order)
    # Neighbours work at the same columns: a step then touches few pieces that it does not move.
    order = np.argsort(own.argmax(axis=1), kind="stable")
    row, own, seen = row[order], own[order], seen[order]
    listed = own & cells_to_list(missing, chain.order)[row]
    pieces = np.where(seen, codes[row], missing_code(codes))
    log_prob = np.zeros(len(codes))
    completed, weights = [], []
    scored = own & ~missing[row]
    for some, kept in walk(chain, pieces, missing[row], listed, scored, None, evidence=True):
        runs = Runs.of_sorted(kept.row)
        log_total = runs.log_sum(kept.log_weight)
        np.add.at(log_prob, row[some], log_total)
        log_weight = _of_known_categories(chain, kept, listed[some], runs)
        with np.errstate(invalid="ignore"):  # a row of probability zero
            share = np.exp(log_weight - runs.spread(runs.log_sum(log_weight)))
        worth = share > SMALLEST_SHARE
        completed.append(kept.values[worth].astype(codes.dtype))
        weights.append(share[worth] * weight[row[some][kept.row[worth]]])
    return np.concatenate(completed), np.concatenate(weights), log_prob


def _of_known_categories(
    chain: FactorChain, kept: Kept, listed: np.ndarray, runs: Runs
) -> np.ndarray:
    """Return the log-weights, ``-inf`` where a listed cell has a category that training lacks."""
    lacking = np.zeros(len(kept.row), dtype=bool)
    for i, factor in enumerate(chain.factors):
        if len(factor.listed) < factor.n_categories:
            known = np.isin(kept.values[:, i], factor.listed)
            lacking |= listed[kept.row, i] & ~known
    log_weight = np.where(lacking, -np.inf, kept.log_weight)
    nothing = runs.spread(np.isneginf(runs.log_sum(log_weight)))
    return np.where(nothing, kept.log_weight, log_weight)


def _pieces(missing: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut each row after every run of ``order`` observed values that follows a missing one.

    Return the row of each piece, the mask of its own columns, and that of all columns which its
    factors see: these and the ``order`` before them. Given those, pieces are independent.
    """
    n_rows, n_columns = missing.shape
    piece = np.zeros((n_rows, n_columns), dtype=np.intp)
    before = np.cumsum(missing, axis=1)  # number missing up to each column
    for start in range(order + 1, n_columns):
        end = start - order - 1
        cut = missing[:, end] & (before[:, start - 1] == before[:, end])
        piece[:, start:] += cut[:, np.newaxis]
    n_pieces = piece[:, -1] + 1
    row = np.repeat(np.arange(n_rows), n_pieces)
    number = np.arange(len(row)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
    own = piece[row] == number[:, np.newaxis]
    column, first = np.arange(n_columns), own.argmax(axis=1)[:, np.newaxis]
    return row, own, own | ((column < first) & (column >= first - order))
