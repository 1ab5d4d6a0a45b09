"""A walk along the columns that lists the completions of incomplete rows, with probabilities.

A row keeps every completion of its missing cells so far that later factors tell apart:
``p(x_<=i, w) = sum p(x_<i, w') p(x_i | w')``, with w the missing values that a factor still sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..._codes import n_states
from .._engine.blocks import RowError, row_blocks
from .._engine.completions import LISTED, TOGETHER
from ._factor_chain import FactorChain
from ._joins import Join, Runs


class TooManyCompletions(RowError):
    """Raised where a row has too many completions to list."""

    def __init__(self, missing: np.ndarray, n_completions: int, row: int | None = None) -> None:
        super().__init__(missing, n_completions, row)
        self.missing, self.n_completions, self.row = missing, n_completions, row

    def at_row(self, row: int) -> Self:
        """Return the same error about a row of another number."""
        return type(self)(self.missing, self.n_completions, row)

    def located(self, missing_cells: np.ndarray) -> Self:
        """Return the same error with the number of the row, given the missing cells of all rows."""
        return self.at_row(int((missing_cells == self.missing).all(axis=1).argmax()))

    def __str__(self) -> str:
        n, bits = f"{self.n_completions:,}", self.n_completions.bit_length()
        if bits > 60:
            n = f"about 10**{round(bits * np.log10(2))}"
        which = "a row" if self.row is None else f"row {self.row}"
        return (
            f"X has too many missing values in {which}: {self.missing.sum()} are missing there, "
            f"which leaves {n} completions to tell apart at once, and at most {LISTED:,} are "
            "listed. Use a density with exact marginals, such as MarkovChainImageDensity or "
            "ChowLiuTreeDensity; set order, the number of columns that a classifier sees, to a "
            "small number; or declare n_categories of each column, if some have few."
        )


@dataclass(eq=False)
class Kept:
    """Partial completions, those of a row together, with the log-probability of each."""

    row: np.ndarray  # sorted
    values: np.ndarray  # (n_kept, n_columns)
    log_weight: np.ndarray


def walk(
    chain: FactorChain,
    codes: np.ndarray,
    missing: np.ndarray,
    listed: np.ndarray,
    scored: np.ndarray,
    join: Join | None,
    evidence: bool = False,
    worth: Sequence[np.ndarray] | None = None,
) -> Iterator[tuple[slice, Kept]]:
    """Yield blocks of rows and the completions kept of each at the end: with ``join``, one.

    ``listed`` is the mask of the missing cells that are given every value, ``scored`` that of the
    observed cells that count. Without ``evidence``, only the shares of a row's completions matter.
    ``worth``, the value of each code of each column, replaces the codes that no factor sees any
    more, before these are joined.
    """
    if not len(codes):
        return
    n_open = np.concatenate(
        [
            _check_sizes(
                chain, missing[some], listed[some], listed[some] | scored[some], join is not None
            )
            for some in row_blocks(len(codes), codes.shape[1], TOGETHER)
        ]
    )
    n_cells = np.cumsum(n_open * chain.widest)
    start = 0
    while start < len(codes):
        most = TOGETHER + (n_cells[start - 1] if start else 0)
        some = slice(start, max(start + 1, int(np.searchsorted(n_cells, most, "right"))))
        yield (
            some,
            _walk_some(chain, codes[some], listed[some], scored[some], join, evidence, worth),
        )
        start = some.stop


def _check_sizes(
    chain: FactorChain, missing: np.ndarray, listed: np.ndarray, asked: np.ndarray, joined: bool
) -> np.ndarray:
    """Return the largest number of completions that each row ever has.

    Raise :class:`TooManyCompletions` if too many of them are kept apart.
    """
    n_rows, n_columns = listed.shape
    n_categories = chain.n_categories
    log_size = np.zeros((n_rows, n_columns + 1))  # of all columns before column i
    np.cumsum(listed * np.log(n_categories), axis=1, out=log_size[:, 1:])
    column = np.arange(n_columns)
    reach = chain.order if joined else n_columns
    log_open = log_size[:, 1:] - log_size[:, np.maximum(0, column - reach)]
    log_kept = log_size[:, 1:] - log_size[:, np.maximum(0, column - reach + 1)]
    if joined:
        log_kept[column >= _last(asked)[:, np.newaxis]] = 0
    if log_kept.max() > np.log(LISTED) + 1e-9:
        row, end = np.unravel_index(log_kept.argmax(), log_kept.shape)
        window = slice(max(0, end - reach + 1), end + 1)
        raise TooManyCompletions(missing[row], n_states(n_categories[window][listed[row, window]]))
    return np.exp(log_open.max(axis=1))


def _walk_some(
    chain: FactorChain,
    codes: np.ndarray,
    listed: np.ndarray,
    scored: np.ndarray,
    join: Join | None,
    evidence: bool,
    worth: Sequence[np.ndarray] | None,
) -> Kept:
    n_rows, n_columns = codes.shape
    kept = Kept(np.arange(n_rows), codes.astype(np.float64), np.zeros(n_rows))
    size = np.ones(n_rows, dtype=np.intp)  # number kept of each row
    last = _last(listed | scored)
    for i, factor in enumerate(chain.factors):
        counts = scored[:, i] if evidence else scored[:, i] & (size > 1)
        _step(chain, kept, i, counts, listed[:, i])
        size = np.where(listed[:, i], size * factor.n_categories, size)
        if join is None:
            continue
        out = i - chain.order  # the latest column that no later factor sees
        joined = size
        if out >= 0:
            joined = np.where(listed[:, out], size // chain.factors[out].n_categories, size)
        if worth is not None:
            for column in range(max(0, out), n_columns if i == n_columns - 1 else out + 1):
                kept.values[:, column] = worth[column][kept.values[:, column].astype(np.intp)]
        joined = np.where(i >= last, 1, joined)
        if (joined < size).any():
            _join(kept, size, joined, join, n_columns if i == n_columns - 1 else max(0, out + 1))
            size = joined
    return kept


def _step(chain: FactorChain, kept: Kept, i: int, scored: np.ndarray, listed: np.ndarray) -> None:
    """Take in column i: weigh what is observed there, and list every value where ``listed``."""
    rows = np.flatnonzero((scored | listed)[kept.row])
    if not len(rows):
        return
    factor = chain.factors[i]
    log_prob = factor.log_prob(chain.features(kept.values, i, rows))
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
    """Return the last column of each row where ``asked``."""
    return asked.shape[1] - 1 - asked[:, ::-1].argmax(axis=1)


def _join(kept: Kept, size: np.ndarray, joined: np.ndarray, join: Join, settled: int) -> None:
    """Join a row's completions that differ only in columns that no later factor sees.

    These are the first listed columns, and completions are sorted. Those to join therefore have the
    same place modulo the new number of the row's completions.
    """
    place = np.arange(len(kept.row)) - np.repeat(np.cumsum(size) - size, size)
    label = (np.cumsum(joined) - joined)[kept.row] + place % joined[kept.row]
    order = np.argsort(label, kind="stable")
    runs = Runs.of_sorted(label[order])
    kept.row = kept.row[order][runs.start]
    kept.log_weight, kept.values = join(runs, kept.log_weight[order], kept.values[order], settled)
