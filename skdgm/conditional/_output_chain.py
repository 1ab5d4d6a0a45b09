"""The chain of the outputs' classifiers given X, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._codes import n_states
from ..density._engine.blocks import draw_categories, row_blocks
from ..density._engine.completions import LISTED
from ..density._engine.missing import all_completions
from ..density.chain_rule._factor_chain import as_features
from ..density.chain_rule._factors import Factor

BEAM = 64  # partial vectors y that a prediction keeps for each row
TOGETHER = 2**20  # cells of features held at once


@dataclass(frozen=True, eq=False)
class OutputChain:
    """The factors of outputs in the order of the scan, of which each sees X and ``order`` others.

    ``order`` is None where a factor sees all outputs before its own, and ``worth`` the value of
    each code, which all outputs share; None if codes are the values. X may be sparse.
    """

    factors: Sequence[Factor]
    order: int | None
    worth: np.ndarray | None = None

    @property
    def sizes(self) -> np.ndarray:
        """Number of categories of each output."""
        return np.array([factor.n_categories for factor in self.factors])

    def features(self, X: Any, codes: np.ndarray, j: int) -> Any:
        """Return what classifier j sees: X and the outputs before its own."""
        first = self._first(j)
        if first == j:
            return X
        outputs = as_features(codes[:, first:j], self.worth)
        if sparse.issparse(X):
            return sparse.hstack([X, type(X)(outputs)], format="csr")
        return np.hstack([X, outputs])

    def _first(self, j: int) -> int:
        """Return the first output that classifier j sees; j if it sees none."""
        return 0 if self.order is None else max(0, j - self.order)

    # ------------------------------------------------------------------ queries
    def log_prob(self, X: Any, codes: np.ndarray) -> np.ndarray:
        """Return ``log p(y | x)`` of each row."""
        log_prob = np.zeros(X.shape[0])
        for j, factor in enumerate(self.factors):
            log_prob += factor.log_prob_at(self.features(X, codes, j), codes[:, j])
        return log_prob

    def mode(self, X: Any) -> np.ndarray:
        """Return the most probable y of each row, by beam search along the outputs."""
        return np.concatenate([self._search(X[block]) for block in self._blocks(X, BEAM)])

    def _search(self, X: Any) -> np.ndarray:
        n_rows = X.shape[0]
        best = np.empty((n_rows, 1, len(self.factors)), dtype=np.intp)
        log_weight = np.zeros((n_rows, 1))
        for j, factor in enumerate(self.factors):
            n_kept = best.shape[1]
            rows = _repeated(X, n_kept)
            features = self.features(rows, best.reshape(n_rows * n_kept, -1), j)
            log_prob = factor.log_prob(features).reshape(n_rows, n_kept, -1)
            joint = (log_weight[:, :, np.newaxis] + log_prob).reshape(n_rows, -1)
            place = np.argsort(-joint, axis=1, kind="stable")[:, :BEAM]
            log_weight = np.take_along_axis(joint, place, axis=1)
            parent, value = np.divmod(place, factor.n_categories)
            best = np.take_along_axis(best, parent[:, :, np.newaxis], axis=1)
            best[:, :, j] = value
        return best[:, 0]

    def marginals(self, X: Any) -> list[np.ndarray]:
        """Return ``p(y_j | x)`` of each output, or raise a ValueError if sums are too long."""
        sizes = [n_states(self.sizes[self._first(j) : j]) for j in range(len(self.factors))]
        if max(sizes) > LISTED:
            most = f"{max(sizes):,}"
            if len(most) > 20:
                most = f"about 10**{len(str(max(sizes))) - 1}"
            raise ValueError(
                f"y has too many columns for exact marginals: a classifier sees up to "
                f"{most} joint values of the columns before its own, and at most "
                f"{LISTED:,} are summed over. Set order, the number of columns that a classifier "
                "sees, to a small number; or take the shares of the values in sample_y."
            )
        parts = [self._sum_out(X[block]) for block in self._blocks(X, max(sizes))]
        return [np.concatenate(own) for own in zip(*parts, strict=True)]

    def _sum_out(self, X: Any) -> list[np.ndarray]:
        """Return the marginals: sums over the outputs that a classifier sees.

        The joint distribution of these goes along: each output joins, and the first leaves.
        """
        n_rows, n_outputs, sizes = X.shape[0], len(self.factors), self.sizes
        joint, start = np.ones((n_rows, 1)), 0  # of outputs start to j - 1
        marginals = []
        for j, factor in enumerate(self.factors):
            first = self._first(j)
            joint = joint.reshape(n_rows, n_states(sizes[start:first]), -1).sum(axis=1)
            seen = np.zeros(n_outputs, dtype=bool)
            seen[first:j] = True
            codes = all_completions(np.zeros((1, n_outputs), dtype=np.intp), seen, sizes)
            rows = _repeated(X, len(codes))
            log_prob = factor.log_prob(self.features(rows, np.tile(codes, (n_rows, 1)), j))
            proba = np.exp(log_prob).reshape(*joint.shape, -1) * joint[:, :, np.newaxis]
            marginals.append(proba.sum(axis=1))
            joint, start = proba.reshape(n_rows, -1), first
        return marginals

    def sample(self, X: Any, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw y for each row, of shape (n_rows, n_outputs, n_samples)."""
        n_outputs = len(self.factors)
        drawn = np.empty((X.shape[0], n_outputs, n_samples), dtype=np.intp)
        for block in self._blocks(X, n_samples):
            own, rows = X[block], _repeated(X[block], n_samples)
            codes = np.empty((rows.shape[0], n_outputs), dtype=np.intp)
            for j, factor in enumerate(self.factors):
                if self._first(j) == j:  # it only sees x
                    log_prob = np.repeat(factor.log_prob(own), n_samples, axis=0)
                else:
                    log_prob = factor.log_prob(self.features(rows, codes, j))
                codes[:, j] = draw_categories(np.exp(log_prob), generator)
            drawn[block] = codes.reshape(-1, n_samples, n_outputs).transpose(0, 2, 1)
        return drawn

    def _blocks(self, X: Any, times: int) -> list[slice]:
        widest = max(X.shape[1] + len(self.factors), self.sizes.max())
        return row_blocks(X.shape[0], int(widest) * times, TOGETHER)


def _repeated(X: Any, times: int) -> Any:
    """Return each row so many times, one after another."""
    return X[np.repeat(np.arange(X.shape[0]), times)] if times != 1 else X
