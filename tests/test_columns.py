"""ColumnDensity: the product of its blocks, alone and where a class joins them."""

import itertools
import pickle
from copy import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    FullCategoricalDensity,
    GaussianDensity,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)
from skdgm.metrics import kullback_leibler

from .rounding import assert_equal_to_rounding

WORDS, SIZES = [0, 2, 3], [4, 1]


def planted(n_samples=300, seed=0, share_missing=0.0):
    """Two classes that tell words (columns 0, 2, 3) and sizes (columns 4, 1) apart."""
    rng = np.random.default_rng(seed)
    z = (rng.random(n_samples) < 0.4).astype(int)
    X = np.empty((n_samples, 5))
    X[:, WORDS] = rng.random((n_samples, 3)) < np.array([[0.9, 0.8, 0.3], [0.2, 0.1, 0.6]])[z]
    X[:, SIZES] = np.array([[2.0, -1.0], [-1.0, 1.0]])[z] + 0.8 * rng.normal(size=(n_samples, 2))
    X[rng.random(X.shape) < share_missing] = np.nan
    return X, z


def words_and_sizes(words=None, sizes=None):
    return ColumnDensity(
        [
            ("words", words or BernoulliIndependentDensity(), WORDS),
            ("sizes", sizes or GaussianDensity(), SIZES),
        ]
    )


def log_prob_by_hand(blocks, X):
    """Log-probability of words and sizes from the fitted attributes, by the formulas."""
    theta = blocks.named_densities_.words.probability_
    sizes = blocks.named_densities_.sizes
    words = X[:, WORDS] @ np.log(theta) + (1 - X[:, WORDS]) @ np.log(1 - theta)
    normal = stats.multivariate_normal(sizes.mean_, sizes.get_covariance())
    return words + normal.logpdf(X[:, SIZES])


# ---------------------------------------------------------------------- the product of its blocks
FAMILIES = [
    (BernoulliIndependentDensity(), GaussianDensity("tied", shrinkage="auto")),
    (ChowLiuTreeDensity(alpha=0.5), GaussianDensity("diag")),
    (MarkovChainImageDensity(2), GaussianDensity("low_rank", n_factors=1)),
    (FullCategoricalDensity(), MixtureDensity(GaussianDensity(), random_state=0)),
    (HiddenChowLiuTreeDensity(3, random_state=0), GaussianDensity("spherical")),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("words", "sizes"), FAMILIES)
@pytest.mark.parametrize("share_missing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_is_the_product_of_densities_fitted_apart(words, sizes, share_missing, weighted):
    X, _ = planted(share_missing=share_missing)
    weight = np.random.default_rng(1).random(len(X)) if weighted else None
    blocks = words_and_sizes(words, sizes).fit(X, sample_weight=weight)
    apart = [
        clone(words).fit(X[:, WORDS], sample_weight=weight),
        clone(sizes).fit(X[:, SIZES], sample_weight=weight),
    ]
    Q, _ = planted(50, seed=2, share_missing=0.4)
    expected = apart[0].score_samples(Q[:, WORDS]) + apart[1].score_samples(Q[:, SIZES])
    assert_allclose(blocks.score_samples(Q), expected, rtol=1e-12, atol=1e-12)
    assert blocks.n_parameters_ == apart[0].n_parameters_ + apart[1].n_parameters_
    for call in ("conditional_mean", "conditional_mode"):
        completed = getattr(blocks, call)(Q)
        assert_allclose(completed[:, WORDS], getattr(apart[0], call)(Q[:, WORDS]), atol=1e-12)
        assert_allclose(completed[:, SIZES], getattr(apart[1], call)(Q[:, SIZES]), atol=1e-12)


def test_samples_are_those_of_the_blocks():
    X, _ = planted()
    blocks = words_and_sizes().fit(X)
    drawn = blocks.sample(40_000, random_state=0)
    sizes = blocks.named_densities_.sizes
    assert_allclose(drawn[:, SIZES].mean(axis=0), sizes.mean_, atol=0.03)
    assert_allclose(np.cov(drawn[:, SIZES].T), sizes.covariance_, atol=0.06)
    states = np.array(list(itertools.product([0, 1], repeat=3)))
    probability = np.exp(blocks.named_densities_.words.score_samples(states))
    count = np.bincount(drawn[:, WORDS].astype(int) @ [4, 2, 1], minlength=8)
    assert stats.chisquare(count, 40_000 * probability / probability.sum()).pvalue > 1e-4
    for word, size in itertools.product(WORDS, SIZES):  # blocks are independent
        assert abs(np.corrcoef(drawn[:, word], drawn[:, size])[0, 1]) < 0.02


@settings(max_examples=20)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_probabilities_and_marginals_are_sums_over_states(seed, share):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, k, 40) for k in (3, 2, 4, 2, 3)])
    blocks = ColumnDensity(
        [
            ("tree", ChowLiuTreeDensity([2, 3, 3]), [3, 0, 4]),
            ("full", FullCategoricalDensity(n_categories=4), [1, 2]),
        ]
    ).fit(X)
    counts = blocks._columns.n_categories
    assert_array_equal(counts, [3, 4, 4, 2, 3])
    states = np.array(list(itertools.product(*map(range, counts))))
    probability = np.exp(blocks.score_samples(states))
    assert_allclose(probability.sum(), 1, atol=1e-10)
    Q = X[:6].astype(float)
    Q[rng.random(Q.shape) < share] = np.nan
    agree = np.all((states == Q[:, np.newaxis]) | np.isnan(Q[:, np.newaxis]), axis=2)
    assert_allclose(blocks.score_samples(Q), np.log(agree @ probability), atol=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16))
def test_order_of_blocks_and_columns_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    X, _ = planted(80, share_missing=0.2)
    order = rng.permutation(5)  # where each column goes
    words, sizes = rng.permutation(order[WORDS]), rng.permutation(order[SIZES])
    moved = np.empty_like(X)
    moved[:, order] = X
    turned = ColumnDensity(
        [
            ("sizes", GaussianDensity(), sizes.tolist()),
            ("words", ChowLiuTreeDensity(), words),
        ]
    ).fit(moved)
    straight = words_and_sizes(ChowLiuTreeDensity()).fit(X)
    assert_allclose(turned.score_samples(moved), straight.score_samples(X), atol=1e-6)


def test_blocks_say_nothing_of_one_another():
    X, _ = planted(share_missing=0.2)
    blocks = words_and_sizes().fit(X)
    Q = np.full((2, 5), np.nan)
    Q[:, WORDS] = [[0, 0, 0], [1, 1, 1]]
    alone = blocks.named_densities_.words.score_samples(Q[:, WORDS])
    assert_allclose(blocks.score_samples(Q), alone, atol=1e-12)
    mean = blocks.conditional_mean(Q)
    assert_allclose(mean[:, SIZES], np.tile(blocks.named_densities_.sizes.mean_, (2, 1)))


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
@settings(max_examples=10)
@given(seed=st.integers(0, 2**16), share=st.sampled_from([0.0, 0.3]))
def test_no_step_lowers_the_objective(seed, share):
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
def test_a_step_of_a_mixture_is_that_of_the_formulas():
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


def test_modes_over_categories_are_those_of_the_enumeration():
    """Also where a block binarises: what is compared are completions, not their binarised form."""
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
    states = np.array(list(itertools.product([0, 1], [0, 1], [0, 1], range(3), range(3))))
    probability = mixture.score_samples(states * [255, 255, 255, 1, 1])
    for row, mode in zip(Q, mixture.conditional_mode(Q), strict=True):
        binary = np.where(np.arange(5) < 3, np.where(np.isnan(row), np.nan, row > 127), row)
        agree = np.all((states == binary) | np.isnan(binary), axis=1)
        seen = ~np.isnan(row)
        assert_array_equal(mode[seen], row[seen])
        completed = np.where(seen, row, mode * [255, 255, 255, 1, 1])
        score = mixture.score_samples([completed])[0]
        assert_allclose(score, probability[agree].max(), atol=1e-9)


def test_one_block_in_a_mixture_is_its_density_in_a_mixture():
    X, _ = planted(200, share_missing=0.2)
    for family, columns in [(ChowLiuTreeDensity(), WORDS), (GaussianDensity(), SIZES)]:
        plain = MixtureDensity(family, 3, random_state=0).fit(X[:, columns])
        block = ColumnDensity([("all", family, slice(None))])
        wrapped = MixtureDensity(block, 3, random_state=0).fit(X[:, columns])
        assert_equal_to_rounding(
            wrapped.score_samples(X[:, columns]), plain.score_samples(X[:, columns])
        )
        assert_allclose(wrapped.lower_bounds_, plain.lower_bounds_, rtol=1e-12)


def test_a_tied_block_is_shared():
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


def test_densities_side_by_side_share_no_block():
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


def test_a_mixture_of_mixtures_in_blocks():
    X, _ = planted(200, share_missing=0.1)
    sizes = MixtureDensity(GaussianDensity(reg_covar=0.1), random_state=0)
    blocks = words_and_sizes(sizes=sizes)
    mixture = MixtureDensity(blocks, random_state=0).fit(X)
    joint = np.stack([density.score_samples(X) for density in mixture.densities_], axis=1)
    expected = logsumexp(joint + np.log(mixture.weights_), axis=1)
    assert_allclose(mixture.score_samples(X), expected, rtol=1e-10)
    assert mixture.score(X) > blocks.fit(X).score(X)
    assert mixture.n_parameters_ == 2 * (3 + 2 * 5 + 1) + 1


def test_a_mixture_warms_up():
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
    classifier = GenerativeClassifier(words_and_sizes(), n_jobs=2).fit(X, y)
    Q, z = planted(100, seed=5, share_missing=share_missing)
    joint = np.empty((100, 2))
    for c in (0, 1):
        words = BernoulliIndependentDensity().fit(X[y == c][:, WORDS])
        sizes = GaussianDensity().fit(X[y == c][:, SIZES])
        joint[:, c] = np.log(np.mean(y == c))
        joint[:, c] += words.score_samples(Q[:, WORDS]) + sizes.score_samples(Q[:, SIZES])
    assert_allclose(classifier.predict_joint_log_proba(Q), joint, rtol=1e-10)
    assert_array_equal(classifier.predict(Q), joint.argmax(axis=1))
    assert classifier.score(Q, z) > 0.85
    drawn, labels = classifier.sample(200, random_state=0)
    assert drawn.shape == (200, 5)
    assert classifier.score(drawn, labels) > 0.9


def test_classes_share_what_the_data_declare():
    X = np.array([[0, 0, 1.5], [1, 0, 2.5], [0, 2, 0.5], [2, 1, 1.0]])
    blocks = ColumnDensity([("a", ChowLiuTreeDensity(), [0, 1]), ("b", GaussianDensity(), [2])])
    classifier = GenerativeClassifier(blocks).fit(X, [0, 0, 1, 1])
    assert np.isfinite(classifier.predict_joint_log_proba([[2, 2, 1.0]])).all()


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
def test_every_way_to_select_columns(first, others):
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


def test_names_need_names():
    X = np.zeros((3, 2))
    blocks = ColumnDensity([("a", GaussianDensity(), "x"), ("b", GaussianDensity(), "y")])
    with pytest.raises(ValueError, match="cannot select 'x' from the 2 columns of X: X has no"):
        blocks.fit(X)
    with pytest.raises(ValueError, match=r"cannot select 'y' .* no column of X is named 'y'"):
        blocks.fit(pd.DataFrame(X, columns=["x", "z"]))


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            [0, 4],
            r"Block 'b' cannot select \[0, 4\] from the 3 columns of X: index 4 is out of bounds",
        ),
        (
            [True, False],
            r"Block 'b' cannot select \[True, False\] from the 3 columns of X: boolean",
        ),
        (1.5, "Block 'b' cannot select 1.5 from the 3 columns of X: No valid specification"),
        (None, "Block 'b' cannot select None from the 3 columns of X: that selects no columns"),
        ([], "Block 'b' selects none of the columns of X, which has n_features = 3; leave"),
        (slice(3, None), "Block 'b' selects none of the columns of X"),
        ([False, False, False], "Block 'b' selects none of the columns of X"),
        ([1], r"^Column 2 of X is in no block; add it to one of 'a', 'b', or leave it out of X"),
        ([0, 1, 2], r"^Column 0 of X is in the blocks 'a', 'b', but every column must be in exact"),
        ([1, 2, 1], r"^Column 1 of X is in the blocks 'b', 'b', but"),
    ],
)
def test_columns_that_make_no_partition(selection, message):
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
        ([("a", GaussianDensity, [0])], "a density estimator of skdgm"),
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
def test_parameters_that_make_no_sense(densities, message):
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


# ---------------------------------------------------------------------- as an estimator
def test_parameters_of_blocks():
    densities = [("pixels", BernoulliIndependentDensity(), [0]), ("size", GaussianDensity(), [1])]
    blocks = ColumnDensity(densities)
    assert blocks.densities is densities
    parameters = blocks.get_params()
    assert parameters["pixels"] is densities[0][1]
    assert parameters["pixels__alpha"] == 1.0
    assert blocks.get_params(deep=False).keys() == {"densities", "n_jobs"}
    blocks.set_params(pixels__alpha=0.5, size=GaussianDensity("diag"), n_jobs=2)
    assert blocks.densities[0][1].alpha == 0.5
    assert blocks.densities[1][1].covariance_type == "diag"
    assert [columns for _, _, columns in blocks.densities] == [[0], [1]]
    assert blocks.n_jobs == 2
    mixture = MixtureDensity(blocks).set_params(density__pixels__alpha=3)
    assert blocks.densities[0][1].alpha == 3
    twin = clone(mixture)
    assert twin.density.densities[0][1] is not blocks.densities[0][1]
    assert twin.get_params()["density__pixels__alpha"] == 3
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        blocks.set_params(pixels__beta=1)
    with pytest.raises(ValueError, match="Invalid parameter 'words'"):
        blocks.set_params(words__alpha=1)
    assert "pixels" in repr(blocks)


def test_fit_leaves_the_parameters_alone():
    X, _ = planted()
    blocks = words_and_sizes()
    given = blocks.densities[:]
    blocks.fit(X).partial_fit(X)
    assert all(mine is theirs for mine, theirs in zip(blocks.densities, given, strict=True))
    assert not any(hasattr(density, "n_parameters_") for _, density, _ in given)
    assert blocks.named_densities_.words is not given[0][1]


def test_grid_search_over_blocks():
    X, _ = planted(60)
    search = GridSearchCV(
        words_and_sizes(),
        {"words__alpha": [0.1, 1.0, 1000.0], "sizes": [GaussianDensity(), GaussianDensity("diag")]},
        cv=3,
    ).fit(X)
    expected = [
        words_and_sizes(BernoulliIndependentDensity(alpha=alpha), sizes).fit(X[20:]).score(X[:20])
        for sizes in (GaussianDensity(), GaussianDensity("diag"))
        for alpha in (0.1, 1.0, 1000.0)
    ]
    assert_allclose(search.cv_results_["split0_test_score"], expected, rtol=1e-9)
    assert search.best_params_["words__alpha"] < 1000


@settings(max_examples=10)
@given(cuts=st.lists(st.integers(1, 59), max_size=4, unique=True))
def test_batches_give_the_model_of_one_fit(cuts):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.sort(rng.integers(0, 4, (60, 3)), axis=0), rng.normal(size=60)])
    blocks = ColumnDensity(  # categories turn up with the batches
        [("tree", ChowLiuTreeDensity(), [2, 0]), ("rest", inner_blocks(), [3, 1])]
    )
    edges = [0, *sorted(cuts), 60]
    batched = clone(blocks)
    for start, stop in itertools.pairwise(edges):
        batched.partial_fit(X[start:stop])
    whole = clone(blocks).fit(X)
    assert_allclose(batched.score_samples(X), whole.score_samples(X), rtol=1e-9)
    assert batched.n_parameters_ == whole.n_parameters_


def inner_blocks():
    return ColumnDensity(
        [("chain", MarkovChainImageDensity(), [1]), ("size", GaussianDensity(), [0])]
    )


def test_batches_with_missing_values():
    X, _ = planted(200, share_missing=0.3)
    weight = np.random.default_rng(0).random(200)
    families = ChowLiuTreeDensity(), GaussianDensity("diag")
    for given_weight in (None, weight):
        batched = words_and_sizes(*families)
        apart = [clone(family) for family in families]
        for rows in (slice(0, 100), slice(100, 150), slice(150, 200)):
            own = None if given_weight is None else given_weight[rows]
            batched.partial_fit(X[rows], sample_weight=own)
            apart[0].partial_fit(X[rows][:, WORDS], sample_weight=own)
            apart[1].partial_fit(X[rows][:, SIZES], sample_weight=own)
        expected = apart[0].score_samples(X[:, WORDS]) + apart[1].score_samples(X[:, SIZES])
        assert_allclose(batched.score_samples(X), expected, rtol=1e-9)


def test_a_batch_that_fails_changes_nothing():
    X, _ = planted(share_missing=0.2)
    blocks = ColumnDensity(
        [("sizes", GaussianDensity(), SIZES), ("words", ChowLiuTreeDensity(), WORDS)]
    ).fit(X)
    before = blocks.score_samples(X)
    known = blocks.densities_
    bad = X[:10].copy()
    bad[:, WORDS[0]] = 3  # a new category, and one that is none
    bad[0, WORDS[1]] = 0.5
    with pytest.raises(ValueError, match=r"not integers in X: row 0, column 2 holds 0\.5"):
        blocks.partial_fit(bad)
    bad[0, WORDS[1]] = 1
    bad[:, SIZES[0]] = 1e200
    turned = ColumnDensity(blocks.densities[::-1]).fit(X)
    for density in (blocks, turned):
        with pytest.raises(ValueError, match="whose squares overflow"):
            density.partial_fit(bad)
        assert_allclose(density.score_samples(X), before, rtol=1e-12)
    assert blocks.densities_ is known


def test_batches_heed_parameters_set_since():
    X, _ = planted()
    blocks = words_and_sizes(BernoulliIndependentDensity()).fit(X[:100])
    blocks.set_params(words__alpha=50.0).partial_fit(X[100:])
    alone = BernoulliIndependentDensity(alpha=50.0).fit(X[:, WORDS])
    assert_allclose(blocks.named_densities_.words.probability_, alone.probability_)
    before = blocks.score_samples(X)
    with pytest.raises(ValueError, match=r"'alpha' parameter .* Got -1"):
        blocks.set_params(words__alpha=-1).partial_fit(X)
    for densities in (blocks.densities[:1], [("words", GaussianDensity(), slice(None))]):
        with pytest.raises(ValueError, match="densities holds other blocks than the fit so far"):
            blocks.set_params(densities=densities).partial_fit(X)
    assert_array_equal(blocks.score_samples(X), before)


def test_batches_need_blocks_that_take_them():
    assert hasattr(words_and_sizes(), "partial_fit")
    mixed = words_and_sizes(sizes=MixtureDensity(GaussianDensity()))
    assert not hasattr(mixed, "partial_fit")
    assert not hasattr(ColumnDensity([("all", mixed, slice(None))]), "partial_fit")


@pytest.mark.parametrize(
    ("dtype", "sizes", "expected"),
    [
        (np.uint8, GaussianDensity(), np.float64),
        (np.int64, GaussianDensity(), np.float64),
        (np.float32, GaussianDensity(), np.float32),
        (np.float64, GaussianDensity(), np.float64),
        (np.uint8, FullCategoricalDensity(), np.uint8),
        (bool, FullCategoricalDensity(), bool),
    ],
)
def test_samples_have_a_dtype_for_all_blocks(dtype, sizes, expected):
    X = (planted()[0] > 0).astype(dtype)
    blocks = words_and_sizes(sizes=sizes).fit(X)
    mixture = MixtureDensity(words_and_sizes(sizes=sizes), random_state=0).fit(X)
    for density in (blocks, mixture):
        drawn = density.sample(50, random_state=0)
        assert drawn.dtype == expected
        if isinstance(sizes, GaussianDensity):
            assert (drawn[:, SIZES] % 1 != 0).any()  # nothing is cut to integers
        assert np.isin(drawn[:, WORDS], [0, 1]).all()


def test_threads_change_nothing():
    X, _ = planted(share_missing=0.2)
    families = (
        MixtureDensity(BernoulliIndependentDensity(), random_state=1),
        MixtureDensity(GaussianDensity(), random_state=2),
    )
    one, two = (words_and_sizes(*families).set_params(n_jobs=n).fit(X) for n in (None, 2))
    assert_equal_to_rounding(one.score_samples(X), two.score_samples(X))
    assert_equal_to_rounding(one.sample(20, random_state=0), two.sample(20, random_state=0))


def test_tags_are_those_that_all_blocks_take():
    tags = get_tags(words_and_sizes(ChowLiuTreeDensity())).input_tags
    assert tags.categorical
    assert tags.positive_only
    assert tags.allow_nan
    assert not tags.sparse
    assert not get_tags(words_and_sizes()).input_tags.categorical
    assert not get_tags(ColumnDensity("no list")).input_tags.categorical


def test_pickled_models_are_the_same():
    X, y = planted(share_missing=0.2)
    blocks = ColumnDensity(
        [("words", ChowLiuTreeDensity(), WORDS), ("sizes", GaussianDensity(), SIZES)]
    )
    models = [
        clone(blocks).fit(X),
        MixtureDensity(blocks, random_state=0).fit(X),
        GenerativeClassifier(blocks).fit(X, y),
    ]
    for model in models:
        loaded = pickle.loads(pickle.dumps(model))
        assert_array_equal(loaded.score_samples(X), model.score_samples(X))
    loaded = pickle.loads(pickle.dumps(models[0])).partial_fit(X)
    assert_equal_to_rounding(loaded.score_samples(X), models[0].partial_fit(X).score_samples(X))


def test_blocks_in_blocks_are_blocks():
    X, _ = planted(share_missing=0.2)
    inner = ColumnDensity(
        [("some", ChowLiuTreeDensity(), [2, 0]), ("sizes", GaussianDensity(), [1, 3])]
    )
    outer = ColumnDensity(
        [("last", BernoulliIndependentDensity(), [3]), ("rest", inner, [2, 4, 0, 1])]
    )
    flat = ColumnDensity(
        [
            ("last", BernoulliIndependentDensity(), [3]),
            ("some", ChowLiuTreeDensity(), [0, 2]),
            ("sizes", GaussianDensity(), [4, 1]),
        ]
    )
    assert outer.get_params()["rest__some__alpha"] == 1.0
    for make in (clone, lambda density: MixtureDensity(density, random_state=0)):
        first, second = make(outer).fit(X), make(flat).fit(X)
        assert_allclose(first.score_samples(X), second.score_samples(X), rtol=1e-9)
        assert_allclose(first.conditional_mean(X), second.conditional_mean(X), rtol=1e-9)
        assert_allclose(first.conditional_mode(X), second.conditional_mode(X), rtol=1e-9)
        assert first.n_parameters_ == second.n_parameters_


def test_sparse_tables_are_not_taken():
    with pytest.raises(TypeError, match="dense data is required"):
        words_and_sizes().fit(sparse.csr_array(planted()[0]))


# ---------------------------------------------------------------------- beside other estimators
def test_a_warm_start_needs_the_same_categories():
    rng = np.random.default_rng(0)
    X, Y = (np.c_[rng.integers(0, k, (60, 2)), rng.normal(size=60)] for k in (2, 3))
    blocks = ColumnDensity([("a", ChowLiuTreeDensity(), [0, 1]), ("b", GaussianDensity(), [2])])
    warm = MixtureDensity(blocks, warm_start=True, random_state=0).fit(X).fit(Y)
    cold = MixtureDensity(blocks, random_state=0).fit(Y)
    assert_allclose(warm.score_samples(Y), cold.score_samples(Y))


def test_divergences_of_blocks_are_those_of_one_density():
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
    holes = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.2)
    expected = DensityImputer(words_and_sizes()).fit_transform(holes.to_numpy())
    assert_equal_to_rounding(DensityImputer(named).fit_transform(holes), expected)
    sizes = ColumnDensity([("b", GaussianDensity(), ["b"]), ("e", GaussianDensity(), ["e"])])
    scaled = TransformedDensity(StandardScaler(), sizes).fit(frame[["e", "b"]])
    alone = [GaussianDensity().fit(X[:, [j]]).score(X[:, [j]]) for j in SIZES]
    assert_allclose(scaled.score(frame[["e", "b"]]), sum(alone), atol=1e-5)
    mixture, plain = (MixtureDensity(d, random_state=0) for d in (named, words_and_sizes()))
    model = ConditionalDensity(mixture).fit(frame[["a", "b"]], frame[["c", "d", "e"]])
    other = ConditionalDensity(plain).fit(X[:, :2], X[:, 2:])
    assert_array_equal(model.predict(frame[["a", "b"]]), other.predict(X[:, :2]))
