"""Densities of any table: columns of text, categories, counts, numbers and dates."""

from ._density import TableDensity

__all__ = ["TableDensity"]
