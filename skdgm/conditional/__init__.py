"""Conditional models ``p(y | x)``: of classes, of whole vectors, of what is missing in a row."""

from ..impute import DensityImputer
from ._chain_rule_conditional import ChainRuleConditional
from ._conditional_density import ConditionalDensity
from ._gaussian_discriminant import GaussianDiscriminant
from ._generative_classifier import GenerativeClassifier

__all__ = [
    "ChainRuleConditional",
    "ConditionalDensity",
    "DensityImputer",
    "GaussianDiscriminant",
    "GenerativeClassifier",
]
