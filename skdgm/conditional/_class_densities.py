"""One density for each class, and the priors of the classes: learned at once or from batches."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets

from .._decorators import available_if, fit_context
from .._estimator import CommonEstimator
from .._fitted import GivenTable, learning
from .._tables import read_labels, validate_table
from .._validation import check_observed, check_weight, leave_out_weightless
from ..density import BaseDensity
from ..density._composite import hand_on_columns, with_batch_declared
from ..density._engine.blas import blas_threads_for
from ..density._engine.blocks import part_of, total_weight
from ..density._engine.lend import lacking_columns, with_lent_values
from ..density._engine.row_tables import RowTables
from ..density._group import DensityGroup, group_of, set_n_parameters
from ._lend import warn_of_lacking
from ._priors import learned_priors, weighted_by_class

PRIOR_CONSTRAINTS: list = [StrOptions({"uniform"}), Mapping, "array-like", None]


class ClassDensities(ClassifierMixin, CommonEstimator, metaclass=ABCMeta):
    """A classifier's densities, one per class; a subclass says which in ``_make_density``.

    Subclasses have the parameters ``priors`` and ``n_jobs``, and may have ``class_weight``.
    """

    priors: ArrayLike | Mapping | str | None
    class_weight: Mapping | str | None = None  # scikit-learn tries it with negative numbers
    n_jobs: int | None
    _total_weight: np.ndarray  # of the rows of each class

    @abstractmethod
    def _make_density(self) -> BaseDensity:
        """Return an unfitted density to copy for every class."""

    def _set_attributes(self) -> None:
        """Set the fitted attributes that follow from those of the densities."""

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit one density to the rows of each class, and the priors of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value. Which values are missing must not depend on
            the values themselves (missing at random).
        y : array-like of shape (n_samples,)
            Class labels, which must be given.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once. A class whose rows all weigh
            zero keeps its place in ``classes_``, with the prior 0 and without a density.
            Pseudo-counts such as ``alpha`` count rows, so scale weights to sum to the number of
            rows. The largest must lie between 1e-100 and 1e100; those below 1e-100 times the
            largest count as zero.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, the weights or the priors are invalid, or a column has no observed value. The
            classifier is then left as it was before the call.

        Warns
        -----
        UserWarning
            If a class has no observed value in a column. The values of all rows then stand in, so
            that the column does not speak for or against the class.
        """
        with learning(self, anew=True) as new:
            prototype = new._make_density()
            prototype._validate_params()
            rows, labels = validate_table(new, X, y, **prototype._input_checks)
            new._given = GivenTable(X)
            check_classification_targets(labels)
            new.classes_ = np.unique(labels)
            new._fit_classes(prototype, rows, labels, sample_weight)
        return self

    @available_if(lambda self: self._make_density()._is_additive)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Add labelled rows to those that the classifier was fitted to.

        Batches of complete rows in any number and order give the model that one ``fit`` to all
        rows gives. Missing values in a later batch count as the model so far expects them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Further training data; NaN is a missing value.
        y : array-like of shape (n_samples,)
            Class labels, which must be given.
        classes : array-like of shape (n_classes,), default=None
            All classes that will occur. The first call needs them. A class without rows so far has
            the prior 0 and no density.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If X, y, the classes, the weights or the priors are invalid, or the first rows of a
            class have no value in a column for which the batch has none either. The classifier is
            then left as it was before the call.

        Warns
        -----
        UserWarning
            If the first rows of a class have no observed value in a column. The values of all rows
            of the batch then stand in.
        """
        self._validate_params()
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs the rows of all classes at once; pass a dict, set '
                'priors="uniform", or call fit.'
            )
        with learning(self) as new:
            if classes is not None:
                classes = read_labels(classes, "classes")
            first = _check_partial_fit_first_call(new, classes)
            prototype = new._make_density()
            prototype._validate_params()
            rows, labels = validate_table(new, X, y, reset=first, **prototype._input_checks)
            new._given = GivenTable(X)
            check_classification_targets(labels)
            new._check_known(labels)
            if first:
                new._fit_classes(prototype, rows, labels, sample_weight, so_far=True)
            else:
                new._extend_classes(prototype, rows, labels, sample_weight)
        return self

    def _check_known(self, labels: np.ndarray) -> None:
        unknown = np.setdiff1d(labels, self.classes_)
        if unknown.size:
            raise ValueError(
                f"y holds the unknown class {unknown.tolist()[0]!r}; the classes are "
                f"{self.classes_.tolist()}. Name all of them in the first call, or call fit."
            )

    # ------------------------------------------------------------------ all rows at once
    def _fit_classes(
        self,
        prototype: BaseDensity,
        X: Any,
        y: np.ndarray,
        sample_weight: ArrayLike | None,
        so_far: bool = False,
    ) -> None:
        hand_on_columns(self, prototype)
        X, weight, rows = self._rows_of_classes(X, y, sample_weight)
        self._add_to_priors(weights_of(rows, weight), so_far)
        check_observed(X, getattr(self, "feature_names_in_", None))
        # All classes share what the data declare (categories, dtype).
        codes = prototype._declare(X, weight)
        lent = dict(self._lend(prototype, X, rows, weight))
        # Fit the densities of the classes that have rows of any weight.
        learned = np.flatnonzero([len(own) for own in rows])
        self._fit_group(
            prototype, learned, tables_of(learned, codes, weight, rows, lent), codes.shape[0]
        )

    def _fit_group(
        self, prototype: BaseDensity, learned: np.ndarray, tables: Any, n_rows: int
    ) -> None:
        """Fit the densities of some classes to a table each, of so many rows together."""
        self._learned = learned
        self._group = self._group_of(prototype, learned)
        with blas_threads_for(n_rows, prototype._columns.width):
            self._group.fit(tables, self.n_jobs)
        self._finish_group()

    def _rows_of_classes(
        self, X: Any, y: np.ndarray, sample_weight: ArrayLike | None
    ) -> tuple[Any, np.ndarray | None, list[np.ndarray]]:
        """Return the rows of any weight, their weights, and which of them each class has."""
        label = np.searchsorted(self.classes_, y)
        weight = weighted_by_class(
            self.class_weight, self.classes_, label, check_weight(sample_weight, X)
        )
        if self.class_weight is not None:
            weight = check_weight(weight, X)
        weight, X, label = leave_out_weightless(weight, X, label)
        return X, weight, [np.flatnonzero(label == c) for c in range(len(self.classes_))]

    def _add_to_priors(self, total: np.ndarray, so_far: bool = False) -> None:
        """Set the priors, given the weight of each class; ``so_far`` adds it to that before."""
        before = getattr(self, "_total_weight", 0.0) if so_far else 0.0  # of the batches so far
        self._total_weight = before + total
        self.priors_ = learned_priors(self.priors, self.classes_, self._total_weight, so_far)

    def _lend(
        self,
        prototype: BaseDensity,
        X: Any,
        rows: list[np.ndarray],
        weight: np.ndarray | None,
    ) -> Iterator[tuple[int, Any]]:
        """Yield each class that lacks values in a column, with codes that have some."""
        names, labels = getattr(self, "feature_names_in_", None), self.classes_.tolist()
        if sparse.issparse(X):
            for own, label in zip(rows, labels, strict=True):
                if len(own):
                    check_observed(X, names, own, f" in the rows of class {label!r}")
            return
        lacking = list(lacking_columns(X, rows))
        if not lacking:
            return
        warn_of_lacking([(labels[c], columns) for c, columns in lacking], names)
        if not prototype._borrows_columns:
            for c, columns in lacking:
                yield c, prototype._encode(with_lent_values(X, rows[c], columns, weight))

    def _group_of(self, prototype: BaseDensity, classes: Any) -> DensityGroup:
        names = [f"Class {self.classes_.tolist()[c]!r}" for c in classes]
        return group_of(prototype, names, self._total_weight[classes].tolist())

    def _finish_group(self) -> None:
        self._group.warn_if_degenerate()
        self.densities_ = self._place(self._group.densities)
        n_priors = len(self._learned) - 1 if self.priors is None else 0
        set_n_parameters(self, self._group.n_parameters(besides=n_priors))
        self._set_attributes()

    def _place(self, learned: Sequence[Any]) -> list[Any]:
        """Return a list with an entry for every class: None for those without a density."""
        placed: list[Any] = [None] * len(self.classes_)
        for c, own in zip(self._learned, learned, strict=True):
            placed[c] = own
        return placed

    # ------------------------------------------------------------------ batches
    def _extend_classes(
        self, family: BaseDensity, X: Any, y: np.ndarray, sample_weight: ArrayLike | None
    ) -> None:
        """Add a batch to the statistics of each class, under what all rows so far declare."""
        X, weight, rows = self._rows_of_classes(X, y, sample_weight)
        self._add_to_priors(weights_of(rows, weight), so_far=True)
        copies, codes = with_batch_declared(self._group.densities, family, X, weight)
        densities = dict(zip(self._learned.tolist(), copies, strict=True))
        statistics = {c: density._statistics for c, density in densities.items()}
        batches = RowTables(codes, weight, rows, {})
        for c, density in densities.items():
            if len(rows[c]):
                statistics[c] = density._statistics_with(*batches[c])
        template = copies[0]  # of classes without rows before
        for c, first in self._first_rows(template, X, weight, rows, codes):
            group = self._group_of(template._without_rows(), [c])
            group.fit(first, self.n_jobs)
            (densities[c],) = group.densities
            statistics[c] = densities[c]._statistics
        learned = sorted(statistics)
        self._learned = np.array(learned)
        self._group = self._group_of(template, learned)
        self._group.extend([densities[c] for c in learned], [statistics[c] for c in learned])
        self._finish_group()

    def _first_rows(
        self,
        template: Any,
        X: Any,
        weight: np.ndarray | None,
        rows: list[np.ndarray],
        codes: Any,
    ) -> Iterator[tuple[int, RowTables]]:
        """Yield each class that had no rows before, with the codes and weights of its first."""
        known = set(self._learned.tolist())
        first = [own[: 0 if c in known else None] for c, own in enumerate(rows)]
        new = [c for c, own in enumerate(first) if len(own)]
        if not new:
            return
        if not template._borrows_columns:
            label = self.classes_.tolist()[new[0]]
            batch = f" in the batch with the first rows of class {label!r}"
            check_observed(X, getattr(self, "feature_names_in_", None), which=batch)
        lent = dict(self._lend(template, X, first, weight))
        for c in new:
            yield c, tables_of([c], codes, weight, first, lent)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._make_density()).input_tags
        return tags


def weights_of(rows: Sequence[np.ndarray], weight: np.ndarray | None) -> np.ndarray:
    """Return the total weight of the rows of each class."""
    return np.array([total_weight(part_of(weight, own), len(own)) for own in rows])


def tables_of(
    classes: Sequence[int] | np.ndarray,
    codes: Any,
    weight: np.ndarray | None,
    rows: Sequence[np.ndarray],
    lent: Mapping[int, Any],
) -> RowTables:
    """Return the rows of some classes, of which ``rows`` and ``lent`` know those of all."""
    own = {place: lent[int(c)] for place, c in enumerate(classes) if c in lent}
    return RowTables(codes, weight, [rows[c] for c in classes], own)
