"""Divergences: their properties, their estimates, and invalid input."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy.spatial.distance import jensenshannon
from sklearn.exceptions import NotFittedError

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)
from skdgm.metrics import (
    _compute,
    _states,
    chi_square,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    log_likelihood_gap,
    total_variation,
)

from .divergences import (
    DIVERGENCES,
    SYMMETRIC,
    all_states,
    discrete_pairs,
    rows_for,
)


# ---------------------------------------------------------------------- properties
def test_jensen_shannon_is_the_square_of_scipys_distance():
    p = FullCategoricalDensity().fit(rows_for(2, 3, 0))
    q = FullCategoricalDensity().fit(rows_for(2, 3, 1))
    masses = [np.exp(density.score_samples(all_states([3, 3]))) for density in (p, q)]
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(*masses) ** 2)


@settings(max_examples=20)
@given(case=discrete_pairs())
def test_divergences_satisfy_their_inequalities(case):
    (p, q), _ = case
    tv, h = total_variation(p, q), hellinger(p, q)
    assert tv <= np.sqrt(kullback_leibler(p, q) / 2) + 1e-7  # Pinsker
    assert h**2 <= tv + 1e-12
    assert tv <= np.sqrt(2) * h + 1e-7
    assert jensen_shannon(p, q) <= np.log(2) * tv + 1e-12
    assert kullback_leibler(p, q) <= np.log1p(chi_square(p, q)) + 1e-7
    for divergence in SYMMETRIC:
        assert divergence(p, q) == pytest.approx(divergence(q, p), abs=1e-9)
    for divergence in DIVERGENCES:
        assert divergence(p, p) == 0
        assert divergence(p, q) >= 0


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_leaving_out_a_column_never_increases_a_divergence(divergence):
    rng = np.random.default_rng(0)
    for seed in range(10):
        tables = rng.random((2, 8)) ** 2
        whole = [
            FullCategoricalDensity(alpha=0).fit(all_states([2] * 3), sample_weight=w)
            for w in tables
        ]
        part = [
            FullCategoricalDensity(alpha=0).fit(all_states([2] * 3)[:, :2], sample_weight=w)
            for w in tables
        ]
        assert divergence(*part) <= divergence(*whole) + 1e-12, seed


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_disjoint_densities_have_the_largest_divergence(divergence):
    expected = {
        kullback_leibler: math.inf,
        jensen_shannon: math.log(2),
        total_variation: 1.0,
        hellinger: 1.0,
        chi_square: math.inf,
    }[divergence]
    for n_columns in (2, 40):
        ones, zeros = np.ones((3, n_columns), int), np.zeros((3, n_columns), int)
        for family in (
            BernoulliIndependentDensity(alpha=0),
            MarkovChainImageDensity(alpha=0, n_categories=2),
            ChowLiuTreeDensity(alpha=0, n_categories=2),
            FullCategoricalDensity(alpha=0, n_categories=2),
        ):
            p, q = (type(family)(**family.get_params()).fit(X) for X in (ones, zeros))
            assert divergence(p, q, random_state=0) == pytest.approx(expected)


# ---------------------------------------------------------------------- estimates
@pytest.mark.parametrize("divergence", DIVERGENCES)
@pytest.mark.parametrize("seed", range(3))
def test_estimates_are_within_their_standard_errors(divergence, seed):
    X, Y = rows_for(6, 2, seed, 100), rows_for(6, 2, seed + 50, 100)
    for p, q in [
        (ChowLiuTreeDensity().fit(X), BernoulliIndependentDensity().fit(Y)),
        (MarkovChainImageDensity(2).fit(X), FullCategoricalDensity(alpha=20).fit(X)),
    ]:
        exact = divergence(p, q)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_compute, "EXACT", ())
            estimate, std = divergence(p, q, n_samples=20_001, random_state=seed, return_std=True)
            again = divergence(p, q, n_samples=20_001, random_state=seed)
        assert 0 < std < 0.2 * max(exact, 0.1)
        assert abs(estimate - exact) < 5 * std
        assert again == estimate


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_estimates_handle_equal_and_incompatible_densities(divergence):
    p = MixtureDensity(GaussianDensity(), random_state=0).fit(
        np.random.default_rng(0).normal(size=(50, 2))
    )
    assert divergence(p, p, random_state=0, return_std=True) == (0.0, 0.0)
    ones = MixtureDensity(BernoulliIndependentDensity(alpha=0), random_state=0).fit(
        np.eye(30, dtype=int)
    )
    every = MixtureDensity(BernoulliIndependentDensity(), random_state=0).fit(
        1 - np.eye(30, dtype=int)
    )
    sure = MixtureDensity(BernoulliIndependentDensity(alpha=0), random_state=0).fit(
        np.zeros((5, 30), dtype=int)
    )
    value, std = divergence(every, sure, random_state=0, return_std=True)
    assert value == math.inf if divergence in (kullback_leibler, chi_square) else 0 < value <= 1
    assert std >= 0
    assert divergence(ones, sure, random_state=0) > 0


def test_estimates_handle_densities_hundreds_of_nats_apart():
    rng = np.random.default_rng(0)
    mixtures = [
        MixtureDensity(GaussianDensity("diag"), random_state=0).fit(rng.normal(shift, 1, (80, 200)))
        for shift in (0.0, 3.0)
    ]
    value, std = kullback_leibler(*mixtures, random_state=0, return_std=True)
    assert 800 < value < 2500
    assert 0 < std < 0.05 * value
    assert chi_square(*mixtures, random_state=0) > 1e100
    assert total_variation(*mixtures, random_state=0) == pytest.approx(1)


def test_many_states_are_estimated_and_few_are_enumerated_in_blocks(monkeypatch):
    X, Y = rows_for(30, 2, 0, 200), rows_for(30, 2, 1, 200)
    p, q = MarkovChainImageDensity(2).fit(X), ChowLiuTreeDensity().fit(Y)
    value, std = jensen_shannon(p, q, random_state=0, return_std=True)
    assert 0 < std < value < np.log(2)
    small = MarkovChainImageDensity(2).fit(X[:, :5]), ChowLiuTreeDensity().fit(Y[:, :5])
    exact = jensen_shannon(*small)
    monkeypatch.setattr(_states, "BLOCK_STATES", 3)
    assert jensen_shannon(*small) == pytest.approx(exact)


# ---------------------------------------------------------------------- invalid input
def test_densities_that_cannot_be_compared_are_refused():
    binary = BernoulliIndependentDensity().fit([[0, 1], [1, 0]])
    normal = GaussianDensity().fit([[0.0, 1.0], [1.0, 0.5]])
    for divergence in DIVERGENCES:
        with pytest.raises(NotFittedError):
            divergence(binary, BernoulliIndependentDensity())
        with pytest.raises(ValueError, match="p must be a fitted density of skdgm"):
            divergence([[0, 1]], binary)
        with pytest.raises(ValueError, match="same columns, but p has 2 and q has 1"):
            divergence(binary, BernoulliIndependentDensity().fit([[0], [1]]))
        with pytest.raises(ValueError, match="p is discrete and q is continuous"):
            divergence(binary, normal)
        for n_samples in (0, 3, 10.0, True):
            with pytest.raises(ValueError, match="n_samples must be an integer of 4 or more"):
                divergence(binary, binary, n_samples=n_samples)
        with pytest.raises(ValueError, match="random_state must be"):
            divergence(binary, binary, random_state="seed")


def test_column_names_must_agree():
    frame = pd.DataFrame({"a": [0, 1, 1], "b": [1, 0, 1]})
    p, q = BernoulliIndependentDensity().fit(frame), ChowLiuTreeDensity().fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kullback_leibler(p, q) > 0
        assert jensen_shannon(p, q) > 0
        assert log_likelihood_gap(frame, p) > 0
    with pytest.raises(ValueError, match="column 0 is 'a' in p and 'b' in q"):
        kullback_leibler(p, BernoulliIndependentDensity().fit(frame[["b", "a"]]))
