"""The reader of the tables that users pass: numbers come out, with NaN where a cell is missing.

Cells may be missing in any clothing: NaN, None, ``pandas.NA``, NaT, null or masked. Columns that
hold no numbers (text, dates, ...) are refused, in a sentence that names the column and the cure.
All that scikit-learn checks, it checks afterwards, on plain arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, check_X_y
from sklearn.utils.validation import validate_data

from ._arrays import array_of_rows, check_exact, first_inexact, is_plain, read_array
from ._columns import beside, columns_at, with_empty_columns
from ._errors import INEXACT, ColumnError, refuse_missing_y, refuse_shape
from ._frames import as_frame, as_series, frame_header, header, is_pandas, read_frame, read_series
from ._holes import with_holes, without_cells
from ._labels import read_labels
from ._rows import below, rows_at, rows_like
from ._schema import AnyCells, ReadTable, Schema, as_given, in_units_of
from ._schema_column import SchemaColumn
from ._sources import Source, as_table
from ._sparse import read_sparse
from ._to_pandas import as_pandas, import_pandas

__all__ = [
    "INEXACT",
    "AnyCells",
    "ColumnError",
    "ReadTable",
    "Schema",
    "SchemaColumn",
    "Source",
    "as_frame",
    "as_given",
    "as_pandas",
    "as_series",
    "as_table",
    "below",
    "beside",
    "check_columns",
    "check_exact",
    "check_table",
    "columns_at",
    "first_inexact",
    "frame_header",
    "import_pandas",
    "in_units_of",
    "is_pandas",
    "read_labels",
    "read_table",
    "refuse_missing_y",
    "rows_at",
    "rows_like",
    "validate_table",
    "with_empty_columns",
    "with_holes",
    "without_cells",
]

NOT_GIVEN = object()


def validate_table(
    estimator: Any,
    X: Any,
    y: Any = NOT_GIVEN,
    *,
    reset: bool = True,
    schema: AnyCells | None = None,
    **checks: Any,
) -> Any:
    """Read X, and y if it is given, and check them as scikit-learn's ``validate_data`` does.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_`` and ``feature_names_in_``, or has them to compare X with.
    X : array-like of shape (n_samples, n_features)
        A table in any clothing.
    y : array-like of shape (n_samples,), optional
        Class labels; None raises an error.
    reset : bool, default=True
        Whether to set what the estimator knows about the columns, rather than to compare with it.
    schema : AnyCells, optional
        Lets the columns hold any cells; the estimator gets a ``_schema``, or has one to read X by.
    **checks
        Options of :func:`sklearn.utils.check_array`.

    Returns
    -------
    X : ndarray or sparse matrix
        A table of numbers, or a tuple of X and y if y is given.
    """
    if schema is not None:
        return _validate_any(estimator, X, y, reset, schema, checks)
    if reset:
        vars(estimator).pop("_schema", None)  # of an earlier fit
    frame = None if is_plain(X) else as_frame(X)
    labels = _labels(estimator, y)
    if frame is None:
        table = _read(X, "X", checks)
        return validate_data(estimator, table, *labels, reset=reset, **checks)
    validate_data(estimator, header(frame), *labels, reset=reset, skip_check_array=True)
    table = _read(frame, "X", checks)
    if not labels:
        return check_array(table, estimator=estimator, input_name="X", **checks)
    return check_X_y(table, *labels, estimator=estimator, **checks)


def _validate_any(
    estimator: Any, X: Any, y: Any, reset: bool, options: AnyCells, checks: dict
) -> Any:
    """Read X by a schema, which is learned or known, and check it and y."""
    labels = _labels(estimator, y)
    if isinstance(X, ReadTable):
        if reset:
            estimator._schema = X.schema
        return validate_data(estimator, X.table, *labels, reset=reset, **checks)
    source = Source.of(X, "X")
    refuse_shape(np.shape(X) if source is None else source.native.shape, "X")
    if source is None:
        return validate_data(estimator, X, *labels, reset=reset, **checks)
    frame = as_frame(X)
    columns = source.native if frame is None else header(frame)
    validate_data(estimator, columns, *labels, reset=reset, skip_check_array=True)
    schema = Schema.learn(source, options) if reset else estimator._schema
    table = schema.read(source)
    if not labels:
        table = check_array(table, estimator=estimator, input_name="X", **checks)
    else:
        table, labels[0] = check_X_y(table, *labels, estimator=estimator, **checks)
    if reset:
        estimator._schema = schema
    return (table, labels[0]) if labels else table


def _labels(estimator: Any, y: Any) -> list[Any]:
    """Return a list of the labels, an empty one if no y belongs to the call."""
    if y is NOT_GIVEN:
        return []
    refuse_missing_y(estimator, y)
    return [read_labels(y)]


def check_columns(estimator: Any, X: Any) -> None:
    """Raise a ValueError unless a table has the columns of training; its cells are not read."""
    validate_data(estimator, X, reset=False, skip_check_array=True)


def check_table(X: Any, name: str, **checks: Any) -> Any:
    """Read a table that belongs to no estimator, and check it as ``check_array`` does."""
    return check_array(_read(X, name, checks), input_name=name, **checks)


def read_table(X: Any, name: str = "X", accept_sparse: Any = False) -> Any:
    """Return a table, or a single column, as an array or a sparse matrix of numbers.

    Missing cells are NaN. A plain array of numbers is returned as it is. Whatever is not a table at
    all is left to scikit-learn's checks.

    Parameters
    ----------
    X : object
        The table.
    name : str, default="X"
        Name of the argument, for errors.
    accept_sparse : bool, str or sequence of str, default=False
        Formats to keep, as in :func:`sklearn.utils.check_array`.

    Returns
    -------
    table : ndarray or sparse matrix
        The numbers.
    """
    if is_plain(X) or isinstance(X, np.matrix):
        return X
    if sparse.issparse(X):
        return read_sparse(X, name, accept_sparse)
    frame = as_frame(X, name)
    if frame is not None:
        table = read_frame(frame, name, accept_sparse)
        return read_sparse(table, name, accept_sparse) if sparse.issparse(table) else table
    column = read_series(X, name)
    if column is not None:
        return column
    return read_array(array_of_rows(X, name), name)


def _read(X: Any, name: str, checks: dict) -> Any:
    """Read a table; if it is to be converted to floats, check that this loses nothing."""
    table = read_table(X, name, checks.get("accept_sparse", False))
    refuse_shape(np.shape(table), name)
    if "dtype" in checks and isinstance(table, np.ndarray):
        check_exact(table, name)
    return table
