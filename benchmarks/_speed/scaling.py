"""How times grow with rows, columns and components, and the exponents that they follow."""

import numpy as np

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
)

from .calls import fit, sample, score
from .data import images, normals
from .measure import medians

N_ROWS = (1000, 10_000, 100_000, 1_000_000)
SIDES = (4, 8, 16, 32, 64)  # of images of 16 to 4,096 columns
COMPONENTS = (2, 4, 8, 16, 32, 64)

bernoulli, chain, tree = (
    BernoulliIndependentDensity(),
    MarkovChainImageDensity(),
    ChowLiuTreeDensity(),
)
DISCRETE = {
    "Bernoulli fit": fit(bernoulli),
    "Bernoulli score": score(bernoulli),
    "chain fit": fit(chain),
    "chain score": score(chain),
    "chain sample, 1,000": sample(chain, 1000, random_state=0),
    "tree fit": fit(tree),
    "tree score": score(tree),
}
NORMAL = {
    "normal, full, fit": fit(GaussianDensity()),
    "normal, full, score": score(GaussianDensity()),
    "normal, diag, fit": fit(GaussianDensity("diag")),
}


def with_components(density):
    """Return what fits a mixture of ``k`` densities."""
    settings = {"init": "random", "max_iter": 5, "tol": 0.0, "random_state": 0}
    return lambda k: fit(MixtureDensity(density, k, **settings))


def with_classes(k):
    """Return what fits a classifier of ``k`` classes."""

    def prepare(data):
        y = np.arange(len(data.X)) % k
        classifier = GenerativeClassifier(bernoulli)
        return lambda: classifier.fit(data.X, y)

    return prepare


def rows():
    """Yield the name of a series, the size that varies, and data and call for each size."""
    for name, call in DISCRETE.items():
        if "sample" not in name:
            yield name, "n", {n: (images(n, 8), call) for n in N_ROWS}
    for name, call in NORMAL.items():
        yield name, "n", {n: (normals(n, 16), call) for n in N_ROWS}
    for name, call in DISCRETE.items():
        yield name, "D", {side**2: (images(2000, side), call) for side in SIDES}
    for name, call in NORMAL.items():
        yield name, "D", {side**2: (normals(2000, side**2), call) for side in SIDES}
    binary, numbers = images(10_000, 8), normals(10_000, 16)
    for name, make, source in (
        ("mixture of Bernoullis fit, 5 steps", with_components(bernoulli), binary),
        ("mixture of normals, full, 5 steps", with_components(GaussianDensity()), numbers),
        ("mixture of normals, diag, 5 steps", with_components(GaussianDensity("diag")), numbers),
        ("classifier of Bernoullis fit", with_classes, binary),
    ):
        yield name, "K", {k: (source, make(k)) for k in COMPONENTS}


def measure(name, size, points, divisor=1):
    """Return the times of one series and the exponent of their least-squares power law."""
    times = {}
    for value, (source, prepare) in points.items():
        data = source.part(divisor).data()
        times[value] = medians({"ours": prepare(data)})["ours"]
    exponent = np.polyfit(np.log(list(times)), np.log(list(times.values())), 1)[0]
    return {"name": name, "size": size, "times": times, "exponent": float(exponent)}
