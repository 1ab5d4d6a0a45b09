"""Components of a mixture that see no value of a column, without pseudo-counts."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from skdgm import (
    BernoulliIndependentDensity,
    ChainRuleDensity,
    ChowLiuTreeDensity,
    ColumnDensity,
    FullCategoricalDensity,
    GenerativeClassifier,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
    NegativeBinomialIndependentDensity,
    PoissonIndependentDensity,
)

from .rows import all_states

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

TREE = DecisionTreeClassifier(random_state=0)
BLOCKS = [
    ("coins", BernoulliIndependentDensity(alpha=0), [0, 1]),
    ("tree", ChowLiuTreeDensity(alpha=0), [2, 3]),
]
FAMILIES = {
    "coins": BernoulliIndependentDensity(alpha=0),
    "bounded coins": BernoulliIndependentDensity(alpha=0, bounds=(0.0, 0.5)),
    "chain 0": MarkovChainImageDensity(0, alpha=0),
    "chain 2": MarkovChainImageDensity(2, alpha=0),
    "homogeneous chain": MarkovChainImageDensity(alpha=0, homogeneous=True),
    "full": FullCategoricalDensity(alpha=0),
    "ties": FullCategoricalDensity(alpha=0, ties=np.arange(16) % 5),
    "tree": ChowLiuTreeDensity(alpha=0),
    "hidden tree": HiddenChowLiuTreeDensity(4, alpha=0, max_iter=3, random_state=0),
    "chain rule": ChainRuleDensity(TREE, alpha=0),
    "blocks": ColumnDensity(BLOCKS),
    "poisson": PoissonIndependentDensity(alpha=0),
    "negative binomial": NegativeBinomialIndependentDensity(alpha=0),
}


def two_surveys(seed):
    """Rows of which each group misses a column that the other has, and others miss cells."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 2, (30, 4)).astype(float)
    X[:, 0] = np.arange(30) < 15
    X[:15, 2] = X[15:, 3] = np.nan
    X[:, 1][rng.random(30) < 0.3] = np.nan
    return X


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_components_without_a_value_in_a_column_give_scores(family, monkeypatch):
    sizes = ["dense", "sparse"] if "chain" in family and "rule" not in family else ["dense"]
    Q = all_states((2, 2, 2, 2)).astype(float)
    Q[::3, 2] = np.nan
    for seed, size in enumerate(sizes * 2):
        if size == "sparse":
            monkeypatch.setattr("skdgm.density.markov_chain._counts.DENSE_CELLS", 0)
        X = two_surveys(seed)
        mixture = MixtureDensity(clone(FAMILIES[family]), random_state=seed, max_iter=5).fit(X)
        for rows in (X, Q):
            assert not np.isnan(mixture.score_samples(rows)).any()
            possible = rows[np.isfinite(mixture.score_samples(rows))]
            assert not np.isnan(mixture.conditional_mean(possible)).any()
            assert not np.isnan(mixture.conditional_mode(possible)).any()
        assert not np.isnan(mixture.lower_bounds_).any()
        assert np.isfinite(mixture.score_samples(X)).all()
        if family not in {"hidden tree", "chain rule"}:
            assert (np.diff(mixture.lower_bounds_) > -1e-12).all()


def test_nan_never_passes_for_impossible():
    class Broken(BernoulliIndependentDensity):
        _group_type = None

        def _log_prob(self, codes):
            return np.where(codes[:, 0] == 0, np.nan, super()._log_prob(codes))

    X, label = np.array([[0, 1], [1, 0], [1, 1], [0, 0]]), [0, 1, 0, 1]
    classifier = GenerativeClassifier(Broken()).fit(X, label)
    for query in (classifier.predict, classifier.predict_proba, classifier.score_samples):
        with pytest.raises(ValueError, match="gives NaN as the log-probability of row 0"):
            query(X)
    with pytest.raises(ValueError, match="gives NaN as the log-probability of row 0"):
        MixtureDensity(Broken(), random_state=0).fit(X)


def test_coins_take_over_the_share_of_ones_in_all_rows():
    X = two_surveys(0)
    X[0, 2] = np.nan
    mixture = MixtureDensity(FAMILIES["coins"], random_state=0).fit(X)
    first = mixture.predict(X[:1])[0]
    assert first != mixture.predict(X[-1:])[0]
    shares = np.nanmean(X, axis=0)
    assert mixture.densities_[first].probability_[2] == pytest.approx(shares[2])
    assert mixture.densities_[1 - first].probability_[3] == pytest.approx(shares[3])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X has no observed value")
        classifier = GenerativeClassifier(FAMILIES["coins"]).fit(X, X[:, 0])
    assert classifier.densities_[1].probability_[2] == pytest.approx(shares[2])
