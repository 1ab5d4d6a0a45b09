"""Missing values under the chain rule: the completions of each row, with their probabilities.

Along the columns, a row keeps every completion of its hidden cells so far that later factors tell
apart: ``p(x_<=i, w) = sum p(x_<i, w') p(x_i | w')``, w the hidden values that a factor still sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..._codes import missing_cells, missing_code, n_states, with_room
from .._engine.blocks import RowError, draw_categories, row_blocks
from .._engine.completions import LISTED, TOGETHER
from ._completion_groups import Groups, Join, average, best, drawn_by, sum_out
from ._factors import Factor

SMALLEST_SHARE = 1e-12  # of a row: less probable completions are not worth a classifier's time


class TooManyCompletions(RowError):
    """The error about a row whose completions are too many to list."""

    def __init__(self, hidden: np.ndarray, n_completions: int, row: int | None = None) -> None:
        super().__init__(hidden, n_completions, row)
        self.hidden, self.n_completions, self.row = hidden, n_completions, row

    def at_row(self, row: int) -> Self:
        """Return the same error about a row of another number."""
        return type(self)(self.hidden, self.n_completions, row)

    def located(self, hidden_cells: np.ndarray) -> Self:
        """Return the same error, with the number of the row that has these hidden cells."""
        return self.at_row(int((hidden_cells == self.hidden).all(axis=1).argmax()))

    def __str__(self) -> str:
        n, bits = f"{self.n_completions:,}", self.n_completions.bit_length()
        if bits > 60:
            n = f"about 10**{round(bits * np.log10(2))}"
        which = "a row" if self.row is None else f"row {self.row}"
        return (
            f"X has too many missing values in {which}: {self.hidden.sum()} are missing there, "
            f"which leaves {n} completions to tell apart at once, and at most {LISTED:,} are "
            "listed. Use a density with exact marginals, such as MarkovChainImageDensity or "
            "ChowLiuTreeDensity; set order, the number of columns that a classifier sees, to a "
            "small number; or declare n_categories of each column, if some have few."
        )


def between(hidden: np.ndarray, order: int) -> np.ndarray:
    """Which hidden cells must be summed over: those with an observed one that depends on them.

    What comes after the last observed value of a row sums to one.
    """
    if order == 0:
        return np.zeros_like(hidden)
    return hidden & np.logical_or.accumulate(~hidden[:, ::-1], axis=1)[:, ::-1]


@dataclass(eq=False)
class Kept:
    """Partial completions, those of a row together, with the log-probability of each."""

    row: np.ndarray  # sorted
    values: np.ndarray  # (n_kept, n_columns)
    log_weight: np.ndarray


@dataclass(frozen=True, eq=False)
class Chain:
    """The factors of all columns, of which each sees the ``order`` columns before its own."""

    factors: Sequence[Factor]
    order: int

    # ------------------------------------------------------------------ complete rows
    def log_prob(self, codes: np.ndarray) -> np.ndarray:
        """Log-probability of each row, of what is observed there."""
        log_prob = np.zeros(len(codes))
        incomplete = missing_cells(codes).any(axis=1)
        rows = np.flatnonzero(~incomplete)
        for block in self._blocks(len(rows)):
            own = codes[rows[block]]
            values = own.astype(np.float64)
            for i, factor in enumerate(self.factors):
                log_prob[rows[block]] += factor.log_prob_at(self._seen(values, i), own[:, i])
        if len(rows) < len(codes):
            log_prob[incomplete] = self._log_prob_incomplete(codes[incomplete])
        return log_prob

    def sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        """Draw rows, a column after the other."""
        values = np.zeros((n_samples, len(self.factors)))
        for block in self._blocks(n_samples):
            self._draw(values[block], np.ones(values[block].shape, dtype=bool), generator)
        return values

    def _draw(self, values: np.ndarray, free: np.ndarray, generator: np.random.Generator) -> None:
        for i, factor in enumerate(self.factors):
            rows = np.flatnonzero(free[:, i])
            if len(rows):
                log_prob = factor.log_prob(self._seen(values, i, rows))
                values[rows, i] = draw_categories(np.exp(log_prob), generator)

    def _seen(
        self, values: np.ndarray, i: int, rows: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """The features of factor i."""
        return values[rows, max(0, i - self.order) : i]

    def _blocks(self, n_rows: int) -> list[slice]:
        widest = max(len(self.factors), *(factor.n_categories for factor in self.factors))
        return row_blocks(n_rows, widest, TOGETHER)

    # ------------------------------------------------------------------ incomplete rows
    def _log_prob_incomplete(self, codes: np.ndarray) -> np.ndarray:
        hidden = missing_cells(codes)
        log_prob = np.empty(len(codes))
        for rows, kept in self._walk(
            codes, hidden, between(hidden, self.order), ~hidden, sum_out, True
        ):
            log_prob[rows] = kept.log_weight
        return log_prob

    def sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Complete each row by a draw."""
        hidden = missing_cells(codes)
        listed = between(hidden, self.order)
        completed = np.empty(codes.shape)
        join = drawn_by(generator)
        for rows, kept in self._walk(codes, hidden, listed, ~hidden, join):
            self._draw(kept.values, (hidden & ~listed)[rows], generator)
            completed[rows] = kept.values
        return completed

    def mean_missing(self, codes: np.ndarray) -> np.ndarray:
        """Complete each row by what is expected."""
        return self._completed_by(codes, average)

    def mode_missing(self, codes: np.ndarray) -> np.ndarray:
        """Complete each row by its most probable completion."""
        return self._completed_by(codes, best)

    def _completed_by(self, codes: np.ndarray, join: Join) -> np.ndarray:
        hidden = missing_cells(codes)
        completed = np.empty(codes.shape)
        for rows, kept in self._walk(codes, hidden, hidden, ~hidden, join):
            completed[rows] = kept.values
        return completed

    def expect(
        self, codes: np.ndarray, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """List the completions of each row, with its weight shared out as they are probable.

        Returns their codes, their weights and the rows' log-probabilities. A row is cut where the
        values on both sides do not depend on one another; what a piece does not need stays missing.
        No hidden cell is given a category that training lacks in its column, if others will do.
        """
        codes = with_room(codes, max(factor.n_categories for factor in self.factors))
        mark = missing_code(codes)
        hidden = missing_cells(codes)
        row, own, visible = self._pieces(hidden)
        # Neighbours work at the same columns: a step then touches few pieces that it does not move.
        order = np.argsort(own.argmax(axis=1), kind="stable")
        row, own, visible = row[order], own[order], visible[order]
        listed = own & between(hidden, self.order)[row]
        pieces = np.where(visible, codes[row], mark)
        log_prob = np.zeros(len(codes))
        tables, weights = [], []
        scored = own & ~hidden[row]
        for some, kept in self._walk(pieces, hidden[row], listed, scored, None, True):
            groups = Groups.of_sorted(kept.row)
            log_total = groups.log_sum(kept.log_weight)
            np.add.at(log_prob, row[some], log_total)
            log_weight = self._of_listed_categories(kept, listed[some], groups)
            with np.errstate(invalid="ignore"):  # a row of probability zero
                share = np.exp(log_weight - groups.spread(groups.log_sum(log_weight)))
            worth = share > SMALLEST_SHARE
            values = kept.values[worth].astype(codes.dtype)
            tables.append(values)
            weights.append(share[worth] * weight[row[some][kept.row[worth]]])
        return np.concatenate(tables), np.concatenate(weights), log_prob

    def _of_listed_categories(self, kept: Kept, listed: np.ndarray, groups: Groups) -> np.ndarray:
        """The log-weights, ``-inf`` where a listed cell has a category that training lacks."""
        lacking = np.zeros(len(kept.row), dtype=bool)
        for i, factor in enumerate(self.factors):
            if len(factor.listed) < factor.n_categories:
                known = np.isin(kept.values[:, i], factor.listed)
                lacking |= listed[kept.row, i] & ~known
        log_weight = np.where(lacking, -np.inf, kept.log_weight)
        nothing = groups.spread(np.isneginf(groups.log_sum(log_weight)))
        return np.where(nothing, kept.log_weight, log_weight)

    def _pieces(self, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cut each row after every run of ``order`` observed values that follows a hidden one.

        Returns the row of each piece, the columns that are its own, and with these the ``order``
        before them, which its factors see. Given these, pieces are independent.
        """
        n_rows, n_columns = hidden.shape
        piece = np.zeros((n_rows, n_columns), dtype=np.intp)
        before = np.cumsum(hidden, axis=1)  # how many hidden up to each column
        for start in range(self.order + 1, n_columns):
            end = start - self.order - 1
            cut = hidden[:, end] & (before[:, start - 1] == before[:, end])
            piece[:, start:] += cut[:, np.newaxis]
        n_pieces = piece[:, -1] + 1
        row = np.repeat(np.arange(n_rows), n_pieces)
        number = np.arange(len(row)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
        own = piece[row] == number[:, np.newaxis]
        column, first = np.arange(n_columns), own.argmax(axis=1)[:, np.newaxis]
        return row, own, own | ((column < first) & (column >= first - self.order))

    # ------------------------------------------------------------------ the walk
    def _walk(
        self,
        codes: np.ndarray,
        hidden: np.ndarray,
        listed: np.ndarray,
        scored: np.ndarray,
        join: Join | None,
        evidence: bool = False,
    ) -> Iterator[tuple[slice, Kept]]:
        """Some rows after the other, and what is kept of each at the end: with ``join``, one.

        ``listed`` says which of the hidden cells are given every value, ``scored`` which observed
        ones count. Without ``evidence``, only the shares of a row's completions matter.
        """
        n_open = np.concatenate(
            [
                self._check_sizes(
                    hidden[some], listed[some], listed[some] | scored[some], join is not None
                )
                for some in row_blocks(*codes.shape, TOGETHER)
            ]
        )
        widest = max(codes.shape[1], *(factor.n_categories for factor in self.factors))
        n_cells = np.cumsum(n_open * widest)
        start = 0
        while start < len(codes):
            most = TOGETHER + (n_cells[start - 1] if start else 0)
            some = slice(start, max(start + 1, int(np.searchsorted(n_cells, most, "right"))))
            yield some, self._walk_some(codes[some], listed[some], scored[some], join, evidence)
            start = some.stop

    def _check_sizes(
        self, hidden: np.ndarray, listed: np.ndarray, asked: np.ndarray, joined: bool
    ) -> np.ndarray:
        """Most completions that a row ever has; an error if too many of them are kept apart."""
        n_rows, n_columns = listed.shape
        n_categories = np.array([factor.n_categories for factor in self.factors])
        log_size = np.zeros((n_rows, n_columns + 1))  # of all columns before column i
        np.cumsum(listed * np.log(n_categories), axis=1, out=log_size[:, 1:])
        column = np.arange(n_columns)
        reach = self.order if joined else n_columns
        log_open = log_size[:, 1:] - log_size[:, np.maximum(0, column - reach)]
        log_kept = log_size[:, 1:] - log_size[:, np.maximum(0, column - reach + 1)]
        if joined:
            log_kept[column >= _last(asked)[:, np.newaxis]] = 0
        if log_kept.max() > np.log(LISTED) + 1e-9:
            row, end = np.unravel_index(log_kept.argmax(), log_kept.shape)
            window = slice(max(0, end - reach + 1), end + 1)
            raise TooManyCompletions(
                hidden[row], n_states(n_categories[window][listed[row, window]])
            )
        return np.exp(log_open.max(axis=1))

    def _walk_some(
        self,
        codes: np.ndarray,
        listed: np.ndarray,
        scored: np.ndarray,
        join: Join | None,
        evidence: bool,
    ) -> Kept:
        n_rows, n_columns = codes.shape
        kept = Kept(np.arange(n_rows), codes.astype(np.float64), np.zeros(n_rows))
        size = np.ones(n_rows, dtype=np.intp)  # how many are kept of each row
        last = _last(listed | scored)
        for i, factor in enumerate(self.factors):
            counts = scored[:, i] if evidence else scored[:, i] & (size > 1)
            self._step(kept, i, counts, listed[:, i])
            size = np.where(listed[:, i], size * factor.n_categories, size)
            if join is None:
                continue
            out = i - self.order  # the latest column that no later factor sees
            joined = size
            if out >= 0:
                joined = np.where(listed[:, out], size // self.factors[out].n_categories, size)
            joined = np.where(i >= last, 1, joined)
            if (joined < size).any():
                _join(
                    kept, size, joined, join, n_columns if i == n_columns - 1 else max(0, out + 1)
                )
                size = joined
        return kept

    def _step(self, kept: Kept, i: int, scored: np.ndarray, listed: np.ndarray) -> None:
        """Take column i in: weigh what is observed there, and list every value where asked to."""
        rows = np.flatnonzero((scored | listed)[kept.row])
        if not len(rows):
            return
        factor = self.factors[i]
        log_prob = factor.log_prob(self._seen(kept.values, i, rows))
        many = listed[kept.row[rows]]
        one = rows[~many]
        kept.log_weight[one] += log_prob[~many, kept.values[one, i].astype(np.intp)]
        if not many.any():
            return
        opened = np.zeros(len(kept.row), dtype=bool)
        opened[rows[many]] = True
        parent = np.repeat(np.arange(len(opened)), np.where(opened, factor.n_categories, 1))
        new = opened[parent]
        kept.row, kept.values = kept.row[parent], kept.values[parent]
        kept.values[new, i] = np.tile(np.arange(factor.n_categories), many.sum())
        kept.log_weight = kept.log_weight[parent]
        kept.log_weight[new] += log_prob[many].ravel()


def _last(asked: np.ndarray) -> np.ndarray:
    """The last column of each row where something is asked."""
    return asked.shape[1] - 1 - asked[:, ::-1].argmax(axis=1)


def _join(kept: Kept, size: np.ndarray, joined: np.ndarray, join: Join, settled: int) -> None:
    """Join a row's completions that differ only in what no later factor sees.

    That is in their first listed columns, and completions stand sorted: those with the same
    remainder of their place by the new number of a row's completions.
    """
    place = np.arange(len(kept.row)) - np.repeat(np.cumsum(size) - size, size)
    label = (np.cumsum(joined) - joined)[kept.row] + place % joined[kept.row]
    order = np.argsort(label, kind="stable")
    groups = Groups.of_sorted(label[order])
    kept.row = kept.row[order][groups.start]
    kept.log_weight, kept.values = join(groups, kept.log_weight[order], kept.values[order], settled)
