"""The classifiers compared: for each a pipeline, and the grid of parameters to search.

Missing values are imputed for logistic regression; generative classifiers and boosted trees learn
and predict with NaN left in place. Frames are also given, as they are, to a density of the whole
table. Models that take long to fit have nothing to search.
"""

from __future__ import annotations

import warnings
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.stats import norm
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from .._tables import validate_table
from ..conditional import GaussianDiscriminant, GenerativeClassifier
from ..density import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    GaussianDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)
from ..density._engine.lend import lacking_columns, with_lent_values
from ..projection import PCAProjection
from ._table_classifier import SingleFit, TableClassifier, column_kinds
from ._tables import make_preparation

if TYPE_CHECKING:
    import pandas as pd

MEAN, ITERATIVE = "LogisticRegression", "IterativeImputer + LogisticRegression"
BOOSTING = "HistGradientBoostingClassifier"
MIXTURE = "MixtureDensity of ChowLiuTreeDensity"
TABLE = "TableDensity"
HALVES = (0.0,)  # thresholds for standardised columns
QUARTERS = (-0.6745, 0.0, 0.6745)  # the quartiles of the standard normal distribution
# Steps that gain less (in nats per row) hardly change predictions, and a search makes many fits.
EM: dict[str, Any] = {"max_iter": 10, "tol": 0.1}


# ---------------------------------------------------------------------- for logistic regression
class MaskedIterativeImputer(TransformerMixin, BaseEstimator):
    """Scikit-learn's ``IterativeImputer``, fitted to training rows with cells hidden on purpose.

    Fitted to complete rows, it would stop after a single round of regressions, none of which has
    seen an imputed value among its inputs. So a share of the cells of each training row is hidden,
    drawn uniformly from 0 to 1 for each row: the imputer then copes with few and with many missing
    values. ``transform`` fills in only the values that are really missing, in training rows too.
    The output columns are standardised.
    """

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: Any = None) -> Self:
        """Learn to predict each column from the others."""
        self.empty_ = np.isnan(X).all(axis=0)
        # 30 random neighbours per column and 5 rounds are affordable on wide tables too.
        impute = IterativeImputer(max_iter=5, n_nearest_features=30, random_state=self.random_state)
        self.pipeline_ = make_pipeline(StandardScaler(), impute)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\[IterativeImputer\]", ConvergenceWarning)
            self.pipeline_.fit(self._hide(zeros_in(self.empty_, X)))
        return self

    def _hide(self, X: np.ndarray) -> np.ndarray:
        generator = np.random.default_rng(self.random_state)
        hidden = generator.random(X.shape) < generator.random((len(X), 1))
        hidden[:, (hidden | np.isnan(X)).all(axis=0)] = False
        return np.where(hidden, np.nan, X)

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Fill in the missing values."""
        return self.pipeline_.transform(zeros_in(self.empty_, X))


# ---------------------------------------------------------------------- for models that take NaN
class ZerosForEmptyColumns(TransformerMixin, BaseEstimator):
    """Set each column whose training rows have no value to 0; other missing values stay."""

    def fit(self, X: np.ndarray, y: Any = None) -> Self:
        """Find the columns without any value."""
        X = validate_table(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self.empty_ = np.isnan(X).all(axis=0)
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Set these columns to 0."""
        X = validate_table(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return zeros_in(self.empty_, X)

    def inverse_transform(self, X: np.ndarray) -> np.ndarray:
        """Return the rows themselves."""
        return X


class ValuesForEveryClass(ZerosForEmptyColumns):
    """Lend values to each class whose training rows have none in a column: densities need some.

    The class gets quantiles of all values in that column, as in the classifiers themselves but
    without a warning, so that the column hardly speaks for or against it. A column without any
    value becomes 0. Rows to predict keep their missing values.
    """

    def fit_transform(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Lend values to the training rows."""
        X = self.fit(X, y).transform(X)
        rows_of_classes = [np.flatnonzero(y == label) for label in np.unique(y)]
        lent = X.copy()
        for c, columns in lacking_columns(X, rows_of_classes):
            lent[rows_of_classes[c]] = with_lent_values(X, rows_of_classes[c], columns)
        return lent


def cut(X: np.ndarray, thresholds: tuple[float, ...]) -> np.ndarray:
    """Cut columns at the thresholds into levels 0, 1, ...; NaN stays NaN."""
    return np.where(np.isnan(X), np.nan, np.digitize(X, thresholds, right=True))


def middles(levels: np.ndarray, thresholds: tuple[float, ...]) -> np.ndarray:
    """Replace levels by the means of a standard normal variable between the thresholds."""
    ends = np.array([-np.inf, *thresholds, np.inf])
    means = -np.diff(norm.pdf(ends)) / np.diff(norm.cdf(ends))
    return means[np.asarray(levels, dtype=np.intp)]


def zeros_in(columns: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Return a copy of X with zeros in the given columns (a mask)."""
    return np.where(columns, 0.0, X)


# ---------------------------------------------------------------------- the models
class QuietPipeline(Pipeline):
    """A pipeline that does not warn of what the comparison intends or tunes.

    Expectation-maximisation ends early, and a fold may hold constant columns and small classes.
    """

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit all steps."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Expectation-maximisation", ConvergenceWarning)
            warnings.filterwarnings("ignore", r"(X|Class .*) does not vary", UserWarning)
            warnings.filterwarnings("ignore", "n_components=.* exceeds the", UserWarning)
            return super().fit(X, y, **params)


def make_searches(
    X: pd.DataFrame | np.ndarray, inner_folds: int, seed: int, n_jobs: int | None
) -> dict[str, GridSearchCV]:
    """Make an unfitted grid search for every model, all on the same inner folds.

    A frame is also given to a density of the table, behind no preparation and with nothing to
    choose.
    """
    preparation, n_columns = make_preparation(X), X.shape[1]  # it leaves so many columns or more
    inner = StratifiedKFold(inner_folds, shuffle=True, random_state=seed)
    models = _baselines(preparation, seed) | _generative_models(preparation, n_columns, seed)
    searches = {
        name: GridSearchCV(
            QuietPipeline(steps),
            grid,
            scoring="neg_log_loss",
            n_jobs=n_jobs,
            cv=inner,
            error_score="raise",
        )
        if grid
        else SingleFit(QuietPipeline(steps), {}, scoring="neg_log_loss")
        for name, (steps, grid) in models.items()
    }
    if not isinstance(X, np.ndarray):
        classifier = TableClassifier(column_kinds(X), random_state=seed, n_jobs=n_jobs)
        steps = [("prepare", FunctionTransformer()), ("classify", classifier)]
        searches[TABLE] = SingleFit(QuietPipeline(steps), {}, scoring="neg_log_loss")
    return searches


Model = tuple[list[tuple[str, Any]], Any]  # the steps of a pipeline and the grid


def _baselines(preparation: Any, seed: int) -> dict[str, Model]:
    """Return logistic regression behind each imputer, and boosted trees, which need none.

    Imputers are fitted once for all inner folds.
    """
    imputers = {
        MEAN: SimpleImputer(keep_empty_features=True),
        ITERATIVE: MaskedIterativeImputer(seed),
    }
    regressions: dict[str, Model] = {
        name: (
            [
                ("prepare", make_pipeline(preparation, imputer)),
                ("scale", StandardScaler()),
                ("classify", LogisticRegression(max_iter=5000)),
            ],
            {"classify__C": [0.01, 0.1, 1.0, 10.0]},
        )
        for name, imputer in imputers.items()
    }
    boosting = HistGradientBoostingClassifier(
        max_iter=50, learning_rate=0.2, max_leaf_nodes=8, early_stopping=False, random_state=seed
    )
    steps = [("prepare", preparation), ("zeros", ZerosForEmptyColumns()), ("classify", boosting)]
    return regressions | {BOOSTING: (steps, {})}


def _generative_models(preparation: Any, n_columns: int, seed: int) -> dict[str, Model]:
    """Return steps and grids, with the numbers in a grid clipped to what the columns allow."""
    first = [
        ("prepare", preparation),
        ("lend", ValuesForEveryClass()),
        ("scale", StandardScaler()),
    ]
    scale_or_not = {"scale": [StandardScaler(), "passthrough"]}
    orders = [order for order in (0, 1, 2) if order <= max(1, n_columns - 1)]
    factors = sorted({min(n, n_columns - 1) for n in (2, 5, 10, 20)})
    low_rank = GaussianDensity("low_rank", reg_covar=0.01, **EM)
    quarters, halves = _cut_at(QUARTERS), _cut_at(HALVES)
    tree = ChowLiuTreeDensity(n_categories=4, **EM)
    mixture = MixtureDensity(tree, n_components=2, random_state=seed, **EM)
    hidden = HiddenChowLiuTreeDensity(n_states=8, n_categories=4, max_iter=5, random_state=seed)
    return {
        "BernoulliIndependentDensity": (
            [
                *first,
                ("levels", halves),
                ("classify", GenerativeClassifier(BernoulliIndependentDensity())),
            ],
            {"classify__density__alpha": [0.01, 0.1, 1.0, 10.0]},
        ),
        "MarkovChainImageDensity": (
            [
                *first,
                ("levels", quarters),
                ("classify", GenerativeClassifier(MarkovChainImageDensity(n_categories=4, **EM))),
            ],
            {"classify__density__order": orders, "classify__density__alpha": [0.1, 1.0]},
        ),
        "ChowLiuTreeDensity": (
            [*first, ("levels", quarters), ("classify", GenerativeClassifier(tree))],
            {"classify__density__alpha": [0.1, 1.0]},
        ),
        MIXTURE: ([*first, ("levels", quarters), ("classify", GenerativeClassifier(mixture))], {}),
        "HiddenChowLiuTreeDensity": (
            [*first, ("levels", quarters), ("classify", GenerativeClassifier(hidden))],
            {},
        ),
        "FullCategoricalDensity": (
            [
                *first,
                ("levels", halves),
                ("classify", GenerativeClassifier(FullCategoricalDensity(n_categories=2, **EM))),
            ],
            {"classify__density__alpha": [0.01, 1.0, 100.0]},
        ),
        "GaussianDiscriminant": (
            [*first, ("classify", GaussianDiscriminant(**EM))],
            [
                {
                    "classify__covariance_type": ["full"],
                    "classify__shrinkage": [0.01, 0.1, 0.3],
                },
                {
                    "classify__covariance_type": ["tied", "diag"],
                    "classify__shrinkage": [0.01, 0.1],
                },
            ],
        ),
        "PCAProjection + GaussianDiscriminant": (
            [
                *first,
                ("project", PCAProjection(max_iter=EM["max_iter"], em_tol=EM["tol"])),
                ("classify", GaussianDiscriminant()),
            ],
            {
                **scale_or_not,
                "project__n_components": [0.8, 0.9, 0.95],  # shares of the variance: always valid
                "classify__shrinkage": [0.01, 0.1],
            },
        ),
        "GaussianDensity low_rank": (
            [*first, ("classify", GenerativeClassifier(low_rank))],
            {**scale_or_not, "classify__density__n_factors": factors},
        ),
    }


def _cut_at(thresholds: tuple[float, ...]) -> FunctionTransformer:
    settings = {"thresholds": thresholds}
    return FunctionTransformer(
        cut, middles, kw_args=settings, inv_kw_args=settings, check_inverse=False
    )


# ---------------------------------------------------------------------- searches
def fit_preparation(search: GridSearchCV, X: Any) -> Any:
    """Fit the first step of a search's pipeline, which needs no labels."""
    return clone(search.estimator["prepare"]).fit(X)


def without_preparation(search: GridSearchCV) -> GridSearchCV:
    """Copy a search for rows that are already prepared, once for all candidates and inner folds."""
    return clone(search).set_params(estimator__prepare="passthrough")


def with_preparation(model: GridSearchCV, search: GridSearchCV, prepare: Any) -> GridSearchCV:
    """Turn a search fitted to prepared rows into one that takes raw rows."""
    model.set_params(estimator=clone(search.estimator))
    model.best_estimator_.set_params(prepare=prepare)
    if hasattr(prepare, "feature_names_in_"):
        model.feature_names_in_ = prepare.feature_names_in_
    return model


def n_classifier_parameters(pipeline: Pipeline) -> int | None:
    """Number of free parameters of the classifier that ends a pipeline, exact.

    For a generative classifier it is ``n_parameters_``; for logistic regression with C classes and
    D columns ``C D + C``, also for two classes; None for others, which do not say.
    """
    classifier: BaseEstimator = pipeline[-1]
    while isinstance(classifier, Pipeline):
        classifier = classifier[-1]
    if isinstance(classifier, LogisticRegression):
        return len(classifier.classes_) * (classifier.n_features_in_ + 1)
    return getattr(classifier, "n_parameters_", None)


def readable_count(count: int | None) -> str:
    """Format an integer of any size: all digits below ten million, else like 1.8e+20."""
    if count is None:
        return ""
    return f"{count:,}" if count < 10**7 else f"{Decimal(count):.1e}"
