"""A tree of latent variables, one for every column: a hidden Chow-Liu tree.

``p(x) = sum_z prod_i p(z_i | z_parent(i)) p(x_i | z_i)``, with messages along the tree that sum
over all latent states at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval

from ..._codes import all_missing, as_floats, missing_cells
from ..._memory import check_memory
from ..._validation import RandomState, check_generator
from .._categorical import CATEGORY_CONSTRAINTS, BaseCategoricalDensity, HandleUnknown
from .._composite import hand_on_columns
from .._em import EM_CONSTRAINTS, warn_not_converged
from .._engine.blas import blas_threads_for, one_blas_thread
from .._engine.blocks import ones_if_none, part_of
from .._engine.regions import Regions
from ..tree import ChowLiuTreeDensity
from ..tree._structure import best_tree, less_bias
from ._learning import FULL_PASSES, Evidence, Learner, Prior, Rows, distinct_rows
from ._messages import HiddenTree, TreeShape
from ._missing import draw_missing, mean_missing, mode_missing, proba_missing
from ._start import count_start


class HiddenChowLiuTreeDensity(BaseCategoricalDensity):
    """A tree of latent variables along the Chow-Liu tree of the columns.

    Every column has a latent variable with ``n_states`` values, on which its own value depends. The
    latent variables depend on one another as the columns do in their Chow-Liu tree: that with the
    largest total mutual information, less what independent columns of as many categories would
    have on average in as many rows [3]_.

    Parameters
    ----------
    n_states : int, default=32
        Number of values of each latent variable.
    n_categories : "auto", int or array-like of shape (n_features,), default="auto"
        Number K of categories of the columns, which are then 0 to K - 1. With "auto", the
        categories of a column are the values seen there, which are integers from 0.
    max_categories : int, default=65534
        Largest number of categories that "auto" accepts in a column. One with more, such as an
        identifier of rows, is refused.
    handle_unknown : {"error", "missing", "smooth"}, default="error"
        What becomes of values that are no categories: an error; a missing value, which
        is integrated out; or one further category, "other", which shares ``alpha`` and counts in
        ``n_parameters_``. In samples and means it is one more than the largest category.
    alpha : float, default=1.0
        Total pseudo-count of each latent state, for the states that follow it (spread evenly) and
        again for the values of its column (in proportion to their frequencies). 0 is maximum
        likelihood. It counts rows, so scale ``sample_weight`` to sum to the number of rows.
    mixing : float, default=0.1
        Part of the probability that, at the start, a state passes on to states of any cluster
        instead of its own.
    batch_size : int, default=256
        Number of distinct rows in a mini-batch. If there are no more rows, every pass is a step of
        expectation-maximisation on all rows.
    max_iter : int, default=30
        Maximum number of passes over the training data. The last five are steps on all rows.
    tol : float, default=1e-3
        Learning ends when a step on all rows raises the mean log-likelihood (with the
        pseudo-counts' log-prior) by less, in nats per row.
    early_stopping : bool, default=False
        Whether to hold out validation rows, to stop when their likelihood no longer rises, and to
        keep the model that describes them best.
    validation_fraction : float, default=0.1
        Part of the rows to hold out with ``early_stopping``.
    n_iter_no_change : int, default=5
        Number of passes without better validation that end learning with ``early_stopping``.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness of the start, the mini-batches and the validation rows.
    verbose : int, default=0
        Whether to print the objective of every pass.
    n_jobs : int or None, default=None
        Threads over row blocks; None is 1 unless in a ``joblib.parallel_config`` context. It
        changes no result.

    Attributes
    ----------
    parents_ : ndarray of shape (n_features,)
        Parent of each column, on whose latent variable its own depends; -1 for the root.
    start_ : ndarray of shape (n_states,)
        Probabilities of the states of the root's latent variable.
    transition_ : ndarray of shape (n_features, n_states, n_states)
        ``transition_[i, a, b]`` is the probability of state b in column i, given state a in its
        parent. The root has ``start_`` in every row.
    emission_ : list of ndarray of shape (n_states, n_categories_[i])
        ``emission_[i][a, v]`` is the probability of value v in column i, given its state a.
    n_categories_ : ndarray of shape (n_features,)
        Number of categories of each column, "other" among them.
    categories_ : list of n_features ndarrays
        Categories of each column, "other" aside: in order.
    n_parameters_ : int
        Exact number of free parameters:
        ``(h - 1) + (n_features - 1) h (h - 1) + h sum_i (K_i - 1)`` for h states and K_i categories
        of column i.
    n_iter_ : int
        Number of passes over the training data.
    lower_bounds_ : ndarray of shape (`n_iter_`,)
        The objective, in nats per row: before each step on all rows, or on the way through a pass
        in mini-batches.
    validation_scores_ : ndarray of shape (`n_iter_`,)
        The mean log-likelihood of the validation rows after each pass; empty without
        ``early_stopping``.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X had names that are all strings.

    See Also
    --------
    ChowLiuTreeDensity : The tree without latent variables.
    MixtureDensity : With Chow-Liu trees as components, the start of this model.

    Notes
    -----
    Expectation-maximisation finds a local maximum. It starts from a mixture of Chow-Liu trees, one
    for each cluster of k-means, in which a state stands for a cluster and a value of its column.
    ``n_states`` is therefore best a multiple of the number of categories, four times or more. In
    columns with more than a quarter as many categories, neighbouring ones share states, so that
    there are clusters. Time grows with the square of ``n_states``.

    There is no ``partial_fit``, because expected counts of one model do not add to those of
    another.

    Scores, draws and expectations are exact, whatever is missing. The most probable completion of
    a row, ``conditional_mode``, is NP-hard to find in a model with latent variables. It is exact
    for rows with up to 4,096 completions, which are all tried. For other rows, it is a local
    maximum: starting from the jointly most probable latent states and values (the Viterbi path),
    the value whose change raises the probability most is changed, until no change of one value
    does.

    If X holds nothing but fractions strictly between 0 and 1, it is taken for grey levels and
    binarised at 0.5, with a warning.

    References
    ----------
    .. [1] A. Liu and G. Van den Broeck, "Tractable Regularization of Probabilistic Circuits",
       NeurIPS 2021.
    .. [2] O. Cappe and E. Moulines, "On-line expectation-maximization algorithm for latent data
       models", Journal of the Royal Statistical Society B 71, 2009.
    .. [3] G. A. Miller, "Note on the Bias of Information Estimates", in H. Quastler (ed.),
       "Information Theory in Psychology", Free Press, 1955.

    Examples
    --------
    >>> import numpy as np
    >>> from skdgm import HiddenChowLiuTreeDensity
    >>> X = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [1, 1, 0, 0], [1, 0, 1, 0]] * 10)
    >>> parity = HiddenChowLiuTreeDensity(n_states=8, alpha=0.1, random_state=0).fit(X)
    >>> parity.parents_.shape, parity.n_parameters_
    ((4,), 199)
    >>> parity.conditional_mode([[1, 1, np.nan, 0]])
    array([[1., 1., 0., 0.]])
    """

    _is_additive = False
    _parameter_constraints: dict = {
        "n_states": [Interval(Integral, 1, None, closed="left")],
        **CATEGORY_CONSTRAINTS,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "mixing": [Interval(Real, 0, 1, closed="both")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        **EM_CONSTRAINTS,
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        n_states: int = 32,
        *,
        n_categories: Literal["auto"] | int | ArrayLike = "auto",
        max_categories: int = 65_534,
        handle_unknown: HandleUnknown = "error",
        alpha: float = 1.0,
        mixing: float = 0.1,
        batch_size: int = 256,
        max_iter: int = 30,
        tol: float = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        random_state: RandomState = None,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_states = n_states
        self.n_categories = n_categories
        self.max_categories = max_categories
        self.handle_unknown = handle_unknown
        self.alpha = alpha
        self.mixing = mixing
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    # ------------------------------------------------------------------ learning
    def _fit(self, codes: np.ndarray, weight: np.ndarray | None) -> None:
        self._check_size()
        generator = check_generator(self.random_state)
        rows = distinct_rows(codes, weight, self.n_categories_)
        shape = self._best_shape(rows)
        rows, held_out = self._hold_out(rows, codes, weight, generator)
        with one_blas_thread():
            learner = Learner(self._start(rows, shape, generator), rows, self.n_jobs)
            self._run_passes(learner, held_out, generator)

    def _check_size(self) -> None:
        n_columns, n_states = self.n_features_in_, self.n_states
        n_numbers = n_columns * n_states**2 + int(self.n_categories_.sum()) * n_states
        check_memory(
            3 * 8 * n_numbers,  # the counts so far, those of a batch, and the tree
            f"A hidden tree of n_states={n_states} over {n_columns} columns",
            "choose fewer n_states, or leave out columns",
        )

    def _start(self, rows: Rows, shape: TreeShape, generator: np.random.Generator) -> Evidence:
        counts = count_start(*rows, shape, self.mixing, generator)
        return Evidence(Prior.of(rows, shape, self.alpha), counts)

    def _best_shape(self, rows: Rows) -> TreeShape:
        structure = ChowLiuTreeDensity(n_categories=self.n_categories_, alpha=0.05, tol=1e-3)
        hand_on_columns(self, structure)
        structure._learn(structure._declare(as_floats(rows.codes), rows.weight), rows.weight)
        n_observed = np.array([len(np.unique(own[~missing_cells(own)])) for own in rows.codes.T])
        parents, _ = best_tree(less_bias(structure.mutual_information_, n_observed, rows.total))
        return TreeShape(parents, self.n_categories_, self.n_states)

    def _hold_out(
        self,
        rows: Rows,
        codes: np.ndarray,
        weight: np.ndarray | None,
        generator: np.random.Generator,
    ) -> tuple[Rows, Rows | None]:
        """Return the rows to learn from, and those to validate with."""
        if not self.early_stopping:
            return rows, None
        n_held_out = int(np.ceil(self.validation_fraction * len(codes)))
        if n_held_out == len(codes):
            raise ValueError(
                f"validation_fraction={self.validation_fraction:g} leaves no row to learn from "
                f"with n_samples={len(codes)}; give more rows, or early_stopping=False."
            )
        order = generator.permutation(len(codes))
        parts = order[n_held_out:], order[:n_held_out]
        learn_from, held_out = (
            distinct_rows(codes[part], part_of(weight, part), self.n_categories_) for part in parts
        )
        return learn_from, held_out

    def _run_passes(
        self, learner: Learner, held_out: Rows | None, generator: np.random.Generator
    ) -> None:
        self._prior = learner.prior
        n_batches = -(-len(learner.rows.weight) // self.batch_size)
        n_stepwise = 0 if n_batches == 1 else max(self.max_iter - FULL_PASSES, 1)
        bounds: list[float] = []
        scores: list[float] = []
        best = learner.tree
        while len(bounds) < self.max_iter and not self._rests(bounds[n_stepwise:], scores):
            stepwise = len(bounds) < n_stepwise
            bounds.append(
                learner.stepwise_pass(n_batches, generator) if stepwise else learner.full_pass()
            )
            if held_out is not None:
                scores.append(learner.score(held_out))
                best = learner.tree if scores[-1] == max(scores) else best
            if self.verbose:
                print(f"EM step {len(bounds)}: {bounds[-1]:.6f} nats per row")
        if n_stepwise == 0 and not self._rests(bounds, scores):
            warn_not_converged(self, [], np.array(bounds))
        self._set_tree(best if held_out is not None else learner.tree)
        self.n_iter_, self.lower_bounds_ = len(bounds), np.array(bounds)
        self.validation_scores_ = np.array(scores)

    def _rests(self, bounds: list[float], scores: list[float]) -> bool:
        """Return whether the objective no longer rises, or validation scores no longer do.

        ``bounds`` holds the objectives before steps on all rows.
        """
        if scores and len(scores) - 1 - np.argmax(scores) >= self.n_iter_no_change:
            return True
        return len(bounds) > 1 and bounds[-1] - bounds[-2] < self.tol

    def _set_tree(self, tree: HiddenTree) -> None:
        shape, h = tree.shape, self.n_states
        self._tree = tree
        self.parents_ = shape.parents
        self.transition_ = tree.transition
        self.start_ = tree.transition[shape.root, 0]
        columns = range(self.n_features_in_)
        self.emission_ = [tree.emission[shape.slots(column)][:-1].T for column in columns]
        n_values = int(np.sum(self.n_categories_ - 1))
        self.n_parameters_ = (h - 1) + (self.n_features_in_ - 1) * h * (h - 1) + h * n_values

    # ------------------------------------------------------------------ as a part of a mixture
    def _needs_em(self, codes: np.ndarray) -> bool:
        return True

    def _is_incomplete(self, codes: np.ndarray) -> np.ndarray:
        return np.ones(len(codes), dtype=bool)  # latent states are never observed

    def _count_start(self, codes: np.ndarray, weight: np.ndarray | None) -> Evidence:
        rows = distinct_rows(codes, weight, self.n_categories_)
        return self._start(rows, self._best_shape(rows), check_generator(self.random_state))

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> Evidence:
        return self._expect(codes, weight)[0]

    def _expect(self, codes: np.ndarray, weight: np.ndarray | None) -> tuple[Evidence, np.ndarray]:
        with blas_threads_for(len(codes), self.n_states):
            counts, log_prob = self._tree.expect(codes, ones_if_none(weight, len(codes)))
        return Evidence(self._prior, counts), log_prob

    def _estimate(self, statistics: Evidence) -> None:
        self._prior = statistics.prior
        self._set_tree(statistics.estimate())

    def _log_prior(self, total: float) -> float:
        return self._prior.log_density(self._tree)

    # ------------------------------------------------------------------ queries
    @property
    def _rules_out_rows(self) -> bool:
        return self.alpha == 0 or not self._tree.emission.all()

    def _log_prob(self, codes: np.ndarray) -> np.ndarray:
        with blas_threads_for(len(codes), self.n_states):
            return self._tree.log_prob(codes)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        return self._sample_missing(all_missing(n_samples, self.n_features_in_), generator)

    def _sample_missing(self, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        with blas_threads_for(len(codes), self.n_states):
            return draw_missing(self._tree, codes, generator)

    def _mean_missing(self, codes: np.ndarray) -> np.ndarray:
        with blas_threads_for(len(codes), self.n_states):
            return mean_missing(self._tree, codes, self._categories.worth)

    def _proba_missing(self, codes: np.ndarray, columns: Sequence[int]) -> list[np.ndarray]:
        with blas_threads_for(len(codes), self.n_states):
            return proba_missing(self._tree, codes, columns)

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        with blas_threads_for(len(codes), self.n_states):
            return mode_missing(self._tree, codes)

    def _latent_shares(self, codes: np.ndarray) -> list[np.ndarray]:
        with blas_threads_for(len(codes), self.n_states):
            return self._tree.latent_shares(codes)

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        given = copy(self)
        given._tree, log_prob = self._tree.weighted(regions)
        return given, log_prob
