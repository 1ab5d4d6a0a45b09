"""The weights of classes: their prior probabilities, and how much their rows count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._validation import shown


def learned_priors(
    priors: Any,
    classes: np.ndarray,
    total_weight: np.ndarray,
    so_far: bool = False,
) -> np.ndarray:
    """Return the probability of each class.

    Parameters
    ----------
    priors : None, "uniform", mapping or array-like of shape (n_classes,)
        As told by the user: None for the shares of ``total_weight``, "uniform" for equal shares
        of the classes that have weight, or given probabilities.
    classes : ndarray of shape (n_classes,)
        The labels, which a mapping has as keys.
    total_weight : ndarray of shape (n_classes,)
        Total weight of the rows of each class.
    so_far : bool, default=False
        Whether a class without weight may have rows later; given probabilities are then those of
        the classes that have some.
    """
    has_rows = total_weight > 0
    if priors is None:
        return total_weight / total_weight.sum()
    if isinstance(priors, str):
        return has_rows / np.count_nonzero(has_rows)
    if isinstance(priors, Mapping):
        priors = _by_label(priors, classes)
    given = np.asarray(priors, dtype=np.float64)
    if given.shape != total_weight.shape:
        raise ValueError(
            f"priors must hold one probability for each of the {len(total_weight)} classes, "
            f"in the order of classes_; got shape {given.shape}."
        )
    if not (given >= 0).all() or not np.isclose(given.sum(), 1.0):
        raise ValueError(f"priors must not be negative and must sum to 1, got {shown(priors)}.")
    unknown = (given > 0) & ~has_rows
    if unknown.any() and not so_far:
        raise ValueError(
            f"priors give class {classes[unknown].tolist()[0]!r} a positive probability, "
            "but sample_weight is zero for every row of it, so it has no density; give its "
            "rows weight, or the class the prior 0."
        )
    given = given * has_rows
    if not given.any():
        raise ValueError(
            f"priors give no probability to the classes that have rows so far, "
            f"{classes[has_rows].tolist()}; give them some, or begin with rows of other classes."
        )
    return given / given.sum()


def weighted_by_class(
    class_weight: Any, classes: np.ndarray, label: np.ndarray, weight: np.ndarray | None
) -> np.ndarray | None:
    """Return how often each row counts if ``weight`` is multiplied by the weight of its class.

    Parameters
    ----------
    class_weight : None, "balanced" or mapping
        As told by the user: "balanced" makes the classes weigh the same.
    classes : ndarray of shape (n_classes,)
        The labels, which a mapping has as keys.
    label : ndarray of int, shape (n_rows,)
        The place of each row's label among them.
    weight : ndarray of shape (n_rows,) or None
        How often each row counts otherwise; None counts each once.
    """
    if class_weight is None:
        return weight
    total = np.bincount(label, weights=weight, minlength=len(classes))
    factor = class_factors(class_weight, classes, total)
    return factor[label] if weight is None else factor[label] * weight


def class_factors(
    class_weight: Mapping[Any, float] | str | None, classes: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Return the weight of each class, whose rows weigh ``total`` otherwise.

    It is 1 for classes that a mapping does not name.
    """
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):
        return total.sum() / np.count_nonzero(total) / np.where(total > 0, total, 1.0)
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown:
        raise ValueError(
            f"class_weight has the unknown class {unknown[0]!r}; the classes are {labels}."
        )
    factor = np.array([class_weight.get(label, 1.0) for label in labels], dtype=np.float64)
    if not ((factor >= 0) & (factor < np.inf)).all():
        raise ValueError(
            f"class_weight must hold finite numbers of 0 or more, got {dict(class_weight)!r}."
        )
    return factor


def _by_label(priors: Mapping[Any, float], classes: np.ndarray) -> list[float]:
    """Return the probabilities of a mapping in the order of the classes."""
    labels = classes.tolist()
    if set(priors) != set(labels):
        raise ValueError(
            f"priors must have the classes {labels} as keys, got {list(priors)}; give each class "
            "its probability, 0 if it cannot occur."
        )
    return [priors[label] for label in labels]
