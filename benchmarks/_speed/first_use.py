"""What the first use costs: imports, and first calls with compiled loops cached or not.

Each is timed in processes of their own, after ``import sklearn.base``.
"""

import json
import os
import subprocess
import sys
import tempfile
from statistics import median

REPEATS = 2
GOALS = {"import skdgm": 0.2, "cold": 2.0, "warm": 0.15}
DENSITIES = {
    "BernoulliIndependentDensity": "BernoulliIndependentDensity()",
    "MarkovChainImageDensity": "MarkovChainImageDensity()",
    "ChowLiuTreeDensity": "ChowLiuTreeDensity()",
    "FullCategoricalDensity": "FullCategoricalDensity()",
    "GaussianDensity": "GaussianDensity()",
    "MixtureDensity": "MixtureDensity(BernoulliIndependentDensity(), max_iter=5, random_state=0)",
    "HiddenChowLiuTreeDensity": "HiddenChowLiuTreeDensity(2, max_iter=2, random_state=0)",
}
IMPORTS = ("import skdgm", *(f"from skdgm import {name}" for name in DENSITIES))
SCRIPT = """
import json, sys, time, warnings
import sklearn.base
import numpy as np
warnings.simplefilter("ignore")
times = []
def lap():
    times.append(time.perf_counter())
lap()
exec({imports!r})
lap()
X = (np.random.default_rng(0).random((1000, 20)) < 0.3).astype(np.uint8)
holes = np.where(np.random.default_rng(1).random(X.shape) < 0.3, np.nan, X)
lap()
exec({first!r})
lap()
exec({missing!r})
lap()
print(json.dumps([times[1] - times[0], times[3] - times[2], times[4] - times[3]]))
"""
FIRST = "density = {}.fit(X); density.score_samples(X); density.sample(10, random_state=0)"
MISSING = "density.score_samples(holes); density.conditional_mean(holes)"


def seconds(imports, first="", missing="", cache=None):
    """Return the seconds of imports, of first calls, and of first calls with missing values."""
    script = SCRIPT.format(imports=imports, first=first, missing=missing)
    environment = {**os.environ, **({"NUMBA_CACHE_DIR": cache} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def measure_import(statement):
    """Return what an import takes."""
    taken = median(seconds(statement)[0] for _ in range(REPEATS))
    return {"name": statement, "seconds": taken, "met": _met(statement, taken)}


def measure_calls(name):
    """Return what first calls of a density take, cold and warm."""
    statement = f"from skdgm import BernoulliIndependentDensity, {name}"
    calls = FIRST.format(DENSITIES[name]), MISSING
    with tempfile.TemporaryDirectory() as cache:
        _, cold, cold_missing = seconds(statement, *calls, cache)
        warm = [seconds(statement, *calls, cache) for _ in range(REPEATS)]
    taken, missing = (median(run[part] for run in warm) for part in (1, 2))
    return {
        "name": name,
        "cold": cold,
        "warm": taken,
        "cold_missing": cold_missing,
        "warm_missing": missing,
        "met": _met("cold", cold) and _met("warm", taken),
    }


def _met(goal, taken):
    return taken <= GOALS[goal] if goal in GOALS else None
