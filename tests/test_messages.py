"""Errors are sentences that name the argument or the column, and the cure, in every estimator."""

import inspect
import re
from contextlib import contextmanager
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_requires_y_none

from skdgm import (
    BaggingDensity,
    ChainRuleConditional,
    ChainRuleDensity,
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    TableDensity,
)
from skdgm.impute import column_means
from skdgm.metrics import log_likelihood_gap

from .estimators import public_estimators, smallest_instance

ESTIMATORS = public_estimators()
X = np.random.default_rng(0).integers(0, 2, size=(30, 4)).astype(float)
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "d"])
Y = X[:, 0].astype(int)
IMAGES = X.reshape(-1, 2, 2)
TEXT = FRAME["b"].map({0.0: "no", 1.0: "yes"})
PRIVATE = re.compile(r"skdgm\.(\w+\.)*_")

each = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.__name__)
labelled = pytest.mark.parametrize(
    "estimator",
    [estimator for estimator in ESTIMATORS if is_classifier(smallest_instance(estimator))],
)


def sentence(call, *arguments, **named):
    """Return the message of the error that a call raises, one sentence without private paths."""
    with pytest.raises((ValueError, TypeError)) as caught:
        call(*arguments, **named)
    message = str(caught.value)
    assert not PRIVATE.search(message), message
    assert re.fullmatch(r"[^\n]+\.", message), message
    return message


@cache
def fitted(estimator):
    return smallest_instance(estimator).fit(X, Y)


def queries_of(model):
    """Yield the name of each query of rows, and the query as a function of X alone."""
    for name, method in inspect.getmembers(model, callable):
        parameters = (
            list(inspect.signature(method).parameters) if hasattr(method, "_is_query") else []
        )
        if parameters[:1] == ["X"] and "column" not in parameters:
            given = {"y": Y, "q": 0.5, "analysis": column_means, "to": X[:1]}
            named = {name: given[name] for name in parameters if name in given}
            yield name, partial(method, **named)


# ---------------------------------------------------------------------- tables
@each
@pytest.mark.parametrize("dtype", [object, "category", "string"])
def test_text_is_refused_by_its_column(estimator, dtype):
    table, model = FRAME.assign(b=TEXT.astype(dtype)), smallest_instance(estimator)
    if estimator is TableDensity:
        assert model.fit(table, Y).sample(random_state=0)["b"].isin(["no", "yes"]).all()
        return
    tables = [(table, r"column 1 \('b'\)")]
    if dtype is object:
        tables += [(table.to_numpy(), "column 1"), (table.to_numpy().tolist(), "column 1")]
    for own, column in tables:
        message = sentence(model.fit, own, Y)
        assert re.match(rf"X holds text in row 0, {column}: '(no|yes)', but", message)
        assert re.search("OrdinalEncoder.*TableDensity takes such columns", message)


@each
def test_images_are_to_be_reshaped(estimator):
    model = smallest_instance(estimator)
    for images in (IMAGES, IMAGES.tolist(), IMAGES[..., np.newaxis]):
        message = sentence(model.fit, images, Y)
        assert re.match(r"X has [34] dimensions, .* reshape images and the like to", message)
    answers = dict(queries_of(fitted(estimator)))
    for name, query in answers.items():
        assert "to (n, -1), by numpy.reshape(X, (len(X), -1))" in sentence(query, IMAGES), name
    assert answers or not hasattr(model, "score_samples")


@each
def test_columns_without_values_are_named(estimator):
    model = smallest_instance(estimator)
    for table, name in ((FRAME, r" \('c'\)"), (X, "")):
        table = table.copy()
        (table.iloc if name else table)[:, 2] = np.nan
        if estimator is DensityImputer:  # it leaves such a column out
            assert model.fit_transform(table).shape == (len(X), 3)
        elif estimator is ChainRuleConditional:  # its classifier has the word
            with pytest.raises(ValueError, match=r"Input X contains NaN\.\nLogisticRegression"):
                model.fit(table, Y)
        else:
            message = sentence(model.fit, table, Y)
            assert re.search(rf"X has no observed value in column 2{name}, ", message)


@each
def test_tables_without_columns_are_refused(estimator):
    model = smallest_instance(estimator)
    for table in (FRAME[[]], X[:, :0]):
        assert sentence(model.fit, table, Y).startswith("X has no column: 0 feature(s)")
    for name, query in queries_of(fitted(estimator)):
        assert re.match("X has (no column|0 features)", sentence(query, X[:, :0])), name


def test_names_of_columns_outlast_a_joint_table():
    model, empty = ConditionalDensity(GaussianDensity()), FRAME.assign(c=np.nan)
    assert "X has no observed value in column 2 ('c')" in sentence(model.fit, empty, Y)
    assert "y has no observed value in column 2 ('c')" in sentence(model.fit, X, empty)


# ---------------------------------------------------------------------- labels
@each
def test_an_estimator_that_needs_y_says_so(estimator):
    model = smallest_instance(estimator)
    if not get_tags(model).target_tags.required:
        assert model.fit(X) is model
        return
    check_requires_y_none(estimator.__name__, model)
    calls = [model.fit, fitted(estimator).score]
    for call in calls:
        for table in (X, FRAME):
            assert re.search("y to be passed|y must be given", sentence(call, table))


@labelled
def test_missing_labels_are_refused_by_their_row(estimator):
    model = smallest_instance(estimator)
    for labels in (Y.astype(object), Y.astype(float), Y.astype(str).astype(object)):
        labels[3] = None
        for y, column in (
            (labels, ""),
            (labels.tolist(), ""),
            (pd.Series(labels, name="target"), ""),
            (pd.DataFrame({"target": labels}), ", column 0 ('target')"),
        ):
            message = sentence(model.fit, X, y)
            assert f"y has no value in row 3{column} (it is missing); leave" in message


@labelled
def test_text_among_numbers_is_refused_as_labels(estimator):
    labels = Y.astype(object)
    labels[5] = "b"
    message = sentence(smallest_instance(estimator).fit, X, labels)
    assert message.startswith(f"y holds text and other labels: 'b' in row 5, but {Y[0]} in row 0")


# ---------------------------------------------------------------------- parameters
@each
@pytest.mark.parametrize("wrong", [3, GaussianDensity, StandardScaler])
def test_parameters_that_hold_estimators_speak_of_them(estimator, wrong):
    model = smallest_instance(estimator)
    for parameter in {"density", "classifier", "transformer"} & set(model.get_params(deep=False)):
        message = sentence(clone(model).set_params(**{parameter: wrong}).fit, X, Y)
        assert re.search(rf"{parameter}.* must be .*a {parameter} .*\(such as \w+\(\)\)", message)
        if parameter == "density":
            assert ("write GaussianDensity()" in message) == (wrong is GaussianDensity)


def test_classes_are_shown_by_their_names():
    blocks = [("block", GaussianDensity, [0, 1, 2, 3])]
    assert "('block', the class GaussianDensity, " in sentence(ColumnDensity(blocks).fit, X)
    assert "got the class GaussianDensity; fit" in sentence(log_likelihood_gap, X, GaussianDensity)
    assert "got DataFrame of shape (30, 4); fit" in sentence(log_likelihood_gap, X, FRAME)


def test_a_column_twice_in_one_block_is_named():
    for columns in ([0, 1, 2, 3, 1], [0, 1, 2, 3, -3], ["a", "b", "c", "d", "b"]):
        model = ColumnDensity([("block", GaussianDensity(), columns)])
        expected = "Column 1 ('b') of X is 2 times in block 'block'; list it once."
        assert sentence(model.fit, FRAME) == expected


@each
def test_numbers_of_categories_may_be_a_list(estimator):
    if "array-like" not in estimator._parameter_constraints.get("n_categories", []):
        return
    numbers, model = [2, 3, 2, 4], smallest_instance(estimator)
    table = (X, X) if estimator is ChainRuleConditional else (X,)
    counts = [
        clone(model).set_params(n_categories=own).fit(*table).n_categories_.tolist()
        for own in (numbers, tuple(numbers), np.array(numbers))
    ]
    assert counts == [numbers] * 3
    message = sentence(clone(model).set_params(n_categories=[2, 2]).fit, *table)
    assert 'n_categories must be "auto", a positive integer or 4 of them' in message


# ---------------------------------------------------------------------- weights of nobody's making
NEIGHBOURS = ChainRuleDensity(KNeighborsClassifier(3))


@pytest.mark.parametrize(
    "model",
    [
        NEIGHBOURS,
        BaggingDensity(NEIGHBOURS, 2, random_state=0),
        ColumnDensity([("all", NEIGHBOURS, slice(None))]),
        GenerativeClassifier(NEIGHBOURS),
        ConditionalDensity(NEIGHBOURS),
        DensityImputer(NEIGHBOURS),
    ],
    ids=lambda model: type(model).__name__,
)
def test_missing_values_are_named_where_a_classifier_takes_no_weights(model):
    table = FRAME.copy()
    table.iloc[::5, 1] = np.nan
    message = sentence(model.fit, table, Y)
    assert "X has missing values, as in column 1 ('b')" in message
    assert "KNeighborsClassifier takes no sample_weight; fill" in message
    assert "has weight" not in message


def test_shares_in_a_mixture_are_named_where_a_classifier_takes_no_weights():
    message = sentence(MixtureDensity(NEIGHBOURS, random_state=0).fit, X)
    assert "share in a component of a mixture); choose" in message


@each
def test_a_table_in_place_of_a_parameter_is_not_printed(estimator):
    table = np.random.default_rng(0).normal(size=(200, 5))
    messages = {}
    for name in smallest_instance(estimator).get_params(deep=False):
        with suppress_errors(messages, name):
            smallest_instance(estimator).set_params(**{name: table}).fit(X, Y)
    assert {name: text for name, text in messages.items() if len(text) > 600} == {}


@contextmanager
def suppress_errors(messages, name):
    """Note the message of an error under a name, if there is one."""
    try:
        yield
    except (ValueError, TypeError) as error:
        messages[name] = str(error)


def test_calls_print_no_table_that_they_refuse():
    density = fitted(GaussianDensity)
    table = np.random.default_rng(0).normal(size=(200, 5))
    calls = [density.sample, density.marginal, density.condition, density.mutual_information]
    for call in [
        *(partial(call, table) for call in calls),
        partial(density.conditional_interval, X, coverage=table),
        partial(density.conditional_quantile, X, table),
        partial(density.conditional_sample, X, n_samples=table),
        partial(log_likelihood_gap, X, table),
    ]:
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        assert len(str(caught.value)) < 600
