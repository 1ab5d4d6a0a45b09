"""Answers do not depend on how wide the codes of the other rows of a query are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from skdgm import (
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)

from .rows import hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

N_CATEGORIES = 300  # more than a byte holds
DENSITIES = [
    MarkovChainImageDensity(order=0, n_categories=N_CATEGORIES),
    MarkovChainImageDensity(order=1, n_categories=N_CATEGORIES, alpha=0.1),
    ChowLiuTreeDensity(N_CATEGORIES),
    FullCategoricalDensity(n_categories=N_CATEGORIES),
    HiddenChowLiuTreeDensity(4, n_categories=N_CATEGORIES, max_iter=2, random_state=0),
    ChainRuleDensity(DecisionTreeClassifier(random_state=0), 1, n_categories=N_CATEGORIES),
    MixtureDensity(
        MarkovChainImageDensity(order=0, n_categories=N_CATEGORIES), random_state=0, max_iter=3
    ),
    ColumnDensity(
        [
            ("chain", MarkovChainImageDensity(order=0, n_categories=N_CATEGORIES), [0, 2]),
            ("full", FullCategoricalDensity(n_categories=N_CATEGORIES), [1]),
        ]
    ),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("density", DENSITIES, ids=lambda density: type(density).__name__)
def test_missing_values_beside_small_and_large_categories(density):
    X = np.random.default_rng(0).integers(0, 12, size=(60, 3))
    density = clone(density).fit(X)
    Q = hide(X[:6], 0.3, 1)
    Q[0] = np.nan
    wide = np.vstack([Q, [[N_CATEGORIES - 1.0] * 3]])  # its codes take two bytes
    assert density.score_samples(Q)[0] == pytest.approx(0, abs=1e-9)
    assert_allclose(density.score_samples(Q), density.score_samples(wide)[:-1], atol=1e-9)
    for name in ("conditional_mean", "conditional_mode"):
        together = getattr(density, name)(wide)[:-1]
        assert_allclose(getattr(density, name)(Q), together, atol=1e-9)
