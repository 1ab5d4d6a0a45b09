"""The sentences by which a table is refused."""

from __future__ import annotations

from typing import Any

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
KINDS = {"U": "text", "S": "bytes", "M": "dates or times", "m": "durations", "c": "complex numbers"}


def refusal(what: str, name: str, where: str, seen: str) -> ValueError:
    """Return the error about a table that holds something else than numbers."""
    start = "Complex data not supported: " if what == "complex numbers" else ""
    place = f" in {where}" if where else ""
    return ValueError(
        f"{start}{name} holds {what}{place}{seen}, but it must hold numbers or missing values; "
        f"{CURES[what]}."
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
