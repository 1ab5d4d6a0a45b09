"""Probabilities of a column's values, and predictions, in rows with any other values missing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.decomposition import PCA

from skdgm import (
    BernoulliIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)
from skdgm.density._engine import completions as _completions

from .estimators import CONTINUOUS_CASES, DISCRETE_CASES, cases
from .rows import agreement, hide


# ---------------------------------------------------------------------- against enumeration
@cases(DISCRETE_CASES)
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16), share=st.sampled_from([0.0, 0.5]))
def test_probabilities_agree_with_enumeration(case, seed, share):
    X = hide(case.data(6, seed=seed), share, seed)
    column = seed % case.n_columns
    others = X.copy()
    others[:, column] = np.nan
    possible = agreement(case.states, others) @ case.probability > 0
    X, others = X[possible], others[possible]
    value_of = case.states[:, column, np.newaxis] == np.arange(case.n_categories)
    joint = agreement(case.states, others) * case.probability
    expected = joint @ value_of / joint.sum(axis=1, keepdims=True)
    found = case.fitted.conditional_proba(X, column)
    assert_allclose(found, expected, atol=1e-9)
    assert_allclose(found.sum(axis=1), 1)
    # Means of codes, and predictions, follow from the probabilities.
    mean = case.fitted.conditional_mean(others)[:, column]
    assert_allclose(found @ np.arange(case.n_categories), mean, atol=1e-9)
    predicted = case.fitted.predict_column(X, column).astype(int)
    assert_allclose(found[np.arange(len(X)), predicted], found.max(axis=1), atol=1e-12)


@cases(CONTINUOUS_CASES)
def test_real_numbers_are_predicted_by_their_conditional_mean(case):
    X = hide(case.data(5, seed=1), 0.4)
    others = X.copy()
    others[:, 1] = np.nan
    expected = case.fitted.conditional_mean(others)[:, 1]
    assert_allclose(case.fitted.predict_column(X, 1), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="column 1 cannot be listed, for they are real numbers; p"):
        case.fitted.conditional_proba(X, 1)


# ---------------------------------------------------------------------- values
DENSITIES = [
    FullCategoricalDensity(alpha=2.0, handle_unknown="smooth"),
    ChowLiuTreeDensity(handle_unknown="smooth"),
    MarkovChainImageDensity(handle_unknown="smooth"),
    HiddenChowLiuTreeDensity(3, handle_unknown="smooth", random_state=0, max_iter=5),
    MixtureDensity(ChowLiuTreeDensity(handle_unknown="smooth"), random_state=0, max_iter=5),
    ColumnDensity(
        [
            ("tree", ChowLiuTreeDensity(handle_unknown="smooth"), [2, 0]),
            ("chain", MarkovChainImageDensity(handle_unknown="smooth"), [1]),
        ]
    ),
]


@pytest.mark.parametrize("density", DENSITIES, ids=lambda one: type(one).__name__)
def test_values_are_categories_and_then_other(density):
    rng = np.random.default_rng(0)
    values = np.array([3, 10, 2000])
    codes = rng.integers(0, 3, (60, 3))
    codes[:, 1] = np.where(rng.random(60) < 0.8, codes[:, 0], codes[:, 1])
    X = values[codes]
    density.fit(X)
    rows = X[:20].astype(float)
    for column in range(3):
        probability = density.conditional_proba(rows, column)
        scores = []
        for value in [*values, 7]:  # 7 is "other"
            tried = rows.copy()
            tried[:, column] = value
            scores.append(density.score_samples(tried))
        scores = np.exp(scores)
        assert_allclose(probability, (scores / scores.sum(axis=0)).T)
        predicted = density.predict_column(rows, column)
        assert_array_equal(predicted, values[probability[:, :3].argmax(axis=1)])
        assert predicted.dtype == X.dtype


def test_many_values_are_scored_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(300) % 290, rng.integers(0, 2, 300)])
    density = ChowLiuTreeDensity(max_categories=300).fit(X)
    expected = density.conditional_proba(X, 0)
    assert expected.shape == (300, 290)
    assert_allclose(expected.sum(axis=1), 1)
    monkeypatch.setattr(_completions, "TOGETHER", 2000)
    assert_allclose(density.conditional_proba(X, 0), expected)


def test_probabilities_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr("skdgm.density._engine.blocks.BLOCK_CELLS", 40)
    X = hide(np.random.default_rng(0).integers(0, 3, (50, 4)), 0.2)
    density = HiddenChowLiuTreeDensity(3, random_state=0, max_iter=3).fit(X)
    alone = density.conditional_proba(X, 2)
    assert_array_equal(density.set_params(n_jobs=2).conditional_proba(X, 2), alone)


# ---------------------------------------------------------------------- columns and rows
FRAME = pd.DataFrame({"rain": [0, 1, 1, 0, 1], "wet": [0, 1, 1, 0, 0]})


def test_columns_are_named_or_numbered():
    density = FullCategoricalDensity().fit(FRAME)
    expected = density.conditional_proba(FRAME, 1)
    for column in ("wet", np.int64(1), -1):
        assert_array_equal(density.conditional_proba(FRAME, column), expected)
    assert_array_equal(density.predict_column(FRAME, "wet"), expected.argmax(axis=1))
    with pytest.raises(ValueError, match="No column is named 'snow'; the columns are 'rain', 'wet"):
        density.conditional_proba(FRAME, "snow")
    for wrong in (2, -3, 0.0, True, None):
        with pytest.raises(ValueError, match="or its index, from 0 to 1; got"):
            density.predict_column(FRAME, wrong)
    with pytest.raises(ValueError, match="the training data had no column names"):
        FullCategoricalDensity().fit(FRAME.to_numpy()).predict_column(FRAME.to_numpy(), "wet")


def test_own_cells_are_ignored_and_kept():
    density = BernoulliIndependentDensity(binarize=None).fit(FRAME.to_numpy())
    rows = np.array([[0.0, 0.5], [1.0, np.nan]])  # 0.5 would be refused anywhere else
    assert_allclose(density.conditional_proba(rows, 1), [[4 / 7, 3 / 7]] * 2)
    assert_array_equal(rows, [[0.0, 0.5], [1.0, np.nan]])


def test_sparse_rows_are_taken():
    X = np.random.default_rng(0).integers(0, 2, (30, 4))
    density = BernoulliIndependentDensity().fit(X)
    for column in range(4):
        answer = density.conditional_proba(sparse.csr_array(X), column)
        assert_allclose(answer, density.conditional_proba(X, column))


def test_rows_of_probability_zero_are_refused():
    density = FullCategoricalDensity(alpha=0).fit(FRAME[:2])
    assert_array_equal(density.conditional_proba(FRAME[1:3], "rain"), [[0, 1], [0, 1]])
    X = np.array([[0, 0, 1], [1, 1, 0]])
    density = FullCategoricalDensity(alpha=0).fit(X)
    with pytest.raises(ValueError, match="probability zero under the model: row 1"):
        density.conditional_proba([[0, 0, 0], [0, 1, 1]], 2)


def test_completions_too_many_are_told_of_the_right_row():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (60, 30))
    X[:2] = [[0] * 30, [1] * 30]
    rows = X[:3].astype(float)
    rows[2, :29] = np.nan
    with pytest.raises(ValueError, match=r"[Rr]ow 2\b"):
        ChainRuleDensity().fit(X).conditional_proba(rows, 0)


def test_columns_mixed_by_a_transformer_are_refused():
    X = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(ValueError, match="mixes"):
        TransformedDensity(PCA(), GaussianDensity()).fit(X).predict_column(X, 0)


def test_kinds_of_columns_may_differ():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 300)
    X = np.column_stack([z, rng.normal(4.0 * z)])
    blocks = ColumnDensity(
        [("coin", BernoulliIndependentDensity(), [0]), ("size", GaussianDensity(), [1])]
    )
    density = MixtureDensity(blocks, 2, random_state=0).fit(X)
    rows = np.array([[np.nan, -0.5], [np.nan, 4.5]])
    assert_allclose(density.conditional_proba(rows, 0)[:, 1], [0, 1], atol=0.05)
    assert_allclose(
        density.conditional_proba(rows, 0)[:, 1], density.conditional_mean(rows)[:, 0], rtol=1e-9
    )
    assert_allclose(density.predict_column([[0, 9.0], [1, 9.0]], 1), [0, 4], atol=0.4)
