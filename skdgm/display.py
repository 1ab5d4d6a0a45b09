"""The picture of a comparison under the name that it had first; import it from ``skdgm`` itself."""

from .comparison import ComparisonDisplay, make_figure

__all__ = ["ComparisonDisplay", "make_figure"]
