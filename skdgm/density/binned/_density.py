"""Numbers by way of bins: ``log p(x) = log p(bins) + sum_j log f_j(x_j) / f_j(bin of x_j)``.

A density over categories models the bins, and the density f_j of each column by itself what
happens within them.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from numbers import Integral
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval, StrOptions

from ..._codes import as_codes
from ..._validation import check_observed
from .._base import DENSITY, BaseDensity
from .._coordinates import CoordinateDensity
from .._engine.columns import Columns
from .._engine.completions import best_completions
from .._engine.conditional_margins import ConditionalMargin
from .._engine.coordinates import CoordinateRows
from .._engine.learned_margins import BinsMargin
from .._engine.numbers import check_sizes, checked_kinds, read_numbers, rounding_of
from .._engine.regions import Regions
from ._coordinates import BinnedColumns

Kind = Literal["continuous", "count", "categorical"]


class BinnedDensity(CoordinateDensity):
    """A density of columns of numbers by way of bins, over which another density is exact.

    Each column of numbers is cut into bins that hold nearly equal shares of the rows. They are
    categories to ``density``, so that any density over categories becomes one of numbers, in their
    own units: ``log p(x) = log p(bins) + sum_j log f_j(x_j) / f_j(bin)``, where f_j is the density
    of column j by itself, a :class:`StepIndependentDensity`. Marginals, conditionals and samples
    are as exact as those of ``density``.

    Parameters
    ----------
    density : density estimator
        A density over categories, for example :class:`HiddenChowLiuTreeDensity`.
    n_bins : int, default=8
        Number of bins of each column of numbers. A value that outweighs a bin has one alone, and
        what lies between two such values is a bin at least.
    kinds : {"continuous", "count", "categorical"} or list of these, default="continuous"
        What the columns hold, all or each: real numbers, integers (which have probabilities, not
        densities), or the categories of ``density``.
    rounding : array-like of shape (n_features,) or None, default=None
        Step to which the numbers of each column are rounded: 0 if they are not. None takes the
        smallest distance between values, if any value occurs twice.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    density_ : density estimator
        The density, fitted to the bins and categories.
    bin_edges_ : list of ndarray
        The inner borders of the bins of each column, empty for one of categories. A number at a
        border belongs to the bin above.
    n_parameters_ : int
        Number of free parameters of ``density_``. The densities within bins count as
        preprocessing.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    StepIndependentDensity : The density of each column by itself.
    sklearn.preprocessing.KBinsDiscretizer : The bins alone.

    Notes
    -----
    Within :class:`MixtureDensity` and :class:`GenerativeClassifier`, the bins are learned once from
    all rows, and all components or classes share them.

    The most probable completion of a row is found among the most probable numbers of the bins,
    which makes it exact where that of ``density`` would be.

    References
    ----------
    .. [1] L. Breiman, W. Meisel and E. Purcell, "Variable Kernel Estimates of Multivariate
       Densities", Technometrics 19(2), 1977.
    .. [2] M. Scanagatta, G. Corani, C. P. de Campos and M. Zaffalon, "Approximate structure
       learning for large Bayesian networks", Machine Learning 107, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import BinnedDensity, ChowLiuTreeDensity
    >>> angle = np.random.default_rng(0).uniform(0, 2 * np.pi, size=1000)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> ring = BinnedDensity(ChowLiuTreeDensity(), n_bins=16).fit(X)
    >>> ring.score_samples([[0.0, 1.0], [0.0, 0.0]]).round(0)
    array([-1., -4.])
    """

    _column_kind = "continuous"
    _parameter_constraints: dict = {
        "density": [DENSITY],
        "n_bins": [Interval(Integral, 2, None, closed="left")],
        "kinds": [StrOptions(set(get_args(Kind))), "array-like"],
        "rounding": [None, "array-like"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        density: BaseDensity,
        n_bins: int = 8,
        *,
        kinds: Kind | Sequence[str] = "continuous",
        rounding: ArrayLike | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.density = density
        self.n_bins = n_bins
        self.kinds = kinds
        self.rounding = rounding
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ coordinates
    def _encode_training(
        self, X: np.ndarray, weight: np.ndarray | None, extend: bool
    ) -> CoordinateRows:
        self._kinds = checked_kinds(self.kinds, get_args(Kind), self.n_features_in_)
        X = read_numbers(X, self._kinds == "count")
        check_observed(X, getattr(self, "feature_names_in_", None))
        check_sizes(X, self._kinds != "categorical")
        self._binned = BinnedColumns.learn(
            X, weight, self._kinds, self.n_bins, rounding_of(X, weight, self.rounding)
        )
        self._prototype = self._make_part(self.density)
        known = getattr(self, "_known_values", [None] * self.n_features_in_)
        bins = self._binned.bins
        self._prototype._known_values = [
            np.arange(len(bins[place])) if place in bins else own for place, own in enumerate(known)
        ]
        Z, log_within = self._binned.forward(X)
        codes = self._prototype._declare(Z, weight)
        columns = self._prototype._columns
        if not columns.listable.all():
            raise ValueError(
                f"density must be one over categories, got {type(self.density).__name__} with "
                f"{columns.kind[~columns.listable][0]} columns; choose for example "
                "ChowLiuTreeDensity or HiddenChowLiuTreeDensity."
            )
        if any(columns.n_categories[place] != len(own) for place, own in bins.items()):
            raise ValueError(
                f"density={type(self.density).__name__} keeps the categories of all columns alike, "
                "or has others declared, so that it gives probability to bins that do not exist; "
                'choose n_categories="auto" and for example ChowLiuTreeDensity or '
                "CategoricalIndependentDensity."
            )
        return CoordinateRows(self._binned.with_codes(X, np.asarray(codes)), codes, log_within)

    def _encode_part(self, table: np.ndarray, weight: np.ndarray | None) -> CoordinateRows:
        self._expect_rows(len(table), weight, extend=False)
        columns = self._columns
        self._known_values = columns.known_values()
        return self._encode_training(columns.decode(table), weight, extend=False)

    def _encode(self, X: np.ndarray) -> CoordinateRows:
        X = read_numbers(X, self._kinds == "count")
        Z, log_within = self._binned.forward(X)
        codes = self._prototype._encode(Z)
        return CoordinateRows(self._binned.with_codes(X, np.asarray(codes)), codes, log_within)

    def _recode(self, table: np.ndarray) -> CoordinateRows:
        Z, log_within = self._binned.forward(table)
        return CoordinateRows(table, self._prototype._recode(as_codes(Z)), log_within)

    @property
    def bin_edges_(self) -> list[np.ndarray]:
        """The inner borders of the bins of each column."""
        bins = self._binned.bins
        return [
            bins[column].cuts if column in bins else np.empty(0)
            for column in range(self.n_features_in_)
        ]

    # ------------------------------------------------------------------ queries
    @property
    def _columns(self) -> Columns:
        return self._prototype._columns.with_numbers(self._kinds)

    def _log_prob_given(self, codes: CoordinateRows, condition: CoordinateRows) -> np.ndarray:
        """Add up the densities within bins of the columns that the condition lacks alone."""
        given = self.density_._log_prob_given(codes.transformed, condition.transformed)
        _, log_within = self._binned.forward(
            np.where(np.isnan(condition.values), codes.values, np.nan)
        )
        return given + log_within

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._binned.draw(self.density_._sample(n_samples, generator), generator)

    def _sample_missing(self, codes: CoordinateRows, generator: np.random.Generator) -> np.ndarray:
        drawn = self.density_._sample_missing(codes.transformed, generator)
        return self._binned.draw(drawn, generator)

    def _mean_missing(self, codes: CoordinateRows) -> np.ndarray:
        numbers = self._lacking_numbers(codes)
        mean = np.full(codes.shape, np.nan)
        if len(numbers) < self.n_features_in_ or not numbers:
            mean[:] = self.density_._mean_missing(codes.transformed)
        shares = self.density_._proba_missing(codes.transformed, numbers)
        for column, share in zip(numbers, shares, strict=True):
            mean[:, column] = share @ self._binned.bins[column].means
        return mean

    def _lacking_numbers(self, codes: CoordinateRows) -> list[int]:
        """Return the columns of numbers in which a value is missing."""
        return [j for j in self._binned.bins if np.isnan(codes.values[:, j]).any()]

    def _moments_missing(self, codes: CoordinateRows) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = super()._moments_missing(codes)  # of categories
        numbers = self._lacking_numbers(codes)
        shares = self.density_._proba_missing(codes.transformed, numbers)
        for column, share in zip(numbers, shares, strict=True):
            bins = self._binned.bins[column]
            between = (bins.means - mean[:, [column]]) ** 2
            variance[:, column] = np.sum(share * (bins.variances + between), axis=1)
        return mean, variance

    def _proba_missing(self, codes: CoordinateRows, columns: Sequence[int]) -> list[np.ndarray]:
        return self.density_._proba_missing(codes.transformed, columns)

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        """Restrict bins by the shares of them that intervals hold, and the numbers within bins."""
        given, within, bins = copy(self), dict(regions), dict(self._binned.bins)
        for column, region in regions.items():
            if column in bins:
                bins[column], within[column] = bins[column].truncated(region)
        given._binned = replace(self._binned, bins=bins)
        density, log_prob = self.density_._given_regions(within)
        given._prototype = given.density_ = density
        return given, log_prob

    def _margins_missing(
        self, codes: CoordinateRows, columns: Sequence[int]
    ) -> list[ConditionalMargin]:
        bins = self._binned.bins
        numbers = [column for column in columns if column in bins]
        others = [column for column in columns if column not in bins]
        shares = self.density_._proba_missing(codes.transformed, numbers)
        found: dict[int, ConditionalMargin] = {
            column: BinsMargin(bins[column], share)
            for column, share in zip(numbers, shares, strict=True)
        }
        found |= zip(others, super()._margins_missing(codes, others), strict=True)
        return [found[column] for column in columns]

    def _mode_missing(self, codes: CoordinateRows) -> np.ndarray:
        """Return the most probable completion by the most probable numbers of the bins."""
        density = self.density_

        def log_prob(table: np.ndarray) -> np.ndarray:
            return density._log_prob(density._recode(table)) + self._binned.log_peaks(table)

        candidates = [density._mode_missing(codes.transformed)]
        n_values = density._columns.n_categories
        completed = best_completions(np.asarray(codes.transformed), candidates, log_prob, n_values)
        return self._binned.most_probable(completed)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = get_tags(self.density).input_tags.allow_nan
        return tags
