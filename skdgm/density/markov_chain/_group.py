"""Chains of one shape side by side, by dense tables, scored and counted in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..._codes import has_missing, with_missing_category
from ..._packing import rebuilt_property
from .._engine.missing import log_prob_in_parts
from .._engine.windows import WindowTerms, count_windows
from .._group import DensityGroup
from ._dense import DenseChainCounts, DenseChainProbabilities
from ._shape import ChainShape


class ChainGroup(DensityGroup):
    """Chains of one shape; those with dense tables are scored and counted in one pass."""

    @rebuilt_property
    def _terms(self) -> ChainTerms | None:
        tables = [density._tables for density in self.densities]
        if not all(isinstance(own, DenseChainProbabilities) for own in tables):
            return None
        return ChainTerms([own.log_probability for own in tables], tables[0].shape)

    def _prepare(self) -> None:
        vars(self).pop("_terms", None)  # of the densities before

    def expect(self, codes: np.ndarray, shares: np.ndarray, weight: np.ndarray) -> list[Any]:
        if self._terms is None or self.prototype._needs_em(codes):
            return super().expect(codes, shares, weight)
        shape = self.prototype._shape
        ordered = self.prototype._in_scan_order(codes)
        counts = count_chains(ordered, self._weights(shares, weight), shape)
        return [DenseChainCounts(shape, own) for own in counts]

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        if self._terms is None:
            return super().log_prob(codes)
        if not self.prototype._needs_em(codes):
            return self._log_prob_complete(codes)
        return log_prob_in_parts(codes, self._log_prob_complete, super().log_prob)

    def _log_prob_complete(self, codes: np.ndarray) -> np.ndarray:
        assert self._terms is not None  # see log_prob
        return self._terms.log_prob(self.prototype._in_scan_order(codes))


class ChainTerms:
    """The log-probabilities of k chains.

    Parameters
    ----------
    log_probability : sequence of k ndarrays of shape (T, K**order, K)
        The conditional log-probabilities of each chain; -inf is legal.
    shape : ChainShape
        The shape of all chains.
    """

    def __init__(self, log_probability: Sequence[np.ndarray], shape: ChainShape) -> None:
        self._terms = np.stack(log_probability, axis=-1)
        self._shape = shape

    @cached_property
    def _complete(self) -> WindowTerms:
        return WindowTerms(self._terms, self._shape.table, self._shape.order)

    @cached_property
    def _observed(self) -> WindowTerms:
        """With one more category, a missing value, of probability 1."""
        missing = np.zeros_like(self._terms[:, :, :1])
        terms = np.concatenate([self._terms, missing], axis=2)
        return WindowTerms(terms, self._shape.table, 0)

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Log-probability of each row under each chain: (n_rows, k).

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
            Rows in the order of the chain, complete unless order is 0.
        """
        if self._shape.order == 0 and has_missing(codes):
            return self._observed.sum(with_missing_category(codes, self._shape.n_categories))
        return self._complete.sum(codes)


def count_chains(codes: np.ndarray, weight: np.ndarray, shape: ChainShape) -> np.ndarray:
    """Count contexts and values with k weights per row.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Rows in the order of the chain, complete unless order is 0.
    weight : ndarray of shape (n_rows, k)
        Weights of the rows, such as responsibilities.
    shape : ChainShape
        The shape of all chains.

    Returns
    -------
    counts : ndarray of shape (k, T, K**order, K)
        Total weights; with order 0, of the observed values.
    """
    n_categories = shape.n_categories
    if shape.order == 0 and has_missing(codes):
        codes, n_categories = with_missing_category(codes, n_categories), n_categories + 1
    counts = count_windows(codes, weight, shape.table, shape.n_tables, n_categories, shape.order)
    return np.ascontiguousarray(np.moveaxis(counts[:, :, : shape.n_categories], -1, 0))
