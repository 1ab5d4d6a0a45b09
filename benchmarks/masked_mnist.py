"""Accuracy of classifiers on MNIST when part of the image is missing.

usage: python benchmarks/masked_mnist.py --data FOLDER

Trains on the first 40,000 images of FOLDER/mnist_train.npz (arrays X, 784 grey levels per row, and
y) and classifies the other 10,000: whole, with only the left half, without a centre of 14 x 14
pixels, and with 50 % and 80 % of the pixels missing at random, different ones in each image.

For logistic regression, which needs all pixels, the missing ones are imputed by the mean of the
training images, or by scikit-learn's IterativeImputer. That learns only from incomplete rows, so it
is fitted to 4,000 training images of which half of the pixels are missing. The generative
classifiers are trained on whole images, and integrate missing pixels out when they predict. Their
settings were chosen on 6,000 of the training images.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdgm import GaussianDiscriminant

SIDE, N_TRAIN = 28, 40_000
BANDS = [0, 4, 7, 11, 14, 17, 21, 24]  # first rows, and first columns, of eight bands


def edges(X):
    """Compute rising and falling slopes of grey in four directions, averaged over 8 x 8 cells.

    A difference of two pixels is missing if one of them is, the mean of a cell if all of its
    differences are. The root makes the columns more nearly normal.
    """
    images = np.pad(X.reshape(-1, SIDE, SIDE), ((0, 0), (0, 1), (0, 1)))
    here, right = images[:, :-1, :-1], images[:, :-1, 1:]
    below, across = images[:, 1:, :-1], images[:, 1:, 1:]
    slopes = (right - here, below - here, across - here, right - below)
    return np.sqrt(np.hstack([cell_means(sign * slope) for slope in slopes for sign in (1, -1)]))


def cell_means(slope):
    """Compute the mean of the positive part in each cell, over the values that are not missing."""
    missing = np.isnan(slope)
    total = cell_sums(np.where(missing, 0.0, np.maximum(slope, 0.0)))
    n = cell_sums((~missing).astype(float))
    means = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
    return means.reshape(len(slope), -1)


def cell_sums(images):
    """Sum over the cells of each image."""
    return np.add.reduceat(np.add.reduceat(images, BANDS, axis=1), BANDS, axis=2)


def masks(n_images, rng):
    """Return the masks by name, True where a pixel is missing."""
    right, centre = np.zeros((2, SIDE, SIDE), dtype=bool)
    right[:, SIDE // 2 :] = True
    centre[7:21, 7:21] = True
    shape = (n_images, SIDE * SIDE)
    return {
        "whole": np.zeros(shape, dtype=bool),
        "left half": np.broadcast_to(right.ravel(), shape),
        "no centre": np.broadcast_to(centre.ravel(), shape),
        "50% random": rng.random(shape) < 0.5,
        "80% random": rng.random(shape) < 0.8,
    }


def fit_logistic_mean(X, y):
    """Fit logistic regression, with missing pixels replaced by their mean."""
    imputer = SimpleImputer(keep_empty_features=True)
    return make_pipeline(imputer, LogisticRegression(max_iter=60)).fit(X, y)


def fit_logistic_iterative(X, y):
    """Fit logistic regression, with missing pixels predicted from 50 others in three rounds."""
    incomplete = X[:4000].copy()
    incomplete[np.random.default_rng(1).random(incomplete.shape) < 0.5] = np.nan
    imputer = IterativeImputer(
        Ridge(),
        n_nearest_features=50,
        max_iter=3,
        min_value=0,
        max_value=1,
        keep_empty_features=True,
        random_state=0,
    ).fit(incomplete)
    return make_pipeline(FrozenEstimator(imputer), LogisticRegression(max_iter=60)).fit(X, y)


def fit_pixels(X, y):
    """Fit one low-rank Gaussian per class to the roots of the grey levels."""
    classifier = GaussianDiscriminant("low_rank", n_factors=20, reg_covar=0)
    return make_pipeline(FunctionTransformer(np.sqrt), classifier).fit(X, y)


def fit_edges(X, y):
    """Fit one Gaussian per class to the edges, with all axes, but regularised in one scale."""
    classifier = GaussianDiscriminant("low_rank", reg_covar=0.2)
    return make_pipeline(FunctionTransformer(edges), classifier).fit(X, y)


CLASSIFIERS = {
    "logistic regression, mean imputed": fit_logistic_mean,
    "logistic regression, iteratively imputed": fit_logistic_iterative,
    "low-rank Gaussians of the pixels": fit_pixels,
    "full Gaussians of the edges": fit_edges,
}
# A full covariance is factorised for every pattern of missing columns, and here every image has a
# pattern of its own.
LEFT_OUT = {("full Gaussians of the edges", f"{share}% random") for share in (50, 80)}


def main():
    """Print one row per classifier, with its accuracy under each mask."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder with mnist_train.npz")
    folder = Path(parser.parse_args().data)
    warnings.simplefilter("ignore", ConvergenceWarning)
    start = time.perf_counter()
    mnist = np.load(folder / "mnist_train.npz")
    X, y = mnist["X"] / 255.0, mnist["y"]
    X_test, y_test = X[N_TRAIN:], y[N_TRAIN:]
    missing = masks(len(X_test), np.random.default_rng(0))
    print(f"{'accuracy':42}{'fit s':>8}" + "".join(f"{name:>12}" for name in missing), flush=True)
    for name, fit in CLASSIFIERS.items():
        fit_start = time.perf_counter()
        classifier = fit(X[:N_TRAIN], y[:N_TRAIN])
        print(f"{name:42}{time.perf_counter() - fit_start:8.1f}", end="", flush=True)
        for mask, cells in missing.items():
            if (name, mask) in LEFT_OUT:
                print(f"{'-':>12}", end="", flush=True)
                continue
            accuracy = classifier.score(np.where(cells, np.nan, X_test), y_test)
            print(f"{accuracy:12.4f}", end="", flush=True)
        print()
    print(f"\n{len(y_test)} images, {time.perf_counter() - start:.0f} s in all")


if __name__ == "__main__":
    main()
