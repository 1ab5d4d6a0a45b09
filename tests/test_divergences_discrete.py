"""Exact divergences between discrete densities, against sums over all states."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)
from skdgm.metrics import (
    _compute,
    chi_square,
    hellinger,
    kullback_leibler,
)

from .divergences import (
    DIVERGENCES,
    RECURSIVE,
    SYMMETRIC,
    all_states,
    assert_matches_brute_force,
    brute_force,
    discrete_pairs,
    rows_for,
)

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


@pytest.mark.parametrize("divergence", DIVERGENCES)
@settings(max_examples=12)
@given(case=discrete_pairs())
def test_discrete_densities_match_brute_force(divergence, case):
    (p, q), states = case
    assert_matches_brute_force(divergence, p, q, states)


@pytest.mark.parametrize("divergence", RECURSIVE)
@settings(max_examples=10)
@given(data=st.data())
def test_chains_match_brute_force_without_enumeration(divergence, data):
    """Chains of any orders along one scan are compared by a recursion."""
    n_columns, n_categories = data.draw(st.integers(2, 5)), data.draw(st.integers(2, 3))
    scan = data.draw(st.permutations(range(n_columns)))
    densities = [
        MarkovChainImageDensity(
            data.draw(st.integers(0, n_columns - 1)),
            scan=scan,
            alpha=data.draw(st.sampled_from([0.0, 0.5])),
            homogeneous=data.draw(st.booleans()),
        ).fit(rows_for(n_columns, n_categories, data.draw(st.integers(0, 10**6))))
        for _ in range(2)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", (_compute.between_chains,))
        assert_matches_brute_force(divergence, *densities, all_states([n_categories] * n_columns))


@settings(max_examples=12)
@given(data=st.data())
def test_kullback_leibler_of_any_two_trees_matches_brute_force(data):
    n_columns, n_categories = data.draw(st.integers(2, 6)), data.draw(st.integers(2, 3))
    densities = []
    for _ in range(2):
        X = rows_for(n_columns, n_categories, data.draw(st.integers(0, 10**6)))
        X = X[:, data.draw(st.permutations(range(n_columns)))]
        alpha = data.draw(st.sampled_from([0.0, 0.5]))
        tree = ChowLiuTreeDensity(alpha=alpha)
        chain = MarkovChainImageDensity(
            scan=data.draw(st.permutations(range(n_columns))), alpha=alpha
        )
        densities.append(data.draw(st.sampled_from([tree, chain])).fit(X))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", (_compute.between_trees,))
        states = all_states([n_categories] * n_columns)
        assert_matches_brute_force(kullback_leibler, *densities, states)


@pytest.mark.parametrize("divergence", RECURSIVE)
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.0, 0.5]))
def test_trees_whose_edges_form_no_cycle_match_brute_force(divergence, seed, alpha):
    """A chain from either end, a tree, and independent columns."""
    X, Y = rows_for(4, 2, seed), rows_for(4, 2, seed + 1)
    there = MarkovChainImageDensity(scan=[0, 1, 2, 3], alpha=alpha).fit(X)
    back = MarkovChainImageDensity(scan=[3, 2, 1, 0], alpha=alpha).fit(Y)
    alone = BernoulliIndependentDensity(alpha=alpha).fit(Y)
    tree = ChowLiuTreeDensity(alpha=alpha).fit(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", (_compute.between_trees,))
        for p, q in [(there, back), (back, there), (there, alone), (alone, back), (tree, alone)]:
            assert_matches_brute_force(divergence, p, q, all_states([2] * 4))


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("n_columns", [5, 60])
def test_full_categoricals_of_any_number_of_states_are_exact(divergence, n_columns):
    """All states that were never seen form one sum, which 5 columns check by brute force."""
    X, Y = rows_for(n_columns, 2, 0), rows_for(n_columns, 2, 1)
    Y[:10] = X[:10]
    p, q = FullCategoricalDensity(alpha=3.0).fit(X), FullCategoricalDensity(alpha=1.0).fit(Y)
    exact, std = divergence(p, q, return_std=True)
    assert std == 0
    if n_columns == 5:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_compute, "EXACT", (_compute.between_full_categoricals,))
            assert_matches_brute_force(divergence, p, q, all_states([2] * 5))
        return
    seen = np.unique(np.concatenate([X, Y]), axis=0)
    masses = [np.exp(density.score_samples(seen)) for density in (p, q)]
    masses = [np.append(mass, 1 - mass.sum()) for mass in masses]  # the rest is uniform
    assert exact == pytest.approx(brute_force(divergence, *masses), rel=1e-9)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_full_categoricals_may_have_different_categories(divergence):
    p = FullCategoricalDensity(n_categories=[3, 2], alpha=1.0).fit([[2, 0], [0, 1], [1, 1]])
    q = FullCategoricalDensity(n_categories=[2, 4], alpha=1.0).fit([[0, 3], [0, 1]])
    states = all_states([3, 4])
    masses = []
    for density in (p, q):
        known = (states < density.n_categories_).all(axis=1)
        mass = np.zeros(len(states))
        mass[known] = np.exp(density.score_samples(states[known]))
        masses.append(mass)
    for methods in [(_compute.between_full_categoricals,), (_compute.over_all_states,)]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_compute, "EXACT", methods)
            assert divergence(p, q) == pytest.approx(brute_force(divergence, *masses), rel=1e-10)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_empirical_distributions_compare_with_any_discrete_density(divergence):
    """If p lists all states of positive probability, only q's scores of these are needed."""
    X = rows_for(5, 2, 0)
    p = FullCategoricalDensity(alpha=0, n_categories=2).fit(X)
    q = ChowLiuTreeDensity().fit(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", (_compute.over_listed_states,))
        assert_matches_brute_force(divergence, p, q, all_states([2] * 5))
        if divergence in SYMMETRIC:
            assert_matches_brute_force(divergence, q, p, all_states([2] * 5))
    wide = rows_for(100, 2, 0)
    p, q = (
        FullCategoricalDensity(alpha=0).fit(wide),
        MixtureDensity(BernoulliIndependentDensity(), random_state=0).fit(wide),
    )
    assert divergence(p, q, return_std=True)[1] == 0


def test_categories_unknown_to_one_density_have_probability_zero():
    narrow = MarkovChainImageDensity(1).fit([[0, 1], [1, 0]])
    wide = MarkovChainImageDensity(1).fit([[0, 1], [2, 0]])
    tree = ChowLiuTreeDensity(3).fit([[0, 1], [2, 0]])
    for other in (wide, tree):
        assert kullback_leibler(other, narrow) == math.inf
        assert chi_square(other, narrow) == math.inf
        assert 0 < kullback_leibler(narrow, other) < math.inf
    states = all_states([3, 3])
    known = (states < 2).all(axis=1)
    p = np.zeros(9)
    p[known] = np.exp(narrow.score_samples(states[known]))
    for divergence in DIVERGENCES:
        for other in (wide, tree):
            expected = brute_force(divergence, p, np.exp(other.score_samples(states)))
            assert divergence(narrow, other) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("binarize", [None, 0.0, 0.5, -1.0, 5.0])
def test_independent_columns_have_states_zero_and_one_for_any_binarize(binarize):
    X = np.array([[0], [1], [1], [1]])
    data = X if binarize is None else X + binarize - 0.5 + 0.5 * X
    coin = BernoulliIndependentDensity(alpha=0, binarize=binarize).fit(data)
    chain = MarkovChainImageDensity(alpha=0, order=0).fit([[0], [1]])
    full = FullCategoricalDensity(alpha=0).fit([[0], [1]])
    for other in (chain, full):
        for divergence in DIVERGENCES:
            expected = brute_force(divergence, np.array([0.25, 0.75]), np.array([0.5, 0.5]))
            assert divergence(coin, other) == pytest.approx(expected)


def test_long_chains_are_exact_and_independent_columns_add():
    """784 columns: independent ones against their formulas, chains against a sample."""
    rng = np.random.default_rng(0)
    X, Y = rng.random((2, 300, 784)) < 0.3
    p, q = BernoulliIndependentDensity().fit(X), BernoulliIndependentDensity().fit(Y)
    a, b = p.probability_, q.probability_
    by_column = a * np.log(a / b) + (1 - a) * np.log((1 - a) / (1 - b))
    assert kullback_leibler(p, q) == pytest.approx(by_column.sum(), rel=1e-12)
    affinity = np.sqrt(a * b) + np.sqrt((1 - a) * (1 - b))
    assert hellinger(p, q) == pytest.approx(np.sqrt(1 - affinity.prod()), rel=1e-12)
    second_moment = a**2 / b + (1 - a) ** 2 / (1 - b)
    assert chi_square(p, q) == pytest.approx(second_moment.prod() - 1, rel=1e-10)
    p, q = (MarkovChainImageDensity(order).fit(X) for order in (3, 1))
    value, std = kullback_leibler(p, q, return_std=True)
    assert std == 0
    drawn = p.sample(4000, random_state=0)
    gaps = p.score_samples(drawn) - q.score_samples(drawn)
    assert abs(gaps.mean() - value) < 5 * gaps.std() / np.sqrt(len(gaps))


def test_chi_square_too_large_for_a_float_is_infinite():
    p = BernoulliIndependentDensity(bounds=(0.9, 0.9)).fit(np.ones((1, 2000)))
    q = BernoulliIndependentDensity(bounds=(0.1, 0.1)).fit(np.ones((1, 2000)))
    assert chi_square(p, q) == math.inf
    assert kullback_leibler(p, q) == pytest.approx(2000 * 0.8 * np.log(9))
    assert hellinger(p, q) == pytest.approx(1.0)
