"""Missing values in every density: exact queries against enumeration, and learning by EM."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skdgm import ChainRuleDensity, MixtureDensity
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
)
from .rows import agreement, assert_drawn_from, hide

# Independent columns are counted as they are; all other densities iterate.
INDEPENDENT = {"bernoulli", "bernoulli-bounds", "chain-0", "gaussian-diag", "gaussian-spherical"}
DIRECT = [case for case in CASES if case.name in INDEPENDENT]
ITERATED = [
    case for case in CASES if case.name not in INDEPENDENT and hasattr(case.density, "max_iter")
]
unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def incomplete_rows(case, n_rows, seed, share=0.5):
    """New rows of the case, of which any value may be missing."""
    return hide(case.data(n_rows, seed=seed), share, seed)


def possible_rows(case, n_rows, seed):
    """Rows with missing values that have a completion of positive probability."""
    X = incomplete_rows(case, n_rows, seed)
    return X[case.fitted.score_samples(X) > -np.inf]


def conditionals(case, X):
    """Probability of each state given each row, by enumeration."""
    joint = agreement(case.states, X) * case.probability
    return joint / joint.sum(axis=1, keepdims=True)


# ---------------------------------------------------------------------- queries
@cases(DISCRETE_CASES)
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_scores_are_sums_over_completions(case, seed, share):
    X = incomplete_rows(case, 24, seed, share)
    with np.errstate(divide="ignore"):
        expected = np.log(agreement(case.states, X) @ case.probability)
    assert_allclose(case.fitted.score_samples(X), expected, rtol=0, atol=1e-9)


@cases(NORMAL_CASES)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_scores_are_densities_of_the_observed_columns(case, seed, share):
    density = case.fitted
    covariance = density.get_covariance()
    X = incomplete_rows(case, 8, seed, share)
    for row, log_prob in zip(X, density.score_samples(X), strict=True):
        seen = np.flatnonzero(~np.isnan(row))
        expected = 0.0
        if len(seen):
            normal = stats.multivariate_normal(density.mean_[seen], covariance[np.ix_(seen, seen)])
            expected = normal.logpdf(row[seen])
        assert_allclose(log_prob, expected, rtol=1e-9, atol=1e-9)


@cases(DISCRETE_CASES)
@settings(max_examples=2)
@given(seed=st.integers(0, 2**16))
def test_means_and_modes_agree_with_enumeration(case, seed):
    X = possible_rows(case, 18, seed)
    probability = conditionals(case, X)
    assert_allclose(case.fitted.conditional_mean(X), probability @ case.states, atol=1e-9)
    at_mode = agreement(case.states, case.fitted.conditional_mode(X))
    assert_allclose(probability[at_mode], probability.max(axis=1), rtol=1e-9)


@cases(DISCRETE_CASES)
def test_draws_agree_with_enumeration(case):
    X = possible_rows(case, 4, seed=1)
    for row, probability in zip(X, conditionals(case, X), strict=True):
        drawn = case.fitted.conditional_sample(np.tile(row, (20_000, 1)), random_state=1)
        place = np.ravel_multi_index(tuple(drawn.T.astype(int)), (case.n_categories,) * len(row))
        assert_drawn_from(probability, np.bincount(place, minlength=len(probability)))


@cases(NORMAL_CASES)
def test_conditionals_of_normals_follow_the_formulas(case):
    density = case.fitted
    mean, covariance = density.mean_, density.get_covariance()
    row = case.data(1, seed=4)[0]
    row[[0, 2]] = np.nan
    a, b = [1], [0, 2]
    gain = covariance[np.ix_(b, a)] / covariance[1, 1]
    expected = mean[b] + gain @ (row[a] - mean[a])
    spread = covariance[np.ix_(b, b)] - gain @ covariance[np.ix_(a, b)]
    assert_allclose(density.conditional_mean([row])[0, b], expected, rtol=1e-9)
    assert_allclose(density.conditional_mode([row])[0, b], expected, rtol=1e-9)
    drawn = density.conditional_sample(np.tile(row, (40_000, 1)), random_state=0)
    assert_array_equal(drawn[:, 1], row[1])
    scale = np.sqrt(np.diag(spread))
    assert_allclose((drawn[:, b].mean(axis=0) - expected) / scale, 0, atol=0.03)
    assert_allclose((np.cov(drawn[:, b].T) - spread) / np.outer(scale, scale), 0, atol=0.05)


@cases(
    [case for case in DISCRETE_CASES if case.n_categories == 2 and "unsmoothed" not in case.name]
)
@settings(max_examples=2)
@given(seed=st.integers(0, 2**16))
def test_the_chain_rule_holds_in_any_order(case, seed):
    density = case.fitted
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 2, (4, case.n_columns)).astype(float)
    log_prob, rows = np.zeros(4), np.full(X.shape, np.nan)
    orders = rng.permuted(np.tile(np.arange(case.n_columns), (4, 1)), axis=1)
    for columns in orders.T:  # log p(x_b | x_a), one column at a time, another in each row
        place = np.arange(4), columns
        p_one = density.conditional_mean(rows)[place]
        log_prob += np.log(np.where(X[place] == 1, p_one, 1 - p_one))
        rows[place] = X[place]
        assert_allclose(density.score_samples(rows), log_prob, atol=1e-9)


@cases(CASES)
def test_rows_without_observed_values_follow_the_density_itself(case):
    density = case.fitted
    nothing = np.full((3, case.n_columns), np.nan)
    assert_allclose(density.score_samples(nothing), 0, atol=1e-12)
    drawn = density.conditional_sample(np.repeat(nothing, 5000, axis=0), random_state=1)
    sampled = density.sample(15_000, random_state=2)
    scale = sampled.std(axis=0) + 1e-12
    assert_allclose((drawn.mean(axis=0) - sampled.mean(axis=0)) / scale, 0, atol=0.05)
    assert_allclose(
        density.conditional_mean(nothing)[0], drawn.mean(axis=0), atol=0.05 * scale.max()
    )


@cases(CASES)
def test_no_rows_have_no_answers(case):
    """A component of a mixture may be asked about none of the rows."""
    density = case.fitted
    for codes in (density._encode(case.data(3)), density._encode(incomplete_rows(case, 3, 0))):
        nothing = codes[:0]
        assert density._log_prob(nothing).shape == (0,)
        for completed in (
            density._mean_missing(nothing),
            density._mode_missing(nothing),
            density._sample_missing(nothing, np.random.default_rng(0)),
        ):
            assert completed.shape == (0, case.n_columns)


def test_components_without_rows_are_asked_nothing():
    X = np.repeat([[0, 0, 0], [1, 1, 1]], 20, axis=0)
    mixture = MixtureDensity(ChainRuleDensity(order=1), random_state=0).fit(X)
    mixture.weights_ = np.array([1.0, 0.0])
    rows = np.array([[0, 0, np.nan], [1, np.nan, np.nan]])
    expected = mixture.densities_[0].conditional_mean(rows)
    assert_allclose(mixture.conditional_mean(rows), expected)
    assert np.isin(mixture.conditional_sample(rows, random_state=0), [0, 1]).all()


@cases(CASES)
def test_observed_values_stay(case):
    density = case.fitted
    X = incomplete_rows(case, 40, 5)
    kept = X.copy()
    X.flags.writeable = False
    for completed in (
        density.conditional_mean(X),
        density.conditional_mode(X),
        density.conditional_sample(X, random_state=0),
    ):
        assert completed.shape == X.shape
        assert not np.isnan(completed).any()
        assert_array_equal(completed[~np.isnan(X)], X[~np.isnan(X)])
    assert_array_equal(X, kept)
    assert_array_equal(
        density.conditional_sample(X, random_state=0), density.conditional_sample(X, random_state=0)
    )
    complete = case.data(5)
    for completed in (density.conditional_mode(complete), density.conditional_sample(complete)):
        assert_array_equal(completed, complete)
        assert completed.dtype == complete.dtype
        assert completed is not complete
    assert density.conditional_mean(complete).dtype.kind == "f"


@unconverged
@cases(CASES)
def test_threads_change_nothing(case, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK_CELLS", 7 * case.n_columns)  # blocks of seven rows
    X, density = case.incomplete_data(30), few_steps(case.density)
    with parallel_config(backend="threading"):  # also classifiers, for processes start slowly
        models = [clone(density).set_params(n_jobs=n_jobs).fit(X) for n_jobs in (None, 2)]
    for call in ("score_samples", "conditional_mean", "conditional_mode"):
        assert_array_equal(getattr(models[1], call)(X), getattr(models[0], call)(X))
    first, second = (model.conditional_sample(X, random_state=3) for model in models)
    assert_array_equal(first, second)


@unconverged
@cases(FAMILY_CASES)
def test_every_form_of_missing_values_gives_the_same_model(case):
    X, density = case.incomplete_data(), few_steps(case.density)
    scores = clone(density).fit(X).score_samples(X)
    objects = X.astype(object)
    objects[np.isnan(X)] = None
    forms = [objects, pd.DataFrame(X), X.tolist(), np.asfortranarray(X)]
    if case.n_categories is not None:
        forms.append(pd.DataFrame(X).astype("Int64"))
        forms.append(X.astype(np.float32))
    for form in forms:
        assert_allclose(clone(density).fit(form).score_samples(form), scores, rtol=1e-9, atol=1e-12)


@cases(CASES)
def test_pickled_models_are_the_same(case):
    X, density = case.incomplete_data(), case.fitted
    loaded = pickle.loads(pickle.dumps(density))
    assert_array_equal(loaded.conditional_mean(X), density.conditional_mean(X))
    assert_array_equal(loaded.conditional_sample(X, 2), density.conditional_sample(X, 2))


UNSMOOTHED = [case for case in DISCRETE_CASES if case.name.endswith("unsmoothed")]


@cases([case for case in UNSMOOTHED if not case.name.startswith("categorical")])  # independent
def test_rows_of_probability_zero_have_no_completions(case):
    X = np.zeros((4, case.n_columns))
    X[:2] = 1
    density = clone(case.density).fit(X)
    impossible = np.full((3, case.n_columns), np.nan)
    impossible[2, :2] = 0, 1
    assert density.score_samples(impossible)[2] == -np.inf
    for call in (
        density.conditional_sample,
        density.conditional_mean,
        density.conditional_mode,
    ):
        with pytest.raises(ValueError, match="probability zero under the model: row 2"):
            call(impossible)


# ---------------------------------------------------------------------- learning
@cases(CASES)
def test_a_column_without_observed_values_is_refused(case):
    X = case.incomplete_data()
    X[:, 1] = np.nan
    density = clone(case.density)
    for name in ("fit", "partial_fit"):
        if hasattr(density, name):
            with pytest.raises(ValueError, match="no observed value in column 1, "):
                getattr(density, name)(X)
    names = [f"feature {j}" for j in range(case.n_columns)]
    with pytest.raises(ValueError, match=r"no observed value in column 1 \('feature 1'\)"):
        density.fit(pd.DataFrame(X, columns=names))
    assert vars(density).keys() == density.get_params(deep=False).keys()


def has_no_objective(case):
    """True if no objective is known that every step raises: classifiers and averages have none."""
    return isinstance(case.density, ChainRuleDensity) or case.name == "mixture-bagging"


@unconverged
@cases([case for case in ITERATED if not has_no_objective(case)])
@settings(max_examples=3)
@given(seed=st.integers(0, 2**16), share=st.floats(0.1, 0.6))
def test_the_objective_never_falls(case, seed, share):
    density = clone(case.density).set_params(tol=0, max_iter=15)
    density.fit(case.incomplete_data(seed=seed, share=share))
    assert len(density.lower_bounds_) == density.n_iter_
    assert np.diff(density.lower_bounds_).min() > -1e-8


@unconverged
@pytest.mark.parametrize("name", ["chain-1-unsmoothed", "full-unsmoothed", "gaussian"])
def test_the_objective_is_the_likelihood_of_what_was_observed(name):
    case = next(case for case in ITERATED if case.name == name)
    X = case.incomplete_data()
    prior = {"reg_covar": 0} if case.n_categories is None else {"alpha": 0}
    previous = clone(case.density).set_params(**prior, tol=0, max_iter=7).fit(X)
    density = clone(case.density).set_params(**prior, tol=0, max_iter=8).fit(X)
    assert_allclose(density.lower_bounds_[-1], previous.score(X), rtol=1e-10)
    assert density.score(X) >= previous.score(X) - 1e-12


@cases(ITERATED)
def test_steps_are_counted_and_printed(case, capsys):
    X = case.incomplete_data()
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps to tol"):
        density = clone(case.density).set_params(max_iter=1, verbose=1).fit(X)
    assert density.n_iter_ == len(density.lower_bounds_) == 1
    assert f"EM step 1: {density.lower_bounds_[0]:.6f} nats per row" in capsys.readouterr().out
    if case in ADDITIVE_CASES:  # complete rows are counted in one step
        complete = clone(case.density).fit(case.data())
        assert complete.n_iter_ == 1
        assert len(complete.lower_bounds_) == 0


@cases(DIRECT)
def test_independent_columns_are_counted_as_they_are(case):
    X = case.incomplete_data()
    density = clone(case.density).fit(X)
    batched = clone(case.density)
    for rows in (slice(0, 10), slice(10, 11), slice(11, 60)):
        batched.partial_fit(X[rows])
    assert_allclose(batched.score_samples(X), density.score_samples(X), rtol=1e-9, atol=1e-12)
    if case.name != "gaussian-diag":  # whose shrinkage looks at all columns together
        for column in range(case.n_columns):
            seen = X[~np.isnan(X[:, column])]
            alone = clone(case.density).fit(seen[:, [column]])
            if case.name == "gaussian-spherical":
                assert_allclose(density.mean_[column], alone.mean_[0])
                continue
            if hasattr(density, "n_categories_"):
                alone = clone(case.density).set_params(n_categories=density.n_categories_)
                alone.fit(seen[:, [column]])
            only = np.full((2, case.n_columns), np.nan)
            only[:, column] = seen[:2, column]
            expected = alone.score_samples(seen[:2, [column]])
            assert_allclose(density.score_samples(only), expected, rtol=1e-9, atol=1e-12)


@unconverged
@cases(CASES)
def test_integer_weights_repeat_rows(case):
    X, density = case.incomplete_data(), few_steps(case.density)
    weight = np.random.default_rng(0).integers(0, 4, size=len(X))
    weight[0] = 1
    repeated = clone(density).fit(np.repeat(X, weight, axis=0))
    weighted = clone(density).fit(X, sample_weight=weight)
    Q = X[weight > 0]
    assert_allclose(weighted.score_samples(Q), repeated.score_samples(Q), rtol=1e-6, atol=1e-6)


@unconverged
@cases(ADDITIVE_CASES)
def test_batches_may_follow_a_fit_to_missing_values(case):
    X = case.incomplete_data(200)
    density = clone(case.density).fit(X[:100])
    before = density.score(X[100:])
    density.partial_fit(X[100:])  # with missing values
    assert density.score(X[100:]) > before - 0.05
    density.partial_fit(case.data(50, seed=9))  # complete
    if case.n_categories is not None:
        total = np.exp(density.score_samples(case.states)).sum()
        assert_allclose(total, 1, atol=1e-10)


@unconverged
@cases([case for case in ADDITIVE_CASES if not case.name.endswith(("unsmoothed", "bounds"))])
def test_a_planted_model_is_recovered(case):
    """The divergence from the planted model falls with the sample, and beats imputation first."""
    planted = case.fitted
    held_out = planted.sample(20_000, random_state=1)
    divergence, imputed = [], None
    for n_samples in (200, 10_000):
        X = hide(planted.sample(n_samples, random_state=2), 0.3, seed=3)
        learned = clone(case.density).fit(X)
        divergence.append(planted.score(held_out) - learned.score(held_out))
        mean = np.nanmean(X, axis=0)
        mean = mean if case in CONTINUOUS_CASES else np.round(mean)
        imputed = clone(case.density).fit(np.where(np.isnan(X), mean, X))
    assert divergence[1] < min(0.03, divergence[0])
    assert planted.score(held_out) - imputed.score(held_out) > divergence[1]
