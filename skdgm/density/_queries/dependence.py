"""Dependence: the mutual information of columns, and rows that are alike to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..._fitted import query
from ..._tables import import_pandas
from ..._validation import RandomState, check_generator, check_n_samples
from .._contract import DensityHooks
from .._engine.blocks import run_in_row_blocks
from .information import Dependences

if TYPE_CHECKING:
    import pandas as pd


class Dependence(DensityHooks):
    """Questions about which columns, and which rows, belong together."""

    _check_query: Callable[[Any], Any]
    _places_of: Callable[..., np.ndarray]
    _log_prob_blocks: Callable[[Any], np.ndarray]
    _draw: Callable[[int, RandomState], np.ndarray]

    @query
    def mutual_information(
        self,
        columns: Sequence[int | str] | None = None,
        given: Sequence[int | str] | None = None,
        n_samples: int = 1000,
        random_state: RandomState = None,
    ) -> pd.DataFrame:
        """Compute the mutual information of pairs of columns under the model.

        It tells how much one column says about another: 0 if they are independent. It depends
        neither on units nor on the names of categories.

        Parameters
        ----------
        columns : sequence of int or str, default=None
            Columns by index or name; None takes all, but for those in ``given``.
        given : sequence of int or str, default=None
            Columns that are known: the conditional mutual information is averaged over their
            values.
        n_samples : int, default=1000
            Number of rows to draw where there is no exact sum.
        random_state : int, RandomState, Generator or None, default=None
            Source of randomness for these.

        Returns
        -------
        information : DataFrame of shape (n_columns, n_columns)
            ``I(x_i; x_j)`` in nats, or ``I(x_i; x_j | given)``. The diagonal holds the entropies of
            binary and categorical columns, and NaN for numbers.

        Raises
        ------
        ValueError
            If there is no such column, or one is named twice or is in both arguments.
        TypeError
            If ``columns`` or ``given`` is one column, not a list of columns.
        ImportError
            If pandas is not installed.

        See Also
        --------
        DependenceDisplay : A picture of it.

        Notes
        -----
        Exact are normals, independent columns, and pairs of columns that list their values:
        categories, and the bins of :class:`BinnedDensity`. All of it also holds behind a
        transformer by column. Combinations of values are summed, up to 4,096 of one column and
        those that are given. Entropies are exact up to 4,096 combinations of ``given``.

        Elsewhere, rows are drawn. If one column of a pair lists its values, these are still summed,
        and the result is the mean divergence of ``p(x_i | x_j, given)`` from ``p(x_i | given)``.
        Otherwise it is the mean of ``log p(x_i, x_j | given) - log p(x_i | given) - log p(x_j |
        given)``, and 0 where that falls below. The standard error falls with the root of
        ``n_samples``; for normals with the correlation r it would be ``|r| / sqrt(n_samples)``.

        References
        ----------
        .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd edition, Wiley,
           2006, chapters 2 and 8.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import GaussianDensity
        >>> X = np.random.default_rng(0).normal(size=(5000, 3))
        >>> X[:, 1] += X[:, 0]
        >>> GaussianDensity().fit(X).mutual_information().round(2).abs()
              0     1    2
        0   NaN  0.35  0.0
        1  0.35   NaN  0.0
        2  0.00  0.00  NaN
        """
        pandas = import_pandas("mutual_information")
        known = np.empty(0, dtype=np.intp)
        if given is not None and not (isinstance(given, Sized) and len(given) == 0):
            known = self._places_of(given, "given")
        places = np.setdiff1d(np.arange(self.n_features_in_), known)
        if columns is not None:
            places = self._places_of(columns)
            if np.isin(places, known).any():
                raise ValueError("columns must not hold columns that are given.")
        n_samples, generator = check_n_samples(n_samples), check_generator(random_state)
        information = self._information(places, known, n_samples, generator)
        entropies = Dependences(self, known, n_samples, generator).entropies(places)
        np.fill_diagonal(information, entropies)
        names: Any = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))
        return pandas.DataFrame(information, index=names[places], columns=names[places])

    @query
    def similar_rows(self, X: ArrayLike, to: ArrayLike, n_rows: int = 10) -> pd.DataFrame:
        """Find the rows that the model takes to be most like a row.

        Rows are alike if they probably come from the same components of a mixture, or the same
        states of a hidden tree, whatever cells they miss.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to choose from; NaN is a missing value.
        to : array-like of shape (1, n_features)
            The row to compare with, as a table of one row.
        n_rows : int, default=10
            Number of rows to find.

        Returns
        -------
        similar : DataFrame
            The ``row`` (its index label in X, or its number) and its ``similarity``, from 0 to 1,
            the most similar first.

        Raises
        ------
        ValueError
            If ``to`` is not one row.
        TypeError
            If the density has no latent variable.

        Notes
        -----
        The similarity is the affinity ``sum_z sqrt(p(z | x) p(z | to))`` of the posteriors of a
        latent variable, averaged over the latent variables and the members of an average.

        Examples
        --------
        >>> import numpy as np
        >>> from skdgm import GaussianDensity, MixtureDensity
        >>> X = np.array([[0.0, 0.1], [0.2, 0.0], [5.0, 5.1], [5.2, 5.0], [4.9, np.nan]])
        >>> mixture = MixtureDensity(GaussianDensity("diag"), random_state=0).fit(X)
        >>> mixture.similar_rows(X, to=[[5.1, 5.0]], n_rows=3)["row"].tolist()
        [2, 3, 4]
        """
        pandas = import_pandas("similar_rows")
        codes = self._encode(self._check_query(X))
        one = self._check_query(to)
        if one.shape[0] != 1:
            raise ValueError(f"to must be a table of one row, got {one.shape[0]} rows.")
        of_one = self._latent_shares(self._encode(one))
        if not of_one:
            raise TypeError(
                f"{type(self).__name__} has no latent variable by which rows are alike; choose a "
                "density with one, such as MixtureDensity or HiddenChowLiuTreeDensity."
            )
        roots = [np.sqrt(share[0]) for share in of_one]

        def affinity(codes: Any) -> np.ndarray:
            shares = self._latent_shares(codes)
            pairs = zip(shares, roots, strict=True)
            return np.mean([np.sqrt(share) @ root for share, root in pairs], axis=0)

        similarity = np.concatenate(run_in_row_blocks(affinity, codes, self.n_jobs))
        first = np.argsort(-similarity, kind="stable")[: check_n_samples(n_rows)]
        index = getattr(X, "index", None)
        is_labelled = isinstance(index, pandas.Index)
        labels = np.asarray(index) if is_labelled else np.arange(len(similarity))
        return pandas.DataFrame({"row": labels[first], "similarity": similarity[first]})

    # ------------------------------------------------------------------ shared machinery
    def _information(
        self, places: np.ndarray, known: np.ndarray, n_samples: int, generator: Any
    ) -> np.ndarray:
        """Return ``I(x_i; x_j | known)`` of pairs of columns; the diagonal holds anything."""
        own = self._pair_information(places, known)
        if own is not None:
            return own
        return Dependences(self, known, n_samples, generator).information(places)
