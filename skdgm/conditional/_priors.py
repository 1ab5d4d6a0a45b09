"""The prior probabilities of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def learned_priors(priors: Any, classes: np.ndarray, class_weight: np.ndarray) -> np.ndarray:
    """Return the probability of each class.

    Parameters
    ----------
    priors : None, "uniform", mapping or array-like of shape (n_classes,)
        As told by the user: None for the shares of ``class_weight``, "uniform" for equal shares
        of the classes that have weight, or given probabilities.
    classes : ndarray of shape (n_classes,)
        The labels, which a mapping has as keys.
    class_weight : ndarray of shape (n_classes,)
        Total weight of the rows of each class.
    """
    if priors is None:
        return class_weight / class_weight.sum()
    if isinstance(priors, str):
        return (class_weight > 0) / np.count_nonzero(class_weight)
    if isinstance(priors, Mapping):
        priors = _by_label(priors, classes)
    given = np.asarray(priors, dtype=np.float64)
    if given.shape != class_weight.shape:
        raise ValueError(
            f"priors must hold one probability for each of the {len(class_weight)} classes, "
            f"in the order of classes_; got shape {given.shape}."
        )
    if not (given >= 0).all() or not np.isclose(given.sum(), 1.0):
        raise ValueError(f"priors must not be negative and must sum to 1, got {priors!r}.")
    unknown = (given > 0) & (class_weight == 0)
    if unknown.any():
        raise ValueError(
            f"priors give class {classes[unknown].tolist()[0]!r} a positive probability, "
            "but sample_weight is zero for every row of it, so it has no density; give its "
            "rows weight, or the class the prior 0."
        )
    return given / given.sum()


def _by_label(priors: Mapping[Any, float], classes: np.ndarray) -> list[float]:
    """Return the probabilities of a mapping in the order of the classes."""
    labels = classes.tolist()
    if set(priors) != set(labels):
        raise ValueError(
            f"priors must have the classes {labels} as keys, got {list(priors)}; give each class "
            "its probability, 0 if it cannot occur."
        )
    return [priors[label] for label in labels]
