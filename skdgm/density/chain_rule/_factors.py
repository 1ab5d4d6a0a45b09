"""Factors of the chain rule: ``p(value | features)`` of one column of categories, by a classifier.

Categories that training lacks have the probability ``alpha / (n + alpha)`` together, and those that
it has divide the rest in proportion to ``count + alpha``: the shares of the column. A classifier
divides that rest, and those that it rules out get ``floor`` times their share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression

from ..._weighted_fit import fit_weighted


@dataclass(frozen=True, eq=False)
class Factor:
    """The distribution of one column given features, over the categories 0 to K - 1."""

    classifier: BaseEstimator | None  # None where only shares are known
    log_share: np.ndarray  # (K,), of each category, whatever the features are
    listed: np.ndarray  # the categories seen in training, which are those of the classifier
    log_rest: float  # log-probability of these together
    floor: float = 0.0  # of what the classifier says, as a part of the shares

    @classmethod
    def fit(
        cls,
        classifier: BaseEstimator | None,
        features: np.ndarray,
        values: np.ndarray,
        weight: np.ndarray | None,
        n_categories: int,
        worth: np.ndarray | None,
        alpha: float,
        floor: float,
    ) -> Self:
        """Fit a clone of the classifier, if the features and the column vary.

        ``worth`` is the value of each code; None if codes are the values.
        """
        count = np.bincount(values, weights=weight, minlength=n_categories).astype(np.float64)
        listed = np.unique(values)
        if not len(listed):  # a column without a row: nothing is known
            return cls(None, np.full(n_categories, -np.log(n_categories)), listed, 0.0)
        total, n_lacking = count.sum(), n_categories - len(listed)
        pseudo_count = alpha if n_lacking else 0.0
        rest = total / (total + pseudo_count)
        share = np.full(n_categories, pseudo_count / (total + pseudo_count) / max(1, n_lacking))
        smoothed = count[listed] + alpha
        share[listed] = rest * (smoothed / smoothed.sum())
        with np.errstate(divide="ignore"):  # alpha of zero
            log_share = np.log(share)
        if len(listed) < 2 or _are_alike(features):  # nothing to tell apart
            return cls(None, log_share, listed, 0.0)
        labels = values if worth is None else worth[values].astype(np.int64)
        fitted, place = fit_labels(classifier, features, labels, weight)
        return cls(fitted, log_share, listed[place], float(np.log(rest)), floor)

    @classmethod
    def of_labels(
        cls,
        classifier: BaseEstimator,
        features: np.ndarray,
        labels: np.ndarray,
        weight: np.ndarray | None,
        floor: float,
    ) -> Self:
        """Fit a clone of the classifier to labels, all of which are known: there is no rest."""
        count = np.bincount(np.unique(labels, return_inverse=True)[1], weights=weight)
        fitted, place = fit_labels(classifier, features, labels, weight)
        return cls(fitted, np.log(count / count.sum()), place, 0.0, floor)

    @property
    def n_categories(self) -> int:
        return len(self.log_share)

    @property
    def n_parameters(self) -> int | None:
        """Number of free parameters: of the shares, or of the classifier (None if unknown)."""
        if self.classifier is None:
            return self.n_categories - 1
        return classifier_parameters(self.classifier)

    def log_prob(self, features: np.ndarray) -> np.ndarray:
        """Return ``log p(value | features)`` of every category, (n_rows, n_categories)."""
        log_prob = np.tile(self.log_share, (features.shape[0], 1))
        if self.classifier is not None:
            log_prob[:, self.listed] = self._of_listed(features)
        return log_prob

    def log_prob_at(self, features: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return ``log p(value | features)`` of one category per row."""
        log_prob = self.log_share[values]
        if self.classifier is not None:
            place = np.minimum(np.searchsorted(self.listed, values), len(self.listed) - 1)
            rows = np.flatnonzero(self.listed[place] == values)
            log_prob[rows] = self._of_listed(features)[rows, place[rows]]
        return log_prob

    def _of_listed(self, features: np.ndarray) -> np.ndarray:
        log_prob = log_proba(self.classifier, features)
        ruled_out = np.isneginf(log_prob)
        if self.floor > 0 and ruled_out.any():
            log_floor = np.log(self.floor) + self.log_share[self.listed] - self.log_rest
            raised = np.where(ruled_out, log_floor, log_prob)
            log_prob = raised - np.logaddexp.reduce(raised, axis=1, keepdims=True)
        return log_prob + self.log_rest


def fit_labels(
    classifier: BaseEstimator, features: np.ndarray, labels: np.ndarray, weight: np.ndarray | None
) -> tuple[BaseEstimator, np.ndarray]:
    """Fit a clone of the classifier; return it, and the place of its classes among the labels.

    It sees the labels as 0 to k - 1, which some classifiers insist on, unless a parameter of it
    says something about single labels. It gets a copy of the features, which it may overwrite.
    """
    features = features.copy()
    listed, codes = np.unique(labels, return_inverse=True)
    if any(_names_labels(*parameter) for parameter in classifier.get_params().items()):
        fitted = fit_weighted(clone(classifier), features, labels, weight)
        return fitted, np.searchsorted(listed, fitted.classes_)
    fitted = fit_weighted(clone(classifier), features, codes, weight)
    return fitted, fitted.classes_.astype(np.intp)


def _are_alike(features: Any) -> bool:
    """Return whether all rows are the same."""
    if sparse.issparse(features):
        return (features.max(axis=0) != features.min(axis=0)).nnz == 0
    return bool((features == features[0]).all())


def _names_labels(name: str, value: Any) -> bool:
    return name.split("__")[-1] == "class_weight" and isinstance(value, dict)


def log_proba(classifier: BaseEstimator, features: np.ndarray) -> np.ndarray:
    """Return the classifier's log-probabilities, normalised in float64.

    Its own logarithms are used if it has them: those of naive Bayes may be finite where its
    probabilities underflow. It gets a copy of the features, which it may overwrite (a scaler with
    copy=False does).
    """
    features = features.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        if hasattr(classifier, "predict_log_proba"):
            log_prob = np.asarray(classifier.predict_log_proba(features), dtype=np.float64)
        else:
            log_prob = np.log(np.asarray(classifier.predict_proba(features), dtype=np.float64))
        log_total = np.logaddexp.reduce(log_prob, axis=1)
    if not np.isfinite(log_total).all():
        raise ValueError(
            f"The classifier {type(classifier).__name__} gives probabilities that do not sum to "
            f"one (but to {np.exp(log_total[~np.isfinite(log_total)][0]):g}) for a row; choose a "
            "classifier whose predict_proba covers every row."
        )
    return log_prob - log_total[:, np.newaxis]


def or_default(classifier: BaseEstimator | None) -> BaseEstimator:
    """Return the classifier, or the one that None stands for."""
    return LogisticRegression() if classifier is None else classifier


def classifier_parameters(classifier: BaseEstimator) -> int | None:
    """Number of free parameters of a fitted classifier (in a pipeline, of its last step), or None.

    It is known from ``n_parameters_``, or from ``coef_`` and ``intercept_``.
    """
    steps = getattr(classifier, "steps", None)
    if steps:
        return classifier_parameters(steps[-1][1])
    if hasattr(classifier, "n_parameters_"):
        return int(classifier.n_parameters_)
    if not (hasattr(classifier, "coef_") and hasattr(classifier, "intercept_")):
        return None
    has_intercept = getattr(classifier, "fit_intercept", True)
    return int(np.size(classifier.coef_) + has_intercept * np.size(classifier.intercept_))


def fitted_attributes(factors: Sequence[Factor], scan: np.ndarray) -> dict[str, Any]:
    """Return the attributes of an estimator with these factors; ``n_parameters_`` only if known.

    ``scan`` holds the column of each factor.
    """
    classifiers = [factors[place].classifier for place in np.argsort(scan)]
    attributes: dict[str, Any] = {"classifiers_": classifiers}
    n_parameters = [factor.n_parameters for factor in factors]
    if None not in n_parameters:
        attributes["n_parameters_"] = sum(n_parameters)
    return attributes
