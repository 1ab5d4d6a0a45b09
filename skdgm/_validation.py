"""Checks shared by all estimators: randomness, weights and columns."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, InvalidParameterError
from sklearn.utils.validation import _check_sample_weight

from ._tables import ColumnError, read_table

RandomState = int | np.random.RandomState | np.random.Generator | None

SMALLEST_WEIGHT, LARGEST_WEIGHT = 1e-100, 1e100  # sums and products of weights then stay finite
WORTHLESS = 1e-100  # share of the largest weight below which a row counts for nothing
FEW, LONGEST = 8, 300  # values and letters that an error shows of an argument
FIRST_ROWS = 64  # in which observed values are looked for at first


class EstimatorParameter(HasMethods):
    """Constraint of a parameter that holds an estimator, in the words of its user.

    Parameters
    ----------
    name : str
        The parameter.
    accepted : str
        What it must be, as it follows "must be".
    kind : type, default=object
        The class that the estimator must derive from.
    methods : sequence of str, default=("fit",)
        The methods that it must have.
    """

    def __init__(
        self, name: str, accepted: str, kind: type = object, methods: Sequence[str] = ("fit",)
    ) -> None:
        super().__init__(list(methods))
        self.name, self.accepted, self.kind = name, accepted, kind

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is such an estimator; a class raises an error of its own."""
        fits = bool(super().is_satisfied_by(val))
        if isinstance(val, type):
            fits &= issubclass(val, self.kind)
            cure = f"; write {val.__name__}() for an instance of it" if fits else ""
            raise InvalidParameterError(
                f"{self.name} must be {self.accepted}, got {shown(val)}{cure}."
            )
        return fits and isinstance(val, self.kind)

    def __str__(self) -> str:
        return self.accepted


def shown(value: Any) -> str:
    """Return how errors show an argument: tables by their shape, classes without their modules."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    shape = getattr(value, "shape", None)
    is_short = isinstance(value, np.ndarray | np.generic) and value.size <= FEW
    if isinstance(shape, tuple) and not is_short:
        return f"{type(value).__name__} of shape {shape}"
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


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
            f"None, got {shown(random_state)}."
        ) from None
    return np.random.default_rng(source.randint(2**32, size=4, dtype=np.uint32))


def spawn_generators(generator: np.random.Generator, n: int) -> list[np.random.Generator]:
    """Draw ``n`` independent generators, one per block, so that threads cannot change a result."""
    return [np.random.default_rng(seed) for seed in generator.integers(2**32, size=(n, 4))]


def check_count(count: Any, name: str, least: int = 1, why: str = "") -> int:
    """Return a number of things, or raise a ValueError that says what the argument must be.

    ``why`` explains the least number in the message: "for two rows from each density; ".
    """
    if isinstance(count, bool) or not isinstance(count, Integral) or count < least:
        raise ValueError(f"{name} must be an integer of {least} or more, {why}got {shown(count)}.")
    return int(count)


def check_n_samples(n_samples: int, least: int = 1, why: str = "") -> int:
    """Return the number of rows to draw, or raise a ValueError."""
    return check_count(n_samples, "n_samples", least, why)


def check_weight(sample_weight: ArrayLike | None, X: Any) -> np.ndarray | None:
    """Return the weights as float64, or None if every row counts once.

    Weights that are next to nothing beside the largest become zero.
    """
    if sample_weight is None:
        return None
    weight = read_weight(sample_weight, X)
    return without_worthless(weight, float(weight.max()))


def read_weight(sample_weight: ArrayLike, X: Any) -> np.ndarray:
    """Return the weights of the rows of X as float64, of which none may be negative."""
    if not isinstance(sample_weight, Number):
        sample_weight = read_table(sample_weight, "sample_weight")
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
    if weight.min() < 0:
        row = int(weight.argmin())
        raise ValueError(
            f"Negative values in sample_weight: row {row} has weight {weight[row]:g}; weights "
            "must be 0 or larger."
        )
    return weight


def without_worthless(weight: np.ndarray, largest: float) -> np.ndarray:
    """Return weights, those that are next to nothing beside the largest of all rows as zero."""
    if largest == 0:
        raise ValueError(
            "sample_weight is zero for every row, so there is nothing to learn from; give at "
            "least one row a positive weight."
        )
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


def weighted_mean(scores: np.ndarray, sample_weight: ArrayLike | None) -> float:
    """Return the mean of the scores of rows, of which those of weight zero count as left out."""
    weight, scores = leave_out_weightless(check_weight(sample_weight, scores), scores)
    return float(np.average(scores, weights=weight))


def observed_columns(X: Any, rows: np.ndarray | None = None) -> np.ndarray:
    """Return a mask of the columns in which not every value of some rows (all by default) is NaN.

    Mostly, the first rows tell.
    """
    observed = np.zeros(X.shape[1], dtype=bool)
    if X.dtype.kind != "f":
        return ~observed
    if sparse.issparse(X):
        X = X if rows is None else X[rows]
        n_missing = np.bincount(X.indices[np.isnan(X.data)], minlength=X.shape[1])
        return n_missing < X.shape[0]
    n_rows = len(X) if rows is None else len(rows)
    start, step = 0, FIRST_ROWS
    while start < n_rows and not observed.all():
        block = slice(start, start + step)
        left = np.flatnonzero(~observed)
        own = X[block, left] if rows is None else X[rows[block, np.newaxis], left]
        observed[left] = ~np.isnan(own).all(axis=0)
        start, step = start + step, 2 * step
    return observed


def check_observed(
    X: Any, names: np.ndarray | None, rows: np.ndarray | None = None, which: str = ""
) -> None:
    """Raise a ValueError that names the first column in which every value is missing.

    ``rows`` are the only ones to check, and ``which`` names them: " in the rows of class 'a'".
    """
    empty = np.flatnonzero(~observed_columns(X, rows))
    if empty.size:
        name = "" if names is None else f" ({names[empty[0]]!r})"
        raise ColumnError(
            "{table} has no observed value in {column}{name}{which}, so that nothing can be "
            "learned about it; leave the column out.",
            empty[0],
            {"name": name, "which": which},
        )
