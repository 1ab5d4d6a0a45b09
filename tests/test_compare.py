"""The comparison of classifiers: its table, its input, hidden cells, missing values, and Ctrl-C."""

import dataclasses
import pickle
import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from skdgm import compare_classifiers
from skdgm.comparison import _compare as compare
from skdgm.comparison._models import (
    BOOSTING,
    MaskedIterativeImputer,
    ValuesForEveryClass,
    cut,
)
from skdgm.comparison._result import COLUMNS
from skdgm.comparison._table_classifier import TableClassifier, column_kinds
from skdgm.comparison._tables import HIDDEN_SHARES, check_features, hide, make_preparation

pytestmark = pytest.mark.usefixtures("small_grids")
SECONDS = ["fit_seconds", "predict_seconds"]
QUICK = ["LogisticRegression", "BernoulliIndependentDensity"]


def make_table():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 12)
    return rng.normal(size=(36, 3)) + 2 * y[:, None], y


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def mixed():
    """Numbers, text, booleans, missing values, constants, and a column of identifiers."""
    rng = np.random.default_rng(1)
    y = np.repeat(["no", "yes"], 20)
    X = pd.DataFrame(
        {
            "amount": rng.normal(size=40) + 3 * (y == "yes"),
            "count": rng.integers(0, 5, 40),
            "colour": rng.choice(["red", "blue"], 40),
            "member": rng.choice([True, False], 40),
            "id": [f"row {i}" for i in range(40)],
            "constant": 7,
            "nothing": [None] * 40,
            "rare": ["once"] + [None] * 39,
        }
    )
    X.loc[3, "amount"] = np.nan
    X.loc[[4, 5], "colour"] = None
    return X, y


def quick(X, y, **settings):
    settings = {"models": QUICK, "folds": 2, "random_state": 0, "verbose": False} | settings
    return compare_classifiers(X, y, **settings)


@cache
def compare_once():
    return quick(*make_table())


@pytest.fixture
def compared(small_grids):
    """A comparison of the quick models on the table, made once."""
    return compare_once()


# ---------------------------------------------------------------------- the table
def test_all_models_run_on_an_array(table):
    X, y = table
    before = X.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare_classifiers(X, y, folds=2, random_state=0, verbose=False)
    assert list(result.table.index) == list(result.models)
    assert len(result.models) == 12
    assert list(result.table.columns) == COLUMNS
    assert not result.interrupted
    assert result.shape == (36, 3, 3)
    assert (result.table[SECONDS] > 0).all(axis=None)
    assert result.table[["accuracy", *HIDDEN_SHARES]].stack().between(0, 1).all()
    assert np.isfinite(result.table["log_loss"].to_numpy()).all()
    assert result.table.loc["GaussianDiscriminant", "accuracy"] > 0.8
    for model in pickle.loads(pickle.dumps(result)).models.values():
        assert set(model.predict(X)) <= {0, 1, 2}
    np.testing.assert_array_equal(X, before)


def test_numbers_of_parameters_are_exact():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(24, 70)), np.repeat(["a", "b"], 12)
    models = [*QUICK, "FullCategoricalDensity"]
    counts = quick(X, y, models=models).table["n_parameters"]
    assert counts.tolist() == [2 * 70 + 2, 2 * 70 + 1, 2 * (2**70 - 1) + 1]
    assert all(type(count) is int for count in counts)


def test_accuracy_and_log_loss_agree_with_scikit_learn(table):
    X, y = table
    result = quick(X, y, models=["LogisticRegression"])
    seed = int(np.random.default_rng(0).integers(2**32))
    expected = []
    for train, test in StratifiedKFold(2, shuffle=True, random_state=seed).split(X, y):
        model = clone(result.models["LogisticRegression"]).fit(X[train], y[train])
        probability = model.predict_proba(X[test])
        accuracy = accuracy_score(y[test], model.predict(X[test]))
        expected.append((accuracy, log_loss(y[test], probability)))
    accuracies, losses = np.transpose(expected)
    row = result.table.loc["LogisticRegression"]
    assert row["accuracy"] == pytest.approx(accuracies.mean())
    assert row["accuracy_std"] == pytest.approx(accuracies.std())
    assert row["log_loss"] == pytest.approx(losses.mean())


def test_same_seed_gives_the_same_table(table, compared):
    first = compared.table
    again, other = (quick(*table, random_state=seed).table for seed in (0, 4))
    pd.testing.assert_frame_equal(first.drop(columns=SECONDS), again.drop(columns=SECONDS))
    assert not first.drop(columns=SECONDS).equals(other.drop(columns=SECONDS))


def test_all_models_run_on_mixed_columns_with_missing_values(mixed):
    X, y = mixed
    amount = X["amount"].mask(np.random.default_rng(0).random(40) < 0.2)
    X = X.assign(amount=amount, price=amount.where(y == "yes"))  # a class without values
    before = X.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare_classifiers(X, y, folds=2, random_state=0, verbose=False)
        predicted = [model.predict(X.iloc[:4]) for model in result.models.values()]
    pd.testing.assert_frame_equal(X, before)
    assert len(predicted) == 13
    assert set(np.ravel(predicted)) <= {"no", "yes"}
    assert result.table.loc["LogisticRegression", "accuracy"] > 0.7
    accuracy = result.table["accuracy"].drop(BOOSTING)  # leaves of 20 rows: it has no more
    assert (accuracy > 0.5).all()
    assert np.isfinite(result.table["log_loss"].to_numpy()).all()
    unseen = X.iloc[:1].assign(colour="green")
    assert len(result.models["LogisticRegression"].predict_proba(unseen)) == 1


def test_all_models_run_on_one_column_and_few_rows():
    y = np.repeat([0, 1], 4)
    X = np.random.default_rng(0).normal(size=(8, 1)) + y[:, None]
    result = compare_classifiers(X, y, folds=2, random_state=0, verbose=False)
    assert len(result.table) == 12


def test_other_column_types_are_accepted():
    y = np.repeat([False, True], 10)
    X = pd.DataFrame({0: np.arange(20.0), "kind": pd.Categorical(["u", "v"] * 10)})
    X[1] = pd.array([1, None] * 10, dtype="Int64")
    assert quick(X, pd.Series(y, index=range(5, 25))).table["accuracy"].iloc[0] == 1
    assert len(quick(X.to_numpy(), y.tolist(), models="LogisticRegression").table) == 1
    result = quick([[1, "a"], [2, "b"]] * 10, pd.array(y.astype(int), dtype="Int64"))
    assert result.models[QUICK[0]].classes_.dtype.kind == "i"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_the_csv_file_runs_as_a_formula(compared, tmp_path, start):
    result = compared
    names = [f"{start}1+1", "plain\r=1"]
    changed = result.table.set_axis(names).assign(log_loss=-0.5, note=f"{start}2")
    dataclasses.replace(result, table=changed).to_csv(tmp_path / "out.csv")
    saved = pd.read_csv(tmp_path / "out.csv", index_col=0)
    written = start.replace("\r", "\n")
    assert saved.index.tolist() == [f"'{written}1+1", "plain\n=1"]
    assert saved["note"].tolist() == [f"'{written}2"] * 2
    assert saved["log_loss"].tolist() == [-0.5, -0.5]
    assert saved["n_parameters"].tolist() == result.table["n_parameters"].tolist()


# ---------------------------------------------------------------------- hidden cells
@pytest.mark.parametrize("as_frame", [False, True])
def test_hide_hides_the_exact_share_and_leaves_the_input_unchanged(as_frame, mixed):
    X = check_features(mixed[0])[["amount", "colour"]].fillna({"amount": 0.0, "colour": "red"})
    X = X if as_frame else np.ones((40, 2))
    order = compare._rank_cells(40, 2, np.random.default_rng(0))
    missing = [pd.isna(np.asarray(hide(X, share, order))) for share in (0, 0.3, 0.6)]
    assert [hidden.sum() for hidden in missing] == [0, 24, 48]
    assert missing[2][missing[1]].all()  # a larger share hides all that a smaller one does
    assert not pd.isna(np.asarray(X)).any()


def test_preparation_keeps_missing_values(mixed):
    X = check_features(mixed[0])
    prepared = make_preparation(X).fit(X).transform(X)
    missing = np.isnan(prepared)
    assert np.flatnonzero(missing[:, 0]).tolist() == [3]
    in_pairs = missing[[4, 5]].sum(axis=1) - missing[0].sum()
    assert missing[0].sum() == 1  # "nothing"
    assert in_pairs.tolist() == [3, 3]  # two columns of colour, one of "rare"
    seen = prepared[~missing.any(axis=1)]
    assert set(np.unique(seen[:, 4:])) <= {0.0, 1.0, 7.0}
    all_hidden = hide(X, 1.0, np.arange(40 * 8).reshape(40, 8))
    assert np.isnan(make_preparation(X).fit(X).transform(all_hidden)).all()


def test_missing_values_are_imputed_by_the_training_mean(mixed):
    X, y = mixed
    model = quick(X, y, models="LogisticRegression").models["LogisticRegression"]
    all_hidden = X.mask(np.ones(X.shape, dtype=bool))
    imputed = model.best_estimator_["prepare"].transform(all_hidden)
    assert imputed[0, 0] == pytest.approx(X["amount"].mean())
    assert (imputed == imputed[0]).all()


@pytest.mark.parametrize(
    "name", ["BernoulliIndependentDensity", "GaussianDiscriminant", "MarkovChainImageDensity"]
)
def test_hidden_cells_reach_generative_models_as_nan(name, table):
    X, y = table
    result = quick(X, y, models=[name])
    generator = np.random.default_rng(0)
    seed = int(generator.integers(2**32))
    splits = list(StratifiedKFold(2, shuffle=True, random_state=seed).split(X, y))
    orders = [compare._rank_cells(18, 3, generator) for _ in splits]
    accuracy = []
    for (train, test), order in zip(splits, orders, strict=True):
        model = clone(result.models[name]).fit(X[train], y[train])
        X_hidden = np.where(order < round(0.6 * order.size), np.nan, X[test])
        accuracy.append(accuracy_score(y[test], model.predict(X_hidden)))
    assert result.table.loc[name, "accuracy_60_hidden"] == pytest.approx(np.mean(accuracy))
    nothing_seen = result.models[name].predict_proba(np.full((1, 3), np.nan))
    np.testing.assert_allclose(nothing_seen, 1 / 3)


def test_gaussian_models_cope_better_with_hidden_cells():
    X, y = load_digits(return_X_y=True)
    models = [
        "LogisticRegression",
        "IterativeImputer + LogisticRegression",
        "PCAProjection + GaussianDiscriminant",
        "GaussianDiscriminant",
        "GaussianDensity low_rank",
    ]
    table = quick(X[:400, 24:48], y[:400], models=models).table  # the middle of the images
    mean, iterative, projected, *integrated = table["accuracy_60_hidden"]
    assert mean + 0.05 < min(iterative, projected)
    assert iterative + 0.02 < min(integrated)
    assert table["accuracy"].iloc[0] == table["accuracy"].iloc[1]  # nothing is imputed there


def test_iterative_imputation_learns_from_hidden_cells():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 1)) * [1.0, 2.0, -1.0, 3.0] + rng.normal(0, 0.3, (400, 4)) + 10
    imputer = MaskedIterativeImputer().fit(X)
    complete = imputer.transform(X)
    np.testing.assert_allclose(np.corrcoef(complete[:, 1], X[:, 1])[0, 1], 1)
    for n_hidden in (1, 2, 3):  # predicted well from one column and from three
        X_hidden = np.where(np.arange(4) < n_hidden, np.nan, X)
        assert np.corrcoef(imputer.transform(X_hidden)[:, 0], X[:, 0])[0, 1] > 0.9
    pd.testing.assert_frame_equal(
        *(pd.DataFrame(MaskedIterativeImputer().fit(X).transform(X_hidden)) for _ in range(2))
    )


# ---------------------------------------------------------------------- missing training values
def test_models_learn_from_arrays_with_missing_values(table):
    X, y = table
    rng = np.random.default_rng(0)
    X = np.c_[X, X + rng.normal(size=X.shape)]
    X[rng.random(X.shape) < 0.2] = np.nan
    X[y == 1, 0] = np.nan  # a class without values
    X[:, 4] = np.nan  # no value at all
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        arrays = quick(X, y, models=["LogisticRegression", "GaussianDensity low_rank"])
    assert (arrays.table["accuracy"] > 0.5).all()
    assert np.isfinite(arrays.table["log_loss"].to_numpy()).all()


def test_class_without_values_borrows_them():
    nan = np.nan
    X = np.array([[1.0, nan], [2.0, nan], [3.0, nan], [nan, nan], [nan, nan], [nan, nan]])
    y = np.array([0, 0, 1, 2, 2, 2])
    step = ValuesForEveryClass()
    lent = step.fit_transform(X, y)
    np.testing.assert_array_equal(lent[:3], np.c_[[1, 2, 3], np.zeros(3)])
    np.testing.assert_array_equal(np.sort(lent[3:], axis=0), np.c_[[1, 2, 3], np.zeros(3)])
    np.testing.assert_array_equal(step.transform([[nan, 5.0]]), [[nan, 0.0]])
    assert np.isnan(X[3:, 0]).all()


def test_cut_keeps_nan():
    X = np.array([[-2.0, 0.0, np.nan, 0.1]])
    np.testing.assert_array_equal(cut(X, (0.0,)), [[0, 0, np.nan, 1]])
    np.testing.assert_array_equal(cut(X, (-1.0, 0.0)), [[0, 1, np.nan, 2]])


def test_hiding_the_only_informative_column_costs_accuracy():
    y = np.repeat([0, 1], 100)
    result = quick(y[:, None] * 2.0 - 1, y, models="LogisticRegression")
    row = result.table.iloc[0]
    assert row["accuracy"] == 1
    # Hidden rows are guessed: about half of the 60 of 200 (and of the 120) are right.
    assert row["accuracy_30_hidden"] == pytest.approx(0.85, abs=0.08)
    assert row["accuracy_60_hidden"] == pytest.approx(0.7, abs=0.08)


# ---------------------------------------------------------------------- the table density
def test_table_density_reads_the_frame_as_it_is(mixed):
    X, y = mixed
    # "label" would be the name of the column of labels, were it free.
    X = X.drop(columns="rare").assign(label=np.arange(40) % 7)
    X.loc[:2, "colour"] = [f"shade {i}" for i in range(3)]  # not seen in training
    result = quick(X, y, models="TableDensity")
    seed = int(np.random.default_rng(0).integers(2**32))
    expected = []
    for train, test in StratifiedKFold(2, shuffle=True, random_state=seed).split(X, y):
        model = clone(result.models["TableDensity"]).fit(X.iloc[train], y[train]).best_estimator_
        density, rows = model[-1].density_, X.drop(columns="nothing").iloc[test]
        assert list(density.column_kinds_) == [*rows.columns, "label_"]
        log_prob = [density.score_samples(rows.assign(label_=code)) for code in (0, 1)]
        np.testing.assert_allclose(
            model.predict_proba(X.iloc[test]).T, np.exp(log_prob - np.logaddexp(*log_prob))
        )
        expected.append(np.where(y[test] == "yes", log_prob[1], log_prob[0]).mean())
    assert result.table["log_likelihood"].tolist() == [pytest.approx(np.mean(expected))]


def test_folds_agree_on_the_kinds_of_columns():
    X = pd.DataFrame({"number": [*range(60), 0]})
    kinds = column_kinds(X)
    assert kinds == {"number": "count"}
    # All values differ in the first rows, where they would be an identifier by themselves.
    model = TableClassifier(kinds).fit(X[:50], np.repeat([0, 1], 25))
    assert model.density_.column_kinds_["number"] == "count"


def test_unit_of_a_column_moves_the_log_likelihood_by_its_logarithm(table):
    X, y = table
    models = ["TableDensity"]
    metres, millimetres = (
        quick(pd.DataFrame(X).rename(columns=str).assign(length=own), y, models=models).table
        for own in (X[:, 0], 1000 * X[:, 0])
    )
    moved = metres["log_likelihood"] - millimetres["log_likelihood"]
    assert moved.iloc[0] == pytest.approx(np.log(1000))


def test_arrays_have_no_table_density(table, compared):
    assert compared.table["log_likelihood"].isna().all()
    assert "log p" not in str(compared)
    with pytest.raises(ValueError, match="models must be names"):
        quick(*table, models="TableDensity")


# ---------------------------------------------------------------------- models of the user's own
class NeedsColumn(GaussianNB):
    """A classifier that reads one column of a frame by its name, and takes missing cells."""

    def fit(self, X, y):
        return super().fit(self._read(X), y)

    def predict_proba(self, X):
        return super().predict_proba(self._read(X))

    def predict(self, X):
        return super().predict(self._read(X))

    def _read(self, X):
        assert X["colour"].dropna().isin(["red", "blue"]).all()
        return X[["amount"]].fillna(0.0)


def test_own_classifiers_get_what_they_can_take(mixed):
    X, y = mixed
    own = {
        "names": NeedsColumn(),  # the frame as it is
        "boosting": HistGradientBoostingClassifier(max_iter=2),  # numbers with NaN
        "naive": GaussianNB(),  # imputed
    }
    models = [*own.items(), "LogisticRegression", ("same", LogisticRegression(C=1e-9))]
    result = quick(X, y, models=models)
    assert list(result.table.index) == [*own, "LogisticRegression", "same"]
    seen = {
        name: np.asarray(result.models[name].best_estimator_["prepare"].transform(X))
        for name in own
    }
    assert seen["names"].shape == X.shape
    assert np.isnan(seen["boosting"]).any()
    assert not np.isnan(seen["naive"]).any()
    assert not hasattr(own["naive"], "classes_")
    assert type(result.models["naive"].best_estimator_[-1]) is GaussianNB
    assert "\n'naive', 'same': missing cells are imputed by the training mean." in str(result)
    n_parameters = result.table["n_parameters"]
    assert n_parameters[list(own)].tolist() == [None] * 3
    assert n_parameters["same"] == n_parameters["LogisticRegression"]
    assert result.table.loc["same", "log_loss"] == pytest.approx(np.log(2), abs=1e-3)
    assert result.table.loc["names", "accuracy"] > 0.8
    again = quick(X, y, models=models[:1:-1])  # neither order nor others change anything
    pd.testing.assert_frame_equal(
        again.table.drop(columns=SECONDS),
        result.table.drop(columns=SECONDS).loc[["same", "LogisticRegression", "naive"]],
    )


def test_own_classifiers_of_a_dict_come_before_all_named_ones(table, interrupt_after):
    interrupt_after(2)
    result = quick(*table, models={"mine": GaussianNB()})
    assert list(result.table.index) == ["mine", "LogisticRegression"]
    assert result.interrupted


def test_own_classifiers_that_cannot_learn_are_refused(table):
    class Failing(GaussianNB):
        def fit(self, X, y):
            raise RuntimeError("no licence")

    class Vague(GaussianNB):
        def predict_proba(self, X):
            return np.full((len(X), 3), np.nan)

    with pytest.raises(ValueError, match="'mine' does not; it said of X as it is: no licence"):
        quick(*table, models={"mine": Failing()})
    with pytest.raises(ValueError, match="imputed numbers: probabilities are not finite"):
        quick(*table, models=[("mine", Vague())])


# ---------------------------------------------------------------------- invalid input
X5, Y5 = np.arange(20.0).reshape(10, 2), np.repeat([0, 1], 5)
NAMED = pd.DataFrame(X5, columns=["a", "b"])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X5, Y5[:-1], r"y must hold one class label for each of the 10 rows, got shape \(9,\)"),
        (X5, np.c_[Y5, Y5], "y must hold one class label for each of the 10 rows"),
        (X5, np.zeros(10), "y must hold two classes or more, but every row has the label 0.0"),
        (X5, [None, *Y5[1:]], "y must have a label in every row, but 1 of 10 are missing.*row 0"),
        (X5, np.linspace(0, 1, 10), "y must hold class labels.*10 different.*such as 0.1.*regre"),
        (np.ones((90, 1)) * [1, 2], np.arange(90), "y must hold class labels.*90 different"),
        (X5, [0] * 9 + [1], "y must have at least 3 rows of every class for folds=5.*class 1 has"),
        (X5, [0] * 8 + [1] * 2, "y must have at least 3 rows of every class.*class 1 has 2"),
        (np.ones((10, 2)), Y5, "X must have a column that varies.*each of its 2 columns"),
        (NAMED[["a", "a"]], Y5, "X must name every column differently, but 'a' is repeated"),
        (NAMED[[]], Y5, r"X must have rows and columns, got shape \(10, 0\)"),
        (NAMED.replace(4, np.inf), Y5, "X must hold finite numbers.*row 2 of column 'a'"),
        (np.where(X5 == 4, np.inf, X5), Y5, "X contains infinity"),
        (X5[:, 0], Y5, "2D array"),
        (sparse.csr_array(X5), Y5, r"X must be a dense table, got a csr_array.*toarray\(\)"),
    ],
)
def test_invalid_tables_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        compare_classifiers(X, y, verbose=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 1}, "folds must be an integer of 2 or more, got 1"),
        ({"folds": 2.5}, "folds must be an integer of 2 or more, got 2.5"),
        ({"n_jobs": 0}, "n_jobs must be"),
        ({"random_state": -1}, "random_state must"),
        ({"models": ["SVC"]}, "models must be names among 'LogisticRegression'.*SVC"),
        ({"models": []}, "models must be names"),
        ({"models": {}}, "models must be names"),
        ({"models": GaussianNB()}, "models must be names"),
        ({"models": [GaussianNB()]}, "models must be names"),
        ({"models": {3: GaussianNB()}}, "models must have names of printable text, got 3"),
        ({"models": {"a\n": GaussianNB()}}, "models must have names of printable text"),
        ({"models": {"TableDensity": GaussianNB()}}, "models must not hold 'TableDensity'"),
        ({"models": [("a", GaussianNB())] * 2}, "models must not hold 'a' twice"),
        ({"models": {"a": GaussianNB}}, "models must hold scikit-learn classifiers.*'a' is"),
        ({"models": {"a": "b"}}, "models must hold scikit-learn classifiers"),
        ({"models": {"a": LinearRegression()}}, "models must hold scikit-learn classifiers"),
        ({"models": {"a": LinearSVC()}}, "models must hold.*CalibratedClassifierCV"),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compare_classifiers(X5, Y5, verbose=False, **settings)


def test_two_folds_need_four_rows_per_class(table):
    X, y = table[0][:15], table[1][:15]
    with pytest.raises(ValueError, match=r"y must have at least 4 rows.*class 1 has 3"):
        compare_classifiers(X, y, folds=2, verbose=False)


def test_small_class_reduces_the_number_of_folds(table):
    X, y = table[0][:15], table[1][:15]
    with pytest.warns(UserWarning, match="folds=5 is reduced to 3, because class 1 has 3 rows"):
        result = quick(X, y, folds=5)
    assert result.folds == 3


# ---------------------------------------------------------------------- progress and Ctrl-C
def test_ctrl_c_keeps_finished_models(interrupt_after, table):
    interrupt_after(1)
    result = quick(*table, models=None)
    assert result.interrupted
    assert list(result.table.index) == list(result.models) == ["LogisticRegression"]
    assert "interrupted" in str(result)
    assert len(result.models["LogisticRegression"].predict(table[0])) == 36


def test_ctrl_c_before_any_model_is_finished_gives_an_empty_table(interrupt_after, table):
    interrupt_after(0)
    result = quick(*table)
    assert result.interrupted
    assert result.table.empty
    assert list(result.table.columns) == COLUMNS


def test_progress_is_reported_on_standard_error(table, capsys):
    quick(*table, verbose=True)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "[1/2] LogisticRegression: fold 1 of 2\n" in seen.err
    assert "[2/2] BernoulliIndependentDensity: fold 2 of 2, accuracy so far 0." in seen.err
    quick(*table, verbose=False)
    assert capsys.readouterr().err == ""
