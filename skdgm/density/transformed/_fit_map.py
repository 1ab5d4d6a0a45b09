"""Find the invertible map of a scikit-learn transformer, by its class once it is fitted.

A transformer without a map, or whose fit cannot be inverted, raises an error that names the step.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from ..._validation import ColumnError
from ..._weighted_fit import fit_weighted
from ._maps import (
    AffineMap,
    BoxCoxMap,
    ComposedMap,
    InvertibleMap,
    QuantileMap,
    RotationMap,
    YeoJohnsonMap,
    check_complete,
)
from ._normal_scores import NormalScoreMap, NormalScoreTransformer


def fit_map(
    transformer: Any, X: np.ndarray, weight: np.ndarray | None, name: str = ""
) -> ComposedMap:
    """Fit the transformer, in place, and return its map.

    The steps of a pipeline are fitted one after another, each with the weights. Errors name the
    step by ``name``.
    """
    if isinstance(transformer, Pipeline):
        maps = []
        for own, step in transformer.steps:
            maps.append(fit_map(step, X, weight, f"{name}__{own}" if name else own))
            X, _ = maps[-1].forward(X)
        return ComposedMap(maps)
    if name and (transformer is None or transformer == "passthrough"):
        return ComposedMap([])
    kind = type(transformer).__name__
    label = f"step {name!r} of transformer ({kind})" if name else f"transformer ({kind})"
    _check_fits(transformer, X, label)
    # A copy, because transformers with copy=False may write to it.
    with np.errstate(over="ignore", invalid="ignore"):  # what is lost, is said below
        fit_weighted(transformer, _complete_constants(X), weight=weight)
    if type(transformer) is PowerTransformer:
        _leave_few_values(transformer, X, weight)
    fitted = ComposedMap([_map_of(transformer, X, label)])
    if not isinstance(transformer, PCA):
        _check_image(X, fitted.forward(X)[0], label)
    return fitted


def mixes_columns(transformer: Any) -> bool:
    """Return whether the transformer, or a step of it, makes a column from several."""
    if isinstance(transformer, Pipeline):
        return any(mixes_columns(step) for _, step in transformer.steps)
    return isinstance(transformer, PCA)


def _check_fits(transformer: Any, X: np.ndarray, label: str) -> None:
    """Raise a ValueError if the transformer has no known map, or cannot be fitted to X."""
    if _map_of.dispatch(type(transformer)) is _map_of.dispatch(object):
        _map_of(transformer, X, label)
    if isinstance(transformer, PCA):
        check_complete(X, label)
    if isinstance(transformer, PowerTransformer) and transformer.method == "box-cox":
        constant = np.nanmin(X, axis=0) == np.nanmax(X, axis=0)
        if constant.any():
            raise ColumnError(
                "{label} has no exponent for {column}, which is constant; leave the column out, or "
                'use method="yeo-johnson".',
                constant.argmax(),
                {"label": label},
            )


def _complete_constants(X: np.ndarray) -> np.ndarray:
    """Return a copy in which constant columns have no holes, so that all transformers know them.

    PowerTransformer takes a hole for variation and finds an exponent for rounding errors.
    """
    least, most = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    return np.where(np.isnan(X) & (least == most), least, X)


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


@singledispatch
def _map_of(transformer: Any, X: np.ndarray, label: str) -> InvertibleMap:
    raise ValueError(
        f"{label} cannot be used: its Jacobian is not known. Supported are StandardScaler, "
        "MinMaxScaler, MaxAbsScaler, RobustScaler, PowerTransformer, QuantileTransformer, "
        "NormalScoreTransformer, PCA and PCAProjection with all components, and a Pipeline of them."
    )


@_map_of.register(StandardScaler)
def _of_standard_scaler(transformer: StandardScaler, X: np.ndarray, label: str) -> AffineMap:
    return AffineMap(transformer.mean_ if transformer.with_mean else None, transformer.scale_)


@_map_of.register(RobustScaler)
def _of_robust_scaler(transformer: RobustScaler, X: np.ndarray, label: str) -> AffineMap:
    return AffineMap(transformer.center_, transformer.scale_)


@_map_of.register(MaxAbsScaler)
def _of_max_abs_scaler(transformer: MaxAbsScaler, X: np.ndarray, label: str) -> AffineMap:
    _check_no_clip(transformer, label)
    return AffineMap(None, transformer.scale_)


@_map_of.register(MinMaxScaler)
def _of_min_max_scaler(transformer: MinMaxScaler, X: np.ndarray, label: str) -> AffineMap:
    _check_no_clip(transformer, label)
    return AffineMap(-transformer.min_ / transformer.scale_, 1 / transformer.scale_)


@_map_of.register(PowerTransformer)
def _of_power_transformer(transformer: PowerTransformer, X: np.ndarray, label: str) -> ComposedMap:
    kind = BoxCoxMap if transformer.method == "box-cox" else YeoJohnsonMap
    least, most = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    maps = [kind(transformer.lambdas_, least, most)]
    Z, _ = ComposedMap(maps).forward(X)
    with np.errstate(over="ignore", invalid="ignore"):
        rounding = len(X) * np.finfo(np.float64).eps * np.abs(np.nanmean(Z, axis=0))
        lost = (np.nanstd(Z, axis=0) <= rounding) & (least < most)
    if lost.any():
        column = int(lost.argmax())
        raise ColumnError(
            "{label} has no inverse in floating point: with the exponent {exponent:.3g}, the "
            "values of {column} differ by rounding errors only. Scale the column first, for "
            "example with StandardScaler.",
            column,
            {"label": label, "exponent": transformer.lambdas_[column]},
        )
    if transformer.standardize:
        maps.append(_of_standard_scaler(transformer._scaler, X, label))
    return ComposedMap(maps)


@_map_of.register(QuantileTransformer)
def _of_quantile_transformer(
    transformer: QuantileTransformer, X: np.ndarray, label: str
) -> QuantileMap:
    quantiles = transformer.quantiles_
    if len(quantiles) == 1:
        raise ColumnError(
            "{label} has a single quantile and so no inverse, from {column} on; fit to two rows or "
            "more with n_quantiles of two or more, got n_samples={n_samples}.",
            0,
            {"label": label, "n_samples": len(X)},
        )
    repeated = ~(np.diff(quantiles, axis=0) > 0)
    if repeated.any():
        column = int(repeated.any(axis=0).argmax())
        value = quantiles[repeated[:, column].argmax(), column]
        raise ColumnError(
            "{label} has no inverse: in {column}, the value {value:g} is more than one of the "
            "quantiles, for many rows share it. Use fewer n_quantiles, or another transformer.",
            column,
            {"label": label, "value": value},
        )
    normal = transformer.output_distribution == "normal"
    return QuantileMap(quantiles, transformer.references_, normal)


@_map_of.register(NormalScoreTransformer)
def _of_normal_scores(
    transformer: NormalScoreTransformer, X: np.ndarray, label: str
) -> NormalScoreMap:
    return transformer._map


@_map_of.register(PCA)
def _of_pca(transformer: PCA, X: np.ndarray, label: str) -> RotationMap:
    n_components, n_columns = transformer.components_.shape
    if n_components != n_columns:
        raise ValueError(
            f"{label} makes {n_components} columns of {n_columns} and so has no inverse; keep all "
            f"components, and fit to at least as many rows as columns, got n_samples={len(X)}."
        )
    scale = np.ones(n_columns)
    if transformer.whiten:
        variance = transformer.explained_variance_
        flat = variance <= n_columns * np.finfo(np.float64).eps * variance.max()
        if flat.any():
            raise ValueError(
                f"{label} has no inverse: column {flat.argmax()} of its output has variance zero "
                "(to machine precision), which whitening divides by. Pass whiten=False, leave out "
                "columns that follow from others, or scale the columns first."
            )
        scale = np.sqrt(variance)
    return RotationMap(transformer.mean_, transformer.components_, scale, label)


def _check_no_clip(transformer: Any, label: str) -> None:
    if getattr(transformer, "clip", False):
        raise ColumnError(
            "{label} has no inverse: with clip=True, every column is constant beyond its training "
            "range, from {column} on. Pass clip=False.",
            0,
            {"label": label},
        )


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
