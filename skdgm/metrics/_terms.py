"""What one state adds to each divergence, from the logarithms of its two probabilities.

Every term is at least 0, is 0 for equal probabilities, and grows in proportion to both: a set of
states in which ``p / q`` is the same everywhere adds as one state with their summed probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def _kullback_leibler(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    """``p log(p / q) - p + q``: the last two cancel in the sum over all states."""
    p, q = np.exp(log_p), np.exp(log_q)
    with np.errstate(invalid="ignore"):  # of two probabilities zero
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
    """``(p - q)**2 / q``, in the form that keeps its digits or the one that cannot underflow."""
    p, q = np.exp(log_p), np.exp(log_q)
    with np.errstate(over="ignore", invalid="ignore"):
        log_ratio = log_p - log_q
        near = (p - q) * np.expm1(log_ratio)
        far = np.exp(log_p + log_ratio) - 2 * p + q
    # The ratio is NaN where both are zero; a state that p rules out adds q.
    return np.where(np.isneginf(log_p), q, np.where(np.abs(log_ratio) < 1, near, far))


@dataclass(frozen=True)
class Divergence:
    """A divergence by its term, whether it is symmetric in p and q, and the largest it can be."""

    term: Callable[[np.ndarray, np.ndarray], np.ndarray]
    symmetric: bool
    largest: float

    def sum(self, log_p: np.ndarray, log_q: np.ndarray) -> float:
        """The sum over states."""
        return float(np.sum(self.term(log_p, log_q)))

    def clip(self, value: float) -> float:
        """What rounding took out of the range of the divergence, back in it."""
        return min(max(0.0, value), self.largest)


KULLBACK_LEIBLER = Divergence(_kullback_leibler, symmetric=False, largest=math.inf)
JENSEN_SHANNON = Divergence(_jensen_shannon, symmetric=True, largest=math.log(2))
TOTAL_VARIATION = Divergence(_total_variation, symmetric=True, largest=1.0)
SQUARED_HELLINGER = Divergence(_squared_hellinger, symmetric=True, largest=1.0)
CHI_SQUARE = Divergence(_chi_square, symmetric=False, largest=math.inf)
