"""A picture of the least usual rows of a table, in which the cells that make them so stand out."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._validation import RandomState, check_count
from ..density import BaseDensity, Surprise
from ._cells import (
    FONT_SIZES,
    LUMINANCE,
    WIDTH_OF_LETTER,
    new_axes,
    room_for_names,
    shortened,
    size_of_cells,
)

LEAST_SHOWN = 1e-4  # tail probability from which on the colour is the darkest
LONGEST_NAME = 24  # letters of the names of columns and rows
LEAST_LETTERS = 5  # of a text that is cut short


class SurpriseDisplay:
    """The least usual rows of a table, each cell coloured by how unusual it is.

    Create it with :meth:`from_estimator` or :meth:`from_surprise`. The darker a cell, the smaller
    the probability that a draw from the density is as surprising there; missing cells are hatched.
    Values are written in the cells that have room for them. Names of rows and columns need room,
    too, which a figure with ``layout="constrained"`` makes.

    Parameters
    ----------
    surprise : Surprise
        What ``surprise`` of a density returned.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, set by :meth:`plot`.
    ax_ : matplotlib Axes
        The axes with the cells.
    mesh_ : matplotlib QuadMesh
        The cells.
    colorbar_ : matplotlib Colorbar
        The scale of colours.

    See Also
    --------
    Surprise : The numbers that are plotted here.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import GaussianDensity, SurpriseDisplay
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> X[7, 1] = 9
    >>> density = GaussianDensity().fit(X)
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = SurpriseDisplay.from_estimator(density, X, n_rows=5, random_state=0, ax=ax)
    >>> display.ax_.get_yticklabels()[0].get_text()
    '7'
    """

    figure_: Any
    ax_: Any
    mesh_: Any
    colorbar_: Any

    def __init__(self, surprise: Surprise) -> None:
        self.surprise = surprise

    @classmethod
    def from_estimator(
        cls,
        density: BaseDensity,
        X: ArrayLike,
        *,
        n_rows: int = 30,
        n_samples: int = 1000,
        random_state: RandomState = None,
        out_of_bag: bool | None = None,
        ax: Any = None,
    ) -> Self:
        """Measure the surprise of a table, and plot it.

        Parameters
        ----------
        density : density estimator
            A fitted density.
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        n_rows : int, default=30
            Number of rows to show, at most.
        n_samples : int, default=1000
            Number of rows to draw from the density for the tail probabilities.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness for the draws.
        out_of_bag : bool or None, default=None
            Whether members of the density that have not learned from a row judge it; see
            ``surprise`` of a density.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : SurpriseDisplay
            The plot.
        """
        surprise = density.surprise(X, n_samples, random_state, out_of_bag=out_of_bag)
        return cls(surprise).plot(n_rows=n_rows, ax=ax)

    @classmethod
    def from_surprise(cls, surprise: Surprise, *, n_rows: int = 30, ax: Any = None) -> Self:
        """Plot what ``surprise`` of a density returned.

        Parameters
        ----------
        surprise : Surprise
            The result.
        n_rows : int, default=30
            Number of rows to show, at most.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : SurpriseDisplay
            The plot.
        """
        return cls(surprise).plot(n_rows=n_rows, ax=ax)

    def plot(self, *, n_rows: int = 30, ax: Any = None) -> Self:
        """Plot the rows of the smallest tail probabilities, the least usual first.

        Parameters
        ----------
        n_rows : int, default=30
            Number of rows to show, at most.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : SurpriseDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``n_rows`` is not an integer of 1 or more.
        ImportError
            If matplotlib is not installed.
        """
        n_rows = check_count(n_rows, "n_rows")
        rows = self.surprise.rows.reset_index(drop=True)
        order = rows.sort_values(["tail_probability", "log_prob"], kind="stable").index[:n_rows]
        cells = self.surprise.cell_tails.iloc[order]
        n_rows, n_columns = cells.shape
        size = np.clip(2.5 + 0.75 * n_columns, 6, 16), np.clip(1.5 + 0.22 * n_rows, 3, 20)
        self.ax_ = new_axes(*map(float, size)) if ax is None else ax
        self.figure_ = self.ax_.figure
        self._draw_cells(cells.to_numpy())
        self._name_rows_and_columns(cells)
        self._write_values(self.surprise.values.iloc[order], cells.to_numpy())
        return self

    def _draw_cells(self, tails: np.ndarray) -> None:
        import matplotlib as mpl

        ax, shown = self.ax_, np.ma.masked_invalid(np.maximum(tails, LEAST_SHOWN))
        norm = mpl.colors.LogNorm(LEAST_SHOWN, 1.0)
        ax.set_facecolor("0.93")
        ax.add_patch(
            mpl.patches.Rectangle(
                (0, 0), *tails.shape[::-1], facecolor="0.93", edgecolor="0.7", hatch="////", lw=0
            )
        )
        self.mesh_ = ax.pcolormesh(shown, norm=norm, cmap="YlOrRd_r")
        ax.invert_yaxis()
        self.colorbar_ = self.figure_.colorbar(self.mesh_, ax=ax, extend="min", pad=0.02)
        self.colorbar_.set_label("Tail probability")

    def _name_rows_and_columns(self, cells: Any) -> None:
        ax, (n_rows, n_columns) = self.ax_, cells.shape
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        width, height = size_of_cells(ax, n_rows, n_columns)
        size = float(np.clip(height * 0.7, *FONT_SIZES))
        n_letters = LONGEST_NAME
        if self.figure_.get_layout_engine() is None:  # nothing makes room for long names
            _, above = room_for_names(ax)
            n_letters = int(np.clip(above / (WIDTH_OF_LETTER * size), 3, n_letters))
        names = [shortened(name, n_letters) for name in cells.columns]
        longest = max(map(len, names)) * WIDTH_OF_LETTER * size
        every = max(1, math.ceil(1.3 * size / width))
        places = range(0, n_columns, every)
        ax.set_xticks(
            [place + 0.5 for place in places],
            [names[place] for place in places],
            rotation=90 if longest > 0.95 * width else 0,
            fontsize=size,
        )
        every = max(1, math.ceil(1.1 * size / height))
        places = range(0, n_rows, every)
        ax.set_yticks(
            [place + 0.5 for place in places],
            [shortened(cells.index[place], LONGEST_NAME) for place in places],
            fontsize=size,
        )
        ax.set_ylabel("Row, the least usual first")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)

    def _write_values(self, values: Any, tails: np.ndarray) -> None:
        width, height = size_of_cells(self.ax_, *tails.shape)  # without the room that names take
        if min(width, height) > 4:
            self.mesh_.set(edgecolor="white", linewidth=0.5)
        size = min(height * 0.7, FONT_SIZES[1])
        n_letters = int(0.9 * width / (WIDTH_OF_LETTER * size))
        if size < FONT_SIZES[0]:
            return
        colors = self.mesh_.cmap(self.mesh_.norm(np.maximum(tails, LEAST_SHOWN)))
        is_dark = colors[..., :3] @ LUMINANCE < 0.5
        for row, column in np.argwhere(~np.isnan(tails)):
            self.ax_.text(
                column + 0.5,
                row + 0.5,
                _fitting(values.iat[row, column], n_letters),
                horizontalalignment="center",
                verticalalignment="center",
                fontsize=size,
                color="white" if is_dark[row, column] else "black",
                clip_on=True,
                in_layout=False,
            )


def _fitting(value: Any, n_letters: int) -> str:
    """Return a value in a number of letters, or nothing where that would tell too little."""
    if isinstance(value, float | np.floating):
        texts = [f"{value:.{digits}g}" for digits in (4, 3, 2)]
        return next((text for text in texts if len(text) <= n_letters), "")
    text = str(value).removesuffix(" 00:00:00")
    is_text = isinstance(value, str) and n_letters >= LEAST_LETTERS
    return shortened(text, n_letters) if is_text or len(text) <= n_letters else ""
