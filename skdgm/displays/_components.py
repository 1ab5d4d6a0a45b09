"""A picture of the components of a mixture: how often each occurs, and what it is like."""

from __future__ import annotations

import datetime
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._tables import as_pandas, import_pandas
from .._validation import shown
from ._cells import LUMINANCE, TEXT, WIDTH_OF_LETTER, elided, new_axes, size_of_cells
from ._images import LARGEST, WIDTH, check_image_shape, draw_lines, find_limits, in_square, paint
from ._written import written

LONGEST_NAME = 30  # letters
SMALLEST = 8.5  # points of values that are written in cells
DAYS = 365.2425  # of a year
CATEGORIES = ("binary", "categorical")  # kinds of columns of a table that are shown by their values
UNTOLD = ("identifier", "constant")  # kinds that tell components nothing
ROOM = 18  # points above an image for its weight


class ComponentsDisplay:
    """The weight and the mean of each component of a mixture, the largest first.

    Create it with :meth:`from_estimator`. The means are drawn as images, or as the cells of a heat
    map, of which the colour tells how far the mean of a component is from that of the mixture, in
    standard deviations of the column. A column of categories of a :class:`TableDensity` has a line
    for each of its values, with the probability, and dates are years.

    Parameters
    ----------
    weights : array-like of shape (n_components,)
        Probability of each component.
    means : array-like of shape (n_components, n_features)
        The mean of each component.
    deviations : array-like of shape (n_features,), default=None
        The standard deviation of each column under the mixture, for heat maps.
    names : sequence of str, default=None
        Names of the columns; None numbers them.
    image_shape : tuple (height, width) or (height, width, 3), default=None
        The shape of the image that a mean holds, line by line; 3 stands for red, green and blue.
        None draws a heat map.

    Attributes
    ----------
    order_ : ndarray of shape (n_components,)
        The components in the order of the plot, set by :meth:`plot`.
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes with the components.
    image_ : matplotlib AxesImage or None
        The canvas that holds all images.
    corners_ : ndarray of shape (n_lines, n_columns, 2) or None
        Row and column on the canvas of the first pixel of each image.
    mesh_ : matplotlib QuadMesh or None
        The cells of the heat map, a line for each column of the table.
    colorbar_ : matplotlib Colorbar or None
        The scale of its colours.

    See Also
    --------
    MixtureDensity : The density that has components.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import BernoulliIndependentDensity, ComponentsDisplay, MixtureDensity
    >>> X = np.repeat([[0, 0, 1, 1], [1, 1, 0, 0]], [60, 20], axis=0)
    >>> mixture = MixtureDensity(BernoulliIndependentDensity(), random_state=0).fit(X)
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = ComponentsDisplay.from_estimator(mixture, image_shape=(2, 2), ax=ax)
    >>> [text.get_text() for text in display.ax_.texts]
    ['75 %', '25 %']
    """

    order_: np.ndarray
    figure_: Any
    ax_: Any
    image_: Any
    corners_: np.ndarray | None
    mesh_: Any
    colorbar_: Any

    def __init__(
        self,
        weights: ArrayLike,
        means: ArrayLike,
        deviations: ArrayLike | None = None,
        names: ArrayLike | None = None,
        image_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.weights = weights
        self.means = means
        self.deviations = deviations
        self.names = names
        self.image_shape = image_shape

    @classmethod
    def from_estimator(
        cls,
        mixture: Any,
        *,
        image_shape: tuple[int, ...] | None = None,
        limits: tuple[float, float] | None = None,
        cmap: str = "gray_r",
        ax: Any = None,
    ) -> Self:
        """Compute the mean of each component of a mixture, and plot them.

        Parameters
        ----------
        mixture : MixtureDensity
            A fitted mixture.
        image_shape : tuple (height, width) or (height, width, 3), default=None
            The shape of the image that a row holds; None draws a heat map of the columns.
        limits : tuple of two floats, default=None
            The values of pixels at the ends of the scale of colours; None takes the smallest and
            the largest mean.
        cmap : str, default="gray_r"
            Colours of grey images: by default white is the smallest value.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : ComponentsDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``mixture`` is no fitted mixture.
        """
        if not hasattr(mixture, "weights_") or not hasattr(mixture, "densities_"):
            raise TypeError(
                f"mixture must be a fitted MixtureDensity, got {shown(mixture)}; call its fit "
                "first, or fit a MixtureDensity of it."
            )
        names, means, deviations = _described(mixture)
        display = cls(mixture.weights_, means, deviations, names, image_shape)
        return display.plot(limits=limits, cmap=cmap, ax=ax)

    def plot(
        self,
        *,
        limits: tuple[float, float] | None = None,
        cmap: str = "gray_r",
        ax: Any = None,
    ) -> Self:
        """Plot the components.

        Parameters
        ----------
        limits : tuple of two floats, default=None
            The values of pixels at the ends of the scale of colours; None takes the smallest and
            the largest mean.
        cmap : str, default="gray_r"
            Colours of grey images: by default white is the smallest value.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : ComponentsDisplay
            The display itself.

        Raises
        ------
        ValueError
            If there is no mean for each weight, or ``image_shape`` or ``limits`` do not fit.
        ImportError
            If matplotlib is not installed.
        """
        weights = np.asarray(self.weights, dtype=np.float64)
        means = np.asarray(self.means, dtype=np.float64)
        if means.ndim != 2 or weights.shape != means.shape[:1] or not means.size:
            raise ValueError(
                f"means must hold a row for each of the weights, got shape {means.shape} and "
                f"weights of shape {weights.shape}."
            )
        self.order_ = np.argsort(-weights, kind="stable")
        self.image_ = self.corners_ = self.mesh_ = self.colorbar_ = None
        labels = [_percent(weight) for weight in weights[self.order_]]
        if self.image_shape is None:
            self._draw_cells(means[self.order_], weights[self.order_], labels, ax)
        else:
            self._draw_images(means[self.order_], labels, limits, cmap, ax)
        self.figure_ = self.ax_.figure
        return self

    # ------------------------------------------------------------------ images
    def _draw_images(
        self, means: np.ndarray, labels: list[str], limits: Any, cmap: str, ax: Any
    ) -> None:
        shape = check_image_shape(self.image_shape, means.shape[1])
        lines = in_square(paint(means, shape, find_limits([means], limits), cmap))
        width = WIDTH if ax is None else ax.get_window_extent().width / ax.figure.dpi
        of_image = min(LARGEST, width / len(lines[0])) * shape[0] / shape[1]  # inches
        self.image_, self.corners_ = draw_lines(lines, above=ROOM / 72 / of_image, ax=ax)
        self.ax_ = self.image_.axes
        corners = self.corners_.reshape(-1, 2)
        for (top, left), label in zip(corners, labels, strict=False):
            self.ax_.text(
                left + (shape[1] - 1) / 2,
                top - 0.5,
                label,
                ha="center",
                va="bottom",
                fontsize=TEXT,
                clip_on=False,
            )

    # ------------------------------------------------------------------ a heat map
    def _draw_cells(
        self, means: np.ndarray, weights: np.ndarray, labels: list[str], ax: Any
    ) -> None:
        n_components, n_columns = means.shape
        names = range(n_columns) if self.names is None else np.asarray(self.names).tolist()
        names = [elided(str(name), LONGEST_NAME) for name in names]
        scale = self._scale(n_columns)
        distance = (means - weights @ means / weights.sum()) / scale
        self.ax_ = _heat_map_axes(names, n_components) if ax is None else ax
        largest = max(float(np.abs(distance).max()), 0.1)
        self.mesh_ = self.ax_.pcolormesh(
            distance.T, vmin=-largest, vmax=largest, cmap="RdBu_r", edgecolor="white", linewidth=0.5
        )
        self.ax_.invert_yaxis()
        self.ax_.xaxis.tick_top()
        self.ax_.xaxis.set_label_position("top")
        self.ax_.set_xlabel("Components, with their weights", fontsize=TEXT)
        self.ax_.set_xticks(np.arange(n_components) + 0.5, labels, fontsize=TEXT)
        self.ax_.set_yticks(np.arange(n_columns) + 0.5, names, fontsize=TEXT)
        self.ax_.tick_params(length=0)
        self.ax_.spines[:].set_visible(False)
        self.colorbar_ = self.ax_.figure.colorbar(self.mesh_, ax=self.ax_, pad=0.02)
        self.colorbar_.set_label("Standard deviations\nfrom the mean of all", fontsize=TEXT)
        self._write_means(means)

    def _scale(self, n_columns: int) -> np.ndarray:
        deviations = np.ones(n_columns) if self.deviations is None else np.array(self.deviations)
        if deviations.shape != (n_columns,):
            raise ValueError(
                f"deviations must hold a number for each of the {n_columns} columns, got shape "
                f"{deviations.shape}."
            )
        return np.where(deviations > 0, deviations, 1.0)

    def _write_means(self, means: np.ndarray) -> None:
        width, height = size_of_cells(self.ax_, *means.T.shape)
        texts = [[_short(mean) for mean in line] for line in means]
        longest = max(len(text) for line in texts for text in line)
        size = min(TEXT, 0.7 * height, 0.9 * width / (WIDTH_OF_LETTER * longest))
        labels = max(self.ax_.get_xticklabels(), key=lambda label: len(label.get_text()))
        if width < WIDTH_OF_LETTER * TEXT * (len(labels.get_text()) + 1):
            self.ax_.tick_params(axis="x", rotation=90)
        if size < SMALLEST:
            return
        colors = self.mesh_.cmap(self.mesh_.norm(self.mesh_.get_array()))
        is_dark = colors.reshape(*means.T.shape, 4)[..., :3] @ LUMINANCE < 0.5
        for component, line in enumerate(texts):
            for column, text in enumerate(line):
                self.ax_.text(
                    component + 0.5,
                    column + 0.5,
                    text,
                    ha="center",
                    va="center",
                    fontsize=size,
                    color="white" if is_dark[column, component] else "black",
                    in_layout=False,
                )


def _described(mixture: Any) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return names of what is shown, its mean in each component, and its standard deviation.

    That is a column of numbers itself, and each value of a column of categories, with the mean as
    its probability.
    """
    names_in = getattr(mixture, "feature_names_in_", None)
    unknown: Any = np.full((1, mixture.n_features_in_), np.nan)
    if names_in is not None:
        unknown = import_pandas("A picture of components").DataFrame(unknown, columns=names_in)
    parts = mixture.densities_
    means = [_only_row(density.conditional_mean(unknown)) for density in parts]
    stds = _only_row(mixture.conditional_std(unknown))
    kinds = getattr(parts[0], "column_kinds_", {})
    labels = range(mixture.n_features_in_) if names_in is None else names_in.tolist()
    names: list[str] = []
    lines: list[list[float]] = []
    deviations: list[float] = []
    for place, label in enumerate(labels):
        kind = kinds.get(label)
        if kind in CATEGORIES:
            shares = [density.conditional_proba(unknown, place)[0] for density in parts]
            names += [f"{label} = {value}" for value in parts[0].categories_[place]]
            lines += np.transpose(shares).tolist()
            p = mixture.conditional_proba(unknown, place)[0]
            deviations += np.sqrt(p * (1 - p)).tolist()
        elif kind not in UNTOLD:
            values = [_number(mean[place]) for mean in means]
            is_date = isinstance(means[0][place], datetime.date)
            names.append(f"{label} (year)" if is_date else str(label))
            lines.append(values)
            deviations.append(_number(stds[place]) / (DAYS if is_date else 1))
    return names, np.transpose(lines), np.array(deviations)


def _only_row(table: Any) -> list[Any]:
    """Return the cells of a table of one row."""
    if isinstance(table, np.ndarray):
        return table[0].tolist()
    return [column.iloc[0] for _, column in as_pandas(table, "A picture of components").items()]


def _number(value: Any) -> float:
    """Return a number, the year of a date with its fraction, or the days of a duration."""
    if isinstance(value, datetime.date):
        day = datetime.datetime(value.year, value.month, value.day)
        return 1970 + (day - datetime.datetime(1970, 1, 1)).days / DAYS
    if isinstance(value, datetime.timedelta):
        return value.total_seconds() / 86400
    return float(value)


def _short(mean: float) -> str:
    return f"{mean:.3g}" if abs(mean) < 1000 else written(mean)


def _percent(weight: float) -> str:
    return f"{weight:.0%}".replace("%", " %") if weight >= 0.0995 else f"{100 * weight:.1f} %"


def _heat_map_axes(names: list[str], n_components: int) -> Any:
    of_names = WIDTH_OF_LETTER * TEXT * max(map(len, names)) / 72
    width = float(np.clip(of_names + 0.55 * n_components + 1.4, 4.5, 14))
    return new_axes(width, float(np.clip(0.9 + 0.3 * len(names), 2.8, 16)))
