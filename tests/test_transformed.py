"""TransformedDensity: closed forms, integrals, and the maps of transformers against themselves."""

import functools
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    DensityImputer,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    PCAProjection,
    TransformedDensity,
)
from skdgm.density.transformed._quadrature import mean_of
from skdgm.density.transformed._transformer_maps import fit_map

from .rounding import assert_equal_to_rounding

RNG = np.random.default_rng(0)
CORRELATED = RNG.multivariate_normal([0.5, -0.3], [[1.0, 0.6], [0.6, 0.8]], size=400)
DATA = {
    "normal": CORRELATED,
    "log-normal": np.exp(CORRELATED),
    "minus log-normal": -np.exp(CORRELATED),
    "exponential": RNG.exponential(size=(400, 2)) * [1, 5],
    "uniform": RNG.uniform(size=(400, 2)) * [1, 20] + [0, 3],
    "left": 3 - RNG.exponential(size=(400, 2)) ** 2 / 4,
}


def quantile(output="uniform", n_quantiles=12):
    return QuantileTransformer(n_quantiles=n_quantiles, output_distribution=output)


class LogTransformer(PowerTransformer):
    """The Box-Cox transformation of a known exponent, 0 unless told."""

    exponent = 0.0

    def __init__(self):
        super().__init__("box-cox", standardize=False)

    def _box_cox_optimize(self, x):
        return self.exponent


class PowerOf(LogTransformer):
    exponent = 2.5


class InverseOf(LogTransformer):
    exponent = -1.5


SCALERS = {
    "standard": (StandardScaler(), "normal"),
    "standard-mean": (StandardScaler(with_std=False), "normal"),
    "standard-std": (StandardScaler(with_mean=False), "uniform"),
    "standard-nothing": (StandardScaler(with_mean=False, with_std=False), "uniform"),
    "min-max": (MinMaxScaler((-3, 5)), "exponential"),
    "max-abs": (MaxAbsScaler(), "normal"),
    "robust": (RobustScaler(), "uniform"),
    "robust-center": (RobustScaler(with_scaling=False), "uniform"),
    "robust-scale": (RobustScaler(with_centering=False, unit_variance=True), "normal"),
}
ROTATIONS = {
    "pca": (PCA(), "normal"),
    "pca-whiten": (PCA(whiten=True), "uniform"),
    "projection": (PCAProjection(whiten=True), "normal"),
    "standard-pca": (make_pipeline(StandardScaler(), PCA(whiten=True)), "uniform"),
}
CURVES = {
    "yeo-johnson": (PowerTransformer(), "normal"),
    "yeo-johnson-below-0": (PowerTransformer(), "log-normal"),
    "yeo-johnson-above-2": (PowerTransformer(standardize=False), "minus log-normal"),
    "yeo-johnson-left": (PowerTransformer(), "left"),
    "box-cox": (PowerTransformer("box-cox"), "exponential"),
    "box-cox-uniform": (PowerTransformer("box-cox", standardize=False), "uniform"),
    "box-cox-log-normal": (PowerTransformer("box-cox"), "log-normal"),
    "log": (LogTransformer(), "log-normal"),
    "power": (PowerOf(), "uniform"),
    "inverse": (InverseOf(), "uniform"),
    "quantile": (quantile(), "exponential"),
    "quantile-normal": (quantile("normal"), "log-normal"),
    "quantile-subsample": (
        QuantileTransformer(n_quantiles=9, subsample=100, random_state=0),
        "uniform",
    ),
    "scaled-quantile": (
        Pipeline([("s", MinMaxScaler()), ("p", "passthrough"), ("q", quantile("normal"))]),
        "left",
    ),
    "power-of-quantile": (make_pipeline(quantile("normal", 8), PowerTransformer()), "exponential"),
    "nested": (
        make_pipeline(make_pipeline(RobustScaler(), PowerTransformer()), MinMaxScaler()),
        "normal",
    ),
}
COLUMNWISE = SCALERS | CURVES
KINDS = COLUMNWISE | ROTATIONS


def kinds(selected):
    return pytest.mark.parametrize("kind", selected)


@functools.cache
def map_of(kind):
    """The data, the fitted transformer and its map."""
    transformer, data = KINDS[kind]
    transformer = clone(transformer)
    return DATA[data], transformer, fit_map(transformer, DATA[data], None)


def fitted(kind, density=None, columns=slice(None)):
    transformer, data = KINDS[kind]
    density = density or GaussianDensity(reg_covar=0)
    return TransformedDensity(transformer, density).fit(DATA[data][:, columns])


def rows_beyond(X, seed, n_rows=30):
    """Rows in the training range and beyond it, within the domain of every map of these data."""
    low, high = X.min(axis=0), X.max(axis=0)
    shares = np.random.default_rng(seed).uniform(-0.5, 1.5, size=(n_rows, X.shape[1]))
    rows = low + shares * (high - low)
    return np.where((low > 0) & (rows <= 0), low / 2, rows)


def quadrature_rule(density, column):
    """Points and weights in x for integrals over a column, in pieces on which p is smooth."""
    inner = density.density_
    n_columns = density.n_features_in_
    # The span where p is not negligible, and the kinks, in z; then as ends of pieces in x.
    sd = np.sqrt(np.diag(inner.get_covariance()))[column]
    z = inner.mean_[column] + sd * np.linspace(-20, 20, 3201)
    kinks = density._map.kinks(n_columns)[:, column]
    z = np.unique([*z, *kinks[(kinks > z[0]) & (kinks < z[-1])]])
    table = np.full((len(z), n_columns), np.nan)
    table[:, column] = z
    ends = density._map.inverse(table)[:, column]
    nodes, weights = np.polynomial.legendre.leggauss(10)
    half = np.diff(ends)[:, np.newaxis] / 2
    points = ends[:-1, np.newaxis] + half * (nodes + 1)
    return points.ravel(), (half * weights).ravel()


# ---------------------------------------------------------------------- the maps
@kinds(KINDS)
def test_forward_is_transform_in_the_training_range(kind):
    X, transformer, own = map_of(kind)
    inside = np.vstack([X, X.min(axis=0) + np.ptp(X, axis=0) * RNG.random((200, 2))])
    if kind == "quantile-subsample":  # whose range is that of the subsample
        inside = np.clip(inside, transformer.quantiles_[0], transformer.quantiles_[-1])
    # At the ends of the range, QuantileTransformer clips a share of 1e-7.
    atol = 1e-4 if "quantile" in kind else 1e-9
    assert_allclose(own.forward(inside)[0], transformer.transform(inside), rtol=1e-9, atol=atol)


@kinds(KINDS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**16))
def test_inverse_takes_back(kind, seed):
    X, _, own = map_of(kind)
    rows = rows_beyond(X, seed)
    Z, log_det = own.forward(rows)
    assert np.isfinite(Z).all()
    assert np.isfinite(log_det).all()
    assert_allclose(own.inverse(Z), rows, rtol=1e-6, atol=1e-6 * np.ptp(X))


@kinds(KINDS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**16))
def test_forward_takes_back(kind, seed):
    """Every z is reached, so that no part of the density of z is lost."""
    X, _, own = map_of(kind)
    Z, _ = own.forward(X)
    wanted = Z.mean(axis=0) + Z.std(axis=0) * np.random.default_rng(seed).uniform(-7, 7, (30, 2))
    assert_allclose(own.forward(own.inverse(wanted))[0], wanted, rtol=1e-5, atol=1e-5)


@kinds(KINDS)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**16))
def test_log_derivatives_are_those_of_differences(kind, seed):
    X, _, own = map_of(kind)
    rows = rows_beyond(X, seed)
    step = 1e-6 * np.ptp(X, axis=0)
    sides = [[own.forward(rows + sign * to)[0] for sign in (-1, 0, 1)] for to in np.diag(step)]
    slope = np.stack([(sides[j][2] - sides[j][0]) / (2 * step[j]) for j in (0, 1)], axis=2)
    kinked = [
        np.abs(after - 2 * at + before) > 1e-3 * np.abs(after - before) + 1e-12
        for before, at, after in sides
    ]
    smooth = ~np.any(kinked, axis=(0, 2))  # a difference across a kink is no derivative
    assert smooth.mean() > 0.8
    expected = np.linalg.slogdet(slope)[1]
    assert_allclose(own.forward(rows)[1][smooth], expected[smooth], atol=1e-3)


@kinds(COLUMNWISE)
def test_missing_values_stay_and_add_no_derivative(kind):
    X, _, own = map_of(kind)
    rows = rows_beyond(X, 3)
    Z, log_det = own.forward(rows)
    apart = []
    for column in (0, 1):
        hidden = rows.copy()
        hidden[:, 1 - column] = np.nan
        image, own_log_det = own.forward(hidden)
        assert_array_equal(image[:, column], Z[:, column])
        assert np.isnan(image[:, 1 - column]).all()
        assert_array_equal(own.inverse(image)[:, column], own.inverse(Z)[:, column])
        apart.append(own_log_det)
    assert_allclose(sum(apart), log_det, rtol=1e-12, atol=1e-12)
    assert_array_equal(own.forward(np.full((2, 2), np.nan))[1], 0)


@kinds(COLUMNWISE)
def test_missing_values_in_training_are_left_out_by_the_map(kind):
    transformer, data = COLUMNWISE[kind]
    X = DATA[data].copy()
    X[::3, 0] = np.nan
    own = fit_map(clone(transformer), X, None)
    alone = fit_map(clone(transformer), X[~np.isnan(X[:, 0])][:, [0]], None)
    if kind == "quantile-subsample":  # which draws among missing values too
        return
    seen = ~np.isnan(X[:, 0])
    assert_allclose(own.forward(X)[0][seen, 0], alone.forward(X[seen][:, [0]])[0][:, 0], rtol=1e-6)


def test_scikit_learn_transforms_what_pipelines_have_fitted():
    X = DATA["exponential"]
    density = TransformedDensity(
        make_pipeline(MinMaxScaler(), PowerTransformer(), PCA()), GaussianDensity()
    ).fit(X)
    theirs = clone(density.transformer).fit(X)
    assert_allclose(density.transformer_.transform(X), theirs.transform(X), rtol=1e-9, atol=1e-9)


# ---------------------------------------------------------------------- closed forms
@pytest.mark.parametrize(
    "transformer",
    [transformer for transformer, _ in (SCALERS | ROTATIONS).values()],
    ids=list(SCALERS | ROTATIONS),
)
def test_a_normal_behind_an_affine_map_is_a_normal(transformer):
    X = DATA["normal"]
    density = TransformedDensity(transformer, GaussianDensity(reg_covar=0)).fit(X)
    normal = GaussianDensity(reg_covar=0).fit(X)
    rows = rows_beyond(X, 1)
    reference = stats.multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
    assert_allclose(density.score_samples(rows), reference.logpdf(rows), rtol=1e-9)
    assert density.n_parameters_ == normal.n_parameters_ == 5
    assert_allclose(density.bic(X), normal.bic(X), rtol=1e-9)
    drawn = density.sample(40_000, random_state=0)
    assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=0.03)
    assert_allclose(np.cov(drawn.T), np.cov(X.T), atol=0.04)


@kinds(SCALERS)
def test_missing_values_behind_a_scaler(kind):
    X = DATA["normal"].copy()
    X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    normal = GaussianDensity(reg_covar=0, tol=1e-12, max_iter=2000).fit(X)
    density = TransformedDensity(SCALERS[kind][0], clone(normal)).fit(X)
    for call in ("score_samples", "conditional_mean", "conditional_mode"):
        assert_allclose(getattr(density, call)(X), getattr(normal, call)(X), atol=1e-5)
    drawn, expected = (model.conditional_sample(X, random_state=2) for model in (density, normal))
    assert_allclose(drawn, expected, atol=1e-4)  # the same numbers, scaled


def test_log_normal():
    X = DATA["log-normal"]
    density = TransformedDensity(LogTransformer(), GaussianDensity(reg_covar=0)).fit(X)
    mean, covariance = np.log(X).mean(axis=0), np.cov(np.log(X).T, bias=True)
    normal = stats.multivariate_normal(mean, covariance)
    expected = normal.logpdf(np.log(X)) - np.log(X).sum(axis=1)
    assert_allclose(density.score_samples(X), expected, rtol=1e-9)
    rows = np.column_stack([X[:, 0], np.full(len(X), np.nan)])
    marginal = stats.lognorm(np.sqrt(covariance[0, 0]), scale=np.exp(mean[0]))
    assert_allclose(density.score_samples(rows), marginal.logpdf(X[:, 0]), rtol=1e-9)
    # E exp(z) = exp(mean + variance / 2)
    gain = covariance[0, 1] / covariance[0, 0]
    of_log = mean[1] + gain * (np.log(X[:, 0]) - mean[0])
    variance = covariance[1, 1] - gain * covariance[0, 1]
    completed = density.conditional_mean(rows)
    assert_allclose(completed[:, 1], np.exp(of_log + variance / 2), rtol=1e-10)
    assert_allclose(density.conditional_mode(rows)[:, 1], np.exp(of_log), rtol=1e-10)
    nothing = np.full((1, 2), np.nan)
    expected = np.exp(mean + np.diag(covariance) / 2)
    assert_allclose(density.conditional_mean(nothing)[0], expected, rtol=1e-10)


def test_a_normal_copula_has_the_margins_of_the_data():
    X = RNG.exponential(size=(3000, 2))
    density = TransformedDensity(quantile("normal", 1000), GaussianDensity()).fit(X)
    drawn = density.sample(20_000, random_state=0)
    for column in (0, 1):
        assert stats.ks_2samp(drawn[:, column], X[:, column]).statistic < 0.03


# ---------------------------------------------------------------------- integrals
@kinds(COLUMNWISE)
def test_integrates_to_one(kind):
    density = fitted(kind, columns=[0])
    x, weight = quadrature_rule(density, 0)
    total = weight @ np.exp(density.score_samples(x[:, np.newaxis]))
    assert_allclose(total, 1, rtol=0, atol=1e-6)


@kinds(COLUMNWISE)
def test_hidden_columns_are_integrated_out(kind):
    """Over one column the integral is the score of the other, and over both it is one."""
    density = fitted(kind)
    x, weight = quadrature_rule(density, 1)
    for first in (DATA[KINDS[kind][1]][7, 0], rows_beyond(DATA[KINDS[kind][1]], 5)[0, 0]):
        rows = np.column_stack([np.full(len(x), first), x])
        total = weight @ np.exp(density.score_samples(rows))
        expected = np.exp(density.score_samples([[first, np.nan]])[0])
        assert_allclose(total, expected, rtol=1e-6, atol=1e-12)
    x, weight = quadrature_rule(density, 0)
    rows = np.column_stack([x, np.full(len(x), np.nan)])
    assert_allclose(weight @ np.exp(density.score_samples(rows)), 1, rtol=0, atol=1e-6)


@kinds(ROTATIONS)
def test_rotated_densities_integrate_to_one(kind):
    density = fitted(kind, MixtureDensity(GaussianDensity(), 2, random_state=0, tol=0.1))
    X = DATA[KINDS[kind][1]]
    low, high = X.min(axis=0) - np.ptp(X, axis=0), X.max(axis=0) + np.ptp(X, axis=0)
    grids = [np.linspace(*ends, 401) for ends in zip(low, high, strict=True)]
    rows = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2)
    cell = np.prod([grid[1] - grid[0] for grid in grids])
    assert_allclose(np.exp(density.score_samples(rows)).sum() * cell, 1, rtol=0, atol=1e-6)


@kinds(COLUMNWISE)
def test_samples_follow_the_distribution_function(kind):
    density = fitted(kind, columns=[0])
    normal = stats.norm(density.density_.mean_[0], density.density_.get_covariance()[0, 0] ** 0.5)

    def distribution(x):  # T rises
        return normal.cdf(density._map.forward(x[:, np.newaxis])[0][:, 0])

    drawn = density.sample(20_000, random_state=3)
    assert stats.kstest(drawn[:, 0], distribution).pvalue > 1e-4
    drawn = density.conditional_sample(np.full((20_000, 1), np.nan), random_state=4)
    assert stats.kstest(drawn[:, 0], distribution).pvalue > 1e-4


@kinds(CURVES)
@pytest.mark.parametrize("inner", ["normal", "mixture"])
def test_conditional_means_are_those_of_quadrature(kind, inner):
    """The mean of x from p(x) itself, on a grid in x, not from p(z)."""
    normal = fitted(kind)
    density = normal
    if inner == "mixture":
        variance = np.diag(normal.density_.get_covariance()).min()
        components = GaussianDensity(reg_covar=0.05 * variance)  # no peaks that the grid misses
        density = fitted(kind, MixtureDensity(components, random_state=0, tol=0.1))
    first = DATA[KINDS[kind][1]][:3, 0]
    x, weight = quadrature_rule(normal, 1)
    completed = density.conditional_mean(np.column_stack([first, np.full(3, np.nan)]))
    for value, mean in zip(first, completed[:, 1], strict=True):
        rows = np.column_stack([np.full(len(x), value), x])
        p = weight * np.exp(density.score_samples(rows))
        assert_allclose(mean, p @ x / p.sum(), rtol=1e-6)


def test_conditional_means_of_three_columns():
    """With two columns hidden, the other one is integrated out."""
    X = np.exp(RNG.multivariate_normal([0, 1, 0], 0.5 * np.eye(3) + 0.3, size=300))
    density = TransformedDensity(LogTransformer(), GaussianDensity()).fit(X)
    rows = X[:6].copy()
    rows[:, 1] = rows[:4, 2] = np.nan
    normal = GaussianDensity().fit(np.log(X))
    completed = density.conditional_mean(rows)
    drawn = normal.conditional_sample(np.repeat(np.log(rows), 20_000, axis=0), random_state=0)
    drawn = np.exp(drawn).reshape(6, 20_000, 3)
    error = drawn.std(axis=1) / np.sqrt(20_000) + 1e-12
    assert np.max(np.abs(completed - drawn.mean(axis=1)) / error) < 4.5


# ---------------------------------------------------------------------- quadrature
def test_means_of_functions_with_kinks():
    center, scale = np.array([0.0, 1.0, -30.0]), np.array([1.0, 0.01, 5.0])

    def density(which, z):
        return stats.norm.pdf(z, center[which], scale[which])

    mean = mean_of(np.abs, density, center, scale, np.array([0.0]))
    assert_allclose(mean, stats.foldnorm(np.abs(center) / scale, scale=scale).mean(), rtol=1e-12)
    cubes = mean_of(lambda z: z**3, density, center, 50 * scale, np.empty(0))
    assert_allclose(cubes, center**3 + 3 * center * scale**2, rtol=1e-10, atol=1e-10)


def test_narrow_peaks_are_found():
    width = np.array([1e-2, 1e-3, 3e-4])

    def density(which, z):
        peaks = [stats.norm.pdf(z, place, width[which]) for place in (-0.93, 1.17)]
        return 0.25 * peaks[0] + 0.75 * peaks[1]

    mean = mean_of(lambda z: z, density, np.full(3, 0.3), np.ones(3), np.empty(0))
    assert_allclose(mean, 0.25 * -0.93 + 0.75 * 1.17, rtol=1e-9)


def test_peaks_that_are_not_found_are_told():
    def density(which, z):
        return stats.norm.pdf(z, 0.7123456, 1e-12)

    with pytest.warns(UserWarning, match="2 conditional densities have peaks too narrow"):
        mean = mean_of(lambda z: z + 1, density, np.zeros(2), np.ones(2), np.empty(0))
    assert np.isfinite(mean).all()


# ---------------------------------------------------------------------- outside the domain
def test_rows_outside_the_domain_score_minus_infinity():
    X = DATA["log-normal"]
    density = TransformedDensity(LogTransformer(), GaussianDensity()).fit(X)
    rows = np.array([[0.0, 1.0], [1.0, -2.0], [np.nan, 0.0], [1e-300, 1.0]])
    scores = density.score_samples(rows)
    assert_array_equal(scores[:3], -np.inf)
    assert np.isfinite(scores[3])
    for call in (density.conditional_mean, density.conditional_mode, density.conditional_sample):
        with pytest.raises(ValueError, match="probability zero under the model: row 2"):
            call(rows)
    assert (density.sample(500, random_state=0) > 0).all()


def test_box_cox_of_an_exponent_above_zero_goes_on_below_zero():
    density = TransformedDensity(PowerOf(), GaussianDensity()).fit(DATA["uniform"])
    scores = density.score_samples([[-0.1, 5.0], [-0.2, 5.0], [0.0, 5.0]])
    assert np.isfinite(scores).all()
    assert scores[1] < scores[0] < scores[2]


@kinds(COLUMNWISE)
def test_held_out_rows_far_away_have_scores(kind):
    density = fitted(kind)
    far = np.array([[1e6, 1e6], [1e300, 1.0], [1e-3, 1e6]])
    scores = density.score_samples(far)
    assert not np.isnan(scores).any()
    if "box-cox" not in kind and kind not in ("log", "inverse"):
        assert np.isfinite(density.score_samples([[-1e3, 1.0]])).all()


# ---------------------------------------------------------------------- with other densities
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance_type", ["full", "tied"])
@pytest.mark.parametrize("hidden", [0.0, 0.2])
def test_a_mixture_of_transformed_densities_is_a_transformed_mixture(covariance_type, hidden):
    X = DATA["log-normal"].copy()
    X[np.random.default_rng(1).random(X.shape) < hidden] = np.nan
    X[np.isnan(X).all(axis=1)] = 1.0
    normal, options = GaussianDensity(covariance_type), {"init": "random", "random_state": 0}
    outside = MixtureDensity(TransformedDensity(PowerTransformer(), normal), **options).fit(X)
    inside = TransformedDensity(PowerTransformer(), MixtureDensity(normal, **options)).fit(X)
    assert_allclose(outside.score_samples(X), inside.score_samples(X), rtol=1e-9)
    assert_allclose(outside.conditional_mean(X), inside.conditional_mean(X), rtol=1e-7)
    assert outside.n_parameters_ == inside.n_parameters_
    transformers = {id(density.transformer_) for density in outside.densities_}
    assert len(transformers) == 1
    first, second = outside.densities_
    assert first.density_ is not second.density_
    assert outside.sample(5, random_state=1).shape == (5, 2)


def test_mixtures_start_from_clusters():
    X = np.exp(np.vstack([CORRELATED, CORRELATED + 5]))
    mixture = MixtureDensity(TransformedDensity(LogTransformer(), GaussianDensity()))
    mixture.set_params(random_state=0).fit(X)
    assert_allclose(np.sort(mixture.weights_), [0.5, 0.5], atol=0.01)
    assert mixture.score(X) > TransformedDensity(LogTransformer(), GaussianDensity()).fit(X).score(
        X
    )
    rows = X[:5].copy()
    rows[:, 1] = np.nan
    assert np.isfinite(mixture.conditional_mode(rows)).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("in_block", [False, True])
def test_clusters_are_found_behind_the_transformer(in_block):
    planted = np.repeat([0, 1], 100)
    X = np.random.default_rng(0).normal(size=(200, 2))
    X[:, 0] += 6 * planted
    X[:, 1] *= 1e4  # beside this, what tells the clusters apart is small
    density = TransformedDensity(StandardScaler(), GaussianDensity())
    if in_block:
        density = ColumnDensity([("all", density, slice(None))])
    mixtures = [
        MixtureDensity(family, max_iter=1, random_state=0).fit(X)
        for family in (density, GaussianDensity())
    ]
    agreement = [adjusted_rand_score(planted, mixture.predict(X)) for mixture in mixtures]
    assert agreement[0] > 0.9 > 0.5 > agreement[1]


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_classes_share_the_transformer(covariance_type):
    X = np.vstack([DATA["log-normal"], 2 * DATA["exponential"]])
    y = np.repeat(["a", "b"], 400)
    scaler = PowerTransformer().fit(X)
    normal = GaussianDensity(covariance_type)
    classifier = GenerativeClassifier(TransformedDensity(PowerTransformer(), normal)).fit(X, y)
    behind = GenerativeClassifier(normal).fit(scaler.transform(X), y)
    expected = behind.predict_log_proba(scaler.transform(X))
    assert_allclose(classifier.predict_log_proba(X), expected, atol=1e-7)
    assert classifier.n_parameters_ == behind.n_parameters_
    assert classifier.densities_[0].transformer_ is classifier.densities_[1].transformer_
    drawn, _ = classifier.sample(7, y="a", random_state=0)
    assert drawn.shape == (7, 2)


def test_transformers_nest():
    X = DATA["log-normal"]
    chained = make_pipeline(LogTransformer(), StandardScaler())
    nested = TransformedDensity(
        LogTransformer(), TransformedDensity(StandardScaler(), GaussianDensity())
    ).fit(X)
    expected = TransformedDensity(chained, GaussianDensity()).fit(X)
    rows = X[:20].copy()
    rows[:10, 1] = np.nan
    for call in ("score_samples", "conditional_mean", "conditional_mode"):
        assert_allclose(getattr(nested, call)(rows), getattr(expected, call)(rows), rtol=1e-9)


def test_expectation_maximisation_goes_on_behind_the_transformer():
    X = DATA["exponential"].copy()
    X[np.random.default_rng(2).random(X.shape) < 0.3] = np.nan
    density = TransformedDensity(PowerTransformer("box-cox"), GaussianDensity()).fit(X)
    Z = PowerTransformer("box-cox").fit_transform(X)
    normal = GaussianDensity().fit(Z)
    assert_allclose(density.density_.mean_, normal.mean_, atol=1e-9)
    assert density.density_.n_iter_ == normal.n_iter_ > 1


def test_imputation():
    X = DATA["log-normal"].copy()
    X[::2, 1] = np.nan
    density = TransformedDensity(PowerTransformer("box-cox"), GaussianDensity())
    completed = DensityImputer(density).fit_transform(X)
    assert_array_equal(completed[1::2], X[1::2])
    assert (completed > 0).all()


# ---------------------------------------------------------------------- choosing a transformer
def test_grid_search_over_transformers_picks_what_the_data_ask_for():
    candidates = [
        StandardScaler(),
        PowerTransformer("box-cox"),
        QuantileTransformer(n_quantiles=20, output_distribution="normal"),
    ]
    picked = []
    bends = RNG.uniform(size=(600, 2))
    for X in (DATA["log-normal"], 8 + DATA["normal"], np.where(bends > 0.5, 20 * bends, bends)):
        search = GridSearchCV(
            TransformedDensity(StandardScaler(), GaussianDensity()), {"transformer": candidates}
        )
        picked.append(type(search.fit(X).best_params_["transformer"]))
        best = search.best_estimator_
        assert_allclose(search.cv_results_["mean_test_score"].max(), best.score(X), atol=0.5)
    assert picked[0] is PowerTransformer
    assert picked[1] is not QuantileTransformer  # normal data need no more than a scaler
    assert picked[2] is QuantileTransformer


def test_nested_parameters():
    density = TransformedDensity(make_pipeline(StandardScaler(), PCA()), GaussianDensity())
    density.set_params(transformer__pca__whiten=True, density__covariance_type="diag")
    assert density.transformer.named_steps["pca"].whiten
    assert density.fit(DATA["normal"]).density_.covariance_type == "diag"


# ---------------------------------------------------------------------- weights
@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        MinMaxScaler(),
        PowerTransformer(),
        PCA(whiten=True),
        quantile("normal", 3),
        make_pipeline(PowerTransformer(), StandardScaler()),
        make_pipeline(StandardScaler(), "passthrough"),
    ],
)
def test_integer_weights_repeat_rows(transformer):
    X = DATA["exponential"]
    weight = RNG.integers(0, 4, size=len(X))
    weighted = TransformedDensity(transformer, GaussianDensity()).fit(X, sample_weight=weight)
    repeated = clone(weighted).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), rtol=1e-7)
    assert_allclose(weighted.density_.mean_, repeated.density_.mean_, atol=1e-9)


def test_weights_that_are_no_integers():
    X, weight = DATA["normal"], RNG.random(400)
    density = TransformedDensity(StandardScaler(), GaussianDensity(reg_covar=0))
    expected = GaussianDensity(reg_covar=0).fit(X, sample_weight=weight).score_samples(X)
    assert_allclose(density.fit(X, sample_weight=weight).score_samples(X), expected, rtol=1e-9)
    with pytest.raises(ValueError, match="MinMaxScaler takes no sample_weight, so rows can only"):
        density.set_params(transformer=MinMaxScaler()).fit(X, sample_weight=weight)


# ---------------------------------------------------------------------- conventions
@kinds(KINDS)
def test_inputs_are_left_alone(kind):
    """Also by transformers that may write to theirs."""
    transformer, data = KINDS[kind]
    writing = {name: False for name in transformer.get_params() if name.split("__")[-1] == "copy"}
    X = DATA[data].copy()
    density = TransformedDensity(clone(transformer).set_params(**writing), GaussianDensity()).fit(X)
    assert_array_equal(X, DATA[data])
    X.flags.writeable = False
    again = clone(density).fit(X)
    assert_equal_to_rounding(again.score_samples(X), density.score_samples(X))


@kinds(KINDS)
def test_pickled_models_are_the_same(kind):
    density = fitted(kind)
    X = DATA[KINDS[kind][1]]
    loaded = pickle.loads(pickle.dumps(density))
    assert_array_equal(loaded.score_samples(X), density.score_samples(X))
    assert_array_equal(loaded.sample(9, random_state=2), density.sample(9, random_state=2))


@pytest.mark.parametrize("kind", ["standard", "pca-whiten", "yeo-johnson", "quantile-normal"])
def test_single_precision(kind):
    transformer, data = KINDS[kind]
    X = DATA[data].astype(np.float32)
    density = TransformedDensity(transformer, GaussianDensity()).fit(X)
    assert density.sample(3, random_state=0).dtype == np.float32
    assert density.score_samples(X).dtype == np.float64
    double = clone(density).fit(X.astype(float))
    assert_equal_to_rounding(density.score_samples(X), double.score_samples(X.astype(float)))
    whole = TransformedDensity(transformer, GaussianDensity()).fit((1e4 * X).astype(int))
    assert whole.sample(3, random_state=0).dtype == np.float64


def test_data_frames():
    frame = pd.DataFrame(DATA["log-normal"], columns=["length", "width"])
    frame.iloc[::5, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density = TransformedDensity(
            make_pipeline(StandardScaler(), PowerTransformer()), GaussianDensity()
        ).fit(frame)
        scores = density.score_samples(frame)
        classifier = GenerativeClassifier(density).fit(frame, np.arange(400) % 2)
        classifier.predict(frame)
    assert density.feature_names_in_.tolist() == ["length", "width"]
    assert_allclose(scores, clone(density).fit(frame.to_numpy()).score_samples(frame.to_numpy()))


@kinds(ROTATIONS)
def test_rotations_refuse_missing_values(kind):
    density = fitted(kind)
    X = DATA["normal"].copy()
    X[3, 1] = np.nan
    step = "step 'pca' of transformer" if kind == "standard-pca" else r"transformer \(PCA"
    for call in (density.fit, density.score_samples, density.conditional_mean):
        with pytest.raises(ValueError, match=rf"X contains NaN, but {step}.* mixes columns"):
            call(X)
    assert not get_tags(density).input_tags.allow_nan
    assert not get_tags(MixtureDensity(density)).input_tags.allow_nan


def test_tags_follow_the_transformer_and_the_density():
    assert get_tags(TransformedDensity(PowerTransformer(), GaussianDensity())).input_tags.allow_nan
    inner = TransformedDensity(PCA(), GaussianDensity())
    assert not get_tags(TransformedDensity(StandardScaler(), inner)).input_tags.allow_nan


@pytest.mark.parametrize("transformer", [PCA(), PCAProjection(whiten=True)])
def test_scikit_learn_checks_of_rotations(transformer):
    """One of them has 27 rows of 30 columns, where no rotation has an inverse; that is said."""
    density = TransformedDensity(transformer, GaussianDensity())
    results = check_estimator(density, on_fail=None, on_skip=None)
    failed = [result for result in results if result["status"] == "failed"]
    assert len(results) - len(failed) > 30
    for result in failed:
        assert "makes 27 columns of 30 and so has no inverse" in str(result["exception"])


def test_no_batches():
    assert not hasattr(TransformedDensity(StandardScaler(), GaussianDensity()), "partial_fit")


# ---------------------------------------------------------------------- what cannot be inverted
SQUARE = np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [4.0, 4.0]])
CONSTANT = np.column_stack([SQUARE[:, 0], np.full(4, 7.0)])
DEPENDENT = np.column_stack([SQUARE, SQUARE.sum(axis=1)])
TIED = np.column_stack([np.arange(8.0), [0, 1, 1, 1, 1, 1, 2, 3]])


@pytest.mark.parametrize(
    ("transformer", "X", "message"),
    [
        (PolynomialFeatures(), SQUARE, r"transformer \(PolynomialFeatures\) cannot be used: its"),
        (PolynomialFeatures(), SQUARE, "Jacobian is not known. Supported are StandardScaler, MinM"),
        (
            make_pipeline(StandardScaler(), VarianceThreshold()),
            SQUARE,
            r"step 'variancethreshold' of transformer \(VarianceThreshold\) cannot be used",
        ),
        (
            Pipeline([("a", Pipeline([("b", PolynomialFeatures())])), ("c", "passthrough")]),
            SQUARE,
            r"step 'a__b' of transformer \(PolynomialFeatures\) cannot be used",
        ),
        (LogisticRegression(), SQUARE, r"\(LogisticRegression\) cannot be used"),
        (PCA(1), SQUARE, r"transformer \(PCA\) makes 1 columns of 2 and so has no inverse"),
        (
            make_pipeline(StandardScaler(), PCAProjection(n_components=2)),
            DEPENDENT,
            r"step 'pcaprojection' of transformer \(PCAProjection\) makes 2 columns of 3",
        ),
        (PCA(), DEPENDENT[:2], "makes 2 columns of 3 .* got n_samples=2"),
        (PCA(whiten=True), DEPENDENT, r"column 2 of its output has variance zero"),
        (PCA(whiten=True), CONSTANT, r"column 1 of its output has variance zero"),
        (MinMaxScaler(clip=True), SQUARE, r"\(MinMaxScaler\) has no inverse: with clip=True, ever"),
        (
            QuantileTransformer(n_quantiles=8),
            TIED,
            r"\(QuantileTransformer\) has no inverse: in column 1, the value 1 is more than one of",
        ),
        (QuantileTransformer(n_quantiles=3), CONSTANT, "in column 1, the value 7 is more than one"),
        (QuantileTransformer(n_quantiles=1), SQUARE, "has a single quantile"),
        (PowerTransformer("box-cox"), CONSTANT, "has no exponent for column 1, which is constant"),
        (PowerTransformer("box-cox"), SQUARE - 2, "strictly positive"),
        (
            make_pipeline(MaxAbsScaler(), PowerTransformer("box-cox")),
            CONSTANT,
            "step 'powertransformer' of transformer .* has no exponent for column 1",
        ),
    ],
)
def test_what_has_no_inverse(transformer, X, message):
    density = TransformedDensity(transformer, GaussianDensity())
    with pytest.raises(ValueError, match=message):
        density.fit(X)
    assert vars(density).keys() == density.get_params(deep=False).keys()
    density.set_params(transformer=StandardScaler()).fit(SQUARE)
    before = density.score_samples(SQUARE)
    with pytest.raises(ValueError, match=message):
        density.set_params(transformer=transformer).fit(X)
    assert_array_equal(density.score_samples(SQUARE), before)  # the model is what it was


def test_maps_that_floating_point_does_not_survive():
    X = RNG.normal(2000, 1e-3, size=(50, 1))

    class Extreme(LogTransformer):
        exponent = -40.0

    with pytest.raises(ValueError, match="with the exponent -40, the values of column 0 differ by"):
        TransformedDensity(Extreme(), GaussianDensity()).fit(X)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # in scikit-learn's own search
def test_power_transformers_far_from_zero_are_refused_or_right():
    refused = 0
    for seed in range(20):
        X = np.random.default_rng(seed).normal(1013, 1, size=(200, 1))  # air pressure in hPa
        density = TransformedDensity(PowerTransformer(), GaussianDensity())
        try:
            density.fit(X)
        except (ValueError, RuntimeError):  # by us, or by scikit-learn's search of an exponent
            refused += 1
            continue
        assert_allclose(density.score(X), GaussianDensity().fit(X).score(X), atol=0.1)
        assert_allclose(density.sample(500, random_state=0).mean(), 1013, atol=1)
    assert refused < 20


def test_names_of_columns_end_at_a_rotation():
    frame = pd.DataFrame(DATA["normal"], columns=["a", "b"])
    blocks = ColumnDensity([("a", GaussianDensity(), ["a"]), ("b", GaussianDensity(), ["b"])])
    with pytest.raises(ValueError, match="X has no names of columns"):
        TransformedDensity(PCA(), blocks).fit(frame)


def test_columns_of_categories_beside_continuous_ones():
    X = np.column_stack([DATA["normal"], DATA["normal"][:, 0] > 1])
    blocks = ColumnDensity(
        [("a", GaussianDensity(), [0, 1]), ("b", BernoulliIndependentDensity(), [2])]
    )
    for density in (blocks, MixtureDensity(blocks)):
        with pytest.raises(ValueError, match="density must be one over continuous columns"):
            TransformedDensity(StandardScaler(), density).fit(X)


def test_constant_columns_where_the_map_has_an_inverse():
    for transformer in (StandardScaler(), MinMaxScaler(), RobustScaler(), MaxAbsScaler(), PCA()):
        density = TransformedDensity(transformer, GaussianDensity()).fit(CONSTANT)
        assert np.isfinite(density.score_samples(CONSTANT)).all()
    density = TransformedDensity(PowerTransformer(), GaussianDensity()).fit(CONSTANT)
    assert np.isfinite(density.score_samples(CONSTANT)).all()
    assert np.isfinite(density.conditional_mean([[np.nan, 7.0], [1.0, np.nan]])).all()


@pytest.mark.parametrize(
    "density",
    [
        ChowLiuTreeDensity(),
        BernoulliIndependentDensity(),
        MixtureDensity(BernoulliIndependentDensity(), random_state=0),
    ],
)
def test_categories_have_no_business_behind_a_transformer(density):
    model = TransformedDensity(StandardScaler(), density)
    name = type(density).__name__
    with pytest.raises(ValueError, match=f"density must be one over continuous .* got {name}"):
        model.fit(SQUARE)
    assert vars(model).keys() == model.get_params(deep=False).keys()


def test_a_column_without_observed_values():
    X = DATA["normal"].copy()
    X[:, 1] = np.nan
    density = TransformedDensity(PowerTransformer(), GaussianDensity())
    for model in (density, MixtureDensity(density)):
        with pytest.raises(ValueError, match="no observed value in column 1"):
            model.fit(X)
    with pytest.raises(ValueError, match="no observed value in column 1"):
        GenerativeClassifier(density).fit(X, np.arange(len(X)) % 2)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="'transformer' parameter of TransformedDensity must be"):
        TransformedDensity("scale", GaussianDensity()).fit(SQUARE)
    with pytest.raises(ValueError, match="'density' parameter of TransformedDensity must be"):
        TransformedDensity(StandardScaler(), LogisticRegression()).fit(SQUARE)
    with pytest.raises(ValueError, match="'reg_covar' parameter of GaussianDensity must be"):
        TransformedDensity(StandardScaler(), GaussianDensity(reg_covar=-1)).fit(SQUARE)
