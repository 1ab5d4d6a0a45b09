"""The comparison under the name that it had first; import it from ``skdgm`` itself."""

from .comparison import ClassifierComparison, compare_classifiers, load_table

__all__ = ["ClassifierComparison", "compare_classifiers", "load_table"]
