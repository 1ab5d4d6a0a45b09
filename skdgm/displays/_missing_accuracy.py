"""A picture of how much classifiers lose when cells of the rows are hidden from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._tables import without_cells
from .._validation import RandomState, check_generator, shown
from ._cells import TEXT, new_axes

# The palette of Okabe and Ito, safe for colour blindness.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osXD^vP"
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8)


class MissingAccuracyDisplay:
    """The accuracy of fitted classifiers against the share of cells that are hidden from them.

    Create it with :meth:`from_estimators`.

    Parameters
    ----------
    shares : array-like of shape (n_shares,)
        The shares of cells that are hidden.
    accuracies : mapping of names to array-like of shape (n_shares,)
        The accuracy of each classifier at each share.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, set by :meth:`plot`.
    ax_ : matplotlib Axes
        The axes.
    lines_ : list of matplotlib Line2D
        A line for each classifier.

    See Also
    --------
    compare_classifiers : Compares classifiers by cross-validation, with hidden cells too.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_iris
    >>> from skdgm import GaussianDiscriminant, MissingAccuracyDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> classifiers = {"quadratic": GaussianDiscriminant().fit(X, y)}
    >>> ax = Figure(layout="constrained").subplots()  # without it, pyplot makes a figure
    >>> display = MissingAccuracyDisplay.from_estimators(
    ...     classifiers, X, y, shares=[0, 0.5], random_state=0, ax=ax
    ... )
    >>> [round(float(accuracy), 2) for accuracy in display.accuracies["quadratic"]]
    [0.98, 0.85]
    """

    figure_: Any
    ax_: Any
    lines_: list[Any]

    def __init__(self, shares: ArrayLike, accuracies: Mapping[str, ArrayLike]) -> None:
        self.shares = shares
        self.accuracies = accuracies

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, Any],
        X: ArrayLike,
        y: ArrayLike,
        *,
        shares: Sequence[float] = SHARES,
        random_state: RandomState = None,
        ax: Any = None,
    ) -> Self:
        """Hide cells of rows, classify these, and plot the accuracy.

        Parameters
        ----------
        estimators : mapping of names to classifiers
            Fitted classifiers that accept missing values; pipelines with an imputer do.
        X : array-like of shape (n_samples, n_features)
            Rows that the classifiers have not learned from.
        y : array-like of shape (n_samples,)
            Their classes.
        shares : sequence of float, default=(0, 0.2, 0.4, 0.6, 0.8)
            Shares of the cells to hide. They are picked at random, the same for all classifiers,
            and a larger share hides all that a smaller one does.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness for the cells.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : MissingAccuracyDisplay
            The plot.

        Raises
        ------
        TypeError
            If ``estimators`` is no mapping of names to classifiers.
        ValueError
            If ``shares`` are no shares, or a classifier refuses missing values.
        """
        checked = _check_shares(shares)
        _check_estimators(estimators)
        n_rows, n_columns = np.shape(X)
        order = check_generator(random_state).permutation(n_rows * n_columns)
        order = order.reshape(n_rows, n_columns)
        accuracies: dict[str, list[float]] = {name: [] for name in estimators}
        for share in checked:
            rows = without_cells(X, order < round(share * order.size))
            for name, estimator in estimators.items():
                accuracies[name].append(_accuracy(name, estimator, rows, y))
        return cls(checked, accuracies).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> Self:
        """Plot the accuracies.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes a new figure with pyplot.

        Returns
        -------
        display : MissingAccuracyDisplay
            The display itself.

        Raises
        ------
        ValueError
            If there is no accuracy for each share.
        ImportError
            If matplotlib is not installed.
        """
        shares = _check_shares(self.shares)
        for name, accuracy in self.accuracies.items():
            if np.shape(accuracy) != shares.shape:
                raise ValueError(
                    f"accuracies[{name!r}] must hold a number for each of the {len(shares)} "
                    f"shares, got shape {np.shape(accuracy)}."
                )
        self.ax_ = new_axes(6.4, 4.2) if ax is None else ax
        self.figure_ = self.ax_.figure
        self.lines_ = [
            self.ax_.plot(
                shares, accuracy, label=name, color=color, marker=marker, markersize=7, linewidth=2
            )[0]
            for (name, accuracy), color, marker in zip(
                self.accuracies.items(), cycle(COLORS), cycle(MARKERS), strict=False
            )
        ]
        self._label_axes(shares)
        return self

    def _label_axes(self, shares: np.ndarray) -> None:
        from matplotlib.ticker import PercentFormatter

        ax = self.ax_
        ax.set_xlabel("Share of the cells hidden", fontsize=TEXT)
        ax.set_ylabel("Accuracy", fontsize=TEXT)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        if len(shares) <= 11:
            ax.set_xticks(shares)
        ax.tick_params(labelsize=TEXT)
        ax.set_ylim(top=min(1.02, ax.get_ylim()[1]))
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=TEXT, loc="best")


def _check_shares(shares: Any) -> np.ndarray:
    values = np.asarray(shares)
    are_numbers = values.ndim == 1 and values.size and values.dtype.kind in "iuf"
    if not are_numbers or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"shares must be a list of numbers from 0 to 1, got {shown(shares)}.")
    return values.astype(np.float64)


def _check_estimators(estimators: Any) -> None:
    if not isinstance(estimators, Mapping) or not estimators:
        raise TypeError(
            "estimators must be a mapping of names to fitted classifiers, such as "
            f'{{"generative": classifier}}; got {shown(estimators)}.'
        )
    for name, estimator in estimators.items():
        if not hasattr(estimator, "classes_"):
            raise TypeError(
                f"estimators[{name!r}] must be a fitted classifier, got {shown(estimator)}."
            )


def _accuracy(name: str, estimator: Any, rows: Any, y: ArrayLike) -> float:
    try:
        return float(estimator.score(rows, y))
    except ValueError as error:
        if "NaN" not in str(error):
            raise
        raise ValueError(
            f"estimators[{name!r}] refuses missing values; put an imputer before it, in "
            "sklearn.pipeline.make_pipeline."
        ) from error
