"""Checks of every public estimator; estimators are discovered, so that none is forgotten."""

import inspect
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

import skdgm
from skdgm.density import BaseDensity

from .estimators import CASES, VARIANTS, public_estimators, smallest_instance

ESTIMATORS = public_estimators()


@parametrize_with_checks([smallest_instance(estimator) for estimator in ESTIMATORS] + VARIANTS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_every_estimator_is_exported():
    assert {estimator.__name__ for estimator in ESTIMATORS} <= set(skdgm.__all__)
    for estimator in ESTIMATORS:
        assert getattr(skdgm, estimator.__name__) is estimator


def test_every_density_has_a_case_of_the_contract():
    densities = {estimator for estimator in ESTIMATORS if issubclass(estimator, BaseDensity)}
    assert densities == {type(case.density) for case in CASES}


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_parameter_is_validated_and_documented(estimator):
    parameters = set(inspect.signature(estimator).parameters)
    assert parameters <= set(estimator._parameter_constraints)
    sections = re.split(r"\n\s*-{4,}\n", inspect.getdoc(estimator))
    documented = re.findall(r"^(\w+) : ", sections[1], flags=re.MULTILINE)
    assert set(documented) == parameters


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_docstring_has_attributes_and_an_example(estimator):
    doc = inspect.getdoc(estimator)
    for section in ("Parameters", "Attributes", "Examples", "References"):
        assert f"\n{section}\n{'-' * len(section)}\n" in doc
    assert ">>> from skdgm import" in doc


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_public_methods_are_documented_and_annotated(estimator):
    for name, method in inspect.getmembers(estimator, inspect.isfunction):
        if name.startswith("_") or not method.__module__.startswith("skdgm"):
            continue
        assert inspect.getdoc(method), name
        signature = inspect.signature(method)
        assert signature.return_annotation is not inspect.Signature.empty, name
        for parameter in list(signature.parameters.values())[1:]:
            assert parameter.annotation is not inspect.Parameter.empty, (name, parameter)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_documented_attributes_exist_after_fit(estimator):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, size=(40, 4)), rng.integers(0, 2, size=40)
    fitted = clone(smallest_instance(estimator)).fit(X, y)
    attributes = inspect.getdoc(estimator).split("Attributes\n----------\n")[1].split("\n\n")[0]
    for name, text in re.findall(r"^(\w+_) : (.*(?:\n .*)*)", attributes, flags=re.MULTILINE):
        if name != "feature_names_in_" and " only)" not in text:
            assert hasattr(fitted, name), name
