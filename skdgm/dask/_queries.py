"""Queries about the rows of Dask arrays and frames: answers are lazy, in the same blocks."""

from __future__ import annotations

from typing import Any

import dask
import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._validation import RandomState, check_generator, shown
from ._tables import is_array, lengths_of, row_blocks


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
    return _column(estimator, "score_samples", X, np.dtype(np.float64))


def predict(estimator: Any, X: Any) -> Any:
    """Predict the class of each row, or find its most probable component.

    Parameters
    ----------
    estimator : fitted estimator
        One with ``predict``: a classifier or a mixture.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.

    Returns
    -------
    y : dask array or column of shape (n_samples,)
        Labels of classes, or indices of components; lazy.
    """
    classes = getattr(estimator, "classes_", np.zeros(0, dtype=np.int64))
    return _column(estimator, "predict", X, classes.dtype)


def predict_proba(estimator: Any, X: Any) -> Any:
    """Compute the probability of each class or component given each row.

    Parameters
    ----------
    estimator : fitted estimator
        One with ``predict_proba``: a classifier or a mixture.
    X : dask array or frame of shape (n_samples, n_features)
        Rows; NaN is a missing value.

    Returns
    -------
    proba : dask array of shape (n_samples, n_classes)
        Probabilities in the order of ``classes_``, or of the components; lazy. Those of a frame
        whose length is not known have an array of unknown length.
    """
    known = estimator.classes_ if hasattr(estimator, "classes_") else estimator.weights_
    return _array(estimator, "predict_proba", X, len(known))


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
    return _table(estimator, "conditional_mean", X)


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
    return _table(estimator, "conditional_mode", X)


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
    return _table(estimator, "conditional_sample", X, seeds)


def _column(estimator: Any, method: str, X: Any, dtype: np.dtype) -> Any:
    blocks = _ask(estimator, method, X, dtype)
    if is_array(X):
        return _joined(X, blocks, dtype)
    import pandas as pd
    from dask import dataframe as dd

    make, meta = dask.delayed(_as_series), pd.Series(np.empty(0, dtype))
    pairs = zip(blocks, row_blocks(X), strict=True)
    indexed = [make(own, table.index, meta.dtype) for own, table in pairs]
    return dd.from_delayed(indexed, meta=meta, divisions=X.divisions)


def _as_series(values: np.ndarray, index: Any, dtype: Any) -> Any:
    import pandas as pd

    return pd.Series(values, index=index, dtype=dtype)


def _array(estimator: Any, method: str, X: Any, n_columns: int) -> Any:
    dtype = np.dtype(np.float64)
    return _joined(X, _ask(estimator, method, X, dtype, n_columns), dtype, n_columns)


def _table(estimator: Any, method: str, X: Any, seeds: np.ndarray | None = None) -> Any:
    dtype, n_columns = np.dtype(np.float64), X.shape[1]
    if is_array(X):
        blocks = _ask(estimator, method, X, dtype, n_columns, seeds)
        return _joined(X, blocks, dtype, n_columns)
    from dask import dataframe as dd

    blocks = _ask(estimator, method, X, None, n_columns, seeds)
    meta = _completed(estimator, method, _as_frame(estimator.sample(1, random_state=0), X._meta))
    return dd.from_delayed(blocks, meta=meta[:0], divisions=X.divisions)


def _joined(X: Any, blocks: list[Any], dtype: np.dtype, *n_columns: int) -> Any:
    from dask import array as da

    pairs = zip(blocks, lengths_of(X), strict=True)
    return da.concatenate([da.from_delayed(own, (n, *n_columns), dtype) for own, n in pairs])


def _ask(
    estimator: Any,
    method: str,
    X: Any,
    dtype: np.dtype | None,
    n_columns: int | None = None,
    seeds: np.ndarray | None = None,
) -> list[Any]:
    """Return a task for each block of rows: the answer of a method of the estimator."""
    check_is_fitted(estimator)
    if not hasattr(estimator, method):
        raise TypeError(f"estimator must have {method}, but {shown(estimator)} does not.")
    model = dask.delayed(estimator, traverse=False)
    answer = dask.delayed(_answer)
    tables = row_blocks(X)
    options = [{}] * len(tables) if seeds is None else [{"random_state": int(s)} for s in seeds]
    return [
        answer(model, method, table, dtype, n_columns, own)
        for table, own in zip(tables, options, strict=True)
    ]


def _answer(
    estimator: Any,
    method: str,
    table: Any,
    dtype: np.dtype | None,
    n_columns: int | None,
    options: dict,
) -> Any:
    if dtype is None:
        return _completed(estimator, method, table, **options)
    if not len(table):
        return np.empty((0,) if n_columns is None else (0, n_columns), dtype=dtype)
    return np.asarray(getattr(estimator, method)(table, **options)).astype(dtype, copy=False)


def _completed(estimator: Any, method: str, table: Any, **options: Any) -> Any:
    """Return the completed rows of a frame as a frame like it."""
    if not len(table):
        return table
    completed = getattr(estimator, method)(table, **options)
    return _as_frame(completed, table).set_axis(table.index, axis=0)


def _as_frame(rows: Any, like: Any) -> Any:
    """Return rows as a frame with the columns of another, if they are none."""
    if not isinstance(rows, np.ndarray):
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=like.columns)
