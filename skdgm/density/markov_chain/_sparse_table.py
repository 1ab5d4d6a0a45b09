"""A sparse conditional probability table: the windows that were seen, sorted by context."""

from __future__ import annotations

import numpy as np

from ..._codes import bits_for, pack
from .._engine.weighted_states import WeightedStates


class SparseTable:
    """The windows of one table, sorted: those of a context are neighbours and make a run."""

    def __init__(self, windows: WeightedStates) -> None:
        codes, n_categories = windows.codes(), windows.n_categories
        context = pack(codes[:, :-1], bits_for(n_categories))
        self.windows = windows
        self.contexts = WeightedStates.count_keys(
            context, windows.weight, n_categories, windows.width - 1
        )
        self.last_value = codes[:, -1].copy()  # of its own, so that the codes can go
        run = self.contexts.find_keys(context)
        bounds = np.searchsorted(run, np.arange(len(self.contexts) + 1))
        self.run_start, self.run_end = bounds[:-1], bounds[1:]  # of each context

    def weights_of(self, window: np.ndarray, context: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights of windows and of their contexts, both given by keys."""
        return (
            self.windows.weight_at(self.windows.find_keys(window)),
            self.contexts.weight_at(self.contexts.find_keys(context)),
        )

    def value_at(self, context: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the value at which the summed weights in the context's run exceed the target."""
        start, end = self.run_start[context], self.run_end[context]
        cumulative = np.concatenate([[0.0], np.cumsum(self.windows.weight)])
        index = np.searchsorted(cumulative, cumulative[start] + target, side="right") - 1
        return self.last_value[np.clip(index, start, end - 1)]
