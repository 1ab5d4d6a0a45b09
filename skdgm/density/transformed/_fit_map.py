"""Fit a scikit-learn transformer, step by step, and find its invertible map.

Each step is fitted to the columns that it sees. Errors name the step, and number columns as in X.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler

from ..._validation import ColumnError
from ..._weighted_fit import fit_weighted, needs_no_weights
from ..columns._parameters import REMAINDER
from ..columns._selection import check_partition, columns_left, selected_columns
from ._functions import CURVES, known_curve
from ._maps import BlockMap, ComposedMap, check_complete
from ._step_maps import map_of


@dataclass(frozen=True, eq=False)
class Header:
    """The columns that a transformer sees, from which a ColumnTransformer selects.

    Parameters
    ----------
    names : ndarray of str or None
        Their names.
    table : frame or None
        The frame that a user has passed to fit.
    """

    names: np.ndarray | None = None
    table: Any = None


def fit_map(
    transformer: Any,
    X: np.ndarray,
    weight: np.ndarray | None,
    name: str = "",
    header: Header = Header(),
) -> ComposedMap:
    """Fit the transformer, in place, and return its map.

    The steps of a pipeline are fitted one after another, those of a ColumnTransformer each to its
    columns, with the weights. Errors name the step by ``name``.
    """
    if isinstance(transformer, Pipeline):
        maps = []
        for own, step in transformer.steps:
            maps.append(fit_map(step, X, weight, _name_of(own, name), header))
            X, _ = maps[-1].forward(X)
            if mixes_columns(step):
                header = Header()
        return ComposedMap(maps)
    if isinstance(transformer, ColumnTransformer):
        return ComposedMap([_fit_blocks(transformer, X, weight, name, header)])
    if name and (transformer is None or transformer == "passthrough"):
        return ComposedMap([])
    label = _label_of(transformer, name)
    _check_fits(transformer, X, label)
    # A copy, because transformers with copy=False may write to it.
    with np.errstate(over="ignore", invalid="ignore"):  # what is lost, is said below
        own_weight = None if needs_no_weights(transformer) else weight
        try:
            fit_weighted(transformer, _complete(transformer, X), weight=own_weight)
        except (ValueError, RuntimeError) as error:
            # The limits of SciPy's search for an exponent, in the words of its versions.
            if not any(word in str(error) for word in ("bound", "bracket")):
                raise
            raise ValueError(
                f"{label} finds no exponent for values up to {np.nanmax(np.abs(X)):g}; scale the "
                "columns first, for example with StandardScaler."
            ) from error
    if type(transformer) is PowerTransformer:
        _leave_few_values(transformer, X, weight)
    fitted = ComposedMap([map_of(transformer, X, label)])
    if not isinstance(transformer, PCA):
        _check_image(X, fitted.forward(X)[0], label)
    return fitted


def _name_of(step: str, name: str) -> str:
    return f"{name}__{step}" if name else step


def _label_of(transformer: Any, name: str) -> str:
    kind = type(transformer).__name__
    return f"step {name!r} of transformer ({kind})" if name else f"transformer ({kind})"


def mixes_columns(transformer: Any) -> bool:
    """Return whether the transformer, or a step of it, makes a column from several."""
    if isinstance(transformer, Pipeline):
        return any(mixes_columns(step) for _, step in transformer.steps)
    if isinstance(transformer, ColumnTransformer):
        steps = [step for _, step, _ in transformer.transformers]
        return any(map(mixes_columns, [*steps, transformer.remainder]))
    return isinstance(transformer, PCA)


def _check_fits(transformer: Any, X: np.ndarray, label: str) -> None:
    """Raise a ValueError if the transformer has no known map, or cannot be fitted to X."""
    if map_of.dispatch(type(transformer)) is map_of.dispatch(object):
        map_of(transformer, X, label)
    if isinstance(transformer, PCA):
        check_complete(X, label)
    if isinstance(transformer, FunctionTransformer):
        _check_function(transformer, X, label)
    if isinstance(transformer, PowerTransformer) and transformer.method == "box-cox":
        constant = np.nanmin(X, axis=0) == np.nanmax(X, axis=0)
        if constant.any():
            raise ColumnError(
                "{label} has no exponent for {column}, which is constant; leave the column out, or "
                'use method="yeo-johnson".',
                constant.argmax(),
                {"label": label},
            )


def _check_function(transformer: FunctionTransformer, X: np.ndarray, label: str) -> None:
    """Raise a ValueError unless a FunctionTransformer applies a curve that is defined for X."""
    known = known_curve(transformer.func)
    inverse = CURVES[known].inverse if known else None
    is_known = known is not None or transformer.func is None
    if not is_known or transformer.kw_args or transformer.inv_kw_args:
        raise ValueError(
            f"{label} cannot be used: its Jacobian is not known. The func must be one of NumPy's "
            f"or SciPy's {', '.join(CURVES)}, without arguments, so that its derivative is known."
        )
    if transformer.inverse_func not in (None, inverse):
        right = f"{inverse.__name__}, which undoes {known}" if known else "None"  # type: ignore
        raise ValueError(f"{label} has a wrong inverse_func: it must be {right}.")
    wrong = np.zeros(X.shape, dtype=bool) if not known else ~CURVES[known].is_defined(X)
    wrong &= ~np.isnan(X)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise ColumnError(
            "{label} cannot be used: {function} has no finite value and slope at {value:g}, which "
            "{column} holds. Shift or scale the column first, or use another function.",
            column,
            {"label": label, "function": known, "value": X[row, column]},
        )


def _complete(transformer: Any, X: np.ndarray) -> np.ndarray:
    """Return a copy in which constant columns have no holes, so that all transformers know them.

    PowerTransformer takes a hole for variation and finds an exponent for rounding errors.
    FunctionTransformer, which learns nothing, takes it for a value that its inverse does not undo.
    """
    least, most = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    is_filled = isinstance(transformer, FunctionTransformer) | (least == most)
    return np.where(np.isnan(X) & is_filled, least, X)


def _leave_few_values(
    transformer: PowerTransformer, X: np.ndarray, weight: np.ndarray | None
) -> None:
    """Set the exponent to 1 in columns of two values.

    Any map takes these to two values, the same ones after scaling. The likelihood of an exponent is
    then that of its slopes alone, which may be extreme and scatter what is drawn and filled in.
    """
    least, most = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    few = (np.isnan(X) | (least == X) | (most == X)).all(axis=0) & (least < most)
    if not few.any():
        return
    transformer.lambdas_[few] = 1.0
    if transformer.standardize:
        shift = 1.0 if transformer.method == "box-cox" else 0.0
        own = StandardScaler().fit(X[:, few] - shift, sample_weight=weight)
        for name in ("mean_", "var_", "scale_"):
            getattr(transformer._scaler, name)[few] = getattr(own, name)


def _fit_blocks(
    transformer: ColumnTransformer,
    X: np.ndarray,
    weight: np.ndarray | None,
    name: str,
    header: Header,
) -> BlockMap:
    """Fit the steps of a ColumnTransformer in place, each to its columns, and return their map."""
    label = _label_of(transformer, name)
    if transformer.transformer_weights is not None:
        raise ValueError(f"{label} has transformer_weights; leave them out, or scale by a step.")
    table = X if header.table is None else header.table
    steps = {own: step for own, step, _ in transformer.transformers}
    places = {
        own: selected_columns(own, selection, table, X.shape[1], header.names)
        for own, _, selection in transformer.transformers
    }
    steps[REMAINDER] = transformer.remainder
    places[REMAINDER] = columns_left(places, X.shape[1])
    for own, columns in places.items():
        if isinstance(steps[own], str) and steps[own] == "drop" and len(columns):
            raise ColumnError(
                '{label} has no inverse: it drops {column}. Pass remainder="passthrough", or leave '
                "the column out of X.",
                columns[0],
                {"label": label},
            )
    check_partition(places, X.shape[1], header.names)
    blocks = []
    for own, columns in places.items():
        if len(columns):
            with _columns_of_table(columns):
                step = fit_map(steps[own], X[:, columns], weight, _name_of(own, name))
            blocks.append((columns, step))
    _mark_as_fitted(transformer, steps, places, X)
    return BlockMap(blocks)


@contextmanager
def _columns_of_table(columns: np.ndarray) -> Iterator[None]:
    """Number the column of an error about a block as in the table."""
    try:
        yield
    except ColumnError as error:
        column = columns[error.column]
        raise type(error)(error.template, column, error.fields, error.blocks) from error


def _mark_as_fitted(
    transformer: ColumnTransformer,
    steps: dict[str, Any],
    places: dict[str, np.ndarray],
    X: np.ndarray,
) -> None:
    """Make a ColumnTransformer of fitted steps one that transforms, by the places of columns."""
    frozen = {
        own: FrozenEstimator(step) if len(places[own]) and not isinstance(step, str) else step
        for own, step in steps.items()
    }
    *own_steps, rest = frozen.items()
    transformer.transformers = [(own, step, places[own]) for own, step in own_steps]
    transformer.remainder = rest[1]
    with (
        config_context(enable_metadata_routing=False, transform_output="default"),
        np.errstate(all="ignore"),
    ):
        transformer.fit(X)


def _check_image(X: np.ndarray, Z: np.ndarray, label: str) -> None:
    """Raise a ValueError if a column is lost in floating point."""
    lost = ~(np.isfinite(Z) | np.isnan(X)).all(axis=0)
    least, most = np.fmin.reduce(Z), np.fmax.reduce(Z)  # NaN aside
    lost |= (least == most) & (np.nanmin(X, axis=0) < np.nanmax(X, axis=0))
    if lost.any():
        raise ColumnError(
            "{label} has no inverse in floating point: it takes the values of {column} to one "
            "number, or beyond the largest one. Scale the column first, for example with "
            "StandardScaler.",
            lost.argmax(),
            {"label": label},
        )
