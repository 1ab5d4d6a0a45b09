"""A comparison as one page of HTML that needs no network."""

from ._page import make_page

__all__ = ["make_page"]
