"""Groups of normal densities: what they share, and what is faster together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._em import PartlyObserved, run_em, warn_not_converged
from .._engine.blocks import run_in_threads
from .._group import DensityGroup
from ._covariances import FullCovariance
from ._moments import Moments


class GaussianGroup(DensityGroup):
    """Normal densities that share a covariance if it is "tied"."""

    @property
    def _is_tied(self) -> bool:
        return self.prototype.covariance_type == "tied"

    def fit(self, tables: Sequence[tuple[Any, np.ndarray | None]], n_jobs: int | None) -> None:
        if not self._is_tied:
            super().fit(tables, n_jobs)
            return
        pairs = [(density, *table) for density, table in zip(self.densities, tables, strict=True)]
        if any(density._needs_em(codes) for density, codes, _ in pairs):
            starts = run_in_threads(_count_start, pairs, n_jobs)
            parts = [PartlyObserved(*pair) for pair in pairs]
            bounds, converged = run_em(self.prototype, parts, starts, self.estimate, n_jobs)
            if not converged:
                warn_not_converged(self.prototype)
        else:
            self.estimate(run_in_threads(_count_blocks, pairs, n_jobs))
            bounds = np.empty(0)
        for density in self.densities:
            density.n_iter_, density.lower_bounds_ = max(1, len(bounds)), bounds

    def estimate(self, statistics: Sequence[Moments]) -> None:
        if not self._is_tied:
            super().estimate(statistics)
            return
        pooled = Moments.pooled(statistics)
        for density, own in zip(self.densities, statistics, strict=True):
            density._set_tied(own, pooled)
        self._prepare()

    @property
    def n_shared_parameters(self) -> int:
        if not self._is_tied:
            return 0
        return FullCovariance.n_parameters(self.prototype.n_features_in_)


def _count_start(density: Any, codes: np.ndarray, weight: np.ndarray | None) -> Moments:
    return density._count_start(codes, weight)


def _count_blocks(density: Any, codes: np.ndarray, weight: np.ndarray | None) -> Moments:
    return density._count_blocks(codes, weight)
