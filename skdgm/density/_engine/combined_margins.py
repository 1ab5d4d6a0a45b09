"""Distributions of missing numbers that are made of others: weighted sums, and images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from .conditional_margins import ConditionalMargin, Function, NormalsMargin, quantile_between
from .learned_margins import BinsMargin


@dataclass(frozen=True, eq=False)
class Part:
    """A distribution with its share of some rows."""

    rows: np.ndarray  # (n_own,), ascending indices
    share: np.ndarray  # (n_own,)
    margin: ConditionalMargin


@dataclass(frozen=True, eq=False)
class SumMargin(ConditionalMargin):
    """Weighted sums of distributions.

    Parameters
    ----------
    parts : list of Part
        The distributions with their shares, which sum to one in each row.
    n_rows : int
        Number of rows.
    """

    parts: Sequence[Part]
    n_rows: int

    @classmethod
    def of(cls, parts: Iterable[Part], n_rows: int) -> ConditionalMargin:
        """Return the sum of parts, of which sums are resolved and those alike put together."""
        groups: list[list[Part]] = []
        for part in _resolved(parts):
            group = next((own for own in groups if _are_alike(own[0].margin, part.margin)), None)
            if group is None:
                groups.append([part])
            else:
                group.append(part)
        merged = [_merged(group, n_rows) for group in groups]
        if len(merged) == 1 and len(merged[0].rows) == n_rows:
            return merged[0].margin
        return cls(merged, n_rows)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        total = np.zeros(self.n_rows)
        for part in self.parts:
            total[part.rows] += part.share * part.margin.cdf(x[part.rows])
        return total

    def quantile(self, q: float) -> np.ndarray:
        return quantile_between(self.cdf, q, *self.bracket(q))

    def bracket(self, q: float) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.full(self.n_rows, np.inf), np.full(self.n_rows, -np.inf)
        for part in self.parts:
            own_low, own_high = part.margin.bracket(q)
            low[part.rows] = np.minimum(low[part.rows], own_low)
            high[part.rows] = np.maximum(high[part.rows], own_high)
        return low, high

    def mean_square(self, center: np.ndarray, image: Function | None = None) -> np.ndarray:
        total = np.zeros(self.n_rows)
        for part in self.parts:
            own = part.margin.mean_square(center[part.rows], image)
            total[part.rows] += part.share * own
        return total

    def __getitem__(self, rows: np.ndarray) -> Self:
        return type(self)([_some_rows(part, rows, self.n_rows) for part in self.parts], len(rows))


def _resolved(parts: Iterable[Part]) -> Iterable[Part]:
    for part in parts:
        if isinstance(part.margin, SumMargin):
            for own in part.margin.parts:
                share = part.share[own.rows] * own.share
                yield Part(part.rows[own.rows], share, own.margin)
        else:
            yield part


def _are_alike(first: Any, second: Any) -> bool:
    """Return whether a sum of two distributions is one of their kind."""
    if type(first) is not type(second):
        return False
    if isinstance(first, ImageMargin):
        return first.image == second.image
    if isinstance(first, BinsMargin):
        return first.bins is second.bins
    return isinstance(first, NormalsMargin)


def _merged(parts: Sequence[Part], n_rows: int) -> Part:
    """Return distributions that are alike as one, with their share in all."""
    if len(parts) == 1:
        return parts[0]
    total = np.zeros(n_rows)
    for part in parts:
        total[part.rows] += part.share
    parts = [replace(part, share=part.share / total[part.rows]) for part in parts]
    first: Any = parts[0].margin
    margin: ConditionalMargin
    if isinstance(first, NormalsMargin):
        margin = NormalsMargin(*np.concatenate([_as_rows(own, n_rows) for own in parts], axis=2))
    elif isinstance(first, BinsMargin):
        margin = BinsMargin(first.bins, np.sum([_as_rows(own, n_rows) for own in parts], axis=0))
    else:
        bases: list[Any] = [replace(part, margin=part.margin.base) for part in parts]  # type: ignore[attr-defined]
        margin = replace(first, base=SumMargin.of(bases, n_rows))
    rows = np.flatnonzero(total)
    return Part(rows, total[rows], margin if len(rows) == n_rows else margin[rows])


def _as_rows(part: Part, n_rows: int) -> np.ndarray:
    """Return the parameters of a distribution for all rows, in which its shares are weighted."""
    margin: Any = part.margin
    share = part.share[:, np.newaxis] * margin.share
    if isinstance(margin, BinsMargin):
        own = np.zeros((n_rows, share.shape[1]))
        own[part.rows] = share
    else:
        own = np.zeros((3, n_rows, share.shape[1]))
        own[:, part.rows] = margin.mean, margin.scale, share
    return own


def _some_rows(part: Part, rows: np.ndarray, n_rows: int) -> Part:
    place = np.full(n_rows, -1)
    place[part.rows] = np.arange(len(part.rows))
    own = place[rows]
    has = np.flatnonzero(own >= 0)
    return Part(has, part.share[own[has]], part.margin[own[has]])


@dataclass(frozen=True, eq=False)
class ImageMargin(ConditionalMargin):
    """The distributions of ``image(z)``, an increasing function of numbers z.

    Parameters
    ----------
    base : ConditionalMargin
        The distributions of z.
    image : callable
        The function, by element.
    largest_before : callable
        The largest z whose image is no larger than a value, -inf or inf if none or all are.
    """

    base: ConditionalMargin
    image: Function
    largest_before: Function

    def cdf(self, x: np.ndarray) -> np.ndarray:
        return self.base.cdf(self.largest_before(x))

    def quantile(self, q: float) -> np.ndarray:
        return self.image(self.base.quantile(q))

    def mean_square(self, center: np.ndarray, image: Function | None = None) -> np.ndarray:
        if image is None:
            return self.base.mean_square(center, self.image)
        return self.base.mean_square(center, lambda z: image(self.image(z)))

    def bracket(self, q: float) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.base.bracket(q)
        return self.image(low), self.image(high)

    def __getitem__(self, rows: np.ndarray) -> Self:
        return type(self)(self.base[rows], self.image, self.largest_before)
