"""Divergences between normal distributions.

A linear map, which leaves divergences unchanged, turns q into the standard normal and p into a
normal with independent columns: ``N(shift, diag(variance))``. Some divergences are then sums over
columns; for the others there is one integral, if p and q differ along a single direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy import integrate, linalg

from ..density import BaseDensity, GaussianDensity
from ._terms import CHI_SQUARE, KULLBACK_LEIBLER, SQUARED_HELLINGER, Divergence


def between_gaussians(divergence: Divergence, p: BaseDensity, q: BaseDensity) -> float | None:
    """Return the divergence of two normals, by formula or by one-dimensional quadrature."""
    if not (isinstance(p, GaussianDensity) and isinstance(q, GaussianDensity)):
        return None
    shift, variance = _standardised(p, q)
    if divergence in FORMULAS:
        return FORMULAS[divergence](shift, variance)
    if len(shift) > 1 and np.all(variance == 1):  # rotate so that only one column differs
        shift, variance = np.array([np.linalg.norm(shift)]), np.ones(1)
    if len(shift) == 1:
        return _integral(divergence, float(shift[0]), float(variance[0]))
    return None


def _standardised(p: GaussianDensity, q: GaussianDensity) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variances of p where q is standard normal and p has independent columns."""
    shift = p.mean_ - q.mean_
    own, other = _column_variances(p), _column_variances(q)
    if own is not None and other is not None:
        return shift / np.sqrt(other), own / other
    matrix_p, matrix_q = p.get_covariance(), q.get_covariance()
    variance, axes = linalg.eigh(matrix_q)
    smallest = max(variance[-1] * len(variance) * np.finfo(float).eps, np.finfo(float).tiny)
    whitening = axes / np.sqrt(np.maximum(variance, smallest))
    shift = shift @ whitening
    if np.array_equal(matrix_p, matrix_q):
        return shift, np.ones(len(shift))
    variance, axes = linalg.eigh(whitening.T @ matrix_p @ whitening)
    smallest = max(variance[-1] * len(variance) * np.finfo(float).eps, np.finfo(float).tiny)
    return shift @ axes, np.maximum(variance, smallest)


def _column_variances(density: GaussianDensity) -> np.ndarray | None:
    """Return the variances of independent columns, which need no matrix, or None."""
    if density.covariance_type not in ("diag", "spherical"):
        return None
    return np.broadcast_to(density.covariance_, density.mean_.shape)


def _kullback_leibler(shift: np.ndarray, variance: np.ndarray) -> float:
    return float(np.sum(variance - 1 - np.log(variance) + shift**2)) / 2


def _squared_hellinger(shift: np.ndarray, variance: np.ndarray) -> float:
    """``1 - prod [sqrt(2 sqrt(v) / (1 + v)) exp(-s**2 / (4 (1 + v)))]``."""
    relative = (variance - 1) / (variance + 1)
    log_affinity = np.log1p(-(relative**2)) / 4 - shift**2 / (4 * (1 + variance))
    return -math.expm1(float(np.sum(log_affinity)))


def _chi_square(shift: np.ndarray, variance: np.ndarray) -> float:
    """``prod [exp(s**2 / (2 - v)) / sqrt(v (2 - v))] - 1``; infinite if a variance is 2 or more."""
    if np.any(variance >= 2):
        return math.inf
    with np.errstate(over="ignore"):
        log_factors = shift**2 / (2 - variance) - np.log1p(-((variance - 1) ** 2)) / 2
        return float(np.expm1(np.sum(log_factors)))


FORMULAS: dict[Divergence, Callable[[np.ndarray, np.ndarray], float]] = {
    KULLBACK_LEIBLER: _kullback_leibler,
    SQUARED_HELLINGER: _squared_hellinger,
    CHI_SQUARE: _chi_square,
}


def _integral(divergence: Divergence, shift: float, variance: float) -> float:
    """Integrate the term piecewise, split where either density is large and where they cross."""
    deviation = math.sqrt(variance)

    def term(x: float) -> float:
        log_q = -(x**2) / 2
        log_p = -(((x - shift) / deviation) ** 2) / 2 - math.log(deviation)
        constant = math.log(2 * math.pi) / 2
        return float(divergence.term(np.array(log_p - constant), np.array(log_q - constant)))

    reach = np.array([-39.0, -8, -4, -2, 0, 2, 4, 8, 39])
    points = np.unique(
        np.concatenate([reach, shift + deviation * reach, _crossings(shift, variance)])
    )
    parts = (
        integrate.quad(term, low, high, epsabs=1e-14, epsrel=1e-11, limit=100)[0]
        for low, high in pairwise(points)
    )
    return sum(parts)


def _crossings(shift: float, variance: float) -> np.ndarray:
    """Return the points where ``N(shift, variance)`` and the standard normal are equal."""
    # x**2 - (x - shift)**2 / v - log v = 0
    coefficients = [variance - 1, 2 * shift, -(shift**2) - variance * math.log(variance)]
    roots = np.roots(coefficients)
    return roots[np.isreal(roots)].real
