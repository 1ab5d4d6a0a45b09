"""Schemas: how the columns of a user's table become numbers, and numbers become such a table.

Numbers stay numbers; labels (text, categories, booleans, any other objects) become codes, and times
and durations become days or seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import first_inexact, is_plain
from ._cells import BOOLS, Sentinels
from ._fill import fill_column
from ._plain import from_plain, plain_form
from ._schema_column import SECOND, SchemaColumn
from ._sources import Source
from ._write import assemble, write_column

LIBRARIES = ("pandas", "polars", "pyarrow")  # of frames


@dataclass(frozen=True)
class AnyCells:
    """An option of ``validate_table``: columns may hold any cells, not numbers alone.

    Parameters
    ----------
    missing_values : number, str or list of these, default=numpy.nan
        What stands for a missing cell besides NaN, None, ``pandas.NA``, NaT, null and masked cells,
        among cells of its own sort.
    """

    missing_values: Any = np.nan


@dataclass(frozen=True, eq=False)
class ReadTable:
    """A table that has been read, in place of one to read.

    Parameters
    ----------
    table : ndarray or frame of shape (n_rows, n_columns)
        The numbers, in a frame if the columns have names.
    schema : Schema
        What they mean.
    """

    table: Any
    schema: Schema


class Schema:
    """The columns of the training data, and how to read and write tables like it.

    Parameters
    ----------
    columns : tuple of SchemaColumn
        What is known of each column.
    options : AnyCells
        The options it was learned with.
    kind : str
        Whose table the training data were, as in ``Source``.
    names : object
        The names of the columns, in the type that a table of this kind has them.

    Attributes
    ----------
    closed : ndarray of shape (n_columns,)
        True for columns of labels in which an unknown one is an error; none is at first.
    """

    def __init__(
        self, columns: tuple[SchemaColumn, ...], options: AnyCells, kind: str, names: Any
    ) -> None:
        self.columns, self.options, self.kind, self.names = columns, options, kind, names
        self.closed = np.zeros(len(columns), dtype=bool)

    @classmethod
    def learn(cls, X: Any, options: AnyCells | None = None, name: str = "X") -> Schema:
        """Learn the schema of a table of two dimensions, of any kind.

        Raises
        ------
        ValueError
            If ``options.missing_values`` are not numbers or text.
        """
        options = AnyCells() if options is None else options
        sentinels = Sentinels(options.missing_values)
        source = _source(X, name)
        if _is_fine(source) and source.columns:
            one = SchemaColumn.learn(None, source.cells(0, sentinels, name))
            return cls((one,) * len(source.columns), options, "array", None)
        labels = source.names or [None] * len(source.columns)
        columns = tuple(
            SchemaColumn.learn(label, source.cells(place, sentinels, name))
            for place, label in enumerate(labels)
        )
        if source.kind == "rows":  # lists of numbers are an array of numbers
            columns = _as_one_array(columns)
        names = source.native.columns if source.kind == "pandas" else source.names
        return cls(columns, options, source.kind, names)

    def read(self, X: Any, name: str = "X") -> np.ndarray:
        """Return a table with these columns as numbers.

        Parameters
        ----------
        X : object
            A table of any kind.
        name : str, default="X"
            The name of the argument, for errors.

        Returns
        -------
        numbers : ndarray of shape (n_rows, n_columns)
            Floats, NaN where a cell is missing. The code of a label that is not known is the number
            of labels of the column.

        Raises
        ------
        ValueError
            If cells do not fit their column, or a label is unknown in a closed column.
        """
        sentinels = Sentinels(self.options.missing_values)
        source = _source(X, name)
        if _is_fine(source) and all(own.role == "number" for own in self.columns):
            table = source.native.astype(np.float64, copy=False)
            gone = sentinels.among(source.native) if sentinels.numbers else np.zeros(1, dtype=bool)
            return np.where(gone, np.nan, table) if gone.any() else table
        n_rows = source.native.shape[0]
        table = np.empty((n_rows, len(self.columns)))
        for place, column in enumerate(self.columns):
            cells = source.cells(place, sentinels, name)
            numbers = column.numbers(cells, place, name)
            closed = column.role == "label" and self.closed[place]
            if closed and (numbers == column.n_labels).any():
                raise column.unknown_error(cells, numbers, place, name)
            table[:, place] = numbers
        return table

    def write(self, table: np.ndarray, means: bool = False) -> Any:
        """Return numbers as a table of the kind of the training data, with its names and dtypes.

        Parameters
        ----------
        table : ndarray of shape (n_rows, n_columns)
            Numbers like those that ``read`` returns. Those of columns of integers are rounded, and
            so are those of columns of whole days.
        means : bool, default=False
            True if the numbers are means: columns of integers then become floats.

        Returns
        -------
        X : object
            The table. NaN, and codes of no label, are missing cells; where the dtype has none, it
            becomes one that has.
        """
        table = np.asarray(table, dtype=np.float64)
        columns = [column.for_means() if means else column for column in self.columns]
        if self.is_numeric and len(set(map(id, self.columns))) == 1:
            return write_column(columns[0], table, "array")
        kind = "array" if self.kind == "rows" else self.kind
        written = [
            write_column(column, table[:, place], kind) for place, column in enumerate(columns)
        ]
        return assemble(written, kind, self.names, len(table))

    def fill(self, X: Any, table: np.ndarray, means: bool = False, name: str = "X") -> Any:
        """Return a copy of X, of its own kind, with values in place of missing cells.

        Parameters
        ----------
        X : object
            A table of any kind with these columns, as the user passed it.
        table : ndarray of shape (n_rows, n_columns)
            Numbers, of which those in the missing cells of X are written.
        means : bool, default=False
            True if the numbers are means: columns of integers then become floats.
        name : str, default="X"
            The name of the argument, for errors.

        Returns
        -------
        X : object
            The table. Observed cells are as they were, and dtypes too if they hold the values.
        """
        table = np.asarray(table, dtype=np.float64)
        sentinels = Sentinels(self.options.missing_values)
        source = _source(X, name)
        kind = "array" if source.kind == "rows" else source.kind
        filled = []
        for place, column in enumerate(self.columns):
            native, cells = source.columns[place], source.cells(place, sentinels, name)
            numbers = table[:, place]
            if means and column.role == "number" and cells.integer:
                own = column.numbers(cells, place, name)
                numbers = np.where(cells.missing, numbers, own)
                whole = column.like(dtype=cells.dtype, integer=True, cell=cells.cell)
                native = write_column(whole.for_means(), numbers, kind)
            elif cells.missing.any():
                if means:
                    column = column.for_means()
                is_own_kind = self.kind == kind
                native = fill_column(column, cells, native, numbers, kind, is_own_kind)
            filled.append(native)
        if kind == "pandas":
            native = source.native
            return assemble(filled, kind, native.columns, len(native), native.index)
        return assemble(filled, kind, source.names, len(table))

    def distances(self, X: Any, table: np.ndarray) -> Any:
        """Return distances in a table like X: floats, or durations in columns of times.

        Parameters
        ----------
        X : object
            A table of any kind with these columns.
        table : ndarray of shape (n_rows, n_columns)
            Distances between numbers like those that ``read`` returns; those of labels are NaN.

        Returns
        -------
        distances : object
            A table of the kind of X, with its names and its index.
        """
        source = _source(X, "X")
        kind = "array" if source.kind == "rows" else source.kind
        written = []
        for column, numbers in zip(self.columns, table.T, strict=True):
            seconds = numbers if column.unit == SECOND else numbers * (column.unit / SECOND)
            written.append(write_column(column.for_distances(kind), seconds, kind))
        if kind == "pandas":
            native = source.native
            return assemble(written, kind, native.columns, len(native), native.index)
        return assemble(written, kind, source.names, len(table))

    def beside(self, other: Schema) -> Schema:
        """Return the schema of tables with these columns, followed by the other's.

        They are frames if both are frames of one library without a name in common, else arrays.
        """
        columns = self.columns + other.columns
        parts = [own.names for own in (self, other) if own.names is not None]
        names = [name for part in parts for name in part]
        if self.kind == other.kind in LIBRARIES and len(set(names)) == len(names):
            return Schema(columns, self.options, self.kind, names)
        is_numeric = all(column.role == "number" for column in columns)
        dtype = np.dtype(float if is_numeric else object)
        columns = tuple(column.like(dtype=dtype) for column in columns)
        return Schema(columns, self.options, "array", None)

    def of_columns(self, places: np.ndarray) -> Schema:
        """Return the schema of some of the columns, in the order given."""
        names = self.names
        if names is not None:
            chosen = [names[place] for place in places]
            names = type(names)(chosen) if isinstance(names, list) else names[places]
        own = Schema(tuple(self.columns[place] for place in places), self.options, self.kind, names)
        own.closed[:] = self.closed[places]
        return own

    @property
    def is_numeric(self) -> bool:
        """True if the training data were an array of numbers."""
        is_array = self.kind in ("array", "rows")
        return is_array and all(
            own.role == "number" and own.dtype.kind in "iuf" for own in self.columns
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "names": plain_form(self.names)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, names=from_plain(state["names"]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.columns == other.columns

    __hash__ = None  # type: ignore[assignment]


def as_given(estimator: Any, table: np.ndarray, X: Any = None, means: bool = False) -> Any:
    """Return numbers as a table like that which a user gave.

    Parameters
    ----------
    estimator : estimator
        It has learned a schema, or none: the table is then returned as it is.
    table : ndarray of shape (n_rows, n_columns)
        Numbers, as the schema reads them.
    X : object, optional
        The table of a query, which is filled in; None for one like the training data.
    means : bool, default=False
        True if the numbers are means: columns of integers then become floats.

    Returns
    -------
    X : object
        The table.
    """
    schema = getattr(estimator, "_schema", None)
    if schema is None or isinstance(X, ReadTable):
        return table
    if X is None:
        return schema.write(table, means)
    return table if schema.is_numeric else schema.fill(X, table, means)


def in_units_of(estimator: Any, table: np.ndarray, X: Any) -> Any:
    """Return distances between numbers as a table like that which a user gave.

    ``estimator`` has learned a schema, or none: the table is then returned as it is.
    """
    schema = getattr(estimator, "_schema", None)
    if schema is None or schema.is_numeric or isinstance(X, ReadTable):
        return table
    return schema.distances(X, table)


def _as_one_array(columns: tuple[SchemaColumn, ...]) -> tuple[SchemaColumn, ...]:
    """Return the columns of lists with dtypes of numbers, or all bool, if none holds others."""
    if all(own.role == "number" for own in columns):
        return tuple(own.like(dtype=np.dtype(int if own.integer else float)) for own in columns)
    if all(own.labels == BOOLS for own in columns):
        return tuple(own.like(dtype=np.dtype(bool)) for own in columns)
    return columns


def _source(X: Any, name: str) -> Source:
    source = Source.of(X, name)
    if source is None:
        raise ValueError(f"{name} must be a table of two dimensions.")
    return source


def _is_fine(source: Source) -> bool:
    """Return whether a table is an array of numbers that floats hold."""
    X = source.native
    return is_plain(X) and X.dtype.kind in "iuf" and first_inexact(X) is None
