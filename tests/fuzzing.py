"""Random problems for every public density and classifier: one integer makes one problem.

A problem is an estimator with a random configuration, and random data for it: holes, constant and
copied columns, repeated rows, units and shifts far from one, weights, and narrow dtypes. The
properties that hold for it are in ``fuzzing_properties``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    CategoricalIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)
from skdgm.density import BaseDensity

from .estimators import LOGISTIC

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical", "low_rank"]


@dataclass
class Problem:
    """An unfitted estimator, its training data, and rows to ask about."""

    seed: int
    estimator: BaseEstimator
    X: np.ndarray
    y: np.ndarray | None  # class labels, for classifiers
    weight: np.ndarray | None
    queries: np.ndarray  # floats, with missing values if the estimator takes them
    continuous: np.ndarray  # mask of columns

    @property
    def parts(self) -> list[BaseEstimator]:
        return parts(self.estimator)

    def parts_of(self, family: type) -> list[Any]:
        return [part for part in self.parts if isinstance(part, family)]

    @property
    def constant(self) -> np.ndarray:
        """Mask of columns whose observed values, in rows of any weight, are all equal."""
        X = self.X.astype(np.float64)
        if self.weight is not None:
            X = X[self.weight > 0]
        return np.fmax.reduce(X) == np.fmin.reduce(X)

    @property
    def has_holes(self) -> bool:
        return bool(np.isnan(self.X.astype(np.float64)).any())

    def fit(self, **changes: Any) -> BaseEstimator:
        """Fit a clone, to the data of the problem or to others given by name."""
        data = {"X": self.X, "y": self.y, "weight": self.weight, **changes}
        model = clone(data.get("estimator", self.estimator))
        return model.fit(data["X"], data["y"], sample_weight=data["weight"])

    def __str__(self) -> str:
        weight = "" if self.weight is None else ", weights"
        holes = ", holes" if self.has_holes else ""
        text = " ".join(repr(self.estimator).split())
        return f"{text} on {self.X.dtype} {self.X.shape}{holes}{weight}"


def parts(estimator: BaseEstimator) -> list[BaseEstimator]:
    """The estimator and every unfitted estimator in it."""
    inside = estimator.get_params().values()
    return [estimator, *(one for one in inside if isinstance(one, BaseEstimator))]


def ties_columns(estimator: BaseEstimator) -> bool:
    """True if the estimator compares columns by its definition, so that they need one unit."""
    return any(
        isinstance(part, PCA)
        or getattr(part, "covariance_type", "full") in ("spherical", "low_rank")
        for part in parts(estimator)
    )


def make_problem(seed: int) -> Problem:
    """Make the problem of a seed."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["binary", "categorical", "continuous", "mixed"], p=[0.15, 0.3, 0.35, 0.2])
    n_columns = int(rng.integers(2 if kind == "mixed" else 1, 7))
    n_rows = int(rng.integers(1, 7) if rng.random() < 0.15 else rng.integers(7, 61))
    continuous = np.full(n_columns, kind == "continuous")
    if kind == "mixed":
        continuous[rng.permutation(n_columns)[: rng.integers(1, n_columns)]] = True
    label = rng.integers(0, rng.integers(2, 4), n_rows + 5)
    table, positive = make_table(rng, continuous, kind == "binary", label)
    estimator = make_estimator(rng, kind, continuous, positive, n_rows, table)
    table = in_units(rng, table, continuous, positive, ties_columns(estimator))
    is_classifier = not isinstance(estimator, BaseDensity)
    takes_holes = get_tags(estimator).input_tags.allow_nan
    X = table[:n_rows]
    if takes_holes and rng.random() < 0.5:
        X = with_holes(rng, X, label[:n_rows] if is_classifier else np.zeros(n_rows))
    X = in_some_dtype(rng, X, continuous)
    weight = make_weight(rng, n_rows)
    learned = X if weight is None else X[weight > 0]
    queries = make_queries(rng, learned, table[n_rows:], takes_holes)
    y = label[:n_rows] if is_classifier else None
    for one in (X, queries):
        one.flags.writeable = False
    return Problem(seed, estimator, X, y, weight, queries, continuous)


# ---------------------------------------------------------------------- data
def make_table(rng, continuous, binary, label):
    """Rows in which columns depend on each other and on the label, and whether all are positive."""
    n_rows, n_columns = len(label), len(continuous)
    table = np.empty((n_rows, n_columns))
    common = rng.normal(size=n_rows) + label
    positive = rng.random() < 0.25
    for j in range(n_columns):
        noise = rng.normal(size=n_rows) * rng.choice([0.3, 1.0, 3.0])
        column = common + noise
        if continuous[j]:
            table[:, j] = np.exp(column / 2) if positive else column
        else:
            n_categories = 2 if binary else int(rng.integers(2, 5))
            table[:, j] = np.clip(np.floor(column - column.mean() + 1), 0, n_categories - 1)
            if not binary and rng.random() < 0.2:
                table[:, j] = np.array([1, 2, 5, 100])[table[:, j].astype(int)]
    if rng.random() < 0.2:
        table[:, rng.integers(n_columns)] = 1.0
    if rng.random() < 0.2:
        source, target = rng.integers(n_columns, size=2)
        if continuous[source] == continuous[target]:
            table[:, target] = table[:, source]
    if rng.random() < 0.2:
        table = table[rng.integers(0, max(1, n_rows // 4), n_rows)]
    return table, positive


def in_units(rng, table, continuous, positive, one_unit):
    """The table in units far from one (one for all columns, or one each), and far from zero."""
    n_columns = len(continuous)
    if rng.random() < 0.4:
        unit = 10.0 ** rng.uniform(-8, 8, 1 if one_unit else n_columns)
        table = np.where(continuous, table * unit, table)
    if rng.random() < 0.2 and not positive:
        spread = table.std(axis=0)
        shift = spread * 10.0 ** rng.uniform(0, 6, n_columns) * rng.choice([-1, 1], n_columns)
        table = np.where(continuous, table + shift, table)
    return table


def with_holes(rng, X, label):
    """Hide a share of the cells, but in each column one of each label (mostly)."""
    hidden = rng.random(X.shape) < rng.choice([0.05, 0.2, 0.5])
    if rng.random() < 0.9:
        for own in np.unique(label):
            rows = np.flatnonzero(label == own)
            hidden[rng.choice(rows, X.shape[1]), np.arange(X.shape[1])] = False
    return np.where(hidden, np.nan, X)


def in_some_dtype(rng, X, continuous):
    """The table in a dtype that holds it."""
    dtypes = [np.float64, np.float64, np.float32]
    within = np.nanmax(np.abs(X)) < 1e3 and np.nanmin(np.abs(np.where(X == 0, 1, X))) > 1e-3
    if not continuous.any() or within:
        dtypes.append(np.float16)
    if not np.isnan(X).any():
        if continuous.any():
            dtypes += [np.int64] if np.abs(X).max() < 1e9 else []
        else:
            dtypes += [np.uint8, np.int8, np.int64, np.uint16]
            dtypes += [np.bool_] if X.max() <= 1 else []
    return X.astype(dtypes[rng.integers(len(dtypes))])


def make_weight(rng, n_rows):
    kind = rng.choice(["none", "integers", "reals"], p=[0.5, 0.25, 0.25])
    if kind == "none":
        return None
    weight = rng.integers(0, 4, n_rows) if kind == "integers" else rng.gamma(1.0, size=n_rows)
    weight[0] = max(weight[0], 1)
    return weight.astype(np.float64)


def make_queries(rng, X, fresh, takes_holes):
    """Rows of the training data and new ones, some with holes, one without any observed value."""
    seen = X[rng.integers(len(X), size=6)].astype(np.float64)
    largest = np.fmax.reduce(X.astype(np.float64))
    known = np.where(np.isnan(largest), fresh, np.minimum(fresh, largest))  # no new categories
    queries = np.vstack([seen, known.astype(X.dtype)])
    if takes_holes:
        queries = np.where(rng.random(queries.shape) < 0.3, np.nan, queries)
        queries[-1] = np.nan
    return queries


# ---------------------------------------------------------------------- estimators
def make_estimator(rng, kind, continuous, positive, n_rows, table):
    """A density for the table, or a classifier over one."""
    if kind == "continuous" and rng.random() < 0.15:
        return GaussianDiscriminant(**normal_options(rng, len(continuous)))
    columns = np.arange(len(continuous))
    if kind == "mixed":
        density = make_blocks(rng, columns, continuous, positive, n_rows, table, 1)
        if rng.random() < 0.5:
            density = make_mixture(rng, density)
    elif kind == "continuous":
        density = make_continuous(rng, columns, positive, n_rows, 2)
    else:
        density = make_discrete(rng, columns, n_rows, table, 2)
    return GenerativeClassifier(density) if rng.random() < 0.25 else density


def make_mixture(rng, density):
    return MixtureDensity(
        density,
        int(rng.integers(1, 4)),
        init=["kmeans", "kmeans", "random"][rng.integers(3)],
        n_init=int(rng.integers(1, 3)),
        max_iter=int(rng.integers(1, 15)),
        tol=1e-9 if rng.random() < 0.3 else 1e-3,
        random_state=int(rng.integers(100)),
    )


def make_bag(rng, density):
    resampling = str(rng.choice(["folds", "bootstrap", "bayesian"]))
    weights = "out_of_bag" if resampling == "bootstrap" and rng.random() < 0.5 else "equal"
    return BaggingDensity(
        density,
        int(rng.integers(1, 5)),
        resampling=resampling,
        weights=weights,
        random_state=int(rng.integers(100)),
    )


def make_blocks(rng, columns, continuous, positive, n_rows, table, depth):
    """Blocks of columns; those of one block are alike."""
    blocks = []
    for is_continuous in (True, False):
        own = rng.permutation(columns[continuous[columns] == is_continuous])
        cut = int(rng.integers(0, len(own))) if len(own) > 2 else 0
        for part in (own[:cut], own[cut:]):
            if len(part):
                places = np.arange(len(part))
                if is_continuous:
                    density = make_continuous(rng, places, positive, n_rows, depth)
                else:
                    density = make_discrete(rng, places, n_rows, table[:, part], depth)
                blocks.append((f"block{len(blocks)}", density, part.tolist()))
    return ColumnDensity(blocks)


def make_discrete(rng, columns, n_rows, table, depth):
    families = [make_chain, make_tree, make_full, make_hidden_tree, make_independent]
    if depth:  # many classifiers take long
        families.append(make_chain_rule)
    if table.max() <= 1:
        families += [make_bernoulli, make_bernoulli]
    if depth:
        choice = rng.random()
        if choice < 0.35:
            return make_mixture(rng, make_discrete(rng, columns, n_rows, table, depth - 1))
        if choice < 0.42:
            return make_bag(rng, make_discrete(rng, columns, n_rows, table, depth - 1))
        if choice < 0.5:
            none = np.zeros(len(columns), dtype=bool)
            return make_blocks(rng, columns, none, False, n_rows, table, depth - 1)
    return families[rng.integers(len(families))](rng, columns, table)


def some_alpha(rng):
    return float(rng.choice([0.0, 0.1, 1.0]))


def some_categories(rng, table, one=False):
    """Declare the number of categories, or not: sometimes one more than the table has."""
    n_categories = table.max(axis=None if one else 0).astype(int) + 1
    if rng.random() < 0.5:
        return "auto"
    n_categories = n_categories + int(rng.random() < 0.3)
    return int(n_categories) if one else n_categories.tolist()


def some_handling(rng):
    return str(rng.choice(["error", "error", "missing", "smooth"]))


def make_bernoulli(rng, columns, table):
    bounds = (0.1, 0.8) if rng.random() < 0.3 else (0.0, 1.0)
    return BernoulliIndependentDensity(alpha=some_alpha(rng), bounds=bounds)


def make_independent(rng, columns, table):
    return CategoricalIndependentDensity(
        n_categories=some_categories(rng, table),
        handle_unknown=some_handling(rng),
        alpha=some_alpha(rng),
    )


def make_chain(rng, columns, table):
    scan = rng.permutation(len(columns)).tolist() if rng.random() < 0.3 else "raster"
    return MarkovChainImageDensity(
        int(rng.integers(0, max(2, len(columns)))),
        scan=scan,
        n_categories=some_categories(rng, table, one=True),
        handle_unknown=some_handling(rng),
        alpha=some_alpha(rng),
        homogeneous=bool(rng.random() < 0.3),
        max_iter=int(rng.choice([1, 20])),
    )


def make_tree(rng, columns, table):
    max_iter = int(rng.choice([1, 20]))
    n_categories, options = some_categories(rng, table), {"handle_unknown": some_handling(rng)}
    return ChowLiuTreeDensity(n_categories, alpha=some_alpha(rng), max_iter=max_iter, **options)


def make_full(rng, columns, table):
    n_categories, ties = some_categories(rng, table), None
    handle_unknown = some_handling(rng)
    shape = table.max(axis=0).astype(int) + 1
    if rng.random() < 0.2 and handle_unknown != "smooth" and shape.prod() < 1000:
        n_categories, ties = shape.tolist(), rng.integers(0, 3, shape)
    max_iter = int(rng.choice([1, 20]))
    return FullCategoricalDensity(
        n_categories=n_categories,
        handle_unknown=handle_unknown,
        alpha=some_alpha(rng),
        ties=ties,
        max_iter=max_iter,
    )


def make_hidden_tree(rng, columns, table):
    return HiddenChowLiuTreeDensity(
        int(rng.integers(1, 5)),
        n_categories=some_categories(rng, table),
        alpha=some_alpha(rng),
        max_iter=int(rng.integers(1, 8)),
        batch_size=int(rng.choice([5, 256])),
        early_stopping=bool(rng.random() < 0.2),
        random_state=int(rng.integers(100)),
    )


def make_chain_rule(rng, columns, table):
    n_categories = int(table.max()) + 1
    classifiers = [
        LOGISTIC,
        CategoricalNB(min_categories=n_categories),
        DecisionTreeClassifier(max_depth=2, random_state=0),
    ]
    order = None if rng.random() < 0.5 else int(rng.integers(0, 3))
    return ChainRuleDensity(
        classifiers[rng.integers(3)], order, n_categories=n_categories, alpha=1.0, max_iter=3
    )


def normal_options(rng, n_columns):
    covariance_type = str(rng.choice(COVARIANCE_TYPES))
    shrinkage = [None, None, 0.1, 0.6, "auto"][rng.integers(5)]
    n_factors = None
    if covariance_type == "low_rank" and n_columns > 1 and rng.random() < 0.7:
        n_factors = int(rng.integers(1, n_columns))
    reg_covar = float(rng.choice([1e-6, 1e-6, 1e-3, 0.0]))
    max_iter = int(rng.choice([1, 30]))
    return {
        "covariance_type": covariance_type,
        "shrinkage": shrinkage,
        "reg_covar": reg_covar,
        "n_factors": n_factors,
        "max_iter": max_iter,
    }


def make_continuous(rng, columns, positive, n_rows, depth):
    choice = rng.random() if depth else 1.0
    if choice < 0.3:
        return make_mixture(rng, make_continuous(rng, columns, positive, n_rows, depth - 1))
    if choice < 0.37:
        return make_bag(rng, make_continuous(rng, columns, positive, n_rows, depth - 1))
    if choice < 0.55:
        inside = make_continuous(rng, columns, False, n_rows, depth - 1)
        return TransformedDensity(make_transformer(rng, positive, n_rows), inside)
    if choice < 0.65:
        every = np.ones(len(columns), dtype=bool)
        return make_blocks(rng, columns, every, positive, n_rows, None, depth - 1)
    return GaussianDensity(**normal_options(rng, len(columns)))


def make_transformer(rng, positive, n_rows):
    transformers = [
        StandardScaler(),
        MinMaxScaler(),
        MaxAbsScaler(),
        RobustScaler(),
        PowerTransformer(),
        make_pipeline(StandardScaler(), PowerTransformer()),
        QuantileTransformer(n_quantiles=min(3, n_rows), output_distribution="normal"),
        PCA(),
        *([PowerTransformer("box-cox")] * 2 if positive else []),
    ]
    return transformers[rng.integers(len(transformers))]
