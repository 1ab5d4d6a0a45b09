"""The maximum mean discrepancy between two samples."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics.pairwise import pairwise_kernels

from skdgm.metrics import (
    _two_samples,
    maximum_mean_discrepancy,
)


def direct_mmd(X, Y, **kernel):
    """Compute equation 3 of Gretton et al. (2012) by its sums."""
    xx, yy, xy = (pairwise_kernels(*pair, **kernel) for pair in ((X, X), (Y, Y), (X, Y)))
    n, m = len(X), len(Y)
    within_x = (xx.sum() - np.trace(xx)) / (n * (n - 1))
    within_y = (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return within_x + within_y - 2 * xy.mean()


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "linear", "poly", "cosine", np.dot])
def test_discrepancy_matches_its_definition(kernel, monkeypatch):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(13, 3)), rng.normal(0.5, 1, size=(8, 3))
    parameters = {"gamma": 0.7} if kernel in ("rbf", "laplacian", "poly") else {}
    expected = direct_mmd(X, Y, metric=kernel, **parameters)
    assert maximum_mean_discrepancy(X, Y, kernel=kernel, **parameters) == pytest.approx(expected)
    assert maximum_mean_discrepancy(Y, X, kernel=kernel, **parameters) == pytest.approx(expected)
    whole = maximum_mean_discrepancy(X, Y, kernel=kernel, n_permutations=20, random_state=0)
    monkeypatch.setattr(_two_samples, "BLOCK_CELLS", 50)
    blocks = maximum_mean_discrepancy(X, Y, kernel=kernel, n_permutations=20, random_state=0)
    assert blocks == pytest.approx(whole)


def test_default_gamma_is_the_median_heuristic():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 2)), rng.normal(size=(30, 2))
    rows = np.concatenate([X, Y])
    apart = np.linalg.norm(rows[:, np.newaxis] - rows, axis=2)[np.triu_indices(50, 1)]
    gamma = 1 / (2 * np.median(apart) ** 2)
    assert maximum_mean_discrepancy(X, Y) == pytest.approx(
        direct_mmd(X, Y, gamma=gamma, metric="rbf")
    )
    scaled = maximum_mean_discrepancy(1000 * X, 1000 * Y)
    assert scaled == pytest.approx(maximum_mean_discrepancy(X, Y))
    assert maximum_mean_discrepancy(np.ones((4, 2)), np.ones((3, 2))) == pytest.approx(0)
    mostly_equal = np.zeros((10, 1))
    mostly_equal[0] = 3
    assert np.isfinite(maximum_mean_discrepancy(mostly_equal, mostly_equal))
    large = rng.normal(size=(1500, 1))
    assert maximum_mean_discrepancy(large, large + 3) > 0.5


def test_equal_distributions_have_zero_mean_and_uniform_p_values():
    rng = np.random.default_rng(0)
    results = np.array(
        [
            maximum_mean_discrepancy(
                rng.normal(size=(12, 2)),
                rng.normal(size=(15, 2)),
                n_permutations=39,
                random_state=seed,
            )
            for seed in range(300)
        ]
    )
    values, p_values = results.T
    assert abs(values.mean()) < 4 * stats.sem(values)
    assert (values < 0).any()
    assert set(np.round(p_values * 40, 8)) <= set(range(1, 41))
    jittered = p_values - rng.random(300) / 40  # exactly uniform on (0, 1) in theory
    assert stats.kstest(jittered, "uniform").pvalue > 0.001


def test_different_distributions_are_told_apart():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(100, 2)), rng.normal(size=(100, 2))
    Y[:, 1] = 0.9 * Y[:, 0] + np.sqrt(1 - 0.81) * Y[:, 1]  # equal marginals
    value, p_value = maximum_mean_discrepancy(X, Y, n_permutations=99, random_state=0)
    assert value > 0
    assert p_value <= 0.02
    again = maximum_mean_discrepancy(X, Y, n_permutations=99, random_state=0)
    assert again == (value, p_value)
    assert maximum_mean_discrepancy(X, Y) == pytest.approx(value)


def test_equal_splits_count_as_at_least_as_large():
    X = np.ones((5, 1))
    assert maximum_mean_discrepancy(X, X, n_permutations=9, random_state=0)[1] == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": "unknown"}, "kernel must be a function of two rows or one of"),
        ({"gamma": 0}, "gamma must be a number above 0"),
        ({"gamma": "scale"}, "gamma must be a number above 0"),
        ({"n_permutations": -1}, "n_permutations must be 0 or a larger integer"),
        ({"n_permutations": 1.5}, "n_permutations must be 0 or a larger integer"),
        ({"Y": np.ones((3, 1))}, "X and Y must have the same columns, but X has 2 and Y has 1"),
        ({"Y": np.ones((1, 2))}, "minimum of 2 is required"),
        ({"X": np.full((3, 2), np.nan)}, "Input X contains NaN"),
        ({"random_state": -1}, "random_state must be 0 or a larger integer"),
    ],
)
def test_invalid_arguments_are_refused(change, message):
    arguments = {"X": np.ones((3, 2)), "Y": np.zeros((3, 2)), **change}
    with pytest.raises(ValueError, match=message):
        maximum_mean_discrepancy(arguments.pop("X"), arguments.pop("Y"), **arguments)
