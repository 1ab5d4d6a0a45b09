"""A density behind an invertible transformer."""

from ._density import TransformedDensity
from ._normal_scores import NormalScoreTransformer

__all__ = ["NormalScoreTransformer", "TransformedDensity"]
