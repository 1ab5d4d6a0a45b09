"""Rows beside other libraries, which are skipped where they are not installed."""

from dataclasses import replace

import numpy as np
import pandas as pd

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    MixtureDensity,
)

from .calls import SCATTER, Named, draws, fit, products, query, sample, score
from .data import Data, images, normals, normals_with_holes
from .row import Row

K, N_STEPS = 4, 20
N_DRAWS = 10_000
STEPS = {"max_iter": N_STEPS, "tol": 0.0, "random_state": 0}


# ---------------------------------------------------------------------- peers
def tensor(X, dtype="float32"):
    """Return X as a tensor of PyTorch."""
    import torch

    return torch.tensor(X, dtype=getattr(torch, dtype))


def pomegranate_mixture(make):
    """Fit of a mixture by pomegranate, given what returns the list of its components."""

    def prepare(data):
        from pomegranate.gmm import GeneralMixtureModel

        X = tensor(data.X)
        return lambda: GeneralMixtureModel(make(), max_iter=N_STEPS, tol=-1, random_state=0).fit(X)

    return Named("pomegranate", prepare, "pomegranate")


def bernoullis():
    """Return components of pomegranate."""
    from pomegranate.distributions import Bernoulli

    return [Bernoulli() for _ in range(K)]


def gaussians(covariance_type):
    """Return what makes components of pomegranate."""

    def make():
        from pomegranate.distributions import Normal

        return [Normal(covariance_type=covariance_type) for _ in range(K)]

    return make


def pomegranate_score(data):
    """Log-density of one normal."""
    from pomegranate.distributions import Normal

    X = tensor(data.X)
    fitted = Normal().fit(X)
    return lambda: fitted.log_probability(X)


def pomegranate_sample(data):
    """Draws from one normal."""
    from pomegranate.distributions import Normal

    fitted = Normal().fit(tensor(data.X))
    return lambda: fitted.sample(N_DRAWS)


def pomegranate_tree(data):
    """Fit of a Chow-Liu tree."""
    from pomegranate.bayesian_network import BayesianNetwork

    X = tensor(data.X, "int64")
    return lambda: BayesianNetwork(algorithm="chow-liu").fit(X)


def pgmpy_tree(data):
    """Structure of a Chow-Liu tree, without its probabilities."""
    from pgmpy.estimators import TreeSearch

    frame = pd.DataFrame(data.X)
    return lambda: TreeSearch(frame, root_node=0).estimate("chow-liu", show_progress=False)


def stepmix(measurement):
    """Fit of a mixture by StepMix."""

    def prepare(data):
        from stepmix.stepmix import StepMix

        settings = {"max_iter": N_STEPS, "abs_tol": 0.0, "rel_tol": 0.0, "progress_bar": 0}
        return lambda: StepMix(K, measurement=measurement, random_state=0, **settings).fit(data.X)

    return Named("StepMix", prepare, "stepmix")


def hmmlearn_mixture(data):
    """Fit of a mixture, as a hidden Markov model of one state."""
    from hmmlearn.hmm import GMMHMM

    settings = {"covariance_type": "full", "n_iter": N_STEPS, "tol": -np.inf, "random_state": 0}
    return lambda: GMMHMM(1, K, **settings).fit(data.X)


def mlpack_mixture(data):
    """Fit of a mixture by mlpack."""
    from mlpack import gmm_train

    settings = {"max_iterations": N_STEPS, "tolerance": 0.0, "copy_all_inputs": True}
    return lambda: gmm_train(gaussians=K, input_=data.X, **settings)


def gmr_mixture(data):
    """Fit of a mixture by gmr."""
    from gmr import GMM

    return lambda: GMM(K, random_state=0).from_samples(data.X, n_iter=N_STEPS, R_diff=0.0)


def gmr_means(data):
    """Conditional means of the missing columns, by gmr."""
    from gmr import MVN

    normal, given = MVN().from_samples(data.learned), ~np.isnan(data.X[0])
    indices, queries = np.flatnonzero(given), data.X[:, given]
    return lambda: normal.predict(indices, queries)


def half_missing():
    """Source of normals whose last columns are missing."""
    source = normals(10_000, 10)

    def make(n_rows):
        data = source.make(n_rows)
        X = data.X.copy()
        X[:, 5:] = np.nan
        return Data(X, data.y, data.X)

    return replace(source, columns=f"{source.columns}, half missing", make=make)


# ---------------------------------------------------------------------- rows
def rows():
    """Yield a row for each task and library."""
    source = images(10_000, 10)
    coins = MixtureDensity(BernoulliIndependentDensity(), K, **STEPS)
    name, work = f"mixture of {K} Bernoullis, fit", products(K, N_STEPS, both_ways=True)
    for peer in (pomegranate_mixture(bernoullis), stepmix("binary")):
        yield Row(name, source, fit(coins), work, peer)
    for library, peer in (("pomegranate", pomegranate_tree), ("pgmpy", pgmpy_tree)):
        yield Row(
            "tree, fit", source, fit(ChowLiuTreeDensity()), SCATTER, Named(library, peer, library)
        )

    source, one = normals(10_000, 10), GaussianDensity()
    names = {"full": "gaussian_full", "diag": "gaussian_diag"}
    for covariance_type, measurement in names.items():
        mixture = MixtureDensity(GaussianDensity(covariance_type), K, **STEPS)
        peers = [pomegranate_mixture(gaussians(covariance_type)), stepmix(measurement)]
        if covariance_type == "full":
            own = {"hmmlearn": hmmlearn_mixture, "mlpack": mlpack_mixture, "gmr": gmr_mixture}
            peers += [Named(library, peer, library) for library, peer in own.items()]
        name = f"mixture of {K} normals, {covariance_type}, fit"
        for peer in peers:
            yield Row(name, source, fit(mixture), products(10 * K, N_STEPS), peer)
    peer = Named("pomegranate", pomegranate_score, "pomegranate")
    yield Row("normal, score", source, score(one), products(), peer)
    peer = Named("pomegranate", pomegranate_sample, "pomegranate")
    call, numbers = sample(one, N_DRAWS, random_state=0), draws(N_DRAWS, "standard_normal")
    yield Row("normal, sample", source, call, numbers, peer, draws=True)
    peer = Named("gmr", gmr_means, "gmr")
    mean = query("conditional_mean", one)
    yield Row("normal, conditional_mean", half_missing(), mean, products(), peer)
    source = normals_with_holes(10_000, 10, n_clusters=K)
    mixture = MixtureDensity(GaussianDensity("diag"), K, **STEPS)
    peer = stepmix("gaussian_diag_nan")
    name = f"mixture of {K} normals, diag, fit"
    yield Row(name, source, fit(mixture), products(K, N_STEPS, both_ways=True), peer)
