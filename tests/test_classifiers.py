"""GenerativeClassifier and GaussianDiscriminant: Bayes' rule, and scikit-learn's own answers."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)

from .rounding import assert_equal_to_rounding
from .rows import hide

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
DENSITIES = [
    BernoulliIndependentDensity(),
    MarkovChainImageDensity(),
    FullCategoricalDensity(),
    GaussianDensity(reg_covar=0),
    GaussianDensity("tied"),
]


def labelled_data(n_samples=90, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, size=(n_samples, 4))
    y = np.array(["apple", "pear", "plum"])[np.minimum(X.sum(axis=1) // 3, 2)]
    y[:3] = ["apple", "pear", "plum"]
    return X, y


@pytest.mark.parametrize("density", DENSITIES, ids=str)
def test_predictions_follow_from_bayes_rule(density):
    X, y = labelled_data()
    classifier = GenerativeClassifier(density).fit(X, y)
    joint = np.column_stack([own.score_samples(X) for own in classifier.densities_])
    joint += np.log(classifier.priors_)
    assert_allclose(classifier.priors_, np.unique(y, return_counts=True)[1] / len(y))
    assert_allclose(classifier.predict_joint_log_proba(X), joint)
    assert_allclose(classifier.score_samples(X), logsumexp(joint, axis=1))
    log_proba = joint - logsumexp(joint, axis=1, keepdims=True)
    assert_allclose(classifier.predict_log_proba(X), log_proba, atol=1e-12)
    assert_allclose(classifier.predict_proba(X).sum(axis=1), 1)
    assert_array_equal(classifier.predict(X), classifier.classes_[joint.argmax(axis=1)])


@pytest.mark.parametrize("density", DENSITIES[:4], ids=str)
def test_each_class_has_the_density_fitted_to_its_rows(density):
    X, y = labelled_data()
    classifier = GenerativeClassifier(density).fit(X, y)
    for label, own in zip(classifier.classes_, classifier.densities_, strict=True):
        alone = clone(density).fit(X[y == label])
        assert_allclose(own.score_samples(X[y == label]), alone.score_samples(X[y == label]))
    own = sum(fitted.n_parameters_ for fitted in classifier.densities_)
    assert classifier.n_parameters_ == own + 2
    assert density.get_params() == clone(density).get_params()
    assert not hasattr(density, "n_parameters_")  # the prototype stays unfitted


def test_agrees_with_quadratic_discriminant_analysis():
    theirs = QuadraticDiscriminantAnalysis().fit(X_IRIS, Y_IRIS)
    ours = GaussianDiscriminant(reg_covar=0).fit(X_IRIS, Y_IRIS)
    assert_allclose(ours.means_, theirs.means_)
    assert_allclose(ours.priors_, theirs.priors_)
    for label in range(3):
        maximum_likelihood = np.cov(X_IRIS[label == Y_IRIS].T, ddof=0)
        assert_allclose(ours.covariances_[label], maximum_likelihood)
    # Versions of QDA divide by n or by n - 1.
    assert_allclose(ours.predict_proba(X_IRIS), theirs.predict_proba(X_IRIS), atol=0.05)


@pytest.mark.parametrize("shrinkage", [None, 0.3])
def test_agrees_with_linear_discriminant_analysis(shrinkage):
    means = np.stack([X_IRIS[label == Y_IRIS].mean(axis=0) for label in range(3)])
    X = X_IRIS / (X_IRIS - means[Y_IRIS]).std(axis=0)  # variance 1 within the classes
    theirs = LinearDiscriminantAnalysis(
        solver="lsqr", store_covariance=True, shrinkage=shrinkage
    ).fit(X, Y_IRIS)
    ours = GaussianDiscriminant("tied", reg_covar=0, shrinkage=shrinkage).fit(X, Y_IRIS)
    assert_allclose(ours.covariances_, theirs.covariance_, atol=1e-12)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)


def test_agrees_with_gaussian_naive_bayes():
    theirs = GaussianNB(var_smoothing=0).fit(X_IRIS, Y_IRIS)
    ours = GaussianDiscriminant("diag", reg_covar=0).fit(X_IRIS, Y_IRIS)
    assert_allclose(ours.covariances_, theirs.var_)
    assert_allclose(ours.predict_joint_log_proba(X_IRIS), theirs.predict_joint_log_proba(X_IRIS))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_a_discriminant_is_the_gaussian_generative_classifier(covariance_type):
    settings = {"shrinkage": 0.1, "reg_covar": 1e-4, "n_factors": 2}
    discriminant = GaussianDiscriminant(covariance_type, **settings).fit(X_IRIS, Y_IRIS)
    classifier = GenerativeClassifier(GaussianDensity(covariance_type, **settings))
    classifier.fit(X_IRIS, Y_IRIS)
    assert_allclose(discriminant.predict_proba(X_IRIS), classifier.predict_proba(X_IRIS))
    assert discriminant.n_parameters_ == classifier.n_parameters_
    assert hasattr(discriminant, "covariances_") == (covariance_type != "low_rank")


@pytest.mark.parametrize(
    ("covariance_type", "expected"),
    [
        ("full", 2 + 3 * 4 + 3 * 10),
        ("tied", 2 + 3 * 4 + 10),
        ("diag", 2 + 3 * 4 + 3 * 4),
        ("spherical", 2 + 3 * 4 + 3),
        ("low_rank", 2 + 3 * 4 + 3 * (4 * 2 - 1 + 1)),
    ],
)
def test_parameters_are_counted(covariance_type, expected):
    model = GaussianDiscriminant(covariance_type, n_factors=2).fit(X_IRIS, Y_IRIS)
    assert model.n_parameters_ == expected
    model.set_params(priors=[0.2, 0.3, 0.5]).fit(X_IRIS, Y_IRIS)
    assert model.n_parameters_ == expected - 2  # priors that are given are not learned


def test_astronomical_numbers_of_parameters_are_exact():
    X = np.random.default_rng(0).integers(0, 2, size=(20, 784))
    model = GenerativeClassifier(FullCategoricalDensity(n_categories=2)).fit(X, [0, 1] * 10)
    assert model.n_parameters_ == 2 * (2**784 - 1) + 1


def test_tied_covariance_survives_a_class_with_one_row():
    X = np.vstack([X_IRIS, X_IRIS[:1] + 20])
    y = np.append(Y_IRIS, 3)
    for reg_covar in (1e-6, 0.0):
        model = GaussianDiscriminant("tied", reg_covar=reg_covar).fit(X, y)
        assert model.predict(X[-1:]) == 3
    assert GaussianDiscriminant().fit(X, y).predict(X[-1:]) == 3
    with pytest.raises(ValueError, match="reg_covar=0 leaves a variance of zero"):
        GaussianDiscriminant(reg_covar=0).fit(X, y)


def test_given_priors_replace_the_shares_of_the_classes():
    model = GaussianDiscriminant(priors=[0.7, 0.2, 0.1]).fit(X_IRIS, Y_IRIS)
    learned = GaussianDiscriminant().fit(X_IRIS, Y_IRIS)
    shift = np.log([0.7, 0.2, 0.1]) - np.log(1 / 3)
    assert_allclose(
        model.predict_joint_log_proba(X_IRIS), learned.predict_joint_log_proba(X_IRIS) + shift
    )
    never = GaussianDiscriminant(priors=[0, 0.5, 0.5]).fit(X_IRIS, Y_IRIS)
    assert not (never.predict(X_IRIS) == 0).any()
    assert not (never.sample(50, random_state=0)[1] == 0).any()


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ([0.5, 0.5], "priors must hold one probability for each of the 3 classes"),
        ([0.5, 0.6, -0.1], "priors must not be negative and must sum to 1"),
        ([0.5, 0.5, 0.5], "priors must not be negative and must sum to 1"),
        ("even", "'priors' parameter"),
        ({0: 0.5, 1: 0.5}, "priors must have the classes .0, 1, 2. as keys"),
    ],
)
def test_invalid_priors_are_refused(priors, message):
    for model in (GaussianDiscriminant(), GenerativeClassifier(GaussianDensity())):
        with pytest.raises(ValueError, match=message):
            model.set_params(priors=priors).fit(X_IRIS, Y_IRIS)
        assert not hasattr(model, "classes_")


def test_rows_that_every_class_rules_out_get_the_priors():
    X, y = np.array([[0, 0], [0, 1], [1, 1]]), np.array([0, 0, 1])
    model = GenerativeClassifier(FullCategoricalDensity(alpha=0)).fit(X, y)
    assert_allclose(model.predict_proba([[1, 0]]), [[2 / 3, 1 / 3]])
    assert_array_equal(model.predict([[1, 0]]), [0])
    assert_array_equal(model.score_samples([[1, 0]]), [-np.inf])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
@pytest.mark.parametrize("kind", ["discriminant", "generative", "behind", "mixture"])
def test_probabilities_of_rows_far_out_sum_to_one(kind, covariance_type):
    """Near the boundary, both classes have log-probabilities of about -1e15, 0 or 1 apart."""
    rng = np.random.default_rng(0)
    first = rng.normal([1, 0, 0], size=(60, 3))
    X, y = np.vstack([first, first * [-1, 1, 1]]), np.repeat(["a", "b"], 60)
    normal = GaussianDensity(covariance_type)
    model = {
        "discriminant": GaussianDiscriminant(covariance_type),
        "generative": GenerativeClassifier(MixtureDensity(normal, random_state=0, max_iter=3)),
        "behind": GenerativeClassifier(TransformedDensity(StandardScaler(), normal)),
        "mixture": MixtureDensity(normal, random_state=0, max_iter=3),
    }[kind].fit(X, y)
    near, anywhere = rng.normal(size=(2, 50, 3))
    far = 10.0 ** np.arange(0, 13, 2)  # standard deviations
    rows = np.vstack([scale * anywhere for scale in far] + [near * [1, s, s] for s in far])
    rows[::7, 1] = np.nan
    probability = model.predict_proba(rows)
    assert_allclose(probability.sum(axis=1), 1, rtol=1e-12)
    if kind != "mixture":
        log_proba = model.predict_log_proba(rows)
        assert_allclose(np.exp(log_proba), probability, rtol=1e-12, atol=1e-300)
        assert_array_equal(model.predict(rows), model.classes_[log_proba.argmax(axis=1)])


@pytest.mark.parametrize("density", DENSITIES, ids=str)
def test_threads_change_nothing_and_integer_weights_repeat_rows(density):
    X, y = labelled_data()
    weight = np.random.default_rng(0).integers(0, 3, size=len(y))
    weight[:3] = 1
    one = GenerativeClassifier(density).fit(X, y, sample_weight=weight)
    two = GenerativeClassifier(density, n_jobs=2).fit(X, y, sample_weight=weight)
    assert_equal_to_rounding(one.predict_joint_log_proba(X), two.predict_joint_log_proba(X))
    X_repeated, y_repeated = np.repeat(X, weight, axis=0), np.repeat(y, weight)
    repeated = GenerativeClassifier(density).fit(X_repeated, y_repeated)
    assert_allclose(
        one.predict_joint_log_proba(X_repeated), repeated.predict_joint_log_proba(X_repeated)
    )


def test_a_classifier_is_fitted_anew_to_other_classes():
    X, y = labelled_data()
    for classifier in (GenerativeClassifier(BernoulliIndependentDensity()), GaussianDiscriminant()):
        again = clone(classifier).fit(X, np.arange(len(X)) % 5).fit(X, y)
        assert_array_equal(again.priors_, clone(classifier).fit(X, y).priors_)


def test_a_class_may_lack_a_category():
    X, y = np.array([[0], [1], [2], [5]]), np.array([0, 0, 0, 1])
    model = GenerativeClassifier(FullCategoricalDensity()).fit(X, y)
    assert np.isfinite(model.predict_log_proba([[5], [2], [0]])).all()


# ---------------------------------------------------------------------- samples
@pytest.mark.parametrize("density", DENSITIES, ids=str)
def test_samples_come_with_their_classes(density):
    X, y = labelled_data()
    model = GenerativeClassifier(density, priors=[0.6, 0.3, 0.1]).fit(X, y)
    X_new, y_new = model.sample(5000, random_state=0)
    assert X_new.shape == (5000, 4)
    share = [(y_new == label).mean() for label in model.classes_]
    assert_allclose(share, [0.6, 0.3, 0.1], atol=0.03)
    for label, own in zip(model.classes_, model.densities_, strict=True):
        expected = own.sample(20_000, random_state=1).mean(axis=0)
        assert_allclose(X_new[y_new == label].mean(axis=0), expected, atol=0.15)
    again = model.sample(5000, random_state=0)
    assert_array_equal(X_new, again[0])
    assert_array_equal(y_new, again[1])


def test_samples_have_the_given_classes():
    X, y = labelled_data()
    model = GenerativeClassifier(FullCategoricalDensity(alpha=0)).fit(X, y)
    known = {label: {tuple(row) for row in X[y == label]} for label in model.classes_}
    wanted = ["plum", "apple", "plum", "pear"] * 5
    X_new, y_new = model.sample(20, y=wanted, random_state=0)
    assert_array_equal(y_new, wanted)
    assert all(tuple(row) in known[label] for row, label in zip(X_new, y_new, strict=True))
    X_new, y_new = model.sample(6, y="pear", random_state=0)
    assert (y_new == "pear").all()
    assert X_new.dtype == X.dtype
    with pytest.raises(ValueError, match="y holds the unknown class 'fig'"):
        model.sample(3, y="fig")
    with pytest.raises(ValueError, match="y must be one class label or 3 of them"):
        model.sample(3, y=["pear", "plum"])
    with pytest.raises(ValueError, match="n_samples must be an integer of 1 or more"):
        model.sample(0)


# ---------------------------------------------------------------------- conventions and refusals
def test_frames_keep_their_names():
    X = pd.DataFrame(X_IRIS, columns=["a", "b", "c", "d"])
    model = GaussianDiscriminant().fit(X, Y_IRIS)
    assert list(model.feature_names_in_) == ["a", "b", "c", "d"]
    assert list(model.densities_[0].feature_names_in_) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X[["b", "a", "c", "d"]])


def test_labels_may_be_of_any_kind():
    for y in (Y_IRIS.astype(str), Y_IRIS.astype(bool), Y_IRIS - 5):
        model = GaussianDiscriminant("diag").fit(X_IRIS, y)
        assert set(model.predict(X_IRIS)) <= set(y)


def test_infinity_is_refused():
    X = X_IRIS.copy()
    X[3, 1] = np.inf
    model = GaussianDiscriminant().fit(X_IRIS, Y_IRIS)
    before = model.predict_proba(X_IRIS)
    for call in (lambda: model.fit(X, Y_IRIS), lambda: model.predict(X)):
        with pytest.raises(ValueError, match="infinity"):
            call()
    assert_array_equal(model.predict_proba(X_IRIS), before)


def test_invalid_densities_are_refused():
    with pytest.raises(ValueError, match="'density' parameter of GenerativeClassifier"):
        GenerativeClassifier("gaussian").fit(X_IRIS, Y_IRIS)


def test_errors_of_the_density_come_through():
    model = GenerativeClassifier(MarkovChainImageDensity(order=9))
    with pytest.raises(ValueError, match="order must be at most"):
        model.fit([[0, 1], [1, 0]], [0, 1])
    model = GenerativeClassifier(MarkovChainImageDensity(order=-1))
    with pytest.raises(ValueError, match="'order' parameter of MarkovChainImageDensity"):
        model.fit([[0, 1], [1, 0]], [0, 1])


def test_chains_beat_independent_pixels_on_digits():
    X, y = load_digits(return_X_y=True)
    train, test = slice(0, 1200), slice(1200, None)
    binary = (X > 7).astype(np.uint8)
    chain = GenerativeClassifier(MarkovChainImageDensity(n_categories=2)).fit(
        binary[train], y[train]
    )
    coins = GenerativeClassifier(BernoulliIndependentDensity()).fit(binary[train], y[train])
    assert chain.score_samples(binary[test]).mean() > coins.score_samples(binary[test]).mean()
    assert chain.score(binary[test], y[test]) > 0.85


# ---------------------------------------------------------------------- missing values
@pytest.mark.parametrize(
    "classifier",
    [
        GaussianDiscriminant(),
        GaussianDiscriminant("tied"),
        GaussianDiscriminant("low_rank", n_factors=1),
        GenerativeClassifier(GaussianDensity("diag")),
        GenerativeClassifier(BernoulliIndependentDensity(binarize=3)),
    ],
    ids=str,
)
def test_bayes_rule_on_the_observed_columns(classifier):
    """``p(y | x_observed)`` is Bayes' rule on the densities of the observed columns alone."""
    X, y = load_iris(return_X_y=True)
    model = clone(classifier).fit(X, y)
    incomplete = X.copy()
    incomplete[:, [0, 3]] = np.nan
    joint = np.log(model.priors_) + np.stack(
        [density.score_samples(incomplete) for density in model.densities_], axis=1
    )
    expected = joint - logsumexp(joint, axis=1, keepdims=True)
    assert_allclose(model.predict_log_proba(incomplete), expected, atol=1e-12)
    if not isinstance(model.densities_[0], GaussianDensity):
        return
    observed = clone(classifier).fit(X[:, [1, 2]], y)
    if getattr(model, "covariance_type", "diag") != "low_rank":  # whose noise all columns share
        assert_allclose(model.predict_proba(incomplete), observed.predict_proba(X[:, [1, 2]]))
    assert model.score(incomplete, y) > 0.85
    nothing = np.full((2, 4), np.nan)
    assert_allclose(model.predict_proba(nothing), np.tile(model.priors_, (2, 1)))
    assert_allclose(model.score_samples(nothing), 0, atol=1e-12)


@pytest.mark.parametrize(
    "classifier",
    [
        GaussianDiscriminant(shrinkage=0.1),
        GaussianDiscriminant("tied", shrinkage=0.1),
        GenerativeClassifier(BernoulliIndependentDensity(binarize=7)),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_learning_from_missing_values_beats_imputing_them(classifier):
    X, y = load_digits(return_X_y=True)
    X = X[:, 16:48]
    incomplete = hide(X, 0.4)
    train, test = slice(0, 900), slice(900, None)
    if hasattr(classifier, "max_iter"):
        classifier = clone(classifier).set_params(max_iter=10)
    model = clone(classifier).fit(incomplete[train], y[train])
    mean = np.nanmean(incomplete[train], axis=0)
    filled = np.where(np.isnan(incomplete[train]), mean, incomplete[train])
    imputed = clone(classifier).fit(filled, y[train])
    assert model.score(X[test], y[test]) > imputed.score(X[test], y[test])
    complete = clone(classifier).fit(X[train], y[train])
    assert model.score(X[test], y[test]) > complete.score(X[test], y[test]) - 0.06
