"""Outliers: rows that a density, fitted to all rows, hardly ever draws."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import OutlierMixin, clone
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval, StrOptions

from ._decorators import fit_context
from ._estimator import CommonEstimator
from ._fitted import learning, query
from ._tables import validate_table
from ._validation import RandomState, check_generator
from .density import BaseDensity, Surprise, TableDensity
from .density._base import DENSITY

USUAL = 0.05  # tail probability below which a row is an outlier
LEAST = 5e-324  # stands for a tail probability of 0, so that all scores are finite


class DensityOutlierDetector(OutlierMixin, CommonEstimator):
    """Detect outliers by a density fitted to the rows, whatever cells are missing.

    The score of a row is the logarithm of its tail probability: the probability that a draw from
    the density, with the same cells observed, is no more probable than the row. So rows with holes
    compare with complete ones, which log-densities do not.

    Parameters
    ----------
    density : density estimator or None, default=None
        The density to fit, for example :class:`GaussianDensity`. None takes
        :class:`TableDensity`, for a frame of any columns.
    contamination : "auto" or float in (0, 0.5], default="auto"
        The part of the training rows that are outliers. With "auto", rows are outliers whose tail
        probability is below 0.05, as it is for 5 % of the rows that the density draws.
    n_draws : int, default=1000
        Number of rows to draw from the density, among which a row's log-density is placed.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for the draws, which are the same in all queries of a fitted detector,
        and for the default density.

    Attributes
    ----------
    density_ : density estimator
        The fitted density.
    offset_ : float
        The score below which a row is an outlier.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    SurpriseDisplay : A picture of what :meth:`explain` returns.
    sklearn.ensemble.IsolationForest : Outliers by random cuts of the columns.
    sklearn.covariance.EllipticEnvelope : Outliers by a robust normal.

    Notes
    -----
    :meth:`explain` tells why rows are outliers: which of their cells do not go with the others, and
    what was to be expected there.

    The density learns from the outliers, too. A flexible one, such as a mixture, may then keep a
    component for a handful of equal outliers. ``explain(X, out_of_bag=True)`` judges each training
    row by members of the density that have not learned from it, where it has such.

    References
    ----------
    .. [1] R. J. Hyndman, "Computing and Graphing Highest Density Regions", The American
       Statistician 50(2), 1996.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import DensityOutlierDetector, GaussianDensity
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> detector = DensityOutlierDetector(GaussianDensity(), random_state=0).fit(X)
    >>> detector.predict([[0.0, 1.0, 0.0], [5.0, 0.0, 0.0], [5.0, np.nan, np.nan]])
    array([ 1, -1, -1])
    >>> detector.explain([[0.0, 1.0, 0.0], [5.0, 0.0, 0.0]]).suspects(1)[["row", "column", "value"]]
       row  column  value
    0    1       0    5.0
    """

    _parameter_constraints: dict = {
        "density": [DENSITY, None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        density: BaseDensity | None = None,
        *,
        contamination: Literal["auto"] | float = "auto",
        n_draws: int = 1000,
        random_state: RandomState = None,
    ) -> None:
        self.density = density
        self.contamination = contamination
        self.n_draws = n_draws
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Fit the density, and learn the score below which rows are outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : Ignored
            Not used, present for API consistency.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If the density does not accept X. The detector is then left as it was before the call.
        """
        with learning(self, anew=True) as new:
            density = new._unfitted_density()
            validate_table(new, X, **density._input_checks)
            new.density_ = density.fit(X)  # X itself: its columns may have names
            new._seed = int(check_generator(new.random_state).integers(2**31))
            new.offset_ = float(np.log(USUAL))
            if not isinstance(new.contamination, str):
                new.offset_ = float(np.quantile(new._scores(X), new.contamination))
        return self

    def _unfitted_density(self) -> BaseDensity:
        if self.density is None:
            return TableDensity(random_state=self.random_state)
        return clone(self.density)

    def _scores(self, X: ArrayLike) -> np.ndarray:
        tails = self.density_.tail_probability(X, self.n_draws, self._seed)
        return np.log(np.maximum(tails, LEAST))

    @query
    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Compute the logarithm of each row's tail probability.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.

        Returns
        -------
        score : ndarray of shape (n_samples,)
            The lower, the less usual. It is 0 for a row without any observed value, and at its
            lowest, about -744, for a row that the density rules out.
        """
        validate_table(self, X, reset=False, **self.density_._input_checks)
        return self._scores(X)

    @query
    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Compute how far the score of each row is above that of outliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to score; NaN is a missing value.

        Returns
        -------
        score : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``: negative for outliers.
        """
        return self.score_samples(X) - self.offset_

    @query
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Tell outliers from other rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to judge; NaN is a missing value.

        Returns
        -------
        label : ndarray of shape (n_samples,)
            -1 for outliers, and 1 for other rows.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    @query
    def explain(self, X: ArrayLike, *, out_of_bag: bool | None = None) -> Surprise:
        """Tell which cells make rows unusual, and what the density expected in their place.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to explain; NaN is a missing value.
        out_of_bag : bool or None, default=None
            Whether members of the density that have not learned from a row judge it. X must then be
            the training data; see ``surprise`` of a density. None is False, with a warning where
            True is possible.

        Returns
        -------
        surprise : Surprise
            The surprise of rows and cells under ``density_``. The tail probabilities of rows are
            those of :meth:`score_samples`, unless ``out_of_bag`` is True.

        Raises
        ------
        ValueError
            If ``out_of_bag`` is True, and no member of the density has left out the rows of X.
        TypeError
            If X is sparse.
        ImportError
            If pandas is not installed.
        """
        validate_table(self, X, reset=False, **self.density_._input_checks)
        return self.density_.surprise(X, self.n_draws, self._seed, out_of_bag=out_of_bag)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._unfitted_density()).input_tags
        return tags
