"""Generative classifiers compared with discriminative ones: a table, a result and a plot."""

from ._compare import check_n_folds, compare_classifiers
from ._display import ComparisonDisplay, make_figure
from ._read_csv import load_table
from ._report import make_page
from ._result import ClassifierComparison

__all__ = [
    "ClassifierComparison",
    "ComparisonDisplay",
    "check_n_folds",
    "compare_classifiers",
    "load_table",
    "make_figure",
    "make_page",
]
