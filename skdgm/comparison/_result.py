"""The result of a comparison: a table with one row per model, and the fitted models."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import GridSearchCV

from .._files import replace_file
from ._display import ComparisonDisplay
from ._models import MEAN, TABLE, readable_count
from ._own import has_mean_imputed
from ._report import make_page
from ._tables import HIDDEN_SHARES, import_pandas
from ._text import WIDTH, Group, in_blocks

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = [
    "accuracy",
    "accuracy_std",
    "log_loss",
    "log_likelihood",
    "n_parameters",
    "fit_seconds",
    "predict_seconds",
    *HIDDEN_SHARES,
]
APOSTROPHE = "'"
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # how text starts that spreadsheets run


@dataclass(frozen=True, eq=False, repr=False)
class ClassifierComparison:
    """Result of :func:`compare_classifiers`: a table, and the fitted models.

    Printing it shows the table with readable numbers, in blocks of 80 columns; a notebook shows it
    as HTML.

    Attributes
    ----------
    table : DataFrame of shape (n_models, 11)
        One row per model, indexed by its name; all figures except ``accuracy_std`` and
        ``n_parameters`` are means over the folds.

        - ``accuracy`` and ``accuracy_std``: share of the test rows that are classified correctly,
          and its standard deviation over the folds.
        - ``log_loss``: mean of ``-log p(y | x)`` over the test rows, in nats.
        - ``log_likelihood``: mean of ``log p(x, y)`` over the test rows, in nats, of
          ``TableDensity``; NaN for the others, which see encoded columns. It is a log-density in
          the units of the columns that are continuous, and a log-probability of the others.
        - ``n_parameters``: number of free parameters of the classifier fitted to all rows, an exact
          Python int: ``n_parameters_`` of a generative classifier, ``C D + C`` for logistic
          regression with C classes and D columns, None for others, such as boosted trees. Steps
          that prepare or project the columns are not counted.
        - ``fit_seconds``: time to fit the chosen pipeline to a training fold, without the search;
          ``predict_seconds``: time of ``predict_proba`` on a test fold. Encoding text and imputing
          missing values for logistic regression are not included.
        - ``accuracy_10_hidden``, ``accuracy_30_hidden``, ``accuracy_60_hidden``,
          ``accuracy_90_hidden``: accuracy with that percentage of the test cells hidden as NaN.
    models : dict of str to GridSearchCV
        For each row a search fitted to all rows, ready to ``predict``; ``best_estimator_`` is the
        pipeline and ``best_params_`` the parameters chosen, empty if there was nothing to choose.
        A classifier of your own is ``models["mine"].best_estimator_[-1]``, and the table density
        ``models["TableDensity"].best_estimator_[-1].density_``.
    interrupted : bool
        True if Ctrl-C ended the comparison before all models were finished.
    folds : int
        Number of folds.
    shape : tuple of int (n_samples, n_features, n_classes)
        Size of the data.
    columns : list or None
        Names of the columns of a DataFrame; None for an array.
    labels : ndarray of shape (n_samples,) or None
        The true labels.
    predictions : dict of str to ndarray of shape (n_samples,)
        For each model the labels predicted when each row was a test row.
    random_state : int, RandomState, Generator or None
        The source of randomness, as it was given.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdgm import compare_classifiers
    >>> X, y = load_iris(return_X_y=True)
    >>> models = ["LogisticRegression", "MarkovChainImageDensity"]
    >>> comparison = compare_classifiers(X, y, models=models, folds=2, verbose=False)
    >>> list(comparison.models) == list(comparison.table.index) == models
    True
    >>> comparison.shape
    (150, 4, 3)
    """

    table: pd.DataFrame
    models: dict[str, GridSearchCV]
    interrupted: bool
    folds: int
    shape: tuple[int, int, int]
    columns: list[Any] | None = None
    labels: np.ndarray | None = None
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    random_state: Any = None

    def __str__(self) -> str:
        accuracy, hidden, others = self._figures()
        shares = [f"{share:.0%}" for share in HIDDEN_SHARES.values()]
        groups = [
            Group("", accuracy),
            Group("hidden test cells", dict(zip(shares, hidden.values(), strict=True))),
            Group("", others),
        ]
        # Accuracies stay in one block: the first two groups are narrow enough.
        notes = [textwrap.fill(note, WIDTH) for note in self._notes()]
        return "\n".join([in_blocks(self.table.index, groups), "", *notes])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        pandas = import_pandas("Comparing classifiers")
        accuracy, hidden, others = self._figures()
        readable = pandas.DataFrame(accuracy | hidden | others, index=self.table.index.rename(None))
        notes = "<br>".join(map(escape, self._notes()))
        return f"{readable.to_html(border=0)}\n<p>{notes}</p>"

    def _notes(self) -> list[str]:
        """Return what the table does not say itself, in sentences for a line each or more."""
        rows, columns, classes = self.shape
        ending = "; interrupted before all models were finished" if self.interrupted else ""
        notes = [
            f"{self.folds}-fold cross-validation on {rows} rows, {columns} columns and {classes} "
            f"classes{ending}.",
            "log-loss in nats; hidden: accuracy with that share of the test cells missing. They "
            "are imputed for logistic regression, by the training mean or by IterativeImputer; "
            "boosted trees have a branch for them; generative models integrate them out, or "
            "project their expectation (PCAProjection).",
        ]
        log_likelihood = self.table["log_likelihood"].dropna()
        if len(log_likelihood):
            notes.append(
                f"{TABLE}: log p(x, y) of a test row with its label is "
                f"{log_likelihood.iloc[0]:.3f} on average, in nats and the columns' own units."
            )
        imputed = [
            repr(name)
            for name, model in self.models.items()
            if name != MEAN and has_mean_imputed(model)
        ]
        if imputed:
            notes.append(f"{', '.join(imputed)}: missing cells are imputed by the training mean.")
        return notes

    def _figures(self) -> tuple[dict[str, list[str]], ...]:
        """Return readable columns: accuracy, that with hidden cells, and the others."""
        table = self.table
        spread = zip(table["accuracy"], table["accuracy_std"], strict=True)
        hidden = {
            f"{share:.0%} hidden": [f"{value:.3f}" for value in table[column]]
            for column, share in HIDDEN_SHARES.items()
        }
        others = {
            "log-loss": [f"{value:.3f}" for value in table["log_loss"]],
            "parameters": [readable_count(count) for count in table["n_parameters"]],
            "fit s": [f"{seconds:.3f}" for seconds in table["fit_seconds"]],
            "predict s": [f"{seconds:.3f}" for seconds in table["predict_seconds"]],
        }
        return {"accuracy": [f"{mean:.3f} +/- {std:.3f}" for mean, std in spread]}, hidden, others

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Save the table as CSV, with all digits of the numbers of parameters.

        Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers are
        written as they are.

        Parameters
        ----------
        path : str or path
            The file to write; an existing file is replaced.
        """
        # Decimal writes integers of any length; str stops at 4,300 digits.
        exact = [
            "" if count is None else str(Decimal(count)) for count in self.table["n_parameters"]
        ]
        text = self.table.assign(n_parameters=exact).map(_no_formula)
        text.rename(index=_no_formula, columns=_no_formula).to_csv(path)

    def to_html(
        self, path: str | PathLike[str] | None = None, *, image_shape: tuple[int, int] | None = None
    ) -> str | None:
        """Save the comparison as one page of HTML, which needs neither network nor other files.

        It holds the table, which a click or key on a heading sorts; the plot; the confusion matrix
        of the model that is right most often, by its predictions of test rows; samples of every
        generative model; what was searched and chosen; the seed and the versions. Every text of the
        data is escaped.

        Parameters
        ----------
        path : str, path or None, default=None
            The file to write, in one step; an existing file is replaced. None returns the page.
        image_shape : tuple of two ints or None, default=None
            Height and width of the images that rows are, so that samples are shown as images. None
            shows rows.

        Returns
        -------
        page : str or None
            The page, if ``path`` is None.

        Raises
        ------
        ValueError
            If no model is finished, or ``image_shape`` does not fit the number of columns.
        ImportError
            If matplotlib is not installed.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdgm import compare_classifiers
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> models = ["LogisticRegression", "GaussianDiscriminant"]
        >>> comparison = compare_classifiers(X, y, models=models, folds=2, verbose=False)
        >>> "petal width (cm)" in comparison.to_html()
        True
        """
        page = make_page(self, image_shape)
        if path is None:
            return page
        replace_file(Path(path), page.encode("utf-8", "replace"))
        return None

    def plot(self, ax: Sequence[Any] | None = None) -> ComparisonDisplay:
        """Plot accuracy against the share of hidden cells and the number of parameters.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, default=None
            Axes to draw on; None makes a new figure.

        Returns
        -------
        display : ComparisonDisplay
            The plot, with the attributes ``figure_`` and ``axes_``.
        """
        return ComparisonDisplay.from_comparison(self, ax=ax)


def _no_formula(cell: Any) -> Any:
    """Return a cell that a spreadsheet does not run as a formula."""
    if not isinstance(cell, str):
        return cell
    # A carriage return would not be quoted, and what follows it be a cell of its own.
    return f"{APOSTROPHE if cell.startswith(FORMULAS) else ''}{cell}".replace("\r", "\n")


def tabulate(rows: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Make the table of a comparison from one row of figures per model."""
    pandas = import_pandas("Comparing classifiers")
    columns = {
        column: pandas.Series(
            [row[column] for row in rows.values()],
            index=pandas.Index(list(rows), name="model", dtype=object),
            dtype=object if column == "n_parameters" else np.float64,  # ints may be huge
        )
        for column in COLUMNS
    }
    return pandas.DataFrame(columns)
