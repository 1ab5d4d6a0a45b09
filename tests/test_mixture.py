"""MixtureDensity: agrees with GaussianMixture, and mixes densities of any family."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)
from skdgm.density._engine import completions as _completions

from .rows import all_states, assert_drawn_from

X_IRIS, SPECIES = load_iris(return_X_y=True)
INK = (load_digits().data > 7).astype(np.uint8)
CLUSTERS = np.vstack(
    [
        np.random.default_rng(0).normal(size=(150, 3)),
        np.random.default_rng(1).normal(size=(100, 3)) * [1, 0.5, 2] + [4, 0, 2],
    ]
)
unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# ---------------------------------------------------------------------- against scikit-learn
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
@pytest.mark.parametrize("n_components", [1, 2])
def test_agrees_with_gaussian_mixture(covariance_type, n_components):
    theirs = GaussianMixture(
        n_components, covariance_type=covariance_type, tol=1e-10, max_iter=2000, random_state=0
    ).fit(CLUSTERS)
    ours = MixtureDensity(
        GaussianDensity(covariance_type), n_components, tol=1e-10, max_iter=2000, random_state=0
    ).fit(CLUSTERS)
    order = np.argsort(ours.weights_), np.argsort(theirs.weights_)
    assert_allclose(ours.weights_[order[0]], theirs.weights_[order[1]], atol=1e-4)
    means = np.stack([density.mean_ for density in ours.densities_])
    assert_allclose(means[order[0]], theirs.means_[order[1]], atol=1e-3)
    assert_allclose(ours.score_samples(CLUSTERS), theirs.score_samples(CLUSTERS), atol=1e-3)
    shares = ours.predict_proba(CLUSTERS)[:, order[0]]
    assert_allclose(shares, theirs.predict_proba(CLUSTERS)[:, order[1]], atol=1e-3)
    assert ours.n_parameters_ == theirs._n_parameters()
    assert_allclose(ours.bic(CLUSTERS), theirs.bic(CLUSTERS), rtol=1e-6)
    assert ours.converged_


def test_one_component_is_the_density_itself():
    for density, X in [
        (GaussianDensity(), X_IRIS),
        (MarkovChainImageDensity(n_categories=2), INK),
        (BernoulliIndependentDensity(), INK),
    ]:
        mixture = MixtureDensity(density, 1).fit(X)
        alone = clone(density).fit(X)
        assert_allclose(mixture.score_samples(X), alone.score_samples(X), rtol=1e-9)
        assert mixture.n_parameters_ == alone.n_parameters_
        assert_array_equal(mixture.weights_, [1.0])


# ---------------------------------------------------------------------- the definition
@settings(max_examples=8)
@given(seed=st.integers(0, 2**16), n_components=st.integers(1, 4))
def test_equals_its_definition(seed, n_components):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 2, (40, 5))
    mixture = MixtureDensity(BernoulliIndependentDensity(), n_components, random_state=seed)
    mixture.fit(X)
    theta = np.stack([density.probability_ for density in mixture.densities_])
    of_row = np.prod(np.where(X[:, np.newaxis], theta, 1 - theta), axis=2) * mixture.weights_
    assert_allclose(mixture.score_samples(X), np.log(of_row.sum(axis=1)))
    shares = of_row / of_row.sum(axis=1, keepdims=True)
    assert_allclose(mixture.predict_proba(X), shares, atol=1e-12)
    assert_array_equal(mixture.predict(X), mixture.predict_proba(X).argmax(axis=1))
    assert_allclose(mixture.weights_.sum(), 1)
    assert mixture.n_parameters_ == 5 * n_components + n_components - 1


@unconverged
@settings(max_examples=5)
@given(
    seed=st.integers(0, 2**16),
    share=st.sampled_from([0.0, 0.3]),
    init=st.sampled_from(["kmeans", "random"]),
)
@pytest.mark.parametrize(
    "density",
    [
        BernoulliIndependentDensity(alpha=0.5),
        BernoulliIndependentDensity(alpha=0, bounds=(0.2, 0.9)),
        MarkovChainImageDensity(n_categories=2),
        MarkovChainImageDensity(n_categories=2, homogeneous=True),
        FullCategoricalDensity(n_categories=2),
        FullCategoricalDensity(n_categories=2, ties=np.arange(16) % 5),
        ChowLiuTreeDensity(n_categories=2),
        GaussianDensity(reg_covar=0),
        MixtureDensity(BernoulliIndependentDensity(), random_state=0),
    ],
    ids=str,
)
def test_the_objective_never_falls(density, seed, share, init):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 2, (150, 4)).astype(float)  # of fewer rows, a normal may keep too few
    X[:, 1] = np.where(rng.random(150) < 0.7, X[:, 0], X[:, 1])
    if isinstance(density, GaussianDensity):
        X += rng.normal(size=X.shape)
    X[rng.random(X.shape) < share] = np.nan
    mixture = MixtureDensity(density, 2, init=init, tol=0, max_iter=25, random_state=seed).fit(X)
    assert np.diff(mixture.lower_bounds_).min(initial=0) > -1e-8


def test_a_planted_mixture_is_recovered():
    rng = np.random.default_rng(0)
    theta = np.array([[0.9, 0.9, 0.8, 0.1, 0.2, 0.1], [0.1, 0.2, 0.1, 0.9, 0.7, 0.9]])
    z = rng.random(8000) < 0.3
    X = (rng.random((8000, 6)) < theta[z.astype(int)]).astype(float)
    incomplete = np.where(rng.random(X.shape) < 0.3, np.nan, X)
    for rows in (X, incomplete):
        mixture = MixtureDensity(
            BernoulliIndependentDensity(), random_state=0, tol=1e-7, max_iter=500
        ).fit(rows)
        order = np.argsort(mixture.weights_)[::-1]
        assert_allclose(mixture.weights_[order], [0.7, 0.3], atol=0.03)
        learned = np.stack([mixture.densities_[k].probability_ for k in order])
        assert_allclose(learned, theta, atol=0.05)
        assert np.mean(mixture.predict(rows) == order[z.astype(int)]) > 0.93


def test_sampled_frequencies_match_probabilities():
    mixture = MixtureDensity(BernoulliIndependentDensity(), 2, random_state=0).fit(INK[:, 18:22])
    states = all_states((2, 2, 2, 2))
    drawn = mixture.sample(20_000, random_state=1)
    count = np.bincount(drawn.astype(int) @ [8, 4, 2, 1], minlength=16)
    assert_drawn_from(np.exp(mixture.score_samples(states)), count)


def test_components_keep_their_restrictions():
    """Bounds, ties and shared probabilities hold in every component."""
    mixture = MixtureDensity(BernoulliIndependentDensity(bounds=(0.2, 0.8)), 3, random_state=0).fit(
        INK
    )
    for density in mixture.densities_:
        assert density.probability_.min() >= 0.2
        assert density.probability_.max() <= 0.8
    ties = np.arange(16) % 5
    mixture = MixtureDensity(FullCategoricalDensity(ties=ties, n_categories=2), random_state=0)
    mixture.fit(INK[:, 18:22])
    states = all_states((2, 2, 2, 2))
    for density in mixture.densities_:
        score = density.score_samples(states)
        assert_allclose(score, score[:5][ties])
    assert mixture.n_parameters_ == 2 * 4 + 1
    chain = MarkovChainImageDensity(n_categories=2, homogeneous=True)
    assert MixtureDensity(chain, random_state=0).fit(INK).n_parameters_ == 2 * 3 + 1


def test_trees_in_a_mixture_beat_one_tree():
    tree = ChowLiuTreeDensity(n_categories=2)
    train, test = INK[:1200], INK[1200:]
    mixture = MixtureDensity(tree, 6, random_state=0).fit(train)
    assert mixture.score(test) > clone(tree).fit(train).score(test) + 2
    assert len({tuple(density.parents_) for density in mixture.densities_}) == 6


# ---------------------------------------------------------------------- the start and the end
def test_the_best_of_several_starts_is_kept():
    settings = {"tol": 1e-4, "max_iter": 500, "init": "random"}
    density = BernoulliIndependentDensity()
    ends = [
        MixtureDensity(density, 5, random_state=seed, **settings).fit(INK[:300]).lower_bounds_[-1]
        for seed in range(4)
    ]
    best = MixtureDensity(density, 5, n_init=6, random_state=0, **settings).fit(INK[:300])
    assert best.lower_bounds_[-1] >= np.median(ends)
    assert len(best.lower_bounds_) == best.n_iter_


@unconverged
def test_a_warm_start_continues():
    mixture = MixtureDensity(
        BernoulliIndependentDensity(), 3, warm_start=True, max_iter=2, tol=0, random_state=0
    )
    bounds = np.concatenate([mixture.fit(INK[:200]).lower_bounds_ for _ in range(3)])
    cold = clone(mixture).set_params(max_iter=6).fit(INK[:200]).lower_bounds_
    assert_allclose(bounds, cold)
    assert np.diff(mixture.set_params(n_components=4).fit(INK[:200]).lower_bounds_)[0] > 0
    assert len(mixture.weights_) == 4  # another number of components starts afresh


def test_a_fit_that_did_not_converge_warns():
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps to tol=0.001"):
        mixture = MixtureDensity(BernoulliIndependentDensity(), max_iter=1).fit(INK)
    assert not mixture.converged_


@unconverged
@pytest.mark.parametrize("density", [GaussianDensity(), BernoulliIndependentDensity()], ids=str)
def test_components_may_outnumber_distinct_rows(density):
    X = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    mixture = MixtureDensity(density, 6, random_state=0).fit(X)
    assert np.isfinite(mixture.score_samples(X)).all()
    assert np.isfinite(mixture.sample(10, random_state=0)).all()
    assert_allclose(mixture.weights_.sum(), 1)


@unconverged
@pytest.mark.parametrize(
    "density",
    [
        FullCategoricalDensity(alpha=0, n_categories=3),
        ChowLiuTreeDensity(alpha=0, n_categories=3),
        MarkovChainImageDensity(alpha=0, n_categories=3),
    ],
    ids=str,
)
def test_a_component_that_loses_its_rows_starts_anew_though_it_rules_them_out(density):
    X = np.array([[2, 1, 2], [1, np.nan, np.nan], [2, 2, 0], [2, np.nan, 0], [0, 2, np.nan]])
    model = MixtureDensity(density, 2, init="random", max_iter=1, random_state=0).fit(X)
    group, codes, weight = model._group, model._encode(X), np.ones(len(X))
    shares = np.repeat([[1.0, 0.0], [0.0, 1.0]], [4, 1], axis=0)
    group.estimate(group.expect(codes, shares, weight))
    codes, shares, weight = codes[:4], shares[:4], weight[:4]
    assert_array_equal(group.log_prob(codes)[:, 1], -np.inf)
    group.estimate(group.expect(codes, shares, weight))
    assert (group.log_prob(codes)[:, 1] > -np.inf).all()


def test_integer_weights_repeat_rows():
    X = INK[:80]
    weight = np.random.default_rng(0).integers(1, 4, 80)
    order = np.random.default_rng(1).permutation(weight.sum())
    mixture = MixtureDensity(BernoulliIndependentDensity(), 3, random_state=0)
    weighted = clone(mixture).fit(X, sample_weight=weight)
    repeated = clone(mixture).fit(np.repeat(X, weight, axis=0)[order])
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), rtol=1e-9)


# ---------------------------------------------------------------------- its uses
def test_the_last_bits_do_not_change_the_start():
    rng = np.random.default_rng(0)
    X = StandardScaler().fit_transform(X_IRIS)
    X[rng.random(X.shape) < 0.2] = np.nan
    mixture = MixtureDensity(GaussianDensity(), 4, random_state=0, tol=1e-2)
    log_prob = clone(mixture).fit(X).score_samples(X)
    for _ in range(5):
        nudged = np.nextafter(X, rng.choice([-np.inf, np.inf], X.shape))
        assert_allclose(clone(mixture).fit(nudged).score_samples(X), log_prob, rtol=1e-6)


def test_mixtures_beat_one_density_on_held_out_rows():
    train, test = INK[:1200], INK[1200:]
    for density in (BernoulliIndependentDensity(), MarkovChainImageDensity(n_categories=2)):
        one = clone(density).fit(train).score(test)
        assert MixtureDensity(density, 10, random_state=0).fit(train).score(test) > one + 1.5


def test_the_latent_class_finds_the_species():
    mixture = MixtureDensity(GaussianDensity("tied"), 3, random_state=0, n_init=3).fit(X_IRIS)
    z = mixture.predict(X_IRIS)
    agreement = sum(np.bincount(SPECIES[z == k]).max() for k in np.unique(z)) / 150
    assert agreement > 0.9


def test_a_mixture_per_class_beats_one_density_per_class():
    y = load_digits().target
    classifier = GenerativeClassifier(MixtureDensity(BernoulliIndependentDensity(), random_state=0))
    grid = {"density__n_components": [1, 6]}
    search = GridSearchCV(classifier, grid, cv=2).fit(INK[:1000], y[:1000])
    assert search.best_params_ == {"density__n_components": 6}
    half = INK[:500].astype(float)
    half[:, 32:] = np.nan
    assert search.best_estimator_.score(half, y[:500]) > 0.75


# ---------------------------------------------------------------------- the mode
@pytest.mark.parametrize("n_missing", [5, 30])
def test_long_completions_are_local_maxima(n_missing, monkeypatch):
    monkeypatch.setattr(_completions, "LISTED", 1)  # nothing is listed
    mixture = MixtureDensity(BernoulliIndependentDensity(), 8, random_state=0).fit(INK)
    X = INK[:10].astype(float)
    missing = np.random.default_rng(0).permutation(64)[:n_missing]
    X[:, missing] = np.nan
    mode = mixture.conditional_mode(X)
    score = mixture.score_samples(mode)
    for density in mixture.densities_:  # at least as good as any component's own
        assert (score >= mixture.score_samples(density.conditional_mode(X)) - 1e-12).all()
    for column in missing:  # and no single change makes it better
        changed = mode.copy()
        changed[:, column] = 1 - changed[:, column]
        assert (score >= mixture.score_samples(changed) - 1e-12).all()


def test_invalid_parameters_are_refused():
    with pytest.raises(ValueError, match="'density' parameter"):
        MixtureDensity(GaussianMixture()).fit(INK)
    with pytest.raises(ValueError, match="'n_components' parameter"):
        MixtureDensity(GaussianDensity(), 0).fit(INK)
    with pytest.raises(ValueError, match="'alpha' parameter"):
        MixtureDensity(BernoulliIndependentDensity(alpha=-1)).fit(INK)
    assert not hasattr(MixtureDensity(HiddenChowLiuTreeDensity()), "partial_fit")
