"""Computation of a divergence: by an exact method where one is known, else by an estimate.

``EXACT`` lists the exact methods. Each returns the divergence, or None for a pair that it does not
handle. To support a further family, add a method.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._fitted import snapshot
from .._validation import RandomState, check_generator, check_n_samples, shown
from ..density import BaseDensity
from ._chains import between_chains
from ._gaussians import between_gaussians
from ._states import (
    between_full_categoricals,
    is_discrete,
    log_prob_pair,
    over_all_states,
    over_listed_states,
)
from ._terms import Divergence
from ._trees import between_trees

EXACT = (
    between_gaussians,
    between_chains,
    between_trees,
    between_full_categoricals,
    over_listed_states,
    over_all_states,
)


def compute(
    divergence: Divergence,
    p: BaseDensity,
    q: BaseDensity,
    n_samples: int,
    random_state: RandomState,
    return_std: bool,
) -> float | tuple[float, float]:
    """Return the divergence by the first exact method that handles the pair, else its estimate."""
    p, q = comparable(p, q, "p", "q")
    n_samples = check_n_samples(n_samples, 4, "for two rows from each density; ")
    generator = check_generator(random_state)
    for method in EXACT:
        value = method(divergence, p, q)
        if value is not None:
            value = divergence.clip(value)
            return (value, 0.0) if return_std else value
    estimate = _estimate(divergence, p, q, n_samples, generator)
    return estimate if return_std else estimate[0]


def _estimate(
    divergence: Divergence,
    p: BaseDensity,
    q: BaseDensity,
    n_samples: int,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Return the mean of ``term(p, q) / m`` over rows of ``m = (p + q) / 2``, with standard error.

    Half of the rows are drawn from p and half from q. The term is proportional to its arguments, so
    ``term(p, q) / m`` is ``2 term(w, 1 - w)`` with ``w = p / (p + q)``: bounded for the bounded
    divergences, and 0 where p and q agree.
    """
    means, variances = [], []
    for density, share in ((p, n_samples - n_samples // 2), (q, n_samples // 2)):
        log_p, log_q = log_prob_pair(p, q, density.sample(share, generator))
        log_ratio = np.zeros(share)  # stays where both probabilities underflow to zero
        np.subtract(log_p, log_q, out=log_ratio, where=np.isfinite(log_p) | np.isfinite(log_q))
        value = 2 * divergence.term(-np.logaddexp(0, -log_ratio), -np.logaddexp(0, log_ratio))
        if np.isinf(value).any():
            return math.inf, 0.0
        means.append(value.mean())
        variances.append(value.var(ddof=1) / share)
    return divergence.clip(float(np.mean(means))), float(np.sqrt(np.sum(variances))) / 2


# ---------------------------------------------------------------------- checks
def comparable(
    p: BaseDensity, q: BaseDensity, name_p: str, name_q: str
) -> tuple[BaseDensity, BaseDensity]:
    """Return snapshots of two fitted densities, if they have the same columns, discrete or not."""
    for density, name in ((p, name_p), (q, name_q)):
        if not isinstance(density, BaseDensity):
            raise ValueError(
                f"{name} must be a fitted density of skdgm, got {shown(density)}; fit one to the "
                "rows that it should represent."
            )
        check_is_fitted(density)
    p, q = snapshot(p), snapshot(q)
    if p.n_features_in_ != q.n_features_in_:
        raise ValueError(
            f"{name_p} and {name_q} must be densities of the same columns, but {name_p} has "
            f"{p.n_features_in_} and {name_q} has {q.n_features_in_}; fit both to the same columns."
        )
    names: list[Any] = [getattr(density, "feature_names_in_", None) for density in (p, q)]
    if names[0] is not None and names[1] is not None and not np.array_equal(names[0], names[1]):
        place = int(np.argmax(names[0] != names[1]))
        raise ValueError(
            f"{name_p} and {name_q} must be densities of the same columns, but column {place} is "
            f"{names[0][place]!r} in {name_p} and {names[1][place]!r} in {name_q}; fit both to the "
            "same columns in the same order."
        )
    kinds = ["discrete" if is_discrete(density) else "continuous" for density in (p, q)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"{name_p} and {name_q} must both be discrete or both continuous, but {name_p} is "
            f"{kinds[0]} and {name_q} is {kinds[1]}; fit both to the same kind of data."
        )
    has_other = np.any(p._columns.has_other) or np.any(q._columns.has_other)
    if p is not q and has_other and p._columns != q._columns:
        raise ValueError(
            f'{name_p} and {name_q} must know the same categories if handle_unknown="smooth", '
            'which makes one of all others; declare n_categories, or choose "error".'
        )
    return p, q
