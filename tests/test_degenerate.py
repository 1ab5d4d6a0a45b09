"""Classes, components and columns that data do not determine are warned about, and not wrong."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    ColumnDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
    TransformedDensity,
)

from .rows import hide

IRIS, SPECIES = load_iris(return_X_y=True)
WINE, CULTIVAR = load_wine(return_X_y=True)
SHAPES = ["full", "tied", "diag", "spherical", "low_rank"]


# ---------------------------------------------------------------------- columns without data
def two_surveys():
    """Rows (a, b, missing) around a = 0, and (a, missing, c) around a = 8."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    X[:500, 2] = X[500:, 1] = np.nan
    X[500:, 0] += 8
    return X


@pytest.mark.parametrize("covariance_type", SHAPES)
@pytest.mark.parametrize(
    "make",
    [
        lambda density: density,
        lambda density: TransformedDensity(StandardScaler(), density),
        lambda density: ColumnDensity([("all", density, [2, 0, 1])]),
    ],
    ids=["itself", "transformed", "block"],
)
def test_surveys_that_ask_for_other_columns_are_two_clusters(covariance_type, make):
    X = two_surveys()
    density = make(GaussianDensity(covariance_type, n_factors=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        mixture = MixtureDensity(density, random_state=0).fit(X)
    assert mixture.converged_
    assert np.isfinite(mixture.lower_bounds_).all()
    if not (covariance_type == "spherical" and isinstance(density, TransformedDensity)):
        assert_allclose(mixture.score(X), -3.53, atol=0.02)
    first = np.full((2, 3), np.nan)
    first[:, 0] = 0, 8
    assert sorted(mixture.predict(first)) == [0, 1]
    assert_allclose(mixture.conditional_mean(first), [[0, 0, 0], [8, 0, 0]], atol=2)


def test_components_without_data_in_a_column_are_named():
    for covariance_type in ("diag", "spherical"):
        mixture = MixtureDensity(GaussianDensity(covariance_type), random_state=0)
        with pytest.warns(UserWarning, match=r"Component 0 has hardly a value in column [12]"):
            mixture.fit(two_surveys())


@pytest.mark.parametrize("covariance_type", SHAPES)
def test_a_class_without_data_in_a_column_borrows_from_all_rows(covariance_type):
    X = IRIS.copy()
    X[SPECIES == 1, 2] = np.nan
    model = GaussianDiscriminant(covariance_type, n_factors=1)
    with pytest.warns(UserWarning, match=r"column 2 in the rows of class 1"):
        model.fit(X, SPECIES)
    assert_allclose(model.means_[1, 2], np.nanmean(X[:, 2]))
    assert model.score(X, SPECIES) > 0.85


# ---------------------------------------------------------------------- few rows
def test_a_class_of_one_row_is_named():
    rows = np.arange(51)  # the last is the only one of its class
    with pytest.warns(UserWarning, match=r"Class 1 .*weight 1\).* columns 0, 1, 2 and 3.*'tied'"):
        model = GaussianDiscriminant().fit(IRIS[rows], SPECIES[rows])
    assert model.predict(IRIS[50:51]) == 1
    with pytest.warns(UserWarning, match=r"Class 1"):
        GaussianDiscriminant("diag").fit(IRIS[rows], SPECIES[rows])
    for settings in ({"shrinkage": 0.1}, {"covariance_type": "tied"}):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = GaussianDiscriminant(**settings).fit(IRIS[rows], SPECIES[rows])
        assert model.predict(IRIS[50:51]) == 1


def test_classes_with_fewer_rows_than_columns_are_named():
    rows = np.concatenate([np.flatnonzero(label == CULTIVAR)[:8] for label in range(3)])
    with pytest.warns(UserWarning, match=r"Class 0 .*weight 8\).*shrinkage") as caught:
        GaussianDiscriminant().fit(WINE[rows], CULTIVAR[rows])
    assert len(caught) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        GaussianDiscriminant(shrinkage="auto").fit(WINE[rows], CULTIVAR[rows])
        GaussianDiscriminant().fit(WINE, CULTIVAR)


def test_columns_that_depend_on_each_other_in_every_class_are_no_fault_of_a_class():
    X = np.column_stack([IRIS, IRIS[:, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert GaussianDiscriminant().fit(X, SPECIES).score(X, SPECIES) == 0.98


@pytest.mark.parametrize("init", ["kmeans", "random"])
def test_more_components_than_distinct_rows_are_warned_about(init):
    X = np.repeat(IRIS[:3], 5, axis=0)
    mixture = MixtureDensity(GaussianDensity(), 4, init=init, random_state=0)
    with pytest.warns(UserWarning, match="n_components=4 exceeds the 3 distinct rows"):
        mixture.fit(X)
    assert np.isfinite(mixture.score(X))


def test_a_mixture_that_collapses_onto_counts_is_warned_about():
    X = np.random.default_rng(0).poisson(1, size=(200, 2)).astype(float)
    with pytest.warns(UserWarning, match=r"Component \d .* columns? .*need a discrete density"):
        MixtureDensity(GaussianDensity(), 4, random_state=0).fit(X)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
@pytest.mark.filterwarnings("ignore:n_components:UserWarning")
def test_components_without_any_variance_need_reg_covar(covariance_type):
    X = np.repeat([[0.0, 0], [1, 1], [2, 0], [0, 5]], 10, axis=0)
    density = GaussianDensity(covariance_type, reg_covar=0, n_factors=1)
    with pytest.raises(ValueError, match="reg_covar=0 leaves a variance of zero"):
        MixtureDensity(density, 9, random_state=0).fit(X)


# ---------------------------------------------------------------------- singular covariances
@pytest.mark.parametrize("reg_covar", [0.0, 1e-6])
def test_singular_covariances_are_lifted_in_the_scale_of_each_column(reg_covar):
    rng = np.random.default_rng(0)
    a, noise, b = rng.normal(size=(3, 500)) * [[1], [0.2], [1e10]]
    X = np.column_stack([a, a + noise, b, 2 * b + 1])
    density = GaussianDensity(reg_covar=reg_covar).fit(X)
    assert_allclose(density.covariance_[0, 0], np.var(a), rtol=1e-5)
    filled = density.conditional_mean(np.where([False, True, False, False], np.nan, X))
    assert np.std(filled[:, 1] - X[:, 1]) < 0.21


def test_hard_data_leak_no_warning_of_numpy():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(50, 1)) * 1e8
    for X in (IRIS[:1], np.hstack([a, a, 2 * a + 1]), hide(np.hstack([a, a, -a]), 0.3, 0)):
        for covariance_type in SHAPES:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                density = GaussianDensity(covariance_type, n_factors=1).fit(X)
            assert np.isfinite(density.score_samples(X)).all()
            density.score_samples(np.full((1, X.shape[1]), 1e308))


# ---------------------------------------------------------------------- the objective
def test_shrunk_mixtures_get_better_with_every_step():
    X = StandardScaler().fit_transform(load_breast_cancer().data)
    held_out = np.arange(len(X)) % 4 == 0
    mixture = MixtureDensity(GaussianDensity(shrinkage=0.1), 3, tol=0, random_state=0)
    scores = []
    for max_iter in (1, 5, 20):
        with pytest.warns(ConvergenceWarning):
            mixture.set_params(max_iter=max_iter).fit(X[~held_out])
        scores.append(mixture.score(X[held_out]))
    assert np.diff(mixture.lower_bounds_).min() > -1e-9
    assert scores[2] > scores[0] + 0.5
    raw = MixtureDensity(GaussianDensity("diag", shrinkage=0.05), 5, random_state=0).fit(WINE)
    assert raw.converged_


@pytest.mark.parametrize("covariance_type", ["full", "tied", "low_rank"])
@pytest.mark.parametrize("seed", range(3))
def test_copied_columns_lower_no_objective(covariance_type, seed):
    X = np.random.default_rng(seed).normal(size=(80, 3))
    X = hide(np.column_stack([X, X[:, 0]]), 0.25, seed)
    density = GaussianDensity(covariance_type, reg_covar=0, tol=0)
    with pytest.warns(ConvergenceWarning, match="near singular.*regularise, by a larger reg_covar"):
        density.fit(X)
    assert np.diff(density.lower_bounds_).min() > -1e-9
    assert_allclose(density.score(X), density.lower_bounds_[-1], atol=1)


def test_a_warm_start_of_one_step_each_converges():
    mixture = MixtureDensity(GaussianDensity(), 2, warm_start=True, max_iter=1, random_state=0)
    for _ in range(50):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(IRIS)
        if mixture.converged_:
            break
    assert mixture.converged_
    other = ColumnDensity([(f"block {j}", GaussianDensity(reg_covar=0.1 * j), j) for j in range(4)])
    mixture.set_params(density=other, max_iter=10).fit(IRIS)
    assert mixture.fit(IRIS).n_iter_ < 3  # starts from the fit before
    last = ("block 3", GaussianDensity(reg_covar=0.4), 3)  # beyond what repr shows
    mixture.set_params(density__densities=[*other.densities[:3], last])
    assert mixture._warm_statistics() is None


def test_an_objective_of_minus_infinity_is_said_once():
    X = np.random.default_rng(0).integers(0, 2, size=(30, 4))
    mixture = MixtureDensity(BernoulliIndependentDensity(alpha=0, bounds=(0.0, 0.0)))
    with pytest.warns(ConvergenceWarning, match="rules out rows that it is fitted to") as caught:
        mixture.fit(X)
    assert len(caught) == 1
    assert mixture.n_iter_ == 2


def test_classes_of_blocks_are_named_with_the_columns_of_the_table():
    X = np.column_stack([IRIS[:, 0] > 5.5, IRIS[:, 1:]]).astype(float)
    X[SPECIES == 2, 3] = 1.5
    blocks = [("coin", BernoulliIndependentDensity(), [0]), ("sizes", GaussianDensity(), [3, 1, 2])]
    with pytest.warns(UserWarning, match=r"Class 2 .* does not vary in column 3, given"):
        GenerativeClassifier(ColumnDensity(blocks)).fit(X, SPECIES)
