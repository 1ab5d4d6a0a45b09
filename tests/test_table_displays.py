"""Displays of tables draw the numbers that densities and detectors return."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import IsolationForest

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    DensityContourDisplay,
    DensityOutlierDetector,
    GaussianDensity,
    GaussianDiscriminant,
    PoissonIndependentDensity,
    RealAgainstSampledDisplay,
    ScoreDisplay,
    TableDensity,
)


def panel():
    return Figure(layout="constrained").subplots()


def panels(n):
    return Figure(layout="constrained").subplots(n, n, squeeze=False)


@pytest.fixture(scope="module")
def numbers():
    X = np.random.default_rng(0).normal(size=(120, 3)) @ [[1, 1, 0], [0, 2, 0], [0, 0, 1]]
    X[::7, 1] = np.nan
    return X


@pytest.fixture(scope="module")
def pets():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "kind": pd.Series(rng.choice(["cat", "dog"], size=60)),
            "weight": np.where(rng.random(60) < 0.2, np.nan, rng.normal(10, 2, 60).round(2)),
            "born": pd.Timestamp("2020-02-01") + pd.to_timedelta(rng.integers(0, 900, 60), "D"),
            "meals": rng.poisson(15, 60),
            "town": [f"town {place}" for place in rng.integers(0, 14, 60)],
        }
    )


@pytest.fixture(scope="module")
def of_pets(pets):
    return TableDensity(ChowLiuTreeDensity(), random_state=0).fit(pets)


# ---------------------------------------------------------------------- contours
def test_contours_are_of_rows_that_miss_all_other_columns(numbers):
    density = GaussianDensity().fit(numbers)
    display = DensityContourDisplay.from_estimator(
        density, numbers, columns=[2, -2], n_points=9, levels=6, ax=panel()
    )
    assert display.log_prob.shape == (9, 9)
    for row, column in [(0, 0), (8, 3), (2, 7)]:
        cell = np.array([[np.nan, display.y[row], display.x[column]]])
        assert_allclose(display.log_prob[row, column], density.score_samples(cell)[0])
    exact = density.marginal([2, 1])
    grid = np.stack(np.meshgrid(display.x, display.y), axis=-1).reshape(-1, 2)
    assert_allclose(display.log_prob.ravel(), exact.score_samples(grid))
    assert display.x.min() < numbers[:, 2].min() < numbers[:, 2].max() < display.x.max()
    levels = display.contours_.levels
    ends = levels[[0, -1]]
    assert ends[1] >= display.log_prob.max() >= ends[0] + 5
    shown = np.ma.filled(display.points_.get_offsets().astype(float), np.nan)
    seen = ~np.isnan(shown).any(axis=1)
    assert_allclose(shown[seen], numbers[:, [2, 1]][~np.isnan(numbers[:, 1])])
    assert display.ax_.get_xlabel() == "Column 2"
    again = display.plot(levels=2, ax=panel())
    assert again is display
    assert len(again.contours_.levels) < len(levels)


def test_contours_of_frames_classifiers_dates_and_counts(pets, of_pets):
    display = DensityContourDisplay.from_estimator(
        of_pets, pets, columns=["born", "weight"], n_points=5, ax=panel()
    )
    row = pd.DataFrame(
        {"kind": None, "weight": [display.y[2]], "born": pd.Series(display.x[1:2]).astype("M8[ns]")}
    ).assign(meals=np.nan, town=None)
    assert_allclose(display.log_prob[2, 1], of_pets.score_samples(row)[0])
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("born", "weight")
    counts = np.random.default_rng(0).poisson(4.0, size=(30, 2))
    density = PoissonIndependentDensity().fit(counts)
    display = DensityContourDisplay.from_estimator(density, counts, ax=panel())
    assert_array_equal(display.x, np.arange(counts[:, 0].min(), counts[:, 0].max() + 1))
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    classifier = GaussianDiscriminant().fit(X, y)
    display = DensityContourDisplay.from_estimator(classifier, X, n_points=3, ax=panel())
    rows = np.column_stack([display.x, np.repeat(display.y[1], 3), np.full(3, np.nan)])
    assert_allclose(display.log_prob[1], classifier.score_samples(rows))


def test_contours_reach_ten_nats_down():
    display = DensityContourDisplay([0, 1, 2], [0, 1], [[0, -1, -np.inf], [-2, -50, -1]])
    assert display.plot(ax=panel()).points_ is None
    assert display.contours_.levels.min() == -10  # the rest has the lightest colour
    flat = DensityContourDisplay([0, 1], [0, 1], np.zeros((2, 2))).plot(ax=panel())
    assert flat.contours_.levels[-1] >= 0


def test_contours_refuse_other_columns_and_shapes(numbers, pets, of_pets):
    density = GaussianDensity().fit(numbers)
    make = DensityContourDisplay.from_estimator
    for columns, message in [
        ([0], "columns must name 2 columns, and none twice"),
        ([1, 1], "columns must name 2 columns, and none twice"),
        ([0, 3], "its index, from 0 to 2; got 3"),
        (["a", 0], "column is the name 'a', but"),
    ]:
        with pytest.raises(ValueError, match=message):
            make(density, numbers, columns=columns)
    with pytest.raises(TypeError, match="columns must be a list of columns, got 1"):
        make(density, numbers, columns=1)
    with pytest.raises(ValueError, match="but column 'kind' holds categories"):
        make(of_pets, pets, columns=["kind", "weight"])
    binary = np.array([[0, 1], [1, 0]])
    bernoulli = BernoulliIndependentDensity().fit(binary)
    with pytest.raises(ValueError, match="but column 0 holds categories"):
        make(bernoulli, binary)
    with pytest.raises(ValueError, match="Column 0 of X must hold two different values"):
        make(density, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="X has 2 columns, but GaussianDensity was fitted to 3"):
        make(density, numbers[:, :2])
    with pytest.raises(ValueError, match="X must have the columns to which TableDensity was fit"):
        make(of_pets, pets[pets.columns[::-1]], columns=["weight", "born"])
    with pytest.raises(ValueError, match="n_points must be an integer of 2 or more, got 1"):
        make(density, numbers, n_points=1)
    with pytest.raises(TypeError, match="density must be a fitted estimator with score_samples"):
        make(GaussianDensity, numbers)
    with pytest.raises(ValueError, match=r"log_prob must have the shape \(1, 2\)"):
        DensityContourDisplay([0, 1], [0], [[0], [1]]).plot()
    with pytest.raises(ValueError, match="log_prob must hold a finite number"):
        DensityContourDisplay([0, 1], [0, 1], np.full((2, 2), -np.inf)).plot()
    with pytest.raises(ValueError, match="levels must be an integer of 1 or more, got 0"):
        DensityContourDisplay([0], [0], [[0]]).plot(levels=0)


# ---------------------------------------------------------------------- scores
def test_scores_are_counted_and_compared_with_the_threshold(numbers):
    density = GaussianDensity().fit(numbers)
    scores, others = density.score_samples(numbers), density.score_samples(numbers[:30] + 2)
    display = ScoreDisplay.from_estimator(
        density, numbers, numbers[:30] + 2, threshold=-6, labels=("old", "new"), ax=panel()
    )
    assert_array_equal(display.scores, scores)
    assert_array_equal(display.compared, others)
    for own, values, share in zip(
        display.shares_, [scores, others], display.shares_below_, strict=True
    ):
        assert_allclose(own, np.histogram(values, display.edges_)[0] / len(values))
        assert own.sum() == pytest.approx(1)
        assert share == np.mean(values < -6)
    assert display.line_.get_xdata()[0] == -6
    assert "nats" in display.ax_.get_xlabel()
    written = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert written[0] == f"old: {np.mean(scores < -6):.1%} below the threshold"
    assert written[2] == "threshold \N{MINUS SIGN}6"
    quantile = ScoreDisplay.from_estimator(density, numbers, quantile=0.1, ax=panel())
    assert np.sum(scores < quantile.threshold) == 11
    plain = ScoreDisplay.from_estimator(density, numbers, ax=panel())
    assert plain.line_ is None
    assert plain.shares_below_ is None


def test_the_threshold_is_that_of_the_detector(numbers, pets, of_pets):
    forest = IsolationForest(n_estimators=10, random_state=0, contamination=0.1)
    for detector, X in [
        (DensityOutlierDetector(GaussianDensity(), random_state=0), numbers),
        (DensityOutlierDetector(TableDensity(ChowLiuTreeDensity()), random_state=0), pets),
        (forest, np.nan_to_num(numbers)),
    ]:
        display = ScoreDisplay.from_estimator(detector.fit(X), X, ax=panel())
        assert display.threshold == detector.offset_
        assert display.shares_below_[0] == np.mean(detector.predict(X) == -1)
        quantity = "Score" if detector is forest else "Log tail probability (nats)"
        assert display.ax_.get_xlabel() == quantity


def test_scores_far_below_share_the_first_bin():
    scores = np.concatenate([np.linspace(-1, 0, 100), [-1e6, -np.inf]])
    display = ScoreDisplay(scores, threshold=-2).plot(ax=panel())
    assert display.edges_[0] > -12
    assert display.shares_[0, 0] == 2 / 102
    assert "2 lower than" in display.ax_.get_legend().get_texts()[0].get_text()
    assert display.shares_below_[0] == 2 / 102
    equal = ScoreDisplay([-3.0, -3.0]).plot(ax=panel())
    assert equal.shares_.sum() == 1
    assert ScoreDisplay([1, 2], [-np.inf]).plot(ax=panel()).shares_[1, 0] == 1


def test_scores_refuse_wrong_arguments(numbers):
    density = GaussianDensity().fit(numbers)
    with pytest.raises(TypeError, match="estimator must be a fitted estimator with score_samples"):
        ScoreDisplay.from_estimator(object(), numbers)
    with pytest.raises(ValueError, match="quantile must be a number between 0 and 1, got 5"):
        ScoreDisplay.from_estimator(density, numbers, quantile=5)
    with pytest.raises(ValueError, match="quantile and threshold must not both be given"):
        ScoreDisplay.from_estimator(density, numbers, quantile=0.5, threshold=0)
    for arguments, message in [
        (([[1.0]],), "scores must be a line of numbers"),
        (([],), "scores must be a line of numbers"),
        (([np.nan],), "scores must hold finite numbers or minus infinity"),
        (([-np.inf],), "scores must hold a finite number, but all rows are ruled out"),
    ]:
        with pytest.raises(ValueError, match=message):
            ScoreDisplay(*arguments).plot()
    with pytest.raises(ValueError, match="threshold must be a finite number, got nan"):
        ScoreDisplay([0.0], threshold=np.nan).plot()
    with pytest.raises(ValueError, match="labels must be two names, got 'ab'"):
        ScoreDisplay([0.0], labels="ab").plot()


# ---------------------------------------------------------------------- real against sampled
def test_sampled_rows_are_those_of_the_density(numbers, pets, of_pets):
    for density, X in [(GaussianDensity().fit(numbers), numbers), (of_pets, pets)]:
        columns = [1, 2]
        display = RealAgainstSampledDisplay.from_estimator(
            density, X, columns=columns, random_state=3, axes=panels(2)
        )
        drawn = pd.DataFrame(density.sample(len(X), random_state=3)).iloc[:, columns]
        pd.testing.assert_frame_equal(display.sampled, drawn)
        pd.testing.assert_frame_equal(display.real, pd.DataFrame(X).iloc[:, columns])
        for name, shares in display.shares_.items():
            assert_allclose(shares.sum(), 1)
            first = display.real[name].dropna()
            last = shares.index[-1].right
            for bin_, share in shares["real"].items():
                inside = (first >= bin_.left) & ((first < bin_.right) | (bin_.right == last))
                assert inside.mean() == pytest.approx(share, abs=1.5 / len(first))
        below, above = display.axes_[1, 0].collections[0], display.axes_[0, 1].collections[0]
        whole = display.real.dropna()
        x, y = [
            date2num(values) if values.dtype.kind == "M" else values
            for values in (whole.iloc[:, 0].to_numpy(), whole.iloc[:, 1].to_numpy())
        ]
        assert_allclose(below.get_offsets(), np.column_stack([x, y]))
        assert len(above.get_offsets()) == len(X)


def test_categories_are_bars_of_the_most_frequent(pets, of_pets):
    display = RealAgainstSampledDisplay.from_estimator(
        of_pets, pets, columns=["town", "kind", "meals"], random_state=0, axes=panels(3)
    )
    towns, kinds = display.shares_["town"], display.shares_["kind"]
    assert len(towns) == 10
    assert towns.index[-1] == "(others)"
    assert_allclose(towns.sum(), 1)
    expected = pets["town"].value_counts(normalize=True)
    assert_allclose(towns["real"].iloc[:-1], expected[towns.index[:-1]])
    assert_allclose(kinds["real"], pets["kind"].value_counts(normalize=True)[kinds.index])
    heights = [bar.get_height() for bar in display.axes_[1, 1].patches]
    assert_allclose(heights, [*kinds["real"], *kinds["sampled"]])
    points = display.axes_[1, 0].collections[0].get_offsets()  # town along x, kind along y
    codes = [kinds.index.get_loc(kind) for kind in pets["kind"]]
    assert_array_equal(np.rint(points[:, 1]), codes)
    labels = [text.get_text() for text in display.axes_[2, 1].get_xticklabels()]
    assert labels == list(kinds.index)


def test_tables_of_one_column_and_of_few_numbers():
    real, sampled = np.repeat([[2], [1], [3]], 5, axis=0), np.array([[1.0], [4.0]])
    display = RealAgainstSampledDisplay.from_rows(real, sampled, axes=panel())
    shares = display.shares_[0]
    assert shares.index.tolist() == [1, 2, 3, 4]
    assert shares["sampled"].tolist() == [0.5, 0, 0, 0.5]
    wide = np.arange(55).reshape(11, 5)
    assert RealAgainstSampledDisplay.from_rows(wide, wide, axes=panels(4)).axes_.shape == (4, 4)
    ordered = pd.Categorical(["low", "high", "high"], categories=["low", "high"], ordered=True)
    frame = pd.DataFrame({"level": ordered})
    display = RealAgainstSampledDisplay.from_rows(frame, frame, axes=panel())
    assert display.shares_["level"].index.tolist() == ["low", "high"]


def test_pictures_of_real_rows_refuse_wrong_arguments(numbers):
    density = GaussianDensity().fit(numbers)
    make = RealAgainstSampledDisplay
    with pytest.raises(TypeError, match="density must be a fitted estimator with sample, got"):
        make.from_estimator(SimpleNamespace(), numbers)
    with pytest.raises(TypeError, match="but a classifier draws rows with classes"):
        make.from_estimator(GaussianDiscriminant().fit(numbers, np.arange(120) % 2), numbers)
    with pytest.raises(ValueError, match="real and sampled must have the same columns, got 3 and"):
        make.from_rows(numbers, numbers[:, :2])
    with pytest.raises(ValueError, match="real must be a table of two dimensions"):
        make.from_rows(numbers[0], numbers)
    with pytest.raises(ValueError, match="sampled must hold one row or more, got none"):
        make.from_rows(numbers, numbers[:0])
    with pytest.raises(ValueError, match=r"axes must have the shape \(3, 3\)"):
        make.from_estimator(density, numbers, axes=panels(2))
    with pytest.raises(ValueError, match="Column 0 of sampled must hold an observed value"):
        make.from_rows(numbers[:, :1], numbers[:, :1] * np.nan, axes=panel())
