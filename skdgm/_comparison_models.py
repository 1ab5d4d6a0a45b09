"""The classifiers that are compared: a pipeline each, and the grid that the search goes through."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Binarizer, FunctionTransformer, StandardScaler

from .conditional import GaussianDiscriminant, GenerativeClassifier
from .density import (
    BernoulliIndependentDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
)
from .projection import PCAProjection

QUARTILES = (-0.6745, 0.0, 0.6745)  # of the standard normal distribution


def quarter(X: np.ndarray) -> np.ndarray:
    """Cut standardised columns into four levels, which for a normal column are its quarters."""
    return np.digitize(X, QUARTILES).astype(np.uint8)


def make_searches(
    preparation: Any, n_columns: int, inner_folds: int, seed: int, n_jobs: int | None
) -> dict[str, GridSearchCV]:
    """Make an unfitted grid search for every model, all over the same inner folds.

    ``n_columns`` is the least number of columns that the preparation may leave in any fold.
    """
    inner = StratifiedKFold(inner_folds, shuffle=True, random_state=seed)
    return {
        name: GridSearchCV(
            Pipeline([("prepare", preparation), *steps]),
            grid,
            scoring="neg_log_loss",
            n_jobs=n_jobs,
            cv=inner,
            error_score="raise",
        )
        for name, (steps, grid) in _models(n_columns).items()
    }


def _models(n_columns: int) -> dict[str, tuple[list[tuple[str, Any]], Any]]:
    """Steps and grid of every model; numbers in a grid are clipped to what the columns allow."""
    scale = ("scale", StandardScaler())
    scale_or_not = {"scale": [StandardScaler(), "passthrough"]}
    orders = [order for order in (0, 1, 2) if order <= max(1, n_columns - 1)]
    factors = sorted({min(n, n_columns - 1) for n in (2, 5, 10, 20)})
    return {
        "LogisticRegression": (
            [scale, ("classify", LogisticRegression(max_iter=5000))],
            {"classify__C": [0.01, 0.1, 1.0, 10.0]},
        ),
        "BernoulliIndependentDensity": (
            [scale, ("classify", GenerativeClassifier(BernoulliIndependentDensity()))],
            {"classify__density__alpha": [0.01, 0.1, 1.0, 10.0]},
        ),
        "MarkovChainImageDensity": (
            [
                scale,
                ("levels", FunctionTransformer(quarter)),
                ("classify", GenerativeClassifier(MarkovChainImageDensity(n_categories=4))),
            ],
            {"classify__density__order": orders, "classify__density__alpha": [0.1, 1.0]},
        ),
        "FullCategoricalDensity": (
            [
                scale,
                ("binarize", Binarizer()),
                ("classify", GenerativeClassifier(FullCategoricalDensity(n_categories=2))),
            ],
            {"classify__density__alpha": [0.01, 1.0, 100.0]},
        ),
        "GaussianDiscriminant": (
            [scale, ("classify", GaussianDiscriminant())],
            [
                {
                    **scale_or_not,
                    "classify__covariance_type": ["full"],
                    "classify__shrinkage": [0.01, 0.1, 0.3],
                },
                {
                    "classify__covariance_type": ["tied", "diag"],
                    "classify__shrinkage": [0.01, 0.1],
                },
            ],
        ),
        "PCAProjection + GaussianDiscriminant": (
            [scale, ("project", PCAProjection()), ("classify", GaussianDiscriminant())],
            {
                **scale_or_not,
                "project__n_components": [0.8, 0.9, 0.95],  # shares of the variance: always valid
                "classify__shrinkage": [0.01, 0.1],
            },
        ),
        "GaussianDensity low_rank": (
            [
                scale,
                ("classify", GenerativeClassifier(GaussianDensity("low_rank", reg_covar=0.01))),
            ],
            {**scale_or_not, "classify__density__n_factors": factors},
        ),
    }


def count_parameters(pipeline: Pipeline) -> int:
    """Free parameters of the classifier that ends a pipeline, exact.

    Those of a generative classifier are its ``n_parameters_``. Logistic regression with C classes
    and D columns counts ``C D + C``, also for two classes.
    """
    classifier: BaseEstimator = pipeline[-1]
    if hasattr(classifier, "n_parameters_"):
        return classifier.n_parameters_
    return len(classifier.classes_) * (classifier.n_features_in_ + 1)


def readable_count(count: int) -> str:
    """Format an integer of any size: all digits below ten millions, else as 1.8e+20."""
    return f"{count:,}" if count < 10**7 else f"{Decimal(count):.1e}"
