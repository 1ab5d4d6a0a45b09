"""Dependence: the mutual information of columns, and rows that are alike to the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr, xlogy

from ..._codes import digits, n_states
from ..._fitted import query
from ..._tables import import_pandas
from ..._validation import RandomState, check_generator, check_n_samples
from .._contract import DensityHooks
from .._engine.blocks import run_in_row_blocks
from .._engine.completions import LISTED

if TYPE_CHECKING:
    import pandas as pd


class Dependence(DensityHooks):
    """Questions about which columns, and which rows, belong together."""

    _check_query: Callable[[Any], Any]
    _places_of: Callable[[Any], np.ndarray]
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
        ImportError
            If pandas is not installed.

        See Also
        --------
        DependenceDisplay : A picture of it.

        Notes
        -----
        Exact are pairs of binary and categorical columns (a sum over their joint values, and over
        those of ``given``, if these are at most 4,096), columns of :class:`BinnedDensity`, normals
        and what lies behind a transformer by column. All others are means over draws, whose
        standard error falls with the root of ``n_samples``; those below 0 are set to 0.

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
        known = np.empty(0, dtype=np.intp) if given is None else self._places_of(given)
        places = np.setdiff1d(np.arange(self.n_features_in_), known)
        if columns is not None:
            places = self._places_of(columns)
            if np.isin(places, known).any():
                raise ValueError("columns must not hold columns that are given.")
        n_samples, generator = check_n_samples(n_samples), check_generator(random_state)
        information = self._information(places, known, n_samples, generator)
        np.fill_diagonal(information, self._entropies(places, known, n_samples, generator))
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

        codes = self._encode(self._check_query(X))
        similarity = np.concatenate(run_in_row_blocks(affinity, codes, self.n_jobs))
        first = np.argsort(-similarity, kind="stable")[: check_n_samples(n_rows)]
        labels = np.asarray(getattr(X, "index", np.arange(len(similarity))))
        return pandas.DataFrame({"row": labels[first], "similarity": similarity[first]})

    # ------------------------------------------------------------------ shared machinery
    def _information(
        self, places: np.ndarray, known: np.ndarray, n_samples: int, generator: Any
    ) -> np.ndarray:
        """Return ``I(x_i; x_j | known)`` of pairs of columns; the diagonal holds anything."""
        own = self._pair_information(places, known)
        if own is not None:
            return own
        columns, information = self._columns, np.zeros((len(places), len(places)))
        drawn: list[tuple[int, int]] = []
        for i, j in combinations(range(len(places)), 2):
            both = [*known.tolist(), int(places[i]), int(places[j])]
            sizes = columns.n_categories[both]
            if columns.listable[both].all() and n_states(sizes) <= LISTED:
                information[i, j] = self._summed_information(both, sizes)
            else:
                drawn.append((i, j))
        if drawn:
            found = self._drawn_information(places, known, drawn, n_samples, generator)
            information[tuple(np.transpose(drawn))] = found
        information = np.maximum(information, 0.0)
        return information + information.T

    def _summed_information(self, both: list[int], sizes: np.ndarray) -> float:
        """Return the information between the last two of some columns, given the others."""
        joint = self._joint_table(both, sizes)
        p = joint.reshape(-1, *sizes[-2:])
        first, second, alone = p.sum(axis=2), p.sum(axis=1), p.sum(axis=(1, 2))
        entropy = -xlogy(first, first).sum() - xlogy(second, second).sum()
        return float(entropy + xlogy(p, p).sum() + xlogy(alone, alone).sum())

    def _joint_table(self, columns: Sequence[int], sizes: np.ndarray) -> np.ndarray:
        """Return the probability of each combination of values of columns that list theirs."""
        X = np.full((n_states(sizes), self.n_features_in_), np.nan)
        codes = digits(np.arange(len(X)), np.asarray(sizes))
        for place, column in enumerate(columns):
            X[:, column] = self._columns.values_of(column)[codes[:, place]]
        return np.exp(self._log_prob_blocks(self._encode(X)))

    def _drawn_information(
        self,
        places: np.ndarray,
        known: np.ndarray,
        pairs: Sequence[tuple[int, int]],
        n_samples: int,
        generator: Any,
    ) -> list[float]:
        """Average ``log p(x_i, x_j | g) - log p(x_i | g) - log p(x_j | g)`` over draws."""
        X = self._columns.decode(self._draw(n_samples, generator).astype(np.float64))

        def score(some: Any) -> np.ndarray:
            table = np.full(X.shape, np.nan)
            table[:, some] = X[:, some]
            return self._log_prob_blocks(self._encode(table))

        alone = score(known) if len(known) else np.zeros(n_samples)
        single = {i: score([*known, places[i]]) for i in {i for pair in pairs for i in pair}}
        return [
            float(np.mean(score([*known, places[i], places[j]]) + alone - single[i] - single[j]))
            for i, j in pairs
        ]

    def _entropies(
        self, places: np.ndarray, known: np.ndarray, n_samples: int, generator: Any
    ) -> np.ndarray:
        """Return the entropy of each column that lists its values given others, NaN elsewhere."""
        entropies = np.full(len(places), np.nan)
        listed = np.flatnonzero(self._columns.listable[places])
        if not len(listed):
            return entropies
        X = np.full((1, self.n_features_in_), np.nan)
        if len(known):
            drawn = self._columns.decode(self._draw(n_samples, generator).astype(np.float64))
            X = np.full(drawn.shape, np.nan)
            X[:, known] = drawn[:, known]
        codes = self._encode(X)
        shares = self._proba_missing(codes, places[listed].tolist())
        entropies[listed] = [float(entr(own).sum(axis=1).mean()) for own in shares]
        return entropies
