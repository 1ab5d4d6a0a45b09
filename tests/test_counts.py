"""Poisson and negative binomial columns: the formulas, the estimates, and extremes."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize, stats
from sklearn.base import clone

from skdgm import (
    BernoulliIndependentDensity,
    ColumnDensity,
    DensityImputer,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    NegativeBinomialIndependentDensity,
    PoissonIndependentDensity,
)
from skdgm._kernels import counts as kernels
from skdgm.density._group import DensityGroup
from skdgm.density.counts import _histograms
from skdgm.density.counts._negative_binomial import log_probs_of_values

from .rows import assert_drawn_from, hide

FAMILIES = [PoissonIndependentDensity, NegativeBinomialIndependentDensity]
families = pytest.mark.parametrize("family", FAMILIES, ids=["poisson", "negative-binomial"])
MEANS = np.array([0.3, 4.0, 60.0])


def spread_counts(n_rows, seed=0):
    """Counts with the dispersions 2, 0.5 and 0.1, and a Poisson column."""
    rng = np.random.default_rng(seed)
    size = 1 / np.array([2.0, 0.5, 0.1])
    spread = rng.negative_binomial(size, size / (size + MEANS), (n_rows, 3))
    return np.column_stack([spread, rng.poisson(5.0, n_rows)]).astype(float)


X = spread_counts(3000)


def distributions(density):
    """The columns' distributions, by scipy."""
    if isinstance(density, PoissonIndependentDensity):
        return [stats.poisson(rate) for rate in density.rate_]
    return [
        stats.nbinom(1 / d, 1 / (1 + d * m)) if d > 0 else stats.poisson(m)
        for m, d in zip(density.mean_, density.dispersion_, strict=True)
    ]


# ---------------------------------------------------------------------- probabilities
@families
def test_scores_are_those_of_scipy(family):
    density = family().fit(X)
    own = distributions(density)
    rows = hide(X[:200], 0.3)
    terms = np.column_stack([one.logpmf(x) for one, x in zip(own, rows.T, strict=True)])
    assert_allclose(density.score_samples(rows), np.nansum(terms, axis=1), rtol=1e-10)


@families
def test_probabilities_sum_to_one_and_draws_follow_them(family):
    density = family().fit(X)
    drawn = density.sample(20_000, random_state=0)
    rows = np.full((3000, 4), np.nan)
    for column in range(4):
        rows[:] = np.nan
        rows[:, column] = np.arange(3000)
        probability = np.exp(density.score_samples(rows))
        assert_allclose(probability.sum(), 1, rtol=1e-10)
        assert_drawn_from(probability, np.bincount(drawn[:, column].astype(int), minlength=3000))


@families
def test_completions_are_those_of_the_columns(family):
    density = family().fit(X)
    row = np.array([[1.0, np.nan, np.nan, np.nan]])
    own = distributions(density)
    assert_allclose(density.conditional_mean(row)[0, 1:], [one.mean() for one in own[1:]])
    modes = [np.argmax(one.pmf(np.arange(500))) for one in own[1:]]
    assert_array_equal(density.conditional_mode(row)[0, 1:], modes)
    drawn = density.conditional_sample(np.tile(row, (20_000, 1)), random_state=0)
    assert_array_equal(drawn[:, 0], 1)
    for column in (1, 2, 3):
        count = np.bincount(drawn[:, column].astype(int), minlength=2000)
        assert_drawn_from(own[column].pmf(np.arange(len(count))), count)
    assert_allclose(density.predict_column(X[:2], 2), [own[2].mean()] * 2)
    with pytest.raises(ValueError, match="column 2 cannot be listed, for they are counts; predict"):
        density.conditional_proba(X[:2], 2)


# ---------------------------------------------------------------------- kernels
DISPERSIONS = [1e-9, 1e-3, 0.0624, 0.0626, 0.5, 3.0, 1e6]


@pytest.mark.parametrize("d", DISPERSIONS)
def test_the_rising_factorial_is_a_sum_of_logarithms(d):
    for x in (0, 1, 2, 16, 17, 40, 3000):
        i = np.arange(x)
        terms = i / (1 + d * i)
        assert_allclose(kernels.log_rising(float(x), d), np.log1p(d * i).sum(), 1e-12, 1e-14)
        first, second = kernels.slopes_of_rising(float(x), d)
        assert_allclose(first, terms.sum(), rtol=1e-10, atol=1e-15)
        assert_allclose(second, -(terms**2).sum(), rtol=1e-7, atol=1e-12)


def test_the_limit_of_no_dispersion_is_poisson():
    x, mean = np.array([0.0, 1.0, 7.0, 300.0]), np.array([2.5])
    limit = stats.poisson(mean).logpmf(x)
    assert_allclose(log_probs_of_values(x, mean, np.array([0.0]))[:, 0], limit, rtol=1e-12)
    for d in (1e-300, 1e-16, 1e-12):
        assert_allclose(log_probs_of_values(x, mean, np.array([d]))[:, 0], limit, rtol=1e-7)


# ---------------------------------------------------------------------- estimates
@families
def test_means_are_those_of_the_rows(family):
    rows, weight = hide(X[:300], 0.2), np.random.default_rng(0).random(300)
    density = family().fit(rows, sample_weight=weight)
    seen = ~np.isnan(rows)
    expected = weight @ np.where(seen, rows, 0) / (weight @ seen)
    assert_allclose(density._expected, expected)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**16), scale=st.sampled_from([1e-2, 1.0, 1e3]))
def test_dispersions_maximise_the_likelihood(seed, scale):
    rng = np.random.default_rng(seed)
    rows = rng.poisson(scale * rng.gamma(rng.uniform(0.1, 9), size=(80, 1))).astype(float)
    rows[0] = 1
    weight = rng.random(80)
    density = NegativeBinomialIndependentDensity(alpha=0).fit(rows, sample_weight=weight)

    def loss(log_d):
        log_prob = log_probs_of_values(rows[:, 0], density.mean_, np.exp([log_d]))[:, 0]
        return -weight @ log_prob

    starts = range(-20, 20, 4)
    best = min(
        optimize.minimize_scalar(loss, bounds=(start, start + 4), method="bounded").fun
        for start in starts
    )
    assert -weight @ density.score_samples(rows) <= best + 1e-9 * abs(best)


def test_planted_dispersions_are_recovered():
    density = NegativeBinomialIndependentDensity().fit(spread_counts(40_000, seed=1))
    assert_allclose(density.dispersion_[:3], [2, 0.5, 0.1], rtol=0.1)
    assert density.dispersion_[3] < 0.005
    assert_allclose(density.mean_[:3], MEANS, rtol=0.05)


def test_columns_that_vary_no_more_than_poisson_counts_have_no_dispersion():
    rows = np.column_stack([np.full(50, 7), np.arange(50) % 2, np.arange(50) % 3 + 4])
    density = NegativeBinomialIndependentDensity().fit(rows)
    assert_array_equal(density.dispersion_, 0)
    poisson = PoissonIndependentDensity().fit(rows)
    assert_allclose(density.score_samples(rows), poisson.score_samples(rows), rtol=1e-12)


@families
def test_parts_are_drawn_towards_all_rows(family):
    label = np.arange(3000) < 2
    rows = np.where(label[:, np.newaxis], 0.0, X)
    own = [GenerativeClassifier(family(alpha=a)).fit(rows, label).densities_[1] for a in (1, 1e9)]
    overall = family().fit(rows)
    assert_allclose(own[0]._expected, overall._expected / 3)
    assert_allclose(own[1]._expected, overall._expected, rtol=1e-6)
    if family is NegativeBinomialIndependentDensity:
        assert_allclose(own[1].dispersion_, overall.dispersion_, rtol=1e-5, atol=1e-9)


@families
def test_no_count_is_impossible_with_pseudo_counts(family):
    rows = np.zeros((20, 2))
    rows[:, 1] = 3
    density = family().fit(rows)
    assert_allclose(density._expected, [0.5 / 21, 3])
    assert np.isfinite(density.score_samples([[4, 0]])).all()
    without = family(alpha=0).fit(rows)
    assert_array_equal(without._expected, [0, 3])
    assert_array_equal(np.isneginf(without.score_samples([[0, 5], [1, 3]])), [False, True])
    with pytest.raises(ValueError, match="probability zero under the model: row 1"):
        without.conditional_mean([[0, np.nan], [1, np.nan]])


@families
def test_a_class_without_a_value_takes_over_those_of_all_rows(family):
    rows, label = X[:60].copy(), np.arange(60) % 2
    rows[label == 1, 2] = np.nan
    model = GenerativeClassifier(family(alpha=0)).fit(rows, label)
    assert_allclose(model.densities_[1]._expected[2], np.nanmean(rows[:, 2]))


# ---------------------------------------------------------------------- mixtures
@families
@pytest.mark.parametrize("alpha", [0, 2.5])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_no_step_lowers_the_objective(family, alpha, share):
    rng = np.random.default_rng(1)
    rows = hide(
        rng.poisson(rng.gamma(1.0, [1, 30, 1e6], (150, 3)) * rng.integers(1, 9, (150, 1))), share
    )
    mixture = MixtureDensity(family(alpha=alpha), 4, random_state=0, max_iter=40, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        bounds = mixture.fit(rows).lower_bounds_
    assert (np.diff(bounds) >= -1e-9 * np.abs(bounds[1:])).all()
    assert bounds[-1] > bounds[0]


@families
def test_a_group_answers_as_its_densities_do(family):
    rows = hide(X[:200], 0.2)
    shares = np.random.default_rng(0).dirichlet(np.ones(3), 200)
    weight = np.random.default_rng(1).random(200)
    prototype = family()
    prototype.n_features_in_ = 4
    codes = prototype._declare(rows, weight)
    answers = []
    for kind in (family._group_type, DensityGroup):
        group = kind(prototype, ["a", "b", "c"], [60.0] * 3)
        group.estimate(group.start(codes, shares, weight))
        group.estimate(group.expect(codes, shares**2, weight))
        answers.append(group.log_prob(codes))
    assert_allclose(*answers, rtol=1e-9)


@families
def test_mixtures_find_groups_of_rows(family):
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 600)
    rows = rng.poisson(np.where(z[:, np.newaxis], [2.0, 9.0, 5.0], [9.0, 2.0, 5.0]))
    mixture = MixtureDensity(family(), random_state=0).fit(rows)
    found = sorted(tuple(density._expected.round(0)) for density in mixture.densities_)
    assert found == [(2, 9, 5), (9, 2, 5)]
    assert np.mean((mixture.predict(rows) == z) == (mixture.predict(rows)[0] == z[0])) > 0.95
    assert mixture.predict_column([[2, np.nan, 5]], 1)[0] > 8


def test_counts_sit_in_blocks_and_are_imputed():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 400)
    rows = np.column_stack([z, rng.poisson(1 + 8 * z), rng.normal(3 * z)])
    blocks = ColumnDensity(
        [
            ("coin", BernoulliIndependentDensity(), [0]),
            ("visits", NegativeBinomialIndependentDensity(), [1]),
            ("size", GaussianDensity(), [2]),
        ]
    )
    mixture = MixtureDensity(blocks, random_state=0).fit(rows)
    assert_allclose(mixture.conditional_proba([[0, 12, np.nan]], 0), [[0, 1]], atol=0.02)
    filled = DensityImputer(mixture, strategy="mode").fit_transform(hide(rows, 0.2))
    assert_array_equal(filled[:, 1], np.rint(filled[:, 1]))


# ---------------------------------------------------------------------- statistics
def test_histograms_add_in_any_order():
    parts = [X[:10], X[10:40], X[40:41], X[41:200]]
    weights = np.random.default_rng(0).random((200, 2))
    edges = np.cumsum([0, *map(len, parts)])
    whole = _histograms.count_histograms(X[:200], weights)
    by_part = [
        _histograms.count_histograms(part, weights[start : start + len(part)])
        for part, start in zip(parts, edges, strict=False)
    ]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        first, *others = (by_part[place] for place in order)
        for density in range(2):
            total = first[density]
            for other in others:
                total = total + other[density]
            assert_array_equal(total.values, whole[density].values)
            assert_array_equal(total.column, whole[density].column)
            assert_allclose(total.weight, whole[density].weight)


def test_large_counts_are_cut_as_small_ones_are(monkeypatch):
    rows = hide(X[:100], 0.3)
    values, index = zip(*map(_histograms.distinct_counts, rows.T), strict=True)
    monkeypatch.setattr(_histograms, "MARKED", -1)
    for column, marked, place in zip(rows.T, values, index, strict=True):
        own, own_place = _histograms.distinct_counts(column)
        assert_array_equal(np.append(own, np.nan)[own_place], column)
        assert_array_equal(np.append(marked, np.nan)[place], column)


# ---------------------------------------------------------------------- extremes
EXTREMES = {
    "one row": [[5.0, 0.0]],
    "zeros": [[0.0, 0.0]] * 3,
    "huge": [[1e9, 1e9], [0.0, 1e9 + 3], [3.0, 1e9 - 5]],
    "one event in a million": [[0.0, 1e9]] * 50 + [[1e9, 0.0]],
}


@families
@pytest.mark.parametrize("alpha", [0, 1.0])
@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_columns_give_scores(family, alpha, name):
    rows = np.array(EXTREMES[name])
    weights = [None, *(np.linspace(0.1, 1, len(rows)) * scale for scale in (1e-90, 1e90))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for weight in weights:
            density = family(alpha=alpha).fit(rows, sample_weight=weight)
            log_prob = density.score_samples(rows)
            assert np.isfinite(log_prob).all()
            assert (log_prob <= 1e-5).all()
            assert (density.sample(50, random_state=0) >= 0).all()


@families
def test_weights_of_zero_count_for_nothing(family):
    weight = np.ones(100)
    weight[::3] = 0
    first = family().fit(X[:100], sample_weight=weight)
    second = family().fit(X[:100][weight > 0])
    assert_allclose(first.score_samples(X), second.score_samples(X))


@families
def test_what_is_no_count_is_refused(family):
    density = family().fit(X)
    rows = X[:5].copy()
    for value, message in [
        (
            -2.0,
            r"Negative values in data: row 3, column 1 holds -2\.0; counts are .* leave the col",
        ),
        (0.5, r"not integers in X: row 3, column 1 holds 0\.5; counts are .* round them"),
    ]:
        rows[3, 1] = value
        for call in (clone(density).fit, density.partial_fit, density.score_samples):
            with pytest.raises(ValueError, match=message):
                call(rows)


@families
def test_grey_levels_are_rounded_with_a_warning(family):
    rows = np.array([[0.2, 0.9], [0.7, 0.4], [0.1, 0.8]])
    with pytest.warns(UserWarning, match="X holds no counts, only fractions between 0 and 1"):
        density = family().fit(rows)
    expected = family().fit(np.rint(rows))
    assert_allclose(density.score_samples(rows), expected.score_samples(np.rint(rows)))
    with pytest.raises(ValueError, match=r"not integers in X: row 0, column 0 holds 0\.5"):
        density.score_samples([[0.5, 2.5]])


@families
def test_samples_of_small_integers_do_not_overflow(family):
    rows = np.full((50, 2), 250, dtype=np.uint8)
    drawn = family().fit(rows).sample(500, random_state=0)
    assert drawn.dtype == np.int64
    assert drawn.max() > 255
    assert family().fit(rows.astype(np.float32)).sample().dtype == np.float32
    assert family().fit(rows.astype(np.uint64)).sample().dtype == np.uint64
