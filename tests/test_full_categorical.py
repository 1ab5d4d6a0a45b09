"""FullCategoricalDensity: closed form, ties, and state spaces too large to list."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skdgm import FullCategoricalDensity
from skdgm.density.full_categorical import _density as _full_categorical
from skdgm.density.full_categorical import _missing as _state_table

from .rows import agreement, all_states, hide

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    K=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    alpha=st.just(0.0) | st.floats(1e-6, 20),
    weighted=st.booleans(),
)
def test_equals_its_definition(seed, K, alpha, weighted):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, K, size=(30, len(K)))
    weight = rng.random(30) + 0.01 if weighted else np.ones(30)
    density = FullCategoricalDensity(n_categories=K, alpha=alpha)
    density.fit(X, sample_weight=weight if weighted else None)
    new = rng.integers(0, K, size=(20, len(K)))
    count = ((new[:, np.newaxis] == X).all(axis=2) * weight).sum(axis=1)
    with np.errstate(divide="ignore"):
        expected = np.log((count + alpha / np.prod(K)) / (weight.sum() + alpha))
    assert_allclose(density.score_samples(new), expected, rtol=1e-9, atol=1e-12)
    assert density.n_parameters_ == np.prod(K) - 1


def test_categories_are_counted_per_column():
    density = FullCategoricalDensity().fit([[0, 3], [1, 0], [1, 7]])
    assert_array_equal(density.n_categories_, [2, 3])
    assert density.n_states_ == 6
    with pytest.raises(
        ValueError, match="column 0 holds 2, but the categories known there are 0 t"
    ):
        density.score_samples([[2, 3]])
    with pytest.raises(
        ValueError, match="column 1 holds 2, but the categories known there are 3 v"
    ):
        density.score_samples([[1, 2]])


def test_a_boolean_column_has_two_categories():
    density = FullCategoricalDensity().fit(np.zeros((3, 4), dtype=bool))
    assert density.n_parameters_ == 2**4 - 1
    assert density.sample(3, random_state=0).dtype == bool


def test_astronomical_state_spaces_are_exact():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 2, size=(50, 784)), 3, axis=0).astype(np.uint8)
    density = FullCategoricalDensity(n_categories=2, alpha=50.0).fit(X)
    assert density.n_parameters_ == 2**784 - 1
    new = rng.integers(0, 2, size=(20, 784))
    assert_allclose(density.score_samples(X), np.log(3 / 200))
    assert_allclose(density.score_samples(new), np.log(50 / 200) - 784 * np.log(2))
    drawn = density.sample(4000, random_state=0)
    known = {row.tobytes() for row in X}
    share = np.mean([row.tobytes() in known for row in drawn])
    assert stats.binomtest(round(share * 4000), 4000, 150 / 200).pvalue > 1e-4
    assert density.bic(X) > density.aic(X) > 2.0**780


def test_numbers_of_states_may_exceed_floats():
    X = np.random.default_rng(0).integers(0, 256, size=(9, 2000), dtype=np.uint8)
    density = FullCategoricalDensity(n_categories=256).fit(X)
    assert density.n_parameters_ == 256**2000 - 1
    assert np.isfinite(density.score_samples(X)).all()
    assert np.isfinite(density.score_samples(255 - X)).all()
    assert density.aic(X) == np.inf


def test_colours_have_their_shares():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(100_000, 3), dtype=np.uint8)
    X[0] = 255
    density = FullCategoricalDensity(alpha=0).fit(X)
    assert density.n_parameters_ == 256**3 - 1
    distinct, count = np.unique(X, axis=0, return_counts=True)
    assert_allclose(density.score_samples(distinct), np.log(count / len(X)))


def test_batches_may_bring_new_categories():
    X = np.array([[0, 1], [0, 0], [7, 1], [300, 2]])
    density = FullCategoricalDensity()
    for row in X:
        density.partial_fit(row[np.newaxis])
    assert_allclose(density.score_samples(X), FullCategoricalDensity().fit(X).score_samples(X))


# ---------------------------------------------------------------------- ties
def test_batches_of_incomplete_rows_that_the_model_rules_out_are_refused():
    density = FullCategoricalDensity(alpha=0, n_categories=3).fit([[0, 0], [1, 1]])
    with pytest.raises(ValueError, match="probability zero under the model so far"):
        density.partial_fit([[2, np.nan]])
    assert_allclose(np.exp(density.score_samples([[0, 0], [2, np.nan]])), [0.5, 0])


def test_tied_faces_of_a_die_share_a_probability():
    rolls = np.array([[0], [0], [1], [4]])
    die = FullCategoricalDensity(ties=[0, 0, 0, 1, 1, 1], alpha=0).fit(rolls)
    faces = np.arange(6)[:, np.newaxis]
    assert_allclose(np.exp(die.score_samples(faces)), [0.25] * 3 + [1 / 12] * 3)
    assert die.n_parameters_ == 1
    smoothed = FullCategoricalDensity(ties=[0, 0, 0, 1, 1, 1], alpha=6).fit(rolls)
    assert_allclose(np.exp(smoothed.score_samples(faces)), [0.2] * 3 + [2 / 15] * 3)


def test_joint_states_can_be_tied():
    ties = np.array([[0, 1], [1, 2]])  # by the number of ones
    X = np.array([[0, 1], [0, 1], [1, 1], [0, 0]])
    density = FullCategoricalDensity(ties=ties, alpha=0).fit(X)
    assert_allclose(
        np.exp(density.score_samples([[0, 0], [0, 1], [1, 0], [1, 1]])), [0.25, 0.25, 0.25, 0.25]
    )
    flat = FullCategoricalDensity(ties=ties.ravel(), alpha=0).fit(X)
    assert_allclose(flat.score_samples(X), density.score_samples(X))
    assert density.n_parameters_ == 2


def test_ties_that_tie_nothing_change_nothing():
    X = np.random.default_rng(0).integers(0, 3, size=(40, 2))
    tied = FullCategoricalDensity(ties=np.arange(9).reshape(3, 3), alpha=2).fit(X)
    free = FullCategoricalDensity(n_categories=3, alpha=2).fit(X)
    assert_allclose(tied.score_samples(X), free.score_samples(X))
    assert tied.n_parameters_ == free.n_parameters_


# ---------------------------------------------------------------------- refusals
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"ties": [0, 0, 1]}, r"ties must give a group label .* of shape \(2, 4\) or \(8,\)"),
        ({"ties": np.zeros((2, 4))}, "ties must hold integer group labels, got dtype float64"),
        ({"n_categories": [2, 4, 4]}, "n_categories must be .* or 2 of them, one per column"),
        ({"n_categories": [2.0, 4.0]}, "n_categories must be"),
        ({"n_categories": [0, 4]}, "n_categories must be"),
        ({"n_categories": 3}, "column 1 holds 3, but the categories known there are 0 to 2"),
        ({"n_categories": -3}, "n_categories"),
        ({"alpha": -1.0}, "'alpha' parameter"),
        ({"alpha": None}, "'alpha' parameter"),
    ],
)
def test_invalid_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        FullCategoricalDensity(**parameters).fit([[0, 3], [1, 0]])


# ---------------------------------------------------------------------- missing values
def incomplete_rows(n_rows, n_columns, n_categories, seed):
    """Random rows with missing values, after a complete one."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, n_categories, (n_rows, n_columns)).astype(float)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[0] = 0
    return X


def test_incomplete_rows_are_explained_by_common_states():
    X = np.array([[1, np.nan], [np.nan, 1]])
    density = FullCategoricalDensity(n_categories=2, alpha=0, tol=1e-12).fit(X)
    assert_allclose(np.exp(density.score_samples([[1, 1]])), 1, atol=1e-3)  # explains both
    density = FullCategoricalDensity(n_categories=2, alpha=0).fit([[0, 1], [1, 0], [1, np.nan]])
    # The complete row that starts with a one decides how the incomplete one is completed.
    assert_allclose(np.exp(density.score_samples([[1, 0]])), 2 / 3, atol=1e-3)


@given(seed=st.integers(0, 2**16), alpha=st.sampled_from([0.0, 2.0]))
@settings(max_examples=3)
def test_the_maximum_is_global(seed, alpha):
    """The objective is concave in the probabilities, so no others are better."""
    X = incomplete_rows(15, 3, 2, seed)
    density = FullCategoricalDensity(n_categories=2, alpha=alpha, tol=1e-10, max_iter=20_000).fit(X)
    states = all_states((2, 2, 2))
    agree = agreement(states, X)

    def objective(probability):
        with np.errstate(divide="ignore", invalid="ignore"):
            prior = alpha / 8 * np.sum(np.log(probability)) if alpha else 0.0
            return np.sum(np.log(agree @ probability)) + prior

    probability = np.exp(density.score_samples(states))
    rng = np.random.default_rng(seed)
    for other in rng.dirichlet(np.ones(8), size=20):
        for step in (1e-3, 0.1, 1):
            moved = (1 - step) * probability + step * other
            assert objective(moved) <= objective(probability) + 1e-5


@example(seed=433, alpha=0.0)
@given(seed=st.integers(0, 2**16), alpha=st.sampled_from([0.0, 1.0]))
@settings(max_examples=5)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("few_rows", [0, 100])
def test_unlisted_states_share_a_probability(few_rows, seed, alpha):
    X = incomplete_rows(25, 4, 2, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_full_categorical, "LISTED_CELLS", 60)
        patch.setattr(_state_table, "FEW_ROWS", few_rows)  # both ways to find matching states
        density = FullCategoricalDensity(n_categories=2, alpha=alpha, tol=1e-5, max_iter=100).fit(X)
        assert np.diff(density.lower_bounds_).min(initial=0) > -1e-8
        states = all_states((2, 2, 2, 2))
        probability = np.exp(density.score_samples(states))
        assert_allclose(probability.sum(), 1, atol=1e-10)
        query = incomplete_rows(10, 4, 2, seed + 1)
        agree = agreement(states, query)
        with np.errstate(divide="ignore"):
            assert_allclose(
                density.score_samples(query), np.log(agree @ probability), rtol=0, atol=1e-9
            )
        possible = agree @ probability > 0
        query, agree = query[possible], agree[possible]
        weight = agree * probability / (agree @ probability)[:, np.newaxis]
        assert_allclose(density.conditional_mean(query), weight @ states, atol=1e-9)
        mode = density.conditional_mode(query)
        assert_allclose(np.exp(density.score_samples(mode)), (agree * probability).max(axis=1))
        drawn = density.conditional_sample(np.repeat(query[:1], 4000, axis=0), random_state=seed)
        share = np.bincount(drawn.astype(int) @ [8, 4, 2, 1], minlength=16) / 4000
        assert_allclose(share, weight[0], atol=0.05)


def test_queries_of_many_columns_are_answered():
    """Of 2**784 states, those that a row allows cannot be listed."""
    rng = np.random.default_rng(0)
    X = hide(rng.random((300, 784)) < 0.3, 0.2)
    density = FullCategoricalDensity(n_categories=2).fit(X)
    assert np.isfinite(density.score(X))
    assert not np.isnan(density.conditional_sample(X[:20], random_state=0)).any()
    assert not np.isnan(density.conditional_mean(X[:20])).any()
    complete = (rng.random((300, 2000)) < 0.3).astype(np.uint8)
    density = FullCategoricalDensity(n_categories=2).fit(complete)
    query = complete[:50].astype(float)
    query[:, 100:] = np.nan
    assert_array_equal(density.conditional_mode(query), complete[:50])
    assert_allclose(density.score_samples(query), np.log(1 / 301), rtol=1e-6)


def test_draws_are_right_where_a_row_is_very_improbable():
    """The probabilities of its states vanish beside those of the others."""
    states = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    density = FullCategoricalDensity(alpha=0).fit(states, sample_weight=[1, 1, 1e-40, 3e-40])
    drawn = density.conditional_sample(np.tile([1, np.nan], (4000, 1)), random_state=0)
    assert_allclose(drawn[:, 1].mean(), 0.75, atol=0.03)
