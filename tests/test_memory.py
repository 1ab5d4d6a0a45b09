"""Memory: what calls take, and that what cannot fit is refused in words."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone

from skdgm import (
    ChowLiuTreeDensity,
    ColumnDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    PCAProjection,
    _memory,
)

from .estimators import public_estimators, smallest_instance
from .rows import hide


def most_memory(function, *arguments):
    """Return the largest number of bytes that a call holds at once."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


INDEPENDENT = [
    MarkovChainImageDensity(0, n_categories=20_000),
    MarkovChainImageDensity(0, homogeneous=True, n_categories=20_000),
    MixtureDensity(
        MarkovChainImageDensity(0, n_categories=20_000), max_iter=2, tol=1.0, random_state=0
    ),
    GenerativeClassifier(MarkovChainImageDensity(0, n_categories=20_000)),
]


@pytest.mark.parametrize("estimator", INDEPENDENT, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_independent_columns_take_memory_for_their_categories_only(estimator, share):
    n_categories, n_columns = 20_000, 3
    X = np.random.default_rng(0).integers(0, n_categories, (100, n_columns)).astype(float)
    X[0] = n_categories - 1
    X, few = hide(X, share), hide(X[1:20], 0.3)
    X[0] = n_categories - 1
    y = np.arange(100) % 2
    fitted = clone(estimator).fit(X, y)
    calls = [(clone(estimator).fit, X, y), (fitted.score_samples, X), (fitted.score_samples, few)]
    if hasattr(fitted, "conditional_mean"):
        calls += [(getattr(fitted, f"conditional_{name}"), few) for name in ("mean", "sample")]
        calls += [(fitted.sample, 20)]
    for call in calls:
        assert most_memory(*call) < 40 * 8 * n_categories * n_columns, call


NORMALS = [
    GaussianDensity(),
    GaussianDensity("low_rank", n_factors=2),
    GaussianDensity("diag"),
    GaussianDiscriminant(),
    GaussianDiscriminant("tied"),
    GaussianDiscriminant("diag"),
]


@pytest.mark.parametrize("estimator", NORMALS, ids=lambda one: f"{one}")
def test_normals_make_no_copy_of_narrow_numbers_as_floats(estimator):
    """A copy of these as float64 is 8 times as large."""
    X = np.random.default_rng(0).integers(0, 256, (20_000, 100), dtype=np.uint8)
    y = np.arange(len(X)) % 2
    fitted = clone(estimator).fit(X[:1000], y[:1000])
    fitted.score_samples(X[:1000])  # which compiles
    results = 3 * 8 * len(X)  # a joint log-probability of each class, and of the row
    assert most_memory(clone(estimator).fit, X, y) < 2 * X.nbytes
    assert most_memory(fitted.score_samples, X) < results + 1.5 * X.nbytes


# ---------------------------------------------------------------------- what does not fit
@pytest.fixture
def little_memory(monkeypatch):
    """A machine with 64 KiB."""
    monkeypatch.setattr(_memory, "LEAST_CHECKED", 0)
    monkeypatch.setattr(_memory, "available_memory", lambda: 2**16)


def wide(n_columns, n_rows=6):
    return np.random.default_rng(0).integers(0, 2, (n_rows, n_columns)).astype(float)


FITS = [
    (ChowLiuTreeDensity(n_categories=[2, 3000, 2]), wide(3), "3004 in all, of which column 1 has"),
    (HiddenChowLiuTreeDensity(2000, n_categories=2), wide(3), "n_states=2000 over 3 columns"),
    (GaussianDensity(), wide(100), "covariance matrix of 100 columns"),
    (MarkovChainImageDensity(40), wide(500, 30), "order=40 over 500 columns"),
    (PCAProjection(2), wide(100), "partial_fit of 100 columns"),
]


@pytest.mark.parametrize(
    ("estimator", "X", "message"), FITS, ids=[type(own).__name__ for own, *_ in FITS]
)
@pytest.mark.usefixtures("little_memory")
def test_fits_that_take_too_much_are_refused(estimator, X, message):
    fit = "partial_fit" if isinstance(estimator, PCAProjection) else "fit"
    for kind in (ValueError, MemoryError):
        with pytest.raises(kind, match=rf"{message}.* GiB .*available; ") as caught:
            getattr(clone(estimator), fit)(X)
    assert caught.type.__name__.startswith("TooLarge")


def test_a_column_in_a_block_is_named_by_its_place_in_the_table(little_memory):
    blocks = [("one", GaussianDensity("diag"), [0]), ("tree", ChowLiuTreeDensity(3000), [1, 2])]
    with pytest.raises(ValueError, match=r"In block 'tree': A tree .* X has 6000 .* column 1 has"):
        ColumnDensity(blocks).fit(wide(3))


@pytest.mark.parametrize("estimator", public_estimators())
def test_more_draws_than_fit_are_refused(estimator):
    """On any machine: these are 10**15."""
    X, y = wide(3, 20), np.arange(20) % 2
    fitted = smallest_instance(estimator).fit(X, y)
    for name, arguments in (("sample", ()), ("sample_y", (X,)), ("tail_probability", (X,))):
        if hasattr(fitted, name):
            call = partial(getattr(fitted, name), *arguments, n_samples=10**15)
            with pytest.raises(MemoryError, match=r"n_samples=10{15} .*GiB.*; draw fewer at once"):
                call()


def test_allocations_that_fail_are_told_in_words(monkeypatch):
    def fail(*_):
        raise MemoryError("Unable to allocate 32.0 GiB")

    X = wide(3, 20)
    density = GaussianDensity().fit(X)
    monkeypatch.setattr(GaussianDensity, "_log_prob", fail)
    message = r"needs more memory than there is \(Unable to allocate 32\.0 GiB\); pass fewer rows"
    with pytest.raises(ValueError, match=message):
        density.score_samples(X)
    monkeypatch.setattr(GaussianDensity, "_estimate", fail)
    with pytest.raises(ValueError, match=f"GaussianDensity {message}"):
        GaussianDensity().fit(X)


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(_memory, "CGROUP", tmp_path)
    assert _memory._of_cgroup() is None
    files = {"memory.max": "1000\n", "memory.current": "700\n"}
    files["memory.stat"] = "anon 500\ninactive_file 100\n"
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert _memory._of_cgroup() == 400
    assert _memory.available_memory() <= 400
    (tmp_path / "memory.max").write_text("max\n")
    assert _memory._of_cgroup() is None


def test_nothing_is_refused_where_the_limit_is_unknown(monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: None)
    _memory.check_memory(10**30, "This", "do not")
    monkeypatch.setattr(_memory, "available_memory", lambda: 10**9)
    _memory.check_memory(10**9, "This", "do not")
    with pytest.raises(_memory.TooLargeError):
        _memory.check_memory(10**9 + 1, "This", "do not")


def test_long_windows_take_memory_for_their_keys_only():
    X = np.random.default_rng(0).integers(0, 2, (1000, 300), dtype=np.uint8)
    most = most_memory(MarkovChainImageDensity(100).fit, X)
    assert most < 70 * X.size  # two keys of 16 bytes, weights, and places
