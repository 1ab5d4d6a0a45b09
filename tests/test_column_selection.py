"""The columns of each block of ColumnDensity: how they are selected, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris

from skdgm import (
    ChowLiuTreeDensity,
    ColumnDensity,
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
)


# ---------------------------------------------------------------------- columns
def everything_but_first(X):
    return slice(1, X.shape[1])


@pytest.mark.parametrize(
    ("first", "others"),
    [
        (0, [1, 2, 3]),
        (-4, np.array([1, 2, 3])),
        ([0], slice(1, None)),
        ((0,), (3, 2, 1)),
        (slice(0, 1), [False, True, True, True]),
        (np.array([True, False, False, False]), everything_but_first),
        (slice(None, 1), [-1, -2, -3]),
        ("sepal length (cm)", slice("sepal width (cm)", None)),
        (["sepal length (cm)"], slice("sepal width (cm)", "petal width (cm)")),
        (
            slice(None, "sepal length (cm)"),
            np.array(["petal width (cm)", "sepal width (cm)", "petal length (cm)"]),
        ),
        (lambda X: "sepal length (cm)", lambda X: [1, 2, 3]),
    ],
)
def test_columns_can_be_selected_in_every_way_of_scikit_learn(first, others):
    frame, y = load_iris(return_X_y=True, as_frame=True)
    X = frame.to_numpy()
    blocks = ColumnDensity([("a", GaussianDensity(), first), ("b", GaussianDensity(), others)])
    apart = [GaussianDensity().fit(X[:, :1]), GaussianDensity().fit(X[:, 1:])]
    expected = apart[0].score_samples(X[:, :1]) + apart[1].score_samples(X[:, 1:])
    fitted = clone(blocks).fit(frame)
    assert_allclose(fitted.score_samples(frame), expected, rtol=1e-9)
    assert_array_equal(fitted.feature_names_in_, frame.columns)
    for name, density, columns in fitted.densities_:
        assert density is fitted.named_densities_[name]
        assert_array_equal(density.feature_names_in_, frame.columns[columns])
        density.score_samples(frame.iloc[:, columns])  # warns of no names
    assert_array_equal(fitted.densities_[0][2], [0])
    assert sorted(fitted.densities_[1][2]) == [1, 2, 3]

    mixture = MixtureDensity(blocks, 1).fit(frame)
    assert_allclose(mixture.score_samples(frame), expected, rtol=1e-9)
    classifier = GenerativeClassifier(blocks).fit(frame, y)
    assert classifier.score(frame, y) > 0.9


def test_names_of_columns_need_a_frame_that_has_them():
    X = np.zeros((3, 2))
    blocks = ColumnDensity([("a", GaussianDensity(), "x"), ("b", GaussianDensity(), "y")])
    with pytest.raises(ValueError, match="cannot select 'x' from the 2 columns of X: X has no"):
        blocks.fit(X)
    with pytest.raises(ValueError, match=r"cannot select 'y' .* no column of X is named 'y'"):
        blocks.fit(pd.DataFrame(X, columns=["x", "z"]))


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            [0, 4],
            r"Block 'b' cannot select \[0, 4\] .* of X: index 4 is out of bounds",
        ),
        (
            [True, False],
            r"Block 'b' cannot select \[True, False\] from the 3 columns.*: boolean",
        ),
        (1.5, "Block 'b' cannot select 1.5 from the 3 columns of X: No valid specification"),
        (None, "Block 'b' cannot select None from the 3 columns of X: that selects no columns"),
        ([], "Block 'b' selects none of the columns of X, which has n_features = 3; leave"),
        (slice(3, None), "Block 'b' selects none of the columns of X"),
        ([False, False, False], "Block 'b' selects none of the columns of X"),
        ([1], r"^Column 2 of X is in no block; add it to one of 'a', 'b', or leave it out of X"),
        ([0, 1, 2], r"^Column 0 of X is in the blocks 'a', 'b', but every column must be in exact"),
        ([1, 2, 1], r"^Column 1 of X is 2 times in block 'b'; list it once"),
    ],
)
def test_every_column_must_be_in_exactly_one_block(selection, message):
    X = np.eye(3)
    blocks = ColumnDensity([("a", GaussianDensity(), 0), ("b", GaussianDensity(), selection)])
    for joint in (blocks, MixtureDensity(blocks)):
        with pytest.raises(ValueError, match=message):
            joint.fit(X)
        assert vars(joint).keys() == joint.get_params(deep=False).keys()
    frame = pd.DataFrame(X, columns=["x", "y", "z"])
    if selection == [1]:
        with pytest.raises(ValueError, match=r"^Column 2 \('z'\) of X is in no block"):
            blocks.fit(frame)


@pytest.mark.parametrize(
    ("densities", "message"),
    [
        ("ab", "The 'densities' parameter of ColumnDensity must be an instance of 'list'"),
        ([], "densities is empty; give at least one tuple"),
        ([("a", GaussianDensity())], r"densities must be a list of tuples .* it holds \('a', Gau"),
        ([("a", 3, [0])], r"it holds \('a', 3, \[0\]\)"),
        ([("a", GaussianDensity, [0])], r"it holds \('a', the class GaussianDensity, \[0\]\)"),
        ([(1, GaussianDensity(), [0])], "densities must be a list of tuples"),
        ([("a", GaussianDensity(), 0), ("a", GaussianDensity(), 1)], "Names provided are not uniq"),
        ([("a__b", GaussianDensity(), slice(None))], "names must not contain __"),
        ([("n_jobs", GaussianDensity(), slice(None))], "names conflict with constructor arguments"),
        ([("densities", GaussianDensity(), slice(None))], "names conflict with constructor argum"),
        ([("a", GaussianDensity(reg_covar=-1), slice(None))], "In block 'a': The 'reg_covar' para"),
        ([("a", GaussianDensity("low_rank", n_factors=5), [1, 0])], "In block 'a': n_factors must"),
        ([("a", MarkovChainImageDensity(7), [1, 0])], "In block 'a': order must be at most"),
    ],
)
def test_invalid_densities_are_refused(densities, message):
    X = np.eye(2)
    for joint in (
        ColumnDensity(densities),
        MixtureDensity(ColumnDensity(densities)),
        GenerativeClassifier(ColumnDensity(densities)),
    ):
        with pytest.raises(ValueError, match=message):
            joint.fit(X, [0, 1])
    assert not hasattr(joint, "densities_")


def test_errors_name_the_columns_of_X():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (20, 6)).astype(float)
    inner = ColumnDensity(
        [("tree", ChowLiuTreeDensity(), [2, 0]), ("chain", ChowLiuTreeDensity(), 1)]
    )
    blocks = ColumnDensity(
        [("sizes", GaussianDensity(), [0, 1, 3]), ("pixels", inner, [5, 2, 4])]
    ).fit(X)
    for column, block in [(4, "tree"), (5, "tree"), (2, "chain")]:
        bad = X.copy()
        bad[7, column] = 2
        with pytest.raises(
            ValueError,
            match=f"^In block 'pixels': In block '{block}': Unknown category in X: "
            f"column {column} holds 2",
        ):
            blocks.score_samples(bad)
        bad[7, column] = -1
        with pytest.raises(
            ValueError,
            match=f"^In block 'pixels': In block '{block}': Negative values in data: "
            f"row 7, column {column} holds -1",
        ):
            clone(blocks).fit(bad)
    wider = ColumnDensity([("sizes", GaussianDensity(), [0, 1]), ("pixels", inner, [5, 4, 2, 3])])
    with pytest.raises(ValueError, match="In block 'pixels': Column 3 of X is in no block"):
        wider.fit(X)
