"""Averages of densities: what each member has seen, how members are weighted, what all answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, StandardScaler

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    DensityImputer,
    FullCategoricalDensity,
    GaussianDensity,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MixtureDensity,
    TransformedDensity,
)
from skdgm.density._engine.folds import bayesian_weights, bootstrap_weights, fold_weights
from skdgm.density._engine.member_weights import weights_from_unseen

from .estimators import FAMILY_CASES, cases, few_steps
from .rows import all_states, hide

IRIS, SPECIES = load_iris(return_X_y=True)
SCALED = TransformedDensity(StandardScaler(), GaussianDensity())
RESAMPLINGS = ["folds", "bootstrap", "bayesian"]

pytestmark = [
    pytest.mark.any_version,  # of dependencies gives the same answers
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def binary_rows(n_rows=60, n_columns=4, seed=0):
    rng = np.random.default_rng(seed)
    common = rng.random((n_rows, 1)) < 0.5
    return (common ^ (rng.random((n_rows, n_columns)) < 0.3)).astype(np.uint8)


# ---------------------------------------------------------------------- folds
def some_table(seed, n_rows=30):
    """Rows, of which some repeat others, with holes and weights."""
    rng = np.random.default_rng(seed)
    X = hide(rng.normal(size=(n_rows, 3)), 0.2, seed=seed)[rng.integers(0, n_rows, n_rows)]
    kind = rng.integers(3)
    weight = [rng.integers(1, 20, n_rows), rng.gamma(1, size=n_rows), 10.0 ** rng.uniform(-9, 9)]
    return X, np.broadcast_to(weight[kind], n_rows).astype(float)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), n_folds=st.integers(2, 9))
def test_folds_divide_the_weights_evenly(seed, n_folds):
    X, weight = some_table(seed)
    held_out = fold_weights(X, weight, n_folds, np.random.default_rng(seed))
    assert (held_out >= 0).all()
    assert_allclose(held_out.sum(axis=0), weight, rtol=1e-12)
    # Lengths on the line are weights, or more where rows count less than once.
    n_distinct = len(np.unique(np.nan_to_num(X, nan=9.0), axis=0))
    unit = min(1.0, weight.sum() / n_distinct)
    total = held_out.sum(axis=1)
    assert (total > 0).all()
    assert np.ptp(total) < unit * (1 + 1e-9) + 1e-12 * total.max()
    in_one = np.count_nonzero(held_out, axis=0) == 1
    assert_array_equal(held_out.sum(axis=0)[in_one], weight[in_one])  # to the last bit
    permuted = fold_weights(X[:, [2, 0, 1]], weight, n_folds, np.random.default_rng(seed))
    assert_array_equal(permuted, held_out)


def test_folds_hold_whole_units_of_whole_weights():
    X, weight = np.arange(12.0)[:, np.newaxis], np.array([16, *range(1, 12)], dtype=float)
    held_out = fold_weights(X, weight, 8, np.random.default_rng(0))
    assert_array_equal(held_out, np.rint(held_out))
    assert_array_equal(held_out[:, 0], 2)
    assert_array_equal(np.count_nonzero(held_out, axis=0), np.minimum(weight, 8))
    repeated = np.repeat(np.arange(12), weight.astype(int))
    apart = fold_weights(X[repeated], None, 8, np.random.default_rng(0))
    assert_array_equal(np.unique(apart), [0, 1])
    together = [np.bincount(repeated, own) for own in apart]
    assert_array_equal(together, held_out)


def test_rows_of_any_weight_are_divided():
    X = np.arange(6.0)[:, np.newaxis]
    for weight in ([1e100, 1, 1, 1, 1, 1e-20], [1e-100] * 6, [1, 1e-90, 1e-90, 1e-90, 1e-90, 1]):
        held_out = fold_weights(X, np.array(weight), 4, np.random.default_rng(0))
        assert_allclose(held_out.sum(axis=0), weight, rtol=1e-12)


def test_few_distinct_rows_make_few_folds():
    X = np.array([[0.0, np.nan], [-0.0, np.nan], [1.0, 2.0]])
    assert fold_weights(X, None, 8, np.random.default_rng(0)).shape == (2, 3)
    assert_array_equal(fold_weights(X[:2], None, 8, np.random.default_rng(0)), np.zeros((1, 2)))
    bag = BaggingDensity(GaussianDensity("diag"), random_state=0).fit(X[:1, :1])
    assert len(bag.densities_) == 1
    assert np.isnan(bag.out_of_bag_log_prob_).all()


@pytest.mark.parametrize("weight", [np.arange(1.0, 6), np.array([0.1, 0.2, 0.1, 0.3, 0.1])])
def test_resampled_weights_have_the_right_moments(weight):
    unit = min(1.0, weight.mean())
    for draw in (bootstrap_weights, bayesian_weights):
        drawn = draw(weight, 20_000, np.random.default_rng(0))
        n_units = weight.sum() / unit
        share = weight / weight.sum()
        assert_allclose(drawn.sum(axis=1), weight.sum())
        assert_allclose(drawn.mean(axis=0), weight, rtol=0.05)
        # Multinomial counts, or their limit for exponential weights of many units.
        more = 0 if draw is bootstrap_weights else 1
        variance = weight.sum() ** 2 * share * (1 - share) / (n_units + more)
        assert_allclose(drawn.var(axis=0), variance, rtol=0.05)
    counts = bootstrap_weights(weight, 9, np.random.default_rng(0)) / unit
    assert_allclose(counts, np.rint(counts), atol=1e-12)


# ---------------------------------------------------------------------- the average
@pytest.mark.parametrize("resampling", RESAMPLINGS)
@pytest.mark.parametrize("family", [GaussianDensity(), SCALED, ChowLiuTreeDensity()])
def test_the_average_is_that_of_its_members(family, resampling):
    X = binary_rows() if isinstance(family, ChowLiuTreeDensity) else IRIS
    bag = BaggingDensity(family, 4, resampling=resampling, random_state=0).fit(X)
    rows = hide(X.astype(float), 0.3, seed=1)
    own = [density.score_samples(rows) for density in bag.densities_]
    assert_allclose(bag.score_samples(rows), logsumexp(own, axis=0) - np.log(4))
    assert bag.score(rows) >= np.mean(own)  # Jensen
    assert bag.n_parameters_ == sum(density.n_parameters_ for density in bag.densities_)
    share = softmax(own, axis=0)
    means = [density.conditional_mean(rows) for density in bag.densities_]
    expected = np.einsum("kn,knj->nj", share, np.array(means))
    assert_allclose(bag.conditional_mean(rows), np.where(np.isnan(rows), expected, rows))


def test_conditionals_are_those_of_the_enumerated_average():
    family = HiddenChowLiuTreeDensity(2, max_iter=5)
    bag = BaggingDensity(family, 3, random_state=0).fit(binary_rows())
    states = all_states((2, 2, 2, 2))
    p = np.exp(bag.score_samples(states))
    row = np.array([[1, np.nan, 0, np.nan]])
    agree = (states[:, 0] == 1) & (states[:, 2] == 0)
    assert_allclose(np.exp(bag.score_samples(row)), p[agree].sum())
    assert_allclose(bag.conditional_mean(row)[0], p[agree] @ states[agree] / p[agree].sum())
    assert_array_equal(bag.conditional_mode(row)[0], states[agree][p[agree].argmax()])


def test_a_table_of_large_codes_and_thresholds_is_encoded_once():
    X = np.where(binary_rows() > 0, 255, 3).astype(np.uint8)
    coins = BernoulliIndependentDensity(binarize=127)
    blocks = ColumnDensity([("a", coins, [2, 0]), ("b", FullCategoricalDensity(), [1, 3])])
    for family in (coins, FullCategoricalDensity(), blocks):
        bag = BaggingDensity(family, 3, random_state=0).fit(X)
        own = [density.score_samples(X) for density in bag.densities_]
        assert_allclose(bag.score_samples(X), logsumexp(own, axis=0) - np.log(3))


# ---------------------------------------------------------------------- what members have seen
UNSEEN = {
    "transformed": SCALED,
    "quantiles": TransformedDensity(
        QuantileTransformer(n_quantiles=5, output_distribution="normal"), GaussianDensity()
    ),
    "mixture": MixtureDensity(SCALED, max_iter=3),
    "blocks": ColumnDensity([("a", SCALED, [1, 0]), ("b", SCALED, [2, 3])]),
    "bag": BaggingDensity(SCALED, 2),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_held_out_rows_are_unseen(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4)) + rng.normal(size=4)
    bag = BaggingDensity(UNSEEN[name], 4, random_state=1).fit(X)
    assert_array_equal(np.isnan(bag.out_of_bag_log_prob_), False)
    for k, density in enumerate(bag.densities_):
        mine = np.isclose(density.score_samples(X), bag.out_of_bag_log_prob_, rtol=1e-12)
        assert mine.sum() == 10
        others = X.copy()
        others[mine] = rng.normal(size=(10, 4)) * 30
        again = clone(bag).fit(others).densities_[k]
        assert_array_equal(again.score_samples(X), density.score_samples(X))


def test_members_are_densities_of_their_own_rows():
    X = np.unique(IRIS, axis=0)
    bag = BaggingDensity(SCALED, 3, random_state=0).fit(X)
    for density in bag.densities_:
        unseen = np.isclose(density.score_samples(X), bag.out_of_bag_log_prob_, rtol=1e-12)
        alone = clone(SCALED).fit(X[~unseen])
        assert_allclose(density.score_samples(X), alone.score_samples(X))
    bag = BaggingDensity(GaussianDensity(shrinkage=0.3), 2, random_state=0).fit(X)
    for density in bag.densities_:  # the scale of columns is that of all rows
        unseen = np.isclose(density.score_samples(X), bag.out_of_bag_log_prob_, rtol=1e-12)
        alone = GaussianDensity(shrinkage=0.3).fit(X[~unseen])
        assert_allclose(density.score_samples(X), alone.score_samples(X), rtol=0.2, atol=0.2)


@pytest.mark.parametrize("resampling", ["folds", "bootstrap"])
def test_rows_are_scored_by_the_members_that_have_not_seen_them(resampling):
    X = np.vstack([binary_rows(20, 6), np.zeros((8, 6))]).astype(float)
    bag = BaggingDensity(BernoulliIndependentDensity(), 8, resampling=resampling, random_state=0)
    log_prob = bag.fit(X).out_of_bag_log_prob_
    assert log_prob.shape == (28,)
    _, number = np.unique(X, axis=0, return_inverse=True)
    for own in range(number.max() + 1):
        assert len(np.unique(log_prob[number == own])) == 1  # equal rows are seen alike
    assert np.isnan(log_prob[-1])  # 8 rows or more of zeros: one in each fold
    told = ~np.isnan(log_prob)
    assert told.any()
    assert log_prob[told].mean() < bag.score(X[told])


def test_where_all_rows_are_seen_none_is_out_of_bag():
    bag = BaggingDensity(GaussianDensity(), 3, resampling="bayesian", random_state=0).fit(IRIS)
    assert not hasattr(bag, "out_of_bag_log_prob_")
    with pytest.raises(AttributeError, match="every member has seen every row"):
        _ = bag.out_of_bag_log_prob_


@pytest.mark.parametrize("resampling", RESAMPLINGS)
@pytest.mark.parametrize(
    "family",
    [
        ChowLiuTreeDensity(),
        MixtureDensity(BernoulliIndependentDensity(alpha=0.5), max_iter=4),
        TransformedDensity(PowerTransformer(), GaussianDensity(reg_covar=0.1)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_integer_weights_repeat_rows(family, resampling):
    if resampling == "bayesian" and isinstance(family, TransformedDensity):
        return  # PowerTransformer takes integer weights only
    rng = np.random.default_rng(0)
    X = binary_rows(40) if not isinstance(family, TransformedDensity) else IRIS[:40]
    weight = rng.integers(0, 4, 40)
    bag = BaggingDensity(family, 3, resampling=resampling, random_state=0)
    weighted = clone(bag).fit(X, sample_weight=weight)
    repeated = clone(bag).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), rtol=1e-9, atol=1e-12)
    if resampling != "bayesian":
        positive = weight[weight > 0]
        assert_allclose(
            np.repeat(weighted.out_of_bag_log_prob_, positive), repeated.out_of_bag_log_prob_
        )


@pytest.mark.parametrize("resampling", RESAMPLINGS)
def test_the_order_and_the_units_of_columns_do_not_matter(resampling):
    bag = BaggingDensity(GaussianDensity(), 3, resampling=resampling, random_state=0)
    log_prob = clone(bag).fit(IRIS).score_samples(IRIS)
    X = IRIS[:, [3, 1, 0, 2]] * [1e9, 1, 1e-9, 4]
    moved = clone(bag).fit(X).score_samples(X) + np.log(4)
    assert_allclose(moved, log_prob, rtol=1e-6)


def test_categories_of_all_rows_are_known_to_all_members():
    X = np.zeros((20, 2), dtype=int)
    X[3, 0], X[7, 1] = 5, 2
    bag = BaggingDensity(ChowLiuTreeDensity(), 10, random_state=0).fit(X)
    assert np.isfinite(bag.out_of_bag_log_prob_[[3, 7]]).all()
    for density in bag.densities_:
        assert_array_equal(density.n_categories_, [2, 2])


# ---------------------------------------------------------------------- weights of members
def test_learned_weights_are_the_most_probable():
    rng = np.random.default_rng(0)
    log_prob = rng.normal(size=(3, 200)) + np.array([[0.4], [0.0], [-3.0]])
    log_prob[rng.random(log_prob.shape) < 0.4] = np.nan
    log_prob[:, 0] = np.nan
    log_prob[:2, 1], log_prob[2, 1] = -np.inf, np.nan
    weight = rng.integers(1, 4, 200).astype(float)
    p = np.exp(np.where(np.isnan(log_prob), -np.inf, log_prob))[:, 2:]
    n_unseen = ~np.isnan(log_prob[:, 2:]) @ weight[2:]
    some = p.any(axis=0)

    def loss(free):
        shares = softmax(np.append(free, 0.0))
        return -weight[2:][some] @ np.log((shares / n_unseen) @ p[:, some])

    best = softmax(np.append(minimize(loss, np.zeros(2), tol=1e-10).x, 0.0)) / n_unseen
    assert_allclose(weights_from_unseen(log_prob, weight), best / best.sum(), atol=1e-4)


def test_members_that_have_seen_all_rows_keep_their_share():
    log_prob = np.array([[-1.0, -2.0, np.nan], [-1.0, -2.0, np.nan], [np.nan] * 3])
    assert_allclose(weights_from_unseen(log_prob, np.ones(3)), 1 / 3)
    assert_array_equal(weights_from_unseen(log_prob[2:], np.ones(3)), 1)
    assert_array_equal(weights_from_unseen(log_prob - np.inf, np.ones(3)), 1 / 3)


def test_out_of_bag_weights_prefer_the_better_members():
    """Few rows per component make some members far worse than others."""
    X = np.random.default_rng(0).standard_t(5, size=(600, 2))
    family = MixtureDensity(GaussianDensity(), 8, max_iter=20)
    bag = BaggingDensity(
        family, 8, resampling="bootstrap", weights="out_of_bag", random_state=0
    ).fit(X[:100])
    scores = [density.score(X[100:]) for density in bag.densities_]
    assert_allclose(bag.weights_.sum(), 1)
    assert bag.weights_ @ scores > np.mean(scores) + 0.05
    equal = clone(bag).set_params(weights="equal").fit(X[:100])
    assert_array_equal(equal.weights_, 1 / 8)
    assert_allclose([density.score(X[100:]) for density in equal.densities_], scores)


@pytest.mark.parametrize("resampling", ["folds", "bayesian"])
def test_out_of_bag_weights_need_a_bootstrap(resampling):
    bag = BaggingDensity(GaussianDensity(), resampling=resampling, weights="out_of_bag")
    with pytest.raises(ValueError, match=f'needs resampling="bootstrap".*{resampling}'):
        bag.fit(IRIS)


# ---------------------------------------------------------------------- seeds
def test_every_member_has_seeds_of_its_own():
    scaler = make_pipeline(QuantileTransformer(n_quantiles=5, output_distribution="normal"))
    family = MixtureDensity(TransformedDensity(scaler, GaussianDensity()), 2, max_iter=2)
    before = family.get_params()
    bag = BaggingDensity(family, 3, random_state=0).fit(IRIS)
    assert family.get_params() == before
    nested = "density__transformer__quantiletransformer__random_state"
    for name in ("random_state", nested):
        assert len({density.get_params()[name] for density in bag.densities_}) == 3
    inner = {density._prototype.transformer.steps[0][1].random_state for density in bag.densities_}
    assert inner == {density.get_params()[nested] for density in bag.densities_}
    other = BaggingDensity(family.set_params(random_state=7), 3, random_state=0, n_jobs=2)
    assert_allclose(other.fit(IRIS).score_samples(IRIS), bag.score_samples(IRIS), rtol=1e-12)


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_a_source_of_randomness_is_not_shared_by_threads(make):
    scores = []
    for n_jobs in (1, 2):
        family = HiddenChowLiuTreeDensity(2, max_iter=2, random_state=make(0))
        bag = BaggingDensity(family, 4, random_state=make(3), n_jobs=n_jobs)
        scores.append(bag.fit(binary_rows()).score_samples(binary_rows()))
    assert_array_equal(*scores)


# ---------------------------------------------------------------------- in other estimators
@cases(FAMILY_CASES)
def test_members_without_a_value_in_a_column_are_lent_some(case):
    X = case.data(20).astype(float)
    X[1:, 0] = np.nan
    bag = BaggingDensity(few_steps(case.density), 3, random_state=0)
    rows = case.data(20)
    rows[:, 0] = X[0, 0]
    log_prob = bag.fit(X).score_samples(rows)
    assert not np.isnan(log_prob).any()
    assert (log_prob < np.inf).all()


BAG = BaggingDensity(SCALED, 3, random_state=0)
COINS = BaggingDensity(BernoulliIndependentDensity(), 3, random_state=0)
BLOCKS = ColumnDensity([("coins", COINS, [0]), ("rest", BAG, [1, 2, 3])])


@pytest.mark.filterwarnings("ignore:X has no observed value")
@pytest.mark.parametrize(
    "density",
    [
        BAG,
        MixtureDensity(BAG, 2, random_state=0, max_iter=5),
        BLOCKS,
        MixtureDensity(BLOCKS, 2, random_state=0, max_iter=5),
    ],
    ids=["bag", "mixture", "blocks", "mixture of blocks"],
)
def test_bags_work_in_classifiers_and_imputers(density):
    X = np.where([True, False, False, False], IRIS > 5.8, IRIS)
    holes = hide(X, 0.2, seed=0)
    classifier = GenerativeClassifier(density).fit(holes, SPECIES)
    assert classifier.score(X, SPECIES) > 0.9
    lacking = holes.copy()
    lacking[SPECIES == 1, 2] = np.nan
    assert np.isfinite(GenerativeClassifier(density).fit(lacking, SPECIES).score_samples(X)).all()
    filled = DensityImputer(density).fit_transform(holes)
    missing = np.isnan(holes)
    means = np.broadcast_to(np.nanmean(holes, axis=0), X.shape)
    assert np.square(filled - X)[missing].mean() < np.square(means - X)[missing].mean()


def test_members_without_a_number_of_parameters_have_no_sum():
    X = binary_rows(30, 3)
    bag = BaggingDensity(ChainRuleDensity(_Shares()), 2, random_state=0).fit(X)
    assert not hasattr(bag, "n_parameters_")
    with pytest.raises(AttributeError, match="does not know its number of parameters"):
        bag.aic(X)


class _Shares:
    """A classifier that knows only how frequent classes are."""

    def fit(self, X, y, sample_weight=None):
        self.classes_, number = np.unique(y, return_inverse=True)
        count = np.bincount(number, sample_weight)
        self.share_ = count / count.sum()
        return self

    def predict_proba(self, X):
        return np.tile(self.share_, (len(X), 1))

    def get_params(self, deep=True):
        return {}

    def set_params(self):
        return self
