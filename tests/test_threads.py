"""Threads: those of BLAS, which small products do not gain from, and those over blocks of rows."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import parallel_backend
from threadpoolctl import ThreadpoolController

from skdgm import (
    ChowLiuTreeDensity,
    GaussianDensity,
    GaussianDiscriminant,
    HiddenChowLiuTreeDensity,
    MixtureDensity,
)
from skdgm.density._engine import blocks
from skdgm.density._engine.blas import MANY_COLUMNS, one_blas_thread
from skdgm.density._engine.blocks import run_in_threads

USERS = 3  # threads of BLAS that the user has set
BLAS = ThreadpoolController().select(user_api="blas")


def let_go():
    """Let other threads set the number, too, as threadpoolctl 3.8 asks for."""
    for library in BLAS.lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread()


def blas_threads():
    numbers = {library["num_threads"] for library in BLAS.info()}
    return numbers.pop() if len(numbers) == 1 else numbers


@pytest.fixture(autouse=True)
def users_setting():
    with BLAS.limit(limits=USERS):
        let_go()
        yield
        assert blas_threads() == USERS


@pytest.fixture
def note_threads(monkeypatch):
    """Make hooks of a class note the threads of BLAS while they run."""
    seen = []

    def set_up(owner, *names):
        for name in names:
            hook = getattr(owner, name)

            def noting(*arguments, hook=hook):
                seen.append(blas_threads())
                return hook(*arguments)

            monkeypatch.setattr(owner, name, noting)
        return seen

    return set_up


def table(n_rows=300, n_columns=8, missing=0.1):
    rng = np.random.default_rng(0)
    X = rng.integers(3, size=(n_rows, n_columns)).astype(float)
    X[rng.random(X.shape) < missing] = np.nan
    return X


@pytest.mark.parametrize(
    "density",
    [
        GaussianDensity(max_iter=2, tol=1e9),
        MixtureDensity(GaussianDensity(), 2, max_iter=2, tol=1e9, init="random", random_state=0),
        ChowLiuTreeDensity(max_iter=2, tol=1e9),
        HiddenChowLiuTreeDensity(2, max_iter=1, tol=1e9, random_state=0),
    ],
)
def test_blas_has_one_thread_where_columns_are_few(density, note_threads):
    seen = note_threads(type(density), "_log_prob", "_expect", "_estimate", "_sample")
    if isinstance(density, HiddenChowLiuTreeDensity):
        seen = note_threads(type(density), "_run_passes")
    X = table()
    density.fit(X)
    learning = set(seen)
    seen.clear()
    density.score_samples(X)
    density.sample(1000, random_state=0)
    assert learning == {1}
    assert set(seen) <= {1, USERS}


def test_blas_keeps_its_threads_where_columns_are_many(note_threads):
    seen = note_threads(GaussianDensity, "_log_prob", "_count", "_estimate")
    X = table(20, MANY_COLUMNS, 0)
    GaussianDensity().fit(X).score(X)
    assert set(seen) == {USERS}


def test_blas_keeps_its_threads_where_categories_are_many(note_threads):
    seen = note_threads(ChowLiuTreeDensity, "_count")
    X = table(30, 3, 0)
    ChowLiuTreeDensity(n_categories=2 + MANY_COLUMNS // 3).fit(X)
    assert set(seen) == {USERS}


@pytest.mark.parametrize(("n_columns", "threads"), [(MANY_COLUMNS - 1, 1), (MANY_COLUMNS, USERS)])
def test_results_and_threads_of_blas_are_the_same_with_any_n_jobs(
    note_threads, monkeypatch, n_columns, threads
):
    seen = note_threads(GaussianDensity, "_count", "_log_prob", "_sample")
    monkeypatch.setattr(blocks, "BLOCK_CELLS", 40 * n_columns)
    X = table(100, n_columns, 0)
    results = []
    for n_jobs in (1, 2):
        density = GaussianDensity(n_jobs=n_jobs).fit(X)
        results.append((density.score_samples(X), density.sample(100, random_state=0)))
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
    assert set(seen) == {threads}


def test_classifiers_learn_with_one_thread_of_blas(note_threads):
    seen = note_threads(GaussianDensity, "_expect", "_estimate_covariance")
    X = table()
    GaussianDiscriminant("tied").fit(X, np.arange(len(X)) % 2)
    assert set(seen) == {1}


def test_an_exception_restores_the_users_threads():
    def fail():
        assert blas_threads() == 1
        raise RuntimeError("on purpose")

    for n_jobs in (1, 2):
        with pytest.raises(RuntimeError, match="on purpose"), one_blas_thread():
            run_in_threads(fail, [(), ()], n_jobs)
        assert blas_threads() == USERS


def test_the_last_of_several_threads_restores_the_users_threads():
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first():
        with one_blas_thread():
            first_is_in.set()
            assert second_is_in.wait(10)
        first_is_out.set()

    def second():
        assert first_is_in.wait(10)
        with one_blas_thread():
            second_is_in.set()
            assert first_is_out.wait(10)
            assert blas_threads() == 1
        assert blas_threads() == USERS

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()


def test_many_threads_that_come_and_go_restore_the_users_threads():
    def come_and_go(_):
        for _ in range(50):
            with one_blas_thread(), one_blas_thread():
                assert blas_threads() == 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come_and_go, range(8)))


def test_a_setting_of_the_main_thread_stays():
    with BLAS.limit(limits=2):

        def use():
            with one_blas_thread():
                pass

        with ThreadPoolExecutor(1) as pool:
            pool.submit(use).result()
            with one_blas_thread():
                assert blas_threads() == 1
                pool.submit(use).result()
            assert blas_threads() == 2


def count_threads(n_jobs, n_outer, n_inner):
    """Most tasks that run at the same time, of tasks that run tasks in threads."""
    running, most, lock = 0, 0, threading.Lock()

    def inner():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with lock:
            running -= 1

    def outer():
        run_in_threads(inner, [()] * n_inner, n_jobs)

    run_in_threads(outer, [()] * n_outer, n_jobs)
    return most


@pytest.mark.parametrize(("n_jobs", "n_outer", "n_inner"), [(4, 2, 2), (4, 1, 4), (4, 4, 2)])
def test_nested_tasks_share_the_threads(n_jobs, n_outer, n_inner):
    assert count_threads(n_jobs, n_outer, n_inner) == n_jobs


def test_threads_follow_the_rules_of_joblib():
    assert count_threads(None, 1, 3) == 1
    with parallel_backend("threading", n_jobs=3):
        assert count_threads(None, 1, 3) == 3
    with pytest.raises(ValueError, match="n_jobs == 0"):
        run_in_threads(abs, [(1,), (2,)], 0)


def test_results_are_in_the_order_of_the_tasks():
    assert run_in_threads(divmod, [(7, 2), (9, 5), (8, 3)], 2) == [(3, 1), (1, 4), (2, 2)]
    assert run_in_threads(abs, [], 2) == []


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
def test_the_first_of_several_errors_is_raised(n_jobs):
    done = []

    def fail(place):
        threading.Event().wait(0.01 * (place == 1))
        done.append(place)
        if place:
            raise ValueError(f"task {place}")

    with pytest.raises(ValueError, match="task 1"):
        run_in_threads(fail, [(place,) for place in range(30)], n_jobs)
    assert len(done) <= 1 + n_jobs
