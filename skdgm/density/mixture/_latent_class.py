"""Questions about the latent class: the component that a row comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import ClassifierTags, get_tags

from ..._fitted import query
from ..._tables import as_given
from ..._validation import RandomState, check_generator
from .._average import AverageDensity
from .._base import BaseDensity
from .._composite import hand_on_columns
from .._engine.blocks import draw_categories, run_in_row_blocks
from .._engine.regions import Regions
from .._group import DensityGroup, set_n_parameters


class LatentClassDensity(ClassNamePrefixFeaturesOutMixin, TransformerMixin, AverageDensity):
    """A weighted sum of densities whose members are classes of rows.

    Those that were learned together form a group, which sees the same codes.
    """

    n_components: int
    _group: Any = None  # a DensityGroup

    @query
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Find the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        z : ndarray of shape (n_samples,)
            Indices of components.
        """
        return self.predict_proba(X).argmax(axis=1)

    @query
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Compute the probability of each component given each row: the responsibilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            ``p(z = k | x)``. A row that every component rules out gets the weights.
        """
        return self._shares(self._encode(self._check_query(X)))

    @query
    def transform(self, X: ArrayLike) -> np.ndarray:
        """Represent each row by the probabilities of the components, for a step that follows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing value.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            ``predict_proba(X)``. The columns are named "mixturedensity0", and so on.
        """
        return self.predict_proba(X)

    @property
    def _n_features_out(self) -> int:
        return len(self.weights_)

    @query
    def sample(
        self,
        n_samples: int = 1,
        random_state: RandomState = None,
        return_components: bool = False,
    ) -> Any:
        """Draw rows from the mixture, with the components that they come from if asked.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows to draw.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness; the same seed gives the same rows with any ``n_jobs``.
        return_components : bool, default=False
            Whether to return the component of each row as well.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, of the training data's dtype, or a wider one where that cannot hold them.
        z : ndarray of shape (n_samples,)
            Indices of components, drawn jointly with the rows; only if ``return_components``.
        """
        generator = check_generator(random_state)
        drawn = self._draw(n_samples, generator)
        X = as_given(self, self._as_table(drawn))
        if not return_components:
            return X
        shares = run_in_row_blocks(self._shares, self._recode(drawn), self.n_jobs)
        return X, draw_categories(np.concatenate(shares), generator)

    def _shares(self, codes: Any) -> np.ndarray:
        """Return ``p(z | x)`` of each row, of shape (n_rows, n_components)."""
        return self._responsibilities(codes)[0]

    def _set_parts(
        self, densities: list[Any], weights: np.ndarray, group: DensityGroup | None = None
    ) -> None:
        """Become the sum of fitted densities."""
        first = densities[0]
        hand_on_columns(first, self)
        self._prototype, self._group, self._dtype = first, group, first._dtype
        self.weights_, self.densities_ = weights, densities
        known: list[Any] = [getattr(density, "n_parameters_", None) for density in densities]
        n_parameters = None if None in known else sum(known) + len(known) - 1
        if group is not None:
            n_parameters = group.n_parameters(besides=len(known) - 1)
        set_n_parameters(self, n_parameters)
        self._finish()

    @property
    def _input_checks(self) -> dict:
        return self.density._input_checks

    def _codes_for(self, density: BaseDensity, codes: Any) -> Any:
        if self._group is not None or sparse.issparse(codes):
            return codes
        return density._recode(np.asarray(codes))

    def _table(self, codes: Any) -> Any:
        """Return sparse codes as an array."""
        return self._prototype._table(codes) if sparse.issparse(codes) else codes

    def _best_completion(self, codes: Any, *candidates: Any) -> np.ndarray:
        return super()._best_completion(self._table(codes), *candidates)

    def _latent_shares(self, codes: Any) -> list[np.ndarray]:
        return [self._shares(codes)]

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        given, log_prob = super()._restricted(regions)
        if given is not self:
            given._group = None  # which is that of the densities without regions
        return given, log_prob

    def _log_prob_of_each(self, codes: Any) -> np.ndarray:
        if self._group is None:
            return super()._log_prob_of_each(codes)
        return self._group.log_prob(codes)

    def _log_objective_of_each(self, codes: Any) -> np.ndarray:
        if self._group is None:
            return super()._log_objective_of_each(codes)
        return self._group.log_objective(codes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.density).input_tags.sparse
        # Scikit-learn asks this of whatever has predict_proba and takes a sparse X.
        tags.classifier_tags = ClassifierTags(multi_class=self.n_components > 2)
        return tags
