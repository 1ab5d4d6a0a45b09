"""Categories of columns: the values that the codes 0, 1, 2, ... of each column stand for.

These are the values that training has seen, or those that were declared: 0 to K - 1. The codes of a
column whose values have gaps are compact all the same, so that nothing is spent on values that do
not occur.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from scipy import sparse

from ..._codes import (
    LARGEST_CODE,
    as_categories,
    as_codes,
    codes_that_fit,
    has_missing,
    largest_codes,
    missing_cells,
    missing_code,
    missing_mark,
    readonly,
)
from ..._kernels.codes import mark_seen
from ..._validation import ColumnError

MARKED_CELLS = 2**24  # of a table of columns and values, up to which values are found by marking


@dataclass(frozen=True, eq=False)
class Categories:
    """The values that the codes of each column stand for.

    Parameters
    ----------
    n_known : ndarray of shape (n_columns,)
        Number of values known in each column.
    values : mapping of int to ndarray
        The values, by code, of the columns where codes and values differ.
    has_other : bool
        True if each column has one further category, "other", for all values that are not known.
        It is the last, and its value, which samples show, is one more than the largest known.
    """

    n_known: np.ndarray
    values: Mapping[int, np.ndarray]
    has_other: bool = False

    # ------------------------------------------------------------------ where they come from
    @classmethod
    def declared(cls, n_categories: np.ndarray) -> Self:
        """Return the categories 0 to K - 1 of each column."""
        return cls(n_categories.astype(np.int64), {})

    @classmethod
    def up_to_largest(cls, X: np.ndarray) -> Self:
        """Return the categories 0 to the largest that is seen in each column of X."""
        at_least = 2 if X.dtype == np.bool_ else 1
        return cls(np.maximum(largest_codes(as_codes(X)) + 1, at_least), {})

    @classmethod
    def seen_in(cls, X: np.ndarray) -> Self:
        """Return the values that are seen in each column of X; a boolean column has both.

        A sparse X must hold zeros and ones.
        """
        if X.dtype == np.bool_:
            return cls.declared(np.full(X.shape[1], 2))
        return cls.of_values(_binary_seen(X) if sparse.issparse(X) else _values_seen(X))

    @classmethod
    def of_values(cls, values: list[np.ndarray]) -> Self:
        """Return the categories with these values, by code, in each column."""
        n_known = np.array([len(own) for own in values], dtype=np.int64)
        distinct = {id(own): own for own in values}  # columns may share an array
        differ = {
            key
            for key, own in distinct.items()
            if own.max() >= len(own) or not np.array_equal(own, np.arange(len(own)))
        }
        pairs = enumerate(values)
        return cls(n_known, {column: own for column, own in pairs if id(own) in differ})

    def replaced(self, known: list[np.ndarray | None] | None) -> Self:
        """Return the categories of these columns, or those that are known from elsewhere."""
        if known is None:
            return self
        pairs = enumerate(known)
        return self.of_values([self.known(j) if own is None else own for j, own in pairs])

    def with_new(self, other: Self) -> Self:
        """Return these categories, which keep their codes, and then those new in the other."""
        if not (self.values or other.values):
            return replace(self, n_known=np.maximum(self.n_known, other.n_known))
        joined: dict[tuple, np.ndarray] = {}  # columns with the same values go on sharing them
        values = []
        for column in range(len(self.n_known)):
            key = self._key(column), other._key(column)
            if key not in joined:
                own, others = self.known(column), other.known(column)
                joined[key] = np.concatenate([own, others[~np.isin(others, own)]])
            values.append(joined[key])
        return replace(self.of_values(values), has_other=self.has_other)

    def union(self, other: Self) -> Self:
        """Return the categories of both, in the order of their values, as those seen are."""
        if not (self.values or other.values):
            return replace(self, n_known=np.maximum(self.n_known, other.n_known))
        columns = range(len(self.n_known))
        values = [np.union1d(self.known(column), other.known(column)) for column in columns]
        return replace(self.of_values(values), has_other=self.has_other)

    def _key(self, column: int) -> tuple[int, int]:
        return int(self.n_known[column]), id(self.values.get(column))

    def shared(self) -> Self:
        """Return the categories of all columns together, for each of them."""
        n_columns = len(self.n_known)
        if not self.values:
            return replace(self, n_known=np.full(n_columns, self.n_known.max()))
        values = np.unique(np.concatenate([self.known(column) for column in range(n_columns)]))
        return self.of_values([values] * n_columns)

    # ------------------------------------------------------------------ values and codes
    @property
    def n_categories(self) -> np.ndarray:
        """Number of categories of each column, "other" among them."""
        return self.n_known + self.has_other

    def known(self, column: int) -> np.ndarray:
        """Return the known values of a column, by code."""
        return self.values.get(column, np.arange(self.n_known[column]))

    @cached_property
    def all_values(self) -> Mapping[int, np.ndarray]:
        """The values by code, that of "other" among them, where codes and values differ."""
        if not self.has_other:
            return self.values
        extended = {id(own): np.append(own, own.max() + 1) for own in self.values.values()}
        return {column: extended[id(own)] for column, own in self.values.items()}

    @cached_property
    def worth(self) -> list[np.ndarray]:
        """The value of each code of each column, as floats, which means are taken of."""
        n_categories, values = self.n_categories, self.all_values
        plain = readonly(np.arange(n_categories.max(), dtype=np.float64))
        distinct = {id(own): readonly(own.astype(np.float64)) for own in values.values()}
        return [
            distinct[id(values[column])] if column in values else plain[:n]
            for column, n in enumerate(n_categories.tolist())
        ]

    def codes_of(self, X: np.ndarray, handle_unknown: str = "error") -> np.ndarray:
        """Return the codes of validated X.

        ``handle_unknown`` says what becomes of a value that is not known: "error" raises one,
        "missing" marks the cell as missing, and "smooth" gives it the code of "other".
        """
        values, missing = codes_that_fit(X), None
        if values is None:
            values, missing = as_categories(X)
        elif not self.values and self._hold(values):
            return values
        elif has_missing(values):
            missing = missing_cells(values)
        dtype = np.uint8 if self.n_categories.max() <= missing_mark(np.uint8) else np.uint16
        codes, known = np.zeros(X.shape, dtype=dtype), np.empty(X.shape, dtype=bool)
        for columns, place, own in self._places(values):
            codes[:, columns], known[:, columns] = np.where(own, place, 0), own
        if missing is not None:
            known |= missing
        if not known.all():
            if handle_unknown == "error":
                raise self._unknown_error(values, known)
            of_unknown = missing_code(codes) if handle_unknown == "missing" else self.n_known
            codes = np.where(known, codes, of_unknown).astype(dtype)
        if missing is not None:
            codes[missing] = missing_code(codes)
        return readonly(codes)

    def _hold(self, codes: np.ndarray) -> bool:
        """Return whether all codes are of known categories."""
        if not codes.size or codes.max() < self.n_known.min():
            return True
        return bool((largest_codes(codes) < self.n_known).all())

    def _places(self, X: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return columns with the codes of their values, and a mask of those that are known."""
        found = []
        plain = np.setdiff1d(np.arange(X.shape[1]), list(self.values))
        if len(plain):
            own = X if len(plain) == X.shape[1] else X[:, plain]
            found.append((plain, own, own < self.n_known[plain]))
        for columns, values in columns_alike(self.values):
            found.append((columns, *places_of(X[:, columns], values)))
        return found

    def _unknown_error(self, X: np.ndarray, known: np.ndarray) -> ColumnError:
        column = int(np.argmin(known.all(axis=0)))
        return self.unknown_error(column, int(X[~known[:, column], column].max()))

    def unknown_error(self, column: int, value: int) -> ColumnError:
        """Return the error about a value that is no category of its column."""
        values = self.known(column)
        which = f"are 0 to {len(values) - 1}"
        if column in self.values:
            which = f"are {len(values)} values from {values.min()} to {values.max()}"
        return ColumnError(
            "Unknown category in {table}: {column} holds {value}, but the categories known there "
            "{which}; declare more with n_categories before fitting, or set handle_unknown to "
            "'missing' or 'smooth'.",
            column,
            {"value": value, "which": which},
        )


def columns_alike(
    values: Mapping[int, np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the columns that share an array of values, and the array."""
    alike: dict[int, list[int]] = {}
    for column, own in values.items():
        alike.setdefault(id(own), []).append(column)
    for columns in alike.values():
        yield np.array(columns), values[columns[0]]


def places_of(X: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each cell among the values, and a mask of those that are among them."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    rank = np.minimum(np.searchsorted(ranked, X), len(ranked) - 1)
    return order[rank], ranked[rank] == X


def check_n_values(categories: Categories, seen: Categories, most: int) -> None:
    """Raise a ValueError if a column has more than the most categories.

    It names the one of these columns in which the most are seen.
    """
    n_known = categories.n_known
    if n_known.max() <= most:
        return
    column = int(np.argmax(np.where(n_known > most, seen.n_known, -1)))
    n, n_seen = int(n_known[column]), int(seen.n_known[column])
    among = "" if n == n_seen else f", of which {n_seen} are seen in this column"
    cure = ", or raise max_categories" if most < LARGEST_CODE else ""
    raise ColumnError(
        f"{{table}} has {n} categories in {{column}}{among}, more than max_categories={most}; "
        f"leave the column out if it identifies rows, or group its values{cure}.",
        column,
    )


def _values_seen(X: np.ndarray) -> list[np.ndarray]:
    """Return the sorted values in each column of X; a column without any has the value 0."""
    found = _values_marked(codes_that_fit(X))
    if found is None:
        values, missing = as_categories(X)
        columns = values.T if missing is None else map(_observed, values.T, missing.T)
        found = [np.unique(own).astype(np.int64) for own in columns]
    return [own if len(own) else np.zeros(1, dtype=np.int64) for own in found]


def _binary_seen(X: sparse.csr_array) -> list[np.ndarray]:
    """Return the sorted values in each column of sparse zeros and ones."""
    n_ones = np.bincount(X.indices[X.data == 1], minlength=X.shape[1])
    found = [np.array([0]), np.array([0, 1]), np.array([1])]
    has_one, has_zero = n_ones > 0, n_ones < X.shape[0]
    return [found[k] for k in (has_one * (2 - has_zero)).tolist()]


def _values_marked(codes: np.ndarray | None) -> list[np.ndarray] | None:
    """Return the sorted codes in each column, or None where a table of marks is too large."""
    if codes is None:
        return None
    highest = codes.max(axis=0)
    if highest.max() <= 1:  # and so nothing is missing
        found = [np.array([0]), np.array([0, 1]), np.array([1])]
        return [found[k] for k in (codes.min(axis=0) + highest).tolist()]
    highest = largest_codes(codes)
    if len(highest) * int(highest.max()) > MARKED_CELLS:
        return None
    seen = np.zeros((len(highest), missing_code(codes) + 1), dtype=np.bool_)
    mark_seen(codes, seen)
    return [np.flatnonzero(own[:-1]) for own in seen]


def _observed(column: np.ndarray, missing: np.ndarray) -> np.ndarray:
    return column[~missing]
