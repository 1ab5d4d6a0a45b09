"""The user's table: checked, converted to numbers and text, and encoded.

Every error message starts with the name of the argument that it is about.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.utils.validation import _num_samples

from .._csv.text import check_names as check_names
from .._tables import as_frame, check_table, import_pandas, is_pandas

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 20  # most one-hot columns per text column; its rarer values share the last one
HIDDEN_SHARES = {f"accuracy_{percent}_hidden": percent / 100 for percent in (10, 30, 60, 90)}
NUMBERS = {"boolean", "integer", "floating", "mixed-integer-float", "decimal", "empty"}


# ---------------------------------------------------------------------- checking
def check_features(X: Any) -> pd.DataFrame | np.ndarray:
    """Return the features, as a float64 array or a frame.

    Columns of a type for numbers, booleans, dates or categories stay as they came; the others
    become numbers or Python strings.
    """
    pandas = import_pandas("Comparing classifiers")
    X = _unmasked(X)
    frame = as_frame(X)
    if frame is not None:
        X = _check_frame(frame if is_pandas(frame) else _as_pandas(frame))
    elif np.asarray(X).dtype.kind in "biuf":
        X = check_table(X, "X", dtype=np.float64, ensure_all_finite="allow-nan")
        _check_variation(X)
    else:
        X = _check_frame(pandas.DataFrame(X).infer_objects())
    return X


def _unmasked(X: Any) -> Any:
    """Return X with None in place of masked cells."""
    if not isinstance(X, np.ma.MaskedArray):
        return X
    objects = X.data.astype(object)
    objects[np.ma.getmaskarray(X)] = None
    return (
        import_pandas("Comparing classifiers").DataFrame(objects).infer_objects()
        if X.ndim == 2
        else objects
    )


def _as_pandas(frame: Any) -> pd.DataFrame:
    """Return a frame of narwhals as one of pandas, with None in place of nulls."""
    pandas = import_pandas("Comparing classifiers")
    columns = {
        name: pandas.Series(frame.get_column(name).to_list(), dtype=object)
        for name in frame.columns
    }
    return pandas.DataFrame(columns).infer_objects()


def _check_frame(X: pd.DataFrame) -> pd.DataFrame:
    if not X.shape[0] or not X.shape[1]:
        raise ValueError(f"X must have rows and columns, got shape {X.shape}.")
    check_names(list(X.columns), "X")
    if len({isinstance(name, str) for name in X.columns}) > 1:
        X = X.set_axis(X.columns.map(str), axis=1)
    plain = plain_columns(X, number_columns(X))
    for name, column in plain.items():
        if column.dtype.kind == "f" and np.isinf(column).any():
            row = int(np.flatnonzero(np.isinf(column))[0])
            raise ValueError(
                f"X must hold finite numbers or missing values, but row {row} of column {name!r} "
                "holds infinity."
            )
    _check_variation(plain)
    return import_pandas("Comparing classifiers").DataFrame(
        {name: X[name] if _has_own_type(X[name]) else plain[name] for name in X.columns}
    )


def _has_own_type(column: pd.Series) -> bool:
    is_category = isinstance(column.dtype, import_pandas("Comparing classifiers").CategoricalDtype)
    return is_category or column.dtype.kind in "biufmM"


def _check_variation(X: pd.DataFrame | np.ndarray) -> None:
    columns = import_pandas("Comparing classifiers").DataFrame(X)
    if not (columns.nunique() > 1).any():
        raise ValueError(
            f"X must have a column that varies, to tell classes apart, but each of its "
            f"{X.shape[1]} columns holds a single value."
        )


def check_labels(y: ArrayLike, X: Any) -> np.ndarray:
    """Return the labels, one for each row of X."""
    pandas = import_pandas("Comparing classifiers")
    if sparse.issparse(X):
        raise ValueError(
            f"X must be a dense table, got a {type(X).__name__}; X.toarray() makes it one."
        )
    n_rows = _num_samples(X)
    y = _unmasked(np.array(y, dtype=object) if isinstance(y, list | tuple) else y)
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.shape != (n_rows,):
        raise ValueError(
            f"y must hold one class label for each of the {n_rows} rows, got shape {y.shape}."
        )
    missing = np.flatnonzero(pandas.isna(y))
    if len(missing):
        raise ValueError(
            f"y must have a label in every row, but {len(missing)} of {n_rows} are missing, the "
            f"first in row {missing[0]} (counted from 0); fill them in or leave the rows out. "
            "Empty cells, NA and None count as missing."
        )
    if y.dtype.kind == "O":
        y = np.asarray(pandas.Series(y).infer_objects())
        y = y.astype(str) if y.dtype.kind == "O" else y
    classes = np.unique(y)
    if len(classes) == 1:
        only = classes.tolist()[0]
        raise ValueError(f"y must hold two classes or more, but every row has the label {only!r}.")
    _check_not_regression(classes, n_rows)
    return y


def _check_not_regression(classes: np.ndarray, n_rows: int) -> None:
    if classes.dtype.kind not in "iuf":
        return
    fractions = classes[classes != np.floor(classes)]
    many = len(classes) > max(20, n_rows // 4)
    if len(fractions) or many:
        example = f", such as {fractions[0]:g}," if len(fractions) else ""
        raise ValueError(
            f"y must hold class labels: text, booleans or a few different integers. Its "
            f"{len(classes)} different numbers{example} in {n_rows} rows look like a regression "
            "target; cut them into classes first, for example with pandas.cut."
        )


# ---------------------------------------------------------------------- preparing
def number_columns(X: pd.DataFrame) -> list[int]:
    """Return the positions of the columns that hold numbers or booleans; the others are text."""
    infer = import_pandas("Comparing classifiers").api.types.infer_dtype
    return [place for place in range(X.shape[1]) if infer(X.iloc[:, place], skipna=True) in NUMBERS]


def plain_columns(X: pd.DataFrame, numbers: Collection[int]) -> pd.DataFrame:
    """Return the columns at the positions ``numbers`` as float64, the others as Python strings.

    Missing values become NaN in both.
    """
    pandas = import_pandas("Comparing classifiers")
    plain = {}
    for place, name in enumerate(X.columns):
        column = X.iloc[:, place]
        if place in numbers:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = column.astype(object).map(str).to_numpy(dtype=object, copy=True)
            values[column.isna().to_numpy()] = np.nan
        plain[name] = pandas.Series(values, index=X.index, dtype=values.dtype)
    return pandas.DataFrame(plain)


class TextEncoder(TransformerMixin, BaseEstimator):
    """One-hot columns of a text column, all NaN where the text is missing.

    There are up to ``MAX_CATEGORIES`` columns: one per frequent value of the training rows, and one
    that all rarer values and those seen only once share.
    """

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn the values."""
        seen = X.to_numpy(dtype=object)[X.notna().to_numpy()]
        self.spare_ = seen[0] if len(seen) else "nothing"
        one_hot = OneHotEncoder(
            min_frequency=2,  # a text seen once, like an identifier, says nothing about other rows
            max_categories=MAX_CATEGORIES,
            handle_unknown="infrequent_if_exist",
            sparse_output=False,
        )
        self.one_hot_ = one_hot.fit(np.append(seen, [] if len(seen) else self.spare_)[:, None])
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Encode the values."""
        missing = X.isna().to_numpy()
        known = np.where(missing, self.spare_, X.to_numpy(dtype=object))
        return np.where(missing, np.nan, self.one_hot_.transform(known))


def make_preparation(X: pd.DataFrame | np.ndarray) -> Any:
    """Make the first step of every pipeline: one-hot encode text, leave missing values as NaN."""
    if isinstance(X, np.ndarray):
        return FunctionTransformer()  # the identity
    numbers = number_columns(X)
    texts = [place for place in range(X.shape[1]) if place not in numbers]
    return make_pipeline(
        FunctionTransformer(plain_columns, kw_args={"numbers": numbers}),
        ColumnTransformer(
            [
                ("numbers", "passthrough", numbers),
                *((f"text {place}", TextEncoder(), [place]) for place in texts),
            ]
        ),
    )


def original_columns(prepare: Any, rows: np.ndarray) -> Any:
    """Return prepared rows in the columns of X: of each text, the value whose column is largest."""
    while isinstance(prepare, Pipeline) and not isinstance(prepare[-1], ColumnTransformer):
        prepare = prepare[0]  # what follows fills in missing values
    if not isinstance(prepare, Pipeline):
        return rows
    names, columns, start = prepare[-1].feature_names_in_, {}, 0
    for _, encoder, places in prepare[-1].transformers_:
        is_text = isinstance(encoder, TextEncoder)
        widths = [len(encoder.one_hot_.get_feature_names_out())] if is_text else [1] * len(places)
        for place, width in zip(places, widths, strict=True):
            part = rows[:, start : start + width]
            columns[names[place]] = _text_of(encoder, part) if is_text else part[:, 0]
            start += width
    return import_pandas("Comparing classifiers").DataFrame(columns)[list(names)]


def _text_of(encoder: TextEncoder, part: np.ndarray) -> np.ndarray:
    text = encoder.one_hot_.inverse_transform(np.eye(part.shape[1])[part.argmax(axis=1)])[:, 0]
    return np.where(text == "infrequent_sklearn", "(rare)", text)


def take_rows(X: pd.DataFrame | np.ndarray, rows: np.ndarray) -> pd.DataFrame | np.ndarray:
    """Return the rows at the given positions."""
    return X[rows] if isinstance(X, np.ndarray) else X.iloc[rows]


def hide(
    X: pd.DataFrame | np.ndarray, share: float, order: np.ndarray
) -> pd.DataFrame | np.ndarray:
    """Return X with a share of its cells replaced by NaN, those that rank lowest in ``order``."""
    hidden = order < round(share * order.size)
    return np.where(hidden, np.nan, X) if isinstance(X, np.ndarray) else X.mask(hidden)
