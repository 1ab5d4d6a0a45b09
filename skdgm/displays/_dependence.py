"""A picture of which columns belong together, and of the tree of the strongest dependences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from .._validation import RandomState
from ..density import BaseDensity
from ._cells import (
    FONT_SIZES,
    LUMINANCE,
    WIDTH_OF_LETTER,
    elided,
    new_axes,
    room_for_names,
    size_of_cells,
)
from ._information import (
    LEARNED,
    STRONGEST,
    check_information,
    edges_of,
    learned_edges,
)

if TYPE_CHECKING:
    import pandas as pd

LONGEST_NAME = 24  # letters of the names of columns


class DependenceDisplay:
    """The dependence of each pair of columns, with columns that belong together side by side.

    Create it with :meth:`from_estimator` or :meth:`from_information`. The colour of a cell is the
    informational correlation ``sqrt(1 - exp(-2 I))`` of the mutual information I, which is the
    absolute correlation of normals: 0 for independent columns, 1 where a number tells another, and
    less where the columns have few categories. Outlined is a tree: the one that the density has
    learned, or that of the largest sum of mutual information.

    Parameters
    ----------
    information : DataFrame of shape (n_columns, n_columns)
        What ``mutual_information`` of a density returned.
    edges : array-like of shape (n_edges, 2), default=None
        The pairs of columns to outline, by their places in ``information``; None finds the tree of
        the largest sum.

    Attributes
    ----------
    correlation_ : DataFrame of shape (n_columns, n_columns)
        What is plotted, in the order of the plot, set by :meth:`plot`; the diagonal holds NaN.
    edges_ : list of tuple
        The names of the columns of each pair that is outlined.
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes with the cells.
    mesh_ : matplotlib QuadMesh
        The cells.
    colorbar_ : matplotlib Colorbar
        The scale of colours.

    See Also
    --------
    ChowLiuTreeDensity : The density whose columns depend on one another along such a tree.

    References
    ----------
    .. [1] E. H. Linfoot, "An informational measure of correlation", Information and Control 1,
       1957.
    .. [2] C. K. Chow and C. N. Liu, "Approximating discrete probability distributions with
       dependence trees", IEEE Transactions on Information Theory 14, 1968.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import DependenceDisplay, GaussianDensity
    >>> X = np.random.default_rng(0).normal(size=(2000, 4))
    >>> X[:, 3] += 2 * X[:, 0]
    >>> density = GaussianDensity().fit(X)
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = DependenceDisplay.from_estimator(density, ax=ax)
    >>> round(float(display.correlation_.loc[0, 3]), 1)
    0.9
    """

    correlation_: pd.DataFrame
    edges_: list[tuple[Any, Any]]
    figure_: Any
    ax_: Any
    mesh_: Any
    colorbar_: Any

    def __init__(self, information: pd.DataFrame, edges: ArrayLike | None = None) -> None:
        self.information = information
        self.edges = edges

    @classmethod
    def from_estimator(
        cls,
        density: BaseDensity,
        columns: Sequence[int | str] | None = None,
        given: Sequence[int | str] | None = None,
        *,
        n_samples: int = 1000,
        random_state: RandomState = None,
        ax: Any = None,
    ) -> Self:
        """Compute the mutual information of columns, and plot it.

        Parameters
        ----------
        density : density estimator
            A fitted density.
        columns : sequence of int or str, default=None
            Columns by index or name; None takes all, but for those in ``given``.
        given : sequence of int or str, default=None
            Columns that are known.
        n_samples : int, default=1000
            Number of rows to draw where there is no exact sum.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness for these.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : DependenceDisplay
            The plot. A tree that the density has learned is outlined if it joins the columns shown,
            all of them and none given.
        """
        information = density.mutual_information(columns, given, n_samples, random_state)
        edges = learned_edges(density) if columns is None and not given else None
        return cls(information, edges).plot(ax=ax)

    @classmethod
    def from_information(
        cls, information: pd.DataFrame, *, edges: ArrayLike | None = None, ax: Any = None
    ) -> Self:
        """Plot what ``mutual_information`` of a density returned.

        Parameters
        ----------
        information : DataFrame of shape (n_columns, n_columns)
            The result.
        edges : array-like of shape (n_edges, 2), default=None
            The pairs of columns to outline, by their places in ``information``; None finds the tree
            of the largest sum.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : DependenceDisplay
            The plot.
        """
        return cls(information, edges).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Plot the dependences, with similar columns side by side.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : DependenceDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``information`` is no square table of mutual information, or an edge joins no two of
            its columns.
        ImportError
            If matplotlib is not installed.
        """
        information = check_information(self.information)
        edges = edges_of(self.edges, information)
        correlation = np.sqrt(-np.expm1(-2 * information))
        order = _by_similarity(correlation)
        np.fill_diagonal(correlation, np.nan)
        self.correlation_ = self.information.iloc[order, order].copy()
        self.correlation_.iloc[:, :] = correlation[np.ix_(order, order)]
        names = self.information.columns.tolist()
        self.edges_ = [(names[i], names[j]) for i, j in edges.tolist()]
        written = [str(names[place]) for place in order]
        self.ax_ = _large_axes(written) if ax is None else ax
        self.figure_ = self.ax_.figure
        self._draw_cells()
        self._name_columns(written)
        self._mark(np.argsort(order)[edges])
        return self

    def _draw_cells(self) -> None:
        ax, shown = self.ax_, np.ma.masked_invalid(self.correlation_.to_numpy())
        ax.set_facecolor("0.93")
        lines = {"edgecolor": "white", "linewidth": 0.5} if len(shown) <= 60 else {}
        self.mesh_ = ax.pcolormesh(shown, vmin=0, vmax=1, cmap="YlOrRd", **lines)
        ax.invert_yaxis()
        self.colorbar_ = self.figure_.colorbar(self.mesh_, ax=ax, pad=0.02)
        self.colorbar_.set_label("Informational correlation")

    def _name_columns(self, names: list[str]) -> None:
        ax, n_columns = self.ax_, len(names)
        ax.xaxis.tick_top()
        width, height = size_of_cells(ax, n_columns, n_columns)
        size = float(np.clip(min(width, height) * 0.7, *FONT_SIZES))
        n_letters = LONGEST_NAME
        if self.figure_.get_layout_engine() is None:  # nothing makes room for long names
            room = min(room_for_names(ax))
            n_letters = int(np.clip(room / (WIDTH_OF_LETTER * size), 3, n_letters))
        names = [elided(name, n_letters) for name in names]
        every = max(1, math.ceil(1.1 * size / min(width, height)))
        places = range(0, n_columns, every)
        longest = max(map(len, names)) * WIDTH_OF_LETTER * size
        marks, labels = [place + 0.5 for place in places], [names[place] for place in places]
        rotation = 90 if longest > 0.95 * width else 0
        ax.set_xticks(marks, labels, rotation=rotation, fontsize=size)
        ax.set_yticks(marks, labels, fontsize=size)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)

    def _mark(self, edges: np.ndarray) -> None:
        """Outline the cells of edges, and write values where there is room."""
        width, height = size_of_cells(self.ax_, *self.correlation_.shape)
        self._outline(edges, min(width, height))
        self._write_values(width, height)

    def _outline(self, edges: np.ndarray, size: float) -> None:
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Patch, Rectangle

        cells = np.concatenate([edges, edges[:, ::-1]])
        width = float(np.clip(size / 10, 0.5, 1.5))
        style: dict[str, Any] = {"facecolor": "none", "edgecolor": "black", "linewidth": width}
        boxes = [Rectangle((column + 0.06, row + 0.06), 0.88, 0.88) for row, column in cells]
        self.ax_.add_collection(PatchCollection(boxes, **style))
        if len(edges):
            self.ax_.legend(
                handles=[Patch(label=STRONGEST if self.edges is None else LEARNED, **style)],
                loc="upper center",
                bbox_to_anchor=(0.5, 0.0),
                frameon=False,
                fontsize=FONT_SIZES[1],
            )

    def _write_values(self, width: float, height: float) -> None:
        size = min(height * 0.5, 0.75 * width / (4 * WIDTH_OF_LETTER), FONT_SIZES[1])
        if size < FONT_SIZES[0]:
            return
        values = self.correlation_.to_numpy()
        is_dark = self.mesh_.cmap(values)[..., :3] @ LUMINANCE < 0.5
        for row, column in np.argwhere(~np.isnan(values)):
            self.ax_.text(
                column + 0.5,
                row + 0.5,
                f"{values[row, column]:.2f}",
                horizontalalignment="center",
                verticalalignment="center",
                fontsize=size,
                color="white" if is_dark[row, column] else "black",
                clip_on=True,
                in_layout=False,
            )


# ---------------------------------------------------------------------- the order of columns
def _by_similarity(correlation: np.ndarray) -> np.ndarray:
    """Return the columns in an order that has those of large correlations side by side."""
    if len(correlation) < 3:
        return np.arange(len(correlation))
    distance = 1 - (correlation + correlation.T) / 2
    np.fill_diagonal(distance, 0.0)
    merged = linkage(squareform(distance), method="average", optimal_ordering=True)
    return leaves_list(merged).astype(np.intp)


# ---------------------------------------------------------------------- names and axes
def _large_axes(names: list[str]) -> Any:
    """Return axes of a new figure that is large enough for cells and names."""
    side = float(np.clip(0.55 * len(names), 3, 0.2 * max(len(names), 40)))
    n_letters = min(LONGEST_NAME, max(map(len, names)))
    of_names = WIDTH_OF_LETTER * FONT_SIZES[1] * n_letters / 72
    width, height = np.clip([side + of_names + 1.2, side + of_names + 0.5], 4, 24).tolist()
    return new_axes(width, height)
