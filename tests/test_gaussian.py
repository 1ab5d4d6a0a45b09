"""GaussianDensity: agrees with scikit-learn and scipy; singular data."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.covariance import LedoitWolf, ShrunkCovariance
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from skdgm import GaussianDensity, GaussianDiscriminant, MixtureDensity
from skdgm.density.gaussian._ledoit_wolf import ColumnMoments, LengthMoments
from skdgm.density.gaussian._moments import Moments
from skdgm.density.gaussian._scatter import ThinScatter, leading_axes, sum_of_squares, trace

IRIS = load_iris().data


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_agrees_with_a_gaussian_mixture_of_one_component(covariance_type):
    X = StandardScaler().fit_transform(IRIS)  # so that reg_covar, a share here, is a variance
    ours = GaussianDensity(covariance_type, reg_covar=1e-3).fit(X)
    theirs = GaussianMixture(covariance_type=covariance_type, reg_covar=1e-3).fit(X)
    assert_allclose(ours.mean_, theirs.means_[0], atol=1e-12)
    assert_allclose(ours.covariance_, np.squeeze(theirs.covariances_), atol=1e-12)
    assert_allclose(ours.score_samples(X), theirs.score_samples(X))
    assert ours.n_parameters_ == theirs._n_parameters()
    assert_allclose(ours.aic(X), theirs.aic(X))
    assert_allclose(ours.bic(X), theirs.bic(X))


@pytest.mark.parametrize("n_factors", [1, 2, 3])
def test_low_rank_is_probabilistic_pca(n_factors):
    ours = GaussianDensity("low_rank", n_factors=n_factors, reg_covar=0).fit(IRIS)
    theirs = PCA(n_factors).fit(IRIS)
    unbiased = len(IRIS) / (len(IRIS) - 1)  # PCA divides by n - 1
    assert_allclose(ours.explained_variance_ * unbiased, theirs.explained_variance_)
    assert_allclose(ours.noise_variance_ * unbiased, theirs.noise_variance_)
    assert_allclose(np.abs(ours.components_ @ theirs.components_.T), np.eye(n_factors), atol=1e-9)
    assert_allclose(ours.get_covariance() * unbiased, theirs.get_covariance())
    normal = stats.multivariate_normal(ours.mean_, ours.get_covariance())
    assert_allclose(ours.score_samples(IRIS), normal.logpdf(IRIS))
    assert ours.n_parameters_ == 4 + 4 * n_factors - n_factors * (n_factors - 1) // 2 + 1


def test_low_rank_ranges_from_spherical_to_full():
    models = {q: GaussianDensity("low_rank", n_factors=q, reg_covar=0).fit(IRIS) for q in (0, None)}
    spherical = GaussianDensity("spherical", reg_covar=0).fit(IRIS)
    full = GaussianDensity("full", reg_covar=0).fit(IRIS)
    assert_allclose(models[0].score_samples(IRIS), spherical.score_samples(IRIS))
    assert_allclose(models[None].score_samples(IRIS), full.score_samples(IRIS))
    assert models[0].n_parameters_ == spherical.n_parameters_
    assert models[None].n_parameters_ == full.n_parameters_


@pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
def test_shrinkage_agrees_with_scikit_learn(shrinkage):
    X = StandardScaler().fit_transform(IRIS)
    ours = GaussianDensity(shrinkage=shrinkage, reg_covar=0).fit(X)
    theirs = ShrunkCovariance(shrinkage=shrinkage).fit(X)
    assert_allclose(ours.covariance_, theirs.covariance_, atol=1e-12)
    diagonal = GaussianDensity("diag", shrinkage=shrinkage, reg_covar=0).fit(X)
    assert_allclose(diagonal.covariance_, np.diag(ours.covariance_))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**16), n=st.integers(2, 40), d=st.integers(1, 8), cut=st.integers(1, 39)
)
def test_ledoit_wolf_agrees_with_scikit_learn_in_any_batches(seed, n, d, cut):
    rng = np.random.default_rng(seed)
    X = rng.standard_t(3, size=(n, d)) @ rng.normal(size=(d, d)) + 5
    scaler = StandardScaler().fit(X)
    theirs = LedoitWolf().fit(scaler.transform(X))
    density = GaussianDensity(shrinkage="auto", reg_covar=1e-9)
    density.partial_fit(X[:cut])
    if cut < n:
        density.partial_fit(X[cut:])
    assert_allclose(density.shrinkage_, theirs.shrinkage_, rtol=1e-7, atol=1e-9)
    ours = density.covariance_ / np.outer(scaler.scale_, scaler.scale_)
    assert_allclose(ours, theirs.covariance_, rtol=1e-6, atol=1e-8)


def test_ledoit_wolf_agrees_when_columns_outnumber_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 50)) * rng.random(50)
    theirs = LedoitWolf().fit(StandardScaler().fit_transform(X))
    assert_allclose(GaussianDensity(shrinkage="auto").fit(X).shrinkage_, theirs.shrinkage_)
    theirs = LedoitWolf().fit(X)  # one scale for all columns
    density = GaussianDensity("low_rank", n_factors=2, shrinkage="auto").fit(X)
    assert_allclose(density.shrinkage_, theirs.shrinkage_)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**16),
    scatter=st.sampled_from(["full", "thin", "diagonal"]),
    n_columns=st.sampled_from([4, 40]),
    counts_fourth=st.booleans(),
)
def test_moments_add(seed, scatter, n_columns, counts_fourth):
    fourth = {"full": ColumnMoments, "thin": LengthMoments}.get(scatter) if counts_fourth else None
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, n_columns)) * 10 ** rng.normal(size=n_columns) + 7
    weight = rng.random(30) + 0.01
    parts = [
        Moments.count(X[rows], weight[rows], scatter=scatter, fourth=fourth)
        for rows in (slice(0, 1), slice(1, 12), slice(12, 30))
    ]
    whole = Moments.count(X, weight, scatter=scatter, fourth=fourth)
    for added in (parts[0] + (parts[1] + parts[2]), (parts[2] + parts[0]) + parts[1]):
        for name in ("total", "mean"):
            assert_allclose(getattr(added, name), getattr(whole, name), rtol=1e-9, atol=1e-6)
        if fourth:
            ours, known = added.fourth._in(2.0**40), whole.fourth._in(2.0**40)
            for name, power in (("cubic", 3), ("quartic", 4)):
                scale = 2.0 ** (40 * power)
                each, expected = getattr(ours, name) * scale, getattr(known, name) * scale
                assert_allclose(each, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())
        assert_allclose(dense(added.scatter), dense(whole.scatter), rtol=1e-9, atol=1e-6)


def dense(scatter):
    return scatter.dense() if isinstance(scatter, ThinScatter) else scatter


def test_thin_scatter_agrees_with_its_matrix():
    rows = np.random.default_rng(0).normal(size=(5, 9))
    thin, matrix = ThinScatter(rows), rows.T @ rows
    assert_allclose(trace(thin), trace(matrix))
    assert_allclose(sum_of_squares(thin), sum_of_squares(matrix))
    assert_allclose(thin @ rows[0], matrix @ rows[0])
    assert_allclose(matrix + thin, 2 * matrix)
    assert_allclose(thin + matrix, 2 * matrix)
    for n_axes in (0, 3, 5, 7):
        axes, values = leading_axes(thin, n_axes)
        expected_axes, expected_values = leading_axes(matrix, n_axes)
        assert_allclose(values, expected_values, atol=1e-9)
        if n_axes <= 5:  # beyond the rank, axes are arbitrary
            assert_allclose(axes.T * values @ axes, expected_axes.T * values @ expected_axes)
        assert_allclose(axes @ axes.T, np.eye(n_axes), atol=1e-12)


def test_low_rank_takes_many_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 30_000)) + rng.normal(size=(60, 30_000))
    tracemalloc.start()
    density = GaussianDensity("low_rank", n_factors=3).fit(X)
    log_prob = density.score_samples(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000**2 * 8 / 20  # bytes: a small part of one covariance matrix
    assert np.isfinite(log_prob).all()
    assert_allclose(density.noise_variance_, 1, rtol=0.1)
    assert_allclose(
        density.explained_variance_.sum(), X.var(axis=0).sum() - 0.95 * 30_000, rtol=0.1
    )


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"covariance_type": "diag"}, {"covariance_type": "full"}),
        ({"covariance_type": "spherical"}, {"covariance_type": "low_rank"}),
        ({}, {"shrinkage": "auto"}),
        ({"shrinkage": "auto"}, {"shrinkage": 0.1}),
    ],
    ids=str,
)
def test_batches_that_need_other_sums_are_refused(first, then):
    X = np.random.default_rng(0).normal(size=(40, 3))
    density = GaussianDensity(**first).fit(X)
    before = density.score_samples(X)
    with pytest.raises(ValueError, match="needs other statistics than those of the batches so far"):
        density.set_params(**then).partial_fit(X)
    assert_array_equal(density.score_samples(X), before)
    density.set_params(**GaussianDensity(**first).get_params()).partial_fit(X)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.float16, np.float32])
def test_narrow_numbers_are_those_of_floats(covariance_type, dtype):
    rng = np.random.default_rng(0)
    X, weight, y = rng.random((300, 4)) < 0.4, rng.random(300), np.arange(300) % 3
    if dtype is not np.bool_:
        X = rng.integers(0, 256, (300, 4))  # 255 is no mark of a missing value
    X = X.astype(dtype)
    floats = X.astype(np.float64)
    n_factors = 2 if covariance_type == "low_rank" else None
    for shrinkage in (None, "auto"):
        density = GaussianDensity(covariance_type, shrinkage=shrinkage, n_factors=n_factors)
        ours, same = (clone(density).fit(own[:200], None, weight[:200]) for own in (X, floats))
        assert_allclose(ours.score_samples(X), same.score_samples(floats))
        ours, same = ours.partial_fit(X[200:]), same.partial_fit(floats[200:])
        assert_allclose(ours.score_samples(X), same.score_samples(floats))
    model = GaussianDiscriminant(covariance_type, n_factors=n_factors)
    ours, same = (clone(model).fit(own, y, weight) for own in (X, floats))
    assert_allclose(ours.predict_joint_log_proba(X), same.predict_joint_log_proba(floats))
    density = GaussianDensity(covariance_type, n_factors=n_factors)
    mixture = MixtureDensity(density, 3, init=y, max_iter=2, tol=1e9)
    ours, same = (clone(mixture).fit(own, None, weight) for own in (X, floats))
    assert_allclose(ours.predict_proba(X), same.predict_proba(floats), atol=1e-9)


def test_nothing_cancels_far_from_the_origin():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    near = GaussianDensity().fit(X)
    far = GaussianDensity().partial_fit(X[:300] + 1e8).partial_fit(X[300:] + 1e8)
    assert_allclose(far.covariance_, near.covariance_, rtol=1e-6, atol=1e-6)
    assert_allclose(far.score_samples(X + 1e8), near.score_samples(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_columns", [1, 2])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_integrates_to_one(n_columns, covariance_type):
    rng = np.random.default_rng(1)
    density = GaussianDensity(covariance_type).fit(rng.normal(size=(30, n_columns)))
    nodes, weights = np.polynomial.legendre.leggauss(200)
    grid = np.array(list(itertools.product(9 * nodes, repeat=n_columns)))
    weight = np.prod(list(itertools.product(9 * weights, repeat=n_columns)), axis=1)
    assert_allclose(weight @ np.exp(density.score_samples(grid)), 1, atol=1e-6)


# ---------------------------------------------------------------------- singular data
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_singular_data_are_learned(covariance_type, scale):
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(20, 3)), 2, axis=1) * scale  # each column twice
    X = np.column_stack([X, np.full(20, 3.0 * scale)])  # and a constant
    density = GaussianDensity(covariance_type).fit(X)
    assert np.isfinite(density.score_samples(X)).all()
    assert np.isfinite(density.sample(5, random_state=0)).all()
    covariance = density.get_covariance()
    scale = np.sqrt(np.diag(covariance))  # that of a constant column is absolute
    assert (np.linalg.eigvalsh(covariance / np.outer(scale, scale)) > 0).all()


@pytest.mark.parametrize("covariance_type", ["full", "tied", "low_rank"])
def test_columns_may_outnumber_rows(covariance_type):
    X = load_digits().data[:30]
    for reg_covar in (1e-6, 0.0):
        density = GaussianDensity(covariance_type, reg_covar=reg_covar).fit(X)
        assert np.isfinite(density.score_samples(X)).all()


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical", "low_rank"])
def test_data_without_variance_need_reg_covar(covariance_type):
    X = np.full((4, 3), 2.5)
    density = GaussianDensity(covariance_type, reg_covar=0)
    with pytest.raises(ValueError, match=r"reg_covar=0 leaves a variance of zero.* above 0"):
        density.fit(X)
    assert np.isfinite(density.set_params(reg_covar=1e-3).fit(X).score(X))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_values_whose_squares_overflow_are_refused_or_impossible(covariance_type):
    density = GaussianDensity(covariance_type).fit(IRIS)
    far = np.array([[1e300, -1e300, 1e300, 1e300], [1.7e308, 1.7e308, -1.7e308, 1.0]])
    assert_array_equal(density.score_samples(far), [-np.inf, -np.inf])
    with pytest.raises(
        ValueError, match=r"X holds values up to 1\.7e\+308, whose squares overflow"
    ):
        density.fit(far)


def test_attributes_of_an_earlier_fit_are_removed():
    density = GaussianDensity("low_rank", n_factors=1).fit(IRIS)
    density.set_params(covariance_type="diag").fit(IRIS)
    assert not hasattr(density, "components_")
    density.set_params(covariance_type="low_rank").fit(IRIS)
    assert not hasattr(density, "covariance_")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"covariance_type": "round"}, "'covariance_type' parameter"),
        ({"shrinkage": 1.5}, "'shrinkage' parameter"),
        ({"shrinkage": "lasso"}, "'shrinkage' parameter"),
        ({"reg_covar": -1e-6}, "'reg_covar' parameter"),
        ({"n_factors": -1}, "'n_factors' parameter"),
        (
            {"covariance_type": "low_rank", "n_factors": 4},
            "n_factors must be at most n_features - 1 = 3.* got 4",
        ),
    ],
)
def test_invalid_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        GaussianDensity(**parameters).fit(IRIS)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_errors_of_rounding_add_the_variance_of_an_even_distribution(covariance_type):
    step = np.array([0.5, 0.0, 2.0, 1.0])
    exact = GaussianDensity(covariance_type, reg_covar=0).fit(IRIS).get_covariance()
    rounded = GaussianDensity(covariance_type, reg_covar=0, rounding=step).fit(IRIS)
    errors = step**2 / 12
    errors = np.full(4, errors.mean()) if covariance_type == "spherical" else errors
    assert_allclose(rounded.get_covariance(), exact + np.diag(errors), rtol=1e-12)


def test_a_mixture_of_rounded_numbers_has_bounded_peaks():
    rng = np.random.default_rng(0)
    X = np.concatenate([np.zeros(100), rng.normal(50, 10, 100).round()])[:, np.newaxis]
    normal = GaussianDensity(rounding=[1.0])
    density = MixtureDensity(normal, 2, random_state=0).fit(X)
    peak = 0.5 / np.sqrt(2 * np.pi / 12)  # half of the rows, with errors alone
    assert_allclose(np.exp(density.score_samples([[0.0]])), peak, rtol=1e-2)


@pytest.mark.parametrize("rounding", [[1.0], [1, 1, 1, -1], [0, 0, 0, np.inf]])
def test_wrong_steps_of_rounding_are_refused(rounding):
    with pytest.raises(ValueError, match="rounding must hold 4 steps"):
        GaussianDensity(rounding=rounding).fit(IRIS)
