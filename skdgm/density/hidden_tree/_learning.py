"""Expectation-maximisation of a hidden tree: stepwise over mini-batches, then over all rows.

A step estimates the model from running counts, which move towards those that the model expects of
a batch (Cappe and Moulines, 2009; Liang and Klein, 2009). Passes over all rows at once never lower
the objective.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np

from ..._codes import has_missing, missing_code
from .._engine.blocks import row_blocks, run_in_threads
from .._engine.statistics import add_in_pairs
from .._engine.weighted_states import WeightedStates
from ._messages import HiddenTree, TreeCounts, TreeShape
from ._start import marginal

FORGETTING = 0.6  # step t moves the running counts by (t + 2) ** -FORGETTING
FULL_PASSES = 5  # after the stepwise ones
PARTS = 8  # of the rows, at most, that threads count side by side
FEWEST_ROWS = 1024  # of a part


class Rows(NamedTuple):
    """Distinct rows, and the weight of each."""

    codes: np.ndarray
    weight: np.ndarray

    @property
    def total(self) -> float:
        """Weight of all rows."""
        return float(self.weight.sum())


def distinct_rows(codes: np.ndarray, weight: np.ndarray | None, n_values: np.ndarray) -> Rows:
    """Merge equal rows: no result then depends on their repetition or order."""
    marked = codes.dtype != np.uint8 or has_missing(codes)
    n_codes = missing_code(codes) + 1 if marked else int(n_values.max())
    states = WeightedStates.count(codes, weight, n_codes)
    return Rows(states.codes(), states.weight)


@dataclass(frozen=True, eq=False)
class Prior:
    """Dirichlet pseudo-counts of the probabilities of a hidden tree."""

    transition: float  # of each state after each
    emission: np.ndarray  # (n_slots,), of each value from each state

    @classmethod
    def of(cls, rows: Rows, shape: TreeShape, alpha: float) -> Prior:
        """Make ``alpha`` pseudo-counts per state: of the next evenly, of values as they occur."""
        emission = np.zeros(shape.first[-1])
        for column, n_values in enumerate(shape.n_values):
            values = marginal(rows.codes[:, column], rows.weight, int(n_values))
            emission[shape.slots(column)][:-1] = alpha * values
        return cls(alpha / shape.n_states, emission)

    def estimate(self, counts: TreeCounts) -> HiddenTree:
        """Estimate the tree of the highest posterior density from complete counts."""
        shape = counts.shape
        transition = counts.transition + self.transition
        transition += transition.sum(axis=2, keepdims=True) == 0  # after a state that never occurs
        transition /= transition.sum(axis=2, keepdims=True)
        emission = counts.emission + self.emission[:, np.newaxis]
        emission[~shape.is_value] = 0
        emission += shape.spread(shape.sums(emission) == 0)
        emission[~shape.is_value] = 0
        emission /= shape.spread(shape.sums(emission))
        emission[~shape.is_value] = 1
        return HiddenTree(shape, transition, emission)

    def log_density(self, tree: HiddenTree) -> float:
        """Log-density of the prior, up to a constant."""
        if self.transition == 0:
            return 0.0
        log_transition = np.log(tree.transition).sum(axis=(1, 2))
        log_transition[tree.shape.root] /= tree.shape.n_states  # whose rows are all the same
        log_emission = self.emission @ np.log(tree.emission).sum(axis=1)
        return float(self.transition * log_transition.sum() + log_emission)


@dataclass(frozen=True, eq=False)
class Evidence:
    """The expected counts, which add, and the prior: a tree is estimated from both."""

    prior: Prior
    counts: TreeCounts

    def __add__(self, other: Self) -> Self:
        return replace(self, counts=self.counts + other.counts)

    def estimate(self) -> HiddenTree:
        """Estimate the tree of the highest posterior density."""
        return self.prior.estimate(self.counts)


class Learner:
    """The model while it learns.

    Attributes
    ----------
    tree : HiddenTree
        The model so far.
    """

    def __init__(self, start: Evidence, rows: Rows, n_jobs: int | None) -> None:
        self.counts, self.prior = start.counts, start.prior
        self.rows, self.n_jobs = rows, n_jobs
        self.tree = start.estimate()
        self.n_steps = 0

    def stepwise_pass(self, n_batches: int, generator: np.random.Generator) -> float:
        """Go through the rows in batches, and return the objective met on the way."""
        log_likelihood = 0.0
        for batch in batches(self.rows, n_batches, generator):
            expected, log_prob = self._expect(self.tree.astype(np.float32), batch)
            log_likelihood += batch.weight @ log_prob
            step = (self.n_steps + 2) ** -FORGETTING
            self.counts.move_towards(expected, step, self.rows.total / batch.total)
            self.tree = self.prior.estimate(self.counts)
            self.n_steps += 1
        return self._objective(log_likelihood)

    def full_pass(self) -> float:
        """Make a step on all rows, and return the objective before it."""
        self.counts, log_prob = self._expect(self.tree, self.rows)
        objective = self._objective(self.rows.weight @ log_prob)
        self.tree = self.prior.estimate(self.counts)
        return objective

    def score(self, rows: Rows) -> float:
        """Mean log-likelihood of rows."""
        return float(rows.weight @ self.tree.log_prob(rows.codes)) / rows.total

    def _objective(self, log_likelihood: float) -> float:
        return float(log_likelihood + self.prior.log_density(self.tree)) / self.rows.total

    def _expect(self, tree: HiddenTree, rows: Rows) -> tuple[TreeCounts, np.ndarray]:
        n_rows = len(rows.codes)
        parts = row_blocks(n_rows, 1, max(FEWEST_ROWS, -(-n_rows // PARTS)))
        tasks = [(rows.codes[part], rows.weight[part]) for part in parts]
        counts, log_prob = zip(*run_in_threads(tree.expect, tasks, self.n_jobs), strict=True)
        return add_in_pairs(counts), np.concatenate(log_prob)


def batches(rows: Rows, n_batches: int, generator: np.random.Generator) -> Iterator[Rows]:
    """Deal the rows out evenly; one with a large weight is in many batches, in parts."""
    usual = rows.total / len(rows.weight)
    n_parts = np.minimum(np.ceil(rows.weight / usual), n_batches).astype(np.intp)
    row = np.repeat(np.arange(len(n_parts)), n_parts)
    part = np.arange(len(row)) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
    first = generator.permutation(len(n_parts))
    batch = (first[row] + part * n_batches // n_parts[row]) % n_batches
    row = row[np.argsort(batch, kind="stable")]
    ends = np.cumsum(np.bincount(batch, minlength=n_batches))
    share = rows.weight / n_parts
    for own in np.split(row, ends[:-1]):
        if len(own):
            yield Rows(rows.codes[own], share[own])
