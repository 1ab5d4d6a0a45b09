"""Answers about the rows of Dask arrays and frames: lazy, block by block, in the form of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dask
import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._tables import check_columns
from .._validation import shown
from ._tables import check_of_dask, is_array, lengths_of, row_blocks


# ---------------------------------------------------------------------- forms of answers
class _AsArray(NamedTuple):
    """An answer that is an array."""

    dtype: np.dtype
    columns: tuple[int, ...] = ()

    def empty(self, rows: Any) -> Any:
        """Return the answer about a block without rows."""
        return np.empty((0, *self.columns), dtype=self.dtype)

    def of(self, answer: Any, rows: Any) -> Any:
        """Return an answer in this form."""
        return np.asarray(answer).astype(self.dtype, casting="same_kind", copy=False)

    def join(self, blocks: list[Any], X: Any) -> Any:
        """Return the answers about all blocks of X."""
        from dask import array as da

        pairs = zip(blocks, lengths_of(X), strict=True)
        shapes = [(own, (n, *self.columns)) for own, n in pairs]
        return da.concatenate([da.from_delayed(own, shape, self.dtype) for own, shape in shapes])


class _AsSeries(NamedTuple):
    """An answer that is a column, with the index of the rows."""

    dtype: np.dtype

    def empty(self, rows: Any) -> Any:
        """Return the answer about a block without rows."""
        return self.of((), rows)

    def of(self, answer: Any, rows: Any) -> Any:
        """Return an answer in this form."""
        import pandas as pd

        return pd.Series(np.asarray(answer), index=rows.index, dtype=self.dtype)

    def join(self, blocks: list[Any], X: Any) -> Any:
        """Return the answers about all blocks of X."""
        return _joined_frames(blocks, self.empty(X._meta), X)


class _AsFrame(NamedTuple):
    """An answer that is a frame, with the index of the rows."""

    meta: Any
    categorical: list[Any]  # columns whose categories differ between blocks

    def empty(self, rows: Any) -> Any:
        """Return the answer about a block without rows."""
        return self.meta.set_axis(rows.index, axis=0)

    def of(self, answer: Any, rows: Any) -> Any:
        """Return an answer in this form."""
        frame = _as_frame(answer, rows).set_axis(rows.index, axis=0)
        return frame.astype(dict.fromkeys(self.categorical, "category"))

    def join(self, blocks: list[Any], X: Any) -> Any:
        """Return the answers about all blocks of X."""
        return _joined_frames(blocks, self.meta, X)


Form = _AsArray | _AsSeries | _AsFrame


def _joined_frames(blocks: list[Any], meta: Any, X: Any) -> Any:
    from dask import dataframe as dd

    return dd.from_delayed(blocks, meta=meta, divisions=X.divisions)


def _as_frame(rows: Any, like: Any) -> Any:
    """Return rows as a frame with the columns of another, if they are none."""
    if not isinstance(rows, np.ndarray):
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=like.columns)


def _of_unknown_categories(meta: Any, rows: Any) -> list[Any]:
    """Return the columns of which Dask does not know the categories: each block has its own."""
    from dask.dataframe.utils import has_known_categories

    return [
        name
        for name, dtype in meta.dtypes.items()
        if dtype == "category"
        and rows.dtypes[name] == "category"
        and not has_known_categories(rows[name])
    ]


# ---------------------------------------------------------------------- shared machinery
def in_column(estimator: Any, method: str, X: Any, dtype: np.dtype, *arguments: Any) -> Any:
    """Ask for a value of each row."""
    form = _AsArray(dtype) if is_array(X) else _AsSeries(dtype)
    return _ask(estimator, method, X, [form], arguments)[0]


def in_array(estimator: Any, method: str, X: Any, n_columns: int, *arguments: Any) -> Any:
    """Ask for several numbers about each row."""
    form = _AsArray(np.dtype(np.float64), (n_columns,))
    return _ask(estimator, method, X, [form], arguments)[0]


def in_tables(
    estimator: Any, method: str, X: Any, *arguments: Any, seeds: np.ndarray | None = None
) -> list[Any]:
    """Ask for a row like each row, or for several."""
    row, answer = answer_to_a_row(estimator, method, X, *arguments)
    forms: list[Form] = []
    for own in _in_tuple(answer):
        if is_array(X):
            is_number = np.asarray(own).dtype.kind in "biuf"
            dtype = np.dtype(np.float64 if is_number else object)
            forms.append(_AsArray(dtype, (X.shape[1],)))
        else:
            meta = _as_frame(own, row)[:0]
            unknown = _of_unknown_categories(meta, X._meta)
            meta = meta.astype({name: X.dtypes[name] for name in unknown})
            forms.append(_AsFrame(meta, unknown))
    return _ask(estimator, method, X, forms, arguments, seeds)


def answer_to_a_row(estimator: Any, method: str, X: Any, *arguments: Any) -> tuple[Any, Any]:
    """Return a row as X has them, which the estimator draws, and what a method answers."""
    check_has(estimator, method)
    check_of_dask(X)
    columns = X if is_array(X) else X._meta
    check_columns(estimator, columns)
    drawn = estimator.sample(1, random_state=0)
    row = drawn[0] if isinstance(drawn, tuple) else drawn
    if is_array(X):
        row = np.asarray(row).astype(X.dtype)
    else:
        row = _as_frame(row, columns)
        for name, dtype in columns.dtypes.items():
            if dtype == "category":
                row[name] = row[name].where(row[name].isin(dtype.categories))
        row = row.astype(columns.dtypes)
    return row, getattr(estimator, method)(row, *arguments)


def check_has(estimator: Any, method: str) -> None:
    """Raise an error unless an estimator is fitted and has a method."""
    check_is_fitted(estimator)
    if not hasattr(estimator, method):
        raise TypeError(f"estimator must have {method}, but {shown(estimator)} does not.")


def _ask(
    estimator: Any,
    method: str,
    X: Any,
    forms: Sequence[Form],
    arguments: tuple[Any, ...] = (),
    seeds: np.ndarray | None = None,
) -> list[Any]:
    """Ask a method of the estimator about each block of rows; return an answer in each form."""
    check_has(estimator, method)
    rows = row_blocks(X)
    options = [{}] * len(rows) if seeds is None else [{"random_state": int(s)} for s in seeds]
    answer, part = dask.delayed(_answer), dask.delayed(_part)
    model = dask.delayed(estimator, traverse=False)
    answers = [
        answer(model, method, own, tuple(forms), arguments, options_of_block)
        for own, options_of_block in zip(rows, options, strict=True)
    ]
    return [form.join([part(own, k) for own in answers], X) for k, form in enumerate(forms)]


def _answer(
    estimator: Any,
    method: str,
    rows: Any,
    forms: tuple[Form, ...],
    arguments: tuple[Any, ...],
    options: dict,
) -> list[Any]:
    if not len(rows):
        return [form.empty(rows) for form in forms]
    answer = getattr(estimator, method)(rows, *arguments, **options)
    return [form.of(own, rows) for form, own in zip(forms, _in_tuple(answer), strict=True)]


def _in_tuple(answer: Any) -> tuple[Any, ...]:
    """Return the tables of an interval, or the only answer of another method."""
    return answer if isinstance(answer, tuple) else (answer,)


def _part(answers: list[Any], place: int) -> Any:
    return answers[place]
