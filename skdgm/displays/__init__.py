"""Plots of what densities say about tables, in the style of scikit-learn's displays."""

from ._completions import CompletionDisplay
from ._components import ComponentsDisplay
from ._dependence import DependenceDisplay
from ._missing_accuracy import MissingAccuracyDisplay
from ._samples import SampleDisplay
from ._surprise import SurpriseDisplay
from ._tree import TreeDisplay

__all__ = [
    "CompletionDisplay",
    "ComponentsDisplay",
    "DependenceDisplay",
    "MissingAccuracyDisplay",
    "SampleDisplay",
    "SurpriseDisplay",
    "TreeDisplay",
]
