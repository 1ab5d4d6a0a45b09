"""Options that commands share."""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Sequence
from typing import Any


def comma_list(text: str) -> list[str]:
    """Return the parts of a list between commas, which stand in quotes where they are no marks."""
    return [part.strip() for row in csv.reader([text], skipinitialspace=True) for part in row]


def add_reading(command: argparse.ArgumentParser) -> None:
    """Add the options about how a file is read."""
    add = command.add_argument
    add("--sep", metavar="CHARACTER", help="what separates cells, such as ';' (default: found)")
    add("--decimal", metavar="MARK", help="mark of fractions, '.' or ',' (default: found)")
    add(
        "--missing",
        dest="missing_values",
        metavar="VALUES",
        action="append",
        type=comma_list,
        help="cells that are missing values in any column, such as '?,unknown'",
    )


def reading_options(arguments: argparse.Namespace, names: Sequence[str]) -> dict[str, Any]:
    """Return the options of a reader that are given."""
    given = {name: getattr(arguments, name) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    for name in ("missing_values", "drop", "keep"):
        if name in given:
            given[name] = list(itertools.chain.from_iterable(given[name]))
    if given.get("sep") == "\\t":
        given["sep"] = "\t"
    return given


def add_table(command: argparse.ArgumentParser, what: str) -> None:
    """Add the file, the model and other options of commands about a table."""
    add = command.add_argument
    add("data", metavar="FILE.csv", help="table with a header line, plain or as .csv.gz")
    add_reading(command)
    add(
        "--columns",
        metavar="NAME=KIND",
        action="append",
        type=comma_list,
        help="kinds of columns, where they are not what they look like: binary, categorical, "
        "ordinal, count, continuous or identifier, such as zip=categorical",
    )
    add(
        "--model",
        metavar="MODEL.skops",
        help="file of the model: used if it exists, else made from the table (of more than "
        "2,000,000 cells, from rows drawn by --seed)",
    )
    add("--output", metavar="FILE", help=f"where to write {what} (default: standard output)")
    add("--seed", type=int, default=0, metavar="N", help="random seed (default: %(default)s)")
    add("--jobs", type=int, default=1, metavar="N", help="threads (default: %(default)s)")
    add("--quiet", action="store_true", help="show no progress")


def column_kinds(arguments: argparse.Namespace) -> dict[str, str] | None:
    """Return the kinds of columns that are told."""
    told: dict[str, str] = {}
    for part in itertools.chain.from_iterable(arguments.columns or []):
        name, mark, kind = part.rpartition("=")
        if not mark or not name:
            raise ValueError(f"columns must be told as NAME=KIND, got {part!r}.")
        told[name.strip()] = kind.strip()
    return told or None
