"""TransformedDensity as an estimator: conventions, and transformers that it refuses."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    PCAProjection,
    TransformedDensity,
)

from .rounding import assert_equal_to_rounding
from .transformers import DATA, KINDS, ROTATIONS, LogTransformer, fitted, kinds


# ---------------------------------------------------------------------- conventions
@kinds(KINDS)
def test_inputs_are_left_unchanged(kind):
    """Also by transformers that may write to their own."""
    transformer, data = KINDS[kind]
    writing = {name: False for name in transformer.get_params() if name.split("__")[-1] == "copy"}
    X = DATA[data].copy()
    density = TransformedDensity(clone(transformer).set_params(**writing), GaussianDensity()).fit(X)
    assert_array_equal(X, DATA[data])
    X.flags.writeable = False
    again = clone(density).fit(X)
    assert_equal_to_rounding(again.score_samples(X), density.score_samples(X))


@kinds(KINDS)
def test_pickled_models_are_the_same(kind):
    density = fitted(kind)
    X = DATA[KINDS[kind][1]]
    loaded = pickle.loads(pickle.dumps(density))
    assert_array_equal(loaded.score_samples(X), density.score_samples(X))
    assert_array_equal(loaded.sample(9, random_state=2), density.sample(9, random_state=2))


@pytest.mark.parametrize("kind", ["standard", "pca-whiten", "yeo-johnson", "quantile-normal"])
def test_single_precision_is_kept(kind):
    transformer, data = KINDS[kind]
    X = DATA[data].astype(np.float32)
    density = TransformedDensity(transformer, GaussianDensity()).fit(X)
    assert density.sample(3, random_state=0).dtype == np.float32
    assert density.score_samples(X).dtype == np.float64
    double = clone(density).fit(X.astype(float))
    assert_equal_to_rounding(density.score_samples(X), double.score_samples(X.astype(float)))
    whole = TransformedDensity(transformer, GaussianDensity()).fit((1e4 * X).astype(int))
    assert whole.sample(3, random_state=0).dtype == np.float64


def test_frames_keep_their_names():
    frame = pd.DataFrame(DATA["log-normal"].copy(), columns=["length", "width"])
    frame.iloc[::5, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        density = TransformedDensity(
            make_pipeline(StandardScaler(), PowerTransformer()), GaussianDensity()
        ).fit(frame)
        scores = density.score_samples(frame)
        classifier = GenerativeClassifier(density).fit(frame, np.arange(400) % 2)
        classifier.predict(frame)
    assert density.feature_names_in_.tolist() == ["length", "width"]
    assert_allclose(scores, clone(density).fit(frame.to_numpy()).score_samples(frame.to_numpy()))


@kinds(ROTATIONS)
def test_rotations_refuse_missing_values(kind):
    density = fitted(kind)
    X = DATA["normal"].copy()
    X[3, 1] = np.nan
    is_step = kind in ("standard-pca", "columns-pca")
    step = "step 'pca' of transformer" if is_step else r"transformer \(PCA"
    for call in (density.fit, density.score_samples, density.conditional_mean):
        with pytest.raises(ValueError, match=rf"X contains NaN, but {step}.* mixes columns"):
            call(X)
    assert not get_tags(density).input_tags.allow_nan
    assert not get_tags(MixtureDensity(density)).input_tags.allow_nan


def test_tags_follow_the_transformer_and_the_density():
    assert get_tags(TransformedDensity(PowerTransformer(), GaussianDensity())).input_tags.allow_nan
    inner = TransformedDensity(PCA(), GaussianDensity())
    assert not get_tags(TransformedDensity(StandardScaler(), inner)).input_tags.allow_nan


@pytest.mark.parametrize("transformer", [PCA(), PCAProjection(whiten=True)])
def test_rotations_pass_the_checks_of_scikit_learn(transformer):
    """All but one, whose 27 rows of 30 columns leave a rotation without an inverse, as is said."""
    density = TransformedDensity(transformer, GaussianDensity())
    results = check_estimator(density, on_fail=None, on_skip=None)
    failed = [result for result in results if result["status"] == "failed"]
    assert len(results) - len(failed) > 30
    for result in failed:
        assert "makes 27 columns of 30 and so has no inverse" in str(result["exception"])


def test_there_is_no_partial_fit():
    assert not hasattr(TransformedDensity(StandardScaler(), GaussianDensity()), "partial_fit")


# ---------------------------------------------------------------------- refusals
SQUARE = np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [4.0, 4.0]])
CONSTANT = np.column_stack([SQUARE[:, 0], np.full(4, 7.0)])
DEPENDENT = np.column_stack([SQUARE, SQUARE.sum(axis=1)])
TIED = np.column_stack([np.arange(8.0), [0, 1, 1, 1, 1, 1, 2, 3]])


@pytest.mark.parametrize(
    ("transformer", "X", "message"),
    [
        (PolynomialFeatures(), SQUARE, r"transformer \(PolynomialFeatures\) cannot be used: its"),
        (PolynomialFeatures(), SQUARE, "Jacobian is not known. Supported are StandardScaler, MinM"),
        (
            make_pipeline(StandardScaler(), VarianceThreshold()),
            SQUARE,
            r"step 'variancethreshold' of transformer \(VarianceThreshold\) cannot be used",
        ),
        (
            Pipeline([("a", Pipeline([("b", PolynomialFeatures())])), ("c", "passthrough")]),
            SQUARE,
            r"step 'a__b' of transformer \(PolynomialFeatures\) cannot be used",
        ),
        (LogisticRegression(), SQUARE, r"\(LogisticRegression\) cannot be used"),
        (PCA(1), SQUARE, r"transformer \(PCA\) makes 1 columns of 2 and so has no inverse"),
        (
            make_pipeline(StandardScaler(), PCAProjection(n_components=2)),
            DEPENDENT,
            r"step 'pcaprojection' of transformer \(PCAProjection\) makes 2 columns of 3",
        ),
        (PCA(), DEPENDENT[:2], "makes 2 columns of 3 .* got n_samples=2"),
        (PCA(whiten=True), DEPENDENT, r"column 2 of its output has variance zero"),
        (PCA(whiten=True), CONSTANT, r"column 1 of its output has variance zero"),
        (MinMaxScaler(clip=True), SQUARE, r"\(MinMaxScaler\) has no inverse: with clip=True, ever"),
        (
            QuantileTransformer(n_quantiles=8),
            TIED,
            r"\(QuantileTransformer\) has no inverse: in column 1, the value 1 is more than one of",
        ),
        (
            QuantileTransformer(n_quantiles=3),
            CONSTANT,
            "in column 1, the value 7 is more than one .* 100.0% of the rows share it. Use N",
        ),
        (QuantileTransformer(n_quantiles=1), SQUARE, "has a single quantile"),
        (PowerTransformer("box-cox"), CONSTANT, "has no exponent for column 1, which is constant"),
        (PowerTransformer("box-cox"), SQUARE - 2, "strictly positive"),
        (
            make_pipeline(MaxAbsScaler(), PowerTransformer("box-cox")),
            CONSTANT,
            "step 'powertransformer' of transformer .* has no exponent for column 1",
        ),
    ],
)
def test_transformers_without_an_inverse_are_refused(transformer, X, message):
    density = TransformedDensity(transformer, GaussianDensity())
    with pytest.raises(ValueError, match=message):
        density.fit(X)
    assert vars(density).keys() == density.get_params(deep=False).keys()
    density.set_params(transformer=StandardScaler()).fit(SQUARE)
    before = density.score_samples(SQUARE)
    with pytest.raises(ValueError, match=message):
        density.set_params(transformer=transformer).fit(X)
    assert_array_equal(density.score_samples(SQUARE), before)  # the model is unchanged


def test_maps_beyond_floating_point_are_refused():
    X = np.random.default_rng(0).normal(2000, 1e-3, size=(50, 1))

    class Extreme(LogTransformer):
        exponent = -40.0

    with pytest.raises(ValueError, match="with the exponent -40, the values of column 0 differ by"):
        TransformedDensity(Extreme(), GaussianDensity()).fit(X)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # in scikit-learn's own search
def test_power_transformers_far_from_zero_are_refused_or_right():
    refused = 0
    for seed in range(20):
        X = np.random.default_rng(seed).normal(1013, 1, size=(200, 1))  # air pressure in hPa
        density = TransformedDensity(PowerTransformer(), GaussianDensity())
        try:
            density.fit(X)
        except (ValueError, RuntimeError):  # by us, or by scikit-learn's search of an exponent
            refused += 1
            continue
        assert_allclose(density.score(X), GaussianDensity().fit(X).score(X), atol=0.1)
        assert_allclose(density.sample(500, random_state=0).mean(), 1013, atol=1)
    assert refused < 20


def test_names_of_columns_end_at_a_rotation():
    frame = pd.DataFrame(DATA["normal"], columns=["a", "b"])
    blocks = ColumnDensity([("a", GaussianDensity(), ["a"]), ("b", GaussianDensity(), ["b"])])
    with pytest.raises(ValueError, match="X has no column names"):
        TransformedDensity(PCA(), blocks).fit(frame)


def test_categories_beside_continuous_columns_are_refused():
    X = np.column_stack([DATA["normal"], DATA["normal"][:, 0] > 1])
    blocks = ColumnDensity(
        [("a", GaussianDensity(), [0, 1]), ("b", BernoulliIndependentDensity(), [2])]
    )
    for density in (blocks, MixtureDensity(blocks)):
        with pytest.raises(ValueError, match="density must be one over continuous columns"):
            TransformedDensity(StandardScaler(), density).fit(X)


def test_constant_columns_are_accepted_where_the_map_has_an_inverse():
    for transformer in (StandardScaler(), MinMaxScaler(), RobustScaler(), MaxAbsScaler(), PCA()):
        density = TransformedDensity(transformer, GaussianDensity()).fit(CONSTANT)
        assert np.isfinite(density.score_samples(CONSTANT)).all()
    density = TransformedDensity(PowerTransformer(), GaussianDensity()).fit(CONSTANT)
    assert np.isfinite(density.score_samples(CONSTANT)).all()
    assert np.isfinite(density.conditional_mean([[np.nan, 7.0], [1.0, np.nan]])).all()


@pytest.mark.parametrize(
    "density",
    [
        ChowLiuTreeDensity(),
        BernoulliIndependentDensity(),
        MixtureDensity(BernoulliIndependentDensity(), random_state=0),
    ],
)
def test_densities_over_categories_are_refused(density):
    model = TransformedDensity(StandardScaler(), density)
    name = type(density).__name__
    with pytest.raises(ValueError, match=f"density must be one over continuous .* got {name}"):
        model.fit(SQUARE)
    assert vars(model).keys() == model.get_params(deep=False).keys()


def test_a_column_without_observed_values_is_refused():
    X = DATA["normal"].copy()
    X[:, 1] = np.nan
    density = TransformedDensity(PowerTransformer(), GaussianDensity())
    for model in (density, MixtureDensity(density)):
        with pytest.raises(ValueError, match="no observed value in column 1"):
            model.fit(X)
    with pytest.raises(ValueError, match="no observed value in column 1"):
        GenerativeClassifier(density).fit(X, np.arange(len(X)) % 2)


def test_invalid_parameters_are_refused():
    with pytest.raises(ValueError, match="'transformer' parameter of TransformedDensity must be"):
        TransformedDensity("scale", GaussianDensity()).fit(SQUARE)
    with pytest.raises(ValueError, match="'density' parameter of TransformedDensity must be"):
        TransformedDensity(StandardScaler(), LogisticRegression()).fit(SQUARE)
    with pytest.raises(ValueError, match="'reg_covar' parameter of GaussianDensity must be"):
        TransformedDensity(StandardScaler(), GaussianDensity(reg_covar=-1)).fit(SQUARE)
