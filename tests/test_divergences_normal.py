"""Divergences between normal distributions, against quadrature, samples and formulas."""

import math

import numpy as np
import pytest
from scipy import stats

from skdgm import (
    GaussianDensity,
)
from skdgm.metrics import (
    _compute,
    chi_square,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    total_variation,
)

from .divergences import (
    DIVERGENCES,
    RECURSIVE,
    gaussian,
)

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("seed", range(2))
def test_one_column_matches_quadrature(divergence, seed):
    p, q = gaussian(1, seed, spread=0.1), gaussian(1, seed + 100, spread=0.1)
    a, b = (
        stats.norm(density.mean_[0], np.sqrt(density.get_covariance()[0, 0])) for density in (p, q)
    )

    def kl(x):
        return a.pdf(x) * (a.logpdf(x) - b.logpdf(x))

    def js(x):
        log_m = np.logaddexp(a.logpdf(x), b.logpdf(x)) - np.log(2)
        return sum(d.pdf(x) * (d.logpdf(x) - log_m) / 2 for d in (a, b))

    integrand = {
        kullback_leibler: kl,
        jensen_shannon: js,
        total_variation: lambda x: abs(a.pdf(x) - b.pdf(x)) / 2,
        hellinger: lambda x: (np.sqrt(a.pdf(x)) - np.sqrt(b.pdf(x))) ** 2 / 2,
        chi_square: lambda x: (a.pdf(x) - b.pdf(x)) ** 2 / b.pdf(x),
    }[divergence]
    x, step = np.linspace(-25, 25, 200_001, retstep=True)
    expected = integrand(x).sum() * step
    value, std = divergence(p, q, return_std=True)
    assert std == 0
    power = 2 if divergence is hellinger else 1
    assert value**power == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("kind", ["full", "diag", "spherical", "low_rank"])
def test_three_columns_match_estimates_from_samples(divergence, kind):
    p, q = (gaussian(3, seed, kind, spread=0.1, n_rows=500) for seed in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_compute, "EXACT", ())
        estimate, std = divergence(p, q, n_samples=40_000, random_state=0, return_std=True)
    exact, exact_std = divergence(p, q, n_samples=40_000, random_state=1, return_std=True)
    assert abs(estimate - exact) < 5 * np.hypot(std, exact_std)
    assert (exact_std == 0) == (divergence in RECURSIVE)


def test_kullback_leibler_matches_the_textbook_formula():
    for kinds in [("full", "diag"), ("spherical", "low_rank"), ("diag", "spherical")]:
        p, q = (gaussian(4, seed, kind, spread=1) for seed, kind in enumerate(kinds))
        a, b = p.get_covariance(), q.get_covariance()
        shift = q.mean_ - p.mean_
        expected = (
            np.trace(np.linalg.solve(b, a))
            + shift @ np.linalg.solve(b, shift)
            - 4
            + np.linalg.slogdet(b)[1]
            - np.linalg.slogdet(a)[1]
        ) / 2
        assert kullback_leibler(p, q) == pytest.approx(expected, rel=1e-10)


def test_hellinger_and_chi_square_match_gaussian_integrals():
    p, q = (
        gaussian(3, 0, n_rows=500, spread=0.1),
        gaussian(3, 1, "low_rank", n_rows=500, spread=0.1),
    )
    a, b = p.get_covariance(), q.get_covariance()
    precision, shift = np.linalg.inv(a), p.mean_ - q.mean_

    def log_integral(power_p, power_q):
        """Return the log of the integral of ``p**power_p q**power_q``; the powers add to 1."""
        both = power_p * precision + power_q * np.linalg.inv(b)
        pull = power_p * precision @ shift
        log_dets = [np.linalg.slogdet(matrix)[1] for matrix in (a, b, both)]
        return (
            -(power_p * log_dets[0] + power_q * log_dets[1] + log_dets[2])
            - power_p * shift @ precision @ shift
            + pull @ np.linalg.solve(both, pull)
        ) / 2

    assert hellinger(p, q) ** 2 == pytest.approx(-np.expm1(log_integral(0.5, 0.5)), rel=1e-10)
    assert chi_square(p, q) == pytest.approx(np.expm1(log_integral(2, -1)), rel=1e-10)


def test_normals_of_equal_covariance_are_exact():
    p = gaussian(3, 0)
    q, shift = gaussian(3, 1), np.array([0.3, -0.2, 1.0])
    q._covariance, q.covariance_, q.mean_ = p._covariance, p.covariance_, p.mean_ + shift
    distance = np.sqrt(shift @ np.linalg.solve(p.covariance_, shift))
    assert total_variation(p, q) == pytest.approx(2 * stats.norm.cdf(distance / 2) - 1, rel=1e-10)
    assert jensen_shannon(p, q, return_std=True)[1] == 0
    assert chi_square(p, q) == pytest.approx(np.expm1(distance**2), rel=1e-9)


def test_chi_square_is_infinite_for_twice_the_variance_or_more():
    X = np.array([[-1.0], [1.0]])
    q = GaussianDensity(reg_covar=0).fit(X)
    for factor, finite in [(1.9, True), (2.0, False), (5.0, False)]:
        p = GaussianDensity(reg_covar=0).fit(np.sqrt(factor) * X)
        assert math.isfinite(chi_square(p, q)) == finite
        assert math.isfinite(chi_square(q, p))


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_very_near_and_very_distant_normals_are_accurate(divergence):
    X = np.random.default_rng(0).normal(size=(30, 1))
    p = GaussianDensity(reg_covar=0).fit(X)
    for shift, scale in [(0, 1), (1e-7, 1), (0, 1 + 1e-7), (1e4, 1), (0, 1e-5), (3, 1e5)]:
        q = GaussianDensity(reg_covar=0).fit(X * scale + shift)
        value = divergence(p, q)
        assert value >= 0  # and no NaN
        if scale == 1 and shift < 1:
            relative = shift / p.covariance_[0, 0] ** 0.5
            near = {
                kullback_leibler: relative**2 / 2,
                jensen_shannon: relative**2 / 8,
                total_variation: relative / np.sqrt(2 * np.pi),
                hellinger: relative / np.sqrt(8),
                chi_square: relative**2,
            }[divergence]
            assert value == pytest.approx(near, rel=1e-2, abs=1e-15)
    far = GaussianDensity(reg_covar=0).fit(X + 1e4)
    bounds = {jensen_shannon: np.log(2), total_variation: 1.0, hellinger: 1.0}
    if divergence in bounds:
        assert divergence(p, far) == pytest.approx(bounds[divergence])
