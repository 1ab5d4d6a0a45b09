"""Rows with missing values, the states that they allow, and how often states are drawn."""

import itertools

import numpy as np
from scipy import stats


def hide(X, share, seed=0):
    """X as floats, with a share of its values missing completely at random."""
    X = np.asarray(X, dtype=float)
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def all_states(n_categories):
    """Every row of columns that have these numbers of categories."""
    return np.array(list(itertools.product(*map(range, n_categories))))


def agreement(states, X):
    """True where a row of X (first axis) allows a state (second axis)."""
    X = np.asarray(X)[:, np.newaxis]
    return np.all((states == X) | np.isnan(X), axis=2)


def assert_drawn_from(probability, count):
    """Assert by a chi-square test that states were counted as often as they are probable.

    States too rare for the test are taken together.
    """
    assert (count[probability == 0] == 0).all()
    expected = count.sum() * probability / probability.sum()
    rare = expected < 5
    observed = np.append(count[~rare], count[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    if expected[-1] < 5:  # also together
        observed, expected = (
            np.append(cells[:-2], cells[-2:].sum()) for cells in (observed, expected)
        )
    assert len(expected) == 1 or stats.chisquare(observed, expected).pvalue > 1e-4
