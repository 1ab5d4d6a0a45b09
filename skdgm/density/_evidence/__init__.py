"""The densities that evidence leaves: of some columns, and of values in regions."""

from .._queries.conditioning import Conditioning
from ._listed import ListedRegions
from ._view import DensityView

__all__ = ["DensityView"]

Conditioning._view_type = DensityView
Conditioning._listing_type = ListedRegions
