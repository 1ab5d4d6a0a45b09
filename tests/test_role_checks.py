"""Scikit-learn's public checks of roles, beyond those that ``check_estimator`` runs."""

import pytest
from sklearn.base import clone, is_classifier, is_outlier_detector, is_regressor
from sklearn.utils import estimator_checks as checks

from skdgm import (
    ChainRuleConditional,
    ConditionalDensity,
    DensityOutlierDetector,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
)

from .estimators import public_estimators, smallest_instance

ESTIMATORS = public_estimators()
OF_ALL = ["check_param_validation", "check_dataframe_column_names_consistency"]
OF_TRANSFORMERS = [
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_get_feature_names_out_error",
]
OF_CLUSTERERS = ["check_clustering", "check_clusterer_compute_labels_predict"]


def checks_of(estimator):
    yield from OF_ALL
    if hasattr(estimator, "transform"):
        yield from OF_TRANSFORMERS
    if estimator is MixtureDensity:
        yield from OF_CLUSTERERS


@pytest.mark.parametrize(
    ("estimator", "check"), [(own, check) for own in ESTIMATORS for check in checks_of(own)]
)
def test_public_checks_of_the_role(estimator, check):
    getattr(checks, check)(estimator.__name__, clone(smallest_instance(estimator)))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_each_has_the_role_that_tools_ask_for(estimator):
    own = smallest_instance(estimator)
    classifiers = {GenerativeClassifier, GaussianDiscriminant, ChainRuleConditional}
    assert is_classifier(own) == (estimator in classifiers)
    assert is_regressor(own) == (estimator is ConditionalDensity)
    assert is_outlier_detector(own) == (estimator is DensityOutlierDetector)
