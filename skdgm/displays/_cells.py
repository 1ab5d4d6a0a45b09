"""Plots of tables by coloured cells: their figures, and the room for what is written in them."""

from __future__ import annotations

from typing import Any

TEXT = 10  # points of text where there is room
FONT_SIZES = (5.5, 8.5)  # points, between which names and values are written
WIDTH_OF_LETTER = 0.62  # of the font size
NAME_PAD = 6  # points between names and the axes
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue


def new_axes(width: float, height: float) -> Any:
    """Return axes of a new figure of pyplot, of a size in inches."""
    return new_figure(width, height).subplots()


def new_figure(width: float, height: float) -> Any:
    """Return a new figure of pyplot, of a size in inches."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Plotting needs matplotlib; install it with: pip install "skdgm[compare]"'
        ) from error
    return plt.figure(figsize=(width, height), layout="constrained")


def shortened(value: Any, n_letters: int) -> str:
    """Return a value as a text of so many letters at most."""
    text = str(value)
    return text if len(text) <= n_letters else text[: n_letters - 1] + "\N{HORIZONTAL ELLIPSIS}"


def size_of_cells(ax: Any, n_rows: int, n_columns: int) -> tuple[float, float]:
    """Return the width and the height of a cell in points, once the figure is laid out."""
    ax.figure.canvas.figure.draw_without_rendering()
    box, points = ax.get_window_extent(), 72 / ax.figure.dpi
    return box.width * points / n_columns, box.height * points / n_rows


def room_for_names(ax: Any) -> tuple[float, float]:
    """Return the distances of the axes from the left and the top of the figure in points."""
    box, figure, points = ax.get_window_extent(), ax.figure.bbox, 72 / ax.figure.dpi
    left, top = box.x0 - figure.x0, figure.y1 - box.y1
    return left * points - NAME_PAD, top * points - NAME_PAD


def elided(name: str, n_letters: int) -> str:
    """Return a name of so many letters at most, of which the first and the last are its own."""
    if len(name) <= n_letters:
        return name
    half = n_letters // 2
    return name[:half] + "\N{HORIZONTAL ELLIPSIS}" + name[len(name) - (n_letters - half - 1) :]
