"""Missing values in GaussianDensity: queries against the closed form."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg, stats

from skdgm import GaussianDensity
from skdgm._codes import readonly
from skdgm._kernels import gaussian as kernels
from skdgm.density._engine import blocks as _blocks
from skdgm.density._engine.patterns import Batch, Patterns
from skdgm.density.gaussian import _missing
from skdgm.density.gaussian._covariances import LowRankCovariance

from .normals import cases, complete_rows, conditional, fitted, mixed_rows, observed_log_prob
from .rounding import assert_equal_to_rounding
from .rows import hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


# ---------------------------------------------------------------------- queries
@cases
def test_scores_are_densities_of_the_observed_columns(parameters, n_columns):
    density, X = fitted(parameters, n_columns), mixed_rows(n_columns)
    before = X.copy()
    log_prob = density.score_samples(X)
    assert_array_equal(X, before)
    expected = observed_log_prob(X, density.mean_, density.get_covariance())
    assert_allclose(log_prob, expected, rtol=1e-9, atol=1e-9)
    assert_array_equal(log_prob[60:62], 0)
    assert_equal_to_rounding(density.score_samples(X[:20]), log_prob[:20])


@settings(max_examples=20)
@given(
    seed=st.integers(0, 2**16),
    n_rows=st.integers(1, 80),
    n_columns=st.integers(1, 9),
    n_factors=st.integers(0, 8),
    share=st.sampled_from([0.1, 0.5, 0.9]),
)
def test_low_rank_and_full_of_the_same_matrix_agree(seed, n_rows, n_columns, n_factors, share):
    rng = np.random.default_rng(seed)
    n_factors = min(n_factors, n_columns - 1)
    axes = linalg.qr(rng.normal(size=(n_columns, n_columns)))[0][:n_factors]
    variance = np.sort(1 + 10 * rng.random(n_factors))[::-1]
    low_rank = LowRankCovariance.of_axes(axes, variance, 0.5)
    y = hide(rng.normal(size=(n_rows, n_columns)), share, seed)
    full = low_rank._full
    assert_allclose(low_rank.log_prob(y), full.log_prob(y), rtol=1e-9, atol=1e-9)
    assert_allclose(low_rank.conditional_mean(y), full.conditional_mean(y), atol=1e-9)
    incomplete = y[np.isnan(y).any(axis=1)]
    if len(incomplete):
        weight = rng.random(len(incomplete)) + 0.1
        ours, log_prob = low_rank.expect(incomplete, weight)
        theirs, _ = full.expect(incomplete, weight)
        assert_allclose(log_prob, full.log_prob(incomplete), rtol=1e-9, atol=1e-9)
        for name in ("mean", "scatter"):
            assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-8)


@cases
def test_the_joint_is_marginal_times_conditional(parameters, n_columns):
    density, X = fitted(parameters, n_columns), complete_rows(20, n_columns, seed=4)
    incomplete = hide(X, 0.4, seed=1)
    marginal, mean = density.score_samples(incomplete), density.conditional_mean(incomplete)
    for i, missing in enumerate(np.isnan(incomplete)):
        if missing.any():
            _, covariance = conditional(density, incomplete[i])
            rest = stats.multivariate_normal(mean[i, missing], covariance).logpdf(X[i, missing])
            assert_allclose(
                density.score_samples(X[[i]])[0], marginal[i] + rest, rtol=1e-8, atol=1e-12
            )


@cases
def test_conditional_means_and_modes_follow_the_formula(parameters, n_columns):
    density, X = fitted(parameters, n_columns), mixed_rows(n_columns)
    before = X.copy()
    filled = density.conditional_mean(X)
    for x, row in zip(X, filled, strict=True):
        missing = np.isnan(x)
        assert_array_equal(row[~missing], x[~missing])
        if missing.any():
            assert_allclose(row[missing], conditional(density, x)[0], rtol=1e-8, atol=1e-8)
    assert_array_equal(density.conditional_mode(X), filled)
    assert_allclose(filled[60], density.mean_)
    assert_array_equal(X, before)


@cases
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_draws_have_the_conditional_moments(parameters, n_columns, share):
    density = fitted(parameters, n_columns)
    x = complete_rows(1, n_columns, seed=6)[0]
    x[: max(1, int(share * n_columns))] = np.nan
    missing = np.isnan(x)
    X = np.tile(x, (20_000, 1))
    drawn = density.conditional_sample(X, random_state=3)
    assert_array_equal(drawn[:, ~missing], X[:, ~missing])
    mean, covariance = conditional(density, x)
    scale = np.sqrt(np.diag(covariance))
    drawn = drawn[:, missing]
    assert_allclose((drawn.mean(axis=0) - mean) / scale, 0, atol=0.04)
    error = np.cov(drawn.T) - covariance
    assert_allclose(error / np.outer(scale, scale), 0, atol=0.06)


@cases
def test_draws_of_rows_with_patterns_of_their_own_are_normal(parameters, n_columns):
    density = fitted(parameters, n_columns)
    X = hide(complete_rows(500 if n_columns < 20 else 100, n_columns, seed=7), 0.4, seed=1)
    drawn = density.conditional_sample(X, random_state=5)
    whitened = []
    for x, row in zip(X, drawn, strict=True):
        missing = np.isnan(x)
        if missing.any():
            mean, covariance = conditional(density, x)
            factor = linalg.cholesky(covariance, lower=True)
            whitened.extend(linalg.solve_triangular(factor, row[missing] - mean, lower=True))
    assert stats.kstest(whitened, "norm").pvalue > 1e-3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@cases
def test_threads_change_nothing(parameters, n_columns, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_CELLS", 37 * n_columns)  # blocks of 37 rows
    X = mixed_rows(n_columns)
    Y = hide(complete_rows(150, n_columns), 0.2, seed=1)
    models = [
        GaussianDensity(**parameters, max_iter=3, reg_covar=0.1, n_jobs=n_jobs).fit(Y)
        for n_jobs in (None, 2)
    ]
    assert_equal_to_rounding(*(model.score_samples(X) for model in models))
    assert_equal_to_rounding(*(model.conditional_mean(X) for model in models))
    assert_equal_to_rounding(*(model.conditional_sample(X, random_state=1) for model in models))


def test_the_dtype_of_the_input_stays():
    X = mixed_rows(3).astype(np.float32)
    density = GaussianDensity().fit(X)
    assert density.conditional_mean(X).dtype == np.float32
    assert density.conditional_sample(X, random_state=0).dtype == np.float32
    assert density.sample(2, random_state=0).dtype == np.float32


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
@pytest.mark.parametrize("reg_covar", [0.0, 1e-6])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_queries_with_singular_covariances_are_finite(covariance_type, reg_covar, scale):
    X = np.repeat(complete_rows(40, 3), 2, axis=1) * scale  # each column twice
    density = GaussianDensity(covariance_type, reg_covar=reg_covar, n_factors=3).fit(X)
    incomplete = hide(X, 0.4, seed=1)
    assert np.isfinite(density.score_samples(incomplete)).all()
    assert np.isfinite(density.conditional_sample(incomplete, random_state=0)).all()
    X[:, 0] = np.nan  # known from its copy
    if covariance_type not in ("diag", "spherical") and scale >= 1:
        filled = density.conditional_mean(X)[:, 0]
        assert_allclose(filled, X[:, 1], rtol=1e-4 if scale == 1 else 1e-2, atol=1e-2 * scale)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_observed_values_whose_squares_overflow_are_refused_or_impossible(covariance_type):
    density = GaussianDensity(covariance_type, n_factors=1).fit(complete_rows(50, 4))
    far = np.array([[1e300, np.nan, 1e300, 1.0], [np.nan, 1.7e308, -1.7e308, 1.0]])
    assert_array_equal(density.score_samples(far), [-np.inf, -np.inf])
    with pytest.raises(ValueError, match=r"X holds values up to 1\.7e\+308, whose squares"):
        density.fit(np.vstack([far, np.ones((1, 4))]))


# ---------------------------------------------------------------------- independent columns
@pytest.mark.parametrize("covariance_type", ["diag", "spherical"])
def test_independent_columns_are_counted_as_they_are(covariance_type):
    X = hide(complete_rows(60, 4), 0.4, seed=1)
    density = GaussianDensity(covariance_type, reg_covar=0).fit(X)
    assert_allclose(density.mean_, np.nanmean(X, axis=0))
    variance = np.nanvar(X, axis=0)
    if covariance_type == "spherical":
        variance = np.nanmean((X - density.mean_) ** 2)
    assert_allclose(density.covariance_, variance)
    assert density.n_iter_ == 1
    assert density.lower_bounds_.shape == (0,)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**16),
    covariance_type=st.sampled_from(["diag", "spherical"]),
    cuts=st.lists(st.integers(1, 39), max_size=5, unique=True),
)
def test_independent_columns_are_counted_in_any_batches(seed, covariance_type, cuts):
    rng = np.random.default_rng(seed)
    X, weight = hide(complete_rows(40, 3, seed) + 1e4, 0.6, seed), rng.random(40) + 0.1
    X[:, 0] = 1.0
    X[0] = [2.0, 3.0, 4.0]  # the first batch has every column
    whole = GaussianDensity(covariance_type).fit(X, sample_weight=weight)
    batched = GaussianDensity(covariance_type)
    edges = [0, *sorted(cuts), 40]
    for start, stop in itertools.pairwise(edges):
        batched.partial_fit(X[start:stop], sample_weight=weight[start:stop])
    assert_allclose(batched.mean_, whole.mean_)
    assert_allclose(batched.covariance_, whole.covariance_, rtol=1e-6)


# ---------------------------------------------------------------------- parts
@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), n_rows=st.integers(1, 100), n_columns=st.integers(1, 20))
def test_patterns_hold_every_incomplete_row_once(seed, n_rows, n_columns):
    rng = np.random.default_rng(seed)
    table = np.where(rng.random((n_rows, n_columns)) < rng.random(), np.nan, 1.0)
    table = table[rng.integers(n_rows, size=2 * n_rows)]
    rows = []
    for batch in Patterns.of(np.isnan(table)).batches(int(rng.integers(1, 5))):
        assert_array_equal(batch.missing_cells, np.isnan(table[batch.rows]))
        assert len(np.unique(batch.missing, axis=0)) == len(batch.missing)
        rows.extend(batch.rows)
    assert_array_equal(np.sort(rows), np.flatnonzero(np.isnan(table).any(axis=1)))


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**16),
    n_rows=st.integers(1, 20),
    n_patterns=st.integers(1, 6),
    n_factors=st.integers(0, 7),
)
def test_kernels_agree_with_numpy(seed, n_rows, n_patterns, n_factors):
    rng = np.random.default_rng(seed)
    noise = 0.1 + rng.random()
    W = rng.normal(size=(n_patterns, n_factors + 2, n_factors))
    M = np.eye(n_factors) + W.transpose(0, 2, 1) @ W / noise
    first, second = np.tril_indices(n_factors)
    products = readonly((M - np.eye(n_factors))[:, first, second] * noise)
    factor, log_det = np.empty(M.shape), np.empty(n_patterns)
    kernels.factorise(products, noise, factor, log_det)
    assert_allclose(factor, np.linalg.cholesky(M), atol=1e-12)
    assert_allclose(log_det, np.linalg.slogdet(M)[1], atol=1e-10)
    pattern = readonly(rng.integers(n_patterns, size=n_rows))
    right, out = rng.normal(size=(n_rows, n_factors)), np.empty((n_rows, n_factors))
    kernels.solve(readonly(factor), pattern, readonly(right), out)
    expected = np.linalg.solve(M[pattern], right[:, :, np.newaxis])[:, :, 0]
    assert_allclose(out, expected, rtol=1e-8, atol=1e-10)


def test_complete_rows_and_no_rows_stay():
    axes = np.eye(5)[:1]
    covariance = LowRankCovariance.of_axes(axes, np.array([3.0]), 1.0)
    for y in (complete_rows(4, 5), np.empty((0, 5))):
        assert_array_equal(covariance.conditional_mean(y), y)
        assert_array_equal(covariance.conditional_sample(y, np.random.default_rng(0)), y)


def test_low_rank_queries_of_many_columns_form_no_matrix():
    X = np.random.default_rng(0).normal(size=(40, 20_000))
    density = GaussianDensity("low_rank", n_factors=3).fit(X)
    incomplete = hide(X, 0.4, seed=1)
    tracemalloc.start()
    log_prob = density.score_samples(incomplete)
    drawn = density.conditional_sample(incomplete, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000**2 * 8 / 20  # bytes: a small part of one covariance matrix
    assert np.isfinite(log_prob).all()
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("covariance_type", ["full", "low_rank"])
@pytest.mark.parametrize("shrinkage", [0.2, "auto"])
def test_shrinkage_is_learned_when_columns_outnumber_rows(covariance_type, shrinkage):
    X = hide(complete_rows(20, 80), 0.2, seed=1)
    density = GaussianDensity(covariance_type, shrinkage=shrinkage, n_factors=2, tol=1e-2).fit(X)
    assert 0 < density.shrinkage_ <= 1
    assert density.lower_bounds_[-1] > density.lower_bounds_[0]
    assert np.isfinite(density.score_samples(X)).all()


def test_draws_turn_each_row_by_the_matrix_of_its_pattern(monkeypatch):
    monkeypatch.setattr(_missing, "STACK_CELLS", 50)  # rows go by in several blocks
    rng = np.random.default_rng(0)
    pattern, vectors = rng.integers(3, size=40), rng.normal(size=(40, 2))
    loadings, inner = rng.normal(size=(5, 2)), rng.normal(size=(3, 2, 2))
    batch = Batch(np.arange(40), pattern, np.ones((3, 5), dtype=bool))
    rows = _missing.Conditional(batch, np.zeros(40), np.zeros((40, 5)), loadings, inner)
    expected = np.einsum("ij,rjk,rk->ri", loadings, inner[pattern], vectors)
    assert_allclose(rows._turn(vectors), expected)
