"""Checks of parameters that are given, not learned."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ..._validation import shown

TOLERANCE = 1e-6  # of a sum of probabilities


def check_n_samples_given(n_samples: Any) -> float:
    """Return the weight of the rows that parameters stand for, 1 if it is not told."""
    if n_samples is None:
        return 1.0
    if isinstance(n_samples, bool) or not isinstance(n_samples, Real) or not float(n_samples) > 0:
        raise ValueError(
            f"n_samples must be a positive number, the weight of the rows that the parameters "
            f"stand for, or None; got {shown(n_samples)}."
        )
    return float(n_samples)


def check_probabilities(name: str, probability: np.ndarray, sums: bool) -> None:
    """Raise a ValueError unless all are from 0 to 1, and sum to 1 over the last axis if asked."""
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(f"{name} must hold probabilities from 0 to 1.")
    if sums and not np.allclose(probability.sum(axis=-1), 1, rtol=0, atol=TOLERANCE):
        raise ValueError(f"{name} must hold probabilities that sum to 1.")
