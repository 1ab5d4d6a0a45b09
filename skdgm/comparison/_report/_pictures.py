"""Pictures of a report as data, which a page holds itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._display import ComparisonDisplay, make_figure

GAP = 1  # pixels between images
LIGHT, DARK = "#1a1a1a", "#e6e6e6"  # colours of text, which nothing else in a plot has


def plots_of(comparison: Any, *, is_narrow: bool) -> tuple[str, str]:
    """Return the plot of a comparison as an SVG image, light and dark.

    The panels are below each other if it is narrow.
    """
    make_figure(pyplot=False)  # or say how to install matplotlib
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = {
        **dict.fromkeys(["text.color", "axes.edgecolor", "axes.labelcolor"], LIGHT),
        **dict.fromkeys(["xtick.color", "ytick.color"], LIGHT),
        **dict.fromkeys(["figure.facecolor", "axes.facecolor", "savefig.facecolor"], "none"),
        "svg.hashsalt": "skdgm",
        "font.size": 11,
    }
    with mpl.rc_context(settings):
        n_lines = len(comparison.table) if is_narrow else -(-len(comparison.table) // 2)
        size = (4.2, 7 + 0.25 * n_lines) if is_narrow else (10, 4.2 + 0.25 * n_lines)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(2, 1) if is_narrow else figure.subplots(1, 2)
        ComparisonDisplay.from_comparison(comparison, ax=axes)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    light = out.getvalue()
    dark = light.replace(LIGHT.encode(), DARK.encode())
    return _data(light, "image/svg+xml"), _data(dark, "image/svg+xml")


def images_of(rows: np.ndarray, image_shape: Sequence[int], n_columns: int) -> str:
    """Return a grid of grey images, one for each row, as a PNG image: larger values are darker."""
    from matplotlib.image import imsave

    height, width = image_shape
    n_lines = len(rows) // n_columns
    grid = np.full((n_lines * (height + GAP) + GAP, n_columns * (width + GAP) + GAP), np.nan)
    low, high = np.percentile(rows, [1, 99])
    for place, row in enumerate(rows):
        line, column = divmod(place, n_columns)
        top, left = line * (height + GAP) + GAP, column * (width + GAP) + GAP
        grid[top : top + height, left : left + width] = row.reshape(height, width)
    ink = np.clip((grid - low) / max(high - low, 1e-300), 0, 1)
    grey = np.where(np.isnan(ink), 0.55, 1 - ink)
    out = io.BytesIO()
    imsave(out, np.repeat(grey[..., None], 3, axis=2), format="png")
    return _data(out.getvalue(), "image/png")


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
