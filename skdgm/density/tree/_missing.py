"""Queries on missing values under a tree, which messages along it answer exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._codes import missing_code, readonly, with_room
from ..._kernels import tree_missing as kernels
from .._engine.blocks import draw_with_uniforms, ones_if_none, part_of, row_blocks
from ._pair_counts import INDICATOR_CELLS, Entries, PairCounts, outer_products
from ._probabilities import TreeProbabilities


def log_prob_observed(tree: TreeProbabilities, codes: np.ndarray) -> np.ndarray:
    """Return ``log p(x_observed)`` of each row."""
    out = np.empty(len(codes))
    kernels.log_prob_missing(readonly(codes), missing_code(codes), tree.arrays, out)
    return out


def draw_missing(
    tree: TreeProbabilities, codes: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Complete each row by a draw from ``p(x_missing | x_observed)``."""
    drawn = with_room(codes, tree.arrays.n_values).copy()
    arguments = (missing_code(drawn), tree.arrays)
    return draw_with_uniforms(kernels.draw_missing, arguments, drawn, generator)


def mean_missing(
    tree: TreeProbabilities, codes: np.ndarray, worth: Sequence[np.ndarray]
) -> np.ndarray:
    """Return ``E[x_j | x_observed]`` where a value is missing; other cells have no meaning.

    ``worth`` holds the value of each code of each column.
    """
    mean, of_code = np.empty(codes.shape), readonly(np.concatenate(worth))
    kernels.mean_missing(readonly(codes), missing_code(codes), of_code, tree.arrays, mean)
    return mean


def mode_missing(tree: TreeProbabilities, codes: np.ndarray) -> np.ndarray:
    """Complete each row by its most probable completion."""
    completed = with_room(codes, tree.arrays.n_values).copy()
    kernels.fill_mode(missing_code(completed), tree.arrays, completed)
    return completed


def expected_pairs(
    tree: TreeProbabilities, codes: np.ndarray, weight: np.ndarray | None
) -> tuple[PairCounts, np.ndarray]:
    """Return the pair counts expected of rows with missing values, and ``log p(x_observed)``."""
    n_categories = tree.arrays.n_values
    n_entries = len(Entries(n_categories))
    joint, log_prob = np.zeros((n_entries, n_entries)), np.empty(len(codes))
    for rows in row_blocks(len(codes), n_entries, INDICATOR_CELLS):
        own = part_of(weight, rows)
        soft, covariance, log_prob[rows] = _expected_entries(tree, codes[rows], own)
        joint += covariance + outer_products(soft, own)
    return PairCounts(n_categories, joint), log_prob


def _expected_entries(
    tree: TreeProbabilities, codes: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the moments of each row's entries given its observed values.

    Returns
    -------
    soft : ndarray of shape (n_rows, n_entries)
        Ones, and the probabilities of the values 1, 2, ... of each column.
    covariance : ndarray of shape (n_entries, n_entries)
        The covariances of the entries of a row of ``soft``, weighted and summed over the rows.
    log_prob : ndarray of shape (n_rows,)
        ``log p(x_observed)``.
    """
    n_entries = len(Entries(tree.arrays.n_values))
    soft, log_prob = np.empty((len(codes), n_entries)), np.empty(len(codes))
    joint = np.zeros((n_entries, n_entries))
    weight = readonly(ones_if_none(weight, len(codes)))
    kernels.add_expected_pairs(
        readonly(codes), missing_code(codes), weight, tree.arrays, soft, joint, log_prob
    )
    return soft, joint + joint.T - np.diag(np.diagonal(joint)), log_prob
