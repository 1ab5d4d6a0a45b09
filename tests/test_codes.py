"""Codes, keys and weighted states, against NumPy on random input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdgm._codes import as_binary_codes, as_codes, bits_for, pack, unpack
from skdgm.density._engine.weighted_states import WeightedStates

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


def random_codes(seed, n_rows, width, K):
    dtype = np.uint8 if K <= 256 else np.uint16
    return np.random.default_rng(seed).integers(0, K, size=(n_rows, width)).astype(dtype)


SIZES = {
    "seed": st.integers(0, 2**16),
    "n_rows": st.integers(1, 40),
    "width": st.integers(0, 90),
    "K": st.sampled_from([1, 2, 3, 5, 16, 17, 200, 256, 257, 65535]),
}


@settings(max_examples=150)
@given(**SIZES)
def test_keys_unpack_to_their_rows_and_sort_as_they_do(seed, n_rows, width, K):
    codes = random_codes(seed, n_rows, width, K)
    keys = pack(codes, bits_for(K))
    assert_array_equal(unpack(keys, width, bits_for(K)), codes)
    rows = sorted(map(tuple, codes.tolist()))
    assert_array_equal(codes[np.argsort(keys)].tolist(), [list(row) for row in rows])


@settings(max_examples=100)
@given(**SIZES, weighted=st.booleans(), more=st.integers(0, 300))
def test_weighted_states_are_counted_added_and_found(seed, n_rows, width, K, weighted, more):
    codes = (
        random_codes(seed, n_rows, width, min(K, 4)) if width else random_codes(seed, n_rows, 0, 1)
    )
    weight = np.random.default_rng(seed).random(n_rows) + 0.1 if weighted else None
    ones = np.ones(n_rows)
    states = WeightedStates.count(codes, weight, K if K >= 4 else 4)
    expected = {}
    for row, w in zip(map(tuple, codes.tolist()), ones if weight is None else weight, strict=True):
        expected[row] = expected.get(row, 0) + w
    assert [tuple(row) for row in states.codes().tolist()] == sorted(expected)
    assert_allclose(states.weight, [expected[row] for row in sorted(expected)])
    cut = n_rows // 2
    added = WeightedStates.count(
        codes[cut:], None if weight is None else weight[cut:], states.n_categories + more
    )
    if cut:
        added = added + WeightedStates.count(
            codes[:cut], None if weight is None else weight[:cut], states.n_categories
        )
    assert_array_equal(added.codes(), states.codes())
    assert_allclose(added.weight, states.weight)
    if width:
        query = random_codes(seed + 1, 50, width, 4)
        index = states.find(query)
        for row, place in zip(map(tuple, query.tolist()), index, strict=True):
            assert (place >= 0) == (row in expected)
            if place >= 0:
                assert tuple(states.codes()[place].tolist()) == row


def test_states_are_found_among_many():
    codes = random_codes(0, 200_000, 3, 256)
    states = WeightedStates.count(codes, None, 256)
    assert len(states) > 2**16
    assert_array_equal(states.codes()[states.find(codes)], codes)
    assert (states.find(np.full((2, 3), 7, dtype=np.uint8)) < len(states)).all()


@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_binary_codes_pass_without_a_copy(dtype):
    X = np.random.default_rng(0).integers(0, 2, size=(6, 5)).astype(dtype)
    assert np.shares_memory(as_codes(X), X)
    assert np.shares_memory(as_binary_codes(X, 0.0), X)
    assert np.shares_memory(as_binary_codes(X, None), X)


def test_codes_are_as_small_as_they_can_be():
    for high, dtype in [(1, np.uint8), (254, np.uint8), (255, np.uint16), (65534, np.uint16)]:
        codes = as_codes(np.array([[0, high]]))
        assert codes.dtype == dtype
        assert not codes.flags.writeable
        assert codes.flags.c_contiguous
    assert as_codes(np.array([[255]], dtype=np.uint8)).dtype == np.uint16  # 255 means missing
    assert as_codes(np.array([[3]], dtype=np.float16)) == 3  # which does not hold 65,534
