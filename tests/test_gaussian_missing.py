"""Missing values in GaussianDensity: exact against the closed form, and learned from by EM."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg, optimize, stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skdgm import GaussianDensity, GaussianDiscriminant, GenerativeClassifier
from skdgm._codes import readonly
from skdgm._kernels import gaussian as kernels
from skdgm.density._engine import blocks as _blocks
from skdgm.density._engine.patterns import Patterns
from skdgm.density.gaussian._covariances import LowRankCovariance
from skdgm.density.gaussian._moments import Moments

from .rounding import assert_equal_to_rounding

CASES = [
    pytest.param({"covariance_type": "full"}, 3, id="full-3"),
    pytest.param({"covariance_type": "full"}, 70, id="full-70"),  # pattern by pattern
    pytest.param({"covariance_type": "tied"}, 4, id="tied-4"),
    pytest.param({"covariance_type": "diag"}, 5, id="diag-5"),
    pytest.param({"covariance_type": "spherical"}, 6, id="spherical-6"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 0}, 4, id="low_rank-4-0"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 1}, 7, id="low_rank-7-1"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 2}, 7, id="low_rank-7-2"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 3}, 30, id="low_rank-30-3"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 4}, 6, id="low_rank-6-4"),
]
EM_CASES = [
    pytest.param({"covariance_type": "full"}, 4, id="full"),
    pytest.param({"covariance_type": "tied"}, 4, id="tied"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 1}, 5, id="low_rank-1"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 3}, 5, id="low_rank-3"),
]
cases = pytest.mark.parametrize(("parameters", "n_columns"), CASES)
em_cases = pytest.mark.parametrize(("parameters", "n_columns"), EM_CASES)


def complete_rows(n_rows, n_columns, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_columns, n_columns)) / np.sqrt(n_columns)
    return rng.normal(size=(n_rows, n_columns)) @ mixing + np.arange(n_columns)


def hide(X, share=0.4, seed=1):
    """X with a share of values missing completely at random."""
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def mixed_rows(n_columns):
    """Complete rows, rows of which nothing is left, of one common pattern, and of their own."""
    X = complete_rows(120, n_columns, seed=2)
    X[20:60, ::2] = np.nan
    X[60:62] = np.nan
    X[62:] = hide(X[62:])
    return X


def fitted(parameters, n_columns):
    return GaussianDensity(**parameters).fit(complete_rows(100, n_columns))


def conditional(density, x):
    """Mean and covariance of what is missing, by the precision of the whole."""
    hidden = np.isnan(x)
    precision = linalg.inv(density.get_covariance())
    covariance = linalg.inv(precision[np.ix_(hidden, hidden)])
    shift = precision[np.ix_(hidden, ~hidden)] @ (x - density.mean_)[~hidden]
    return density.mean_[hidden] - covariance @ shift, covariance


def observed_log_prob(X, mean, covariance):
    """Log-density of the observed values of each row, by scipy."""
    log_prob = np.zeros(len(X))
    patterns, pattern = np.unique(~np.isnan(X), axis=0, return_inverse=True)
    for k, seen in enumerate(patterns):
        if seen.any():
            rows = pattern.ravel() == k
            normal = stats.multivariate_normal(mean[seen], covariance[np.ix_(seen, seen)])
            log_prob[rows] = normal.logpdf(X[np.ix_(rows, seen)])
    return log_prob


# ---------------------------------------------------------------------- queries
@cases
def test_scores_are_those_of_the_observed_columns(parameters, n_columns):
    density, X = fitted(parameters, n_columns), mixed_rows(n_columns)
    before = X.copy()
    log_prob = density.score_samples(X)
    assert_array_equal(X, before)
    expected = observed_log_prob(X, density.mean_, density.get_covariance())
    assert_allclose(log_prob, expected, rtol=1e-9, atol=1e-9)
    assert_array_equal(log_prob[60:62], 0)
    assert_equal_to_rounding(density.score_samples(X[:20]), log_prob[:20])


@settings(max_examples=40)
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
        for quartic in (False, True):
            ours, log_prob = low_rank.expect(incomplete, weight, quartic)
            theirs, _ = full.expect(incomplete, weight, quartic)
            assert_allclose(log_prob, full.log_prob(incomplete), rtol=1e-9, atol=1e-9)
            for name in ("mean", "scatter", *(("cubic", "quartic") if quartic else ())):
                assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8, atol=1e-8)


@cases
def test_joint_is_marginal_times_conditional(parameters, n_columns):
    density, X = fitted(parameters, n_columns), complete_rows(20, n_columns, seed=4)
    hidden = hide(X)
    marginal, mean = density.score_samples(hidden), density.conditional_mean(hidden)
    for i, missing in enumerate(np.isnan(hidden)):
        if missing.any():
            _, covariance = conditional(density, hidden[i])
            rest = stats.multivariate_normal(mean[i, missing], covariance).logpdf(X[i, missing])
            assert_allclose(density.score_samples(X[[i]])[0], marginal[i] + rest, rtol=1e-8)


@cases
def test_conditional_mean_is_the_formula_and_the_mode(parameters, n_columns):
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
def test_draws_of_rows_with_patterns_of_their_own(parameters, n_columns):
    density = fitted(parameters, n_columns)
    X = hide(complete_rows(1000 if n_columns < 20 else 200, n_columns, seed=7))
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
    Y = hide(complete_rows(150, n_columns), 0.2)
    models = [
        GaussianDensity(**parameters, max_iter=3, reg_covar=0.1, n_jobs=n_jobs).fit(Y)
        for n_jobs in (None, 2)
    ]
    assert_equal_to_rounding(*(model.score_samples(X) for model in models))
    assert_equal_to_rounding(*(model.conditional_mean(X) for model in models))
    assert_equal_to_rounding(*(model.conditional_sample(X, random_state=1) for model in models))


def test_dtype_of_the_input_stays():
    X = mixed_rows(3).astype(np.float32)
    density = GaussianDensity().fit(X)
    assert density.conditional_mean(X).dtype == np.float32
    assert density.conditional_sample(X, random_state=0).dtype == np.float32
    assert density.sample(2, random_state=0).dtype == np.float32


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
@pytest.mark.parametrize("reg_covar", [0.0, 1e-6])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_singular_covariances(covariance_type, reg_covar, scale):
    X = np.repeat(complete_rows(40, 3), 2, axis=1) * scale  # each column twice
    density = GaussianDensity(covariance_type, reg_covar=reg_covar, n_factors=3).fit(X)
    holes = hide(X)
    assert np.isfinite(density.score_samples(holes)).all()
    assert np.isfinite(density.conditional_sample(holes, random_state=0)).all()
    X[:, 0] = np.nan  # the other copy tells it
    if covariance_type not in ("diag", "spherical") and scale >= 1:
        filled = density.conditional_mean(X)[:, 0]
        assert_allclose(filled, X[:, 1], rtol=1e-4 if scale == 1 else 1e-2, atol=1e-2 * scale)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_observed_values_whose_squares_overflow(covariance_type):
    density = GaussianDensity(covariance_type, n_factors=1).fit(complete_rows(50, 4))
    far = np.array([[1e300, np.nan, 1e300, 1.0], [np.nan, 1.7e308, -1.7e308, 1.0]])
    assert_array_equal(density.score_samples(far), [-np.inf, -np.inf])
    with pytest.raises(ValueError, match=r"X holds values up to 1\.7e\+308, whose squares"):
        density.fit(np.vstack([far, np.ones((1, 4))]))


# ---------------------------------------------------------------------- columns counted apart
@pytest.mark.parametrize("covariance_type", ["diag", "spherical"])
def test_independent_columns_are_counted_as_they_are(covariance_type):
    X = hide(complete_rows(60, 4))
    density = GaussianDensity(covariance_type, reg_covar=0).fit(X)
    assert_allclose(density.mean_, np.nanmean(X, axis=0))
    variance = np.nanvar(X, axis=0)
    if covariance_type == "spherical":
        variance = np.nanmean((X - density.mean_) ** 2)
    assert_allclose(density.covariance_, variance)
    assert density.n_iter_ == 1
    assert density.lower_bounds_.shape == (0,)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**16),
    covariance_type=st.sampled_from(["diag", "spherical"]),
    cuts=st.lists(st.integers(1, 39), max_size=5, unique=True),
)
def test_independent_columns_add_in_any_batches(seed, covariance_type, cuts):
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


# ---------------------------------------------------------------------- expectation-maximisation
@em_cases
@pytest.mark.parametrize("reg_covar", [0.0, 1e-6, 0.5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_objective_never_falls(parameters, n_columns, reg_covar, seed):
    X = hide(complete_rows(60, n_columns, seed), 0.3, seed)
    density = GaussianDensity(**parameters, reg_covar=reg_covar, tol=1e-7, max_iter=3000).fit(X)
    bounds = density.lower_bounds_
    assert density.n_iter_ == len(bounds) > 2
    assert np.diff(bounds).min() > -1e-8
    precision = linalg.inv(density.get_covariance())
    penalty = reg_covar / 2 * np.trace(precision)
    assert_allclose(bounds[-1], density.score(X) - penalty, atol=1e-5)


def _matrix_of(parameters, vector, n_columns):
    """The covariance with these free parameters: a root, or loadings and a noise."""
    if parameters["covariance_type"] == "low_rank":
        loadings = vector[:-1].reshape(n_columns, -1)
        return loadings @ loadings.T + np.exp(vector[-1]) * np.eye(n_columns)
    root = vector.reshape(n_columns, n_columns)
    return root @ root.T


@em_cases
@pytest.mark.parametrize("reg_covar", [0.0, 0.2])
def test_result_is_a_stationary_point(parameters, n_columns, reg_covar):
    X = hide(complete_rows(50, n_columns), 0.3)
    density = GaussianDensity(**parameters, reg_covar=reg_covar, tol=1e-12, max_iter=20_000).fit(X)
    if parameters["covariance_type"] == "low_rank":
        beyond = density.explained_variance_ - density.noise_variance_
        loadings = density.components_.T * np.sqrt(beyond)
        start = np.append(loadings.ravel(), np.log(density.noise_variance_))
    else:
        start = linalg.cholesky(density.covariance_, lower=True).ravel()
    start = np.concatenate([density.mean_, start])

    def objective(vector):
        covariance = _matrix_of(parameters, vector[n_columns:], n_columns)
        penalty = reg_covar / 2 * np.trace(linalg.inv(covariance))
        return np.mean(observed_log_prob(X, vector[:n_columns], covariance)) - penalty

    gradient = optimize.approx_fprime(start, objective, 1e-6)
    assert_allclose(gradient, 0, atol=1e-4)


def test_result_is_the_maximum_that_an_optimiser_finds():
    X = hide(complete_rows(40, 2, seed=8), 0.3, seed=9)
    density = GaussianDensity(reg_covar=0, tol=1e-12, max_iter=5000).fit(X)

    def loss(vector):
        root = np.array([[np.exp(vector[2]), 0], [vector[3], np.exp(vector[4])]])
        return -np.mean(observed_log_prob(X, vector[:2], root @ root.T))

    best = optimize.minimize(loss, np.append(np.nanmean(X, axis=0), [0.0, 0.0, 0.0]), tol=1e-10)
    assert_allclose(density.score(X), -best.fun, atol=1e-8)
    assert_allclose(density.mean_, best.x[:2], atol=1e-4)


@pytest.mark.parametrize("covariance_type", ["full", "low_rank"])
def test_planted_parameters_come_back(covariance_type):
    rng = np.random.default_rng(0)
    loadings, mean = rng.normal(size=(5, 1)) + 1, np.arange(5.0)
    covariance = loadings @ loadings.T + 0.5 * np.eye(5)
    errors = []
    for n_rows in (100, 1000, 10_000):
        X = hide(rng.multivariate_normal(mean, covariance, size=n_rows), 0.3)
        density = GaussianDensity(covariance_type, n_factors=1).fit(X)
        error = np.abs(density.get_covariance() - covariance).max()
        errors.append(max(error, np.abs(density.mean_ - mean).max()))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1 * covariance.max()


def test_better_than_filling_in_means():
    X = hide(complete_rows(300, 5), 0.4)
    held_out = complete_rows(200, 5, seed=0)  # the same distribution
    by_em = GaussianDensity().fit(X)
    filled = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
    assert by_em.score(held_out) > GaussianDensity().fit(filled).score(held_out) + 0.1


def test_rows_of_which_one_value_is_left():
    X = complete_rows(30, 3)
    X[np.arange(30)[:, np.newaxis] % 3 != np.arange(3)] = np.nan
    density = GaussianDensity(reg_covar=0).fit(X)
    assert_allclose(density.mean_, np.nanmean(X, axis=0))
    assert_allclose(density.covariance_, np.diag(np.nanvar(X, axis=0)), atol=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance_type", ["full", "tied", "low_rank"])
def test_a_column_of_one_value(covariance_type):
    X = hide(complete_rows(50, 4), 0.2)
    X[:, 1] = np.where(np.isnan(X[:, 1]), np.nan, 3.0)
    for reg_covar in (0.0, 1e-6):  # with 0 the likelihood has no maximum, and EM does not converge
        density = GaussianDensity(covariance_type, reg_covar=reg_covar).fit(X)
        assert np.isfinite(density.score_samples(X)).all()
        assert_allclose(density.conditional_mean(X)[:, 1], 3.0, atol=1e-3)


@em_cases
def test_warns_and_prints(parameters, n_columns, capsys):
    X = hide(complete_rows(50, n_columns))
    density = GaussianDensity(**parameters, max_iter=1, verbose=1)
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps"):
        density.fit(X)
    assert density.n_iter_ == 1
    assert "EM step 1" in capsys.readouterr().out
    assert density.set_params(verbose=0, max_iter=500).fit(X).n_iter_ > 1
    assert capsys.readouterr().out == ""
    complete = density.fit(complete_rows(50, n_columns))
    assert complete.n_iter_ == 1
    assert complete.lower_bounds_.shape == (0,)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@cases
def test_integer_weights_repeat_rows(parameters, n_columns):
    if n_columns > 30:
        pytest.skip("one case of many columns more would only take time")
    X = hide(complete_rows(50, n_columns), 0.2)
    weight = np.random.default_rng(2).integers(0, 4, size=50)
    density = GaussianDensity(**parameters, reg_covar=0.1, max_iter=5, tol=0)
    weighted = clone(density).fit(X, sample_weight=weight)
    repeated = clone(density).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.mean_, repeated.mean_, rtol=1e-8)
    assert_allclose(weighted.get_covariance(), repeated.get_covariance(), rtol=1e-7, atol=1e-9)
    assert_allclose(weighted.lower_bounds_, repeated.lower_bounds_, rtol=1e-8)


@em_cases
@pytest.mark.parametrize("shrinkage", [None, "auto"])
def test_batches_after_a_fit(parameters, n_columns, shrinkage):
    X, more = hide(complete_rows(50, n_columns), 0.3), complete_rows(30, n_columns, seed=3)
    density = GaussianDensity(**parameters, shrinkage=shrinkage, max_iter=1000).fit(X)
    before, mean = density._statistics, density.mean_.copy()
    density.partial_fit(more)
    share = 30 / 80
    assert_allclose(density.mean_, (1 - share) * mean + share * more.mean(axis=0))
    assert density._statistics.total == 80
    density.partial_fit(hide(more))  # counts as the model so far expects it
    assert density._statistics.total == 110
    assert np.isfinite(density.score(X))
    assert before.total == 50


# ---------------------------------------------------------------------- shrinkage
@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical", "low_rank"])
def test_expected_powers_are_means_over_completions(covariance_type):
    X = hide(complete_rows(6, 5, seed=5), 0.5, seed=6)
    X = X[np.isnan(X).any(axis=1)]
    weight = np.arange(1.0, len(X) + 1)
    density = GaussianDensity(covariance_type, n_factors=1).fit(complete_rows(50, 5))
    expected, _ = density._covariance.expect(X - density.mean_, weight, quartic=True)
    centre = expected.mean + density.mean_
    drawn = density.conditional_sample(np.tile(X, (20_000, 1)), random_state=0) - centre
    drawn = drawn.reshape(20_000, *X.shape)
    square = np.einsum("nij,nij->ni", drawn, drawn)
    for name, sums in {
        "scatter": np.einsum("i,nij,nik->njk", weight, drawn, drawn),
        "cubic": np.einsum("i,ni,nij->nj", weight, square, drawn),
        "quartic": square**2 @ weight,
    }.items():
        tolerance = 4.5 * sums.std(axis=0) / np.sqrt(len(sums)) + 1e-9
        assert (np.abs(getattr(expected, name) - sums.mean(axis=0)) < tolerance).all(), name


@settings(max_examples=30)
@given(seed=st.integers(0, 2**16), n_rows=st.integers(1, 20), n_columns=st.integers(1, 6))
def test_moments_from_sums_are_those_counted(seed, n_rows, n_columns):
    rng = np.random.default_rng(seed)
    y, w = rng.normal(size=(n_rows, n_columns)) + 0.5, rng.random(n_rows) + 0.1
    square = np.einsum("ij,ij->i", y, y)
    powers = (w * square) @ y, w @ square**2
    moments = Moments.from_sums(w.sum(), w @ y, (y * w[:, np.newaxis]).T @ y, *powers)
    counted = Moments.count(y, w, scatter="full", quartic=True)
    for name in ("total", "mean", "scatter", "cubic", "quartic"):
        assert_allclose(getattr(moments, name), getattr(counted, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_shrinkage_is_learned_with_missing_values(covariance_type):
    X = complete_rows(400, 5)
    complete = GaussianDensity(covariance_type, shrinkage="auto", n_factors=1).fit(X)
    few = GaussianDensity(covariance_type, shrinkage="auto", n_factors=1).fit(hide(X, 0.05))
    assert few.n_iter_ > 1
    assert_allclose(few.shrinkage_, complete.shrinkage_, rtol=0.3)
    assert_allclose(few.get_covariance(), complete.get_covariance(), atol=0.15)


# ---------------------------------------------------------------------- classes
@pytest.fixture
def classes():
    X = np.vstack([complete_rows(60, 3), complete_rows(80, 3) * [1, 1, 1] + [2, 0, -1]])
    return X, np.repeat(["a", "b"], [60, 80])


@pytest.mark.parametrize(
    "make",
    [
        lambda **p: GaussianDiscriminant("tied", **p),
        lambda **p: GenerativeClassifier(GaussianDensity("tied", **p)),
    ],
    ids=["GaussianDiscriminant", "GenerativeClassifier"],
)
@pytest.mark.parametrize("only_first", [False, True])
def test_tied_covariance_of_classes_with_missing_values(classes, make, only_first):
    X, y = classes
    X = np.where((y == "b")[:, np.newaxis], X, hide(X)) if only_first else hide(X)
    model = make(reg_covar=0, tol=1e-11, max_iter=5000).fit(X, y)
    first, second = model.densities_
    assert_equal_to_rounding(first.covariance_, second.covariance_)
    assert first.n_iter_ == second.n_iter_ > 2
    assert np.diff(first.lower_bounds_).min() > -1e-8
    # The maximum over two means and one root
    groups = [X[y == c] for c in model.classes_]
    start = linalg.cholesky(first.covariance_, lower=True)
    start = np.concatenate([first.mean_, second.mean_, start.ravel()])

    def objective(vector):
        root = vector[6:].reshape(3, 3)
        means = vector[:3], vector[3:6]
        parts = [
            observed_log_prob(rows, mean, root @ root.T)
            for rows, mean in zip(groups, means, strict=True)
        ]
        return np.mean(np.concatenate(parts))

    assert_allclose(objective(start), first.lower_bounds_[-1], atol=1e-9)
    assert_allclose(optimize.approx_fprime(start, objective, 1e-6), 0, atol=1e-4)
    joint = model.predict_joint_log_proba(X)
    expected = observed_log_prob(X, second.mean_, second.covariance_) + np.log(model.priors_[1])
    assert_allclose(joint[:, 1], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_discriminant_learns_from_and_classifies_rows_with_holes(classes, covariance_type):
    X, y = classes
    model = GaussianDiscriminant(covariance_type, n_factors=1, n_jobs=2)
    complete = clone(model).fit(X, y)
    assert complete.n_iter_ == 1
    holes = hide(X, 0.2)
    model.fit(holes, y)
    assert (model.n_iter_ > 1) == (covariance_type not in ("diag", "spherical"))
    assert model.n_iter_ == max(density.n_iter_ for density in model.densities_)
    assert model.score(holes, y) > 0.7
    assert model.n_parameters_ == complete.n_parameters_
    assert_allclose(model.predict_proba(np.full((1, 3), np.nan))[0], model.priors_)


# ---------------------------------------------------------------------- parts
@settings(max_examples=30)
@given(seed=st.integers(0, 2**16), n_rows=st.integers(1, 100), n_columns=st.integers(1, 20))
def test_patterns_hold_every_incomplete_row_once(seed, n_rows, n_columns):
    rng = np.random.default_rng(seed)
    table = np.where(rng.random((n_rows, n_columns)) < rng.random(), np.nan, 1.0)
    table = table[rng.integers(n_rows, size=2 * n_rows)]
    rows = []
    for batch in Patterns.of(np.isnan(table)).batches(int(rng.integers(1, 5))):
        assert_array_equal(batch.hidden_cells, np.isnan(table[batch.rows]))
        assert len(np.unique(batch.hidden, axis=0)) == len(batch.hidden)
        rows.extend(batch.rows)
    assert_array_equal(np.sort(rows), np.flatnonzero(np.isnan(table).any(axis=1)))


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**16),
    n_rows=st.integers(1, 20),
    n_patterns=st.integers(1, 6),
    n_factors=st.integers(0, 7),
)
def test_kernels(seed, n_rows, n_patterns, n_factors):
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


def test_rows_without_missing_values_and_no_rows_stay():
    axes = np.eye(5)[:1]
    covariance = LowRankCovariance.of_axes(axes, np.array([3.0]), 1.0)
    for y in (complete_rows(4, 5), np.empty((0, 5))):
        assert_array_equal(covariance.conditional_mean(y), y)
        assert_array_equal(covariance.conditional_sample(y, np.random.default_rng(0)), y)


def test_low_rank_queries_of_many_columns_form_no_matrix():
    X = np.random.default_rng(0).normal(size=(40, 20_000))
    density = GaussianDensity("low_rank", n_factors=3).fit(X)
    holes = hide(X)
    tracemalloc.start()
    log_prob = density.score_samples(holes)
    drawn = density.conditional_sample(holes, random_state=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000**2 * 8 / 20  # bytes: a small part of one covariance matrix
    assert np.isfinite(log_prob).all()
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("covariance_type", ["full", "low_rank"])
@pytest.mark.parametrize("shrinkage", [0.2, "auto"])
def test_shrinkage_when_columns_outnumber_rows(covariance_type, shrinkage):
    X = hide(complete_rows(20, 80), 0.2)
    density = GaussianDensity(covariance_type, shrinkage=shrinkage, n_factors=2, tol=1e-2).fit(X)
    assert 0 < density.shrinkage_ <= 1
    assert density.lower_bounds_[-1] > density.lower_bounds_[0]
    assert np.isfinite(density.score_samples(X)).all()
