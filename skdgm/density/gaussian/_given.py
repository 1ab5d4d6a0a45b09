"""Normals whose mean and covariance are given, not learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from ..._validation import shown
from .._composite import hand_on_some_columns
from .._engine.given import check_n_samples_given
from ._covariances import DiagonalCovariance, FullCovariance, SphericalCovariance
from ._moments import Moments
from ._prior import ColumnScale


def set_given(
    density: Any, mean: ArrayLike, covariance: ArrayLike, n_samples: float | None
) -> None:
    """Set the fitted attributes of a normal density to what is given."""
    mean = np.asarray(mean, dtype=np.float64)
    if mean.ndim != 1 or not len(mean) or not np.isfinite(mean).all():
        raise ValueError(
            f"mean must be an array of finite numbers, one per column; got {shown(mean)}."
        )
    d, kind = len(mean), density.covariance_type
    own = _covariance_of(kind, np.asarray(covariance, dtype=np.float64), d)
    matrix = own.matrix()
    density.n_features_in_, density._dtype = d, np.dtype(np.float64)
    n = density._n_rows = check_n_samples_given(n_samples)
    variance, deviation = n * np.diag(matrix), np.sqrt(np.diag(matrix))
    of_columns = Moments(np.full(d, n), mean, variance)
    density._scale = ColumnScale(n, of_columns, mean - deviation, mean + deviation)
    density._covariance, density.mean_, density.shrinkage_ = own, mean, 0.0
    density.covariance_ = own.value
    density.n_parameters_ = d + type(own).n_parameters(d)
    density.n_iter_, density.lower_bounds_ = 1, np.empty(0)
    if n_samples is not None:
        full = kind in ("full", "tied")
        density._statistics = Moments(n, mean, n * matrix if full else variance)
    density._finish()


def normal_on_columns(density: Any, places: np.ndarray, row: np.ndarray) -> Any:
    """Return the normal of some columns given values of others, None for one of low rank."""
    covariance, kind = density._covariance, density.covariance_type
    if kind == "low_rank":
        return None
    if kind == "spherical":
        value = covariance.value
    elif kind == "diag":
        value = covariance.value[places]
    else:
        kind = "full"
        value = covariance_given(covariance.value, places, np.flatnonzero(~np.isnan(row[0])))
    mean = density._mean_missing(row)[0, places]
    try:
        own = type(density).from_parameters(mean, value, covariance_type=kind)
    except ValueError:  # singular to machine precision
        return None
    hand_on_some_columns(density, own, places)
    return own


def covariance_given(matrix: np.ndarray, places: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the covariance of some columns given others, ``S_aa - S_ao S_oo^-1 S_oa``."""
    value = matrix[np.ix_(places, places)]
    if len(known):
        factor = linalg.cholesky(matrix[np.ix_(known, known)], lower=True)
        half = linalg.solve_triangular(factor, matrix[np.ix_(known, places)], lower=True)
        value = value - half.T @ half
    return value


def _covariance_of(
    kind: str, covariance: np.ndarray, d: int
) -> FullCovariance | DiagonalCovariance | SphericalCovariance:
    """Return a covariance of one of the shapes, or raise a ValueError if it is none."""
    shapes: dict[str, tuple[int, ...]] = {"full": (d, d), "tied": (d, d), "diag": (d,)}
    shapes["spherical"] = ()
    if kind not in shapes:
        raise ValueError(
            'covariance_type must be "full", "tied", "diag" or "spherical" where the covariance is '
            f"given, got {shown(kind)}."
        )
    if covariance.shape != shapes[kind]:
        raise ValueError(
            f"covariance must have the shape {shapes[kind]} for covariance_type={kind!r} and {d} "
            f"columns, got {covariance.shape}."
        )
    if kind in ("diag", "spherical"):
        if not ((covariance > 0) & (covariance < np.inf)).all():
            raise ValueError(f"covariance must hold positive variances, got {shown(covariance)}.")
        if kind == "diag":
            return DiagonalCovariance(covariance)
        return SphericalCovariance(float(covariance), d)
    try:
        symmetric = np.allclose(covariance, covariance.T, rtol=1e-8, atol=0)
        linalg.cholesky(covariance)
    except (linalg.LinAlgError, ValueError):
        symmetric = False
    if not symmetric:
        raise ValueError("covariance must be symmetric and positive definite.")
    return FullCovariance(np.array((covariance + covariance.T) / 2))
