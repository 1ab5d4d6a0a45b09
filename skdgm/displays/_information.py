"""Mutual information of columns, and trees of it, as displays plot them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.csgraph import minimum_spanning_tree

from .._validation import shown

INDEPENDENT = 1e-12  # nats, up to which information is rounding
LEARNED, STRONGEST = "Learned tree", "Tree of the strongest dependences"


def learned_edges(density: Any) -> np.ndarray | None:
    """Return the edges of the tree that a density has learned, (n_edges, 2), or None."""
    parents = getattr(density, "parents_", None)
    if parents is None:
        return None
    children = np.flatnonzero(parents >= 0)
    return np.column_stack([parents[children], children])


def check_information(information: Any) -> np.ndarray:
    """Return the mutual information of pairs of columns as numbers, 0 in the diagonal."""
    index, columns = (list(getattr(information, axis, ())) for axis in ("index", "columns"))
    if not index or index != columns:
        raise ValueError(
            "information must be a DataFrame with the same names of rows and of columns, as "
            "mutual_information of a density returns it."
        )
    values = information.to_numpy(dtype=np.float64, copy=True)
    np.fill_diagonal(values, 0.0)
    if not (values >= 0).all() or not np.allclose(values, values.T):
        raise ValueError(
            "information must be symmetric and hold no negative numbers and no NaN beside the "
            "diagonal, as mutual_information of a density returns it."
        )
    return values


def check_edges(edges: ArrayLike, n_columns: int) -> np.ndarray:
    places = np.asarray(edges)
    if places.size == 0:
        return np.empty((0, 2), dtype=np.intp)
    is_pair = places.ndim == 2 and places.shape[1] == 2 and places.dtype.kind in "iu"
    if not is_pair or places.min() < 0 or places.max() >= n_columns:
        raise ValueError(
            f"edges must be pairs of places of columns, from 0 to {n_columns - 1}; got "
            f"{shown(edges)}."
        )
    return places.astype(np.intp)


def edges_of(edges: ArrayLike | None, information: np.ndarray) -> np.ndarray:
    """Return given edges, or those of the strongest tree, (n_edges, 2)."""
    if edges is None:
        return strongest_tree(information)
    return check_edges(edges, len(information))


def strongest_tree(information: np.ndarray) -> np.ndarray:
    """Return the edges of the tree of the largest sum, or of a forest if columns are independent.

    They have the shape (n_edges, 2).
    """
    finite = information[np.isfinite(information)].max()
    worth = np.where(np.isinf(information), finite + 1, information)
    costs = np.where(worth > INDEPENDENT, 2 + finite - worth, 0.0)  # 0 stands for no edge
    return np.argwhere(minimum_spanning_tree(costs).toarray() > 0)
