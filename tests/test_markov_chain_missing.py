"""Missing values in MarkovChainImageDensity: queries equal enumeration, and learning by EM."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdgm import GenerativeClassifier, MarkovChainImageDensity, MixtureDensity
from skdgm.density.markov_chain import _counts as _chain_counts
from skdgm.density.markov_chain import _dense_parts as _chain_dense_parts
from skdgm.density.markov_chain import _trellis as _chain_trellis

from .rows import all_states, hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


# ---------------------------------------------------------------------- missing values
def completions(row, K):
    """Missing columns of the row, and the row with each of its completions."""
    missing = np.flatnonzero(np.isnan(row))
    values = np.array(list(itertools.product(range(K), repeat=len(missing))), dtype=float)
    rows = np.repeat(row[np.newaxis], K ** len(missing), axis=0)
    rows[:, missing] = values.reshape(len(rows), len(missing))
    return missing, rows


@pytest.fixture(scope="module")
def chains():
    """Fit a chain in a given form, the form set for the fit only."""

    def fit(sparse, X, weight=None, **parameters):
        with pytest.MonkeyPatch.context() as patch:
            if sparse:
                patch.setattr(_chain_counts, "DENSE_CELLS", 0)
            return MarkovChainImageDensity(**parameters).fit(X, sample_weight=weight)

    return fit


CHAINS = {
    "seed": st.integers(0, 2**16),
    "K": st.integers(2, 3),
    "n": st.integers(1, 6),
    "order": st.integers(0, 5),
    "homogeneous": st.booleans(),
    "alpha": st.sampled_from([0.0, 0.4, 1.0]),
    "sparse": st.booleans(),
}


def random_chain(fit, seed, K, n, order, homogeneous, alpha, sparse):
    """A chain fitted to random rows, and other rows with missing values."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, K, size=(int(rng.integers(1, 30)), n))
    parameters = {"order": min(order, max(1, n - 1)), "homogeneous": homogeneous, "alpha": alpha}
    chain = fit(sparse, X, n_categories=K, scan=rng.permutation(n), **parameters)
    queries = hide(rng.integers(0, K, size=(12, n)), rng.choice([0.2, 0.5, 1.0]), seed)
    return chain, queries


@settings(max_examples=25)
@given(**CHAINS)
def test_queries_agree_with_enumeration(chains, **case):
    chain, queries = random_chain(chains, **case)
    all_rows = [completions(row, case["K"])[1] for row in queries]
    scores = chain.score_samples(np.concatenate(all_rows))
    joints = np.split(scores, np.cumsum([len(rows) for rows in all_rows])[:-1])
    totals = np.array([np.logaddexp.reduce(joint) for joint in joints])
    assert_allclose(chain.score_samples(queries), totals, rtol=1e-9, atol=1e-9)
    for place in np.flatnonzero(np.isneginf(totals) & np.isnan(queries).any(axis=1)):
        with pytest.raises(ValueError, match="probability zero"):
            chain.conditional_mean(queries[[place]])
    possible = np.flatnonzero(totals > -np.inf)
    if not len(possible):
        return
    rows = queries[possible]
    mean, mode = chain.conditional_mean(rows), chain.conditional_mode(rows)
    drawn = chain.conditional_sample(rows, random_state=0)
    assert (chain.score_samples(drawn) > -np.inf).all()
    of_modes = [joints[place].max() for place in possible]
    assert_allclose(chain.score_samples(mode), of_modes, rtol=1e-9, atol=1e-9)
    for place, own in zip(possible, mean, strict=True):
        expected = np.exp(joints[place] - totals[place]) @ all_rows[place]
        assert_allclose(own, expected, rtol=1e-9, atol=1e-9)
    for completed in (drawn, mode):
        assert_array_equal(completed[~np.isnan(rows)], rows[~np.isnan(rows)])


@settings(max_examples=15)
@given(**CHAINS)
def test_the_joint_is_marginal_times_conditional(chains, **case):
    """``p(x) = p(x_a) p(x_b | x_a)``, the latter as ``E[1(x_b) | x_a]`` one value at a time."""
    case["K"] = 2
    chain, queries = random_chain(chains, **case)
    for row in chain.sample(3, random_state=0).astype(float):
        partly = np.where(np.isnan(queries[0]), np.nan, row)
        log_prob = chain.score_samples(partly[np.newaxis])[0]
        for column in np.flatnonzero(np.isnan(partly)):
            one = chain.conditional_mean(partly[np.newaxis])[0, column]
            log_prob += np.log(one if row[column] else 1 - one)
            partly[column] = row[column]
        assert_allclose(log_prob, chain.score_samples(row[np.newaxis])[0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_completions_are_drawn_as_often_as_they_are_probable(chains, sparse, order, alpha):
    X = np.random.default_rng(5).integers(0, 3, size=(25, 6))
    chain = chains(sparse, X, order=order, alpha=alpha, n_categories=3)
    row = np.array([np.nan, X[0, 1], np.nan, np.nan, X[0, 4], np.nan])
    missing, rows = completions(row, 3)
    expected = np.exp(chain.score_samples(rows) - chain.score_samples(row[np.newaxis])) * 20_000
    drawn = chain.conditional_sample(np.tile(row, (20_000, 1)), random_state=1)
    number = (drawn[:, missing] @ 3 ** np.arange(3, -1, -1)).astype(int)
    frequency = np.bincount(number, minlength=81)
    possible = expected > 1e-6
    assert frequency[~possible].sum() == 0
    statistic = ((frequency - expected)[possible] ** 2 / expected[possible]).sum()
    degrees = np.count_nonzero(possible) - 1
    assert statistic < degrees + 4 * np.sqrt(2 * degrees) + 8


@pytest.mark.parametrize("homogeneous", [False, True])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_sparse_tables_agree_with_dense_ones(chains, order, homogeneous):
    rng = np.random.default_rng(6)
    X = rng.integers(0, 3, size=(40, 9))
    parameters = {"order": order, "homogeneous": homogeneous, "alpha": 0.2}
    dense, sparse = (chains(form, X, **parameters) for form in (False, True))
    queries = hide(rng.integers(0, 3, size=(50, 9)), 0.5, 0)
    assert_allclose(sparse.score_samples(queries), dense.score_samples(queries))
    assert_allclose(sparse.conditional_mean(queries), dense.conditional_mean(queries))
    modes = dense.conditional_mode(queries), sparse.conditional_mode(queries)
    assert_allclose(*(dense.score_samples(mode) for mode in modes))


@pytest.mark.parametrize(
    "changed",
    [{"order": 2}, {"homogeneous": True}, {"scan": "column"}, {"image_shape": (3, 2)}],
    ids=str,
)
def test_batches_of_another_chain_are_refused(changed):
    X = np.random.default_rng(0).integers(0, 2, (30, 6))
    chain = MarkovChainImageDensity(order=1, scan="snake", image_shape=(2, 3)).fit(X)
    before = chain.score_samples(X)
    with pytest.raises(ValueError, match="must stay as they were"):
        chain.set_params(**changed).partial_fit(X)
    assert_array_equal(chain.score_samples(X), before)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_row_without_observed_values_scores_exactly_zero(chains, sparse):
    X = np.random.default_rng(0).integers(0, 3, size=(20, 8))
    chain = chains(sparse, X, order=3, alpha=0.1)
    queries = np.full((2, 8), np.nan)
    queries[1] = X[0]
    log_prob = chain.score_samples(queries)
    assert log_prob[0] == 0
    assert log_prob[1] == pytest.approx(chain.score_samples(X[:1])[0], rel=1e-12)


def test_the_mode_takes_the_smallest_of_equally_probable_values(chains):
    X = all_states((3,) * 4)
    for sparse, order in itertools.product([False, True], [0, 1, 3]):
        chain = chains(sparse, X, order=order)
        assert_array_equal(chain.conditional_mode(np.full((1, 4), np.nan)), 0)


@pytest.mark.parametrize("sparse", [False, True])
def test_categories_beyond_the_codes_of_a_query(chains, sparse):
    """A query of small values only still gets large ones for its missing values."""
    X = np.array([[0, 299, 1], [0, 299, 1], [1, 255, 0]])
    chain = chains(sparse, X, order=1, alpha=0)
    query = np.array([[0, np.nan, 1], [1, np.nan, 0]])
    assert_array_equal(chain.conditional_mode(query)[:, 1], [299, 255])
    assert_array_equal(chain.conditional_sample(query, random_state=0)[:, 1], [299, 255])
    assert_allclose(chain.conditional_mean(query)[:, 1], [299, 255])


def test_the_full_chain_rule_completes_whole_images():
    X = np.random.default_rng(0).integers(0, 2, size=(12, 400))
    chain = MarkovChainImageDensity(order=399, alpha=0).fit(X)
    half = X.astype(float)
    half[:, 200:] = np.nan
    assert_allclose(chain.score_samples(half), -np.log(12))
    for completed in (chain.conditional_mode(half), chain.conditional_mean(half)):
        assert_allclose(completed, X)
    assert_array_equal(chain.conditional_sample(hide(X, 0.8, 0), random_state=0), X)


def test_messages_may_lie_too_far_apart_for_floats():
    """One row leads on for 400 values, each as improbable as possible; all others are equal."""
    X = np.zeros((2, 400), dtype=int)
    X[1] = np.arange(400) % 200
    chain = MarkovChainImageDensity(order=399, alpha=1e-3, n_categories=200).fit(X)
    row = X[1:].astype(float)
    row[0, 0] = np.nan
    _, rows = completions(row[0], 200)
    assert_allclose(
        chain.score_samples(row), np.logaddexp.reduce(chain.score_samples(rows)), rtol=1e-10
    )
    assert_allclose(chain.conditional_mode(row), X[1:])


def test_thousands_of_categories_agree_with_enumeration():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3000, size=(60, 6))
    chain = MarkovChainImageDensity(order=1, n_categories=3000, alpha=0.01).fit(X)
    row = X[0].astype(float)
    row[2] = np.nan
    _, rows = completions(row, 3000)
    joint = chain.score_samples(rows)
    assert_allclose(chain.score_samples(row[np.newaxis]), np.logaddexp.reduce(joint))
    mean = chain.conditional_mean(row[np.newaxis])
    assert_allclose(mean[0], np.exp(joint - np.logaddexp.reduce(joint)) @ rows)
    assert chain.score_samples(np.full((1, 6), np.nan)) == 0


def test_rows_share_trellises_only_while_these_are_small(chains, monkeypatch):
    X = np.random.default_rng(0).integers(0, 2, size=(60, 12))
    chain = chains(True, X, order=6)
    queries = hide(X, 0.5, 0)
    whole = chain.score_samples(queries)
    monkeypatch.setattr(_chain_dense_parts, "MOST_CELLS", 0)
    monkeypatch.setattr(_chain_trellis, "BLOCK_SIZE", 500)
    assert_allclose(chain.score_samples(queries), whole)
    monkeypatch.setattr(_chain_trellis, "LAYER_STATES", 20)
    with pytest.raises(ValueError, match=r"contexts possible at once.* choose a smaller order"):
        chain.score_samples(queries)


@pytest.mark.parametrize("homogeneous", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_dense_parts_answer_as_trellises_do(chains, alpha, homogeneous, monkeypatch):
    """Blocks of missing values, equal in many rows, and others in few rows, in several parts."""
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, size=(400, 40)) & (rng.random((400, 40)) < 0.3)
    chain = chains(True, X, order=6, alpha=alpha, homogeneous=homogeneous)
    queries = X.astype(float)
    queries[:, np.arange(40) % 20 >= 13] = np.nan
    queries[:20, 9] = np.nan
    queries[20:30, 30:] = np.nan
    answers = []
    for n_cells in (0, 30 * 2**7):
        monkeypatch.setattr(_chain_dense_parts, "MOST_CELLS", n_cells)
        monkeypatch.setattr(_chain_dense_parts, "ENTRIES_PER_CELL", 0.0)
        mean, mode = chain.conditional_mean(queries), chain.conditional_mode(queries)
        answers.append([chain.score_samples(queries), mean, chain.score_samples(mode)])
        drawn = chain.conditional_sample(queries, random_state=0)
        assert_allclose(drawn.mean(axis=0), mean.mean(axis=0), atol=0.12)
        assert chain.score_samples(drawn).min() > -np.inf
    for trellis, dense in zip(*answers, strict=True):
        assert_allclose(dense, trellis, atol=1e-12)


# ---------------------------------------------------------------------- fitting to missing values
@settings(max_examples=15)
@given(**{**CHAINS, "n": st.integers(2, 6), "order": st.integers(1, 5)}, weighted=st.booleans())
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_objective_never_falls(chains, seed, K, n, order, homogeneous, alpha, sparse, weighted):
    rng = np.random.default_rng(seed)
    X = hide(rng.integers(0, K, size=(30, n)), 0.4, seed)
    X[0] = 0
    weight = rng.random(30) if weighted else None
    parameters = {"order": min(order, n - 1), "homogeneous": homogeneous, "alpha": alpha}
    chain = chains(sparse, X, weight, n_categories=K, max_iter=25, tol=0, **parameters)
    bounds = chain.lower_bounds_
    assert len(bounds) == chain.n_iter_
    assert (np.diff(bounds) > -1e-9).all()
    if alpha == 0:
        assert bounds[-1] <= np.average(chain.score_samples(X), weights=weight) + 1e-9
    states = all_states((K,) * n)
    assert_allclose(np.exp(chain.score_samples(states)).sum(), 1)


@pytest.mark.parametrize("homogeneous", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_sparse_tables_learn_as_dense_ones_do(chains, homogeneous, alpha):
    X = hide(np.random.default_rng(7).integers(0, 2, size=(60, 8)), 0.3, 1)
    parameters = {"order": 3, "homogeneous": homogeneous, "alpha": alpha, "tol": 1e-4}
    dense, sparse = (chains(form, X, **parameters) for form in (False, True))
    assert_allclose(sparse.lower_bounds_, dense.lower_bounds_)
    states = all_states((2,) * 8)
    assert_allclose(
        np.exp(sparse.score_samples(states)), np.exp(dense.score_samples(states)), atol=1e-9
    )
    later = hide(np.random.default_rng(8).integers(0, 2, size=(10, 8)), 0.3, 2)
    if alpha:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_chain_counts, "DENSE_CELLS", 0)
            sparse.partial_fit(later)
        dense.partial_fit(later)
        assert_allclose(sparse.score_samples(states), dense.score_samples(states))


def test_order_0_counts_the_observed_values(form):
    X = hide(np.random.default_rng(0).integers(0, 3, size=(50, 4)), 0.4, 0)
    weight = np.random.default_rng(1).random(50)
    chain = MarkovChainImageDensity(0, alpha=0.5).fit(X, sample_weight=weight)
    share = np.stack([weight @ (k == X) + 0.5 for k in range(3)])
    share /= share.sum(axis=0)
    states = all_states((3,) * 4)
    expected = np.log(share[states, np.arange(4)]).sum(axis=1)
    assert_allclose(chain.score_samples(states), expected)
    assert chain.n_iter_ == 1
    assert chain.lower_bounds_.shape == (0,)
    batches = MarkovChainImageDensity(0, alpha=0.5, n_categories=3)
    for rows in (slice(0, 20), slice(20, 50)):
        batches.partial_fit(X[rows], sample_weight=weight[rows])
    assert_allclose(batches.score_samples(states), expected)


def planted_chain(n_rows, seed, n=8):
    """Rows of a binary chain of order 1 that stays where it is in 85 of 100 steps."""
    turns = np.random.default_rng(seed).random((n_rows, n)) < 0.15
    return np.cumsum(turns, axis=1) % 2


def test_more_rows_recover_a_planted_chain_better(form):
    test = planted_chain(4000, seed=1)
    truth = -np.mean(planted_log_loss(test))
    gaps = []
    for n_rows in (50, 400, 3200):
        X = hide(planted_chain(n_rows, seed=2), 0.3, 3)
        gaps.append(truth - MarkovChainImageDensity(1).fit(X).score(test))
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.01


def planted_log_loss(X):
    turns = np.concatenate([X[:, :1], np.abs(np.diff(X, axis=1))], axis=1)
    return -np.where(turns == 1, np.log(0.15), np.log(0.85)).sum(axis=1)


def test_em_beats_imputing_first(form):
    X, test = hide(planted_chain(600, seed=4), 0.3, 5), planted_chain(4000, seed=6)
    share = np.nanmean(X, axis=0)
    mode = np.where(np.isnan(X), share > 0.5, X)
    rounded_mean = np.where(np.isnan(X), np.random.default_rng(0).random(X.shape) < share, X)
    expected = MarkovChainImageDensity(1).fit(X).score(test)
    for imputed in (mode, rounded_mean):
        assert expected > MarkovChainImageDensity(1).fit(imputed.astype(int)).score(test) + 0.05


def test_a_batch_may_bring_missing_values_and_new_categories(form):
    X = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1.0]])
    chain = MarkovChainImageDensity(1, alpha=0.5).fit(X)
    chain.partial_fit([[5, np.nan, 1], [np.nan, 9, np.nan]])
    assert chain.n_categories_ == 4
    states = np.array([0, 1, 5, 9])[all_states((4,) * 3)]
    assert_allclose(np.exp(chain.score_samples(states)).sum(), 1)
    weights = sum(weight.sum() for _, weight in chain._statistics.windows())
    assert_allclose(weights, 15)  # five rows of three values each


def test_a_batch_that_the_model_rules_out_leaves_it_unchanged(form):
    chain = MarkovChainImageDensity(1, alpha=0).fit([[0, 0, 1], [0, 1, 1]])
    before = chain.score_samples([[0, 1, 1]])
    with pytest.raises(ValueError, match="probability zero under the model so far"):
        chain.partial_fit([[np.nan, 1, 0]])
    assert_array_equal(chain.score_samples([[0, 1, 1]]), before)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_long_contexts_with_many_missing_values_are_learned(form):
    """The last windows miss too many values for their completions to be listed."""
    X = np.random.default_rng(0).integers(0, 2, size=(30, 16)).astype(float)
    X[::2, 1:8], X[1::2, 8:] = np.nan, np.nan
    chain = MarkovChainImageDensity(12, alpha=0.5, max_iter=5).fit(X)
    assert (np.diff(chain.lower_bounds_) > -1e-9).all()
    assert_allclose(chain.score_samples(np.full((1, 16), np.nan)), 0, atol=1e-12)


@pytest.mark.parametrize("n_categories", [255, 256, 300, 3000])
def test_groups_of_independent_chains_hold_categories_beyond_the_codes(n_categories):
    X = hide(np.random.default_rng(0).integers(0, 20, size=(200, 3)), 0.2, 0)
    X[0] = 1
    chain = MarkovChainImageDensity(order=0, n_categories=n_categories)
    classifier = GenerativeClassifier(chain).fit(X, np.arange(200) % 2)
    each = [density.score_samples(X) for density in classifier.densities_]
    expected = np.stack(each, axis=1) + np.log(classifier.priors_)
    assert_allclose(classifier.predict_joint_log_proba(X), expected, rtol=1e-10)
    mixture = MixtureDensity(chain, random_state=0, max_iter=5).fit(X)
    assert np.diff(mixture.lower_bounds_).min() > -1e-9
