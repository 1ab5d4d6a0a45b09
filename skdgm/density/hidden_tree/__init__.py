"""A tree of latent variables, one beside every column."""

from ._density import HiddenChowLiuTreeDensity

__all__ = ["HiddenChowLiuTreeDensity"]
