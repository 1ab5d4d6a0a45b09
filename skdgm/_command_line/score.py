"""``skdgm score``: how usual each row of a table is, and which of its cells are not."""

from __future__ import annotations

import argparse
import csv
import io
from typing import Any

from .files import give
from .model import open_table, progress
from .options import add_table

CANNOT_WRITE = 1  # exit code
N_CELLS = 3  # of each row that are named


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "score",
        help="tell how usual each row of a table is, and which cells are not",
        description="Learns a density of the rows of a table, and writes a line for each row: its "
        "log-probability in nats, the probability that a row of the model is no more probable (small "
        "for outliers, and comparable between rows with holes), and its least likely cells, with "
        "what they were expected to be by the rest of the row.",
        epilog="example: skdgm score payments.csv --output scores.csv",
    )
    add_table(command, "the scores")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score rows and cells."""
    file, imputer = open_table(arguments)
    progress(arguments, f"scoring {len(file.frame)} rows")
    surprise = imputer.density_.surprise(file.frame, random_state=arguments.seed)
    cells = [f"{what}_{place}" for place in range(1, N_CELLS + 1) for what in CELL]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", "log_prob", "tail_probability", *cells])
    for row, (score, tail, unlikely) in enumerate(_scored(file, surprise), start=1):
        told = [text for cell in unlikely for text in cell]
        told += [""] * (len(cells) - len(told))
        writer.writerow([row, f"{score:.4f}", f"{tail:.4g}", *told])
    return 0 if give(out.getvalue(), arguments.output) else CANNOT_WRITE


CELL = ("column", "value", "expected", "probability")
