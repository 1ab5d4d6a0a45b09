"""Every discrete density on the binary density-estimation data sets, next to published figures.

usage: python benchmarks/debd.py --data FOLDER [--sets nltcs plants ...] [--output FILE.csv]

Reads FOLDER/debd/NAME.npz (arrays train, valid and test of bit-packed rows, and d, the number of
columns). The recipe is the same for all sets: each density is fitted to ``train`` with the settings
of its grid, and the one with the best score on ``valid`` is scored on ``test``, in nats per row.
Nothing is fitted to ``valid``. The grid of the hidden Chow-Liu tree is searched step by step: more
latent states as long as ``valid`` gains, then other pseudo-counts and another start at the best
size.

If FOLDER/../reference/debd_published.csv exists, its columns are printed next to the densities.
"""

import argparse
import csv
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    FullCategoricalDensity,
    HiddenChowLiuTreeDensity,
    MarkovChainImageDensity,
    MixtureDensity,
)

SETS = (
    *("nltcs", "msnbc", "kdd", "plants", "baudio", "jester"),
    *("bnetflix", "accidents", "dna", "c20ng", "ad"),
)
SEED = 0
MOST_CELLS = 500_000  # of the training data, for mixtures of hidden trees
MOST_WORK = 2**20  # products per row and message: a fit then takes about a minute


class Search:
    """Fits of one family to ``train``, keeping the one with the best score on ``valid``."""

    def __init__(self, train, valid):
        self.train, self.valid = train, valid
        self.best, self.best_score, self.best_seconds = None, -np.inf, 0.0
        self.n_fits, self.seconds = 0, 0.0

    def try_out(self, density):
        """Fit a density and return whether it is the best so far."""
        began = time.perf_counter()
        density.fit(self.train)
        seconds = time.perf_counter() - began
        score = density.score(self.valid)
        self.n_fits, self.seconds = self.n_fits + 1, self.seconds + seconds
        print(f"    {score:10.4f} {seconds:6.1f} s  {density}".replace("\n", " "), flush=True)
        better = score > self.best_score
        if better:
            self.best, self.best_score, self.best_seconds = density, score, seconds
        return better


def search_independent(search):
    """Try independent columns."""
    for alpha in (0.1, 1.0):
        search.try_out(BernoulliIndependentDensity(alpha=alpha))


def search_chain(search):
    """Try chains along the columns in their given order."""
    for alpha in (0.1, 1.0):
        search.try_out(MarkovChainImageDensity(1, n_categories=2, alpha=alpha))


def search_full_table(search):
    """Try one probability per joint state."""
    for alpha in (1.0, 1e3, 1e6):
        search.try_out(FullCategoricalDensity(n_categories=2, alpha=alpha))


def search_tree(search):
    """Try the Chow-Liu tree."""
    search.try_out(ChowLiuTreeDensity(n_categories=2, alpha=0.05))


def search_mixture(search):
    """Try mixtures of Chow-Liu trees, larger ones as long as they are better."""
    for n_components in (4, 8, 16):
        tree = ChowLiuTreeDensity(n_categories=2, alpha=0.05)
        mixture = MixtureDensity(tree, n_components, max_iter=30, tol=0.01, random_state=SEED)
        if not search.try_out(mixture):
            break


def search_hidden_tree(search):
    """Try hidden Chow-Liu trees: vary the number of states, then pseudo-counts, then the start."""
    settings = {"n_states": 8, "alpha": 1.0, "mixing": 0.1}

    def better(**changed):
        density = HiddenChowLiuTreeDensity(
            **{**settings, **changed}, n_categories=2, random_state=SEED
        )
        if search.try_out(density):
            settings.update(changed)
            return True
        return False

    for n_states in (16, 32, 64, 128):
        affordable = n_states**2 * search.train.shape[1] <= MOST_WORK
        if not affordable or not better(n_states=n_states):
            break
    lower = better(alpha=0.3)
    for alpha in (0.1, 0.03, 0.01) if lower else (2.0, 4.0):
        if not better(alpha=alpha):
            break
    better(mixing=0.3)


def search_mixture_of_hidden_trees(search):
    """Try mixtures of two hidden trees, unless the data are too large for the steps on all rows."""
    if search.train.size > MOST_CELLS:
        return
    for n_states in (8, 16):
        for alpha in (0.1, 0.03, 0.01):
            hidden = HiddenChowLiuTreeDensity(
                n_states, n_categories=2, alpha=alpha, mixing=0.3, random_state=SEED
            )
            search.try_out(
                MixtureDensity(hidden, 2, init="random", max_iter=25, tol=0.01, random_state=SEED)
            )


FAMILIES = {
    "independent": search_independent,
    "chain": search_chain,
    "full_table": search_full_table,
    "chow_liu_tree": search_tree,
    "mixture_of_trees": search_mixture,
    "hidden_chow_liu_tree": search_hidden_tree,
    "mixture_of_hidden": search_mixture_of_hidden_trees,
}


def load(folder, name):
    """Load the train, valid and test rows of zeros and ones."""
    with np.load(folder / "debd" / f"{name}.npz") as parts:
        n_columns = int(parts["d"])
        return [
            np.unpackbits(parts[part], axis=1)[:, :n_columns] for part in ("train", "valid", "test")
        ]


def published_figures(folder):
    """Load the published figures of hidden trees, by set and column, if there are any."""
    path = folder.resolve().parent / "reference" / "debd_published.csv"
    if not path.exists():
        return {}
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    rows = {row.pop("dataset"): row for row in csv.DictReader(lines)}
    return {
        name: {key: float(row[key]) for key in row if "hclt" in key} for name, row in rows.items()
    }


def measure(name, family, folder):
    """Return one row of the result, or None if the family was not tried on this set."""
    train, valid, test = load(folder, name)
    search = Search(train, valid)
    FAMILIES[family](search)
    if search.best is None:
        return None
    return {
        "dataset": name,
        "family": family,
        "valid": search.best_score,
        "test": search.best.score(test),
        "parameters": search.best.n_parameters_,
        "seconds": search.best_seconds,
        "fits": search.n_fits,
        "search_seconds": search.seconds,
        "settings": " ".join(repr(search.best).split()),
    }


def report(results, published):
    """Print the test log-likelihoods of every family and the published ones, one row per set."""
    others = sorted({key for row in published.values() for key in row})
    print(f"\n{'dataset':10}" + "".join(f"{key[:20]:>21}" for key in (*FAMILIES, *others)))
    for name in dict.fromkeys(row["dataset"] for row in results):
        own = {row["family"]: row for row in results if row["dataset"] == name}
        best = max(own.values(), key=lambda row: row["valid"])
        figures = [
            f"{own[family]['test']:21.3f}" if family in own else " " * 21 for family in FAMILIES
        ]
        theirs = published.get(name, {})
        figures += [f"{theirs[key]:21.3f}" if key in theirs else " " * 21 for key in others]
        verdict = "ahead" if theirs and best["test"] > max(theirs.values()) else ""
        print(f"{name:10}" + "".join(figures), f"  {best['family']} {verdict}")


def main():
    """Measure every family on every set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=list(FAMILIES))
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = []
    for name in arguments.sets:
        for family in arguments.families:
            print(f"{name}, {family}", flush=True)
            row = measure(name, family, arguments.data)
            if row is None:
                print("  too large")
                continue
            results.append(row)
            print(
                f"  test {row['test']:.4f}, {row['parameters']:,} parameters, "
                f"{row['seconds']:.1f} s",
                flush=True,
            )
            if arguments.output:
                with arguments.output.open("w", newline="") as file:
                    writer = csv.DictWriter(file, results[0])
                    writer.writeheader()
                    writer.writerows(results)
    report(results, published_figures(arguments.data))


if __name__ == "__main__":
    main()
