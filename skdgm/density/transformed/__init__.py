"""A density behind an invertible transformer."""

from ._density import TransformedDensity

__all__ = ["TransformedDensity"]
