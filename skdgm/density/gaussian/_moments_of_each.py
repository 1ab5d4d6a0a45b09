"""Moments of the same rows under several weights: those of the densities of a group."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..._codes import has_missing, readonly
from ..._kernels import gaussian_group as kernels
from .._engine.blocks import CHUNK_CELLS, row_blocks
from ._moments import Moments, cached_row_blocks, sum_of_rows

ScatterKind = Literal["full", "pooled", "diagonal"]


def count_moments(X: np.ndarray, weight: np.ndarray, kind: ScatterKind) -> list[Moments]:
    """Return the moments of the same rows with k weights each.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Rows, complete unless the scatter is "diagonal".
    weight : ndarray of shape (n_rows, k)
        Weights, such as responsibilities.
    kind : {"full", "pooled", "diagonal"}
        The scatter: of each density its own, or its diagonal; "pooled" scatters are right only in
        their sum over the densities, of which each gets a part in the share of its weight.

    Returns
    -------
    moments : list of Moments
        One per density.
    """
    count_scatter = {"full": _full, "pooled": _pooled, "diagonal": _diagonal}[kind]
    with np.errstate(over="ignore", invalid="ignore"):
        total, mean = _totals_and_means(X, weight)
        scatter = count_scatter(X, weight, mean)
        if kind == "pooled":
            scatter = (total / total.sum())[:, np.newaxis, np.newaxis] * scatter
    own = zip(total, mean, scatter, strict=True)
    return [Moments(total, mean, squares) for total, mean, squares in own]


def _totals_and_means(X: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if has_missing(X):
        observed = ~np.isnan(X)
        total = weight.T @ observed
        first, of_column = weight.T @ np.where(observed, X, 0.0), total
    else:
        total = np.ones(len(X)) @ weight
        first, of_column = sum_of_rows(X, weight), total[:, np.newaxis]
    return total, first / np.where(of_column > 0, of_column, 1.0)


def _diagonal(X: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    squares, mean = np.zeros(mean.shape), readonly(mean)
    for rows in float_blocks(X):
        kernels.add_squares(readonly(X[rows]), readonly(weight[rows]), mean, squares)
    return squares


def _full(X: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    k, d = mean.shape
    scatter = np.zeros((k, d, d))
    for rows in cached_row_blocks(X):
        root = np.sqrt(weight[rows])
        x = np.asarray(X[rows])
        for c in range(k):
            scaled = x - mean[c]
            scaled *= root[:, c, np.newaxis]
            scatter[c] += scaled.T @ scaled
    return scatter


def _pooled(X: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Sum ``w_c (x - m_c)(x - m_c)'`` over rows and densities, by one product and no difference.

    With ``t = sum_c w_c`` and ``y = sum_c (w_c / t)(x - m_c)`` the sum over c of a row is

        t y y' + sum_(b<c) (w_b w_c / t) (m_b - m_c)(m_b - m_c)'.
    """
    k, d = mean.shape
    scatter, overlap = np.zeros((d, d)), np.zeros((k, k))
    mean = readonly(mean)
    for rows in cached_row_blocks(X):
        own, x = readonly(weight[rows]), readonly(X[rows])
        root_weight, deviation = np.empty(own.shape), np.empty(x.shape)
        kernels.expected_deviations(x, own, mean, root_weight, deviation)
        scatter += deviation.T @ deviation
        overlap += root_weight.T @ root_weight
    for c in range(k - 1):
        apart = np.sqrt(overlap[c, c + 1 :, np.newaxis]) * (mean[c + 1 :] - mean[c])
        scatter += apart.T @ apart
    return scatter


def float_blocks(X: Any) -> list[slice]:
    """Blocks of rows for kernels that read each once: of floats all, of narrower numbers a few."""
    if isinstance(X, np.ndarray):
        return [slice(0, len(X))]
    return row_blocks(len(X), X.shape[1], CHUNK_CELLS)
