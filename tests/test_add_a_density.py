"""The page "Add a density" holds what it says, and a family that forgets something is told so."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdgm import GenerativeClassifier, MixtureDensity, TransformedDensity
from skdgm.density import EM_CONSTRAINTS, BaseDensity, EMDensity

PAGE = Path(__file__).parent.parent / "doc" / "add_a_density.rst"


def blocks_of_the_page():
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks]


DENSITY, CHECKS, USES = blocks_of_the_page()
page = types.ModuleType("page_add_a_density")
sys.modules[page.__name__] = page  # so that instances can be pickled
exec(DENSITY, vars(page))
PoissonDensity = page.PoissonDensity


# ---------------------------------------------------------------------- the page
def test_the_density_is_short():
    assert len(DENSITY.strip().splitlines()) < 60


def test_the_page_calls_check_estimator():
    assert "check_estimator(PoissonDensity())" in CHECKS


@parametrize_with_checks([PoissonDensity(), MixtureDensity(PoissonDensity(), random_state=0)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def uses():
    exec(USES, vars(page))
    return page


def test_scores_are_those_of_scipy(uses):
    density = PoissonDensity(alpha=0.5).fit(uses.X, sample_weight=np.arange(500))
    expected = stats.poisson(density.rate_).logpmf(uses.X).sum(axis=1)
    assert_allclose(density.score_samples(uses.X), expected)
    half = uses.X.copy()
    half[:, 1] = np.nan
    assert_allclose(
        density.score_samples(half), stats.poisson(density.rate_[0]).logpmf(uses.X[:, 0])
    )


def test_batches_give_the_model_of_one_fit(uses):
    batched = PoissonDensity().partial_fit(uses.X_missing[:200]).partial_fit(uses.X_missing[200:])
    assert_allclose(batched.rate_, PoissonDensity().fit(uses.X_missing).rate_)


def test_a_mixture_finds_both_rates(uses):
    rates = sorted(density.rate_[0] for density in uses.mixture.densities_)
    assert_allclose(rates, [2, 8], rtol=0.15)


def test_a_classifier_tells_the_classes_apart(uses):
    assert uses.classifier.score(uses.X, uses.y) > 0.95


def test_an_imputer_fills_in_what_goes_with_the_rest(uses):
    imputed, missing = uses.imputed, np.isnan(uses.X_missing)
    assert not np.isnan(imputed).any()
    assert np.mean(np.abs(imputed - uses.X)[missing]) < 2.5
    assert np.mean(np.abs(uses.X.mean(axis=0) - uses.X)[missing]) > 2.8


def test_a_conditional_predicts_one_count_from_another(uses):
    predicted = uses.conditional.predict([[0.0], [12.0]]).ravel()
    assert predicted[0] > 7
    assert predicted[1] < 2
    drawn = uses.conditional.sample_y([[0.0]], 200, random_state=0)
    assert (drawn == np.floor(drawn)).all()


def test_a_divergence_is_that_of_poisson_distributions(uses):
    p, q = (PoissonDensity().fit(uses.X[uses.y == c]).rate_ for c in (0, 1))
    assert_allclose(uses.divergence, np.sum(p * np.log(p / q) - p + q), rtol=0.05)


def test_modes_of_a_mixture_are_counts(uses):
    completed = uses.mixture.conditional_mode([[np.nan, 10.0], [9.0, np.nan]])
    assert (completed == np.floor(completed)).all()


def test_counts_stay_out_of_transformers(uses):
    from sklearn.preprocessing import StandardScaler

    with pytest.raises(ValueError, match="density must be one over continuous columns"):
        TransformedDensity(StandardScaler(), PoissonDensity()).fit(uses.X)


# ---------------------------------------------------------------------- what may be forgotten
def forgetful(**members):
    """Make an instance of a family like the page's, but for some members."""
    return type("Forgetful", (PoissonDensity,), members)()


X = np.array([[1.0, 2.0], [0.0, 3.0], [4.0, 1.0]])


def test_a_forgotten_hook_is_named():
    members = {name: member for name, member in vars(PoissonDensity).items() if name != "_sample"}
    family = type("Forgetful", (BaseDensity,), members)
    with pytest.raises(TypeError, match="_sample"):
        family()


def test_a_forgotten_kind_of_column_is_asked_for():
    with pytest.raises(TypeError, match="Forgetful must say what its columns are: set the class"):
        forgetful(_column_kind=None).fit(X)


def test_a_forgotten_number_of_parameters_is_asked_for():
    def estimate(self, statistics):
        self.rate_ = statistics[1] / statistics[0]

    for density in (forgetful(_estimate=estimate), MixtureDensity(forgetful(_estimate=estimate))):
        with pytest.raises(TypeError, match="_estimate must set n_parameters_"):
            density.fit(X)


def test_a_number_of_parameters_that_is_no_integer_is_refused():
    def estimate(self, statistics):
        self.rate_, self.n_parameters_ = statistics[1], 2.0

    with pytest.raises(TypeError, match="n_parameters_ must be an integer"):
        forgetful(_estimate=estimate).fit(X)


def test_statistics_that_do_not_add_are_refused():
    def count(self, codes, weight):
        return len(codes), codes.sum(axis=0)  # tuples would be joined end to end

    with pytest.raises(TypeError, match="must return statistics that add"):
        forgetful(_count=count).fit(X)


def test_missing_values_that_are_counted_are_found():
    def count(self, codes, weight):
        return np.stack([np.full(2, float(len(codes))), codes.sum(axis=0)])

    density = forgetful(_count=count)
    density.fit(X)
    with pytest.raises(TypeError, match=r"has learned NaN as rate_: _count must leave missing"):
        density.fit(np.vstack([X, [np.nan, 1.0]]))
    assert np.isfinite(density.score_samples(X)).all()  # the fit before still stands


def test_log_probabilities_of_wrong_shape_or_nan_are_refused():
    with pytest.raises(TypeError, match="_log_prob must return a number for each of the 3 rows"):
        forgetful(_log_prob=lambda self, codes: 0.0 * codes).fit(X).score_samples(X)
    with pytest.raises(ValueError, match="gives NaN as the log-probability of row 0"):
        forgetful(_log_prob=lambda self, codes: codes[:, 0] * np.nan).fit(X).score_samples(X)


def test_parameters_of_the_iteration_are_asked_for():
    class Forgetful(EMDensity):
        _column_kind = "count"
        _count = _estimate = _log_prob = _sample = _count_start = _expect = clone
        _sample_missing = _mean_missing = _mode_missing = clone

    with pytest.raises(TypeError, match="must have the parameters max_iter, tol, verbose; it lack"):
        Forgetful().fit(X)
    assert list(EM_CONSTRAINTS) == ["max_iter", "tol", "verbose"]


def test_a_density_without_threads_or_constraints_needs_not_mention_them():
    class Plain(PoissonDensity):
        def __init__(self):
            self.alpha = 0.1

    Plain.n_jobs = BaseDensity.n_jobs
    density = Plain().fit(X)
    assert density.get_params() == {}
    assert density.sample(3, random_state=0).shape == (3, 2)
    assert GenerativeClassifier(Plain(), n_jobs=2).fit(X, [0, 1, 1]).predict(X).shape == (3,)
