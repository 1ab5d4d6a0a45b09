"""How far the log-likelihood of a density on data stays below that of another, or of the best."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._codes import has_missing, missing_cells
from ..density import BaseDensity
from ..density._engine.weighted_states import WeightedStates
from ._compute import check_comparable
from ._states import is_discrete


def log_likelihood_gap(
    X: ArrayLike,
    density: BaseDensity,
    reference: BaseDensity | None = None,
    *,
    return_std: bool = False,
) -> float | tuple[float, float]:
    """Compute how far a density's mean log-likelihood on data stays below that of a reference.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows to score. With a reference, NaN is a missing value.
    density : density estimator
        A fitted density.
    reference : density estimator or None, default=None
        A fitted density of the same columns and kind. None is the empirical distribution of X
        itself, under which these rows are as likely as they can be: for discrete columns only.
    return_std : bool, default=False
        Whether to return the standard error of the gap besides.

    Returns
    -------
    gap : float
        ``mean(log reference(x) - log density(x))`` over the rows, in nats a row. Positive if the
        reference is the better one; inf if the density rules out a row, -inf if the reference
        does. With ``reference=None`` it is ``KL(empirical distribution || density)``, at least 0.
    std : float
        Standard error of the gap, for rows that are a sample: the standard deviation of the
        differences by ``sqrt(n_samples)``; 0 if the gap is infinite. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, both are not of the same columns and kind or read X as
        different states, both rule out rows, or without a reference X is continuous or lacks
        values.

    See Also
    --------
    kullback_leibler : The gap expected over rows of the reference.

    Notes
    -----
    Continuous rows have no best density: one that is narrow enough around them has any likelihood.
    That is why only differences between two densities tell something about them.

    The empirical distribution of few rows is closer to them than the truth is: without a reference,
    the gap of even the true density is about ``(S - 1) / (2 n_samples)``, S the number of states,
    while these are few beside the rows.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", Springer, 2006,
       section 1.6.1.

    Examples
    --------
    >>> from skdgm import BernoulliIndependentDensity, MarkovChainImageDensity
    >>> from skdgm.metrics import log_likelihood_gap
    >>> X = [[0, 0], [0, 0], [1, 1], [1, 1]]
    >>> coins = BernoulliIndependentDensity(alpha=0).fit(X)
    >>> chain = MarkovChainImageDensity(alpha=0).fit(X)
    >>> round(log_likelihood_gap(X, coins), 4), log_likelihood_gap(X, chain)  # log 2, and none
    (0.6931, 0.0)
    >>> round(log_likelihood_gap(X, coins, chain), 4)
    0.6931
    """
    if reference is None:
        check_comparable(density, density, "density", "density")
        log_best = _log_empirical(X, density)
    else:
        check_comparable(density, reference, "density", "reference")
        _check_same_states(X, density, reference)
        log_best = reference.score_samples(X)
    gaps = _differences(log_best, density.score_samples(X))
    gap = float(np.mean(gaps))
    if reference is None:
        gap = max(0.0, gap)
    if not return_std:
        return gap
    if math.isinf(gap) or len(gaps) < 2:
        return gap, 0.0
    return gap, float(np.std(gaps, ddof=1)) / math.sqrt(len(gaps))


def _differences(log_best: np.ndarray, log_prob: np.ndarray) -> np.ndarray:
    ruled_out = np.isneginf(log_best), np.isneginf(log_prob)
    if ruled_out[0].any() and ruled_out[1].any():
        rows = [int(np.argmax(rows)) for rows in ruled_out]
        raise ValueError(
            f"X has rows of probability zero under both: row {rows[0]} under reference and row "
            f"{rows[1]} under density, so that neither is ahead. Fit with pseudo-counts (alpha "
            "above 0), which rule nothing out."
        )
    return log_best - log_prob


def _log_empirical(X: ArrayLike, density: BaseDensity) -> np.ndarray:
    """The logarithm of each row's share of all rows."""
    if not is_discrete(density):
        raise ValueError(
            "reference must be a density if density is continuous: no density is the best one for "
            "continuous rows. Pass one to compare with, such as a GaussianDensity."
        )
    codes = _dense(_codes(X, density))
    if has_missing(codes):
        raise ValueError(
            "X has missing values, so that its empirical distribution is not known. Pass a density "
            "as reference, leave the rows out, or complete them with DensityImputer."
        )
    states = WeightedStates.count(codes, None, int(codes.max()) + 1)
    return np.log(states.weight_at(states.find(codes)) / len(codes))


def _check_same_states(X: ArrayLike, density: BaseDensity, reference: BaseDensity) -> None:
    if is_discrete(density) and not _same(*(_codes(X, one) for one in (density, reference))):
        raise ValueError(
            "density and reference read X as different states, because one of them binarizes it "
            "(at another threshold); binarize X first, for example with "
            "sklearn.preprocessing.Binarizer."
        )


def _codes(X: Any, density: BaseDensity) -> Any:
    """X as the density reads it."""
    return density._encode(density._check_query(X))


def _same(codes: Any, others: Any) -> bool:
    if not sparse.issparse(codes):
        return np.array_equal(missing_cells(codes), missing_cells(others)) and np.array_equal(
            *(np.where(missing_cells(table), 0, table) for table in (codes, others))
        )
    codes, others = codes.copy(), others.copy()
    for table in (codes, others):
        table.data = np.where(np.isnan(table.data), -1.0, table.data)
    return (codes != others).nnz == 0


def _dense(codes: Any) -> np.ndarray:
    """Codes as an array, with the mark where a value is missing."""
    if not sparse.issparse(codes):
        return codes
    table = codes.toarray()
    return np.where(np.isnan(table), 255, table).astype(np.uint8)
