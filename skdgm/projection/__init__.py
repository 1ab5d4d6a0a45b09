"""Principal component analysis, as a projection and as a density."""

from ._pca import PCAProjection

__all__ = ["PCAProjection"]
