"""MLflow: models saved and loaded again in its scikit-learn flavour."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline

from skdgm import (
    TRUSTED_TYPES,
    ChowLiuTreeDensity,
    DensityImputer,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    TableDensity,
)

mlflow = pytest.importorskip("mlflow")

MODELS = {
    "imputed": make_pipeline(
        DensityImputer(GaussianDensity(shrinkage=0.1)), GaussianDiscriminant(shrinkage=0.1)
    ),
    "table": GenerativeClassifier(TableDensity(ChowLiuTreeDensity())),
}


def wines():
    X, y = load_wine(return_X_y=True, as_frame=True)
    return X.mask(np.random.default_rng(0).random(X.shape) < 0.1), y


@pytest.mark.parametrize("name", MODELS)
def test_a_model_predicts_the_same_when_loaded(name, tmp_path):
    X, y = wines()
    model = MODELS[name].fit(X, y)
    assert model.score(X, y) > 0.9
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        serialization_format="cloudpickle",
        signature=mlflow.models.infer_signature(X, model.predict(X)),
        pip_requirements=["skdgm"],  # otherwise MLflow loads the model to find them
    )
    loaded = mlflow.sklearn.load_model(str(tmp_path / "model"))
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    served = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert_array_equal(served.predict(X), model.predict(X))


def test_a_model_is_saved_without_pickle(tmp_path):
    """Skops, the format that MLflow chooses, loads only the types that are named as trusted."""
    skops = pytest.importorskip("skops.io")
    X, y = wines()
    model = MODELS["imputed"].fit(X, y)
    trusted = skops.get_untrusted_types(data=skops.dumps(model))
    assert set(trusted) <= set(TRUSTED_TYPES)
    mlflow.sklearn.save_model(
        model,
        tmp_path / "model",
        serialization_format="skops",
        skops_trusted_types=TRUSTED_TYPES,
        pip_requirements=["skdgm"],
    )
    loaded = mlflow.sklearn.load_model(str(tmp_path / "model"))
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
