"""The codes of a table: between the numbers of its schema, and what a model sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from ..._validation import ColumnError
from .._engine.categories import places_of
from .._engine.columns import Columns
from .._engine.regions import Regions
from ._vocabulary import TableColumn, column_order


@dataclass(frozen=True, eq=False)
class TableCoding:
    """The columns of a table, and their order in the model.

    Parameters
    ----------
    columns : tuple of TableColumn
        What the columns may hold.
    order : ndarray of shape (n_columns,)
        The columns in the order of the model.
    handle_unknown : str
        What becomes of values never seen.
    """

    columns: tuple[TableColumn, ...]
    order: np.ndarray
    handle_unknown: str

    @classmethod
    def learn(
        cls,
        S: np.ndarray,
        weight: np.ndarray | None,
        kinds: Sequence[str],
        schema: Any,
        handle_unknown: str,
        reorders: bool,
    ) -> Self:
        """Learn from the numbers of a table, and the kinds of its columns.

        With ``reorders``, the order of columns in the model follows from what they hold.
        """
        columns = []
        for cells, kind, column in zip(S.T, kinds, schema.columns, strict=True):
            n_labels = None
            if column.role == "label":
                n_labels = column.n_labels if column.declared else 0
            columns.append(TableColumn.learn(cells, weight, kind, n_labels, handle_unknown))
        order = column_order(S, weight, columns) if reorders else np.arange(len(columns))
        return cls(tuple(columns), order, handle_unknown)

    # ------------------------------------------------------------------ columns
    @property
    def in_model(self) -> list[TableColumn]:
        """The columns in the order of the model."""
        return [self.columns[place] for place in self.order]

    @cached_property
    def categorical(self) -> list[int]:
        """Places of the columns that are categories to the model."""
        return [place for place, own in enumerate(self.columns) if own.categories is not None]

    @property
    def closed(self) -> np.ndarray:
        """Mask of the columns in which a value never seen is an error."""
        is_error = self.handle_unknown == "error"
        known = [own.categories for own in self.columns]
        return np.array([own is not None and is_error and not own.takes_unseen for own in known])

    def columns_of(self, schema: Any) -> Columns:
        """Return the kinds of the columns, and the numbers that their codes stand for."""
        kinds = np.array([own.model_kind for own in self.columns])
        has_other = np.zeros(len(kinds), dtype=bool)
        n_categories = np.zeros(len(kinds), dtype=np.int64)
        values = {}
        for place in self.categorical:
            own = self.columns[place]
            assert own.categories is not None
            has_other[place] = own.categories.takes_unseen
            is_label = schema.columns[place].role == "label"
            unseen = schema.columns[place].n_labels if is_label else own.values[-1] + 1
            values[place] = np.append(own.values, unseen) if has_other[place] else own.values
            n_categories[place] = len(values[place])
        return Columns(kinds, n_categories, values, has_other)

    def places_in_model(self, places: Sequence[int]) -> list[int]:
        """Return where columns stand in the model."""
        return np.argsort(self.order)[list(places)].tolist()

    def from_model(self, M: np.ndarray) -> np.ndarray:
        """Return a table of the model with the columns as they came."""
        return M[:, np.argsort(self.order)]

    def restricted(self, regions: Regions) -> tuple[TableCoding, dict[int, Any]]:
        """Return the coding given regions of columns, and the regions that the model sees."""
        columns, in_model = list(self.columns), self.places_in_model(range(len(self.columns)))
        within: dict[int, Any] = {}
        for place, region in regions.items():
            columns[place], within[in_model[place]] = self.columns[place].restricted(region)
        return replace(self, columns=tuple(columns)), within

    # ------------------------------------------------------------------ to the model
    def forward(self, S: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return codes and numbers, the table that the model sees, and log-shares of rows."""
        values, M, log_share = S.copy(), S.copy(), np.zeros(len(S))
        for place in self.categorical:
            known = self.columns[place].categories
            assert known is not None
            rows = np.flatnonzero(~np.isnan(S[:, place]))
            codes = self._places(S[rows, place], place)
            lost = codes < 0  # unknown, and missing by handle_unknown
            values[rows, place] = np.where(lost, np.nan, codes)
            M[rows, place] = np.where(lost, np.nan, known.code[codes])
            log_share[rows[~lost]] += known.log_share[codes[~lost]]
        return values, M[:, self.order], log_share

    def _places(self, cells: np.ndarray, place: int) -> np.ndarray:
        """Return the places of cells among a column's values, that after the last if unseen."""
        column = self.columns[place]
        places, known = places_of(cells, column.values)
        if known.all():
            return places
        assert column.categories is not None
        if self.handle_unknown == "missing":
            return np.where(known, places, -1)
        if not column.categories.takes_unseen:
            raise ColumnError(
                "Unknown category in {table}: {column} holds {value:g}, but the {n} values known "
                "there are others; set handle_unknown to 'missing' or 'smooth', or tell that the "
                "column is continuous.",
                place,
                {"value": float(cells[~known][0]), "n": len(column.values)},
            )
        return np.where(known, places, len(column.values))

    # ------------------------------------------------------------------ from the model
    def draw(self, M: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return codes and numbers, drawn where the model sees several values as one."""
        table = self.from_model(M).astype(np.float64)
        for place, column in enumerate(self.columns):
            table[:, place] = column.draw(np.nan_to_num(table[:, place]), generator)
        return table

    def most_probable(self, M: np.ndarray) -> np.ndarray:
        """Return codes and numbers, the most probable where the model sees several as one."""
        table = self.from_model(M).astype(np.float64)
        for place, column in enumerate(self.columns):
            table[:, place] = column.most_probable(np.nan_to_num(table[:, place]))
        return table

    def log_peaks(self, M: np.ndarray) -> np.ndarray:
        """Return the log-shares of the most probable values, by row of the model's table."""
        table, total = self.from_model(M), np.zeros(len(M))
        for place in self.categorical:
            known = self.columns[place].categories
            assert known is not None
            total += known.log_peak[known.valid(table[:, place])]
        return total
