"""The maps of fitted scikit-learn transformers, by their classes.

A transformer without a map, or whose fit cannot be inverted, raises an error that names the step.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from ..._validation import ColumnError
from ._functions import FunctionMap, known_curve
from ._maps import (
    AffineMap,
    BoxCoxMap,
    ComposedMap,
    InvertibleMap,
    QuantileMap,
    RotationMap,
    YeoJohnsonMap,
)
from ._normal_scores import NormalScoreMap, NormalScoreTransformer

LEAST_SPREAD = 1e-145  # of a column, the square of which underflows


@singledispatch
def map_of(transformer: Any, X: np.ndarray, label: str) -> InvertibleMap:
    raise ValueError(
        f"{label} cannot be used: its Jacobian is not known. Supported are StandardScaler, "
        "MinMaxScaler, MaxAbsScaler, RobustScaler, PowerTransformer, QuantileTransformer, "
        "NormalScoreTransformer, FunctionTransformer, PCA and PCAProjection with all components, "
        "and a Pipeline or a ColumnTransformer of them."
    )


@map_of.register(StandardScaler)
def _of_standard_scaler(transformer: StandardScaler, X: np.ndarray, label: str) -> AffineMap:
    return AffineMap(transformer.mean_ if transformer.with_mean else None, transformer.scale_)


@map_of.register(RobustScaler)
def _of_robust_scaler(transformer: RobustScaler, X: np.ndarray, label: str) -> AffineMap:
    return AffineMap(transformer.center_, transformer.scale_)


@map_of.register(MaxAbsScaler)
def _of_max_abs_scaler(transformer: MaxAbsScaler, X: np.ndarray, label: str) -> AffineMap:
    _check_no_clip(transformer, label)
    return AffineMap(None, transformer.scale_)


@map_of.register(MinMaxScaler)
def _of_min_max_scaler(transformer: MinMaxScaler, X: np.ndarray, label: str) -> AffineMap:
    _check_no_clip(transformer, label)
    return AffineMap(-transformer.min_ / transformer.scale_, 1 / transformer.scale_)


@map_of.register(PowerTransformer)
def _of_power_transformer(transformer: PowerTransformer, X: np.ndarray, label: str) -> ComposedMap:
    kind = BoxCoxMap if transformer.method == "box-cox" else YeoJohnsonMap
    least, most = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    maps = [kind(transformer.lambdas_, least, most)]
    Z, _ = ComposedMap(maps).forward(X)
    with np.errstate(over="ignore", invalid="ignore"):
        rounding = len(X) * np.finfo(np.float64).eps * np.abs(np.nanmean(Z, axis=0))
        spread = np.nanstd(Z, axis=0)
        lost = (spread <= np.maximum(rounding, LEAST_SPREAD)) & (least < most)
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


@map_of.register(FunctionTransformer)
def _of_function(transformer: FunctionTransformer, X: np.ndarray, label: str) -> InvertibleMap:
    name = known_curve(transformer.func)
    if name is None:  # the identity
        return ComposedMap([])
    return FunctionMap(name, np.nanmin(X, axis=0), np.nanmax(X, axis=0))


@map_of.register(QuantileTransformer)
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
            "quantiles, for {share:.1%} of the rows share it. Use NormalScoreTransformer, which "
            "takes such spikes, or fewer n_quantiles.",
            column,
            {"label": label, "value": value, "share": np.mean(X[:, column] == value)},
        )
    normal = transformer.output_distribution == "normal"
    return QuantileMap(quantiles, transformer.references_, normal)


@map_of.register(NormalScoreTransformer)
def _of_normal_scores(
    transformer: NormalScoreTransformer, X: np.ndarray, label: str
) -> NormalScoreMap:
    return transformer._map


@map_of.register(PCA)
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
