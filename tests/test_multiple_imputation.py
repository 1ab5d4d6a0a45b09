"""Rubin's rules, analyses of complete tables, and completions that carry their uncertainty."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from skdgm import (
    CategoricalIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    MultipleImputer,
    TableDensity,
    pool_estimates,
)
from skdgm.impute import column_means, linear_regression, logistic_regression


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    X[:, 2] += X[:, 0] - 0.5 * X[:, 1]
    return X


def with_holes(X, share=0.3, seed=1):
    X = X.copy()
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return X


# ---------------------------------------------------------------------- Rubin's rules
def test_pooled_estimates_follow_the_rules():
    q = np.array([[1.0, 4.0], [2.0, 4.5], [4.0, 3.0], [3.0, 5.0]])
    u = np.array([[1.0, 0.5], [2.0, 0.7], [1.5, 0.6], [1.1, 0.4]])
    pooled = pool_estimates(q, u, degrees_of_freedom=30, names=["a", "b"])
    m, between, within = 4, q.var(axis=0, ddof=1), u.mean(axis=0)
    total = within + (1 + 1 / m) * between
    np.testing.assert_allclose(pooled.estimate, q.mean(axis=0))
    np.testing.assert_allclose(pooled.standard_error, np.sqrt(total))
    r = (1 + 1 / m) * between / within
    np.testing.assert_allclose(pooled.relative_increase, r)
    share = r / (1 + r)
    old, observed = (m - 1) / share**2, 31 / 33 * 30 * (1 - share)
    df = old * observed / (old + observed)
    np.testing.assert_allclose(pooled.degrees_of_freedom, df)
    np.testing.assert_allclose(pooled.fraction_missing, (r + 2 / (df + 3)) / (1 + r))
    low, high = pooled.confidence_interval(0.9).T
    np.testing.assert_allclose((low + high) / 2, pooled.estimate)
    np.testing.assert_allclose((high - low) / 2, stats.t.ppf(0.95, df) * np.sqrt(total))
    np.testing.assert_allclose(pooled.p_value, 2 * stats.t.sf(pooled.estimate / np.sqrt(total), df))
    frame = pooled.to_frame()
    assert list(frame.index) == ["a", "b"]
    np.testing.assert_allclose(frame["standard_error"], np.sqrt(total))
    assert [line.split()[0] for line in repr(pooled).splitlines()[1:]] == ["a", "b"]


def test_limits_of_the_rules():
    """Rubin's own degrees of freedom for many rows, and those of the rows if nothing is missing."""
    q, u = np.array([1.0, 2.0, 3.0]), np.ones(3)
    share = (4 / 3) / (1 + 4 / 3)
    np.testing.assert_allclose(pool_estimates(q, u).degrees_of_freedom, 2 / share**2)
    same = pool_estimates([2.0, 2.0], [0.5, 0.5], degrees_of_freedom=17)
    assert same.degrees_of_freedom == [17]
    assert same.fraction_missing == [0]
    np.testing.assert_allclose(same.standard_error, np.sqrt(0.5))
    only = pool_estimates(q, np.zeros(3), degrees_of_freedom=17)
    assert only.relative_increase == [np.inf]
    assert only.fraction_missing == [1]
    np.testing.assert_array_equal(only.confidence_interval(), [[-np.inf, np.inf]])
    assert only.p_value == [1]
    assert pool_estimates(q, np.zeros(3)).degrees_of_freedom == [2]
    assert pool_estimates([0.0, 0.0], [0.0, 0.0]).p_value == [1]


def test_rounding_is_not_taken_for_missing_information():
    """The mean of equal numbers may differ from them in the last bit."""
    for m in (3, 7, 20):
        for q in (0.1, 1 / 3, 1e6 / 7):
            estimates = q * (1 + np.finfo(float).eps * (np.arange(m) % 2))
            for own in (np.full(m, q), estimates):
                pooled = pool_estimates(own, np.full(m, 0.5), degrees_of_freedom=17)
                assert pooled.degrees_of_freedom == [17]
                assert pooled.fraction_missing == [0]
                assert pooled.relative_increase == [0]


def test_covariances_are_pooled_as_matrices():
    rng = np.random.default_rng(0)
    q, roots = rng.normal(size=(5, 2)), rng.normal(size=(5, 2, 2))
    u = roots @ roots.transpose(0, 2, 1)
    pooled = pool_estimates(q, u)
    np.testing.assert_allclose(pooled.covariance, u.mean(axis=0) + 1.2 * np.cov(q.T))
    alone = pool_estimates(q[:, 0], u[:, 0, 0])
    np.testing.assert_allclose(alone.standard_error, pooled.standard_error[:1])


def test_what_cannot_be_pooled_is_refused_in_a_sentence():
    for arguments, message in (
        (([1.0], [1.0]), "at least two completed tables"),
        (([1.0, 2.0], [1.0, 2.0, 3.0]), "variances must have the shape"),
        (([1.0, np.nan], [1.0, 1.0]), "finite numbers"),
        (([1.0, 2.0], [1.0, -1.0]), "must not be negative"),
        (([1.0, 2.0], [1.0, 1.0], 0), "degrees_of_freedom must be positive"),
        (([1.0, 2.0], [1.0, 1.0], [3, 4]), "degrees_of_freedom must be a number or have the shape"),
        (([1.0, 2.0], [1.0, 1.0], 3, ["a", "b"]), "names must name the 1"),
    ):
        with pytest.raises(ValueError, match=message):
            pool_estimates(*arguments)
    with pytest.raises(ValueError, match="level must lie"):
        pool_estimates([1.0, 2.0], [1.0, 1.0]).confidence_interval(95)


# ---------------------------------------------------------------------- analyses
def test_means_and_their_covariance(rows):
    estimate, covariance, df = column_means(rows)
    np.testing.assert_allclose(list(estimate.values()), rows.mean(axis=0))
    np.testing.assert_allclose(covariance, np.cov(rows.T) / len(rows))
    assert df == len(rows) - 1
    assert list(estimate) == ["x0", "x1", "x2"]


def test_linear_regression_equals_scikit_learns(rows):
    kind = np.random.default_rng(2).choice(["u", "v", "w"], len(rows))
    table = pd.DataFrame(rows, columns=list("abc")).assign(kind=kind)
    estimate, _covariance, df = linear_regression(table, "c", ["a", "kind"])
    design = np.column_stack([rows[:, 0], kind == "v", kind == "w"]).astype(float)
    reference = LinearRegression().fit(design, rows[:, 2])
    assert list(estimate) == ["intercept", "a", "kind=v", "kind=w"]
    np.testing.assert_allclose(list(estimate.values()), [reference.intercept_, *reference.coef_])
    slope = stats.linregress(rows[:, 0], rows[:, 2])
    _, alone, _ = linear_regression(rows, 2, [0])
    np.testing.assert_allclose(np.sqrt(np.diag(alone)), [slope.intercept_stderr, slope.stderr])
    assert df == len(rows) - 4


def test_logistic_regression_is_the_maximum_of_the_likelihood(rows):
    X = rows[:, :2] * [1.0, 1e4]
    y = np.random.default_rng(3).random(len(rows)) < 1 / (1 + np.exp(0.3 - rows[:, 0]))
    table = pd.DataFrame(X, columns=["a", "b"]).assign(y=np.where(y, "yes", "no"))
    estimate, covariance, _ = logistic_regression(table, "y")
    scaled = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(rows[:, :2], y)
    expected = [scaled.intercept_[0], *(scaled.coef_[0] / [1.0, 1e4])]
    np.testing.assert_allclose(list(estimate.values()), expected, rtol=1e-4)
    design = np.column_stack([np.ones(len(X)), X])
    p = scaled.predict_proba(rows[:, :2])[:, 1]
    information = design.T @ (design * (p * (1 - p))[:, np.newaxis])
    np.testing.assert_allclose(
        np.sqrt(np.diag(covariance)), np.sqrt(np.diag(np.linalg.inv(information))), rtol=1e-4
    )


def test_units_and_origins_do_not_matter_to_regressions(rows):
    """Years, or tiny differences of large numbers, have the coefficients of centred columns."""
    y = rows[:, 2] > 0.3
    for analysis, target in ((linear_regression, rows[:, 2]), (logistic_regression, y)):
        centred, covariance, _ = analysis(np.column_stack([rows[:, :2], target]), 2)
        moved = np.column_stack([rows[:, :2] * [1e-3, 1e5] + [2000.0, 1e9], target])
        estimate, own, _ = analysis(moved, 2)
        for j, factor in ((1, 1e-3), (2, 1e5)):
            name = f"x{j - 1}"
            np.testing.assert_allclose(estimate[name] * factor, centred[name], rtol=1e-6)
            np.testing.assert_allclose(own[j, j] * factor**2, covariance[j, j], rtol=1e-6)


def test_rows_far_out_are_not_taken_for_separation():
    """Log-odds of 50 and more are no sign of it; a value that only one class has, is."""
    rng = np.random.default_rng(0)
    x = np.exp(2 * rng.normal(size=300))
    y = rng.random(300) < 1 / (1 + np.exp(1 - x))
    estimate, _, _ = logistic_regression(np.column_stack([x, y]), 1)
    assert estimate["x0"] * x.max() > 50
    odds = 1 / (1 + np.exp(-estimate["intercept"] - estimate["x0"] * x))
    np.testing.assert_allclose([np.sum(y - odds), np.sum(x * (y - odds))], 0, atol=1e-6)
    kind = rng.choice(["a", "b", "c"], 300)
    table = pd.DataFrame({"kind": kind, "y": (kind != "a") & (rng.random(300) < 0.5)})
    with pytest.raises(ValueError, match="separate the values of 'y'"):
        logistic_regression(table, "y")


def test_columns_may_be_named_by_numbers(rows):
    estimate, _, _ = linear_regression(pd.DataFrame(rows), 2)
    expected, _, _ = linear_regression(rows, 2)
    assert list(estimate) == ["intercept", "0", "1"]
    assert list(estimate.values()) == list(expected.values())


def test_categories_that_are_declared_have_coefficients_in_their_order(rows):
    size = pd.Categorical(np.repeat(["s", "m", "l"], 40), ["s", "m", "l"], ordered=True)
    table = pd.DataFrame({"size": size, "y": rows[:, 0]})
    estimate, _, _ = linear_regression(table, "y")
    assert list(estimate) == ["intercept", "size=m", "size=l"]
    mean = table.groupby("size", observed=True)["y"].mean()
    np.testing.assert_allclose(estimate["size=l"], mean["l"] - mean["s"])


def test_analyses_that_make_no_sense_are_refused_in_a_sentence(rows):
    twice = np.column_stack([rows, rows[:, 0] * 2])
    labels = pd.DataFrame({"a": rows[:, 0], "b": ["x", "y", "z"] * 40, "c": rows[:, 0] > 0})
    kinds = pd.Categorical(labels["b"], ["w", "x", "y", "z"])
    days = pd.date_range("2020-01-01", periods=120)
    clash = pd.DataFrame({"b=y": rows[:, 0], "b": labels["b"], "a": rows[:, 1]})
    for call, message in (
        (lambda: linear_regression(twice, 1), "linearly dependent"),
        (lambda: linear_regression(rows, "age"), "No column is named 'age'"),
        (lambda: linear_regression(labels, "b"), "holds no numbers"),
        (lambda: linear_regression(rows, 0, [0, 1]), "must not hold the target"),
        (lambda: linear_regression(rows[:2], 0), "at least 4 rows"),
        (lambda: linear_regression(with_holes(rows), 0), "missing or infinite"),
        (lambda: logistic_regression(labels, "b"), "column of two values"),
        (lambda: logistic_regression(labels, "c", ["a"]), "separate the values"),
        (lambda: column_means(labels, ["b"]), "holds no numbers"),
        (lambda: column_means(labels, ["a", 0]), "'a' is repeated"),
        (lambda: linear_regression(labels.assign(b=kinds), "a"), "No row has the category 'w'"),
        (lambda: linear_regression(labels.mask(labels == "x"), "a"), "'b' holds missing"),
        (lambda: linear_regression(labels.assign(b=days), "a"), "'b' holds dates"),
        (lambda: linear_regression(clash, "a"), "would be called 'b=y'"),
        (lambda: linear_regression(clash.rename(columns={"b=y": "intercept"}), "a"), "would be"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match=r"give \['ab'\]"):
        linear_regression(labels.rename(columns={"a": "ab"}), "c", "ab")


# ---------------------------------------------------------------------- the imputer
def test_complete_tables_are_analysed_as_they_are(rows):
    imputer = MultipleImputer(GaussianDensity(), 3, random_state=0).fit(rows)
    pooled = imputer.pool(rows, linear_regression, target=2)
    estimate, covariance, df = linear_regression(rows, 2)
    np.testing.assert_allclose(pooled.estimate, list(estimate.values()))
    np.testing.assert_allclose(pooled.covariance, covariance)
    assert (pooled.degrees_of_freedom == df).all()
    assert not pooled.fraction_missing.any()


def test_completions_keep_what_is_observed_and_follow_the_seed(rows):
    holes = with_holes(rows)
    tables = MultipleImputer(GaussianDensity(), 4, random_state=0).fit(holes).completions(holes)
    seen = ~np.isnan(holes)
    for table in tables:
        np.testing.assert_array_equal(table[seen], holes[seen])
        assert np.isfinite(table).all()
    assert not np.array_equal(tables[0], tables[1])
    threads = MultipleImputer(GaussianDensity(), 4, random_state=0, n_jobs=2).fit(holes)
    np.testing.assert_array_equal(threads.completions(holes), tables)
    np.testing.assert_array_equal(threads.completions(holes), tables)


def test_completions_vary_by_what_is_not_known_of_the_density():
    """With few rows, the mean of many draws differs between completions by its standard error."""
    X = np.random.default_rng(0).normal(size=(25, 1))
    imputer = MultipleImputer(GaussianDensity(), 60, random_state=0).fit(X)
    means = [table.mean() for table in imputer.completions(np.full((2000, 1), np.nan))]
    np.testing.assert_allclose(np.std(means), X.std() / 5, rtol=0.35)


def test_frames_of_numbers_stay_frames(rows):
    frame = pd.DataFrame(with_holes(rows), columns=list("abc"), index=np.arange(len(rows)) + 5)
    imputer = MultipleImputer(GaussianDensity(), 2, random_state=0).fit(frame)
    arrays = MultipleImputer(GaussianDensity(), 2, random_state=0).fit(frame.to_numpy())
    table = imputer.completions(frame)[1]
    assert table.index.equals(frame.index)
    np.testing.assert_array_equal(table, arrays.completions(frame.to_numpy())[1])
    assert imputer.pool(frame, linear_regression, target="c").names == ["intercept", "a", "b"]


def test_more_missing_cells_leave_less_information(rows):
    lost = []
    for share in (0.1, 0.5):
        holes = with_holes(rows, share)
        imputer = MultipleImputer(GaussianDensity(), 10, random_state=0).fit(holes)
        lost.append(imputer.pool(holes, column_means).fraction_missing.mean())
    assert 0.02 < lost[0] < lost[1] < 1


def test_frames_are_completed_as_frames_and_analyses_may_be_your_own():
    rng = np.random.default_rng(0)
    kind = rng.choice(["cat", "dog"], 80)
    pets = pd.DataFrame(
        {"kind": kind, "weight": np.where(kind == "cat", 4, 20) + rng.normal(size=80)}
    )
    pets.loc[::4, "kind"] = None
    pets.loc[1::4, "weight"] = None
    imputer = MultipleImputer(TableDensity(ChowLiuTreeDensity()), 3, random_state=0).fit(pets)
    for table in imputer.completions(pets):
        assert table.notna().all(axis=None)
        assert list(table.columns) == ["kind", "weight"]
    pooled = imputer.pool(pets, linear_regression, target="weight")
    assert pooled.names == ["intercept", "kind=dog"]
    assert 10 < pooled.estimate[1] < 22

    def share_of_cats(table, value):
        share = (table["kind"] == value).mean()
        return share, share * (1 - share) / len(table), np.inf

    own = imputer.pool(pets, share_of_cats, value="cat")
    assert own.names == ["x0"]
    assert 0.3 < own.estimate[0] < 0.7
    with pytest.raises(TypeError, match="must return a tuple"):
        imputer.pool(pets, lambda table: 1.0)


def test_names_and_not_the_order_tell_which_variance_is_whose(rows):
    imputer = MultipleImputer(GaussianDensity(), 2, random_state=0).fit(rows)
    means = pd.Series({"a": 1.0, "b": 2.0})
    variances = pd.Series({"b": 4.0, "a": 1.0})
    square = pd.DataFrame([[4.0, 0.5], [0.5, 1.0]], ["b", "a"], ["b", "a"])
    for variance in (variances, dict(variances), square):
        pooled = imputer.pool(rows, lambda table, own=variance: (means, own, np.inf))
        assert pooled.names == ["a", "b"]
        np.testing.assert_allclose(pooled.standard_error, [1, 2])
    for estimate, variance in ((means, variances[:1]), ([1.0, 2.0], variances)):
        with pytest.raises(ValueError, match="must name the same parameters"):
            imputer.pool(rows, lambda table, own=(estimate, variance): (*own, np.inf))
    sizes = iter([1, 2])

    def growing(table):
        return (ones := np.ones(next(sizes))), ones, np.inf

    with pytest.raises(ValueError, match="gives other parameters for completion 1"):
        imputer.pool(rows, growing)


def test_a_value_that_some_bootstrap_samples_lack_is_known_to_all():
    X = np.zeros((30, 2))
    X[0, 0], X[1:, 1] = 1, np.arange(29) % 2
    X[5:9, 1] = np.nan
    imputer = MultipleImputer(CategoricalIndependentDensity(), 8, random_state=0).fit(X)
    assert len(imputer.completions(X)) == 8
