"""The multivariate normal: full, tied, diagonal, spherical or low-rank covariances."""

from ._density import GaussianDensity

__all__ = ["GaussianDensity"]
