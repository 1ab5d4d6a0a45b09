"""A classifier from one density of the whole table: ``p(y | x)`` from ``p(x, y)``."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV

from .._tables import import_pandas
from ..density import CategoricalIndependentDensity, TableDensity

if TYPE_CHECKING:
    import pandas as pd


def column_kinds(X: pd.DataFrame) -> dict[str, str]:
    """Find the kinds of the columns that hold values, so that all folds agree on them."""
    observed = X.loc[:, X.notna().any().to_numpy()].rename(columns=str)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* counts? as an identifier", UserWarning)
        return TableDensity(CategoricalIndependentDensity()).fit(observed).column_kinds_


class TableClassifier(ClassifierMixin, BaseEstimator):
    """Prediction of the labels by a table density that has them as one more column.

    Columns without any value in the training rows are left out. ``kinds`` are those of the others,
    by name.
    """

    def __init__(
        self, kinds: dict[str, str], *, random_state: int = 0, n_jobs: int | None = None
    ) -> None:
        self.kinds = kinds
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Learn the table of features and labels."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.observed_ = X.notna().any().to_numpy()
        self.label_ = "label"
        while self.label_ in set(map(str, X.columns)):
            self.label_ += "_"
        table = self._joined(X, codes)
        kinds = self.kinds | {self.label_: "categorical"}
        self.density_ = TableDensity(
            columns={name: kinds[name] for name in table.columns},
            handle_unknown="smooth",
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        ).fit(table)
        self.n_parameters_ = self.density_.n_parameters_
        return self

    def _joined(self, X: pd.DataFrame, codes: Any) -> pd.DataFrame:
        named = X.loc[:, self.observed_].rename(columns=str)
        return named.assign(**{self.label_: codes})

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Compute the probability of each class, given the observed features of each row."""
        known = self.density_.conditional_proba(self._joined(X, np.nan), self.label_)
        known = known[:, : len(self.classes_)]  # without "other"
        return known / known.sum(axis=1, keepdims=True)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the most probable class of each row."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def sample(self, n_samples: int, random_state: int) -> tuple[pd.DataFrame, np.ndarray]:
        """Draw rows with their labels, none of which is "other"."""
        generator = np.random.default_rng(random_state)
        kept: list[pd.DataFrame] = []
        while sum(len(rows) for rows in kept) < n_samples:
            drawn = self.density_.sample(n_samples, random_state=generator)
            kept.append(drawn[drawn[self.label_] < len(self.classes_)])
        rows = import_pandas("Comparing classifiers").concat(kept)[:n_samples]
        return rows.drop(columns=self.label_), self.classes_[rows[self.label_].to_numpy(int)]

    def mean_log_prob(self, X: pd.DataFrame, y: np.ndarray) -> float:
        """Compute the mean of ``log p(x, y)`` over rows, in nats and the units of the columns."""
        codes = np.searchsorted(self.classes_, y)
        return float(self.density_.score(self._joined(X, codes)))


class SingleFit(GridSearchCV):
    """A search with nothing to choose: a single fit, without inner folds."""

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit the estimator to all rows."""
        start = time.perf_counter()
        self.best_estimator_ = clone(self.estimator).fit(X, y, **params)
        self.refit_time_ = time.perf_counter() - start
        self.best_params_: dict[str, Any] = {}
        self.multimetric_ = False
        self.scorer_ = check_scoring(self.estimator, self.scoring)
        return self
