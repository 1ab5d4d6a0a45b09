"""Over-sampling for imbalanced-learn: a density per class draws the rows that the class lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets

from ._decorators import fit_context
from ._fitted import learning
from ._tables import below, read_labels, rows_at, rows_like, validate_table
from ._validation import RandomState
from .conditional import GenerativeClassifier
from .density import BaseDensity, TableDensity
from .density._base import DENSITY

try:
    from imblearn.over_sampling.base import BaseOverSampler
    from imblearn.utils import check_sampling_strategy, check_target_type
except ImportError as error:
    raise ImportError(
        'Over-sampling needs imbalanced-learn; install it with: pip install "skdgm[imblearn]"'
    ) from error

__all__ = ["DensityOverSampler"]


class DensityOverSampler(BaseOverSampler):
    """Over-sample by one density per class, for pipelines of imbalanced-learn.

    A :class:`~skdgm.GenerativeClassifier` is fitted to the rows, and the densities of its classes
    draw the rows that these lack.

    Parameters
    ----------
    density : density estimator or None, default=None
        The density to fit, for example :class:`~skdgm.GaussianDensity`. None takes
        :class:`~skdgm.TableDensity`, for a frame of any columns.
    sampling_strategy : float, str, dict or callable, default="auto"
        How many rows the classes have afterwards, as in all over-samplers of imbalanced-learn:
        "auto" (or "not majority") gives every class as many as the largest has, "minority" only the
        smallest; "not minority" and "all" are accepted, too. A float is, for two classes, the ratio
        of the smaller to the larger one. A dict holds the number of rows by label, and a callable
        gets y and returns such a dict.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for the draws, and for the default density.

    Attributes
    ----------
    sampling_strategy_ : dict
        The number of rows drawn, by label.
    classifier_ : GenerativeClassifier
        The fitted densities of all classes, after ``fit_resample``.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    imblearn.over_sampling.SMOTE : New rows between neighbours of a class.
    skdgm.GenerativeClassifier : The classifier that such densities make.

    Notes
    -----
    Rows drawn from a normal or a mixture lie where the density is, between and beyond the rows of
    the class; those drawn by nearest neighbours [1]_ lie on lines between rows. The new rows have
    no missing values, whether X has some or not. They have the dtypes of X: numbers for a column of
    integers are rounded and kept within the range of its dtype, and those for a column of booleans,
    or of categories that are numbers, become the nearest of its values.

    Classes of few rows profit from densities that share parameters, such as
    ``GaussianDensity("tied")``, whose covariance is learned from the rows of all classes. The
    default density averages many models; in a search over pipelines, a single one is faster, for
    example ``TableDensity(ChowLiuTreeDensity())``, which takes any frame as well.

    Over-sampling changes the shares of the classes, and with them the probabilities that a
    classifier learns.

    References
    ----------
    .. [1] N. V. Chawla, K. W. Bowyer, L. O. Hall and W. P. Kegelmeyer, "SMOTE: Synthetic Minority
       Over-sampling Technique", Journal of Artificial Intelligence Research 16, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from skdgm import GaussianDensity
    >>> from skdgm.over_sampling import DensityOverSampler
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> sampler = DensityOverSampler(GaussianDensity(shrinkage=0.01), random_state=0)
    >>> X_more, y_more = sampler.fit_resample(X, y)
    >>> np.bincount(y), np.bincount(y_more)
    (array([212, 357]), array([357, 357]))
    """

    _parameter_constraints: dict = {
        **BaseOverSampler._parameter_constraints,
        "density": [DENSITY, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        density: BaseDensity | None = None,
        *,
        sampling_strategy: float | str | Mapping | Callable = "auto",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.density = density
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Check X and y, and count the rows to draw; ``fit_resample`` does this, too.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : object
            The sampler, with ``sampling_strategy_``.

        Raises
        ------
        ValueError
            If X, y or ``sampling_strategy`` are invalid, or y holds a single class.
        """
        with learning(self, anew=True) as new:
            new._read(X, y)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_resample(self, X: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
        """Fit a density to the rows of each class, and draw the rows that classes lack.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data; NaN is a missing value.
        y : array-like of shape (n_samples,)
            Class labels; binarized ones, of shape (n_samples, n_classes), stay so.

        Returns
        -------
        X_resampled : array-like of shape (n_samples_new, n_features)
            The rows of X, followed by those drawn, class by class. It is a table like X, with its
            names and dtypes.
        y_resampled : array-like of shape (n_samples_new,)
            Their class labels, like y.

        Raises
        ------
        ValueError
            If X, y or ``sampling_strategy`` are invalid, y holds a single class, or the density
            cannot be fitted to the rows of a class. The sampler is then left as it was before the
            call.
        """
        with learning(self, anew=True) as new:
            labels = new._read(X, y)
            resampled = new._fit_resample(X, y, labels)
        return resampled

    def _read(self, X: Any, y: Any) -> np.ndarray:
        """Check X and y, learn how many rows to draw of each class, and return the labels."""
        if y is None:
            raise ValueError("y must be the class labels of the rows of X, got None.")
        labels = read_labels(y)
        check_classification_targets(labels)
        labels, _ = check_target_type(labels, indicate_one_vs_all=True)
        validate_table(self, X, labels, **self._unfitted_density()._input_checks)
        strategy = check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        self.sampling_strategy_ = strategy
        return labels

    def _fit_resample(self, X: Any, y: Any, labels: np.ndarray) -> tuple[Any, Any]:
        """Return X and y with the rows drawn; each has the label of the first row of its class."""
        self.classifier_ = GenerativeClassifier(self._unfitted_density()).fit(X, labels)
        classes, first = np.unique(labels, return_index=True)
        counts = np.array([self.sampling_strategy_.get(label, 0) for label in classes])
        rows = np.concatenate([np.arange(len(labels)), np.repeat(first, counts)])
        if not counts.any():
            return rows_at(X, rows), rows_at(y, rows)
        y_drawn = np.repeat(classes, counts)
        drawn, _ = self.classifier_.sample(len(y_drawn), y_drawn, self.random_state)
        if not hasattr(self.classifier_, "_schema"):  # an array of numbers, whatever X is
            drawn = rows_like(X, drawn)
        return below(X, drawn), rows_at(y, rows)

    def _unfitted_density(self) -> BaseDensity:
        if self.density is None:
            return TableDensity(random_state=self.random_state)
        return clone(self.density)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        own = get_tags(self._unfitted_density()).input_tags
        for name in ("sparse", "allow_nan", "string", "categorical", "positive_only"):
            setattr(tags.input_tags, name, getattr(own, name))
        return tags
