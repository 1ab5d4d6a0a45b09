"""Plots of what densities say about tables, in the style of scikit-learn's displays."""

from ._surprise import SurpriseDisplay

__all__ = ["SurpriseDisplay"]
