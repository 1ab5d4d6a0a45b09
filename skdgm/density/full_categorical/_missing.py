"""Probabilities of joint states, some of them listed, and queries on rows with missing values.

The states that are not listed all have the same probability. A row with missing values stands for
its completions, the states that agree with it: the listed ones are found, the others counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from ..._codes import bits_for, digits, missing_cells, n_states, pack, readonly
from ..._kernels.full_categorical import find_matching
from .._engine.missing import log_prob_in_parts
from .._engine.patterns import Patterns
from .._engine.weighted_states import WeightedStates

FEW_ROWS = 8  # of one pattern, up to which a search is faster than sorting the states


class StateTable:
    """The probability of every joint state: one for each that is listed, one for all others."""

    def __init__(
        self,
        listed: WeightedStates,
        n_categories: np.ndarray,
        log_prob_listed: np.ndarray,
        log_prob_unlisted: float,
    ) -> None:
        self.listed = listed
        self.n_categories = n_categories
        self.log_prob_listed = log_prob_listed
        self.log_prob_unlisted = log_prob_unlisted

    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Return the log-probability of the state of each row, or of all its completions."""
        return log_prob_in_parts(codes, self._log_prob_complete, self._log_prob_incomplete)

    def _log_prob_complete(self, codes: np.ndarray) -> np.ndarray:
        index = self.listed.find(codes)
        return np.where(index >= 0, self.log_prob_listed[index], self.log_prob_unlisted)

    def _log_prob_incomplete(self, codes: np.ndarray) -> np.ndarray:
        log_prob = np.empty(len(codes))
        for match in self._matches(codes):
            log_prob[match.rows] = match.log_prob
        return log_prob

    def expect(self, codes: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        """Share the weight of each incomplete row among its completions by their probabilities.

        Return what each listed state gets, what the others get together, and the rows'
        log-probabilities. The weight of a row that is ruled out goes to none.
        """
        listed, others = np.zeros(len(self.listed)), 0.0
        log_prob = np.empty(len(codes))
        for match in self._matches(codes):
            own, log_prob[match.rows] = weight[match.rows], match.log_prob
            possible = match.log_prob > -np.inf
            log_share = match.log_prob_others[possible] - match.log_prob[possible]
            others += float(own[possible] @ np.exp(log_share))
            factor = np.zeros(len(own))
            factor[possible] = own[possible] * np.exp(-match.log_prob[possible])
            listed[match.index] += match.spread(factor) * match.probability
        return listed, others, log_prob

    # ------------------------------------------------------------------ completions
    def sample(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Complete each row by one of its completions, drawn by their probabilities."""
        completed = codes.astype(np.uint16)
        for match in self._matches(codes):
            others = np.exp(match.log_prob_others - match.log_prob)
            listed = (generator.random(len(match.rows)) >= others) & (match.n_listed > 0)
            state = match.draw(listed, generator)
            match.set_missing(completed, listed, self.listed.codes(state)[:, match.missing])
            rows = match.rows[~listed]
            while len(rows):  # evenly, until none is listed
                values = generator.integers(
                    0, self.n_categories[match.missing], (len(rows), len(match.missing))
                )
                completed[np.ix_(rows, match.missing)] = values
                rows = rows[self.listed.find(completed[rows]) >= 0]
        return completed

    def mean(self, codes: np.ndarray, worth: Sequence[np.ndarray]) -> np.ndarray:
        """Complete each row by the mean of its completions.

        ``worth`` holds the value of each code of each column.
        """
        completed = codes.astype(np.float64)
        for match in self._matches(codes):
            some = match.n_listed < match.n_completions  # rows with completions not listed
            every = np.zeros(len(match.rows))
            log_every = self.log_prob_unlisted + math.log(match.n_completions)
            every[some] = np.exp(log_every - match.log_prob[some])
            for column in match.missing.tolist():
                value = worth[column][self._codes[match.index, column]]
                listed = match.sum(match.probability * value) * np.exp(-match.log_prob)
                # The mean over all completions, less the part that the listed ones have in it.
                part = match.sum(value) / float(min(match.n_completions, 2**1000))
                others = every * (worth[column].mean() - part)
                completed[match.rows, column] = listed + others
        return completed

    def mode(self, codes: np.ndarray) -> np.ndarray:
        """Complete each row by its most probable completion, the first of equal ones."""
        completed = codes.astype(np.uint16)
        for match in self._matches(codes):
            log_prob, state = match.best(self.log_prob_listed)
            listed = match.n_listed == match.n_completions
            listed |= (match.n_listed > 0) & (log_prob >= self.log_prob_unlisted)
            match.set_missing(completed, listed, self.listed.codes(state[listed])[:, match.missing])
            for row in match.rows[~listed]:
                completed[row] = self._first_unlisted(completed[row], match)
        return completed

    def _first_unlisted(self, row: np.ndarray, match: Matches) -> np.ndarray:
        """Return the first completion that is not listed, counting up from zeros."""
        n_tried = min(len(match.index) + 1, match.n_completions)
        tried = np.tile(row, (n_tried, 1))
        tried[:, match.missing] = digits(np.arange(n_tried), self.n_categories[match.missing])
        return tried[np.argmax(self.listed.find(tried) < 0)]

    # ------------------------------------------------------------------ which states match
    @cached_property
    def _codes(self) -> np.ndarray:
        return readonly(self.listed.codes())

    @cached_property
    def _telling_first(self) -> np.ndarray:
        """Columns, those that vary most among (some of) the listed states first."""
        some = self._codes[:: max(1, len(self._codes) // 1000)]
        return np.argsort(-some.var(axis=0), kind="stable")

    def _matches(self, codes: np.ndarray) -> Iterator[Matches]:
        """Yield the incomplete rows with their matching states, one pattern at a time."""
        bits = bits_for(self.listed.n_categories)
        for missing, rows in Patterns.of(missing_cells(codes)).one_by_one():
            observed = np.flatnonzero(~missing)
            if not len(observed):
                index = np.arange(len(self.listed))
                ends = np.zeros(len(rows), np.intp), np.full(len(rows), len(index))
                yield Matches(self, rows, missing, index, *ends)
            elif len(rows) <= FEW_ROWS:
                for row in rows:
                    yield self._match_one(codes[row], row, missing)
            else:
                keys = pack(self._codes[:, observed], bits)
                index = np.argsort(keys, kind="stable")
                wanted = pack(codes[np.ix_(rows, observed)], bits)
                start = np.searchsorted(keys, wanted, "left", index)
                end = np.searchsorted(keys, wanted, "right", index)
                yield Matches(self, rows, missing, index, start, end)

    def _match_one(self, codes: np.ndarray, row: int, missing: np.ndarray) -> Matches:
        found = np.empty(len(self.listed), dtype=np.intp)
        columns = readonly(self._telling_first[~missing[self._telling_first]])
        n_found = find_matching(self._codes, readonly(codes), columns, found)
        ends = np.zeros(1, np.intp), np.array([n_found])
        return Matches(self, np.array([row]), missing, found[:n_found], *ends)


class Matches:
    """Rows with one pattern of missing values, and the listed states that complete them.

    Those of a row are ``index[start:end]``, its run; the runs of two rows are equal or disjoint.
    """

    def __init__(
        self,
        states: StateTable,
        rows: np.ndarray,
        missing: np.ndarray,
        index: np.ndarray,
        start: np.ndarray,
        end: np.ndarray,
    ) -> None:
        self.rows, self.index, self.n_listed = rows, index, end - start
        self.missing = np.flatnonzero(missing)
        self.n_completions = n_states(states.n_categories[self.missing])
        self._some = end > start
        self._first, place = np.unique(start[self._some], return_index=True)
        self._last = end[self._some][place]
        self._run_of = np.searchsorted(self._first, start)  # of a row with some
        self.probability = np.exp(states.log_prob_listed[index])
        # The completions that are not listed: all, less the share that is.
        share = self.n_listed / float(min(self.n_completions, 2**1000))
        with np.errstate(divide="ignore"):
            log_n_others = math.log(self.n_completions) + np.log1p(-share)
            log_prob_listed = np.log(self.sum(self.probability))
        self.log_prob_others = states.log_prob_unlisted + log_n_others
        self.log_prob = np.logaddexp(log_prob_listed, self.log_prob_others)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum the listed states' values for each row."""
        total = np.zeros(len(self.rows))
        total[self._some] = self._sums(values)[self._run_of[self._some]]
        return total

    def best(self, log_prob: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each row's largest log-probability of a listed state, and the first such state."""
        largest = np.full(len(self.rows), -np.inf)
        state = np.zeros(len(self.rows), dtype=np.intp)
        runs = [self.index[first:last] for first, last in zip(self._first, self._last, strict=True)]
        best = np.array([run[np.argmax(log_prob[run])] for run in runs], dtype=np.intp)
        state[self._some] = best[self._run_of[self._some]]
        largest[self._some] = log_prob[state[self._some]]
        return largest, state

    def draw(self, chosen: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Draw a listed state for each of the chosen rows, by its probability."""
        # In each run from 0 to 1: what is summed is then never small beside what came before.
        total = self._expand(self._sums(self.probability))
        share = np.divide(self.probability, total, out=np.zeros_like(total), where=total > 0)
        cumulative = np.concatenate([[0.0], np.cumsum(share)])
        run = self._run_of[chosen]
        low, high = cumulative[self._first[run]], cumulative[self._last[run]]
        target = low + generator.random(len(run)) * (high - low)
        place = np.searchsorted(cumulative, target, side="right") - 1
        # Rounding must not lead beyond the last state of the run that has a probability.
        last = np.searchsorted(cumulative, high, side="left") - 1
        return self.index[np.minimum(place, last)]

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return for each matching state the sum of the values of its rows."""
        some = self._some
        return self._expand(np.bincount(self._run_of[some], values[some], len(self._first)))

    def _expand(self, of_run: np.ndarray) -> np.ndarray:
        """Return for each matching state the value of its run, 0 outside the runs."""
        values = np.zeros(len(self.index))
        length = self._last - self._first
        before = np.cumsum(length) - length  # in all runs before this one
        place = np.arange(length.sum()) + np.repeat(self._first - before, length)
        values[place] = np.repeat(of_run, length)
        return values

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Sum the values of each run."""
        if not len(self._first):
            return np.empty(0)
        bounds = np.stack([self._first, self._last], axis=1).ravel()
        return np.add.reduceat(np.append(values, 0.0), bounds)[::2]

    def set_missing(self, completed: np.ndarray, chosen: np.ndarray, values: np.ndarray) -> None:
        """Write the missing values of the chosen rows."""
        completed[np.ix_(self.rows[chosen], self.missing)] = values
