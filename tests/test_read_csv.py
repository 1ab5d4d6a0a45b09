"""CSV files: what is read from them, what is left out, and which are refused."""

import bz2
import gzip
import lzma
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from skdgm import compare_classifiers, load_table


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def read(tmp_path):
    """Read a text as a file with the target "y"; return features and what the notes say."""

    def of(text, **options):
        path = write(tmp_path / "table.csv", text)
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always")
            X, _ = load_table(path, "y", **options)
        return X, [str(note.message) for note in notes]

    return of


# ---------------------------------------------------------------------- files
def test_load_table_reads_what_a_spreadsheet_saves(tmp_path):
    text = 'a, b,kind\r\n1,"x, y",u\r\n\r\n,"two\nlines",v\r\n3.5,NA,u\r\n'
    path = write(tmp_path / "table.csv", text, encoding="utf-8-sig")
    X, y = load_table(path, "kind")
    assert list(X.columns) == ["a", "b"]
    assert y.tolist() == ["u", "v", "u"]
    assert X["a"].isna().tolist() == [False, True, False]
    assert X["b"].tolist()[:2] == ["x, y", "two\nlines"]
    assert X["b"].isna()[2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"data must hold.*holds nothing"),
        (b"\n\n", r"data must hold.*holds nothing"),
        (b"a,y\n", r"data must hold.*holds only a line of names"),
        (b"a,y\n1,u\n1\n", r"data must have as many.*names 2 columns, but line 3 has 1\."),
        (b"a,y\n1,u,3\n", r"data must have as many.*names 2 columns, but line 2 has 3\."),
        (b"a,a,y\n1,2,u\n", "data must name every column differently, but 'a' is repeated"),
        (b",y\n0,u\n0,v\n", "data must name every column, but column 1 has no name"),
        (b",,y\n0,1,u\n1,1,v\n", "data must name every column, but column 2 has no name"),
        (b",y\n0,u\n1,v\n", "target must not be the only column, but data has no other"),
        (b"a,b\n1,2\n", "target must be a column of data, got 'y'.*are 'a', 'b'"),
        (b"a^y\n1^2\n", "target must be a column of data, got 'y'; .*',' must separate.* 'a.y'"),
        (b"y\nu\nv\n", "target must not be the only column, but data has no other"),
        (b"a,y\n\xff,u\n", r"data must be UTF-8 text"),
        (b"a,y\n" + b"x" * 200_000 + b",u\n", "data must be a CSV file, but line 2.*limit"),
    ],
)
def test_invalid_files_are_refused(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_table(path, "y")


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"data must be the path.*none\.csv' does not exist"):
        load_table(tmp_path / "none.csv", "y")
    with pytest.raises(ValueError, match=r"data must be the path.*is a directory"):
        load_table(tmp_path, "y")


def test_long_headers_are_abbreviated(tmp_path):
    names = ",".join(f"c{i}" for i in range(30))
    path = write(tmp_path / "wide.csv", f"{names}\n{names}\n")
    with pytest.raises(ValueError, match="'c9' and 20 more"):
        load_table(path, "y")


# ---------------------------------------------------------------------- separator, decimal mark
@pytest.mark.parametrize(
    "text",
    [
        "a,b,y\n1.5,x,u\n-2,z,v\n",
        "a;b;y\n1.5;x;u\n-2;z;v\n",
        "a\tb\ty\n1.5\tx\tu\n-2\tz\tv\n",
        "a|b|y\n1.5|x|u\n-2|z|v\n",
        "a;b;y\n1,5;x;u\n-2,0;z;v\n",
        'a,b,y\n"1,5",x,u\n"-2,0",z,v\n',
    ],
)
def test_separator_and_decimal_mark_are_found(read, text):
    X, notes = read(text)
    pd.testing.assert_frame_equal(
        X, pd.DataFrame({"a": [1.5, -2], "b": ["x", "z"]}), check_dtype=False
    )
    assert X["a"].dtype == np.float64
    assert notes == []


def test_the_target_tells_between_separators(read):
    X, _ = read("length, cm;width, cm;y\n1,5;2,5;u\n2,5;3,5;v\n")
    assert X["width, cm"].tolist() == [2.5, 3.5]
    X, _ = read("a;b,y\n1;2,u\n2;4,v\n")
    assert list(X) == ["a;b"]


def test_separators_can_be_told(read):
    X, _ = read("a b y\n1 2 u\n3 4 v\n", sep=" ")
    assert X["b"].tolist() == [2, 4]


@pytest.mark.parametrize("pack", [(".gz", gzip), (".bz2", bz2), (".xz", lzma)])
def test_compressed_files_are_read(tmp_path, pack):
    path = tmp_path / f"table.csv{pack[0]}"
    packed = pack[1].compress(b"a,y\n1,u\n5,v\n" * 1)
    path.write_bytes(packed)
    assert load_table(path, "y")[0]["a"].tolist() == [1, 5]
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ValueError, match="data cannot be decompressed"):
        load_table(path, "y")
    path.write_bytes(b"a,y\n1,u\n5,v\n")
    with pytest.raises(ValueError, match="data cannot be"):
        load_table(path, "y")


def test_a_comma_that_may_mark_either_needs_the_decimal_mark(read):
    text = "a;b;y\n1,234;1;u\n2,345;3;v\n"
    with pytest.raises(ValueError, match="decimal must be given: '1,234' in column 'a'"):
        read(text)
    assert read(text, decimal=",")[0]["a"].tolist() == [1.234, 2.345]
    X, (note,) = read(text, decimal=".")
    assert X["a"].tolist() == [1234, 2345]
    assert X["a"].dtype == np.int64
    assert "'1,234' as 1234 (line 2)" in note
    for other, expected in [("0.5", 1234), ("0,5", 1.234)]:  # another column tells
        assert read(text.replace(";1;", f";{other};"))[0]["a"][0] == expected


def test_columns_that_differ_in_the_decimal_mark_need_it(read):
    text = "a;b;y\n1,5;2.5;u\n2,5;3.5;v\n"
    with pytest.raises(ValueError, match=r"decimal must be given.*'2.5' in column 'b', but '1,5'"):
        read(text)
    X, (note,) = read(text, decimal=",")
    assert X["a"].tolist() == [1.5, 2.5]
    assert X["b"].tolist() == ["2.5", "3.5"]
    assert note.startswith("column 'b' is read as text")


def test_points_group_thousands_beside_decimal_commas(read):
    X, (_, note) = read("a;b;y\n1,5;1.234;u\n1.234,5;5.678;v\n")
    assert X["a"].tolist() == [1.5, 1234.5]
    assert X["b"].tolist() == [1234, 5678]
    assert "'1.234' as 1234" in note


# ---------------------------------------------------------------------- damaged numbers
DAMAGED = ["?", "-", "missing", '"1,234.5"', "12%"]


def column(cells, first="a"):
    return f"{first},y\n" + "".join(f"{cell},u\n" for cell in cells)


def test_damaged_numbers_are_read_or_missing_with_a_note(read):
    cells = ["5.5", "600.5", *DAMAGED, "oops", *["3.5"] * 7]
    X, (note,) = read(column(cells))
    nan = np.nan
    expected = [5.5, 600.5, nan, nan, nan, 1234.5, nan, nan, *[3.5] * 7]
    np.testing.assert_array_equal(X["a"], expected)
    assert note == (
        "column 'a' is read as numbers, missing where it holds '?' (line 4), '-' (line 5), "
        "'missing' (line 6), '12%' (line 8), 'oops' (line 9); with '1,234.5' as 1234.5 (line 7)."
    )


def test_thousands_that_suit_no_other_number_are_missing_unless_told(read):
    text = column(["5.5", *["3.5"] * 9, '"1,234.5"'])
    X, (note,) = read(text)
    assert X["a"].isna().tolist() == [False] * 10 + [True]
    assert "missing where it holds '1,234.5' (line 12) (decimal='.' reads thousands)." in note
    X, (note,) = read(text, decimal=".")
    assert X["a"].tolist()[-1] == 1234.5
    assert "with '1,234.5' as 1234.5 (line 12)" in note


def test_places_are_lines_of_the_file(read):
    _, (note,) = read('a,b,y\n1,"x\nx",u\n\n?,"x",u\n?,z,u\n2,x,v\n')
    assert "'?' (line 5 and 1 more)" in note


def test_percentages_are_shares_where_they_prevail(read):
    X, (note,) = read(column(["12%", "7 %", "0", "3"]))
    np.testing.assert_array_equal(X["a"], [0.12, 0.07, 0, np.nan])
    assert "missing where it holds '3' (line 5); with '12%' as 0.12 (line 2)" in note


@pytest.mark.parametrize(
    "cells",
    [
        ["A1", "B2", "A1", "C3"],
        ["1", "-", "-", "1"],  # the mark is all there is to know
        ["12345678901234567890123", "12345678901234567890124"],
        ["1.2.3", "1.2.4", "1.3.1"],
    ],
)
def test_other_text_stays_text(read, cells):
    X, notes = read(column(cells))
    assert X["a"].map(str).tolist() == cells  # newer pandas reads integers of any length
    assert notes == []


def test_a_column_with_much_text_is_text_with_a_note(read):
    cells = ["A/5", "17", "18", "19", "?"]
    X, (note,) = read(column(cells))
    assert X["a"].tolist() == cells
    assert note.startswith("column 'a' is read as text, because 1 of 4 cells are no numbers: 'A/5'")


def test_infinite_numbers_are_no_missing_ones(read):
    X, _ = read(column(["inf", "1.5", "?"]))
    np.testing.assert_array_equal(X["a"], [np.inf, 1.5, np.nan])


def test_missing_values_can_be_told(read):
    X, notes = read("a,b,y\n1,z,u\n-9,w,v\n-9.0,q,v\n", missing_values=["-9", "z"])
    np.testing.assert_array_equal(X["a"], [1, np.nan, np.nan])
    assert X["b"].isna().tolist() == [True, False, False]
    assert notes == []


@pytest.mark.usefixtures("small_grids")
@pytest.mark.parametrize("damage", [("?", "12%"), ('"1,234.5"', "-"), ("missing", "oops")])
def test_two_damaged_columns_cost_no_accuracy(read, damage):
    iris = load_iris()
    rows = [[*map(str, row), "label"] for row in iris.data]
    rows[5][2], rows[70][3] = damage
    X, notes = read("\n".join(map(",".join, [["a", "b", "c", "d", "y"], *rows])))
    assert [note[:10] for note in notes] == ["column 'c'", "column 'd'"]
    expected = iris.data.copy()
    expected[5, 2] = expected[70, 3] = np.nan
    np.testing.assert_array_equal(X, expected)
    if damage[0] == "?":  # the others gave the same numbers
        comparison = compare_classifiers(
            X, iris.target, models=["LogisticRegression"], random_state=1, verbose=False
        )
        assert comparison.table["accuracy"].iloc[0] > 0.97


# ---------------------------------------------------------------------- columns left out
DAYS = pd.date_range("2024-01-28", periods=12)


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("id", [7, 3, 9], "identifiers"),
        ("PatientID", ["a", "c", "b"], "identifiers"),
        ("any", [f"text {i}" for i in range(50)], "identifiers"),
        ("any", range(101, 111), "row numbers"),
        ("any", range(30, 0, -2), "row numbers"),
        ("any", np.repeat(range(5, 15), 2), "row numbers"),
        ("any", np.random.default_rng(0).permutation(60), "row numbers"),
        ("any", np.random.default_rng(0).permutation(20), "row numbers"),
        ("any", np.random.default_rng(0).permutation(90)[:60], "row numbers"),
        ("any", DAYS.strftime("%Y-%m-%d"), "dates"),
        ("any", DAYS.strftime("%d.%m.%Y"), "dates"),
        ("any", DAYS.strftime("%m/%d/%Y %H:%M"), "dates"),
        ("any", DAYS.strftime("%Y-%m-%dT%H:%M:%SZ"), "dates"),
        ("any", [*DAYS.strftime("%d-%b-%Y"), "?"], "dates"),
        ("any", DAYS[::-3].strftime("%Y%m%d"), "dates"),
    ],
)
def test_columns_that_describe_no_row_are_left_out(read, name, cells, reason):
    text = f"{name},b,y\n" + "".join(f"{cell},{i % 3},u\n" for i, cell in enumerate(cells))
    X, notes = read(text)
    assert list(X) == ["b"]
    assert notes == [f"left out: {name!r} ({reason}); name a column in keep to use it."]
    X, notes = read(text, keep=[name])
    assert list(X) == [name, "b"]
    assert notes == []


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("store_id", [1, 2, 1, 2]),
        ("acid", [5, 1, 7]),
        ("rising", np.linspace(0, 1, 30)),
        ("few", [1, 2, 3]),
        ("level", np.repeat([1, 2, 3], 10)),
        ("version", ["1.2.3", "1.2.4", "1.3.0"]),
        ("year", [1999, 2007, 2003]),
    ],
)
def test_other_columns_are_kept(read, name, cells):
    X, notes = read(f"{name},y\n" + "".join(f"{cell},u\n" for cell in cells))
    assert list(X) == [name]
    assert notes == []


def test_integers_that_may_be_identifiers_are_kept_with_a_note(read):
    amounts = np.random.default_rng(0).permutation(10_000)[:60]
    X, notes = read("income,y\n" + "".join(f"{amount},u\n" for amount in amounts))
    assert list(X) == ["income"]
    assert notes == [
        "a different integer in every row: 'income'; name columns in drop if these are identifiers."
    ]


def test_a_first_column_without_a_name_is_left_out(read):
    X, notes = read(",b,y\nMazda,1,u\nFiat,1,v\n")
    assert list(X) == ["b"]
    assert notes == [
        "left out: the first column, which has no name; name it in the file to use it."
    ]


@pytest.mark.usefixtures("small_grids")
def test_a_file_sorted_by_class_does_not_give_its_classes_away(read):
    rng = np.random.default_rng(0)
    rows = [f"{i},{rng.normal():.3f},{'u' if i < 40 else 'v'}" for i in range(80)]
    text = "\n".join(["case,a,y", *rows])
    y = np.repeat(["u", "v"], 40)
    accuracies = [
        compare_classifiers(
            read(text, keep=keep)[0],
            y,
            models=["LogisticRegression"],
            folds=2,
            random_state=0,
            verbose=False,
        )
        .table["accuracy"]
        .iloc[0]
        for keep in ([], ["case"])
    ]
    assert accuracies[0] < 0.7
    assert accuracies[1] > 0.95


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": ",,"}, "sep must be one character"),
        ({"decimal": ";"}, "decimal must be '.' or ','"),
        ({"missing_values": "NA"}, "missing_values must be a list, got 'NA'"),
        ({"missing_values": -9}, "missing_values must be a list, got -9"),
        ({"drop": ["c"]}, "drop must name columns of data, got 'c'"),
        ({"keep": ["y"]}, "keep must not name the target, 'y'"),
        ({"drop": ["a"]}, "target must not be the only column, but data has no other.*from\\."),
        ({"drop": ["b"], "keep": ["b"]}, "keep must not name columns in drop, got 'b'"),
    ],
)
def test_invalid_options_are_refused(read, options, message):
    with pytest.raises(ValueError, match=message):
        read("a,y\n1,u\n" if "b" not in options.get("keep", []) else "a,b,y\n1,1,u\n", **options)


def test_something_must_be_left(read):
    with pytest.raises(ValueError, match=r"target must not be the only.*left out: 'id'"):
        read("id,y\n7,u\n3,v\n")
