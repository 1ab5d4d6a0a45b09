"""Brute force, and densities to compare, for the tests of divergences."""

import itertools

import numpy as np
import pytest
from hypothesis import strategies as st

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)
from skdgm.metrics import (
    chi_square,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    total_variation,
)

DIVERGENCES = [kullback_leibler, jensen_shannon, total_variation, hellinger, chi_square]
SYMMETRIC = [jensen_shannon, total_variation, hellinger]
RECURSIVE = [kullback_leibler, hellinger, chi_square]


def brute_force(divergence, p, q):
    """Compute a divergence by its definition, from the probabilities of all states."""
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):

        def kl(a, b):
            return np.where(a > 0, a * np.log(a / b), 0.0).sum()

        return {
            kullback_leibler: lambda: kl(p, q),
            jensen_shannon: lambda: (kl(p, m) + kl(q, m)) / 2,
            total_variation: lambda: np.abs(p - q).sum() / 2,
            hellinger: lambda: np.sqrt(max(0.0, 1 - np.sqrt(p * q).sum())),
            chi_square: lambda: np.where((p > 0) | (q > 0), (p - q) ** 2 / q, 0.0).sum(),
        }[divergence]()


def all_states(n_categories):
    """List the joint states of columns with these numbers of categories."""
    return np.array(list(itertools.product(*map(range, n_categories))))


def rows_for(n_columns, n_categories, seed, n_rows=25):
    """Draw rows with dependent columns and every category in each column."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, n_categories, size=(n_rows, n_columns))
    keep = rng.random((n_rows, n_columns)) < rng.random()
    for column in range(1, n_columns):
        X[:, column] = np.where(keep[:, column], X[:, column - 1], X[:, column])
    X[:n_categories] = np.arange(n_categories)[:, np.newaxis]
    return X


def assert_matches_brute_force(divergence, p, q, states):
    """Compare a divergence, which must be exact, with its definition."""
    value, std = divergence(p, q, return_std=True)
    expected = brute_force(
        divergence, np.exp(p.score_samples(states)), np.exp(q.score_samples(states))
    )
    # A root loses half of the digits, so Hellinger distances are compared by their squares.
    power = 2 if divergence is hellinger else 1
    assert std == 0
    assert isinstance(value, float)
    assert value**power == pytest.approx(expected**power, rel=1e-10, abs=1e-10)
    assert divergence(p, q) == value


def draw_density(draw, n_columns):
    """Draw an unfitted density for so many columns."""
    alpha = draw(st.sampled_from([0.0, 0.3, 2.0]))
    kind = draw(st.sampled_from(["coins", "chain", "tree", "full", "mixture"]))
    if kind == "coins":
        return BernoulliIndependentDensity(alpha=alpha)
    if kind == "chain":
        order = draw(st.integers(0, n_columns - 1))
        scan = draw(st.permutations(range(n_columns)))
        homogeneous = draw(st.booleans())
        return MarkovChainImageDensity(order, alpha=alpha, scan=scan, homogeneous=homogeneous)
    if kind == "tree":
        return ChowLiuTreeDensity(alpha=alpha)
    if kind == "full":
        return FullCategoricalDensity(alpha=alpha)
    return MixtureDensity(MarkovChainImageDensity(0), max_iter=500, random_state=0)


@st.composite
def discrete_pairs(draw):
    """Draw two fitted densities of the same columns, and all states of these."""
    n_columns = draw(st.integers(1, 4))
    n_categories = draw(st.integers(2, 3))
    pair = []
    for _ in range(2):
        X = rows_for(n_columns, n_categories, draw(st.integers(0, 10**6)))
        density = draw_density(draw, n_columns)
        if isinstance(density, BernoulliIndependentDensity):
            n_categories, X = 2, np.minimum(X, 1)
        pair.append((density, X))
    pair = [(density, np.minimum(X, n_categories - 1)) for density, X in pair]
    return [density.fit(X) for density, X in pair], all_states([n_categories] * n_columns)


def gaussian(n_columns, seed, kind="full", spread=0.3, n_rows=50):
    """Fit a normal distribution to random rows, near the standard normal for a small spread."""
    rng = np.random.default_rng(seed)
    mixing = np.eye(n_columns) + spread * rng.normal(size=(n_columns, n_columns))
    X = rng.normal(size=(n_rows, n_columns)) @ mixing + spread * rng.normal(size=n_columns)
    return GaussianDensity(kind).fit(X)
