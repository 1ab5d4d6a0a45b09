"""The maps of transformers against the transformers themselves, and quadrature behind them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer

from skdgm import GaussianDensity, TransformedDensity
from skdgm.density.transformed._fit_map import fit_map
from skdgm.density.transformed._quadrature import mean_of

from .transformers import COLUMNWISE, DATA, KINDS, kinds, map_of, rows_beyond


# ---------------------------------------------------------------------- the maps
@kinds(KINDS)
def test_forward_is_transform_in_the_training_range(kind):
    X, transformer, own = map_of(kind)
    shares = np.random.default_rng(0).random((200, 2))
    inside = np.vstack([X, X.min(axis=0) + np.ptp(X, axis=0) * shares])
    if kind == "quantile-subsample":  # whose range is that of the subsample
        inside = np.clip(inside, transformer.quantiles_[0], transformer.quantiles_[-1])
    # At the ends of the range, QuantileTransformer clips a share of 1e-7.
    atol = 1e-4 if "quantile" in kind else 1e-9
    assert_allclose(own.forward(inside)[0], transformer.transform(inside), rtol=1e-9, atol=atol)


@kinds(KINDS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**16))
def test_inverse_undoes_forward(kind, seed):
    X, _, own = map_of(kind)
    rows = rows_beyond(X, seed)
    Z, log_det = own.forward(rows)
    assert np.isfinite(Z).all()
    assert np.isfinite(log_det).all()
    assert_allclose(own.inverse(Z), rows, rtol=1e-6, atol=1e-6 * np.ptp(X))


@kinds(KINDS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**16))
def test_forward_undoes_inverse(kind, seed):
    """Every z is reached, so no part of the density of z is lost."""
    X, _, own = map_of(kind)
    Z, _ = own.forward(X)
    wanted = Z.mean(axis=0) + Z.std(axis=0) * np.random.default_rng(seed).uniform(-7, 7, (30, 2))
    assert_allclose(own.forward(own.inverse(wanted))[0], wanted, rtol=1e-5, atol=1e-5)


@kinds(KINDS)
@settings(max_examples=10)
@given(seed=st.integers(0, 2**16))
def test_log_determinants_agree_with_finite_differences(kind, seed):
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
def test_missing_values_stay_and_add_nothing_to_the_log_determinant(kind):
    X, _, own = map_of(kind)
    rows = rows_beyond(X, 3)
    Z, log_det = own.forward(rows)
    apart = []
    for column in (0, 1):
        incomplete = rows.copy()
        incomplete[:, 1 - column] = np.nan
        image, own_log_det = own.forward(incomplete)
        assert_array_equal(image[:, column], Z[:, column])
        assert np.isnan(image[:, 1 - column]).all()
        assert_array_equal(own.inverse(image)[:, column], own.inverse(Z)[:, column])
        apart.append(own_log_det)
    assert_allclose(sum(apart), log_det, rtol=1e-12, atol=1e-12)
    assert_array_equal(own.forward(np.full((2, 2), np.nan))[1], 0)


@kinds(COLUMNWISE)
def test_missing_values_in_training_are_left_out(kind):
    transformer, data = COLUMNWISE[kind]
    X = DATA[data].copy()
    X[::3, 0] = np.nan
    own = fit_map(clone(transformer), X, None)
    alone = fit_map(clone(transformer), X[~np.isnan(X[:, 0])][:, [0]], None)
    if kind == "quantile-subsample":  # which draws among missing values too
        return
    seen = ~np.isnan(X[:, 0])
    assert_allclose(
        own.forward(X)[0][seen, 0], alone.forward(X[seen][:, [0]])[0][:, 0], rtol=1e-6, atol=1e-8
    )


def test_fitted_pipelines_transform_as_those_of_scikit_learn():
    X = DATA["exponential"]
    density = TransformedDensity(
        make_pipeline(MinMaxScaler(), PowerTransformer(), PCA()), GaussianDensity()
    ).fit(X)
    theirs = clone(density.transformer).fit(X)
    # The search for the power ends anywhere within 1e-8 or so.
    assert_allclose(density.transformer_.transform(X), theirs.transform(X), rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------------- quadrature
def test_means_of_functions_with_kinks_are_exact():
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


def test_peaks_that_are_not_found_cause_a_warning():
    def density(which, z):
        return stats.norm.pdf(z, 0.7123456, 1e-12)

    with pytest.warns(UserWarning, match="2 conditional densities have peaks too narrow"):
        mean = mean_of(lambda z: z + 1, density, np.zeros(2), np.ones(2), np.empty(0))
    assert np.isfinite(mean).all()
