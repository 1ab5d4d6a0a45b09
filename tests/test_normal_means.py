"""Means of a function under many normals, and of missing values behind a transformer by them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, StandardScaler

from skdgm import GaussianDensity, MixtureDensity, TransformedDensity
from skdgm._kernels.transformed import add_under_normals
from skdgm.density.transformed import _missing
from skdgm.density.transformed._fit_map import fit_map
from skdgm.density.transformed._normal_means import SmoothedCurve, mean_under_normals
from skdgm.density.transformed._quadrature import mean_of

from .normals import CASES, conditional, fitted, mixed_rows
from .rows import hide

NO_KINKS = np.empty(0)
EXPONENTIAL = SmoothedCurve(np.exp, NO_KINKS)
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


def test_means_of_functions_have_their_closed_form():
    center, scale = random_normals(200)
    exponential = mean_under_normals(EXPONENTIAL, center, scale)
    assert_allclose(exponential, np.exp(center + scale**2 / 2), rtol=1e-10)
    kinks = np.sort(np.random.default_rng(0).normal(size=300))
    curve = SmoothedCurve(lambda z: np.maximum(z[:, np.newaxis], kinks).mean(axis=1), kinks)
    folded = mean_under_normals(curve, center, scale)
    t = (center[:, np.newaxis] - kinks) / scale[:, np.newaxis]
    rest = scale[:, np.newaxis] * (stats.norm.pdf(t) + t * stats.norm.cdf(t))
    assert_allclose(folded, (kinks + rest).mean(axis=1), atol=1e-9)


def test_narrow_normals_are_points_and_overflow_stays_infinite():
    center = np.array([1e5, 3.0, 1.0, 0.0])
    scale = np.array([1e-4, 0.0, 1e-12, 0.0])
    assert_array_equal(
        mean_under_normals(SmoothedCurve(np.sqrt, NO_KINKS), center, scale), np.sqrt(center)
    )
    with np.errstate(over="ignore"):
        assert mean_under_normals(EXPONENTIAL, np.array([1e4]), np.ones(1)) == np.inf


def test_any_rows_together_give_the_same_means():
    center, scale = random_normals(300)
    center[::7] *= 1e6  # panels lie in many places
    together = mean_under_normals(SmoothedCurve(np.arctan, NO_KINKS), center, scale)
    alone = [
        mean_under_normals(SmoothedCurve(np.arctan, NO_KINKS), *own)
        for own in zip(center[:40, np.newaxis], scale[:40, np.newaxis], strict=True)
    ]
    assert_allclose(together[:40], np.concatenate(alone), rtol=1e-9, atol=1e-10)
    assert len(add_under_normals.signatures) == 1


@pytest.mark.parametrize("transformer", TRANSFORMERS)
def test_means_agree_with_adaptive_quadrature(transformer):
    X = np.random.default_rng(0).lognormal(size=(300, 1))
    own_map = fit_map(transformer, X, None)
    curve = _missing._curve_of(own_map, 0)
    inverse, kinks = curve.function, curve.kinks
    center, scale = random_normals(60)
    center, scale = (0.5 + center / 4, scale / 4) if transformer is QUANTILES else (center, scale)
    spread = inverse(center + scale) - inverse(center - scale)

    def density(which, z):
        return stats.norm.pdf(z, center[which], scale[which])

    expected = mean_of(inverse, density, center, scale, kinks)
    means = mean_under_normals(curve, center, scale)
    assert np.max(np.abs(means - expected) / spread) < 1e-8


@pytest.mark.parametrize(("parameters", "n_columns"), CASES)
def test_moments_are_those_of_the_conditional_normal(parameters, n_columns):
    density, X = fitted(parameters, n_columns), mixed_rows(n_columns)[50:70]
    mean, variance = density._moments_missing(X)
    for row, x in enumerate(X):
        missing = np.isnan(x)
        own_mean, covariance = conditional(density, x)
        assert_allclose(mean[row, missing], own_mean, atol=1e-8)
        assert_allclose(variance[row, missing], np.diag(covariance), rtol=1e-7)


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
