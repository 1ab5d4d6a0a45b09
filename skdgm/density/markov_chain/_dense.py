"""Chains with dense conditional probability tables: a cell for every context and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..._codes import digits, has_missing, missing_code, readonly
from ..._kernels import markov_chain as kernels
from ..._kernels import markov_chain_missing as missing_kernels
from ..._packing import rebuilt_property
from .._engine.blocks import draw_with_uniforms, ones_if_none
from ._packed import PackedWindows, add_to_tables, suits_packing
from ._shape import ChainShape


@dataclass(frozen=True, eq=False)
class DenseChainCounts:
    """Weights in an array of shape (n_tables, K**order, K)."""

    shape: ChainShape
    counts: np.ndarray

    def __add__(self, other: Self) -> Self:
        return type(self)(self.shape, self.counts + other.counts)

    @classmethod
    def _empty(cls, shape: ChainShape) -> np.ndarray:
        K = shape.n_categories
        return np.zeros((shape.n_tables, K**shape.order, K))

    @classmethod
    def count(cls, codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> Self:
        """Count the windows in which nothing is missing."""
        counts = cls._empty(shape)
        weights = readonly(ones_if_none(weight, len(codes)))
        if has_missing(codes):
            mark = missing_code(codes)
            no_tables, out = readonly(np.empty((0, 0, 0))), np.empty(0)
            missing_kernels.add_observed_windows(
                codes, mark, weights, shape.table, shape.order, no_tables, counts, out
            )
        elif weight is None and shape.order <= 1 and shape.n_categories == 2:
            _count_binary_pairs(codes, shape, counts)
        elif weight is None and suits_packing(codes, shape):
            counts = PackedWindows(shape).count(codes)
        else:
            kernels.add_windows(codes, weights, shape.table, shape.order, counts)
        return cls(shape, counts)

    @classmethod
    def count_start(cls, codes: np.ndarray, weight: np.ndarray | None, shape: ChainShape) -> Self:
        """Count what is observed."""
        return cls.count(codes, weight, shape)

    def with_even(self) -> Self:
        """Return the counts with one more after every context, spread evenly over the values."""
        return replace(self, counts=self.counts + 1 / self.shape.n_categories)

    def windows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return for each table the windows seen, as rows of codes, and their weights."""
        K = self.shape.n_categories
        windows = []
        for table, counts in enumerate(self.counts):
            width = self.shape.n_before(table) + 1
            cells = np.flatnonzero(counts)
            windows.append((digits(cells, np.full(width, K)), counts.ravel()[cells]))
        return windows

    @classmethod
    def from_windows(cls, windows: list[tuple[np.ndarray, np.ndarray]], shape: ChainShape) -> Self:
        """Make the counts whose :meth:`windows` are given."""
        counts = cls._empty(shape)
        for table, (codes, weight) in enumerate(windows):
            cells = codes @ shape.n_categories ** np.arange(codes.shape[1] - 1, -1, -1)
            counts[table].ravel()[cells] = weight
        return cls(shape, counts)

    def probabilities(self, alpha: float) -> DenseChainProbabilities:
        """Estimate the conditional probabilities, with a pseudo-count for each value."""
        K = self.shape.n_categories
        smoothed = self.counts + alpha
        total = smoothed.sum(axis=2, keepdims=True)
        never_seen = total == 0  # only with alpha = 0: then as for the smallest alpha, evenly
        np.divide(smoothed, total, out=smoothed, where=~never_seen)
        smoothed[never_seen[:, :, 0]] = 1 / K
        return DenseChainProbabilities(self.shape, smoothed, alpha)


def _count_binary_pairs(codes: np.ndarray, shape: ChainShape, counts: np.ndarray) -> None:
    """Count binary chains of order 0 or 1 quickly: all counts follow from two sums."""
    ones = np.zeros(shape.n_positions, dtype=np.int64)
    both = np.zeros(shape.n_positions, dtype=np.int64)
    kernels.count_binary_pairs(codes, ones, both)
    if shape.order == 0:
        add_to_tables(counts[:, 0], shape.table, np.stack([len(codes) - ones, ones], axis=1))
        return
    counts[0, 0] = len(codes) - ones[0], ones[0]
    after_one = np.stack([ones[:-1] - both[1:], both[1:]], axis=1)
    after_zero = np.stack([len(codes) - ones[:-1], ones[1:]], axis=1)
    after_zero[:, 0] -= after_zero[:, 1] - both[1:]
    after_zero[:, 1] -= both[1:]
    add_to_tables(counts, shape.table[1:], np.stack([after_zero, after_one], axis=1))


class DenseChainProbabilities:
    """Probabilities in an array of shape (n_tables, K**order, K)."""

    def __init__(self, shape: ChainShape, probability: np.ndarray, alpha: float) -> None:
        self.shape = shape
        self.probability = probability
        self.alpha = alpha

    @rebuilt_property
    def log_probability(self) -> np.ndarray:
        """Logarithms of the probabilities; log 0 is -inf, a legal score."""
        with np.errstate(divide="ignore"):
            return np.log(self.probability)

    @rebuilt_property
    def cumulative(self) -> np.ndarray:
        """Sums of the probabilities up to each value, the last of which is exactly 1."""
        cumulative = np.cumsum(self.probability, axis=2)
        return cumulative / cumulative[:, :, -1:]

    @rebuilt_property
    def _packed(self) -> tuple[PackedWindows, np.ndarray]:
        """The windows of a binary chain, and what they add to a log-probability."""
        windows = PackedWindows(self.shape)
        return windows, windows.sums(self.log_probability)

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return ``log p(x)`` of complete rows."""
        if suits_packing(codes, self.shape):
            windows, sums = self._packed
            return windows.log_prob(codes, sums)
        out = np.empty(len(codes))
        table, order = self.shape.table, self.shape.order
        log_probability = readonly(self.log_probability)
        if order == 0:
            kernels.log_prob_independent(codes, table, log_probability, out)
        elif order == 1:
            kernels.log_prob_first_order(codes, table, log_probability, out)
        else:
            kernels.log_prob_windows(codes, table, order, log_probability, out)
        return out

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw rows."""
        codes = np.empty((n_samples, self.shape.n_positions), dtype=self.shape.dtype)
        table, order = self.shape.table, self.shape.order
        if self.shape.n_categories == 2:
            arguments = (table, order, readonly(self.cumulative[:, :, 0]))
            return draw_with_uniforms(kernels.draw_binary, arguments, codes, generator)
        arguments = (table, order, readonly(self.cumulative))
        return draw_with_uniforms(kernels.draw, arguments, codes, generator)

    def weighted(self, weights: Mapping[int, np.ndarray]) -> tuple[DenseChainProbabilities, float]:
        """Return ``p(x) w(x) / Z`` and ``log Z``; w multiplies weights of some positions' values.

        From the last position on, each tells its context ``sum_v p(v | context) w(v) m(v)``, where
        m is what the next one tells; the terms of the sum are its new probabilities. Each position
        then has a table of its own.
        """
        K, order, n_positions = self.shape.n_categories, self.shape.order, self.shape.n_positions
        shape = ChainShape(n_positions, order, False, K)
        probability = np.full((n_positions, K**order, K), 1 / K)
        message, log_total = np.ones(K**order), 0.0
        for position in range(n_positions - 1, -1, -1):
            n_contexts = K ** shape.n_before(position)
            own = self.probability[self.shape.table[position], :n_contexts]
            after = np.resize(message, (n_contexts, K))  # of the window without its first value
            terms = own * weights.get(position, np.ones(K)) * after
            message = terms.sum(axis=1)
            largest = message.max()
            if largest == 0:
                return self, -np.inf
            reached = (message > 0)[:, np.newaxis]
            np.divide(
                terms,
                message[:, np.newaxis],
                out=probability[position, :n_contexts],
                where=reached,
            )
            message, log_total = message / largest, log_total + float(np.log(largest))
        return DenseChainProbabilities(shape, probability, alpha=0.0), log_total

    def log_prior(self) -> float:
        """Log-density of the pseudo-counts' prior, relative to even distributions."""
        if not self.alpha:
            return 0.0
        K = self.shape.n_categories
        widths = [self.shape.n_before(table) for table in range(self.shape.n_tables)]
        pairs = zip(self.log_probability, widths, strict=True)
        relative = (cells[: K**width] + np.log(K) for cells, width in pairs)
        return self.alpha * float(sum(cells.sum() for cells in relative))
