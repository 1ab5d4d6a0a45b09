"""The result of a comparison: printed, saved and plotted."""

import dataclasses
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from skdgm import ClassifierComparison, ComparisonDisplay
from skdgm.comparison._models import readable_count
from skdgm.comparison._result import COLUMNS


@pytest.fixture
def huge():
    """A result with a number of parameters too large for floats and for str."""
    table = pd.DataFrame(
        0.5, index=pd.Index(["LogisticRegression", "Huge"], name="model"), columns=COLUMNS
    )
    table["n_parameters"] = pd.Series([650, 2**20_000], index=table.index, dtype=object)
    table["log_likelihood"] = np.nan
    return ClassifierComparison(table, {}, False, 5, (10, 2, 2))


def test_counts_are_readable():
    assert readable_count(9_999_999) == "9,999,999"
    assert readable_count(2**64 - 1) == "1.8e+19"
    assert readable_count(2**20_000) == "4.0e+6020"


def test_huge_counts_are_shown_and_saved_exactly(huge, tmp_path):
    assert "4.0e+6020" in str(huge)
    assert repr(huge) == str(huge)
    huge.to_csv(tmp_path / "table.csv")
    saved = pd.read_csv(tmp_path / "table.csv", index_col="model", dtype={"n_parameters": str})
    digits = saved.loc["Huge", "n_parameters"]
    assert len(digits) == 6021
    assert int(digits[-4000:]) == 2**20_000 % 10**4000
    assert saved.loc["LogisticRegression", "n_parameters"] == "650"


def test_printed_table_fits_80_columns(huge):
    long = "a name that is much longer than those of the models that are known"
    names = ["IterativeImputer + LogisticRegression", long]
    table = huge.table.set_axis(pd.Index(names, name="model"))
    table.loc[long, "n_parameters"] = None
    table.loc[long, "log_likelihood"] = -12.5
    text = str(dataclasses.replace(huge, table=table))
    assert max(map(len, text.splitlines())) <= 80
    blocks = text.split("\n\n")
    assert len(blocks) == 3
    assert [block.count("IterativeImputer + LogisticRegression") for block in blocks] == [1, 1, 0]
    assert [block.count("a name that is much") for block in blocks] == [1, 1, 0]
    headings = [" ".join(block.splitlines()[-3].split()) for block in blocks[:2]]
    assert headings == ["accuracy 10% 30% 60% 90%", "log-loss parameters fit s predict s"]
    assert "hidden test cells\n" in blocks[0]
    assert blocks[1].splitlines()[1].split()[-4:] == ["0.500", "650", "0.500", "0.500"]
    assert blocks[1].splitlines()[2].split()[-3:] == ["0.500", "0.500", "0.500"]
    assert "log p(x, y) of a test row with its label is" in blocks[2]


def test_notebooks_show_a_table_of_html(huge):
    markup = huge._repr_html_()
    table = ElementTree.fromstring(markup.partition("\n<p>")[0])
    header, *rows = [[cell.text for cell in row] for row in table.iter("tr")]
    assert [row[0] for row in rows] == ["LogisticRegression", "Huge"]
    assert [row[header.index("accuracy")] for row in rows] == ["0.500 +/- 0.500"] * 2
    assert [row[header.index("parameters")] for row in rows] == ["650", "4.0e+6020"]
    assert "<p>5-fold cross-validation on 10 rows, 2 columns and 2 classes.<br>" in markup
    strange = ClassifierComparison(huge.table.rename({"Huge": "<b>"}), {}, True, 5, (10, 2, 2))
    assert "&lt;b&gt;" in strange._repr_html_()
    assert "; interrupted before" in strange._repr_html_()


def test_plot_draws_every_model(huge):
    axes = Figure(layout="constrained").subplots(1, 2)
    display = huge.plot(ax=axes)
    hidden, parameters = display.axes_
    assert [hidden, parameters] == list(axes)
    np.testing.assert_allclose(hidden.lines[0].get_xdata(), [0, 10, 30, 60, 90])
    assert [line.get_xdata()[0] for line in parameters.lines] == [650, 6500]
    assert parameters.texts[0].get_text().startswith("4.0e+6020")
    assert [text.get_text() for text in display.figure_.legends[0].get_texts()] == [
        "LogisticRegression",
        "Huge",
    ]
    assert huge.plot(ax=Figure().subplots(1, 2)).axes_[0].get_legend() is not None


def test_axes_fit_the_data_and_coinciding_models_are_told_apart():
    names = ["LogisticRegression", *(f"own {i}" for i in range(11)), "no size"]
    table = pd.DataFrame(0.8, index=pd.Index(names, name="model"), columns=COLUMNS)
    table["n_parameters"] = pd.Series([10] * 12 + [None], index=names, dtype=object)
    table.loc["own 3", "accuracy"] = 0.9
    display = ComparisonDisplay(table).plot(ax=Figure().subplots(1, 2))
    hidden, parameters = display.axes_
    for axes in (hidden, parameters):
        low, high = axes.get_ylim()
        assert 0.78 < low < 0.8
        assert 0.9 < high < 0.92
    looks = {
        (line.get_color(), line.get_marker(), line.get_linestyle()) for line in hidden.get_lines()
    }
    assert len(looks) == len(names)
    sizes = [line.get_markersize() for line in hidden.get_lines()]
    assert (np.diff(sizes) < 0).all()
    assert all(line.get_markerfacecolor() == "none" for line in hidden.get_lines())
    widths = {line.get_label(): line.get_linewidth() for line in hidden.get_lines()}
    assert widths.pop("own 3") == widths["no size"]  # alone, and the last of those that coincide
    assert (np.diff(list(widths.values())) < 0).all()
    assert "no size" not in [line.get_label() for line in parameters.get_lines()]


def test_names_in_the_legend_are_no_formulas(huge):
    names = ["_mine $x^{$", "a" * 60]
    figure = Figure(layout="constrained")
    table = huge.table.set_axis(pd.Index(names, name="model"))
    ComparisonDisplay(table).plot(ax=figure.subplots(1, 2))
    figure.draw_without_rendering()
    first, second = [text.get_text() for text in figure.legends[0].get_texts()]
    assert first == " _mine $x^{$"
    assert second == f"{'a' * 25}...{'a' * 12}"


def test_plot_makes_its_own_figure(huge, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "figure", Figure)
    display = ComparisonDisplay.from_comparison(huge)
    assert len(display.figure_.axes) == 2


def test_invalid_axes_and_empty_tables_are_refused(huge):
    with pytest.raises(ValueError, match="ax must hold two matplotlib axes, got 1"):
        huge.plot(ax=[Figure().subplots()])
    empty = SimpleNamespace(table=huge.table.iloc[:0])
    with pytest.raises(ValueError, match="comparison must hold at least one finished model"):
        ComparisonDisplay.from_comparison(empty)
