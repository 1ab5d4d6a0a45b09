"""Reasons why a row is unusual: how surprising each of its cells is, given the others."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from ..._codes import missing_cells
from ..._fitted import query
from ..._tables import as_pandas, import_pandas
from ..._validation import RandomState
from .._contract import DensityHooks, check_log_prob
from .._engine.blocks import RowsOf, row_blocks, run_in_row_blocks, run_in_threads
from .._engine.missing import with_column_missing
from .surprise_result import Surprise
from .tail import rows_by_pattern, share_no_higher

SHARED = 4  # times n_samples draws are shared by the patterns of missing cells,
FEWEST = 50  # and no pattern has less than n_samples divided by this
LISTED_TOGETHER = 2**20  # probabilities of values
TIES = 1e-9  # probabilities that differ by less, relative to their size, are equal
FAR = 1e4  # log-probabilities beyond this are too large to be subtracted


class SurpriseQueries(DensityHooks):
    """Questions about the least usual cells of rows."""

    _check_query: Callable[[Any], Any]
    _log_prob_blocks: Callable[[Any], np.ndarray]
    _draws_to_compare: Callable[[int, RandomState], np.ndarray]
    _codes_like: Callable[[Any, np.ndarray], Any]
    _tails: Callable[[Any, np.ndarray, np.ndarray], np.ndarray]

    @query
    def surprise(
        self,
        X: ArrayLike,
        n_samples: int = 1000,
        random_state: RandomState = None,
        *,
        out_of_bag: bool | None = None,
    ) -> Surprise:
        """Measure how surprising each cell is, given the other observed cells of its row.

        An unusual row has reasons: cells that do not go with the others. They may be wrong, and the
        density says what it expected in their place.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value, which is integrated out.
        n_samples : int, default=1000
            Number of rows to draw from the model for the tail probabilities.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same result with any ``n_jobs``.
        out_of_bag : bool or None, default=None
            Whether members of the density that have not learned from a row judge it, see Notes. X
            must be the training data, and the density a :class:`TableDensity` by "auto" or a
            :class:`BaggingDensity`, alone or inside others that bin or transform columns. None is
            False, with a warning where True is possible.

        Returns
        -------
        surprise : Surprise
            Frames of pandas with the index and the column names of X. ``rows`` has each row's
            log-probability and tail probability; ``cells`` has ``-log p(x_j | other observed)`` of
            each cell in nats, and ``cell_tails`` the probability of a cell as surprising.
            ``suspects`` lists the least usual cells, and what was expected of them.

        Raises
        ------
        ValueError
            If ``out_of_bag`` is True, and no member has left out the rows of X.
        TypeError
            If X is sparse.
        ImportError
            If pandas is not installed.

        See Also
        --------
        tail_probability : The tail probabilities of rows alone.
        SurpriseDisplay : A picture of the result.
        DensityOutlierDetector : Finds the rows to explain.

        Notes
        -----
        The surprise of a cell is exact: the difference of the log-probabilities of its row with and
        without it. That of a number depends on the column's unit, and on how well the other columns
        predict it, so cells of different columns compare by ``cell_tails``. In a binary or
        categorical column, this is exact, too: the probability, given the rest of the row, of all
        values that are no more probable than the cell's own. In a column of numbers, the surprise
        of the cell is placed among those in draws of which the same cells are observed, as
        :meth:`tail_probability` places rows.

        Rows, and draws if there are numbers, are scored once for each column. All patterns of
        missing cells share ``4 * n_samples`` draws by their numbers of rows. So one that a quarter
        of the rows has, or more, is compared with ``n_samples`` draws, and one of few rows with
        less, down to a fiftieth; its tail probabilities are coarser then.

        A flexible density knows the rows that it has learned from, wrong cells included, so that
        these surprise it less than they should. Then ``out_of_bag=True`` finds more of them. Each
        member of a :class:`BaggingDensity` leaves out one fold of the rows, and judges those alone.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from skdgm import GaussianDensity
        >>> height = np.random.default_rng(0).normal(170, 10, size=500)
        >>> weight = height - 100 + np.random.default_rng(1).normal(0, 5, size=500)
        >>> people = pd.DataFrame({"height": height, "weight": weight}).round()
        >>> density = GaussianDensity().fit(people)
        >>> query = pd.DataFrame({"height": [180.0, 160.0], "weight": [80.0, 95.0]})
        >>> surprise = density.surprise(query, random_state=0)
        >>> surprise.cells.round(1)
           height  weight
        0     2.4     2.4
        1    29.5    31.8
        >>> surprise.suspects(1)[["row", "column", "value", "expected"]].round()
           row  column  value  expected
        0    1  weight   95.0      60.0
        """
        return self._surprise(X, n_samples, random_state, out_of_bag)

    # ------------------------------------------------------------------ parts of a table
    def _count_patterns(self, X: Any) -> Counter[bytes]:
        """Count the rows of each pattern of missing cells: sums over parts of a table are its own.

        With them, ``_surprise`` of each part is what it is among all rows of the table.
        """
        codes = self._encode(self._check_query(X))
        return Counter({missing.tobytes(): len(rows) for missing, rows in rows_by_pattern(codes)})

    def _surprise(
        self,
        X: Any,
        n_samples: int,
        random_state: RandomState,
        out_of_bag: bool | None,
        counts: Counter[bytes] | None = None,
    ) -> Surprise:
        import_pandas("surprise")
        table = self._check_query(X)
        if sparse.issparse(table):
            raise TypeError(
                "X is sparse, but surprise has a number for each cell; call X.toarray() first, or "
                "ask about few rows at a time."
            )
        codes = self._encode(table)
        parts = self._held_out_parts(codes) if out_of_bag else [(self, np.arange(len(table)))]
        if out_of_bag is None:
            self._warn_of_training_rows(codes)
        rows = np.empty((len(table), 2))
        cells, tails = np.full(table.shape, np.nan), np.full(table.shape, np.nan)
        baseless = np.zeros(table.shape, dtype=bool)
        for density, own in parts:
            rows[own], cells[own], tails[own], baseless[own] = density._measure_surprise(
                table[own], n_samples, random_state, counts
            )
        return Surprise.of(parts, X, as_pandas(X, "surprise"), rows, cells, tails, baseless)

    # ------------------------------------------------------------------ shared machinery
    def _held_out_parts(self, codes: Any) -> list[tuple[Any, np.ndarray]]:
        """Return densities that have not learned from some of the training rows, and these."""
        parts = self._held_out_densities(codes)
        if parts is None:
            raise ValueError(
                f"out_of_bag=True needs members that have each left out a fold of the rows, but "
                f"this {type(self).__name__} has none; fit TableDensity(), or a BaggingDensity of "
                'the family with resampling="folds".'
            )
        return [(density, rows) for density, rows in parts if len(rows)]

    def _warn_of_training_rows(self, codes: Any) -> None:
        try:
            is_known = self._held_out_densities(codes) is not None
        except ValueError:  # other rows
            return
        if is_known:
            warnings.warn(
                "X are the rows that the density has learned from, and it knows their wrong cells, "
                "too; set out_of_bag=True to have each row judged by members that have not learned "
                "from it, or False if that is not wanted.",
                UserWarning,
                stacklevel=5,
            )

    def _measure_surprise(
        self,
        table: np.ndarray,
        n_samples: int,
        random_state: RandomState,
        counts: Counter[bytes] | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return scores and tail probabilities of rows, and the same of their cells.

        The last array is a mask of the cells without a basis: the rest of the row is ruled out.
        """
        codes = self._encode(table)
        drawn = self._draws_to_compare(n_samples, random_state)
        log_prob = self._log_prob_blocks(codes)
        rows = np.column_stack([log_prob, self._tails(codes, log_prob, drawn)])
        observed, listable = ~missing_cells(np.asarray(codes)), self._columns.listable
        cells, tails = np.full(table.shape, np.nan), np.full(table.shape, np.nan)
        baseless = np.zeros(table.shape, dtype=bool)
        is_needed = observed.any(axis=0)
        draws = None
        if (is_needed & ~listable).any():
            draws = _DrawsByPattern(drawn, rows_by_pattern(codes), counts)
            draw_codes = self._codes_like(codes, draws.table)
            draw_log_prob = self._log_prob_blocks(draw_codes)

        def ask(column: int) -> None:
            own = np.flatnonzero(observed[:, column])
            condition = self._encode(with_column_missing(table[own], column))
            given = self._log_prob_of_cells(codes[own], log_prob[own], condition)
            cells[own, column] = 0.0 - given
            ruled_out = np.flatnonzero(given == -np.inf)
            if len(ruled_out) and self._rules_out_rows:
                baseless[own[ruled_out], column] = self._rules_out(condition[ruled_out])
            if draws is None or listable[column]:
                tails[own, column] = self._tails_of_labels(condition, given, column)
                return
            seen = np.flatnonzero(~np.isnan(draws.table[:, column]))
            lacking = self._codes_like(codes, with_column_missing(draws.table[seen], column))
            of_draws = np.full(len(draws.table), np.nan)
            of_draws[seen] = self._log_prob_of_cells(draw_codes[seen], draw_log_prob[seen], lacking)
            tails[:, column] = draws.tails(-cells[:, column], of_draws, column)

        columns = np.flatnonzero(is_needed).tolist()
        if columns:
            run_in_threads(ask, [(column,) for column in columns], self.n_jobs)
        return rows, cells, tails, baseless

    def _log_prob_of_cells(self, codes: Any, log_prob: np.ndarray, condition: Any) -> np.ndarray:
        """Return ``log p(x_observed | condition)`` of rows with known ``log p(x_observed)``."""
        log_prob_condition = self._log_prob_blocks(condition)
        near = (np.abs(log_prob) < FAR) & (np.abs(log_prob_condition) < FAR)
        given = np.subtract(log_prob, log_prob_condition, where=near, out=np.zeros(len(near)))
        far = np.flatnonzero(~near)
        if len(far):
            rows = RowsOf((codes[far], condition[far]))
            parts = run_in_row_blocks(
                lambda own: self._log_prob_given(*own.parts), rows, self.n_jobs
            )
            given[far] = np.concatenate(parts)
        check_log_prob(self, given, len(near))
        return given

    def _tails_of_labels(self, condition: Any, given: np.ndarray, column: int) -> np.ndarray:
        """Return the probability of the values that are no more probable than a cell's own.

        ``given`` are the log-probabilities of cells of a column that lists its values.
        """
        tails = np.ones(len(given))  # of a cell that is more probable than all others together
        tails[given == -np.inf] = 0.0
        asked = np.flatnonzero((given <= np.log(0.5)) & (given > -np.inf))
        for block in row_blocks(len(asked), len(self._values_to_list(column)), LISTED_TOGETHER):
            rows = asked[block]
            probability = self._proba_missing(condition[rows], [column])[0]
            own = np.exp(given[rows])
            no_higher = probability <= own[:, np.newaxis] * (1 + TIES)
            tails[rows] = np.clip((probability * no_higher).sum(axis=1), own, 1.0)
        return tails


class _DrawsByPattern:
    """Draws that miss what rows do, in a table with those for one pattern after another.

    ``counts`` are the numbers of rows of each pattern, if they are part of a larger table.
    """

    def __init__(
        self,
        drawn: np.ndarray,
        patterns: list[tuple[np.ndarray, np.ndarray]],
        counts: Counter[bytes] | None,
    ) -> None:
        n_samples = len(drawn)
        if counts is None:
            counts = Counter({missing.tobytes(): len(rows) for missing, rows in patterns})
        n_rows = counts.total()
        fewest = -(-n_samples // FEWEST)
        tables = []
        for missing, _ in patterns:
            share = -(-SHARED * n_samples * counts[missing.tobytes()] // n_rows)
            own = drawn[: min(max(share, fewest), n_samples)]
            tables.append(np.where(missing, np.nan, own))
        self.patterns = patterns
        self.table = np.concatenate(tables)
        self.ends = np.cumsum([len(own) for own in tables])

    def tails(self, log_prob: np.ndarray, of_draws: np.ndarray, column: int) -> np.ndarray:
        """Return the tail probabilities of a column's cells, NaN where these are missing."""
        tails = np.full(len(log_prob), np.nan)
        parts = zip(self.patterns, np.split(of_draws, self.ends[:-1]), strict=True)
        for (missing, rows), own in parts:
            if not missing[column]:
                tails[rows] = share_no_higher(log_prob[rows], own)
        return tails
