"""Covariances that an estimator of scikit-learn finds in place of the density itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from ..._codes import has_missing
from ._covariances import FullCovariance
from ._moments import Moments

CURE = 'use shrinkage="auto" instead, which takes them'


def check_estimator_alone(density: Any) -> None:
    """Raise a ValueError if parameters ask for a covariance beside that of the estimator."""
    if density.covariance_type not in ("full", "tied"):
        raise ValueError(
            'covariance_estimator finds a full covariance, so covariance_type must be "full" or '
            f'"tied", got {density.covariance_type!r}.'
        )
    if density.shrinkage is not None:
        raise ValueError(
            "covariance_estimator and shrinkage both regularise the covariance; leave one of them "
            "None."
        )


def refuse_weights() -> None:
    """Raise a ValueError, as a mixture or sample_weight asks for weighted rows."""
    raise ValueError(
        "covariance_estimator takes no weights, neither sample_weight nor those of a mixture's "
        f"components; {CURE}."
    )


def moments_by_estimator(density: Any, X: np.ndarray, weight: np.ndarray | None) -> Moments:
    """Return moments whose scatter is that of the estimator's covariance."""
    check_estimator_alone(density)
    if weight is not None:
        refuse_weights()
    if has_missing(X):
        raise ValueError(
            f"covariance_estimator takes no missing values; impute X first, or {CURE}."
        )
    X = np.asarray(X)
    estimator = clone(density.covariance_estimator).fit(X)
    covariance = np.asarray(getattr(estimator, "covariance_", None))
    if covariance.shape != (X.shape[1], X.shape[1]):
        raise ValueError(
            "covariance_estimator must set covariance_ when it is fitted, as those of "
            f"sklearn.covariance do; {type(estimator).__name__} does not."
        )
    mean = np.asarray(getattr(estimator, "location_", X.mean(axis=0)))
    return Moments(float(len(X)), mean, len(X) * covariance)


def use_estimated(density: Any, moments: Moments) -> None:
    """Let a density take over a covariance as an estimator has found it."""
    covariance = moments.scatter / float(moments.total)
    density.shrinkage_ = 0.0
    density._covariance = FullCovariance(covariance, density._prior(0.0).scale)
    density.covariance_ = density._covariance.value
    d = len(covariance)
    density.n_parameters_ = d + FullCovariance.n_parameters(d)
    density.n_iter_, density.lower_bounds_ = 1, np.empty(0)
