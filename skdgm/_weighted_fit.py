"""Weighted fits of scikit-learn's estimators, whether or not their ``fit`` takes weights."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn import config_context, preprocessing
from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing

from ._tables import ColumnError

NEED_NO_WEIGHTS = (
    preprocessing.Binarizer,
    preprocessing.FunctionTransformer,
    preprocessing.MaxAbsScaler,
    preprocessing.MinMaxScaler,
    preprocessing.Normalizer,
    preprocessing.OneHotEncoder,
    preprocessing.OrdinalEncoder,
    preprocessing.PolynomialFeatures,
)
ONLY_ROUTE_WEIGHTS = {  # their fit passes weights on only by metadata routing
    "FixedThresholdClassifier",
    "OneVsOneClassifier",
    "OneVsRestClassifier",
    "OutputCodeClassifier",
    "RFECV",
    "SelfTrainingClassifier",
    "SequentialFeatureSelector",
    "TunedThresholdClassifierCV",
}
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
# What is inside need not take weights; before scikit-learn 1.8, it had to.
RESAMPLES: set[str] = {"BaggingClassifier"} if VERSION >= (1, 8) else set()
MOST_REPEATED = 2**31  # rows that integer weights may make


class FractionalWeights(ValueError):
    """An error about weights that are no integers, for an estimator whose fit takes none.

    Parameters
    ----------
    lacking : str
        The class of the estimator.
    weight : float
        One of the weights.
    """

    def __init__(self, lacking: str, weight: float) -> None:
        super().__init__(lacking, weight)
        self.lacking, self.weight = lacking, weight

    def __str__(self) -> str:
        return (
            f"{self.lacking} takes no sample_weight, so rows can only be repeated, but a row has "
            f"weight {self.weight:g} (by sample_weight, or as its share in a component of a "
            "mixture); choose an estimator whose fit takes weights, or give integer weights."
        )

    def by_missing_values(self, column: int, names: np.ndarray | None) -> ColumnError:
        """Return the error of rows that are incomplete: each completion has a weight.

        Parameters
        ----------
        column : int
            A column in which values are missing.
        names : ndarray or None
            Names of the columns.
        """
        return ColumnError(
            "{table} has missing values, as in {column}{name}, so that a row counts in parts, but "
            "{lacking} takes no sample_weight; fill the missing values in, leave their rows out, "
            "or choose an estimator whose fit takes weights.",
            column,
            {"name": "", "lacking": self.lacking},
        ).named(names)


def fit_weighted(
    estimator: BaseEstimator, X: Any, y: Any = None, weight: np.ndarray | None = None
) -> BaseEstimator:
    """Fit a scikit-learn estimator to weighted rows, whether or not its ``fit`` takes weights.

    If it does not, or a part of it does not, integer weights repeat rows. The weights are ours and
    go to every part, so metadata routing, in which parts ask for theirs, is off meanwhile.
    """
    with config_context(enable_metadata_routing=False):
        if weight is None or (weight == 1).all():
            return estimator.fit(X, y)
        names, lacking = _weight_parameters(estimator)
        if lacking:
            if (weight == np.rint(weight)).all():
                return _fit_repeated(estimator, X, y, weight, lacking[0])
            if not names:
                return _fit_unweighted(estimator, X, y, weight, lacking[0])
            warnings.warn(
                f"{lacking[0]} takes no sample_weight, so it is fitted as if every row counted "
                "once; choose one whose fit takes weights, or give integer weights, which repeat "
                "rows.",
                UserWarning,
                stacklevel=2,
            )
        return estimator.fit(X, y, **dict.fromkeys(names, weight))


def _fit_repeated(
    estimator: BaseEstimator, X: Any, y: Any, weight: np.ndarray, lacking: str
) -> BaseEstimator:
    if weight.sum() > MOST_REPEATED:
        raise ValueError(
            f"{lacking} takes no sample_weight, so rows can only be repeated, but the weights sum "
            f"to {weight.sum():g}; give smaller weights, or choose an estimator whose fit takes "
            "weights."
        )
    times = weight.astype(np.intp)
    rows = np.repeat(np.arange(len(times)), times)
    return estimator.fit(_safe_indexing(X, rows), None if y is None else y[rows])


def _fit_unweighted(
    estimator: BaseEstimator, X: Any, y: Any, weight: np.ndarray, lacking: str
) -> BaseEstimator:
    if (weight == weight[0]).all():
        return estimator.fit(X, y)
    raise FractionalWeights(lacking, float(weight[weight != np.rint(weight)][0]))


def _weight_parameters(estimator: Any) -> tuple[list[str], list[str]]:
    """Return the parameters of ``fit`` that take weights, and which estimators inside take none.

    There are no parameters if the last step of a pipeline takes none. Steps whose fit does not
    depend on how often rows occur need none.
    """
    steps = getattr(estimator, "steps", None)
    if steps:
        return _of_steps(steps)
    kind = type(estimator).__name__
    parameters = inspect.signature(estimator.fit).parameters
    passes_on = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    inside = getattr(estimator, "estimator", None)
    if "sample_weight" not in parameters and passes_on:
        if _is_a(estimator, ONLY_ROUTE_WEIGHTS):
            return [], [f"{kind} (without metadata routing)"]
        if inside is not None:  # a search, for example
            return _weight_parameters(inside)
    if passes_on and hasattr(estimator, "estimators"):  # a vote or a stack
        lacking = [one for part in _members(estimator) for one in _lacking(part)]
        return ([] if lacking else ["sample_weight"]), lacking
    if "sample_weight" not in parameters:
        return [], [kind]
    if inside is None or _is_a(estimator, RESAMPLES):
        return ["sample_weight"], []
    return ["sample_weight"], _lacking(inside)


def _of_steps(steps: list[tuple[str, Any]]) -> tuple[list[str], list[str]]:
    names: list[str] = []
    lacking: list[str] = []
    for name, step in steps:
        inner, without = ([], []) if needs_no_weights(step) else _weight_parameters(step)
        names += [f"{name}__{parameter}" for parameter in inner]
        lacking += [f"{kind} (in step {name!r})" for kind in without]
    return (names if inner else []), lacking


def _lacking(part: Any) -> list[str]:
    """Return what lacks weights in an estimator that is given them as ``sample_weight``."""
    names, lacking = _weight_parameters(part)
    return lacking or ([] if "sample_weight" in names else [type(part).__name__])


def _members(estimator: Any) -> list[Any]:
    final = getattr(estimator, "final_estimator", None)
    members = [part for _, part in estimator.estimators if not isinstance(part, str)]
    return [*members, final] if final is not None else members


def _is_a(estimator: Any, names: set[str]) -> bool:
    """Return whether an estimator is of a class with one of these names (imports are slow)."""
    return not names.isdisjoint(kind.__name__ for kind in type(estimator).__mro__)


def needs_no_weights(transformer: Any) -> bool:
    """Return whether a transformer's fit depends only on which rows there are."""
    if transformer is None or isinstance(transformer, str):  # passthrough or drop
        return True
    parts = getattr(transformer, "transformers", getattr(transformer, "transformer_list", None))
    if parts is not None:
        return all(needs_no_weights(part) for _, part, *_ in parts)
    if getattr(transformer, "strategy", None) == "uniform":  # KBinsDiscretizer
        return True
    drops_rare = any(
        getattr(transformer, name, None) is not None for name in ("min_frequency", "max_categories")
    )
    return isinstance(transformer, NEED_NO_WEIGHTS) and not drops_rare
