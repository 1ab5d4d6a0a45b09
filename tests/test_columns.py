"""ColumnDensity: the product of its blocks, and its conventions."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils import get_tags

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)

from .rounding import assert_equal_to_rounding
from .rows import agreement, all_states, assert_drawn_from, hide
from .words_and_sizes import SIZES, WORDS, planted, words_and_sizes

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
def test_is_the_product_of_densities_fitted_separately(words, sizes, share_missing, weighted):
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


def test_samples_follow_the_blocks():
    X, _ = planted()
    blocks = words_and_sizes().fit(X)
    drawn = blocks.sample(40_000, random_state=0)
    sizes = blocks.named_densities_.sizes
    assert_allclose(drawn[:, SIZES].mean(axis=0), sizes.mean_, atol=0.03)
    assert_allclose(np.cov(drawn[:, SIZES].T), sizes.covariance_, atol=0.06)
    probability = np.exp(blocks.named_densities_.words.score_samples(all_states((2, 2, 2))))
    count = np.bincount(drawn[:, WORDS].astype(int) @ [4, 2, 1], minlength=8)
    assert_drawn_from(probability, count)
    for word, size in itertools.product(WORDS, SIZES):  # blocks are independent
        assert abs(np.corrcoef(drawn[:, word], drawn[:, size])[0, 1]) < 0.02


@settings(max_examples=12)
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
    states = all_states(counts)
    probability = np.exp(blocks.score_samples(states))
    assert_allclose(probability.sum(), 1, atol=1e-10)
    Q = hide(X[:6], share, seed)
    expected = np.log(agreement(states, Q) @ probability)
    assert_allclose(blocks.score_samples(Q), expected, atol=1e-9)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**16))
def test_order_of_blocks_and_columns_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    X, _ = planted(80, share_missing=0.2)
    order = rng.permutation(5)  # where each column goes
    words, sizes = rng.permutation(order[WORDS]), rng.permutation(order[SIZES])
    moved = np.empty_like(X)
    moved[:, order] = X
    reordered = ColumnDensity(
        [
            ("sizes", GaussianDensity(), sizes.tolist()),
            ("words", ChowLiuTreeDensity(), words),
        ]
    ).fit(moved)
    straight = words_and_sizes(ChowLiuTreeDensity()).fit(X)
    assert_allclose(reordered.score_samples(moved), straight.score_samples(X), atol=1e-6)


def test_blocks_are_independent():
    X, _ = planted(share_missing=0.2)
    blocks = words_and_sizes().fit(X)
    Q = np.full((2, 5), np.nan)
    Q[:, WORDS] = [[0, 0, 0], [1, 1, 1]]
    alone = blocks.named_densities_.words.score_samples(Q[:, WORDS])
    assert_allclose(blocks.score_samples(Q), alone, atol=1e-12)
    mean = blocks.conditional_mean(Q)
    assert_allclose(mean[:, SIZES], np.tile(blocks.named_densities_.sizes.mean_, (2, 1)))


# ---------------------------------------------------------------------- as an estimator
def test_parameters_of_blocks_can_be_read_and_set():
    densities = [("pixels", BernoulliIndependentDensity(), [0]), ("size", GaussianDensity(), [1])]
    blocks = ColumnDensity(densities)
    assert blocks.densities is densities
    parameters = blocks.get_params()
    assert parameters["pixels"] is densities[0][1]
    assert parameters["pixels__alpha"] == 1.0
    assert blocks.get_params(deep=False).keys() == {"densities", "remainder", "n_jobs"}
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


def test_fit_leaves_the_parameters_unchanged():
    X, _ = planted()
    blocks = words_and_sizes()
    given = blocks.densities[:]
    blocks.fit(X).partial_fit(X)
    assert all(mine is theirs for mine, theirs in zip(blocks.densities, given, strict=True))
    assert not any(hasattr(density, "n_parameters_") for _, density, _ in given)
    assert blocks.named_densities_.words is not given[0][1]


def test_blocks_can_be_searched():
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
    blocks = ColumnDensity(  # later batches bring new categories
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


def test_batches_with_missing_values_agree_with_the_blocks():
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
    bad[:, WORDS[0]] = 3  # a new category, and an invalid one
    bad[0, WORDS[1]] = 0.5
    with pytest.raises(ValueError, match=r"not integers in X: row 0, column 2 holds 0\.5"):
        blocks.partial_fit(bad)
    bad[0, WORDS[1]] = 1
    bad[:, SIZES[0]] = 1e200
    reordered = ColumnDensity(blocks.densities[::-1]).fit(X)
    for density in (blocks, reordered):
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


def test_batches_need_blocks_that_learn_in_batches():
    assert hasattr(words_and_sizes(), "partial_fit")
    mixed = words_and_sizes(sizes=BaggingDensity(GaussianDensity()))
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


def test_tags_are_those_that_all_blocks_share():
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


def test_sparse_input_is_refused():
    with pytest.raises(TypeError, match="dense data is required"):
        words_and_sizes().fit(sparse.csr_array(planted()[0]))
