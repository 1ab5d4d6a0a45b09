"""Answers of independent blocks of columns, which are those of the blocks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np

from .._base import BaseDensity
from .._composite import CompositeDensity
from .._engine.columns import Columns
from .._engine.conditional_margins import ConditionalMargin
from .._engine.regions import Regions
from ._blocks import ColumnCodes, information_in_blocks, restrict_blocks, sum_of_blocks


class BlockAnswers(CompositeDensity):
    """Queries of blocks of columns: a list of names, fitted densities and their columns."""

    densities_: list[tuple[str, Any, np.ndarray]]

    def _split(self, codes: ColumnCodes) -> Iterator[tuple[BaseDensity, Any]]:
        """Pair each block's density with its codes."""
        return zip(self._parts, codes.parts, strict=True)

    def _join(self, tables: Sequence[np.ndarray]) -> np.ndarray:
        """Return the tables of the blocks as one, with the columns in order."""
        dtype = np.result_type(*(table.dtype for table in tables))
        joined = np.empty((len(tables[0]), self.n_features_in_), dtype=dtype)
        for (_, _, columns), table in zip(self.densities_, tables, strict=True):
            joined[:, columns] = table
        return joined

    # ------------------------------------------------------------------ hooks
    @property
    def _columns(self) -> Columns:
        places = [columns for _, _, columns in self.densities_]
        return Columns.joined([block._columns for block in self._parts], places)

    def _log_prob(self, codes: ColumnCodes) -> np.ndarray:
        return sum_of_blocks(block._log_prob(part) for block, part in self._split(codes))

    def _log_objective(self, codes: ColumnCodes) -> np.ndarray:
        return sum_of_blocks(block._log_objective(part) for block, part in self._split(codes))

    def _log_prob_given(self, codes: ColumnCodes, condition: ColumnCodes) -> np.ndarray:
        blocks = zip(self._parts, codes.parts, condition.parts, strict=True)
        return sum_of_blocks(block._log_prob_given(*own) for block, *own in blocks)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._join([block._sample(n_samples, generator) for block in self._parts])

    def _sample_missing(self, codes: ColumnCodes, generator: np.random.Generator) -> np.ndarray:
        pairs = self._split(codes)
        return self._join([block._sample_missing(part, generator) for block, part in pairs])

    def _mean_missing(self, codes: ColumnCodes) -> np.ndarray:
        return self._join([block._mean_missing(part) for block, part in self._split(codes)])

    def _moments_missing(self, codes: ColumnCodes) -> tuple[np.ndarray, np.ndarray]:
        moments = [block._moments_missing(part) for block, part in self._split(codes)]
        mean, variance = (self._join(tables) for tables in zip(*moments, strict=True))
        return mean, variance

    def _proba_missing(self, codes: ColumnCodes, columns: Sequence[int]) -> list[np.ndarray]:
        return self._by_column(codes, columns, lambda block, *own: block._proba_missing(*own))

    def _margins_missing(
        self, codes: ColumnCodes, columns: Sequence[int]
    ) -> list[ConditionalMargin]:
        return self._by_column(codes, columns, lambda block, *own: block._margins_missing(*own))

    def _by_column(
        self, codes: ColumnCodes, columns: Sequence[int], ask: Callable[..., list[Any]]
    ) -> list[Any]:
        """Return what the blocks answer for each of some columns."""
        found: dict[int, Any] = {}
        for (_, density, places), part in zip(self.densities_, codes.parts, strict=True):
            own = np.flatnonzero(np.isin(places, columns)).tolist()
            if own:
                found.update(zip(places[own], ask(density, part, own), strict=True))
        return [found[column] for column in columns]

    def _information(
        self, places: np.ndarray, known: np.ndarray, n_samples: int, generator: Any
    ) -> np.ndarray:
        return information_in_blocks(self.densities_, places, known, n_samples, generator)

    def _latent_shares(self, codes: ColumnCodes) -> list[np.ndarray]:
        return [own for block, part in self._split(codes) for own in block._latent_shares(part)]

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        given = copy(self)
        given.densities_, log_prob = restrict_blocks(self.densities_, regions)
        return given, log_prob

    def _mode_missing(self, codes: ColumnCodes) -> np.ndarray:
        return self._join([block._mode_missing(part) for block, part in self._split(codes)])
