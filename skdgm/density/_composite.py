"""Densities that hold other densities: mixtures, blocks of columns, densities behind a map."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags

from .._tables import as_frame, columns_at
from ._base import BaseDensity


class CompositeDensity(BaseDensity):
    """A density that holds other densities and answers queries through them.

    It writes one further hook, ``_parts``.
    """

    # ------------------------------------------------------------------ hooks
    @property
    @abstractmethod
    def _parts(self) -> Sequence[BaseDensity]:
        """The densities inside, known once data are encoded."""

    # ------------------------------------------------------------------ what follows
    def _make_part(self, family: BaseDensity) -> BaseDensity:
        """Return a clone of a density that sees the same columns, with valid parameters."""
        part = clone(family)
        part._validate_params()
        hand_on_columns(self, part)
        return part

    @property
    def _rules_out_rows(self) -> bool:
        return any(part._rules_out_rows for part in self._parts)

    @property
    def _is_degenerate(self) -> bool:
        return any(part._is_degenerate for part in self._parts)

    @property
    def _borrows_columns(self) -> bool:
        prototype = getattr(self, "_prototype", None)  # of parts that are known once fitted
        parts = self._parts if prototype is None else [prototype]
        return all(part._borrows_columns for part in parts)

    @property
    def _tells_n_parameters(self) -> bool:
        return all(part._tells_n_parameters for part in self._parts)


def hand_on_columns(source: BaseEstimator, density: BaseDensity) -> None:
    """Tell a density, before it encodes, about the columns that another estimator has validated."""
    names = ("n_features_in_", "feature_names_in_", "_column_numbers", "_known_values", "_schema")
    for name in names:
        if hasattr(source, name):
            setattr(density, name, getattr(source, name))
    hand_on_table(source, density)


def hand_on_some_columns(source: Any, density: Any, places: np.ndarray) -> None:
    """Tell a density of some columns about them, which the other one has validated."""
    density.n_features_in_ = len(places)
    density._dtype = source._dtype
    if hasattr(source, "feature_names_in_"):
        density.feature_names_in_ = source.feature_names_in_[places]
    if hasattr(source, "_known_values"):
        density._known_values = [source._known_values[place] for place in places]
    if hasattr(source, "_schema"):
        density._schema = source._schema.of_columns(places)


def hand_on_table(source: BaseEstimator, density: BaseDensity) -> None:
    """Tell a density about the table that a user has passed to another estimator."""
    if hasattr(source, "_given"):
        density._given = source._given


def table_given(density: BaseDensity, X: np.ndarray) -> Any:
    """Return the columns of the frame that a user has passed to fit; X if that was no frame."""
    given = getattr(density, "_given", None)
    if given is None or as_frame(given.table) is None:
        return X
    numbers = getattr(density, "_column_numbers", None)
    return given.table if numbers is None else columns_at(given.table, numbers)


def with_parameters(density: Any, family: BaseDensity) -> Any:
    """Return a copy of a density that has encoded training data, with the parameters of another."""
    twin = copy(density)
    twin.set_params(**clone(family).get_params(deep=False))
    return twin


def with_batch_declared(
    densities: Iterable[Any], family: BaseDensity, X: Any, weight: np.ndarray | None
) -> tuple[list[Any], Any]:
    """Return copies of densities that know what a further batch declares, and its codes.

    The densities stand side by side. The copies have the parameters of the family, and room in
    their statistics for new categories.
    """
    copies = [with_parameters(density, family) for density in densities]
    for own in copies:  # all encode alike
        codes = own._declare(X, weight, extend=True)
    return copies, codes


def same_parameters(first: Any, second: Any) -> bool:
    """Return whether two estimators, or two values of their parameters, are alike."""
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, BaseEstimator):
        return same_parameters(first.get_params(deep=False), second.get_params(deep=False))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            same_parameters(value, second[name]) for name, value in first.items()
        )
    if isinstance(first, list | tuple):
        pairs = zip(first, second, strict=False)
        return len(first) == len(second) and all(same_parameters(*pair) for pair in pairs)
    return bool(np.array_equal(first, second))


def check_takes_missing(density: Any, why: str = "") -> None:
    """Raise a ValueError if a density does not accept missing values."""
    if not get_tags(density).input_tags.allow_nan:
        raise ValueError(
            f"density must accept missing values, {why}but {type(density).__name__} does not: a "
            "PCA in it mixes columns."
        )
