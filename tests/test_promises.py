"""Promises that scikit-learn makes for every estimator, beyond its own checks."""

import inspect

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdgm import (
    ChainRuleConditional,
    ChainRuleDensity,
    DensityImputer,
    GaussianDensity,
    PCAProjection,
    TransformedDensity,
)
from skdgm._weighted_fit import fit_weighted
from skdgm.density import BaseDensity
from skdgm.impute import column_means

from .estimators import VARIANTS, few_steps, public_estimators, smallest_instance
from .rows import hide

IRIS, SPECIES = load_iris(return_X_y=True)
OVERWRITES = make_pipeline(
    SimpleImputer(copy=False), StandardScaler(copy=False), LogisticRegression()
)
ESTIMATORS = [
    *map(smallest_instance, public_estimators()),
    *VARIANTS,
    ChainRuleDensity(OVERWRITES),
    ChainRuleConditional(OVERWRITES),
    TransformedDensity(StandardScaler(copy=False), GaussianDensity()),
    TransformedDensity(make_pipeline(StandardScaler(copy=False)), GaussianDensity("diag")),
    *(PCAProjection(2, copy=False, svd_solver=name) for name in ("full", "arpack", "randomized")),
]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: repr(one)[:60])


def data():
    rng = np.random.default_rng(0)
    return rng.integers(0, 2, (40, 4)).astype(float), rng.integers(0, 2, 40)


# ---------------------------------------------------------------------- inputs
def call(fitted, name, arguments):
    """Call a method with those of the arguments that it takes."""
    method = getattr(fitted, name)
    if name == "inverse_transform":
        return method(arguments["Z"])
    if name == "sample":
        return method()  # its y holds no rows
    taken = [one for one in inspect.signature(method).parameters if one in arguments]
    return method(**{one: arguments[one] for one in taken})


@every_estimator
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_no_call_changes_its_input(estimator):
    X, y = data()
    arguments = {"X": X, "y": y, "Y": y, "sample_weight": np.full(40, 2.0), "random_state": 0}
    arguments["column"], arguments["probability"] = 1, X
    arguments["q"], arguments["to"], arguments["columns"] = 0.5, X[:1], [0]
    arguments["analysis"] = column_means
    fitted = few_steps(estimator).fit(X, y)
    if hasattr(fitted, "transform"):
        arguments["Z"] = fitted.transform(X)
    incomplete = {**arguments, "X": hide(X, 0.1)}
    takes_missing = sklearn.utils.get_tags(estimator).input_tags.allow_nan
    names = [
        name
        for name, _ in inspect.getmembers(type(fitted), callable)
        if not name.startswith(("_", "set_", "get_", "from_")) and hasattr(fitted, name)
    ]
    if isinstance(fitted, BaseDensity) and not fitted._columns.listable[1]:
        names.remove("conditional_proba")
    if isinstance(fitted, BaseDensity) and not fitted._latent_shares(fitted._encode(X[:1])):
        names.remove("similar_rows")
    for given in [arguments, *[incomplete] * takes_missing]:
        before = {name: np.copy(value) for name, value in given.items()}
        for name in ["fit", *names]:
            told = {"evidence": {0: X[0, 0]}} if name == "condition" else {}
            call(fitted, name, {**given, **told})
            for argument, value in given.items():
                assert_array_equal(value, before[argument], err_msg=f"{name} changes {argument}")


@pytest.mark.parametrize("solver", ["full", "covariance_eigh", "arpack", "randomized"])
def test_projections_do_not_depend_on_copy(solver):
    X = IRIS.copy()
    plain = PCAProjection(2, svd_solver=solver, random_state=0)
    projection = clone(plain).set_params(copy=False)
    assert_allclose(projection.fit_transform(X), plain.fit_transform(X))
    assert_allclose(projection.fit(X).transform(X), plain.transform(X))
    frame = pd.DataFrame(X)
    assert_allclose(projection.fit(frame).transform(frame), plain.transform(X))
    model = make_pipeline(projection, LogisticRegression())
    assert cross_val_score(model, X, SPECIES).mean() > 0.95


def test_classifiers_that_overwrite_their_input_change_no_answer():
    X, y = data()
    safe = make_pipeline(StandardScaler(), LogisticRegression())
    unsafe = make_pipeline(StandardScaler(copy=False), LogisticRegression())
    expected, density = (ChainRuleDensity(own).fit(X) for own in (safe, unsafe))
    assert_allclose(density.score_samples(X), expected.score_samples(X))
    some = hide(X, 0.3)
    for query in ("score_samples", "conditional_mean", "conditional_mode"):
        assert_allclose(getattr(density, query)(some), getattr(expected, query)(some))
    drawn = [own.sample(20, random_state=0) for own in (density, expected)]
    assert_array_equal(*drawn)
    expected, model = (ChainRuleConditional(own).fit(X, y) for own in (safe, unsafe))
    assert_allclose(model.predict_proba(X), expected.predict_proba(X))
    assert_array_equal(model.predict(X), expected.predict(X))


# ---------------------------------------------------------------------- weights and routing
@every_estimator
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_metadata_routing_changes_no_fit(estimator):
    X, y = data()
    weight = np.random.default_rng(1).integers(1, 3, 40).astype(float)
    answers = []
    for routing in (False, True):
        with sklearn.config_context(enable_metadata_routing=routing):
            fitted = clone(estimator)
            if "random_state" in fitted.get_params():
                fitted.set_params(random_state=0)
            call(fitted, "fit", {"X": X, "y": y, "sample_weight": weight})
            names = ("score_samples", "transform", "predict_proba", "completions")
            query = next(name for name in names if hasattr(fitted, name))
            answers.append(call(fitted, query, {"X": X, "y": y}))
    assert_array_equal(*answers)


LOGISTIC = LogisticRegression()
SCALED = make_pipeline(StandardScaler(), LogisticRegression())
TAKE_WEIGHTS = [
    LOGISTIC,
    SCALED,
    GridSearchCV(LOGISTIC, {"C": [0.1, 1.0]}, cv=2),
    GridSearchCV(SCALED, {"logisticregression__C": [1.0]}, cv=2),
    make_pipeline(StandardScaler(), GridSearchCV(LOGISTIC, {"C": [1.0]}, cv=2)),
    RFE(LOGISTIC),
    RFE(SCALED, importance_getter="named_steps.logisticregression.coef_"),
    CalibratedClassifierCV(LOGISTIC, cv=2),
    VotingClassifier([("one", LOGISTIC)], voting="soft"),
    StackingClassifier([("one", LOGISTIC)], LOGISTIC, cv=2),
]


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("classifier", TAKE_WEIGHTS, ids=lambda one: type(one).__name__)
def test_meta_estimators_pass_weights_on(classifier, routing):
    """Rows of next to no weight do not matter, those of a large weight do."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 3)), np.tile([0, 1], 40)
    X[:, 0] += 4 * y
    heavy = np.arange(80) // 2 % 2 == 0
    wrong = np.where(heavy, y, 1 - y)
    weight = np.where(heavy, 1.5, 1e-9)
    with sklearn.config_context(enable_metadata_routing=routing):
        fitted = fit_weighted(clone(classifier), X, wrong, weight)
    assert np.mean(fitted.predict(X) == y) > 0.9


@pytest.mark.parametrize(
    ("classifier", "message"),
    [
        (GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [2]}), "^KNeighborsClassifier takes"),
        (VotingClassifier([("one", LOGISTIC), ("two", SCALED)]), "^Pipeline takes"),
        (OneVsRestClassifier(LOGISTIC), r"^OneVsRestClassifier \(without metadata routing\) takes"),
    ],
)
def test_what_takes_no_weights_is_named(classifier, message):
    X, y = data()
    with pytest.raises(ValueError, match=message):
        fit_weighted(classifier, X, y, np.linspace(0.5, 1, 40))


@pytest.mark.parametrize("routing", [False, True])
def test_a_pipeline_learns_from_missing_values(routing):
    X = hide(data()[0], 0.3)
    with sklearn.config_context(enable_metadata_routing=routing):
        density = ChainRuleDensity(SCALED, max_iter=2, tol=1.0).fit(X)
        assert np.isfinite(density.score_samples(X)).all()


# ---------------------------------------------------------------------- frames that come out
TRANSFORMERS = [
    DensityImputer(GaussianDensity(), add_indicator=True),
    DensityImputer(GaussianDensity("diag")),
    PCAProjection(2),
]


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda one: type(one).__name__)
def test_set_output_decides_what_comes_out(transformer, output):
    frames = None if output == "default" else pytest.importorskip(output)
    frame = pd.DataFrame(hide(IRIS, 0.2), columns=list("abcd"))
    expected = clone(transformer).fit_transform(frame)
    own = clone(transformer).set_output(transform=output)
    answers = [own.fit_transform(frame), own.transform(frame)]
    with sklearn.config_context(transform_output=output):
        configured = clone(transformer)
        answers += [configured.fit_transform(frame), configured.transform(frame)]
    for Z in answers:
        assert isinstance(Z, np.ndarray if frames is None else frames.DataFrame)
        assert_allclose(np.asarray(Z), expected)
        if frames is not None:
            assert list(Z.columns) == list(own.get_feature_names_out())


# ---------------------------------------------------------------------- parameters
NOT_FINITE = [
    *(np.nan, np.inf, -np.inf, (0.1, np.nan), (np.nan, 0.9), (0.0, np.inf)),
    *([np.nan] * 4, [np.inf] * 4, [2, 2, 2, np.nan], np.full((2, 2, 2, 2), np.nan)),
]
NO_LIMIT = {"min_value": [-np.inf], "max_value": [np.inf]}  # of what is imputed


@pytest.mark.parametrize("estimator", public_estimators())
def test_parameters_that_are_not_finite_are_refused_by_name(estimator):
    X, y = data()
    for name in smallest_instance(estimator).get_params(deep=False):
        if name == "missing_values":  # may well be NaN or infinite
            continue
        for value in NOT_FINITE:
            if np.array_equal(np.unique(value), NO_LIMIT.get(name, [])):
                continue
            with pytest.raises(ValueError, match=name):
                smallest_instance(estimator).set_params(**{name: value}).fit(X, y)
