"""ChainRuleDensity: the chain rule by hand, special cases, and what it refuses."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.naive_bayes import BernoulliNB, CategoricalNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    ChainRuleDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
)

from .classifier_chains import (
    CLASSIFIERS,
    LOGISTIC,
    MIXED,
    TREE,
    classifiers,
    enumerated,
    fitted,
    make_rows,
)
from .rounding import assert_equal_to_rounding
from .rows import agreement, all_states, assert_drawn_from, hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


# ---------------------------------------------------------------------- the chain rule
@classifiers
@pytest.mark.parametrize("order", [None, 0, 1, 3])
@pytest.mark.parametrize("n_categories", [(2,) * 6, MIXED, (5, 1, 2), (2, 4, 1)])
def test_probabilities_of_all_states_sum_to_one(name, order, n_categories):
    density = ChainRuleDensity(clone(CLASSIFIERS[name]), order, n_categories=n_categories)
    density.fit(make_rows(80, n_categories))
    log_prob = density.score_samples(all_states(n_categories))
    assert_allclose(np.exp(log_prob).sum(), 1, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["logistic", "one-hot", "neighbours"])
@pytest.mark.parametrize("order", [None, 0, 1, 2])
def test_log_probabilities_agree_with_classifiers_fitted_by_hand(name, order):
    X = make_rows(200, (3, 3, 3, 3))
    density = ChainRuleDensity(clone(CLASSIFIERS[name]), order, alpha=0.5, floor=0).fit(X)
    expected = np.zeros(len(X))
    for j in range(4):
        first = 0 if order is None else max(0, j - order)
        if first == j:
            share = (np.bincount(X[:, j]) + 0.5) / (200 + 1.5)
            expected += np.log(share[X[:, j]])
            assert density.classifiers_[j] is None
        else:
            by_hand = clone(CLASSIFIERS[name]).fit(X[:, first:j].astype(float), X[:, j])
            proba = by_hand.predict_proba(X[:, first:j].astype(float))
            with np.errstate(divide="ignore"):  # neighbours may rule values out
                expected += np.log(proba[np.arange(200), X[:, j]])
    assert_allclose(density.score_samples(X), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("order", [None, 0, 1, 2])
def test_a_scan_is_a_chain_of_permuted_columns(order):
    sizes, scan = np.array([2, 3, 4, 2]), np.array([2, 0, 3, 1])
    X = make_rows(150, tuple(sizes))
    X = hide(X, 0.1) if order else X  # what is learned from missing values, too
    settings = {"max_iter": 3, "tol": 0.0}
    density = ChainRuleDensity(LOGISTIC, order, scan=scan, n_categories=sizes, **settings).fit(X)
    plain = ChainRuleDensity(LOGISTIC, order, n_categories=sizes[scan], **settings)
    plain.fit(X[:, scan])
    assert_array_equal(density.scan_, scan)
    assert_array_equal(density.n_categories_, sizes)
    assert density.n_parameters_ == plain.n_parameters_
    rows = hide(X, 0.4, seed=1)
    assert_allclose(density.score_samples(rows), plain.score_samples(rows[:, scan]), rtol=1e-6)
    for call in ("conditional_mean", "conditional_mode"):
        completed = getattr(density, call)(rows)[:, scan]
        assert_allclose(completed, getattr(plain, call)(rows[:, scan]), rtol=1e-6)
    drawn = density.conditional_sample(rows, random_state=0)[:, scan]
    assert_array_equal(drawn, plain.conditional_sample(rows[:, scan], random_state=0))
    assert_array_equal(density.sample(9, 0)[:, scan], plain.sample(9, 0))


def test_members_of_a_bag_have_random_scans_of_their_own():
    X = make_rows(80, (2,) * 6)
    bag = BaggingDensity(ChainRuleDensity(LOGISTIC, scan="random"), 3, random_state=0).fit(X)
    assert len({tuple(member.scan_) for member in bag.densities_}) > 1
    assert_allclose(np.exp(bag.score_samples(all_states((2,) * 6))).sum(), 1)
    seeded = [ChainRuleDensity(scan="random", random_state=3).fit(X).scan_ for _ in range(2)]
    assert_array_equal(*seeded)
    assert_array_equal(np.sort(seeded[0]), np.arange(6))


def test_a_warm_start_survives_another_random_scan():
    X = make_rows(60, (2, 3, 4))
    chain = ChainRuleDensity(TREE, scan="random", n_categories=[2, 3, 4])  # another in each fit
    mixture = MixtureDensity(chain, 2, random_state=0, warm_start=True, max_iter=3)
    for _ in range(3):
        mixture.fit(X)
        assert_allclose(np.exp(mixture.score_samples(all_states((2, 3, 4)))).sum(), 1)


def test_errors_name_the_column_whatever_the_scan():
    X = make_rows(40, (2, 2, 2))
    X[:, 0] = np.arange(40) == 5
    calibrated = CalibratedClassifierCV(LOGISTIC, cv=3)
    with pytest.raises(ValueError, match="The classifier of column 0 cannot be fitted: "):
        ChainRuleDensity(calibrated, scan=[1, 2, 0]).fit(X)
    with pytest.raises(ValueError, match="scan must hold every column from 0 to 2 exactly once"):
        ChainRuleDensity(scan=[0, 0, 1]).fit(X)


def test_order_0_is_independence():
    X = hide(make_rows(100, (3, 3, 3)), 0.3)
    chain = ChainRuleDensity(order=0, alpha=0.7).fit(X)
    markov = MarkovChainImageDensity(order=0, alpha=0.7).fit(X)
    assert_allclose(chain.score_samples(X), markov.score_samples(X), rtol=1e-12)
    assert chain.n_parameters_ == markov.n_parameters_ == 6
    assert chain.n_iter_ == 1
    assert_allclose(chain.conditional_mean(X), markov.conditional_mean(X), rtol=1e-12)
    binary = make_rows(50, (2, 2, 2, 2))
    coins = BernoulliIndependentDensity(alpha=2.0).fit(binary)
    chain = ChainRuleDensity(order=0, alpha=2.0).fit(binary)
    assert_allclose(chain.score_samples(binary), coins.score_samples(binary), rtol=1e-12)


def test_naive_bayes_of_order_1_is_the_markov_chain():
    X = make_rows(300, (3, 3, 3, 3, 3))
    chain = ChainRuleDensity(CategoricalNB(alpha=1e-9, min_categories=3), order=1, alpha=0).fit(X)
    markov = MarkovChainImageDensity(order=1, alpha=0).fit(X)
    states = all_states((3,) * 5)
    assert_allclose(chain.score_samples(states), markov.score_samples(states), atol=1e-6)


def test_fully_grown_trees_are_the_full_categorical_density():
    X = make_rows(300, MIXED)
    chain = ChainRuleDensity(TREE, alpha=0, floor=0).fit(X)
    full = FullCategoricalDensity(alpha=0).fit(X)
    assert_allclose(chain.score_samples(X), full.score_samples(X), rtol=1e-10)


def test_naive_bayes_keeps_probabilities_too_small_for_floats():
    X = np.repeat([[0.0] * 200, [1.0] * 200], 50, axis=0)
    chain = ChainRuleDensity(BernoulliNB()).fit(X)
    odd = np.zeros((1, 200))
    odd[0, -1] = 1
    assert -1000 < chain.score_samples(odd)[0] < -750


# ---------------------------------------------------------------------- categories
def test_an_unseen_category_has_the_smoothed_share():
    X = np.array([[0, 0], [1, 1], [1, 0], [0, 0], [2, 1]] * 4)
    density = ChainRuleDensity(alpha=0.5, n_categories=[3, 4]).fit(X)
    lacking = density.score_samples([[0, 2], [1, 3]]) - density.score_samples(
        [[0, np.nan], [1, np.nan]]
    )
    assert_allclose(np.exp(lacking), 0.5 / (20 + 0.5) / 2)
    seen = density.score_samples([[1, 0], [1, 1]]) - density.score_samples([[1, np.nan]])
    assert_allclose(np.exp(seen).sum(), 20 / 20.5)
    assert_array_equal(density.n_categories_, [3, 4])


def test_auto_categories_cover_all_columns():
    X = np.array([[0, 2], [1, 0], [1, 1]])
    density = ChainRuleDensity().fit(X)
    assert_array_equal(density.n_categories_, [3, 3])
    assert np.isfinite(density.score_samples([[2, 2]])).all()
    with pytest.raises(ValueError, match="column 1 holds 3, but the categories known there are 0"):
        density.score_samples([[0, 3]])
    assert_array_equal(ChainRuleDensity().fit(np.zeros((4, 3), dtype=bool)).n_categories_, [2] * 3)
    with pytest.raises(ValueError, match="or 2 of them, one per column"):
        ChainRuleDensity(n_categories=[3, 3, 3]).fit(X)


def test_a_column_constant_in_training_needs_no_classifier():
    X = np.array([[0, 1, 0], [1, 1, 1], [1, 1, 0], [0, 1, 1]])
    density = ChainRuleDensity(alpha=0.5).fit(X)
    assert density.classifiers_[1] is None
    assert_allclose(
        np.exp(density.score_samples([[1, 0, np.nan], [1, 1, np.nan]])),
        [0.5 * 0.5 / 4.5, 0.5 * 4 / 4.5],
    )
    assert density.n_parameters_ == 1 + 1 + 3
    certain = ChainRuleDensity(alpha=0).fit(X)
    assert certain.score_samples([[1, 0, np.nan]])[0] == -np.inf
    assert np.isfinite(certain.score(X))


def test_folds_may_lack_categories():
    X = make_rows(40, (4, 4, 4))
    X[X == 3] = 2
    X[0, 1] = 3  # in one fold only
    scores = cross_val_score(ChainRuleDensity(n_categories=4), X, cv=4, error_score="raise")
    assert np.isfinite(scores).all()
    X[1, 2] = 3  # another column shows it
    assert np.isfinite(cross_val_score(ChainRuleDensity(), X, cv=[(np.r_[1:40], [0])])).all()


# ---------------------------------------------------------------------- weights and workers
@pytest.mark.parametrize("name", ["logistic", "one-hot", "tree", "neighbours"])
def test_integer_weights_repeat_rows(name):
    X = make_rows(60, (2, 3, 3))
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    density = ChainRuleDensity(clone(CLASSIFIERS[name]), n_categories=3)
    weighted = clone(density).fit(X, sample_weight=weight)
    repeated = clone(density).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), rtol=1e-4, atol=1e-4)


def test_classifiers_without_weights_accept_equal_weights_only():
    X = make_rows(40, (2, 2, 2))
    weight = np.full(40, 0.5)
    neighbours = ChainRuleDensity(KNeighborsClassifier())
    alike = clone(neighbours).fit(X, sample_weight=weight)  # as good as none
    one = make_rows(5, (2, 2, 2), seed=1)
    difference = alike.score_samples(one) - clone(neighbours).fit(X).score_samples(one)
    assert_allclose(difference[np.isfinite(difference)], 0, atol=0.05)  # but for pseudo-counts
    weight[0] = 1
    with pytest.raises(ValueError, match=r"KNeighborsClassifier takes no sample_weight.* 0\.5"):
        neighbours.fit(X, sample_weight=weight)


def test_the_error_of_a_classifier_names_its_column():
    X = make_rows(40, (2, 2, 2))
    X[:, 2] = 0
    X[5, 2] = 1
    calibrated = CalibratedClassifierCV(LOGISTIC, cv=3)
    with pytest.raises(ValueError, match="The classifier of column 2 cannot be fitted: "):
        ChainRuleDensity(calibrated).fit(X)


def test_unseen_categories_stay_rare():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 91, 300), rng.integers(0, 2, (300, 3))])
    density = ChainRuleDensity(order=0).fit(X)
    assert np.mean(density.sample(2000, random_state=0)[:, 1:] > 1) < 0.01
    every = ChainRuleDensity(order=2).fit(X)
    with pytest.raises(ValueError, match="or declare n_categories of each column"):
        every.score_samples([[np.nan, np.nan, np.nan, 1]])


def test_a_mixture_keeps_rows_only_for_a_warm_start():
    X = make_rows(1000, (2,) * 6)
    mixture = MixtureDensity(ChainRuleDensity(order=1), random_state=0, max_iter=3, tol=0)
    sizes = [
        len(pickle.dumps(clone(mixture).set_params(warm_start=warm).fit(X)))
        for warm in (False, True)
    ]
    assert sizes[0] < sizes[1] - 10_000
    warm = clone(mixture).fit(X).set_params(warm_start=True).fit(X)  # starts anew
    assert_allclose(warm.score(X), clone(mixture).fit(X).score(X))


def test_workers_change_nothing():
    X = make_rows(80, MIXED)
    one, two = (ChainRuleDensity(TREE, n_jobs=n_jobs).fit(X) for n_jobs in (1, 2))
    assert_equal_to_rounding(one.score_samples(X), two.score_samples(X))
    assert_array_equal(one.sample(30, random_state=0), two.sample(30, random_state=0))


def test_a_fitted_density_does_not_keep_its_rows():
    small, large = (
        len(pickle.dumps(ChainRuleDensity().fit(make_rows(n_rows, (2,) * 8))))
        for n_rows in (200, 20_000)
    )
    assert large < small + 500


# ---------------------------------------------------------------------- draws
@pytest.mark.parametrize("name", ["logistic", "stump"])
@pytest.mark.parametrize("order", [None, 2])
def test_samples_follow_the_probabilities(name, order):
    states, probability = enumerated(name, order)
    X = fitted(name, order).sample(30_000, random_state=1)
    count = np.bincount(np.ravel_multi_index(tuple(X.T), MIXED), minlength=len(states))
    assert_drawn_from(probability, count)


@pytest.mark.parametrize("order", [None, 1, 2])
@pytest.mark.parametrize(
    "row", [[np.nan, 1, np.nan, np.nan, 1], [1, np.nan, 0, np.nan, np.nan], [np.nan] * 4 + [0]]
)
def test_completions_are_drawn_from_the_conditional(order, row):
    states, probability = enumerated("logistic", order)
    drawn = fitted("logistic", order).conditional_sample(np.tile(row, (8_000, 1)), random_state=3)
    place = np.ravel_multi_index(tuple(drawn.T.astype(int)), MIXED)
    count = np.bincount(place, minlength=len(states))
    assert_drawn_from(probability * agreement(states, [row])[0], count)


# ---------------------------------------------------------------------- in other estimators
def test_mixtures_and_classifiers_are_exact():
    X = np.vstack([make_rows(60, (2,) * 5), 1 - make_rows(60, (2,) * 5, 1)])
    y = np.repeat(["a", "b"], 60)
    mixture = MixtureDensity(ChainRuleDensity(order=1), random_state=0).fit(X)
    states = all_states((2,) * 5)
    assert_allclose(np.exp(mixture.score_samples(states)).sum(), 1, atol=1e-10)
    assert mixture.n_parameters_ == 2 * 9 + 1
    classifier = GenerativeClassifier(ChainRuleDensity()).fit(X, y)
    densities = [ChainRuleDensity().fit(X[y == label]) for label in "ab"]
    joint = np.stack([density.score_samples(X) for density in densities], axis=1) + np.log(0.5)
    assert_allclose(classifier.predict_joint_log_proba(X), joint, rtol=1e-6)


def test_a_component_without_rows_is_a_distribution():
    X = make_rows(30, (2, 2, 2))
    density = ChainRuleDensity(LOGISTIC).fit(X, sample_weight=np.full(30, 1e-100))
    assert_allclose(np.exp(density.score_samples(all_states((2,) * 3))).sum(), 1, atol=1e-10)


def test_order_and_classifier_can_be_searched():
    X = make_rows(90, (2,) * 5)
    grid = {"classifier__C": [0.01, 1.0], "order": [0, 1, None]}
    search = GridSearchCV(ChainRuleDensity(LogisticRegression()), grid, cv=3).fit(X)
    assert search.best_params_["order"] != 0
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_parameters_are_counted():
    X = make_rows(100, (2, 3, 3, 2))
    assert ChainRuleDensity(n_categories=[2, 3, 3, 2]).fit(X).n_parameters_ == 1 + 6 + 9 + 4
    no_intercept = LogisticRegression(fit_intercept=False)
    density = ChainRuleDensity(no_intercept, 1, n_categories=[2, 3, 3, 2]).fit(X)
    assert density.n_parameters_ == 1 + 3 + 3 + 1
    one_hot = make_pipeline(OneHotEncoder(), LogisticRegression())
    density = ChainRuleDensity(one_hot, 1, n_categories=[2, 3, 3, 2]).fit(X)
    assert density.n_parameters_ == 1 + (3 * 2 + 3) + (3 * 3 + 3) + (3 + 1)
    bayes = GenerativeClassifier(MarkovChainImageDensity(order=0))
    density = ChainRuleDensity(bayes, 1).fit(make_rows(100, (2, 2)))
    assert density.n_parameters_ == 1 + 3
    uncounted = ChainRuleDensity(TREE).fit(X)
    assert not hasattr(uncounted, "n_parameters_")
    for criterion in (uncounted.aic, uncounted.bic):
        with pytest.raises(AttributeError, match="does not know its number"):
            criterion(X)
    assert isinstance(density.n_parameters_, int)
    for several in (MixtureDensity(ChainRuleDensity(TREE)), GenerativeClassifier(uncounted)):
        several.fit(X, X[:, 0])
        assert np.isfinite(several.score_samples(X)).all()
        assert not hasattr(several, "n_parameters_")
    blocks = ColumnDensity([("all", ChainRuleDensity(TREE), slice(None))]).fit(X)
    assert not hasattr(blocks, "n_parameters_")
    assert_allclose(blocks.score_samples(X), uncounted.score_samples(X))


def test_logistic_regressions_beat_the_markov_chain_on_digits():
    X = (load_digits().data > 7).astype(np.uint8)
    train, held_out = train_test_split(X, test_size=0.25, random_state=0)
    markov = max(
        MarkovChainImageDensity(alpha=alpha).fit(train).score(held_out) for alpha in (0.1, 0.5, 1.0)
    )
    chain = ChainRuleDensity(LogisticRegression(C=0.1, max_iter=500)).fit(train)
    assert chain.score(held_out) > markov + 5  # -18.8 and -24.2 nats


# ---------------------------------------------------------------------- refusals
class Broken(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are NaN."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


def test_invalid_classifiers_are_refused():
    X = make_rows(30, (2, 2, 2))
    for classifier in (SVC(), OneHotEncoder(), 3):
        with pytest.raises(ValueError, match="'classifier' parameter of ChainRuleDensity must be"):
            ChainRuleDensity(classifier).fit(X)
    with pytest.raises(ValueError, match="'order' parameter"):
        ChainRuleDensity(order=-1).fit(X)
    density = ChainRuleDensity(Broken()).fit(X)
    with pytest.raises(ValueError, match="Broken gives probabilities that do not sum to one"):
        density.score_samples(X)


def test_rows_that_a_tree_rules_out_have_no_completions():
    X = np.array([[0, 0, 0], [0, 1, 0]] * 20 + [[1, 0, 1], [1, 1, 1]])
    density = ChainRuleDensity(TREE, alpha=0, floor=0).fit(X)
    assert density.score_samples([[0, np.nan, 1]])[0] == -np.inf
    for call in (
        density.conditional_mean,
        density.conditional_mode,
        density.conditional_sample,
    ):
        with pytest.raises(ValueError, match="probability zero under the model: row 1"):
            call([[0, np.nan, 0], [0, np.nan, 1]])


class Stubborn(Broken):
    """A classifier that is certain of the first class."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)

    def predict_proba(self, X):
        return np.eye(len(self.classes_))[np.zeros(len(X), dtype=int)]


def test_rows_ruled_out_during_em_are_refused():
    X = np.array([[0, 0, 0], [1, np.nan, 1], [0, 1, 1], [1, 0, 0]])
    density = ChainRuleDensity(Stubborn(), floor=0)
    with pytest.raises(ValueError, match="probability zero under the model so far"):
        density.fit(X)
    assert vars(density).keys() == density.get_params(deep=False).keys()
