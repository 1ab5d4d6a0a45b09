"""Generative models with exact likelihoods for scikit-learn users."""

from . import compare as compare
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
from .impute import DensityImputer
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
