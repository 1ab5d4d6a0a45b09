"""Fitted estimators kept in files: the same in another process, and warned of in other versions."""

import copy
import inspect
import io
import json
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

import skdgm
from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    MixtureDensity,
    TableDensity,
)
from skdgm._packing import is_part, rebuilt_property
from skdgm._versions import LEARNED_BY, present_versions

from .estimators import public_estimators, smallest_instance
from .loading import answers

ROOT = Path(__file__).parent.parent
OTHER = {**present_versions(), "skdgm": "0.0.9", "scikit-learn": "0.1.2"}
NOW = skdgm.__version__
X = np.random.default_rng(0).integers(0, 2, (40, 4)).astype(float)
COINS = BernoulliIndependentDensity()


def by_skops(model):
    skops = pytest.importorskip("skops.io")
    return skops.loads(skops.dumps(model), trusted=skdgm.TRUSTED_TYPES)


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return joblib.load(file)


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


FORMATS = pytest.mark.parametrize("again", [by_pickle, by_joblib, by_skops])


@pytest.mark.filterwarnings("ignore")
def test_every_estimator_is_the_same_in_another_process(tmp_path):
    rows = np.where(np.random.default_rng(1).random(X.shape) < 0.2, np.nan, X)
    y = np.arange(40) % 2
    models = {}
    for cls in public_estimators():
        model = models[cls.__name__] = smallest_instance(cls)
        if "random_state" in model.get_params():
            model.set_params(random_state=0)
        model.fit(X, y)
    np.save(tmp_path / "X.npy", rows)
    np.save(tmp_path / "y.npy", y)
    (tmp_path / "models.pickle").write_bytes(pickle.dumps(models))
    joblib.dump(models, tmp_path / "models.joblib")
    formats = ["pickle", "joblib"]
    try:
        import skops.io
    except ImportError:
        pass
    else:
        formats.append("skops")
        skops.io.dump(models, tmp_path / "models.skops")
        types = skops.io.get_untrusted_types(file=tmp_path / "models.skops")
        assert set(types) == {f"{type(own).__module__}.{name}" for name, own in models.items()}
        assert set(types) <= set(skdgm.TRUSTED_TYPES)
    command = [sys.executable, "-m", "tests.loading", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=300)
    found = pickle.loads((tmp_path / "answers.pickle").read_bytes())
    assert len(found) == len(models) * len(formats)
    expected = {name: answers(own, rows, y) for name, own in models.items()}
    for (form, name), own in found.items():
        assert own.keys() == expected[name].keys()
        for query, answer in expected[name].items():
            assert_array_equal(own[query], answer, err_msg=f"{name}, {form}: {query}")


@FORMATS
def test_what_models_hold_comes_back(again):
    held = [1, [0.1, float("inf")]]
    held.append(held)
    shared = np.arange(6.0)
    values = {
        "numbers": (7**6000, -(2**70), True, None, 0.1, np.float32(0.1), np.datetime64(3, "D")),
        "others": ({1, "a"}, frozenset([2]), slice(1, None, 2), range(3, 9, 2), b"\xff", "\ud83d"),
        "dict": {(1, 2): "a", 3: {"b": ()}},
        "dtypes": (np.dtype("f4"), np.dtype(">i2"), np.dtype("M8[s]"), np.dtype("O")),
        "labels": np.array([["a", 1], [None, 2.5]], dtype=object),
    }
    arrays = [shared, shared.reshape(2, 3).T, np.empty((0, 2)), np.array(2), np.array(["x", "yz"])]
    arrays += [np.arange(1e4).reshape(100, 100).T, np.eye(2, dtype=np.float16), shared]
    model = GaussianDensity().fit(X)
    vars(model).update(values=values, arrays=arrays, held=held)
    loaded = again(model)
    for own, other in zip(loaded.values["numbers"], values["numbers"], strict=True):
        assert own == other
        assert type(own) is type(other)
    for name in ("others", "dict", "dtypes"):
        assert loaded.values[name] == values[name]
    assert loaded.values["labels"].tolist() == values["labels"].tolist()
    for own, other in zip(loaded.arrays, arrays, strict=True):
        assert_array_equal(own, other)
        assert (own.dtype, own.flags.f_contiguous) == (other.dtype, other.flags.f_contiguous)
    assert loaded.arrays[0] is loaded.arrays[-1]
    assert loaded.held[:2] == held[:2]
    assert loaded.held[2] is loaded.held


@FORMATS
def test_parts_of_a_model_stay_shared_and_learn_on(again):
    model = MixtureDensity(COINS, random_state=0, warm_start=True, max_iter=2, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = again(model.fit(X))
        for own, of_group in zip(loaded.densities_, loaded._group.densities, strict=True):
            assert own is of_group
        assert loaded.density is loaded._learned_with["density"]
        assert_array_equal(loaded.fit(X).lower_bounds_, model.fit(X).lower_bounds_)
        assert len(loaded.set_params(n_components=3).fit(X).densities_) == 3


def test_what_is_computed_again_is_set_by_nothing_else():
    assert skdgm.TRUSTED_TYPES  # which imports all modules
    modules = [own for name, own in sys.modules.items() if name.startswith("skdgm.")]
    classes = {cls for module in modules for cls in vars(module).values() if is_part(cls)}
    found = [
        (cls, name)
        for cls in classes
        for name, own in vars(cls).items()
        if isinstance(own, rebuilt_property)
    ]
    assert len(found) > 5
    for cls, name in found:
        assert not re.search(rf"\.{name}(: .*)? = ", inspect.getsource(cls)), (cls, name)


def test_covariances_whose_smallest_variances_were_raised_come_back():
    rows = np.random.default_rng(0).normal(size=(9, 3))
    rows[:, 1:] = rows[:, :1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GaussianDensity(reg_covar=0).fit(rows)
    assert model._covariance._is_lifted
    rows[::3, 1:] = np.nan
    for name in ("score_samples", "conditional_mean"):
        own, other = (getattr(each, name)(rows) for each in (model, by_pickle(model)))
        assert_array_equal(own, other)


class OfUser(BernoulliIndependentDensity):
    """A family of a user, which is no part of the library."""


def test_families_of_users_and_their_parts_come_back():
    for model in (OfUser(), MixtureDensity(OfUser(), random_state=0)):
        loaded = by_pickle(model.fit(X))
        assert_array_equal(loaded.score_samples(X), model.score_samples(X))
        assert type(loaded) is type(model)
    assert type(loaded.densities_[0]) is OfUser
    assert_array_equal(by_pickle(loaded.condition({0: 1})).sample(3, 0).shape, (3, 3))


# ---------------------------------------------------------------------- versions
def of_other_version(model):
    """A fitted model that another version has learned, as far as its file tells."""
    vars(model)[LEARNED_BY] = OTHER
    return model


@FORMATS
def test_another_version_is_told_once(again):
    model = MixtureDensity(TableDensity(ChowLiuTreeDensity()), random_state=0).fit(X)
    expected = model.score_samples(X)
    with pytest.warns(InconsistentVersionWarning) as caught:
        loaded = again(of_other_version(model))
    (message,) = {str(own.message) for own in caught}
    assert len(caught) == 1
    sklearn = present_versions()["scikit-learn"]
    assert message == (
        f"A MixtureDensity learned by skdgm 0.0.9 is loaded by skdgm {NOW} (and with scikit-learn "
        f"{sklearn} for 0.1.2), so it may fail or answer differently; fit it again, or load it "
        "with skdgm 0.0.9."
    )
    copied = pickle.loads(pickle.dumps(caught[0].message))
    assert str(copied) == message
    assert copied.original_sklearn_version == "0.1.2"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for twin in (copy.copy(loaded), copy.deepcopy(loaded)):
            assert_array_equal(twin.score_samples(X), expected)
        assert LEARNED_BY not in vars(clone(loaded))
    with pytest.warns(InconsistentVersionWarning, match="learned by skdgm 0.0.9"):
        again(loaded)  # stored again, it is still what the other version has learned
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        again(loaded.fit(X))


def test_the_versions_are_in_the_state():
    versions = COINS.__getstate__()["versions"]
    assert versions["skdgm"] == NOW
    assert versions["numpy"] == np.__version__
    assert sorted(versions) == ["numba", "numpy", "scikit-learn", "scipy", "skdgm"]


def changed(model, change):
    """Load a model of another version whose plain form is changed, a dict of forms and records."""
    state = of_other_version(copy.copy(model)).__getstate__()
    structure = json.loads(state["plain"]["structure"])
    for form in structure["forms"]:
        change(form)
    state["plain"]["structure"] = json.dumps(structure)
    loaded = object.__new__(type(model))
    loaded.__setstate__(state)
    return loaded


def renamed(old, new):
    def change(form):
        form[:] = [new if own == old else own for own in form]

    return change


HOME = type(COINS).__module__.removeprefix("skdgm")  # of the family
COUNTS = type(clone(COINS).fit(X)._statistics)
OWN_COUNTS = f"{COUNTS.__module__}:{COUNTS.__name__}".removeprefix("skdgm")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "alpha",
            "smoothing",
            "lacks 'alpha' of a BernoulliIndependentDensity, which skdgm",
        ),
        ("ones", "twos", "lacks 'ones' of a BernoulliStatistics, which skdgm .* needs"),
        (
            OWN_COUNTS,
            ".density._old:Counts",
            "holds a Counts",
        ),
        (OWN_COUNTS, "_other:Counts", "Counts, .* does not know"),
        (OWN_COUNTS, ".__main__:main", "a main, .* does not know"),
        (OWN_COUNTS, f"{HOME}:copy", "holds a copy"),
    ],
)
def test_what_a_version_cannot_know_is_refused(old, new, message):
    with pytest.raises(ValueError, match=message) as caught:
        changed(COINS.fit(X), renamed(old, new))
    assert str(caught.value).startswith("A BernoulliIndependentDensity learned by skdgm 0.0.9 ")
    assert str(caught.value).endswith("; fit it again, or load it with skdgm 0.0.9.")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_what_a_model_of_another_version_lacks_is_said():
    mixture = MixtureDensity(GaussianDensity(), random_state=0).fit(X)
    loaded = changed(mixture, renamed("_covariance", "_former"))
    message = rf"0\.0\.9 lacks what skdgm {NOW} needs \(.*_covariance.*\); fit it again, or load"
    for model in (loaded, loaded.densities_[0]):
        with pytest.raises(AttributeError, match=message):
            model.score_samples(X)
    lacking = changed(COINS.fit(X), renamed("_n_rows", "_former"))
    with pytest.raises(AttributeError, match=r"lacks what .*_n_rows"):
        lacking.partial_fit(X)
    assert np.isfinite(loaded.fit(X).score(X))


def test_other_states_are_refused():
    with pytest.raises(ValueError, match=r"no state of a GaussianDensity .*; fit it again"):
        GaussianDensity().__setstate__({"mean_": np.zeros(2)})
