"""Rows drawn from the generative models of a comparison, in the columns of the user's table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from ...conditional._bayes_rule import BayesRuleClassifier
from .._table_classifier import TableClassifier
from .._tables import original_columns


def draw(model: Any, y: Any, n_samples: int) -> tuple[Any, np.ndarray] | None:
    """Draw rows from a fitted model, and their labels; None unless it is generative.

    ``y`` is the class of each row, or None to draw it too; ``TableDensity`` always draws it.
    Columns that were cut into levels get the middle of each level.
    """
    steps = _steps(model.best_estimator_)
    classifier = steps[-1]
    if isinstance(classifier, TableClassifier):
        return classifier.sample(n_samples, 0)
    if not isinstance(classifier, BayesRuleClassifier):
        return None
    rows, labels = classifier.sample(n_samples, y, random_state=0)
    for step in steps[-2:0:-1]:
        if not hasattr(step, "inverse_transform"):
            return None
        rows = step.inverse_transform(rows)
    return original_columns(steps[0], rows), labels


def _steps(pipeline: Pipeline) -> list[Any]:
    """Return the preparation of a pipeline, and its other steps with those of pipelines in it."""
    first, *others = [step for _, step in pipeline.steps]
    steps = [first]
    for step in others:
        if isinstance(step, Pipeline):
            steps += [inner for _, inner in step.steps]
        else:
            steps.append(step)
    return [first, *(step for step in steps[1:] if step not in ("passthrough", None))]
