"""Rows of tables: taken, written like a table's own, and put below it."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skdgm._tables import below, read_table, rows_at, rows_like

COLUMNS = {
    "small": np.array([0, 7, 250], dtype="uint8"),
    "large": np.array([-5, 0, 2**40]),
    "half": np.array([0.5, 1.5, np.nan], dtype="float32"),
    "flag": [True, False, True],
}
NUMBERS = np.array([[-3.2, 1.6, 0.25, 0.6], [300.0, -1.4, 2.0, -4.0]])
WRITTEN = np.array([[0, 2, 0.25, 1], [255, -1, 2.0, 0]])
FRAMES = {
    "pandas": lambda: pd.DataFrame(COLUMNS, index=[4, 4, 9]),
    "nullable": lambda: pd.DataFrame(COLUMNS).convert_dtypes(),
    "of arrow": lambda: pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "pyarrow": lambda: pa.table(COLUMNS),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_get_rows_of_their_own_dtypes(kind):
    X = FRAMES[kind]()
    rows = rows_like(X, NUMBERS)
    assert type(rows) is type(X)
    assert_array_equal(read_table(rows), WRITTEN)
    more = below(X, rows)
    assert_array_equal(read_table(more), np.vstack([read_table(X), WRITTEN]))
    for own in (rows, more):
        assert own.schema == X.schema if kind == "pyarrow" else list(own.dtypes) == list(X.dtypes)
    if isinstance(X, pd.DataFrame):
        assert list(more.index) == list(range(5))


def test_categories_become_the_nearest_ones():
    X = pd.DataFrame({"size": pd.Categorical([20, 10, 40], categories=[40, 10, 20])})
    rows = rows_like(X, np.array([[-100.0], [14.9], [15.1], [29.0], [31.0], [1e9]]))
    assert rows["size"].dtype == X["size"].dtype
    assert rows["size"].tolist() == [10, 10, 20, 20, 40, 40]


def test_sparse_frames_keep_what_they_fill_in():
    X = pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 1.5, 0.0], fill_value=0.0)})
    more = below(X, rows_like(X, np.array([[0.0], [2.0]])))
    assert more["a"].dtype == X["a"].dtype
    assert more["a"].tolist() == [0.0, 1.5, 0.0, 0.0, 2.0]


@pytest.mark.parametrize("dtype", ["int16", "float32", "uint64", "bool"])
def test_arrays_keep_their_dtype(dtype):
    X = np.array([[0, 1], [1, 0]]).astype(dtype)
    more = below(X, rows_like(X, np.array([[0.25, 0.75], [1e19, -1e19]])))
    assert more.dtype == X.dtype
    assert_array_equal(more[:2], X)
    assert_array_equal(more[2], [0.25, 0.75] if dtype == "float32" else [0, 1])


def test_masks_lists_and_sparse_tables_stay_what_they_are():
    masked = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], [[True, False], [False, False]])
    more = below(masked, rows_like(masked, np.array([[5.0, 6.0]])))
    assert more.mask.tolist() == [[True, False], [False, False], [False, False]]
    rows = [[1, 2.5], [3, 4.5]]
    assert below(rows, rows_like(rows, np.array([[5.0, 6.25]]))) == [*rows, [5, 6.25]]
    for make in (sparse.csr_matrix, sparse.csc_array):
        table = make(np.eye(2, dtype="float32"))
        more = below(table, rows_like(table, np.array([[0.0, 6.0]])))
        assert type(more) is make
        assert more.dtype == np.float32
        assert_array_equal(more.toarray(), [[1, 0], [0, 1], [0, 6]])


@pytest.mark.parametrize("kind", FRAMES)
def test_rows_are_taken_in_any_order(kind):
    X = FRAMES[kind]()
    rows = rows_at(X, np.array([2, 0, 0]))
    assert type(rows) is type(X)
    assert_array_equal(read_table(rows), read_table(X)[[2, 0, 0]])


def test_columns_stay_what_they_are():
    places = np.array([1, 1, 0])
    assert rows_at(["a", "b"], places) == ["b", "b", "a"]
    assert_array_equal(rows_at(np.array(["a", "b"]), places), ["b", "b", "a"])
    series = rows_at(pd.Series(["a", "b"], dtype="category", name="y", index=[3, 5]), places)
    assert series.tolist() == ["b", "b", "a"]
    assert list(series.index) == [0, 1, 2]
    assert (series.name, series.dtype) == ("y", "category")
    assert rows_at(pl.Series("y", ["a", "b"]), places).to_list() == ["b", "b", "a"]
