"""Queries on missing values under a hidden tree: draws, expectations, probable completions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..._codes import missing_cells, n_states
from ..._kernels.hidden_tree import absorb, divide, draw
from .._engine.completions import LISTED, best_completions
from ._messages import HiddenTree

GAIN = 1e-9  # nats; a smaller gain by the change of a value is rounding


def draw_missing(tree: HiddenTree, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw the latent states given the observed values, from the root on, then all values."""
    drawn = np.empty(codes.shape, dtype=np.uint16)  # holds every value, as codes may not
    for block in tree.shape.blocks(len(codes)):
        uniform = generator.random((2, *codes[block].shape[::-1]))
        drawn[block] = _draw_block(tree, codes[block], uniform)
    return drawn


def _draw_block(tree: HiddenTree, codes: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    shape, n_rows = tree.shape, len(codes)
    observed = not missing_cells(codes).all()
    beliefs = tree.upward(codes) if observed else None
    each, drawn = np.arange(n_rows), np.empty(codes.shape, dtype=np.uint16)
    state = {-1: np.zeros(n_rows, dtype=np.intp)}
    for column in shape.order:
        above, values = state[shape.parents[column]], tree.emission[shape.slots(column)]
        table, index = tree.transition[column], above
        if beliefs is not None:
            belief = beliefs.belief[column]
            belief = values[beliefs.index[column]] if belief is None else belief
            table, index = table[above] * belief, each
        state[column] = np.empty(n_rows, dtype=np.intp)
        draw(uniform[0, column], table, index, state[column])
        value = np.empty(n_rows, dtype=np.intp)
        draw(uniform[1, column], np.ascontiguousarray(values[:-1].T), state[column], value)
        drawn[:, column] = value
    return drawn


def mean_missing(tree: HiddenTree, codes: np.ndarray, worth: Sequence[np.ndarray]) -> np.ndarray:
    """Return ``E[x_i | x_observed]`` where a value is missing.

    ``worth`` holds the value of each code of each column.
    """
    mean, missing = np.zeros(codes.shape), missing_cells(codes)
    for block in tree.shape.blocks(len(codes)):
        wanted = np.any(missing[block], axis=0)
        for column, probability in value_probabilities(tree, codes[block], wanted):
            mean[block, column] = probability @ worth[column]
    return mean


def proba_missing(tree: HiddenTree, codes: np.ndarray, columns: Sequence[int]) -> list[np.ndarray]:
    """Return ``p(x_i = v | x_observed)`` of some columns where a value is missing."""
    wanted = np.zeros(codes.shape[1], dtype=bool)
    wanted[columns] = True
    proba = {column: np.empty((len(codes), tree.shape.n_values[column])) for column in columns}
    for block in tree.shape.blocks(len(codes)):
        for column, probability in value_probabilities(tree, codes[block], wanted):
            proba[column][block] = probability
    return [proba[column] for column in columns]


def value_probabilities(
    tree: HiddenTree, codes: np.ndarray, wanted: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield wanted columns with ``p(x_i = v | all other observed values)``, (n_rows, n_values).

    What is passed down is what the tree tells of each latent state without the values at and below
    it.
    """
    shape, beliefs = tree.shape, tree.upward(codes)
    needed = wanted.copy()  # wanted columns, and those above them
    for column in reversed(shape.order):
        if needed[column] and column != shape.root:
            needed[shape.parents[column]] = True
    down = {shape.root: np.tile(tree.transition[shape.root, 0], (len(codes), 1))}
    for column in shape.order:
        if not needed[column]:
            continue
        rest, scale = down.pop(column), np.zeros(len(codes))
        for child in shape.children[column]:
            absorb(beliefs.message[child], tree.sender(child, beliefs.index), scale, rest)
        of_value = tree.emission[shape.slots(column)]
        if wanted[column]:
            probability = rest @ of_value[:-1].T
            yield column, probability / probability.sum(axis=1, keepdims=True)
        absorb(of_value, beliefs.index[column], scale, rest)
        for child in shape.children[column]:
            if needed[child]:
                above = np.empty_like(rest)
                divide(rest, beliefs.message[child], tree.sender(child, beliefs.index), above)
                down[child] = above @ tree.transition[child]


# ---------------------------------------------------------------------- probable completions
def mode_missing(tree: HiddenTree, codes: np.ndarray) -> np.ndarray:
    """Return the best completion of rows with few completions, and a local maximum for others."""
    missing = missing_cells(codes)
    completed = np.where(missing, viterbi_values(tree, codes), codes)
    counts = (n_states(tree.shape.n_values[row]) for row in missing)
    many = np.fromiter((count > LISTED for count in counts), dtype=bool, count=len(missing))
    completed[many] = _climb_by_best_change(tree, completed[many], missing[many])
    if not many.all():
        few = codes[~many], [completed[~many]], tree.log_prob, tree.shape.n_values
        completed[~many] = best_completions(*few)
    return completed


def viterbi_values(tree: HiddenTree, codes: np.ndarray) -> np.ndarray:
    """Return the values that are most probable jointly with the latent states."""
    values = np.empty(codes.shape, dtype=np.uint16)
    with np.errstate(divide="ignore"):
        log_transition, log_emission = np.log(tree.transition), np.log(tree.emission)
    step = max(1, 2**20 // tree.shape.n_states**2)
    for start in range(0, len(codes), step):
        block = slice(start, start + step)
        values[block] = _viterbi_block(tree, log_transition, log_emission, codes[block])
    return values


def _viterbi_block(
    tree: HiddenTree, log_transition: np.ndarray, log_emission: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    shape = tree.shape
    index, best = shape.index(codes), np.empty(codes.shape, dtype=np.uint16)
    belief: dict[int, np.ndarray] = {}
    for column in reversed(shape.order):
        of_value = log_emission[shape.slots(column)].copy()
        of_value[-1] = of_value[:-1].max(axis=0)  # a missing value is the state's own best
        belief[column] = of_value[index[column]]
        for child in shape.children[column]:
            paths = log_transition[child] + belief[child][:, np.newaxis]
            belief[column] += paths.max(axis=2)
    state = {-1: np.zeros(len(codes), dtype=np.intp)}
    for column in shape.order:
        above = state[shape.parents[column]]
        state[column] = (log_transition[column][above] + belief[column]).argmax(axis=1)
        own = log_emission[shape.slots(column)][:-1].argmax(axis=0)
        best[:, column] = own[state[column]]
    return best


def _climb_by_best_change(
    tree: HiddenTree, completed: np.ndarray, missing: np.ndarray
) -> np.ndarray:
    """Change in each row the value that raises its probability most, until none does."""
    completed = completed.copy()
    for block in tree.shape.blocks(len(completed)):
        moving = np.arange(len(completed))[block]
        while len(moving):
            moving = moving[_change_best(tree, completed, missing, moving)]
    return completed


def _change_best(
    tree: HiddenTree, completed: np.ndarray, missing: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Change one value in each of the rows in place; return a mask of the rows that gained."""
    codes, missing = completed[rows], missing[rows]
    each = np.arange(len(rows))
    gain, change = np.full(len(rows), 1.0), np.zeros((2, len(rows)), dtype=np.intp)
    for column, probability in value_probabilities(tree, codes, np.any(missing, axis=0)):
        value = probability.argmax(axis=1)
        now = probability[each, codes[:, column]]
        ratio = np.where(missing[:, column], probability[each, value] / now, 0)
        better = ratio > gain
        gain[better] = ratio[better]
        change[0, better], change[1, better] = column, value[better]
    gained = np.log(gain) > GAIN
    completed[rows[gained], change[0, gained]] = change[1, gained]
    return gained
