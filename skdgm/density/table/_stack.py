"""The average of several families of densities, whose weights are learned out of fold."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..._validation import RandomState, check_generator
from .._average import AverageDensity
from .._bagging import BaggingDensity
from .._base import BaseDensity
from .._composite import hand_on_columns
from .._engine.blocks import total_weight
from .._engine.columns import Columns
from .._engine.member_weights import weights_from_unseen
from .._engine.weighted_rows import WeightedRows
from .._group import set_n_parameters
from ._answers import FamilyAnswers
from ._candidates import candidates, n_folds_of

NEGLIGIBLE = 1e-3  # weight of a family without which the others do


class _StackedDensity(AverageDensity):
    """The average of families of densities, each of which has one member per fold.

    A member learns from the rows outside its fold. The log-densities of the rows inside give the
    families their weights (stacking, as of Smyth and Wolpert, 1999), and the members of a family
    share its weight. So no row has a say about a member that has seen it.

    Parameters
    ----------
    kinds : list of {"categorical", "count", "continuous"}
        Kinds of the columns.
    rounding : list of float
        Steps to which the columns are rounded.
    random_state : int, RandomState, Generator or None, default=None
        Source of randomness for folds and members.
    n_jobs : int or None, default=None
        Threads over members.
    imputes : bool, default=False
        Whether to keep all families, and to learn whose answers serve each column best.
    """

    answers: FamilyAnswers  # if it imputes

    def __init__(
        self,
        kinds: list[str],
        rounding: list[float],
        random_state: RandomState = None,
        n_jobs: int | None = None,
        imputes: bool = False,
    ) -> None:
        self.kinds = kinds
        self.rounding = rounding
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.imputes = imputes

    # ------------------------------------------------------------------ encoding
    _input_checks = BaseDensity._input_checks
    _check_declared = BaseDensity._check_declared

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> np.ndarray:
        return self._encode(X)

    def _encode(self, X: Any) -> np.ndarray:
        return np.asarray(X, dtype=np.float64)

    def _recode(self, table: np.ndarray) -> np.ndarray:
        return np.asarray(table, dtype=np.float64)

    def _codes_for(self, density: BaseDensity, codes: np.ndarray) -> Any:
        return density._recode(codes)

    @property
    def _columns(self) -> Columns:
        kinds = np.array(self.kinds)
        known = self._known_values
        n_categories = np.array([0 if own is None else len(own) for own in known])
        return Columns(kinds, n_categories)

    # ------------------------------------------------------------------ learning
    def _fit(self, codes: np.ndarray, weight: np.ndarray | None) -> None:
        self._learn_families(codes, weight)

    def _count(self, codes: np.ndarray, weight: np.ndarray | None) -> WeightedRows:
        return WeightedRows(codes, weight)

    def _estimate(self, statistics: WeightedRows) -> None:
        self._learn_families(statistics.codes, statistics.weight)

    def _learn_families(self, codes: np.ndarray, weight: np.ndarray | None) -> None:
        """Fit all families on the same folds, and learn their weights from what is held out."""
        n_rows = total_weight(weight, len(codes))
        generator = check_generator(self.random_state)
        seed = int(generator.integers(2**31))
        bags, log_prob = [], []
        families = self._families(codes, n_rows)
        for family in families.values():
            bag = BaggingDensity(family, n_folds_of(n_rows), random_state=seed, n_jobs=self.n_jobs)
            hand_on_columns(self, bag)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a family that fits ill weighs little
                bag._learn(bag._declare(codes, weight), weight)
            bags.append(bag)
            rows, log_prob_held_out = bag._held_out(codes, weight)
            log_prob.append(log_prob_held_out)
        held_out = np.column_stack(log_prob)
        if len(rows):
            share = weights_from_unseen(held_out.T, rows)
            scores = (rows @ held_out) / rows.sum()
        else:  # a single distinct row, which tells nothing: the simplest family
            share, scores = np.eye(len(bags))[0], np.full(len(bags), -np.inf)
        self.candidates_ = {
            name: {"weight": float(own), "score": float(score)}
            for name, own, score in zip(families, share, scores, strict=True)
        }
        if self.imputes:
            is_category = np.array(self.kinds) == "categorical"
            self.answers = FamilyAnswers.learn(
                bags, codes, weight, is_category, share, generator, self.n_jobs
            )
        kept = np.flatnonzero(share > NEGLIGIBLE)
        self.densities_ = [bags[place] for place in kept]
        self.weights_ = share[kept] / share[kept].sum()
        set_n_parameters(self, sum(bag.n_parameters_ for bag in self.densities_) + len(kept) - 1)

    def _families(self, codes: np.ndarray, n_rows: float) -> dict[str, BaseDensity]:
        n_values = np.array([len(np.unique(own[~np.isnan(own)])) for own in codes.T])
        return candidates(self.kinds, self.rounding, n_values, n_rows)

    # ------------------------------------------------------------------ queries
    def _held_out_densities(self, codes: np.ndarray) -> list[tuple[Any, np.ndarray]] | None:
        """Return the average of the families' members that have left out the same fold."""
        of_families = [bag._held_out_densities(codes) for bag in self.densities_]
        return [
            (self._with_members([density for density, _ in parts], self.weights_), parts[0][1])
            for parts in zip(*of_families, strict=True)
        ]

    def _mode_missing(self, codes: np.ndarray) -> np.ndarray:
        leads = [(bag, bag.densities_[0]) for bag in self.densities_]
        modes = [lead._mode_missing(bag._codes_for(lead, codes)) for bag, lead in leads]
        return self._best_completion(codes, modes)
