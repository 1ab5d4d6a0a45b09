"""Set-up for all tests."""

import gc
import os

# The workers of pytest-xdist use all cores already, and small matrices gain nothing from threads.
# Must be set before NumPy is imported; processes that a test starts inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
from sklearn.model_selection import ParameterGrid, StratifiedKFold

from skdgm.comparison import _compare as compare
from skdgm.density.markov_chain import _counts as _chain_counts
from skdgm.density.table import _candidates, _stack

# Compilation makes first examples slow; continuous integration draws the same examples every time.
hypothesis.settings.register_profile("skdgm", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("skdgm")


def pytest_collection():
    """Collect no garbage while tests are collected, and never again look for it among them."""
    gc.disable()


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


def pytest_addoption(parser):
    """Options of ``test_fuzz.py``."""
    parser.addoption("--fuzz-minutes", type=float, default=0, help="minutes of fresh problems")
    parser.addoption("--fuzz-seed", type=int, help="the one problem to run")


@pytest.fixture
def interrupt_after(monkeypatch):
    """Make a comparison end as if by Ctrl-C after some models."""
    evaluate, calls = compare._evaluate, []

    def set_up(n_models):
        def interrupted(*arguments):
            calls.append(1)
            if len(calls) > n_models:
                raise KeyboardInterrupt
            return evaluate(*arguments)

        monkeypatch.setattr(compare, "_evaluate", interrupted)

    return set_up


@pytest.fixture
def small_grids(monkeypatch):
    """Let the searches of a comparison try one candidate, where the choice does not matter.

    It is the last of each grid, where models are the most complex, and tried on two inner folds.
    """
    make_searches = compare.make_searches

    def make_small(*arguments):
        searches = make_searches(*arguments)
        for search in searches.values():
            *_, last = ParameterGrid(search.param_grid)
            search.param_grid = {name: [value] for name, value in last.items()}
            search.cv = StratifiedKFold(2, shuffle=True, random_state=0) if search.cv else None
        return searches

    monkeypatch.setattr(compare, "make_searches", make_small)


@pytest.fixture(autouse=True, scope="module")
def small_families():
    """Let tables be learned on two folds, by families of every kind with few states.

    The examples of the documentation learn them as users do.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_stack, "n_folds_of", lambda n_rows: 2)
        patch.setattr(_candidates, "STATES", (2,))
        patch.setattr(_candidates, "MANY_STATES", 4)
        patch.setattr(_candidates, "MANY_COMPONENTS", 2)
        yield


@pytest.fixture(params=["dense", "sparse"])
def form(request, monkeypatch):
    """Run a test of a Markov chain on dense tables, and on sparse ones."""
    if request.param == "sparse":
        monkeypatch.setattr(_chain_counts, "DENSE_CELLS", 0)
    return request.param
