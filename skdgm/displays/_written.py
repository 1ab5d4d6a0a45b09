"""Rows of a table as written cells, in blocks of columns that fit a page side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .._tables import as_pandas
from ._cells import TEXT, WIDTH_OF_LETTER, new_axes, shortened

LETTERS = 72  # of a line
LONGEST = 18  # letters of a cell
NARROW = 12  # letters of a column at which longer names are broken into lines
LINE = 1.6  # height of a line, in font sizes
FILLED = "#c9dff2"  # behind cells that are filled in, or missing
HEAD = "#e9e9e9"  # behind names


def texts_of(table: Any) -> tuple[list[str], list[str], list[list[str]]]:
    """Return the names of the columns of a table, the labels of its rows, and the written cells."""
    frame = as_pandas(table, "A picture of a table")
    columns = [
        ["" if gone else written(value) for value, gone in zip(column, column.isna(), strict=True)]
        for _, column in frame.items()
    ]
    rows = [list(row) for row in zip(*columns, strict=True)] if columns else []
    return [str(name) for name in frame.columns], [str(label) for label in frame.index], rows


def missing_in(table: Any) -> np.ndarray:
    """Return a mask of the missing cells of a table."""
    return as_pandas(table, "A picture of a table").isna().to_numpy()


def written(value: Any) -> str:
    """Return a value as text, with four digits of a fraction."""
    if isinstance(value, float | np.floating):
        value = float(value)
        if value.is_integer() or 1e4 <= abs(value) < 1e9:
            return f"{value:.0f}" if abs(value) < 1e9 else f"{value:.3e}"
        return f"{value:.4g}"
    return str(value).removesuffix(" 00:00:00")


def draw_cells(
    names: Sequence[str],
    labels: Sequence[Sequence[str]],
    rows: Sequence[Sequence[str]],
    filled: np.ndarray | None = None,
    *,
    ax: Any = None,
) -> list[list[Any]]:
    """Write rows of cells on axes, below the names of their columns.

    Parameters
    ----------
    names : sequence of str
        The columns.
    labels : sequence of sequences of str
        What stands left of each row, in one column or more.
    rows : sequence of sequences of str
        The cells.
    filled : ndarray of shape (n_rows, n_columns), default=None
        Mask of the cells to colour.
    ax : matplotlib Axes, default=None
        Axes to draw on; None makes a new figure with pyplot.

    Returns
    -------
    texts : list of n_rows lists of matplotlib Text
        The cells as they are drawn.
    """
    heads = [[shortened(text, LONGEST) for text in label] for label in labels]
    cells = [[shortened(text, LONGEST) for text in row] for row in rows]
    columns = [_Column.of(name, [row[place] for row in cells]) for place, name in enumerate(names)]
    of_heads = [2 + max(map(len, column)) for column in zip(*heads, strict=True)]
    blocks = _blocks(columns, LETTERS - sum(of_heads))
    n_letters = sum(of_heads) + max(sum(column.width for column in block) for block in blocks)
    n_lines = sum(_lines_of_names(block) + len(cells) + 1 for block in blocks) - 1
    letter = WIDTH_OF_LETTER * TEXT / 72
    if ax is None:
        ax = new_axes(n_letters * letter + 0.1, n_lines * LINE * TEXT / 72 + 0.1)
    ax.set(xlim=(0, n_letters), ylim=(n_lines, 0))
    ax.set_axis_off()
    sheet = _Sheet(ax, _font_size(ax, n_letters, n_lines))
    texts: list[list[Any]] = [[] for _ in cells]
    top, places = 0, iter(range(len(columns)))
    for block in blocks:
        first = top + _lines_of_names(block)
        width = sum(of_heads) + sum(column.width for column in block)
        sheet.fill(0, top, width, HEAD, first - top)
        for row, label in enumerate(heads):
            for place, head in enumerate(label):
                sheet.write_head(sum(of_heads[:place]), first + row, head)
        left = sum(of_heads)
        for column in block:
            place = next(places)
            right = left + column.width
            for line, part in enumerate(column.name[::-1], start=1):
                sheet.write(right, first - line, part, weight="bold")
            for row, text in enumerate(column.cells):
                if filled is not None and filled[row, place]:
                    sheet.fill(left, first + row, column.width, FILLED)
                texts[row].append(sheet.write(right, first + row, text))
            left = right
        top = first + len(cells) + 1
    return texts


@dataclass(frozen=True)
class _Column:
    """A column to write: its name in lines, its cells, and its width in letters."""

    name: list[str]
    cells: list[str]
    width: int

    @classmethod
    def of(cls, name: str, cells: list[str]) -> Self:
        """Break a long name into lines."""
        longest = max(map(len, cells))
        lines = textwrap.wrap(name, max(longest, NARROW), break_long_words=False) or [""]
        lines = [shortened(line, LONGEST) for line in lines]
        return cls(lines, cells, 2 + max(longest, *map(len, lines)))


class _Sheet:
    """Axes to write on, in letters and lines."""

    def __init__(self, ax: Any, size: float) -> None:
        self.ax, self.size = ax, size

    def write(self, right: int, top: int, text: str, **style: Any) -> Any:
        """Write a text that ends at the right of its cell."""
        return self._write(right - 1, top, text, ha="right", **style)

    def write_head(self, left: int, top: int, text: str) -> None:
        """Write a text that begins at the left of its cell."""
        self._write(left + 1, top, text, ha="left")

    def _write(self, x: int, top: int, text: str, **style: Any) -> Any:
        style |= {"va": "center", "fontsize": self.size, "clip_on": True, "parse_math": False}
        return self.ax.text(x, top + 0.52, text, **style)

    def fill(self, left: int, top: int, width: int, color: str, height: int = 1) -> None:
        """Colour a cell."""
        from matplotlib.patches import Rectangle

        style: dict[str, Any] = {"facecolor": color, "edgecolor": "white", "linewidth": 1}
        self.ax.add_patch(Rectangle((left, top), width, height, **style))


def _lines_of_names(block: Sequence[_Column]) -> int:
    return max(len(column.name) for column in block)


def _blocks(columns: Sequence[_Column], room: int) -> list[list[_Column]]:
    """Return the columns in blocks that have room side by side."""
    blocks: list[list[_Column]] = [[]]
    used = 0
    for column in columns:
        if blocks[-1] and used + column.width > room:
            blocks.append([])
            used = 0
        blocks[-1].append(column)
        used += column.width
    return blocks


def _font_size(ax: Any, n_letters: int, n_lines: int) -> float:
    """Return the size in points at which all is in the axes, once the figure is laid out."""
    ax.figure.canvas.figure.draw_without_rendering()
    box, points = ax.get_window_extent(), 72 / ax.figure.dpi
    by_width = box.width * points / (n_letters * WIDTH_OF_LETTER)
    return float(min(TEXT, by_width, box.height * points / (n_lines * 1.2)))
