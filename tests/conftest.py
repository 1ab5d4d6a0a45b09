"""Set-up for all tests."""

import os

import hypothesis
import numpy as np
import pytest
import sklearn
from sklearn.utils import estimator_checks
from sklearn.utils.fixes import parse_version

from skdgm import compare

# Compilation makes first examples slow; continuous integration draws the same examples every time.
hypothesis.settings.register_profile("skdgm", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("skdgm")

if parse_version(sklearn.__version__) < parse_version("1.7.2"):
    # Before 1.7.2 a check of scikit-learn subtracts a mean, in place, from the integers that it has
    # made for estimators of categories, which NumPy refuses. As floats they reach the estimator.
    _enforce_tags = estimator_checks._enforce_estimator_tags_X

    def _enforce_tags_as_floats(estimator, X, *args, **kwargs):
        X = _enforce_tags(estimator, X, *args, **kwargs)
        return X.astype(np.float64) if getattr(X, "dtype", None) == np.int32 else X

    estimator_checks._enforce_estimator_tags_X = _enforce_tags_as_floats


@pytest.fixture
def interrupt_after(monkeypatch):
    """Make a comparison end as if by Ctrl-C after some models."""
    evaluate, calls = compare._evaluate, []

    def set_up(n_models):
        def interrupted(*arguments):
            calls.append(1)
            if len(calls) > n_models:
                raise KeyboardInterrupt
            return evaluate(*arguments)

        monkeypatch.setattr(compare, "_evaluate", interrupted)

    return set_up
