"""Transformers of every kind, data for each, and what the tests of TransformedDensity share."""

import functools

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from skdgm import GaussianDensity, PCAProjection, TransformedDensity
from skdgm.density.transformed._fit_map import fit_map

rng = np.random.default_rng(0)
CORRELATED = rng.multivariate_normal([0.5, -0.3], [[1.0, 0.6], [0.6, 0.8]], size=400)
DATA = {
    "normal": CORRELATED,
    "log-normal": np.exp(CORRELATED),
    "minus log-normal": -np.exp(CORRELATED),
    "exponential": rng.exponential(size=(400, 2)) * [1, 5],
    "uniform": rng.uniform(size=(400, 2)) * [1, 20] + [0, 3],
    "left": 3 - rng.exponential(size=(400, 2)) ** 2 / 4,
}
for rows in DATA.values():
    rows.flags.writeable = False  # all tests share them


def quantile(output="uniform", n_quantiles=12):
    return QuantileTransformer(n_quantiles=n_quantiles, output_distribution=output)


class LogTransformer(PowerTransformer):
    """The Box-Cox transformation with a fixed exponent, 0 by default."""

    exponent = 0.0

    def __init__(self):
        super().__init__("box-cox", standardize=False)

    def _box_cox_optimize(self, x):
        return self.exponent


class PowerOf(LogTransformer):
    exponent = 2.5


class InverseOf(LogTransformer):
    exponent = -1.5


SCALERS = {
    "standard": (StandardScaler(), "normal"),
    "standard-mean": (StandardScaler(with_std=False), "normal"),
    "standard-std": (StandardScaler(with_mean=False), "uniform"),
    "standard-nothing": (StandardScaler(with_mean=False, with_std=False), "uniform"),
    "min-max": (MinMaxScaler((-3, 5)), "exponential"),
    "max-abs": (MaxAbsScaler(), "normal"),
    "robust": (RobustScaler(), "uniform"),
    "robust-center": (RobustScaler(with_scaling=False), "uniform"),
    "robust-scale": (RobustScaler(with_centering=False, unit_variance=True), "normal"),
}
ROTATIONS = {
    "pca": (PCA(), "normal"),
    "pca-whiten": (PCA(whiten=True), "uniform"),
    "projection": (PCAProjection(whiten=True), "normal"),
    "columns-pca": (ColumnTransformer([("pca", PCA(whiten=True), [0, 1])]), "normal"),
    "standard-pca": (make_pipeline(StandardScaler(), PCA(whiten=True)), "uniform"),
}
CURVES = {
    "yeo-johnson": (PowerTransformer(), "normal"),
    "yeo-johnson-below-0": (PowerTransformer(), "log-normal"),
    "yeo-johnson-above-2": (PowerTransformer(standardize=False), "minus log-normal"),
    "yeo-johnson-left": (PowerTransformer(), "left"),
    "box-cox": (PowerTransformer("box-cox"), "exponential"),
    "box-cox-uniform": (PowerTransformer("box-cox", standardize=False), "uniform"),
    "box-cox-log-normal": (PowerTransformer("box-cox"), "log-normal"),
    "log": (LogTransformer(), "log-normal"),
    "power": (PowerOf(), "uniform"),
    "inverse": (InverseOf(), "uniform"),
    "quantile": (quantile(), "exponential"),
    "quantile-normal": (quantile("normal"), "log-normal"),
    "quantile-subsample": (
        QuantileTransformer(n_quantiles=9, subsample=100, random_state=0),
        "uniform",
    ),
    "scaled-quantile": (
        Pipeline([("s", MinMaxScaler()), ("p", "passthrough"), ("q", quantile("normal"))]),
        "left",
    ),
    "power-of-quantile": (make_pipeline(quantile("normal", 8), PowerTransformer()), "exponential"),
    "log1p": (FunctionTransformer(np.log1p, np.expm1), "exponential"),
    "sqrt": (FunctionTransformer(np.sqrt, np.square), "uniform"),
    "tanh": (FunctionTransformer(np.tanh), "normal"),
    "columns": (
        ColumnTransformer(
            [("power", make_pipeline(StandardScaler(), PowerTransformer()), [0])],
            remainder=FunctionTransformer(np.log, np.exp),
        ),
        "log-normal",
    ),
    "nested": (
        make_pipeline(make_pipeline(RobustScaler(), PowerTransformer()), MinMaxScaler()),
        "normal",
    ),
}
COLUMNWISE = SCALERS | CURVES
KINDS = COLUMNWISE | ROTATIONS


def kinds(selected):
    return pytest.mark.parametrize("kind", selected)


@functools.cache
def map_of(kind):
    """The data, the transformer fitted to them, and its map."""
    transformer, data = KINDS[kind]
    transformer = clone(transformer)
    return DATA[data], transformer, fit_map(transformer, DATA[data], None)


def fitted(kind, density=None, columns=slice(None)):
    """A density behind the transformer, by default a normal one, fitted to its data."""
    transformer, data = KINDS[kind]
    density = density or GaussianDensity(reg_covar=0)
    return TransformedDensity(transformer, density).fit(DATA[data][:, columns])


def rows_beyond(X, seed, n_rows=30):
    """Rows in the training range and beyond it, in the domain of every map of these data."""
    low, high = X.min(axis=0), X.max(axis=0)
    shares = np.random.default_rng(seed).uniform(-0.5, 1.5, size=(n_rows, X.shape[1]))
    rows = low + shares * (high - low)
    return np.where((low > 0) & (rows <= 0), low / 2, rows)


def quadrature_rule(density, column):
    """Points and weights in x for integrals over a column, piece by piece where p is smooth."""
    inner = density.density_
    n_columns = density.n_features_in_
    # The span where p is not negligible, and the kinks, in z; then as ends of pieces in x.
    sd = np.sqrt(np.diag(inner.get_covariance()))[column]
    z = inner.mean_[column] + sd * np.linspace(-20, 20, 3201)
    kinks = density._map.kinks(n_columns)[:, column]
    z = np.unique([*z, *kinks[(kinks > z[0]) & (kinks < z[-1])]])
    table = np.full((len(z), n_columns), np.nan)
    table[:, column] = z
    ends = density._map.inverse(table)[:, column]
    nodes, weights = np.polynomial.legendre.leggauss(10)
    half = np.diff(ends)[:, np.newaxis] / 2
    points = ends[:-1, np.newaxis] + half * (nodes + 1)
    return points.ravel(), (half * weights).ravel()
