"""The gap between the log-likelihood of a density on data and that of a reference."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from .._codes import as_codes, has_missing, missing_cells
from ..density import BaseDensity
from ..density._engine.weighted_states import WeightedStates
from ._compute import comparable
from ._states import is_discrete


def log_likelihood_gap(
    X: ArrayLike,
    density: BaseDensity,
    reference: BaseDensity | None = None,
    *,
    return_std: bool = False,
) -> float | tuple[float, float]:
    """Compute the gap between a density's mean log-likelihood on data and that of a reference.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows to score. With a reference, NaN is a missing value.
    density : density estimator
        A fitted density.
    reference : density estimator or None, default=None
        A fitted density of the same columns and kind. None means the empirical distribution of X
        itself, under which these rows are as likely as possible; for discrete columns only.
    return_std : bool, default=False
        Whether to also return the standard error of the gap.

    Returns
    -------
    gap : float
        ``mean(log reference(x) - log density(x))`` over the rows, in nats per row. Positive if the
        reference is better; inf if a row has probability zero under the density, -inf if one does
        under the reference. With ``reference=None`` it is ``KL(empirical distribution || density)``
        and at least 0.
    std : float
        Standard error of the gap if the rows are a sample: the standard deviation of the
        differences over ``sqrt(n_samples)``; 0 if the gap is infinite. Only if ``return_std``.

    Raises
    ------
    ValueError
        If a density is not fitted, if the densities differ in columns or kind or read X as
        different states, if each gives some row probability zero, or if there is no reference and X
        is continuous or has missing values.

    See Also
    --------
    kullback_leibler : Expectation of the gap over rows of the reference.

    Notes
    -----
    Continuous rows have no best density: the likelihood grows without bound as a density narrows
    around them. Only differences between two densities are therefore informative.

    The empirical distribution of a few rows is closer to them than the truth is. Without a
    reference, even the true density has a gap of about ``(S - 1) / (2 n_samples)``, where S is the
    number of states, provided that there are many rows per state.

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
        density, _ = comparable(density, density, "density", "density")
        log_best = _log_empirical(X, density)
    else:
        density, reference = comparable(density, reference, "density", "reference")
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
            f"{rows[1]} under density, so the gap is undefined. Fit with pseudo-counts (alpha "
            "above 0), which give every state a positive probability."
        )
    return log_best - log_prob


def _log_empirical(X: ArrayLike, density: BaseDensity) -> np.ndarray:
    """Return the logarithm of each row's share of all rows."""
    if not is_discrete(density):
        raise ValueError(
            "reference must be a density if density is continuous: no density is the best one for "
            "continuous rows. Pass a density to compare with, such as a GaussianDensity."
        )
    codes = _dense(_codes(X, density))
    if has_missing(codes):
        raise ValueError(
            "X has missing values, so its empirical distribution is unknown. Pass a density as "
            "reference, leave the rows out, or complete them with DensityImputer."
        )
    states = WeightedStates.count(codes, None, int(codes.max()) + 1)
    return np.log(states.weight_at(states.find(codes)) / len(codes))


def _check_same_states(X: ArrayLike, density: BaseDensity, reference: BaseDensity) -> None:
    if is_discrete(density) and not _same(*(_states(X, one) for one in (density, reference))):
        raise ValueError(
            "density and reference read X as different states, because they binarize it at "
            "different thresholds, or only one of them does; binarize X first, for example with "
            "sklearn.preprocessing.Binarizer."
        )


def _codes(X: Any, density: BaseDensity) -> Any:
    """Return X as the density reads it."""
    return density._encode(density._check_query(X))


def _states(X: Any, density: BaseDensity) -> Any:
    """Return the categories that the density reads in X."""
    codes = _codes(X, density)
    if sparse.issparse(codes):
        return codes
    table = np.asarray(codes)
    return np.where(missing_cells(table), np.nan, density._columns.decode(table))


def _same(codes: Any, others: Any) -> bool:
    """Return whether two tables of codes agree, missing values included."""
    if not sparse.issparse(codes):
        missing = missing_cells(codes)
        same_missing = np.array_equal(missing, missing_cells(others))
        return same_missing and np.array_equal(
            np.where(missing, 0, codes), np.where(missing, 0, others)
        )
    codes, others = codes.copy(), others.copy()
    for table in (codes, others):
        table.data = np.where(np.isnan(table.data), -1.0, table.data)
    return (codes != others).nnz == 0


def _dense(codes: Any) -> np.ndarray:
    """Return codes as an array, with missing values marked."""
    return as_codes(codes.toarray()) if sparse.issparse(codes) else codes
