"""A picture of real rows beside rows that a density draws: each column, and pairs of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._validation import RandomState
from ._cells import elided, new_figure
from ._pairs import COLORS, OPACITY, PairedColumn, draw_pair
from ._rows import check_fitted, frame_of, places_of

COLUMNS_SHOWN = 4
LONGEST_NAME = 18  # letters


class RealAgainstSampledDisplay:
    """Real rows against sampled ones: columns on the diagonal, pairs of columns beside it.

    Create it with :meth:`from_estimator` or :meth:`from_rows`. Below the diagonal are pairs of
    columns of the real rows, and above it those of the sampled rows, mirrored. On the diagonal are
    the shares of rows in bins of numbers, and in categories. Rows that miss a column are left out
    of its pictures.

    Parameters
    ----------
    real : DataFrame of shape (n_rows, n_columns)
        The real rows.
    sampled : DataFrame of shape (n_sampled, n_columns)
        The sampled rows.

    Attributes
    ----------
    shares_ : dict of DataFrame
        For each column, by name, the shares of the ``real`` and ``sampled`` rows in each bin or
        category, set by :meth:`plot`.
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of matplotlib Axes of shape (n_columns, n_columns)
        The panels.

    See Also
    --------
    DensityContourDisplay : The density of two columns of numbers.
    skdgm.metrics.maximum_mean_discrepancy : A distance between two samples, with a test.

    Notes
    -----
    Columns with more than 10 distinct numbers, dates or durations are drawn along an axis, up to
    1000 rows of them as points. All others are categories, of which the ten most frequent are told
    apart, and points are spread within their category.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import GaussianDensity, RealAgainstSampledDisplay
    >>> X = np.random.default_rng(0).exponential(size=(500, 2))
    >>> density = GaussianDensity().fit(X)
    >>> axes = Figure(layout="constrained").subplots(2, 2)  # without it, pyplot makes a figure
    >>> display = RealAgainstSampledDisplay.from_estimator(density, X, random_state=0, axes=axes)
    >>> bins = display.shares_[0]
    >>> bins[bins.index.right <= 0].sum().round(2).tolist()  # no real row, but sampled ones
    [0.0, 0.13]
    """

    shares_: dict[Any, Any]
    figure_: Any
    axes_: np.ndarray

    def __init__(self, real: Any, sampled: Any) -> None:
        self.real = real
        self.sampled = sampled

    @classmethod
    def from_estimator(
        cls,
        density: Any,
        X: ArrayLike,
        *,
        columns: Sequence[int | str] | None = None,
        random_state: RandomState = None,
        axes: Any = None,
    ) -> Self:
        """Draw as many rows as X has, and plot both.

        Parameters
        ----------
        density : density estimator
            A fitted density.
        X : array-like of shape (n_samples, n_features)
            Real rows; NaN is a missing value.
        columns : sequence of int or str, default=None
            The columns to show, by index or name; None takes the first four.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness for the draws.
        axes : array-like of matplotlib Axes of shape (n_columns, n_columns), default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : RealAgainstSampledDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``density`` draws no rows, or is a classifier.
        ValueError
            If X has other columns than the density, or lacks one of ``columns``.
        """
        check_fitted(density, ["sample"], "density")
        if hasattr(density, "classes_"):
            raise TypeError(
                "density must be a density, but a classifier draws rows with classes; pass two "
                "tables to from_rows, or one of its densities_ and the rows of that class."
            )
        real = frame_of(X, density)
        drawn = density.sample(len(real), random_state=random_state)
        return cls.from_rows(real, drawn, columns=columns, axes=axes)

    @classmethod
    def from_rows(
        cls,
        real: ArrayLike,
        sampled: ArrayLike,
        *,
        columns: Sequence[int | str] | None = None,
        axes: Any = None,
    ) -> Self:
        """Plot two tables of the same columns.

        Parameters
        ----------
        real : array-like of shape (n_rows, n_features)
            Real rows; NaN is a missing value.
        sampled : array-like of shape (n_sampled, n_features)
            Sampled rows.
        columns : sequence of int or str, default=None
            The columns to show, by index or name; None takes the first four.
        axes : array-like of matplotlib Axes of shape (n_columns, n_columns), default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : RealAgainstSampledDisplay
            The plot.

        Raises
        ------
        ValueError
            If the tables have different columns, or lack one of ``columns``.
        """
        first, second = frame_of(real, name="real"), frame_of(sampled, name="sampled")
        if first.shape[1] != second.shape[1]:
            raise ValueError(
                f"real and sampled must have the same columns, got {first.shape[1]} and "
                f"{second.shape[1]}."
            )
        if columns is None:
            columns = range(min(COLUMNS_SHOWN, first.shape[1]))
        places = places_of(columns, first)
        second.columns = first.columns
        return cls(first.iloc[:, places], second.iloc[:, places]).plot(axes=axes)

    def plot(self, *, axes: Any = None) -> Self:
        """Plot the columns and their pairs.

        Parameters
        ----------
        axes : array-like of matplotlib Axes of shape (n_columns, n_columns), default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : RealAgainstSampledDisplay
            The display itself.

        Raises
        ------
        ValueError
            If a column has no observed value, or ``axes`` has another shape.
        ImportError
            If matplotlib is not installed.
        """
        n_columns = self.real.shape[1]
        if axes is None:
            side = float(np.clip(1.75 * n_columns, 3.6 if n_columns == 1 else 5, 14))
            axes = new_figure(max(side, 4.8 if n_columns == 1 else 6.4), side).subplots(
                n_columns, n_columns, squeeze=False
            )
        self.axes_ = np.asarray(axes, dtype=object).reshape(np.shape(axes) or (1, 1))
        if self.axes_.shape != (n_columns, n_columns):
            raise ValueError(
                f"axes must have the shape {(n_columns, n_columns)}, a panel for each pair of "
                f"columns; got {np.shape(axes)}."
            )
        self.figure_ = self.axes_[0, 0].figure
        pairs = zip(self.real.items(), self.sampled.items(), strict=True)
        drawn = [PairedColumn.of(name, real, sampled) for (name, real), (_, sampled) in pairs]
        self.shares_ = {column.name: column.shares() for column in drawn}
        for row, column in np.ndindex(n_columns, n_columns):
            ax = self.axes_[row, column]
            if row == column:
                drawn[row].draw_shares(ax, self.shares_[drawn[row].name])
            else:
                draw_pair(ax, drawn[column], drawn[row], which=int(column > row))
        self._label(drawn)
        return self

    def _label(self, drawn: list[PairedColumn]) -> None:
        """Name the columns at the edges of the figure, and tell real rows from sampled ones."""
        from matplotlib.patches import Patch

        last = len(drawn) - 1
        names = [elided(str(column.name), LONGEST_NAME) for column in drawn]
        for row, column in np.ndindex(self.axes_.shape):
            ax: Any = self.axes_[row, column]
            drawn[column].set_axis(ax.xaxis)
            if row != column:
                drawn[row].set_axis(ax.yaxis)
            ax.tick_params(labelbottom=row == last, labelleft=column == 0, labelsize=9)
            if row == column > 0:
                ax.tick_params(left=False)
        for place, name in enumerate(names):
            self.axes_[last, place].set_xlabel(name)
            self.axes_[place, 0].set_ylabel(name if place else "Share of rows")
        if last:  # the first column has no axis to the left
            ax = self.axes_[0, last]
            ax.tick_params(left=False, right=True, labelright=True)
            ax.yaxis.set_label_position("right")
            ax.set_ylabel(names[0])
        labels = ("real rows", "sampled rows")
        if last:
            labels = ("real (below the diagonal)", "sampled (above the diagonal)")
        handles = [
            Patch(label=labels[0], facecolor=COLORS[0], alpha=OPACITY),
            Patch(label=labels[1], facecolor="none", edgecolor=COLORS[1], linewidth=2),
        ]
        if self.figure_.get_layout_engine() is None:  # nothing makes room outside of the axes
            self.axes_[0, 0].legend(handles=handles, fontsize=9)
        else:
            self.figure_.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
