"""How quickly densities of one family side by side are scored and learned, beside peers and loops.

usage: python benchmarks/groups.py [--data FOLDER] [--rows N] [--repeats N]

Each row gives the milliseconds of two ways to the same end, taken in turns, the quickest of each,
and their ratio. "one by one" is the loop over single densities. Public calls of the library stand
beside those of scikit-learn; below them, what scores and counts k densities in one pass stands
beside the loop, and 20 steps of expectation-maximisation by it beside ``GaussianMixture``. With
--data, images are those of FOLDER/mnist_train.npz; without, they are random.
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
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
)
from skdgm._codes import readonly
from skdgm.density._bernoulli_group import BernoulliTerms, count_bernoulli
from skdgm.density._engine.responsibilities import responsibilities
from skdgm.density.gaussian._covariances import FullCovariance
from skdgm.density.gaussian._group import (
    GroupMoments,
    log_prob_each,
    log_prob_independent,
    log_prob_tied,
)
from skdgm.density.markov_chain._group import ChainTerms, count_chains

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
    """Grey images as rows of bytes, and their labels."""
    if folder is None:
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (n_rows, 784)).astype(np.uint8), rng.integers(0, K, n_rows)
    with np.load(Path(folder) / "mnist_train.npz") as data:
        X, y = data["X"], data["y"]
    rows = np.arange(n_rows) % len(X)
    return X.reshape(len(X), -1)[rows], y[rows]


def compare_bernoulli(X, y, repeats):
    """Classify, score and count by ten times independent coins."""
    ours, peer = GenerativeClassifier(BernoulliIndependentDensity()).fit(X, y), BernoulliNB()
    peer.fit(X, y)
    compare("BernoulliNB().predict", lambda: ours.predict(X), lambda: peer.predict(X), repeats)
    rng = np.random.default_rng(0)
    weight, holes = rng.dirichlet(np.ones(K), len(X)), np.array(X)
    holes[rng.random(X.shape) < 0.3] = 255
    densities = ours.densities_
    log_zero = np.array([density._log_zero for density in densities])
    log_one = np.array([density.feature_log_prob_ for density in densities])
    for what, codes in (("", readonly(X)), (", 30 % missing", readonly(holes))):
        compare(
            f"10 Bernoullis{what}: log_prob one by one",
            lambda codes=codes: BernoulliTerms(log_zero, log_one).log_prob(codes),
            lambda codes=codes: score_one_by_one(densities, codes),
            repeats,
        )
        compare(
            f"10 Bernoullis{what}: counts one by one",
            lambda codes=codes: count_bernoulli(codes, weight),
            lambda codes=codes: count_one_by_one(densities, codes, weight),
            repeats,
        )


def compare_chains(X, n_categories, order, repeats):
    """Score and count by ten chains of one order."""
    rng = np.random.default_rng(0)
    densities = [
        MarkovChainImageDensity(order, n_categories=n_categories).fit(X[start : start + 500])
        for start in range(0, 500 * K, 500)
    ]
    shape, weight = densities[0]._shape, rng.dirichlet(np.ones(K), len(X))
    log_probability = [density._tables.log_probability for density in densities]
    codes = readonly(X)
    compare(
        f"10 chains of order {order}, {n_categories} categories: log_prob one by one",
        lambda: ChainTerms(log_probability, shape).log_prob(codes),
        lambda: score_one_by_one(densities, codes),
        repeats,
    )
    compare(
        f"10 chains of order {order}, {n_categories} categories: counts one by one",
        lambda: count_chains(codes, weight, shape),
        lambda: count_one_by_one(densities, codes, weight),
        repeats,
    )


def score_one_by_one(densities, codes):
    """Log-probabilities (n_rows, k) by the loop over densities."""
    return np.stack([density._log_prob(codes) for density in densities], axis=1)


def count_one_by_one(densities, codes, weight):
    """Statistics by the loop over densities."""
    return [
        density._count(codes, np.ascontiguousarray(own))
        for density, own in zip(densities, weight.T, strict=True)
    ]


class QuickMixture:
    """A mixture of normals by what computes them together."""

    def __init__(self, covariance_type, X, shares):
        self.covariance_type = covariance_type
        kinds = {"full": "full", "tied": "pooled"}
        self.kind = kinds.get(covariance_type, "diagonal")
        self.estimate(GroupMoments.count(X, shares, self.kind))

    def estimate(self, moments):
        """Take weights, means and covariances from expected moments."""
        self.weights, self.mean = moments.total / moments.total.sum(), moments.mean
        if self.covariance_type == "full":
            self.covariances = [FullCovariance(own, 0.0, 1e-6) for own in moments.parts()]
        elif self.covariance_type == "tied":
            self.covariance = FullCovariance(moments.pooled(), 0.0, 1e-6)
        else:
            variance = moments.scatter / moments.total[:, np.newaxis]
            if self.covariance_type == "spherical":
                variance = variance.mean(axis=1, keepdims=True)
            self.variance = variance + 1e-6

    def log_prob(self, X):
        """Log-densities (n_rows, k)."""
        if self.covariance_type == "full":
            return log_prob_each(self.covariances, self.mean, X)
        if self.covariance_type == "tied":
            own = self.covariance
            return log_prob_tied(own._whitening, own.log_det, self.mean, X)
        return log_prob_independent(self.variance, self.mean, X)

    def step(self, X):
        """Take one step of expectation-maximisation and return the mean log-likelihood before."""
        shares, log_prob = responsibilities(self.log_prob(X) + np.log(self.weights), self.weights)
        self.estimate(GroupMoments.count(X, shares, self.kind))
        return log_prob.mean()


def compare_normals(X, covariance_type, repeats):
    """Take 20 steps from random responsibilities."""
    rng = np.random.default_rng(0)

    def together():
        mixture = QuickMixture(covariance_type, X, rng.dirichlet(np.ones(K), len(X)))
        for _ in range(N_STEPS):
            mixture.step(X)

    settings = {"max_iter": N_STEPS, "tol": 0.0, "random_state": 0}
    peer = GaussianMixture(K, covariance_type=covariance_type, init_params="random", **settings)
    ours = MixtureDensity(GaussianDensity(covariance_type), K, init="random", **settings)
    name = f"{len(X)} x {X.shape[1]}, 20 steps, {covariance_type}: GaussianMixture"
    compare(f"{name}, public fit", lambda: ours.fit(X), lambda: peer.fit(X), repeats)
    compare(f"{name}, together", together, lambda: peer.fit(X), repeats)


def compare_mixture_of_bernoullis(X, repeats):
    """Take 20 steps in the public way, and together."""
    rng = np.random.default_rng(0)

    def together():
        shares = rng.dirichlet(np.ones(K), len(X))
        codes = readonly(X)
        for _ in range(N_STEPS + 1):
            observed, ones = count_bernoulli(codes, shares)
            probability, weights = (ones + 1) / (observed + 2), observed[:, 0] / len(X)
            log_prob = BernoulliTerms(np.log1p(-probability), np.log(probability)).log_prob(codes)
            shares, _ = responsibilities(log_prob + np.log(weights), weights)

    settings = {"max_iter": N_STEPS, "tol": 0.0, "random_state": 0}
    public = MixtureDensity(BernoulliIndependentDensity(), K, init="random", **settings)
    name = "mixture of 10 Bernoullis, 20 steps together: public fit"
    compare(name, together, lambda: public.fit(X), repeats)


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
    print(f"{len(grey)} x {grey.shape[1]} images")
    print(f"{'against':64} {'ms':>9} {'ms':>9} {'ratio':>7}")
    compare_bernoulli(binary, y, repeats)
    compare_mixture_of_bernoullis(binary, repeats)
    for n_categories, order in ((2, 1), (2, 3), (4, 0), (4, 1), (16, 1)):
        compare_chains((grey // (256 // n_categories)), n_categories, order, repeats)
    rng = np.random.default_rng(0)
    label = rng.integers(K, size=arguments.rows)
    normals = rng.normal(size=(arguments.rows, 20)) @ rng.normal(size=(20, 20))
    normals += 3 * rng.normal(size=(K, 20))[label]
    for covariance_type in ("full", "tied", "diag", "spherical"):
        compare_normals(normals, covariance_type, repeats)


if __name__ == "__main__":
    main()
