"""Earlier home of the plot of a comparison, kept for imports; import from ``skdgm`` instead."""

from .comparison import ComparisonDisplay, make_figure

__all__ = ["ComparisonDisplay", "make_figure"]
