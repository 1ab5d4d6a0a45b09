"""DensityImputer: an imputer as scikit-learn expects it, with the completions of a density."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from skdgm import (
    BernoulliIndependentDensity,
    DensityImputer,
    GaussianDensity,
    GaussianDiscriminant,
    MarkovChainImageDensity,
)

from .rounding import assert_equal_to_rounding
from .rows import hide

IRIS, SPECIES = load_iris(return_X_y=True)


def test_strategies_are_completions_of_the_density():
    X = hide(load_digits().data[:300, 18:22] > 7, 0.2)
    density = MarkovChainImageDensity(n_categories=2).fit(X)
    fitted = DensityImputer(MarkovChainImageDensity(n_categories=2)).fit(X)
    assert_equal_to_rounding(fitted.transform(X), density.conditional_mean(X))
    fitted.strategy = "mode"
    assert_array_equal(fitted.transform(X), density.conditional_mode(X))
    fitted.set_params(strategy="sample", random_state=3)
    assert_array_equal(fitted.transform(X), density.conditional_sample(X, random_state=3))
    assert_array_equal(fitted.transform(X), fitted.transform(X))


def test_the_mean_of_a_normal_is_linear_regression():
    X = IRIS.copy()
    X[100:, 2] = np.nan
    imputed = DensityImputer(GaussianDensity(reg_covar=0, tol=1e-12)).fit_transform(X)
    others = np.delete(IRIS, 2, axis=1)
    regression = LinearRegression().fit(others[:100], IRIS[:100, 2])
    assert_allclose(imputed[100:, 2], regression.predict(others[100:]), atol=1e-3)


def test_independent_columns_are_imputed_as_by_simple_imputer():
    X = hide(IRIS, 0.2)
    imputed = DensityImputer(GaussianDensity("diag")).fit_transform(X)
    assert_allclose(imputed, SimpleImputer().fit_transform(X))


def test_indicator_columns_agree_with_missing_indicator():
    X = hide(IRIS, 0.2)
    X[:, 3] = IRIS[:, 3]  # complete in training
    plain = DensityImputer(GaussianDensity()).fit_transform(X)
    imputer = DensityImputer(GaussianDensity(), add_indicator=True).fit(X)
    completed = imputer.transform(X)
    indicator = MissingIndicator().fit(X)
    assert_allclose(completed, np.hstack([plain, indicator.transform(X)]))
    assert list(imputer.get_feature_names_out()) == [
        *["x0", "x1", "x2", "x3"],
        *["missingindicator_x0", "missingindicator_x1", "missingindicator_x2"],
    ]
    later = np.full((1, 4), np.nan)  # a column complete in training may miss values later
    assert_array_equal(imputer.transform(later)[0, 4:], [1, 1, 1])


def test_frames_keep_their_names_and_index():
    frame = load_iris(as_frame=True).data
    frame = frame.mask(np.random.default_rng(0).random(frame.shape) < 0.2)
    frame.index = pd.Index(np.arange(150) + 1000)
    imputer = DensityImputer(GaussianDensity(), add_indicator=True).set_output(transform="pandas")
    completed = imputer.fit_transform(frame)
    assert list(completed.columns[:4]) == list(frame.columns)
    assert list(completed.columns[4:]) == [f"missingindicator_{name}" for name in frame.columns]
    assert_array_equal(completed.index, frame.index)
    seen = frame.notna().to_numpy()
    assert_array_equal(completed.to_numpy()[:, :4][seen], frame.to_numpy()[seen])
    with pytest.raises(ValueError, match="feature names"):
        imputer.transform(frame[frame.columns[::-1]])


def test_sparse_rows_stay_sparse():
    X = hide(np.random.default_rng(0).random((30, 6)) < 0.3, 0.2)
    imputer = DensityImputer(BernoulliIndependentDensity(), add_indicator=True)
    stored = imputer.fit(sparse.csr_array(X)).transform(sparse.csr_array(X))
    assert sparse.issparse(stored)
    assert_allclose(stored.toarray(), imputer.fit_transform(X))


def test_it_helps_a_classifier_in_a_pipeline():
    X = hide(IRIS, 0.4)
    model = make_pipeline(DensityImputer(GaussianDensity()), LogisticRegression(max_iter=1000))
    simple = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=1000))
    assert cross_val_score(model, X, SPECIES).mean() > cross_val_score(simple, X, SPECIES).mean()
    grid = {
        "densityimputer__strategy": ["mean", "sample"],
        "densityimputer__density__covariance_type": ["full", "diag"],
        "densityimputer__random_state": [0],
    }
    search = GridSearchCV(model, grid, cv=3).fit(X, SPECIES)
    assert search.best_score_ > 0.85
    integrated = cross_val_score(GaussianDiscriminant("tied"), X, SPECIES).mean()
    assert integrated > cross_val_score(simple, X, SPECIES).mean()


def test_it_predicts_missing_values_better_than_means():
    X = load_diabetes().data
    train, test = X[:300], X[300:]
    incomplete = hide(test, 0.3)
    missing = np.isnan(incomplete)
    error = {}
    for imputer in (SimpleImputer(), DensityImputer(GaussianDensity())):
        completed = imputer.fit(hide(train, 0.3, seed=1)).transform(incomplete)
        error[type(imputer)] = np.mean((completed - test)[missing] ** 2)
    assert error[DensityImputer] < 0.75 * error[SimpleImputer]


def test_invalid_input_is_refused():
    imputer = DensityImputer(GaussianDensity())
    with pytest.raises(NotFittedError):
        imputer.transform(IRIS)
    X = hide(IRIS, 0.2)
    X[:] = np.nan
    with pytest.raises(ValueError, match="no observed value in any column"):
        imputer.fit(X)
    assert vars(imputer).keys() == imputer.get_params(deep=False).keys()
    with pytest.raises(ValueError, match="infinity"):
        imputer.fit(np.where(np.isnan(X), np.inf, X))
    with pytest.raises(ValueError, match="'strategy' parameter"):
        DensityImputer(GaussianDensity(), "median").fit(IRIS)
    with pytest.raises(ValueError, match="'density' parameter"):
        DensityImputer(SimpleImputer()).fit(IRIS)
