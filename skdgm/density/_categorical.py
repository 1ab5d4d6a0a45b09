"""Base of densities over categories: the number of categories of each column, and their codes."""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .._codes import (
    LARGEST_CODE,
    as_binary_codes,
    as_codes,
    check_within,
    holds_grey_levels,
    largest_codes,
)
from ._em import EMDensity
from ._engine.columns import Columns

N_CATEGORIES_CONSTRAINTS = [
    StrOptions({"auto"}),
    Interval(Integral, 1, LARGEST_CODE + 1, closed="both"),
]


class BaseCategoricalDensity(EMDensity):
    """A density over columns that hold the categories 0, 1, 2, ...

    ``n_categories_`` is declared by the parameter ``n_categories`` or, with "auto", one more than
    the largest category seen; a boolean column has two. It is an array with one entry per column,
    or one integer where ``_one_alphabet`` says that all columns share their categories.

    Values that are not integers are an error, with one exception: training data that hold nothing
    but fractions strictly between 0 and 1 are taken for grey levels and binarised at 0.5, with a
    warning.
    """

    n_categories_: Any  # an array or an integer
    _one_alphabet = False

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        if not extend:
            self._grey_levels = holds_grey_levels(X)
            if self._grey_levels:
                warnings.warn(
                    "X holds no categories, only fractions between 0 and 1. They are read as grey "
                    "levels: 1 above 0.5, else 0. Binarize X first, for example with "
                    "sklearn.preprocessing.Binarizer, to choose the threshold.",
                    UserWarning,
                    stacklevel=2,
                )
        codes = self._as_codes(X)
        declared = self._declared_categories()
        if declared is None:
            seen = largest_codes(codes) + 1
            known = self.n_categories_ if extend else 2 if X.dtype == np.bool_ else 1
            self.n_categories_ = np.maximum(seen.max() if self._one_alphabet else seen, known)
        else:
            check_within(codes, declared)
            self.n_categories_ = declared
        if self._one_alphabet:
            self.n_categories_ = int(self.n_categories_)
        return codes

    def _encode(self, X: Any) -> np.ndarray:
        codes = self._as_codes(X)
        check_within(codes, self.n_categories_)
        return codes

    @property
    def _columns(self) -> Columns:
        return Columns.categorical(np.broadcast_to(self.n_categories_, (self.n_features_in_,)))

    def _as_codes(self, X: np.ndarray) -> np.ndarray:
        if self._grey_levels and not np.any((X < 0) | (X > 1)):
            return as_binary_codes(X, threshold=0.5)
        return as_codes(X)

    def _declared_categories(self) -> np.ndarray | None:
        """Return the declared numbers of categories, one per column (or one in all), or None."""
        if isinstance(self.n_categories, str):
            return None
        declared = np.asarray(self.n_categories)
        shapes = [()] if self._one_alphabet else [(), (self.n_features_in_,)]
        if declared.shape not in shapes or declared.dtype.kind not in "iu" or declared.min() < 1:
            wanted = (
                "" if self._one_alphabet else f" or {self.n_features_in_} of them, one per column"
            )
            raise ValueError(
                f'n_categories must be "auto", a positive integer{wanted}; got '
                f"{self.n_categories!r}."
            )
        if self._one_alphabet:
            return declared
        return np.broadcast_to(declared, (self.n_features_in_,)).astype(np.int64)

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
