"""Estimators in the roles for which scikit-learn's tools ask: decisions, steps of pipelines."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
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
