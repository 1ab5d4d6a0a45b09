"""Dask: searches and models on its workers, and batches from its arrays."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skdgm import GaussianDensity, GenerativeClassifier, MarkovChainImageDensity

distributed = pytest.importorskip("distributed")
joblib = pytest.importorskip("joblib", minversion="1.3")
DIGITS, LABELS = load_digits(return_X_y=True)
INK = DIGITS > 7


@pytest.fixture(scope="module")
def client():
    """Two workers in processes of their own, as on a cluster."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(processes=True, **options) as client:
        yield client


@pytest.mark.usefixtures("client")
def test_a_search_on_workers_equals_a_serial_one():
    model = GenerativeClassifier(MarkovChainImageDensity())
    search = GridSearchCV(model, {"density__order": [0, 1, 2]}, cv=3)
    search.fit(INK, LABELS)
    expected = search.cv_results_["mean_test_score"]
    expected_proba = search.predict_proba(INK)
    with joblib.parallel_config("dask"):
        search.set_params(n_jobs=2).fit(INK, LABELS)
        proba = search.predict_proba(INK)
    assert_array_equal(search.cv_results_["mean_test_score"], expected)
    assert_array_equal(proba, expected_proba)
    assert search.best_params_ == {"density__order": 2}
    assert search.best_score_ > 0.85


@pytest.mark.usefixtures("client")
def test_threads_of_a_model_equal_a_serial_fit():
    expected = GenerativeClassifier(MarkovChainImageDensity()).fit(INK, LABELS)
    with joblib.parallel_config("dask"):
        model = GenerativeClassifier(MarkovChainImageDensity(), n_jobs=2).fit(INK, LABELS)
        assert_array_equal(model.score_samples(INK), expected.score_samples(INK))


def test_workers_score_with_a_density_that_is_sent_to_them(client):
    density = GaussianDensity("low_rank", n_factors=5).fit(DIGITS)
    blocks = np.array_split(DIGITS, 4)
    scores = client.gather(client.map(density.score_samples, blocks))
    assert_allclose(np.concatenate(scores), density.score_samples(DIGITS))


def test_batches_of_an_array_equal_one_fit():
    array = pytest.importorskip("dask.array")
    density = GaussianDensity(shrinkage=0.1)
    for block in array.from_array(DIGITS, chunks=(500, 64)).blocks:
        density.partial_fit(block.compute())
    expected = GaussianDensity(shrinkage=0.1).fit(DIGITS)
    assert_allclose(density.score_samples(DIGITS), expected.score_samples(DIGITS), rtol=1e-9)
