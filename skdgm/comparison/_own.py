"""The models chosen: named ones, and the user's own classifiers in a form of X that they take."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ._models import TABLE, QuietPipeline, ZerosForEmptyColumns
from ._table_classifier import SingleFit
from ._tables import hide, make_preparation, take_rows

if TYPE_CHECKING:
    import pandas as pd

Models = str | Sequence[str | tuple[str, Any]] | Mapping[str, Any]
N_TRIED = 30  # rows with hidden cells that a classifier is tried on


def check_models(models: Models | None, known: list[str]) -> dict[str, Any]:
    """Return the models to compare by name, in order: None for those known, or the user's own."""
    if models is None:
        return dict.fromkeys(known)
    entries: list[Any]
    if isinstance(models, Mapping):
        entries = [*models.items(), *known] if models else []
    else:
        entries = [models] if isinstance(models, str) or not np.iterable(models) else list(models)
    chosen: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, tuple) and len(entry) == 2:
            name, own = entry
            _check_own(name, own, known, chosen)
            chosen[name] = own
        elif isinstance(entry, str) and entry in known:
            chosen[entry] = None
        else:
            chosen.clear()
            break
    if not chosen:
        raise ValueError(
            f"models must be names among {', '.join(map(repr, known))}, pairs of another name and "
            f"a classifier, or a dict of such classifiers; got {models!r}."
        )
    return chosen


def _check_own(name: Any, own: Any, known: list[str], chosen: dict[str, Any]) -> None:
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise ValueError(f"models must have names of printable text, got {name!r}.")
    if name in known or name in chosen or name == TABLE:
        raise ValueError(
            f"models must not hold {name!r} twice; give each classifier a name that no other "
            "model has."
        )
    if isinstance(own, type) or not hasattr(own, "get_params") or not is_classifier(own):
        raise TypeError(
            f"models must hold scikit-learn classifiers, such as GaussianNB(), but {name!r} is "
            f"{own!r}."
        )
    if not hasattr(own, "predict_proba"):
        raise TypeError(
            f"models must hold classifiers with predict_proba, which {name!r} ({own!r}) lacks; "
            "CalibratedClassifierCV of sklearn.calibration adds it."
        )


def make_own_search(
    name: str, own: Any, X: pd.DataFrame | np.ndarray, y: np.ndarray, seed: int
) -> SingleFit:
    """Make an unfitted search, with nothing to choose, for a classifier of the user's.

    The classifier is tried on all rows, once for each form of X until it can predict rows with
    hidden cells: X as it is; the columns as numbers; and numbers with missing values imputed.
    """
    forms = {"X as it is": FunctionTransformer()}
    if not isinstance(X, np.ndarray):
        forms["columns as numbers"] = make_pipeline(make_preparation(X), ZerosForEmptyColumns())
    forms["imputed numbers"] = make_pipeline(
        make_preparation(X), SimpleImputer(keep_empty_features=True)
    )
    generator = np.random.default_rng(seed)
    tried = take_rows(X, generator.permutation(len(y))[:N_TRIED])
    order = generator.permutation(len(tried) * X.shape[1]).reshape(tried.shape)
    hidden = hide(tried, 0.5, order)
    reasons = []
    for form, preparation in forms.items():
        pipeline = QuietPipeline([("prepare", preparation), ("classify", clone(own))])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                probability = clone(pipeline).fit(X, y).predict_proba(hidden)
            if np.isfinite(probability).all():
                return SingleFit(pipeline, {}, scoring="neg_log_loss")
            reasons.append(f"{form}: probabilities are not finite")
        except Exception as error:  # whatever a classifier makes of what it does not take
            reasons.append(f"{form}: {str(error).strip().partition(chr(10))[0]}")
    raise ValueError(
        f"models must hold classifiers that learn from X and predict rows with missing cells, but "
        f"{name!r} does not; it said of {'; of '.join(reasons)}"
    )


def has_mean_imputed(model: Any) -> bool:
    """Return whether missing values are imputed by the training mean before a fitted model."""
    prepare = model.best_estimator_["prepare"]
    return isinstance(prepare, Pipeline) and isinstance(prepare[-1], SimpleImputer)
