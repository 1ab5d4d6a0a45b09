"""Classifiers for the chain rule, and the densities fitted with them that tests share."""

import functools

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skdgm import ChainRuleDensity

from .rows import all_states

LOGISTIC = LogisticRegression(tol=1e-8, max_iter=1000)
TREE = DecisionTreeClassifier(random_state=0)  # fully grown: shares of the training rows
ONE_HOT = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LOGISTIC)
CLASSIFIERS = {
    "logistic": LOGISTIC,
    "tree": TREE,
    "stump": DecisionTreeClassifier(max_depth=1, random_state=0),
    "neighbours": KNeighborsClassifier(7),
    "gaussian": GaussianNB(),
    "one-hot": ONE_HOT,
    "boosted": HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5),
}
classifiers = pytest.mark.parametrize("name", CLASSIFIERS)


def make_rows(n_rows, n_categories, seed=0):
    """Rows of categories in which each column depends on the one before it."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, n_categories, (n_rows, len(n_categories)))
    for j in range(1, len(n_categories)):
        same = rng.random(n_rows) < 0.6
        X[same, j] = np.minimum(X[same, j - 1], n_categories[j] - 1)
    return X


MIXED = (2, 3, 2, 4, 2)  # numbers of categories in most tests


@functools.cache
def fitted(name, order):
    """A density over the ``MIXED`` columns."""
    density = ChainRuleDensity(clone(CLASSIFIERS[name]), order, n_categories=MIXED)
    return density.fit(make_rows(150, MIXED))


@functools.cache
def enumerated(name, order):
    """Every state, and its probability under the fitted density."""
    states = all_states(MIXED)
    return states, np.exp(fitted(name, order).score_samples(states))
