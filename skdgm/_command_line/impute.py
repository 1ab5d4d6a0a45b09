"""``skdgm impute``: the missing cells of a table, filled in."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from .._csv.file import CsvFile
from ..impute import DensityImputer
from .files import give, rows_from
from .messages import CANNOT_WRITE
from .model import open_table
from .options import add_table


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "impute",
        help="fill in the missing cells of a table",
        description="Learns a density of the rows of a table, and writes the table with every "
        "missing cell filled in: by the mean of a number given the rest of its row, rounded as its "
        "column is, or the most probable category. All other cells are written back as they were.",
        epilog="example: skdgm impute patients.csv --output complete.csv",
    )
    add_table(command, "the table")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fill in a table."""
    file, imputer, _ = open_table(arguments)
    return 0 if give(filled(file, imputer), arguments.output) else CANNOT_WRITE


def filled(file: CsvFile, imputer: DensityImputer) -> Iterator[str]:
    """Yield the text of a table with its missing cells filled in."""
    yield file.head
    for part in file.parts():
        with rows_from(part.first):
            completed = imputer.transform(part.frame)
        yield file.filled(part, completed)
