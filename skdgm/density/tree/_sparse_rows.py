"""Sparse rows of zeros and ones under a tree: their codes are the values, of which ones are stored.

A row scores as one of zeros does, and what its ones change: each alone, and those that stand beside
a one of the parent.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ..._codes import PLACE, as_binary_codes
from ..._validation import ColumnError
from .._engine.categories import Categories, columns_alike, places_of
from ._probabilities import TreeProbabilities

UNKNOWN = -1  # the code of a value that is no category
VALUES = np.arange(2)


def read_binary(X: sparse.csr_array, grey_levels: bool) -> sparse.csr_array:
    """Return the ones and the missing cells of a validated sparse X.

    With ``grey_levels``, values between 0 and 1 are binarised.

    Raises
    ------
    ColumnError
        If X holds anything else than zeros, ones and NaN; the message names its place.
    """
    threshold = 0.5 if grey_levels and not ((X.data < 0) | (X.data > 1)).any() else 0.0
    wrong = (X.data != 0) & (X.data != 1) & ~np.isnan(X.data)
    if wrong.any() and not threshold:
        entry = int(wrong.argmax())
        row = int(np.searchsorted(X.indptr, entry, side="right")) - 1
        raise ColumnError(
            f"A tree of sparse rows takes zeros and ones only, but {PLACE} in {{table}}; binarize "
            "{table} first, for example with sklearn.preprocessing.Binarizer, or pass dense arrays "
            "from the first fit or partial_fit on.",
            int(X.indices[entry]),
            {"row": row, "value": X.data[entry]},
        )
    codes = as_binary_codes(X, threshold)
    places = codes.indices, codes.indptr
    if max(codes.nnz, *codes.shape) <= np.iinfo(np.int32).max:  # in half the memory
        places = tuple(own.astype(np.int32, copy=False) for own in places)
    codes = sparse.csr_array((codes.data, *places), shape=codes.shape)
    return codes if codes.has_sorted_indices else codes.sorted_indices()


def codes_of_values(categories: Categories) -> np.ndarray:
    """Return the codes of the values 0 and 1 of each column: (n_columns, 2), -1 if unknown."""
    codes = np.where(categories.n_known[:, np.newaxis] > VALUES, VALUES, UNKNOWN)
    for columns, values in columns_alike(categories.values):
        place, is_known = places_of(VALUES, values)
        codes[columns] = np.where(is_known, place, UNKNOWN)
    return codes


def even_shares(categories: Categories) -> np.ndarray:
    """Probabilities of the values 0 and 1 of each column, if categories are equally probable."""
    return (codes_of_values(categories) != UNKNOWN) / categories.n_known[:, np.newaxis]


def check_known(
    codes: sparse.csr_array, categories: Categories, handle_unknown: str
) -> sparse.csr_array:
    """Return rows in which values that are no categories are missing, or raise a ValueError.

    ``handle_unknown`` says which of both, as for :class:`ChowLiuTreeDensity`.
    """
    unknown = codes_of_values(categories) == UNKNOWN
    n_rows, n_columns = codes.shape
    wrong = unknown[codes.indices, 1] & (codes.data == 1)
    has_zero = np.bincount(codes.indices, minlength=n_columns) < n_rows
    lacking = np.flatnonzero(unknown[:, 0] & has_zero)  # columns of which zeros are none
    if not (wrong.any() or len(lacking)):
        return codes
    if handle_unknown == "error":
        first = int(min([*lacking[:1], *np.unique(codes.indices[wrong])[:1]]))
        raise categories.unknown_error(first, int(unknown[first, 1]))
    codes = sparse.csr_array(
        (np.where(wrong, np.nan, codes.data), codes.indices, codes.indptr), shape=codes.shape
    )
    zeros = np.argwhere(codes[:, lacking].toarray() == 0)
    places = zeros[:, 0], lacking[zeros[:, 1]]
    return codes + sparse.csr_array((np.full(len(zeros), np.nan), places), shape=codes.shape)


def edge_weights(parents: np.ndarray, weights: np.ndarray, categories: Categories) -> np.ndarray:
    """Return weights of values, (n_columns, 2, 2), as :class:`TreeProbabilities` takes them."""
    known = [categories.known(column) for column in range(len(parents))]
    parts = [
        own[0, values] if parent < 0 else own[known[parent][:, np.newaxis], values].ravel()
        for parent, values, own in zip(parents.tolist(), known, weights, strict=True)
    ]
    return np.concatenate(parts)


def log_prob_of_ones(
    tree: TreeProbabilities, codes: sparse.csr_array, categories: Categories
) -> np.ndarray:
    """Return ``log p(x)`` of complete rows.

    Cells of the tree of probability 0, whose logarithms are infinite, are counted apart.
    """
    arrays = tree.arrays
    code = codes_of_values(categories)
    above, own = code[arrays.parent][:, :, np.newaxis], code[:, np.newaxis, :]
    cell = arrays.first_cell[:, np.newaxis, np.newaxis] + own
    cell = cell + arrays.stride[:, np.newaxis, np.newaxis] * above
    is_known = (above != UNKNOWN) & (own != UNKNOWN)  # others occur in no row
    terms = np.where(is_known, arrays.log_prob[np.where(is_known, cell, 0)], 0.0)
    impossible = np.isneginf(terms)
    if not impossible.any():
        return _sum_of_terms(arrays.parent, terms, codes)
    log_prob = _sum_of_terms(arrays.parent, np.where(impossible, 0.0, terms), codes)
    n_impossible = _sum_of_terms(arrays.parent, impossible.astype(np.float64), codes)
    log_prob[n_impossible > 0] = -np.inf
    return log_prob


def _sum_of_terms(parent: np.ndarray, terms: np.ndarray, codes: sparse.csr_array) -> np.ndarray:
    """Return ``sum_j terms[j, x_parent(j), x_j]`` of each row; a root is its own parent."""
    n_rows, n_columns = codes.shape
    zeros, own, above, both = terms.reshape(-1, 4).T
    alone = own - zeros + np.bincount(parent, above - zeros, minlength=n_columns)
    together = both - own - above + zeros
    total = zeros.sum() + codes @ alone
    row = np.repeat(np.arange(n_rows, dtype=np.int64), np.diff(codes.indptr))
    cells = row * n_columns + codes.indices  # ascending
    wanted = row * n_columns + parent[codes.indices]
    place = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    has_parent = np.flatnonzero(cells[place] == wanted) if len(cells) else np.empty(0, np.intp)
    change = together[codes.indices[has_parent]]
    return total + np.bincount(row[has_parent], change, minlength=n_rows)
