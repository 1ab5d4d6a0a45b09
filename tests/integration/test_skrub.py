"""Skrub: tables with text and holes, through its vectorizers and data operations."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skdgm import (
    ChowLiuTreeDensity,
    DensityImputer,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    NormalScoreTransformer,
    TableDensity,
)

skrub = pytest.importorskip("skrub")
IMPUTER = DensityImputer(TableDensity(ChowLiuTreeDensity()))


def patients():
    """Patients with a tenth of the cells missing, and whether their diabetes progressed fast."""
    frame = load_diabetes(as_frame=True, scaled=False).frame
    progressed = frame.pop("target") > 140
    frame["sex"] = frame["sex"].map({1: "female", 2: "male"})
    return frame.mask(np.random.default_rng(0).random(frame.shape) < 0.1), progressed


PIPELINES = {
    "tabular": lambda: skrub.tabular_pipeline(
        GenerativeClassifier(GaussianDensity("tied", shrinkage=0.1))
    ),
    "imputed": lambda: make_pipeline(
        skrub.Cleaner(), IMPUTER, skrub.tabular_pipeline(LogisticRegression())
    ),
    "normal scores": lambda: make_pipeline(
        skrub.ApplyToCols(NormalScoreTransformer(), cols=skrub.selectors.numeric()),
        skrub.TableVectorizer(),
        GaussianDiscriminant("tied", shrinkage=0.1),
    ),
    "table": lambda: make_pipeline(
        skrub.Cleaner(), GenerativeClassifier(TableDensity(ChowLiuTreeDensity()))
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_rank_patients(name):
    X, y = patients()
    scores = cross_val_score(PIPELINES[name](), X, y, cv=3, scoring="roc_auc", error_score="raise")
    assert scores.mean() > 0.72


def test_data_operations_search_over_densities():
    X, y = patients()
    plan = skrub.X(X).skb.apply(IMPUTER).skb.apply(skrub.TableVectorizer())
    shrinkage = skrub.choose_float(0.01, 0.9, log=True, name="shrinkage")
    kind = skrub.choose_from(["tied", "full"], name="covariance_type")
    plan = plan.skb.apply(GaussianDiscriminant(kind, shrinkage=shrinkage), y=skrub.y(y))
    search = plan.skb.make_randomized_search(
        n_iter=3, cv=3, scoring="roc_auc", random_state=0, fitted=True
    )
    assert search.results_["mean_test_score"].max() > 0.8
    assert search.best_learner_.predict({"X": X}).shape == y.shape
