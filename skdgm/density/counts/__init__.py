"""Independent columns of counts: Poisson and negative binomial."""

from ._density import PoissonIndependentDensity
from ._negative_binomial import NegativeBinomialIndependentDensity

__all__ = ["NegativeBinomialIndependentDensity", "PoissonIndependentDensity"]
