"""Conditional models ``p(y | x)`` that come from densities."""

from ._gaussian_discriminant import GaussianDiscriminant
from ._generative_classifier import GenerativeClassifier

__all__ = ["GaussianDiscriminant", "GenerativeClassifier"]
