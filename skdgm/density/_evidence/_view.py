"""Some columns of a density, given values of others: a view on the joint density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..._codes import as_codes, as_floats
from .._base import BaseDensity
from .._composite import hand_on_some_columns
from .._derived import DerivedDensity, source_of
from .._engine.codes import ComposedCodes, coordinates
from .._engine.columns import Columns
from .._engine.completions import best_completions
from .._engine.conditional_margins import ConditionalMargin
from .._engine.regions import Regions


@dataclass(frozen=True, eq=False)
class ViewRows(ComposedCodes):
    """The columns of a view, and the codes of the same rows for the joint density."""

    values: np.ndarray
    joint: Any

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def __getitem__(self, rows: Any) -> Self:
        return type(self)(self.values[rows], self.joint[rows])

    def coordinates(self) -> np.ndarray:
        return coordinates(self.values)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        values = np.asarray(self.values, dtype=dtype)
        return values.copy() if copy else values


class DensityView(DerivedDensity):
    """The density of some columns, given values of some others; all that remain are integrated out.

    :meth:`BaseDensity.marginal` and :meth:`BaseDensity.condition` make views. A view answers
    whatever a density answers, exactly, through the joint density. It cannot be fitted or cloned,
    but may be a component of a mixture made by ``from_parameters``.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if the training data had names that are all strings.

    Notes
    -----
    The most probable completion of a row, ``conditional_mode``, is exact where the missing values
    are categorical and have at most 4,096 completions, or no column is integrated out. Otherwise it
    is the joint density's own, improved one column at a time where its values can be listed: a
    local maximum.
    """

    _joint: Any
    _kept: np.ndarray  # columns of the joint density
    _row: np.ndarray  # (1, n_columns of the joint density), values that are known, NaN elsewhere

    @classmethod
    def of(cls, joint: BaseDensity, kept: np.ndarray, row: np.ndarray) -> Self:
        """Return the view on some columns, given the values of a row where it holds any."""
        if isinstance(joint, DensityView):
            whole = joint._row.copy()
            whole[:, joint._kept] = row
            joint, kept, row = joint._joint, joint._kept[kept], whole
        view = cls()
        hand_on_some_columns(joint, view, kept)
        view.n_jobs, view._fitted = joint.n_jobs, True
        view._source = source_of(joint)
        view._joint, view._kept, view._row = joint, kept, row
        return view

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        names = getattr(self, "feature_names_in_", self._kept)
        return f"DensityView({type(self._joint).__name__}, columns={list(map(str, names))})"

    @property
    def categories_(self) -> list[np.ndarray]:
        """The values of each column in the order of ``conditional_proba``."""
        known = self._joint.categories_
        return [known[place] for place in self._kept]

    # ------------------------------------------------------------------ encoding
    @property
    def _input_checks(self) -> dict:
        return self._joint._dense_input_checks

    @property
    def _columns(self) -> Columns:
        return self._joint._columns.some(self._kept)

    def _values_to_list(self, column: int) -> np.ndarray:
        return self._joint._values_to_list(int(self._kept[column]))

    def _encode(self, X: np.ndarray) -> ViewRows:
        whole = np.repeat(self._row, len(X), axis=0)
        whole[:, self._kept] = X
        return self._of_joint(self._joint._encode(whole))

    def _recode(self, table: np.ndarray) -> ViewRows:
        known = np.asarray(self._joint._encode(self._row))
        whole = np.repeat(as_floats(known).astype(np.float64), len(table), axis=0)
        whole[:, self._kept] = as_floats(table)
        has_marks = known.dtype.kind != "f"
        return self._of_joint(self._joint._recode(as_codes(whole) if has_marks else whole))

    def _of_joint(self, codes: Any) -> ViewRows:
        return ViewRows(np.asarray(codes)[:, self._kept], codes)

    def _known_rows(self, n_rows: int) -> Any:
        """Return codes of the joint density for rows of which only what is known is observed."""
        return self._joint._encode(np.repeat(self._row, n_rows, axis=0))

    # ------------------------------------------------------------------ queries
    @property
    def _rules_out_rows(self) -> bool:
        return self._joint._rules_out_rows

    def _rules_out(self, codes: ViewRows) -> np.ndarray:
        return self._joint._rules_out(codes.joint)

    def _log_prob(self, codes: ViewRows) -> np.ndarray:
        if np.isnan(self._row).all():
            return self._joint._log_prob(codes.joint)
        if self._joint._columns.all_discrete:
            return self._joint._log_prob(codes.joint) - self._joint._log_prob(self._known_rows(1))
        return self._joint._log_prob_given(codes.joint, self._known_rows(len(codes)))

    def _log_prob_given(self, codes: ViewRows, condition: ViewRows) -> np.ndarray:
        return self._joint._log_prob_given(codes.joint, condition.joint)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        if np.isnan(self._row).all():
            return self._joint._sample(n_samples, generator)[:, self._kept]
        return self._joint._sample_missing(self._known_rows(n_samples), generator)[:, self._kept]

    def _sample_missing(self, codes: ViewRows, generator: np.random.Generator) -> np.ndarray:
        return self._joint._sample_missing(codes.joint, generator)[:, self._kept]

    def _mean_missing(self, codes: ViewRows) -> np.ndarray:
        return self._joint._mean_missing(codes.joint)[:, self._kept]

    def _moments_missing(self, codes: ViewRows) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = self._joint._moments_missing(codes.joint)
        return mean[:, self._kept], variance[:, self._kept]

    def _proba_missing(self, codes: ViewRows, columns: Sequence[int]) -> list[np.ndarray]:
        return self._joint._proba_missing(codes.joint, self._kept[list(columns)].tolist())

    def _margins_missing(self, codes: ViewRows, columns: Sequence[int]) -> list[ConditionalMargin]:
        return self._joint._margins_missing(codes.joint, self._kept[list(columns)].tolist())

    def _mode_missing(self, codes: ViewRows) -> np.ndarray:
        """Return the joint density's own completions, improved by the scores of the columns."""
        own = self._joint._mode_missing(codes.joint)[:, self._kept]
        if len(self._kept) + np.sum(~np.isnan(self._row)) == self._row.shape[1]:
            return own  # nothing is integrated out
        return best_completions(
            np.asarray(codes),
            [own],
            lambda table: self._log_prob(self._recode(table)),
            self._columns.n_categories,
        )

    def _information(
        self, places: np.ndarray, known: np.ndarray, n_samples: int, generator: Any
    ) -> np.ndarray:
        if not np.isnan(self._row).all():
            return super()._information(places, known, n_samples, generator)
        kept = self._kept
        return self._joint._information(kept[places], kept[known], n_samples, generator)

    def _latent_shares(self, codes: ViewRows) -> list[np.ndarray]:
        return self._joint._latent_shares(codes.joint)

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        within = {int(self._kept[column]): region for column, region in regions.items()}
        joint, log_prob = self._joint._given_regions(within)
        if log_prob == -np.inf:
            return self, -np.inf
        view = self.of(joint, self._kept, self._row)
        known = self._known_rows(1)
        more = joint._log_prob(known) - self._joint._log_prob(known)
        return view, log_prob + float(more[0])
