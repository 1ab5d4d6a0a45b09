"""Orders in which a chain visits the pixels of an image."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from ..._validation import shown
from .._engine.permutations import check_permutation

Scan = Literal["raster", "snake", "column", "hilbert"]


def scan_order(
    scan: Scan | ArrayLike, image_shape: tuple[int, int] | None, n_pixels: int
) -> np.ndarray:
    """Return the pixels in the order of the visit, as indices into the raster (row by row) layout.

    Raises
    ------
    ValueError
        If ``image_shape`` does not hold ``n_pixels``, if the scan needs it and it cannot be
        guessed, or if ``scan`` is no permutation of the pixels.
    """
    if not isinstance(scan, str):
        return check_permutation(scan, n_pixels, f"one of {get_args(Scan)}")
    pixels = np.arange(n_pixels)
    if image_shape is None and scan == "raster":
        return pixels
    height, width = _check_image_shape(image_shape, scan, n_pixels)
    if scan == "raster":
        return pixels
    image = pixels.reshape(height, width)
    if scan == "column":
        return image.T.ravel()
    if scan == "snake":
        image = image.copy()
        image[1::2] = image[1::2, ::-1]
        return image.ravel()
    return pixels[np.argsort(_hilbert_distance(height, width), axis=None)]


def _check_image_shape(
    image_shape: tuple[int, int] | None, scan: str, n_pixels: int
) -> tuple[int, int]:
    if image_shape is None:
        side = math.isqrt(n_pixels)
        if side * side != n_pixels:
            raise ValueError(
                f'image_shape is needed for scan="{scan}": {n_pixels} columns make no square '
                "image. Pass (height, width)."
            )
        return side, side
    shape = np.asarray(image_shape)
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or shape.min() < 1:
        raise ValueError(
            f"image_shape must be two positive integers (height, width), got {shown(image_shape)}."
        )
    if shape.prod() != n_pixels:
        raise ValueError(
            f"image_shape {tuple(shape.tolist())} holds {shape.prod()} pixels, but X has "
            f"{n_pixels} columns."
        )
    return int(shape[0]), int(shape[1])


def _hilbert_distance(height: int, width: int) -> np.ndarray:
    """Distance of each pixel along the Hilbert curve of the enclosing power-of-two square.

    From the coarsest quadrant to the finest, add the quadrant's place on the curve, then turn the
    coordinates as the curve turns there (Hilbert, 1891).
    """
    side = 1 << (max(height, width) - 1).bit_length()
    row, column = np.indices((height, width))
    distance = np.zeros((height, width), dtype=np.int64)
    half = side // 2
    while half:
        lower, right = (row & half) > 0, (column & half) > 0
        distance += half * half * (3 * right ^ lower)
        row, column = row & (half - 1), column & (half - 1)
        flip = ~lower & right
        row, column = (
            np.where(flip, half - 1 - row, row),
            np.where(flip, half - 1 - column, column),
        )
        row, column = np.where(lower, row, column), np.where(lower, column, row)
        half //= 2
    return distance
