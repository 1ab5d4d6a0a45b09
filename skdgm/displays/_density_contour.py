"""A picture of the exact density of two columns, with rows as points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._tables import import_pandas
from .._validation import check_count
from ._cells import elided, new_axes
from ._rows import (
    SECOND,
    check_fitted,
    format_dates,
    frame_of,
    is_measured,
    numbers_of,
    places_of,
    some_rows,
)

LONGEST = 40  # letters of a name
DEPTH = 10.0  # nats from the highest contour to the lowest
MARGIN = 0.08  # of the range of the rows, beyond their ends


class DensityContourDisplay:
    """Contours of the density of two columns, in nats, with rows as points.

    Create it with :meth:`from_estimator`. All other columns are integrated out exactly. The lowest
    contour is at most 10 nats below the highest; what lies lower has the lightest colour, and what
    the density rules out is white.

    Parameters
    ----------
    x, y : array-like of shape (n_x,) and (n_y,)
        The values of the two columns at which the density is known.
    log_prob : array-like of shape (n_y, n_x)
        The log-density there, in nats.
    points : tuple of two array-like of shape (n_points,), default=None
        The values of both columns in the rows to draw.
    names : tuple of two str, default=("x", "y")
        The names of the columns.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, set by :meth:`plot`.
    ax_ : matplotlib Axes
        The axes.
    contours_ : matplotlib QuadContourSet
        The filled contours.
    colorbar_ : matplotlib Colorbar
        The scale of colours.
    points_ : matplotlib PathCollection or None
        The rows, up to 1000 of them, evenly spread over the table.

    See Also
    --------
    RealAgainstSampledDisplay : Pairs of columns of any kind.
    DependenceDisplay : Which columns belong together.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import DensityContourDisplay, GaussianDensity
    >>> X = np.random.default_rng(0).normal(size=(500, 3))
    >>> density = GaussianDensity().fit(X)
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = DensityContourDisplay.from_estimator(density, X, columns=[0, 2], ax=ax)
    >>> float(display.log_prob.max().round(1))  # the peak, -log(2 pi) for two standard normals
    -1.8
    """

    figure_: Any
    ax_: Any
    contours_: Any
    colorbar_: Any
    points_: Any

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike,
        log_prob: ArrayLike,
        points: tuple[ArrayLike, ArrayLike] | None = None,
        names: tuple[str, str] = ("x", "y"),
    ) -> None:
        self.x = x
        self.y = y
        self.log_prob = log_prob
        self.points = points
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        density: Any,
        X: ArrayLike,
        *,
        columns: Sequence[int | str] = (0, 1),
        n_points: int = 80,
        levels: int = 10,
        ax: Any = None,
    ) -> Self:
        """Compute the density of two columns over the range of rows, and plot it.

        Parameters
        ----------
        density : density estimator or GenerativeClassifier
            A fitted density, or a classifier of which ``score_samples`` integrates missing values
            out.
        X : array-like of shape (n_samples, n_features)
            Rows, which give the range and are drawn as points.
        columns : sequence of two int or str, default=(0, 1)
            The columns, by index or name: numbers, dates or durations.
        n_points : int, default=80
            Number of values of each column at which the density is computed. A column of counts
            has the whole numbers among them.
        levels : int, default=10
            About how many contours to draw.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : DensityContourDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``density`` scores no rows.
        ValueError
            If ``columns`` are not two columns of numbers with two different values or more, or X
            has other columns than the density.
        """
        check_fitted(density, ["score_samples"], "density")
        n_points = check_count(n_points, "n_points", 2)
        frame = frame_of(X, density)
        places = places_of(columns, frame, 2)
        x, y = (_grid(density, frame, place, n_points) for place in places)
        shape = len(y), len(x)
        rows = _rows_on_grid(frame, dict(zip(places, (x, y), strict=True)))
        names = str(frame.columns[places[0]]), str(frame.columns[places[1]])
        if getattr(density, "feature_names_in_", None) is None and not hasattr(X, "columns"):
            rows = rows.to_numpy(dtype=np.float64)
            names = f"Column {places[0]}", f"Column {places[1]}"
        log_prob = np.reshape(density.score_samples(rows), shape)
        points = frame.iloc[some_rows(len(frame))]
        first, second = (numbers_of(points.iloc[:, place]) for place in places)
        display = cls(numbers_of(x), numbers_of(y), log_prob, (first, second), names)
        return display.plot(levels=levels, ax=ax)

    def plot(self, *, levels: int = 10, ax: Any = None) -> Self:
        """Plot the contours and the rows.

        Parameters
        ----------
        levels : int, default=10
            About how many contours to draw.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : DensityContourDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``log_prob`` does not have the shape (n_y, n_x), or is nowhere finite, or ``levels``
            is not an integer of 1 or more.
        ImportError
            If matplotlib is not installed.
        """
        levels = check_count(levels, "levels")
        log_prob = np.asarray(self.log_prob, dtype=np.float64)
        shape = np.size(self.y), np.size(self.x)
        if log_prob.shape != shape:
            raise ValueError(
                f"log_prob must have the shape {shape}, a row for each y and a column for each x; "
                f"got {log_prob.shape}."
            )
        possible = log_prob[np.isfinite(log_prob)]
        if not len(possible):
            raise ValueError("log_prob must hold a finite number, but the density rules all out.")
        self.ax_ = new_axes(6.4, 4.6) if ax is None else ax
        self.figure_ = self.ax_.figure
        self.contours_ = self.ax_.contourf(
            np.asarray(self.x),
            np.asarray(self.y),
            np.ma.masked_invalid(log_prob),
            levels=_levels(possible, levels),
            cmap="Blues",
            extend="min",
        )
        self.colorbar_ = self.figure_.colorbar(self.contours_, ax=self.ax_, pad=0.02)
        self.colorbar_.set_label("Log-density (nats)")
        self.points_ = None
        if self.points is not None:
            self.points_ = self.ax_.scatter(
                *self.points, s=12, color=SECOND, edgecolor="white", linewidth=0.4, label="rows"
            )
            self.ax_.legend(loc="upper left", framealpha=0.9)
        first, second = (elided(name, LONGEST) for name in self.names)
        self.ax_.set(xlabel=first, ylabel=second)
        for axis, values in ((self.ax_.xaxis, self.x), (self.ax_.yaxis, self.y)):
            if np.asarray(values).dtype.kind == "M":
                format_dates(axis)
        return self


def _grid(density: Any, frame: Any, place: int, n_points: int) -> Any:
    """Return values over the range of a column, as a column of its kind."""
    pandas = import_pandas("A picture of a density")
    column, name = frame.iloc[:, place], frame.columns[place]
    columns = getattr(density, "_columns", None)  # of a density; classifiers do not tell
    kind = "continuous" if columns is None else columns.kind[place]
    if not is_measured(column) or kind in ("binary", "categorical"):
        raise ValueError(
            f"columns must be two columns of numbers, but column {name!r} holds categories; "
            "RealAgainstSampledDisplay shows these."
        )
    low, high = column.min(), column.max()
    if not low < high:
        raise ValueError(f"Column {name!r} of X must hold two different values or more.")
    if kind == "count":
        low, high = np.rint(low), np.rint(high)
        return pandas.Series(np.unique(np.rint(np.linspace(low, high, n_points))))
    margin = MARGIN * (high - low)
    low, high = low - margin, high + margin
    if hasattr(column, "dt"):
        make = pandas.timedelta_range if column.dtype.kind == "m" else pandas.date_range
        return pandas.Series(make(low, high, periods=n_points))
    return pandas.Series(np.linspace(float(low), float(high), n_points))


def _rows_on_grid(frame: Any, grids: dict[int, Any]) -> Any:
    """Return rows that miss all but two columns, which have all pairs of values, the first fast."""
    pandas = import_pandas("A picture of a density")
    (first, x), (second, y) = grids.items()
    n_x, n_y = len(x), len(y)
    cells = {
        first: x.iloc[np.tile(np.arange(n_x), n_y)].reset_index(drop=True),
        second: y.iloc[np.repeat(np.arange(n_y), n_x)].reset_index(drop=True),
    }
    missing = np.full(n_x * n_y, np.nan)
    rows = pandas.DataFrame({place: cells.get(place, missing) for place in range(frame.shape[1])})
    rows.columns = frame.columns
    return rows


def _levels(log_prob: np.ndarray, n_levels: int) -> np.ndarray:
    """Return round levels from the peak down to the lowest value, or ten nats below the peak."""
    from matplotlib.ticker import MaxNLocator

    top = float(log_prob.max())
    bottom = max(float(log_prob.min()), top - DEPTH)
    return MaxNLocator(n_levels, steps=[1, 2, 5, 10]).tick_values(
        bottom, top if top > bottom else bottom + 1
    )
