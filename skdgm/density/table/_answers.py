"""Answers for missing cells: those of several families of densities, weighted column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.optimize import nnls

from .._bagging import BaggingDensity
from .._base import BaseDensity
from .._engine.blocks import run_in_threads

HIDDEN = 0.25  # share of cells that are hidden to see which family answers best
ROUNDS = 4  # in which other cells are hidden
MOST_ROWS = 2000  # that tell


@dataclass(frozen=True, eq=False)
class FamilyAnswers:
    """The answers of families for each cell alone, averaged with shares that differ by column.

    All members of a family count alike. In the exact answer of their average, the members that have
    learned from a row have more say about it, which makes it worse.

    Parameters
    ----------
    families : list of BaggingDensity
        The families, each of which has one member per fold.
    shares : ndarray of shape (n_columns, n_families)
        Their shares in the answers for each column.
    """

    families: list[BaggingDensity]
    shares: np.ndarray

    @classmethod
    def learn(
        cls,
        families: list[BaggingDensity],
        codes: np.ndarray,
        weight: np.ndarray | None,
        is_category: np.ndarray,
        usual_shares: np.ndarray,
        generator: np.random.Generator,
        n_jobs: int | None,
    ) -> Self:
        """Learn the shares under which the squared errors of hidden cells are least.

        Cells are hidden in rows from which a member has not learned. The error of a category is
        that of the probabilities of all its values. This is stacking as of Breiman (1996), with
        shares that are not negative and sum to one. Columns without a hidden cell have the usual
        shares.
        """
        table, held_out = families[0]._rows_held_out(codes, weight)  # the folds are those of all
        told = np.sort(generator.permutation(len(table))[:MOST_ROWS])
        table, held_out = np.tile(table[told], (ROUNDS, 1)), np.tile(held_out[:, told], ROUNDS)
        hidden = (generator.random(table.shape) < HIDDEN) & ~np.isnan(table)
        n_columns, n_families = table.shape[1], len(families)
        products = np.zeros((len(held_out), n_columns, n_families, n_families))  # of errors

        def compare(fold: int, products: np.ndarray) -> None:
            rows = np.flatnonzero(held_out[fold] > 0)
            if not len(rows):
                return
            seen = np.where(hidden[rows], np.nan, table[rows])
            answers = [
                _answers(family.densities_[fold], family, seen, is_category) for family in families
            ]
            for column, product in enumerate(products):
                cells = np.flatnonzero(hidden[rows, column])
                truth = table[rows[cells], column]
                if is_category[column]:
                    values = np.arange(answers[0][column].shape[1])
                    truth = (truth[:, np.newaxis] == values).astype(np.float64)
                else:
                    truth = truth[:, np.newaxis]
                errors = np.stack([own[column][cells] for own in answers]) - truth
                own = held_out[fold, rows[cells]]
                product[:] = np.einsum("acv,bcv,c->ab", errors, errors, own, optimize=True)

        run_in_threads(compare, list(enumerate(products)), n_jobs)
        shares = [_best_shares(product, usual_shares) for product in products.sum(axis=0)]
        return cls(families, np.array(shares))

    def mean(self, codes: np.ndarray) -> np.ndarray:
        """Return what to expect of each missing cell, of shape (n_rows, n_columns)."""

        def ask(member: BaseDensity, own: Any) -> list[np.ndarray]:
            return [member._mean_missing(own)]

        columns = np.arange(len(self.shares))
        return self._average(codes, ask, [columns])[0]

    def proba(self, codes: np.ndarray, columns: Sequence[int]) -> list[np.ndarray]:
        """Return the probabilities of the values of some columns of categories."""

        def ask(member: BaseDensity, own: Any) -> list[np.ndarray]:
            return member._proba_missing(own, columns)

        return self._average(codes, ask, columns)

    def _average(
        self,
        codes: np.ndarray,
        ask: Callable[[BaseDensity, Any], list[np.ndarray]],
        columns: Sequence[Any],
    ) -> list[np.ndarray]:
        """Average the answers of all members by the shares of the columns that they are for."""
        totals: list[Any] = [0.0] * len(columns)
        for family, shares in zip(self.families, self.shares.T, strict=True):
            for member in family.densities_:
                answers = ask(member, family._codes_for(member, codes))
                for place, (column, own) in enumerate(zip(columns, answers, strict=True)):
                    totals[place] = totals[place] + own * (shares[column] / len(family.densities_))
        return totals


def _answers(
    member: BaseDensity, family: BaggingDensity, table: np.ndarray, is_category: np.ndarray
) -> list[np.ndarray]:
    """Return what a member expects in each column, of shape (n_rows, n_values).

    Of a column of numbers, that is one mean, and otherwise the probabilities of the values.
    """
    codes = family._codes_for(member, table)
    answers: list[Any] = [None] * table.shape[1]
    if not is_category.all():
        means = member._mean_missing(codes)
        answers = [means[:, [column]] for column in range(table.shape[1])]
    categories = np.flatnonzero(is_category).tolist()
    for column, own in zip(categories, member._proba_missing(codes, categories), strict=True):
        answers[column] = own
    return answers


def _best_shares(product: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return the shares with the least squared error, by the products of all families' errors."""
    scale = np.trace(product)
    if not scale > 0:
        return usual
    squares, axes = np.linalg.eigh(product / scale)
    errors = np.sqrt(np.maximum(squares, 0.0))[:, np.newaxis] * axes.T
    # The best direction of |errors s|^2 + (sum s - 1)^2 is also best among those that sum to one.
    shares, _ = nnls(np.vstack([errors, np.ones(len(usual))]), np.append(np.zeros(len(usual)), 1.0))
    return shares / shares.sum()
