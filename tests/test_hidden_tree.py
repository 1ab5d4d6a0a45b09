"""HiddenChowLiuTreeDensity: messages against enumeration, learning, and its own strengths."""

import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import minimum_spanning_tree
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skdgm import ChowLiuTreeDensity, GenerativeClassifier, HiddenChowLiuTreeDensity, MixtureDensity
from skdgm._kernels.hidden_tree import divide, divide_and_add
from skdgm.density.hidden_tree import _learning as learning
from skdgm.density.hidden_tree import _messages as messages
from skdgm.density.hidden_tree import _missing as queries

from .estimators import Case, cases
from .rounding import assert_equal_to_rounding
from .rows import agreement, assert_drawn_from, hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

CASES = [
    Case("binary", HiddenChowLiuTreeDensity(4, random_state=0, tol=0.01), 5, 2),
    Case("ternary", HiddenChowLiuTreeDensity(7, n_categories=3, random_state=1, tol=0.01), 4, 3),
    Case("few states", HiddenChowLiuTreeDensity(2, n_categories=4, random_state=2, tol=0.01), 3, 4),
    Case("one state", HiddenChowLiuTreeDensity(1, random_state=3), 5, 2),
    Case("unsmoothed", HiddenChowLiuTreeDensity(4, alpha=0, random_state=4, tol=0.01), 5, 2),
]


def joint_by_definition(density, states):
    """``p(x)``: the sum over all latent states of the product of all probabilities."""
    n_columns, h = states.shape[1], density.n_states
    probability = np.zeros(len(states))
    for z in itertools.product(range(h), repeat=n_columns):
        product = density.start_[z[np.flatnonzero(density.parents_ < 0)[0]]]
        for i, parent in enumerate(density.parents_):
            product *= 1 if parent < 0 else density.transition_[i, z[parent], z[i]]
        emitted = [density.emission_[i][z[i], states[:, i]] for i in range(n_columns)]
        probability += product * np.prod(emitted, axis=0)
    return probability


# ---------------------------------------------------------------------- the model
@cases(CASES)
def test_scores_equal_their_definition(case):
    density = clone(case.density).fit(case.data())
    states = case.states
    expected = joint_by_definition(density, states)
    assert_allclose(expected.sum(), 1, rtol=1e-12)
    assert_allclose(np.exp(density.score_samples(states)), expected, rtol=1e-9, atol=1e-14)


@cases(CASES)
def test_parameters_are_distributions_along_the_chow_liu_tree(case):
    X = case.data()
    density = clone(case.density).fit(X)
    n_categories = case.density.n_categories
    tree = ChowLiuTreeDensity(n_categories=n_categories, alpha=0.05).fit(X)
    n_free = np.array([len(np.unique(own[~np.isnan(own)])) for own in X.astype(float).T]) - 1
    information = tree.mutual_information_ - np.outer(n_free, n_free) / (2 * len(X))
    edges = {frozenset(edge) for edge in enumerate(density.parents_.tolist()) if edge[1] >= 0}
    best = minimum_spanning_tree(np.triu(information.max() + 1 - information, 1))
    assert edges == {frozenset(edge) for edge in np.argwhere(best.toarray()).tolist()}
    assert_allclose(density.start_.sum(), 1)
    assert_allclose(density.transition_.sum(axis=2), 1)
    for table, count in zip(density.emission_, density.n_categories_, strict=True):
        assert table.shape == (density.n_states, count)
        assert_allclose(table.sum(axis=1), 1)
    free = density.start_.size - 1
    free += sum(t.size - len(t) for t in density.transition_[density.parents_ >= 0])
    free += sum(table.size - len(table) for table in density.emission_)
    assert density.n_parameters_ == free
    assert isinstance(density.n_parameters_, int)


def test_columns_of_many_categories_are_not_taken_for_informative():
    rng = np.random.default_rng(0)
    copied = rng.integers(2, size=300)
    noise = rng.integers(16, size=(300, 2))
    X = np.column_stack([noise[:, 0], copied ^ (rng.random(300) < 0.3), copied, noise[:, 1]])
    information = ChowLiuTreeDensity(n_categories="auto").fit(X).mutual_information_
    assert information[0, 3] > information[1, 2]  # by chance, of many pairs of values
    parents = HiddenChowLiuTreeDensity(4, tol=0.1, random_state=0).fit(X).parents_
    assert parents[2] == 1 or parents[1] == 2


def test_one_state_is_independence():
    case = CASES[3]
    X = case.data()
    density = clone(case.density).set_params(alpha=0).fit(X)
    share = X.mean(axis=0)
    expected = np.where(X == 1, share, 1 - share)
    assert_allclose(density.score_samples(X), np.log(expected).sum(axis=1), rtol=1e-9)


def test_parity_is_learned():
    """No tree over the columns alone describes three bits of even parity."""
    bits = np.random.default_rng(0).integers(0, 2, (400, 3))
    X = np.column_stack([bits, bits.sum(axis=1) % 2])
    hidden = HiddenChowLiuTreeDensity(16, alpha=0.01, random_state=0, max_iter=300, tol=1e-6)
    assert hidden.fit(X).score(X) > -2.2  # 3 log 2 = 2.08 at best
    assert ChowLiuTreeDensity().fit(X).score(X) < -2.7


# ---------------------------------------------------------------------- missing values
def incomplete_rows(case, n_rows, seed):
    """New rows of the case, half of whose values are missing."""
    return hide(case.data(n_rows, seed), 0.5, seed)


def joints(density, case, X):
    """``p(state, observed values)`` of each state for each row, by enumeration."""
    return agreement(case.states, X) * np.exp(density.score_samples(case.states))


@cases(CASES)
def test_queries_agree_with_enumeration(case):
    density = clone(case.density).fit(case.incomplete_data())
    X = incomplete_rows(case, 30, seed=1)
    joint = joints(density, case, X)
    evidence = joint.sum(axis=1)
    assert_allclose(density.score_samples(X), np.log(evidence), rtol=0, atol=1e-9)
    expected = joint @ case.states / evidence[:, np.newaxis]
    assert_allclose(density.conditional_mean(X), expected, atol=1e-9)
    at_mode = agreement(case.states, density.conditional_mode(X))
    assert_allclose(joint[at_mode], joint.max(axis=1), rtol=1e-9)


@cases(CASES)
def test_draws_agree_with_enumeration(case):
    density = clone(case.density).fit(case.data())
    X = incomplete_rows(case, 3, seed=2)
    X[0] = np.nan
    for row, probability in zip(X, joints(density, case, X), strict=True):
        drawn = density.conditional_sample(np.tile(row, (20_000, 1)), random_state=0)
        place = np.ravel_multi_index(tuple(drawn.T.astype(int)), (case.n_categories,) * len(row))
        assert_drawn_from(probability, np.bincount(place, minlength=len(probability)))


@cases(CASES)
def test_the_viterbi_path_is_the_best_of_all_paths(case):
    density = clone(case.density).fit(case.data())
    X = incomplete_rows(case, 10, seed=3)
    found = queries.viterbi_values(density._tree, density._encode(X))
    paths = np.array(list(itertools.product(range(density.n_states), repeat=case.n_columns)))
    states = case.states
    joint = density.start_[paths[:, np.flatnonzero(density.parents_ < 0)[0]]][:, None]
    for i, parent in enumerate(density.parents_):
        if parent >= 0:
            joint = joint * density.transition_[i, paths[:, parent], paths[:, i]][:, None]
        joint = joint * density.emission_[i][paths[:, i]][:, states[:, i]]
    best = joint.max(axis=0)
    for row, values, agree in zip(X, found, agreement(states, X), strict=True):
        own = np.all((states == np.where(np.isnan(row), values, row)), axis=1)
        assert_allclose(best[own], [best[agree].max()], rtol=1e-9)


@cases(CASES)
def test_many_completions_end_where_no_single_change_gains(case, monkeypatch):
    density = clone(case.density).fit(case.data())
    X = incomplete_rows(case, 40, seed=4)
    best = density.score_samples(density.conditional_mode(X))
    monkeypatch.setattr(queries, "LISTED", 1)
    modes = density.conditional_mode(X)
    scores = density.score_samples(modes)
    assert (scores <= best + 1e-9).all()
    assert np.mean(scores > best - 1e-9) > 0.5
    for column, value in itertools.product(range(case.n_columns), range(case.n_categories)):
        changed = np.where(np.isnan(X), modes, X)
        changed[:, column] = np.where(np.isnan(X[:, column]), value, X[:, column])
        assert (density.score_samples(changed) <= scores + 1e-8).all()


def test_modes_of_many_columns_need_no_list_of_completions():
    X = np.random.default_rng(0).integers(0, 2, (100, 60)).astype(float)
    X[:, 1::2] = X[:, ::2]
    density = HiddenChowLiuTreeDensity(4, random_state=0).fit(X)
    X[:5, 1::2] = np.nan
    completed = density.conditional_mode(X[:5])
    assert_array_equal(completed[:, 1::2], X[:5, ::2])
    assert np.isfinite(density.score_samples(np.full((1, 60), np.nan))).all()


def test_categories_beyond_a_byte():
    X = np.random.default_rng(0).integers(0, 300, (500, 2)).astype(float)
    density = HiddenChowLiuTreeDensity(6, n_categories=300, random_state=0).fit(X)
    assert density.sample(400, random_state=0).max() > 255
    query = np.array([[3, np.nan]] * 400)  # which fit in a byte
    assert density.conditional_sample(query, random_state=0).max() > 255
    everything = np.column_stack([np.full(300, 3), np.arange(300)])
    probability = np.exp(density.score_samples(everything) - density.score_samples(query[:1]))
    assert_allclose(probability.sum(), 1)
    assert density.conditional_mode(query[:1])[0, 1] == probability.argmax()


def test_long_rows_neither_underflow_nor_overflow():
    """Stars, in which hundreds of messages meet, and chains."""
    rng = np.random.default_rng(0)
    centre = rng.integers(0, 2, (150, 1))
    X = np.where(rng.random((150, 900)) < 0.1, 1 - centre, centre)
    density = HiddenChowLiuTreeDensity(6, random_state=0, batch_size=64, max_iter=5).fit(X)
    assert np.isfinite(density.score_samples(X)).all()
    surprising = rng.integers(0, 2, (20, 900))
    assert np.isfinite(density.score_samples(surprising)).all()
    single = density._tree.astype(np.float32)
    assert_allclose(single.log_prob(surprising), density.score_samples(surprising), rtol=1e-5)


# ---------------------------------------------------------------------- learning
@cases(CASES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_steps_on_all_rows_never_lower_the_objective(case):
    X = case.incomplete_data(200)
    weight = np.random.default_rng(0).random(200)
    density = clone(case.density).set_params(tol=0, max_iter=30)
    density.fit(X, sample_weight=weight)
    assert len(density.lower_bounds_) == density.n_iter_ <= 30
    assert np.diff(density.lower_bounds_).min() > -1e-9
    stepwise = clone(density).set_params(batch_size=20).fit(X, sample_weight=weight)
    of_full_passes = stepwise.lower_bounds_[-learning.FULL_PASSES :]
    assert np.diff(of_full_passes).min() > -1e-9


@cases(CASES)
def test_expected_counts_add_and_cover_every_row(case):
    density = clone(case.density).fit(case.data())
    X, weight = case.incomplete_data(80, seed=5), np.random.default_rng(1).random(80)
    codes, shape = density._encode(X), density._tree.shape
    first, second = slice(30), slice(30, None)
    counts = density._count(codes, weight).counts
    both = density._count(codes[first], weight[first]) + density._count(
        codes[second], weight[second]
    )
    both = both.counts
    assert_allclose(both.transition, counts.transition, atol=1e-12)
    assert_allclose(both.emission, counts.emission, atol=1e-12)
    edges = np.delete(counts.transition.sum(axis=(1, 2)), shape.root)
    assert_allclose(edges, weight.sum())
    observed = weight @ ~np.isnan(X)
    seen = [counts.emission[shape.slots(i)][:-1].sum() for i in range(case.n_columns)]
    assert_allclose(seen, observed)
    single = density._tree.astype(np.float32).expect(codes, weight)[0]
    assert_allclose(single.transition, counts.transition, atol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("batch_size", [10, 512])
@cases(CASES)
def test_integer_weights_repeat_rows_in_any_order(case, batch_size):
    X = case.data(200)
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    density = clone(case.density).set_params(batch_size=batch_size, max_iter=15)
    weighted = clone(density).fit(X, sample_weight=weight)
    repeated = clone(density).fit(np.repeat(X, weight, axis=0)[::-1])
    assert_equal_to_rounding(weighted.transition_, repeated.transition_)
    assert_equal_to_rounding(weighted.score_samples(X), repeated.score_samples(X))


def test_batches_cover_every_row_with_its_weight():
    rng = np.random.default_rng(0)
    rows = learning.Rows(np.arange(100)[:, np.newaxis], rng.pareto(1, 100) + 0.01)
    dealt = list(learning.batches(rows, 7, rng))
    assert len(dealt) == 7
    total = np.zeros(100)
    for batch in dealt:
        assert len(np.unique(batch.codes)) == len(batch.codes)
        np.add.at(total, batch.codes[:, 0], batch.weight)
    assert_allclose(total, rows.weight)
    sizes = [batch.total for batch in learning.batches(rows, 4, rng)]
    assert max(sizes) < 2 * min(sizes)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("batch_size", [16, 512])
def test_threads_change_nothing(batch_size, monkeypatch):
    monkeypatch.setattr(learning, "FEWEST_ROWS", 8)
    monkeypatch.setattr(messages, "FEWEST_ROWS", 8)
    X = CASES[1].incomplete_data(150)
    density = clone(CASES[1].density).set_params(batch_size=batch_size, max_iter=8)
    models = [clone(density).set_params(n_jobs=n_jobs).fit(X) for n_jobs in (None, 3)]
    for model in models[1:]:
        assert_array_equal(model.transition_, models[0].transition_)
        assert_array_equal(model.conditional_mode(X), models[0].conditional_mode(X))
        assert_array_equal(model.sample(50, random_state=1), models[0].sample(50, random_state=1))


def test_the_random_state_decides_the_fit():
    X = CASES[0].data(300)
    density = HiddenChowLiuTreeDensity(4, batch_size=8, max_iter=8)
    first, again, other = (clone(density).set_params(random_state=s).fit(X) for s in (1, 1, 2))
    assert_equal_to_rounding(first.transition_, again.transition_)
    assert not np.array_equal(first.transition_, other.transition_)


def test_early_stopping_keeps_the_best_model():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (120, 8))  # noise, to which a long fit overfits
    long = HiddenChowLiuTreeDensity(32, alpha=0.1, max_iter=200, tol=0, random_state=0)
    density = clone(long).set_params(early_stopping=True, validation_fraction=0.3).fit(X)
    scores = density.validation_scores_
    assert len(scores) == density.n_iter_ == scores.argmax() + 1 + density.n_iter_no_change
    assert len(density.lower_bounds_) == density.n_iter_ < 200
    fresh = rng.integers(0, 2, (500, 8))
    with pytest.warns(ConvergenceWarning, match="max_iter=200"):
        assert density.score(fresh) > long.fit(X).score(fresh) + 0.1
    with pytest.raises(ValueError, match="leaves no row to learn from with n_samples=1"):
        density.fit(X[:1])


def test_there_is_no_partial_fit():
    density = CASES[0].density
    assert not hasattr(density, "partial_fit")
    assert not hasattr(clone(density).fit(CASES[0].data()), "partial_fit")


def test_steps_are_printed(capsys):
    X = CASES[0].data(100)
    density = HiddenChowLiuTreeDensity(2, verbose=1, random_state=0).fit(X)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == density.n_iter_
    assert printed[0] == f"EM step 1: {density.lower_bounds_[0]:.6f} nats per row"


@pytest.mark.parametrize(
    "X",
    [
        np.zeros((1, 1)),
        np.zeros((5, 3)),
        np.array([[0], [1], [1]]),
        np.array([[0, 1], [np.nan, 1]]),
        np.eye(40),
    ],
    ids=["one cell", "constant", "one column", "two rows", "more columns than rows"],
)
def test_small_data_may_have_many_states(X):
    density = HiddenChowLiuTreeDensity(random_state=0).fit(X)
    assert np.isfinite(density.score_samples(X)).all()
    assert density.sample(3, random_state=0).shape == (3, X.shape[1])
    nothing = np.full((1, X.shape[1]), np.nan)
    assert_allclose(density.score_samples(nothing), 0, atol=1e-9)
    assert np.isfinite(density.conditional_mode(nothing)).all()


def test_a_state_without_any_probability_gets_no_share():
    share = np.array([[0.0, 0.3], [0.2, 0.0], [0.5, 0.5]])
    message = np.array([[0.0, 0.5], [0.25, 0.5]])
    rows = np.array([0, 1, 1])
    expected = np.array([[0.0, 0.6], [0.8, 0.0], [2.0, 1.0]])
    shares, sums = np.empty((3, 2)), np.ones((2, 2))
    divide(share, message, rows, shares)
    divide_and_add(share, message, rows, sums)
    assert_allclose(shares, expected)
    assert_allclose(sums, [1 + expected[0], 1 + expected[1] + expected[2]])


def test_pickled_models_are_the_same():
    X = CASES[1].incomplete_data()
    density = clone(CASES[1].density).fit(X)
    loaded = pickle.loads(pickle.dumps(density))
    assert_array_equal(loaded.score_samples(X), density.score_samples(X))
    assert_array_equal(loaded.conditional_sample(X, 2), density.conditional_sample(X, 2))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_it_works_in_a_mixture():
    case = CASES[0]
    X = case.incomplete_data(100)
    mixture = MixtureDensity(clone(case.density), max_iter=20, tol=0, random_state=0).fit(X)
    assert np.diff(mixture.lower_bounds_).min() > -1e-9
    assert_allclose(np.exp(mixture.score_samples(case.states)).sum(), 1)
    assert mixture.conditional_sample(X, random_state=0).max() <= 1
    assert mixture.n_parameters_ == 1 + 2 * mixture.densities_[0].n_parameters_


def test_it_works_in_a_classifier():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    X = rng.integers(0, 2, (300, 6))
    X[:, 5] = (X[:, :5].sum(axis=1) + y) % 2
    classifier = GenerativeClassifier(HiddenChowLiuTreeDensity(8, random_state=0))
    assert classifier.fit(X, y).score(X, y) > 0.5
