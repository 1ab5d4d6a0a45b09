"""Extreme numbers, counts, weights and sizes: right answers, or one sentence with the cure."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.preprocessing import PowerTransformer

from skdgm import (
    BernoulliIndependentDensity,
    CategoricalIndependentDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    MarkovChainImageDensity,
    MixtureDensity,
    NegativeBinomialIndependentDensity,
    PCAProjection,
    PoissonIndependentDensity,
    StepIndependentDensity,
    TransformedDensity,
)

from .estimators import CONTINUOUS_CASES, COUNT_CASES, cases, few_steps
from .rows import hide

OF_NUMBERS = [case for case in CONTINUOUS_CASES if case.name != "transformed-power"]
INSEPARABLE = "whose squares cannot be computed with|whose squares overflow|no inverse in floating"


@pytest.fixture(autouse=True)
def no_runtime_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        yield


def answers(density, X, unit):
    """Scores, means and draws of a density of columns in this unit, as they are in unit 1."""
    rows, n_columns = hide(X, 0.3, 1), X.shape[1]
    fitted = few_steps(density).fit(X * unit)
    return (
        fitted.score_samples(X * unit) + n_columns * np.log(unit),
        fitted.conditional_mean(rows * unit) / unit,
        fitted.sample(5, random_state=0) / unit,
    )


@cases(OF_NUMBERS)
def test_numbers_of_any_size_are_modelled_alike_or_refused(case):
    X = case.data(30)
    expected = answers(case.density, X, 1.0)
    for power in (-300, 300):
        for own, known in zip(answers(case.density, X, 2.0**power), expected, strict=True):
            assert_allclose(own, known, rtol=1e-6, atol=1e-6)
    for unit in (2.0**-1030, 2.0**-700, 2.0**520, 2.0**1000):
        with pytest.raises(ValueError, match=INSEPARABLE) as caught:
            few_steps(case.density).fit(X * unit)
        assert re.fullmatch(r"[^\n]+\.( .*)?", str(caught.value))


@cases(OF_NUMBERS)
def test_what_follows_from_rows_far_out_is_finite_or_refused(case):
    rows = np.full((2, case.n_columns), 1e308)
    rows[1] *= -1.7
    rows[:, 0] = np.nan
    fitted = few_steps(case.density).fit(case.data(30))
    assert not np.isnan(fitted.score_samples(rows)).any()
    for name in ("mean", "mode", "sample", "std", "interval"):
        found, message = 0.0, "row 0;"
        try:
            found = getattr(fitted, f"conditional_{name}")(rows)
        except ValueError as error:
            message = str(error)
        assert np.isfinite(found).all(), name
        assert re.search(r"row [01][.;]", message), name


def test_a_row_without_a_finite_answer_is_named():
    X = np.random.default_rng(0).normal(size=(50, 1)) @ [[1.0, 100.0]]
    density = GaussianDensity().fit(X)
    rows = np.array([[0.0, 1.0], [1.0, np.nan], [1e307, np.nan]])
    calls = [
        density.conditional_mean,
        density.conditional_interval,
        lambda rows: density.predict_column(rows, 1),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="no finite number: row 2; correct the row"):
            call(rows)
        call(rows[:2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_axes_of_numbers_of_any_size_are_alike_or_refused(dtype):
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(dtype)
    known = PCAProjection(2).fit(X)
    powers = {np.float32: (40, 64, 120), np.float64: (400, 511, 1000)}[dtype]
    for sign in (-1, 1):
        unit = dtype(2.0 ** (sign * powers[0]))
        own = PCAProjection(2).fit(X * unit)
        assert_allclose(own.components_, known.components_, atol=1e-5)
        assert_allclose(own.score(X * unit) + 3 * np.log(unit), known.score(X), rtol=1e-5)
        for power in powers[1:]:
            for call in ("fit", "partial_fit"):
                with pytest.raises(ValueError, match="whose squares cannot be computed with as"):
                    getattr(PCAProjection(2), call)(X * dtype(2.0 ** (sign * power)))


def test_power_transformers_without_an_exponent_say_so():
    X = np.random.default_rng(0).normal(size=(30, 2)) * 2.0**490
    density = TransformedDensity(PowerTransformer(), GaussianDensity())
    with pytest.raises(ValueError, match=r"PowerTransformer.*StandardScaler|squares overflow"):
        density.fit(X)


@cases(COUNT_CASES)
def test_counts_that_rounding_swallows_are_refused(case):
    X = case.data(30).astype(float)
    for factor in (1e13, 1e100, 1e300):
        with pytest.raises(ValueError, match=r"X holds the count .* in column \d, but .*larger un"):
            few_steps(case.density).fit(X * factor)
    if isinstance(case.density, PoissonIndependentDensity | NegativeBinomialIndependentDensity):
        large = case.density.fit(X * 1e10)
        assert (large.score_samples(X * 1e10) < 0).all()
        assert np.isfinite(large.sample(5, random_state=0)).all()


def test_categories_beyond_the_ties_are_named():
    X = np.random.default_rng(0).integers(0, 4, (30, 2))
    with pytest.raises(ValueError, match="Unknown category in X: column 0 holds 3, but"):
        FullCategoricalDensity(ties=np.arange(9).reshape(3, 3)).fit(X)


# ---------------------------------------------------------------------- sizes
def test_many_columns_and_few_rows():
    """The scores of 20,000 independent columns, and of a chain along them, from 5 rows."""
    X = np.random.default_rng(0).integers(0, 2, (5, 20_000), dtype=np.uint8)
    ones = X.sum(axis=0)
    proba = (ones + 1) / 7
    expected = np.where(X, np.log(proba), np.log1p(-proba)).sum(axis=1)
    density = BernoulliIndependentDensity().fit(X)
    assert_allclose(density.score_samples(X), expected)
    assert density.n_parameters_ == 20_000
    chain = MarkovChainImageDensity().fit(X)
    assert chain.n_parameters_ == 39_999
    assert np.isfinite(chain.score_samples(X)).all()
    numbers = np.random.default_rng(0).normal(size=(5, 20_000))
    normal = GaussianDensity("diag").fit(numbers)
    variance = normal.covariance_
    squares = (numbers - numbers.mean(axis=0)) ** 2 / variance + np.log(2 * np.pi * variance)
    assert_allclose(normal.score_samples(numbers), -0.5 * squares.sum(axis=1))
    few = GaussianDensity("low_rank", n_factors=2).fit(numbers)
    assert np.isfinite(few.score_samples(hide(numbers, 0.5))).all()


def test_many_categories_and_few_rows():
    """All of 60,000 categories have the probabilities that counts with pseudo-counts give."""
    K = 60_000
    X = np.array([[0, 5], [K - 1, 5], [K - 1, 7], [K - 1, 5]])
    density = CategoricalIndependentDensity(n_categories=K).fit(X)
    expected = np.log([[2, 4], [4, 4], [4, 2], [4, 4]]).sum(axis=1) - 2 * np.log(K + 4)
    assert_allclose(density.score_samples(X), expected)
    every = np.column_stack([np.arange(K, dtype=float), np.full(K, np.nan)])
    assert_allclose(np.exp(density.score_samples(every)).sum(), 1)
    assert density.sample(9, random_state=0).max() < K


def test_duplicated_and_collinear_columns_keep_scores_and_means():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    copied = np.column_stack([X, X[:, 0], X.sum(axis=1)])
    rows = copied.copy()
    rows[:, 2:] = np.nan
    for density in (GaussianDensity(), MixtureDensity(GaussianDensity(), 1)):
        filled = clone(density).fit(copied).conditional_mean(rows)
        assert_allclose(filled, copied, atol=1e-4)
    y = np.arange(60) % 2
    alone = GaussianDiscriminant("tied").fit(X, y)
    assert_allclose(
        GaussianDiscriminant("tied").fit(copied, y).predict_proba(copied),
        alone.predict_proba(X),
        atol=1e-6,
    )


# ---------------------------------------------------------------------- narrow floats
@cases(OF_NUMBERS)
def test_single_precision_gives_the_same_model_to_its_precision(case):
    narrow = case.data(40).astype(np.float32)
    wide = narrow.astype(np.float64)
    own, known = (few_steps(case.density).fit(X) for X in (narrow, wide))
    assert_allclose(own.score_samples(narrow), known.score_samples(wide), rtol=1e-4, atol=1e-4)
    rows = hide(wide, 0.3, 1)
    drawn = own.conditional_sample(rows.astype(np.float32), random_state=0)
    assert own.sample(2, random_state=0).dtype == np.float32
    assert_allclose(drawn, known.conditional_sample(rows, random_state=0), rtol=1e-3, atol=1e-3)


def test_moments_of_wide_steps_are_finite():
    """Cubes of what a single value far out is away from the others are too large for floats."""
    X = np.append(np.random.default_rng(0).normal(size=40), 1e120)[:, np.newaxis]
    density = StepIndependentDensity().fit(X)
    deviation = density.conditional_std([[np.nan]])
    assert np.isfinite(deviation).all()
    assert_allclose(deviation, X.std(), rtol=0.2)
