"""The result of a comparison: printed, saved and plotted."""

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
