"""Starts of mixtures, components that are known, batches, and the components of draws."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
)

X, Y = load_iris(return_X_y=True)
INK = (load_digits().data[:600] > 7).astype(np.uint8)
NORMALS = MixtureDensity(GaussianDensity(), 3, random_state=0)
AT_RANDOM = ["kmeans", "k-means++", "random", "random_rows"]
unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def accuracy(labels):
    """Share of the rows whose species the components tell, if named as well as can be."""
    names = itertools.permutations(range(3))
    return max(np.mean(np.array(name)[labels] == Y) for name in names)


# ---------------------------------------------------------------------- starts
@pytest.mark.parametrize("init", AT_RANDOM)
def test_every_start_leads_to_a_maximum(init):
    starts = [clone(NORMALS).set_params(init=init, n_init=n, random_state=1) for n in (1, 6)]
    first, best = (start.fit(X) for start in starts)
    assert best.lower_bounds_[-1] >= first.lower_bounds_[-1]
    assert accuracy(best.labels_) > (0.9 if init != "random" else 0.6)
    assert (np.diff(best.lower_bounds_) >= -1e-9).all()


@unconverged
@pytest.mark.parametrize("init", AT_RANDOM)
def test_weights_are_repetition_at_the_start(init):
    rng = np.random.default_rng(0)
    rows, weight = rng.integers(0, 2, (40, 5)), rng.integers(1, 4, 40)
    model = MixtureDensity(BernoulliIndependentDensity(), 3, init=init, random_state=0, max_iter=3)
    weighted = clone(model).fit(rows, sample_weight=weight)
    repeated = clone(model).fit(np.repeat(rows, weight, axis=0)[::-1])
    assert_allclose(weighted.score_samples(rows), repeated.score_samples(rows))


def test_labels_shares_and_densities_start_where_they_say():
    parts = [GaussianDensity().fit(X[species == Y]) for species in range(3)]
    shares = 0.9 * np.eye(3)[Y] + 0.1 / 3
    for init in (Y, Y.tolist(), shares, parts):
        model = clone(NORMALS).set_params(init=init, n_init=5).fit(X)
        assert np.mean(model.labels_ == Y) > 0.95  # in the order that was told
    one_step = clone(NORMALS).set_params(init=Y, max_iter=1, tol=1e9).fit(X)
    start = np.log(1 / 3) + np.stack([part.score_samples(X) for part in parts], axis=1)
    assert_allclose(one_step.lower_bounds_[0], logsumexp(start, axis=1).mean(), atol=1e-3)


def test_fitted_densities_may_know_other_categories():
    years = np.repeat([[1990, 1], [1995, 2], [2020, 3]], 20, axis=0)
    tree = ChowLiuTreeDensity(handle_unknown="missing")
    parts = [clone(tree).fit(years[:30]), clone(tree).fit(years[30:])]
    model = MixtureDensity(ChowLiuTreeDensity(), 2, init=parts).fit(years)
    assert model.labels_[0] != model.labels_[-1]


@pytest.mark.parametrize(
    ("init", "message"),
    [
        (Y[:50], "one component for each of the 150 rows"),
        (Y + 1, "from 0 to n_components - 1 = 2"),
        (np.where(Y == 0, -1, Y), "known_components"),
        (Y / 2, "integers"),
        (np.ones((150, 3)), "sum to 1"),
        (np.ones((150, 2)), "responsibilities, got"),
        ([GaussianDensity()], "one fitted density for each of the 3 components"),
        ([GaussianDensity().fit(X[:, :2])] * 3, "densities of the 4 columns"),
        ("k_means", "init"),
    ],
)
def test_starts_that_make_no_sense_are_refused(init, message):
    with pytest.raises(ValueError, match=message):
        clone(NORMALS).set_params(init=init).fit(X)


def test_a_start_by_rows_is_of_the_mixtures_own_rows():
    classifier = GenerativeClassifier(clone(NORMALS).set_params(init=Y))
    with pytest.raises(ValueError, match="each of the 50 rows"):
        classifier.fit(X, Y)


# ---------------------------------------------------------------------- known components
def test_known_components_count_as_told_and_name_the_others():
    known = np.where(np.random.default_rng(0).random(len(X)) < 0.1, Y, -1)
    model = clone(NORMALS).fit(X, known_components=known)
    assert np.mean(model.labels_ == Y) > 0.95  # without a permutation
    assert_array_equal(model.labels_[known >= 0], known[known >= 0])
    joint = np.log(model.weights_) + np.stack(
        [part.score_samples(X) for part in model.densities_], axis=1
    )
    told = np.eye(3, dtype=bool)[known] | (known == -1)[:, np.newaxis]
    expected = logsumexp(np.where(told, joint, -np.inf), axis=1).mean()
    assert_allclose(model.lower_bounds_[-1], expected, atol=1e-2)
    assert (np.diff(model.lower_bounds_) >= -1e-9).all()


def test_if_all_components_are_known_the_mixture_is_the_classifier():
    model = clone(NORMALS).fit(X, known_components=Y)
    classifier = GenerativeClassifier(GaussianDensity()).fit(X, Y)
    assert_allclose(model.predict_proba(X), classifier.predict_proba(X), atol=1e-6)
    assert_allclose(model.weights_, classifier.priors_)


def test_rows_without_weight_have_no_component():
    weight = np.ones(len(X))
    weight[:5] = 0
    model = clone(NORMALS).set_params(init=Y).fit(X, sample_weight=weight, known_components=Y)
    assert_array_equal(model.labels_[:6], [-1] * 5 + [0])
    unweighted = clone(NORMALS).set_params(init=Y[5:]).fit(X[5:], known_components=Y[5:])
    assert_allclose(model.score_samples(X), unweighted.score_samples(X))


def test_components_that_cannot_be_are_refused():
    for known, message in ((Y[1:], "each of the 150 rows"), (Y + 1, "n_components - 1 = 2")):
        with pytest.raises(ValueError, match=f"known_components.*{message}"):
            clone(NORMALS).fit(X, known_components=known)


# ---------------------------------------------------------------------- batches
@pytest.mark.parametrize("family", [BernoulliIndependentDensity(), ChowLiuTreeDensity(2)])
def test_batches_get_near_to_one_fit(family):
    model = MixtureDensity(family, 5, random_state=0)
    order = np.random.default_rng(0).permutation(len(INK))
    batched, scores = clone(model), []
    for rows in np.array_split(order, 4) * 3:
        batched.partial_fit(INK[rows])
        scores.append(batched.score(INK))
        assert len(batched.labels_) == len(rows)
    assert scores[0] < scores[3] < scores[-1]
    assert abs(scores[-1] - clone(model).fit(INK).score(INK)) < 1
    assert abs(batched.densities_[0]._n_rows - 3 * len(INK) / 5) < 1e-6


def test_later_batches_may_hold_new_categories_also_in_blocks():
    rows = np.random.default_rng(0).integers(0, 3, (60, 3))
    blocks = ColumnDensity(
        [("tree", ChowLiuTreeDensity(), [0, 2]), ("coin", BernoulliIndependentDensity(), [1])]
    )
    for family in (ChowLiuTreeDensity(), blocks):
        model = MixtureDensity(family, 2, random_state=0).partial_fit(rows[:30])
        with pytest.raises(ValueError, match="7"):
            model.score_samples(rows[:1] * 0 + 7)
        model.partial_fit(np.where(np.arange(90).reshape(30, 3) < 9, 7, rows[30:]))
        assert np.isfinite(model.score_samples([[7, 7, 7]])).all()
        assert np.isfinite(model.sample(50, random_state=0)).all()


def test_batches_of_a_class_of_mixtures():
    model = GenerativeClassifier(MixtureDensity(GaussianDensity(shrinkage=0.1), 2, random_state=0))
    for rows in np.array_split(np.random.default_rng(0).permutation(len(X)), 3):
        model.partial_fit(X[rows], Y[rows], classes=[0, 1, 2])
    assert model.score(X, Y) > 0.9


# ---------------------------------------------------------------------- draws
def test_draws_come_with_their_components():
    model = clone(NORMALS).fit(X)
    rows, z = model.sample(20_000, random_state=0, return_components=True)
    assert_array_equal(rows, model.sample(20_000, random_state=0))
    assert_allclose(np.bincount(z) / len(z), model.weights_, atol=0.01)
    for k, part in enumerate(model.densities_):
        assert_allclose(rows[z == k].mean(axis=0), part.mean_, atol=0.05)
        assert_allclose(np.cov(rows[z == k].T), part.covariance_, atol=0.05)
