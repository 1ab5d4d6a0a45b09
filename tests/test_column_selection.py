"""The columns of each block of ColumnDensity: how they are selected, and what is refused."""

import gc
import weakref

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
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
    with pytest.raises(
        ValueError, match=r"cannot select 'y' .* is named 'y'; those there are: 'x', 'z'\."
    ):
        blocks.fit(pd.DataFrame(X, columns=["x", "z"]))
    wide = pd.DataFrame(np.zeros((2, 25)), columns=[f"c{place}" for place in range(25)])
    with pytest.raises(ValueError, match=r"'c18', 'c19' and 5 more\."):
        blocks.fit(wide)


# ---------------------------------------------------------------------- callables
def mixed_frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=60),
            "smokes": rng.random(60) < 0.4,
            "weight": rng.normal(size=60),
            "kind": pd.Categorical(rng.integers(0, 3, 60), categories=[0, 1, 2]),
        }
    )


BY_DTYPE = ColumnDensity(
    [
        ("sizes", GaussianDensity(), make_column_selector(dtype_include=float)),
        ("coins", BernoulliIndependentDensity(), make_column_selector(dtype_include=bool)),
        (
            "kinds",
            ChowLiuTreeDensity(),
            make_column_selector(pattern="kind", dtype_include="category"),
        ),
    ]
)


def places_of(blocks):
    return {name: columns.tolist() for name, _, columns in blocks.densities_}


def test_column_selectors_see_the_dtypes_of_the_frame():
    frame, y = mixed_frame(), np.arange(60) % 2
    selected = {"sizes": [0, 2], "coins": [1], "kinds": [3]}
    blocks = clone(BY_DTYPE).fit(frame)
    assert places_of(blocks) == selected
    by_place = [(name, family, selected[name]) for name, family, _ in BY_DTYPE.densities]
    expected = ColumnDensity(by_place).fit(frame).score_samples(frame)
    assert_allclose(blocks.score_samples(frame), expected)
    mixture = MixtureDensity(BY_DTYPE, 1).fit(frame)
    assert_allclose(mixture.score_samples(frame), expected)
    classifier = GenerativeClassifier(mixture).fit(frame, y)
    assert places_of(classifier.densities_[0].densities_[0]) == selected
    inner = [("rest", BY_DTYPE, ["smokes", "kind", "weight"]), ("size", GaussianDensity(), "size")]
    nested = ColumnDensity(inner).fit(frame)
    assert places_of(nested.named_densities_.rest) == {"sizes": [2], "coins": [0], "kinds": [1]}
    batched = clone(blocks).partial_fit(frame[:30]).partial_fit(frame[30:])
    assert_allclose(batched.score_samples(frame), expected)


def test_a_callable_gets_the_frame_that_was_passed_to_fit():
    seen = []

    def all_columns(table):
        seen.append(table)
        return slice(None)

    X = load_iris().data
    tables = [X, pd.DataFrame(X), pl.DataFrame(X)]
    blocks = ColumnDensity([("all", GaussianDensity(), all_columns)])
    for table in tables:
        clone(blocks).fit(table)
        assert seen.pop() is table
        TransformedDensity(StandardScaler(), blocks).fit(table)
        assert seen.pop() is table or isinstance(table, np.ndarray)
        MixtureDensity(TransformedDensity(PCA(), blocks), 1).fit(table)
        assert type(seen.pop()) is np.ndarray  # components are no columns of the table


def test_a_fitted_density_keeps_no_frame():
    frame = mixed_frame()
    models = [MixtureDensity(BY_DTYPE, 2, random_state=0), GenerativeClassifier(BY_DTYPE), BY_DTYPE]
    fitted = [clone(model).fit(frame, np.arange(60) % 2) for model in models]
    kept = weakref.ref(frame)
    del frame
    gc.collect()
    assert kept() is None
    assert all(hasattr(model, "classes_") or model.sample().shape == (1, 4) for model in fitted)


def test_a_series_of_polars_or_pandas_selects_columns():
    frame = pl.DataFrame(load_iris().data, schema=list("abcd"))
    for first, others in [
        (pl.Series(["a", "c"]), pl.Series(["b", "d"])),
        (pd.Series(["a", "c"]), pd.Index(["b", "d"])),
        (pl.Series([True, False, True, False]), pl.Series([1, 3])),
    ]:
        densities = [("first", GaussianDensity(), first), ("others", GaussianDensity(), others)]
        assert places_of(ColumnDensity(densities).fit(frame)) == {"first": [0, 2], "others": [1, 3]}


# ---------------------------------------------------------------------- no columns, other columns
@pytest.mark.parametrize("empty", [[], slice(4, None), [False] * 4, pl.Series([], dtype=pl.String)])
def test_a_block_without_columns_is_left_out(empty):
    X, y = load_iris(return_X_y=True)
    densities = [("none", ChowLiuTreeDensity(), empty), ("all", GaussianDensity(), slice(None))]
    blocks = ColumnDensity(densities).fit(X)
    assert list(blocks.named_densities_) == ["all"]
    assert_allclose(blocks.score_samples(X), GaussianDensity().fit(X).score_samples(X))
    assert blocks.sample(3, random_state=0).shape == (3, 4)
    assert GenerativeClassifier(blocks).fit(X, y).score(X, y) > 0.9
    batched = clone(blocks).partial_fit(X[:80]).partial_fit(X[80:])
    assert_allclose(batched.score_samples(X), blocks.score_samples(X))
    densities = [("further", GaussianDensity(), 0), *densities]
    with pytest.raises(ValueError, match="densities holds other blocks than the fit so far"):
        batched.set_params(densities=densities).partial_fit(X)


def test_the_remainder_takes_the_columns_that_no_block_selects():
    X, y = load_iris(return_X_y=True)
    frame = pd.DataFrame(X, columns=list("abcd"))
    blocks = ColumnDensity([("b", GaussianDensity(), "b")], remainder=GaussianDensity("diag"))
    told = ColumnDensity([("b", GaussianDensity(), 1), ("r", GaussianDensity("diag"), [0, 2, 3])])
    expected = told.fit(X).score_samples(X)
    fitted = clone(blocks).fit(frame)
    assert_allclose(fitted.score_samples(frame), expected)
    assert places_of(fitted) == {"b": [1], "remainder": [0, 2, 3]}
    assert fitted.named_densities_.remainder.feature_names_in_.tolist() == ["a", "c", "d"]
    batched = clone(blocks).partial_fit(frame[:80]).partial_fit(frame[80:])
    assert_allclose(batched.score_samples(frame), expected)
    assert GenerativeClassifier(blocks).fit(frame, y).score(frame, y) > 0.9
    search = GridSearchCV(blocks, {"remainder__covariance_type": ["diag", "full"]}, cv=3).fit(frame)
    assert search.best_params_ == {"remainder__covariance_type": "full"}
    nothing_left = clone(blocks).set_params(densities=[("all", GaussianDensity(), slice(None))])
    assert list(nothing_left.fit(X).named_densities_) == ["all"]
    assert not hasattr(clone(blocks).set_params(remainder=BaggingDensity(blocks)), "partial_fit")
    with pytest.raises(ValueError, match="In block 'remainder': n_factors must"):
        clone(blocks).set_params(remainder=GaussianDensity("low_rank", n_factors=9)).fit(frame)
    named = ColumnDensity([("remainder", GaussianDensity(), slice(None))])
    with pytest.raises(ValueError, match="names conflict with constructor arguments"):
        named.fit(X)


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
        ([], r"^Column 1 of X is in no block; add it to one of 'a', 'b', give a density for such"),
        ([1], r"^Column 2 of X is in no block; .* columns as remainder, or leave it out of X"),
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
