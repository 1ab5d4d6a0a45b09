"""Each kernel against a short NumPy reference on random input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdgm._codes import readonly
from skdgm._kernels import bernoulli, markov_chain
from skdgm._kernels import markov_chain_missing as chain_missing
from skdgm._kernels import markov_chain_trellis as trellis
from skdgm._kernels.markov_chain_trellis import TrellisArrays

from .rounding import assert_equal_to_rounding

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

SIZES = {"seed": st.integers(0, 2**16), "n_rows": st.integers(1, 600), "n": st.integers(1, 9)}


def binary(seed, n_rows, n):
    return readonly(np.random.default_rng(seed).integers(0, 2, size=(n_rows, n), dtype=np.uint8))


@settings(max_examples=30)
@given(**SIZES)
def test_bernoulli_kernels_agree_with_numpy(seed, n_rows, n):
    rng = np.random.default_rng(seed)
    codes, weight = binary(seed, n_rows, n), rng.random(n_rows)
    ones = np.zeros(n, dtype=np.int64)
    bernoulli.count_values(codes, 255, np.zeros(n, dtype=np.int64), ones)
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
def test_binary_pairs_are_counted(seed, n_rows, n):
    codes = binary(seed, n_rows, n)
    ones, both = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    markov_chain.count_binary_pairs(codes, ones, both)
    assert_array_equal(ones, codes.sum(axis=0))
    assert_array_equal(both[1:], (codes[:, 1:] * codes[:, :-1]).sum(axis=0))


def contexts(codes, order, K):
    """Number of the context of every value, as the kernels count."""
    numbers = np.zeros(codes.shape, dtype=np.int64)
    for i in range(codes.shape[1]):
        before = codes[:, max(0, i - order) : i].astype(np.int64)
        numbers[:, i] = before @ K ** np.arange(before.shape[1] - 1, -1, -1)
    return numbers


@settings(max_examples=60)
@given(**SIZES, K=st.integers(1, 4), order=st.integers(0, 3), common=st.booleans())
def test_window_kernels_agree_with_numpy(seed, n_rows, n, K, order, common):
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
    if order <= 1:
        names = "log_prob_independent", "log_prob_first_order"
        getattr(markov_chain, names[order])(codes, table, readonly(log_prob), out)
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


@pytest.mark.parametrize("kernel", ["count_values", "log_prob"])
def test_a_kernel_compiles_once_for_writable_and_mapped_arrays(kernel, tmp_path):
    from skdgm import BernoulliIndependentDensity

    X = np.random.default_rng(0).integers(0, 2, size=(20, 3), dtype=np.uint8)
    np.save(tmp_path / "X.npy", X)
    for table in (X, X.astype(bool), np.asfortranarray(X), np.load(tmp_path / "X.npy", "r")):
        BernoulliIndependentDensity().fit(table).score_samples(table)
    assert len(getattr(bernoulli, kernel).signatures) == 1


# ---------------------------------------------------------------------- missing values of a chain
def enumerated_completions(row, K, missing, probability):
    """Missing columns of the row, its completions, and the probability of each."""
    unknown = np.flatnonzero(row == missing)
    rows = np.repeat(row[np.newaxis], K ** len(unknown), axis=0)
    rows[:, unknown] = np.indices((K,) * len(unknown)).reshape(len(unknown), len(rows)).T
    return unknown, rows, probability(rows)


def drawn_in_turn(unknown, rows, joint, uniform):
    """Completion that the uniform numbers choose, one missing value after the other."""
    for i in unknown:
        values, place = np.unique(rows[:, i], return_inverse=True)
        share = np.bincount(place.ravel(), joint)
        chosen = values[np.searchsorted(np.cumsum(share), uniform[i] * share.sum(), side="right")]
        joint, rows = joint[rows[:, i] == chosen], rows[rows[:, i] == chosen]
    return rows[0]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    n=st.integers(1, 6),
    K=st.integers(1, 3),
    order=st.integers(1, 4),
    common=st.booleans(),
)
def test_window_kernels_with_missing_values_agree_with_enumeration(seed, n, K, order, common):
    rng = np.random.default_rng(seed)
    missing, n_rows = 255, 4
    table = readonly(np.minimum(np.arange(n), order) if common else np.arange(n))
    probability = rng.random((table[-1] + 1, K**order, K)) + 0.01
    probability = readonly(probability / probability.sum(axis=2, keepdims=True))
    codes = rng.integers(0, K, size=(n_rows, n), dtype=np.uint8)
    codes[rng.random((n_rows, n)) < rng.random()] = missing
    weight, uniform = rng.random(n_rows), rng.random((n_rows, n))

    def joint_of(rows):
        return probability[table, contexts(rows, order, K), rows].prod(axis=1)

    log_probability = readonly(np.log(probability))
    codes[-1] = codes[0]  # segments with equal values share their messages
    cells, worth = codes == missing, readonly(rng.normal(size=K))
    mean, drawn, mode = worth[np.where(cells, 0, codes)], codes.copy(), codes.copy()
    observed, expected = np.zeros(probability.shape), np.zeros(probability.shape)
    log_prob, again, no_tables = np.zeros(n_rows), np.zeros(n_rows), np.empty((0, 0, 0))
    segments, most, _ = chain_missing.find_segments(readonly(codes), missing, order, K)
    keys = chain_missing.CONTEXT, chain_missing.HASH, chain_missing.BEGIN
    segments = readonly(segments[np.lexsort([segments[:, key] for key in keys])])

    def answer(task, terms, values, counts, out):
        chain_missing.answer(
            task, segments, most, readonly(codes), missing, table, order, terms, worth,
            readonly(weight), values, counts, out,
        )  # fmt: skip

    visit = readonly(codes), missing, readonly(weight), table, order, log_probability
    chain_missing.add_observed_windows(*visit, observed, log_prob)
    chain_missing.add_observed_windows(*visit, no_tables, again)
    answer(chain_missing.LOG_PROB, probability, np.empty(0), no_tables, log_prob)
    answer(chain_missing.COUNT, probability, np.empty(cells.sum()), expected, again)
    expected += observed
    for task, terms, filled, values in [
        (chain_missing.MEAN, probability, mean, np.empty(cells.sum())),
        (chain_missing.DRAW, probability, drawn, uniform[cells]),
        (chain_missing.MODE, log_probability, mode, np.empty(cells.sum())),
    ]:
        answer(task, terms, values, no_tables, np.empty(0))
        filled[cells] = values
    assert_equal_to_rounding(again, log_prob)
    for r in range(n_rows):
        unknown, rows, joint = enumerated_completions(codes[r], K, missing, joint_of)
        assert_allclose(log_prob[r], np.log(joint.sum()), atol=1e-12)
        assert_allclose(mean[r], joint / joint.sum() @ worth[rows])
        assert_allclose(joint_of(mode[r : r + 1]), joint.max())
        assert_array_equal(drawn[r], drawn_in_turn(unknown, rows, joint, uniform[r]))
        posterior = weight[r] * joint[:, np.newaxis] / joint.sum()
        np.subtract.at(expected, (table, contexts(rows, order, K), rows), posterior)
        for i in range(n):
            if not np.isin(np.arange(max(0, i - order), i + 1), unknown).any():
                observed[table[i], contexts(rows, order, K)[0, i], rows[0, i]] -= weight[r]
    assert_allclose(expected, 0, atol=1e-12)
    assert_allclose(observed, 0, atol=1e-12)


def random_trellis(rng, n, K):
    """A trellis of K columns per position, and the probabilities of its states."""
    sizes = np.append(rng.integers(1, 5, size=n), 1)
    first = np.cumsum(np.append(0, sizes))
    even = rng.random(first[-1]) * (rng.random(first[-1]) < 0.6)
    extra = rng.random((first[-1], K)) * (rng.random((first[-1], K)) < 0.5)
    extra[:, 0] += 0.1
    run_end = np.cumsum(np.count_nonzero(extra, axis=1))
    row = np.repeat(2 * np.arange(n + 1), sizes) + rng.integers(0, 2, size=first[-1])
    child = [rng.integers(0, size, size=(2, K), dtype=np.int32) for size in sizes[1:]]
    arrays = TrellisArrays(
        state_start=first,
        width=np.full(n, K),
        row=row,
        child_first=np.arange(2 * n) * K,
        child=np.concatenate(child).ravel(),
        even=even,
        run_start=np.append(0, run_end[:-1]),
        run_end=run_end,
        run_column=np.nonzero(extra)[1].astype(np.int32),
        run_weight=extra[extra > 0],
    )
    return TrellisArrays(*map(readonly, arrays)), even[:, np.newaxis] + extra


@settings(max_examples=60)
@given(seed=st.integers(0, 2**16), n=st.integers(1, 6), K=st.integers(1, 3))
def test_trellis_kernels_agree_with_enumeration(seed, n, K):
    rng = np.random.default_rng(seed)
    arrays, probability = random_trellis(rng, n, K)
    n_rows, n_states = 4, len(arrays.row)
    columns = rng.integers(0, K, size=(n_rows, n), dtype=np.int32)
    columns[rng.random((n_rows, n)) < rng.random()] = -1
    columns[0] = -1
    weight, uniform = rng.random(n_rows), rng.random((n_rows, n))
    cells = np.arange(n_states) * K

    def states_of(row):
        states = [arrays.state_start[1] - 1]
        for i, column in enumerate(row):
            child = arrays.child[arrays.child_first[arrays.row[states[-1]]] + column]
            states.append(arrays.state_start[i + 1] + child)
        return np.array(states[:-1])

    def joint_of(rows):
        return np.array([probability[states_of(row), row].prod() for row in rows])

    # Columns that follow the last observed one are taken to be certain, so make them sum to one.
    probability /= probability.sum(axis=1, keepdims=True)
    arrays = normalised(arrays, probability)
    log_prob, again, mean = np.empty(n_rows), np.empty(n_rows), np.empty((n_rows, n))
    drawn, mode, expected = columns.copy(), columns.copy(), np.zeros(n_states * K)
    trellis.log_prob(arrays, columns, log_prob)
    possible = log_prob > -np.inf
    trellis.draw(uniform, arrays, drawn)
    trellis.fill_mode(arrays, mode)
    worth = readonly(rng.normal(size=K))
    trellis.add_posterior(arrays, columns, readonly(weight), worth, cells, expected, mean, again)
    assert_allclose(again, log_prob, atol=1e-12)
    expected = expected.reshape(n_states, K)
    for r in range(n_rows):
        unknown, rows, joint = enumerated_completions(columns[r], K, -1, joint_of)
        assert_allclose(np.exp(log_prob[r]), joint.sum(), atol=1e-12)
        if not possible[r]:
            continue
        values = np.where(columns[r] < 0, worth[rows], rows)
        assert_allclose(mean[r], joint / joint.sum() @ values)
        assert_allclose(joint_of(mode[r : r + 1]), joint.max())
        assert_array_equal(drawn[r], drawn_in_turn(unknown, rows, joint, uniform[r]))
        for row, share in zip(rows, weight[r] * joint / joint.sum(), strict=True):
            np.subtract.at(expected, (states_of(row), row), share)
    assert_allclose(expected, 0, atol=1e-12)


def normalised(arrays, probability):
    """The trellis with its probabilities divided by their sum in each state."""
    n_states, K = probability.shape
    runs = np.repeat(np.arange(n_states), arrays.run_end - arrays.run_start)
    total = arrays.even * K
    np.add.at(total, runs, arrays.run_weight)
    return arrays._replace(
        even=readonly(arrays.even / total), run_weight=readonly(arrays.run_weight / total[runs])
    )
