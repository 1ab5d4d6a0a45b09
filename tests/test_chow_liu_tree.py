"""ChowLiuTreeDensity: the best of all trees, by definition and by enumeration."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import logsumexp
from sklearn.metrics import mutual_info_score

from skdgm import ChowLiuTreeDensity, MarkovChainImageDensity
from skdgm.density.tree import _missing as queries
from skdgm.density.tree import _observed_pairs, _pair_counts
from skdgm.density.tree._probabilities import TreeProbabilities, weights_of_edges
from skdgm.density.tree._structure import best_tree

from .rows import agreement, all_states, hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

MIXED = (3, 2, 4, 1, 2)  # numbers of categories
unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def dependent_rows(seed, n_samples, n_categories):
    """Rows in which each column depends on an earlier one, so that trees differ in likelihood."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, n_categories, size=(n_samples, len(n_categories)))
    for column in range(1, X.shape[1]):
        above = X[:, rng.integers(column)] % n_categories[column]
        X[:, column] = np.where(rng.random(n_samples) < 0.6, above, X[:, column])
    return X


def incomplete(X, seed, share=0.4):
    """X with a share of the values missing in all rows but the first four."""
    return np.vstack([X[:4], hide(X, share, seed)[4:]])


def log_prob_by_definition(parents, X_train, weight, X, n_categories, alpha):
    """Log-probability under a given tree, whose smoothed probabilities are counted row by row."""
    pseudo_weight = alpha * stats.gmean(n_categories) ** 2
    total = np.zeros(len(X))
    for row, (j, parent) in itertools.product(range(len(X)), enumerate(parents)):
        own, K = X_train[:, j] == X[row, j], n_categories[j]
        if parent < 0:
            both, before, n_cells = weight[own].sum(), weight.sum(), 1
        else:
            above = X_train[:, parent] == X[row, parent]
            both, before = weight[own & above].sum(), weight[above].sum()
            n_cells = n_categories[parent]
        share = pseudo_weight / n_cells
        total[row] += np.log((both + share / K) / (before + share))
    return total


def all_trees(n_columns):
    """Parents of the columns in each spanning tree that is rooted at column 0."""
    pairs = list(itertools.combinations(range(n_columns), 2))
    for edges in itertools.combinations(pairs, n_columns - 1):
        parents = {0: -1}
        for _ in edges:
            for a, b in (*edges, *(edge[::-1] for edge in edges)):
                if a in parents and b not in parents:
                    parents[b] = a
        if len(parents) == n_columns:
            yield [parents[column] for column in range(n_columns)]


# ---------------------------------------------------------------------- the tree
@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**16),
    alpha=st.sampled_from([0.1, 1.0, 5.0]),
    n_categories=st.sampled_from([(2, 2, 2, 2), (3, 3, 3, 3), (2, 4, 1, 3)]),
)
def test_no_tree_is_better(seed, alpha, n_categories):
    X = dependent_rows(seed, 40, n_categories)
    states, weight = all_states(n_categories), np.ones(40)
    pseudo_weight = alpha * stats.gmean(n_categories) ** 2

    def objective(log_prob):  # of the rows and the pseudo-rows
        return log_prob[: len(X)].sum() + pseudo_weight * log_prob[len(X) :].mean()

    rows = np.concatenate([X, states])
    trees = list(all_trees(4))
    assert len(trees) == 16  # Cayley: n**(n - 2)
    objectives = [
        objective(log_prob_by_definition(parents, X, weight, rows, n_categories, alpha))
        for parents in trees
    ]
    tree = ChowLiuTreeDensity(n_categories, alpha=alpha).fit(X)
    assert_allclose(objective(tree.score_samples(rows)), max(objectives), rtol=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**16), alpha=st.sampled_from([0.05, 1.0]), weighted=st.booleans())
def test_probabilities_equal_their_definition(seed, alpha, weighted):
    X = dependent_rows(seed, 50, MIXED)
    weight = np.random.default_rng(seed).random(50) if weighted else np.ones(50)
    tree = ChowLiuTreeDensity(MIXED, alpha=alpha).fit(X, sample_weight=weight if weighted else None)
    states = all_states(MIXED)
    expected = log_prob_by_definition(tree.parents_, X, weight, states, MIXED, alpha)
    assert_allclose(tree.score_samples(states), expected, rtol=1e-10)
    assert_allclose(np.exp(expected).sum(), 1)


def test_a_markov_chain_is_found():
    few = dependent_rows(1, 8, (3,) * 7).cumsum(axis=1) % 3
    planted = MarkovChainImageDensity(alpha=0.2).fit(few)
    X = planted.sample(4000, random_state=0)
    tree = ChowLiuTreeDensity(3, alpha=0).fit(X)
    assert_array_equal(tree.parents_, np.arange(7) - 1)
    assert_array_equal(tree.edges_, np.stack([np.arange(6), np.arange(1, 7)], axis=1))
    chain = MarkovChainImageDensity(n_categories=3, alpha=0).fit(X)
    assert_allclose(tree.score_samples(X), chain.score_samples(X), rtol=1e-12)
    assert tree.n_parameters_ == chain.n_parameters_


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_planted_tree_is_found(share):
    rng = np.random.default_rng(4)
    parents = np.array([-1] + [rng.integers(column) for column in range(1, 12)])
    X = np.empty((6000, 12))
    X[:, 0] = rng.integers(0, 2, 6000)
    for column in range(1, 12):
        flipped = rng.random(6000) < 0.15
        X[:, column] = np.where(flipped, 1 - X[:, parents[column]], X[:, parents[column]])
    X[rng.random(X.shape) < share] = np.nan
    tree = ChowLiuTreeDensity().fit(X)
    assert_array_equal(tree.parents_, parents)
    for parent, child in tree.edges_:
        assert parents[child] == parent
    one_above = np.full((1, 12), np.nan)
    one_above[0, parents[5]] = 1
    assert_allclose(tree.conditional_mean(one_above)[0, 5], 0.85, atol=0.03)


def test_mutual_information_agrees_with_scikit_learn():
    X = dependent_rows(2, 300, MIXED)
    information = ChowLiuTreeDensity(alpha=0).fit(X).mutual_information_
    expected = [[mutual_info_score(a, b) for a in X.T] for b in X.T]
    assert_allclose(information, expected, atol=1e-12)  # the diagonal: entropies
    assert_array_equal(information, information.T)
    for alpha in (0.0, 1.0):
        unrelated = all_states((2, 3, 2))
        information = ChowLiuTreeDensity(alpha=alpha).fit(unrelated).mutual_information_
        assert_allclose(information, np.diag(np.log([2, 3, 2])), atol=1e-12)
        assert information.min() >= 0


def test_ties_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 2, size=(60, 2)), 4, axis=1)  # two groups of equal columns
    weight = rng.random(60)
    first = ChowLiuTreeDensity().fit(X, sample_weight=weight)
    for _ in range(20):
        order = rng.permutation(60)
        again = ChowLiuTreeDensity().fit(X[order], sample_weight=weight[order])
        assert_array_equal(again.parents_, first.parents_)
    assert_array_equal(best_tree(np.ones((5, 5)))[0], [-1, 0, 0, 0, 0])
    assert_array_equal(best_tree(np.zeros((3, 3)))[0], [-1, 0, 0])


def test_parameters_are_counted():
    X = dependent_rows(0, 100, MIXED)
    tree = ChowLiuTreeDensity(MIXED).fit(X)
    expected = MIXED[0] - 1
    for parent, child in tree.edges_:
        expected += MIXED[parent] * (MIXED[child] - 1)
    assert tree.n_parameters_ == expected
    assert type(tree.n_parameters_) is int
    assert ChowLiuTreeDensity(2).fit(X[:, :1] % 2).n_parameters_ == 1
    assert ChowLiuTreeDensity().fit(np.zeros((4, 3))).n_parameters_ == 0


# ---------------------------------------------------------------------- counts
def test_both_ways_to_count_agree(monkeypatch):
    X, weight = dependent_rows(3, 200, MIXED), np.random.default_rng(0).random(200)
    for own in (None, weight):
        monkeypatch.setattr(_pair_counts, "MANY_CATEGORIES", 100)
        product = ChowLiuTreeDensity().fit(X, sample_weight=own)
        monkeypatch.setattr(_pair_counts, "MANY_CATEGORIES", 0)
        one_by_one = ChowLiuTreeDensity().fit(X, sample_weight=own)
        assert_allclose(one_by_one._statistics.joint, product._statistics.joint, rtol=1e-12)
        monkeypatch.setattr(_pair_counts, "INDICATOR_CELLS", 50)  # blocks of a few rows
        blocks = ChowLiuTreeDensity().fit(X, sample_weight=own)
        assert_allclose(blocks._statistics.joint, product._statistics.joint, rtol=1e-12)


def test_batches_may_bring_new_categories():
    X = np.array([[0, 0, 1], [1, 0, 1], [1, 0, 0], [0, 2, 1], [4, 0, 20], [0, 1, 3]])
    whole = ChowLiuTreeDensity(alpha=0.5).fit(X)
    batched = ChowLiuTreeDensity(alpha=0.5).fit(X[:2])
    for row in X[2:]:
        batched.partial_fit(row[np.newaxis])
    assert_array_equal(batched.n_categories_, [3, 3, 4])
    assert_array_equal(batched.parents_, whole.parents_)
    assert_allclose(batched.score_samples(X), whole.score_samples(X))
    batched = ChowLiuTreeDensity(alpha=0.5).fit(X[:2]).partial_fit([[9, np.nan, 1]])
    assert_array_equal(batched.n_categories_, [3, 1, 1])
    assert np.isfinite(batched.score_samples([[9, 0, 1]])).all()


def test_unseen_values_of_a_parent_leave_the_uniform_distribution():
    tree = ChowLiuTreeDensity((2, 4), alpha=0).fit([[0, 1], [0, 2]])
    mean = tree.conditional_mean(np.array([[0, np.nan]]))
    assert_allclose(mean, [[0, 1.5]])
    table = tree._tree.arrays.probability[tree._tree.arrays.first_cell[1] :]
    assert_allclose(table, [0, 0.5, 0.5, 0] + [0.25] * 4)


def test_rows_that_a_weighted_fit_has_not_seen_stay_impossible():
    X = all_states((2, 2))[:3]  # 1, 1 is left out; its count follows for no other by rounding
    for flipped in (X, 1 - X):
        rows, weight = np.tile(flipped, (50, 1)), np.random.default_rng(0).random(150)
        tree = ChowLiuTreeDensity(alpha=0).fit(rows, sample_weight=weight)
        assert np.isneginf(tree.score_samples(1 - flipped[:1]))


# ---------------------------------------------------------------------- missing values
@settings(max_examples=30)
@given(seed=st.integers(0, 2**16), alpha=st.sampled_from([0.0, 0.5]), share=st.floats(0, 1))
def test_expected_pairs_agree_with_enumeration(seed, alpha, share):
    rng = np.random.default_rng(seed)
    n_categories = tuple(rng.integers(1, 4, size=6))
    tree = ChowLiuTreeDensity(n_categories, alpha=alpha).fit(dependent_rows(seed, 30, n_categories))
    X = dependent_rows(seed, 30, n_categories)[:8].astype(float)
    X[rng.random(X.shape) < share] = np.nan
    weight = rng.random(8)
    counts, log_prob = tree._expect(tree._encode(X), weight)
    states = all_states(n_categories)
    probability = np.exp(tree.score_samples(states))
    agree = agreement(states, X)
    assert_allclose(log_prob, np.log(agree @ probability), atol=1e-12)
    posterior = agree * probability / (agree @ probability)[:, np.newaxis]
    entries = [states[:, j] == v for j, K in enumerate(n_categories) for v in range(1, K)]
    entries = np.column_stack([np.ones(len(states)), *entries])
    expected = entries.T @ ((weight @ posterior)[:, np.newaxis] * entries)
    assert_allclose(counts.joint, expected, atol=1e-12)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16))
def test_queries_of_mixed_columns_agree_with_enumeration(seed):
    tree = ChowLiuTreeDensity(MIXED, alpha=0.2).fit(dependent_rows(seed, 40, MIXED))
    X = incomplete(dependent_rows(seed + 1, 10, MIXED), seed, share=0.6)
    states = all_states(MIXED)
    probability = np.exp(tree.score_samples(states))
    agree = agreement(states, X)
    joint = agree * probability
    assert_allclose(tree.score_samples(X), np.log(joint.sum(axis=1)), atol=1e-12)
    mean = joint @ states / joint.sum(axis=1, keepdims=True)
    assert_allclose(tree.conditional_mean(X), mean, atol=1e-12)
    of_mode = tree.score_samples(tree.conditional_mode(X))
    assert_allclose(of_mode, np.log(joint.max(axis=1)), atol=1e-12)
    drawn = tree.conditional_sample(np.repeat(X[-1:], 20_000, axis=0), random_state=seed)
    assert_allclose(drawn.mean(axis=0), mean[-1], atol=0.05)
    together = joint[-1] @ (states[:, 0] * states[:, 2]) / joint[-1].sum()
    assert_allclose((drawn[:, 0] * drawn[:, 2]).mean(), together, atol=0.15)


@unconverged
@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("n_categories", [(2,) * 8, MIXED])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_the_objective_never_falls(alpha, n_categories, share):
    for seed in range(2):
        X = incomplete(dependent_rows(seed, 80, n_categories), seed, share)
        weight = np.random.default_rng(seed).random(80) if seed % 2 else None
        tree = ChowLiuTreeDensity(n_categories, alpha=alpha, tol=0, max_iter=30)
        tree.fit(X, sample_weight=weight)
        assert np.diff(tree.lower_bounds_).min() > -1e-8
        before = pickle.loads(pickle.dumps(tree)).set_params(max_iter=29)
        before.fit(X, sample_weight=weight)
        total = 80 if weight is None else weight.sum()
        pseudo = alpha * stats.gmean(n_categories) ** 2 / total
        objective = np.average(before.score_samples(X), weights=weight)
        if alpha:
            objective += pseudo * before.score(all_states(n_categories))
        assert_allclose(tree.lower_bounds_[-1], objective, rtol=1e-9)


@pytest.mark.parametrize("share", [0.3, 0.6])
@pytest.mark.parametrize("flip", [0.02, 0.1, 0.2])
def test_a_middle_column_that_is_often_missing_stays_in_the_middle(share, flip):
    rng = np.random.default_rng(0)
    steps = np.column_stack([rng.random(3000) < 0.5, rng.random((3000, 2)) < flip])
    X = np.cumsum(steps, axis=1) % 2.0
    X[rng.random(3000) < share, 1] = np.nan
    assert_array_equal(ChowLiuTreeDensity().fit(X).parents_, [-1, 0, 1])


@example(seed=168, share=0.75)
@settings(max_examples=20)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 0.9))
def test_starting_counts_are_consistent_and_rule_out_nothing(seed, share):
    X = incomplete(dependent_rows(seed, 20, MIXED), seed, share)
    tree = ChowLiuTreeDensity(MIXED, alpha=0)
    tree.n_features_in_ = len(MIXED)
    counts = tree._start_from_rows(tree._encode_training(X, None, extend=False), None)
    pairs = counts.probabilities(0)
    alone = np.diagonal(pairs)
    starts = np.cumsum(MIXED) - MIXED
    for first, second in itertools.permutations(range(len(MIXED)), 2):
        rows = slice(starts[first], starts[first] + MIXED[first])
        columns = slice(starts[second], starts[second] + MIXED[second])
        assert_allclose(pairs[rows, columns].sum(axis=1), alone[rows], atol=1e-12)
        possible = np.outer(alone[rows], alone[columns]) > 0
        assert_array_equal(pairs[rows, columns] > 0, possible)
    for column, K in enumerate(MIXED):
        seen = X[~np.isnan(X[:, column]), column]
        share_of_values = np.bincount(seen.astype(int), minlength=K) / len(seen)
        assert_allclose(alone[starts[column] : starts[column] + K], share_of_values, atol=1e-12)


def test_steps_may_choose_another_tree(monkeypatch):
    monkeypatch.setattr(_observed_pairs, "LEAST_PART", 1.0)  # start from independent columns
    X = np.repeat(all_states((2, 2, 2)), 10, axis=0).astype(float)
    X[:, 2] = X[:, 1]
    X[::3, 1] = np.nan
    assert_array_equal(ChowLiuTreeDensity().fit(X).parents_[2], 1)


def test_messages_of_thousands_of_columns_do_not_underflow():
    n = 3000
    even = np.array([0.5, 0.5])
    table = np.array([[1e-3, 1 - 1e-3], [1e-4, 1 - 1e-4]])
    pairs = np.zeros((2 * n, 2 * n))
    np.fill_diagonal(pairs, np.tile(even, n))
    pairs[:2, 2:] = np.tile(even[:, np.newaxis] * table, n - 1)
    star, order = np.zeros(n, dtype=np.int64), np.arange(n)
    star[0] = -1
    n_categories = np.full(n, 2)
    weights = weights_of_edges(star, n_categories, pairs)
    tree = TreeProbabilities(star, order, n_categories, weights)
    codes = np.zeros((1, n), dtype=np.uint8)
    codes[0, 0] = 255
    expected = logsumexp(np.log(0.5) + (n - 1) * np.log(table[:, 0]))
    assert_allclose(queries.log_prob_observed(tree, codes), [expected], rtol=1e-12)
    worth = [np.arange(2.0)] * n
    assert queries.mode_missing(tree, codes)[0, 0] == 0
    assert queries.mean_missing(tree, codes, worth)[0, 0] == 0
    assert queries.draw_missing(tree, codes, np.random.default_rng(0))[0, 0] == 0


def test_categories_beyond_a_byte():
    X = np.array([[0, 299], [0, 299], [1, 3], [1, 3], [0, 299]], dtype=np.int32)
    tree = ChowLiuTreeDensity(alpha=0).fit(X)
    query = np.array([[0, np.nan], [1, np.nan]])
    assert_array_equal(tree.conditional_mode(query), [[0, 299], [1, 3]])
    assert_array_equal(tree.conditional_sample(query, 0), [[0, 299], [1, 3]])
    assert tree.sample(50, random_state=0).dtype == np.int32
    assert tree.sample(50, random_state=0).max() == 299
    few = incomplete(
        dependent_rows(0, 30, (3, 3)), 0
    )  # codes of one byte, for columns of more categories
    narrow = ChowLiuTreeDensity(3, alpha=0).fit(few)
    for n_categories in (256, 300):
        wide = ChowLiuTreeDensity(n_categories, alpha=0).fit(few)
        assert_allclose(wide.score_samples(few), narrow.score_samples(few), atol=1e-3)


def test_batches_that_the_model_rules_out_are_refused():
    tree = ChowLiuTreeDensity(alpha=0).fit(np.eye(2)[[0, 1, 0, 1]][:, [0, 0, 1]])
    with pytest.raises(ValueError, match="probability zero under the model so far"):
        tree.partial_fit([[1, 0, np.nan]])
