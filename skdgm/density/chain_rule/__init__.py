"""The chain rule with any scikit-learn classifier for each column."""

from ._density import ChainRuleDensity

__all__ = ["ChainRuleDensity"]
