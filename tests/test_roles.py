"""Estimators in the roles for which scikit-learn's tools ask: decisions, steps of pipelines."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.covariance import OAS, LedoitWolf
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
)

X, Y = load_iris(return_X_y=True)
TWO = Y > 0  # the last two species are the last hundred rows


# ---------------------------------------------------------------------- decisions
def test_decisions_of_two_classes_are_the_log_odds_of_quadratic_discriminant_analysis():
    rows, y = X[TWO], Y[TWO]
    ours = GaussianDiscriminant(reg_covar=0).fit(rows, y)
    unbiased = [49 / 50 * np.cov(rows[y == c].T) for c in (1, 2)]
    assert_allclose(ours.covariances_, unbiased, rtol=1e-9)
    log_proba = ours.predict_log_proba(rows)
    assert_allclose(ours.decision_function(rows), log_proba[:, 1] - log_proba[:, 0], atol=1e-9)
    theirs = QuadraticDiscriminantAnalysis().fit(rows, y).decision_function(rows)
    assert np.corrcoef(ours.decision_function(rows), theirs)[0, 1] > 0.999


def test_decisions_of_several_classes_are_joint_log_probabilities():
    model = GenerativeClassifier(GaussianDensity()).fit(X, Y)
    assert_allclose(model.decision_function(X), model.predict_joint_log_proba(X))
    assert_array_equal(model.decision_function(X).argmax(axis=1), model.predict(X))


def test_decisions_are_finite_and_ordered():
    coins = np.array([[0, 0], [0, 1], [1, 1], [1, 1]])
    model = GenerativeClassifier(BernoulliIndependentDensity(alpha=0)).fit(coins, [0, 0, 1, 1])
    decision = model.decision_function([[1, 1], [0, 1], [1, 0]])  # [1, 0] is ruled out by both
    assert np.isfinite(decision).all()
    assert_array_equal(decision, [1e300, -1e300, 0])
    never = GaussianDiscriminant(priors={0: 0.5, 1: 0.5, 2: 0.0}).fit(X, Y)
    assert np.isfinite(never.decision_function(X)).all()
    assert_array_equal(never.decision_function(X).argmax(axis=1), never.predict(X))


def test_scorers_and_calibration_use_decisions_or_probabilities():
    rows, y = X[TWO][:, :2], Y[TWO] == 2
    for density in (GaussianDensity(), ChowLiuTreeDensity(handle_unknown="smooth")):
        own = rows if isinstance(density, GaussianDensity) else (rows * 2).round().astype(int)
        model = GenerativeClassifier(density).fit(own, y)
        by_probability = roc_auc_score(y, model.predict_proba(own)[:, 1])
        assert_allclose(get_scorer("roc_auc")(model, own, y), by_probability)
        calibrated = CalibratedClassifierCV(model, cv=3).fit(own, y)
        assert calibrated.score(own, y) > 0.6
    assert not hasattr(GenerativeClassifier(ChowLiuTreeDensity()), "decision_function")


# ---------------------------------------------------------------------- priors
def test_priors_are_told_by_label_or_uniform():
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    by_place = GaussianDiscriminant(priors=[0.2, 0.3, 0.5]).fit(X, names)
    told = {"virginica": 0.5, "setosa": 0.2, "versicolor": 0.3}
    by_label = GaussianDiscriminant(priors=told).fit(X, names)
    assert_array_equal(by_label.predict_log_proba(X), by_place.predict_log_proba(X))
    uneven = np.r_[0:50, 50:60, 100:150]
    even = GaussianDiscriminant(priors="uniform").fit(X[uneven], names[uneven])
    assert_allclose(even.priors_, 1 / 3)
    weight = (names[uneven] != "setosa").astype(float)
    without = clone(even).fit(X[uneven], names[uneven], sample_weight=weight)
    assert_allclose(without.priors_, [0, 0.5, 0.5])


# ---------------------------------------------------------------------- mixtures as steps
@pytest.fixture(scope="module")
def mixture():
    return MixtureDensity(GaussianDensity(), 3, random_state=0)


def test_a_mixture_represents_rows_by_its_components(mixture):
    fitted = clone(mixture).fit(X)
    assert_array_equal(fitted.transform(X), fitted.predict_proba(X))
    assert_array_equal(clone(mixture).fit_transform(X), fitted.predict_proba(X))
    names = [f"mixturedensity{k}" for k in range(3)]
    assert fitted.get_feature_names_out().tolist() == names
    assert list(clone(fitted).set_output(transform="pandas").fit_transform(X)) == names


def test_fit_predict_gives_the_components_of_the_training_rows(mixture):
    weight = np.random.default_rng(0).integers(1, 4, len(X))
    expected = clone(mixture).fit(X, sample_weight=weight).predict(X)
    assert_array_equal(clone(mixture).fit_predict(X, sample_weight=weight), expected)


def test_a_mixture_stands_in_the_middle_of_a_pipeline(mixture):
    pipeline = make_pipeline(StandardScaler(), clone(mixture), LogisticRegression())
    assert cross_val_score(pipeline, X, Y).mean() > 0.85
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    assert pipeline.fit(holes, Y).score(holes, Y) > 0.8


# ---------------------------------------------------------------------- rows of unknown class
def test_classifiers_complete_rows_whose_class_is_unknown():
    model = GaussianDiscriminant().fit(X, Y)
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.3, np.nan, X)
    by_class = np.stack([own.conditional_mean(holes) for own in model.densities_], axis=2)
    expected = (by_class * model.predict_proba(holes)[:, np.newaxis]).sum(axis=2)
    assert_allclose(model.conditional_mean(holes), expected)
    assert_array_equal(model.conditional_sample(X, random_state=0), X)
    row = np.tile([[np.nan, 3.0, np.nan, np.nan]], (4000, 1))
    drawn = model.conditional_sample(row, random_state=0)
    assert_allclose(drawn.mean(axis=0), model.conditional_mean(row[:1])[0], atol=0.1)
    coins = np.array([[0, 0], [0, 1], [1, 1], [1, 1]])
    model = GenerativeClassifier(BernoulliIndependentDensity(alpha=0)).fit(coins, [0, 0, 1, 1])
    assert_array_equal(model.conditional_mode([[1, np.nan], [0, 0]]), [[1, 1], [0, 0]])
    ruled_out = GenerativeClassifier(BernoulliIndependentDensity(alpha=0)).fit(
        [[0, 0], [0, 1]], [0, 1]
    )
    with pytest.raises(ValueError, match=r"probability zero under the model: row 1"):
        ruled_out.conditional_mean([[0, np.nan], [1, np.nan]])


# ---------------------------------------------------------------------- linear discriminants
def test_tied_covariances_give_the_rule_and_the_axes_of_linear_discriminant_analysis():
    for rows, y in ((X, Y), (X[TWO], Y[TWO])):
        ours = GaussianDiscriminant("tied", reg_covar=0).fit(rows, y)
        theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(rows, y)
        assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
        assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)
        linear = rows @ ours.coef_.T + ours.intercept_
        decision = ours.decision_function(rows).reshape(len(rows), -1)
        assert_allclose(np.ptp(decision - linear, axis=1), 0, atol=1e-9)
        axes = LinearDiscriminantAnalysis().fit(rows, y).transform(rows)
        own = ours.transform(rows)
        axes *= np.linalg.norm(own, axis=0) / np.linalg.norm(axes, axis=0)  # versions differ
        assert_allclose(np.abs(own), np.abs(axes), rtol=1e-6, atol=1e-9)
        within = sum(np.mean(y == c) * np.cov(own[y == c].T, bias=True) for c in set(y))
        assert_allclose(within, np.eye(own.shape[1]), atol=1e-9)


def test_axes_are_of_rows_with_holes_and_of_any_covariance():
    model = GaussianDiscriminant("low_rank", n_factors=2).fit(X, Y)
    axes = model.set_output(transform="pandas").transform(X)
    assert list(axes) == ["gaussiandiscriminant0", "gaussiandiscriminant1"]
    within = sum(share * np.cov(axes[c == Y].T, bias=True) for c, share in enumerate(model.priors_))
    assert_allclose(within, np.eye(2), atol=0.15)
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.3, np.nan, X)
    assert_allclose(model.transform(holes), model.transform(model.conditional_mean(holes)))
    pipeline = make_pipeline(GaussianDiscriminant(), LogisticRegression())
    assert cross_val_score(pipeline, holes, Y).mean() > 0.85


def test_class_weights_multiply_those_of_the_rows():
    uneven = np.r_[0:50, 50:60, 100:150]
    rows, y = X[uneven], Y[uneven]
    weight = np.array([1.0, 5.0, 1.0])[y]
    told = GaussianDiscriminant("tied", class_weight={1: 5.0}).fit(rows, y)
    by_hand = GaussianDiscriminant("tied").fit(rows, y, sample_weight=weight)
    assert_allclose(told.predict_log_proba(rows), by_hand.predict_log_proba(rows), atol=1e-12)
    balanced = GaussianDiscriminant("tied", class_weight="balanced").fit(rows, y)
    assert_allclose(balanced.priors_, 1 / 3)
    assert_allclose(balanced.predict_proba(rows), told.predict_proba(rows), rtol=1e-6)
    with pytest.raises(ValueError, match="class_weight has the unknown class 'a'"):
        GaussianDiscriminant(class_weight={"a": 2.0}).fit(rows, y)


# ---------------------------------------------------------------------- covariance estimators
def test_covariances_may_come_from_an_estimator():
    density = GaussianDensity(covariance_estimator=OAS()).fit(X)
    theirs = OAS().fit(X)
    assert_allclose(density.covariance_, theirs.covariance_)
    assert_allclose(density.precision_, theirs.precision_)
    assert_allclose(density.mahalanobis(X), theirs.mahalanobis(X), rtol=1e-9)
    ours = GaussianDiscriminant("tied", covariance_estimator=LedoitWolf()).fit(X, Y)
    lda = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=LedoitWolf()).fit(X, Y)
    assert_allclose(ours.covariances_, lda.covariance_)
    assert_array_equal(ours.predict(X), lda.predict(X))
    each = GaussianDiscriminant(covariance_estimator=OAS()).fit(X, Y)
    assert_allclose(each.covariances_[1], OAS().fit(X[Y == 1]).covariance_)


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda own: own.fit([[np.nan, 1], [1, 2], [3, 1]]), "takes no missing values"),
        (lambda own: own.fit(X, sample_weight=np.full(len(X), 2.0)), "takes no weights"),
        (lambda own: MixtureDensity(own).fit(X), "takes no weights"),
        (lambda own: own.set_params(covariance_type="diag").fit(X), '"full" or "tied"'),
        (lambda own: own.set_params(shrinkage=0.1).fit(X), "leave one of them None"),
    ],
)
def test_what_an_estimator_of_covariances_does_not_take_is_refused(fit, message):
    with pytest.raises(ValueError, match=message):
        fit(GaussianDensity(covariance_estimator=OAS()))
    assert not hasattr(GaussianDensity(covariance_estimator=OAS()), "partial_fit")


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_distances_and_precisions_follow_from_the_covariance(covariance_type):
    density = GaussianDensity(covariance_type).fit(X)
    inverse = np.linalg.inv(density.get_covariance())
    deviation = X - density.mean_
    assert_allclose(density.mahalanobis(X), np.sum(deviation @ inverse * deviation, axis=1))
    precision = np.asarray(density.precision_)
    assert_allclose(precision if precision.ndim == 2 else precision * np.eye(4), inverse, rtol=1e-7)
    observed = [0, 2]
    own = density.get_covariance()[np.ix_(observed, observed)]
    expected = np.sum(deviation[:, observed] @ np.linalg.inv(own) * deviation[:, observed], axis=1)
    holes = np.where(np.isin(np.arange(4), observed), X, np.nan)
    assert_allclose(density.mahalanobis(holes), expected)
