"""Densities that follow from fitted ones, and so are never fitted themselves."""

from __future__ import annotations

from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike

from ._base import BaseDensity
from ._composite import hand_on_columns


class DerivedDensity(BaseDensity):
    """A density that another one, which is fitted, leaves when something is known.

    It answers all queries, but learns nothing.
    """

    _tells_n_parameters = False
    _source: str = "another density"  # for errors

    # ------------------------------------------------------------------ what it follows from
    @property
    def _is_additive(self) -> bool:
        return False

    def _follow(self, density: Any) -> None:
        """Take over the columns of a fitted density, and be fitted."""
        hand_on_columns(density, self)
        self._dtype = density._dtype
        self.n_jobs = density.n_jobs
        self._fitted = True

    # ------------------------------------------------------------------ what is refused
    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Raise a TypeError: the density follows from one that is fitted."""
        raise self._refusal("be fitted")

    def partial_fit(
        self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Raise a TypeError: the density follows from one that is fitted."""
        raise self._refusal("learn from further rows")

    def __sklearn_clone__(self) -> NoReturn:
        raise self._refusal("be cloned, for a clone is unfitted")

    def _refusal(self, what: str) -> TypeError:
        return TypeError(
            f"A density that follows from a fitted one cannot {what}; fit, or clone, the density "
            f"that it comes from ({self._source}), and ask that again."
        )

    def _count(self, codes: Any, weight: np.ndarray | None) -> NoReturn:
        raise self._refusal("learn from rows")

    def _estimate(self, statistics: Any) -> NoReturn:
        raise self._refusal("learn from rows")


def source_of(density: Any) -> str:
    """Return the name of the family that is fitted, from which a density follows, or that it is."""
    return density._source if isinstance(density, DerivedDensity) else type(density).__name__
