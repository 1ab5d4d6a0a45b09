"""Random parts of weighted rows: folds held out, and rows drawn again.

Rows of equal values are one row of their total weight, so it makes no difference whether rows are
repeated or weighted. Neither do the order of columns and their units.
"""

from __future__ import annotations

import numpy as np

from .blocks import ones_if_none

MOST_DRAWN = 2**31  # rows of a bootstrap sample, however large the weights


def distinct_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the distinct rows; missing cells are equal to each other.

    Returns
    -------
    first : ndarray of shape (n_distinct,)
        Index of the first row of each kind, in ascending order.
    number : ndarray of shape (n_rows,)
        Index into ``first`` for each row.
    """
    if table.dtype.kind == "f":
        table = np.where(np.isnan(table), np.nan, table + 0.0)  # -0.0 is 0.0
    table = np.ascontiguousarray(table)
    keys = table.view(f"V{table.shape[1] * table.dtype.itemsize}")[:, 0]
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return first[order], place[number]


def fold_weights(
    X: np.ndarray, weight: np.ndarray | None, n_folds: int, generator: np.random.Generator
) -> np.ndarray:
    """Divide rows into folds, by weight.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Rows. Distinct rows lie side by side on a line, in random order and as long as their
        weights, which is cut at the whole numbers; the pieces go to the folds in turn. So a row of
        weight 1 is in one fold, and one of weight 16 gives 2 to each of 8 folds.
    weight : ndarray of shape (n_rows,) or None
        How often each row counts; None means once. If distinct rows count less than once on
        average, the line is stretched until they do.
    n_folds : int
        Number of folds; fewer are made of fewer distinct rows.
    generator : Generator
        Source of randomness.

    Returns
    -------
    held_out : ndarray of shape (n_folds, n_rows)
        The weight of each row in each fold; a row's add up to its weight. A single distinct row is
        not held out: there is one fold, of weight 0.
    """
    first, number = distinct_rows(X)
    n_folds = min(n_folds, len(first))
    held_out = np.zeros((n_folds, len(X)))
    if n_folds == 1:
        return held_out
    weight = ones_if_none(weight, len(X))
    order = np.argsort(generator.permutation(len(first))[number], kind="stable")
    own = weight[order]
    stretch = _stretch(np.bincount(number, weight))
    length = own * stretch
    whole, rest = np.divmod(length, n_folds)  # every fold gets as much of the whole rounds
    end = np.cumsum(rest)
    start = np.concatenate([[0.0], end[:-1]])
    pieces = _up_to(end, n_folds) - _up_to(start, n_folds)
    total = pieces.sum(axis=0)
    lost = total <= 0  # to rounding
    pieces[(start[lost] % n_folds).astype(np.intp), np.flatnonzero(lost)] = total[lost] = 1.0
    pieces = np.where(total == rest, pieces, pieces / total * rest) + whole
    if stretch > 1:  # so that a row in one fold weighs there what it does, to the last bit
        pieces = pieces / np.where(length > 0, length, 1.0) * own
    held_out[:, order] = pieces
    return held_out


def bootstrap_weights(
    weight: np.ndarray, n_samples: int, generator: np.random.Generator
) -> np.ndarray:
    """Draw as many rows as there are by weight, with replacement, from distinct rows.

    The weights of the samples have shape (n_samples, n_rows), with a sum like that of ``weight``.
    """
    total = weight.sum()
    n_drawn = int(min(np.rint(total * _stretch(weight)), MOST_DRAWN))
    drawn = generator.multinomial(n_drawn, weight / total, size=n_samples)
    return drawn * (total / n_drawn)


def bayesian_weights(
    weight: np.ndarray, n_samples: int, generator: np.random.Generator
) -> np.ndarray:
    """Draw weights for distinct rows: exponential ones for rows that count once.

    Weights have shape (n_samples, n_rows), each sample a sum like that of ``weight``.
    """
    units = weight * _stretch(weight)
    drawn = generator.standard_gamma(units, size=(n_samples, len(weight)))
    return drawn * (weight.sum() / drawn.sum(axis=1, keepdims=True))


def _stretch(weight: np.ndarray) -> float:
    """Return the factor by which distinct rows count at least once on average."""
    return max(1.0, 1 / weight.mean())


def _up_to(end: np.ndarray, n_folds: int) -> np.ndarray:
    """Return how much of the line up to some ends each fold has, of shape (n_folds, n_ends)."""
    rounds, rest = np.divmod(end, n_folds)
    return rounds + np.clip(rest - np.arange(n_folds)[:, np.newaxis], 0.0, 1.0)
