"""Chains whose probability tables are given, not learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .._engine.given import check_probabilities
from ._counts import DENSE_CELLS
from ._dense import DenseChainCounts, DenseChainProbabilities
from ._shape import ChainShape


def shape_of(tables: Sequence[np.ndarray], n_features: int | None) -> ChainShape:
    """Return the shape of a chain with these tables, or raise a ValueError if they make none."""
    if not tables or any(table.ndim == 0 for table in tables):
        raise ValueError("tables must hold an array of probabilities for each column.")
    order, n_categories = max(table.ndim for table in tables) - 1, tables[0].shape[-1]
    n_positions = len(tables) if n_features is None else n_features
    homogeneous = n_positions > len(tables)
    if n_positions < len(tables) or (homogeneous and len(tables) != order + 1):
        raise ValueError(
            f"tables must hold one table for each of the {n_positions} columns, or those of the "
            f"first order + 1 = {order + 1}, of which the last serves all others; got "
            f"{len(tables)}."
        )
    for position, table in enumerate(tables):
        expected = (n_categories,) * (min(position, order) + 1)
        if table.shape != expected:
            raise ValueError(
                f"tables[{position}] must have the shape {expected}, an axis for each of the "
                f"values before column {position} of the scan and one for its own; got "
                f"{table.shape}."
            )
        check_probabilities(f"tables[{position}]", table, sums=True)
    shape = ChainShape(n_positions, order, homogeneous, n_categories)
    if shape.n_cells > DENSE_CELLS:
        raise ValueError(
            f"tables must have at most {DENSE_CELLS} cells together, each as large as the "
            f"largest; got {shape.n_cells}."
        )
    return shape


def given_probabilities(tables: Sequence[np.ndarray], shape: ChainShape) -> DenseChainProbabilities:
    """Return the probabilities as a chain keeps them."""
    K = shape.n_categories
    probability = np.full((shape.n_tables, K**shape.order, K), 1 / K)
    for own, table in zip(probability, tables, strict=True):
        rows = table.reshape(-1, K)
        own[: len(rows)] = rows / rows.sum(axis=1, keepdims=True)
    return DenseChainProbabilities(shape, probability, alpha=0.0)


def expected_counts(probabilities: DenseChainProbabilities, n_samples: float) -> DenseChainCounts:
    """Return the counts that so many rows of the chain are expected to give."""
    shape = probabilities.shape
    K, counts = shape.n_categories, np.zeros(probabilities.probability.shape)
    context = np.array([n_samples])  # the weight of each context of the next position
    for table in shape.table:
        window = context[:, np.newaxis] * probabilities.probability[table, : len(context)]
        counts[table, : len(context)] += window
        context = window.ravel()
        if len(context) > K**shape.order:  # the earliest value is forgotten
            context = context.reshape(K, -1).sum(axis=0)
    return DenseChainCounts(shape, counts)


def as_tables(tables: Sequence[ArrayLike]) -> list[np.ndarray]:
    """Return the tables as arrays of floats."""
    return [np.asarray(table, dtype=np.float64) for table in tables]
