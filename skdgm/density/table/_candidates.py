"""The families of densities that a table density chooses from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._base import BaseDensity
from .._categorical_independent import CategoricalIndependentDensity
from ..binned import BinnedDensity
from ..columns import ColumnDensity
from ..gaussian import GaussianDensity
from ..hidden_tree import HiddenChowLiuTreeDensity
from ..mixture import MixtureDensity
from ..transformed import NormalScoreTransformer, TransformedDensity

FEW_BINS, MANY_BINS = 8, 16
STATES = (2, 4, 8)  # of trees over few bins
MANY_STATES = 64  # of trees over many bins
PSEUDO_COUNTS = (0.3, 0.05)  # of these trees: the less, the more they keep of single rows
MANY_COMPONENTS = 8  # of a mixture of normals
SHRINKAGE = 0.05
FEW_ROWS = 50  # up to which there are but two families
MOST_FOLDS, FEWER_FOLDS = 8, 4
MANY_ROWS = 2000  # from which on fewer folds do: each member learns from many rows


def candidates(
    kinds: Sequence[str], rounding: Sequence[float], n_values: np.ndarray, n_rows: float
) -> dict[str, BaseDensity]:
    """Return the families, unfitted, by name.

    Parameters
    ----------
    kinds : sequence of {"categorical", "count", "continuous"}
        Kinds of the columns.
    rounding : sequence of float
        Steps of rounding of the columns.
    n_values : ndarray of shape (n_columns,)
        Number of distinct values of each column.
    n_rows : float
        Number of rows to learn from.
    """

    def binned(density: BaseDensity, n_bins: int) -> BinnedDensity:
        return BinnedDensity(density, n_bins, kinds=list(kinds), rounding=list(rounding))

    independent = CategoricalIndependentDensity()
    families: dict[str, BaseDensity] = {"independent": binned(independent, FEW_BINS)}
    if len(kinds) == 1:
        return families
    few = n_rows < FEW_ROWS
    for n_states in STATES[:1] if few else STATES:
        tree = HiddenChowLiuTreeDensity(n_states, alpha=1.0)
        families[f"tree of {n_states} states"] = binned(tree, FEW_BINS)
    if few:
        return families
    for alpha in PSEUDO_COUNTS:
        tree = HiddenChowLiuTreeDensity(MANY_STATES, alpha=alpha)
        families[f"tree of {MANY_STATES} states, alpha={alpha}"] = binned(tree, MANY_BINS)
    is_normal = (np.array(kinds) == "continuous") & (n_values > MANY_BINS)
    if is_normal.any():
        steps = np.asarray(rounding)[is_normal].tolist()
        scores = NormalScoreTransformer(rounding=steps)
        normal = TransformedDensity(scores, GaussianDensity(shrinkage=SHRINKAGE))
        rounded = GaussianDensity(rounding=steps)
        families["mixture of normal scores"] = _mixture(kinds, rounding, is_normal, normal)
        families["mixture of normals"] = _mixture(kinds, rounding, is_normal, rounded)
    return families


def _mixture(
    kinds: Sequence[str], rounding: Sequence[float], is_normal: np.ndarray, normal: BaseDensity
) -> MixtureDensity:
    """Return a mixture of normals beside independent categories and bins."""
    numbers, others = np.flatnonzero(is_normal).tolist(), np.flatnonzero(~is_normal).tolist()
    blocks: list[tuple[str, BaseDensity, list[int]]] = [("numbers", normal, numbers)]
    if len(others):
        independent = BinnedDensity(
            CategoricalIndependentDensity(),
            FEW_BINS,
            kinds=[kinds[column] for column in others],
            rounding=[rounding[column] for column in others],
        )
        blocks.append(("others", independent, others))
    return MixtureDensity(ColumnDensity(blocks), MANY_COMPONENTS)


def n_folds_of(n_rows: float) -> int:
    """Return the number of folds by which the families are fitted and compared."""
    if n_rows < FEW_ROWS:
        return 2
    return MOST_FOLDS if 2 * FEW_ROWS <= n_rows < MANY_ROWS else FEWER_FOLDS
