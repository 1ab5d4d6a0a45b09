"""Whatever a table is made of, estimators read the same numbers, or refuse it in one sentence."""

import copy
import itertools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    BinnedDensity,
    CategoricalIndependentDensity,
    ChainRuleConditional,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    ConditionalDensity,
    DensityImputer,
    FullCategoricalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    NormalScoreTransformer,
    PCAProjection,
    TableDensity,
    TransformedDensity,
)
from skdgm.comparison._tables import check_features, check_labels
from skdgm.metrics import maximum_mean_discrepancy

from .clothings import clothings, refused_tables, sparse_tables
from .estimators import public_estimators

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
DIAGONAL = GaussianDensity("diag")
CHAIN = MarkovChainImageDensity()
TREE = DecisionTreeClassifier(max_depth=1)
SMALL = {  # cheap instances, which learn from missing cells; other classes are constructed plainly
    BaggingDensity: BaggingDensity(DIAGONAL, 2, random_state=0),
    BinnedDensity: BinnedDensity(ChowLiuTreeDensity(max_iter=1), 4),
    ChainRuleConditional: ChainRuleConditional(TREE),
    ChainRuleDensity: ChainRuleDensity(TREE, order=1, max_iter=1),
    ChowLiuTreeDensity: ChowLiuTreeDensity(max_iter=1),
    ColumnDensity: ColumnDensity([("c", CHAIN, slice(1)), ("g", DIAGONAL, slice(1, None))]),
    ConditionalDensity: ConditionalDensity(DIAGONAL),
    DensityImputer: DensityImputer(DIAGONAL),
    FullCategoricalDensity: FullCategoricalDensity(max_iter=1),
    GaussianDensity: DIAGONAL,
    GaussianDiscriminant: GaussianDiscriminant("diag"),
    GenerativeClassifier: GenerativeClassifier(CHAIN),
    HiddenChowLiuTreeDensity: HiddenChowLiuTreeDensity(2, max_iter=1, random_state=0),
    MixtureDensity: MixtureDensity(DIAGONAL, random_state=0, max_iter=1),
    PCAProjection: PCAProjection(1, max_iter=3),
    TableDensity: TableDensity(CategoricalIndependentDensity()),
    TransformedDensity: TransformedDensity(StandardScaler(), DIAGONAL),
}
ESTIMATORS = [SMALL[each] if each in SMALL else each() for each in public_estimators()]
OF_NUMBERS = [one for one in ESTIMATORS if not get_tags(one).input_tags.string]
each_estimator = pytest.mark.parametrize(
    "estimator", ESTIMATORS, ids=lambda one: type(one).__name__
)
each_estimator_of_numbers = pytest.mark.parametrize(
    "estimator", OF_NUMBERS, ids=lambda one: type(one).__name__
)
LABELS = np.array([0, 1] * 4)


def kind_of(estimator):
    if isinstance(estimator, BernoulliIndependentDensity):
        return "b"
    is_discrete = get_tags(estimator).input_tags.categorical
    return "i" if is_discrete or isinstance(estimator, ColumnDensity) else "f"


def table_of(kind, missing):
    rng = np.random.default_rng(0)
    largest = {"f": 100, "i": 3, "b": 2}[kind]
    table = rng.integers(0, largest, size=(8, 3)) / (8 if kind == "f" else 1)  # float16 holds them
    table[:3] = np.arange(3)[:, np.newaxis] % largest
    if missing:
        table[[3, 4, 4, 5], [0, 1, 2, 1]] = np.nan
    return table


def fit(estimator, X):
    if isinstance(estimator, ConditionalDensity):
        return clone(estimator).fit(X, X)
    return clone(estimator).fit(X, LABELS)


QUERIES = {
    "transform": {},
    "score_samples": {},
    "predict": {},
    "conditional_mean": {},
    "conditional_sample": {"random_state": 0},
    "sample_y": {"n_samples": 2, "random_state": 0},
}


def ask(fitted, name, X):
    """The answer of a fitted estimator about a table."""
    outputs = {ConditionalDensity: [X], ChainRuleConditional: [LABELS]}
    pairs = outputs.get(type(fitted), []) if name == "score_samples" else []
    return getattr(fitted, name)(X, *pairs, **QUERIES[name])


def answers(fitted, X):
    names = [name for name in QUERIES if hasattr(fitted, name)]
    if "transform" in names and "score_samples" in names:
        names.remove("score_samples")  # which takes no sparse rows
    return {name: ask(fitted, name, X) for name in names}


@pytest.fixture(scope="module")
def wardrobe(tmp_path_factory):
    """All clothings of a table, by its kind and whether cells are missing."""
    return {
        (kind, missing): list(
            clothings(table_of(kind, missing), kind, tmp_path_factory.mktemp(kind))
        )
        for kind in "fib"
        for missing in (False, True)
    }


@pytest.mark.parametrize("missing", [False, True], ids=["complete", "incomplete"])
@each_estimator_of_numbers  # what a table wears says what its columns are
def test_every_clothing_gives_the_same_answers(estimator, missing, wardrobe):
    kind = kind_of(estimator)
    table = table_of(kind, missing)
    plain = fit(estimator, table)
    expected = answers(plain, table)
    # Every clothing is asked about, by queries in turn; each is fitted to by estimators in turn.
    turn = OF_NUMBERS.index(estimator)
    for place, (name, clothed) in enumerate(wardrobe[kind, missing], start=turn):
        narrow = "16" in name or "32" in name
        fits = place % (2 if kind == "b" else 5) == 0
        asked = itertools.islice(itertools.cycle(expected), place, place + 2)
        model = fit(estimator, clothed) if fits else plain
        for method in {*expected} if fits else {*asked}:
            answer, own = expected[method], ask(model, method, clothed)
            assert isinstance(own, np.ndarray), (name, method)
            assert own.dtype.isnative, (name, method)
            assert own.dtype.kind in "biuf", (name, method)
            keeps_holes = isinstance(estimator, NormalScoreTransformer)
            assert keeps_holes or not np.isnan(own).any(), (name, method)
            np.testing.assert_allclose(
                own.astype(float), answer, rtol=2e-3 if narrow else 1e-9, atol=1e-3 * narrow,
                err_msg=f"{name}: {method}",
            )  # fmt: skip


@each_estimator_of_numbers
def test_tables_without_numbers_are_refused_in_one_sentence(estimator):
    for name, table, seen in refused_tables():
        with pytest.raises((TypeError, ValueError), match=seen) as error:
            clone(estimator).fit(table, LABELS[:3])
        assert str(error.value).count(". ") == 0, name
        assert "\n" not in str(error.value), name


@pytest.mark.parametrize("fitted_to", ["array", "frame"])
def test_queries_and_outputs_are_refused_alike(fitted_to):
    X = pd.DataFrame({"a": [1.0, 2, 3], "b": [3.0, 1, 2]})
    X = X.to_numpy() if fitted_to == "array" else X
    density, conditional = DIAGONAL.fit(X), ConditionalDensity(DIAGONAL).fit(X, X)
    days = pd.DataFrame({"a": [1.0, 2, 3], "b": pd.to_datetime(["2020-01-01", None, "2020-03-01"])})
    for ask in (density.score_samples, density.conditional_mean, density.tail_probability):
        with pytest.raises(ValueError, match=r"X holds dates or times in column 1 \('b'\)"):
            ask(days)
    with pytest.raises(ValueError, match=r"y holds dates or times in column 1 \('b'\)"):
        conditional.score_samples(X, days)
    with pytest.raises(ValueError, match=r"Y holds dates or times in column 1 \('b'\)"):
        maximum_mean_discrepancy(X, days)


def test_what_lies_under_a_mask_is_no_data():
    X = np.ma.masked_array([[1, 2], [-999, 3], [2, 5]], mask=[[0, 0], [1, 0], [0, 0]])
    density = GaussianDensity("diag").fit(X)
    np.testing.assert_allclose(density.mean_, [1.5, 10 / 3])
    np.testing.assert_allclose(density.conditional_mean(X)[1], [1.5, 3])


def test_names_of_columns_are_known_in_every_frame():
    X = table_of("f", missing=True)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    other = pl.DataFrame({name: frame[name].tolist() for name in frame})
    for own in (frame, other, other.to_arrow()):
        density = GaussianDensity("diag").fit(own)
        assert density.feature_names_in_.tolist() == ["a", "b", "c"]
        density.score_samples(frame)
        with pytest.raises(ValueError, match="feature names should match"):
            density.score_samples(other.select("b", "a", "c"))
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            density.score_samples(X)
    assert PCAProjection(1).fit(other.fill_null(0.0)).feature_names_in_.tolist() == ["a", "b", "c"]


# ---------------------------------------------------------------------- sparse
SPARSE = [
    BernoulliIndependentDensity(binarize=0.7),
    GenerativeClassifier(BernoulliIndependentDensity(binarize=0.7)),
    DensityImputer(BernoulliIndependentDensity(binarize=0.7)),
    MixtureDensity(BernoulliIndependentDensity(binarize=0.7), random_state=0),
    PCAProjection(1, svd_solver="arpack", random_state=0),
]


def parts(matrix):
    names = ("data", "indices", "indptr", "row", "col", "rows", "offsets")
    return {name: copy.deepcopy(getattr(matrix, name)) for name in names if hasattr(matrix, name)}


@pytest.mark.parametrize("estimator", SPARSE, ids=lambda one: type(one).__name__)
def test_entries_of_a_sparse_cell_add_up(estimator):
    table = np.where(np.random.default_rng(0).random((8, 3)) < 0.6, 1.0, 0.0)
    if not isinstance(estimator, PCAProjection):
        table[[2, 5], [1, 0]] = np.nan
    expected = answers(fit(estimator, table), table)
    expected = {name: answer for name, answer in expected.items() if name != "conditional_sample"}
    for name, matrix in sparse_tables(table):
        if name == "bsr of one row":
            continue
        before, flags = parts(matrix), dict(vars(matrix))
        found = answers(fit(estimator, matrix), matrix)
        for method, answer in expected.items():
            own = found[method].toarray() if hasattr(found[method], "toarray") else found[method]
            np.testing.assert_allclose(np.abs(own), np.abs(answer), err_msg=f"{name}: {method}")
        for part, values in before.items():
            np.testing.assert_array_equal(getattr(matrix, part), values, err_msg=name)
        assert {key: vars(matrix).get(key) for key in flags if "has" in key} == {
            key: flags[key] for key in flags if "has" in key
        }, name
        assert vars(matrix).keys() == flags.keys(), name


def test_blocks_of_a_sparse_row_add_up():
    density = BernoulliIndependentDensity(binarize=0.7).fit([[1, 0, 1], [0, 1, 1]])
    for name, matrix in sparse_tables(np.array([[1.0, 0, 1], [0, 1, 1]])):
        np.testing.assert_allclose(
            density.score_samples(matrix), density.score_samples(matrix.toarray()), err_msg=name
        )


@each_estimator
def test_sparse_tables_are_refused_where_dense_ones_are_needed(estimator):
    left_to_parts = isinstance(estimator, (PCAProjection, ChainRuleConditional))
    if left_to_parts or get_tags(estimator).input_tags.sparse:
        return  # some solvers and classifiers take sparse tables, whatever they tell
    _, matrix = next(sparse_tables(table_of(kind_of(estimator), missing=False)))
    with pytest.raises(TypeError, match="dense data is required"):
        clone(estimator).fit(matrix, LABELS)


# ---------------------------------------------------------------------- large integers
@pytest.mark.parametrize(
    "clothe",
    [
        np.asarray,
        lambda X: X.tolist(),
        lambda X: X.astype(object),
        lambda X: pd.DataFrame(X, columns=["a", "b"]).assign(more=[0.5, 1, 2]),
        lambda X: pd.DataFrame(X).convert_dtypes().mask(np.eye(3)[:, :2] == 1),
        lambda X: pl.DataFrame({"a": [*X[:, 0].tolist(), None], "b": [*X[:, 1].tolist(), None]}),
    ],
    ids=["array", "lists", "objects", "mixed frame", "nullable", "polars"],
)
def test_integers_that_floats_would_change_are_refused(clothe):
    X = np.array([[1, 2], [2, 1], [3, 2**53]])
    GaussianDensity().fit(clothe(X))  # floats hold it
    X[2, 1] += 1
    with pytest.raises(
        ValueError, match=r"row 2, column 1.* holds 9007199254740993, but they hold"
    ):
        GaussianDensity().fit(clothe(X))
    with pytest.raises(ValueError, match=r"holds 18446744073709551615, but they hold"):
        GaussianDensity().fit(np.array([[2**64 - 1], [0]], dtype=np.uint64))
    with pytest.raises(ValueError, match=r"holds -9223372036854775807, but they hold"):
        PCAProjection().fit(np.array([[-(2**63) + 1], [0]]))


def test_long_doubles_beyond_float64_are_refused():
    if np.finfo(np.longdouble).max > np.finfo(np.float64).max:
        with pytest.raises(ValueError, match="infinity or a value too large"):
            GaussianDensity().fit(np.longdouble(10) ** np.array([[400], [1]]))


def test_broadcast_rows_are_read():
    density = GaussianDensity("diag").fit(table_of("f", missing=False))
    row = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(
        density.score_samples(np.broadcast_to(row, (4, 3))), density.score_samples([row] * 4)
    )


# ---------------------------------------------------------------------- labels and weights
TEXT = ["b", "a"] * 4
CLOTHED_LABELS = {
    "list": TEXT,
    "objects": np.array(TEXT, dtype=object),
    "masked": np.ma.masked_array(TEXT, mask=False),
    "string": pd.Series(TEXT, dtype="string"),
    "categorical": pd.Series(TEXT, dtype="category"),
    "index": pd.Index(TEXT),
    "polars": pl.Series(TEXT),
    "polars categorical": pl.Series(TEXT, dtype=pl.Categorical),
    "pyarrow": pa.chunked_array([TEXT]),
    "pyarrow array": pa.array(TEXT),
}
MISSING_LABELS = {
    "list": [*TEXT[:-1], None],
    "list of text and NaN": [*TEXT[:-1], float("nan")],
    "objects": np.array([*TEXT[:-1], pd.NA], dtype=object),
    "masked": np.ma.masked_array(TEXT, mask=[False] * 7 + [True]),
    "masked integers": np.ma.masked_array(LABELS, mask=[False] * 7 + [True]),
    "string": pd.Series([*TEXT[:-1], None], dtype="string"),
    "nullable": pd.Series([*LABELS[:-1].tolist(), None], dtype="Int64"),
    "categorical": pd.Categorical([*TEXT[:-1], None]),
    "polars": pl.Series([*TEXT[:-1], None]),
    "polars booleans": pl.Series([True] * 7 + [None]),
    "pyarrow": pa.chunked_array([[*TEXT[:-1], None]]),
}
LABELLED = [
    GenerativeClassifier(DIAGONAL),
    GaussianDiscriminant("diag"),
    ChainRuleConditional(TREE),
]


@pytest.mark.parametrize("estimator", LABELLED, ids=lambda one: type(one).__name__)
def test_labels_come_in_any_clothing_and_none_may_be_missing(estimator):
    X = table_of("f", missing=False)
    expected = clone(estimator).fit(X, np.array(TEXT))
    for name, y in CLOTHED_LABELS.items():
        fitted = clone(estimator).fit(X, y)
        assert fitted.classes_.tolist() == ["a", "b"], name
        np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))
        assert fitted.score(X, y) == expected.score(X, np.array(TEXT)), name
    for clothed in (pd.Series(LABELS, dtype="Int64"), pl.Series(LABELS), LABELS.astype(">i4")):
        assert clone(estimator).fit(X, clothed).classes_.dtype.kind == "i"
    for y in MISSING_LABELS.values():
        with pytest.raises(ValueError, match="y has no value in row 7"):
            clone(estimator).fit(X, y)
        with pytest.raises(ValueError, match="y has no value in row 7"):
            expected.score(X, y)


@pytest.mark.parametrize(
    "weight",
    [
        np.ma.masked_array([1, 2, 999], mask=[0, 0, 1]),
        [1, 2, None],
        pd.Series([1, 2, None], dtype="Int64"),
        pl.Series([1, 2, None]),
        pa.chunked_array([[1, 2, None]]),
    ],
    ids=lambda one: type(one).__name__,
)
def test_weights_come_in_any_clothing_and_none_may_be_missing(weight):
    X = [[1.0], [2.0], [4.0]]
    with pytest.raises(ValueError, match="sample_weight contains NaN"):
        DIAGONAL.fit(X, sample_weight=weight)
    fitted = DIAGONAL.fit(X[:2], sample_weight=weight[:2])
    np.testing.assert_allclose(fitted.mean_, 5 / 3)


def test_the_comparison_reads_any_clothing():
    X = np.random.default_rng(0).integers(0, 9, size=(60, 2)).astype(float)
    X[5, 1] = np.nan
    y = np.where(X[:, 0] > 4, "high", "low")
    pandas = pd.DataFrame(X, columns=["a", "b"])
    polars = pl.DataFrame({"a": X[:, 0].tolist(), "b": [None if x != x else x for x in X[:, 1]]})
    masked = np.ma.masked_invalid(X)
    masked.data[5, 1] = -999
    for own, labels in ((pandas, y), (polars, pl.Series(y)), (masked, y.tolist())):
        np.testing.assert_array_equal(check_features(own), X)
        np.testing.assert_array_equal(check_labels(labels, own), y)
    with pytest.raises(ValueError, match="y must have a label in every row, but 1 of 60"):
        check_labels(np.ma.masked_array(y, mask=np.arange(60) == 5), X)


def test_names_of_outputs_are_known_in_every_frame():
    X = table_of("f", missing=False)
    Y = pd.DataFrame(X[:, :2], columns=["a", "b"])
    for own in (Y, pl.DataFrame({name: Y[name].tolist() for name in Y})):
        model = ConditionalDensity(DIAGONAL).fit(X, own)
        with pytest.raises(ValueError, match=r"y has the columns \['b', 'a'\]"):
            model.score_samples(X, own[["b", "a"]])
    model = ConditionalDensity(DIAGONAL).fit(X, pl.Series(X[:, 0]))  # without a name
    model.score_samples(X, pd.Series(X[:, 0], name="a"))
    with pytest.raises(TypeError, match="y is a lazy table"):
        model.fit(X, pl.DataFrame({"a": X[:, 0]}).lazy())


# ---------------------------------------------------------------------- arrays of other libraries
class ForeignArray:
    """An array of a library that speaks the array API, on the CPU or on another device."""

    def __init__(self, values, on_cpu):
        self.values, self.on_cpu = np.asarray(values), on_cpu
        self.shape, self.ndim, self.dtype = self.values.shape, self.values.ndim, "float64"

    def __len__(self):
        return len(self.values)

    def __dlpack__(self, **options):
        raise BufferError

    def __array__(self, dtype=None, copy=None):
        if not self.on_cpu:
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        return np.asarray(self.values, dtype=dtype)


def test_arrays_of_other_libraries_are_read_unless_they_lie_on_another_device():
    X = table_of("f", missing=False)
    y, weight = LABELS, np.ones(8)
    own = GenerativeClassifier(DIAGONAL).fit(X, y, sample_weight=weight)
    near = [ForeignArray(each, on_cpu=True) for each in (X, y, weight)]
    fitted = GenerativeClassifier(DIAGONAL).fit(*near[:2], sample_weight=near[2])
    answer = fitted.predict_log_proba(near[0])
    assert type(answer) is np.ndarray
    assert_array_equal(answer, own.predict_log_proba(X))
    far = [ForeignArray(each, on_cpu=False) for each in (X, y, weight)]
    sentence = "is an array of tests that NumPy cannot read, .* array_api_dispatch; move it to the"
    for name, arguments in {
        "X": (far[0], y, weight),
        "y": (X, far[1], weight),
        "sample_weight": (X, y, far[2]),
    }.items():
        with pytest.raises(TypeError, match=f"^{name} {sentence}"):
            clone(own).fit(*arguments[:2], sample_weight=arguments[2])
