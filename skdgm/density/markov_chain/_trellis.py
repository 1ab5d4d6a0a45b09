"""A trellis for rows with missing values: what still matters of the values so far.

After the values ``x_0 .. x_(i-1)``, sparse tables tell the future from the longest suffix of these
values with which a context that was seen begins, at the same position: no earlier start can become
a context that was seen, and after any other the distribution is even. Such suffixes are the states
of layer i. Each has a fallback, its longest proper suffix that is a state. With a value that none
of its contexts continues with, a state leads where its fallback does (the automaton of Aho and
Corasick, 1975).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..._codes import missing_cells, readonly
from ..._kernels import markov_chain_trellis as kernels
from ..._kernels.markov_chain_trellis import TrellisArrays
from ..._memory import check_memory
from ._sparse import SparseChainProbabilities
from ._sparse_table import SparseTable

BLOCK_SIZE = 2**23  # rows share a trellis that holds no more states, children and runs than this
LAYER_STATES = 2**20
LAYER_CHILDREN = 2**26


class TooManyStates(ValueError):
    """Raised for a trellis larger than the limits allow."""


def in_trellises(
    model: SparseChainProbabilities,
    codes: np.ndarray,
    answer: Callable[[Trellis, slice], None],
    counting: bool = False,
) -> None:
    """Call ``answer(trellis, rows)`` for blocks of rows as large as the limits allow."""
    waiting = [slice(0, len(codes))]
    while waiting:
        rows = waiting.pop()
        middle = (rows.start + rows.stop) // 2
        try:
            trellis = Trellis(model, codes[rows], counting)
        except TooManyStates:
            if middle == rows.start:
                raise
            waiting += [slice(middle, rows.stop), slice(rows.start, middle)]
        else:
            answer(trellis, rows)


class Trellis:
    """The states that rows of codes, in the order of the chain, leave possible.

    ``columns`` holds the column of its layer's child rows in which each value stands, -1 where it
    is missing; where some row misses a position, its columns are the values. The last states of a
    layer are contexts seen in the position's table: ``contexts`` holds for each layer the first of
    them, and their indices in the table. ``counting`` leaves room for a count of every value after
    them.
    """

    def __init__(
        self, model: SparseChainProbabilities, codes: np.ndarray, counting: bool = False
    ) -> None:
        shape = model.shape
        self.columns = np.empty(codes.shape, dtype=np.int32)
        self.values: list[np.ndarray] = []
        self.contexts: list[tuple[int, np.ndarray]] = []
        self._room = BLOCK_SIZE if len(codes) > 1 else None
        self._n_bytes = 0
        sources: list[_Head | _Source] = [_Head(model.tables, shape.order)] if shape.order else []
        layers: list[_Layer] = []
        fallback = np.zeros(1 + len(sources), dtype=np.int32)
        n_states = 0
        for i in range(shape.n_positions):
            values, self.columns[:, i] = _columns(codes[:, i], shape.n_categories)
            column_of = np.full(shape.n_categories, -1, dtype=np.int32)
            column_of[values] = np.arange(len(values))
            self.values.append(values)
            layer = _Layer(model, i, fallback, sources, column_of, len(values))
            self.contexts.append((n_states + layer.n_states - len(layer.contexts), layer.contexts))
            n_states += layer.n_states
            if i + shape.order < shape.n_positions and shape.order:
                sources.insert(0, _Source(model.tables[shape.table[i + shape.order]]))
            edges = [source.advance(i, column_of) for source in sources]
            if i + 1 == shape.n_positions:
                edges = [_NO_EDGES for _ in sources]
            self._check_size(layer, edges, counting)
            fallback = layer.lead_on(edges)
            sources = [source for source in sources if source.n_nodes]
            layers.append(layer)
        self.arrays = _join(layers)

    def posterior(
        self, weight: np.ndarray, worth: np.ndarray | None, counting: bool = False
    ) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
        """Return means, the rows' log-probabilities, and counts if ``counting``.

        ``worth`` is the value of each code, by default the code itself.

        The counts are, for each layer, contexts, values, and the expected weight of the rows that
        have the one and then the other.
        """
        sizes = [len(contexts) * counting for _, contexts in self.contexts] * self.arrays.width
        first_cell = np.cumsum([0, *sizes])
        cell_of_state = np.full(len(self.arrays.row), -1)
        for (state, contexts), cell, values in zip(
            self.contexts, first_cell[:-1], self.values, strict=True
        ):
            if counting:
                states = slice(state, state + len(contexts))
                cell_of_state[states] = cell + np.arange(len(contexts)) * len(values)
        cells = np.zeros(first_cell[-1])
        mean, log_prob = np.empty(self.columns.shape), np.empty(len(self.columns))
        if worth is None:
            worth = readonly(np.arange(self.arrays.width.max(), dtype=np.float64))
        kernels.add_posterior(
            self.arrays, self.columns, readonly(weight), worth, cell_of_state, cells, mean, log_prob
        )
        if not counting:
            return mean, log_prob, []
        counts = [
            (contexts, values, own.reshape(len(contexts), len(values)))
            for (_, contexts), values, own in zip(
                self.contexts, self.values, np.split(cells, first_cell[1:-1]), strict=True
            )
        ]
        return mean, log_prob, counts

    def _check_size(self, layer: _Layer, edges: list[_Edges], counting: bool) -> None:
        n_children = (1 + sum(len(np.unique(parent)) for parent, _ in edges)) * layer.width
        n_states = 1 + sum(len(parent) for parent, _ in edges)
        if n_states > LAYER_STATES or n_children > LAYER_CHILDREN:
            raise TooManyStates(
                f"The missing values of a row leave {n_states:,} contexts possible at once, too "
                "many to sum over; choose a smaller order, or leave fewer values missing."
            )
        self._n_bytes += 28 * n_states + 4 * n_children + 12 * layer.n_runs
        check_memory(
            self._n_bytes,
            "The contexts that the missing values of a row leave possible: to sum over them",
            "choose a smaller order, or leave fewer values missing",
        )
        if self._room is not None:
            self._room -= n_states + n_children + layer.n_runs
            self._room -= counting * len(layer.contexts) * layer.width
            if self._room < 0:
                raise TooManyStates


_Edges = tuple[np.ndarray, np.ndarray]  # the parents of new nodes, and the columns that lead there
_NO_EDGES: _Edges = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.int32))


class _Source:
    """The beginnings of one table's contexts: nodes, each a state of the current layer.

    The contexts begin where the source was made; its first node, nothing yet, is state 0.
    """

    def __init__(self, table: SparseTable) -> None:
        self._codes = table.contexts.codes()
        self._level = 0
        self._node = np.zeros(len(self._codes), dtype=np.intp)  # of each context still possible
        self._possible = np.arange(len(self._codes))
        self.n_nodes = 1

    @property
    def contexts(self) -> np.ndarray:
        """Indices of the contexts that are complete."""
        return self._possible if self._level == self._codes.shape[1] else self._possible[:0]

    def advance(self, i: int, column_of: np.ndarray) -> _Edges:
        """Go on to the nodes with one more value."""
        if self._level == self._codes.shape[1]:
            self.n_nodes = 0
            return _NO_EDGES
        column = column_of[self._codes[self._possible, self._level]]
        kept = column >= 0
        self._possible, node, column = self._possible[kept], self._node[kept], column[kept]
        new = np.ones(len(node), dtype=bool)  # where a context differs from the one before it
        new[1:] = (node[1:] != node[:-1]) | (column[1:] != column[:-1])
        self._node = np.cumsum(new) - 1
        self._level += 1
        self.n_nodes = int(new.sum())
        return node[new], column[new]


class _Head:
    """The contexts of the tables near the start, shorter than ``order``: one table per layer."""

    def __init__(self, tables: list[SparseTable], order: int) -> None:
        self._tables = tables[:order]
        self.contexts = np.zeros(1, dtype=np.intp)
        self.n_nodes = 1

    def advance(self, i: int, column_of: np.ndarray) -> _Edges:
        """Go on to the contexts with one more value: windows here, contexts of the next table."""
        if i + 1 == len(self._tables):
            self.n_nodes = 0
            return _NO_EDGES
        table, following = self._tables[i : i + 2]
        start, end = table.run_start[self.contexts], table.run_end[self.contexts]
        parent, place = _unroll(start, end)
        column = column_of[table.last_value[place]]
        context = following.contexts.find_keys(table.windows.keys[place])
        kept = (column >= 0) & (context >= 0)
        self.contexts = context[kept]
        self.n_nodes = len(self.contexts)
        return parent[kept], column[kept]


def _unroll(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the numbers from each start to its end; return the pair of each, and the numbers."""
    length = end - start
    pair = np.repeat(np.arange(len(start)), length)
    return pair, np.arange(len(pair)) + (start - np.cumsum(length) + length)[pair]


def _columns(codes: np.ndarray, n_categories: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values that may stand at a position, and the index of each code among them."""
    missing = missing_cells(codes)
    if missing.any():
        return np.arange(n_categories), np.where(missing, -1, codes.astype(np.int32))
    return np.unique(codes, return_inverse=True)


class _Layer:
    """The states of position i in order: no value, then those of each source, the newest first."""

    def __init__(
        self,
        model: SparseChainProbabilities,
        i: int,
        fallback: np.ndarray,
        sources: list[_Head | _Source],
        column_of: np.ndarray,
        width: int,
    ) -> None:
        self.fallback = fallback
        self.n_states, self.width = len(fallback), width
        sizes = [source.n_nodes for source in sources]
        first = np.cumsum([1, *sizes[:-1]])
        self._states = [slice(a, a + size) for a, size in zip(first, sizes, strict=False)]
        if model.shape.order == 0:
            self.contexts = np.zeros(1, dtype=np.intp)  # the empty one
        else:
            self.contexts = sources[-1].contexts if sources else _NO_EDGES[0]
        self._add_probabilities(model, model.tables[model.shape.table[i]], column_of)

    def _add_probabilities(
        self, model: SparseChainProbabilities, table: SparseTable, column_of: np.ndarray
    ) -> None:
        """Set each column's probability: an even share, and in a run what a context adds to it."""
        K = model.shape.n_categories
        before = table.contexts.weight_at(self.contexts)
        total = before + K * model.alpha
        known = np.flatnonzero(before > 0)
        first = self.n_states - len(self.contexts)
        self.even = np.full(self.n_states, 1 / K)
        self.even[first + known] = model.alpha / total[known]
        context = self.contexts[known]
        owner, place = _unroll(table.run_start[context], table.run_end[context])
        column = column_of[table.last_value[place]]
        kept = column >= 0
        owner, place = known[owner[kept]], place[kept]
        self.run_column = column[kept]
        self.run_weight = table.windows.weight[place] / total[owner]
        self.run_end = np.cumsum(np.bincount(first + owner, minlength=self.n_states))

    @property
    def n_runs(self) -> int:
        return len(self.run_column)

    def lead_on(self, edges: list[_Edges]) -> np.ndarray:
        """Lead every state and column to a state of the next layer; return the fallbacks there."""
        states = self._states if len(edges) == len(self._states) else [slice(0, 1), *self._states]
        parents = [np.unique(parent, return_inverse=True) for parent, _ in edges]
        self.n_rows = 1 + sum(len(parent) for parent, _ in parents)
        self.row = np.zeros(self.n_states, dtype=np.int32)
        self.child = np.zeros((self.n_rows, self.width), dtype=np.int32)
        fallback = [np.zeros(1, dtype=np.int32)]
        n_rows = n_children = 1
        for own, (parent, place), (_, column) in zip(states, parents, edges, strict=True):
            self.row[own] = self.row[self.fallback[own]]
            rows = np.arange(n_rows, n_rows + len(parent))
            self.child[rows] = self.child[self.row[own.start + parent]]
            self.row[own.start + parent] = rows
            children = rows[place.ravel()], column
            fallback.append(self.child[children])
            self.child[children] = np.arange(n_children, n_children + len(column))
            n_rows += len(rows)
            n_children += len(column)
        return np.concatenate(fallback)


def _join(layers: list[_Layer]) -> TrellisArrays:
    """Put the layers' arrays end to end, with one state past the last layer."""
    n_states, n_rows, width, n_runs = (
        np.array([getattr(layer, name) for layer in layers])
        for name in ("n_states", "n_rows", "width", "n_runs")
    )
    first_state, first_row, first_cell, first_run = (
        np.cumsum([0, *sizes]) for sizes in (n_states, n_rows, n_rows * width, n_runs)
    )
    pairs = list(enumerate(layers))
    run_ends = [first_run[i] + layer.run_end for i, layer in pairs]
    run_end = np.concatenate([*run_ends, [first_run[-1]]])
    child_first = [first_cell[i] + np.arange(layer.n_rows) * layer.width for i, layer in pairs]
    arrays = TrellisArrays(
        state_start=np.concatenate([first_state, [first_state[-1] + 1]]),
        width=width,
        row=np.concatenate([*(first_row[i] + layer.row for i, layer in pairs), [0]]),
        child_first=np.concatenate(child_first),
        child=np.concatenate([layer.child.ravel() for layer in layers]),
        even=np.concatenate([*(layer.even for layer in layers), [1.0]]),
        run_start=np.concatenate([[0], run_end[:-1]]),
        run_end=run_end,
        run_column=np.concatenate([layer.run_column for layer in layers]),
        run_weight=np.concatenate([layer.run_weight for layer in layers]),
    )
    return TrellisArrays(*(readonly(array) for array in arrays))
