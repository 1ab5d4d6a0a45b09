"""The sentences by which a table is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

LARGEST_EXACT = 2**53  # floats hold every integer up to here

NUMBER = "convert the column to numbers first, such as {}, or leave it out"
CURES = {
    "text": "encode it first, for example with sklearn.preprocessing.OrdinalEncoder, or convert it "
    "with astype(float) if it spells numbers",
    "bytes": "decode or encode them first, for example with sklearn.preprocessing.OrdinalEncoder",
    "dates or times": NUMBER.format("days since a date"),
    "durations": NUMBER.format("seconds"),
    "periods": NUMBER.format("their ordinals"),
    "intervals": NUMBER.format("their midpoints or codes"),
    "complex numbers": "give real and imaginary parts as columns of their own",
}
TABLES = ("X", "y")  # arguments that TableDensity takes as they are
KINDS = {"U": "text", "S": "bytes", "M": "dates or times", "m": "durations", "c": "complex numbers"}


def refusal(what: str, name: str, where: str, seen: str) -> ValueError:
    """Return the error about a table that holds something else than numbers."""
    start = "Complex data not supported: " if what == "complex numbers" else ""
    place = f" in {where}" if where else ""
    takes_all = " (TableDensity takes such columns as they are)"
    also = takes_all if name in TABLES and what != "complex numbers" else ""
    return ValueError(
        f"{start}{name} holds {what}{place}{seen}, but it must hold numbers or missing values; "
        f"{CURES[what]}{also}."
    )


def refuse_shape(shape: tuple[int, ...], name: str) -> None:
    """Raise a ValueError if a table has more dimensions than two, or no column."""
    if len(shape) > 2:
        raise ValueError(
            f"{name} has {len(shape)} dimensions, of shape {shape}, but it must be a table with a "
            "row for each sample; reshape images and the like to (n, -1), by "
            f"numpy.reshape({name}, (len({name}), -1))."
        )
    if len(shape) == 2 and shape[0] and not shape[1]:
        raise ValueError(
            f"{name} has no column: 0 feature(s) (shape={shape}) while a minimum of 1 is required; "
            "select at least one."
        )


def refuse_dtype(dtype: Any, name: str, where: str = "") -> None:
    """Raise a ValueError if no number is of this dtype."""
    if getattr(dtype, "names", None):
        raise ValueError(
            f"{name} is a structured array with the fields {list(dtype.names)}, but it must be a "
            "plain table of numbers; convert it with "
            "numpy.lib.recfunctions.structured_to_unstructured."
        )
    kind = getattr(dtype, "kind", "O")
    if kind in KINDS:
        raise refusal(KINDS[kind], name, where, f" (dtype {dtype})")
    if kind == "V":
        raise TypeError(f"{name} has dtype {dtype}, but it must hold numbers or missing values.")


def refuse_missing_y(estimator: Any, y: Any) -> None:
    """Raise a ValueError if y is None."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None; pass it as the argument after X."
        )


def inexact_error(name: str, where: str, value: Any) -> ValueError:
    """Return the error about an integer that floats do not hold."""
    return ValueError(f"{name} {INEXACT.format(place=where, value=value)}")


INEXACT = (
    "holds an integer that floating-point numbers would change: {place} holds {value}, but they "
    "hold every integer only up to 2**53; subtract an offset from the column, or convert it with "
    "astype(float) if rounding does not matter."
)


def name_of_column(place: int, label: Any) -> str:
    """Return how errors call a column of a frame: by its place, and by its label if it has one."""
    return f"column {place} ({label!r})" if isinstance(label, str) else f"column {place}"


def name_of_cell(index: Any, column: str = "") -> str:
    """Return how errors call the cell at an index of an array, or of the column that is named."""
    index = np.atleast_1d(index)
    names = ["row", "column"] if len(index) <= 2 else ["index"] * len(index)
    cell = ", ".join(f"{name} {int(at)}" for name, at in zip(names, index, strict=False))
    return ", ".join(filter(None, [cell, column]))


class ColumnError(ValueError):
    """An error about one column of a table, worded when it is shown.

    Code that passes on a part of a table translates the error to the column of the whole.

    Parameters
    ----------
    template : str
        The sentence. ``{column}`` stands for the column, ``{table}`` for the table that it is in,
        and other fields for the values given in ``fields``.
    column : int
        Index of the column.
    fields : mapping of str to object
        Values of the other fields, for example ``{"value": 7}``.
    blocks : tuple of str
        Names of the blocks of columns that it is in, the outermost first.
    table : str
        Name of the table, the argument that the user passed.
    """

    def __init__(
        self,
        template: str,
        column: int,
        fields: Mapping[str, Any] | None = None,
        blocks: tuple[str, ...] = (),
        table: str = "X",
    ) -> None:
        super().__init__(template, column, fields, blocks, table)
        self.template = template
        self.column = int(column)
        self.fields = dict(fields or {})
        self.blocks = blocks
        self.table = table

    @property
    def value(self) -> Any:
        """The value that was seen, None if the error is about the whole column."""
        return self.fields.get("value")

    def in_block(self, name: str, columns: np.ndarray) -> Self:
        """Return the error about the table from which a block takes these columns."""
        blocks = (name, *self.blocks)
        return type(self)(self.template, columns[self.column], self.fields, blocks, self.table)

    def in_outputs(self, n_features: int = 0) -> Self:
        """Return the error about y, if the column comes after the first ``n_features``."""
        if self.column < n_features:
            return self
        column = self.column - n_features
        return type(self)(self.template, column, self.fields, self.blocks, "y")

    def in_rows_from(self, first: int) -> Self:
        """Return the error about the table of which this one has the rows from the first on."""
        if "row" not in self.fields:
            return self
        fields = {**self.fields, "row": self.fields["row"] + first}
        return type(self)(self.template, self.column, fields, self.blocks, self.table)

    def named(self, names: np.ndarray | None) -> Self:
        """Return the error with the name of the column, if it lacks one and there are names."""
        if names is None or self.fields.get("name") != "":
            return self
        fields = {**self.fields, "name": f" ({names[self.column]!r})"}
        return type(self)(self.template, self.column, fields, self.blocks, self.table)

    def __str__(self) -> str:
        sentence = self.template.format(
            column=f"column {self.column}", table=self.table, **self.fields
        )
        return "".join(f"In block {block!r}: " for block in self.blocks) + sentence
