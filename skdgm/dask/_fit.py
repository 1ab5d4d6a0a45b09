"""Fits of additive densities and of classifiers over them to rows on the workers."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any, TypeVar

import dask
import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import check_classification_targets

from .._fitted import learning
from .._tables import refuse_missing_y, validate_table
from .._validation import check_observed, shown
from ..conditional._class_densities import ClassDensities
from ..conditional._lend import warn_of_lacking
from ..conditional._priors import class_factors
from ..density import BaseDensity
from ..density._composite import hand_on_columns
from ..density._engine.blocks import meeting_in_threads
from ._rows import Facts, Passes, RowsOnWorkers, TablesOnWorkers, View, add
from ._scheduler import Scheduler, in_tree, share
from ._survey import LabelWeights, Reader, Survey
from ._tables import blocks_of, first_rows

Model = TypeVar("Model", bound=BaseDensity | ClassDensities)


def fit(
    estimator: Model, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> Model:
    """Fit a density or a generative classifier to rows on the workers.

    Blocks of rows are counted where they are, and the sums are added in a tree. What learns by
    expectation-maximisation makes a pass for each step, the densities of all classes together; the
    encoded blocks stay on the workers if they fit there, and are made anew in each pass if not.

    Parameters
    ----------
    estimator : density or classifier
        One whose statistics add, that is, which has ``partial_fit``. It is fitted in place, as by
        its own ``fit``.
    X : dask array or frame of shape (n_samples, n_features)
        Training data; NaN is a missing value. Blocks should take a small part of the memory of a
        worker, such as a twentieth.
    y : dask array, column or array-like of shape (n_samples,), default=None
        Class labels, for a classifier.
    sample_weight : dask array, column or array-like of shape (n_samples,), default=None
        How often each row counts; None counts every row once.

    Returns
    -------
    estimator : object
        The fitted estimator, an ordinary one, equal to what ``fit`` makes of the same rows in
        memory up to rounding. A mixture has no ``labels_``: :func:`predict` gives them.

    Raises
    ------
    TypeError
        If the estimator cannot be fitted so, or X is no Dask array or frame.
    ValueError
        If the estimator does not accept X, y or the weights. It is then left as it was.

    Notes
    -----
    A mixture looks for its clusters among at most 2**24 cells of rows at even distances, here as in
    memory. These are the only rows that leave the workers.

    Examples
    --------
    >>> import dask.array as da
    >>> import skdgm.dask
    >>> from skdgm import GaussianDensity
    >>> X = da.random.default_rng(0).normal(size=(100_000, 3), chunks=(20_000, 3))
    >>> density = skdgm.dask.fit(GaussianDensity(), X)
    >>> density.covariance_.shape
    (3, 3)
    >>> bool(skdgm.dask.score_samples(density, X).mean().compute() > -4.3)
    True
    """
    check_can_fit(estimator)
    estimator._validate_params()
    with learning(estimator, anew=True) as new:
        if isinstance(new, BaseDensity):
            _fit_density(new, X, sample_weight)
        else:
            _fit_classifier(new, X, y, sample_weight)
    return estimator


def check_can_fit(estimator: Any) -> None:
    """Raise a TypeError unless the statistics of an estimator add."""
    density = estimator
    if isinstance(estimator, ClassDensities):
        density = estimator._make_density()
    if isinstance(density, BaseDensity) and density._is_additive:
        return
    cure = "fit it to a sample of rows in memory; queries on all rows work then, too"
    if not isinstance(density, BaseDensity):
        cure = "pass a density, or a classifier of one density per class"
    raise TypeError(
        f"estimator must learn from sums over rows, as those with partial_fit do, but "
        f"{shown(estimator)} does not; {cure}."
    )


def _fit_density(density: BaseDensity, X: Any, sample_weight: Any) -> None:
    training = Training(X, None, sample_weight)
    validate_table(density, training.first_rows, **density._dense_input_checks)
    training.look_at(density, None, None)
    _take_over(density, training.survey.density)
    density._check_declared()
    (rows,) = training.rows()
    with meeting_in_threads(rows.meeting.run):
        density._learn(rows, None)
    density._describe_rows(rows)


def _fit_classifier(classifier: ClassDensities, X: Any, y: Any, sample_weight: Any) -> None:
    refuse_missing_y(classifier, y)
    prototype = classifier._make_density()
    prototype._validate_params()
    training = Training(X, y, sample_weight)
    validate_table(classifier, training.first_rows, **prototype._dense_input_checks)
    hand_on_columns(classifier, prototype)
    classes = training.labels.labels
    check_classification_targets(classes)
    classifier.classes_ = classes
    training.look_at(prototype, classes, classifier.class_weight)
    prototype = training.survey.density
    classifier._add_to_priors(training.survey.total)
    prototype._check_declared()
    learned = np.flatnonzero(training.survey.total)
    _check_values_of_classes(classifier, prototype, training.survey, learned)
    rows = training.rows()
    tables = TablesOnWorkers([rows[c] for c in learned])
    with meeting_in_threads(rows[0].meeting.run):
        classifier._fit_group(prototype, learned, tables, sum(own.shape[0] for own in rows))


def _take_over(density: Any, other: Any) -> None:
    """Give a density what another of the family knows, but not its parameters."""
    parameters = {name: vars(density)[name] for name in density.get_params(deep=False)}
    vars(density).update(vars(other))
    vars(density).update(parameters)


def _check_values_of_classes(
    classifier: Any, prototype: BaseDensity, survey: Survey, learned: np.ndarray
) -> None:
    """Warn of classes that lack values in a column, or refuse them if none can stand in."""
    names, labels = getattr(classifier, "feature_names_in_", None), classifier.classes_.tolist()
    lacking = [(c, np.flatnonzero(~survey.observed[c])) for c in learned.tolist()]
    lacking = [(c, columns) for c, columns in lacking if len(columns)]
    if lacking and not prototype._borrows_columns:
        c, _ = lacking[0]
        values = np.where(survey.observed[c], 0.0, np.nan)[np.newaxis]
        check_observed(values, names, which=f" in the rows of class {labels[c]!r}")
    if lacking:
        warn_of_lacking([(labels[c], columns) for c, columns in lacking], names)


class Training:
    """Rows to learn from, and what was found out about them."""

    survey: Survey
    _reader: Reader

    def __init__(self, X: Any, y: Any, sample_weight: Any) -> None:
        self._scheduler = Scheduler()
        self._is_weighted, self._is_labelled = sample_weight is not None, y is not None
        self._blocks = blocks_of(X, y, sample_weight, self._scheduler)
        self.first_rows = first_rows(self._blocks, self._scheduler)
        self.labels = LabelWeights(np.zeros(1), np.ones(1), np.ones(1))
        if self._is_weighted or self._is_labelled:
            self.labels = self._sum(LabelWeights.of)

    def look_at(self, density: BaseDensity, classes: np.ndarray | None, class_weight: Any) -> None:
        """Find out what the rows declare to a density, and how much the classes count."""
        labels = self.labels
        factor = class_factors(class_weight, labels.labels, labels.total)
        largest = float(np.max(factor * labels.largest))
        self._reader = Reader(density, classes, factor, largest)
        self.survey = self._sum(self._reader.survey)
        known = np.where(self.survey.observed.any(axis=0), 0.0, np.nan)
        check_observed(known[np.newaxis], getattr(density, "feature_names_in_", None))

    def rows(self) -> list[RowsOnWorkers]:
        """Return the rows of each class, encoded by what all rows declare."""
        survey, classes = self.survey, self._reader.classes
        reader = replace(self._reader, density=survey.density)
        read, shared = dask.delayed(Reader.encode, pure=False), share(reader)
        blocks = [read(shared, block) for block in self._blocks]
        passes = Passes(blocks, survey.n_bytes, self._scheduler)
        n_classes, n_columns = survey.observed.shape
        none = np.zeros(n_classes, dtype=np.int64)
        lengths = np.array([survey.lengths.get(b, none) for b in range(len(blocks))])
        return [
            RowsOnWorkers(
                passes,
                View(None if classes is None else c),
                lengths[:, c],
                float(survey.total[c]),
                Facts(n_columns, bool(survey.has_missing[c])),
            )
            for c in range(n_classes)
        ]

    def _sum(self, function: Any) -> Any:
        """Return the sum of what a function makes of each block."""
        shared = share(function)
        call = dask.delayed(_call, pure=False)
        return self._scheduler.compute(in_tree(_sum, [call(shared, own) for own in self._blocks]))


def _call(function: Any, block: Any) -> Any:
    return function(block)


def _sum(parts: list[Any]) -> Any:
    return reduce(add, parts)
