"""Draw the images of the README and of the first page of the documentation.

table.png shows rows of a table with holes, what belongs there, and rows like them; started_*.png
are the pictures of the same table that "Getting started" shows. digits.png shows real digits, and
samples from three families; holes.png shows digits of which half is missing, and completions;
halves.png shows upper halves, and lower halves drawn for them. With skdgm and matplotlib installed,
run from any folder: ``python doc/images/make_images.py``.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import train_test_split

from skdgm import (
    BernoulliIndependentDensity,
    CompletionDisplay,
    ConditionalDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MarkovChainImageDensity,
    MixtureDensity,
    RealAgainstSampledDisplay,
    SampleDisplay,
    SurpriseDisplay,
    TableDensity,
)

PER_DIGIT = 2


def wines_with_holes() -> pd.DataFrame:
    """Return the table of "Getting started"."""
    wine = load_wine(as_frame=True).frame[["alcohol", "color_intensity", "proline", "target"]]
    wine["target"] = wine["target"].map({0: "barolo", 1: "grignolino", 2: "barbera"})
    return wine.mask(np.random.default_rng(0).random(wine.shape) < 0.2)


def draw_table(density: TableDensity, table: pd.DataFrame) -> Figure:
    """Draw rows with holes, what belongs there, and rows like them."""
    figure = Figure(figsize=(12, 3.9), layout="constrained")
    filled, sampled = figure.subplots(1, 2, width_ratios=[1.3, 1])
    seen = table[table.isna().any(axis=1)].iloc[3:8:2]
    completions = {
        "expected": density.conditional_mean(seen),
        "a draw": density.conditional_sample(seen, random_state=0),
    }
    CompletionDisplay(seen, completions).plot(ax=filled)
    rows = density.sample(9, random_state=0)
    SampleDisplay.from_rows(rows, ax=sampled)
    filled.set_title("What belongs in the holes", fontsize=15)
    sampled.set_title("Other rows like them", fontsize=15)
    return figure


def draw_started(density: TableDensity, table: pd.DataFrame) -> dict[str, Figure]:
    """Draw the pictures of "Getting started", by their names."""
    surprise = density.surprise(table, random_state=0, out_of_bag=True)
    displays = {
        "surprise": SurpriseDisplay.from_surprise(surprise, n_rows=12),
        "samples": RealAgainstSampledDisplay.from_estimator(density, table, random_state=0),
        "completions": CompletionDisplay.from_estimator(
            density, table[table.isna().any(axis=1)][:3], n_draws=2, random_state=0
        ),
    }
    return {f"started_{name}.png": display.figure_ for name, display in displays.items()}


def draw_digits() -> Figure:
    """Draw one row of real digits, and one row of samples per family."""
    grey, y = load_digits(return_X_y=True)
    ink = np.where(grey > 7, 16, 0)
    wanted = np.repeat(np.arange(10), PER_DIGIT)
    families = {
        "independent pixels": BernoulliIndependentDensity(),
        "Markov chain": MarkovChainImageDensity(order=4, scan="hilbert", alpha=0.2),
        "low-rank Gaussian": GaussianDensity("low_rank", n_factors=15),
    }
    first = [np.flatnonzero(y == digit)[:PER_DIGIT] for digit in range(10)]
    rows = {"real digits": grey[np.concatenate(first)]}
    for name, density in families.items():
        gaussian = isinstance(density, GaussianDensity)
        model = GenerativeClassifier(density).fit(grey if gaussian else ink // 16, y)
        images, _ = model.sample(len(wanted), y=wanted, random_state=0)
        rows[name] = images if gaussian else 16 * images
    return draw_rows(rows)


def draw_holes() -> Figure:
    """Draw test digits, their left halves, and completions by each one's most probable class."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    model = GaussianDiscriminant(shrinkage=0.1).fit(X_train, y_train)
    first = [np.flatnonzero(y_test == digit)[:PER_DIGIT] for digit in range(10)]
    true = X_test[np.concatenate(first)]
    seen = np.where(np.arange(64) % 8 < 4, true, np.nan)
    rows = {"real digits": true, "what is seen": seen, "expected": seen.copy()}
    rows["drawn"] = seen.copy()
    label = np.searchsorted(model.classes_, model.predict(seen))
    for k in np.unique(label):
        density, own = model.densities_[k], label == k
        rows["expected"][own] = density.conditional_mean(seen[own])
        rows["drawn"][own] = density.conditional_sample(seen[own], random_state=1)
    return draw_rows(rows)


def draw_halves() -> Figure:
    """Draw test digits, their upper halves, and two sampled lower halves for each."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, _, y_test = train_test_split(X, y, stratify=y, random_state=0)
    mixture = MixtureDensity(GaussianDensity("tied", shrinkage=0.01), 40, random_state=0)
    model = ConditionalDensity(mixture).fit(X_train[:, :32], X_train[:, 32:])
    first = [np.flatnonzero(y_test == digit)[:PER_DIGIT] for digit in range(10)]
    true = X_test[np.concatenate(first)]
    lower = model.sample_y(true[:, :32], n_samples=2, random_state=0)
    rows = {"real digits": true, "what is seen": np.where(np.arange(64) < 32, true, np.nan)}
    rows["a draw"], rows["another"] = (np.hstack([true[:, :32], lower[:, :, k]]) for k in (0, 1))
    return draw_rows(rows)


def draw_rows(rows: dict[str, np.ndarray]) -> Figure:
    """Draw named rows of images, with grey levels from 0 to 16 or NaN; real images in black."""
    figure = Figure(figsize=(12, 2.6))
    figure.subplots_adjust(left=0.175, right=0.995, top=0.98, bottom=0.02, hspace=0.1)
    for ax, (name, images) in zip(figure.subplots(len(rows), 1), rows.items(), strict=True):
        real = name in ("real digits", "what is seen")
        colors = ["#f1f1f1", "black"] if real else ["#eaf1f8", "#00407a"]
        strip = np.full((8, 9 * len(images) - 1), np.nan)  # a gap after each image
        for place, image in enumerate(images):
            strip[:, 9 * place : 9 * place + 8] = image.reshape(8, 8)
        ax.imshow(strip, cmap=LinearSegmentedColormap.from_list(name, colors), vmin=0, vmax=16)
        ax.set_axis_off()
        weight = "bold" if real else "normal"
        ax.text(-3, 3.5, name, ha="right", va="center", fontsize=14, weight=weight)
    return figure


if __name__ == "__main__":
    mpl.use("agg")
    wines = wines_with_holes()
    density = TableDensity(random_state=0).fit(wines)
    pictures = {
        "table.png": draw_table(density, wines),
        **draw_started(density, wines),
        "digits.png": draw_digits(),
        "holes.png": draw_holes(),
        "halves.png": draw_halves(),
    }
    for name, figure in pictures.items():
        figure.savefig(Path(__file__).with_name(name), dpi=150 if "started" in name else 100)
