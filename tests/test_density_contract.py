"""The contract of every density, on each case: the mathematics, then the conventions."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skdgm import MarkovChainImageDensity
from skdgm.density._engine import blocks as _blocks

from .estimators import (
    ADDITIVE_CASES,
    CASES,
    CONTINUOUS_CASES,
    DISCRETE_CASES,
    FAMILY_CASES,
    NORMAL_CASES,
    cases,
    few_steps,
    smallest_instance,
)
from .rounding import assert_equal_to_rounding
from .rows import assert_drawn_from

unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def assert_same_model(first, second, X):
    assert_allclose(first.score_samples(X), second.score_samples(X), rtol=1e-10, atol=1e-10)
    assert first.n_parameters_ == second.n_parameters_


# ---------------------------------------------------------------------- mathematics
@cases(DISCRETE_CASES)
def test_probabilities_of_all_states_sum_to_one(case):
    log_prob = case.fitted.score_samples(case.states)
    assert not np.isnan(log_prob).any()
    assert_allclose(np.exp(log_prob).sum(), 1, rtol=0, atol=1e-10)


@cases(NORMAL_CASES)
def test_log_densities_agree_with_scipy(case):
    density = case.fitted
    normal = stats.multivariate_normal(density.mean_, density.get_covariance())
    X = case.data(20, seed=1)
    assert_allclose(density.score_samples(X), normal.logpdf(X), rtol=1e-9, atol=1e-12)


@cases(DISCRETE_CASES)
def test_sampled_frequencies_match_probabilities(case):
    X = case.fitted.sample(40_000, random_state=7)
    place = np.ravel_multi_index(tuple(X.T.astype(int)), (case.n_categories,) * case.n_columns)
    assert_drawn_from(case.probability, np.bincount(place, minlength=len(case.probability)))


@cases(NORMAL_CASES)
def test_sampled_moments_match(case):
    density = case.fitted
    X = density.sample(40_000, random_state=7)
    covariance = density.get_covariance()
    scale = np.sqrt(np.diag(covariance))
    assert_allclose((X.mean(axis=0) - density.mean_) / scale, 0, atol=0.03)
    assert_allclose((np.cov(X.T) - covariance) / np.outer(scale, scale), 0, atol=0.05)
    log_prob = density.score_samples(X)  # its mean is minus the entropy
    entropy = stats.multivariate_normal(density.mean_, covariance).entropy()
    assert_allclose(log_prob.mean(), -entropy, atol=0.05)


# ---------------------------------------------------------------------- one mechanism for all fits
@cases(ADDITIVE_CASES)
@settings(max_examples=4)
@given(cuts=st.lists(st.integers(1, 59), max_size=6, unique=True))
def test_batches_give_the_model_of_one_fit(case, cuts):
    X = case.data()
    edges = [0, *sorted(cuts), len(X)]
    batched = clone(case.density)
    for start, stop in itertools.pairwise(edges):
        batched.partial_fit(X[start:stop])
    assert_same_model(batched, case.fitted, X)


@cases(ADDITIVE_CASES)
def test_batches_of_one_row_give_the_model_of_one_fit(case):
    X = case.data(20)
    batched = clone(case.density)
    for row in X:
        batched.partial_fit(row[np.newaxis])
    assert_same_model(batched, clone(case.density).fit(X), X)


@cases(ADDITIVE_CASES)
def test_partial_fit_continues_after_fit(case):
    X = case.data()
    continued = clone(case.density).fit(X[:25]).partial_fit(X[25:])
    assert_same_model(continued, case.fitted, X)


@cases(ADDITIVE_CASES)
@settings(max_examples=4)
@given(seed=st.integers(0, 2**16))
def test_integer_weights_repeat_rows(case, seed):
    X = case.data()
    weight = np.random.default_rng(seed).integers(0, 4, size=len(X))
    weight[0] = 1  # at least one row counts
    repeated = clone(case.density).fit(np.repeat(X, weight, axis=0))
    weighted = clone(case.density).fit(X, sample_weight=weight)
    assert_same_model(weighted, repeated, X[weight > 0])


@cases(ADDITIVE_CASES)
def test_weighted_batches_give_the_model_of_one_weighted_fit(case):
    X = case.data()
    weight = np.random.default_rng(3).random(len(X))
    batched = clone(case.density)
    for rows in (slice(0, 10), slice(10, 45), slice(45, 60)):
        batched.partial_fit(X[rows], sample_weight=weight[rows])
    assert_same_model(batched, clone(case.density).fit(X, sample_weight=weight), X)


@unconverged
@cases(CASES)
def test_threads_change_nothing(case, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_CELLS", 7 * case.n_columns)  # blocks of seven rows
    X, density = case.data(30), few_steps(case.density)
    with parallel_config(backend="threading"):  # also classifiers, for processes start slowly
        models = [clone(density).set_params(n_jobs=n_jobs).fit(X) for n_jobs in (None, 2)]
    for model in models[1:]:
        assert_equal_to_rounding(model.score_samples(X), models[0].score_samples(X))
        assert_equal_to_rounding(
            model.sample(30, random_state=1), models[0].sample(30, random_state=1)
        )
    monkeypatch.undo()
    assert_same_model(models[0], clone(density).fit(X), X)


# ---------------------------------------------------------------------- conventions
@cases(CASES)
def test_score_aic_and_bic_follow_from_score_samples(case):
    X, density = case.data(), case.fitted
    log_prob = density.score_samples(X)
    assert log_prob.shape == (len(X),)
    assert log_prob.dtype == np.float64
    assert_allclose(density.score(X), log_prob.mean())
    assert_allclose(density.aic(X), 2 * density.n_parameters_ - 2 * log_prob.sum())
    assert_allclose(density.bic(X), np.log(len(X)) * density.n_parameters_ - 2 * log_prob.sum())
    assert isinstance(density.n_parameters_, int)


@cases(CASES)
def test_input_is_left_unchanged_and_may_be_read_only(case):
    X = case.data()
    kept = X.copy()
    X.flags.writeable = False
    density = clone(case.density).fit(X)
    density.score_samples(X)
    density.fit(np.asfortranarray(X))
    assert_array_equal(X, kept)


@cases(CASES)
def test_memory_maps_are_accepted(case, tmp_path):
    X = case.data()
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert_same_model(clone(case.density).fit(mapped), case.fitted, X)


@cases(CASES)
@pytest.mark.parametrize("random_state", [0, "RandomState", "Generator", None])
def test_random_states_decide_the_samples(case, random_state):
    make = {"RandomState": np.random.RandomState, "Generator": np.random.default_rng}
    source = make[random_state](3) if random_state in make else random_state
    again = make[random_state](3) if random_state in make else random_state
    density = case.fitted
    X = density.sample(30, random_state=source)
    assert X.shape == (30, case.n_columns)
    if random_state is not None:
        assert_array_equal(X, density.sample(30, random_state=again))
    if random_state != 0:  # a source moves on, and None draws afresh
        assert not np.array_equal(X, density.sample(30, random_state=source))


def test_none_follows_the_global_seed_of_numpy():
    density = CASES[0].fitted
    np.random.seed(5)
    first = density.sample(20)
    np.random.seed(5)
    assert_array_equal(density.sample(20), first)


@cases([case for case in FAMILY_CASES if case in DISCRETE_CASES])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.float32, np.float64])
def test_samples_have_the_training_dtype(case, dtype):
    X = case.data().astype(dtype)
    density = clone(case.density).fit(X)
    assert density.sample(5, random_state=0).dtype == dtype
    assert_same_model(density, case.fitted, X)


@cases(CONTINUOUS_CASES)
def test_continuous_samples_are_floats(case):
    X = case.data()
    assert clone(case.density).fit(X).sample().dtype == np.float64
    assert clone(case.density).fit(X.astype(np.float32)).sample().dtype == np.float32
    of_integers = clone(case.density).fit((100 * X).astype(int)).sample()
    assert of_integers.dtype == (int if case.name == "table" else np.float64)  # as it came


@unconverged
@cases(CONTINUOUS_CASES)
def test_half_precision_is_a_form_of_the_data_only(case):
    """Queries of float16 are computed with as float64, and what float16 cannot hold is wider."""
    X = case.data(80) * 2e4
    X = X[(np.abs(X) < 6e4).all(axis=1)]
    density = clone(case.density).fit(X)
    half = X[:30].astype(np.float16)
    half[::2, 0] = half[1::3, 1:] = np.nan
    exact = half.astype(np.float64)
    assert_array_equal(density.score_samples(half), density.score_samples(exact))
    for call, options in [
        ("conditional_mean", {}),
        ("conditional_mode", {}),
        ("conditional_sample", {"random_state": 0}),
    ]:
        completed = getattr(density, call)(half, **options)
        assert_allclose(completed, getattr(density, call)(exact, **options), rtol=1e-3)
    drawn = clone(case.density).fit(half).sample(300, random_state=0)
    assert np.isfinite(drawn).all()
    assert clone(case.density).fit(half / 1e3).sample(9).dtype == np.float16


@cases(CASES)
def test_pickled_models_are_the_same(case):
    X, density = case.data(), case.fitted
    loaded = pickle.loads(pickle.dumps(density))
    assert_array_equal(loaded.score_samples(X), density.score_samples(X))
    assert_array_equal(loaded.sample(9, random_state=2), density.sample(9, random_state=2))
    if hasattr(density, "partial_fit"):
        learned_on = clone(case.density).fit(X).partial_fit(X)
        assert_same_model(loaded.partial_fit(X), learned_on, X)


# ---------------------------------------------------------------------- extremes and bad input
@cases(CASES)
def test_one_row_is_enough(case):
    X = case.data(1)
    density = clone(case.density).fit(X)
    assert np.isfinite(density.score(X))
    assert density.sample(3, random_state=0).shape == (3, case.n_columns)


@cases(CASES)
def test_constant_columns_are_accepted(case):
    X = np.zeros((6, case.n_columns))
    density = clone(case.density).fit(X)
    assert np.isfinite(density.score(X))
    assert np.isfinite(density.sample(4, random_state=0)).all()


@pytest.mark.parametrize("family", sorted({type(case.density) for case in CASES}, key=str))
def test_one_column_is_enough(family):
    density = smallest_instance(family)
    X = np.array([[0], [1], [1], [0], [1]])
    density.fit(X)
    assert np.isfinite(density.score_samples(X)).all()
    assert density.sample(3, random_state=0).shape == (3, 1)


@cases(CASES)
def test_infinity_is_refused(case):
    X = case.data().astype(float)
    density = case.copy_of_fitted()
    before = density.score_samples(X)
    X_bad = X.copy()
    X_bad[3, 1] = np.inf
    completions = ("conditional_sample", "conditional_mean", "conditional_mode")
    for name in ("fit", "partial_fit", "score_samples", *completions):
        if hasattr(density, name):
            with pytest.raises(ValueError, match="infinity"):
                getattr(density, name)(X_bad)
    assert_array_equal(density.score_samples(X), before)  # the model is unchanged


@cases(CASES)
def test_invalid_shapes_and_types_are_refused(case):
    X = case.data()
    density = case.copy_of_fitted()
    with pytest.raises(ValueError, match="Complex data not supported"):
        density.fit(X.astype(complex))
    with pytest.raises(ValueError, match="0 sample"):
        density.fit(X[:0])
    with pytest.raises(ValueError, match="0 feature"):
        density.fit(X[:, :0])
    with pytest.raises(ValueError, match=r"X has \d features, but \w+ is expecting \d features"):
        density.score_samples(X[:, 1:])
    with pytest.raises(ValueError, match="Reshape your data"):
        density.fit(X[0])
    with pytest.raises(ValueError, match="n_samples must be an integer of 1 or more, got 0"):
        density.sample(0)
    with pytest.raises(ValueError, match="random_state must be"):
        density.sample(1, random_state="seed")
    with pytest.raises(ValueError, match="random_state must be 0 or a larger integer"):
        density.sample(1, random_state=-1)


@cases(CASES)
def test_invalid_weights_are_refused(case):
    X = case.data()
    density = case.copy_of_fitted()
    before = density.score_samples(X)
    negative = np.ones(len(X))
    negative[4] = -1
    with pytest.raises(ValueError, match="Negative values in sample_weight: row 4 has weight -1"):
        density.fit(X, sample_weight=negative)
    with pytest.raises(ValueError, match="zero"):
        density.fit(X, sample_weight=np.zeros(len(X)))
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        density.fit(X, sample_weight=np.ones(3))
    assert_array_equal(density.score_samples(X), before)


@cases(CASES)
def test_a_failed_fit_leaves_no_attributes(case):
    X = case.data()
    density = clone(case.density)
    with pytest.raises(ValueError, match="zero"):
        density.fit(X, sample_weight=np.zeros(len(X)))
    assert vars(density).keys() == density.get_params(deep=False).keys()
    with pytest.raises(NotFittedError):
        density.score_samples(X)
    with pytest.raises(NotFittedError):
        density.sample()
    with pytest.raises(NotFittedError):
        density.conditional_mean(X)


@cases([case for case in DISCRETE_CASES if "bernoulli" not in repr(case.density).lower()])
def test_invalid_categories_are_refused(case):
    X = case.data().astype(float)
    density = clone(case.density).fit(X)
    before = density.score_samples(X)
    for value, message in [
        (-1.0, r"Negative values in data: row 3, column 1 holds -1"),
        (0.5, r"not integers in X: row 3, column 1 holds 0\.5"),
    ]:
        X_bad = X.copy()
        X_bad[3, 1] = value
        for name in ("fit", "partial_fit", "score_samples"):
            if hasattr(density, name):
                with pytest.raises(ValueError, match=message):
                    getattr(density, name)(X_bad)
    X_bad = X.copy()
    for value in (case.n_categories, 1_000_000_000):
        X_bad[3, 1] = value
        with pytest.raises(ValueError, match=rf"column 1 holds {value}, but"):
            density.score_samples(X_bad)
    assert_array_equal(density.score_samples(X), before)


@pytest.mark.parametrize("n_categories", [200, 300])
def test_samples_hold_every_category(n_categories):
    X = np.zeros((10, 2), dtype=np.int8)
    density = MarkovChainImageDensity(order=0, n_categories=n_categories).fit(X)
    drawn = density.sample(2000, random_state=0)
    assert drawn.min() >= 0
    assert drawn.max() > 127
    assert density.score_samples(drawn).min() > -np.inf
