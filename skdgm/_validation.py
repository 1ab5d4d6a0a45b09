"""Checks shared by all estimators: randomness, weights and columns."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Number
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from ._tables import read_table

RandomState = int | np.random.RandomState | np.random.Generator | None

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-100, 1e100  # sums and products of weights then stay finite
WORTHLESS = 1e-100  # share of the largest weight below which a row counts for nothing


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

    def __str__(self) -> str:
        sentence = self.template.format(
            column=f"column {self.column}", table=self.table, **self.fields
        )
        return "".join(f"In block {block!r}: " for block in self.blocks) + sentence


def check_generator(random_state: RandomState) -> np.random.Generator:
    """Return a NumPy generator for whatever a user may pass as ``random_state``.

    None draws its seed from NumPy's global state, as scikit-learn does; a ``RandomState`` is
    advanced, so that two calls with the same one differ.
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, int | np.integer):
        if random_state < 0:
            raise ValueError(f"random_state must be 0 or a larger integer, got {random_state}.")
        return np.random.default_rng(int(random_state))
    try:
        source = check_random_state(random_state)
    except ValueError:
        raise ValueError(
            "random_state must be an int, a numpy.random.RandomState, a numpy.random.Generator or "
            f"None, got {random_state!r}."
        ) from None
    return np.random.default_rng(source.randint(2**32, size=4, dtype=np.uint32))


def spawn_generators(generator: np.random.Generator, n: int) -> list[np.random.Generator]:
    """Draw ``n`` independent generators, one per block, so that threads cannot change a result."""
    return [np.random.default_rng(seed) for seed in generator.integers(2**32, size=(n, 4))]


def check_n_samples(n_samples: int, least: int = 1, why: str = "") -> int:
    """Return the number of rows to draw, or raise a ValueError that says what it must be.

    ``why`` explains the least number in the message: "for two rows from each density; ".
    """
    if isinstance(n_samples, bool) or not isinstance(n_samples, Integral) or n_samples < least:
        raise ValueError(
            f"n_samples must be an integer of {least} or more, {why}got {n_samples!r}."
        )
    return int(n_samples)


def check_weight(sample_weight: ArrayLike | None, X: Any) -> np.ndarray | None:
    """Return the weights as float64, or None if every row counts once.

    Weights that are next to nothing beside the largest become zero.
    """
    if sample_weight is None:
        return None
    if not isinstance(sample_weight, Number):
        sample_weight = read_table(sample_weight, "sample_weight")
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if weight.min() < 0:
        row = int(weight.argmin())
        raise ValueError(
            f"Negative values in sample_weight: row {row} has weight {weight[row]:g}; weights "
            "must be 0 or larger."
        )
    if not weight.any():
        raise ValueError(
            "sample_weight is zero for every row, so there is nothing to learn from; give at "
            "least one row a positive weight."
        )
    largest = weight.max()
    if not SMALLEST_WEIGHT <= largest <= LARGEST_WEIGHT:
        raise ValueError(
            f"sample_weight has the largest weight {largest:g}, which must lie between "
            f"{SMALLEST_WEIGHT:g} and {LARGEST_WEIGHT:g}; divide the weights by their largest."
        )
    return np.where(weight < WORTHLESS * largest, 0.0, weight)


def leave_out_weightless(
    weight: np.ndarray | None, *tables: Any
) -> tuple[np.ndarray | None, *tuple[Any, ...]]:
    """Return the weights and tables without the rows of weight zero: these count as left out."""
    if weight is None or weight.all():
        return weight, *tables
    rows = weight > 0
    return weight[rows], *(table[rows] for table in tables)


def check_observed(
    X: Any, names: np.ndarray | None, rows: np.ndarray | None = None, which: str = ""
) -> None:
    """Raise a ValueError that names the first column in which every value is missing.

    ``rows`` are the only ones to check, and ``which`` names them: " in the rows of class 'a'".
    """
    if X.dtype.kind != "f":
        return
    if rows is not None:
        X = X[rows]
    if sparse.issparse(X):
        n_missing = np.bincount(X.indices[np.isnan(X.data)], minlength=X.shape[1])
    else:
        n_missing = np.isnan(X).sum(axis=0) if np.isnan(np.min(X)) else np.zeros(X.shape[1])
    empty = np.flatnonzero(n_missing == X.shape[0])
    if empty.size:
        name = "" if names is None else f" ({names[empty[0]]!r})"
        raise ColumnError(
            "{table} has no observed value in {column}{name}{which}, so that nothing can be "
            "learned about it; leave the column out.",
            empty[0],
            {"name": name, "which": which},
        )
