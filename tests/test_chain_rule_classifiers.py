"""Chains of any classifier: its labels, its floor, and the weights of its pipeline."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from skdgm import ChainRuleConditional, ChainRuleDensity

from .classifier_chains import LOGISTIC, MIXED, ONE_HOT, TREE, make_rows
from .rows import all_states, assert_drawn_from

FOREST = RandomForestClassifier(5, random_state=0)


# ---------------------------------------------------------------------- labels
class Counting(LogisticRegression):
    """A classifier that insists on the labels 0 to k - 1, as XGBoost does."""

    def fit(self, X, y, sample_weight=None):
        assert y.dtype.kind in "iu"
        assert_array_equal(np.unique(y), np.arange(len(np.unique(y))))
        return super().fit(X, y, sample_weight)


def test_classifiers_see_the_labels_0_to_k():
    X = make_rows(80, (4, 4, 4))
    X[X == 1] = 2  # no column has the category 1
    insists, any_labels = (
        ChainRuleDensity(classifier, n_categories=4).fit(X)
        for classifier in (Counting(), LogisticRegression())
    )
    states = all_states((4, 4, 4))
    assert_allclose(insists.score_samples(states), any_labels.score_samples(states))
    assert_array_equal(insists.sample(9, random_state=0), any_labels.sample(9, random_state=0))
    y = np.array(["a", "b", "c", "d"])[X[:, 2]]
    for classifier in (Counting(), LogisticRegression(class_weight={"a": 1, "c": 2, "d": 1})):
        model = ChainRuleConditional(classifier, floor=0).fit(X[:, :2], y)
        weighted = LogisticRegression(class_weight=classifier.class_weight).fit(X[:, :2], y)
        assert_array_equal(model.predict(X[:, :2]), weighted.predict(X[:, :2]))
        assert_allclose(model.predict_proba(X[:, :2]), weighted.predict_proba(X[:, :2]))


def test_weights_of_categories_keep_their_names():
    X = make_rows(80, (3, 3))
    X[X == 1] = 2
    weights = {0: 1, 1: 9, 2: 5}
    density = ChainRuleDensity(LogisticRegression(class_weight=weights), floor=0, alpha=0).fit(X)
    by_hand = LogisticRegression(class_weight=weights).fit(X[:, :1], X[:, 1])
    log_prob = density.score_samples(X) - density.score_samples(np.c_[X[:, :1], [np.nan] * 80])
    expected = by_hand.predict_log_proba(X[:, :1])[np.arange(80), X[:, 1] // 2]
    assert_allclose(log_prob, expected)


# ---------------------------------------------------------------------- the floor
@pytest.mark.parametrize("classifier", [TREE, FOREST, KNeighborsClassifier(1)], ids=str)
def test_no_category_of_training_is_ruled_out(classifier):
    states, X = all_states(MIXED), make_rows(60, MIXED)
    density = ChainRuleDensity(classifier, n_categories=MIXED).fit(X)
    log_prob = density.score_samples(states)
    assert np.isfinite(log_prob).all()
    assert_allclose(np.exp(log_prob).sum(), 1, atol=1e-10)
    count = np.ravel_multi_index(tuple(density.sample(20_000, random_state=0).T), MIXED)
    assert_drawn_from(np.exp(log_prob), np.bincount(count, minlength=len(states)))
    Y = X[:, 3:]
    model = ChainRuleConditional(classifier, n_categories=MIXED[3:]).fit(X[:, :3], Y)
    every = all_states(MIXED[3:])
    log_prob = model.score_samples(np.repeat(X[:9, :3], len(every), 0), np.tile(every, (9, 1)))
    assert np.isfinite(log_prob).all()
    assert_allclose(np.exp(log_prob).reshape(9, -1).sum(axis=1), 1)


def with_floor(proba, least):
    """Probabilities, with the least ones in place of zeros."""
    raised = np.where(proba == 0, least, proba)
    return raised / raised.sum(axis=1, keepdims=True)


def test_the_floor_is_a_share_of_the_columns_distribution():
    X = make_rows(60, (3, 4))
    for floor in (0.0, 0.2):
        density = ChainRuleDensity(TREE, floor=floor, n_categories=[3, 4]).fit(X)
        column = (np.bincount(X[:, 1], minlength=4) + 1) / 64
        proba = clone(TREE).fit(X[:, :1], X[:, 1]).predict_proba(X[:, :1])
        expected = with_floor(proba, floor * column)
        with np.errstate(divide="ignore"):
            log_prob = density.score_samples(X) - density.score_samples(
                np.c_[X[:, :1], np.full(60, np.nan)]
            )
        assert_allclose(np.exp(log_prob), expected[np.arange(60), X[:, 1]])
        model = ChainRuleConditional(TREE, floor=floor).fit(X[:, :1], X[:, 1])
        share = np.bincount(X[:, 1]) / 60
        assert_allclose(model.predict_proba(X[:, :1]), with_floor(proba, floor * share))


def test_pseudo_counts_above_all_weights_raise_no_warning():
    X = make_rows(30, (2, 2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        density = ChainRuleDensity(LOGISTIC, n_categories=3, alpha=1e20).fit(X)
        assert np.isfinite(density.score_samples(all_states((3, 3, 3)))).all()


# ---------------------------------------------------------------------- weights
PIPELINES = [
    make_pipeline(StandardScaler(), LOGISTIC),
    make_pipeline(RobustScaler(), LOGISTIC),
    make_pipeline(make_pipeline(StandardScaler(), PowerTransformer()), LOGISTIC),
    make_pipeline(make_column_transformer((StandardScaler(), [0]), remainder="passthrough"), TREE),
    make_pipeline(StandardScaler(), KNeighborsClassifier(3)),
    ONE_HOT,
]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_integer_weights_repeat_rows_in_pipelines(pipeline):
    rng = np.random.default_rng(0)
    X, weight = rng.integers(0, 3, (60, 3)), rng.integers(0, 4, 60)
    y = (X.sum(axis=1) + rng.integers(0, 3, 60) > 4).astype(int)
    model = ChainRuleConditional(pipeline)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    repeated = clone(model).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)


def test_fractional_weights_that_a_step_cannot_take_are_told():
    rng = np.random.default_rng(0)
    X, weight = rng.random((60, 2)), rng.random(60)
    y = (X.sum(axis=1) > 1).astype(int)
    bins = KBinsDiscretizer(3, strategy="uniform", encode="ordinal")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for quiet in (make_pipeline(StandardScaler(), LOGISTIC), make_pipeline(bins, LOGISTIC)):
            ChainRuleConditional(quiet).fit(X, y, sample_weight=weight)
        categories = np.rint(3 * X)
        ChainRuleConditional(ONE_HOT).fit(categories, y, sample_weight=weight)
    rare = make_pipeline(OneHotEncoder(min_frequency=5, handle_unknown="ignore"), LOGISTIC)
    for told, step, rows in [
        (PIPELINES[1], "RobustScaler", X),
        (PIPELINES[2], "PowerTransformer", X),
        (rare, "OneHotEncoder", categories),
    ]:
        with pytest.warns(UserWarning, match=rf"{step} \(in step .*\) takes no sample_weight"):
            ChainRuleConditional(told).fit(rows, y, sample_weight=weight)
    with pytest.raises(ValueError, match=r"KNeighborsClassifier .* takes no sample_weight, so"):
        ChainRuleConditional(PIPELINES[4]).fit(X, y, sample_weight=weight)
