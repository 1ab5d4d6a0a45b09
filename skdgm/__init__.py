"""Generative models with exact likelihoods for scikit-learn users."""

from .conditional import GaussianDiscriminant, GenerativeClassifier
from .density import (
    BernoulliIndependentDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
)
from .projection import PCAProjection

__version__ = "0.1.0"
__all__ = [
    "BernoulliIndependentDensity",
    "FullCategoricalDensity",
    "GaussianDensity",
    "GaussianDiscriminant",
    "GenerativeClassifier",
    "MarkovChainImageDensity",
    "PCAProjection",
]
