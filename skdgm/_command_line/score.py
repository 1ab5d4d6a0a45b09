"""``skdgm score``: how usual each row of a table is, and which of its cells are not."""

from __future__ import annotations

import argparse
import csv
import io
from typing import Any

from .._csv.file import CsvFile
from .files import give
from .messages import CANNOT_WRITE
from .model import model_is_new, open_table, progress
from .options import add_table

N_CELLS = 3  # of each row that are named, at most
UNLIKELY = 0.05  # probability below which a cell is named
CELL = ("column", "value", "expected", "probability")


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "score",
        help="tell how usual each row of a table is, and which cells are not",
        description="Learns a density of the rows of a table, and writes a line for each row: its "
        "log-probability in nats; the probability that a row of the model is no more probable, "
        "which is small for outliers and compares rows with holes; and up to three of its cells "
        "less likely than 1 in 20 given the rest of the row, with what was expected there.",
        epilog="example: skdgm score payments.csv --output scores.csv",
    )
    add_table(command, "the scores")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score rows and cells."""
    is_new = model_is_new(arguments)
    file, imputer = open_table(arguments)
    progress(arguments, f"scoring {len(file.frame)} rows")
    # Rows that the model has learned from are judged by the members that have not.
    surprise = imputer.density_.surprise(file.frame, random_state=arguments.seed, out_of_bag=is_new)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    cells = [f"{what}_{place}" for place in range(1, N_CELLS + 1) for what in CELL]
    writer.writerow(["row", "log_prob", "tail_probability", *cells])
    scores = surprise.rows.to_numpy()
    for row, ((score, tail), told) in enumerate(
        zip(scores, unlikely_cells(file, surprise), strict=True), start=1
    ):
        texts = [text for cell in told for text in cell]
        empty = [""] * (len(cells) - len(texts))
        writer.writerow([row, f"{score:.4f}", f"{tail:.4g}", *texts, *empty])
    return 0 if give(out.getvalue(), arguments.output) else CANNOT_WRITE


def unlikely_cells(file: CsvFile, surprise: Any) -> list[list[tuple[str, str, str, str]]]:
    """Return the unlikely cells of each row: column, value, what was expected, and how likely."""
    n_unlikely = int((surprise.cell_tails < UNLIKELY).to_numpy().sum())
    told: list[list[tuple[str, str, str, str]]] = [[] for _ in range(len(file.frame))]
    if not n_unlikely:
        return told
    for cell in surprise.suspects(n_unlikely).itertuples():
        own, column = told[cell.row], file.columns[str(cell.column)]
        if len(own) < N_CELLS:
            expected = "" if cell.expected is None else column.text_of(cell.expected)
            value, probability = column.text_of(cell.value), f"{cell.tail_probability:.2g}"
            if value != expected:  # as the column shows them
                own.append((str(cell.column), value, expected, probability))
    return told
