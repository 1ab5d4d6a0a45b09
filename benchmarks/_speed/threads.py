"""What threads gain: two jobs beside one, and what two threads gain on the yardstick alone."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from sklearn.base import clone
from threadpoolctl import ThreadpoolController

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)

from .calls import fit, repeated, sample, score
from .data import images, normals, normals_with_holes
from .measure import medians

BLAS = ThreadpoolController().select(user_api="blas")
LEAST_GAIN, MOST_LOSS = 1.6, 1.1


# ---------------------------------------------------------------------- yardsticks
def passes(X, n_threads):
    """Return ten passes over the rows in as many threads."""
    return in_threads([repeated(part.max, 10) for part in np.array_split(X, n_threads)])


def random_numbers(X, n_threads):
    """Return draws of as many numbers in as many threads."""
    generators = np.random.default_rng(0).spawn(n_threads)
    parts = np.array_split(np.empty(X.shape), n_threads)
    return in_threads(
        [partial(own.random, out=part) for own, part in zip(generators, parts, strict=True)]
    )


def factors(X, n_threads):
    """Return factorisations of a small matrix per row in as many threads."""
    blocks = np.broadcast_to(np.eye(X.shape[1]), (len(X), X.shape[1], X.shape[1])).copy()
    parts = np.array_split(blocks, n_threads)
    return in_threads([partial(np.linalg.cholesky, part) for part in parts])


def products(X, n_threads):
    """Return a product with a matrix in as many threads of BLAS."""
    W = np.ones((X.shape[1], X.shape[1]), X.dtype)
    return _limited(lambda: X @ W, n_threads)


def in_threads(calls):
    """Return the call that makes these calls, all at once."""
    if len(calls) == 1:
        return calls[0]
    pool = ThreadPoolExecutor(len(calls))
    return lambda: list(pool.map(lambda call: call(), calls))


# ---------------------------------------------------------------------- rows
def rows():
    """Yield the name, the data, what prepares a call of a density, the density and a yardstick."""
    source = images(40_000)
    families = {
        "Bernoulli": BernoulliIndependentDensity(),
        "chain of order 1": MarkovChainImageDensity(),
        "chain of order 4": MarkovChainImageDensity(4),
        "tree": ChowLiuTreeDensity(),
    }
    for name, density in families.items():
        yield f"{name} fit", source, fit, density, passes
        yield f"{name} score", source, score, density, passes
    for name, density in families.items():
        yield f"{name} sample", source, drawn, density, random_numbers
    steps = {"max_iter": 10, "tol": 0.0, "random_state": 0}
    coins = MixtureDensity(BernoulliIndependentDensity(), 10, init="random", **steps)
    yield "mixture of 10 Bernoullis, 10 steps", source, fit, coins, passes
    source = normals(50_000, 20)
    for covariance_type in ("full", "diag"):
        density = GaussianDensity(covariance_type)
        mixture = MixtureDensity(density, 10, init="random", **steps)
        yield f"mixture of 10 normals, {covariance_type}, 10 steps", source, fit, mixture, products
    yield "normal fit", source, fit, GaussianDensity(), products
    yield "normal score", source, score, GaussianDensity(), products
    source = normals_with_holes(3000, 12)
    yield "normal fit", source, fit, GaussianDensity(max_iter=10), factors
    hidden = HiddenChowLiuTreeDensity(16, max_iter=3, random_state=0)
    yield "hidden tree fit, 3 steps", images(4000, 10), fit, hidden, passes


def drawn(density):
    """Call of ``sample`` that draws as many numbers as its yardstick."""
    return lambda data: sample(density, len(data.X), random_state=0)(data)


def measure(name, source, call, density, yardstick, divisor=1):
    """Return how many times faster two jobs are, and the yardstick in two threads."""
    source = source.part(divisor)
    data = source.data()
    one, two = (call(clone(density).set_params(n_jobs=n_jobs))(data) for n_jobs in (1, 2))
    found = medians(
        {
            "one": one,
            "two": two,
            "again": call(clone(density).set_params(n_jobs=1))(data),
            "one thread of BLAS": _limited(one),
            "yardstick": yardstick(data.X, 1),
            "yardstick, two": yardstick(data.X, 2),
        }
    )
    gain, possible = (
        found["one"] / found["two"],
        found["yardstick"] / found["yardstick, two"],
    )
    return {
        "name": name,
        "data": source.label,
        "seconds": found["one"],
        "gain": gain,
        "yardstick_gain": possible,
        "blas_gain": found["one thread of BLAS"] / found["one"],
        "noise": found["again"] / found["one"],
        "met": bool(gain >= (LEAST_GAIN if possible >= LEAST_GAIN else 1 / MOST_LOSS)),
    }


def _limited(call, n_threads=1):
    """Return the call with as many threads of BLAS."""

    def limited():
        with BLAS.limit(limits=n_threads):
            call()

    return limited
