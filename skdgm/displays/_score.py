"""A picture of how probable rows are, and of the threshold below which they are outliers."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._validation import shown
from ..density import BaseDensity
from ._cells import new_axes
from ._rows import FIRST, LINE, SECOND, check_fitted

LEAST_BINS, MOST_BINS = 10, 50
ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0)}  # of the axes
FAR = 10.0  # interquartile ranges below the lower quartile from which on scores share one bin


class ScoreDisplay:
    """A histogram of the scores of rows, with the threshold below which they are outliers.

    Create it with :meth:`from_estimator`. Each set of rows is shown by the share of its rows in
    each bin, so that sets of different sizes compare. Scores far below all others, and rows that
    are ruled out, share the first bin, which the legend then says.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        The scores of the rows, such as ``log p(x)``.
    compared : array-like of shape (n_compared,), default=None
        The scores of other rows, to compare with.
    threshold : float, default=None
        The score below which rows are outliers.
    labels : tuple of two str, default=("rows", "compared rows")
        The names of the two sets of rows.
    quantity : str, default="Score"
        The name of the scores and their unit, for the axis.

    Attributes
    ----------
    edges_ : ndarray of shape (n_bins + 1,)
        The edges of the bins, set by :meth:`plot`.
    shares_ : ndarray of shape (n_sets, n_bins)
        The share of the rows of each set in each bin.
    shares_below_ : ndarray of shape (n_sets,) or None
        The share of the rows of each set whose scores are below the threshold.
    figure_ : matplotlib Figure
        The figure.
    ax_ : matplotlib Axes
        The axes.
    line_ : matplotlib Line2D or None
        The threshold.

    See Also
    --------
    DensityOutlierDetector : Finds the threshold, also for rows with missing values.
    SurpriseDisplay : The cells that make rows unusual.

    Notes
    -----
    The fewer cells of a row are observed, the nearer to 0 is its log-density. Where rows have
    missing values, plot the scores of a :class:`DensityOutlierDetector`, which compare.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from skdgm import GaussianDensity, ScoreDisplay
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> density = GaussianDensity().fit(X)
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = ScoreDisplay.from_estimator(density, X, X + 2, quantile=0.05, ax=ax)
    >>> display.shares_below_.round(2)
    array([0.05, 0.86])
    """

    edges_: np.ndarray
    shares_: np.ndarray
    shares_below_: np.ndarray | None
    figure_: Any
    ax_: Any
    line_: Any

    def __init__(
        self,
        scores: ArrayLike,
        compared: ArrayLike | None = None,
        *,
        threshold: float | None = None,
        labels: tuple[str, str] = ("rows", "compared rows"),
        quantity: str = "Score",
    ) -> None:
        self.scores = scores
        self.compared = compared
        self.threshold = threshold
        self.labels = labels
        self.quantity = quantity

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        compared: ArrayLike | None = None,
        *,
        threshold: float | None = None,
        quantile: float | None = None,
        labels: tuple[str, str] = ("rows", "compared rows"),
        ax: Any = None,
    ) -> Self:
        """Score rows, and plot how their scores are distributed.

        Parameters
        ----------
        estimator : density estimator or outlier detector
            A fitted density, or a fitted detector with ``score_samples`` and ``offset_``, such as
            :class:`DensityOutlierDetector`.
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        compared : array-like of shape (n_compared, n_features), default=None
            Other rows, to compare with.
        threshold : float, default=None
            The score below which rows are outliers. None takes the ``offset_`` of a detector, and
            none for a density.
        quantile : float, default=None
            The share of the rows of X, between 0 and 1, that shall lie below the threshold.
        labels : tuple of two str, default=("rows", "compared rows")
            The names of the two sets of rows.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : ScoreDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``estimator`` scores no rows.
        ValueError
            If ``quantile`` is not between 0 and 1, or stands beside ``threshold``.
        """
        check_fitted(estimator, ["score_samples"], "estimator")
        scores = np.asarray(estimator.score_samples(X))
        others = None if compared is None else np.asarray(estimator.score_samples(compared))
        if quantile is not None:
            if threshold is not None:
                raise ValueError("quantile and threshold must not both be given; leave one out.")
            if isinstance(quantile, bool) or not isinstance(quantile, Real) or not 0 < quantile < 1:
                raise ValueError(
                    f"quantile must be a number between 0 and 1, got {shown(quantile)}."
                )
            threshold = float(np.quantile(scores, quantile, method="lower"))
        elif threshold is None and hasattr(estimator, "offset_"):
            threshold = float(estimator.offset_)
        quantity = "Score"
        if isinstance(estimator, BaseDensity):
            quantity = r"$\log p(x)$ (nats)"
        elif isinstance(getattr(estimator, "density_", None), BaseDensity):
            quantity = "Log tail probability (nats)"
        display = cls(scores, others, threshold=threshold, labels=labels, quantity=quantity)
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Plot the histogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : ScoreDisplay
            The display itself.

        Raises
        ------
        ValueError
            If scores are not a line of numbers, or none of them is finite, if the threshold is not
            finite, or there are not two labels.
        ImportError
            If matplotlib is not installed.
        """
        sets = [_checked(self.scores, "scores")]
        if not np.isfinite(sets[0]).any():
            raise ValueError("scores must hold a finite number, but all rows are ruled out.")
        if self.compared is not None:
            sets.append(_checked(self.compared, "compared"))
        if isinstance(self.labels, str) or len(self.labels) != 2:
            raise ValueError(f"labels must be two names, got {shown(self.labels)}.")
        threshold = self.threshold
        if threshold is not None and not (isinstance(threshold, Real) and np.isfinite(threshold)):
            raise ValueError(f"threshold must be a finite number, got {shown(threshold)}.")
        self.edges_ = _edges(sets, threshold)
        inside = [np.clip(scores, self.edges_[0], self.edges_[-1]) for scores in sets]
        self.shares_ = np.array(
            [np.histogram(scores, self.edges_)[0] / len(scores) for scores in inside]
        )
        self.shares_below_ = self.line_ = None
        if threshold is not None:
            self.shares_below_ = np.array([np.mean(scores < threshold) for scores in sets])
        self.ax_ = new_axes(6.4, 3.8) if ax is None else ax
        self.figure_ = self.ax_.figure
        for place, scores in enumerate(sets):
            self._draw_set(place, scores)
        if threshold is not None:
            label = f"threshold {_written(threshold)}"
            self.line_ = self.ax_.axvline(threshold, color=LINE, linestyle="--", label=label)
        self.ax_.set(xlabel=self.quantity, ylabel="Share of rows", ylim=(0, None))
        self.ax_.margins(x=0.02)
        self.ax_.spines[["top", "right"]].set_visible(False)
        where = {} if self.figure_.get_layout_engine() is None else ABOVE
        self.ax_.legend(frameon=False, **where)
        return self

    def _draw_set(self, place: int, scores: np.ndarray) -> None:
        label = self.labels[place]
        if self.shares_below_ is not None:
            label += f": {self.shares_below_[place]:.1%} below the threshold"
        n_far = int(np.sum(scores < self.edges_[0]))
        if n_far:
            label += f"\n(in the first bin: {n_far} lower than {_written(self.edges_[0])})"
        color = (FIRST, SECOND)[place]
        style: dict[str, Any] = {"fill": True, "alpha": 0.55} if place == 0 else {"linewidth": 2}
        self.ax_.stairs(self.shares_[place], self.edges_, color=color, label=label, **style)


def _checked(scores: ArrayLike, name: str) -> np.ndarray:
    values = np.asarray(scores)
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not len(values):
        raise ValueError(f"{name} must be a line of numbers, got {shown(scores)}.")
    values = values.astype(np.float64)
    if np.isnan(values).any() or (values == np.inf).any():
        raise ValueError(f"{name} must hold finite numbers or minus infinity.")
    return values


def _edges(sets: list[np.ndarray], threshold: float | None) -> np.ndarray:
    """Return edges of bins from the lowest score that is not far below those of the first set."""
    finite = np.concatenate(sets)
    finite = finite[np.isfinite(finite)]
    lower, upper = np.quantile(sets[0][np.isfinite(sets[0])], [0.25, 0.75])
    low = float(finite.min())
    if upper > lower:
        near = lower - FAR * (upper - lower)
        if threshold is not None:
            near = min(near, threshold - (upper - lower))
        low = max(low, float(near))
    n_bins = int(np.clip(np.sqrt(len(finite)), LEAST_BINS, MOST_BINS))
    return np.histogram_bin_edges(np.clip(finite, low, None), n_bins)


def _written(score: float) -> str:
    return f"{score:.4g}".replace("-", "\N{MINUS SIGN}")
