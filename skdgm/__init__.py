"""Generative models with exact likelihoods for scikit-learn users."""

from .compare import ClassifierComparison, compare_classifiers, load_table
from .conditional import DensityImputer, GaussianDiscriminant, GenerativeClassifier
from .density import (
    BernoulliIndependentDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
)
from .display import ComparisonDisplay
from .projection import PCAProjection

__version__ = "0.1.0"
__all__ = [
    "BernoulliIndependentDensity",
    "ClassifierComparison",
    "ComparisonDisplay",
    "DensityImputer",
    "FullCategoricalDensity",
    "GaussianDensity",
    "GaussianDiscriminant",
    "GenerativeClassifier",
    "MarkovChainImageDensity",
    "PCAProjection",
    "compare_classifiers",
    "load_table",
]
