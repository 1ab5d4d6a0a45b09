"""Independent columns of numbers, each with a step function as its density."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import StrOptions

from .._fitted import query
from .._tables import check_table
from .._validation import check_observed
from ._base import BaseDensity
from ._engine.columns import Columns
from ._engine.conditional_margins import ConditionalMargin, SameMargin
from ._engine.learned_margins import LearnedDistribution
from ._engine.margins import Margin, distinct_values
from ._engine.numbers import check_sizes, checked_kinds, read_numbers, rounding_of
from ._engine.regions import Interval, Regions
from ._engine.steps import EVERYWHERE

NumberKind = Literal["continuous", "count"]


@dataclass(frozen=True, eq=False)
class DistinctValues:
    """The distinct values of each column, ascending, with their weights; they add by merging."""

    columns: tuple[tuple[np.ndarray, np.ndarray], ...]

    def __add__(self, other: Self) -> Self:
        merged = []
        for parts in zip(self.columns, other.columns, strict=True):
            values, place = np.unique(
                np.concatenate([own for own, _ in parts]), return_inverse=True
            )
            weight = np.concatenate([own for _, own in parts])
            merged.append((values, np.bincount(place, weights=weight, minlength=len(values))))
        return type(self)(tuple(merged))


class StepIndependentDensity(BaseDensity):
    """Independent columns of numbers, each with a step function as its density.

    Around each training value stands a box that reaches to its k-th nearest neighbour: wide where
    values are rare, narrow where they are dense. Boxes of several k are mixed in the proportions
    that make the training rows most probable under the boxes of all others, and a wide normal of
    little weight takes what lies outside. So a column may be skewed, bounded or rounded, have heavy
    tails or hold one value most of the time. No unit matters.

    Parameters
    ----------
    kinds : {"continuous", "count"} or list of these, default="continuous"
        What the columns hold, all or each: real numbers, or integers, which have probabilities,
        not densities. Integers none of which is negative in training never are.
    rounding : array-like of shape (n_features,) or None, default=None
        Step to which the numbers of each column are rounded: 0 if they are not. No box is
        narrower, so that repeated values do not make the density unbounded. None takes the
        smallest distance between values, if any value occurs twice.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    rounding_ : ndarray of shape (`n_features_in_`,)
        The steps of rounding.
    n_parameters_ : int
        Number of distinct values in training less one, summed over the columns: each value has a
        weight.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    BinnedDensity : Columns that depend on one another, by bins of these densities.
    NormalScoreTransformer : Columns that these densities make normal.
    sklearn.neighbors.KernelDensity : Kernels of one width in all columns together.

    Notes
    -----
    The proportions of k = 1, 3, 10, ..., 1000 are found by expectation-maximisation on the
    densities of training values without the row itself, which are exact: boxes that lose the row
    reach one neighbour further. Each k stands twice, with boxes that end where the training values
    do, and with boxes that may reach beyond. Within a mixture, the boxes of a component are those
    of its share of the rows, so a step of expectation-maximisation may lower the objective, and
    then the loop ends.

    A column of a single value has no scale: its box is 0.001 wide unless ``rounding`` says more.

    References
    ----------
    .. [1] L. Breiman, W. Meisel and E. Purcell, "Variable Kernel Estimates of Multivariate
       Densities", Technometrics 19(2), 1977.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import StepIndependentDensity
    >>> rng = np.random.default_rng(0)
    >>> income = np.where(rng.random(1000) < 0.4, 0.0, rng.lognormal(size=1000).round(2))
    >>> density = StepIndependentDensity().fit(income[:, np.newaxis])
    >>> density.cdf([[0.5], [5.0]]).round(2)
    array([[0.53],
           [0.96]])
    """

    _column_kind = "continuous"
    _is_additive = False
    _parameter_constraints: dict = {
        "kinds": [StrOptions(set(get_args(NumberKind))), "array-like"],
        "rounding": [None, "array-like"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        *,
        kinds: NumberKind | Sequence[str] = "continuous",
        rounding: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.kinds = kinds
        self.rounding = rounding
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ what a user calls
    @query
    def cdf(self, X: ArrayLike) -> np.ndarray:
        """Compute the distribution function of each column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_features)
            Probability of a value no larger than that of X, NaN where X is missing.
        """
        X = np.asarray(self._check_query(X), dtype=np.float64)
        tables = zip(self._margins, X.T, strict=True)
        return np.column_stack([margin.cdf(own) for margin, own in tables])

    @query
    def quantile(self, probability: ArrayLike) -> np.ndarray:
        """Compute the quantiles of each column, the inverse of :meth:`cdf`.

        Parameters
        ----------
        probability : array-like of shape (n_samples, n_features)
            Probabilities, one column for each of the density's.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The values below which these probabilities lie.
        """
        table = check_table(probability, "probability", dtype=np.float64)
        if table.shape[1] != self.n_features_in_ or not ((table >= 0) & (table <= 1)).all():
            raise ValueError(
                f"probability must have {self.n_features_in_} columns of numbers from 0 to 1, got "
                f"shape {table.shape} with values from {table.min():g} to {table.max():g}."
            )
        tables = zip(self._margins, table.T, strict=True)
        return np.column_stack([margin.quantile(own) for margin, own in tables])

    # ------------------------------------------------------------------ encoding
    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        self._kinds = checked_kinds(self.kinds, get_args(NumberKind), self.n_features_in_)
        X = self._encode(X)
        check_observed(X, getattr(self, "feature_names_in_", None))
        check_sizes(X, np.ones(X.shape[1], dtype=bool))
        self.rounding_ = rounding_of(X, weight, self.rounding)
        return X

    def _encode(self, X: Any) -> np.ndarray:
        return read_numbers(X, self._kinds == "count")

    @property
    def _columns(self) -> Columns:
        return Columns.alike("continuous", self.n_features_in_).with_numbers(self._kinds)

    # ------------------------------------------------------------------ learning
    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> DistinctValues:
        return DistinctValues(tuple(distinct_values(column, weight) for column in codes.T))

    def _estimate(self, statistics: DistinctValues) -> None:
        columns = zip(statistics.columns, self._kinds, self.rounding_, strict=True)
        self._margins = [
            Margin.learn(*own, kind == "count", float(step)) for own, kind, step in columns
        ]
        self.n_parameters_ = sum(len(values) - 1 for values, _ in statistics.columns)

    # ------------------------------------------------------------------ queries
    @property
    def _rules_out_rows(self) -> bool:
        return any(margin.steps.support != EVERYWHERE for margin in self._margins)

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        total = np.zeros(len(codes))
        for margin, column in zip(self._margins, codes.T, strict=True):
            observed = ~np.isnan(column)
            total[observed] += margin.log_prob(column[observed])
        return total

    def _log_prob_given(self, codes: np.ndarray, condition: np.ndarray) -> np.ndarray:
        return self._log_prob(np.where(np.isnan(condition), codes, np.nan))

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return np.column_stack([margin.draw(n_samples, generator) for margin in self._margins])

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self._sample(len(codes), generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        return np.tile([margin.mean() for margin in self._margins], (len(codes), 1))

    def _pair_information(self, places: np.ndarray, known: np.ndarray) -> np.ndarray:
        return np.zeros((len(places), len(places)))  # of independent columns

    def _restricted(self, regions: Regions) -> tuple[Any, float] | None:
        if not all(isinstance(region, Interval) for region in regions.values()):
            return None
        given, total = copy(self), 0.0
        given._margins = list(self._margins)
        for column, region in regions.items():
            given._margins[column], log_prob = self._margins[column].truncated(region)
            total += log_prob
        return given, total

    def _moments_missing(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        variance = [LearnedDistribution(margin).var() for margin in self._margins]
        return self._mean_missing(codes), np.tile(variance, (len(codes), 1))

    def _margins_missing(
        self, codes: np.ndarray, columns: Sequence[int]
    ) -> list[ConditionalMargin]:
        margins = [LearnedDistribution(self._margins[column]) for column in columns]
        return [SameMargin(own, len(codes)) for own in margins]

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        return np.tile([margin.mode() for margin in self._margins], (len(codes), 1))
