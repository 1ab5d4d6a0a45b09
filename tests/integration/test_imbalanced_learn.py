"""imbalanced-learn: densities over-sample the classes that have few rows."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    MixtureDensity,
    TableDensity,
)

pytest.importorskip("imblearn")
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks

from skdgm.over_sampling import DensityOverSampler

BERNOULLI = BernoulliIndependentDensity()
TREES = TableDensity(ChowLiuTreeDensity())
SAMPLER = DensityOverSampler(GaussianDensity(shrinkage=0.1), random_state=0)


@parametrize_with_checks([SAMPLER, DensityOverSampler(TREES, random_state=0)])
def test_checks_of_imbalanced_learn(estimator, check):
    check(estimator)


def test_draws_help_a_classifier_more_than_copies_do():
    X, y = load_digits(return_X_y=True)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)

    def accuracy(*samplers):
        model = make_pipeline(StandardScaler(), *samplers, LogisticRegression(max_iter=1000))
        return cross_val_score(model, X, y == 8, cv=folds, scoring="balanced_accuracy").mean()

    assert accuracy(SAMPLER) > accuracy(RandomOverSampler(random_state=0)) > accuracy()


def test_a_search_tunes_the_density_in_a_pipeline():
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.r_[np.flatnonzero(y == 0)[:30], np.flatnonzero(y == 1)]
    model = make_pipeline(SAMPLER, StandardScaler(), LogisticRegression(max_iter=1000))
    grid = {"densityoversampler__density__shrinkage": [0.01, 0.9], "densityoversampler": [SAMPLER]}
    search = GridSearchCV(model, grid, cv=3, scoring="roc_auc").fit(X[rows], y[rows])
    fitted = search.best_estimator_["densityoversampler"]
    assert fitted.sampling_strategy_ == {0: 327}
    assert fitted.classifier_.densities_[0].shrinkage == search.best_params_[next(iter(grid))]
    assert search.score(X, y) > 0.98


def test_draws_follow_the_density_of_their_class():
    X, y = load_wine(return_X_y=True)
    X_more, y_more = clone(SAMPLER).set_params(sampling_strategy={2: 20_048}).fit_resample(X, y)
    assert_array_equal(X_more[: len(X)], X)
    assert_array_equal(y_more[len(X) :], 2)
    density = GaussianDensity(shrinkage=0.1).fit(X[y == 2])
    drawn = X_more[len(X) :]
    error = (drawn.mean(axis=0) - density.mean_) / np.sqrt(np.diag(density.covariance_) / 20_000)
    assert np.abs(error).max() < 4


def wines():
    """Wines of three sorts, 59, 71 and 10, with text, booleans, integers, categories and dates."""
    frame = load_wine(as_frame=True).frame.iloc[:140]
    return pd.DataFrame(
        {
            "strong": frame["alcohol"] > 13,
            "proline": frame["proline"].astype("int16"),
            "hue": frame["hue"].astype("float32"),
            "ash": pd.Series(frame["ash"].round(1), dtype="Float64"),
            "magnesium": pd.Categorical((frame["magnesium"] // 20 * 20).astype(int)),
        },
    ), pd.Series(frame["target"].map({0: "barolo", 1: "grignolino", 2: "barbera"}), name="sort")


def check_like(X_more, y_more, X, y):
    counts = Counter(y_more)
    assert counts == {"barolo": 71, "grignolino": 71, "barbera": 71}
    assert type(X_more) is type(X)
    assert type(y_more) is type(y)
    assert list(X_more.columns) == list(X.columns)
    assert list(X_more.dtypes) == list(X.dtypes)
    assert X_more[: len(X)].equals(X)


@pytest.mark.parametrize("density", [None, GaussianDensity(shrinkage=0.5), TREES])
@pytest.mark.filterwarnings("ignore::UserWarning")  # about booleans in a normal
def test_frames_keep_names_and_dtypes(density):
    X, y = wines()
    if not isinstance(density, GaussianDensity):
        X["country"] = np.where(X["strong"], "Italy", None)
        X["bottled"] = pd.Timestamp("2020-05-01") + pd.to_timedelta(np.arange(len(X)) % 50, "D")
        X = X.mask(np.random.default_rng(0).random(X.shape) < 0.1).astype(
            {"strong": "boolean", "proline": "Int16", "magnesium": X["magnesium"].dtype}
        )
    sampler = DensityOverSampler(density, random_state=0)
    X_more, y_more = sampler.fit_resample(X, y)
    check_like(X_more, y_more, X, y)
    drawn = X_more[len(X) :]
    assert not drawn.drop(columns="country", errors="ignore").isna().any(axis=None)
    assert set(drawn["magnesium"]) <= set(X["magnesium"].cat.categories)
    if density is None:  # of the same kind as the trees, but slower
        return
    pd.testing.assert_frame_equal(sampler.fit_resample(X, y)[0], X_more)
    frames = pl.from_pandas(X.astype({"magnesium": "Int64"})), pl.from_pandas(y)
    check_like(*sampler.fit_resample(*frames), *frames)
    table = frames[0].to_arrow()
    assert sampler.fit_resample(table, y)[0].schema == table.schema


def test_counts_and_sparse_tables_stay_so():
    X, y = load_digits(return_X_y=True)
    ink = (X > 7).astype(np.uint8)[y < 3][:300]
    y = y[y < 3][:300]
    sampler = DensityOverSampler(random_state=0, sampling_strategy={0: 150})
    for density in (MixtureDensity(BERNOULLI, 3, random_state=0), BERNOULLI):
        X_more, _ = sampler.set_params(density=density).fit_resample(ink, y)
        assert X_more.dtype == np.uint8
        assert set(np.unique(X_more)) == {0, 1}
    for make in (sparse.csr_matrix, sparse.csc_array):
        X_sparse, _ = sampler.fit_resample(make(ink), y)
        assert type(X_sparse) is make
        assert X_sparse.dtype == np.uint8
        assert_array_equal(X_sparse.toarray(), X_more)


def test_a_tied_covariance_is_learned_from_all_classes():
    X, y = load_wine(return_X_y=True)
    rows = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y == 1), np.flatnonzero(y == 2)[:1]]
    sampler = DensityOverSampler(GaussianDensity("tied"), random_state=0)
    X_more, y_more = sampler.fit_resample(X[rows], y[rows])
    density = sampler.classifier_.densities_[2]
    assert_array_equal(density.covariance_, sampler.classifier_.densities_[0].covariance_)
    drawn = X_more[len(rows) :][y_more[len(rows) :] == 2]
    assert_allclose(drawn.std(axis=0), np.sqrt(np.diag(density.covariance_)), rtol=0.4)


def test_classifiers_that_take_no_weights_make_a_density():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, (60, 3)), np.repeat(["many", "few", "some"], [30, 10, 20])
    sampler = DensityOverSampler(ChainRuleDensity(KNeighborsClassifier(3)), random_state=0)
    X_more, y_more = sampler.fit_resample(X, y)
    assert Counter(y_more) == {"many": 30, "few": 30, "some": 30}
    assert set(np.unique(X_more)) == {0, 1}


def test_balanced_classes_are_returned_as_they_are():
    X, y = load_wine(return_X_y=True, as_frame=True)
    rows = y.groupby(y).head(48).index
    X, y = X.loc[rows].reset_index(drop=True), y.loc[rows].reset_index(drop=True)
    sampler = clone(SAMPLER)
    X_more, y_more = sampler.fit_resample(X, y)
    assert X_more.equals(X)
    assert y_more.equals(y)
    assert set(sampler.sampling_strategy_.values()) == {0}


def test_what_cannot_be_sampled_is_refused():
    X, y = load_wine(return_X_y=True)
    sampler = clone(SAMPLER)
    with pytest.raises(ValueError, match="'density' parameter of DensityOverSampler must be"):
        clone(SAMPLER).set_params(density=LogisticRegression()).fit_resample(X, y)
    with pytest.raises(ValueError, match=r"y has no value in row 0"):
        sampler.fit_resample(X, [None, *y[1:]])
    with pytest.raises(ValueError, match=r"^y must be the class labels"):
        sampler.fit_resample(X, None)
    with pytest.raises(ValueError, match="more than 1 class"):
        sampler.fit(X, np.zeros(len(X)))
    assert not hasattr(sampler, "n_features_in_")
    with pytest.raises((NotFittedError, AttributeError)):
        sampler.get_feature_names_out()
    with pytest.raises(ValueError, match="text"):
        sampler.fit_resample(np.full((len(X), 2), "a"), y)


def test_metadata_routing_changes_nothing():
    X, y = load_wine(return_X_y=True)
    expected = SAMPLER.fit_resample(X, y)[0]
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(clone(SAMPLER).fit_resample(X, y)[0], expected)
