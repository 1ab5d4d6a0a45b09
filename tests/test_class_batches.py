"""Classifiers that learn from batches: they are those that one fit gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    ColumnDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    TransformedDensity,
)

from .estimators import ADDITIVE_CASES, cases

X, Y = load_iris(return_X_y=True)
COVARIANCES = ["full", "tied", "diag", "spherical", "low_rank"]


def assert_same_classifier(batched, fitted, rows):
    assert_array_equal(batched.classes_, fitted.classes_)
    assert_allclose(batched.priors_, fitted.priors_)
    assert batched.n_parameters_ == fitted.n_parameters_
    log_prob = fitted.predict_joint_log_proba(rows)
    assert_allclose(batched.predict_joint_log_proba(rows), log_prob, rtol=1e-9, atol=1e-9)


def in_batches(classifier, rows, y, batches, weight=None):
    batched = clone(classifier)
    for own in batches:
        own_weight = None if weight is None else weight[own]
        batched.partial_fit(rows[own], y[own], classes=np.unique(y), sample_weight=own_weight)
    return batched


@cases(ADDITIVE_CASES)
def test_batches_give_the_classifier_of_one_fit(case):
    rows = case.data(40)
    y = np.array(["b", "a", "c"])[np.arange(40) % 7 % 3]
    classifier = GenerativeClassifier(case.density)
    by_class = np.array_split(np.argsort(y, kind="stable"), 4)  # classes come one after another
    fitted = clone(classifier).fit(rows, y)
    assert_same_classifier(in_batches(classifier, rows, y, by_class), fitted, rows)


@pytest.mark.parametrize("covariance_type", COVARIANCES)
@pytest.mark.parametrize("shrinkage", [None, 0.2, "auto"])
def test_batches_give_the_discriminant_of_one_fit(covariance_type, shrinkage):
    model = GaussianDiscriminant(covariance_type, shrinkage=shrinkage, class_weight={1: 3.0})
    weight = np.random.default_rng(0).random(len(X)) + 0.5
    batches = np.array_split(np.random.default_rng(1).permutation(len(X)), 5)
    batched = in_batches(model, X, Y, batches, weight)
    fitted = clone(model).fit(X, Y, sample_weight=weight)
    assert_same_classifier(batched, fitted, X)
    assert_allclose(batched.means_, fitted.means_)


@settings(max_examples=15)
@given(data=st.data())
def test_batches_of_any_size_and_order_do(data):
    order = np.array(data.draw(st.permutations(range(30))))
    cuts = sorted(data.draw(st.sets(st.integers(1, 29), max_size=4)))
    rows = np.random.default_rng(0).integers(0, 2, (30, 4))
    y = np.arange(30) % 3
    model = GenerativeClassifier(BernoulliIndependentDensity())
    batched = in_batches(model, rows, y, np.split(order, cuts))
    assert_same_classifier(batched, clone(model).fit(rows, y), rows)


def test_fit_may_come_first_and_blocks_may_be_of_several_kinds():
    blocks = ColumnDensity(
        [
            ("normal", GaussianDensity("tied", shrinkage=0.1), [0, 2]),
            ("coins", BernoulliIndependentDensity(binarize=2), [3, 1]),
        ]
    )
    order = np.random.default_rng(0).permutation(len(X))
    rows, y = X[order], Y[order]
    model = GenerativeClassifier(blocks).fit(rows[:100], y[:100])
    model.partial_fit(rows[100:], y[100:])
    assert_same_classifier(model, clone(model).fit(rows, y), rows)


def test_a_class_without_rows_has_no_probability_until_it_has_some():
    model = GaussianDiscriminant(priors=[0.2, 0.3, 0.5])
    model.partial_fit(X[:50], Y[:50], classes=[0, 1, 2])
    assert_array_equal(model.priors_, [1, 0, 0])
    assert model.densities_[1:] == [None, None]
    model.partial_fit(X[100:], Y[100:])
    assert_allclose(model.priors_, [2 / 7, 0, 5 / 7])
    assert set(model.predict(X)) == {0, 2}
    model.partial_fit(X[50:100], Y[50:100])
    assert_same_classifier(model, clone(model).fit(X, Y), X)


def test_missing_values_in_batches_leave_a_good_model():
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    batches = np.array_split(np.random.default_rng(1).permutation(len(X)), 3)
    batched = in_batches(GaussianDiscriminant(), holes, Y, batches)
    fitted = GaussianDiscriminant().fit(holes, Y)
    assert abs(batched.score_samples(holes).mean() - fitted.score_samples(holes).mean()) < 0.1


def test_the_first_rows_of_a_class_may_lack_a_column_that_others_have():
    rows = np.array([[0.0, 1.0], [1.0, 1.0], [0.0, np.nan], [1.0, np.nan]])
    model = GenerativeClassifier(BernoulliIndependentDensity())
    with pytest.warns(UserWarning, match="no observed value in column 1 in the rows of class 'b'"):
        model.partial_fit(rows, ["a", "a", "b", "b"], classes=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"column 1 in the batch with the first rows of class 'c'"):
        model.partial_fit(rows[2:], ["c", "c"])
    assert_allclose(model.priors_, [0.5, 0.5, 0])


def test_tools_that_learn_from_batches_do():
    order = np.random.default_rng(0).permutation(len(X))
    rows, y = X[order], Y[order]
    sizes = [30, 60, 90]
    _, _, whole = learning_curve(GaussianDiscriminant(), rows, y, train_sizes=sizes, cv=3)
    _, _, steps = learning_curve(
        GaussianDiscriminant(),
        rows,
        y,
        train_sizes=sizes,
        cv=3,
        exploit_incremental_learning=True,
    )
    assert_allclose(steps, whole)
    one_by_one = OneVsRestClassifier(GaussianDiscriminant())
    for own in np.array_split(np.arange(len(X)), 3):
        one_by_one.partial_fit(rows[own], y[own], classes=[0, 1, 2])
    assert one_by_one.score(rows, y) > 0.9


def test_what_batches_cannot_do_is_refused_and_changes_nothing():
    model = GaussianDiscriminant()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, Y)
    model.fit(X, Y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match=r"unknown class 7; the classes are \[0, 1, 2\]"):
        model.partial_fit(X, np.full(len(X), 7))
    with pytest.raises(ValueError, match="covariance_type='full'"):
        GaussianDiscriminant("diag").fit(X, Y).set_params(covariance_type="full").partial_fit(X, Y)
    with pytest.raises(ValueError, match="needs the rows of all classes at once"):
        GaussianDiscriminant(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])
    assert_array_equal(model.predict_proba(X), before)
    scaled = TransformedDensity(StandardScaler(), GaussianDensity())
    assert not hasattr(GenerativeClassifier(scaled), "partial_fit")
