"""MarkovChainImageDensity: its definition, other families, sparse counts, and scans."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdgm import BernoulliIndependentDensity, FullCategoricalDensity, MarkovChainImageDensity
from skdgm.density.markov_chain import _counts as _chain_counts
from skdgm.density.markov_chain import _packed

from .rows import all_states

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


def log_prob_by_definition(X_train, X, K, order, alpha, homogeneous, weight):
    """Count every window in plain Python."""
    n = X.shape[1]
    total = np.zeros(len(X))
    for row, i in itertools.product(range(len(X)), range(n)):
        m = min(i, order)
        positions = range(m, n) if homogeneous and i >= order else [i]
        seen = before = 0.0
        for j in positions:
            match = (X_train[:, j - m : j] == X[row, i - m : i]).all(axis=1)
            before += weight[match].sum()
            seen += weight[match & (X_train[:, j] == X[row, i])].sum()
        total[row] += np.log((seen + alpha) / (before + K * alpha))
    return total


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**16),
    K=st.integers(2, 4),
    n=st.integers(1, 5),
    order=st.integers(0, 4),
    homogeneous=st.booleans(),
    weighted=st.booleans(),
    sparse=st.booleans(),
)
def test_equals_its_definition(seed, K, n, order, homogeneous, weighted, sparse):
    rng = np.random.default_rng(seed)
    order = min(order, max(1, n - 1))
    X_train, X = rng.integers(0, K, size=(25, n)), rng.integers(0, K, size=(12, n))
    weight = rng.random(25) if weighted else np.ones(25)
    density = MarkovChainImageDensity(order, n_categories=K, alpha=0.3, homogeneous=homogeneous)
    with pytest.MonkeyPatch.context() as patch:
        if sparse:
            patch.setattr(_chain_counts, "DENSE_CELLS", 0)
        density.fit(X_train, sample_weight=weight if weighted else None)
    expected = log_prob_by_definition(X_train, X, K, order, 0.3, homogeneous, weight)
    assert_allclose(density.score_samples(X), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("K", [2, 3])
def test_order_0_is_independence(form, K):
    X = np.random.default_rng(0).integers(0, K, size=(40, 6))
    density = MarkovChainImageDensity(order=0, alpha=0.5).fit(X)
    share = np.stack([(k == X).sum(axis=0) + 0.5 for k in range(K)]) / (40 + K * 0.5)
    assert_allclose(density.score_samples(X), np.log(share[X, np.arange(6)]).sum(axis=1))
    if K == 2:
        coins = BernoulliIndependentDensity(alpha=0.5).fit(X)
        assert_allclose(density.score_samples(X), coins.score_samples(X))


def test_the_full_chain_rule_restricts_nothing(form):
    X = np.random.default_rng(1).integers(0, 3, size=(200, 4))
    chain = MarkovChainImageDensity(order=3, alpha=0).fit(X)
    full = FullCategoricalDensity(alpha=0).fit(X)
    assert_allclose(chain.score_samples(X), full.score_samples(X))
    assert chain.n_parameters_ == full.n_parameters_ == 3**4 - 1


@pytest.mark.parametrize("order", [0, 1, 2, 4])
@pytest.mark.parametrize("homogeneous", [False, True])
@pytest.mark.parametrize("K", [2, 4])
def test_sparse_tables_equal_dense_ones(order, homogeneous, K, monkeypatch):
    rng = np.random.default_rng(2)
    X, weight = rng.integers(0, K, size=(300, 7)), rng.random(300)
    chain = MarkovChainImageDensity(order, homogeneous=homogeneous, scan="raster")
    dense = chain.fit(X, sample_weight=weight).score_samples(X)
    drawn = chain.sample(20_000, random_state=0)
    monkeypatch.setattr(_chain_counts, "DENSE_CELLS", 0)
    assert_allclose(chain.fit(X, sample_weight=weight).score_samples(X), dense, rtol=1e-10)
    drawn_sparse = chain.sample(20_000, random_state=0)
    for value in range(K):
        assert_allclose(
            (drawn == value).mean(axis=0), (drawn_sparse == value).mean(axis=0), atol=0.02
        )
    entropy, entropy_sparse = chain.score(drawn), chain.score(drawn_sparse)
    assert_allclose(entropy, entropy_sparse, atol=0.1)


def test_sampled_frequencies_match_probabilities(form):
    X = np.random.default_rng(3).integers(0, 3, size=(30, 3))
    chain = MarkovChainImageDensity(2, alpha=0.2).fit(X)
    states = all_states((3,) * 3)
    drawn = chain.sample(60_000, random_state=0) @ [9, 3, 1]
    frequency = np.bincount(drawn, minlength=27) / 60_000
    probability = np.exp(chain.score_samples(states))
    standard_error = np.sqrt(probability * (1 - probability) / 60_000)
    assert (np.abs(frequency - probability) < 4.5 * standard_error + 1e-12).all()


def test_unseen_contexts_leave_the_uniform_distribution(form):
    for alpha in (0.0, 1.0):
        chain = MarkovChainImageDensity(1, n_categories=4, alpha=alpha).fit([[0, 1], [0, 2]])
        joint = np.exp(chain.score_samples([[3, 0], [3, 1], [3, 2], [3, 3]]))
        assert_allclose(joint, joint[0])
        assert_allclose(joint.sum(), alpha / (2 + 4 * alpha))


def test_batches_may_bring_new_categories(form):
    X = np.array([[0, 0, 1], [1, 0, 1], [3, 2, 9], [20, 0, 1]])
    for order, homogeneous in [(0, False), (1, True), (2, False)]:
        chain = MarkovChainImageDensity(order, homogeneous=homogeneous)
        whole = chain.fit(X).score_samples(X)
        chain.fit(X[:2])
        for row in X[2:]:
            chain.partial_fit(row[np.newaxis])
        assert chain.n_categories_ == 6
        assert_allclose(chain.score_samples(X), whole)


def test_growing_tables_become_sparse():
    X = np.concatenate([[[0, 1, 0], [1, 1, 0]], np.arange(900).reshape(300, 3)])
    chain = MarkovChainImageDensity(1).fit(X[:2])
    assert isinstance(chain._statistics, _chain_counts.DenseChainCounts)
    chain.partial_fit(X[2:])
    assert isinstance(chain._statistics, _chain_counts.SparseChainCounts)
    assert_allclose(chain.score_samples(X), MarkovChainImageDensity(1).fit(X).score_samples(X))


@pytest.mark.parametrize(
    ("order", "homogeneous", "K", "n", "expected"),
    [
        (0, False, 2, 784, 784),
        (1, False, 2, 784, 2 * 784 - 1),
        (783, False, 2, 784, 2**784 - 1),
        (2, False, 3, 5, 2 + 6 + 3 * 18),
        (1, True, 2, 9, 1 + 2),
        (2, True, 3, 5, 2 + 6 + 18),
        (0, True, 256, 5, 255),
    ],
)
def test_parameters_are_counted(order, homogeneous, K, n, expected):
    X = np.random.default_rng(0).integers(0, K, size=(4, n))
    chain = MarkovChainImageDensity(order, homogeneous=homogeneous, n_categories=K).fit(X)
    assert chain.n_parameters_ == expected


def test_the_memory_of_a_long_order_grows_with_the_rows_only():
    X = np.random.default_rng(0).integers(0, 2, size=(20, 784)).astype(np.uint8)
    MarkovChainImageDensity(order=12).fit(X).score_samples(X)  # compile
    tracemalloc.start()
    chain = MarkovChainImageDensity(order=12).fit(X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 784 * 2**12 * 8 / 2  # bytes: well below one cell for every possible context
    assert np.isfinite(chain.score_samples(X)).all()


def test_the_full_chain_rule_learns_whole_images():
    X = np.random.default_rng(0).integers(0, 2, size=(12, 784)).astype(np.uint8)
    chain = MarkovChainImageDensity(order=783, alpha=0).fit(np.repeat(X, 2, axis=0))
    assert_allclose(chain.score_samples(X), -np.log(12))
    new = chain.sample(40, random_state=0)
    assert {row.tobytes() for row in new} <= {row.tobytes() for row in X}


# ---------------------------------------------------------------------- scans
@pytest.mark.parametrize("scan", ["raster", "snake", "column", "hilbert"])
@pytest.mark.parametrize("image_shape", [(4, 4), (2, 8), (3, 5), (1, 7), (6, 1)])
def test_scans_visit_every_pixel_once(scan, image_shape):
    X = np.zeros((2, image_shape[0] * image_shape[1]), dtype=int)
    chain = MarkovChainImageDensity(0, scan=scan, image_shape=image_shape).fit(X)
    assert_array_equal(np.sort(chain.scan_), np.arange(X.shape[1]))


@pytest.mark.parametrize(("scan", "side"), [("snake", 3), ("snake", 8), ("hilbert", 8)])
def test_neighbours_on_the_path_are_neighbours_in_the_image(scan, side):
    chain = MarkovChainImageDensity(scan=scan).fit(np.zeros((1, side * side), dtype=int))
    row, column = np.divmod(chain.scan_, side)
    assert_array_equal(np.abs(np.diff(row)) + np.abs(np.diff(column)), 1)


def test_scans_of_a_small_image_by_hand():
    order = {
        scan: MarkovChainImageDensity(scan=scan, image_shape=(2, 3)).fit(np.zeros((1, 6))).scan_
        for scan in ("raster", "snake", "column")
    }
    assert_array_equal(order["raster"], [0, 1, 2, 3, 4, 5])
    assert_array_equal(order["snake"], [0, 1, 2, 5, 4, 3])
    assert_array_equal(order["column"], [0, 3, 1, 4, 2, 5])


def test_a_scan_is_a_permutation_of_the_columns():
    rng = np.random.default_rng(4)
    X, scan = rng.integers(0, 2, size=(50, 6)), rng.permutation(6)
    scanned = MarkovChainImageDensity(2, scan=scan).fit(X)
    plain = MarkovChainImageDensity(2).fit(X[:, scan])
    assert_allclose(scanned.score_samples(X), plain.score_samples(X[:, scan]))
    drawn = scanned.sample(30, random_state=0)
    assert_array_equal(drawn[:, scan], plain.sample(30, random_state=0))


# ---------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"order": 6}, "order must be at most n_features - 1 = 5.* got 6"),
        ({"order": 7}, "order must be at most n_features - 1 = 5.* got 7"),
        ({"order": -1}, "'order' parameter"),
        ({"order": 1.0}, "'order' parameter"),
        ({"scan": "spiral"}, "'scan' parameter"),
        ({"scan": [0, 1, 2, 3, 4, 4]}, "scan must hold every column from 0 to 5 exactly once"),
        ({"scan": [0, 1, 2]}, "scan must be one of .* or a permutation of the 6 columns"),
        ({"scan": [0.0, 1, 2, 3, 4, 5]}, "scan must be one of"),
        ({"scan": "snake"}, 'image_shape is needed for scan="snake": 6 columns'),
        ({"image_shape": (2, 4)}, r"image_shape \(2, 4\) holds 8 pixels, but X has 6 columns"),
        ({"image_shape": (-2, -3)}, "image_shape must be two positive integers"),
        ({"image_shape": (6,)}, "image_shape must be two positive integers"),
        ({"n_categories": 0}, "'n_categories' parameter"),
        ({"n_categories": 2}, "column 1 holds 2, but the categories known there are 0 to 1"),
        ({"alpha": -0.1}, "'alpha' parameter"),
    ],
)
def test_invalid_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        MarkovChainImageDensity(**parameters).fit([[0, 2, 1, 0, 0, 1]])


def test_an_order_too_high_leaves_the_model_unchanged():
    X = np.eye(4, dtype=int)
    chain = MarkovChainImageDensity().fit(X)
    before = chain.score_samples(X)
    with pytest.raises(ValueError, match="order must be at most"):
        chain.set_params(order=9).fit(X)
    assert_array_equal(chain.set_params(order=1).score_samples(X), before)


def test_grey_levels_are_read_with_a_warning():
    X = np.random.default_rng(0).uniform(0.1, 0.9, size=(30, 4))
    with pytest.warns(UserWarning, match="read as grey levels"):
        chain = MarkovChainImageDensity().fit(X)
    binary = (X > 0.5).astype(int)
    expected = MarkovChainImageDensity(n_categories=2).fit(binary).score_samples(binary)
    assert_allclose(chain.score_samples(X), expected)
    assert_allclose(chain.score_samples(binary), expected)
    with pytest.raises(ValueError, match="Unknown category"):
        chain.score_samples(binary + 1)


@pytest.mark.parametrize("homogeneous", [False, True])
@pytest.mark.parametrize("order", [0, 1, 2, 5, 10])
def test_packed_windows_count_and_score_as_single_columns_do(order, homogeneous, monkeypatch):
    X = (np.random.default_rng(0).random((300, 23)) < 0.3).astype(np.uint8)
    chains = []
    for n_cells in (0, X.size + 1):
        monkeypatch.setattr(_packed, "MANY_CELLS", n_cells)
        chain = MarkovChainImageDensity(order, alpha=0.0, homogeneous=homogeneous).fit(X)
        chains.append(
            (chain._statistics.counts, chain.score_samples(X), chain.score_samples(1 - X))
        )
    for packed, single in zip(*chains, strict=True):
        assert_allclose(packed, single, rtol=1e-12)
