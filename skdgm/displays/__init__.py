"""Plots of what densities say about tables, in the style of scikit-learn's displays."""

from ._completions import CompletionDisplay
from ._components import ComponentsDisplay
from ._density_contour import DensityContourDisplay
from ._dependence import DependenceDisplay
from ._missing_accuracy import MissingAccuracyDisplay
from ._real_against_sampled import RealAgainstSampledDisplay
from ._samples import SampleDisplay
from ._score import ScoreDisplay
from ._surprise import SurpriseDisplay
from ._tree import TreeDisplay

__all__ = [
    "CompletionDisplay",
    "ComponentsDisplay",
    "DensityContourDisplay",
    "DependenceDisplay",
    "MissingAccuracyDisplay",
    "RealAgainstSampledDisplay",
    "SampleDisplay",
    "ScoreDisplay",
    "SurpriseDisplay",
    "TreeDisplay",
]
