"""Pieces of HTML, in which every text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any


def breakable(name: Any) -> str:
    """Return a name that may be broken between its words, as in CamelCase."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "<wbr>", escape(str(name)))


def table(headings: Sequence[Any], rows: Iterable[Sequence[Any]], *, caption: str = "") -> str:
    """Return a table in a box of its own, in which it scrolls; the first cell names its row."""
    head = "".join(f'<th scope="col">{escape(str(heading))}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(str(name))}</th>'
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return boxed(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", caption=caption)


def boxed(content: str, *, caption: str = "", attributes: str = "") -> str:
    """Return a table with its caption, in a box that keyboards can scroll."""
    told = f"<caption><span>{escape(caption)}</span></caption>" if caption else ""
    label = escape(caption or "Table")
    return (
        f'<div class="box" tabindex="0" role="region" aria-label="{label}">'
        f"<table{attributes}>{told}{content}</table></div>"
    )


def facts(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return a list of names and what they are."""
    listed = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in pairs
    )
    return f"<dl>{listed}</dl>"


def section(title: str, *parts: str) -> str:
    """Return a section under a heading."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"
