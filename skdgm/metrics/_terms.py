"""Terms of the divergences: the contribution of one state, from its two log-probabilities.

Every term is at least 0, is 0 for equal probabilities, and is proportional to both: a set of states
with the same ratio ``p / q`` contributes as one state with their summed probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def _kullback_leibler(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    """``p log(p / q) - p + q``, where ``-p + q`` cancels in the sum over all states."""
    p, q = np.exp(log_p), np.exp(log_q)
    with np.errstate(invalid="ignore"):  # where both probabilities are zero
        log_ratio = np.where(p > 0, log_p - log_q, 0.0)
    return p * log_ratio - p + q


def _jensen_shannon(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    log_m = np.logaddexp(log_p, log_q) - np.log(2)
    return (_kullback_leibler(log_p, log_m) + _kullback_leibler(log_q, log_m)) / 2


def _total_variation(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    return np.abs(np.exp(log_p) - np.exp(log_q)) / 2


def _squared_hellinger(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    return (np.exp(log_p / 2) - np.exp(log_q / 2)) ** 2 / 2


def _chi_square(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    """``(p - q)**2 / q``, in a form that keeps precision near p = q or one without underflow."""
    p, q = np.exp(log_p), np.exp(log_q)
    with np.errstate(over="ignore", invalid="ignore"):
        log_ratio = log_p - log_q
        near = (p - q) * np.expm1(log_ratio)
        far = np.exp(log_p + log_ratio) - 2 * p + q
    # The ratio is NaN where both are zero; a state with p = 0 contributes q.
    return np.where(np.isneginf(log_p), q, np.where(np.abs(log_ratio) < 1, near, far))


@dataclass(frozen=True)
class Divergence:
    """A divergence: its term, whether it is symmetric in p and q, and its largest value."""

    term: Callable[[np.ndarray, np.ndarray], np.ndarray]
    symmetric: bool
    largest: float

    def sum(self, log_p: np.ndarray, log_q: np.ndarray) -> float:
        """Sum the term over states."""
        return float(np.sum(self.term(log_p, log_q)))

    def clip(self, value: float) -> float:
        """Clip a value that rounding has moved out of the divergence's range."""
        return min(max(0.0, value), self.largest)


KULLBACK_LEIBLER = Divergence(_kullback_leibler, symmetric=False, largest=math.inf)
JENSEN_SHANNON = Divergence(_jensen_shannon, symmetric=True, largest=math.log(2))
TOTAL_VARIATION = Divergence(_total_variation, symmetric=True, largest=1.0)
SQUARED_HELLINGER = Divergence(_squared_hellinger, symmetric=True, largest=1.0)
CHI_SQUARE = Divergence(_chi_square, symmetric=False, largest=math.inf)
