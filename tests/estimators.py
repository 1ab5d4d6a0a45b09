"""Every public estimator, found by itself, and the cases on which the common tests run."""

from __future__ import annotations

import copy
import importlib
import inspect
import itertools
import pkgutil
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, StandardScaler

import skdgm
from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    BinnedDensity,
    CategoricalIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    DensityOutlierDetector,
    FullCategoricalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    MultipleImputer,
    NegativeBinomialIndependentDensity,
    NormalScoreTransformer,
    PCAProjection,
    PoissonIndependentDensity,
    StepIndependentDensity,
    TableDensity,
    TransformedDensity,
)
from skdgm.density import BaseDensity
from skdgm.density._derived import DerivedDensity

# The smallest sensible argument of estimators that cannot be constructed without one, or that fit
# many densities without one.
REQUIRED_ARGUMENTS = {
    BaggingDensity: {"density": GaussianDensity(), "n_estimators": 3, "random_state": 0},
    BinnedDensity: {"density": ChowLiuTreeDensity()},
    ColumnDensity: {"densities": [("all", GaussianDensity(), slice(None))]},
    ConditionalDensity: {"density": GaussianDensity()},
    DensityImputer: {"density": GaussianDensity()},
    DensityOutlierDetector: {"density": GaussianDensity(), "random_state": 0},
    GenerativeClassifier: {"density": GaussianDensity()},
    MixtureDensity: {"density": GaussianDensity()},
    MultipleImputer: {"density": GaussianDensity(), "n_imputations": 2, "random_state": 0},
    TableDensity: {"density": ChowLiuTreeDensity()},
    TransformedDensity: {"transformer": StandardScaler(), "density": GaussianDensity()},
}


COIN_AND_NORMAL = ColumnDensity(
    [
        ("first", BernoulliIndependentDensity(), 0),
        ("others", GaussianDensity("tied"), slice(1, None)),
    ]
)

# Settings that run other code than the defaults do, for scikit-learn's checks.
VARIANTS = [
    BernoulliIndependentDensity(alpha=0.0, bounds=(0.1, 0.9), n_jobs=2),
    GaussianDensity("diag", shrinkage=0.1),
    GaussianDensity("low_rank"),
    GaussianDiscriminant("tied", shrinkage="auto"),
    GenerativeClassifier(BernoulliIndependentDensity()),
    GenerativeClassifier(ChowLiuTreeDensity(n_categories=50)),
    DensityImputer(BernoulliIndependentDensity(), "sample", add_indicator=True, random_state=0),
    MixtureDensity(BernoulliIndependentDensity(), 4, init="random", random_state=0),
    MixtureDensity(MarkovChainImageDensity(n_categories=50), random_state=0, n_init=2),
    MixtureDensity(GaussianDensity("tied", shrinkage="auto")),
    HiddenChowLiuTreeDensity(4, n_categories=50, random_state=0, batch_size=10),
    PCAProjection(n_components=1, whiten=True),
    ChainRuleDensity(order=1, scan="random", random_state=0, n_categories=50, alpha=0.0),
    TransformedDensity(make_pipeline(StandardScaler(), PowerTransformer()), GaussianDensity()),
    TransformedDensity(
        QuantileTransformer(n_quantiles=2, output_distribution="normal"), GaussianDensity("diag")
    ),
    MixtureDensity(TransformedDensity(StandardScaler(), GaussianDensity()), random_state=0),
    COIN_AND_NORMAL,
    MixtureDensity(COIN_AND_NORMAL, random_state=0),
    BaggingDensity(
        BernoulliIndependentDensity(),
        3,
        resampling="bootstrap",
        weights="out_of_bag",
        random_state=0,
    ),
    MixtureDensity(NegativeBinomialIndependentDensity(), random_state=0),
    TableDensity(random_state=0),
    DensityImputer(TableDensity(CategoricalIndependentDensity()), add_indicator=True),
    GenerativeClassifier(TableDensity(ChowLiuTreeDensity())),
]


def public_estimators() -> list[type[BaseEstimator]]:
    """Find every concrete estimator class of skdgm, except the steps inside the comparison.

    The over-sampler follows the conventions of imbalanced-learn; ``integration`` checks it.
    """
    modules = [skdgm]
    for info in pkgutil.walk_packages(skdgm.__path__, "skdgm."):
        if not info.name.endswith(("__main__", "over_sampling", ".dask")):  # other packages
            modules.append(importlib.import_module(info.name))
    found = {
        member
        for module in modules
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, BaseEstimator)
        and member.__module__.startswith("skdgm.")
        and not member.__module__.startswith(("skdgm._", "skdgm.comparison."))
        and not member.__name__.startswith("_")
        and not inspect.isabstract(member)
        and not issubclass(member, DerivedDensity)  # which is never fitted
    }
    return sorted(found, key=lambda estimator: estimator.__name__)


def smallest_instance(estimator: type[BaseEstimator]) -> BaseEstimator:
    """Return the estimator with its defaults, or with its smallest sensible argument."""
    return estimator(**REQUIRED_ARGUMENTS.get(estimator, {}))


@dataclass(frozen=True)
class Case:
    """A density with small data for it; ``n_categories`` is None for counts and real numbers."""

    name: str
    density: BaseDensity
    n_columns: int
    n_categories: int | None
    counts: bool = False

    def data(self, n_samples: int = 60, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if self.counts:
            level = rng.integers(0, 2, size=(n_samples, 1)) * 4 + 1
            return rng.poisson(rng.gamma(2, level, size=(n_samples, self.n_columns)))
        if self.n_categories is None:
            return rng.normal(size=(n_samples, self.n_columns)) @ rng.normal(
                size=(self.n_columns, self.n_columns)
            ) + rng.normal(size=self.n_columns)
        # Columns depend on one another, so that no family fits by chance.
        X = rng.integers(0, self.n_categories, size=(n_samples, self.n_columns))
        keep = rng.random((n_samples, self.n_columns - 1)) < 0.6
        for column in range(1, self.n_columns):
            X[:, column] = np.where(keep[:, column - 1], X[:, column - 1], X[:, column])
        return X

    def incomplete_data(self, n_samples: int = 60, seed: int = 0, share: float = 0.3) -> np.ndarray:
        """The same data as floats, with a share of the values missing in all rows but the first."""
        X = self.data(n_samples, seed).astype(float)
        missing = np.random.default_rng(seed + 1).random(X.shape) < share
        missing[0] = False
        X[missing] = np.nan
        return X

    @cached_property
    def fitted(self) -> BaseDensity:
        """The density fitted to ``data()``, shared by the tests that leave it as it is."""
        return clone(self.density).fit(self.data())

    def copy_of_fitted(self) -> BaseDensity:
        """A copy of ``fitted``, for tests that try to change it."""
        return copy.deepcopy(self.fitted)

    @cached_property
    def states(self) -> np.ndarray:
        """Every row that the categories make."""
        return np.array(list(itertools.product(range(self.n_categories), repeat=self.n_columns)))

    @cached_property
    def probability(self) -> np.ndarray:
        """Probability of each of the states under ``fitted``."""
        return np.exp(self.fitted.score_samples(self.states))


def few_steps(density: BaseDensity, max_iter: int = 2) -> BaseDensity:
    """Return a clone whose EM ends early, for what must hold after any number of steps."""
    names = [name for name in density.get_params() if name.split("__")[-1] == "max_iter"]
    own = [name for name in names if "classifier" not in name]
    return clone(density).set_params(**dict.fromkeys(own, max_iter))


def mixture(density: BaseDensity) -> MixtureDensity:
    """A mixture of two, fitted in few steps."""
    return MixtureDensity(density, random_state=0, max_iter=30)


SCALED = TransformedDensity(StandardScaler(), GaussianDensity(reg_covar=0.1))
MIXTURE_BEHIND = TransformedDensity(StandardScaler(), mixture(GaussianDensity(reg_covar=0.1)))
COINS = BernoulliIndependentDensity(alpha=0.1)
LOGISTIC = LogisticRegression(tol=1e-8, max_iter=1000)
COINS_AND_TREE = ColumnDensity(
    [("coins", BernoulliIndependentDensity(), [3, 1]), ("tree", ChowLiuTreeDensity(), [0, 4, 2])]
)
CHAIN_AND_FULL = ColumnDensity(
    [
        ("chain", MarkovChainImageDensity(n_categories=3), [2, 1]),
        ("full", FullCategoricalDensity(n_categories=3), [0, 3]),
    ]
)
UNSMOOTHED = ColumnDensity(
    [
        ("tree", ChowLiuTreeDensity(alpha=0), [1, 0, 3]),
        ("full", FullCategoricalDensity(alpha=0), [4, 2]),
    ]
)
MIXTURE_AND_FULL = ColumnDensity(
    [
        ("mixture", mixture(BernoulliIndependentDensity()), [3, 1]),
        ("full", FullCategoricalDensity(), [0, 2]),
    ]
)
POISSON_AND_NEGATIVE_BINOMIAL = ColumnDensity(
    [
        ("even", PoissonIndependentDensity(alpha=0), [2]),
        ("spread", NegativeBinomialIndependentDensity(alpha=0), [0, 1]),
    ]
)
HIDDEN = HiddenChowLiuTreeDensity(3, max_iter=20, random_state=0)
CATEGORIES = CategoricalIndependentDensity()
NORMALS = ColumnDensity([("pair", GaussianDensity(), [2, 0]), ("one", GaussianDensity("diag"), 1)])

CASES = [
    Case("bernoulli", BernoulliIndependentDensity(), 5, 2),
    Case("bernoulli-bounds", BernoulliIndependentDensity(alpha=0, bounds=(0.45, 0.55)), 5, 2),
    Case("chain-0", MarkovChainImageDensity(order=0), 5, 2),
    Case("chain-1", MarkovChainImageDensity(), 5, 2),
    Case("chain-1-unsmoothed", MarkovChainImageDensity(alpha=0), 5, 2),
    Case("chain-1-ternary", MarkovChainImageDensity(n_categories=3), 4, 3),
    Case("chain-1-homogeneous", MarkovChainImageDensity(homogeneous=True), 5, 2),
    Case("chain-2-snake", MarkovChainImageDensity(2, scan="snake", image_shape=(2, 3)), 6, 2),
    Case("chain-2-hilbert", MarkovChainImageDensity(2, scan="hilbert"), 4, 3),
    Case("chain-2-homogeneous", MarkovChainImageDensity(2, homogeneous=True, alpha=0.5), 5, 3),
    Case("chain-3-permuted", MarkovChainImageDensity(3, scan=[2, 0, 3, 1]), 4, 2),
    Case("chain-full", MarkovChainImageDensity(order=4, alpha=0.1), 5, 2),
    Case("full", FullCategoricalDensity(), 5, 2),
    Case("full-ternary", FullCategoricalDensity(n_categories=3, alpha=2.5), 4, 3),
    Case("full-unsmoothed", FullCategoricalDensity(alpha=0), 5, 2),
    Case("full-ties", FullCategoricalDensity(ties=np.arange(27).reshape(3, 3, 3) % 4), 3, 3),
    Case("gaussian", GaussianDensity(), 3, None),
    Case("gaussian-tied", GaussianDensity("tied", shrinkage="auto"), 3, None),
    Case("gaussian-diag", GaussianDensity("diag", shrinkage=0.2), 3, None),
    Case("gaussian-spherical", GaussianDensity("spherical"), 3, None),
    Case("gaussian-low-rank", GaussianDensity("low_rank", n_factors=1), 3, None),
    Case("mixture-bernoulli", mixture(BernoulliIndependentDensity(alpha=0.1)), 5, 2),
    Case("mixture-chain", mixture(MarkovChainImageDensity()), 4, 3),
    Case("mixture-mixture", mixture(mixture(BernoulliIndependentDensity(alpha=0.1))), 4, 2),
    Case("mixture-gaussian", mixture(GaussianDensity(reg_covar=0.1)), 3, None),
    Case("mixture-tied", mixture(GaussianDensity("tied", reg_covar=0.1)), 3, None),
    Case("hidden-tree", HiddenChowLiuTreeDensity(4, max_iter=20, random_state=0), 5, 2),
    Case("hidden-tree-ternary", HiddenChowLiuTreeDensity(7, max_iter=20, random_state=0), 4, 3),
    Case("chain-rule", ChainRuleDensity(LOGISTIC), 5, 2),
    Case("chain-rule-ternary", ChainRuleDensity(LOGISTIC, order=1, n_categories=3), 4, 3),
    Case("transformed", TransformedDensity(StandardScaler(), GaussianDensity()), 3, None),
    Case("transformed-power", TransformedDensity(PowerTransformer(), GaussianDensity()), 3, None),
    Case("transformed-mixture", MIXTURE_BEHIND, 3, None),
    Case("mixture-transformed", mixture(SCALED), 3, None),
    Case("columns", COINS_AND_TREE, 5, 2),
    Case("columns-ternary", CHAIN_AND_FULL, 4, 3),
    Case("columns-unsmoothed", UNSMOOTHED, 5, 2),
    Case("columns-mixture", MIXTURE_AND_FULL, 4, 2),
    Case("columns-normal", NORMALS, 3, None),
    Case("mixture-columns", mixture(COINS_AND_TREE), 5, 2),
    Case("mixture-columns-normal", mixture(NORMALS), 3, None),
    Case("bagging-bernoulli", BaggingDensity(COINS, 3, random_state=0), 5, 2),
    Case("bagging-gaussian", BaggingDensity(GaussianDensity(), 3, random_state=0), 3, None),
    Case("mixture-bagging", mixture(BaggingDensity(COINS, 3, random_state=0)), 4, 2),
    Case("chow-liu", ChowLiuTreeDensity(), 5, 2),
    Case("chow-liu-ternary", ChowLiuTreeDensity(n_categories=3, alpha=0.3), 4, 3),
    Case("chow-liu-unsmoothed", ChowLiuTreeDensity(alpha=0), 5, 2),
    Case("categorical", CATEGORIES, 4, 3),
    Case("categorical-unsmoothed", CategoricalIndependentDensity(alpha=0), 5, 2),
    Case("steps", StepIndependentDensity(), 3, None),
    Case("steps-counts", StepIndependentDensity(kinds="count"), 3, None, counts=True),
    Case("binned", BinnedDensity(ChowLiuTreeDensity(), 4), 3, None),
    Case("binned-counts", BinnedDensity(HIDDEN, 4, kinds="count"), 3, None, counts=True),
    Case("mixture-binned", mixture(BinnedDensity(CATEGORIES, 4)), 3, None),
    Case("table", TableDensity(ChowLiuTreeDensity()), 3, None),
    Case("copula", TransformedDensity(NormalScoreTransformer(), GaussianDensity()), 3, None),
    Case("poisson", PoissonIndependentDensity(), 3, None, counts=True),
    Case("negative-binomial", NegativeBinomialIndependentDensity(), 3, None, counts=True),
    Case("mixture-negative-binomial", mixture(NegativeBinomialIndependentDensity()), 3, None, True),
    Case("columns-counts", POISSON_AND_NEGATIVE_BINOMIAL, 3, None, counts=True),
]
DISCRETE_CASES = [case for case in CASES if case.n_categories is not None]
COUNT_CASES = [case for case in CASES if case.counts]
CONTINUOUS_CASES = [case for case in CASES if case.n_categories is None and case not in COUNT_CASES]
NORMAL_CASES = [case for case in CONTINUOUS_CASES if isinstance(case.density, GaussianDensity)]
FAMILY_CASES = [  # one per family, where its settings do not matter
    case
    for case in CASES
    if case.name
    in {
        "bernoulli",
        "chain-1-ternary",
        "full-ternary",
        "gaussian",
        "gaussian-tied",
        "gaussian-diag",
        "gaussian-low-rank",
        "mixture-bernoulli",
        "mixture-gaussian",
        "hidden-tree",
        "chain-rule",
        "transformed",
        "columns-ternary",
        "mixture-columns-normal",
        "bagging-bernoulli",
        "bagging-gaussian",
        "chow-liu-ternary",
        "categorical",
        "steps",
        "binned",
        "table",
        "copula",
        "poisson",
        "negative-binomial",
        "mixture-negative-binomial",
    }
]


def has_latent_class(density: BaseDensity) -> bool:
    """Return True if batches give another model than one fit: components are only expected."""
    return any(isinstance(own, MixtureDensity) for own in [density, *density.get_params().values()])


ADDITIVE_CASES = [
    case
    for case in CASES
    if hasattr(case.density, "partial_fit") and not has_latent_class(case.density)
]


def cases(selected: list[Case]) -> pytest.MarkDecorator:
    """Run a test on each of the cases."""
    return pytest.mark.parametrize("case", selected, ids=[case.name for case in selected])
