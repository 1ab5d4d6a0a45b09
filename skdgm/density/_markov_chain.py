"""The chain rule with conditional independence: ``p(x) = prod_i p(x_i | the m values before it)``.

Each conditional is a smoothed table of counts; order 0 is independence, order n - 1 restricts
nothing.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from .._codes import readonly
from ._categorical import N_CATEGORIES_CONSTRAINTS, BaseCategoricalDensity
from ._chain_tables import ChainShape, DenseChainCounts, SparseChainCounts, count_chain, widen
from ._scan import SCANS, scan_order


class MarkovChainImageDensity(BaseCategoricalDensity):
    """A Markov chain along the pixels of an image, or along the columns of a table.

    Given the ``order`` values before it on the chain, a value is independent of all earlier ones.
    Each table estimates ``p(value | context)`` as ``(count(context, value) + alpha) /
    (count(context) + K alpha)``; a context that was never seen leaves the even distribution.

    Parameters
    ----------
    order : int, default=1
        How many values before it a value depends on: 0 is independent pixels, ``n_features - 1``
        the full chain rule, which restricts nothing.
    scan : {"raster", "snake", "column", "hilbert"} or array-like of shape (n_features,), \
default="raster"
        The order in which the chain visits the pixels: row by row, row by row and back, column by
        column, along the Hilbert curve, or as given (a permutation of the columns of X).
    image_shape : tuple of int (height, width) or None, default=None
        Shape of the images whose rows make up a row of X; None is a square. Needed for "snake",
        "column" and "hilbert" only.
    n_categories : "auto" or int, default="auto"
        Number of categories K of every pixel, which holds 0 to K - 1. With "auto", one more than
        the largest seen.
    alpha : float, default=1.0
        Pseudo-count of each value after each context; 0 is maximum likelihood.
    homogeneous : bool, default=False
        Whether all positions that have ``order`` values before them share one table.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    n_categories_ : int
        Number of categories of every pixel.
    scan_ : ndarray of shape (n_features,)
        The columns in the order of the chain.
    n_parameters_ : int
        Free parameters, exact: ``sum_i (K - 1) K**min(i, order)``, which for binary pixels and
        order 1 is ``2 n_features - 1``; with ``homogeneous`` the common table counts once.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    BernoulliIndependentDensity : Order 0 for binary pixels.
    FullCategoricalDensity : The unrestricted family as one table of joint states.

    Notes
    -----
    Tables of up to about a million cells are dense. Larger ones hold only the windows of
    ``order + 1`` values that occur in the training data, so that a long memory costs no more than
    the data have contexts.

    With long contexts most tables have few rows, and ``alpha`` outweighs them: values well below 1
    then describe and draw images better. It is worth a search.

    X that holds nothing but fractions strictly between 0 and 1 is taken for grey levels: it is
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
    _parameter_constraints: dict = {
        "order": [Interval(Integral, 0, None, closed="left")],
        "scan": [StrOptions(set(SCANS)), "array-like"],
        "image_shape": [None, tuple, list],
        "n_categories": N_CATEGORIES_CONSTRAINTS,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "homogeneous": ["boolean"],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        order: int = 1,
        *,
        scan: str | ArrayLike = "raster",
        image_shape: tuple[int, int] | None = None,
        n_categories: str | int = "auto",
        alpha: float = 1.0,
        homogeneous: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.order = order
        self.scan = scan
        self.image_shape = image_shape
        self.n_categories = n_categories
        self.alpha = alpha
        self.homogeneous = homogeneous
        self.n_jobs = n_jobs

    def _encode_training(self, X: Any, extend: bool) -> np.ndarray:
        if not extend:
            self._check_order()
            self.scan_ = scan_order(self.scan, self.image_shape, self.n_features_in_)
        codes = super()._encode_training(X, extend)
        if extend:
            self._statistics = widen(self._statistics, self.n_categories_)
        return codes

    def _check_order(self) -> None:
        longest = max(1, self.n_features_in_ - 1)  # one column is a chain of any order up to 1
        if self.order > longest:
            raise ValueError(
                f"order must be at most n_features - 1 = {self.n_features_in_ - 1}, the number of "
                f"values before the last one; got {self.order}."
            )

    def _in_scan_order(self, codes: np.ndarray) -> np.ndarray:
        if not np.array_equal(self.scan_, np.arange(len(self.scan_))):
            codes = codes[:, self.scan_]
        return readonly(codes)

    def _count(
        self, codes: np.ndarray, weight: np.ndarray | None
    ) -> DenseChainCounts | SparseChainCounts:
        order = min(self.order, self.n_features_in_ - 1)
        shape = ChainShape(self.n_features_in_, order, self.homogeneous, self.n_categories_)
        return count_chain(self._in_scan_order(codes), weight, shape)

    def _estimate(self, statistics: DenseChainCounts | SparseChainCounts) -> None:
        self._tables = statistics.probabilities(self.alpha)
        self.n_parameters_ = statistics.shape.n_parameters

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        return self._tables.log_prob(self._in_scan_order(codes))

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        codes = np.empty((n_samples, self.n_features_in_), dtype=self._dtype)
        codes[:, self.scan_] = self._tables.sample(n_samples, generator)
        return codes
