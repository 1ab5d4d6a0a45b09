"""Queries read one fitted state as a whole, while other threads fit the estimator again."""

import inspect
import itertools
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from skdgm import (
    BernoulliIndependentDensity,
    ChainRuleConditional,
    ConditionalDensity,
    DensityImputer,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
    PCAProjection,
)
from skdgm._fitted import OF_ANSWERS
from skdgm.metrics import kullback_leibler

from .estimators import FAMILY_CASES, few_steps, public_estimators, smallest_instance

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NO_QUERIES = {
    "fit",
    "partial_fit",
    "fit_predict",
    "fit_transform",
    "get_params",
    "set_params",
    "get_metadata_routing",
}
COLUMNS_AND_CLASS = [
    GenerativeClassifier(BernoulliIndependentDensity()),
    GaussianDiscriminant("diag"),
    ConditionalDensity(GaussianDensity()),
    ChainRuleConditional(),
]
OF_PAIRS = (ConditionalDensity, ChainRuleConditional)
WITHOUT_CLASS = [DensityImputer(GaussianDensity()), PCAProjection(2)]


class Meanwhile:
    """Rows that fit an estimator again, or otherwise act, when a query reads them."""

    def __init__(self, rows, act):
        self.rows, self.act = rows, act
        self.shape = rows.shape

    def __len__(self):
        return len(self.rows)

    def __array__(self, dtype=None, copy=None):
        self.act()
        return np.array(self.rows, dtype=dtype)


def problems():
    """Estimators with two tables to fit them to, and rows to ask about."""
    for case in FAMILY_CASES:
        first, second, rows = case.data(seed=0), case.data(seed=1), case.incomplete_data(20, seed=2)
        yield pytest.param(few_steps(case.density), (first,), (second,), rows, id=case.name)
    rng = np.random.default_rng(0)
    first, second, rows = (rng.normal(size=(40, 3)) for _ in range(3))
    labels = np.arange(40) % 2, np.arange(40) // 2 % 2
    for estimator in COLUMNS_AND_CLASS:
        own = (first, labels[0]), (second + 1, labels[1])
        yield pytest.param(clone(estimator), *own, rows.copy(), id=type(estimator).__name__)
    rows[::2, 1] = np.nan
    for estimator in WITHOUT_CLASS:
        name = type(estimator).__name__
        yield pytest.param(clone(estimator), (first,), (second + 1,), rows, id=name)


def answers(estimator):
    """The queries of an estimator that take a table."""
    names = ["score_samples", "predict", "predict_proba", "transform", "conditional_mean"]
    found = [name for name in names if hasattr(estimator, name)]
    for name in found:
        method = getattr(estimator, name)
        yield name, lambda X, method=method: method(X)
    if hasattr(estimator, "conditional_mode"):
        yield "conditional_mode", lambda X: estimator.conditional_mode(X)
        yield "conditional_sample", lambda X: estimator.conditional_sample(X, random_state=0)
    if hasattr(estimator, "predict_column"):
        yield "predict_column", lambda X: estimator.predict_column(X, 1)
        yield "tail_probability", lambda X: estimator.tail_probability(X, 20, random_state=0)
    if hasattr(estimator, "sample_y"):
        yield "sample_y", lambda X: estimator.sample_y(X, 2, random_state=0)
        yield "score_samples of y", lambda X: estimator.score_samples(X, np.arange(len(X)) % 2)


@pytest.mark.parametrize("estimator", public_estimators(), ids=lambda each: each.__name__)
def test_every_public_query_reads_a_snapshot(estimator):
    found = [
        name
        for name, member in inspect.getmembers(estimator, inspect.isfunction)
        if not name.startswith(("_", "set_"))
        and member.__module__.startswith("skdgm")
        and name not in NO_QUERIES
    ]
    assert found
    assert [name for name in found if not hasattr(getattr(estimator, name), "_is_query")] == []


@pytest.mark.parametrize(("estimator", "first", "second", "rows"), list(problems()))
def test_a_query_answers_by_the_state_at_its_start(estimator, first, second, rows):
    old = clone(estimator).fit(*first)
    estimator.fit(*first)
    for (name, ask), (_, expect) in zip(answers(estimator), answers(old), strict=True):
        given = ask(Meanwhile(rows, lambda: estimator.fit(*second)))
        np.testing.assert_array_equal(given, expect(rows), err_msg=name)
        estimator.fit(*first)


@pytest.mark.parametrize(("estimator", "first", "second", "rows"), list(problems()))
def test_parameters_set_after_fit_change_no_answer(estimator, first, second, rows):
    estimator.fit(*first)
    before = [ask(rows) for _, ask in answers(estimator)]
    for name in set(estimator.get_params(deep=False)) - OF_ANSWERS:
        setattr(estimator, name, "not what fit saw")
    for expected, (name, ask) in zip(before, answers(estimator), strict=True):
        np.testing.assert_array_equal(ask(rows), expected, err_msg=name)


def test_the_threshold_is_that_of_the_fit():
    X = np.random.default_rng(0).normal(size=(50, 3))
    density = BernoulliIndependentDensity(binarize=0.0).fit(X)
    expected = density.score_samples(X)
    np.testing.assert_array_equal(density.set_params(binarize=2.0).score_samples(X), expected)
    assert not np.array_equal(density.fit(X).score_samples(X), expected)


def test_parameters_set_during_a_fit_are_kept():
    density = BernoulliIndependentDensity()
    X = np.eye(3)
    density.fit(Meanwhile(X, lambda: density.set_params(alpha=5.0)))
    assert density.alpha == 5.0
    np.testing.assert_allclose(density.probability_, 2 / 5)
    np.testing.assert_allclose(density.fit(X).probability_, 6 / 13)


def test_divergences_read_snapshots():
    p, q = (BernoulliIndependentDensity().fit(np.eye(3) * k) for k in (0, 1))
    expected = kullback_leibler(p, q)

    class Source(np.random.RandomState):
        def randint(self, *args, **kwargs):
            p.fit(np.ones((3, 3)))
            return super().randint(*args, **kwargs)

    assert kullback_leibler(p, q, random_state=Source(0)) == expected


def test_a_failed_fit_leaves_the_old_state_for_readers_at_any_time():
    density = GaussianDensity().fit(np.random.default_rng(0).normal(size=(40, 3)))
    rows = np.zeros((2, 3))
    expected = density.score_samples(rows)

    def fail():
        np.testing.assert_array_equal(density.score_samples(rows), expected)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        density.fit(Meanwhile(rows, fail))
    np.testing.assert_array_equal(density.score_samples(rows), expected)


@pytest.mark.parametrize(
    "density",
    [GaussianDensity(), MixtureDensity(BernoulliIndependentDensity(), random_state=0, max_iter=3)],
    ids=["normal", "mixture"],
)
def test_threads_see_the_old_state_or_the_new_one(density):
    rng = np.random.default_rng(0)
    both = [rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) * [2, 1, 3, 1] + 1]
    rows = np.where(rng.random((6, 4)) < 0.5, rng.normal(size=(6, 4)), np.nan)
    states = [clone(density).fit(X) for X in both]
    expected = [(state.score_samples(rows), state.conditional_mean(rows)) for state in states]
    density.fit(both[0])
    enough, wrong, n_answers = threading.Event(), [], itertools.count()

    def read():
        while not enough.is_set():
            try:
                answer = density.score_samples(rows), density.conditional_mean(rows)
            except Exception as error:
                wrong.append(error)
                return
            for own, *possible in zip(answer, *expected, strict=True):
                if not any(np.array_equal(own, each) for each in possible):
                    wrong.append(own)
            if next(n_answers) > 150:
                enough.set()

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for n in itertools.count(1):
        density.fit(both[n % 2])
        if enough.is_set() or wrong:
            break
    enough.set()
    for reader in readers:
        reader.join()
    assert not wrong


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", public_estimators(), ids=lambda own: own.__name__)
def test_a_second_fit_forgets_the_first(estimator):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 2, size=(30, 4)).astype(float), np.arange(30) % 2
    others = rng.integers(0, 3, size=(40, 5)).astype(float)  # more columns, values and classes
    model = smallest_instance(estimator)
    if "random_state" in model.get_params():
        model.set_params(random_state=0)
    expected = clone(model).fit(X, y)
    model.fit(others, np.arange(40) % 5).fit(X, y)
    assert vars(model).keys() == vars(expected).keys()
    for name in ("score_samples", "transform", "predict"):
        if hasattr(model, name):
            arguments = (X, y) if isinstance(model, OF_PAIRS) and name == "score_samples" else (X,)
            assert_allclose(getattr(model, name)(*arguments), getattr(expected, name)(*arguments))
    if hasattr(model, "sample"):
        for drawn, own in zip(
            *(each.sample(9, random_state=0) for each in (model, expected)), strict=True
        ):
            assert_allclose(drawn, own)
