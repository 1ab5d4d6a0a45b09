"""Bayes' rule for many rows: from ``log p(x, z)`` to ``p(z | x)`` and ``log p(x)``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._codes import readonly
from ..._kernels import responsibilities as kernels
from .blocks import CHUNK_CELLS, row_blocks


def responsibilities(log_joint: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn joint log-probabilities into conditional and marginal ones.

    Parameters
    ----------
    log_joint : ndarray of shape (n_rows, k)
        ``log p(x, z)``, which is overwritten; -inf is legal.
    prior : ndarray of shape (k,)
        ``p(z)``, which rows that every z rules out get.

    Returns
    -------
    shares : ndarray of shape (n_rows, k)
        ``p(z | x)``, in the memory of ``log_joint``.
    log_prob : ndarray of shape (n_rows,)
        ``log p(x)``.
    """
    total, largest = np.empty(len(log_joint)), np.empty(len(log_joint))
    prior = readonly(prior)
    for rows in row_blocks(len(log_joint), log_joint.shape[1], CHUNK_CELLS):
        shares = log_joint[rows]
        kernels.subtract_largest(shares, largest[rows])
        np.exp(shares, out=shares)
        kernels.normalise(shares, prior, total[rows])
    check_not_nan(total)
    with np.errstate(divide="ignore"):  # a row of probability zero
        return log_joint, largest + np.log(total)


def log_responsibilities(log_joint: np.ndarray) -> np.ndarray:
    """Turn joint log-probabilities, of shape (n_rows, k), into ``log p(z | x)``.

    A row that every z rules out stays at -inf.
    """
    shifted = without_largest(log_joint)
    with np.errstate(divide="ignore"):  # a row of probability zero
        log_total = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted - np.where(np.isneginf(log_total), 0.0, log_total)


def without_largest(log_joint: np.ndarray) -> np.ndarray:
    """Take the largest of each row, unless that is -inf, from all its entries.

    Far out, joint log-probabilities are so large that rounding swallows the logarithm of a sum of
    shares beside them.
    """
    largest = log_joint.max(axis=1, keepdims=True)
    return log_joint - np.where(np.isneginf(largest), 0.0, largest)


def average_by_shares(
    densities: Sequence[Any], shares: np.ndarray, codes: Any, ask: Callable[..., list[np.ndarray]]
) -> list[np.ndarray]:
    """Average tables that densities give for rows, by the shares of each row that they have.

    ``ask(density, codes)`` returns the tables of a density for the rows of which it has a share,
    each of which has a row for each of these. ``shares`` has shape (n_rows, n_densities).
    """
    means: list[np.ndarray] = []
    for density, share in zip(densities, shares.T, strict=True):
        rows = np.flatnonzero(share)
        tables = ask(density, codes[rows])
        means = means or [np.zeros((len(share), table.shape[1])) for table in tables]
        for mean, table in zip(means, tables, strict=True):
            mean[rows] += share[rows, np.newaxis] * table
    return means


def check_not_nan(values: np.ndarray) -> None:
    """Raise a ValueError if a row of values, which follow from log-probabilities, holds NaN."""
    wrong = np.isnan(values)
    if wrong.any():
        row = int(np.argwhere(wrong)[0][0])
        raise ValueError(
            f"A density gives NaN as the log-probability of row {row}; it must be a number, or "
            "-inf."
        )
