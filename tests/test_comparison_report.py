"""The report of a comparison: what it holds, that text stays text, and how a browser shows it."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

import skdgm
from skdgm import GaussianDiscriminant, compare_classifiers
from skdgm.comparison._models import HALVES, QUARTERS, cut, middles
from skdgm.comparison._report._samples import draw

from .browser import Browser, find_browser

STRANGE = "<script>alert(1)</script>"
MODELS = [
    "LogisticRegression",
    "BernoulliIndependentDensity",
    "HistGradientBoostingClassifier",
    (f"own {STRANGE}", GaussianNB()),
    ("own discriminant", make_pipeline(StandardScaler(), GaussianDiscriminant(shrinkage=0.1))),
]


@pytest.fixture(scope="module")
def comparison():
    """A comparison on columns, labels and texts of which each would be markup."""
    rng = np.random.default_rng(0)
    y = np.repeat(["<b>no</b>", "a & b", "\"yes\" 'no'"], 14)
    codes = np.unique(y, return_inverse=True)[1]
    X = pd.DataFrame(
        {
            STRANGE: rng.normal(size=42) + 2 * codes,
            "size": rng.normal(size=42) - codes,
            "colour": np.where(rng.random(42) < 0.5, "<i>red", "x</td>blue"),
        }
    )
    return compare_classifiers(X, y, models=MODELS, folds=2, random_state=3, verbose=False)


@pytest.fixture(scope="module")
def page(comparison):
    return comparison.to_html()


class Reader(HTMLParser):
    """The tags of a page with their attributes, and its text outside scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.inside = [], "", None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.text += data


def test_report_holds_what_was_compared(page, comparison):
    text = Reader(page).text
    for told in (
        "Confusion matrix of",
        "classify__C in [0.01, 0.1, 1.0, 10.0]",
        f"classify__C = {comparison.models['LogisticRegression'].best_params_['classify__C']}",
        "nothing: fixed",
        "GaussianDiscriminant(shrinkage=0.1)",
        f"skdgm {skdgm.__version__}",
        "seed3",
        "folds2",
        "missing cells are imputed by the training mean",
        f"{comparison.table.loc['LogisticRegression', 'log_loss']:.3f}",
    ):
        assert told in text
    assert "0x" not in text  # places in memory, which differ from run to run


def test_predictions_and_confusions_are_those_of_test_rows(page, comparison):
    assert list(comparison.predictions) == list(comparison.table.index)
    for name, predicted in comparison.predictions.items():
        expected = comparison.table.loc[name, "accuracy"]  # both folds have as many rows
        assert np.mean(predicted == comparison.labels) == pytest.approx(expected)
    matrix = page[page.index("true class<") : page.index("<h2>Samples")]
    counts = [int(count) for count in re.findall(r"<td[^>]*>(\d+)</td>", matrix)]
    assert sum(counts) == 42


def test_texts_of_the_data_stay_text(page):
    reader = Reader(page)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("script") == 1
    assert "b" not in tags
    assert "i" not in tags
    assert reader.text.count(STRANGE) > 3
    for text in ("<b>no</b>", "a & b", "\"yes\" 'no'", "<i>red"):
        assert text in reader.text


def test_report_needs_no_network(page):
    addresses = [
        attributes[name]
        for _, attributes in Reader(page).tags
        for name in ("src", "href", "srcset")
        if name in attributes
    ]
    assert len(addresses) > 4
    assert all(address.startswith("data:") for address in addresses)


def test_samples_are_in_the_columns_of_the_table(comparison):
    classes = np.repeat(np.unique(comparison.labels), 50)
    for name in ("BernoulliIndependentDensity", "own discriminant"):
        rows, labels = draw(comparison.models[name], classes, 150)
        assert (labels == classes).all()
        means = [np.mean(np.asarray(rows)[labels == label, 0]) for label in np.unique(labels)]
        assert np.diff(means).min() > 0.5  # classes lie two apart
    rows, _ = draw(comparison.models["BernoulliIndependentDensity"], None, 20)
    assert list(rows.columns) == comparison.columns
    assert set(rows["colour"]) == {"<i>red", "x</td>blue"}
    for name in ("LogisticRegression", "HistGradientBoostingClassifier", f"own {STRANGE}"):
        assert draw(comparison.models[name], None, 5) is None


def test_table_density_samples_labels_that_exist(comparison):
    X = pd.DataFrame({"a": np.arange(12.0) % 5, "b": [True, False] * 6})
    y = np.repeat(["u", "v"], 6)
    result = compare_classifiers(
        X, y, models="TableDensity", folds=2, random_state=0, verbose=False
    )
    rows, labels = draw(result.models["TableDensity"], None, 60)
    assert list(rows.columns) == ["a", "b"]
    assert rows.shape == (60, 2)
    assert set(labels) == {"u", "v"}


def test_levels_are_drawn_in_their_middles():
    for thresholds in (HALVES, QUARTERS):
        levels = np.arange(len(thresholds) + 1)
        np.testing.assert_array_equal(cut(middles(levels, thresholds), thresholds), levels)
    np.testing.assert_allclose(middles([0, 1], HALVES), np.sqrt(2 / np.pi) * np.array([-1, 1]))


@pytest.mark.usefixtures("small_grids")
def test_images_are_shown_as_images():
    X, y = load_digits(n_class=2, return_X_y=True)
    own = make_pipeline(QuantileTransformer(n_quantiles=10), GaussianDiscriminant(shrinkage=0.5))
    models = ["BernoulliIndependentDensity", ("own", own)]
    result = compare_classifiers(
        X[:60], y[:60], models=models, folds=2, random_state=0, verbose=False
    )
    page = result.to_html(image_shape=(8, 8))
    assert page.count("Images drawn from") == 3  # what they are, and a picture of each
    assert page.count("data:image/png") == 2
    for wrong in ((8, 9), (-8, -8), 8, (8, 8, 1)):
        with pytest.raises(ValueError, match="image_shape must be a height and a width"):
            result.to_html(image_shape=wrong)


def test_report_is_written_and_the_same_each_time(comparison, page, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert comparison.to_html(path) is None
    assert path.read_text(encoding="utf-8") == page
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_report_in_a_browser(comparison, page, tmp_path):
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium here")
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    names = "[...document.querySelectorAll('.sortable tbody th')].map((cell) => cell.textContent)"
    order = list(comparison.table.index)
    by_accuracy = comparison.table["accuracy"].sort_values(ascending=False, kind="stable")
    with Browser(path) as browser:
        browser.show_as(1280)
        browser.open(file)
        assert browser.run(names) == order
        headings = "[...document.querySelectorAll('.sortable thead th')]"
        browser.run(f"{headings}[1].querySelector('button').click()")
        assert browser.run(names) == list(by_accuracy.index)
        assert browser.run(f"{headings}[1].getAttribute('aria-sort')") == "descending"
        assert browser.run("document.getElementById('said').textContent") == (
            "Sorted by accuracy, descending."
        )
        # By keyboard: models without a number of parameters come last in both directions.
        for direction in ("ascending", "descending"):
            browser.run(f"{headings}[8].querySelector('button').focus()")
            browser.press("Enter", 13, "\r")
            assert browser.run(f"{headings}[8].getAttribute('aria-sort')") == direction
            assert browser.run(f"{headings}[1].getAttribute('aria-sort')") is None
            counts = [comparison.table.loc[name, "n_parameters"] for name in browser.run(names)]
            known = [count for count in counts if count is not None]
            assert counts == [*sorted(known, reverse=direction == "descending"), None, None]
        # The column is text, and the page holds no script but its own.
        assert browser.run("document.scripts.length") == 1
        assert STRANGE in browser.run("document.querySelector('main').textContent")
        for width, scheme in ((1280, "light"), (390, "light"), (390, "dark")):
            browser.show_as(width, scheme)
            assert browser.run("document.documentElement.scrollWidth") <= width
            browser.wait_for(
                "[...document.images].every((own) => own.complete && own.naturalWidth > 0)"
            )
        browser.show_as(1280, "dark", media="print")
        ground = browser.run("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
        plot = "document.querySelector('picture img')"
        browser.wait_for(f"{plot}.currentSrc === {plot}.src")  # neither dark nor narrow
        assert browser.problems == []
