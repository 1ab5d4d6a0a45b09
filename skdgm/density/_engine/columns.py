"""The kinds of columns: binary, categorical, count or continuous.

A density declares them once; code that lists states, completes rows or compares densities asks
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal, Self, get_args

import numpy as np

from .categories import Categories, columns_alike, places_of

ColumnKind = Literal["binary", "categorical", "count", "continuous"]
KINDS: tuple[str, ...] = get_args(ColumnKind)


@dataclass(frozen=True, eq=False)
class Columns:
    """The kind of each column, and its categories.

    An ordinal column is categorical, with an order.
    """

    kind: np.ndarray  # (n_columns,), of str
    n_categories: np.ndarray  # (n_columns,), 0 where values cannot be listed: counts, real numbers
    values: Mapping[int, np.ndarray] = field(default_factory=dict)  # by code, if not the codes
    has_other: np.ndarray | bool = False  # (n_columns,), True where the last category is "other"

    @classmethod
    def alike(cls, kind: ColumnKind, n_columns: int) -> Self:
        """Return columns of one kind, which is not "categorical"."""
        n_categories = 2 if kind == "binary" else 0
        return cls(np.full(n_columns, kind), np.full(n_columns, n_categories, dtype=np.int64))

    @classmethod
    def categorical(cls, categories: Categories) -> Self:
        """Return columns with these categories."""
        n_categories = categories.n_categories
        kind = np.full(len(n_categories), "categorical")
        return cls(kind, n_categories, categories.all_values, categories.has_other)

    @classmethod
    def joined(cls, parts: Sequence[Columns], places: Sequence[np.ndarray]) -> Self:
        """Return the columns of blocks, each at its places in the table."""
        order = np.argsort(np.concatenate(list(places)), kind="stable")
        kind = np.concatenate([part.kind for part in parts])
        n_categories = np.concatenate([part.n_categories for part in parts])
        has_other = np.concatenate([np.broadcast_to(part.has_other, len(part)) for part in parts])
        values = {
            int(place[column]): own
            for part, place in zip(parts, places, strict=True)
            for column, own in part.values.items()
        }
        return cls(kind[order], n_categories[order], values, has_other[order])

    def some(self, places: np.ndarray) -> Self:
        """Return some of the columns, in the order given."""
        has_other = np.broadcast_to(self.has_other, len(self))
        values = {
            column: self.values[place]
            for column, place in enumerate(places.tolist())
            if place in self.values
        }
        return type(self)(self.kind[places], self.n_categories[places], values, has_other[places])

    def with_numbers(self, kinds: np.ndarray) -> Self:
        """Return columns of these kinds, of which only categorical ones keep their categories."""
        numbers = kinds != "categorical"
        values = {column: own for column, own in self.values.items() if not numbers[column]}
        n_categories = np.where(numbers, 0, self.n_categories)
        kind = np.where(numbers, kinds, self.kind)
        return type(self)(kind, n_categories, values, self.has_other & ~numbers)

    def __len__(self) -> int:
        return len(self.kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Columns):
            return NotImplemented
        alike = np.array_equal(self.kind, other.kind)
        alike = alike and np.array_equal(self.n_categories, other.n_categories)
        alike = alike and self.values.keys() == other.values.keys()
        return alike and all(
            np.array_equal(own, other.values[column]) for column, own in self.values.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def values_of(self, column: int) -> np.ndarray:
        """Return the values of a column that can be listed, by code."""
        return self.values.get(column, np.arange(self.n_categories[column]))

    def known_values(self) -> list[np.ndarray | None]:
        """Return the values of each column that are known, None where they cannot be listed."""
        has_other = np.broadcast_to(self.has_other, len(self))
        return [
            self.values_of(column)[: self.n_categories[column] - has_other[column]]
            if listable
            else None
            for column, listable in enumerate(self.listable)
        ]

    def decode(self, table: np.ndarray) -> np.ndarray:
        """Return the table of the values that codes stand for.

        NaN stays NaN; among integers, missing cells hold anything.
        """
        if not self.values:
            return table
        decoded = table.astype(np.float64 if table.dtype.kind == "f" else np.int64)
        for columns, values in columns_alike(self.values):
            cells = decoded[:, columns]
            codes = np.minimum(np.nan_to_num(cells).astype(np.intp), len(values) - 1)
            decoded[:, columns] = np.where(np.isnan(cells), np.nan, values[codes])
        return decoded

    def encode(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the table of codes of complete rows of values, and a mask of the known rows."""
        known = ((rows < self.n_categories) | ~self.listable).T.copy()
        table = rows.astype(np.result_type(rows, np.int64)) if self.values else rows
        for columns, values in columns_alike(self.values):
            table[:, columns], own = places_of(rows[:, columns], values)
            known[columns] = own.T
        return table, known.all(axis=0)

    @property
    def listable(self) -> np.ndarray:
        """Mask of columns whose values can be listed."""
        return self.n_categories > 0

    @property
    def width(self) -> int:
        """Number of columns in products of matrices, one for each category after the first."""
        return int(np.maximum(self.n_categories - 1, 1).sum())

    @property
    def all_discrete(self) -> bool:
        """True if a row has a probability, not a density."""
        return not (self.kind == "continuous").any()

    @property
    def all_continuous(self) -> bool:
        """True if every column holds real numbers."""
        return bool((self.kind == "continuous").all())

    def dtype_of_samples(self, dtype: np.dtype) -> np.dtype:
        """Return the dtype of samples, given that of the training data.

        It is the same if that holds the values; continuous columns need floats, and counts, which
        have no largest value, need large integers or floats.
        """
        if not self.all_discrete:
            return dtype if dtype.kind == "f" else np.dtype(np.float64)
        if (self.kind == "count").any() and dtype.kind != "f" and dtype.itemsize < 8:
            return np.dtype(np.int64)
        largest = max(0, int(np.max(self.n_categories, initial=0)) - 1)
        largest = max([largest, *(int(own.max()) for own in self.values.values())])
        if _holds(dtype, largest):
            return dtype
        return np.promote_types(dtype, np.promote_types(np.uint16, np.min_scalar_type(largest)))


def column_labels(estimator: Any, mask: np.ndarray, most: int = 8) -> str:
    """Return words for the columns in a mask, as the user numbers or names them."""
    columns = np.flatnonzero(mask)
    names = getattr(estimator, "feature_names_in_", None)
    numbers = getattr(estimator, "_column_numbers", np.arange(len(mask)))
    labels = [repr(str(names[j])) if names is not None else str(numbers[j]) for j in columns]
    if len(labels) > most:
        labels = [*labels[:most], f"{len(labels) - most} more"]
    *first, last = labels
    return f"columns {', '.join(first)} and {last}" if first else f"column {last}"


def column_index(column: Any, n_columns: int, names: np.ndarray | None) -> int:
    """Return the index of the column that a user asks about by index or name.

    ``names`` are those of the columns, or None. Raise a ValueError if there is no such column.
    """
    if isinstance(column, str):
        if names is None:
            raise ValueError(
                f"column is the name {column!r}, but the training data had no column names that "
                "are all strings; pass the index of the column, or fit to a DataFrame."
            )
        found = np.flatnonzero(names == column)
        if len(found):
            return int(found[0])
        known = ", ".join(map(repr, names[:8].tolist())) + (", ..." if len(names) > 8 else "")
        raise ValueError(f"No column is named {column!r}; the columns are {known}.")
    is_index = isinstance(column, Integral) and not isinstance(column, bool | np.bool_)
    if not (is_index and -n_columns <= column < n_columns):
        raise ValueError(
            f"column must be the name of a column or its index, from 0 to {n_columns - 1}; got "
            f"{column!r}."
        )
    return int(column) % n_columns


def _holds(dtype: np.dtype, category: int) -> bool:
    """Return whether the dtype holds a category exactly."""
    if dtype.kind == "f":
        return category <= 2 ** (np.finfo(dtype).nmant + 1)
    return category <= (1 if dtype.kind == "b" else np.iinfo(dtype).max)
