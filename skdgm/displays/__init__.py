"""Plots of what densities say about tables, in the style of scikit-learn's displays."""

from ._density_contour import DensityContourDisplay
from ._dependence import DependenceDisplay
from ._real_against_sampled import RealAgainstSampledDisplay
from ._score import ScoreDisplay
from ._surprise import SurpriseDisplay

__all__ = [
    "DensityContourDisplay",
    "DependenceDisplay",
    "RealAgainstSampledDisplay",
    "ScoreDisplay",
    "SurpriseDisplay",
]
