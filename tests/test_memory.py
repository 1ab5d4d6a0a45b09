"""Memory: what calls take, and that what cannot fit is refused in words."""

import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone

from skdgm import GenerativeClassifier, MarkovChainImageDensity, MixtureDensity

from .rows import hide


def most_memory(function, *arguments):
    """Return the largest number of bytes that a call holds at once."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


INDEPENDENT = [
    MarkovChainImageDensity(0, n_categories=20_000),
    MarkovChainImageDensity(0, homogeneous=True, n_categories=20_000),
    MixtureDensity(
        MarkovChainImageDensity(0, n_categories=20_000), max_iter=2, tol=1.0, random_state=0
    ),
    GenerativeClassifier(MarkovChainImageDensity(0, n_categories=20_000)),
]


@pytest.mark.parametrize("estimator", INDEPENDENT, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_independent_columns_take_memory_for_their_categories_only(estimator, share):
    n_categories, n_columns = 20_000, 3
    X = np.random.default_rng(0).integers(0, n_categories, (100, n_columns)).astype(float)
    X[0] = n_categories - 1
    X, few = hide(X, share), hide(X[1:20], 0.3)
    X[0] = n_categories - 1
    y = np.arange(100) % 2
    fitted = clone(estimator).fit(X, y)
    calls = [(clone(estimator).fit, X, y), (fitted.score_samples, X), (fitted.score_samples, few)]
    if hasattr(fitted, "conditional_mean"):
        calls += [(getattr(fitted, f"conditional_{name}"), few) for name in ("mean", "sample")]
        calls += [(fitted.sample, 20)]
    for call in calls:
        assert most_memory(*call) < 40 * 8 * n_categories * n_columns, call
