"""Means of a function under many normals, and of missing values behind a transformer by them."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from skdgm import (
    ColumnDensity,
    GaussianDensity,
    MixtureDensity,
    NormalScoreTransformer,
    StepIndependentDensity,
    TransformedDensity,
)
from skdgm._kernels.transformed import means_from_cells
from skdgm.density.transformed import _missing
from skdgm.density.transformed._fit_map import fit_map
from skdgm.density.transformed._normal_means import mean_under_normals
from skdgm.density.transformed._quadrature import mean_of
from skdgm.density.transformed._smoothed import SmoothedCurves

from .normals import CASES, conditional, fitted, mixed_rows
from .rows import hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

NO_KINKS = np.empty(0)
QUANTILES = QuantileTransformer(n_quantiles=40)
NORMAL_QUANTILES = QuantileTransformer(n_quantiles=40, output_distribution="normal")
TRANSFORMERS = [
    pytest.param(QUANTILES, id="uniform"),
    pytest.param(NORMAL_QUANTILES, id="normal"),
    pytest.param(PowerTransformer("box-cox"), id="box-cox"),
    pytest.param(PowerTransformer(), id="yeo-johnson"),
    pytest.param(
        make_pipeline(PowerTransformer(), NORMAL_QUANTILES, StandardScaler()), id="nested"
    ),
]


def random_normals(n, seed=0):
    """Centres and scales from narrow to wide."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), np.minimum(np.exp(2 * rng.normal(size=n) - 2), 4.0)


def means(function, kinks, center, scale):
    """Means of one function under normals."""
    curves = SmoothedCurves(function, [kinks])
    return mean_under_normals(curves, np.zeros(len(center), dtype=np.intp), center, scale)


def test_means_of_functions_have_their_closed_form():
    center, scale = random_normals(200)
    exponential = means(np.exp, NO_KINKS, center, scale)
    assert_allclose(exponential, np.exp(center + scale**2 / 2), rtol=1e-10)
    kinks = np.sort(np.random.default_rng(0).normal(size=700))
    folded = means(lambda z: np.maximum(z, kinks).mean(axis=1, keepdims=True), kinks, center, scale)
    t = (center[:, np.newaxis] - kinks) / scale[:, np.newaxis]
    rest = scale[:, np.newaxis] * (stats.norm.pdf(t) + t * stats.norm.cdf(t))
    assert_allclose(folded, (kinks + rest).mean(axis=1), atol=1e-10)


def test_narrow_normals_are_points_and_overflow_stays_infinite():
    center = np.array([1e5, 3.0, 1.0, 0.0])
    scale = np.array([1e-4, 0.0, 1e-12, 0.0])
    assert_array_equal(means(np.sqrt, NO_KINKS, center, scale), np.sqrt(center))
    with np.errstate(over="ignore"):
        assert means(np.exp, NO_KINKS, np.array([1e4]), np.ones(1)) == np.inf


def test_any_rows_and_columns_together_give_the_same_means():
    curves = SmoothedCurves(np.arctan, [NO_KINKS, NO_KINKS])
    center, scale = random_normals(3000)
    center[::7] *= 1e6  # cells lie in many places
    column = np.arange(len(center)) % 2
    together = mean_under_normals(curves, column, center, scale)
    alone = [means(np.arctan, NO_KINKS, *own) for own in np.stack([center, scale], 1)[:40, :, None]]
    assert_array_equal(together[:40], np.concatenate(alone))
    assert len(means_from_cells.signatures) == 1


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_means_agree_with_adaptive_quadrature(transformer):
    X = np.random.default_rng(0).lognormal(size=(300, 1))
    _, curves = _missing._curves_of(fit_map(transformer, X, None), 1)
    center, scale = random_normals(60)
    center, scale = (0.5 + center / 4, scale / 4) if transformer is QUANTILES else (center, scale)
    own = np.zeros(len(center), dtype=np.intp)
    spread = curves.at(own, center + scale) - curves.at(own, center - scale)

    def inverse(z):
        return curves.at(own[:1].repeat(len(z)), z)

    def density(which, z):
        return stats.norm.pdf(z, center[which], scale[which])

    expected = mean_of(inverse, density, center, scale, curves._kinks.imag)
    found = mean_under_normals(curves, own, center, scale)
    assert np.max(np.abs(found - expected) / spread) < 3e-9


@pytest.mark.parametrize("n_quantiles", [3, 40, 1000])
def test_means_of_piecewise_linear_maps_have_their_closed_form(n_quantiles):
    X = np.random.default_rng(0).lognormal(size=(1000, 1))
    transformer = QuantileTransformer(n_quantiles=n_quantiles)
    own_map = fit_map(transformer, X, None)
    _, curves = _missing._curves_of(own_map, 1)
    center, scale = random_normals(200)
    center, scale = 0.5 + center, scale / 4
    found = mean_under_normals(curves, np.zeros(200, dtype=np.intp), center, scale)
    kinks = transformer.references_
    slope = np.diff(own_map.inverse(np.concatenate([[-1.0], kinks, [2.0]])[:, np.newaxis])[:, 0])
    slope /= np.diff(np.concatenate([[-1.0], kinks, [2.0]]))
    t = (center[:, np.newaxis] - kinks) / scale[:, np.newaxis]
    hinges = scale[:, np.newaxis] * (stats.norm.pdf(t) + t * stats.norm.cdf(t))  # E max(z - k, 0)
    expected = transformer.quantiles_[0, 0] + slope[0] * center + hinges @ np.diff(slope)
    assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("parameters", "n_columns"), CASES)
def test_moments_are_those_of_the_conditional_normal(parameters, n_columns):
    density, X = fitted(parameters, n_columns), mixed_rows(n_columns)[50:70]
    mean, variance = density._moments_missing(X)
    for row, x in enumerate(X):
        missing = np.isnan(x)
        own_mean, covariance = conditional(density, x)
        assert_allclose(mean[row, missing], own_mean, atol=1e-8)
        assert_allclose(variance[row, missing], np.diag(covariance), rtol=1e-7)


COLUMNS = ColumnTransformer(
    [
        ("root", FunctionTransformer(np.sqrt, np.square), [2]),
        ("steps", make_pipeline(NormalScoreTransformer(), StandardScaler()), [0]),
    ],
    remainder=StandardScaler(),
)


@pytest.mark.parametrize(
    "transformer",
    [PowerTransformer(), FunctionTransformer(np.log, np.exp), NORMAL_QUANTILES, COLUMNS],
    ids=["power", "log", "quantiles", "columns"],
)
def test_conditional_means_agree_with_numerical_integration(transformer):
    rng = np.random.default_rng(0)
    X = np.exp(rng.normal(size=(200, 3)) @ rng.normal(size=(3, 3)) / 2)
    model = TransformedDensity(transformer, GaussianDensity()).fit(X)
    rows = np.array([X[0], X[1], X[2]])
    rows[np.diag_indices(3)] = np.nan
    found = np.diagonal(model.conditional_mean(rows))
    t = np.linspace(-9, 9, 50_001)
    for column, row in enumerate(rows):
        z_row = model._map.forward(row[np.newaxis])[0]
        center, variance = (each[0, column] for each in model.density_._moments_missing(z_row))
        table = np.repeat(z_row, len(t), axis=0)
        table[:, column] = center + np.sqrt(variance) * t
        x = model._map.inverse(table)[:, column]
        expected = integrate.trapezoid(x * stats.norm.pdf(t), t)
        assert_allclose(found[column], expected, rtol=1e-7)


@pytest.mark.parametrize("transformer", [PowerTransformer(), COLUMNS], ids=["power", "columns"])
def test_completions_do_not_depend_on_the_other_rows(transformer):
    X = np.random.default_rng(0).lognormal(size=(100, 3))
    model = TransformedDensity(
        transformer, MixtureDensity(GaussianDensity(), random_state=0, max_iter=5)
    ).fit(X)
    rows = hide(X[:12], 0.4, seed=2)
    alone = [clone_of_curves(model).conditional_mean(row[np.newaxis])[0] for row in rows]
    assert_allclose(model.conditional_mean(rows), alone, rtol=1e-12)


def clone_of_curves(model):
    """The same model, which has computed nothing yet."""
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("transformer", TRANSFORMERS[1:4])
@pytest.mark.parametrize(
    "density",
    [
        GaussianDensity(shrinkage=0.05),
        MixtureDensity(GaussianDensity(shrinkage=0.05), random_state=0),
        MixtureDensity(GaussianDensity("diag"), random_state=0),
    ],
    ids=["normal", "mixture", "diag-mixture"],
)
def test_completions_agree_with_those_by_scores(transformer, density, monkeypatch):
    rng = np.random.default_rng(0)
    X = np.exp(rng.normal(size=(150, 3)) @ rng.normal(size=(3, 3)) / 2)
    model = TransformedDensity(transformer, density).fit(hide(X, 0.2, seed=1))
    rows = hide(X[:20], 0.4, seed=2)
    ours = model.conditional_mean(rows)
    monkeypatch.setattr(_missing, "_is_normal", lambda density: False)
    assert_allclose(ours, model.conditional_mean(rows), rtol=1e-7)


@pytest.mark.parametrize(
    "density",
    [StepIndependentDensity(), ColumnDensity([("all", GaussianDensity(), slice(None))])],
    ids=["independent", "dependent"],
)
def test_equal_conditional_densities_are_integrated_once(density, monkeypatch):
    X = np.random.default_rng(0).lognormal(size=(60, 2))
    model = TransformedDensity(PowerTransformer(), density).fit(X)
    rows = np.repeat([[np.nan, 1.0], [np.nan, 2.0], [0.5, np.nan]], 4, axis=0)
    alone = np.vstack([model.conditional_mean(row[np.newaxis]) for row in rows[::4]])
    sizes = []

    def count(*arguments):
        sizes.append(len(arguments[2]))
        return mean_of(*arguments)

    monkeypatch.setattr(_missing, "mean_of", count)
    assert_allclose(model.conditional_mean(rows), np.repeat(alone, 4, axis=0), rtol=1e-12)
    assert sizes == ([1, 1] if isinstance(density, StepIndependentDensity) else [2, 1])
