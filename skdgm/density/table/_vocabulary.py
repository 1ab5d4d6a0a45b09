"""The values that a table's columns may hold, learned once for all densities of the table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from .._engine.combined_margins import ImageMargin
from .._engine.conditional_margins import ConditionalMargin, ValuesMargin
from .._engine.learned_steps import rounding_step
from .._engine.margins import distinct_values
from .._engine.regions import ANYWHERE, Interval

RARE = 5  # rows: values of a category with fewer are pooled
SMALL_SHARE = 0.05  # of the rows: beside a value with less, others may turn up
RARE_SHARE = 10  # fewer, where the table is small: so many values would have as many rows each
ON_GRID = 1e-6  # of a step, up to which a number counts as a multiple of it
DIGITS = 3  # decimal digits beyond those of a step that are kept


@dataclass(frozen=True, eq=False)
class TableColumn:
    """The values that one column may hold.

    Parameters
    ----------
    kind : str
        One of the kinds of a table's columns.
    model_kind : {"categorical", "count", "continuous"}
        What the model sees: constants and identifiers are a single category.
    values : ndarray of shape (n_values,)
        The known values, ascending: codes of labels, or numbers.
    rounding : float
        The step to which numbers are rounded, 0 if they are not.
    is_grid : bool
        True if all numbers seen lie on a grid of such steps.
    categories : PooledCategories or None
        The categories, if the model sees some.
    within : Interval, default=ANYWHERE
        Where numbers are known to lie.
    """

    kind: str
    model_kind: str
    values: np.ndarray
    rounding: float
    is_grid: bool
    categories: PooledCategories | None
    within: Interval = ANYWHERE

    @classmethod
    def learn(
        cls,
        column: np.ndarray,
        weight: np.ndarray | None,
        kind: str,
        n_labels: int | None,
        handle_unknown: str,
    ) -> Self:
        """Learn from the cells of a column.

        ``n_labels`` is the number of declared labels, 0 if those seen are all that is known, and
        None in a column of numbers.
        """
        values, own = distinct_values(column, weight)
        rounding = rounding_step(values, own)
        if kind == "identifier":
            return cls(kind, "categorical", values, 0.0, False, PooledCategories.alike(values))
        is_category = kind in ("binary", "categorical", "constant") or bool(n_labels)
        if not is_category:
            model_kind = "continuous" if kind == "continuous" else "count"
            steps = (values - values[0]) / rounding if rounding else np.full(1, np.nan)
            is_grid = bool((np.abs(steps - np.round(steps)) < ON_GRID).all())
            return cls(kind, model_kind, values, rounding, is_grid, None)
        if n_labels:
            own = np.bincount(values.astype(np.intp), weights=own, minlength=n_labels)
            values = np.arange(n_labels, dtype=np.float64)
        order = np.arange(len(values)) if kind == "ordinal" else by_frequency(column, values, own)
        # Numbers, a single value, and values of small shares are no reason to rule out others.
        is_open = n_labels is None or len(values) == 1 or own.min() < SMALL_SHARE * own.sum()
        has_other = handle_unknown == "smooth"
        categories = PooledCategories.learn(own, order, has_other, is_open)
        return cls(kind, "categorical", values, 0.0, False, categories)

    def draw(self, numbers: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return values for what the model has drawn: numbers, or codes of categories."""
        if self.categories is None:
            return self.on_grid(numbers)
        return self.categories.draw(self.categories.valid(numbers), generator)

    def most_probable(self, numbers: np.ndarray) -> np.ndarray:
        """Return the most probable values for numbers or codes of the model."""
        if self.categories is None:
            return self.on_grid(numbers)
        return self.categories.most_probable[self.categories.valid(numbers)]

    def likeliest(self, probability: np.ndarray) -> np.ndarray:
        """Return the most probable known values by the probabilities of the model's categories."""
        return self.values[self.spread(probability)[:, : len(self.values)].argmax(axis=1)]

    def spread(self, probability: np.ndarray) -> np.ndarray:
        """Return probabilities of values from those of the model's categories."""
        assert self.categories is not None
        return self.categories.spread(probability)

    def restricted(self, region: Any) -> tuple[Self, Any]:
        """Return the column given a region of its values, and the region that the model sees."""
        if self.categories is not None:
            categories, weights = self.categories.restricted(region)
            return replace(self, categories=categories), weights
        if not isinstance(region, Interval):
            return self, region
        low, high = max(region.low, self.within.low), min(region.high, self.within.high)
        return replace(self, within=Interval(low, high)), region

    def on_grid(self, numbers: np.ndarray) -> np.ndarray:
        """Return numbers as the column would show them: within bounds, rounded as seen."""
        ends = np.clip(self.values[[0, -1]], self.within.low, self.within.high)
        if ends[0] == ends[1]:  # beyond what was seen
            ends = np.array([self.within.low, self.within.high])
        numbers = np.clip(numbers, *ends)
        if not self.is_grid:
            return numbers
        first, last = (ends - self.values[0]) / self.rounding
        first, last = np.ceil(first - ON_GRID), np.floor(last + ON_GRID)
        if first > last:  # the interval lies between two steps
            return numbers
        steps = np.clip(np.round((numbers - self.values[0]) / self.rounding), first, last)
        digits = DIGITS - int(np.floor(np.log10(self.rounding)))
        return np.round(self.values[0] + steps * self.rounding, digits)

    def margin(self, found: Any) -> ConditionalMargin:
        """Return distributions of known values, as the column would show them.

        ``found`` are those of the model's numbers, or else the probabilities of all categories.
        """
        if self.categories is not None:
            return ValuesMargin.of(self.values, found[:, : len(self.values)])
        return ImageMargin(found, self.on_grid, self.largest_before)

    def largest_before(self, x: np.ndarray) -> np.ndarray:
        """Return the largest numbers that ``on_grid`` takes to values no larger than these."""
        number = x
        if self.is_grid:
            steps = np.floor((x - self.values[0]) / self.rounding + ON_GRID)
            number = self.values[0] + (steps + 0.5) * self.rounding
        number = np.where(x < self.values[0], -np.inf, number)
        return np.where(x >= self.values[-1], np.inf, number)


@dataclass(frozen=True, eq=False)
class PooledCategories:
    """The categories of a column, of which the rare ones are one to the model: the pool.

    Where there is a pool, values never seen belong in it. Within it, each known value has a share
    that follows its rows, and what is never seen has the share that Good and Turing give it.

    Parameters
    ----------
    code : ndarray of shape (n_values + 1,)
        The category of the model for each known value, and last for values never seen; -1 if
        these are not possible.
    log_share : ndarray of shape (n_values + 1,)
        Log-probability of each within its category.
    n_codes : int
        Number of categories of the model.
    """

    code: np.ndarray
    log_share: np.ndarray
    n_codes: int

    @classmethod
    def alike(cls, values: np.ndarray) -> Self:
        """Return a single category of values that all contribute nothing to a score."""
        n_values = len(values)
        return cls(np.zeros(n_values + 1, dtype=np.intp), np.zeros(n_values + 1), 1)

    @classmethod
    def learn(cls, weight: np.ndarray, order: np.ndarray, has_other: bool, is_open: bool) -> Self:
        """Learn from the rows of each known value.

        ``order`` is that of the values in the model. An open column takes values never seen even if
        no value is rare.
        """
        n_values = len(weight)
        rare = weight < min(RARE, weight.sum() / RARE_SHARE)
        if is_open and not (rare.any() or has_other):
            rare[weight.argmin()] = True
        if not rare.any():
            code = np.append(np.argsort(order), n_values if has_other else -1)
            return cls(code, np.zeros(n_values + 1), n_values + has_other)
        kept = order[~rare[order]]
        code = np.full(n_values + 1, len(kept))
        code[kept] = np.arange(len(kept))
        own = np.maximum(weight[rare], 0.5)
        n_single = max(float((own <= 1).sum()), 0.5)
        unseen = n_single / (own.sum() + n_single)
        log_share = np.zeros(n_values + 1)
        log_share[:-1][rare] = np.log(own / own.sum() * (1 - unseen))
        log_share[-1] = np.log(unseen)
        return cls(code, log_share, len(kept) + 1)

    def restricted(self, weight: np.ndarray) -> tuple[Self, np.ndarray]:
        """Return the categories given weights of values, and the weights of the model's categories.

        ``weight`` holds those of the known values, and of values never seen if these are possible.
        """
        own = np.zeros(len(self.code))
        own[: len(weight)] = weight
        shares = np.where(self.code >= 0, own * np.exp(self.log_share), 0.0)
        total = np.bincount(np.maximum(self.code, 0), shares, self.n_codes)
        # Values that contribute nothing to a score are not shares of their category.
        total = np.minimum(total, 1.0)
        with np.errstate(divide="ignore"):
            log_share = np.log(shares) - np.log(np.where(total > 0, total, 1.0))[self.code]
        return replace(self, log_share=log_share), total

    @property
    def takes_unseen(self) -> bool:
        """True if values never seen have a category."""
        return bool(self.code[-1] >= 0)

    def draw(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Draw a known value for each category; one without any known value gives the last."""
        places = np.empty(len(codes), dtype=np.intp)
        for code in np.unique(codes):
            rows = np.flatnonzero(codes == code)
            members = self._members(int(code))
            share = np.exp(self.log_share[members])
            places[rows] = generator.choice(members, size=len(rows), p=share / share.sum())
        return places

    @cached_property
    def most_probable(self) -> np.ndarray:
        """The most probable known value of each category."""
        members = [self._members(code) for code in range(self.n_codes)]
        return np.array([own[self.log_share[own].argmax()] for own in members])

    @cached_property
    def log_peak(self) -> np.ndarray:
        """The log-share of the most probable value of each category."""
        return self.log_share[self.most_probable]

    def valid(self, numbers: np.ndarray) -> np.ndarray:
        """Return codes of the model as indices; missing cells hold anything."""
        return np.clip(numbers, 0, self.n_codes - 1).astype(np.intp)

    def spread(self, probability: np.ndarray) -> np.ndarray:
        """Return probabilities of the known values, and of others, from those of categories."""
        found = probability[:, self.code] * np.exp(self.log_share)
        return found if self.takes_unseen else found[:, :-1]

    def _members(self, code: int) -> np.ndarray:
        known = np.flatnonzero((self.code[:-1] == code) & (self.log_share[:-1] > -np.inf))
        return known if len(known) else np.array([len(self.code) - 1])


def by_frequency(column: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the order of values by falling weight, of equal ones by the row that has one first.

    So neither names nor numbers of categories matter.
    """
    first = np.full(len(values), len(column))
    place = np.searchsorted(values, column[::-1])
    observed = ~np.isnan(column[::-1])
    first[place[observed]] = np.arange(len(column))[::-1][observed]
    return np.lexsort((first, -weight))


def column_order(S: np.ndarray, weight: np.ndarray | None, columns: Any) -> np.ndarray:
    """Return an order of columns that follows from what they hold, not from where they stand.

    It compares kinds, how often values repeat, and the shape of the distribution: what no unit and
    no name of a category changes.
    """
    keys = []
    for cells, column in zip(S.T, columns, strict=True):
        values, own = distinct_values(cells, weight)
        share = own / own.sum()
        shape = [len(values), own.sum(), share @ np.log(share), share @ share]
        if column.categories is None:
            z = values - share @ values
            spread = np.sqrt(share @ z**2)
            shape += [share @ (z / spread) ** 3, share @ (z / spread) ** 4] if spread > 0 else []
        keys.append((column.model_kind, *(float(f"{number:.6g}") for number in shape)))
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))
