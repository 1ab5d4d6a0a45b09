"""Fuzzing: the properties of ``fuzzing_properties`` on random problems.

A few seconds of it are part of the suite. Longer:

    pytest tests/test_fuzz.py --fuzz-minutes 60    # fresh problems for an hour
    pytest tests/test_fuzz.py --fuzz-seed 1234     # one problem again
"""

import time

import numpy as np
import pytest

from skdgm import (
    BinnedDensity,
    NegativeBinomialIndependentDensity,
    PoissonIndependentDensity,
    StepIndependentDensity,
    TableDensity,
)
from skdgm.density import BaseDensity

from .estimators import public_estimators
from .fuzzing import make_problem
from .fuzzing_properties import Tally

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

SEEDS = range(10)  # of the problems in the suite


def test_random_problems_have_the_properties(request, capsys):
    minutes = request.config.getoption("fuzz_minutes")
    seed = request.config.getoption("fuzz_seed")
    tally, failures = Tally(), []
    with capsys.disabled():
        for one in seeds(minutes) if seed is None else [seed]:
            found = tally.run(one)
            failures += found
            if minutes:
                print("".join(f"\n{failure}" for failure in found), end="", flush=True)
        if minutes:
            print(f"\n{tally}")
    assert not failures, "\n".join(["run again with --fuzz-seed:", *failures])


def seeds(minutes):
    """The fixed seeds, or fresh ones until the time is over."""
    if not minutes:
        yield from SEEDS
        return
    end = time.monotonic() + 60 * minutes
    seed = int(np.random.SeedSequence().generate_state(1)[0]) * 1000
    while time.monotonic() < end:
        yield seed
        seed += 1


def test_a_seed_makes_the_same_problem():
    first, second = make_problem(5), make_problem(5)
    assert str(first) == str(second)
    assert first.X.tobytes() == second.X.tobytes()


def test_every_public_density_and_classifier_is_drawn():
    wanted = {
        family
        for family in public_estimators()
        if issubclass(family, BaseDensity) or hasattr(family, "predict_joint_log_proba")
    }
    drawn = {type(part) for seed in range(200) for part in make_problem(seed).parts}
    # Counts and steps have no states to sum over, and their own tests draw tables at random.
    elsewhere = {
        BinnedDensity,
        NegativeBinomialIndependentDensity,
        PoissonIndependentDensity,
        StepIndependentDensity,
        TableDensity,
    }
    assert wanted - elsewhere <= drawn
