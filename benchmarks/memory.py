"""Memory that a fit takes beyond its input.

usage: python benchmarks/memory.py [--rows N]

Each fit runs in a process of its own; the figure is the rise of the process's peak memory above its
level before the fit, input included. Ten million random colours have 256**3 possible states; a
chain of order 12 on 784 pixels has 784 * 2**12 possible contexts.
"""

import argparse
import multiprocessing
import resource

import numpy as np

from skdgm import FullCategoricalDensity, MarkovChainImageDensity


def peak():
    """Return the largest memory that this process has held, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def colours(n_rows):
    """Fit one probability per colour to RGB pixels."""
    X = np.random.default_rng(0).integers(0, 256, size=(n_rows, 3), dtype=np.uint8)
    return report("FullCategoricalDensity, RGB pixels", FullCategoricalDensity(), X)


def long_chain(n_rows):
    """Fit a chain of order 12 to images that repeat a few contexts."""
    images = np.random.default_rng(0).integers(0, 2, size=(100, 784), dtype=np.uint8)
    X = np.repeat(images, max(1, n_rows // 10_000), axis=0)
    return report("MarkovChainImageDensity(order=12)", MarkovChainImageDensity(order=12), X)


def report(name, density, X):
    """Fit, after a small fit that compiles, and report the memory taken."""
    density.fit(X[:1000])
    before = peak()
    density.fit(X)
    used = (peak() - before) / 1e6
    return f"{name}: {len(X):,} x {X.shape[1]} input of {X.nbytes / 1e6:.0f} MB, {used:.0f} MB more"


def main():
    """Run each fit in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", metavar="N", type=int, default=10_000_000)
    arguments = parser.parse_args()
    for measure in (colours, long_chain):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.apply(measure, (arguments.rows,)), flush=True)


if __name__ == "__main__":
    main()
