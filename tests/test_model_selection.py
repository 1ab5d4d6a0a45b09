"""The estimators inside scikit-learn: pipelines, grid searches, cloning across processes."""

import numpy as np
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Binarizer, StandardScaler

from skdgm import GaussianDiscriminant, GenerativeClassifier, MarkovChainImageDensity, PCAProjection

X, Y = load_digits(return_X_y=True)


def test_densities_are_searched_by_held_out_likelihood():
    pipeline = Pipeline(
        [
            ("binarize", Binarizer(threshold=7)),
            ("density", MarkovChainImageDensity(n_categories=2, image_shape=(8, 8))),
        ]
    )
    search = GridSearchCV(
        pipeline,
        {"density__order": [0, 1, 3], "density__scan": ["raster", "snake", "hilbert"]},
        cv=3,
        error_score="raise",
    ).fit(X)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert search.best_params_["density__order"] > 0
    assert search.score(X) > search.best_score_  # on what it was fitted to
    assert search.best_estimator_.score_samples(X).shape == (len(X),)


def test_a_searched_discriminant_beats_logistic_regression():
    X_train, X_test, y_train, y_test = train_test_split(X, Y, random_state=0, stratify=Y)
    search = GridSearchCV(
        Pipeline([("project", PCAProjection()), ("classify", GaussianDiscriminant())]),
        {"project__n_components": [20, 30], "classify__shrinkage": [None, 0.1]},
        cv=3,
        error_score="raise",
    ).fit(X_train, y_train)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    logistic.fit(X_train, y_train)
    assert search.score(X_test, y_test) > logistic.score(X_test, y_test)


def test_parameters_of_a_nested_density_are_searched():
    binary = (X > 7).astype(np.uint8)
    search = GridSearchCV(
        GenerativeClassifier(MarkovChainImageDensity(n_categories=2)),
        {"density__order": [0, 2], "density__alpha": [0.1, 1.0]},
        cv=2,
        n_jobs=2,
        error_score="raise",
    )
    with parallel_config(backend="threading"):  # processes start slowly
        search.fit(binary, Y)
    assert search.best_score_ > 0.8
    assert search.best_estimator_.densities_[0].order == search.best_params_["density__order"]


def test_cross_validation_leaves_the_estimator_unfitted():
    model = GaussianDiscriminant("diag")
    assert cross_val_score(model, X, Y, cv=3).mean() > 0.7
    assert vars(model) == vars(clone(model))
