"""The chain rule with conditional independence: ``p(x) = prod_i p(x_i | the m values before it)``.

Each conditional comes from smoothed counts; order 0 is independence, order n - 1 restricts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from ..._codes import readonly, with_room
from ..._fitted import learning
from .._categorical import CATEGORY_CONSTRAINTS, BaseCategoricalDensity, HandleUnknown
from .._em import EM_CONSTRAINTS
from .._engine.given import check_n_samples_given
from .._engine.missing import log_prob_in_parts
from .._engine.regions import Regions
from ._counts import DENSE_CELLS, ChainCounts, count_chain, count_start, widen
from ._dense import DenseChainProbabilities
from ._given import as_tables, expected_counts, given_probabilities, shape_of
from ._group import ChainGroup
from ._missing import ChainQueries, queries_on
from ._scan import Scan, scan_order
from ._shape import ChainShape


class MarkovChainImageDensity(BaseCategoricalDensity):
    """A Markov chain along the pixels of an image, or along the columns of a table.

    Given the ``order`` values before it on the chain, a value is independent of all earlier ones.
    ``p(value | context)`` is estimated as
    ``(count(context, value) + alpha) / (count(context) + K alpha)``. After a context that was never
    seen, all values are equally probable.

    Parameters
    ----------
    order : int, default=1
        Number of preceding values that a value depends on: 0 makes pixels independent, and
        ``n_features - 1`` is the full chain rule, which restricts nothing.
    scan : {"raster", "snake", "column", "hilbert"} or array-like of shape (n_features,), \
default="raster"
        The order in which the chain visits the pixels: row by row, row by row in alternating
        directions, column by column, along the Hilbert curve, or as given (a permutation of the
        columns of X).
    image_shape : tuple of int (height, width) or None, default=None
        Shape of the images whose rows make up a row of X; None is a square. Only "snake", "column"
        and "hilbert" need it.
    n_categories : "auto" or int, default="auto"
        Number K of categories of every pixel, which are then 0 to K - 1. With "auto", all columns
        have the values seen in any of them, or 0 to the largest if they must be those of an image:
        with ``image_shape``, or with the scan "snake", "column" or "hilbert".
    max_categories : int, default=65534
        Largest number of categories that "auto" accepts in a column. One with more, such as an
        identifier of rows, is refused.
    handle_unknown : {"error", "missing", "smooth"}, default="error"
        What becomes of values that are no categories: an error; a missing value, which
        is integrated out; or one further category, "other", which shares ``alpha`` and counts in
        ``n_parameters_``. In samples and means it is one more than the largest category.
    alpha : float, default=1.0
        Pseudo-count of each value after each context; 0 is maximum likelihood. It counts rows, so
        scale ``sample_weight`` to sum to the number of rows.
    homogeneous : bool, default=False
        Whether all positions that have ``order`` values before them share one distribution.
    max_iter : int, default=200
        Maximum number of steps of expectation-maximisation, which only training data with missing
        values need.
    tol : float, default=1e-5
        Expectation-maximisation ends when a step raises the mean log-likelihood (with the
        pseudo-counts' log-prior) by less, in nats per row.
    verbose : int, default=0
        Whether to print the objective of every step.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    n_categories_ : int
        Number of categories of every pixel, "other" among them.
    categories_ : list of n_features ndarrays
        Categories of each column, "other" aside: in order, or after ``partial_fit`` as they came.
    scan_ : ndarray of shape (n_features,)
        The columns in the order of the chain.
    n_parameters_ : int
        Exact number of free parameters: ``sum_i (K - 1) K**min(i, order)``, which is
        ``2 n_features - 1`` for binary pixels and order 1. With ``homogeneous``, the shared
        distribution counts once.
    n_iter_ : int
        Number of steps of expectation-maximisation; 1 if nothing was missing.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The objective before each step, in nats per row; empty if nothing was missing.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    BernoulliIndependentDensity : Order 0 for binary pixels.
    FullCategoricalDensity : The unrestricted family, with a probability for each joint state.

    Notes
    -----
    Conditional probability tables of up to about a million cells are dense. Larger ones hold only
    the windows of ``order + 1`` values that occur in the training data, so that the cost of a long
    memory grows with the number of contexts in the data.

    Most long contexts occur in few rows, which ``alpha`` then outweighs: values well below 1
    describe and draw images better. They are worth a search.

    Missing values are summed over exactly. A position with f missing values among the ``order``
    before it costs ``K**f`` sums; with sparse tables, at most one for each context seen and each of
    its beginnings.

    If X holds nothing but fractions strictly between 0 and 1, it is taken for grey levels and
    binarised at 0.5, with a warning.

    References
    ----------
    .. [1] K. P. Murphy, "Probabilistic Machine Learning: Advanced Topics", MIT Press, 2023,
       section 2.6.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import MarkovChainImageDensity
    >>> X = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0], [1, 1, 1]])
    >>> chain = MarkovChainImageDensity(alpha=0).fit(X)
    >>> np.exp(chain.score_samples([[0, 0, 1], [1, 0, 1]]))
    array([0.5, 0. ])
    >>> chain.n_parameters_
    5
    >>> chain.sample(2, random_state=0).shape
    (2, 3)
    """

    _one_alphabet = True
    _group_type = ChainGroup
    _parameter_constraints: dict = {
        "order": [Interval(Integral, 0, None, closed="left")],
        "scan": [StrOptions(set(get_args(Scan))), "array-like"],
        "image_shape": [None, tuple, list],
        **CATEGORY_CONSTRAINTS,
        "n_categories": CATEGORY_CONSTRAINTS["n_categories"][:2],  # one for all pixels
        "alpha": [Interval(Real, 0, None, closed="left")],
        "homogeneous": ["boolean"],
        **EM_CONSTRAINTS,
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        order: int = 1,
        *,
        scan: Scan | ArrayLike = "raster",
        image_shape: tuple[int, int] | None = None,
        n_categories: Literal["auto"] | int = "auto",
        max_categories: int = 65_534,
        handle_unknown: HandleUnknown = "error",
        alpha: float = 1.0,
        homogeneous: bool = False,
        max_iter: int = 200,
        tol: float = 1e-5,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.order = order
        self.scan = scan
        self.image_shape = image_shape
        self.n_categories = n_categories
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown
        self.alpha = alpha
        self.homogeneous = homogeneous
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.n_jobs = n_jobs

    @classmethod
    def from_parameters(
        cls,
        tables: Sequence[ArrayLike],
        *,
        n_features: int | None = None,
        n_samples: float | None = None,
        **parameters: Any,
    ) -> Self:
        """Make a chain of given conditional probability tables, without data.

        Parameters
        ----------
        tables : sequence of array-like
            For each column in the order of the scan, its probabilities given the values before it:
            an axis of length K for each of the last ``order`` values, earliest first, and one for
            its own. Their number of axes tells the order.
        n_features : int or None, default=None
            Number of columns, if there are more than tables: the last table, that of column
            ``order``, then serves all columns after it (``homogeneous``).
        n_samples : float or None, default=None
            Number of rows that these stand for, beside which ``partial_fit`` counts further ones.
            With None, it starts anew.
        **parameters : dict
            Other parameters of the class, such as ``scan``, and ``alpha`` for ``partial_fit``.

        Returns
        -------
        density : MarkovChainImageDensity
            A fitted density.

        Raises
        ------
        ValueError
            If these are no tables of a chain.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import MarkovChainImageDensity
        >>> stay = [[0.9, 0.1], [0.1, 0.9]]
        >>> chain = MarkovChainImageDensity.from_parameters([[0.5, 0.5], stay], n_features=4)
        >>> np.exp(chain.score_samples([[0, 0, 0, 1]]))
        array([0.0405])
        """
        own = as_tables(tables)
        shape = shape_of(own, n_features)
        density = cls(
            shape.order,
            n_categories=shape.n_categories,
            homogeneous=shape.homogeneous,
            **parameters,
        )
        density._validate_params()
        with learning(density) as new:
            new.n_features_in_ = shape.n_positions
            new._declare(np.zeros((1, shape.n_positions)), None)
            new._n_rows = check_n_samples_given(n_samples)
            new._tables = given_probabilities(own, shape)
            new.n_parameters_ = shape.n_parameters
            new.n_iter_, new.lower_bounds_ = 1, np.empty(0)
            if n_samples is not None:
                new._statistics = expected_counts(new._tables, new._n_rows)
            new._finish()
        return density

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        scan = scan_order(self.scan, self.image_shape, self.n_features_in_)
        if extend:
            self._check_same_chain(scan)
        else:
            self._check_order()
            self.scan_ = scan
        codes = super()._encode_training(X, weight, extend)
        if extend:
            self._make_room(codes)
        return codes

    @property
    def _keeps_gaps(self) -> bool:
        """True for what must be images, of which some grey level may lack in training."""
        needs_image = isinstance(self.scan, str) and self.scan != "raster"
        return needs_image or self.image_shape is not None

    def _make_room(self, codes: np.ndarray) -> None:
        """Make room in the statistics so far for the categories and contexts of this batch."""
        statistics = widen(self._statistics, self._in_scan_order(codes), self.n_categories_)
        if statistics is not self._statistics:
            self._set(statistics)

    def _check_same_chain(self, scan: np.ndarray) -> None:
        own, known = self._shape, self._statistics.shape
        same = (own.order, own.homogeneous) == (known.order, known.homogeneous)
        if not (same and np.array_equal(scan, self.scan_)):
            raise ValueError(
                "order, scan, image_shape and homogeneous must stay as they were, for the counts "
                "of the batches so far serve no other chain; set them back or call fit."
            )

    def _check_order(self) -> None:
        longest = max(1, self.n_features_in_ - 1)  # one column is a chain of any order up to 1
        if self.order > longest:
            raise ValueError(
                f"order must be at most n_features - 1 = {self.n_features_in_ - 1}, the number of "
                f"values before the last one; got {self.order}."
            )

    def _in_scan_order(self, codes: np.ndarray) -> np.ndarray:
        return readonly(codes if self._keeps_order else codes[:, self.scan_])

    @property
    def _keeps_order(self) -> bool:
        return np.array_equal(self.scan_, np.arange(len(self.scan_)))

    @property
    def _shape(self) -> ChainShape:
        order = min(self.order, self.n_features_in_ - 1)
        return ChainShape(self.n_features_in_, order, self.homogeneous, self.n_categories_)

    @property
    def _queries(self) -> ChainQueries:
        return queries_on(self._tables)

    @property
    def _counts_missing(self) -> bool:
        return self._shape.order == 0

    @property
    def _rules_out_rows(self) -> bool:
        return self._tables.alpha == 0

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> ChainCounts:
        return count_chain(self._in_scan_order(codes), weight, self._shape)

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> ChainCounts:
        return count_start(self._in_scan_order(codes), weight, self._shape)

    def _starting_statistics(self, total: Callable[[Callable], Any]) -> ChainCounts:
        """Return what is observed and a little of everything, so that nothing is ruled out."""
        observed: ChainCounts = total(self._count_start)
        return observed.with_even()

    def _expect(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> tuple[ChainCounts, np.ndarray]:
        expected, log_prob = self._queries.expect(self._in_scan_order(codes), weight)
        self._check_expected(log_prob)
        return expected, log_prob

    def _log_prior(self, total: float) -> float:
        return self._tables.log_prior()

    def _estimate(self, statistics: ChainCounts) -> None:
        self._tables = statistics.probabilities(self.alpha)
        self.n_parameters_ = statistics.shape.n_parameters

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        codes = self._in_scan_order(codes)
        return log_prob_in_parts(codes, self._tables.log_prob, self._queries.log_prob)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._in_column_order(self._tables.sample(n_samples, generator))

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        codes = self._in_scan_order(with_room(codes, self.n_categories_))
        return self._in_column_order(self._queries.sample(codes, generator))

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        mean = self._queries.mean(self._in_scan_order(codes), self._categories.worth[0])
        return self._in_column_order(mean)

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        codes = self._in_scan_order(with_room(codes, self.n_categories_))
        return self._in_column_order(self._queries.mode(codes))

    def _restricted(self, regions: Regions) -> tuple[Any, float] | None:
        tables, n_cells = (
            self._tables,
            len(self.scan_) * self.n_categories_ ** (self._shape.order + 1),
        )
        if not isinstance(tables, DenseChainProbabilities) or n_cells > DENSE_CELLS:
            return None
        position = np.argsort(self.scan_)
        weights = {int(position[column]): own for column, own in regions.items()}
        given = copy(self)
        given._tables, log_prob = tables.weighted(weights)
        return given, log_prob

    def _in_column_order(self, table: np.ndarray) -> np.ndarray:
        if self._keeps_order:
            return table
        columns = np.empty_like(table)
        columns[:, self.scan_] = table
        return columns
