"""Shapes of numbers: texts that stand for all that are written alike, but for the digits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

ONES = str.maketrans("23456789", "11111111")
AS_ONES = str.maketrans("023456789", "111111111")


def shape_of(text: str) -> str:
    """Return a number with 1 for each digit, but for a zero in front and for exponents."""
    number, *exponent = re.split("([eE])", text.strip(), maxsplit=1)
    shape = number.translate(AS_ONES)
    digits = number.lstrip("+-")
    if digits[:1] == "0":
        start = len(number) - len(digits)
        shape = shape[:start] + "0" + shape[start + 1 :]
    return "".join([shape, *exponent])


def count_shapes(texts: Iterable[str]) -> Counter[str]:
    """Count the shapes of numbers."""
    drafts = Counter(text if "e" in text or "E" in text else text.translate(ONES) for text in texts)
    shapes: Counter[str] = Counter()
    for draft, count in drafts.items():
        shapes[shape_of(draft)] += count
    return shapes
