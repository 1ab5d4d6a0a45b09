"""Earlier home of the comparison, kept for existing imports; import from ``skdgm`` instead."""

from .comparison import ClassifierComparison, compare_classifiers, load_table

__all__ = ["ClassifierComparison", "compare_classifiers", "load_table"]
