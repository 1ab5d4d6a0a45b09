"""A picture of a tree over the columns: lines between pixels, or names that branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.csgraph import breadth_first_order, connected_components, shortest_path

from .._validation import RandomState, shown
from ._cells import TEXT, WIDTH_OF_LETTER, new_axes, shortened
from ._images import check_image_shape
from ._information import (
    LEARNED,
    STRONGEST,
    check_information,
    edges_of,
    learned_edges,
)

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 40  # letters of a name
LINE, INDENT = 0.27, 0.35  # inches of a name and of a level
WIDTHS = (0.6, 5.0)  # points of edges from no information to the most
COLORS = ("#c3d9ee", "#062a60")
BEND = 0.18  # of long edges between pixels, in parts of their length


class TreeDisplay:
    """The tree along which the columns of a density depend on one another.

    Create it with :meth:`from_estimator`. Edges are the wider and the darker, the larger the mutual
    information of their two columns. They join pixels of an image, or the names of columns, each
    below the one that it hangs on, with a column in the middle of the tree on top.

    Parameters
    ----------
    information : DataFrame of shape (n_columns, n_columns)
        What ``mutual_information`` of a density returned.
    edges : array-like of shape (n_edges, 2), default=None
        The pairs of columns to join, by their places in ``information``; None finds the tree of the
        largest sum.
    image_shape : tuple (height, width), default=None
        The shape of the image whose pixels the columns are, line by line; None writes the names of
        the columns.

    Attributes
    ----------
    edges_ : list of tuple
        The names of the columns of each pair that is joined.
    information_ : ndarray of shape (n_edges,)
        The mutual information of each pair, in nats.
    places_ : ndarray of shape (n_columns, 2)
        Where each column is drawn, from the left and from the top: pixels, or levels and lines.
    figure_ : matplotlib Figure
        The figure, set by :meth:`plot`.
    ax_ : matplotlib Axes
        The axes with the tree.
    lines_ : matplotlib LineCollection
        A line for each edge, in the order of ``edges_``.
    colorbar_ : matplotlib Colorbar
        The scale of their colours.

    See Also
    --------
    DependenceDisplay : The dependence of all pairs of columns.
    ChowLiuTreeDensity : The density whose columns depend on one another along such a tree.

    References
    ----------
    .. [1] C. K. Chow and C. N. Liu, "Approximating discrete probability distributions with
       dependence trees", IEEE Transactions on Information Theory 14, 1968.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import ChowLiuTreeDensity, TreeDisplay
    >>> rain = np.repeat([0, 1], 50)
    >>> wet, slippery = np.roll(rain, 5), np.roll(rain, 10)
    >>> tree = ChowLiuTreeDensity().fit(np.column_stack([rain, wet, slippery]))
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = TreeDisplay.from_estimator(tree, ax=ax)
    >>> sorted(sorted(edge) for edge in display.edges_)
    [[0, 1], [1, 2]]
    """

    edges_: list[tuple[Any, Any]]
    information_: np.ndarray
    places_: np.ndarray
    figure_: Any
    ax_: Any
    lines_: Any
    colorbar_: Any

    def __init__(
        self,
        information: pd.DataFrame,
        edges: ArrayLike | None = None,
        image_shape: tuple[int, int] | None = None,
    ) -> None:
        self.information = information
        self.edges = edges
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        tree: Any,
        *,
        image_shape: tuple[int, int] | None = None,
        n_samples: int = 1000,
        random_state: RandomState = None,
        ax: Any = None,
    ) -> Self:
        """Plot the tree that a density has learned, or that of the strongest dependences.

        Parameters
        ----------
        tree : density estimator
            A fitted :class:`ChowLiuTreeDensity` or :class:`HiddenChowLiuTreeDensity`, of which the
            learned tree is plotted, or any other density, of which the tree of the largest sum of
            mutual information is.
        image_shape : tuple (height, width), default=None
            The shape of the image whose pixels the columns are; None writes the names of columns.
        n_samples : int, default=1000
            Number of rows to draw where mutual information has no exact sum.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness for these.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : TreeDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``tree`` is no density.
        """
        if not hasattr(tree, "mutual_information"):
            raise TypeError(
                f"tree must be a fitted density, such as a ChowLiuTreeDensity; got {shown(tree)}."
            )
        information = tree.mutual_information(n_samples=n_samples, random_state=random_state)
        return cls(information, learned_edges(tree), image_shape).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Plot the tree.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : TreeDisplay
            The display itself.

        Raises
        ------
        ValueError
            If ``information`` is no square table of mutual information, an edge joins no two of its
            columns, edges make no tree, or ``image_shape`` does not fit.
        ImportError
            If matplotlib is not installed.
        """
        information = check_information(self.information)
        edges = edges_of(self.edges, information)
        names = self.information.columns.tolist()
        self.edges_ = [(names[i], names[j]) for i, j in edges.tolist()]
        self.information_ = information[edges[:, 0], edges[:, 1]]
        if self.image_shape is None:
            self._draw_names([shortened(str(name), LONGEST) for name in names], edges, ax)
        else:
            self._draw_pixels(edges, len(names), ax)
        self.figure_ = self.ax_.figure
        return self

    def _draw_pixels(self, edges: np.ndarray, n_columns: int, ax: Any) -> None:
        height, width, *colours = check_image_shape(self.image_shape, n_columns)
        if colours:
            raise ValueError(
                f"image_shape must be (height, width), as a column is a pixel of the tree; got "
                f"{self.image_shape!r}."
            )
        row, column = np.divmod(np.arange(n_columns), width)
        self.places_ = np.column_stack([column, row])
        if ax is None:
            ax = new_axes(5.4, float(np.clip(3.8 * height / width + 0.85, 2, 10)))
        self.ax_ = ax
        title = STRONGEST if self.edges is None else LEARNED
        self.ax_.set_title(title, fontsize=TEXT + 1)
        self._draw_lines([_bent(*ends) for ends in self.places_[edges].astype(float)])
        self._draw_colorbar("Mutual information (nats)", location="right", pad=0.02)
        size = max(1.0, 90 / max(height, width))
        self.ax_.scatter(column, row, s=size, color="black", zorder=3)
        self.ax_.set(xlim=(-0.7, width - 0.3), ylim=(height - 0.3, -0.7), aspect="equal")
        self.ax_.set_xlabel("Column of pixels", fontsize=TEXT)
        self.ax_.set_ylabel("Row of pixels", fontsize=TEXT)
        self.ax_.tick_params(labelsize=TEXT)
        for axis in (self.ax_.xaxis, self.ax_.yaxis):
            axis.get_major_locator().set_params(integer=True)

    def _draw_names(self, names: list[str], edges: np.ndarray, ax: Any) -> None:
        self.places_, parents = _indented(edges, len(names))
        depth = int(self.places_[:, 0].max())
        letters = max(
            place * INDENT * 72 / (WIDTH_OF_LETTER * TEXT) + len(name)
            for (place, _), name in zip(self.places_, names, strict=True)
        )
        if ax is None:
            width = letters * WIDTH_OF_LETTER * TEXT / 72 + 0.4
            ax = new_axes(float(max(width, 3.6)), float(LINE * len(names) + 1.1))
        self.ax_ = ax
        right = letters * WIDTH_OF_LETTER * TEXT / 72 / INDENT
        ax.set(xlim=(-0.3, max(right, depth) + 0.3), ylim=(len(names) - 0.4, -0.6))
        ax.set_axis_off()
        ends = []
        for one, two in edges:
            child = two if parents[two] == one else one
            (left, top), (x, y) = self.places_[parents[child]], self.places_[child]
            ends.append([(left, top + 0.3), (left, y), (x - 0.15, y)])
        self._draw_lines(ends)
        title = STRONGEST if self.edges is None else LEARNED
        self._draw_colorbar(f"{title},\nwith the mutual information in nats", location="top")
        size = float(
            min(TEXT, 0.85 * ax.get_window_extent().height * 72 / ax.figure.dpi / len(names))
        )
        for (x, y), name in zip(self.places_, names, strict=True):
            ax.text(x - 0.1, y, name, va="center", fontsize=size, parse_math=False, clip_on=True)

    def _draw_lines(self, ends: Any) -> None:
        from matplotlib.collections import LineCollection
        from matplotlib.colors import LinearSegmentedColormap

        largest = max(self.information_[np.isfinite(self.information_)], default=0.0) or 1.0
        shown_information = np.minimum(self.information_, largest)
        low, high = WIDTHS
        self.lines_ = LineCollection(
            [np.asarray(points, dtype=float) for points in ends],
            linewidths=low + (high - low) * shown_information / largest,
            cmap=LinearSegmentedColormap.from_list("information", list(COLORS)),
            capstyle="butt",
        )
        self.lines_.set(array=shown_information, clim=(0, largest))
        self.ax_.add_collection(self.lines_)

    def _draw_colorbar(self, label: str, **place: Any) -> None:
        self.colorbar_ = self.ax_.figure.colorbar(self.lines_, ax=self.ax_, **place)
        self.colorbar_.set_label(label, fontsize=TEXT)
        self.colorbar_.ax.tick_params(labelsize=TEXT)


def _bent(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the points of an edge, which passes by the pixels between its ends if it is long."""
    way = end - start
    if np.abs(way).max() <= 1:
        return np.stack([start, end])
    share = np.linspace(0, 1, 21)[:, np.newaxis]
    aside = BEND * np.array([way[1], -way[0]])
    return start + share * way + 4 * share * (1 - share) * aside / 2


def _indented(edges: np.ndarray, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the level and the line of each column, and its parent from the middle of the tree.

    Trees of a forest follow one another, the largest first; so do branches, the smallest first.
    """
    links = np.zeros((n_columns, n_columns))
    links[edges[:, 0], edges[:, 1]] = links[edges[:, 1], edges[:, 0]] = 1
    n_trees, tree_of = connected_components(links, directed=False)
    if len(edges) != n_columns - n_trees:
        raise ValueError("edges must make a tree, but some of them close a circle.")
    distances = shortest_path(links, unweighted=True, directed=False)
    eccentricity = np.where(np.isfinite(distances), distances, -1).max(axis=1)
    places, parents = np.zeros((n_columns, 2), dtype=int), np.full(n_columns, -1)
    n_lines = 0
    for tree in np.argsort(-np.bincount(tree_of), kind="stable"):
        members = np.flatnonzero(tree_of == tree)
        root = members[eccentricity[members].argmin()]
        order, predecessors = breadth_first_order(links, root, directed=False)
        parents[order[1:]] = predecessors[order[1:]]
        sizes = np.ones(n_columns, dtype=int)
        for column in order[:0:-1]:
            sizes[parents[column]] += sizes[column]
        stack = [(int(root), 0)]
        while stack:
            column, level = stack.pop()
            places[column] = level, n_lines
            n_lines += 1
            children = [child for child in order if parents[child] == column]
            children.sort(key=lambda child: sizes[child])
            stack += [(int(child), level + 1) for child in children[::-1]]
    return places, parents
