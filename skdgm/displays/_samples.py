"""A picture of rows that a density draws: images side by side, or written cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._tables import rows_at
from .._validation import RandomState, check_n_samples, shown
from ._images import as_pixels, check_image_shape, draw_lines, find_limits, in_square, paint
from ._written import draw_cells, missing_in, texts_of


class SampleDisplay:
    """Rows drawn from a density, or any others, as a grid of images or a table of written cells.

    Create it with :meth:`from_estimator` or :meth:`from_rows`. Missing pixels and cells are blue.

    Parameters
    ----------
    rows : array-like of shape (n_rows, n_features), or mapping of names to such tables
        The rows. Those of a mapping stand in lines with names: a line of images for each table.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        The shape of the image that a row holds, line by line; 3 stands for red, green and blue.
        None writes the cells of the rows.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, set by :meth:`plot`.
    ax_ : matplotlib Axes
        The axes with the rows.
    image_ : matplotlib AxesImage or None
        The canvas that holds all images.
    corners_ : ndarray of shape (n_lines, n_columns, 2) or None
        Row and column on the canvas of the first pixel of each image.
    texts_ : list of lists of matplotlib Text or None
        The written cells, row by row.

    See Also
    --------
    CompletionDisplay : What a density fills into rows with missing values.
    ComponentsDisplay : The mean of each component of a mixture.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_digits
    >>> from skdgm import BernoulliIndependentDensity, GenerativeClassifier, SampleDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = GenerativeClassifier(BernoulliIndependentDensity()).fit(X > 7, y)
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = SampleDisplay.from_estimator(
    ...     model, 5, y=[3, 8], image_shape=(8, 8), random_state=0, ax=ax
    ... )
    >>> display.corners_.shape  # a line of five images for each class
    (2, 5, 2)
    """

    figure_: Any
    ax_: Any
    image_: Any
    corners_: np.ndarray | None
    texts_: list[list[Any]] | None

    def __init__(
        self,
        rows: ArrayLike | Mapping[Any, ArrayLike],
        image_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.rows = rows
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        density: Any,
        n_samples: int = 25,
        *,
        image_shape: tuple[int, ...] | None = None,
        y: Any = None,
        limits: tuple[float, float] | None = None,
        cmap: str = "gray_r",
        random_state: RandomState = None,
        ax: Any = None,
    ) -> Self:
        """Draw rows from a density, or from each class of a classifier, and plot them.

        Parameters
        ----------
        density : density estimator or GenerativeClassifier
            A fitted density, or a fitted classifier that draws rows of given classes.
        n_samples : int, default=25
            Number of rows to draw; from a classifier, for each class.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            The shape of the image that a row holds; None writes the cells of the rows.
        y : label or array-like of labels, default=None
            The classes to draw from, if ``density`` is a classifier; None takes all.
        limits : tuple of two floats, default=None
            The values of pixels at the ends of the scale of colours; None takes the smallest and
            the largest that are drawn.
        cmap : str, default="gray_r"
            Colours of grey images: by default white is the smallest value.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : SampleDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``density`` draws no rows.
        ValueError
            If ``y`` is given for a density that knows no classes.
        """
        if not hasattr(density, "sample"):
            raise TypeError(
                "density must be a fitted density or generative classifier, which have a method "
                f"sample; got {shown(density)}."
            )
        n_samples = check_n_samples(n_samples)
        rows: Any
        if hasattr(density, "classes_"):
            labels = density.classes_ if y is None else np.atleast_1d(np.asarray(y))
            each = np.repeat(labels, n_samples)
            drawn, _ = density.sample(len(each), y=each, random_state=random_state)
            places = np.arange(len(each)).reshape(-1, n_samples)
            rows = {
                label: rows_at(drawn, own)
                for label, own in zip(labels.tolist(), places, strict=True)
            }
        elif y is None:
            rows = density.sample(n_samples, random_state=random_state)
        else:
            raise ValueError(
                f"y must be None, as {type(density).__name__} knows no classes; fit a "
                "GenerativeClassifier of it to draw rows of given classes."
            )
        return cls(rows, image_shape).plot(limits=limits, cmap=cmap, ax=ax)

    @classmethod
    def from_rows(
        cls,
        rows: ArrayLike | Mapping[Any, ArrayLike],
        *,
        image_shape: tuple[int, ...] | None = None,
        limits: tuple[float, float] | None = None,
        cmap: str = "gray_r",
        ax: Any = None,
    ) -> Self:
        """Plot rows of a table, or lines of such rows that have names.

        Parameters
        ----------
        rows : array-like of shape (n_rows, n_features), or mapping of names to such tables
            The rows; NaN is a missing value.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            The shape of the image that a row holds; None writes the cells of the rows.
        limits : tuple of two floats, default=None
            The values of pixels at the ends of the scale of colours; None takes the smallest and
            the largest of all rows.
        cmap : str, default="gray_r"
            Colours of grey images: by default white is the smallest value.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : SampleDisplay
            The plot.
        """
        return cls(rows, image_shape).plot(limits=limits, cmap=cmap, ax=ax)

    def plot(
        self,
        *,
        limits: tuple[float, float] | None = None,
        cmap: str = "gray_r",
        ax: Any = None,
    ) -> Self:
        """Plot the rows.

        Parameters
        ----------
        limits : tuple of two floats, default=None
            The values of pixels at the ends of the scale of colours; None takes the smallest and
            the largest of all rows.
        cmap : str, default="gray_r"
            Colours of grey images: by default white is the smallest value.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : SampleDisplay
            The display itself.

        Raises
        ------
        ValueError
            If there are no rows, or ``image_shape`` or ``limits`` do not fit.
        ImportError
            If matplotlib is not installed.
        """
        tables = dict(self.rows) if isinstance(self.rows, Mapping) else {"": self.rows}
        if not tables:
            raise ValueError("rows must hold one table or more, got an empty mapping.")
        self.image_ = self.corners_ = self.texts_ = None
        if self.image_shape is None:
            self._write(tables, ax)
        else:
            self._draw_images(tables, self.image_shape, limits, cmap, ax)
        self.figure_ = self.ax_.figure
        return self

    def _draw_images(
        self, tables: dict[Any, Any], image_shape: Any, limits: Any, cmap: str, ax: Any
    ) -> None:
        pixels = [as_pixels(table, "rows") for table in tables.values()]
        shapes = [check_image_shape(image_shape, rows.shape[1]) for rows in pixels]
        ends = find_limits(pixels, limits)
        lines = [paint(rows, shapes[0], ends, cmap) for rows in pixels]
        names = [str(name) for name in tables]
        if not isinstance(self.rows, Mapping):
            lines, names = in_square(lines[0]), []
        self.image_, self.corners_ = draw_lines(lines, names, ax=ax)
        self.ax_ = self.image_.axes

    def _write(self, tables: dict[Any, Any], ax: Any) -> None:
        cells, labels, masks = [], [], []
        for name, table in tables.items():
            columns, index, rows = texts_of(table)
            if not rows:
                raise ValueError("rows must hold one row or more, got none.")
            cells += rows
            masks.append(missing_in(table))
            firsts = [str(name), *[""] * (len(rows) - 1)]
            known = isinstance(self.rows, Mapping)
            labels += [[first] for first in firsts] if known else [[label] for label in index]
        self.texts_ = draw_cells(columns, labels, cells, np.concatenate(masks), ax=ax)
        self.ax_ = self.texts_[0][0].axes
