"""The table of a comparison as text, in blocks that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 80
LONGEST_NAME = 40


@dataclass(frozen=True)
class Group:
    """Columns that stay together, under a title of their own or none."""

    title: str
    columns: dict[str, list[str]]


def in_blocks(names: Sequence[str], groups: Sequence[Group], width: int = WIDTH) -> str:
    """Lay columns out in blocks of lines below one another, each with the names of the rows.

    A group that has no room beside the one before it starts another block.
    """
    named = [shortened(name) for name in names]
    stub = max(map(len, named), default=0)
    blocks: list[list[str]] = []
    for group in groups:
        lines = _lines_of(group, len(names))
        if not blocks or len(blocks[-1][0]) + len(lines[0]) > width:
            blocks.append([text.ljust(stub) for text in ["", "", *named]])
        blocks[-1] = [begun + line for begun, line in zip(blocks[-1], lines, strict=True)]
    return "\n\n".join(
        "\n".join(line.rstrip() for line in block[not block[0].strip() :]) for block in blocks
    )


def _lines_of(group: Group, n_rows: int) -> list[str]:
    """Return a line for the title, one for the headings and one per row, all of one width."""
    lines = [""] * (1 + n_rows)
    for heading, cells in group.columns.items():
        width = max(len(text) for text in [heading, *cells])
        lines = [
            f"{line} {text:>{width}}" for line, text in zip(lines, [heading, *cells], strict=True)
        ]
    width = max(len(lines[0]), len(group.title) + 1)
    return [line.rjust(width) for line in [group.title, *lines]]


def shortened(name: str) -> str:
    """Return a name with its middle left out if it is too long."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 15]}...{name[-12:]}"
