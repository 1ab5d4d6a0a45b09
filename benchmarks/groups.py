"""How quickly densities of one family side by side are scored and learned, beside peers and loops.

usage: python benchmarks/groups.py [--data FOLDER] [--rows N] [--repeats N]

Each row gives the milliseconds of two ways to the same end, taken in turns, the quickest of each,
and their ratio: public calls beside those of scikit-learn, and groups beside the loop over single
densities. With --data, images are those of FOLDER/mnist_train.npz; without, they are random.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB

from skdgm import (
    BernoulliIndependentDensity,
    DensityGroup,
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
)

K = 10
N_STEPS = 20


def compare(name, ours, other, repeats):
    """Print the quickest of several calls of each, taken in turns after one that may compile."""
    seconds = {ours: [], other: []}
    for repeat in range(repeats + 1):
        for call, taken in seconds.items():
            start = time.perf_counter()
            call()
            if repeat:
                taken.append(time.perf_counter() - start)
    quick, slow = min(seconds[ours]), min(seconds[other])
    print(f"{name:64} {1000 * quick:9.1f} {1000 * slow:9.1f} {slow / quick:7.2f}", flush=True)


def images(folder, n_rows):
    """Return grey images as rows of bytes, and their labels."""
    if folder is None:
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (n_rows, 784), dtype=np.uint8), rng.integers(K, size=n_rows)
    with np.load(Path(folder) / "mnist_train.npz") as file:
        grey, y = file["X"], file["y"]
    rows = np.arange(n_rows) % len(grey)
    return grey[rows], y[rows]


def compare_group(name, density, X, y, repeats):
    """Compare what a group of ten computes in one pass with the loop over its densities."""
    group = GenerativeClassifier(density).fit(X, y)._group
    codes = group.prototype._encode(X)
    shares = np.random.default_rng(0).dirichlet(np.ones(len(group.densities)), len(X))
    weight = np.ones(len(X))
    compare(
        f"{name}: log_prob, loop",
        lambda: group.log_prob(codes),
        lambda: DensityGroup.log_prob(group, codes),
        repeats,
    )
    compare(
        f"{name}: expect, loop",
        lambda: group.expect(codes, shares, weight),
        lambda: DensityGroup.expect(group, codes, shares, weight),
        repeats,
    )


def compare_classifiers(X, y, repeats):
    """Compare fitting and predicting with naive Bayes."""
    ours = GenerativeClassifier(BernoulliIndependentDensity()).fit(X, y)
    peer = BernoulliNB().fit(X, y)
    name = "classifier of Bernoullis"
    compare(f"{name}: fit, BernoulliNB", lambda: ours.fit(X, y), lambda: peer.fit(X, y), repeats)
    compare(
        f"{name}: predict, BernoulliNB", lambda: ours.predict(X), lambda: peer.predict(X), repeats
    )


def compare_normals(X, covariance_type, repeats):
    """Compare mixtures of ten normals, 20 steps from random responsibilities."""
    settings = {"max_iter": N_STEPS, "tol": 0.0, "random_state": 0}
    peer = GaussianMixture(K, covariance_type=covariance_type, init_params="random", **settings)
    ours = MixtureDensity(GaussianDensity(covariance_type), K, init="random", **settings)
    name = f"mixture, {len(X)} x {X.shape[1]}, {N_STEPS} steps, {covariance_type}: GaussianMixture"
    compare(name, lambda: ours.fit(X), lambda: peer.fit(X), repeats)


def compare_steps_of_bernoullis(X, repeats):
    """Compare the steps of a mixture of ten Bernoullis with as many passes over the data."""
    settings = {"max_iter": N_STEPS, "tol": 0.0, "random_state": 0}
    ours = MixtureDensity(BernoulliIndependentDensity(), K, init="random", **settings)
    compare(
        f"mixture of Bernoullis: {N_STEPS} steps, {N_STEPS} passes (X.max())",
        lambda: ours.fit(X),
        lambda: [X.max() for _ in range(N_STEPS)],
        repeats,
    )


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="FOLDER", help="folder that holds mnist_train.npz")
    parser.add_argument("--rows", metavar="N", type=int, default=60_000)
    parser.add_argument("--repeats", metavar="N", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    grey, y = images(arguments.data, arguments.rows)
    binary, repeats = (grey > 127).astype(np.uint8), arguments.repeats
    print(f"{len(grey)} x {grey.shape[1]} images, ten densities side by side")
    print(f"{'ours, and the other':64} {'ms':>9} {'ms':>9} {'ratio':>7}")
    compare_classifiers(binary, y, repeats)
    compare_steps_of_bernoullis(binary, repeats)
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(arguments.rows, 20)) @ rng.normal(size=(20, 20))
    normals += 3 * rng.normal(size=(K, 20))[rng.integers(K, size=arguments.rows)]
    for covariance_type in ("full", "tied", "diag", "spherical"):
        compare_normals(normals, covariance_type, repeats)
    compare_group("Bernoullis", BernoulliIndependentDensity(), binary, y, repeats)
    for n_categories, order in ((2, 1), (2, 3), (4, 0), (4, 1), (16, 1)):
        density = MarkovChainImageDensity(order, n_categories=n_categories)
        name = f"chains of order {order}, {n_categories} categories"
        compare_group(name, density, grey // (256 // n_categories), y, repeats)
    for covariance_type in ("full", "tied", "diag", "spherical"):
        compare_group(
            f"normals, {covariance_type}", GaussianDensity(covariance_type), normals, y, repeats
        )


if __name__ == "__main__":
    main()
