"""Conditional models that come from densities: ``p(y | x)``, and the missing given the observed."""

from ._density_imputer import DensityImputer
from ._gaussian_discriminant import GaussianDiscriminant
from ._generative_classifier import GenerativeClassifier

__all__ = ["DensityImputer", "GaussianDiscriminant", "GenerativeClassifier"]
