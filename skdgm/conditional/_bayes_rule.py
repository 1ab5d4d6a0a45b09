"""Bayes' rule, once: ``p(y = c | x) = p(y = c) p(x | y = c) / p(x)``.

The classifiers of this folder differ only in where their class-conditional densities come from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.utils import get_tags

from .._decorators import available_if
from .._fitted import query, snapshot
from .._memory import check_rows
from .._tables import as_given, read_labels, read_table, refuse_missing_y, validate_table
from .._validation import RandomState, check_generator, check_n_samples, spawn_generators
from ..density._engine.blocks import run_in_row_blocks
from ..density._engine.responsibilities import (
    check_not_nan,
    log_responsibilities,
    responsibilities,
)
from ._class_unknown import ClassUnknown

LARGEST = 1e300  # in place of an infinite log-odds or log-probability, which scorers refuse


class BayesRuleClassifier(ClassUnknown):
    """A classifier with one density per class."""

    @query
    def predict_joint_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Compute the joint log-probability of each row and each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.

        Returns
        -------
        joint_log_proba : ndarray of shape (n_samples, n_classes)
            ``log p(x, y = c)`` in nats, classes in the order of ``classes_``. Missing values are
            integrated out. ``-inf`` for a class whose rows all had weight zero.
        """
        density = self._group.densities[0]  # all encode alike
        codes = density._encode(validate_table(self, X, reset=False, **density._input_checks))
        log_prob = np.full((codes.shape[0], len(self.classes_)), -np.inf)
        log_prob[:, self._learned] = np.concatenate(
            run_in_row_blocks(self._group.log_prob, codes, self.n_jobs)
        )
        check_not_nan(log_prob)
        with np.errstate(divide="ignore"):  # a prior of zero
            return log_prob + np.log(self.priors_)

    @query
    def predict_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Compute the log-probability of each class given each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to classify; NaN is a missing value.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            ``log p(y = c | x)`` in nats, given the observed values where some are missing. A row
            without observed values, or one that every class rules out, says nothing about its
            class and gets the priors.
        """
        return log_responsibilities(self._possible_joint_log_proba(X))

    def _possible_joint_log_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the joint log-probabilities, for rows that every class rules out the priors'."""
        joint = self.predict_joint_log_proba(X)
        impossible = np.isneginf(joint.max(axis=1))
        with np.errstate(divide="ignore"):
            joint[impossible] = np.log(self.priors_)
        return joint

    @query
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Compute the probability of each class given each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to classify; NaN is a missing value.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            ``p(y = c | x)``, classes in the order of ``classes_``; given the observed values where
            some are missing.
        """
        return responsibilities(self.predict_joint_log_proba(X), self.priors_)[0]

    @available_if(lambda self: not get_tags(self).input_tags.positive_only)
    @query
    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Compute the log-odds of two classes, or the joint log-probability of each of several.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to classify; NaN is a missing value.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            ``log p(y = 1 | x) - log p(y = 0 | x)`` in nats for two classes, in the order of
            ``classes_``, and ``log p(x, y = c)`` otherwise. It is 1e300 in place of infinity. A row
            that every class rules out gets the priors.

        Notes
        -----
        Like scikit-learn's naive Bayes, classifiers of categories or counts have no
        ``decision_function``; scorers then take ``predict_proba``.
        """
        joint = self._possible_joint_log_proba(X)
        decision = joint[:, 1] - joint[:, 0] if joint.shape[1] == 2 else joint
        return np.clip(decision, -LARGEST, LARGEST)

    @query
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to classify; NaN is a missing value.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        best = self._possible_joint_log_proba(X).argmax(axis=1)
        return self.classes_[best]

    @query
    def score(
        self, X: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Compute the share of rows whose class is predicted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to classify; NaN is a missing value.
        y : array-like of shape (n_samples,)
            Their class labels, which must be given.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row counts; None counts every row once.

        Returns
        -------
        score : float
            Accuracy of ``predict(X)``.
        """
        refuse_missing_y(self, y)
        if sample_weight is not None:
            sample_weight = read_table(sample_weight, "sample_weight")
        return super().score(X, read_labels(y), sample_weight)

    @query
    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Compute the marginal log-probability of each row, whatever its class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            ``log p(x) = log sum_c p(x, y = c)`` in nats.
        """
        return logsumexp(self.predict_joint_log_proba(X), axis=1)

    @query
    def sample(
        self,
        n_samples: int = 1,
        y: Any = None,
        random_state: RandomState = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw rows with their classes, or rows of given classes.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw.
        y : label, array-like of shape (n_samples,) or None, default=None
            The class of all rows, or that of each row; None draws classes from the priors.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same rows with any ``n_jobs``.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, of the training data's dtype.
        y : ndarray of shape (n_samples,)
            Their class labels.

        Raises
        ------
        ValueError
            If y holds an unknown label, that of a class whose rows all had weight zero, or not one
            label for each row.
        """
        n_samples = check_n_samples(n_samples)
        check_rows(n_samples, self.n_features_in_ + 1, 8)
        generator = check_generator(random_state)
        if y is None:
            label = generator.choice(len(self.classes_), size=n_samples, p=self.priors_)
        else:
            label = self._check_labels(y, n_samples)
        drawn_classes = np.unique(label)
        generators = spawn_generators(generator, len(drawn_classes))
        rows = [np.flatnonzero(label == c) for c in drawn_classes]
        drawn = [
            snapshot(self.densities_[c])._drawn_table(len(places), own)
            for c, places, own in zip(drawn_classes, rows, generators, strict=True)
        ]
        X = np.empty((n_samples, self.n_features_in_), dtype=np.result_type(*drawn))
        X[np.concatenate(rows)] = np.concatenate(drawn)
        return as_given(self, X), self.classes_[label]

    def _check_labels(self, y: Any, n_samples: int) -> np.ndarray:
        y = np.asarray(y) if np.ndim(y) == 0 else read_labels(y)
        if y.shape not in ((), (n_samples,)):
            raise ValueError(
                f"y must be one class label or {n_samples} of them, one for each of n_samples; got "
                f"shape {y.shape}."
            )
        match = y.reshape(-1, 1) == self.classes_
        if not match.any(axis=1).all():
            unknown = y.ravel()[~match.any(axis=1)].tolist()[0]
            raise ValueError(
                f"y holds the unknown class {unknown!r}; the classes are {self.classes_.tolist()}."
            )
        label = match.argmax(axis=1)
        lacking = np.setdiff1d(label, self._learned)
        if lacking.size:
            raise ValueError(
                f"y holds the class {self.classes_[lacking].tolist()[0]!r}, whose rows all had "
                "weight zero in fit, so it has no density to draw from; choose another class, or "
                "give its rows weight."
            )
        return np.broadcast_to(label, (n_samples,))
