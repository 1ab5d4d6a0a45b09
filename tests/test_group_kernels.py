"""Densities scored and counted together agree with one density at a time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from skdgm import BernoulliIndependentDensity, MarkovChainImageDensity
from skdgm._codes import missing_code, readonly
from skdgm._kernels import gaussian_group, windows
from skdgm.density._bernoulli_group import BernoulliTerms, count_bernoulli
from skdgm.density._engine.responsibilities import responsibilities
from skdgm.density._engine.windows import Windows, WindowTerms, count_windows, window_width
from skdgm.density.gaussian._covariances import (
    DiagonalCovariance,
    FullCovariance,
    SphericalCovariance,
    log_prob_at,
)
from skdgm.density.gaussian._group import log_prob_each, log_prob_independent, log_prob_tied
from skdgm.density.gaussian._moments import Moments
from skdgm.density.gaussian._moments_of_each import count_moments
from skdgm.density.markov_chain._group import ChainTerms, count_chains
from skdgm.density.markov_chain._shape import ChainShape

from .rounding import assert_equal_to_rounding

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

SIZES = {
    "seed": st.integers(0, 2**16),
    "n_rows": st.integers(1, 3000),
    "n": st.integers(1, 20),
    "k": st.integers(1, 9),
}


def random_weight(rng, n_rows, k):
    """Weights of which some are zero, and maybe all of a row."""
    weight = rng.random((n_rows, k)) * (rng.random((n_rows, k)) < 0.7)
    weight[rng.random(n_rows) < 0.1] = 0.0
    return weight


def random_codes(rng, n_rows, n, K, missing=0.0, dtype=np.uint8):
    codes = rng.integers(0, K, size=(n_rows, n)).astype(dtype)
    codes[rng.random((n_rows, n)) < missing] = missing_code(codes)
    return readonly(codes)


# ---------------------------------------------------------------------- windows of columns
def entries_by_definition(codes, K, order, width):
    n_rows, n = codes.shape
    n_windows = -(-n // width)
    padded = np.zeros((n_rows, order + n_windows * width), dtype=np.int64)
    padded[:, order : order + n] = codes
    powers = K ** np.arange(order + width - 1, -1, -1)
    starts = range(0, n_windows * width, width)
    return np.stack([padded[:, s : s + order + width] @ powers for s in starts], axis=1)


@settings(max_examples=60)
@given(**SIZES, K=st.integers(1, 5), order=st.integers(0, 3), width=st.integers(1, 9))
def test_entries_are_numbers_whose_digits_are_codes(seed, n_rows, n, k, K, order, width):
    codes = random_codes(np.random.default_rng(seed), min(n_rows, 50), n, K)
    layout = Windows(np.arange(n), K, order, width)
    assert_array_equal(layout.entries(codes), entries_by_definition(codes, K, order, width))


@settings(max_examples=60)
@given(
    **SIZES,
    K=st.integers(1, 4),
    order=st.integers(0, 3),
    common=st.booleans(),
    floor=st.sampled_from([0.0, 1e7, np.inf]),
)
def test_windows(seed, n_rows, n, k, K, order, common, floor):
    """Terms of windows add up to those of columns, whether or not zeros can be passed over."""
    rng = np.random.default_rng(seed)
    codes = random_codes(rng, n_rows, n, K)
    table = np.minimum(np.arange(n), order) if common else np.arange(n)
    context = entries_by_definition(codes, K, order, 1) // K
    terms = -rng.random((table[-1] + 1, K**order, K, k))
    terms[rng.random(terms.shape) < 0.1] -= floor
    expected = terms[table, context, codes].sum(axis=1)
    prepared = WindowTerms(terms, table, order)
    for _ in range(2):
        assert_allclose(prepared.sum(codes), expected, rtol=1e-12)

    weight, counts = random_weight(rng, n_rows, k), np.zeros(terms.shape)
    np.add.at(counts, (table, context, codes), weight[:, np.newaxis])
    counted = count_windows(codes, weight, table, len(terms), K, order)
    assert_allclose(counted, counts, rtol=1e-9)
    if order == 0:
        some = count_windows(codes, weight, table, len(terms), K, order, zeros=False)
        assert_allclose(some[:, :, 1:], counts[:, :, 1:], rtol=1e-9)


def test_few_rows_take_narrow_windows():
    widths = [window_width(784, 2, 0, n_rows) for n_rows in (1, 32, 500, 10**6)]
    assert widths == [1, 2, 5, 8]
    assert window_width(784, 2, 1, 10**6) == 7
    assert window_width(784, 300, 1, 10**6) == 1
    assert window_width(3, 2, 0, 10**6) == 3


# ---------------------------------------------------------------------- Bernoulli
def random_coins(rng, k, n, sure):
    """Coins of which some fall on one side only, fitted by themselves."""
    coins = []
    for _ in range(k):
        coin = BernoulliIndependentDensity().fit(np.array([[0], [1]]) * np.ones(n))
        coin.probability_ = rng.random(n)
        if sure:
            coin.probability_[rng.random(n) < 0.1] = rng.integers(2)
        with np.errstate(divide="ignore"):
            coin.feature_log_prob_ = np.log(coin.probability_)
            coin._log_zero = np.log1p(-coin.probability_)
        coins.append(coin)
    return coins


@settings(max_examples=60)
@given(**SIZES, missing=st.sampled_from([0.0, 0.2, 1.0]), sure=st.booleans())
def test_bernoulli(seed, n_rows, n, k, missing, sure):
    rng = np.random.default_rng(seed)
    coins = random_coins(rng, k, n, sure)
    codes = random_codes(rng, n_rows, n, 2, missing)
    if sure and not missing:  # else few rows are possible
        codes = readonly(np.where(rng.random((n_rows, 1)) < 0.5, codes, codes[:1]))
    terms = BernoulliTerms(
        np.array([coin._log_zero for coin in coins]),
        np.array([coin.feature_log_prob_ for coin in coins]),
    )
    expected = np.stack([coin._log_prob(codes) for coin in coins], axis=1)
    assert_equal_to_rounding(terms.log_prob(codes), expected)

    weight = random_weight(rng, n_rows, k)
    observed, ones = count_bernoulli(codes, weight)
    for coin, own, *counted in zip(coins, weight.T, observed, ones, strict=True):
        known = coin._count(codes, np.ascontiguousarray(own))
        assert_equal_to_rounding(counted[0], known.observed)
        assert_equal_to_rounding(counted[1], known.ones)


def test_columns_that_are_never_zero():
    """A probability of one: rows of zeros are impossible, all others lose no digits."""
    codes = readonly(np.array([[0] * 9, [1] * 9, [1] * 8 + [0]], dtype=np.uint8).repeat(3000, 0))
    probability = np.array([[0.25] * 8 + [1.0], [0.5] * 9])
    with np.errstate(divide="ignore"):
        terms = BernoulliTerms(np.log1p(-probability), np.log(probability))
    log_prob = terms.log_prob(codes)[[0, 3000, 6000]]
    assert_allclose(log_prob[:, 0], [-np.inf, 8 * math.log(0.25), -np.inf])
    assert_allclose(log_prob[:, 1], 9 * math.log(0.5))


# ---------------------------------------------------------------------- chains
@settings(max_examples=60)
@given(
    **SIZES,
    K=st.integers(1, 4),
    order=st.integers(0, 3),
    common=st.booleans(),
    alpha=st.sampled_from([0.0, 1.0]),
    missing=st.sampled_from([0.0, 0.3]),
)
def test_chains(seed, n_rows, n, k, K, order, common, alpha, missing):
    rng = np.random.default_rng(seed)
    order = min(order, max(1, n - 1), n - 1 or 1)
    train = rng.integers(0, K, size=(30, n))
    chains = [
        MarkovChainImageDensity(order, n_categories=K, alpha=alpha, homogeneous=common).fit(
            train, sample_weight=rng.random(30) + 0.1
        )
        for _ in range(k)
    ]
    shape = chains[0]._shape
    codes = random_codes(rng, n_rows, n, K, missing if shape.order == 0 else 0.0)
    terms = ChainTerms([chain._tables.log_probability for chain in chains], shape)
    expected = np.stack([chain._log_prob(codes) for chain in chains], axis=1)
    assert_equal_to_rounding(terms.log_prob(codes), expected)

    weight = random_weight(rng, n_rows, k)
    counts = count_chains(codes, weight, shape)
    for chain, own, counted in zip(chains, weight.T, counts, strict=True):
        known = chain._count(codes, np.ascontiguousarray(own)).counts
        assert_equal_to_rounding(counted, known)
        assert_array_equal(counted == 0, known == 0)


def test_chains_of_many_categories():
    rng = np.random.default_rng(0)
    shape = ChainShape(4, 1, False, 300)
    codes = random_codes(rng, 5000, 4, 300, dtype=np.uint16)
    log_probability = np.log(rng.dirichlet(np.ones(300), size=(3, 4, 300)))
    log_prob = ChainTerms(log_probability, shape).log_prob(codes)
    before = np.concatenate([np.zeros((5000, 1), int), codes[:, :-1]], axis=1)
    expected = log_probability[:, np.arange(4), before, codes].sum(axis=2)
    assert_equal_to_rounding(log_prob, expected.T)


# ---------------------------------------------------------------------- normals
def random_moments(rng, k, n, offset=0.0):
    """Moments of k clouds of points around places of their own."""
    clouds = (
        rng.normal(size=(3 * n, n)) @ rng.normal(size=(n, n)) + 3 * rng.normal(size=n) + offset
        for _ in range(k)
    )
    return [Moments.count(cloud, None, scatter="full") for cloud in clouds]


def covariance_of(moments):
    """The covariance of maximum likelihood."""
    return FullCovariance(moments.scatter / moments.total)


@settings(max_examples=40)
@given(**SIZES, offset=st.sampled_from([0.0, 1e4]))
def test_log_densities_of_normals(seed, n_rows, n, k, offset):
    rng = np.random.default_rng(seed)
    moments = random_moments(rng, k, n, offset)
    mean = np.array([own.mean for own in moments])
    X = mean[rng.integers(k, size=n_rows)] + rng.normal(size=(n_rows, n))
    full = [FullCovariance(own.scatter / own.total + 1e-3 * np.eye(n)) for own in moments]
    diagonal = [DiagonalCovariance(np.diag(own.value)) for own in full]
    spherical = [SphericalCovariance(float(np.mean(own.value)), n) for own in diagonal]

    def one_by_one(covariances):
        pairs = zip(covariances, mean, strict=True)
        return np.stack([log_prob_at(own, X - middle) for own, middle in pairs], axis=1)

    assert_allclose(log_prob_each(full, mean, X), one_by_one(full), rtol=1e-7)
    tied = log_prob_tied(full[0].whitening, full[0].log_det, mean, X)
    assert_allclose(tied, one_by_one([full[0]] * k), rtol=1e-7)
    X[rng.random(X.shape) < 0.2] = np.nan
    variance = np.array([own.value for own in diagonal])
    assert_equal_to_rounding(log_prob_independent(variance, mean, X), one_by_one(diagonal))
    variance = np.array([[own.value] for own in spherical])
    assert_equal_to_rounding(log_prob_independent(variance, mean, X), one_by_one(spherical))


@pytest.mark.parametrize("apart", [1e2, 1e4, 1e6, 1e8])
def test_tied_normals_far_from_each_other(apart):
    rng = np.random.default_rng(0)
    n, n_rows = 5, 1000
    covariance = covariance_of(random_moments(rng, 1, n)[0])
    mean = 1e3 + apart * rng.normal(size=(4, n))
    label = rng.integers(4, size=n_rows)
    X = mean[label] + covariance.sample(n_rows, rng)
    log_prob = log_prob_tied(covariance.whitening, covariance.log_det, mean, X)
    own = np.empty(n_rows)
    for c in range(4):
        own[label == c] = log_prob_at(covariance, X[label == c] - mean[c])
    whitened = (mean - mean.mean(axis=0)) @ covariance.whitening
    R, r = min(np.linalg.norm(whitened, axis=1).max(), 1e5), 5.0
    unit_roundoff = np.finfo(float).eps / 2
    assert_allclose(
        log_prob[np.arange(n_rows), label], own, rtol=0, atol=4 * n * unit_roundoff * R * r
    )


def test_normals_agree_with_scipy():
    rng = np.random.default_rng(0)
    own = random_moments(rng, 1, 3)[0]
    covariance, mean = covariance_of(own), rng.normal(size=(4, 3))
    X = rng.normal(size=(50, 3))
    expected = [multivariate_normal(middle, covariance.value).logpdf(X) for middle in mean]
    log_prob = log_prob_tied(covariance.whitening, covariance.log_det, mean, X)
    assert_allclose(log_prob, np.transpose(expected))
    variance = rng.random((4, 3)) + 0.1
    expected = [
        multivariate_normal(middle, np.diag(v)).logpdf(X)
        for middle, v in zip(mean, variance, strict=True)
    ]
    assert_allclose(log_prob_independent(variance, mean, X), np.transpose(expected))


def test_squares_that_overflow_score_minus_infinity():
    X = np.array([[1e200, -1e200], [1.7e308, -1.7e308], [0.0, 0.0]])
    mean = np.array([[0.0, 0.0], [-1.7e308, 1.7e308]])
    covariance = FullCovariance(np.array([[2.0, 1.0], [1.0, 2.0]]))
    for log_prob in (
        log_prob_each([covariance] * 2, mean, X),
        log_prob_tied(covariance.whitening, covariance.log_det, mean, X),
        log_prob_independent(np.ones((2, 2)), mean, X),
    ):
        assert np.isneginf(log_prob[:2]).all()
        assert not np.isnan(log_prob).any()
    assert_allclose(log_prob[2, 0], -math.log(2 * math.pi))


def assert_same_moments(moments, known, atol=0.0):
    assert_allclose(moments.total, known.total, rtol=1e-12)
    assert_allclose(moments.mean, known.mean, rtol=1e-10, atol=1e-10)
    assert_allclose(moments.scatter, known.scatter, rtol=1e-7, atol=1e-9 + atol)


@settings(max_examples=40)
@given(**SIZES, offset=st.sampled_from([0.0, 1e4]))
def test_moments_counted_together_agree_with_those_of_each(seed, n_rows, n, k, offset):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n)) @ rng.normal(size=(n, n)) + offset
    weight = random_weight(rng, n_rows, k)
    weight[0] += 0.1
    columns = [np.ascontiguousarray(own) for own in weight.T]
    known = [Moments.count(X, own, scatter="full") for own in columns]
    for own, one in zip(count_moments(X, weight, "full"), known, strict=True):
        assert_same_moments(own, one)
    together = count_moments(X, weight, "pooled")
    assert_allclose([own.mean for own in together], [one.mean for one in known])
    assert_same_moments(Moments.pooled(together), Moments.pooled(known))
    known = [Moments.count(X, own, scatter="diagonal") for own in columns]
    for own, one in zip(count_moments(X, weight, "diagonal"), known, strict=True):
        assert_same_moments(own, one)
    incomplete = np.where(rng.random(X.shape) < 0.3, np.nan, X)
    incomplete[-1:] = X[-1:]
    known = [Moments.count_observed(incomplete, own) for own in columns]
    for own, one in zip(count_moments(incomplete, weight, "diagonal"), known, strict=True):
        assert_same_moments(own, one)


@pytest.mark.parametrize("kind", ["full", "pooled", "diagonal"])
def test_scatters_do_not_cancel(kind):
    """Clouds of variance 1 and distances of 1e9, in units of which the variance is 1e-18."""
    rng = np.random.default_rng(0)
    place = 1e9 * np.array([[0, 0], [1, 0], [0, 1]])
    label = rng.integers(3, size=3000)
    noise = rng.normal(size=(3000, 2)).round(2)
    moments = count_moments(place[label] + noise, np.eye(3)[label], kind)
    scatter = [own.scatter for own in moments]
    known = [Moments.count(noise[label == c], None, scatter="full").scatter for c in range(3)]
    if kind == "pooled":
        scatter, known = sum(scatter), sum(known)
    elif kind == "diagonal":
        known = [np.diag(own) for own in known]
    assert_allclose(scatter, known, rtol=1e-5, atol=1e-2)


def test_weightless_components_have_moments_of_zero():
    X, weight = np.ones((5, 2)), np.array([[1.0, 0.0]] * 5)
    for kind in ("full", "pooled", "diagonal"):
        moments = count_moments(X, weight, kind)
        assert_array_equal([own.total for own in moments], [5.0, 0.0])
        for own in moments:
            assert np.isfinite(own.mean).all()
            assert_array_equal(own.scatter, np.zeros_like(own.scatter))


# ---------------------------------------------------------------------- responsibilities
@settings(max_examples=40)
@given(seed=st.integers(0, 2**16), n_rows=st.integers(1, 300), k=st.integers(1, 9))
def test_responsibilities(seed, n_rows, k):
    rng = np.random.default_rng(seed)
    log_joint = 100 * rng.normal(size=(n_rows, k)) - 1e4 * rng.random()
    log_joint[rng.random((n_rows, k)) < 0.3] = -np.inf
    prior = rng.dirichlet(np.ones(k))
    shares, log_prob = responsibilities(log_joint.copy(), prior)
    assert_allclose(log_prob, logsumexp(log_joint, axis=1))
    impossible = np.isneginf(log_prob)
    assert_array_equal(shares[impossible], np.tile(prior, (impossible.sum(), 1)))
    expected = np.exp(log_joint - np.where(impossible, 0.0, log_prob)[:, np.newaxis])
    assert_allclose(shares[~impossible], expected[~impossible], rtol=1e-11, atol=1e-300)
    assert_allclose(shares.sum(axis=1), 1.0)


# ---------------------------------------------------------------------- compiled forms
def test_kernels_compile_once_for_writable_and_mapped_arrays(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    np.save(tmp_path / "X.npy", X)
    for table in (X, np.asfortranarray(X), readonly(X), np.load(tmp_path / "X.npy", "r")):
        log_prob_independent(np.ones((2, 3)), np.zeros((2, 3)), table)
        log_prob_tied(np.eye(3), 0.0, np.zeros((2, 3)), table)
        for kind in ("full", "pooled", "diagonal"):
            count_moments(table, np.ones((20, 2)), kind)
    for kernel in ("log_prob_independent", "squared_distances", "add_squares"):
        assert len(getattr(gaussian_group, kernel).signatures) == 1
    assert len(gaussian_group.expected_deviations.signatures) == 1
    codes = random_codes(rng, 3000, 20, 2)
    for table in (codes, np.array(codes), np.asfortranarray(codes)):
        BernoulliTerms(np.zeros((2, 20)), np.zeros((2, 20))).log_prob(table)
        count_bernoulli(table, np.ones((3000, 2)))
    for kernel in (windows.sum_terms, windows.share_out):
        assert len(kernel.signatures) == 1
