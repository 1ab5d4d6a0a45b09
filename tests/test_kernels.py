"""Each kernel against a short NumPy reference on random input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdgm._codes import readonly
from skdgm._kernels import bernoulli, markov_chain

SIZES = {"seed": st.integers(0, 2**16), "n_rows": st.integers(1, 600), "n": st.integers(1, 9)}


def binary(seed, n_rows, n):
    return readonly(np.random.default_rng(seed).integers(0, 2, size=(n_rows, n), dtype=np.uint8))


@settings(max_examples=30)
@given(**SIZES)
def test_bernoulli(seed, n_rows, n):
    rng = np.random.default_rng(seed)
    codes, weight = binary(seed, n_rows, n), rng.random(n_rows)
    ones = np.zeros(n, dtype=np.int64)
    bernoulli.count_ones(codes, ones)
    assert_array_equal(ones, codes.sum(axis=0))
    weighted = np.zeros(n)
    bernoulli.add_weighted_ones(codes, readonly(weight), weighted)
    assert_allclose(weighted, weight @ codes)
    zero, one = -rng.random(n), -rng.random(n)
    out = np.empty(n_rows)
    bernoulli.log_prob(codes, readonly(zero), readonly(one), out)
    assert_allclose(out, np.where(codes == 1, one, zero).sum(axis=1))
    uniform, probability = rng.random((n_rows, n)), rng.random(n)
    drawn = np.empty((n_rows, n), dtype=np.uint8)
    bernoulli.threshold(readonly(uniform), readonly(probability), drawn)
    assert_array_equal(drawn, uniform < probability)


@settings(max_examples=30)
@given(**SIZES)
def test_binary_pairs(seed, n_rows, n):
    codes = binary(seed, n_rows, n)
    ones, both = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    markov_chain.count_binary_pairs(codes, ones, both)
    assert_array_equal(ones, codes.sum(axis=0))
    assert_array_equal(both[1:], (codes[:, 1:] * codes[:, :-1]).sum(axis=0))


def contexts(codes, order, K):
    """The context of every cell, as the kernels number them."""
    numbers = np.zeros(codes.shape, dtype=np.int64)
    for i in range(codes.shape[1]):
        before = codes[:, max(0, i - order) : i].astype(np.int64)
        numbers[:, i] = before @ K ** np.arange(before.shape[1] - 1, -1, -1)
    return numbers


@settings(max_examples=60)
@given(**SIZES, K=st.integers(1, 4), order=st.integers(0, 3), common=st.booleans())
def test_windows(seed, n_rows, n, K, order, common):
    rng = np.random.default_rng(seed)
    codes = readonly(rng.integers(0, K, size=(n_rows, n), dtype=np.uint8))
    table = readonly(np.minimum(np.arange(n), order) if common else np.arange(n))
    shape = (table[-1] + 1, K**order, K)
    context = contexts(codes, order, K)
    weight = rng.random(n_rows)
    counts, expected = np.zeros(shape), np.zeros(shape)
    markov_chain.add_windows(codes, readonly(weight), table, order, counts)
    np.add.at(expected, (table, context, codes), weight[:, np.newaxis])
    assert_allclose(counts, expected)

    log_prob, out = -rng.random(shape), np.empty(n_rows)
    markov_chain.log_prob_windows(codes, table, order, readonly(log_prob), out)
    assert_allclose(out, log_prob[table, context, codes].sum(axis=1))
    if order == 1:
        markov_chain.log_prob_first_order(codes, table, readonly(log_prob), out)
        assert_allclose(out, log_prob[table, context, codes].sum(axis=1))

    probability = rng.random(shape) * (rng.random(shape) < 0.7)
    probability[:, :, rng.integers(K)] += 0.1
    cumulative = np.cumsum(probability, axis=2)
    cumulative /= cumulative[:, :, -1:]
    uniform = rng.random((n_rows, n))
    drawn = np.empty((n_rows, n), dtype=np.uint8)
    markov_chain.draw(readonly(uniform), table, order, readonly(cumulative), drawn)
    chosen = cumulative[table, contexts(drawn, order, K)]
    assert_array_equal(drawn, (chosen <= uniform[:, :, np.newaxis]).sum(axis=2))
    if K == 2:
        again = np.empty((n_rows, n), dtype=np.uint8)
        zero = readonly(cumulative[:, :, 0])
        markov_chain.draw_binary(readonly(uniform), table, order, zero, again)
        assert_array_equal(again, drawn)


def test_impossible_values_are_never_drawn():
    cumulative = np.array([[[0.0, 0.3, 0.3, 1.0, 1.0]]])  # only the values 1 and 3 are possible
    uniform = np.array([[0.0], [0.2999], [0.3], [np.nextafter(1, 0)]])
    drawn = np.empty((4, 1), dtype=np.uint8)
    table = readonly(np.zeros(1, dtype=np.int64))
    markov_chain.draw(readonly(uniform), table, 0, readonly(cumulative), drawn)
    assert_array_equal(drawn.ravel(), [1, 1, 3, 3])


@pytest.mark.parametrize("kernel", ["count_ones", "log_prob"])
def test_a_kernel_compiles_once_for_writable_and_mapped_arrays(kernel, tmp_path):
    from skdgm import BernoulliIndependentDensity

    X = np.random.default_rng(0).integers(0, 2, size=(20, 3), dtype=np.uint8)
    np.save(tmp_path / "X.npy", X)
    for table in (X, X.astype(bool), np.asfortranarray(X), np.load(tmp_path / "X.npy", "r")):
        BernoulliIndependentDensity().fit(table).score_samples(table)
    assert len(getattr(bernoulli, kernel).signatures) == 1
