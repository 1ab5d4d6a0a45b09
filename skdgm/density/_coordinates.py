"""Densities of coordinates: ``log p(x) = log p_Z(T(x)) + log r(x)`` with a density of ``z = T(x)``.

T is an invertible map with its Jacobian r, or it takes numbers to bins, in which r is a density.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from ._base import BaseDensity
from ._composite import CompositeDensity
from ._coordinate_group import CoordinateGroup
from ._engine.coordinates import CoordinateRows
from ._group import set_n_parameters


class CoordinateDensity(CompositeDensity):
    """A density that sees rows by coordinates, of which another density learns.

    ``_prototype`` is that density before it is fitted, and ``density_`` afterwards. A family
    encodes rows as :class:`CoordinateRows` and completes them.
    """

    density_: BaseDensity
    _prototype: BaseDensity
    _is_additive = False
    _mixes_columns: Any = False  # True if a coordinate comes from several columns
    _group_type = CoordinateGroup

    # ------------------------------------------------------------------ learning
    # The statistics are those of the density of coordinates.
    def _fit(self, codes: CoordinateRows, weight: np.ndarray | None) -> None:
        density = copy(self._prototype)
        density._learn(codes.transformed, weight)
        self._take_over(density)

    def _count(self, codes: CoordinateRows, weight: np.ndarray | None) -> Any:
        return self.density_._count(codes.transformed, weight)

    def _start_statistics(self, codes: CoordinateRows, weight: np.ndarray) -> Any:
        return copy(self._prototype)._start_statistics(codes.transformed, weight)

    def _expected_statistics(self, codes: CoordinateRows, weight: np.ndarray | None) -> Any:
        return self.density_._expected_statistics(codes.transformed, weight)

    def _estimate(self, statistics: Any) -> None:
        density = copy(self._prototype)
        density._set(statistics)
        self._take_over(density)

    def _take_over(self, density: BaseDensity) -> None:
        """Keep a fitted density of transformed rows."""
        self.density_ = density
        set_n_parameters(self, getattr(density, "n_parameters_", None))

    def _log_prior(self, total: float) -> float:
        return self.density_._log_prior(total)

    # ------------------------------------------------------------------ queries
    @property
    def _parts(self) -> list[BaseDensity]:
        return [self.density_]

    @property
    def _rules_out_rows(self) -> bool:
        return True  # what the map does not reach

    def _rules_out(self, codes: CoordinateRows) -> np.ndarray:
        """Mask of the rows that the map does not reach, or that the density rules out.

        A normal far out rules nothing out, though its score may overflow.
        """
        outside = np.isneginf(codes.log_det)
        if not self.density_._rules_out_rows:
            return outside
        return outside | self.density_._rules_out(codes.transformed)

    def _information(
        self, places: np.ndarray, known: np.ndarray, n_samples: int, generator: Any
    ) -> np.ndarray:
        """Ask the density of coordinates: none of them mixes columns, or adds to a dependence."""
        if self._mixes_columns:
            raise ValueError(
                "mutual_information needs the density of a few columns alone, which a transformer "
                "that mixes columns, such as PCA, does not tell; use transformers that work by "
                "column."
            )
        return self.density_._information(
            self._coordinates_of(places), self._coordinates_of(known), n_samples, generator
        )

    def _coordinates_of(self, places: np.ndarray) -> np.ndarray:
        """Return the coordinates that columns become."""
        return places

    def _latent_shares(self, codes: CoordinateRows) -> list[np.ndarray]:
        return self.density_._latent_shares(codes.transformed)

    def _log_prob(self, codes: CoordinateRows) -> np.ndarray:
        return self.density_._log_prob(codes.transformed) + codes.log_det

    def _log_objective(self, codes: CoordinateRows) -> np.ndarray:
        return self.density_._log_objective(codes.transformed) + codes.log_det

    def _log_prob_given(self, codes: CoordinateRows, condition: CoordinateRows) -> np.ndarray:
        given = self.density_._log_prob_given(codes.transformed, condition.transformed)
        possible = codes.log_det > -np.inf
        given[possible] += codes.log_det[possible] - condition.log_det[possible]
        given[~possible] = -np.inf
        return given

    def _held_out_densities(self, codes: CoordinateRows) -> list[tuple[Any, np.ndarray]] | None:
        parts = self.density_._held_out_densities(codes.transformed)
        return parts and [(self._around(density), rows) for density, rows in parts]

    def _around(self, density: BaseDensity) -> Any:
        """Return a copy of this density around another fitted one."""
        twin = copy(self)
        twin.density_ = density
        return twin
