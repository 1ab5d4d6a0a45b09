"""Starts of a mixture: the share of each row that each component gets at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted

from ..._codes import as_floats, has_missing
from .._base import BaseDensity
from .._engine.codes import NarrowNumbers, coordinates
from .._engine.missing import fill_sparse_with_means, fill_with_means
from ._clusters import DistinctPoints, cluster_rows, shares_of_clusters

AT_RANDOM = ("kmeans", "k-means++", "random", "random_rows")
UNKNOWN = -1  # the component of a row that nobody knows


@dataclass(frozen=True, eq=False)
class KnownRows:
    """Knowledge of the training rows by number: ``init``, and components that are known.

    Parameters
    ----------
    shares : ndarray of shape (n_rows, n_components) or None
        Shares to start from, if ``init`` holds some.
    component : ndarray of shape (n_rows,) or None
        The component of each row, -1 where it is not known.
    """

    shares: np.ndarray | None = None
    component: np.ndarray | None = None

    @classmethod
    def of(
        cls, init: Any, known_components: Any, n_components: int, has_weight: np.ndarray
    ) -> Self:
        """Check what is told of the rows, and leave out those without weight."""
        n_rows = len(has_weight)
        shares = component = None
        if not (isinstance(init, str) or holds_densities(init)):
            shares = _shares_told(np.asarray(init), n_rows, n_components)[has_weight]
        if known_components is not None:
            component = _components_told(
                "known_components", np.asarray(known_components), n_rows, n_components
            )[has_weight]
        return cls(shares, component)

    @classmethod
    def of_distant(cls, init: Any) -> Self:
        """Return that nothing is known of rows that are elsewhere, or raise a ValueError."""
        if not (isinstance(init, str) or holds_densities(init)):
            raise ValueError(
                "init holds values for rows by number, which a mixture in another estimator or of "
                'rows elsewhere cannot use; choose a name, such as "kmeans", or densities.'
            )
        return cls()

    @property
    def tells_nothing(self) -> bool:
        """True if nothing is known of any row."""
        return self.shares is None and self.component is None


def holds_densities(init: Any) -> bool:
    """Return whether ``init`` is a list of densities."""
    return isinstance(init, list | tuple) and any(isinstance(own, BaseDensity) for own in init)


def initial_shares(
    init: Any,
    known: KnownRows,
    codes: Any,
    columns: Any,
    weight: np.ndarray,
    n_components: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the share of each row that each component starts with: (n_rows, n_components)."""
    if holds_densities(init):
        shares = _shares_under(init, codes, columns, n_components)
    elif known.shares is not None:
        shares = known.shares
    else:
        shares = _drawn_shares(init, codes, columns, weight, n_components, generator)
        if known.component is not None:
            shares = _aligned(shares * weight[:, np.newaxis], known.component, shares)
    if known.component is None:
        return shares
    shares = shares.copy()
    rows = np.flatnonzero(known.component != UNKNOWN)
    shares[rows] = np.eye(n_components)[known.component[rows]]
    return shares


def _drawn_shares(
    init: str,
    codes: Any,
    columns: Any,
    weight: np.ndarray,
    n_components: int,
    generator: np.random.Generator,
) -> np.ndarray:
    distinct = DistinctPoints.of(_points(codes, weight))
    distinct.warn_if_fewer_than(n_components)
    if init == "random":  # equal rows alike, so that a weight is as good as repetition
        shares = generator.random((len(distinct), n_components))
        return (shares / shares.sum(axis=1, keepdims=True))[distinct.number]
    has_units = not columns.listable.all()
    label = cluster_rows(distinct, weight, n_components, has_units, generator, init)
    return shares_of_clusters(label, n_components)


def _points(codes: Any, weight: np.ndarray) -> Any:
    """Return the rows as complete points; codes that are complete serve as they are."""
    if sparse.issparse(codes):
        return fill_sparse_with_means(codes, weight)
    if isinstance(codes, np.ndarray) and codes.dtype.kind == "u" and not has_missing(codes):
        return codes
    if isinstance(codes, NarrowNumbers):
        return codes.values
    return fill_with_means(coordinates(codes), weight)


def _shares_under(
    densities: Sequence[Any], codes: Any, columns: Any, n_components: int
) -> np.ndarray:
    """Return the probabilities of fitted densities given each row, if they are equally likely."""
    if len(densities) != n_components or not all(isinstance(own, BaseDensity) for own in densities):
        raise ValueError(
            f"init must hold one fitted density for each of the {n_components} components."
        )
    X = codes if sparse.issparse(codes) else columns.decode(as_floats(np.asarray(codes)))
    by_density = []
    for density in densities:
        check_is_fitted(density)
        if density.n_features_in_ != X.shape[1]:
            raise ValueError(
                f"init must hold densities of the {X.shape[1]} columns of X; one was fitted to "
                f"{density.n_features_in_}."
            )
        if sparse.issparse(X) and "accept_sparse" not in density._input_checks:
            raise TypeError(
                f"init holds a {type(density).__name__}, which takes no sparse X; give densities "
                "that do, or pass X.toarray()."
            )
        by_density.append(density._log_prob_blocks(density._encode(X)))
    log_prob = np.stack(by_density, axis=1)
    log_prob[np.isneginf(log_prob).all(axis=1)] = 0.0  # a row that all of them rule out
    return softmax(log_prob, axis=1)


def _shares_told(told: np.ndarray, n_rows: int, n_components: int) -> np.ndarray:
    """Return the shares that labels or responsibilities of the rows mean."""
    if told.ndim == 1:
        label = _components_told("init", told, n_rows, n_components)
        if (label == UNKNOWN).any():
            raise ValueError(
                "init holds -1, but a label is needed for every row; tell those that are known by "
                "fit(X, known_components=...)."
            )
        return shares_of_clusters(label, n_components)
    if told.shape != (n_rows, n_components):
        raise ValueError(
            f"init must have the shape ({n_rows},) of labels or ({n_rows}, {n_components}) of "
            f"responsibilities, got {told.shape}."
        )
    told = told.astype(np.float64)
    if not (told >= 0).all() or not np.allclose(told.sum(axis=1), 1):
        raise ValueError("init must hold responsibilities of 0 or more that sum to 1 in each row.")
    return told / told.sum(axis=1, keepdims=True)


def _components_told(name: str, told: np.ndarray, n_rows: int, n_components: int) -> np.ndarray:
    if told.shape != (n_rows,):
        raise ValueError(f"{name} must hold one component for each of the {n_rows} rows of X.")
    component = told.astype(np.int64) if told.dtype.kind in "iufb" else None
    if component is None or (component != told).any():
        raise ValueError(f"{name} must hold integers, the numbers of components.")
    if component.min() < UNKNOWN or component.max() >= n_components:
        raise ValueError(
            f"{name} must hold components from 0 to n_components - 1 = {n_components - 1}, or -1 "
            f"where none is known; got {component.min()} to {component.max()}."
        )
    return component


def _aligned(weighted: np.ndarray, component: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return shares of clusters in the order in which they agree best with known components."""
    n_components = shares.shape[1]
    known = component != UNKNOWN
    agreement = np.zeros((n_components, n_components))
    np.add.at(agreement, component[known], weighted[known])
    return shares[:, linear_sum_assignment(agreement, maximize=True)[1]]
