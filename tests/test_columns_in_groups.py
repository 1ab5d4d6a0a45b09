"""ColumnDensity in mixtures, classifiers and other estimators."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    TransformedDensity,
)
from skdgm.metrics import kullback_leibler

from .rounding import assert_equal_to_rounding
from .rows import all_states
from .words_and_sizes import SIZES, WORDS, log_prob_by_hand, planted, words_and_sizes

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


# ---------------------------------------------------------------------- in a mixture
def unsmoothed_mixture(**options):
    blocks = words_and_sizes(BernoulliIndependentDensity(alpha=0), GaussianDensity(reg_covar=0))
    return MixtureDensity(blocks, random_state=0, **options)


@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_a_mixture_finds_the_planted_classes(share_missing):
    X, z = planted(1000, share_missing=share_missing)
    mixture = MixtureDensity(words_and_sizes(), random_state=0).fit(X)
    order = np.argsort([density.named_densities_.sizes.mean_[0] for density in mixture.densities_])
    second, first = (mixture.densities_[k].named_densities_ for k in order)
    assert_allclose(first.words.probability_, [0.9, 0.8, 0.3], atol=0.06)
    assert_allclose(second.words.probability_, [0.2, 0.1, 0.6], atol=0.06)
    assert_allclose(first.sizes.mean_, [2, -1], atol=0.12)
    assert_allclose(second.sizes.mean_, [-1, 1], atol=0.12)
    assert_allclose(mixture.weights_[order[0]], 0.4, atol=0.05)
    assert np.mean(mixture.predict(X) == order[1 - z]) > (0.99 if share_missing == 0 else 0.95)
    assert mixture.n_parameters_ == 2 * (3 + 5) + 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@settings(max_examples=5)
@given(seed=st.integers(0, 2**16), share=st.sampled_from([0.0, 0.3]))
def test_the_objective_never_falls(seed, share):
    X, _ = planted(150, seed=seed, share_missing=share)
    mixture = unsmoothed_mixture(tol=0, max_iter=30).fit(X)
    assert np.diff(mixture.lower_bounds_).min() > -1e-8
    smoothed = MixtureDensity(
        words_and_sizes(ChowLiuTreeDensity(), GaussianDensity(reg_covar=0)),
        tol=0,
        max_iter=30,
        random_state=0,
    ).fit(X)
    assert np.diff(smoothed.lower_bounds_).min() > -1e-8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_step_of_a_mixture_follows_the_formulas():
    X, _ = planted(200)
    before, after = (unsmoothed_mixture(max_iter=n, tol=0).fit(X) for n in (3, 4))
    joint = np.stack([log_prob_by_hand(own, X) for own in before.densities_], axis=1)
    joint += np.log(before.weights_)
    assert_allclose(before.score_samples(X), logsumexp(joint, axis=1), rtol=1e-10)
    shares = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    assert_allclose(before.predict_proba(X), shares, atol=1e-10)
    assert_allclose(after.weights_, shares.mean(axis=0), rtol=1e-9)
    for density, share in zip(after.densities_, shares.T, strict=True):
        words, sizes = density.named_densities_.words, density.named_densities_.sizes
        assert_allclose(words.probability_, share @ X[:, WORDS] / share.sum(), rtol=1e-8)
        assert_allclose(sizes.mean_, share @ X[:, SIZES] / share.sum(), rtol=1e-8)
        covariance = np.cov(X[:, SIZES].T, aweights=share, bias=True)
        assert_allclose(sizes.covariance_, covariance, rtol=1e-8)


def test_a_latent_class_joins_the_blocks():
    X, _ = planted(1000)
    mixture = MixtureDensity(words_and_sizes(), random_state=0).fit(X)
    row = np.full(5, np.nan)
    row[WORDS] = [1, 0, 0]
    words = [density.named_densities_.words for density in mixture.densities_]
    sizes = [density.named_densities_.sizes for density in mixture.densities_]
    weight = mixture.weights_ * [np.exp(each.score(row[np.newaxis, WORDS])) for each in words]
    share = weight / weight.sum()
    assert_allclose(mixture.predict_proba([row])[0], share, rtol=1e-9)
    mean = share @ [each.mean_ for each in sizes]
    assert_allclose(mixture.conditional_mean([row])[0, SIZES], mean, rtol=1e-9)

    candidates = np.array([each.mean_ for each in sizes])
    completed = np.tile(row, (2, 1))
    completed[:, SIZES] = candidates
    best = completed[mixture.score_samples(completed).argmax()]
    assert_allclose(mixture.conditional_mode([row])[0], best, rtol=1e-9)

    drawn = mixture.conditional_sample(np.tile(row, (40_000, 1)), random_state=0)
    assert_array_equal(drawn[:, WORDS], np.tile(row[WORDS], (40_000, 1)))
    assert_allclose(drawn[:, SIZES].mean(axis=0), mean, atol=0.03)
    normals = [stats.norm(each.mean_[0], each.covariance_[0, 0] ** 0.5) for each in sizes]
    places = np.linspace(-4, 5, 12)
    below = sum(part * normal.cdf(places) for part, normal in zip(share, normals, strict=True))
    seen = np.histogram(drawn[:, SIZES[0]], [-np.inf, *places, np.inf])[0]
    expected = 40_000 * np.diff([0, *below, 1])
    assert stats.chisquare(seen, expected).pvalue > 1e-4

    sizes_only = np.full(5, np.nan)
    sizes_only[SIZES] = [1.8, -1.0]
    theta = np.stack([each.probability_ for each in words])
    densities = [each.score(sizes_only[np.newaxis, SIZES]) for each in sizes]
    share = mixture.weights_ * np.exp(densities)
    expected = share @ theta / share.sum()
    assert_allclose(mixture.conditional_mean([sizes_only])[0, WORDS], expected, rtol=1e-9)


def test_modes_over_categories_agree_with_enumeration():
    """Also where a block binarises: completions are compared, not their binary form."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 256, (80, 3)), rng.integers(0, 3, (80, 2))]).astype(float)
    X[:40, :2] //= 4
    X[:40, 3] = 2
    blocks = ColumnDensity(
        [
            ("pixels", BernoulliIndependentDensity(binarize=127), slice(0, 3)),
            ("rest", ChowLiuTreeDensity(), slice(3, 5)),
        ]
    )
    mixture = MixtureDensity(blocks, 3, init="random", random_state=0).fit(X)
    Q = X[:20].copy()
    Q[rng.random(Q.shape) < 0.5] = np.nan
    states = all_states((2, 2, 2, 3, 3))
    probability = mixture.score_samples(states * [255, 255, 255, 1, 1])
    for row, mode in zip(Q, mixture.conditional_mode(Q), strict=True):
        binary = np.where(np.arange(5) < 3, np.where(np.isnan(row), np.nan, row > 127), row)
        agree = np.all((states == binary) | np.isnan(binary), axis=1)
        seen = ~np.isnan(row)
        assert_array_equal(mode[seen], row[seen])
        completed = np.where(seen, row, mode * [255, 255, 255, 1, 1])
        score = mixture.score_samples([completed])[0]
        assert_allclose(score, probability[agree].max(), atol=1e-9)


def test_a_single_block_is_its_density_in_a_mixture():
    X, _ = planted(200, share_missing=0.2)
    for family, columns in [(ChowLiuTreeDensity(), WORDS), (GaussianDensity(), SIZES)]:
        plain = MixtureDensity(family, 3, random_state=0).fit(X[:, columns])
        block = ColumnDensity([("all", family, slice(None))])
        wrapped = MixtureDensity(block, 3, random_state=0).fit(X[:, columns])
        assert_equal_to_rounding(
            wrapped.score_samples(X[:, columns]), plain.score_samples(X[:, columns])
        )
        assert_allclose(wrapped.lower_bounds_, plain.lower_bounds_, rtol=1e-12)


def test_a_tied_covariance_is_shared():
    X, y = planted(share_missing=0.1)
    blocks = words_and_sizes(sizes=GaussianDensity("tied"))
    for joint, n_free in [
        (MixtureDensity(blocks, 3, random_state=0).fit(X), 2),
        (GenerativeClassifier(blocks).fit(X, y), 1),
    ]:
        sizes = [density.named_densities_.sizes for density in joint.densities_]
        for other in sizes[1:]:
            assert_equal_to_rounding(other.covariance_, sizes[0].covariance_)
            assert not np.allclose(other.mean_, sizes[0].mean_)
        assert joint.n_parameters_ == len(sizes) * (3 + 2) + 3 + n_free
    alone = GenerativeClassifier(GaussianDensity("tied")).fit(X[:, SIZES], y)
    assert_equal_to_rounding(alone.densities_[0].covariance_, sizes[0].covariance_)


def test_densities_of_a_group_share_no_block():
    X, y = planted()
    blocks = words_and_sizes().fit(X)
    joints = [MixtureDensity(blocks, random_state=0).fit(X), GenerativeClassifier(blocks).fit(X, y)]
    for joint in joints:
        first, second = (density.named_densities_ for density in joint.densities_)
        assert first.words is not second.words
        assert not np.allclose(first.words.probability_, second.words.probability_)
    before = blocks.score_samples(X)
    copy(blocks).partial_fit(X[:5])
    assert_array_equal(blocks.score_samples(X), before)


def test_mixtures_nest_in_blocks():
    X, _ = planted(200, share_missing=0.1)
    sizes = MixtureDensity(GaussianDensity(reg_covar=0.1), random_state=0)
    blocks = words_and_sizes(sizes=sizes)
    mixture = MixtureDensity(blocks, random_state=0).fit(X)
    joint = np.stack([density.score_samples(X) for density in mixture.densities_], axis=1)
    expected = logsumexp(joint + np.log(mixture.weights_), axis=1)
    assert_allclose(mixture.score_samples(X), expected, rtol=1e-10)
    assert mixture.score(X) > blocks.fit(X).score(X)
    assert mixture.n_parameters_ == 2 * (3 + 2 * 5 + 1) + 1


def test_a_warm_start_continues():
    X, _ = planted()
    mixture = MixtureDensity(words_and_sizes(), random_state=0, warm_start=True, tol=1e-8).fit(X)
    first = mixture.lower_bounds_[-1]
    mixture.fit(X)
    assert mixture.n_iter_ <= 2
    assert mixture.lower_bounds_[0] >= first - 1e-9


# ---------------------------------------------------------------------- in a classifier
@pytest.mark.parametrize("share_missing", [0.0, 0.3])
def test_a_classifier_is_bayes_rule_by_hand(share_missing):
    X, y = planted(share_missing=share_missing)
    density = words_and_sizes(sizes=GaussianDensity(reg_covar=0))  # else a share over all rows
    classifier = GenerativeClassifier(density, n_jobs=2).fit(X, y)
    Q, z = planted(100, seed=5, share_missing=share_missing)
    joint = np.empty((100, 2))
    for c in (0, 1):
        words = BernoulliIndependentDensity().fit(X[y == c][:, WORDS])
        sizes = GaussianDensity(reg_covar=0).fit(X[y == c][:, SIZES])
        joint[:, c] = np.log(np.mean(y == c))
        joint[:, c] += words.score_samples(Q[:, WORDS]) + sizes.score_samples(Q[:, SIZES])
    assert_allclose(classifier.predict_joint_log_proba(Q), joint, rtol=1e-10)
    assert_array_equal(classifier.predict(Q), joint.argmax(axis=1))
    assert classifier.score(Q, z) > 0.85
    drawn, labels = classifier.sample(200, random_state=0)
    assert drawn.shape == (200, 5)
    assert classifier.score(drawn, labels) > 0.9


def test_classes_share_the_categories_of_all_rows():
    X = np.array([[0, 0, 1.5], [1, 0, 2.5], [0, 2, 0.5], [2, 1, 1.0]])
    blocks = ColumnDensity([("a", ChowLiuTreeDensity(), [0, 1]), ("b", GaussianDensity(), [2])])
    classifier = GenerativeClassifier(blocks).fit(X, [0, 0, 1, 1])
    assert np.isfinite(classifier.predict_joint_log_proba([[2, 2, 1.0]])).all()


# ---------------------------------------------------------------------- in other estimators
def test_a_warm_start_needs_the_same_categories():
    rng = np.random.default_rng(0)
    X, Y = (np.c_[rng.integers(0, k, (60, 2)), rng.normal(size=60)] for k in (2, 3))
    blocks = ColumnDensity([("a", ChowLiuTreeDensity(), [0, 1]), ("b", GaussianDensity(), [2])])
    warm = MixtureDensity(blocks, warm_start=True, random_state=0).fit(X).fit(Y)
    cold = MixtureDensity(blocks, random_state=0).fit(Y)
    assert_allclose(warm.score_samples(Y), cold.score_samples(Y))


def test_divergences_of_blocks_agree_with_a_single_density():
    rng = np.random.default_rng(0)
    p, q = ((rng.random((50, 4)) < share).astype(int) for share in (0.3, 0.6))
    coins = BernoulliIndependentDensity()
    blocks = ColumnDensity([("a", coins, [2, 0]), ("b", coins, [1, 3])])
    expected = kullback_leibler(clone(coins).fit(p), clone(coins).fit(q))
    for first in (coins, blocks, ColumnDensity([("inner", blocks, slice(None))])):
        value = kullback_leibler(clone(first).fit(p), clone(blocks).fit(q))
        assert_allclose(value, expected, rtol=1e-12)


def test_names_reach_blocks_within_other_estimators():
    X, _ = planted()
    frame = pd.DataFrame(X, columns=list("abcde"))
    named = ColumnDensity(
        [
            ("words", BernoulliIndependentDensity(), ["a", "c", "d"]),
            ("sizes", GaussianDensity(), ["e", "b"]),
        ]
    )
    incomplete = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.2)
    expected = DensityImputer(words_and_sizes()).fit_transform(incomplete.to_numpy())
    assert_equal_to_rounding(DensityImputer(named).fit_transform(incomplete), expected)
    sizes = ColumnDensity([("b", GaussianDensity(), ["b"]), ("e", GaussianDensity(), ["e"])])
    scaled = TransformedDensity(StandardScaler(), sizes).fit(frame[["e", "b"]])
    alone = [GaussianDensity().fit(X[:, [j]]).score(X[:, [j]]) for j in SIZES]
    assert_allclose(scaled.score(frame[["e", "b"]]), sum(alone), atol=1e-5)
    mixture, plain = (MixtureDensity(d, random_state=0) for d in (named, words_and_sizes()))
    model = ConditionalDensity(mixture).fit(frame[["a", "b"]], frame[["c", "d", "e"]])
    other = ConditionalDensity(plain).fit(X[:, :2], X[:, 2:])
    assert_array_equal(model.predict(frame[["a", "b"]]), other.predict(X[:, :2]))
