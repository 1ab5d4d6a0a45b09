"""Sparse rows of zeros and ones: the same answers as for dense rows, from what is stored."""

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import get_tags

import skdgm
from skdgm import (
    BernoulliIndependentDensity,
    CategoricalIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
)
from skdgm.density._engine.missing import fill_sparse_with_means, fill_with_means
from skdgm.density.tree import _sparse_pairs

from .rows import hide

COINS, TREE = BernoulliIndependentDensity(), ChowLiuTreeDensity()
DENSITIES = {
    "coins": COINS,
    "tree": TREE,
    "mixture of coins": MixtureDensity(COINS, 2, random_state=0, max_iter=3, tol=0),
    "mixture of trees": MixtureDensity(TREE, 2, random_state=0, max_iter=3, tol=0),
}
each_density = pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES)
pytestmark = pytest.mark.filterwarnings(
    "ignore:Expectation-maximisation did not converge", "ignore:n_components=2 exceeds"
)


def binary_rows(seed, n_rows=20, n_columns=5):
    """Rows, some of them equal or empty, with columns of zeros, of ones, and of equal values."""
    rng = np.random.default_rng(seed)
    X = (rng.random((n_rows, n_columns)) < rng.random(n_columns)).astype(float)
    X[rng.integers(n_rows, size=3)] = 0
    X[:, rng.integers(n_columns, size=2)] = rng.integers(0, 2, size=2)
    X[:, -1] = X[:, 0]
    return X


def stored(X, form, dtype):
    """X as a sparse matrix with zeros that are stored, and ones as two entries that add up."""
    ones, zeros = np.argwhere(X), np.argwhere(X == 0)[::3]
    places = np.concatenate([ones, zeros, ones])
    data = np.repeat([3, 0, -2], [len(ones), len(zeros), len(ones)]).astype(dtype)
    axis = 0 if form.startswith("csr") else 1
    order = np.argsort(places[:, axis], kind="stable")
    ends = np.cumsum(np.bincount(places[:, axis], minlength=X.shape[axis]))
    parts = data[order], places[order, 1 - axis], np.append(0, ends)
    return getattr(sparse, form)(parts, shape=X.shape)


def assert_same(answer, expected):
    if sparse.issparse(answer):
        answer = answer.toarray()
    assert_allclose(answer, expected, rtol=1e-10, atol=1e-12)


# ---------------------------------------------------------------------- as for dense rows
@each_density
@settings(max_examples=4)
@given(
    seed=st.integers(0, 2**16),
    alpha=st.sampled_from([0.0, 1.0]),
    form=st.sampled_from(["csr_array", "csc_array", "csr_matrix", "csc_matrix"]),
    dtype=st.sampled_from([int, float, np.float32]),
    weighted=st.booleans(),
)
def test_fits_and_answers_are_those_of_dense_rows(density, seed, alpha, form, dtype, weighted):
    X = binary_rows(seed)
    name = "density__alpha" if "density" in density.get_params() else "alpha"
    density = clone(density).set_params(**{name: alpha})
    weight = np.random.default_rng(seed).random(len(X)) if weighted else None
    matrix = stored(X, form, dtype)
    before = matrix.copy()
    plain = clone(density).fit(X, sample_weight=weight)
    own = clone(density).fit(matrix, sample_weight=weight)
    own = pickle.loads(pickle.dumps(own))
    assert own.n_parameters_ == plain.n_parameters_
    for fitted, rows in ((own, matrix), (own, X), (plain, matrix)):
        assert_same(fitted.score_samples(rows), plain.score_samples(X))
    if isinstance(density, ChowLiuTreeDensity):
        assert_array_equal(own.edges_, plain.edges_)
    if isinstance(density, MixtureDensity):
        assert_same(own.weights_, plain.weights_)
        assert_array_equal(own.labels_, plain.labels_)
        assert_same(own.predict_proba(matrix), plain.predict_proba(X))
    assert_array_equal(own.sample(3, random_state=0), plain.sample(3, random_state=0))
    for part in ("data", "indices", "indptr"):
        assert_array_equal(getattr(matrix, part), getattr(before, part))


@each_density
def test_missing_cells_of_sparse_rows_are_completed_as_those_of_dense_ones(density):
    X = binary_rows(3, n_rows=40)
    fitted = clone(density).fit(sparse.csr_array(X))
    holes = hide(X[:8], 0.4)
    matrix = sparse.csc_array(holes)
    calls = {
        "score_samples": (),
        "conditional_mean": (),
        "conditional_mode": (),
        "conditional_sample": (0,),
        "conditional_std": (),
        "conditional_proba": (1,),
        "tail_probability": (50, 0),
    }
    for name, arguments in calls.items():
        ask = getattr(fitted, name)
        assert_same(ask(matrix, *arguments), ask(holes, *arguments))


@each_density
def test_batches_and_classes_are_those_of_dense_rows(density):
    X, label = binary_rows(5, n_rows=40), np.arange(40) % 2
    X[:10, 1], X[:20, 2] = 1, 0  # so that later batches have new categories
    parts = slice(10), slice(10, 20), slice(20, 40)
    families = [clone(density), GenerativeClassifier(density)]
    for family in families:
        plain, own, mixed = (clone(family) for _ in range(3))
        told = {"classes": [0, 1, 2]} if family is families[1] else {}
        for place, rows in enumerate(parts):
            matrix = sparse.csr_matrix(X[rows].astype(int))
            plain.partial_fit(X[rows], label[rows], **told)
            own.partial_fit(matrix, label[rows], **told)
            mixed.partial_fit(X[rows] if place == 1 else matrix, label[rows], **told)
        for fitted in (own, mixed):
            assert_same(fitted.score_samples(sparse.csr_array(X)), plain.score_samples(X))
    whole = [GenerativeClassifier(density).fit(rows, label) for rows in (sparse.csc_array(X), X)]
    assert_same(whole[0].predict_proba(sparse.csr_array(X)), whole[1].predict_proba(X))
    assert get_tags(whole[0]).input_tags.sparse


def test_dense_counts_take_sparse_batches():
    X = binary_rows(1)
    tree = ChowLiuTreeDensity().fit(X).partial_fit(sparse.csr_array(X))
    twice = ChowLiuTreeDensity().fit(np.tile(X, (2, 1)))
    assert_same(tree.mutual_information_, twice.mutual_information_)


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random_rows", "random"])
def test_mixtures_start_alike_from_many_sparse_cells(init):
    rng = np.random.default_rng(2)
    X = (rng.random((300, 4000)) < 0.01 * (1 + rng.random(4000))).astype(np.uint8)
    matrix = sparse.csr_array(X)
    for name in ("indices", "indptr"):
        setattr(matrix, name, getattr(matrix, name).astype(np.int64))  # which k-means refuses
    mixture = MixtureDensity(COINS, 8, init=init, max_iter=1, random_state=0)
    assert_array_equal(clone(mixture).fit(matrix).labels_, clone(mixture).fit(X).labels_)


def test_missing_cells_of_starts_are_filled_with_means():
    holes, weight = hide(binary_rows(0), 0.3), np.random.default_rng(0).random(20)
    filled = fill_sparse_with_means(sparse.csr_array(holes), weight)
    assert_same(filled, fill_with_means(holes, weight))


def test_starts_and_known_components_are_those_of_dense_rows():
    X = binary_rows(7, n_rows=30)
    holes = hide(X, 0.2)
    known = np.where(np.arange(30) < 6, np.arange(30) % 2, -1)
    given_densities = [clone(COINS).fit(X[:9]), clone(COINS).fit(X[9:])]
    for init in ("kmeans", given_densities, np.arange(30) % 2):
        plain, own = (
            MixtureDensity(COINS, 2, init=init, random_state=0, max_iter=4, tol=0).fit(
                rows, known_components=known
            )
            for rows in (holes, sparse.csr_array(holes))
        )
        assert_same(own.weights_, plain.weights_)
        assert_array_equal(own.labels_, plain.labels_)


def test_unknown_values_of_sparse_rows_are_missing_if_told():
    X = binary_rows(2)
    seen = X.copy()
    seen[:, 1], seen[:, 2] = 1, 0
    plain, own = (
        ChowLiuTreeDensity(handle_unknown="missing").fit(rows)
        for rows in (seen, sparse.csr_array(seen))
    )
    holes = hide(X, 0.2)
    assert_same(own.score_samples(sparse.csr_array(X)), plain.score_samples(X))
    assert_same(own.conditional_mean(sparse.csr_array(holes)), plain.conditional_mean(holes))


def test_sparse_grey_levels_are_binarised_as_dense_ones():
    X = np.random.default_rng(0).random((9, 3))
    with pytest.warns(UserWarning, match="read as grey levels"):
        plain, own = (ChowLiuTreeDensity().fit(rows) for rows in (X, sparse.csr_array(X)))
    assert_same(own.score_samples(sparse.csr_array(X)), plain.score_samples(X))


def test_trees_with_more_categories_score_sparse_rows():
    X = binary_rows(6)
    X[0] = 3
    tree = ChowLiuTreeDensity().fit(X)
    assert_same(tree.score_samples(sparse.csr_array(X[1:])), tree.score_samples(X[1:]))
    declared = get_tags(ChowLiuTreeDensity(3)).input_tags
    assert not declared.sparse
    assert get_tags(ChowLiuTreeDensity([2, 1])).input_tags.sparse


# ---------------------------------------------------------------------- the best tree
def test_counting_in_blocks_changes_nothing(monkeypatch):
    X = sparse.csr_array(binary_rows(4, n_columns=9))
    whole = clone(TREE).fit(X)
    monkeypatch.setattr(_sparse_pairs, "PRODUCTS", 10)
    assert_array_equal(clone(TREE).fit(X).edges_, whole.edges_)
    assert_same(whole.score_samples(X), clone(TREE).fit(X).score_samples(X))


def test_equally_good_pairs_are_taken_in_the_order_of_dense_trees():
    for seed in range(40):  # of few rows, so that many columns tell as much of one another
        X = np.random.default_rng(seed).integers(0, 2, (5, 8))
        plain, own = (clone(TREE).fit(rows) for rows in (X, sparse.csr_array(X)))
        assert_array_equal(own.edges_, plain.edges_)


def test_columns_that_exclude_each_other_are_joined():
    first = np.arange(40) % 4
    X = np.column_stack([first == 0, first == 1, np.arange(40) % 5 == 0])  # never 1 together
    tree = clone(TREE).fit(sparse.csr_array(X))
    assert tree._statistics.both.nnz == 2  # pairs of columns that are one together
    assert [0, 1] in tree.edges_.tolist()


@pytest.mark.parametrize(
    ("density", "n_columns", "most"),
    [
        (TREE, 800, 4e6),  # a matrix of the pairs of columns takes 5 MB
        (MixtureDensity(COINS, 3, max_iter=2, random_state=0), 10_000, 8e6),  # a dense X, 10 MB
    ],
    ids=["tree", "mixture"],
)
def test_memory_grows_with_what_is_stored(density, n_columns, most):
    rng = np.random.default_rng(0)
    places = np.repeat(np.arange(1000), 8), rng.integers(n_columns, size=8000)
    X = sparse.coo_array((np.ones(8000), places), shape=(1000, n_columns)).tocsr() > 0
    clone(density).fit(X[:, :20]).score_samples(X[:, :20])  # what is made once
    tracemalloc.start()
    clone(density).fit(X).score_samples(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most


# ---------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("density", "X", "message"),
    [
        (TREE, [[0, 2.0]], "takes zeros and ones only, but row 0, column 1 holds 2.0 in X"),
        (TREE, [[0, 1], [1, np.nan]], "learns from a sparse X only without missing values"),
        (MixtureDensity(TREE), [[1, np.nan], [0, 1.0]], "only without missing values"),
        (ChowLiuTreeDensity(3), [[0, 1.0]], "dense data is required"),
        (ChowLiuTreeDensity(handle_unknown="smooth"), [[0, 1.0]], "dense data is required"),
        (MixtureDensity(GaussianDensity()), [[0, 1.0]], "dense data is required"),
    ],
)
def test_sparse_rows_that_cannot_be_learned_from_are_refused(density, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        clone(density).fit(sparse.csr_array(np.array(X)))


def test_unknown_values_are_errors_as_in_dense_rows():
    tree = ChowLiuTreeDensity().fit(sparse.csr_array([[1, 0, 1], [1, 0, 0]]))
    for rows in ([[1, 1, 0]], [[0, 0, 0]], [[0, 1, 1]]):
        messages = []
        for own in (np.array(rows), sparse.csr_array(rows)):
            with pytest.raises(ValueError, match="Unknown category in X") as error:
                tree.score_samples(own)
            messages.append(str(error.value))
        assert messages[0] == messages[1]


def test_starts_of_another_family_must_take_sparse_rows():
    X = binary_rows(0)
    parts = [CategoricalIndependentDensity().fit(X)] * 2
    with pytest.raises(
        TypeError, match="init holds a CategoricalIndependentDensity, which takes no sparse X"
    ):
        MixtureDensity(COINS, 2, init=parts).fit(sparse.csr_array(X))


@each_density
def test_models_of_sparse_rows_are_stored_with_trusted_types_alone(density):
    skops = pytest.importorskip("skops.io")
    X = sparse.csr_array(binary_rows(0))
    fitted = clone(density).fit(X)
    again = skops.loads(skops.dumps(fitted), trusted=skdgm.TRUSTED_TYPES)
    assert_array_equal(again.score_samples(X), fitted.score_samples(X))
    assert_same(again.partial_fit(X).score_samples(X), fitted.partial_fit(X).score_samples(X))
