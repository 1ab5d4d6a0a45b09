"""MAPIE: conformal sets and intervals around predictions, with the coverage asked for."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split

from skdgm import ConditionalDensity, GaussianDensity, GaussianDiscriminant

pytest.importorskip("mapie", minversion="1.0")
from mapie.classification import SplitConformalClassifier
from mapie.regression import SplitConformalRegressor


def split(X, y):
    """Half of the rows to learn from, a quarter to calibrate and a quarter to test."""
    X, X_rest, y, y_rest = train_test_split(X, y, test_size=0.5, random_state=0)
    X_calibration, X_test, y_calibration, y_test = train_test_split(
        X_rest, y_rest, test_size=0.5, random_state=0
    )
    return X, y, X_calibration, y_calibration, X_test, y_test


def tolerance(level, n_calibration, n_test):
    """Three standard deviations of the coverage found."""
    return 3 * np.sqrt(level * (1 - level) * (1 / n_calibration + 1 / n_test))


def test_sets_of_digits_cover_the_true_one():
    X, y, X_calibration, y_calibration, X_test, y_test = split(*load_digits(return_X_y=True))
    model = GaussianDiscriminant("tied", shrinkage=0.5)
    conformal = SplitConformalClassifier(model, confidence_level=0.95, prefit=False, random_state=0)
    conformal.fit(X, y).conformalize(X_calibration, y_calibration)
    predicted, sets = conformal.predict_set(X_test)
    assert np.mean(predicted == y_test) > 0.9
    coverage = sets[np.arange(len(y_test)), y_test, 0].mean()
    assert abs(coverage - 0.95) < tolerance(0.95, len(y_calibration), len(y_test))
    assert sets.sum(axis=1).mean() < 2  # of ten digits


def test_intervals_of_a_conditional_density_cover_the_response():
    X, y, X_calibration, y_calibration, X_test, y_test = split(*load_diabetes(return_X_y=True))
    model = ConditionalDensity(GaussianDensity(shrinkage=0.01))
    conformal = SplitConformalRegressor(model, confidence_level=0.8, prefit=False)
    conformal.fit(X, y).conformalize(X_calibration, y_calibration)
    _, intervals = conformal.predict_interval(X_test)
    low, high = intervals[:, 0, 0], intervals[:, 1, 0]
    coverage = np.mean((low <= y_test) & (y_test <= high))
    assert abs(coverage - 0.8) < tolerance(0.8, len(y_calibration), len(y_test))
    usual = np.quantile(y, 0.9) - np.quantile(y, 0.1)  # an interval that knows no x
    assert np.mean(high - low) < usual
