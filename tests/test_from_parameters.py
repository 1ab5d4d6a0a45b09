"""Densities made of parameters: they answer as fitted ones do, and go on from what they count."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.preprocessing import StandardScaler

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
    TransformedDensity,
)

from .rows import all_states

MEAN, COVARIANCE = np.array([1.0, -1.0]), np.array([[2.0, 0.6], [0.6, 1.0]])
START = [0.3, 0.7]
STAY = [[0.9, 0.1], [0.2, 0.8]]
AFTER_TWO = np.random.default_rng(0).dirichlet([1, 1], size=(2, 2))
NORMAL = GaussianDensity.from_parameters(MEAN, COVARIANCE)


# ---------------------------------------------------------------------- normals
def test_a_normal_scores_samples_and_conditions_without_data():
    rows = np.random.default_rng(0).normal(size=(20, 2))
    expected = stats.multivariate_normal(MEAN, COVARIANCE).logpdf(rows)
    assert_allclose(NORMAL.score_samples(rows), expected)
    drawn = NORMAL.sample(50_000, random_state=0)
    assert_allclose(np.cov(drawn.T), COVARIANCE, atol=0.05)
    assert_allclose(NORMAL.conditional_mean([[3.0, np.nan]]), [[3.0, -1 + 0.3 * 2]])
    assert_allclose(NORMAL.score_samples([[3.0, np.nan]]), stats.norm(1, 2**0.5).logpdf(3))
    assert NORMAL.n_parameters_ == 5


@pytest.mark.parametrize(
    ("kind", "covariance"), [("tied", COVARIANCE), ("diag", [2.0, 1.0]), ("spherical", 1.5)]
)
def test_other_shapes_of_covariances(kind, covariance):
    density = GaussianDensity.from_parameters(MEAN, covariance, covariance_type=kind)
    matrix = covariance * np.eye(2) if np.ndim(covariance) < 2 else covariance
    expected = stats.multivariate_normal(MEAN, matrix).logpdf([[0, 0]])
    assert_allclose(density.score_samples([[0.0, 0.0]]), expected)
    assert_allclose(density.get_covariance(), matrix)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_a_normal_goes_on_from_the_rows_that_it_stands_for(kind):
    rows = np.random.default_rng(0).normal(size=(60, 3))
    half = GaussianDensity(kind, reg_covar=0).fit(rows[:40])
    given = GaussianDensity.from_parameters(
        half.mean_, half.covariance_, n_samples=40, covariance_type=kind, reg_covar=0
    )
    whole = GaussianDensity(kind, reg_covar=0).fit(rows)
    assert_allclose(given.partial_fit(rows[40:]).score_samples(rows), whole.score_samples(rows))


# ---------------------------------------------------------------------- coins and chains
def test_coins_score_and_go_on():
    coins = BernoulliIndependentDensity.from_parameters([0.2, 0.5, 1.0])
    assert_allclose(np.exp(coins.score_samples([[1, 0, 1], [1, np.nan, 1]])), [0.1, 0.2])
    assert np.isneginf(coins.score_samples([[0, 0, 0]])).all()
    rows = np.random.default_rng(0).integers(0, 2, (30, 3))
    share = rows[:20].mean(axis=0)
    given = BernoulliIndependentDensity.from_parameters(share, n_samples=20, alpha=2)
    whole = BernoulliIndependentDensity(alpha=2).fit(rows)
    assert_allclose(given.partial_fit(rows[20:]).probability_, whole.probability_)


def test_chains_score_as_the_product_of_their_tables():
    chain = MarkovChainImageDensity.from_parameters([START, STAY, AFTER_TWO, AFTER_TWO])
    states = all_states([2] * 4)
    expected = [
        START[a] * STAY[a][b] * AFTER_TWO[a, b, c] * AFTER_TWO[b, c, d] for a, b, c, d in states
    ]
    assert_allclose(np.exp(chain.score_samples(states)), expected)
    assert chain.order == 2
    drawn = chain.sample(40_000, random_state=0)
    assert_allclose(drawn.mean(axis=0), expected @ states, atol=0.01)
    one_table = MarkovChainImageDensity.from_parameters([START, STAY], n_features=4)
    expected = [START[a] * STAY[a][b] * STAY[b][c] * STAY[c][d] for a, b, c, d in states]
    assert_allclose(np.exp(one_table.score_samples(states)), expected)
    assert one_table.n_parameters_ == 3
    snake = MarkovChainImageDensity.from_parameters(
        [START, STAY], n_features=4, scan="snake", image_shape=(2, 2)
    )
    assert_allclose(snake.score_samples(states[:, [0, 1, 3, 2]]), one_table.score_samples(states))


@pytest.mark.parametrize("n_features", [None, 6])
def test_a_chain_goes_on_from_the_rows_that_it_stands_for(n_features):
    tables = [START, STAY, AFTER_TWO]
    chain = MarkovChainImageDensity.from_parameters(
        tables, n_features=n_features, n_samples=1e6, alpha=0.5
    )
    states = all_states([2] * (n_features or 3))
    before = chain.score_samples(states)
    chain.partial_fit(states[:1])  # one row beside a million
    assert_allclose(chain.score_samples(states), before, atol=1e-3)
    few = MarkovChainImageDensity.from_parameters(tables, n_samples=10, alpha=0)
    few.partial_fit(np.zeros((90, 3), dtype=int))
    share_of_zero = (10 * START[0] + 90) / 100
    assert_allclose(np.exp(few.score_samples([[0, np.nan, np.nan]])), share_of_zero)


# ---------------------------------------------------------------------- mixtures
def test_a_mixture_of_parts_is_their_weighted_sum():
    other = GaussianDensity.from_parameters(-MEAN, np.eye(2))
    mixture = MixtureDensity.from_parameters([NORMAL, other], [0.3, 0.7])
    rows = np.random.default_rng(0).normal(size=(10, 2))
    parts = np.stack([NORMAL.score_samples(rows), other.score_samples(rows)], axis=1)
    assert_allclose(np.exp(mixture.score_samples(rows)), np.exp(parts) @ [0.3, 0.7])
    assert_allclose(mixture.sample(40_000, random_state=0).mean(axis=0), -0.4 * MEAN, atol=0.03)
    tied = [
        GaussianDensity.from_parameters(MEAN, scale * COVARIANCE, covariance_type="tied")
        for scale in (1, 3)
    ]
    wide = MixtureDensity.from_parameters(tied)
    expected = np.mean([np.exp(part.score_samples(rows)) for part in tied], axis=0)
    assert_allclose(np.exp(wide.score_samples(rows)), expected)


def test_parts_may_be_fitted_densities_behind_transformers_of_their_own():
    rows = np.random.default_rng(0).normal(size=(40, 2)) * [1, 100]
    parts = [
        TransformedDensity(StandardScaler(), GaussianDensity()).fit(own)
        for own in (rows[:20], 3 * rows[20:] + 5)
    ]
    mixture = MixtureDensity.from_parameters(parts, [0.4, 0.6])
    expected = np.exp([part.score_samples(rows) for part in parts]).T @ [0.4, 0.6]
    assert_allclose(np.exp(mixture.score_samples(rows)), expected)
    holes = np.where(np.eye(2)[np.arange(40) % 2] > 0, np.nan, rows)
    shares = mixture.predict_proba(holes)
    means = sum(shares[:, [k]] * part.conditional_mean(holes) for k, part in enumerate(parts))
    assert_allclose(mixture.conditional_mean(holes), means)


def test_a_mixture_goes_on_if_all_parts_count_rows():
    rows = np.random.default_rng(0).integers(0, 2, (200, 4))
    parts = [BernoulliIndependentDensity.from_parameters([p] * 4, n_samples=50) for p in (0.2, 0.8)]
    mixture = MixtureDensity.from_parameters(parts)
    before = mixture.score(rows)
    mixture.partial_fit(rows)
    assert mixture.score(rows) > before
    assert mixture._n_rows == 300
    assert len(mixture.labels_) == 200


def test_without_counts_batches_start_anew_and_say_so():
    rows = np.random.default_rng(0).normal(size=(50, 2))
    given = GaussianDensity.from_parameters(MEAN, COVARIANCE)
    with pytest.warns(UserWarning, match="starts anew from the rows of X; give n_samples"):
        given.partial_fit(rows)
    assert_array_equal(given.score_samples(rows), GaussianDensity().fit(rows).score_samples(rows))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianDensity.from_parameters([0, 0], [[1, 2], [2, 1]]), "positive definite"),
        (lambda: GaussianDensity.from_parameters([0, 0], [[1, 0.5], [0, 1]]), "symmetric"),
        (lambda: GaussianDensity.from_parameters([0, 0], [1, 1]), r"shape \(2, 2\)"),
        (lambda: GaussianDensity.from_parameters([[0]], [[1]]), "mean must be"),
        (
            lambda: GaussianDensity.from_parameters([0], [0], covariance_type="diag"),
            "positive variances",
        ),
        (
            lambda: GaussianDensity.from_parameters([0], [[1]], covariance_type="low_rank"),
            '"spherical" where the covariance is given',
        ),
        (lambda: GaussianDensity.from_parameters([0], [[1]], n_samples=0), "n_samples must be"),
        (lambda: BernoulliIndependentDensity.from_parameters([0.5, 1.2]), "from 0 to 1"),
        (lambda: BernoulliIndependentDensity.from_parameters(0.5), "a number for each column"),
        (lambda: MarkovChainImageDensity.from_parameters([[0.5, 0.4]]), "sum to 1"),
        (
            lambda: MarkovChainImageDensity.from_parameters([START, [0.5, 0.5], STAY]),
            r"tables\[1\]",
        ),
        (lambda: MarkovChainImageDensity.from_parameters([START, STAY], n_features=1), "order"),
        (lambda: MixtureDensity.from_parameters([NORMAL, NORMAL], [0.5, 0.6]), "sum to 1"),
        (lambda: MixtureDensity.from_parameters([NORMAL], [0.5, 0.5]), "each of the 1 densities"),
        (
            lambda: MixtureDensity.from_parameters(
                [NORMAL, BernoulliIndependentDensity.from_parameters([0.5, 0.5])]
            ),
            "of one family",
        ),
        (
            lambda: MixtureDensity.from_parameters(
                [ChowLiuTreeDensity().fit([[0, own]]) for own in (1, 2)]
            ),
            "names and categories",
        ),
    ],
)
def test_what_makes_no_density_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_parameters_of_the_class_are_kept_for_the_next_fit():
    density = GaussianDensity.from_parameters(MEAN, COVARIANCE, shrinkage=0.1, n_jobs=2)
    assert density.get_params()["shrinkage"] == 0.1
    rows = np.random.default_rng(0).normal(size=(20, 2))
    assert density.fit(rows).shrinkage_ == 0.1
    assert GenerativeClassifier(density).fit(rows, np.arange(20) % 2).score(rows, np.arange(20) % 2)
