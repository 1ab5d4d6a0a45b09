"""The gap between the log-likelihoods of densities on data."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    MarkovChainImageDensity,
)
from skdgm.metrics import (
    kullback_leibler,
    log_likelihood_gap,
)

from .divergences import (
    discrete_pairs,
    gaussian,
)


@settings(max_examples=40)
@given(case=discrete_pairs(), seed=st.integers(0, 1000))
def test_gap_is_the_divergence_from_the_empirical_distribution(case, seed):
    (p, q), states = case
    X = states[np.random.default_rng(seed).integers(0, len(states), size=20)]
    if np.isneginf(p.score_samples(X)).any() or np.isneginf(q.score_samples(X)).any():
        return
    empirical = FullCategoricalDensity(alpha=0, n_categories=int(states.max()) + 1).fit(X)
    gaps = [log_likelihood_gap(X, density) for density in (p, q)]
    assert gaps[0] == pytest.approx(kullback_leibler(empirical, p), abs=1e-10)
    assert log_likelihood_gap(X, p, q) == pytest.approx(gaps[0] - gaps[1], abs=1e-10)
    assert log_likelihood_gap(X, empirical) == pytest.approx(0, abs=1e-12)


def test_gap_of_continuous_densities_estimates_the_divergence():
    p, q = gaussian(2, 0), gaussian(2, 1)
    X = p.sample(5000, random_state=0)
    gap, std = log_likelihood_gap(X, q, p, return_std=True)
    assert abs(gap - kullback_leibler(p, q)) < 5 * std
    differences = p.score_samples(X) - q.score_samples(X)
    assert std == pytest.approx(stats.sem(differences))
    X[::3, 0] = np.nan
    assert np.isfinite(log_likelihood_gap(X, q, p))
    assert log_likelihood_gap(X, q, p) == pytest.approx(-log_likelihood_gap(X, p, q))
    with pytest.raises(ValueError, match="no density is the best one for continuous rows"):
        log_likelihood_gap(X, p)


def test_infinite_gaps_are_returned_and_undefined_ones_refused():
    heads = BernoulliIndependentDensity(alpha=0).fit([[1], [1]])
    tails = BernoulliIndependentDensity(alpha=0).fit([[0], [0]])
    fair = BernoulliIndependentDensity(alpha=0).fit([[0], [1]])
    assert log_likelihood_gap([[0], [1]], heads) == math.inf
    assert log_likelihood_gap([[0], [1]], heads, fair, return_std=True) == (math.inf, 0.0)
    assert log_likelihood_gap([[0], [1]], fair, heads) == -math.inf
    assert log_likelihood_gap([[1]], heads, fair, return_std=True)[1] == 0
    for rows in ([[0], [1]], [[0], [0]]):
        other = heads if rows[1] == [0] else tails
        with pytest.raises(ValueError, match="probability zero under both"):
            log_likelihood_gap(rows, heads, other)


def test_sparse_rows_and_missing_values_are_accepted():
    rng = np.random.default_rng(0)
    X = (rng.random((60, 5)) < 0.3).astype(float)
    p = BernoulliIndependentDensity(alpha=5).fit(X)
    q = BernoulliIndependentDensity().fit(X[:10])
    dense = log_likelihood_gap(X, p), log_likelihood_gap(X, p, q)
    rows = sparse.csr_array(X)
    assert (log_likelihood_gap(rows, p), log_likelihood_gap(rows, p, q)) == pytest.approx(dense)
    X[0, 0] = np.nan
    for rows in (X, sparse.csr_array(X)):
        with pytest.raises(ValueError, match="X has missing values"):
            log_likelihood_gap(rows, p)
        assert np.isfinite(log_likelihood_gap(rows, p, q))
    assert np.isfinite(log_likelihood_gap(X, p, ChowLiuTreeDensity().fit(X)))


def test_densities_that_read_rows_as_different_states_are_refused():
    X = np.array([[0, 2], [1, 0], [2, 1]])
    chain = MarkovChainImageDensity().fit(X)
    coins = BernoulliIndependentDensity().fit(X)
    with pytest.raises(ValueError, match="read X as different states"):
        log_likelihood_gap(X, coins, chain)
    assert np.isfinite(log_likelihood_gap(X > 0, coins, chain))
    with pytest.raises(ValueError, match="density and reference must be densities of the same"):
        log_likelihood_gap(X, coins, BernoulliIndependentDensity().fit(X[:, :1]))
