"""Displays of samples, completions, components, trees and accuracies draw what was computed."""

import sys
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skdgm import (
    BernoulliIndependentDensity,
    CategoricalIndependentDensity,
    ChowLiuTreeDensity,
    CompletionDisplay,
    ComponentsDisplay,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MissingAccuracyDisplay,
    MixtureDensity,
    SampleDisplay,
    TableDensity,
    TreeDisplay,
)
from skdgm.displays._images import FILLED, MISSING

mpl.use("Agg")
SHAPE = (2, 3)


def axes():
    return Figure(figsize=(6, 4), layout="constrained").subplots()


def images_of(display, shape=SHAPE):
    """The images that are drawn, line by line: (n_lines, n_columns, height, width, 4)."""
    canvas = display.image_.get_array()
    return np.array(
        [
            [canvas[top : top + shape[0], left : left + shape[1]] for top, left in line]
            for line in display.corners_.tolist()
        ]
    )


def grey(rows, low=0.0, high=1.0, shape=SHAPE):
    share = (np.asarray(rows, dtype=float) - low) / (high - low)
    return mpl.colormaps["gray_r"](share.reshape(-1, *shape))


def written(display):
    return [[text.get_text() for text in line] for line in display.texts_]


@pytest.fixture(scope="module")
def pixels():
    """Binary images of two kinds, and which of them each is."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=200)
    p = np.array([[0.9, 0.8, 0.7, 0.1, 0.2, 0.3], [0.2, 0.1, 0.4, 0.9, 0.7, 0.8]])
    return (rng.random((200, 6)) < p[y]).astype(np.uint8), y


@pytest.fixture(scope="module")
def mixture(pixels):
    X, _ = pixels
    return MixtureDensity(BernoulliIndependentDensity(), 2, random_state=0).fit(X)


@pytest.fixture(scope="module")
def pets():
    rng = np.random.default_rng(1)
    kind = rng.choice(["cat", "dog"], size=120)
    weight = np.where(kind == "cat", rng.normal(4, 1, 120), rng.normal(20, 5, 120)).round(1)
    return pd.DataFrame({"kind of animal": kind, "weight": weight, "meals": rng.poisson(3, 120)})


@pytest.fixture(scope="module")
def table(pets):
    return TableDensity(ChowLiuTreeDensity()).fit(pets)


# ---------------------------------------------------------------------- samples
def test_images_are_the_samples_of_the_seed(mixture):
    display = SampleDisplay.from_estimator(mixture, 4, image_shape=SHAPE, random_state=3, ax=axes())
    found = images_of(display).reshape(-1, *SHAPE, 4)
    assert_allclose(found[:4], grey(mixture.sample(4, random_state=3)))
    assert display.plot(ax=display.ax_, limits=(-1, 3)) is display
    found = images_of(display).reshape(-1, *SHAPE, 4)
    assert_allclose(found[:4], grey(mixture.sample(4, random_state=3), -1, 3))


def test_classes_have_a_line_each(pixels):
    X, y = pixels
    model = GenerativeClassifier(BernoulliIndependentDensity()).fit(X, np.array(["a", "b"])[y])
    display = SampleDisplay.from_estimator(model, 3, image_shape=SHAPE, random_state=0, ax=axes())
    drawn, _ = model.sample(6, y=np.repeat(["a", "b"], 3), random_state=0)
    assert_allclose(images_of(display).reshape(-1, *SHAPE, 4), grey(drawn))
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["a", "b"]
    one = SampleDisplay.from_estimator(model, 2, y="b", random_state=0, ax=axes())
    drawn, _ = model.sample(2, y=["b", "b"], random_state=0)
    assert written(one) == drawn.astype(str).tolist()


def test_rows_in_lines_missing_pixels_and_colours():
    first, second = np.arange(12.0).reshape(2, 6), np.array([[np.nan, 1, 2, 3, 4, 5]])
    lines = {"first": first, "second": pd.DataFrame(second)}
    display = SampleDisplay.from_rows(lines, image_shape=SHAPE, ax=axes())
    found = images_of(display)
    assert_allclose(found[0], grey(first, 0, 11))
    assert_allclose(found[1, 0, 0, 0], to_rgba(MISSING))
    assert_allclose(found[1, 0, 1], grey(second, 0, 11)[0, 1])
    colours = np.arange(12.0).reshape(1, 12) * 20
    display = SampleDisplay.from_rows(
        colours, image_shape=(2, 2, 3), limits=(0, 255), cmap="gray", ax=axes()
    )
    assert_allclose(images_of(display, (2, 2))[0, 0, ..., :3], colours.reshape(2, 2, 3) / 255)


def test_tables_are_written(pets, table):
    display = SampleDisplay.from_estimator(table, 5, random_state=0, ax=axes())
    drawn = table.sample(5, random_state=0)
    assert [row[0] for row in written(display)] == drawn["kind of animal"].tolist()
    assert [float(row[1]) for row in written(display)] == drawn["weight"].tolist()
    assert [int(row[2]) for row in written(display)] == drawn["meals"].tolist()
    heads = {text.get_text() for text in display.ax_.texts}
    assert {"kind of", "animal", "weight", "meals", "0", "4"} <= heads
    polars = pytest.importorskip("polars")
    lines = {"few": polars.DataFrame(pets[:2].to_dict("list")), "more": pets[2:4]}
    assert [row[0] for row in written(SampleDisplay.from_rows(lines, ax=axes()))] == pets[
        "kind of animal"
    ][:4].tolist()


@pytest.mark.parametrize(("n_columns", "length"), [(1, 3), (30, 60)])
def test_written_cells_are_in_the_figure_and_do_not_overlap(n_columns, length):
    X = np.random.default_rng(0).normal(size=(3, n_columns)) * 10.0 ** np.arange(-3, 6, 3)[:, None]
    names = [f"{place} {'x' * length}" for place in range(n_columns)]
    display = SampleDisplay.from_rows(pd.DataFrame(X, columns=names))
    figure = display.figure_
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in display.ax_.texts if text.get_text()]
    for box in boxes:
        assert figure.bbox.containsx(box.x0)
        assert figure.bbox.containsx(box.x1)
        assert figure.bbox.containsy(box.y0)
        assert figure.bbox.containsy(box.y1)
    assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))
    assert sum(map(len, display.texts_)) == X.size
    assert figure.get_figwidth() < 7


# ---------------------------------------------------------------------- completions
def test_completed_images_are_what_the_density_says(pixels, mixture):
    X = pixels[0][:3].astype(float)
    holes = np.array([[0, 0, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1]], dtype=bool)
    seen = np.where(holes, np.nan, X)
    display = CompletionDisplay.from_estimator(
        mixture, seen, n_draws=2, image_shape=SHAPE, truth=X, random_state=5, ax=axes()
    )
    lines = dict(zip(["true", "seen", *display.completions], images_of(display), strict=True))
    assert_allclose(lines["true"], grey(X))
    expected = grey(seen)
    expected[holes.reshape(-1, *SHAPE)] = to_rgba(MISSING)
    assert_allclose(lines["seen"], expected)
    blue = LinearSegmentedColormap.from_list("blue", list(FILLED))
    draws = mixture.conditional_sample(seen, 5, n_samples=2)
    for name, completed in {
        "mean": mixture.conditional_mean(seen),
        "most probable": mixture.conditional_mode(seen),
        "draw 1": draws[0],
        "draw 2": draws[1],
    }.items():
        in_blue = holes.reshape(-1, *SHAPE)
        assert_allclose(lines[name][~in_blue], grey(completed)[~in_blue])
        assert_allclose(lines[name][in_blue], blue(completed.reshape(-1, *SHAPE)[in_blue]))


def test_completed_rows_are_written_below_what_is_seen(pets, table):
    seen = pets.iloc[[4, 9]].copy()
    seen.iloc[0, 0], seen.iloc[1, 1] = None, np.nan
    display = CompletionDisplay.from_estimator(table, seen, n_draws=1, random_state=0, ax=axes())
    meals = seen["meals"].astype(str).tolist()
    assert written(display)[0] == ["", f"{seen['weight'].iloc[0]:g}", meals[0]]
    drawn = table.conditional_sample(seen, 0, n_samples=1)[0]
    assert written(display)[3] == [drawn["kind of animal"].iloc[0], "", ""]
    mean = table.conditional_mean(seen)["weight"].iloc[1]
    assert written(display)[5] == ["", f"{mean:.4g}", ""]
    assert written(display)[7] == ["", f"{drawn['weight'].iloc[1]:.4g}", ""]
    labels = [text.get_text() for text in display.ax_.texts]
    assert {"4", "9", "seen", "mean", "most probable", "draw 1"} <= set(labels)


# ---------------------------------------------------------------------- components
def test_components_are_their_means_the_largest_first(mixture):
    display = ComponentsDisplay.from_estimator(mixture, image_shape=SHAPE, ax=axes())
    order = np.argsort(-mixture.weights_)
    assert_array_equal(display.order_, order)
    means = np.array([mixture.densities_[k].probability_ for k in order])
    expected = grey(means, means.min(), means.max())
    assert_allclose(images_of(display).reshape(-1, *SHAPE, 4)[:2], expected)
    labels = [text.get_text() for text in display.ax_.texts]
    assert labels == [f"{100 * weight:.0f} %" for weight in mixture.weights_[order]]


def test_a_heat_map_tells_distances_in_standard_deviations():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2)) * [1, 100] + np.repeat([[0, 0], [5, 300]], [60, 30], axis=0)
    frame = pd.DataFrame(X, columns=["age", "income"])
    density = MixtureDensity(GaussianDensity("diag"), 2, random_state=0).fit(frame)
    display = ComponentsDisplay.from_estimator(density, ax=axes())
    means = np.array([density.densities_[k].mean_ for k in display.order_])
    weights = density.weights_[display.order_]
    variances = np.array([density.densities_[k].get_covariance() for k in display.order_])
    second = np.diagonal(variances, axis1=1, axis2=2) + means**2
    deviation = np.sqrt(weights @ second - (weights @ means) ** 2)
    expected = ((means - weights @ means) / deviation).T
    assert_allclose(np.reshape(display.mesh_.get_array(), (2, 2)), expected)
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["age", "income"]
    assert [text.get_text() for text in display.ax_.texts][::2] == [
        f"{mean:.3g}" for mean in means[:, 0]
    ]
    many = ComponentsDisplay(np.full(20, 0.05), rng.normal(size=(20, 2))).plot()
    many.figure_.canvas.draw()
    boxes = [label.get_window_extent() for label in many.ax_.get_xticklabels()]
    assert not any(one.overlaps(two) for one, two in pairwise(boxes))


def test_a_heat_map_of_a_table_has_a_line_for_each_category(pets):
    born = np.datetime64("2020-01-01") + 30 * np.arange(len(pets)).astype("timedelta64[D]")
    frame = pets.assign(born=born, same="yes")
    independent = CategoricalIndependentDensity()
    density = MixtureDensity(TableDensity(independent), 2, random_state=0).fit(frame)
    display = ComponentsDisplay.from_estimator(density, ax=axes())
    animal = "kind of animal"
    assert display.names == [f"{animal} = cat", f"{animal} = dog", "weight", "meals", "born (year)"]
    unknown = pd.DataFrame({name: [None] for name in frame})
    for component, mean in zip(density.densities_, display.means, strict=True):
        assert_allclose(mean[:2], component.conditional_proba(unknown, animal)[0])
        completed = component.conditional_mean(unknown)
        assert_allclose(mean[2:4], completed[["weight", "meals"]].to_numpy(dtype=float)[0])
        assert int(mean[4]) == completed["born"].iloc[0].year
    weights = density.weights_
    p = weights @ np.array(display.means)[:, 0]
    assert_allclose(display.deviations[0], np.sqrt(p * (1 - p)))
    written_years = [text.get_text() for text in display.ax_.texts][4::5]
    assert written_years == [f"{display.means[k][4]:.0f}" for k in display.order_]


# ---------------------------------------------------------------------- trees
def undirected(pairs):
    return {frozenset(pair) for pair in pairs}


def of_parents(density):
    return undirected((child, p) for child, p in enumerate(density.parents_.tolist()) if p >= 0)


def test_the_tree_over_pixels_is_the_learned_one(pixels):
    X, _ = pixels
    hidden = HiddenChowLiuTreeDensity(4, max_iter=6, tol=1, random_state=0)
    for density in (ChowLiuTreeDensity().fit(X), hidden.fit(X)):
        display = TreeDisplay.from_estimator(density, image_shape=SHAPE, ax=axes())
        assert undirected(display.edges_) == of_parents(density)
        information = density.mutual_information().to_numpy()
        expected = [information[edge] for edge in display.edges_]
        assert_allclose(display.information_, expected)
        assert_allclose(display.lines_.get_array(), expected)
        assert_array_equal(np.argsort(display.lines_.get_linewidths()), np.argsort(expected))
        for (i, j), line in zip(display.edges_, display.lines_.get_segments(), strict=True):
            assert_allclose(line[0], [i % 3, i // 3])
            assert_allclose(line[-1], [j % 3, j // 3])
        assert display.ax_.get_title() == "Learned tree"


def test_names_hang_on_those_they_depend_on(pets, table):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)).cumsum(axis=1)  # each depends on the one before
    names = [f"{letter} {'long name ' * 6}" for letter in "abcdef"]
    density = GaussianDensity().fit(pd.DataFrame(X, columns=names))
    display = TreeDisplay.from_estimator(density)
    assert undirected(display.edges_) == undirected(pairwise(names))
    level, line = display.places_.T
    assert sorted(line) == list(range(6))
    for i, j in pairwise(range(6)):
        assert abs(level[i] - level[j]) == 1
    assert level.max() == 3  # from the middle of the chain
    display.figure_.canvas.draw()
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    assert not any(one.overlaps(two) for one, two in combinations(boxes, 2))
    assert all(box.x1 < display.figure_.bbox.x1 for box in boxes)
    label = display.colorbar_.ax.get_xlabel()
    assert label.startswith("Tree of the strongest dependences")
    of_table = TreeDisplay.from_estimator(table, ax=axes())
    assert frozenset(["kind of animal", "weight"]) in undirected(of_table.edges_)
    assert {text.get_text() for text in of_table.ax_.texts} == set(pets)


def test_a_forest_has_each_column_on_a_line_of_its_own():
    frame = pd.DataFrame(np.zeros((5, 5)), index=list("abcde"), columns=list("abcde"))
    frame.loc["b", "d"] = frame.loc["d", "b"] = 0.5
    display = TreeDisplay(frame).plot(ax=axes())
    assert display.edges_ == [("b", "d")]
    assert sorted(display.places_[:, 1]) == list(range(5))
    alone = TreeDisplay(frame.loc[["a"], ["a"]]).plot(ax=axes())
    assert alone.edges_ == []


# ---------------------------------------------------------------------- accuracy
def test_accuracies_are_those_of_rows_with_hidden_cells(pixels):
    X, y = pixels
    classifiers = {
        "generative": GenerativeClassifier(BernoulliIndependentDensity()).fit(X, y),
        "discriminative": make_pipeline(SimpleImputer(), LogisticRegression()).fit(X, y),
    }
    display = MissingAccuracyDisplay.from_estimators(
        classifiers, X, y, shares=[0, 0.25, 0.5, 1], random_state=0, ax=axes()
    )
    order = np.random.default_rng(0).permutation(X.size).reshape(X.shape)
    for line, (name, classifier) in zip(display.lines_, classifiers.items(), strict=True):
        assert line.get_label() == name
        assert_array_equal(line.get_xdata(), [0, 0.25, 0.5, 1])
        for share, accuracy in zip(*line.get_data(), strict=True):
            rows = np.where(order < share * X.size, np.nan, X)
            assert accuracy == np.mean(classifier.predict(rows) == y)
    drawn = display.lines_[0].get_ydata()
    assert drawn[0] > drawn[-1] == max(y.mean(), 1 - y.mean())
    frame = pd.DataFrame(X, columns=list("abcdef"))
    polars = pytest.importorskip("polars").DataFrame(X, schema=list("abcdef"))
    for rows in (frame, polars, X.tolist()):
        other = MissingAccuracyDisplay.from_estimators(
            {"generative": clone_fit(classifiers["generative"], rows, y)},
            rows,
            y,
            shares=[0, 0.25, 0.5, 1],
            random_state=0,
            ax=axes(),
        )
        assert_array_equal(other.lines_[0].get_ydata(), drawn)


def clone_fit(classifier, X, y):
    return type(classifier)(classifier.density).fit(X, y)


# ---------------------------------------------------------------------- errors
def test_errors_name_the_argument_and_the_cure(pixels, mixture, monkeypatch):
    X, y = pixels
    with pytest.raises(TypeError, match="density must be a fitted density or generative class"):
        SampleDisplay.from_estimator(LogisticRegression())
    with pytest.raises(ValueError, match="y must be None, as MixtureDensity knows no classes"):
        SampleDisplay.from_estimator(mixture, y=1)
    with pytest.raises(ValueError, match=r"image_shape .2, 2. holds 4 values, but a row has 6"):
        SampleDisplay.from_rows(X, image_shape=(2, 2), ax=axes())
    for wrong in (6, (6,), (2, 1, 4), (2.0, 3), (-2, -3)):
        with pytest.raises(ValueError, match=r"image_shape must be .height, width., or"):
            SampleDisplay.from_rows(X, image_shape=wrong, ax=axes())
    for wrong in (1, (1, 0), ("a", "b")):
        with pytest.raises(ValueError, match="limits must be two numbers, the smaller first"):
            SampleDisplay.from_rows(X, image_shape=SHAPE, limits=wrong, ax=axes())
    with pytest.raises(ValueError, match="rows must hold one table or more"):
        SampleDisplay.from_rows({}, ax=axes())
    with pytest.raises(ValueError, match="rows must hold one row or more"):
        SampleDisplay.from_rows(X[:0], ax=axes())
    with pytest.raises(
        TypeError,
        match="density must be a fitted density or generative classifier, which complete rows",
    ):
        CompletionDisplay.from_estimator(LogisticRegression(), X)
    with pytest.raises(ValueError, match="n_draws must be an integer of 1 or more, got 0"):
        CompletionDisplay.from_estimator(mixture, X, n_draws=0)
    with pytest.raises(ValueError, match=r"truth must have the shape of X, \(2, 6\), got \(3, 6\)"):
        CompletionDisplay(X[:2], {}, truth=X[:3]).plot(ax=axes())
    with pytest.raises(TypeError, match="mixture must be a fitted MixtureDensity, got Gaussian"):
        ComponentsDisplay.from_estimator(GaussianDensity().fit(X))
    with pytest.raises(ValueError, match="means must hold a row for each of the weights"):
        ComponentsDisplay([0.5, 0.5], [[1.0]]).plot(ax=axes())
    with pytest.raises(TypeError, match="tree must be a fitted density, such as a ChowLiuTree"):
        TreeDisplay.from_estimator(LogisticRegression())
    information = mixture.mutual_information()
    with pytest.raises(ValueError, match="edges must make a tree, but some of them close a circle"):
        TreeDisplay(information, [[0, 1], [1, 2], [2, 0]]).plot(ax=axes())
    with pytest.raises(ValueError, match=r"image_shape must be .height, width., as a column is"):
        TreeDisplay(information, None, (1, 2, 3)).plot(ax=axes())
    accuracy = MissingAccuracyDisplay.from_estimators
    classifier = GaussianDiscriminant("diag").fit(X, y)
    with pytest.raises(TypeError, match="estimators must be a mapping of names to fitted"):
        accuracy([classifier], X, y)
    with pytest.raises(TypeError, match=r"estimators\['a'\] must be a fitted classifier"):
        accuracy({"a": GaussianDiscriminant()}, X, y)
    with pytest.raises(ValueError, match="shares must be a list of numbers from 0 to 1"):
        accuracy({"a": classifier}, X, y, shares=[20])
    refusing = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match=r"estimators\['a'\] refuses missing values; put an imp"):
        accuracy({"a": refusing}, X, y)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for plot in (
        SampleDisplay(X[:2]).plot,
        SampleDisplay(X[:2], SHAPE).plot,
        TreeDisplay(information).plot,
        MissingAccuracyDisplay([0], {"a": [1]}).plot,
    ):
        with pytest.raises(ImportError, match=r'install it with: pip install "skdgm\[compare\]"'):
            plot()
