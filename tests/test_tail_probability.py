"""Tail probabilities: they compare between rows with different values missing."""

from copy import copy

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats

from skdgm import (
    BernoulliIndependentDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
)

from .estimators import CONTINUOUS_CASES, DISCRETE_CASES, FAMILY_CASES, cases
from .rows import agreement, hide


def patterns_of(X):
    """The number of the pattern of missing cells of each row."""
    return np.isnan(X) @ (2 ** np.arange(X.shape[1]))


@pytest.mark.parametrize("name", ["gaussian", "mixture-gaussian", "transformed"])
def test_draws_have_uniform_tail_probabilities_whatever_they_miss(name):
    density = next(case.fitted for case in CONTINUOUS_CASES if case.name == name)
    X = hide(density.sample(2000, random_state=1), 0.4)
    tail = density.tail_probability(X, n_samples=20_000, random_state=2)
    pattern = patterns_of(X)
    for own in np.unique(pattern):
        if own == 2 ** X.shape[1] - 1:  # nothing observed
            assert_array_equal(tail[pattern == own], 1)
        else:
            assert stats.kstest(tail[pattern == own], "uniform").pvalue > 1e-3


@cases(DISCRETE_CASES)
def test_tail_probabilities_of_states_agree_with_enumeration(case):
    density, n_samples = case.fitted, 200
    X = hide(case.data(12, seed=3), 0.3)
    X[-1] = np.nan
    tail = density.tail_probability(X, n_samples, random_state=4)
    drawn = density.sample(n_samples, random_state=4).astype(int)
    drawn = np.ravel_multi_index(tuple(drawn.T), (case.n_categories,) * case.n_columns)
    for row, own in zip(X[:-1], tail, strict=False):
        seen = ~np.isnan(row)
        _, alike = np.unique(case.states[:, seen], axis=0, return_inverse=True)
        marginal = np.bincount(alike.ravel(), case.probability)[alike.ravel()]
        probability = marginal[agreement(case.states, [row])[0].argmax()]
        m = np.count_nonzero(marginal[drawn] <= probability * (1 + 1e-9))
        if probability == 0:
            assert own == 0
        else:
            assert m / (n_samples + 1) < own < (m + 1) / (n_samples + 1)
    assert tail[-1] == 1  # nothing observed


def test_estimates_approach_the_tail_probability():
    X = np.array([[0, 0], [0, 1], [0, 1], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1]])
    density = FullCategoricalDensity(alpha=0).fit(X)  # 1/8, 2/8, 2/8 and 3/8
    rows = [[0, 0], [0, 1], [1, 0], [1, 1], [0, np.nan], [1, np.nan]]
    tail = density.tail_probability(rows, 40_000, random_state=0)
    assert_allclose(tail, [1 / 8, 5 / 8, 5 / 8, 1, 3 / 8, 1], atol=0.01)


@cases(FAMILY_CASES)
def test_tail_probabilities_rise_with_scores_within_a_pattern(case):
    X = hide(case.data(15, seed=5), 0.2)
    log_prob = case.fitted.score_samples(X)
    tail = case.fitted.tail_probability(X, 50, random_state=6)
    pattern = patterns_of(X)
    for own in np.unique(pattern):
        order = np.argsort(log_prob[pattern == own])
        assert (np.diff(tail[pattern == own][order]) >= -1e-9).all()


@cases(CONTINUOUS_CASES)
def test_far_rows_stay_in_order(case):
    direction = case.data(1, seed=7) + 1
    far = direction * 10.0 ** np.arange(2, 9)[:, np.newaxis]
    far[:, 1] = np.nan
    tail = case.fitted.tail_probability(far, 20, random_state=0)
    possible = case.fitted.score_samples(far) > -np.inf  # a power transformer has a range
    assert (tail[~possible] == 0).all()
    assert (np.diff(tail[possible]) < 0).all()
    assert (tail[possible] > 0).all()
    assert (tail[possible] < 1 / 21).all()


@cases(FAMILY_CASES)
def test_a_seed_gives_the_same_with_any_number_of_threads(case):
    X = hide(case.data(5, seed=8), 0.2)
    first, second = (
        copy(case.fitted).set_params(n_jobs=n_jobs).tail_probability(X, 30, random_state=9)
        for n_jobs in (None, 2)
    )
    assert_array_equal(first, second)


def test_draws_are_compared_as_they_are_and_not_binarised_again():
    X = 20.0 * np.array([[0, 0], [0, 1], [0, 1], [1, 1]] * 5)
    X[3, 0] = np.nan
    coins = BernoulliIndependentDensity(binarize=7)
    together = ColumnDensity([("coins", coins, [0, 1]), ("normal", GaussianDensity(), [2])])
    own = coins.fit(X).tail_probability(X, 500, random_state=0)
    mixed = together.fit(np.c_[X, X[:, 1]]).tail_probability(np.c_[X, np.full(20, np.nan)], 500)
    assert_allclose(own, mixed, atol=0.1)
    sparse_rows = coins.fit(sparse.csr_array(X)).tail_probability(sparse.csr_array(X), 500, 0)
    assert_allclose(own, sparse_rows)


def test_the_number_of_draws_must_be_positive():
    density = GaussianDensity().fit([[0.0], [1.0]])
    with pytest.raises(ValueError, match="n_samples must be an integer of 1 or more, got 0"):
        density.tail_probability([[0.0]], 0)
    assert 0 < density.tail_probability([[0.0]], 1, random_state=0)[0] < 1
