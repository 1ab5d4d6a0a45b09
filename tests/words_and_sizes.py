"""Blocks of binary and continuous columns, and data of two classes for them."""

import numpy as np
from scipy import stats

from skdgm import BernoulliIndependentDensity, ColumnDensity, GaussianDensity

WORDS, SIZES = [0, 2, 3], [4, 1]


def planted(n_samples=300, seed=0, share_missing=0.0):
    """Rows of two classes that differ in words (columns 0, 2, 3) and sizes (columns 4, 1)."""
    rng = np.random.default_rng(seed)
    z = (rng.random(n_samples) < 0.4).astype(int)
    X = np.empty((n_samples, 5))
    X[:, WORDS] = rng.random((n_samples, 3)) < np.array([[0.9, 0.8, 0.3], [0.2, 0.1, 0.6]])[z]
    X[:, SIZES] = np.array([[2.0, -1.0], [-1.0, 1.0]])[z] + 0.8 * rng.normal(size=(n_samples, 2))
    X[rng.random(X.shape) < share_missing] = np.nan
    return X, z


def words_and_sizes(words=None, sizes=None):
    return ColumnDensity(
        [
            ("words", words or BernoulliIndependentDensity(), WORDS),
            ("sizes", sizes or GaussianDensity(), SIZES),
        ]
    )


def log_prob_by_hand(blocks, X):
    """Log-probability of words and sizes from the fitted attributes, by the formulas."""
    theta = blocks.named_densities_.words.probability_
    sizes = blocks.named_densities_.sizes
    words = X[:, WORDS] @ np.log(theta) + (1 - X[:, WORDS]) @ np.log(1 - theta)
    normal = stats.multivariate_normal(sizes.mean_, sizes.get_covariance())
    return words + normal.logpdf(X[:, SIZES])
