"""What threads cost or gain: those of ``n_jobs``, and those that BLAS has of its own.

usage: python benchmarks/threads.py [--rows N] [--repeats N]

Each row gives the milliseconds of a call as it is by default, the quickest of several; the ratio of
the same call with ``n_jobs=2``, and of the default beside BLAS with one thread, taken in turns. No
ratio should be above 1.1 by more than the noise, which the last column shows: the ratio of two
series of the default call itself. Run it without OMP_NUM_THREADS, on an idle machine and on a busy
one.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)

BLAS = ThreadpoolController().select(user_api="blas")
SECONDS = 3  # for the repeats of quick calls


def quickest(calls, repeats):
    """Return the seconds of the quickest of several of each call, taken in turns."""
    for call in calls:  # which may compile
        call()
    seconds = {call: [] for call in calls}
    begin = time.perf_counter()
    while repeats > 0 or time.perf_counter() - begin < SECONDS:
        repeats -= 1
        for call, taken in seconds.items():
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in seconds.values()]


def with_one_thread(call):
    """Return the call with one thread of BLAS."""

    def limited():
        with BLAS.limit(limits=1):
            call()

    return limited


def compare(name, call_with, repeats):
    """Print a row, given what returns the call with a number of jobs."""
    default, threaded = call_with(None), call_with(2)
    again, limited = call_with(None), with_one_thread(call_with(None))
    own, two, one, noise = quickest([default, threaded, limited, again], repeats)
    ratios = f"{two / own:9.2f} {own / one:9.2f} {noise / own:9.2f}"
    print(f"{name:48} {1000 * own:9.1f} {ratios}", flush=True)


def compare_density(name, density, X, repeats, rows=None):
    """Compare fitting, and scoring rows."""

    def fit(n_jobs):
        return lambda: make(n_jobs).fit(X)

    def score(n_jobs):
        fitted = make(n_jobs).fit(X)
        return lambda: fitted.score_samples(X if rows is None else rows)

    def make(n_jobs):
        return type(density)(**{**density.get_params(deep=False), "n_jobs": n_jobs})

    if rows is None:
        compare(f"{name}: fit", fit, repeats)
    compare(f"{name}: score", score, repeats)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", metavar="N", type=int, default=20_000, help="of images")
    parser.add_argument("--repeats", metavar="N", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    repeats, rng = arguments.repeats, np.random.default_rng(0)
    print(f"{'':48} {'ms':>9} {'n_jobs=2':>9} {'BLAS':>9} {'noise':>9}")

    X = rng.normal(size=(3000, 10)) @ rng.normal(size=(10, 10))
    X[rng.random(X.shape) < 0.1] = np.nan
    compare_density("normal, 3000 x 10, 10 % missing", GaussianDensity(), X, repeats)
    compare_density("one row of them", GaussianDensity(), X, repeats, X[:1])
    X = rng.normal(size=(20_000, 20)) @ rng.normal(size=(20, 20))
    for k in (1, 3):
        mixture = MixtureDensity(GaussianDensity(), k, max_iter=20, random_state=0)
        compare_density(f"mixture of {k}, 20000 x 20", mixture, X, repeats)
    X = rng.normal(size=(1000, 100)) @ rng.normal(size=(100, 100))
    X[rng.random(X.shape) < 0.1] = np.nan
    compare_density("normal, 1000 x 100, 10 % missing", GaussianDensity(max_iter=3), X, repeats)

    binary = (rng.random((arguments.rows, 784)) < 0.2).astype(np.uint8)
    size = f"{arguments.rows} x 784"
    compare_density(f"Bernoulli, {size}", BernoulliIndependentDensity(), binary, repeats)
    compare_density(f"chain, {size}", MarkovChainImageDensity(), binary, repeats)
    compare_density(f"tree, {size}", ChowLiuTreeDensity(), binary, repeats)
    compare_density(f"normal, {size}", GaussianDensity(), binary, repeats)
    few = binary[:4000, :100]
    hidden = HiddenChowLiuTreeDensity(16, max_iter=3, random_state=0)
    compare_density("hidden tree, 4000 x 100", hidden, few, repeats)


if __name__ == "__main__":
    main()
