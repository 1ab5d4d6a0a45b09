"""Warnings of constant columns, and of covariances that the data do not determine."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

DEGENERATE = 1e5  # as a precision in the scale of a column over all rows
NARROW = 1e2  # less is not worth a warning


def warn_of_constant(columns: str, reg_covar: float) -> None:
    """Warn of columns that do not vary over all rows."""
    warnings.warn(
        f"X does not vary in {columns}, so there is no scale there and reg_covar={reg_covar:g} "
        "itself is the variance. Leave out what does not vary, or choose reg_covar in its unit.",
        UserWarning,
        stacklevel=2,
    )


def determined_columns(density: Any) -> np.ndarray:
    """Return a mask of columns that, given the others, vary no more than by ``reg_covar``."""
    precision = density._precision_in_scale
    if density.shrinkage_ > 0:
        return np.zeros(len(precision), dtype=bool)
    return precision * np.clip(3 * density.reg_covar, DEGENERATE**-2, NARROW**-1) > 1


def warn_of_degenerate(name: str, n_rows: float, columns: str, shape: str) -> None:
    """Warn that a normal is narrower in some columns than its rows can tell."""
    others = [repr(other) for other in ("tied", "diag") if other != shape and shape != "spherical"]
    instead = f", or covariance_type {' or '.join(others)}" if others else ""
    warnings.warn(
        f"{name} (rows of total weight {n_rows:.4g}) does not vary in {columns}, given its other "
        "columns, beyond what reg_covar adds: few rows or repeated values make its density as "
        f"high there as reg_covar is small. Set shrinkage{instead}; values that repeat, such as "
        "counts, need a discrete density.",
        UserWarning,
        stacklevel=2,
    )
