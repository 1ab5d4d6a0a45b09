"""``skdgm sample``: new rows like those of a table, given what is known of them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._csv.columns import CsvColumn
from .._csv.file import CsvFile
from .files import give
from .messages import CANNOT_WRITE
from .model import open_table
from .options import add_table

CELLS_AT_ONCE = 2**20  # that are drawn


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "sample",
        help="draw new rows like those of a table",
        description="Learns a density of the rows of a table, and writes new rows with the same "
        "columns, drawn from it. With --given, from the rows that agree with what is known.",
        epilog="example: skdgm sample passengers.csv -n 5 --given port=S,C --given age=30..40",
    )
    command.add_argument(
        "-n",
        "--rows",
        dest="n",
        type=int,
        default=100,
        metavar="N",
        help="number of rows (default: %(default)s)",
    )
    command.add_argument(
        "--given",
        metavar="COLUMN=VALUE",
        action="append",
        default=[],
        help="what is known of a column: a value, several between commas, or an interval such as "
        "30..40, 30.. or ..40, whose ends belong to it; may be repeated",
    )
    add_table(command, "the rows")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw rows."""
    if arguments.n < 1:
        raise ValueError(f"n_samples must be at least 1, got {arguments.n}.")
    file, imputer, _ = open_table(arguments)
    evidence = read_given(arguments.given, file)
    rows = drawn(file, imputer.density_, evidence, arguments.n, arguments.seed)
    return 0 if give(rows, arguments.output) else CANNOT_WRITE


def drawn(
    file: CsvFile, density: Any, evidence: dict[str, Any], n_samples: int, seed: int
) -> Iterator[str]:
    """Yield the text of new rows, drawn in blocks of a size that only the number of columns tells.

    The first block has the seed as it is, each later one a generator of the seed and its number.
    """
    nothing = next(file.parts()).frame.iloc[:0]
    size = max(1, CELLS_AT_ONCE // len(file.columns))
    for number, first in enumerate(range(0, n_samples, size)):
        n_rows = min(size, n_samples - first)
        source: Any = np.random.default_rng([seed, number]) if number else seed
        if evidence:
            empty = nothing.reindex(range(n_rows))
            table = density.conditional_sample(empty, source, evidence=evidence)
        else:
            table = density.sample(n_rows, random_state=source)
        yield file.rows_like(table) if number else file.head_of_rows() + file.rows_like(table)


def read_given(given: Sequence[str], file: CsvFile) -> dict[str, Any]:
    """Return the evidence that is written as COLUMN=VALUE."""
    evidence: dict[str, Any] = {}
    for part in given:
        name, mark, told = part.partition("=")
        name = name.strip()
        if not mark or name not in file.columns:
            known = ", ".join(map(repr, file.columns))
            raise ValueError(f"given must be COLUMN=VALUE with a column of {known}; got {part!r}.")
        if name in evidence:
            raise ValueError(f"given must name each column once, but {name!r} is repeated.")
        evidence[name] = _told(told.strip(), file.columns[name])
    return evidence


def _told(told: str, column: CsvColumn) -> Any:
    """Return a value, an interval as a tuple, or a set of values."""
    ends = re.fullmatch(r"(.*?)\.\.(.*)", told)
    if ends and (column.sort != "label" or not _is_label(told, column)):
        low, high = (column.value_of(end) if end.strip() else None for end in ends.groups())
        return low, high
    if column.sort == "number" and column.decimal == "," and ";" not in told:
        return column.value_of(told)
    parts = [part.strip() for part in re.split("[,;]" if column.decimal == "." else ";", told)]
    values = [column.value_of(part) for part in parts if part]
    if not values:
        raise ValueError(f"given must tell a value of column {column.name!r}, got {told!r}.")
    return values[0] if len(values) == 1 else set(values)


def _is_label(told: str, column: CsvColumn) -> bool:
    return told in {text for _, text in column.labels}
