"""Knowledge of all rows that a normal density has: the scale of the columns, and its prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..._codes import has_missing
from ..._memory import check_memory
from .._em import EMDensity
from .._engine.blocks import total_weight
from .._engine.codes import numbers_of
from .._engine.columns import column_labels
from .._engine.distant_rows import sum_over_rows
from .._engine.numbers import checked_rounding
from ._by_pattern import CELLS_OF_STEP, MOST_COLUMNS, pattern_keys
from ._degenerate import DEGENERATE, warn_of_constant
from ._ledoit_wolf import ObservedPairs
from ._missing import NormalCovariance
from ._moments import Moments, ObservedRows, check_finite
from ._prior import ColumnScale, CovariancePrior, column_variances


class RegularisedDensity(EMDensity):
    """A density with a covariance that is regularised in the scale of each column."""

    covariance_type: str
    shrinkage: float | str | None
    reg_covar: float
    rounding: Any = None
    _covariance: NormalCovariance
    _scale: ColumnScale
    _statistics: Any = None  # Moments, once rows are counted
    _target: np.ndarray | None = None  # of shrinkage, if not the variances of all rows

    @property
    def _ties_columns(self) -> bool:
        """True if all columns have one scale."""
        return self.covariance_type in ("spherical", "low_rank")

    @property
    def _counts_missing(self) -> bool:
        return self.covariance_type in ("diag", "spherical") and self.shrinkage != "auto"

    def _arrange(self, codes: np.ndarray, incomplete: np.ndarray) -> tuple[np.ndarray, int | None]:
        """Return the incomplete rows pattern by pattern; each takes long, so blocks are small."""
        goes_by_pattern = self.covariance_type in ("full", "tied")
        if not goes_by_pattern or codes.shape[1] > MOST_COLUMNS or not has_missing(codes):
            return incomplete, None
        rows = np.flatnonzero(incomplete)
        return rows[np.argsort(pattern_keys(codes)[rows], kind="stable")], CELLS_OF_STEP

    def _encode_training(
        self, X: np.ndarray, weight: np.ndarray | None, extend: bool
    ) -> np.ndarray:
        if extend:
            self._check_same_statistics()
        self._check_size(X.shape[1])
        codes = self._encode(X)
        scale = sum_over_rows(ColumnScale.of, codes, weight, self.n_jobs)
        if extend:
            scale = self._scale + scale
        check_finite(scale.moments, codes)
        if extend:
            scale.check_sizes()
            self._scale = scale
        else:
            self._scale, self._statistics = scale, None
        return codes

    def _declare_more(self, other: RegularisedDensity) -> None:
        self._scale = self._scale + other._scale
        check_finite(self._scale.moments, np.array([self._scale.lowest, self._scale.highest]))

    def _check_declared(self) -> None:
        self._scale.check_sizes()
        self._warn_of_constant_columns()

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> ObservedRows:
        """Return the moments of each column's observed values, which the start comes from."""
        with np.errstate(over="ignore", invalid="ignore"):
            observed = check_finite(Moments.count_observed(codes, weight), codes)
        return ObservedRows(total_weight(weight, len(codes)), observed)

    def _starting_statistics(self, total: Callable[[Callable], Any]) -> Moments:
        """Return moments of independent columns, with the means and variances observed."""
        rows: ObservedRows = total(self._count_start)
        observed = self._scale.lend(rows.observed, self._n_rows)
        start = Moments.independent_normal(rows.total, observed.mean, column_variances(observed))
        if self.shrinkage != "auto":
            return start
        target = self._prior(0.0).target
        pairs = total(partial(ObservedPairs.count, mean=start.mean, target=target))
        return start.with_shrinkage(pairs.shrinkage(len(target)))

    def _encode(self, X: Any) -> Any:
        return numbers_of(X)

    def _encode_part(self, table: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        codes = super()._encode_part(table, weight)
        self._scale = replace(self._scale, n_rows=self._n_rows)  # it is not one part of several
        return codes

    def _check_size(self, n_columns: int) -> None:
        if self.covariance_type in ("full", "tied") or self.shrinkage == "auto":
            check_memory(
                3 * 8 * n_columns**2,  # the scatter, the covariance and its factor
                f"The covariance matrix of {n_columns} columns",
                'use covariance_type="low_rank" or "diag" with a number as shrinkage',
            )

    def _check_same_statistics(self) -> None:
        known = self._statistics
        too_few = known.is_diagonal and not self._counts_missing
        is_auto = known.fourth is not None or known.shrinkage is not None
        if too_few or is_auto != (self.shrinkage == "auto"):
            raise ValueError(
                f"covariance_type={self.covariance_type!r} with shrinkage={self.shrinkage!r} needs "
                "other statistics than those of the batches so far; restore the parameters or call "
                "fit."
            )

    def _warn_of_constant_columns(self) -> None:
        constant = self._scale.is_constant
        if constant.all() if self._ties_columns else constant.any():
            warn_of_constant(column_labels(self, constant), self.reg_covar)

    def _prior(self, shrinkage: float, n_rows: float | None = None) -> CovariancePrior:
        """Return the prior on the covariance, which counts as much as so many rows."""
        if n_rows is None:
            n_rows = self._n_rows
        if self._target is not None or self.rounding is not None:
            return self._new_prior(shrinkage, n_rows)
        key = self._n_rows, n_rows, shrinkage, self.reg_covar, self._ties_columns
        priors = self._scale.priors  # all components ask for the same one, in every step
        if key not in priors:
            priors[key] = self._new_prior(shrinkage, n_rows)
        return priors[key]

    def _new_prior(self, shrinkage: float, n_rows: float) -> CovariancePrior:
        variance, target = self._scale.variance, self._target
        if target is None:
            # The scale of a mixture's prior (Fraley and Raftery, 2007); 1 for one density.
            n_parts = self._scale.n_rows / self._n_rows
            target = variance / n_parts ** (2 / len(variance))
        rounding = np.zeros(len(variance))
        if self.rounding is not None:
            rounding = checked_rounding(self.rounding, len(variance))
        return CovariancePrior.of(
            variance,
            target,
            n_rows,
            shrinkage,
            self.reg_covar,
            rounding,
            common=self._ties_columns,
        )

    def _log_noise(self, codes: np.ndarray) -> np.ndarray:
        """Return what ``reg_covar``, as noise in every row, adds to each row's log-density."""
        return log_noise([self], codes)[:, 0]

    def _log_objective(self, codes: np.ndarray) -> np.ndarray:
        return self._log_prob(codes) + self._log_noise(codes)

    def _log_prior(self, total: float) -> float:
        return self._prior(self.shrinkage_).log_prob(self._covariance) if self.shrinkage_ else 0.0

    @property
    def _precision_in_scale(self) -> np.ndarray:
        """Diagonal of the inverse covariance, with each column in its scale over all rows."""
        return self._prior(0.0).scale * self._covariance.inverse_diagonal()

    @property
    def _is_degenerate(self) -> bool:
        return bool(np.max(self._precision_in_scale, initial=0.0) > DEGENERATE)


def log_noise(densities: Sequence[RegularisedDensity], codes: np.ndarray) -> np.ndarray:
    """Return what noise of variance ``reg_covar`` adds to each row's log-density: (n_rows, k).

    Where columns are independent, that is what the row's observed columns add.
    """
    noise = densities[0]._prior(0.0).noise
    is_tied = densities[0].covariance_type == "tied"
    own = densities[:1] if is_tied else densities
    by_column = -0.5 * noise * np.array([each._covariance.inverse_diagonal() for each in own])
    if is_tied:
        return np.broadcast_to(by_column.sum(), (len(codes), len(densities)))
    if densities[0]._counts_missing and has_missing(codes):
        return ~np.isnan(codes) @ by_column.T
    return np.broadcast_to(by_column.sum(axis=1), (len(codes), len(densities)))
