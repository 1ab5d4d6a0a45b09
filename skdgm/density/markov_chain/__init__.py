"""Markov chains along the pixels of an image, of any order, by dense or sparse tables."""

from ._density import MarkovChainImageDensity

__all__ = ["MarkovChainImageDensity"]
