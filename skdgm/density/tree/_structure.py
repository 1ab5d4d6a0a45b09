"""The structure of a tree: mutual information, the best tree for it, and walks along a tree."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from scipy.special import xlogy

DECIMALS = 12  # of a mutual information: smaller differences are rounding


def mutual_information(pairs: np.ndarray, n_categories: np.ndarray) -> np.ndarray:
    """Mutual information of each pair of columns in nats; the diagonal holds the entropies."""
    first = np.cumsum(n_categories) - n_categories
    negative_entropy = np.add.reduceat(np.add.reduceat(xlogy(pairs, pairs), first), first, axis=1)
    alone = np.diagonal(negative_entropy)
    information = negative_entropy - alone - alone[:, np.newaxis]
    return np.maximum((information + information.T) / 2, 0.0)


def less_bias(mutual_information: np.ndarray, n_observed: np.ndarray, total: float) -> np.ndarray:
    """Return mutual informations less what independent columns would have on average.

    That is (K - 1)(L - 1) / 2n for columns with K and L observed categories in n rows (Miller,
    1955), and may leave a negative number.
    """
    n_free = n_observed - 1.0
    return mutual_information - np.outer(n_free, n_free) / (2 * total)


def best_tree(mutual_information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the spanning tree with the largest sum, rooted at column 0.

    Of equally good pairs, the first in the order of the columns is taken, so that the tree does not
    depend on the order in which rows were summed.

    Returns
    -------
    parents : ndarray of shape (n_columns,)
        The parent of each column, -1 for the root.
    order : ndarray of shape (n_columns,)
        The columns breadth first.
    """
    n_columns = len(mutual_information)
    pairs = np.triu_indices(n_columns, 1)
    best_first = np.argsort(-mutual_information[pairs].round(DECIMALS), kind="stable")
    rank = np.empty(len(best_first))
    rank[best_first] = np.arange(1, len(rank) + 1)  # 0 would be no edge
    return _rooted(minimum_spanning_tree(_graph(*pairs, rank, n_columns)))


def rooted_tree(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root a tree at column 0, and return what :func:`best_tree` does.

    ``edges``, of shape (n_columns - 1, 2), holds two columns each, the first of them first.
    """
    first, second = edges[np.lexsort(edges.T[::-1])].T
    return _rooted(_graph(first, second, np.ones(len(edges)), len(edges) + 1))


def _graph(first: np.ndarray, second: np.ndarray, weight: np.ndarray, n_columns: int) -> csr_array:
    place = first.astype(np.int32), second.astype(np.int32)  # older csgraph takes no int64
    return csr_array((weight, place), shape=(n_columns, n_columns))


def _rooted(tree: csr_array) -> tuple[np.ndarray, np.ndarray]:
    order, parents = breadth_first_order(tree, 0, directed=False)
    parents[0] = -1
    return parents.astype(np.int64), order.astype(np.int64)


def children_of(parents: np.ndarray) -> list[list[int]]:
    """List the children of each column; a parent of -1 is none."""
    children: list[list[int]] = [[] for _ in parents]
    for column, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(column)
    return children


def parents_first(parents: np.ndarray) -> list[int]:
    """List the columns, each after its parent: roots first, then breadth first."""
    children = children_of(parents)
    order = np.flatnonzero(parents < 0).tolist()
    for column in order:
        order += children[column]
    return order
