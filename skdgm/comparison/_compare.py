"""Cross-validation of generative and discriminative classifiers on the same rows.

Every model is a pipeline whose parameters are chosen by a grid search inside each training fold,
or fixed. Cells of the test rows are hidden as NaN: generative models take it as it is, and it is
imputed for logistic regression.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from threadpoolctl import threadpool_limits

from .._validation import RandomState, check_count, check_generator
from ._models import (
    fit_preparation,
    make_searches,
    n_classifier_parameters,
    with_preparation,
    without_preparation,
)
from ._own import Models, check_models, make_own_search
from ._progress import Progress
from ._result import ClassifierComparison, tabulate
from ._table_classifier import TableClassifier
from ._tables import HIDDEN_SHARES, check_features, check_labels, hide, take_rows

if TYPE_CHECKING:
    import pandas as pd


def compare_classifiers(
    X: ArrayLike | pd.DataFrame,
    y: ArrayLike,
    *,
    models: Models | None = None,
    folds: int = 5,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    verbose: bool = True,
) -> ClassifierComparison:
    """Cross-validate generative and discriminative classifiers on the same data.

    Inside each training fold, a grid search with three folds of its own chooses the parameters of
    a model by log-loss; besides, each model is searched once on all rows. Boosted trees, the
    mixture of trees, the hidden tree and classifiers of your own have fixed parameters. All models
    see the same folds and the same hidden cells. Ctrl-C ends the comparison and keeps the models
    that are finished.

    If X is a DataFrame, one more model is a :class:`TableDensity` of features and labels together.
    It reads the columns as they are, without a search, predicts the labels as one of its columns,
    and has a log-likelihood of the test rows.

    Generative classifiers learn from rows with missing values and integrate them out in
    predictions; :class:`PCAProjection` replaces them by their expectation. Logistic regression
    appears twice, with missing values imputed: ``"LogisticRegression"`` by the mean of the training
    rows, ``"IterativeImputer + LogisticRegression"`` by the predictions of
    :class:`sklearn.impute.IterativeImputer` from the other columns.
    :class:`sklearn.ensemble.HistGradientBoostingClassifier` takes missing values as they are.

    Classifiers of your own get X as it is, if they can learn from it and predict rows with hidden
    cells; else the columns as numbers, with text one-hot encoded as for the named models; else
    these with missing values imputed by the mean of the training rows, which the notes below the
    table then say. Each is cloned and tried once on all rows before the comparison starts.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Features. In a DataFrame, columns of numbers or booleans are numeric; all others are text
        and one-hot encoded, in up to 20 columns: one per frequent value, and one that all rarer
        values and those seen only once share. NaN is a missing value; a missing text is missing in
        all of its one-hot columns. The table density reads the columns themselves.
    y : array-like of shape (n_samples,)
        Class labels: text, booleans or integers.
    models : str, sequence, dict or None, default=None
        The models to compare: names, as in the rows of the table, and classifiers of your own as
        pairs ``("mine", classifier)``. A dict ``{"mine": classifier, ...}`` puts its classifiers
        before all named ones. None takes the named ones: twelve, and ``"TableDensity"`` if X is a
        DataFrame. A classifier of your own is any scikit-learn classifier with
        ``predict_proba``, also a pipeline or a search.
    folds : int, default=5
        Number of folds, at least 2. If the smallest class has fewer rows, that number is used
        instead, with a warning.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness of the folds and the hidden cells; the same seed gives the same table,
        except for the seconds.
    n_jobs : int or None, default=None
        Number of processes for each grid search, and of threads for the table density; None means 1
        unless in a ``joblib.parallel_config`` context.
    verbose : bool, default=True
        Whether to report progress on standard error: a single line with the time left on a
        terminal, which is cleared at the end, and a line for each step elsewhere.

    Returns
    -------
    comparison : ClassifierComparison
        The table and the fitted models.

    Raises
    ------
    ValueError
        If X or y are invalid: lengths that differ, infinite values, no column that varies, repeated
        column names, missing labels, a single class, labels that look like a regression target, or
        a class with too few rows for the folds; or if a model is unknown or cannot learn from X.
    TypeError
        If a model of your own is no classifier with ``predict_proba``.
    ImportError
        If pandas is not installed.

    See Also
    --------
    load_table : Read X and y from a CSV file.
    TableDensity : The density of a table.
    ComparisonDisplay : Draw the result.

    Notes
    -----
    Times exclude compilation, because every pipeline is fitted to all rows first, and are
    measured on a single thread: linear algebra gets no more, and ``n_jobs`` uses further cores.
    Only the table density is timed with its ``n_jobs`` threads.

    The table density is told the kinds of columns that it finds in all rows, so that folds agree on
    what is a probability and what a density. Identifiers, which have a different value in every
    row, and columns without any value in the training rows add nothing to the log-likelihood.

    Fitted to complete rows, ``IterativeImputer`` stops after one round of regressions, none of
    which has seen an imputed input. It is therefore fitted to the training rows with a share of the
    cells of each row hidden, drawn uniformly from 0 to 1; logistic regression then learns from the
    original rows.

    A class without any value in a column of the training rows borrows some from the others, so that
    the column hardly speaks for or against it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdgm import compare_classifiers
    >>> X, y = load_iris(return_X_y=True)
    >>> comparison = compare_classifiers(
    ...     X,
    ...     y,
    ...     models=["LogisticRegression", "GaussianDiscriminant"],
    ...     folds=2,
    ...     random_state=0,
    ...     verbose=False,
    ... )
    >>> bool((comparison.table["accuracy"] > 0.9).all())
    True
    >>> comparison.table.loc["LogisticRegression", "n_parameters"]
    15
    >>> comparison.models["GaussianDiscriminant"].predict(X[:2])
    array([0, 0])

    A classifier of your own next to a named one:

    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> models = [("neighbours", KNeighborsClassifier()), "LogisticRegression"]
    >>> comparison = compare_classifiers(X, y, models=models, folds=2, verbose=False)
    >>> print(str(comparison).splitlines()[-1])
    'neighbours': missing cells are imputed by the training mean.
    """
    if n_jobs == 0:
        raise ValueError("n_jobs must be a number of processes, -1 for all cores or None, got 0.")
    generator = check_generator(random_state)
    y = check_labels(y, X)
    folds, inner_folds = _check_folds(folds, y)
    X = check_features(X)  # last: many columns take long
    seed = int(generator.integers(2**32))
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y))
    orders = [_rank_cells(len(test), X.shape[1], generator) for _, test in splits]
    searches = make_searches(X, inner_folds, seed, n_jobs)
    chosen = check_models(models, list(searches))

    rows: dict[str, dict[str, Any]] = {}
    fitted: dict[str, GridSearchCV] = {}
    predictions: dict[str, np.ndarray] = {}
    interrupted = False
    try:
        # Small matrices are slower on several threads.
        with threadpool_limits(limits=1), Progress(list(chosen), folds + 1, verbose) as progress:
            for name, own in chosen.items():
                if own is not None:
                    searches[name] = make_own_search(name, own, X, y, seed)
            for name in chosen:
                report = partial(progress, name)
                done = _evaluate(searches[name], X, y, splits, orders, report)
                rows[name], fitted[name], predictions[name] = done
    except KeyboardInterrupt:
        interrupted = True
    return ClassifierComparison(
        table=tabulate(rows),
        models=fitted,
        interrupted=interrupted,
        folds=folds,
        shape=(*X.shape, len(np.unique(y))),
        columns=None if isinstance(X, np.ndarray) else list(X.columns),
        labels=y,
        predictions=predictions,
        random_state=random_state,
    )


def check_n_folds(folds: int) -> None:
    """Raise a ValueError unless a number of folds is an integer of 2 or more."""
    check_count(folds, "folds", 2)


def _check_folds(folds: int, y: np.ndarray) -> tuple[int, int]:
    """Return the numbers of outer folds (at most the smallest class's rows) and of inner folds."""
    check_n_folds(folds)
    classes, counts = np.unique(y, return_counts=True)
    smallest, label = int(counts.min()), classes.tolist()[counts.argmin()]
    used = min(int(folds), max(smallest, 2))
    in_training = smallest - -(-smallest // used)
    if in_training < 2:
        raise ValueError(
            f"y must have at least {4 if folds == 2 else 3} rows of every class for folds={folds}, "
            f"so that two are left to learn from, but class {label!r} has {smallest}; leave its "
            "rows out or merge it with another class."
        )
    if used < folds:
        warn(
            f"folds={folds} is reduced to {used}, because class {label!r} has {smallest} rows.",
            UserWarning,
            stacklevel=3,
        )
    return used, min(3, in_training)


def _rank_cells(n_rows: int, n_columns: int, generator: np.random.Generator) -> np.ndarray:
    """Rank the cells of a test fold at random; larger shares hide all that smaller ones do."""
    return generator.permutation(n_rows * n_columns).reshape(n_rows, n_columns)


def _evaluate(
    search: GridSearchCV,
    X: Any,
    y: np.ndarray,
    splits: list[tuple[np.ndarray, np.ndarray]],
    orders: list[np.ndarray],
    report: Callable[[str], None],
) -> tuple[dict[str, Any], GridSearchCV, np.ndarray]:
    """Return a model's row of the table, its search fitted to all rows, and its predictions.

    Each row is predicted by the model that has not seen it.
    """
    report(f"first search, on all {len(y)} rows")
    prepare = fit_preparation(search, X)
    prepared = prepare.transform(X)
    model = without_preparation(search).fit(prepared, y)
    model.predict_proba(prepared)  # so that kernels are compiled before anything is timed
    measured: list[dict[str, float]] = []
    predicted = np.empty_like(y)
    for fold, ((train, test), order) in enumerate(zip(splits, orders, strict=True), 1):
        so_far = np.mean([each["accuracy"] for each in measured]) if measured else None
        ending = "" if so_far is None else f", accuracy so far {so_far:.3f}"
        report(f"fold {fold} of {len(splits)}{ending}")
        training, tested = (take_rows(X, train), y[train]), (take_rows(X, test), y[test])
        figures, predicted[test] = _measure(search, training, tested, order)
        measured.append(figures)
    row: dict[str, Any] = {key: np.mean([each[key] for each in measured]) for key in measured[0]}
    row["accuracy_std"] = np.std([each["accuracy"] for each in measured])
    report(f"accuracy {row['accuracy']:.3f}")
    row["n_parameters"] = n_classifier_parameters(model.best_estimator_)
    return row, with_preparation(model, search, prepare), predicted


def _measure(
    search: GridSearchCV,
    training: tuple[Any, np.ndarray],
    tested: tuple[Any, np.ndarray],
    order: np.ndarray,
) -> tuple[dict[str, float], np.ndarray]:
    """Search on the training rows, and return figures about the test rows and their predictions."""
    (X_train, y_train), (X_test, y_test) = training, tested
    prepare = fit_preparation(search, X_train)
    fitted = without_preparation(search).fit(prepare.transform(X_train), y_train)
    prepared = prepare.transform(X_test)
    start = time.perf_counter()
    probability = fitted.predict_proba(prepared)
    seconds = time.perf_counter() - start
    predicted = fitted.predict(prepared)
    hidden = {
        column: fitted.predict(prepare.transform(hide(X_test, share, order)))
        for column, share in HIDDEN_SHARES.items()
    }
    classifier = fitted.best_estimator_[-1]
    is_of_table = isinstance(classifier, TableClassifier)
    figures = {
        "accuracy": accuracy_score(y_test, predicted),
        "log_loss": log_loss(y_test, probability, labels=fitted.classes_),
        "log_likelihood": classifier.mean_log_prob(prepared, y_test) if is_of_table else np.nan,
        "fit_seconds": fitted.refit_time_,
        "predict_seconds": seconds,
        **{column: accuracy_score(y_test, labels) for column, labels in hidden.items()},
    }
    return figures, predicted
