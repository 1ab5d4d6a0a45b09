"""SHAP: what each column adds to a probability of a class, or to a log-density."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_iris

from skdgm import GaussianDensity, GaussianDiscriminant

shap = pytest.importorskip("shap")
X, SPECIES = load_iris(return_X_y=True)
PETALS = [2, 3]


def test_values_sum_to_the_difference_of_predictions():
    model = GaussianDiscriminant(shrinkage=0.1).fit(X, SPECIES)
    background = X[::5]
    explained = shap.Explainer(model.predict_proba, background)(X[::10])
    assert_allclose(explained.base_values[0], model.predict_proba(background).mean(axis=0))
    difference = model.predict_proba(X[::10]) - explained.base_values
    assert_allclose(explained.values.sum(axis=1), difference, atol=1e-10)
    importance = np.abs(explained.values).mean(axis=(0, 2))
    assert set(np.argsort(importance)[-2:]) == set(PETALS)


def test_values_name_the_cell_that_makes_a_row_unlikely():
    density = GaussianDensity().fit(X)
    rows = X[::15].copy()
    rows[np.arange(len(rows)), np.arange(len(rows)) % 4] += 5.0
    explained = shap.Explainer(density.score_samples, X[::5])(rows)
    difference = density.score_samples(rows) - explained.base_values
    assert_allclose(explained.values.sum(axis=1), difference, atol=1e-8)
    wrong = explained.values.argmin(axis=1)
    assert np.mean(wrong == np.arange(len(rows)) % 4) > 0.7


def test_values_of_a_linear_discriminant_sum_to_its_log_odds():
    X, y = load_breast_cancer(return_X_y=True)
    model = GaussianDiscriminant("tied", shrinkage=0.1).fit(X, y)
    explained = shap.LinearExplainer(model, X)(X[:20])
    difference = model.decision_function(X[:20]) - explained.base_values
    assert_allclose(explained.values.sum(axis=1), difference, atol=1e-8)
