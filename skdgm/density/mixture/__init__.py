"""Mixtures of densities, by expectation-maximisation."""

from ._density import MixtureDensity

__all__ = ["MixtureDensity"]
