"""Analyses of a complete table: estimates, their covariance, and degrees of freedom.

They are what :meth:`MultipleImputer.pool` runs on each completed table, and may be used alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from scipy import linalg, optimize
from scipy.special import expit

from .._tables._arrays import is_missing

Analysis = tuple[dict[str, float], np.ndarray, float]
NEWTON_STEPS = 50
CONVERGED = 1e-10  # in nats, what the last step but one promised
FAR = 15.0  # log-odds, beyond which the features may separate the classes
TOUCHING = 1e-5  # distance from a plane, in deviations, that a linear program may leave by rounding
DEPENDENT = 1e-8  # share of a column's deviation that other columns leave unexplained


def column_means(table: Any, columns: Sequence[Any] | None = None) -> Analysis:
    """Estimate the means of columns.

    Parameters
    ----------
    table : array or frame of shape (n_rows, n_columns)
        A complete table.
    columns : sequence of names or indices, default=None
        Columns of numbers; None takes all of them.

    Returns
    -------
    estimate : dict of str to float
        The mean of each column.
    covariance : ndarray of shape (k, k)
        Covariance of the means, that of the columns over the number of rows.
    degrees_of_freedom : float
        ``n_rows - 1``.

    Examples
    --------
    >>> from skdgm.impute import column_means
    >>> estimate, covariance, df = column_means([[1.0, 2.0], [3.0, 2.5], [5.0, 6.0]])
    >>> estimate, covariance.diagonal().round(2), df
    ({'x0': 3.0, 'x1': 3.5}, array([1.33, 1.58]), 2.0)
    """
    cells = _columns_of(table)
    chosen = [name for name, own in cells.items() if own.is_number]
    if columns is not None:
        chosen = _names_of(cells, columns, "columns")
    if not chosen:
        raise ValueError("columns must name at least one column of numbers.")
    numbers = np.column_stack([cells[name].numbers() for name in chosen])
    n_rows = len(numbers)
    _check_rows(n_rows, 2)
    mean = numbers.mean(axis=0)
    covariance = np.atleast_2d(np.cov(numbers, rowvar=False)) / n_rows
    return _named(list(map(str, chosen)), mean), covariance, n_rows - 1.0


def linear_regression(table: Any, target: Any, features: Sequence[Any] | None = None) -> Analysis:
    """Regress a column of numbers on others by least squares.

    Parameters
    ----------
    table : array or frame of shape (n_rows, n_columns)
        A complete table.
    target : name or index
        The column to explain.
    features : sequence of names or indices, default=None
        The columns that explain it; None takes all others. Labels have a coefficient for each
        value but the first, in the order of the column's categories, or sorted.

    Returns
    -------
    estimate : dict of str to float
        The intercept and the coefficients.
    covariance : ndarray of shape (k, k)
        Their covariance, ``s**2 (X'X)**-1``.
    degrees_of_freedom : float
        ``n_rows - k``.

    Raises
    ------
    ValueError
        If the columns are linearly dependent, or there are no more rows than coefficients.

    Examples
    --------
    >>> from skdgm.impute import linear_regression
    >>> rows = [[0.0, 1.0], [1.0, 2.9], [2.0, 5.1], [3.0, 7.0]]
    >>> estimate, covariance, df = linear_regression(rows, target=1)
    >>> {name: round(value, 2) for name, value in estimate.items()}, df
    ({'intercept': 0.97, 'x0': 2.02}, 2.0)
    """
    names, X, explained = _design(table, target, features)
    y = explained.numbers()
    Z, back = _standardised(X)
    root = _root(Z)
    center = y.mean()  # the intercept takes it up, so that no digits are lost to it
    standard = linalg.solve_triangular(
        root, linalg.solve_triangular(root, Z.T @ (y - center), trans=1)
    )
    residual = y - center - Z @ standard
    df = float(len(y) - len(names))
    spread = back @ linalg.solve_triangular(root, np.eye(len(names)))
    coefficients = back @ standard
    coefficients[0] += center
    return _named(names, coefficients), spread @ spread.T * float(residual @ residual) / df, df


def logistic_regression(table: Any, target: Any, features: Sequence[Any] | None = None) -> Analysis:
    """Regress a column of two values on others by the logistic model, by maximum likelihood.

    Parameters
    ----------
    table : array or frame of shape (n_rows, n_columns)
        A complete table.
    target : name or index
        The column to explain; the model is of its second value, in the order of the column's
        categories, or sorted.
    features : sequence of names or indices, default=None
        The columns that explain it; None takes all others. Labels have a coefficient for each
        value but the first.

    Returns
    -------
    estimate : dict of str to float
        The intercept and the coefficients, in log-odds.
    covariance : ndarray of shape (k, k)
        Their covariance, the inverse of the information.
    degrees_of_freedom : float
        ``n_rows - k``.

    Raises
    ------
    ValueError
        If the target has not two values, the features separate them, or the columns are linearly
        dependent.

    Examples
    --------
    >>> from skdgm.impute import logistic_regression
    >>> rows = [[0.0, "no"], [1.0, "no"], [2.0, "yes"], [3.0, "no"], [4.0, "yes"], [5.0, "yes"]]
    >>> estimate, covariance, df = logistic_regression(rows, target=1)
    >>> {name: round(value, 2) for name, value in estimate.items()}
    {'intercept': -3.04, 'x0': 1.21}
    """
    names, X, explained = _design(table, target, features)
    values = explained.values()
    if len(values) != 2:
        raise ValueError(
            f"target must be a column of two values, but {target!r} has {len(values)}; choose "
            "another, or linear_regression for numbers."
        )
    y = (explained.cells == values[1]).astype(np.float64)
    Z, back = _standardised(X)
    _root(Z)
    standard, gain, checked = np.zeros(len(names)), np.inf, False
    for _ in range(NEWTON_STEPS):
        share = expit(Z @ standard)
        root = _root(Z * np.sqrt(share * (1 - share))[:, np.newaxis], 0.0)
        slope = linalg.solve_triangular(root, Z.T @ (y - share), trans=1)
        if gain <= CONVERGED:
            spread = back @ linalg.solve_triangular(root, np.eye(len(names)))
            return _named(names, back @ standard), spread @ spread.T, float(len(y) - len(names))
        gain = float(slope @ slope)  # twice what the step gains, were the likelihood quadratic
        standard = _climb(Z, y, standard, linalg.solve_triangular(root, slope))
        if not checked and np.abs(Z @ standard).max() > FAR:
            _check_overlap(Z, y, target)
            checked = True
    raise ValueError(
        f"The coefficients for {target!r} do not settle; leave out features of extreme values, or "
        "transform them."
    )


def _climb(Z: np.ndarray, y: np.ndarray, start: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the end of a step, halved until the likelihood does not fall."""
    signs = 1 - 2 * y
    loss = np.logaddexp(0, signs * (Z @ start)).sum()
    for _ in range(NEWTON_STEPS):
        if np.logaddexp(0, signs * (Z @ (start + step))).sum() <= loss * (1 + 1e-12):
            break
        step = step / 2
    return start + step


def _check_overlap(Z: np.ndarray, y: np.ndarray, target: Any) -> None:
    """Raise a ValueError if a plane has no row on the wrong side, and not all of them on it.

    A linear program looks for it (K. Konis, "Linear Programming Algorithms for Detecting Separated
    Data in Binary Logistic Regression Models", University of Oxford, 2007).
    """
    sides = Z * (2 * y - 1)[:, np.newaxis]
    plane = optimize.linprog(
        -sides.mean(axis=0), -sides, np.zeros(len(sides)), bounds=(-1, 1), method="highs"
    )
    if plane.success and (sides @ plane.x).max() > TOUCHING:
        raise ValueError(
            f"The features separate the values of {target!r}, so that no coefficients are most "
            "likely; leave out the feature that does, or choose another target."
        )


# ---------------------------------------------------------------------- columns and designs
@dataclass(frozen=True, eq=False)
class _Column:
    """The cells of a column, and its categories if it declares them."""

    name: Any
    cells: np.ndarray
    categories: list[Any] | None = None

    @property
    def is_number(self) -> bool:
        return self.cells.dtype.kind in "biuf"

    def numbers(self) -> np.ndarray:
        """Return the cells as floats, or raise a ValueError if they are none."""
        if not self.is_number:
            raise ValueError(f"Column {self.name!r} holds no numbers; leave it out.")
        numbers = self.cells.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise self._incomplete()
        return numbers

    def values(self) -> list[Any]:
        """Return the categories, or the distinct values in order, or raise a ValueError."""
        if self.cells.dtype.kind in "mM":
            raise ValueError(
                f"Column {self.name!r} holds dates or times; leave it out, or make numbers of it."
            )
        seen = set(self.cells.tolist())
        if any(is_missing(value) or value != value for value in seen):
            raise self._incomplete()
        if self.categories is None:
            return sorted(seen, key=lambda value: (str(type(value)), value))
        for value in self.categories:
            if value not in seen:
                raise ValueError(
                    f"No row has the category {value!r} of the column {self.name!r}; remove it "
                    "from the categories, or leave the column out."
                )
        return self.categories

    def _incomplete(self) -> ValueError:
        return ValueError(
            f"Column {self.name!r} holds missing or infinite values; complete it first."
        )


def _columns_of(table: Any) -> dict[Any, _Column]:
    """Return the columns of a table by name, or as x0, x1, ..."""
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        return {own.name: _of_series(own.name, own) for own in frame.iter_columns()}
    cells = np.asarray(table)
    if cells.dtype.kind in "US":  # numbers among labels have become text
        cells = np.asarray(table, dtype=object)
    if cells.ndim != 2:
        raise ValueError(f"table must have two dimensions, got the shape {cells.shape}.")
    names = [f"x{place}" for place in range(cells.shape[1])]
    return {name: _Column(name, _simplest(own)) for name, own in zip(names, cells.T, strict=True)}


def _of_series(name: Any, series: Any) -> _Column:
    if series.dtype in (nw.Categorical, nw.Enum):
        cells = np.array(series.to_list(), dtype=object)
        return _Column(name, cells, series.cat.get_categories().to_list())
    return _Column(name, _simplest(series.to_numpy()))


def _simplest(cells: np.ndarray) -> np.ndarray:
    """Return objects that are all numbers as floats."""
    if cells.dtype.kind != "O":
        return cells
    is_number = all(
        isinstance(cell, int | float | np.number) and not isinstance(cell, bool) for cell in cells
    )
    return cells.astype(np.float64) if is_number else cells


def _name_of(cells: dict[Any, _Column], column: Any) -> Any:
    if column in cells:
        return column
    if isinstance(column, int | np.integer) and -len(cells) <= column < len(cells):
        return list(cells)[column]
    raise ValueError(
        f"No column is named {column!r}; the columns are {', '.join(map(repr, cells))}."
    )


def _names_of(cells: dict[Any, _Column], columns: Any, argument: str) -> list[Any]:
    """Return names of several columns, or raise an error if they are no list, or repeated."""
    if isinstance(columns, str):
        raise TypeError(f"{argument} must be a list of columns; for one, give [{columns!r}].")
    names = [_name_of(cells, column) for column in columns]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise ValueError(f"{argument} must name each column once, but {repeated[0]!r} is repeated.")
    return names


def _named(names: list[str], values: np.ndarray) -> dict[str, float]:
    """Return values by name, or raise a ValueError if two have the same one."""
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"Two parameters would be called {repeated[0]!r}; give a column another name."
        )
    return dict(zip(names, values.tolist(), strict=True))


def _design(
    table: Any, target: Any, features: Sequence[Any] | None
) -> tuple[list[str], np.ndarray, _Column]:
    """Return names of coefficients, the matrix of an intercept and features, and the target."""
    cells = _columns_of(table)
    own = _name_of(cells, target)
    chosen = [name for name in cells if name != own]
    if features is not None:
        chosen = _names_of(cells, features, "features")
        if own in chosen:
            raise ValueError(f"features must not hold the target, {target!r}.")
    n_rows = len(cells[own].cells)
    names, columns = ["intercept"], [np.ones(n_rows)]
    for feature in (cells[name] for name in chosen):
        if feature.is_number:
            names.append(str(feature.name))
            columns.append(feature.numbers())
            continue
        for value in feature.values()[1:]:
            names.append(f"{feature.name}={value}")
            columns.append((feature.cells == value).astype(np.float64))
    _check_rows(n_rows, len(names) + 1)
    return names, np.column_stack(columns), cells[own]


def _check_rows(n_rows: int, least: int) -> None:
    if n_rows < least:
        raise ValueError(f"table must have at least {least} rows for this analysis, got {n_rows}.")


def _standardised(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an intercept and features of mean 0 and deviation 1, and the way back.

    If ``b`` are coefficients of the result, ``back @ b`` are those of X.
    """
    mean, scale = X.mean(axis=0), X.std(axis=0)
    constant = np.ptp(X, axis=0) == 0
    mean[constant], scale[constant] = X[0, constant], 1.0
    mean[0] = 0.0
    back = np.diag(1 / scale)
    back[0, 1:] = -mean[1:] / scale[1:]
    return (X - mean) / scale, back


def _root(Z: np.ndarray, least: float = DEPENDENT) -> np.ndarray:
    """Return R, upper triangular, with ``R'R = Z'Z``, or raise a ValueError if columns depend."""
    root = np.asarray(np.linalg.qr(Z, mode="r"))
    if np.abs(np.diag(root)).min() <= least * np.sqrt(len(Z)):
        raise ValueError(
            "The columns of this regression are linearly dependent; leave out features that others "
            "determine."
        )
    return root
