"""Mutual information of pairs of columns, and entropies of columns, given others.

Where a column lists its values, ``I(x_i; x_j | g)`` is the mean of the divergence of
``p(x_j | x_i, g)`` from ``p(x_j | g)``, a sum over the values of x_j. The mean over x_i and g is a
sum, too, where they list theirs, and one over draws elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import entr, rel_entr

from ..._codes import digits, n_states
from .._engine.blocks import run_in_row_blocks
from .._engine.completions import LISTED, TOGETHER


class Dependences:
    """Information under a density, given some columns, averaged over their values.

    Parameters
    ----------
    density : BaseDensity
        A fitted density.
    known : ndarray of int
        The columns that are given.
    n_samples : int
        Number of rows to draw where values cannot be listed.
    generator : numpy Generator
        Source of randomness for these.
    """

    def __init__(
        self, density: Any, known: np.ndarray, n_samples: int, generator: np.random.Generator
    ) -> None:
        self.density, self.known = density, known
        self.n_samples, self.generator = n_samples, generator
        self.listable, self.n_values = density._columns.listable, density._columns.n_categories

    # ------------------------------------------------------------------ answers
    def entropies(self, places: np.ndarray) -> np.ndarray:
        """Return the entropy of each column that lists its values, NaN of others."""
        entropies = np.full(len(places), np.nan)
        listable = np.flatnonzero(self.listable[places])
        if len(listable):
            is_listed = self._lists(self.known)
            X = self._rows(self.known, is_listed)
            weight = self._weights(X, is_listed)
            shares = self._shares(X, weight, places[listable])
            found = [weight @ entr(own).sum(axis=1) for own in shares]
            entropies[listable] = np.array(found) / weight.sum()
        return entropies

    def information(self, places: np.ndarray) -> np.ndarray:
        """Return the mutual information of each pair of columns; the diagonal holds 0."""
        information = np.zeros((len(places), len(places)))
        listable = self.listable[places]
        listed = np.array([self._lists([*self.known, place]) for place in places])
        told_of: dict[int, list[int]] = {}  # a column: those about whose values it tells
        others = []
        for i, j in combinations(range(len(places)), 2):
            if not (listable[i] or listable[j]):
                others.append((i, j))
            elif listable[j] and (listed[i] or not (listed[j] and listable[i])):
                told_of.setdefault(i, []).append(j)
            else:
                told_of.setdefault(j, []).append(i)
        for is_listed in (True, False):
            own = {i: about for i, about in told_of.items() if listed[i] == is_listed}
            for i, j, found in self._by_values(own, places, is_listed):
                information[i, j] = found
        for i, j, found in self._by_scores(others, places):
            information[i, j] = found
        information = np.maximum(information, 0.0)
        return information + information.T

    # ------------------------------------------------------------------ rows of values
    def _lists(self, columns: Sequence[int] | np.ndarray) -> bool:
        """Return whether the combinations of values of columns are few enough to list."""
        columns = list(columns)
        return bool(self.listable[columns].all()) and n_states(self.n_values[columns]) <= LISTED

    @cached_property
    def _drawn(self) -> np.ndarray:
        drawn = self.density._draw(self.n_samples, self.generator)
        return self.density._columns.decode(drawn.astype(np.float64))

    def _rows(self, columns: Sequence[int] | np.ndarray, is_listed: bool) -> np.ndarray:
        """Return rows of values of some columns alone: all combinations, or draws.

        Combinations that differ in the last column alone stand next to one another.
        """
        columns = list(columns)
        if not is_listed:
            X = np.full(self._drawn.shape, np.nan)
            X[:, columns] = self._drawn[:, columns]
            return X
        sizes = self.n_values[columns]
        X = np.full((n_states(sizes), self.density.n_features_in_), np.nan)
        codes = digits(np.arange(len(X)), sizes)
        for place, column in enumerate(columns):
            X[:, column] = self.density._columns.values_of(int(column))[codes[:, place]]
        return X

    def _weights(self, X: np.ndarray, is_listed: bool) -> np.ndarray:
        """Return weights of such rows: their probabilities, unless they are draws.

        They sum to one, or to more where each value of an identifier has all of its probability.
        """
        if not is_listed:
            return np.full(len(X), 1 / self.n_samples)
        return np.exp(self._scores(X))

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return self.density._log_prob_blocks(self.density._encode(X))

    def _shares(self, X: np.ndarray, weight: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
        """Return ``p(x_j | x)`` of columns that X lacks, 0 in rows of weight 0."""
        density, possible = self.density, np.flatnonzero(weight)
        asked, codes = columns.tolist(), density._encode(X[possible])

        def ask(part: Any) -> np.ndarray:
            return np.concatenate(density._proba_missing(part, asked), axis=1)

        shares = np.zeros((len(X), int(self.n_values[columns].sum())))
        shares[possible] = np.concatenate(run_in_row_blocks(ask, codes, density.n_jobs))
        return np.split(shares, np.cumsum(self.n_values[columns])[:-1], axis=1)

    # ------------------------------------------------------------------ pairs
    def _by_values(
        self, told_of: dict[int, list[int]], places: np.ndarray, is_listed: bool
    ) -> Iterator[tuple[int, int, float]]:
        """Yield the information of pairs by ``p(x_j | x_i, g)`` and ``p(x_j | g)``."""
        if not told_of:
            return
        about = sorted({j for own in told_of.values() for j in own})
        base = self._rows(self.known, is_listed or not len(self.known))
        weight = self._weights(base, is_listed)
        before = dict(zip(about, self._shares(base, weight, places[about]), strict=True))
        for group in self._groups(told_of, places, is_listed):
            rows = [self._rows([*self.known, places[i]], is_listed) for i in group]
            asked = sorted({j for i in group for j in told_of[i]})
            X = np.concatenate(rows)
            weight = self._weights(X, is_listed)
            after = dict(zip(asked, self._shares(X, weight, places[asked]), strict=True))
            end = 0
            for i, own in zip(group, rows, strict=True):
                start, end = end, end + len(own)
                of_rows = weight[start:end] / weight[start:end].sum()
                known = np.repeat(np.arange(len(base)), len(own) // len(base))
                for j in told_of[i]:
                    divergence = rel_entr(after[j][start:end], before[j][known]).sum(axis=1)
                    yield i, j, float(of_rows @ divergence)

    def _groups(
        self, told_of: dict[int, list[int]], places: np.ndarray, is_listed: bool
    ) -> Iterator[list[int]]:
        """Yield columns i whose rows are asked about together, as memory allows."""
        n_known = n_states(self.n_values[self.known]) if is_listed else 1
        width = max(self.density.n_features_in_, int(self.n_values[places].sum()))
        group: list[int] = []
        cells = 0
        for i in told_of:
            n_rows = n_known * int(self.n_values[places[i]]) if is_listed else self.n_samples
            if group and cells + n_rows * width > TOGETHER:
                yield group
                group, cells = [], 0
            group.append(i)
            cells += n_rows * width
        yield group

    def _by_scores(
        self, pairs: list[tuple[int, int]], places: np.ndarray
    ) -> Iterator[tuple[int, int, float]]:
        """Yield means of ``log p(x_i, x_j | g) - log p(x_i | g) - log p(x_j | g)`` over draws."""
        if not pairs:
            return
        known = self.known.tolist()
        single = sorted({i for pair in pairs for i in pair})
        sets = [known, *([*known, places[i]] for i in single)]
        sets += [[*known, places[i], places[j]] for i, j in pairs]
        step = max(1, TOGETHER // self._drawn.size)  # sets whose rows are scored together
        tables = (
            np.concatenate([self._rows(own, False) for own in sets[start : start + step]])
            for start in range(0, len(sets), step)
        )
        scores = np.concatenate([self._scores(X) for X in tables]).reshape(len(sets), -1)
        alone, of_pairs = scores[0], scores[1 + len(single) :]
        own = dict(zip(single, scores[1:], strict=False))
        for (i, j), both in zip(pairs, of_pairs, strict=True):
            yield i, j, float(np.mean(both + alone - own[i] - own[j]))
