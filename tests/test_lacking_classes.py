"""Classes without weight, and classes without a value in a column."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier

from skdgm import (
    BernoulliIndependentDensity,
    ColumnDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
)
from skdgm.density._engine.lend import with_lent_values

from .estimators import FAMILY_CASES, cases, few_steps

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
SPECIES = np.array(["setosa", "versicolor", "virginica"])[Y_IRIS]
COVARIANCE_TYPES = ["full", "tied", "diag", "spherical", "low_rank"]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
lending = pytest.mark.filterwarnings("ignore:X has no observed value")


# ---------------------------------------------------------------------- classes without weight
@cases(FAMILY_CASES)
def test_a_class_without_weight_is_never_predicted(case):
    X, label = case.data(60), np.arange(60) % 3
    weight = np.where(label == 1, 0, 1 + np.arange(60) % 2)
    classifier = GenerativeClassifier(few_steps(case.density))
    model = clone(classifier).fit(X, label, sample_weight=weight)
    left_out = clone(classifier).fit(X[label != 1], label[label != 1], weight[label != 1])
    assert_array_equal(model.classes_, [0, 1, 2])
    assert model.densities_[1] is None
    assert model.priors_[1] == 0
    assert model.n_parameters_ == left_out.n_parameters_
    joint = model.predict_joint_log_proba(X)
    assert_array_equal(joint[:, 1], -np.inf)
    assert_array_equal(joint[:, [0, 2]], left_out.predict_joint_log_proba(X))
    assert_array_equal(model.predict_proba(X)[:, [0, 2]], left_out.predict_proba(X))
    assert_array_equal(model.predict(X), left_out.predict(X))
    assert_array_equal(model.score_samples(X), left_out.score_samples(X))
    assert not (model.sample(50, random_state=0)[1] == 1).any()
    with pytest.raises(ValueError, match="y holds the class 1, whose rows all had weight zero"):
        model.sample(3, y=[0, 1, 2])


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_attributes_of_a_class_without_weight_are_nan(covariance_type):
    weight = (SPECIES != "versicolor").astype(float)
    model = GaussianDiscriminant(covariance_type).fit(X_IRIS, SPECIES, sample_weight=weight)
    left_out = GaussianDiscriminant(covariance_type).fit(X_IRIS[weight > 0], SPECIES[weight > 0])
    assert model.n_parameters_ == left_out.n_parameters_
    assert np.isnan(model.means_[1]).all()
    assert_allclose(model.means_[[0, 2]], left_out.means_)
    if covariance_type == "tied":
        assert_allclose(model.covariances_, left_out.covariances_)
    elif covariance_type != "low_rank":
        assert np.isnan(model.covariances_[1]).all()
        assert_allclose(model.covariances_[[0, 2]], left_out.covariances_)


def test_a_given_prior_needs_rows_of_some_weight():
    weight = (Y_IRIS != 1).astype(float)
    with pytest.raises(ValueError, match="priors give class 1 a positive probability, but sample_"):
        GaussianDiscriminant(priors=[0.3, 0.3, 0.4]).fit(X_IRIS, Y_IRIS, sample_weight=weight)
    model = GaussianDiscriminant(priors=[0.4, 0, 0.6]).fit(X_IRIS, Y_IRIS, sample_weight=weight)
    assert_allclose(model.priors_, [0.4, 0, 0.6])


def test_bagging_copes_with_a_rare_class():
    rows = np.r_[:103]  # three rows of the third class
    bagging = BaggingClassifier(GaussianDiscriminant("diag"), 50, random_state=0)
    bagging.fit(X_IRIS[rows], Y_IRIS[rows])
    assert bagging.score(X_IRIS[rows], Y_IRIS[rows]) > 0.95
    assert np.isfinite(bagging.predict_proba(X_IRIS)).all()


# ---------------------------------------------------------------------- columns without a value
@lending
@cases(FAMILY_CASES)
def test_a_column_that_a_class_lacks_does_not_speak_about_it(case):
    """The class then holds of the column what all rows say."""
    X, label = case.data(300).astype(float), np.arange(300) % 3
    X[label == 1, 1] = np.nan
    with pytest.warns(UserWarning, match="no observed value in column 1 in the rows of class 1"):
        model = GenerativeClassifier(few_steps(case.density)).fit(X, label)
    proba = model.predict_proba(X)
    assert np.isfinite(proba).all()
    assert np.isfinite(model.predict_joint_log_proba(X[label == 1])).any(axis=1).all()
    if case.name in {"full-ties", "gaussian-spherical", "gaussian-low-rank"}:  # tied columns
        return
    Q = np.full((20, X.shape[1]), np.nan)
    observed = X[label != 1, 1]
    Q[:, 1] = np.quantile(observed, np.linspace(0.1, 0.9, 20), method="inverted_cdf")
    log_prob = model.densities_[1].score_samples(Q)
    others = GenerativeClassifier(few_steps(case.density)).fit(X[label != 1], np.zeros(200))
    expected = others.score_samples(Q)
    if case.name == "steps":  # which are rough where rows are few
        log_prob, expected = log_prob.mean(), expected.mean()
    of_mixture = "mixture" in case.name  # whose components differ
    assert_allclose(log_prob, expected, atol=0.5 if of_mixture else 0.2)


def test_lent_values_are_those_of_all_rows_in_proportion_to_weights():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    rows, columns = np.arange(200), np.array([0, 2])
    X[:200, 0] = X[:200, 2] = np.nan
    weight = rng.random(600)
    lent = with_lent_values(X, rows, columns, weight)
    assert_array_equal(lent[:, 1], X[:200, 1])
    for column in columns:
        values, own = X[200:, column], weight[200:]
        assert np.isin(lent[:, column], values).all()
        below = np.average(lent[:, column] < 0.5, weights=weight[:200])
        assert_allclose(below, np.average(values < 0.5, weights=own), atol=0.01)
    assert np.abs(np.corrcoef(lent.T) - np.eye(3)).max() < 0.2
    assert_array_equal(lent, with_lent_values(X, rows, columns, weight))


def test_a_warning_names_the_classes_and_columns_that_lack_values():
    X = X_IRIS.copy()
    X[SPECIES == "versicolor", 2] = np.nan
    X[SPECIES == "virginica", :2] = np.nan
    frame = pd.DataFrame(X, columns=list("abcd"))
    message = (
        r"no observed value in column 2 \('c'\) in the rows of class 'versicolor', column 0 "
        r"\('a'\) in the rows of class 'virginica' and column 1 \('b'\) in the rows of class "
        "'virginica'. The values of all rows stand in"
    )
    for model in (GaussianDiscriminant(), GaussianDiscriminant("tied")):
        with pytest.warns(UserWarning, match=message):
            model.fit(frame, SPECIES)
        assert model.score(frame, SPECIES) > 0.9
    with pytest.warns(UserWarning, match=r"column 1 .* 'virginica' and 4 more\. The values"):
        GaussianDiscriminant("diag").fit(np.tile(X, 3), SPECIES)


def test_a_column_without_a_value_in_any_class_is_refused():
    X = X_IRIS.copy()
    X[:, 2] = np.nan
    X[Y_IRIS == 1, 0] = np.nan
    with pytest.raises(ValueError, match="X has no observed value in column 2, so that nothing"):
        GaussianDiscriminant().fit(X, Y_IRIS)


def test_sparse_rows_are_lent_nothing():
    X = np.ones((6, 2))
    X[3:, 1] = np.nan
    model = GenerativeClassifier(BernoulliIndependentDensity())
    with pytest.raises(ValueError, match="no observed value in column 1 in the rows of class 1"):
        model.fit(sparse.csr_array(X), [0, 0, 0, 1, 1, 1])


@lending
def test_densities_that_borrow_are_lent_nothing():
    X, label = np.ones((6, 2)), [0, 0, 0, 1, 1, 1]
    X[:, 0] = [1, 0, 1, 0, 0, 1]
    X[:3, 1] = np.nan
    seen = []

    class Borrowing(BernoulliIndependentDensity):
        _borrows_columns = True
        _group_type = None

        def _count(self, codes, weight):
            seen.append(codes.copy())
            return super()._count(codes, weight)

    GenerativeClassifier(Borrowing()).fit(X, label)
    assert (seen[0][:, 1] == 255).all()
    blocks = [("a", Borrowing(), [0]), ("b", Borrowing(), [1])]
    mixed = [("a", Borrowing(), [0]), ("b", BernoulliIndependentDensity(), [1])]
    for density, borrows in [
        (ColumnDensity(blocks), True),
        (ColumnDensity(mixed), False),
        (MixtureDensity(Borrowing()), True),
        (MixtureDensity(BernoulliIndependentDensity()), False),
    ]:
        density.n_features_in_ = 2
        density._declare(np.ones((3, 2)), None)
        assert density._borrows_columns == borrows
