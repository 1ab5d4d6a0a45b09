"""Missing values in ChainRuleDensity: queries against enumeration, and learning by EM."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone

from skdgm import ChainRuleDensity, MarkovChainImageDensity
from skdgm.density.chain_rule._factor_chain import FactorChain
from skdgm.density.chain_rule._missing import expected_rows

from .classifier_chains import LOGISTIC, MIXED, TREE, enumerated, fitted, make_rows
from .rows import agreement, all_states, hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


# ---------------------------------------------------------------------- queries
@pytest.mark.parametrize("name", ["logistic", "tree", "one-hot"])
@pytest.mark.parametrize("order", [None, 0, 1, 2, 3])
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_scores_means_and_modes_agree_with_enumeration(name, order, seed, share):
    density = fitted(name, order)
    states, probability = enumerated(name, order)
    X = hide(make_rows(36, MIXED, seed), share, seed)
    agree = agreement(states, X)
    evidence = agree @ probability
    with np.errstate(divide="ignore"):
        assert_allclose(density.score_samples(X), np.log(evidence), rtol=0, atol=1e-9)
    possible = evidence > 0
    X, agree = X[possible], agree[possible]
    if not len(X):
        return
    conditional = agree * probability / evidence[possible, np.newaxis]
    assert_allclose(density.conditional_mean(X), conditional @ states, atol=1e-9)
    modes = density.conditional_mode(X).astype(int)
    of_mode = conditional[np.arange(len(X)), np.ravel_multi_index(tuple(modes.T), MIXED)]
    assert_allclose(of_mode, conditional.max(axis=1), rtol=1e-9)


def test_a_short_order_is_exact_in_long_rows_with_many_missing_values():
    X = make_rows(3000, (2,) * 20)
    chain = ChainRuleDensity(TREE, order=3, alpha=0, floor=0).fit(X)
    markov = MarkovChainImageDensity(order=3, alpha=0).fit(X)
    Q = hide(make_rows(30, (2,) * 20, seed=5), 0.6, seed=6)
    assert_allclose(chain.score_samples(Q), markov.score_samples(Q), rtol=1e-9)
    assert_allclose(chain.conditional_mean(Q), markov.conditional_mean(Q), atol=1e-9)
    completed = chain.conditional_mode(Q), markov.conditional_mode(Q)
    assert_allclose(*(markov.score_samples(table) for table in completed), rtol=1e-9)
    drawn = chain.conditional_sample(np.repeat(Q, 200, axis=0), random_state=0)
    mean = drawn.reshape(30, 200, 20).mean(axis=1)
    assert_allclose(mean, markov.conditional_mean(Q), atol=5 / np.sqrt(200) / 2)


def test_values_after_the_last_observed_one_cost_nothing():
    X = make_rows(200, (2,) * 40)
    density = ChainRuleDensity().fit(X)
    Q = X[:5].astype(float)
    Q[:, 3:] = np.nan
    alone = ChainRuleDensity().fit(X[:, :3])
    assert_allclose(density.score_samples(Q), alone.score_samples(X[:5, :3]), rtol=1e-9)
    assert set(np.unique(density.conditional_sample(Q, random_state=0))) == {0, 1}


def test_too_many_completions_are_refused():
    X = make_rows(50, (2,) * 30)
    density = ChainRuleDensity().fit(X)
    Q = X[:4].astype(float)
    Q[1, 0] = np.nan
    Q[2, 3:15] = np.nan  # 4,096 are listed
    assert np.isfinite(density.score_samples(Q)).all()
    Q[2, 2] = np.nan
    message = r"in row 2: 13 are missing there, which leaves 8,192 completions.* at most 4,096"
    for call in (density.score_samples, density.conditional_sample, density.conditional_mode):
        with pytest.raises(ValueError, match=message) as error:
            call(Q)
        assert "MarkovChainImageDensity" in str(error.value)
        assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
    Q[2] = np.nan  # costs nothing in a score or a draw
    assert density.score_samples(Q)[2] == 0
    assert np.isfinite(density.conditional_sample(Q, random_state=0)).all()
    with pytest.raises(ValueError, match="in row 2: 30 are missing"):
        density.conditional_mean(Q)
    with pytest.raises(ValueError, match="in a row: 13 are missing there, which leaves 8,192"):
        ChainRuleDensity().fit(np.vstack([X, np.where(np.arange(30) < 13, np.nan, 1.0)]))


# ---------------------------------------------------------------------- learning
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_expected_rows_have_the_posterior_windows(order):
    """Factor i learns from its windows, weighted as by enumeration."""
    density = fitted("logistic", min(order, 5))
    states, probability = enumerated("logistic", min(order, 5))
    X = hide(make_rows(30, MIXED, seed=8), 0.4, seed=9)
    weight = np.random.default_rng(2).random(30)
    codes = np.where(np.isnan(X), 255, X).astype(np.uint8)
    chain = FactorChain(density._chain.factors, order)
    table, share, log_prob = expected_rows(chain, codes, weight)
    assert_allclose(log_prob, density.score_samples(X), atol=1e-9)
    agree = agreement(states, X)
    posterior = agree * probability / (agree @ probability)[:, np.newaxis]
    later = np.logical_or.accumulate(~np.isnan(X)[:, ::-1], axis=1)[:, ::-1]
    for i in range(5):
        window = slice(max(0, i - order), i + 1)
        shape = MIXED[window]
        there = (table[:, window] != 255).all(axis=1)
        place = np.ravel_multi_index(tuple(table[there, window].T), shape)
        counted = np.bincount(place, share[there], minlength=np.prod(shape))
        expected = np.bincount(
            np.ravel_multi_index(tuple(states[:, window].T), shape),
            (weight * later[:, i]) @ posterior,
        )
        assert_allclose(counted, expected, atol=1e-9)


def test_em_with_fully_grown_trees_agrees_with_the_markov_chain():
    X = hide(make_rows(400, (2,) * 8), 0.25)
    settings = {"order": 2, "alpha": 0, "tol": 1e-9, "max_iter": 500}
    chain = ChainRuleDensity(TREE, **settings).fit(X)
    markov = MarkovChainImageDensity(**settings).fit(X)
    assert_allclose(chain.lower_bounds_[-1], markov.lower_bounds_[-1], atol=1e-5)
    assert_allclose(chain.score_samples(X), markov.score_samples(X), atol=0.02)
    assert np.diff(chain.lower_bounds_).min() > -1e-9


def test_rows_that_end_early_need_no_iteration():
    X = make_rows(200, (2, 3, 2, 3)).astype(float)
    X[50:100, 3] = np.nan
    X[100:120, 1:] = np.nan
    density = ChainRuleDensity(LOGISTIC).fit(X)
    assert density.n_iter_ == 1
    for j in (1, 2, 3):
        seen = X[~np.isnan(X[:, j])]
        by_hand = clone(LOGISTIC).fit(seen[:, :j], seen[:, j])
        assert_allclose(density.classifiers_[j].coef_, by_hand.coef_, rtol=1e-6)


def test_learning_from_missing_values_beats_imputing_them():
    planted = ChainRuleDensity(LOGISTIC).fit(make_rows(100, (2,) * 6))
    complete = planted.sample(3000, random_state=1)
    X = hide(complete, 0.3)
    held_out = planted.sample(5000, random_state=2)
    learned = ChainRuleDensity().fit(X)
    filled = ChainRuleDensity().fit(np.where(np.isnan(X), np.round(np.nanmean(X, axis=0)), X))
    loss = planted.score(held_out) - learned.score(held_out)
    assert loss < 0.02 < planted.score(held_out) - filled.score(held_out)


def test_missing_values_never_become_unseen_categories():
    X = hide(make_rows(60, (2, 2, 2)), 0.2)
    density = ChainRuleDensity(LOGISTIC, n_categories=3).fit(X)
    assert all(len(classifier.classes_) == 2 for classifier in density.classifiers_[1:])
    total = np.exp(density.score_samples(all_states((3,) * 3))).sum()
    assert_allclose(total, 1, atol=1e-10)


def test_categories_beyond_a_byte():
    X = make_rows(40, (2, 300, 2)).astype(float)
    X[:, 1] = np.where(X[:, 1] > 150, 254, X[:, 1])
    X[:5, 0] = np.nan
    X[6:8, 1] = np.nan
    X[10, 2] = np.nan
    density = ChainRuleDensity(TREE, n_categories=300).fit(X)
    assert not np.isnan(density.score_samples(X)).any()
    assert np.isfinite(density.conditional_mean(X)).all()
    assert density.conditional_mode(X).max() == 254
