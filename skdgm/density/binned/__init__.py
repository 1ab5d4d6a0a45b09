"""Densities of numbers by way of bins, which are categories to another density."""

from ._density import BinnedDensity

__all__ = ["BinnedDensity"]
