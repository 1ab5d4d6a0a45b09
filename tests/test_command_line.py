"""The command line: its input, what it prints and saves, and its exit codes."""

import os
import re
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

import skdgm
from skdgm.__main__ import main
from skdgm._command_line import compare as command_line
from skdgm._command_line.messages import as_options
from skdgm.comparison import _compare

pytestmark = pytest.mark.usefixtures("small_grids")


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    kind = np.repeat(["a", "b"], 10)
    length = (rng.normal(size=20) + 3 * (kind == "b")).round(2)
    path = tmp_path / "table.csv"
    pd.DataFrame(
        {"length": length, "colour": rng.choice(["red", "blue"], 20), "kind": kind}
    ).to_csv(path, index=False)
    return path


def run(csv, *options):
    arguments = ["compare", "--data", str(csv), "--target", "kind", "--folds", "2"]
    return main([*arguments, "--output", str(csv.with_name("out")), *options])


@pytest.fixture
def three_models(monkeypatch):
    """Let ``compare`` run on three models: that it passes on no choice is tested of its default."""
    models = ["LogisticRegression", "FullCategoricalDensity", "TableDensity"]
    some = partial(command_line.compare_classifiers, models=models)
    monkeypatch.setattr(command_line, "compare_classifiers", some)


@pytest.mark.usefixtures("three_models")
def test_compare_prints_and_saves(csv, capsys):
    assert run(csv) == 0
    seen = capsys.readouterr()
    for name in ("LogisticRegression", "FullCategoricalDensity", "hidden test cells", "Saved"):
        assert name in seen.out
    assert "[3/3] TableDensity: fold 2 of 2" in seen.err
    assert "log p(x, y)" in seen.out
    assert " nan" not in seen.out
    saved = pd.read_csv(csv.with_name("out.csv"), index_col="model")
    assert len(saved) == 3
    assert saved["log_likelihood"].notna().tolist() == [False, False, True]
    assert saved.loc["LogisticRegression", "n_parameters"] == 2 * 3 + 2
    assert imread(csv.with_name("out.png")).shape[1] == 1500


def test_ctrl_c_saves_finished_models(csv, capsys, interrupt_after):
    interrupt_after(1)
    report = csv.with_name("<report>.html")
    assert run(csv, "--quiet", "--html", str(report)) == 130
    seen = capsys.readouterr()
    assert "interrupted" in seen.out
    assert f"out.png and {report}\n" in seen.out
    page = report.read_text(encoding="utf-8")
    assert "interrupted before all models were finished" in page
    assert "&lt;report&gt;.html&#x27; </dd>".replace(" ", "") in page  # the command line
    assert "LogisticRegression" in page
    assert "fold" not in seen.err
    saved = pd.read_csv(csv.with_name("out.csv"), index_col="model")
    assert list(saved.index) == ["LogisticRegression"]
    assert csv.with_name("out.png").exists()


def test_ctrl_c_before_any_model_is_finished_saves_nothing(csv, capsys, interrupt_after):
    interrupt_after(0)
    assert run(csv, "--quiet") == 130
    assert "interrupted before a model was finished" in capsys.readouterr().err
    assert not csv.with_name("out.csv").exists()


def test_ctrl_c_outside_the_models_is_reported(csv, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "load_table", interrupted)
    assert run(csv) == 130
    assert capsys.readouterr().err == "skdgm compare: interrupted\n"


def test_digits_are_the_default(tmp_path, monkeypatch):
    seen = {}

    def stop(X, y, **settings):
        seen.update(settings, shape=X.shape)
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "compare_classifiers", stop)
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "--seed", "4", "--jobs", "2"]) == 130
    assert seen == {
        "shape": (1797, 64),
        "folds": 5,
        "random_state": 4,
        "n_jobs": 2,
        "verbose": True,
    }
    assert not list(tmp_path.iterdir())


def test_report_of_the_digits_shows_images(tmp_path, monkeypatch):
    seen = []

    def compare(X, y, **_):
        return SimpleNamespace(
            table=pd.DataFrame({"a": [1]}),
            interrupted=False,
            plot=lambda ax: None,
            to_csv=lambda path: None,
        )

    def page(comparison, image_shape, command):
        seen.append((image_shape, command))
        return "page"

    monkeypatch.setattr(command_line, "compare_classifiers", compare)
    monkeypatch.setattr(command_line, "make_page", page)
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "--html", "a b.html"]) == 0
    assert seen == [((8, 8), "skdgm compare --html 'a b.html'")]
    assert (tmp_path / "a b.html").read_text() == "page"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--html", "nowhere/a.html"], "--html must be a file that can be written"),
        (["--html", "."], "--html must be a file that can be written"),
        (["--html", "table.csv"], "--html must not replace a file that is read"),
        (["--html", "out.csv"], "--html must be a file of its own"),
        (["--html", "old.html"], "--html must be a new file, but 'old.html' exists"),
    ],
)
def test_report_replaces_nothing_unasked(csv, capsys, monkeypatch, options, message):
    monkeypatch.setattr(command_line, "compare_classifiers", pytest.fail)
    monkeypatch.chdir(csv.parent)
    csv.with_name("old.html").write_text("precious")
    assert run(csv, *options) == 2
    assert message in capsys.readouterr().err
    assert csv.with_name("old.html").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "none.csv", "--target", "kind"], "--data must be the path of a CSV file"),
        (["--target", "kind"], "--target needs --data"),
        (["--data", "table.csv"], "--data table.csv needs --target"),
        (["--data", "table.csv", "--target", "size"], "--target must be a column of data, got"),
        (["--data", "table.csv", "--target", "length"], "--target must hold class labels"),
        (["--data", "table.csv", "--target", "kind", "--folds", "1"], "--folds must be"),
        (["--seed", "-1"], "--seed must"),
        (["--jobs", "0"], "--jobs must"),
        (["--output", "nowhere/out"], "--output must be a prefix of files that can be written"),
        (["--output", 300 * "a"], "--output must be a prefix of files that can be written"),
        (["--output", ""], "--output must end in a name for the files, got ''"),
        (["--output", "."], "--output must end in a name for the files, got '.'"),
        (["--output", f"folder{os.sep}"], "--output must end in a name for the files, got 'folder"),
        (["--data", 300 * "a", "--target", "kind"], "--data must be the path of a CSV file"),
        (["--drop", "length"], "--drop needs --data"),
        (["--data", "table.csv", "--target", "kind", "--drop", "size"], "--drop must name columns"),
        (["--data", "table.csv", "--target", "kind", "--sep", "ab"], "--sep must be one character"),
        (["--data", "table.csv", "--target", "kind", "--decimal", "x"], "--decimal must be '.'"),
    ],
)
def test_invalid_input_gives_one_line_and_exit_code_2(csv, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(csv.parent)
    assert main(["compare", "--quiet", *arguments]) == 2
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.startswith(f"skdgm compare: error: {message}")
    assert seen.err.count("\n") == 1
    assert [path.name for path in csv.parent.iterdir()] == ["table.csv"]


def test_output_is_checked_before_the_run(csv, monkeypatch):
    monkeypatch.setattr(command_line, "compare_classifiers", pytest.fail)
    csv.with_name("out.png").mkdir()
    assert run(csv) == 2
    assert not csv.with_name("out.csv").exists()


@pytest.mark.parametrize("folds", ["0", "-3", "1"])
def test_folds_are_checked_before_anything_is_read(csv, capsys, monkeypatch, folds):
    monkeypatch.setattr(command_line, "load_table", pytest.fail)
    assert run(csv, "--folds", folds) == 2
    assert f"error: --folds must be an integer of 2 or more, got {folds}" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_data_are_never_replaced(csv, capsys, options):
    before = csv.read_bytes()
    csv.with_name("link.csv").symlink_to(csv)
    for prefix in ("table", "link"):
        assert run(csv, "--output", str(csv.with_name(prefix)), *options) == 2
        assert "error: --output must not replace the data" in capsys.readouterr().err
    assert csv.read_bytes() == before


@pytest.mark.parametrize(
    ("link", "ending"), [("no", "csv"), ("to a file", "png"), ("to nothing", "csv")]
)
def test_existing_files_are_replaced_only_by_force(csv, capsys, interrupt_after, link, ending):
    kept = csv.with_name("kept")
    named = csv.with_name(f"out.{ending}")
    if link == "no":
        named.write_text("precious")
    else:
        named.symlink_to(kept)
    if link == "to a file":
        kept.write_text("precious")
    interrupt_after(1)
    assert run(csv, "--quiet") == 2
    assert f"out.{ending}' exists; pass another prefix, or --force" in capsys.readouterr().err
    assert kept.exists() == (link == "to a file")
    assert link == "to nothing" or named.read_text() == "precious"
    assert sorted(path.name for path in csv.parent.glob("out*")) == [named.name]
    assert run(csv, "--quiet", "--force") == 130
    assert named.read_bytes() != b"precious"
    assert imread(csv.with_name("out.png"), format="png").shape[1] == 1500


def test_default_output_takes_the_next_free_number(csv, monkeypatch, interrupt_after):
    monkeypatch.chdir(csv.parent)
    csv.with_name("skdgm-compare.png").write_text("precious")
    csv.with_name("skdgm-compare-2.csv").symlink_to("nothing")
    interrupt_after(1)
    arguments = ["compare", "--data", "table.csv", "--target", "kind", "--folds", "2", "--quiet"]
    assert main(arguments) == 130
    assert csv.with_name("skdgm-compare-3.csv").exists()
    assert csv.with_name("skdgm-compare-3.png").exists()
    assert csv.with_name("skdgm-compare.png").read_text() == "precious"
    assert not csv.with_name("nothing").exists()


def test_files_that_come_up_during_the_run_are_not_replaced(csv, capsys, monkeypatch):
    compare_classifiers = command_line.compare_classifiers

    def slowly(*arguments, **settings):
        csv.with_name("out.csv").write_text("precious")
        return compare_classifiers(*arguments, models=["LogisticRegression"], **settings)

    monkeypatch.setattr(command_line, "compare_classifiers", slowly)
    assert run(csv, "--quiet") == 0
    assert csv.with_name("out.csv").read_text() == "precious"
    assert "out-2.csv" in capsys.readouterr().out
    assert csv.with_name("out-2.csv").exists()


def test_options_reach_the_reader(csv, capsys, monkeypatch):
    seen = {}

    def stop(X, y, **_):
        seen.update(X=X, y=y)
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "compare_classifiers", stop)
    csv.write_text("a\tb\tid\twhen\tkind\n1,5\t-9\t1\tx\tu\n?\t2\t2\ty\tv\n2\t3\t3\tz\tv\n")
    options = ["--sep", "\\t", "--decimal", ",", "--missing", "z,-9", "--missing", '"a,b"']
    assert run(csv, *options, "--drop", "when") == 130
    err = capsys.readouterr().err
    assert "note: column 'a' is read as numbers, missing where it holds '?' (line 3).\n" in err
    assert "note: left out: 'id' (identifiers); name a column in --keep to use it.\n" in err
    expected = pd.DataFrame({"a": [1.5, np.nan, 2], "b": [np.nan, 2, 3]})
    pd.testing.assert_frame_equal(seen["X"], expected)
    assert run(csv, *options, "--drop", "when,a", "--keep", "id") == 130
    assert list(seen["X"]) == ["b", "id"]


def test_warnings_are_shown_as_notes(csv, capsys, interrupt_after):
    rows = pd.read_csv(csv).iloc[:13]  # three of class b
    rows.to_csv(csv, index=False)
    interrupt_after(0)
    run(csv, "--quiet", "--folds", "4")
    note = "skdgm compare: note: folds=4 is reduced to 3, because class 'b' has 3 rows.\n"
    assert capsys.readouterr().err.startswith(note)


@pytest.mark.parametrize("reader", ["closed pipe", "full disk"])
def test_work_is_kept_if_nobody_reads(csv, capfd, monkeypatch, interrupt_after, reader):
    interrupt_after(1)
    if reader == "full disk":
        output = open_full_disk()
    else:
        read, write = os.pipe()
        os.close(read)
        output = os.fdopen(write, "w")
    with output:
        monkeypatch.setattr(sys, "stdout", output)
        code = run(csv, "--quiet")
    monkeypatch.undo()
    assert csv.with_name("out.csv").exists()
    assert imread(csv.with_name("out.png")).shape[1] == 1500
    message = "skdgm compare: error: standard output cannot be written: No space left on device.\n"
    seen = without_notes(capfd.readouterr().err)
    assert (code, seen) == ((1, message) if reader == "full disk" else (130, ""))


def without_notes(text):
    """The text without warnings, such as those of other libraries about themselves."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("skdgm compare: note: "))


def open_full_disk():
    try:
        return open("/dev/full", "w")
    except OSError:
        pytest.skip("no /dev/full on this system")


def test_a_closed_standard_error_stops_nothing(csv, capsys, monkeypatch, interrupt_after):
    interrupt_after(1)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as output:
        monkeypatch.setattr(sys, "stderr", output)
        assert run(csv) == 130
    assert csv.with_name("out.png").exists()
    assert "interrupted" in capsys.readouterr().out


def test_a_full_disk_leaves_the_printed_table(csv, capsys, interrupt_after):
    open_full_disk().close()
    interrupt_after(1)
    csv.with_name("out.csv").symlink_to("/dev/full")
    assert run(csv, "--quiet", "--force") == 1
    seen = capsys.readouterr()
    assert re.fullmatch(
        r"skdgm compare: error: \S+out\.csv cannot be written: No space left on device\.\n",
        without_notes(seen.err),
    )
    assert "LogisticRegression" in seen.out
    assert "Saved" not in seen.out
    assert csv.with_name("out.png").exists()


def test_labels_are_checked_before_columns(csv, capsys, monkeypatch):
    monkeypatch.setattr(_compare, "check_features", pytest.fail)
    csv.write_text(csv.read_text() + "1.0,red,c\n")
    assert run(csv) == 2
    assert "error: --target must have at least 4 rows of every class" in capsys.readouterr().err


def test_only_arguments_become_options():
    assert as_options("y must hold\nlabels.") == "--target must hold labels."
    assert as_options("data type 'a' not understood") == "data type 'a' not understood"
    assert as_options("") == ""


def test_errors_about_the_table_name_it_as_the_command_does(tmp_path, capsys):
    rows = [f"{kind},{i % 5}" for i, kind in enumerate(["elm", "oak"] * 20)]
    file, model = tmp_path / "trees.csv", tmp_path / "model.skops"
    (tmp_path / "none.csv").write_text("kind,age\n")
    file.write_text("\n".join(["kind,age", *rows]))
    assert main(["score", str(file), "--model", str(model)]) == 0
    file.write_text("\n".join(["kind,age", *rows[:7], "ash,2", "elm,"]))
    capsys.readouterr()
    for arguments, message in [
        (["compare", "--target", "kind", "--data", "none.csv"], "--data must hold a line of"),
        (["impute", "none.csv"], "FILE.csv must hold a line of"),
        (
            ["impute", str(file), "--model", str(model)],
            "Unknown category in FILE.csv: column 0 ('kind') holds 'ash' in row 7, but the "
            "categories known there are others ('elm', 'oak'); correct it, or make a model of a "
            "table that holds it.",
        ),
    ]:
        arguments = [str(tmp_path / own) if own == "none.csv" else own for own in arguments]
        assert main(arguments) == 2
        seen = capsys.readouterr()
        assert message in seen.err


@pytest.mark.parametrize("arguments", [[], ["--bogus"], ["compare", "--folds", "many"]])
def test_invalid_usage_exits_with_2(arguments):
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2


def test_help_and_version(capsys):
    for arguments, text in [
        (["--version"], f"skdgm {skdgm.__version__}"),
        (["--help"], "compare"),
        (["compare", "-h"], "--target COLUMN"),
    ]:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 0
        assert text in capsys.readouterr().out
