"""The reader of evidence: values, intervals and sets of values of columns, as a user gives them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from ..._codes import missing_cells
from ..._tables import read_table
from ..._validation import shown
from .._contract import DensityHooks
from .._engine.columns import column_index, column_labels
from .._engine.regions import Interval, Values

SETS = (set, frozenset, list, np.ndarray)


@dataclass(frozen=True)
class Evidence:
    """Knowledge of some columns: values, and regions in which others lie.

    Parameters
    ----------
    columns : list of int
        The columns that it names.
    points : dict of int to float
        The values that are known, as numbers like those of validated X.
    regions : dict of int to region
        Where other values lie.
    """

    columns: list[int]
    points: dict[int, float]
    regions: dict[int, Any]

    def fill(self, X: Any) -> np.ndarray:
        """Return validated X with the known values in place, or raise an error if it holds others.

        The columns must be missing in X.
        """
        if sparse.issparse(X):
            raise TypeError("evidence needs a dense X, got a sparse one; pass X.toarray().")
        cells = X[:, self.columns]
        observed = ~missing_cells(cells) if X.dtype.kind == "f" else np.ones(cells.shape, bool)
        if observed.any():
            row, place = np.argwhere(observed)[0]
            raise ValueError(
                f"X holds a value in row {row}, column {self.columns[place]}, of which evidence "
                "tells, too; set the column to NaN in X, or leave it out of evidence."
            )
        if self.points:
            X = X.astype(np.float64)
            X[:, list(self.points)] = list(self.points.values())
        return X


def read_evidence(density: DensityHooks, evidence: Any) -> Evidence:
    """Read what a user tells of columns, by the columns of a fitted density.

    Raises
    ------
    TypeError, ValueError
        If this is no evidence about the columns, or leaves nothing possible in one.
    """
    if not isinstance(evidence, Mapping):
        raise TypeError(
            "evidence must be a mapping of columns to values, intervals (low, high) or sets of "
            f"values, got a {type(evidence).__name__}."
        )
    names = getattr(density, "feature_names_in_", None)
    n_columns = density.n_features_in_
    told: dict[int, Any] = {}
    for column, own in evidence.items():
        place = column_index(column, n_columns, names)
        if place in told:
            raise ValueError(f"evidence names {_label(density, place)} twice; say it once.")
        told[place] = own
    numbers = _numbers_of(density, {place: _listed(own) for place, own in told.items()})
    points: dict[int, float] = {}
    regions: dict[int, Any] = {}
    for place, own in told.items():
        region = _region(density, place, own, numbers[place])
        if isinstance(region, float):
            points[place] = region
        elif region is not None:
            regions[place] = region
    _check_known(density, points)
    return Evidence(list(told), points, regions)


def _listed(told: Any) -> list[Any]:
    """Return the values that are told of a column, None for the open end of an interval."""
    if isinstance(told, tuple):
        if len(told) != 2:
            raise ValueError(
                f"evidence must hold intervals as tuples (low, high), got {shown(told)}."
            )
        return [None if _is_infinite(end) else end for end in told]
    values = list(told) if isinstance(told, SETS) else [told]
    if not values:
        raise ValueError("evidence holds an empty set, in which no value lies; leave it out.")
    return values


def _is_infinite(value: Any) -> bool:
    return isinstance(value, float) and math.isinf(value)


def _numbers_of(density: Any, listed: dict[int, list[Any]]) -> dict[int, np.ndarray]:
    """Return values of columns as numbers like those of validated X."""
    table = np.full(
        (max(map(len, listed.values()), default=1), density.n_features_in_), None, dtype=object
    )
    for place, values in listed.items():
        for row, value in enumerate(values):
            table[row, place] = value
    schema = getattr(density, "_schema", None)
    numbers = read_table(table, "evidence") if schema is None else schema.read(table, "evidence")
    return {
        place: np.asarray(numbers[: len(values), place], dtype=np.float64)
        for place, values in listed.items()
    }


def _region(density: Any, place: int, told: Any, numbers: np.ndarray) -> Any:
    """Return where the values of a column lie: a point, a region, or None for anywhere."""
    columns = density._columns
    if isinstance(told, tuple):
        interval = Interval(*np.where(np.isnan(numbers), [-np.inf, np.inf], numbers).tolist())
        _check_interval(density, place, interval, numbers)
        if not columns.listable[place]:
            return _region_of_numbers(density, place, interval)
        weights = interval.contains(columns.values_of(place)).astype(np.float64)
        if np.broadcast_to(columns.has_other, len(columns))[place]:
            weights[-1] = 0.0  # "other" is no number
    else:
        if np.isnan(numbers).any():
            raise ValueError(
                f"evidence holds a missing value for {_label(density, place)}; leave the column "
                "out of evidence."
            )
        if len(numbers) == 1:
            return float(numbers[0])
        if not columns.listable[place]:
            if columns.kind[place] == "count":
                return Values(np.unique(numbers))
            raise ValueError(
                f"evidence holds a set of values for {_label(density, place)}, which holds real "
                "numbers, so that the set has probability zero; give an interval (low, high)."
            )
        weights = np.zeros(columns.n_categories[place])
        weights[_codes_of(density, place, numbers)] = 1.0
    if weights.all():
        return None
    if not weights.any():
        raise ValueError(
            f"evidence leaves no value of {_label(density, place)}: none that is known lies "
            f"between {told[0]!r} and {told[1]!r}."
        )
    if weights.sum() == 1:
        return float(columns.values_of(place)[weights.argmax()])
    return weights


def _check_interval(density: Any, place: int, interval: Interval, numbers: np.ndarray) -> None:
    schema = getattr(density, "_schema", None)
    column = None if schema is None else schema.columns[place]
    if column is not None and column.role == "label":
        if not column.ordered:
            raise ValueError(
                f"evidence holds an interval for {_label(density, place)}, whose values have no "
                "order; give a set of values, or make it an ordered category before fitting."
            )
        if (numbers == column.n_labels).any():
            raise ValueError(
                f"evidence holds an interval for {_label(density, place)} with an end that is no "
                "category of it; name known categories."
            )
    if interval.low > interval.high:
        raise ValueError(
            f"evidence holds the interval from {interval.low:g} to {interval.high:g} for "
            f"{_label(density, place)}; give the lower end first."
        )


def _region_of_numbers(density: Any, place: int, interval: Interval) -> Any:
    low, high = interval.low, interval.high
    if density._columns.kind[place] == "count":
        low, high = float(np.ceil(low)), float(np.floor(high))
        if low > high:
            raise ValueError(
                f"evidence leaves no value of {_label(density, place)}: no integer lies between "
                f"{interval.low:g} and {interval.high:g}."
            )
    if low == high:
        return low
    return None if (low, high) == (-np.inf, np.inf) else Interval(low, high)


def _codes_of(density: Any, place: int, numbers: np.ndarray) -> np.ndarray:
    table = np.full((len(numbers), density.n_features_in_), np.nan)
    table[:, place] = numbers
    codes = np.asarray(density._encode(table))[:, [place]]
    if missing_cells(codes).any():
        raise _unknown_error(density, place)
    return codes[:, 0].astype(np.intp)


def _check_known(density: Any, points: dict[int, float]) -> None:
    """Raise a ValueError if a value would be read as missing, since it is not known."""
    for place, value in points.items():
        _codes_of(density, place, np.array([value]))


def _unknown_error(density: Any, place: int) -> ValueError:
    return ValueError(
        f"evidence names a value of {_label(density, place)} that training data did not hold, so "
        "that it counts as missing; leave it out of evidence."
    )


def _label(density: Any, place: int) -> str:
    return column_labels(density, np.arange(density.n_features_in_) == place)
