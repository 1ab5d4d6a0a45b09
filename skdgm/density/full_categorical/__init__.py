"""One probability for each joint state, stored sparsely."""

from ._density import FullCategoricalDensity

__all__ = ["FullCategoricalDensity"]
