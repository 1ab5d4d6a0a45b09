"""Normal scores: invertible, with the Jacobian of a density, and a Gaussian copula behind them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skdgm import (
    GaussianDensity,
    NormalScoreTransformer,
    StepIndependentDensity,
    TransformedDensity,
)


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return np.exp(rng.normal(size=(400, 2)) @ [[1.0, 0.8], [0.0, 0.6]])


def test_scores_are_normal_and_invertible(X):
    transformer = NormalScoreTransformer().fit(X)
    Z = transformer.transform(X)
    assert stats.kstest(Z[:, 0], "norm").pvalue > 0.5
    assert_allclose(transformer.inverse_transform(Z), X, rtol=1e-8)
    holes = np.where(np.arange(2) == 1, np.nan, X)
    assert_allclose(transformer.transform(holes)[:, 0], Z[:, 0])
    assert np.isnan(transformer.transform(holes)[:, 1]).all()


def test_independent_normals_of_scores_are_the_columns_themselves(X):
    column = X[:, :1]
    alone = StepIndependentDensity().fit(column)
    normal = TransformedDensity(NormalScoreTransformer(), GaussianDensity()).fit(column)
    normal.density_.means_ = None  # not read: the standard normal is set below
    assert_allclose(normal.score_samples(column), alone.score_samples(column), atol=0.25)


def test_a_copula_beats_independent_columns(X):
    copula = TransformedDensity(NormalScoreTransformer(), GaussianDensity()).fit(X[:300])
    alone = StepIndependentDensity().fit(X[:300])
    # The gain is the mutual information of the normals, with correlation 0.8.
    assert copula.score(X[300:]) - alone.score(X[300:]) == pytest.approx(0.51, abs=0.15)


def test_the_number_of_columns_is_checked(X):
    transformer = NormalScoreTransformer().fit(X)
    with pytest.raises(ValueError, match="X must have 2 columns of normal scores, got 1"):
        transformer.inverse_transform(X[:, :1])
