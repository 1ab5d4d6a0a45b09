"""The rows of the table: densities of categories, of numbers, and classifiers."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, GaussianNB
from sklearn.preprocessing import PowerTransformer

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)

from .calls import (
    ONE_PASS,
    SCATTER,
    Named,
    draws,
    draws_of_holes,
    factors,
    fit,
    fit_each,
    predict,
    products,
    query,
    sample,
    score,
    score_each,
)
from .data import (
    KINDS,
    colours,
    grey,
    images,
    images_with_holes,
    normals,
    normals_with_holes,
    short_images,
    small_table,
)
from .row import Row, memory, seconds, speedup, yardsticks

N_STEPS = 20
N_DRAWS = 10_000
COVARIANCES = ("full", "tied", "diag", "spherical")

bernoulli, tree = BernoulliIndependentDensity(), ChowLiuTreeDensity()
chain = MarkovChainImageDensity
steps = {"max_iter": N_STEPS, "tol": 0.0, "random_state": 0}


def imputer(**settings):
    """Return the peer that fills in numbers."""
    return IterativeImputer(max_iter=5, random_state=0, **settings)


def score_of_one_class(data):
    """Log-probability of rows by scikit-learn, as that of the only class."""
    fitted = BernoulliNB().fit(data.X, np.zeros(len(data.X)))
    return lambda: fitted.predict_joint_log_proba(data.X)


# ---------------------------------------------------------------------- categories
def bernoulli_rows():
    """Independent columns, from every kind of input."""
    peer = Named("BernoulliNB", fit(BernoulliNB()))
    scoring = Named("BernoulliNB of one class", score_of_one_class)
    fit_goals = {"uint8": yardsticks(4), "float64": speedup(10)}
    for kind in KINDS:
        with_peer = peer if kind in fit_goals else None
        goals = fit_goals.get(kind, ())
        yield Row("Bernoulli fit", images(kind=kind), fit(bernoulli), ONE_PASS, with_peer, goals)
    for kind in KINDS:
        with_peer = scoring if kind == "uint8" else None
        goals = yardsticks(5) if kind == "uint8" else ()
        yield Row(
            "Bernoulli score", images(kind=kind), score(bernoulli), ONE_PASS, with_peer, goals
        )


def chain_rows():
    """Markov chains of several orders."""
    first = Named("order 1", fit(chain(1)))
    for kind in KINDS:
        goals = yardsticks(6) if kind == "uint8" else ()
        source = images(kind=kind)
        yield Row("chain of order 1 fit", source, fit(chain(1)), ONE_PASS, goals=goals)
    for order in (2, 4, 8):
        name = f"chain of order {order} fit"
        yield Row(name, images(), fit(chain(order)), ONE_PASS, first, speedup(0.1))
    for order in (1, 2, 4, 8):
        goals = yardsticks(20) if order == 1 else ()
        name = f"chain of order {order} score"
        yield Row(name, images(), score(chain(order)), ONE_PASS, goals=goals)
    for kind in ("float64", "memory map", "pandas"):
        yield Row("chain of order 1 score", images(kind=kind), score(chain(1)), ONE_PASS)
    for order in (16, 199):
        name = f"chain of order {order} fit"
        long = {"goals": memory(5), "in_steps": True}
        yield Row(name, short_images(), fit(chain(order)), ONE_PASS, **long)


def tree_rows():
    """The Chow-Liu tree, and one probability for each joint state."""
    yield Row("tree fit", images(), fit(tree), SCATTER)
    yield Row("tree score", images(), score(tree), ONE_PASS, goals=yardsticks(20))
    full = FullCategoricalDensity(n_categories=2)
    yield Row("joint states fit", images(), fit(full), ONE_PASS)
    yield Row("joint states score", images(), score(full), ONE_PASS)
    yield Row("joint states fit", colours(), fit(FullCategoricalDensity()), ONE_PASS)


def drawing_rows():
    """Samples of all families."""
    uniforms, gaussians = draws(N_DRAWS), draws(N_DRAWS, "standard_normal")
    families = {"Bernoulli": bernoulli, "chain of order 1": chain(1), "tree": tree}
    for name, density in {**families, "chain of order 8": chain(8)}.items():
        call, goals = sample(density, N_DRAWS, random_state=0), yardsticks(2)
        yield Row(f"{name} sample", images(), call, uniforms, goals=goals, draws=True)
    peer = Named("GaussianMixture", sample(GaussianMixture(), N_DRAWS))
    source, call = grey(5000), sample(GaussianDensity(), N_DRAWS, random_state=0)
    yield Row("normal sample", source, call, gaussians, peer, yardsticks(2), draws=True)


def hole_rows():
    """Images with holes."""
    families = {"Bernoulli": bernoulli, "chain of order 1": chain(1), "tree": tree}
    for how in ("right half", "20% of cells"):
        source = images_with_holes(1000, how)
        for name, density in families.items():
            yield Row(f"{name} score", source, score(density), ONE_PASS)
            mean = query("conditional_mean", density)
            yield Row(f"{name} conditional_mean", source, mean, ONE_PASS)
            drawn = query("conditional_sample", density, random_state=0)
            yield Row(f"{name} conditional_sample", source, drawn, draws_of_holes())
    source = images_with_holes(10_000, "right half")
    for order in (8, 12, 16):
        name, density = f"chain of order {order}", chain(order)
        long = {"goals": seconds(10), "in_steps": True}
        yield Row(f"{name} score", source, score(density), ONE_PASS, **long)
        mean = query("conditional_mean", density)
        yield Row(f"{name} conditional_mean", source, mean, ONE_PASS, **long)
    source = images_with_holes(10_000, "20% of cells", complete=False)
    yield Row("Bernoulli fit", source, fit(bernoulli), ONE_PASS)
    source = images_with_holes(5000, "20% of cells", 14, complete=False)
    call = fit(chain(1, max_iter=5))
    yield Row("chain of order 1 fit, 5 steps", source, call, ONE_PASS, in_steps=True)
    yield Row(
        "tree fit, 5 steps", source, fit(ChowLiuTreeDensity(max_iter=5)), SCATTER, in_steps=True
    )


# ---------------------------------------------------------------------- numbers
def normal_rows():
    """One normal."""
    peer = Named("GaussianMixture", fit(GaussianMixture()))
    scoring = Named("GaussianMixture", score(GaussianMixture()))
    for kind in ("float64", "float32", "uint8"):
        source = grey(20_000, kind=kind)
        with_peer = peer if kind == "float64" else None
        yield Row("normal fit", source, fit(GaussianDensity()), SCATTER, with_peer)
        with_peer = scoring if kind == "float64" else None
        yield Row("normal score", source, score(GaussianDensity()), products(), with_peer)
    source, diagonal = grey(20_000), GaussianDensity("diag")
    peer = Named("GaussianMixture", fit(GaussianMixture(covariance_type="diag")))
    yield Row("normal, diagonal, fit", source, fit(diagonal), ONE_PASS, peer)
    peer = Named("GaussianMixture", score(GaussianMixture(covariance_type="diag")))
    yield Row("normal, diagonal, score", source, score(diagonal), ONE_PASS, peer)
    low_rank = GaussianDensity("low_rank", n_factors=20)
    peer = Named("PCA", fit(PCA(20)))
    yield Row("normal, 20 factors, fit", source, fit(low_rank), SCATTER, peer)
    peer = Named("PCA", score(PCA(20)))
    yield Row("normal, 20 factors, score", source, score(low_rank), products(20), peer)


def normal_hole_rows():
    """Normals with holes, alone, in mixtures and behind transformers."""
    normal = GaussianDensity()
    source = normals_with_holes(3000, 12, complete=True)
    peer = Named("IterativeImputer", query("transform", imputer()))
    yield Row("normal score", source, score(normal), factors())
    mean = query("conditional_mean", normal)
    yield Row("normal conditional_mean", source, mean, factors(), peer)
    peer = Named("IterativeImputer", query("transform", imputer(sample_posterior=True)))
    drawn = query("conditional_sample", normal, random_state=0)
    yield Row("normal conditional_sample", source, drawn, factors(), peer)
    source = normals_with_holes(3000, 12)
    peer = Named("IterativeImputer", fit(imputer()))
    yield Row("normal fit", source, fit(normal), factors(), peer)
    source = normals_with_holes(200_000, 20, 0.5)
    yield Row(
        "normal fit, one pattern per row",
        *(source, fit(normal), factors()),
        goals=seconds(30),
        in_steps=True,
    )
    source = normals_with_holes(3000, 12, n_clusters=4)
    for name in COVARIANCES:
        density = GaussianDensity(name)
        mixture = MixtureDensity(density, 4, max_iter=100, tol=0.0, random_state=0)
        goals, work = seconds(5) if name == "tied" else (), factors(100)
        title = f"mixture of 4 normals, {name}, fit, 100 steps"
        yield Row(title, source, fit(mixture), work, goals=goals, in_steps=True)


def transformed_rows():
    """Densities behind transformers, beside the same densities without one."""
    mixture = MixtureDensity(GaussianDensity(), 4, random_state=0)
    for name, density in (("normal", GaussianDensity()), ("mixture of 4 normals", mixture)):
        behind = TransformedDensity(PowerTransformer(), density)
        for table in ("wine", "diabetes"):
            source = small_table(table, complete=False)
            alone = Named("untransformed", fit(density))
            yield Row(f"{name} fit", source, fit(behind), alone)
            source = small_table(table)
            for method in ("score_samples", "conditional_mean"):
                alone = Named("untransformed", query(method, density))
                goals = yardsticks(5) if method == "conditional_mean" else ()
                call = query(method, behind)
                yield Row(f"{name} {method}", source, call, alone, goals=goals)


def mixture_rows():
    """Mixtures: the start and 20 steps, or steps alone."""
    tens = MixtureDensity(bernoulli, 10, **steps)
    work = products(10, N_STEPS, both_ways=True)
    name = f"mixture of 10 Bernoullis fit, {N_STEPS} steps"
    yield Row(name, images(), fit(tens), work, goals=seconds(4))
    at_random = MixtureDensity(bernoulli, 10, init="random", **steps)
    yield Row(f"{name}, random start", images(), fit(at_random), work)
    yield Row("mixture of 10 Bernoullis score", images(), score(tens), products(10))
    source, name = normals(), "mixture of 10 normals"
    for covariance_type in COVARIANCES:
        goals = speedup(1.5 if covariance_type in ("diag", "tied") else 1)
        for start, init, init_params in (
            ("", "kmeans", "kmeans"),
            (", random start", "random", "random"),
        ):
            ours = MixtureDensity(GaussianDensity(covariance_type), 10, init=init, **steps)
            theirs = GaussianMixture(
                10, covariance_type=covariance_type, init_params=init_params, **steps
            )
            title = f"{name}, {covariance_type}, fit, {N_STEPS} steps{start}"
            work = products(200 if covariance_type in ("full", "tied") else 10, N_STEPS)
            peer = Named("GaussianMixture", fit(theirs))
            yield Row(title, source, fit(ours), work, peer, goals)
        peer = Named("GaussianMixture", score(theirs))
        title = f"{name}, {covariance_type}, score"
        yield Row(title, source, score(ours), products(200), peer, speedup(1))


# ---------------------------------------------------------------------- classifiers
def classifier_rows():
    """Bayes' rule, beside scikit-learn's classifiers or one density after the other."""
    ours, peer = GenerativeClassifier(bernoulli), BernoulliNB()
    fit_goals = {"uint8": speedup(20), "float64": speedup(4)}
    for kind in ("uint8", "float64", "float32", "pandas"):
        source, goals = images(kind=kind), fit_goals.get(kind, ())
        yield Row(
            "Bernoullis fit", source, fit(ours), ONE_PASS, Named("BernoulliNB", fit(peer)), goals
        )
    for kind in ("uint8", "float64"):
        theirs = Named("BernoulliNB", predict(peer))
        source, work = images(kind=kind), products(10)
        yield Row("Bernoullis predict", source, predict(ours), work, theirs, speedup(8))
    for order, n_categories in ((0, 4), (1, 4), (1, 16), (3, 2)):
        density = chain(order, n_categories=n_categories)
        ours = GenerativeClassifier(density)
        source = images(20_000, n_categories=n_categories)
        name = f"chains of order {order}"
        theirs = Named("one by one", fit_each(density))
        yield Row(f"{name} fit", source, fit(ours), ONE_PASS, theirs)
        theirs = Named("one by one", score_each(density))
        if order == 0:
            nb = CategoricalNB(min_categories=n_categories)
            theirs = Named("CategoricalNB", predict(nb))
        yield Row(f"{name} predict", source, predict(ours), ONE_PASS, theirs)


def discriminant_rows():
    """Discriminant analysis of grey images."""
    quadratic = "QuadraticDiscriminantAnalysis", QuadraticDiscriminantAnalysis(tol=1e-9)
    linear = "LinearDiscriminantAnalysis", LinearDiscriminantAnalysis(solver="lsqr")
    naive = "GaussianNB", GaussianNB()
    for covariance_type, (name, peer) in (("full", quadratic), ("tied", linear), ("diag", naive)):
        for kind in ("float64", "float32"):
            ours = GaussianDiscriminant(covariance_type)
            theirs = Named(name, fit(peer)), Named(name, predict(peer))
            if kind == "float32" and covariance_type == "full":
                theirs = None, None
            title = f"GaussianDiscriminant, {covariance_type},"
            source, work = grey(20_000, kind=kind), SCATTER
            yield Row(f"{title} fit", source, fit(ours), work, theirs[0])
            source = grey(20_000, kind=kind, n_queries=5000)
            work = products(7840 if covariance_type == "full" else 10)
            goals = speedup(3) if covariance_type == "full" else ()
            yield Row(f"{title} predict", source, predict(ours), work, theirs[1], goals)


SECTIONS = {
    "Independent columns": bernoulli_rows,
    "Markov chains": chain_rows,
    "Trees and joint states": tree_rows,
    "Samples": drawing_rows,
    "Images with holes": hole_rows,
    "Normals": normal_rows,
    "Normals with holes": normal_hole_rows,
    "Behind a transformer, with holes": transformed_rows,
    "Mixtures": mixture_rows,
    "Classifiers": classifier_rows,
    "Discriminant analysis": discriminant_rows,
}
