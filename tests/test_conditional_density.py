"""ConditionalDensity: against enumeration, linear regression and the joint density."""

import functools
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone, is_regressor
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import get_tags

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    BinnedDensity,
    CategoricalIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    FullCategoricalDensity,
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
    PoissonIndependentDensity,
    TableDensity,
    TransformedDensity,
)
from skdgm.density import BaseDensity
from skdgm.density._engine import blocks as _blocks

from .estimators import CASES, CONTINUOUS_CASES, DISCRETE_CASES, NORMAL_CASES, cases
from .rounding import assert_equal_to_rounding
from .rows import agreement, assert_drawn_from, hide
from .transformers import LogTransformer


@functools.cache
def fitted(case):
    """The conditional of the last two columns given the others, shared by the tests."""
    X = case.data()
    return ConditionalDensity(clone(case.density)).fit(X[:, :-2], X[:, -2:])


def incomplete_conditions(case, n_rows, seed):
    """All columns but the last two, some of their values missing."""
    return hide(case.data(n_rows, seed=seed)[:, :-2], 0.4, seed)


def product(X, Y):
    """Every row of X with every row of Y."""
    return np.repeat(X, len(Y), axis=0), np.tile(Y, (len(X), 1))


# ---------------------------------------------------------------------- mathematics
@cases(DISCRETE_CASES)
@settings(max_examples=2)
@given(seed=st.integers(0, 2**16))
def test_probabilities_means_and_modes_agree_with_enumeration(case, seed):
    model = fitted(case)
    outputs = case.states[: case.n_categories**2, -2:]  # of the states, these change fastest
    X = incomplete_conditions(case, 15, seed)
    joint = agreement(case.states[:, :-2], X) * np.exp(model.density_.score_samples(case.states))
    expected = joint.reshape(len(X), -1, len(outputs)).sum(axis=1)
    evidence = expected.sum(axis=1, keepdims=True)
    probability = np.exp(model.score_samples(*product(X, outputs))).reshape(expected.shape)
    possible = evidence.ravel() > 0
    assert_array_equal(probability[~possible], 0)
    X, probability = X[possible], probability[possible]
    expected = expected[possible] / evidence[possible]
    assert_allclose(probability, expected, atol=1e-9)
    assert_allclose(probability.sum(axis=1), 1, atol=1e-9)
    if len(X):
        assert_allclose(model.predict(X), expected @ outputs, atol=1e-9)
        at_mode = agreement(outputs, model.predict_mode(X))
        assert_allclose(expected[at_mode], expected.max(axis=1), rtol=1e-9)


@cases([case for case in DISCRETE_CASES if "unsmoothed" not in case.name])
def test_outputs_are_drawn_from_the_conditional(case):
    model = fitted(case)
    outputs = np.unique(case.states[:, -2:], axis=0)
    X = incomplete_conditions(case, 2, seed=3)
    probability = np.exp(model.score_samples(*product(X, outputs))).reshape(len(X), -1)
    drawn = model.sample_y(X, 20_000, random_state=0)
    for expected, own in zip(probability, drawn, strict=True):
        place = np.ravel_multi_index(tuple(own.astype(int)), (case.n_categories,) * 2)
        assert_drawn_from(expected, np.bincount(place, minlength=len(outputs)))


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_normal_predicts_as_linear_regression_does(n_outputs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5)) + 3
    Y = X @ rng.normal(size=(5, n_outputs)) + rng.normal(size=(200, n_outputs)) - 7
    model = ConditionalDensity(GaussianDensity(reg_covar=0)).fit(X, Y)
    regression = LinearRegression().fit(X, Y)
    new = rng.normal(size=(50, 5))
    assert_allclose(model.predict(new), regression.predict(new), rtol=1e-8, atol=1e-8)
    assert_allclose(model.predict_mode(new), regression.predict(new), rtol=1e-8, atol=1e-8)
    residual = Y - regression.predict(X)
    noise = stats.multivariate_normal(np.zeros(n_outputs), residual.T @ residual / len(X))
    assert_allclose(model.score_samples(X, Y), noise.logpdf(residual), rtol=1e-8, atol=1e-8)
    drawn = model.sample_y(new[:1], 40_000, random_state=0)[0]
    assert_allclose(drawn.mean(axis=1), regression.predict(new[:1])[0], atol=0.05)
    assert_allclose(np.cov(drawn), np.atleast_2d(noise.cov).squeeze(), atol=0.05)


@cases(DISCRETE_CASES)
def test_probabilities_of_values_are_sums_over_every_y(case):
    model = fitted(case)
    k = case.n_categories
    outputs = case.states[: k**2, -2:]
    X = incomplete_conditions(case, 20, seed=4)
    joint = np.exp(model.score_samples(*product(X, outputs))).reshape(len(X), -1)
    X, joint = X[possible := joint.any(axis=1)], joint[possible]
    for j, own in enumerate(model.predict_proba(X)):
        expected = [joint[:, outputs[:, j] == value].sum(axis=1) for value in range(k)]
        assert_allclose(own, np.column_stack(expected), atol=1e-9)
        mean = own @ np.arange(k)
        variance = own @ np.arange(k) ** 2 - mean**2
        assert_allclose(model.predict(X, return_std=True)[1][:, j] ** 2, variance, atol=1e-9)


def test_probabilities_of_one_column_have_two_dimensions():
    X = np.random.default_rng(0).integers(0, 2, size=(50, 3))
    model = ConditionalDensity(FullCategoricalDensity()).fit(X[:, :2], X[:, 2])
    proba = model.predict_proba(X[:, :2])
    assert_allclose(proba[:, 1], model.predict(X[:, :2]))
    assert_allclose(proba.sum(axis=1), 1)


SCATTERED = [
    GaussianDensity(),
    GaussianDensity("diag"),
    GaussianDensity("low_rank", n_factors=1),
    MixtureDensity(GaussianDensity(), 3, random_state=0),
    TransformedDensity(StandardScaler(), GaussianDensity()),
    ColumnDensity([("a", GaussianDensity(), [0, 2]), ("b", GaussianDensity(), 1)]),
    BinnedDensity(ChowLiuTreeDensity(), 5),
    MixtureDensity(BinnedDensity(CategoricalIndependentDensity(), 4), random_state=0),
    BaggingDensity(GaussianDensity(), 3, random_state=0),
]


@pytest.mark.parametrize("density", SCATTERED, ids=str)
def test_standard_deviations_are_integrals_over_y(density):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = X @ [1, -2] + np.where(rng.random(300) < 0.3, 8, 0) + 0.5 * rng.normal(size=300)
    model = ConditionalDensity(clone(density)).fit(X, y)
    rows = X[:3].copy()
    rows[1, 0] = np.nan
    mean, std = model.predict(rows, return_std=True)
    assert_array_equal(mean, model.predict(rows))
    low, high = y.min() - 12 * y.std(), y.max() + 12 * y.std()
    grid, step = np.linspace(low, high, 40_001, retstep=True)
    for row, own, spread in zip(rows, mean, std, strict=True):
        probability = np.exp(model.score_samples(np.tile(row, (len(grid), 1)), grid)) * step
        assert_allclose(probability @ (grid - own) ** 2, spread**2, rtol=2e-3)


def test_standard_deviations_of_a_normal_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(100, 5)) @ rng.normal(size=(5, 5)) + 1e6
    model = ConditionalDensity(GaussianDensity()).fit(table[:, :3], table[:, 3:])
    precision = np.linalg.inv(model.density_.get_covariance())
    expected = np.sqrt(np.diag(np.linalg.inv(precision[3:, 3:])))
    std = model.predict(table[:, :3], return_std=True)[1]
    assert_allclose(std, np.tile(expected, (100, 1)), rtol=1e-6)


def test_standard_deviations_of_a_mixture_are_spread_within_and_between():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(90, 3)) + 30 * rng.integers(0, 3, size=90)[:, np.newaxis] + 1e7
    mixture = MixtureDensity(GaussianDensity(), 3, random_state=0)
    model = ConditionalDensity(mixture).fit(table[:, :1], table[:, 1:])
    x = np.array([[np.nan]])
    weight = model.density_.weights_
    means = np.array([part.mean_[1:] - 1e7 for part in model.density_.densities_])
    within = [np.diag(part.get_covariance())[1:] for part in model.density_.densities_]
    variance = weight @ (within + means**2) - (weight @ means) ** 2
    assert_allclose(model.predict(x, return_std=True)[1][0], np.sqrt(variance), rtol=1e-7)


def test_scikit_learn_takes_it_for_a_regressor():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = X @ [1, 2, 3] + rng.normal(size=120)
    model = ConditionalDensity(GaussianDensity(reg_covar=0))
    assert is_regressor(model)
    assert get_tags(model).target_tags.multi_output
    for scoring in ("r2", "neg_mean_squared_error"):
        own, others = (
            cross_val_score(each, X, y, scoring=scoring) for each in (model, LinearRegression())
        )
        assert_allclose(own, others, rtol=1e-8)
    stack = StackingRegressor([("normal", model)], LinearRegression()).fit(X, y)
    bare = StackingRegressor([("line", LinearRegression())], LinearRegression()).fit(X, y)
    assert_allclose(stack.predict(X), bare.predict(X), rtol=1e-8)
    own, others = (
        partial_dependence(each.fit(X, y), X, [1])["average"]
        for each in (model, LinearRegression())
    )
    assert_allclose(own, others, rtol=1e-6, atol=1e-6)
    assert not hasattr(model, "predict_proba")


@cases(CASES)
def test_scores_are_joint_minus_marginal(case):
    model = fitted(case)
    X = incomplete_conditions(case, 30, seed=1)
    Y = case.data(30, seed=1)[:, -2:].astype(float)
    Y[::3, 0] = np.nan  # a part of y may be missing too
    Y[1] = np.nan
    nothing = np.full_like(Y, np.nan)
    joint = model.density_.score_samples(np.hstack([X, Y]))
    marginal = model.density_.score_samples(np.hstack([X, nothing]))
    scores = model.score_samples(X, Y)
    possible = marginal > -np.inf
    assert_allclose(scores[possible], (joint - np.where(possible, marginal, 0))[possible])
    assert_allclose(scores[1], 0 if possible[1] else -np.inf, atol=1e-12)
    assert np.isneginf(scores[~possible]).all()
    assert_array_equal(model.score_samples(X), 0)
    assert_allclose(model.score(X[possible], Y[possible]), scores[possible].mean())


@cases(NORMAL_CASES)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_scores_of_normals_far_out_follow_the_formula(case, n_outputs):
    """At the conditional mean, the log-density is ``-log |2 pi C| / 2``, wherever x is."""
    X = case.data()
    x, y = np.split(X, [3 - n_outputs], axis=1)
    model = ConditionalDensity(clone(case.density)).fit(x, y)
    covariance = model.density_.get_covariance()
    spread = np.linalg.inv(np.linalg.inv(covariance)[-n_outputs:, -n_outputs:])
    expected = -0.5 * np.linalg.slogdet(2 * np.pi * spread)[1]
    rows = 10.0 ** np.arange(0, 300, 20)[:, np.newaxis] * x[3]
    assert_allclose(model.score_samples(rows, model.predict(rows)), expected, rtol=1e-9)
    rows = 10.0 ** np.arange(13)[:, np.newaxis] * x[3]
    outputs = model.predict(rows) + 0.5 * np.sqrt(np.diag(spread))
    residual = outputs - model.predict(rows)
    square = np.einsum("ij,ij->i", residual @ np.linalg.inv(spread), residual)
    assert_allclose(model.score_samples(rows, outputs), expected - square / 2, rtol=1e-9)


@cases([case for case in CONTINUOUS_CASES if case.name != "transformed-power"])
@pytest.mark.parametrize("hole", [False, True])
def test_conditional_densities_far_out_integrate_to_one(case, hole):
    X = case.data(200)
    model = ConditionalDensity(clone(case.density)).fit(X[:, :2], X[:, 2])
    for scale in (1e1, 1e4, 1e7, 1e10):
        x = scale * np.array([[1.0, np.nan if hole else -0.7]])
        y, step = np.linspace(-40, 40, 4001, retstep=True)
        outputs = model.predict(x) + X[:, 2].std() * y
        total = np.exp(model.score_samples(np.repeat(x, len(y), axis=0), outputs)).sum()
        # A sum over a grid meets steps only nearly.
        has_steps = case.name in {"steps", "binned", "mixture-binned", "table", "copula"}
        tolerance = 2e-2 if has_steps else 1e-4
        assert_allclose(total * step * X[:, 2].std(), 1, atol=tolerance)


def test_columns_that_follow_from_others_have_finite_conditionals():
    x = np.random.default_rng(0).normal(size=(50, 2)) * [1, 1e6]
    X, Y = x, np.column_stack([x[:, 0], x @ [1, 2]])
    for covariance_type in ("full", "low_rank"):
        model = ConditionalDensity(GaussianDensity(covariance_type)).fit(X, Y)
        incomplete = hide(X, 0.3, seed=0)
        for conditions in (X, incomplete, 1e6 * X):
            outputs = model.predict(conditions)
            scores = model.score_samples(conditions, outputs)
            assert np.isfinite(scores).all()
            assert (scores >= model.score_samples(conditions, outputs + np.array([1e-3, 0]))).all()


def test_scores_behind_logarithms_far_out_are_those_of_the_logarithms():
    Z = np.random.default_rng(0).normal(size=(200, 2)) @ [[1, 0.5], [0, 1]]
    normal = ConditionalDensity(GaussianDensity()).fit(Z[:, :1], Z[:, 1])
    density = TransformedDensity(LogTransformer(), GaussianDensity())
    model = ConditionalDensity(density).fit(np.exp(Z[:, :1]), np.exp(Z[:, 1]))
    z = np.array([[-600.0], [600.0], [np.nan]])
    log_y = normal.predict(z)
    expected = normal.score_samples(z, log_y) - log_y
    assert_allclose(model.score_samples(np.exp(z), np.exp(log_y)), expected, rtol=1e-9)


def test_missing_values_in_training_are_left_to_the_joint():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(100, 4)) @ rng.normal(size=(4, 4))
    table[rng.random(table.shape) < 0.2] = np.nan
    model = ConditionalDensity(GaussianDensity()).fit(table[:, :2], table[:, 2:])
    joint = GaussianDensity().fit(table)
    assert_allclose(model.density_.mean_, joint.mean_)
    assert_allclose(model.density_.covariance_, joint.covariance_)


ROW, COLUMN = np.divmod(np.arange(64), 8)
MIDDLE = (abs(ROW - 3.5) < 2) & (abs(COLUMN - 3.5) < 2)


@pytest.mark.parametrize("seen", [MIDDLE, ~MIDDLE], ids=["surroundings", "middle"])
def test_trees_know_more_of_missing_pixels_than_the_digit_tells(seen):
    """Uncropping and inpainting beat independence given the class, in nats and in pixels."""
    images, digits = load_digits(return_X_y=True)
    train, test, label, _ = train_test_split(images > 7, digits, random_state=0)
    mixture = MixtureDensity(ChowLiuTreeDensity(), n_components=10, random_state=0)
    model = ConditionalDensity(mixture).fit(train[:, seen], train[:, ~seen])
    independent = GenerativeClassifier(BernoulliIndependentDensity()).fit(train, label)
    observed = np.where(seen, test, np.nan)
    log_prob = independent.score_samples(test) - independent.score_samples(observed)
    assert model.score(test[:, seen], test[:, ~seen]) > log_prob.mean() + 0.5
    given = [density.conditional_mean(observed)[:, ~seen] for density in independent.densities_]
    mean = np.einsum("ic,cij->ij", independent.predict_proba(observed), given)
    wrong = [np.mean((p > 0.5) != test[:, ~seen]) for p in (model.predict(test[:, seen]), mean)]
    assert wrong[0] < 0.9 * wrong[1]


# ---------------------------------------------------------------------- conventions
def test_shapes_agree_with_gaussian_processes():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    for y in (Y, Y[:, 0]):
        model = ConditionalDensity(GaussianDensity()).fit(X, y)
        process = GaussianProcessRegressor().fit(X, y)
        assert model.predict(X[:7]).shape == process.predict(X[:7]).shape
        assert model.predict_mode(X[:7]).shape == process.predict(X[:7]).shape
        for n_samples in (1, 5):
            drawn = model.sample_y(X[:7], n_samples)
            assert drawn.shape == process.sample_y(X[:7], n_samples).shape
        assert model.score_samples(X, y).shape == (20,)
    column = ConditionalDensity(GaussianDensity()).fit(X, Y[:, :1])
    assert column.predict(X).shape == (20, 1)
    assert column.sample_y(X, 4).shape == (20, 1, 4)


def test_integers_come_back_as_integers():
    X = np.random.default_rng(0).integers(0, 3, size=(50, 4))
    model = ConditionalDensity(MarkovChainImageDensity()).fit(X[:, :2], X[:, 2:])
    assert model.predict_mode(X[:, :2]).dtype == X.dtype
    assert model.sample_y(X[:, :2]).dtype == X.dtype
    assert model.predict(X[:, :2]).dtype == np.float64
    normal = ConditionalDensity(GaussianDensity()).fit(X[:, :2], X[:, 2:])
    drawn = normal.sample_y(X[:, :2], random_state=0)
    assert (drawn != np.round(drawn)).all()


def test_the_seed_decides_the_samples():
    case = CASES[0]
    model = fitted(case)
    X = case.data(10)[:, :-2]
    first, again = (model.sample_y(X, 3, random_state=4) for _ in range(2))
    assert_array_equal(first, again)
    assert not np.array_equal(first, model.sample_y(X, 3, random_state=5))


@pytest.mark.parametrize("fractions", [False, True])
def test_integer_weights_repeat_rows(fractions):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    weight = rng.integers(0, 3, size=40)
    repeated = ConditionalDensity(GaussianDensity()).fit(
        np.repeat(X, weight, axis=0), np.repeat(y, weight)
    )
    scale = 0.5 if fractions else 1
    model = ConditionalDensity(GaussianDensity()).fit(X, y, sample_weight=scale * weight)
    assert_allclose(model.predict(X), repeated.predict(X))
    assert_allclose(
        model.score(X, y, sample_weight=weight),
        model.score(np.repeat(X, weight, axis=0), np.repeat(y, weight)),
    )


def test_it_is_searched_piped_cloned_and_pickled():
    rng = np.random.default_rng(0)
    captions = np.array(["a red square", "a blue square", "red", "blue and round"] * 20)
    red = np.char.find(captions, "red") >= 0
    Y = (rng.random((80, 6)) < np.where(red, 0.9, 0.1)[:, np.newaxis]).astype(int)
    dense = FunctionTransformer(lambda words: words.toarray())
    pipeline = make_pipeline(
        CountVectorizer(binary=True), dense, ConditionalDensity(FullCategoricalDensity(alpha=5.0))
    ).fit(captions, Y)
    assert pipeline.predict(["red", "blue"]).shape == (2, 6)
    X = pipeline[:-1].transform(captions)
    search = GridSearchCV(
        ConditionalDensity(ChowLiuTreeDensity(n_categories=2)), {"density__alpha": [1, 1000]}, cv=3
    ).fit(X, Y)
    assert search.best_params_ == {"density__alpha": 1}
    assert_allclose(search.best_score_, search.cv_results_["mean_test_score"].max())
    model = pipeline[-1]
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.score_samples(X, Y), model.score_samples(X, Y))
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


def test_frames_keep_their_names():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(30, 2)), columns=["a", "b"])
    Y = pd.DataFrame(rng.normal(size=(30, 2)), columns=["c", "d"])
    model = ConditionalDensity(GaussianDensity()).fit(X, Y)
    assert list(model.density_.feature_names_in_) == ["a", "b", "c", "d"]
    plain = ConditionalDensity(GaussianDensity()).fit(X.to_numpy(), Y.to_numpy())
    for call in ("predict", "predict_mode"):
        assert_equal_to_rounding(getattr(model, call)(X), getattr(plain, call)(X.to_numpy()))
    assert_equal_to_rounding(
        model.score_samples(X, Y), plain.score_samples(X.to_numpy(), Y.to_numpy())
    )
    assert_equal_to_rounding(
        model.sample_y(X, random_state=0), plain.sample_y(X.to_numpy(), random_state=0)
    )
    with pytest.raises(ValueError, match=r"y has the columns \['d', 'c'\], .* \['c', 'd'\]"):
        model.score_samples(X, Y[["d", "c"]])


def test_repeated_names_and_series_are_accepted():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    before, after = frame[:-1], frame[1:]  # the next row, given this one
    model = ConditionalDensity(GaussianDensity()).fit(before, after)
    plain = ConditionalDensity(GaussianDensity()).fit(before.to_numpy(), after.to_numpy())
    assert_array_equal(model.predict(before), plain.predict(before.to_numpy()))
    blocks = ColumnDensity([("g", GaussianDensity(), ["a", "c"]), ("h", GaussianDensity(), ["b"])])
    series = ConditionalDensity(blocks).fit(frame[["a", "b"]], frame["c"])
    assert series.predict(frame[["a", "b"]]).shape == (40,)
    assert np.isfinite(series.score_samples(frame[["a", "b"]], frame["c"].to_numpy())).all()


def test_modes_of_categories_given_continuous_columns_are_exact():
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.3).astype(float)
    X = np.column_stack([rng.normal(size=600), 2 * y + rng.normal(size=600)])
    blocks = ColumnDensity(
        [("x", GaussianDensity(), [0, 1]), ("y", BernoulliIndependentDensity(), [2])]
    )
    mixture = MixtureDensity(blocks, 3, random_state=0, max_iter=500)
    model = ConditionalDensity(mixture).fit(X, y)
    X[:, 0] = np.nan
    X[::2, 1] = np.nan
    log_prob = [model.score_samples(X, np.full(600, value)) for value in (0, 1)]
    mode = np.argmax(log_prob, axis=0)
    assert_array_equal(model.predict_mode(X), mode)


def test_draws_in_blocks_follow_the_conditional(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    model = ConditionalDensity(GaussianDensity()).fit(X, y)
    monkeypatch.setattr(_blocks, "BLOCK_CELLS", 300)  # two tables at once
    drawn = model.sample_y(X, 2001, random_state=0)
    assert drawn.shape == (30, 2001)
    assert_allclose(drawn.mean(axis=1), model.predict(X), atol=0.15)


# ---------------------------------------------------------------------- refusals
def test_what_a_density_does_not_tell_of_y_is_refused():
    class Silent(PoissonIndependentDensity):
        _moments_missing = BaseDensity._moments_missing

    X = np.random.default_rng(0).poisson(3, size=(30, 3))
    model = ConditionalDensity(Silent()).fit(X[:, :2], X[:, 2])
    with pytest.raises(ValueError, match="does not tell the standard deviation of column 0 of y"):
        model.predict(X[:, :2], return_std=True)
    with pytest.raises(AttributeError) as raised:
        model.predict_proba(X[:, :2])
    assert "column 0 of y cannot be listed" in str(raised.value.__cause__)
    y = np.array(["a", "b"])[X[:, 2] % 2]
    labels = ConditionalDensity(TableDensity(ChowLiuTreeDensity())).fit(X[:, :2], y)
    with pytest.raises(ValueError, match="return_std=True needs a y of numbers; predict_proba"):
        labels.predict(X[:, :2], return_std=True)
    proba = labels.predict_proba(X[:, :2])
    assert_array_equal(labels.predict(X[:, :2]), np.array(["a", "b"])[proba.argmax(axis=1)])


def test_densities_without_missing_values_are_refused():
    X = np.random.default_rng(0).normal(size=(20, 3))
    rotated = TransformedDensity(PCA(), GaussianDensity())
    with pytest.raises(ValueError, match="density must accept missing values, since y is missing"):
        ConditionalDensity(rotated).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="density must accept missing values"):
        DensityImputer(rotated).fit(X)


def test_conditions_of_probability_zero_have_no_predictions():
    states = np.array([[0, 0, 0, 1], [1, 1, 1, 0]] * 5)
    model = ConditionalDensity(FullCategoricalDensity(alpha=0)).fit(states[:, :2], states[:, 2:])
    X = np.array([[0, 0], [1, 1], [0, 1]])
    Y = np.array([[0, 1], [0, 0], [0, 1]])
    assert_allclose(model.score_samples(X, Y), [0, -np.inf, -np.inf], atol=1e-12)
    for call in (model.sample_y, model.predict, model.predict_mode):
        with pytest.raises(ValueError, match="probability zero under the model: row 2"):
            call(X)
    with pytest.raises(ValueError, match="probability zero under the model: row 2"):
        model.sample_y(X, 10)


def test_invalid_input_is_refused_and_leaves_the_model():
    rng = np.random.default_rng(0)
    X, Y = rng.integers(0, 2, size=(20, 3)), rng.integers(0, 2, size=(20, 2))
    model = ConditionalDensity(FullCategoricalDensity()).fit(X, Y)
    before = model.score_samples(X, Y)
    with pytest.raises(ValueError, match="X and y have inconsistent numbers of samples: 20 and 19"):
        model.fit(X, Y[:-1])
    with pytest.raises(ValueError, match="X and y have inconsistent numbers of samples: 20 and 19"):
        model.score_samples(X, Y[:-1])
    with pytest.raises(ValueError, match="y has 3 columns, but ConditionalDensity was fitted to 2"):
        model.score_samples(X, np.hstack([Y, Y[:, :1]]))
    with pytest.raises(ValueError, match="X has 2 features, but ConditionalDensity is expecting 3"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="Unknown category in y: column 1 holds 3, but"):
        model.score_samples(X, Y + np.array([0, 2]))
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        model.fit(X, None)
    with pytest.raises(ValueError, match="y must be given"):
        model.score(X, None)
    with pytest.raises(ValueError, match=r"y has 3 dimensions, of shape .* reshape"):
        model.fit(X, Y[:, :, np.newaxis])
    with pytest.raises(ValueError, match="y holds text in row 0: 'seven', but it must hold"):
        model.fit(X, np.full(20, "seven"))
    with pytest.raises(ValueError, match="n_samples must be an integer of 1 or more, got 0"):
        model.sample_y(X, 0)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(X, np.where(Y == 0, np.inf, Y))
    unseen = Y.astype(float)
    unseen[:, 1] = np.nan
    with pytest.raises(ValueError, match="y has no observed value in column 1, "):
        model.fit(X, unseen)
    assert_array_equal(model.score_samples(X, Y), before)
    new = ConditionalDensity(FullCategoricalDensity())
    with pytest.raises(ValueError, match="inconsistent"):
        new.fit(X, Y[:-1])
    assert vars(new).keys() == {"density"}
