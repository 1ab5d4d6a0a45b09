"""Normals in boxes: log-probabilities, moments, draws and modes.

One variable is an interval, two are a rectangle; more go by minimax tilting, as do draws of two.
Equal boxes of several variables are computed once.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import lsq_linear

from . import _interval as interval
from . import _rectangle as rectangle
from ._tilting import TiltedNormals

EPS = float(np.finfo(np.float64).eps)
MOST_STEPS = 1000  # of the search for a mode, which exchanges columns at their ends


class Boxes:
    """Normals of a few dependent variables in boxes, one per row.

    Parameters
    ----------
    low, high : ndarray of shape (n_rows, k)
        The ends of the boxes, as deviations from the means.
    covariance : ndarray of shape (n_patterns, k, k)
        Covariances.
    pattern : ndarray of shape (n_rows,)
        The covariance of each row.
    """

    def __init__(
        self, low: np.ndarray, high: np.ndarray, covariance: np.ndarray, pattern: np.ndarray
    ) -> None:
        unit = np.sqrt(np.einsum("pkk->pk", covariance))
        self._scale = unit[pattern]
        keys = np.column_stack([pattern, low / self._scale, high / self._scale])
        self._row: np.ndarray | slice = slice(None)
        self._k = low.shape[1]
        if self._k > 1:
            keys, row = np.unique(keys, axis=0, return_inverse=True)
            self._row = row.reshape(-1)
        self._low, self._high = keys[:, 1 : 1 + self._k], keys[:, 1 + self._k :]
        correlation = covariance / unit[:, :, np.newaxis] / unit[:, np.newaxis]
        correlation /= 1 + 4 * self._k * EPS  # so that errors of rounding make none singular
        correlation[:, np.arange(self._k), np.arange(self._k)] = 1.0
        self._correlation = correlation[keys[:, 0].astype(np.intp)]

    def log_mass(self) -> np.ndarray:
        """Return the log-probabilities of the boxes."""
        if self._k == 1:
            return interval.log_mass(self._low[:, 0], self._high[:, 0])
        if self._k == 2:
            return rectangle.log_mass(*self._rectangle)[self._row]
        return self._tilted.log_mass()[self._row]

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the means, (n_rows, k), and the covariances, (n_rows, k, k)."""
        if self._k == 1:
            _, mean, variance = interval.moments(self._low, self._high)
            return mean * self._scale, variance[:, :, np.newaxis] * self._scale[
                :, :, np.newaxis
            ] ** 2
        if self._k == 2:
            mean, covariance = rectangle.moments(*self._rectangle)
        else:
            mean, covariance = self._tilted.moments()
        scales = self._scale[:, :, np.newaxis] * self._scale[:, np.newaxis]
        return mean[self._row] * self._scale, covariance[self._row] * scales

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """Draw a point in each box."""
        if self._k == 1:
            uniform = generator.random(self._low.shape)
            log_between = interval.log_mass(self._low, self._high)
            drawn = interval.quantile(self._low, self._high, uniform, log_between)
        else:
            assert isinstance(self._row, np.ndarray)
            drawn = self._tilted.draw(self._row, generator)
        return drawn * self._scale

    def mode(self) -> np.ndarray:
        """Return the points of highest density."""
        if self._k == 1:
            mode = np.clip(0.0, self._low, self._high)
        elif self._k == 2:
            mode = rectangle.mode(*self._rectangle)
        else:
            triples = zip(self._low, self._high, self._correlation, strict=True)
            mode = np.array([_mode(*triple) for triple in triples])
        return mode[self._row] * self._scale

    @property
    def _rectangle(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self._low, self._high, self._correlation[:, 0, 1]

    @cached_property
    def _tilted(self) -> TiltedNormals:
        return TiltedNormals(self._low, self._high, self._correlation)


def _mode(low: np.ndarray, high: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Return the point of a box where ``|V' x|`` is least, with ``V V'`` the inverse matrix."""
    if (low <= 0).all() and (high >= 0).all():
        return np.zeros(len(low))
    factor = np.linalg.cholesky(correlation)
    whitening = solve_triangular(factor, np.eye(len(low)), lower=True)
    size = 1 + np.abs(np.clip(0.0, low, high)).max()
    least = low / size
    most = np.maximum(high / size, np.nextafter(least, np.inf))  # the solver refuses equal ends
    found = lsq_linear(
        whitening, np.zeros(len(low)), (least, most), method="bvls", tol=1e-14, max_iter=MOST_STEPS
    )
    return np.clip(found.x * size, low, high)
