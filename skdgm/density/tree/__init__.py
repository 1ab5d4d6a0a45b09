"""The best tree of Chow and Liu, in which every column depends on one other."""

from ._density import ChowLiuTreeDensity

__all__ = ["ChowLiuTreeDensity"]
