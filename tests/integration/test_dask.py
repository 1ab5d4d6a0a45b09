"""Dask: searches and models on its workers, and batches from its arrays."""

import os
import signal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from skdgm import (
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
)

distributed = pytest.importorskip("distributed")
joblib = pytest.importorskip("joblib", minversion="1.3")
array = pytest.importorskip("dask.array")
import skdgm.dask  # noqa: E402

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
    density = GaussianDensity(shrinkage=0.1)
    for block in array.from_array(DIGITS, chunks=(500, 64)).blocks:
        density.partial_fit(block.compute())
    expected = GaussianDensity(shrinkage=0.1).fit(DIGITS)
    assert_allclose(density.score_samples(DIGITS), expected.score_samples(DIGITS), rtol=1e-9)


def test_a_fit_on_workers_equals_one_in_memory(client):
    rng = np.random.default_rng(0)
    holes = np.where(rng.random(DIGITS.shape) < 0.05, np.nan, DIGITS)[:, 18:30]
    blocks = array.from_array(holes, chunks=(300, 12))
    for density in (
        GaussianDensity("diag"),
        GaussianDensity(max_iter=5),
        MixtureDensity(GaussianDensity("diag"), 3, random_state=0, max_iter=5),
    ):
        expected = clone(density).fit(holes)
        fitted = skdgm.dask.fit(density, blocks)
        assert_allclose(fitted.score_samples(holes), expected.score_samples(holes), rtol=1e-9)
        scores = skdgm.dask.score_samples(fitted, blocks)
        assert_allclose(scores, expected.score_samples(holes), rtol=1e-9)
    expected = GenerativeClassifier(MarkovChainImageDensity()).fit(INK, LABELS)
    model = GenerativeClassifier(MarkovChainImageDensity())
    ink = array.from_array(INK, chunks=(300, 64))
    skdgm.dask.fit(model, ink, LABELS)
    assert_allclose(model.predict_proba(INK), expected.predict_proba(INK), rtol=1e-9)
    assert_array_equal(skdgm.dask.predict(model, ink), expected.predict(INK))


class Fatal(GaussianDensity):
    """Kills the first worker that counts with it, and no other."""

    def __init__(self, file=None, covariance_type="full", max_iter=5):
        super().__init__(covariance_type, max_iter=max_iter)
        self.file = file

    def _expect(self, codes, weight):
        try:
            self.file.touch(exist_ok=False)
        except FileExistsError:
            return super()._expect(codes, weight)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:Expectation-maximisation did not converge")
def test_a_worker_that_is_killed_changes_nothing(client, tmp_path):
    X = np.where(np.random.default_rng(0).random(DIGITS.shape) < 0.05, np.nan, DIGITS)[:, 18:24]
    before = set(client.run(os.getpid).values())
    density = skdgm.dask.fit(Fatal(tmp_path / "killed"), array.from_array(X, chunks=(300, 6)))
    expected = GaussianDensity(max_iter=5).fit(X)
    assert_allclose(density.score_samples(X), expected.score_samples(X), rtol=1e-9)
    assert (tmp_path / "killed").exists()
    assert set(client.run(os.getpid).values()) != before
