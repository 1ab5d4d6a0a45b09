"""Distances between two fitted densities, a density and data, or two samples."""

from ._data import log_likelihood_gap
from ._divergences import (
    chi_square,
    hellinger,
    jensen_shannon,
    kullback_leibler,
    total_variation,
)
from ._two_samples import maximum_mean_discrepancy

__all__ = [
    "chi_square",
    "hellinger",
    "jensen_shannon",
    "kullback_leibler",
    "log_likelihood_gap",
    "maximum_mean_discrepancy",
    "total_variation",
]
