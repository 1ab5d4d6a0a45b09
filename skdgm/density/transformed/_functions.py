"""Maps of the functions that FunctionTransformer may apply: known curves with exact slopes.

A function is known together with its inverse. Where its values are bounded, the curve continues
along its tangent beyond the training data, so that every z is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from ._maps import LOG_2_PI, CurveMap

LOG_2, LOG_10 = np.log(2.0), np.log(10.0)
INF = np.inf


@dataclass(frozen=True, eq=False)
class Curve:
    """An increasing function of one number.

    Parameters
    ----------
    function, inverse : ufunc
        The function, and the one that undoes it.
    log_slope : callable
        Logarithm of the derivative of the function, of the same argument.
    low, high : float
        The ends of its domain, which are not in it.
    bounded_below, bounded_above : bool
        Whether its values are bounded on either side.
    """

    function: Callable[[Any], Any]
    inverse: Callable[[Any], Any]
    log_slope: Callable[[np.ndarray], np.ndarray]
    low: float = -INF
    high: float = INF
    bounded_below: bool = False
    bounded_above: bool = False

    def is_defined(self, X: np.ndarray) -> np.ndarray:
        """Mask of the values at which the function and its slope are finite."""
        with np.errstate(all="ignore"):
            finite = np.isfinite(self.function(X)) & np.isfinite(self.log_slope(X))
        return (self.low < X) & (self.high > X) & finite


def _log_cosh(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, -x) - LOG_2


def _log_slope_of_ndtri(x: np.ndarray) -> np.ndarray:
    return 0.5 * (special.ndtri(x) ** 2 + LOG_2_PI)


def _log_slope_of_expit(x: np.ndarray) -> np.ndarray:
    return special.log_expit(x) + special.log_expit(-x)


CURVES = {
    curve.function.__name__: curve
    for curve in (
        Curve(np.log, np.exp, lambda x: -np.log(x), low=0.0),
        Curve(np.exp, np.log, lambda x: x, bounded_below=True),
        Curve(np.log1p, np.expm1, lambda x: -np.log1p(x), low=-1.0),
        Curve(np.expm1, np.log1p, lambda x: x, bounded_below=True),
        Curve(np.log2, np.exp2, lambda x: -np.log(x) - np.log(LOG_2), low=0.0),
        Curve(np.exp2, np.log2, lambda x: x * LOG_2 + np.log(LOG_2), bounded_below=True),
        Curve(np.log10, special.exp10, lambda x: -np.log(x) - np.log(LOG_10), low=0.0),
        Curve(special.exp10, np.log10, lambda x: x * LOG_10 + np.log(LOG_10), bounded_below=True),
        Curve(np.sqrt, np.square, lambda x: -LOG_2 - 0.5 * np.log(x), low=0.0, bounded_below=True),
        Curve(np.square, np.sqrt, lambda x: LOG_2 + np.log(x), low=0.0, bounded_below=True),
        Curve(np.arcsinh, np.sinh, lambda x: -np.log(np.hypot(1.0, x))),
        Curve(np.sinh, np.arcsinh, _log_cosh),
        Curve(np.arctanh, np.tanh, lambda x: -np.log1p(-x) - np.log1p(x), low=-1.0, high=1.0),
        Curve(
            np.tanh,
            np.arctanh,
            lambda x: -2 * _log_cosh(x),
            bounded_below=True,
            bounded_above=True,
        ),
        Curve(special.logit, special.expit, lambda x: -np.log(x) - np.log1p(-x), low=0.0, high=1.0),
        Curve(
            special.expit,
            special.logit,
            _log_slope_of_expit,
            bounded_below=True,
            bounded_above=True,
        ),
        Curve(special.ndtri, special.ndtr, _log_slope_of_ndtri, low=0.0, high=1.0),
        Curve(
            special.ndtr,
            special.ndtri,
            lambda x: -0.5 * (x**2 + LOG_2_PI),
            bounded_below=True,
            bounded_above=True,
        ),
    )
}


def known_curve(function: Any) -> str | None:
    """Return the name of a function whose curve is known, None for others."""
    for name, curve in CURVES.items():
        if function is curve.function:
            return name
    return None


class FunctionMap(CurveMap):
    """A known curve, the same in every column, with lines beyond the data where it is bounded."""

    def __init__(self, name: str, least: np.ndarray, most: np.ndarray) -> None:
        self.name, curve = name, CURVES[name]  # the name, for lambdas cannot be pickled
        super().__init__(
            least if curve.bounded_below else np.full(least.shape, curve.low),
            most if curve.bounded_above else np.full(most.shape, curve.high),
        )

    def _curve(self, X: np.ndarray) -> np.ndarray:
        return CURVES[self.name].function(X)

    def _curve_inverse(self, Z: np.ndarray) -> np.ndarray:
        return CURVES[self.name].inverse(Z)

    def _log_slope(self, X: np.ndarray) -> np.ndarray:
        return CURVES[self.name].log_slope(X)
