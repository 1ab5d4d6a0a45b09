"""BernoulliIndependentDensity: closed forms, restricted families, sparse input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize, sparse
from sklearn.base import clone
from sklearn.naive_bayes import BernoulliNB

from skdgm import BernoulliIndependentDensity, GenerativeClassifier

from .rows import hide

BINARY = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=7),
    elements={"min_value": 0, "max_value": 1},
)


@settings(max_examples=60)
@given(X=BINARY, alpha=st.just(0.0) | st.floats(1e-6, 10))
def test_probabilities_are_smoothed_shares(X, alpha):
    density = BernoulliIndependentDensity(alpha=alpha).fit(X)
    expected = (X.sum(axis=0) + alpha) / (len(X) + 2 * alpha)
    assert_allclose(density.probability_, expected)
    with np.errstate(divide="ignore"):
        log_prob = np.where(X == 1, np.log(expected), np.log1p(-expected)).sum(axis=1)
    assert_allclose(density.score_samples(X), log_prob, atol=1e-12)
    assert density.n_parameters_ == X.shape[1]


def test_naive_bayes_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, size=(200, 9)), rng.integers(0, 3, size=200)
    ours = GenerativeClassifier(BernoulliIndependentDensity(alpha=0.7)).fit(X, y)
    theirs = BernoulliNB(alpha=0.7).fit(X, y)
    assert_allclose(ours.predict_joint_log_proba(X), theirs.predict_joint_log_proba(X))
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("ones", [1, 5, 9])
def test_bounds_give_the_most_likely_member_of_the_restricted_family(ones):
    coin = np.repeat([[1], [0]], [ones, 10 - ones], axis=0)
    density = BernoulliIndependentDensity(alpha=0, bounds=(0.2, 0.3)).fit(coin)
    best = optimize.minimize_scalar(
        lambda t: -(ones * np.log(t) + (10 - ones) * np.log(1 - t)),
        bounds=(0.2, 0.3),
        method="bounded",
        options={"xatol": 1e-9},
    )
    assert_allclose(density.probability_, best.x, atol=1e-6)


def test_equal_bounds_leave_no_parameters():
    density = BernoulliIndependentDensity(bounds=(0.25, 0.25)).fit([[0, 1]])
    assert_array_equal(density.probability_, [0.25, 0.25])
    assert density.n_parameters_ == 0


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_sparse_counts_give_the_dense_model(alpha, weighted, container):
    rng = np.random.default_rng(1)
    X = rng.poisson(0.4, size=(50, 12)).astype(float)
    X[:, 3], X[:, 4] = 0, 2  # never and always
    weight = rng.random(50) if weighted else None
    dense = BernoulliIndependentDensity(alpha=alpha).fit(X, sample_weight=weight)
    density = BernoulliIndependentDensity(alpha=alpha).fit(container(X), sample_weight=weight)
    assert_allclose(density.probability_, dense.probability_)
    new = rng.poisson(0.4, size=(50, 12)).astype(float)
    new[::2, 3], new[::3, 4] = 0, 1
    assert_allclose(density.score_samples(container(new)), dense.score_samples(new))
    assert_allclose(dense.score_samples(container(X)), dense.score_samples(X))


def test_sparse_input_is_not_made_dense():
    rng = np.random.default_rng(0)
    row, column = rng.integers(2000, size=4000), rng.integers(200_000, size=4000)
    X = sparse.coo_array((np.ones(4000), (row, column)), shape=(2000, 200_000)).tocsr()
    kept = X.copy()
    density = BernoulliIndependentDensity().fit(X)  # 400 million cells, 4,000 stored
    assert np.isfinite(density.score_samples(X)).all()
    assert (kept != X).nnz == 0


def test_explicit_zeros_are_zeros():
    X = sparse.csr_array(([0.0, 1.0], ([0, 1], [0, 0])), shape=(2, 1))
    assert X.nnz == 2
    density = BernoulliIndependentDensity(alpha=0).fit(X)
    assert_array_equal(density.probability_, [0.5])
    assert X.nnz == 2


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, float])
def test_values_above_the_threshold_are_ones(dtype):
    X = np.array([[0, 3], [1, 0], [5, 0]]).astype(dtype)
    above_zero = BernoulliIndependentDensity(alpha=0).fit(X).probability_
    assert_allclose(above_zero, [2 / 3, 1 / 3])
    above_two = BernoulliIndependentDensity(alpha=0, binarize=2).fit(X).probability_
    assert_allclose(above_two, [0, 0] if dtype is bool else [1 / 3, 1 / 3])
    below_zero = BernoulliIndependentDensity(alpha=0, binarize=-1).fit(X).probability_
    assert_allclose(below_zero, [1, 1])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_without_a_threshold_only_zeros_and_ones_are_accepted(container):
    density = BernoulliIndependentDensity(binarize=None, alpha=0)
    assert_array_equal(density.fit(container([[0.0], [1.0]])).probability_, [0.5])
    with pytest.raises(ValueError, match="With binarize=None, X must hold zeros and ones only"):
        density.fit(container([[0.0], [2.0]]))


def test_sparse_input_needs_a_threshold_of_zero_or_more():
    with pytest.raises(ValueError, match="binarize must be 0 or larger for a sparse X, got -1"):
        BernoulliIndependentDensity(binarize=-1.0).fit(sparse.csr_array([[1.0, 0.0]]))


@pytest.mark.parametrize("bounds", [(0.3, 0.2), (-0.1, 0.5), (0.5, 1.1), (0.1,), (0.1, 0.2, 0.3)])
def test_invalid_bounds_are_refused(bounds):
    with pytest.raises(ValueError, match="bounds must be two probabilities, as in"):
        BernoulliIndependentDensity(bounds=bounds).fit([[0, 1]])


@pytest.mark.parametrize(
    "parameters", [{"alpha": -1}, {"alpha": "much"}, {"binarize": "0"}, {"bounds": 0.5}]
)
def test_invalid_parameters_are_refused(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"'{name}' parameter of BernoulliIndependentDensity"):
        BernoulliIndependentDensity(**parameters).fit([[0, 1]])


def test_impossible_rows_score_minus_infinity():
    density = BernoulliIndependentDensity(alpha=0).fit([[0, 1], [0, 0]])
    assert_array_equal(density.score_samples([[1, 0], [0, 0]]), [-np.inf, np.log(0.5)])
    assert density.score([[1, 0], [0, 0]]) == -np.inf
    assert clone(density).fit([[0, 1]]).aic([[1, 1]]) == np.inf


# ---------------------------------------------------------------------- missing values
def test_probabilities_are_shares_of_the_observed_values():
    X = np.array([[1, np.nan], [0, 1], [np.nan, 1], [0, 0]])
    coins = BernoulliIndependentDensity(alpha=0).fit(X, sample_weight=[2, 1, 5, 1])
    assert_allclose(coins.probability_, [2 / 4, 6 / 7])
    assert_allclose(coins.score_samples([[np.nan, 1], [1, np.nan]]), np.log([6 / 7, 1 / 2]))


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), alpha=st.sampled_from([0.0, 1.0]))
def test_sparse_missing_values_give_the_dense_model(seed, alpha):
    rng = np.random.default_rng(seed)
    X = hide(rng.random((12, 5)) < rng.random(5), 0.3, seed)
    X[0] = rng.random(5) < 0.5
    dense = BernoulliIndependentDensity(alpha=alpha).fit(X)
    stored = sparse.csr_array(X)
    coins = BernoulliIndependentDensity(alpha=alpha).fit(stored)
    assert_allclose(coins.probability_, dense.probability_)
    assert_allclose(coins.score_samples(stored), dense.score_samples(X))
    for name in ("conditional_mean", "conditional_mode"):
        completed = getattr(coins, name)(stored)
        assert sparse.issparse(completed)
        assert_allclose(completed.toarray(), getattr(dense, name)(X))
    drawn = coins.conditional_sample(stored, random_state=0).toarray()
    assert_array_equal(drawn[~np.isnan(X)], X[~np.isnan(X)])
    assert set(drawn[np.isnan(X)]) <= {0.0, 1.0}
    with pytest.raises(ValueError, match="no observed value in column 1"):
        coins.fit(sparse.csr_array(np.where(np.arange(5) == 1, np.nan, X)))


def test_observed_grey_levels_stay():
    X = np.array([[0.2, 0.9], [0.8, np.nan], [0.7, 0.1]])
    coins = BernoulliIndependentDensity(binarize=0.5).fit(X)
    assert_array_equal(coins.conditional_mode([[0.3, np.nan], [np.nan, 0.1]])[:, 0], [0.3, 1.0])
