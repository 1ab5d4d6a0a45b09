"""Set-up for all tests."""

import os

import hypothesis
import pytest

from skdgm.comparison import _compare as compare

# Compilation makes first examples slow; continuous integration draws the same examples every time.
hypothesis.settings.register_profile("skdgm", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("skdgm")


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
