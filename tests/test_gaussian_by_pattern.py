"""Normals and rows in many patterns: one kernel for all agrees with one pattern after the other."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdgm import GaussianDensity, MixtureDensity
from skdgm._codes import readonly
from skdgm._kernels import gaussian_missing as kernels
from skdgm.density._group import DensityGroup
from skdgm.density.gaussian import _regularised
from skdgm.density.gaussian._by_pattern import RowsByPattern, log_prob_by_pattern
from skdgm.density.gaussian._covariances import FullCovariance
from skdgm.density.gaussian._missing import NormalCovariance

from .normals import complete_rows
from .rounding import assert_equal_to_rounding
from .rows import hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


class OneByOne(FullCovariance):
    """A covariance that goes through the patterns of missing values one after the other."""

    log_prob = NormalCovariance.log_prob
    conditional_mean = NormalCovariance.conditional_mean
    conditional_sample = NormalCovariance.conditional_sample
    expect = NormalCovariance.expect


def random_covariance(rng, d):
    mixing = rng.normal(size=(d, d))
    return mixing @ mixing.T / d + 0.1 * np.eye(d)


def assert_same_moments(ours, theirs):
    assert_allclose(ours.total, theirs.total, rtol=1e-12)
    assert_allclose(ours.mean, theirs.mean, rtol=1e-9, atol=1e-9)
    assert_allclose(ours.scatter, theirs.scatter, rtol=1e-9, atol=1e-9 * (1 + theirs.total))


# ---------------------------------------------------------------------- one normal
@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**16),
    n_rows=st.integers(1, 60),
    d=st.integers(1, 9),
    share=st.sampled_from([0.1, 0.5, 0.9]),
)
@example(seed=0, n_rows=40, d=64, share=0.3)
@example(seed=1, n_rows=3, d=65, share=0.3)
def test_one_kernel_agrees_with_one_pattern_after_the_other(seed, n_rows, d, share):
    rng = np.random.default_rng(seed)
    matrix = random_covariance(rng, d)
    ours, theirs = FullCovariance(matrix), OneByOne(matrix)
    y = hide(3 * rng.normal(size=(n_rows, d)), share, seed)
    y[rng.random(n_rows) < 0.1] = np.nan
    assert_allclose(ours.log_prob(y), theirs.log_prob(y), rtol=1e-9, atol=1e-9)
    assert_allclose(ours.conditional_mean(y), theirs.conditional_mean(y), rtol=1e-9, atol=1e-9)
    incomplete = y[np.isnan(y).any(axis=1)]
    if len(incomplete):
        weight = rng.random(len(incomplete)) + 1e-3
        moments, log_prob = ours.expect(incomplete, weight)
        expected, _ = theirs.expect(incomplete, weight)
        assert_same_moments(moments, expected)
        assert_allclose(log_prob, ours.log_prob(incomplete), rtol=1e-9, atol=1e-9)


def test_variances_and_roots_are_those_of_the_conditional_covariance():
    rng = np.random.default_rng(0)
    matrix, mean = random_covariance(rng, 6), rng.normal(size=6)
    X = rng.normal(size=(7, 6))
    X[:, [0, 2, 5]] = np.nan
    precision = np.linalg.inv(matrix)
    expected = np.linalg.inv(precision[np.ix_([0, 2, 5], [0, 2, 5])])
    variance = np.zeros(X.shape)
    filled, lost = RowsByPattern(X - mean).conditional(FullCovariance(matrix), variance)
    assert not lost.any()
    assert_allclose(variance[:, [0, 2, 5]], np.tile(np.diag(expected), (7, 1)))
    assert_array_equal(variance[:, [1, 3, 4]], 0)

    class Unit:  # one row for each direction, and one for none
        def standard_normal(self, shape):
            return np.eye(*shape)

    drawn, _ = RowsByPattern(X - mean).draw(FullCovariance(matrix), Unit())
    root = (drawn - filled)[:, [0, 2, 5]].T
    assert_allclose(root @ root.T, expected)


def test_rows_without_weight_are_scored_but_not_counted():
    y = hide(complete_rows(50, 4), 0.4, seed=1)
    y = y[np.isnan(y).any(axis=1)]
    covariance = FullCovariance(random_covariance(np.random.default_rng(0), 4))
    counted = np.arange(len(y)) % 3 > 0
    moments, log_prob = covariance.expect(y, counted.astype(float))
    assert_same_moments(moments, covariance.expect(y[counted])[0])
    assert_allclose(log_prob, covariance.log_prob(y), rtol=1e-12)


def test_rows_in_any_order_give_the_same():
    X = hide(complete_rows(200, 5), 0.3, seed=1)
    order = np.random.default_rng(0).permutation(200)
    matrix, mean = random_covariance(np.random.default_rng(1), 5), np.zeros((1, 5))
    weight = np.random.default_rng(2).random((200, 1))
    covariance = [FullCovariance(matrix)]
    ours, theirs = RowsByPattern(X), RowsByPattern(X[order])
    assert_array_equal(ours.log_prob(covariance, mean)[order], theirs.log_prob(covariance, mean))
    (first,), _ = ours.expect(covariance, mean, weight)
    (second,), _ = theirs.expect(covariance, mean, weight[order])
    assert_same_moments(first, second)


# ---------------------------------------------------------------------- patterns that are singular
def test_singular_patterns_are_done_on_their_own():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 5))
    mixing[3] = mixing[1]  # columns 1 and 3 are one
    ours, theirs = FullCovariance(np.eye(5)), OneByOne(np.eye(5))
    ours.value = theirs.value = mixing @ mixing.T
    y = hide(rng.normal(size=(80, 5)) @ mixing.T, 0.3, seed=1)
    y = y[np.isnan(y).any(axis=1)]
    singular = ~np.isnan(y[:, [1, 3]]).any(axis=1)
    assert 0 < singular.sum() < len(y)
    _, lost = RowsByPattern(y).conditional(ours)
    assert_array_equal(lost, singular)
    _, log_prob = RowsByPattern(y).expect([ours], np.zeros((1, 5)), np.ones((len(y), 1)))
    assert_array_equal(np.isnan(log_prob[:, 0]), singular)
    rows = [row[np.newaxis] for row in y]
    log_prob = np.concatenate([theirs.log_prob(row) for row in rows])
    assert_allclose(ours.log_prob(y), log_prob, rtol=1e-9)
    mean = np.concatenate([theirs.conditional_mean(row) for row in rows])
    assert_allclose(ours.conditional_mean(y), mean, rtol=1e-9, atol=1e-9)
    drawn = ours.conditional_sample(y, rng)
    both = np.isnan(y[:, [1, 3]]).any(axis=1)
    assert_allclose(drawn[both, 1], drawn[both, 3], atol=1e-6)
    expected = [theirs.expect(row)[0] for row in rows]
    assert_same_moments(ours.expect(y)[0], sum(expected[1:], expected[0]))


def test_squares_that_overflow_score_minus_infinity():
    y = np.array([[1e200, np.nan, 0.0], [np.nan, 1e300, -1e300], [1.0, np.nan, np.nan]])
    with np.errstate(over="ignore", invalid="ignore"):
        log_prob = log_prob_by_pattern([FullCovariance(np.eye(3))], np.zeros((1, 3)), y)[:, 0]
    assert_array_equal(log_prob[:2], -np.inf)
    assert np.isfinite(log_prob[2])


# ---------------------------------------------------------------------- groups
@pytest.mark.parametrize("n_rows", [80, 15_000])  # one kernel for all rows, or complete ones apart
@pytest.mark.parametrize("parameters", [{}, {"covariance_type": "tied"}, {"shrinkage": "auto"}])
def test_a_group_counts_and_scores_as_its_densities_do(parameters, n_rows):
    X = hide(complete_rows(n_rows, 5), 0.2, seed=1)
    mixture = MixtureDensity(GaussianDensity(**parameters), 4, max_iter=3, random_state=0, tol=10.0)
    group = mixture.fit(X)._group
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(4, 0.1), size=n_rows)
    shares[:, 1] = 1e-13  # that density starts anew
    shares[::2, 2] = 1e-14
    weight = rng.random(n_rows) + 0.1
    log_prob = np.stack([density._log_prob(X) for density in group.densities], axis=1)
    assert_equal_to_rounding(group.log_prob(X), log_prob)
    rows = slice(None) if n_rows == 80 else np.isnan(X).any(axis=1)
    arguments = X[rows], shares[rows], weight[rows]
    expected = DensityGroup.expect(group, *arguments)
    for own, other in zip(group.expect(*arguments), expected, strict=True):
        assert_same_moments(own, other)


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_steps_over_threads_are_those_of_one(covariance_type, monkeypatch):
    X, fitted = hide(complete_rows(300, 4), 0.3, seed=1), []
    for cells, n_jobs in [(2**18, None), (400, 1), (400, 2)]:
        monkeypatch.setattr(_regularised, "CELLS_OF_STEP", cells)
        density = GaussianDensity(covariance_type, max_iter=5, tol=10.0, n_jobs=n_jobs)
        mixture = MixtureDensity(density, 2, max_iter=3, random_state=0, tol=10.0, n_jobs=n_jobs)
        fitted.append([density.fit(X), *mixture.fit(X).densities_])
    for whole, one, two in zip(*fitted, strict=True):
        assert_array_equal(one.covariance_, two.covariance_)
        assert_allclose(one.covariance_, whole.covariance_, rtol=1e-9)


def test_kernels_compile_once(tmp_path):
    X = hide(complete_rows(20, 3), 0.3)
    np.save(tmp_path / "X.npy", X)
    covariance = FullCovariance(np.eye(3))
    loaded, narrow = np.load(tmp_path / "X.npy", "r"), X.astype(np.float32)
    for table in (X, np.asfortranarray(X), readonly(X), loaded, narrow):
        rows, weight = RowsByPattern(table), np.asfortranarray(np.ones((20, 2)))
        rows.log_prob([covariance], np.zeros((2, 3)))
        rows.expect([covariance] * 2, np.asfortranarray(np.zeros((2, 3))), weight)
        rows.conditional(covariance)
        rows.draw(covariance, np.random.default_rng(0))
    assert len(kernels.complete.signatures) == 1
