"""A picture of what belongs in the holes of rows: the mean, the mode and several draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._validation import RandomState, check_count, shown
from ._images import as_pixels, check_image_shape, draw_lines, find_limits, paint
from ._written import draw_cells, missing_in, texts_of

SEEN = "seen"


class CompletionDisplay:
    """Rows with missing values, and completions of them.

    Create it with :meth:`from_estimator`. Images stand in lines, one for each completion, with
    missing pixels blue and those filled in from pale to dark blue. Rows of other tables are
    written, each with the cells filled in below it, on blue.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows with missing values.
    completions : mapping of names to tables like X
        Completions of the rows, in the order to show them.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        The shape of the image that a row holds, line by line; 3 stands for red, green and blue.
        None writes the cells of the rows.
    truth : array-like of shape (n_samples, n_features), default=None
        The rows without missing values, if they are known.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, set by :meth:`plot`.
    ax_ : matplotlib Axes
        The axes with the rows.
    image_ : matplotlib AxesImage or None
        The canvas that holds all images.
    corners_ : ndarray of shape (n_lines, n_samples, 2) or None
        Row and column on the canvas of the first pixel of each image.
    texts_ : list of lists of matplotlib Text or None
        The written cells: the lines of the first row of X, and so on.

    See Also
    --------
    SampleDisplay : Rows drawn from a density.
    DensityImputer : Completes tables in a pipeline.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import CompletionDisplay, GaussianDensity
    >>> X = np.random.default_rng(0).normal(size=(100, 1)) * [1.0, 2.0] + [0.0, 10.0]
    >>> density = GaussianDensity().fit(X)
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = CompletionDisplay.from_estimator(
    ...     density, [[1.0, np.nan]], n_draws=2, random_state=0, ax=ax
    ... )
    >>> list(display.completions)
    ['mean', 'most probable', 'draw 1', 'draw 2']
    >>> [line[1].get_text() for line in display.texts_[:2]]  # seen, and the mean
    ['', '12']
    """

    figure_: Any
    ax_: Any
    image_: Any
    corners_: np.ndarray | None
    texts_: list[list[Any]] | None

    def __init__(
        self,
        X: ArrayLike,
        completions: Mapping[str, ArrayLike],
        image_shape: tuple[int, ...] | None = None,
        truth: ArrayLike | None = None,
    ) -> None:
        self.X = X
        self.completions = completions
        self.image_shape = image_shape
        self.truth = truth

    @classmethod
    def from_estimator(
        cls,
        density: Any,
        X: ArrayLike,
        *,
        n_draws: int = 3,
        image_shape: tuple[int, ...] | None = None,
        truth: ArrayLike | None = None,
        limits: tuple[float, float] | None = None,
        cmap: str = "gray_r",
        random_state: RandomState = None,
        ax: Any = None,
    ) -> Self:
        """Complete rows by their mean, their most probable completion and draws, and plot these.

        Parameters
        ----------
        density : density estimator or GenerativeClassifier
            A fitted density, or a fitted classifier, which completes rows whatever their classes.
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        n_draws : int, default=3
            Number of draws of each row.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            The shape of the image that a row holds; None writes the cells of the rows.
        truth : array-like of shape (n_samples, n_features), default=None
            The rows without missing values, if they are known, to show first.
        limits : tuple of two floats, default=None
            The values of pixels at the ends of the scale of colours; None takes the smallest and
            the largest that are shown.
        cmap : str, default="gray_r"
            Colours of grey images: by default white is the smallest value.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness for the draws.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : CompletionDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``density`` completes no rows.
        ValueError
            If ``n_draws`` is not an integer of 1 or more.
        """
        if not hasattr(density, "conditional_sample"):
            raise TypeError(
                "density must be a fitted density or generative classifier, which complete rows; "
                f"got {shown(density)}."
            )
        n_draws = check_count(n_draws, "n_draws")
        draws = density.conditional_sample(X, random_state, n_samples=n_draws)
        completions = {
            "mean": density.conditional_mean(X),
            "most probable": density.conditional_mode(X),
        } | {f"draw {place}": drawn for place, drawn in enumerate(draws, start=1)}
        return cls(X, completions, image_shape, truth).plot(limits=limits, cmap=cmap, ax=ax)

    def plot(
        self,
        *,
        limits: tuple[float, float] | None = None,
        cmap: str = "gray_r",
        ax: Any = None,
    ) -> Self:
        """Plot the rows and their completions.

        Parameters
        ----------
        limits : tuple of two floats, default=None
            The values of pixels at the ends of the scale of colours; None takes the smallest and
            the largest that are shown.
        cmap : str, default="gray_r"
            Colours of grey images: by default white is the smallest value.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : CompletionDisplay
            The display itself.

        Raises
        ------
        ValueError
            If a completion or the truth has another shape than X, or ``image_shape`` or ``limits``
            do not fit.
        ImportError
            If matplotlib is not installed.
        """
        truth = {} if self.truth is None else {"true": self.truth}
        tables = truth | {SEEN: self.X} | dict(self.completions)
        for name, table in tables.items():
            if np.shape(table) != np.shape(self.X):
                argument = "truth" if name == "true" else f"completions[{name!r}]"
                raise ValueError(
                    f"{argument} must have the shape of X, {np.shape(self.X)}, got "
                    f"{np.shape(table)}."
                )
        if not np.shape(self.X)[0]:
            raise ValueError("X must hold one row or more, got none.")
        self.image_ = self.corners_ = self.texts_ = None
        if self.image_shape is None:
            self._write(tables, ax)
        else:
            self._draw_images(tables, limits, cmap, ax)
        self.figure_ = self.ax_.figure
        return self

    def _draw_images(self, tables: dict[str, Any], limits: Any, cmap: str, ax: Any) -> None:
        pixels = {name: as_pixels(table, name) for name, table in tables.items()}
        shape = check_image_shape(self.image_shape, pixels[SEEN].shape[1])
        ends = find_limits(list(pixels.values()), limits)
        filled = np.isnan(pixels[SEEN])
        lines = [
            paint(rows, shape, ends, cmap, None if name == "true" else filled)
            for name, rows in pixels.items()
        ]
        self.image_, self.corners_ = draw_lines(lines, list(tables), ax=ax)
        self.ax_ = self.image_.axes

    def _write(self, tables: dict[str, Any], ax: Any) -> None:
        columns, index, _ = texts_of(self.X)
        filled = missing_in(self.X)
        written = {name: texts_of(table)[2] for name, table in tables.items()}
        labels, cells, masks = [], [], []
        for place, label in enumerate(index):
            for line, (name, rows) in enumerate(written.items()):
                if name not in ("true", SEEN) and not filled[place].any():
                    continue  # nothing to complete
                labels.append(["" if line else label, name])
                told = filled[place] | (name in ("true", SEEN))  # the others are as they were
                cells.append(np.where(told, rows[place], "").tolist())
                masks.append(filled[place] & (name != "true"))
        self.texts_ = draw_cells(columns, labels, cells, np.array(masks), ax=ax)
        self.ax_ = self.texts_[0][0].axes
