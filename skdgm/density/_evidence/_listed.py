"""Values in regions, one by one: for families that cannot sum over them by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
from scipy.special import logsumexp, softmax

from ..._codes import missing_cells, with_room
from .._base import BaseDensity
from .._derived import DerivedDensity, source_of
from .._engine.blocks import draw_categories, row_blocks
from .._engine.columns import Columns
from .._engine.combined_margins import Part, SumMargin
from .._engine.completions import LISTED, TOGETHER
from .._engine.conditional_margins import ConditionalMargin, NormalsMargin
from .._engine.patterns import Patterns
from .._engine.regions import Interval, Regions, Values, contained


class ListedRegions(DerivedDensity):
    """A density given that some columns lie in regions, of which it sums all combinations.

    ``p(x | regions) = p(x) w(x) / sum_v p(v) w(v)``, where v runs through the values in the regions
    and w are their weights.
    """

    _rules_out_rows = True
    _density: Any
    _regions: Regions
    _columns_told: np.ndarray
    _combinations: np.ndarray  # (n_combinations, n_columns told), of codes or numbers
    _log_total: float

    @classmethod
    def of(cls, density: BaseDensity, regions: Regions) -> tuple[Self, float]:
        """Return the density given regions of a density, and the log-probability of these."""
        own = cls()
        own._follow(density)
        own._source = source_of(density)
        own._density, own._regions = density, regions
        own._columns_told = np.array(list(regions))
        listed = [_values_in(region) for region in regions.values()]
        n_combinations = int(np.prod([float(len(values)) for values in listed]))
        if n_combinations > LISTED:
            raise ValueError(
                f"evidence leaves {n_combinations} combinations of values, which "
                f"{type(density).__name__} sums one by one, up to {LISTED}; give smaller sets or "
                "intervals, or fewer of them."
            )
        grids = np.meshgrid(*listed, indexing="ij")
        own._combinations = np.stack([grid.ravel() for grid in grids], axis=1)
        own._log_total = 0.0
        nothing = density._encode(np.full((1, density.n_features_in_), np.nan))
        own._log_total = float(own._log_prob(nothing)[0])
        return own, own._log_total

    # ------------------------------------------------------------------ encoding
    @property
    def _input_checks(self) -> dict:
        return self._density._dense_input_checks

    @property
    def _columns(self) -> Columns:
        return self._density._columns

    def _values_to_list(self, column: int) -> np.ndarray:
        return self._density._values_to_list(column)

    def _encode(self, X: Any) -> Any:
        return self._density._encode(X)

    def _recode(self, table: np.ndarray) -> Any:
        return self._density._recode(table)

    # ------------------------------------------------------------------ sums over the values
    def _listed(self, codes: Any) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield blocks of rows, with their completions in the regions and the scores of these.

        Yields
        ------
        rows : ndarray of shape (n_rows,)
            Indices of rows.
        completed : ndarray of shape (n_rows, n_combinations, n_columns)
            Tables of codes in which the columns of the regions are complete.
        scores : ndarray of shape (n_rows, n_combinations)
            ``log p(x_observed, values) + log w(values)``.
        """
        table = with_room(np.asarray(codes), self._columns.n_categories)
        told, n_columns = self._columns_told, table.shape[1]
        for missing, pattern in Patterns.of(missing_cells(table[:, told])).one_by_one():
            values = np.unique(self._combinations[:, missing], axis=0)
            for block in row_blocks(len(pattern), n_columns * len(values), TOGETHER):
                rows = pattern[block]
                completed = np.repeat(table[rows][:, np.newaxis], len(values), axis=1)
                completed[:, :, told[missing]] = values
                flat = completed.reshape(-1, n_columns)
                scores = self._density._log_prob(self._density._recode(flat))
                scores = scores + contained(flat, self._regions)
                yield rows, completed, scores.reshape(len(rows), -1)

    def _log_prob(self, codes: Any) -> np.ndarray:
        log_prob = np.empty(codes.shape[0])
        for rows, _, scores in self._listed(codes):
            log_prob[rows] = logsumexp(scores, axis=1)
        return log_prob - self._log_total

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        nothing = self._encode(np.full((n_samples, self.n_features_in_), np.nan))
        return self._sample_missing(nothing, generator)

    def _sample_missing(self, codes: Any, generator: np.random.Generator) -> np.ndarray:
        drawn = np.empty(codes.shape)
        for rows, completed, scores in self._listed(codes):
            chosen = draw_categories(softmax(scores, axis=1), generator)
            table = completed[np.arange(len(rows)), chosen]
            drawn[rows] = self._density._sample_missing(self._recode(table), generator)
            drawn[np.ix_(rows, self._columns_told)] = table[:, self._columns_told]
        return drawn

    def _mean_missing(self, codes: Any) -> np.ndarray:
        mean = np.zeros(codes.shape)
        for rows, completed, scores in self._listed(codes):
            own = self._density._mean_missing(self._recode(completed.reshape(-1, codes.shape[1])))
            own = np.array(own, dtype=np.float64).reshape(completed.shape)
            told = self._columns_told
            own[:, :, told] = self._columns.decode(completed.reshape(-1, codes.shape[1])).reshape(
                completed.shape
            )[:, :, told]
            mean[rows] = np.einsum("rc,rcj->rj", softmax(scores, axis=1), own)
        return mean

    def _mode_missing(self, codes: Any) -> np.ndarray:
        best = np.empty(codes.shape)
        for rows, completed, _ in self._listed(codes):
            flat = completed.reshape(-1, codes.shape[1])
            own = np.asarray(self._density._mode_missing(self._recode(flat)))
            whole = np.where(missing_cells(flat), own, flat).astype(flat.dtype)
            scores = self._density._log_prob(self._recode(whole)) + contained(whole, self._regions)
            chosen = scores.reshape(completed.shape[:2]).argmax(axis=1)
            best[rows] = whole.reshape(completed.shape)[np.arange(len(rows)), chosen]
        return best

    def _proba_missing(self, codes: Any, columns: Sequence[int]) -> list[np.ndarray]:
        answers = [np.zeros((codes.shape[0], len(self._values_to_list(j)))) for j in columns]
        for rows, completed, scores in self._listed(codes):
            flat = completed.reshape(-1, codes.shape[1])
            shares = softmax(scores, axis=1)
            others = [j for j in columns if j not in self._regions]
            known = dict(
                zip(others, self._density._proba_missing(self._recode(flat), others), strict=True)
            )
            for answer, column in zip(answers, columns, strict=True):
                values = self._values_to_list(column)
                own = known.get(column)
                if own is None:
                    own = (flat[:, [column]] == values).astype(np.float64)
                own = own.reshape(*completed.shape[:2], len(values))
                answer[rows] = np.einsum("rc,rcv->rv", shares, own)
        return answers

    def _margins_missing(self, codes: Any, columns: Sequence[int]) -> list[ConditionalMargin]:
        """Return sums over the values in the regions, which are certain in each term."""
        if all(self._columns.listable[column] for column in columns):
            return super()._margins_missing(codes, columns)
        parts: list[list[Part]] = [[] for _ in columns]
        for rows, completed, scores in self._listed(codes):
            flat, shares = completed.reshape(-1, codes.shape[1]), softmax(scores, axis=1)
            likely = np.flatnonzero(shares.ravel())
            place, combination = np.divmod(likely, shares.shape[1])
            table = flat[likely]
            others = [j for j in columns if j not in self._regions]
            asked = self._density._margins_missing(self._recode(table), others) if others else []
            margins = dict(zip(others, asked, strict=True))
            values = self._columns.decode(table)
            for column in self._regions:
                margins[column] = NormalsMargin.of_one(values[:, column], np.zeros(len(table)))
            for c in np.unique(combination):
                own = np.flatnonzero(combination == c)
                share = shares[place[own], c]
                for part, column in zip(parts, columns, strict=True):
                    part.append(Part(rows[place[own]], share, margins[column][own]))
        return [SumMargin.of(part, codes.shape[0]) for part in parts]

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        density, log_prob = self._density._given_regions(regions)
        if log_prob == -np.inf:
            return self, -np.inf
        own, log_total = self.of(density, self._regions)
        return own, log_prob + log_total - self._log_total


def _values_in(region: Any) -> np.ndarray:
    """Return the values of a region, as codes or numbers."""
    assert not isinstance(region, Interval)
    if isinstance(region, Values):
        return region.values
    return np.flatnonzero(region)
