"""Missing values under a normal: conditional means, draws, and expected moments.

With the deviations y of a row from the mean, o its observed and m its missing columns, and S the
covariance, ``y_m | y_o`` is normal with mean ``S_mo S_oo^-1 y_o`` and covariance
``C = S_mm - S_mo S_oo^-1 S_om``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from scipy import linalg

from ..._codes import has_missing, readonly
from ..._kernels import gaussian as kernels
from .._engine.blocks import BLOCK_CELLS, ones_if_none, row_blocks
from .._engine.patterns import Batch, Patterns, one_by_one
from ._moments import Moments

FEW_COLUMNS = 64  # up to this many, small matrices are factorised together
STACK_CELLS = 2**18  # of matrices that are held at once


def log_normal(
    square: np.ndarray, log_det: float | np.ndarray, n_columns: int | np.ndarray
) -> np.ndarray:
    """Return the log-density at ``square``, the squared length of the whitened deviation."""
    return 0.0 - 0.5 * (n_columns * math.log(2 * math.pi) + log_det + square)


@dataclass(frozen=True, eq=False)
class Conditional:
    """Rows completed with the conditional mean of their missing values, and its covariance.

    The covariance of a pattern p is ``C = R R' + diag(noise)`` in the missing columns, with R the
    matrix ``loadings``, or ``loadings[p]``, or ``loadings @ inner[p]``.
    """

    batch: Batch
    log_prob: np.ndarray  # (n_rows,), of the observed values
    filled: np.ndarray  # (n_rows, n_columns)
    loadings: np.ndarray  # (n_columns, k) or (n_patterns, n_columns, k)
    inner: np.ndarray | None = None  # (n_patterns, k, k)
    noise: np.ndarray | float = 0.0  # (n_columns,) or the same for all columns

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """Return rows with their missing values drawn, and anything in other cells."""
        n_rows, n_columns = self.filled.shape
        normal = generator.standard_normal((n_rows, self.loadings.shape[-1]))
        drawn = self.filled + self._turn(normal)
        if np.any(self.noise):
            drawn += generator.standard_normal((n_rows, n_columns)) * np.sqrt(self.noise)
        return drawn

    def variance(self) -> np.ndarray:
        """Return the diagonal of C in the missing columns of each row, of shape of ``filled``."""
        by_pattern = np.empty(self.batch.missing.shape)
        for block in self._blocks():
            roots = self._roots(block)
            by_pattern[block] = np.einsum("pij,pij->pi", roots, roots)
        return (by_pattern + self.noise)[self.batch.pattern]

    def scatter(self, weight: np.ndarray) -> np.ndarray:
        """Return the sum of ``weight * C`` over the rows."""
        by_pattern = np.bincount(self.batch.pattern, weight, len(self.batch.missing))
        scatter = np.diag(self.noise * (by_pattern @ self.batch.missing))
        for block in self._blocks():
            roots = self._roots(block) * np.sqrt(by_pattern[block])[:, np.newaxis, np.newaxis]
            side_by_side = roots.transpose(1, 0, 2).reshape(len(scatter), -1)
            scatter += side_by_side @ side_by_side.T
        return scatter

    def _turn(self, vectors: np.ndarray) -> np.ndarray:
        """Return ``R v`` for each row, in the missing columns."""
        if self.inner is not None:
            vectors = self._apply(self.inner, vectors)
        return self._apply(self.loadings, vectors)

    def _apply(self, matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Return the product of each row's matrix and vector."""
        if matrices.ndim == 2:
            return vectors @ matrices.T
        if len(matrices) == 1:
            return vectors @ matrices[0].T
        product = np.empty((len(vectors), matrices.shape[1]))
        for rows in row_blocks(len(vectors), max(1, matrices[0].size), STACK_CELLS):
            own = matrices[self.batch.pattern[rows]]
            product[rows] = (own @ vectors[rows, :, np.newaxis])[:, :, 0]
        return product

    def _blocks(self) -> list[slice]:
        """Return blocks of patterns whose matrices R are held at once."""
        n_columns, n_factors = self.loadings.shape[-2:]
        return row_blocks(len(self.batch.missing), n_columns * max(1, n_factors), STACK_CELLS)

    def _roots(self, block: slice) -> np.ndarray:
        """Return R for some patterns, of shape (n_patterns, n_columns, k)."""
        roots = self.loadings if self.loadings.ndim == 2 else self.loadings[block]
        if self.inner is not None:
            roots = roots @ self.inner[block]
        return roots * self.batch.missing[block, :, np.newaxis]


class CovarianceMatrix(Protocol):
    """A covariance given by its matrix, which need not be far from singular."""

    value: np.ndarray
    log_det: float

    def marginal(self, columns: np.ndarray) -> Self:
        """Return the covariance of some columns."""

    def whiten(self, y: np.ndarray) -> np.ndarray:
        """Return rows ``V' y`` with ``V V' = value^-1``."""

    def whiten_transposed(self, z: np.ndarray) -> np.ndarray:
        """Return rows ``V z``, so that both make ``value^-1 y``."""


class NormalCovariance(ABC):
    """A covariance that scores and completes deviations y from the mean; NaN is missing."""

    log_det: float

    @abstractmethod
    def _log_prob_complete(self, y: np.ndarray) -> np.ndarray:
        """Return the log-density of rows without missing values."""

    @abstractmethod
    def _conditionals(self, y: np.ndarray, roots: bool = False) -> Iterator[Conditional]:
        """Yield all rows with a missing value, completed; with their covariance if ``roots``."""

    @abstractmethod
    def inverse_diagonal(self) -> np.ndarray:
        """Return the diagonal of the inverse matrix."""

    @abstractmethod
    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw rows."""

    @abstractmethod
    def matrix(self) -> np.ndarray:
        """Return the covariance matrix."""

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        """Return the log-density of the observed values of each row."""
        if not has_missing(y):
            return self._log_prob_complete(y)
        log_prob = np.empty(len(y))
        complete = ~np.isnan(y).any(axis=1)
        if complete.any():
            log_prob[complete] = self._log_prob_complete(y[complete])
        for part in self._conditionals(y):
            log_prob[part.batch.rows] = part.log_prob
        return log_prob

    def conditional_mean(self, y: np.ndarray) -> np.ndarray:
        """Return a copy of y with the conditional mean where a value is missing."""
        filled = y.copy()
        with np.errstate(over="ignore", invalid="ignore"):  # in squares that only scores need
            for part in self._conditionals(y):
                filled[part.batch.rows] = part.filled
        return filled

    def conditional_moments(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``conditional_mean(y)``, and the conditional variance where a value is missing."""
        filled, variance = y.copy(), np.zeros(y.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            for part in self._conditionals(y, roots=True):
                filled[part.batch.rows] = part.filled
                variance[part.batch.rows] = part.variance()
        return filled, variance

    def conditional_sample(self, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return a copy of y with a joint draw where values are missing."""
        filled = y.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            for part in self._conditionals(y, roots=True):
                drawn = part.draw(generator)
                filled[part.batch.rows] = np.where(part.batch.missing_cells, drawn, part.filled)
        return filled

    def expect(self, y: np.ndarray, weight: np.ndarray | None = None) -> tuple[Moments, np.ndarray]:
        """Return the expected moments of rows that each miss a value, and ``log_prob(y)``.

        With m a filled row and C its conditional covariance, ``E[y y'] = m m' + C``.
        """
        n_rows, n_columns = y.shape
        weight = ones_if_none(weight, n_rows)
        filled, log_prob = np.empty(y.shape), np.empty(n_rows)
        scatter = np.zeros((n_columns, n_columns))
        for part in self._conditionals(y, roots=True):
            rows = part.batch.rows
            filled[rows], log_prob[rows] = part.filled, part.log_prob
            scatter += part.scatter(weight[rows])
        scatter += filled.T @ (filled * weight[:, np.newaxis])
        return Moments.from_sums(float(weight.sum()), weight @ filled, scatter), log_prob


# ---------------------------------------------------------------------- independent columns
def independent_conditional(variance: np.ndarray, y: np.ndarray) -> Conditional:
    """Nothing observed tells of what is missing, so that there is no need for patterns."""
    missing = np.isnan(y)
    rows = np.flatnonzero(missing.any(axis=1))
    missing = missing[rows]
    filled = np.where(missing, 0.0, y[rows])
    n_seen = np.count_nonzero(~missing, axis=1)
    log_prob = log_normal(filled**2 @ (1 / variance), ~missing @ np.log(variance), n_seen)
    batch = Batch(rows, np.arange(len(rows)), missing)
    return Conditional(batch, log_prob, filled, np.empty((y.shape[1], 0)), noise=variance)


# ---------------------------------------------------------------------- any matrix
def full_conditionals(
    covariance: CovarianceMatrix, y: np.ndarray, roots: bool
) -> Iterator[Conditional]:
    """Yield the rows completed, with one factorisation per pattern of missing values."""
    n_columns = y.shape[1]
    few = n_columns <= FEW_COLUMNS
    for batch in Patterns.of(np.isnan(y)).batches(STACK_CELLS // n_columns**2 if few else 1):
        if len(batch.missing) > 1:
            try:
                yield _full_stack(covariance.value, y, batch)
                continue
            except np.linalg.LinAlgError:  # one is singular: find out which
                pass
        for single in one_by_one(batch):
            yield _full_single(covariance, y, single, roots)


def _full_single(
    covariance: CovarianceMatrix, y: np.ndarray, batch: Batch, roots: bool
) -> Conditional:
    matrix, missing = covariance.value, batch.missing[0]
    seen = covariance.marginal(~missing)
    whitened = seen.whiten(y[np.ix_(batch.rows, ~missing)])
    square = np.einsum("ij,ij->i", whitened, whitened)
    cross = matrix[np.ix_(~missing, missing)]
    filled = y[batch.rows]
    filled[:, missing] = seen.whiten_transposed(whitened) @ cross
    loadings = np.zeros((1, len(missing), np.count_nonzero(missing)))
    if roots:
        explained = seen.whiten(cross.T)
        loadings[0, missing] = _root(matrix[np.ix_(missing, missing)] - explained @ explained.T)
    log_prob = log_normal(square, seen.log_det, len(seen.value))
    return Conditional(batch, log_prob, filled, loadings)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Return a matrix R with ``R R'`` as given, which may be singular."""
    try:
        return linalg.cholesky(matrix, lower=True, check_finite=False)
    except linalg.LinAlgError:
        variance, axes = linalg.eigh(matrix, check_finite=False)
        return axes * np.sqrt(np.maximum(variance, 0.0))


def _full_stack(matrix: np.ndarray, y: np.ndarray, batch: Batch) -> Conditional:
    """Factorise with the observed columns first: the blocks of ``S = L L'`` hold all results.

    ``z = L_oo^-1 y_o`` is the whitened deviation, ``L_mo z`` the conditional mean, and L_mm a root
    of the conditional covariance.
    """
    pattern, missing = batch.pattern, batch.missing
    order = np.argsort(missing, axis=1, kind="stable")
    place = np.argsort(order, axis=1)
    factor = np.linalg.cholesky(matrix[order[:, :, np.newaxis], order[:, np.newaxis, :]])
    n_seen = np.count_nonzero(~missing, axis=1)
    seen = np.arange(missing.shape[1]) < n_seen[:, np.newaxis]  # in this order
    ordered = np.take_along_axis(y[batch.rows], order[pattern], axis=1)
    whitened = np.zeros(ordered.shape)
    for column in range(n_seen.max()):  # forward substitution, in all rows at once
        row = factor[pattern, column]
        known = np.einsum("ij,ij->i", row[:, :column], whitened[:, :column])
        value = (ordered[:, column] - known) / row[:, column]
        whitened[:, column] = np.where(seen[pattern, column], value, 0.0)
    mean = (factor[pattern] @ whitened[:, :, np.newaxis])[:, :, 0]
    filled = np.where(seen[pattern], ordered, mean)
    log_diagonal = np.log(np.einsum("pdd->pd", factor))
    log_det = 2 * np.sum(log_diagonal, axis=1, where=seen)
    square = np.einsum("ij,ij->i", whitened, whitened)
    factor *= ~(seen[:, :, np.newaxis] | seen[:, np.newaxis, :])
    return Conditional(
        batch,
        log_normal(square, log_det[pattern], n_seen[pattern]),
        np.take_along_axis(filled, place[pattern], axis=1),
        np.take_along_axis(factor, place[:, :, np.newaxis], axis=1),
    )


# ---------------------------------------------------------------------- loadings and noise
def low_rank_conditionals(
    loadings: np.ndarray, noise: float, y: np.ndarray, roots: bool
) -> Iterator[Conditional]:
    """Yield the rows completed for ``S = W W' + noise I``, by their factors z: ``y = W z + noise``.

    Given y_o, z is normal with covariance ``M^-1``, ``M = I + W_o' W_o / noise``, and mean
    ``M^-1 W_o' y_o / noise`` (Woodbury), and ``y' S_oo^-1 y = |y_o - W_o z|**2 / noise + |z|**2``
    at that mean, a sum without cancellation.
    """
    n_factors = loadings.shape[1]
    n_together = (STACK_CELLS if roots else BLOCK_CELLS) // max(1, n_factors**2)
    for batch in Patterns.of(np.isnan(y)).batches(max(1, n_together), many_apart=False):
        n_patterns, missing = len(batch.missing), batch.missing_cells
        factor = np.empty((n_patterns, n_factors, n_factors))
        log_det = np.empty(n_patterns)
        products = readonly(_products(loadings, ~batch.missing))
        kernels.factorise(products, noise, factor, log_det)
        seen = np.where(missing, 0.0, y[batch.rows])
        latent = np.empty((len(seen), n_factors))
        right = readonly(seen @ loadings / noise)
        kernels.solve(readonly(factor), readonly(batch.pattern), right, latent)
        explained = latent @ loadings.T
        residual = np.where(missing, 0.0, seen - explained)
        square = np.einsum("ij,ij->i", residual, residual) / noise
        square += np.einsum("ij,ij->i", latent, latent)
        n_seen = np.count_nonzero(~missing, axis=1)
        yield Conditional(
            batch,
            log_normal(square, n_seen * math.log(noise) + log_det[batch.pattern], n_seen),
            np.where(missing, explained, seen),
            loadings,
            np.linalg.inv(factor).transpose(0, 2, 1) if roots else None,
            noise,
        )


def _products(loadings: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return the lower triangle of ``W_o' W_o`` for each pattern, as one product of matrices.

    The products of pairs of loadings are formed for some columns at a time.
    """
    first, second = np.tril_indices(loadings.shape[1])
    products = np.zeros((len(seen), len(first)))
    for columns in row_blocks(len(loadings), max(1, len(first))):
        some = loadings[columns]
        products += seen[:, columns].astype(np.float64) @ (some[:, first] * some[:, second])
    return products
