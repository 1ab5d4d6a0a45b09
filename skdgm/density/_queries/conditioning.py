"""Densities from densities: marginals, and what is left when some columns are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..._fitted import query
from ..._validation import shown
from .._contract import DensityHooks
from .._engine.columns import column_index, column_labels
from .._engine.regions import Interval, Regions
from .evidence import read_evidence


class Conditioning(DensityHooks):
    """Marginal and conditional densities, and evidence beside the cells of a row."""

    # Both are densities themselves, and known once these are: see ``density/_evidence``.
    _view_type: ClassVar[Any]
    _listing_type: ClassVar[Any]

    @query
    def marginal(self, columns: Sequence[int | str]) -> Any:
        """Return the density of some columns alone, with all others integrated out.

        Parameters
        ----------
        columns : sequence of int or str
            Indices of the columns, or their names if the training data had names that are all
            strings. The density has them in this order.

        Returns
        -------
        density : density estimator
            A fitted density, which scores, samples, completes, conditions and pickles: a normal or
            a mixture if the density is one, else a view on it, which cannot be fitted again or
            cloned.

        Raises
        ------
        ValueError
            If there is no such column, or one is named twice.

        See Also
        --------
        condition : The density of the other columns where some are known.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import ChowLiuTreeDensity
        >>> X = np.array([[0, 0, 1], [0, 0, 0], [1, 2, 1], [1, 2, 0], [0, 1, 1]])
        >>> ends = ChowLiuTreeDensity().fit(X).marginal([0, 2])
        >>> np.exp(ends.score_samples([[0, 0], [0, 1], [1, 0], [1, 1]])).round(2)
        array([0.24, 0.31, 0.21, 0.24])
        """
        kept = self._places_of(columns)
        return self._remaining(kept, np.full((1, self.n_features_in_), np.nan))

    @query
    def condition(self, evidence: Mapping[int | str, Any]) -> Any:
        """Return the density of the other columns, given what is known of some.

        Parameters
        ----------
        evidence : mapping of column to value, interval or set
            The columns that are known, by index or name: each with a value, with an interval as a
            tuple ``(low, high)`` whose ends belong to it, None for an open one, or with a set of
            possible values.

        Returns
        -------
        density : density estimator
            A fitted density over the columns that evidence does not name, which scores, samples,
            completes, conditions and pickles: a normal or a mixture if the density is one and
            evidence holds values alone, else a view on it, which cannot be fitted again or cloned.

        Raises
        ------
        ValueError
            If evidence does not fit the columns, names all of them or has probability zero.

        See Also
        --------
        marginal : The density of some columns, where nothing is known of the others.

        Notes
        -----
        Intervals and sets are summed or integrated exactly by all families but normals with three
        and more interval columns, see :class:`GaussianDensity`, and chains of classifiers
        (:class:`ChainRuleDensity`), which take values only. Families without a sum of their own
        list the values in the regions, up to 4,096 combinations.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import GaussianDensity
        >>> X = np.random.default_rng(0).normal(size=(500, 2)) @ [[1.0, 1.0], [0.0, 0.5]]
        >>> density = GaussianDensity().fit(X)
        >>> density.condition({0: 2.0}).conditional_mean([[np.nan]]).round(1)
        array([[2.]])
        >>> density.condition({0: (1.0, 3.0)}).conditional_mean([[np.nan]]).round(1)
        array([[1.5]])
        """
        known = read_evidence(self, evidence)
        density = self._within_regions(known.regions)[0]
        kept = np.setdiff1d(np.arange(self.n_features_in_), known.columns)
        if not len(kept):
            raise ValueError(
                "evidence names all columns, so that none remains; score_samples tells how "
                "probable it is."
            )
        row = known.fill(np.full((1, self.n_features_in_), np.nan))
        if bool(np.any(density._rules_out(density._encode(row)))):
            raise impossible()
        return density._remaining(kept, row)

    # ------------------------------------------------------------------ shared machinery
    def _under(self, table: Any, evidence: Any) -> tuple[Any, Any, float]:
        """Return the density under evidence, the table to ask it about, and log p(regions).

        Without evidence, these are the density itself, the validated table, and 0.
        """
        if evidence is None:
            return self, table, 0.0
        known = read_evidence(self, evidence)
        table = known.fill(table)
        density, log_prob = self._within_regions(known.regions)
        return density, table, log_prob

    def _within_regions(self, regions: Regions) -> tuple[Any, float]:
        density, log_prob = self._given_regions(regions)
        if log_prob == -np.inf:
            raise impossible()
        return density, log_prob

    def _given_regions(self, regions: Regions) -> tuple[Any, float]:
        """Return the density given that columns lie in regions, and the log-probability of that."""
        listed: dict[int, Any] = {}
        others: dict[int, Any] = {}
        for column, region in regions.items():
            is_listed = not isinstance(region, np.ndarray | Interval)
            (listed if is_listed else others)[column] = region
        density: Any = self
        log_prob = 0.0
        if others:
            answer = self._restricted(others)
            if answer is None:
                listed |= others
            else:
                density, log_prob = answer
        if not listed or log_prob == -np.inf:
            return density, log_prob
        for column, region in listed.items():
            if isinstance(region, Interval) or not self._lists_regions:
                label = column_labels(self, np.arange(self.n_features_in_) == column)
                raise ValueError(
                    f"{type(self).__name__} takes no intervals or sets of values as evidence, here "
                    f"about {label}; give a value, or choose another family, such as "
                    "ChowLiuTreeDensity for categories and BinnedDensity for numbers."
                )
        density, more = self._listing_type.of(density, listed)
        return density, log_prob + more

    def _remaining(self, kept: np.ndarray, row: np.ndarray) -> Any:
        """Return the density of some columns given a row: one of the family, or else a view."""
        own = self._on_columns(kept, row)
        return self._view_type.of(self, kept, row) if own is None else own

    def _places_of(self, columns: Any, argument: str = "columns") -> np.ndarray:
        """Return the indices of the columns that a user names, each of them once."""
        if isinstance(columns, str | int | np.integer):
            raise TypeError(
                f"{argument} must be a list of columns, got {shown(columns)}; pass "
                f"[{shown(columns)}]."
            )
        names = getattr(self, "feature_names_in_", None)
        places = [column_index(column, self.n_features_in_, names) for column in columns]
        if not places or len(set(places)) < len(places):
            raise ValueError(
                f"{argument} must name at least one column, and none twice; got {list(columns)!r}."
            )
        return np.array(places)


def impossible() -> ValueError:
    """Return the error about evidence that nothing agrees with."""
    return ValueError(
        "evidence has probability zero under the model, so that nothing follows from it; correct "
        "it, or choose a model that rules nothing out, for example by pseudo-counts (alpha above "
        "0)."
    )
