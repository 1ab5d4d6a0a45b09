"""Conditional log-densities of a normal, ``log p(y | x) = log N(y | E[y | x], C)``.

Computed from the residual, not as ``log p(x, y) - log p(x)``: far out, these are two huge numbers
whose difference has no digits left.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from .._engine.patterns import Batch, Patterns, one_by_one
from ._covariances import FullCovariance
from ._missing import FEW_COLUMNS, STACK_CELLS, Conditional, NormalCovariance, log_normal

EPS = np.finfo(np.float64).eps


def log_prob_given(
    covariance: NormalCovariance, mean: np.ndarray, X: np.ndarray, condition: np.ndarray
) -> np.ndarray:
    """Return the log-density of each row's observed values given those of its condition.

    Parameters
    ----------
    covariance : NormalCovariance
        The covariance of all columns.
    mean : ndarray of shape (n_columns,)
        The mean.
    X : ndarray of shape (n_rows, n_columns)
        Rows; NaN is a missing value.
    condition : ndarray of shape (n_rows, n_columns)
        The same with further values missing: those whose density is asked for.

    Returns
    -------
    log_prob : ndarray of shape (n_rows,)
        It is -inf where squares overflow.
    """
    given = ~np.isnan(condition)
    asked = ~np.isnan(X) & ~given
    log_prob = np.zeros(len(X))
    with np.errstate(over="ignore", invalid="ignore"):
        y, known = X - mean, condition - mean
        if isinstance(covariance, FullCovariance):
            residual = y - covariance.conditional_mean(known)
            log_prob = _of_matrix(covariance.value, residual, given, asked)
        else:
            for part in covariance._conditionals(known, roots=True):
                rows = part.batch.rows
                residual = np.where(asked[rows], y[rows] - part.filled, 0.0)
                if np.any(part.noise):
                    log_prob[rows] = _by_factors(part, residual, asked[rows])
                else:  # the matrix has hardly more entries than the axes
                    masks = given[rows], asked[rows]
                    log_prob[rows] = _of_matrix(covariance.matrix(), residual, *masks)
    return np.where(np.isnan(log_prob), -np.inf, log_prob)


# ---------------------------------------------------------------------- any matrix
def _of_matrix(
    matrix: np.ndarray, residual: np.ndarray, given: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Score by ``S = L L'`` with the given columns first: ``C = L_aa L_aa'`` for the asked ones."""
    log_prob = np.zeros(len(residual))
    n_columns = len(matrix)
    few = n_columns <= FEW_COLUMNS
    patterns = Patterns.of(np.hstack([given, asked]))
    for batch in patterns.batches(STACK_CELLS // n_columns**2 if few else 1):
        if len(batch.missing) > 1:
            try:
                log_prob[batch.rows] = _of_patterns(matrix, residual[batch.rows], batch)
                continue
            except np.linalg.LinAlgError:  # one is singular: find out which
                pass
        for single in one_by_one(batch):
            masks = single.missing[0].reshape(2, -1)
            log_prob[single.rows] = _of_pattern(matrix, residual[single.rows], *masks)
    return log_prob


def _of_pattern(
    matrix: np.ndarray, residual: np.ndarray, given: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Score rows of which the same columns are given, and the same asked for."""
    n_given, residual = int(np.count_nonzero(given)), residual[:, asked]
    columns = np.concatenate([np.flatnonzero(given), np.flatnonzero(asked)])
    own = matrix[np.ix_(columns, columns)]
    try:
        factor = linalg.cholesky(own, lower=True)[n_given:, n_given:]
        spread = np.diag(factor)
        _check_regular(spread, np.diag(own)[n_given:])
    except linalg.LinAlgError:
        return _of_singular_pattern(own, residual, n_given)
    if not residual.size:
        return np.zeros(len(residual))
    z = linalg.solve_triangular(factor, residual.T, lower=True, check_finite=False)
    square = np.einsum("ji,ji->i", z, z)
    return log_normal(square, 2 * float(np.log(spread).sum()), len(spread))


def _of_patterns(matrix: np.ndarray, residual: np.ndarray, batch: Batch) -> np.ndarray:
    """Score rows of several patterns by forward substitution in all of them at once."""
    n_columns, pattern = len(matrix), batch.pattern
    given, asked = np.hsplit(batch.missing, 2)
    order = np.argsort(np.where(given, 0, np.where(asked, 1, 2)), axis=1, kind="stable")
    n_given, n_asked = np.count_nonzero(given, axis=1), np.count_nonzero(asked, axis=1)
    ends = n_given[:, np.newaxis], (n_given + n_asked)[:, np.newaxis]
    place = np.arange(n_columns)
    counts = (place >= ends[0]) & (place < ends[1])  # the asked ones, in this order
    factor = np.linalg.cholesky(matrix[order[:, :, np.newaxis], order[:, np.newaxis, :]])
    spread = np.einsum("pdd->pd", factor)
    _check_regular(spread[counts], np.diag(matrix)[order][counts])
    ordered = np.take_along_axis(residual, order[pattern], axis=1)
    z = np.zeros(ordered.shape)
    for column in np.flatnonzero(counts.any(axis=0)):
        row = factor[pattern, column]
        rest = ordered[:, column] - np.einsum("ij,ij->i", row[:, :column], z[:, :column])
        z[:, column] = np.where(counts[pattern, column], rest / row[:, column], 0.0)
    log_det = 2 * np.sum(np.log(spread), axis=1, where=counts)
    return log_normal(np.einsum("ij,ij->i", z, z), log_det[pattern], n_asked[pattern])


def _check_regular(spread: np.ndarray, variance: np.ndarray) -> None:
    """Raise a LinAlgError if a conditional variance is lost in rounding beside the marginal one."""
    if (spread**2 <= len(spread) * EPS * variance).any():
        raise linalg.LinAlgError


def _of_singular_pattern(matrix: np.ndarray, residual: np.ndarray, n_given: int) -> np.ndarray:
    """Score with variances that rounding has swallowed raised to what can be told from zero.

    This is done in units of each column's standard deviation.
    """
    scale = np.sqrt(np.diag(matrix))
    correlation = matrix / np.outer(scale, scale)
    _, whitening = _raised(correlation[:n_given, :n_given])
    explained = correlation[n_given:, :n_given] @ whitening
    variance, whitening = _raised(correlation[n_given:, n_given:] - explained @ explained.T)
    square = np.sum((residual / scale[n_given:] @ whitening) ** 2, axis=1)
    log_det = float(np.log(variance).sum() + 2 * np.log(scale[n_given:]).sum())
    return log_normal(square, log_det, len(variance))


def _raised(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues, at least those of rounding errors, and V with ``V V'`` the inverse."""
    variance, axes = linalg.eigh(matrix)
    variance = np.maximum(variance, len(matrix) * EPS)
    return variance, axes / np.sqrt(variance)


# ---------------------------------------------------------------------- loadings and noise
def _by_factors(part: Conditional, residual: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Score for ``C = R R' + noise`` by the factors z of the residual: ``r = R z + noise``.

    With ``M = I + R' noise^-1 R`` and ``z = M^-1 R' noise^-1 r``, the square is
    ``(r - R z)' noise^-1 (r - R z) + |z|**2`` and the determinant ``|M| |noise|``.
    """
    noise = np.broadcast_to(part.noise, residual.shape[1:])
    log_det, n_asked = asked @ np.log(noise), np.count_nonzero(asked, axis=1)
    n_factors = part.loadings.shape[-1]
    if not n_factors:
        return log_normal(residual**2 @ (1 / noise), log_det, n_asked)
    square = np.empty(len(residual))
    patterns = Patterns.of(np.hstack([asked, part.batch.missing_cells]))
    for batch in patterns.batches(max(1, STACK_CELLS // (len(noise) * n_factors))):
        rows, pattern = batch.rows, batch.pattern
        first = rows[np.searchsorted(pattern, np.arange(len(batch.missing)))]
        roots = part._roots(part.batch.pattern[first]) * asked[first, :, np.newaxis]
        back = roots.transpose(0, 2, 1) / noise
        inner = np.eye(n_factors) + back @ roots
        z = _apply(np.linalg.solve(inner, back), pattern, residual[rows])
        rest = residual[rows] - _apply(roots, pattern, z)
        square[rows] = rest**2 @ (1 / noise) + np.sum(z**2, axis=1)
        log_det[rows] += np.linalg.slogdet(inner)[1][pattern]
    return log_normal(square, log_det, n_asked)


def _apply(matrices: np.ndarray, pattern: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return the product of each row's vector and the matrix of its pattern."""
    if len(matrices) == 1:
        return vectors @ matrices[0].T
    return (matrices[pattern] @ vectors[:, :, np.newaxis])[:, :, 0]
