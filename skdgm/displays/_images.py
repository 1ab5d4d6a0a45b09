"""Rows as images: lines of small pictures on one canvas, and the axes that they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._tables import check_table
from .._validation import shown
from ._cells import TEXT, WIDTH_OF_LETTER, new_axes

WIDTH = 6.4  # inches of a figure, 640 pixels on a page
LARGEST, TALLEST = 0.9, 12.0  # inches of an image, and of all
MISSING = "#9cc6e8"  # colour of missing pixels
GAP = "#e4e4e4"  # colour between images
FILLED = ("#e3eef8", "#00407a")  # from the smallest to the largest value of a pixel filled in
COLOURS = 3  # red, green and blue


def check_image_shape(image_shape: Any, n_columns: int) -> tuple[int, ...]:
    """Return the height and width of images, and 3 for those in colour, or raise a ValueError."""
    are_sizes = isinstance(image_shape, Sequence) and all(
        isinstance(size, int | np.integer) and size > 0 for size in image_shape
    )
    if not are_sizes or len(image_shape) not in (2, 3) or (*image_shape, COLOURS)[2] != COLOURS:
        raise ValueError(
            "image_shape must be (height, width), or (height, width, 3) for red, green and blue, "
            f"got {shown(image_shape)}."
        )
    n_values = int(np.prod(image_shape))
    if n_values != n_columns:
        raise ValueError(
            f"image_shape {tuple(image_shape)} holds {n_values} values, but a row has {n_columns}."
        )
    return tuple(int(size) for size in image_shape)


def as_pixels(table: Any, name: str) -> np.ndarray:
    """Return the rows of a table as floats, NaN where missing."""
    return check_table(table, name, dtype=np.float64, ensure_all_finite="allow-nan")


def find_limits(tables: Sequence[np.ndarray], limits: Any) -> tuple[float, float]:
    """Return the values at the ends of the scale of colours; None takes those of the tables."""
    if limits is None:
        seen = np.concatenate([table.ravel() for table in tables])
        seen = seen[~np.isnan(seen)]
        low, high = (seen.min(), seen.max()) if len(seen) else (0.0, 1.0)
        return float(low), float(high if high > low else low + 1)
    are_numbers = np.shape(limits) == (2,) and np.asarray(limits).dtype.kind in "iuf"
    if not are_numbers or not limits[0] < limits[1]:
        raise ValueError(
            "limits must be two numbers, the smaller first, the values at the ends of the scale "
            f"of colours; got {shown(limits)}."
        )
    return float(limits[0]), float(limits[1])


def paint(
    rows: np.ndarray,
    image_shape: tuple[int, ...],
    limits: tuple[float, float],
    cmap: Any,
    filled: np.ndarray | None = None,
) -> np.ndarray:
    """Return rows as images of red, green, blue and opacity, (n_rows, height, width, 4).

    Missing pixels are blue, and grey ones of the mask ``filled`` have the colours of what is filled
    in. A pixel in colours is missing if one of its values is.
    """
    import matplotlib as mpl

    low, high = limits
    share = np.clip((rows - low) / (high - low), 0, 1).reshape(-1, *image_shape)
    if len(image_shape) == 3:
        painted = np.concatenate([share, np.ones((*share.shape[:3], 1))], axis=-1)
        is_missing = np.isnan(share).any(axis=-1)
    else:
        painted, is_missing = mpl.colormaps[cmap](share), np.isnan(share)
        if filled is not None:
            own = filled.reshape(share.shape) & ~is_missing
            blue = mpl.colors.LinearSegmentedColormap.from_list("filled", list(FILLED))
            painted[own] = blue(share[own])
    painted[is_missing] = mpl.colors.to_rgba(MISSING)
    return painted


def in_square(images: np.ndarray) -> list[np.ndarray]:
    """Return images in lines that make about a square."""
    n_columns = int(np.ceil(np.sqrt(len(images) * images.shape[1] / images.shape[2])))
    return [images[start : start + n_columns] for start in range(0, len(images), n_columns)]


def draw_lines(
    lines: Sequence[np.ndarray],
    names: Sequence[str] = (),
    *,
    above: float = 0,
    ax: Any = None,
) -> tuple[Any, np.ndarray]:
    """Draw lines of painted images on axes, with names to the left.

    ``above`` is the room over each image, in parts of its height.

    Returns
    -------
    image : matplotlib AxesImage
        The canvas that holds all of them.
    corners : ndarray of shape (n_lines, n_columns, 2)
        Row and column on the canvas of the first pixel of each image.
    """
    n_columns, (height, width) = max(map(len, lines)), lines[0].shape[1:3]
    gap = max(1, round(min(height, width) / 10))
    room = max(gap, round(above * height))
    tops = room + (height + room) * np.arange(len(lines))
    lefts = gap + (width + gap) * np.arange(n_columns)
    shape = int(tops[-1]) + height + gap, int(lefts[-1]) + width + gap
    if ax is None:
        of_names = WIDTH_OF_LETTER * TEXT * max(map(len, names), default=0) / 72
        wide = min(LARGEST * n_columns * max(1, width / height), max(WIDTH - of_names, WIDTH / 2))
        tall = min(wide * shape[0] / shape[1], TALLEST)
        ax = new_axes(float(max(wide + of_names + 0.2, 2)), float(tall + 0.3))
    canvas = np.zeros((*shape, 4))
    for top, line in zip(tops, lines, strict=True):
        for left, image in zip(lefts, line, strict=False):
            if not above:
                frame = slice(top - gap, top + height + gap), slice(left - gap, left + width + gap)
                beside = canvas[frame]
                beside[beside[..., 3] == 0] = _rgba(GAP)
            canvas[top : top + height, left : left + width] = image
    drawn = ax.imshow(canvas, interpolation="nearest")
    ax.set_anchor("W")  # beside the names, for which the layout makes room
    ax.set_xticks([])
    ax.set_yticks((tops + (height - 1) / 2)[: len(names)], names, fontsize=TEXT)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return drawn, np.stack(np.meshgrid(tops, lefts, indexing="ij"), axis=-1)


def _rgba(color: str) -> Any:
    import matplotlib as mpl

    return mpl.colors.to_rgba(color)
