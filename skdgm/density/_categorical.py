"""Base of densities over categories: the categories of each column, and their codes."""

from __future__ import annotations

import warnings
from dataclasses import replace
from numbers import Integral
from typing import Any, Literal, get_args

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .._codes import (
    LARGEST_CODE,
    as_binary_codes,
    as_codes,
    as_floats,
    has_missing,
    holds_grey_levels,
)
from .._validation import check_observed, observed_columns, shown
from ._em import EMDensity
from ._engine.categories import Categories, check_n_values
from ._engine.columns import Columns
from ._engine.numbers import check_same_grey_levels

HandleUnknown = Literal["error", "missing", "smooth"]
CATEGORY_CONSTRAINTS: dict = {
    "n_categories": [
        StrOptions({"auto"}),
        Interval(Integral, 1, LARGEST_CODE + 1, closed="both"),
        "array-like",
    ],
    "max_categories": [Interval(Integral, 1, LARGEST_CODE, closed="both")],
    "handle_unknown": [StrOptions(set(get_args(HandleUnknown)))],
}


class BaseCategoricalDensity(EMDensity):
    """A density over columns that hold categories, which are non-negative integers.

    With ``n_categories="auto"``, the categories of a column are the values seen there in training,
    of which there are at most ``max_categories``; a boolean column has two. Declared numbers of
    categories K stand for the categories 0 to K - 1. ``handle_unknown`` says what becomes of other
    values in queries.

    ``n_categories_`` counts them: an array with one entry per column, or one integer where
    ``_one_alphabet`` says that all columns share their categories.

    Values that are not integers are an error, with one exception: training data that hold nothing
    but fractions strictly between 0 and 1 are taken for grey levels and binarised at 0.5, with a
    warning.
    """

    n_categories: Any
    max_categories: int
    handle_unknown: str
    min_categories: Any = None  # a parameter of families that have no joint states
    n_categories_: Any  # an array or an integer
    _categories: Categories
    _is_observed: np.ndarray | None = None  # mask of columns, where unknown values are missing
    _one_alphabet = False
    _shares_categories = False  # True if a category seen in one column is known in all of them
    _keeps_gaps: Any = False  # True if the categories are 0 to the largest value seen

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        if not extend:
            self._grey_levels = holds_grey_levels(X)
        X = self._read(X)
        categories = self._learn_categories(X, extend)
        self._categories = replace(categories, has_other=self.handle_unknown == "smooth")
        if self._declared_categories() is None and not categories.values:
            codes = as_codes(X)
        else:
            codes = self._categories.codes_of(X, self.handle_unknown)
            if self.handle_unknown == "missing" and not extend:
                self._is_observed = observed_columns(as_floats(codes))
        self._set_n_categories()
        return codes

    def _declare_more(self, other: BaseCategoricalDensity) -> None:
        check_same_grey_levels(self._grey_levels, other._grey_levels)
        if self._is_observed is not None:
            self._is_observed = self._is_observed | other._is_observed
        if self._declared_categories() is None:
            self._categories = self._categories.union(other._categories)
            check_n_values(self._categories, self._categories, self.max_categories)
            self._set_n_categories()

    def _check_declared(self) -> None:
        if self._is_observed is not None:
            known = np.where(self._is_observed, 0.0, np.nan)
            check_observed(known[np.newaxis], getattr(self, "feature_names_in_", None))
        if self._grey_levels:
            warnings.warn(
                "X holds no categories, only fractions between 0 and 1. They are read as grey "
                "levels: 1 above 0.5, else 0. Binarize X first, for example with "
                "sklearn.preprocessing.Binarizer, to choose the threshold.",
                UserWarning,
                stacklevel=2,
            )

    def _set_n_categories(self) -> None:
        self.n_categories_ = self._categories.n_categories
        if self._one_alphabet:
            self.n_categories_ = int(self.n_categories_[0])

    def _learn_categories(self, X: np.ndarray, extend: bool) -> Categories:
        declared = self._declared_categories()
        if declared is not None:
            return Categories.declared(np.broadcast_to(declared, (self.n_features_in_,)))
        seen = Categories.up_to_largest(X) if self._keeps_gaps else Categories.seen_in(X)
        known = getattr(self, "_known_values", None)  # and so not those of other columns
        shares = self._one_alphabet or self._shares_categories
        categories = (seen.shared() if shares else seen).replaced(known)
        if self.min_categories is not None:
            least = self._checked_numbers("min_categories", self.min_categories)
            least = np.broadcast_to(least, (self.n_features_in_,))
            categories = Categories.declared(least).with_new(categories)
        if self._one_alphabet:
            categories = categories.shared()
        if extend:
            categories = self._categories.with_new(categories)
        check_n_values(categories, seen, self.max_categories)
        return categories

    def _encode(self, X: Any) -> np.ndarray:
        return self._categories.codes_of(self._read(X), self.handle_unknown)

    @property
    def _columns(self) -> Columns:
        return Columns.categorical(self._categories)

    @property
    def categories_(self) -> list[np.ndarray]:
        """The categories of each column, by code; "other" has none."""
        return [self._categories.known(column) for column in range(self.n_features_in_)]

    def _read(self, X: np.ndarray) -> np.ndarray:
        """Return X, or its binarised grey levels."""
        if self._grey_levels and not np.any((X < 0) | (X > 1)):
            codes = as_binary_codes(X, threshold=0.5)
            return as_floats(codes) if has_missing(codes) else codes
        return X

    def _declared_categories(self) -> np.ndarray | None:
        """Return the declared numbers of categories, one per column (or one in all), or None."""
        if isinstance(self.n_categories, str):
            return None
        return self._checked_numbers("n_categories", self.n_categories)

    def _checked_numbers(self, name: str, numbers: Any) -> np.ndarray:
        """Return numbers of categories that a user gives, or raise a ValueError."""
        given = np.asarray(numbers)
        shapes = [()] if self._one_alphabet else [(), (self.n_features_in_,)]
        if given.shape not in shapes or given.dtype.kind not in "iu" or given.min() < 1:
            wanted = (
                "" if self._one_alphabet else f" or {self.n_features_in_} of them, one per column"
            )
            automatic = '"auto", ' if name == "n_categories" else ""
            raise ValueError(
                f"{name} must be {automatic}a positive integer{wanted}; got {shown(numbers)}."
            )
        most = LARGEST_CODE if self.handle_unknown == "smooth" else LARGEST_CODE + 1
        if given.max() > most:
            raise ValueError(f"{name} must be at most {most}, got {given.max()}; group categories.")
        return given.astype(np.int64)

    def _check_expected(self, log_prob: np.ndarray) -> None:
        """Raise a ValueError if the model so far rules out a row with missing values."""
        if np.isneginf(log_prob).any():
            raise ValueError(
                "X has a row whose observed values have probability zero under the model so far, "
                "so that nothing is expected of its missing values. Fit to all rows at once, or "
                "choose a model that rules nothing out, for example by pseudo-counts (alpha above "
                "0)."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        return tags
