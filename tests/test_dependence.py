"""Mutual information equals sums, integrals and known values; rows are alike by what is latent."""

import sys
from copy import copy
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats
from scipy.special import rel_entr
from sklearn.base import clone
from sklearn.decomposition import PCA

from skdgm import (
    BaggingDensity,
    BernoulliIndependentDensity,
    BinnedDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    DependenceDisplay,
    FullCategoricalDensity,
    GaussianDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    TableDensity,
    TransformedDensity,
)
from skdgm.density._queries import information

from .estimators import DISCRETE_CASES, FAMILY_CASES, NORMAL_CASES, cases
from .rows import hide


def entropy(joint, axes):
    """Entropy of some axes of a table of probabilities."""
    others = tuple(axis for axis in range(joint.ndim) if axis not in axes)
    return stats.entropy(joint.sum(axis=others).ravel())


def enumerated(joint, known=()):
    """Mutual information of axes given others, with conditional entropies in the diagonal."""
    axes = [axis for axis in range(joint.ndim) if axis not in known]
    alone = [entropy(joint, {*known, i}) for i in axes]
    both = np.array([[entropy(joint, {*known, i, j}) for j in axes] for i in axes])
    found = np.add.outer(alone, alone) - both - entropy(joint, set(known))
    np.fill_diagonal(found, np.array(alone) - entropy(joint, set(known)))
    return found


def off_diagonal(frame):
    values = np.array(frame, dtype=float)
    return values[~np.eye(len(values), dtype=bool)]


# ---------------------------------------------------------------------- sums
@cases(DISCRETE_CASES)
def test_categories_agree_with_enumeration(case):
    joint = case.probability.reshape((case.n_categories,) * case.n_columns)
    for known in [(), (1,), (0, 2)]:
        found = case.fitted.mutual_information(given=known, n_samples=1)
        assert_allclose(found, enumerated(joint, known), atol=1e-8)


def test_sums_over_draws_of_what_is_given_approach_enumeration(monkeypatch):
    case = next(case for case in DISCRETE_CASES if case.name == "mixture-bernoulli")
    joint = case.probability.reshape((2,) * 5)
    monkeypatch.setattr(information, "LISTED", 2)
    found = case.fitted.mutual_information(given=[0, 1], n_samples=4000, random_state=0)
    assert_allclose(found, enumerated(joint, (0, 1)), atol=0.02)


def test_pairs_are_asked_about_in_blocks_as_at_once(monkeypatch):
    case = next(case for case in DISCRETE_CASES if case.name == "chow-liu-ternary")
    expected = case.fitted.mutual_information(given=[2])
    monkeypatch.setattr(information, "TOGETHER", 1)
    assert_allclose(case.fitted.mutual_information(given=[2]), expected, atol=1e-12)
    normal = GaussianDensity.from_parameters(np.zeros(3), COVARIANCE)
    normal = MixtureDensity.from_parameters([normal, normal])
    in_blocks = normal.mutual_information(n_samples=20, random_state=0)
    monkeypatch.undo()
    at_once = normal.mutual_information(n_samples=20, random_state=0)
    assert_allclose(in_blocks, at_once, atol=1e-12)


def test_an_unknown_category_counts_among_the_values():
    X = np.array([[0, 1], [1, 0], [2, 2], [0, 1], [1, 0]])
    tree = ChowLiuTreeDensity(handle_unknown="smooth").fit(X)
    values = np.array(np.meshgrid(range(4), range(4), indexing="ij")).reshape(2, -1).T
    joint = np.exp(tree.score_samples(values)).reshape(4, 4)
    assert joint.sum() == pytest.approx(1)
    assert_allclose(tree.mutual_information(), enumerated(joint), atol=1e-8)


@cases([case for case in DISCRETE_CASES if case.name in {"chow-liu-ternary", "full-ternary"}])
def test_evidence_is_part_of_the_model(case):
    joint = case.probability.reshape((3,) * case.n_columns)
    within = joint[[0, 2]].sum(axis=0)
    found = case.fitted.condition({0: {0, 2}}).mutual_information(given=[1], n_samples=1)
    assert_allclose(found, enumerated(within / within.sum(), (1,)), atol=1e-8)
    found = case.fitted.condition({0: 1, 2: 0}).mutual_information(n_samples=1)
    assert_allclose(found, enumerated(joint[1, :, 0] / joint[1, :, 0].sum()), atol=1e-8)
    found = case.fitted.marginal([3, 1]).mutual_information(n_samples=1)
    assert_allclose(found, enumerated(joint)[np.ix_([3, 1], [3, 1])], atol=1e-8)


# ---------------------------------------------------------------------- numbers
@cases(NORMAL_CASES)
def test_normals_agree_with_determinants(case):
    covariance = case.fitted.get_covariance()

    def half_log_det(*columns):
        return np.linalg.slogdet(covariance[np.ix_(columns, columns)])[1] / 2

    found = case.fitted.mutual_information().to_numpy()
    expected = half_log_det(0) + half_log_det(2) - half_log_det(0, 2)
    assert found[0, 2] == found[2, 0] == pytest.approx(expected, abs=1e-9)
    given = case.fitted.mutual_information([2, 0], given=[1]).to_numpy()
    expected = half_log_det(0, 1) + half_log_det(1, 2) - half_log_det(1) - half_log_det(0, 1, 2)
    assert given[0, 1] == pytest.approx(expected, abs=1e-9)
    # I(x0; x1) + I(x0; x2 | x1) = I(x0; x2) + I(x0; x1 | x2)
    other = case.fitted.mutual_information([0, 1], given=[2]).to_numpy()
    assert found[0, 1] + given[0, 1] == pytest.approx(found[0, 2] + other[0, 1], abs=1e-9)


COVARIANCE = np.array([[1.0, 0.6, 0.3], [0.6, 1.0, 0.5], [0.3, 0.5, 1.0]])


def test_draws_approach_the_value_of_a_normal():
    """A mixture of two equal normals is a normal, but draws."""
    normal = GaussianDensity.from_parameters(np.zeros(3), COVARIANCE)
    mixture = MixtureDensity.from_parameters([normal, normal])
    for known in [None, [2]]:
        expected = off_diagonal(normal.mutual_information(given=known))
        found = mixture.mutual_information(given=known, n_samples=5000, random_state=0)
        error = np.sqrt(-np.expm1(-2 * expected)) / np.sqrt(5000)
        assert (np.abs(off_diagonal(found) - expected) < 4 * error).all()


def test_a_category_and_a_number_agree_with_an_integral():
    """The number is drawn, and the sum over the category is exact."""
    blocks = [("coin", BernoulliIndependentDensity(), [0]), ("number", GaussianDensity(), [1])]
    rng = np.random.default_rng(0)
    coin = rng.random(300) < 0.4
    X = np.column_stack([coin, rng.normal(2 * coin)])
    mixture = MixtureDensity(ColumnDensity(blocks), 2, random_state=0).fit(X)

    def integrand(x):
        both = np.exp(mixture.score_samples([[0, x], [1, x], [0, np.nan], [1, np.nan]]))
        return rel_entr(both[:2], both[:2].sum() * both[2:]).sum()

    expected, _ = integrate.quad(integrand, -8, 10, epsabs=1e-8)
    found = mixture.mutual_information(n_samples=4000, random_state=0).to_numpy()
    assert 0.01 < expected == pytest.approx(found[0, 1], rel=0.1)
    assert found[0, 0] == pytest.approx(
        stats.entropy(np.exp(mixture.score_samples([[0, np.nan], [1, np.nan]])))
    )
    assert np.isnan(found[1, 1])


def on_grid(density, columns, n_categories):
    """Information between a category and a number, by the score at each midpoint of a grid."""
    edges = np.linspace(-12, 16, 4001)
    x = (edges[:-1] + edges[1:]) / 2
    table = np.full((n_categories, len(x), density.n_features_in_), np.nan)
    table[:, :, columns[0]] = np.arange(n_categories)[:, np.newaxis]
    table[:, :, columns[1]] = x
    p = np.exp(density.score_samples(table.reshape(-1, density.n_features_in_)))
    p = p.reshape(n_categories, -1) * np.diff(edges)
    assert p.sum() == pytest.approx(1, abs=5e-3)
    return rel_entr(p, np.outer(p.sum(axis=1), p.sum(axis=0))).sum()


@pytest.fixture(scope="module")
def groups():
    """Groups of rows, with counts and numbers that depend on them."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, size=200)
    return np.column_stack([group, rng.poisson(2 * group + 1), rng.normal(group)])


def test_bins_agree_with_an_integral(groups):
    kinds = ["categorical", "count", "continuous"]
    binned = BinnedDensity(HiddenChowLiuTreeDensity(4, random_state=0), 5, kinds=kinds).fit(groups)
    found = binned.mutual_information(n_samples=1)
    assert found.loc[0, 2] == pytest.approx(on_grid(binned, (0, 2), 3), abs=5e-3)
    counts = np.array(np.meshgrid(range(3), range(60), indexing="ij")).reshape(2, -1).T
    rows = np.column_stack([counts, np.full(len(counts), np.nan)])
    joint = np.exp(binned.score_samples(rows)).reshape(3, 60)
    assert found.loc[0, 1] == pytest.approx(enumerated(joint)[0, 1], abs=1e-6)
    view = binned.marginal([2, 0])
    assert_allclose(view.mutual_information(n_samples=1), found.loc[[2, 0], [2, 0]], atol=1e-12)


def test_averages_of_binned_densities_with_bins_of_their_own(groups):
    binned = BinnedDensity(ChowLiuTreeDensity(), 5, kinds=["categorical", "count", "continuous"])
    bag = BaggingDensity(binned, 3, random_state=0).fit(groups)
    found = bag.mutual_information(n_samples=2000, random_state=0)
    assert found.loc[0, 2] == pytest.approx(on_grid(bag, (0, 2), 3), abs=0.04)


# ---------------------------------------------------------------------- every density
@cases([case for case in FAMILY_CASES if case.n_categories is None])
def test_it_is_symmetric_and_depends_on_the_seed_alone(case):
    found = case.fitted.mutual_information(n_samples=20, random_state=1)
    assert list(found.index) == list(found.columns) == [0, 1, 2]
    assert (off_diagonal(found) >= 0).all()
    assert_allclose(found, found.T)
    given = case.fitted.mutual_information([2, 0], [1], n_samples=20, random_state=1)
    assert list(given.columns) == [2, 0]
    threaded = copy(case.fitted)
    threaded.n_jobs = 2
    assert_array_equal(threaded.mutual_information(n_samples=20, random_state=1), found)


def test_units_order_and_monotone_maps_do_not_matter(groups):
    order, scale = [2, 0, 1], np.array([1e100, 1e-3, 1e-100])
    normal = GaussianDensity().fit(groups).mutual_information().to_numpy()
    scaled = GaussianDensity().fit(groups * scale).mutual_information()
    assert_allclose(scaled, normal, rtol=1e-9)
    permuted = GaussianDensity().fit(groups[:, order]).mutual_information()
    assert_allclose(permuted, normal[np.ix_(order, order)], rtol=1e-9)
    codes = np.minimum(groups, 2).astype(int).clip(0)
    full = FullCategoricalDensity(n_categories=3)
    assert_allclose(
        full.fit(codes[:, order]).mutual_information(),
        full.fit(codes).mutual_information().to_numpy()[np.ix_(order, order)],
        atol=1e-12,
    )
    binned = BinnedDensity(ChowLiuTreeDensity(), 5).fit(groups)
    bent = BinnedDensity(ChowLiuTreeDensity(), 5).fit(np.sinh(groups))
    assert_allclose(bent.mutual_information(), binned.mutual_information(), rtol=1e-9)


# ---------------------------------------------------------------------- tables
def test_identifiers_and_constants_tell_nothing():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "id": [f"p{row}" for row in range(60)],
            "group": rng.choice(list("abc"), 60),
            "same": "always",
        }
    )
    table["copy"] = np.where(rng.random(60) < 0.8, table["group"], "a")
    table["x"] = rng.normal(size=60) + 2 * (table["group"] == "a")
    density = TableDensity(ChowLiuTreeDensity(), columns={"id": "identifier"}).fit(table)
    found = density.mutual_information(random_state=0)
    assert list(found.columns) == list(table)
    assert_allclose(found["id"], 0, atol=1e-12)
    assert_allclose(found["same"].drop("same"), 0, atol=1e-12)
    names = ["x", "copy", "group"]
    given = density.mutual_information(names, given=["same", "id"], random_state=0)
    assert_allclose(given, found.loc[names, names], atol=1e-9)
    view = density.condition({"x": (0.0, None)})
    told = view.mutual_information(["copy", "group"], given=["id"], random_state=0)
    assert_allclose(told, view.mutual_information(["copy", "group"]), atol=1e-9)
    polars = pytest.importorskip("polars")
    density.fit(polars.DataFrame(table.to_dict("list")))
    assert_allclose(density.mutual_information(random_state=0), found)


# ---------------------------------------------------------------------- rows
def test_similar_rows_are_of_the_same_component(groups):
    mixture = MixtureDensity(GaussianDensity("diag"), random_state=0)
    X = np.concatenate([groups[groups[:, 0] == 0], groups[groups[:, 0] == 2] + 20])
    n_first = int((groups[:, 0] == 0).sum())
    X[::5, 1] = np.nan
    frame = pd.DataFrame(X, index=[f"row {place}" for place in range(len(X))], columns=list("abc"))
    mixture.fit(frame)
    found = mixture.similar_rows(frame, frame.iloc[[-2]], n_rows=len(X) - n_first)
    assert set(found["row"]) == set(frame.index[n_first:])
    assert found["similarity"].is_monotonic_decreasing
    assert found["similarity"].between(0.99, 1 + 1e-12).all()
    mixture.fit(X)
    assert mixture.similar_rows(X.tolist(), X[:1].tolist())["row"].max() < n_first


@pytest.mark.parametrize(
    "density",
    [
        HiddenChowLiuTreeDensity(3, random_state=0, max_iter=20),
        BaggingDensity(
            MixtureDensity(MarkovChainImageDensity(), 3, max_iter=20), 2, random_state=0
        ),
    ],
)
def test_copies_of_a_row_are_the_most_similar(density):
    case = next(case for case in DISCRETE_CASES if case.name == "hidden-tree")
    X = hide(case.data(), 0.2)
    density = clone(density).fit(X)
    found = density.similar_rows(np.concatenate([X, X[:1]]), X[:1], n_rows=len(X) + 1)
    similarity = found.set_index("row")["similarity"]
    assert_allclose(similarity[[0, len(X)]], 1)
    assert similarity.max() <= 1 + 1e-9
    assert similarity.min() < 0.999


# ---------------------------------------------------------------------- errors
def test_errors_name_the_argument_and_the_cure(groups, monkeypatch):
    normal = GaussianDensity().fit(groups)
    with pytest.raises(ValueError, match="columns must not hold columns that are given"):
        normal.mutual_information([0, 1], given=[1])
    with pytest.raises(TypeError, match=r"given must be a list of columns, got 1; pass \[1\]"):
        normal.mutual_information(given=1)
    with pytest.raises(ValueError, match="given must name at least one column, and none twice"):
        normal.mutual_information(given=[1, 1])
    with pytest.raises(ValueError, match="to must be a table of one row, got 2 rows"):
        MixtureDensity(GaussianDensity("diag")).fit(groups).similar_rows(groups, groups[:2])
    with pytest.raises(
        TypeError, match=r"GaussianDensity has no latent variable .* MixtureDensity"
    ):
        normal.similar_rows(groups, groups[:1])
    with pytest.raises(ValueError, match=r"PCA, .* use transformers that work by column"):
        TransformedDensity(PCA(), GaussianDensity()).fit(groups).mutual_information()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="mutual_information needs pandas; install it with: pip"):
        normal.mutual_information()


# ---------------------------------------------------------------------- the display
def axes():
    return Figure(layout="constrained").subplots()


def test_the_display_outlines_the_learned_tree():
    case = next(case for case in DISCRETE_CASES if case.name == "chow-liu")
    tree, ax = case.fitted, axes()
    display = DependenceDisplay.from_estimator(tree, ax=ax)
    assert {frozenset(edge) for edge in display.edges_} == {
        frozenset(edge) for edge in tree.edges_.tolist()
    }
    found = tree.mutual_information()
    strongest = DependenceDisplay.from_information(found, ax=axes())
    assert {*map(frozenset, strongest.edges_)} == {*map(frozenset, display.edges_)}
    shown = display.correlation_.sort_index().sort_index(axis=1)
    assert_allclose(off_diagonal(shown), np.sqrt(1 - np.exp(-2 * off_diagonal(found))))
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        str(name) for name in display.correlation_.columns
    ]
    assert len(ax.collections[1].get_paths()) == 2 * len(tree.edges_)
    assert ax.get_legend().get_texts()[0].get_text() == "Learned tree"
    some = DependenceDisplay.from_estimator(tree, [3, 0, 1], given=[2], ax=axes())
    assert some.plot(ax=some.ax_) is some
    assert set(some.correlation_.columns) == {0, 1, 3}


def test_similar_columns_are_side_by_side_and_names_have_room():
    X = np.random.default_rng(0).normal(size=(300, 12))
    X[:, 8] += 3 * X[:, 1]
    X[:, 5] += 3 * X[:, 10]
    names = [f"a rather long name of a column, number {column}" for column in range(12)]
    density = GaussianDensity().fit(pd.DataFrame(X, columns=names))
    display = DependenceDisplay.from_estimator(density)
    order = display.correlation_.columns.tolist()
    for first, second in [(1, 8), (5, 10)]:
        assert abs(order.index(names[first]) - order.index(names[second])) == 1
    figure, ax = display.figure_, display.ax_
    figure.canvas.draw()
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert len({label.get_text() for label in labels}) == 12  # shortened, and still distinct
        boxes = [label.get_window_extent() for label in labels]
        assert not any(one.overlaps(two) for one, two in pairwise(boxes))
        for box in boxes:
            assert figure.bbox.containsx(box.x0)
            assert figure.bbox.containsx(box.x1)
            assert figure.bbox.containsy(box.y0)
            assert figure.bbox.containsy(box.y1)


def test_columns_that_are_independent_are_in_no_tree():
    frame = pd.DataFrame(np.zeros((4, 4)), index=list("abcd"), columns=list("abcd"))
    frame.loc["a", "c"] = frame.loc["c", "a"] = np.inf  # a copy
    display = DependenceDisplay.from_information(frame, ax=axes())
    assert display.edges_ == [("a", "c")]
    assert display.correlation_.loc["a", "c"] == 1
    one = DependenceDisplay.from_information(frame.loc[["b"], ["b"]], ax=axes())
    assert one.edges_ == []
    assert one.ax_.get_legend() is None


def test_the_display_refuses_other_tables():
    frame = pd.DataFrame(np.full((2, 2), 0.5))
    with pytest.raises(ValueError, match="edges must be pairs of places of columns, from 0 to 1"):
        DependenceDisplay.from_information(frame, edges=[[0, 2]], ax=axes())
    for other in (frame.to_numpy(), frame.iloc[:1], frame.iloc[:0, :0]):
        with pytest.raises(ValueError, match="information must be a DataFrame with the same names"):
            DependenceDisplay.from_information(other, ax=axes())
    for wrong in (-frame, frame.where(frame > 1)):
        with pytest.raises(ValueError, match="information must be symmetric and hold no negative"):
            DependenceDisplay.from_information(wrong, ax=axes())
