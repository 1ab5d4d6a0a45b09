"""Errors about a column know it as a number, and name it as it stands in the user's table."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import QuantileTransformer

from skdgm import (
    BernoulliIndependentDensity,
    ChainRuleConditional,
    ChowLiuTreeDensity,
    ColumnDensity,
    ConditionalDensity,
    FullCategoricalDensity,
    GaussianDensity,
    TransformedDensity,
)
from skdgm._validation import ColumnError

X = np.array([[0, 1, 0], [1, 0, 1], [1, 1, 0], [0, 0, 1]])


def raised_by(function, *arguments):
    with pytest.raises(ColumnError) as caught:
        function(*arguments)
    return caught.value


def test_fields_say_what_was_seen():
    density = ChowLiuTreeDensity().fit(X)
    error = raised_by(density.score_samples, X + np.array([0, 0, 2]))
    assert (error.column, error.value, error.blocks, error.table) == (2, 3, (), "X")
    assert str(error).startswith("Unknown category in X: column 2 holds 3, but")
    error = raised_by(density.fit, X - [[0.0, 0.5, 0.0]])
    assert (error.column, error.value, error.fields["row"]) == (1, -0.5, 1)


def test_an_error_survives_pickling():
    error = ColumnError("{table}: {column} holds {value}", 3, {"value": 7}, ("a", "b"), "y")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "In block 'a': In block 'b': y: column 3 holds 7"
    assert (copy.column, copy.value) == (3, 7)


def test_blocks_name_the_column_of_the_whole_table():
    inner = ColumnDensity(
        [("one", BernoulliIndependentDensity(), [0]), ("two", FullCategoricalDensity(), [1])]
    )
    outer = ColumnDensity([("size", GaussianDensity(), [1]), ("rest", inner, [0, 2])]).fit(X)
    error = raised_by(outer.score_samples, X + np.array([0, 0, 5]))
    assert (error.column, error.value, error.blocks) == (2, 6, ("rest", "two"))
    assert str(error).startswith("In block 'rest': In block 'two': Unknown category in X: column 2")


def test_maps_name_the_column_of_the_whole_table():
    table = np.column_stack([X[:, 0], np.arange(4.0), [1.0, 1.0, 1.0, 2.0]])
    quantiles = TransformedDensity(QuantileTransformer(n_quantiles=4), GaussianDensity())
    blocks = ColumnDensity(
        [("coin", BernoulliIndependentDensity(), [0]), ("map", quantiles, [2, 1])]
    )
    assert raised_by(blocks.fit, table).column == 2


def test_outputs_are_counted_by_themselves():
    model = ConditionalDensity(FullCategoricalDensity()).fit(X[:, :1], X[:, 1:])
    error = raised_by(model.score_samples, X[:, :1], X[:, 1:] + [[0, 2]])
    assert (error.table, error.column, error.value) == ("y", 1, 3)
    error = raised_by(model.score_samples, X[:, :1] + 4, X[:, 1:])
    assert (error.table, error.column, error.value) == ("X", 0, 5)
    error = raised_by(ChainRuleConditional().fit, X, X[:, 1:] - 1)
    assert (error.table, error.column, error.value) == ("y", 1, -1)
    assert "Encode y first" in str(error)


def test_entries_of_sparse_tables_are_located():
    table = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0]]))
    error = raised_by(BernoulliIndependentDensity(binarize=None).fit, table)
    assert (error.column, error.value, error.fields["row"]) == (1, 2.0, 2)


def test_braces_in_names_do_no_harm():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"{a}": [1.0, 2.0], "{}": [np.nan, np.nan]})
    assert "column 1 ('{}')" in str(raised_by(GaussianDensity().fit, table))
