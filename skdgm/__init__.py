"""Generative models with exact likelihoods for scikit-learn users."""

from .compare import ClassifierComparison, compare_classifiers, load_table
from .conditional import (
    ChainRuleConditional,
    ConditionalDensity,
    DensityImputer,
    GaussianDiscriminant,
    GenerativeClassifier,
)
from .density import (
    BernoulliIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)
from .display import ComparisonDisplay
from .projection import PCAProjection

__version__ = "0.1.0"
__all__ = [
    "BernoulliIndependentDensity",
    "ChainRuleConditional",
    "ChainRuleDensity",
    "ChowLiuTreeDensity",
    "ClassifierComparison",
    "ColumnDensity",
    "ComparisonDisplay",
    "ConditionalDensity",
    "DensityImputer",
    "FullCategoricalDensity",
    "GaussianDensity",
    "GaussianDiscriminant",
    "GenerativeClassifier",
    "HiddenChowLiuTreeDensity",
    "MarkovChainImageDensity",
    "MixtureDensity",
    "PCAProjection",
    "TransformedDensity",
    "compare_classifiers",
    "load_table",
]
