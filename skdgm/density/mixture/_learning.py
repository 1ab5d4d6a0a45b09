"""Expectation-maximisation of a mixture, from a start, from known components or from batches.

Each row adds to the statistics of every component, in proportion to its responsibility.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import clone

from ..._validation import RandomState, check_generator
from .._base import BaseDensity
from .._composite import same_parameters, with_batch_declared
from .._em import EMDensity, rows_to_expect, run_em, warn_not_converged
from .._engine.blocks import RowsOf, ones_if_none, run_in_row_blocks
from .._engine.distant_rows import DistantRows, rows_to_start_from
from .._engine.responsibilities import responsibilities
from .._group import DensityGroup, group_of, set_n_parameters
from ._latent_class import LatentClassDensity
from ._starts import UNKNOWN, KnownRows, initial_shares


@dataclass(frozen=True, eq=False)
class MixtureStatistics:
    """The weight of each component's rows, and the statistics of each component."""

    weight: np.ndarray
    parts: tuple[Any, ...]

    def __add__(self, other: Self) -> Self:
        pairs = zip(self.parts, other.parts, strict=True)
        parts = tuple(mine + others for mine, others in pairs)
        return type(self)(self.weight + other.weight, parts)


class _MixtureLearning(LatentClassDensity, EMDensity):
    """A mixture that learns the parameter ``density`` of each of ``n_components``."""

    n_components: int
    init: Any
    n_init: int
    random_state: RandomState
    warm_start: bool
    _told_components: Any = None  # of the training rows, while it learns
    _last_bound: float
    _last_family: BaseDensity | None

    @property
    def _is_additive(self) -> bool:
        return self.density._is_additive

    def _note_rows(self, n_rows: int, weight: np.ndarray | None) -> None:
        self._has_weight = np.ones(n_rows, dtype=bool) if weight is None else weight > 0

    def _describe_rows(self, codes: Any) -> None:
        if isinstance(codes, DistantRows):
            return  # predict labels them where they are
        own = np.concatenate(run_in_row_blocks(self._shares, codes, self.n_jobs)).argmax(axis=1)
        if self._told_components is not None:
            known = np.asarray(self._told_components)[self._has_weight]
            own = np.where(known == UNKNOWN, own, known)
        self.labels_ = np.full(len(self._has_weight), UNKNOWN)
        self.labels_[self._has_weight] = own
        for name in ("_has_weight", "_told_components"):
            self.__dict__.pop(name, None)

    def _known_rows(self, codes: Any) -> KnownRows:
        """Return what the user tells of the rows by number, if the mixture stands alone."""
        if isinstance(codes, DistantRows):
            return KnownRows.of_distant(self.init)
        n_rows = codes.shape[0]
        has_weight = vars(self).get("_has_weight", np.ones(n_rows, dtype=bool))
        return KnownRows.of(self.init, self._told_components, self.n_components, has_weight)

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> Any:
        if not extend:
            return super()._encode_training(X, weight, extend)
        densities, codes = with_batch_declared(self.densities_, self.density, X, weight)
        parts = tuple(density._statistics for density in densities)
        self._statistics = MixtureStatistics(self._statistics.weight, parts)
        self._prototype = densities[0]._without_rows()
        self._group = self._make_group(len(densities))
        self._group.extend(densities, parts)
        self.densities_ = densities
        return codes

    def _fit(self, codes: Any, weight: np.ndarray | None) -> None:
        generator = check_generator(self.random_state)
        warm = self._warm_statistics()
        known = self._known_rows(codes)
        is_drawn = isinstance(self.init, str) and warm is None
        rows = codes if known.component is None else RowsOf((codes, known.component))
        parts = [rows_to_expect(self, rows, weight)]
        best: tuple[float, dict] | None = None
        for _ in range(self.n_init if is_drawn else 1):
            start = self._start_from(codes, weight, generator, known) if warm is None else warm
            before = None if warm is None else self._last_bound
            bounds, converged = run_em(self, parts, [start], self._set_only, self.n_jobs, before)
            self.n_iter_, self.lower_bounds_, self.converged_ = len(bounds), bounds, converged
            if best is None or bounds[-1] > best[0]:
                best = bounds[-1], self.__dict__.copy()
        assert best is not None  # n_init is at least 1
        self.__dict__.update(best[1])
        if not (self.warm_start or self._prototype._is_additive):
            del self._last_statistics  # these may be the training rows
        self._last_shape, self._last_bound = self._shape, self.lower_bounds_[-1]
        self._last_family = clone(self.density) if self.warm_start else None
        if not self.converged_:
            warn_not_converged(self, self.densities_, self.lower_bounds_)
        self._group.warn_if_degenerate()

    def _set_only(self, statistics: Sequence[MixtureStatistics]) -> None:
        (self._last_statistics,) = statistics
        self._set(self._last_statistics)

    def _warm_statistics(self) -> MixtureStatistics | None:
        known = self.warm_start and getattr(self, "_last_shape", None) == self._shape
        if not (known and same_parameters(self._last_family, self.density)):
            return None
        return getattr(self, "_last_statistics", None)

    @property
    def _shape(self) -> tuple:
        """Sizes in which two fits must agree for the statistics of one to start the other."""
        return self.n_components, self._columns

    def _needs_em(self, codes: Any) -> bool:
        return True

    def _is_incomplete(self, codes: Any) -> np.ndarray:
        return np.ones(codes.shape[0], dtype=bool)  # z is latent in every row

    def _arrange(self, codes: Any, incomplete: np.ndarray) -> tuple[np.ndarray, int | None]:
        if isinstance(codes, RowsOf) or not isinstance(self._prototype, EMDensity):
            return incomplete, None
        return self._prototype._arrange(codes, incomplete)

    def _count_start(self, codes: Any, weight: np.ndarray | None) -> MixtureStatistics:
        known = self._known_rows(codes)
        return self._start_from(codes, weight, check_generator(self.random_state), known)

    def _start_from(
        self,
        codes: Any,
        weight: np.ndarray | None,
        generator: np.random.Generator,
        known: KnownRows,
    ) -> MixtureStatistics:
        if known.tells_nothing:
            codes, weight = rows_to_start_from(self, codes, weight)
        weight = ones_if_none(weight, codes.shape[0])
        shares = initial_shares(
            self.init, known, codes, self._columns, weight, self.n_components, generator
        )
        start = self._make_group(self.n_components).start(codes, shares, weight)
        return MixtureStatistics(weight @ shares, tuple(start))

    def _make_group(self, n_components: int) -> DensityGroup:
        names = [f"Component {k}" for k in range(n_components)]
        return group_of(self._prototype, names, [self._n_rows / n_components] * n_components)

    def _count(self, codes: Any, weight: np.ndarray | None) -> MixtureStatistics:
        return self._expect(codes, weight)[0]

    def _expect(
        self, codes: Any, weight: np.ndarray | None
    ) -> tuple[MixtureStatistics, np.ndarray]:
        weight = ones_if_none(weight, codes.shape[0])
        known = None
        if isinstance(codes, RowsOf):
            codes, known = codes.parts
        log_joint = self._with_weights(self._log_objective_of_each(codes))
        if known is not None:
            only = np.eye(self.n_components, dtype=bool)[known] | (known == UNKNOWN)[:, np.newaxis]
            log_joint[~only] = -np.inf
        shares, log_prob = responsibilities(log_joint, self.weights_)
        if known is not None:  # also where the component rules the row out
            shares *= only
            shares /= shares.sum(axis=1, keepdims=True)
        parts = tuple(self._group.expect(codes, shares, weight))
        return MixtureStatistics(weight @ shares, parts), log_prob

    def _estimate(self, statistics: MixtureStatistics) -> None:
        self.weights_ = statistics.weight / statistics.weight.sum()
        self._group = self._make_group(len(statistics.parts))
        self._group.estimate(statistics.parts)
        self.densities_ = self._group.densities
        set_n_parameters(self, self._group.n_parameters(besides=len(self.densities_) - 1))

    def _log_prior(self, total: float) -> float:
        return self._group.log_prior(total * self.weights_)
