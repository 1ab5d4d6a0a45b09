"""Answers of fitted estimators, asked here or in a process that loads them from files.

``python -m tests.loading FOLDER`` loads the models of a folder and writes what they answer.
"""

import pickle
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.utils import get_tags

import skdgm

QUERIES = (
    *("score_samples", "predict_proba", "transform"),
    *("conditional_mean", "conditional_mode", "conditional_sample"),
)


def answers(model, X, y):
    """Return what a fitted estimator answers, by query, also after it has seen a further batch."""
    if not get_tags(model).input_tags.allow_nan:
        X = np.nan_to_num(X)
    if hasattr(model, "random_state"):
        model.set_params(random_state=0)
    found = {}
    for name in QUERIES:
        if hasattr(model, name):
            of_pairs = name == "score_samples" and hasattr(model, "sample_y")
            seed = {"random_state": 1} if name == "conditional_sample" else {}
            found[name] = getattr(model, name)(*(X, y) if of_pairs else (X,), **seed)
    if hasattr(model, "sample_y"):
        found["sample_y"] = model.sample_y(X, 3, random_state=1)
    if hasattr(model, "sample"):
        drawn = model.sample(9, random_state=1)
        drawn = drawn if isinstance(drawn, tuple) else (drawn,)
        found |= {f"sample {place}": own for place, own in enumerate(drawn)}
    if hasattr(model, "partial_fit"):
        model.partial_fit(np.nan_to_num(X), y)
        of_batch = "predict_proba" if hasattr(model, "predict_proba") else "score_samples"
        found["partial_fit"] = getattr(model, of_batch)(X)
    return found


def load_all(folder):
    """Load the models of a folder, by the format that they are stored in."""
    found = {"pickle": pickle.loads((folder / "models.pickle").read_bytes())}
    found["joblib"] = joblib.load(folder / "models.joblib", mmap_mode="r")
    if (folder / "models.skops").exists():
        from skops.io import load

        found["skops"] = load(folder / "models.skops", trusted=skdgm.TRUSTED_TYPES)
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    warnings.simplefilter("error", UserWarning)  # by which versions are told apart
    loaded = load_all(folder)
    warnings.simplefilter("ignore")
    X, y = np.load(folder / "X.npy"), np.load(folder / "y.npy")
    found = {
        (form, name): answers(model, X, y)
        for form, models in loaded.items()
        for name, model in models.items()
    }
    (folder / "answers.pickle").write_bytes(pickle.dumps(found))
