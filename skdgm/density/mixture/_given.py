"""Mixtures of given parts."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from .._base import BaseDensity
from .._derived import DerivedDensity
from .._engine.given import check_probabilities


def checked_parts(densities: Sequence[BaseDensity]) -> list[Any]:
    """Return copies of fitted densities, or raise a ValueError if they make no mixture."""
    parts: list[Any] = [copy(density) for density in densities]
    if not parts or not all(isinstance(part, BaseDensity) for part in parts):
        raise ValueError("densities must be a list of at least one fitted density.")
    for part in parts:
        check_is_fitted(part)
    first = parts[0]
    if any(type(part) is not type(first) for part in parts):
        names = sorted({type(part).__name__ for part in parts})
        raise ValueError(f"densities must be of one family, got {', '.join(names)}.")
    for part in parts[1:]:
        same = part.n_features_in_ == first.n_features_in_ and part._columns == first._columns
        if not same or _names(part) != _names(first):
            raise ValueError(
                "densities must see the same columns, with the same names and categories; declare "
                "categories, for example with n_categories."
            )
    return parts


def checked_weights(weights: ArrayLike | None, n_components: int) -> np.ndarray:
    """Return the probabilities of the components."""
    if weights is None:
        return np.full(n_components, 1 / n_components)
    probability = np.asarray(weights, dtype=np.float64)
    if probability.shape != (n_components,):
        raise ValueError(
            f"weights must hold one probability for each of the {n_components} densities, got "
            f"shape {probability.shape}."
        )
    check_probabilities("weights", probability, sums=True)
    return probability / probability.sum()


def unfitted(part: BaseDensity) -> BaseDensity:
    """Return the family of a part; what follows from a fitted density stands for itself."""
    inside = [part, *part.get_params().values()]
    return part if any(isinstance(own, DerivedDensity) for own in inside) else clone(part)


def _names(density: Any) -> list[str]:
    return list(getattr(density, "feature_names_in_", []))
