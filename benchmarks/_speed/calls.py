"""Public calls, their peers, and the physical yardsticks beside them.

Each is prepared from data, untimed, to a call without arguments that is timed.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier

from .data import Data

Prepare = Callable[[Data], Callable[[], Any]]


@dataclass(frozen=True)
class Named:
    """A peer or a yardstick, and the module that it needs."""

    name: str
    prepare: Prepare
    module: str = "sklearn"

    @property
    def installed(self):
        """Whether the module is there."""
        return find_spec(self.module) is not None


# ---------------------------------------------------------------------- estimators
def learn(model, data):
    """Fit a clone to the rows to learn from."""
    return clone(model).fit(data.learned, data.y if is_classifier(model) else None)


def fit(model) -> Prepare:
    """Call of ``fit``."""
    return lambda data: lambda: learn(model, data)


def query(method, model, **arguments) -> Prepare:
    """Call of a method that takes X, on a fitted model."""

    def prepare(data):
        bound = getattr(learn(model, data), method)
        return lambda: bound(data.X, **arguments)

    return prepare


def score(model):
    """Call of ``score_samples``."""
    return query("score_samples", model)


def predict(model):
    """Call of ``predict``."""
    return query("predict", model)


def sample(model, n_samples, **arguments) -> Prepare:
    """Call of ``sample``."""

    def prepare(data):
        fitted = learn(model, data)
        return lambda: fitted.sample(n_samples, **arguments)

    return prepare


def fit_each(model) -> Prepare:
    """Fits of one density per class, one after the other."""

    def prepare(data):
        parts = [data.learned[data.y == label] for label in np.unique(data.y)]
        return lambda: [clone(model).fit(part) for part in parts]

    return prepare


def score_each(model) -> Prepare:
    """Scores of all rows by one density per class, one after the other."""

    def prepare(data):
        fitted = fit_each(model)(data)()
        return lambda: [density.score_samples(data.X) for density in fitted]

    return prepare


# ---------------------------------------------------------------------- yardsticks
def repeated(call, times):
    """Return what makes a call several times."""
    return lambda: deque((call() for _ in range(times)), maxlen=0)


def _one_pass(data):
    X = data.values
    return X.view(np.uint8 if X.dtype == bool else X.dtype).max  # that of bool ends at the first 1


def _scatter(data):
    X = _floats(data.learned)
    return lambda: X.T @ X


def _floats(X):
    """Return X in the floats in which it would be multiplied."""
    X = np.asarray(X)
    return np.nan_to_num(X.astype(np.float32 if X.dtype.itemsize < 8 else np.float64))


ONE_PASS = Named("passes", _one_pass)
SCATTER = Named("products", _scatter)


def products(n_columns=None, times=1, *, both_ways=False) -> Named:
    """Products of the rows with as many columns; ``both_ways``, also of their transpose."""

    def prepare(data):
        X = _floats(data.X)
        W = np.ones((X.shape[1], n_columns or X.shape[1]), X.dtype)
        R = np.ones((W.shape[1], len(X)), X.dtype)
        once = (lambda: (X @ W, R @ X)) if both_ways else lambda: X @ W
        return repeated(once, times)

    return Named("products", prepare)


def draws(n_samples, method="random") -> Named:
    """As many random numbers, uniform or normal."""

    def prepare(data):
        draw = getattr(np.random.default_rng(0), method)
        return lambda: draw((n_samples, data.values.shape[1]))

    return Named("draws", prepare)


def draws_of_holes(method="random") -> Named:
    """As many random numbers as cells are missing."""

    def prepare(data):
        n_holes = int(np.isnan(data.X).sum())
        draw = getattr(np.random.default_rng(0), method)
        return lambda: draw(n_holes)

    return Named("draws", prepare)


def factors(times=1) -> Named:
    """Cholesky factors, one of all columns for each row."""

    def prepare(data):
        n_rows, n_columns = data.values.shape
        block = np.broadcast_to(np.eye(n_columns), (min(n_rows, 1000), n_columns, n_columns)).copy()
        repeats = times * max(1, n_rows // len(block))
        return repeated(lambda: np.linalg.cholesky(block), repeats)

    return Named("factors", prepare)
