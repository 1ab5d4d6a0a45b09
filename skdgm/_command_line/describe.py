"""``skdgm describe``: what the columns of a table hold, and how they depend on one another."""

from __future__ import annotations

import argparse
import csv
import io
import textwrap
import warnings
from typing import Any

import numpy as np

from .._csv.file import CsvFile
from .files import give
from .messages import CANNOT_WRITE, show_warning
from .model import open_table, progress
from .oddities import oddities
from .options import add_table

WIDTH = 80
N_PAIRS = 10
N_VALUES = 3
N_DRAWS = 300


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "describe",
        help="tell what the columns of a table hold, and which depend on one another",
        description="Reads a table, learns a density of its rows, and prints the kind of each "
        "column, how many cells are missing, what it holds, what was found odd, and the strongest "
        "dependences. With --output, the columns are written as a CSV file.",
        epilog="example: skdgm describe patients.csv",
    )
    add_table(command, "the columns, as CSV")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Describe a table."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", UserWarning)
        file, imputer, _ = open_table(arguments)
    density = imputer.density_
    kinds = {str(name): kind for name, kind in density.column_kinds_.items()}
    rows = [
        (name, kinds[name], _share_missing(file, name), _summary(file, name, kinds[name]))
        for name in file.columns
    ]
    if arguments.output is not None:
        for warning in found:
            show_warning(warning.message)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["column", "kind", "missing", "holds"])
        writer.writerows((name, kind, f"{share:.4g}", held) for name, kind, share, held in rows)
        return 0 if give([out.getvalue()], arguments.output) else CANNOT_WRITE
    progress(arguments, "comparing columns")
    odd = [str(warning.message) for warning in found] + oddities(file, kinds)
    pairs = _dependences(density, arguments.seed)
    return 0 if give([_report(file, rows, odd, pairs)], None) else CANNOT_WRITE


# ---------------------------------------------------------------------- what columns hold
def _share_missing(file: CsvFile, name: str) -> float:
    return float(file.frame[name].isna().mean())


def _summary(file: CsvFile, name: str, kind: str) -> str:
    """Return what a column holds in words."""
    cells, column = file.frame[name].dropna(), file.columns[name]
    if kind == "identifier":
        return f"{cells.nunique()} different values, such as {column.text_of(cells.iloc[0])}"
    if kind == "constant":
        return f"always {column.text_of(cells.iloc[0])}"
    if kind in ("binary", "categorical") or column.sort == "label":
        shares = cells.value_counts(normalize=True)
        listed = [
            f"{column.text_of(value)} {share:.0%}" for value, share in shares[:N_VALUES].items()
        ]
        more = f", {len(shares) - N_VALUES} more" if len(shares) > N_VALUES else ""
        return ", ".join(listed) + more
    low, middle, high = (column.text_of(_quantile(cells, q)) for q in (0, 0.5, 1))
    return f"{low} to {high}, median {middle}"


def _quantile(cells: Any, q: float) -> Any:
    return cells.sort_values().iloc[round(q * (len(cells) - 1))]


# ---------------------------------------------------------------------- how columns depend
def _dependences(density: Any, seed: int) -> list[tuple[str, str, float]]:
    """Return the pairs of columns that depend most on one another, by informational correlation."""
    information = density.mutual_information(n_samples=N_DRAWS, random_state=seed)
    names, table = [str(name) for name in information.columns], information.to_numpy()
    first, second = np.triu_indices(len(names), 1)
    correlation = np.sqrt(-np.expm1(-2 * np.maximum(table[first, second], 0.0)))
    order = np.argsort(-correlation, kind="stable")[:N_PAIRS]
    return [
        (names[first[k]], names[second[k]], float(correlation[k]))
        for k in order
        if correlation[k] >= 0.1
    ]


# ---------------------------------------------------------------------- the report
def _report(
    file: CsvFile,
    rows: list[tuple[str, str, float, str]],
    odd: list[str],
    pairs: list[tuple[str, str, float]],
) -> str:
    lines = [f"{len(file.frame)} rows, {len(file.columns)} columns", ""]
    width = min(max(len("column"), *(len(name) for name, *_ in rows)), 24)
    lines.append(f"{'column':<{width}}  {'kind':<11}  missing  holds")
    for name, kind, share, held in rows:
        missing = "" if share == 0 else f"{share:.0%}" if share >= 0.005 else "<1%"
        start = f"{_short(name, width):<{width}}  {kind:<11}  {missing:>7}  "
        lines.append(start + _short(held, max(WIDTH - len(start), 20)))
    if odd:
        lines += ["", "odd"]
        for told in odd:
            lines += textwrap.wrap(
                told, WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False
            )
    lines += ["", "strongest dependences (informational correlation, 0 to 1)"]
    lines += [f"{strength:.2f}  {first} - {second}" for first, second, strength in pairs]
    if not pairs:
        lines.append("none above 0.1")
    return "\n".join(lines) + "\n"


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
