"""Plots of what densities say about tables, in the style of scikit-learn's displays."""

from ._dependence import DependenceDisplay
from ._surprise import SurpriseDisplay

__all__ = ["DependenceDisplay", "SurpriseDisplay"]
