"""Fits and queries on Dask arrays and frames, in threads of this process."""

import dask
import numpy as np
import pandas as pd
import pytest
from dask import array as da
from dask import dataframe as dd
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import skdgm.dask
from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    DensityOutlierDetector,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
    TableDensity,
)
from skdgm.dask._rows import Passes
from skdgm.density._engine import distant_rows

from .estimators import CASES, FAMILY_CASES, cases, few_steps

CHUNKS = (0, 23, 1, 36), -1  # a block without rows among them
ADDITIVE = [case for case in CASES if case.density._is_additive]
OTHERS = [case for case in CASES if not case.density._is_additive]
WEIGHT = np.random.default_rng(5).integers(0, 4, 60) / 2.0
NORMAL = GaussianDensity(max_iter=20)


def in_blocks(X):
    return da.from_array(X, chunks=(30, -1)).rechunk(CHUNKS)


def rows_and_labels(case, share=0.0):
    X = case.incomplete_data(share=share)
    return X, np.array(["b", "a", "c"])[np.arange(len(X)) % 3]


@pytest.fixture
def n_passes(monkeypatch):
    """Count the passes over the rows."""
    passes, answer = [], Passes._answer

    def counted(self, questions):
        passes.append(len(questions))
        return answer(self, questions)

    monkeypatch.setattr(Passes, "_answer", counted)
    return passes


@cases(ADDITIVE)
@pytest.mark.filterwarnings("ignore:Expectation-maximisation did not converge")
def test_a_fit_to_blocks_equals_one_in_memory(case):
    for X, weight in ((case.data(), None), (case.incomplete_data(), WEIGHT)):
        expected = few_steps(case.density).fit(X, sample_weight=weight)
        density = few_steps(case.density)
        skdgm.dask.fit(density, in_blocks(X), sample_weight=weight)
        scores = expected.score_samples(X)
        assert_allclose(density.score_samples(X), scores, rtol=1e-9, atol=1e-9)
        assert density.n_parameters_ == expected.n_parameters_
        if not isinstance(density, MixtureDensity):
            density.partial_fit(X)  # as its statistics are there


@cases(OTHERS)
def test_what_learns_from_all_rows_at_once_is_refused(case):
    with pytest.raises(TypeError, match="estimator must learn from sums over rows"):
        skdgm.dask.fit(clone(case.density), in_blocks(case.data()))


@cases([case for case in FAMILY_CASES if case in ADDITIVE])
@pytest.mark.filterwarnings("ignore:Expectation-maximisation did not converge")
def test_a_classifier_fitted_to_blocks_equals_one_in_memory(case):
    X, y = rows_and_labels(case, 0.2)
    model = GenerativeClassifier(few_steps(case.density))
    expected = clone(model).fit(X, y, sample_weight=WEIGHT)
    blocks = in_blocks(X)
    skdgm.dask.fit(model, blocks, da.from_array(y, chunks=7), sample_weight=WEIGHT)
    assert_array_equal(model.classes_, expected.classes_)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-9, atol=1e-9)
    assert_array_equal(skdgm.dask.predict(model, blocks), expected.predict(X))
    assert_allclose(skdgm.dask.predict_proba(model, blocks), model.predict_proba(X))


@pytest.mark.parametrize("shrinkage", [None, "auto"])
@pytest.mark.parametrize("covariance_type", ["full", "tied"])
@pytest.mark.filterwarnings("ignore:Expectation-maximisation did not converge")
def test_a_discriminant_fitted_to_blocks_equals_one_in_memory(covariance_type, shrinkage):
    (case,) = (case for case in CASES if case.name == "gaussian")
    X, y = rows_and_labels(case, 0.2)
    y = np.where(np.arange(60) % 5 == 0, "a", y)
    options = {"shrinkage": shrinkage, "class_weight": "balanced", "max_iter": 20}
    model = GaussianDiscriminant(covariance_type, **options)
    expected = clone(model).fit(X, y)
    skdgm.dask.fit(model, in_blocks(X), y)
    assert_allclose(model.means_, expected.means_, rtol=1e-9)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Expectation-maximisation did not converge")
def test_the_densities_of_all_classes_learn_in_the_same_passes(n_passes):
    X, y = rows_and_labels(ADDITIVE[0], 0.2)
    model = GenerativeClassifier(ChowLiuTreeDensity(max_iter=4, tol=0.0))
    skdgm.dask.fit(model, in_blocks(X), y)
    steps = max(density.n_iter_ for density in model.densities_)
    assert n_passes[: steps + 1] == [3] * (steps + 1)  # one more to start from
    n_passes.clear()
    skdgm.dask.fit(GenerativeClassifier(BernoulliIndependentDensity()), in_blocks(X), y)
    assert n_passes == [3]


@pytest.mark.parametrize("fits_in_memory", [True, False])
def test_blocks_are_made_anew_in_each_pass_unless_they_fit(fits_in_memory, monkeypatch):
    made = []

    def make(block_id):
        made.append(block_id)
        return np.random.default_rng(block_id[0]).random((20, 2)) ** 2

    if not fits_in_memory:
        monkeypatch.setattr("skdgm.dask._scheduler.available_memory", lambda: 1.0)
    X = da.map_blocks(make, chunks=((20, 20, 20), (2,)), dtype=float, meta=np.empty((0, 2)))
    made.clear()
    mixture = MixtureDensity(GaussianDensity(), 2, random_state=0, max_iter=5, tol=0.0)
    with pytest.warns(UserWarning, match="did not converge"):
        skdgm.dask.fit(mixture, X)
    passes = {True: 2, False: 6}[fits_in_memory]  # start and steps; those kept count as one
    assert made.count((1, 0)) == 1 + passes  # one more to survey


def test_a_mixture_starts_from_rows_at_even_distances_here_as_in_memory(monkeypatch):
    monkeypatch.setattr(distant_rows, "STARTING_CELLS", 3 * 25)
    (case,) = (case for case in CASES if case.name == "mixture-gaussian")
    X = case.data()
    all_rows = clone(case.density).fit(np.repeat(X, 2, axis=0))
    expected = clone(case.density).fit(X, sample_weight=WEIGHT)
    density = skdgm.dask.fit(clone(case.density), in_blocks(X), sample_weight=WEIGHT)
    assert_allclose(density.score_samples(X), expected.score_samples(X), rtol=1e-9)
    assert np.isfinite(all_rows.score(X))


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"length": rng.normal(size=80), "legs": rng.integers(0, 3, 80)})
    X["length"] += 3 * X["legs"]
    X.loc[::9, "length"] = np.nan
    return X.set_index(pd.RangeIndex(100, 180)), pd.Series(np.where(X["legs"] > 1, "fly", "bee"))


def test_frames(frame):
    X, y = frame
    density = ColumnDensity([("size", NORMAL, ["length"]), ("kind", ChowLiuTreeDensity(), [1])])
    expected = GenerativeClassifier(density).fit(X, y)
    table = dd.from_pandas(X, npartitions=3)
    for labels in (y, dd.from_pandas(y, npartitions=3), da.from_array(y.to_numpy(), chunks=27)):
        model = skdgm.dask.fit(GenerativeClassifier(density), table, labels)
        assert_array_equal(model.feature_names_in_, ["length", "legs"])
        assert_array_equal(model.classes_, ["bee", "fly"])
        scores = skdgm.dask.score_samples(model, table).compute()
        assert_allclose(scores, expected.score_samples(X), rtol=1e-9)
        assert scores.index.equals(X.index)
    assert_array_equal(skdgm.dask.predict(model, table).compute(), expected.predict(X))
    assert skdgm.dask.predict_proba(model, table).compute().shape == (80, 2)


def test_completions_of_frames_are_frames(frame):
    X, _ = frame
    table = dd.from_pandas(X, npartitions=3)
    for density in (GaussianDensity(), TableDensity(ChowLiuTreeDensity(), random_state=0)):
        density.fit(X)
        for name in ("conditional_mean", "conditional_mode"):
            completed = getattr(skdgm.dask, name)(density, table)
            expected = pd.DataFrame(getattr(density, name)(X)).to_numpy()
            assert_allclose(completed.compute().to_numpy(), expected)
            assert completed.compute().index.equals(X.index)
            assert list(completed.dtypes) == list(completed.compute().dtypes)


@pytest.fixture(scope="module")
def mixed():
    """A table of text, categories, dates, booleans and numbers, its density, and holes in it."""
    rng = np.random.default_rng(0)
    big = rng.random(90) > 0.5
    X = pd.DataFrame(
        {
            "size": rng.normal(size=90) + 4 * big,
            "kind": np.where(big, "oak", "elm"),
            "form": pd.Categorical(np.where(big, "tree", "bush")),
            "day": pd.date_range("2020", periods=90, unit="us"),
            "tall": pd.array(rng.random(90) > 0.4, dtype="boolean"),
        }
    )
    density = TableDensity(ChowLiuTreeDensity(), random_state=0).fit(X)
    holes = X.mask(rng.random(X.shape) < 0.3).assign(kind=X["kind"].mask(rng.random(90) < 0.3))
    return density, holes.astype({"tall": "boolean"}).set_index(np.arange(7, 97))


QUESTIONS = {
    "conditional_mean": (),
    "conditional_mode": (),
    "conditional_std": (),
    "conditional_quantile": (0.3,),
    "conditional_interval": (0.8,),
    "predict_column": ("kind",),
    "conditional_proba": ("form",),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_tables_of_any_kind_are_answered_as_in_memory(mixed, question):
    density, X = mixed
    blocks = dd.from_pandas(X, npartitions=4, sort=False)
    apart = blocks.assign(form=blocks["form"].astype(str).where(blocks["form"].notnull(), None))
    apart = apart.assign(form=apart["form"].astype("category"))  # of each block on its own
    assert not apart["form"].cat.known
    ask, arguments = getattr(skdgm.dask, question), QUESTIONS[question]
    expected = getattr(density, question)(X, *arguments)
    # Some rows of none, too.
    for table in (blocks, apart, dd.concat([blocks[blocks["size"] > 99], blocks])):
        answers = ask(density, table, *arguments)
        pairs = [(answers, expected)]
        if isinstance(expected, tuple):
            pairs = list(zip(answers, expected, strict=True))
        for answer, own in pairs:
            found = answer.compute()
            if isinstance(own, pd.DataFrame):
                assert list(answer.dtypes) == list(found.dtypes) or table is apart
                assert found.index.equals(X.index)
                found, own = (
                    frame.astype({"form": object, "kind": object}).where(frame.notna(), np.nan)
                    for frame in (found, own)
                )
                pd.testing.assert_frame_equal(found, own, check_dtype=False)
            elif own.dtype.kind == "f":
                assert_allclose(found, own)
            else:
                assert_array_equal(found, own)


def test_columns_of_objects_are_answered():
    rng = np.random.default_rng(0)
    X = np.array([["a", 1.5], ["b", 7.5], ["a", None], [None, 7.0]] * 5, dtype=object)
    X[:, 1] = [cell if cell is None else cell + rng.random() for cell in X[:, 1]]
    density = TableDensity(ChowLiuTreeDensity(), random_state=0).fit(X)
    blocks = da.from_array(X, chunks=(8, 1))
    assert_array_equal(skdgm.dask.conditional_mode(density, blocks), density.conditional_mode(X))
    assert_array_equal(skdgm.dask.predict_column(density, blocks, 0), density.predict_column(X, 0))


def test_a_classifier_completes_frames(frame):
    X, y = frame
    model = GenerativeClassifier(NORMAL).fit(X, y)
    completed = skdgm.dask.conditional_mean(model, dd.from_pandas(X, npartitions=3)).compute()
    assert_allclose(completed, model.conditional_mean(X))
    assert list(completed) == list(X)


def test_outliers_are_predicted(frame):
    X, _ = frame
    model = DensityOutlierDetector(NORMAL, contamination=0.2).fit(X)
    found = skdgm.dask.predict(model, dd.from_pandas(X, npartitions=3)).compute()
    assert_array_equal(found, model.predict(X))


def test_questions_without_an_answer_are_refused(frame, mixed):
    X, _ = frame
    table, numbers = dd.from_pandas(X, npartitions=2), GaussianDensity().fit(X)
    density, outputs = mixed[0], ConditionalDensity(NORMAL).fit(X[["legs"]], X["length"].fillna(0))
    for error, match, ask, *arguments in [
        (TypeError, "must be a classifier of one column of labels", "predict", outputs, table),
        (TypeError, "must have predict_proba, but Gauss", "predict_proba", numbers, table),
        (ValueError, "q must be one number", "conditional_quantile", numbers, table, [0.5]),
        (ValueError, "coverage must be a number", "conditional_interval", numbers, table, 2),
        (ValueError, "No column is named 'age'", "predict_column", numbers, table, "age"),
        (ValueError, "cannot be listed", "conditional_proba", numbers, table, "legs"),
        (ValueError, "feature names", "conditional_mean", density, table),
        (TypeError, "X must be a Dask array or frame", "conditional_mode", numbers, X),
    ]:
        with pytest.raises(error, match=match):  # before anything is computed
            getattr(skdgm.dask, ask)(*arguments)


def test_completions_of_arrays():
    X = ADDITIVE[0].incomplete_data()
    density, blocks = ADDITIVE[0].fitted, in_blocks(X)
    assert_allclose(skdgm.dask.conditional_mean(density, blocks), density.conditional_mean(X))
    assert_array_equal(skdgm.dask.conditional_mode(density, blocks), density.conditional_mode(X))
    first, again, other = (
        skdgm.dask.conditional_sample(density, blocks, random_state=seed).compute()
        for seed in (0, 0, 1)
    )
    assert_array_equal(first, again)
    assert (first != other).any()
    assert_array_equal(first[~np.isnan(X)], X[~np.isnan(X)])


def test_bad_input_is_refused_in_a_sentence_and_changes_nothing(frame):
    X, y = frame
    table = dd.from_pandas(X, npartitions=2)
    numbers = in_blocks(np.random.default_rng(0).normal(size=(60, 2)))
    density = GaussianDensity().fit(X)
    state = density.__dict__.copy()
    model, minus = GenerativeClassifier(NORMAL), -np.ones(80)
    labels = dd.from_pandas(y, npartitions=1)
    for error, match, estimator, *arguments in [
        (TypeError, "X must be a Dask array or frame", density, X),
        (TypeError, "DensityImputer.* does not; pass a density, or a cl", DensityImputer(), table),
        (ValueError, "sample_weight must have as many rows as X, 60", density, numbers, None, y),
        (ValueError, "sample_weight must have one dimension", density, numbers, None, 2.0),
        (ValueError, "y must have one dimension", model, numbers, numbers[:, :1]),
        (
            ValueError,
            "In block . of X.*Negative values in sample_wei",
            density,
            table,
            None,
            minus,
        ),
        (ValueError, "sample_weight is zero for every row", density, table, None, 0 * y.index),
        (ValueError, "X contains infinity", density, numbers + np.inf),
        (ValueError, "no observed value in column 0", density, numbers * np.nan),
        (
            ValueError,
            "y has 1 blocks and X 2",
            model,
            table,
            labels,
        ),
        (ValueError, "requires y to be passed", model, table),
        (ValueError, "init holds values for rows", MixtureDensity(density, init=[0] * 60), numbers),
        (
            ValueError,
            "no observed value in column 0 .*in the rows of class 'fly'",
            GenerativeClassifier(ChowLiuTreeDensity()),
            dd.from_pandas(X.assign(length=X["legs"].where(X["legs"] < 2)), 2),
            y,
        ),
    ]:
        with pytest.raises(error, match=match):
            skdgm.dask.fit(estimator, *arguments)
    assert density.__dict__ == state
    with pytest.raises(TypeError, match="estimator must have predict, but GaussianDensity"):
        skdgm.dask.predict(density, table)


def test_a_class_without_values_in_a_column_borrows_those_of_all_rows(frame):
    X, y = frame
    X = X.assign(length=X["length"].where(X["legs"] < 2))
    model = GenerativeClassifier(NORMAL)
    with pytest.warns(UserWarning, match="no observed value in column 0 .*'fly'"):
        skdgm.dask.fit(model, dd.from_pandas(X, npartitions=3), y)
    with pytest.warns(UserWarning, match="no observed value in column 0 .*'fly'"):
        expected = clone(model).fit(X, y)
    assert_allclose(model.predict_proba(X), expected.predict_proba(X), rtol=1e-9, atol=1e-9)


def test_grey_levels_in_some_blocks_only_are_refused():
    grey = np.random.default_rng(0).uniform(0.2, 0.8, size=(60, 3))
    with pytest.warns(UserWarning, match="read as grey levels"):
        density = skdgm.dask.fit(MarkovChainImageDensity(), in_blocks(grey))
    with pytest.warns(UserWarning, match="read as grey levels"):
        expected = MarkovChainImageDensity().fit(grey)
    assert_allclose(density.score_samples(grey), expected.score_samples(grey))
    grey[:24] = 1.0
    with pytest.raises(ValueError, match="read as grey levels, and other values in others"):
        skdgm.dask.fit(MarkovChainImageDensity(), in_blocks(grey))


def test_unknown_categories_are_missing_in_all_blocks():
    X = np.array([[0.0, 1.0], [1.0, 5.0], [1.0, 0.0], [0.0, 5.0]])
    density = ChowLiuTreeDensity(2, handle_unknown="missing")
    expected = clone(density).fit(X)
    blocks = da.from_array(X, chunks=(1, 2))  # in some, the second column has no known value
    assert_allclose(skdgm.dask.fit(density, blocks).score_samples(X), expected.score_samples(X))
    with pytest.raises(ValueError, match="no observed value in column 1"):
        skdgm.dask.fit(density, blocks + np.array([0, 2]))


def test_an_error_in_one_class_ends_the_others():
    X, y = rows_and_labels(ADDITIVE[0])

    class Failing(BernoulliIndependentDensity):
        def _count(self, codes, weight):
            raise ZeroDivisionError("on purpose")

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        skdgm.dask.fit(GenerativeClassifier(Failing()), in_blocks(X), y)


def test_the_scheduler_of_the_user_is_taken():
    X = ADDITIVE[0].data()
    calls = []

    def scheduler(*arguments, **options):
        calls.append(1)
        return dask.get(*arguments, **options)

    with dask.config.set(scheduler=scheduler):
        skdgm.dask.fit(BernoulliIndependentDensity(), in_blocks(X))
    assert len(calls) == 4  # first rows, of which the first block has none; survey; count
