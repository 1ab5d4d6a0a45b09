"""Marginals, conditions, and evidence of intervals and sets, against sums and integrals."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate
from sklearn.base import clone

from skdgm import (
    BernoulliIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    StepIndependentDensity,
    TableDensity,
)

from .estimators import CONTINUOUS_CASES, COUNT_CASES, DISCRETE_CASES, cases

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

TAKES_REGIONS = [case for case in DISCRETE_CASES if not case.name.startswith("chain-rule")]


def with_missing(n_rows, n_columns):
    return np.full((n_rows, n_columns), np.nan)


def evidence_about(case, sets):
    """Evidence about the first and the last columns: of a set, and an interval or a value."""
    last = case.n_columns - 1
    if case.n_categories == 2:
        return {0: 1, last: (0, 1)} if sets else {0: {0, 1}, last: (None, 0.5)}
    return {0: {0, 2}, last: (1, None)} if sets else {0: 1, last: {0, 1}}


def agrees(rows, evidence):
    """Mask of the rows that agree with evidence."""
    inside = np.ones(len(rows), dtype=bool)
    for column, own in evidence.items():
        x = rows[:, column]
        if isinstance(own, tuple):
            low, high = (
                (-np.inf if own[0] is None else own[0]),
                (np.inf if own[1] is None else own[1]),
            )
            inside &= (x >= low) & (x <= high)
        else:
            inside &= np.isin(x, list(own) if isinstance(own, set) else [own])
    return inside


# ---------------------------------------------------------------------- against enumeration
@cases(TAKES_REGIONS)
@pytest.mark.parametrize("sets", [True, False])
def test_evidence_sums_over_the_states_that_agree(case, sets):
    density, states, probability = case.fitted, case.states, case.probability
    evidence = evidence_about(case, sets)
    inside = agrees(states, evidence)
    total = probability[inside].sum()
    nothing = with_missing(1, case.n_columns)
    np.testing.assert_allclose(
        density.score_samples(nothing, evidence=evidence), np.log(total), atol=1e-10
    )
    mean = probability[inside] @ states[inside] / total
    np.testing.assert_allclose(
        density.conditional_mean(nothing, evidence=evidence)[0], mean, atol=1e-8
    )
    mode = density.conditional_mode(nothing, evidence=evidence)
    own = np.flatnonzero((states == mode).all(axis=1))[0]
    assert inside[own]
    np.testing.assert_allclose(probability[own], probability[inside].max())
    shares = density.conditional_proba(nothing, 1, evidence=evidence)[0]
    of_value = [probability[inside & (states[:, 1] == v)].sum() for v in range(len(shares))]
    np.testing.assert_allclose(shares, np.array(of_value) / total, atol=1e-8)
    drawn = density.conditional_sample(np.repeat(nothing, 2000, axis=0), 0, evidence=evidence)
    assert agrees(drawn, evidence).all()
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.12)


@cases(DISCRETE_CASES)
def test_conditions_and_marginals_equal_sums_over_states(case):
    density, states, probability = case.fitted, case.states, case.probability
    kept = [2, 0]
    marginal = density.marginal(kept)
    rows, place = np.unique(states[:, kept], axis=0, return_inverse=True)
    expected = np.bincount(place.ravel(), probability)
    np.testing.assert_allclose(np.exp(marginal.score_samples(rows)), expected, atol=1e-8)

    known = {1: states[probability.argmax(), 1]}
    inside = agrees(states, known)
    others = [column for column in range(case.n_columns) if column != 1]
    condition = density.condition(known)
    share = probability[inside] / probability[inside].sum()
    scores = condition.score_samples(states[inside][:, others])
    np.testing.assert_allclose(np.exp(scores), share, atol=1e-8)
    mean = condition.conditional_mean(with_missing(1, len(others)))[0]
    np.testing.assert_allclose(mean, share @ states[inside][:, others], atol=1e-8)
    drawn = condition.sample(1500, random_state=0)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.12)
    again = condition.condition({0: states[inside][share.argmax(), 0]})
    total = np.exp(again.score_samples(np.unique(states[:, others[1:]], axis=0))).sum()
    np.testing.assert_allclose(total, 1, atol=1e-8)


# ---------------------------------------------------------------------- against integrals
def interval_of(case):
    low, high = np.quantile(case.data()[:, 0], [0.3, 0.8])
    return float(low), float(high)


@cases(CONTINUOUS_CASES)
def test_intervals_integrate_the_density(case):
    density, (low, high) = case.fitted, interval_of(case)
    row = case.data()[[3]]
    row[0, [0, 2]] = np.nan
    panels = np.linspace(low, high, 2001)
    nodes, weights = np.polynomial.legendre.leggauss(2)
    z = (panels[:-1, np.newaxis] + np.diff(panels)[:, np.newaxis] * (nodes + 1) / 2).ravel()
    rows = np.repeat(row, len(z), axis=0)
    rows[:, 0] = z
    p = np.exp(density.score_samples(rows)) * np.tile(weights, 2000) * (high - low) / 4000
    evidence = {0: (low, high)}
    # Panels cross the steps of some densities.
    has_steps = any(name in case.name for name in ("steps", "binned", "table", "copula"))
    tolerance = 2e-3 if has_steps else 1e-7
    np.testing.assert_allclose(
        density.score_samples(row, evidence=evidence), np.log(p.sum()), atol=tolerance
    )
    scale = high - low
    mean = density.conditional_mean(row, evidence=evidence)[0]
    np.testing.assert_allclose(mean[0], p @ z / p.sum(), atol=tolerance * scale)
    mode = density.conditional_mode(row, evidence=evidence)[0, 0]
    assert low <= mode <= high
    drawn = density.conditional_sample(np.repeat(row, 1000, axis=0), 0, evidence=evidence)
    assert ((drawn[:, 0] >= low) & (drawn[:, 0] <= high)).all()
    assert abs(drawn[:, 0].mean() - mean[0]) < 0.1 * scale
    assert abs(drawn[:, 2].mean() - mean[2]) < 0.2 * case.data()[:, 2].std()


@cases(CONTINUOUS_CASES + COUNT_CASES)
def test_views_agree_with_the_joint_density(case):
    density, X = case.fitted, case.data()[:5]
    marginal = density.marginal([2, 1])
    holes = X.astype(float)
    holes[:, 0] = np.nan
    np.testing.assert_allclose(
        marginal.score_samples(X[:, [2, 1]]), density.score_samples(holes), atol=1e-9
    )
    condition = density.condition({0: X[0, 0]})
    rows = X.astype(float)
    rows[:, 0] = X[0, 0]
    alone = with_missing(1, 3)
    alone[0, 0] = X[0, 0]
    expected = density.score_samples(rows) - density.score_samples(alone)
    np.testing.assert_allclose(condition.score_samples(rows[:, 1:]), expected, atol=1e-8)
    rows[:, 2] = np.nan
    np.testing.assert_allclose(
        condition.conditional_mean(rows[:, 1:]), density.conditional_mean(rows)[:, 1:]
    )


@cases(COUNT_CASES)
def test_intervals_and_sets_of_counts_are_sums(case):
    density = case.fitted
    pairs = np.array([[x, y] for x in range(2, 6) for y in (1, 4)])
    rows = np.column_stack([pairs, np.full(len(pairs), np.nan)])
    p = np.exp(density.score_samples(rows))
    nothing, evidence = with_missing(1, 3), {0: (1.5, 5), 1: {1, 4}}
    np.testing.assert_allclose(
        density.score_samples(nothing, evidence=evidence), np.log(p.sum()), atol=1e-9
    )
    mean = density.conditional_mean(nothing, evidence=evidence)[0, :2]
    np.testing.assert_allclose(mean, p @ pairs / p.sum(), rtol=1e-6)
    drawn = density.conditional_sample(np.repeat(nothing, 500, axis=0), 0, evidence=evidence)
    assert agrees(drawn, evidence).all()


@settings(max_examples=40)
@given(st.integers(0, 10**6))
def test_any_evidence_about_a_tree_is_a_sum_over_states(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 4, size=(30, 4))
    density = ChowLiuTreeDensity(n_categories=4, alpha=0.5).fit(X)
    states = np.indices((4,) * 4).reshape(4, -1).T
    probability = np.exp(density.score_samples(states))
    columns = rng.permutation(4)[: rng.integers(1, 4)]
    evidence = {int(j): set(rng.permutation(4)[: rng.integers(1, 5)].tolist()) for j in columns}
    nothing = with_missing(1, 4)
    np.testing.assert_allclose(
        np.exp(density.score_samples(nothing, evidence=evidence))[0],
        probability[agrees(states, evidence)].sum(),
    )


def test_steps_far_outside_keep_their_digits():
    density = StepIndependentDensity().fit(np.random.default_rng(0).normal(size=(200, 1)))
    for low, high in ((9.0, 9.5), (-14.0, -13.0), (15.0, np.inf)):
        expected = integrate.quad(
            lambda x: np.exp(density.score_samples([[x]])[0]), low, min(high, 40.0), epsabs=0
        )[0]
        score = density.score_samples([[np.nan]], evidence={0: (low, high)})
        np.testing.assert_allclose(score, np.log(expected), atol=1e-7)
        drawn = density.conditional_sample(with_missing(300, 1), 0, evidence={0: (low, high)})
        mean = density.conditional_mean([[np.nan]], evidence={0: (low, high)})
        assert ((drawn >= low) & (drawn <= high)).all()
        np.testing.assert_allclose(drawn.mean(), mean[0, 0], atol=0.2)


# ---------------------------------------------------------------------- frames
@pytest.fixture(scope="module")
def pets():
    rng = np.random.default_rng(0)
    n = 150
    kind = rng.choice(["cat", "dog", "eel"], size=n, p=[0.5, 0.45, 0.05])
    sizes = rng.choice(["small", "middle", "large"], size=n)
    return pd.DataFrame(
        {
            "kind": kind,
            "weight": np.where(kind == "cat", rng.normal(4, 1, n), rng.normal(20, 5, n)).round(1),
            "meals": rng.integers(1, 6, size=n),
            "size": pd.Categorical(sizes, ["small", "middle", "large"], ordered=True),
            "born": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "chip": [f"c{i}" for i in range(n)],
        }
    )


@pytest.fixture(scope="module")
def pets_density(pets):
    with pytest.warns(UserWarning, match="chip"):
        return TableDensity(ChowLiuTreeDensity()).fit(pets)


EVIDENCE = {
    "kind": {"cat", "eel"},
    "weight": (3, 5.5),
    "meals": {1, 3},
    "size": ("middle", None),
    "born": (pd.Timestamp("2021-01-01"), None),
}


def test_draws_from_a_frame_agree_with_evidence(pets, pets_density):
    holes = pets.copy()
    for column in EVIDENCE:
        holes[column] = None
    drawn = pets_density.conditional_sample(holes, 0, evidence=EVIDENCE)
    assert set(drawn["kind"]) <= {"cat", "eel"}
    assert drawn["weight"].between(3, 5.5).all()
    assert set(drawn["meals"]) <= {1, 3}
    assert set(drawn["size"]) <= {"middle", "large"}
    assert (drawn["born"] >= pd.Timestamp("2021-01-01")).all()
    pd.testing.assert_series_equal(drawn["chip"], pets["chip"])


def test_sets_of_a_frame_are_sums_over_values(pets, pets_density):
    row = pets.iloc[[0]].copy()
    for column in ("kind", "meals"):
        row[column] = None
    for column, values in {"kind": ["cat", "eel"], "meals": [1, 3]}.items():
        each = [pets_density.score_samples(row, evidence={column: own})[0] for own in values]
        both = pets_density.score_samples(row, evidence={column: set(values)})[0]
        np.testing.assert_allclose(both, np.logaddexp(*each))


def test_views_of_a_frame_give_frames(pets, pets_density):
    given_kind = pets_density.condition({"kind": "cat", "weight": (3, None)})
    drawn = given_kind.sample(3, random_state=0)
    assert list(drawn.columns) == ["meals", "size", "born", "chip"]
    assert drawn.dtypes["size"] == pets.dtypes["size"]
    marginal = pets_density.marginal(["size", "kind"])
    assert list(marginal.feature_names_in_) == ["size", "kind"]
    np.testing.assert_allclose(
        marginal.conditional_proba(pd.DataFrame({"size": ["small"], "kind": [None]}), "kind"),
        pets_density.conditional_proba(
            pets.iloc[[0]].assign(size=["small"], weight=None, meals=None, born=None, chip=None)[
                list(pets.columns)
            ],
            "kind",
        ),
    )


def test_holes_of_labels_stay_holes(pets, pets_density):
    """Probabilities of integers, which are listed one by one, with labels missing beside them."""
    row = pets.iloc[[0]].assign(kind=None, size=None, chip=None)
    shares = pets_density.conditional_proba(row, "meals")[0]
    scores = [pets_density.score_samples(row.assign(meals=[n]))[0] for n in range(1, 6)]
    np.testing.assert_allclose(shares, np.exp(scores) / np.exp(scores).sum())


# ---------------------------------------------------------------------- what views are
def test_views_pickle_and_are_parts_of_mixtures_but_never_learn():
    X = np.random.default_rng(0).integers(0, 3, size=(60, 3))
    density = ChowLiuTreeDensity().fit(X)
    views = [density.condition({0: value}) for value in (0, 2)]
    copied = pickle.loads(pickle.dumps(views[0]))
    np.testing.assert_array_equal(copied.score_samples(X[:, 1:]), views[0].score_samples(X[:, 1:]))
    mixture = MixtureDensity.from_parameters(views, [0.25, 0.75])
    p = np.exp([view.score_samples(X[:, 1:]) for view in views])
    np.testing.assert_allclose(np.exp(mixture.score_samples(X[:, 1:])), [0.25, 0.75] @ p)
    holes = np.array([[np.nan, 1], [0, np.nan]])
    np.testing.assert_allclose(
        mixture.conditional_mean(holes)[0, 0],
        mixture.conditional_proba(holes, 0)[0] @ [0, 1, 2],
    )
    for refused in (
        lambda: views[0].fit(X),
        lambda: views[0].partial_fit(X),
        lambda: clone(views[0]),
        lambda: MixtureDensity(views[0]).fit(X[:, 1:]),
    ):
        with pytest.raises(TypeError, match="follows from a fitted one cannot"):
            refused()


def test_sparse_chains_list_the_values_in_regions():
    X = np.random.default_rng(0).integers(0, 60, size=(80, 6))
    chain = MarkovChainImageDensity(3, n_categories=60).fit(X)
    row = X[[0]].astype(float)
    row[0, 2] = np.nan
    each = [chain.score_samples(row, evidence={2: value})[0] for value in (4, 9, 30)]
    both = chain.score_samples(row, evidence={2: {4, 9, 30}})[0]
    np.testing.assert_allclose(both, np.logaddexp.reduce(each))


def test_starts_from_densities_see_missing_values_as_missing():
    X = np.random.default_rng(0).integers(0, 2, size=(40, 3)).astype(float)
    X[::3, 1] = np.nan
    starts = [BernoulliIndependentDensity(alpha=2).fit(X[half::2]) for half in (0, 1)]
    shares = np.exp([density.score_samples(X) for density in starts])
    shares /= shares.sum(axis=0)
    fitted = [
        MixtureDensity(BernoulliIndependentDensity(), init=init, max_iter=1).fit(X)
        for init in (starts, shares.T)
    ]
    np.testing.assert_allclose(fitted[0].weights_, fitted[1].weights_)


# ---------------------------------------------------------------------- what is refused
def test_evidence_that_fits_nothing_is_refused_in_a_sentence(pets_density, pets, monkeypatch):
    X = np.random.default_rng(0).integers(0, 3, size=(50, 3))
    tree = ChowLiuTreeDensity(alpha=0).fit(np.column_stack([X[:, 0], X[:, 0], X[:, 1]]))
    normal = GaussianDensity().fit(X + np.random.default_rng(1).normal(size=X.shape))
    nothing = with_missing(1, 3)
    for density, evidence, message in (
        (tree, {0: 0, 1: 1}, "probability zero"),
        (tree, {5: 0}, "column must be"),
        (tree, {"age": 0}, "names that are all strings|no column names"),
        (tree, [0], "must be a mapping"),
        (tree, {0: (1, 0)}, "lower end first"),
        (tree, {0: (0, 1, 2)}, r"tuples \(low, high\)"),
        (tree, {0: set()}, "empty set"),
        (tree, {0: None}, "missing value"),
        (tree, {0: 7}, "Unknown category"),
        (tree, {0: (0.2, 0.8)}, "leaves no value"),
        (tree, {0: 0, -3: 1}, "twice"),
        (tree, {0: 0, 1: 0, 2: 0}, "none remains"),
        (normal, {0: {1.0, 2.0}}, "set has probability zero"),
        (pets_density, {"kind": ("cat", "dog")}, "have no order"),
        (pets_density, {"size": ("huge", None)}, "Unknown category|no category"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            density.condition(evidence)
    with pytest.raises(ValueError, match="X holds a value in row 0, column 1"):
        tree.score_samples([[np.nan, 0, np.nan]], evidence={1: 1})
    with pytest.raises(ValueError, match="none twice"):
        tree.marginal([0, 0])
    with pytest.raises(TypeError, match="list of columns"):
        tree.marginal(1)
    chain = ChainRuleDensity().fit(X)
    with pytest.raises(ValueError, match="takes no intervals or sets"):
        chain.score_samples(nothing, evidence={0: {0, 1}})
    full = FullCategoricalDensity().fit(X)
    monkeypatch.setattr("skdgm.density._evidence._listed.LISTED", 3)
    with pytest.raises(ValueError, match="leaves 4 combinations"):
        full.score_samples(nothing, evidence={0: {0, 1}, 1: {0, 1}})


def test_blocks_name_what_they_refuse():
    X = np.random.default_rng(0).integers(0, 3, size=(50, 3))
    blocks = ColumnDensity(
        [("chain", ChainRuleDensity(), [0, 1]), ("tree", ChowLiuTreeDensity(), [2])]
    )
    with pytest.raises(ValueError, match="In block 'chain'"):
        blocks.fit(X).condition({1: {0, 1}})


def test_conditions_of_normals_and_mixtures_are_normals_and_mixtures():
    X = np.random.default_rng(0).normal(size=(80, 3)) @ np.random.default_rng(1).normal(size=(3, 3))
    normal = GaussianDensity().fit(pd.DataFrame(X, columns=["a", "b", "c"]))
    given_b = normal.condition({"b": 0.5})
    covariance = np.linalg.inv(np.linalg.inv(normal.covariance_)[np.ix_([0, 2], [0, 2])])
    np.testing.assert_allclose(given_b.covariance_, covariance)
    assert list(given_b.feature_names_in_) == ["a", "c"]
    np.testing.assert_array_equal(normal.marginal(["c"]).mean_, normal.mean_[[2]])
    mixture = MixtureDensity(GaussianDensity(), random_state=0).fit(X)
    given_0 = mixture.condition({0: 1.5})
    np.testing.assert_allclose(given_0.weights_, mixture.predict_proba([[1.5, np.nan, np.nan]])[0])
    assert isinstance(given_0.densities_[0], GaussianDensity)
