"""Weighted sums of densities, ``p(x) = sum_k w_k p_k(x)``, and the answers that they all give.

A sum has exact marginals, conditionals and draws: given observed values, it is the sum of the
members' own conditionals, weighted by ``w_k p_k(observed)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.utils import get_tags

from ._base import BaseDensity
from ._composite import CompositeDensity, with_parameters
from ._engine.blocks import draw_categories
from ._engine.columns import Columns
from ._engine.combined_margins import Part, SumMargin
from ._engine.conditional_margins import ConditionalMargin
from ._engine.regions import Regions
from ._engine.responsibilities import average_by_shares, responsibilities, without_largest


class AverageDensity(CompositeDensity):
    """A weighted sum of fitted densities of one family, the parameter ``density``.

    Learning sets ``weights_``, which sum to one, and ``densities_``. ``_codes_for`` says how a
    member sees rows, if not as the sum does.
    """

    density: BaseDensity
    weights_: np.ndarray
    densities_: list[Any]
    _prototype: Any  # an unfitted density that has encoded the training data
    _is_additive: Any = False

    # ------------------------------------------------------------------ hooks
    def _codes_for(self, density: BaseDensity, codes: Any) -> Any:
        """Return the codes by which a member sees the rows."""
        return codes

    # ------------------------------------------------------------------ encoding
    @property
    def _input_checks(self) -> dict:
        return self.density._dense_input_checks

    def _encode_training(self, X: Any, weight: np.ndarray | None, extend: bool) -> Any:
        self._prototype = self._make_part(self.density)
        return self._prototype._declare_rows(X, weight)

    def _declare_more(self, other: AverageDensity) -> None:
        self._prototype._declare_also(other._prototype)

    def _check_declared(self) -> None:
        self._prototype._check_declared()

    def _encode_part(self, table: np.ndarray, weight: np.ndarray | None) -> Any:
        self._expect_rows(len(table), weight, extend=False)
        self._prototype = with_parameters(self._prototype, self.density)
        return self._prototype._encode_part(table, weight)

    def _encode(self, X: Any) -> Any:
        return self._prototype._encode(X)

    def _recode(self, table: np.ndarray) -> Any:
        return self._prototype._recode(table)

    # ------------------------------------------------------------------ the members
    @property
    def _parts(self) -> list[BaseDensity]:
        return self.densities_

    @property
    def _columns(self) -> Columns:
        return self._prototype._columns

    def _with_members(self, densities: Sequence[Any], weights: np.ndarray) -> Any:
        """Return a copy with other members."""
        twin = copy(self)
        twin.densities_, twin.weights_ = list(densities), weights
        return twin

    def _log_prob_of_each(self, codes: Any) -> np.ndarray:
        """Return ``log p_k(x)``, of shape (n_rows, n_members)."""
        return np.stack([each._log_prob(own) for each, own in self._seen(codes)], axis=1)

    def _log_objective_of_each(self, codes: Any) -> np.ndarray:
        """Return ``_log_objective`` under each member, of shape (n_rows, n_members)."""
        return np.stack([each._log_objective(own) for each, own in self._seen(codes)], axis=1)

    def _seen(self, codes: Any) -> Iterator[tuple[Any, Any]]:
        """Yield each member with the codes by which it sees the rows."""
        for density in self.densities_:
            yield density, self._codes_for(density, codes)

    def _with_weights(self, log_prob: np.ndarray) -> np.ndarray:
        """Add the logarithms of the weights, in place."""
        with np.errstate(divide="ignore"):  # a weight of zero
            log_prob += np.log(self.weights_)
        return log_prob

    def _log_joint(self, codes: Any) -> np.ndarray:
        """Return ``log w_k p_k(x)``, of shape (n_rows, n_members)."""
        return self._with_weights(self._log_prob_of_each(codes))

    def _responsibilities(self, codes: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return ``w_k p_k(x) / p(x)`` and ``log p(x)``."""
        return responsibilities(self._log_joint(codes), self.weights_)

    # ------------------------------------------------------------------ queries
    def _log_prob(self, codes: Any) -> np.ndarray:
        return self._responsibilities(codes)[1]

    def _log_objective(self, codes: Any) -> np.ndarray:
        log_joint = self._with_weights(self._log_objective_of_each(codes))
        return responsibilities(log_joint, self.weights_)[1]

    def _log_prob_given(self, codes: Any, condition: Any) -> np.ndarray:
        """Average the members' own conditionals, weighted by ``p(k | condition)``."""
        if self._columns.all_discrete:
            return super()._log_prob_given(codes, condition)
        log_shares = without_largest(self._log_joint(condition))
        given = [
            density._log_prob_given(own, self._codes_for(density, condition))
            for density, own in self._seen(codes)
        ]
        log_prob = logsumexp(log_shares + np.stack(given, axis=1), axis=1)
        log_total = logsumexp(log_shares, axis=1)
        return log_prob - np.where(np.isneginf(log_total), 0.0, log_total)

    def _sample(self, n_samples: int, generator: np.random.Generator) -> np.ndarray:
        k = generator.choice(len(self.weights_), size=n_samples, p=self.weights_)
        rows = [np.flatnonzero(k == member) for member in range(len(self.weights_))]
        drawn = [
            density._sample(len(own), generator)
            for density, own in zip(self.densities_, rows, strict=True)
            if len(own)
        ]
        X = np.empty((n_samples, self.n_features_in_), dtype=np.result_type(*drawn))
        X[np.concatenate(rows)] = np.concatenate(drawn)
        return X

    def _sample_missing(self, codes: Any, generator: np.random.Generator) -> np.ndarray:
        members = draw_categories(self._responsibilities(codes)[0], generator)
        drawn = np.empty(codes.shape)
        for k in np.unique(members):
            density, rows = self.densities_[k], np.flatnonzero(members == k)
            own = self._codes_for(density, codes[rows])
            drawn[rows] = density._sample_missing(own, generator)
        return drawn

    def _mean_missing(self, codes: Any) -> np.ndarray:
        return self._average(codes, lambda density, own: [density._mean_missing(own)])[0]

    def _moments_missing(self, codes: Any) -> tuple[np.ndarray, np.ndarray]:
        """Add up the variances within the members and between their means, one after another."""
        shares, _ = self._responsibilities(codes)
        mean, square = np.zeros(codes.shape), np.zeros(codes.shape)
        total = np.zeros((len(shares), 1))
        for density, share in zip(self.densities_, shares.T, strict=True):
            rows = np.flatnonzero(share)
            own, within = density._moments_missing(self._codes_for(density, codes[rows]))
            weight, before = share[rows, np.newaxis], mean[rows]
            total[rows] += weight
            mean[rows] += weight / total[rows] * (own - before)
            square[rows] += weight * (within + (own - before) * (own - mean[rows]))
        return mean, square / total

    def _proba_missing(self, codes: Any, columns: Sequence[int]) -> list[np.ndarray]:
        return self._average(codes, lambda density, own: density._proba_missing(own, columns))

    def _margins_missing(self, codes: Any, columns: Sequence[int]) -> list[ConditionalMargin]:
        listable = self._columns.listable
        if all(listable[column] for column in columns):
            return super()._margins_missing(codes, columns)
        shares, _ = self._responsibilities(codes)
        parts: list[list[Part]] = [[] for _ in columns]
        for density, share in zip(self.densities_, shares.T, strict=True):
            rows = np.flatnonzero(share)
            margins = density._margins_missing(self._codes_for(density, codes[rows]), columns)
            for own, margin in zip(parts, margins, strict=True):
                own.append(Part(rows, share[rows], margin))
        return [SumMargin.of(own, len(shares)) for own in parts]

    def _average(self, codes: Any, ask: Callable[..., list[np.ndarray]]) -> list[np.ndarray]:
        """Average what the members answer, by their responsibilities."""

        def ask_member(density: BaseDensity, own: Any) -> list[np.ndarray]:
            return ask(density, self._codes_for(density, own))

        return average_by_shares(
            self.densities_, self._responsibilities(codes)[0], codes, ask_member
        )

    def _latent_shares(self, codes: Any) -> list[np.ndarray]:
        """Return those of the members, each of which sees the rows."""
        return [
            share for density, own in self._seen(codes) for share in density._latent_shares(own)
        ]

    def _restricted(self, regions: Regions) -> tuple[Any, float]:
        """Restrict the members one by one, and weigh them by how much they have in the regions."""
        answers = [density._given_regions(regions) for density in self.densities_]
        log_joint = self._with_weights(np.array([[log_prob for _, log_prob in answers]]))[0]
        log_prob = float(logsumexp(log_joint))
        if log_prob == -np.inf:
            return self, log_prob
        given = copy(self)
        given.weights_ = np.exp(log_joint - log_prob)
        given.densities_ = [density for density, _ in answers]
        return given, log_prob

    def _mode_missing(self, codes: Any) -> np.ndarray:
        candidates = [density._mode_missing(own) for density, own in self._seen(codes)]
        return self._best_completion(codes, candidates)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.density).input_tags
        tags.input_tags.sparse = False
        return tags
