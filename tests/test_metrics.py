"""Divergences against brute force over states, quadrature and samples; gaps; two-sample tests."""

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, sparse, stats
from scipy.spatial.distance import jensenshannon
from sklearn.exceptions import NotFittedError
from sklearn.metrics.pairwise import pairwise_kernels

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)
from skdgm.metrics import (
    _compute,
    _states,
    _two_samples,
    chi_square,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    log_likelihood_gap,
    maximum_mean_discrepancy,
    total_variation,
)

DIVERGENCES = [kullback_leibler, jensen_shannon, total_variation, hellinger, chi_square]
SYMMETRIC = [jensen_shannon, total_variation, hellinger]
RECURSIVE = [kullback_leibler, hellinger, chi_square]


def brute_force(divergence, p, q):
    """The definition, from the probabilities of all states."""
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):

        def kl(a, b):
            return np.where(a > 0, a * np.log(a / b), 0.0).sum()

        return {
            kullback_leibler: lambda: kl(p, q),
            jensen_shannon: lambda: (kl(p, m) + kl(q, m)) / 2,
            total_variation: lambda: np.abs(p - q).sum() / 2,
            hellinger: lambda: np.sqrt(max(0.0, 1 - np.sqrt(p * q).sum())),
            chi_square: lambda: np.where((p > 0) | (q > 0), (p - q) ** 2 / q, 0.0).sum(),
        }[divergence]()


def all_states(n_categories):
    return np.array(list(itertools.product(*map(range, n_categories))))


def rows_for(n_columns, n_categories, seed, n_rows=25):
    """Rows whose columns lean on one another, with every category among them."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, n_categories, size=(n_rows, n_columns))
    keep = rng.random((n_rows, n_columns)) < rng.random()
    for column in range(1, n_columns):
        X[:, column] = np.where(keep[:, column], X[:, column - 1], X[:, column])
    X[:n_categories] = np.arange(n_categories)[:, np.newaxis]
    return X


def same_distances(got, expected):
    """Equality of Hellinger distances is that of their squares: a root loses half of the digits."""
    return got == pytest.approx(expected, rel=1e-10, abs=1e-10)


def assert_as_brute_force(divergence, p, q, states):
    value, std = divergence(p, q, return_std=True)
    expected = brute_force(
        divergence, np.exp(p.score_samples(states)), np.exp(q.score_samples(states))
    )
    power = 2 if divergence is hellinger else 1
    assert std == 0
    assert isinstance(value, float)
    assert same_distances(value**power, expected**power)
    assert divergence(p, q) == value


# ---------------------------------------------------------------------- discrete, exact
def families(n_columns, n_categories, draw):
    """A strategy's choice of a density for these columns."""
    alpha = draw(st.sampled_from([0.0, 0.3, 2.0]))
    kind = draw(st.sampled_from(["coins", "chain", "tree", "full", "mixture"]))
    if kind == "coins":
        return BernoulliIndependentDensity(alpha=alpha)
    if kind == "chain":
        order = draw(st.integers(0, n_columns - 1))
        scan = draw(st.permutations(range(n_columns)))
        homogeneous = draw(st.booleans())
        return MarkovChainImageDensity(order, alpha=alpha, scan=scan, homogeneous=homogeneous)
    if kind == "tree":
        return ChowLiuTreeDensity(alpha=alpha)
    if kind == "full":
        return FullCategoricalDensity(alpha=alpha)
    return MixtureDensity(MarkovChainImageDensity(0), max_iter=500, random_state=0)


@st.composite
def discrete_pairs(draw):
    n_columns = draw(st.integers(1, 4))
    n_categories = draw(st.integers(2, 3))
    pair = []
    for _ in range(2):
        X = rows_for(n_columns, n_categories, draw(st.integers(0, 10**6)))
        density = families(n_columns, n_categories, draw)
        if isinstance(density, BernoulliIndependentDensity):
            n_categories, X = 2, np.minimum(X, 1)
        pair.append((density, X))
    pair = [(density, np.minimum(X, n_categories - 1)) for density, X in pair]
    return [density.fit(X) for density, X in pair], all_states([n_categories] * n_columns)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@settings(max_examples=60)
@given(case=discrete_pairs())
def test_discrete_densities_as_by_brute_force(divergence, case):
    (p, q), states = case
    assert_as_brute_force(divergence, p, q, states)


@pytest.mark.parametrize("divergence", RECURSIVE)
@settings(max_examples=40)
@given(data=st.data())
def test_closed_forms_need_no_enumeration(divergence, data):
    """Chains along one scan and trees are computed by a recursion, whatever the orders."""
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
        assert_as_brute_force(divergence, *densities, all_states([n_categories] * n_columns))


@settings(max_examples=60)
@given(data=st.data())
def test_kullback_leibler_of_any_two_trees(data):
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
        assert_as_brute_force(kullback_leibler, *densities, states)


@pytest.mark.parametrize("divergence", RECURSIVE)
@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.0, 0.5]))
def test_trees_whose_edges_make_no_cycle(divergence, seed, alpha):
    """The same chain from either end, a tree of its edges, and independent columns."""
    X, Y = rows_for(4, 2, seed), rows_for(4, 2, seed + 1)
    there = MarkovChainImageDensity(scan=[0, 1, 2, 3], alpha=alpha).fit(X)
    back = MarkovChainImageDensity(scan=[3, 2, 1, 0], alpha=alpha).fit(Y)
    alone = BernoulliIndependentDensity(alpha=alpha).fit(Y)
    tree = ChowLiuTreeDensity(alpha=alpha).fit(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", (_compute.between_trees,))
        for p, q in [(there, back), (back, there), (there, alone), (alone, back), (tree, alone)]:
            assert_as_brute_force(divergence, p, q, all_states([2] * 4))


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("n_columns", [5, 60])
def test_full_tables_of_any_number_of_states(divergence, n_columns):
    """Few states are seen; the others are one sum, which 5 columns check by brute force."""
    X, Y = rows_for(n_columns, 2, 0), rows_for(n_columns, 2, 1)
    Y[:10] = X[:10]
    p, q = FullCategoricalDensity(alpha=3.0).fit(X), FullCategoricalDensity(alpha=1.0).fit(Y)
    exact, std = divergence(p, q, return_std=True)
    assert std == 0
    if n_columns == 5:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_compute, "EXACT", (_compute.over_full_tables,))
            assert_as_brute_force(divergence, p, q, all_states([2] * 5))
        return
    seen = np.unique(np.concatenate([X, Y]), axis=0)
    masses = [np.exp(density.score_samples(seen)) for density in (p, q)]
    masses = [np.append(mass, 1 - mass.sum()) for mass in masses]  # both are even beyond these
    assert exact == pytest.approx(brute_force(divergence, *masses), rel=1e-9)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_full_tables_with_other_categories(divergence):
    p = FullCategoricalDensity(n_categories=[3, 2], alpha=1.0).fit([[2, 0], [0, 1], [1, 1]])
    q = FullCategoricalDensity(n_categories=[2, 4], alpha=1.0).fit([[0, 3], [0, 1]])
    states = all_states([3, 4])
    masses = []
    for density in (p, q):
        known = (states < density.n_categories_).all(axis=1)
        mass = np.zeros(len(states))
        mass[known] = np.exp(density.score_samples(states[known]))
        masses.append(mass)
    for methods in [(_compute.over_full_tables,), (_compute.over_all_states,)]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_compute, "EXACT", methods)
            assert divergence(p, q) == pytest.approx(brute_force(divergence, *masses), rel=1e-10)


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_an_empirical_table_beside_any_density(divergence):
    """A full table that lists all it allows needs only the other's scores of these."""
    X = rows_for(5, 2, 0)
    p = FullCategoricalDensity(alpha=0, n_categories=2).fit(X)
    q = ChowLiuTreeDensity().fit(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", (_compute.over_listed_states,))
        assert_as_brute_force(divergence, p, q, all_states([2] * 5))
        if divergence in SYMMETRIC:
            assert_as_brute_force(divergence, q, p, all_states([2] * 5))
    wide = rows_for(100, 2, 0)
    p, q = (
        FullCategoricalDensity(alpha=0).fit(wide),
        MixtureDensity(BernoulliIndependentDensity(), random_state=0).fit(wide),
    )
    assert divergence(p, q, return_std=True)[1] == 0


def test_categories_that_one_density_does_not_know():
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
def test_coins_have_the_states_zero_and_one_whatever_binarize(binarize):
    X = np.array([[0], [1], [1], [1]])
    data = X if binarize is None else X + binarize - 0.5 + 0.5 * X
    coin = BernoulliIndependentDensity(alpha=0, binarize=binarize).fit(data)
    chain = MarkovChainImageDensity(alpha=0, order=0).fit([[0], [1]])
    full = FullCategoricalDensity(alpha=0).fit([[0], [1]])
    for other in (chain, full):
        for divergence in DIVERGENCES:
            expected = brute_force(divergence, np.array([0.25, 0.75]), np.array([0.5, 0.5]))
            assert divergence(coin, other) == pytest.approx(expected)


def test_long_chains_are_exact_and_sums_over_columns():
    """784 pixels: independent columns add, and a chain keeps to the chain rule."""
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


def test_a_chi_square_that_no_float_holds_is_infinite():
    p = BernoulliIndependentDensity(bounds=(0.9, 0.9)).fit(np.ones((1, 2000)))
    q = BernoulliIndependentDensity(bounds=(0.1, 0.1)).fit(np.ones((1, 2000)))
    assert chi_square(p, q) == math.inf
    assert kullback_leibler(p, q) == pytest.approx(2000 * 0.8 * np.log(9))
    assert hellinger(p, q) == pytest.approx(1.0)


# ---------------------------------------------------------------------- what all have in common
def test_jensen_shannon_is_the_square_of_scipys_distance():
    p = FullCategoricalDensity().fit(rows_for(2, 3, 0))
    q = FullCategoricalDensity().fit(rows_for(2, 3, 1))
    masses = [np.exp(density.score_samples(all_states([3, 3]))) for density in (p, q)]
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(*masses) ** 2)


@settings(max_examples=50)
@given(case=discrete_pairs())
def test_inequalities(case):
    (p, q), _ = case
    tv, h = total_variation(p, q), hellinger(p, q)
    assert tv <= np.sqrt(kullback_leibler(p, q) / 2) + 1e-7  # Pinsker
    assert h**2 <= tv + 1e-12
    assert tv <= np.sqrt(2) * h + 1e-7
    assert jensen_shannon(p, q) <= np.log(2) * tv + 1e-12
    assert kullback_leibler(p, q) <= np.log1p(chi_square(p, q)) + 1e-7
    for divergence in SYMMETRIC:
        assert divergence(p, q) == pytest.approx(divergence(q, p), abs=1e-9)
    for divergence in DIVERGENCES:
        assert divergence(p, p) == 0
        assert divergence(p, q) >= 0


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_what_forgets_a_column_brings_no_two_densities_further_apart(divergence):
    rng = np.random.default_rng(0)
    for seed in range(10):
        tables = rng.random((2, 8)) ** 2
        whole = [
            FullCategoricalDensity(alpha=0).fit(all_states([2] * 3), sample_weight=w)
            for w in tables
        ]
        part = [
            FullCategoricalDensity(alpha=0).fit(all_states([2] * 3)[:, :2], sample_weight=w)
            for w in tables
        ]
        assert divergence(*part) <= divergence(*whole) + 1e-12, seed


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_disjoint_densities_are_as_far_apart_as_can_be(divergence):
    expected = {
        kullback_leibler: math.inf,
        jensen_shannon: math.log(2),
        total_variation: 1.0,
        hellinger: 1.0,
        chi_square: math.inf,
    }[divergence]
    for n_columns in (2, 40):
        ones, zeros = np.ones((3, n_columns), int), np.zeros((3, n_columns), int)
        for family in (
            BernoulliIndependentDensity(alpha=0),
            MarkovChainImageDensity(alpha=0, n_categories=2),
            ChowLiuTreeDensity(alpha=0, n_categories=2),
            FullCategoricalDensity(alpha=0, n_categories=2),
        ):
            p, q = (type(family)(**family.get_params()).fit(X) for X in (ones, zeros))
            assert divergence(p, q, random_state=0) == pytest.approx(expected)


# ---------------------------------------------------------------------- normal distributions
def gaussian(n_columns, seed, kind="full", spread=0.3, n_rows=50):
    rng = np.random.default_rng(seed)
    mixing = np.eye(n_columns) + spread * rng.normal(size=(n_columns, n_columns))
    X = rng.normal(size=(n_rows, n_columns)) @ mixing + spread * rng.normal(size=n_columns)
    return GaussianDensity(kind).fit(X)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("seed", range(5))
def test_normal_distributions_of_one_column_as_by_quadrature(divergence, seed):
    p, q = gaussian(1, seed, spread=0.1), gaussian(1, seed + 100, spread=0.1)
    a, b = (
        stats.norm(density.mean_[0], np.sqrt(density.get_covariance()[0, 0])) for density in (p, q)
    )

    def kl(x):
        return a.pdf(x) * (a.logpdf(x) - b.logpdf(x))

    def js(x):
        log_m = np.logaddexp(a.logpdf(x), b.logpdf(x)) - np.log(2)
        return sum(d.pdf(x) * (d.logpdf(x) - log_m) / 2 for d in (a, b))

    integrand = {
        kullback_leibler: kl,
        jensen_shannon: js,
        total_variation: lambda x: abs(a.pdf(x) - b.pdf(x)) / 2,
        hellinger: lambda x: (np.sqrt(a.pdf(x)) - np.sqrt(b.pdf(x))) ** 2 / 2,
        chi_square: lambda x: (a.pdf(x) - b.pdf(x)) ** 2 / b.pdf(x),
    }[divergence]
    expected = integrate.quad(integrand, -25, 25, limit=500, epsabs=1e-12, epsrel=1e-12)[0]
    value, std = divergence(p, q, return_std=True)
    assert std == 0
    power = 2 if divergence is hellinger else 1
    assert value**power == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("kind", ["full", "diag", "spherical", "low_rank"])
def test_normal_distributions_of_three_columns_as_by_samples(divergence, kind):
    p, q = (gaussian(3, seed, kind, spread=0.1, n_rows=500) for seed in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", ())
        estimate, std = divergence(p, q, n_samples=40_000, random_state=0, return_std=True)
    exact, exact_std = divergence(p, q, n_samples=40_000, random_state=1, return_std=True)
    assert abs(estimate - exact) < 5 * np.hypot(std, exact_std)
    assert (exact_std == 0) == (divergence in RECURSIVE)


def test_kullback_leibler_of_normals_by_the_textbook_formula():
    for kinds in [("full", "diag"), ("spherical", "low_rank"), ("diag", "spherical")]:
        p, q = (gaussian(4, seed, kind, spread=1) for seed, kind in enumerate(kinds))
        a, b = p.get_covariance(), q.get_covariance()
        shift = q.mean_ - p.mean_
        expected = (
            np.trace(np.linalg.solve(b, a))
            + shift @ np.linalg.solve(b, shift)
            - 4
            + np.linalg.slogdet(b)[1]
            - np.linalg.slogdet(a)[1]
        ) / 2
        assert kullback_leibler(p, q) == pytest.approx(expected, rel=1e-10)


def test_hellinger_and_chi_square_of_normals_as_by_gaussian_integrals():
    p, q = (
        gaussian(3, 0, n_rows=500, spread=0.1),
        gaussian(3, 1, "low_rank", n_rows=500, spread=0.1),
    )
    a, b = p.get_covariance(), q.get_covariance()
    precision, shift = np.linalg.inv(a), p.mean_ - q.mean_

    def log_integral(power_p, power_q):
        """The logarithm of the integral of ``p**power_p q**power_q``, where the powers add to 1."""
        both = power_p * precision + power_q * np.linalg.inv(b)
        pull = power_p * precision @ shift
        log_dets = [np.linalg.slogdet(matrix)[1] for matrix in (a, b, both)]
        return (
            -(power_p * log_dets[0] + power_q * log_dets[1] + log_dets[2])
            - power_p * shift @ precision @ shift
            + pull @ np.linalg.solve(both, pull)
        ) / 2

    assert hellinger(p, q) ** 2 == pytest.approx(-np.expm1(log_integral(0.5, 0.5)), rel=1e-10)
    assert chi_square(p, q) == pytest.approx(np.expm1(log_integral(2, -1)), rel=1e-10)


def test_normals_of_one_covariance_differ_along_one_direction():
    p = gaussian(3, 0)
    q, shift = gaussian(3, 1), np.array([0.3, -0.2, 1.0])
    q._covariance, q.covariance_, q.mean_ = p._covariance, p.covariance_, p.mean_ + shift
    distance = np.sqrt(shift @ np.linalg.solve(p.covariance_, shift))
    assert total_variation(p, q) == pytest.approx(2 * stats.norm.cdf(distance / 2) - 1, rel=1e-10)
    assert jensen_shannon(p, q, return_std=True)[1] == 0
    assert chi_square(p, q) == pytest.approx(np.expm1(distance**2), rel=1e-9)


def test_chi_square_is_infinite_from_twice_the_variance_on():
    X = np.array([[-1.0], [1.0]])
    q = GaussianDensity(reg_covar=0).fit(X)
    for factor, finite in [(1.9, True), (2.0, False), (5.0, False)]:
        p = GaussianDensity(reg_covar=0).fit(np.sqrt(factor) * X)
        assert math.isfinite(chi_square(p, q)) == finite
        assert math.isfinite(chi_square(q, p))


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_normals_very_near_and_very_far(divergence):
    X = np.random.default_rng(0).normal(size=(30, 1))
    p = GaussianDensity(reg_covar=0).fit(X)
    for shift, scale in [(0, 1), (1e-7, 1), (0, 1 + 1e-7), (1e4, 1), (0, 1e-5), (3, 1e5)]:
        q = GaussianDensity(reg_covar=0).fit(X * scale + shift)
        value = divergence(p, q)
        assert value >= 0  # and no NaN
        if scale == 1 and shift < 1:
            relative = shift / p.covariance_[0, 0] ** 0.5
            near = {
                kullback_leibler: relative**2 / 2,
                jensen_shannon: relative**2 / 8,
                total_variation: relative / np.sqrt(2 * np.pi),
                hellinger: relative / np.sqrt(8),
                chi_square: relative**2,
            }[divergence]
            assert value == pytest.approx(near, rel=1e-2, abs=1e-15)
    far = GaussianDensity(reg_covar=0).fit(X + 1e4)
    bounds = {jensen_shannon: np.log(2), total_variation: 1.0, hellinger: 1.0}
    if divergence in bounds:
        assert divergence(p, far) == pytest.approx(bounds[divergence])


# ---------------------------------------------------------------------- estimates
@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("seed", range(3))
def test_estimates_are_within_their_standard_errors(divergence, seed):
    X, Y = rows_for(6, 2, seed, 100), rows_for(6, 2, seed + 50, 100)
    for p, q in [
        (ChowLiuTreeDensity().fit(X), BernoulliIndependentDensity().fit(Y)),
        (MarkovChainImageDensity(2).fit(X), FullCategoricalDensity(alpha=20).fit(X)),
    ]:
        exact = divergence(p, q)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_compute, "EXACT", ())
            estimate, std = divergence(p, q, n_samples=20_001, random_state=seed, return_std=True)
            again = divergence(p, q, n_samples=20_001, random_state=seed)
        assert 0 < std < 0.2 * max(exact, 0.1)
        assert abs(estimate - exact) < 5 * std
        assert again == estimate


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_estimates_of_nothing_and_of_infinity(divergence):
    p = MixtureDensity(GaussianDensity(), random_state=0).fit(
        np.random.default_rng(0).normal(size=(50, 2))
    )
    assert divergence(p, p, random_state=0, return_std=True) == (0.0, 0.0)
    ones = MixtureDensity(BernoulliIndependentDensity(alpha=0), random_state=0).fit(
        np.eye(30, dtype=int)
    )
    every = MixtureDensity(BernoulliIndependentDensity(), random_state=0).fit(
        1 - np.eye(30, dtype=int)
    )
    sure = MixtureDensity(BernoulliIndependentDensity(alpha=0), random_state=0).fit(
        np.zeros((5, 30), dtype=int)
    )
    value, std = divergence(every, sure, random_state=0, return_std=True)
    assert value == math.inf if divergence in (kullback_leibler, chi_square) else 0 < value <= 1
    assert std >= 0
    assert divergence(ones, sure, random_state=0) > 0


def test_estimates_of_densities_hundreds_of_nats_apart():
    rng = np.random.default_rng(0)
    mixtures = [
        MixtureDensity(GaussianDensity("diag"), random_state=0).fit(rng.normal(shift, 1, (80, 200)))
        for shift in (0.0, 3.0)
    ]
    value, std = kullback_leibler(*mixtures, random_state=0, return_std=True)
    assert 800 < value < 2500
    assert 0 < std < 0.05 * value
    assert chi_square(*mixtures, random_state=0) > 1e100
    assert total_variation(*mixtures, random_state=0) == pytest.approx(1)


def test_estimates_do_not_need_enumeration_where_states_are_many(monkeypatch):
    X, Y = rows_for(30, 2, 0, 200), rows_for(30, 2, 1, 200)
    p, q = MarkovChainImageDensity(2).fit(X), ChowLiuTreeDensity().fit(Y)
    value, std = jensen_shannon(p, q, random_state=0, return_std=True)
    assert 0 < std < value < np.log(2)
    small = MarkovChainImageDensity(2).fit(X[:, :5]), ChowLiuTreeDensity().fit(Y[:, :5])
    exact = jensen_shannon(*small)
    monkeypatch.setattr(_states, "BLOCK_STATES", 3)
    assert jensen_shannon(*small) == pytest.approx(exact)


# ---------------------------------------------------------------------- errors
def test_densities_that_do_not_compare():
    binary = BernoulliIndependentDensity().fit([[0, 1], [1, 0]])
    normal = GaussianDensity().fit([[0.0, 1.0], [1.0, 0.5]])
    for divergence in DIVERGENCES:
        with pytest.raises(NotFittedError):
            divergence(binary, BernoulliIndependentDensity())
        with pytest.raises(ValueError, match="p must be a fitted density of skdgm"):
            divergence([[0, 1]], binary)
        with pytest.raises(ValueError, match="same columns, but p has 2 and q has 1"):
            divergence(binary, BernoulliIndependentDensity().fit([[0], [1]]))
        with pytest.raises(ValueError, match="p is discrete and q is continuous"):
            divergence(binary, normal)
        for n_samples in (0, 3, 10.0, True):
            with pytest.raises(ValueError, match="n_samples must be an integer of 4 or more"):
                divergence(binary, binary, n_samples=n_samples)
        with pytest.raises(ValueError, match="random_state must be"):
            divergence(binary, binary, random_state="seed")


def test_columns_with_names():
    frame = pd.DataFrame({"a": [0, 1, 1], "b": [1, 0, 1]})
    p, q = BernoulliIndependentDensity().fit(frame), ChowLiuTreeDensity().fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kullback_leibler(p, q) > 0
        assert jensen_shannon(p, q) > 0
        assert log_likelihood_gap(frame, p) > 0
    with pytest.raises(ValueError, match="column 0 is 'a' in p and 'b' in q"):
        kullback_leibler(p, BernoulliIndependentDensity().fit(frame[["b", "a"]]))


# ---------------------------------------------------------------------- data
@settings(max_examples=40)
@given(case=discrete_pairs(), seed=st.integers(0, 1000))
def test_the_gap_is_the_divergence_from_the_empirical_distribution(case, seed):
    (p, q), states = case
    X = states[np.random.default_rng(seed).integers(0, len(states), size=20)]
    if np.isneginf(p.score_samples(X)).any() or np.isneginf(q.score_samples(X)).any():
        return
    empirical = FullCategoricalDensity(alpha=0, n_categories=int(states.max()) + 1).fit(X)
    gaps = [log_likelihood_gap(X, density) for density in (p, q)]
    assert gaps[0] == pytest.approx(kullback_leibler(empirical, p), abs=1e-10)
    assert log_likelihood_gap(X, p, q) == pytest.approx(gaps[0] - gaps[1], abs=1e-10)
    assert log_likelihood_gap(X, empirical) == pytest.approx(0, abs=1e-12)


def test_gap_of_continuous_densities_and_its_standard_error():
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


def test_gaps_that_are_infinite_or_undefined():
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


def test_gaps_of_sparse_rows_and_rows_with_missing_values():
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


def test_densities_that_read_rows_as_different_states():
    X = np.array([[0, 2], [1, 0], [2, 1]])
    chain = MarkovChainImageDensity().fit(X)
    coins = BernoulliIndependentDensity().fit(X)
    with pytest.raises(ValueError, match="read X as different states"):
        log_likelihood_gap(X, coins, chain)
    assert np.isfinite(log_likelihood_gap(X > 0, coins, chain))
    with pytest.raises(ValueError, match="density and reference must be densities of the same"):
        log_likelihood_gap(X, coins, BernoulliIndependentDensity().fit(X[:, :1]))


# ---------------------------------------------------------------------- two samples
def direct_mmd(X, Y, **kernel):
    """Gretton et al. (2012), equation 3, by its sums."""
    xx, yy, xy = (pairwise_kernels(*pair, **kernel) for pair in ((X, X), (Y, Y), (X, Y)))
    n, m = len(X), len(Y)
    within_x = (xx.sum() - np.trace(xx)) / (n * (n - 1))
    within_y = (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return within_x + within_y - 2 * xy.mean()


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "linear", "poly", "cosine", np.dot])
def test_discrepancy_as_by_its_definition(kernel, monkeypatch):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(13, 3)), rng.normal(0.5, 1, size=(8, 3))
    parameters = {"gamma": 0.7} if kernel in ("rbf", "laplacian", "poly") else {}
    expected = direct_mmd(X, Y, metric=kernel, **parameters)
    assert maximum_mean_discrepancy(X, Y, kernel=kernel, **parameters) == pytest.approx(expected)
    assert maximum_mean_discrepancy(Y, X, kernel=kernel, **parameters) == pytest.approx(expected)
    whole = maximum_mean_discrepancy(X, Y, kernel=kernel, n_permutations=20, random_state=0)
    monkeypatch.setattr(_two_samples, "BLOCK_CELLS", 50)
    blocks = maximum_mean_discrepancy(X, Y, kernel=kernel, n_permutations=20, random_state=0)
    assert blocks == pytest.approx(whole)


def test_median_heuristic():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(30, 2))
    rows = np.concatenate([X, Y])
    apart = np.linalg.norm(rows[:, np.newaxis] - rows, axis=2)[np.triu_indices(50, 1)]
    gamma = 1 / (2 * np.median(apart) ** 2)
    assert maximum_mean_discrepancy(X, Y) == pytest.approx(
        direct_mmd(X, Y, gamma=gamma, metric="rbf")
    )
    scaled = maximum_mean_discrepancy(1000 * X, 1000 * Y)
    assert scaled == pytest.approx(maximum_mean_discrepancy(X, Y))
    assert maximum_mean_discrepancy(np.ones((4, 2)), np.ones((3, 2))) == pytest.approx(0)
    mostly_equal = np.zeros((10, 1))
    mostly_equal[0] = 3
    assert np.isfinite(maximum_mean_discrepancy(mostly_equal, mostly_equal))
    large = rng.normal(size=(1500, 1))
    assert maximum_mean_discrepancy(large, large + 3) > 0.5


def test_discrepancy_is_zero_on_average_and_p_values_even_for_equal_distributions():
    rng = np.random.default_rng(0)
    results = np.array(
        [
            maximum_mean_discrepancy(
                rng.normal(size=(12, 2)),
                rng.normal(size=(15, 2)),
                n_permutations=39,
                random_state=seed,
            )
            for seed in range(300)
        ]
    )
    values, p_values = results.T
    assert abs(values.mean()) < 4 * stats.sem(values)
    assert (values < 0).any()
    assert set(np.round(p_values * 40, 8)) <= set(range(1, 41))
    jittered = p_values - rng.random(300) / 40  # exactly even on (0, 1) in theory
    assert stats.kstest(jittered, "uniform").pvalue > 0.001


def test_discrepancy_tells_different_distributions_apart():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(100, 2)), rng.normal(size=(100, 2))
    Y[:, 1] = 0.9 * Y[:, 0] + np.sqrt(1 - 0.81) * Y[:, 1]  # equal marginals
    value, p_value = maximum_mean_discrepancy(X, Y, n_permutations=99, random_state=0)
    assert value > 0
    assert p_value <= 0.02
    again = maximum_mean_discrepancy(X, Y, n_permutations=99, random_state=0)
    assert again == (value, p_value)
    assert maximum_mean_discrepancy(X, Y) == pytest.approx(value)


def test_equal_splits_count_as_large():
    X = np.ones((5, 1))
    assert maximum_mean_discrepancy(X, X, n_permutations=9, random_state=0)[1] == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": "unknown"}, "kernel must be a function of two rows or one of"),
        ({"gamma": 0}, "gamma must be a number above 0"),
        ({"gamma": "scale"}, "gamma must be a number above 0"),
        ({"n_permutations": -1}, "n_permutations must be 0 or a larger integer"),
        ({"n_permutations": 1.5}, "n_permutations must be 0 or a larger integer"),
        ({"Y": np.ones((3, 1))}, "X and Y must have the same columns, but X has 2 and Y has 1"),
        ({"Y": np.ones((1, 2))}, "minimum of 2 is required"),
        ({"X": np.full((3, 2), np.nan)}, "Input X contains NaN"),
        ({"random_state": -1}, "random_state must be 0 or a larger integer"),
    ],
)
def test_errors_of_the_discrepancy(change, message):
    arguments = {"X": np.ones((3, 2)), "Y": np.zeros((3, 2)), **change}
    with pytest.raises(ValueError, match=message):
        maximum_mean_discrepancy(arguments.pop("X"), arguments.pop("Y"), **arguments)
