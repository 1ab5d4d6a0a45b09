"""Plots of a comparison with matplotlib, in the style of scikit-learn's displays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from ._models import BOOSTING, ITERATIVE, MEAN, readable_count
from ._tables import HIDDEN_SHARES
from ._text import shortened

if TYPE_CHECKING:
    import pandas as pd

BASELINES = {MEAN: ("*", "--"), ITERATIVE: ("o", ":"), BOOSTING: ("s", "-.")}
# The palette of Okabe and Ito, safe for colour blindness; the text's own is that of the baselines.
COLORS = ["#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#F0E442"]
MARKERS = ["o", "s", "X", "^", "D", "v", "P", "<", ">"]  # as many as go once with each colour
MARKER_SIZES = (11.0, 5.0)  # points, of the model drawn first and of the last
COINCIDING = 0.01  # share of the axis that lines lie apart at most, all along
HIDDEN = {"accuracy": 0} | {column: round(100 * share) for column, share in HIDDEN_SHARES.items()}
WIDTH_OF_LETTER, WIDTH_OF_HANDLE = 0.52, 4.0  # of the legend, in font sizes
LARGEST_DRAWN = 10**9  # models with more parameters are drawn at the edge, labelled with the number


class HasTable(Protocol):
    """A :class:`ClassifierComparison`, or anything else with such a table."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per model, with the columns of a comparison."""


class ComparisonDisplay:
    """Accuracy of the classifiers compared, against hidden cells and number of parameters.

    Create it with :meth:`from_comparison` or :meth:`ClassifierComparison.plot`. The accuracies
    shown are those of the data, seldom 0 to 1. Models that coincide are told apart: markers are
    hollow, and each is smaller than the one drawn before it; of lines that lie on one another all
    along, those drawn first are wider and show on both sides of the others.

    Parameters
    ----------
    table : DataFrame
        The table of a :class:`ClassifierComparison`.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, set by :meth:`plot`.
    axes_ : list of two matplotlib Axes
        Accuracy against the share of hidden cells, and against the number of parameters on a
        logarithmic scale. Numbers above a billion, which would leave no room for the others, are
        drawn at the right end of the axis and written out; models without a number are left out.

    See Also
    --------
    compare_classifiers : Compute the result that is plotted here.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from matplotlib.figure import Figure
    >>> from skdgm import ComparisonDisplay, compare_classifiers
    >>> X, y = load_iris(return_X_y=True)
    >>> models = ["LogisticRegression", "BernoulliIndependentDensity"]
    >>> comparison = compare_classifiers(X, y, models=models, folds=2, verbose=False)
    >>> axes = Figure().subplots(1, 2)  # without it, pyplot makes a figure
    >>> display = ComparisonDisplay.from_comparison(comparison, ax=axes)
    >>> [axes.get_xlabel() for axes in display.axes_]
    ['Hidden test cells (%)', 'Free parameters']
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    @classmethod
    def from_comparison(cls, comparison: HasTable, ax: Sequence[Any] | None = None) -> Self:
        """Plot the result of a comparison.

        Parameters
        ----------
        comparison : ClassifierComparison
            The result of :func:`compare_classifiers`.
        ax : sequence of two matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : ComparisonDisplay
            The plot.
        """
        return cls(comparison.table).plot(ax=ax)

    def plot(self, ax: Sequence[Any] | None = None) -> Self:
        """Plot the table.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : ComparisonDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the table has no rows or ``ax`` does not hold two axes.
        ImportError
            If matplotlib is not installed.
        """
        if self.table.empty:
            raise ValueError("comparison must hold at least one finished model, got none.")
        self.axes_ = _check_axes(ax)
        self.figure_ = self.axes_[0].figure
        counts = [count for count in self.table["n_parameters"] if count is not None]
        usual = [count for count in counts if count <= LARGEST_DRAWN]
        edge = 10 * max(usual, default=LARGEST_DRAWN)
        styles = _styles(self.table)
        lines = [self._plot_model(model, edge, style) for model, style in styles.items()]
        self._label_axes()
        self._add_legend(lines, list(styles))
        return self

    def _plot_model(self, model: str, edge: int, style: dict[str, Any]) -> Any:
        """Draw a model on both axes, and return its line."""
        hidden_axes, parameter_axes = self.axes_
        row = self.table.loc[model]
        accuracy = [row[column] for column in HIDDEN]
        (line,) = hidden_axes.plot(list(HIDDEN.values()), accuracy, label=model, **style)
        if row["n_parameters"] is None:
            return line
        drawn = min(row["n_parameters"], edge)  # the number itself may be too large for a float
        parameter_axes.plot([drawn], accuracy[:1], label=model, **style)
        if drawn < row["n_parameters"]:
            parameter_axes.annotate(
                f"{readable_count(row['n_parameters'])} \N{RIGHTWARDS ARROW}",
                (drawn, accuracy[0]),
                xytext=(-8, 0),
                textcoords="offset points",
                horizontalalignment="right",
                verticalalignment="center",
            )
        return line

    def _label_axes(self) -> None:
        hidden_axes, parameter_axes = self.axes_
        hidden_axes.set(
            title="With hidden cells",
            xlabel="Hidden test cells (%)",
            xticks=list(HIDDEN.values()),
        )
        parameter_axes.set(title="By size", xlabel="Free parameters", xscale="log")
        parameter_axes.margins(x=0.1)
        low, high = (math.log10(limit) for limit in parameter_axes.get_xlim())
        parameter_axes.set_xlim(10 ** math.floor(low), 10 ** math.ceil(high))  # whole decades
        parameter_axes.xaxis.set_minor_formatter("")
        hidden_axes.set_ylim(_limits(self.table[list(HIDDEN)]))
        parameter_axes.set_ylim(_limits(self.table["accuracy"]))
        for axes in self.axes_:
            axes.set(ylabel="Accuracy")
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)

    def _add_legend(self, handles: list[Any], models: list[str]) -> None:
        import matplotlib as mpl

        # A name is no formula, and would be left out if it began with an underscore.
        labels = [f" {name}" if name.startswith("_") else name for name in map(shortened, models)]
        if self.figure_.get_constrained_layout():
            longest = WIDTH_OF_LETTER * max(map(len, labels)) + WIDTH_OF_HANDLE
            width = self.figure_.get_figwidth() * 72 / mpl.rcParams["font.size"]
            legend = self.figure_.legend(
                handles,
                labels,
                loc="outside lower center",
                ncols=max(1, int(width / longest)),
                frameon=False,
            )
        else:
            legend = self.axes_[0].legend(handles, labels, fontsize="small")
        for text in legend.get_texts():
            text.set_parse_math(False)


def make_figure(pyplot: bool = True) -> Any:
    """Make an empty figure of the right size, with pyplot or, to save it, without a display."""
    settings = {"figsize": (10, 5), "layout": "constrained"}
    try:
        if pyplot:
            import matplotlib.pyplot as plt

            return plt.figure(**settings)
        from matplotlib.figure import Figure

        return Figure(**settings)
    except ImportError as error:
        raise ImportError(
            'Plotting needs matplotlib; install it with: pip install "skdgm[compare]"'
        ) from error


def _check_axes(ax: Sequence[Any] | None) -> list[Any]:
    axes = list(make_figure().subplots(1, 2) if ax is None else getattr(ax, "flat", ax))
    if len(axes) != 2:
        raise ValueError(f"ax must hold two matplotlib axes, got {len(axes)}.")
    return axes


def _limits(accuracies: Any) -> tuple[float, float]:
    """Return the ends of an axis on which accuracies fill the height, not far beyond 0 and 1."""
    low, high = float(np.min(accuracies)), float(np.max(accuracies))
    margin = 0.05 * max(high - low, 0.05)
    return max(low - margin, -0.02), min(high + margin, 1.02)


def _styles(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return how each model is drawn, no two alike."""
    import matplotlib as mpl

    others = [model for model in table.index if model not in BASELINES]
    styles = {}
    sizes = np.linspace(*MARKER_SIZES, len(table))
    for model, size, width in zip(table.index, sizes, _widths(table), strict=True):
        if model in BASELINES:
            color, (marker, line) = mpl.rcParams["text.color"], BASELINES[model]
        else:
            place = others.index(model)
            color, marker, line = COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)], "-"
        styles[model] = {
            "color": color,
            "marker": marker,
            "linestyle": line,
            "linewidth": width,
            "zorder": 3 - width / 10,  # wide lines below, or they would hide others that cross
            "markersize": size,
            "markerfacecolor": "none",
        }
    return styles


def _widths(table: pd.DataFrame) -> list[float]:
    """Return the widths of lines: wider by as many as are drawn upon them."""
    heights = table[list(HIDDEN)].to_numpy(np.float64)
    near = COINCIDING * max(np.ptp(heights), 0.05)
    return [
        1.5 + 2.5 * int((np.abs(heights[place + 1 :] - own) <= near).all(axis=1).sum())
        for place, own in enumerate(heights)
    ]
