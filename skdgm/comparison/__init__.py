"""The main job: generative classifiers against logistic regression, as a table and a picture."""

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
