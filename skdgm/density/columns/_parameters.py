"""Blocks of columns as parameters, which can be set and searched by the names of the blocks."""

from __future__ import annotations

from typing import Any, Self

from sklearn.compose import ColumnTransformer
from sklearn.utils.metaestimators import _BaseComposition

from ..._validation import shown
from .._base import BaseDensity

REMAINDER = "remainder"  # the name of the block of columns that no other selects


class NamedBlocks(_BaseComposition):
    """A density of blocks that are parameters by their names."""

    densities: Any
    remainder: BaseDensity | None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, with the blocks' densities and their own parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the densities of the blocks and their parameters.

        Returns
        -------
        params : dict
            Parameter names and their values.
        """
        return self._get_params("_named", deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of a block or its whole density.

        Parameters
        ----------
        **params : dict
            Values by name: those of the constructor, the name of a block for its density, or
            ``name__parameter``.

        Returns
        -------
        self : object
            The density.
        """
        self._set_params("_named", **params)
        return self

    def _sk_visual_block_(self) -> Any:
        """Return the diagram of the blocks: a ColumnTransformer's, with densities in its boxes."""
        remainder = "drop" if self.remainder is None else self.remainder
        blocks = ColumnTransformer(self.densities, remainder=remainder)
        return blocks._sk_visual_block_()

    @property
    def _named(self) -> Any:
        """The pairs (name, density) that scikit-learn's compositions take their parameters from."""
        try:
            return [(name, density) for name, density, _ in self.densities]
        except (TypeError, ValueError):  # invalid, as validation will say
            return self.densities

    @_named.setter
    def _named(self, pairs: list[tuple[str, BaseDensity]]) -> None:
        columns = [columns for _, _, columns in self.densities]
        self.densities = [(*pair, own) for pair, own in zip(pairs, columns, strict=True)]

    @property
    def _families(self) -> list[BaseDensity]:
        """The densities among the parameters, as far as the parameters are valid."""
        try:
            densities = [*(density for _, density in self._named), self.remainder]
        except (TypeError, ValueError):
            return []
        return [density for density in densities if isinstance(density, BaseDensity)]

    @property
    def _families_by_name(self) -> list[tuple[str, BaseDensity]]:
        """The density of each block, with that of the columns that no other block selects."""
        rest = [] if self.remainder is None else [(REMAINDER, self.remainder)]
        return [*self._named, *rest]

    def _validate_params(self) -> None:
        super()._validate_params()
        check_densities(self.densities)
        self._validate_names([name for name, _, _ in self.densities])


def check_densities(densities: Any) -> None:
    """Raise a ValueError unless these are tuples (name, density, columns)."""
    if not densities:
        raise ValueError("densities is empty; give at least one tuple (name, density, columns).")
    for entry in densities:
        match entry:
            case (str(), BaseDensity(), _):
                continue
        raise ValueError(
            "densities must be a list of tuples (name, density, columns), of a string, a "
            f"density estimator of skdgm and a selection of columns; it holds {_shown(entry)}."
        )


def _shown(entry: Any) -> str:
    return f"({', '.join(map(shown, entry))})" if isinstance(entry, tuple) else shown(entry)
