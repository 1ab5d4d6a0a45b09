"""A column of two tables, real and sampled, and how it and pairs of columns are drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._tables import import_pandas
from ._cells import elided
from ._rows import FIRST, SECOND, format_dates, is_measured, numbers_of, some_rows

COLORS = (FIRST, SECOND)  # of real and of sampled rows
OPACITY = 0.55  # of filled bars
FEW_VALUES = 10  # distinct numbers that are drawn as categories
MOST_CATEGORIES = 10
OTHERS = "(others)"
LEAST_BINS, MOST_BINS = 8, 30
SPREAD = 0.7  # of the room of a category, over which its points are spread
LETTERS = 10  # of a category


@dataclass(frozen=True, eq=False)
class PairedColumn:
    """A column of real and of sampled rows, as positions along an axis.

    Parameters
    ----------
    name : object
        The name of the column.
    positions : tuple of two ndarray of shape (n_rows,)
        The numbers of the real and of the sampled rows, dates as matplotlib counts days, or the
        places of their categories; NaN where missing.
    categories : list or None
        The categories by place, None in a column of numbers.
    is_date : bool, default=False
        True if the numbers are dates.
    """

    name: Any
    positions: tuple[np.ndarray, np.ndarray]
    categories: list[Any] | None
    is_date: bool = False

    @classmethod
    def of(cls, name: Any, real: Any, sampled: Any) -> Self:
        """Tell numbers from categories, and find their positions."""
        columns = real, sampled
        for column, what in zip(columns, ("real", "sampled"), strict=True):
            if not column.notna().any():
                raise ValueError(f"Column {name!r} of {what} must hold an observed value.")
        if all(map(is_measured, columns)):
            numbers = [numbers_of(column) for column in columns]
            if len(np.unique(np.concatenate([own[own == own] for own in numbers]))) > FEW_VALUES:
                is_date = any(own.dtype.kind == "M" for own in numbers)
                if is_date:
                    numbers = [_days(own) for own in numbers]
                return cls(name, (numbers[0], numbers[1]), None, is_date)
        cells = [column.astype(object).where(column.notna(), None).tolist() for column in columns]
        categories = _categories(real, *cells)
        places = {value: place for place, value in enumerate(categories)}
        others = places.get(OTHERS, np.nan)
        codes = [
            np.array([np.nan if cell is None else places.get(cell, others) for cell in own])
            for own in cells
        ]
        return cls(name, (codes[0], codes[1]), categories)

    def shares(self) -> Any:
        """Return the shares of the observed real and sampled rows in each bin or category."""
        pandas = import_pandas("A picture of a table")
        seen = [own[~np.isnan(own)] for own in self.positions]
        if self.categories is not None:
            edges = np.arange(len(self.categories) + 1) - 0.5
            index: Any = pandas.Index(self.categories, dtype=object)
        else:
            edges = _edges(np.concatenate(seen))
            breaks = _times(edges) if self.is_date else edges
            index = pandas.IntervalIndex.from_breaks(breaks, closed="left")
        counts = [np.histogram(own, edges)[0] / len(own) for own in seen]
        return pandas.DataFrame({"real": counts[0], "sampled": counts[1]}, index=index)

    def draw_shares(self, ax: Any, shares: Any) -> None:
        """Draw shares as filled bars of real rows, and outlined ones of sampled rows."""
        real, sampled = shares["real"].to_numpy(), shares["sampled"].to_numpy()
        if self.categories is not None:
            places = np.arange(len(shares))
            ax.bar(places - 0.2, real, 0.4, color=FIRST, alpha=OPACITY)
            ax.bar(places + 0.2, sampled, 0.36, fill=False, edgecolor=SECOND, linewidth=1.6)
        else:
            edges = _edges(np.concatenate([own[~np.isnan(own)] for own in self.positions]))
            ax.stairs(real, edges, fill=True, color=FIRST, alpha=OPACITY)
            ax.stairs(sampled, edges, color=SECOND, linewidth=1.6)
        ax.set_ylim(0, 1.08 * max(real.max(), sampled.max()))

    def set_axis(self, axis: Any) -> None:
        """Set the limits and the ticks of an axis along which this column is drawn."""
        from matplotlib import ticker

        is_x = axis.axis_name == "x"
        set_limits = axis.axes.set_xlim if is_x else axis.axes.set_ylim
        if self.categories is not None:
            set_limits(-0.6, len(self.categories) - 0.4)
            labels = [elided(str(value), LETTERS) for value in self.categories]
            is_long = sum(map(len, labels)) > 12
            rotation = 90 if is_x and is_long else 0
            axis.set_ticks(np.arange(len(labels)), labels, rotation=rotation)
            return
        both = np.concatenate(self.positions)
        low, high = np.nanmin(both), np.nanmax(both)
        margin = 0.05 * (high - low)
        set_limits(low - margin, high + margin)
        if self.is_date:
            format_dates(axis)
            return
        axis.set_major_locator(ticker.MaxNLocator(3))
        formatter = ticker.ScalarFormatter(useMathText=True)
        formatter.set_powerlimits((-3, 4))
        axis.set_major_formatter(formatter)

    def points(self, which: int, seed: int) -> np.ndarray:
        """Return positions of real (0) or sampled (1) rows, spread out within categories."""
        own = self.positions[which]
        if self.categories is None:
            return own
        return own + SPREAD * (np.random.default_rng(seed).random(len(own)) - 0.5)


def draw_pair(ax: Any, x: PairedColumn, y: PairedColumn, which: int) -> None:
    """Draw the real (0) or the sampled (1) rows as points of two columns."""
    points = np.stack([x.points(which, 0), y.points(which, 1)])
    points = points[:, ~np.isnan(points).any(axis=0)]
    shown = points[:, some_rows(points.shape[1])] if points.shape[1] else points
    ax.scatter(*shown, s=6, alpha=0.5, color=COLORS[which], linewidth=0)


def _categories(real: Any, cells: list[Any], others: list[Any]) -> list[Any]:
    """Return the most frequent categories, in their own order if they have one."""
    counts = Counter(cell for cell in [*cells, *others] if cell is not None)
    frequent = [value for value, _ in counts.most_common()]
    pooled = len(frequent) > MOST_CATEGORIES
    if pooled:
        frequent = frequent[: MOST_CATEGORIES - 1]
    if is_measured(real):
        frequent.sort()
    elif getattr(real.dtype, "ordered", False):
        declared = real.dtype.categories.tolist()
        frequent.sort(key=lambda value: declared.index(value) if value in declared else len(counts))
    return [*frequent, OTHERS] if pooled else frequent


def _edges(numbers: np.ndarray) -> np.ndarray:
    """Return the edges of bins; few whole numbers have one each."""
    low, high = numbers.min(), numbers.max()
    if high - low < MOST_BINS and np.array_equal(numbers, np.rint(numbers)):
        return np.arange(low, high + 2) - 0.5
    n_bins = int(np.clip(np.sqrt(len(numbers)) / 2, LEAST_BINS, MOST_BINS))
    return np.histogram_bin_edges(numbers, n_bins)


def _days(times: np.ndarray) -> np.ndarray:
    from matplotlib.dates import date2num

    return np.asarray(date2num(times), dtype=np.float64)


def _times(days: np.ndarray) -> Any:
    from matplotlib.dates import get_epoch

    return import_pandas("A picture of a table").to_datetime(days, unit="D", origin=get_epoch())
