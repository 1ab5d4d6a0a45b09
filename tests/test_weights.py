"""Weights of any size, and of zero for whole classes."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone

from .estimators import ADDITIVE_CASES, FAMILY_CASES, cases, few_steps


def takes_fractions(case):
    """True if the density takes weights that repeat no whole number of rows."""
    return case.name != "transformed-power"


@pytest.fixture(autouse=True)
def no_runtime_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        yield


@cases(FAMILY_CASES)
def test_weights_that_may_overflow_are_refused(case):
    X = case.data(40)
    for weight in (1.7e307, 1e101, 1e-101, 5e-324):
        with pytest.raises(ValueError, match=r"largest weight .*; divide the weights"):
            clone(case.density).fit(X, sample_weight=np.full(len(X), weight))


@cases([case for case in FAMILY_CASES if takes_fractions(case)])
def test_weights_of_any_accepted_size_give_scores(case):
    """Rows far lighter than the heaviest may come out as impossible, but nothing is NaN."""
    rng = np.random.default_rng(0)
    for X in (case.data(30), case.incomplete_data(30)):
        for weight in (np.full(30, 1e100), np.full(30, 1e-100), 10.0 ** rng.uniform(-15, 0, 30)):
            log_prob = few_steps(case.density).fit(X, sample_weight=weight).score_samples(X)
            assert not np.isnan(log_prob).any()
            assert (log_prob < np.inf).all()


@cases([case for case in FAMILY_CASES if case in ADDITIVE_CASES])
def test_batches_of_tiny_and_huge_weights_give_scores(case):
    X = case.data(40)
    for weights in ((1e-100, 1e100), (1e100, 1e-100)):
        density = clone(case.density)
        for rows, weight in zip((slice(20), slice(20, 40)), weights, strict=True):
            density.partial_fit(X[rows], sample_weight=np.full(20, weight))
        log_prob = density.score_samples(X)
        assert not np.isnan(log_prob).any()
        assert (log_prob < np.inf).all()


@cases(FAMILY_CASES)
def test_rows_of_next_to_no_weight_count_as_left_out(case):
    X, weight = case.data(40), np.ones(40)
    weight[30:] = 1e-101
    light = few_steps(case.density).fit(X, sample_weight=weight)
    without = few_steps(case.density).fit(X[:30], sample_weight=weight[:30])
    np.testing.assert_array_equal(light.score_samples(X[:30]), without.score_samples(X[:30]))
