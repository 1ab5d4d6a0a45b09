"""Data of the rows: seeded images and normals that the script makes itself."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_diabetes, load_wine

N_CLASSES = 10


@dataclass(frozen=True, eq=False)
class Data:
    """Rows X, their classes, and the rows to learn from where these are others."""

    X: Any
    y: np.ndarray
    train: Any = None

    @property
    def learned(self):
        """The rows to learn from."""
        return self.X if self.train is None else self.train

    @property
    def values(self):
        """X as an array, without a copy."""
        return np.asarray(self.X)


@dataclass(frozen=True)
class Source:
    """Data that can be made with any number of rows, and the words for what a row holds."""

    n_rows: int
    columns: str
    make: Callable[[int], Data]
    fewest: int = 200  # from which all models can be learned

    @property
    def label(self):
        """The size and kind of the data."""
        return f"{self.n_rows:,} x {self.columns}"

    def data(self):
        """Make the data."""
        return self.make(self.n_rows)

    def part(self, divisor):
        """Return a source of fewer rows."""
        return replace(self, n_rows=max(self.n_rows // divisor, min(self.n_rows, self.fewest)))


# ---------------------------------------------------------------------- kinds of input
def _mapped(X):
    """Return a read-only memory map of a copy of X in a file without a name."""
    with tempfile.TemporaryFile() as file:
        X.tofile(file)
        file.flush()
        return np.memmap(file, X.dtype, mode="r", shape=X.shape)


KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "uint8": lambda X: X,
    "bool": lambda X: X.astype(bool),
    "float32": lambda X: X.astype(np.float32),
    "float64": lambda X: X.astype(np.float64),
    "int64": lambda X: X.astype(np.int64),
    "Fortran order": np.asfortranarray,
    "memory map": _mapped,
    "pandas": pd.DataFrame,
}


# ---------------------------------------------------------------------- images
@lru_cache(maxsize=1)
def _grey(n_rows, side):
    """Draw smooth images around one smooth image per class, and the classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(N_CLASSES, size=n_rows)
    means, X = (rng.standard_normal((n, side, side), np.float32) for n in (N_CLASSES, n_rows))
    for images, width in ((means, 0.09 * side), (X, 0.05 * side)):
        gaussian_filter(images, (0, width, width), output=images)
        images /= images.std()
    X += means[y]
    X += 0.2 * rng.standard_normal(X.shape, np.float32)  # so that no pixel follows from others
    return X.reshape(n_rows, -1), y


@lru_cache(maxsize=8)
def _categorical(n_rows, side, n_categories):
    """Return grey levels of about equal shares as ``uint8``, and the classes; two are 0.2, 0.8."""
    grey, y = _grey(n_rows, side)
    shares = [0.8] if n_categories == 2 else np.arange(1, n_categories) / n_categories
    return np.searchsorted(np.quantile(grey, shares), grey).astype(np.uint8), y


def images(n_rows=60_000, side=28, *, kind="uint8", n_categories=2):
    """Source of images of categories; neighbouring pixels are alike."""

    def make(n_rows):
        codes, y = _categorical(n_rows, side, n_categories)
        return Data(KINDS[kind](codes), y)

    name = kind if n_categories == 2 else f"{kind}, {n_categories} categories"
    return Source(n_rows, f"{side**2} {name}", make)


def grey(n_rows, side=28, *, kind="float64", n_queries=None):
    """Source of grey images; as ``uint8``, from 0 to 255. Queries are the first of the rows."""

    def make(n_rows):
        X, y = _grey(n_rows, side)
        if kind == "uint8":
            X = np.clip(128 + 40 * X, 0, 255)
        X = KINDS[kind](X.astype(kind))
        return Data(X if n_queries is None else X[:n_queries], y, X)

    queries = "" if n_queries is None else f", {n_queries:,} asked"
    fewest = 11 * side**2  # more in each class than columns, for normals of scikit-learn
    return Source(n_rows, f"{side**2} {kind}{queries}", make, fewest)


def images_with_holes(n_rows, how, side=28, *, complete=True):
    """Source of images that miss their right half, or cells at random.

    What is learned from are complete images, or the incomplete ones themselves.
    """

    def make(n_rows):
        codes, y = _categorical(max(n_rows, 2000) if complete else n_rows, side, 2)
        holes = _right_half(n_rows, side) if how == "right half" else _at_random((n_rows, side**2))
        return Data(np.where(holes, np.nan, codes[:n_rows]), y, codes if complete else None)

    return Source(n_rows, f"{side**2}, {how} missing", make)


def _right_half(n_rows, side):
    return np.broadcast_to(np.arange(side**2) % side >= side // 2, (n_rows, side**2))


def _at_random(shape, share=0.2):
    holes = np.random.default_rng(1).random(shape) < share
    holes[np.arange(len(holes)), np.arange(len(holes)) % shape[1]] = False  # one cell is left
    return holes


def colours(n_rows=2_000_000):
    """Source of random colours, with 256**3 possible states."""

    def make(n_rows):
        X = np.random.default_rng(0).integers(0, 256, (n_rows, 3), dtype=np.uint8)
        return Data(X, np.zeros(n_rows))

    return Source(n_rows, "3 uint8, 256 categories", make)


def short_images(n_rows=50_000, n_columns=200):
    """Source of images that are cut off, so that chains of high order fit."""

    def make(n_rows):
        codes, y = _categorical(n_rows, 28, 2)
        return Data(np.ascontiguousarray(codes[:, 300 : 300 + n_columns]), y)

    return Source(n_rows, f"{n_columns} uint8", make)


# ---------------------------------------------------------------------- numbers
@lru_cache(maxsize=8)
def _normals(n_rows, n_columns, n_clusters):
    rng = np.random.default_rng(0)
    y = rng.integers(n_clusters, size=n_rows)
    X = rng.normal(size=(n_rows, n_columns)) @ rng.normal(size=(n_columns, n_columns))
    X += 3 * rng.normal(size=(n_clusters, n_columns))[y]
    return X, y


def normals(n_rows=20_000, n_columns=20, *, kind="float64", n_clusters=N_CLASSES):
    """Source of correlated normals around one mean per class."""

    def make(n_rows):
        X, y = _normals(n_rows, n_columns, n_clusters)
        return Data(KINDS[kind](X), y)

    return Source(n_rows, f"{n_columns} {kind}", make)


def _with_holes(read, n_rows, columns, share, complete):
    def make(n_rows):
        X, y = read(n_rows)
        holes = _at_random(X.shape, share)
        return Data(np.where(holes, np.nan, X), y, X if complete else None)

    return Source(n_rows, f"{columns}, {share:.0%} missing", make)


def normals_with_holes(n_rows, n_columns, share=0.2, *, n_clusters=1, complete=False):
    """Source of normals with cells missing at random."""
    read = partial(_normals, n_columns=n_columns, n_clusters=n_clusters)
    return _with_holes(read, n_rows, str(n_columns), share, complete)


def small_table(name, share=0.2, *, complete=True):
    """Source of a table of scikit-learn with cells missing at random."""
    X, y = {"wine": load_wine, "diabetes": load_diabetes}[name](return_X_y=True)
    columns = f"{X.shape[1]}, {name}"
    return _with_holes(lambda n_rows: (X[:n_rows], y[:n_rows]), len(X), columns, share, complete)
