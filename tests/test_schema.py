"""Any table in, a table out: schemas read the cells of every frame and write them as they came."""

import copy
import datetime
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator

from skdgm import ConditionalDensity, GaussianDensity, GenerativeClassifier, MixtureDensity
from skdgm._tables import AnyCells, Schema, as_given, validate_table

UTC = datetime.UTC
NOON = datetime.datetime(2020, 2, 1, 12, 30, 1, 123456)
DAYS = [datetime.date(2020, 1, 31), None, datetime.date(1960, 2, 29)]
TIMES = [NOON, None, datetime.datetime(1960, 1, 1)]
ZONED = [NOON.replace(tzinfo=UTC), None, datetime.datetime(1960, 1, 1, tzinfo=UTC)]
CLOCK = [datetime.time(1, 2, 3, 4), None, datetime.time(0)]
SPANS = [datetime.timedelta(3), None, datetime.timedelta(-1)]
SECONDS = [datetime.timedelta(seconds=3), None, datetime.timedelta(-1)]
DECIMALS = [Decimal("1.50"), None, Decimal("0.10")]
TEXT = ["b", None, "a"]


class AnyGaussian(GaussianDensity):
    """A normal density of the numbers that any table is read as."""

    _input_checks = {**GaussianDensity._input_checks, "schema": AnyCells([np.nan, -999, "?"])}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


def pandas_columns():
    """Columns of pandas by name, each of three cells, with the role that it has in a schema."""
    stamps = pd.to_datetime(["2020-01-01", None, "2020-03-01"])
    arrow = {
        "string": (pa.string(), TEXT, "label"),
        "int16": (pa.int16(), [1, None, 3], "number"),
        "double": (pa.float64(), [1.5, None, 3], "number"),
        "bool": (pa.bool_(), [True, None, False], "label"),
        "date": (pa.date32(), DAYS, "time"),
        "timestamp": (pa.timestamp("ns", "Europe/Berlin"), ZONED, "time"),
        "time": (pa.time64("us"), CLOCK, "time"),
        "duration": (pa.duration("ms"), SPANS, "duration"),
        "decimal": (pa.decimal128(5, 2), DECIMALS, "number"),
        "dictionary": (pa.dictionary(pa.int8(), pa.string()), TEXT, "label"),
        "list": (pa.list_(pa.int64()), [[2], None, [1, 1]], "label"),
    }
    for name, (dtype, cells, role) in arrow.items():
        yield f"arrow {name}", pd.Series(cells, dtype=pd.ArrowDtype(dtype)), role
    for dtype in ("uint8", "int64", "float32", "float64", "Int8", "UInt64", "Float32"):
        cells = [3, 1, 2] if "int" in dtype else [3, None, 2]
        yield dtype, pd.Series(cells, dtype=dtype), "number"
    yield "large integers", pd.Series([2**53 + 1, 5, 2**62 + 1]), "label"
    yield "sparse", pd.Series([0.5, 0, np.nan], dtype=pd.SparseDtype(float)), "number"
    yield "bool", pd.Series([True, False, True]), "label"
    yield "boolean", pd.Series([True, None, False], dtype="boolean"), "label"
    for dtype in ("string", "str", object):
        yield f"text {dtype}", pd.Series(TEXT, dtype=dtype), "label"
    categories = {
        "text": pd.CategoricalDtype(["z", "b", "a"]),
        "ordered": pd.CategoricalDtype(["z", "b", "a"], ordered=True),
    }
    for name, dtype in categories.items():
        yield f"category of {name}", pd.Series(TEXT, dtype=dtype), "label"
    yield (
        "category of numbers",
        pd.Series([3, None, 1], dtype=pd.CategoricalDtype([3, 2, 1])),
        "label",
    )
    yield "cut", pd.Series(pd.cut([0.0, 1, 2], 2)), "label"
    for unit in ("s", "ns"):
        yield f"dates {unit}", pd.Series(stamps).astype(f"M8[{unit}]"), "time"
    yield "times", pd.Series(TIMES, dtype="M8[us]"), "time"
    for zone in ("UTC", "Europe/Berlin"):
        yield zone, pd.Series(stamps.tz_localize(zone)), "time"
    yield "durations", pd.Series(SPANS, dtype="m8[ns]"), "duration"
    yield "periods", pd.Series(pd.PeriodIndex(["2020-02", None, "2020-01"], freq="M")), "label"
    yield "intervals", pd.Series(pd.interval_range(9, 12)), "label"
    objects = {
        "integers": ([1, None, 3], "number"),
        "decimals": (DECIMALS, "number"),
        "numbers": ([1, 2.5, True], "number"),
        "bools": ([True, None, False], "label"),
        "mixed": (["1", 1, 2.5], "label"),
        "unhashable": ([{"a": 1}, [1, 2], {1}], "label"),
        "lists": ([[1, 2], [3, 4], [1, 2]], "label"),
        "bytes": ([b"b", None, b"a"], "label"),
        "huge": ([10**400, 1, None], "label"),
        "dates": (DAYS, "time"),
        "times": (TIMES, "time"),
        "zoned": (ZONED, "time"),
        "clock": (CLOCK, "time"),
        "durations": (SECONDS, "duration"),
        "stamps": ([pd.Timestamp("2020-01-01"), pd.NaT, pd.Timestamp("2021-01-01")], "time"),
        "nothing": ([None] * 3, "number"),
        "NaN": (["a", np.nan, "b"], "label"),
        "pd.NA": (["a", pd.NA, "b"], "label"),
    }
    for name, (cells, role) in objects.items():
        yield f"objects {name}", pd.Series(cells, dtype=object), role


def polars_columns():
    yield "integers", pl.Series([1, None, 3], dtype=pl.Int8), "number"
    yield "large", pl.Series([2**64 - 1, None, 3], dtype=pl.UInt64), "label"
    yield "floats", pl.Series([0.1, None, 3], dtype=pl.Float32), "number"
    yield "decimals", pl.Series(DECIMALS, dtype=pl.Decimal(9, 2)), "number"
    yield "nulls", pl.Series([None] * 3), "number"
    yield "bools", pl.Series([True, None, False]), "label"
    yield "text", pl.Series(TEXT), "label"
    yield "categorical", pl.Series(TEXT, dtype=pl.Categorical), "label"
    yield "enum", pl.Series(TEXT, dtype=pl.Enum(["b", "c", "a"])), "label"
    yield "dates", pl.Series(DAYS), "time"
    for unit, zone in (("ms", None), ("us", None), ("ns", "Europe/Berlin")):
        cells = [NOON.replace(microsecond=0), *TIMES[1:]] if unit == "ms" else TIMES
        yield f"times {unit} {zone}", pl.Series(cells, dtype=pl.Datetime(unit, zone)), "time"
    yield "clock", pl.Series(CLOCK), "time"
    for cells in (SPANS, SECONDS):
        yield f"durations {cells[0]}", pl.Series(cells), "duration"
    yield "lists", pl.Series([[1], None, [2]]), "label"
    yield "structs", pl.Series([{"a": 1}, {"a": 2}, {"a": 1}]), "label"
    yield "binary", pl.Series([b"a", None, b"b"]), "label"


def arrow_columns():
    for name, series, role in polars_columns():
        if name not in ("categorical", "enum"):  # dictionaries may be in another order
            yield name, pa.chunked_array([series.to_arrow()]), role
    yield "date64", pa.array([0, None, 86_400_000], pa.date64()), "time"
    yield "time32", pa.array([0, None, 5], pa.time32("s")), "time"
    yield "seconds", pa.array([1, None, 5], pa.timestamp("s", "UTC")), "time"
    yield "float16", pa.array(np.array([1, 2.5, 3], np.float16)), "number"
    indices = pa.array([1, None, 0], pa.int8())
    yield "ordered", pa.DictionaryArray.from_arrays(indices, ["b", "a", "c"], ordered=True), "label"


def arrays():
    yield "floats", np.array([[1.5, np.nan], [2, 3]]), "number"
    yield "float32", np.array([[0.1, np.nan]], dtype=np.float32), "number"
    yield "integers", np.array([[1, 2], [3, 4]], dtype=np.int8), "number"
    yield "large integers", np.array([[2**53 + 1, 1], [2, 3]]), "label"
    yield "bools", np.array([[True, False], [True, True]]), "label"
    yield "dates", np.array([["2020-01-01", "NaT"]], dtype="M8[D]"), "time"
    yield "durations", np.array([[90, 1]], dtype="m8[m]"), "duration"
    yield "objects", np.array([["a", 1], [None, 2]], dtype=object), "label"


def tables():
    for name, column, role in pandas_columns():
        yield pytest.param(pd.DataFrame({"a": column}), role, id=f"pandas {name}")
    for name, column, role in polars_columns():
        yield pytest.param(pl.DataFrame({"a": column}), role, id=f"polars {name}")
    for name, column, role in arrow_columns():
        yield pytest.param(pa.table({"a": column}), role, id=f"pyarrow {name}")
    for name, array, role in arrays():
        yield pytest.param(array, role, id=f"array {name}")


def assert_same(found, expected):
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected)
    elif isinstance(expected, pl.DataFrame):
        assert found.schema == expected.schema
        assert found.equals(expected)
    elif isinstance(expected, pa.Table):
        assert found.equals(expected), (found, expected)
    else:
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


# ---------------------------------------------------------------------- there and back
@pytest.mark.parametrize(("table", "role"), [*tables()])
def test_tables_come_back_as_they_went_in(table, role):
    schema = Schema.learn(table)
    numbers = schema.read(table)
    assert numbers.dtype == np.float64
    assert schema.columns[0].role == role
    assert_same(schema.write(numbers), table)
    assert_same(schema.fill(table, numbers), table)
    for own in (pickle.loads(pickle.dumps(schema)), copy.deepcopy(schema)):
        assert own == schema
        assert_same(own.write(numbers), table)


@pytest.mark.parametrize(("table", "role"), [*tables()])
def test_missing_cells_are_filled_with_values_that_training_has_seen(table, role):
    schema = Schema.learn(table)
    numbers = schema.read(table)
    means = np.nanmax(numbers, axis=0, initial=0) * np.ones(numbers.shape)
    filled = schema.fill(table, means)
    np.testing.assert_allclose(
        schema.read(filled), np.where(np.isnan(numbers), means, numbers), rtol=1e-6
    )
    assert type(filled) is type(table)


def mixed_frame():
    return pd.DataFrame(
        {
            "text": ["b", "a", None, "b"],
            "whole": pd.array([1, 2, None, 2**40], dtype="Int64"),
            "real": [0.1, np.nan, 1e-300, -0.0],
            "flag": [True, False, True, True],
            "size": pd.Categorical(["S", None, "L", "S"], ["S", "M", "L"], ordered=True),
            "day": pd.to_datetime(["2020-01-01", None, "2020-03-01", "1950-01-01"]),
            "moment": pd.to_datetime([*map(str, [NOON, NOON.date(), NOON]), None], format="mixed"),
            "span": pd.to_timedelta([1, 2, None, 3], unit="h"),
        }
    )


def test_the_same_table_is_read_alike_from_any_library():
    frame = mixed_frame()
    objects = frame.astype({"size": object, "whole": object}).to_numpy(dtype=object)
    schema = Schema.learn(frame)
    expected = schema.read(frame)
    arrow = pa.Table.from_pandas(frame)
    for own in (pl.from_pandas(frame), arrow, objects, objects.tolist(), frame.convert_dtypes()):
        np.testing.assert_array_equal(schema.read(own), expected)
        learned = Schema.learn(own)
        numbers = learned.read(own)
        is_declared = [column.declared for column in learned.columns]
        for place in range(frame.shape[1]):  # of the size, an array has only what is seen, sorted
            if place != 4 or is_declared[4]:
                np.testing.assert_array_equal(numbers[:, place], expected[:, place])
        assert [column.role for column in learned.columns] == [
            column.role for column in schema.columns
        ]


def test_numbers_are_written_as_integers_means_as_floats():
    frame = pd.DataFrame({"a": [1, 2], "b": pd.array([1, 2], dtype="Int8"), "c": [True, False]})
    schema = Schema.learn(frame)
    numbers = np.array([[1.6, 300.0, 1.0], [2.4, np.nan, 2.0]])
    written = schema.write(numbers)
    assert written["a"].tolist() == [2, 2]
    assert written["a"].dtype == "int64"
    assert written["b"].dtype == "Int64"  # Int8 does not hold 300
    assert written["b"].isna().tolist() == [False, True]
    assert written["c"].tolist() == [True, None]  # no label has the code 2
    means = schema.write(numbers, means=True)
    assert means["a"].tolist() == [1.6, 2.4]
    assert means.dtypes[["a", "b"]].tolist() == ["float64", "Float64"]
    for library, real in ((pl.from_pandas(frame), pl.Float64), (pa.table(frame), pa.float64())):
        mean = Schema.learn(library).write(numbers, means=True)
        dtypes = mean.dtypes if isinstance(mean, pl.DataFrame) else mean.schema.types
        assert dtypes[:2] == [real, real]
    assert written.columns.equals(frame.columns)
    assert Schema.learn([[1, 2]]).write([[1.2, np.nan]]).tolist()[0][0] == 1


@settings(max_examples=40)
@given(data=st.data())
def test_random_frames_come_back(data):
    n_rows = data.draw(st.integers(1, 5), label="rows")
    kinds = {
        "int": (st.integers(-(2**63), 2**63 - 1), "int64"),
        "float": (st.floats(allow_infinity=False), "float64"),
        "nullable": (st.none() | st.integers(0, 255), "UInt8"),
        "text": (st.none() | st.text(max_size=3), "string"),
        "flag": (st.booleans(), "bool"),
        "category": (st.none() | st.sampled_from("cab"), pd.CategoricalDtype([*"cbad"])),
        "moment": (
            st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)),
            "M8[us]",
        ),
        "object": (
            st.none() | st.integers() | st.text(max_size=2) | st.lists(st.integers(), max_size=2),
            object,
        ),
    }
    chosen = data.draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, unique=True))
    frame = pd.DataFrame(
        {
            name: pd.Series(
                data.draw(st.lists(kinds[name][0], min_size=n_rows, max_size=n_rows)),
                dtype=kinds[name][1],
            )
            for name in chosen
        }
    )
    schema = Schema.learn(frame)
    numbers = schema.read(frame)
    pd.testing.assert_frame_equal(schema.write(numbers), frame)
    shuffled = frame.sample(frac=1, random_state=0)
    again = Schema.learn(shuffled).read(shuffled)
    np.testing.assert_array_equal(again, numbers[shuffled.index])  # codes do not follow rows


# ---------------------------------------------------------------------- labels
def labels_of(cells, **options):
    return Schema.learn(pd.DataFrame({"a": cells}), AnyCells(**options)).columns[0].labels


def test_labels_are_declared_or_sorted():
    assert labels_of(pd.Series(["b", 2, "a", 10, None], dtype=object)) == (2, 10, "a", "b")
    assert labels_of(pd.Categorical(["b"], ["z", "b", "a"])) == ("z", "b", "a")
    assert labels_of([True, True]) == (False, True)
    assert labels_of(["10", "9"]) == ("10", "9")  # text, though it spells numbers
    column = Schema.learn(pl.DataFrame({"a": pl.Series(["a"], dtype=pl.Enum(["b", "a"]))})).columns[
        0
    ]
    assert (column.labels, column.declared, column.ordered) == (("b", "a"), True, True)
    assert column.values_of(np.array([1.0, 0.0])).tolist() == ["a", "b"]


def test_numbers_and_booleans_of_objects_are_one_sort():
    frame = pd.DataFrame({"a": pd.Series([1, 1.0, True, -0.0, Decimal(2), None], dtype=object)})
    schema = Schema.learn(frame)
    np.testing.assert_array_equal(schema.read(frame)[:, 0], [1, 1, 1, 0, 2, np.nan])
    labels = pd.DataFrame({"a": pd.Series(["x", 0.0, -0.0, 0], dtype=object)})
    assert Schema.learn(labels).read(labels)[:, 0].tolist() == [1, 0, 0, 0]


def test_unknown_labels_get_a_further_code_or_raise():
    frame = pd.DataFrame({"a": [1.0, 2], "animal": ["cat", "dog"]})
    query = pd.DataFrame({"a": [1.0, 2, 3], "animal": ["dog", None, "emu"]})
    schema = Schema.learn(frame)
    np.testing.assert_array_equal(schema.read(query)[:, 1], [1, np.nan, 2])
    assert schema.write(schema.read(query))["animal"].isna().tolist() == [False, True, True]
    schema.closed[1] = True
    with pytest.raises(
        ValueError,
        match=r"Unknown category in X: column 1 \('animal'\) holds 'emu' in row 2, .*"
        r"\('cat', 'dog'\); set handle_unknown to 'missing' or 'smooth', or declare it",
    ):
        schema.read(query)


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        (
            "number",
            ["1", "x", "2"],
            "'1' in row 0, column 0 ('number'), but training data held num",
        ),
        ("number", pd.to_datetime([None, None, "2020-01-01"]), "row 2, column 0 ('number')"),
        ("number", pd.Series([1, "old", 2], dtype=object), "'old' in row 1"),
        ("day", [1.0, 2.0, np.nan], "1.0 in row 0, column 1 ('day'), but training data held dates"),
        ("day", pd.to_datetime(["2020-01-01"] * 3, utc=True), "without a time zone"),
        ("day", CLOCK, "datetime.time(1, 2, 3, 4)"),
        ("span", pd.to_datetime(["2020-01-01"] * 3), "but training data held durations there"),
    ],
    ids=range(7),
)
def test_columns_of_another_sort_are_refused(column, cells, words):
    frame = pd.DataFrame({"number": [1.0, 2, 3], "day": DAYS, "span": SPANS})
    schema = Schema.learn(frame)
    with pytest.raises(ValueError, match="X holds ") as error:
        schema.read(frame.assign(**{column: cells}))
    assert words in str(error.value)


def test_columns_without_observed_cells_fit_any_column():
    frame = mixed_frame()
    schema = Schema.learn(frame)
    expected = schema.write(np.nan_to_num(schema.read(frame)))
    numbers = np.nan_to_num(schema.read(frame))
    for nothing in (None, np.nan, pd.NA):
        empty = pd.DataFrame({name: [nothing] * 4 for name in frame})
        assert np.isnan(schema.read(empty)).all()
        filled = schema.fill(empty, numbers)
        for name in frame:
            assert filled[name].tolist() == expected[name].tolist(), name
    empty = pl.DataFrame({name: [None] * 4 for name in frame})
    filled = schema.fill(empty, numbers)
    assert filled["text"].to_list() == ["b", "a", "a", "b"]
    assert filled["whole"].to_list() == [1, 2, 0, 2**40]
    assert filled["span"].to_list()[:2] == [datetime.timedelta(hours=h) for h in (1, 2)]


def test_sentinels_are_missing_among_cells_of_their_own_sort():
    frame = pd.DataFrame(
        {
            "number": [1, -999, 3],
            "text": ["-999", "?", "a"],
            "objects": pd.Series([1, "?", 2], dtype=object),
            "label": pd.Categorical([1, -999, 1]),
            "flag": [True, False, True],
        }
    )
    schema = Schema.learn(frame, AnyCells(["?", -999, 1.5, np.nan]))
    numbers = schema.read(frame)
    assert np.isnan(numbers).tolist() == [[False] * 5, [True] * 4 + [False], [False] * 5]
    assert [column.role for column in schema.columns] == [
        "number", "label", "number", "label", "label",
    ]  # fmt: skip
    assert schema.columns[1].labels == ("-999", "a")
    filled = schema.fill(frame, np.ones((3, 5)))
    assert filled.drop(columns="label").loc[1].tolist() == [1, "a", 1, False]
    array = np.array([[1.0, -999], [3, 4]])
    np.testing.assert_array_equal(
        Schema.learn(array, AnyCells(-999)).read(array), [[1, np.nan], [3, 4]]
    )
    with pytest.raises(ValueError, match="missing_values must be a number, a text or a list"):
        Schema.learn(frame, AnyCells({"a": 1}))


# ---------------------------------------------------------------------- times
def test_times_are_days_if_all_are_whole_days_else_seconds():
    def numbers(cells):
        frame = pd.DataFrame({"a": cells})
        return Schema.learn(frame).read(frame)[:, 0].tolist()

    assert numbers([datetime.date(1970, 1, 2), datetime.date(1969, 12, 31)]) == [1, -1]
    assert numbers(pd.to_datetime(["1970-01-02", "1970-01-03"])) == [1, 2]
    assert numbers(pd.to_datetime(["1970-01-01 00:00:01", "1970-01-02 00:00:00"])) == [1, 86400]
    assert numbers(pd.to_datetime(["1970-01-01 01:00"]).tz_localize("Europe/Berlin")) == [0]
    assert numbers(pd.to_timedelta([48, 24], unit="h")) == [2, 1]
    assert numbers(pd.to_timedelta([1500, 1], unit="ms")) == [1.5, 0.001]
    assert numbers([datetime.time(0, 1), datetime.time(0, 0, 1)]) == [60, 1]


def test_the_unit_of_times_is_that_of_training():
    days = pd.DataFrame({"a": pd.to_datetime(["2020-01-01", "2020-01-02"])})
    hours = pd.DataFrame({"a": pd.to_datetime(["2020-01-01 06:00", None])})
    schema = Schema.learn(days)
    np.testing.assert_array_equal(schema.read(hours)[:, 0], [18262.25, np.nan])
    written = schema.write(np.array([[18262.4], [18262.6]]))  # whole days, as in training
    assert written["a"].tolist() == days["a"].tolist()
    filled = schema.fill(hours, np.array([[0.0], [18263.0]]))
    assert filled["a"].tolist() == [pd.Timestamp("2020-01-01 06:00"), pd.Timestamp("2020-01-02")]


def test_moments_beyond_a_dtype_are_moved_into_it():
    frame = pd.DataFrame({"a": pd.to_datetime(["2020-01-01 01:00"]).astype("M8[ns]")})
    written = Schema.learn(frame).write(np.array([[1e30], [-1e30]]))
    assert [moment.year for moment in written["a"]] == [2262, 1677]


# ---------------------------------------------------------------------- filling
def test_observed_cells_and_their_dtypes_stay_as_they_were():
    frame = pd.DataFrame(
        {
            "text": pd.Series(["b", None, "zebra"], dtype=object),
            "real": pd.array([0.1, None, 0.3], dtype="Float32"),
            "size": pd.Categorical(["S", None, "S"], ["S"]),
            "moment": pd.to_datetime(["2020-01-01 00:00:00.123456789", None, None]),
            "whole": [1, 2, 3],
        }
    ).set_axis([5, 3, 9])
    training = frame.assign(text=["a", "b", "c"], size=pd.Categorical(["S", "M", "S"]))
    before = frame.copy(deep=True)
    schema = Schema.learn(training)
    table = np.tile([2.0, 7.5, 1.0, 1.5e9, 9.0], (3, 1))
    filled = schema.fill(frame, table)
    pd.testing.assert_frame_equal(frame, before)
    assert filled.index.tolist() == [5, 3, 9]
    assert filled["text"].tolist() == ["b", "c", "zebra"]
    assert filled["real"].dtype == "Float32"
    assert filled["size"].tolist() == ["S", schema.columns[2].labels[1], "S"]
    assert filled["moment"].iloc[0] == frame["moment"].iloc[0]  # to the nanosecond
    assert filled["moment"].dtype == frame["moment"].dtype
    assert filled["whole"].tolist() == [1, 2, 3]
    assert filled["whole"].dtype == "int64"
    means = schema.fill(frame, table, means=True)
    assert means["whole"].dtype == "float64"
    assert means["whole"].tolist() == [1.0, 2.0, 3.0]
    assert means["text"].tolist() == ["b", "c", "zebra"]


def test_a_frame_of_another_library_than_that_of_training_is_filled():
    frame = mixed_frame()
    schema = Schema.learn(frame)
    numbers = schema.read(frame)
    table = np.where(np.isnan(numbers), 0.0, numbers)
    expected = schema.fill(frame, table)
    others = (
        pl.from_pandas(frame),
        pa.Table.from_pandas(frame),
        np.ma.masked_array(
            frame.to_numpy(dtype=object), mask=frame.isna().to_numpy(), fill_value=None
        ),
        frame.to_numpy(dtype=object).tolist(),
    )
    for own in others:
        filled = schema.fill(own, table)
        np.testing.assert_array_equal(schema.read(filled), table)
    assert schema.fill(others[0], table)["text"].to_list() == expected["text"].tolist()
    assert schema.fill(others[1], table).schema.types == others[1].schema.types


# ---------------------------------------------------------------------- estimators
def test_the_density_of_any_table_is_an_estimator():
    check_estimator(AnyGaussian("diag"))


def people():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, 30),
            "height": np.where(rng.random(30) < 0.3, np.nan, rng.normal(170, 9, 30)),
            "town": rng.choice(["Ulm", "Rome", "?"], 30),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 30), "D"),
        }
    )


@pytest.mark.parametrize("convert", [lambda X: X, pl.from_pandas, pa.Table.from_pandas])
def test_densities_answer_with_the_tables_of_their_user(convert):
    X = convert(people())
    density = AnyGaussian("diag").fit(X)
    sample = density.sample(5, random_state=0)
    assert type(sample) is type(X)
    schema = sample.schema if hasattr(sample, "schema") else sample.dtypes.to_dict()
    expected = X.schema if hasattr(X, "schema") else X.dtypes.to_dict()
    assert schema == expected if not isinstance(X, pa.Table) else schema.equals(expected)
    completed = density.conditional_sample(X, random_state=0)
    assert type(completed) is type(X)
    assert not np.isnan(density._check_query(completed)).any()
    mean = density.conditional_mean(X)
    assert type(mean) is type(X)
    np.testing.assert_allclose(
        np.asarray(mean["age"], dtype=float), np.asarray(X["age"], dtype=float)
    )
    assert type(density.conditional_mode(X)) is type(X)
    with pytest.raises(ValueError, match="feature names should match"):
        density.score_samples(people()[["height", "age", "town", "since"]])


def test_classifiers_and_mixtures_hand_on_what_columns_are():
    X = people()
    y = np.where(X["age"] > 40, "old", "young")
    classifier = GenerativeClassifier(AnyGaussian("diag")).fit(X, y)
    drawn, labels = classifier.sample(9, random_state=0)
    assert drawn.dtypes.to_dict() == X.dtypes.to_dict()
    assert len(labels) == 9
    np.testing.assert_allclose(
        classifier.predict_proba(X), classifier.predict_proba(pl.from_pandas(X))
    )
    mixture = MixtureDensity(AnyGaussian("diag"), random_state=0, max_iter=2).fit(X)
    assert mixture.sample(3, random_state=0).dtypes.to_dict() == X.dtypes.to_dict()
    assert mixture.densities_[0].sample(3, random_state=0).columns.equals(X.columns)


@pytest.mark.parametrize("convert", [lambda X: X, pl.from_pandas], ids=["pandas", "polars"])
def test_conditionals_answer_with_the_outputs_of_their_user(convert):
    X, Y = convert(people()[["age", "since"]]), convert(people()[["town", "height"]])
    model = ConditionalDensity(AnyGaussian("diag")).fit(X, Y)
    for predicted in (model.predict(X), model.predict_mode(X)):
        assert type(predicted) is type(Y)
        assert list(predicted.columns) == ["town", "height"]
        assert set(predicted["town"]) <= {"Rome", "Ulm"}
    drawn = model.sample_y(X, 2, random_state=0)
    assert drawn.shape == (30, 2, 2)
    assert {type(cell) for cell in drawn[:, 1].ravel()} == {float}
    assert list(model.density_.sample(3).columns) == ["age", "since", "town", "height"]
    assert np.isfinite(model.score_samples(X, Y)).all()
    with pytest.raises(ValueError, match=r"y holds 'tall' in row 0, column 1 \('height'\)"):
        model.score(X, convert(people()[["town"]].assign(height="tall")))
    with pytest.raises(ValueError, match="y has 1 columns, but ConditionalDensity was fitted to 2"):
        model.score(X, Y["town"])
    model._output_schema.closed[0] = True
    with pytest.raises(ValueError, match=r"Unknown category in y: column 0 \('town'\)"):
        model.score(X, convert(people()[["town", "height"]].assign(town="Bonn")))


def test_conditionals_of_one_column_answer_with_arrays():
    X, town = people()[["age", "since"]], people()["town"]
    expected = ConditionalDensity(AnyGaussian("diag")).fit(X, town)
    for y in (town.tolist(), town.to_numpy(dtype=object), pl.Series("town", town.tolist())):
        model = ConditionalDensity(AnyGaussian("diag")).fit(X, y)
        assert set(model.predict(X)) <= {"Rome", "Ulm"}
        np.testing.assert_array_equal(model.predict(X), expected.predict(X))
        np.testing.assert_allclose(model.score_samples(X, y), expected.score_samples(X, town))
        assert model.sample_y(X, 3, random_state=0).shape == (30, 3)
    numbers = ConditionalDensity(AnyGaussian("diag")).fit(X, people()[["age"]])
    plain = ConditionalDensity(GaussianDensity("diag")).fit(X[["age"]], people()[["age"]])
    np.testing.assert_allclose(numbers.predict(X), plain.predict(X[["age"]]))


def test_arrays_of_numbers_stay_arrays():
    X = np.random.default_rng(0).normal(size=(20, 2))
    density, plain = AnyGaussian().fit(X), GaussianDensity().fit(X)
    np.testing.assert_array_equal(density.sample(3, 0), plain.sample(3, 0))
    query = pd.DataFrame([[1.0, np.nan]])
    np.testing.assert_array_equal(density.conditional_mean(query), plain.conditional_mean(query))
    assert AnyGaussian().fit(X.astype(np.float32)).sample(3).dtype == np.float32
    read = validate_table(AnyGaussian(), X, **AnyGaussian._input_checks)
    assert np.shares_memory(read, X)
    assert as_given(GaussianDensity(), X) is X


def test_a_schema_of_an_earlier_fit_is_forgotten():
    mixture = MixtureDensity(AnyGaussian("diag"), random_state=0, max_iter=2).fit(people())
    mixture.set_params(density=GaussianDensity("diag")).fit(np.eye(4))
    assert isinstance(mixture.sample(2), np.ndarray)
    with pytest.raises(NotFittedError):
        AnyGaussian().score_samples(people())


def test_what_schemas_do_not_read_scikit_learn_refuses():
    frame = people()
    density = AnyGaussian("diag")
    with pytest.raises(ValueError, match="infinity"):
        density.fit(frame.assign(age=np.inf))
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        density.fit(["a", "b"])
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        density.fit(frame[:0])
    with pytest.raises(ValueError, match="Complex data not supported"):
        density.fit(frame.assign(age=1j))
    with pytest.raises(ValueError, match="structured array with the fields"):
        density.fit(np.ones(2, dtype=[("a", int), ("b", float)]))
    with pytest.raises(ValueError, match="has 2 features"):
        density.fit(frame.to_numpy()).score_samples([["a", 1]])
