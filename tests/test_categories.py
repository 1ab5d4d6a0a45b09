"""Categories are the values that training has seen, whatever numbers they are."""

import itertools
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import CategoricalNB
from sklearn.tree import DecisionTreeClassifier

from skdgm import (
    CategoricalIndependentDensity,
    ChainRuleConditional,
    ChainRuleDensity,
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
)
from skdgm.density._categorical import BaseCategoricalDensity
from skdgm.density._engine import categories as _categories
from skdgm.density.markov_chain import _counts as _chain_counts
from skdgm.metrics import (
    chi_square,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    log_likelihood_gap,
    total_variation,
)

from .estimators import has_latent_class, public_estimators

DENSITIES = {
    "full": FullCategoricalDensity(),
    "categorical": CategoricalIndependentDensity(),
    "chain-0": MarkovChainImageDensity(0),
    "chain-1": MarkovChainImageDensity(),
    "chain-2-homogeneous": MarkovChainImageDensity(2, homogeneous=True),
    "tree": ChowLiuTreeDensity(),
    "hidden-tree": HiddenChowLiuTreeDensity(4, max_iter=4, random_state=0),
    "chain-rule": ChainRuleDensity(DecisionTreeClassifier(max_depth=2, random_state=0)),
    "mixture": MixtureDensity(ChowLiuTreeDensity(), random_state=0, max_iter=5),
    "blocks": ColumnDensity(
        [("tree", ChowLiuTreeDensity(), [2, 0]), ("chain", MarkovChainImageDensity(), [1])]
    ),
}
SHARED = {"chain-0", "chain-1", "chain-2-homogeneous", "chain-rule"}  # one set for all columns
GAPS = [np.array([1990, 1995, 2020]), np.array([3, 4, 70_000]), np.array([0, 2, 9])]
PARTLY_SEEN = np.array([[0, 1, 2], [0, 0, 0], [2, 1, 0], [1, 2, 2], [2, 2, 1], [1, 0, 1]])

densities = pytest.mark.parametrize("name", DENSITIES)
densities_in_both_forms = pytest.mark.parametrize(
    ("name", "sparse"),
    [(name, sparse) for name in DENSITIES for sparse in (False, True)[: 1 + ("chain-" in name)]],
)
modes = pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])


def coded_rows(seed=0, n_rows=60):
    """Dependent columns of the categories 0, 1, 2, each of which every column has."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (n_rows, 3))
    X[:, 1] = np.where(rng.random(n_rows) < 0.6, X[:, 0], X[:, 1])
    X[:3] = [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    return X


def with_gaps(name, codes):
    """The same rows with other numbers, in the same order, for the categories."""
    gaps = [GAPS[0]] * 3 if name in SHARED else GAPS
    if name == "blocks":
        gaps = [GAPS[0], GAPS[1], GAPS[2]]
    return np.column_stack([own[code] for own, code in zip(gaps, codes.T, strict=True)])


def with_holes(X, seed=0):
    X = X.astype(float)
    missing = np.random.default_rng(seed).random(X.shape) < 0.4
    missing[:6] = False
    X[missing] = np.nan
    return X


def two_fits(name, X):
    density = DENSITIES[name]
    holes = np.isnan(with_holes(X))
    plain, gaps = X.astype(float), with_gaps(name, X).astype(float)
    plain[holes], gaps[holes] = np.nan, np.nan
    return clone(density).fit(plain), clone(density).fit(gaps), plain, gaps


@densities_in_both_forms
def test_the_numbers_of_the_categories_do_not_matter(name, sparse, monkeypatch):
    monkeypatch.setattr(_chain_counts, "DENSE_CELLS", 0 if sparse else 2**20)
    X = coded_rows()
    plain, gaps, holes, gap_holes = two_fits(name, X)
    assert vars(gaps).get("n_parameters_") == vars(plain).get("n_parameters_")
    assert_array_equal(gaps.score_samples(gap_holes), plain.score_samples(holes))
    mode = gaps.conditional_mode(gap_holes)
    assert_array_equal(mode, with_gaps(name, plain.conditional_mode(holes).astype(int)))
    for query in ("sample", "conditional_sample"):
        own = [holes] if query != "sample" else [30]
        other = [gap_holes] if query != "sample" else [30]
        expected = getattr(plain, query)(*own, random_state=0).astype(int)
        drawn = getattr(gaps, query)(*other, random_state=0)
        assert_array_equal(drawn, with_gaps(name, expected))
    probability = gaps.tail_probability(gap_holes, 50, random_state=0)
    assert_array_equal(probability, plain.tail_probability(holes, 50, random_state=0))
    assert clone(DENSITIES[name]).fit(with_gaps(name, X)).sample().dtype == np.int64


@densities_in_both_forms
def test_means_are_of_the_values(name, sparse, monkeypatch):
    monkeypatch.setattr(_chain_counts, "DENSE_CELLS", 0 if sparse else 2**20)
    _, gaps, _, holes = two_fits(name, coded_rows())
    states = with_gaps(name, np.array(list(itertools.product(range(3), repeat=3))))
    probability = np.exp(gaps.score_samples(states))
    assert_allclose(probability.sum(), 1)
    for row, mean in zip(holes[:20], gaps.conditional_mean(holes[:20]), strict=True):
        allowed = (np.isnan(row) | (states == row)).all(axis=1)
        share = probability * allowed
        assert_allclose(mean, share / share.sum() @ states)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64, np.uint64, bool])
def test_dtypes_of_categories(dtype):
    X = np.array([[0, 1], [1, 1], [1, 1]]).astype(dtype)
    density = ChowLiuTreeDensity().fit(X)
    assert density.sample(5, random_state=0).dtype == dtype
    seen = [[0, 1], [0, 1]] if dtype is bool else [[0, 1], [1]]
    for own, expected in zip(density.categories_, seen, strict=True):
        assert_array_equal(own, expected)


def test_every_way_to_find_values_agrees(monkeypatch):
    X = np.array([[0, 7, 300], [5, 7, 2], [5, 1, 2.0]])
    X = np.concatenate([X, [[np.nan, 7, np.nan]]])
    expected = [[0, 5], [1, 7], [2, 300]]
    for cells in (0, 2**24):
        monkeypatch.setattr(_categories, "MARKED_CELLS", cells)
        density = FullCategoricalDensity().fit(X)
        for own, values in zip(density.categories_, expected, strict=True):
            assert_array_equal(own, values)


def test_categories_cost_only_what_occurs():
    rng = np.random.default_rng(0)
    years = rng.integers(1990, 2024, (200, 6))
    years[0] = 2**50
    ChowLiuTreeDensity().fit(years[:3]).sample()  # compiles
    MarkovChainImageDensity(0).fit(years[:3]).score_samples(years[:3])
    tracemalloc.start()
    tree = ChowLiuTreeDensity().fit(years)
    chain = MarkovChainImageDensity(0).fit(rng.permutation(20_000)[:, np.newaxis] * 1000)
    chain.score_samples([[5000]])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e7
    assert tree.n_categories_.max() <= 35
    assert_array_equal(tree.sample(3, random_state=0).shape, (3, 6))
    assert_allclose(chain.score_samples([[5000]]), np.log(2 / 40_000))


def test_columns_of_too_many_categories_are_refused_by_name():
    X = np.column_stack([np.arange(30), np.arange(30) % 3, np.arange(30) % 2])
    for density in DENSITIES.values():
        if isinstance(density, BaseCategoricalDensity):
            density = clone(density).set_params(max_categories=10)
            with pytest.raises(ValueError, match="X has 30 categories in column 0, more than max_"):
                density.fit(X)
    with pytest.raises(ValueError, match="X has 31 categories in column 0, of which 30 are"):
        MarkovChainImageDensity(max_categories=30).fit(X * [1, 1, 40])
    with pytest.raises(ValueError, match="In block 'tree': X has 30 categories in column 2"):
        ColumnDensity([("tree", ChowLiuTreeDensity(max_categories=3), slice(3))]).fit(X[:, ::-1])
    with pytest.raises(ValueError, match="X has 70000 categories in column 0"):
        FullCategoricalDensity().fit(np.arange(70_000)[:, np.newaxis])


def test_declared_categories_ties_and_images_start_at_0():
    X = np.array([[1, 5], [3, 5]])
    assert_array_equal(FullCategoricalDensity(n_categories=7).fit(X).n_categories_, [7, 7])
    tied = FullCategoricalDensity(ties=np.zeros(24, dtype=int)).fit(X)
    assert_array_equal(tied.n_categories_, [4, 6])
    assert MarkovChainImageDensity(image_shape=(1, 2)).fit(X).n_categories_ == 6
    image = MarkovChainImageDensity(scan="hilbert").fit(np.tile(X, (1, 2)))
    assert image.n_categories_ == 6
    assert MarkovChainImageDensity(homogeneous=True).fit(X).n_categories_ == 3


@densities
def test_batches_may_bring_categories_in_between(name):
    if not hasattr(DENSITIES[name], "partial_fit") or has_latent_class(DENSITIES[name]):
        return
    X = with_gaps(name, PARTLY_SEEN)
    whole, batched = clone(DENSITIES[name]).fit(X), clone(DENSITIES[name])
    for rows in (X[[0, 2]], X[[1]], X[3:]):
        batched.partial_fit(rows)
    states = with_gaps(name, np.array(list(itertools.product(range(3), repeat=3))))
    assert_allclose(batched.score_samples(states), whole.score_samples(states))
    holes = with_holes(states)
    assert_allclose(batched.conditional_mean(holes), whole.conditional_mean(holes))
    drawn = batched.sample(50, random_state=0)
    assert np.isfinite(whole.score_samples(drawn)).all()


# ---------------------------------------------------------------------- values never seen
def test_every_categorical_density_handles_unknown_values():
    families = [each for each in public_estimators() if issubclass(each, BaseCategoricalDensity)]
    tested = {type(density) for density in DENSITIES.values()}
    assert families
    assert set(families) <= tested


def each_family(handle_unknown):
    for name, density in DENSITIES.items():
        if isinstance(density, BaseCategoricalDensity):
            yield name, clone(density).set_params(handle_unknown=handle_unknown)


def test_unknown_values_are_errors_by_default():
    for name, density in each_family("error"):
        density.fit(with_gaps(name, coded_rows()))
        with pytest.raises(
            ValueError, match=r"column 1 holds 5, but the categories known there are 3 values from"
        ):
            density.score_samples([[1990, 5, 2]])


def test_unknown_values_count_as_missing():
    X = coded_rows()
    for name, density in each_family("missing"):
        density.fit(with_gaps(name, X))
        rows = with_gaps(name, X[:8]).astype(float)
        unknown, holes = rows.copy(), rows.copy()
        unknown[::2, 1], holes[::2, 1] = 77, np.nan
        unknown[1, 0], holes[1, 0] = 1e12, np.nan
        assert_array_equal(density.score_samples(unknown), density.score_samples(holes))
        unknown[:, 2], holes[:, 2] = np.nan, np.nan
        for query in ("conditional_mean", "conditional_mode"):
            answer, expected = getattr(density, query)(unknown), getattr(density, query)(holes)
            assert_array_equal(answer[:, 2], expected[:, 2])
            assert_array_equal(answer[:, :2], unknown[:, :2])  # what is observed stays
        drawn = density.conditional_sample(unknown, random_state=0)
        assert_array_equal(drawn[:, :2], unknown[:, :2])
        probability = density.tail_probability(unknown, 50, random_state=0)
        assert_array_equal(probability, density.tail_probability(holes, 50, random_state=0))


@modes
def test_other_is_a_category_with_its_share(sparse, monkeypatch):
    monkeypatch.setattr(_chain_counts, "DENSE_CELLS", 0 if sparse else 2**20)
    X = coded_rows()
    four = np.array(list(itertools.product(range(4), repeat=3)))  # 3 stands for all other values
    for (name, density), (_, closed) in zip(
        each_family("smooth"), each_family("error"), strict=True
    ):
        density.fit(X)
        assert_allclose(np.exp(density.score_samples(four)).sum(), 1)
        assert_array_equal(density.score_samples([[0, 3, 1]]), density.score_samples([[0, 99, 1]]))
        assert_array_equal(np.max(density.n_categories_), 4)
        assert len(density.categories_[0]) == 3
        if name not in {"chain-rule", "hidden-tree"}:  # whose starts depend on what is known
            declared = closed.set_params(n_categories=4).fit(X)
            assert density.n_parameters_ == declared.n_parameters_
            assert_allclose(density.score_samples(four), declared.score_samples(four))
        drawn = density.set_params(alpha=100.0).fit(X).sample(500, random_state=0)
        assert set(np.unique(drawn)) == {0, 1, 2, 3}
        density.fit(with_gaps(name, X))
        assert np.isfinite(density.score_samples([[1, 1, 1]]))
        assert density.sample(500, random_state=0).max() in {2021, 70_001}
        assert np.exp(density.score_samples([[np.nan] * 3])) == pytest.approx(1)


def test_other_categories_become_known_in_batches():
    X = PARTLY_SEEN
    for density in (ChowLiuTreeDensity(), MarkovChainImageDensity(), FullCategoricalDensity()):
        density.set_params(handle_unknown="smooth")
        batched = clone(density).fit(X[:2]).partial_fit(X[2:])
        four = np.array(list(itertools.product(range(4), repeat=3)))
        whole = density.fit(X)
        assert_allclose(batched.score_samples(four), whole.score_samples(four))


@pytest.mark.parametrize("handle_unknown", ["missing", "smooth"])
def test_a_rare_category_does_not_spoil_cross_validation(handle_unknown):
    X = coded_rows(n_rows=45)
    X[7, 2] = 11
    for _, density in each_family(handle_unknown):
        assert np.isfinite(cross_val_score(density, X, cv=3)).all()
    y = X[:, 0]
    classifier = GenerativeClassifier(ChowLiuTreeDensity(handle_unknown=handle_unknown))
    assert np.isfinite(cross_val_score(classifier, X[:, 1:], y, cv=3)).all()
    mixed = ColumnDensity(
        [
            ("tree", ChowLiuTreeDensity(handle_unknown=handle_unknown), [0, 2]),
            ("normal", GaussianDensity(), [1]),
        ]
    )
    for density in (mixed, MixtureDensity(mixed, random_state=0, max_iter=3)):
        assert np.isfinite(cross_val_score(density, X, cv=3)).all()


@pytest.mark.parametrize("handle_unknown", ["missing", "smooth"])
def test_training_may_hold_more_than_is_declared(handle_unknown):
    X = coded_rows().astype(float)
    for _, density in each_family(handle_unknown):
        density.set_params(n_categories=2)
        more = clone(density).fit(X)
        rows = np.where(X == 2, np.nan if handle_unknown == "missing" else 7, X)
        expected = clone(density).fit(rows)
        assert_array_equal(more.score_samples(X), expected.score_samples(rows))
        assert np.exp(more.score_samples([[7, 7, 7], [np.nan] * 3])[1]) == pytest.approx(1)
        if handle_unknown == "missing":
            with pytest.raises(ValueError, match="no observed value in column 2"):
                density.fit(X + np.array([0, 0, 2]))


def test_too_many_declared_categories_are_refused():
    for handle_unknown, most in (("error", 65_535), ("smooth", 65_534)):
        density = FullCategoricalDensity(n_categories=[70_000], handle_unknown=handle_unknown)
        with pytest.raises(ValueError, match=f"n_categories must be at most {most}, got 70000"):
            density.fit([[0]])


# ---------------------------------------------------------------------- around densities
def test_classifiers_imputers_and_conditionals_speak_of_values():
    X = with_gaps("tree", coded_rows())
    y = X[:, 2] > 1
    classifier = GenerativeClassifier(ChowLiuTreeDensity()).fit(X[:, :2], y)
    plain = GenerativeClassifier(ChowLiuTreeDensity()).fit(coded_rows()[:, :2], y)
    assert_array_equal(classifier.predict_proba(X[:, :2]), plain.predict_proba(coded_rows()[:, :2]))
    assert set(np.unique(classifier.sample(50, random_state=0)[0][:, 0])) == set(GAPS[0])
    holes = with_holes(X)
    for strategy in ("mode", "sample"):
        imputed = DensityImputer(ChowLiuTreeDensity(), strategy, random_state=0).fit_transform(
            holes
        )
        for column, values in zip(imputed.T, GAPS, strict=True):
            assert np.isin(column, values).all()
    conditional = ConditionalDensity(ChowLiuTreeDensity()).fit(X[:, :2], X[:, 2])
    assert np.isin(conditional.predict_mode(holes[:, :2]), GAPS[2]).all()
    assert np.isin(conditional.sample_y(X[:5, :2], 9, random_state=0), GAPS[2]).all()
    chain = ChainRuleConditional().fit(X[:, :1] % 7, X[:, 1:])
    known = np.union1d(*GAPS[1:])
    assert_array_equal(chain.classes_[0], known)
    assert np.isin(chain.predict(X[:5, :1] % 7), known).all()
    assert np.isin(chain.sample_y(X[:5, :1] % 7, 4, random_state=0), known).all()
    assert np.isfinite(chain.score_samples(X[:, :1] % 7, X[:, 1:])).all()


# ---------------------------------------------------------------------- divergences
PAIRS = [
    (ChowLiuTreeDensity(), ChowLiuTreeDensity(alpha=3)),
    (MarkovChainImageDensity(), MarkovChainImageDensity(2)),
    (MarkovChainImageDensity(0), ChowLiuTreeDensity()),
    (FullCategoricalDensity(), FullCategoricalDensity(alpha=5)),
    (FullCategoricalDensity(alpha=0), ChowLiuTreeDensity()),
    (MixtureDensity(ChowLiuTreeDensity(), random_state=0, max_iter=2), MarkovChainImageDensity()),
]


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=lambda each: type(each).__name__)
def test_divergences_compare_values(p, q):
    values = [1990, 1994, 2001, 2003]
    first, second = (np.array(values)[coded_rows(seed) + seed] for seed in (0, 1))
    p, q = clone(p).fit(first), clone(q).fit(second)
    known = [set(np.unique(X)) for X in (first, second)]
    states = np.array(list(itertools.product(values, repeat=3)))
    log_prob = []
    for density, own in ((p, known[0]), (q, known[1])):
        is_known = np.isin(states, list(own)).all(axis=1)
        log_prob.append(np.full(len(states), -np.inf))
        log_prob[-1][is_known] = density.score_samples(states[is_known])
    a, b = np.exp(log_prob)
    assert kullback_leibler(p, q) == np.inf
    assert chi_square(p, q) == np.inf
    assert_allclose(hellinger(p, q) ** 2, 1 - np.sum(np.sqrt(a * b)), atol=1e-12)
    assert_allclose(total_variation(p, q), np.abs(a - b).sum() / 2)
    mean = (a + b) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(each > 0, each * np.log(each / mean), 0).sum() for each in (a, b)]
    assert_allclose(jensen_shannon(p, q), sum(parts) / 2, rtol=1e-9)
    again = clone(q).fit(first)
    assert kullback_leibler(p, again) < np.inf


def test_gaps_compare_values():
    X = np.array([1990, 1994, 2001])[coded_rows()]
    wide = ChowLiuTreeDensity().fit(np.concatenate([X, [[1992, 1992, 1992]]]))
    narrow = ChowLiuTreeDensity().fit(X)
    expected = np.mean(wide.score_samples(X) - narrow.score_samples(X))
    assert_allclose(log_likelihood_gap(X, narrow, wide), expected)


def test_others_are_not_compared():
    p = ChowLiuTreeDensity(handle_unknown="smooth").fit([[0], [1]])
    q = ChowLiuTreeDensity(handle_unknown="smooth").fit([[0], [2]])
    assert kullback_leibler(p, clone(p).fit([[1], [0], [0]])) < np.inf
    with pytest.raises(ValueError, match="p and q must know the same categories"):
        kullback_leibler(p, q)


# ---------------------------------------------------------------------- at least so many
@pytest.mark.parametrize("least", [5, [4, 2, 5]])
def test_columns_have_at_least_so_many_categories_as_in_naive_bayes(least):
    X = np.random.default_rng(0).integers(0, [4, 2, 3], size=(60, 3))
    y = np.arange(60) % 2
    ours = GenerativeClassifier(CategoricalIndependentDensity(min_categories=least)).fit(X, y)
    theirs = CategoricalNB(min_categories=least).fit(X, y)
    rows = np.vstack([X, [3, 1, 4]])  # training shows no 4
    assert_allclose(ours.predict_log_proba(rows), theirs.predict_log_proba(rows))
    batched = clone(ours).partial_fit(X[:20], y[:20], classes=[0, 1]).partial_fit(X[20:], y[20:])
    assert_allclose(batched.predict_log_proba(rows), theirs.predict_log_proba(rows))


def test_least_numbers_of_categories_are_checked():
    for least in ([2, 3], 2.5, [0, 1, 1]):
        with pytest.raises(ValueError, match="min_categories"):
            CategoricalIndependentDensity(min_categories=least).fit(np.eye(3, dtype=int))
