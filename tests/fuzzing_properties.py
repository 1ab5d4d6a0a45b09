"""The properties that hold for every problem of ``fuzzing``, and the run that tests them all.

A property takes a problem and the model fitted to it. It raises an AssertionError where it fails,
and ``DoesNotApply`` where it says nothing. A ValueError is a refusal, which is counted, if it is a
sentence of this package or of scikit-learn.
"""

from __future__ import annotations

import itertools
import pickle
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from unittest import mock

import numpy as np
from joblib import parallel_backend
from sklearn.base import clone
from sklearn.preprocessing import (
    MaxAbsScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
)
from sklearn.tree import DecisionTreeClassifier

from skdgm import (
    BaggingDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)
from skdgm.density import BaseDensity
from skdgm.density._engine import blocks as _blocks

from .fuzzing import Problem, make_problem, ties_columns
from .rows import agreement, all_states

MOST_STATES = 2000
TO_ROUNDING = 1e-6  # relative to the size of a score, for data far from zero and units far from one


class DoesNotApply(Exception):
    """The property says nothing about this problem."""


def applies(condition):
    if not condition:
        raise DoesNotApply


def assert_equal_scores(actual, desired, tolerance=TO_ROUNDING):
    """Assert that scores agree, relative to their size, and are -inf alike."""
    actual, desired = np.broadcast_arrays(actual, desired)
    same = actual == desired
    with np.errstate(invalid="ignore"):
        same |= np.abs(actual - desired) <= tolerance * (1 + np.abs(desired))
    assert same.all(), f"scores {actual[~same][:3]} against {desired[~same][:3]}"


def fit_to_the_end(problem, **changes):
    """Fit with as many steps as allowed: rounding errors must not decide when to stop."""
    estimator = clone(problem.estimator)
    names = {
        name: 0.0
        for name in estimator.get_params()
        if name.split("__")[-1] == "tol" and "classifier" not in name.split("__")
    }
    return problem.fit(estimator=estimator.set_params(**names), **changes)


def is_density(model):
    return isinstance(model, BaseDensity)


def is_discrete(problem):
    return not problem.continuous.any()


def drawn_rows(model, n_samples, random_state):
    drawn = model.sample(n_samples, random_state=random_state)
    return drawn if is_density(model) else drawn[0]


def fitted_parts(model):
    """The model and the fitted densities in it."""
    inside = getattr(model, "densities_", [])
    inside = [one[1] if isinstance(one, tuple) else one for one in inside]
    inside += [model.density_] if hasattr(model, "density_") else []
    return [model, *itertools.chain.from_iterable(map(fitted_parts, filter(None, inside)))]


# ---------------------------------------------------------------------- probabilities
def scores_are_legal(problem, model):
    log_prob = model.score_samples(problem.queries)
    assert log_prob.shape == (len(problem.queries),)
    assert not np.isnan(log_prob).any(), "NaN"
    assert (log_prob < np.inf).all(), "+inf"
    if is_discrete(problem):
        assert log_prob.max() <= 1e-9, f"a probability above one: exp({log_prob.max()})"
    nothing = np.isnan(problem.queries).all(axis=1)
    assert_equal_scores(log_prob[nothing], 0.0, 1e-8)


def states_of(problem, model):
    """Every joint state, if these are few."""
    applies(is_discrete(problem))
    density = model if is_density(model) else next(filter(None, model.densities_))
    columns = density._columns
    applies(np.prod(columns.n_categories.astype(float)) <= MOST_STATES)
    return columns.decode(all_states(columns.n_categories.tolist()))


def probabilities_sum_to_one(problem, model):
    states = states_of(problem, model)
    probability = np.exp(model.score_samples(states))
    assert abs(probability.sum() - 1) < 1e-8, f"sum {probability.sum()}"


def scores_sum_over_completions(problem, model):
    states = states_of(problem, model)
    probability = np.exp(model.score_samples(states))
    with np.errstate(divide="ignore"):
        expected = np.log(agreement(states, problem.queries) @ probability)
    actual = np.where(expected < -30, expected, model.score_samples(problem.queries))
    assert_equal_scores(actual, expected, 1e-8)


def classes_have_probabilities(problem, model):
    applies(hasattr(model, "predict_proba"))
    proba = model.predict_proba(problem.queries)
    assert not np.isnan(proba).any(), "NaN"
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-9)
    label = model.predict(problem.queries)
    if not is_density(model):
        assert np.isin(label, model.classes_).all()
        log_proba = model.predict_log_proba(problem.queries)
        np.testing.assert_allclose(np.exp(log_proba), proba, atol=1e-9)


def tail_probabilities_are_probabilities(problem, model):
    applies(is_density(model))
    tail = model.tail_probability(problem.queries, 20, random_state=0)
    assert not np.isnan(tail).any(), "NaN"
    assert ((tail >= 0) & (tail <= 1)).all()
    assert ((tail > 0) == (model.score_samples(problem.queries) > -np.inf)).all()


# ---------------------------------------------------------------------- draws and completions
def possible_queries(problem, model):
    return problem.queries[model.score_samples(problem.queries) > -np.inf]


def draws_are_possible(problem, model):
    drawn = drawn_rows(model, 20, 0)
    assert drawn.shape == (20, problem.X.shape[1])
    assert np.isfinite(drawn).all(), "a draw is not finite"
    if is_discrete(problem):
        assert (model.score_samples(drawn) > -np.inf).all(), "a draw is ruled out"


def a_seed_gives_the_same_draws(problem, model):
    np.testing.assert_array_equal(drawn_rows(model, 20, 3), drawn_rows(model, 20, 3))
    if is_density(model):
        queries = possible_queries(problem, model)
        first, second = (model.conditional_sample(queries, 4) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def completions_keep_what_is_observed(problem, model):
    applies(is_density(model))
    queries = possible_queries(problem, model)
    seen = ~np.isnan(queries)
    completed = [
        model.conditional_sample(queries, 0),
        model.conditional_mode(queries),
        model.conditional_mean(queries),
    ]
    for table in completed:
        assert table.shape == queries.shape
        np.testing.assert_array_equal(table[seen], queries[seen])
        assert not np.isnan(table).any(), "a value is still missing"
    if is_discrete(problem):
        for table in completed[:2]:
            assert (model.score_samples(table) > -np.inf).all(), "a completion is ruled out"


def modes_are_as_probable_as_draws(problem, model):
    applies(is_density(model) and is_discrete(problem))
    queries = possible_queries(problem, model)
    drawn = model.score_samples(model.conditional_sample(queries, 1))
    mode = model.score_samples(model.conditional_mode(queries))
    assert (mode > drawn - 1e-8).all(), f"draws score {np.max(drawn - mode)} more than modes"


# ---------------------------------------------------------------------- conventions
def input_is_left_unchanged(problem, model):
    """The arrays are read-only, so that all other properties fail if one writes to them."""
    again = make_problem(problem.seed)
    for before, after in ((again.X, problem.X), (again.queries, problem.queries)):
        assert before.tobytes() == after.tobytes()


def threads_change_nothing(problem, model):
    def results(n_jobs):
        estimator = clone(problem.estimator)
        names = [
            name
            for name in estimator.get_params()
            if name.split("__")[-1] == "n_jobs" and "classifier" not in name.split("__")
        ]
        fitted = problem.fit(estimator=estimator.set_params(**dict.fromkeys(names, n_jobs)))
        return fitted.score_samples(problem.queries), drawn_rows(fitted, 20, 1)

    with mock.patch.object(_blocks, "BLOCK_CELLS", 7 * problem.X.shape[1]):
        one, two = results(None), results(2)
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def clones_and_pickles_are_the_same(problem, model):
    # A matrix product may round by where its arguments lie in memory, so only counts are exact.
    tolerance = 0 if is_discrete(problem) else TO_ROUNDING
    log_prob, drawn = model.score_samples(problem.queries), drawn_rows(model, 9, 2)
    for twin in (pickle.loads(pickle.dumps(model)), problem.fit(estimator=clone(model))):
        assert_equal_scores(twin.score_samples(problem.queries), log_prob, tolerance)
        size = np.abs(np.nan_to_num(np.asarray(drawn, dtype=float))).max(initial=1)
        np.testing.assert_allclose(drawn_rows(twin, 9, 2), drawn, rtol=0, atol=tolerance * size)


# ---------------------------------------------------------------------- one mechanism for all fits
def batches_give_the_model_of_one_fit(problem, model):
    applies(hasattr(problem.estimator, "partial_fit") and not problem.has_holes)
    applies(not is_singular(problem) and not problem.parts_of(MixtureDensity))
    weight = problem.weight
    rows = np.flatnonzero(np.ones(len(problem.X)) if weight is None else weight)
    batched = clone(problem.estimator)
    for own in np.array_split(rows, min(3, len(rows))):
        batched.partial_fit(problem.X[own], sample_weight=None if weight is None else weight[own])
    assert_equal_scores(batched.score_samples(problem.X), model.score_samples(problem.X))
    assert batched.n_parameters_ == model.n_parameters_


def integer_weights_repeat_rows(problem, model):
    applies(not is_singular(problem) and not follows_the_order_of_rows(problem))
    applies(not problem.parts_of(DecisionTreeClassifier))  # splits that tie follow rounding
    weight = np.random.default_rng(problem.seed).integers(0, 4, len(problem.X))
    weight[0] = 1
    applies(not lends_values(problem, weight))  # one to each row, whatever its weight
    times = np.repeat(np.arange(len(problem.X)), weight)
    y = None if problem.y is None else problem.y[times]
    repeated = fit_to_the_end(problem, X=problem.X[times], y=y, weight=None)
    weighted = fit_to_the_end(problem, weight=weight.astype(float))
    rows = problem.X[weight > 0]
    # A classifier inside ends by a tolerance of its own.
    tolerance = 1e-2 if problem.parts_of(ChainRuleDensity) else TO_ROUNDING
    assert_equal_scores(weighted.score_samples(rows), repeated.score_samples(rows), tolerance)


def lends_values(problem, weight):
    """True if a class or a member lacks values in a column, which it gets from all rows."""
    if problem.has_holes and problem.parts_of(BaggingDensity):
        return True
    if problem.y is None:
        return False
    missing = np.isnan(problem.X.astype(np.float64))
    rows = [(problem.y == label) & (weight > 0) for label in np.unique(problem.y)]
    return any(own.any() and missing[own].all(axis=0).any() for own in rows)


def follows_the_order_of_rows(problem):
    """True if random numbers meet rows in their order."""
    starts = any(
        part.init == "random" and part.n_components > 1 for part in problem.parts_of(MixtureDensity)
    )
    return starts or any(part.early_stopping for part in hidden_trees(problem))


def hidden_trees(problem):
    return problem.parts_of(HiddenChowLiuTreeDensity)


def is_singular(problem):
    """True if rounding errors may decide: a covariance without regularisation may be singular."""
    normals = problem.parts_of((GaussianDensity, GaussianDiscriminant))
    return any(part.reg_covar == 0 for part in normals)


def steps_of_em_never_fall(problem, model):
    found = False
    for part in fitted_parts(model):
        bounds = getattr(part, "lower_bounds_", np.empty(0))
        if not len(bounds) or not climbs(problem, part):
            continue
        found = True
        assert not np.isnan(bounds).any(), "NaN"
        assert (bounds < np.inf).all(), "+inf"
        bounds = bounds[np.isfinite(bounds).argmax() :]
        fall = bounds[:-1] - bounds[1:] - 1e-8 * (1 + np.abs(bounds[:-1]))
        assert (fall <= 0).all(), (
            f"{type(part).__name__} falls by {np.max(bounds[:-1] - bounds[1:])} nats per row, in "
            f"step {fall.argmax() + 1} of {len(bounds)}"
        )
    applies(found)


def climbs(problem, part):
    """True if EM on this part maximises an objective: not with classifiers or mini-batches."""
    if problem.parts_of(ChainRuleDensity) or _averages(part):
        return False
    batches = isinstance(part, HiddenChowLiuTreeDensity)
    return not (batches and (part.early_stopping or part.batch_size < len(problem.X)))


def _averages(part):
    """True if a density is, or holds, an average, whose members maximise something of their own."""
    return any(isinstance(one, BaggingDensity) for one in fitted_parts(part))


# ---------------------------------------------------------------------- units, shifts and orders
def units_do_not_matter(problem, model):
    """A column times c: scores move by -log|c| for each observed cell, and nothing else changes.

    Columns that a spherical or low-rank covariance ties together have one factor in common.
    """
    applies(problem.continuous.any() and not problem.parts_of(ChainRuleDensity))
    powers = problem.parts_of(PowerTransformer)
    applies(all(one.method == "box-cox" for one in powers))
    quartiles = np.nanquantile(problem.X.astype(np.float64), [0.25, 0.75], axis=0)
    applies(not problem.parts_of(RobustScaler) or (np.ptp(quartiles, axis=0) > 0).all())
    # Few rows per component let steps magnify the rounding of logarithms of the unit.
    n_components = np.prod([part.n_components for part in problem.parts_of(MixtureDensity)])
    applies(not is_singular(problem) and len(problem.X) >= 10 * n_components)
    rng = np.random.default_rng(problem.seed)
    # A constant column has no scale: its floor is absolute.
    moved = problem.continuous & ~problem.constant
    log2 = rng.integers(-30, 31, len(moved))
    if ties_columns(problem.estimator):
        applies(moved.all())
        log2[:] = log2[0]
    factor = np.where(moved, 2.0**log2, 1.0)
    X = problem.X.astype(np.float64)
    assert_same_up_to_units(
        problem,
        fit_to_the_end(problem, X=X),
        fit_to_the_end(problem, X=X * factor),
        factor,
        1e-3 if powers else 1e-8,
    )


def assert_same_up_to_units(problem, first, second, factor, tolerance):
    queries = problem.queries
    n_nats = np.where(np.isnan(queries), 0.0, np.log(factor)).sum(axis=1)
    log_prob = first.score_samples(queries)
    assert_equal_scores(second.score_samples(queries * factor) + n_nats, log_prob, tolerance)
    if hasattr(first, "predict_proba"):
        proba = second.predict_proba(queries * factor)
        np.testing.assert_allclose(proba, first.predict_proba(queries), atol=1e3 * tolerance)
    if is_density(first) and not problem.parts_of(TransformedDensity):
        scale = np.fmax.reduce(np.abs(problem.X.astype(np.float64))) + 1e-300
        if ties_columns(
            problem.estimator
        ):  # one scale, in which small columns are known to rounding
            scale[:] = scale.max()
        expected = first.conditional_mean(queries) / scale
        actual = second.conditional_mean(queries * factor) / (factor * scale)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=1e3 * tolerance)


def shifts_do_not_matter(problem, model):
    moved_otherwise = (PowerTransformer, QuantileTransformer, MaxAbsScaler, ChainRuleDensity)
    applies(problem.continuous.any() and not problem.parts_of(moved_otherwise))
    applies(not is_singular(problem))
    few = np.bincount(np.zeros(len(problem.X), int) if problem.y is None else problem.y) < 10
    applies(not (problem.parts_of(MixtureDensity) and few.any()))  # clusters tie, to rounding
    X = problem.X.astype(np.float64)
    spread = np.nanstd(X, axis=0)
    far = np.nanmax(np.abs(X), axis=0) > 100 * spread  # so that it is not known to rounding
    applies(not (far & problem.continuous).any())
    shift = np.random.default_rng(problem.seed).uniform(-5, 5, len(spread)) * spread
    shift = np.where(problem.continuous, shift, 0.0)
    first, second = (fit_to_the_end(problem, X=own) for own in (X, X + shift))
    queries = problem.queries
    log_prob = first.score_samples(queries)
    assert_equal_scores(second.score_samples(queries + shift), log_prob)


def the_order_of_columns_does_not_matter(problem, model):
    applies(not is_singular(problem) and not depends_on_the_order_of_columns(problem))
    order = np.random.default_rng(problem.seed).permutation(problem.X.shape[1])
    model, permuted = (fit_to_the_end(problem, X=X) for X in (problem.X, problem.X[:, order]))
    if problem.parts_of(ChowLiuTreeDensity):  # equal trees may be chosen otherwise
        applies(is_density(model) and not problem.has_holes)
        weight = np.ones(len(problem.X)) if problem.weight is None else problem.weight
        rows, weight = problem.X[weight > 0], weight[weight > 0]
        total = weight @ permuted.score_samples(rows[:, order])
        assert_equal_scores(total, weight @ model.score_samples(rows))
    else:
        log_prob = permuted.score_samples(problem.queries[:, order])
        assert_equal_scores(log_prob, model.score_samples(problem.queries))


def depends_on_the_order_of_columns(problem):
    ordered = (ChainRuleDensity, HiddenChowLiuTreeDensity, ColumnDensity)
    chains = problem.parts_of(MarkovChainImageDensity)
    tables = problem.parts_of((FullCategoricalDensity, ChowLiuTreeDensity))
    mixtures = problem.parts_of(MixtureDensity)
    return (
        bool(problem.parts_of(ordered))
        or any(part.order > 0 for part in chains)
        or any(not isinstance(part.n_categories, str | int) for part in tables)
        # k-means starts from rows in the order of their first columns
        or any(part.init == "kmeans" and part.n_components > 1 for part in mixtures)
        or (bool(mixtures) and bool(problem.parts_of(ChowLiuTreeDensity)))
    )


def the_order_of_rows_does_not_matter(problem, model):
    applies(not is_singular(problem) and not follows_the_order_of_rows(problem))
    applies(not any(part.batch_size < len(problem.X) for part in hidden_trees(problem)))
    applies(not problem.parts_of((ChainRuleDensity, BaggingDensity)))
    order = np.random.default_rng(problem.seed).permutation(len(problem.X))
    y, weight = (None if one is None else one[order] for one in (problem.y, problem.weight))
    model = fit_to_the_end(problem)
    permuted = fit_to_the_end(problem, X=problem.X[order], y=y, weight=weight)
    # The search for an exponent ends by a tolerance of its own.
    tolerance = 1e-2 if problem.parts_of(PowerTransformer) else TO_ROUNDING
    assert_equal_scores(
        permuted.score_samples(problem.X), model.score_samples(problem.X), tolerance
    )


PROPERTIES = [
    scores_are_legal,
    probabilities_sum_to_one,
    scores_sum_over_completions,
    classes_have_probabilities,
    tail_probabilities_are_probabilities,
    draws_are_possible,
    a_seed_gives_the_same_draws,
    completions_keep_what_is_observed,
    modes_are_as_probable_as_draws,
    input_is_left_unchanged,
    threads_change_nothing,
    clones_and_pickles_are_the_same,
    batches_give_the_model_of_one_fit,
    integer_weights_repeat_rows,
    steps_of_em_never_fall,
    units_do_not_matter,
    shifts_do_not_matter,
    the_order_of_columns_does_not_matter,
    the_order_of_rows_does_not_matter,
]


# ---------------------------------------------------------------------- running
@dataclass
class Tally:
    """Outcomes of the problems of many seeds."""

    estimators: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)  # by estimator: the fit was refused
    outcomes: dict = field(default_factory=dict)  # a Counter for each property
    failures: list = field(default_factory=list)  # (seed, property, error, problem)
    refusals: Counter = field(default_factory=Counter)  # by the beginning of their sentence

    def run(self, seed: int) -> list[str]:
        """Test all properties of a problem; return the failures as sentences."""
        problem = make_problem(seed)
        families = {
            type(part).__name__ for part in problem.parts if type(part).__module__[:6] == "skdgm."
        }
        self.estimators.update(families)
        model, error = attempt(problem.fit)
        found = []
        if isinstance(error, ValueError):
            self.refused.update(families)
            self.refusals[str(error)[:70]] += 1
        elif error is not None:
            found.append(("fit", error))
        else:
            for test in PROPERTIES:
                name = test.__name__
                _, error = attempt(test, problem, model)
                outcome = self.outcomes.setdefault(name, Counter())
                if error is None or isinstance(error, DoesNotApply | ValueError):
                    outcome[outcome_of(error)] += 1
                    self.refusals[str(error)[:70]] += isinstance(error, ValueError)
                else:
                    outcome["failed"] += 1
                    found.append((name, error))
        self.failures += [(seed, name, error, problem) for name, error in found]
        return [describe(seed, name, error, problem) for name, error in found]

    def __str__(self) -> str:
        lines = ["problems, and how many of them the fit refused:"]
        for name, n in self.estimators.most_common():
            lines.append(f"  {name}: {n}, {self.refused[name]}")
        lines.append("property: tested, failed, refused, does not apply")
        for name, outcome in self.outcomes.items():
            counts = [outcome[one] for one in ("tested", "failed", "refused", "does not apply")]
            lines.append(f"  {name}: {', '.join(map(str, counts))}")
        lines.append("refusals:")
        lines += [f"  {n} {sentence}" for sentence, n in self.refusals.most_common() if n]
        return "\n".join(lines)


def outcome_of(error):
    if error is None:
        return "tested"
    return "does not apply" if isinstance(error, DoesNotApply) else "refused"


def attempt(function, *arguments):
    """Call the function; return its result and the exception that it ended with, if any.

    What is not allowed comes back as an AssertionError: an error that is no refusal, and a warning
    that is not declared.
    """
    result = error = None
    threads = parallel_backend("threading")  # classifiers would start processes
    with threads, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*arguments)
        except (AssertionError, DoesNotApply) as raised:
            error = raised
        except Exception as raised:
            refused = isinstance(raised, ValueError) and is_refusal(raised)
            error = raised if refused else AssertionError(trace(raised))
    undeclared = [one for one in caught if not issubclass(one.category, UserWarning)]
    if undeclared and not isinstance(error, AssertionError):
        one = undeclared[0]
        place = f"{one.filename.split('/')[-1]}:{one.lineno}"
        error = AssertionError(f"{one.category.__name__}: {one.message} ({place})")
    return result, error


def is_refusal(error: ValueError) -> bool:
    """Return whether the error was raised on purpose, here or in scikit-learn."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return "sklearn" in last.filename or str(last.line).startswith("raise")


def trace(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = ", ".join(f"{frame.filename.split('/')[-1]}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__}: {error} ({places})"


def describe(seed, name, error, problem: Problem) -> str:
    return f"seed {seed}: {name}: {' '.join(str(error).split())}\n    {problem}"
