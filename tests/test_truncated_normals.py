"""Normals given that some columns lie in intervals, against quadrature."""

import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, special, stats

from skdgm import GaussianDensity
from skdgm.density._engine import blocks as _blocks
from skdgm.density._engine.regions import Interval
from skdgm.density.gaussian import _interval as interval
from skdgm.density.gaussian import _rectangle as rectangle
from skdgm.density.gaussian._tilting import TiltedNormals

from .normals import complete_rows, fitted
from .rows import hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

SHAPES = [
    pytest.param({"covariance_type": "full"}, id="full"),
    pytest.param({"covariance_type": "tied", "rounding": [0.5] * 5}, id="tied"),
    pytest.param({"covariance_type": "diag"}, id="diag"),
    pytest.param({"covariance_type": "spherical"}, id="spherical"),
    pytest.param({"covariance_type": "low_rank", "n_factors": 2}, id="low_rank"),
]
shapes = pytest.mark.parametrize("parameters", SHAPES)
ONE = {1: Interval(0.3, np.inf)}
TWO = {0: Interval(-0.4, 0.9), 3: Interval(-np.inf, 2.2)}
THREE = {0: Interval(-0.4, 0.9), 1: Interval(0.8, 1.4), 4: Interval(3.1, 5.0)}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def grid(density, regions, n_panels):
    """Points in the intervals, ten standard deviations long at most, and their log-weights."""
    nodes = []
    for column, region in regions.items():
        mean = density.mean_[column]
        reach = 10 * np.sqrt(density.get_covariance()[column, column])
        ends = np.clip([region.low, region.high], mean - reach, mean + reach)
        edges = np.linspace(*ends, n_panels + 1)
        half = np.diff(edges)[:, np.newaxis] / 2
        x = edges[:-1, np.newaxis] + half * (1 + NODES)
        nodes.append((x.ravel(), np.log(half * WEIGHTS).ravel()))
    points = np.stack(np.meshgrid(*[x for x, _ in nodes], indexing="ij"), axis=-1)
    weights = np.meshgrid(*[log_weight for _, log_weight in nodes], indexing="ij")
    return points.reshape(-1, len(nodes)), np.sum(weights, axis=0).ravel()


def by_quadrature(density, regions, row, n_panels):
    """Return log p(observed, intervals), and the means and variances of the missing values."""
    own = {column: region for column, region in regions.items() if np.isnan(row[column])}
    if not own:
        return density._log_prob(row[np.newaxis])[0], *np.array(
            density._moments_missing(row[np.newaxis])
        )[:, 0]
    points, log_weight = grid(density, own, n_panels)
    rows = np.repeat(row[np.newaxis], len(points), axis=0)
    rows[:, list(own)] = points
    log_joint = density._log_prob(rows) + log_weight
    total = special.logsumexp(log_joint)
    share = np.exp(log_joint - total)
    mean, variance = density._moments_missing(rows)
    mean[:, list(own)], variance[:, list(own)] = points, 0.0
    center = share @ mean
    return total, center, share @ (variance + (mean - center) ** 2)


def rows_to_ask(regions, n_rows=5):
    """Rows with holes, whose observed values lie in the intervals, and one without any value."""
    X = complete_rows(n_rows, 5, seed=3)
    for column, region in regions.items():
        X[:, column] = np.clip(X[:, column], region.low + 0.1, region.high - 0.1)
    X = hide(X, 0.4, seed=1)
    X[:3, list(regions)] = np.nan
    X[0] = np.nan
    return X


# ---------------------------------------------------------------------- against quadrature
@shapes
@pytest.mark.parametrize(
    ("regions", "n_panels", "tolerance"), [(ONE, 4, 1e-8), (TWO, 3, 1e-8), (THREE, 1, 1e-6)]
)
def test_scores_and_moments_equal_quadrature(parameters, regions, n_panels, tolerance):
    density, X = fitted(parameters, 5), rows_to_ask(regions)
    given, log_mass = density._restricted(regions)
    log_prob, (mean, variance) = given._log_prob(X), given._moments_missing(X)
    for row, *answers in zip(X, log_prob, mean, variance, strict=True):
        log_joint, *moments = by_quadrature(density, regions, row, n_panels)
        if np.isnan(row).all():
            assert_allclose(log_mass, log_joint, atol=tolerance)
        assert_allclose(answers[0], log_joint - log_mass, atol=tolerance)
        for answer, expected in zip(answers[1:], moments, strict=True):
            missing = np.isnan(row)
            assert_allclose(answer[missing], expected[missing], rtol=tolerance, atol=tolerance)
    assert_allclose(given._mean_missing(X), mean, atol=1e-12)

    matrix = density.get_covariance()
    of_matrix, same_mass = GaussianDensity.from_parameters(density.mean_, matrix)._restricted(
        regions
    )
    assert_allclose(same_mass, log_mass, atol=tolerance / 100)
    assert_allclose(of_matrix._log_prob(X), log_prob, atol=tolerance / 100)


@shapes
def test_rows_are_scored_given_others_and_ruled_out_beyond_the_intervals(parameters):
    density = fitted(parameters, 5)
    given, _ = density._restricted(TWO)
    X = rows_to_ask(TWO)[1:]
    X[:, 1] = complete_rows(4, 5)[:, 1]
    condition = X.copy()
    condition[:, [1, 2]] = np.nan
    expected = given._log_prob(X) - given._log_prob(condition)
    assert_allclose(given._log_prob_given(X, condition), expected, atol=1e-9)
    X[0, 0], X[1, 3] = 1.0, 2.2
    assert_array_equal(given._rules_out(X)[:2], [True, False])
    assert_array_equal(np.isneginf(given._log_prob(X))[:2], [True, False])
    assert np.isneginf(given._log_prob_given(X, condition))[0]


@shapes
@pytest.mark.parametrize("regions", [ONE, TWO, THREE])
def test_draws_have_the_moments_and_the_frequencies(parameters, regions):
    density, n = fitted(parameters, 5), 4000
    given, _ = density._restricted(regions)
    X = np.repeat(rows_to_ask(regions)[[0, 2]], n, axis=0)
    drawn = given._sample_missing(X, np.random.default_rng(0))
    mean, variance = given._moments_missing(X[[0, n]])
    for own, center, spread, row in zip(
        drawn.reshape(2, n, 5), mean, variance, X[::n], strict=True
    ):
        missing = np.isnan(row)
        error = (own.mean(axis=0) - center)[missing] / np.sqrt(spread[missing] / n)
        assert np.abs(error).max() < 4
        assert_allclose(own.var(axis=0)[missing], spread[missing], rtol=0.15)
    halves = {}
    for column, region in regions.items():
        assert region.contains(drawn[:, column]).all()
        halves[column] = Interval(max(region.low, -3.0), drawn[:n, column].mean())
    inside = np.all([half.contains(drawn[:n, column]) for column, half in halves.items()], axis=0)
    share = np.exp(given._restricted(halves)[1])
    assert abs(inside.mean() - share) < 4 * np.sqrt(share / n)
    assert given._sample(3, np.random.default_rng(0)).shape == (3, 5)


@shapes
@pytest.mark.parametrize("regions", [ONE, TWO, THREE])
def test_no_row_near_a_mode_is_more_probable(parameters, regions):
    density = fitted(parameters, 5)
    shifted = {
        column: Interval(region.low + 2, region.high + 2) for column, region in regions.items()
    }
    for own in (regions, shifted):
        given, X = density._restricted(own)[0], rows_to_ask(own)
        X[1:, 0] = np.nan
        missing = np.isnan(X)
        mode = np.where(missing, given._mode_missing(X), X)
        highest = given._log_prob(mode)
        assert np.isfinite(highest).all()
        rng = np.random.default_rng(0)
        for size in (1e-3, 0.1, 1.0):
            for _ in range(20):
                other = np.where(missing, mode + size * rng.normal(size=mode.shape), mode)
                for column, region in own.items():
                    other[:, column] = np.clip(other[:, column], region.low, region.high)
                assert (given._log_prob(other) <= highest + 1e-10).all()


def test_ten_columns_equal_the_integral_over_their_common_factor():
    k, rng = 10, np.random.default_rng(0)
    low = rng.normal(size=k) - 1
    high = low + rng.exponential(size=k) + 0.5
    load = np.sqrt(0.5)
    density = GaussianDensity.from_parameters(np.zeros(k), np.full((k, k), 0.5) + 0.5 * np.eye(k))

    def inside(t):
        ends = (low - load * t) / load, (high - load * t) / load
        return np.prod(special.ndtr(ends[1]) - special.ndtr(ends[0])) * stats.norm.pdf(t)

    expected = np.log(integrate.quad(inside, -9, 9, epsabs=0, epsrel=1e-10)[0])
    regions = {column: Interval(low[column], high[column]) for column in range(k)}
    given, log_mass = density._restricted(regions)
    assert_allclose(log_mass, expected, atol=1e-3)
    nothing = np.full((300, k), np.nan)
    assert_array_equal(given._log_prob(nothing), 0)
    mean, variance = given._moments_missing(nothing[:1])
    drawn = given._sample_missing(nothing, np.random.default_rng(0))
    assert np.abs((drawn.mean(axis=0) - mean) / np.sqrt(variance / 300)).max() < 4


# ---------------------------------------------------------------------- extremes
ENDS = [(-1, 2), (3, np.inf), (-4, -3.99), (40, 40.001), (1000, np.inf), (-1e-3, 2e-3), (0.2, 12)]


@pytest.mark.parametrize(("low", "high"), ENDS)
def test_intervals_keep_their_digits(low, high):
    start = np.clip(0.0, low, high)  # the mode, about which the density falls within a reach
    reach = 40 / (abs(start) + 1) + 10 / (1 + abs(start))
    begin, end = max(low - start, -reach), min(high - start, reach)

    def integral(power):
        def integrand(s):
            return s**power * np.exp(-s * (start + s / 2))

        return integrate.quad(integrand, begin, end, epsabs=1e-300, epsrel=1e-11, limit=200)[0]

    total, first, second = (integral(power) for power in range(3))
    expected = np.log(total) - start**2 / 2 - np.log(2 * np.pi) / 2
    ends = np.array([float(low)]), np.array([float(high)])
    log_mass, mean, variance = interval.moments(*ends)
    assert_allclose(interval.log_mass(*ends), expected, rtol=1e-13)
    assert_allclose(log_mass, expected, rtol=1e-13)
    assert_allclose(mean - start, first / total, rtol=1e-9, atol=1e-12)
    assert_allclose(variance, second / total - (first / total) ** 2, rtol=1e-8)
    probability = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    between = np.full(5, log_mass[0])
    x = interval.quantile(np.full(5, ends[0]), np.full(5, ends[1]), probability, between)
    assert_allclose(x[[0, -1]], np.append(*ends))
    below = np.exp(interval.log_mass(np.full(3, ends[0]), x[1:-1]) - log_mass)
    assert_allclose(below, probability[1:-1], rtol=1e-5)


def test_rectangles_agree_with_scipy_and_with_their_mirror_images():
    rng = np.random.default_rng(0)
    low = rng.normal(size=(12, 2))
    high = low + rng.exponential(size=(12, 2))
    high[:3, 0], low[3:6, 1] = np.inf, -np.inf
    rho = np.concatenate([[0.99999, -0.99999], rng.uniform(-1, 1, 10)])
    low[-2:] += [[30, -20], [500, 500]]
    high[-2:] += [[30, -20], [500, 500]]
    log_mass = rectangle.log_mass(low, high, rho)
    assert np.isfinite(log_mass).all()
    assert log_mass[-2:].max() < -400
    assert_allclose(rectangle.log_mass(low[:, ::-1], high[:, ::-1], rho), log_mass, rtol=1e-12)
    assert_allclose(rectangle.log_mass(-high, -low, rho), log_mass, rtol=1e-12)
    for i in range(2, 10):
        normal = stats.multivariate_normal(cov=[[1, rho[i]], [rho[i], 1]])
        assert_allclose(
            np.exp(log_mass[i]), normal.cdf(high[i], lower_limit=low[i]), rtol=1e-9, atol=1e-14
        )
    correlation = rho[:, np.newaxis, np.newaxis] * np.ones((2, 2))
    correlation[:, [0, 1], [0, 1]] = 1
    tilted = TiltedNormals(low[2:], high[2:], correlation[2:])
    assert_allclose(tilted.log_mass(), log_mass[2:], rtol=1e-8, atol=1e-7)
    mean, covariance = rectangle.moments(low[2:], high[2:], rho[2:])
    scale = np.sqrt(np.einsum("ikk->ik", covariance))
    of_tilted = tilted.moments()
    assert_allclose(of_tilted[0] / scale, mean / scale, rtol=0, atol=1e-5)
    assert_allclose(of_tilted[1], covariance, atol=1e-4 * (scale**2).max(), rtol=1e-4)


def test_evidence_far_out_and_in_any_units():
    X = complete_rows(100, 4)
    near = GaussianDensity().fit(X)
    far = GaussianDensity().fit(X * 1e-9 + 1e-3)
    spread = np.sqrt(np.diag(near.covariance_))
    for out, n_columns in itertools.product((0.5, 60.0), (1, 2, 3)):
        ends = near.mean_ + out * spread
        regions = {column: Interval(ends[column], np.inf) for column in range(n_columns)}
        scaled = {
            column: Interval(own.low * 1e-9 + 1e-3, np.inf) for column, own in regions.items()
        }
        given, log_mass = near._restricted(regions)
        other, same_mass = far._restricted(scaled)
        assert_allclose(same_mass, log_mass, rtol=1e-6)
        row = np.full((1, 4), np.nan)
        row[0, 3] = X[0, 3]
        mean, variance = given._moments_missing(row)
        again, its_variance = other._moments_missing(row * 1e-9 + 1e-3)
        assert_allclose((again - 1e-3) * 1e9, mean, rtol=1e-6)
        assert_allclose(its_variance[:, :3] * 1e18, variance[:, :3], rtol=1e-5)
        assert (mean[0, :n_columns] >= ends[:n_columns]).all()
        assert (variance[0, :3] > 0).all()
        assert_allclose(other._log_prob(row * 1e-9 + 1e-3), given._log_prob(row) + np.log(1e9))
    assert log_mass < np.log(1e-300)


def test_columns_that_determine_each_other_agree():
    X = complete_rows(50, 2)
    density = GaussianDensity(reg_covar=0).fit(np.column_stack([X, X, X[:, 0]]))
    alone, log_mass = density._restricted({0: Interval(0.2, 0.9)})
    for regions in itertools.combinations([0, 2, 4], 2), [(0, 2, 4)]:
        for columns in regions:
            given, same_mass = density._restricted(
                {column: Interval(0.2, 0.9) for column in columns}
            )
            assert_allclose(same_mass, log_mass, atol=1e-6)
            nothing = np.full((1, 5), np.nan)
            assert_allclose(given._mean_missing(nothing), alone._mean_missing(nothing), atol=1e-6)


# ---------------------------------------------------------------------- as a density
def test_intervals_meet_and_densities_pickle():
    density, X = fitted({}, 5), rows_to_ask(TWO)
    first, log_mass = density._restricted({0: TWO[0], 3: Interval(0.0, np.inf)})
    second, further = first._restricted({3: TWO[3], 1: ONE[1]})
    once, whole = density._restricted({0: TWO[0], 1: ONE[1], 3: Interval(0.0, 2.2)})
    assert_allclose(log_mass + further, whole)
    X[:, 1] = np.clip(X[:, 1], 0.3, np.inf)
    assert_allclose(second._log_prob(X), once._log_prob(X), rtol=1e-12)
    assert_array_equal(pickle.loads(pickle.dumps(second))._log_prob(X), second._log_prob(X))
    assert first._restricted({0: Interval(2.0, 3.0)})[1] == -np.inf


def test_more_than_ten_columns_that_depend_on_each_other_are_refused():
    X = complete_rows(60, 12)
    regions = {column: Interval(0.0, np.inf) for column in range(11)}
    with pytest.raises(ValueError, match="evidence gives intervals for 11 columns that depend"):
        GaussianDensity().fit(X)._restricted(regions)
    density = GaussianDensity(covariance_type="diag").fit(X)
    z = density.mean_[:11] / np.sqrt(density.covariance_[:11])
    assert_allclose(density._restricted(regions)[1], special.log_ndtr(z).sum())


def test_n_jobs_changes_nothing(monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_CELLS", 60)
    X = hide(complete_rows(30, 5, seed=2), 0.3, seed=0)
    X[:, [0, 3]] = np.nan
    evidence = {0: (-0.4, 0.9), 3: (None, 2.2)}
    answers = []
    for n_jobs in (1, 2):
        density = fitted({"n_jobs": n_jobs}, 5)
        answers.append(
            (
                density.score_samples(X, evidence=evidence),
                density.conditional_mean(X, evidence=evidence),
                density.conditional_mode(X, evidence=evidence),
                density.conditional_sample(X, random_state=0, evidence=evidence),
                density.condition({0: (-0.4, 0.9)}).sample(30, random_state=0),
            )
        )
    for one, two in zip(*answers, strict=True):
        assert_array_equal(one, two)
