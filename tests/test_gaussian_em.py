"""GaussianDensity learns from missing values by expectation-maximisation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import linalg, optimize
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skdgm import GaussianDensity, GaussianDiscriminant, GenerativeClassifier
from skdgm.density.gaussian._moments import Moments

from .normals import CASES, complete_rows, em_cases, observed_log_prob
from .rounding import assert_equal_to_rounding
from .rows import hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


# ---------------------------------------------------------------------- expectation-maximisation
@em_cases
@pytest.mark.parametrize("reg_covar", [0.0, 1e-6, 0.5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_objective_never_falls(parameters, n_columns, reg_covar, seed):
    X = hide(complete_rows(60, n_columns, seed), 0.3, seed)
    density = GaussianDensity(**parameters, reg_covar=reg_covar, tol=1e-7, max_iter=3000).fit(X)
    bounds = density.lower_bounds_
    assert density.n_iter_ == len(bounds) > 2
    assert np.diff(bounds).min() > -1e-8
    penalty = _penalty(parameters, X, reg_covar, density.get_covariance())
    assert_allclose(bounds[-1], density.score(X) - penalty, atol=1e-5)


def _penalty(parameters, X, reg_covar, covariance):
    """Half of ``reg_covar`` times the trace of the inverse, in the scale of the columns."""
    variance = np.nanvar(X, axis=0)
    if parameters["covariance_type"] == "low_rank":
        variance[:] = variance.mean()
    return reg_covar / 2 * np.diag(linalg.inv(covariance)) @ variance


def _matrix_of(parameters, vector, n_columns):
    """The covariance with these free parameters: a root, or loadings and a noise."""
    if parameters["covariance_type"] == "low_rank":
        loadings = vector[:-1].reshape(n_columns, -1)
        return loadings @ loadings.T + np.exp(vector[-1]) * np.eye(n_columns)
    root = vector.reshape(n_columns, n_columns)
    return root @ root.T


@em_cases
@pytest.mark.parametrize("reg_covar", [0.0, 0.2])
def test_the_result_is_a_stationary_point(parameters, n_columns, reg_covar):
    X = hide(complete_rows(50, n_columns), 0.3, seed=1)
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
        penalty = _penalty(parameters, X, reg_covar, covariance)
        return np.mean(observed_log_prob(X, vector[:n_columns], covariance)) - penalty

    gradient = optimize.approx_fprime(start, objective, 1e-6)
    assert_allclose(gradient, 0, atol=1e-4)


def test_the_result_is_the_maximum_that_an_optimiser_finds():
    X = hide(complete_rows(40, 2, seed=8), 0.3, seed=9)
    density = GaussianDensity(reg_covar=0, tol=1e-12, max_iter=5000).fit(X)

    def loss(vector):
        root = np.array([[np.exp(vector[2]), 0], [vector[3], np.exp(vector[4])]])
        return -np.mean(observed_log_prob(X, vector[:2], root @ root.T))

    best = optimize.minimize(loss, np.append(np.nanmean(X, axis=0), [0.0, 0.0, 0.0]), tol=1e-10)
    assert_allclose(density.score(X), -best.fun, atol=1e-8)
    assert_allclose(density.mean_, best.x[:2], atol=1e-4)


@pytest.mark.parametrize("covariance_type", ["full", "low_rank"])
def test_planted_parameters_are_recovered(covariance_type):
    rng = np.random.default_rng(0)
    loadings, mean = rng.normal(size=(5, 1)) + 1, np.arange(5.0)
    covariance = loadings @ loadings.T + 0.5 * np.eye(5)
    errors = []
    for n_rows in (100, 1000, 10_000):
        X = hide(rng.multivariate_normal(mean, covariance, size=n_rows), 0.3, seed=1)
        density = GaussianDensity(covariance_type, n_factors=1).fit(X)
        error = np.abs(density.get_covariance() - covariance).max()
        errors.append(max(error, np.abs(density.mean_ - mean).max()))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1 * covariance.max()


def test_em_beats_imputing_means():
    X = hide(complete_rows(300, 5), 0.4, seed=1)
    held_out = complete_rows(200, 5, seed=0)  # the same distribution
    by_em = GaussianDensity().fit(X)
    filled = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
    assert by_em.score(held_out) > GaussianDensity().fit(filled).score(held_out) + 0.1


def test_rows_with_one_observed_value_give_independent_columns():
    X = complete_rows(30, 3)
    X[np.arange(30)[:, np.newaxis] % 3 != np.arange(3)] = np.nan
    density = GaussianDensity(reg_covar=0).fit(X)
    assert_allclose(density.mean_, np.nanmean(X, axis=0))
    assert_allclose(density.covariance_, np.diag(np.nanvar(X, axis=0)), atol=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance_type", ["full", "tied", "low_rank"])
def test_a_constant_column_is_learned(covariance_type):
    X = hide(complete_rows(50, 4), 0.2, seed=1)
    X[:, 1] = np.where(np.isnan(X[:, 1]), np.nan, 3.0)
    for reg_covar in (0.0, 1e-6):  # with 0 the likelihood has no maximum, and EM does not converge
        density = GaussianDensity(covariance_type, reg_covar=reg_covar).fit(X)
        assert np.isfinite(density.score_samples(X)).all()
        assert_allclose(density.conditional_mean(X)[:, 1], 3.0, atol=1e-3)


@em_cases
def test_steps_are_counted_printed_and_warned_about(parameters, n_columns, capsys):
    X = hide(complete_rows(50, n_columns), 0.4, seed=1)
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
@pytest.mark.parametrize(
    ("parameters", "n_columns"), [case for case in CASES if case.values[1] <= 30]
)
def test_integer_weights_repeat_rows(parameters, n_columns):
    X = hide(complete_rows(50, n_columns), 0.2, seed=1)
    weight = np.random.default_rng(2).integers(0, 4, size=50)
    density = GaussianDensity(**parameters, reg_covar=0.1, max_iter=5, tol=0)
    weighted = clone(density).fit(X, sample_weight=weight)
    repeated = clone(density).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.mean_, repeated.mean_, rtol=1e-8)
    assert_allclose(weighted.get_covariance(), repeated.get_covariance(), rtol=1e-7, atol=1e-9)
    assert_allclose(weighted.lower_bounds_, repeated.lower_bounds_, rtol=1e-8)


@em_cases
@pytest.mark.parametrize("shrinkage", [None, "auto"])
def test_batches_may_follow_a_fit(parameters, n_columns, shrinkage):
    X, more = hide(complete_rows(50, n_columns), 0.3, seed=1), complete_rows(30, n_columns, seed=3)
    density = GaussianDensity(**parameters, shrinkage=shrinkage, max_iter=1000).fit(X)
    before, mean = density._statistics, density.mean_.copy()
    density.partial_fit(more)
    share = 30 / 80
    assert_allclose(density.mean_, (1 - share) * mean + share * more.mean(axis=0))
    assert density._statistics.total == 80
    density.partial_fit(hide(more, 0.4, seed=1))  # counts as the model so far expects it
    assert density._statistics.total == 110
    assert np.isfinite(density.score(X))
    assert before.total == 50


# ---------------------------------------------------------------------- shrinkage
@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical", "low_rank"])
def test_expected_squares_are_means_over_completions(covariance_type):
    X = hide(complete_rows(6, 5, seed=5), 0.5, seed=6)
    X = X[np.isnan(X).any(axis=1)]
    weight = np.arange(1.0, len(X) + 1)
    density = GaussianDensity(covariance_type, n_factors=1).fit(complete_rows(50, 5))
    expected, _ = density._covariance.expect(X - density.mean_, weight)
    centre = expected.mean + density.mean_
    drawn = density.conditional_sample(np.tile(X, (20_000, 1)), random_state=0) - centre
    drawn = drawn.reshape(20_000, *X.shape)
    sums = np.einsum("i,nij,nik->njk", weight, drawn, drawn)
    tolerance = 4.5 * sums.std(axis=0) / np.sqrt(len(sums)) + 1e-9
    assert (np.abs(expected.scatter - sums.mean(axis=0)) < tolerance).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 2**16), n_rows=st.integers(1, 20), n_columns=st.integers(1, 6))
def test_moments_from_sums_equal_counted_ones(seed, n_rows, n_columns):
    rng = np.random.default_rng(seed)
    y, w = rng.normal(size=(n_rows, n_columns)) + 0.5, rng.random(n_rows) + 0.1
    moments = Moments.from_sums(w.sum(), w @ y, (y * w[:, np.newaxis]).T @ y)
    counted = Moments.count(y, w, scatter="full")
    for name in ("total", "mean", "scatter"):
        assert_allclose(getattr(moments, name), getattr(counted, name), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_shrinkage_is_learned_with_missing_values(covariance_type):
    X = complete_rows(400, 5)
    complete = GaussianDensity(covariance_type, shrinkage="auto", n_factors=1).fit(X)
    few = GaussianDensity(covariance_type, shrinkage="auto", n_factors=1).fit(hide(X, 0.05, seed=1))
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
def test_the_tied_covariance_of_classes_is_a_maximum(classes, make, only_first):
    X, y = classes
    incomplete = hide(X, 0.4, seed=1)
    X = np.where((y == "b")[:, np.newaxis], X, incomplete) if only_first else incomplete
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
def test_the_discriminant_learns_and_predicts_with_missing_values(classes, covariance_type):
    X, y = classes
    model = GaussianDiscriminant(covariance_type, n_factors=1, n_jobs=2)
    complete = clone(model).fit(X, y)
    assert complete.n_iter_ == 1
    incomplete = hide(X, 0.2, seed=1)
    model.fit(incomplete, y)
    assert (model.n_iter_ > 1) == (covariance_type not in ("diag", "spherical"))
    assert model.n_iter_ == max(density.n_iter_ for density in model.densities_)
    assert model.score(incomplete, y) > 0.7
    assert model.n_parameters_ == complete.n_parameters_
    assert_allclose(model.predict_proba(np.full((1, 3), np.nan))[0], model.priors_)
