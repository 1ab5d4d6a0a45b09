"""Known functions, and columns that go through steps of their own, behind TransformedDensity."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    StandardScaler,
)
from sklearn.utils import get_tags

from skdgm import (
    ColumnDensity,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    TransformedDensity,
)
from skdgm.density.transformed._functions import CURVES

from .rows import hide
from .transformers import DATA, quadrature_rule

LOG = FunctionTransformer(np.log, np.exp)
LOG1P = FunctionTransformer(np.log1p, np.expm1)


# ---------------------------------------------------------------------- functions
def numbers_for(curve):
    """Numbers in the domain of a curve, away from the ends at which its slope is extreme."""
    x = stats.norm.rvs(size=(60, 1), random_state=0) / 2
    if curve.high == 1:
        return special.expit(x)
    return x if np.isinf(curve.low) else 2 + special.expit(x)


@pytest.mark.parametrize("name", CURVES)
def test_known_functions_have_their_inverse_and_slope(name):
    curve = CURVES[name]
    x = numbers_for(curve)
    assert curve.is_defined(x).all()
    assert_allclose(curve.inverse(curve.function(x)), x, rtol=1e-9)
    step = 1e-6 * np.abs(x)
    slope = (curve.function(x + step) - curve.function(x - step)) / (2 * step)
    assert_allclose(curve.log_slope(x), np.log(slope), atol=1e-4)
    ends = np.array([curve.low, curve.high])
    assert not curve.is_defined(ends).any()
    bounded = [curve.bounded_below, curve.bounded_above]
    with np.errstate(all="ignore"):  # unless bounded, every z is reached
        assert_array_equal(np.isfinite(curve.function(ends)), bounded)


@pytest.mark.parametrize("name", CURVES)
def test_densities_behind_known_functions_integrate_to_one(name):
    curve = CURVES[name]
    x = numbers_for(curve)
    transformer = FunctionTransformer(curve.function, curve.inverse)
    density = TransformedDensity(transformer, GaussianDensity(reg_covar=0)).fit(x)
    z = curve.function(x)
    expected = stats.norm(z.mean(), z.std()).logpdf(z) + curve.log_slope(x)
    assert_allclose(density.score_samples(x), expected[:, 0])
    points, weights = quadrature_rule(density, 0)
    assert_allclose(weights @ np.exp(density.score_samples(points[:, np.newaxis])), 1, atol=1e-6)
    loaded = pickle.loads(pickle.dumps(density))
    assert_array_equal(loaded.score_samples(x), density.score_samples(x))


def test_a_logarithm_gives_the_log_normal_distribution():
    X = DATA["log-normal"]
    density = TransformedDensity(LOG, GaussianDensity("diag", reg_covar=0)).fit(X)
    shape, scale = np.log(X).std(axis=0), np.exp(np.log(X).mean(axis=0))
    expected = stats.lognorm(shape, scale=scale)
    assert_allclose(density.score_samples(X), expected.logpdf(X).sum(axis=1))
    holes = np.array([[np.nan, 2.0], [1.0, np.nan]])
    assert_allclose(density.conditional_mean(holes)[[0, 1], [0, 1]], expected.mean(), rtol=1e-7)
    assert_array_equal(density.score_samples([[-1.0, 1.0], [0.0, 1.0]]), -np.inf)


def test_holes_and_weights_leave_functions_alone(recwarn):
    X = hide(DATA["exponential"], 0.2)
    weight = np.random.default_rng(0).random(len(X))
    for checks in ({}, {"validate": True}):
        transformer = clone(LOG1P).set_params(**checks)
        density = TransformedDensity(transformer, GaussianDensity()).fit(X, sample_weight=weight)
        inner = GaussianDensity().fit(np.log1p(X), sample_weight=weight)
        expected = inner.score_samples(np.log1p(X)) - np.nansum(np.log1p(X), axis=1)
        assert_allclose(density.score_samples(X), expected, rtol=1e-9)
    assert not len(recwarn)


def test_the_identity_changes_nothing():
    X = DATA["normal"]
    density = TransformedDensity(FunctionTransformer(), GaussianDensity()).fit(X)
    assert_allclose(density.score_samples(X), GaussianDensity().fit(X).score_samples(X))


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (FunctionTransformer(np.sin), "Jacobian is not known. The func must be one of .* log1p"),
        (FunctionTransformer(lambda x: x + 1, lambda x: x - 1), "Jacobian is not known"),
        (FunctionTransformer(np.log1p, np.exp), "wrong inverse_func: it must be expm1, which undo"),
        (FunctionTransformer(None, np.exp), "wrong inverse_func: it must be None"),
        (FunctionTransformer(np.log1p, kw_args={"where": True}), "without arguments"),
        (make_pipeline(LOG), r"step 'functiontransformer' of .* log has no finite .* at 0, which"),
        (
            FunctionTransformer(np.sqrt),
            "sqrt has no finite value and slope at 0, which column 1 ho",
        ),
        (
            FunctionTransformer(np.arctanh),
            "arctanh has no finite value and slope at 2, which colum",
        ),
    ],
)
def test_functions_without_a_known_curve_are_refused(transformer, message):
    X = np.array([[0.1, 0.0], [0.2, 0.3], [0.5, 2.0]])
    with pytest.raises(ValueError, match=message):
        TransformedDensity(transformer, GaussianDensity()).fit(X)


# ---------------------------------------------------------------------- columns
def frame_of_three():
    rng = np.random.default_rng(0)
    table = np.column_stack([DATA["normal"], rng.exponential(size=400)])
    return pd.DataFrame(table, columns=["height", "weight", "wait"])


STEPS = ColumnTransformer([("log", LOG1P, ["wait"]), ("scale", StandardScaler(), ["weight"])])


def test_blocks_of_columns_are_transformed_apart():
    frame = frame_of_three()
    X = frame.to_numpy()
    steps = clone(STEPS).set_params(remainder="passthrough")
    density = TransformedDensity(steps, GaussianDensity()).fit(frame)
    scale = X[:, 1].std()
    Z = np.column_stack([X[:, 0], (X[:, 1] - X[:, 1].mean()) / scale, np.log1p(X[:, 2])])
    expected = GaussianDensity().fit(Z).score_samples(Z) - np.log(scale) - np.log1p(X[:, 2])
    assert_allclose(density.score_samples(frame), expected)
    assert density.density_.feature_names_in_.tolist() == ["height", "weight", "wait"]
    assert_allclose(density.transformer_.transform(X), Z[:, [2, 1, 0]])  # in the order of steps
    assert_allclose(density.density_.score_samples(Z), GaussianDensity().fit(Z).score_samples(Z))
    holes = frame.mask(hide(np.zeros(frame.shape), 0.3) != 0)
    completed = clone(density).fit(holes).conditional_mean(holes)
    observed = holes.notna().to_numpy()
    assert_allclose(completed[observed], X[observed])
    assert (completed[:, 2] > -1).all()
    with config_context(transform_output="pandas"):
        assert_allclose(clone(density).fit(frame).score_samples(frame), expected)


@pytest.mark.parametrize(
    "selection",
    [[2], slice(2, None), [False, False, True], "wait", make_column_selector("wa"), lambda X: [2]],
)
def test_blocks_select_their_columns_in_every_way(selection):
    frame = frame_of_three()
    steps = ColumnTransformer([("log", LOG1P, selection)], remainder=PowerTransformer())
    told = ColumnTransformer([("log", LOG1P, [2]), ("power", PowerTransformer(), [0, 1])])
    expected = TransformedDensity(told, GaussianDensity()).fit(frame).score_samples(frame)
    density = TransformedDensity(steps, GaussianDensity()).fit(frame)
    assert_allclose(density.score_samples(frame), expected)
    mixture = MixtureDensity(density, 1).fit(frame)
    assert_allclose(mixture.score_samples(frame), expected)
    behind = TransformedDensity(make_pipeline(MinMaxScaler(), steps), GaussianDensity()).fit(frame)
    assert np.isfinite(behind.score_samples(frame)).all()
    y = np.arange(400) % 2
    assert GenerativeClassifier(density).fit(frame, y).predict(frame).shape == (400,)


def test_a_rotation_of_some_columns_leaves_the_others():
    frame = frame_of_three()
    steps = ColumnTransformer([("pca", PCA(), ["height", "weight"])], remainder=LOG1P)
    density = TransformedDensity(steps, GaussianDensity()).fit(frame)
    X = frame.to_numpy()
    Z = np.column_stack([X[:, :2], np.log1p(X[:, 2])])  # a rotation of a normal is one
    expected = GaussianDensity(reg_covar=0).fit(Z).score_samples(Z) - np.log1p(X[:, 2])
    rotated = clone(density).set_params(density__reg_covar=0).fit(frame)
    assert_allclose(rotated.score_samples(frame), expected, rtol=1e-9)
    holes = np.array([[0.1, 0.2, np.nan]])
    alone = GaussianDensity(reg_covar=0).fit(Z[:, :2])
    assert_allclose(rotated.score_samples(holes), alone.score_samples(holes[:, :2]))
    assert np.isfinite(rotated.conditional_mean(holes)).all()
    with pytest.raises(ValueError, match=r"step 'pca' of transformer \(PCA\) mixes columns"):
        rotated.score_samples([[np.nan, 0.2, 1.0]])
    assert not get_tags(density).input_tags.allow_nan
    assert not hasattr(density.density_, "feature_names_in_")


def test_blocks_lie_in_pipelines_and_are_searched():
    frame = frame_of_three()
    steps = clone(STEPS).set_params(remainder="passthrough")
    pipeline = make_pipeline(steps, StandardScaler())
    blocks = ColumnDensity([("wait", GaussianDensity(), ["wait"])], remainder=GaussianDensity())
    density = TransformedDensity(pipeline, blocks)
    grid = {"transformer__columntransformer__log": ["passthrough", LOG1P]}
    search = GridSearchCV(density, grid, cv=3).fit(frame)
    assert search.best_params_ == {"transformer__columntransformer__log": LOG1P}
    assert search.best_estimator_.sample(5, random_state=0).shape == (5, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {},
            r"transformer \(ColumnTransformer\) has no inverse: it drops column 0\. Pass remainder",
        ),
        ({"log": "drop"}, "it drops column 2. Pass remainder"),
        ({"transformer_weights": {"log": 2}}, "has transformer_weights; leave them out"),
        (
            {"remainder": LOG},
            r"step 'remainder' of .*log has no finite .* at -\d.*, which column 0",
        ),
    ],
)
def test_blocks_without_an_inverse_are_refused(change, message):
    frame = frame_of_three()
    steps = clone(STEPS).set_params(**change)
    with pytest.raises(ValueError, match=message):
        TransformedDensity(steps, GaussianDensity()).fit(frame)


def test_a_column_goes_through_one_step_only():
    steps = ColumnTransformer([("a", LOG1P, [0, 1]), ("b", StandardScaler(), [1, 2])])
    with pytest.raises(ValueError, match=r"Column 1 \('weight'\) of X is in the blocks 'a', 'b'"):
        TransformedDensity(steps, GaussianDensity()).fit(frame_of_three() + 5)
    named = ColumnTransformer([("a", LOG1P, ["age"])], remainder="passthrough")
    with pytest.raises(
        ValueError, match="no column of X is named 'age'; those there are: 'height'"
    ):
        TransformedDensity(named, GaussianDensity()).fit(frame_of_three())
