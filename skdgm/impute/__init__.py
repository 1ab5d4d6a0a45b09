"""Imputation: one completed table, or several that carry how uncertain the completions are."""

from ._analyses import column_means, linear_regression, logistic_regression
from ._density_imputer import DensityImputer
from ._multiple import MultipleImputer
from ._pooled import PooledEstimate, pool_estimates

__all__ = [
    "DensityImputer",
    "MultipleImputer",
    "PooledEstimate",
    "column_means",
    "linear_regression",
    "logistic_regression",
    "pool_estimates",
]
