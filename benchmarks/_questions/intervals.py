"""Coverage of conditional intervals of numbers that were removed from held-out rows."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd

from skdgm import TableDensity

LEVELS = (0.5, 0.8, 0.9, 0.95)
HELD_OUT, REMOVED = 0.3, 0.2  # shares of the rows, and of their cells of numbers
MOST_ROWS = 2000
NUMBERS = ("ordinal", "count", "continuous")


def run(tables: dict[str, pd.DataFrame], quick: bool) -> None:
    """Print coverage and width of the intervals, for each table and all together."""
    print(
        f'`TableDensity(handle_unknown="missing", random_state=0)`, fitted to {1 - HELD_OUT:.0%} '
        f"of up to {MOST_ROWS} rows; of the numbers in the others, {REMOVED:.0%} are removed. "
        "Share of these that lie in "
        "`conditional_interval`, and in brackets the mean width, in standard deviations of the "
        "columns, beside that of the columns' own intervals (of a row without observed values). "
        "Rounded numbers have intervals of at least the level.\n"
    )
    print("| table | numbers | seconds | " + " | ".join(f"{level:.0%}" for level in LEVELS) + " |")
    print("|---|---:|---:|" + "---:|" * len(LEVELS))
    found = []
    for name, table in tables.items():
        own, seconds = _of_table(table.head(300) if quick else table)
        _print_row(name, own, f"{seconds:.0f}")
        found.append(own)
    if len(found) > 1:
        _print_row("all", np.concatenate(found, axis=2), "")


def _print_row(name: str, found: np.ndarray, seconds: str) -> None:
    covered, width, usual = found.mean(axis=2)
    cells = [f"{own:.1%} ({wide:.2f})" for own, wide in zip(covered, width / usual, strict=True)]
    print(f"| {name} | {found.shape[2]:,} | {seconds} | {' | '.join(cells)} |", flush=True)


def _of_table(table: pd.DataFrame) -> tuple[np.ndarray, float]:
    """Return what intervals of removed numbers hold, and the seconds that it took to find them.

    Of each level and number, that are 1 if the interval holds the number, its width, and that of
    the column's own interval: (3, n_levels, n_numbers).
    """
    rng = np.random.default_rng(0)
    table = table.iloc[rng.permutation(len(table))[:MOST_ROWS]].reset_index(drop=True)
    n_held_out = round(HELD_OUT * len(table))
    test, training = table[:n_held_out], table[n_held_out:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        density = TableDensity(handle_unknown="missing", random_state=0).fit(training)
    kinds = density.column_kinds_
    numbers = [
        name
        for name in table
        if kinds[name] in NUMBERS and pd.api.types.is_numeric_dtype(table[name])
    ]
    removed = pd.DataFrame(False, index=test.index, columns=test.columns)
    removed[numbers] = rng.random((len(test), len(numbers))) < REMOVED
    removed &= test.notna()
    holes = test.mask(removed)
    nothing = test[:1].mask(np.ones((1, test.shape[1]), dtype=bool))
    start = time.perf_counter()
    ends = [density.conditional_interval(holes, level) for level in LEVELS]
    seconds = time.perf_counter() - start
    found = []
    for level, (lower, upper) in zip(LEVELS, ends, strict=True):
        least, most = density.conditional_interval(nothing, level)
        of_columns = []
        for name in numbers:
            rows = removed[name].to_numpy()
            truth, low, high = (own[name][rows].to_numpy(float) for own in (test, lower, upper))
            usual = float(most[name].iloc[0]) - float(least[name].iloc[0])
            unit = float(training[name].std())
            inside = (low <= truth) & (truth <= high)
            widths = (high - low) / unit, np.full(len(truth), usual / unit)
            of_columns.append(np.stack([inside, *widths]))
        found.append(np.concatenate(of_columns, axis=1))
    return np.stack(found, axis=1), seconds
