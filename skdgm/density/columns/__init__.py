"""Independent blocks of columns, with a density for each block."""

from ._density import ColumnDensity

__all__ = ["ColumnDensity"]
