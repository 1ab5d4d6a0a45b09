"""Units do not matter: columns in other units, or shifted, give the same model of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from skdgm import (
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
    PCAProjection,
)

from .estimators import CONTINUOUS_CASES, cases
from .rows import hide

WINE, CULTIVAR = load_wine(return_X_y=True)
IRIS, SPECIES = load_iris(return_X_y=True)


def holds_together(density):
    """True if the columns of a density have one unit by its definition."""
    values = density.get_params().values()
    return bool({"spherical", "low_rank"} & {value for value in values if isinstance(value, str)})


def units(density, n_columns, seed, power_of_two):
    """A factor for each column, from 1e-12 to 1e12; one for all where they hold together."""
    rng = np.random.default_rng(seed)
    factor = 10.0 ** rng.uniform(-12, 12, size=n_columns)
    if holds_together(density):
        factor[:] = factor[0]
    return 2.0 ** np.rint(np.log2(factor)) if power_of_two else factor


@cases([case for case in CONTINUOUS_CASES if case.name != "transformed-power"])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**16), power_of_two=st.booleans(), holes=st.booleans())
def test_scores_move_by_the_logarithm_of_the_unit(case, seed, power_of_two, holes):
    X = case.incomplete_data(seed=seed) if holes else case.data(seed=seed)
    X -= X[0]  # so that the shift is all that is left of the origin
    density = clone(case.density).set_params(**max_iter_of(case.density, 3))
    factor = units(density, case.n_columns, seed, power_of_two)
    shift = 0.0 if power_of_two else np.random.default_rng(seed).normal(size=case.n_columns)
    ours, theirs = clone(density).fit(X), clone(density).fit((X + shift) * factor)
    rest = 1e-9 if power_of_two else 1e-6
    moved = ours.score_samples(X) - ~np.isnan(X) @ np.log(factor)
    assert_allclose(theirs.score_samples((X + shift) * factor), moved, rtol=rest, atol=rest)
    Y = np.where(np.arange(case.n_columns) == seed % case.n_columns, np.nan, X)
    filled = ours.conditional_mean(Y) + shift
    spread = np.nanstd(X, axis=0)
    theirs_filled = theirs.conditional_mean((Y + shift) * factor) / factor
    assert_allclose(theirs_filled / spread, filled / spread, atol=1e-5)


def max_iter_of(density, steps):
    names = [name for name in density.get_params() if name.split("__")[-1] == "max_iter"]
    return dict.fromkeys(names, steps)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
@pytest.mark.parametrize("shrinkage", [None, 0.1, "auto"])
def test_classes_and_clusters_follow_any_unit(covariance_type, shrinkage):
    normal = GaussianDensity(covariance_type, shrinkage=shrinkage, n_factors=2)
    factor = units(normal, 4, 1, power_of_two=True)
    for model in (
        GaussianDiscriminant(covariance_type, shrinkage=shrinkage, n_factors=2),
        GenerativeClassifier(ColumnDensity([("all", normal, slice(None))])),
        MixtureDensity(normal, 3, random_state=0),
    ):
        ours = clone(model).fit(IRIS, SPECIES)
        theirs = clone(model).fit(IRIS * factor, SPECIES)
        assert_allclose(theirs.predict_proba(IRIS * factor), ours.predict_proba(IRIS), atol=1e-9)


def test_axes_follow_a_common_unit():
    X = hide(IRIS, 0.1, seed=0)
    ours, theirs = PCAProjection(2).fit(X), PCAProjection(2).fit(X * 1e-6)
    assert_allclose(theirs.explained_variance_, ours.explained_variance_ * 1e-12, rtol=1e-6)
    assert_allclose(theirs.transform(X * 1e-6), ours.transform(X) * 1e-6, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e12])
def test_discriminants_need_no_scaler(unit):
    for covariance_type, accuracy in (("full", 0.98), ("diag", 0.96)):
        model = GaussianDiscriminant(covariance_type).fit(IRIS * unit, SPECIES)
        assert_allclose(model.score(IRIS * unit, SPECIES), accuracy)


@pytest.mark.parametrize("shrinkage", [0.1, "auto"])
def test_shrinkage_needs_no_scaler(shrinkage):
    accuracy = cross_val_score(GaussianDiscriminant(shrinkage=shrinkage), WINE, CULTIVAR, cv=5)
    assert accuracy.mean() >= 0.96


def test_clusters_need_no_scaler():
    mixture = MixtureDensity(GaussianDensity("diag"), 3, random_state=0).fit(WINE)
    assert adjusted_rand_score(CULTIVAR, mixture.predict(WINE)) >= 0.9
    rng = np.random.default_rng(0)
    blobs = (rng.normal(size=(200, 2)) + np.repeat([[0, 0], [8, 0]], 100, axis=0)) * 1e-4
    mixture = MixtureDensity(GaussianDensity(), random_state=0).fit(blobs)
    assert adjusted_rand_score(np.repeat([0, 1], 100), mixture.predict(blobs)) == 1


def test_small_outputs_are_predicted():
    x = np.random.default_rng(0).normal(size=(50, 1)) * 1e-4
    model = ConditionalDensity(GaussianDensity()).fit(x, x)
    assert_allclose(model.predict([[1e-4]]), [[1e-4]], rtol=1e-5)


@pytest.mark.parametrize("unit", [1e-100, 1e70, 1e76, 1e77, 1e100])
@pytest.mark.parametrize("covariance_type", ["full", "low_rank"])
def test_learned_shrinkage_overflows_in_no_unit(covariance_type, unit):
    unit = 2.0 ** np.rint(np.log2(unit))
    learned = [
        GaussianDensity(covariance_type, shrinkage="auto").fit(WINE * factor).shrinkage_
        for factor in (1.0, unit)
    ]
    assert learned[0] > 0
    assert_allclose(learned[1], learned[0])


def test_batches_in_units_that_differ_learn_one_shrinkage():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) * np.repeat([1e-9, 1, 1e9], 20)[:, None]
    whole = GaussianDensity(shrinkage="auto").fit(X)
    batches = GaussianDensity(shrinkage="auto")
    for rows in (slice(0, 20), slice(20, 40), slice(40, 60)):
        batches.partial_fit(X[rows])
    assert_allclose(batches.shrinkage_, whole.shrinkage_)
    assert_allclose(batches.covariance_, whole.covariance_)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_standardised_columns_give_the_gaussian_mixture(covariance_type):
    X = StandardScaler().fit_transform(IRIS)
    settings = {"tol": 1e-9, "max_iter": 500, "random_state": 0}
    theirs = GaussianMixture(2, covariance_type=covariance_type, **settings).fit(X)
    ours = MixtureDensity(GaussianDensity(covariance_type), 2, **settings).fit(X)
    assert_allclose(ours.score_samples(X), theirs.score_samples(X), atol=1e-4)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical", "low_rank"])
def test_constant_columns_are_warned_about(covariance_type):
    X = IRIS.copy()
    X[:, 2] = 0.1
    model = GaussianDensity(covariance_type, n_factors=1)
    if covariance_type in ("spherical", "low_rank"):
        X[:] = 0.1
    with pytest.warns(UserWarning, match=r"does not vary in column.* 2.*reg_covar=1e-06 itself"):
        model.fit(X)
    assert_allclose(np.diag(model.get_covariance())[2], 1e-6, rtol=1e-5)
    numbered = ColumnDensity([("first", model, [3, 2]), ("others", GaussianDensity(), [0, 1])])
    X[:, [0, 1]] = IRIS[:, :2]
    X[:, 3] = X[:, 2]
    with pytest.warns(UserWarning, match=r"does not vary in columns 3 and 2, so"):
        numbered.fit(X)


def test_imputed_values_follow_the_unit():
    X = hide(WINE, 0.2, seed=0)
    factor = 2.0 ** np.arange(-6, 7)
    imputer = DensityImputer(MixtureDensity(GaussianDensity(shrinkage=0.1), 3, random_state=0))
    ours = clone(imputer).fit_transform(X) * factor
    assert_allclose(clone(imputer).fit_transform(X * factor), ours, rtol=1e-7)
