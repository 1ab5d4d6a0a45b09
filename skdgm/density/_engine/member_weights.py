"""Weights of the members of an average, from rows that some members have not seen."""

from __future__ import annotations

import numpy as np

MAX_ITER, TOL = 1000, 1e-9
SMALLEST = 1e-100  # share of a member, so that nothing is divided by zero


def weights_from_unseen(log_prob: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weights under which rows are most probable to the members that have not seen them.

    Parameters
    ----------
    log_prob : ndarray of shape (n_members, n_rows)
        ``log p_k(x)``, NaN where the member has seen the row.
    weight : ndarray of shape (n_rows,)
        How often each row counts.

    Returns
    -------
    weights : ndarray of shape (n_members,)
        They sum to one. A member that has seen all rows gets its share of equal weights.

    Notes
    -----
    Expectation-maximisation maximises ``sum_i log sum_k w_k p_k(x_i)``, the sum over the members
    that have not seen row i, under ``sum_k w_k n_k = 1`` where n_k is the weight of the rows that
    member k has not seen: to have seen fewer is no merit. The objective is concave.
    """
    unseen = ~np.isnan(log_prob)
    largest = np.max(np.where(unseen, log_prob, -np.inf), axis=0)
    told = np.isfinite(largest)  # other rows say nothing about the weights
    unseen, weight = unseen[:, told], weight[told]
    n_unseen = unseen @ weight
    known = n_unseen > 0
    weights = np.full(len(log_prob), 1 / len(log_prob))
    if not known.any():
        return weights
    relative = np.where(unseen, np.exp(log_prob[:, told] - largest[told]), 0.0)[known]
    relative /= n_unseen[known, np.newaxis]
    shares = np.full(len(relative), 1 / len(relative))  # w_k n_k
    for _ in range(MAX_ITER):
        joint = shares[:, np.newaxis] * relative
        updated = np.maximum((joint / joint.sum(axis=0)) @ weight / weight.sum(), SMALLEST)
        change = np.abs(updated - shares).max()
        shares = updated
        if change < TOL:
            break
    own = shares / n_unseen[known]
    weights[known] *= known.sum() * own / own.sum()
    return weights
