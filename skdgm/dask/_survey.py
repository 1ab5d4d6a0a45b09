"""Knowledge of all rows before any is counted: their labels, weights, and what they declare."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._codes import missing_cells
from .._tables import read_labels, validate_table
from .._validation import leave_out_weightless, observed_columns, read_weight, without_worthless
from ..density import BaseDensity
from ._rows import Encoded
from ._tables import Block, check_length

SAMPLED_ROWS = 100  # of a block, from which its size in memory is told


@dataclass(frozen=True, eq=False)
class LabelWeights:
    """The labels that occur; without any, all rows count as of one class.

    ``total`` and ``largest`` are the total weight of the rows of each, and their largest weight.
    """

    labels: np.ndarray
    total: np.ndarray
    largest: np.ndarray

    @classmethod
    def of(cls, block: Block) -> LabelWeights | None:
        """Look at the labels and weights of a block."""
        with in_block(block):
            n_rows = len(block.X)
            if not n_rows:
                return None
            weight = np.ones(n_rows) if block.weight is None else _weight_of(block)
            if block.y is None:
                labels, label = np.zeros(1), np.zeros(n_rows, dtype=np.intp)
            else:
                y = read_labels(block.y)
                check_length(len(y), n_rows, "y")
                labels, label = np.unique(y, return_inverse=True)
            largest = np.zeros(len(labels))
            np.maximum.at(largest, label, weight)
            return cls(labels, np.bincount(label, weight, minlength=len(labels)), largest)

    def __add__(self, other: LabelWeights) -> LabelWeights:
        labels = np.union1d(self.labels, other.labels)
        total, largest = np.zeros((2, len(labels)))
        for own in (self, other):
            place = np.searchsorted(labels, own.labels)
            total[place] += own.total
            largest[place] = np.maximum(largest[place], own.largest)
        return LabelWeights(labels, total, largest)


@dataclass(frozen=True, eq=False)
class Reader:
    """How rows are read, in every block alike.

    Parameters
    ----------
    density : BaseDensity
        Knows the columns; once it has encoded rows, it knows what all of them declare.
    classes : ndarray or None
        The labels, None for rows without.
    factor : ndarray of shape (n_classes,)
        How much the rows of each class count.
    largest : float
        The largest weight of all rows.
    """

    density: BaseDensity
    classes: np.ndarray | None
    factor: np.ndarray
    largest: float

    def read(self, block: Block) -> tuple[Any, np.ndarray | None, np.ndarray | None]:
        """Return the rows of any weight, their weights, and the places of their labels."""
        density = self.density
        X = validate_table(density, block.X, reset=False, **density._dense_input_checks)
        label = weight = None
        if self.classes is not None:
            label = np.searchsorted(self.classes, read_labels(block.y))
        if block.weight is not None:
            weight = _weight_of(block)
        if label is not None and not (self.factor == 1).all():
            weight = self.factor[label] * (1.0 if weight is None else weight)
        if weight is None:
            return X, None, label
        weight = without_worthless(weight, self.largest)
        if label is None:
            weight, X = leave_out_weightless(weight, X)
            return X, weight, None
        weight, X, label = leave_out_weightless(weight, X, label)
        return X, weight, label

    def survey(self, block: Block) -> Survey | None:
        """Return what the rows of a block declare."""
        with in_block(block):
            if not len(block.X):
                return None
            X, weight, label = self.read(block)
            if not len(X):
                return None
            density = deepcopy(self.density)
            codes = density._declare_rows(X, weight)
            missing = missing_cells(np.asarray(codes))
            label = np.zeros(len(X), dtype=np.intp) if label is None else label
            groups = range(len(self.factor))
            rows = [label == group for group in groups]
            lengths = np.array([np.count_nonzero(own) for own in rows])
            weights = np.ones(len(X)) if weight is None else weight
            some = codes[: min(SAMPLED_ROWS, len(X))]
            return Survey(
                density,
                np.array([observed_columns(X, np.flatnonzero(own)) for own in rows]),
                np.array([missing[own].any() for own in rows]),
                np.bincount(label, weights, minlength=len(rows)),
                {block.number: lengths},
                len(pickle.dumps(some)) / some.shape[0] * len(X),
            )

    def encode(self, block: Block) -> Encoded:
        """Return the codes of the rows of a block."""
        with in_block(block):
            if len(block.X):
                X, weight, label = self.read(block)
                if len(X):
                    return Encoded(block.number, self.density._encode(X), weight, label)
            return Encoded(block.number, np.empty((0, 1)), None, np.empty(0))


@dataclass(frozen=True, eq=False)
class Survey:
    """Knowledge of rows: what they declare, and which values they lack.

    Parameters
    ----------
    density : BaseDensity
        It has encoded the rows.
    observed : ndarray of shape (n_classes, n_columns)
        Mask of the columns in which a row of the class has a value.
    has_missing : ndarray of shape (n_classes,)
        Whether a row of the class lacks a value.
    total : ndarray of shape (n_classes,)
        Weight of the rows.
    lengths : mapping of int to ndarray of shape (n_classes,)
        Number of the rows in each block.
    n_bytes : float
        About how much memory the codes take.
    """

    density: BaseDensity
    observed: np.ndarray
    has_missing: np.ndarray
    total: np.ndarray
    lengths: Mapping[int, np.ndarray]
    n_bytes: float

    def __add__(self, other: Survey) -> Survey:
        density: Any = deepcopy(self.density)
        density._declare_also(other.density)
        return replace(
            self,
            density=density,
            observed=self.observed | other.observed,
            has_missing=self.has_missing | other.has_missing,
            total=self.total + other.total,
            lengths={**self.lengths, **other.lengths},
            n_bytes=self.n_bytes + other.n_bytes,
        )


@contextmanager
def in_block(block: Block) -> Iterator[None]:
    """Name the block in errors."""
    try:
        yield
    except ValueError as error:
        message = f"In block {block.number} of X, of which rows are counted from 0: {error}"
        raise ValueError(message) from None


def _weight_of(block: Block) -> np.ndarray:
    """Return the weights of the rows of a block, which may all be zero."""
    given = np.asarray(block.weight)
    if given.shape == (len(block.X),) and not given.any():
        return np.zeros(len(given))
    return read_weight(block.weight, block.X)
