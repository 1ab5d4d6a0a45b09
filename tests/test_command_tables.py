"""The commands about a table: describe, impute, sample and score."""

import csv as csv_module
import fractions
import io
import re
import stat
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skdgm
from skdgm import BaggingDensity, ChowLiuTreeDensity, TableDensity
from skdgm.__main__ import main
from skdgm._command_line import model
from skdgm._csv.columns import FORMATS, CsvColumn
from skdgm._csv.file import CsvFile, split_lines

ROWS = 60
MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"  # with which spreadsheets start a file


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Models of trees, for the families of "auto" take seconds."""
    trees = BaggingDensity(ChowLiuTreeDensity(), 3, random_state=0)
    monkeypatch.setattr(model, "TableDensity", partial(TableDensity, trees))


@pytest.fixture(scope="module")
def text():
    """A table as a spreadsheet writes it, with holes."""
    rng = np.random.default_rng(0)
    port = rng.choice(["Cork", "Dover"], size=ROWS, p=[0.3, 0.7])
    fare = np.where(port == "Cork", 40, 10) + rng.gamma(4, 2, size=ROWS).round(2)
    born = pd.Timestamp("1980-01-01") + pd.to_timedelta(rng.integers(0, 9000, ROWS), "D")
    table = pd.DataFrame(
        {
            "ticket": [f"T-{i:03}" for i in range(ROWS)],
            "port": port,
            "fare": [f"{x:.2f}".replace(".", ",") for x in fare],
            "born": born.strftime("%d.%m.%Y"),
            "zip": [f"{z:05}" for z in rng.choice([210, 4711, 80331], ROWS)],
            "bags": rng.integers(0, 4, ROWS).astype(str),
            "back": np.where(rng.random(ROWS) < 0.5, "TRUE", "FALSE"),
        }
    ).astype(object)
    holes = rng.random(table.shape) < 0.15
    holes[:, 0] = False
    table[holes] = ""
    table.loc[3, "port"] = ' "Cork"'  # in quotes, with a space before
    lines = [";".join(row) for row in [table.columns, *table.to_numpy()]]
    lines.insert(5, "")
    return "\r\n".join(lines) + "\r\n"


@pytest.fixture
def table(tmp_path, text):
    path = tmp_path / "passengers.csv"
    path.write_text(text, encoding="utf-8-sig", newline="")
    return path


def cells_of(text):
    text = text.removeprefix(MARK)
    return [row for row in csv_module.reader(io.StringIO(text), delimiter=";") if row]


def run(command, table, *options):
    return main([command, str(table), *options])


# ---------------------------------------------------------------------- impute
def test_every_cell_that_was_there_is_written_back_as_it_was(table, text, tmp_path):
    output = tmp_path / "complete.csv"
    assert run("impute", table, "--output", str(output), "--columns", "zip=categorical") == 0
    written = output.read_bytes().decode("utf-8")
    assert written.startswith(f"{MARK}ticket;")
    before, after = cells_of(text), cells_of(written)
    assert len(after) == len(before)
    for own, filled in zip(before, after, strict=True):
        for cell, new in zip(own, filled, strict=True):
            assert new == cell or cell == ""
            assert new != ""
    forms = {1: "Cork|Dover", 2: r"\d+,\d\d", 3: r"\d\d\.\d\d\.\d{4}", 4: r"\d{5}", 5: r"[0-3]"}
    for own, filled in zip(before[1:], after[1:], strict=True):
        for place, form in {**forms, 6: "TRUE|FALSE"}.items():
            if not own[place]:
                assert re.fullmatch(form, filled[place])
    assert written.count("\r\n") == text.count("\r\n")
    assert '; "Cork";' in written


def test_results_go_to_standard_output_and_notes_do_not(table, capsys):
    assert run("impute", table, "--seed", "3") == 0
    seen = capsys.readouterr()
    assert len(cells_of(seen.out)) == ROWS + 1
    assert "note: " in seen.err
    assert "ticket" in seen.err  # an identifier
    assert "learning" not in seen.err  # which is told on a terminal alone


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab,;" \r\n\u00e9'), max_size=5), min_size=2, max_size=2),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_lines_are_split_into_what_was_written(rows, end):
    out = io.StringIO()
    csv_module.writer(out, lineterminator=end).writerows(rows)
    text = out.getvalue()
    split = list(split_lines(text, ","))
    assert "".join(",".join(cells) + own for cells, own in split) == text


# ---------------------------------------------------------------------- sample
def test_samples_look_like_the_table_and_agree_with_what_is_given(table, capsys):
    options = ("-n", "30", "--given", "port=Cork", "--given", "fare=30..60", "--given", "bags=1..2")
    assert run("sample", table, *options, "--given", "born=01.01.1985..", "--seed", "1") == 0
    first = capsys.readouterr().out
    head, *rows = cells_of(first)
    assert head == ["ticket", "port", "fare", "born", "zip", "bags", "back"]
    assert len(rows) == 30
    for row in rows:
        assert row[1] == "Cork"
        assert re.fullmatch(r"\d\d,\d\d", row[2])
        assert 30 <= float(row[2].replace(",", ".")) <= 60
        assert int(row[3][-4:]) >= 1985
        assert row[5] in ("1", "2")
    assert run("sample", table, *options, "--given", "born=01.01.1985..", "--seed", "1") == 0
    assert capsys.readouterr().out == first
    assert run("sample", table, "-n", "3") == 0
    assert len(cells_of(capsys.readouterr().out)) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--given", "deck=A"), "given must be COLUMN=VALUE with a column of"),
        (("--given", "port"), "given must be COLUMN=VALUE"),
        (("--given", "fare=cheap"), "given must hold numbers for column 'fare'"),
        (("--given", "born=yesterday"), r"given must hold dates like '31.12.2020'"),
        (("--given", "port=Cork", "--given", "port=Dover"), "'port' is repeated"),
        (("--given", "port=Oslo"), "Unknown category in --given"),
        (("-n", "0"), "-n must be at least 1"),
        (("--columns", "zip"), "--columns must be told as NAME=KIND"),
        (("--columns", "zip=colour"), "tells the kind 'colour'"),
    ],
)
def test_bad_options_give_one_line_and_exit_code_2(table, capsys, options, message):
    assert run("sample", table, *options) == 2
    seen = capsys.readouterr()
    error = next(line for line in seen.err.splitlines() if "error:" in line)
    assert re.search(message.replace("given must", "(--)?given must"), error)
    assert not seen.out


# ---------------------------------------------------------------------- score
def test_scores_name_the_cells_that_are_spoiled(tmp_path, text, capsys):
    lines = text.split("\r\n")
    spoiled = lines[10].split(";")
    spoiled[1], spoiled[2] = "Cork", "980,00"
    lines[10] = ";".join(spoiled)
    path = tmp_path / "spoiled.csv"
    path.write_text("\r\n".join(lines), encoding="utf-8", newline="")
    clean = tmp_path / "passengers.csv"
    clean.write_text(text, encoding="utf-8", newline="")
    assert run("score", path) == 0
    scores = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(scores["row"]) == list(range(1, ROWS + 1))
    worst = scores.loc[scores["tail_probability"].idxmin()]
    assert worst["row"] == 9  # line 10, after the names and a blank line
    assert worst["column_1"] == "fare"
    assert worst["value_1"] == "980,00"
    assert float(worst["expected_1"].replace(",", ".")) < 900
    assert (scores["log_prob"] < 0).all()


# ---------------------------------------------------------------------- describe
def test_descriptions_tell_kinds_holes_oddities_and_dependences(tmp_path, text, capsys):
    lines = text.split("\r\n")
    for line in (7, 8):
        cells = lines[line].split(";")
        cells[2], cells[1] = "9999,00", "dover "
        lines[line] = ";".join(cells)
    path = tmp_path / "odd.csv"
    path.write_text("\r\n".join(lines), encoding="utf-8", newline="")
    assert run("describe", path) == 0
    seen = capsys.readouterr().out
    assert f"{ROWS} rows, 7 columns" in seen
    assert re.search(r"ticket +identifier +60 different values", seen)
    assert re.search(r"born +continuous +\d+% +\d\d\.\d\d\.\d{4} to", seen)
    assert "'fare' holds 9999,00 in 2 rows, far from all other values" in " ".join(seen.split())
    assert "'port' spells one value in several ways" in " ".join(seen.split())
    assert max(map(len, seen.splitlines())) <= 80
    assert "strongest dependences" in seen
    output = tmp_path / "columns.csv"
    assert run("describe", path, "--output", str(output)) == 0
    assert list(pd.read_csv(output)["column"])[:2] == ["ticket", "port"]


# ---------------------------------------------------------------------- models and files
def test_models_are_kept_and_reused(table, tmp_path, capsys, monkeypatch):
    pytest.importorskip("skops.io")
    kept = tmp_path / "passengers.skops"
    assert run("sample", table, "-n", "4", "--model", str(kept)) == 0
    first = capsys.readouterr().out
    monkeypatch.setattr(model, "TableDensity", pytest.fail)
    assert run("sample", table, "-n", "4", "--model", str(kept)) == 0
    assert capsys.readouterr().out == first
    assert run("sample", table, "--model", str(kept), "--columns", "zip=count") == 2
    assert "told when a model is made" in capsys.readouterr().err
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n3,4\n")
    assert run("impute", other, "--model", str(kept)) == 2
    assert "7 columns, but the table lacks 'ticket'" in capsys.readouterr().err
    skops = pytest.importorskip("skops.io")
    strange = skops.loads(kept.read_bytes(), trusted=skdgm.TRUSTED_TYPES)
    strange.added_ = fractions.Fraction(1, 2)
    tampered = tmp_path / "tampered.skops"
    tampered.write_bytes(skops.dumps(strange))
    assert run("impute", table, "--model", str(tampered)) == 2
    assert "types that are not trusted: fractions.Fraction" in capsys.readouterr().err
    broken = tmp_path / "broken.skops"
    broken.write_bytes(b"no model")
    assert run("impute", table, "--model", str(broken)) == 2
    assert "--model must be a file that skdgm wrote" in capsys.readouterr().err


def test_rows_are_printed_even_if_the_model_cannot_be_kept(table, tmp_path, capsys, monkeypatch):
    pytest.importorskip("skops.io")

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(model, "replace_file", full)
    assert run("sample", table, "-n", "2", "--model", str(tmp_path / "passengers.skops")) == 1
    seen = capsys.readouterr()
    assert len(cells_of(seen.out)) == 3
    assert "cannot be written: No space left on device" in seen.err


def test_what_is_read_is_never_written_to(table, tmp_path, capsys):
    before = table.read_bytes()
    for options in (("--output", str(table)), ("--model", str(table))):
        assert run("impute", table, *options) == 2
        assert "--output must not replace" in capsys.readouterr().err
    assert run("impute", table, "--output", str(tmp_path / "no" / "such.csv")) == 2
    assert "can be written" in capsys.readouterr().err
    assert table.read_bytes() == before
    output = tmp_path / "new.csv"
    assert run("sample", table, "-n", "2", "--output", str(output)) == 0
    assert not list(tmp_path.glob(".new*"))
    assert output.stat().st_mode & stat.S_IRUSR


def test_columns_without_values_or_names_stay_as_they_are(tmp_path, capsys):
    path = tmp_path / "table.csv"
    rows = [f"r{i},{i % 3},,{i % 2}" for i in range(20)]
    path.write_text("\n".join([",a,empty,b", *rows, "x,,,1", ""]))
    assert run("impute", path) == 0
    seen = capsys.readouterr()
    assert "no value in 'empty'" in seen.err
    rows = list(csv_module.reader(io.StringIO(seen.out)))
    assert [row[0] for row in rows[1:]] == [f"r{i}" for i in range(20)] + ["x"]
    assert {row[2] for row in rows[1:]} == {""}
    assert rows[-1][1] in "012"


def test_values_are_written_in_the_form_of_their_column():
    column = CsvColumn("x", "number", ",", 1)
    assert column.text_of(-0.01) == "0,0"
    assert column.value_of("2,5") == column.value_of("2.5") == 2.5
    assert CsvColumn("x", "number", is_percent=True).text_of(0.257) == "26%"
    assert CsvColumn("x", "number", is_percent=True).value_of("5%") == 0.05
    day = pd.Timestamp("2021-03-04 05:06:07")
    for form in FORMATS:
        written = CsvColumn("d", "date", date_format=form).text_of(day)
        assert CsvColumn("d", "date", date_format=form).value_of(written) == pd.to_datetime(
            written, format=form
        )


def test_dates_and_numbers_are_told_apart(tmp_path):
    path = tmp_path / "table.csv"
    rows = ["2020-01-02,007,5%,2020-01-02 10:00", "2021-05-06,123,7%,2021-01-02 11:30"]
    path.write_text("\n".join(["day,code,share,time", *rows, ""]))
    file = CsvFile.read(path)
    assert {name: own.sort for name, own in file.columns.items()} == {
        "day": "date",
        "code": "number",
        "share": "number",
        "time": "date",
    }
    assert file.columns["code"].text_of(7) == "007"
    assert file.columns["time"].text_of(file.frame["time"][1]) == "2021-01-02 11:30"
