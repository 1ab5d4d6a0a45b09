"""DensityOutlierDetector: rows that a density hardly ever draws, whatever cells are missing."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone, is_outlier_detector
from sklearn.datasets import load_iris
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    CategoricalIndependentDensity,
    DensityOutlierDetector,
    GaussianDensity,
    TableDensity,
)

from .rows import hide

NORMAL = DensityOutlierDetector(GaussianDensity(), random_state=0)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2000, 6)) @ rng.normal(size=(6, 6))


def test_scores_order_complete_rows_as_log_densities_do(rows):
    detector = clone(NORMAL).fit(rows)
    scores, log_prob = detector.score_samples(rows), detector.density_.score_samples(rows)
    assert_array_equal(np.argsort(scores, kind="stable"), np.argsort(log_prob, kind="stable"))


def test_scores_of_a_normal_are_those_of_its_distances():
    X = np.random.default_rng(1).normal(size=(500, 3))
    detector = clone(NORMAL).set_params(n_draws=100_000).fit(X)
    mean, covariance = detector.density_.mean_, detector.density_.get_covariance()
    squares = np.einsum("ij,jk,ik->i", X - mean, np.linalg.inv(covariance), X - mean)
    assert_allclose(np.exp(detector.score_samples(X)), stats.chi2(3).sf(squares), atol=0.01)


def test_five_percent_are_outliers_whatever_is_missing(rows):
    detector = clone(NORMAL).fit(rows)
    for missing in ([], [0], [0, 3, 5]):
        X = rows.copy()
        X[:, missing] = np.nan
        assert_allclose(np.mean(detector.predict(X) == -1), 0.05, atol=0.02)
    assert_array_equal(detector.predict(np.full((2, 6), np.nan)), 1)


def test_contamination_is_the_share_of_training_rows(rows):
    X = hide(rows[:300], 0.3)
    detector = clone(NORMAL).set_params(contamination=0.1).fit(X)
    labels = detector.predict(X)
    assert np.sum(labels == -1) == 30
    assert_array_equal(labels == -1, detector.decision_function(X) < 0)
    assert_array_equal(labels, clone(detector).fit_predict(X))
    assert_allclose(detector.decision_function(X), detector.score_samples(X) - detector.offset_)


def test_outliers_among_rows_with_holes_are_found(rows):
    rng = np.random.default_rng(2)
    spoiled = rng.random(len(rows)) < 0.05
    X = rows.copy()
    X[spoiled] = rng.permuted(X[spoiled], axis=0) * 2  # each column keeps its scale, not the row
    X = hide(X, 0.3, seed=3)
    detector = clone(NORMAL).fit(X)
    by_score = roc_auc_score(spoiled, -detector.score_samples(X))
    by_density = roc_auc_score(spoiled, -detector.density_.score_samples(X))
    assert by_score > 0.85
    assert by_score > by_density


def test_rows_that_are_ruled_out_have_finite_scores():
    X = np.array([[0, 0], [1, 0], [0, 0], [1, 0]] * 5)
    detector = DensityOutlierDetector(BernoulliIndependentDensity(alpha=0), random_state=0).fit(X)
    scores = detector.score_samples([[0, 0], [0, 1]])
    assert np.isfinite(scores).all()
    assert scores[1] < -700
    assert_array_equal(detector.predict([[0, 0], [0, 1]]), [1, -1])


def test_frames_need_no_encoder():
    rng = np.random.default_rng(0)
    kind = rng.choice(["cat", "dog"], 200)
    weight = np.where(kind == "cat", rng.normal(4, 1, 200), rng.normal(20, 2, 200)).round(1)
    pets = pd.DataFrame({"kind": kind, "weight": weight})
    detector = DensityOutlierDetector(random_state=0).fit(pets)
    assert isinstance(detector.density_, TableDensity)
    query = pd.DataFrame({"kind": ["cat", "cat", None], "weight": [4.0, 20.0, 20.0]})
    assert_array_equal(detector.predict(query), [1, -1, 1])
    table = DensityOutlierDetector(TableDensity(CategoricalIndependentDensity()))
    assert table.fit(pets).predict(pets).shape == (200,)


def test_it_works_in_pipelines_and_searches():
    X = load_iris().data
    y = np.where(np.arange(150) < 10, -1, 1)
    X[:10] = X[:10, ::-1]
    pipeline = make_pipeline(StandardScaler(), clone(NORMAL))
    assert is_outlier_detector(pipeline)
    grid = {"densityoutlierdetector__density__shrinkage": [0.0, 0.5]}
    order = np.random.default_rng(0).permutation(150)
    search = GridSearchCV(pipeline, grid, scoring="roc_auc", cv=2).fit(X[order], y[order])
    assert search.best_score_ > 0.9


def test_a_detector_that_cannot_be_fitted_stays_as_it_was(rows):
    detector = clone(NORMAL).fit(rows)
    before = detector.score_samples(rows[:5])
    with pytest.raises(ValueError, match="column"):
        detector.fit(np.full((5, 6), np.nan))
    assert_array_equal(detector.score_samples(rows[:5]), before)
    with pytest.raises(ValueError, match="contamination"):
        clone(NORMAL).set_params(contamination=0.7).fit(rows)
