"""Weights of rows in scores, projections and imputers, and their way there by metadata routing."""

import inspect

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    DensityImputer,
    GaussianDensity,
    MixtureDensity,
    PCAProjection,
    TableDensity,
)

from .estimators import public_estimators, smallest_instance
from .rows import hide

X, Y = load_iris(return_X_y=True)
TIMES = np.random.default_rng(0).integers(0, 4, len(X))


@pytest.fixture
def routed():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# ---------------------------------------------------------------------- scores
@pytest.mark.parametrize("density", [GaussianDensity(), TableDensity(GaussianDensity("diag"))])
def test_weighted_scores_are_those_of_repeated_rows(density):
    rows = hide(X, 0.2)
    density = clone(density).fit(rows)
    score = density.score(rows, sample_weight=TIMES)
    assert_allclose(score, density.score_samples(np.repeat(rows, TIMES, axis=0)).mean())
    assert_allclose(density.score(rows, sample_weight=np.full(150, 0.1)), density.score(rows))


def test_a_row_of_weight_zero_does_not_count_even_if_it_is_impossible():
    coins = np.array([[0, 0], [0, 0], [0, 1]])
    density = BernoulliIndependentDensity(alpha=0).fit(coins[:2])
    assert density.score(coins) == -np.inf
    assert density.score(coins, sample_weight=[1, 1, 0]) == 0
    with pytest.raises(ValueError, match="Negative values in sample_weight: row 1"):
        density.score(coins, sample_weight=[1, -1, 0])


# ---------------------------------------------------------------------- projections
@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_weighted_axes_are_those_of_repeated_rows(share_missing):
    rows = hide(X, share_missing)
    repeated = np.repeat(rows, TIMES, axis=0)
    weighted = PCAProjection(2, em_tol=1e-12).fit(rows, sample_weight=TIMES)
    whole = PCAProjection(2, em_tol=1e-12).fit(repeated)
    for name in ("mean_", "components_", "explained_variance_", "noise_variance_"):
        assert_allclose(getattr(weighted, name), getattr(whole, name), atol=1e-6)
    assert_allclose(weighted.score(rows, sample_weight=TIMES), whole.score(repeated), atol=1e-6)
    assert weighted.n_samples_ == whole.n_samples_ == TIMES.sum()
    assert_allclose(
        clone(weighted).fit_transform(rows, sample_weight=TIMES), weighted.transform(rows)
    )


def test_weighted_axes_of_sparse_rows_and_of_batches_are_those_of_one_fit():
    whole = PCAProjection(3).fit(X, sample_weight=TIMES)
    from_sparse = PCAProjection(3).fit(sparse.csr_array(X), sample_weight=TIMES)
    batched = PCAProjection(3)
    for part in (slice(60), slice(60, 150)):
        batched.partial_fit(X[part], sample_weight=TIMES[part])
    continued = clone(whole).fit(X[:60], sample_weight=TIMES[:60])
    continued.partial_fit(X[60:], sample_weight=TIMES[60:])
    for other in (from_sparse, batched, continued):
        assert_allclose(other.get_covariance(), whole.get_covariance(), atol=1e-9)
        assert_allclose(other.components_, whole.components_, atol=1e-9)
    batched.partial_fit(hide(X, 0.2), sample_weight=TIMES)
    assert batched.n_samples_ == 2 * TIMES.sum()


def test_small_weights_leave_all_axes():
    small = PCAProjection().fit(X, sample_weight=np.full(150, 2 / 150))
    assert_allclose(small.components_, PCAProjection().fit(X).components_, atol=1e-9)
    assert_allclose(small.explained_variance_, 2 * np.linalg.eigvalsh(np.cov(X.T, ddof=0))[::-1])
    with pytest.raises(ValueError, match=r"sample_weight sums to 0.15, but .* less 1; scale"):
        PCAProjection().fit(X, sample_weight=np.full(150, 0.001))
    with pytest.raises(ValueError, match='"mle" cannot be chosen with weights; give a number'):
        PCAProjection("mle").fit(X, sample_weight=TIMES)
    with pytest.raises(ValueError, match=r"n_components must be at most .* = 3, got 4"):
        PCAProjection(4).fit(X[:3], sample_weight=[1, 0, 2])


def test_axes_along_which_nothing_varies_are_those_of_repeated_rows():
    rows = np.random.default_rng(0).random((6, 9))
    weighted = PCAProjection().fit(rows, sample_weight=[3, 1, 2, 1, 0, 1])
    repeated = PCAProjection().fit(np.repeat(rows, [3, 1, 2, 1, 0, 1], axis=0)[::-1])
    assert_allclose(weighted.components_, repeated.components_, atol=1e-9)
    assert_allclose(weighted.components_ @ weighted.components_.T, np.eye(8), atol=1e-12)
    assert_allclose(weighted.transform(rows[4:5]), repeated.transform(rows[4:5]), atol=1e-9)


# ---------------------------------------------------------------------- imputers
@pytest.mark.parametrize(
    "density", [GaussianDensity(tol=1e-12), TableDensity(GaussianDensity(tol=1e-12))]
)
def test_weighted_imputation_is_that_of_repeated_rows(density):
    rows = hide(X, 0.2)
    weighted = DensityImputer(density).fit(rows, sample_weight=TIMES)
    whole = DensityImputer(density).fit(np.repeat(rows, TIMES, axis=0))
    assert_allclose(weighted.transform(rows), whole.transform(rows), atol=1e-4)


def test_columns_that_only_weightless_rows_observe_are_empty():
    rows = X.copy()
    rows[1:, 0] = np.nan
    weight = np.r_[0, np.ones(149)]
    imputer = DensityImputer(GaussianDensity(), add_indicator=True).fit(rows, sample_weight=weight)
    assert imputer.get_feature_names_out().tolist() == ["x1", "x2", "x3", "missingindicator_x0"]
    assert_array_equal(imputer.transform(rows)[:, :3], X[:, 1:])


# ---------------------------------------------------------------------- routing
@pytest.mark.parametrize("estimator", public_estimators())
def test_only_what_learns_in_batches_asks_for_their_weights(estimator):
    learns = hasattr(estimator, "partial_fit")
    assert hasattr(estimator, "set_partial_fit_request") == learns
    assert hasattr(smallest_instance(estimator), "partial_fit") == learns
    if learns:
        signature = inspect.signature(estimator.partial_fit)
        assert "sample_weight" in signature.parameters


def test_a_density_without_batches_says_so(routed):
    with pytest.raises(
        AttributeError, match="BaggingDensity has no partial_fit, for it learns fro"
    ):
        BaggingDensity(GaussianDensity()).partial_fit(X)

    class AdditiveBag(BaggingDensity):  # batches may be given back
        _is_additive = True

    assert AdditiveBag(GaussianDensity()).partial_fit.__func__.__qualname__.startswith(
        "BaseDensity"
    )
    AdditiveBag(GaussianDensity()).set_partial_fit_request(sample_weight=False)


def test_weights_are_routed_through_a_pipeline(routed):
    pipeline = make_pipeline(
        DensityImputer(GaussianDensity()).set_fit_request(sample_weight=True),
        PCAProjection(2).set_fit_request(sample_weight=True),
        GaussianDensity().set_fit_request(sample_weight=True).set_score_request(sample_weight=True),
    )
    rows = hide(X, 0.1)
    pipeline.fit(rows, sample_weight=TIMES)
    score = pipeline.score(rows, sample_weight=TIMES)
    imputer = DensityImputer(GaussianDensity()).fit(rows, sample_weight=TIMES)
    filled = imputer.transform(rows)
    Z = PCAProjection(2).fit_transform(filled, sample_weight=TIMES)
    density = GaussianDensity().fit(Z, sample_weight=TIMES)
    assert_allclose(score, density.score(Z, sample_weight=TIMES))
    assert abs(score - density.score(Z)) > 1e-3


def test_weights_are_routed_by_a_search(routed):
    grid = {"covariance_type": ["full", "diag"]}
    density = GaussianDensity().set_fit_request(sample_weight=True)
    density.set_score_request(sample_weight=True)
    search = GridSearchCV(density, grid, cv=3).fit(X, sample_weight=TIMES)
    expected = [
        GaussianDensity(kind)
        .fit(X[train], sample_weight=TIMES[train])
        .score(X[test], sample_weight=TIMES[test])
        for kind in grid["covariance_type"]
        for train, test in KFold(3).split(X)
    ]
    scores = [search.cv_results_[f"split{fold}_test_score"] for fold in range(3)]
    assert_allclose(np.transpose(scores).ravel(), expected)


def test_weights_are_routed_by_cross_validation(routed):
    mixture = MixtureDensity(GaussianDensity("diag"), 2, random_state=0)
    mixture.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    model = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), mixture)
    if hasattr(model, "set_score_request"):  # scikit-learn 1.6 routes to a pipeline, then onwards
        model.set_score_request(sample_weight=True)
    found = cross_validate(model, X, cv=3, params={"sample_weight": TIMES})["test_score"]
    for (train, test), score in zip(KFold(3).split(X), found, strict=True):
        scaler = StandardScaler().fit(X[train])
        alone = clone(mixture).fit(scaler.transform(X[train]), sample_weight=TIMES[train])
        own = alone.score(scaler.transform(X[test]), sample_weight=TIMES[test])
        assert_allclose(score, own)


def test_weights_that_no_step_asks_for_are_refused(routed):
    model = make_pipeline(DensityImputer(GaussianDensity()), LogisticRegression())
    with pytest.raises(ValueError, match=r"sample_weight.* are passed but are not explicitly set"):
        model.fit(X, Y, sample_weight=TIMES)
