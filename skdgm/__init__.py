"""Generative models with exact likelihoods for scikit-learn users."""

from . import compare as compare
from . import density as _density
from . import display as display
from .comparison import (
    ClassifierComparison,
    ComparisonDisplay,
    compare_classifiers,
    load_table,
)
from .conditional import (
    ChainRuleConditional,
    ConditionalDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
)
from .density import *
from .impute import DensityImputer
from .outliers import DensityOutlierDetector
from .projection import PCAProjection

__version__ = "0.1.0"
__all__ = [
    "ChainRuleConditional",
    "ClassifierComparison",
    "ComparisonDisplay",
    "ConditionalDensity",
    "DensityImputer",
    "DensityOutlierDetector",
    "GaussianDiscriminant",
    "GenerativeClassifier",
    "PCAProjection",
    "compare_classifiers",
    "load_table",
]
__all__ += _density.__all__
