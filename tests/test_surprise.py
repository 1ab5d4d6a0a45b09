"""Surprise: why a row is unusual, by the probability of each cell given the others."""

import pickle
from datetime import datetime

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    CategoricalIndependentDensity,
    ChowLiuTreeDensity,
    DensityOutlierDetector,
    FullCategoricalDensity,
    GaussianDensity,
    NormalScoreTransformer,
    SurpriseDisplay,
    TableDensity,
    TransformedDensity,
)

from .estimators import CASES, DISCRETE_CASES, FAMILY_CASES, cases
from .rows import agreement, hide

matplotlib.use("Agg")


def without(X, column):
    others = np.array(X, dtype=float)
    others[:, column] = np.nan
    return others


# ---------------------------------------------------------------------- exactness
@cases(CASES)
def test_cells_are_differences_of_scores_and_missing_ones_have_none(case):
    X = hide(case.data(8, seed=1), 0.3)
    surprise = case.fitted.surprise(X, 10, random_state=0)
    log_prob = case.fitted.score_samples(X)
    for column in range(case.n_columns):
        rest = case.fitted.score_samples(without(X, column))
        with np.errstate(invalid="ignore"):  # -inf - -inf, where the rest is ruled out
            expected = np.where(log_prob == -np.inf, np.inf, rest - log_prob)
        expected[np.isnan(X[:, column])] = np.nan
        assert_allclose(surprise.cells[column], expected, rtol=1e-9, atol=1e-9)
    assert_allclose(surprise.rows["log_prob"], log_prob)
    tails = case.fitted.tail_probability(X, 10, random_state=0)
    assert_array_equal(surprise.rows["tail_probability"], tails)
    of_cells = surprise.cell_tails.to_numpy()
    assert_array_equal(np.isnan(of_cells), np.isnan(X))
    assert_array_equal(of_cells == 0, surprise.cells == np.inf)
    assert np.nanmax(of_cells) <= 1


@cases(DISCRETE_CASES)
def test_tails_of_categories_agree_with_enumeration(case):
    X = hide(case.data(6, seed=2), 0.3)
    tails = case.fitted.surprise(X, 5, random_state=0).cell_tails.to_numpy()
    for column in range(case.n_columns):
        joint = agreement(case.states, without(X, column)) * case.probability
        value_of = case.states[:, column, np.newaxis] == np.arange(case.n_categories)
        p = joint @ value_of
        for row in np.flatnonzero(~np.isnan(X[:, column]) & (p.sum(axis=1) > 0)):
            own = p[row, int(X[row, column])]
            expected = p[row, p[row] <= own * (1 + 1e-6)].sum() / p[row].sum()
            assert_allclose(tails[row, column], expected, atol=1e-9)


def test_the_chain_rule_adds_up_surprises_to_the_score():
    X = hide(np.random.default_rng(0).normal(size=(200, 4)) @ np.diag([1, 10, 5, 2]), 0.2)
    density = GaussianDensity().fit(X)
    total, known = np.zeros(len(X)), np.full(X.shape, np.nan)
    for column in range(4):
        known[:, column] = X[:, column]
        total -= density.surprise(known, 1).cells[column].fillna(0)
    assert_allclose(total, density.score_samples(X), atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_tails_of_draws_are_uniform_for_numbers(share):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3)) @ rng.normal(size=(3, 3))
    density = GaussianDensity().fit(X)
    drawn = hide(density.sample(1500, random_state=1), share)
    tails = density.surprise(drawn, 20_000, random_state=2).cell_tails.to_numpy()
    alone = np.isnan(drawn).sum(axis=1) == 2
    for rows in (np.isnan(drawn).sum(axis=1) == 0, alone):
        for own in tails[rows].T:
            own = own[~np.isnan(own)]
            assert len(own) < 20 or stats.kstest(own, "uniform").pvalue > 1e-3


def test_cells_far_out_stay_in_order():
    density = GaussianDensity().fit(np.random.default_rng(0).normal(size=(100, 3)))
    X = np.zeros((4, 3))
    X[:, 0], X[:, 1] = [10.0, 1e4, 1e8, 1e150], 0.5
    surprise = density.surprise(X, 50, random_state=0)
    assert np.isfinite(surprise.cells).all(axis=None)
    assert (np.diff(surprise.cell_tails[0]) < 0).all()
    assert (surprise.cell_tails > 0).all(axis=None)


# ---------------------------------------------------------------------- invariances
@cases(FAMILY_CASES)
def test_a_seed_gives_the_same_with_any_number_of_threads_and_rows_in_any_order(case):
    X = hide(case.data(6, seed=3), 0.2)
    first = case.fitted.surprise(X, 20, random_state=0)
    again = pickle.loads(pickle.dumps(case.fitted)).set_params(n_jobs=2)
    second = again.surprise(X[::-1].copy(), 20, random_state=0)
    for name in ("rows", "cells", "cell_tails"):
        there, back = getattr(first, name), getattr(second, name)[::-1]
        assert_allclose(back.to_numpy(), there.to_numpy(), rtol=1e-9)


def test_permuting_columns_permutes_cells():
    X = hide(np.random.default_rng(0).integers(0, 3, (80, 4)), 0.1)
    X[:60, 2] = X[:60, 0]
    order = [2, 0, 3, 1]
    first = ChowLiuTreeDensity().fit(X).surprise(X, 5, 0)
    second = ChowLiuTreeDensity().fit(X[:, order]).surprise(X[:, order], 5, 0)
    assert_allclose(second.cells, first.cells[order])
    assert_allclose(second.cell_tails, first.cell_tails[order])


@pytest.mark.parametrize(
    "density", [GaussianDensity(), TransformedDensity(NormalScoreTransformer(), GaussianDensity())]
)
def test_units_shift_surprise_and_leave_tails(density):
    X = np.random.default_rng(0).normal(size=(60, 2)) @ [[1.0, 2.0], [0.0, 1.0]]
    first = density.fit(X).surprise(X, 100, random_state=0)
    second = density.fit(X * [1000, 1]).surprise(X * [1000, 1], 100, random_state=0)
    assert_allclose(second.cells[0], first.cells[0] + np.log(1000), rtol=1e-6)
    assert_allclose(second.cells[1], first.cells[1], rtol=1e-6)
    assert_allclose(second.cell_tails, first.cell_tails, rtol=1e-6)


# ---------------------------------------------------------------------- suspects
def people(n=300):
    rng = np.random.default_rng(0)
    kind = rng.choice(["adult", "child"], n)
    height = np.where(kind == "adult", rng.normal(170, 8, n), rng.normal(110, 8, n)).round(1)
    weight = np.round(0.6 * height - 35 + rng.normal(0, 2, n), 1)
    born = pd.Timestamp("2000-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    frame = pd.DataFrame({"kind": kind, "height": height, "weight": weight, "born": born})
    return frame.set_axis([f"p{row}" for row in range(n)])


@pytest.fixture(scope="module")
def spoiled():
    frame = people()
    frame.loc["p7", "weight"] *= 10
    frame.loc["p9", "kind"] = {"adult": "child", "child": "adult"}[frame.loc["p9", "kind"]]
    frame.loc["p3", "height"] = np.nan
    return frame


def test_spoiled_cells_are_suspects_and_their_values_are_expected(spoiled):
    truth = people()
    density = TableDensity(BaggingDensity(ChowLiuTreeDensity(), 4, random_state=0)).fit(spoiled)
    surprise = density.surprise(spoiled, 500, random_state=0, out_of_bag=True)
    assert_array_equal(surprise.cells.index, spoiled.index)
    assert_array_equal(surprise.cell_tails.columns, spoiled.columns)
    assert np.isnan(surprise.cells.loc["p3", "height"])
    suspects = surprise.suspects(600).set_index(["row", "column"])
    assert suspects.index[0] == ("p7", "weight")
    assert suspects["tail_probability"].is_monotonic_increasing
    wrong = suspects.loc[("p7", "weight")]
    assert wrong["value"] == spoiled.loc["p7", "weight"]
    assert abs(wrong["expected"] - truth.loc["p7", "weight"]) < 15
    wrong = suspects.loc[("p9", "kind")]
    assert (wrong["value"], wrong["expected"]) == tuple(
        f.loc["p9", "kind"] for f in (spoiled, truth)
    )
    assert suspects.index.get_loc(("p9", "kind")) < 60
    assert isinstance(suspects.xs("born", level="column")["expected"].iloc[0], datetime)
    text = repr(surprise)
    assert text.startswith("Surprise of 300 rows and 4 columns. The least usual cells:")
    assert len(text.splitlines()) == 7
    copy = pickle.loads(pickle.dumps(surprise))
    pd.testing.assert_frame_equal(copy.suspects(3), surprise.suspects(3))


def test_members_that_have_not_seen_a_row_judge_it_out_of_bag(spoiled):
    X = spoiled[["height", "weight"]].to_numpy()
    bag = BaggingDensity(GaussianDensity(), 3, random_state=0).fit(X)
    surprise = bag.surprise(X, 10, random_state=0, out_of_bag=True)
    alone = ~np.isnan(bag.out_of_bag_log_prob_)  # of rows without an equal one
    assert_allclose(surprise.rows["log_prob"][alone], bag.out_of_bag_log_prob_[alone])
    stack = TableDensity(random_state=0).fit(spoiled[:60])
    judged = stack.surprise(spoiled[:60], 5, random_state=0, out_of_bag=True)
    with pytest.warns(UserWarning, match="set out_of_bag=True"):
        known = stack.surprise(spoiled[:60], 5, random_state=0)
    assert judged.rows["log_prob"].mean() < known.rows["log_prob"].mean()
    with pytest.raises(ValueError, match="needs the rows that the density has learned from"):
        bag.surprise(X[::-1], out_of_bag=True)
    with pytest.raises(ValueError, match="this GaussianDensity has none; fit TableDensity"):
        GaussianDensity().fit(X).surprise(X, out_of_bag=True)


def test_cells_that_are_ruled_out_are_infinite_and_come_first():
    X = np.array([[0, 0, 0], [1, 1, 0]] * 20)
    surprise = (
        FullCategoricalDensity(alpha=0, n_categories=2)
        .fit(X)
        .surprise([[0, 0, 0], [1, 1, 1], [0, 1, np.nan]], random_state=0)
    )
    assert_array_equal(surprise.cells, [[0, 0, 0], [np.inf] * 3, [np.inf, np.inf, np.nan]])
    assert_array_equal(surprise.cell_tails.iloc[1], [0, 0, 0])
    suspects = surprise.suspects(5)
    # The first three are ruled out by a possible rest, which lets expect another value.
    assert_array_equal(suspects["row"], [1, 2, 2, 1, 1])
    assert suspects["expected"][:3].tolist() == [0, 1, 0]
    assert suspects["expected"][3:].isna().all()
    assert_array_equal(suspects["column"], [2, 0, 1, 0, 1])


def test_identifiers_and_unseen_categories_surprise_by_what_the_model_knows():
    frame = people(60).assign(id=[f"no. {row}" for row in range(60)])
    told = {"id": "identifier"}
    density = TableDensity(
        CategoricalIndependentDensity(), columns=told, handle_unknown="missing"
    ).fit(frame)
    frame.loc["p1", "kind"] = "cat"
    surprise = density.surprise(frame, 5, random_state=0)
    assert_array_equal(surprise.cells["id"], 0)
    assert_array_equal(surprise.cell_tails["id"], 1)
    assert np.isnan(surprise.cells.loc["p1", "kind"])  # counts as missing


# ---------------------------------------------------------------------- what goes in
def test_tables_of_any_kind_give_frames_of_pandas(spoiled):
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    numbers = spoiled[["height", "weight"]]
    density = GaussianDensity().fit(numbers)
    expected = density.surprise(numbers, 20, random_state=0)
    columns = {name: own.to_numpy() for name, own in numbers.items()}
    for table in (pl.DataFrame(columns), pa.table(columns)):
        found = density.surprise(table, 20, random_state=0)
        pd.testing.assert_frame_equal(found.cells, expected.cells.reset_index(drop=True))
        assert found.suspects(2)["value"].tolist() == expected.suspects(2)["value"].tolist()
    rows = density.fit(numbers.to_numpy()).surprise(numbers.to_numpy().tolist(), 20, 0)
    assert_array_equal(rows.cells, expected.cells)
    assert_array_equal(rows.cells.columns, [0, 1])


def test_what_cannot_be_answered_is_refused_in_a_sentence():
    coins = BernoulliIndependentDensity().fit(np.eye(3))
    with pytest.raises(TypeError, match="X is sparse, but surprise has a number for each cell"):
        coins.surprise(sparse.csr_array(np.eye(3)))
    with pytest.raises(ValueError, match="n_samples must be an integer of 1 or more, got 0"):
        coins.surprise(np.eye(3), 0)
    surprise = coins.surprise(np.full((2, 3), np.nan))
    assert repr(surprise) == "Surprise of 2 rows and 3 columns, without any observed cell."
    assert surprise.suspects().empty
    with pytest.raises(ValueError, match="n must be an integer of 1 or more, got 0"):
        surprise.suspects(0)


# ---------------------------------------------------------------------- detector and picture
def test_a_detector_names_its_reasons(spoiled):
    numbers = spoiled[["height", "weight"]]
    detector = DensityOutlierDetector(GaussianDensity(), random_state=0).fit(numbers)
    surprise = detector.explain(numbers)
    scores = np.log(surprise.rows["tail_probability"])
    assert_allclose(scores, detector.score_samples(numbers))
    assert surprise.suspects(1)["row"].tolist() == ["p7"]
    bags = DensityOutlierDetector(BaggingDensity(GaussianDensity(), 2), random_state=0)
    judged = bags.fit(numbers).explain(numbers, out_of_bag=True)
    assert (
        judged.rows["log_prob"]["p7"]
        < bags.explain(numbers, out_of_bag=False).rows["log_prob"]["p7"]
    )


def test_a_display_shows_the_least_usual_rows(spoiled):
    numbers = spoiled[["height", "weight"]]
    density = GaussianDensity().fit(numbers)
    ax = Figure(layout="constrained").subplots()
    display = SurpriseDisplay.from_estimator(density, numbers, n_rows=4, random_state=0, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    rows = density.surprise(numbers, random_state=0).rows["tail_probability"].nsmallest(4)
    assert [label.get_text() for label in ax.get_yticklabels()] == rows.index.tolist()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["height", "weight"]
    assert display.mesh_.get_array().shape == (4, 2)
    written = [text.get_text() for text in ax.texts]
    assert written[:2] == [f"{value:.4g}" for value in numbers.loc["p7"]]
    again = SurpriseDisplay.from_surprise(density.surprise(numbers[:2] * np.nan, 5))
    assert again.mesh_.get_array().mask.all()
    assert again.plot(n_rows=1) is again
    with pytest.raises(ValueError, match="n_rows must be an integer of 1 or more, got 0"):
        again.plot(n_rows=0)
