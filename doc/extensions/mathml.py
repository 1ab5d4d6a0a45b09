"""Formulas as MathML, which browsers show without scripts and readers of screens can speak."""

from __future__ import annotations

import re
from typing import Any

from docutils.nodes import Element, SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
# Browsers leave no space between the name of a function and an argument without parentheses.
AFTER_FUNCTION = re.compile(r"(<mo>&ApplyFunction;</mo>)(?!\s*<mo[^>]*>[(\[{])")


def _render(translator: Any, node: Element, as_block: bool) -> None:
    """Append a formula; one that cannot be read is a warning."""
    try:
        formula = tex2mathml(node.astext().replace(r"\dots", r"\ldots"), as_block=as_block)
    except MathError as error:
        LOGGER.warning("Formula %r cannot be read: %s", node.astext(), error, location=node)
        formula = f"<code>{translator.encode(node.astext())}</code>"
    formula = AFTER_FUNCTION.sub(r"\1<mspace width='0.17em'/>", formula)
    translator.body.append(f'<div class="formula">{formula}</div>' if as_block else formula)
    raise SkipNode


def visit_inline(translator: Any, node: Element) -> None:
    """Render a formula in a line of text."""
    _render(translator, node, as_block=False)


def visit_block(translator: Any, node: Element) -> None:
    """Render a formula of its own."""
    _render(translator, node, as_block=True)


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer, which ``html_math_renderer = "mathml"`` chooses."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
