"""Standard deviations, quantiles and intervals of missing numbers, and several completions."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, sparse, stats
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    BinnedDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    NegativeBinomialIndependentDensity,
    PoissonIndependentDensity,
    StepIndependentDensity,
    TableDensity,
    TransformedDensity,
)
from skdgm.density import BaseDensity
from skdgm.density._engine import completions as _completions
from skdgm.density._queries import spread as _spread

from .estimators import CASES, CONTINUOUS_CASES, COUNT_CASES, DISCRETE_CASES, NORMAL_CASES, cases
from .rows import agreement, hide

LEVELS = np.array([0.0, 1e-6, 0.03, 0.31, 0.5, 0.77, 0.99, 1 - 1e-6, 1.0])
INNER = LEVELS[1:-1]
# Densities that are smooth enough between the quantiles to be integrated to the last digits.
SMOOTH_CASES = [
    case
    for case in CONTINUOUS_CASES
    if case.name not in {"steps", "binned", "mixture-binned", "table", "copula"}
]


def possible_rows(case, n_rows, seed):
    X = hide(case.data(n_rows, seed=seed), 0.5, seed)
    return X[case.fitted.score_samples(X) > -np.inf]


def density_of(density, row, column):
    """Return the function ``p(x_column = x | observed values of the row)``."""
    log_prob = density.score_samples(row[np.newaxis])[0]

    def probability(x):
        rows = np.tile(row, (np.size(x), 1))
        rows[:, column] = x
        return np.exp(density.score_samples(rows) - log_prob)

    return probability


def missing_cells_of(X, most=6):
    return np.argwhere(np.isnan(X))[:most]


# ---------------------------------------------------------------------- against enumeration
@cases(DISCRETE_CASES)
def test_values_are_spread_as_enumeration_tells(case):
    X = possible_rows(case, 6, seed=2)
    joint = agreement(case.states, X) * case.probability
    value_of = case.states[..., np.newaxis] == np.arange(case.n_categories)
    share = np.einsum("rs,sjv->rjv", joint / joint.sum(axis=1, keepdims=True), value_of)
    values = np.arange(case.n_categories)
    mean = share @ values
    variance = np.sum(share * (values - mean[..., np.newaxis]) ** 2, axis=2)
    std = case.fitted.conditional_std(X)
    assert_allclose(std, np.where(np.isnan(X), np.sqrt(variance), 0.0), atol=1e-7)
    cumulative = np.cumsum(share, axis=2)
    for level, found in zip(LEVELS, case.fitted.conditional_quantile(X, LEVELS), strict=True):
        assert_array_equal(found[~np.isnan(X)], X[~np.isnan(X)])
        r, j = np.nonzero(np.isnan(X))
        value = found[r, j].astype(int)
        assert (share[r, j, value] > 0).all()
        assert (cumulative[r, j, value] >= level - 1e-9).all()
        below = cumulative[r, j, value] - share[r, j, value]
        assert (below <= level + 1e-9).all()


@cases(COUNT_CASES)
def test_counts_are_spread_as_their_probabilities_tell(case):
    X = hide(case.data(5, seed=4), 0.5, 4)
    std = case.fitted.conditional_std(X)
    quantiles = case.fitted.conditional_quantile(X, INNER)
    counts = np.arange(3000)
    for row, column in missing_cells_of(X):
        share = density_of(case.fitted, X[row], column)(counts)
        cumulative = np.cumsum(share)
        assert_allclose(cumulative[-1], 1)
        variance = share @ counts**2 - (share @ counts) ** 2
        assert_allclose(std[row, column], np.sqrt(variance), rtol=1e-6)
        found = quantiles[:, row, column].astype(int)
        assert (cumulative[found] >= INNER - 1e-11).all()
        assert (np.append(0, cumulative)[found] <= INNER + 1e-11).all()
    ends = case.fitted.conditional_quantile(X, [0, 1])[:, np.isnan(X)]
    assert_array_equal(ends[0], 0)
    assert (ends[1] >= quantiles[-1][np.isnan(X)]).all()


# ---------------------------------------------------------------------- against quadrature
@cases(SMOOTH_CASES)
def test_real_numbers_are_spread_as_quadrature_tells(case):
    X = hide(case.data(5, seed=4), 0.5, 4)
    mean, std = case.fitted.conditional_mean(X), case.fitted.conditional_std(X)
    quantiles = case.fitted.conditional_quantile(X, INNER)
    for row, column in missing_cells_of(X, 3):
        density = density_of(case.fitted, X[row], column)
        cuts = quantiles[:, row, column]
        assert (np.diff(cuts) > 0).all()
        node, weight = np.polynomial.legendre.leggauss(40)
        pieces = np.linspace(cuts[:-1], cuts[1:], 7)  # of each interval between quantiles
        low, high = pieces[:-1].ravel(), pieces[1:].ravel()
        half = (high - low)[:, np.newaxis] / 2
        x = low[:, np.newaxis] + half * (node + 1)
        share = density(x.ravel()).reshape(x.shape) * weight * half
        assert_allclose(share.reshape(6, -1, 40).sum(axis=(0, 2)), np.diff(INNER), atol=1e-8)
        variance = np.sum(share * (x - mean[row, column]) ** 2)  # without what is beyond
        assert_allclose(std[row, column], np.sqrt(variance), rtol=1e-4)


@cases(NORMAL_CASES)
def test_normals_are_spread_as_the_formulas_tell(case):
    density, (row,) = case.fitted, case.data(1, seed=4)
    covariance = density.get_covariance()
    gain = covariance[[0, 2], 1] / covariance[1, 1]
    mean = density.mean_[[0, 2]] + gain * (row[1] - density.mean_[1])
    std = np.sqrt(np.diag(covariance)[[0, 2]] - gain * covariance[1, [0, 2]])
    row[[0, 2]] = np.nan
    assert_allclose(density.conditional_std([row])[0], [std[0], 0, std[1]], rtol=1e-9)
    expected = mean + np.outer(stats.norm.ppf(LEVELS), std)
    found = density.conditional_quantile([row], LEVELS)[:, 0]
    assert_allclose(found[:, [0, 2]], expected, rtol=1e-9)
    assert_array_equal(found[:, 1], row[1])
    lower, upper = density.conditional_interval([row], coverage=0.8)
    assert_allclose(lower[0, [0, 2]], mean - stats.norm.ppf(0.9) * std)
    assert_allclose(upper[0, [0, 2]], mean + stats.norm.ppf(0.9) * std)


def test_moments_behind_transformers_are_those_of_known_distributions():
    X = np.exp(np.random.default_rng(0).normal(1.0, 0.5, size=(300, 2)))
    density = TransformedDensity(FunctionTransformer(np.log, np.exp), GaussianDensity("diag"))
    density.fit(X)
    log_mean, log_std = density.density_.mean_[1], np.sqrt(density.density_.covariance_[1])
    known = stats.lognorm(log_std, scale=np.exp(log_mean))
    row = [[2.0, np.nan]]
    assert_allclose(density.conditional_std(row)[0, 1], known.std(), rtol=1e-10)
    found = density.conditional_quantile(row, LEVELS)[:, 0, 1]
    assert_allclose(found, known.ppf(LEVELS), rtol=1e-9)  # from 0 to inf
    mixture = MixtureDensity(density, random_state=0, max_iter=5).fit(X)
    x = mixture.conditional_quantile(row, 0.2)[0, 1]
    probability = density_of(mixture, np.array(row[0]), 1)
    below, _ = integrate.quad(lambda v: probability(v)[0], 0, x, epsabs=1e-12)
    assert_allclose(below, 0.2, atol=1e-10)


# ---------------------------------------------------------------------- against draws
@cases([case for case in CASES if case not in DISCRETE_CASES])
def test_draws_are_spread_alike(case):
    n_draws = 4000
    X = hide(case.data(3, seed=6), 0.5, 1)
    many = np.repeat(X, n_draws, axis=0)
    drawn = case.fitted.conditional_sample(many, random_state=1).reshape(3, n_draws, -1)
    missing = np.isnan(X)
    std = case.fitted.conditional_std(X)
    of_draws = drawn.std(axis=1)
    assert_allclose(std[missing], of_draws[missing], rtol=0.12)
    for level in (0.1, 0.5, 0.8):
        found = case.fitted.conditional_quantile(X, level)[:, np.newaxis]
        below = (drawn < found).mean(axis=1)[missing]
        up_to = (drawn <= found).mean(axis=1)[missing]
        assert (below <= level + 0.03).all()
        assert (up_to >= level - 0.03).all()


def test_densities_that_tell_nothing_are_asked_for_draws(monkeypatch):
    class Silent(GaussianDensity):
        _moments_missing = BaseDensity._moments_missing
        _margins_missing = BaseDensity._margins_missing

    X = np.random.default_rng(0).normal(size=(200, 2)) @ [[2.0, 1.0], [0.0, 1.0]]
    rows = [[1.0, np.nan], [np.nan, np.nan]]
    known, silent = GaussianDensity().fit(X), Silent().fit(X)
    monkeypatch.setattr(_completions, "TOGETHER", _completions.DRAWS)  # a row at a time
    assert_allclose(silent.conditional_std(rows), known.conditional_std(rows), rtol=0.1)
    levels = [0.2, 0.5, 0.9]
    found = silent.conditional_quantile(rows, levels)
    assert_allclose(found, known.conditional_quantile(rows, levels), atol=0.3)
    assert_array_equal(found, silent.conditional_quantile(rows, levels))


# ---------------------------------------------------------------------- evidence
PAIRS = ColumnDensity(
    [("coins", BernoulliIndependentDensity(), [0]), ("sizes", StepIndependentDensity(), [1])]
)
EVIDENCE = [  # a density with columns 0 of zeros and ones, 1 of real numbers, 2 of counts
    (MixtureDensity(PAIRS, random_state=0, max_iter=5), {1: (0.5, 2.0)}),
    (MixtureDensity(PAIRS, random_state=0, max_iter=5), {0: {1}}),
    (ColumnDensity([("counts", PoissonIndependentDensity(), [0, 1])]), {1: (2, 9)}),
    (ColumnDensity([("counts", NegativeBinomialIndependentDensity(), [0, 1])]), {1: (9, None)}),
    (BinnedDensity(ChowLiuTreeDensity(), 4, kinds=["count", "continuous"]), {0: (1, 3)}),
    (FullCategoricalDensity(n_categories=3), {0: {0, 2}}),
    (StepIndependentDensity(kinds="count"), {0: {0, 2, 3}}),
]


@pytest.mark.parametrize(("density", "evidence"), EVIDENCE)
def test_evidence_narrows_the_spread_as_it_does_draws(density, evidence):
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 300)
    if isinstance(density, MixtureDensity):
        X = np.column_stack([z, rng.normal(2.0 * z)])
    elif isinstance(density, BinnedDensity):
        X = np.column_stack([rng.poisson(1 + 4 * z), rng.normal(2.0 * z)])
    elif isinstance(density, FullCategoricalDensity):
        X = np.column_stack([z + rng.integers(0, 2, 300), 2 * z])
    else:
        X = rng.poisson(1 + 4 * z, size=(2, 300)).T
    density.fit(X)
    rows = np.full((20_000, 2), np.nan)
    drawn = density.conditional_sample(rows, random_state=0, evidence=evidence)
    std = density.conditional_std(rows[:1], evidence=evidence)[0]
    assert_allclose(std, drawn.std(axis=0), rtol=0.06)
    for level in (0.0, 0.2, 0.6, 1.0):
        found = density.conditional_quantile(rows[:1], level, evidence=evidence)[0]
        assert ((drawn < found).mean(axis=0) <= level + 0.015).all()
        assert ((drawn <= found).mean(axis=0) >= level - 0.015).all()
    (column,) = evidence
    if isinstance(evidence[column], tuple):
        low, high = density.conditional_interval(rows[:1], 1.0, evidence=evidence)
        assert low[0, column] == evidence[column][0]
        assert high[0, column] == (evidence[column][1] or np.inf)


def test_marginals_and_conditions_are_spread_as_the_joint_density():
    X = np.random.default_rng(0).normal(size=(80, 3)) @ [[2, 1, 0], [0, 1, 1], [0, 0, 1.0]]
    density = BinnedDensity(ChowLiuTreeDensity(), 4).fit(X)
    given, rows = density.condition({0: 0.5}), np.array([[0.5, 0.1, np.nan]])
    for name, arguments in (("conditional_std", ()), ("conditional_quantile", ([0.1, 0.7],))):
        expected = getattr(density, name)(rows, *arguments)
        assert_allclose(getattr(given, name)(rows[:, 1:], *arguments), expected[..., 1:])


# ---------------------------------------------------------------------- invariance
@pytest.mark.parametrize(("unit", "origin"), [(1e9, 0.0), (1e-9, 0.0), (1.0, 1e6)])
@pytest.mark.parametrize(
    "density",
    [
        MixtureDensity(GaussianDensity(), random_state=0, max_iter=5),
        BaggingDensity(BinnedDensity(ChowLiuTreeDensity(), 4), 2, random_state=0),
        StepIndependentDensity(),
        TransformedDensity(QuantileTransformer(n_quantiles=5), GaussianDensity()),
    ],
    ids=["mixture", "bagged bins", "steps", "transformed"],
)
def test_units_do_not_matter(density, unit, origin):
    X = np.random.default_rng(0).normal(size=(100, 2)) @ [[2.0, 1.0], [0.0, 1.0]]
    rows = hide(X[:8], 0.5)
    density.fit(X)
    std, table = density.conditional_std(rows), density.conditional_quantile(rows, INNER)
    density.fit(X * unit + origin)
    moved = rows * unit + origin
    assert_allclose(density.conditional_std(moved) / unit, std, rtol=1e-5)
    found = (density.conditional_quantile(moved, INNER) - origin) / unit
    assert_allclose(found, table, rtol=1e-5, atol=1e-6)


def test_blocks_and_threads_do_not_matter(monkeypatch):
    case = next(case for case in CASES if case.name == "mixture-gaussian")
    X = hide(case.data(9, seed=5), 0.5)
    asks = (
        ("conditional_std", lambda own: own.conditional_std(X)),
        (
            "conditional_quantile",
            lambda own: own.conditional_quantile(X, [0.1, 0.6]),
        ),
    )
    expected = [ask(case.fitted) for _, ask in asks]
    monkeypatch.setattr(_spread, "SPREAD_CELLS", 6)
    for (_, ask), own in zip(asks, expected, strict=True):
        assert_allclose(ask(case.fitted), own, rtol=1e-12)


def test_members_that_rule_a_row_out_have_no_say():
    coins = FullCategoricalDensity(alpha=0)
    blocks = ColumnDensity([("coins", coins, [0, 1]), ("size", GaussianDensity(), [2])])
    z = np.repeat([0, 1], 20)
    X = np.column_stack([z, z, 5.0 * z + np.random.default_rng(0).normal(size=40)])
    bag = GenerativeClassifier(blocks).fit(X, z)
    for label in (0, 1):
        row = [[label, np.nan, np.nan]]
        own = bag.densities_[label]
        assert_allclose(bag.conditional_std(row), own.conditional_std(row))
        expected = own.conditional_quantile(row, LEVELS)
        assert_allclose(bag.conditional_quantile(row, LEVELS), expected)
        assert_allclose(bag.conditional_interval(row)[1], own.conditional_interval(row)[1])
    drawn = bag.conditional_sample([[0, np.nan, np.nan]], random_state=0, n_samples=3)
    assert drawn.shape == (3, 1, 3)
    assert_array_equal(drawn[..., 1], 0)


# ---------------------------------------------------------------------- tables
def make_frame(n_rows=150):
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, n_rows)
    start = np.datetime64("2020-01-01")
    return pd.DataFrame(
        {
            "town": np.array(["Rome", "Oslo", "Lima"])[group],
            "rooms": group + rng.integers(1, 4, n_rows),
            "visits": rng.poisson(20 + 10 * group),
            "weight": rng.normal(60 + 10 * group, 5).round(1),
            "day": start + (100 * group + rng.integers(0, 60, n_rows)).astype("timedelta64[D]"),
            "stay": pd.to_timedelta(rng.integers(60, 600, n_rows) * (1 + group), unit="s"),
            "smokes": rng.random(n_rows) < 0.2 + 0.3 * (group == 1),
        },
        index=np.arange(n_rows) + 7,
    )


@pytest.fixture(scope="module")
def table():
    return TableDensity(ChowLiuTreeDensity()).fit(make_frame())


def test_frames_give_frames_of_what_their_columns_hold(table):
    frame = make_frame()
    holes = frame.iloc[:40].copy()
    for place, name in enumerate(frame.columns):
        holes[name] = holes[name].astype("boolean" if name == "smokes" else frame[name].dtype)
        holes[name] = holes[name].mask(np.arange(40) % 7 == place)
    numbers = ["rooms", "visits", "weight", "day", "stay"]
    lower, upper = table.conditional_interval(holes, 0.9)
    several = table.conditional_quantile(holes, [0.05, 0.95])
    pd.testing.assert_frame_equal(several[0], lower)
    pd.testing.assert_frame_equal(several[1], upper)
    for found in (lower, upper):
        assert found.index.equals(holes.index)
        for name in ("town", "smokes"):
            assert_array_equal(found[name].isna(), holes[name].isna())
        for name in numbers:
            kept = holes[name].notna()
            assert (found[name][kept] == frame[name][holes.index][kept]).all()
            assert frame[name].isin(found[name]).any()
        assert (found["visits"] == found["visits"].round()).all()
        assert (found["day"] == found["day"].dt.normalize()).all()
    drawn = table.conditional_sample(holes, random_state=0, n_samples=200)
    std = table.conditional_std(holes)
    assert std.index.equals(holes.index)
    assert std[["town", "smokes"]].isna().all(axis=None)
    for name in numbers:
        column = pd.concat([one[name] for one in drawn], axis=1)[holes[name].isna()]
        inside = column.ge(lower[name][holes[name].isna()], axis=0)
        inside &= column.le(upper[name][holes[name].isna()], axis=0)
        assert inside.mean(axis=None) > 0.85
        is_time = name in ("day", "stay")
        assert std[name].dtype.kind == ("m" if is_time else "f")
        zero = pd.Timedelta(0) if is_time else 0.0
        assert (std[name][holes[name].notna()] == zero).all()
        of_draws = column.std(axis=1)
        ratio = std[name][holes[name].isna()] / of_draws
        assert ratio.between(0.8, 1.3).all()


def test_other_libraries_give_their_own_tables(table):
    holes = make_frame().iloc[:4].reset_index(drop=True)
    holes.loc[1, "weight"], holes.loc[2, "day"] = np.nan, pd.NaT
    polars = pl.from_pandas(holes)
    median, std = table.conditional_quantile(polars, 0.5), table.conditional_std(polars)
    assert median["weight"].null_count() == 0
    assert isinstance(std["day"][2], datetime.timedelta)
    assert std["weight"].to_list()[0] == 0.0
    assert std["town"].null_count() == 4
    expected = table.conditional_std(holes)
    assert_allclose(std["weight"].to_numpy(), expected["weight"])


def test_sparse_rows_stay_sparse():
    X = np.random.default_rng(0).integers(0, 2, (30, 4))
    density = BernoulliIndependentDensity().fit(X)
    rows = hide(X[:6], 0.3)
    for name, arguments in (("conditional_std", ()), ("conditional_quantile", (0.7,))):
        found = getattr(density, name)(sparse.csr_array(rows), *arguments)
        assert_allclose(found.toarray(), getattr(density, name)(rows, *arguments))
    assert len(density.conditional_quantile(sparse.csr_array(rows), [0.2, 0.7])) == 2


# ---------------------------------------------------------------------- arguments
def test_complete_rows_are_returned_as_they_are():
    X = np.random.default_rng(0).poisson(3.0, size=(30, 2))
    density = PoissonIndependentDensity().fit(X)
    assert_array_equal(density.conditional_std(X), np.zeros(X.shape))
    assert_array_equal(density.conditional_quantile(X, [0.1, 0.9]), [X, X])
    drawn = density.conditional_sample(X, n_samples=2)
    assert_array_equal(drawn, [X, X])
    assert drawn.dtype == X.dtype


def test_columns_of_a_single_count_have_no_spread():
    X = np.zeros((5, 1))
    for family in (PoissonIndependentDensity, NegativeBinomialIndependentDensity):
        density = family(alpha=0).fit(X)
        assert_array_equal(density.conditional_quantile([[np.nan]], [0, 0.5, 1]), [[[0]]] * 3)
        assert_array_equal(density.conditional_std([[np.nan]]), [[0]])


def test_completions_are_drawn_independently():
    X = np.random.default_rng(0).normal(size=(50, 2))
    density = GaussianDensity().fit(X)
    rows = [[0.0, np.nan], [np.nan, np.nan]]
    drawn = density.conditional_sample(rows, random_state=0, n_samples=5)
    assert drawn.shape == (5, 2, 2)
    assert_array_equal(drawn[:, 0, 0], 0)
    assert len(np.unique(drawn[:, 0, 1])) == 5
    assert_array_equal(drawn, density.conditional_sample(rows, random_state=0, n_samples=5))
    for wrong in (0, 1.0, True):
        with pytest.raises(ValueError, match="n_samples must be an integer of 1 or more"):
            density.conditional_sample(rows, n_samples=wrong)


def test_invalid_levels_are_refused():
    density = GaussianDensity().fit(np.random.default_rng(0).normal(size=(20, 2)))
    rows = [[0.0, np.nan]]
    for wrong in (-0.1, 1.1, np.nan, "half", None, [], [0.5, 2], [[0.5]]):
        with pytest.raises(ValueError, match="q must be a number from 0 to 1 or a sequence"):
            density.conditional_quantile(rows, wrong)
    for wrong in (-0.1, 1.1, np.nan, "half", None, [0.5], True):
        with pytest.raises(ValueError, match="coverage must be a number from 0 to 1, got"):
            density.conditional_interval(rows, wrong)
    coins = FullCategoricalDensity(alpha=0).fit([[0, 0, 1], [1, 1, 0]])
    for ask in (coins.conditional_std, lambda X: coins.conditional_quantile(X, 0.5)):
        with pytest.raises(ValueError, match="probability zero under the model: row 1"):
            ask([[0, 0, np.nan], [0, 1, np.nan]])
