"""Bagging: the average of densities that are fitted to parts, or other weights, of the rows.

Each member has rows and seeds of its own. The average is as good as the mean of the members'
log-likelihoods or better (Jensen), and varies less with the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any, Literal

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.utils._param_validation import Interval, StrOptions

from .._codes import as_codes, as_floats, has_missing
from .._validation import WORTHLESS, RandomState, check_generator, spawn_generators
from ._average import AverageDensity
from ._base import DENSITY, BaseDensity
from ._composite import with_parameters
from ._engine.bagged_rows import BaggedRows, MemberStatistics
from ._engine.blocks import ones_if_none, run_in_threads
from ._engine.folds import bayesian_weights, bootstrap_weights, distinct_rows, fold_weights
from ._engine.lend import lacking_columns, with_lent_values
from ._engine.member_weights import weights_from_unseen
from ._group import NEXT_TO_NOTHING, SMALLEST_SHARE, set_n_parameters


class BaggingDensity(AverageDensity):
    """An average of densities of one family, each fitted to other weights of the rows.

    ``p(x) = sum_k w_k p_k(x)``. It generalises better than one density where that is unstable:
    where its structure, its start or its peaks follow chance.

    Parameters
    ----------
    density : density estimator
        The family of the members, for example :class:`HiddenChowLiuTreeDensity`. Every
        ``random_state`` in it is set anew for each member.
    n_estimators : int, default=8
        Number of members.
    resampling : {"folds", "bootstrap", "bayesian"}, default="folds"
        The rows of each member: all but one of ``n_estimators`` folds; as many as there are, drawn
        with replacement; or all, with weights drawn from an exponential distribution.
    weights : {"equal", "out_of_bag"}, default="equal"
        Weights of the members: equal ones, or, for the bootstrap only, those under which rows are
        most probable to the members that have not seen them.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for the resampling and for the members.
    n_jobs : int or None, default=None
        Threads over the members when fitting, and over row blocks otherwise; None is 1 unless in a
        ``joblib.parallel_config`` context. It changes no result.

    Attributes
    ----------
    densities_ : list of density estimators
        The fitted members.
    weights_ : ndarray of shape (n_members,)
        Their weights, which sum to one.
    out_of_bag_log_prob_ : ndarray of shape (n_samples,)
        ``log p(x)`` of each training row of positive weight, in nats, under the members that have
        seen no row of its values; NaN where all have. Not available for ``resampling="bayesian"``.
    n_parameters_ : int
        Free parameters, exact: those of the members.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    MixtureDensity : A weighted sum whose members are learned together.
    sklearn.ensemble.BaggingClassifier : The same idea for classifiers.

    Notes
    -----
    Rows of equal values are resampled as one row of their total weight, so that integer weights
    equal repeated rows. A row of weight 1 is in one fold; a heavier one is divided among several.
    Fewer folds are made of fewer distinct rows, and a single one makes a single member. If distinct
    rows weigh less than 1 on average, weights are resampled as if that was 1.

    Members share the categories of all rows, and the scale of each column for regularisers such as
    ``reg_covar``. The transformers of a :class:`TransformedDensity` are fitted to the member's own
    rows, unless a column varies in all rows, but not there. A member without any value in a column
    is lent values of all rows.

    In a :class:`MixtureDensity`, all components have the same folds or samples, and share the map
    of a transformer. A step may lower the objective, and expectation-maximisation then ends.

    X must be dense. ``conditional_mode`` is that of :class:`MixtureDensity`.

    References
    ----------
    .. [1] L. Breiman, "Bagging Predictors", Machine Learning 24, 1996.
    .. [2] D. Ormoneit and V. Tresp, "Averaging, Maximum Penalized Likelihood and Bayesian
       Estimation for Improving Gaussian Mixture Probability Density Estimates", IEEE Transactions
       on Neural Networks 9(4), 1998.
    .. [3] D. B. Rubin, "The Bayesian Bootstrap", The Annals of Statistics 9(1), 1981.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import BaggingDensity, GaussianDensity, MixtureDensity
    >>> X = np.random.default_rng(0).standard_t(5, size=(250, 2))
    >>> X_train, X_test = X[:50], X[50:]
    >>> mixture = MixtureDensity(GaussianDensity(), 6, random_state=0).fit(X_train)
    >>> bag = BaggingDensity(mixture, random_state=0).fit(X_train)
    >>> round(mixture.score(X_test), 1), round(bag.score(X_test), 1)
    (-3.8, -3.4)
    """

    _out_of_bag: np.ndarray | None
    _parameter_constraints: dict = {
        "density": [DENSITY],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "resampling": [StrOptions({"folds", "bootstrap", "bayesian"})],
        "weights": [StrOptions({"equal", "out_of_bag"})],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        density: BaseDensity,
        n_estimators: int = 8,
        *,
        resampling: Literal["folds", "bootstrap", "bayesian"] = "folds",
        weights: Literal["equal", "out_of_bag"] = "equal",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.density = density
        self.n_estimators = n_estimators
        self.resampling = resampling
        self.weights = weights
        self.random_state = random_state
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ encoding
    # Codes are the table that NumPy makes of the prototype's; each member makes its own of it.
    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> BaggedRows:
        self._check_weights()
        return self._bag(np.asarray(super()._encode_training(X, weight, extend)), weight)

    def _encode_part(self, table: np.ndarray, weight: np.ndarray | None) -> BaggedRows:
        return self._bag(np.asarray(super()._encode_part(table, weight)), weight)

    def _bag(self, table: np.ndarray, weight: np.ndarray | None) -> BaggedRows:
        """Return rows with the shares of each member, for components of a mixture."""
        self._seed = check_generator(self.random_state).integers(2**32, size=4)
        first, number = distinct_rows(table)
        total = np.bincount(number, weight)
        kept = self._resample(table[first], total)
        return BaggedRows(table, (kept / total).T[number])

    def _encode(self, X: Any) -> np.ndarray:
        return np.asarray(super()._encode(X))

    def _recode(self, table: np.ndarray) -> np.ndarray:
        return table

    def _codes_for(self, density: BaseDensity, codes: Any) -> Any:
        return density._recode(np.asarray(codes))

    def _check_weights(self) -> None:
        if self.weights == "out_of_bag" and self.resampling != "bootstrap":
            raise ValueError(
                'weights="out_of_bag" needs resampling="bootstrap", where several members have not '
                f'seen a row, got resampling={self.resampling!r}; choose weights="equal".'
            )

    # ------------------------------------------------------------------ learning
    def _fit(self, codes: Any, weight: np.ndarray | None) -> None:
        table = np.asarray(codes)  # the rows of one class, perhaps: they make folds of their own
        first, number = distinct_rows(table)
        table, total = table[first], np.bincount(number, weight)
        kept = self._resample(table, total)
        floats = as_floats(table) if has_missing(table) else None

        def learn(member: Any, weight: np.ndarray) -> None:
            rows = np.flatnonzero(weight > WORTHLESS * weight.max())
            own = None if (weight[rows] == 1).all() else weight[rows]
            part = _with_values(table, floats, rows, total)
            member._learn(member._encode_part(part, own), own)

        members = self._unfitted_members(len(kept))
        run_in_threads(learn, list(zip(members, kept, strict=True)), self.n_jobs)
        self._take_over(members)
        if self.resampling != "bayesian":
            log_prob = self._log_prob_unseen(table, kept == 0)
            if self.weights == "out_of_bag":
                self.weights_ = weights_from_unseen(log_prob, total)
            self._out_of_bag = self._average_unseen(log_prob)[number]

    def _unfitted_members(self, n_members: int) -> list[Any]:
        """Return densities that have encoded the training data, each with seeds of its own."""
        generators = spawn_generators(np.random.default_rng([*self._seed, 1]), n_members)
        families = [seeded(self.density, own) for own in generators]
        members = [with_parameters(self._prototype, family) for family in families]
        for member in members:
            member._n_rows = self._n_rows
        return members

    def _take_over(self, members: list[Any]) -> None:
        """Keep fitted members, of equal weights."""
        self.densities_, self._out_of_bag = members, None
        self.weights_ = np.full(len(members), 1 / len(members))
        own: list[Any] = [getattr(member, "n_parameters_", None) for member in members]
        set_n_parameters(self, None if None in own else sum(own))

    def _resample(self, table: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the weights of distinct rows for each member, of shape (n_members, n_rows)."""
        generator = np.random.default_rng(self._seed)
        if self.resampling == "folds":
            return weight - fold_weights(table, weight, self.n_estimators, generator)
        draw = bootstrap_weights if self.resampling == "bootstrap" else bayesian_weights
        return draw(weight, self.n_estimators, generator)

    # ------------------------------------------------------------------ as a part of a mixture
    # The statistics are the members' own.
    def _count(self, codes: Any, weight: np.ndarray | None) -> MemberStatistics:
        rows_of_each = self._rows_of_each(self.densities_, codes, weight)
        return MemberStatistics(tuple(each._count(*rows) for each, *rows in rows_of_each))

    def _start_statistics(self, codes: Any, weight: np.ndarray) -> MemberStatistics:
        members = self._unfitted_members(self._shares(codes).shape[1])
        rows_of_each = self._rows_of_each(members, codes, weight)
        return MemberStatistics(
            tuple(each._start_statistics(*rows) for each, *rows in rows_of_each)
        )

    def _expected_statistics(self, codes: Any, weight: np.ndarray | None) -> MemberStatistics:
        rows_of_each = self._rows_of_each(self.densities_, codes, weight)
        return MemberStatistics(
            tuple(each._expected_statistics(*rows) for each, *rows in rows_of_each)
        )

    def _rows_of_each(
        self, members: list[Any], codes: Any, weight: np.ndarray | None
    ) -> Iterator[tuple[Any, Any, np.ndarray]]:
        """Yield each member with the codes of its rows, and their weights."""
        table, weight = np.asarray(codes), ones_if_none(weight, len(codes))
        for member, share in zip(members, self._shares(codes).T, strict=True):
            rows = np.flatnonzero(share > SMALLEST_SHARE)
            own = share[rows] * weight[rows]
            if not len(rows):  # all rows alike, with next to no weight
                rows, own = np.arange(len(codes)), NEXT_TO_NOTHING * weight
            yield member, member._recode(table[rows]), own

    def _shares(self, codes: Any) -> np.ndarray:
        """Return the share of each row that each member learns from; all, if that is not known."""
        if isinstance(codes, BaggedRows):
            return codes.kept
        return np.ones((len(codes), self.n_estimators))

    def _estimate(self, statistics: MemberStatistics) -> None:
        members = self._unfitted_members(len(statistics.parts))
        for member, own in zip(members, statistics.parts, strict=True):
            member._set(own)
        self._take_over(members)

    def _log_prior(self, total: float) -> float:
        return sum(member._log_prior(total) for member in self.densities_) / len(self.densities_)

    # ------------------------------------------------------------------ out of bag
    def _held_out(self, codes: Any, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights of rows, in the folds that hold them out, and their scores there."""
        table, held_out = self._rows_held_out(codes, weight)
        weights, log_prob = [np.empty(0)], [np.empty(0)]
        for density, own in zip(self.densities_, held_out, strict=True):
            rows = np.flatnonzero(own > 0)
            if len(rows):
                weights.append(own[rows])
                log_prob.append(density._log_prob_blocks(self._codes_for(density, table[rows])))
        return np.concatenate(weights), np.concatenate(log_prob)

    def _rows_held_out(
        self, codes: Any, weight: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct rows, and the weight of each that each member has not learned from.

        The weights have the shape (n_members, n_rows).
        """
        table = np.asarray(codes)
        first, number = distinct_rows(table)
        table, total = table[first], np.bincount(number, weight)
        return table, total - self._resample(table, total)

    def _held_out_densities(self, codes: Any) -> list[tuple[Any, np.ndarray]] | None:
        """Return each member, with the rows of which it has left out more than the others."""
        if self.resampling != "folds" or len(self.densities_) == 1 or self._out_of_bag is None:
            return None
        table, held_out = self._rows_held_out(codes, None)
        number = distinct_rows(np.asarray(codes))[1]
        seen = np.bincount(number) - held_out
        log_prob = self._average_unseen(self._log_prob_unseen(table, seen == 0))[number]
        known = self._out_of_bag
        if log_prob.shape != known.shape or not np.allclose(log_prob, known, equal_nan=True):
            raise ValueError(
                "out_of_bag=True needs the rows that the density has learned from, in their order "
                "and without weights, but X holds others."
            )
        fold = held_out.argmax(axis=0)[number]
        return [
            (self._with_members([member], np.ones(1)), np.flatnonzero(fold == place))
            for place, member in enumerate(self.densities_)
        ]

    @property
    def out_of_bag_log_prob_(self) -> np.ndarray:
        """``log p(x)`` of training rows under the members that have not seen them, NaN if none."""
        if self._out_of_bag is None:
            raise AttributeError(
                "There is no out_of_bag_log_prob_: every member has seen every row with "
                'resampling="bayesian", and components of a mixture share rows.'
            )
        return self._out_of_bag

    def _log_prob_unseen(self, table: np.ndarray, unseen: np.ndarray) -> np.ndarray:
        """Return ``log p_k(x)`` where member k has not seen a row, NaN elsewhere: (k, n_rows)."""
        log_prob = np.full(unseen.shape, np.nan)

        def score(density: BaseDensity, rows: np.ndarray, out: np.ndarray) -> None:
            if len(rows):
                out[rows] = density._log_prob_blocks(self._codes_for(density, table[rows]))

        rows = map(np.flatnonzero, unseen)
        tasks = list(zip(self.densities_, rows, log_prob, strict=True))
        run_in_threads(score, tasks, self.n_jobs)
        return log_prob

    def _average_unseen(self, log_prob: np.ndarray) -> np.ndarray:
        """Average over the members that have not seen a row, in the ratio of their weights."""
        unseen = ~np.isnan(log_prob)
        shares = unseen * self.weights_[:, np.newaxis]
        some = unseen.any(axis=0)
        average = np.full(log_prob.shape[1], np.nan)
        average[some] = logsumexp(
            np.where(unseen, log_prob, 0.0)[:, some], axis=0, b=shares[:, some]
        ) - np.log(shares[:, some].sum(axis=0))
        return average


def seeded(family: BaseDensity, generator: np.random.Generator) -> BaseDensity:
    """Return a clone in which every ``random_state`` is an integer drawn from the generator."""
    twin = clone(family)
    names = [name for name in twin.get_params() if name.split("__")[-1] == "random_state"]
    return twin.set_params(**{name: int(generator.integers(2**31)) for name in sorted(names)})


def _with_values(
    table: np.ndarray, floats: np.ndarray | None, rows: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return some rows, with values of all rows in columns where they have none.

    ``floats`` is the table with NaN where cells are missing, or None if none are.
    """
    if floats is not None:
        for _, columns in lacking_columns(floats, [rows]):
            lent = with_lent_values(floats, rows, columns, weight)
            return lent if table.dtype.kind == "f" else as_codes(lent)
    return table[rows]
