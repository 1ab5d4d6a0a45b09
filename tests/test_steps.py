"""Step functions as densities of columns: mathematics, rounding, and where they end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import softmax

from skdgm import StepIndependentDensity
from skdgm._kernels.steps import held_out_density, mixing_proportions, neighbour_distances
from skdgm.density._engine.learned_steps import learn_steps, rounding_step
from skdgm.density._engine.margins import Margin

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.normal(size=80),
    "skewed": RNG.lognormal(sigma=2, size=80),
    "spike": np.where(RNG.random(80) < 0.6, 0.0, RNG.lognormal(size=80)),
    "rounded": RNG.normal(size=80).round(1),
    "two values": RNG.choice([-3.0, 5.0], size=80),
    "one value": np.full(5, 7.0),
    "one row": np.array([2.5]),
}


def steps_of(column, rounding=0.1):
    values, count = np.unique(column, return_counts=True)
    return learn_steps(values, count.astype(float), rounding)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_density_distribution_and_moments_agree(column):
    steps = steps_of(column)
    edges = steps.edges
    far = steps.center + 12 * steps.scale * np.array([-1, 1])
    ends = np.unique(np.concatenate([far[:1], edges, far[1:]]))
    middle = (ends[:-1] + ends[1:]) / 2
    assert_allclose(steps.cdf(far), [0, 1], atol=1e-12)
    assert_allclose(
        np.exp(steps.log_mass(ends[:-1], ends[1:])), np.diff(steps.cdf(ends)), atol=1e-13
    )
    wide = np.flatnonzero(np.diff(ends) > 1e-4)[::20]
    for low, high, x in zip(ends[wide], ends[wide + 1], middle[wide], strict=True):
        moment, _ = quad(lambda x: x * np.exp(steps.log_pdf(np.array(x))), low, high)
        assert steps.first_moment(low, high) == pytest.approx(moment, rel=1e-6, abs=1e-9)
        slope = np.diff(steps.cdf(x + np.array([-1e-5, 1e-5])))[0] / 2e-5
        assert np.exp(steps.log_pdf(x)) == pytest.approx(slope, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_quantiles_and_normal_scores_are_inverses(column):
    steps = steps_of(column)
    probability = np.linspace(1e-9, 1 - 1e-9, 501)
    assert_allclose(steps.cdf(steps.quantile(probability)), probability, atol=1e-12)
    z = np.linspace(-30, 30, 601)  # far beyond all values
    assert_allclose(steps.normal_score(steps.from_normal_score(z)), z, atol=1e-6)


def test_quantiles_in_a_wide_gap_are_found():
    steps = steps_of(np.append(np.random.default_rng(0).normal(size=300), 1e6))
    z = np.linspace(2.5, 3.0, 501)  # most of it in the gap
    assert_allclose(steps.normal_score(steps.from_normal_score(z)), z, rtol=1e-9)


def test_distances_are_those_to_the_nearest_rows():
    rng = np.random.default_rng(3)
    values = np.sort(rng.normal(size=9))
    copies = np.array([1, 2, 1, 1, 3, 1, 1, 1, 2])
    rows = np.repeat(values, copies)
    distance = np.empty((len(rows) - 1, len(values)))
    neighbour_distances(values, copies.astype(float), np.arange(1.0, len(rows)), distance)
    to_rows = np.sort(np.abs(rows[:, np.newaxis] - values), axis=0)
    assert_allclose(distance, to_rows[1:])  # the nearest is the row itself
    few = np.empty((1, 2))  # too few rows: the farthest
    neighbour_distances(np.array([1.0, 4.0]), np.ones(2), np.array([5.0]), few)
    assert_allclose(few, 3.0)


def test_the_proportions_of_boxes_are_those_that_predict_rows_left_out():
    column = np.sort(np.random.default_rng(1).normal(size=40))
    weight = np.ones(len(column))

    def density_at_each_row_left_out(k):
        total = []
        for row, value in enumerate(column):
            others = np.delete(column, row)
            distance = np.sort(np.abs(others[:, np.newaxis] - others), axis=1)[:, k]
            inside = np.abs(others - value) <= distance
            total.append((inside / (2 * distance)).mean())
        return np.array(total)

    distances = np.empty((2, len(column)))
    neighbour_distances(column, weight, np.array([3.0, 4.0]), distances)
    near, far = distances * (1 + 1e-12)  # rounding must not leave out the neighbour at the end
    density = np.empty(len(column))
    held_out_density(
        column, weight, column - near, column + near, column - far, column + far, density
    )
    assert_allclose(density, density_at_each_row_left_out(3), rtol=1e-10)


def test_one_copy_of_a_repeated_value_is_left_out():
    values, weight = np.array([0.0, 1.0, 3.0, 7.0]), np.array([1.0, 3.0, 2.0, 1.0])
    half, half_without = np.full(4, 2.5), np.array([3.5, 2.75, 3.0, 5.0])
    density = np.empty(4)
    held_out_density(
        values,
        weight,
        values - half,
        values + half,
        values - half_without,
        values + half_without,
        density,
    )
    for i, value in enumerate(values):
        others = weight - np.eye(4)[i]
        holds_it = np.abs(values - value) <= half
        height = others * holds_it / (2 * half_without)
        assert density[i] == pytest.approx(height.sum() / others.sum())


def test_proportions_are_those_of_the_highest_likelihood():
    rng = np.random.default_rng(4)
    densities, weight = rng.gamma(0.5, size=(4, 60)), rng.uniform(0.1, 3, 60)
    prior = np.array([0.5, 0.0, 2.0, 1.0])
    found = mixing_proportions(densities, weight, prior, 1e-14, 100_000)

    def loss(logits):
        share = softmax(logits)
        return -(weight @ np.log(share @ densities) + prior @ np.log(share))

    best = minimize(loss, np.zeros(4), tol=1e-12)
    assert_allclose(found, softmax(best.x), atol=1e-4)
    assert loss(np.log(found + 1e-300)) <= best.fun + 1e-8


def test_weights_are_copies_of_rows():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 2)).round(1)
    weight = rng.integers(1, 4, size=40)
    weighted = StepIndependentDensity(rounding=[0.1, 0.1]).fit(X, sample_weight=weight)
    repeated = StepIndependentDensity(rounding=[0.1, 0.1]).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X))


def test_repeated_values_do_not_make_the_density_unbounded():
    X = np.where(RNG.random((500, 1)) < 0.9, 0.0, RNG.integers(1, 100, (500, 1))).astype(float)
    density = StepIndependentDensity().fit(X)
    assert density.rounding_ == 1.0
    assert density.score_samples([[0.0]])[0] == pytest.approx(np.log(np.mean(X == 0)), abs=0.1)


def test_counts_have_probabilities_that_sum_to_one():
    X = np.random.default_rng(3).poisson(3, size=(200, 1))
    density = StepIndependentDensity(kinds="count").fit(X)
    states = np.arange(400)[:, np.newaxis]
    probability = np.exp(density.score_samples(states))
    assert probability.sum() == pytest.approx(1)
    assert density.score_samples([[-1]]) == -np.inf
    mean = density.conditional_mean([[np.nan]])[0, 0]
    assert mean == pytest.approx(probability @ states[:, 0], rel=1e-6)
    assert density.conditional_mode([[np.nan]])[0, 0] == states[probability.argmax(), 0]
    drawn = np.bincount(density.sample(20_000, random_state=0)[:, 0], minlength=400)
    assert_allclose(drawn / 20_000, probability, atol=0.015)


def test_counts_must_be_whole():
    density = StepIndependentDensity(kinds=["count", "continuous"]).fit([[0, 0.5], [3, 0.7]])
    with pytest.raises(ValueError, match=r"column 0 of X holds 1\.5 in row 0.*must hold integers"):
        density.score_samples([[1.5, 0.5]])


def test_public_distribution_functions_are_inverses():
    X = np.random.default_rng(4).normal(size=(60, 2)) * [1.0, 1e-6]
    density = StepIndependentDensity().fit(X)
    assert_allclose(density.quantile(density.cdf(X)), X, rtol=1e-9)
    with pytest.raises(ValueError, match="probability must have 2 columns of numbers from 0 to 1"):
        density.quantile([[0.5, 1.5]])


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=40),
    st.sampled_from([1.0, 0.01, 1e6]),
)
@settings(max_examples=60, deadline=None)
def test_units_do_not_matter(numbers, unit):
    values, count = np.unique(np.array(numbers, dtype=float), return_counts=True)
    rounding = rounding_step(values, count) or 1.0
    plain = Margin.learn(values, count.astype(float), False, rounding)
    scaled = Margin.learn(values * unit, count.astype(float), False, rounding * unit)
    x = np.linspace(-80, 80, 41) + 0.123
    assert_allclose(
        scaled.log_prob(x * unit), plain.log_prob(x) - np.log(unit), rtol=1e-6, atol=1e-6
    )
