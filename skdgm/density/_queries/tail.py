"""Scores that compare between rows with different values missing: tail probabilities.

A row's log-probability is placed among those of samples of which the same cells are observed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from ..._codes import as_codes, missing_cells
from ..._fitted import query
from ..._memory import check_rows
from ..._validation import RandomState, check_n_samples
from .._contract import DensityHooks
from .._engine.blocks import row_blocks, run_in_threads
from .._engine.missing import rows_with_missing
from .._engine.patterns import Patterns

ROUNDING = 1e-10  # log-probabilities that differ by less, relative to their size, are equal
FARTHEST = 1e300  # standard deviations; keeps the probabilities of rows farther out positive


class TailProbability(DensityHooks):
    """Scores of rows that are comparable whatever the rows miss."""

    _draw: Callable[[int, RandomState], np.ndarray]
    _check_query: Callable[[Any], Any]
    _log_prob_blocks: Callable[[Any], np.ndarray]

    @query
    def tail_probability(
        self, X: ArrayLike, n_samples: int = 1000, random_state: RandomState = None
    ) -> np.ndarray:
        """Estimate how probable it is that a draw scores no higher than each row.

        A row with fewer observed values scores nearer 0, so that one threshold on scores does not
        serve all rows. Tail probabilities compare: of rows drawn from the model, with any cells
        missing, about 1 % are below 0.01.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.
        n_samples : int, default=1000
            Number of rows to draw from the model for the comparison. They are scored once for each
            distinct pattern of missing cells in X.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same result with any ``n_jobs``.

        Returns
        -------
        probability : ndarray of shape (n_samples,)
            Probability that the score of a draw with the same cells observed is no higher, from 0
            to 1; outliers have small values. It is 1 where nothing is observed, and 0 only where
            the model rules a row out.

        Notes
        -----
        The estimate is ``(m + h) / (n_samples + 1)``. Here m is the number of draws that score no
        higher than the row, where equal scores (to rounding) count. The share h, between 0 and 1,
        increases with the row's score less the mean of the draws', in standard deviations of
        theirs. So rows that score lower than every draw are still in order.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import GaussianDensity
        >>> X = np.random.default_rng(0).normal(size=(1000, 3))
        >>> density = GaussianDensity().fit(X)
        >>> rows = [[1.5, -1.5, 0.0], [2.5, np.nan, np.nan]]
        >>> density.score_samples(rows).round(1)
        array([-5.3, -4.4])
        >>> density.tail_probability(rows, random_state=0).round(2)  # the second is the outlier
        array([0.17, 0.01])
        """
        codes = self._encode(self._check_query(X))
        drawn = self._draws_to_compare(n_samples, random_state)
        return self._tails(codes, self._log_prob_blocks(codes), drawn)

    # ------------------------------------------------------------------ shared machinery
    def _draws_to_compare(self, n_samples: int, random_state: RandomState) -> np.ndarray:
        """Draw rows, as a table of codes that has room for missing ones."""
        check_rows(check_n_samples(n_samples), self.n_features_in_, 8)
        return self._draw(n_samples, random_state).astype(np.float64)

    def _codes_like(self, codes: Any, table: np.ndarray) -> Any:
        """Return the codes of drawn rows, some cells of which are NaN, in the form of others."""
        has_marks = codes.dtype.kind != "f" or sparse.issparse(codes)
        return self._recode(as_codes(table) if has_marks else table)

    def _tails(self, codes: Any, log_prob: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return the tail probabilities of rows, given their scores and some draws."""

        def tail(missing: np.ndarray, rows: np.ndarray) -> np.ndarray:
            scores = []
            for block in row_blocks(*drawn.shape):
                table = np.where(missing, np.nan, drawn[block])
                scores.append(self._log_prob_blocks(self._codes_like(codes, table)))
            return share_no_higher(log_prob[rows], np.concatenate(scores))

        patterns = [
            (missing, rows) for missing, rows in rows_by_pattern(codes) if not missing.all()
        ]
        probability = np.ones(len(log_prob))
        tails = run_in_threads(tail, patterns, self.n_jobs) if patterns else []
        for (_, rows), own in zip(patterns, tails, strict=True):
            probability[rows] = own
        return probability


def share_no_higher(log_prob: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Estimate the probability that a draw scores no higher, from the scores of some draws.

    It is ``(m + h) / (n + 1)``: m of n draws score no higher, and h orders the rows between them.
    """
    share = np.zeros(len(log_prob))
    possible = log_prob > -np.inf
    own = log_prob[possible]
    n_no_higher = np.searchsorted(np.sort(drawn), own + ROUNDING * (1 + np.abs(own)), side="right")
    share[possible] = (n_no_higher + _between(own, drawn)) / (len(drawn) + 1)
    return share


def _between(log_prob: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return numbers between 0 and 1 that increase with the standardised scores.

    Unlike a distribution function with light tails, ``1 / (2 (1 - z))`` for z < 0 stays positive.
    """
    drawn = drawn[drawn > -np.inf]
    if not len(drawn):
        return np.full(len(log_prob), 0.5)
    mean, scale = drawn.mean(), drawn.std()
    if scale <= ROUNDING * (1 + abs(mean)):  # the draws are equally probable
        scale = 1.0
    with np.errstate(over="ignore"):
        z = (log_prob - mean) / scale
    low = 0.5 / (1 + np.minimum(np.abs(z), FARTHEST))
    return np.where(z < 0, low, 1 - low)


def rows_by_pattern(codes: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the mask of the columns that each pattern misses, and the rows that have it."""
    if sparse.issparse(codes):
        rows = rows_with_missing(codes)
        missing = np.isnan(codes[rows].toarray())
    else:
        missing = missing_cells(np.asarray(codes))
        rows = np.flatnonzero(missing.any(axis=1))
        missing = missing[rows]
    found = []
    if len(rows):
        found = [(mask, rows[own]) for mask, own in Patterns.of(missing).one_by_one()]
    complete = np.delete(np.arange(codes.shape[0]), rows)
    if len(complete):
        found.append((np.zeros(codes.shape[1], dtype=bool), complete))
    return found
