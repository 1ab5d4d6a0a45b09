"""A column of the training data: how its cells become numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ._arrays import check_exact
from ._cells import Cells, key_of
from ._errors import ColumnError, name_of_column
from ._plain import from_plain, plain_form
from ._write import dtype_of_distances, float_dtype, objects_of, values_of

DAY, SECOND = 86_400_000_000, 1_000_000  # microseconds
OF_LIBRARIES = ("name", "zone", "dtype", "cell", "mark")  # fields that are stored in plain forms
HELD = {"number": "numbers", "time": "dates or times", "duration": "durations"}


@dataclass(frozen=True)
class SchemaColumn:
    """A column of the training data, as far as it is known.

    Parameters
    ----------
    name : object
        Its name, None in an array.
    role : {"number", "label", "time", "duration"}
        The sort of its cells.
    keys : tuple
        What tells labels apart, by code.
    labels : tuple
        The labels themselves, by code: declared ones in their own order, others sorted.
    declared : bool
        True if the labels come from a dtype: category, enum or bool.
    ordered : bool
        True if the dtype declares an order of them.
    integer : bool
        True for numbers of a dtype of integers, or objects that are all integers.
    unit : int
        Microseconds that make 1 in a column of times or durations: those of a day if all that were
        seen are whole days, else of a second.
    zone : object
        The time zone of times, None without one.
    of_day : bool
        True for times of the day, as seconds since midnight.
    dtype : object
        The dtype, of whatever library it is.
    cell : type or None
        The type of the cells, if they are objects of one type.
    mark : object
        What stands for a missing cell among objects.
    """

    name: Any
    role: str
    keys: tuple[Any, ...]
    labels: tuple[Any, ...] = field(compare=False)
    declared: bool
    ordered: bool
    integer: bool
    unit: int
    zone: Any
    of_day: bool
    dtype: Any
    cell: type | None
    mark: Any = field(compare=False)

    @classmethod
    def learn(cls, name: Any, cells: Cells) -> SchemaColumn:
        """Learn a column from its cells."""
        unit = SECOND
        if cells.role in ("time", "duration") and not cells.of_day:
            ticks = cells.values[~cells.missing].view(np.int64)
            unit = SECOND if (ticks % DAY).any() else DAY
        return cls(
            name=name,
            role=cells.role,
            keys=tuple(key_of(label) for label in cells.labels),
            labels=tuple(cells.labels),
            declared=cells.declared,
            ordered=cells.ordered,
            integer=cells.integer,
            unit=unit,
            zone=cells.zone,
            of_day=cells.of_day,
            dtype=cells.dtype,
            cell=cells.cell,
            mark=cells.mark,
        )

    def __getstate__(self) -> dict[str, Any]:
        state = {name: own for name, own in self.__dict__.items() if name != "_codes"}
        return state | {name: plain_form(state[name]) for name in OF_LIBRARIES}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, **{name: from_plain(state[name]) for name in OF_LIBRARIES})

    def like(self, **changes: Any) -> SchemaColumn:
        """Return the column with some fields changed."""
        return replace(self, **changes)

    def for_means(self) -> SchemaColumn:
        """Return the column for means of its values: integers become floats."""
        if not (self.role == "number" and self.integer):
            return self
        return replace(self, integer=False, cell=float, dtype=float_dtype(self.dtype))

    def for_distances(self, kind: str) -> SchemaColumn:
        """Return the column for distances of its values in a library: floats, or durations."""
        are_durations = self.role in ("time", "duration")
        return replace(
            self,
            role="duration" if are_durations else "number",
            integer=False,
            unit=SECOND,
            zone=None,
            of_day=False,
            cell=None,
            dtype=dtype_of_distances(kind, are_durations),
        )

    def values_of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the values that numbers stand for, as an array.

        Labels are in an array of their own dtype if they are all numbers or all booleans.
        """
        values = values_of(self, numbers)
        if values.dtype.kind == "f" and self.integer and not np.isnan(values).any():
            return values.astype(np.int64)
        if values.dtype.kind != "O" or not values.size:
            return values
        plain = np.array(values.tolist()) if _are_scalars(values) else values
        return plain if plain.dtype.kind in "biuf" else values

    @property
    def n_labels(self) -> int:
        """Number of labels, 0 in a column of anything else."""
        return len(self.labels)

    @cached_property
    def _codes(self) -> dict[Any, int]:
        return {key: code for code, key in enumerate(self.keys)}

    # ------------------------------------------------------------------ cells to numbers
    def numbers(self, cells: Cells, place: int, name: str) -> np.ndarray:
        """Return the cells as numbers, NaN where missing; unknown labels get one more code."""
        if self.role == "label":
            numbers = self._codes_of(cells)
        elif not cells.missing.all():
            fitting = cells.role == self.role and cells.of_day == self.of_day
            if self.role == "number" and cells.role == "label":
                numbers = self._numbers_among(cells, place, name)
            elif not fitting or (cells.zone is None) != (self.zone is None):
                raise self._role_error(cells, place, name)
            elif self.role == "number":
                numbers = cells.values.astype(np.float64)
            else:
                numbers = cells.values.view(np.int64) / self.unit
        else:
            numbers = np.empty(len(cells.missing))
        if cells.missing.any():
            numbers[cells.missing] = np.nan
        return numbers

    def _codes_of(self, cells: Cells) -> np.ndarray:
        labels, codes = cells.labels, cells.values
        if cells.role != "label":
            distinct, codes = np.unique(cells.values, return_inverse=True)
            labels = distinct.tolist()
        own = [self._codes.get(key_of(label), self.n_labels) for label in labels]
        return np.array([*own, np.nan])[codes]  # the last is that of a missing cell

    def _numbers_among(self, cells: Cells, place: int, name: str) -> np.ndarray:
        """Return labels that are all numbers as such, or raise a ValueError."""
        keys = [key_of(label) for label in cells.labels]
        numbers = np.array([np.nan if isinstance(key, str | tuple) else key for key in keys], float)
        found = np.append(numbers, np.nan)[cells.values]
        if np.isnan(found[~cells.missing]).any():
            raise self._role_error(cells, place, name)
        for key, number in zip(keys, numbers.tolist(), strict=True):
            if isinstance(key, int) and key != number:
                check_exact(np.array([key]), name, name_of_column(place, self.name))
        return found

    def _first(self, cells: Cells, wrong: np.ndarray) -> dict[str, Any]:
        row = int(wrong.argmax())
        if cells.role == "label":
            value = cells.labels[cells.values[row]]
        elif cells.role == "number":
            value = cells.values[row].item()
        else:
            (value,) = objects_of(cells, cells.values[row : row + 1])
        return {"row": row, "value": value, "name": _in_brackets(self.name)}

    def _role_error(self, cells: Cells, place: int, name: str) -> ColumnError:
        wrong = ~cells.missing
        if self.role == "number" and cells.role == "label":
            is_wrong = [isinstance(key_of(label), str | tuple) for label in cells.labels]
            wrong &= np.array([*is_wrong, False])[cells.values]
        fields = self._first(cells, wrong)
        held = "times of the day" if self.of_day else HELD[self.role]
        if self.role == cells.role == "time" and self.of_day == cells.of_day:
            held += " without a time zone" if self.zone is None else " with a time zone"
        return ColumnError(
            "{table} holds {value!r} in row {row}, {column}{name}, but training data held {held} "
            "there; convert the column, or name the value in missing_values if it stands for a "
            "missing one.",
            place,
            {**fields, "held": held},
            table=name,
        )

    def unknown_error(self, cells: Cells, numbers: np.ndarray, place: int, name: str) -> Exception:
        """Return the error about a label that the column does not have."""
        fields = self._first(cells, numbers == self.n_labels)
        many = f"{self.n_labels} are known, from {self.labels[0]!r} to {self.labels[-1]!r}"
        which = ", ".join(map(repr, self.labels)) if self.n_labels <= 3 else many
        return ColumnError(
            "Unknown category in {table}: {column}{name} holds {value!r} in row {row}, but the "
            "categories known there are others ({which}); set handle_unknown to 'missing' or "
            "'smooth', or declare it by a pandas category dtype before fitting.",
            place,
            {**fields, "which": which},
            table=name,
        )


def _are_scalars(values: np.ndarray) -> bool:
    kinds = set(map(type, values.ravel().tolist()))
    return kinds == {bool} or kinds <= {int, float}


def _in_brackets(name: Any) -> str:
    return f" ({name!r})" if isinstance(name, str) else ""
