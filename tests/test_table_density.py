"""Densities of tables: any columns in, the same columns out, one exact distribution between."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from skdgm import (
    ChowLiuTreeDensity,
    ConditionalDensity,
    DensityImputer,
    GaussianDensity,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MixtureDensity,
    TableDensity,
)
from skdgm.density.table._answers import _best_shares


def make_table(n_rows=240, seed=0, holes=0.0):
    """Return a table of every kind of column, which depend on a hidden group."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n_rows)
    start = np.datetime64("2020-01-01")
    table = pd.DataFrame(
        {
            "sex": rng.choice(["female", "male"], n_rows),
            "town": np.array(["Rome", "Oslo", "Lima"])[group],
            "size": pd.Categorical.from_codes(
                np.clip(group + rng.integers(-1, 2, n_rows), 0, 2), ["S", "M", "L"], ordered=True
            ),
            "children": rng.poisson(group),
            "visits": rng.negative_binomial(2, 0.1, n_rows),
            "weight": rng.normal(60 + 10 * group, 5).round(1),
            "income": np.where(rng.random(n_rows) < 0.5, 0.0, rng.lognormal(3 + group)),
            "day": start + rng.integers(0, 365, n_rows).astype("timedelta64[D]"),
            "smokes": rng.random(n_rows) < 0.2 + 0.3 * (group == 1),
            "country": "here",
        }
    )
    if holes:
        table = table.mask(rng.random(table.shape) < holes)
        table["smokes"] = table["smokes"].astype("boolean")
    return table


TABLE = make_table()
KINDS = {
    "sex": "binary",
    "town": "categorical",
    "size": "ordinal",
    "children": "ordinal",
    "visits": "count",
    "weight": "continuous",
    "income": "continuous",
    "day": "continuous",
    "smokes": "binary",
    "country": "constant",
}
QUICK = TableDensity(HiddenChowLiuTreeDensity(4, max_iter=10, random_state=0))


@pytest.fixture(scope="module")
def fitted():
    return TableDensity(random_state=0).fit(TABLE)


@pytest.fixture(scope="module")
def quick():
    return clone(QUICK).fit(TABLE)


# ---------------------------------------------------------------------- kinds
def test_kinds_are_inferred(fitted):
    assert fitted.column_kinds_ == KINDS


def test_kinds_can_be_told():
    table = pd.DataFrame({"zip": np.arange(60) % 9 * 100 + 7, "visits": [0, 1, 5] * 20})
    density = clone(QUICK).set_params(columns={"zip": "categorical", "visits": "count"})
    assert density.fit(table).column_kinds_ == {"zip": "categorical", "visits": "count"}
    assert set(density.sample(50, random_state=0)["zip"]) <= set(table["zip"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"zap": "count"}, "no column of X has that name"),
        ({"town": "counts"}, "a kind must be one of 'binary'"),
        ({"town": "count"}, "which holds no numbers"),
        ({17: "count"}, "X has 10 columns"),
    ],
)
def test_wrong_kinds_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        clone(QUICK).set_params(columns=columns).fit(TABLE)


def test_identifiers_are_warned_of_and_contribute_nothing():
    table = TABLE.assign(id=[f"row {row}" for row in range(len(TABLE))])
    with pytest.warns(UserWarning, match="'id' has a different value in every row"):
        density = clone(QUICK).fit(table)
    assert density.column_kinds_["id"] == "identifier"
    known, unseen = table[:5], table[:5].assign(id="new")
    assert_allclose(density.score_samples(known), density.score_samples(unseen))
    nothing = table[:5].assign(**{name: None for name in TABLE})
    assert_allclose(density.score_samples(nothing), 0, atol=1e-12)
    assert set(density.sample(20, random_state=0)["id"]) <= set(table["id"])


def test_floats_are_no_identifiers():
    table = pd.DataFrame({"x": np.random.default_rng(0).normal(size=80), "y": [0, 1] * 40})
    assert clone(QUICK).fit(table).column_kinds_["x"] == "continuous"


# ---------------------------------------------------------------------- in and out
@pytest.mark.filterwarnings("ignore:.*different value in every row")
@pytest.mark.parametrize("density", [QUICK, TableDensity(random_state=0)], ids=["tree", "auto"])
def test_frames_come_back_as_they_went_in(density):
    table = make_table(60, holes=0.1)
    density = clone(density).fit(table)
    drawn = density.sample(50, random_state=0)
    assert (drawn.dtypes == table.dtypes).all()
    assert list(drawn.columns) == list(table.columns)
    for completed in (
        density.conditional_sample(table[:20], random_state=0),
        density.conditional_mode(table[:20]),
        density.conditional_mean(table[:20]),
    ):
        assert not completed.isna().any(axis=None)
        observed = table[:20].notna()
        for name in table:
            own = observed[name]
            assert (completed.loc[own, name] == table[:20].loc[own, name]).all()
    numbers = ["children", "visits", "weight", "income", "day"]
    assert (drawn[numbers].min() >= table[numbers].min()).all()
    assert (drawn[numbers].max() <= table[numbers].max()).all()
    assert_allclose(drawn["weight"], drawn["weight"].round(1))


@pytest.mark.parametrize("make", [pl.from_pandas, lambda table: table.astype(object)])
def test_other_clothings_give_the_same_scores(make, quick):
    assert_allclose(quick.score_samples(make(TABLE)), quick.score_samples(TABLE))
    table = TABLE.drop(columns="size")  # of which only pandas knows the order
    expected = clone(QUICK).fit(table).score_samples(table)
    assert_allclose(clone(QUICK).fit(make(table)).score_samples(make(table)), expected)


def test_polars_comes_back_as_polars():
    table = pl.from_pandas(make_table(80, holes=0.1))
    drawn = clone(QUICK).fit(table).sample(10, random_state=0)
    assert isinstance(drawn, pl.DataFrame)
    assert drawn.schema == table.schema


def test_arrays_of_objects_and_of_numbers():
    cells = TABLE[["town", "children", "weight"]].to_numpy(dtype=object)
    cells[::7, 0], cells[3, 2] = None, float("nan")
    density = clone(QUICK).fit(cells)
    assert density.column_kinds_ == {0: "categorical", 1: "ordinal", 2: "continuous"}
    drawn = density.sample(5, random_state=0)
    assert drawn.dtype == object
    assert set(drawn[:, 0]) <= {"Rome", "Oslo", "Lima"}
    numbers = TABLE[["children", "weight"]].to_numpy()
    assert clone(QUICK).fit(numbers).sample(5, random_state=0).dtype == np.float64


def test_sentinels_are_missing():
    table = TABLE[["town", "weight"]].copy()
    table.loc[::5, "weight"], table.loc[::7, "town"] = -999.0, "?"
    density = clone(QUICK).set_params(missing_values=[-999, "?"]).fit(table)
    assert density.sample(200, random_state=0)["weight"].min() > 0
    assert set(density.categories_[0]) == {"Rome", "Oslo", "Lima"}


# ---------------------------------------------------------------------- the distribution
def log_sum(density, rows):
    return np.logaddexp.reduce(density.score_samples(rows))


@pytest.mark.parametrize("name", ["quick", "fitted"])
def test_it_sums_to_one_over_each_kind_of_column(name, request):
    density = request.getfixturevalue(name)

    def rows(column, values):
        nothing = pd.DataFrame(None, range(len(values)), TABLE.columns, dtype=object)
        return nothing.assign(**{column: values})

    for column in ("sex", "town", "size", "smokes"):
        values = TABLE[column].unique().tolist()
        assert np.exp(log_sum(density, rows(column, values))) == pytest.approx(1)
    counts = np.arange(1000).tolist()
    assert np.exp(log_sum(density, rows("visits", counts))) == pytest.approx(1, abs=1e-6)
    step = 0.05
    weight = np.arange(-100, 250, step) + step / 2
    total = np.exp(log_sum(density, rows("weight", weight.tolist()))) * step
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", ["quick", "fitted"])
def test_marginals_and_conditionals_equal_sums(name, request):
    density = request.getfixturevalue(name)
    query = TABLE[:4].astype(object).assign(visits=None, income=None, day=None, town=None)
    towns = ["Lima", "Oslo", "Rome"]
    joint = np.stack([density.score_samples(query.assign(town=town)) for town in towns], axis=1)
    marginal = density.score_samples(query)
    assert_allclose(np.logaddexp.reduce(joint, axis=1), marginal)
    probability = np.exp(joint - marginal[:, np.newaxis])
    assert_allclose(density.conditional_proba(query, "town"), probability)
    likeliest = np.array(towns)[probability.argmax(axis=1)]
    assert (density.predict_column(query, "town") == likeliest).all()
    assert (density.conditional_mean(query)["town"] == likeliest).all()
    drawn = density.conditional_sample(pd.concat([query[:1]] * 3000), random_state=0)["town"]
    share = drawn.value_counts(normalize=True).reindex(towns, fill_value=0)
    assert_allclose(share, probability[0], atol=0.04)


def test_means_of_numbers_equal_sums(quick):
    query = TABLE[:3].astype(object).assign(children=None)
    counts = np.arange(60)
    rows = [quick.score_samples(query.assign(children=own)) for own in counts.tolist()]
    probability = np.exp(np.stack(rows, axis=1) - quick.score_samples(query)[:, np.newaxis])
    assert_allclose(probability.sum(axis=1), 1, atol=1e-6)
    assert_allclose(
        quick.conditional_mean(query)["children"].astype(float), probability @ counts, rtol=1e-4
    )
    seen = np.sort(TABLE["children"].unique())
    own = probability[:, seen]
    proba = quick.conditional_proba(query, "children")
    assert_allclose(proba, own / own.sum(axis=1, keepdims=True), rtol=1e-6)


def test_continuous_columns_have_no_list_of_values(quick):
    with pytest.raises(ValueError, match="cannot be listed"):
        quick.conditional_proba(TABLE[:2], "weight")
    assert quick.predict_column(TABLE[:2], "weight").dtype == np.float64
    assert quick.predict_column(TABLE[:2], "day").dtype.kind == "M"


def test_the_average_is_weighted_by_what_its_members_have_not_seen(fitted):
    weights = [own["weight"] for own in fitted.candidates_.values()]
    scores = [own["score"] for own in fitted.candidates_.values()]
    assert sum(weights) == pytest.approx(1)
    assert weights[int(np.argmax(scores))] > 0.2
    held_out = make_table(400, seed=1)
    assert fitted.score(held_out) > clone(QUICK).fit(TABLE).score(held_out) - 0.5


# ---------------------------------------------------------------------- what does not matter
def test_the_order_of_columns_and_codes_and_units_do_not_matter():
    table = TABLE[["town", "weight", "income", "children"]][:60]
    auto = TableDensity(random_state=0)
    expected = clone(auto).fit(table).score_samples(table)
    swapped = table[["children", "income", "town", "weight"]]
    assert_allclose(clone(auto).fit(swapped).score_samples(swapped), expected, rtol=1e-5)
    renamed = table.assign(town=table["town"].map({"Rome": "b", "Oslo": "c", "Lima": "a"}))
    assert_allclose(clone(auto).fit(renamed).score_samples(renamed), expected, rtol=1e-5)
    grams = table.assign(weight=table["weight"] * 1000)
    moved = expected - np.log(1000)
    assert_allclose(clone(auto).fit(grams).score_samples(grams), moved, rtol=1e-4)


def test_weights_are_copies_of_rows():
    weight = np.random.default_rng(0).integers(0, 3, len(TABLE))
    weighted = clone(QUICK).fit(TABLE, sample_weight=weight)
    repeated = clone(QUICK).fit(TABLE.loc[np.repeat(np.arange(len(TABLE)), weight)])
    rows = TABLE[weight > 0]
    assert_allclose(weighted.score_samples(rows), repeated.score_samples(rows), rtol=1e-6)


# ---------------------------------------------------------------------- values never seen
def test_unknown_categories_are_handled():
    query = TABLE[:3].assign(town="Paris")
    with pytest.raises(ValueError, match=r"'town'.*'Paris'.*handle_unknown"):
        clone(QUICK).fit(TABLE).score_samples(query)
    as_missing = clone(QUICK).set_params(handle_unknown="missing").fit(TABLE)
    assert_allclose(
        as_missing.score_samples(query), as_missing.score_samples(query.assign(town=None))
    )
    smooth = clone(QUICK).set_params(handle_unknown="smooth").fit(TABLE)
    assert np.isfinite(smooth.score_samples(query)).all()
    assert smooth.conditional_proba(query, "town").shape == (3, 4)


def test_rare_values_are_pooled_and_values_never_seen_belong_there():
    names = [f"name {row // 2}" if row % 3 else "common" for row in range(120)]
    table = pd.DataFrame({"name": names, "x": np.arange(120) % 7 / 3})
    density = clone(QUICK).fit(table)
    nothing = pd.DataFrame({"name": density.categories_[0], "x": None})
    known = np.exp(density.score_samples(nothing)).sum()
    unseen = np.exp(density.score_samples([["never", None]]))[0]
    assert known + unseen == pytest.approx(1)
    assert 0 < unseen < 0.5
    assert set(density.sample(100, random_state=0)["name"]) <= set(names)


def test_a_wide_column_costs_no_error_in_cross_validation():
    table = TABLE.assign(name=[f"n{row // 2}" for row in range(len(TABLE))])
    assert np.isfinite(cross_val_score(clone(QUICK), table, cv=3)).all()


# ---------------------------------------------------------------------- inside of others
def test_any_column_is_a_target_of_other_models():
    X, y = TABLE.drop(columns="town"), TABLE["town"]
    classifier = GenerativeClassifier(QUICK).fit(X, y)
    assert classifier.score(X, y) > 0.8
    hidden = X.astype(object).mask(np.random.default_rng(0).random(X.shape) < 0.3)
    assert classifier.score(hidden, y) > 0.6
    drawn, labels = classifier.sample(5, random_state=0)
    assert list(drawn.columns) == list(X.columns)
    assert set(labels) <= set(y)
    model = ConditionalDensity(QUICK).fit(X, TABLE[["town"]])
    assert np.mean(model.predict(X).to_numpy()[:, 0] == y) > 0.8
    pipeline = make_pipeline(DensityImputer(QUICK), QUICK).fit(make_table(holes=0.1))
    assert np.isfinite(pipeline.score_samples(TABLE)).all()


# ---------------------------------------------------------------------- imputation
def test_the_imputer_needs_no_arguments():
    names = ["sex", "town", "size", "children", "weight", "day"]
    table = make_table(90, holes=0.15)[names]
    completed = DensityImputer(random_state=0).fit_transform(table)
    assert (completed.dtypes == table.dtypes).all()
    assert not completed.isna().any(axis=None)
    truth = make_table(90)
    lost = table["town"].isna()
    assert np.mean(completed.loc[lost, "town"] == truth.loc[lost, "town"]) > 0.5


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_empty_columns_are_left_out_or_kept(make):
    table = make({"a": [1.0, None, 3.0, 2.0] * 5, "b": [None] * 20, "c": ["u", "v", None, "u"] * 5})
    if make is pl.DataFrame:
        table = table.with_columns(pl.col("b").cast(pl.Float64))
    else:
        table["b"] = table["b"].astype(float)
    dropped = DensityImputer(QUICK).fit(table)
    assert list(dropped.transform(table).columns) == ["a", "c"]
    assert dropped.get_feature_names_out().tolist() == ["a", "c"]
    kept = DensityImputer(QUICK, keep_empty_features=True, add_indicator=True).fit(table)
    completed = kept.transform(table)
    names = ["a", "b", "c", "missingindicator_a", "missingindicator_b", "missingindicator_c"]
    assert list(completed.columns) == kept.get_feature_names_out().tolist() == names
    assert (completed["b"].to_numpy() == 0).all()
    numbers = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    imputer = DensityImputer(GaussianDensity(), keep_empty_features=True)
    assert_allclose(imputer.fit_transform(numbers), [[1, 0], [2, 0], [1.5, 0]])


def test_a_table_without_any_value_is_refused():
    with pytest.raises(ValueError, match="no observed value in any column"):
        DensityImputer(QUICK).fit([[None, None], [None, None]])


def test_the_imputer_weighs_families_by_column():
    frame = make_table(60, holes=0.2)[["sex", "town", "children", "weight"]]
    imputer = DensityImputer(random_state=0).fit(frame)
    answers = imputer.density_.density_.answers
    assert_allclose(answers.shares.sum(axis=1), 1)
    assert (answers.shares >= 0).all()
    assert len(answers.families) == len(imputer.density_.candidates_)
    assert np.ptp(answers.shares, axis=0).max() > 0.1  # columns differ
    exact = imputer.density_.conditional_mean(frame)
    assert np.abs(imputer.transform(frame)["weight"] - exact["weight"]).max() > 1e-3


def test_the_shares_of_answers_have_the_least_squared_error():
    rng = np.random.default_rng(0)
    for size in (1, 2, 3):
        errors = rng.normal(size=(size, 7)) * 10.0 ** rng.integers(-8, 8)
        shares = _best_shares(errors @ errors.T, np.full(size, 1 / size))
        tried = rng.dirichlet(np.full(size, 0.5), size=20_000)
        least = ((tried @ errors) ** 2).sum(axis=1).min()
        own = ((shares @ errors) ** 2).sum()
        assert shares.min() >= 0
        assert_allclose(shares.sum(), 1)
        assert own <= least * (1 + 1e-9)
    assert_array_equal(_best_shares(np.zeros((2, 2)), np.array([0.3, 0.7])), [0.3, 0.7])


def test_bad_parameters_are_refused():
    with pytest.raises(ValueError, match="density"):
        TableDensity("trees").fit(TABLE)
    with pytest.raises(AttributeError):
        TableDensity().partial_fit(TABLE)
    assert not TableDensity(ChowLiuTreeDensity()).fit(TABLE[["town", "sex"]]).candidates_


def test_a_density_of_numbers_does_not_take_categories_for_numbers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=40), "kind": rng.choice(list("abc"), 40)})
    for density in (GaussianDensity(), MixtureDensity(GaussianDensity("diag"), random_state=0)):
        with pytest.raises(ValueError, match=r"numbers only, but column 'kind' holds categories"):
            TableDensity(density).fit(frame)
    frame["kind"] = frame["kind"].map({"a": 0.0, "b": 1.0, "c": 2.5})
    told = TableDensity(GaussianDensity(), columns={"kind": "continuous"}).fit(frame)
    normal = GaussianDensity().fit(frame.to_numpy())
    assert_allclose(told.score_samples(frame), normal.score_samples(frame.to_numpy()))
