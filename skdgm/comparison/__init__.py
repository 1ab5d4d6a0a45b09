"""Generative classifiers compared with logistic regression: a table, a result and a plot."""

from ._compare import compare_classifiers
from ._display import ComparisonDisplay, make_figure
from ._result import ClassifierComparison
from ._tables import load_table

__all__ = [
    "ClassifierComparison",
    "ComparisonDisplay",
    "compare_classifiers",
    "load_table",
    "make_figure",
]
