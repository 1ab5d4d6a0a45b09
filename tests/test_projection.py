"""PCAProjection: scikit-learn's PCA, its reconstruction error, its density, batches, and NaN."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA

from skdgm import GaussianDensity, PCAProjection

from .rounding import assert_equal_to_rounding

IRIS = load_iris().data
DIGITS = load_digits().data


@pytest.mark.parametrize("n_components", [1, 2, 3, 0.95, "mle"])
@pytest.mark.parametrize("whiten", [False, True])
def test_agrees_with_scikit_learns_pca(n_components, whiten):
    ours = PCAProjection(n_components, whiten=whiten).fit(IRIS)
    theirs = PCA(n_components, whiten=whiten).fit(IRIS)
    Z = ours.transform(IRIS)
    assert_equal_to_rounding(Z, theirs.transform(IRIS))
    assert_allclose(clone(ours).fit_transform(IRIS), Z, atol=1e-12)
    assert_equal_to_rounding(ours.inverse_transform(Z), theirs.inverse_transform(Z))
    unscaled = PCA(n_components).fit(IRIS)  # PCA lets whitening change the density of X
    assert_allclose(ours.score_samples(IRIS), unscaled.score_samples(IRIS))
    assert_allclose(ours.score(IRIS), unscaled.score(IRIS))
    assert_allclose(ours.get_covariance(), unscaled.get_covariance())
    assert_allclose(ours.get_precision(), unscaled.get_precision(), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("n_components", [1, 2, 4])
def test_reconstruction_error_is_the_variance_left_out(n_components):
    projection = PCAProjection(n_components).fit(IRIS)
    lost = IRIS - projection.inverse_transform(projection.transform(IRIS))
    error = projection.reconstruction_error(IRIS)
    assert_allclose(error, np.mean(np.sum(lost**2, axis=1)), atol=1e-12)
    all_variance = PCA().fit(IRIS).explained_variance_
    n = len(IRIS)
    assert_allclose(error, all_variance[n_components:].sum() * (n - 1) / n, atol=1e-12)


def test_reconstruction_error_without_components_is_the_total_variance():
    error = PCAProjection(0).fit(IRIS).reconstruction_error(IRIS)
    assert_allclose(error, IRIS.var(axis=0).sum())


def test_no_other_projection_has_a_smaller_error():
    rng = np.random.default_rng(0)
    best = PCAProjection(2).fit(IRIS).reconstruction_error(IRIS)
    centred = IRIS - IRIS.mean(axis=0)
    for _ in range(50):
        W = np.linalg.qr(rng.normal(size=(4, 2)))[0].T
        assert best <= np.mean(np.sum((centred - centred @ W.T @ W) ** 2, axis=1))


def test_density_is_the_low_rank_gaussian():
    projection = PCAProjection(2).fit(IRIS)
    density = GaussianDensity("low_rank", n_factors=2).fit(IRIS)
    assert projection.n_parameters_ == density.n_parameters_
    normal = stats.multivariate_normal(projection.mean_, projection.get_covariance())
    assert_allclose(projection.score_samples(IRIS), normal.logpdf(IRIS))
    X = projection.sample(50_000, random_state=0)
    assert_allclose(X.mean(axis=0), projection.mean_, atol=0.03)
    assert_allclose(np.cov(X.T), projection.get_covariance(), atol=0.05)
    assert_array_equal(projection.sample(4, random_state=1), projection.sample(4, random_state=1))


def test_all_components_leave_no_noise():
    projection = PCAProjection().fit(IRIS)
    assert projection.n_parameters_ == 4 + 10
    normal = stats.multivariate_normal(projection.mean_, np.cov(IRIS.T))
    assert_allclose(projection.score_samples(IRIS), normal.logpdf(IRIS))


def test_density_is_defined_for_constant_columns():
    X = DIGITS[:20]  # fewer rows than columns, and constant columns
    projection = PCAProjection().fit(X)
    assert projection.noise_variance_ == 0
    assert np.isfinite(projection.score_samples(DIGITS)).all()
    assert np.isfinite(projection.sample(3, random_state=0)).all()


@pytest.mark.parametrize("n_components", [None, 3, 0.9])
@pytest.mark.parametrize("sizes", [(1797,), (900, 897), (5, 1, 791, 1000)])
def test_batches_give_the_same_projection_as_one_fit(n_components, sizes):
    batched = PCAProjection(n_components)
    start = 0
    for size in sizes:
        batched.partial_fit(DIGITS[start : start + size])
        start += size
    whole = PCAProjection(n_components).fit(DIGITS)
    for name in ("mean_", "explained_variance_", "explained_variance_ratio_", "singular_values_"):
        assert_allclose(getattr(batched, name), getattr(whole, name), atol=1e-8 * 1000)
    assert batched.n_components_ == whole.n_components_
    assert batched.n_samples_ == whole.n_samples_
    assert_allclose(batched.noise_variance_, whole.noise_variance_, atol=1e-9)
    kept = slice(0, 3)
    assert_allclose(batched.components_[kept], whole.components_[kept], atol=1e-7)
    if n_components == 3:
        assert_allclose(batched.score_samples(DIGITS), whole.score_samples(DIGITS))


def test_partial_fit_continues_a_fit_with_all_components():
    continued = PCAProjection().fit(IRIS[:90]).partial_fit(IRIS[90:])
    whole = PCAProjection().fit(IRIS)
    assert_allclose(continued.explained_variance_, whole.explained_variance_)
    assert_allclose(continued.components_, whole.components_, atol=1e-9)
    assert_allclose(continued.score_samples(IRIS), whole.score_samples(IRIS))


def test_fit_forgets_earlier_batches():
    projection = PCAProjection(2).partial_fit(IRIS[:30]).fit(IRIS)
    assert_allclose(projection.components_, PCA(2).fit(IRIS).components_)
    assert projection.n_samples_ == 150


def test_one_row_and_constant_columns_are_accepted():
    one = PCAProjection(1).fit(IRIS[:1])
    assert_array_equal(one.transform(IRIS[:1]), [[0.0]])
    assert one.reconstruction_error(IRIS[:1]) == 0
    constant = PCAProjection(2).fit(np.column_stack([IRIS, np.ones(150)]))
    assert np.isfinite(constant.score_samples(np.column_stack([IRIS, np.ones(150)]))).all()


def test_frames_keep_their_column_names():
    X = pd.DataFrame(IRIS, columns=list("abcd"))
    projection = PCAProjection(2).set_output(transform="pandas").fit(X)
    Z = projection.transform(X)
    assert list(Z.columns) == ["pcaprojection0", "pcaprojection1"]
    assert list(projection.get_feature_names_out()) == list(Z.columns)
    assert list(clone(projection).fit_transform(X).columns) == list(Z.columns)


def test_float32_stays_float32():
    X = IRIS.astype(np.float32)
    projection = PCAProjection(2).fit(X)
    assert projection.transform(X).dtype == np.float32
    assert projection.sample(2, random_state=0).dtype == np.float32
    assert projection.score_samples(X).dtype == np.float64


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("n_components", "bad", "message"),
    [
        (7, None, "n_components"),
        (-1, None, "n_components"),
        (2, np.inf, "infinity"),
    ],
)
def test_invalid_input_leaves_the_projection_unchanged(call, n_components, bad, message):
    X = IRIS.copy()
    if bad is not None:
        X[2, 3] = bad
    projection = PCAProjection(2).fit(IRIS)
    before = projection.components_
    projection.set_params(n_components=n_components)
    with pytest.raises(ValueError, match=message):
        getattr(projection, call)(X)
    assert projection.components_ is before


def test_mle_is_refused_for_batches():
    with pytest.raises(ValueError, match='partial_fit cannot choose n_components="mle"'):
        PCAProjection("mle").partial_fit(IRIS)


# ---------------------------------------------------------------------- missing values
def with_missing(X, share=0.2, seed=0):
    X = np.array(X, dtype=float)
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return X


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("n_components", [1, 2, None])
def test_incomplete_rows_are_projected_to_their_posterior_mean(n_components, whiten):
    projection = PCAProjection(n_components, whiten=whiten).fit(IRIS)
    mean, covariance = projection.mean_, projection.get_covariance()
    X = with_missing(IRIS, 0.4)
    expected = X.copy()
    for row in expected:
        missing = np.isnan(row)
        observed = covariance[np.ix_(~missing, ~missing)]
        gain = covariance[np.ix_(missing, ~missing)] @ np.linalg.pinv(observed)
        row[missing] = mean[missing] + gain @ (row[~missing] - mean[~missing])
    assert_allclose(projection.transform(X), projection.transform(expected), atol=1e-7)
    complete = ~np.isnan(X).any(axis=1)
    assert_allclose(
        projection.transform(X)[complete],
        PCA(n_components, whiten=whiten).fit(IRIS).transform(IRIS[complete]),
        atol=1e-10,
    )


def test_scores_integrate_missing_values_out():
    projection = PCAProjection(2).fit(IRIS)
    row = np.array([[5.0, np.nan, 4.0, np.nan]])
    covariance = projection.get_covariance()[np.ix_([0, 2], [0, 2])]
    expected = stats.multivariate_normal(projection.mean_[[0, 2]], covariance).logpdf([5.0, 4.0])
    assert_allclose(projection.score_samples(row), [expected], rtol=1e-10)
    assert_allclose(projection.score_samples(np.full((1, 4), np.nan)), [0.0])
    assert_allclose(projection.transform(np.full((1, 4), np.nan)), np.zeros((1, 2)), atol=1e-10)


def test_reconstruction_predicts_missing_values_better_than_the_mean():
    projection = PCAProjection(2).fit(IRIS[::2])
    X, true = with_missing(IRIS[1::2], 0.3), IRIS[1::2]
    missing = np.isnan(X)
    filled = projection.inverse_transform(projection.transform(X))
    error = np.mean((filled - true)[missing] ** 2)
    assert error < 0.25 * np.mean((projection.mean_ - true)[missing] ** 2)
    expected = np.mean(np.nansum((filled - X) ** 2, axis=1))
    assert_allclose(projection.reconstruction_error(X), expected)


@pytest.mark.parametrize("n_components", [2, 0.99, None])
def test_axes_are_learned_from_incomplete_rows(n_components):
    X = with_missing(IRIS, 0.2)
    projection = PCAProjection(n_components).fit(X)
    complete = PCAProjection(n_components).fit(IRIS)
    assert projection.n_iter_ == len(projection.lower_bounds_) > 1
    assert np.diff(projection.lower_bounds_).min() > -1e-8
    imputed = PCAProjection(n_components).fit(np.where(np.isnan(X), np.nanmean(X, axis=0), X))
    assert abs(projection.components_[0] @ complete.components_[0]) > 0.995
    assert complete.score(IRIS) - projection.score(IRIS) < 0.2
    assert projection.score(IRIS) > imputed.score(IRIS) + 0.5
    assert_allclose(
        projection.components_ @ projection.components_.T,
        np.eye(len(projection.components_)),
        atol=1e-10,
    )


def test_batches_may_have_missing_values():
    X = with_missing(IRIS, 0.2)
    batched = PCAProjection(2).partial_fit(X[:75]).partial_fit(X[75:])
    assert batched.n_samples_ == 150
    assert abs(batched.components_[0] @ PCAProjection(2).fit(IRIS).components_[0]) > 0.98


def test_invalid_incomplete_training_data_are_refused():
    X = with_missing(IRIS)
    with pytest.raises(ValueError, match='n_components="mle" cannot be chosen if X has missing'):
        PCAProjection("mle").fit(X)
    with pytest.raises(ValueError, match="n_components must be at most"):
        PCAProjection(5).fit(X)
    X[:, 2] = np.nan
    with pytest.raises(ValueError, match="no observed value in column 2"):
        PCAProjection(2).fit(X)
