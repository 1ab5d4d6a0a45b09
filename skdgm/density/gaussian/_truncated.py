"""A normal density given that some columns lie in intervals.

With B for the box of the intervals, o for what a row has observed and b for the interval columns
that it misses, ``log p(x_o | B) = log p(x_o) + log P(x_b in B | x_o) - log P(B)``. Given the
interval columns, the other missing ones are normal and linear in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .._derived import DerivedDensity
from .._engine.blocks import row_blocks
from .._engine.patterns import Batch
from .._engine.regions import Interval, Regions, contained
from ._boxes import Boxes
from ._missing import STACK_CELLS, Conditional
from ._tilting import MOST_COLUMNS

EPS = float(np.finfo(np.float64).eps)
SMALLEST = 1e-300  # variance, so that none is zero
UNRELATED = 1e-13  # a correlation that errors of rounding make


class TruncatedGaussianDensity(DerivedDensity):
    """A normal density given that some columns lie in intervals.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    """

    _column_kind = "continuous"
    _rules_out_rows = True
    _normal: Any
    _regions: dict[int, Interval]
    _log_mass: float  # of the intervals

    @classmethod
    def of(cls, normal: Any, regions: Regions) -> tuple[Any, float]:
        """Return the density of a normal given intervals, and their log-probability.

        That is the normal itself where the intervals have no ends, or probability zero.
        """
        told = {j: own for j, own in regions.items() if own.low > -np.inf or own.high < np.inf}
        if not told:
            return normal, 0.0
        if any(region.low >= region.high for region in told.values()):
            return normal, -np.inf
        own = cls()
        own._follow(normal)
        own._source = type(normal).__name__
        own._normal, own._regions = normal, told
        own._log_mass = float(own._log_mass_given(np.full((1, own.n_features_in_), np.nan))[0])
        return (own, own._log_mass) if own._log_mass > -np.inf else (normal, -np.inf)

    def _encode(self, X: Any) -> Any:
        return self._normal._encode(X)

    # ------------------------------------------------------------------ scores
    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        return self._within(codes, self._normal._log_prob(codes), self._log_mass)

    def _log_prob_given(self, codes: np.ndarray, condition: np.ndarray) -> np.ndarray:
        log_prob = self._normal._log_prob_given(codes, condition)
        return self._within(codes, log_prob, self._log_mass_given(condition))

    def _within(
        self, codes: np.ndarray, log_prob: np.ndarray, log_mass: np.ndarray | float
    ) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            log_prob = log_prob + self._log_mass_given(codes) - log_mass
        log_prob = np.where(np.isnan(log_prob), -np.inf, log_prob)
        return log_prob + contained(codes, self._regions)

    def _rules_out(self, codes: np.ndarray) -> np.ndarray:
        return np.isneginf(contained(codes, self._regions))

    def _log_mass_given(self, codes: np.ndarray) -> np.ndarray:
        """Return the log-probability of the intervals of missing columns, given the others."""
        log_mass = np.zeros(len(codes))
        for part in self._conditionals(codes):
            for boxes, rows, _ in part.boxes():
                log_mass[part.rows[rows]] += boxes.log_mass()
        return log_mass

    # ------------------------------------------------------------------ completions
    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._sample_missing(np.full((n_samples, self.n_features_in_), np.nan), generator)

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Draw from the normal, then move the missing values to draws of the interval columns."""
        drawn = self._normal._sample_missing(codes, generator)
        deviation = drawn - self._normal.mean_
        for part in self._conditionals(codes):
            before = deviation[np.ix_(part.rows, self._places)] - part.mean
            shift = part.each(lambda boxes: boxes.draw(generator)) - before
            drawn[part.rows] += part.carried(shift)
            self._clip(drawn, part)
        return drawn

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._shifted(codes, lambda boxes: boxes.moments()[0])

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return self._shifted(codes, Boxes.mode)

    def _shifted(self, codes: np.ndarray, ask: Callable[[Boxes], np.ndarray]) -> np.ndarray:
        """Return the conditional means, given values of the interval columns."""
        mean = self._normal._mean_missing(codes)
        for part in self._conditionals(codes):
            mean[part.rows] += part.carried(part.each(ask))
            self._clip(mean, part)
        return mean

    def _moments_missing(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = self._normal._moments_missing(codes)
        for part in self._conditionals(codes):
            shift, spread = np.zeros(part.mean.shape), np.zeros(part.mean.shape)
            change = part.minus_covariance()
            for boxes, rows, columns in part.boxes():
                own, covariance = boxes.moments()
                cells = rows[:, np.newaxis], columns
                shift[cells], spread[cells] = own, np.einsum("ikk->ik", covariance)
                if change is not None:
                    block = rows[:, np.newaxis, np.newaxis], columns[:, np.newaxis], columns
                    change[block] += covariance
            mean[part.rows] += part.carried(shift)
            self._clip(mean, part)
            own_variance = variance[part.rows]
            if change is not None:
                own_variance = np.maximum(own_variance + part.carried_square(change), 0.0)
            own_variance[:, self._places] = spread
            variance[part.rows] = own_variance
        return mean, variance

    def _clip(self, table: np.ndarray, part: _Part) -> None:
        """Keep the missing values in their intervals in spite of rounding."""
        low, high = self._ends
        cells = np.ix_(part.rows, self._places)
        table[cells] = np.where(part.missing, np.clip(table[cells], low, high), table[cells])

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        both = dict(self._regions)
        for column, region in regions.items():
            if column in both:
                known = both[column]
                region = Interval(max(known.low, region.low), min(known.high, region.high))
            both[column] = region
        density, log_mass = self.of(self._normal, both)
        return density, min(log_mass - self._log_mass, 0.0)

    # ------------------------------------------------------------------ the interval columns
    @property
    def _places(self) -> np.ndarray:
        return np.array(sorted(self._regions), dtype=np.intp)

    @property
    def _ends(self) -> np.ndarray:
        ends = [(own.low, own.high) for _, own in sorted(self._regions.items())]
        return np.array(ends).T

    def _conditionals(self, codes: np.ndarray) -> Iterator[_Part]:
        """Yield the rows that miss interval columns, with what the others tell of these."""
        places, mean = self._places, self._normal.mean_
        rows = np.flatnonzero(np.isnan(codes[:, places]).any(axis=1))
        if not len(rows):
            return
        low, high = self._ends - mean[places]
        with np.errstate(over="ignore", invalid="ignore"):
            deviation = codes[rows] - mean
            for given in self._normal._covariance._conditionals(deviation, roots=True):
                yield from _parts(given, rows, places, low, high)


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows that miss interval columns, and their normals given what is observed."""

    rows: np.ndarray  # (n_rows,), indices
    batch: Batch  # their patterns
    mean: np.ndarray  # (n_rows, k), of the interval columns
    low: np.ndarray  # (k,)
    high: np.ndarray  # (k,)
    places: np.ndarray  # (k,), of the interval columns in the table
    # The covariance of the missing interval columns, (n_patterns, k, k), and how all columns depend
    # on them, (n_patterns, n_columns, k). If all are independent, the variances, (k,), and None.
    covariance: np.ndarray
    slopes: np.ndarray | None

    @property
    def missing(self) -> np.ndarray:
        """Mask of the missing interval columns, of shape (n_rows, k)."""
        return self.batch.missing[:, self.places][self.batch.pattern]

    def boxes(self) -> Iterator[tuple[Boxes, np.ndarray, np.ndarray]]:
        """Yield boxes of dependent columns, the rows that have them, and these columns."""
        patterns_of: dict[tuple[int, ...], list[int]] = {}
        missing = self.batch.missing[:, self.places]
        if self.slopes is None:
            for column in np.flatnonzero(missing.any(axis=0)).tolist():
                patterns_of[(column,)] = np.flatnonzero(missing[:, column]).tolist()
        else:
            for pattern, own_missing in enumerate(missing):
                for group in _dependent(self.covariance[pattern], own_missing):
                    patterns_of.setdefault(group, []).append(pattern)
        for group, patterns in patterns_of.items():
            has_group = np.zeros(len(missing), dtype=bool)
            has_group[patterns] = True
            rows, columns = np.flatnonzero(has_group[self.batch.pattern]), np.array(group)
            mean = self.mean[rows[:, np.newaxis], columns]
            ends = self.low[columns] - mean, self.high[columns] - mean
            if self.slopes is None:
                covariance, pattern_of = self.covariance[columns].reshape(1, 1, 1), 0 * rows
            else:
                covariance = self.covariance[:, columns[:, np.newaxis], columns]
                pattern_of = self.batch.pattern[rows]
            yield Boxes(*ends, covariance, pattern_of), rows, columns

    def each(self, ask: Callable[[Boxes], np.ndarray]) -> np.ndarray:
        """Return what boxes answer for each missing interval column, 0 for others."""
        answer = np.zeros(self.mean.shape)
        for boxes, rows, columns in self.boxes():
            answer[rows[:, np.newaxis], columns] = ask(boxes)
        return answer

    def carried(self, shift: np.ndarray) -> np.ndarray:
        """Return how far all columns move with the interval columns."""
        moved = np.zeros((len(self.rows), self.batch.missing.shape[1]))
        if self.slopes is not None:
            for rows in self._blocks():
                slopes = self.slopes[self.batch.pattern[rows]]
                moved[rows] = (slopes @ shift[rows, :, np.newaxis])[:, :, 0]
        moved[:, self.places] = shift
        return moved

    def minus_covariance(self) -> np.ndarray | None:
        """Return minus the covariance of each row's interval columns.

        It is None if all columns are independent.
        """
        return None if self.slopes is None else -self.covariance[self.batch.pattern]

    def carried_square(self, change: np.ndarray) -> np.ndarray:
        """Return what changes of the covariance of the interval columns add to all variances."""
        assert self.slopes is not None
        added = np.empty((len(self.rows), self.batch.missing.shape[1]))
        for rows in self._blocks():
            slopes = self.slopes[self.batch.pattern[rows]]
            added[rows] = np.einsum("ijk,ijk->ij", slopes @ change[rows], slopes)
        return added

    def _blocks(self) -> list[slice]:
        return row_blocks(
            len(self.rows), self.batch.missing.shape[1] * len(self.places), STACK_CELLS
        )


def _parts(
    given: Conditional, rows: np.ndarray, places: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Iterator[_Part]:
    """Yield the patterns of rows, as many together as matrices may be held at once."""
    for block in given._blocks():
        first, last = np.searchsorted(given.batch.pattern, [block.start, block.stop])
        missing = given.batch.missing[block]
        own = slice(first, last)
        batch = Batch(given.batch.rows[own], given.batch.pattern[own] - block.start, missing)
        covariance, slopes = np.broadcast_to(given.noise, missing.shape[1:])[places], None
        if given.loadings.shape[-1]:
            told, roots = missing[:, places], given._roots(block)
            cross = roots @ roots[:, places].transpose(0, 2, 1)
            noise = np.where(told, np.maximum(covariance, SMALLEST), 0.0)
            cross[:, places] += noise[:, np.newaxis] * np.eye(len(places))
            covariance = cross[:, places]
            slopes = _slopes(cross, covariance, told)
        yield _Part(
            rows[batch.rows],
            batch,
            given.filled[own][:, places],
            low,
            high,
            places,
            covariance,
            slopes,
        )


def _slopes(cross: np.ndarray, covariance: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Return ``C_.b C_bb^-1``, in which errors of rounding make no matrix singular."""
    k = told.shape[1]
    scale = np.sqrt(np.where(told, np.einsum("pkk->pk", covariance), 1.0))
    correlation = covariance / scale[:, :, np.newaxis] / scale[:, np.newaxis]
    correlation[:, np.arange(k), np.arange(k)] = 1 + k * EPS
    half = np.linalg.solve(correlation, (cross / scale[:, np.newaxis]).transpose(0, 2, 1))
    return half.transpose(0, 2, 1) / scale[:, np.newaxis]


def _dependent(matrix: np.ndarray, missing: np.ndarray) -> list[tuple[int, ...]]:
    """Return the groups of missing columns that depend on each other."""
    columns = np.flatnonzero(missing)
    own = matrix[np.ix_(columns, columns)]
    scale = np.sqrt(np.diag(own))
    linked = np.abs(own) > UNRELATED * np.outer(scale, scale)
    np.fill_diagonal(linked, False)
    if not linked.any():
        return [(int(column),) for column in columns]
    _, group = connected_components(csr_array(linked), directed=False)
    groups = [tuple(columns[group == own].tolist()) for own in range(group.max() + 1)]
    most = max(map(len, groups))
    if most > MOST_COLUMNS:
        raise ValueError(
            f"evidence gives intervals for {most} columns that depend on each other, and a normal "
            f"takes up to {MOST_COLUMNS}; give values for some of them, or fit with "
            'covariance_type="diag".'
        )
    return groups
