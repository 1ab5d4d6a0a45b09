"""ChainRuleConditional: one column is the classifier itself, several are enumerated."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.impute import SimpleImputer
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from skdgm import ChainRuleConditional, ChainRuleDensity

from .rounding import assert_equal_to_rounding
from .rows import all_states, assert_drawn_from

LOGISTIC = LogisticRegression(tol=1e-8, max_iter=1000)
CLASSIFIERS = [
    LOGISTIC,
    DecisionTreeClassifier(max_depth=3, random_state=0),
    KNeighborsClassifier(),
    GaussianNB(),
    RandomForestClassifier(10, random_state=0),
    make_pipeline(StandardScaler(), LOGISTIC),
]
classifiers = pytest.mark.parametrize("classifier", CLASSIFIERS, ids=str)


def make_data(n_rows, n_categories, seed=0):
    """Outputs that depend on X and on one another."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    Y = rng.integers(0, n_categories, (n_rows, len(n_categories)))
    for j, k in enumerate(n_categories):
        of_x = np.clip(np.round(X[:, j % 3] + k / 2), 0, k - 1).astype(int)
        before = np.minimum(Y[:, j - 1], k - 1) if j else of_x
        Y[:, j] = np.choose(rng.integers(0, 3, n_rows), [of_x, before, Y[:, j]])
    return X, Y


def score_all(model, X, states):
    """The log-probability of every y for each row of X."""
    log_prob = model.score_samples(np.repeat(X, len(states), axis=0), np.tile(states, (len(X), 1)))
    return log_prob.reshape(len(X), len(states))


# ---------------------------------------------------------------------- one column
@classifiers
@pytest.mark.parametrize("labels", ["strings", "numbers"])
def test_one_column_is_the_classifier_itself(classifier, labels):
    X, target = load_iris(return_X_y=True)
    y = np.array(["setosa", "versicolor", "virginica"])[target] if labels == "strings" else target
    model = ChainRuleConditional(clone(classifier), floor=0).fit(X, y)
    bare = clone(classifier).fit(X, y)
    assert_array_equal(model.predict(X), bare.predict(X))
    assert_array_equal(model.predict_mode(X), bare.predict(X))
    assert_equal_to_rounding(model.predict_proba(X), bare.predict_proba(X))
    assert_array_equal(model.classes_, bare.classes_)
    of_y = bare.predict_proba(X)[np.arange(len(y)), target]
    assert_allclose(np.exp(model.score_samples(X, y)), of_y, rtol=1e-9, atol=1e-12)
    drawn = model.sample_y(X[:4], n_samples=7, random_state=0)
    assert drawn.shape == (4, 7)
    assert drawn.dtype == y.dtype
    assert set(drawn.ravel()) <= set(y)
    table = ChainRuleConditional(clone(classifier)).fit(X, y[:, np.newaxis])
    assert_array_equal(table.predict(X), bare.predict(X)[:, np.newaxis])
    assert table.sample_y(X[:4], n_samples=7, random_state=0).shape == (4, 1, 7)


def test_one_column_takes_weights_as_the_classifier_does():
    X, y = load_iris(return_X_y=True)
    weight = np.random.default_rng(0).random(len(y))
    model = ChainRuleConditional(LOGISTIC).fit(X, y, sample_weight=weight)
    bare = clone(LOGISTIC).fit(X, y, sample_weight=weight)
    assert_equal_to_rounding(model.predict_proba(X), bare.predict_proba(X))
    assert model.n_parameters_ == 15


def test_labels_are_drawn_with_their_probabilities():
    X, y = load_iris(return_X_y=True)
    y = np.array(["a", "b", "c"])[y]
    model = ChainRuleConditional(LOGISTIC).fit(X, y)
    rows = X[[60, 75, 110]]
    drawn = model.sample_y(rows, n_samples=20_000, random_state=1)
    counts = (drawn[:, :, np.newaxis] == model.classes_).sum(axis=1)
    for probability, count in zip(model.predict_proba(rows), counts, strict=True):
        assert_drawn_from(probability, count)


def test_unknown_labels_are_refused():
    X, y = load_iris(return_X_y=True)
    model = ChainRuleConditional(LOGISTIC).fit(X, np.array(["a", "b", "c"])[y])
    with pytest.raises(ValueError, match=r"y holds the unknown label 'd'; .* \['a', 'b', 'c'\]"):
        model.score_samples(X[:2], ["a", "d"])


@pytest.mark.parametrize("y", [np.array(["a"] * 20), np.zeros((20, 1), dtype=int)], ids=str)
def test_a_single_label_is_certain(y):
    X = np.random.default_rng(0).normal(size=(20, 2))
    model = ChainRuleConditional().fit(X, y)
    assert model.classifiers_ == [None]
    assert_array_equal(model.predict(X), y)
    assert_array_equal(model.predict_proba(X), np.ones((20, 1)))
    assert_array_equal(model.score_samples(X, y), np.zeros(20))
    assert_array_equal(model.sample_y(X, 2)[..., 0], y)


def test_a_declared_label_unseen_in_a_fold_has_the_smoothed_share():
    X, y = load_iris(return_X_y=True)
    y[-1] = 3  # in one fold only
    model = ChainRuleConditional(LOGISTIC, n_categories=4, alpha=0.5)
    scores = cross_val_score(model, X, y, cv=KFold(5), error_score="raise")
    assert np.isfinite(scores).all()
    model.fit(X[:-1], y[:-1])
    assert_allclose(model.score_samples(X[-1:], [3]), np.log(0.5 / 149.5))
    assert_allclose(model.predict_proba(X).sum(axis=1), 1)
    bare = clone(LOGISTIC).fit(X[:-1], y[:-1])
    assert_allclose(model.predict_proba(X)[:, :3], bare.predict_proba(X) * 149 / 149.5)
    assert_array_equal(model.predict(X), bare.predict(X))
    assert_array_equal(model.classes_, np.arange(4))


def test_missing_values_are_left_to_the_classifier():
    X, y = load_iris(return_X_y=True)
    X[::7, 1] = np.nan
    Y = np.column_stack([y, y == 2])
    imputed = make_pipeline(SimpleImputer(), LOGISTIC)
    model = ChainRuleConditional(imputed).fit(X, Y)
    assert np.isfinite(model.score_samples(X, Y)).all()
    assert_array_equal(
        ChainRuleConditional(imputed).fit(X, y).predict(X), clone(imputed).fit(X, y).predict(X)
    )
    with pytest.raises(ValueError, match="LogisticRegression does not accept missing values"):
        ChainRuleConditional(LOGISTIC).fit(X, Y)


# ---------------------------------------------------------------------- several columns
@classifiers
@pytest.mark.parametrize("order", [None, 0, 1])
@pytest.mark.parametrize("n_categories", [(2, 2, 2), (3, 2, 4)])
def test_probabilities_of_every_y_sum_to_one(classifier, order, n_categories):
    X, Y = make_data(120, n_categories)
    model = ChainRuleConditional(clone(classifier), order, n_categories=n_categories).fit(X, Y)
    states = all_states(n_categories)
    log_prob = score_all(model, X[:20], states)
    assert_allclose(np.exp(log_prob).sum(axis=1), 1, atol=1e-10)
    assert_allclose(
        score_all(model, X[:20], model.predict(X[:20]))[np.arange(20), np.arange(20)],
        log_prob.max(axis=1),
    )


@pytest.mark.parametrize("order", [None, 0, 1])
def test_scores_agree_with_classifiers_fitted_by_hand(order):
    X, Y = make_data(200, (3, 3, 3))
    model = ChainRuleConditional(LOGISTIC, order).fit(X, Y)
    expected = np.zeros(len(X))
    for j in range(3):
        first = 0 if order is None else j - min(j, order)
        features = np.column_stack([X, Y[:, first:j]])
        by_hand = clone(LOGISTIC).fit(features, Y[:, j])
        expected += by_hand.predict_log_proba(features)[np.arange(200), Y[:, j]]
    assert_allclose(model.score_samples(X, Y), expected, rtol=1e-9)
    assert_allclose(model.score(X, Y), expected.mean(), rtol=1e-9)
    weight = np.arange(200)
    assert_allclose(model.score(X, Y, weight), np.average(expected, weights=weight), rtol=1e-9)


def test_binary_columns_agree_with_a_classifier_chain():
    X, Y = make_data(200, (2, 2, 2, 2))
    model = ChainRuleConditional(LOGISTIC).fit(X, Y)
    chain = ClassifierChain(LOGISTIC).fit(X, Y)
    for own, others in zip(model.classifiers_, chain.estimators_, strict=True):
        assert_allclose(own.coef_, others.coef_, rtol=1e-6)


def test_the_search_is_exact_up_to_64_prefixes():
    X, Y = make_data(300, (2,) * 7, seed=3)
    model = ChainRuleConditional(DecisionTreeClassifier(min_samples_leaf=5, random_state=0))
    model.fit(X, Y)
    states = all_states((2,) * 7)
    best = score_all(model, X, states).max(axis=1)
    assert_allclose(model.score_samples(X, model.predict(X)), best)
    assert_array_equal(model.predict(X), model.predict_mode(X))


def test_a_prediction_looks_beyond_the_best_first_step():
    # y_1 = 0 is more probable, but then y_2 may be any of four values.
    Y = np.array([[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 0], [1, 0]])
    X = np.tile([[0.0], [1.0]], (7, 1))
    model = ChainRuleConditional(DecisionTreeClassifier()).fit(X, np.repeat(Y, 2, axis=0))
    assert_array_equal(model.predict([[0.0], [1.0]]), [[1, 0], [1, 0]])


@pytest.mark.parametrize("order", [None, 0, 1])
def test_outputs_are_drawn_with_their_probabilities(order):
    X, Y = make_data(150, (2, 3, 2))
    model = ChainRuleConditional(order=order, n_categories=(2, 3, 2)).fit(X, Y)
    states = all_states((2, 3, 2))
    drawn = model.sample_y(X[:3], n_samples=20_000, random_state=2)
    assert drawn.shape == (3, 3, 20_000)
    assert drawn.dtype == Y.dtype
    assert_array_equal(drawn, model.sample_y(X[:3], n_samples=20_000, random_state=2))
    for of_row, log_prob in zip(drawn, score_all(model, X[:3], states), strict=True):
        count = np.bincount(np.ravel_multi_index(tuple(of_row), (2, 3, 2)), minlength=12)
        assert_drawn_from(np.exp(log_prob), count)


def test_categories_agree_with_the_density():
    X, Y = make_data(60, (3, 2))
    model = ChainRuleConditional(LOGISTIC, alpha=0.5).fit(X, Y)
    assert_array_equal(model.n_categories_, [3, 3])
    lacking = np.exp(score_all(model, X[:5], np.array([[0, 2], [1, 2], [2, 2]]))).sum(axis=1)
    assert_allclose(lacking, 0.5 / 60.5)
    never = ChainRuleConditional(alpha=0, n_categories=[3, 4]).fit(X, Y)
    assert never.score_samples(X[:1], [[0, 3]])[0] == -np.inf
    constant = ChainRuleConditional(alpha=1).fit(X, Y * [1, 0])
    assert constant.classifiers_[1] is None
    assert_array_equal(constant.n_categories_, [3, 3])
    log_prob = score_all(constant, X[:5], np.array([[1, 0], [1, 1]]))
    assert_allclose(np.exp(log_prob[:, 1] - log_prob[:, 0]), 1 / 120)


def test_folds_may_lack_categories():
    X, Y = make_data(40, (3, 3))
    Y[Y == 2] = 1
    Y[0] = 2, 0
    Y[5] = 0, 2
    scores = cross_val_score(ChainRuleConditional(n_categories=3), X, Y, cv=5, error_score="raise")
    assert np.isfinite(scores).all()


def test_integer_weights_repeat_rows_and_workers_change_nothing():
    X, Y = make_data(60, (2, 3))
    weight = np.random.default_rng(0).integers(0, 3, 60)
    weighted = ChainRuleConditional(LOGISTIC, n_categories=3).fit(X, Y, sample_weight=weight)
    repeated = ChainRuleConditional(LOGISTIC, n_categories=3, n_jobs=2)
    repeated.fit(np.repeat(X, weight, axis=0), np.repeat(Y, weight, axis=0))
    assert_allclose(weighted.score_samples(X, Y), repeated.score_samples(X, Y), atol=1e-4)
    one = ChainRuleConditional(LOGISTIC, n_categories=3).fit(X, Y)
    two = ChainRuleConditional(LOGISTIC, n_categories=3, n_jobs=2).fit(X, Y)
    assert_equal_to_rounding(one.score_samples(X, Y), two.score_samples(X, Y))


def test_uninformative_conditions_leave_the_density():
    _, Y = make_data(100, (2, 3, 2))
    model = ChainRuleConditional(LOGISTIC).fit(np.zeros((100, 1)), Y)
    density = ChainRuleDensity(LOGISTIC).fit(Y)
    expected = density.score_samples(Y)
    assert_allclose(model.score_samples(np.zeros((100, 1)), Y), expected, atol=1e-6)


def test_grid_search_takes_data_frames():
    X, Y = make_data(90, (2, 2))
    X, Y = pd.DataFrame(X, columns=list("abc")), pd.DataFrame(Y, columns=["u", "v"])
    grid = {"classifier__C": [0.1, 1.0], "order": [0, None]}
    search = GridSearchCV(ChainRuleConditional(LogisticRegression()), grid, cv=3).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(X).shape == (90, 2)
    assert_array_equal(search.best_estimator_.feature_names_in_, ["a", "b", "c"])


@classifiers
@pytest.mark.parametrize("order", [None, 0, 1, 2])
def test_probabilities_of_labels_are_sums_over_every_y(classifier, order):
    sizes = (2, 3, 2, 3)
    X, Y = make_data(120, sizes)
    model = ChainRuleConditional(clone(classifier), order, n_categories=sizes).fit(X, Y)
    states = all_states(sizes)
    joint = np.exp(score_all(model, X[:15], states))
    proba = model.predict_proba(X[:15])
    assert [own.shape for own in proba] == [(15, k) for k in sizes]
    for j, own in enumerate(proba):
        expected = np.column_stack(
            [joint[:, states[:, j] == c].sum(axis=1) for c in range(sizes[j])]
        )
        assert_allclose(own, expected, atol=1e-12)
        assert_array_equal(model.classes_[j], np.arange(sizes[j]))


def test_without_links_the_probabilities_are_those_of_a_classifier_for_each_output():
    X, Y = make_data(200, (3, 3))
    model = ChainRuleConditional(LOGISTIC, order=0).fit(X, Y)
    apart = MultiOutputClassifier(LOGISTIC).fit(X, Y)
    for own, others in zip(model.predict_proba(X), apart.predict_proba(X), strict=True):
        assert_allclose(own, others, rtol=1e-9)


def test_sums_over_too_many_values_are_refused():
    X, Y = make_data(60, (2,) * 14)
    with pytest.raises(ValueError, match=r"classifier sees up to 8,192 joint .* Set order"):
        ChainRuleConditional().fit(X, Y).predict_proba(X)
    assert len(ChainRuleConditional(order=3).fit(X, Y).predict_proba(X)) == 14

    X, Y = make_data(60, (2,) * 80)
    with pytest.raises(ValueError, match=r"sees up to about 10\*\*23 joint values"):
        ChainRuleConditional(DecisionTreeClassifier(max_depth=1)).fit(X, Y).predict_proba(X)


# ---------------------------------------------------------------------- the order of the chain
@pytest.mark.parametrize("order", [None, 0, 1, 2])
def test_a_scan_is_a_chain_of_permuted_columns(order):
    sizes, scan = np.array([2, 3, 4]), [2, 0, 1]
    X, Y = make_data(150, tuple(sizes))
    model = ChainRuleConditional(LOGISTIC, order, scan=scan, n_categories=sizes).fit(X, Y)
    plain = ChainRuleConditional(LOGISTIC, order, n_categories=sizes[scan]).fit(X, Y[:, scan])
    assert_array_equal(model.scan_, scan)
    assert_array_equal(model.n_categories_, sizes)
    assert_allclose(model.score_samples(X, Y), plain.score_samples(X, Y[:, scan]))
    assert_array_equal(model.predict(X)[:, scan], plain.predict(X))
    drawn = model.sample_y(X, 5, random_state=0)
    assert_array_equal(drawn[:, scan], plain.sample_y(X, 5, random_state=0))
    own, others = model.predict_proba(X), plain.predict_proba(X)
    for place, column in enumerate(scan):
        assert_allclose(own[column], others[place])
        assert_array_equal(model.classes_[column], np.arange(sizes[column]))
        assert_array_equal(model.classifiers_[column].coef_, plain.classifiers_[place].coef_)


def test_a_scan_agrees_with_the_order_of_a_classifier_chain():
    X, Y = make_data(200, (2, 2, 2, 2))
    model = ChainRuleConditional(LOGISTIC, scan=[3, 1, 0, 2]).fit(X, Y)
    chain = ClassifierChain(LOGISTIC, order=[3, 1, 0, 2]).fit(X, Y)
    for own, others in zip(model.scan_, chain.estimators_, strict=True):
        assert_allclose(model.classifiers_[own].coef_, others.coef_, rtol=1e-6)


def test_the_seed_decides_a_random_scan():
    X, Y = make_data(60, (2,) * 6)
    scans = [
        ChainRuleConditional(scan="random", random_state=seed).fit(X, Y).scan_ for seed in (0, 0, 1)
    ]
    assert_array_equal(scans[0], scans[1])
    assert not np.array_equal(scans[0], scans[2])
    assert_array_equal(np.sort(scans[0]), np.arange(6))


def test_invalid_scans_are_refused():
    X, Y = make_data(40, (2, 2, 2))
    for scan, message in [
        ([0, 1], 'scan must be "random", None or a permutation of the 3 columns'),
        ([0, 1, 1], "scan must hold every column from 0 to 2 exactly once"),
        ("snake", "'scan' parameter of ChainRuleConditional"),
    ]:
        with pytest.raises(ValueError, match=message):
            ChainRuleConditional(scan=scan).fit(X, Y)


# ---------------------------------------------------------------------- sparse conditions
@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
@pytest.mark.parametrize("order", [None, 0, 1])
def test_sparse_conditions_are_those_of_the_dense_table(convert, order):
    X, Y = make_data(120, (2, 3, 2))
    X[:, 1:] = np.where(X[:, 1:] > 0.5, X[:, 1:], 0)
    weight = np.arange(120) % 3
    # Trees take weights, neighbours take repeated rows.
    for classifier in (DecisionTreeClassifier(max_depth=3, random_state=0), KNeighborsClassifier()):
        model, dense = (
            ChainRuleConditional(classifier, order, n_categories=(2, 3, 2)).fit(table, Y, weight)
            for table in (convert(X), X)
        )
        assert_allclose(model.score_samples(convert(X), Y), dense.score_samples(X, Y))
        assert_allclose(model.score(convert(X), Y), dense.score(X, Y))
        assert_array_equal(model.predict(convert(X)), dense.predict(X))
        drawn = (one.sample_y(X, 3, random_state=0) for one in (model, dense))
        assert_array_equal(*drawn)
        for own, others in zip(
            model.predict_proba(convert(X)), dense.predict_proba(X), strict=True
        ):
            assert_allclose(own, others)


def test_sparse_conditions_that_tell_nothing_or_are_not_taken():
    X, Y = make_data(60, (2, 2))
    model = ChainRuleConditional(order=0).fit(sparse.csr_array((60, 3)), Y)
    assert model.classifiers_ == [None, None]
    boosted = ChainRuleConditional(HistGradientBoostingClassifier(max_iter=2))
    with pytest.raises(TypeError, match="Sparse data was passed"):
        boosted.fit(sparse.csr_array(X), Y)


# ---------------------------------------------------------------------- role in scikit-learn
def test_scikit_learn_takes_it_for_a_classifier():
    X, y = (own[::2] for own in load_iris(return_X_y=True))
    model, bare = ChainRuleConditional(LOGISTIC), clone(LOGISTIC)
    assert is_classifier(model)
    assert get_tags(model).target_tags.multi_output
    for scoring in ("accuracy", "roc_auc_ovr"):
        scores = cross_val_score(model, X, y, scoring=scoring)
        assert_allclose(scores, cross_val_score(bare, X, y, scoring=scoring), atol=1e-9)
    likelihood = cross_val_score(model, X, y)
    assert_allclose(likelihood, cross_val_score(bare, X, y, scoring="neg_log_loss"), atol=1e-9)
    vote = VotingClassifier([("chain", model), ("tree", GaussianNB())], voting="soft").fit(X, y)
    expected = bare.fit(X, y).predict_proba(X) / 2 + GaussianNB().fit(X, y).predict_proba(X) / 2
    assert_allclose(vote.predict_proba(X), expected, atol=1e-9)
    chance, expected = (
        partial_dependence(own.fit(X, y), X, [0], grid_resolution=5) for own in (model, bare)
    )
    assert_allclose(chance["average"], expected["average"], atol=1e-9)


def test_the_area_under_the_curve_of_several_outputs_is_that_of_their_marginals():
    X, Y = make_data(200, (2, 2))
    model = ChainRuleConditional(LOGISTIC).fit(X, Y)
    ones = np.column_stack([own[:, 1] for own in model.predict_proba(X)])
    assert_allclose(get_scorer("roc_auc")(model, X, Y), roc_auc_score(Y, ones))


@pytest.mark.parametrize("asks", ["classifier", "model", "neither"])
def test_weights_are_routed_where_the_classifier_or_the_model_asks_for_them(asks):
    X, y = load_iris(return_X_y=True)
    weight = np.where(y == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier = clone(LOGISTIC).set_fit_request(sample_weight=asks == "classifier" or None)
        model = ChainRuleConditional(classifier)
        model.set_fit_request(sample_weight=asks == "model" or None)
        search = GridSearchCV(model.set_score_request(sample_weight=False), {"floor": [0.0]})
        if asks == "neither":
            with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
                search.fit(X, y, sample_weight=weight)
            return
        proba = search.fit(X, y, sample_weight=weight).predict_proba(X)
    bare = clone(LOGISTIC).fit(X, y, sample_weight=weight)
    assert_allclose(proba, bare.predict_proba(X), atol=1e-9)


def test_real_numbers_are_no_labels():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        ChainRuleConditional().fit(X, y + X[:, 0])


# ---------------------------------------------------------------------- missing values and refusals
def test_missing_values_in_y_are_refused():
    X, Y = make_data(80, (2, 2))
    assert_array_equal(ChainRuleConditional().fit(X, Y).score_samples(X), np.zeros(80))
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        ChainRuleConditional().fit(X, Y)
    boosted = HistGradientBoostingClassifier(max_iter=5)
    model = ChainRuleConditional(boosted).fit(X, Y)
    assert np.isfinite(model.score_samples(X, Y)).all()
    Y = Y.astype(float)
    Y[2, 0] = np.nan
    for call in (ChainRuleConditional(boosted).fit, model.score_samples):
        with pytest.raises(ValueError, match="y has no value in row 2, column 0"):
            call(X, Y)


def test_errors_name_y():
    X, Y = make_data(30, (2, 2))
    model = ChainRuleConditional().fit(X, Y)
    for wrong, message in [
        (Y - 1, "Negative values in data"),
        (Y + 0.5, r"not integers in y: row 0, column 0 .* Discretise y first"),
        (np.full(Y.shape, 0.5), "not integers in y"),
        (Y.astype("U1").astype(object) + "?", "y of several columns must hold numbers.*OrdinalEnc"),
    ]:
        with pytest.raises(ValueError, match=message):
            ChainRuleConditional().fit(X, wrong)
        with pytest.raises(ValueError, match=message):
            model.score_samples(X, wrong)
    with pytest.raises(ValueError, match="Unknown category in y: column 1 holds 2"):
        model.score_samples(X[:1], [[0, 2]])
    with pytest.raises(ValueError, match="y has 1 columns"):
        model.score_samples(X, Y[:, 0])
    with pytest.raises(ValueError, match="or 2 of them, one per column"):
        ChainRuleConditional(n_categories=[2, 2, 2]).fit(X, Y)
    with pytest.raises(ValueError, match="'classifier' parameter of ChainRuleConditional"):
        ChainRuleConditional(SVC()).fit(X, Y)
    assert_array_equal(ChainRuleConditional().fit(X, Y.astype("U1")).predict(X), model.predict(X))
