"""Spoiled cells: how many of them are among the most surprising ones, and in which rows.

2 % of the observed cells of a table get wrong values. A density learns from the spoiled table, for
that is what a user has, and orders its cells and rows; outlier detectors order its rows.
"""

import time
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdgm import Surprise, TableDensity

SHARE = 0.02  # of the observed cells
MOST_ROWS, QUICK_ROWS = 2000, 300
FEW = 10  # whole numbers of so few values are labels
FACTORS = (10, 100, 0.1)  # mistaken units


def run(tables: dict[str, pd.DataFrame], quick: bool) -> None:
    """Print how well spoiled cells and rows are found in each table."""
    cells, rows = {}, {}
    for name, table in tables.items():
        rng = np.random.default_rng(0)
        most = QUICK_ROWS if quick else MOST_ROWS
        table = table.iloc[np.sort(rng.permutation(len(table))[:most])].reset_index(drop=True)
        table = table.loc[:, [not is_identifier(table[column]) for column in table]]
        spoiled, where = spoil(table, rng)
        cells[name], rows[name] = orders(table, spoiled, where)
        print(f"{name}: {where.sum()} cells spoiled", flush=True)
    print(
        "\nCells, by their tail probability, and by their surprise beyond the mean of the column:"
    )
    print(
        "precision at the number of spoiled cells, area under the ROC curve; and labels among the"
    )
    print("spoiled cells for which the true one is expected, out of bag (%).\n")
    print_table(cells)
    print("\nRows with a spoiled cell: area under the ROC curve.\n")
    print_table(rows)


def print_table(results: dict[str, dict[str, float]]) -> None:
    """Print results as a table of Markdown, with their means."""
    frame = pd.DataFrame(results).T
    frame.loc["mean"] = frame.mean()
    print("| table |", " | ".join(frame.columns), "|")
    print("|---|" + "---|" * frame.shape[1])
    for name, row in frame.iterrows():
        print(f"| {name} |", " | ".join(f"{value:.3g}" for value in row), "|", flush=True)


# ---------------------------------------------------------------------- spoiling
def is_identifier(column: pd.Series) -> bool:
    """Return whether text says nothing about other rows, for nearly every row has its own."""
    return not is_number(column) and column.nunique() > 0.5 * column.notna().sum()


def is_number(column: pd.Series) -> bool:
    """Return whether a column holds more numbers than labels."""
    return pd.api.types.is_numeric_dtype(column) and column.nunique() > FEW


def spoil(table: pd.DataFrame, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the table with wrong values in a share of its observed cells, and a mask of these."""
    possible = table.notna().to_numpy() & (table.nunique() > 1).to_numpy()
    places = np.argwhere(possible)
    chosen = rng.choice(len(places), round(SHARE * len(places)), replace=False)
    where = np.zeros(table.shape, dtype=bool)
    where[tuple(places[chosen].T)] = True
    spoiled = table.copy()
    for place, name in enumerate(table):
        column = table[name]
        wrong = column.astype(object)
        for row in np.flatnonzero(where[:, place]):
            wrong.iloc[row] = wrong_value(column, column.iloc[row], rng)
        spoiled[name] = wrong.infer_objects()
    return spoiled, where


def wrong_value(column: pd.Series, value: object, rng: np.random.Generator) -> object:
    """Return another value, such as mistakes in entering it make of it."""
    if is_number(column):
        mistakes = [swapped(value, rng), float(value) * rng.choice(FACTORS)]
        rng.shuffle(mistakes)
        for wrong in mistakes:
            wrong = round(wrong) if pd.api.types.is_integer_dtype(column) else round(wrong, 6)
            if wrong != value:
                return wrong
    others = column[column.notna() & (column != value)].tolist()
    return others[rng.integers(len(others))]


def swapped(value: float, rng: np.random.Generator) -> float:
    """Return a number with two neighbouring digits swapped, if it has two that differ."""
    text = list(f"{value:.10g}")
    digits = [place for place, sign in enumerate(text) if sign.isdigit()]
    pairs = [(first, second) for first, second in pairwise(digits) if text[first] != text[second]]
    if pairs:
        first, second = pairs[rng.integers(len(pairs))]
        text[first], text[second] = text[second], text[first]
    return float("".join(text))


# ---------------------------------------------------------------------- orders
def orders(
    table: pd.DataFrame, spoiled: pd.DataFrame, where: np.ndarray
) -> tuple[dict[str, float], dict[str, float]]:
    """Return how well cells, and rows, are ordered."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        density = TableDensity(random_state=0).fit(spoiled)
    fitted = time.perf_counter()
    observed, has_spoiled = spoiled.notna().to_numpy(), where.any(axis=1)
    truth, found, of_rows = where[observed], {}, {}
    for way, out_of_bag in {"": False, " (out of bag)": True}.items():
        surprise = density.surprise(spoiled, random_state=0, out_of_bag=out_of_bag)
        tails, raw = surprise.cell_tails.to_numpy(), surprise.cells.to_numpy()
        raw = np.where(np.isinf(raw), raw[np.isfinite(raw)].max(), raw)
        found["tails" + way] = -tails[observed]
        found["excess" + way] = (raw - np.nanmean(raw, axis=0))[observed]
        of_rows["tail probability" + way] = -surprise.rows["tail_probability"]
        of_rows["least cell tail" + way] = -np.nanmin(tails, axis=1)
    asked = time.perf_counter()
    cells = {}
    for name, score in found.items():
        first = np.argsort(-score, kind="stable")[: truth.sum()]
        cells[f"precision, {name}"] = truth[first].mean()
    for name, score in found.items():
        cells[f"AUC, {name}"] = roc_auc_score(truth, score)
    cells["labels restored"] = 100 * restored(surprise, table, where)
    cells["fit, s"], cells["surprise, s"] = fitted - start, asked - fitted
    X = encoded(spoiled)
    of_rows["IsolationForest"] = -IsolationForest(random_state=0).fit(X).score_samples(X)
    of_rows["LocalOutlierFactor"] = -LocalOutlierFactor().fit(X).negative_outlier_factor_
    return cells, {name: roc_auc_score(has_spoiled, score) for name, score in of_rows.items()}


def restored(surprise: Surprise, table: pd.DataFrame, where: np.ndarray) -> float:
    """Return the share of spoiled labels for which the judge of the row expects the true one."""
    suspects = surprise.suspects(where.size).set_index(["row", "column"])["expected"]
    right = []
    for row, place in np.argwhere(where):
        if not is_number(table.iloc[:, place]):
            expected, true = suspects[row, table.columns[place]], table.iat[row, place]
            right.append((round(expected) if isinstance(expected, float) else expected) == true)
    return float(np.mean(right)) if right else np.nan


def encoded(table: pd.DataFrame) -> np.ndarray:
    """Return a table as the detectors need it: numbers standardised, labels one-hot, no holes."""
    numbers = [name for name in table if is_number(table[name])]
    labels = [name for name in table if name not in numbers]
    table = table.astype({name: object for name in labels})
    text = table[labels].where(table[labels].isna(), table[labels].astype(str))
    one_hot = OneHotEncoder(min_frequency=5, handle_unknown="ignore", sparse_output=False)
    transformer = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot), labels),
    )
    return transformer.fit_transform(pd.concat([table[numbers], text], axis=1))
