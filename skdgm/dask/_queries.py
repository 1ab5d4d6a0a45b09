"""Queries about the rows of Dask arrays and frames: answers are lazy, in the same blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_outlier_detector

from .._validation import RandomState, check_generator, shown
from ._answers import answer_to_a_row, check_has, in_array, in_column, in_tables
from ._tables import is_array


def score_samples(estimator: Any, X: Any) -> Any:
    """Compute the log-probability (or log-density) of each row.

    Parameters
    ----------
    estimator : fitted estimator
        One with ``score_samples``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows to score; NaN is a missing value.

    Returns
    -------
    log_prob : dask array or column of shape (n_samples,)
        ``log p(x)`` in nats, lazy.
    """
    return in_column(estimator, "score_samples", X, np.dtype(np.float64))


def predict(estimator: Any, X: Any) -> Any:
    """Predict the class of each row, or find its most probable component, or outliers.

    Parameters
    ----------
    estimator : fitted estimator
        A classifier, a mixture or an outlier detector.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.

    Returns
    -------
    y : dask array or column of shape (n_samples,)
        Labels of classes, or indices of components, or -1 for outliers and 1 for others; lazy.
    """
    if is_outlier_detector(estimator):
        return in_column(estimator, "predict", X, np.dtype(np.int64))
    return in_column(estimator, "predict", X, _labels(estimator, "predict").dtype)


def predict_proba(estimator: Any, X: Any) -> Any:
    """Compute the probability of each class or component given each row.

    Parameters
    ----------
    estimator : fitted estimator
        A classifier or a mixture.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.

    Returns
    -------
    proba : dask array of shape (n_samples, n_classes)
        Probabilities in the order of ``classes_``, or of the components; lazy. Those of a frame
        whose length is not known have an array of unknown length.
    """
    return in_array(estimator, "predict_proba", X, len(_labels(estimator, "predict_proba")))


def predict_column(estimator: Any, X: Any, column: int | str) -> Any:
    """Predict the values of a column from the other columns of each row.

    Parameters
    ----------
    estimator : fitted density
        One with ``predict_column``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value. What X holds in the column itself is ignored.
    column : int or str
        Index of a column, or its name if the training data had names that are all strings.

    Returns
    -------
    value : dask array or column of shape (n_samples,)
        The most probable known value of a binary or categorical column; the conditional mean of a
        column of counts or real numbers. Lazy.
    """
    values = np.asarray(answer_to_a_row(estimator, "predict_column", X, column)[1])
    dtype = np.dtype(object) if values.dtype.kind in "OSU" else values.dtype
    return in_column(estimator, "predict_column", X, dtype, column)


def conditional_proba(estimator: Any, X: Any, column: int | str) -> Any:
    """Compute the probabilities of a column's values in each row, given its other columns.

    Parameters
    ----------
    estimator : fitted density
        One with ``conditional_proba``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value. What X holds in the column itself is ignored.
    column : int or str
        Index of a binary or categorical column, or its name if the training data had names that
        are all strings.

    Returns
    -------
    proba : dask array of shape (n_samples, n_values)
        ``p(x_j = v | x_observed)`` of each value v, in the order of the density's own method; lazy.
        Those of a frame whose length is not known have an array of unknown length.
    """
    (proba,) = answer_to_a_row(estimator, "conditional_proba", X, column)[1]
    return in_array(estimator, "conditional_proba", X, len(proba), column)


def conditional_mean(estimator: Any, X: Any) -> Any:
    """Replace the missing values of each row by their means, given its observed values.

    Parameters
    ----------
    estimator : fitted density or classifier
        One with ``conditional_mean``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.

    Returns
    -------
    X_completed : dask array or frame of shape (n_samples, n_features)
        The completed rows, lazy.
    """
    return in_tables(estimator, "conditional_mean", X)[0]


def conditional_mode(estimator: Any, X: Any) -> Any:
    """Replace the missing values of each row by the most probable ones, jointly.

    Parameters
    ----------
    estimator : fitted density or classifier
        One with ``conditional_mode``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.

    Returns
    -------
    X_completed : dask array or frame of shape (n_samples, n_features)
        The completed rows, lazy.
    """
    return in_tables(estimator, "conditional_mode", X)[0]


def conditional_std(estimator: Any, X: Any) -> Any:
    """Compute the standard deviation of each missing number, given its row's observed values.

    Parameters
    ----------
    estimator : fitted density or classifier
        One with ``conditional_std``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.

    Returns
    -------
    std : dask array or frame of shape (n_samples, n_features)
        Standard deviations where numbers are missing, and 0 where they are observed; lazy.
    """
    return in_tables(estimator, "conditional_std", X)[0]


def conditional_quantile(estimator: Any, X: Any, q: float) -> Any:
    """Replace each missing number by a quantile, given the observed values of its row.

    Parameters
    ----------
    estimator : fitted density or classifier
        One with ``conditional_quantile``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.
    q : float
        Probability from 0 to 1.

    Returns
    -------
    X_completed : dask array or frame of shape (n_samples, n_features)
        X with the quantile where a number is missing, lazy. Labels stay missing.
    """
    if np.ndim(q):
        raise ValueError(f"q must be one number from 0 to 1, got {shown(q)}.")
    return in_tables(estimator, "conditional_quantile", X, q)[0]


def conditional_interval(estimator: Any, X: Any, coverage: float = 0.9) -> tuple[Any, Any]:
    """Replace each missing number by the ends of an interval that holds it, given its row.

    Parameters
    ----------
    estimator : fitted density or classifier
        One with ``conditional_interval``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.
    coverage : float, default=0.9
        Probability that each missing number, alone, lies in its interval, from 0 to 1.

    Returns
    -------
    lower, upper : dask array or frame of shape (n_samples, n_features)
        X with the ends where a number is missing, lazy. Labels stay missing.
    """
    lower, upper = in_tables(estimator, "conditional_interval", X, coverage)
    return lower, upper


def conditional_sample(estimator: Any, X: Any, random_state: RandomState = None) -> Any:
    """Draw the missing values of each row jointly, given its observed values.

    Parameters
    ----------
    estimator : fitted density or classifier
        One with ``conditional_sample``.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness; the same seed gives the same draws for the same blocks, whenever and
        wherever they are computed.

    Returns
    -------
    X_completed : dask array or frame of shape (n_samples, n_features)
        The completed rows, lazy.
    """
    n_blocks = X.numblocks[0] if is_array(X) else X.npartitions
    seeds = check_generator(random_state).integers(2**32, size=n_blocks)
    return in_tables(estimator, "conditional_sample", X, seeds=seeds)[0]


def _labels(estimator: Any, method: str) -> np.ndarray:
    """Return the classes of a classifier, or the indices of the components of a mixture."""
    check_has(estimator, method)
    if not hasattr(estimator, "classes_") and hasattr(estimator, "weights_"):
        return np.arange(len(estimator.weights_), dtype=np.int64)
    known = getattr(estimator, "classes_", None)
    if not isinstance(known, np.ndarray):
        raise TypeError(
            "estimator must be a classifier of one column of labels, or a mixture, but "
            f"{shown(estimator)} is none."
        )
    return known
