"""Time of the public calls, relative to one plain pass over the same data.

usage: python benchmarks/kernels.py [--data FOLDER] [--rows N]

Every row is a call on N x 784 binary images, with its time as a multiple of ``X.max()``, which
reads the data once; both are measured in this run, as the shortest of several. Rows "1000, half
missing" score a thousand images with the right half missing, or with half of the pixels of each
missing at random. The last rows are peers in scikit-learn. With --data, the images are those of
FOLDER/mnist_train.npz above grey level 127; without, they are random.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB

from skdgm import (
    BernoulliIndependentDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
)


def shortest(call, repeats=5):
    """Return the seconds of the fastest of several calls, after one that may compile."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def images(folder, n_rows):
    """Load binary images as rows of zeros and ones, uint8."""
    if folder is None:
        return (np.random.default_rng(0).random((n_rows, 784)) < 0.2).astype(np.uint8)
    grey = np.load(Path(folder) / "mnist_train.npz")["X"][:n_rows]
    return (grey > 127).astype(np.uint8)


def calls(X):
    """Yield the public calls and their peers, by name."""
    columns, rng = np.arange(X.shape[1]), np.random.default_rng(0)
    missing = {
        "half missing": columns % 28 >= 14,
        "half missing at random": rng.random((1000, X.shape[1])) < 0.5,
    }
    incomplete = {how: np.where(cells, np.nan, X[:1000]) for how, cells in missing.items()}
    for density in (
        BernoulliIndependentDensity(),
        MarkovChainImageDensity(order=1),
        MarkovChainImageDensity(order=3),
        MarkovChainImageDensity(order=12),
        FullCategoricalDensity(n_categories=2),
        GaussianDensity("low_rank", n_factors=20),
    ):
        name = str(density)
        yield f"{name}.fit", lambda density=density: density.fit(X)
        yield f"{name}.score_samples", lambda density=density: density.score_samples(X)
        yield f"{name}.sample(10000)", lambda density=density: density.sample(10_000, 0)
        for how, rows in incomplete.items():
            yield f"  1000, {how}", lambda density=density, rows=rows: density.score_samples(rows)
    y = np.arange(len(X)) % 10
    yield "peer: BernoulliNB().fit", lambda: BernoulliNB().fit(X, y)
    mixture = GaussianMixture()
    yield "peer: GaussianMixture().fit", lambda: mixture.fit(X)
    yield "peer: GaussianMixture().score_samples", lambda: mixture.score_samples(X)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="FOLDER", help="folder that holds mnist_train.npz")
    parser.add_argument("--rows", metavar="N", type=int, default=60_000)
    arguments = parser.parse_args()
    X = images(arguments.data, arguments.rows)
    one_pass = shortest(X.max)
    print(f"{len(X)} x {X.shape[1]} uint8; one pass (X.max()): {1000 * one_pass:.1f} ms\n")
    print(f"{'call':62} {'ms':>9} {'passes':>9}")
    for name, call in calls(X):
        seconds = shortest(call, repeats=3)
        print(f"{name:62} {1000 * seconds:9.1f} {seconds / one_pass:9.1f}", flush=True)


if __name__ == "__main__":
    main()
