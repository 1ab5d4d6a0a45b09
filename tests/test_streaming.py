"""Tables larger than memory: what commands read and write part by part is that of the whole."""

import io
from functools import partial

import numpy as np
import pandas as pd
import pytest

from skdgm import BaggingDensity, ChowLiuTreeDensity, TableDensity
from skdgm.__main__ import main
from skdgm._command_line import model, sample
from skdgm._csv import file as csv_file
from skdgm._csv.file import CsvFile
from skdgm._csv.shapes import shape_of
from skdgm._files import new_file

ROWS = 40
COLUMNS = {  # cells of rows 0 to 39, by their number
    "whole": lambda i: i % 7,
    "late_hole": lambda i: "" if i > 35 else i % 5,
    "late_fraction": lambda i: 2.25 if i == 33 else i % 5,
    "late_text": lambda i: "many" if i > 30 else i % 3,
    "late_percent": lambda i: f"{i}%" if i > 12 else i,
    "late_mark": lambda i: "?" if i == 39 else f"{i}.5",
    "late_group": lambda i: "1,234.5" if i == 38 else f"{i / 10:.1f}",
    "late_bool": lambda i: "" if i < 20 else i % 2 == 0,
    "bool_then_text": lambda i: i % 2 == 0 if i < 30 else "perhaps",
    "day": lambda i: "" if i < 5 else f"{1 + i % 28:02}.{1 + i % 12:02}.2020",
    "no_day": lambda i: "soon" if i == 39 else f"{1 + i % 28:02}.01.2020",
    "month_first": lambda i: f"01/{12 if i < 30 else 31}/2020",
    "zip": lambda i: f"{i:05}",
    "large": lambda i: 2**63 + i if i % 2 else 1,
    "negative_late": lambda i: 2**63 + i if i < 39 else -1,
    "small": lambda i: f"{i + 1}e-{3 + i % 4}",
    "infinite": lambda i: "inf" if i == 34 else "" if i == 3 else i,
    "text": lambda i: '"a, ""b""\nc"' if i % 3 else "d",
    "late": lambda i: "" if i < 39 else "x",
    "empty": lambda i: "",
}


def text_of(columns, sep):
    lines = [sep.join(columns)]
    lines += [sep.join(str(cell(i)) for cell in columns.values()) for i in range(ROWS)]
    lines.insert(4, "")
    return "\n".join([*lines, "", ""])


COMMAS = {
    "label": lambda i: "xy"[i % 2],
    "price": lambda i: f"{i},50" if i > 25 else i,
    "weight": lambda i: f"{i}.{i:03}" if i > 20 else i,
}
GROUPS = {
    "label": lambda i: "x, y" if i == 37 else "z",
    "price": lambda i: "1,234.5" if i == 36 else 100 + i,
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "text",
    [
        text_of(COLUMNS, ";").replace('"a, ""b""', '"a; ""b""'),
        text_of(COMMAS, ";"),
        text_of(GROUPS, ";"),
    ],
)
def test_parts_hold_what_the_whole_file_does(tmp_path, monkeypatch, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    whole = CsvFile.read(path)
    plain = pd.read_csv(io.StringIO(text), sep=";", decimal=whole.decimal)
    for name in plain.columns.intersection(list(whole.columns)):
        if plain[name].dtype.kind in "iu":
            assert whole.frame[name].tolist() == plain[name].tolist()
    monkeypatch.setattr(csv_file, "CELLS_AT_ONCE", 12 * len(whole.source.header))
    file = CsvFile.read(path)
    assert file.columns == whole.columns
    parts = list(file.parts())
    assert [part.first for part in parts] == [0, 12, 24, 36]
    assert file.n_rows == ROWS
    frames = pd.concat([part.frame for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(frames, whole.frame, check_exact=True)
    pd.testing.assert_frame_equal(file.frame, whole.frame, check_exact=True)
    some = file.rows_at(np.array([0, 11, 12, 39]))
    pd.testing.assert_frame_equal(some, whole.frame.iloc[[0, 11, 12, 39]].reset_index(drop=True))
    assert file.head + "".join(part.text for part in parts) == text


def test_blank_cells_of_a_single_column_are_rows(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('a\n1\n""\n\n3\n')
    file = CsvFile.read(path)
    assert file.n_rows == 3
    assert file.frame["a"].tolist() == [1, pd.NA, 3]


def test_shapes_keep_what_tells_how_numbers_are_written():
    shapes = {"0470.25%": "0111.11%", "-02": "-01", "5": "1", "3.70E-12": "1.11E-12"}
    assert {text: shape_of(text) for text in shapes} == shapes


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table with several patterns of holes, and few learned rows and small parts from now on."""
    trees = BaggingDensity(ChowLiuTreeDensity(), 3, resampling="folds", random_state=0)
    monkeypatch.setattr(model, "TableDensity", partial(TableDensity, trees))
    rng = np.random.default_rng(0)
    kind = rng.choice(["u", "v"], ROWS)
    size = (np.where(kind == "u", 10, 30) + rng.normal(size=ROWS)).round(1).astype(object)
    size[9] = 99.5
    frame = pd.DataFrame({"kind": kind, "size": size, "n": rng.integers(0, 5, ROWS)}).astype(object)
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return path


def in_parts(monkeypatch):
    monkeypatch.setattr(csv_file, "CELLS_AT_ONCE", 3 * 7)


def test_output_does_not_depend_on_the_size_of_parts(table, tmp_path, monkeypatch, capsys):
    pytest.importorskip("skops.io")
    kept, packed = str(tmp_path / "table.skops"), tmp_path / "table.csv.gz"
    pd.read_csv(table, dtype=str, keep_default_na=False).to_csv(packed, index=False)
    assert main(["sample", str(table), "-n", "1", "--model", kept]) == 0
    capsys.readouterr()

    def outputs():
        for command, path in (("score", table), ("impute", table), ("impute", packed)):
            assert main([command, str(path), "--model", kept]) == 0
            yield capsys.readouterr().out
        assert main(["score", str(table)]) == 0
        yield capsys.readouterr().out

    whole = list(outputs())
    assert whole[0].count("\n") == whole[1].count("\n") == ROWS + 1
    assert whole[1] == whole[2]
    assert whole[0] != whole[3]  # which knows the rows
    in_parts(monkeypatch)
    assert list(outputs()) == whole


def test_large_tables_are_learned_from_some_rows(table, monkeypatch, capsys):
    in_parts(monkeypatch)
    monkeypatch.setattr(model, "LEARNED_CELLS", 3 * 25)
    assert main(["score", str(table), "--seed", "1"]) == 0
    seen = capsys.readouterr()
    assert "note: the model is learned from 25 of 40 rows, drawn by --seed.\n" in seen.err
    monkeypatch.setattr(csv_file, "CELLS_AT_ONCE", 2**16)
    assert main(["score", str(table), "--seed", "1"]) == 0
    assert capsys.readouterr().out == seen.out
    assert list(pd.read_csv(io.StringIO(seen.out))["row"]) == list(range(1, ROWS + 1))


def test_blocks_of_samples_differ_and_follow_the_seed(table, monkeypatch, capsys):
    def rows(*options):
        assert main(["sample", str(table), *options]) == 0
        return capsys.readouterr().out.splitlines()

    monkeypatch.setattr(sample, "CELLS_AT_ONCE", 3 * 8)
    first = rows("--rows", "20", "--seed", "2")
    assert len(first) == 21
    assert first[:9] == rows("-n", "8", "--seed", "2")
    assert first == rows("-n", "20", "--seed", "2")
    assert first[1:9] != first[9:17]
    given = rows("-n", "20", "--given", "kind=u")
    assert {row.split(",")[0] for row in given[1:]} == {"u"}
    assert len(given) == 21


def test_an_error_leaves_the_former_output_whole_and_names_the_row(
    table, tmp_path, monkeypatch, capsys
):
    pytest.importorskip("skops.io")
    kept, output = str(tmp_path / "table.skops"), tmp_path / "scores.csv"
    assert main(["score", str(table), "--model", kept, "--output", str(output)]) == 0
    before = output.read_bytes()
    with table.open("a") as file:
        file.write("w,10.5,2\n")
    in_parts(monkeypatch)
    assert main(["score", str(table), "--model", kept, "--output", str(output)]) == 2
    assert f"holds 'w' in row {ROWS}" in capsys.readouterr().err
    with table.open("a") as file:
        file.write("u,10.5\n")
    assert main(["impute", str(table), "--model", kept, "--output", str(output)]) == 2
    assert f"line {ROWS + 3} has 2" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_nothing_half_written_is_left(tmp_path):
    output = tmp_path / "scores.csv"
    output.write_text("former")

    def write(error):
        with new_file(output) as file:
            file.write(b"new")
            file.flush()
            assert output.read_text() == "former"
            if error is not None:
                raise error

    for error in (KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            write(error)
        assert output.read_text() == "former"
    write(None)
    assert output.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
