"""Binned densities: exact in the units of their columns, whatever is missing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdgm import (
    BinnedDensity,
    CategoricalIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    StepIndependentDensity,
)
from skdgm.density._engine.margins import quantile_cuts


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, size=300)
    counts = rng.poisson([1, 4, 9], size=(300, 3))[np.arange(300), group]
    return np.column_stack([group, counts, rng.normal(group, 0.3)])


KINDS = ["categorical", "count", "continuous"]


@pytest.fixture(scope="module")
def fitted(mixed):
    return BinnedDensity(HiddenChowLiuTreeDensity(4, random_state=0), 5, kinds=KINDS).fit(mixed)


def test_it_integrates_to_one_over_every_kind_of_column(fitted):
    groups, counts = np.arange(3), np.arange(150)
    edges = np.unique(fitted._binned.bins[2].margin.steps.edges)
    grid = np.concatenate(
        [edges[:1] - np.arange(20, 0, -0.05), edges, edges[-1] + np.arange(0.05, 20, 0.05)]
    )
    grid = np.unique(np.concatenate([grid, fitted.bin_edges_[2]]))
    x = (grid[:-1] + grid[1:]) / 2
    log_prob = fitted.score_samples(np.column_stack([np.full((len(x), 2), np.nan), x]))
    assert np.exp(log_prob) @ np.diff(grid) == pytest.approx(1, abs=1e-4)
    table = np.array(np.meshgrid(groups, counts)).reshape(2, -1).T
    log_prob = fitted.score_samples(np.column_stack([table, np.full(len(table), np.nan)]))
    assert np.exp(log_prob).sum() == pytest.approx(1)


def test_marginals_are_sums(fitted):
    rest = [4.0, 1.2]
    states = np.array([[group, *rest] for group in range(3)])
    total = np.logaddexp.reduce(fitted.score_samples(states))
    assert fitted.score_samples([[np.nan, *rest]])[0] == pytest.approx(total)


def test_completions_equal_sums_over_counts(fitted):
    counts = np.arange(400)
    rows = np.column_stack([np.full(400, 1), counts, np.full(400, 0.8)])
    log_prob = fitted.score_samples(rows)
    probability = np.exp(log_prob - np.logaddexp.reduce(log_prob))
    query = [[1, np.nan, 0.8]]
    assert fitted.conditional_mean(query)[0, 1] == pytest.approx(probability @ counts, rel=1e-5)
    assert fitted.conditional_mode(query)[0, 1] == counts[probability.argmax()]
    drawn = fitted.conditional_sample(np.repeat(query, 20_000, axis=0), random_state=0)[:, 1]
    share = np.bincount(drawn.astype(int), minlength=400) / 20_000
    assert_allclose(share, probability, atol=0.015)


def test_means_of_numbers_equal_quadrature(fitted):
    steps = fitted._binned.bins[2].margin.steps
    far = steps.center + np.linspace(-8, 8, 2001) * steps.scale
    edges = np.unique(np.concatenate([far, steps.edges, fitted.bin_edges_[2]]))
    x = (edges[:-1] + edges[1:]) / 2
    rows = np.column_stack([np.full((len(x), 2), [2, 7]), x])
    density = np.exp(fitted.score_samples(rows) - fitted.score_samples([[2, 7, np.nan]]))
    mean = fitted.conditional_mean([[2, 7, np.nan]])[0, 2]
    assert mean == pytest.approx(density * x @ np.diff(edges), abs=1e-4)


def test_independent_bins_are_independent_columns(mixed):
    X = mixed[:, 1:]
    kinds = KINDS[1:]
    alone = StepIndependentDensity(kinds=kinds).fit(X)
    binned = BinnedDensity(CategoricalIndependentDensity(alpha=0), kinds=kinds).fit(X)
    # They differ by how far the share of a bin is from what its column's density gives it.
    assert_allclose(binned.score_samples(X), alone.score_samples(X), atol=0.5)
    assert binned.score(X) == pytest.approx(alone.score(X), abs=0.05)


def test_a_value_that_outweighs_a_bin_has_one_alone():
    values, weight = np.arange(9.0), np.array([1, 1, 1, 90, 1, 1, 1, 1, 1.0])
    cuts = quantile_cuts(values, weight, 4, is_count=False)
    assert np.isclose(cuts[:, np.newaxis], [2.5, 3.5]).any(axis=0).all()
    assert len(cuts) == 3


def test_borders_of_counts_lie_between_integers():
    values, weight = np.array([0.0, 3.0, 8.0, 20.0]), np.ones(4)
    cuts = quantile_cuts(values, weight, 4, is_count=True)
    assert_allclose(cuts % 1, 0.5)


def test_a_density_of_numbers_is_refused():
    with pytest.raises(ValueError, match="density must be one over categories"):
        BinnedDensity(GaussianDensity()).fit([[0.0, 1.0], [2.0, 3.0], [4.0, 4.5]])


@pytest.mark.parametrize("kinds", [["count"], ["count", "x"]])
def test_kinds_are_checked(kinds):
    with pytest.raises(ValueError, match="kinds must be"):
        BinnedDensity(ChowLiuTreeDensity(), kinds=kinds).fit([[0, 1], [2, 3]])


def test_rounding_is_checked():
    with pytest.raises(ValueError, match="rounding must hold 2 steps"):
        BinnedDensity(ChowLiuTreeDensity(), rounding=[1.0]).fit([[0, 1], [2, 3]])


def test_bins_that_a_density_does_not_keep_apart_are_refused():
    X = np.column_stack([np.arange(40.0), np.arange(40) % 2])
    with pytest.raises(ValueError, match="keeps the categories of all columns alike"):
        BinnedDensity(MarkovChainImageDensity(), 4).fit(X)
